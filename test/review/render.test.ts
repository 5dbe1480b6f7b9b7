import fc from "fast-check";
import { FEWEST_CHARACTERS, markerOf, render, renderFailure } from "../../provider/review/command";
import { readPreview } from "../../provider/review/preview";
import { type Review, review } from "../../provider/review/review";
import type { Foreign } from "../../provider/review/words";
import { members, membership, previewOf, recorded, rights, step } from "./preview-of";

const MOST = 60_000;

const rendered = (text: string, format: "markdown" | "text" = "markdown", most = MOST): string =>
  render(review(readPreview(text)), format, most);

/** A preview in which many people on many mailboxes gain, lose and change access. */
function many(mailboxes: number, people: number, displayName = "Team"): string {
  const steps = Array.from({ length: mailboxes }, (_, index) => {
    const address = `team-${index}@contoso.com`;
    const declared = { displayName: `${displayName} ${index}`, primarySmtpAddress: address, signInBlocked: true };
    const person = (number: number) => `person-with-a-rather-long-name-${index}-${number}@contoso.com`;
    const before = members(...Array.from({ length: people }, (__, number) => person(number)));
    const after = members(...Array.from({ length: people }, (__, number) => person(number + Math.ceil(people / 2))));
    return [
      step("update", ["SharedMailbox", `team-${index}`], {
        before: declared,
        after: { ...declared, signInBlocked: false, forwarding: { to: `out-${index}@adatum.example` } },
        id: `mailbox-${index}`,
      }),
      step("update", ["MailboxMembership", `team-${index}-members`], {
        before: { mailbox: `mailbox-${index}`, members: before, exclusive: true },
        after: { mailbox: `mailbox-${index}`, members: after, exclusive: true },
        outputs: { mailboxId: `mailbox-${index}` },
      }),
    ];
  });
  return previewOf(...steps.flat());
}

describe("a review is never longer than it may be", () => {
  const thousand = review(readPreview(many(1000, 4)));
  const cut = render(thousand, "markdown", MOST);

  test("with 1,000 memberships changed, and names every flag, the first line and whole rows", () => {
    const lines = cut.split("\n");
    expect(cut.length).toBeLessThanOrEqual(MOST);
    // It is cut for its length, and not by a fixed number of rows.
    expect(cut.length).toBeGreaterThan(MOST - 500);
    expect(lines[0]).toBe(`**${thousand.headline}**`);
    expect(thousand.headline).toMatch(
      /^2000 people gain access to 1000 mailboxes, 2000 people lose access to 1000 mailboxes,/,
    );
    for (const { code } of thousand.flags) {
      expect(lines.filter((line) => line.startsWith(`- \`${code}\``))).toHaveLength(1);
    }
    expect(lines.find((line) => line.startsWith("- `sign-in-open`"))).toMatch(/; and \d+ more$/);
    expect(lines.at(-2)).toBe(markerOf("contoso/prod"));
  });

  test("and counts what is left out", () => {
    const rows = cut.split("\n").filter((line) => /^\| `person-/.test(line)).length;
    const [, left, lose, gain] =
      /and (\d+) more rows, left out here; of them (\d+) lose rights, (\d+) gain rights/.exec(cut) ?? [];
    expect(rows + Number(left)).toBe(thousand.access.length);
    expect(Number(lose) + Number(gain)).toBe(Number(left));
    // Every table shows something.
    expect(cut).toMatch(/#### Where mail goes\n\n\|.*\n\| ---.*\n\| `Team/);
  });

  test("whatever is in it, and however little room there is", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 120 }),
        fc.integer({ min: 1, max: 12 }),
        fc.string({ unit: "binary", maxLength: 60 }),
        fc.integer({ min: FEWEST_CHARACTERS, max: 30_000 }),
        fc.constantFrom("markdown" as const, "text" as const),
        (mailboxes, people, name, most, format) => {
          const text = many(mailboxes, people, name);
          const whole = review(readPreview(text));
          const out = render(whole, format, most);
          expect(out.length).toBeLessThanOrEqual(most);
          expect(out.startsWith(format === "markdown" ? `**${whole.headline}**\n` : `${whole.headline}\n`)).toBe(true);
          for (const { code } of whole.flags) {
            expect(out).toContain(`- ${format === "markdown" ? `\`${code}\`` : code} `);
          }
          for (const line of out.split("\n").filter((one) => one.startsWith("| "))) {
            expect(line.endsWith(" |")).toBe(true);
          }
        },
      ),
      { numRuns: 25 },
    );
  });

  test("with every flag raised at once in the program and in the tenant", () => {
    const place = [{ text: "a-mailbox-with-a-rather-long-name@contoso.onmicrosoft.com" } satisfies Foreign];
    const flags = Array.from({ length: 80 }, (_, index) => ({
      code: `code-number-${index}`,
      meaning: "Found in the tenant: a sentence of a usual length about what the code means.",
      places: Array.from({ length: 50 }, () => place),
    }));
    const whole: Review = { ...review(readPreview(previewOf())), flags };
    const out = render(whole, "markdown", FEWEST_CHARACTERS + 2000);
    expect(out.length).toBeLessThanOrEqual(FEWEST_CHARACTERS + 2000);
    expect(out.match(/^- `code-number-\d+`/gm)).toHaveLength(80);
  });
});

describe("names in Markdown", () => {
  const named = (displayName: string) =>
    rendered(
      previewOf(
        step("create", ["SharedMailbox", "support"], {
          after: { displayName, primarySmtpAddress: "support@contoso.com", signInBlocked: true },
        }),
      ),
    )
      .split("\n")
      .find((line) => line.startsWith("| SharedMailbox"));

  test.each<[string, string, string]>([
    ["html and mentions", "<b>@everyone</b> #1", "displayName `<b>@everyone</b> #1`;"],
    ["pipes", "a|b", "displayName `a\\|b`;"],
    ["a pipe behind a backslash", "a\\|b", "displayName `a\\\u200b\\|b`;"],
    ["backticks", "`x` ``y``", "displayName ``` `x` ``y`` ```;"],
    ["lines", "one\r\n\ttwo", "displayName `one two`;"],
    ["what turns the reading direction", "user\u202etxt", "displayName `user\ufffdtxt`;"],
    ["nothing", "  ", "displayName `(empty)`;"],
    ["a link", "[x](https://adatum.example)", "displayName `[x](https://adatum.example)`;"],
  ])("%s", (_, name, shown) => {
    expect(named(name)).toContain(shown);
  });

  test("never break a row: any text stays in its cell", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", minLength: 1, maxLength: 40 }), (name) => {
        const row = named(name) ?? "";
        // A pipe that is not escaped ends a cell.
        expect(row.replace(/\\./g, "").split("|")).toHaveLength(5);
        expect(row.startsWith("| SharedMailbox `support` | create | displayName ")).toBe(true);
      }),
    );
  });
});

