import { names } from "../values";

/**
 * What Graph v1.0 has and the tenant does not simulate, so that it is not mistaken for a typing error. Names in any case; actions
 * and functions without `microsoft.graph.` and brackets.
 *
 * @see https://learn.microsoft.com/graph/api/overview
 */

/** Navigation properties of a user. */
export const userNavigation = names(
  `activities adhocCalls agreementAcceptances appRoleAssignments authentication calendar calendarGroups calendars calendarView chats
   cloudClipboard contactFolders contacts createdObjects dataSecurityAndGovernance deviceManagementTroubleshootingEvents
   directReports drive drives employeeExperience events extensions followedSites inferenceClassification insights joinedTeams
   licenseDetails mailFolders managedAppRegistrations managedDevices manager memberOf messages oauth2PermissionGrants onenote
   onlineMeetings onPremisesSyncBehavior outlook ownedDevices ownedObjects people permissionGrants photo photos planner presence
   registeredDevices scopedRoleMemberOf settings solutions sponsors teamwork todo transitiveMemberOf`,
);

/** Navigation properties of a group. */
export const groupNavigation = names(
  `acceptedSenders appRoleAssignments calendar calendarView conversations createdOnBehalfOf drive drives events extensions
   groupLifecyclePolicies memberOf members membersWithLicenseErrors onenote onPremisesSyncBehavior owners permissionGrants photo
   photos planner rejectedSenders settings sites team threads transitiveMemberOf`,
);

const ofDirectoryObjects = names("checkMemberGroups checkMemberObjects getMemberGroups getMemberObjects restore");

const roots = names(
  `admin agreementAcceptances agreements appCatalogs applications applicationTemplates auditLogs authenticationMethodConfigurations
   authenticationMethodsPolicy certificateBasedAuthConfiguration chats communications compliance connections contacts contracts
   copilot dataPolicyOperations deviceAppManagement deviceManagement devices directoryRoles directoryRoleTemplates
   domainDnsRecords drive drives education employeeExperience external filterOperators functions groupLifecyclePolicies
   groupSettings groupSettingTemplates identity identityGovernance identityProtection identityProviders informationProtection
   invitations me oauth2PermissionGrants permissionGrants places planner policies print privacy reports roleManagement
   schemaExtensions scopedRoleMemberships search security servicePrincipals shares sites solutions storage subscriptions teams
   teamsTemplates teamwork tenantRelationships`,
);

/** What stands behind a path that is simulated, by that path; `*` is a key. */
const below: Readonly<Record<string, readonly string[]>> = {
  "": roots,
  "users/*": [
    ...userNavigation,
    ...ofDirectoryObjects,
    ...names(
      `changePassword exportDeviceAndAppManagementData exportPersonalData findMeetingTimes getMailTips
       getManagedAppDiagnosticStatuses getManagedAppPolicies getManagedDevicesWithAppFailures reminderView removeAllDevicesFromManagement
       reprocessLicenseAssignment retryServiceProvisioning translateExchangeIds`,
    ),
  ],
  "users/*/licensedetails": ["*"],
  "users/*/mailfolders": ["delta"],
  "users/*/mailfolders/*": names(
    "childFolders copy move multiValueExtendedProperties permanentDelete singleValueExtendedProperties userConfigurations",
  ),
  "users/*/mailfolders/*/messages": ["*"],
  "users/*/messages/*": names(
    `copy createForward createReply createReplyAll extensions forward move multiValueExtendedProperties permanentDelete reply replyAll
     send singleValueExtendedProperties`,
  ),
  "groups/*": [
    ...groupNavigation,
    ...ofDirectoryObjects,
    ...names(
      `addFavorite assignLicense checkGrantedPermissionsForApp removeFavorite renew resetUnseenCount retryServiceProvisioning
       subscribeByMail unsubscribeByMail validateProperties`,
    ),
  ],
  "groups/*/members": ["*"],
  "directoryobjects/*": ofDirectoryObjects,
  directory: names(
    `administrativeUnits attributeSets customSecurityAttributeDefinitions deviceLocalCredentials federationConfigurations
     onPremisesSynchronization publicKeyInfrastructure subscriptions`,
  ),
  "directory/deleteditems/*": ofDirectoryObjects,
  "domains/*": names(
    `domainNameReferences federationConfiguration forceDelete promote rootDomain serviceConfigurationRecords verificationDnsRecords
     verify`,
  ),
  "organization/*": [
    ...ofDirectoryObjects,
    ...names("branding certificateBasedAuthConfiguration extensions setMobileDeviceManagementAuthority"),
  ],
};

/** Functions and actions that stand where a key stands. */
const onCollections: Readonly<Record<string, readonly string[]>> = {
  users: names("delta getAvailableExtensionProperties getByIds validateProperties"),
  groups: names("delta getAvailableExtensionProperties getByIds validateProperties"),
  directoryobjects: names("delta getAvailableExtensionProperties getByIds validateProperties"),
  domains: ["delta"],
  organization: names("delta getAvailableExtensionProperties getByIds validateProperties"),
};

/** Writes that Graph has on a path that is simulated for reading. */
const writes = new Set([
  "POST groups",
  "PATCH groups/*",
  "DELETE groups/*",
  "PATCH directoryobjects/*",
  "DELETE directoryobjects/*",
  "POST directoryobjects",
  "PATCH organization/*",
  "POST domains",
  "PATCH domains/*",
  "DELETE domains/*",
  "PUT users/*/mailboxsettings/*",
  "POST users/*/mailfolders",
  "PATCH users/*/mailfolders/*",
  "DELETE users/*/mailfolders/*",
  "POST users/*/mailfolders/*/messages",
  "POST users/*/messages",
  "PATCH users/*/messages/*",
  "DELETE users/*/messages/*",
  "POST users/*/messages/*/attachments",
  "DELETE users/*/messages/*/attachments/*",
]);

/** Whether Graph has `segment` behind a path, given as a route: in lower case, with `*` for keys. */
export function isReal(path: readonly string[], segment: string): boolean {
  const known = below[path.join("/")] ?? [];
  return segment !== "" && (known.includes("*") || isAmong(known, segment) || isCast(segment));
}

/** Whether the last segment of `users/delta` and the like is a function or an action of the collection, not a key. */
export function isOnCollection(path: readonly string[]): boolean {
  const [collection = "", segment = ""] = path;
  return path.length === 2 && isAmong(onCollections[collection.toLowerCase()] ?? [], segment);
}

/** Whether Graph has a write here, on a route that the tenant simulates for reading. */
export function isRealWrite(method: string, route: readonly string[]): boolean {
  return writes.has(`${method} ${route.join("/")}`);
}

function isAmong(names: readonly string[], segment: string): boolean {
  const plain = segment
    .replace(/^(?:microsoft\.)?graph\./i, "")
    .replace(/\(.*\)$/, "")
    .toLowerCase();
  return names.some((name) => name.toLowerCase() === plain);
}

/** A type in the path narrows a collection to that type: `members/microsoft.graph.user`. */
function isCast(segment: string): boolean {
  return /^(?:microsoft\.)?graph\.[a-z]+$/i.test(segment);
}
