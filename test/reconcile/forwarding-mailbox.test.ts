import { expectForeign, forwardMailboxes, hideRecipients, seeded as id, NEVER, record, rules } from "./dataverse-rows";
import { failure, makeMailbox, type Resource, type Row, startWorld, type World } from "./harness";

const ada = id("a001", 1);
const adasRecord = id("d002", 1);
const profile = (number: number) => id("d003", number);

const collector = "forwardmailbox@contoso.com";
const intake = { name: "CRM intake", emailAddress: collector };
const SERVER_SIDE = 2;
const FORWARD_MAILBOX = 3;

/** A tenant with a collecting mailbox and the shared mailbox support@contoso.com. */
async function withMailboxes(options: Parameters<typeof startWorld>[0] = {}) {
  const world = await startWorld(options);
  await makeMailbox(world, collector);
  return { world, support: await makeMailbox(world, "support@contoso.com") };
}

async function made(world: World, program: Row = intake, name = "intake"): Promise<Resource> {
  const resource = await world.resource("ForwardingMailbox", name).up(program);
  await world.writes();
  return resource;
}

async function messagesIn(world: World, address: string): Promise<Row[]> {
  const user = await world.exchange("Get-Mailbox", { Identity: address });
  const all = Object.values(await world.control("GET", "state/messages").catch(() => ({}))) as Row[];
  return all.filter(({ mailbox }) => mailbox === user[0]?.ExternalDirectoryObjectId);
}

const theRule = {
  displayName: "Dynamics 365 forward mailbox: CRM intake",
  isEnabled: true,
  actions: { forwardAsAttachmentTo: [{ emailAddress: { address: collector } }] },
};

