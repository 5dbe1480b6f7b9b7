import {
  expectForeign,
  forgetRequests,
  patches,
  profileId,
  record,
  recordId,
  row,
  rows,
  sales,
  seeded,
  userId,
} from "./dataverse-rows";
import { failure, type Resource, type Row, startWorld, type World } from "./harness";

const ADA = "ada@contoso.com";
const adas = recordId(1);
const NONE = 0;
const OUTLOOK = 1;
const SERVER_SIDE = 2;
const FORWARD_MAILBOX = 3;
const TAKES_CREDENTIALS = "Contoso mailbox credentials";
const credentials = { userName: "contoso\\ada", password: "first" };

/** Ada's record, or that of the queue Sales, without the commands: only values. */
const user = { user: ADA, testAndEnable: false };
const queue = { queue: sales.queue, testAndEnable: false, approveEmail: false };

async function made(world: World, program: Row, name = "record"): Promise<Resource> {
  const resource = await world.resource("IndividualMailbox", name).up(program);
  await world.writes();
  return resource;
}

/** A record that `pulumi import` took in: nothing is known of what it was before. */
function imported(world: World, id: string, inputs: Row, regarding: string): Resource {
  const resource = world.resource("IndividualMailbox", "record");
  const hidden = { __origin: resource.urn };
  resource.state = {
    id,
    inputs: { ...inputs, ...hidden },
    outputs: { ...inputs, ...hidden, regarding },
    isTainted: false,
  };
  return resource;
}

/** Changes the record by hand; the address goes by the user or queue. */
async function changeByHand(world: World, id: string, change: Row): Promise<void> {
  const { emailaddress, ...others } = change;
  if (emailaddress !== undefined) {
    const path = id === sales.record ? `/queues(${sales.queue})` : `/systemusers(${userId(1)})`;
    const column = id === sales.record ? "emailaddress" : "internalemailaddress";
    await world.dataverse("PATCH", path, { [column]: emailaddress });
  }
  if (Object.keys(others).length > 0) {
    await world.dataverse("PATCH", `/mailboxes(${id})`, others);
  }
}

interface Case {
  /** Ada's record, or the queue's. */
  of?: "queue";
  /** What else the program declares. */
  with?: Row;
  values: [unknown, unknown];
  columns: [Row, Row];
  /** What is sent, where it is not what is read. */
  sent?: Row;
  byHand: Row;
  read: unknown;
  /** What the record has once somebody changed it. */
  changed?: Row;
  former: Row;
}

const cases: Record<string, Case> = {
  emailAddress: {
    values: ["ada.l@contoso.com", "ada.k@contoso.com"],
    columns: [{ emailaddress: "ada.l@contoso.com" }, { emailaddress: "ada.k@contoso.com" }],
    byHand: { emailaddress: "countess@contoso.com" },
    read: "countess@contoso.com",
    former: { emailaddress: ADA },
  },
  "emailAddress of a queue": {
    of: "queue",
    values: ["sell@contoso.com", "sold@contoso.com"],
    columns: [{ emailaddress: "sell@contoso.com" }, { emailaddress: "sold@contoso.com" }],
    byHand: { emailaddress: "selling@contoso.com" },
    read: "selling@contoso.com",
    former: { emailaddress: "sales@contoso.com" },
  },
  serverProfile: {
    values: [TAKES_CREDENTIALS, "Microsoft Exchange Online"],
    columns: [{ _emailserverprofile_value: profileId(3) }, { _emailserverprofile_value: profileId(1) }],
    sent: { "emailserverprofile@odata.bind": `/emailserverprofiles(${profileId(1)})` },
    byHand: { "emailserverprofile@odata.bind": null },
    read: null,
    changed: { _emailserverprofile_value: null },
    former: { _emailserverprofile_value: profileId(1) },
  },
  incomingEmail: {
    values: ["None", "ForwardMailbox"],
    columns: [{ incomingemaildeliverymethod: NONE }, { incomingemaildeliverymethod: FORWARD_MAILBOX }],
    byHand: { incomingemaildeliverymethod: OUTLOOK },
    read: "Outlook",
    former: { incomingemaildeliverymethod: SERVER_SIDE },
  },
  outgoingEmail: {
    values: ["Outlook", "ServerSideSynchronization"],
    columns: [{ outgoingemaildeliverymethod: OUTLOOK }, { outgoingemaildeliverymethod: SERVER_SIDE }],
    byHand: { outgoingemaildeliverymethod: NONE },
    read: "None",
    former: { outgoingemaildeliverymethod: SERVER_SIDE },
  },
  appointmentsContactsTasks: {
    values: ["None", "Outlook"],
    columns: [{ actdeliverymethod: 2 }, { actdeliverymethod: 0 }],
    byHand: { actdeliverymethod: 0 },
    read: "Outlook",
    former: { actdeliverymethod: 1 },
  },
  deleteAfterProcessing: {
    of: "queue",
    values: [true, false],
    columns: [{ processanddeleteemails: true }, { processanddeleteemails: false }],
    byHand: { processanddeleteemails: false },
    read: false,
    former: { processanddeleteemails: false },
  },
  credentials: {
    with: { serverProfile: TAKES_CREDENTIALS },
    values: [credentials, { userName: "contoso\\lovelace", password: "second" }],
    columns: [
      { allowemailconnectortousecredentials: true, username: "contoso\\ada", ispasswordset: true },
      { allowemailconnectortousecredentials: true, username: "contoso\\lovelace", ispasswordset: true },
    ],
    sent: { allowemailconnectortousecredentials: true, username: "contoso\\lovelace", password: "[redacted]" },
    byHand: { username: "contoso\\somebody" },
    read: { userName: "contoso\\somebody", password: credentials.password },
    former: { allowemailconnectortousecredentials: false, username: null, ispasswordset: false },
  },
};

/** A case and what all its tests need. */
function of([name, one]: [string, Case]) {
  const [property = ""] = name.split(" ");
  const id = one.of === "queue" ? sales.record : adas;
  const program = { ...(one.of === "queue" ? queue : user), ...one.with };
  return {
    property,
    id,
    program,
    first: { ...program, [property]: one.values[0] },
    second: { ...program, [property]: one.values[1] },
    ...one,
  };
}

