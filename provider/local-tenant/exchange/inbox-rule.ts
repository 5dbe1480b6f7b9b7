import { createHash, randomBytes } from "node:crypto";
import { type InboxRule, tables } from "../model";
import { isSmtpAddress } from "./addresses";
import { type Bound, changed } from "./binding";
import { type Call, limited } from "./call";
import type { Row } from "./envelope";
import {
  emptyParameter,
  invalidOperation,
  invalidProperty,
  missingParameter,
  referencedObjectNotFound,
  ruleNotFound,
} from "./errors";
import { Directory, legacyExchangeDN, type MailboxRecipient, only, primaryAddress } from "./identity";

/** A recipient in a rule, in Graph's shape, in which rules are stored. */
interface RuleRecipient {
  emailAddress: { name: string; address: string };
}

/** Which member of the stored rule a parameter is, by what it holds. */
const recipientActions = {
  ForwardTo: "forwardTo",
  ForwardAsAttachmentTo: "forwardAsAttachmentTo",
  RedirectTo: "redirectTo",
} as const;
const flagActions = {
  DeleteMessage: "delete",
  MarkAsRead: "markAsRead",
  StopProcessingRules: "stopProcessingRules",
} as const;
const recipientConditions = { From: "fromAddresses", SentTo: "sentToAddresses" } as const;
const wordConditions = {
  SubjectContainsWords: "subjectContains",
  BodyContainsWords: "bodyContains",
  SubjectOrBodyContainsWords: "bodyOrSubjectContains",
  FromAddressContainsWords: "senderContains",
  RecipientAddressContainsWords: "recipientContains",
  HeaderContainsWords: "headerContains",
} as const;
const flagConditions = { HasAttachment: "hasAttachments", SentOnlyToMe: "sentOnlyToMe" } as const;

/** Get-InboxRule: the rules of the mailbox, in their order. */
export function getInboxRule(call: Call): Row[] {
  const directory = new Directory(call.tenant, "seen");
  const { mailbox, identity } = target(call, directory);
  const rules = rulesOf(directory, mailbox);
  const shown = identity === undefined ? rules : [ruleNamed(rules, identity)];
  return limited(
    call,
    shown.map((rule) => ruleRow(directory, mailbox, rule)),
  );
}

/** New-InboxRule. Without a priority the rule comes last. */
export function newInboxRule(call: Call): Row[] {
  const { bound, tenant } = call;
  const seen = new Directory(tenant, "seen");
  const { mailbox } = target(call, seen);
  const latest = new Directory(tenant, "latest");
  const last = Math.max(0, ...rulesOf(latest, mailbox).map((rule) => rule.sequence));
  const rule: InboxRule = {
    id: `AQAAA${randomBytes(6).toString("base64url")}=`,
    mailbox: mailbox.externalDirectoryObjectId,
    displayName: bound.filled("Name") ?? "",
    sequence: last + 1,
    isEnabled: true,
    hasError: false,
    isReadOnly: false,
    conditions: null,
    exceptions: null,
    actions: { stopProcessingRules: true },
  };
  write(bound, seen, rule);
  const { stopProcessingRules: _, ...acting } = rule.actions;
  if (Object.keys(acting).length === 0) {
    throw invalidOperation("At least one action must be specified for the inbox rule.");
  }
  tenant.store.put(tables.rules, rule.id, rule);
  return [ruleRow(latest, mailbox, rule)];
}

/** Set-InboxRule: only what is given changes. */
export function setInboxRule(call: Call): undefined {
  const { rule, seen } = existing(call);
  write(call.bound, seen, rule);
  call.tenant.store.put(tables.rules, rule.id, rule);
}

/** Remove-InboxRule. */
export function removeInboxRule(call: Call): undefined {
  call.tenant.store.delete(tables.rules, existing(call).rule.id);
}

/** Enable-InboxRule. */
export function enableInboxRule(call: Call): undefined {
  const { rule } = existing(call);
  call.tenant.store.put(tables.rules, rule.id, { ...rule, isEnabled: true });
}

