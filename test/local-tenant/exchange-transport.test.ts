import { addFault, faultSchema } from "../../provider/local-tenant/faults";
import { contentOf, type ExchangeTenant, putRecipient, type Row, startExchange, tenantId } from "./exchange-tenant";

let exchange: ExchangeTenant;

beforeEach(async () => {
  exchange = await startExchange();
});

afterEach(() => exchange.close());

const getAda = { CmdletInput: { CmdletName: "get-mailbox", Parameters: { identity: "ada@contoso.com" } } };

function path(version: string, resource: string, tenant = tenantId): string {
  return `/adminapi/${version}/${tenant}/${resource}`;
}

describe("who may call", () => {
  // @shows exchange.unauthorized-status exchange.unauthorized-body
  test.each([
    ["no token", {}, 401],
    ["a token that is none", { Authorization: "Bearer x.y.z" }, 401],
  ])("%s: %j", async (_, headers, status) => {
    const response = await fetch(`${exchange.origin}${path("beta", "InvokeCommand")}`, {
      method: "POST",
      headers,
      body: JSON.stringify(getAda),
    });
    expect(response.status).toBe(status);
    const challenge = response.headers.get("www-authenticate") ?? "";
    expect(challenge).toMatch(/^Bearer client_id="[^"]+", .*authorization_uri="http/);
    expect(challenge.includes("Basic")).toBe(Object.keys(headers).length === 0);
  });

  // @shows exchange.forbidden-body exchange.forbidden-reason
  test("no app role is 401, no role in Exchange is 403 with NUL bytes", async () => {
    const as = (name: "noRole" | "noRbac") =>
      exchange.post(path("beta", "InvokeCommand"), getAda, { Authorization: `Bearer ${exchange.token(name)}` });
    expect((await as("noRole")).status).toBe(401);
    const forbidden = await as("noRbac");
    expect(forbidden.status).toBe(403);
    expect(forbidden.bytes.length).toBeGreaterThan(0);
    expect(forbidden.bytes.every((byte) => byte === 0)).toBe(true);
    expect(forbidden.headers.get("content-encoding")).toBe("gzip");
    expect(forbidden.headers.get("x-ms-diagnostics")).toMatch(/^2000003;reason="/);
  });

  // @shows exchange.rule-roles
  test("a view-only role reads, except inbox rules, and writes nothing", async () => {
    const as = (CmdletName: string, Parameters: Row) =>
      exchange.post(
        path("beta", "InvokeCommand"),
        { CmdletInput: { CmdletName, Parameters } },
        {
          Authorization: `Bearer ${exchange.token("viewOnly")}`,
        },
      );
    expect((await as("Get-Mailbox", { Identity: "ada" })).rows).toHaveLength(1);
    expect(await as("Get-InboxRule", { Mailbox: "ada" })).toMatchObject({
      status: 400,
      text: expect.stringContaining("out of the current user's write scope"),
    });
    const write = await as("Set-Mailbox", { Identity: "ada", DisplayName: "x" });
    expect([write.status, write.headers.get("x-ms-diagnostics")]).toEqual([
      403,
      expect.stringContaining("Set-Mailbox"),
    ]);
  });

  test("an expired token is 401", async () => {
    const expired = exchange.token();
    exchange.tenant.advance(2 * 60 * 60 * 1000);
    const answer = await exchange.post(path("beta", "InvokeCommand"), getAda, { Authorization: `Bearer ${expired}` });
    expect(answer.status).toBe(401);
  });

  test("an unknown cmdlet is the same 403", async () => {
    const answer = await exchange.invoke("Get-Everything");
    expect(answer.status).toBe(403);
    expect(answer.bytes.every((byte) => byte === 0)).toBe(true);
    expect(answer.headers.has("x-ms-diagnostics")).toBe(false);
  });

  test("a cmdlet the service has and the tenant has not is called that", async () => {
    const answer = await exchange.invoke("get-mailboxfolderpermission", { Identity: "ada" });
    expect(answer).toMatchObject({
      status: 400,
      text: "The local tenant does not simulate the cmdlet get-mailboxfolderpermission.",
    });
  });
});

