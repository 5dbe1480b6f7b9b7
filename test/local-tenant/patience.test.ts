/** Requests that come before they may: what the tenant counts of them, and the limits that a client meets. */
import { Agent, request } from "node:http";
import { Socket } from "node:net";
import { text } from "node:stream/consumers";
import { Patience } from "../../provider/local-tenant/patience";
import { type RunningTenant, startLocalTenant } from "../../provider/local-tenant/server";
import { control, scopes, tenantId, tokenFor } from "./core";

let served: RunningTenant;
let tokens: Record<"exchange" | "graph", string>;
/** Connections: all that goes through one of them goes by the same socket. */
const agents = Array.from({ length: 2 }, () => new Agent({ keepAlive: true, maxSockets: 1 }));

beforeEach(async () => {
  served = await startLocalTenant({ seed: "contoso" });
  const [exchange = "", graph = ""] = await Promise.all(
    [scopes.exchange, scopes.graph].map((scope) => tokenFor(served.origin, scope)),
  );
  tokens = { exchange, graph };
});

afterEach(() => served.close());
afterAll(() => {
  for (const agent of agents) {
    agent.destroy();
  }
});

interface Sent {
  connection?: 0 | 1;
  service?: "exchange" | "graph";
  method?: string;
  path?: string;
  body?: unknown;
}

const GET_MAILBOX = { CmdletInput: { CmdletName: "Get-Mailbox", Parameters: { Identity: "ada@contoso.com" } } };
const INVOKE = `/adminapi/beta/${tenantId}/InvokeCommand`;

function send({ connection = 0, service = "exchange", method = "POST", path = INVOKE, body = GET_MAILBOX }: Sent = {}) {
  return new Promise<{ status: number; text: string; retryAfter: string | undefined }>((resolve, reject) => {
    const headers = { Authorization: `Bearer ${tokens[service]}`, "Content-Type": "application/json" };
    const asked = request(new URL(path, served.origin), { method, agent: agents[connection], headers });
    asked.once("error", reject);
    asked.once("response", async (response) => {
      const { statusCode = 0, headers: answered } = response;
      resolve({ status: statusCode, text: await text(response), retryAfter: answered["retry-after"] });
    });
    asked.end(method === "GET" ? undefined : JSON.stringify(body));
  });
}

async function tooEarly(): Promise<number> {
  const { tooEarly: count } = (await control(served.origin, "GET", "requests/counts")) as { tooEarly: number };
  return count;
}

const fault = (rule: object) => control(served.origin, "POST", "faults", rule);
const later = (milliseconds: number) => control(served.origin, "POST", "clock", { advance: milliseconds });

test("a request before Retry-After is over counts, once its sender has had the answer", async () => {
  await fault({ service: "exchange", answer: { status: 429, headers: { "Retry-After": "60" } } });
  expect((await send()).status).toBe(429);
  expect(await tooEarly()).toBe(0);
  await send();
  expect(await tooEarly()).toBe(1);
  await later(1000);
  await send({ connection: 1 });
  expect(await tooEarly()).toBe(2);
  await send({ service: "graph", method: "GET", path: "/v1.0/users" });
  expect(await tooEarly()).toBe(2);
  await later(60_000);
  await send();
  expect(await tooEarly()).toBe(2);
  await control(served.origin, "DELETE", "requests");
  expect(await tooEarly()).toBe(0);
});

test("a request that may have been on its way when the answer went out does not count", () => {
  let now = 0;
  const patience = new Patience(() => now);
  const [mine, other] = [new Socket(), new Socket()];
  const taken = (socket: Socket) => ({ service: "exchange" as const, path: INVOKE, socket });
  patience.answered(taken(mine), { status: 503, headers: { "retry-after": "2" } });
  patience.take(taken(other));
  expect(patience.tooEarly).toBe(0);
  patience.take(taken(mine));
  expect(patience.tooEarly).toBe(1);
  now = 1000;
  patience.take(taken(other));
  expect(patience.tooEarly).toBe(2);
  now = 2000;
  patience.take(taken(mine));
  expect(patience.tooEarly).toBe(2);
});

