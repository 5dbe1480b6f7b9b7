import { addressed } from "../directory";
import { inOrder, newRule, saveRule } from "../inbox-rules";
import type { Answer } from "../message";
import { type InboxRule, tables } from "../model";
import type { Tenant } from "../tenant";
import { isPlainObject, names } from "../values";
import { collectionAnswer, type EntityType, entityAnswer } from "./collection";
import { isSame, type MailboxOwner, requireMailbox } from "./directory";
import {
  errorAccessDenied,
  invalidRule,
  invalidRuleOfExchange,
  itemNotFound,
  readOnlyMember,
  readOnlyRule,
  requestBodyRead,
  rulesOverQuota,
  unknownEnumValue,
  unknownMember,
  unreadableLiteral,
} from "./errors";
import { folderNamed } from "./messages";
import { bodyOf, type GraphRequest, type Json, refuseUnknownMembers } from "./request";

const ruleType: EntityType = {
  type: "microsoft.graph.messageRule",
  resource: "MessageRule",
  members: names(`
    id displayName sequence isEnabled hasError isReadOnly conditions actions exceptions
  `),
  pageSize: 1000,
  largestPage: 1000,
  takesSkip: true,
  unfilterable: ["conditions", "actions", "exceptions"],
  advanced: new Set(),
  refused: new Set(),
};

type Kind = "strings" | "recipients" | "string" | "boolean" | "size" | readonly string[];

const importance = ["low", "normal", "high"];
const actionMembers: Record<string, Kind> = {
  assignCategories: "strings",
  copyToFolder: "string",
  delete: "boolean",
  forwardAsAttachmentTo: "recipients",
  forwardTo: "recipients",
  markAsRead: "boolean",
  markImportance: importance,
  moveToFolder: "string",
  permanentDelete: "boolean",
  redirectTo: "recipients",
  stopProcessingRules: "boolean",
};
const predicateMembers: Record<string, Kind> = {
  bodyContains: "strings",
  bodyOrSubjectContains: "strings",
  categories: "strings",
  fromAddresses: "recipients",
  hasAttachments: "boolean",
  headerContains: "strings",
  importance,
  isApprovalRequest: "boolean",
  isAutomaticForward: "boolean",
  isAutomaticReply: "boolean",
  isEncrypted: "boolean",
  isMeetingRequest: "boolean",
  isMeetingResponse: "boolean",
  isNonDeliveryReport: "boolean",
  isPermissionControlled: "boolean",
  isReadReceipt: "boolean",
  isSigned: "boolean",
  isVoicemail: "boolean",
  messageActionFlag: names(`
    any call doNotForward followUp fyi forward noResponseNecessary read reply replyToAll review
  `),
  notSentToMe: "boolean",
  recipientContains: "strings",
  senderContains: "strings",
  sensitivity: ["normal", "personal", "private", "confidential"],
  sentCcMe: "boolean",
  sentOnlyToMe: "boolean",
  sentToAddresses: "recipients",
  sentToMe: "boolean",
  sentToOrCcMe: "boolean",
  subjectContains: "strings",
  withinSizeRange: "size",
};

/** GET /users/{id}/mailFolders/inbox/messageRules */
export function listRules(request: GraphRequest): Answer {
  const owner = requireInbox(request);
  const rules = inOrder(request.tenant.store.allSeen<InboxRule>("graph", tables.rules), owner.user.id);
  return collectionAnswer(request, ruleType, rules.map(ruleEntity), context(owner));
}

/** GET …/messageRules/{id} */
export function getRule(request: GraphRequest): Answer {
  const owner = requireInbox(request);
  const rule = request.tenant.store.seen<InboxRule>("graph", tables.rules, request.keys[2] ?? "");
  if (rule === undefined || rule.mailbox !== owner.user.id) {
    throw itemNotFound();
  }
  return entityAnswer(request, ruleType, ruleEntity(rule), context(owner));
}

/** POST …/messageRules */
export function createRule(request: GraphRequest): Answer {
  // @documented graph.rule-required: Rules need displayName, sequence and at least one action; no conditions means every message
  // [Microsoft Graph reference: mailfolder-post-messagerules]
  // @observed graph.rule-place: Rules may have equal sequences; a list is in their order, and a write moves no other rule
  // [kellylford/QuickMail #488: reorders a mailbox of 67 rules one PATCH at a time]
  // @observed graph.rule-disabled: A new rule without isEnabled is disabled [demisto/content #44324]
  const { tenant } = request;
  const owner = requireInbox(request);
  refuseWrites(tenant);
  const body = bodyOf(request);
  for (const required of ["displayName", "sequence", "actions"]) {
    if (body[required] === undefined || body[required] === null) {
      throw invalidRule(`The required property '${required}' is missing.`);
    }
  }
  // Disabled is the type's default; Outlook and every client that wants the rule to run say that it is enabled.
  const rule = changedRule(tenant, newRule(owner.user.id, false), body);
  saveRule(tenant, rule, rulesOverQuota);
  const { body: entity } = entityAnswer(request, ruleType, ruleEntity(rule), context(owner));
  return { status: 201, ...(entity === undefined ? {} : { body: entity }) };
}

