import { InputError } from "../../http/errors";
import type { MailboxRow } from "../../services/dataverse";
import { type Behind, lookBehind } from "../mailbox-record/behind";
import { decidedElsewhere } from "../mailbox-record/ownership";
import { serverProfileOf } from "../mailbox-record/server-profile";
import type { Operation, Properties } from "../reconciler";
import type { Observed } from "./desired";
import { PROPERTIES } from "./former";

/**
 * The record and whose it is.
 *
 * @param program the inputs, or the state, which say whether it is a user's record or a queue's.
 */
export async function around(row: MailboxRow, program: Properties, operation: Operation): Promise<Observed> {
  const { dataverse } = operation.services;
  const kind = (program.user ?? undefined) === undefined ? "queue" : "user";
  const [organizationId, profile, behind] = await Promise.all([
    dataverse.organizationId(operation),
    serverProfileOf(row, operation),
    row.regarding === undefined ? undefined : lookBehind({ kind, id: row.regarding }, operation),
  ]);
  if (behind === undefined) {
    throw new InputError([{ path: kind, reason: `the mailbox record ${row.id} is not that of a ${kind}` }]);
  }
  const successor = behind.isDisabled === true ? await successorOf(behind, operation) : undefined;
  return {
    row,
    behind,
    successor,
    organizationId,
    profile,
    elsewhere: decidedElsewhere(row.id, PROPERTIES, operation),
  };
}

async function successorOf(
  { id, address }: Behind,
  { services, ...operation }: Operation,
): Promise<Observed["successor"]> {
  const found = address === undefined ? [] : await services.principals.users(address, operation);
  return found.find((one) => !one.isDisabled && one.id !== id);
}

/** Whose record it is, in words, as far as the state says. */
export function whoIs({ user, queue, id }: Properties): string {
  return String(user ?? queue ?? id);
}
