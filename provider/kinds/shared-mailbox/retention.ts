import { z } from "zod";
import { flag } from "../../core/canonical";
import { writeAndRecord } from "../../core/kind";
import { isSet, tableOf } from "../../core/properties";
import { mailboxThing, type Registry } from "../../core/registry";
import { ConflictError, isClass, isProviderError, isUnknownOutcome, ProviderError, unless } from "../../http/errors";
import { mapOf, type Row, sameText } from "../../http/json";
import { freshly } from "../../services/listing";
import { describeDeleted, type Mailbox, recoverableUntil, smtpAddresses } from "../../services/mailboxes";
import { describe } from "../../services/recipients";
import { lastSeen, settle } from "../../services/waiting";
import type { Desired, HeldInputs, KnownMailbox, Observed, SharedMailboxOperation } from "./desired";
import { changesOf, type Facet, inTable, isChanged, mayTakeAway, tellLeft } from "./facet";
import { isOn, whenLicensed } from "./limits";

type Hold = boolean | { days: number };

const DAYS = "must be a whole number of days, 1 or more";

/** The longest timespan that .NET knows, and so Exchange. */
const MOST_DAYS = 10_675_199;

const TOO_LONG = `is longer than Exchange can hold (${MOST_DAYS} days); write true for a hold without an end`;

