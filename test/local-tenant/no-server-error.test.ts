import { type IncomingMessage, request } from "node:http";
import { shapes } from "../../provider/local-tenant/exchange/parameters";
import { type RunningTenant, startLocalTenant } from "../../provider/local-tenant/server";
import { ada, scopes, tenantId, tokenFor } from "./core";

/**
 * What a test client written for Microsoft's services may send by accident or on purpose: the tenant answers with something, and
 * never with a 5xx, which such a client takes for an outage and repeats.
 */

let running: RunningTenant;
let random: () => number;

beforeEach(async () => {
  running = await startLocalTenant({ seed: "contoso" });
  // Always the same requests: a failure can be repeated.
  random = sequence(20_261_128);
});

afterEach(() => running.close());

/** Numbers from 0 to 1 in an order that looks like chance (mulberry32). */
function sequence(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function one<T>(list: readonly T[]): T {
  return list[Math.floor(random() * list.length)] as T;
}

const deep = (depth: number): unknown => (depth === 0 ? "x" : [deep(depth - 1)]);

const strangeTexts = [
  "",
  " ",
  "null",
  "\u0000",
  "\ud800",
  "😀".repeat(80),
  "a".repeat(70_000),
  "'",
  "''",
  '"',
  "*",
  "%",
  "%00",
  "\\",
  "/",
  "..",
  "__proto__",
  "constructor",
  "toString",
  "hasOwnProperty",
  "-1",
  "NaN",
  "1e400",
  "9".repeat(400),
  "9999-99-99T99:99:99Z",
  "-271821-04-20T00:00:00Z",
  "00000000-0000-0000-0000-000000000000",
  "S-1-5-",
  "@",
  "a@",
  "@contoso.com",
  "ä@contoso.com",
  "smtp:",
  "SMTP:SMTP:ada@contoso.com",
  "ada@contoso.com",
  "(",
  "[a-",
];

const strangeValues: unknown[] = [
  ...strangeTexts,
  null,
  true,
  false,
  0,
  -1,
  0.5,
  2 ** 53,
  -(2 ** 63),
  1e308,
  [],
  [[]],
  [null],
  ["ada@contoso.com", "ada@contoso.com"],
  {},
  { "@odata.type": "#Exchange.GenericHashTable" },
  { "@odata.type": "#Exchange.GenericHashTable", Add: [null], Remove: {} },
  { "@odata.type": "#Exchange.GenericHashTable", Add: "SMTP:other@contoso.com" },
  { "@odata.type": 1, add: 2 },
  { value: null },
  deep(300),
];

const headerSets: Record<string, string>[] = [
  {},
  {},
  {},
  { "Content-Type": "application/xml" },
  { "Content-Type": "application/json; charset=utf-16" },
  { "Content-Encoding": "gzip" },
  { Prefer: 'odata.maxpagesize=99999999999999999999, return=representation, odata.include-annotations="*"' },
  { Prefer: "odata.maxpagesize=-1" },
  { "If-Match": 'W/"', "If-None-Match": "*" },
  { ConsistencyLevel: "eventual", Accept: "text/plain;q=x" },
  { "X-ResponseFormat": "x", "X-AnchorMailbox": "\u00ff", "client-request-id": "\u00e9" },
  { "OData-Version": "9.9", MSCRMCallerID: "x", CallerObjectId: "" },
  { Cookie: "=;=", Host: "contoso.example:99999" },
];

const methods = ["GET", "POST", "PATCH", "PUT", "DELETE", "HEAD", "OPTIONS", "TRACE", "PROPFIND", "QUERY"];

function anyBody(known: readonly string[]): string | undefined {
  const members = Object.fromEntries(
    Array.from({ length: 1 + Math.floor(random() * 3) }, () => [one(known), one(strangeValues)]),
  );
  return one([
    undefined,
    "",
    "{",
    "null",
    "[]",
    '"text"',
    "1e999",
    '{"__proto__":{"x":1},"constructor":null}',
    "\ufeff{}",
    "\u0000\u0001",
    '{"a":1}{"b":2}',
    JSON.stringify(members),
    JSON.stringify(members),
    JSON.stringify(members),
    JSON.stringify(members),
    JSON.stringify({
      requests: [
        {
          id: one(strangeValues),
          method: one(strangeValues),
          url: one(strangeValues),
          headers: one(strangeValues),
          body: one(strangeValues),
        },
      ],
    }),
    JSON.stringify({ requests: one(strangeValues) }),
  ]);
}

interface Sent {
  method: string;
  path: string;
  headers: Record<string, string>;
  body?: string | undefined;
}

/** Sends a request as it is, which `fetch` would not. Undefined: the server closed the connection or the text is no request at all. */
function status({ method, path, headers, body }: Sent): Promise<number | undefined> {
  return new Promise((resolve) => {
    try {
      const sent = request(
        running.origin,
        {
          method,
          path,
          headers: { ...headers, ...(body === undefined ? {} : { "Content-Length": Buffer.byteLength(body) }) },
        },
        (response: IncomingMessage) => {
          response.resume();
          response.on("close", () => resolve(response.statusCode));
        },
      );
      sent.on("error", () => resolve(undefined));
      sent.end(body);
    } catch {
      resolve(undefined);
    }
  });
}

/** Sends them all, some at a time; what was answered with a 5xx. */
async function refusedWrongly(requests: readonly Sent[]): Promise<unknown[]> {
  const wrong: unknown[] = [];
  const waiting = [...requests];
  let answered = 0;
  const worker = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const answer = await status(next);
      answered += answer === undefined ? 0 : 1;
      if ((answer ?? 0) >= 500) {
        const { Authorization: _, ...headers } = next.headers;
        wrong.push({ answer, ...next, headers, body: next.body?.slice(0, 300), path: next.path.slice(0, 300) });
      }
    }
  };
  await Promise.all([worker(), worker(), worker(), worker()]);
  // Most of the requests must have been understood as such, or nothing was tried.
  expect(answered).toBeGreaterThan(requests.length / 2);
  return wrong;
}

