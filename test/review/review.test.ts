import { readFileSync } from "node:fs";
import { join } from "node:path";
import { mailboxPolicies } from "../../provider/policy";
import type { AccessChange } from "../../provider/review/access";
import { render } from "../../provider/review/command";
import { readPreview, withState } from "../../provider/review/preview";
import { FLAG_CODES, type Review, review } from "../../provider/review/review";
import { RULE_CODES } from "../../provider/review/rules";
import { members, membership, previewOf, recorded, rights, step, urnOf } from "./preview-of";

const reviewOf = (text: string, rules = {}, today = "2027-01-20"): Review => review(readPreview(text), rules, today);

/** Access as `person on mailbox: −right +right (remark)`. */
function told(rows: readonly AccessChange[]): string[] {
  return rows.map(({ person, mailbox, loses, gains, remarks }) => {
    const changes = [...loses.map((right) => `−${right}`), ...gains.map((right) => `+${right}`)].join(" ");
    return `${person} on ${mailbox.address}: ${changes}${remarks.length === 0 ? "" : ` (${remarks.join("; ")})`}`;
  });
}

const codes = ({ flags }: Review) => flags.map(({ code }) => code);

/** The rows of a section as text. */
function rowsOf({ sections }: Review, title: RegExp): string[] {
  const section = sections.find((one) => title.test(one.title));
  return (section?.rows ?? []).map((row) =>
    row.map((cell) => cell.map((part) => (typeof part === "string" ? part : part.text)).join("")).join(" | "),
  );
}

/** What somebody is told who is not named. */
const both = ["Full Access", "Send As"];

