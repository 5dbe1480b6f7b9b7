import { z } from "zod";
import { knownLicense } from "../../services/licenses";
import { canonicalSize, GIGABYTE, MEGABYTE, parseSize } from "../../services/sizes";
import { isGuid } from "../../services/text";

/** The largest quota any licence gives (Exchange Online Plan 2), in bytes. */
const LARGEST_QUOTA = 100 * GIGABYTE;
/** The largest message Exchange Online lets through, in bytes. */
const LARGEST_MESSAGE = 150 * MEGABYTE;

/** A size limit; canonical form: whole kilobytes in the largest unit, e.g. `49.5 GB`. */
function size(example: string, largest: number, why: string): z.ZodType<string, string | number> {
  const error = `must be a size such as "${example}", or a number of bytes`;
  return z
    .union([z.string(), z.number()], { error })
    .refine((value) => typeof value === "number" || !/^[\d.,\s]+$/.test(value), {
      error: `has no unit; write e.g. "${example}", or bytes as a number without quotation marks`,
      abort: true,
    })
    .refine((value) => (parseSize(value) ?? 0) > 0, { error })
    .refine((value) => (parseSize(value) ?? 0) <= largest, { error: `is above ${canonicalSize(largest)}, ${why}` })
    .transform((value) => canonicalSize(parseSize(value) ?? 0));
}

const quota = (example: string) => size(example, LARGEST_QUOTA, "the most any licence gives");

/** The three quotas, which Exchange takes together. */
export const quotaSchema = z.strictObject(
  { issueWarning: quota("49 GB"), prohibitSend: quota("49.5 GB"), prohibitSendReceive: quota("50 GB") },
  { error: 'must be an object: { issueWarning: "49 GB", prohibitSend: "49.5 GB", prohibitSendReceive: "50 GB" }' },
);

/** The largest message in one direction. */
export function messageSize(example: string): z.ZodType<string, string | number> {
  return size(example, LARGEST_MESSAGE, "the most Exchange Online lets through");
}

const days = "must be a whole number of days, 1 or more";

/** Litigation hold: off, without an end, or with days. */
export const holdSchema = z.union(
  [z.boolean(), z.strictObject({ days: z.number({ error: days }).int({ error: days }).min(1, { error: days }) })],
  { error: "must be true, false, or an object { days: <whole number> }" },
);

const licenseShape = z.strictObject(
  {
    sku: z
      .string({ error: "must be text: a part number such as EXCHANGEENTERPRISE, or an id" })
      .transform((sku) => sku.trim())
      .refine((sku) => sku !== "", { error: "is empty; write a part number such as EXCHANGEENTERPRISE, or an id" })
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