/** Whether the text has no half of a surrogate pair, which no URL can hold. */
const isWellFormed = (text: string): boolean => !/\p{Surrogate}/u.test(text);

const segment = (text: string): string => encodeURIComponent(isWellFormed(text) ? text.slice(0, 2_000) : "x");

test("Exchange: every parameter of every cmdlet with values it does not expect", async () => {
  const token = await tokenFor(running.origin, scopes.exchange);
  const headers = { Authorization: `Bearer ${token}`, "Content-Type": "application/json" };
  const requests = Object.entries(shapes).flatMap(([CmdletName, { parameters }]) =>
    Object.keys(parameters).flatMap((parameter) =>
      Array.from({ length: 2 }, (): Sent => {
        const required = Object.entries(parameters)
          .filter(([name, shape]) => shape.required && name !== parameter)
          .map(([name]) => [name, one(["ada@contoso.com", "grace@contoso.com", ...strangeTexts])]);
        const Parameters = { ...Object.fromEntries(required), [parameter]: one(strangeValues) };
        return {
          method: "POST",
          path: `/adminapi/beta/${tenantId}/InvokeCommand${one(["", "?$select=", "?$select=Name,,%00", "?$skiptoken=x", `?$select=${segment(one(strangeTexts))}`])}`,
          headers,
          body: JSON.stringify({ CmdletInput: { CmdletName, Parameters } }),
        };
      }),
    ),
  );
  expect(await refusedWrongly(requests)).toEqual([]);
}, 120_000);