describe("a property", () => {
  describe.each(Object.entries(cases).map((entry) => [entry[0], of(entry)] as const))("%s", (_name, one) => {
    const { property, id, program, first, second, columns, byHand, former } = one;

    test("is set, changed in place with nothing else in the request, and goes back when it is removed", async () => {
      const world = await startWorld();
      const resource = await made(world, first);
      expect(resource.id).toBe(id);
      expect(await record(world, id)).toMatchObject(columns[0]);
      expect(await resource.plan(first)).toEqual([]);
      expect(await resource.refresh()).toEqual({});
      const plan = await resource.plan(second);
      expect(plan.map((path) => path.split("/")[0])).toEqual(plan.map(() => property));

      await forgetRequests(world);
      await resource.up(second);
      expect(await record(world, id)).toMatchObject(columns[1]);
      expect(resource.id).toBe(id);
      if (property === "emailAddress") {
        const [set, column] = one.of === "queue" ? ["queues", "emailaddress"] : ["systemusers", "internalemailaddress"];
        // A user's approval is asked for as well, because the address is new.
        expect((await patches(world, set))[0]).toEqual({ [column]: one.values[1] });
        expect(await patches(world, "mailboxes")).toEqual([]);
      } else {
        expect(await patches(world, "mailboxes")).toEqual([one.sent ?? columns[1]]);
      }
      expect(await resource.plan(second)).toEqual([]);
      expect(await resource.refresh()).toEqual({});

      await resource.up(program);
      expect(await record(world, id)).toMatchObject(former);
      expect(await resource.refresh()).toEqual({});
      expect(await resource.plan(program)).toEqual([]);
    });

    test("changed behind our back is named and repaired, and goes back in the end", async () => {
      const world = await startWorld();
      const resource = await made(world, first);
      await changeByHand(world, id, byHand);
      const drift = await resource.refresh();
      expect(Object.keys(drift).map((path) => path.split("/")[0])).toEqual([property]);
      expect(resource.state?.inputs[property] ?? null).toEqual(one.read);
      expect((await resource.plan(first)).length).toBe(1);
      await resource.up(first);
      expect(await record(world, id)).toMatchObject(columns[0]);
      expect(await resource.refresh()).toEqual({});
      await resource.destroy();
      expect(await record(world, id)).toMatchObject(former);
    });

    test("goes back when the resource is deleted", async () => {
      const world = await startWorld();
      const before = await record(world, id);
      const resource = await made(world, second);
      await resource.destroy();
      expect(await record(world, id)).toMatchObject(former);
      const { owner, ...same } = unchanged(before);
      expect(await record(world, id)).toMatchObject(same);
      expect(owner).toBeUndefined();
    });
  });

  // A Boolean that somebody changed is what it was before, whoever did it.
  const several = Object.entries(cases).filter(([name]) => name !== "deleteAfterProcessing");

  describe.each(several.map((entry) => [entry[0], of(entry)] as const))("%s, changed by somebody,", (_name, one) => {
    const { id, program, first, byHand, changed = byHand } = one;

    test.each<[string, (resource: Resource) => Promise<unknown>]>([
      ["removed", (resource) => resource.up(program)],
      ["removed after a refresh", (resource) => resource.refresh().then(() => resource.up(program))],
      ["deleted", (resource) => resource.destroy()],
      ["deleted after a refresh", (resource) => resource.refresh().then(() => resource.destroy())],
    ])("is left as it is when it is %s", async (_what, leave) => {
      const world = await startWorld();
      const resource = await made(world, first);
      await changeByHand(world, id, byHand);
      await leave(resource);
      expect(await record(world, id)).toMatchObject(changed);
    });
  });
});

/** What of a record no change of a value may touch. */
function unchanged({ name, isforwardmailbox, _regardingobjectid_value, _ownerid_value, statecode }: Row): Row {
  return { name, isforwardmailbox, _regardingobjectid_value, _ownerid_value, statecode };
}

describe("the smallest program", () => {
  test("changes no value, and tells of the record", async () => {
    const world = await startWorld();
    const before = await record(world, adas);
    const resource = await world.resource("IndividualMailbox", "ada").up({ user: ADA });
    expect(resource.outputs).toMatchObject({
      isForwardMailbox: false,
      regarding: userId(1),
      incomingEmailStatus: "Success",
      outgoingEmailStatus: "Success",
      appointmentsContactsTasksStatus: "Success",
      mailboxTestCompletedOn: expect.stringMatching(/^20/),
      emailApproval: "Approved",
      serverProfileId: profileId(1),
      knownAs: [ADA, seeded("a001", 1), userId(1)].sort(),
      organizationId: seeded("d000", 1),
      tenantId: world.tenantId,
    });
    // Only the test.
    expect(await world.writes()).toEqual([`PATCH /api/data/v9.2/mailboxes(${adas})`]);
    expect(await resource.refresh()).toEqual({});
    expect(await resource.plan({ user: ADA })).toEqual([]);
    await resource.destroy();
    expect(await world.writes()).toEqual([]);
    expect(await record(world, adas)).toMatchObject(unchanged(before));
    expect(world.warnings).toEqual([]);
  });

  test("leaves alone what it does not declare, and says nothing of it", async () => {
    const world = await startWorld();
    const resource = await made(world, { ...user, incomingEmail: "None" });
    await changeByHand(world, adas, { outgoingemaildeliverymethod: NONE, actdeliverymethod: 0 });
    expect(await resource.refresh()).toEqual({});
    await forgetRequests(world);
    await resource.up({ ...user, incomingEmail: "ForwardMailbox" });
    expect(await patches(world, "mailboxes")).toEqual([{ incomingemaildeliverymethod: FORWARD_MAILBOX }]);
    await resource.destroy();
    expect(await record(world, adas)).toMatchObject({ outgoingemaildeliverymethod: NONE, actdeliverymethod: 0 });
  });

  test("says what it overwrites", async () => {
    const world = await startWorld();
    await made(world, { ...user, incomingEmail: "None", outgoingEmail: "ServerSideSynchronization" });
    expect(world.warnings).toEqual([
      expect.stringMatching(/Ada Lovelace overwrites .*incomingEmail "ServerSideSynchronization" → "None"\./),
    ]);
  });

  test("never makes a record and never deletes one", async () => {
    const world = await startWorld();
    const all = async () => (await rows(world, "mailboxes", "statecode eq 0")).map(({ mailboxid }) => mailboxid);
    const before = await all();
    const resource = await made(world, { user: ADA, incomingEmail: "None" });
    await resource.destroy();
    expect(await all()).toEqual(before);
    const methods = (await world.control("GET", "requests?service=dataverse")) as unknown as Row[];
    expect(methods.filter(({ method }) => method === "POST" || method === "DELETE")).toEqual([]);
  });
});