/** Disable-InboxRule. */
export function disableInboxRule(call: Call): undefined {
  const { rule } = existing(call);
  call.tenant.store.put(tables.rules, rule.id, { ...rule, isEnabled: false });
}

/** The rule a writing cmdlet is about: found as Exchange shows it, taken as it is. */
function existing(call: Call): { rule: InboxRule; seen: Directory } {
  const seen = new Directory(call.tenant, "seen");
  const { mailbox, identity } = target(call, seen);
  if (identity === undefined) {
    throw emptyParameter("Identity");
  }
  const rule = call.tenant.store.get<InboxRule>(tables.rules, ruleNamed(rulesOf(seen, mailbox), identity).id);
  if (rule === undefined) {
    throw ruleNotFound(identity);
  }
  return { rule, seen };
}

/** The mailbox, from Mailbox or from the part of Identity before the backslash, and the rule's own identity. */
function target({ bound }: Call, directory: Directory): { mailbox: MailboxRecipient; identity: string | undefined } {
  const given = bound.text("Identity") ?? "";
  const [, owner, rule] = /^(.+)\\([^\\]+)$/.exec(given) ?? [undefined, undefined, given];
  const named = bound.filled("Mailbox") ?? owner;
  if (named === undefined) {
    // An application has no mailbox of its own that could be meant.
    throw missingParameter("Mailbox");
  }
  return { mailbox: directory.mailbox(named), identity: rule === "" ? undefined : rule };
}

function rulesOf(directory: Directory, mailbox: MailboxRecipient): InboxRule[] {
  return directory
    .rows<InboxRule>(tables.rules)
    .filter((rule) => rule.mailbox === mailbox.externalDirectoryObjectId)
    .sort((a, b) => a.sequence - b.sequence);
}

function ruleNamed(rules: readonly InboxRule[], identity: string): InboxRule {
  const byId = rules.filter((rule) => rule.id === identity || ruleIdentity(rule) === identity);
  const found =
    byId.length > 0 ? byId : rules.filter((rule) => rule.displayName.toLowerCase() === identity.toLowerCase());
  if (found.length === 0) {
    throw ruleNotFound(identity);
  }
  return only(identity, found);
}

/** The number Exchange knows a rule by; Graph's id is another writing of it. */
function ruleIdentity(rule: InboxRule): string {
  return createHash("sha256").update(rule.id).digest().readBigUInt64BE(0).toString();
}

function write(bound: Bound, directory: Directory, rule: InboxRule): void {
  rule.displayName = bound.filled("Name") ?? rule.displayName;
  const priority = bound.number("Priority");
  if (priority !== undefined) {
    if (priority < 0) {
      throw invalidProperty("Priority", "The priority must not be negative.");
    }
    rule.sequence = priority;
  }
  const actions = { ...rule.actions };
  const conditions = { ...rule.conditions };
  writeRecipients(bound, directory, recipientActions, actions);
  writeFlags(bound, flagActions, actions);
  writeRecipients(bound, directory, recipientConditions, conditions);
  writeFlags(bound, flagConditions, conditions);
  for (const [parameter, member] of Object.entries(wordConditions)) {
    const change = bound.change(parameter);
    if (change !== undefined) {
      put(conditions, member, changed(textsIn(conditions[member]), change));
    }
  }
  rule.actions = actions;
  rule.conditions = Object.keys(conditions).length === 0 ? null : conditions;
}

function writeRecipients(
  bound: Bound,
  directory: Directory,
  members: Readonly<Record<string, string>>,
  into: Record<string, unknown>,
): void {
  for (const [parameter, member] of Object.entries(members)) {
    const change = bound.change(parameter);
    if (change === undefined) {
      continue;
    }
    const present = recipientsIn(into[member]);
    const addresses = changed(
      present.map((each) => each.emailAddress.address),
      "replace" in change
        ? { replace: change.replace.map((each) => resolved(directory, each).emailAddress.address) }
        : {
            add: change.add.map((each) => resolved(directory, each).emailAddress.address),
            remove: change.remove.map((each) => resolved(directory, each).emailAddress.address),
          },
    );
    put(
      into,
      member,
      addresses.map(
        (address) => present.find((each) => each.emailAddress.address === address) ?? resolved(directory, address),
      ),
    );
  }
}

