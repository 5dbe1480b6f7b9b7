import { isHeld, newUser, recipientsByObject, smtpAddresses } from "../directory";
import type { Answer } from "../message";
import { type AcceptedDomain, type Recipient, tables, type User } from "../model";
import type { Tenant } from "../tenant";
import { isPlainObject } from "../values";
import { collectionAnswer, entityAnswer } from "./collection";
import { conflictOf, currentUser, findUser, isSame, recipientOf, seenUsers } from "./directory";
import {
  authorizationRequestDenied,
  directorySynced,
  invalidProperty,
  invalidValue,
  notSimulated,
  objectConflict,
  readOnlyProperty,
  resourceNotFound,
  unverifiedDomain,
  valueRequired,
} from "./errors";
import { mailboxSettingsOf } from "./mailbox-settings";
import { admits, bodyOf, type GraphRequest, type Json, spelled } from "./request";
import { plainLists, plainText, readOnlyMembers, userEntity, userType } from "./user-entity";

/** GET /users */
export function listUsers(request: GraphRequest): Answer {
  const { tenant } = request;
  if (selects(request, "mailboxSettings")) {
    throw notSimulated("$select=mailboxSettings on a list of users");
  }
  return collectionAnswer(request, userType, seenUsers(tenant, "live"), "users", (user) => madeOf(user, tenant));
}

/** What was made of rows, which never change: a filter looks into every user of the tenant. */
const made = new WeakMap<User, { recipient: Recipient | undefined; entity: Json }>();

function madeOf(user: User, tenant: Tenant): Json {
  const recipient = recipientOf(tenant, user.id, "graph");
  const known = made.get(user);
  if (known !== undefined && known.recipient === recipient) {
    return known.entity;
  }
  const entity = Object.freeze(userEntity(user, recipient));
  made.set(user, { recipient, entity });
  return entity;
}

/** GET /users/{id} */
export function getUser(request: GraphRequest): Answer {
  // @observed graph.select-mailbox-settings: $select=mailboxSettings fails the whole GET of a user without a mailbox
  // [microsoftgraph issue threads]
  const { tenant } = request;
  const user = requireUser(request);
  const entity = userEntity(user, recipientOf(tenant, user.id, "graph"));
  if (selects(request, "mailboxSettings")) {
    // The service asks the mailbox store in the same breath, and fails as a whole when that has no mailbox.
    entity.mailboxSettings = mailboxSettingsOf(request, user);
  }
  return entityAnswer(request, userType, entity, "users");
}

/** POST /users */
export function createUser(request: GraphRequest): Answer {
  const { tenant } = request;
  const body = spelled(bodyOf(request), userType.members);
  for (const required of ["accountEnabled", "displayName", "mailNickname", "passwordProfile", "userPrincipalName"]) {
    if (body[required] === undefined || body[required] === null || body[required] === "") {
      throw valueRequired(required, "User");
    }
  }
  const passwordProfile = isPlainObject(body.passwordProfile) ? spelled(body.passwordProfile, ["password"]) : undefined;
  if (typeof passwordProfile?.password !== "string" || passwordProfile.password === "") {
    throw valueRequired("passwordProfile", "User");
  }
  const user = newUser({
    userPrincipalName: String(body.userPrincipalName),
    displayName: String(body.displayName),
    mailNickname: String(body.mailNickname),
    accountEnabled: body.accountEnabled === true,
    createdDateTime: tenant.timestamp(),
  });
  const changes = changesOf(tenant, user, body);
  const created: User = { ...user, ...changes.user };
  const conflict = conflictOf(tenant, user.id, {
    userPrincipalName: created.userPrincipalName,
    addresses: created.mail === null ? [] : [created.mail],
  });
  if (conflict !== undefined) {
    throw objectConflict(conflict.property, conflict.holder);
  }
  tenant.store.put(tables.users, created.id, created);
  const answer = entityAnswer(request, userType, userEntity(created, undefined), "users");
  return {
    status: 201,
    headers: { Location: `${request.base}/directoryObjects/${created.id}/Microsoft.DirectoryServices.User` },
    ...(answer.body === undefined ? {} : { body: answer.body }),
  };
}