describe("the user or queue", () => {
  test.each([
    ["address", ADA],
    ["address in capitals", "ADA@Contoso.com"],
    ["id in Dynamics", userId(1)],
    ["id in Entra", seeded("a001", 1)],
  ])("is found by %s", async (_what, name) => {
    const world = await startWorld();
    expect((await made(world, { ...user, user: name })).id).toBe(adas);
  });

  test("is found by a sign-in name that is no address", async () => {
    const world = await startWorld();
    await world.control("PATCH", `state/dv.systemusers/${userId(1)}`, { domainname: "lovelace@contoso.com" });
    const resource = await made(world, { ...user, user: "lovelace@contoso.com" });
    expect(resource.id).toBe(adas);
    expect(await resource.plan({ ...user, user: ADA })).toEqual([]);
  });

  test.each([
    ["id", sales.queue],
    ["address", "sales@contoso.com"],
    ["name", "Sales"],
  ])("is a queue found by %s", async (_what, name) => {
    const world = await startWorld();
    expect((await made(world, { ...queue, queue: name })).id).toBe(sales.record);
  });

  test.each([
    ["an address", ADA, userId(1)],
    ["an id", userId(1), seeded("a001", 1)],
    ["other letters", ADA, "Ada@CONTOSO.com"],
  ])("written in another way, from %s, is no change", async (_what, from, to) => {
    const world = await startWorld();
    const resource = await made(world, { ...user, user: from });
    expect(await resource.plan({ ...user, user: to })).toEqual([]);
    // Beside a change that is one.
    const changed = { ...user, user: to, incomingEmail: "None" };
    expect((await resource.plan(changed)).filter((path) => path === "replace")).toEqual([]);
    await resource.up(changed);
    expect(resource.id).toBe(adas);
    expect(await resource.plan({ ...user, user: from, incomingEmail: "None" })).toEqual([]);
    expect(await resource.refresh()).toEqual({});
  });

  test.each([
    [sales.queue, "Sales"],
    ["Sales", sales.queue],
    ["sales", "sales@contoso.com"],
  ])("as a queue written %s and then %s is no change", async (from, to) => {
    const world = await startWorld();
    const resource = await made(world, { ...queue, queue: from });
    expect(await resource.plan({ ...queue, queue: to })).toEqual([]);
  });

  test("that is another replaces, and the first gets back what it had", async () => {
    const world = await startWorld();
    const resource = await made(world, { ...user, incomingEmail: "None" });
    const other = { ...user, user: "grace@contoso.com", incomingEmail: "None" };
    expect(await resource.plan(other)).toEqual(["replace"]);
    await resource.up(other);
    expect(resource.id).toBe(recordId(2));
    expect(await record(world, adas)).toMatchObject({ incomingemaildeliverymethod: SERVER_SIDE });
    expect(await record(world, recordId(2))).toMatchObject({ incomingemaildeliverymethod: NONE });
    expect(await resource.plan({ ...queue })).toEqual(["replace"]);
  });

  test("whose lookup leads to somebody else's record still means its own", async () => {
    const world = await startWorld();
    await world.control("PATCH", `state/dv.systemusers/${userId(1)}`, {
      defaultmailbox: { table: "mailbox", id: recordId(2) },
    });
    const resource = await made(world, { ...user, incomingEmail: "None" });
    expect(resource.id).toBe(adas);
    expect(await record(world, recordId(2))).toMatchObject({ incomingemaildeliverymethod: SERVER_SIDE });
  });

  test("keeps meaning the same one when somebody else gets its address", async () => {
    const world = await startWorld();
    const resource = await made(world, { ...user, incomingEmail: "None" });
    await world.dataverse("PATCH", `/systemusers(${userId(1)})`, { internalemailaddress: "ada.l@contoso.com" });
    await world.dataverse("PATCH", `/systemusers(${userId(2)})`, { internalemailaddress: ADA });
    await resource.up({ ...user, incomingEmail: "Outlook" });
    expect(await record(world, adas)).toMatchObject({ incomingemaildeliverymethod: OUTLOOK });
    expect(await record(world, recordId(2))).toMatchObject({ incomingemaildeliverymethod: SERVER_SIDE });
  });

  test.each<[string, Row, RegExp]>([
    ["nobody", { user: "nobody@contoso.com" }, /^user: no user of the Dynamics environment is known as nobody@/],
    ["nobody by id", { user: seeded("d001", 99) }, /^user: no user/],
    ["no queue", { queue: "Returns" }, /^queue: no queue of the Dynamics environment is known as Returns/],
    ["no queue by address", { queue: ADA }, /^queue: no queue/],
  ])("that is %s is refused", async (_what, program, reason) => {
    const world = await startWorld();
    expect(await failure(made(world, program))).toMatch(reason);
    expect(await world.writes()).toEqual([]);
  });

  test("that two could be is refused, naming both", async () => {
    const world = await startWorld();
    await world.dataverse("PATCH", `/systemusers(${userId(2)})`, { internalemailaddress: ADA });
    await world.dataverse("POST", "/queues", { name: "Sales" });
    await world.writes();
    const reason = await failure(made(world, user));
    expect(reason).toMatch(/^user: ada@contoso\.com is ambiguous: it means /);
    expect(reason).toContain(userId(1));
    expect(reason).toContain(userId(2));
    expect(await failure(made(world, { queue: "Sales" }))).toMatch(/^queue: Sales is ambiguous/);
    expect(await world.writes()).toEqual([]);
  });
});

