import { createHash, randomUUID } from "node:crypto";
import { Registry } from "../../provider/core/registry";
import { UNKNOWN } from "../../provider/dynamic/engine";
import { forwardingMailbox } from "../../provider/kinds/forwarding-mailbox/reconciler";
import { forwardMailboxes, seeded as id, record } from "./dataverse-rows";
import { failure, hiddenMemory, makeMailbox, type Resource, type Row, startWorld, type World } from "./harness";

const entraUser = (number: number) => id("a001", number);
const user = (number: number) => id("d001", number);
const profile = (number: number) => id("d003", number);
const team = (number: number) => id("d005", number);
/** The user that the application is. */
const application = id("d001", 0x102);

const collector = "forwardmailbox@contoso.com";
const intake = { name: "CRM intake", emailAddress: collector, testAndEnable: false };
const TAKES_CREDENTIALS = "Contoso mailbox credentials";
const credentials = { userName: "contoso\\crm", password: "correct horse battery" };
const withCredentials = { ...intake, serverProfile: TAKES_CREDENTIALS, credentials };

async function withCollector(options: Parameters<typeof startWorld>[0] = {}): Promise<World> {
  const world = await startWorld(options);
  await makeMailbox(world, collector);
  return world;
}

async function made(world: World, program: Row = intake, name = "intake"): Promise<Resource> {
  const resource = await world.resource("ForwardingMailbox", name).up(program);
  await sent(world);
  return resource;
}

const seen = new WeakMap<World, number>();

/** Bodies of the changes of rows since this was last asked, without what the tests themselves sent by hand. */
async function sent(world: World): Promise<unknown[]> {
  const since = seen.get(world) ?? 0;
  const requests = (await world.control("GET", `requests?service=dataverse&since=${since}`)) as unknown as Row[];
  seen.set(world, Math.max(since, ...requests.map((request) => Number(request.id))));
  return requests.filter(({ method }) => method !== "GET").map(({ method, body }) => body ?? method);
}

/** Changes a record as an administrator would. */
async function byHand(world: World, mailboxId: string, columns: Row): Promise<void> {
  await world.dataverse("PATCH", `/mailboxes(${mailboxId})`, columns);
  await sent(world);
}

/** Changes a record past Dynamics' own rules. */
async function pastTheRules(world: World, mailboxId: string, columns: Row): Promise<void> {
  await world.control("PATCH", `state/dv.mailboxes/${mailboxId}`, columns);
}

/** Sees that a second deployment has nothing to do. */
async function expectSettled(world: World, resource: Resource, program: Row): Promise<void> {
  await sent(world);
  expect(await resource.plan(program)).toEqual([]);
  expect(await resource.refresh()).toEqual({});
  expect(await resource.plan(program)).toEqual([]);
  await resource.up(program);
  expect(await sent(world)).toEqual([]);
}

describe("owner", () => {
  const owned = (owner: Row) => ({ ...intake, owner });
  const ownerOf = async (world: World, resource: Resource) => (await record(world, resource.id))._ownerid_value;

  test.each<[string, Row, string]>([
    ["a user by address", { user: "Ada@Contoso.com" }, user(1)],
    ["a user by full name", { user: "Grace Hopper" }, user(2)],
    ["a user by id", { user: user(3) }, user(3)],
    ["a user by Entra id, in capitals", { user: entraUser(1).toUpperCase() }, user(1)],
    ["a team by name", { team: "Support" }, team(2)],
    ["a team by address", { team: "field-service-south@contoso.com" }, team(4)],
    ["a team by id", { team: team(3) }, team(3)],
  ])("is %s", async (_what, owner, ownerId) => {
    const world = await withCollector();
    const resource = await made(world, owned(owner));
    expect(await ownerOf(world, resource)).toBe(ownerId);
    expect(resource.outputs).toMatchObject({ ownerId });
    await expectSettled(world, resource, owned(owner));
  });

  test("is a user by sign-in name", async () => {
    const world = await withCollector();
    await world.control("PATCH", `state/dv.systemusers/${user(1)}`, { domainname: "countess@contoso.com" });
    const resource = await made(world, owned({ user: "countess@contoso.com" }));
    expect(await ownerOf(world, resource)).toBe(user(1));
  });

  test("is the application where nobody is declared", async () => {
    const world = await withCollector();
    const resource = await made(world);
    expect(await ownerOf(world, resource)).toBe(application);
    expect(resource.outputs).toMatchObject({ ownerId: application });
  });

  test("changes in place from a user to a team, and goes back to the application", async () => {
    const world = await withCollector();
    const resource = await made(world, owned({ user: "ada@contoso.com" }));
    const { id: before } = resource;
    expect(await resource.plan(owned({ team: "Support" }))).toEqual(["owner/team", "owner/user"]);
    await resource.up(owned({ team: "Support" }));
    expect(resource.id).toBe(before);
    expect(await sent(world)).toEqual([{ "ownerid@odata.bind": `/teams(${team(2)})` }]);
    expect(await ownerOf(world, resource)).toBe(team(2));
    await expectSettled(world, resource, owned({ team: "Support" }));

    await resource.up(intake);
    expect(await sent(world)).toEqual([{ "ownerid@odata.bind": `/systemusers(${application})` }]);
    expect(await ownerOf(world, resource)).toBe(application);
    await expectSettled(world, resource, intake);
  });

  test.each<[string, Row, Row, Row]>([
    ["a user", { "ownerid@odata.bind": `/systemusers(${user(2)})` }, { user: "grace@contoso.com" }, {}],
    ["a team", { "ownerid@odata.bind": `/teams(${team(3)})` }, { team: "Field Service" }, {}],
    ["an application", { "ownerid@odata.bind": `/systemusers(${application})` }, { user: expect.any(String) }, {}],
  ])("that became %s by hand is named and put back", async (_what, columns, readable) => {
    const world = await withCollector();
    const program = owned({ user: "ada@contoso.com" });
    const resource = await made(world, program);
    await byHand(world, resource.id, columns);
    await resource.refresh();
    expect(resource.state?.inputs.owner).toEqual(readable);
    expect(JSON.stringify(resource.state?.inputs.owner)).not.toMatch(/[0-9a-f]{8}-[0-9a-f]{4}-/);
    await resource.up(program);
    expect(await sent(world)).toEqual([{ "ownerid@odata.bind": `/systemusers(${user(1)})` }]);
    await expectSettled(world, resource, program);
  });

  test("that was renamed, re-addressed or disabled since is no drift", async () => {
    const world = await withCollector();
    const resource = await made(world, owned({ user: "Ada Lovelace" }));
    await world.control("PATCH", `state/dv.systemusers/${user(1)}`, {
      fullname: "Ada King",
      internalemailaddress: "king@contoso.com",
      domainname: "king@contoso.com",
      isdisabled: true,
    });
    await expectSettled(world, resource, owned({ user: "Ada Lovelace" }));
    await resource.up({ ...owned({ user: "Ada Lovelace" }), name: "Renamed" });
    expect(await sent(world)).toEqual([{ name: "Renamed" }]);
  });

  test("written in another way is written nowhere", async () => {
    const world = await withCollector();
    const resource = await made(world, owned({ user: "Ada Lovelace" }));
    await resource.up(owned({ user: "ada@contoso.com" }));
    expect(await sent(world)).toEqual([]);
    await expectSettled(world, resource, owned({ user: "ada@contoso.com" }));
  });

  test("that nobody declares is neither written nor reported", async () => {
    const world = await withCollector();
    const resource = await made(world);
    await byHand(world, resource.id, { "ownerid@odata.bind": `/teams(${team(2)})` });
    await resource.up({ ...intake, name: "Renamed" });
    expect(await sent(world)).toEqual([{ name: "Renamed" }]);
    expect(await resource.refresh()).toEqual({});
    expect(resource.outputs.ownerId).toBe(team(2));
  });

  test.each<[string, Row, RegExp]>([
    [
      "a team of a name that two have",
      { team: "Field Service" },
      /^owner\.team: 2 teams .*0003, .*0004\); write the id$/,
    ],
    ["a team that is not there", { team: "Nobody's" }, /^owner\.team: no team of the Dynamics environment/],
    ["a user that is not there", { user: "nobody@contoso.com" }, /^owner\.user: no user of the Dynamics environment/],
    ["an id that is not there", { user: user(99) }, /^owner\.user: no user of the Dynamics environment/],
    ["a person who left", { user: "charles@contoso.com" }, /^owner\.user: the user Charles Babbage is disabled/],
  ])("is not %s", async (_what, owner, reason) => {
    const world = await withCollector();
    expect(await failure(made(world, owned(owner)))).toMatch(reason);
    expect(await forwardMailboxes(world)).toEqual([]);
    const resource = await made(world);
    expect(await failure(resource.up({ ...owned(owner), name: "Renamed" }))).toMatch(reason);
    expect(await sent(world)).toEqual([]);
    await expectSettled(world, resource, intake);
  });

  test("is not a team without a security role: Dynamics says so, and nothing is made", async () => {
    const world = await withCollector();
    expect(await failure(made(world, owned({ team: "Reviewers" })))).toMatch(/not been assigned any roles.*0x80042f0a/);
    expect(await forwardMailboxes(world)).toEqual([]);
  });

  test.each<[string, unknown]>([
    ["both", { user: "ada@contoso.com", team: "Support" }],
    ["neither", {}],
    ["a text", "ada@contoso.com"],
    ["a list", ["ada@contoso.com"]],
  ])("is refused in the preview with %s", async (_what, owner) => {
    const world = await withCollector();
    const resource = world.resource("ForwardingMailbox", "intake");
    expect(await failure(resource.check({ ...intake, owner }))).toMatch(/^owner: must be \{ user \} or \{ team \}/);
  });

  test.each<[string, Row, RegExp]>([
    ["an unknown member", { users: "ada@contoso.com" }, /^owner\.users: is not a property of owner/m],
    ["an empty name", { team: " " }, /^owner\.team: is empty/],
    ["a number", { user: 7 }, /^owner\.user: must be text/],
  ])("is refused in the preview with %s", async (_what, owner, reason) => {
    const world = await withCollector();
    expect(await failure(world.resource("ForwardingMailbox", "intake").check(owned(owner)))).toMatch(reason);
  });

  test("that was written before a deployment failed is the one the next deployment keeps", async () => {
    const world = await withCollector({ settings: { test: { outcomes: { [collector]: "failure" } } } });
    const resource = await made(world, owned({ user: "ada@contoso.com" }));
    const program = { ...owned({ team: "Support" }), testAndEnable: { require: true } };
    expect(await failure(resource.up(program))).toContain("Test & Enable failed");
    expect(await ownerOf(world, resource)).toBe(team(2));
    await world.control("PATCH", "settings", { test: { outcomes: {} } });
    await resource.up(program);
    expect(await ownerOf(world, resource)).toBe(team(2));
    await expectSettled(world, resource, program);
  });

  test("that was removed before a deployment failed, and is declared again, is written again", async () => {
    const world = await withCollector({ settings: { test: { outcomes: { [collector]: "failure" } } } });
    const program = owned({ user: "ada@contoso.com" });
    const resource = await made(world, program);
    expect(await failure(resource.up({ ...intake, testAndEnable: { require: true } }))).toContain("failed");
    expect(await ownerOf(world, resource)).toBe(application);
    await resource.up(program);
    expect(await ownerOf(world, resource)).toBe(user(1));
    await expectSettled(world, resource, program);
  });

  test.each(["before", "after"])("survives a lost answer (closed %s it happened)", async (close) => {
    const world = await withCollector({ config: { settleTimeout: "1s" } });
    const resource = await made(world, owned({ user: "ada@contoso.com" }));
    await world.fault({ service: "dataverse", method: "PATCH", close });
    await resource.up(owned({ team: "Support" }));
    expect(await ownerOf(world, resource)).toBe(team(2));
    await expectSettled(world, resource, owned({ team: "Support" }));
  });
});

