/**
 * Turns an answer into the body it holds, or into an error with what the service said and advice on what to do next, as far as the error's
 * class alone tells. Pure.
 *
 * Exchange's errors come in many shapes, and now and then as plain text or as NUL bytes, so nothing here trusts the
 * content type, and members are found without regard to case.
 */

import { STATUS_CODES } from "node:http";
import type { Call } from "./call";
import { classify } from "./classify";
import { type ErrorClass, type Service, ServiceError } from "./errors";
import { isObject, mapOf, rowsOf } from "./json";

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
function nextStepFor(call: Pick<Call, "service" | "kind" | "path">, meaning: ErrorClass): string | undefined {
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
type ParsedBody = { isReadable: true; body: unknown } | { isReadable: false; reason: string };

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
  return new ServiceError(call.service, {
    ...parsed,
    action: call.action,
    status: received.status,
    clientRequestId: received.clientRequestId,
    retryAfter: parseRetryAfter(received.headers.get("retry-after"), now, received.headers.get("date")),
    warnings: parsed.warnings.length > 0 ? parsed.warnings : undefined,
    outcomeUnknown: call.kind === "write" && !provesNothingHappened(parsed, received),
    nextStep: parsed.nextStep ?? nextStepFor(call, parsed.class),
  });
}

/** One answer out of a batch, with its body parsed already. */
export interface BatchedAnswer {
  status: number;
  headers: Headers;
  body: unknown;
}

/** The answers of a batch by id, in whatever order they came. */
export function answersIn(body: unknown): Map<string, BatchedAnswer> {
  return new Map(
    (rowsOf(mapOf(body).responses) ?? [])
      .filter(({ status }) => Number(status) > 0)
      .map(({ id, status, headers, body: content }) => [
        String(id),
        {
          status: Number(status),
          headers: new Headers(
            Object.entries(mapOf(headers)).map(([name, value]): [string, string] => [name, String(value)]),
          ),
          body: content,
        },
      ]),
  );
}

/** An answer out of a batch as it would have come alone. */
export function receivedAlone({ status, headers, body }: BatchedAnswer): Received {
  return { status, headers, text: body === undefined ? "" : typeof body === "string" ? body : JSON.stringify(body) };
}

/** The error that one answer out of a batch of reads stands for. */
export function batchedError(
  service: Service,
  answer: BatchedAnswer,
  action: string,
  path = "",
  kind: "read" | "write" = "read",
): ServiceError {
  return serviceErrorOf({ service, kind, action, path }, receivedAlone(answer));
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

/** An answer with its body read. */
export interface Received {
  status: number;
  headers: Headers;
  /** The body; undefined when it could not be decoded, for example when its compression was broken. */
  text: string | undefined;
  /** The `client-request-id` that the request was sent with. */
  clientRequestId?: string | undefined;
}

/** The error that an answer holds. */
interface ParsedRefusal {
  class: ErrorClass;
  /** The service's most telling code; empty if it gave none. */
  code: string;
  /** Exchange: the full name of the exception. */
  type?: string;
  /** The service's words, without names of its servers. */
  words: string;
  warnings: string[];
  requestId: string | undefined;
  /** What to do, where it is known better than by the class alone. */
  nextStep?: string;
}

/** Longer texts (a proxy's HTML page) are cut. */
const LONGEST_WORDS = 1000;

/** A member by its name, without regard to case. */
function member(value: unknown, name: string): unknown {
  if (!isObject(value)) {
    return undefined;
  }
  const key = Object.keys(value).find((candidate) => candidate.toLowerCase() === name.toLowerCase());
  return key === undefined ? undefined : value[key];
}

function textMember(value: unknown, name: string): string {
  const found = member(value, name);
  return typeof found === "string" ? found.trim() : typeof found === "number" ? String(found) : "";
}

function listMember(value: unknown, name: string): unknown[] {
  const found = member(value, name);
  return Array.isArray(found) ? found : [];
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The text for people: no control characters, no markup, not endless. */
function clean(text: string): string {
  const printable = text
    // biome-ignore lint/suspicious/noControlCharactersInRegex: Exchange answers a missing role with NUL bytes -- they are what is looked for.
    .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f\ufeff]/g, "")
    .replace(/<(style|script|head)\b[\s\S]*?<\/\1>/gi, " ");
  const plain = /<html|<!doctype/i.test(printable) ? printable.replace(/<[^>]*>/g, " ") : printable;
  const trimmed = plain.replace(/\s+/g, " ").trim();
  return trimmed.length > LONGEST_WORDS ? `${trimmed.slice(0, LONGEST_WORDS)}…` : trimmed;
}

