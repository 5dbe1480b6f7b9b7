import { InputError } from "../../http/errors";
import { describe, type Recipient } from "../../services/recipients";
import { recipientNamed } from "../recipient-named";
import type { Operation } from "../reconciler";

/** Recipient types that have an inbox of their own. */
export const MAILBOXES = ["UserMailbox", "SharedMailbox", "RoomMailbox", "EquipmentMailbox"];

/**
 * The mailbox of the tenant with an address; it may be seconds old.
 *
 * @param why what follows from an address that is no mailbox's, for the error.
 * @throws InputError when the address is outside the tenant, nobody's, or no mailbox's.
 */
export async function mailboxOfTenant(
  address: string,
  path: string,
  why: string,
  operation: Operation,
): Promise<Recipient> {
  await requireOwnDomain(address, path, why, operation);
  const recipient = await recipientNamed(address, path, operation);
  if (!MAILBOXES.includes(recipient.recipientTypeDetails)) {
    throw new InputError([{ path, reason: `is ${describe(recipient)}; ${why}` }]);
  }
  return recipient;
}

/** Refuses an address outside the tenant's accepted domains at once, instead of waiting for it to appear. */
export async function requireOwnDomain(
  address: string,
  path: string,
  why: string,
  { services }: Operation,
): Promise<void> {
  const [, domain] = address.split("@");
  const domains = domain === undefined ? undefined : await services.mailboxes.acceptedDomains();
  if (domain !== undefined && domains !== undefined && !domains.has(domain)) {
    throw new InputError([
      { path, reason: `is outside the tenant, whose domains are ${[...domains.keys()].sort().join(", ")}; ${why}` },
    ]);
  }
}