describe("credentials", () => {
  const { password, userName } = credentials;
  const rotated = { ...withCredentials, credentials: { userName, password: "staple of the battery" } };
  const digest = (text: string) => `sha256:${createHash("sha256").update(text).digest("hex")}`;
  const stored = async (world: World, resource: Resource) => {
    const rows = await world.control("GET", "state/dv.mailboxes");
    const { username, password: hash, allowemailconnectortousecredentials: used } = rows[resource.id] as Row;
    return { username, hash, used };
  };
  /** Properties that the program writes, of a change of credentials. */
  const columns = ["allowemailconnectortousecredentials", "password", "username"];
  const columnsSent = async (world: World) => (await sent(world)).map((body) => Object.keys(body as Row).sort());

  test("are stored, and nothing shows as changed though the password never comes back", async () => {
    const world = await withCollector();
    const resource = await made(world, withCredentials);
    expect(await stored(world, resource)).toEqual({ username: userName, hash: digest(password), used: true });
    expect(resource.outputs.credentials).toEqual(credentials);
    await expectSettled(world, resource, withCredentials);
    expect(resource.outputs.credentials).toEqual(credentials);
  });

  test("added to a record that had none, together with a profile that takes them, in one request", async () => {
    const world = await withCollector();
    const resource = await made(world);
    await resource.up(withCredentials);
    expect(await columnsSent(world)).toEqual([[...columns, "emailserverprofile@odata.bind"].sort()]);
    expect(await stored(world, resource)).toEqual({ username: userName, hash: digest(password), used: true });
    await expectSettled(world, resource, withCredentials);
  });

  test("rotated are written once, and nothing else is", async () => {
    const world = await withCollector();
    const resource = await made(world, withCredentials);
    expect(await resource.plan(rotated)).toEqual(["credentials/password"]);
    await resource.up(rotated);
    expect(await columnsSent(world)).toEqual([columns]);
    expect(await stored(world, resource)).toEqual({
      username: userName,
      hash: digest(rotated.credentials.password),
      used: true,
    });
    await expectSettled(world, resource, rotated);
    await resource.up({ ...rotated, name: "Renamed" });
    expect(await sent(world)).toEqual([{ name: "Renamed" }]);
  });

  test("with another user name are written", async () => {
    const world = await withCollector();
    const resource = await made(world, withCredentials);
    const program = { ...withCredentials, credentials: { userName: "contoso\\other", password } };
    expect(await resource.plan(program)).toEqual(["credentials/userName"]);
    await resource.up(program);
    expect(await columnsSent(world)).toEqual([columns]);
    expect(await stored(world, resource)).toMatchObject({ username: "contoso\\other", hash: digest(password) });
    await expectSettled(world, resource, program);
  });

  test("removed leave nothing behind", async () => {
    const world = await withCollector();
    const resource = await made(world, withCredentials);
    const program = { ...intake, serverProfile: TAKES_CREDENTIALS };
    await resource.up(program);
    expect(await sent(world)).toEqual([{ allowemailconnectortousecredentials: false, username: null, password: null }]);
    expect(await stored(world, resource)).toEqual({ username: null, hash: null, used: false });
    expect(resource.outputs).not.toHaveProperty("credentials");
    await expectSettled(world, resource, program);
  });

  test("removed together with their profile leave nothing behind", async () => {
    const world = await withCollector();
    const resource = await made(world, withCredentials);
    await resource.up(intake);
    expect(await stored(world, resource)).toEqual({ username: null, hash: null, used: false });
    expect(await record(world, resource.id)).toMatchObject({ _emailserverprofile_value: profile(1) });
    await expectSettled(world, resource, intake);
  });

  test.each<[string, Row, Record<string, [unknown, unknown]>]>([
    ["whose user name was changed", { username: "somebody" }, { "credentials/userName": [userName, "somebody"] }],
    [
      "whose user name and password were changed",
      { username: "somebody", password: "of somebody" },
      { "credentials/userName": [userName, "somebody"] },
    ],
    ["that were switched off", { allowemailconnectortousecredentials: false }, { credentials: [credentials, null] }],
    [
      "that were taken away",
      { allowemailconnectortousecredentials: false, username: null, password: null },
      { credentials: [credentials, null] },
    ],
  ])("%s by hand are named and repaired", async (_what, change, drift) => {
    const world = await withCollector();
    const resource = await made(world, withCredentials);
    await byHand(world, resource.id, change);
    expect(await resource.refresh()).toEqual(drift);
    await resource.up(withCredentials);
    expect(await columnsSent(world)).toEqual([columns]);
    expect(await stored(world, resource)).toEqual({ username: userName, hash: digest(password), used: true });
    await expectSettled(world, resource, withCredentials);
  });

  test("whose password is gone are named and repaired", async () => {
    const world = await withCollector();
    const resource = await made(world, withCredentials);
    await pastTheRules(world, resource.id, { password: null });
    expect(await resource.refresh()).toEqual({ "credentials/password": [password, undefined] });
    await resource.up(withCredentials);
    expect(await columnsSent(world)).toEqual([columns]);
    expect(await stored(world, resource)).toMatchObject({ hash: digest(password) });
    await expectSettled(world, resource, withCredentials);
  });

  test("that were switched off by hand and then leave the program leave nothing behind", async () => {
    const world = await withCollector();
    const resource = await made(world, withCredentials);
    await byHand(world, resource.id, { allowemailconnectortousecredentials: false });
    await resource.refresh();
    const program = { ...intake, serverProfile: TAKES_CREDENTIALS };
    await resource.up(program);
    expect(await stored(world, resource)).toEqual({ username: null, hash: null, used: false });
    await expectSettled(world, resource, program);
  });

  test("that nobody declares are neither written nor reported", async () => {
    const world = await withCollector();
    const program = { ...intake, serverProfile: TAKES_CREDENTIALS };
    const resource = await made(world, program);
    await byHand(world, resource.id, {
      allowemailconnectortousecredentials: true,
      username: "somebody",
      password: "of somebody",
    });
    await resource.up({ ...program, name: "Renamed" });
    expect(await sent(world)).toEqual([{ name: "Renamed" }]);
    expect(await resource.refresh()).toEqual({});
  });

  test.each<[string, Row, RegExp]>([
    [
      "the built-in profile",
      { serverProfile: "Microsoft Exchange Online" },
      /"Microsoft Exchange Online" does not take/,
    ],
    ["a profile with credentials of its own", { serverProfile: "Contoso POP3" }, /"Contoso POP3" does not take/],
    ["no profile, which means the built-in one", { serverProfile: undefined }, /"Microsoft Exchange Online" does not/],
  ])("are refused with %s", async (_what, change, reason) => {
    const world = await withCollector();
    const refused = { ...withCredentials, ...change };
    const words = await failure(made(world, refused));
    expect(words).toMatch(/^credentials: /);
    expect(words).toMatch(reason);
    expect(await forwardMailboxes(world)).toEqual([]);
    const resource = await made(world, withCredentials);
    expect(await failure(resource.up({ ...refused, name: "Renamed" }))).toMatch(reason);
    expect(await sent(world)).toEqual([]);
    await expectSettled(world, resource, withCredentials);
  });

  test.each<[string, unknown, RegExp]>([
    ["without a user name", { password }, /^credentials\.userName: .*0x8005E209/],
    ["without a password", { userName }, /^credentials\.password: .*0x8005E24E/],
    ["with an empty user name", { userName: "", password }, /^credentials\.userName: is empty.*0x8005E209/],
    ["with an empty password", { userName, password: "" }, /^credentials\.password: is empty.*0x8005E24E/],
    [
      "with a password that is too long",
      { userName, password: password.repeat(20) },
      /^credentials\.password: is longer/,
    ],
    ["with a user name that is no text", { userName: 7, password }, /^credentials\.userName: .*0x8005E209/],
    ["with a member misspelt", { userName, pasword: password }, /^credentials\.pasword: is not a property/m],
    ["that are a text", password, /^credentials: must be \{ userName, password \}/],
    ["that are a list", [userName, password], /^credentials: must be \{ userName, password \}/],
    ["that are empty", {}, /^credentials\.userName: .*0x8005E209.*\ncredentials\.password: .*0x8005E24E/],
  ])("%s are refused in the preview, and no value is in the message", async (_what, value, reason) => {
    const world = await withCollector();
    const resource = world.resource("ForwardingMailbox", "intake");
    const words = await failure(resource.check({ ...withCredentials, credentials: value }));
    expect(words).toMatch(reason);
    expect(words).not.toContain(password);
    expect(words).not.toContain(userName);
  });

  test.each(["before", "after"])("are written again after a lost answer (closed %s it happened)", async (close) => {
    const world = await withCollector({ config: { settleTimeout: "1s" } });
    const resource = await made(world, withCredentials);
    await world.fault({ service: "dataverse", method: "PATCH", close });
    await resource.up(rotated);
    expect(await columnsSent(world)).toEqual([columns, columns]);
    expect(await stored(world, resource)).toMatchObject({ hash: digest(rotated.credentials.password) });
    await expectSettled(world, resource, rotated);
  });

  test.each(["before", "after"])("of a new record survive a lost answer (closed %s it happened)", async (close) => {
    const world = await withCollector({ config: { settleTimeout: "1s" } });
    await world.fault({ service: "dataverse", method: "PATCH", close });
    const resource = await made(world, withCredentials);
    expect(await stored(world, resource)).toMatchObject({ username: userName, hash: digest(password) });
    expect(await forwardMailboxes(world)).toHaveLength(1);
    await expectSettled(world, resource, withCredentials);
  });

  test("whose answers are always lost are written by the next deployment", async () => {
    const world = await withCollector({ config: { settleTimeout: "0.3s" } });
    const resource = await made(world, withCredentials);
    await world.fault({ service: "dataverse", method: "PATCH", close: "before", times: 3 });
    await failure(resource.up(rotated));
    await resource.up(rotated);
    expect(await stored(world, resource)).toMatchObject({ hash: digest(rotated.credentials.password) });
    await expectSettled(world, resource, rotated);
  });

  test("that were written before the deployment failed are not written again", async () => {
    const world = await withCollector({ settings: { test: { outcomes: { [collector]: "failure" } } } });
    const resource = await made(world, withCredentials);
    const program = { ...rotated, testAndEnable: { require: true } };
    expect(await failure(resource.up(program))).toContain("Test & Enable failed");
    expect(await stored(world, resource)).toMatchObject({ hash: digest(rotated.credentials.password) });
    await sent(world);
    await world.control("PATCH", "settings", { test: { outcomes: {} } });
    await resource.up(program);
    expect(await columnsSent(world)).toEqual([["testemailconfigurationscheduled"]]);
    await expectSettled(world, resource, program);
  });

  test("of a creation that failed afterwards are written by the next deployment", async () => {
    const world = await withCollector({ config: { settleTimeout: "1s" } });
    const resource = world.resource("ForwardingMailbox", "intake");
    const program = { ...withCredentials, sources: ["ada@contoso.com"] };
    await world.fault({ service: "graph", method: "POST", path: "messageRules", answer: { status: 400, body: {} } });
    await failure(resource.up(program));
    expect(resource.state?.isTainted).toBe(true);
    await resource.up(program);
    expect(await stored(world, resource)).toMatchObject({ username: userName, hash: digest(password) });
    await expectSettled(world, resource, program);
  });

  test("that leave the program after a deployment failed leave nothing behind", async () => {
    const world = await withCollector({ config: { settleTimeout: "0.3s" } });
    const resource = await made(world, { ...intake, serverProfile: TAKES_CREDENTIALS });
    await world.fault({ service: "dataverse", method: "PATCH", close: "after", times: 3 });
    await failure(resource.up(withCredentials));
    expect(await stored(world, resource)).toMatchObject({ hash: digest(password) });
    const program = { ...intake, serverProfile: TAKES_CREDENTIALS };
    await resource.up(program);
    expect(await stored(world, resource)).toEqual({ username: null, hash: null, used: false });
    await expectSettled(world, resource, program);
  });

  test("rotated run the test again", async () => {
    const world = await withCollector();
    const resource = await made(world, { ...withCredentials, testAndEnable: true });
    await resource.up({ ...rotated, testAndEnable: true });
    expect(await columnsSent(world)).toEqual([columns, ["testemailconfigurationscheduled"]]);
    await expectSettled(world, resource, { ...rotated, testAndEnable: true });
  });

  test("are taken over with an adopted record: written, whatever it had", async () => {
    const world = await withCollector();
    const old = await made(world, withCredentials, "old");
    const resource = await made(world, { ...rotated, adopt: true }, "new");
    expect(resource.id).toBe(old.id);
    expect(await stored(world, resource)).toMatchObject({ hash: digest(rotated.credentials.password) });
    await expectSettled(world, resource, { ...rotated, adopt: true });
  });

  test("of a record taken over without declaring any stay as they are, also when the adoption failed half-way", async () => {
    const world = await withCollector();
    const old = await made(world, withCredentials, "old");
    const program = { ...intake, name: "Mine now", sources: ["ada@contoso.com"], adopt: true };
    const resource = world.resource("ForwardingMailbox", "new");
    await world.fault({ service: "graph", method: "POST", path: "messageRules", answer: { status: 400, body: {} } });
    await failure(resource.up(program));
    await resource.up(program);
    expect(await stored(world, old)).toEqual({ username: userName, hash: digest(password), used: true });
    await expectSettled(world, resource, program);
  });

  test("stand in no warning, no error and no other output", async () => {
    const world = await withCollector({
      settings: { test: { outcomes: { [collector]: "failure" } } },
      config: { settleTimeout: "1s" },
    });
    const secret = { ...withCredentials, __secrets: ["credentials/password"], testAndEnable: true };
    await made(world, { ...secret, name: "Old", credentials: { userName, password: "of the old record" } }, "old");
    const echo = { error: { code: "0x80040216", message: `the password ${password} is bad` } };
    await world.fault({ service: "dataverse", method: "PATCH", answer: { status: 400, body: echo } });
    const resource = world.resource("ForwardingMailbox", "new");
    const words = [await failure(resource.up({ ...secret, adopt: true }))];
    await resource.up({ ...secret, adopt: true });
    await world.fault({ service: "dataverse", method: "PATCH", answer: { status: 400, body: echo } });
    words.push(await failure(resource.up({ ...secret, adopt: true, name: "Renamed" })));
    expect(words.join("\n")).toContain("the password [secret] is bad");
    expect(world.warnings.join("\n")).toMatch(/Adopting .* overwrites/);
    expect(world.warnings.join("\n")).toContain("Test & Enable failed");
    const { credentials: own, ...outputs } = resource.outputs;
    expect(own).toEqual(credentials);
    expect([...words, ...world.warnings, JSON.stringify(outputs)].join("\n")).not.toContain(password);
  });

  test("are asked for where the profile takes them and none are declared", async () => {
    const world = await withCollector();
    await made(world, { ...intake, serverProfile: TAKES_CREDENTIALS });
    expect(world.warnings.join("\n")).toMatch(
      /^serverProfile: "Contoso mailbox credentials" signs in with .* none are/m,
    );
  });
});

