import { record } from "./dataverse-rows";
import { failure, makeMailbox, type Resource, type Row, startWorld, type World } from "./harness";

/**
 * A refresh puts drift into a state in words that no program may write, and `ignoreChanges` makes the engine hand them back: then the
 * property is left as it is, and everything else goes on.
 */

const SUPPORT = "support@contoso.com";
const ADA = "ada@contoso.com";
const COLLECTOR = "forwardmailbox@contoso.com";
const support = { displayName: "Support", primarySmtpAddress: SUPPORT };
const REJECTED = 3;
const intake = { name: "CRM intake", emailAddress: COLLECTOR, testAndEnable: false };

/** Asserts that a deployment of `program` with `changed` goes on, tells of the drift, and leaves it to every later command. */
async function expectLeft(world: World, resource: Resource, ignored: string, word: string, program: Row, changed: Row) {
  const held = structuredClone(resource.state?.inputs) as Row;
  // Whoever writes the word himself is refused, also where the state has the same.
  const [property = "", key] = ignored.split("/");
  const literal = key === undefined ? held[property] : { [key]: (held[property] as Row)[key] };
  expect(await failure(resource.check({ ...program, [property]: literal }))).toMatch(new RegExp(`^${property}`));

  resource.ignoreChanges = [ignored];
  world.warnings.splice(0);
  expect(await resource.plan(program)).toEqual([]);
  expect(world.warnings.join("\n")).toContain(`${word}`);
  expect(world.warnings.join("\n")).toContain("ignoreChanges keeps it that way");
  await resource.up(program);
  expect(await resource.plan({ ...program, ...changed })).toEqual(Object.keys(changed));
  await resource.up({ ...program, ...changed });
  expect(await resource.refresh()).toEqual({});
  expect(resource.state?.inputs[property]).toEqual(held[property]);
  expect(await resource.plan({ ...program, ...changed })).toEqual([]);
}

test("a path that has no effect is told in each preview", async () => {
  const world = await startWorld();
  const resource = world.resource("SharedMailbox", "support");
  resource.ignoreChanges = ["DisplayName"];
  await resource.up(support);
  expect(world.warnings.splice(0).join("\n")).toContain("ignoreChanges: DisplayName has no effect");
  await resource.plan(support);
  expect(world.warnings).toEqual([
    "ignoreChanges: DisplayName has no effect: SharedMailbox has no input of this name. Write displayName.",
  ]);
});

describe("of a shared mailbox", () => {
  test("type", async () => {
    const world = await startWorld();
    const resource = await world.resource("SharedMailbox", "support").up(support);
    await world.exchange("Set-Mailbox", { Identity: resource.id, Type: "Regular" });
    await resource.refresh();
    await expectLeft(world, resource, "type", "type is not as declared", support, { displayName: "Renamed" });
    expect((await world.exchange("Get-Mailbox", { Identity: resource.id }))[0]).toMatchObject({
      RecipientTypeDetails: "UserMailbox",
      DisplayName: "Renamed",
    });
    resource.ignoreChanges = [];
    await resource.up({ ...support, displayName: "Renamed" });
    expect((await world.exchange("Get-Mailbox", { Identity: resource.id }))[0]).toMatchObject({
      RecipientTypeDetails: "SharedMailbox",
    });
  });

  test("forwarding to a recipient and an address beside it", async () => {
    const world = await startWorld();
    const program = { ...support, forwarding: { to: ADA } };
    const resource = await world.resource("SharedMailbox", "support").up(program);
    await world.exchange("Set-Mailbox", {
      Identity: resource.id,
      ForwardingSmtpAddress: "smtp:mallory@northwind.example",
    });
    await resource.refresh();
    await expectLeft(world, resource, "forwarding", "mallory@northwind.example", program, { displayName: "Renamed" });
    expect((await world.exchange("Get-Mailbox", { Identity: resource.id }))[0]).toMatchObject({
      ForwardingSmtpAddress: "smtp:mallory@northwind.example",
      DisplayName: "Renamed",
    });
    resource.ignoreChanges = [];
    await resource.up({ ...program, displayName: "Renamed" });
    expect((await world.exchange("Get-Mailbox", { Identity: resource.id }))[0]?.ForwardingSmtpAddress).toBeNull();
  });

  test.each(["forwarding", "acceptMessagesOnlyFrom"])("%s, of two whom nothing tells apart", async (property) => {
    const world = await startWorld();
    const declared = property === "forwarding" ? { forwarding: { to: ADA } } : { acceptMessagesOnlyFrom: [ADA] };
    const program = { ...support, ...declared };
    const resource = await world.resource("SharedMailbox", "support").up(program);
    for (const one of ["grace@contoso.com", "alan@contoso.com"]) {
      await world.patchRecipient(one, { name: "Andrew Smith" });
    }
    await world.exchange("Set-Mailbox", {
      Identity: resource.id,
      ...(property === "forwarding"
        ? { ForwardingAddress: "grace@contoso.com" }
        : { AcceptMessagesOnlyFromSendersOrMembers: ["grace@contoso.com"] }),
    });
    if (property === "forwarding") {
      // The mailbox itself is read; then Exchange is asked which of the two it is.
      await world.fault({ cmdlet: "Get-Mailbox", after: 1, answer: { status: 200, body: { value: [] } }, times: 2 });
    }
    await resource.refresh();
    resource.ignoreChanges = [property];
    expect(JSON.stringify(resource.state?.inputs[property])).toContain(" or ");
    expect(await resource.plan(program)).toEqual([]);
    await resource.up({ ...program, displayName: "Renamed" });
    expect((await world.exchange("Get-Mailbox", { Identity: resource.id }))[0]).toMatchObject(
      property === "forwarding"
        ? { ForwardingAddress: "Andrew Smith" }
        : { AcceptMessagesOnlyFromSendersOrMembers: ["Andrew Smith"] },
    );
  });
});

