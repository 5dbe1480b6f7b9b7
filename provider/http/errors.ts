/**
 * Every error that the client side raises, as small classes, and what keeps secrets out of them.
 *
 * A message reads: what was being done, to what, the service's own words, the request's id, what to do next.
 * Secrets are taken out in the constructor, so that nobody can forget to. Two nets find them: shapes that always are secrets (bearer tokens,
 * JSON web tokens, `password=…`), and the exact values that were remembered with {@link rememberSecret}.
 */

import { isNativeError } from "node:util/types";
import { membersOf } from "./json";

/** The services that are spoken to. */
export type Service = "exchange" | "graph" | "dataverse";

/**
 * What an answer means for the caller, whatever the service.
 *
 * - `notFound`: the thing addressed, or one it refers to, is not there (yet).
 * - `mailboxNotReady`: the user is there and has no mailbox that can be reached yet.
 * - `nameConflict`, `addressConflict`: the name, or an address, belongs to something else.
 * - `badParameter`: the request is wrong. `ambiguous`: an identity matches several objects.
 * - `unauthenticated`, `forbidden`: no valid token, or one without the right.
 * - `throttled`: too much at a time; nothing happened. `transient`: may work if tried again.
 * - `pagingExpired`: begin the listing again.
 * - `misrouted`: the server that was asked cannot do it, and nothing happened; another one can.
 * - `precondition`: `If-Match` or `If-None-Match` did not hold.
 * - `refused`: everything else the service says no to.
 */
export type ErrorClass =
  | "notFound"
  | "mailboxNotReady"
  | "nameConflict"
  | "addressConflict"
  | "badParameter"
  | "ambiguous"
  | "unauthenticated"
  | "forbidden"
  | "throttled"
  | "transient"
  | "pagingExpired"
  | "misrouted"
  | "precondition"
  | "refused";

/** What a message is built of, in the order in which it is read. */
interface ErrorParts {
  /** What was being done to what, in words: "granting Full Access on info@contoso.com". */
  action?: string | undefined;
  /** What went wrong, in the service's words where there are any. */
  words?: string | undefined;
  /** The service's id for the request: what Microsoft's support asks for. */
  requestId?: string | undefined;
  /** What the reader can do about it: whole sentences. */
  nextStep?: string | undefined;
  /** What lay beneath. Kept as a redacted copy. */
  cause?: unknown;
}

/** A marker that also holds between two copies of this module in one process. */
const PROVIDER_ERROR = Symbol.for("pulumi-mailboxes.ProviderError");
const SERVICE_ERROR = Symbol.for("pulumi-mailboxes.ServiceError");