/** PATCH /users/{id} */
export function updateUser(request: GraphRequest): Answer {
  const { tenant } = request;
  const user = requireCurrentUser(request);
  const body = spelled(bodyOf(request), userType.members);
  const members = Object.keys(body).filter((name) => name !== "id" && !name.includes("@odata."));
  const isAccountState = members.every((name) => name === "accountEnabled");
  if (!admits(request.caller.roles, isAccountState ? "enableUsers" : "updateUsers")) {
    throw authorizationRequestDenied();
  }
  if (members.some((name) => ["accountEnabled", "passwordProfile", "userPrincipalName"].includes(name))) {
    refuseAdministrator(user);
  }
  const changes = changesOf(tenant, user, body);
  const synced = members.filter((name) => name !== "usageLocation");
  if (user.onPremisesSyncEnabled === true && synced.length > 0) {
    throw directorySynced();
  }
  const recipient = recipientOf(tenant, user.id);
  const conflict = conflictOf(tenant, user.id, {
    ...(body.userPrincipalName === undefined ? {} : { userPrincipalName: String(body.userPrincipalName) }),
    ...(typeof body.mail === "string" ? { addresses: [body.mail] } : {}),
  });
  if (conflict !== undefined) {
    throw objectConflict(conflict.property, conflict.holder);
  }
  const operations: [string, string, unknown][] = [[tables.users, user.id, { ...user, ...changes.user }]];
  if (recipient !== undefined) {
    operations.push([tables.recipients, recipient.guid, withChanges(recipient, changes.user)]);
  }
  tenant.store.commit(operations);
  return { status: 204 };
}

/** DELETE /users/{id}: to deletedItems, its mailbox soft-deleted with it. */
export function deleteUser(request: GraphRequest): Answer {
  // @documented graph.delete-with-mailbox: Deleting a user soft-deletes its mailbox; a held one becomes inactive; restore brings
  // both back [Exchange Online: delete or restore user mailboxes]
  const { tenant } = request;
  const user = requireCurrentUser(request);
  refuseAdministrator(user);
  const now = tenant.timestamp();
  const recipients = tenant.store.find([[recipientsByObject, user.id]]);
  const bare = recipients.filter((recipient) => recipient.mailbox === undefined);
  tenant.store.commit([
    [tables.users, user.id, { ...user, deletedDateTime: now, ...(bare.length > 0 ? { deletedRecipients: bare } : {}) }],
    ...recipients.map((recipient): [string, string, unknown] => [
      tables.recipients,
      recipient.guid,
      recipient.mailbox === undefined
        ? null
        : {
            ...recipient,
            mailbox: {
              ...recipient.mailbox,
              whenSoftDeleted: recipient.mailbox.whenSoftDeleted ?? now,
              isInactiveMailbox: isHeld(tenant, recipient.mailbox),
            },
          },
    ]),
  ]);
  return { status: 204 };
}

/** POST /users/{id}/revokeSignInSessions */
export function revokeSignInSessions(request: GraphRequest): Answer {
  const { tenant } = request;
  const user = requireCurrentUser(request);
  tenant.store.put(tables.users, user.id, { ...user, signInSessionsValidFromDateTime: tenant.timestamp() });
  return { status: 200, body: { "@odata.context": `${request.base}/$metadata#Edm.Boolean`, value: true } };
}

/** The user the first key names, as Graph sees it, or 404. */
export function requireUser(request: GraphRequest): User {
  const key = request.keys[0] ?? "";
  const user = findUser(request.tenant, key);
  if (user === undefined) {
    throw resourceNotFound(key);
  }
  return user;
}

/** The same, as it really is: for writes. */
export function requireCurrentUser(request: GraphRequest): User {
  const user = currentUser(request.tenant, requireUser(request));
  if (user === undefined) {
    throw resourceNotFound(request.keys[0] ?? "");
  }
  return user;
}

/**
 * 403 for an account that holds a directory role: an application needs a role of its own, not a permission, for what
 * Microsoft calls sensitive actions.
 */
export function refuseAdministrator(user: User): void {
  // @documented graph.privileged-accounts: Accounts that hold a directory role refuse an application without one: disable, rename,
  // delete, restore, purge [Microsoft Graph reference: who can perform sensitive actions]
  if (user.directoryRoles.length > 0) {
    throw authorizationRequestDenied();
  }
}

function selects(request: GraphRequest, member: string): boolean {
  return (request.query.get("select") ?? "").split(",").some((name) => isSame(name.trim(), member));
}

