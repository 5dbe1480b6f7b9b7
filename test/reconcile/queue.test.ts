import {
  expectForeign,
  forgetRequests,
  NEVER,
  patches,
  profileId,
  record,
  row,
  rows,
  sales,
  seeded,
  userId,
} from "./dataverse-rows";
import { failure, makeMailbox, type Resource, type Row, startWorld, type World } from "./harness";

const SUPPORT = "support@contoso.com";
const support = { name: "Support", emailAddress: SUPPORT };
/** Without the commands: only values. */
const values = { ...support, testAndEnable: false, approveEmail: false };
const NONE = 0;
const SERVER_SIDE = 2;
const FORWARD_MAILBOX = 3;
const team = (number: number) => seeded("d005", number);

/** A tenant with the mailboxes that queues have in these tests. */
async function withMailboxes(options: Parameters<typeof startWorld>[0] = {}): Promise<World> {
  const world = await startWorld(options);
  await makeMailbox(world, SUPPORT);
  await makeMailbox(world, "sales@contoso.com");
  await makeMailbox(world, "service@contoso.com");
  await world.writes();
  return world;
}

async function made(world: World, program: Row = support, name = "support"): Promise<Resource> {
  const resource = await world.resource("Queue", name).up(program);
  await world.writes();
  return resource;
}

const queueRow = (world: World, id: string): Promise<Row> => row(world, "queues", id);
const withAddress = (world: World, address: string): Promise<Row[]> =>
  rows(world, "queues", `emailaddress eq '${address}'`);

/** The mailbox record of a queue. */
async function recordOf(world: World, queueId: string): Promise<Row> {
  const [found, ...more] = await rows(world, "mailboxes", `_regardingobjectid_value eq ${queueId}`);
  expect(more).toEqual([]);
  return found ?? {};
}

describe("the smallest program", () => {
  test("makes a queue and finishes the record that Dynamics makes for it", async () => {
    const world = await withMailboxes();
    await forgetRequests(world);
    const resource = await world.resource("Queue", "support").up(support);
    expect(await queueRow(world, resource.id)).toMatchObject({ name: "Support", emailaddress: SUPPORT });
    const mailbox = await recordOf(world, resource.id);
    expect(mailbox).toMatchObject({ emailaddress: SUPPORT, emailrouteraccessapproval: 1, isforwardmailbox: false });
    const sent = await patches(world, "queues");
    expect(sent).toEqual([{ name: "Support", emailaddress: SUPPORT }, { emailrouteraccessapproval: 1 }]);
    expect(resource.outputs).toMatchObject({
      mailboxId: mailbox.mailboxid,
      regarding: resource.id,
      isForwardMailbox: false,
      emailApproval: "Approved",
      incomingEmailStatus: "Success",
      serverProfileId: profileId(1),
      ownerId: (await queueRow(world, resource.id))._ownerid_value,
      organizationId: seeded("d000", 1),
      tenantId: world.tenantId,
    });
    expect(await resource.plan(support)).toEqual([]);
    expect(await resource.refresh()).toEqual({});
    expect(await resource.plan(support)).toEqual([]);
    expect(world.warnings).toEqual([]);
    await resource.destroy();
    expect(await withAddress(world, SUPPORT)).toEqual([]);
    expect(await record(world, String(mailbox.mailboxid))).toEqual({});
  });

  test("that somebody deactivated is told in a refresh", async () => {
    const world = await withMailboxes();
    const resource = await made(world, support);
    await world.dataverse("PATCH", `/queues(${resource.id})`, { statecode: 1, statuscode: 2 });
    expect(await resource.refresh()).toEqual({});
    expect(world.warnings).toEqual([
      "The queue Support is inactive: somebody deactivated it in Dynamics. Activate it there.",
    ]);
    await world.dataverse("PATCH", `/queues(${resource.id})`, { statecode: 0, statuscode: 1 });
    expect(await resource.refresh()).toEqual({});
    expect(world.warnings).toHaveLength(1);
  });

  test("leaves alone what it does not declare, and says nothing of it", async () => {
    const world = await withMailboxes();
    const resource = await made(world, values);
    const change = {
      incomingemaildeliverymethod: NONE,
      outgoingemaildeliverymethod: NONE,
      incomingemailfilteringmethod: 3,
      queueviewtype: 1,
      description: "Somebody's",
      "ownerid@odata.bind": `/systemusers(${userId(1)})`,
    };
    await world.dataverse("PATCH", `/queues(${resource.id})`, change);
    expect(await resource.refresh()).toEqual({});
    await forgetRequests(world);
    await resource.up({ ...values, name: "Renamed" });
    expect(await patches(world, "queues")).toEqual([{ name: "Renamed" }]);
    const { "ownerid@odata.bind": _owner, ...same } = change;
    expect(await queueRow(world, resource.id)).toMatchObject({
      ...same,
      name: "Renamed",
      _ownerid_value: userId(1),
    });
  });
});

interface Case {
  values: [unknown, unknown];
  /** Of the queue, or of its record. */
  columns: [Row, Row];
  /** Where the columns are. */
  set: "queues" | "mailboxes";
  sent: Row;
  byHand: Row;
  read: unknown;
  /** What it goes to when it is removed from the program; absent: it cannot be. */
  gone?: Row;
}

const bindOwner = (set: string, id: string): Row => ({ "ownerid@odata.bind": `/${set}(${id})` });
const bindProfile = (number: number): Row => ({
  "emailserverprofile@odata.bind": `/emailserverprofiles(${profileId(number)})`,
});