test.each([
  ["seconds", () => "30"],
  ["a moment", () => new Date(served.tenant.now() + 30_000).toISOString()],
])("a budget that is used up, with its end in %s, is a wait", async (_form, reset) => {
  const headers = { "Rate-Limit-Remaining": "0", "Rate-Limit-Reset": reset() };
  await fault({ service: "exchange", answer: { status: 200, headers, body: { value: [] } } });
  await send();
  await send();
  expect(await tooEarly()).toBe(1);
  await later(31_000);
  await send();
  expect(await tooEarly()).toBe(1);
});

test("a request of a batch that is told to wait speaks for the service", async () => {
  await fault({ cmdlet: "Get-Mailbox", answer: { status: 429, headers: { "Retry-After": "60" } } });
  const requests = [{ id: "a", method: "POST", url: "InvokeCommand", body: GET_MAILBOX }];
  expect((await send({ path: `/adminapi/beta/${tenantId}/$batch`, body: { requests } })).status).toBe(200);
  await send();
  expect(await tooEarly()).toBe(1);
});

// @shows graph.mailbox-limits-apart
test("a wait in the store of one mailbox is for that mailbox", async () => {
  const settings = (user: string) => ({
    service: "graph" as const,
    method: "GET",
    path: `/v1.0/users/${user}@contoso.com/mailboxSettings`,
  });
  await fault({ service: "graph", path: "ada@", answer: { status: 429, headers: { "Retry-After": "60" } } });
  await send(settings("ada"));
  await send(settings("grace"));
  await send({ service: "graph", method: "GET", path: "/v1.0/users/ada@contoso.com" });
  expect(await tooEarly()).toBe(0);
  await send(settings("ada"));
  expect(await tooEarly()).toBe(1);
});

test("a fifth request in flight in one mailbox counts", async () => {
  served.tenant.configure({ outlookLatency: 1000 });
  const headers = { Authorization: `Bearer ${tokens.graph}` };
  const ask = () => fetch(`${served.origin}/v1.0/users/ada@contoso.com/mailboxSettings`, { headers });
  const replies = await Promise.all(Array.from({ length: 5 }, ask));
  expect(replies.map(({ status }) => status).sort()).toEqual([200, 200, 200, 200, 429]);
  expect(await tooEarly()).toBe(1);
});

// @shows exchange.concurrency
test("more requests to Exchange than are allowed are refused in plain text", async () => {
  served.tenant.configure({ exchangeConcurrency: 1, exchangeRetryAfter: 1500, cmdletLatency: 1000 });
  const both = await Promise.all([send(), send({ connection: 1 })]);
  const refused = both.find(({ status }) => status === 429);
  expect(refused).toMatchObject({ retryAfter: "1.5", text: expect.stringMatching(/maximum number of concurrent/) });
  expect(both.filter(({ status }) => status === 200)).toHaveLength(1);
});

// @shows exchange.micro-delay
test("Exchange warns of a delay only beyond the load it stands", async () => {
  served.tenant.configure({ microDelay: 40, microDelayBeyond: 1, cmdletLatency: 1000 });
  const both = await Promise.all([send(), send({ connection: 1 })]);
  expect(both.filter((answer) => answer.text.includes("Micro delay applied"))).not.toHaveLength(0);
  served.tenant.configure({ cmdletLatency: 0 });
  expect((await send()).text).not.toContain("Micro delay applied");
});

test("the log says how long each request took", async () => {
  served.tenant.configure({ cmdletLatency: 40 });
  await send();
  const [logged] = (await control(served.origin, "GET", "requests?service=exchange")) as { took: number }[];
  expect(logged?.took).toBeGreaterThanOrEqual(35);
});