describe("the methods that only None is for", () => {
  test.each<[string, string, RegExp]>([
    ["outgoingEmail", "ServerSideSynchronization", /^outgoingEmail: must be "None": .*cannot send \(0x8005E213\)$/],
    ["outgoingEmail", "Outlook", /^outgoingEmail: must be "None"/],
    [
      "appointmentsContactsTasks",
      "ServerSideSynchronization",
      /^appointmentsContactsTasks: must be "None": .*nothing to synchronise/,
    ],
    ["incomingEmail", "Outlook", /^incomingEmail: .*0x8005E212/],
    ["incomingEmail", "ForwardMailbox", /^incomingEmail: .*0x8005E212/],
  ])("%s is refused as %s", async (property, value, reason) => {
    const world = await withCollector();
    const resource = world.resource("ForwardingMailbox", "intake");
    expect(await failure(resource.check({ ...intake, [property]: value }))).toMatch(reason);
  });

  const columns: [string, string, unknown, string, boolean][] = [
    ["outgoingEmail", "outgoingemaildeliverymethod", 2, "ServerSideSynchronization", false],
    ["appointmentsContactsTasks", "actdeliverymethod", 1, "ServerSideSynchronization", true],
    ["appointmentsContactsTasks", "actdeliverymethod", 0, "Outlook", true],
  ];

  test.each(columns)(
    "%s: another value in %s (%s) is named and repaired",
    async (property, column, value, words, may) => {
      const world = await withCollector();
      const program = { ...intake, [property]: "None" };
      const resource = await made(world, program);
      await expectSettled(world, resource, program);
      await (may ? byHand : pastTheRules)(world, resource.id, { [column]: value });
      expect(await resource.refresh()).toEqual({ [property]: ["None", words] });
      await resource.up(program);
      const none = property === "outgoingEmail" ? 0 : 2;
      expect(await sent(world)).toEqual([{ [column]: none }]);
      expect(await record(world, resource.id)).toMatchObject({ [column]: none });
      await expectSettled(world, resource, program);
    },
  );

  test.each(columns)("%s: removed goes back to None (%s, %s)", async (property, column, value, _words, may) => {
    const world = await withCollector();
    const resource = await made(world, { ...intake, [property]: "None" });
    await (may ? byHand : pastTheRules)(world, resource.id, { [column]: value });
    await resource.refresh();
    await resource.up(intake);
    expect(await record(world, resource.id)).toMatchObject({ [column]: property === "outgoingEmail" ? 0 : 2 });
    await expectSettled(world, resource, intake);
  });

  test.each(columns)(
    "%s: undeclared is neither written nor reported (%s, %s)",
    async (_property, column, value, _words, may) => {
      const world = await withCollector();
      const resource = await made(world);
      await (may ? byHand : pastTheRules)(world, resource.id, { [column]: value });
      await expectSettled(world, resource, intake);
      expect(await record(world, resource.id)).toMatchObject({ [column]: value });
    },
  );
});

