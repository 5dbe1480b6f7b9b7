import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type LocalTenant, localTenantAt, startLocalTenant } from "../../provider/local-tenant";

let tenant: LocalTenant;

beforeEach(async () => {
  tenant = await startLocalTenant();
});

afterEach(() => tenant.close());

const ada = "10ca17e4-a001-4000-8000-000000000001";

/** Signs in as the seeded application; a request to a service like that of any client. */
async function token(origin = tenant.origin): Promise<Response> {
  return await fetch(`${origin}/10ca17e4-a000-4000-8000-000000000001/oauth2/v2.0/token`, {
    method: "POST",
    body: new URLSearchParams({
      grant_type: "client_credentials",
      client_id: "10ca17e4-a000-4000-8000-000000000002",
      client_secret: "local-tenant-secret",
      scope: "https://graph.microsoft.com/.default",
    }),
  });
}

async function graph(method: string, path: string, body?: unknown): Promise<Response> {
  const { access_token: bearer } = (await (await token()).json()) as { access_token: string };
  return await fetch(`${tenant.origin}/v1.0${path}`, {
    method,
    headers: { Authorization: `Bearer ${bearer}`, "Content-Type": "application/json" },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
}

test("a tenant is served and filled until it is closed", async () => {
  expect(tenant.origin).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
  expect(await tenant.describe()).toMatchObject({
    localTenant: "pulumi-mailboxes",
    tenantId: "10ca17e4-a000-4000-8000-000000000001",
    origins: [tenant.origin],
    pid: process.pid,
    journal: null,
  });
  const { mailboxes, grants } = await tenant.show();
  expect(mailboxes.map(({ address }) => address)).toContain("ada@contoso.com");
  expect(grants).toEqual([]);
  await tenant.close();
  await expect(tenant.show()).rejects.toThrow(`No local tenant answers at ${tenant.origin}.`);
});

test("a connection may be idle for two minutes", async () => {
  expect((await token()).headers.get("keep-alive")).toBe("timeout=120");
});

test("an empty one is filled, once, and reset", async () => {
  const own = await startLocalTenant({ seed: null });
  try {
    expect((await own.show()).mailboxes).toEqual([]);
    await own.seed("contoso", "fab12ca0-a000-4000-8000-00000000fab1");
    expect((await own.describe()).tenantId).toBe("fab12ca0-a000-4000-8000-00000000fab1");
    await expect(own.seed("contoso")).rejects.toThrow("The tenant is not empty.");
    await own.reset();
    expect((await own.describe()).tenantId).toBe("10ca17e4-a000-4000-8000-000000000001");
    await own.reset(null);
    expect(await own.state()).toEqual({});
  } finally {
    await own.close();
  }
});

test("a journal keeps it, and another process's tenant has the same controls", async () => {
  const folder = mkdtempSync(join(tmpdir(), "door-"));
  const journal = join(folder, "contoso.jsonl");
  try {
    const first = await startLocalTenant({ journal });
    await localTenantAt(`${first.origin}/`).configure({ approval: "silent" });
    await expect(startLocalTenant({ journal })).rejects.toThrow(first.origin);
    await first.close();
    const second = await startLocalTenant({ journal, lag: 5 });
    expect(await second.settings()).toMatchObject({ approval: "silent", lag: { exchange: 5, graph: 5, dataverse: 5 } });
    await second.close();
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("settings, clock and rows are changed, and go back", async () => {
  expect(await tenant.configure({ test: { duration: 0 }, outlookConcurrency: 2 })).toMatchObject({
    test: { duration: 0, outcomes: {} },
    outlookConcurrency: 2,
  });
  // @ts-expect-error no behaviour of that id
  await expect(tenant.configure({ contrary: ["no.such"] })).rejects.toThrow(
    'Setting "contrary" lists ids of behaviours',
  );
  const before = Date.parse(await tenant.now());
  await tenant.advance(86_400_000);
  expect(Date.parse(await tenant.now()) - before).toBeGreaterThanOrEqual(86_400_000);
  await tenant.change("users", ada, { displayName: "Countess of Lovelace" });
  expect((await tenant.state()).users?.[ada]).toMatchObject({ displayName: "Countess of Lovelace" });
  expect(await (await graph("GET", `/users/${ada}`)).json()).toMatchObject({ displayName: "Countess of Lovelace" });
  await expect(tenant.change("users", "nobody", {})).rejects.toThrow('There is no row "nobody" in users.');
  await tenant.reset();
  expect((await tenant.settings()).outlookConcurrency).toBe(4);
  expect((await tenant.state()).users?.[ada]).toMatchObject({ displayName: "Ada Lovelace" });
});

test("faults hit the requests they are for, as often as they say", async () => {
  const rule = await tenant.addFault({ service: "graph", path: `/users/${ada}`, answer: { status: 503 } });
  expect(rule).toMatchObject({ rule: { after: 0, times: 1 }, matched: 0, hit: 0 });
  const statuses: number[] = [];
  for (const path of ["/organization", `/users/${ada}`, `/users/${ada}`]) {
    statuses.push((await graph("GET", path)).status);
  }
  expect(statuses).toEqual([200, 503, 200]);
  expect(await tenant.faults()).toMatchObject([{ id: rule.id, matched: 2, hit: 1 }]);
  await tenant.removeFaults(rule.id);
  await tenant.addFault({ close: "after", times: "always" });
  await tenant.removeFaults();
  expect(await tenant.faults()).toEqual([]);
  await expect(tenant.addFault({ service: "graph" })).rejects.toThrow("a rule needs an effect");
});

test("the request log says what was asked, without secrets", async () => {
  await graph("GET", `/users/${ada}`);
  await graph("PATCH", `/users/${ada}`, { jobTitle: "Analyst" });
  const all = await tenant.requests();
  expect(all.map(({ service, method, status }) => [service, method, status])).toEqual([
    ["login", "POST", 200],
    ["graph", "GET", 200],
    ["login", "POST", 200],
    ["graph", "PATCH", 204],
  ]);
  expect(JSON.stringify(all)).not.toContain("local-tenant-secret");
  expect(await tenant.requests({ service: "graph", writes: true })).toMatchObject([
    { path: `/v1.0/users/${ada}`, body: { jobTitle: "Analyst" } },
  ]);
  expect(await tenant.requests({ since: all.at(-2)?.id ?? 0, status: 204 })).toHaveLength(1);
  expect(await tenant.requestCounts()).toMatchObject({ total: 4, writes: 1 });
  await tenant.clearRequests();
  expect(await tenant.requests()).toEqual([]);
});

test("a message is delivered, step by step", async () => {
  const mail = { from: "customer@else.example", to: "ada@contoso.com", subject: "Order 1" };
  expect(await tenant.deliver(mail)).toMatchObject([{ action: "delivered", address: "ada@contoso.com" }]);
  expect(await tenant.deliver({ ...mail, to: "nobody@contoso.com" })).toMatchObject([{ action: "notDelivered" }]);
});
