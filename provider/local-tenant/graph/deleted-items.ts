import { recipientsByObject, smtpAddresses } from "../directory";
import type { Answer } from "../message";
import { type Group, type Recipient, tables, type User } from "../model";
import type { Tenant } from "../tenant";
import { collectionAnswer, entityAnswer } from "./collection";
import { conflictOf, holderOf, isSame, recipientOf, seenUser, seenUsers } from "./directory";
import { invalidProperty, invalidValue, objectConflict, resourceNotFound, segmentNotFound } from "./errors";
import { bodyOf, type GraphRequest, spelled } from "./request";
import { deletedUserType, userEntity } from "./user-entity";
import { checkedPrincipalName, refuseAdministrator } from "./users";

const userCasts = ["microsoft.graph.user", "graph.user"];

/** GET /directory/deletedItems and its cast to users. */
export function listDeletedItems(request: GraphRequest): Answer {
  const { tenant } = request;
  const context = request.keys.length === 0 ? "directoryObjects" : "users";
  return collectionAnswer(request, deletedUserType, seenUsers(tenant, "deleted"), context, (user) => ({
    ...(request.keys.length === 0 ? { "@odata.type": "#microsoft.graph.user" } : {}),
    ...userEntity(user, recipientOf(tenant, user.id, "graph")),
  }));
}

/** GET /directory/deletedItems/{id}, where the id may be a cast: then the list. */
export function getDeletedItem(request: GraphRequest): Answer {
  const key = request.keys[0] ?? "";
  if (userCasts.some((cast) => isSame(cast, key))) {
    return listDeletedItems(request);
  }
  if (/^(?:microsoft\.)?graph\./i.test(key)) {
    // Only users get into the tenant's deletedItems.
    return collectionAnswer(request, deletedUserType, [], "directoryObjects");
  }
  const { tenant } = request;
  const user = requireDeleted(request);
  return entityAnswer(
    request,
    deletedUserType,
    { "@odata.type": "#microsoft.graph.user", ...userEntity(user, recipientOf(tenant, user.id, "graph")) },
    "directoryObjects",
  );
}

/** GET /directory/deletedItems/microsoft.graph.user/{id} */
export function getDeletedUser(request: GraphRequest): Answer {
  const [cast = "", key = ""] = request.keys;
  if (!userCasts.some((one) => isSame(one, cast))) {
    throw segmentNotFound(key);
  }
  return getDeletedItem({ ...request, keys: [key] });
}

/**
 * POST /directory/deletedItems/{id}/restore: the user and the mailbox that went with it. `newUserPrincipalName` restores it under
 * another name; `autoReconcileProxyConflict` leaves behind the addresses that somebody else has by now.
 */
export function restoreDeletedItem(request: GraphRequest): Answer {
  // @documented graph.restore-taken-name: A restore whose name or address is taken meanwhile answers like a create [Microsoft Graph
  // reference: directory-deleteditems-restore, microsoftgraph/entra-powershell #1071: the parameters are the ways out of the
  // conflict]
  const { tenant } = request;
  const user = requireCurrentDeleted(request);
  const { newName, reconciles } = restoreParameters(request);
  refuseAdministrator(user);
  const mailboxes = tenant.store
    .find([[recipientsByObject, user.id]])
    .filter((recipient) => recipient.mailbox !== undefined);
  const userPrincipalName = newName ?? user.userPrincipalName;
  const isTaken = (address: string): boolean => reconciles && holderOf(tenant, user.id, address) !== undefined;
  const returning = [...mailboxes, ...(user.deletedRecipients ?? [])].map((recipient) =>
    withoutAddresses(recipient, isTaken, userPrincipalName),
  );
  const mail = user.mail !== null && isTaken(user.mail) ? null : user.mail;
  const conflict = conflictOf(tenant, user.id, {
    userPrincipalName,
    addresses: [...returning.flatMap(smtpAddresses), ...(mail === null ? [] : [mail])],
  });
  if (conflict !== undefined) {
    throw objectConflict(conflict.property, conflict.holder);
  }
  const { deletedRecipients: _, ...kept } = user;
  const restored: User = { ...kept, userPrincipalName, mail, deletedDateTime: null };
  tenant.store.commit([
    [tables.users, user.id, restored],
    ...returning.map((recipient): [string, string, unknown] => [
      tables.recipients,
      recipient.guid,
      recipient.mailbox === undefined
        ? recipient
        : {
            ...recipient,
            mailbox: { ...recipient.mailbox, userPrincipalName, whenSoftDeleted: null, isInactiveMailbox: false },
          },
    ]),
  ]);
  return entityAnswer(
    request,
    deletedUserType,
    { "@odata.type": "#microsoft.graph.user", ...userEntity(restored, returning[0]) },
    "directoryObjects",
  );
}

