import { request } from "node:http";
import { type Environment, ids, startEnvironment } from "./dataverse-environment";

const someId = "5f0c2f7e-0000-4000-8000-000000000001";
const forward = { name: "Support forward", emailaddress: "fwd@contoso.com" };

let environment: Environment;

beforeEach(async () => {
  environment = await startEnvironment();
});

afterEach(() => environment.close());

function create(more: object = {}, id = someId) {
  return environment.send("PATCH", `mailboxes(${id})`, {
    body: { ...forward, ...more },
    headers: { "if-none-match": "*" },
  });
}

describe("who may", () => {
  test("no token, a token of another service, an expired one: 401 in Dataverse's shape", async () => {
    const bare = await fetch(`${environment.base}mailboxes`);
    expect(bare.status).toBe(401);
    expect(await bare.json()).toEqual({ error: { code: "", message: expect.any(String) } });
    const token = environment.token("everything");
    environment.tenant.clockOffset += 2 * 3600 * 1000;
    const late = await fetch(`${environment.base}mailboxes`, { headers: { authorization: `Bearer ${token}` } });
    expect(late.status).toBe(401);
  });

  // @shows dataverse.no-application-user
  test("an application that is no user here is 403 with 0x80072560", async () => {
    const answer = await environment.send("GET", "mailboxes", { who: "stranger" });
    expect([answer.status, answer.code]).toEqual([403, "0x80072560"]);
  });

  // @shows dataverse.missing-privilege dataverse.roles
  test("a reader reads, cannot write; a user without roles cannot read", async () => {
    expect((await environment.send("GET", "mailboxes", { who: "reader" })).status).toBe(200);
    const write = await environment.send("POST", "mailboxes", { who: "reader", body: forward });
    expect([write.status, write.code]).toEqual([403, "0x80040220"]);
    const read = await environment.send("GET", "mailboxes", { who: "roleless" });
    expect([read.status, read.code]).toEqual([403, "0x80040220"]);
  });

  test("WhoAmI names the caller", async () => {
    const { json } = await environment.send("GET", "WhoAmI");
    expect(json).toMatchObject({
      UserId: ids.everything,
      BusinessUnitId: ids.businessUnit,
      OrganizationId: ids.organization,
    });
  });
});

