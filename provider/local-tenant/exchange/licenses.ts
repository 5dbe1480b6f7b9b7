import { type Sku, tables, type User } from "../model";
import { gigabyte } from "./format";
import type { Directory } from "./identity";

/** Exchange service plans a licence can carry. */
const plans = {
  enterprise: "EXCHANGE_S_ENTERPRISE",
  standard: "EXCHANGE_S_STANDARD",
  archive: ["EXCHANGE_S_ARCHIVE_ADDON", "EXCHANGE_S_ARCHIVE"],
} as const;

/** What the licences of an account allow its mailbox. */
export interface Entitlement {
  plan: "none" | "standard" | "enterprise";
  /** Largest quota in bytes. */
  largestQuota: number;
  /** Exchange Online Plan 2, or Plan 1 with the archiving add-on. */
  archiveAndHold: boolean;
}

/** What the licences of `user` allow; those of disabled service plans do not count. */
export function entitlementOf(directory: Directory, user: User | undefined): Entitlement {
  // @documented exchange.quota-license: Quotas above 50 GB need Plan 2 (100 GB); archive and litigation hold need Plan 2 or Plan 1
  // with archiving [About shared mailboxes]
  const skus = directory.tenant.store.all<Sku>(tables.skus);
  const names = new Set(
    (user?.assignedLicenses ?? []).flatMap(({ skuId, disabledPlans }) =>
      (skus.find((sku) => sku.skuId === skuId)?.servicePlans ?? [])
        .filter((plan) => !disabledPlans.includes(plan.servicePlanId))
        .map((plan) => plan.servicePlanName),
    ),
  );
  const isEnterprise = names.has(plans.enterprise);
  const isStandard = names.has(plans.standard);
  return {
    plan: isEnterprise ? "enterprise" : isStandard ? "standard" : "none",
    largestQuota: (isEnterprise ? 100 : 50) * gigabyte,
    archiveAndHold: isEnterprise || (isStandard && plans.archive.some((name) => names.has(name))),
  };
}

/** Names of the mailbox plans rows and `Get-MailboxPlan` print; the part after the dash is a tenant's own. */
export const mailboxPlans = {
  none: "ExchangeOnline-6f1c2d3e-0b5a-4c7d-8e9f-0a1b2c3d4e5f",
  standard: "ExchangeOnline-6f1c2d3e-0b5a-4c7d-8e9f-0a1b2c3d4e5f",
  enterprise: "ExchangeOnlineEnterprise-2f4e6d8c-1a3b-4c5d-9e7f-8a6b4c2d0e1f",
} as const;