describe("environmentUrl", () => {
  const contoso = "https://contoso.crm4.dynamics.com";
  const fabrikam = "https://fabrikam.crm4.dynamics.com";

  test.each([
    [contoso, contoso],
    [` ${contoso}/ `, contoso],
    ["HTTPS://Contoso.CRM4.Dynamics.com:443", contoso],
    ["http://127.0.0.1:4711/", "http://127.0.0.1:4711"],
  ])("%j is %s", async (written, canonical) => {
    const world = await withCollector();
    const inputs = await world.resource("ForwardingMailbox", "intake").check({ ...intake, environmentUrl: written });
    expect(inputs.environmentUrl).toBe(canonical);
  });

  test.each<unknown>([
    "contoso.crm4.dynamics.com",
    "",
    7,
    "http://contoso.crm4.dynamics.com",
    "http://localhost.contoso.com",
    `${contoso}/api/data/v9.2`,
    `${contoso}/?x=1`,
    `${contoso}/#x`,
    "https://ada@contoso.crm4.dynamics.com",
    "https://:word@contoso.crm4.dynamics.com",
    "ftp://contoso.crm4.dynamics.com",
  ])("%j is refused", async (value) => {
    const world = await withCollector();
    const resource = world.resource("ForwardingMailbox", "intake");
    expect(await failure(resource.check({ ...intake, environmentUrl: value }))).toMatch(/^environmentUrl: must be /);
  });

  test.each<[string, unknown, unknown, string | undefined, boolean]>([
    ["undeclared stays", undefined, undefined, contoso, false],
    ["read as null stays", null, undefined, contoso, false],
    ["undeclared becomes the configured one", undefined, contoso, contoso, false],
    ["the configured one becomes undeclared", contoso, undefined, contoso, false],
    ["undeclared becomes another one", undefined, fabrikam, contoso, true],
    ["another one becomes undeclared", fabrikam, undefined, contoso, true],
    ["one becomes another", contoso, fabrikam, undefined, true],
    ["one becomes unknown", contoso, UNKNOWN, contoso, true],
    ["undeclared becomes unknown", undefined, UNKNOWN, contoso, true],
    ["undeclared is declared where nothing is configured, as in a local tenant", undefined, contoso, undefined, false],
    ["declared is undeclared where nothing is configured, as in a local tenant", contoso, undefined, undefined, false],
  ])("%s", (_what, before, after, configured, isReplaced) => {
    const held = { environmentUrl: before as string | undefined, emailAddress: collector };
    const known = { id: id("d002", 9), inputs: held, memory: forwardingMailbox.memory.read({}) };
    const inputs = { ...intake, environmentUrl: after };
    expect(forwardingMailbox.replaces?.(known, inputs, new Registry(), configured)).toEqual(
      isReplaced ? ["environmentUrl"] : [],
    );
  });

  test("of a real environment is kept to: equal to the configured one plans nothing, another one replaces", async () => {
    const tenant = await withCollector();
    const { origin } = tenant;
    const world = await startWorld({
      config: {
        localTenant: undefined,
        endpoints: { login: origin, graph: origin, exchange: origin },
        environmentUrl: origin,
        tenantId: tenant.tenantId,
        clientId: id("a000", 2),
        clientSecret: "local-tenant-secret",
      },
    });
    const resource = await world.resource("ForwardingMailbox", "intake").up(intake);
    expect(await forwardMailboxes(tenant)).toHaveLength(1);
    const declared = { ...intake, environmentUrl: `${origin}/` };
    expect(await resource.plan(declared)).toEqual(["environmentUrl"]);
    await sent(tenant);
    await resource.up(declared);
    expect(await sent(tenant)).toEqual([]);
    expect(await resource.refresh()).toEqual({});
    expect(await resource.plan(intake)).toEqual(["environmentUrl"]);
    await resource.up(intake);
    expect(await sent(tenant)).toEqual([]);
    expect(await resource.plan({ ...intake, environmentUrl: fabrikam })).toEqual(["replace"]);
    expect(await resource.plan({ ...intake, environmentUrl: UNKNOWN })).toEqual(["replace"]);
    await resource.destroy();
    expect(await forwardMailboxes(tenant)).toEqual([]);
  });

  test("that a resource names is asked, not the configured one", async () => {
    const tenant = await withCollector();
    const { origin } = tenant;
    const world = await startWorld({
      config: {
        localTenant: undefined,
        endpoints: { login: origin, graph: origin, exchange: origin },
        environmentUrl: "http://127.0.0.1:9",
        tenantId: tenant.tenantId,
        clientId: id("a000", 2),
        clientSecret: "local-tenant-secret",
      },
    });
    const program = { ...intake, environmentUrl: origin };
    const resource = await world.resource("ForwardingMailbox", "intake").up(program);
    expect(await resource.refresh()).toEqual({});
    await resource.up({ ...program, name: "Renamed" });
    expect(await forwardMailboxes(tenant)).toMatchObject([{ name: "Renamed" }]);
    await resource.destroy();
    expect(await forwardMailboxes(tenant)).toEqual([]);
  });
});

