/**
 * Decides what happens after each attempt. The one rule that matters: a read may be repeated always, a write only when
 * it is certain that nothing happened. Neither Exchange nor Graph knows idempotency keys, and a repeated creation
 * makes a twin.
 */
import type { Context } from "@microsoft/microsoft-graph-client";
import type { Call } from "./call";
import { cancelled, wait } from "./call";
import { ProviderError, type ServiceError, TimeoutError, UnknownOutcomeError, UnreachableError } from "./errors";
import { parseBody, serviceErrorOf } from "./parse";
import { saysFailed } from "./refusal";
import { Link, Sending, TransportFailure } from "./transport";

/** How one kind of failure is repeated. All times in milliseconds. */
export interface Backoff {
  /** The first wait; each later one is twice as long. */
  first: number;
  /** The longest wait. */
  longest: number;
  /** Attempts in all. `Infinity`: only the call's deadline ends it. */
  attempts: number;
}

/** The whole policy, as data. */
export interface RetryPolicy {
  /** The service asks for patience; its `Retry-After` counts before these waits. */
  throttled: Backoff;
  /** Faults that pass: 500, 502, 503, 504, broken connections. Reads only, but for a 503 with `Retry-After`. */
  transient: Backoff;
  /** The host cannot be reached: a name server that is slow, a proxy that restarts. */
  unreachable: Backoff;
}

/** What is done where nothing else is said. */
export const RETRY_POLICY: RetryPolicy = {
  throttled: { first: 2_000, longest: 60_000, attempts: Number.POSITIVE_INFINITY },
  transient: { first: 500, longest: 15_000, attempts: 6 },
  unreachable: { first: 500, longest: 4_000, attempts: 4 },
};

/** A `Retry-After` of nothing at all must not become a tight loop. */
const SHORTEST_WAIT = 20;

/** What is to be done: hand the answer on, try again, or fail. */
type Verdict =
  | { is: "done" }
  | { is: "again"; backoff: Backoff; hint: number | undefined; error: Error }
  | { is: "failed"; error: Error };

const OBSERVE =
  "It may or may not have taken effect. Nothing is lost: the next `pulumi up` looks at what is there and finishes the work.";

function failed(error: Error): Verdict {
  return { is: "failed", error };
}

function unknownOutcome(sending: Sending, words: string, cause: unknown): UnknownOutcomeError {
  return new UnknownOutcomeError({
    action: sending.call.action,
    words,
    clientRequestId: sending.clientRequestId,
    nextStep: OBSERVE,
    cause,
  });
}

function unreachable(sending: Sending, failure: TransportFailure): UnreachableError {
  const { host } = new URL(sending.url);
  const words =
    failure.reason === "untrusted"
      ? `the certificate of ${host} is not trusted (${failure.code})`
      : failure.reason === "broken"
        ? `the connection to ${host} broke (${failure.code})`
        : `${host} cannot be reached (${failure.code})`;
  const nextStep =
    failure.reason === "untrusted"
      ? "Where a proxy or a local tenant has a certificate of its own, name its file in the environment variable NODE_EXTRA_CA_CERTS."
      : `The host comes from ${sending.hostSetting}; check it, and the network on the way there.`;
  return new UnreachableError({ action: sending.call.action, words, nextStep, host, cause: failure.cause });
}

function judgeFailure(sending: Sending, failure: TransportFailure, policy: RetryPolicy): Verdict {
  const { call } = sending;
  if (failure.reason === "cancelled") {
    return failed(cancelled(call.action));
  }
  if (failure.reason === "untrusted") {
    return failed(unreachable(sending, failure));
  }
  if (!failure.wasSent) {
    return { is: "again", backoff: policy.unreachable, hint: undefined, error: unreachable(sending, failure) };
  }
  if (call.kind === "write") {
    const words = failure.reason === "timeout" ? "no answer came in time" : `the connection broke (${failure.code})`;
    return failed(unknownOutcome(sending, words, failure.cause));
  }
  const error =
    failure.reason === "timeout"
      ? new TimeoutError({
          action: call.action,
          words: `${new URL(sending.url).host} gave no answer in time`,
          requestId: sending.clientRequestId,
          nextStep: "Run `pulumi up` again.",
        })
      : unreachable(sending, failure);
  return { is: "again", backoff: policy.transient, hint: undefined, error };
}

