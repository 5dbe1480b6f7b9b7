import { z } from "zod";
import { isSame } from "../../core/canonical";
import { type Change, type Problem, writeAndRecord } from "../../core/kind";
import { isSet } from "../../core/properties";
import { ConflictError, InputError, isClass } from "../../http/errors";
import { canonicalSize, isGuid, sameText } from "../../http/json";
import type { AccountLicenses, Assignment, ServicePlan, Subscription } from "../../services/graph";
import type { Mailbox } from "../../services/mailboxes";
import { retryWhile } from "../../services/waiting";
import type {
  Desired,
  HeldInputs,
  KnownMailbox,
  Licensing,
  Memory,
  Observed,
  SharedMailboxInputs,
  SharedMailboxOperation,
} from "./desired";
import { changesOf, type Facet, isChanged, mayTakeAway, saysKept, tellLeft } from "./facet";
import {
  type Entitlement,
  entitlementOf,
  FREE,
  type Grant,
  insufficient,
  isRefusedFor,
  knownLicense,
  type Need,
  needsOfChanges,
  needsOfInputs,
  quotaOf,
} from "./limits";
import { whyNoCountry } from "./regional";

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
      .superRefine((location, context) => {
        const reason = whyNoCountry(location);
        if (reason !== undefined) {
          context.addIssue({ code: "custom", message: reason });
        }
      })
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

/** A declared licence. */
type License = Exclude<NonNullable<SharedMailboxInputs["license"]>, "external" | false>;

/** Whether a value is a licence to be assigned. */
function isLicense(value: unknown): value is License {
  return typeof value === "object" && value !== null;
}

/** An account without licences, as every new one is. */
const NOTHING: AccountLicenses = { usageLocation: undefined, assignments: [] };

/** What one update does with licences. */
interface Reassignment {
  add: { subscription: Subscription; disabledPlans: string[]; isNew: boolean } | undefined;
  /** Ids of licences that are taken away: direct ones that the state names. */
  remove: readonly string[];
}

const NO_CHANGE: Reassignment = { add: undefined, remove: [] };

/**
 * The licence of the account behind the mailbox, and the guard before everything that needs one. It is sticky; what a group
 * assigned is never touched, and nothing is taken away that size, archive or a hold needs.
 */