describe("what cannot be", () => {
  const unknown = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

  test.each<[string, Row, RegExp]>([
    ["neither", {}, /^user: is missing; declare user or queue/],
    ["both", { user: ADA, queue: "Sales" }, /^queue: cannot be declared together with user/],
    ["both, one not known yet", { user: unknown, queue: "Sales" }, /^queue: cannot be declared together with user/],
    ["both, the other not known yet", { user: ADA, queue: unknown }, /^queue: cannot be declared together with user/],
    ["a display name", { user: "Ada Lovelace" }, /^user: looks like a display name/],
    ["deletion for a user", { ...user, deleteAfterProcessing: true }, /^deleteAfterProcessing: .*0x8005E233/],
    [
      "deletion for a user not known yet",
      { user: unknown, deleteAfterProcessing: true },
      /^deleteAfterProcessing: .*0x8005E233/,
    ],
    ["Outlook for a queue", { ...queue, incomingEmail: "Outlook" }, /^incomingEmail: cannot be "Outlook" for a queue/],
    ["Outlook out of a queue", { ...queue, outgoingEmail: "Outlook" }, /^outgoingEmail: cannot be "Outlook"/],
    ["a method that is none", { ...user, incomingEmail: "Pigeon" }, /^incomingEmail: must be one of None, Outlook, /],
    ["half of credentials", { ...user, credentials: { userName: "x" } }, /^credentials\.password: .*0x8005E24E/],
    ["credentials without a name", { ...user, credentials: { password: "x" } }, /^credentials\.userName: .*0x8005E209/],
    ["no address", { ...user, emailAddress: "Ada" }, /^emailAddress: /],
    ["a password in the wrong place", { ...user, password: "x" }, /^password: /],
  ])("is refused in the preview: %s", async (_what, program, reason) => {
    const world = await startWorld();
    expect(await failure(world.resource("IndividualMailbox", "record").check(program))).toMatch(reason);
  });

  test.each<[string, Row]>([
    ["a user", { user: unknown }],
    ["a queue", { queue: unknown, deleteAfterProcessing: true }],
  ])("is not %s that is not known yet", async (_what, program) => {
    const world = await startWorld();
    expect(await world.resource("IndividualMailbox", "record").check(program)).toMatchObject(program);
  });

  test.each<[string, Row, RegExp]>([
    [
      "appointments with a profile for POP3",
      { serverProfile: "Contoso POP3", appointmentsContactsTasks: "ServerSideSynchronization" },
      /^appointmentsContactsTasks: .*"Contoso POP3".*0x8005E247/,
    ],
    [
      "a profile for POP3 where appointments are synchronised already",
      { serverProfile: "Contoso POP3" },
      /^appointmentsContactsTasks: .*0x8005E247/,
    ],
    [
      "credentials that the profile does not take",
      { credentials },
      /^credentials: .*"Microsoft Exchange Online" does not/,
    ],
    ["an unknown profile", { serverProfile: "Nobody's" }, /^serverProfile: no e-mail server profile/],
    ["an inactive profile", { serverProfile: "Contoso retired" }, /^serverProfile: .*inactive.*0x8005E228/],
  ])("is refused before anything is written: %s", async (_what, more, reason) => {
    const world = await startWorld();
    const program = { ...user, ...more, emailAddress: "ada.l@contoso.com", incomingEmail: "None" };
    expect(await failure(made(world, program))).toMatch(reason);
    expect(await world.writes()).toEqual([]);
  });

  test("is refused for a record that has a profile already", async () => {
    const world = await startWorld();
    const resource = await made(world, { ...user, appointmentsContactsTasks: "None", serverProfile: "Contoso POP3" });
    const changed = { ...user, appointmentsContactsTasks: "ServerSideSynchronization", serverProfile: "Contoso POP3" };
    expect(await failure(resource.up(changed))).toMatch(/^appointmentsContactsTasks: .*0x8005E247/);
    expect(await world.writes()).toEqual([]);
    // Both go back together.
    await resource.destroy();
    expect(await record(world, adas)).toMatchObject({ actdeliverymethod: 1, _emailserverprofile_value: profileId(1) });
  });
});

describe("the address", () => {
  test.each([false, true])(
    "goes by the user's row where the record's is editable: %s",
    async (individualAddressEditable) => {
      const world = await startWorld({ settings: { individualAddressEditable } });
      const resource = await made(world, { ...user, emailAddress: "Ada.L@contoso.com" });
      expect(await row(world, "systemusers", userId(1))).toMatchObject({ internalemailaddress: "ada.l@contoso.com" });
      expect(await record(world, adas)).toMatchObject({
        emailaddress: "ada.l@contoso.com",
        // A new address needs a new approval, and has it.
        emailrouteraccessapproval: 1,
      });
      expect(await resource.plan({ ...user, emailAddress: "ada.l@contoso.com" })).toEqual([]);
      expect(await resource.refresh()).toEqual({});
      await resource.destroy();
      expect(await row(world, "systemusers", userId(1))).toMatchObject({ internalemailaddress: ADA });
      expect(await record(world, adas)).toMatchObject({ emailaddress: ADA });
    },
  );

  test("that is new is approved and tested again, and the preview says so", async () => {
    const world = await startWorld();
    const resource = await made(world, { user: ADA });
    const { mailboxTestCompletedOn } = resource.outputs;
    const changed = { user: ADA, emailAddress: "alan@contoso.com" };
    await resource.up(changed);
    expect(resource.outputs).toMatchObject({ emailApproval: "Approved", incomingEmailStatus: "Success" });
    expect(resource.outputs.mailboxTestCompletedOn).not.toBe(mailboxTestCompletedOn);
    world.warnings.length = 0;
    await resource.check({ ...changed, emailAddress: "grace@contoso.com" });
    expect(world.warnings).toEqual(["emailAddress is new, which drops the approval and needs a new test."]);
  });

  describe("of a user that has none, and no record,", () => {
    async function withNewcomer(options: Parameters<typeof startWorld>[0] = {}) {
      const world = await startWorld(options);
      await world.dataverse("POST", "/systemusers", {
        firstname: "Mary",
        lastname: "Somerville",
        domainname: "mary@contoso.com",
      });
      const [mary] = await rows(world, "systemusers", "domainname eq 'mary@contoso.com'");
      await world.writes();
      return { world, mary: String(mary?.systemuserid) };
    }

    test("is refused where none is declared", async () => {
      const { world } = await withNewcomer({ settings: { mailboxRowDelay: 60_000 } });
      expect(await failure(made(world, { user: "mary@contoso.com" }))).toMatch(
        /^user: Mary Somerville has no address in Dynamics, and so no mailbox record; declare emailAddress/,
      );
      expect(await world.writes()).toEqual([]);
    });

    test.each([0, 400])("is written, and the record that comes %s ms later is edited", async (mailboxRowDelay) => {
      const { world, mary } = await withNewcomer({ settings: { mailboxRowDelay } });
      const program = { user: "mary@contoso.com", emailAddress: ADA, outgoingEmail: "Outlook" };
      const resource = await made(world, program);
      expect(await record(world, resource.id)).toMatchObject({
        _regardingobjectid_value: mary,
        emailaddress: ADA,
        outgoingemaildeliverymethod: OUTLOOK,
        emailrouteraccessapproval: 1,
      });
      expect(await rows(world, "mailboxes", `_regardingobjectid_value eq ${mary}`)).toHaveLength(1);
      expect(await resource.refresh()).toEqual({});
      expect(await resource.plan(program)).toEqual([]);
      await resource.destroy();
      expect(await row(world, "systemusers", mary)).toMatchObject({ internalemailaddress: null });
    });

    test("is none again when it is removed", async () => {
      const { world, mary } = await withNewcomer();
      const program = { user: "mary@contoso.com", testAndEnable: false };
      const resource = await made(world, { ...program, emailAddress: ADA });
      await resource.up(program);
      expect(await row(world, "systemusers", mary)).toMatchObject({ internalemailaddress: null });
      expect(await resource.refresh()).toEqual({});
    });

    test.each(["before", "after"])("survives a lost answer (closed %s it happened)", async (close) => {
      const { world, mary } = await withNewcomer({ config: { settleTimeout: "2s" } });
      await world.fault({ service: "dataverse", method: "PATCH", path: "systemusers", close });
      const resource = await made(world, { user: mary, emailAddress: ADA });
      expect(await record(world, resource.id)).toMatchObject({ emailaddress: ADA });
    });

    test("whose record never comes ends in words, and the next deployment goes on", async () => {
      const { world } = await withNewcomer({
        settings: { mailboxRowDelay: 600_000 },
        config: { settleTimeout: "0.5s" },
      });
      const program = { user: "mary@contoso.com", emailAddress: ADA, outgoingEmail: "Outlook" };
      const resource = world.resource("IndividualMailbox", "mary");
      expect(await failure(resource.up(program))).toMatch(
        /waited .* for Dynamics to make the mailbox record of the user Mary Somerville/,
      );
      expect(resource.state).toBeUndefined();
      await world.control("POST", "clock", { advance: 600_000 });
      await resource.up(program);
      expect(await record(world, resource.id)).toMatchObject({ outgoingemaildeliverymethod: OUTLOOK });
    });
  });
});

