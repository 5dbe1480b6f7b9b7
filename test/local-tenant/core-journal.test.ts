import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openLocalTenant } from "../../provider/local-tenant/embedded";
import { JournalInUseError } from "../../provider/local-tenant/lock";
import { startLocalTenant } from "../../provider/local-tenant/server";
import { ada, control, finished, firstLines, mailboxes, runNode, tenantId } from "./core";

let folder: string;
let journal: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "local-tenant-"));
  journal = join(folder, "tenant.jsonl");
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

const displayName = async (origin: string): Promise<unknown> =>
  ((await control(origin, "GET", `state/users/${ada}`)) as { displayName?: string }).displayName;

test("what was answered survives kill -9, and so do settings and clock", async () => {
  const child = mailboxes("tenant", "serve", "--data", journal, "--lag", "250");
  const [origin = ""] = await firstLines(child, 1);
  await control(origin, "PATCH", `state/users/${ada}`, { displayName: "Ada King" });
  await control(origin, "PATCH", "settings", { approval: "silent", test: { outcomes: { "a@contoso.com": "never" } } });
  await control(origin, "POST", "clock", { advance: 60_000 });
  child.kill("SIGKILL");
  await finished(child);
  expect(existsSync(`${journal}.lock`)).toBe(true);

  const running = await startLocalTenant({ journal });
  expect(await displayName(running.origin)).toBe("Ada King");
  expect(running.tenant.settings).toMatchObject({
    approval: "silent",
    lag: { exchange: 250, graph: 250, dataverse: 250 },
    test: { duration: 50, outcomes: { "a@contoso.com": "never" } },
  });
  expect(running.tenant.clockOffset).toBe(60_000);
  // Whoever was told the dead process's address finds its successor there.
  expect(running.origin).toBe(origin);
  await running.close();
  expect(existsSync(`${journal}.lock`)).toBe(false);
});

test("half a last line is dropped and does not spoil the next one", async () => {
  const first = await startLocalTenant({ journal, seed: "contoso" });
  await first.close();
  appendFileSync(journal, '{"at":1,"ops":[["users","x",{"displayName":"Zoë');
  const second = await startLocalTenant({ journal });
  await control(second.origin, "PATCH", `state/users/${ada}`, { displayName: "Ada King" });
  await second.close();
  const third = await startLocalTenant({ journal });
  expect(await displayName(third.origin)).toBe("Ada King");
  await third.close();
});

test("a file that is no journal is refused, by line, and left as it is", async () => {
  writeFileSync(journal, "name: my-project\n");
  await expect(startLocalTenant({ journal })).rejects.toThrow(/line 1 is not a line of a local tenant's journal/);
  expect(readFileSync(journal, "utf8")).toBe("name: my-project\n");
  expect(existsSync(`${journal}.lock`)).toBe(false);
});

test("a second process is told where the first one serves", async () => {
  const running = await startLocalTenant({ journal, seed: "contoso" });
  await expect(startLocalTenant({ journal })).rejects.toMatchObject({ origin: running.origin, pid: process.pid });
  await expect(startLocalTenant({ journal })).rejects.toBeInstanceOf(JournalInUseError);
  const child = mailboxes("tenant", "serve", "--data", journal);
  const { code, stderr } = await finished(child);
  expect({ code, isNamed: stderr.includes(running.origin) }).toEqual({ code: 1, isNamed: true });
  await running.close();
});

test.each([
  ["a dead process", { pid: 2 ** 22 + 1, origin: "http://127.0.0.1:9" }],
  ["a living process that serves nothing there", { pid: process.pid, origin: "http://127.0.0.1:9" }],
])("the lock of %s is taken over", async (_, content) => {
  writeFileSync(`${journal}.lock`, JSON.stringify({ token: "old", ...content }));
  const running = await startLocalTenant({ journal, seed: "contoso" });
  expect(JSON.parse(readFileSync(`${journal}.lock`, "utf8"))).toMatchObject({ origin: running.origin });
  await running.close();
});

test("of several that open a stale journal at once, one serves and the others use it", async () => {
  writeFileSync(`${journal}.lock`, JSON.stringify({ token: "old", pid: 2 ** 22 + 1, origin: null }));
  const opened = await Promise.all([1, 2, 3, 4].map(() => openLocalTenant(journal)));
  expect(new Set(opened.map((one) => one.origin)).size).toBe(1);
  await Promise.all(opened.map((one) => one.close()));
  expect(existsSync(`${journal}.lock`)).toBe(false);
});

test("several processes that open a journal at once share one tenant", async () => {
  const module = JSON.stringify(join(__dirname, "../../provider/local-tenant/embedded.ts"));
  const program = `
    require(${module}).openLocalTenant(${JSON.stringify(journal)}).then(async (tenant) => {
      console.log(tenant.origin);
      setInterval(() => {}, 1000);
    });`;
  const children = [1, 2, 3].map(() => runNode(["-e", program]));
  const origins = await Promise.all(children.map(async (child) => (await firstLines(child, 1))[0]));
  expect(new Set(origins).size).toBe(1);
  for (const child of children) {
    child.kill("SIGKILL");
  }
});

test("an embedded tenant is seeded, and does not keep its process alive", async () => {
  const module = JSON.stringify(join(__dirname, "../../provider/local-tenant/embedded.ts"));
  const program = `
    require(${module}).openLocalTenant(${JSON.stringify(journal)}).then(async ({ origin }) => {
      console.log((await (await fetch(origin + "/_tenant/")).json()).tenantId);
    });`;
  const { code, stdout } = await finished(runNode(["-e", program]));
  expect({ code, stdout }).toEqual({ code: 0, stdout: `${tenantId}\n` });
});

test("when the owner dies, a user of it goes on at the same address", async () => {
  const child = mailboxes("tenant", "serve", "--data", journal);
  const [origin = ""] = await firstLines(child, 1);
  const opened = await openLocalTenant(journal);
  expect(opened.origin).toBe(origin);
  await control(origin, "PATCH", `state/users/${ada}`, { displayName: "Ada King" });
  child.kill("SIGKILL");
  await finished(child);
  expect(await opened.current()).toBe(origin);
  expect(await displayName(origin)).toBe("Ada King");
  expect(await control(origin, "GET", "")).toMatchObject({ pid: process.pid });
  await opened.close();
});

test("a URL is used as it is when a local tenant answers there", async () => {
  const running = await startLocalTenant({ seed: "contoso" });
  const opened = await openLocalTenant(`${running.origin}/`);
  expect(opened.origin).toBe(running.origin);
  await running.close();
  await expect(opened.current()).rejects.toThrow(/No local tenant answers at http/);
  await expect(openLocalTenant(running.origin)).rejects.toThrow(/mailboxes tenant serve/);
});

test("only addresses of this machine are listened on", async () => {
  await expect(startLocalTenant({ listen: "0.0.0.0:0" })).rejects.toThrow(/not an address of this machine/);
});
