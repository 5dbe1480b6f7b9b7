import type { Mailbox } from "../../services/mailboxes";
import type { SharedMailboxInputs } from "./desired";
import { changesOf, type Facet, keptAdvice } from "./facet";

type Hold = NonNullable<SharedMailboxInputs["litigationHold"]>;

/** Litigation hold. It is sticky: only an explicit false lifts it, and content is kept for 30 days more then. */
export const litigationHold: Facet = {
  properties: ["litigationHold"],

  advise: (inputs, olds) => [
    ...keptAdvice("litigationHold", inputs, olds),
    ...(inputs.litigationHold === false && isOn(olds.litigationHold)
      ? ["litigationHold is lifted; Exchange keeps the content for 30 more days (a delay hold)."]
      : []),
  ],

  difference({ inputs: { litigationHold: to } }, _previous, { mailbox }) {
    const from = holdOf(mailbox);
    return to === undefined || JSON.stringify(from) === JSON.stringify(to)
      ? []
      : [{ path: ["litigationHold"], from, to }];
  },

  parameters(changes) {
    const [change] = changesOf("litigationHold", changes);
    if (change === undefined) {
      return {};
    }
    const hold = change.to as Hold;
    return hold === false
      ? { LitigationHoldEnabled: false }
      : { LitigationHoldEnabled: true, LitigationHoldDuration: hold === true ? "Unlimited" : hold.days };
  },

  explain(error, changes) {
    // Without the role the parameter does not exist for the caller: Exchange answers as to a misspelt one.
    const isRefused =
      error.class === "forbidden" || (error.class === "badParameter" && /LitigationHold/i.test(error.words));
    return isRefused && changesOf("litigationHold", changes).length > 0
      ? "Nothing was changed. litigationHold needs the Exchange management role Legal Hold besides Mail Recipients: assign it to " +
          "the application, or take litigationHold out of the program."
      : undefined;
  },

  read: ({ mailbox }) => ({ litigationHold: holdOf(mailbox) }),
  outputs: ({ mailbox }) => ({ holds: mailbox.holds }),
};

/** Whether a declared hold is one. */
export function isOn(hold: unknown): boolean {
  return hold !== undefined && hold !== null && hold !== false;
}

function holdOf({ hasLitigationHold, litigationHoldDays: days }: Mailbox): Hold {
  return hasLitigationHold && days !== undefined ? { days } : hasLitigationHold;
}