/** The hold: off, without an end, or with days. */
export const holdProperties = tableOf<Row>()({
  litigationHold: {
    schema: z
      .union(
        [
          z.boolean(),
          z.strictObject({ days: z.int({ error: DAYS }).min(1, { error: DAYS }).max(MOST_DAYS, { error: TOO_LONG }) }),
        ],
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
    return isRefused && isChanged("litigationHold", changes)
      ? "Nothing was changed. litigationHold needs the Exchange management role Legal Hold besides Mail Recipients: assign it to " +
          "the application, or take litigationHold out of the program."
      : undefined;
  },

  takesAway: ({ path, from, to }) => path[0] === "litigationHold" && daysOf(to) < daysOf(from),

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
  const isLess = to !== undefined && daysOf(to) < daysOf(holdProperties.values(observed.mailbox.row).litigationHold);
  return isLess && !mayTakeAway("litigationHold", desired, previous, observed);
}

/** How many days a litigation hold keeps things: 0 for none, infinitely many without an end. */
export function daysOf(hold: unknown): number {
  const { days } = mapOf(hold);
  return hold === true ? Number.POSITIVE_INFINITY : typeof days === "number" ? days : 0;
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
    if (!isChanged("archive", changes)) {
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
async function holdsOn(mailbox: Mailbox, action: string, operation: SharedMailboxOperation): Promise<string[]> {
  const organization = await operation.services.mailboxes.organizationHolds();
  if (organization === undefined) {
    operation.warn(
      `Holds of the whole organisation were not checked before ${action}: the application may not read its configuration (role View-Only Organization Management).`,
    );
  }
  return [...mailbox.holds, ...(organization ?? []).map((hold) => `the organisation's hold ${hold}`)];
}

const MODES = '"soft", "retain" or "purge"';
const deletionMode = z.enum(["soft", "retain", "purge"], { error: `must be ${MODES}` });

/** What deletion of the resource does to the mailbox. */
export const deletionSchema = z.union(
  [deletionMode, z.strictObject({ mode: deletionMode, allowInactive: flag().optional() })],
  {
    error: `must be ${MODES}, or an object { mode, allowInactive: true }`,
  },
);

/** How long a deleted mailbox may take to show among the deleted ones before its date is left out, in milliseconds. */
const DELETED_SHOWS = 30_000;
/** How long a deleted account may take to show in Entra before the purge goes on without it, in milliseconds. */
const ACCOUNT_SHOWS = 2 * 60_000;

/** What deletion does: as declared, else soft for a mailbox this resource made and retain for one it found. */
function modeOf({ inputs, memory }: KnownMailbox): { mode: z.output<typeof deletionMode>; allowInactive: boolean } {
  const { deletion: declared } = inputs;
  if (typeof declared === "object" && declared !== null) {
    return { mode: declared.mode, allowInactive: declared.allowInactive === true };
  }
  return { mode: declared ?? (memory.created === true ? "soft" : "retain"), allowInactive: false };
}

/** Notes for the brake on deletions that a refresh saw a mailbox which goes with its resource. */
export function foresee(id: string, known: KnownMailbox, registry: Registry): void {
  if (modeOf(known).mode !== "retain") {
    registry.removals.see(id, mailboxThing(id));
  }
}

/** Deletes a mailbox that is still the one the state knows and still shared; returns when it is gone. */
export async function remove(id: string, operation: SharedMailboxOperation): Promise<void> {
  const { known, services, registry, origin } = operation;
  const who = known.inputs.primarySmtpAddress ?? id;
  const { mode, allowInactive } = modeOf(known);
  if (mode === "retain") {
    const why = isSet(known.inputs.deletion) ? 'deletion is "retain"' : "it was adopted, restored or imported";
    operation.warn(`The mailbox ${who} stays in the tenant: ${why}.`);
    return;
  }
  const other = registry.declaredBy(mailboxThing(id), origin);
  if (other !== undefined) {
    operation.warn(`The mailbox ${who} stays: ${other} declares it.`);
    return;
  }
  await registry.removals.admit(id, "mailbox", `deleting shared mailbox ${who}`, operation);
  // A hold that was placed a minute ago has to be seen.
  const mailbox = await freshly(() => services.mailboxes.withId(id));
  const isHeld = mailbox === undefined ? false : await softDelete(mailbox, allowInactive, operation);
  if (mailbox === undefined) {
    await requireAccountGone(id, operation);
  }
  if (isHeld) {
    const rest = mode === "purge" ? "cannot be purged" : "does not come back with restoreDeleted";
    operation.warn(`The mailbox ${who} is under a hold, so it became an inactive one and ${rest}.`);
  } else if (mode === "soft" && mailbox !== undefined) {
    await tellRecoverable(mailbox, operation);
  } else if (mode === "purge") {
    const guid = (mailbox?.exchangeGuid ?? known.memory.exchangeGuid) || (await deletedGuid(id, operation)) || "";
    await purge(id, guid, mailbox !== undefined, who, operation);
  }
}

/**
 * Says until when the deleted mailbox can come back, and how. It waits until Exchange shows it as deleted, because a creation that
 * follows would not find it before.
 */
async function tellRecoverable(
  { primarySmtpAddress, exchangeGuid }: Mailbox,
  operation: SharedMailboxOperation,
): Promise<void> {
  let until: string | undefined;
  try {
    const [deleted] = await settle(
      {
        what: "Exchange to show the mailbox as deleted",
        look: () => operation.services.mailboxes.deleted(exchangeGuid),
        done: (found) => found.length > 0,
        atMost: DELETED_SHOWS,
      },
      operation,
    );
    until = deleted && recoverableUntil(deleted.deletedAt);
  } catch (error) {
    // The mailbox is gone; a date that cannot be read is no reason to fail.
    if (!isProviderError(error)) {
      throw error;
    }
  }
  operation.warn(
    `The mailbox ${primarySmtpAddress} is deleted and recoverable ${until === undefined ? "for 30 days" : `until ${until}`}: ` +
      `put the resource back with restoreDeleted: true (Exchange guid ${exchangeGuid}).`,
  );
}

/** @returns whether a hold keeps it as an inactive mailbox. */
async function softDelete(
  mailbox: Mailbox,
  allowInactive: boolean,
  operation: SharedMailboxOperation,
): Promise<boolean> {
  const { known, services, registry } = operation;
  const { id } = mailbox;
  const action = `deleting shared mailbox ${mailbox.primarySmtpAddress}`;
  requireSame(mailbox, known.memory.exchangeGuid, action);
  const holds = await holdsOn(mailbox, action, operation);
  if (holds.length > 0 && !allowInactive) {
    throw new ConflictError({
      action,
      words: `it is under ${holds.join(" and ")}; deleted, it would become an inactive mailbox and not come back`,
      nextStep:
        'Nothing was deleted. Release the hold first, or set deletion: "retain", or deletion: { mode: "soft", allowInactive: true }.',
    });
  }
  try {
    await services.mailboxes.remove(mailbox, operation);
  } catch (error) {
    if (!isUnknownOutcome(error)) {
      throw error;
    }
    operation.progress("the answer was lost; looking whether the mailbox is gone");
  }
  await settle(
    {
      what: "the mailbox and its account to be gone",
      look: async () => {
        const [seen, user] = await Promise.all([services.mailboxes.withId(id), services.graph.user(id)]);
        return [...(seen === undefined ? [] : ["the mailbox"]), ...(user === undefined ? [] : ["its account"])];
      },
      done: (left) => left.length === 0,
      describe: (left) => (left.length === 0 ? "gone" : `${left.join(" and ")} still there`),
    },
    operation,
  );
  registry.noteTakenOff(smtpAddresses(mailbox));
  registry.noteDeleted(operation.origin);
  return holds.length > 0;
}

/** The Exchange guid of a mailbox that somebody else deleted and no state knows: an imported one never refreshed. */
async function deletedGuid(id: string, { services }: SharedMailboxOperation): Promise<string | undefined> {
  const found = (await services.mailboxes.deleted()).filter((one) => sameText(one.id, id));
  if (found.length > 1) {
    throw new ConflictError({
      action: `purging the deleted mailbox of the account ${id}`,
      words: `several belong to it, and the state does not know which: ${found.map((one) => describeDeleted(one)).join("; ")}`,
      nextStep: "Nothing was purged. `pulumi state delete` forgets the resource; they go by themselves after 30 days.",
    });
  }
  return found[0]?.exchangeGuid;
}

/**
 * Deletes a soft-deleted mailbox for good: first the mailbox, once Exchange shows it as deleted, then its account. The other
 * way round Exchange would keep the mailbox for its 30 days.
 *
 * @param guid the mailbox's Exchange guid; "" when there is no deleted mailbox of this account.
 */
async function purge(
  id: string,
  guid: string,
  isJustDeleted: boolean,
  who: string,
  operation: SharedMailboxOperation,
): Promise<void> {
  const { mailboxes } = operation.services;
  const isListed = async () => guid !== "" && (await mailboxes.deleted(guid)).length > 0;
  if (isJustDeleted) {
    await settle({ what: "Exchange to show the mailbox as deleted", look: isListed, done: Boolean }, operation);
  }
  const isThere = await isListed();
  // Where the mailbox went a while ago, an account that is not among the deleted ones is gone already.
  const isAccountSeen = isThere ? await accountShows(id, operation) : true;
  if (isThere) {
    try {
      await mailboxes.purge(guid, who, operation);
    } catch (error) {
      if (!isUnknownOutcome(error) && !isClass(error, "notFound")) {
        throw error;
      }
    }
    await settle({ what: "the deleted mailbox to be purged", look: isListed, done: (listed) => !listed }, operation);
  }
  const warn = (why: string) =>
    operation.warn(`The mailbox ${who} is purged; its deleted account stays for 30 days: ${why}`);
  try {
    const isPurged = await purgeAccount(id, who, operation);
    if (!isPurged && !isAccountSeen) {
      warn("Entra does not show it among the deleted ones yet. It can be deleted there for good once it does.");
    }
  } catch (error) {
    if (!isClass(error, "forbidden")) {
      throw error;
    }
    // Whether an application may do this differs between sources; the account goes by itself after 30 days.
    warn(error.message);
  }
}

/** Waits until Entra shows the account among the deleted ones. @returns whether it does, as far as it may be asked. */
async function accountShows(id: string, operation: SharedMailboxOperation): Promise<boolean> {
  const look = () => operation.services.graph.isDeleted(id);
  const wait = { what: "Entra to show the account as deleted", look, done: Boolean, atMost: ACCOUNT_SHOWS };
  return (await unless(lastSeen(wait, operation), "forbidden")) ?? false;
}

/** @returns whether it was there to be purged. */
async function purgeAccount(id: string, who: string, operation: SharedMailboxOperation): Promise<boolean> {
  const { graph } = operation.services;
  try {
    return await graph.purgeUser(id, `purging the deleted account of ${who}`, operation);
  } catch (error) {
    if (!isUnknownOutcome(error)) {
      throw error;
    }
  }
  const what = "the deleted account to be purged";
  return settle({ what, look: () => graph.isDeleted(id), done: (isThere) => !isThere }, operation).then(() => true);
}

function requireSame(mailbox: Mailbox, exchangeGuid: string | undefined, action: string): void {
  if (exchangeGuid !== undefined && exchangeGuid !== "" && !sameText(mailbox.exchangeGuid, exchangeGuid)) {
    throw new ConflictError({
      action,
      words: "its account has another mailbox now than the one this resource manages",
      nextStep: "Nothing was deleted. `pulumi state delete` forgets the resource and leaves the mailbox.",
    });
  }
  if (mailbox.recipientTypeDetails !== "SharedMailbox") {
    throw new ConflictError({
      action,
      words: `it is ${describe(mailbox)} now`,
      nextStep:
        "Nothing was deleted: only shared mailboxes are. `pulumi state delete` forgets the resource and leaves the mailbox.",
    });
  }
}

/** The mailbox is gone; an account that is still there means that Exchange may be wrong. */
async function requireAccountGone(id: string, operation: SharedMailboxOperation): Promise<void> {
  if ((await operation.services.graph.user(id)) !== undefined) {
    throw new ProviderError({
      action: `deleting shared mailbox ${operation.known.inputs.primarySmtpAddress}`,
      words: "Exchange shows no such mailbox, but its account exists in Entra",
      nextStep:
        "Run the command again in a few minutes. If the mailbox really is gone and the account is to stay, `pulumi state delete` forgets the resource.",
    });
  }
}
