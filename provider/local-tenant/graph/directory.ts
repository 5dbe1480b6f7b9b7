import { isLive, smtpAddresses } from "../directory";
import { type Group, type Recipient, tables, type User } from "../model";
import type { Tenant } from "../tenant";

/** Milliseconds a deleted user can be restored. */
const recycleBin = 30 * 24 * 60 * 60 * 1000;

/** Guid of the recipient last found for an Entra id: the id of a recipient never changes, so a hit only has to be checked. */
const found = new WeakMap<Tenant, Map<string, string>>();

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
  return seenUsers(tenant, "live").find((user) => isSame(user.userPrincipalName, key));
}

/** The same row as it really is, for a write: undefined when it was deleted meanwhile. */
export function currentUser(tenant: Tenant, seen: User): User | undefined {
  const user = tenant.store.get<User>(tables.users, seen.id);
  return user?.deletedDateTime === null ? user : undefined;
}

/** The recipient of a user or group as Graph sees it: a live one before a soft-deleted one. */
export function seenRecipient(tenant: Tenant, id: string): Recipient | undefined {
  const hit = found.get(tenant)?.get(id);
  const recipient = hit === undefined ? undefined : tenant.store.seen<Recipient>("graph", tables.recipients, hit);
  if (recipient !== undefined && isLive(recipient)) {
    return recipient;
  }
  return recipientsById(tenant, tenant.store.allSeen<Recipient>("graph", tables.recipients)).get(id);
}

/** The recipient of a user or group as it really is. */
export function currentRecipient(tenant: Tenant, id: string): Recipient | undefined {
  const hit = found.get(tenant)?.get(id);
  const recipient = hit === undefined ? undefined : tenant.store.get<Recipient>(tables.recipients, hit);
  if (recipient !== undefined && isLive(recipient)) {
    return recipient;
  }
  return recipientsById(tenant, tenant.store.all<Recipient>(tables.recipients)).get(id);
}

/** Recipients by Entra object id, live ones first where several share one. */
export function recipientsById(tenant: Tenant, recipients: readonly Recipient[]): Map<string, Recipient> {
  const byId = new Map<string, Recipient>();
  for (const recipient of recipients) {
    const other = byId.get(recipient.externalDirectoryObjectId);
    if (recipient.externalDirectoryObjectId !== "" && (other === undefined || !isLive(other))) {
      byId.set(recipient.externalDirectoryObjectId, recipient);
    }
  }
  const guids = found.get(tenant) ?? new Map<string, string>();
  found.set(tenant, guids);
  for (const [id, recipient] of byId) {
    guids.set(id, recipient.guid);
  }
  return byId;
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
    const namesake = otherUsers(tenant, id).find((user) => isSame(user.userPrincipalName, userPrincipalName));
    if (namesake !== undefined) {
      return { property: "userPrincipalName", holder: `User_${namesake.id}` };
    }
  }
  const held = takenAddresses(tenant, id);
  for (const address of [...addresses, ...(userPrincipalName === undefined ? [] : [userPrincipalName])]) {
    const holder = held.get(address.toLowerCase());
    if (holder !== undefined) {
      return { property: "proxyAddresses", holder };
    }
  }
  return undefined;
}

/** Addresses, in lower case, that something else than the user `id` has, and who that is. */
export function takenAddresses(tenant: Tenant, id: string): Map<string, string> {
  const { holdAddresses } = tenant.settings;
  const others = tenant.store
    .all<Recipient>(tables.recipients)
    .filter((recipient) => recipient.externalDirectoryObjectId !== id && (isLive(recipient) || holdAddresses));
  const taken = new Map<string, string>();
  for (const recipient of others) {
    const { externalDirectoryObjectId: object } = recipient;
    const holder =
      object === ""
        ? `OrgContact_${recipient.guid}`
        : `${tenant.store.get<Group>(tables.groups, object) === undefined ? "User" : "Group"}_${object}`;
    for (const address of smtpAddresses(recipient)) {
      taken.set(address, holder);
    }
  }
  const withRecipient = new Set(others.map((recipient) => recipient.externalDirectoryObjectId));
  // A user without a recipient holds the address in its `mail`.
  for (const user of otherUsers(tenant, id)) {
    if (user.mail !== null && !withRecipient.has(user.id)) {
      taken.set(user.mail.toLowerCase(), `User_${user.id}`);
    }
  }
  return taken;
}

function otherUsers(tenant: Tenant, id: string): User[] {
  return tenant.store
    .all<User>(tables.users)
    .filter((user) => user.id !== id && (user.deletedDateTime === null || tenant.settings.holdAddresses));
}

function isExpired(tenant: Tenant, user: User): boolean {
  // @documented graph.deleted-user-days: Deleted users stay 30 days; their user principal name begins with their object id
  // [Microsoft Graph reference: directory-deleteditems]
  return user.deletedDateTime !== null && Date.parse(user.deletedDateTime) + recycleBin < tenant.now();
}
