/**
 * One call of a service: what travels down the pipeline, and its last links. One sends a request over the network and reads the whole
 * answer, through a proxy where one is configured; one tells of every request in a structured line. Neither bodies nor headers are ever in
 * a line; only a {@link Witness}, which a provider process never has, is handed them.
 */

import { randomUUID } from "node:crypto";
import { appendFileSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { isNativeError } from "node:util/types";
import { delayIn } from "./classify";
import { CancelledError, redact, type Service } from "./errors";
import { mapOf, membersOf } from "./json";
import type { Received } from "./parse";

function version(): string {
  // The same two steps up from `provider/http` in a clone and from `dist/http` in an installed package.
  return String(mapOf(JSON.parse(readFileSync(join(__dirname, "..", "..", "package.json"), "utf8"))).version ?? "0");
}

/** `pulumi-mailboxes/1.2.3`: the `User-Agent` of every request and Exchange's `X-ClientApplication`. */
export const APPLICATION = `pulumi-mailboxes/${version()}`;

/** Exchange's `connection-id`: one for each process, so that its pages and reads stay together. */
export const CONNECTION_ID = randomUUID();

export type { Service } from "./errors";

/** One request, described. */
export interface Call {
  service: Service;
  method: "GET" | "POST" | "PATCH" | "DELETE";
  /**
   * Path below the service's base (`/v1.0/users/x`, `/adminapi/beta/T/InvokeCommand`, `/api/data/v9.2/mailboxes(…)`)
   * with its query already encoded, or an absolute nextLink of the same host.
   */
  path: string;
  headers?: Record<string, string>;
  /** Sent as JSON. */
  body?: unknown;
  /**
   * Reads may be repeated always; a write only when its answer proves that nothing happened (429, 503 with
   * Retry-After, connection refused before sending).
   */
  kind: "read" | "write";
  /** What is being done to what, in words, for errors: "granting Full Access on x to y". */
  action: string;
  /** Exchange cmdlet, for the trace. */
  cmdlet?: string;
  /** The mailbox or other object it is about, where the path does not say so: calls about one take turns with those about others. */
  about?: string;
  /** In place of the configured Dataverse environment: the `environmentUrl` of a resource. */
  base?: string;
}

/** What came back, when it was no error. */
export interface Answer {
  status: number;
  headers: Headers;
  /** Parsed JSON; text where the service sent text; undefined for an empty body. */
  body: unknown;
  /** The service's id for the request. */
  requestId?: string;
}

/** The bounds of a call: one for a whole operation on a resource. */
export interface CallContext {
  /** Ends waits and reads. A write that was sent is left to finish, so that its outcome is known. */
  signal: AbortSignal;
  /** Epoch milliseconds after which nothing new is started. */
  deadline: number;
}

/** Gives tokens. */
export interface TokenSource {
  /**
   * An access token for a service; cached, and asked for once when many want it.
   * @throws TokenError when no token can be got.
   */
  token(service: Service, options?: TokenOptions): Promise<string>;
}

/** How a token is asked for. */
export interface TokenOptions {
  /** Do not use a cached one: the service has just refused it. */
  forceRefresh?: boolean;
  signal?: AbortSignal;
  /** Dataverse: the environment the token is for, where it is not the configured one. */
  environmentUrl?: string;
}

/** The error of a call whose deployment was cancelled. */
export function cancelled(action: string, cause?: unknown): CancelledError {
  return new CancelledError({
    action,
    words: "cancelled before it was done",
    nextStep: "Run `pulumi up` again to finish the work.",
    cause,
  });
}

/**
 * Waits.
 * @throws CancelledError when the signal fires before the time is over.
 */
export async function wait(milliseconds: number, signal: AbortSignal, action: string): Promise<void> {
  try {
    await sleep(milliseconds, undefined, { signal });
  } catch {
    throw cancelled(action);
  }
}

/** A promise, and what fulfils it. */
export function deferred<T>(): { promise: Promise<T>; resolve: (value: T | PromiseLike<T>) => void } {
  let resolve: (value: T | PromiseLike<T>) => void = () => undefined;
  const promise = new Promise<T>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}

/** One call on its way. A link that adds to it hands on a copy. */
export interface Outgoing {
  call: Call;
  /** The absolute URL. */
  url: string;
  bounds: CallContext;
  /** The setting that chose the host, for the error when it cannot be reached. */
  hostSetting: string;
  headers: Record<string, string>;
  /** JSON. */
  body: string | undefined;
  /** How often it was sent, this time included. */
  attempt: number;
}

/**
 * Sends and brings back what was answered, whatever its status.
 * @throws TransportFailure when no answer came.
 */
export type Send = (outgoing: Outgoing) => Promise<Received>;

/** The same with one more header. */
export function withHeader(outgoing: Outgoing, name: string, value: string): Outgoing {
  return { ...outgoing, headers: { ...outgoing.headers, [name]: value } };
}

/** Why no answer came. `wasSent` is false only when it is certain that no byte of the request left. */
export class TransportFailure extends Error {
  override readonly name = "TransportFailure";
  /** The `client-request-id` that the request was sent with. */
  clientRequestId: string | undefined;
  constructor(
    readonly wasSent: boolean,
    readonly reason: "timeout" | "cancelled" | "unreachable" | "untrusted" | "broken",
    /** The code of the operating system or of Node: `ECONNREFUSED`. */
    readonly code: string,
    cause: unknown,
  ) {
    super(code, { cause });
  }
}

/** Longest wait for one answer, in milliseconds. The Exchange server itself gives up after 15 minutes. */
export interface AnswerTimeouts {
  read: number;
  write: number;
}

/** Node's fetch gives up after 300 s of silence by itself; a longer write time-out would never be reached. */
export const ANSWER_TIMEOUTS: AnswerTimeouts = { read: 120_000, write: 295_000 };

const NOT_CONNECTED = new Set([
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "EHOSTDOWN",
  "EADDRNOTAVAIL",
  "UND_ERR_CONNECT_TIMEOUT",
]);

const UNTRUSTED =
  /^(CERT_|ERR_TLS_|ERR_SSL_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_(GET|VERIFY)_|HOSTNAME_MISMATCH|EPROTO$)/;

/** The code of an error, or of the first of its causes that has one. */
function codeOf(error: unknown, depth = 0): string {
  if (!isNativeError(error) || depth > 5) {
    return "";
  }
  const { code, errors } = membersOf(error);
  if (typeof code === "string") {
    return code;
  }
  // One error for each address of the host, all failed.
  const inner = Array.isArray(errors) ? [...errors, error.cause] : [error.cause];
  return inner.map((cause) => codeOf(cause, depth + 1)).find((found) => found !== "") ?? "";
}

/** Why the proxy made no tunnel, so that nothing was sent to the service; undefined for every other failure. */
function proxyRefusalIn(error: unknown, depth = 0): string | undefined {
  // The error in question is a DOMException, which Node does not count as a native error.
  if (typeof error !== "object" || error === null || depth > 5) {
    return undefined;
  }
  const { message, code, cause } = membersOf(error);
  const status = /^Proxy response \((\d+)\)/.exec(String(message))?.[1];
  if (status !== undefined) {
    return `the proxy answered ${status}`;
  }
  return code === "ERR_INVALID_URL" ? "HTTPS_PROXY is not a URL" : proxyRefusalIn(cause, depth + 1);
}

function failureOf(error: unknown, timeout: AbortSignal, cancel: AbortSignal | undefined): TransportFailure {
  if (timeout.aborted) {
    return new TransportFailure(true, "timeout", "ETIMEDOUT", error);
  }
  if (cancel?.aborted === true) {
    return new TransportFailure(true, "cancelled", "ABORT_ERR", error);
  }
  const refusal = proxyRefusalIn(error);
  if (refusal !== undefined) {
    return new TransportFailure(false, "unreachable", refusal, error);
  }
  const code = codeOf(error);
  if (NOT_CONNECTED.has(code)) {
    return new TransportFailure(false, "unreachable", code, error);
  }
  if (UNTRUSTED.test(code)) {
    return new TransportFailure(false, "untrusted", code, error);
  }
  return new TransportFailure(true, "broken", code === "" ? "the connection broke" : code, error);
}

/** Sends with Node's own `fetch`. Redirects are not followed: these APIs have none, and a POST would become a GET. */
export function sending(timeouts: AnswerTimeouts): Send {
  return async ({ call, url, bounds, headers, body }) => {
    const timeout = AbortSignal.timeout(timeouts[call.kind]);
    // A write that has been sent is left to finish even when the deployment is cancelled: its outcome would be unknown.
    const cancel = call.kind === "read" ? bounds.signal : undefined;
    const signal = cancel === undefined ? timeout : AbortSignal.any([timeout, cancel]);
    let response: Response;
    try {
      const send = await fetchTo(url);
      response = await send(url, { method: call.method, headers, body: body ?? null, redirect: "manual", signal });
    } catch (error) {
      throw failureOf(error, timeout, cancel);
    }
    const received = { status: response.status, headers: response.headers };
    try {
      const text = await response.text();
      // Decompression that ends too early yields nothing instead of failing; no service compresses an empty body.
      const isCutShort = text === "" && response.headers.has("content-encoding") && response.status === 200;
      return { ...received, text: isCutShort ? undefined : text };
    } catch (error) {
      const failure = failureOf(error, timeout, cancel);
      if (failure.reason !== "broken") {
        throw failure;
      }
      // The status has arrived and the body is broken: an answer all the same, only not a readable one.
      return { ...received, text: undefined };
    }
  };
}

/** The proxy between here and the services: the one of HTTPS_PROXY, which Node's own `fetch` does not heed by itself. */

/**
 * Host and port of the proxy that the environment names for https; undefined where it names none. Hosts that NO_PROXY lists are reached
 * without it.
 */
export function proxyNamed(): string | undefined {
  const named = process.env.https_proxy ?? process.env.HTTPS_PROXY ?? "";
  if (named.trim() === "") {
    return undefined;
  }
  // A proxy's address may hold a password.
  return URL.canParse(named) ? new URL(named).host : "an address that is not a URL";
}

let proxied: Promise<typeof fetch> | undefined;

/**
 * What sends a request to this address: Node's `fetch`, or the same by way of the proxy.
 *
 * A local tenant on this machine is spoken to without TLS, and so without a proxy. `@azure/identity` heeds the same variables itself.
 *
 * @throws TypeError when the address of the proxy is no URL.
 */
export async function fetchTo(url: string): Promise<typeof fetch> {
  if (!url.startsWith("https:") || proxyNamed() === undefined) {
    return fetch;
  }
  proxied ??= import("undici").then((undici) => {
    const dispatcher = new undici.EnvHttpProxyAgent();
    // The types of undici's own fetch and of Node's are two copies of one.
    const send = undici.fetch as unknown as (input: unknown, init: object) => Promise<Response>;
    return (input, init) => send(input, { ...init, dispatcher });
  });
  return proxied;
}

/** One request, as it is told. */
interface TraceLine {
  /** ISO 8601, when it was sent. */
  time: string;
  service: Service;
  kind: Call["kind"];
  method: Call["method"];
  /** Host, path and query. */
  url: string;
  /** Exchange cmdlet. */
  cmdlet?: string;
  action: string;
  /** From 1; more than that is a repetition. */
  attempt: number;
  /** HTTP status; missing when no answer came. */
  status?: number;
  /** Why no answer came: `ECONNREFUSED`. */
  failure?: string;
  /** Milliseconds from sending to the end of the answer. */
  duration: number;
  /** Milliseconds of it in which Exchange held the request back, because there were too many ("Micro delay applied"). */
  delayed?: number;
  clientRequestId: string;
  requestId?: string;
}

/** Takes trace lines. Must not throw. */
export type TraceSink = (line: TraceLine) => void;

/** One request and what came back, bodies included. */
export interface Exchanged {
  /** The very object that was handed to the pipeline: a repetition has the same one. */
  call: Call;
  url: string;
  /** Undefined when no answer came. */
  received: Received | undefined;
}

/** Takes whole requests and answers. They hold personal data and must be redacted before they are kept. Must not throw. */
export type Witness = (exchanged: Exchanged) => void;

/** A sink that appends one JSON line a request to a file. Where that fails, tracing ends and work goes on. */
export function traceToFile(path: string): TraceSink {
  let isBroken = false;
  return (line) => {
    if (isBroken) {
      return;
    }
    try {
      appendFileSync(path, `${JSON.stringify(line)}\n`);
    } catch {
      isBroken = true;
    }
  };
}

/** Gives every request its `client-request-id` and tells of it. */
export function tracing(sinks: readonly TraceSink[], witness: Witness | undefined, next: Send): Send {
  return async (outgoing) => {
    const { call, url } = outgoing;
    const clientRequestId = randomUUID();
    const started = Date.now();
    let received: Received | undefined;
    let failure: string | undefined;
    try {
      received = { ...(await next(withHeader(outgoing, "client-request-id", clientRequestId))), clientRequestId };
      return received;
    } catch (error) {
      failure = "failed";
      if (error instanceof TransportFailure) {
        failure = `${error.reason} ${error.code}`;
        error.clientRequestId = clientRequestId;
      }
      throw error;
    } finally {
      const duration = Date.now() - started;
      if (sinks.length > 0) {
        const line = { ...lineOf(outgoing, received), ...(failure === undefined ? {} : { failure }) };
        tell(sinks, { time: new Date(started).toISOString(), ...line, duration, clientRequestId });
      }
      witness?.({ call, url, received });
    }
  };
}

function tell(sinks: readonly TraceSink[], line: TraceLine): void {
  for (const sink of sinks) {
    sink(line);
  }
}

/** What a request and its answer are told by. */
function lineOf(
  { call, url, attempt }: Outgoing,
  received: Received | undefined,
): Omit<TraceLine, "time" | "duration" | "clientRequestId"> {
  const delayed = call.service === "exchange" ? delayIn(received?.text ?? "") : 0;
  const requestId = received?.headers.get("request-id") ?? received?.headers.get("x-ms-service-request-id");
  return {
    service: call.service,
    kind: call.kind,
    method: call.method,
    url: redact(url),
    ...(call.cmdlet === undefined ? {} : { cmdlet: call.cmdlet }),
    action: redact(call.action),
    attempt,
    ...(received === undefined ? {} : { status: received.status }),
    ...(delayed === 0 ? {} : { delayed }),
    ...(requestId === null || requestId === undefined ? {} : { requestId }),
  };
}
