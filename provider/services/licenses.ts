import { sameText } from "./text";

/** A subscription of the tenant (`subscribedSku`). */
export interface Subscription {
  skuId: string;
  skuPartNumber: string;
  /** Whether licences of it can be assigned. */
  isActive: boolean;
  /** Seats bought. */
  enabled: number;
  /** Seats in use. */
  consumed: number;
  plans: ServicePlan[];
}

/** One service of a licence. */
export interface ServicePlan {
  id: string;
  name: string;
}

/** One way in which an account holds a licence: directly, or through a group. */
export interface Assignment {
  skuId: string;
  disabledPlans: string[];
  /** The group that gives it; undefined for a direct assignment. */
  byGroup: string | undefined;
}

/** What an account has of licences. */
export interface AccountLicenses {
  /** Two letters; undefined where none is set, and then nothing can be assigned. */
  usageLocation: string | undefined;
  assignments: Assignment[];
}

/** What licences let a mailbox have. */
export interface Entitlement {
  /** More than 50 GB: Exchange Online Plan 2. */
  isLarge: boolean;
  /** An archive and holds: Plan 2, or Plan 1 with Exchange Online Archiving. */
  hasArchiving: boolean;
}

/** A licence and the service plans of it that are on or off. */
export interface Grant {
  plans: readonly ServicePlan[];
  disabledPlans: readonly string[];
}

const ENTERPRISE = { id: "efb87545-963c-4e0d-99df-69c6916d9eb0", name: "EXCHANGE_S_ENTERPRISE" };
const STANDARD = { id: "9aaf7827-d63c-4b61-89c3-182f06f82e5c", name: "EXCHANGE_S_STANDARD" };
const ARCHIVING = { id: "176a09a6-7ec5-4039-ac02-b2791c6ba793", name: "EXCHANGE_S_ARCHIVE_ADDON" };

/** A licence whose Exchange services are published, so that they need not be asked for. */
export interface KnownLicense {
  id: string;
  partNumber: string;
  /** Its Exchange service plans; others are left out. */
  plans: readonly ServicePlan[];
}

/**
 * Common licences with their Exchange plans.
 *
 * @see https://learn.microsoft.com/entra/identity/users/licensing-service-plan-reference
 */
export const KNOWN_LICENSES: readonly KnownLicense[] = [
  { id: "19ec0d23-8335-4cbd-94ac-6050e30712fa", partNumber: "EXCHANGEENTERPRISE", plans: [ENTERPRISE] },
  { id: "6fd2c87f-b296-42f0-b197-1e91e994b900", partNumber: "ENTERPRISEPACK", plans: [ENTERPRISE] },
  { id: "c7df2760-2c81-4ef7-b578-5b5392b571df", partNumber: "ENTERPRISEPREMIUM", plans: [ENTERPRISE] },
  { id: "05e9a617-0261-4cee-bb44-138d3ef5d965", partNumber: "SPE_E3", plans: [ENTERPRISE] },
  { id: "06ebc4ee-1bb5-47dd-8120-11324bc54e06", partNumber: "SPE_E5", plans: [ENTERPRISE] },
  { id: "cbdc14ab-d96c-4c30-b9f4-6ada7cdc1d46", partNumber: "SPB", plans: [STANDARD, ARCHIVING] },
  { id: "4b9405b0-7788-4568-add1-99614e613b69", partNumber: "EXCHANGESTANDARD", plans: [STANDARD] },
  { id: "18181a46-0d4e-45cd-891e-60aabd171b4e", partNumber: "STANDARDPACK", plans: [STANDARD] },
  { id: "3b555118-da6a-4418-894f-7df1e2096870", partNumber: "O365_BUSINESS_ESSENTIALS", plans: [STANDARD] },
  { id: "f245ecc8-75af-4f8e-b61f-27d8114de5f3", partNumber: "O365_BUSINESS_PREMIUM", plans: [STANDARD] },
  { id: "ee02fd1b-340e-4a4b-b355-4a514e4c8943", partNumber: "EXCHANGEARCHIVE_ADDON", plans: [ARCHIVING] },
];

/** The known licence with this part number or id. */
export function knownLicense(sku: string): KnownLicense | undefined {
  return KNOWN_LICENSES.find(({ id, partNumber }) => sameText(id, sku) || sameText(partNumber, sku));
}

/** What several licences together let a mailbox have; service plans that are off do not count. */
export function entitlementOf(grants: readonly Grant[]): Entitlement {
  const isOn = (...plans: readonly string[]) =>
    grants.some((grant) =>
      grant.plans.some(
        ({ id, name }) =>
          plans.includes(name) && !grant.disabledPlans.some((off) => sameText(off, id) || sameText(off, name)),
      ),
    );
  const isLarge = isOn(ENTERPRISE.name);
  return {
    isLarge,
    hasArchiving: isLarge || (isOn(STANDARD.name) && isOn(ARCHIVING.name, "EXCHANGE_S_ARCHIVE")),
  };
}

/** Reads an account's licences; a service that does not tell how they are assigned has assigned them directly. */
export function accountLicensesOf(body: Record<string, unknown>): AccountLicenses {
  const location = body.usageLocation;
  return {
    usageLocation: typeof location === "string" && location !== "" ? location : undefined,
    assignments: rows(body.licenseAssignmentStates)
      // A licence in error gives nothing; Graph keeps it listed.
      .filter(({ state }) => state === undefined || /^Active/i.test(String(state)))
      .map((row) => ({
        skuId: String(row.skuId).toLowerCase(),
        disabledPlans: (Array.isArray(row.disabledPlans) ? row.disabledPlans : []).map((plan) =>
          String(plan).toLowerCase(),
        ),
        byGroup: typeof row.assignedByGroup === "string" ? row.assignedByGroup : undefined,
      })),
  };
}

/** Reads one of the tenant's subscriptions. */
export function subscriptionOf(row: Record<string, unknown>): Subscription {
  const seats = (row.prepaidUnits ?? {}) as Record<string, unknown>;
  return {
    skuId: String(row.skuId).toLowerCase(),
    skuPartNumber: String(row.skuPartNumber),
    // A subscription that ran out keeps working for its grace period ("Warning").
    isActive: /^(Enabled|Warning)$/i.test(String(row.capabilityStatus ?? "Enabled")),
    enabled: Number(seats.enabled ?? 0) + Number(seats.warning ?? 0),
    consumed: Number(row.consumedUnits ?? 0),
    plans: rows(row.servicePlans).map((plan) => ({
      id: String(plan.servicePlanId).toLowerCase(),
      name: String(plan.servicePlanName),
    })),
  };
}

function rows(value: unknown): Record<string, unknown>[] {
  return Array.isArray(value) ? (value as Record<string, unknown>[]) : [];
}