/** What a path of a service is made of. */
const services = {
  exchange: {
    scope: scopes.exchange,
    paths: () => [
      `/adminapi/${one(["beta", "v1.0", "v2.0", "%"])}/${one([tenantId, "contoso.com", "%E0%A4%A"])}/${one(["InvokeCommand", "$batch", "Mailbox", "AcceptedDomain", "OrganizationConfig", ""])}`,
    ],
    members: ["CmdletInput", "requests", "CmdletName", "Parameters"],
  },
  graph: {
    scope: scopes.graph,
    paths: () => {
      const user = one([ada, "ada@contoso.com", segment(one(strangeTexts))]);
      return [
        "/v1.0/$batch",
        "/v1.0/users",
        `/v1.0/users/${user}`,
        `/v1.0/users('${user}')`,
        `/v1.0/users/${user}/mailboxSettings`,
        `/v1.0/users/${user}/mailboxSettings/${segment(one(strangeTexts))}`,
        `/v1.0/users/${user}/mailFolders/${one(["inbox", segment(one(strangeTexts))])}/messageRules`,
        `/v1.0/users/${user}/mailFolders/inbox/messageRules/${segment(one(strangeTexts))}`,
        `/v1.0/users/${user}/messages`,
        `/v1.0/users/${user}/assignLicense`,
        `/v1.0/users/${user}/licenseDetails`,
        `/v1.0/users/${user}/revokeSignInSessions`,
        "/v1.0/groups",
        `/v1.0/groups/${segment(one(strangeTexts))}/members`,
        "/v1.0/subscribedSkus",
        "/v1.0/organization",
        "/v1.0/domains",
        "/v1.0/directory/deletedItems/microsoft.graph.user",
        `/v1.0/directory/deletedItems/${user}`,
        `/v1.0/directory/deletedItems/${user}/restore`,
        `/beta/users/${user}`,
        "/v1.0/",
      ];
    },
    members: [
      "displayName",
      "accountEnabled",
      "userPrincipalName",
      "mailNickname",
      "mail",
      "passwordProfile",
      "usageLocation",
      "addLicenses",
      "removeLicenses",
      "automaticRepliesSetting",
      "timeZone",
      "language",
      "dateFormat",
      "workingHours",
      "sequence",
      "isEnabled",
      "actions",
      "conditions",
      "exceptions",
      "proxyAddresses",
      "id",
      "requests",
    ],
  },
  dataverse: {
    scope: undefined,
    paths: () => {
      const set = one([
        "mailboxes",
        "queues",
        "systemusers",
        "teams",
        "emailserverprofiles",
        "organizations",
        segment(one(strangeTexts)),
      ]);
      return [
        "/api/data/v9.2/",
        "/api/data/v9.2/$batch",
        "/api/data/v9.2/$metadata",
        "/api/data/v9.2/WhoAmI",
        "/api/data/v9.2/WhoAmI()",
        `/api/data/v9.2/${set}`,
        `/api/data/v9.2/${set}(${one(["00000000-0000-0000-0000-000000000000", ...strangeTexts.map(segment)])})`,
        `/api/data/v9.2/${set}(${ada})/${one(["regardingobjectid", "ownerid/$ref", "name/$value", segment(one(strangeTexts))])}`,
        `/api/data/v9.2/EntityDefinitions(LogicalName='${segment(one(["mailbox", ...strangeTexts]))}')/${one(["", "Attributes", "Attributes(LogicalName='name')", "Keys"])}`,
        `/api/data/v${segment(one(strangeTexts))}/mailboxes`,
      ];
    },
    members: [
      "name",
      "emailaddress",
      "incomingemaildeliverymethod",
      "outgoingemaildeliverymethod",
      "emailrouteraccessapproval",
      "testemailconfigurationscheduled",
      "processanddeleteemails",
      "statecode",
      "statuscode",
      "username",
      "password",
      "ownerid@odata.bind",
      "emailserverprofile@odata.bind",
      "_ownerid_value",
      "mailboxid",
      "@odata.type",
    ],
  },
  login: {
    scope: undefined,
    paths: () => [
      `/${one([tenantId, "common", "contoso.com", "%", segment(one(strangeTexts))])}/${one(["oauth2/v2.0/token", "v2.0/.well-known/openid-configuration", "discovery/v2.0/keys", "discovery/instance", "oauth2/token", "", "x"])}`,
    ],
    members: ["grant_type", "client_id"],
  },
  control: {
    scope: undefined,
    paths: () => [
      "/_tenant",
      `/_tenant/state/${one(["users", "recipients", segment(one(strangeTexts))])}`,
      `/_tenant/state/${one(["users", "rules"])}/${segment(one(strangeTexts))}`,
      "/_tenant/settings",
      "/_tenant/clock",
      "/_tenant/faults",
      `/_tenant/faults/${segment(one(strangeTexts))}`,
      `/_tenant/requests?since=${segment(one(strangeTexts))}`,
      "/_tenant/deliver",
    ],
    members: ["lag", "contrary", "test", "advance", "from", "to", "subject", "seed", "path", "answer", "times"],
  },
} as const;

