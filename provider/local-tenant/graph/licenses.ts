import type { Answer } from "../message";
import { type Organization, type Sku, tables, type User } from "../model";
import type { Tenant } from "../tenant";
import { isPlainObject, names } from "../values";
import { collectionAnswer, type EntityType, entityAnswer, refuseUnknown } from "./collection";
import { isSame, recipientOf, restorable } from "./directory";
import {
  invalidValue,
  licenseInherited,
  licenseNotAssigned,
  missingParameters,
  mutuallyExclusivePlans,
  noAvailableLicenses,
  noFilter,
  resourceNotFound,
  unknownLicense,
  unknownServicePlan,
  usageLocationMissing,
} from "./errors";
import { bodyOf, type GraphRequest, type Json, spelled } from "./request";
import { assignedLicenses, userEntity, userType } from "./user-entity";
import { requireCurrentUser, requireUser } from "./users";

/** Plans of which a user can hold only one: the sizes of one service. */
const exclusivePlans = [["EXCHANGE_S_DESKLESS", "EXCHANGE_S_STANDARD", "EXCHANGE_S_ENTERPRISE"]];

const skuType: EntityType = {
  type: "microsoft.graph.subscribedSku",
  resource: "SubscribedSku",
  members: names(`
    id accountId accountName appliesTo capabilityStatus consumedUnits prepaidUnits servicePlans skuId skuPartNumber
    subscriptionIds
  `),
  pageSize: 100,
  largestPage: 999,
  orderable: [],
  takesSkip: false,
  unfilterable: ["accountName", "prepaidUnits", "servicePlans", "subscriptionIds", "consumedUnits"],
  advanced: new Set(),
  refused: new Set(["contains", "endswith", "startswith", "not", "ne", "gt", "ge", "lt", "le"]),
};

const detailsType: EntityType = {
  ...skuType,
  type: "microsoft.graph.licenseDetails",
  resource: "LicenseDetails",
  members: ["id", "servicePlans", "skuId", "skuPartNumber"],
};

/** GET /subscribedSkus */
export function listSkus(request: GraphRequest): Answer {
  // @observed graph.skus-select: subscribedSkus takes no query option but $select [Microsoft Graph OpenAPI description;
  // microsoft-graph-docs #5922 for $filter and its words, microsoft/secmgmt-insights-connector #85 for $top]
  if (request.query.has("filter")) {
    throw noFilter();
  }
  refuseUnknown(request, new Set(["select", "format"]), skuType);
  return collectionAnswer(request, skuType, skuEntities(request.tenant), "subscribedSkus");
}

/** GET /subscribedSkus/{id} */
export function getSku(request: GraphRequest): Answer {
  const key = request.keys[0] ?? "";
  const sku = skuEntities(request.tenant).find((entity) => isSame(String(entity.id), key));
  if (sku === undefined) {
    throw resourceNotFound(key);
  }
  return entityAnswer(request, skuType, sku, "subscribedSkus");
}

/** GET /users/{id}/licenseDetails */
export function listLicenseDetails(request: GraphRequest): Answer {
  // @observed graph.license-details-id: The id of a licence's details is the tenant's id and the subscription's in base64url
  // [recorded answers of Graph clients]
  const user = requireUser(request);
  const skus = request.tenant.store.allSeen<Sku>("graph", tables.skus);
  const details = assignedLicenses(user).flatMap(({ skuId, disabledPlans }) =>
    skus
      .filter((sku) => isSame(sku.skuId, skuId))
      .map((sku) => ({
        id: Buffer.concat([guidBytes(organizationId(request.tenant)), guidBytes(sku.skuId)]).toString("base64url"),
        skuId: sku.skuId,
        skuPartNumber: sku.skuPartNumber,
        servicePlans: sku.servicePlans.map((plan) => ({
          ...plan,
          provisioningStatus: disabledPlans.includes(plan.servicePlanId) ? "Disabled" : "Success",
          appliesTo: "User",
        })),
      })),
  );
  return collectionAnswer(request, detailsType, details, `users('${user.id}')/licenseDetails`);
}

/** POST /users/{id}/assignLicense */
export function assignLicense(request: GraphRequest): Answer {
  // @documented graph.assign-license: assignLicense needs both members, a usage location and a free seat [Microsoft Graph
  // reference: user-assignlicense]
  // @documented graph.license-mailbox: Licences neither make nor remove a mailbox: of user mailboxes there are those of the seed
  // only [the tenant's own limit; the real service makes a mailbox for a user with an Exchange plan (Add users and assign
  // licenses)]
  // @observed graph.license-error-text: Texts of the licence errors [public issue threads of Graph clients]
  const { tenant } = request;
  const body = spelled(bodyOf(request), ["addLicenses", "removeLicenses"]);
  const user = requireCurrentUser(request);
  const { addLicenses: additions, removeLicenses: removals } = body;
  if (!Array.isArray(additions) || !Array.isArray(removals)) {
    const missing = ["addLicenses", "removeLicenses"].filter((name) => !Array.isArray(body[name]));
    throw missingParameters("assignLicense", missing);
  }
  const skus = tenant.store.all<Sku>(tables.skus);
  let licenses = user.assignedLicenses;
  for (const id of removals) {
    licenses = withoutLicense(licenses, skuOf(skus, id));
  }
  if (additions.length > 0 && user.usageLocation === null) {
    throw usageLocationMissing();
  }
  for (const addition of additions) {
    licenses = withLicense(tenant, user, skus, licenses, addition);
  }
  refuseExclusivePlans(skus, licenses);
  const changed: User = { ...user, assignedLicenses: licenses };
  tenant.store.put(tables.users, user.id, changed);
  return entityAnswer(request, userType, userEntity(changed, recipientOf(tenant, user.id, "graph")), "users");
}