function sentence(text: string): string {
  return /[.!?…]["')\]]?$/.test(text) ? text : `${text}.`;
}

function messageOf(parts: ErrorParts): string {
  let message = [parts.action, parts.words?.trim()].filter((part) => part !== undefined && part !== "").join(": ");
  if (parts.requestId !== undefined) {
    message = `${message.replace(/\.$/, "")} (request ${parts.requestId})`;
  }
  if (parts.nextStep !== undefined && parts.nextStep !== "") {
    message = `${sentence(message)} ${parts.nextStep}`;
  }
  return redact(message);
}

/** The base of all errors here. `message` is for people and holds neither secrets nor stack text. */
export class ProviderError extends Error {
  override readonly name: string = "ProviderError";
  /** What was being done, in words. */
  readonly action: string | undefined;
  /** What the reader can do about it. */
  readonly nextStep: string | undefined;

  /** @param parts The parts of the message, or the whole of it. */
  constructor(parts: ErrorParts | string) {
    const given = typeof parts === "string" ? { words: parts } : parts;
    super(messageOf(given));
    Object.defineProperty(this, PROVIDER_ERROR, { value: true });
    this.action = given.action === undefined ? undefined : redact(given.action);
    this.nextStep = given.nextStep === undefined ? undefined : redact(given.nextStep);
    if (given.cause !== undefined) {
      // Not enumerable, like the built-in option, so that serialising an error leaves its causes out.
      const cause = isProviderError(given.cause) ? given.cause : redactedCause(given.cause);
      Object.defineProperty(this, "cause", { value: cause, configurable: true, writable: true });
    }
  }
}

/** What a service said when it refused. */
interface ServiceErrorFields extends ErrorParts {
  /** HTTP status. */
  status: number;
  /** The service's code: Exchange `Ex6F9304`, Graph `Request_ResourceNotFound`, Dataverse `0x80040217`; empty if none. */
  code: string;
  /** Exchange: the full name of the exception; for matching, where the code varies. */
  type?: string | undefined;
  /** The service's own text, without names of its servers. */
  words: string;
  /** The `client-request-id` that was sent. */
  clientRequestId?: string | undefined;
  /** What it means for the caller. */
  class: ErrorClass;
  /** How long the service asks to be left alone, in milliseconds. */
  retryAfter?: number | undefined;
  /** Exchange: warnings that came with the error. */
  warnings?: readonly string[] | undefined;
  /** The request was a write and may have taken effect all the same. */
  outcomeUnknown: boolean;
}

/** How each service is called in messages, and its errors in code. */
const CALLED: Readonly<Record<Service, { title: string; name: string }>> = {
  exchange: { title: "Exchange", name: "ExchangeError" },
  graph: { title: "Microsoft Graph", name: "GraphError" },
  dataverse: { title: "Dynamics 365", name: "DataverseError" },
};

/** A service answered with an error. Its `class` says what that means; see {@link ErrorClass}. */
export class ServiceError extends ProviderError {
  /** `ExchangeError`, `GraphError` or `DataverseError`. */
  override readonly name: string;
  /** Which service. */
  readonly service: Service;
  /** HTTP status. */
  readonly status: number;
  /** The service's code; empty if it gave none. */
  readonly code: string;
  /** Exchange: the full name of the exception. */
  readonly type: string | undefined;
  /** The service's own text, without names of its servers. */
  readonly words: string;
  /** The service's id for the request. */
  readonly requestId: string | undefined;
  /** The `client-request-id` that was sent. */
  readonly clientRequestId: string | undefined;
  /** What it means for the caller. */
  readonly class: ErrorClass;
  /** How long the service asks to be left alone, in milliseconds. */
  readonly retryAfter: number | undefined;
  /** Exchange: warnings that came with the error. */
  readonly warnings: readonly string[] | undefined;
  /** The request was a write and may have taken effect all the same. */
  readonly outcomeUnknown: boolean;
  readonly #fields: ServiceErrorFields;

  constructor(service: Service, fields: ServiceErrorFields) {
    const code = fields.code === "" || fields.words.includes(fields.code) ? "" : ` [${fields.code}]`;
    const words = code === "" ? fields.words : fields.words.replace(/\.$/, "");
    super({
      ...fields,
      words: `${CALLED[service].title}: ${words}${code}`,
      requestId: fields.requestId ?? fields.clientRequestId,
    });
    Object.defineProperty(this, SERVICE_ERROR, { value: true });
    this.name = CALLED[service].name;
    this.service = service;
    this.status = fields.status;
    this.code = fields.code;
    this.type = fields.type;
    this.words = redact(fields.words);
    this.requestId = fields.requestId;
    this.clientRequestId = fields.clientRequestId;
    this.class = fields.class;
    this.retryAfter = fields.retryAfter;
    this.warnings = fields.warnings?.map(redact);
    this.outcomeUnknown = fields.outcomeUnknown;
    this.#fields = fields;
  }

  /** The same error with another advice, from one who knows more about it. */
  advising(nextStep: string): ServiceError {
    return new ServiceError(this.service, { ...this.#fields, nextStep });
  }
}

/** No token could be got. Says which variables were looked for and which were set, never their values. */
export class TokenError extends ProviderError {
  override readonly name = "TokenError";
}

/** A request had no answer in time, or there was no time left to send it; a write never raises this once it was sent. */
export class TimeoutError extends ProviderError {
  override readonly name = "TimeoutError";
}

/** The deployment was cancelled before the request was sent, or while a read was under way. */
export class CancelledError extends ProviderError {
  override readonly name = "CancelledError";
}

/** A service could not be reached at all; the request was never sent. Names the host and the setting that chose it. */
export class UnreachableError extends ProviderError {
  override readonly name = "UnreachableError";
  /** The host that could not be reached. */
  readonly host: string;
  constructor(parts: ErrorParts & { host: string }) {
    super(parts);
    this.host = parts.host;
  }
}

function spell(milliseconds: number): string {
  return milliseconds < 60_000
    ? `${Math.round(milliseconds / 100) / 10} s`
    : `${Math.floor(milliseconds / 60_000)} min ${Math.round((milliseconds % 60_000) / 1000)} s`;
}

/** A write was accepted and did not become visible within the settle time. */
export class SettleError extends ProviderError {
  override readonly name = "SettleError";
  /**
   * @param what what was waited for, in words that follow "for".
   * @param waited how long, in milliseconds.
   * @param lastSeen what was seen last, in words.
   */
  constructor(what: string, waited: number, lastSeen: string | undefined) {
    const seen = lastSeen === undefined ? "" : `; last seen: ${lastSeen}`;
    super({
      words: `waited ${spell(waited)} for ${what}${seen}`,
      nextStep:
        "The change was accepted and may only be slow to show: run `pulumi up` again, or raise `mailboxes:settleTimeout`.",
    });
  }
}

/** Something that the program refers to is not there. */
export class NotFoundError extends ProviderError {
  override readonly name = "NotFoundError";
}

/** Something exists already, or belongs to something else; the next step says how to import or free it. */
export class ConflictError extends ProviderError {
  override readonly name = "ConflictError";
}

/** One mistake in what the user wrote. */
export interface InputProblem {
  /** Where: a property path (`members["ada@contoso.com"]`) or a configuration key (`mailboxes:tenantId`). */
  path: string;
  /** What is wrong with it, as a sentence that follows the path. */
  reason: string;
}

/** What the user wrote cannot work: all mistakes at once. */
export class InputError extends ProviderError {
  override readonly name = "InputError";
  /** Every mistake, in the order found. */
  readonly problems: readonly InputProblem[];
  constructor(problems: readonly InputProblem[], parts: Omit<ErrorParts, "words"> = {}) {
    super({ ...parts, words: problems.map(({ path, reason }) => `${path}: ${reason}`).join("\n") });
    this.problems = problems.map(({ path, reason }) => ({ path: redact(path), reason: redact(reason) }));
  }
}

/**
 * A write was sent and its answer was lost, or proves nothing (500, 502, 504, a time-out, a connection that broke).
 * It may or may not have taken effect: observe, then decide. `cause` has the answer, if there was one.
 */
export class UnknownOutcomeError extends ProviderError {
  override readonly name = "UnknownOutcomeError";
  /** Always true: the same question as on a {@link ServiceError}. */
  readonly outcomeUnknown = true;
  /** The `client-request-id` that was sent. */
  readonly clientRequestId: string | undefined;
  constructor(parts: ErrorParts & { clientRequestId?: string | undefined }) {
    super({ ...parts, requestId: parts.requestId ?? parts.clientRequestId });
    this.clientRequestId = parts.clientRequestId;
  }
}

function isMarked(error: unknown, mark: symbol): boolean {
  return typeof error === "object" && error !== null && Reflect.get(error, mark) === true;
}

/** Whether an error is a ProviderError, from any copy of this module. */
export function isProviderError(error: unknown): error is ProviderError {
  return isMarked(error, PROVIDER_ERROR);
}

/** Whether a service answered with an error; also for errors of another copy of this module. */
export function isServiceError(error: unknown): error is ServiceError {
  return isMarked(error, SERVICE_ERROR);
}

/** Whether a service answered with an error of this class: `isClass(error, "notFound")`. */
export function isClass(error: unknown, errorClass: ErrorClass): error is ServiceError {
  return isServiceError(error) && error.class === errorClass;
}

/** Whether the application lacks the right for something; also where two services that could do it both said so. */
export function isForbidden(error: unknown): boolean {
  return isClass(error, "forbidden") || (isProviderError(error) && isClass(error.cause, "forbidden"));
}

/** Whether an error leaves open if a write took effect. */
export function isUnknownOutcome(error: unknown): error is UnknownOutcomeError {
  return isProviderError(error) && error.name === "UnknownOutcomeError";
}

/** Whether a write that failed may have happened. An error under a status of success (Exchange sends those) proves nothing. */
export function mayHaveHappened(error: unknown): error is ProviderError {
  return isUnknownOutcome(error) || (isServiceError(error) && (error.outcomeUnknown || error.status < 400));
}

/** What a request answers; undefined where the service answers with an error of one of these classes. */
export async function unless<T>(request: Promise<T>, ...classes: readonly ErrorClass[]): Promise<T | undefined> {
  try {
    return await request;
  } catch (error) {
    if (!classes.some((one) => isClass(error, one))) {
      throw error;
    }
    return undefined;
  }
}

/**
 * What a read answers; undefined where the application may not read it, which says nothing about what is there.
 *
 * @param refused is told of the refusal.
 */
export async function ifAllowed<T>(
  read: Promise<T>,
  refused: (refusal: ProviderError) => void = () => {},
): Promise<T | undefined> {
  try {
    return await read;
  } catch (error) {
    if (!isForbidden(error) || !isProviderError(error)) {
      throw error;
    }
    refused(error);
    return undefined;
  }
}

/** What stands in the place of a secret. */
const REDACTED = "[secret]";

const SHAPES: ReadonlyArray<readonly [RegExp, string]> = [
  [/\b(authorization["']?\s*[:=]\s*["']?(?:bearer|basic)\s+)[^\s"',;]+/gi, `$1${REDACTED}`],
  // Twenty characters and more: "basic settings" and "bearer tokens" are words.
  [/\b(bearer\s+)[A-Za-z0-9\-._~+/]{20,}=*/gi, `$1${REDACTED}`],
  [/\beyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]{5,}(?:\.[A-Za-z0-9_-]*)?/g, REDACTED],
  [
    /("(?:[a-z_]*(?:password|passwd|secret)|client_?assertion|(?:access|refresh|id|oidc)_?token|authorization)"\s*:\s*")(?:[^"\\]|\\.)*"/gi,
    `$1${REDACTED}"`,
  ],
  [
    /\b((?:[a-z_]*(?:password|passwd|secret)|client_assertion|(?:access|refresh|id|oidc)_?token)\s*=\s*)[^\s&"',;]+/gi,
    `$1${REDACTED}`,
  ],
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g, REDACTED],
];

/** Shorter values would blank out ordinary words. */
const SHORTEST_SECRET = 6;

// Two copies of the package may live in one process (a linked clone beside an install): both must know every secret.
const registry = globalThis as { [KNOWN]?: Set<string> };
const KNOWN = Symbol.for("pulumi-mailboxes.secrets");

function knownSecrets(): Set<string> {
  registry[KNOWN] ??= new Set();
  return registry[KNOWN];
}

/**
 * Remembers a value so that {@link redact} takes it out of every later text of this process.
 * Values of fewer than 6 characters are left alone.
 */
export function rememberSecret(value: string | undefined): void {
  if (value !== undefined && value.length >= SHORTEST_SECRET) {
    knownSecrets().add(value);
  }
}

/** Remembers every string of a request body that stands under a name like `password` or `clientSecret`. */
export function rememberSecretsOf(body: unknown): void {
  if (typeof body !== "object" || body === null) {
    return;
  }
  for (const [name, value] of Object.entries(body)) {
    if (typeof value === "string" && /password|secret/i.test(name)) {
      rememberSecret(value);
    } else {
      rememberSecretsOf(value);
    }
  }
}

let forms: { of: number; all: string[] } = { of: 0, all: [] };

/** Every secret as it may stand in a text, the longest first: one that is part of another would leave the rest of it standing. */
function formsOfSecrets(): string[] {
  const secrets = knownSecrets();
  // Secrets are only ever added. Every address and every step of a deployment is redacted: the forms are kept between calls.
  if (forms.of !== secrets.size) {
    const all = [...secrets].flatMap((one) => [one, encodeURIComponent(one), JSON.stringify(one).slice(1, -1)]);
    forms = { of: secrets.size, all: [...new Set(all)].sort((a, b) => b.length - a.length) };
  }
  return forms.all;
}

/** The text without tokens, passwords, private keys and remembered secrets. */
export function redact(text: string): string {
  let redacted = text;
  for (const form of formsOfSecrets()) {
    if (redacted.includes(form)) {
      redacted = redacted.replaceAll(form, REDACTED);
    }
  }
  for (const [shape, replacement] of SHAPES) {
    redacted = redacted.replace(shape, replacement);
  }
  return redacted;
}

/** How deep the chain of causes is kept. */
const DEEPEST_CAUSE = 4;

/**
 * A copy of a foreign error with its name, message, `code` and causes, redacted. Everything else is dropped, because
 * HTTP libraries hang whole requests, headers and bodies on their errors.
 */
function redactedCause(cause: unknown, depth = 0): unknown {
  if (cause === undefined || cause === null) {
    return undefined;
  }
  if (!isNativeError(cause)) {
    return typeof cause === "string" ? redact(cause) : undefined;
  }
  const copy = new Error(redact(cause.message));
  copy.name = cause.name;
  copy.stack = redact(cause.stack ?? `${cause.name}: ${cause.message}`);
  const { code } = membersOf(cause);
  if (typeof code === "string" || typeof code === "number") {
    Object.assign(copy, { code });
  }
  if (depth < DEEPEST_CAUSE) {
    const inner = redactedCause(cause.cause, depth + 1);
    if (inner !== undefined) {
      copy.cause = inner;
    }
  }
  return copy;
}
