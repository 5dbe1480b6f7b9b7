import type { Operation } from "../../core/kind";
import { isClass, isUnknownOutcome, ProviderError } from "../../http/errors";
import type { DataverseRow, MailboxRow, QueueRow } from "../../services/dataverse";
import { sameText } from "../../services/text";
import { settle } from "../../services/waiting";
import { lookingAgain } from "./writing";

/** The user or queue that a mailbox record belongs to; Dynamics makes and deletes the record with it. */
export interface Behind {
  kind: "user" | "queue";
  id: string;
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
export function addressColumn({ kind }: Pick<Behind, "kind">, address: string | null): DataverseRow {
  return kind === "user" ? { internalemailaddress: address } : { emailaddress: address };
}

/** The user or queue with an id as it is now, or undefined when it is gone. */
export async function lookBehind(
  { kind, id }: Pick<Behind, "kind" | "id">,
  { services, ...operation }: Operation,
): Promise<(Behind & { write: (columns: DataverseRow, action: string) => Promise<void> }) | undefined> {
  if (kind === "user") {
    const user = await services.principals.user(id, operation);
    return user === undefined
      ? undefined
      : {
          kind,
          id: user.id,
          name: user.name,
          address: user.address,
          mailboxId: user.mailboxId,
          isDisabled: user.isDisabled,
          knownAs: user.knownAs,
          write: (columns, action) => services.principals.update(user, columns, action, operation),
        };
  }
  const queue = await services.queues.withId(id, operation);
  return queue === undefined
    ? undefined
    : {
        kind,
        id: queue.id,
        name: queue.name,
        address: queue.emailAddress,
        mailboxId: queue.mailboxId,
        knownAs: namesOf(queue),
        write: (columns, action) => services.queues.update(queue, columns, action, operation),
      };
}

/** All ways to write a queue. Its name and address may be another queue's too: they mean it where it was named before. */
export function namesOf({ id, name, emailAddress }: QueueRow): string[] {
  return [id, name, ...(emailAddress === undefined ? [] : [emailAddress])];
}

/**
 * Writes columns of a user or queue; where somebody else changed it meanwhile, of what it is then. Where the answer was lost it
 * writes them again, which makes no difference to one that was written.
 */
export async function writeBehind(
  behind: Pick<Behind, "kind" | "id">,
  columns: DataverseRow,
  action: string,
  operation: Operation,
): Promise<void> {
  await lookingAgain(
    async () => {
      const now = await lookBehind(behind, operation);
      if (now === undefined) {
        throw new ProviderError({ action, words: `the ${behind.kind} ${behind.id} is gone` });
      }
      await now.write(columns, action);
    },
    (error) => isClass(error, "precondition") || isUnknownOutcome(error),
  );
}

/** The mailbox record that Dynamics made for a user or queue; undefined while there is none. */
export async function recordOf(
  behind: Pick<Behind, "id" | "mailboxId">,
  { services, ...operation }: Operation,
): Promise<MailboxRow | undefined> {
  // The lookup may lag behind the record, which names its user or queue from the start.
  const byLookup =
    behind.mailboxId === undefined ? undefined : await services.dataverse.mailbox(behind.mailboxId, operation);
  const isIts = (row: MailboxRow) => row.regarding !== undefined && sameText(row.regarding, behind.id);
  return byLookup !== undefined && isIts(byLookup)
    ? byLookup
    : (await services.dataverse.mailboxesRegarding(behind.id, operation)).find(isIts);
}

/** Waits for the mailbox record of a new user or queue: Dynamics makes it some time after its address. */
export async function recordAppears(
  behind: Pick<Behind, "id" | "kind" | "name" | "mailboxId"> & Partial<Pick<Behind, "isDisabled">>,
  operation: Operation,
): Promise<MailboxRow> {
  const remedy =
    behind.isDisabled === true ? ", who is disabled there: enable the user, or name another row by its id" : "";
  const seen = await settle(
    {
      what: `Dynamics to make the mailbox record of the ${behind.kind} ${behind.name}${remedy}`,
      look: () => recordOf(behind, operation),
      done: (row) => row !== undefined,
    },
    operation,
  );
  if (seen === undefined) {
    throw new Error("settled without a record");
  }
  return seen;
}
