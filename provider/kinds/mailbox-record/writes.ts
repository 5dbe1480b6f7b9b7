import { isClass, isServiceError, isUnknownOutcome, ProviderError } from "../../http/errors";
import { sameText } from "../../http/json";
import type { DataverseRow, MailboxRow, QueueRow } from "../../services/dataverse";
import type { DynamicsUser } from "../../services/principals";
import type { Services } from "../../services/services";
import { lastSeen, retryWhile, type Scope, settle } from "../../services/waiting";

/** What reaches the services, and its bounds. */
type Reach = Scope & { services: Services };

/** Longest wait for a test, in milliseconds; Microsoft speaks of a few minutes. */
export const TEST_TIME = 5 * 60 * 1000;
/** Dynamics may refuse to change a record while its Test & Enable runs. */
const TEST_RUNS = "0x8005e248";

/** What to wait for on a mailbox record. */
interface Wait {
  /** In words that follow "waiting for". */
  what: string;
  done: (row: MailboxRow) => boolean;
  /** Longest wait in milliseconds. */
  atMost: number;
}

/** Looks at a mailbox record until something shows, or until time is up: it returns what was seen last in either case. */
export async function lookUntil(id: string, { what, done, atMost }: Wait, operation: Reach): Promise<MailboxRow> {
  const look = async (): Promise<MailboxRow> => {
    const row = await operation.services.dataverse.mailbox(id, operation);
    if (row === undefined) {
      throw new ProviderError({ action: `waiting for ${what}`, words: `the mailbox record ${id} is gone` });
    }
    return row;
  };
  return lastSeen({ what, look, done, atMost }, operation);
}

/**
 * Changes a mailbox record that is still as it was read; one that is being tested, as soon as that has ended.
 *
 * @throws DataverseError of class `precondition` when somebody changed it meanwhile.
 */
export async function change(row: MailboxRow, columns: DataverseRow, action: string, operation: Reach): Promise<void> {
  const { dataverse } = operation.services;
  try {
    await dataverse.updateMailbox(row, columns, action, operation);
  } catch (error) {
    const now = isTestRunning(error) ? await testEnded(row, operation) : undefined;
    if (now === undefined) {
      throw error;
    }
    // The end of a test is a change of the record by itself.
    await dataverse.updateMailbox(now, columns, action, operation);
  }
}

/**
 * Gives a command to a mailbox record. Where somebody else changed the record meanwhile, or the answer was lost, the record is read
 * again, and gets the command only if it still needs it.
 *
 * @param isWanted whether the record, as it is by then, still needs it.
 * @returns the record as it was when it took the command, or no longer needed it.
 */
export async function command(
  row: MailboxRow,
  columns: DataverseRow,
  action: string,
  operation: Reach,
  isWanted: (now: MailboxRow) => boolean = () => true,
): Promise<MailboxRow> {
  const { dataverse } = operation.services;
  let known = row;
  let refusal: unknown;
  let isGone = false;
  const attempt = async (): Promise<MailboxRow> => {
    if (refusal !== undefined) {
      const now = isTestRunning(refusal)
        ? await testEnded(known, operation)
        : await dataverse.mailbox(row.id, operation);
      isGone = now === undefined;
      known = now ?? known;
    }
    if (isGone) {
      throw refusal;
    }
    if (isWanted(known)) {
      refusal = undefined;
      await dataverse.updateMailbox(known, columns, action, operation).catch((error: unknown) => {
        refusal = error;
        throw error;
      });
    }
    return known;
  };
  const isPassing = (error: unknown) =>
    !isGone && (isChangedMeanwhile(error) || isUnknownOutcome(error) || isTestRunning(error));
  return retryWhile(isPassing, attempt);
}

/** Whether somebody else changed a row between the look and the write. */
export function isChangedMeanwhile(error: unknown): boolean {
  return isClass(error, "precondition");
}

function isTestRunning(error: unknown): boolean {
  return isServiceError(error) && error.code.toLowerCase() === TEST_RUNS;
}

/** The record once its test has ended; undefined when it does not end in time. */
async function testEnded({ id, emailAddress }: MailboxRow, operation: Reach): Promise<MailboxRow | undefined> {
  const seen = await lookUntil(
    id,
    {
      what: `Test & Enable of ${emailAddress} to end, because Dynamics refuses changes meanwhile`,
      done: ({ isTestScheduled }) => !isTestScheduled,
      atMost: TEST_TIME,
    },
    operation,
  );
  return seen.isTestScheduled ? undefined : seen;
}

/** A row of Dataverse that a resource makes or deletes. */
interface RowWork<Row> {
  /** In words that follow "waiting for". */
  what: string;
  send: () => Promise<unknown>;
  look: () => Promise<Row | undefined>;
}

/** Makes a row under an id of its own and returns it once Dataverse shows it. */
export async function createRow<Row>({ what, send, look }: RowWork<Row>, operation: Reach): Promise<Row> {
  // Guarded by its own id: sent again it finds the row that a lost answer left behind.
  await retryWhile(isUnknownOutcome, send);
  return settle({ what, look, done: (seen) => seen !== undefined }, operation);
}

/** Deletes a row and returns when it is gone; an answer that was lost is looked for. */
export async function deleteRow<Row>({ what, send, look }: RowWork<Row>, operation: Reach): Promise<void> {
  try {
    await send();
  } catch (error) {
    if (!isUnknownOutcome(error)) {
      throw error;
    }
  }
  await settle({ what, look, done: (seen) => seen === undefined }, operation);
}

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
