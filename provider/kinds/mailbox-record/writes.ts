import { isClass, isServiceError, isUnknownOutcome, ProviderError } from "../../http/errors";
import type { DataverseRow, MailboxRow } from "../../services/dataverse";
import type { Services } from "../../services/services";
import { lastSeen, retryWhile, type Scope, settle } from "../../services/waiting";

/** What reaches the services, and its bounds. */
export type Reach = Scope & { services: Services };

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
 * Gives a command to a mailbox record; where somebody else changed it meanwhile, to the record as it is then. Where the answer was
 * lost it is given again: one that was taken is not taken twice.
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