const query = (): string => {
  const text = segment(one(strangeTexts));
  return one([
    "",
    "",
    "?",
    "?&&=",
    `?$filter=${text}`,
    `?$filter=${segment(`displayName eq '${one(strangeTexts)}' or (`)}`,
    `?$filter=${segment(`contains(name,${one(strangeTexts)})`)}`,
    `?$filter=${segment(`${"(".repeat(2_000)}1 eq 1`)}`,
    `?$select=${text}`,
    `?$orderby=${text}`,
    `?$expand=${text}`,
    `?$top=${text}`,
    `?$skip=${text}`,
    `?$skiptoken=${text}`,
    `?$count=${text}`,
    `?$search=${text}`,
    `?$apply=${text}`,
    "?%ff%fe=%",
    `?${text}=${text}`,
  ]);
};

test.each(Object.keys(services) as (keyof typeof services)[])(
  "%s: paths, methods, headers and bodies of every kind",
  async (name) => {
    const { scope, paths, members } = services[name];
    const token =
      name === "control" || name === "login"
        ? undefined
        : await tokenFor(running.origin, scope ?? `${running.origin}/.default`);
    const requests = Array.from({ length: 700 }, (): Sent => {
      const method = one(methods);
      const path = one(paths());
      const authorization =
        random() < 0.05 || token === undefined
          ? one(["Bearer x", "Basic !", "Bearer a.b.c", "Basic OjpcdTAwMDA="])
          : `Bearer ${token}`;
      const form = name === "login" && random() < 0.7;
      const body =
        method === "GET" || method === "HEAD" || method === "TRACE" ? undefined : form ? anyForm() : anyBody(members);
      return {
        method,
        path: path.includes("?") ? path : path + query(),
        headers: {
          ...(form ? {} : { "Content-Type": "application/json" }),
          Authorization: authorization,
          ...one(headerSets),
        },
        body,
      };
    });
    expect(await refusedWrongly(requests)).toEqual([]);
  },
  120_000,
);

function anyForm(): string {
  const texts = strangeTexts.filter(isWellFormed);
  const jwt = (header: unknown, payload: unknown) =>
    `${[header, payload].map((part) => Buffer.from(JSON.stringify(part) ?? "").toString("base64url")).join(".")}.c2ln`;
  return new URLSearchParams({
    grant_type: one(["client_credentials", "client_credentials", "password", ...texts]),
    client_id: one(["10ca17e4-a000-4000-8000-000000000002", ...texts]),
    scope: one([scopes.graph, scopes.exchange, `${running.origin}/.default`, "http://[::1/.default", ...texts]),
    ...one<Record<string, string>>([
      {},
      { client_secret: one(texts) },
      { client_secret: "local-tenant-secret" },
      {
        client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        client_assertion: one([
          ...texts,
          "a.b.c",
          jwt({ alg: "RS256", x5t: one(strangeValues) }, one(strangeValues)),
          jwt(
            { alg: "RS256", x5t: "AAAA" },
            { iss: one(strangeValues), exp: one(strangeValues), aud: one(strangeValues) },
          ),
          jwt({ alg: "none" }, { iss: one(strangeValues), sub: one(strangeValues), aud: one(strangeValues) }),
          jwt(one(strangeValues), { iss: "x" }),
        ]),
      },
    ]),
  }).toString();
}

test("TRACE is refused everywhere", async () => {
  const paths = [
    `/adminapi/beta/${tenantId}/InvokeCommand`,
    "/v1.0/users",
    "/api/data/v9.2/mailboxes",
    `/${tenantId}/oauth2/v2.0/token`,
  ];
  const answers = await Promise.all(paths.map((path) => status({ method: "TRACE", path, headers: {} })));
  expect(answers).toEqual([405, 405, 405, 405]);
});

test("a tenant that was never seeded refuses, and does not fail", async () => {
  await running.close();
  running = await startLocalTenant();
  const requests = ["exchange", "graph", "dataverse", "login"].flatMap((name) =>
    Array.from({ length: 60 }, (): Sent => {
      const { paths, members } = services[name as keyof typeof services];
      return {
        method: one(["GET", "POST", "PATCH", "DELETE"]),
        path: one(paths()) + query(),
        headers: {
          "Content-Type": "application/json",
          ...one<Record<string, string>>([{}, { Authorization: "Bearer a.b.c" }]),
        },
        body: name === "login" ? anyForm() : anyBody(members),
      };
    }),
  );
  expect(await refusedWrongly(requests)).toEqual([]);
});