const cases: Record<string, Case> = {
  name: {
    values: ["Support", "Helpdesk"],
    columns: [{ name: "Support" }, { name: "Helpdesk" }],
    set: "queues",
    sent: { name: "Helpdesk" },
    byHand: { name: "Somebody's" },
    read: "Somebody's",
  },
  emailAddress: {
    values: [SUPPORT, "service@contoso.com"],
    columns: [{ emailaddress: SUPPORT }, { emailaddress: "service@contoso.com" }],
    set: "queues",
    sent: { emailaddress: "service@contoso.com" },
    byHand: { emailaddress: "Sales@Contoso.com" },
    read: "sales@contoso.com",
  },
  owner: {
    values: [{ user: "ada@contoso.com" }, { team: "Support" }],
    columns: [{ _ownerid_value: userId(1) }, { _ownerid_value: team(2) }],
    set: "queues",
    sent: bindOwner("teams", team(2)),
    byHand: bindOwner("systemusers", userId(2)),
    read: { user: "grace@contoso.com" },
    gone: { _ownerid_value: "the application" },
  },
  serverProfile: {
    values: ["Contoso POP3", "Contoso mailbox credentials"],
    columns: [{ _emailserverprofile_value: profileId(2) }, { _emailserverprofile_value: profileId(3) }],
    set: "mailboxes",
    sent: bindProfile(3),
    byHand: bindProfile(1),
    read: "Microsoft Exchange Online",
    gone: { _emailserverprofile_value: profileId(1) },
  },
  incomingEmail: {
    values: ["ForwardMailbox", "ServerSideSynchronization"],
    columns: [{ incomingemaildeliverymethod: FORWARD_MAILBOX }, { incomingemaildeliverymethod: SERVER_SIDE }],
    set: "queues",
    sent: { incomingemaildeliverymethod: SERVER_SIDE },
    byHand: { incomingemaildeliverymethod: NONE },
    read: "None",
    gone: { incomingemaildeliverymethod: NONE },
  },
  outgoingEmail: {
    values: ["None", "ServerSideSynchronization"],
    columns: [{ outgoingemaildeliverymethod: NONE }, { outgoingemaildeliverymethod: SERVER_SIDE }],
    set: "queues",
    sent: { outgoingemaildeliverymethod: SERVER_SIDE },
    byHand: { outgoingemaildeliverymethod: SERVER_SIDE },
    read: "ServerSideSynchronization",
    gone: { outgoingemaildeliverymethod: NONE },
  },
  emailFiltering: {
    values: ["None", "ResponsesToDynamicsEmail"],
    columns: [{ incomingemailfilteringmethod: 4 }, { incomingemailfilteringmethod: 1 }],
    set: "queues",
    sent: { incomingemailfilteringmethod: 1 },
    byHand: { incomingemailfilteringmethod: 2 },
    read: "LeadsContactsAccounts",
    gone: { incomingemailfilteringmethod: 0 },
  },
};

describe.each(Object.entries(cases))("%s", (property, one) => {
  const { columns, set, byHand, read, sent, gone } = one;
  const first = { ...values, [property]: one.values[0] };
  const second = { ...values, [property]: one.values[1] };
  const idIn = (resource: Resource) => (set === "queues" ? resource.id : String(resource.outputs.mailboxId));
  const seen = (world: World, resource: Resource) => row(world, set, idIn(resource));

  test("is set, changed in place with nothing else in the request, and removed", async () => {
    const world = await withMailboxes();
    const caller = String((await world.dataverse("GET", "/WhoAmI"))?.UserId);
    const resource = await made(world, first);
    expect(await seen(world, resource)).toMatchObject(columns[0]);
    expect(await resource.plan(first)).toEqual([]);
    expect(await resource.refresh()).toEqual({});
    const plan = await resource.plan(second);
    expect(plan.map((path) => path.split("/")[0])).toEqual(plan.map(() => property));

    const { id } = resource;
    await forgetRequests(world);
    await resource.up(second);
    expect(resource.id).toBe(id);
    expect(await seen(world, resource)).toMatchObject(columns[1]);
    expect(await patches(world, set)).toEqual([sent]);
    expect(await patches(world, set === "queues" ? "mailboxes" : "queues")).toEqual([]);
    expect(await rows(world, "queues", "queueviewtype eq 0 and name ne 'Sales'")).toHaveLength(1);
    expect(await resource.plan(second)).toEqual([]);
    expect(await resource.refresh()).toEqual({});

    if (gone !== undefined) {
      await resource.up(values);
      const expected = gone._ownerid_value === undefined ? gone : { _ownerid_value: caller };
      expect(await seen(world, resource)).toMatchObject(expected);
      expect(await resource.refresh()).toEqual({});
      expect(await resource.plan(values)).toEqual([]);
    }
  });

  test("changed behind our back is named and repaired", async () => {
    const world = await withMailboxes();
    const resource = await made(world, first);
    await world.dataverse("PATCH", `/${set}(${idIn(resource)})`, byHand);
    const drift = await resource.refresh();
    expect(new Set(Object.keys(drift).map((path) => path.split("/")[0]))).toEqual(new Set([property]));
    expect(resource.state?.inputs[property]).toEqual(read);
    await resource.up(first);
    expect(await seen(world, resource)).toMatchObject(columns[0]);
    expect(await resource.refresh()).toEqual({});
    expect(await resource.plan(first)).toEqual([]);
  });
});