describe("credentials", () => {
  const program = { ...user, serverProfile: TAKES_CREDENTIALS };

  test("are rotated by a new password alone, and never appear where they could be read", async () => {
    const world = await startWorld();
    const resource = await made(world, { ...program, credentials });
    await forgetRequests(world);
    await resource.up({ ...program, credentials: { ...credentials, password: "third" } });
    expect(await patches(world, "mailboxes")).toEqual([
      { allowemailconnectortousecredentials: true, username: credentials.userName, password: "[redacted]" },
    ]);
    await forgetRequests(world);
    await resource.up({ ...program, credentials: { ...credentials, password: "third" } });
    expect(await patches(world, "mailboxes")).toEqual([]);
    expect(await resource.refresh()).toEqual({});
    const visible = JSON.stringify({ ...resource.outputs, credentials: undefined });
    expect(visible).not.toContain("third");
    expect(world.warnings.join("\n")).not.toMatch(/first|third/);
  });

  test("over a password that was there before warn that it cannot be put back, once", async () => {
    const world = await startWorld();
    await changeByHand(world, adas, { "emailserverprofile@odata.bind": `/emailserverprofiles(${profileId(3)})` });
    await changeByHand(world, adas, {
      allowemailconnectortousecredentials: true,
      username: "somebody",
      password: "somebody's",
    });
    const resource = await made(world, { ...program, credentials });
    expect(world.warnings.filter((text) => /password already.*not be put back/.test(text))).toHaveLength(1);
    world.warnings.length = 0;
    await resource.up({ ...program, credentials: { ...credentials, password: "second" } });
    expect(world.warnings).toEqual([]);
    await resource.destroy();
    expect(await record(world, adas)).toMatchObject({
      allowemailconnectortousecredentials: false,
      username: null,
      ispasswordset: false,
    });
  });

  test("are waited for by a profile that takes them: without any a warning says so", async () => {
    const world = await startWorld();
    await made(world, program);
    expect(world.warnings.join("\n")).toMatch(/serverProfile: "Contoso mailbox credentials" signs in with .* none are/);
  });

  test.each(["before", "after"])("whose answer is lost (closed %s it happened) are written again", async (close) => {
    const world = await startWorld({ config: { settleTimeout: "1s" } });
    const resource = await made(world, program);
    await forgetRequests(world);
    await world.fault({ service: "dataverse", method: "PATCH", path: adas, close });
    await resource.up({ ...program, credentials });
    expect(await record(world, adas)).toMatchObject({ username: credentials.userName, ispasswordset: true });
    expect((await patches(world, "mailboxes")).length).toBeGreaterThan(1);
    expect(await resource.refresh()).toEqual({});
  });
});

describe("an imported record", () => {
  const inputs = { ...user, incomingEmail: "ServerSideSynchronization", outgoingEmail: "ServerSideSynchronization" };

  test("is read as it is", async () => {
    const world = await startWorld();
    const resource = imported(world, adas, inputs, userId(1));
    expect(await resource.refresh()).toEqual({});
    expect(await resource.plan(inputs)).toEqual([]);
    expect(resource.outputs).toMatchObject({ regarding: userId(1), emailApproval: "Approved" });
  });

  test("is approved and tested again when its address is put back that somebody changed", async () => {
    const world = await startWorld();
    const resource = imported(world, adas, { user: ADA }, userId(1));
    const program = { user: ADA, emailAddress: "alan@contoso.com" };
    await resource.up(program);
    await changeByHand(world, adas, { emailaddress: "grace@contoso.com" });
    await resource.refresh();
    await resource.up(program);
    expect(await record(world, adas)).toMatchObject({ emailaddress: "alan@contoso.com", emailrouteraccessapproval: 1 });
    expect(resource.outputs).toMatchObject({ emailApproval: "Approved", incomingEmailStatus: "Success" });
  });

  test("puts nothing back: neither on removal nor on deletion", async () => {
    const world = await startWorld();
    const resource = imported(world, adas, inputs, userId(1));
    await resource.refresh();
    await resource.up({ ...inputs, incomingEmail: "None", outgoingEmail: "None" });
    await resource.up({ ...user, incomingEmail: "None" });
    expect(await record(world, adas)).toMatchObject({ outgoingemaildeliverymethod: NONE });
    expect(await resource.refresh()).toEqual({});
    await resource.destroy();
    expect(await record(world, adas)).toMatchObject({
      incomingemaildeliverymethod: NONE,
      outgoingemaildeliverymethod: NONE,
    });
  });
});