export const license: Facet = {
  properties: ["license"],

  check: (inputs, unsettled) => (unsettled.includes("license") ? [] : problemsOfLicense(inputs)),

  advise: (inputs, olds) => (isSet(olds.license) && !isSet(inputs.license) ? [saysKept("license")] : []),

  async look({ mailbox }, _managed, operation, desired) {
    return isLookedFor(operation.known, desired) ? { licensing: await licensingOf(mailbox, operation) } : {};
  },

  async preflight({ inputs }, operation) {
    const needs = needsOfInputs(inputs);
    if (inputs.license === "external" && needs.length > 0) {
      throw new InputError(
        needs.map(({ path }) => ({
          path,
          reason:
            'needs a licence, and license is "external": the account is not there yet, so nothing can have been assigned to it',
        })),
        {
          nextStep: `Nothing was created. Create the mailbox without ${needs.map(({ path }) => path).join(" and ")}, have the licence assigned, then add it.`,
        },
      );
    }
    if (isLicense(inputs.license)) {
      const licensing = { account: NOTHING, subscriptions: await operation.services.graph.subscriptions() };
      const planned = reassignment(inputs.license, {}, licensing, { assignedLicenseId: undefined });
      requireAssignable(inputs.license, planned, licensing, "Nothing was created.");
      requireSufficient(needs, entitlementAfter(planned, licensing), "Nothing was created.");
    }
  },

  difference(desired, previous, observed, { memory }) {
    const { licensing } = observed;
    const to = desired.inputs.license;
    const { add, remove } = planOf(desired, previous, observed, memory);
    const isUnknown = licensing !== undefined && isLicense(to) && find(to.sku, licensing) === undefined;
    if (licensing === undefined || (add === undefined && remove.length === 0 && !isUnknown)) {
      return [];
    }
    const from = remove.length > 0 ? { sku: namesOf(remove, licensing) } : (licenseAsRead(to, licensing) ?? undefined);
    return [{ path: ["license"], from, to }];
  },

  async guard(changes, desired, observed, operation) {
    const { licensing, mailbox } = observed;
    const { inputs } = desired;
    if (licensing === undefined || inputs.license === undefined) {
      return;
    }
    const isOwn = isChanged("license", changes);
    const { memory, inputs: held } = operation.known;
    const planned = isOwn ? planOf(desired, held, observed, memory) : NO_CHANGE;
    if (isLicense(inputs.license) && isOwn) {
      requireAssignable(inputs.license, planned, licensing, "Nothing was changed.");
    }
    const entitlement = entitlementAfter(planned, licensing);
    requireSufficient(needsOfChanges(changes), entitlement, "Nothing was changed.");
    if (planned.remove.length > 0) {
      await requireNotNeeded(namesOf(planned.remove, licensing), entitlement, changes, mailbox, operation);
    }
  },

  prepare: (changes, desired, observed, operation) => reassign(changes, desired, observed, operation, "before"),
  apply: (changes, desired, observed, operation) => reassign(changes, desired, observed, operation, "after"),

  read: ({ licensing }, { inputs }) => ({ license: licenseAsRead(inputs.license, licensing) }),

  finish({ inputs }, _previous, { licensing, mailbox }, operation) {
    if (inputs.license !== false || licensing === undefined) {
      return;
    }
    const direct = directWithExchange(licensing);
    if (direct.length > 0) {
      tellLeft("license", `the licence ${namesOf(direct, licensing)}`, operation);
    }
    for (const { skuId, byGroup } of licensing.account.assignments) {
      if (byGroup !== undefined && hasExchange({ skuId, disabledPlans: [] }, licensing)) {
        operation.warn(
          `${mailbox.primarySmtpAddress} keeps the licence ${nameOf(skuId, licensing)}: the group ${byGroup} assigns it, and only ` +
            "leaving the group takes it away.",
        );
      }
    }
  },

  outputs({ licensing }, { memory }, desired) {
    const skuId = memory.assignedLicenseId;
    const isOurs = desired === undefined || (desired.inputs.license !== false && desired.inputs.license !== "external");
    const isThere = licensing === undefined || isDirect(skuId, licensing);
    return skuId !== undefined && isOurs && isThere ? { assignedLicenseId: skuId } : {};
  },
};