describe("unknown values in a preview", () => {
  test.each<[string, unknown]>([
    ["owner", UNKNOWN],
    ["owner", { user: UNKNOWN }],
    ["owner", { team: UNKNOWN }],
    ["credentials", UNKNOWN],
    ["credentials", { userName: "crm", password: UNKNOWN }],
    ["credentials", { userName: UNKNOWN, password: "correct horse battery" }],
    ["serverProfile", UNKNOWN],
    ["outgoingEmail", UNKNOWN],
    ["adopt", UNKNOWN],
    ["deletion", UNKNOWN],
    ["testAndEnable", { require: UNKNOWN }],
  ])("%s as %j is not judged, and changes in place", async (property, value) => {
    const world = await withCollector();
    const fresh = await world.resource("ForwardingMailbox", "new").check({ ...intake, [property]: value });
    expect(fresh[property]).toEqual(value);
    const resource = await made(world);
    const plan = await resource.plan({ ...intake, [property]: value });
    expect(plan.length).toBeGreaterThan(0);
    expect(plan.every((path) => path.startsWith(property))).toBe(true);
    expect(await sent(world)).toEqual([]);
  });

  test("hide no mistake beside them", async () => {
    const world = await withCollector();
    const resource = world.resource("ForwardingMailbox", "new");
    const program = { ...intake, owner: UNKNOWN, credentials: { userName: "crm" }, environmentUrl: "nowhere" };
    const words = await failure(resource.check(program));
    expect(words).toContain("credentials.password");
    expect(words).toContain("environmentUrl");
    expect(words).not.toContain("owner");
  });

  test("of the address give no advice about a new one", async () => {
    const world = await withCollector();
    const resource = await made(world);
    world.warnings.splice(0);
    await resource.plan({ ...intake, emailAddress: UNKNOWN });
    expect(world.warnings).toEqual([]);
  });
});

