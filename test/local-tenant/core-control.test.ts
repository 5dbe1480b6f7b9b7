import { once } from "node:events";
import { type IncomingMessage, request } from "node:http";
import { RequestLog } from "../../provider/local-tenant/request-log";
import { type RunningTenant, startLocalTenant } from "../../provider/local-tenant/server";
import { ada, appId, askToken, control, scopes, secret, tenantId, tokenFor } from "./core";

let running: RunningTenant;
let origin: string;

beforeAll(async () => {
  running = await startLocalTenant({ seed: "contoso" });
  origin = running.origin;
});

beforeEach(async () => {
  await control(origin, "POST", "reset", {});
});

afterAll(async () => {
  await running.close();
});

/** A write through Graph: blocks Ada's sign-in. */
async function block(token: string): Promise<Response> {
  return await fetch(`${origin}/v1.0/users/${ada}`, {
    method: "PATCH",
    headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json" },
    body: JSON.stringify({ accountEnabled: false }),
  });
}

async function isEnabled(): Promise<unknown> {
  return ((await control(origin, "GET", `state/users/${ada}`)) as { accountEnabled: boolean }).accountEnabled;
}

const graphToken = (): Promise<string> => tokenFor(origin, scopes.graph);

test("the tenant says what it is", async () => {
  expect(await control(origin, "GET", "")).toMatchObject({
    localTenant: "pulumi-mailboxes",
    version: expect.stringMatching(/^\d+\.\d+\.\d+/),
    tenantId,
    origins: [origin],
    journal: null,
  });
});

describe("state", () => {
  test("rows are read, replaced, changed and deleted", async () => {
    const row = { domainName: "new.example", isDefault: false, isInitial: false, domainType: "Authoritative" };
    expect(await control(origin, "PUT", "state/domains/new.example", row)).toEqual(row);
    await control(origin, "PATCH", "state/domains/new.example", { domainType: "InternalRelay" });
    expect(await control(origin, "GET", "state/domains")).toMatchObject({
      "new.example": { domainType: "InternalRelay" },
    });
    await control(origin, "DELETE", "state/domains/new.example");
    expect(await control(origin, "GET", "state/domains/new.example")).toMatchObject({ status: 404 });
  });

  test("keys of the sign-in are not shown, and unknown tables are named", async () => {
    await graphToken();
    expect(JSON.stringify(await control(origin, "GET", "state"))).not.toContain("PRIVATE KEY");
    expect(await control(origin, "PUT", "state/user/x", {})).toMatchObject({
      status: 404,
      error: expect.stringContaining("users"),
    });
    expect(await control(origin, "GET", "state/signingKeys")).toMatchObject({ status: 404 });
  });
});

test.each(["no host", "contoso:port"])("the Host %j makes no URL: 400, and the tenant goes on", async (host) => {
  const sent = request(origin, { headers: { host } }).end();
  const [answer] = (await once(sent, "response")) as [IncomingMessage];
  answer.resume();
  expect(answer.statusCode).toBe(400);
  expect(await control(origin, "GET", "clock")).toMatchObject({ offset: 0 });
});

test("a tenant that is not empty is not seeded; a reset forgets everything but keeps tokens good", async () => {
  const token = await graphToken();
  expect(await control(origin, "POST", "seed", {})).toMatchObject({ status: 409 });
  expect((await block(token)).status).toBe(204);
  await control(origin, "PATCH", "settings", { refuseRules: true });
  await control(origin, "POST", "reset", {});
  expect(await isEnabled()).toBe(true);
  expect(running.tenant.settings.refuseRules).toBe(false);
  expect((await block(token)).status).toBe(204);
  await control(origin, "POST", "reset", { seed: null });
  expect(await control(origin, "GET", "")).toMatchObject({ tenantId: null });
  await control(origin, "POST", "seed", { seed: "contoso" });
  expect(await control(origin, "GET", "")).toMatchObject({ tenantId });
});

test("a lagging service sees the seed at once, and a change when its lag is over", async () => {
  await control(origin, "PATCH", "settings", { lag: { graph: 60_000 } });
  const token = await graphToken();
  const read = async (): Promise<unknown> => {
    const headers = { Authorization: `Bearer ${token}` };
    const user = (await (await fetch(`${origin}/v1.0/users/${ada}`, { headers })).json()) as { displayName: unknown };
    return user.displayName;
  };
  expect(await read()).toBe("Ada Lovelace");
  await control(origin, "PATCH", `state/users/${ada}`, { displayName: "Ada King" });
  expect(await read()).toBe("Ada Lovelace");
  await control(origin, "POST", "clock", { advance: 60_000 });
  expect(await read()).toBe("Ada King");
});

