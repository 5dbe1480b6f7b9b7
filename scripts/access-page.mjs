import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { chromium } from "playwright-core";
import { clone, say } from "./clone.mjs";
import { makeProject } from "./project.mjs";
import { setUp } from "./setup.mjs";
import { command, serveTenant } from "./tenant.mjs";

/**
 * Makes the picture of docs/access.md, and measures the page: `node scripts/access-page.mjs` deploys a stack to a fresh local tenant, changes
 * things by hand, writes the page of `mailboxes access`, and takes its picture in Chromium. Then it opens a page of a thousand mailboxes with
 * ten people each, and prints how long the browser works to open and to filter it.
 */
const { folder, pulumi, remove } = makeProject("contoso", await setUp());
const tenant = await serveTenant(join(folder, "tenant.jsonl"));
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--headless", "--no-sandbox", "--disable-gpu"],
});
try {
  await pulumi("stack", "init");
  await pulumi("config", "set", "mailboxes:localTenant", "./tenant.jsonl");
  writeFileSync(join(folder, "index.ts"), PROGRAM());
  await pulumi("up", "--yes", "--skip-preview", "--suppress-progress");
  writeFileSync(join(folder, "stack.json"), await pulumi("stack", "export"));
  await byHand();
  const page = join(folder, "access.html");
  const { stderr } = spawnSync(
    process.execPath,
    [command, "access", "--state", join(folder, "stack.json"), "--html", page, "--most-in-group", "1"],
    { encoding: "utf8", env: { ...process.env, MAILBOXES_LOCAL_TENANT: join(folder, "tenant.jsonl") } },
  );
  say(stderr.trim());
  await picture(page);
  await measure();
} finally {
  await browser.close();
  tenant.process.kill();
}
remove();

function PROGRAM() {
  return `
import { MailboxMembership, SharedMailbox } from "pulumi-mailboxes";
const mailbox = (name: string, displayName: string) =>
  new SharedMailbox(name, { displayName, primarySmtpAddress: name + "@contoso.com" });
const support = mailbox("support", "Contoso Support");
const press = mailbox("press", "Press Office");
mailbox("archive", "Old Projects");
new MailboxMembership("support-people", {
  mailbox: support.id,
  members: { "ada@contoso.com": {}, "grace@contoso.com": {}, "barbara@contoso.com": { until: "2099-06-30" } },
});
new MailboxMembership("press-people", { mailbox: press.id, members: ["alan@contoso.com", "support-team@contoso.com"] });
`;
}

/** What somebody does in the tenant after the deployment. */
async function byHand() {
  const access = (Identity, User) => ["Add-MailboxPermission", { Identity, User, AccessRights: ["FullAccess"] }];
  for (const [name, parameters] of [
    access("support@contoso.com", "edsger@contoso.com"),
    access("press@contoso.com", "margaret@adatum.example"),
    ["Set-Mailbox", { Identity: "press@contoso.com", ForwardingSmtpAddress: "smtp:news@adatum.example" }],
  ]) {
    await tenant.client.exchange(name, parameters);
  }
  await tenant.client.graph("PATCH", "/users/grace@contoso.com", { accountEnabled: false });
  await tenant.client.graph("PATCH", "/users/archive@contoso.com", { accountEnabled: true });
}

async function picture(file) {
  const page = await browser.newPage({ viewport: { width: 1100, height: 820 } });
  await page.goto(pathToFileURL(file).href);
  await page.screenshot({ path: join(clone, "docs", "pictures", "access.png") });
  await page.close();
  say("The picture is in docs/pictures/access.png.");
}

/** How long the browser works, in its own clock. */
async function measure() {
  const { pageOf } = createRequire(import.meta.url)(join(clone, "dist", "access", "page.js"));
  const file = join(folder, "large.html");
  writeFileSync(file, pageOf(largeReport()));
  const page = await browser.newPage({ viewport: { width: 1200, height: 800 } });
  await page.goto(pathToFileURL(file).href);
  const opened = await page.evaluate(() => performance.getEntriesByType("navigation")[0].domContentLoadedEventEnd);
  const filters = await page.evaluate(async () => {
    const search = document.getElementById("search");
    const times = [];
    for (const text of ["b", "box7", "box77 full", "person 333", "", "nobody"]) {
      search.value = text;
      const began = performance.now();
      // The event of another control does the same work at once, and not with the next frame.
      document.getElementById("order").dispatchEvent(new Event("change"));
      document.body.getBoundingClientRect();
      times.push(performance.now() - began);
      await new Promise(requestAnimationFrame);
    }
    return times;
  });
  const size = (readFileSync(file).length / 1024 ** 2).toFixed(1);
  const longest = Math.max(...filters);
  say(
    `1,000 mailboxes with ten people each (${size} MB): open in ${opened.toFixed(0)} ms, the longest filter ${longest.toFixed(0)} ms.`,
  );
}

function largeReport() {
  const rights = ["Full Access", "Send As"].map((right) => ({ right, declaredBy: ["contoso/prod people"] }));
  const person = (number) => ({
    person: `person${number}@contoso.com`,
    id: `id-${number}`,
    displayName: `Person Number ${number}`,
    kind: "person",
    rights,
    findings: number % 50 === 0 ? [{ code: "leaver", text: "the account is blocked" }] : [],
  });
  const mailboxes = Array.from({ length: 1000 }, (_, index) => ({
    id: `mailbox-${index}`,
    address: `box${index}@contoso.com`,
    displayName: `Team ${index}`,
    declaredBy: ["contoso/prod box"],
    findings: [],
    access: Array.from({ length: 10 }, (__, place) => person((index * 7 + place * 31) % 500)),
  }));
  return { day: "2027-01-20", tenantId: "tenant", stacks: ["contoso/prod"], notes: [], mailboxes };
}