/** Takes out the servers' names, which differ from answer to answer. */
function withoutServerNames(text: string): string {
  return text
    .replace(/\s+on ['"‘’][A-Z0-9][A-Z0-9.-]*\.(?:OUTLOOK|OFFICE365|OFFICE)\.[A-Z.]+['"‘’]/gi, "")
    .replace(/\[?Server=[A-Z0-9.-]+[^\]]*\]?/g, "")
    .trim();
}

function requestIdOf(headers: Headers, error: unknown): string | undefined {
  for (const name of ["request-id", "x-ms-service-request-id", "req_id", "x-ms-request-id"]) {
    const value = headers.get(name);
    if (value !== null && value.trim() !== "") {
      return value;
    }
  }
  const inner = textMember(member(error, "innererror"), "request-id");
  return inner === "" ? undefined : inner;
}

function statusText(status: number): string {
  return `HTTP ${status} ${STATUS_CODES[status] ?? ""}`.trim();
}

/** `Code|Type|text`, where the code may be empty and the text may hold further bars; undefined for any other text. */
function splitBars(message: string): { code: string; type: string; text: string } | undefined {
  const match = /^\s*(\w*)\|([\w.+`]*)\|([\s\S]*)$/.exec(message);
  return match === null
    ? undefined
    : { code: (match[1] ?? "").trim(), type: match[2] ?? "", text: (match[3] ?? "").trim() };
}

interface Draft {
  code: string;
  type: string;
  words: string;
}

/** One entry of `details`: bars, JSON with a `Message` (which may hold bars again), or plain text. */
function readDetail(message: string): Draft {
  const bars = splitBars(message);
  if (bars !== undefined) {
    return { code: bars.code, type: bars.type, words: bars.text };
  }
  const json = /^\s*\{/.test(message) ? parseJson(message) : undefined;
  const inner = textMember(json, "message");
  if (inner !== "") {
    const again = splitBars(inner);
    return again === undefined
      ? { code: textMember(json, "code"), type: textMember(json, "type"), words: inner }
      : { code: again.code, type: again.type, words: again.text };
  }
  return { code: "", type: "", words: message };
}

/** What the headers of a refused sign-in or of a refused role say; NUL bytes are all that the body has then. */
function diagnosticsOf(headers: Headers): string {
  const reason = /reason="([^"]*)"/i.exec(headers.get("x-ms-diagnostics") ?? "")?.[1];
  const challenge = /error_description="([^"]*)"/i.exec(headers.get("www-authenticate") ?? "")?.[1];
  return clean(reason ?? challenge ?? "");
}

/** The error member of a body of Exchange, also of one under a status of success. */
function exchangeErrorIn(body: unknown): unknown {
  return [member(body, "error"), member(body, "@odata.error")].find(isObject);
}

/** Whether a body says that a request failed, whatever the status says. */
export function saysFailed(service: Service, body: unknown): boolean {
  return service === "exchange" && exchangeErrorIn(body) !== undefined;
}

function readExchange(received: Received): ParsedRefusal {
  const raw = received.text ?? "";
  const body = parseJson(raw);
  const error = exchangeErrorIn(body) ?? body;
  const internal = member(member(error, "innererror"), "internalexception");
  const details = listMember(error, "details").map((one) => readDetail(textMember(one, "message")));
  const outer = readDetail(textMember(error, "message"));
  // The exception of the cmdlet itself: the one around it may be no more than that a cmdlet failed.
  const own = [...details, readDetail(textMember(internal, "message")), outer].find(({ type }) => type !== "");
  const detail = own ?? details[0] ?? { code: "", type: "", words: "" };
  const header = received.headers.get("x-exceptiontype")?.trim() ?? "";
  const diagnostics = diagnosticsOf(received.headers);
  const type = detail.type || textMember(internal, "type") || header;
  const written =
    detail.words ||
    textMember(internal, "message") ||
    outer.words ||
    (isObject(body) ? "" : clean(raw)) ||
    [statusText(received.status), ...(diagnostics === "" ? [] : [diagnostics])].join(": ");
  const outerCode = textMember(error, "code");
  const { class: meaning, nextStep } = classify("exchange", {
    status: received.status,
    codes: [detail.code, outerCode].filter((code) => code !== ""),
    types: [detail.type, textMember(internal, "type"), header].filter((name) => name !== ""),
    text: [...details.map(({ words }) => words), textMember(internal, "message"), outer.words, written].join("\n"),
    isOfCmdlet: own !== undefined,
  });
  return {
    class: meaning,
    code: detail.code || outerCode,
    ...(type === "" ? {} : { type }),
    words: withoutServerNames(clean(meaning === "transient" ? written : withoutPatience(written))),
    warnings: [...listMember(body, "@adminapi.warnings"), ...listMember(error, "@adminapi.warnings")].filter(
      (warning) => typeof warning === "string",
    ),
    requestId: requestIdOf(received.headers, error),
    ...(nextStep === undefined ? {} : { nextStep }),
  };
}

/** A failed dual write always says that it may be transient, also where its reason is final. */
function withoutPatience(words: string): string {
  return words.replace(/\s*The issue may be transient[^.]*\.?/i, "");
}

/** The codes of an error and of its inner errors, the innermost first. */
function nestedCodes(error: unknown): string[] {
  const codes: string[] = [];
  for (let inner = error; isObject(inner) && codes.length < 10; inner = member(inner, "innererror")) {
    const code = textMember(inner, "code");
    if (code !== "") {
      codes.unshift(code);
    }
  }
  return codes;
}

function readGraph(received: Received): ParsedRefusal {
  const raw = received.text ?? "";
  const body = parseJson(raw);
  const error = member(body, "error");
  const details = listMember(error, "details");
  const nested = nestedCodes(error);
  // The sign-in layer answers with `error` as a word and the sentence beside it.
  const words =
    textMember(error, "message") ||
    textMember(body, "error_description") ||
    (isObject(body) ? "" : clean(raw)) ||
    statusText(received.status);
  const detailWords = details.map((detail) => textMember(detail, "message")).filter((text) => text !== "");
  const said = detailWords.filter((text) => !words.includes(text));
  return {
    ...classify("graph", {
      status: received.status,
      codes: [...nested, ...details.map((detail) => textMember(detail, "code"))],
      types: [],
      text: [words, ...detailWords].join("\n"),
      targets: details.map((detail) => textMember(detail, "target")),
      isOfService: isObject(error),
    }),
    code: nested[0] ?? "",
    words: clean([words, ...said].join(" ")),
    warnings: [],
    requestId: requestIdOf(received.headers, error),
  };
}

function readDataverse(received: Received): ParsedRefusal {
  const raw = received.text ?? "";
  const body = parseJson(raw);
  const error = member(body, "error") ?? body;
  const code = textMember(error, "code") || textMember(error, "errorcode");
  const inner = textMember(member(error, "innererror"), "message");
  const words =
    textMember(error, "message") || inner || (isObject(body) ? "" : clean(raw)) || statusText(received.status);
  return {
    ...classify("dataverse", {
      status: received.status,
      codes: [code],
      types: [],
      text: words,
      isOfService: isObject(member(body, "error")),
    }),
    code,
    words: clean(words),
    warnings: [],
    requestId: requestIdOf(received.headers, error),
  };
}

/** What the error in an answer says and means, also for one answer out of a batch. */
function parseRefusal(service: Service, received: Received): ParsedRefusal {
  return service === "exchange"
    ? readExchange(received)
    : service === "graph"
      ? readGraph(received)
      : readDataverse(received);
}
