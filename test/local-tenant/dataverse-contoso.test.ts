import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { MailboxRow } from "../../provider/local-tenant/dataverse/schema";
import { seedId } from "../../provider/local-tenant/seed/contoso";
import { type RunningTenant, startLocalTenant } from "../../provider/local-tenant/server";
import { overview, printed, type State } from "../../provider/local-tenant/show";
import { ada, control, scopes, tenantId, tokenFor, workFolder } from "./core";

// The seeded tenant as a whole: what the control interface, the journal and the other services have to do with Dataverse.

type Row = Record<string, unknown>;

const journal = join(workFolder(), "contoso.jsonl");
const forward = "5f0c2f7e-0000-4000-8000-000000000001";
const administrator = seedId("systemUser", 0x102);
const sales = seedId("queue", 1);
const salesMailbox = seedId("mailbox", 0x100);
const takesCredentials = `/emailserverprofiles(${seedId("serverProfile", 3)})`;

let running: RunningTenant;

beforeAll(async () => {
  running = await startLocalTenant({ seed: "contoso", journal });
});

beforeEach(async () => {
  await control(running.origin, "POST", "reset", {});
});

afterAll(() => running.close());

interface Answer {
  status: number;
  code: string | undefined;
  headers: Headers;
  text: string;
  json: Row;
}

