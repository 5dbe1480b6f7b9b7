import { classifyWarning, delayIn } from "../../provider/http/classify";
import type { ErrorClass, Service } from "../../provider/http/errors";
import { batchedError, parseBody, serviceErrorOf } from "../../provider/http/parse";

const DC = "couldn't be found on 'XX1PR01A00DC001.EURPR01A00.PROD.OUTLOOK.COM'.";
const MISSING = "Microsoft.Exchange.Configuration.Tasks.ManagementObjectNotFoundException";

/** What an answer to a read says and means. */
function refusalOf(service: Service, received: Parameters<typeof serviceErrorOf>[1]) {
  return serviceErrorOf({ service, kind: "read", action: "asking", path: "/" }, received);
}

function exchange(status: number, body: unknown, headers: Record<string, string> = {}) {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  return refusalOf("exchange", { status, headers: new Headers(headers), text });
}

function detail(message: string, more: object = {}): object {
  return {
    error: {
      code: "BadRequest",
      message: "Invalid Operation",
      details: [{ code: "Client", target: "", message }],
      ...more,
    },
  };
}

describe("Exchange's errors", () => {
  it("are read from code, type and text between bars, without the server's name", () => {
    expect(exchange(400, detail(`Ex6F9304|${MISSING}|The object 'nobody@contoso.com' ${DC}`))).toMatchObject({
      class: "notFound",
      code: "Ex6F9304",
      type: MISSING,
      words: "The object 'nobody@contoso.com' couldn't be found.",
    });
  });

  it("may have an empty code before the bar, and bars in the text", () => {
    expect(exchange(400, detail(`|${MISSING}|a|b`))).toMatchObject({ code: "BadRequest", type: MISSING, words: "a|b" });
  });

  it("may stand under InternalServerError", () => {
    const body = {
      error: {
        code: "InternalServerError",
        message: "Error executing cmdlet",
        details: [{ message: `Ex94914C|${MISSING}|Couldn't find object "x".` }],
      },
    };
    expect(exchange(500, body)).toMatchObject({
      class: "notFound",
      code: "Ex94914C",
      words: 'Couldn\'t find object "x".',
    });
  });

  it("may be JSON inside the message", () => {
    const inner = JSON.stringify({ Message: "The specified mailbox doesn't exist." });
    expect(exchange(400, detail(inner))).toMatchObject({
      class: "notFound",
      words: "The specified mailbox doesn't exist.",
    });
    const barred = JSON.stringify({ Message: `Ex41BAF5|${MISSING}|Gone.` });
    expect(exchange(400, detail(barred))).toMatchObject({ class: "notFound", code: "Ex41BAF5", words: "Gone." });
  });

  it.each(["innererror", "innerError", "InnerError"])("may stand in %s alone", (name) => {
    const internal = {
      message: "Cannot bind parameter 'Type'.",
      type: "System.Management.Automation.ParameterTransformationException",
    };
    const body = {
      error: { code: "BadRequest", message: "Invalid Operation", [name]: { internalException: internal } },
    };
    expect(exchange(400, body)).toMatchObject({ class: "badParameter", type: internal.type, words: internal.message });
  });

  it("may have members in any case", () => {
    const body = { Error: { Code: "BadRequest", Message: "x", Details: [{ Message: `|${MISSING}|Gone.` }] } };
    expect(exchange(400, body)).toMatchObject({ class: "notFound", words: "Gone." });
  });

  it("may be nothing but NUL bytes", () => {
    expect(exchange(403, "\u0000".repeat(40))).toMatchObject({
      class: "forbidden",
      words: "HTTP 403 Forbidden",
      code: "",
    });
  });

  it("may be plain text", () => {
    const text =
      "You have reached the maximum number of concurrent requests per tenant. Please wait and try again later.";
    expect(exchange(400, text)).toMatchObject({ class: "throttled", words: text });
  });

  it("may be a page of a proxy", () => {
    const page = "<!DOCTYPE html><html><head><title>x</title></head><body><h1>Bad   gateway</h1></body></html>";
    expect(exchange(502, page)).toMatchObject({ class: "transient", words: "Bad gateway" });
  });

  it("may not be decodable at all", () => {
    expect(refusalOf("exchange", { status: 400, headers: new Headers(), text: undefined })).toMatchObject({
      class: "refused",
      words: "HTTP 400 Bad Request",
    });
  });

  it("carry the exception's short name in a header, warnings and an id", () => {
    const body = { error: { code: "BadRequest", message: "x", "@adminapi.warnings": ["careful"] } };
    const headers = { "x-exceptiontype": "UnableToWriteToAadException", "request-id": "r-9" };
    expect(exchange(400, body, headers)).toMatchObject({
      class: "transient",
      type: "UnableToWriteToAadException",
      warnings: ["careful"],
      requestId: "r-9",
    });
  });

  it.each<[string, number, object, ErrorClass]>([
    [
      "ADNoSuchObjectException",
      400,
      detail("|Microsoft.Exchange.Data.Directory.ADNoSuchObjectException|x"),
      "notFound",
    ],
    ["ManagementObjectAmbiguousException", 400, detail("|X.ManagementObjectAmbiguousException|x"), "ambiguous"],
    ["ADObjectAlreadyExistsException", 400, detail("|X.ADObjectAlreadyExistsException|x"), "nameConflict"],
    ["the text of a name in use", 400, detail('|X.Y|The name "Support" is already being used.'), "nameConflict"],
    ["ProxyAddressExists", 400, detail("|X.ProxyAddressExistsException|x"), "addressConflict"],
    [
      "the text of an address in use",
      400,
      detail(
        '|X.Y|The proxy address "SMTP:a@contoso.com" is already being used by the proxy addresses or LegacyExchangeDN of "b".',
      ),
      "addressConflict",
    ],
    [
      "a dual write that names a conflict",
      400,
      detail("|X.UnableToWriteToAadException|Reason: ObjectConflict"),
      "addressConflict",
    ],
    ["AmbiguousParameterSetException", 400, detail("|X.AmbiguousParameterSetException|x"), "badParameter"],
    ["a transient exception", 400, detail("|X.ADTransientException|x"), "transient"],
    ["a text that calls itself transient", 400, detail("|X.Y|The issue may be transient."), "transient"],
    [
      "a page that has expired",
      400,
      detail("Expired or Invalid pagination request. Default Expiry time is 00:30:00"),
      "pagingExpired",
    ],
    ["an ambiguous identity under 500", 500, detail("Ex9E65A2|X.ManagementObjectAmbiguousException|x"), "ambiguous"],
    ["an ambiguous identity by its code alone", 500, detail("Ex9E65A2|X.Y|Mehrere Einträge."), "ambiguous"],
    ["an address in use under 409", 409, detail("Ex1472D1|X.Y|Schon vergeben."), "addressConflict"],
    ["a name in use by its code alone", 409, detail("ExC69E3F|X.Y|Schon vergeben."), "nameConflict"],
    ["what is not there under 404", 404, detail(`Ex6F9304|${MISSING}|x`), "notFound"],
    ["what is not there, by its code alone", 400, detail("Ex6F9304|X.Y|Nicht da."), "notFound"],
    ["any other refusal of a cmdlet under 500", 500, detail("|System.InvalidOperationException|No."), "refused"],
    ["a time-out of a cmdlet under 500", 500, detail("|X.ADServerTimeoutException|x"), "transient"],
    ["500 without an exception", 500, { error: { code: "InternalServerError", message: "x" } }, "transient"],
    ["a page of a proxy under 404", 404, { title: "Not here" }, "refused"],
    ["an endpoint without cmdlets", 405, { error: { code: "MethodNotAllowed", message: "x" } }, "refused"],
    ["Cmdlet needs proxy", 400, detail("|X.CmdletProxyNotAvailableException|Cmdlet needs proxy."), "misrouted"],
    ["Cmdlet needs proxy, by its text", 500, detail("|X.Y|Cmdlet needs proxy. Current Server FQDN"), "misrouted"],
    ["an anchor that leads nowhere", 400, { error: { code: "ErrorIncorrectRoutingHint", message: "x" } }, "misrouted"],
    [
      "a cmdlet that no role of the caller has, under 401",
      401,
      { error: { code: "Unauthorized", message: "User is not allowed to call Get-RecipientPermission" } },
      "forbidden",
    ],
    [
      "a scope that does not cover the mailbox",
      400,
      detail("|X.Y|'Ada' isn't within your current write scopes. Can't perform save operation."),
      "forbidden",
    ],
    ["REST's own NotFound", 404, { error: { code: "NotFound", message: "x" } }, "notFound"],
    ["401", 401, {}, "unauthenticated"],
    ["509", 509, {}, "throttled"],
    ["anything else", 400, detail("|X.Y|No."), "refused"],
  ])("are classified: %s", (_name, status, body, expected) => {
    expect(exchange(status, body).class).toBe(expected);
  });
});

