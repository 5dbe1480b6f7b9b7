import { z } from "zod";
import { flag } from "../../core/canonical";
import { writeAndRecord } from "../../core/converge";
import { tableOf } from "../../core/properties";
import { ConflictError } from "../../http/errors";
import type { Row } from "../../http/json";
import type { Mailbox } from "../../services/mailboxes";
import type { Desired, HeldInputs, Observed, SharedMailboxOperation } from "./desired";
import { changesOf, type Facet, inTable, mayTakeAway, tellLeft } from "./facet";
import { isOn, whenLicensed } from "./limits";

type Hold = boolean | { days: number };

const DAYS = "must be a whole number of days, 1 or more";

/** The hold: off, without an end, or with days. */
export const holdProperties = tableOf<Row>()({
  litigationHold: {
    schema: z
      .union(
        [z.boolean(), z.strictObject({ days: z.number({ error: DAYS }).int({ error: DAYS }).min(1, { error: DAYS }) })],
        { error: "must be true, false, or an object { days: <whole number> }" },
      )
      .optional(),
    columns: ["LitigationHoldEnabled", "LitigationHoldDuration"],
    read({ LitigationHoldEnabled: isEnabled, LitigationHoldDuration: duration }) {
      // A timespan, `365.00:00:00`, or "Unlimited".
      const days = /^(\d+)(?:\.\d{2}:\d{2}:\d{2})?$/.exec(String(duration))?.[1];
      return isEnabled === true && days !== undefined ? { days: Number(days) } : isEnabled === true;
    },
    write: (hold: Hold) =>
      hold === false
        ? { LitigationHoldEnabled: false }
        : { LitigationHoldEnabled: true, LitigationHoldDuration: hold === true ? "Unlimited" : hold.days },
    removal: "keep",
  },
});

const held = inTable(holdProperties, ({ mailbox: { row } }) => row);

/** Litigation hold. It is sticky: only an explicit false lifts it, and content is kept for 30 days more then. */
export const litigationHold: Facet = {
  ...held,

  advise: (inputs, olds) => [
    ...held.advise(inputs, olds),
    ...(inputs.litigationHold === false && isOn(olds.litigationHold)
      ? ["litigationHold is lifted; Exchange keeps the content for 30 more days (a delay hold)."]
      : []),
  ],

  difference: (desired, previous, observed, known) =>
    isHoldLeft(desired, previous, observed) ? [] : held.difference(desired, previous, observed, known),
  parameters: (changes) => holdProperties.parameters(changes),

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
    if (isHoldLeft(desired, previous, observed)) {
      tellLeft("litigationHold", "a longer litigation hold than is declared", operation);
    }
  },

  outputs: ({ mailbox }) => ({ holds: mailbox.holds }),
};

/** Whether there is more of a hold than is declared, and it stays: content would be lost that nobody knew was held. */
function isHoldLeft(desired: Desired, previous: HeldInputs, observed: Observed): boolean {
  const { litigationHold: to } = desired.inputs;
  const isLess =
    to !== undefined && length(to) < length(holdProperties.values(observed.mailbox.row).litigationHold as Hold);
  return isLess && !mayTakeAway("litigationHold", desired, previous, observed);
}

/** Days that an item is held. */
function length(hold: Hold): number {
  return typeof hold === "object" ? hold.days : hold ? Number.POSITIVE_INFINITY : 0;
}

/** Whether there is an archive. `Enable-Mailbox` and `Disable-Mailbox` write it. */
export const archiveProperties = tableOf<Mailbox>()({
  archive: { schema: flag().optional(), read: ({ hasArchive }) => hasArchive, removal: "keep" },
});

const archived = inTable(archiveProperties, ({ mailbox }) => mailbox);

/** The archive mailbox. It is sticky, and never disabled under a hold. */
export const archive: Facet = {
  ...archived,

  check: ({ archive: declared, litigationHold }) =>
    declared === false && isOn(litigationHold)
      ? [{ path: "archive", reason: "cannot be false under litigationHold: what is held must not be taken away" }]
      : [],

  advise: (inputs, olds) => [
    ...archived.advise(inputs, olds),
    ...(inputs.archive === false && olds.archive === true
      ? ["The archive is disabled; what is in it can be connected again for 30 days, and is lost then."]
      : []),
  ],

  difference: (desired, previous, observed, known) =>
    isArchiveLeft(desired, previous, observed) ? [] : archived.difference(desired, previous, observed, known),

  async guard(changes, _desired, { mailbox }, operation) {
    if (changesOf("archive", changes).every(({ to }) => to !== false)) {
      return;
    }
    const action = `disabling the archive of ${mailbox.primarySmtpAddress}`;
    const holds = await holdsOn(mailbox, action, operation);
    if (holds.length > 0) {
      throw new ConflictError({
        action,
        words: `the mailbox is under ${holds.join(" and ")}`,
        nextStep: "Nothing was changed. Release the hold first, or take `archive: false` out of the program.",
      });
    }
  },

  async apply(changes, { inputs: { archive: declared } }, observed, operation) {
    if (changesOf("archive", changes).length === 0) {
      return undefined;
    }
    const { mailbox } = observed;
    const { mailboxes } = operation.services;
    const action = `${declared === true ? "enabling" : "disabling"} the archive of ${mailbox.primarySmtpAddress}`;
    if (declared !== true) {
      await mailboxes.disableArchive(mailbox, action, operation);
      return undefined;
    }
    await writeAndRecord(
      () => whenLicensed(observed, operation, () => mailboxes.enableArchive(mailbox, action, operation)),
      () => operation.record({ inputs: { archive: declared } }),
    );
    return undefined;
  },

  finish(desired, previous, observed, operation) {
    if (isArchiveLeft(desired, previous, observed)) {
      tellLeft("archive", "an archive", operation);
    }
  },
};

/** Whether there is an archive that is not declared, and it stays. */
function isArchiveLeft(desired: Desired, previous: HeldInputs, observed: Observed): boolean {
  return (
    desired.inputs.archive === false &&
    observed.mailbox.hasArchive &&
    !mayTakeAway("archive", desired, previous, observed)
  );
}

/**
 * The holds on a mailbox, and those of the whole organisation. They would keep a deleted mailbox as an inactive one, which neither
 * restore nor purge reaches.
 */
export async function holdsOn(mailbox: Mailbox, action: string, operation: SharedMailboxOperation): Promise<string[]> {
  const organization = await operation.services.mailboxes.organizationHolds();
  if (organization === undefined) {
    operation.warn(
      `Holds of the whole organisation were not checked before ${action}: the application may not read its configuration (role View-Only Organization Management).`,
    );
  }
  return [...mailbox.holds, ...(organization ?? []).map((hold) => `the organisation's hold ${hold}`)];
}