test("a secret that a CLI shows is taken out, wherever it stands", () => {
  const people = { "hidden@contoso.com": rights() };
  const signed = {
    "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270",
    plaintext: '"a tip in clear"',
  };
  const text = previewOf(
    membership("create", undefined, people, { inputs: { __secrets: ["members"] } }),
    step("create", ["SharedMailbox", "support"], {
      after: {
        ...{ __secrets: ["mailTip", "forwarding/to"], mailTip: "a secret tip", displayName: "Support a secret tip" },
        ...{
          primarySmtpAddress: "support@contoso.com",
          forwarding: { to: "out@adatum.example" },
          automaticReplies: signed,
        },
      },
    }),
    step("create", ["ForwardingMailbox", "crm"], {
      after: { name: "CRM", credentials: { userName: "crm@contoso.com", password: "correct horse battery" } },
    }),
  );
  const out = rendered(text) + JSON.stringify(review(readPreview(text)));
  expect(out).not.toMatch(/hidden@|secret tip|out@adatum|tip in clear|correct horse/);
  expect(out).toContain("external-forwarding");
  expect(out).toContain("secret-access");
});

test("an input that becomes a secret is told in words", () => {
  const [before, after] = [{ mailTip: "Hello" }, { mailTip: "[secret]", __secrets: ["mailTip"] }];
  const out = rendered(previewOf(step("update", ["SharedMailbox", "support"], { before, after })));
  expect(out).toContain("inputs that are secrets: none → `mailTip`");
  expect(out).not.toContain("__secrets");
});

test("the text form has the same rows, without Markdown", () => {
  const text = rendered(recorded("update"), "text");
  expect(text).toMatch(/^4 people gain access to 4 mailboxes, /);
  expect(text).toMatch(
    /^ {2}grace@contoso\.com +Contoso Support Desk desk@contoso\.com +Full Access, Send As +exclusive$/m,
  );
  expect(text).not.toMatch(/[`*]|<!--|\| /);
});

test("a comment is found again by project and stack", () => {
  expect(rendered(recorded("update"))).toContain("\n<!-- mailboxes-review previews/dev -->\n");
  expect(markerOf("a--b/c>d")).toBe("<!-- mailboxes-review a-b/c-d -->");
  expect(renderFailure(["It failed: ", { text: "<b>@team</b>" }], "a/b", "markdown")).toBe(
    "It failed: `<b>@team</b>`\n\n<!-- mailboxes-review a/b -->\n",
  );
});
