import { isClass, isUnknownOutcome, ProviderError, SettleError } from "../../http/errors";
import type { DataverseRow, MailboxRow } from "../../services/dataverse";
import { settle } from "../../services/waiting";
import type { Operation } from "../reconciler";

/** How often a row that somebody else changed meanwhile is read again: a running test changes it too. */
const LOOKS = 5;

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
 * Gives a command to a mailbox record; where somebody else changed it meanwhile, to the record as it is then. Where the answer was
 * lost it is given again: one that was taken is not taken twice.
 */
export async function command(
  row: MailboxRow,
  columns: DataverseRow,
  action: string,
  operation: Operation,
): Promise<void> {
  const { dataverse } = operation.services;
  let known = row;
  for (let look = 1; ; look += 1) {
    try {
      await dataverse.updateMailbox(known, columns, action, operation);
      return;
    } catch (error) {
      const isOpen = (isClass(error, "precondition") || isUnknownOutcome(error)) && look < LOOKS;
      const now = isOpen ? await dataverse.mailbox(row.id, operation) : undefined;
      if (now === undefined) {
        throw error;
      }
      known = now;
    }
  }
}
