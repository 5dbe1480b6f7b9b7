import type { Row } from "./exchange";
import { text } from "./text";

/** An inbox rule, whichever service showed it. */
export interface InboxRule {
  /** As Graph writes it, also where Exchange showed it; see {@link idOf}. */
  id: string;
  name: string;
  /** Its place among the mailbox's rules; lower ones run first. */
  sequence: number;
  isEnabled: boolean;
  /** Graph shows it only in part, and neither changes nor deletes it; the cmdlets and Outlook can. */
  isReadOnly: boolean;
  /** The service gave it up; it does not run until it is written anew. */
  isInError: boolean;
  /** Whom it forwards to as an attachment. */
  targets: RuleTarget[];
  /** What else it does: `delete`, `moveToFolder`, `stopProcessingRules` and the like, in the words of the service. */
  otherActions: string[];
  /** What keeps it from running on every message, likewise. */
  conditions: string[];
  exceptions: string[];
}

/** Somebody a rule forwards to. */
export interface RuleTarget {
  /** The address, or what the service prints where it does not lead to one. */
  name: string;
  /** Every address by which it is known that the target has it; lower case. */
  addresses: string[];
}

/** A rule that forwards every message as an attachment, runs first and lets the rules behind it run. */
export interface ForwardingRule {
  name: string;
  /** Address of the target. */
  target: string;
}

/** Whether a rule forwards to somebody with one of these addresses as an attachment. */
export function forwardsTo(rule: InboxRule, those: readonly string[]): boolean {
  return rule.targets.some(({ addresses }) => addresses.some((address) => those.includes(address)));
}

/** A rule in the words of Graph. */
export function bodyOf({ name, target }: ForwardingRule): Row {
  return {
    displayName: name,
    sequence: 1,
    isEnabled: true,
    actions: { forwardAsAttachmentTo: [{ emailAddress: { address: target } }], stopProcessingRules: false },
  };
}

/** A rule in the words of the cmdlets. */
export function parametersOf({ name, target }: ForwardingRule): Row {
  return { Name: name, ForwardAsAttachmentTo: [target], Priority: 1, StopProcessingRules: false };
}

/** A rule as Graph shows it. */
export function ruleOfGraph(body: Row): InboxRule {
  const { forwardAsAttachmentTo = [], ...actions } = present(body.actions);
  return {
    id: text(body.id),
    name: text(body.displayName),
    sequence: Number(body.sequence ?? 0),
    isEnabled: body.isEnabled === true,
    isReadOnly: body.isReadOnly === true,
    isInError: body.hasError === true,
    targets: (forwardAsAttachmentTo as { emailAddress?: { address?: string } }[]).map(({ emailAddress }) =>
      targetWith((emailAddress?.address ?? "").toLowerCase()),
    ),
    otherActions: Object.keys(actions),
    conditions: Object.keys(present(body.conditions)),
    exceptions: Object.keys(present(body.exceptions)),
  };
}

/** A target that is known by one address. */
export function targetWith(address: string): RuleTarget {
  return { name: address, addresses: [address] };
}

const ACTIONS = [
  "ApplyCategory",
  "ApplySystemCategory",
  "ClearCategories",
  "ClearFlag",
  "CompleteFlag",
  "CopyToFolder",
  "DeleteMessage",
  "DeleteSystemCategory",
  "DisplayAlert",
  "FlagMessage",
  "ForwardTo",
  "MarkAsRead",
  "MarkImportance",
  "MoveToFolder",
  "PermanentDelete",
  "PinMessage",
  "PlaySound",
  "RedirectTo",
  "SendTextMessageNotificationTo",
  "SoftDeleteMessage",
  "StopProcessingRules",
];

/** Each is an exception, too, with `ExceptIf` before its name. */
const CONDITIONS = [
  "AnyCategory",
  "AssignedCategories",
  "BodyContainsWords",
  "BulkCategory",
  "FlaggedForAction",
  "From",
  "FromAddressContainsWords",
  "HasAttachment",
  "HasClassification",
  "HeaderContainsWords",
  "MessageTypeMatches",
  "MyNameInCcBox",
  "MyNameInToBox",
  "MyNameInToOrCcBox",
  "MyNameNotInToBox",
  "ReceivedAfterDate",
  "ReceivedBeforeDate",
  "RecipientAddressContainsWords",
  "SentOnlyToMe",
  "SentTo",
  "SubjectContainsWords",
  "SubjectOrBodyContainsWords",
  "WithImportance",
  "WithinSizeRangeMaximum",
  "WithinSizeRangeMinimum",
  "WithSensitivity",
];

/** A rule as `Get-InboxRule` shows it, without its id. */
export function ruleOfRow(row: Row, targets: RuleTarget[]): Omit<InboxRule, "id"> {
  const said = Object.keys(present(row));
  const among = (names: readonly string[]) => said.filter((name) => names.includes(name)).map(decapitalised);
  return {
    name: text(row.Name),
    sequence: Number(row.Priority ?? 0),
    isEnabled: row.Enabled === true,
    isReadOnly: false,
    isInError: row.InError === true,
    targets,
    otherActions: among(ACTIONS),
    conditions: among(CONDITIONS),
    exceptions: said.filter((name) => name.startsWith("ExceptIf")).map(decapitalised),
  };
}

function decapitalised(name: string): string {
  return `${name.slice(0, 1).toLowerCase()}${name.slice(1)}`;
}

/** The members that say something: both services fill the others with null, false and empty lists. */
function present(part: unknown): Row {
  return Object.fromEntries(
    Object.entries((part ?? {}) as Row).filter(
      ([, value]) => value !== null && value !== false && value !== "" && !(Array.isArray(value) && value.length === 0),
    ),
  );
}

/** The number of a rule. It comes out of Identity: as `RuleIdentity` it is a JSON number too large for JavaScript, and ends wrong. */
export function numberIn(row: Row): string | undefined {
  return /\\(\d+)$/.exec(text(row.Identity))?.[1];
}

/**
 * Exchange's number of a rule as Graph writes ids: eight bytes, low ones first, in base64. That they are the same is inferred from
 * published ids of both, and unverified. Where they are not, a rule is still recognised by its name and target, and a number that
 * Exchange gave comes back to Exchange as it was.
 */
export function idOf(number: string): string {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt.asUintN(64, BigInt(number)));
  return bytes.toString("base64");
}

/** Exchange's number of the rule with this id; undefined for an id of another form. */
export function numberOf(id: string): string | undefined {
  const bytes = Buffer.from(id, "base64");
  return bytes.length === 8 ? bytes.readBigUInt64LE(0).toString() : undefined;
}