describe("adoption", () => {
  const adopting = { ...intake, adopt: true };
  const old = { ...intake, name: "Somebody's", deleteAfterProcessing: true };
  /** A forward mailbox of another stack, or made by hand. */
  async function found(world: World, columns: Row = {}): Promise<string> {
    const row = {
      mailboxid: randomUUID(),
      name: "Somebody's",
      emailaddress: collector,
      processanddeleteemails: true,
      ...columns,
    };
    await world.dataverse("POST", "/mailboxes", row);
    await sent(world);
    return row.mailboxid;
  }

  test("with none there makes one, which is deleted with the resource", async () => {
    const world = await withCollector();
    const resource = await made(world, adopting);
    expect(await forwardMailboxes(world)).toHaveLength(1);
    await expectSettled(world, resource, adopting);
    await resource.destroy();
    expect(await forwardMailboxes(world)).toEqual([]);
  });

  test("takes the one there, says once what it overwrites, and leaves alone what is not declared", async () => {
    const world = await withCollector();
    const existing = await found(world, { "ownerid@odata.bind": `/teams(${team(2)})` });
    const resource = await made(world, adopting);
    expect(resource.id).toBe(existing);
    expect(await forwardMailboxes(world)).toMatchObject([
      { name: "CRM intake", processanddeleteemails: true, _ownerid_value: team(2) },
    ]);
    const told = world.warnings.filter((warning) => warning.startsWith("Adopting"));
    expect(told).toEqual([
      'Adopting the forward mailbox Somebody\'s overwrites what was there: name "Somebody\'s" → "CRM intake".',
    ]);
    await expectSettled(world, resource, adopting);
  });

  test("overwrites what is declared, named as people name it", async () => {
    const world = await withCollector();
    const existing = await found(world, { "ownerid@odata.bind": `/teams(${team(2)})` });
    const program = {
      ...adopting,
      owner: { user: "ada@contoso.com" },
      deleteAfterProcessing: false,
      serverProfile: "Contoso POP3",
      incomingEmail: "None",
    };
    const resource = await made(world, program);
    expect(await record(world, existing)).toMatchObject({
      name: "CRM intake",
      processanddeleteemails: false,
      _ownerid_value: user(1),
      _emailserverprofile_value: profile(2),
      incomingemaildeliverymethod: 0,
    });
    const told = world.warnings.find((warning) => warning.startsWith("Adopting")) ?? "";
    for (const words of [
      'owner {"team":"Support"} → {"user":"ada@contoso.com"}',
      'serverProfile "Microsoft Exchange Online" → "Contoso POP3"',
      "deleteAfterProcessing true → false",
      'incomingEmail "ServerSideSynchronization" → "None"',
    ]) {
      expect(told).toContain(words);
    }
    await expectSettled(world, resource, program);
  });

  test.each(["before", "after"])(
    "survives a lost answer (closed %s it happened) and says once what it overwrote",
    async (close) => {
      const world = await withCollector({ config: { settleTimeout: "1s" } });
      const existing = await found(world);
      await world.fault({ service: "dataverse", method: "PATCH", close });
      const resource = await made(world, adopting);
      expect(resource.id).toBe(existing);
      expect(world.warnings.filter((warning) => warning.startsWith("Adopting"))).toHaveLength(1);
      await expectSettled(world, resource, adopting);
    },
  );

  test("survives another writer", async () => {
    const world = await withCollector();
    const existing = await found(world);
    await world.fault({ service: "dataverse", method: "PATCH", path: existing, overtake: true });
    const resource = await made(world, adopting);
    expect(await record(world, existing)).toMatchObject({ name: "CRM intake" });
    expect(world.warnings.filter((warning) => warning.startsWith("Adopting"))).toHaveLength(1);
    await expectSettled(world, resource, adopting);
  });

  test("is refused where several are there; the id of one is taken", async () => {
    const world = await withCollector();
    const ids = [await found(world, { name: "One" }), await found(world, { name: "Two" })];
    const words = await failure(made(world, adopting));
    expect(words).toMatch(/^adopt: 2 forward mailboxes have the address: .*; write the id of one$/);
    expect(words).toContain(`One (${ids[0]})`);
    expect(words).toContain(`Two (${ids[1]})`);
    expect(await sent(world)).toEqual([]);
    const resource = await made(world, { ...intake, adopt: ids[1]?.toUpperCase() });
    expect(resource.id).toBe(ids[1]);
    expect(await record(world, ids[0] ?? "")).toMatchObject({ name: "One" });
    expect(world.warnings.join("\n")).toMatch(/has another mailbox record already \(One\)/);
    await expectSettled(world, resource, { ...intake, adopt: ids[1] });
  });

  test("by id takes a record with another address, and says so", async () => {
    const world = await withCollector();
    const existing = await found(world, { emailaddress: "ada@contoso.com" });
    const resource = await made(world, { ...intake, adopt: existing });
    expect(await record(world, existing)).toMatchObject({ emailaddress: collector, emailrouteraccessapproval: 1 });
    expect(world.warnings.join("\n")).toContain(`emailAddress "ada@contoso.com" → "${collector}"`);
    await expectSettled(world, resource, { ...intake, adopt: existing });
  });

  test("by id is not of the record that the resource would make for itself", async () => {
    const world = await withCollector();
    await (await made(world, { ...intake, deletion: "retain" })).destroy();
    const existing = await found(world);
    const resource = await made(world, { ...intake, adopt: existing });
    expect(resource.id).toBe(existing);
  });

  test.each<[string, string, RegExp]>([
    ["a user's record", id("d002", 1), /^adopt: no forward mailbox has this id$/],
    ["nothing", id("d002", 99), /^adopt: no forward mailbox has this id$/],
  ])("by the id of %s is refused", async (_what, adopt, reason) => {
    const world = await withCollector();
    expect(await failure(made(world, { ...intake, adopt }))).toMatch(reason);
    expect(await sent(world)).toEqual([]);
    expect(await forwardMailboxes(world)).toEqual([]);
  });

  test.each<unknown>(["yes", "", 1, {}])("as %j is refused in the preview", async (adopt) => {
    const world = await withCollector();
    const words = await failure(world.resource("ForwardingMailbox", "intake").check({ ...intake, adopt }));
    expect(words).toMatch(/^adopt: (is not an id|must be true, false)/);
  });

  test("looks at nothing afterwards: taken off, or changed to an id, it changes nothing", async () => {
    const world = await withCollector();
    await found(world);
    const resource = await made(world, adopting);
    for (const program of [intake, { ...intake, adopt: id("d002", 99) }, adopting]) {
      await resource.up(program);
      expect(await sent(world)).toEqual([]);
      await expectSettled(world, resource, program);
    }
  });

  test("of one record by two resources is refused for the second", async () => {
    const world = await withCollector();
    const existing = await found(world);
    const first = world.resource("ForwardingMailbox", "first");
    const second = world.resource("ForwardingMailbox", "second");
    const other = { ...adopting, name: "Other", emailAddress: "ada@contoso.com", adopt: existing };
    await world.together(async () => {
      await first.up(adopting);
      expect(await failure(second.up(other))).toMatch(
        /^adopt: the ForwardingMailbox "first" manages the forward mailbox CRM intake already/,
      );
    });
    expect(await record(world, existing)).toMatchObject({ name: "CRM intake" });
    await world.together(async () => {
      await first.up(adopting);
      expect(await failure(second.up(other))).toMatch(
        /^adopt: the ForwardingMailbox "first" manages the forward mailbox CRM intake already/,
      );
    });
  });

  test("of one record by two resources at once is refused for one of them", async () => {
    const world = await withCollector();
    const existing = await found(world);
    const both = ["first", "second"].map((name) => world.resource("ForwardingMailbox", name));
    const programs = [adopting, { ...adopting, emailAddress: "ada@contoso.com", adopt: existing }];
    const results = await world.together(() =>
      Promise.allSettled(both.map((one, index) => one.up(programs[index] ?? {}))),
    );
    expect(results.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
  });

  test("that is refused for its credentials or a source makes nothing this resource's", async () => {
    const world = await withCollector();
    await found(world);
    const resource = world.resource("ForwardingMailbox", "intake");
    expect(await failure(resource.up({ ...adopting, credentials }))).toMatch(/^credentials: /);
    expect(resource.state).toBeUndefined();
    expect(await sent(world)).toEqual([]);
  });

  const deletions: [string, Row, boolean, boolean][] = [
    ["adopted, stays", adopting, true, false],
    ["adopted, goes where the program says so", { ...adopting, deletion: "delete" }, true, true],
    ["made, goes", intake, false, true],
    ["made, stays where the program says so", { ...intake, deletion: "retain" }, false, false],
  ];

  test.each(deletions)("and deletion: a record that was %s", async (_what, program, isThere, isDeleted) => {
    const world = await withCollector();
    if (isThere) {
      await found(world);
    }
    const resource = await made(world, { ...program, sources: ["ada@contoso.com"] });
    const { id: mailboxId } = resource;
    expect(await record(world, id("d002", 1))).toMatchObject({ incomingemaildeliverymethod: 3 });
    await resource.refresh();
    await resource.destroy();
    expect(await record(world, mailboxId)).toMatchObject(isDeleted ? {} : { name: "CRM intake" });
    expect(await forwardMailboxes(world)).toHaveLength(isDeleted ? 0 : 1);
    expect(await record(world, id("d002", 1))).toMatchObject({ incomingemaildeliverymethod: 2 });
    const rules = await world.graph("GET", `/users/${entraUser(1)}/mailFolders/inbox/messageRules`);
    expect(rules?.value).toEqual([]);
    expect(/stays in Dynamics/.test(world.warnings.join("\n"))).toBe(!isDeleted);
  });

  test("and deletion: one that was imported stays", async () => {
    const world = await withCollector();
    const resource = await made(world, old);
    delete hiddenMemory(resource).created;
    await resource.refresh();
    await resource.destroy();
    expect(await forwardMailboxes(world)).toHaveLength(1);
    expect(world.warnings.join("\n")).toMatch(/stays in Dynamics: it was adopted or imported/);
  });

  test("and deletion: said later in the program counts", async () => {
    const world = await withCollector();
    await found(world);
    const resource = await made(world, adopting);
    await resource.up({ ...adopting, deletion: "delete" });
    expect(await sent(world)).toEqual([]);
    await resource.destroy();
    expect(await forwardMailboxes(world)).toEqual([]);
  });
});

describe("approval and test", () => {
  const tested = { ...intake, testAndEnable: true };
  const TEST = { testemailconfigurationscheduled: true };
  const APPROVE = { emailrouteraccessapproval: 1 };
  const dropped = { emailrouteraccessapproval: 2, isemailaddressapprovedbyo365admin: false };

  test("are asked for once each, and never again while nothing changes", async () => {
    const world = await withCollector();
    const resource = await world.resource("ForwardingMailbox", "intake").up(tested);
    const [, ...commands] = await sent(world);
    // A caller who may approve has it from birth.
    expect(commands).toEqual([TEST]);
    await resource.up({ ...tested, name: "Renamed" });
    expect(await sent(world)).toEqual([{ name: "Renamed" }]);
  });

  test.each(["refused", "silent"])(
    "that is %s is tried once for each address, and a new one is tried again",
    async (approval) => {
      const world = await withCollector({ settings: { approval }, config: { settleTimeout: "0.3s" } });
      await makeMailbox(world, "second@contoso.com");
      const resource = await world.resource("ForwardingMailbox", "intake").up(tested);
      const [, ...commands] = await sent(world);
      expect(commands).toEqual([APPROVE]);
      expect(resource.outputs).toMatchObject({ emailApproval: "Pending", incomingEmailStatus: "NotRun" });
      await resource.up({ ...tested, name: "Renamed" });
      expect(await sent(world)).toEqual([{ name: "Renamed" }]);
      await resource.up({ ...tested, name: "Renamed", emailAddress: "second@contoso.com" });
      expect(await sent(world)).toEqual([{ emailaddress: "second@contoso.com" }, APPROVE]);
      expect(world.warnings.filter((warning) => warning.startsWith("approveEmail"))).toHaveLength(2);
    },
  );

  test("follow a new address, and the preview says so", async () => {
    const world = await withCollector();
    await makeMailbox(world, "second@contoso.com");
    const resource = await made(world, tested);
    world.warnings.splice(0);
    const moved = { ...tested, emailAddress: "second@contoso.com" };
    await resource.check(moved);
    expect(world.warnings).toEqual(["emailAddress is new, which drops the approval and needs a new test."]);
    await resource.up(moved);
    expect(await sent(world)).toEqual([{ emailaddress: "second@contoso.com" }, APPROVE, TEST]);
    expect(resource.outputs).toMatchObject({ emailApproval: "Approved", incomingEmailStatus: "Success" });
    await expectSettled(world, resource, moved);
  });

  test("follow an address that was changed by hand and is put back", async () => {
    const world = await withCollector();
    const resource = await made(world, tested);
    await byHand(world, resource.id, { emailaddress: "grace@contoso.com" });
    expect(await resource.refresh()).toEqual({ emailAddress: [collector, "grace@contoso.com"] });
    await resource.up(tested);
    expect(await sent(world)).toEqual([{ emailaddress: collector }, APPROVE, TEST]);
    expect(resource.outputs).toMatchObject({ emailApproval: "Approved", incomingEmailStatus: "Success" });
    await expectSettled(world, resource, tested);
  });

  test("of a server profile: a new one is tested, and so is one that is put back", async () => {
    const world = await withCollector();
    const program = { ...tested, serverProfile: "Contoso POP3" };
    const resource = await made(world, tested);
    await resource.up(program);
    const bind = (number: number) => ({ "emailserverprofile@odata.bind": `/emailserverprofiles(${profile(number)})` });
    expect(await sent(world)).toEqual([bind(2), TEST]);
    await byHand(world, resource.id, bind(3));
    await resource.refresh();
    await resource.up(program);
    expect(await sent(world)).toEqual([bind(2), TEST]);
    expect(resource.outputs.incomingEmailStatus).toBe("Success");
    await expectSettled(world, resource, program);
  });

  test("of a record that reads no mail is not run; switched on again it is", async () => {
    const world = await withCollector();
    const resource = await made(world, { ...tested, incomingEmail: "None" });
    expect(resource.outputs.incomingEmailStatus).toBe("NotRun");
    await resource.up(tested);
    expect(await sent(world)).toEqual([{ incomingemaildeliverymethod: 2 }, TEST]);
  });

  test.each<[string, Row, Row, RegExp]>([
    ["an inactive profile", { statecode: 1, statuscode: 2 }, {}, /profile of the mailbox is inactive.*\(0x8005E228\)/],
    ["an inactive record", {}, { statecode: 1, statuscode: 2 }, /mailbox is inactive.*\(0x8005E219\)/],
    ["no profile", {}, { "emailserverprofile@odata.bind": null }, /not associated.*\(0x8005E222\)/],
  ])("that fails for %s is a warning with Dynamics' reason and code", async (_what, profileRow, columns, reason) => {
    const world = await withCollector();
    await world.control("PATCH", "settings", { testReason: "row" });
    const resource = await made(world, tested);
    if (Object.keys(profileRow).length > 0) {
      await world.control("PATCH", `state/dv.emailserverprofiles/${profile(1)}`, profileRow);
    } else {
      await byHand(world, resource.id, columns);
    }
    await resource.up({ ...tested, testAndEnable: "again" });
    const [warning] = world.warnings.filter((text) => text.startsWith("testAndEnable"));
    expect(warning).toMatch(/Test & Enable failed: incoming e-mail: Failure; Dynamics: /);
    expect(warning).toMatch(reason);
    expect(resource.outputs.incomingEmailStatus).toBe("Failure");
    const required = { ...tested, testAndEnable: { require: true } };
    expect(await failure(resource.up(required))).toMatch(reason);
  });

  test("that is required is not green while the address is not approved", async () => {
    const world = await withCollector({ settings: { approval: "silent" }, config: { settleTimeout: "0.3s" } });
    const resource = world.resource("ForwardingMailbox", "intake");
    const program = { ...tested, testAndEnable: { require: true } };
    expect(await failure(resource.up(program))).toMatch(/not run: the address is not approved \(Pending\)/);
    await world.control("PATCH", "settings", { approval: "authorised" });
    await byHand(world, resource.id, APPROVE);
    await resource.up(program);
    expect(resource.outputs.incomingEmailStatus).toBe("Success");
    await expectSettled(world, resource, program);
  });

  test("that was taken back by hand is drift, and the next deployment approves and tests again", async () => {
    const world = await withCollector();
    const resource = await made(world, tested);
    const { testmailboxaccesscompletedon: before } = await record(world, resource.id);
    await pastTheRules(world, resource.id, dropped);
    expect(await resource.refresh()).toEqual({
      approveEmail: [undefined, `not done: the approval of ${collector} is Pending`],
    });
    expect(resource.outputs.emailApproval).toBe("Pending");
    // A refresh in between forgets nothing.
    expect(await resource.refresh()).toEqual({});
    expect(await resource.plan(tested)).toEqual(["approveEmail"]);
    await resource.up(tested);
    expect(resource.outputs).toMatchObject({ emailApproval: "Approved", incomingEmailStatus: "Success" });
    expect((await record(world, resource.id)).testmailboxaccesscompletedon).not.toBe(before);
    await expectSettled(world, resource, tested);
  });

  test("that was taken back is nobody's drift where none is declared, and is told once where the application may not give it", async () => {
    const world = await withCollector();
    const unapproved = { ...tested, approveEmail: false };
    const resource = await made(world, tested);
    await resource.up(unapproved);
    await pastTheRules(world, resource.id, dropped);
    expect(await resource.refresh()).toEqual({});
    expect(await resource.plan(unapproved)).toEqual([]);
    await resource.up(tested);
    await world.control("PATCH", "settings", { approval: "silent" });
    await pastTheRules(world, resource.id, dropped);
    expect(Object.keys(await resource.refresh())).toEqual(["approveEmail"]);
    await resource.up(tested);
    expect(world.warnings.filter((text) => text.startsWith("approveEmail"))).toHaveLength(1);
    expect(await resource.refresh()).toEqual({});
    expect(await resource.plan(tested)).toEqual([]);
  });

  test("that was tested with another result meanwhile: the test is waited for, not the one before", async () => {
    const world = await withCollector({ settings: { test: { outcomes: { [collector]: "failure" } } } });
    const resource = await made(world, { ...tested, testAndEnable: "1" });
    expect(resource.outputs.incomingEmailStatus).toBe("Failure");
    await world.control("PATCH", "settings", { test: { duration: 400, outcomes: { [collector]: "success" } } });
    await resource.up({ ...tested, testAndEnable: "2" });
    expect(resource.outputs.incomingEmailStatus).toBe("Success");
  });

  test.each(["before", "after"])("survive lost answers (closed %s they happened)", async (close) => {
    const world = await withCollector();
    await world.fault({ service: "dataverse", method: "PATCH", after: 1, close });
    const resource = await world.resource("ForwardingMailbox", "intake").up(tested);
    expect(resource.outputs).toMatchObject({ emailApproval: "Approved", incomingEmailStatus: "Success" });
    await expectSettled(world, resource, tested);
  });
});

describe("a record that is being tested", () => {
  const slow = { refuseWhileTesting: true, test: { duration: 600, outcomes: {} } };
  const never = { refuseWhileTesting: true, test: { duration: 0, outcomes: { [collector]: "never" } } };
  const changed = { ...intake, name: "Renamed", deleteAfterProcessing: true };

  test("is changed once the test has ended", async () => {
    const world = await withCollector({ settings: slow });
    const resource = await made(world);
    await byHand(world, resource.id, { testemailconfigurationscheduled: true });
    await resource.up(changed);
    expect(await record(world, resource.id)).toMatchObject({ name: "Renamed", processanddeleteemails: true });
    await expectSettled(world, resource, changed);
  });

  test("is tested again once the test has ended, and its result is the new one's", async () => {
    const world = await withCollector({ settings: slow });
    const resource = await made(world);
    await byHand(world, resource.id, { testemailconfigurationscheduled: true });
    await world.control("PATCH", "settings", { test: { outcomes: { [collector]: "failure" } } });
    await resource.up({ ...intake, testAndEnable: "again" });
    expect(resource.outputs.incomingEmailStatus).toBe("Failure");
    expect((await record(world, resource.id)).testemailconfigurationscheduled).toBe(false);
  });

  test("is refused within bounds when the test does not end", async () => {
    const world = await withCollector({ settings: never, config: { settleTimeout: "0.5s" } });
    const resource = await made(world);
    await byHand(world, resource.id, { testemailconfigurationscheduled: true });
    expect(await failure(resource.up(changed))).toMatch(/^changing name, deleteAfterProcessing of .*0x8005E248/);
    expect(await record(world, resource.id)).toMatchObject({ name: "CRM intake" });
    await world.control("PATCH", "settings", { test: { outcomes: { [collector]: "success" } } });
    await resource.up(changed);
    await expectSettled(world, resource, changed);
  });

  test("is deployed, changed and deleted in a tenant that always refuses meanwhile", async () => {
    const world = await withCollector({ settings: slow });
    const program = { ...withCredentials, testAndEnable: true, sources: ["ada@contoso.com"] };
    const resource = await made(world, program);
    // A record whose method was put back is tested again, and that test may still run.
    const beingTested = () =>
      byHand(world, id("d002", 1), { testemailconfigurationscheduled: true }).catch((error) => {
        if (!String(error).includes("0x8005E248")) {
          throw error;
        }
      });
    await beingTested();
    await resource.up({ ...program, sources: [] });
    expect(await record(world, id("d002", 1))).toMatchObject({ incomingemaildeliverymethod: 2 });
    await beingTested();
    await resource.up(program);
    expect(await record(world, id("d002", 1))).toMatchObject({ incomingemaildeliverymethod: 3 });
    await beingTested();
    await resource.destroy();
    expect(await record(world, id("d002", 1))).toMatchObject({ incomingemaildeliverymethod: 2 });
    expect(await forwardMailboxes(world)).toEqual([]);
  });
});

describe("other writers and limits", () => {
  test.each(["name", "credentials", "owner"])("somebody else comes first when %s is written", async (property) => {
    const world = await withCollector();
    const resource = await made(world, { ...intake, serverProfile: TAKES_CREDENTIALS });
    const program = {
      ...intake,
      serverProfile: TAKES_CREDENTIALS,
      ...{ name: { name: "Renamed" }, credentials: { credentials }, owner: { owner: { team: "Support" } } }[property],
    };
    await world.fault({ service: "dataverse", method: "PATCH", path: resource.id, overtake: true });
    await resource.up(program);
    await expectSettled(world, resource, program);
  });

  test("somebody else comes first when a source is taken, tested and let go", async () => {
    const world = await withCollector();
    const ada = id("d002", 1);
    const overtake = () => world.fault({ service: "dataverse", method: "PATCH", path: ada, overtake: true });
    const program = { ...intake, sources: ["ada@contoso.com"] };
    await overtake();
    const resource = await made(world, program);
    expect(await record(world, ada)).toMatchObject({ incomingemaildeliverymethod: 3 });
    await overtake();
    await resource.up(intake);
    expect(await record(world, ada)).toMatchObject({ incomingemaildeliverymethod: 2 });
    await resource.up(program);
    await overtake();
    await resource.destroy();
    expect(await record(world, ada)).toMatchObject({ incomingemaildeliverymethod: 2 });
  });

  test("service protection limits are waited out", async () => {
    const world = await withCollector({ settings: { serviceProtection: { requests: 6, window: 1000 } } });
    const resource = await world
      .resource("ForwardingMailbox", "intake")
      .up({ ...intake, sources: ["ada@contoso.com"] });
    const { byStatus } = await world.control("GET", "requests/counts");
    expect(Number((byStatus as Row)["429"])).toBeGreaterThan(0);
    await world.control("PATCH", "settings", { serviceProtection: { requests: 6000 } });
    expect(await forwardMailboxes(world)).toHaveLength(1);
    await expectSettled(world, resource, { ...intake, sources: ["ada@contoso.com"] });
  });
});