describe("create", () => {
  // @shows dataverse.new-forward-mailbox
  test("name and address make a forward mailbox with the observed defaults", async () => {
    const made = await environment.send("POST", "mailboxes", { body: forward });
    expect(made.status).toBe(204);
    const url = made.headers.get("odata-entityid") ?? "";
    expect(url).toMatch(new RegExp(`^${environment.base}mailboxes\\([0-9a-f-]{36}\\)$`));
    const { json, headers } = await environment.send("GET", url);
    expect(headers.get("content-type")).toContain("odata.metadata=minimal");
    expect(headers.get("odata-version")).toBe("4.0");
    expect(json).toMatchObject({
      "@odata.etag": `W/"${json.versionnumber}"`,
      isforwardmailbox: true,
      _regardingobjectid_value: null,
      _ownerid_value: ids.everything,
      _owninguser_value: ids.everything,
      _owningteam_value: null,
      _emailserverprofile_value: ids.exchangeOnline,
      incomingemaildeliverymethod: 2,
      outgoingemaildeliverymethod: 0,
      actdeliverymethod: 2,
      processanddeleteemails: false,
      password: null,
      ispasswordset: false,
      emailrouteraccessapproval: 1,
      isemailaddressapprovedbyo365admin: false,
      testmailboxaccesscompletedon: "1900-01-01T00:00:00Z",
      enabledforincomingemail: true,
      enabledforoutgoingemail: false,
      statecode: 0,
      statuscode: 1,
    });
    expect(Object.keys(json).length).toBeGreaterThan(80);
  });

  // @shows dataverse.post-answer
  test("return=representation answers 201 with the chosen columns and no OData-EntityId", async () => {
    const made = await environment.send("POST", "mailboxes?$select=name", {
      body: { ...forward, "ownerid@odata.bind": `/teams(${ids.team})`, "emailserverprofile@odata.bind": null },
      headers: { prefer: "return=representation" },
    });
    expect(made.status).toBe(201);
    expect(made.headers.get("odata-entityid")).toBeNull();
    expect(made.headers.get("preference-applied")).toBe("return=representation");
    expect(Object.keys(made.json).sort()).toEqual(["@odata.context", "@odata.etag", "mailboxid", "name"]);
    const { json } = await environment.send("GET", `mailboxes(${made.json.mailboxid})`);
    expect(json).toMatchObject({ _ownerid_value: ids.team, _owningteam_value: ids.team, _owninguser_value: null });
    expect(json._emailserverprofile_value).toBeNull();
  });

  // @shows dataverse.patch-if-none-match
  test("a guarded create makes one row however often it is sent", async () => {
    const answers = await Promise.all([create(), create(), create()]);
    expect(answers.map(({ status }) => status).sort()).toEqual([204, 412, 412]);
    expect(answers.find(({ status }) => status === 412)?.code).toBe("0x80040237");
    const { json } = await environment.send("GET", "mailboxes?$count=true&$select=name");
    expect(json["@odata.count"]).toBe(1);
  });

  // @shows dataverse.address-not-unique
  test("two unguarded creates make twins: the address is no key", async () => {
    await environment.send("POST", "mailboxes", { body: forward });
    await environment.send("POST", "mailboxes", { body: forward });
    const { text } = await environment.send("GET", "mailboxes/$count?$filter=emailaddress eq 'fwd@contoso.com'");
    expect(text).toBe("2");
  });

  // @shows dataverse.post-existing-id
  test("the id may stand in the body; one that is taken is a 412 and changes nothing", async () => {
    const body = { ...forward, mailboxid: someId };
    const made = await environment.send("POST", "mailboxes", { body });
    expect(made.headers.get("odata-entityid")).toBe(`${environment.base}mailboxes(${someId})`);
    const again = await environment.send("POST", "mailboxes", { body: { ...body, name: "Twin" } });
    expect([again.status, again.code]).toEqual([412, "0x80040237"]);
    expect((await environment.send("GET", `mailboxes(${someId})`)).json.name).toBe(forward.name);
    const elsewhere = { ...forward, mailboxid: ids.team };
    expect(
      (await environment.send("PATCH", `mailboxes(${someId.replace(/1$/, "2")})`, { body: elsewhere })).status,
    ).toBe(400);
  });

  // @shows dataverse.patch-creates
  test("PATCH without a condition to a missing id makes the row", async () => {
    expect((await environment.send("PATCH", `mailboxes(${someId})`, { body: forward })).status).toBe(204);
    expect((await environment.send("GET", `mailboxes(mailboxid=${someId})`)).status).toBe(200);
  });
});