describe("a recorded preview", () => {
  test("of a program that changes much says who loses and who gains what", () => {
    const { headline, access } = reviewOf(recorded("update"));
    expect(headline).toBe(
      "4 people gain access to 4 mailboxes, 4 people lose access to 3 mailboxes, the rights of 1 person on 1 mailbox change, " +
        "who gains or loses access to 2 mailboxes does not show, 3 mailboxes are deleted.",
    );
    expect(told(access)).toEqual([
      "ada@contoso.com on desk@contoso.com: −Send As",
      "grace@contoso.com on desk@contoso.com: −Full Access −Send As (exclusive)",
      "ada@contoso.com on kept@contoso.com: −Full Access −Send As",
      "edsger@contoso.com on old@contoso.com: −Full Access −Send As",
      "radia@contoso.com on old@contoso.com: −Full Access −Send As",
      "people who are a secret on press@contoso.com: −may lose rights +may gain rights (the program keeps the members secret)",
      "barbara@contoso.com on desk@contoso.com: +Send As",
      "support-team@contoso.com on desk@contoso.com:  (Outlook no longer opens the mailbox by itself; Full Access is taken and given again for it)",
      "barbara@contoso.com on fresh@contoso.com: +Full Access +Send As",
      "somebody who is not known yet on hand@contoso.com: +rights (not known yet)",
      "whoever had access when it was deleted on restored@contoso.com: +the rights of that time (comes back with the restored mailbox)",
      "edsger@contoso.com on sales@contoso.com: +Full Access +Send As",
      "everyone@contoso.com on sales@contoso.com: +Full Access +Send As",
    ]);
  });

  test("raises a flag for each risk", () => {
    expect(codes(reviewOf(recorded("update")))).toEqual([
      ...["sign-in-open", "external-forwarding", "permanent-deletion", "everyone-group", "external-replies"],
      ...["mailbox-purged", "mailbox-deleted", "mailbox-replaced", "mailbox-unmanaged", "mailbox-restored"],
      ...[
        "exclusive-removes",
        "unknown-access",
        "secret-access",
        "source-added",
        "hold-lifted",
        "archive-disabled",
        "address-bounces",
      ],
    ]);
  });

  test("shows where mail goes, what bounces, what is deleted, and the seats", () => {
    const whole = reviewOf(recorded("update"));
    expect(rowsOf(whole, /^Where mail goes/)).toEqual([
      "radia@contoso.com | source of a forward mailbox | – | forwarded to forwardmailbox@contoso.com, read by Dynamics 365",
      "Contoso Support Desk desk@contoso.com | forwarding | – | archive@adatum.example",
      "Contoso Support Desk desk@contoso.com | automatic replies outside | – | to everybody",
    ]);
    expect(rowsOf(whole, /^Sign-in/)).toEqual([
      "Contoso Support Desk desk@contoso.com | sign-in to its account is opened",
      "Scratch scratch@contoso.com | is deleted for good, with its account.",
      "Old old@contoso.com | is deleted; it can be brought back for 30 days.",
      "By hand hand@contoso.com | is deleted, and an empty mailbox is made in its place.",
      "Kept kept@contoso.com | stays in the tenant, no longer managed",
      "Restored restored@contoso.com | comes back, if a deleted mailbox had the address, with its mail and permissions",
      "Held held@contoso.com | its litigation hold is lifted",
      "Held held@contoso.com | its archive is disabled; the content is lost after 30 days",
    ]);
    expect(
      rowsOf(whole, /^Addresses/)
        .map((row) => row.split(" | ")[0])
        .sort(),
    ).toEqual(["hilfe@contoso.com", "old@contoso.com", "scratch@contoso.com", "support@contoso.com"]);
    expect(rowsOf(whole, /^Licences/)).toEqual(["EXCHANGEENTERPRISE | 1 | 1 | fresh@contoso.com; held@contoso.com"]);
  });

  test("with --refresh sets apart what somebody changed in the tenant", () => {
    const whole = reviewOf(recorded("refreshed"));
    expect(told(whole.drift)).toEqual([
      "ada@contoso.com on hand@contoso.com: −Full Access −Send As",
      "grace@contoso.com on support@contoso.com: −Full Access",
      "edsger@contoso.com on support@contoso.com: +Full Access",
      "radia@contoso.com on sales@contoso.com: +some right (nobody declares it; it is left alone)",
    ]);
    expect(told(whole.access)).toContain(
      "edsger@contoso.com on desk@contoso.com: −Full Access (exclusive: nobody declared it)",
    );
    expect(codes(whole)).toEqual(
      expect.arrayContaining([
        ...["deleted-member", "drift", "drift-sign-in-open", "drift-external-forwarding", "drift-mailbox-deleted"],
      ]),
    );
    expect(
      rowsOf(whole, /what else differs/)
        .map((row) => row.split(" | ")[0])
        .sort(),
    ).toEqual([
      "MailboxMembership hand-members",
      "MailboxMembership sales-members",
      "MailboxMembership support-members",
      "SharedMailbox hand",
      "SharedMailbox info",
      "SharedMailbox sales",
    ]);
  });

  test("of `pulumi refresh` has only what somebody changed", () => {
    const { headline, access, drift } = reviewOf(recorded("drift"));
    expect(headline).toBe("Nothing changes, 5 resources were changed in the tenant behind the program.");
    expect(access).toEqual([]);
    expect(told(drift)).toContain("edsger@contoso.com on support@contoso.com: +Full Access");
  });

  test("of `pulumi destroy` has everybody lose everything", () => {
    const { headline, access, counts } = reviewOf(recorded("destroy"));
    expect(headline).toMatch(
      /^6 people lose access to 6 mailboxes, who gains or loses access to 1 mailbox does not show, 9 mailboxes are deleted\.$/,
    );
    expect(access.flatMap(({ gains }) => gains)).toEqual([]);
    expect(counts.deletedMailboxes).toBe(9);
  });

  test.each(["create", "update", "shown", "refreshed", "drift", "destroy"])("%s never shows a secret", (name) => {
    const text = JSON.stringify(reviewOf(recorded(name)));
    expect(text).not.toMatch(/(first|second) secret tip/);
    // Who is on this mailbox is a secret, though other memberships name the same people.
    const { access, drift } = reviewOf(recorded(name));
    const press = [...access, ...drift].filter(({ mailbox }) => mailbox.address === "press@contoso.com");
    expect(press.filter(({ isHidden }) => !isHidden)).toEqual([]);
  });

  test.each(["create", "update", "shown", "refreshed", "drift", "destroy"])(
    "%s reads the same in whatever order the engine ended its steps",
    (name) => {
      const preview = JSON.parse(recorded(name)) as { steps: object[] };
      const backwards = JSON.stringify({ ...preview, steps: preview.steps.toReversed() });
      expect(reviewOf(backwards)).toEqual(reviewOf(recorded(name)));
    },
  );

  test("counts the resources of other packages, and shows none of them", () => {
    const { sections } = reviewOf(recorded("update"));
    const [note] = sections.find(({ title }) => title === "Beside mailboxes")?.notes ?? [];
    expect(note).toEqual(["1 resource of other packages changes and is not shown here (1 delete)."]);
  });
});