/** The licence guard as far as the program alone decides it: a licence that is not among the known ones is asked for later. */
function problemsOfLicense(inputs: Partial<SharedMailboxInputs>): Problem[] {
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

/** Only what the program or the state declares is read, and "external" only where something needs a licence. */
function isLookedFor({ inputs: held }: KnownMailbox, desired: Desired | undefined): boolean {
  const { license } = desired?.inputs ?? held;
  return license === "external"
    ? desired !== undefined && needsOfInputs(desired.inputs).length > 0
    : license === false || isLicense(license);
}

async function licensingOf(mailbox: Mailbox, { services: { graph } }: SharedMailboxOperation): Promise<Licensing> {
  const [account, subscriptions] = await Promise.all([graph.licenses(mailbox.id), graph.subscriptions()]);
  return { account: account ?? NOTHING, subscriptions };
}

/** What the account's present licences let the mailbox have. */
export async function entitlementOfAccount(mailbox: Mailbox, operation: SharedMailboxOperation): Promise<Entitlement> {
  return entitlementAfter(NO_CHANGE, await licensingOf(mailbox, operation));
}

/**
 * The licence of an account as a program would declare it: a direct one, before all one with Exchange; `"external"` where groups give
 * all there are; null where there is none.
 */
export async function licenseAssigned(
  mailbox: Mailbox,
  operation: SharedMailboxOperation,
): Promise<License | "external" | null> {
  const licensing = await licensingOf(mailbox, operation);
  const direct = directIn(licensing);
  const shown = direct.find((one) => hasExchange(one, licensing)) ?? direct[0];
  if (shown === undefined) {
    return licensing.account.assignments.length === 0 ? null : "external";
  }
  const plans = find(shown.skuId, licensing)?.plans ?? [];
  const off = shown.disabledPlans.map((id) => plans.find((plan) => plan.id === id)?.name ?? id).sort();
  return { sku: nameOf(shown.skuId, licensing), ...(off.length === 0 ? {} : { disabledPlans: off }) };
}

/** Plans by these names come with nearly every licence and give no mailbox. */
const NO_MAILBOX = ["EXCHANGE_S_FOUNDATION", "EXCHANGE_ANALYTICS"];

/** Whether an assigned licence gives something of Exchange. */
function hasExchange(
  { skuId, disabledPlans }: Pick<Assignment, "skuId" | "disabledPlans">,
  licensing: Licensing,
): boolean {
  return plansOf(skuId, licensing).some(
    ({ id, name }) => name.startsWith("EXCHANGE") && !NO_MAILBOX.includes(name) && !disabledPlans.includes(id),
  );
}

/** Licences that the account itself has, not by a group. */
function directIn({ account }: Licensing): Assignment[] {
  return account.assignments.filter(({ byGroup }) => byGroup === undefined);
}

function isDirect(skuId: string | undefined, licensing: Licensing): boolean {
  return directIn(licensing).some((one) => one.skuId === skuId);
}

/** Ids of those with Exchange. */
function directWithExchange(licensing: Licensing): string[] {
  return directIn(licensing)
    .filter((one) => hasExchange(one, licensing))
    .map(({ skuId }) => skuId);
}

function find(sku: string, { subscriptions }: Licensing): Subscription | undefined {
  return subscriptions.find(({ skuId, skuPartNumber }) => sameText(skuId, sku) || sameText(skuPartNumber, sku));
}

/** The service plans of a licence: as the tenant bought it, else as a known one has them. */
function plansOf(skuId: string, licensing: Licensing): readonly ServicePlan[] {
  return find(skuId, licensing)?.plans ?? knownLicense(skuId)?.plans ?? [];
}

function nameOf(skuId: string, licensing: Licensing): string {
  return find(skuId, licensing)?.skuPartNumber ?? skuId;
}

function namesOf(skuIds: readonly string[], licensing: Licensing): string {
  return skuIds.map((skuId) => nameOf(skuId, licensing)).join(", ");
}

/** What has to be assigned and taken away so that the account has what is declared. */
function reassignment(
  declared: License | false,
  previous: HeldInputs,
  licensing: Licensing,
  { assignedLicenseId: ours }: Pick<Memory, "assignedLicenseId">,
): Reassignment {
  if (declared === false) {
    return { add: undefined, remove: ours !== undefined && isDirect(ours, licensing) ? [ours] : [] };
  }
  const subscription = find(declared.sku, licensing);
  const before = isLicense(previous.license) ? find(previous.license.sku, licensing)?.skuId : undefined;
  const remove = [...new Set([before, ours])].filter(
    (skuId): skuId is string =>
      skuId !== undefined && subscription !== undefined && skuId !== subscription.skuId && isDirect(skuId, licensing),
  );
  if (subscription === undefined) {
    return { add: undefined, remove };
  }
  const held = licensing.account.assignments.filter(({ skuId }) => skuId === subscription.skuId);
  const direct = held.find(({ byGroup }) => byGroup === undefined);
  const disabledPlans = planIds(declared.disabledPlans ?? [], subscription);
  const hasOtherPlans =
    direct !== undefined && declared.disabledPlans !== undefined && !sameSet(direct.disabledPlans, disabledPlans);
  const isAdded = held.length === 0 || hasOtherPlans;
  return { add: isAdded ? { subscription, disabledPlans, isNew: held.length === 0 } : undefined, remove };
}

/** What has to be done so that the account has what is declared, and none with Exchange where `false` stood in a preview. */
function planOf(desired: Desired, previous: HeldInputs, observed: Observed, memory: Memory): Reassignment {
  const { licensing } = observed;
  const declared = desired.inputs.license;
  if (licensing === undefined || declared === undefined || declared === "external") {
    return NO_CHANGE;
  }
  const { add, remove } = reassignment(declared, previous, licensing, memory);
  const isAll = declared === false && mayTakeAway("license", desired, previous, observed);
  return { add, remove: [...new Set([...remove, ...(isAll ? directWithExchange(licensing) : [])])] };
}

function planIds(plans: readonly string[], { plans: known }: Subscription): string[] {
  const ids = plans.map((plan) => known.find(({ id, name }) => sameText(id, plan) || sameText(name, plan))?.id ?? plan);
  // A plan may be written by its name and by its id.
  return [...new Set(ids)].sort();
}

function sameSet(a: readonly string[], b: readonly string[]): boolean {
  return isSame([...a].sort(), [...b].sort());
}

/** What the account's licences let the mailbox have once the reassignment is made. */
function entitlementAfter({ add, remove }: Reassignment, licensing: Licensing): Entitlement {
  const replaced = [...remove, add?.subscription.skuId];
  const kept: Grant[] = licensing.account.assignments
    .filter(({ skuId, byGroup }) => byGroup !== undefined || !replaced.includes(skuId))
    .map(({ skuId, disabledPlans }) => ({ plans: plansOf(skuId, licensing), disabledPlans }));
  return entitlementOf([
    ...kept,
    ...(add === undefined ? [] : [{ plans: add.subscription.plans, disabledPlans: add.disabledPlans }]),
  ]);
}

/** Refuses a licence that cannot be assigned: unknown, without a country, without a free seat. */
function requireAssignable(declared: License, { add }: Reassignment, licensing: Licensing, nothing: string): void {
  const refused = (path: string, reasons: readonly string[]) =>
    new InputError(
      reasons.map((reason) => ({ path, reason })),
      { nextStep: nothing },
    );
  const subscription = find(declared.sku, licensing);
  if (subscription === undefined) {
    const names = licensing.subscriptions.map(({ skuPartNumber }) => skuPartNumber).sort();
    throw refused("license.sku", [`the tenant has no licence ${declared.sku}; it has ${names.join(", ") || "none"}`]);
  }
  const unknown = (declared.disabledPlans ?? []).filter(
    (plan) => !subscription.plans.some(({ id, name }) => sameText(id, plan) || sameText(name, plan)),
  );
  if (unknown.length > 0) {
    const names = subscription.plans.map(({ name }) => name).sort();
    const has = `${subscription.skuPartNumber}; it has ${names.join(", ")}`;
    throw refused(
      "license.disabledPlans",
      unknown.map((plan) => `${plan} is not a service plan of ${has}`),
    );
  }
  if (add?.isNew !== true) {
    return;
  }
  if (licensing.account.usageLocation === undefined && declared.usageLocation === undefined) {
    throw refused("license.usageLocation", [
      "is missing: the account has none, and without one no licence can be assigned; write two letters, e.g. SE",
    ]);
  }
  requireSeat(subscription, nothing);
}

function requireSeat({ skuPartNumber, enabled, consumed, isActive }: Subscription, nothing: string): void {
  if (!isActive || consumed >= enabled) {
    throw new ConflictError({
      action: "license",
      words: isActive
        ? `no seat of ${skuPartNumber} is free: ${consumed} of ${enabled} are in use`
        : `the subscription ${skuPartNumber} is not active`,
      nextStep: `${nothing} Buy or free a seat, or name another licence.`,
    });
  }
}

function requireSufficient(needs: readonly Need[], entitlement: Entitlement, nothing: string): void {
  const lacking = needs.filter(({ need }) => !entitlement[need]);
  if (lacking.length > 0) {
    throw new InputError(
      lacking.map(({ path, need }) => ({ path, reason: insufficient(need, "the account's licences") })),
      { nextStep: nothing },
    );
  }
}

/** Refuses to take a licence away while the mailbox needs it. */
async function requireNotNeeded(
  names: string,
  { isLarge, hasArchiving }: Entitlement,
  changes: readonly Change[],
  mailbox: Mailbox,
  operation: SharedMailboxOperation,
): Promise<void> {
  const isQuotaChanged = changesOf("quota", changes).some(({ path: [, name] }) => name === "prohibitSendReceive");
  const quota = isQuotaChanged ? undefined : quotaOf(mailbox);
  const disablesArchive = changesOf("archive", changes).some(({ to }) => to === false);
  const isAbove = (bytes: number | undefined): bytes is number => bytes !== undefined && bytes > FREE;
  const { size } = isLarge ? { size: 0 } : await operation.services.mailboxes.statistics(mailbox);
  const reasons = [
    ...(hasArchiving ? [] : mailbox.holds.map((hold) => `the mailbox is under ${hold}`)),
    ...(!hasArchiving && mailbox.hasArchive && !disablesArchive ? ["it has an archive"] : []),
    ...(!isLarge && isAbove(size) ? [`it holds ${canonicalSize(size)}`] : []),
    ...(!isLarge && isAbove(quota) ? [`its quota is ${canonicalSize(quota)}`] : []),
  ];
  if (reasons.length > 0) {
    throw new ConflictError({
      action: "license",
      words: `${names} of ${mailbox.primarySmtpAddress} is needed: ${reasons.join(", ")}`,
      nextStep: "Nothing was changed. Without it the mailbox would stop working or lose what it keeps.",
    });
  }
}

/**
 * Assigns and takes away in one request, before the other changes. A lesser licence comes after them: nothing needs the larger one any
 * more then.
 */
async function reassign(
  changes: readonly Change[],
  desired: Desired,
  observed: Observed,
  operation: SharedMailboxOperation,
  when: "before" | "after",
): Promise<Partial<Observed> | undefined> {
  const declared = desired.inputs.license;
  const { mailbox, licensing } = observed;
  if (licensing === undefined || declared === undefined || !isChanged("license", changes)) {
    return undefined;
  }
  const planned = planOf(desired, operation.known.inputs, observed, operation.known.memory);
  const { add, remove } = planned;
  const now = entitlementAfter(NO_CHANGE, licensing);
  const then = entitlementAfter(planned, licensing);
  const isLess = (now.isLarge && !then.isLarge) || (now.hasArchiving && !then.hasArchiving);
  if (isLess !== (when === "after") || (add === undefined && remove.length === 0)) {
    return undefined;
  }
  const { graph } = operation.services;
  const action =
    add === undefined
      ? `taking the licence ${namesOf(remove, licensing)} from ${mailbox.primarySmtpAddress}`
      : `assigning the licence ${add.subscription.skuPartNumber} to ${mailbox.primarySmtpAddress}`;
  const assign = () =>
    graph.assignLicenses(
      mailbox.id,
      add === undefined ? [] : [{ skuId: add.subscription.skuId, disabledPlans: add.disabledPlans }],
      remove,
      action,
      operation,
    );
  const location = isLicense(declared) ? declared.usageLocation : undefined;
  const setsLocation = add !== undefined && licensing.account.usageLocation === undefined && location !== undefined;
  if (setsLocation) {
    await graph.setUsageLocation(
      mailbox.id,
      location,
      `setting the usage location of ${mailbox.primarySmtpAddress}`,
      operation,
    );
  }
  try {
    await writeAndRecord(
      () =>
        setsLocation
          ? retryWhile((error) => isRefusedFor(/usage location/i, error), assign, {
              what: "the usage location to be known",
              scope: operation,
            })
          : assign(),
      () => {
        if (add !== undefined) {
          // One that was there already is not ours to take away later.
          operation.record({ memory: add.isNew ? { assignedLicenseId: add.subscription.skuId } : {} });
        }
      },
    );
    // Not recorded earlier: after a lost answer, this tells that the former licence must still be taken away.
    if (add !== undefined) {
      operation.record({ inputs: { license: declared } });
    }
    return add === undefined ? undefined : { isJustLicensed: true };
  } catch (error) {
    if (add?.isNew === true && (isClass(error, "badParameter") || isClass(error, "refused"))) {
      const latest = (await graph.subscriptions()).find(({ skuId }) => skuId === add.subscription.skuId);
      requireSeat(latest ?? add.subscription, "The licence was not assigned.");
    }
    throw error;
  }
}

/** The declared licence as it is in the tenant; null when the account no longer has it. */
function licenseAsRead(declared: unknown, licensing: Licensing | undefined): unknown {
  if (declared === false && licensing !== undefined) {
    const direct = directWithExchange(licensing);
    return direct.length === 0 ? false : { sku: namesOf(direct, licensing) };
  }
  // A licence that was not looked at, because the application may not, is as the state has it.
  if (!isLicense(declared) || licensing === undefined) {
    return declared ?? null;
  }
  const subscription = find(declared.sku, licensing);
  const held = licensing.account.assignments.filter(({ skuId }) => skuId === subscription?.skuId);
  if (subscription === undefined || held.length === 0) {
    return null;
  }
  const direct = held.find(({ byGroup }) => byGroup === undefined);
  if (declared.disabledPlans === undefined || direct === undefined) {
    return declared;
  }
  if (sameSet(direct.disabledPlans, planIds(declared.disabledPlans, subscription))) {
    return declared;
  }
  const spelled = new Map(declared.disabledPlans.map((plan) => [planIds([plan], subscription)[0], plan]));
  return {
    ...declared,
    disabledPlans: direct.disabledPlans
      .map((id) => spelled.get(id) ?? subscription.plans.find((plan) => plan.id === id)?.name ?? id)
      .sort(),
  };
}