/** PATCH …/messageRules/{id} */
export function updateRule(request: GraphRequest): Answer {
  // @documented graph.rule-patch-replaces: A PATCH of actions, conditions or exceptions replaces them as a whole [Microsoft Graph
  // reference: messagerule-update, example; kellylford/QuickMail #137]
  const { tenant } = request;
  const owner = requireInbox(request);
  refuseWrites(tenant);
  const before = requireWritable(request, owner);
  const rule = changedRule(tenant, before, bodyOf(request));
  saveRule(tenant, rule, rulesOverQuota);
  return entityAnswer(request, ruleType, ruleEntity(rule), context(owner));
}

/** DELETE …/messageRules/{id} */
export function deleteRule(request: GraphRequest): Answer {
  const { tenant } = request;
  const owner = requireInbox(request);
  refuseWrites(tenant);
  tenant.store.delete(tables.rules, requireWritable(request, owner).id);
  return { status: 204 };
}

/** Only the inbox has rules; other folders answer as if they were not there. */
function requireInbox(request: GraphRequest): MailboxOwner {
  const owner = requireMailbox(request);
  if (folderNamed(owner.user.id, request.keys[1] ?? "") !== "inbox") {
    throw itemNotFound();
  }
  return owner;
}

function refuseWrites(tenant: Tenant): void {
  // @observed graph.rules-refused: Applications may be refused rules with 403 ErrorAccessDenied (setting refuseRules) [reports
  // differ]
  if (tenant.settings.refuseRules) {
    throw errorAccessDenied();
  }
}

function requireWritable(request: GraphRequest, owner: MailboxOwner): InboxRule {
  const rule = request.tenant.store.get<InboxRule>(tables.rules, request.keys[2] ?? "");
  if (rule === undefined || rule.mailbox !== owner.user.id) {
    throw itemNotFound();
  }
  if (isReadOnly(rule)) {
    throw readOnlyRule();
  }
  return rule;
}

function context(owner: MailboxOwner): string {
  return `users('${owner.user.id}')/mailFolders('inbox')/messageRules`;
}

function ruleEntity(rule: InboxRule): Json {
  return {
    id: rule.id,
    displayName: rule.displayName,
    sequence: rule.sequence,
    isEnabled: rule.isEnabled,
    hasError: rule.hasError,
    isReadOnly: isReadOnly(rule),
    ...(rule.conditions === null ? {} : { conditions: known(rule.conditions, predicateMembers) }),
    actions: known(rule.actions, actionMembers),
    ...(rule.exceptions === null ? {} : { exceptions: known(rule.exceptions, predicateMembers) }),
  };
}

/** Graph writes no rule that does nothing, and none with a part that its types have no member for. */
function isReadOnly(rule: InboxRule): boolean {
  // @observed graph.rule-read-only: A rule that does nothing, or has a part Graph has no member for, is read-only: writes are 400
  // ErrorNotSupportedMessageRule [kellylford/QuickMail; its text is the tenant's own]
  const foreign = (part: Json | null, kinds: Record<string, Kind>) =>
    Object.keys(part ?? {}).some((name) => kinds[name] === undefined);
  return (
    rule.isReadOnly ||
    !Object.entries(rule.actions).some(([action, given]) => isAction(action, given)) ||
    foreign(rule.actions, actionMembers) ||
    foreign(rule.conditions, predicateMembers) ||
    foreign(rule.exceptions, predicateMembers)
  );
}

function known(part: Json, kinds: Record<string, Kind>): Json {
  return Object.fromEntries(Object.entries(part).filter(([name]) => kinds[name] !== undefined));
}