test.each([
  [{ lagg: {} }, 'There is no setting "lagg"'],
  [{ lag: { graph: "1s" } }, '"lag.graph" is a number'],
  [{ lag: { graph: -1 } }, '"lag.graph" is a number from 0'],
  [{ approval: "maybe" }, '"approval" is one of authorised, refused, silent'],
  [{ test: { outcomes: { "a@contoso.com": "perhaps" } } }, '"test.outcomes" maps'],
  [{ contrary: "exchange.batch-size" }, '"contrary" lists ids'],
  [{ contrary: ["exchange.one-url"] }, "exchange.batch-size"],
])("the setting %j is refused", async (change, text) => {
  expect(await control(origin, "PATCH", "settings", change)).toMatchObject({
    status: 400,
    error: expect.stringContaining(text),
  });
});

test("an assumed behaviour is shown the other way round while the setting names it", async () => {
  const strange = async (): Promise<number> => {
    const response = await fetch(`${origin}/adminapi/beta/${ada}/InvokeCommand`, { method: "POST", body: "{}" });
    return response.status;
  };
  expect(await strange()).toBe(404);
  await control(origin, "PATCH", "settings", { contrary: ["exchange.foreign-tenant-segment"] });
  expect(await strange()).toBe(401);
  await control(origin, "PATCH", "settings", { contrary: [] });
  expect(await strange()).toBe(404);
});

describe("faults", () => {
  test("an answer takes the place of the service's, after so many requests and so many times", async () => {
    const token = await graphToken();
    await control(origin, "POST", "faults", {
      service: "graph",
      method: "PATCH",
      path: "/users/",
      after: 1,
      times: 2,
      answer: { status: 429, headers: { "Retry-After": "7" }, body: { error: { code: "TooManyRequests" } } },
    });
    const seen = [await block(token), await block(token), await block(token), await block(token)];
    expect(seen.map((response) => response.status)).toEqual([204, 429, 429, 204]);
    expect(seen[1]?.headers.get("Retry-After")).toBe("7");
    expect(await seen[1]?.json()).toEqual({ error: { code: "TooManyRequests" } });
    expect(await control(origin, "GET", "faults")).toMatchObject([{ id: 1, matched: 4, hit: 2 }]);
  });

  test("a closed connection: before the write nothing happened, after it everything", async () => {
    const token = await graphToken();
    await control(origin, "POST", "faults", [
      { method: "PATCH", path: "/users/", close: "before" },
      { method: "PATCH", path: "/users/", after: 1, close: "after" },
    ]);
    await expect(block(token)).rejects.toThrow("fetch failed");
    expect(await isEnabled()).toBe(true);
    await expect(block(token)).rejects.toThrow("fetch failed");
    expect(await isEnabled()).toBe(false);
    expect(await control(origin, "GET", "requests?method=PATCH")).toMatchObject([{ status: null }, { status: null }]);
  });

  test("an answer can also follow the write, be text or bytes, and wait", async () => {
    const token = await graphToken();
    await control(origin, "POST", "faults", [
      { method: "PATCH", delay: 80, answer: { status: 503, body: "Service Unavailable", when: "after" } },
      { method: "PATCH", after: 1, answer: { status: 403, base64: "AAA=" } },
    ]);
    const start = performance.now();
    const text = await block(token);
    expect(performance.now() - start).toBeGreaterThanOrEqual(79);
    expect([text.status, await text.text()]).toEqual([503, "Service Unavailable"]);
    expect(await isEnabled()).toBe(false);
    expect(Buffer.from(await (await block(token)).arrayBuffer())).toEqual(Buffer.from([0, 0]));
  });

  test("a regular expression matches path and query; rules are deleted", async () => {
    const added = await control(origin, "POST", "faults", {
      service: "login",
      path: "/TOKEN\\?x=1$/i",
      times: "always",
      answer: { status: 500 },
    });
    const ask = (query: string) => fetch(`${origin}/${tenantId}/oauth2/v2.0/token${query}`, { method: "POST" });
    expect([(await ask("?x=1")).status, (await ask("?x=2")).status, (await ask("?x=1")).status]).toEqual([
      500, 400, 500,
    ]);
    expect(await control(origin, "DELETE", `faults/${(added as { id: number }).id}`)).toEqual({ removed: 1 });
    expect((await ask("?x=1")).status).toBe(400);
  });

  test("a rule for a cmdlet hits it inside a batch too, and can close the batch's connection", async () => {
    const token = await tokenFor(origin, scopes.exchange);
    const url = `${origin}/adminapi/beta/${tenantId}/InvokeCommand`;
    const inner = (id: string, displayName: string) => ({
      id,
      method: "POST",
      url,
      headers: { "Content-Type": "application/json" },
      body: { CmdletInput: { CmdletName: "Set-Mailbox", Parameters: { Identity: ada, DisplayName: displayName } } },
    });
    const send = async (): Promise<{ responses: { id: string; status: number }[] }> => {
      const response = await fetch(`${origin}/adminapi/beta/${tenantId}/$batch`, {
        method: "POST",
        headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json" },
        body: JSON.stringify({ requests: [inner("1", "First"), inner("2", "Second")] }),
      });
      return (await response.json()) as { responses: { id: string; status: number }[] };
    };
    await control(origin, "POST", "faults", { cmdlet: "set-mailbox", after: 1, answer: { status: 503, body: {} } });
    const { responses } = await send();
    expect(responses.map(({ id, status }) => [id, status]).sort()).toEqual([
      ["1", 200],
      ["2", 503],
    ]);
    const name = async () => (await control(origin, "GET", `state/users/${ada}`)) as { displayName: string };
    expect((await name()).displayName).toBe("First");
    await control(origin, "POST", "faults", { cmdlet: "Set-Mailbox", after: 1, close: "after" });
    await expect(send()).rejects.toThrow("fetch failed");
    expect((await name()).displayName).toBe("Second");
  });

  test.each([
    [{ service: "graph" }, "needs an effect"],
    [{ answer: { status: 500 }, close: "before" }, "exclude"],
    [{ path: "/(/", close: "before" }, "regular expression"],
    [{ cmdlets: ["x"], close: "before" }, "cmdlets"],
  ])("the rule %j is refused", async (rule, text) => {
    expect(await control(origin, "POST", "faults", rule)).toMatchObject({
      status: 400,
      error: expect.stringContaining(text),
    });
  });
});