describe("a write that the directory refused", () => {
  const TYPE = "Microsoft.Exchange.Configuration.DualWrite.LocStrings.UnableToWriteToAadException";
  const LATER = "The issue may be transient and please retry a couple of minutes later.";

  it.each<[string, string, ErrorClass, RegExp | undefined]>([
    [
      "a value",
      `The value specified for property DisplayName is incorrect. Reason: InvalidValue DualWrite (Graph) RequestId: 8300a04f. ${LATER}`,
      "refused",
      /change this value/,
    ],
    [
      "a value, in German",
      "Der Wert der Eigenschaft EmailAddresses ist falsch. Grund: InvalidValue",
      "refused",
      /change/,
    ],
    [
      "too many addresses",
      `This request results in the user having 334 proxy addresses. The maximum number of proxy addresses permitted is 333. DualWrite (Graph) RequestId: 11112222-3333-4444-5555-666677778888 ${LATER}`,
      "refused",
      /333 addresses/,
    ],
    [
      "too many addresses, in Japanese",
      "プロキシ アドレスは 340 個です。許可される最大数は 333 です。",
      "refused",
      /333 addresses/,
    ],
    ["an address in use", "Grund: ObjectConflict", "addressConflict", undefined],
    ["no reason", `The call failed. RequestId: 333a04f0-0333-4400-8500-333004005006 ${LATER}`, "transient", /Run/],
  ])("for %s", (_name, text, expected, nextStep) => {
    for (const message of [`|${TYPE}|${text}`, `Ex12345|${TYPE}|${text}`]) {
      const call = { service: "exchange", kind: "write", action: "setting", path: "" } as const;
      const received = { status: 400, headers: new Headers(), text: JSON.stringify(detail(message)) };
      const error = serviceErrorOf(call, received);
      expect(error).toMatchObject({ class: expected, outcomeUnknown: expected === "transient" });
      expect(error.nextStep ?? "").toMatch(nextStep ?? /^$/);
      expect(error.words.includes("may be transient")).toBe(expected === "transient" && text.includes(LATER));
    }
  });

  it("is told from the details where the exception around it says only that a cmdlet failed", () => {
    const generic = "Microsoft.Exchange.Management.PSDirectInvoke.DirectInvokeCmdletExecutionException";
    const body = {
      error: {
        code: "BadRequest",
        message: "Error executing cmdlet",
        details: [{ code: "Context", target: "", message: `|${TYPE}|Reason: InvalidValue` }],
        innererror: { internalexception: { message: "Error executing cmdlet", type: generic } },
      },
    };
    expect(exchange(400, body)).toMatchObject({ class: "refused", type: TYPE, words: "Reason: InvalidValue" });
  });
});

