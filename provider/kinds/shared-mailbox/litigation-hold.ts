import type { Mailbox } from "../../services/mailboxes";
import type { Desired, HeldInputs, Observed, SharedMailboxInputs } from "./desired";
import { changesOf, type Facet, keptAdvice, mayTakeAway, tellLeft } from "./facet";

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

  difference(desired, previous, observed) {
    const { litigationHold: to } = desired.inputs;
    const from = holdOf(observed.mailbox);
    const isSame = to === undefined || length(from) === length(to);
    return isSame || isLeft(desired, previous, observed) ? [] : [{ path: ["litigationHold"], from, to }];
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

  takesAway: ({ path, from, to }) => path[0] === "litigationHold" && length(to as Hold) < length(from as Hold),

  finish(desired, previous, observed, operation) {
    if (isLeft(desired, previous, observed)) {
      tellLeft("litigationHold", "a longer litigation hold than is declared", operation);
    }
  },

  read: ({ mailbox }) => ({ litigationHold: holdOf(mailbox) }),
  outputs: ({ mailbox }) => ({ holds: mailbox.holds }),
};

/** Whether a declared hold is one. */
export function isOn(hold: unknown): boolean {
  return hold !== undefined && hold !== null && hold !== false;
}

/** Whether there is more of a hold than is declared, and it stays: content would be lost that nobody knew was held. */
function isLeft(desired: Desired, previous: HeldInputs, observed: Observed): boolean {
  const { litigationHold: to } = desired.inputs;
  const isLess = to !== undefined && length(to) < length(holdOf(observed.mailbox));
  return isLess && !mayTakeAway("litigationHold", desired, previous, observed);
}

/** Days that an item is held. */
function length(hold: Hold): number {
  return typeof hold === "object" ? hold.days : hold ? Number.POSITIVE_INFINITY : 0;
}

function holdOf({ hasLitigationHold, litigationHoldDays: days }: Mailbox): Hold {
  return hasLitigationHold && days !== undefined ? { days } : hasLitigationHold;
}
