/** What the middleware of one call share. It travels as a middleware option of the Graph client. */
/** The last link: sends one request over the network and reads the whole answer. */

import { isNativeError } from "node:util/types";
import type { Context, Middleware, MiddlewareOptions } from "@microsoft/microsoft-graph-client";
import type { Call, CallContext } from "./call";
import type { Received } from "./refusal";

/** One call on its way: what is asked, and what has come back so far. */
export class Sending implements MiddlewareOptions {
  /** How often it was sent, this time included. */
  attempt = 0;
  /** The `client-request-id` of the latest attempt. */
  clientRequestId: string | undefined;
  /** The latest answer; undefined before the first one and after a lost one. */
  received: Received | undefined;
  /** What the call failed with, once it has. */
  failure: unknown;

  constructor(
    readonly call: Call,
    /** The absolute URL. The Graph client would parse and rebuild it, and alters some queries on the way. */
    readonly url: string,
    readonly bounds: CallContext,
    /** The setting that chose the host, for the error when it cannot be reached. */
    readonly hostSetting: string,
  ) {}

  /** The call that a request of the Graph client belongs to. */
  static of(context: Context): Sending {
    const sending = context.middlewareControl?.getMiddlewareOptions(Sending);
    if (!(sending instanceof Sending)) {
      throw new TypeError("the request did not come through the pipeline");
    }
    return sending;
  }
}

/** A link of the chain. */
export abstract class Link implements Middleware {
  #next: Middleware | undefined;

  /** Called by the Graph client when it builds the chain. */
  setNext(next: Middleware): void {
    this.#next = next;
  }

  abstract execute(context: Context): Promise<void>;

  /** Hands the request on to the next link. */
  protected async forward(context: Context): Promise<void> {
    if (this.#next === undefined) {
      throw new TypeError("the chain ends before the request is sent");
    }
    await this.#next.execute(context);
  }
}

/** Sets a header of a request in the making. */
export function setHeader(context: Context, name: string, value: string): void {
  context.options ??= {};
  const headers = new Headers(context.options.headers);
  headers.set(name, value);
  context.options.headers = headers;
}

/** Why no answer came. `wasSent` is false only when it is certain that no byte of the request left. */
export class TransportFailure extends Error {
  override readonly name = "TransportFailure";
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
  const { code, errors } = error as { code?: unknown; errors?: unknown };
  if (typeof code === "string") {
    return code;
  }
  // One error for each address of the host, all failed.
  const inner = Array.isArray(errors) ? [...errors, error.cause] : [error.cause];
  return inner.map((cause) => codeOf(cause, depth + 1)).find((found) => found !== "") ?? "";
}

function failureOf(error: unknown, timeout: AbortSignal, cancel: AbortSignal | undefined): TransportFailure {
  if (timeout.aborted) {
    return new TransportFailure(true, "timeout", "ETIMEDOUT", error);
  }
  if (cancel?.aborted === true) {
    return new TransportFailure(true, "cancelled", "ABORT_ERR", error);
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
export class Send extends Link {
  readonly #timeouts: AnswerTimeouts;

  constructor(timeouts: AnswerTimeouts) {
    super();
    this.#timeouts = timeouts;
  }

  /** @throws TransportFailure when no answer came. */
  async execute(context: Context): Promise<void> {
    const sending = Sending.of(context);
    const timeout = AbortSignal.timeout(this.#timeouts[sending.call.kind]);
    // A write that has been sent is left to finish even when the deployment is cancelled: its outcome would be unknown.
    const cancel = sending.call.kind === "read" ? sending.bounds.signal : undefined;
    const signal = cancel === undefined ? timeout : AbortSignal.any([timeout, cancel]);
    let response: Response;
    try {
      response = await fetch(sending.url, { ...context.options, redirect: "manual", signal });
    } catch (error) {
      throw failureOf(error, timeout, cancel);
    }
    const received: Received = { status: response.status, headers: response.headers, text: undefined };
    try {
      const text = await response.text();
      // Decompression that ends too early yields nothing instead of failing; no service compresses an empty body.
      const isCutShort = text === "" && response.headers.has("content-encoding") && response.status === 200;
      received.text = isCutShort ? undefined : text;
    } catch (error) {
      const failure = failureOf(error, timeout, cancel);
      if (failure.reason !== "broken") {
        throw failure;
      }
      // The status has arrived and the body is broken: an answer all the same, only not a readable one.
    }
    sending.received = received;
    context.response = response;
  }
}
