/**
 * What a service's error means, as data: one table a service, read from the top, the first row that matches counts.
 *
 * Types and codes come before texts, because texts are localised and change; the HTTP status comes last, because
 * Exchange says almost everything with 400, and a few errors of cmdlets with 404, 409 or 500.
 */
import type { ErrorClass, Service } from "./errors";

/** What is known of an error when it is classified. */
interface Refusal {
  status: number;
  /** The service's codes, the most telling first: nested ones and those of details included. */
  codes: readonly string[];
  /** Exchange: the full name of the exception, and the short one of `X-ExceptionType`. */
  types: readonly string[];
  /** All texts of the answer. */
  text: string;
  /** Graph: the properties that the details name. */
  targets?: readonly string[];
  /** Exchange: the details carry an exception of the cmdlet, so that the cmdlet itself has refused. */
  isOfCmdlet?: boolean;
  /** Graph, Dataverse: the body is an error in the service's form, and not the page of something in front of it. */
  isOfService?: boolean;
}

/** One row: every condition that is there must hold. */
interface Rule {
  class: ErrorClass;
  /** Matches a whole code, without regard to case. */
  codes?: readonly string[];
  /** Matches the end of a type. */
  typeEnds?: readonly string[];
  /** Matches anywhere in a type. */
  typeHas?: readonly string[];
  text?: RegExp;
  targets?: RegExp;
  statuses?: readonly number[];
  isOfCmdlet?: true;
  isOfService?: true;
  /** What to do, where the row knows more than the class; whole sentences. */
  nextStep?: string;
}

/** What an error means: its class, and what to do where that is known better than by the class alone. */
type Meaning = Pick<Rule, "class" | "nextStep">;

const TRANSIENT = [408, 425, 499, 500, 502, 503, 504] as const;

/** Says "not now" in plain text, with whatever status. */
const TOO_MANY_AT_ONCE = /maximum number of concurrent requests per tenant/i;

/** Exceptions that a cmdlet raises when something behind it is slow or away. */
const PASSING = ["Transient", "Timeout", "TimedOut", "ServerBusy", "Overload", "Unavailable", "Connection", "Network"];

/** A write that Exchange has to make in the directory as well, and the directory refused. */
const DUAL_WRITE = ["UnableToWriteToAad", "Configuration.DualWrite"];

/**
 * The directory's limit of 333 addresses. The sentence is localised, so that its two numbers are looked for as well: how many
 * there would be, and the limit.
 */
const TOO_MANY_ADDRESSES =
  /maximum number of proxy addresses permitted|too many proxy addresses|^(?=[\s\S]*(?<![\w-])(?:33[4-9]|3[4-9]\d|[4-9]\d\d)(?![\w-]))(?=[\s\S]*(?<![\w-])333(?![\w-]))/i;