describe("values", () => {
  test.each([
    ["All", 0],
    ["ResponsesToDynamicsEmail", 1],
    ["LeadsContactsAccounts", 2],
    ["EmailEnabledRecords", 3],
    ["None", 4],
  ])("the filter %s is %i", async (emailFiltering, column) => {
    const world = await withMailboxes();
    const resource = await made(world, { ...values, emailFiltering });
    expect(await queueRow(world, resource.id)).toMatchObject({ incomingemailfilteringmethod: column });
    expect(await resource.refresh()).toEqual({});
  });

  test.each<[string, Row, string]>([
    ["a user's name", { user: "Ada Lovelace" }, userId(1)],
    ["a user's address in capitals", { user: "ADA@contoso.com" }, userId(1)],
    ["a user's id", { user: userId(2) }, userId(2)],
    ["a user's id in Entra", { user: seeded("a001", 2) }, userId(2)],
    ["a team's address", { team: "field-service-south@contoso.com" }, team(4)],
    ["a team's id", { team: team(3) }, team(3)],
  ])("the owner is found by %s", async (_what, owner, id) => {
    const world = await withMailboxes();
    const resource = await made(world, { ...values, owner });
    expect(await queueRow(world, resource.id)).toMatchObject({ _ownerid_value: id });
    // The record is the queue's owner's.
    expect(await recordOf(world, resource.id)).toMatchObject({ _ownerid_value: id });
    expect(await resource.refresh()).toEqual({});
  });

  test.each<[string, unknown]>([
    ["name without regard to case", "contoso pop3"],
    ["id", profileId(2)],
    ["id in capitals", profileId(2).toUpperCase()],
  ])("the server profile is found by %s", async (_what, serverProfile) => {
    const world = await withMailboxes();
    const resource = await made(world, { ...values, serverProfile });
    expect(await recordOf(world, resource.id)).toMatchObject({ _emailserverprofile_value: profileId(2) });
    expect(await resource.refresh()).toEqual({});
  });

  test("a removed server profile goes to the organisation's default one, not to the built-in one", async () => {
    const world = await withMailboxes();
    const organization = seeded("d000", 1);
    await world.dataverse("PATCH", `/organizations(${organization})`, {
      "defaultemailserverprofileid@odata.bind": `/emailserverprofiles(${profileId(2)})`,
    });
    const resource = await made(world, { ...values, serverProfile: "Microsoft Exchange Online" });
    await resource.up(values);
    expect(await recordOf(world, resource.id)).toMatchObject({ _emailserverprofile_value: profileId(2) });
  });

  test.each<[string, Row, RegExp]>([
    ["an unknown profile", { serverProfile: "Nobody's" }, /^serverProfile: no e-mail server profile/],
    ["an inactive profile", { serverProfile: "Contoso retired" }, /^serverProfile: .*inactive.*0x8005E228/],
    ["an unknown owner", { owner: { user: "nobody@contoso.com" } }, /^owner\.user: no user/],
    ["two teams", { owner: { team: "Field Service" } }, /^owner\.team: 2 teams have this name/],
    ["somebody who left", { owner: { user: "Charles Babbage" } }, /^owner\.user: .*disabled/],
    ["a group's address", { emailAddress: "support-team@contoso.com" }, /^emailAddress: is the mail-enabled/],
    [
      "an address outside the tenant",
      { emailAddress: "orders@northwind.example" },
      /^emailAddress: is outside the tenant, whose domains are contoso\.com, /,
    ],
    ["nobody's address", { emailAddress: "nobody@contoso.com" }, /^emailAddress: nobody in the tenant/],
  ])("it is not made with %s", async (_what, input, reason) => {
    const world = await withMailboxes({ config: { settleTimeout: "0.3s" } });
    expect(await failure(made(world, { ...support, ...input }))).toMatch(reason);
    expect(await world.writes()).toEqual([]);
  });

  test.each<[string, Row, RegExp]>([
    ["no name", { name: "" }, /^name: /],
    ["a long name", { name: "x".repeat(201) }, /^name: .*200/],
    ["no address", { emailAddress: "Support" }, /^emailAddress: /],
    ["Outlook", { incomingEmail: "Outlook" }, /^incomingEmail: must be one of None, ServerSide/],
    ["Forward Mailbox out", { outgoingEmail: "ForwardMailbox" }, /^outgoingEmail: must be one of None, ServerSide/],
    ["another filter", { emailFiltering: "Some" }, /^emailFiltering: must be one of All, /],
    ["two owners", { owner: { user: "Ada Lovelace", team: "Support" } }, /^owner: must be \{ user \} or \{ team \}/],
    ["purging", { deletion: "purge" }, /^deletion: must be "delete" or "retain"/],
    ["no id to adopt", { adopt: "Sales" }, /^adopt: is not an id/],
  ])("are refused in the preview: %s", async (_what, input, reason) => {
    const world = await startWorld();
    expect(await failure(world.resource("Queue", "support").check({ ...support, ...input }))).toMatch(reason);
  });

  test("are refused where a team may own nothing, and nothing is left half-made", async () => {
    const world = await withMailboxes();
    const program = { ...support, owner: { team: "Reviewers" } };
    expect(await failure(made(world, program))).toMatch(/^creating the queue Support: .*0x80042f0a/);
    expect(await withAddress(world, SUPPORT)).toEqual([]);
  });
});

