import { writeAndRecord } from "../../core/kind";
import { sourceThing } from "../../core/registry";
import { InputError } from "../../http/errors";
import { sameText } from "../../http/json";
import { type ForwardingRule, forwardsTo, type InboxRule } from "../../services/inbox-rules";
import { smtpAddresses } from "../../services/mailboxes";
import { describe, type Recipient } from "../../services/recipients";
import { settle } from "../../services/waiting";
import { MAILBOXES, requireOwnDomain } from "../mailbox-record/claims";
import { recipientKnownAs } from "../recipients";
import { type ForwardingInputs, type ForwardingOperation, type ObservedSource, pathOf, SOURCE } from "./desired";
import { recordSource, recordsOf, releaseRecords } from "./records";

/** How long a mailbox that is not ready for rules is waited for when it is only being read, in milliseconds. */
const NOT_READY = 30_000;

/** Looks up every source; refuses what has no inbox, and the collecting mailbox itself, before anything is changed. */
export async function lookUpSources(
  inputs: ForwardingInputs,
  operation: ForwardingOperation,
): Promise<Map<string, Recipient>> {
  const known = operation.known.memory.sourceIds ?? {};
  const entries = await Promise.all(
    Object.keys(inputs.sources ?? {}).map(async (key): Promise<[string, Recipient]> => {
      if (known[key] === undefined) {
        await requireOwnDomain(key, pathOf(key), "a rule can only be put into a mailbox of the tenant", operation);
      }
      return [key, await recipientKnownAs(key, known[key], pathOf(key), operation)];
    }),
  );
  const problems = entries.flatMap(([key, recipient], index) => {
    const twin = entries.slice(0, index).find(([, other]) => sameText(other.id, recipient.id));
    if (!MAILBOXES.includes(recipient.recipientTypeDetails)) {
      return [{ path: pathOf(key), reason: `is ${describe(recipient)}, which has no inbox; write ${SOURCE}` }];
    }
    if (smtpAddresses(recipient).includes(inputs.emailAddress)) {
      return [{ path: pathOf(key), reason: "is the collecting mailbox itself; mail would go round in a loop" }];
    }
    return twin === undefined
      ? []
      : [{ path: pathOf(key), reason: `is the same mailbox as ${pathOf(twin[0])}; write each one once` }];
  });
  if (problems.length > 0) {
    throw new InputError(problems);
  }
  return new Map(entries);
}

/** The rule's name in the source mailbox: what people see there, and how it is recognised without the state. */
function ruleName(rowName: string): string {
  return `Dynamics 365 forward mailbox: ${rowName}`;
}

/** The rule as it should be: everything, as an attachment, without stopping the rules behind it. */
function desiredRule({ name, emailAddress }: ForwardingInputs): ForwardingRule {
  return { name: ruleName(name), target: emailAddress };
}

/** What is there of a source: its rule and its records in Dynamics. */
export async function observeSource(
  key: string,
  recipient: Recipient,
  target: { name: string; emailAddress: string },
  operation: ForwardingOperation,
): Promise<ObservedSource> {
  const { inboxRules } = operation.services;
  const { registry, origin } = operation;
  const [seen, { records, collecting }] = await Promise.all([
    operation.readIfAllowed(`the inbox rules of ${pathOf(key)}`, () =>
      settle(
        {
          what: `the inbox of ${key} to be ready`,
          look: () => inboxRules.list(recipient, key),
          done: (now) => now !== undefined,
          atMost: operation.known.id === undefined ? operation.settleTimeout : NOT_READY,
        },
        operation,
      ),
    ),
    recordsOf(recipient, operation),
  ]);
  const rules = seen ?? [];
  const ownIds = ruleIdsOf(recipient.id, operation);
  const isOwn = ({ id }: InboxRule) => ownIds.includes(id);
  const addresses = await addressesOf(
    target.emailAddress,
    rules.filter((one) => isOwn(one) || isForDynamics(one)),
    operation,
  );
  const isPlaced = registry.isDeclared(placedRule(recipient.id, target.emailAddress));
  const isWhole = (one: InboxRule) => isForDynamics(one) && damageOf(one, target.name, addresses) === undefined;
  const rule =
    // The answer to its creation may have been lost: then the state still knows the former one.
    (isPlaced ? rules.find(isWhole) : undefined) ??
    rules.find(isOwn) ??
    rules.find((one) => isForDynamics(one) && forwardsTo(one, addresses)) ??
    // Only of a resource that is there already: a new one would take the rule of a namesake with another address.
    rules.find(
      (one) =>
        operation.known.id !== undefined &&
        one.name === ruleName(target.name) &&
        one.targets.length > 0 &&
        !feedsAnother(one, recipient, operation),
    );
  // Another resource of this deployment may have its rule of the same name for the same address.
  const isShared = registry.isDeclaredByAnother(sourceThing(recipient.id, target.emailAddress), origin);
  const stoppers = rules
    .filter((one) => one.id !== rule?.id && one.isEnabled && one.otherActions.includes("stopProcessingRules"))
    .filter((one) => one.sequence <= (rule?.sequence ?? FIRST));
  // Whatever it is called: a rule that does nothing else sends every message once more.
  const doesTheSame = (one: InboxRule) => !isForDynamics(one) && damageOf(one, undefined, addresses) === undefined;
  const isCopy = (one: InboxRule) =>
    isOwn(one) ||
    doesTheSame(one) ||
    (one.isEnabled && one.name === ruleName(target.name) && (one.isReadOnly || forwardsTo(one, addresses)));
  return {
    recipient,
    ...(seen === undefined ? { isUnread: true } : {}),
    rule,
    damage: rule === undefined ? undefined : damageOf(rule, target.name, addresses),
    copies: isShared ? [] : rules.filter((one) => one.id !== rule?.id && isCopy(one)),
    stoppers,
    isPlaced,
    records,
    collects: collecting.filter(({ id }) => id !== operation.known.id).map(({ name }) => name),
    isFedByOthers: rules.some((one) => !isOwn(one) && isForDynamics(one)),
  };
}