describe("approval", () => {
  const edsger = { user: "edsger@contoso.com", testAndEnable: false };

  test("goes by the user's row and shows on the record", async () => {
    const world = await startWorld();
    await forgetRequests(world);
    const resource = await made(world, edsger);
    expect(await patches(world, "systemusers")).toEqual([{ emailrouteraccessapproval: 1 }]);
    expect(await patches(world, "mailboxes")).toEqual([]);
    expect(await record(world, recordId(4))).toMatchObject({ emailrouteraccessapproval: 1 });
    expect(resource.outputs.emailApproval).toBe("Approved");
    await resource.destroy();
    expect(await record(world, recordId(4))).toMatchObject({ emailrouteraccessapproval: 1 });
  });

  test("goes by the queue's row", async () => {
    const world = await startWorld();
    await forgetRequests(world);
    const resource = await made(world, { queue: "Sales" });
    expect(await patches(world, "queues")).toEqual([{ emailrouteraccessapproval: 1 }]);
    expect(resource.outputs.emailApproval).toBe("Approved");
  });

  test.each([
    ["refused", "0x8009000B"],
    ["silent", "did nothing"],
  ])(
    "that is %s is a warning that says who may, tried once for each address, and never drift",
    async (approval, words) => {
      const world = await startWorld({ settings: { approval }, config: { settleTimeout: "0.3s" } });
      const resource = await made(world, edsger);
      expect(world.warnings.join("\n")).toContain(words);
      expect(world.warnings.join("\n")).toContain("Delegated Mailbox Approver");
      expect(resource.outputs.emailApproval).toBe("Pending");
      expect(await resource.plan(edsger)).toEqual([]);
      expect(await resource.refresh()).toEqual({});
      await forgetRequests(world);
      await resource.up({ ...edsger, incomingEmail: "None" });
      expect(await patches(world, "systemusers")).toEqual([]);
      await resource.up({ ...edsger, emailAddress: "e.w.d@contoso.com" });
      expect(await patches(world, "systemusers")).toEqual([
        { internalemailaddress: "e.w.d@contoso.com" },
        { emailrouteraccessapproval: 1 },
      ]);
    },
  );

  test("false asks for none", async () => {
    const world = await startWorld();
    const resource = await made(world, { ...edsger, approveEmail: false });
    expect(resource.outputs.emailApproval).toBe("Pending");
    expect(await resource.refresh()).toEqual({});
  });

  test.each(["before", "after"])("whose answer is lost (closed %s it happened) is given", async (close) => {
    const world = await startWorld({ config: { settleTimeout: "1s" } });
    await world.fault({ service: "dataverse", method: "PATCH", path: "systemusers", close });
    const resource = await made(world, edsger);
    expect(resource.outputs.emailApproval).toBe("Approved");
  });

  test("that fails is tried again by the next deployment", async () => {
    const world = await startWorld({ config: { settleTimeout: "1s" } });
    await world.fault({
      service: "dataverse",
      method: "PATCH",
      path: "systemusers",
      answer: { status: 400, body: { error: { code: "0x80040265", message: "A plug-in aborted the operation." } } },
    });
    const resource = world.resource("IndividualMailbox", "edsger");
    expect(await failure(resource.up({ ...edsger, incomingEmail: "None" }))).toContain("approving the address");
    await resource.up({ ...edsger, incomingEmail: "None" });
    expect(resource.outputs.emailApproval).toBe("Approved");
  });
});

describe("Test & Enable", () => {
  const outcome = (result: string, config = {}) => ({
    settings: { testReason: "row", test: { outcomes: { [ADA]: result } } },
    config,
  });
  const all = {
    user: ADA,
    incomingEmail: "ServerSideSynchronization",
    outgoingEmail: "ServerSideSynchronization",
    appointmentsContactsTasks: "ServerSideSynchronization",
  };

  test("tells how each part went", async () => {
    const world = await startWorld(outcome("failure"));
    const resource = await made(world, all);
    expect(resource.outputs).toMatchObject({
      incomingEmailStatus: "Failure",
      outgoingEmailStatus: "Failure",
      appointmentsContactsTasksStatus: "Failure",
    });
    expect(world.warnings.join("\n")).toMatch(
      /incoming e-mail: Failure, outgoing e-mail: Failure, appointments, contacts and tasks: Failure; Dynamics: .*0x80040216/,
    );
    expect(await resource.plan(all)).toEqual([]);
    expect(await resource.refresh()).toEqual({});
  });

  test("tests only what the server synchronises", async () => {
    const world = await startWorld();
    const resource = await made(world, { ...all, incomingEmail: "Outlook", appointmentsContactsTasks: "None" });
    expect(resource.outputs).toMatchObject({
      incomingEmailStatus: "NotRun",
      outgoingEmailStatus: "Success",
      appointmentsContactsTasksStatus: "NotRun",
    });
    await forgetRequests(world);
    await resource.up({ ...all, incomingEmail: "Outlook", outgoingEmail: "None", appointmentsContactsTasks: "None" });
    expect(await patches(world, "mailboxes")).toEqual([{ outgoingemaildeliverymethod: NONE }]);
  });

  test("that fails and is required fails the deployment, and the next one runs it again", async () => {
    const world = await startWorld(outcome("failure"));
    const resource = world.resource("IndividualMailbox", "ada");
    const program = { ...all, outgoingEmail: "None", testAndEnable: { require: true } };
    expect(await failure(resource.up(program))).toContain("Test & Enable failed");
    expect(await record(world, adas)).toMatchObject({ outgoingemaildeliverymethod: NONE });
    await world.control("PATCH", "settings", { test: { outcomes: {} } });
    await resource.up(program);
    expect(resource.outputs.incomingEmailStatus).toBe("Success");
    await resource.destroy();
    expect(await record(world, adas)).toMatchObject({ outgoingemaildeliverymethod: SERVER_SIDE });
  });

  test("runs again with a new trigger and after a change that needs it, and not otherwise", async () => {
    const world = await startWorld();
    const runs = async () =>
      (await patches(world, "mailboxes")).filter(({ testemailconfigurationscheduled: on }) => on === true).length;
    const resource = await made(world, { ...all, testAndEnable: "1" });
    expect(await runs()).toBe(1);
    await resource.up({ ...all, testAndEnable: "2" });
    expect(await runs()).toBe(2);
    await resource.up({ ...all, testAndEnable: "2", approveEmail: true });
    expect(await runs()).toBe(2);
    await resource.up({ ...all, testAndEnable: "2", appointmentsContactsTasks: "None" });
    expect(await runs()).toBe(3);
  });

  test("of a record that is inactive says so", async () => {
    const world = await startWorld();
    await made(world, { user: "charles@contoso.com", incomingEmail: "ServerSideSynchronization" });
    expect(world.warnings.join("\n")).toMatch(/0x8005E219/);
  });
});

describe("a record that is gone", () => {
  test("is gone, an update says so, and its deletion is success", async () => {
    const world = await startWorld();
    const resource = await made(world, { ...user, incomingEmail: "None" });
    await world.dataverse("DELETE", `/mailboxes(${adas})`);
    expect(await failure(resource.up({ ...user, incomingEmail: "Outlook" }))).toContain("no longer");
    const { state } = resource;
    expect(await resource.refresh()).toBe("gone");
    resource.state = state;
    await resource.destroy();
  });

  test("went with its user", async () => {
    const world = await startWorld({ settings: { deleteDisabledUsers: true } });
    const resource = await made(world, { ...user, incomingEmail: "None" });
    await world.dataverse("PATCH", `/systemusers(${userId(1)})`, { isdisabled: true });
    await world.dataverse("DELETE", `/systemusers(${userId(1)})`);
    expect(await resource.refresh()).toBe("gone");
  });

  test("is never what a failed read says", async () => {
    const world = await startWorld({ config: { settleTimeout: "0.3s" } });
    const resource = await made(world, { ...user, incomingEmail: "None" });
    await world.fault({
      service: "dataverse",
      method: "GET",
      path: "mailboxes",
      answer: { status: 403, body: { error: { code: "0x80040220", message: "no privilege" } } },
    });
    expect(await failure(resource.refresh())).toContain("0x80040220");
  });

  test("is not what another organisation means", async () => {
    const world = await startWorld();
    const resource = await made(world, { ...user, incomingEmail: "None" });
    await expectForeign(world, resource, { ...user, incomingEmail: "Outlook" });
  });
});