describe("where a call goes", () => {
  // @shows exchange.foreign-tenant-segment
  test("the tenant's id and its accepted domains name it, nothing else", async () => {
    for (const tenant of [tenantId, "contoso.com", "CONTOSO.onmicrosoft.com"]) {
      expect((await exchange.post(path("beta", "InvokeCommand", tenant), getAda)).rows).toHaveLength(1);
    }
    expect((await exchange.post(path("beta", "InvokeCommand", "elsewhere.example"), getAda)).status).toBe(404);
  });

  // @shows exchange.one-url exchange.beta-only
  test("unknown paths, versions and methods are 4xx with an error body", async () => {
    for (const [unknown, status] of [
      [path("v1.0", "InvokeCommand"), 405],
      [path("v1.0", "$batch"), 404],
      [path("beta", "Everything"), 404],
      [path("beta", "Mailbox('ada')"), 400],
      [path("v1.0", "Mailbox"), 400],
      [path("v3.0", "InvokeCommand"), 404],
      ["/adminapi", 404],
      ["/adminapi/beta", 404],
      [`${path("beta", "InvokeCommand")}/more`, 404],
    ] as const) {
      const answer = await exchange.post(unknown, getAda);
      expect([unknown, answer.status]).toEqual([unknown, status]);
    }
    const get = await fetch(`${exchange.origin}${path("beta", "InvokeCommand")}`, {
      headers: { Authorization: `Bearer ${exchange.token()}` },
    });
    expect(get.status).toBe(405);
  });

  test.each([
    "",
    "[]",
    "{}",
    '{"CmdletInput":{}}',
    '{"CmdletInput":{"CmdletName":"Get-Mailbox","Parameters":null}}',
    "{",
  ])("the body %j is 400", async (body) => {
    expect((await exchange.post(path("beta", "InvokeCommand"), body)).status).toBe(400);
  });

  // @shows exchange.v2-endpoints exchange.v2-preview exchange.v2-other-refused exchange.version-roles
  test("v2.0 serves few cmdlets with few parameters", async () => {
    const call = (resource: string, CmdletName: string, Parameters: Row) =>
      exchange.post(path("v2.0", resource), { CmdletInput: { CmdletName, Parameters } });
    expect((await call("Mailbox", "Get-Mailbox", { Identity: "ada" })).rows).toHaveLength(1);
    expect((await call("mailbox", "Set-Mailbox", { Identity: "ada", GrantSendOnBehalfTo: ["grace"] })).status).toBe(
      200,
    );
    const [row] = (
      await call("Mailbox", "Get-Mailbox", { Identity: "ada", IncludeGrantSendOnBehalfToWithDisplayNames: true })
    ).rows;
    expect(row?.GrantSendOnBehalfToWithDisplayNames).toEqual([
      { DisplayName: "The grace", PrimarySmtpAddress: "grace@contoso.com" },
    ]);
    expect((await call("AcceptedDomain", "Get-AcceptedDomain", {})).rows).toHaveLength(3);
    expect((await call("OrganizationConfig", "Get-OrganizationConfig", {})).rows[0]).toMatchObject({
      InPlaceHolds: [],
    });
    expect((await call("Mailbox", "Set-Mailbox", { Identity: "ada", DisplayName: "x" })).status).toBe(400);
    expect((await call("Mailbox", "Get-Recipient", { Identity: "ada" })).status).toBe(400);
    expect((await call("InvokeCommand", "Get-Mailbox", {})).status).toBe(404);
    exchange.tenant.configure({ v2Preview: false });
    expect((await call("AcceptedDomain", "Get-AcceptedDomain", {})).status).toBe(404);
  });

  // @shows exchange.needs-proxy
  test("with strict routing a write goes to the mailbox's own server or nowhere; reads go anywhere", async () => {
    exchange.tenant.configure({ strictRouting: true });
    const by = (cmdlet: string, anchor: string) =>
      exchange.invoke(cmdlet, { Identity: "ada" }, "", { "X-AnchorMailbox": anchor });
    const organisation = "APP:SystemMailbox{bb558c35-97f1-4cb9-8ff7-d53741dc928c}@contoso.com";
    expect((await by("Get-Mailbox", organisation)).status).toBe(200);
    for (const anchor of [organisation, "UPN:grace@contoso.com", ""]) {
      expect(await by("Set-Mailbox", anchor)).toMatchObject({
        status: 400,
        type: "CmdletProxyNotAvailableException",
        text: expect.stringMatching(/^Cmdlet needs proxy\. Current Server FQDN : .*, Required Server FQDN : /),
      });
    }
    expect((await by("Set-Mailbox", "UPN:ada@contoso.com")).status).toBe(200);
    expect((await by("Set-Mailbox", "SMTP:ada@contoso.onmicrosoft.com")).status).toBe(200);
  });
});

