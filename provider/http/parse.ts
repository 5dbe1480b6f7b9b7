/**
 * Turns an answer into the body it holds, or into an error with advice on what to do next, as far as the error's class alone tells.
 */

import type { Call } from "./call";
import { type ErrorClass, type Service, type ServiceError, type ServiceErrorFields, serviceError } from "./errors";
import { clean, type ParsedRefusal, parseRefusal, type Received } from "./refusal";

const RUN_AGAIN = "Run `pulumi up` again; if it stays, look at the service's health in the Microsoft 365 admin center.";

/** What Graph asks for, by a part of the path: to read, to write. */
const GRAPH_PERMISSIONS: ReadonlyArray<readonly [RegExp, string, string]> = [
  [/mailboxSettings|messageRules/i, "MailboxSettings.Read", "MailboxSettings.ReadWrite"],
  [/subscribedSkus|assignLicense/i, "LicenseAssignment.Read.All", "LicenseAssignment.ReadWrite.All"],
  [/revokeSignInSessions/i, "User.RevokeSessions.All", "User.RevokeSessions.All"],
  [/deletedItems/i, "User.Read.All", "User.DeleteRestore.All"],
  [/./, "User.Read.All", "User.EnableDisableAccount.All (User.ReadWrite.All for a usage location)"],
];

/** The permission that a refused call to Graph needs, as a sentence. */
function graphPermission(path: string, kind: Call["kind"]): string {
  const [, read, write] = GRAPH_PERMISSIONS.find(([part]) => part.test(path)) ?? [];
  return `The application needs the permission ${kind === "read" ? read : write} of Microsoft Graph, with admin consent. A new grant can take an hour to work.`;
}

/** What to do about a refused call; undefined where only who asked can tell. */
export function nextStepFor(call: Pick<Call, "service" | "kind" | "path">, meaning: ErrorClass): string | undefined {
  return call.service === "graph" && meaning === "forbidden"
    ? graphPermission(call.path, call.kind)
    : NEXT_STEPS[call.service][meaning];
}

/** Advice by service and class: whole sentences. */
const NEXT_STEPS: Readonly<Record<Service, Partial<Record<ErrorClass, string>>>> = {
  exchange: {
    unauthenticated:
      'The application needs the role Exchange.ManageAsApp of "Office 365 Exchange Online", with admin consent.',
    forbidden:
      "Two grants are needed: the application role Exchange.ManageAsApp, and an Entra role such as Exchange Administrator " +
      "(or an Exchange role group) for its service principal. A new grant can take an hour to work. Exchange answers the same way to a cmdlet that it does not know.",
    throttled: "Exchange limits requests: run `pulumi up` again later, or lower `mailboxes:maxConcurrency`.",
    transient: RUN_AGAIN,
    misrouted: RUN_AGAIN,
    pagingExpired: "The listing took too long and must begin again: run `pulumi up` again.",
  },
  graph: {
    unauthenticated:
      "The tenant or the application may be the wrong one: see `mailboxes:tenantId` and `mailboxes:clientId`.",
    throttled: "Microsoft Graph limits requests: run `pulumi up` again later.",
    transient: RUN_AGAIN,
  },
  dataverse: {
    unauthenticated:
      "The environment must belong to the tenant, and have the application as an application user: see `mailboxes:environmentUrl`.",
    forbidden: "The application user needs a security role with this right in the Dataverse environment.",
    throttled: "Dataverse limits requests: run `pulumi up` again later.",
    transient: RUN_AGAIN,
  },
};

/** A body that was understood, or not. */
export type ParsedBody = { isReadable: true; body: unknown } | { isReadable: false; reason: string };

/**
 * The body of an answer that is not an error. Exchange always sends JSON or nothing; Graph and Dataverse may send text
 * (`$count`), which is handed on as it is unless they called it JSON.
 */
export function parseBody(service: Service, received: Received): ParsedBody {
  if (received.text === undefined) {
    return { isReadable: false, reason: "the answer could not be decoded" };
  }
  const text = received.text.replace(/^\ufeff/, "");
  if (text.trim() === "") {
    return { isReadable: true, body: undefined };
  }
  const isJson = service === "exchange" || (received.headers.get("content-type") ?? "").includes("json");
  if (!isJson) {
    return { isReadable: true, body: text };
  }
  try {
    return { isReadable: true, body: JSON.parse(text) };
  } catch {
    return { isReadable: false, reason: `the answer is not JSON: ${clean(text).slice(0, 200) || "unprintable bytes"}` };
  }
}