describe("bodies", () => {
  const refused: [string, unknown, string | undefined][] = [
    ["an unknown property", { ...forward, nickname: "x" }, "0x80048d19"],
    ["a property in another case", { ...forward, Name: "x" }, "0x80048d19"],
    ["a bare lookup with text", { ...forward, emailserverprofile: ids.exchangeOnline }, "0x80048d19"],
    ["a lookup value", { ...forward, _ownerid_value: ids.team }, "0x80060888"],
    [
      "a navigation property in another case",
      { ...forward, "OwnerId@odata.bind": `/teams(${ids.team})` },
      "0x80048d19",
    ],
    ["a row of another set", { ...forward, "ownerid@odata.bind": `/emailserverprofiles(${ids.pop3})` }, "0x80048d19"],
    ["a wrong JSON type", { ...forward, processanddeleteemails: "true" }, "0x80048d19"],
    ["a value outside the choice", { ...forward, incomingemaildeliverymethod: 9 }, "0x8004431A"],
    ["a name too long", { ...forward, name: "x".repeat(201) }, "0x80044331"],
    ["a missing name", { emailaddress: "fwd@contoso.com" }, "0x80040200"],
    ["no JSON", "{", "0x80048d19"],
    ["an array", [forward], "0x80048d19"],
  ];
  // @shows dataverse.value-errors dataverse.bare-lookup
  test.each(refused)("%s is a 400", async (_, body, code) => {
    const answer = await environment.send("POST", "mailboxes", { body });
    expect([answer.status, answer.code]).toEqual([400, code]);
  });

  test("a bound row that does not exist, a set that does not exist: 404", async () => {
    const row = { ...forward, "ownerid@odata.bind": `/teams(${someId})` };
    expect((await environment.send("POST", "mailboxes", { body: row })).code).toBe("0x80040217");
    const set = { ...forward, "ownerid@odata.bind": `/tems(${ids.team})` };
    expect((await environment.send("POST", "mailboxes", { body: set })).status).toBe(404);
  });

  // @shows dataverse.readonly-columns dataverse.forward-readonly
  test("read-only columns and the row's own key are ignored; a setting refuses them", async () => {
    await create();
    const path = `mailboxes(${someId})`;
    for (const body of [{ mailboxid: someId }, { createdon: "2020-01-01T00:00:00Z" }, { isforwardmailbox: false }]) {
      environment.tenant.settings.strictBodies = false;
      expect((await environment.send("PATCH", path, { body: { ...body, processanddeleteemails: true } })).status).toBe(
        204,
      );
      environment.tenant.settings.strictBodies = true;
      const strict = await environment.send("PATCH", path, { body });
      expect([strict.status, strict.code]).toEqual([400, "0x80040203"]);
    }
    expect((await environment.send("GET", path)).json).toMatchObject({
      mailboxid: someId,
      isforwardmailbox: true,
      processanddeleteemails: true,
    });
  });

  // @shows dataverse.methods-not-null
  test("a delivery method or a flag cannot be null", async () => {
    await create();
    const write = (body: object) => environment.send("PATCH", `mailboxes(${someId})`, { body });
    for (const column of ["incomingemaildeliverymethod", "processanddeleteemails"]) {
      expect((await write({ [column]: null })).status).toBe(400);
      environment.tenant.configure({ contrary: ["dataverse.methods-not-null"] });
      expect((await write({ [column]: null })).status).toBe(204);
      environment.tenant.configure({ contrary: [] });
    }
  });

  // @shows dataverse.unknown-property
  test("an unknown property is named with its table", async () => {
    const { json } = await environment.send("POST", "mailboxes", { body: { ...forward, nickname: "x" } });
    expect((json.error as { message: string }).message).toContain(
      "Invalid property 'nickname' was found in entity 'Microsoft.Dynamics.CRM.mailbox'.",
    );
  });

  test("a read-only lookup is ignored, too", async () => {
    const body = { ...forward, isforwardmailbox: false, "regardingobjectid@odata.bind": `/systemusers(${ids.ada})` };
    expect((await environment.send("PATCH", `mailboxes(${someId})`, { body })).status).toBe(204);
    const { json } = await environment.send("GET", `mailboxes(${someId})`);
    expect(json).toMatchObject({ isforwardmailbox: true, _regardingobjectid_value: null });
  });

  test("a reference may be relative, rooted or absolute", async () => {
    for (const start of ["", "/", environment.base]) {
      const body = { "emailserverprofile@odata.bind": `${start}emailserverprofiles(${ids.pop3})`, ...forward };
      expect((await environment.send("POST", "mailboxes", { body })).status).toBe(204);
    }
  });

  // @shows dataverse.time-literals
  test("a time needs an offset, a day alone does not", async () => {
    const send = (processemailreceivedafter: string) =>
      environment.send("POST", "mailboxes", { body: { ...forward, processemailreceivedafter } });
    const refused = await send("2026-06-08T13:06:24");
    expect([refused.status, refused.code]).toEqual([400, "0x80048d19"]);
    expect(refused.text).toContain("Cannot convert the literal '2026-06-08T13:06:24' to the expected type");
    for (const taken of ["2026-06-08T13:06:24Z", "2026-06-08T13:06:24.5+02:00", "2026-06-08"]) {
      expect([taken, (await send(taken)).status]).toEqual([taken, 204]);
    }
  });

  test("other content types are refused", async () => {
    const answer = await environment.send("POST", "mailboxes", {
      body: "x",
      headers: { "content-type": "text/plain" },
    });
    expect(answer.status).toBe(415);
  });
});

