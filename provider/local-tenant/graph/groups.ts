import type { Answer } from "../message";
import { type Group, type Recipient, tables, type User } from "../model";
import type { Tenant } from "../tenant";
import { isGuid, names } from "../values";
import { collectionAnswer, type EntityType, entityAnswer, refuseUnknown } from "./collection";
import { recipientOf, seenUser } from "./directory";
import { authorizationRequestDenied, invalidGuid, missingParameters, resourceNotFound, tooManyIds } from "./errors";
import { groupNavigation, userNavigation } from "./not-simulated";
import { admits, bodyOf, type GraphRequest, type Json, spelled } from "./request";
import { userEntity, userType } from "./user-entity";

/** Members of a group that the tenant keeps nothing for; null. */
const unkept = names(`
  accessType allowExternalSenders autoSubscribeNewMembers hasMembersWithLicenseErrors hideFromAddressLists
  hideFromOutlookClients isArchived isFavorite isManagementRestricted isSubscribedByMail licenseProcessingState
  onPremisesDomainName onPremisesExtensionAttributes onPremisesNetBiosName onPremisesSamAccountName organizationId
  unseenConversationsCount unseenCount unseenMessagesCount welcomeMessageEnabled
`);

/** Collections of a group that are always empty here. */
const emptyLists = [
  "assignedLabels",
  "assignedLicenses",
  "infoCatalogs",
  "onPremisesProvisioningErrors",
  "serviceProvisioningErrors",
] as const;

const groupDefaults = names(`
  id deletedDateTime classification createdDateTime description displayName expirationDateTime groupTypes
  isAssignableToRole mail mailEnabled mailNickname membershipRule membershipRuleProcessingState
  onPremisesLastSyncDateTime onPremisesSecurityIdentifier onPremisesSyncEnabled preferredDataLocation
  preferredLanguage proxyAddresses renewedDateTime resourceBehaviorOptions resourceProvisioningOptions securityEnabled
  securityIdentifier theme uniqueName visibility
`);

const groupType: EntityType = {
  type: "microsoft.graph.group",
  resource: "Group",
  members: [...groupDefaults, ...unkept, ...emptyLists],
  defaults: groupDefaults,
  pageSize: 100,
  largestPage: 999,
  searchable: ["displayName", "description", "mail", "mailNickname"],
  orderable: ["displayName"],
  navigation: groupNavigation,
  takesSkip: false,
  unfilterable: [...unkept, "theme", "resourceBehaviorOptions", "membershipRule"],
  advanced: new Set(["ne", "not", "endswith", "$count"]),
  refused: new Set(["contains", "gt", "lt", "all"]),
};

const objectType: EntityType = {
  ...userType,
  type: "microsoft.graph.directoryObject",
  resource: "DirectoryObject",
  members: [...new Set([...userType.members, ...groupType.members])],
  navigation: [...userNavigation, ...groupNavigation],
};

/** GET /groups */
export function listGroups(request: GraphRequest): Answer {
  const { tenant } = request;
  const entityOf = (group: Group) => groupEntity(group, recipientOf(tenant, group.id, "graph"));
  return collectionAnswer(request, groupType, tenant.store.allSeen<Group>("graph", tables.groups), "groups", entityOf);
}

/** GET /groups/{id} */
export function getGroup(request: GraphRequest): Answer {
  const group = requireGroup(request);
  return entityAnswer(request, groupType, groupEntity(group, recipientOf(request.tenant, group.id, "graph")), "groups");
}

/** GET /groups/{id}/members */
export function listMembers(request: GraphRequest): Answer {
  const group = requireGroup(request);
  const members = group.members.map((id) => objectEntity(request.tenant, id)).filter(isFound);
  return collectionAnswer(request, objectType, members, "directoryObjects");
}

/** GET /groups/{id}/transitiveMembers: also those of groups in the group, each once. */
export function listTransitiveMembers(request: GraphRequest): Answer {
  // @documented graph.transitive-members: The transitive members of a group are its members, nested groups and their members, each
  // once [Microsoft Graph: List group transitive members]
  const group = requireGroup(request);
  const ids = new Set(group.members);
  for (const id of ids) {
    // What is added while a set is walked is walked too.
    for (const one of request.tenant.store.seen<Group>("graph", tables.groups, id)?.members ?? []) {
      ids.add(one);
    }
  }
  ids.delete(group.id);
  const members = [...ids].map((id) => objectEntity(request.tenant, id)).filter(isFound);
  return collectionAnswer(request, objectType, members, "directoryObjects");
}

