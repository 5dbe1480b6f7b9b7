import { isForgottenByPulumi } from "../../review/places";
import { SECRET, UNKNOWN } from "../../review/rules";
import { type Description, mockId, mockIds } from "../description";
import { mailboxMembership } from "./reconciler";
import { survey } from "./survey";

/** How Exchange's rights are called, by the names in the program. */
const RIGHTS: Readonly<Record<string, string>> = {
  fullAccess: "Full Access",
  sendAs: "Send As",
  sendOnBehalf: "Send on Behalf",
};

/** Who may use a mailbox. */
export const description: Description = {
  reconciler: mailboxMembership,
  service: "exchange",
  uses: () => ["members"],
  survey,
  review: {
    rights(given) {
      const { otherRights, ...rights } = (typeof given === "object" && given !== null ? given : {}) as Record<
        string,
        unknown
      >;
      const others = Array.isArray(otherRights) ? otherRights : otherRights === undefined ? [] : [otherRights];
      return [
        ...Object.entries(RIGHTS).map(([name, right]): [string, unknown] => [right, rights[name]]),
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