/** The Exchange admin API. `Ex…` codes are hashes of the message's name and the same in every language. */
const EXCHANGE_RULES: readonly Rule[] = [
  { class: "throttled", text: TOO_MANY_AT_ONCE },
  { class: "throttled", statuses: [429, 509] },
  // The endpoint knows the application, and its roles do not have this cmdlet (office-docs-powershell #7365).
  { class: "forbidden", text: /is not allowed to call/i },
  { class: "unauthenticated", statuses: [401] },
  { class: "misrouted", typeHas: ["CmdletProxyNotAvailable", "CmdletNeedsProxy"] },
  { class: "misrouted", codes: ["ErrorIncorrectRoutingHint"] },
  { class: "misrouted", text: /Cmdlet needs proxy/i },
  { class: "pagingExpired", text: /Expired or Invalid pagination request/i },
  { class: "notFound", typeEnds: ["ManagementObjectNotFoundException", "ADNoSuchObjectException"] },
  { class: "ambiguous", typeEnds: ["ManagementObjectAmbiguousException"] },
  { class: "nameConflict", typeEnds: ["ADObjectAlreadyExistsException"] },
  { class: "nameConflict", typeHas: ["MatchingWindowsLiveId"] },
  { class: "addressConflict", typeHas: ["ProxyAddressExists"] },
  {
    class: "badParameter",
    typeEnds: ["ParameterTransformationException", "AmbiguousParameterSetException", "ParameterBindingException"],
  },
  { class: "notFound", codes: ["Ex6F9304", "Ex94914C"] },
  { class: "ambiguous", codes: ["Ex9E65A2"] },
  { class: "nameConflict", codes: ["ExC69E3F"] },
  { class: "addressConflict", codes: ["Ex1472D1"] },
  // A failed dual write names its true reason in the text, beside "may be transient": none of these goes away by trying again.
  { class: "addressConflict", text: /Reason:\s*ObjectConflict/i },
  { class: "addressConflict", typeHas: DUAL_WRITE, text: /\bObjectConflict\b/ },
  {
    class: "refused",
    typeHas: DUAL_WRITE,
    text: TOO_MANY_ADDRESSES,
    nextStep: "A recipient can have 333 addresses, system addresses included: remove some from `emailAliases`.",
  },
  {
    class: "refused",
    text: /too many proxy addresses|maximum number of proxy addresses permitted/i,
    nextStep: "Remove some from `emailAliases`; system addresses count as well.",
  },
  {
    class: "refused",
    text: /maximum allowed access control entries/i,
    nextStep:
      "Entries that lists hide count as well, such as those of deleted people. Remove them, or give access to a mail-enabled security group instead of to people.",
  },
  ...[{ text: /Reason:\s*InvalidValue/i }, { typeHas: DUAL_WRITE, text: /\bInvalidValue\b/ }].map(
    (condition): Rule => ({
      class: "refused",
      ...condition,
      nextStep: "Trying again does not help: change this value in the program.",
    }),
  ),
  { class: "transient", typeEnds: ["TransientException", "UnableToWriteToAadException"] },
  { class: "transient", typeHas: DUAL_WRITE },
  { class: "addressConflict", text: /is already being used by the proxy addresses or LegacyExchangeDN/i },
  { class: "nameConflict", text: /The name ".*" is already being used/i },
  { class: "ambiguous", text: /matches multiple entries/i },
  { class: "nameConflict", text: /of property "Alias" is used by another recipient/i },
  {
    class: "notFound",
    text: /couldn['’]t be found on|Couldn['’]t find object|The specified mailbox doesn['’]t exist/i,
  },
  { class: "transient", text: /issue may be transient/i },
  // Get-InboxRule says so to a reader: even a read checks the write scope (OfficeDocs-O365ITPro #780).
  {
    class: "forbidden",
    text: /isn['’]t within your current (read|write) scopes?|out of the current user['’]s (read|write) scope/i,
  },
  { class: "forbidden", statuses: [403] },
  // A 404 of a proxy, or of another path, says nothing about a mailbox.
  { class: "notFound", statuses: [404], codes: ["NotFound"] },
  { class: "notFound", statuses: [404], isOfCmdlet: true },
  {
    class: "refused",
    statuses: [404, 405],
    nextStep:
      "No cmdlets are run at this address: check `mailboxes:cloud`, `mailboxes:endpoints` and `mailboxes:tenantId`.",
  },
  { class: "precondition", statuses: [412] },
  { class: "transient", statuses: TRANSIENT, typeHas: PASSING },
  // A cmdlet that says why it refuses does so again, whatever the status; a repetition would only take time.
  { class: "refused", statuses: [500], isOfCmdlet: true },
  { class: "transient", statuses: TRANSIENT },
];

/** A page of a proxy, or of an environment that moved, says nothing about an object. */
const NOT_OF_SERVICE: Rule = {
  class: "refused",
  statuses: [404],
  nextStep:
    "This is not how the service says that something is gone. Check `mailboxes:cloud`, `mailboxes:endpoints`, " +
    "`mailboxes:environmentUrl` and any proxy, then run the command again.",
};

/** Microsoft Graph. */
const GRAPH_RULES: readonly Rule[] = [
  { class: "throttled", statuses: [429, 509] },
  { class: "throttled", codes: ["TooManyRequests", "ApplicationThrottled", "ErrorExceededConcurrentRequestsLimit"] },
  { class: "unauthenticated", statuses: [401] },
  { class: "mailboxNotReady", codes: ["MailboxNotEnabledForRESTAPI", "MailboxNotHostedInExchangeOnline"] },
  { class: "notFound", codes: ["Request_ResourceNotFound", "ResourceNotFound", "ErrorItemNotFound", "itemNotFound"] },
  { class: "addressConflict", codes: ["ObjectConflict"], targets: /proxyAddresses|userPrincipalName|mail/i },
  {
    class: "addressConflict",
    codes: ["ObjectConflict", "Request_BadRequest"],
    text: /(proxyAddresses|userPrincipalName)\b.*already exists/i,
  },
  { class: "nameConflict", codes: ["ObjectConflict"] },
  { class: "pagingExpired", codes: ["Directory_ExpiredPageToken", "syncStateNotFound", "resyncRequired"] },
  { class: "pagingExpired", statuses: [410] },
  { class: "forbidden", statuses: [403] },
  { class: "forbidden", codes: ["Authorization_RequestDenied", "ErrorAccessDenied"] },
  { class: "notFound", statuses: [404], isOfService: true },
  NOT_OF_SERVICE,
  { class: "precondition", statuses: [412] },
  { class: "transient", statuses: TRANSIENT },
  { class: "badParameter", codes: ["Request_BadRequest", "BadRequest", "ErrorInvalidRequest", "invalidRequest"] },
];

/** Dataverse. Its texts are localised: only codes and statuses count. */
const DATAVERSE_RULES: readonly Rule[] = [
  { class: "throttled", statuses: [429] },
  { class: "throttled", codes: ["0x80072322", "0x80072321", "0x80072326"] },
  { class: "unauthenticated", statuses: [401] },
  // A row with this id exists: what `If-None-Match: *` asks about.
  { class: "precondition", codes: ["0x80060882", "0x80040237"] },
  { class: "nameConflict", codes: ["0x80040333", "0x80060892"] },
  { class: "notFound", codes: ["0x80040217"] },
  { class: "forbidden", codes: ["0x80040220", "0x80040231"] },
  { class: "badParameter", codes: ["0x80060888", "0x80048d19", "0x80040200"] },
  { class: "forbidden", statuses: [403] },
  { class: "notFound", statuses: [404], isOfService: true },
  NOT_OF_SERVICE,
  { class: "precondition", statuses: [412] },
  { class: "transient", statuses: TRANSIENT },
];

function holds(rule: Rule, refusal: Refusal): boolean {
  const lower = (values: readonly string[]): string[] => values.map((value) => value.toLowerCase());
  const codes = lower(refusal.codes);
  const types = lower(refusal.types);
  return (
    (rule.codes === undefined || lower(rule.codes).some((code) => codes.includes(code))) &&
    (rule.typeEnds === undefined ||
      // `X-ExceptionType` leaves out the namespace, so the end of the name is compared.
      lower(rule.typeEnds).some((end) => types.some((type) => type.endsWith(end)))) &&
    (rule.typeHas === undefined || lower(rule.typeHas).some((part) => types.some((type) => type.includes(part)))) &&
    (rule.text === undefined || rule.text.test(refusal.text)) &&
    (rule.targets === undefined || (refusal.targets ?? []).some((target) => rule.targets?.test(target))) &&
    (rule.statuses === undefined || rule.statuses.includes(refusal.status)) &&
    (rule.isOfCmdlet === undefined || rule.isOfCmdlet === refusal.isOfCmdlet) &&
    (rule.isOfService === undefined || rule.isOfService === refusal.isOfService)
  );
}

const RULES: Readonly<Record<Service, readonly Rule[]>> = {
  exchange: EXCHANGE_RULES,
  graph: GRAPH_RULES,
  dataverse: DATAVERSE_RULES,
};

/** What an error of a service means. */
export function classify(service: Service, refusal: Refusal): Meaning {
  const { class: meaning, nextStep } = RULES[service].find((rule) => holds(rule, refusal)) ?? { class: "refused" };
  return { class: meaning, ...(nextStep === undefined ? {} : { nextStep }) };
}

/**
 * What a warning of Exchange means.
 *
 * - `noChange`, `alreadyGranted`, `alreadyRevoked`: a write that had nothing to do.
 * - `truncated`: there are more rows than were given; beside a nextLink it says no more than the link itself.
 * - `delayed`: the service held the request back, because there are too many.
 * - `informative`: everything else, which is for people.
 */
export type WarningMeaning = "noChange" | "alreadyGranted" | "alreadyRevoked" | "truncated" | "delayed" | "informative";

const WARNINGS: ReadonlyArray<readonly [WarningMeaning, RegExp]> = [
  ["delayed", /Micro delay applied/i],
  ["alreadyGranted", /access control entry is already present/i],
  ["alreadyRevoked", /ACE doesn['’]t exist on the object|ACE isn['’]t present|because the ACE does not exist/i],
  ["noChange", /completed successfully but no settings of/i],
  ["truncated", /\bResultSize\b|there are more results/i],
];

/** What one of Exchange's warnings means. */
export function classifyWarning(warning: string): WarningMeaning {
  return WARNINGS.find(([, pattern]) => pattern.test(warning))?.[0] ?? "informative";
}

/**
 * How long Exchange held a request back, in milliseconds; 0 when it did not.
 *
 * @param text an answer's body. The warning is the only sign of throttling that an answer of success has (KB 2881759).
 */
export function delayIn(text: string): number {
  const warning = /Micro delay applied[^"]{0,200}/i.exec(text)?.[0];
  return warning === undefined ? 0 : Number(/Actual delayed:\s*(\d+)\s*msec/i.exec(warning)?.[1] ?? 1000);
}