/** A mailbox whose inbox rule feeds a forward mailbox. */
export interface Feeding {
  recipient: Recipient;
  rule: InboxRule;
}

/**
 * The mailboxes that feed a forward mailbox, by primary address, as far as they can be found: those of the users and queues whose incoming
 * method is Forward Mailbox. A mailbox that has a rule and no such record is not among them: only a look into each mailbox of the tenant
 * would find it.
 */
export async function feedingMailboxes(
  { emailAddress }: { emailAddress: string },
  operation: ForwardingOperation,
): Promise<Map<string, Feeding>> {
  const { dataverse, recipients, inboxRules } = operation.services;
  const onForwardMailbox = await dataverse.mailboxesOnForwardMailbox(operation);
  const addresses = new Set(onForwardMailbox.map((record) => record.emailAddress).filter((address) => address !== ""));
  const found = (await Promise.all([...addresses].map((address) => recipients.withAddress(address)))).flat();
  const mailboxes = new Map(
    found
      .filter(({ recipientTypeDetails }) => MAILBOXES.includes(recipientTypeDetails))
      .map((recipient) => [recipient.primarySmtpAddress, recipient]),
  );
  const feeding = await Promise.all(
    [...mailboxes].map(async ([key, recipient]): Promise<[string, Feeding][]> => {
      const all = await operation.readIfAllowed(`the inbox rules of ${key}`, () => inboxRules.list(recipient, key));
      const running = (all ?? []).filter(({ isEnabled, isInError }) => isEnabled && !isInError);
      const targets = await addressesOf(
        emailAddress,
        running.filter(({ targets }) => targets.length > 0),
        operation,
      );
      const rule = running.find((one) => forwardsTo(one, targets));
      return rule === undefined ? [] : [[key, { recipient, rule }]];
    }),
  );
  return new Map(feeding.flat().sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** The place that a new rule asks for. */
const FIRST = 1;

/** Whether a rule looks like one of ours, whoever's it is. */
function isForDynamics({ name }: InboxRule): boolean {
  return name.startsWith(ruleName(""));
}

/** Whether a rule is that of another forward mailbox of this deployment. */
function feedsAnother({ targets }: InboxRule, { id }: Recipient, { registry, origin }: ForwardingOperation): boolean {
  return targets.some(({ addresses }) =>
    addresses.some((address) => registry.isDeclaredByAnother(sourceThing(id, address), origin)),
  );
}

/**
 * The addresses of the collecting mailbox: a service may print the primary one of a rule that was made with another. They are looked up
 * only where a rule names an address that is not the declared one.
 */
async function addressesOf(
  address: string,
  rules: readonly InboxRule[],
  operation: ForwardingOperation,
): Promise<string[]> {
  const isPlain = rules.every(({ targets }) => targets.every((target) => target.addresses.includes(address)));
  const found = isPlain ? [] : await operation.services.recipients.withAddress(address);
  return [address, ...found.flatMap(smtpAddresses)];
}

/**
 * The registry's name for a rule that this deployment has placed. Where it stands then is where it can be put, also if the answer to its
 * creation was lost.
 */
const placedRule = (sourceId: string, address: string): string => `placed rule/${sourceId}/${address}`;

/** Ids of the rules that the state has for a source, however the program wrote it then. */
function ruleIdsOf(recipientId: string, { known }: ForwardingOperation): string[] {
  const { sourceRules = {}, sourceIds = {} } = known.memory;
  return Object.entries(sourceIds).flatMap(([key, id]) => {
    const rule = sourceRules[key];
    return rule !== undefined && sameText(id, recipientId) ? [rule] : [];
  });
}

/** Records which rules the declared sources have: a program that renames and moves everything at once still means these. */
export function recordRules(
  sources: ReadonlyMap<string, ObservedSource>,
  inputs: ForwardingInputs,
  operation: ForwardingOperation,
): void {
  const { sourceIds, sourceRules } = operation.known.memory;
  const own = [...sources].flatMap(([key, { recipient, rule }]) =>
    rule === undefined || inputs.sources?.[key] === undefined ? [] : [{ key, id: recipient.id, rule: rule.id }],
  );
  if (own.length > 0) {
    operation.record({
      memory: {
        sourceIds: { ...sourceIds, ...Object.fromEntries(own.map(({ key, id }) => [key, id])) },
        sourceRules: { ...sourceRules, ...Object.fromEntries(own.map(({ key, rule }) => [key, rule])) },
      },
    });
  }
}

/** What the owner of a source should know before it gets a rule: said once, when the rule is placed. */
export async function warnAbout(key: string, source: ObservedSource, operation: ForwardingOperation): Promise<void> {
  const { recipient, rule, collects } = source;
  if (rule !== undefined) {
    return;
  }
  if (recipient.recipientTypeDetails === "UserMailbox") {
    operation.warn(
      `${pathOf(key)} is a person's mailbox: a rule made from outside removes rules that Outlook runs or switched off itself.`,
    );
  }
  if (collects.length > 0) {
    operation.warn(
      `${pathOf(key)} is the collecting mailbox of another forward mailbox (${collects.join(", ")}): all that it collects is ` +
        "forwarded again. If this forward mailbox also feeds that one, mail goes round in a loop.",
    );
  }
  const mailbox = await operation.services.mailboxes.withId(recipient.id);
  const forwards = mailbox?.forwardingAddress !== undefined || mailbox?.forwardingSmtpAddress !== undefined;
  if (forwards && mailbox?.deliversAndForwards === false) {
    operation.warn(
      `${pathOf(key)} forwards its mail without keeping a copy; inbox rules do not see what is not delivered.`,
    );
  }
}

/** What a deployment could not put in order, and what the owner of a source has to do. */
export function tellLeftOver(
  sources: ReadonlyMap<string, ObservedSource>,
  inputs: ForwardingInputs,
  operation: ForwardingOperation,
): void {
  for (const [key, { recipient, rule, copies, stoppers, isPlaced, records }] of sources) {
    if (inputs.sources?.[key] === undefined) {
      continue;
    }
    if (isPlaced && records.length === 0) {
      operation.warn(
        `${pathOf(key)} has no mailbox record in Dynamics: no user or queue there has one of its addresses ` +
          `(${smtpAddresses(recipient).join(", ")}), and Dynamics takes in nothing for it. Give a user or a queue the address.`,
      );
    }
    if (stoppers.length > 0) {
      operation.warn(
        `${pathOf(key)}: ${stoppers.map(({ name }) => `"${name}"`).join(", ")} still comes before the rule "${rule?.name}" and stops it: mail ` +
          `that it catches does not arrive. Move "${rule?.name}" to the top in Outlook, or give the application a management role in Exchange ` +
          "with the cmdlets of inbox rules, such as Mail Recipients.",
      );
    }
    if (copies.length > 0) {
      operation.warn(
        `${pathOf(key)} has another rule "${copies[0]?.name}" that forwards everything again. ` +
          "`pulumi up --refresh` shows and removes it.",
      );
    }
  }
}

/**
 * What keeps a rule from forwarding everything to one address and doing nothing else, in words.
 *
 * @param name of the forward mailbox; undefined where any name of the rule is right.
 */
function damageOf(rule: InboxRule, name: string | undefined, addresses: readonly string[]): string | undefined {
  const targets = rule.targets.map((target) => target.name).join(", ") || "nobody";
  const isOnTarget = rule.targets.length === 1 && forwardsTo(rule, addresses);
  const damage = [
    ...(rule.isEnabled ? [] : ["the rule is disabled"]),
    ...(rule.isInError ? ["the rule is in error and does not run"] : []),
    ...(rule.isReadOnly
      ? ["somebody changed the rule into one that Microsoft Graph shows only in part"]
      : isOnTarget
        ? []
        : [`the rule forwards to ${targets}`]),
    ...(rule.conditions.length === 0 ? [] : ["the rule has conditions"]),
    ...(rule.exceptions.length === 0 ? [] : ["the rule has exceptions"]),
    ...(rule.otherActions.length === 0 ? [] : [`the rule also does ${rule.otherActions.join(", ")}`]),
    ...(name === undefined || rule.name === ruleName(name) ? [] : [`the rule is called ${rule.name}`]),
  ];
  return damage.length === 0 ? undefined : damage.join("; ");
}

/**
 * Makes the rule or repairs it, and moves it before rules that would stop it. A rule with parts that cannot be taken off it is
 * replaced. The former rule goes last, so that no message is missed between the two.
 */
export async function placeRule(
  key: string,
  source: ObservedSource,
  inputs: ForwardingInputs,
  operation: ForwardingOperation,
): Promise<void> {
  const { inboxRules } = operation.services;
  const { recipient, rule, damage, stoppers } = source;
  const wanted = desiredRule(inputs);
  const isPlain =
    rule !== undefined &&
    !rule.isReadOnly &&
    [rule.conditions, rule.exceptions, rule.otherActions].every(({ length }) => length === 0);
  let { id } = rule ?? {};
  if (!isPlain) {
    operation.registry.declare(placedRule(recipient.id, inputs.emailAddress), operation.origin);
    id = await writeAndRecord(
      () => inboxRules.create(recipient, wanted, `creating the inbox rule of ${key}`, operation),
      () => recordSource(key, recipient, operation),
    );
    if (id !== undefined) {
      operation.record({ memory: { sourceRules: { ...operation.known.memory.sourceRules, [key]: id } } });
    }
    if (rule !== undefined) {
      await inboxRules.delete(recipient, rule, `replacing the inbox rule of ${key}`, operation, id);
    }
  } else if (damage !== undefined) {
    await inboxRules.update(recipient, rule, wanted, `repairing the inbox rule of ${key}`, operation);
  }
  if (stoppers.length > 0) {
    operation.registry.declare(placedRule(recipient.id, inputs.emailAddress), operation.origin);
    const others = Math.min(...stoppers.map(({ sequence }) => sequence));
    const own = { id: id ?? "", name: wanted.name };
    const action = `moving the inbox rule of ${key} before ${stoppers.map(({ name }) => name).join(", ")}`;
    await inboxRules.putBefore(recipient, own, others, action, operation);
  }
}

/** Removes further rules that do what the one of a source does. */
export async function removeCopies(
  key: string,
  { recipient, copies }: Pick<ObservedSource, "recipient" | "copies">,
  operation: ForwardingOperation,
): Promise<void> {
  for (const copy of copies) {
    const action = `removing a copy of the inbox rule of ${key}`;
    await operation.services.inboxRules.delete(recipient, copy, action, operation);
  }
}

/** Takes the rule and its copies out of a source and puts its records back, unless another rule still feeds a forward mailbox. */
export async function releaseSource(
  key: string,
  source: ObservedSource,
  operation: ForwardingOperation,
): Promise<void> {
  const { inboxRules } = operation.services;
  const { recipient, rule, records } = source;
  if (rule !== undefined) {
    await inboxRules.delete(recipient, rule, `removing the inbox rule of ${key}`, operation);
  }
  const copies = source.copies.filter(isForDynamics);
  await removeCopies(key, { recipient, copies }, operation);
  for (const { name, targets } of source.copies.filter((one) => !isForDynamics(one))) {
    const to = targets.map((target) => target.name).join(", ");
    operation.warn(
      `${pathOf(key)}: the rule "${name}" stays, and forwards everything to ${to}. Its name is not one that this package gives.`,
    );
  }
  const own = [rule, ...copies].map((one) => one?.id);
  const left = (await inboxRules.list(recipient, key)) ?? [];
  const isFed = left.some((one) => !own.includes(one.id) && isForDynamics(one));
  await releaseRecords(key, records, isFed, operation);
}