function restoreParameters(request: GraphRequest): { newName: string | undefined; reconciles: boolean } {
  // @documented graph.restore-body: Restore takes newUserPrincipalName and autoReconcileProxyConflict, which leaves taken addresses
  // behind [Microsoft Graph reference: directory-deleteditems-restore]
  const parameters: readonly string[] = ["autoReconcileProxyConflict", "newUserPrincipalName"];
  const body = request.text.trim() === "" ? {} : spelled(bodyOf(request), parameters);
  const unknown = Object.keys(body).find((name) => !parameters.includes(name) && !name.includes("@odata."));
  if (unknown !== undefined) {
    throw invalidProperty(unknown);
  }
  const { autoReconcileProxyConflict: reconciles = null, newUserPrincipalName: newName = null } = body;
  if (reconciles !== null && typeof reconciles !== "boolean") {
    throw invalidValue("autoReconcileProxyConflict", "User");
  }
  return {
    newName: newName === null ? undefined : checkedPrincipalName(request.tenant, newName),
    reconciles: reconciles === true,
  };
}

/** A recipient without the addresses that are taken; where its primary one is, another becomes that. */
function withoutAddresses(recipient: Recipient, isTaken: (address: string) => boolean, otherwise: string): Recipient {
  const emailAddresses = recipient.emailAddresses.filter(
    (address) => !/^smtp:/i.test(address) || !isTaken(address.slice(5)),
  );
  if (emailAddresses.length === recipient.emailAddresses.length) {
    return recipient;
  }
  if (!emailAddresses.some((address) => address.startsWith("SMTP:"))) {
    const next = emailAddresses.findIndex((address) => address.startsWith("smtp:"));
    emailAddresses.splice(Math.max(0, next), next < 0 ? 0 : 1, `SMTP:${emailAddresses[next]?.slice(5) ?? otherwise}`);
  }
  return { ...recipient, emailAddresses };
}

/** DELETE /directory/deletedItems/{id}: the user is gone for good, its mailbox stays soft-deleted. */
export function purgeDeletedItem(request: GraphRequest): Answer {
  // @documented graph.purge-keeps-mailbox: Purging the user leaves its mailbox soft-deleted [Exchange Online: delete or restore
  // user mailboxes]
  const { tenant } = request;
  const user = requireCurrentDeleted(request);
  refuseAdministrator(user);
  const groups = tenant.store.all<Group>(tables.groups).filter((group) => group.members.includes(user.id));
  tenant.store.commit([
    [tables.users, user.id, null],
    ...groups.map((group): [string, string, unknown] => [
      tables.groups,
      group.id,
      { ...group, members: group.members.filter((member) => member !== user.id) },
    ]),
  ]);
  return { status: 204 };
}

function requireDeleted(request: GraphRequest): User {
  const key = request.keys[0] ?? "";
  const user = seenUser(request.tenant, key.toLowerCase());
  if (user === undefined || user.deletedDateTime === null) {
    throw resourceNotFound(key);
  }
  return user;
}

function requireCurrentDeleted(request: GraphRequest): User {
  const user = current(request.tenant, requireDeleted(request));
  if (user === undefined) {
    throw resourceNotFound(request.keys[0] ?? "");
  }
  return user;
}

function current(tenant: Tenant, seen: User): User | undefined {
  const user = tenant.store.get<User>(tables.users, seen.id);
  return user !== undefined && user.deletedDateTime !== null ? user : undefined;
}