/** Whether the answer proves that a write did not happen. */
function provesNothingHappened(parsed: ParsedRefusal, received: Received): boolean {
  // A 503 with Retry-After is the front door's: the request was turned away before it was carried out.
  return parsed.class !== "transient" || (received.status === 503 && received.headers.has("retry-after"));
}

/**
 * The error of one answer that says no, by its status or in its body; also of one out of a batch.
 * @param now Epoch milliseconds, for `Retry-After` dates.
 */
export function serviceErrorOf(
  call: Pick<Call, "service" | "kind" | "action" | "path">,
  received: Received,
  now: number = Date.now(),
): ServiceError {
  const parsed = parseRefusal(call.service, received);
  const fields: ServiceErrorFields = {
    action: call.action,
    words: parsed.words,
    status: received.status,
    code: parsed.code,
    type: parsed.type,
    class: parsed.class,
    requestId: parsed.requestId,
    clientRequestId: received.clientRequestId,
    retryAfter: parseRetryAfter(received.headers.get("retry-after"), now, received.headers.get("date")),
    warnings: parsed.warnings.length > 0 ? parsed.warnings : undefined,
    outcomeUnknown: call.kind === "write" && !provesNothingHappened(parsed, received),
    nextStep: parsed.nextStep ?? nextStepFor(call, parsed.class),
  };
  return serviceError(call.service, fields);
}

/** One answer out of a batch, with its body parsed already. */
export interface BatchedAnswer {
  status: number;
  headers: Headers;
  body: unknown;
}

/** The error that one answer out of a batch of reads stands for. */
export function batchedError(service: Service, answer: BatchedAnswer, action: string, path = ""): ServiceError {
  const { status, headers, body } = answer;
  const text = body === undefined ? "" : typeof body === "string" ? body : JSON.stringify(body);
  return serviceErrorOf({ service, kind: "read", action, path }, { status, headers, text });
}

/** Reads how long a service asks to be left alone. Pure. */

const MONTHS = "Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec";
/** The three forms of RFC 9110, section 5.6.7; anything else that `Date.parse` accepts is not an HTTP date. */
const HTTP_DATES = [
  new RegExp(`^[A-Z][a-z]{2}, \\d{2} (?:${MONTHS}) \\d{4} \\d{2}:\\d{2}:\\d{2} GMT$`),
  new RegExp(`^[A-Z][a-z]+day, \\d{2}-(?:${MONTHS})-\\d{2} \\d{2}:\\d{2}:\\d{2} GMT$`),
  new RegExp(`^[A-Z][a-z]{2} (?:${MONTHS}) [ \\d]\\d \\d{2}:\\d{2}:\\d{2} \\d{4}$`),
];

/**
 * A `Retry-After` header in milliseconds from now: seconds, whole or fractional (Exchange sends those), or an HTTP date.
 * A moment that has passed is 0; what cannot be read is undefined.
 *
 * @param now Epoch milliseconds, and the `Date` header of the same answer where there is one: the two clocks may differ.
 */
export function parseRetryAfter(header: string | null, now: number, serverDate?: string | null): number | undefined {
  const value = header?.trim() ?? "";
  if (/^\d+(\.\d+)?$/.test(value)) {
    return Math.ceil(Number(value) * 1000);
  }
  if (!HTTP_DATES.some((form) => form.test(value))) {
    return undefined;
  }
  // The oldest form carries no zone and means GMT all the same.
  const moment = Date.parse(value.endsWith("GMT") ? value : `${value} GMT`);
  const reference = serverDate === undefined || serverDate === null ? Number.NaN : Date.parse(serverDate);
  return Number.isNaN(moment) ? undefined : Math.max(0, moment - (Number.isNaN(reference) ? now : reference));
}

/**
 * How long Exchange's budget is used up, in milliseconds: `Rate-Limit-Remaining` is 0 and `Rate-Limit-Reset` is a
 * moment (RFC 3339) or a number of seconds. Undefined while there is budget left.
 */
export function parseRateLimit(headers: Headers, now: number): number | undefined {
  const remaining = headers.get("rate-limit-remaining")?.trim();
  const reset = headers.get("rate-limit-reset")?.trim();
  if (remaining === undefined || reset === undefined || !/^\d+$/.test(remaining) || Number(remaining) > 0) {
    return undefined;
  }
  if (/^\d+(\.\d+)?$/.test(reset)) {
    return Math.ceil(Number(reset) * 1000);
  }
  const moment = Date.parse(reset);
  return Number.isNaN(moment) ? undefined : Math.max(0, moment - now);
}
