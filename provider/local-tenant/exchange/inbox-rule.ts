import { primaryAddress } from "../directory";
import { inOrder, insertRule, newRule, ruleNumber, saveRule } from "../inbox-rules";
import { type InboxRule, tables } from "../model";
import { copyOf } from "../store";
import type { Tenant } from "../tenant";
import { isPlainObject } from "../values";
import { isSmtpAddress } from "./addresses";
import { type Bound, changed } from "./binding";
import { type Call, limited } from "./call";
import { LargeNumber, type Row } from "./envelope";
import {
  emptyParameter,
  invalidOperation,
  invalidProperty,
  missingParameter,
  outOfWriteScope,
  referencedObjectNotFound,
  ruleNotFound,
} from "./errors";
import { Directory, legacyExchangeDN, type MailboxRecipient, only } from "./identity";

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
  PermanentDelete: "permanentDelete",
  StopProcessingRules: "stopProcessingRules",
} as const;
/** Actions that only Graph can give a rule here; Exchange shows them. */
const shownActions = {
  ApplyCategory: "assignCategories",
  CopyToFolder: "copyToFolder",
  MarkImportance: "markImportance",
  MoveToFolder: "moveToFolder",
} as const;
/** What the mail of a rule must be like; each is an exception, too, with `ExceptIf` before its name. */
const recipientConditions = { From: "fromAddresses", SentTo: "sentToAddresses" } as const;
const wordConditions = {
  SubjectContainsWords: "subjectContains",
  BodyContainsWords: "bodyContains",
  SubjectOrBodyContainsWords: "bodyOrSubjectContains",
  FromAddressContainsWords: "senderContains",
  RecipientAddressContainsWords: "recipientContains",
  HeaderContainsWords: "headerContains",
} as const;
const flagConditions = {
  HasAttachment: "hasAttachments",
  MyNameInCcBox: "sentCcMe",
  MyNameInToBox: "sentToMe",
  MyNameInToOrCcBox: "sentToOrCcMe",
  MyNameNotInToBox: "notSentToMe",
  SentOnlyToMe: "sentOnlyToMe",
} as const;
/** Conditions that only Exchange can give a rule: Graph shows such a rule without them and writes none of it. */
const dateConditions = { ReceivedAfterDate: "receivedAfterDate", ReceivedBeforeDate: "receivedBeforeDate" } as const;
/** Conditions that only Graph can give a rule here; Exchange shows them. */
const shownConditions = {
  AssignedCategories: "categories",
  FlaggedForAction: "messageActionFlag",
  WithImportance: "importance",
  WithSensitivity: "sensitivity",
} as const;
/** Graph's flags for kinds of messages are one property in Exchange. */
const messageTypes = {
  isApprovalRequest: "ApprovalRequest",
  isAutomaticForward: "AutomaticForward",
  isAutomaticReply: "AutomaticReply",
  isEncrypted: "Encrypted",
  isMeetingRequest: "Calendaring",
  isMeetingResponse: "CalendaringResponse",
  isNonDeliveryReport: "NonDeliveryReport",
  isPermissionControlled: "PermissionControlled",
  isReadReceipt: "ReadReceipt",
  isSigned: "Signed",
  isVoicemail: "Voicemail",
} as const;
const parts = [
  ["", "conditions"],
  ["ExceptIf", "exceptions"],
] as const;
/** Most characters of a rule's name. */
const longestName = 512;

/** Get-InboxRule: the rules of the mailbox, in their order. */
export function getInboxRule(call: Call): Row[] {
  const directory = new Directory(call.tenant, "seen");
  const { mailbox, identity } = target(call, directory);
  if (call.isViewOnly) {
    throw outOfWriteScope(mailbox.name);
  }
  const rules = rulesOf(directory, mailbox);
  const shown = identity === undefined ? rules : [ruleNamed(call.tenant, rules, identity)];
  return limited(
    call,
    shown.map((rule) => ruleRow(directory, mailbox, rule)),
  );
}

/** New-InboxRule. Without a priority the rule comes first, and the others move down; it stops none of them unless told. */
export function newInboxRule(call: Call): Row[] {
  // @observed exchange.rule-place: Inbox rules are those Graph shows; a new one comes first, or in the place Priority names, and
  // the others move down [Exchange 15.00.1497, decompiled: InboxRuleDataProvider]
  // @observed exchange.rule-stop-default: A new rule stops none behind it unless StopProcessingRules is true [Exchange 15.00.1497,
  // decompiled: the schema's default]
  const { bound, tenant } = call;
  const seen = new Directory(tenant, "seen");
  const { mailbox } = target(call, seen);
  const latest = new Directory(tenant, "latest");
  const rule = newRule(mailbox.externalDirectoryObjectId, true);
  write(bound, seen, rule);
  requireAction(rule);
  insertRule(tenant, rule, tooLarge);
  return [ruleRow(latest, mailbox, rule)];
}