describe("the envelope", () => {
  // @shows exchange.annotations-beside
  test("side-car keys, warnings, request ids", async () => {
    const answer = await exchange.invoke("Get-Mailbox", { Identity: "ada" }, "", { "client-request-id": "mine" });
    expect(answer.headers.get("client-request-id")).toBe("mine");
    expect(answer.body).toMatchObject({
      "@adminapi.warnings": [],
      "adminapi.warnings@odata.type": "#Collection(String)",
    });
    expect(answer.rows[0]).toMatchObject({
      "EmailAddresses@odata.type": "#Collection(String)",
      "WhenMailboxCreated@data.type": "System.DateTime",
      WhenMailboxCreated: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}\+00:00$/),
    });
  });

  test("$select keeps only what it names", async () => {
    const answer = await exchange.invoke("Get-Mailbox", { Identity: "ada" }, "?$select=alias,EmailAddresses");
    expect(Object.keys(answer.rows[0] ?? {})).toEqual(["Alias", "EmailAddresses@odata.type", "EmailAddresses"]);
  });

  // @shows exchange.value-absent
  test("a cmdlet without output has no value", async () => {
    const answer = await exchange.invoke("Set-Mailbox", { Identity: "ada", DisplayName: "Ada L." });
    expect(answer.status).toBe(200);
    expect(answer.body).not.toHaveProperty("value");
  });

  test("clixml is refused", async () => {
    const answer = await exchange.invoke("Get-Mailbox", { Identity: "ada" }, "", { "X-ResponseFormat": "clixml" });
    expect([answer.status, answer.text]).toEqual([400, expect.stringContaining("clixml")]);
  });

  // @shows exchange.gateway-exception
  test("errors carry type and text in details, and the short type in a header", async () => {
    const answer = await exchange.invoke("Get-Mailbox", { Identity: "nobody@contoso.com" });
    expect(answer.status).toBe(404);
    expect(answer.headers.get("x-exceptiontype")).toBe("ManagementObjectNotFoundException");
    expect(answer.body.error).toMatchObject({
      code: "NotFound",
      message: "Error executing cmdlet",
      innererror: {
        internalexception: {
          type: "Microsoft.Exchange.Management.PSDirectInvoke.DirectInvokeCmdletExecutionException",
        },
      },
    });
    const { details } = answer.body.error as { details: { message: string }[] };
    expect(details[0]?.message.split("|")).toEqual([
      expect.stringMatching(/^Ex[0-9A-F]{6}$/),
      "Microsoft.Exchange.Configuration.Tasks.ManagementObjectNotFoundException",
      expect.stringContaining("object 'nobody@contoso.com' couldn't be found on '"),
    ]);
  });

  // @shows exchange.error-statuses
  test("a taken address is a conflict, an ambiguous identity an internal error", async () => {
    const conflict = await exchange.invoke("Set-Mailbox", {
      Identity: "ada",
      EmailAddresses: ["SMTP:ada@contoso.com", "grace@contoso.com"],
    });
    expect([conflict.status, conflict.type]).toEqual([409, "ProxyAddressExistsException"]);
    putRecipient(exchange.tenant, 9, "twin", "SharedMailbox");
    exchange.tenant.store.put("recipients", "x", {
      ...putRecipient(exchange.tenant, 8, "other", "SharedMailbox"),
      alias: "twin",
    });
    const ambiguous = await exchange.invoke("Get-Mailbox", { Identity: "twin" });
    expect(ambiguous).toMatchObject({
      status: 500,
      type: "ManagementObjectAmbiguousException",
      text: "The operation couldn't be performed because object: 'twin' matches multiple entries.",
    });
    exchange.tenant.configure({ contrary: ["exchange.error-statuses"] });
    expect((await exchange.invoke("Get-Mailbox", { Identity: "twin" })).status).toBe(400);
  });

  // @shows exchange.micro-delay
  test("a delay is told in a warning of the answer", async () => {
    exchange.tenant.configure({ microDelay: 250 });
    const { warnings } = await exchange.invoke("Get-Mailbox", { Identity: "ada" });
    expect(warnings).toEqual([expect.stringContaining("Micro delay applied. Actual delayed: 250 msecs, Enforced")]);
  });
});