function withoutLicense(licenses: User["assignedLicenses"], sku: Sku): User["assignedLicenses"] {
  const held = licenses.filter((license) => isSame(license.skuId, sku.skuId));
  if (held.length === 0) {
    throw licenseNotAssigned();
  }
  if (held.every((license) => license.assignedByGroup !== undefined)) {
    throw licenseInherited();
  }
  return licenses.filter((license) => !(isSame(license.skuId, sku.skuId) && license.assignedByGroup === undefined));
}

function withLicense(
  tenant: Tenant,
  user: User,
  skus: readonly Sku[],
  licenses: User["assignedLicenses"],
  given: unknown,
): User["assignedLicenses"] {
  if (!isPlainObject(given)) {
    throw invalidValue("addLicenses", "User");
  }
  const addition = spelled(given, ["skuId", "disabledPlans"]);
  const sku = skuOf(skus, addition.skuId);
  const disabledPlans = (Array.isArray(addition.disabledPlans) ? addition.disabledPlans : []).map(String);
  for (const plan of disabledPlans) {
    if (!sku.servicePlans.some((one) => isSame(one.servicePlanId, plan))) {
      throw unknownServicePlan(plan, sku.skuId);
    }
  }
  const isHeldAlready = user.assignedLicenses.some((license) => isSame(license.skuId, sku.skuId));
  if (!isHeldAlready && consumed(tenant, sku) >= sku.enabled) {
    throw noAvailableLicenses(sku.skuId);
  }
  const others = licenses.filter(
    (license) => !(isSame(license.skuId, sku.skuId) && license.assignedByGroup === undefined),
  );
  return [...others, { skuId: sku.skuId, disabledPlans }];
}

function refuseExclusivePlans(skus: readonly Sku[], licenses: User["assignedLicenses"]): void {
  // @documented graph.exchange-plans-exclude: Exchange plans exclude each other [Microsoft Entra: group-based licensing,
  // conflicting service plans]
  const active = new Set(
    licenses.flatMap(({ skuId, disabledPlans }) =>
      skus
        .filter((sku) => isSame(sku.skuId, skuId))
        .flatMap((sku) => sku.servicePlans)
        .filter((plan) => !disabledPlans.some((disabled) => isSame(disabled, plan.servicePlanId)))
        .map((plan) => plan.servicePlanName),
    ),
  );
  for (const plans of exclusivePlans) {
    const [one, other] = plans.filter((plan) => active.has(plan));
    if (one !== undefined && other !== undefined) {
      throw mutuallyExclusivePlans(one, other);
    }
  }
}

function skuOf(skus: readonly Sku[], id: unknown): Sku {
  const sku = skus.find((one) => isSame(one.skuId, String(id)));
  if (sku === undefined) {
    throw unknownLicense(String(id));
  }
  return sku;
}

/** Seats in use; deleted users keep theirs until they are gone for good, or by a setting give them back at once. */
function consumed(tenant: Tenant, sku: Sku): number {
  // @documented graph.deleted-user-license: A deleted user keeps its licence seats for 30 days and its assignments come back with
  // it [Microsoft Graph reference: user-delete; free at once by the setting deletedUsersHoldLicenses]
  const users = [
    ...tenant.store.all<User>(tables.users).filter((user) => user.deletedDateTime === null),
    ...(tenant.settings.deletedUsersHoldLicenses ? restorable(tenant) : []),
  ];
  const holders = users.filter((user) => user.assignedLicenses.some((license) => isSame(license.skuId, sku.skuId)));
  return sku.consumedElsewhere + holders.length;
}

function organizationId(tenant: Tenant): string {
  return tenant.store.get<Organization>(tables.organization, "organization")?.tenantId ?? "";
}

/** The sixteen bytes of a guid as .NET has them: the first three groups with their lowest byte first. */
function guidBytes(guid: string): Buffer {
  const groups = guid.split("-").map((group) => Buffer.from(group, "hex"));
  return Buffer.concat(groups.map((bytes, index) => (index < 3 ? bytes.reverse() : bytes)));
}

function skuEntities(tenant: Tenant): Json[] {
  const tenantId = organizationId(tenant);
  return tenant.store.allSeen<Sku>("graph", tables.skus).map((sku) => ({
    id: `${tenantId}_${sku.skuId}`,
    accountId: tenantId,
    accountName: null,
    appliesTo: "User",
    capabilityStatus: "Enabled",
    consumedUnits: consumed(tenant, sku),
    prepaidUnits: { enabled: sku.enabled, suspended: 0, warning: 0, lockedOut: 0 },
    servicePlans: sku.servicePlans.map((plan) => ({ ...plan, provisioningStatus: "Success", appliesTo: "User" })),
    skuId: sku.skuId,
    skuPartNumber: sku.skuPartNumber,
    subscriptionIds: [],
  }));
}
