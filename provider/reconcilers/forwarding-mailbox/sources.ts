import { InputError } from "../../http/errors";
import { type ForwardingRule, forwardsTo, type InboxRule } from "../../services/inbox-rule";
import { sameText, smtpAddresses } from "../../services/mailboxes";
import { describe, type Recipient } from "../../services/recipients";
import { settle } from "../../services/waiting";
import { MAILBOXES, requireOwnDomain } from "../mailbox-record/address";
import { recipientKnownAs } from "../recipient-named";
import type { Operation } from "../reconciler";
import { written } from "../written";
import { type ForwardingInputs, type ObservedSource, pathOf, SOURCE } from "./desired";
import { noteSource, recordsOf, releaseRecords } from "./records";

/** How long a mailbox that is not ready for rules is waited for when it is only being read, in milliseconds. */
const NOT_READY = 30_000;

/** Looks up every source; refuses what has no inbox, and the collecting mailbox itself, before anything is changed. */
export async function lookUpSources(inputs: ForwardingInputs, operation: Operation): Promise<Map<string, Recipient>> {
  const known = (operation.state.sourceIds ?? {}) as Record<string, string>;
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
  operation: Operation,
): Promise<ObservedSource> {
  const { inboxRules } = operation.services;
  const [rules, records] = await Promise.all([
    operation.readIfAllowed(`the inbox rules of ${pathOf(key)}`, () =>
      settle(
        {
          what: `the inbox of ${key} to be ready`,
          look: () => inboxRules.list(recipient, key),
          done: (seen) => seen !== undefined,
          atMost: operation.state.id === undefined ? operation.settleTimeout : NOT_READY,
        },
        operation,
      ),
    ),
    recordsOf(recipient, operation),
  ]);
  const ownIds = ruleIdsOf(recipient.id, operation);
  const rule =
    rules?.find(({ id }) => ownIds.includes(id)) ??
    rules?.find((one) => one.name.startsWith(ruleName("")) && forwardsTo(one, target.emailAddress)) ??
    rules?.find((one) => one.name === ruleName(target.name) && one.targets.length > 0);
  return {
    recipient,
    ...(rules === undefined ? { isUnread: true } : {}),
    rule,
    damage: rule === undefined ? undefined : damageOf(rule, target),
    records,
    isFedByOthers: (rules ?? []).some(({ id, name }) => !ownIds.includes(id) && name.startsWith(ruleName(""))),
    stoppers: (rules ?? [])
      .filter((one) => one.id !== rule?.id && one.isEnabled && one.otherActions.includes("stopProcessingRules"))
      .filter((one) => rule === undefined || one.sequence <= rule.sequence)
      .map((one) => one.name),
  };
}

/** Ids of the rules that the state has for a source, however the program wrote it then. */
function ruleIdsOf(recipientId: string, { state }: Operation): string[] {
  const rules = (state.sourceRules ?? {}) as Record<string, string>;
  return Object.entries((state.sourceIds ?? {}) as Record<string, string>).flatMap(([key, id]) => {
    const rule = rules[key];
    return rule !== undefined && sameText(id, recipientId) ? [rule] : [];
  });
}

/** Notes which rules the declared sources have: a program that renames and moves everything at once still means these. */
export function noteRules(
  sources: ReadonlyMap<string, ObservedSource>,
  inputs: ForwardingInputs,
  { state }: Operation,
): void {
  for (const [key, { recipient, rule }] of sources) {
    if (rule !== undefined && inputs.sources?.[key] !== undefined) {
      state.sourceIds = { ...(state.sourceIds as object | undefined), [key]: recipient.id };
      state.sourceRules = { ...(state.sourceRules as object | undefined), [key]: rule.id };
    }
  }
}

/** What the owner of a source should know before it gets a rule: said once, when the rule is placed. */
export async function warnAbout(key: string, source: ObservedSource, operation: Operation): Promise<void> {
  const { recipient, rule, stoppers } = source;
  if (rule !== undefined) {
    return;
  }
  if (recipient.recipientTypeDetails === "UserMailbox") {
    operation.warn(
      `${pathOf(key)} is a person's mailbox: a rule made from outside removes rules that Outlook runs or switched off itself.`,
    );
  }
  if (stoppers.length > 0) {
    operation.warn(
      `${pathOf(key)} has rules that stop the ones behind them: ${stoppers.join(", ")}. What they catch does not arrive.`,
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

/** What keeps a rule from forwarding everything to one address and doing nothing else, in words. */
function damageOf(
  rule: InboxRule,
  { name, emailAddress: address }: { name: string; emailAddress: string },
): string | undefined {
  const targets = rule.targets.map((target) => target.name).join(", ") || "nobody";
  const damage = [
    ...(rule.isEnabled ? [] : ["the rule is disabled"]),
    ...(rule.isInError ? ["the rule is in error and does not run"] : []),
    ...(rule.targets.length === 1 && forwardsTo(rule, address) ? [] : [`the rule forwards to ${targets}`]),
    ...(rule.conditions.length === 0 ? [] : ["the rule has conditions"]),
    ...(rule.exceptions.length === 0 ? [] : ["the rule has exceptions"]),
    ...(rule.otherActions.length === 0 ? [] : [`the rule also does ${rule.otherActions.join(", ")}`]),
    ...(rule.name === ruleName(name) ? [] : [`the rule is called ${rule.name}`]),
  ];
  return damage.length === 0 ? undefined : damage.join("; ");
}

/** Puts the rule there, or in order; a rule with parts that cannot be taken off it is made anew. */
export async function placeRule(
  key: string,
  source: ObservedSource,
  inputs: ForwardingInputs,
  operation: Operation,
): Promise<void> {
  const { inboxRules } = operation.services;
  const { recipient, rule } = source;
  const wanted = desiredRule(inputs);
  const rules = (operation.state.sourceRules ?? {}) as Record<string, string>;
  if (rule?.isReadOnly === true) {
    throw new InputError([
      {
        path: pathOf(key),
        reason: `its inbox rule "${rule.name}" is read-only; delete it in Outlook and run again`,
      },
    ]);
  }
  const isPlain =
    rule !== undefined && [rule.conditions, rule.exceptions, rule.otherActions].every(({ length }) => length === 0);
  if (isPlain) {
    await inboxRules.update(recipient, rule, wanted, `repairing the inbox rule of ${key}`, operation);
    return;
  }
  if (rule !== undefined) {
    await inboxRules.delete(recipient, rule, `replacing the inbox rule of ${key}`, operation);
  }
  const id = await written(
    () => inboxRules.create(recipient, wanted, `creating the inbox rule of ${key}`, operation),
    () => noteSource(key, recipient, operation),
  );
  if (id !== undefined) {
    operation.state.sourceRules = { ...rules, [key]: id };
  }
}

/** Takes the rule out of a source and puts its records back, unless another rule still feeds a forward mailbox. */
export async function releaseSource(key: string, source: ObservedSource, operation: Operation): Promise<void> {
  const { inboxRules } = operation.services;
  const { recipient, rule, records } = source;
  if (rule !== undefined) {
    await inboxRules.delete(recipient, rule, `removing the inbox rule of ${key}`, operation);
  }
  const left = (await inboxRules.list(recipient, key)) ?? [];
  const isFed = left.some((one) => one.id !== rule?.id && one.name.startsWith(ruleName("")));
  await releaseRecords(key, records, isFed, operation);
}
