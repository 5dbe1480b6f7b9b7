import { primaryAddress } from "../directory";
import type { Recipient, User } from "../model";
import { names } from "../values";
import type { EntityType } from "./collection";
import { userNavigation } from "./not-simulated";
import type { Json } from "./request";

/** Members returned without `$select`. */
const defaults = names(`
  businessPhones displayName givenName jobTitle mail mobilePhone officeLocation preferredLanguage surname
  userPrincipalName id
`);

/** Text members that are stored as given and that Graph lets an application write. */
export const plainText = names(`
  ageGroup city companyName consentProvidedForMinor country department employeeHireDate employeeId
  employeeLeaveDateTime employeeType faxNumber jobTitle mobilePhone officeLocation onPremisesImmutableId
  passwordPolicies postalCode preferredDataLocation preferredLanguage state streetAddress
`);

/** Collections of text, stored as given. */
export const plainLists = ["businessPhones", "otherMails"];

/** Members Graph computes or another service owns: reading only. */
export const readOnlyMembers = names(`
  id assignedLicenses assignedPlans createdDateTime creationType deletedDateTime identities imAddresses
  isManagementRestricted lastPasswordChangeDateTime legalAgeGroupClassification licenseAssignmentStates
  onPremisesDistinguishedName onPremisesDomainName onPremisesLastSyncDateTime onPremisesProvisioningErrors
  onPremisesSamAccountName onPremisesSecurityIdentifier onPremisesSyncEnabled onPremisesUserPrincipalName
  provisionedPlans proxyAddresses securityIdentifier serviceProvisioningErrors signInSessionsValidFromDateTime
`);

const written = names(`
  accountEnabled displayName givenName surname mail mailNickname passwordProfile showInAddressList usageLocation
  userPrincipalName userType onPremisesExtensionAttributes
`);

/** Members of the type that are kept in other stores; null here. */
const elsewhere = names(`
  aboutMe authorizationInfo birthday customSecurityAttributes deviceEnrollmentLimit employeeOrgData externalUserState
  externalUserStateChangeDateTime hireDate identityParentId interests isResourceAccount mailboxSettings mySite
  pastProjects preferredName print responsibilities schools signInActivity skills
`);

/** The `user` type and what may be asked of a collection of users. */
export const userType: EntityType = {
  // @documented graph.user-default-members: Without $select a user comes with its eleven default members only [Microsoft Graph
  // reference: user-get]
  // @documented graph.user-paging: Users: pages of 100, at most 999; $skip is refused [Microsoft Graph reference: user-list]
  type: "microsoft.graph.user",
  resource: "User",
  members: [...readOnlyMembers, ...written, ...plainText, ...plainLists, ...elsewhere],
  defaults,
  pageSize: 100,
  largestPage: 999,
  searchable: ["displayName", "givenName", "surname", "mail", "mailNickname", "userPrincipalName", "otherMails"],
  orderable: ["displayName", "userPrincipalName"],
  takesSkip: false,
  navigation: userNavigation,
  unfilterable: [
    ...elsewhere,
    ...names(`
      businessPhones licenseAssignmentStates onPremisesProvisioningErrors passwordProfile signInSessionsValidFromDateTime
      showInAddressList
    `),
  ],
  advanced: new Set(["ne", "not", "endswith", "$count"]),
  refused: new Set(["contains", "gt", "lt", "all"]),
};

/** Deleted users are queried like users. */
export const deletedUserType: EntityType = { ...userType, defaults: [...defaults, "deletedDateTime"] };

const nothing: Json = Object.fromEntries([...elsewhere, ...plainText].map((name) => [name, null]));

/** Every member of a user. `recipient` is the Exchange recipient with its id, from which addresses follow. */
export function userEntity(user: User, recipient: Recipient | undefined): Json {
  const addresses = recipient?.emailAddresses ?? (user.mail === null ? [] : [`SMTP:${user.mail}`]);
  const isDeleted = user.deletedDateTime !== null;
  return {
    ...nothing,
    otherMails: [],
    businessPhones: [],
    imAddresses: [],
    ...user.other,
    id: user.id,
    deletedDateTime: user.deletedDateTime,
    accountEnabled: user.accountEnabled,
    assignedLicenses: assignedLicenses(user),
    licenseAssignmentStates: user.assignedLicenses.map((license) => ({
      skuId: license.skuId,
      assignedByGroup: license.assignedByGroup ?? null,
      disabledPlans: license.disabledPlans,
      state: "Active",
      error: "None",
      lastUpdatedDateTime: user.createdDateTime,
    })),
    assignedPlans: [],
    provisionedPlans: [],
    createdDateTime: user.createdDateTime,
    creationType: user.userType === "Guest" ? "Invitation" : null,
    displayName: user.displayName,
    givenName: user.givenName ?? null,
    surname: user.surname ?? null,
    identities: [
      {
        signInType: "userPrincipalName",
        issuer: user.userPrincipalName.split("@")[1] ?? "",
        issuerAssignedId: user.userPrincipalName,
      },
    ],
    isManagementRestricted: null,
    lastPasswordChangeDateTime: user.createdDateTime,
    legalAgeGroupClassification: null,
    mail: (recipient === undefined ? undefined : primaryAddress(recipient)) ?? user.mail,
    mailNickname: user.mailNickname,
    onPremisesDistinguishedName: null,
    onPremisesDomainName: null,
    onPremisesExtensionAttributes: extensionAttributes(recipient),
    onPremisesLastSyncDateTime: user.onPremisesSyncEnabled === true ? user.createdDateTime : null,
    onPremisesProvisioningErrors: [],
    onPremisesSamAccountName: user.onPremisesSyncEnabled === true ? user.mailNickname : null,
    onPremisesSecurityIdentifier: null,
    onPremisesSyncEnabled: user.onPremisesSyncEnabled,
    onPremisesUserPrincipalName: user.onPremisesSyncEnabled === true ? user.userPrincipalName : null,
    passwordProfile: null,
    proxyAddresses: addresses,
    securityIdentifier: recipient?.sid ?? null,
    serviceProvisioningErrors: [],
    showInAddressList: null,
    signInSessionsValidFromDateTime: user.signInSessionsValidFromDateTime ?? user.createdDateTime,
    usageLocation: user.usageLocation,
    // The directory frees the name of a deleted user by putting the object id in front of it.
    userPrincipalName: isDeleted ? user.id.replaceAll("-", "") + user.userPrincipalName : user.userPrincipalName,
    userType: user.userType,
  };
}

/** The licences of a user, each once. */
export function assignedLicenses(user: User): { skuId: string; disabledPlans: string[] }[] {
  const bySku = new Map<string, string[]>();
  for (const { skuId, disabledPlans } of user.assignedLicenses) {
    const before = bySku.get(skuId);
    // A plan is off only if no assignment of the licence has it on.
    bySku.set(skuId, before === undefined ? disabledPlans : before.filter((plan) => disabledPlans.includes(plan)));
  }
  return [...bySku].map(([skuId, disabledPlans]) => ({ skuId, disabledPlans }));
}

function extensionAttributes(recipient: Recipient | undefined): Json {
  return Object.fromEntries(
    Array.from({ length: 15 }, (_, index) => [
      `extensionAttribute${index + 1}`,
      recipient?.customAttributes[String(index + 1)] || null,
    ]),
  );
}
