import { readFileSync } from "node:fs";
import { join } from "node:path";
import { cell, csvOf, tableOf } from "../../provider/access/access";
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
    expect(cell(text)).toBe(written);
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

test("the document has every finding with its meaning", () => {
  const page = readFileSync(join(__dirname, "..", "..", "docs", "access.md"), "utf8");
  const rows = [...page.matchAll(/^\| `([a-z][a-z-]+)` \| (.*) \|$/gm)].map(([, code, meaning]) => [code, meaning]);
  expect(Object.fromEntries(rows)).toEqual(FINDING_CODES);
});
