import { z } from "zod";
import { isSame } from "../../core/canonical";
import type { Change, Problem, Properties } from "../../core/kind";
import { isSet, tableOf } from "../../core/properties";
import { InputError, isClass } from "../../http/errors";
import { canonicalSize, GIGABYTE, MEGABYTE, membersOf, parseSize, type Row, sameText, text } from "../../http/json";
import type { ServicePlan } from "../../services/graph";
import type { Mailbox } from "../../services/mailboxes";
import { retryWhile } from "../../services/waiting";
import type {
  Desired,
  KnownMailbox,
  Observed,
  SharedMailboxInputs,
  SharedMailboxOperation,
  ValuesBefore,
} from "./desired";
import { changesOf, type Facet, isChanged } from "./facet";

const QUOTAS = ["issueWarning", "prohibitSend", "prohibitSendReceive"] as const;
const SIZES = ["maxSendSize", "maxReceiveSize"] as const;

type QuotaInput = NonNullable<SharedMailboxInputs["quota"]>;
type SizeName = (typeof SIZES)[number];

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

const messageSize = (example: string) => size(example, LARGEST_MESSAGE, "the most Exchange Online lets through");

/** A limit that a column of one name shows and a parameter of the same name sets. */
function sizeIn(column: string) {
  return {
    columns: [column],
    read(row: Row) {
      const { [column]: size } = row;
      const bytes = parseSize(typeof size === "number" ? size : text(size));
      return bytes === undefined ? "Unlimited" : canonicalSize(bytes);
    },
    // As a number of bytes: no unit has to be understood.
    write: (value: string) => ({ [column]: parseSize(value) ?? "Unlimited" }),
  };
}

/** Quotas and message sizes. Exchange has no "unset" for them: removal puts back what was there, as far as that is remembered. */
export const limitProperties = tableOf<Row>()({
  quota: {
    schema: z
      .strictObject(
        { issueWarning: quota("49 GB"), prohibitSend: quota("49.5 GB"), prohibitSendReceive: quota("50 GB") },
        {
          error: 'must be an object: { issueWarning: "49 GB", prohibitSend: "49.5 GB", prohibitSendReceive: "50 GB" }',
        },
      )
      .optional(),
    members: {
      issueWarning: { ...sizeIn("IssueWarningQuota"), removal: { back: undefined } },
      prohibitSend: { ...sizeIn("ProhibitSendQuota"), removal: { back: undefined } },
      prohibitSendReceive: { ...sizeIn("ProhibitSendReceiveQuota"), removal: { back: undefined } },
    },
  },
  maxSendSize: {
    schema: messageSize("35 MB").optional(),
    ...sizeIn("MaxSendSize"),
    removal: { back: canonicalSize(35 * MEGABYTE) },
  },
  maxReceiveSize: {
    schema: messageSize("36 MB").optional(),
    ...sizeIn("MaxReceiveSize"),
    removal: { back: canonicalSize(36 * MEGABYTE) },
  },
});

/** The properties of {@link limitProperties}. */
export const limits: Facet = {
  properties: limitProperties.names,

  check: (inputs, _unsettled, before) => [
    ...(inputs.quota === undefined ? [] : orderProblems(inputs.quota)),
    ...smallProblems(inputs, before),
  ],

  advise: ({ quota }, olds) =>
    quota !== undefined &&
    QUOTAS.some((name) => quota[name] !== olds.quota?.[name]) &&
    bytesOf(quota.issueWarning) > bytesOf(quota.prohibitSend)
      ? [
          `quota.issueWarning is above quota.prohibitSend (${quota.prohibitSend}): nobody is warned before sending stops.`,
        ]
      : [],

  async look({ mailbox }, managed, operation, desired) {
    const isWithoutRecord = (name: SizeName) =>
      desired !== undefined &&
      isSet(managed[name]) &&
      desired.inputs[name] === undefined &&
      operation.known.memory.valuesBefore?.[name] === undefined;
    return {
      valuesBefore: valuesNow(mailbox, desired, operation.known),
      ...(SIZES.some(isWithoutRecord) ? { planSizes: await sizesOfPlan(mailbox, operation) } : {}),
    };
  },

  difference({ inputs }, previous, { mailbox, planSizes = {} }, { memory: { valuesBefore } }) {
    return limitProperties.difference({
      declared: inputs,
      previous,
      row: mailbox.row,
      remembered: { quota: defaultQuota(mailbox), ...planSizes, ...valuesBefore },
    });
  },

  async guard(changes, _desired, { mailbox }, operation) {
    const lowered = changesOf("quota", changes).filter(({ path: [, name] }) => name !== "issueWarning");
    if (lowered.length === 0) {
      return;
    }
    const { size } = await operation.services.mailboxes.statistics(mailbox);
    const below = lowered.filter(({ to }) => bytesOf(String(to)) < size);
    if (below.length > 0) {
      throw new InputError(
        below.map(({ path, to }) => ({
          path: path.join("."),
          reason: `${String(to)} is below what ${mailbox.primarySmtpAddress} holds now, ${canonicalSize(size)}; mail would stop`,
        })),
        { nextStep: "Nothing was changed." },
      );
    }
  },

  parameters(changes, _desired, { mailbox }) {
    const { quota } = isChanged("quota", changes) ? limitProperties.values(mailbox.row) : {};
    // Set one by one, the order among the three could be broken on the way.
    const others = Object.entries(membersOf(quota)).map(([name, to]) => ({ path: ["quota", name], from: to, to }));
    return limitProperties.parameters([...others, ...changes]);
  },

  recorded: (changes, _desired, { valuesBefore }) =>
    changes.some(({ path: [name = ""] }) => name in (valuesBefore ?? {})) ? { memory: { valuesBefore } } : {},

  read: ({ mailbox: { row } }) => limitProperties.values(row),

  outputs({ valuesBefore: before = {} }, _known, desired) {
    const declared: Properties | undefined = desired?.inputs;
    const isManaged = (name: string) => declared === undefined || isSet(declared[name]);
    const kept = Object.fromEntries(Object.entries(before).filter(([name]) => isManaged(name)));
    return Object.keys(kept).length === 0 ? {} : { valuesBefore: kept };
  },
};

