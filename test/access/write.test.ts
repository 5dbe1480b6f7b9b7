import { readFileSync } from "node:fs";
import { join } from "node:path";
import { csvOf, tableOf } from "../../provider/access/access";
import { FINDING_CODES } from "../../provider/access/report";
import { access, mailbox, report } from "./sample";

describe("a cell of the CSV", () => {
  test.each([
    ["ada@contoso.com", '"ada@contoso.com"'],
    ['Support, "first" level', '"Support, ""first"" level"'],
    ['=HYPERLINK("https://adatum.example")', '"\'=HYPERLINK(""https://adatum.example"")"'],
    ["+1 555", '"\'+1 555"'],
    ["-1", '"\'-1"'],
    ["@SUM(A1)", '"\'@SUM(A1)"'],
    ["\t=1+1", '"\'\t=1+1"'],
    ["\r=1+1", '"\'\r=1+1"'],
    ["  =1+1", '"\'  =1+1"'],
    ["\u200b=1+1", '"\'\u200b=1+1"'],
    ["＝1+1", '"\'＝1+1"'],
    ["Ann-Marie", '"Ann-Marie"'],
    ["", '""'],
  ])("%j is written as %j, which no spreadsheet takes for a formula", (text, written) => {
    const [, line] = csvOf(report([mailbox("desk", [], { displayName: text })])).split("\r\n");
    expect(line).toBe(`"desk@contoso.com",${written},"","","","","","",""`);
  });
});

test("the CSV has a line for each person, and the findings of the mailbox in one of their own", () => {
  const forwards = { code: "external-forwarding" as const, text: "mail is forwarded to x@adatum.example" };
  const lines = csvOf(
    report([
      mailbox("desk", [access("=evil@contoso.com", { displayName: "=cmd|' /C calc'!A0", until: "2027-01-31" })], {
        findings: [forwards],
      }),
    ]),
  ).split("\r\n");
  expect(lines.slice(1)).toEqual([
    '"desk@contoso.com","","","","","","","","external-forwarding: mail is forwarded to x@adatum.example"',
    `"desk@contoso.com","","'=evil@contoso.com","'=cmd|' /C calc'!A0","person","Full Access, Send As","contoso/prod people","2027-01-31",""`,
    "",
  ]);
});

test("the table shows nothing that a terminal would act on", () => {
  const text = tableOf(
    report([mailbox("desk", [access("a@contoso.com", { displayName: "\u001b[2Jx\u202ey\nz" })])]),
    "person",
  );
  expect(text).toContain("a@contoso.com \ufffd[2Jx\ufffdy z");
  expect(text).not.toContain("\u001b");
});

test("a list that was not read is told, and is not an empty one", () => {
  const unread = report([mailbox("desk", [], { unread: ["Full Access", "Send As"] })]);
  const heading = "desk@contoso.com, declared by nobody; who has Full Access and Send As was not read";
  for (const by of ["mailbox", "person"] as const) {
    expect(tableOf(unread, by).split("\n")[0]).toBe(heading);
  }
  expect(csvOf(unread)).toContain('"desk@contoso.com","","","","","","","","not read: Full Access, Send As"');
});

test("the table by person says as well what there is to look at in a mailbox itself", () => {
  const open = { code: "sign-in-open" as const, text: "sign-in to its account is open" };
  const text = tableOf(report([mailbox("desk", [access("a@contoso.com")], { findings: [open] })]), "person");
  expect(text).toMatch(/^a@contoso\.com\n/);
  expect(text).toContain("\ndesk@contoso.com, declared by nobody; sign-in to its account is open\n");
});

test("the document has every finding with its meaning", () => {
  const page = readFileSync(join(__dirname, "..", "..", "docs", "access.md"), "utf8");
  const rows = [...page.matchAll(/^\| `([a-z][a-z-]+)` \| (.*) \|$/gm)].map(([, code, meaning]) => [code, meaning]);
  expect(Object.fromEntries(rows)).toEqual(FINDING_CODES);
});
