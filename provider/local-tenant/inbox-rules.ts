import { createHash, randomBytes } from "node:crypto";
import { type InboxRule, tables } from "./model";
import type { Tenant } from "./tenant";

/** Bytes the enabled rules of a mailbox may take together. */
const quota = 256 * 1024;

/**
 * A new rule's id as Graph writes it: eight bytes in base64 (`AQAAAJ5dZqA=`). The first four are always the same.
 */
function newRuleId(): string {
  for (;;) {
    const id = Buffer.concat([Buffer.from([1, 0, 0, 0]), randomBytes(4)]).toString("base64");
    // A slash would end the path's segment for clients that do not encode it.
    if (!/[+/]/.test(id)) {
      return id;
    }
  }
}

/** A rule that does nothing yet. */
export function newRule(mailbox: string, isEnabled: boolean): InboxRule {
  return {
    id: newRuleId(),
    mailbox,
    displayName: "",
    sequence: 1,
    isEnabled,
    hasError: false,
    isReadOnly: false,
    conditions: null,
    exceptions: null,
    actions: {},
  };
}

/** The number Exchange knows a rule by: the same eight bytes, the first being the lowest. */
export function ruleNumber(tenant: Tenant, { id }: InboxRule): string {
  // @assumed exchange.rule-identity-graph: A rule's RuleIdentity is Graph's id of it: eight bytes, low ones first, in base64
  // [RuleIdentity is the store's 64-bit id of the rule, Graph's ids are eight bytes; nobody showed the two of one rule]
  const bytes = Buffer.from(id, "base64");
  const isWritten = bytes.length === 8 && bytes.toString("base64") === id;
  // A row that was put there by hand may have any id.
  const isOther = !isWritten || tenant.isContrary("exchange.rule-identity-graph");
  return (isOther ? createHash("sha256").update(id).digest() : bytes).readBigUInt64LE(0).toString();
}

/** A mailbox's rules in the order in which they run; of equal sequences the one that was made first. */
export function inOrder(rules: readonly InboxRule[], mailbox: string): InboxRule[] {
  return rules.filter((rule) => rule.mailbox === mailbox).sort((a, b) => a.sequence - b.sequence);
}

/**
 * Writes a rule where its sequence says, beside others of that sequence.
 *
 * @param overQuota the error for enabled rules that are too large together.
 */
export function saveRule(tenant: Tenant, rule: InboxRule, overQuota: () => Error): void {
  refuseOverQuota(othersOf(tenant, rule), rule, overQuota);
  tenant.store.put(tables.rules, rule.id, rule);
}

/** Writes a rule in its place; rules that stand there move one down. `overQuota` as for `saveRule`. */
export function insertRule(tenant: Tenant, rule: InboxRule, overQuota: () => Error): void {
  const others = othersOf(tenant, rule);
  refuseOverQuota(others, rule, overQuota);
  const operations: [string, string, unknown][] = [[tables.rules, rule.id, rule]];
  let taken = rule.sequence;
  for (const other of others.filter((one) => one.sequence >= rule.sequence)) {
    if (other.sequence > taken) {
      break;
    }
    taken += 1;
    operations.push([tables.rules, other.id, { ...other, sequence: taken }]);
  }
  tenant.store.commit(operations);
}

function othersOf(tenant: Tenant, rule: InboxRule): InboxRule[] {
  return inOrder(tenant.store.all<InboxRule>(tables.rules), rule.mailbox).filter(({ id }) => id !== rule.id);
}

/** Disabled rules take nothing of the quota, so that one can always be switched off. */
function refuseOverQuota(others: readonly InboxRule[], rule: InboxRule, overQuota: () => Error): void {
  // @documented graph.rule-quota: A mailbox's enabled rules take 256 KB at most; beyond is ErrorRulesOverQuota [Exchange:
  // Set-Mailbox RulesQuota; EWS: ErrorRulesOverQuota]
  if (!rule.isEnabled) {
    return;
  }
  const enabled = [...others.filter((one) => one.isEnabled), rule];
  if (enabled.reduce((sum, one) => sum + Buffer.byteLength(JSON.stringify(one)), 0) > quota) {
    throw overQuota();
  }
}
