/**
 * Decides what happens after each attempt. The one rule that matters: a read may be repeated always, a write only when
 * it is certain that nothing happened. Neither Exchange nor Graph knows idempotency keys, and a repeated creation
 * makes a twin.
 */
import { type Answer, cancelled, type Outgoing, proxyNamed, type Send, TransportFailure, wait } from "./call";
import { ProviderError, TimeoutError, UnknownOutcomeError, UnreachableError } from "./errors";
import { parseBody, type Received, saysFailed, serviceErrorOf } from "./parse";

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
  | { is: "done"; answer: Answer }
  | { is: "again"; backoff: Backoff; hint: number | undefined; error: Error }
  | { is: "failed"; error: Error };

const OBSERVE =
  "It may or may not have taken effect. Nothing is lost: the next `pulumi up` looks at what is there and finishes the work.";

function failed(error: Error): Verdict {
  return { is: "failed", error };
}

function unknownOutcome(
  { call: { action } }: Outgoing,
  { clientRequestId }: Pick<Received, "clientRequestId">,
  words: string,
  cause: unknown,
): UnknownOutcomeError {
  return new UnknownOutcomeError({ action, words, clientRequestId, nextStep: OBSERVE, cause });
}

function unreachable({ call, url, hostSetting }: Outgoing, failure: TransportFailure): UnreachableError {
  const { host } = new URL(url);
  const words =
    failure.reason === "untrusted"
      ? `the certificate of ${host} is not trusted (${failure.code})`
      : failure.reason === "broken"
        ? `the connection to ${host} broke (${failure.code})`
        : `${host} cannot be reached (${failure.code})`;
  const named = url.startsWith("https:") ? proxyNamed() : undefined;
  const proxy = named === undefined ? "" : `: HTTPS_PROXY leads through ${named}`;
  const nextStep =
    failure.reason === "untrusted"
      ? "Where a proxy or a local tenant has a certificate of its own, name its file in the environment variable NODE_EXTRA_CA_CERTS."
      : `The host comes from ${hostSetting}; check it, and the network on the way there${proxy}.`;
  return new UnreachableError({ action: call.action, words, nextStep, host, cause: failure.cause });
}

function judgeFailure(outgoing: Outgoing, failure: TransportFailure, policy: RetryPolicy): Verdict {
  const { call } = outgoing;
  if (failure.reason === "cancelled") {
    return failed(cancelled(call.action));
  }
  if (failure.reason === "untrusted") {
    return failed(unreachable(outgoing, failure));
  }
  if (!failure.wasSent) {
    return { is: "again", backoff: policy.unreachable, hint: undefined, error: unreachable(outgoing, failure) };
  }
  if (call.kind === "write") {
    const words = failure.reason === "timeout" ? "no answer came in time" : `the connection broke (${failure.code})`;
    return failed(unknownOutcome(outgoing, failure, words, failure.cause));
  }
  const error =
    failure.reason === "timeout"
      ? new TimeoutError({
          action: call.action,
          words: `${new URL(outgoing.url).host} gave no answer in time`,
          requestId: failure.clientRequestId,
          nextStep: "Run `pulumi up` again.",
        })
      : unreachable(outgoing, failure);
  return { is: "again", backoff: policy.transient, hint: undefined, error };
}

function judgeRefusal(outgoing: Outgoing, received: Received, policy: RetryPolicy): Verdict {
  const { call } = outgoing;
  const error = serviceErrorOf(call, received);
  if (error.class === "throttled") {
    return { is: "again", backoff: policy.throttled, hint: error.retryAfter, error };
  }
  if (error.class !== "transient") {
    return failed(error);
  }
  if (error.outcomeUnknown) {
    return failed(unknownOutcome(outgoing, received, error.message.replace(`${call.action}: `, ""), error));
  }
  return { is: "again", backoff: policy.transient, hint: error.retryAfter, error };
}

function judgeAnswer(outgoing: Outgoing, received: Received, policy: RetryPolicy): Verdict {
  const { call, url, hostSetting } = outgoing;
  const { status, headers, clientRequestId } = received;
  if (status >= 400) {
    return judgeRefusal(outgoing, received, policy);
  }
  if (status >= 300 && status !== 304) {
    const words = `${new URL(url).host} answers with a redirect (HTTP ${status}), which is not followed`;
    return failed(new ProviderError({ action: call.action, words, nextStep: `Check ${hostSetting}.` }));
  }
  const parsed = parseBody(call.service, received);
  if (parsed.isReadable) {
    // An error under a status of success has been met in production (ScubaGear guards against it).
    if (saysFailed(call.service, parsed.body)) {
      return judgeRefusal(outgoing, received, policy);
    }
    const requestId = headers.get("request-id") ?? headers.get("x-ms-service-request-id");
    return { is: "done", answer: { status, headers, body: parsed.body, ...(requestId === null ? {} : { requestId }) } };
  }
  // Exchange has been seen to say "not now" in plain text under a status of success.
  const asRefusal = serviceErrorOf(call, received);
  if (asRefusal.class === "throttled") {
    return { is: "again", backoff: policy.throttled, hint: asRefusal.retryAfter, error: asRefusal };
  }
  if (call.kind === "write") {
    return failed(unknownOutcome(outgoing, received, parsed.reason, undefined));
  }
  const error = new ProviderError({ action: call.action, words: parsed.reason, requestId: clientRequestId });
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

/**
 * Repeats what may be repeated; everything else becomes an error that says what is known.
 *
 * @throws ServiceError for a status of 400 and above. UnknownOutcomeError for a write that may have taken effect. UnreachableError,
 *   TimeoutError, CancelledError when there was no answer and a write was never sent.
 * @param onThrottled told when a call begins to wait because its service has too much to do: when it goes on, in epoch milliseconds.
 */
export function retrying(
  policy: RetryPolicy,
  next: Send,
  onThrottled: (until: number) => void = () => undefined,
): (outgoing: Omit<Outgoing, "attempt">) => Promise<Answer> {
  return async (outgoing) => {
    const { bounds, call } = outgoing;
    const failures = new Map<Backoff, number>();
    for (let attempt = 1; ; attempt += 1) {
      const verdict = await verdictOn({ ...outgoing, attempt }, next, policy);
      if (verdict.is === "done") {
        return verdict.answer;
      }
      if (verdict.is === "failed") {
        throw verdict.error;
      }
      const made = (failures.get(verdict.backoff) ?? 0) + 1;
      failures.set(verdict.backoff, made);
      const delay = delayOf(verdict.backoff, made, verdict.hint, Math.random());
      if (made >= verdict.backoff.attempts || Date.now() + delay >= bounds.deadline) {
        throw verdict.error;
      }
      if (verdict.backoff === policy.throttled) {
        onThrottled(Date.now() + delay);
      }
      await wait(delay, bounds.signal, call.action);
    }
  };
}

async function verdictOn(outgoing: Outgoing, next: Send, policy: RetryPolicy): Promise<Verdict> {
  let received: Received;
  try {
    received = await next(outgoing);
  } catch (error) {
    if (error instanceof TransportFailure) {
      return judgeFailure(outgoing, error, policy);
    }
    throw error;
  }
  return judgeAnswer(outgoing, received, policy);
}
