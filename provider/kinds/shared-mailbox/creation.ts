import { alreadyMade, isRecent, signsOfUse } from "../../core/kind";
import { mailboxThing } from "../../core/registry";
import { ConflictError, ifAllowed, isClass, isProviderError, isUnknownOutcome, ProviderError } from "../../http/errors";
import { plural } from "../../http/json";
import type { User } from "../../services/graph";
import { type Mailbox, mailboxGone } from "../../services/mailboxes";
import { describe, type Recipient } from "../../services/recipients";
import { lastSeen, settle } from "../../services/waiting";
import { convert } from "./account";
import { takingOver, untilReleased } from "./addresses";
import {
  type Desired,
  type Existing,
  facets,
  type Observed,
  observeMailbox,
  type SharedMailboxInputs,
  type SharedMailboxOperation,
} from "./desired";
import { requireNoLoop } from "./forwarding";
import {
  aliasCandidates,
  explainRefusal,
  formerMarkOf,
  freeAlias,
  isGivenUp,
  isNameTaken,
  markOf,
  nameOf,
  requireFree,
  requireNotDeleted,
  taken,
} from "./naming";
import { restore, takeFormerAccess, tellWhatStays } from "./restoration";

/** How often a creation whose answer is lost is sent. */
const MOST_LOST = 3;
/** How many aliases that looked free Exchange may refuse. */
const MOST_REFUSED = 5;

/** On create: the mailbox that has the address already, where it is one's own earlier work or may be adopted. */
export async function find(desired: Desired, operation: SharedMailboxOperation): Promise<Existing | undefined> {
  const { inputs } = desired;
  const { mailboxes } = operation.services;
  const [first] = await askedTogether(desired);
  const isFree = first !== undefined && (await isGivenUp(inputs.primarySmtpAddress, first, true, operation));
  const holder = isFree ? undefined : first;
  const shown = holder === undefined || holder.id === "" ? undefined : await mailboxes.withId(holder.id);
  const made = await earlierWork(shown, holder !== undefined, desired, operation);
  const mailbox = shown ?? made;
  const use = made && (await useOf(made, operation));
  const own = use === "" ? made : undefined;
  const { registry, origin } = operation;
  const manager = mailbox && own === undefined ? registry.declaredBy(mailboxThing(mailbox.id), origin) : undefined;
  if (mailbox !== undefined && manager !== undefined) {
    // An address that its resource gave up and the mailbox still has: adoption would take the whole mailbox over.
    throw taken("primarySmtpAddress", inputs.primarySmtpAddress, `${describe(mailbox)}, which ${manager} manages`);
  }
  const isConverted = mailbox?.recipientTypeDetails === "UserMailbox" && inputs.adopt === "convert";
  const taker = holder ?? made;
  if (taker !== undefined && own === undefined && !isConverted) {
    requireAdoptable(mailbox, describe(taker), inputs, use);
  }
  const among = ["alias", "emailAliases", ...(taker === undefined ? ["primarySmtpAddress"] : [])];
  await requireFree(desired, among, mailbox?.id, operation);
  await requireNoLoop(desired, mailbox, operation);
  if (own !== undefined) {
    return { mailbox: own, way: "continue" };
  }
  return mailbox && { mailbox, way: isConverted ? "convert" : "adopt" };
}

/** On create: makes the mailbox that was found this resource's. */
export async function takeOver(
  { mailbox, way }: Existing,
  desired: Desired,
  operation: SharedMailboxOperation,
): Promise<Observed> {
  if (way === "continue") {
    operation.progress("continuing with the mailbox that an earlier deployment of this resource created");
    return established(mailbox.id, desired, operation);
  }
  if (way === "convert") {
    requireCloudMailbox(mailbox, `converting the mailbox ${mailbox.primarySmtpAddress}`);
    await convert(mailbox, desired, operation);
    return adopted((await operation.services.mailboxes.withId(mailbox.id)) ?? mailbox, desired, operation);
  }
  return adopted(mailbox, desired, operation);
}

/** Asks who has any name of a new mailbox. @returns the recipients that have its primary address. */
async function askedTogether({ inputs, names }: Desired): Promise<Recipient[]> {
  const { primarySmtpAddress, emailAliases = [] } = inputs;
  const [alias = primarySmtpAddress] =
    inputs.alias === undefined ? aliasCandidates(primarySmtpAddress) : [inputs.alias];
  const [found] = await Promise.all([
    names.recipients(primarySmtpAddress),
    ...[primarySmtpAddress, ...emailAliases].map((address) => names.of(address, undefined)),
    names.ofAlias(alias, undefined),
  ]);
  return found;
}

