import { isLive } from "../directory";
import { type Recipient, tables, type User } from "../model";
import type { Tenant } from "../tenant";
import { findUser, isSame, recipientOf } from "./directory";
import { mailboxNotEnabled, mailboxOwnerNotFound } from "./errors";
import type { GraphRequest } from "./request";

/** A user with a mailbox that Graph's mailbox store serves. */
export interface MailboxOwner {
  user: User;
  /** With its mailbox, as it really is. */
  recipient: Recipient;
}

/**
 * The owner of the mailbox the first key names. 404 MailboxNotEnabledForRESTAPI without a mailbox, while it is soft-deleted
 * and until Graph sees it; 404 ResourceNotFound when there never was such a user.
 */
export function requireMailbox(request: GraphRequest): MailboxOwner {
  // @observed graph.mailbox-not-served: mailboxSettings without a served mailbox: 404 MailboxNotEnabledForRESTAPI, also until a new
  // one is visible [microsoftgraph issue threads]
  // @observed graph.mailbox-unknown-user: The mailbox store answers an unknown user with 404 ResourceNotFound [microsoftgraph issue
  // threads]
  const { tenant } = request;
  const key = request.keys[0] ?? "";
  const user = findUser(tenant, key);
  if (user === undefined) {
    throw isSomebody(tenant, key) ? mailboxNotEnabled() : mailboxOwnerNotFound();
  }
  return { user, recipient: requireRecipient(tenant, user) };
}

/** The recipient of a user that has a mailbox to serve, or 404 MailboxNotEnabledForRESTAPI. */
export function requireRecipient(tenant: Tenant, user: User): Recipient {
  const seen = recipientOf(tenant, user.id, "graph");
  const recipient = recipientOf(tenant, user.id);
  const isServed = seen?.mailbox !== undefined && isLive(seen);
  if (!isServed || recipient?.mailbox === undefined || !isLive(recipient)) {
    throw mailboxNotEnabled();
  }
  return recipient;
}

/** True when the tenant has such a user that Graph does not see yet, or has it in deletedItems. */
function isSomebody(tenant: Tenant, key: string): boolean {
  return tenant.store
    .all<User>(tables.users)
    .some((user) => isSame(user.id, key) || isSame(user.userPrincipalName, key));
}