function judgeRefusal(call: Call, error: ServiceError, policy: RetryPolicy, sending: Sending): Verdict {
  if (error.class === "throttled") {
    return { is: "again", backoff: policy.throttled, hint: error.retryAfter, error };
  }
  if (error.class !== "transient") {
    return failed(error);
  }
  if (error.outcomeUnknown) {
    return failed(unknownOutcome(sending, error.message.replace(`${call.action}: `, ""), error));
  }
  return { is: "again", backoff: policy.transient, hint: error.retryAfter, error };
}

function judge(sending: Sending, failure: TransportFailure | undefined, policy: RetryPolicy): Verdict {
  const { call, received } = sending;
  if (failure !== undefined) {
    return judgeFailure(sending, failure, policy);
  }
  if (received === undefined) {
    return failed(new ProviderError({ action: call.action, words: "the request ended without an answer" }));
  }
  if (received.status >= 400) {
    return judgeRefusal(call, serviceErrorOf(call, received, sending.clientRequestId), policy, sending);
  }
  if (received.status >= 300 && received.status !== 304) {
    const words = `${new URL(sending.url).host} answers with a redirect (HTTP ${received.status}), which is not followed`;
    return failed(new ProviderError({ action: call.action, words, nextStep: `Check ${sending.hostSetting}.` }));
  }
  const parsed = parseBody(call.service, received);
  if (parsed.isReadable) {
    // An error under a status of success has been met in production (ScubaGear guards against it).
    return saysFailed(call.service, parsed.body)
      ? judgeRefusal(call, serviceErrorOf(call, received, sending.clientRequestId), policy, sending)
      : { is: "done" };
  }
  // Exchange has been seen to say "not now" in plain text under a status of success.
  const asRefusal = serviceErrorOf(call, received, sending.clientRequestId);
  if (asRefusal.class === "throttled") {
    return { is: "again", backoff: policy.throttled, hint: asRefusal.retryAfter, error: asRefusal };
  }
  if (call.kind === "write") {
    return failed(unknownOutcome(sending, parsed.reason, undefined));
  }
  const error = new ProviderError({ action: call.action, words: parsed.reason, requestId: sending.clientRequestId });
  return { is: "again", backoff: policy.transient, hint: undefined, error };
}

/**
 * How long to wait before the next attempt: what the service asks for, else exponential with jitter, so that many
 * resources do not come back in the same instant.
 *
 * @param attempt The attempt that has just failed, from 1.
 * @param random A number in [0, 1).
 */
export function delayOf(backoff: Backoff, attempt: number, hint: number | undefined, random: number): number {
  if (hint !== undefined) {
    return Math.max(hint, SHORTEST_WAIT);
  }
  const full = Math.min(backoff.longest, backoff.first * 2 ** (attempt - 1));
  return full / 2 + (full / 2) * random;
}

/** Repeats what may be repeated; everything else becomes an error that says what is known. */
export class Retry extends Link {
  readonly #policy: RetryPolicy;

  constructor(policy: RetryPolicy) {
    super();
    this.#policy = policy;
  }

  async execute(context: Context): Promise<void> {
    const sending = Sending.of(context);
    try {
      await this.#untilSettled(context, sending);
    } catch (error) {
      sending.failure = error;
      throw error;
    }
  }

  async #untilSettled(context: Context, sending: Sending): Promise<void> {
    const { bounds, call } = sending;
    const attempts = new Map<Backoff, number>();
    for (;;) {
      sending.attempt += 1;
      sending.received = undefined;
      const verdict = judge(sending, await this.#attempt(context), this.#policy);
      if (verdict.is === "done") {
        return;
      }
      if (verdict.is === "failed") {
        throw verdict.error;
      }
      const made = (attempts.get(verdict.backoff) ?? 0) + 1;
      attempts.set(verdict.backoff, made);
      const delay = delayOf(verdict.backoff, made, verdict.hint, Math.random());
      if (made >= verdict.backoff.attempts || Date.now() + delay >= bounds.deadline) {
        throw verdict.error;
      }
      await wait(delay, bounds.signal, call.action);
    }
  }

  /** The failure of the transport, if it failed; the answer is in the `Sending` otherwise. */
  async #attempt(context: Context): Promise<TransportFailure | undefined> {
    try {
      await this.forward(context);
      return undefined;
    } catch (error) {
      if (error instanceof TransportFailure) {
        return error;
      }
      throw error;
    }
  }
}
