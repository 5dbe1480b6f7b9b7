/**
 * What a service's error means, as data: one table a service, read from the top, the first row that matches counts.
 *
 * Types and codes come before texts, because texts are localised and change; the HTTP status comes last, because
 * Exchange says almost everything with 400.
 */
import type { ErrorClass } from "./errors";

/** What is known of an error when it is classified. */
export interface Refusal {
  status: number;
  /** The service's codes, the most telling first: nested ones and those of details included. */
  codes: readonly string[];
  /** Exchange: the full name of the exception, and the short one of `X-ExceptionType`. */
  types: readonly string[];
  /** All texts of the answer. */
  text: string;
  /** Graph: the properties that the details name. */
  targets?: readonly string[];
}

/** One row: every condition that is there must hold. */
export interface Rule {
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
}

const TRANSIENT = [408, 425, 499, 500, 502, 503, 504] as const;

/** Says "not now" in plain text, with whatever status. */
const TOO_MANY_AT_ONCE = /maximum number of concurrent requests per tenant/i;

/** The Exchange admin API. */
export const EXCHANGE_RULES: readonly Rule[] = [
  { class: "throttled", text: TOO_MANY_AT_ONCE },
  { class: "throttled", statuses: [429, 509] },
  { class: "unauthenticated", statuses: [401] },
  { class: "pagingExpired", text: /Expired or Invalid pagination request/i },
  { class: "notFound", typeEnds: ["ManagementObjectNotFoundException", "ADNoSuchObjectException"] },
  { class: "ambiguous", typeEnds: ["ManagementObjectAmbiguousException"] },
  { class: "nameConflict", typeEnds: ["ADObjectAlreadyExistsException"] },
  { class: "addressConflict", typeHas: ["ProxyAddressExists"] },
  {
    class: "badParameter",
    typeEnds: ["ParameterTransformationException", "AmbiguousParameterSetException", "ParameterBindingException"],
  },
  // A failed dual write names its true reason in the text: a conflict there does not go away by trying again.
  { class: "addressConflict", text: /Reason:\s*ObjectConflict/i },
  { class: "transient", typeEnds: ["TransientException", "UnableToWriteToAadException"] },
  { class: "addressConflict", text: /is already being used by the proxy addresses or LegacyExchangeDN/i },
  { class: "nameConflict", text: /The name ".*" is already being used/i },
  {
    class: "notFound",
    text: /couldn['’]t be found on|Couldn['’]t find object|The specified mailbox doesn['’]t exist/i,
  },
  { class: "transient", text: /issue may be transient/i },
  { class: "forbidden", statuses: [403] },
  { class: "notFound", statuses: [404] },
  { class: "precondition", statuses: [412] },
  { class: "transient", statuses: TRANSIENT },
];

/** Microsoft Graph. */
export const GRAPH_RULES: readonly Rule[] = [
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
  { class: "notFound", statuses: [404] },
  { class: "precondition", statuses: [412] },
  { class: "transient", statuses: TRANSIENT },
  { class: "badParameter", codes: ["Request_BadRequest", "BadRequest", "ErrorInvalidRequest", "invalidRequest"] },
];

/** Dataverse. Its texts are localised: only codes and statuses count. */
export const DATAVERSE_RULES: readonly Rule[] = [
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
  { class: "notFound", statuses: [404] },
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
    (rule.statuses === undefined || rule.statuses.includes(refusal.status))
  );
}

function classify(rules: readonly Rule[], refusal: Refusal): ErrorClass {
  return rules.find((rule) => holds(rule, refusal))?.class ?? "refused";
}

/** What an error of the Exchange admin API means. */
export function classifyExchange(refusal: Refusal): ErrorClass {
  return classify(EXCHANGE_RULES, refusal);
}

/** What an error of Microsoft Graph means. */
export function classifyGraph(refusal: Refusal): ErrorClass {
  return classify(GRAPH_RULES, refusal);
}

/** What an error of Dataverse means. */
export function classifyDataverse(refusal: Refusal): ErrorClass {
  return classify(DATAVERSE_RULES, refusal);
}

/** What a warning of Exchange says about a write that changed nothing. */
export type Notice = "alreadyGranted" | "alreadyRevoked" | "noChange" | "truncated";

const NOTICES: ReadonlyArray<readonly [Notice, RegExp]> = [
  ["alreadyGranted", /access control entry is already present/i],
  ["alreadyRevoked", /ACE doesn['’]t exist on the object|ACE isn['’]t present|because the ACE does not exist/i],
  ["noChange", /completed successfully but no settings of/i],
  ["truncated", /\bResultSize\b/],
];

/** The meaning of one of Exchange's warnings; undefined for those that only inform. */
export function classifyNotice(warning: string): Notice | undefined {
  return NOTICES.find(([, pattern]) => pattern.test(warning))?.[0];
}
