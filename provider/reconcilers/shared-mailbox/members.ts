import type { Row } from "../../services/exchange";
import type { Mailbox } from "../../services/mailboxes";
import { type Facet, isSet } from "./facet";

/** A property whose members each are a parameter of `Set-Mailbox` of their own. */
interface Group {
  property: "customAttributes" | "copySentItems";
  /** The members in the tenant; those that are not set are missing. */
  read(mailbox: Mailbox): Record<string, unknown>;
  parameter(member: string): string;
  /** What a member goes back to when it is removed from the program. */
  onRemoval: false | null;
}

const groups: readonly Group[] = [
  {
    property: "customAttributes",
    read: ({ customAttributes }) =>
      Object.fromEntries(Object.entries(customAttributes).map(([number, value]) => [number, value.trim()])),
    parameter: (number) => `CustomAttribute${number}`,
    onRemoval: null,
  },
  {
    property: "copySentItems",
    read: ({ copiesSentAs, copiesSentOnBehalf }) => ({ sentAs: copiesSentAs, sentOnBehalf: copiesSentOnBehalf }),
    parameter: (member) => (member === "sentAs" ? "MessageCopyForSentAsEnabled" : "MessageCopyForSendOnBehalfEnabled"),
    onRemoval: false,
  },
];

type Members = Record<string, unknown>;

/** Properties that are managed member by member: a member that is not declared is somebody else's. */
export const members: Facet = {
  properties: groups.map(({ property }) => property),

  difference: ({ inputs }, previous, { mailbox }) =>
    groups.flatMap(({ property, read, onRemoval }) => {
      const declared: Members = inputs[property] ?? {};
      const before = (previous[property] ?? {}) as Members;
      const present = read(mailbox);
      const managed = Object.keys({ ...before, ...declared }).filter(
        (member) => isSet(declared[member]) || isSet(before[member]),
      );
      return managed.flatMap((member) => {
        const from = present[member] ?? onRemoval;
        // False declares that a text is not set.
        const to = declared[member] || onRemoval;
        return from === to ? [] : [{ path: [property, member], from, to }];
      });
    }),

  parameters: (changes): Row =>
    Object.fromEntries(
      groups.flatMap(({ property, parameter }) =>
        changes.filter(({ path }) => path[0] === property).map(({ path, to }) => [parameter(path[1] ?? ""), to]),
      ),
    ),

  read: ({ mailbox }, state) =>
    Object.fromEntries(
      groups.map(({ property, read }) => {
        const present = read(mailbox);
        const known = Object.entries((state[property] ?? {}) as Members);
        // One that is declared as not set reads as it is declared.
        const unset = (declared: unknown) => (declared === false ? false : null);
        return [
          property,
          Object.fromEntries(known.map(([member, declared]) => [member, present[member] ?? unset(declared)])),
        ];
      }),
    ),
};