describe("paging", () => {
  beforeEach(() => {
    for (let number = 10; number < 15; number++) {
      putRecipient(exchange.tenant, number, `m${number}`, "SharedMailbox");
    }
  });

  const parameters = { RecipientTypeDetails: "SharedMailbox", ResultSize: "Unlimited" };
  const prefer = { Prefer: "odata.maxpagesize = 2" };

  function next(link: unknown, body: unknown) {
    return exchange.post(String(link), body);
  }

  // @shows exchange.page-size
  test("the nextLink is posted with the same body until there is none", async () => {
    const body = { CmdletInput: { CmdletName: "Get-Mailbox", Parameters: parameters } };
    let answer = await exchange.invoke("Get-Mailbox", parameters, "?$select=Alias", prefer);
    const aliases: unknown[] = [];
    for (;;) {
      aliases.push(...answer.rows.map((row) => row.Alias));
      const link = answer.body["@odata.nextLink"];
      if (link === undefined) {
        break;
      }
      expect(String(link)).toMatch(exchange.origin);
      answer = await next(link, body);
      expect(Object.keys(answer.rows[0] ?? {})).toEqual(["Alias"]);
    }
    expect(aliases).toEqual(["m10", "m11", "m12", "m13", "m14"]);
  });

  // @shows exchange.link-replay
  test("another body, a link followed already, too old, or never good: expired", async () => {
    const body = { CmdletInput: { CmdletName: "Get-Mailbox", Parameters: parameters } };
    const { body: first } = await exchange.invoke("Get-Mailbox", parameters, "", prefer);
    const link = first["@odata.nextLink"];
    const strange = await next(link, getAda);
    expect(strange.text).toMatch(/Expired or Invalid pagination request/);
    expect(strange.body.error).toMatchObject({
      code: "BadRequest",
      message: "Invalid Operation",
      innererror: { internalexception: { type: "System.Exception" } },
    });
    expect((await next(link, body)).status).toBe(200);
    // A link is good once.
    expect((await next(link, body)).status).toBe(400);
    const { body: late } = await exchange.invoke("Get-Mailbox", parameters, "", prefer);
    exchange.tenant.advance(31 * 60 * 1000);
    expect((await next(late["@odata.nextLink"], body)).status).toBe(400);
    exchange.tenant.configure({ nextLinkLifetime: 0 });
    const again = await exchange.invoke("Get-Mailbox", parameters, "", prefer);
    expect((await next(again.body["@odata.nextLink"], body)).status).toBe(400);
  });

  // @shows exchange.truncation-warning
  test("ResultSize is the size of a page: the answer warns, and its link leads to the rest", async () => {
    const body = { CmdletInput: { CmdletName: "Get-Mailbox", Parameters: { ResultSize: 3 } } };
    const first = await exchange.post(path("beta", "InvokeCommand"), body);
    expect(first.rows).toHaveLength(3);
    expect(first.warnings).toEqual([expect.stringContaining("ResultSize parameter")]);
    const second = await next(first.body["@odata.nextLink"], body);
    const third = await next(second.body["@odata.nextLink"], body);
    expect([second.rows.length, second.warnings.length]).toEqual([3, 1]);
    expect([third.rows.length, third.warnings, "@odata.nextLink" in third.body]).toEqual([1, [], false]);
  });

  test("by a setting ResultSize cuts the answer, with a warning and no link", async () => {
    exchange.tenant.configure({ resultSizeCuts: true });
    const answer = await exchange.invoke("Get-Mailbox", { ResultSize: 3 });
    expect(answer.rows).toHaveLength(3);
    expect(answer.warnings).toEqual([expect.stringContaining("ResultSize parameter")]);
    expect(answer.body).not.toHaveProperty("@odata.nextLink");
  });
});