it("a refusal of the sign-in or of a role that stands in the headers alone is read from there", () => {
  const diagnostics = { "x-ms-diagnostics": '2000003;reason="The user has no role.";error_category="invalid_grant"' };
  expect(exchange(403, "\u0000".repeat(336), diagnostics).words).toBe("HTTP 403 Forbidden: The user has no role.");
  const challenge = { "www-authenticate": 'Bearer error="invalid_token", error_description="The audience is wrong."' };
  expect(exchange(401, "", challenge).words).toBe("HTTP 401 Unauthorized: The audience is wrong.");
});

describe("Graph's errors", () => {
  function graph(status: number, body: unknown) {
    return refusalOf("graph", { status, headers: new Headers(), text: JSON.stringify(body) });
  }

  it("name the innermost code, the details and the id", () => {
    const body = {
      error: {
        code: "BadRequest",
        message: "Outer.",
        details: [{ code: "ObjectConflict", message: "Another object has it.", target: "proxyAddresses" }],
        innererror: { code: "Inner", innerError: { code: "Innermost" }, "request-id": "g-1" },
      },
    };
    expect(graph(400, body)).toMatchObject({
      class: "addressConflict",
      code: "Innermost",
      words: "Outer. Another object has it.",
      requestId: "g-1",
    });
  });

  it.each<[number, string, ErrorClass]>([
    [404, "Request_ResourceNotFound", "notFound"],
    [404, "ErrorItemNotFound", "notFound"],
    [404, "MailboxNotEnabledForRESTAPI", "mailboxNotReady"],
    [403, "Authorization_RequestDenied", "forbidden"],
    [429, "TooManyRequests", "throttled"],
    [400, "Directory_ExpiredPageToken", "pagingExpired"],
    [412, "ErrorIrresolvableConflict", "precondition"],
    [400, "Request_BadRequest", "badParameter"],
    [504, "UnknownError", "transient"],
    [409, "NameAlreadyExists", "refused"],
  ])("are classified: %i %s", (status, code, expected) => {
    expect(graph(status, { error: { code, message: "x" } }).class).toBe(expected);
  });

  it.each<[string, "read" | "write", string]>([
    ["/users/x?$select=id", "read", "User.Read.All"],
    ["/users/x", "write", "User.EnableDisableAccount.All"],
    ["/users/x/mailboxSettings", "read", "MailboxSettings.Read of"],
    ["/users/x/mailFolders/inbox/messageRules", "write", "MailboxSettings.ReadWrite"],
    ["/subscribedSkus", "read", "LicenseAssignment.Read.All"],
    ["/directory/deletedItems/x", "write", "User.DeleteRestore.All"],
  ])("name the permission that was missing, and no other: %s, %s", (path, kind, permission) => {
    const body = { error: { code: "Authorization_RequestDenied", message: "No." } };
    const received = { status: 403, headers: new Headers(), text: JSON.stringify(body) };
    const { nextStep } = serviceErrorOf({ service: "graph", kind, action: "asking", path }, received);
    expect(nextStep).toContain(`needs the permission ${permission}`);
  });

  it("may come out of a batch, with a body parsed already or none", () => {
    const body = { error: { code: "Request_ResourceNotFound", message: "No." } };
    expect(batchedError("graph", { status: 404, headers: new Headers(), body }, "reading x")).toMatchObject({
      name: "GraphError",
      class: "notFound",
      words: "No.",
    });
    expect(batchedError("exchange", { status: 403, headers: new Headers(), body: undefined }, "reading x").class).toBe(
      "forbidden",
    );
  });
});

