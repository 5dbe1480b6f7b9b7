import { InputError } from "../../http/errors";
import { describe } from "../../services/recipients";
import { recipientNamed } from "../recipient-named";
import type { Operation } from "../reconciler";

/** Recipient types that have an inbox of their own. */
export const MAILBOXES = ["UserMailbox", "SharedMailbox", "RoomMailbox", "EquipmentMailbox"];

/**
 * Requires that the declared `emailAddress` is that of a mailbox of the tenant; it may be seconds old. Asked only where the address
 * is another than the state's.
 *
 * @param why what follows from an address that is no mailbox's, for the error.
 * @param effect what follows from one that is a person's, for a warning.
 * @throws InputError when the address is outside the tenant, nobody's, or no mailbox's.
 */
export async function requireMailboxOfTenant(
  address: string,
  { why, effect }: { why: string; effect: string },
  operation: Operation,
): Promise<void> {
  if (operation.state.emailAddress === address) {
    return;
  }
  const path = "emailAddress";
  await requireOwnDomain(address, path, why, operation);
  const recipient = await recipientNamed(address, path, operation);
  if (!MAILBOXES.includes(recipient.recipientTypeDetails)) {
    throw new InputError([{ path, reason: `is ${describe(recipient)}; ${why}` }]);
  }
  if (recipient.recipientTypeDetails === "UserMailbox") {
    operation.warn(`emailAddress ${address} is a person's mailbox, ${describe(recipient)}. ${effect}`);
  }
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
