import { z } from "zod";
import type { Change } from "../../core/kind";
import { isClass } from "../../http/errors";
import { type Entitlement, entitlementOf, KNOWN_LICENSES, knownLicense, type ServicePlan } from "../../services/graph";
import { GIGABYTE, isGuid } from "../../services/text";
import { retryWhile } from "../../services/waiting";
import type { Observed, SharedMailboxInputs, SharedMailboxOperation } from "./desired";
import { bytesOf, largestQuota } from "./limits";

/** A declared licence. */
export type License = Exclude<NonNullable<SharedMailboxInputs["license"]>, "external" | false>;

/** A property that needs something of a licence. */
export interface Need {
  path: "quota" | "archive" | "litigationHold";
  need: keyof Entitlement;
}

/** Largest quota without a licence, in bytes. */
const FREE_QUOTA = 50 * GIGABYTE;

const WHY: Readonly<Record<keyof Entitlement, string>> = {
  isLarge: "more than 50 GB takes Exchange Online Plan 2",
  hasArchiving:
    "an archive or a litigation hold takes Exchange Online Plan 2, or Plan 1 with Exchange Online Archiving",
};

/** Whether a value is a licence to be assigned. */
export function isLicense(value: unknown): value is License {
  return typeof value === "object" && value !== null;
}

/** The Exchange plans of a known licence. */
export function plansOf(sku: string): readonly ServicePlan[] {
  return knownLicense(sku)?.plans ?? [];
}

/** What the inputs need. */
export function needsOfInputs({ quota, archive, litigationHold }: Partial<SharedMailboxInputs>): Need[] {
  return needs(
    quota === undefined ? undefined : Math.max(...Object.values(quota).map((size) => bytesOf(size))),
    archive === true,
    isOn(litigationHold),
  );
}

/** What changes need. */
export function needsOfChanges(changes: readonly Change[]): Need[] {
  const becomes = (property: string) => changes.find(({ path }) => path[0] === property)?.to;
  return needs(largestQuota(changes), becomes("archive") === true, isOn(becomes("litigationHold")));
}

function needs(quota: number | undefined, hasArchive: boolean, isHeld: boolean): Need[] {
  return [
    ...(quota !== undefined && quota > FREE_QUOTA ? [{ path: "quota" as const, need: "isLarge" as const }] : []),
    ...(hasArchive ? [{ path: "archive" as const, need: "hasArchiving" as const }] : []),
    ...(isHeld ? [{ path: "litigationHold" as const, need: "hasArchiving" as const }] : []),
  ];
}

/** The licence guard as far as the program alone decides it: a licence that is not among the known ones is asked for later. */
export function problemsOfLicense(inputs: Partial<SharedMailboxInputs>): { path: string; reason: string }[] {
  const { license } = inputs;
  if (license === "external") {
    return [];
  }
  if (!isLicense(license)) {
    return needsOfInputs(inputs).map(({ path, need }) => ({ path, reason: insufficient(need, "`license`") }));
  }
  const known = knownLicense(license.sku);
  if (known === undefined) {
    return [];
  }
  const entitlement = entitlementOf([{ plans: known.plans, disabledPlans: license.disabledPlans ?? [] }]);
  return needsOfInputs(inputs)
    .filter(({ need }) => !entitlement[need])
    .map(({ path, need }) => {
      const off = (license.disabledPlans ?? []).length === 0 ? "" : " with its disabledPlans";
      return { path, reason: insufficient(need, `license.sku ${known.partNumber}${off}`) };
    });
}

/** Why a licence does not suffice and which ones do, after the words that name it. */
export function insufficient(need: keyof Entitlement, by: string): string {
  const names = KNOWN_LICENSES.filter(({ plans }) => entitlementOf([{ plans, disabledPlans: [] }])[need]).map(
    ({ partNumber }) => partNumber,
  );
  return (
    `is not covered by ${by}: ${WHY[need]}. Write license: { sku: … } with ${names.slice(0, -1).join(", ")} or ` +
    `${names.at(-1)}, or license: "external" where a sufficient one is assigned elsewhere`
  );
}

/** Whether a declared hold is one. */
export function isOn(hold: unknown): boolean {
  return hold !== undefined && hold !== null && hold !== false;
}

/**
 * Makes a write that a licence allows. Exchange learns of a licence some time after Entra: where this very operation assigned it, a
 * refusal that speaks of licences is waited out, because nothing else tells; otherwise the first refusal counts.
 *
 * @throws what the last attempt threw.
 */
export async function whenLicensed<T>(
  { isJustLicensed }: Partial<Observed>,
  operation: SharedMailboxOperation,
  write: () => Promise<T>,
): Promise<T> {
  const what = "Exchange to know of the licence";
  return isJustLicensed === true
    ? retryWhile((error) => isRefusedFor(/licen[sc]e/i, error), write, { what, scope: operation })
    : write();
}

/** Whether a write was refused with words about something. */
export function isRefusedFor(reason: RegExp, error: unknown): boolean {
  return (isClass(error, "refused") || isClass(error, "badParameter")) && reason.test(error.words);
}

const licenseShape = z.strictObject(
  {
    sku: z
      .string({ error: "must be text: a part number such as EXCHANGEENTERPRISE, or an id" })
      .transform((sku) => sku.trim())
      .refine((sku) => sku !== "", { error: "is empty; write a part number such as EXCHANGEENTERPRISE, or an id" })
      .refine((sku) => !sku.includes(","), { error: "names several; write one part number, or one id" })
      .transform((sku) => knownLicense(sku)?.partNumber ?? (isGuid(sku) ? sku.toLowerCase() : sku.toUpperCase())),
    usageLocation: z
      .string({ error: "must be text: two letters, e.g. SE" })
      .transform((location) => location.trim().toUpperCase())
      .refine((location) => /^[A-Z]{2}$/.test(location), { error: "must be two letters (ISO 3166), e.g. SE" })
      .optional(),
    disabledPlans: z
      .array(
        z
          .string({ error: "must be text: the name or id of a service plan" })
          .transform((plan) => (isGuid(plan.trim()) ? plan.trim().toLowerCase() : plan.trim().toUpperCase()))
          .refine((plan) => plan !== "", { error: "is empty" }),
        { error: "must be a list of service plans, by name or id" },
      )
      .transform((plans) => [...new Set(plans)].sort())
      .optional(),
  },
  { error: 'must be an object { sku: "EXCHANGEENTERPRISE" }, "external" or false' },
);

/** The licence; canonical form: known part numbers instead of ids. */
export const licenseSchema = z.union([z.literal("external"), z.literal(false), licenseShape], {
  error: 'must be an object { sku: "EXCHANGEENTERPRISE", usageLocation: "SE" }, "external" or false',
});