/** Set-InboxRule: only what is given changes. */
export function setInboxRule(call: Call): undefined {
  // @observed exchange.rule-error-cleared: Any Set-InboxRule takes the error mark off the rule [Exchange 15.00.1497, decompiled]
  const { rule, seen } = existing(call);
  write(call.bound, seen, rule);
  requireAction(rule);
  // Whatever is set, the rule is tried again.
  rule.hasError = false;
  const save = call.bound.has("Priority") ? insertRule : saveRule;
  save(call.tenant, rule, tooLarge);
}

/** Refuses a rule that does nothing; one that only stops the others does something. */
function requireAction({ actions }: InboxRule): void {
  // @observed exchange.rule-without-action: A rule without an action is refused; a Boolean action counts when it is true [Exchange
  // 15.00.1497, decompiled: ErrorInboxRuleHasNoAction]
  if (Object.values(actions).every((value) => value === false)) {
    throw invalidOperation("At least one action must be specified for the inbox rule.");
  }
}

/** Remove-InboxRule. */
export function removeInboxRule(call: Call): undefined {
  // @observed exchange.rule-force-confirm: Force and Confirm change nothing over InvokeCommand: nobody could answer a prompt [CIPP
  // runs these cmdlets without Force, mostly without Confirm]
  call.tenant.store.delete(tables.rules, existing(call).rule.id);
}

/** Enable-InboxRule. */
export function enableInboxRule(call: Call): undefined {
  const { rule } = existing(call);
  saveRule(call.tenant, { ...rule, isEnabled: true }, tooLarge);
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
  const rule = call.tenant.store.get<InboxRule>(
    tables.rules,
    ruleNamed(call.tenant, rulesOf(seen, mailbox), identity).id,
  );
  if (rule === undefined) {
    throw ruleNotFound(identity);
  }
  return { rule: copyOf(rule), seen };
}

/** The mailbox, from Mailbox or from the part of Identity before the backslash, and the rule's own identity. */
function target({ bound }: Call, directory: Directory): { mailbox: MailboxRecipient; identity: string | undefined } {
  // @documented exchange.rule-roles: Get-InboxRule is refused to view-only roles; for the rest the cmdlets of inbox rules ask for
  // no other role [Exchange PowerShell reference, Get-InboxRule; the check of the write scope: Exchange 15.00.1497, decompiled]
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
  return inOrder(directory.rows<InboxRule>(tables.rules), mailbox.externalDirectoryObjectId);
}

function tooLarge(): Error {
  return invalidOperation("The rules of the mailbox are larger together than its RulesQuota.");
}

function ruleNamed(tenant: Tenant, rules: readonly InboxRule[], identity: string): InboxRule {
  // @documented exchange.rule-identity-forms: A rule is named by its Name, its RuleIdentity, or the mailbox, a backslash and the
  // RuleIdentity [reference of the cmdlet]
  const byId = rules.filter((rule) => ruleNumber(tenant, rule) === identity);
  const found =
    byId.length > 0 ? byId : rules.filter((rule) => rule.displayName.toLowerCase() === identity.toLowerCase());
  if (found.length === 0) {
    throw ruleNotFound(identity);
  }
  return only(identity, found);
}

function write(bound: Bound, directory: Directory, rule: InboxRule): void {
  // @documented exchange.rule-name-length: A rule's name has at most 512 characters [reference of the cmdlet, Name]
  rule.displayName = bound.filled("Name") ?? rule.displayName;
  if (rule.displayName.length > longestName) {
    throw invalidProperty("Name", `The length of the property is too long. The maximum length is ${longestName}.`);
  }
  const priority = bound.number("Priority");
  if (priority !== undefined) {
    if (priority < 0) {
      throw invalidProperty("Priority", "The priority must not be negative.");
    }
    rule.sequence = priority;
  }
  const actions = { ...rule.actions };
  writeRecipients(bound, directory, recipientActions, actions);
  writeFlags(bound, flagActions, actions);
  rule.actions = actions;
  for (const [prefix, part] of parts) {
    const predicates = { ...rule[part] };
    writeRecipients(bound, directory, named(prefix, recipientConditions), predicates);
    writeFlags(bound, named(prefix, flagConditions), predicates);
    for (const [parameter, member] of Object.entries(named(prefix, dateConditions))) {
      const date = bound.text(parameter);
      if (typeof date === "string") {
        put(predicates, member, date);
      }
    }
    for (const [parameter, member] of Object.entries(named(prefix, wordConditions))) {
      const change = bound.change(parameter);
      if (change !== undefined) {
        put(predicates, member, changed(textsIn(predicates[member]), change));
      }
    }
    rule[part] = Object.keys(predicates).length === 0 ? null : predicates;
  }
}