it.each<["graph" | "dataverse", string]>([
  ["graph", "<html><body>Not here</body></html>"],
  ["graph", ""],
  ["graph", "{}"],
  ["dataverse", "<html><body>Not here</body></html>"],
  ["dataverse", ""],
  ["dataverse", '{"message":"No such host."}'],
])("a 404 that is no error of %s's form proves no absence: %s", (service, text) => {
  const refusal = refusalOf(service, { status: 404, headers: new Headers(), text });
  expect(refusal).toMatchObject({ class: "refused", nextStep: expect.stringContaining("is not how the service says") });
});

describe("Dataverse's errors", () => {
  function dataverse(status: number, code: string) {
    const body = { error: { code, message: "Ein Satz in einer anderen Sprache." } };
    return refusalOf("dataverse", {
      status,
      headers: new Headers({ "x-ms-service-request-id": "d-1" }),
      text: JSON.stringify(body),
    });
  }

  it.each<[number, string, ErrorClass]>([
    [404, "", "notFound"],
    [404, "0x80040217", "notFound"],
    [412, "0x80060882", "precondition"],
    [412, "0x80040237", "precondition"],
    [412, "0x80060892", "nameConflict"],
    [403, "0x80040220", "forbidden"],
    [429, "0x80072322", "throttled"],
    [400, "0x80060888", "badParameter"],
    [503, "", "transient"],
    [400, "0x8005E212", "refused"],
    [405, "0x80040315", "refused"],
  ])("are classified by code and status: %i %s", (status, code, expected) => {
    expect(dataverse(status, code)).toMatchObject({ class: expected, code, requestId: "d-1" });
  });
});

it.each([
  ["WARNING: The appropriate access control entry is already present on the object", "alreadyGranted"],
  ["Can't remove the access control entry because the ACE doesn't exist on the object.", "alreadyRevoked"],
  ["... because the ACE isn't present.", "alreadyRevoked"],
  ["The command completed successfully but no settings of 'x' have been modified.", "noChange"],
  ["There are more results available. To increase the limit, use the ResultSize parameter.", "truncated"],
  ["There are more results available than are currently displayed.", "truncated"],
  ["Micro delay applied. Actual delayed: 21956 msecs, Enforced: True, Capped delay: 21956 msecs", "delayed"],
  ["Something else.", "informative"],
])("a warning is classified: %s", (warning, expected) => {
  expect(classifyWarning(warning)).toBe(expected);
});

it.each([
  ["Micro delay applied. Actual delayed: 21956 msecs, Enforced: True", 21_956],
  ["Micro delay applied. Actual delayed: 0 msecs", 0],
  ["Micro delay applied.", 1000],
  ["Something else.", 0],
])("a delay is read from a body: %s", (warning, expected) => {
  expect(delayIn(JSON.stringify({ "@adminapi.warnings": ["x", warning] }))).toBe(expected);
});

describe("a body", () => {
  function body(service: "exchange" | "graph", text: string | undefined, type = "application/json") {
    return parseBody(service, { status: 200, headers: new Headers({ "content-type": type }), text });
  }

  it("is JSON whatever Exchange calls it, and may begin with a byte order mark", () => {
    expect(body("exchange", '\ufeff{"value":[]}', "text/plain")).toEqual({ isReadable: true, body: { value: [] } });
  });
  it("is unreadable when it should be JSON and is not, or was not decoded", () => {
    expect(body("exchange", "Busy", "text/plain")).toMatchObject({
      isReadable: false,
      reason: expect.stringContaining("Busy"),
    });
    expect(body("graph", "{").isReadable).toBe(false);
    expect(body("graph", undefined).isReadable).toBe(false);
  });
});
