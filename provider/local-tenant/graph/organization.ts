import type { Answer } from "../message";
import { type AcceptedDomain, type Organization, tables } from "../model";
import { names } from "../values";
import { collectionAnswer, type EntityType, entityAnswer } from "./collection";
import { isSame } from "./directory";
import { resourceNotFound } from "./errors";
import type { GraphRequest, Json } from "./request";

const plain = {
  pageSize: 100,
  largestPage: 999,
  takesSkip: false,
  advanced: new Set<string>(),
  refused: new Set(["contains", "startswith", "endswith"]),
};

const domainType: EntityType = {
  ...plain,
  type: "microsoft.graph.domain",
  resource: "Domain",
  members: names(`
    id authenticationType availabilityStatus isAdminManaged isDefault isInitial isRoot isVerified manufacturer model
    passwordNotificationWindowInDays passwordValidityPeriodInDays state supportedServices
  `),
  unfilterable: ["state", "supportedServices"],
};

const organizationType: EntityType = {
  ...plain,
  type: "microsoft.graph.organization",
  resource: "Organization",
  members: names(`
    id deletedDateTime assignedPlans businessPhones city country countryLetterCode createdDateTime
    defaultUsageLocation displayName marketingNotificationEmails mobileDeviceManagementAuthority
    onPremisesLastSyncDateTime onPremisesSyncEnabled partnerTenantType postalCode preferredLanguage privacyProfile
    provisionedPlans securityComplianceNotificationMails securityComplianceNotificationPhones state street
    technicalNotificationMails tenantType verifiedDomains
  `),
  unfilterable: ["assignedPlans", "provisionedPlans", "verifiedDomains"],
};

/** GET /domains */
export function listDomains(request: GraphRequest): Answer {
  return collectionAnswer(request, domainType, domainEntities(request), "domains");
}

/** GET /domains/{id} */
export function getDomain(request: GraphRequest): Answer {
  return entityNamed(request, domainType, domainEntities(request), "domains");
}

/** GET /organization: a list of one. */
export function listOrganization(request: GraphRequest): Answer {
  return collectionAnswer(request, organizationType, organizationEntities(request), "organization");
}

/** GET /organization/{id} */
export function getOrganization(request: GraphRequest): Answer {
  return entityNamed(request, organizationType, organizationEntities(request), "organization");
}

function entityNamed(request: GraphRequest, type: EntityType, entities: Json[], context: string): Answer {
  const key = request.keys[0] ?? "";
  const found = entities.find((entity) => isSame(String(entity.id), key));
  if (found === undefined) {
    throw resourceNotFound(key);
  }
  return entityAnswer(request, type, found, context);
}

function domainEntities({ tenant }: GraphRequest): Json[] {
  return tenant.store.allSeen<AcceptedDomain>("graph", tables.domains).map((domain) => ({
    id: domain.domainName,
    authenticationType: "Managed",
    availabilityStatus: null,
    isAdminManaged: true,
    isDefault: domain.isDefault,
    isInitial: domain.isInitial,
    isRoot: true,
    isVerified: true,
    manufacturer: null,
    model: null,
    passwordNotificationWindowInDays: null,
    passwordValidityPeriodInDays: null,
    state: null,
    supportedServices: ["Email", "OfficeCommunicationsOnline"],
  }));
}

function organizationEntities({ tenant }: GraphRequest): Json[] {
  const organization = tenant.store.seen<Organization>("graph", tables.organization, "organization");
  if (organization === undefined) {
    return [];
  }
  return [
    {
      id: organization.tenantId,
      deletedDateTime: null,
      assignedPlans: [],
      businessPhones: [],
      city: null,
      country: null,
      countryLetterCode: null,
      createdDateTime: null,
      defaultUsageLocation: null,
      displayName: organization.displayName,
      marketingNotificationEmails: [],
      mobileDeviceManagementAuthority: "unknown",
      onPremisesLastSyncDateTime: null,
      onPremisesSyncEnabled: null,
      partnerTenantType: null,
      postalCode: null,
      preferredLanguage: null,
      privacyProfile: null,
      provisionedPlans: [],
      securityComplianceNotificationMails: [],
      securityComplianceNotificationPhones: [],
      state: null,
      street: null,
      technicalNotificationMails: [],
      tenantType: "AAD",
      verifiedDomains: tenant.store.allSeen<AcceptedDomain>("graph", tables.domains).map((domain) => ({
        capabilities: "Email, OfficeCommunicationsOnline",
        isDefault: domain.isDefault,
        isInitial: domain.isInitial,
        name: domain.domainName,
        type: "Managed",
      })),
    },
  ];
}