describe("access", () => {
  test("is nobody's change where a membership has another name, or its members another spelling", () => {
    const ids = { memberIds: { "ada@contoso.com": "ada-id", "grace@contoso.com": "grace-id" } };
    const { access, headline } = reviewOf(
      previewOf(
        membership("create", undefined, members("grace@contoso.com", "ada-id"), { name: "new" }),
        membership("delete", members("ada@contoso.com", "grace@contoso.com"), undefined, { name: "old", outputs: ids }),
      ),
    );
    expect(told(access)).toEqual([]);
    expect(headline).toBe("Nobody's access changes, no mailbox is deleted.");
  });

  test("that another membership still gives is not lost", () => {
    const { access } = reviewOf(
      previewOf(
        membership("update", members("ada@contoso.com", "grace@contoso.com"), members("grace@contoso.com")),
        membership(
          "same",
          { "ada@contoso.com": rights({ sendAs: false }) },
          { "ada@contoso.com": rights({ sendAs: false }) },
          { name: "auditors" },
        ),
      ),
    );
    expect(told(access)).toEqual(["ada@contoso.com on support@contoso.com: −Send As"]);
  });

  test("that another membership still gives is told, with the right and the membership", () => {
    const text = previewOf(
      membership("update", members("ada@contoso.com", "grace@contoso.com"), members("grace@contoso.com")),
      membership(
        "same",
        { "ada@contoso.com": rights({ sendAs: false }) },
        { "ada@contoso.com": rights({ sendAs: false }) },
        {
          name: "au|ditors",
        },
      ),
    );
    const result = reviewOf(text);
    expect(told(result.access)).toEqual(["ada@contoso.com on support@contoso.com: −Send As"]);
    expect(rowsOf(result, /^Who loses/)).toEqual([
      "ada@contoso.com | support@contoso.com | Send As |  | still has Full Access through au|ditors",
    ]);
    expect(render(result, "markdown", 60_000)).toContain("still has Full Access through `au\\|ditors`");
  });

  test("that a membership outside of the preview still gives is not lost where the state is given", () => {
    const preview = readPreview(
      previewOf(membership("update", members("ada@contoso.com", "grace@contoso.com"), members("grace@contoso.com"))),
    );
    expect(told(review(preview).access)).toEqual(["ada@contoso.com on support@contoso.com: −Full Access −Send As"]);
    const row = (kind: string, name: string, people: string[]) => ({
      urn: urnOf(kind, name),
      id: "mailbox-id",
      type: urnOf(kind, name).split("::")[2],
      inputs: { mailbox: "mailbox-id", members: members(...people) },
      outputs: { mailboxId: "mailbox-id", mailboxAddresses: ["support@contoso.com"] },
    });
    const resources = [
      row("MailboxMembership", "support-members", ["ada@contoso.com", "grace@contoso.com"]),
      row("MailboxMembership", "auditors", ["ada@contoso.com"]),
      { ...row("MailboxMembership", "going", ["alan@contoso.com"]), delete: true },
      { urn: urnOf("aws:s3/bucket:Bucket", "b"), type: "aws:s3/bucket:Bucket" },
    ];
    const result = review(withState(preview, JSON.stringify({ version: 3, deployment: { resources } })));
    expect(rowsOf(result, /^Who loses/)).toEqual([
      "ada@contoso.com | support@contoso.com |  |  | still has Full Access, Send As through auditors",
    ]);
    expect(result.headline).toMatch(/^Nobody's access changes, /);
    expect(rowsOf(result, /^Everything by resource/)).toHaveLength(1);
    const ofBackend = { version: 3, checkpoint: { stack: "prod", latest: { resources } } };
    expect(review(withState(preview, JSON.stringify(ofBackend)))).toEqual(result);
    expect(() => withState(preview, "{}")).toThrow(
      /^--state: this is not the state of a stack\. Run `pulumi stack export/,
    );
    const other = JSON.stringify({ deployment: { resources } }).replaceAll(":prod::", ":dev::");
    expect(() => withState(preview, other)).toThrow(
      "--state: this is the state of contoso/dev, and the preview is of contoso/prod. Give the state of that stack.",
    );
  });

  test("of a group is counted apart where the state knows that it is one", () => {
    const [team, ada] = ["support-team@contoso.com", "ada@contoso.com"];
    const outputs = { memberIds: { [team]: "team-id", [ada]: "ada-id" }, __memory: { groups: [team] } };
    const result = reviewOf(previewOf(membership("update", members(team, ada), {}, { outputs })));
    expect(result.headline).toMatch(/^1 person and 1 group lose access to 1 mailbox, /);
    expect(rowsOf(result, /^Who loses/)).toEqual([
      `${ada} | support@contoso.com | Full Access, Send As |  | `,
      `${team} | support@contoso.com | Full Access, Send As |  | group`,
    ]);
  });

  test.each([
    ["2027-01-30", "access was to end on 2027-01-31", []],
    ["2027-01-31", "access ended on 2027-01-31", ["access-ended"]],
  ])("with an end is taken away on %s", (today, remark, flags) => {
    const before = { "ada@contoso.com": rights({ until: "2027-01-31" }), ...members("grace@contoso.com") };
    const result = reviewOf(previewOf(membership("update", before, members("grace@contoso.com"))), {}, today);
    expect(told(result.access)).toEqual([`ada@contoso.com on support@contoso.com: −Full Access −Send As (${remark})`]);
    expect(codes(result)).toEqual(flags);
  });

  test.each([
    [undefined, "2027-01-31", "until 2027-01-31, before without an end", []],
    ["2027-01-31", "2027-06-30", "until 2027-06-30 instead of 2027-01-31", ["access-extended"]],
    ["2027-06-30", "2027-01-31", "until 2027-01-31 instead of 2027-06-30", []],
    ["2027-01-31", undefined, "access no longer ends; it was to end on 2027-01-31", ["access-extended"]],
  ])("that ended on %s and ends on %s is no access gained, and is told", (before, after, remark, flags) => {
    const given = (until: string | undefined) => ({ "ada@contoso.com": rights(until === undefined ? {} : { until }) });
    const result = reviewOf(previewOf(membership("update", given(before), given(after))));
    expect(told(result.access)).toEqual([`ada@contoso.com on support@contoso.com:  (${remark})`]);
    expect(result.headline).toMatch(/^The access of 1 person to 1 mailbox ends on another day, /);
    expect(codes(result)).toEqual(flags);
  });

  test("that is new is shown with its end", () => {
    const text = previewOf(membership("create", undefined, { "ada@contoso.com": rights({ until: "2027-01-31" }) }));
    expect(told(reviewOf(text).access)).toEqual([
      "ada@contoso.com on mailbox-id: +Full Access +Send As (until 2027-01-31)",
    ]);
  });

  test("ends with the last of several declarations", () => {
    const given = (until?: string) => ({ "ada@contoso.com": rights(until === undefined ? {} : { until }) });
    const text = previewOf(
      membership("update", given("2027-01-31"), given("2027-06-30")),
      membership("same", given(), given(), { name: "auditors" }),
    );
    expect(reviewOf(text).access).toEqual([]);
  });

  test("shows other rights by Exchange's names, and who is known by id alone", () => {
    const { access } = reviewOf(
      previewOf(
        membership(
          "update",
          { "0f4d": rights({ otherRights: ["ChangeOwner"] }) },
          { "0f4d": rights({ sendOnBehalf: true, otherRights: ["ReadPermission"] }) },
          { outputs: { memberIds: { "0f4d": "0f4d" } } },
        ),
      ),
    );
    expect(told(access)).toEqual(["0f4d on support@contoso.com: −ChangeOwner +Send on Behalf +ReadPermission"]);
  });

  test("of people who are not known yet raises a flag", () => {
    const unknown = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";
    const made = reviewOf(
      previewOf(membership("create", undefined, { ...members("ada@contoso.com"), "(not known yet 1)": rights() })),
    );
    expect(told(made.access)).toEqual([
      "ada@contoso.com on mailbox-id: +Full Access +Send As",
      "somebody who is not known yet on mailbox-id: +Full Access +Send As",
    ]);
    expect(codes(made)).toEqual(["unknown-access"]);
    const changed = reviewOf(previewOf(membership("update", members("ada@contoso.com"), unknown as never)));
    expect(changed.headline).toMatch(/^Who gains or loses access to 1 mailbox does not show/);
    expect(codes(changed)).toEqual(["unknown-access"]);
  });

  test("whose accounts are deleted does not show where that is a secret", () => {
    const sealed = { mailbox: "mailbox-id", members: "[secret]" };
    const outputs = { mailboxId: "mailbox-id", deletedMembers: "[secret]" };
    const changed = step("update", ["MailboxMembership", "support-members"], {
      before: sealed,
      after: { ...sealed, exclusive: true },
      outputs,
    });
    expect(codes(reviewOf(previewOf(changed)))).toEqual([]);
  });

  test("does not ask a secret for the form of an owner", () => {
    const made = step("create", ["SharedMailbox", "desk"], { after: { customAttributes: "[secret]" } });
    const rules = { noOwner: { attribute: 1, pattern: "*@contoso.com" } };
    expect(codes(reviewOf(previewOf(made), rules))).toEqual([]);
  });

  test("whose right is not known yet, or a secret, is shown as a gain", () => {
    const unknown = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";
    const made = reviewOf(
      previewOf(
        membership("create", undefined, {
          "ada@contoso.com": rights({ fullAccess: false, sendAs: unknown }),
          "alan@contoso.com": unknown,
          "grace@contoso.com": "[secret]",
          "radia@contoso.com": rights({ otherRights: ["ReadPermission", unknown] }),
        }),
      ),
    );
    expect(told(made.access)).toEqual([
      "ada@contoso.com on mailbox-id: +Send As (not known yet)",
      "alan@contoso.com on mailbox-id: +rights (not known yet)",
      "grace@contoso.com on mailbox-id: +rights (a secret)",
      "radia@contoso.com on mailbox-id: +Full Access +Send As +ReadPermission +other rights (not known yet)",
    ]);
    expect(codes(made)).toEqual(["unknown-access", "secret-access"]);
  });

  test("to a mailbox that is not known yet raises a flag", () => {
    const unknown = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";
    const after = { mailbox: unknown, members: members("ada@contoso.com") };
    const made = reviewOf(previewOf(step("create", ["MailboxMembership", "of-another-stack"], { after })));
    expect(told(made.access)).toEqual(["ada@contoso.com on a mailbox that is not known yet: +Full Access +Send As"]);
    expect(codes(made)).toEqual(["unknown-access"]);
  });

  test("stays where a mailbox is made anew with its membership, and goes where the membership stays behind", () => {
    const mailbox = { displayName: "Support", primarySmtpAddress: "support@contoso.com", signInBlocked: true };
    const made = (op: string) =>
      told(
        reviewOf(
          previewOf(
            step("replace", ["SharedMailbox", "support"], { before: mailbox, after: mailbox, id: "mailbox-id" }),
            membership(op, members("ada@contoso.com"), members("ada@contoso.com"), {
              outputs: { otherMembers: ["CONTOSO\\bob", "EURPR01A00\\Domain Admins"] },
            }),
          ),
        ).access,
      );
    const bob = "CONTOSO\\bob on support@contoso.com: −every right (nobody declared it)";
    expect(made("replace")).toEqual([bob]);
    expect(made("same")).toEqual([bob, "ada@contoso.com on support@contoso.com: −Full Access −Send As"]);
  });

  test("goes with a mailbox that is deleted, also of people whom nobody declares", () => {
    const mailbox = { displayName: "Support", primarySmtpAddress: "support@contoso.com", signInBlocked: true };
    const { access } = reviewOf(
      previewOf(
        membership("same", members("ada@contoso.com"), members("ada@contoso.com"), {
          outputs: { otherMembers: ["EURPR01A00\\Domain Admins", "grace@contoso.com"] },
        }),
        step("delete", ["SharedMailbox", "support"], { before: mailbox, id: "mailbox-id", outputs: { created: true } }),
      ),
    );
    expect(told(access)).toEqual([
      "ada@contoso.com on support@contoso.com: −Full Access −Send As",
      "grace@contoso.com on support@contoso.com: −every right (nobody declared it)",
    ]);
  });

  test("stays with a mailbox that is left in the tenant, and with a membership that Pulumi forgets", () => {
    const mailbox = { displayName: "Support", primarySmtpAddress: "support@contoso.com", signInBlocked: true };
    const kept = reviewOf(
      previewOf(
        step("delete", ["SharedMailbox", "support"], {
          before: mailbox,
          id: "mailbox-id",
          outputs: { created: false },
        }),
        step("delete", ["MailboxMembership", "support-members"], {
          before: { mailbox: "mailbox-id", members: members("ada@contoso.com") },
          outputs: { mailboxId: "mailbox-id" },
          more: { retainOnDelete: true },
        }),
      ),
    );
    expect(told(kept.access)).toEqual([]);
    expect(codes(kept)).toEqual(["mailbox-unmanaged"]);
    expect(kept.flags[0]?.places).toHaveLength(1);
    expect(kept.headline).toBe("Nobody's access changes, no mailbox is deleted.");
  });

  test("that an entry denies is a loss in the tenant, and nobody's access", () => {
    const state = (otherMembers: string[]) => ({
      urn: urnOf("MailboxMembership", "support-members"),
      inputs: { mailbox: "mailbox-id", members: members("ada@contoso.com") },
      outputs: { mailboxId: "mailbox-id", mailboxAddresses: ["support@contoso.com"], otherMembers },
    });
    const refreshed = (before: string[], after: string[]) => {
      const { urn } = state([]);
      const [was, is] = [state(before), state(after)];
      return told(
        reviewOf(
          previewOf(
            { op: "refresh", urn, oldState: was, newState: was },
            { op: "same", urn, oldState: is, newState: is },
          ),
        ).drift,
      );
    };
    const denied = "bob@contoso.com (denied: FullAccess)";
    expect(refreshed([], [denied])).toEqual([
      `${denied} on support@contoso.com: −what an entry denies (a denial outweighs a right; it is left alone)`,
    ]);
    // An earlier release had only the name.
    expect(refreshed(["bob@contoso.com"], [denied])).toHaveLength(1);
    expect(refreshed([denied], [])).toEqual([
      `${denied} on support@contoso.com: +what an entry denied (a right beside it works again)`,
    ]);
    const mailbox = { displayName: "Support", primarySmtpAddress: "support@contoso.com", signInBlocked: true };
    const gone = step("delete", ["SharedMailbox", "support"], { before: mailbox, id: "mailbox-id" });
    const { urn, ...rest } = state([denied]);
    const { access } = reviewOf(previewOf({ op: "delete", urn, oldState: { urn, ...rest } }, gone));
    expect(told(access)).toEqual(["ada@contoso.com on support@contoso.com: −Full Access −Send As"]);
  });

  test("of deleted users and groups goes with `orphans`", () => {
    const others = { otherMembers: ["S-1-5-21-7 (orphaned: Bob Martin)", "grace@contoso.com"] };
    const { access } = reviewOf(
      previewOf(
        step("update", ["MailboxMembership", "support-members"], {
          before: { mailbox: "mailbox-id", members: members("ada@contoso.com") },
          after: { mailbox: "mailbox-id", members: members("ada@contoso.com"), orphans: "remove" },
          outputs: { mailboxId: "mailbox-id", mailboxAddresses: ["support@contoso.com"], ...others },
        }),
      ),
    );
    expect(told(access)).toEqual([
      "S-1-5-21-7 (orphaned: Bob Martin) on support@contoso.com: −every right (entry of a deleted account or group)",
    ]);
  });

  test("of others is named where a membership becomes exclusive, and is not taken yet", () => {
    const side = { mailbox: "mailbox-id", members: members("ada@contoso.com") };
    const { access, sections } = reviewOf(
      previewOf(
        step("update", ["MailboxMembership", "support-members"], {
          before: side,
          after: { ...side, exclusive: true },
          outputs: {
            mailboxId: "mailbox-id",
            mailboxAddresses: ["support@contoso.com"],
            otherMembers: ["grace@contoso.com"],
          },
        }),
      ),
    );
    expect(access).toEqual([]);
    const [note = []] = sections[0]?.notes ?? [];
    expect(note.map((part) => (typeof part === "string" ? part : part.text)).join("")).toBe(
      "The membership of support@contoso.com becomes exclusive. It takes nothing away in this deployment; the next preview with " +
        "--refresh names who loses access. Others have access now: grace@contoso.com.",
    );
  });
});

describe("flags", () => {
  const mailbox = { displayName: "Support", primarySmtpAddress: "support@contoso.com", signInBlocked: true };
  const changed = (before: object, after: object) =>
    reviewOf(
      previewOf(
        step("update", ["SharedMailbox", "support"], {
          before: { ...mailbox, ...before },
          after: { ...mailbox, ...after },
        }),
      ),
    );

  test.each<[string, object, object]>([
    ["sign-in-open", {}, { signInBlocked: false }],
    ["external-forwarding", {}, { forwarding: { to: "a@adatum.example" } }],
    ["external-forwarding", { forwarding: { to: "a@adatum.example" } }, { forwarding: { to: "b@adatum.example" } }],
    ["permanent-deletion", { deletion: "soft" }, { deletion: { mode: "purge" } }],
    ["external-replies", {}, { automaticReplies: { status: "scheduled", externalMessage: "Away" } }],
    ["hold-lifted", { litigationHold: true }, { litigationHold: { days: 30 } }],
    ["hold-lifted", { litigationHold: { days: 30 } }, { litigationHold: false }],
    ["archive-disabled", { archive: true }, { archive: false }],
    ["address-bounces", { emailAliases: ["help@contoso.com"] }, { emailAliases: [] }],
    ["seats-needed", {}, { license: { sku: "EXCHANGEENTERPRISE" } }],
  ])("%s", (code, before, after) => {
    expect(codes(changed(before, after))).toEqual([code]);
    expect(FLAG_CODES).toHaveProperty(code);
  });

  test.each<[string, object, object]>([
    ["what was so before", { signInBlocked: false }, { signInBlocked: false, displayName: "Desk" }],
    ["what gets safer", { signInBlocked: false, forwarding: { to: "a@adatum.example" } }, { forwarding: false }],
    ["forwarding inside", {}, { forwarding: { to: "ada@contoso.com" } }],
    ["replies to colleagues", {}, { automaticReplies: { status: "alwaysEnabled", internalMessage: "Away" } }],
    ["a hold that is no longer declared, which stays", { litigationHold: true }, {}],
    ["an old primary address, which stays as an alias", {}, { primarySmtpAddress: "desk@contoso.com" }],
    ["another licence in the place of one", { license: { sku: "A" } }, { license: { sku: "A", usageLocation: "SE" } }],
  ])("none for %s", (_, before, after) => {
    expect(codes(changed(before, after))).toEqual([]);
  });

  test("by rules of one's own", () => {
    const text = previewOf(membership("create", undefined, members("ada@contoso.com", "grace@contoso.com")));
    expect(codes(reviewOf(text))).toEqual([]);
    expect(codes(reviewOf(text, { tooManyMembers: { most: 1 }, notExclusive: "advisory" }))).toEqual([
      "not-exclusive",
      "too-many-members",
    ]);
    const ends = { "ada@contoso.com": rights({ until: "2027-01-31" }), "mel@fabrikam.example": rights() };
    const ending = previewOf(membership("create", undefined, ends));
    expect(codes(reviewOf(ending, { accessEnds: { members: ["*@fabrikam.example"] } }))).toEqual(["access-ends"]);
    expect(codes(reviewOf(ending, { accessEnds: { members: ["ada@*"] } }))).toEqual([]);
    expect(codes(reviewOf(ending, { accessEnds: "advisory" }))).toEqual(["access-ends"]);
    expect(() => reviewOf(text, { tooManyMembers: { most: "1" } })).toThrow(
      "tooManyMembers.most: must be a whole number from 1, e.g. 10",
    );
    expect(() => reviewOf(text, { tooMany: {} })).toThrow(
      /^tooMany: is not a rule about mailboxes; the rules are signInOpen/,
    );
  });

  test("an adopted mailbox, and a record of Dynamics that goes", () => {
    const made = reviewOf(
      previewOf(
        step("create", ["SharedMailbox", "support"], { after: { ...mailbox, adopt: "convert" } }),
        step("delete", ["Queue", "leads"], { before: { name: "Leads", emailAddress: "leads@contoso.com" } }),
      ),
    );
    expect(codes(made)).toEqual(["mailbox-adopted", "record-deleted"]);
  });
});

describe("what cannot be reviewed is said in a sentence with a next step", () => {
  test.each<[string, string, RegExp]>([
    ["nothing", "", /^There is nothing to review: the input is empty\. Run `pulumi preview --json/],
    ["a diff", "Previewing update (dev):\n + pulumi:pulumi:Stack", /^This is not the JSON of a preview\. Run/],
    [
      "a cut preview",
      previewOf(membership("create", undefined, {})).slice(0, 80),
      /^The JSON of the preview does not end/,
    ],
    ["a state", '{"version":3,"deployment":{"resources":[]}}', /^This is the state of a stack, not a preview\. Run/],
    ["a list", "[]", /^This is not the JSON of a preview/],
    ["other JSON", '{"name":"x"}', /^This is JSON, and not that of a preview: it has no steps\. Run/],
    ["wrong steps", '{"steps":[{"op":1}]}', /^This is not the JSON of a preview: a step has no operation/],
    [
      "events",
      '{"sequence":1,"preludeEvent":{}}\n{"sequence":2}\n',
      /^This is a stream of events.* Unset PULUMI_ENABLE_STREAMING_JSON_PREVIEW/,
    ],
    [
      "a preview that a policy stopped",
      JSON.stringify({ steps: [], diagnostics: [{ severity: "error", message: "error: preview failed\n" }] }),
      /^The preview failed, .* as where a policy stops it\. Run `pulumi preview` without --json, and mend what it says\.$/,
    ],
    ["a preview that failed", recorded("failed"), /^The preview failed, .*The program is wrong\. Mend that, and run/],
  ])("%s", (_, text, message) => {
    expect(() => reviewOf(text)).toThrow(message);
  });

  test("but not what a script prints before the preview, nor a stack without mailboxes", () => {
    const banner = `\uFEFF> team@1.0.0 preview\n> pulumi preview --json\n\n${previewOf()}`;
    expect(reviewOf(banner).headline).toBe("Nothing changes.");
    const bucket = step("create", ["aws:s3/bucket:Bucket", "logs"], { after: { acl: "private" } });
    const { headline, sections } = reviewOf(previewOf(bucket));
    expect(headline).toBe("Nothing changes.");
    expect(JSON.stringify(sections)).toContain(
      "1 resource of other packages changes and is not shown here (1 create).",
    );
    expect(urnOf("aws:s3/bucket:Bucket", "logs")).toContain("aws:s3");
  });
});

test("the rights of somebody who gains and loses on one mailbox are a change, not access gained", () => {
  const { counts, access } = reviewOf(
    previewOf(
      membership(
        "update",
        { "ada@contoso.com": rights({ sendAs: false }) },
        { "ada@contoso.com": rights({ fullAccess: false }) },
      ),
    ),
  );
  expect(counts).toMatchObject({ gaining: 0, losing: 0, changed: 1 });
  expect(access[0]).toMatchObject({ loses: [both[0]], gains: [both[1]] });
});

describe("the documents", () => {
  const page = (name: string) => readFileSync(join(__dirname, "..", "..", "docs", name), "utf8");

  test("have every flag with its meaning", () => {
    const rows = [...page("review.md").matchAll(/^\| `([a-z][a-z-]+)` \| (.*) \|$/gm)].map(([, code, meaning]) => [
      code,
      meaning,
    ]);
    expect(Object.fromEntries(rows)).toEqual(FLAG_CODES);
  });

  test("show an excerpt of a review as it is", () => {
    const { steps } = JSON.parse(recorded("update")) as { steps: { urn: string }[] };
    const text = previewOf(
      ...steps.filter(({ urn }) =>
        /::(support|support-members|old|old-members|moving-members|sales-people)$/.test(urn),
      ),
    );
    const lines = render(reviewOf(text), "markdown", 60_000).split("\n");
    const [, excerpt = ""] = /```markdown\n([\s\S]*?)\n```/.exec(page("review.md")) ?? [];
    expect(excerpt.split("\n").length).toBeGreaterThan(10);
    expect(excerpt.split("\n").filter((line) => !lines.includes(line))).toEqual([]);
  });

  test("have every rule with its code", () => {
    const rows = [...page("guard-rails.md").matchAll(/^\| `(\w+)` \| `([a-z-]+)` \|/gm)].map(([, rule, code]) => [
      code,
      rule,
    ]);
    expect(rows.map(([code]) => code)).toEqual(Object.keys(RULE_CODES));
    const unknown = rows.filter(([, rule]) => {
      try {
        mailboxPolicies({ [String(rule)]: false });
        return false;
      } catch {
        return true;
      }
    });
    expect(unknown).toEqual([]);
  });
});