describe("creation", () => {
  test.each(["before", "after"])("whose answer is lost (closed %s it happened) leaves one queue", async (close) => {
    const world = await withMailboxes({ config: { settleTimeout: "2s" } });
    await world.fault({ service: "dataverse", method: "PATCH", path: "queues", close });
    const resource = await made(world);
    expect(await withAddress(world, SUPPORT)).toHaveLength(1);
    expect(await resource.refresh()).toEqual({});
    await resource.destroy();
    expect(await withAddress(world, SUPPORT)).toEqual([]);
  });

  /** What a deployment leaves that is killed while the test runs: the queue, and no state. */
  async function interrupted(world: World): Promise<string> {
    const { id } = await made(world);
    const { _defaultmailbox_value: recordId } = await queueRow(world, id);
    await world.control("PATCH", `state/dv.mailboxes/${recordId}`, { testmailboxaccesscompletedon: NEVER });
    return id;
  }

  test("that was interrupted continues in silence with its own queue, which it then deletes", async () => {
    const world = await withMailboxes();
    const id = await interrupted(world);
    const second = await made(world, { ...support, name: "Renamed", incomingEmail: "ForwardMailbox" });
    expect(second.id).toBe(id);
    expect(world.warnings).toEqual([]);
    expect(await withAddress(world, SUPPORT)).toMatchObject([
      { name: "Renamed", incomingemaildeliverymethod: FORWARD_MAILBOX },
    ]);
    await second.destroy();
    expect(await withAddress(world, SUPPORT)).toEqual([]);
  });

  test("of a queue that is complete says what it continues with, and leaves it to the stack that has it", async () => {
    const world = await withMailboxes();
    const first = await made(world);
    const second = await made(world);
    expect(second.id).toBe(first.id);
    expect(world.warnings).toEqual([
      expect.stringMatching(
        /^Continuing with the queue Support \(.*which a deployment of this resource made at 2.*`pulumi state move`/,
      ),
    ]);
    await second.destroy();
    expect(await queueRow(world, first.id)).toMatchObject({ name: "Support" });
    expect(await first.refresh()).toEqual({});
    await first.destroy();
    expect(await withAddress(world, SUPPORT)).toEqual([]);
  });

  const longAgo = new Date(Date.now() - 31 * 60 * 1000).toISOString();
  test.each<[string, Row, Row, RegExp]>([
    ["is half an hour old", { createdon: longAgo }, {}, /\(id .*; it was made at 2.*\)/],
    ["has items", { numberofitems: 2 }, {}, /\(id .*; it holds 2 items\)/],
    ["is complete, and would be deleted with the resource", {}, { deletion: "delete" }, /\(id .*; it is complete\)/],
  ])("of a queue that %s is refused, and adopt: true takes it over", async (_what, columns, inputs, why) => {
    const world = await withMailboxes();
    const first = await made(world);
    await world.control("PATCH", `state/dv.queues/${first.id}`, columns);
    const refusal = await failure(made(world, { ...support, ...inputs }));
    expect(refusal).toMatch(
      /^emailAddress: support@contoso\.com is the address of the queue Support, which a deployment/,
    );
    expect(refusal).toMatch(why);
    expect(refusal).toMatch(/Nothing was changed\..*take it out of this program\..*set adopt: true\.$/);
    expect(await world.writes()).toEqual([]);
    const adopting = await made(world, { ...support, ...inputs, adopt: true });
    expect(adopting.id).toBe(first.id);
  });

  test("of another resource makes another queue and warns of the first", async () => {
    const world = await withMailboxes();
    const first = await made(world);
    const second = await made(world, { ...support, name: "Second" }, "second");
    expect(second.id).not.toBe(first.id);
    expect(world.warnings).toEqual([
      expect.stringMatching(
        new RegExp(
          `^emailAddress support@contoso\\.com is the address of another queue already: Support \\(${first.id}\\)`,
        ),
      ),
    ]);
    expect(world.warnings.join()).toContain("adopt: true");
  });

  test("twice at once leaves one queue", async () => {
    const world = await withMailboxes();
    const twins = [world.resource("Queue", "support"), world.resource("Queue", "support")];
    await world.together(() => Promise.all(twins.map((twin) => twin.up(values))));
    expect(await withAddress(world, SUPPORT)).toHaveLength(1);
  });

  test("waits for a mailbox that is being created", async () => {
    const world = await startWorld({ settings: { lag: { exchange: 300, graph: 300, dataverse: 300 } } });
    await makeMailbox(world, SUPPORT);
    const resource = await made(world, { ...support, incomingEmail: "ServerSideSynchronization" });
    expect(resource.outputs.incomingEmailStatus).toBe("Success");
    expect(await resource.refresh()).toEqual({});
  });
});

describe("the mailbox record", () => {
  const program = { ...support, serverProfile: "Contoso POP3", outgoingEmail: "ServerSideSynchronization" };

  test("that comes late is waited for", async () => {
    const world = await withMailboxes({ settings: { mailboxRowDelay: 700 } });
    const resource = await made(world, program);
    expect(await recordOf(world, resource.id)).toMatchObject({
      mailboxid: resource.outputs.mailboxId,
      _emailserverprofile_value: profileId(2),
      emailrouteraccessapproval: 1,
      outgoingemailstatus: 1,
    });
    expect(await resource.refresh()).toEqual({});
  });

  test("that comes later than the wait is finished by the next deployment", async () => {
    const world = await withMailboxes({
      settings: { mailboxRowDelay: 600_000 },
      config: { settleTimeout: "0.5s" },
    });
    const resource = world.resource("Queue", "support");
    expect(await failure(resource.up(program))).toMatch(
      /waited .* for Dynamics to make the mailbox record of the queue Support/,
    );
    expect(resource.state?.isTainted).toBe(true);
    const { id } = resource;
    // In between a refresh says what is not there yet, and the rest is not forgotten.
    expect(await resource.refresh()).toEqual({ serverProfile: ["Contoso POP3", null] });
    await world.control("POST", "clock", { advance: 600_000 });
    await resource.up(program);
    expect(resource.id).toBe(id);
    expect(await withAddress(world, SUPPORT)).toHaveLength(1);
    expect(await recordOf(world, id)).toMatchObject({
      _emailserverprofile_value: profileId(2),
      emailrouteraccessapproval: 1,
      outgoingemailstatus: 1,
    });
    expect(await resource.refresh()).toEqual({});
    await resource.destroy();
    expect(await withAddress(world, SUPPORT)).toEqual([]);
  });

  test("that comes later than the wait is approved and tested even if a refresh was in between", async () => {
    const world = await withMailboxes({
      settings: { mailboxRowDelay: 600_000 },
      config: { settleTimeout: "0.5s" },
    });
    const resource = world.resource("Queue", "support");
    await failure(resource.up(support));
    expect(await resource.refresh()).toEqual({});
    await world.control("POST", "clock", { advance: 600_000 });
    expect(await resource.plan(support)).not.toEqual([]);
    await resource.up(support);
    expect(resource.outputs).toMatchObject({ emailApproval: "Approved", incomingEmailStatus: "Success" });
    expect(await resource.plan(support)).toEqual([]);
  });

  test("that never came does not keep the queue from being deleted", async () => {
    const world = await withMailboxes({
      settings: { mailboxRowDelay: 600_000 },
      config: { settleTimeout: "0.5s" },
    });
    const resource = world.resource("Queue", "support");
    await failure(resource.up(support));
    await resource.destroy();
    expect(await withAddress(world, SUPPORT)).toEqual([]);
  });

  test("that has another address is brought to the queue's by the address that changes", async () => {
    const world = await withMailboxes();
    const resource = await made(world, { ...support, incomingEmail: "ServerSideSynchronization" });
    const { mailboxTestCompletedOn } = resource.outputs;
    const moved = { ...support, emailAddress: "service@contoso.com", incomingEmail: "ServerSideSynchronization" };
    world.warnings.length = 0;
    expect(await resource.plan(moved)).toEqual(["emailAddress"]);
    expect(world.warnings).toEqual(["emailAddress is new, which drops the approval and needs a new test."]);
    await resource.up(moved);
    expect(await recordOf(world, resource.id)).toMatchObject({
      emailaddress: "service@contoso.com",
      emailrouteraccessapproval: 1,
      incomingemailstatus: 1,
    });
    expect(resource.outputs.mailboxTestCompletedOn).not.toBe(mailboxTestCompletedOn);
    expect(await resource.refresh()).toEqual({});
  });

  test("is approved and tested for an address that comes back", async () => {
    const world = await withMailboxes();
    const program = (emailAddress: string) => ({
      ...support,
      emailAddress,
      incomingEmail: "ServerSideSynchronization",
    });
    const resource = await made(world, program(SUPPORT));
    await resource.up({ ...program("service@contoso.com"), approveEmail: false });
    await resource.up(program(SUPPORT));
    expect(resource.outputs).toMatchObject({ emailApproval: "Approved", incomingEmailStatus: "Success" });
  });
});

describe("adoption", () => {
  const adopting = { name: "Sales", emailAddress: "sales@contoso.com", testAndEnable: false, approveEmail: false };

  test("takes over the one queue with the address, says what it overwrites, and leaves it in the end", async () => {
    const world = await withMailboxes();
    const resource = await made(world, { ...adopting, name: "Selling", outgoingEmail: "None", adopt: true });
    expect(resource.id).toBe(sales.queue);
    expect(await queueRow(world, sales.queue)).toMatchObject({ name: "Selling", outgoingemaildeliverymethod: NONE });
    expect(world.warnings).toEqual([
      expect.stringMatching(
        /overwrites .*name "Sales" → "Selling", outgoingEmail "ServerSideSynchronization" → "None"/,
      ),
    ]);
    expect(await resource.refresh()).toEqual({});
    await resource.destroy();
    expect(await queueRow(world, sales.queue)).toMatchObject({ name: "Selling" });
    expect(world.warnings.at(-1)).toMatch(/The queue Selling stays in Dynamics: it was adopted or imported\./);
  });

  test("makes one where there is none", async () => {
    const world = await withMailboxes();
    const resource = await made(world, { ...values, adopt: true });
    expect(await withAddress(world, SUPPORT)).toMatchObject([{ queueid: resource.id }]);
    await resource.destroy();
    expect(await withAddress(world, SUPPORT)).toEqual([]);
  });

  test("of one among many needs its id", async () => {
    const world = await withMailboxes();
    await world.dataverse("POST", "/queues", { name: "Sales 2", emailaddress: "sales@contoso.com" });
    await world.writes();
    const reason = await failure(made(world, { ...adopting, adopt: true }));
    expect(reason).toMatch(/^adopt: 2 queues have the address: .*; write the id of one/);
    expect(reason).toContain(sales.queue);
    expect(await world.writes()).toEqual([]);
    expect((await made(world, { ...adopting, adopt: sales.queue.toUpperCase() })).id).toBe(sales.queue);
  });

  test("by id takes a queue with another address, or none", async () => {
    const world = await withMailboxes();
    const resource = await made(world, { ...adopting, emailAddress: SUPPORT, adopt: sales.queue });
    expect(resource.id).toBe(sales.queue);
    expect(await queueRow(world, sales.queue)).toMatchObject({ emailaddress: SUPPORT });
    expect(await record(world, sales.record)).toMatchObject({ emailaddress: SUPPORT });
    expect(await failure(made(world, { ...adopting, adopt: seeded("d004", 99) }, "other"))).toMatch(
      /^adopt: no queue has this id$/,
    );
  });

  test("of one queue by two resources is refused for the second", async () => {
    const world = await withMailboxes();
    const second = world.resource("Queue", "second");
    const other = { ...adopting, name: "Other", emailAddress: "service@contoso.com", adopt: sales.queue };
    await world.together(async () => {
      await world.resource("Queue", "first").up({ ...adopting, adopt: true });
      expect(await failure(second.up(other))).toMatch(/^adopt: the Queue "first" manages the queue Sales already/);
    });
    expect(await queueRow(world, sales.queue)).toMatchObject({ name: "Sales" });
  });

  test("by id goes before a queue that this resource made and lost", async () => {
    const world = await withMailboxes();
    await made(world);
    const resource = await made(world, { ...support, adopt: sales.queue });
    expect(resource.id).toBe(sales.queue);
  });

  test('with deletion: "delete" deletes', async () => {
    const world = await withMailboxes();
    const resource = await made(world, { ...adopting, adopt: true, deletion: "delete" });
    await resource.destroy();
    expect(await queueRow(world, sales.queue)).toEqual({});
  });

  /** The queue as `pulumi import` takes it in: nothing is known of what it was before. */
  function imported(world: World, inputs: Row) {
    const resource = world.resource("Queue", "sales");
    const hidden = { __origin: resource.urn };
    resource.state = {
      id: sales.queue,
      inputs: { ...inputs, ...hidden },
      outputs: { ...inputs, ...hidden },
      isTainted: false,
    };
    return resource;
  }

  test("is not what an import is, of which nothing goes back", async () => {
    const world = await withMailboxes();
    const methods = { incomingEmail: "ServerSideSynchronization", emailFiltering: "LeadsContactsAccounts" };
    const columns = { incomingemaildeliverymethod: 2, incomingemailfilteringmethod: 2 };
    await world.dataverse("PATCH", `/queues(${sales.queue})`, columns);
    await world.writes();
    const resource = imported(world, { ...adopting, ...methods });
    expect(await resource.refresh()).toEqual({});
    await resource.up(adopting);
    expect(await queueRow(world, sales.queue)).toMatchObject(columns);
  });

  test("is not what an import is, but ends like it", async () => {
    const world = await withMailboxes();
    const { adopt: _adopt, ...inputs } = { ...adopting, adopt: true };
    const resource = imported(world, inputs);
    expect(await resource.refresh()).toEqual({});
    expect(await resource.plan(inputs)).toEqual([]);
    await resource.up({ ...inputs, name: "Selling" });
    await resource.destroy();
    expect(await queueRow(world, sales.queue)).toMatchObject({ name: "Selling" });
  });
});

describe("deletion", () => {
  test('with "retain" leaves the queue', async () => {
    const world = await withMailboxes();
    const resource = await made(world, { ...values, deletion: "retain" });
    await resource.destroy();
    expect(await withAddress(world, SUPPORT)).toHaveLength(1);
    expect(world.warnings.at(-1)).toMatch(/stays in Dynamics: deletion is "retain"/);
  });

  test.each([
    [1, "1 item"],
    [7, "7 items"],
  ])("of a queue with %i items is refused with their number, and nothing is touched", async (numberofitems, words) => {
    const world = await withMailboxes();
    const resource = await made(world);
    await world.control("PATCH", `state/dv.queues/${resource.id}`, { numberofitems });
    await world.writes();
    const reason = await failure(resource.destroy());
    expect(reason).toContain(`deleting the queue Support: it still has ${words}, `);
    expect(reason).toContain("0x80631117");
    expect(reason).toContain('deletion: "retain"');
    expect(await world.writes()).toEqual([]);
    expect(await withAddress(world, SUPPORT)).toHaveLength(1);
    await world.control("PATCH", `state/dv.queues/${resource.id}`, { numberofitems: 0 });
    await resource.destroy();
    expect(await withAddress(world, SUPPORT)).toEqual([]);
  });

  test("of a queue that gets an item in that moment is refused all the same", async () => {
    const world = await withMailboxes();
    const resource = await made(world);
    await world.fault({
      service: "dataverse",
      method: "DELETE",
      answer: { status: 400, body: { error: { code: "0x80631117", message: "You can't delete this queue" } } },
    });
    expect(await failure(resource.destroy())).toMatch(/it still has items, .*0x80631117/);
  });

  test("of a queue that routing rules lead to is refused", async () => {
    const world = await withMailboxes();
    const resource = await made(world);
    await world.control("PATCH", `state/dv.queues/${resource.id}`, { routingRules: ["x"] });
    expect(await failure(resource.destroy())).toMatch(/routing rules lead to it, .*0x80731118.*Nothing was deleted/s);
    expect(await withAddress(world, SUPPORT)).toHaveLength(1);
  });

  test("of a queue that is gone is success, and an update says so", async () => {
    const world = await withMailboxes();
    const resource = await made(world);
    await world.dataverse("DELETE", `/queues(${resource.id})`);
    expect(await failure(resource.up({ ...support, name: "New" }))).toContain("no longer");
    const { state } = resource;
    expect(await resource.refresh()).toBe("gone");
    resource.state = state;
    world.warnings.length = 0;
    await resource.destroy();
    expect(world.warnings).toEqual([]);
  });

  test.each(["before", "after"])("whose answer is lost (closed %s it happened) is told as it is", async (close) => {
    const world = await withMailboxes({ config: { settleTimeout: "0.5s" } });
    const resource = await made(world);
    await world.fault({ service: "dataverse", method: "DELETE", close });
    if (close === "before") {
      expect(await failure(resource.destroy())).toContain("to be gone");
    }
    if (resource.state !== undefined) {
      await resource.destroy();
    }
    expect(await withAddress(world, SUPPORT)).toEqual([]);
  });

  test("under another logical name, of what a new resource adopted, leaves it", async () => {
    const world = await withMailboxes();
    const old = await made(world, values, "old");
    const renamed = world.resource("Queue", "new");
    await world.together(async () => {
      await renamed.up({ ...values, adopt: true });
      await old.destroy();
    });
    expect(await withAddress(world, SUPPORT)).toMatchObject([{ queueid: renamed.id }]);
    expect(await renamed.refresh()).toEqual({});
  });

  test("under another logical name without adoption leaves the new queue alone", async () => {
    const world = await withMailboxes();
    const old = await made(world, values, "old");
    const renamed = world.resource("Queue", "new");
    await world.together(async () => {
      await renamed.up(values);
      await old.destroy();
    });
    expect(await withAddress(world, SUPPORT)).toMatchObject([{ queueid: renamed.id }]);
    expect(await renamed.refresh()).toEqual({});
  });
});

describe("approval", () => {
  test.each([
    ["refused", "0x8009000B"],
    ["silent", "did nothing"],
  ])("that is %s is a warning that says who may, tried once, and never drift", async (approval, words) => {
    const world = await withMailboxes({ settings: { approval }, config: { settleTimeout: "0.3s" } });
    const resource = await made(world, { ...support, incomingEmail: "ServerSideSynchronization" });
    expect(world.warnings.join("\n")).toContain(words);
    expect(world.warnings.join("\n")).toContain("Delegated Mailbox Approver");
    expect(resource.outputs).toMatchObject({ emailApproval: "Pending", incomingEmailStatus: "NotRun" });
    expect(await resource.refresh()).toEqual({});
    await forgetRequests(world);
    await resource.up({ ...support, incomingEmail: "ServerSideSynchronization", name: "Renamed" });
    expect(await patches(world, "queues")).toEqual([{ name: "Renamed" }]);
    // Somebody who may does it; a refresh shows that the test is to be run.
    await world.control("PATCH", "settings", { approval: "authorised" });
    await world.dataverse("PATCH", `/queues(${resource.id})`, { emailrouteraccessapproval: 1 });
    expect(await resource.refresh()).toMatchObject({
      testAndEnable: [undefined, expect.stringMatching(/^not done: /)],
    });
    expect(resource.outputs.emailApproval).toBe("Approved");
    await resource.up({ ...support, incomingEmail: "ServerSideSynchronization" });
    expect(resource.outputs.incomingEmailStatus).toBe("Success");
  });

  test("false asks for none", async () => {
    const world = await withMailboxes();
    const resource = await made(world, { ...support, approveEmail: false });
    expect(resource.outputs.emailApproval).toBe("Pending");
  });

  test.each(["before", "after"])("whose answer is lost (closed %s it happened) is given", async (close) => {
    const world = await withMailboxes({ config: { settleTimeout: "1s" } });
    await world.fault({ service: "dataverse", method: "PATCH", path: "queues", after: 1, close });
    const resource = await made(world);
    expect(resource.outputs.emailApproval).toBe("Approved");
  });
});

describe("Test & Enable", () => {
  const program = { ...support, incomingEmail: "ServerSideSynchronization", outgoingEmail: "None" };
  const outcome = (result: string) => ({
    settings: { testReason: "row", test: { outcomes: { [SUPPORT]: result } } },
  });

  test("that fails is a warning with Dynamics' reason", async () => {
    const world = await withMailboxes(outcome("failure"));
    const resource = await made(world, program);
    expect(resource.outputs.incomingEmailStatus).toBe("Failure");
    expect(world.warnings.join("\n")).toMatch(/Test & Enable failed: incoming e-mail: Failure; .*0x80040216/);
    expect(await resource.plan(program)).toEqual([]);
    expect(await resource.refresh()).toEqual({});
  });

  test("that fails and is required fails the deployment; the next one runs it again", async () => {
    const world = await withMailboxes(outcome("failure"));
    const resource = world.resource("Queue", "support");
    const required = { ...program, testAndEnable: { require: true } };
    expect(await failure(resource.up(required))).toContain("Test & Enable failed");
    await world.control("PATCH", "settings", { test: { outcomes: { [SUPPORT]: "success" } } });
    await resource.up(required);
    expect(resource.outputs.incomingEmailStatus).toBe("Success");
    expect(await withAddress(world, SUPPORT)).toHaveLength(1);
  });

  test("runs again with a new trigger, and not where nothing is synchronised by the server", async () => {
    const world = await withMailboxes();
    const runs = async () =>
      (await patches(world, "mailboxes")).filter(({ testemailconfigurationscheduled: on }) => on === true).length;
    const resource = await made(world, { ...program, incomingEmail: "ForwardMailbox" });
    expect(await runs()).toBe(0);
    await resource.up({ ...program, testAndEnable: "1" });
    expect(await runs()).toBe(1);
    await resource.up({ ...program, testAndEnable: "2" });
    expect(await runs()).toBe(2);
    await resource.up({ ...program, testAndEnable: "2", name: "Renamed" });
    expect(await runs()).toBe(2);
  });
});

describe("a change", () => {
  test("looks again where somebody changed the queue or its record meanwhile", async () => {
    const world = await withMailboxes();
    const resource = await made(world, values);
    await world.fault({ service: "dataverse", method: "PATCH", path: "queues", overtake: true });
    await resource.up({ ...values, name: "Renamed" });
    expect(await queueRow(world, resource.id)).toMatchObject({ name: "Renamed" });
    await world.fault({ service: "dataverse", method: "PATCH", path: "mailboxes", overtake: true });
    await resource.up({ ...values, name: "Renamed", serverProfile: "Contoso POP3" });
    expect(await recordOf(world, resource.id)).toMatchObject({ _emailserverprofile_value: profileId(2) });
    await world.fault({ service: "dataverse", method: "PATCH", path: "queues", overtake: true });
    await resource.up({ ...values, approveEmail: true, emailAddress: "service@contoso.com" });
    expect(resource.outputs.emailApproval).toBe("Approved");
  });

  test("is made where the environment keeps no versions of queues", async () => {
    const world = await withMailboxes();
    const resource = await made(world, values);
    const words = "The optimistic concurrency is not enabled for the queue entity.";
    await world.fault({
      service: "dataverse",
      method: "PATCH",
      path: "queues",
      answer: { status: 400, body: { error: { code: "0x8006088D", message: words } } },
    });
    await resource.up({ ...values, name: "Renamed" });
    expect(await queueRow(world, resource.id)).toMatchObject({ name: "Renamed" });
  });

  test.each(["before", "after"])("whose answer is lost (closed %s it happened) is finished", async (close) => {
    const world = await withMailboxes({ config: { settleTimeout: "1s" } });
    const resource = await made(world, values);
    await world.fault({ service: "dataverse", method: "PATCH", path: "queues", close });
    await resource.up({ ...values, name: "Renamed" });
    expect(await queueRow(world, resource.id)).toMatchObject({ name: "Renamed" });
    await world.fault({ service: "dataverse", method: "PATCH", path: "mailboxes", close });
    await resource.up({ ...values, name: "Renamed", serverProfile: "Contoso POP3" });
    expect(await recordOf(world, resource.id)).toMatchObject({ _emailserverprofile_value: profileId(2) });
    expect(await resource.refresh()).toEqual({});
  });

  test("of the owner that fails afterwards is not taken back by the next deployment", async () => {
    const world = await withMailboxes();
    const resource = await made(world, { ...values, owner: { user: "ada@contoso.com" } });
    const changed = { ...values, owner: { team: "Support" }, serverProfile: "Contoso POP3" };
    await world.fault({
      service: "dataverse",
      method: "PATCH",
      path: "mailboxes",
      answer: { status: 403, body: { error: { code: "0x80040220", message: "no privilege" } } },
    });
    expect(await failure(resource.up(changed))).toContain("0x80040220");
    expect(await queueRow(world, resource.id)).toMatchObject({ _ownerid_value: team(2) });
    await resource.up(changed);
    expect(await queueRow(world, resource.id)).toMatchObject({ _ownerid_value: team(2) });
    expect(await recordOf(world, resource.id)).toMatchObject({ _emailserverprofile_value: profileId(2) });
    expect(await resource.refresh()).toEqual({});
  });

  test("in another organisation than the state's is an error, never gone", async () => {
    const world = await withMailboxes();
    const resource = await made(world);
    await expectForeign(world, resource, { ...support, name: "New" });
  });

  test("to another environment replaces", async () => {
    const world = await withMailboxes();
    const resource = await made(world, { ...support, environmentUrl: world.origin });
    expect(await resource.plan({ ...support, environmentUrl: "https://other.crm4.dynamics.com" })).toEqual(["replace"]);
  });
});

describe("beside an IndividualMailbox of its record", () => {
  const program = { ...values, incomingEmail: "ServerSideSynchronization", serverProfile: "Contoso POP3" };

  test.each<[string, Row]>([
    ["incomingEmail", { incomingEmail: "None" }],
    ["emailAddress", { emailAddress: "service@contoso.com" }],
    ["serverProfile", { serverProfile: "Microsoft Exchange Online" }],
  ])("another %s is refused in either order", async (property, other) => {
    const world = await withMailboxes();
    const queue = await made(world, program);
    const individual = { queue: queue.id, testAndEnable: false, approveEmail: false, ...other };
    await world.together(async () => {
      await queue.up(program);
      const resource = world.resource("IndividualMailbox", "support");
      expect(await failure(resource.up(individual))).toMatch(
        new RegExp(`^${property}: the IndividualMailbox "support" .*the Queue "[^"]+" gives? the same`),
      );
    });
    expect(await queue.refresh()).toEqual({});

    await queue.up(values);
    const resource = await world.resource("IndividualMailbox", "support").up(individual);
    await world.together(async () => {
      await resource.up(individual);
      const wanted = property === "emailAddress" ? { ...program, name: "Renamed" } : program;
      expect(await failure(queue.up(wanted))).toMatch(
        new RegExp(`${property}: the Queue "[^"]+" .*the IndividualMailbox "support" gives? the same`),
      );
    });
  });

  test("the same values are fine, and so are those only one of them has", async () => {
    const world = await withMailboxes();
    await world.together(async () => {
      const queue = await made(world, program);
      const resource = await world.resource("IndividualMailbox", "support").up({
        queue: queue.id,
        incomingEmail: "ServerSideSynchronization",
        serverProfile: profileId(2),
        deleteAfterProcessing: true,
        outgoingEmail: "None",
      });
      expect(await queue.refresh()).toEqual({});
      expect(await resource.refresh()).toEqual({});
    });
  });

  test.each([false, true])(
    "a property that moves there keeps its new value; the queue comes first: %s",
    async (first) => {
      const world = await withMailboxes();
      const queue = await made(world, program);
      const individual = await world
        .resource("IndividualMailbox", "support")
        .up({ queue: queue.id, testAndEnable: false, approveEmail: false });
      const steps = [
        () => queue.up(values),
        () =>
          individual.up({
            queue: queue.id,
            testAndEnable: false,
            approveEmail: false,
            incomingEmail: "ForwardMailbox",
            serverProfile: "Contoso mailbox credentials",
          }),
      ];
      await world.together(async () => {
        for (const step of first ? steps : steps.reverse()) {
          await step();
        }
      });
      expect(await recordOf(world, queue.id)).toMatchObject({
        incomingemaildeliverymethod: FORWARD_MAILBOX,
        _emailserverprofile_value: profileId(3),
      });
      expect(await queue.refresh()).toEqual({});
      expect(await individual.refresh()).toEqual({});
    },
  );

  test("and a forward mailbox that it feeds, all of them agree", async () => {
    const world = await withMailboxes();
    await makeMailbox(world, "forwardmailbox@contoso.com");
    const intake = { name: "Intake", emailAddress: "forwardmailbox@contoso.com", sources: [SUPPORT] };
    await world.together(async () => {
      await made(world, { ...values, incomingEmail: "None" });
      expect(await failure(world.resource("ForwardingMailbox", "intake").up(intake))).toMatch(
        /the Queue "support" gives it the incoming method None/,
      );
    });
    await world.together(async () => {
      const queue = await made(world, { ...values, incomingEmail: "ForwardMailbox" });
      const source = await world.resource("ForwardingMailbox", "intake").up(intake);
      expect(await queue.refresh()).toEqual({});
      expect(await source.refresh()).toEqual({});
    });
  });
});