function named(prefix: string, members: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(members).map(([parameter, member]) => [`${prefix}${parameter}`, member]));
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
  // @observed exchange.rule-identity-number: RuleIdentity is a JSON number beyond 2^53; Identity has all its digits, after the
  // mailbox's Name [graph2otel wire captures of Get-InboxRule]
  const { actions } = rule;
  return {
    Description: description(rule),
    Enabled: rule.isEnabled,
    Identity: `${mailbox.name}\\${ruleNumber(directory.tenant, rule)}`,
    InError: rule.hasError,
    ErrorType: rule.hasError ? "UnexpectedError" : "None",
    Name: rule.displayName,
    Priority: rule.sequence,
    RuleIdentity: new LargeNumber(ruleNumber(directory.tenant, rule)),
    SupportedByTask: true,
    ...recipients(directory, recipientActions, actions),
    ...flags(flagActions, actions),
    ...texts(shownActions, actions),
    ...Object.assign({}, ...parts.map(([prefix, part]) => predicates(directory, prefix, rule[part] ?? {}))),
    MailboxOwnerId: mailbox.name,
    IsValid: true,
    ObjectState: "Unchanged",
  };
}

/** The conditions, or the exceptions, of a rule as Exchange shows them. */
function predicates(directory: Directory, prefix: string, part: Readonly<Record<string, unknown>>): Row {
  const { minimumSize, maximumSize } = isPlainObject(part.withinSizeRange) ? part.withinSizeRange : {};
  const [type] =
    Object.entries(messageTypes)
      .find(([member]) => part[member] === true)
      ?.slice(1) ?? [];
  const kilobytes = (size: unknown) => (typeof size === "number" ? `${size} KB (${size * 1024} bytes)` : null);
  const row: Row = {
    ...recipients(directory, recipientConditions, part),
    ...flags(flagConditions, part),
    ...texts(dateConditions, part),
    ...texts(wordConditions, part),
    ...texts(shownConditions, part),
    MessageTypeMatches: type ?? null,
    WithinSizeRangeMinimum: kilobytes(minimumSize),
    WithinSizeRangeMaximum: kilobytes(maximumSize),
  };
  return Object.fromEntries(Object.entries(row).map(([name, value]) => [`${prefix}${name}`, value]));
}

function recipients(
  directory: Directory,
  members: Readonly<Record<string, string>>,
  source: Readonly<Record<string, unknown>>,
): Row {
  return mapped(members, (member) => {
    const list = recipientsIn(source[member]).map((each) => printed(directory, each));
    return list.length === 0 ? null : list;
  });
}

function flags(members: Readonly<Record<string, string>>, source: Readonly<Record<string, unknown>>): Row {
  return mapped(members, (member) => source[member] === true);
}

/** Texts and lists of texts; null for none. */
function texts(members: Readonly<Record<string, string>>, source: Readonly<Record<string, unknown>>): Row {
  return mapped(members, (member) => {
    const value = source[member];
    return Array.isArray(value) && value.length === 0 ? null : (value ?? null);
  });
}

function mapped(members: Readonly<Record<string, string>>, value: (member: string) => unknown): Row {
  return Object.fromEntries(Object.entries(members).map(([parameter, member]) => [parameter, value(member)]));
}

/** What the rule does, in English; Exchange words it in the caller's language. */
function description({ actions, conditions, exceptions }: InboxRule): string {
  const listed = (part: object | null) =>
    Object.entries(part ?? {})
      .filter(([, value]) => value !== false && value !== null)
      .map(([name]) => name)
      .join(", ");
  const when = listed(conditions);
  const except = listed(exceptions);
  return [
    ...(when === "" ? [] : [`If the message: ${when}`]),
    `Take the following actions: ${listed(actions)}`,
    ...(except === "" ? [] : [`Except if the message: ${except}`]),
  ].join(" ");
}

/** `"Name" [EX:legacy name]` for a recipient of the organisation, `"address" [SMTP:address]` for an outside one. */
function printed(directory: Directory, { emailAddress }: RuleRecipient): string {
  // @observed exchange.rule-recipients-printed: Recipients in rules are printed with EX: and the legacy name inside the
  // organisation, SMTP: outside [graph2otel wire captures of Get-InboxRule; SMTP: from public threads]
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