describe("conditions", () => {
  async function etag() {
    return String((await environment.send("GET", `mailboxes(${someId})?$select=name`)).json["@odata.etag"]);
  }

  // @shows dataverse.stale-etag
  test("of two writers with one ETag the second gets 412", async () => {
    await create();
    const tag = await etag();
    const write = (name: string) =>
      environment.send("PATCH", `mailboxes(${someId})`, { body: { name }, headers: { "if-match": tag } });
    const answers = await Promise.all([write("one"), write("two"), write("three")]);
    expect(answers.map(({ status }) => status).sort()).toEqual([204, 412, 412]);
    expect(answers.find(({ status }) => status === 412)?.code).toBe("0x80060882");
    expect(await etag()).not.toBe(tag);
  });

  // @shows dataverse.etag-version dataverse.patch-expand
  test("an update merges, takes the next version and the time, and returns the row where asked to", async () => {
    await create({ username: "fwd" });
    const before = (await environment.send("GET", `mailboxes(${someId})`)).json;
    environment.tenant.clockOffset += 60_000;
    const answer = await environment.send("PATCH", `mailboxes(${someId})?$select=name&$expand=emailserverprofile`, {
      body: { name: "Renamed", emailserverprofile: null },
      headers: { "if-match": String(before["@odata.etag"]), prefer: "return=representation" },
    });
    expect([answer.status, Object.keys(answer.json).sort()]).toEqual([
      200,
      ["@odata.context", "@odata.etag", "mailboxid", "name"],
    ]);
    const after = (await environment.send("GET", `mailboxes(${someId})`)).json;
    expect(after).toMatchObject({
      name: "Renamed",
      username: "fwd",
      _emailserverprofile_value: null,
      versionnumber: Number(before.versionnumber) + 1,
      createdon: before.createdon,
    });
    expect(Date.parse(String(after.modifiedon)) - Date.parse(String(before.modifiedon))).toBeGreaterThanOrEqual(59_000);
  });

  test("If-Match on a missing row is a 404 and makes nothing", async () => {
    const answer = await environment.send("PATCH", `mailboxes(${someId})`, {
      body: forward,
      headers: { "if-match": "*" },
    });
    expect([answer.status, answer.code]).toEqual([404, "0x80040217"]);
    expect((await environment.send("GET", `mailboxes(${someId})`)).status).toBe(404);
  });

  // @shows dataverse.not-modified
  test("a current ETag in If-None-Match is a 304, unless annotations are asked for", async () => {
    await create();
    const headers = { "if-none-match": await etag() };
    const unchanged = await environment.send("GET", `mailboxes(${someId})`, { headers });
    expect([unchanged.status, unchanged.text]).toEqual([304, ""]);
    const annotated = { ...headers, prefer: 'odata.include-annotations="*"' };
    expect((await environment.send("GET", `mailboxes(${someId})`, { headers: annotated })).status).toBe(200);
  });

  test("DELETE heeds If-Match; the second DELETE is a 404", async () => {
    await create();
    const stale = await environment.send("DELETE", `mailboxes(${someId})`, { headers: { "if-match": 'W/"1"' } });
    expect([stale.status, stale.code]).toEqual([412, "0x80060882"]);
    expect((await environment.send("DELETE", `mailboxes(${someId})`)).status).toBe(204);
    expect((await environment.send("DELETE", `mailboxes(${someId})`)).status).toBe(404);
  });
});