describe("the record", () => {
  test("of the smallest program has the columns of a forward mailbox, is approved and tested", async () => {
    const { world } = await withMailboxes();
    const resource = await world.resource("ForwardingMailbox", "intake").up(intake);

    expect(await record(world, resource.id)).toMatchObject({
      name: "CRM intake",
      emailaddress: collector,
      isforwardmailbox: true,
      incomingemaildeliverymethod: SERVER_SIDE,
      outgoingemaildeliverymethod: 0,
      actdeliverymethod: 2,
      processanddeleteemails: false,
      emailrouteraccessapproval: 1,
      incomingemailstatus: 1,
      _emailserverprofile_value: profile(1),
    });
    expect(resource.outputs).toMatchObject({
      isForwardMailbox: true,
      incomingEmailStatus: "Success",
      outgoingEmailStatus: "NotRun",
      appointmentsContactsTasksStatus: "NotRun",
      mailboxTestCompletedOn: expect.stringMatching(/^20/),
      emailApproval: "Approved",
      sourceRules: {},
      organizationId: id("d000", 1),
      tenantId: world.tenantId,
    });
    expect(await resource.plan(intake)).toEqual([]);
    expect(await resource.refresh()).toEqual({});
    expect(await resource.plan(intake)).toEqual([]);
    expect(world.warnings).toEqual([expect.stringContaining("fills up")]);
  });

  const cases: Record<
    string,
    { values: [unknown, unknown]; columns: [Row, Row]; byHand: Row; read: unknown; gone?: Row }
  > = {
    name: {
      values: ["Intake", "Intake of the desk"],
      columns: [{ name: "Intake" }, { name: "Intake of the desk" }],
      byHand: { name: "Somebody's" },
      read: "Somebody's",
    },
    deleteAfterProcessing: {
      values: [true, false],
      columns: [{ processanddeleteemails: true }, { processanddeleteemails: false }],
      byHand: { processanddeleteemails: false },
      read: false,
      gone: { processanddeleteemails: false },
    },
    incomingEmail: {
      values: ["None", "ServerSideSynchronization"],
      columns: [{ incomingemaildeliverymethod: 0 }, { incomingemaildeliverymethod: SERVER_SIDE }],
      byHand: { incomingemaildeliverymethod: SERVER_SIDE },
      read: "ServerSideSynchronization",
      gone: { incomingemaildeliverymethod: SERVER_SIDE },
    },
    serverProfile: {
      values: ["Contoso POP3", "Contoso mailbox credentials"],
      columns: [{ _emailserverprofile_value: profile(2) }, { _emailserverprofile_value: profile(3) }],
      byHand: { "emailserverprofile@odata.bind": `/emailserverprofiles(${profile(3)})` },
      read: "Contoso mailbox credentials",
      gone: { _emailserverprofile_value: profile(1) },
    },
  };

  test.each(Object.entries(cases))(
    "%s: set, changed in place, removed",
    async (property, { values, columns, gone }) => {
      const { world } = await withMailboxes();
      const resource = await made(world, { ...intake, testAndEnable: false, [property]: values[0] });
      expect(await record(world, resource.id)).toMatchObject(columns[0]);
      const changed = { ...intake, testAndEnable: false, [property]: values[1] };
      expect(await resource.plan(changed)).toEqual([property]);
      await resource.up(changed);
      expect(await record(world, resource.id)).toMatchObject(columns[1]);
      expect(await forwardMailboxes(world)).toHaveLength(1);
      expect(await resource.plan(changed)).toEqual([]);
      expect(await resource.refresh()).toEqual({});
      if (gone !== undefined) {
        await resource.up({ ...intake, testAndEnable: false });
        expect(await record(world, resource.id)).toMatchObject(gone);
        expect(await resource.refresh()).toEqual({});
      }
    },
  );

  test.each(Object.entries(cases))("%s: changed behind our back, named and repaired", async (property, one) => {
    const { world } = await withMailboxes();
    const program = { ...intake, testAndEnable: false, [property]: one.values[0] };
    const resource = await made(world, program);
    await world.dataverse("PATCH", `/mailboxes(${resource.id})`, one.byHand);
    expect(await resource.refresh()).toEqual({ [property]: [one.values[0], one.read] });
    await resource.up(program);
    expect(await record(world, resource.id)).toMatchObject(one.columns[0]);
    expect(await resource.refresh()).toEqual({});
  });

  test("undeclared columns are neither written nor reported", async () => {
    const { world } = await withMailboxes();
    const resource = await made(world, { ...intake, testAndEnable: false });
    await world.dataverse("PATCH", `/mailboxes(${resource.id})`, {
      processanddeleteemails: true,
      "emailserverprofile@odata.bind": `/emailserverprofiles(${profile(2)})`,
    });
    expect(await resource.refresh()).toEqual({});
    await resource.up({ ...intake, testAndEnable: false, name: "Renamed" });
    expect(await record(world, resource.id)).toMatchObject({
      name: "Renamed",
      processanddeleteemails: true,
      _emailserverprofile_value: profile(2),
    });
    const patches = (await world.control("GET", "requests?service=dataverse&method=PATCH")) as unknown as Row[];
    expect(patches.at(-1)?.body).toEqual({ name: "Renamed" });
  });

  test.each([
    ["by id", { serverProfile: profile(2) }, 2],
    ["by id in capitals", { serverProfile: profile(2).toUpperCase() }, 2],
    ["by name, without regard to case", { serverProfile: "contoso pop3" }, 2],
    ["by default", {}, 1],
  ])("takes its server profile %s", async (_what, input, number) => {
    const { world } = await withMailboxes();
    const resource = await made(world, { ...intake, ...input, testAndEnable: false });
    expect((await record(world, resource.id))._emailserverprofile_value).toBe(profile(number));
    expect(await resource.refresh()).toEqual({});
  });

  test("takes the organisation's default profile where the built-in one is not there", async () => {
    const { world } = await withMailboxes();
    await world.control("PATCH", `state/dv.emailserverprofiles/${profile(1)}`, { name: "Something else" });
    const resource = await made(world, intake);
    expect((await record(world, resource.id))._emailserverprofile_value).toBe(profile(1));
  });

  test.each([
    ["an unknown profile", { serverProfile: "Nobody's" }, /^serverProfile: no e-mail server profile/],
    ["an inactive profile", { serverProfile: "Contoso retired" }, /^serverProfile: .*inactive.*0x8005E228/],
    ["a group's address", { emailAddress: "support-team@contoso.com" }, /^emailAddress: is the mail-enabled/],
    [
      "an address outside the tenant",
      { emailAddress: "orders@northwind.example" },
      /^emailAddress: is outside the tenant, whose domains are contoso\.com, /,
    ],
    ["nobody's address", { emailAddress: "nobody@contoso.com" }, /^emailAddress: nobody in the tenant/],
    ["a source that has no inbox", { sources: ["all-staff@contoso.com"] }, /^sources\["all-staff@contoso\.com"\]: is/],
    ["the collector as a source", { sources: [collector] }, /^sources\["forwardmailbox@contoso\.com"\]: .*itself/],
    [
      "the collector by another address as a source",
      { sources: ["forwardmailbox@contoso.onmicrosoft.com"] },
      /^sources\["forwardmailbox@contoso\.onmicrosoft\.com"\]: .*itself/,
    ],
    [
      "one source in two spellings",
      { sources: ["ada@contoso.com", ada] },
      /^sources\["[^"]+"\]: is the same mailbox as sources\[/,
    ],
  ])("is not made with %s", async (_what, input, reason) => {
    const { world } = await withMailboxes({ config: { settleTimeout: "0.3s" } });
    expect(await failure(made(world, { ...intake, ...input }))).toMatch(reason);
    expect(await forwardMailboxes(world)).toEqual([]);
  });

  test("is warned about when another record has the address", async () => {
    const { world } = await withMailboxes();
    await made(world, { name: "For Ada", emailAddress: "ada@contoso.com", testAndEnable: false });
    expect(world.warnings.join("\n")).toMatch(/ada@contoso\.com has another mailbox record already \(Ada Lovelace\)/);
  });

  test("that is gone is gone, and an update says so", async () => {
    const { world } = await withMailboxes();
    const resource = await made(world);
    await world.dataverse("DELETE", `/mailboxes(${resource.id})`);
    expect(await failure(resource.up({ ...intake, name: "New" }))).toContain("no longer");
    expect(await resource.refresh()).toBe("gone");
  });
});

