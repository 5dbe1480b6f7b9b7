import { ConflictError, ifAllowed } from "../../http/errors";
import type { Mailbox } from "../../services/mailboxes";
import { describe } from "../../services/recipients";
import { lastSeen } from "../../services/waiting";
import type { Desired, SharedMailboxOperation } from "./desired";
import { formerMarkOf, holdersOf, markOf } from "./naming";

/** How long a mailbox counts as made by the creation that is under way, in milliseconds. */
const OWN_FOR = 24 * 60 * 60 * 1000;
/** How long a mailbox looks like the work of a deployment that was interrupted, in milliseconds. */
const UNFINISHED_FOR = 30 * 60 * 1000;
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
  if (mailbox.recipientTypeDetails !== "SharedMailbox" || !isFresh(mailbox.createdAt)) {
    return false;
  }
  const former = formerMarkOf(inputs.primarySmtpAddress, origin);
  return (
    mailbox.alias.endsWith(former) ||
    mailbox.name.endsWith(former) ||
    (await services.mailboxes.initials(mailbox.id)) === markOf(inputs.primarySmtpAddress, origin)
  );
}

function isFresh(createdAt: string | undefined, milliseconds = OWN_FOR): boolean {
  return Math.abs(Date.now() - Date.parse(createdAt ?? "")) < milliseconds;
}

/**
 * What shows that a mailbox is more than the beginning of an interrupted creation, in words; "" where nothing does. A state that
 * moved to another stack (`pulumi state move`) knows such a mailbox, and a program that still declares it would take it from there.
 */
export async function useOf(mailbox: Mailbox, { services }: SharedMailboxOperation): Promise<string> {
  const [statistics, permissions] = await Promise.all([
    ifAllowed(services.mailboxes.statistics(mailbox)),
    ifAllowed(services.permissions.on(mailbox)),
  ]);
  const people = new Set(permissions?.entries.map(({ sid, trustee }) => sid ?? trustee)).size;
  return [
    ...(isFresh(mailbox.createdAt, UNFINISHED_FOR) ? [] : [`it was made at ${mailbox.createdAt}`]),
    ...(statistics === undefined ? ["what it holds was not read"] : []),
    ...(statistics !== undefined && statistics.itemCount > 0
      ? [`it holds ${counted(statistics.itemCount, "item")}`]
      : []),
    ...(permissions === undefined ? ["who has access was not read"] : []),
    ...(people > 0 ? [`${counted(people, "trustee")} may use it`] : []),
  ].join(", ");
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}

/** The error for a mailbox that this very resource made, and that is more than the beginning of a creation. */
export function alreadyMade(mailbox: Mailbox, why: string): ConflictError {
  return new ConflictError({
    action: "primarySmtpAddress",
    words: `${mailbox.primarySmtpAddress} belongs to ${describe(mailbox)}, which a deployment of this resource made (id ${mailbox.id}; ${why})`,
    nextStep:
      "Nothing was changed. If another stack has it in its state now (`pulumi state move`), take it out of this program. If its " +
      "creation was interrupted, or the state was lost, set adopt: true, or import it with `pulumi import --file`.",
  });
}

/** One's own mailbox that Entra shows and Exchange does not yet: made by an earlier deployment that was killed right after it. */
async function lookForUnshown(desired: Desired, operation: SharedMailboxOperation): Promise<Mailbox | undefined> {
  const holders = await holdersOf(desired.inputs.primarySmtpAddress, undefined, operation);
  return holders.some(({ isDeleted, createdAt }) => !isDeleted && isFresh(createdAt))
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
