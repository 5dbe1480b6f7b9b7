/** What travels down the chain of one call, and its last link: it sends one request over the network and reads the whole answer. */

import { isNativeError } from "node:util/types";
import type { Call, CallContext } from "./call";
import { fetchTo } from "./proxy";
import type { Received } from "./refusal";

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
  const { code, errors } = error as { code?: unknown; errors?: unknown };
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
  const { message, code, cause } = error as { message?: unknown; code?: unknown; cause?: unknown };
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