describe("of a record in Dynamics", () => {
  test("sources, or one of them", async () => {
    for (const ignored of ["sources", `sources/${SUPPORT}`]) {
      const world = await startWorld();
      await makeMailbox(world, COLLECTOR);
      const id = await makeMailbox(world, SUPPORT);
      const program = { ...intake, sources: { [SUPPORT]: {}, [ADA]: {} } };
      const resource = await world.resource("ForwardingMailbox", "intake").up(program);
      const rules = async () =>
        (await world.graph("GET", `/users/${id}/mailFolders/inbox/messageRules`))?.value as Row[];
      const [rule] = await rules();
      await world.graph("PATCH", `/users/${id}/mailFolders/inbox/messageRules/${rule?.id}`, { isEnabled: false });
      await resource.refresh();
      await expectLeft(world, resource, ignored, "the rule is disabled", program, { deleteAfterProcessing: true });
      expect(await rules()).toMatchObject([{ isEnabled: false }]);
      resource.ignoreChanges = [];
      await resource.up({ ...program, deleteAfterProcessing: true });
      expect(await rules()).toMatchObject([{ isEnabled: true }]);
    }
  });

  const GRACE = "grace@contoso.com";
  const kinds: [kind: "IndividualMailbox" | "ForwardingMailbox" | "Queue", program: Row, changed: Row][] = [
    [
      "IndividualMailbox",
      { user: GRACE, incomingEmail: "ServerSideSynchronization", outgoingEmail: "ServerSideSynchronization" },
      { outgoingEmail: "None" },
    ],
    ["ForwardingMailbox", { name: "CRM intake", emailAddress: COLLECTOR }, { name: "CRM intake 2" }],
    [
      "Queue",
      { name: "Sales", emailAddress: SUPPORT, incomingEmail: "ServerSideSynchronization" },
      { name: "Sales 2" },
    ],
  ];

  test.each(kinds)("approveEmail and testAndEnable of %s", async (kind, program, changed) => {
    const world = await startWorld();
    await makeMailbox(world, COLLECTOR);
    await makeMailbox(world, SUPPORT);
    const resource = await world.resource(kind, "one").up(program);
    const mailbox = String(resource.outputs.mailboxId ?? resource.id);
    await world.dataverse("PATCH", `/mailboxes(${mailbox})`, { emailrouteraccessapproval: REJECTED });
    const drift = await resource.refresh();
    expect(Object.keys(drift).sort()).toEqual(["approveEmail"]);
    await expectLeft(world, resource, "approveEmail", "not done: the approval of", program, changed);
    expect(await record(world, mailbox)).toMatchObject({ emailrouteraccessapproval: REJECTED });
  });

  test("testAndEnable", async () => {
    const world = await startWorld({ settings: { approval: "silent" }, config: { settleTimeout: "0.3s" } });
    await makeMailbox(world, SUPPORT);
    const program = { name: "Sales", emailAddress: SUPPORT, incomingEmail: "ServerSideSynchronization" };
    const resource = await world.resource("Queue", "sales").up(program);
    await world.control("PATCH", "settings", { approval: "authorised" });
    await world.dataverse("PATCH", `/queues(${resource.id})`, { emailrouteraccessapproval: 1 });
    expect(Object.keys(await resource.refresh())).toEqual(["testAndEnable"]);
    await expectLeft(world, resource, "testAndEnable", "not tested", program, { name: "Sales 2" });
    expect(await record(world, String(resource.outputs.mailboxId))).toMatchObject({ incomingemailstatus: 0 });
    resource.ignoreChanges = [];
    await resource.up({ ...program, name: "Sales 2" });
    expect(await record(world, String(resource.outputs.mailboxId))).toMatchObject({ incomingemailstatus: 1 });
  });

  test.each(["IndividualMailbox", "ForwardingMailbox"] as const)("credentials of %s", async (kind) => {
    const world = await startWorld();
    await makeMailbox(world, COLLECTOR);
    const owner = kind === "ForwardingMailbox" ? intake : { user: GRACE, testAndEnable: false };
    const program = { ...owner, serverProfile: "Contoso mailbox credentials", credentials: false };
    const resource = await world.resource(kind, "one").up(program);
    const theirs = { username: "contoso\\somebody", allowemailconnectortousecredentials: true };
    await world.dataverse("PATCH", `/mailboxes(${resource.id})`, { ...theirs, password: "correct horse" });
    expect(await resource.refresh()).toEqual({ credentials: [false, { userName: theirs.username }] });
    await expectLeft(world, resource, "credentials", "somebody", program, { outgoingEmail: "None" });
    expect(await record(world, resource.id)).toMatchObject(theirs);
    resource.ignoreChanges = [];
    await resource.up({ ...program, outgoingEmail: "None" });
    expect(await record(world, resource.id)).toMatchObject({ username: null, ispasswordset: false });
  });
});