describe("paths", () => {
  // @shows dataverse.unknown-segment dataverse.collection-method
  test("what there is not is a 4xx in Dataverse's shape", async () => {
    await create();
    const paths: [string, string, number][] = [
      ["GET", "contacts", 404],
      ["GET", `${environment.origin}/api/data/v8.2/mailboxes`, 404],
      ["GET", "mailboxes(nonsense)", 400],
      ["GET", `mailboxes(emailaddress='fwd@contoso.com')`, 400],
      ["GET", `mailboxes(${someId})/nothing`, 404],
      ["GET", "mailboxes?$skip=1", 400],
      ["GET", "mailboxes?select=name", 400],
      ["GET", "mailboxes?$select=nothing", 400],
      ["PUT", `mailboxes(${someId})`, 405],
      ["PATCH", "mailboxes", 405],
      ["DELETE", "mailboxes", 405],
      ["POST", "organizations", 405],
      ["DELETE", `organizations(${ids.organization})`, 405],
      ["POST", "$batch", 400],
      ["GET", "mailboxes(%", 400],
      ["GET", "EntityDefinitions(LogicalName='contact')", 404],
    ];
    for (const [method, path, status] of paths) {
      const body = method === "PATCH" || method === "POST" || method === "PUT" ? {} : undefined;
      const answer = await environment.send(method, path, body === undefined ? {} : { body });
      expect([method, path, answer.status]).toEqual([method, path, status]);
      expect(answer.json).toMatchObject({ error: { code: expect.any(String), message: expect.any(String) } });
    }
  });

  // @shows dataverse.error-shape
  test("a refusal has code and message; help and inner message only where annotations are asked for", async () => {
    const path = `mailboxes(${someId})`;
    const plain = await environment.send("GET", path);
    expect(plain.json).toEqual({ error: { code: "0x80040217", message: expect.stringContaining(someId) } });
    expect(plain.headers.get("odata-version")).toBe("4.0");
    expect(plain.headers.get("content-type")).toContain("odata.metadata=minimal");
    const headers = { prefer: 'odata.include-annotations="*"' };
    expect((await environment.send("GET", path, { headers })).json.error).toMatchObject({
      code: "0x80040217",
      "@Microsoft.PowerApps.CDS.HelpLink": expect.stringContaining("0x80040217"),
      "@Microsoft.PowerApps.CDS.InnerError.Message": expect.stringContaining(someId),
    });
  });

  // @shows dataverse.encoded-parentheses
  test("percent-encoded parentheses and single columns work", async () => {
    await create();
    expect((await environment.send("GET", `mailboxes%28${someId}%29`)).status).toBe(200);
    const column = `mailboxes(${someId})/username`;
    expect((await environment.send("PUT", column, { body: { value: "fwd" } })).status).toBe(204);
    expect((await environment.send("GET", column)).json.value).toBe("fwd");
    expect((await environment.send("DELETE", column)).status).toBe(204);
    expect((await environment.send("GET", column)).status).toBe(204);
  });

  test("$ref sets, reads and clears a lookup", async () => {
    await create();
    const ref = `mailboxes(${someId})/emailserverprofile/$ref`;
    const body = { "@odata.id": `emailserverprofiles(${ids.pop3})` };
    expect((await environment.send("PUT", ref, { body })).status).toBe(204);
    const read = await environment.send("GET", ref);
    expect(read.json["@odata.id"]).toBe(`${environment.base}emailserverprofiles(${ids.pop3})`);
    expect((await environment.send("DELETE", ref)).status).toBe(204);
    const { json } = await environment.send("GET", `mailboxes(${someId})?$select=_emailserverprofile_value`);
    expect(json._emailserverprofile_value).toBeNull();
  });

  test("addresses in answers are built from the Host header", async () => {
    const port = new URL(environment.origin).port;
    const entityId = await new Promise((resolve, reject) => {
      const sent = request(
        {
          port,
          host: "127.0.0.1",
          method: "POST",
          path: "/api/data/v9.2/mailboxes",
          headers: {
            host: "contoso.crm4.example:8080",
            authorization: `Bearer ${environment.token("everything")}`,
            "content-type": "application/json",
          },
        },
        (response) => {
          response.resume();
          resolve(response.headers["odata-entityid"]);
        },
      );
      sent.on("error", reject);
      sent.end(JSON.stringify(forward));
    });
    expect(entityId).toMatch(/^http:\/\/contoso\.crm4\.example:8080\/api\/data\/v9\.2\/mailboxes\(/);
  });

  // @shows dataverse.version-headers
  test("strict headers demand the OData versions; a wrong one is always refused", async () => {
    const send = (headers: Record<string, string>) =>
      fetch(`${environment.base}mailboxes`, {
        headers: { authorization: `Bearer ${environment.token("everything")}`, ...headers },
      });
    expect((await send({})).status).toBe(200);
    expect((await send({ "odata-version": "3.0" })).status).toBe(400);
    environment.tenant.settings.strictHeaders = true;
    expect((await send({})).status).toBe(400);
    expect((await send({ "odata-version": "4.0", "odata-maxversion": "4.0" })).status).toBe(200);
  });

  test("metadata tells names, concurrency and columns", async () => {
    const table = await environment.send(
      "GET",
      "EntityDefinitions(LogicalName='mailbox')?$select=EntitySetName,PrimaryIdAttribute,IsOptimisticConcurrencyEnabled",
    );
    expect(table.json).toMatchObject({
      EntitySetName: "mailboxes",
      PrimaryIdAttribute: "mailboxid",
      IsOptimisticConcurrencyEnabled: true,
    });
    const { json } = await environment.send(
      "GET",
      "EntityDefinitions(LogicalName='mailbox')/Attributes?$select=LogicalName&$filter=IsValidForRead eq false",
    );
    const names = (json.value as { LogicalName: string }[]).map(({ LogicalName }) => LogicalName);
    expect(names.sort()).toEqual(["oauthaccesstoken", "oauthrefreshtoken", "password"]);
  });
});

describe("queries", () => {
  // @shows dataverse.own-writes-visible
  test("a row is found as soon as it is written", async () => {
    await create();
    const found = async () =>
      (await environment.send("GET", `mailboxes?$filter=mailboxid eq ${someId}`)).json.value as unknown[];
    expect(await found()).toHaveLength(1);
    environment.tenant.configure({ contrary: ["dataverse.own-writes-visible"] });
    expect(await found()).toEqual([]);
    environment.tenant.advance(3_000);
    expect(await found()).toHaveLength(1);
  });

  async function names(query: string) {
    const answer = await environment.send("GET", `mailboxes?$select=name&${query}`);
    expect([answer.status, answer.json.error]).toEqual([200, undefined]);
    return (answer.json.value as { name: string }[]).map(({ name }) => name);
  }

  beforeEach(async () => {
    for (const [name, emailaddress, more] of [
      ["O'Hara", "o'hara@contoso.com", { processanddeleteemails: true }],
      ["Plus", "fwd+crm@contoso.com", { "emailserverprofile@odata.bind": null }],
      ["Zoo", "zoo@contoso.com", { incomingemaildeliverymethod: 0 }],
    ] as const) {
      await environment.send("POST", "mailboxes", { body: { name, emailaddress, ...more } });
    }
  });

  const filters: [string, string[]][] = [
    ["emailaddress eq 'o''hara@contoso.com'", ["O'Hara"]],
    ["emailaddress eq 'FWD+CRM@contoso.com'", ["Plus"]],
    ["isforwardmailbox eq true and emailaddress ne 'zoo@contoso.com'", ["O'Hara", "Plus"]],
    ["not processanddeleteemails", ["Plus", "Zoo"]],
    ["processanddeleteemails eq true or incomingemaildeliverymethod lt 1", ["O'Hara", "Zoo"]],
    ["(name eq 'Zoo' or name eq 'Plus') and not (name eq 'Zoo')", ["Plus"]],
    ["_emailserverprofile_value eq null", ["Plus"]],
    [`_emailserverprofile_value eq ${ids.exchangeOnline.toUpperCase()}`, ["O'Hara", "Zoo"]],
    ["emailserverprofile/name eq 'Microsoft Exchange Online'", ["O'Hara", "Zoo"]],
    ["contains(emailaddress,'+crm@')", ["Plus"]],
    ["startswith(name,'o''')", ["O'Hara"]],
    ["createdon gt 2025-01-01T00:00:00Z and username eq null", ["O'Hara", "Plus", "Zoo"]],
  ];
  test.each(filters)("%s", async (filter, expected) => {
    expect((await names(`$filter=${encodeURIComponent(filter)}`)).sort()).toEqual(expected);
  });

  test("an unencoded plus is a space, as on any server", async () => {
    expect(await names("$filter=emailaddress+eq+'fwd+crm@contoso.com'")).toEqual([]);
    expect(await names("$filter=emailaddress+eq+'fwd%2Bcrm@contoso.com'")).toEqual(["Plus"]);
  });

  test.each([
    "emailaddress eq",
    "emailaddress eq 'o'hara'",
    "emailaddress eq 5",
    `_ownerid_value eq '${ids.everything}'`,
    "nothing eq 'x'",
    "ownerid eq null",
    "toupper(name) eq 'X'",
    "name",
    `${"(".repeat(500)}name eq 'x'`,
  ])("%s is a 400", async (filter) => {
    const answer = await environment.send("GET", `mailboxes?$filter=${encodeURIComponent(filter)}`);
    expect([answer.status, answer.code]).toEqual([400, "0x80060888"]);
  });

  // @shows dataverse.page-size
  test("pages follow nextLinks and see every row once, also while rows go", async () => {
    const headers = { prefer: "odata.maxpagesize=1" };
    const first = await environment.send("GET", "mailboxes?$select=name&$orderby=name desc&$count=true", { headers });
    expect(first.headers.get("preference-applied")).toBe("odata.maxpagesize=1");
    expect(first.json["@odata.count"]).toBe(3);
    const [zoo] = first.json.value as { mailboxid: string; name: string }[];
    expect(zoo?.name).toBe("Zoo");
    await environment.send("PATCH", `mailboxes(${zoo?.mailboxid})`, { body: { processanddeleteemails: true } });
    const second = await environment.send("GET", String(first.json["@odata.nextLink"]), { headers });
    expect((second.json.value as { name: string }[]).map(({ name }) => name)).toEqual(["Plus"]);
    const third = await environment.send("GET", String(second.json["@odata.nextLink"]), { headers });
    expect((third.json.value as { name: string }[]).map(({ name }) => name)).toEqual(["O'Hara"]);
    expect(third.json["@odata.nextLink"]).toBeUndefined();
    expect(await names("$top=1&$orderby=emailaddress")).toEqual(["Plus"]);
  });

  test("annotations and $expand where asked for", async () => {
    const query =
      "mailboxes?$filter=name eq 'Zoo'&$select=name,_ownerid_value,actdeliverymethod&$expand=emailserverprofile($select=name)";
    const headers = { prefer: 'odata.include-annotations="*",odata.maxpagesize=10' };
    const { json } = await environment.send("GET", query, { headers });
    expect((json.value as object[])[0]).toMatchObject({
      "_ownerid_value@OData.Community.Display.V1.FormattedValue": "Everything",
      "_ownerid_value@Microsoft.Dynamics.CRM.lookuplogicalname": "systemuser",
      "_ownerid_value@Microsoft.Dynamics.CRM.associatednavigationproperty": "ownerid",
      "actdeliverymethod@OData.Community.Display.V1.FormattedValue": "None",
      emailserverprofile: { name: "Microsoft Exchange Online" },
    });
    const plain = await environment.send("GET", query);
    expect(plain.text).not.toContain("FormattedValue");
  });
});