/**
 * Refuses who has the address, unless it is a shared mailbox and the program takes it over.
 *
 * @param use how a mailbox that this resource made is in use; undefined for that of somebody else.
 */
function requireAdoptable(
  mailbox: Mailbox | undefined,
  holder: string,
  inputs: SharedMailboxInputs,
  use: string | undefined,
): void {
  if (mailbox?.recipientTypeDetails !== "SharedMailbox") {
    throw taken("primarySmtpAddress", inputs.primarySmtpAddress, holder);
  }
  if (inputs.adopt === undefined || inputs.adopt === false) {
    if (use !== undefined) {
      const words = `${mailbox.primarySmtpAddress} belongs to ${describe(mailbox)}`;
      const remedy = "set adopt: true, or import it with `pulumi import --file`";
      throw alreadyMade("primarySmtpAddress", words, mailbox.id, use, remedy);
    }
    throw new ConflictError({
      action: "primarySmtpAddress",
      words: `${inputs.primarySmtpAddress} belongs to ${describe(mailbox)}, which exists already (id ${mailbox.id})`,
      nextStep:
        "Nothing was changed. If the resource was renamed in the program, give it aliases: [{ name: <its old name> }]. If another " +
        "stack has it in its state now (`pulumi state move`), take it out of this program. To take the mailbox over, set " +
        "adopt: true, or import it with `pulumi import --file`.",
    });
  }
}

/**
 * On create, where nobody has the address: brings back the deleted mailbox that the program asks for, or makes a new one. What a new one
 * could never have is refused before it is made.
 */
export async function create(desired: Desired, operation: SharedMailboxOperation): Promise<Observed> {
  const restored = await restore(desired.inputs, operation);
  if (restored !== undefined) {
    return withoutFormerAccess(restored, desired, operation);
  }
  await requireNotDeleted(desired, operation);
  for (const facet of facets) {
    await facet.preflight?.(desired, operation);
  }
  return make(desired, operation);
}

/** A mailbox that was restored a moment ago, once it shows and nobody has the access any more that came back with it. */
async function withoutFormerAccess(id: string, desired: Desired, operation: SharedMailboxOperation): Promise<Observed> {
  operation.record({ id, memory: { hasFormerAccess: true } });
  const observed = await settled(id, desired, operation);
  await takeFormerAccess(observed.mailbox, desired.inputs, operation);
  return { ...(await observeMailbox(observed, desired, operation)), takenOver: "restored" };
}

/** Makes the mailbox and returns it once everything can build on it. */
async function make(desired: Desired, operation: SharedMailboxOperation): Promise<Observed> {
  const { inputs } = desired;
  const { displayName, primarySmtpAddress: address } = inputs;
  const initials = markOf(address, operation.origin);
  const refused = new Map<string, string>();
  let isNameRefused = false;
  for (let lost = 0; ; ) {
    const alias = inputs.alias ?? (await freeAlias(desired, refused, operation));
    const names = { name: nameOf(alias, initials, isNameRefused), displayName, alias, primarySmtpAddress: address };
    try {
      const created = await takingOver([address], undefined, operation, () =>
        untilReleased([address], operation, () =>
          operation.services.mailboxes.create({ ...names, initials }, operation),
        ),
      );
      if (created !== undefined) {
        // The answer has shown it already, and nobody can have put anything into it.
        return { ...(await established(created.id, desired, operation, 1)), statistics: { size: 0, itemCount: 0 } };
      }
      const id = (await lookForOwn(desired, operation))?.id;
      if (id === undefined) {
        throw new ProviderError({
          action: `creating shared mailbox ${address}`,
          words: "Exchange reported success and shows no such mailbox",
          nextStep: "Run `pulumi up` again: it continues with the mailbox once Exchange shows it.",
        });
      }
      return await established(id, desired, operation);
    } catch (error) {
      if (operation.known.id !== undefined || !(isNameTaken(error) || isUnknownOutcome(error))) {
        throw error;
      }
      const refusal = isNameTaken(error)
        ? await explainRefusal(error, { ...inputs, alias }, ["primarySmtpAddress", "alias"], undefined, operation)
        : undefined;
      // A creation whose answer was lost, or one an earlier run made and Exchange did not show yet, is ours to continue.
      const own = refusal?.isSomebodyElse === true ? undefined : await lookForOwn(desired, operation);
      if (own !== undefined) {
        return established(own.id, desired, operation);
      }
      if (refusal === undefined) {
        // Looked for and not there: it did not happen. Sent again it can make no twin, because the address is unique.
        lost += 1;
        if (lost === MOST_LOST) {
          throw error;
        }
      } else if (isClass(error, "nameConflict") && refusal.holder === undefined && !isNameRefused) {
        // Nobody has the alias, so it is the Name, which nobody sees and which need not be the alias.
        isNameRefused = true;
      } else if (refusal.path === "alias" && inputs.alias === undefined && refused.size < MOST_REFUSED) {
        refused.set(alias, refusal.holder ?? "somebody whom Exchange does not name");
      } else {
        throw refusal.error;
      }
    }
  }
}