describe("$batch", () => {
  const one = (id: string, url: string, identity: string) => ({
    id,
    method: "POST",
    url,
    headers: { "Content-Type": "application/json" },
    body: { CmdletInput: { CmdletName: "Get-Mailbox", Parameters: { Identity: identity } } },
  });

  function responses(answer: { body: Row }) {
    return answer.body.responses as { id: string; status: number; body: Row }[];
  }

  test("absolute and relative urls, answers by id", async () => {
    const answer = await exchange.post(path("beta", "$batch"), {
      requests: [
        one("a", `https://outlook.office365.com${path("beta", "InvokeCommand")}?$select=Alias`, "ada"),
        one("b", "InvokeCommand", "grace"),
        one("c", path("beta", "InvokeCommand"), "ada@contoso.com"),
      ],
    });
    expect(responses(answer).map(({ id, status, body }) => [id, status, contentOf(body).rows[0]?.Alias])).toEqual([
      ["a", 200, "ada"],
      ["b", 200, "grace"],
      ["c", 200, "ada"],
    ]);
  });

  // @shows exchange.latency
  test("requests take their time one after the other", async () => {
    exchange.tenant.configure({ cmdletLatency: 40 });
    const started = Date.now();
    await exchange.post(path("beta", "$batch"), { requests: ["a", "b"].map((id) => one(id, "InvokeCommand", "ada")) });
    expect(Date.now() - started).toBeGreaterThanOrEqual(75);
  });

  // @shows exchange.batch-first-error
  test("an error ends the batch unless the caller wants to go on", async () => {
    const requests = [one("a", "InvokeCommand", "nobody"), one("b", "InvokeCommand", "ada")];
    expect(responses(await exchange.post(path("beta", "$batch"), { requests })).map(({ id }) => id)).toEqual(["a"]);
    const prefer = { Prefer: "odata.maxpagesize = 1000;odata.continue-on-error" };
    expect(
      responses(await exchange.post(path("beta", "$batch"), { requests }, prefer)).map(({ id, status }) => [
        id,
        status,
      ]),
    ).toEqual([
      ["a", 404],
      ["b", 200],
    ]);
  });

  // @shows exchange.batch-order
  test("requests run one after the other, in their order", async () => {
    const write = (value: number) => ({
      ...one(String(value), "InvokeCommand", "ada"),
      body: {
        CmdletInput: { CmdletName: "Set-Mailbox", Parameters: { Identity: "ada", CustomAttribute1: `${value}` } },
      },
    });
    const last = async () => {
      await exchange.post(path("beta", "$batch"), { requests: [1, 2, 3].map(write) });
      return (await exchange.rows("Get-Mailbox", { Identity: "ada" }))[0]?.CustomAttribute1;
    };
    expect(await last()).toBe("3");
    exchange.tenant.configure({ contrary: ["exchange.batch-order"] });
    expect(await last()).toBe("1");
  });

  // @shows exchange.batch-size
  test("eleven requests, twin ids and a batch in a batch are refused", async () => {
    const eleven = Array.from({ length: 11 }, (_, index) => one(String(index), "InvokeCommand", "ada"));
    for (const requests of [
      eleven,
      [one("a", "InvokeCommand", "ada"), one("a", "InvokeCommand", "ada")],
      [one("a", "$batch", "ada")],
      [],
    ]) {
      expect((await exchange.post(path("beta", "$batch"), { requests })).status).toBe(400);
    }
  });

  test("a fault rule hits one request inside", async () => {
    addFault(
      exchange.tenant,
      faultSchema.parse({ cmdlet: "Get-Mailbox", after: 1, answer: { status: 429, headers: { "Retry-After": "1" } } }),
    );
    const requests = ["a", "b", "c"].map((id) => one(id, "InvokeCommand", "ada"));
    const answer = await exchange.post(path("beta", "$batch"), { requests }, { Prefer: "odata.continue-on-error" });
    expect(responses(answer).map(({ status }) => status)).toEqual([200, 429, 200]);
  });
});