/** The members of a user row that a body changes, each checked. */
function changesOf(tenant: Tenant, user: User, body: Json): { user: Partial<User> } {
  // @documented graph.mail-patch: PATCH of mail adds the value as an address; the primary address stays [Microsoft Graph reference:
  // user resource type]
  // @observed graph.computed-members: A write of proxyAddresses is 403 Authorization_RequestDenied; other computed members of a
  // user are 400 and called read-only [msgraph-beta-sdk-java #951; active-directory-php-graphapi-web #12 for the text]
  // @observed graph.member-case: Directory objects take the names of members in any case; the object's own id is taken; null clears
  // [clients in production that write PascalCase, and whole users they have read]
  // @observed graph.synced-members: Members mastered on-premises refuse writes with 400; usageLocation does not [public issue
  // threads of Graph clients]
  const changed: Partial<User> = {};
  const other: Json = { ...user.other };
  for (const [name, value] of Object.entries(body)) {
    // A client that read the user sends its id, and what was null, along with the rest.
    if (name.includes("@odata.") || (name === "id" && isSame(String(value), user.id))) {
      continue;
    }
    if (name === "proxyAddresses") {
      throw authorizationRequestDenied();
    }
    if (readOnlyMembers.includes(name)) {
      throw readOnlyProperty(name);
    }
    switch (name) {
      case "accountEnabled":
        changed.accountEnabled = checked(name, value, typeof value === "boolean");
        break;
      case "displayName":
        changed.displayName = checked(name, value, isText(value, 256) && value !== "");
        break;
      case "givenName":
      case "surname":
        if (checked(name, value, value === null || isText(value, 64)) === null) {
          // Null clears; the row has no such member then.
          Object.assign(changed, { [name]: undefined });
        } else {
          changed[name] = String(value);
        }
        break;
      case "mailNickname":
        changed.mailNickname = checked(
          name,
          value,
          isText(value, 64) && value !== "" && !/[@()\\[\]";:<>, ]/.test(String(value)),
        );
        break;
      case "usageLocation":
        changed.usageLocation =
          value === null ? null : checked<string>(name, value, /^[A-Za-z]{2}$/.test(String(value))).toUpperCase();
        break;
      case "userPrincipalName":
        changed.userPrincipalName = checkedPrincipalName(tenant, value);
        break;
      case "mail":
        changed.mail = checked(name, value, value === null || /^[^@\s]+@[^@\s]+$/.test(String(value)));
        break;
      case "userType":
        changed.userType = checked(name, value, value === null || value === "Member" || value === "Guest");
        break;
      case "passwordProfile":
        checked(name, value, value === null || isPlainObject(value));
        break;
      case "showInAddressList":
        checked(name, value, value === null || typeof value === "boolean");
        break;
      case "mailboxSettings":
      case "onPremisesExtensionAttributes":
        throw notSimulated(`Writing '${name}' of a user`);
      default:
        if (plainText.includes(name)) {
          other[name] = checked(name, value, value === null || isText(value, 256));
        } else if (plainLists.includes(name)) {
          other[name] = checked(name, value, Array.isArray(value) && value.every((one) => typeof one === "string"));
        } else if (userType.members.includes(name)) {
          throw notSimulated(`Writing '${name}' of a user`);
        } else {
          throw invalidProperty(name);
        }
        changed.other = other;
    }
  }
  return { user: changed };
}

function withChanges(recipient: Recipient, changed: Partial<User>): Recipient {
  // @documented graph.changes-reach-mailbox: Changing accountEnabled, displayName, mailNickname or userPrincipalName reaches the
  // mailbox [Exchange Online: directory synchronisation in both directions]
  const result: Recipient = { ...recipient };
  if (changed.displayName !== undefined) {
    result.displayName = changed.displayName;
  }
  if (changed.mailNickname !== undefined) {
    result.alias = changed.mailNickname;
  }
  const { mail } = changed;
  if (typeof mail === "string" && !smtpAddresses(recipient).includes(mail.toLowerCase())) {
    result.emailAddresses = [...recipient.emailAddresses, `smtp:${mail}`];
  }
  if (recipient.mailbox !== undefined) {
    result.mailbox = {
      ...recipient.mailbox,
      ...(changed.userPrincipalName === undefined ? {} : { userPrincipalName: changed.userPrincipalName }),
    };
  }
  return result;
}

function checked<T>(name: string, value: unknown, isValid: boolean): T {
  if (!isValid) {
    throw invalidValue(name, "User");
  }
  return value as T;
}

/** A user principal name in one of the tenant's domains, or 400. */
export function checkedPrincipalName(tenant: Tenant, value: unknown): string {
  const name = checked<string>("userPrincipalName", value, typeof value === "string");
  const parts = /^[A-Za-z0-9'._!#^~-]+@([^@\s]+)$/.exec(name);
  if (parts === null) {
    throw invalidValue("userPrincipalName", "User");
  }
  const domains = tenant.store.all<AcceptedDomain>(tables.domains);
  if (!domains.some((domain) => isSame(domain.domainName, parts[1] ?? ""))) {
    throw unverifiedDomain();
  }
  return name;
}

function isText(value: unknown, longest: number): boolean {
  return typeof value === "string" && value.length <= longest;
}
