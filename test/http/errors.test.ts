import { inspect } from "node:util";
import {
  ConflictError,
  InputError,
  isClass,
  isProviderError,
  isServiceError,
  isUnknownOutcome,
  ProviderError,
  redact,
  rememberSecret,
  ServiceError,
  SettleError,
  UnknownOutcomeError,
} from "../../provider/http/errors";

const REFUSED = {
  action: "granting Full Access on info@contoso.com to ada@contoso.com",
  words: 'couldn\'t find object "ada@contoso.com".',
  status: 400,
  code: "Ex94914C",
  class: "notFound",
  requestId: "r-1",
  clientRequestId: "c-1",
  outcomeUnknown: false,
  nextStep: "Does the user have a mailbox yet?",
} as const;

describe("a message", () => {
  it("names the action, the service's words, the request and the next step", () => {
    expect(new ServiceError("exchange", REFUSED).message).toBe(
      "granting Full Access on info@contoso.com to ada@contoso.com: " +
        'Exchange: couldn\'t find object "ada@contoso.com" [Ex94914C] (request r-1). Does the user have a mailbox yet?',
    );
    expect(
      new ConflictError({
        action: "creating support@contoso.com",
        words: "it exists",
        nextStep: "Import it.",
      }).message,
    ).toBe("creating support@contoso.com: it exists. Import it.");
    expect(new ProviderError("plain").message).toBe("plain");
  });

  it("tells what was waited for, how long and what was seen", () => {
    const error = new SettleError("the alias", 61_500, "the old one");
    expect(error.message).toMatch(
      /^waited 1 min 2 s for the alias; last seen: the old one\. .*mailboxes:settleTimeout/,
    );
  });

  it("lists every mistake of an input", () => {
    const error = new InputError([
      { path: 'members["x"]', reason: "is no address" },
      { path: "alias", reason: "is too long" },
    ]);
    expect(error.message).toBe('members["x"]: is no address\nalias: is too long');
  });
});

describe("an error is recognised", () => {
  it("by what it is", () => {
    const error = new ServiceError("exchange", REFUSED);
    expect([
      isProviderError(error),
      isServiceError(error),
      isClass(error, "notFound"),
      isClass(error, "forbidden"),
    ]).toEqual([true, true, true, false]);
    expect(isUnknownOutcome(new UnknownOutcomeError({ words: "lost" }))).toBe(true);
    expect(
      [undefined, null, "notFound", new Error("x"), { class: "notFound" }].some((other) => isClass(other, "notFound")),
    ).toBe(false);
  });

  it("across two copies of the module", async () => {
    let other: typeof import("../../provider/http/errors") | undefined;
    jest.isolateModules(() => {
      other = require("../../provider/http/errors");
    });
    const Foreign = other?.ServiceError ?? ServiceError;
    expect(Foreign).not.toBe(ServiceError);
    expect(isClass(new Foreign("exchange", REFUSED), "notFound")).toBe(true);
    expect(other?.isServiceError(new ServiceError("exchange", REFUSED))).toBe(true);
  });

  it("has neither an id nor the trappings of a library", () => {
    expect(Object.keys(new ServiceError("exchange", REFUSED))).not.toContain("id");
  });
});

describe("secrets", () => {
  const token = `eyJ0eXAiOiJKV1Qi.${"eyJhdWQiOiJodHRw".repeat(3)}.c2lnbmF0dXJl`;

  it.each([
    [`Authorization: Bearer ${token}`, token],
    ["Authorization: Basic dXNlcjpwYXNz", "dXNlcjpwYXNz"],
    ["the header was bearer 0123456789abcdef0123456789", "0123456789abcdef"],
    [`the token ${token} was refused`, token],
    ["grant_type=client_credentials&client_secret=s3cr%7Et&scope=x", "s3cr%7Et"],
    ['{"username":"crm","password":"p\\"w d"}', 'p\\"w'],
    ['{"clientSecret":"abc"}', "abc"],
    ['{"access_token": "opaque"}', "opaque"],
    ["client_assertion=abc.def&x=1", "abc.def"],
    ["-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----", "MIIE"],
  ])("are taken out of %s", (text, secret) => {
    expect(redact(text)).toContain("[secret]");
    expect(redact(text)).not.toContain(secret);
  });

  it.each([
    "change the basic settings",
    "Set AZURE_CLIENT_SECRET, which wins",
    "the client secret has expired",
    "secret: none",
  ])("are not seen where there are none: %s", (text) => {
    expect(redact(text)).toBe(text);
  });

  it("are remembered, also in the forms of URLs and JSON", () => {
    rememberSecret('remembered "one" & only');
    const text = 'remembered "one" & only | remembered%20%22one%22%20%26%20only | remembered \\"one\\" & only';
    expect(redact(text)).toBe("[secret] | [secret] | [secret]");
    rememberSecret("short");
    expect(redact("short")).toBe("short");
  });

  it("do not survive in any part of an error, nor in its causes", () => {
    const inner = Object.assign(new Error(`inner ${token}`), {
      request: { headers: { authorization: token } },
      code: "E_X",
    });
    const cause = new Error(`outer ${token}`, { cause: inner });
    const error = new ServiceError("exchange", {
      ...REFUSED,
      action: `with ${token}`,
      words: `said ${token}`,
      warnings: [token],
      cause,
    });
    expect(inspect(error, { depth: 20, showHidden: true })).not.toContain(token);
    expect(error.cause).toMatchObject({ message: "outer [secret]", cause: { message: "inner [secret]", code: "E_X" } });
  });

  it("do not make a foreign cause that is no error dangerous", () => {
    const causeOf = (cause: unknown) => new ProviderError({ cause }).cause;
    expect(causeOf({ authorization: token })).toBeUndefined();
    expect(causeOf(`text ${token}`)).toBe("text [secret]");
  });
});