describe("request log", () => {
  test("requests are kept with bodies, without secrets", async () => {
    await askToken(origin, { client_id: appId, client_secret: secret, scope: scopes.graph });
    const token = await graphToken();
    await fetch(`${origin}/v1.0/users`, {
      method: "POST",
      headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json" },
      body: JSON.stringify({
        displayName: "X",
        passwordProfile: { password: "hunter2-hunter2" },
        passwordPolicies: "None",
      }),
    });
    const logged = (await control(origin, "GET", "requests")) as Record<string, unknown>[];
    const text = JSON.stringify(logged);
    expect(text).not.toContain(secret);
    expect(text).not.toContain("hunter2");
    expect(text).not.toContain(token);
    expect(logged.at(-1)).toMatchObject({
      service: "graph",
      method: "POST",
      path: "/v1.0/users",
      appId,
      isWrite: true,
      body: { displayName: "X", passwordProfile: { password: "[redacted]" }, passwordPolicies: "None" },
    });
    expect(await control(origin, "GET", "requests?service=login&writes=true")).toEqual([]);
  });

  test("the newest answers are kept, and the requests of older ones", () => {
    const log = new RequestLog();
    const answer = Buffer.from(JSON.stringify({ text: "x".repeat(2 ** 20) }));
    for (let number = 0; number < 70; number += 1) {
      const request = { at: "", service: "exchange", method: "POST", path: `/${number}` } as const;
      log.settled(log.add(request, JSON.stringify({ number })), 200, answer, 1);
    }
    const { requests } = log;
    expect(requests.map(({ body }) => body)).toEqual(Array.from({ length: 70 }, (_, number) => ({ number })));
    const kept = requests.filter((request) => request.answer !== undefined);
    expect(kept.length).toBeGreaterThanOrEqual(31);
    expect(kept.length).toBeLessThanOrEqual(64);
    expect(requests.slice(-kept.length)).toEqual(kept);
  });

  test("cmdlets and what is inside a batch are counted one by one", async () => {
    const send = (path: string, body: unknown) =>
      fetch(`${origin}/adminapi/beta/${tenantId}/${path}`, { method: "POST", body: JSON.stringify(body) });
    const input = (CmdletName: string) => ({ CmdletInput: { CmdletName, Parameters: {} } });
    await send("InvokeCommand", input("Get-Mailbox"));
    await send("InvokeCommand", input("New-Mailbox"));
    const url = `${origin}/adminapi/beta/${tenantId}/InvokeCommand`;
    await send("$batch", {
      requests: ["Get-Mailbox", "Set-Mailbox"].map((name, id) => ({ id, method: "POST", url, body: input(name) })),
    });
    expect(await control(origin, "GET", "requests/counts")).toMatchObject({
      total: 4,
      writes: 2,
      batches: 1,
      byService: { exchange: { reads: 2, writes: 2 } },
      byCmdlet: { "Get-Mailbox": 2, "New-Mailbox": 1, "Set-Mailbox": 1 },
    });
    expect(await control(origin, "GET", "requests?cmdlet=set-mailbox")).toHaveLength(1);
    await control(origin, "DELETE", "requests");
    expect(await control(origin, "GET", "requests/counts")).toMatchObject({ total: 0, byCmdlet: {} });
  });
});
