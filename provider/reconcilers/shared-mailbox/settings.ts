import type { Row } from "../../services/exchange";
import { type Mailbox, sameText } from "../../services/mailboxes";
import type { Properties } from "../reconciler";
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