async function send(
  method: string,
  path: string,
  body?: object,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const response = await fetch(`${running.origin}/api/data/v9.2/${path}`, {
    method,
    headers: {
      Authorization: `Bearer ${await tokenFor(running.origin, `${running.origin}/.default`)}`,
      "Content-Type": "application/json",
      ...headers,
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  const json = text.startsWith("{") ? (JSON.parse(text) as Row) : {};
  return {
    status: response.status,
    code: (json.error as Row | undefined)?.code as string,
    headers: response.headers,
    text,
    json,
  };
}

async function found(set: string, filter: string): Promise<Row[]> {
  const { status, json } = await send("GET", `${set}?$filter=${encodeURIComponent(filter)}`);
  expect([filter, status]).toEqual([filter, 200]);
  return json.value as Row[];
}

function create(more: object = {}): Promise<Answer> {
  return send(
    "PATCH",
    `mailboxes(${forward})`,
    { name: "CRM intake", emailaddress: "forwardmailbox@contoso.com", ...more },
    { "If-None-Match": "*" },
  );
}

describe("owners", () => {
  const user = seedId("systemUser", 1);
  test.each([
    "internalemailaddress eq 'ADA@contoso.com'",
    "domainname eq 'ada@contoso.com'",
    "fullname eq 'Ada Lovelace'",
    `azureactivedirectoryobjectid eq ${ada}`,
    `systemuserid eq ${user}`,
  ])("a user is found by %s", async (filter) => {
    expect(await found("systemusers", filter)).toMatchObject([
      { systemuserid: user, fullname: "Ada Lovelace", isdisabled: false, applicationid: null },
    ]);
  });

  test.each(["name eq 'support'", `teamid eq ${seedId("team", 2)}`])("a team is found by %s", async (filter) => {
    expect(await found("teams", filter)).toMatchObject([{ teamid: seedId("team", 2), name: "Support", teamtype: 0 }]);
  });

  // @shows dataverse.names-not-unique
  test("two teams share a name and are told apart by address", async () => {
    expect(await found("teams", "name eq 'Field Service'")).toHaveLength(2);
    expect(await found("teams", "emailaddress eq 'field-service-south@contoso.com'")).toMatchObject([
      { teamid: seedId("team", 4) },
    ]);
  });

  test("there is an application user, a disabled user and a team that owns nothing", async () => {
    expect(await found("systemusers", `applicationid eq ${seedId("tenant", 2)}`)).toMatchObject([
      { systemuserid: administrator, accessmode: 4, internalemailaddress: null },
    ]);
    const [former] = await found("systemusers", "internalemailaddress eq 'charles@contoso.com'");
    expect(former).toMatchObject({ isdisabled: true, _defaultmailbox_value: seedId("mailbox", 0x20) });
    expect((await send("GET", `mailboxes(${former?._defaultmailbox_value})`)).json).toMatchObject({
      statecode: 1,
      _regardingobjectid_value: former?.systemuserid,
    });
    expect(await create({ "ownerid@odata.bind": `systemusers(${former?.systemuserid})` })).toMatchObject({
      status: 400,
      code: "0x8004022b",
    });
    const [reviewers] = await found("teams", "name eq 'Reviewers'");
    expect(await create({ "ownerid@odata.bind": `teams(${reviewers?.teamid})` })).toMatchObject({
      status: 400,
      code: "0x80042f0a",
    });
    for (const owner of [`teams(${seedId("team", 1)})`, `teams(${seedId("team", 3)})`, `systemusers(${user})`]) {
      expect((await send("PATCH", `queues(${sales})`, { "ownerid@odata.bind": owner })).status).toBe(204);
    }
  });
});

describe("queues", () => {
  test("one with items or routing rules stays; what keeps it is set by hand and read over the wire", async () => {
    await control(running.origin, "PATCH", `state/dv.queues/${sales}`, { numberofitems: 3 });
    expect((await send("GET", `queues(${sales})?$select=numberofitems`)).json.numberofitems).toBe(3);
    expect(await found("queues", "numberofitems gt 0")).toHaveLength(1);
    expect(await send("DELETE", `queues(${sales})`)).toMatchObject({ status: 400, code: "0x80631117" });
    expect(await send("PATCH", `queues(${sales})`, { numberofitems: 0 })).toMatchObject({ status: 204 });
    expect(await found("queues", "numberofitems gt 0")).toHaveLength(1);
    await control(running.origin, "PATCH", `state/dv.queues/${sales}`, { numberofitems: 0, routingRules: ["Cases"] });
    expect(await send("DELETE", `queues(${sales})`)).toMatchObject({ status: 400, code: "0x80731118" });
    expect((await send("GET", `queues(${sales})`)).text).not.toContain("routingRules");
    await control(running.origin, "PATCH", `state/dv.queues/${sales}`, { routingRules: [] });
    expect((await send("GET", `mailboxes(${salesMailbox})`)).status).toBe(200);
    expect((await send("DELETE", `queues(${sales})`)).status).toBe(204);
    expect((await send("GET", `mailboxes(${salesMailbox})`)).status).toBe(404);
  });

  // @shows dataverse.queue-record-follows
  test("the mailbox record comes after the delay, is found both ways, and follows the queue", async () => {
    await control(running.origin, "PATCH", "settings", { mailboxRowDelay: 60_000 });
    const body = {
      name: "Help",
      emailaddress: "help@contoso.com",
      "ownerid@odata.bind": `/teams(${seedId("team", 2)})`,
    };
    const { json } = await send("POST", "queues", body, { Prefer: "return=representation" });
    const queue = String(json.queueid);
    const byRegarding = `_regardingobjectid_value eq ${queue}`;
    expect([json._defaultmailbox_value, await found("mailboxes", byRegarding)]).toEqual([null, []]);
    await control(running.origin, "POST", "clock", { advance: 60_000 });
    const [record] = await found("mailboxes", byRegarding);
    expect(record).toMatchObject({
      emailaddress: "help@contoso.com",
      isforwardmailbox: false,
      _ownerid_value: seedId("team", 2),
      emailrouteraccessapproval: 2,
    });
    expect(await found("queues", `_defaultmailbox_value eq ${record?.mailboxid}`)).toMatchObject([{ queueid: queue }]);
    const change = {
      emailaddress: "service@contoso.com",
      incomingemaildeliverymethod: 3,
      outgoingemaildeliverymethod: 0,
      "ownerid@odata.bind": `/systemusers(${seedId("systemUser", 1)})`,
    };
    expect((await send("PATCH", `queues(${queue})`, change, { "If-Match": "*" })).status).toBe(204);
    expect((await send("GET", `mailboxes(${record?.mailboxid})`)).json).toMatchObject({
      emailaddress: "service@contoso.com",
      incomingemaildeliverymethod: 3,
      outgoingemaildeliverymethod: 0,
      _ownerid_value: seedId("systemUser", 1),
    });
    expect((await send("DELETE", `queues(${queue})`)).status).toBe(204);
    expect(await found("mailboxes", byRegarding)).toEqual([]);
  });

  test("one deleted before its record came leaves none behind", async () => {
    await control(running.origin, "PATCH", "settings", { mailboxRowDelay: 60_000 });
    const { json } = await send(
      "POST",
      "queues",
      { name: "Help", emailaddress: "help@contoso.com" },
      { Prefer: "return=representation" },
    );
    expect((await send("DELETE", `queues(${json.queueid})`)).status).toBe(204);
    await control(running.origin, "POST", "clock", { advance: 60_000 });
    expect(await found("mailboxes", "emailaddress eq 'help@contoso.com'")).toEqual([]);
  });
});

// @shows dataverse.secrets-digest
test("a password is in no answer, no journal, no request log, no state and no overview", async () => {
  const secrets = ["correct horse", "battery staple", "by hand", "of the profile", "of the queue", "refused"];
  const seen: string[] = [];
  const use = async (...request: Parameters<typeof send>): Promise<Answer> => {
    const answer = await send(...request);
    seen.push(answer.text, JSON.stringify([...answer.headers]));
    return answer;
  };
  const everything = { Prefer: 'return=representation,odata.include-annotations="*"' };
  const path = `mailboxes(${forward})`;
  const credentials = { allowemailconnectortousecredentials: true, username: "fwd" };
  const body = {
    name: "CRM intake",
    emailaddress: "forwardmailbox@contoso.com",
    "emailserverprofile@odata.bind": takesCredentials,
    ...credentials,
  };
  expect((await use("PATCH", path, { ...body, password: secrets[0] }, everything)).status).toBe(201);
  expect((await use("PUT", `${path}/password`, { value: secrets[1] })).status).toBe(204);
  const refused = { status: 400, code: "0x80041a08" };
  expect(await use("GET", `${path}?$select=password,ispasswordset`)).toMatchObject(refused);
  expect(await use("GET", `${path}/password`)).toMatchObject(refused);
  await control(running.origin, "PATCH", `state/dv.mailboxes/${forward}`, { password: secrets[2] });
  expect((await use("GET", path)).json).toMatchObject({ password: null, ispasswordset: true });
  expect((await use("PATCH", takesCredentials.slice(1), { incomingpassword: secrets[3] }, everything)).status).toBe(
    200,
  );
  expect((await use("PATCH", `queues(${sales})`, { emailpassword: secrets[4] }, everything)).status).toBe(200);
  expect((await use("PATCH", path, { password: secrets[5], nothing: 1 }, everything)).status).toBe(400);
  const state = (await control(running.origin, "GET", "state")) as State;
  const requests = JSON.stringify(await control(running.origin, "GET", "requests?service=dataverse&writes=true"));
  seen.push(JSON.stringify(state), JSON.stringify(overview(state)), printed(overview(state)));
  seen.push(requests, readFileSync(journal, "utf8"));
  for (const secret of secrets) {
    expect(seen.filter((text) => text.includes(secret))).toEqual([]);
  }
  expect(requests.match(/\[redacted\]/g)).toHaveLength(5);
  await use("PATCH", path, { allowemailconnectortousecredentials: false, username: null, password: null });
  expect((await use("GET", path)).json).toMatchObject({ username: null, ispasswordset: false });
});

describe("faults and other writers", () => {
  const path = `mailboxes(${forward})`;
  const etag = async () => String((await send("GET", `${path}?$select=name`)).json["@odata.etag"]);

  test("another writer comes first: the ETag is stale, the next try with a fresh one succeeds", async () => {
    await create();
    const rename = async () => send("PATCH", path, { name: "Renamed" }, { "If-Match": await etag() });
    await control(running.origin, "POST", "faults", { service: "dataverse", method: "PATCH", overtake: true });
    expect(await rename()).toMatchObject({ status: 412, code: "0x80060882" });
    expect((await send("GET", path)).json.name).toBe("CRM intake");
    expect((await rename()).status).toBe(204);
    await control(running.origin, "POST", "faults", { service: "dataverse", method: "DELETE", overtake: true });
    expect(await send("DELETE", path, undefined, { "If-Match": await etag() })).toMatchObject({ status: 412 });
    expect(await control(running.origin, "POST", "faults", { service: "graph", overtake: true })).toMatchObject({
      status: 400,
      error: expect.stringContaining("overtake"),
    });
  });

  // @shows dataverse.changed-behind
  test("a row changed by hand has another version, and one no longer unchanged is sent again", async () => {
    await create();
    const before = await etag();
    expect((await send("GET", path, undefined, { "If-None-Match": before })).status).toBe(304);
    await control(running.origin, "PATCH", `state/dv.mailboxes/${forward}`, { name: "By hand" });
    expect((await send("GET", path, undefined, { "If-None-Match": before })).json.name).toBe("By hand");
    expect(await send("PATCH", path, { name: "x" }, { "If-Match": before })).toMatchObject({ status: 412 });
  });

  const answers: [string, number, object, Record<string, string>][] = [
    ["0x80072322", 429, { code: "0x80072322", message: "Number of requests exceeded …" }, { "Retry-After": "7" }],
    ["0x80072321 with a date", 429, { code: "0x80072321", message: "…" }, { "Retry-After": new Date(0).toUTCString() }],
    ["unavailable", 503, { code: "", message: "Service Unavailable" }, {}],
    ["a localised message", 400, { code: "0x8005E212", message: "Leveransmetoden stöds inte." }, {}],
  ];
  test.each(answers)("on demand: %s, and nothing is written", async (_, status, error, headers) => {
    await control(running.origin, "POST", "faults", {
      service: "dataverse",
      method: "PATCH",
      answer: { status, headers, body: { error } },
    });
    const refused = await create();
    expect([refused.status, refused.json.error]).toEqual([status, error]);
    expect(refused.headers.get("retry-after")).toBe(headers["Retry-After"] ?? null);
    expect((await send("GET", path)).status).toBe(404);
    expect((await create()).status).toBe(204);
  });

  test("an answer lost after the write: the guarded repeat makes no twin", async () => {
    await control(running.origin, "POST", "faults", { service: "dataverse", method: "PATCH", close: "after" });
    await expect(create()).rejects.toThrow("fetch failed");
    expect(await create()).toMatchObject({ status: 412, code: "0x80040237" });
    expect(await found("mailboxes", "emailaddress eq 'forwardmailbox@contoso.com'")).toHaveLength(1);
  });

  test("limits are set through the control interface, and a reset forgets what was used", async () => {
    await control(running.origin, "PATCH", "settings", { serviceProtection: { requests: 1 } });
    expect((await send("GET", "WhoAmI")).status).toBe(200);
    expect((await send("GET", "WhoAmI")).status).toBe(429);
    await control(running.origin, "POST", "clock", { advance: 300_000 });
    expect((await send("GET", "WhoAmI")).status).toBe(200);
    await control(running.origin, "POST", "reset", {});
    await control(running.origin, "PATCH", "settings", { serviceProtection: { requests: 1 } });
    expect((await send("GET", "WhoAmI")).status).toBe(200);
    expect(await control(running.origin, "PATCH", "settings", { serviceProtection: { request: 1 } })).toMatchObject({
      status: 400,
      error: expect.stringContaining("serviceProtection.request"),
    });
  });
});

test("mail to a queue arrives in its mailbox and, attached, in the forward mailbox", async () => {
  const exchange = await tokenFor(running.origin, scopes.exchange);
  const graph = await tokenFor(running.origin, scopes.graph);
  const make = async (name: string): Promise<string> => {
    const Parameters = { Shared: true, Name: name, Alias: name, PrimarySmtpAddress: `${name}@contoso.com` };
    const response = await fetch(`${running.origin}/adminapi/beta/${tenantId}/InvokeCommand`, {
      method: "POST",
      headers: { Authorization: `Bearer ${exchange}` },
      body: JSON.stringify({ CmdletInput: { CmdletName: "New-Mailbox", Parameters } }),
    });
    const { value } = (await response.json()) as { value: Row[] };
    return String(value[0]?.ExternalDirectoryObjectId);
  };
  const queueMailbox = await make("sales");
  const forwardMailbox = await make("forwardmailbox");
  await create();
  const rule = await fetch(`${running.origin}/v1.0/users/${queueMailbox}/mailFolders/inbox/messageRules`, {
    method: "POST",
    headers: { Authorization: `Bearer ${graph}`, "Content-Type": "application/json" },
    body: JSON.stringify({
      displayName: "to Dynamics",
      sequence: 1,
      isEnabled: true,
      actions: { forwardAsAttachmentTo: [{ emailAddress: { address: "forwardmailbox@contoso.com" } }] },
    }),
  });
  expect(rule.status).toBe(201);
  await send("PATCH", `mailboxes(${salesMailbox})`, { incomingemaildeliverymethod: 3 }, { "If-Match": "*" });
  const mail = { from: "customer@adatum.example", to: "sales@contoso.com", subject: "Order 1" };
  await control(running.origin, "POST", "deliver", mail);
  const messages = Object.values((await control(running.origin, "GET", "state/messages")) as Record<string, Row>);
  expect(messages.filter(({ mailbox }) => mailbox === queueMailbox)).toMatchObject([
    { subject: "Order 1", attachment: null },
  ]);
  expect(messages.filter(({ mailbox }) => mailbox === forwardMailbox)).toMatchObject([
    { from: "sales@contoso.com", subject: "FW: Order 1", attachment: mail },
  ]);
  await send("PATCH", `mailboxes(${forward})`, { testemailconfigurationscheduled: true }, { "If-Match": "*" });
  await control(running.origin, "POST", "clock", { advance: 1000 });
  const row = (await send("GET", `mailboxes(${forward})`)).json as unknown as MailboxRow;
  expect([row.incomingemailstatus, row.lastsyncerror]).toEqual([1, null]);
});