async function adopted(mailbox: Mailbox, desired: Desired, operation: SharedMailboxOperation): Promise<Observed> {
  const action = `adopting shared mailbox ${mailbox.primarySmtpAddress}`;
  requireCloudMailbox(mailbox, action);
  const user = await operation.services.graph.user(mailbox.id);
  if (user === undefined) {
    throw mailboxGone(mailbox.id, action);
  }
  if (user.accountEnabled && operation.defaulted.includes("signInBlocked")) {
    throw new ConflictError({
      action,
      words: "somebody can sign in to its account, and adoption would block that",
      nextStep: "Nothing was changed. Write signInBlocked: true or false to choose.",
    });
  }
  operation.record({ id: mailbox.id, memory: { exchangeGuid: mailbox.exchangeGuid } });
  await tellWhatStays(mailbox, desired.inputs, operation);
  return { ...(await begun({ mailbox, user }, desired, operation)), takenOver: "adopted" };
}

/** Exchange Online refuses, or the next synchronisation overwrites, what is written to a mailbox that lives on-premises. */
export function requireCloudMailbox(mailbox: Mailbox, action: string): void {
  if (mailbox.isDirSynced) {
    throw new ConflictError({
      action,
      words: `${mailbox.primarySmtpAddress} is synchronised from an on-premises directory`,
      nextStep: "Nothing was changed. Change it there: the next synchronisation would undo what is written here.",
    });
  }
}

/** A mailbox this resource made: from here on a failure leaves one behind that the state must know. */
async function established(
  id: string,
  desired: Desired,
  operation: SharedMailboxOperation,
  looks?: number,
): Promise<Observed> {
  const creationMark = markOf(desired.inputs.primarySmtpAddress, operation.origin);
  operation.record({ id, memory: { created: true, creationMark } });
  return settled(id, desired, operation, looks);
}

/**
 * Waits until a mailbox can be read everywhere, because members, rules and settings build on it.
 *
 * @param looks how often in a row it has to show: twice where nothing has shown it yet, because services answer from several servers.
 */
async function settled(id: string, desired: Desired, operation: SharedMailboxOperation, looks = 2): Promise<Observed> {
  const { mailboxes, graph } = operation.services;
  const { mailbox, user } = await settle(
    {
      what: "the mailbox to appear in Exchange and Entra",
      look: async () => {
        const [mailbox, user] = await Promise.all([mailboxes.withId(id), graph.user(id)]);
        return { mailbox, user };
      },
      done: (seen): seen is { mailbox: Mailbox; user: User } => seen.mailbox !== undefined && seen.user !== undefined,
      times: looks,
      describe: ({ mailbox, user }) =>
        `${mailbox === undefined ? "not in Exchange" : "in Exchange"}, ${user === undefined ? "not in Entra" : "in Entra"}`,
    },
    operation,
  );
  operation.record({ memory: { exchangeGuid: mailbox.exchangeGuid } });
  return begun({ mailbox, user }, desired, operation);
}

/** A mailbox from here on managed. What its values were is noted first: a failure notes what is declared, and they would be lost. */
async function begun(
  seen: { mailbox: Mailbox; user: User },
  desired: Desired,
  operation: SharedMailboxOperation,
): Promise<Observed> {
  const observed = await observeMailbox(seen, desired, operation);
  const { valuesBefore } = observed;
  if (valuesBefore !== undefined && Object.keys(valuesBefore).length > 0) {
    operation.record({ memory: { valuesBefore } });
  }
  return observed;
}

/**
 * Takes the mark away by which a creation would know its own work: it has come to its end, and the mailbox is in use. Where that
 * fails, the state keeps the mark, and the next update tries again. The mark of a creation whose command was killed stays: no state
 * knows the mailbox, and the next creation has to know it as its own.
 *
 * @param isJustMade whether this very operation made the mailbox, so that the initials are certain to be the mark.
 */
