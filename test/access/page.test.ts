/** The page of `mailboxes access` in a real browser. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { pageOf } from "../../provider/access/page";
import type { Report } from "../../provider/access/report";
import { PATIENCE, startBrowser } from "./browser";
import { access, mailbox, manyMailboxes, report } from "./sample";

const folder = mkdtempSync(join(tmpdir(), "mailboxes-page-"));
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
let browser: Browser;

beforeAll(async () => {
  browser = await startBrowser();
});

afterAll(async () => {
  await browser?.close();
  rmSync(folder, { recursive: true, force: true });
});

/** What a page did beside showing itself: requests, errors, refusals of its policy, dialogs. */
const incidents: string[] = [];
let pages = 0;

async function open(of: Report, options: BrowserContextOptions = {}): Promise<Page> {
  pages += 1;
  const file = join(folder, `${pages}.html`);
  writeFileSync(file, pageOf(of));
  const context = await browser.newContext({ viewport: { width: 1200, height: 800 }, ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE);
  const url = pathToFileURL(file).href;
  incidents.length = 0;
  page.on("request", (request) => request.url() !== url && incidents.push(`request ${request.url()}`));
  page.on("pageerror", (error) => incidents.push(`error ${error.message}`));
  page.on("console", (message) => incidents.push(`console ${message.text()}`));
  page.on("dialog", (dialog) => {
    incidents.push(`dialog ${dialog.message()}`);
    return dialog.dismiss();
  });
  await page.goto(url);
  return page;
}

afterEach(async () => {
  expect(incidents).toEqual([]);
  await Promise.all(browser.contexts().map((context) => context.close()));
});

const blocked = { code: "leaver" as const, text: "the account is blocked" };
const small = report([
  mailbox(
    "support",
    [
      access("ada@contoso.com", { displayName: "Ada Lovelace", until: "2027-01-31" }),
      access("grace@contoso.com", {
        displayName: "Grace Hopper",
        findings: [blocked, { code: "undeclared-access", text: "no stack declares Full Access" }],
        rights: [{ right: "Full Access", declaredBy: [] }],
      }),
      access("support-team@contoso.com", { kind: "group", displayName: "Support Team", automapping: false }),
    ],
    { displayName: "Contoso Support", declaredBy: ["contoso/prod support"] },
  ),
  mailbox("archive", [], {
    findings: [
      { code: "no-members", text: "nobody has access" },
      { code: "sign-in-open", text: "sign-in to its account is open" },
    ],
  }),
  mailbox("press", [access("ada@contoso.com", { displayName: "Ada Lovelace" })]),
]);

/** The groups that show, each with its rows, as text. */
async function shown(page: Page): Promise<string[][]> {
  const bodies = await page.locator("#list tbody").all();
  return Promise.all(
    bodies.map(async (body) => {
      const rows = await body.locator("tr").all();
      return Promise.all(
        rows.map(async (row) => (await row.locator("th, td").allTextContents()).filter(Boolean).join(" | ")),
      );
    }),
  );
}

/** Looks again with every frame that the page draws, until it shows something. */
async function eventually(look: () => Promise<unknown>, wanted: unknown): Promise<void> {
  for (let tries = 0; tries < 200; tries += 1) {
    if (JSON.stringify(await look()) === JSON.stringify(wanted)) {
      return;
    }
  }
  expect(await look()).toEqual(wanted);
}

const headings = async (page: Page) => (await shown(page)).map(([heading]) => heading?.split(" ")[0]);

test("shows everybody by mailbox, with rights, who declared them, and what to look at", async () => {
  const page = await open(small);
  expect(await page.title()).toBe("Who has access to which mailbox");
  expect(await shown(page)).toEqual([
    [
      expect.stringMatching(
        /^archive@contoso\.com declared by nobody.*nobody has access.*sign-in to its account is open/,
      ),
      "Nobody",
    ],
    [
      "press@contoso.com declared by nobody",
      "ada@contoso.com Ada Lovelace | Full Access, Send As | contoso/prod people",
    ],
    [
      "support@contoso.com Contoso Support declared by contoso/prod support",
      "ada@contoso.com Ada Lovelace | Full Access, Send As | contoso/prod people | 2027-01-31",
      "grace@contoso.com Grace Hopper | Full Access | nobody | the account is blockedno stack declares Full Access",
      "support-team@contoso.com Support Team group | Full Access, Send As (not opened by Outlook) | contoso/prod people",
    ],
  ]);
  expect(await page.getByRole("status").textContent()).toBe("3 mailboxes, 3 people and groups.");
});

test("searches, groups by person, shows only what to look at, and sorts, by keyboard and by name of the control", async () => {
  const page = await open(small);
  await page.keyboard.press("Tab");
  await page.keyboard.press("Tab");
  await page.keyboard.type("GRACE full");
  await eventually(() => headings(page), ["support@contoso.com"]);
  expect(await page.getByRole("searchbox", { name: "Search" }).inputValue()).toBe("GRACE full");
  expect(await page.getByRole("status").textContent()).toBe("1 mailbox, 1 person or group.");
  await page.getByRole("searchbox", { name: "Search" }).fill("nobody like this");
  await eventually(() => headings(page), []);
  expect(await page.getByRole("status").textContent()).toBe("Nothing fits.");
  await page.getByRole("searchbox", { name: "Search" }).fill("");

  await page.getByRole("combobox", { name: "Group by" }).selectOption("person");
  expect(await headings(page)).toEqual(["ada@contoso.com", "grace@contoso.com", "support-team@contoso.com"]);
  expect((await shown(page))[0]?.slice(1).map((row) => row.split(" | ")[0])).toEqual([
    "press@contoso.com",
    "support@contoso.com Contoso Support",
  ]);
  await page.getByRole("combobox", { name: "First" }).selectOption("findings");
  expect((await headings(page))[0]).toBe("grace@contoso.com");
  await page.getByRole("combobox", { name: "Show" }).selectOption("leaver");
  expect(await headings(page)).toEqual(["grace@contoso.com"]);

  await page.getByRole("combobox", { name: "Show" }).selectOption("");
  await page.getByRole("combobox", { name: "Group by" }).selectOption("mailbox");
  const column = page.getByRole("columnheader", { name: "Person or group" });
  expect(await column.getAttribute("aria-sort")).toBe("ascending");
  await column.getByRole("button").focus();
  await page.keyboard.press("Enter");
  expect(await column.getAttribute("aria-sort")).toBe("descending");
  const support = (await shown(page)).find(([heading]) => heading?.startsWith("support@"));
  expect(support?.slice(1).map((row) => row.split("@")[0])).toEqual(["support-team", "grace", "ada"]);
});

test.each(["light", "dark"] as const)("has nothing that axe finds wrong, in %s", async (colorScheme) => {
  const page = await open(small, { colorScheme });
  const background = await page.evaluate<string>("getComputedStyle(document.body).backgroundColor");
  expect(background).toBe(colorScheme === "light" ? "rgb(255, 255, 255)" : "rgb(15, 19, 25)");
  await page.evaluate(axe);
  const found = await page.evaluate<{ id: string; nodes: unknown[] }[]>(
    "axe.run(document).then(({ violations }) => violations.map(({ id, nodes }) => ({ id, nodes: nodes.map(({ html }) => html) })))",
  );
  expect(found).toEqual([]);
});

test("prints every group, though only the first are drawn on the screen", async () => {
  const page = await open(manyMailboxes(190, 1));
  await page.evaluate("addEventListener('beforeprint', () => { document.title = String(list.tBodies.length); })");
  expect((await page.pdf()).subarray(0, 5).toString()).toBe("%PDF-");
  expect(await page.title()).toBe("190");
});

test("fits a narrow screen", async () => {
  const page = await open(small, { viewport: { width: 360, height: 700 } });
  expect(await page.evaluate("document.documentElement.scrollWidth")).toBe(360);
});

test("takes no name for markup, script or an end of its data, and runs nothing but its own script", async () => {
  const evil = "</script><script>alert(1)</script><img src=x onerror=alert(2)>\u202e<b>&amp;";
  const page = await open(
    report([mailbox("x", [access("a@contoso.com", { displayName: evil })], { displayName: evil })], {
      notes: [evil],
      stacks: [`contoso/${evil}`],
    }),
  );
  const [[heading, row] = []] = await shown(page);
  for (const text of [heading, row]) {
    expect(text).toContain(evil.replace("\u202e", "\ufffd"));
  }
  expect(await page.locator("img").count()).toBe(0);
  const html = pageOf(small);
  const [, policy = ""] = /Content-Security-Policy" content="([^"]+)"/.exec(html) ?? [];
  expect(policy).toMatch(
    /^default-src 'none'; script-src 'sha256-[\w+/=]+'; style-src 'sha256-[\w+/=]+'; base-uri 'none'; form-action 'none'$/,
  );
  expect(html).not.toMatch(/https?:|unsafe|\son\w+=/);
  // What somebody manages to put into the page does not run.
  await page.evaluate(
    "document.body.append(Object.assign(document.createElement('script'), { textContent: 'alert(3)' }))",
  );
  expect(incidents.splice(0)).toEqual([expect.stringMatching(/console .*Content Security Policy/)]);
});

test("draws of a thousand mailboxes with ten people each only what is near, and all of it on paper", async () => {
  const page = await open(manyMailboxes(1000, 10));
  const drawn = () => page.locator("#list tbody").count();
  const nodes = () => page.evaluate<number>("document.querySelectorAll('*').length");
  expect(await page.getByRole("status").textContent()).toBe("1000 mailboxes, 500 people and groups.");
  expect(await drawn()).toBeLessThanOrEqual(20);
  expect(await nodes()).toBeLessThan(3_000);
  await page.getByRole("searchbox", { name: "Search" }).fill("box777");
  await eventually(drawn, 1);
  await page.getByRole("searchbox", { name: "Search" }).fill("");
  await page.getByRole("button", { name: /^Show more \(\d+ left\)$/ }).press("Enter");
  expect(await drawn()).toBeGreaterThan(10);
  expect(await drawn()).toBeLessThan(200);
  await page.evaluate("dispatchEvent(new Event('beforeprint'))");
  expect(await drawn()).toBe(1000);
  await page.emulateMedia({ media: "print" });
  expect(await page.getByRole("searchbox", { name: "Search" }).isVisible()).toBe(false);
  await page.evaluate("dispatchEvent(new Event('afterprint'))");
  expect(await drawn()).toBeLessThanOrEqual(20);
});
