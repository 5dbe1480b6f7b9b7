import type { Operation, Properties } from "../../core/kind";
import { isClass, isServiceError, isUnknownOutcome, ProviderError, SettleError } from "../../http/errors";
import type { DataverseRow, MailboxRow } from "../../services/dataverse";
import { settle } from "../../services/waiting";

/** How often a row that somebody else changed meanwhile is read again: a running test changes it too. */
const LOOKS = 5;
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
export async function lookUntil(id: string, { what, done, atMost }: Wait, operation: Operation): Promise<MailboxRow> {
  const look = async (): Promise<MailboxRow> => {
    const row = await operation.services.dataverse.mailbox(id, operation);
    if (row === undefined) {
      throw new ProviderError({ action: `waiting for ${what}`, words: `the mailbox record ${id} is gone` });
    }
    return row;
  };
  try {
    return await settle({ what, look, done, atMost }, operation);
  } catch (error) {
    if (error instanceof SettleError) {
      return look();
    }
    throw error;
  }
}

/**
 * Changes a mailbox record that is still as it was read; one that is being tested, as soon as that has ended.
 *
 * @throws DataverseError of class `precondition` when somebody changed it meanwhile.
 */
export async function change(
  row: MailboxRow,
  columns: DataverseRow,
  action: string,
  operation: Operation,
): Promise<void> {
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
  operation: Operation,
  isWanted: (now: MailboxRow) => boolean = () => true,
): Promise<MailboxRow> {
  const { dataverse } = operation.services;
  let known = row;
  for (let look = 1; isWanted(known); look += 1) {
    try {
      await dataverse.updateMailbox(known, columns, action, operation);
      return known;
    } catch (error) {
      const isOpen = (isClass(error, "precondition") || isUnknownOutcome(error)) && look < LOOKS;
      const now = isOpen
        ? await dataverse.mailbox(row.id, operation)
        : isTestRunning(error) && look < LOOKS
          ? await testEnded(known, operation)
          : undefined;
      if (now === undefined) {
        throw error;
      }
      known = now;
    }
  }
  return known;
}

/**
 * Does something that begins with a look at a row; where somebody else changed the row meanwhile, from the look on once more.
 *
 * @param isOpen which errors are no reason to give up.
 */
export async function lookingAgain<T>(
  attempt: () => Promise<T>,
  isOpen: (error: unknown) => boolean = (error) => isClass(error, "precondition"),
): Promise<T> {
  for (let look = 1; ; look += 1) {
    try {
      return await attempt();
    } catch (error) {
      if (!isOpen(error) || look === LOOKS) {
        throw error;
      }
    }
  }
}

function isTestRunning(error: unknown): boolean {
  return isServiceError(error) && error.code.toLowerCase() === TEST_RUNS;
}

/** The record once its test has ended; undefined when it does not end in time. */
async function testEnded({ id, emailAddress }: MailboxRow, operation: Operation): Promise<MailboxRow | undefined> {
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

/** How often a creation whose answer was lost is sent. */
const ATTEMPTS = 3;

/** A row of Dataverse that a resource makes or deletes. */
interface RowWork<Row> {
  /** What is being done, for errors: "creating the queue Support". */
  action: string;
  /** In words that follow "waiting for". */
  what: string;
  send: () => Promise<unknown>;
  look: () => Promise<Row | undefined>;
}

/** Makes a row under an id of its own and returns it once Dataverse shows it. */
export async function createRow<Row>({ action, what, send, look }: RowWork<Row>, operation: Operation): Promise<Row> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await send();
      break;
    } catch (error) {
      // Guarded by its own id: sent again it finds the row that a lost answer left behind.
      if (!isUnknownOutcome(error) || attempt === ATTEMPTS) {
        throw error;
      }
    }
  }
  const row = await settle({ what, look, done: (seen) => seen !== undefined }, operation);
  if (row === undefined) {
    throw new ProviderError({ action, words: "Dynamics does not show it" });
  }
  return row;
}

/** Deletes a row and returns when it is gone; an answer that was lost is looked for. */
export async function deleteRow<Row>({ what, send, look }: RowWork<Row>, operation: Operation): Promise<void> {
  try {
    await send();
  } catch (error) {
    if (!isUnknownOutcome(error)) {
      throw error;
    }
  }
  await settle({ what, look, done: (seen) => seen === undefined }, operation);
}

/**
 * A property as it should be: as declared; what was declared before and is not any more, the default; undefined for what is
 * left alone.
 */
export function managed<Value>(
  property: string,
  inputs: Properties,
  previous: Properties,
  byDefault: Value,
): Value | undefined {
  return (
    (inputs[property] as Value | undefined) ?? ((previous[property] ?? undefined) === undefined ? undefined : byDefault)
  );
}