function changedRule(tenant: Tenant, rule: InboxRule, body: Json): InboxRule {
  // @assumed graph.rule-error-codes: A new rule without an action is 400 ErrorInvalidArgument [EWS has
  // ErrorInboxRulesValidationError for it; no record of Graph found]
  const changed: InboxRule = { ...rule };
  for (const [name, value] of Object.entries(body)) {
    switch (name) {
      case "displayName":
        if (typeof value !== "string" || value.trim() === "" || value.length > 256) {
          throw invalidRule("The rule needs a display name of at most 256 characters.");
        }
        changed.displayName = value;
        break;
      case "sequence":
        if (!Number.isInteger(value)) {
          throw unreadableLiteral(value, "Edm.Int32");
        }
        if (Number(value) < 1) {
          throw invalidRule("The sequence of a rule must be greater than zero.");
        }
        changed.sequence = Number(value);
        break;
      case "isEnabled":
        if (typeof value !== "boolean") {
          throw unreadableLiteral(value, "Edm.Boolean");
        }
        changed.isEnabled = value;
        break;
      case "actions":
        changed.actions = members(tenant, value, actionMembers, "microsoft.graph.messageRuleActions") ?? {};
        if (!Object.entries(changed.actions).some(([action, given]) => isAction(action, given))) {
          const words = "The rule must have at least one action.";
          throw tenant.isContrary("graph.rule-error-codes") ? invalidRuleOfExchange(words) : invalidRule(words);
        }
        break;
      case "conditions":
      case "exceptions":
        changed[name] = members(tenant, value, predicateMembers, "microsoft.graph.messageRulePredicates");
        break;
      case "id":
      case "hasError":
      case "isReadOnly":
        throw readOnlyMember(name);
      default:
        if (!name.startsWith("@odata.")) {
          throw unknownMember(name, ruleType.type);
        }
    }
  }
  // A rule whose target vanished carries an error until somebody writes it anew.
  return "actions" in body ? { ...changed, hasError: false } : changed;
}

/** `delete: false` and an empty list of recipients are no actions. */
function isAction(name: string, given: unknown): boolean {
  if (Array.isArray(given)) {
    return given.length > 0;
  }
  return name === "stopProcessingRules" ? given === true : given !== false && given !== null && given !== "";
}

function members(tenant: Tenant, value: unknown, kinds: Record<string, Kind>, type: string): Json | null {
  if (value === null || value === undefined) {
    return null;
  }
  if (!isPlainObject(value)) {
    throw unreadableLiteral(value, type);
  }
  const result: Json = {};
  for (const [name, given] of Object.entries(value)) {
    if (name.startsWith("@odata.")) {
      continue;
    }
    const kind = kinds[name];
    if (kind === undefined) {
      throw unknownMember(name, type);
    }
    if (given !== null) {
      result[name] = checkedMember(tenant, name, given, kind);
    }
  }
  return Object.keys(result).length === 0 ? null : result;
}

function checkedMember(tenant: Tenant, name: string, given: unknown, kind: Kind): unknown {
  switch (kind) {
    case "strings":
      if (!Array.isArray(given) || !given.every((one) => typeof one === "string")) {
        throw unreadableLiteral(given, "Collection(Edm.String)");
      }
      return given;
    case "recipients":
      if (!Array.isArray(given)) {
        throw unreadableLiteral(given, "Collection(microsoft.graph.recipient)");
      }
      return given.map((one) => checkedRecipient(tenant, name, one));
    case "string":
      if (typeof given !== "string") {
        throw unreadableLiteral(given, "Edm.String");
      }
      return given;
    case "boolean":
      if (typeof given !== "boolean") {
        throw unreadableLiteral(given, "Edm.Boolean");
      }
      return given;
    case "size":
      if (!isPlainObject(given)) {
        throw unreadableLiteral(given, "microsoft.graph.sizeRange");
      }
      return checkedSizes(given);
    default: {
      const value = kind.find((one) => isSame(one, String(given)));
      if (value === undefined) {
        throw unknownEnumValue(given);
      }
      return value;
    }
  }
}

/** Kilobytes. */
function checkedSizes(given: Json): Json {
  refuseUnknownMembers(given, ["minimumSize", "maximumSize"], "sizeRange");
  const wrong = [given.minimumSize, given.maximumSize].find(
    (size) => (size ?? null) !== null && !Number.isInteger(size),
  );
  if (wrong !== undefined) {
    throw unreadableLiteral(wrong, "Edm.Int32");
  }
  return given;
}

/** `{ emailAddress: { address, name? } }`; the name is filled in from the tenant's own recipients. */
function checkedRecipient(tenant: Tenant, member: string, value: unknown): Json {
  const emailAddress = isPlainObject(value) ? value.emailAddress : undefined;
  if (
    !isPlainObject(value) ||
    Object.keys(value).some((name) => name !== "emailAddress" && !name.startsWith("@odata."))
  ) {
    throw requestBodyRead(`A value of '${member}' is not of the type 'microsoft.graph.recipient'.`);
  }
  if (!isPlainObject(emailAddress) || typeof emailAddress.address !== "string") {
    throw invalidRule(`A recipient of '${member}' has no emailAddress with an address.`);
  }
  refuseUnknownMembers(emailAddress, ["address", "name"], "emailAddress");
  const { address } = emailAddress;
  if (!/^[^@\s]+@[^@\s]+$/.test(address)) {
    throw invalidRule(`'${address}' is not a valid address for '${member}'.`);
  }
  const known = addressed(tenant, address);
  const name = typeof emailAddress.name === "string" && emailAddress.name !== "" ? emailAddress.name : undefined;
  return { emailAddress: { name: known?.displayName ?? name ?? address, address } };
}
