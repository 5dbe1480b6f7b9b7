import { isUnknownOutcome, ProviderError } from "../../http/errors";
import type { DataverseRow, MailboxRow, QueueRow } from "../../services/dataverse";
import type { DynamicsUser } from "../../services/principals";
import { sameText } from "../../services/text";
import { retryWhile, settle } from "../../services/waiting";
import { isChangedMeanwhile, type Reach } from "./writes";

/** The user or queue that a mailbox record belongs to; Dynamics makes and deletes the record with it. */
export interface UserOrQueue {
  kind: "user" | "queue";
  id: string;
  etag: string;
  name: string;
  /** Lower case; undefined where it has none. */
  address: string | undefined;
  /** Id of its mailbox record; undefined while Dynamics has made none. */
  mailboxId: string | undefined;
  /** Whether it is a user that is disabled in Dynamics. */
  isDisabled?: boolean;
  /** All ways to write it: ids, address, the sign-in name of a user, the name of a queue. */
  knownAs: string[];
}

/** The column of the address; the mailbox record follows it. Dynamics refuses it on the record itself (0x8005E208). */
export function addressColumn({ kind }: Pick<UserOrQueue, "kind">, address: string | null): DataverseRow {
  return kind === "user" ? { internalemailaddress: address } : { emailaddress: address };
}

function ofUser(user: DynamicsUser): UserOrQueue {
  return { ...user, kind: "user" };
}

/** Its name and address may be another queue's too: they mean it where it was named before. */
function ofQueue(queue: QueueRow): UserOrQueue {
  const { id, name, emailAddress } = queue;
  const knownAs = [id, name, ...(emailAddress === undefined ? [] : [emailAddress])];
  return { ...queue, kind: "queue", address: emailAddress, knownAs };
}

/** The user or queue with an id as it is now, or undefined when it is gone. */
export async function userOrQueue(
  { kind, id }: Pick<UserOrQueue, "kind" | "id">,
  { services, ...operation }: Reach,
): Promise<UserOrQueue | undefined> {
  if (kind === "user") {
    const user = await services.principals.user(id, operation);
    return user && ofUser(user);
  }
  const queue = await services.queues.withId(id, operation);
  return queue && ofQueue(queue);
}

/** The users or queues that a text means. */
export async function usersOrQueuesNamed(
  kind: UserOrQueue["kind"],
  name: string,
  { services, ...operation }: Reach,
): Promise<UserOrQueue[]> {
  return kind === "user"
    ? (await services.principals.users(name, operation)).map(ofUser)
    : (await services.queues.named(name, operation)).map(ofQueue);
}

/**
 * Writes columns of a user or queue; where somebody else changed it meanwhile, of what it is then. Where the answer was lost it
 * writes them again, which makes no difference to one that was written.
 */
export async function writeTo(
  owner: Pick<UserOrQueue, "kind" | "id">,
  columns: DataverseRow,
  action: string,
  operation: Reach,
): Promise<void> {
  const isPassing = (error: unknown) => isChangedMeanwhile(error) || isUnknownOutcome(error);
  await retryWhile(isPassing, async () => {
    const now = await userOrQueue(owner, operation);
    if (now === undefined) {
      throw new ProviderError({ action, words: `the ${owner.kind} ${owner.id} is gone` });
    }
    const { principals, queues } = operation.services;
    await (now.kind === "user" ? principals : queues).update(now, columns, action, operation);
  });
}

/** The mailbox record that Dynamics made for a user or queue; undefined while there is none. */
export async function recordOf(
  owner: Pick<UserOrQueue, "id" | "mailboxId">,
  { services, ...operation }: Reach,
): Promise<MailboxRow | undefined> {
  // The lookup may lag behind the record, which names its user or queue from the start.
  const byLookup =
    owner.mailboxId === undefined ? undefined : await services.dataverse.mailbox(owner.mailboxId, operation);
  const isIts = (row: MailboxRow) => row.regarding !== undefined && sameText(row.regarding, owner.id);
  return byLookup !== undefined && isIts(byLookup)
    ? byLookup
    : (await services.dataverse.mailboxesRegarding(owner.id, operation)).find(isIts);
}

/** Waits for the mailbox record of a new user or queue: Dynamics makes it some time after its address. */
export async function recordAppears(
  owner: Pick<UserOrQueue, "id" | "kind" | "name" | "mailboxId" | "isDisabled">,
  operation: Reach,
): Promise<MailboxRow> {
  const remedy =
    owner.isDisabled === true ? ", who is disabled there: enable the user, or name another row by its id" : "";
  return settle(
    {
      what: `Dynamics to make the mailbox record of the ${owner.kind} ${owner.name}${remedy}`,
      look: () => recordOf(owner, operation),
      done: (row) => row !== undefined,
    },
    operation,
  );
}
