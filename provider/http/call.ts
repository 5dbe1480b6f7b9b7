/** The plain data that travels through the pipeline, and waiting that a cancelled deployment ends at once. */

import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { CancelledError, type Service } from "./errors";
import { mapOf } from "./json";

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