describe("creation", () => {
  test.each(["before", "after"])("whose answer is lost (closed %s it happened) leaves one record", async (close) => {
    const { world } = await withMailboxes();
    await world.fault({ service: "dataverse", method: "PATCH", close });
    const resource = await made(world);
    expect(await forwardMailboxes(world)).toHaveLength(1);
    expect(await resource.refresh()).toEqual({});
  });

  test("that was interrupted continues in silence with its own record and rules", async () => {
    const { world, support } = await withMailboxes();
    const program = { ...intake, sources: ["support@contoso.com"], testAndEnable: true, deleteAfterProcessing: true };
    const { id } = await made(world, program);
    await world.control("PATCH", `state/dv.mailboxes/${id}`, { testmailboxaccesscompletedon: NEVER });
    world.warnings.length = 0;
    const second = await made(world, { ...program, name: "Renamed" });
    expect(second.id).toBe(id);
    expect(await forwardMailboxes(world)).toMatchObject([{ name: "Renamed" }]);
    expect(world.warnings.filter((text) => !text.includes("was on Forward Mailbox already"))).toEqual([]);
    await second.destroy();
    expect(await forwardMailboxes(world)).toEqual([]);
    expect(await rules(world, support)).toEqual([]);
  });

  test("of a record that is complete says what it continues with, and leaves it to the stack that has it", async () => {
    const { world } = await withMailboxes();
    const first = await made(world);
    world.warnings.length = 0;
    const second = await made(world);
    expect(second.id).toBe(first.id);
    expect(world.warnings.join("\n")).toMatch(
      /Continuing with the forward mailbox CRM intake \(.*which a deployment of this resource made at 2.*`pulumi state move`/,
    );
    await second.destroy();
    expect(await forwardMailboxes(world)).toMatchObject([{ mailboxid: first.id }]);
    expect(await first.refresh()).toEqual({});
    await first.destroy();
    expect(await forwardMailboxes(world)).toEqual([]);
  });

  test("of a record that another stack has in its state by now, with its rules, is refused and changes nothing", async () => {
    const { world, support } = await withMailboxes();
    const program = { ...intake, sources: ["support@contoso.com"] };
    const moved = await made(world, program);
    await world.writes();
    const refusal = await failure(made(world, program));
    expect(refusal).toMatch(
      /which a deployment of this resource made \(id .*; inbox rules of support@contoso\.com feed it\)/,
    );
    expect(refusal).toMatch(/`pulumi state move`.*set adopt: true\.$/);
    expect(await world.writes()).toEqual([]);
    expect(await rules(world, support)).toHaveLength(1);
    expect(await moved.refresh()).toEqual({});
  });

  test("of another resource makes another record", async () => {
    const { world } = await withMailboxes();
    await made(world);
    await made(world, { ...intake, name: "Second" }, "second");
    expect(await forwardMailboxes(world)).toHaveLength(2);
  });

  test("is guarded, and its two requests at once leave one record", async () => {
    const { world } = await withMailboxes();
    const resource = world.resource("ForwardingMailbox", "intake");
    const twin = world.resource("ForwardingMailbox", "intake");
    await world.together(async () => {
      await Promise.all([resource.up(intake), twin.up(intake)]);
    });
    expect(await forwardMailboxes(world)).toHaveLength(1);
  });

  test("that fails afterwards keeps the record, and the next deployment finishes it", async () => {
    const { world, support } = await withMailboxes();
    await world.fault({
      service: "graph",
      method: "POST",
      path: "messageRules",
      answer: { status: 400, body: { error: { code: "ErrorInvalidRequest", message: "not this time" } } },
    });
    const resource = world.resource("ForwardingMailbox", "intake");
    const program = { ...intake, sources: ["support@contoso.com"] };
    expect(await failure(resource.up(program))).toContain("creating the inbox rule of support@contoso.com");
    expect(await forwardMailboxes(world)).toHaveLength(1);
    await resource.up(program);
    expect(await rules(world, support)).toMatchObject([theRule]);
    expect(await forwardMailboxes(world)).toHaveLength(1);
    expect(await resource.refresh()).toEqual({});
  });
});

describe("an update", () => {
  test("looks again where somebody changed the row meanwhile", async () => {
    const { world } = await withMailboxes();
    const resource = await made(world, { ...intake, testAndEnable: false });
    await world.fault({
      service: "dataverse",
      method: "PATCH",
      answer: { status: 412, body: { error: { code: "0x80060882", message: "the version does not match" } } },
    });
    await resource.up({ ...intake, testAndEnable: false, name: "Renamed" });
    expect(await record(world, resource.id)).toMatchObject({ name: "Renamed" });
  });

  test.each(["before", "after"])("whose answer is lost (closed %s it happened) is finished", async (close) => {
    const { world } = await withMailboxes({ config: { settleTimeout: "1s" } });
    const resource = await made(world, { ...intake, testAndEnable: false });
    await world.fault({ service: "dataverse", method: "PATCH", close });
    await resource.up({ ...intake, testAndEnable: false, name: "Renamed" });
    expect(await record(world, resource.id)).toMatchObject({ name: "Renamed" });
    expect(await resource.refresh()).toEqual({});
  });

  test("of the address moves rules and record, approves and tests anew", async () => {
    const { world, support } = await withMailboxes();
    await makeMailbox(world, "second@contoso.com");
    const program = { ...intake, sources: ["support@contoso.com"] };
    const resource = await made(world, program);
    const moved = { ...program, emailAddress: "second@contoso.com" };
    expect(await resource.plan(moved)).toEqual(["emailAddress"]);
    const { id: before } = resource;
    await resource.up(moved);
    expect(resource.id).toBe(before);
    expect(await record(world, before)).toMatchObject({
      emailaddress: "second@contoso.com",
      emailrouteraccessapproval: 1,
      incomingemailstatus: 1,
    });
    expect(await rules(world, support)).toMatchObject([
      { actions: { forwardAsAttachmentTo: [{ emailAddress: { address: "second@contoso.com" } }] } },
    ]);
    expect(await resource.refresh()).toEqual({});
  });

  test("in another organisation than the state's is an error, never gone", async () => {
    const { world } = await withMailboxes();
    const resource = await made(world);
    await expectForeign(world, resource, { ...intake, name: "New" });
  });
});

describe("approval", () => {
  test.each([
    ["refused", "0x8009000B"],
    ["silent", "did nothing"],
  ])("that is %s is a warning that says who may, tried once, and never drift", async (approval, words) => {
    const { world } = await withMailboxes({ settings: { approval }, config: { settleTimeout: "0.3s" } });
    const resource = await made(world);
    expect(world.warnings.join("\n")).toContain(words);
    expect(world.warnings.join("\n")).toContain("Delegated Mailbox Approver");
    expect(resource.outputs.emailApproval).toBe("Pending");
    expect(await resource.plan(intake)).toEqual([]);
    expect(await resource.refresh()).toEqual({});

    await resource.up({ ...intake, name: "Renamed" });
    expect(await world.writes()).toHaveLength(1);
    await world.dataverse("PATCH", `/mailboxes(${resource.id})`, { emailrouteraccessapproval: 3 });
    expect(await resource.refresh()).toEqual({});
    expect(resource.outputs.emailApproval).toBe("Rejected");
  });

  test("given by somebody later is followed by the test in the next change", async () => {
    const { world } = await withMailboxes({ settings: { approval: "refused" }, config: { settleTimeout: "2s" } });
    const resource = await made(world);
    expect(resource.outputs.incomingEmailStatus).toBe("NotRun");
    await world.control("PATCH", "settings", { approval: "authorised" });
    await world.dataverse("PATCH", `/mailboxes(${resource.id})`, { emailrouteraccessapproval: 1 });
    await resource.up({ ...intake, name: "Renamed" });
    expect(resource.outputs).toMatchObject({ emailApproval: "Approved", incomingEmailStatus: "Success" });
  });

  test("false asks for none", async () => {
    const { world } = await withMailboxes({ settings: { approval: "refused" } });
    await made(world, { ...intake, approveEmail: false });
    expect(world.warnings.join("\n")).not.toContain("approving");
  });
});

describe("Test & Enable", () => {
  const outcome = (result: string) => ({ settings: { test: { outcomes: { [collector]: result } } } });

  test("that fails is a warning", async () => {
    const { world } = await withMailboxes(outcome("failure"));
    const resource = await made(world);
    expect(resource.outputs.incomingEmailStatus).toBe("Failure");
    expect(world.warnings.join("\n")).toContain("Test & Enable failed");
    expect(await resource.plan(intake)).toEqual([]);
  });

  test("that fails and is required fails the deployment; the next one runs it again", async () => {
    const { world } = await withMailboxes(outcome("failure"));
    const resource = world.resource("ForwardingMailbox", "intake");
    const program = { ...intake, testAndEnable: { require: true } };
    expect(await failure(resource.up(program))).toContain("Test & Enable failed");
    expect(await forwardMailboxes(world)).toHaveLength(1);
    await world.control("PATCH", "settings", { test: { outcomes: { [collector]: "success" } } });
    await resource.up(program);
    expect(resource.outputs.incomingEmailStatus).toBe("Success");
    expect(await forwardMailboxes(world)).toHaveLength(1);
  });

  test("that failed and is required from now on runs again", async () => {
    const { world } = await withMailboxes(outcome("failure"));
    const resource = await made(world);
    expect(await failure(resource.up({ ...intake, testAndEnable: { require: true } }))).toContain("failed");
  });

  test("is scheduled though the row changes again and again meanwhile", async () => {
    const { world } = await withMailboxes();
    await world.fault({
      service: "dataverse",
      method: "PATCH",
      after: 1,
      times: 3,
      answer: { status: 412, body: { error: { code: "0x80060882", message: "the version does not match" } } },
    });
    const resource = await made(world);
    expect(resource.outputs.incomingEmailStatus).toBe("Success");
  });

  test("that does not end in time is a warning; refresh shows its result later", async () => {
    const { world } = await withMailboxes({ ...outcome("never"), config: { settleTimeout: "0.3s" } });
    const resource = await made(world);
    expect(world.warnings.join("\n")).toContain("did not finish in time");
    await world.control("PATCH", "settings", { test: { outcomes: { [collector]: "success" } } });
    expect(await resource.refresh()).toEqual({});
    expect(resource.outputs.incomingEmailStatus).toBe("Success");
  });

  test("that does not end in time and is required fails", async () => {
    const { world } = await withMailboxes({ ...outcome("never"), config: { settleTimeout: "0.3s" } });
    expect(await failure(made(world, { ...intake, testAndEnable: { require: true } }))).toContain("in time");
  });

  test("false runs none; a text runs it, and again when it changes", async () => {
    const { world } = await withMailboxes();
    const runs = async () =>
      ((await world.control("GET", "requests?service=dataverse&method=PATCH")) as unknown as Row[]).filter(
        ({ body }) => (body as Row).testemailconfigurationscheduled === true,
      ).length;
    const resource = await made(world, { ...intake, testAndEnable: false });
    expect(await runs()).toBe(0);
    await resource.up({ ...intake, testAndEnable: "1" });
    expect(await runs()).toBe(1);
    await resource.up({ ...intake, testAndEnable: "1", name: "Renamed" });
    expect(await runs()).toBe(1);
    await resource.up({ ...intake, testAndEnable: "2", name: "Renamed" });
    expect(await runs()).toBe(2);
    await resource.up({ ...intake, name: "Renamed" });
    expect(await runs()).toBe(2);
  });
});

describe("a source", () => {
  const program = { ...intake, sources: ["support@contoso.com"] };

  test("gets a rule that forwards everything as an attachment, and mail arrives", async () => {
    const { world, support } = await withMailboxes();
    const resource = await made(world, program);
    const [rule] = await rules(world, support);
    expect(rule).toMatchObject(theRule);
    expect(resource.outputs).toMatchObject({
      sourceRules: { "support@contoso.com": rule?.id },
      sourceIds: { "support@contoso.com": support },
    });
    await world.control("POST", "deliver", {
      from: "customer@adatum.example",
      to: "support@contoso.com",
      subject: "Help",
    });
    expect(await messagesIn(world, collector)).toMatchObject([
      { attachment: { from: "customer@adatum.example", subject: "Help" } },
    ]);
    expect(await resource.plan({ ...intake, sources: { "Support@contoso.com": {} } })).toEqual([]);
    expect(await resource.refresh()).toEqual({});
    expect(await resource.plan(program)).toEqual([]);
  });

  test.each<[string, Row, RegExp]>([
    ["disabled", { isEnabled: false }, /disabled/],
    [
      "pointed elsewhere",
      { actions: { forwardAsAttachmentTo: [{ emailAddress: { address: "grace@contoso.com" } }] } },
      /forwards to grace@contoso\.com/,
    ],
    ["given conditions", { conditions: { subjectContains: ["invoice"] } }, /conditions/],
    ["given exceptions", { exceptions: { subjectContains: ["invoice"] } }, /exceptions/],
    [
      "made to delete",
      { actions: { forwardAsAttachmentTo: [{ emailAddress: { address: collector } }], delete: true } },
      /also does delete/,
    ],
    [
      "made to stop the rules behind it",
      { actions: { forwardAsAttachmentTo: [{ emailAddress: { address: collector } }], stopProcessingRules: true } },
      /also does stopProcessingRules/,
    ],
    ["renamed", { displayName: "Mine now" }, /is called Mine now/],
  ])("whose rule is %s is named and repaired", async (_what, change, words) => {
    const { world, support } = await withMailboxes();
    const resource = await made(world, program);
    const [rule] = await rules(world, support);
    await world.graph("PATCH", `/users/${support}/mailFolders/inbox/messageRules/${rule?.id}`, change);
    const drift = await resource.refresh();
    expect(Object.keys(drift)).toEqual(["sources/support@contoso.com/drift"]);
    expect(JSON.stringify(drift)).toMatch(words);
    await resource.up(program);
    const [repaired, ...more] = await rules(world, support);
    expect(more).toEqual([]);
    expect(repaired).toMatchObject(theRule);
    expect(JSON.stringify([repaired?.conditions, repaired?.exceptions])).not.toContain("invoice");
    expect(JSON.stringify(repaired?.actions)).not.toMatch(/"(delete|stopProcessingRules)":true/);
    expect(await resource.refresh()).toEqual({});
  });

  test("whose rule is deleted is named and gets it again", async () => {
    const { world, support } = await withMailboxes();
    const resource = await made(world, program);
    const [rule] = await rules(world, support);
    await world.graph("DELETE", `/users/${support}/mailFolders/inbox/messageRules/${rule?.id}`);
    expect(await resource.refresh()).toEqual({ "sources/support@contoso.com": [{}, undefined] });
    await resource.up(program);
    expect(await rules(world, support)).toMatchObject([theRule]);
    expect(await resource.refresh()).toEqual({});
  });

  test("that is removed loses the rule and nothing else", async () => {
    const { world, support } = await withMailboxes();
    await world.graph("POST", `/users/${support}/mailFolders/inbox/messageRules`, {
      displayName: "Somebody's",
      sequence: 1,
      isEnabled: true,
      actions: { markAsRead: true },
    });
    const resource = await made(world, { ...intake, sources: ["support@contoso.com", "ada@contoso.com"] });
    await resource.up({ ...intake, sources: ["ada@contoso.com"] });
    expect(await rules(world, support)).toMatchObject([{ displayName: "Somebody's" }]);
    expect(await rules(world, ada)).toMatchObject([theRule]);
    expect(resource.outputs.sourceRules).toEqual({ "ada@contoso.com": expect.any(String) });
    await resource.up(intake);
    expect(await rules(world, ada)).toEqual([]);
    expect(await resource.refresh()).toEqual({});
  });

  test.each(["before", "after"])("whose rule's answer is lost (closed %s it happened) has one rule", async (close) => {
    const { world, support } = await withMailboxes({ config: { settleTimeout: "1s" } });
    await world.fault({ service: "graph", method: "POST", path: "messageRules", close });
    const resource = await made(world, program);
    expect(await rules(world, support)).toMatchObject([theRule]);
    expect(resource.outputs.sourceRules).toEqual({ "support@contoso.com": expect.any(String) });
    await resource.destroy();
    expect(await rules(world, support)).toEqual([]);
  });

  test("written in another way keeps its rule", async () => {
    const { world, support } = await withMailboxes();
    const resource = await made(world, program);
    const [before] = await rules(world, support);
    await resource.up({ ...intake, sources: [support] });
    expect(await rules(world, support)).toEqual([before]);
    expect(await resource.refresh()).toEqual({});
  });

  test("of a renamed record has its rule renamed", async () => {
    const { world, support } = await withMailboxes();
    const resource = await made(world, program);
    await resource.up({ ...program, name: "Renamed" });
    expect(await rules(world, support)).toMatchObject([{ displayName: "Dynamics 365 forward mailbox: Renamed" }]);
    expect(await resource.refresh()).toEqual({});
  });

  test("has its rule before those that stop, and is warned about where mail is forwarded without a copy, where a person works", async () => {
    const { world, support } = await withMailboxes();
    await world.graph("POST", `/users/${support}/mailFolders/inbox/messageRules`, {
      displayName: "Stops",
      sequence: 1,
      isEnabled: true,
      actions: { markAsRead: true, stopProcessingRules: true },
    });
    await world.exchange("Set-Mailbox", {
      Identity: support,
      ForwardingAddress: "grace@contoso.com",
      DeliverToMailboxAndForward: false,
    });
    await made(world, { ...intake, sources: ["support@contoso.com", "ada@contoso.com"] });
    const warnings = world.warnings.join("\n");
    expect(warnings).not.toMatch(/Stops/);
    const order = (await rules(world, support)).sort((a, b) => Number(a.sequence) - Number(b.sequence));
    expect(order.map(({ displayName }) => displayName)).toEqual([expect.stringContaining("CRM intake"), "Stops"]);
    expect(warnings).toMatch(/support@contoso\.com.*without keeping a copy/);
    expect(warnings).toMatch(/ada@contoso\.com.*person's mailbox/);
  });

  test("that is being created is waited for", async () => {
    const world = await startWorld({ settings: { lag: { exchange: 300, graph: 300 } } });
    await makeMailbox(world, collector);
    await makeMailbox(world, "support@contoso.com");
    const resource = await made(world, program);
    expect(Object.keys(resource.outputs.sourceRules as Row)).toEqual(["support@contoso.com"]);
    expect(await resource.refresh()).toEqual({});
  });
});

describe("a source that Dynamics knows", () => {
  const program = { ...intake, sources: ["ada@contoso.com"] };
  const method = async (world: World) => (await record(world, adasRecord)).incomingemaildeliverymethod;

  test("has its record set to Forward Mailbox, and put back on removal and on deletion", async () => {
    const { world } = await withMailboxes();
    const resource = await made(world, program);
    expect(await method(world)).toBe(FORWARD_MAILBOX);
    await resource.up(intake);
    expect(await method(world)).toBe(SERVER_SIDE);
    await resource.up(program);
    expect(await method(world)).toBe(FORWARD_MAILBOX);
    await resource.destroy();
    expect(await method(world)).toBe(SERVER_SIDE);
    expect(await rules(world, ada)).toEqual([]);
    expect(await forwardMailboxes(world)).toEqual([]);
  });

  test("is named when somebody sets it back, and set again", async () => {
    const { world } = await withMailboxes();
    const resource = await made(world, program);
    await world.dataverse("PATCH", `/mailboxes(${adasRecord})`, { incomingemaildeliverymethod: 0 });
    const drift = await resource.refresh();
    expect(Object.keys(drift)).toEqual(["sources/ada@contoso.com/drift"]);
    expect(JSON.stringify(drift)).toContain("incoming e-mail of Ada Lovelace is None");
    await resource.up(program);
    expect(await method(world)).toBe(FORWARD_MAILBOX);
    expect(await resource.refresh()).toEqual({});
    await resource.destroy();
    expect(await method(world)).toBe(SERVER_SIDE);
  });

  test("is not put back where somebody changed it since", async () => {
    const { world } = await withMailboxes();
    const resource = await made(world, program);
    await world.dataverse("PATCH", `/mailboxes(${adasRecord})`, { incomingemaildeliverymethod: 0 });
    await resource.destroy();
    expect(await method(world)).toBe(0);
  });

  test("was Forward Mailbox before stays so", async () => {
    const { world } = await withMailboxes();
    await world.dataverse("PATCH", `/mailboxes(${adasRecord})`, { incomingemaildeliverymethod: FORWARD_MAILBOX });
    const resource = await made(world, program);
    await resource.destroy();
    expect(await method(world)).toBe(FORWARD_MAILBOX);
  });

  test("keeps, added again, what it was this time", async () => {
    const { world } = await withMailboxes();
    const resource = await made(world, program);
    await resource.up(intake);
    await world.dataverse("PATCH", `/mailboxes(${adasRecord})`, { incomingemaildeliverymethod: 0 });
    await resource.up(program);
    await resource.up(intake);
    expect(await method(world)).toBe(0);
  });

  test("and feeds two forward mailboxes that go in one deployment is put back with the last", async () => {
    const { world } = await withMailboxes();
    await makeMailbox(world, "second@contoso.com");
    const first = await made(world, program, "first");
    const second = await made(
      world,
      { name: "Second", emailAddress: "second@contoso.com", sources: ["ada@contoso.com"] },
      "second",
    );
    await world.together(async () => {
      await first.destroy();
      expect(await method(world)).toBe(FORWARD_MAILBOX);
      await second.destroy();
    });
    expect(await method(world)).toBe(SERVER_SIDE);
    expect(await rules(world, ada)).toEqual([]);
  });

  test("and feeds two forward mailboxes is put back with the last", async () => {
    const { world } = await withMailboxes();
    await makeMailbox(world, "second@contoso.com");
    const first = await made(world, program, "first");
    const second = await made(
      world,
      { name: "Second", emailAddress: "second@contoso.com", sources: ["ada@contoso.com"] },
      "second",
    );
    expect(await rules(world, ada)).toHaveLength(2);
    expect(await first.refresh()).toEqual({});
    await second.destroy();
    expect(await method(world)).toBe(FORWARD_MAILBOX);
    expect(await rules(world, ada)).toMatchObject([theRule]);
    await first.destroy();
    expect(await method(world)).toBe(SERVER_SIDE);
  });

  test.each(["before", "after"])("survives a lost answer of its record (closed %s it happened)", async (close) => {
    const { world } = await withMailboxes({ config: { settleTimeout: "1s" } });
    await world.fault({ service: "dataverse", method: "PATCH", path: adasRecord, close });
    const resource = await made(world, program);
    expect(await method(world)).toBe(FORWARD_MAILBOX);
    await resource.destroy();
    expect(await method(world)).toBe(SERVER_SIDE);
  });
});

describe("deletion", () => {
  test("removes the rule of a source that Exchange does not show", async () => {
    const { world, support } = await withMailboxes();
    const resource = await made(world, { ...intake, sources: ["support@contoso.com"] });
    await hideRecipients(world);
    await resource.destroy();
    expect(await rules(world, support)).toEqual([]);
  });

  test.each([{}, { deleteNeedsInactive: true }])(
    "with %j takes rule and record, and sees them gone",
    async (settings) => {
      const { world, support } = await withMailboxes({ settings });
      const resource = await made(world, { ...intake, sources: ["support@contoso.com"] });
      await resource.destroy();
      expect(await forwardMailboxes(world)).toEqual([]);
      expect(await rules(world, support)).toEqual([]);
    },
  );

  test("of a record that is gone is success", async () => {
    const { world } = await withMailboxes();
    const resource = await made(world);
    await world.dataverse("DELETE", `/mailboxes(${resource.id})`);
    await resource.destroy();
  });

  test("of a record that is gone still takes the rules", async () => {
    const { world, support } = await withMailboxes();
    const resource = await made(world, { ...intake, sources: ["support@contoso.com"] });
    await world.dataverse("DELETE", `/mailboxes(${resource.id})`);
    await resource.destroy();
    expect(await rules(world, support)).toEqual([]);
  });

  test("after a source's mailbox is gone takes what is left", async () => {
    const { world, support } = await withMailboxes({ config: { settleTimeout: "1s" } });
    const resource = await made(world, { ...intake, sources: ["support@contoso.com", "ada@contoso.com"] });
    await world.exchange("Remove-Mailbox", { Identity: support, Confirm: false });
    await resource.destroy();
    expect(await forwardMailboxes(world)).toEqual([]);
    expect(await rules(world, ada)).toEqual([]);
  });

  test.each(["before", "after"])("whose answer is lost (closed %s it happened) is told as it is", async (close) => {
    const { world } = await withMailboxes({ config: { settleTimeout: "0.5s" } });
    const resource = await made(world);
    await world.fault({ service: "dataverse", method: "DELETE", close });
    if (close === "before") {
      expect(await failure(resource.destroy())).toContain("to be gone");
    }
    if (resource.state !== undefined) {
      await resource.destroy();
    }
    expect(await forwardMailboxes(world)).toEqual([]);
  });

  test("under another logical name, of what a new resource declares, leaves it", async () => {
    const { world, support } = await withMailboxes();
    const program = { ...intake, sources: ["support@contoso.com"] };
    const old = await made(world, program, "old");
    const renamed = world.resource("ForwardingMailbox", "new");
    await world.together(async () => {
      await renamed.up(program);
      await old.destroy();
    });
    expect(await forwardMailboxes(world)).toHaveLength(1);
    expect(await rules(world, support)).toMatchObject([theRule]);
    expect(await renamed.refresh()).toEqual({});
  });
});