/** GET /directoryObjects/{id}: a user or a group. */
export function getDirectoryObject(request: GraphRequest): Answer {
  const key = request.keys[0] ?? "";
  const object = objectEntity(request.tenant, key);
  if (object === undefined) {
    throw resourceNotFound(key);
  }
  refuseUnread(request, object);
  refuseUnknown(request, new Set(["select", "format"]), objectType);
  return entityAnswer(request, objectType, object, "directoryObjects");
}

/** Most ids of one getByIds. */
const mostIds = 1000;

/** POST /directoryObjects/getByIds: unknown ids are left out. */
export function getByIds(request: GraphRequest): Answer {
  const body = spelled(bodyOf(request), ["ids", "types"]);
  if (!Array.isArray(body.ids)) {
    throw missingParameters("getByIds", ["ids"]);
  }
  // @observed graph.by-ids: getByIds takes 1,000 ids at most, and GUIDs only [dougsbaker/CA-Export #11, microsoft-graph-docs #7063]
  if (body.ids.length > mostIds) {
    throw tooManyIds(mostIds);
  }
  if (!body.ids.every((id) => isGuid(String(id)))) {
    throw invalidGuid();
  }
  const types = Array.isArray(body.types) ? body.types.map((type) => String(type).toLowerCase()) : ["directoryobject"];
  const objects = body.ids.map((id) => objectEntity(request.tenant, String(id))).filter(isFound);
  const wanted = objects.filter(
    (object) =>
      types.includes("directoryobject") ||
      types.includes(String(object["@odata.type"]).replace("#microsoft.graph.", "")),
  );
  for (const object of wanted) {
    refuseUnread(request, object);
  }
  return collectionAnswer(request, { ...objectType, pageSize: 1000 }, wanted, "directoryObjects");
}

function refuseUnread(request: GraphRequest, object: Json): void {
  const isUser = object["@odata.type"] === "#microsoft.graph.user";
  if (!admits(request.caller.roles, isUser ? "readUsers" : "readGroups")) {
    throw authorizationRequestDenied();
  }
}

function requireGroup(request: GraphRequest): Group {
  const key = request.keys[0] ?? "";
  const group = request.tenant.store.seen<Group>("graph", tables.groups, key.toLowerCase());
  if (group === undefined) {
    throw resourceNotFound(key);
  }
  return group;
}

function objectEntity(tenant: Tenant, key: string): Json | undefined {
  const id = key.toLowerCase();
  const user: User | undefined = seenUser(tenant, id);
  if (user !== undefined && user.deletedDateTime === null) {
    return { "@odata.type": "#microsoft.graph.user", ...userEntity(user, recipientOf(tenant, id, "graph")) };
  }
  const group = tenant.store.seen<Group>("graph", tables.groups, id);
  return group === undefined
    ? undefined
    : { "@odata.type": "#microsoft.graph.group", ...groupEntity(group, recipientOf(tenant, id, "graph")) };
}

function isFound(entity: Json | undefined): entity is Json {
  return entity !== undefined;
}

const nothing: Json = Object.fromEntries([
  ...unkept.map((name) => [name, null]),
  ...emptyLists.map((name) => [name, []]),
]);

function groupEntity(group: Group, recipient: Recipient | undefined): Json {
  return {
    ...nothing,
    id: group.id,
    deletedDateTime: null,
    classification: null,
    createdDateTime: recipient?.whenCreated ?? null,
    description: null,
    displayName: group.displayName,
    expirationDateTime: null,
    groupTypes: group.groupTypes,
    isAssignableToRole: null,
    mail: group.mail,
    mailEnabled: group.mailEnabled,
    mailNickname: group.mailNickname,
    membershipRule: null,
    membershipRuleProcessingState: null,
    onPremisesLastSyncDateTime: null,
    onPremisesSecurityIdentifier: null,
    onPremisesSyncEnabled: null,
    preferredDataLocation: null,
    preferredLanguage: null,
    proxyAddresses: recipient?.emailAddresses ?? (group.mail === null ? [] : [`SMTP:${group.mail}`]),
    renewedDateTime: recipient?.whenCreated ?? null,
    resourceBehaviorOptions: [],
    resourceProvisioningOptions: [],
    securityEnabled: group.securityEnabled,
    securityIdentifier: recipient?.sid ?? null,
    theme: null,
    uniqueName: null,
    visibility: null,
  };
}
