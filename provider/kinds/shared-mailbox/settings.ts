import type { Properties } from "../../core/kind";
import type { Row } from "../../services/exchange";
import type { Mailbox } from "../../services/mailboxes";
import { sameText } from "../../services/text";
import type { SharedMailboxInputs } from "./desired";
import { type Facet, isSet, keptAdvice } from "./facet";
import { displayedMailTip, mailTipHtml } from "./mail-tip";

/** One property that `Get-Mailbox` shows and `Set-Mailbox` sets. */
interface Setting {
  property: keyof SharedMailboxInputs;
  /** The value in the tenant, in canonical form. */
  read(mailbox: Mailbox, declared: unknown): unknown;
  /** What it goes back to when it is removed from the program; "keep" for one that has no default. */
  onRemoval: { value: unknown } | "keep";
  parameters(value: unknown): Row;
}

const table: readonly Setting[] = [
  {
    property: "displayName",
    read: (mailbox) => mailbox.displayName,
    onRemoval: "keep",
    parameters: (value) => ({ DisplayName: value }),
  },
  {
    property: "alias",
    read: (mailbox, declared) => (sameText(mailbox.alias, String(declared)) ? declared : mailbox.alias),
    onRemoval: "keep",
    parameters: (value) => ({ Alias: value }),
  },
  {
    property: "hiddenFromAddressLists",
    read: (mailbox) => mailbox.isHidden,
    onRemoval: { value: false },
    parameters: (value) => ({ HiddenFromAddressListsEnabled: value }),
  },
  {
    property: "mailTip",
    read: ({ mailTip }, declared) => displayedMailTip(mailTip ?? "") || (declared === false ? false : null),
    onRemoval: { value: null },
    parameters: (value) => ({ MailTip: typeof value === "string" ? mailTipHtml(value) : null }),
  },
];

/** The properties that are plain values of the mailbox. */
export const settings: Facet = {
  properties: table.map(({ property }) => property),

  advise: (inputs, olds) =>
    table.flatMap(({ property, onRemoval }) => (onRemoval === "keep" ? keptAdvice(property, inputs, olds) : [])),

  difference: ({ inputs }, previous, { mailbox }) =>
    table.flatMap((setting) => {
      const { property } = setting;
      const to = wanted(setting, inputs, previous);
      const from = setting.read(mailbox, inputs[property]);
      return to === undefined || JSON.stringify(from) === JSON.stringify(to) ? [] : [{ path: [property], from, to }];
    }),

  parameters: (changes) =>
    Object.assign(
      {},
      ...table.flatMap(({ property, parameters }) =>
        changes.filter(({ path }) => path[0] === property).map(({ to }) => parameters(to)),
      ),
    ) as Row,

  read: ({ mailbox }, state) =>
    Object.fromEntries(table.map(({ property, read }) => [property, read(mailbox, state[property])])),
};

/** The value a property should have; undefined when it is not managed. */
function wanted({ property, onRemoval }: Setting, inputs: SharedMailboxInputs, previous: Properties): unknown {
  if (isSet(inputs[property]) || onRemoval === "keep") {
    return inputs[property];
  }
  return isSet(previous[property]) ? onRemoval.value : undefined;
}

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