describe("binding", () => {
  const details = (answer: { body: Row }) => (answer.body.error as { details?: { message: string }[] }).details;

  // @shows exchange.unknown-parameter
  test("an unknown parameter", async () => {
    const answer = await exchange.invoke("Get-Mailbox", { Identity: "ada", Colour: "red" });
    expect(answer).toMatchObject({ status: 400, type: "AmbiguousParameterSetException" });
    expect(details(answer)?.[0]?.message).toMatch(
      /^\|Microsoft\.Exchange\.AdminApi\.CommandInvocation\.AmbiguousParameterSetException\|.*Colour$/,
    );
  });

  // @shows exchange.wrong-enumeration
  test("a wrong member lists the right ones, in internalexception alone", async () => {
    const answer = await exchange.invoke("Add-MailboxPermission", {
      Identity: "ada",
      User: "grace",
      AccessRights: ["Everything"],
    });
    expect(answer).toMatchObject({ status: 400, type: "ParameterTransformationException" });
    expect(answer.text).toContain("FullAccess, ExternalAccount");
    expect(details(answer)).toBeUndefined();
  });

  // @shows exchange.enumeration-beginning
  test("the beginning of a member is that member, when it is no other's", async () => {
    const grant = (right: string) =>
      exchange.invoke("Add-MailboxPermission", { Identity: "ada", User: "grace", AccessRights: [right] });
    expect((await grant("full")).rows[0]?.AccessRights).toEqual(["FullAccess"]);
    expect((await grant("Change")).type).toBe("ParameterTransformationException");
    expect((await grant("")).status).toBe(400);
  });

  // @shows exchange.multivalued-object
  test("a plain object for a multi-valued parameter", async () => {
    const bare = await exchange.invoke("Set-Mailbox", { Identity: "ada", GrantSendOnBehalfTo: { Add: ["grace"] } });
    expect(bare).toMatchObject({ status: 400, type: "ParameterBindingException" });
  });

  // @shows exchange.parameter-sets
  test("parameters of different sets", async () => {
    const answer = await exchange.invoke("Set-Mailbox", {
      Identity: "ada",
      RecipientLimits: 100,
      MicrosoftOnlineServicesID: "ada.l@contoso.com",
    });
    expect(answer).toMatchObject({ status: 400, type: "AmbiguousParameterSetException" });
    expect(answer.text).toContain("RecipientLimits, MicrosoftOnlineServicesID");
  });

  test.each([
    ["Set-Mailbox", { Identity: "ada", HiddenFromAddressListsEnabled: "true" }, "ParameterTransformationException"],
    ["Set-Mailbox", { Identity: "ada", IssueWarningQuota: "much" }, "ParameterTransformationException"],
    ["Set-Mailbox", { Identity: "", DisplayName: "x" }, "ParameterBindingValidationException"],
    ["Set-Mailbox", { Identity: null, DisplayName: "x" }, "ParameterBindingValidationException"],
    ["Set-Mailbox", { DisplayName: "x" }, "ParameterBindingException"],
    ["Get-MailboxPermission", {}, "ParameterBindingException"],
    ["Get-Mailbox", { Anr: "ada" }, "ODataServiceException"],
    ["New-Mailbox", { Name: "x" }, "ODataServiceException"],
  ])("%s %j is %s", async (cmdlet, parameters, type) => {
    expect(await exchange.invoke(cmdlet, parameters)).toMatchObject({ status: 400, type });
  });

  // @shows exchange.parameter-names
  test("annotations beside parameters are no parameters", async () => {
    const answer = await exchange.invoke("Set-Mailbox", {
      Identity: "ada",
      "EmailAddresses@odata.type": "#Collection(String)",
      emailaddresses: ["SMTP:ada@contoso.com"],
    });
    expect(answer.status).toBe(200);
  });
});
