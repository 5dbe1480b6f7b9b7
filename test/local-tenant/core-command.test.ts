import { existsSync } from "node:fs";
import { join } from "node:path";
import { seedId } from "../../provider/local-tenant/seed/contoso";
import {
  ada,
  appId,
  askToken,
  claimsOf,
  control,
  finished,
  firstLines,
  mailboxes,
  runNode,
  secret,
  workFolder,
} from "./core";

const folder = workFolder();

async function run(...args: string[]): Promise<{ code: number | null; stdout: string; stderr: string }> {
  return await finished(mailboxes("tenant", ...args));
}

test("serve prints its origins first, and a signal ends it cleanly", async () => {
  const journal = join(folder, "serve.jsonl");
  const child = mailboxes("tenant", "serve", "--data", journal, "--https", "127.0.0.1:0");
  const [http, https] = await firstLines(child, 2);
  expect(http).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
  expect(https).toMatch(/^https:\/\/127\.0\.0\.1:\d+$/);
  expect(existsSync(`${journal}.pem`)).toBe(true);
  child.kill("SIGTERM");
  const [code] = await new Promise<[number | null]>((resolve) => child.on("exit", (value) => resolve([value])));
  expect(code).toBe(0);
  expect(existsSync(`${journal}.lock`)).toBe(false);
});

test("seed, show and reset work on a journal nobody serves", async () => {
  const journal = join(folder, "alone.jsonl");
  expect(await run("show", "--data", journal)).toMatchObject({
    code: 1,
    stderr: `mailboxes: There is no journal ${journal}.\n`,
  });
  expect(await run("seed", "--data", journal)).toMatchObject({ code: 0 });
  expect(await run("seed", "--data", journal)).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("Reset it first"),
  });
  const { stdout } = await run("show", "--data", journal);
  expect(stdout).toContain("| ada@contoso.com      | Ada Lovelace    | UserMailbox | allowed |        |            |");
  expect(stdout).toContain("Grants: none");
  expect(stdout).toContain("| Sales | sales@contoso.com | ServerSideSynchronization | Pending  |");
  // Users and teams have private queues, which say nothing here.
  expect(stdout).not.toContain("<Ada Lovelace>");
  expect(stdout).not.toContain("\u001b");
  expect(await run("reset", "--data", journal)).toMatchObject({ code: 0 });
});

test("a tenant may be seeded with an id of its own, which its tokens, its organisation and every other row carry", async () => {
  const journal = join(folder, "fabrikam.jsonl");
  const id = "fab12ca0-a000-4000-8000-00000000fab1";
  expect(await run("seed", "--data", journal, "--tenant", "fabrikam")).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("Expected a GUID."),
  });
  expect(await run("seed", "--data", journal, "--tenant", id.toUpperCase())).toMatchObject({ code: 0 });
  const child = mailboxes("tenant", "serve", "--data", journal);
  const [origin = ""] = await firstLines(child, 1);
  expect(await control(origin, "GET", "")).toMatchObject({ tenantId: id });
  const scope = `${origin}/.default`;
  const { body } = await askToken(origin, { client_id: appId, client_secret: secret, scope }, id);
  expect(claimsOf(String(body.access_token))).toMatchObject({ tid: id });
  expect((await askToken(origin, { client_id: appId, client_secret: secret, scope })).status).toBe(400);
  const headers = { Authorization: `Bearer ${body.access_token}`, Accept: "application/json" };
  const whoAmI = await fetch(`${origin}/api/data/v9.2/WhoAmI`, { headers });
  expect(await whoAmI.json()).toMatchObject({ OrganizationId: "fab12ca0-d000-4000-8000-00000000fab1" });
  expect(JSON.stringify(await control(origin, "GET", "state"))).not.toContain(seedId("tenant", 1));
});

test("serve seeds an empty journal with the id that it is given", async () => {
  const id = "fab12ca0-a000-4000-8000-00000000fab2";
  const child = mailboxes("tenant", "serve", "--data", join(folder, "served-fabrikam.jsonl"), "--tenant", id);
  const [origin = ""] = await firstLines(child, 1);
  expect(await control(origin, "GET", "")).toMatchObject({ tenantId: id });
});

test("show, by journal or by URL, is what the serving process knows", async () => {
  const journal = join(folder, "served.jsonl");
  const child = mailboxes("tenant", "serve", "--data", journal);
  const [origin = ""] = await firstLines(child, 1);
  const mailbox = seedId("recipient", 1);
  const self = (await control(origin, "GET", `state/recipients/${mailbox}`)) as { mailbox: object };
  await control(origin, "PATCH", `state/recipients/${mailbox}`, {
    hiddenFromAddressListsEnabled: true,
    mailbox: {
      ...self.mailbox,
      grantSendOnBehalfTo: [seedId("recipient", 2)],
      forwardingAddress: seedId("recipient", 3),
    },
  });
  await control(origin, "PUT", "state/permissions/1", {
    id: "1",
    kind: "mailbox",
    mailbox,
    sid: "S-1-5-21-1004336348-1177238915-682003330-1102",
    accessRights: ["FullAccess"],
    isInherited: false,
    deny: false,
    inheritanceType: "All",
    autoMapping: true,
  });
  await control(origin, "PUT", "state/rules/r1", {
    id: "r1",
    mailbox: ada,
    displayName: "To the CRM",
    sequence: 1,
    isEnabled: true,
    actions: { forwardAsAttachmentTo: [{ emailAddress: { address: "forwardmailbox@contoso.com" } }] },
  });
  const byJournal = JSON.parse((await run("show", "--json", "--data", journal)).stdout);
  expect(byJournal.mailboxes[0]).toEqual({
    address: "ada@contoso.com",
    name: "Ada Lovelace",
    type: "UserMailbox",
    signIn: "allowed",
    hidden: true,
    forwarding: "alan@contoso.com",
  });
  expect(byJournal.grants).toEqual([
    { mailbox: "ada@contoso.com", trustee: "grace@contoso.com", fullAccess: true, sendAs: false, sendOnBehalf: true },
  ]);
  expect(byJournal.inboxRules).toEqual([
    { mailbox: "ada@contoso.com", name: "To the CRM", target: "forwardAsAttachmentTo forwardmailbox@contoso.com" },
  ]);
  expect(JSON.parse((await run("show", "--json", "--url", origin)).stdout)).toEqual(byJournal);
  expect((await run("show", "--url", origin)).stdout).toContain("Forward mailboxes: none");
  expect(await run("reset", "--url", origin)).toMatchObject({ code: 0 });
  expect(JSON.parse((await run("show", "--json", "--data", journal)).stdout).grants).toEqual([]);
});

test("a place that is none is said so", async () => {
  expect(await run("show")).toMatchObject({ code: 1, stderr: expect.stringContaining("--data FILE") });
  expect(await run("show", "--url", "http://127.0.0.1:9")).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("No local tenant answers"),
  });
});

test("the command line loads what deploys only for the commands that need it", async () => {
  const cli = join(__dirname, "..", "..", "provider", "cli.ts");
  const script = `
    process.argv.push(${JSON.stringify(cli)}, "--help");
    process.on("exit", () => console.log("loaded: " + Object.keys(require.cache).join("; ")));
    require(${JSON.stringify(cli)});
  `;
  const { stdout } = await finished(runNode(["--eval", script]));
  const loaded = stdout.slice(stdout.indexOf("loaded: "));
  expect(loaded).toContain("local-tenant");
  expect(loaded).not.toMatch(/@pulumi|provider.(dynamic|services|http|kinds)\b/);
});