function writeFlags(bound: Bound, members: Readonly<Record<string, string>>, into: Record<string, unknown>): void {
  for (const [parameter, member] of Object.entries(members)) {
    const value = bound.flag(parameter);
    if (value !== undefined) {
      put(into, member, value);
    }
  }
}

/** Writes a member; an empty list or a false flag is none, except that of `stopProcessingRules`, which is always there. */
function put(into: Record<string, unknown>, member: string, value: unknown): void {
  const isNothing =
    (Array.isArray(value) && value.length === 0) || (value === false && member !== "stopProcessingRules");
  if (isNothing) {
    delete into[member];
  } else {
    into[member] = value;
  }
}

/** A recipient of the organisation in any form, or any outside address. */
function resolved(directory: Directory, identity: string): RuleRecipient {
  const found = directory.matches(identity, (each) => !directory.isSoftDeleted(each));
  if (found.length > 0) {
    const recipient = only(identity, found);
    const address = primaryAddress(recipient) ?? recipient.externalEmailAddress?.replace(/^smtp:/i, "") ?? identity;
    return { emailAddress: { name: recipient.displayName, address } };
  }
  const address = identity.replace(/^smtp:/i, "");
  if (!isSmtpAddress(address)) {
    throw referencedObjectNotFound(identity);
  }
  return { emailAddress: { name: address, address } };
}

function ruleRow(directory: Directory, mailbox: MailboxRecipient, rule: InboxRule): Row {
  const { actions } = rule;
  const conditions = rule.conditions ?? {};
  const recipients = (source: Record<string, unknown>, members: Readonly<Record<string, string>>): Row =>
    Object.fromEntries(
      Object.entries(members).map(([parameter, member]) => {
        const list = recipientsIn(source[member]).map((each) => printed(directory, each));
        return [parameter, list.length === 0 ? null : list];
      }),
    );
  return {
    Identity: `${mailbox.name}\\${ruleIdentity(rule)}`,
    RuleIdentity: ruleIdentity(rule),
    Name: rule.displayName,
    Priority: rule.sequence,
    Enabled: rule.isEnabled,
    InError: rule.hasError,
    Supported: true,
    MailboxOwnerId: mailbox.name,
    ...recipients(actions, recipientActions),
    ...Object.fromEntries(
      Object.entries(flagActions).map(([parameter, member]) => [parameter, actions[member] === true]),
    ),
    ...recipients(conditions, recipientConditions),
    ...Object.fromEntries(
      Object.entries(flagConditions).map(([parameter, member]) => [parameter, conditions[member] === true]),
    ),
    ...Object.fromEntries(
      Object.entries(wordConditions).map(([parameter, member]) => {
        const words = textsIn(conditions[member]);
        return [parameter, words.length === 0 ? null : words];
      }),
    ),
    IsValid: true,
  };
}

/** `"Name" [EX:legacy name]` for a recipient of the organisation, `"address" [SMTP:address]` for an outside one. */
function printed(directory: Directory, { emailAddress }: RuleRecipient): string {
  const [inside] = directory.matches(emailAddress.address, (each) => !directory.isSoftDeleted(each));
  return inside === undefined
    ? `"${emailAddress.name || emailAddress.address}" [SMTP:${emailAddress.address}]`
    : `"${inside.displayName}" [EX:${legacyExchangeDN(inside)}]`;
}

function recipientsIn(value: unknown): RuleRecipient[] {
  return Array.isArray(value) ? (value as RuleRecipient[]) : [];
}

function textsIn(value: unknown): string[] {
  return Array.isArray(value) ? value.map(String) : [];
}