export async function takeMarkAway(
  { id, primarySmtpAddress }: Mailbox,
  isJustMade: boolean,
  operation: SharedMailboxOperation,
): Promise<void> {
  const { known, services } = operation;
  const { creationMark } = known.memory;
  if (creationMark === undefined || !(await operation.isAwaited())) {
    return;
  }
  try {
    // Initials that somebody wrote meanwhile are theirs.
    if (isJustMade || (await services.mailboxes.initials(id)) === creationMark) {
      await services.mailboxes.clearInitials(id, `taking the mark off the account of ${primarySmtpAddress}`, operation);
    }
    operation.record({ memory: { creationMark: undefined } });
  } catch (error) {
    // It hurts nobody and the next update tries again.
    if (!isProviderError(error)) {
      throw error;
    }
  }
}

/** How long a mailbox counts as made by the creation that is under way, in milliseconds. */
const OWN_FOR = 24 * 60 * 60 * 1000;
/** How long an unanswered creation is looked for before it counts as not having happened, in milliseconds. */
const LOST_FOR = 15_000;

/**
 * The mailbox at the declared address that an earlier deployment of this resource made.
 *
 * @param shown the mailbox that Exchange shows there.
 * @param isHeld whether Exchange shows anybody there.
 */
export async function earlierWork(
  shown: Mailbox | undefined,
  isHeld: boolean,
  desired: Desired,
  operation: SharedMailboxOperation,
): Promise<Mailbox | undefined> {
  if (shown !== undefined) {
    return (await isOwn(shown, desired, operation)) ? shown : undefined;
  }
  return isHeld ? undefined : lookForUnshown(desired, operation);
}

/** Only a shared mailbox that carries the mark and is at most a day old was made by this resource. */
async function isOwn(
  mailbox: Mailbox,
  { inputs }: Desired,
  { origin, services }: SharedMailboxOperation,
): Promise<boolean> {
  if (mailbox.recipientTypeDetails !== "SharedMailbox" || !isRecent(mailbox.createdAt, OWN_FOR)) {
    return false;
  }
  const former = formerMarkOf(inputs.primarySmtpAddress, origin);
  return (
    mailbox.alias.endsWith(former) ||
    mailbox.name.endsWith(former) ||
    (await services.mailboxes.initials(mailbox.id)) === markOf(inputs.primarySmtpAddress, origin)
  );
}

/** What shows that a mailbox is more than the beginning of an interrupted creation, in words; "" where nothing does. */
export async function useOf(mailbox: Mailbox, { services }: SharedMailboxOperation): Promise<string> {
  const [statistics, permissions] = await Promise.all([
    ifAllowed(services.mailboxes.statistics(mailbox)),
    ifAllowed(services.permissions.on(mailbox)),
  ]);
  const people = new Set(permissions?.entries.map(({ sid, trustee }) => sid ?? trustee)).size;
  return signsOfUse(mailbox.createdAt, [
    ...(statistics === undefined ? ["what it holds was not read"] : []),
    ...(statistics !== undefined && statistics.itemCount > 0
      ? [`it holds ${plural(statistics.itemCount, "item")}`]
      : []),
    ...(permissions === undefined ? ["who has access was not read"] : []),
    ...(people > 0 ? [`${plural(people, "trustee")} may use it`] : []),
  ]).join(", ");
}

/** One's own mailbox that Entra shows and Exchange does not yet: made by an earlier deployment that was killed right after it. */
async function lookForUnshown(desired: Desired, operation: SharedMailboxOperation): Promise<Mailbox | undefined> {
  const holders = await desired.names.of(desired.inputs.primarySmtpAddress, undefined);
  return holders.some(({ isDeleted, createdAt }) => !isDeleted && isRecent(createdAt, OWN_FOR))
    ? lookForOwn(desired, operation)
    : undefined;
}

/** The mailbox that a creation without an answer made, if it did. */
export async function lookForOwn(desired: Desired, operation: SharedMailboxOperation): Promise<Mailbox | undefined> {
  const { mailboxes } = operation.services;
  return lastSeen(
    {
      what: "Exchange to show whether the mailbox was created",
      look: async () => {
        const found = await mailboxes.withAddress(desired.inputs.primarySmtpAddress);
        const own = await Promise.all(found.map((mailbox) => isOwn(mailbox, desired, operation)));
        return found.find((_mailbox, index) => own[index]);
      },
      done: (mailbox) => mailbox !== undefined,
      atMost: LOST_FOR,
    },
    operation,
  );
}
