import { isLive, recipientsByAddress, recipientsByObject, smtpAddresses, usersByName } from "../directory";
import { type Group, type Recipient, tables, type User } from "../model";
import type { Index, Reader, Search } from "../store";
import type { Tenant } from "../tenant";
import { mailboxNotEnabled, mailboxOwnerNotFound } from "./errors";
import type { GraphRequest } from "./request";

/** Milliseconds a deleted user can be restored. */
const recycleBin = 30 * 24 * 60 * 60 * 1000;

/** The user as Graph sees it now, deleted ones included; undefined when it was never there, was purged or expired. */
export function seenUser(tenant: Tenant, id: string): User | undefined {
  const user = tenant.store.seen<User>("graph", tables.users, id);
  return user !== undefined && !isExpired(tenant, user) ? user : undefined;
}

/** Users as Graph sees them now: those in use, or those in deletedItems. */
export function seenUsers(tenant: Tenant, which: "live" | "deleted"): User[] {
  return tenant.store
    .allSeen<User>("graph", tables.users)
    .filter((user) => (user.deletedDateTime === null) === (which === "live") && !isExpired(tenant, user));
}

/** Users in deletedItems as they really are: each can still be restored. */
export function restorable(tenant: Tenant): User[] {
  return tenant.store
    .all<User>(tables.users)
    .filter((user) => user.deletedDateTime !== null && !isExpired(tenant, user));
}

/** The live user an id or user principal name stands for, as Graph sees it now. */
export function findUser(tenant: Tenant, key: string): User | undefined {
  const byId = seenUser(tenant, key.toLowerCase()) ?? seenUser(tenant, key);
  if (byId !== undefined) {
    return byId.deletedDateTime === null ? byId : undefined;
  }
  return tenant.store.find([[usersByName, key.toLowerCase()]], "graph").find((user) => user.deletedDateTime === null);
}

/** The same row as it really is, for a write: undefined when it was deleted meanwhile. */
export function currentUser(tenant: Tenant, seen: User): User | undefined {
  const user = tenant.store.get<User>(tables.users, seen.id);
  return user?.deletedDateTime === null ? user : undefined;
}

/** The recipient of a user or group as `reader` sees it, or as it really is: a live one before a soft-deleted one. */
export function recipientOf(tenant: Tenant, id: string, reader?: Reader): Recipient | undefined {
  const recipients = tenant.store.find([[recipientsByObject, id]], reader);
  return recipients.find(isLive) ?? recipients.at(-1);
}

/** Equal without case, as names and addresses are compared everywhere. */
export function isSame(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase();
}

/** A name or address that another object has. */
export interface Conflict {
  property: "userPrincipalName" | "proxyAddresses";
  /** Type and id of the other object, as errors name it: `User_…`. */
  holder: string;
}

/**
 * What of a user principal name and addresses is taken by something else than the user `id`: by a live user, group or recipient,
 * and with `Settings.holdAddresses` also by a deleted one.
 */
export function conflictOf(
  tenant: Tenant,
  id: string,
  wanted: { userPrincipalName?: string; addresses?: readonly string[] },
): Conflict | undefined {
  // @observed graph.taken-name: Taken user principal name or address: 400 with the details ObjectConflict and ConflictingObjects,
  // nothing is applied [pnp/cli-microsoft365, microsoft-graph-docs-contrib #8421]
  const { userPrincipalName, addresses = [] } = wanted;
  if (userPrincipalName !== undefined) {
    const [namesake] = otherUsers(tenant, id, [usersByName, userPrincipalName.toLowerCase()]);
    if (namesake !== undefined) {
      return { property: "userPrincipalName", holder: `User_${namesake.id}` };
    }
  }
  for (const address of [...addresses, ...(userPrincipalName === undefined ? [] : [userPrincipalName])]) {
    const holder = holderOf(tenant, id, address);
    if (holder !== undefined) {
      return { property: "proxyAddresses", holder };
    }
  }
  return undefined;
}

/** What else than the user `id` has an SMTP address; undefined = nothing. */
export function holderOf(tenant: Tenant, id: string, address: string): string | undefined {
  const wanted = address.toLowerCase();
  const isHolding = (recipient: Recipient): boolean =>
    recipient.externalDirectoryObjectId !== id && (isLive(recipient) || tenant.settings.holdAddresses);
  // A user without a recipient holds the address in its `mail`.
  const user = otherUsers(tenant, id, [usersByMail, wanted]).findLast(
    (each) => !tenant.store.find([[recipientsByObject, each.id]]).some(isHolding),
  );
  if (user !== undefined) {
    return `User_${user.id}`;
  }
  const recipient = tenant.store
    .find([[recipientsByAddress, wanted]])
    .findLast((each) => isHolding(each) && smtpAddresses(each).includes(wanted));
  if (recipient === undefined) {
    return undefined;
  }
  const { externalDirectoryObjectId: object, guid } = recipient;
  const isGroup = tenant.store.get<Group>(tables.groups, object) !== undefined;
  return object === "" ? `OrgContact_${guid}` : `${isGroup ? "Group" : "User"}_${object}`;
}

const usersByMail: Index<User> = {
  table: tables.users,
  textsOf: ({ mail }) => (mail === null ? [] : [mail.toLowerCase()]),
};

function otherUsers(tenant: Tenant, id: string, search: Search<User>): User[] {
  return tenant.store
    .find([search])
    .filter((user) => user.id !== id && (user.deletedDateTime === null || tenant.settings.holdAddresses));
}

function isExpired(tenant: Tenant, user: User): boolean {
  // @documented graph.deleted-user-days: Deleted users stay 30 days; their user principal name begins with their object id
  // [Microsoft Graph reference: directory-deleteditems]
  return user.deletedDateTime !== null && Date.parse(user.deletedDateTime) + recycleBin < tenant.now();
}

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