describe("a change", () => {
  test("looks again where somebody changed the row meanwhile", async () => {
    const world = await startWorld();
    const resource = await made(world, { ...user, incomingEmail: "None" });
    await world.fault({ service: "dataverse", method: "PATCH", path: adas, overtake: true });
    await resource.up({ ...user, incomingEmail: "Outlook" });
    expect(await record(world, adas)).toMatchObject({ incomingemaildeliverymethod: OUTLOOK });
    await world.fault({ service: "dataverse", method: "PATCH", path: "systemusers", overtake: true });
    await resource.up({ ...user, incomingEmail: "Outlook", emailAddress: "ada.l@contoso.com" });
    await world.fault({ service: "dataverse", method: "PATCH", path: adas, overtake: true });
    await resource.destroy();
    expect(await record(world, adas)).toMatchObject({ incomingemaildeliverymethod: SERVER_SIDE, emailaddress: ADA });
  });

  test.each(["before", "after"])(
    "whose answer is lost (closed %s it happened) is finished and goes back",
    async (close) => {
      const world = await startWorld({ config: { settleTimeout: "1s" } });
      const resource = await made(world, user);
      await world.fault({ service: "dataverse", method: "PATCH", path: adas, close });
      await resource.up({ ...user, incomingEmail: "None" });
      await world.fault({ service: "dataverse", method: "PATCH", path: adas, close });
      await resource.up({ ...user, incomingEmail: "Outlook" });
      expect(await record(world, adas)).toMatchObject({ incomingemaildeliverymethod: OUTLOOK });
      expect(await resource.refresh()).toEqual({});
      await world.fault({ service: "dataverse", method: "PATCH", path: adas, close });
      await resource.destroy().catch(() => undefined);
      if (resource.state !== undefined) {
        await resource.destroy();
      }
      expect(await record(world, adas)).toMatchObject({ incomingemaildeliverymethod: SERVER_SIDE });
    },
  );

  test("of which nothing arrived, after an answer that was lost, still goes back", async () => {
    const world = await startWorld({ config: { settleTimeout: "0.5s" } });
    const resource = await made(world, { ...user, appointmentsContactsTasks: "None" });
    await world.fault({ service: "dataverse", method: "PATCH", path: adas, close: "before" });
    await world.fault({
      service: "dataverse",
      method: "PATCH",
      path: adas,
      answer: { status: 400, body: { error: { code: "0x80040265", message: "A plug-in aborted the operation." } } },
    });
    expect(await failure(resource.up({ ...user, appointmentsContactsTasks: "Outlook" }))).toContain("0x80040265");
    expect(await record(world, adas)).toMatchObject({ actdeliverymethod: 2 });
    await resource.destroy();
    expect(await record(world, adas)).toMatchObject({ actdeliverymethod: 1 });
  });

  test("that fails half-way keeps what to put back", async () => {
    const world = await startWorld();
    const resource = world.resource("IndividualMailbox", "ada");
    const program = { ...user, incomingEmail: "None", emailAddress: "ada.l@contoso.com" };
    await world.fault({
      service: "dataverse",
      method: "PATCH",
      path: "systemusers",
      answer: { status: 403, body: { error: { code: "0x80040220", message: "no privilege" } } },
    });
    expect(await failure(resource.up(program))).toContain("changing the address of the user Ada Lovelace");
    expect(await record(world, adas)).toMatchObject({ incomingemaildeliverymethod: NONE, emailaddress: ADA });
    const failed = resource.state;
    await resource.up(program);
    expect(await resource.refresh()).toEqual({});
    await resource.destroy();
    expect(await record(world, adas)).toMatchObject({ incomingemaildeliverymethod: SERVER_SIDE, emailaddress: ADA });

    // Deleted at once, it puts back what was written.
    await changeByHand(world, adas, { incomingemaildeliverymethod: NONE });
    resource.state = failed;
    await resource.destroy();
    expect(await record(world, adas)).toMatchObject({ incomingemaildeliverymethod: SERVER_SIDE });
  });
});

