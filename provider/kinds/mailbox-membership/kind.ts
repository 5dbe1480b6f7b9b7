import { isSame } from "../../core/canonical";
import { check } from "../../dynamic/check";
import { mapOf } from "../../http/json";
import { SECRET, UNKNOWN } from "../../review/rules";
import { isForgottenByPulumi } from "../../review/words";
import type { Mailbox } from "../../services/mailboxes";
import { type Entry, NAMED_RIGHTS, rightInWords } from "../../services/permissions";
import {
  type Declared,
  type Description,
  MAILBOX,
  minimal,
  mockId,
  mockIds,
  reasons,
  type Survey,
} from "../description";
import {
  type Desired,
  type MemberRights,
  type MembershipInputs,
  type MembershipOperation,
  NOBODY,
  type Observed,
} from "./desired";
import { readMembers } from "./difference";
import { everybodyOn, mailboxMembership } from "./reconciler";

/** Who has access to shared mailboxes, as a program would declare it. */
const survey: Survey = {
  suffix: "members",
  words: ["membership", "memberships"],
  declare: declaredMembership,
};

/** Who may use a mailbox. */
export const description: Description = {
  reconciler: mailboxMembership,
  service: "exchange",
  uses: () => ({ members: true }),
  survey,
  review: {
    rights(given) {
      const { otherRights, ...rights } = mapOf(given);
      const others = Array.isArray(otherRights) ? otherRights : otherRights === undefined ? [] : [otherRights];
      return [
        ...NAMED_RIGHTS.map(({ right, words }): [string, unknown] => [words, rights[right]]),
        ...others.map((right): [string, unknown] =>
          right === UNKNOWN || right === SECRET ? ["other rights", right] : [String(right), true],
        ),
      ];
    },
    happenings: (change, changes) =>
      change.op === "delete" && isForgottenByPulumi(change, changes)
        ? [{ code: "mailbox-unmanaged", what: ["its people keep their access, which is no longer managed"] }]
        : [],
  },
  mock: {
    id: ({ mailbox }) => mockId(mailbox),
    outputs: ({ mailbox, members }, id) => ({
      mailboxId: id,
      mailboxAddresses: String(mailbox).includes("@") ? [mailbox] : [],
      memberIds: mockIds(members),
      otherMembers: [],
    }),
    read: (asked) => ({ mailbox: mockId(asked), members: {}, exclusive: false, orphans: "keep" }),
  },
  // Who is on a mailbox is no row of columns.
  tables: [],
  samples: [
    { mailbox: "ada@contoso.com", members: ["grace@contoso.com"] },
    { mailbox: "ada@contoso.com", members: { "grace@contoso.com": { sendAs: false }, "alan@contoso.com": {} } },
  ],
};

/**
 * Who has access to a mailbox, as a program would declare it. People are found as an exclusive membership finds them on a
 * refresh: by exact address, sign-in name, id or Name, never by the display name of a person; who is meant by two objects is
 * nobody. The mailbox itself is left out of what the program writes, which refers to it by its variable.
 *
 * @returns no `program` when nobody is a member.
 */
async function declaredMembership(
  { mailbox }: { mailbox: Mailbox },
  operation: MembershipOperation,
): Promise<Declared> {
  const id = mailbox.id.toLowerCase();
  const known = everybodyOn(mailbox, operation.known.memory);
  const inputs = { mailbox: id, members: {}, exclusive: true };
  const desired: Desired = { inputs, mailbox, members: new Map(), keep: NOBODY };
  // Asked for in the same moment, the permissions are read once.
  const [found, { entries }] = await Promise.all([
    mailboxMembership.create(desired, { ...operation, known }),
    operation.services.permissions.on(mailbox),
  ]);
  const notes = strangers(entries, found);
  const members = Object.fromEntries(
    Object.entries(readMembers(known, found)).filter(([key, rights]) => {
      const { problems } = check(mailboxMembership, { mailbox: id, members: { [key]: rights } }, undefined);
      notes.push(...(problems.length === 0 ? [] : [`Left out as a member: ${reasons(problems)}.`]));
      return problems.length === 0;
    }),
  );
  const checked = check(mailboxMembership, { mailbox: id, members }, undefined);
  if (checked.problems.length > 0) {
    return {
      id: mailbox.id,
      program: undefined,
      inputs: {},
      outputs: {},
      notes: [...notes, `No members: ${reasons(checked.problems)}.`],
    };
  }
  const people = new Map([...found.people].filter(([key]) => key in members));
  const declared = { ...known, inputs: checked.inputs as MembershipInputs };
  const outputs = mailboxMembership.outputs(undefined, { ...found, people, strangers: [] }, declared);
  return {
    id: mailbox.id,
    program: Object.keys(members).length === 0 ? undefined : { mailbox: MAILBOX, members: written(id, members) },
    inputs: checked.inputs,
    outputs: mailboxMembership.memory.write(outputs),
    notes,
  };
}

/** A list when everybody has the default rights, else a map that says only what is not the default. */
function written(mailbox: string, members: Record<string, MemberRights>): unknown {
  const shortest = mapOf(minimal(mailboxMembership, { mailbox }, "members", members));
  const isPlain = Object.values(shortest).every((rights) => isSame(rights, {}));
  return isPlain ? Object.keys(shortest) : shortest;
}

/** Sentences about explicit entries of trustees that cannot be members. */
function strangers(entries: readonly Entry[], { others, orphans }: Pick<Observed, "others" | "orphans">): string[] {
  const isOrphan = (trustee: string) => orphans.some((one) => one.trustee === trustee);
  return [...new Set(entries.map(({ trustee }) => trustee))]
    .filter((trustee) => others.includes(trustee) || isOrphan(trustee))
    .sort()
    .map((trustee) => {
      const names = entries.filter((entry) => entry.trustee === trustee).flatMap(({ rights }) => rights);
      const rights = [...new Set(names)].map(rightInWords);
      const why = isOrphan(trustee)
        ? "it belongs to a deleted user or group"
        : "it does not name exactly one recipient that can be a member";
      return `${rights.join(" and ")} of ${JSON.stringify(trustee)} is left as it is: ${why}.`;
    });
}