/** Bytes of a canonical size; what is unlimited is above everything. */
function bytesOf(size: string): number {
  return parseSize(size) ?? Number.POSITIVE_INFINITY;
}

function orderProblems(quota: QuotaInput): Problem[] {
  const limit = bytesOf(quota.prohibitSendReceive);
  return (["issueWarning", "prohibitSend"] as const)
    .filter((name) => bytesOf(quota[name]) > limit)
    .map((name) => ({
      path: `quota.${name}`,
      reason: `is above quota.prohibitSendReceive (${quota.prohibitSendReceive}), which Exchange refuses`,
    }));
}

/** A size this small is one whose unit was forgotten. What the state has, an earlier release has taken: it goes on as it is. */
function smallProblems(inputs: Partial<SharedMailboxInputs>, before: Partial<SharedMailboxInputs>): Problem[] {
  const sizes = [
    ...QUOTAS.map((name) => ({ path: `quota.${name}`, size: inputs.quota?.[name], held: before.quota?.[name] })),
    ...SIZES.map((name) => ({ path: name, size: inputs[name], held: before[name] })),
  ];
  return sizes
    .filter(({ size, held }) => size !== undefined && size !== held && bytesOf(size) < MEGABYTE)
    .map(({ path, size }) => ({
      path,
      reason: `is ${size}, below 1 MB; a bare number means bytes; write a unit, such as "35 MB" or "50 GB"`,
    }));
}

/** Exchange Online Plan 2 gives 100 GB, everything else 50 GB. */
function defaultQuota({ plan }: Mailbox): Record<string, string> {
  const largest = (plan.startsWith("ExchangeOnlineEnterprise") ? 100 : 50) * GIGABYTE;
  return {
    issueWarning: canonicalSize(largest * 0.98),
    prohibitSend: canonicalSize(largest * 0.99),
    prohibitSendReceive: canonicalSize(largest),
  };
}

/**
 * What the state has recorded, and what belongs there now: of a property that is managed from now on what the mailbox has; of
 * one that was managed without a record, as by a former release, what was declared, because it never had to be written. A
 * refresh records only what somebody is found to have changed: everything else stays as it is.
 */
function valuesNow(mailbox: Mailbox, desired: Desired | undefined, { inputs, memory }: KnownMailbox): ValuesBefore {
  const held: Properties = inputs;
  const declared: Properties | undefined = desired?.inputs;
  const present = limitProperties.values(mailbox.row);
  const isDue = (name: string) =>
    declared === undefined ? isSet(held[name]) && !isSame(held[name], present[name]) : isSet(declared[name]);
  const due = Object.entries(present)
    .filter(([name]) => isDue(name))
    .map(([name, value]) => [name, isSet(held[name]) ? held[name] : value]);
  return { ...Object.fromEntries(due), ...memory.valuesBefore };
}

/** The message sizes that the mailbox's plan gives, as far as Exchange tells them. */
async function sizesOfPlan(
  mailbox: Mailbox,
  { services }: SharedMailboxOperation,
): Promise<Partial<Record<SizeName, string>>> {
  const row = await services.mailboxes.planSizes(mailbox);
  const { quota: _quota, ...sizes } = limitProperties.values(row ?? {});
  return Object.fromEntries(Object.entries(sizes).filter(([, size]) => size !== "Unlimited"));
}

/** What a mailbox may hold, in bytes; undefined where nothing limits it. */
export function quotaOf({ row }: Mailbox): number | undefined {
  return parseSize(text(row.ProhibitSendReceiveQuota));
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
interface KnownLicense {
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
const KNOWN_LICENSES: readonly KnownLicense[] = [
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

/** A property that needs something of a licence. */
export interface Need {
  path: "quota" | "archive" | "litigationHold";
  need: keyof Entitlement;
}

/** Bytes a shared mailbox may hold without a licence. */
export const FREE = 50 * GIGABYTE;

const WHY: Readonly<Record<keyof Entitlement, string>> = {
  isLarge: "more than 50 GB needs Exchange Online Plan 2",
  hasArchiving:
    "an archive or a litigation hold needs Exchange Online Plan 2, or Plan 1 with Exchange Online Archiving",
};

/** What the inputs need. */
export function needsOfInputs({ quota, archive, litigationHold }: Partial<SharedMailboxInputs>): Need[] {
  return needs(Object.values(quota ?? {}), archive, litigationHold);
}

/** What changes need. */
export function needsOfChanges(changes: readonly Change[]): Need[] {
  const becomes = (property: "quota" | "archive" | "litigationHold") =>
    changesOf(property, changes).map(({ to }) => to);
  return needs(becomes("quota").map(String), becomes("archive")[0], becomes("litigationHold")[0]);
}

function needs(quotas: readonly string[], archive: unknown, hold: unknown): Need[] {
  const all: (Need | false)[] = [
    quotas.some((size) => bytesOf(size) > FREE) && { path: "quota", need: "isLarge" },
    archive === true && { path: "archive", need: "hasArchiving" },
    isOn(hold) && { path: "litigationHold", need: "hasArchiving" },
  ];
  return all.filter((one) => one !== false);
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