describe("two resources on one record", () => {
  const none = { ...user, incomingEmail: "None" };

  test.each([
    [
      "the first",
      [none, { ...none, incomingEmail: "Outlook" }],
      /^incomingEmail: the IndividualMailbox "other" gives .* Outlook, and the IndividualMailbox "one" .* None; declare one/,
    ],
    [
      "the second",
      [{ ...none, incomingEmail: "Outlook" }, none],
      /^incomingEmail: the IndividualMailbox "other" .* None, and .* "one" gives the same record Outlook;/,
    ],
    [
      "the address",
      [
        { ...user, emailAddress: "ada.l@contoso.com" },
        { ...user, emailAddress: "ada.k@contoso.com" },
      ],
      /^emailAddress: the IndividualMailbox "other" gives/,
    ],
    [
      "the server profile",
      [
        { ...user, serverProfile: TAKES_CREDENTIALS },
        { ...user, serverProfile: "Microsoft Exchange Online" },
      ],
      /^serverProfile: the IndividualMailbox "other" and the IndividualMailbox "one" give .* different values/,
    ],
    [
      "the credentials",
      [
        { ...user, serverProfile: TAKES_CREDENTIALS, credentials },
        { ...user, serverProfile: TAKES_CREDENTIALS, credentials: { ...credentials, password: "second" } },
      ],
      /^credentials: the IndividualMailbox "other" and the IndividualMailbox "one" give .* different values/,
    ],
  ])("that differ in %s are refused", async (_what, [one = {}, other = {}], reason) => {
    const world = await startWorld();
    await world.together(async () => {
      await made(world, one, "one");
      const words = await failure(made(world, other, "other"));
      expect(words).toMatch(reason);
      expect(words).not.toContain("second");
    });
  });

  test("that were there before and are not changed count too", async () => {
    const world = await startWorld();
    const first = await made(world, { ...none, serverProfile: TAKES_CREDENTIALS }, "one");
    await world.together(async () => {
      await first.up({ ...none, serverProfile: TAKES_CREDENTIALS });
      expect(await failure(made(world, { ...user, incomingEmail: "Outlook" }, "other"))).toMatch(/^incomingEmail: /);
      expect(await failure(made(world, { ...user, serverProfile: profileId(1) }, "other"))).toMatch(/^serverProfile: /);
    });
    expect(await world.writes()).toEqual([]);
  });

  test("that say the same are fine, and so are those that say different things", async () => {
    const world = await startWorld();
    await world.together(async () => {
      const one = await made(world, { ...none, serverProfile: TAKES_CREDENTIALS }, "one");
      const other = await made(world, { ...none, serverProfile: profileId(3), outgoingEmail: "None" }, "other");
      expect(await one.refresh()).toEqual({});
      expect(await other.refresh()).toEqual({});
    });
  });

  test.each(["the one that gives it up", "the one that takes it over"])(
    "between which a property moves keep it, whichever is deployed first: %s",
    async (first) => {
      const world = await startWorld();
      const one = await made(world, { ...none, outgoingEmail: "None" }, "one");
      const other = await made(world, user, "other");
      const steps = [
        () => one.up({ ...user, outgoingEmail: "None" }),
        () => other.up({ ...user, incomingEmail: "Outlook" }),
      ];
      await world.together(async () => {
        for (const step of first === "the one that gives it up" ? steps : steps.reverse()) {
          await step();
        }
      });
      expect(await record(world, adas)).toMatchObject({
        incomingemaildeliverymethod: OUTLOOK,
        outgoingemaildeliverymethod: NONE,
      });
      expect(await one.refresh()).toEqual({});
      expect(await other.refresh()).toEqual({});
    },
  );

  test("one of them renamed: the deletion under the old name leaves what the new one declares", async () => {
    const world = await startWorld();
    const program = { ...none, emailAddress: "ada.l@contoso.com", serverProfile: TAKES_CREDENTIALS };
    const old = await made(world, { ...program, outgoingEmail: "None" }, "old");
    const renamed = world.resource("IndividualMailbox", "new");
    await world.together(async () => {
      await renamed.up(program);
      await old.destroy();
    });
    expect(await record(world, adas)).toMatchObject({
      incomingemaildeliverymethod: NONE,
      emailaddress: "ada.l@contoso.com",
      _emailserverprofile_value: profileId(3),
      // What the new one does not declare goes back.
      outgoingemaildeliverymethod: SERVER_SIDE,
    });
    expect(world.warnings).toEqual(
      expect.arrayContaining([
        expect.stringMatching(
          /had emailAddress "ada@contoso\.com", .*incomingEmail "ServerSideSynchronization"\. Another/,
        ),
      ]),
    );
    expect(await renamed.refresh()).toEqual({});
  });

  test("a forward mailbox among them: a source that gets another method is refused, the same is fine", async () => {
    const world = await startWorld();
    await world.exchange("New-Mailbox", {
      Shared: true,
      Name: "collector",
      DisplayName: "Collector",
      PrimarySmtpAddress: "forwardmailbox@contoso.com",
    });
    const intake = { name: "Intake", emailAddress: "forwardmailbox@contoso.com", sources: [ADA] };
    await world.together(async () => {
      await made(world, none);
      const source = world.resource("ForwardingMailbox", "intake");
      expect(await failure(source.up(intake))).toMatch(
        /^sources\["ada@contoso\.com"\]: the ForwardingMailbox "intake" .* None/,
      );
    });
    await world.together(async () => {
      const one = await made(world, { ...user, incomingEmail: "ForwardMailbox" });
      const source = await world.resource("ForwardingMailbox", "intake").up(intake);
      expect(await one.refresh()).toEqual({});
      expect(await source.refresh()).toEqual({});
    });
  });
});

test("a record that somebody made inactive is told in a refresh", async () => {
  const world = await startWorld();
  const resource = await made(world, { ...user, incomingEmail: "None" });
  await world.dataverse("PATCH", `/mailboxes(${adas})`, { statecode: 1, statuscode: 2 });
  expect(await resource.refresh()).toEqual({});
  expect(world.warnings.at(-1)).toMatch(/^The mailbox record Ada Lovelace is inactive.*0x8005E219/);
});

describe("a server profile that cannot go back", () => {
  test("because somebody gave the record appointments meanwhile, stays away with a warning", async () => {
    const world = await startWorld();
    await changeByHand(world, adas, { actdeliverymethod: 2 });
    await changeByHand(world, adas, { "emailserverprofile@odata.bind": `/emailserverprofiles(${profileId(2)})` });
    const resource = await made(world, { ...user, serverProfile: "Microsoft Exchange Online", incomingEmail: "None" });
    await changeByHand(world, adas, { actdeliverymethod: 1 });
    await resource.destroy();
    expect(await record(world, adas)).toMatchObject({
      _emailserverprofile_value: profileId(1),
      actdeliverymethod: 1,
      incomingemaildeliverymethod: SERVER_SIDE,
    });
    expect(world.warnings.join("\n")).toMatch(
      /The former server profile of .* is not put back, because it is for POP3 or IMAP/,
    );
  });

  test("because it is gone, stays away with a warning", async () => {
    const world = await startWorld();
    await changeByHand(world, adas, { "emailserverprofile@odata.bind": `/emailserverprofiles(${profileId(3)})` });
    const resource = await made(world, { ...user, serverProfile: "Microsoft Exchange Online", incomingEmail: "None" });
    await world.dataverse("DELETE", `/emailserverprofiles(${profileId(3)})`);
    await resource.destroy();
    expect(await record(world, adas)).toMatchObject({
      _emailserverprofile_value: profileId(1),
      incomingemaildeliverymethod: SERVER_SIDE,
    });
    expect(world.warnings.join("\n")).toMatch(/The former server profile of .* is not put back, because it is gone\./);
  });
});

describe("a record whose state moved to another stack, while this program still declares it", () => {
  test.each<[string, Row, string]>([
    ["a user's", { ...user, incomingEmail: "ServerSideSynchronization", outgoingEmail: "None" }, adas],
    ["a queue's", { ...queue, incomingEmail: "ForwardMailbox" }, sales.record],
  ])("is told, and loses nothing when the second owner lets go: %s", async (_what, program, id) => {
    const world = await startWorld();
    const moved = await made(world, program, "moved");
    const before = await record(world, id);
    expect(world.warnings.join()).not.toContain("state move");
    const second = await made(world, program, "second");
    expect(world.warnings).toContainEqual(
      expect.stringMatching(/already matches the program\. If another stack has it in its state/),
    );
    await second.destroy();
    expect(await world.writes()).toEqual([]);
    expect(await record(world, id)).toEqual(before);
    expect(await moved.refresh()).toEqual({});
  });
});
