/**
 * The one way to the three services: Microsoft's Graph client, behind which a chain of plain functions does the work.
 *
 * The links, outermost first: retry, pace, authenticate, trace, send. Pacing and signing in are inside the repetition,
 * so that a call that waits before its next attempt holds no place in the queue, and goes out with a fresh token.
 */
import { Client, type Middleware, type MiddlewareOptions, ResponseType } from "@microsoft/microsoft-graph-client";
import type { Configuration } from "../configuration/configuration";
import { CLOUD_ENDPOINTS, type Cloud, type Endpoints } from "../configuration/schema";
import {
  ANSWER_TIMEOUTS,
  type Answer,
  type AnswerTimeouts,
  APPLICATION,
  type Call,
  type CallContext,
  CONNECTION_ID,
  cancelled,
  type Outgoing,
  proxyNamed,
  type Send,
  sending,
  type TokenSource,
  type TraceSink,
  TransportFailure,
  traceToFile,
  tracing,
  type Witness,
  wait,
  withHeader,
} from "./call";
import { ProviderError, rememberSecretsOf, TimeoutError, UnknownOutcomeError, UnreachableError } from "./errors";
import { mapOf, rowsOf } from "./json";
import { CEILINGS, type Ceilings, FIRST, Pacing } from "./pacing";
import { parseBody, type Received, saysFailed, serviceErrorOf } from "./parse";

/** What a pipeline is made of. */
export interface PipelineOptions {
  /** Where the services are. */
  endpoints: Endpoints;
  /** Origin of the Dataverse environment; calls may name another one. */
  environmentUrl?: string | undefined;
  /** Default `public`. nextLinks that name this cloud's hosts are followed through `endpoints`. */
  cloud?: Cloud;
  tokens: TokenSource;
  /** Most requests in flight at a time; see {@link CEILINGS}. */
  ceilings?: Partial<Ceilings>;
  /** How many are in flight before anything is known; see {@link FIRST}. */
  first?: Partial<Ceilings>;
  /** See {@link RETRY_POLICY}. */
  retry?: Partial<RetryPolicy>;
  /** See {@link ANSWER_TIMEOUTS}. */
  timeouts?: Partial<AnswerTimeouts>;
  /** Told of every request. `MAILBOXES_TRACE=FILE` adds one that appends JSON lines to a file. */
  trace?: TraceSink;
  /** Handed every request and answer, bodies included. None by default. */
  witness?: Witness;
  /** Everything is a local tenant's: errors then name the setting that says where it is. */
  isLocal?: boolean;
}

/** The options that a configuration means. */
export function pipelineOptions(configuration: Configuration, tokens: TokenSource): PipelineOptions {
  return {
    endpoints: configuration.endpoints,
    environmentUrl: configuration.environmentUrl,
    cloud: configuration.cloud,
    ceilings: { exchange: configuration.maxConcurrency },
    isLocal: configuration.localTenant !== undefined,
    tokens,
  };
}

/** Header names of a request, compared without case. */
function withDefaults(own: Record<string, string>, defaults: Record<string, string>): Record<string, string> {
  const taken = new Set(Object.keys(own).map((name) => name.toLowerCase()));
  const missing = Object.entries(defaults).filter(([name]) => !taken.has(name.toLowerCase()));
  return { ...Object.fromEntries(missing), ...own };
}

function headersOf(call: Call): Record<string, string> {
  return withDefaults(call.headers ?? {}, {
    Accept: "application/json",
    "User-Agent": APPLICATION,
    ...(call.body === undefined ? {} : { "Content-Type": "application/json; charset=utf-8" }),
    ...(call.service === "exchange"
      ? {
          "connection-id": CONNECTION_ID,
          "X-ClientApplication": APPLICATION,
          ...(call.cmdlet === undefined ? {} : { "X-CmdletName": call.cmdlet }),
        }
      : {}),
  });
}

/** Sends calls and hands back answers; one for each provider process. */
export class Pipeline {
  /** What was asked of the services. */
  readonly usage = new Usage();
  readonly #options: PipelineOptions;
  readonly #client: Client;
  readonly #pacing: Pacing;

  constructor(options: PipelineOptions) {
    this.#options = options;
    const file = process.env.MAILBOXES_TRACE;
    const sinks = [
      ...(options.trace === undefined ? [] : [options.trace]),
      ...(file === undefined || file === "" ? [] : [traceToFile(file)]),
    ];
    const waits = (until: number): void => this.usage.waits(until);
    this.#pacing = new Pacing({ ...CEILINGS, ...options.ceilings }, { ...FIRST, ...options.first }, waits);
    const send = tracing(sinks, options.witness, sending({ ...ANSWER_TIMEOUTS, ...options.timeouts }));
    const counting: Send = (outgoing) => {
      this.usage.sent(outgoing.call);
      return send(outgoing);
    };
    this.#client = graphClient(
      options.endpoints.graph,
      retrying(
        { ...RETRY_POLICY, ...options.retry },
        this.#pacing.through(authenticating(options.tokens, counting)),
        waits,
      ),
    );
  }

  /** How many requests of a service may be in flight by now. */
  windowOf(service: "exchange" | "graph"): number {
    return this.#pacing.windowOf(service);
  }

  /** Whether Graph has asked for silence about the mailbox in whose store a path is. */
  isSilenced(path: string): boolean {
    return this.#pacing.isSilenced(path);
  }

  /** Origin of the Exchange admin API, for requests that name others by their whole address. */
  get exchangeOrigin(): string {
    return this.#options.endpoints.exchange;
  }

  /**
   * Sends one call and waits for its answer, within the bounds.
   *
   * @throws ServiceError for a status of 400 and above. UnknownOutcomeError for a write that may have taken effect.
   *   TokenError, UnreachableError, TimeoutError, CancelledError when there was no answer and a write was never sent.
   */
  async send(call: Call, context: CallContext): Promise<Answer> {
    if (context.signal.aborted) {
      throw cancelled(call.action);
    }
    rememberSecretsOf(call.body);
    const passage = new Passage({
      call,
      url: this.#urlOf(call),
      bounds: context,
      hostSetting: this.#settingOf(call),
    });
    const request = this.#client
      .api("/")
      .headers(headersOf(call))
      .responseType(ResponseType.RAW)
      .middlewareOptions([passage]);
    const body = call.body === undefined ? undefined : JSON.stringify(call.body);
    switch (call.method) {
      case "GET":
        await request.get();
        break;
      case "POST":
        await request.post(body);
        break;
      case "PATCH":
        await request.patch(body);
        break;
      case "DELETE":
        await request.delete();
        break;
    }
    if (passage.answer === undefined) {
      throw new ProviderError({ action: call.action, words: "the request was not sent" });
    }
    return passage.answer;
  }

  #baseOf(call: Call): string {
    if (call.service !== "dataverse") {
      return this.#options.endpoints[call.service];
    }
    const base = call.base ?? this.#options.environmentUrl;
    if (base === undefined) {
      throw new ProviderError({
        action: call.action,
        words: "no Dataverse environment is named",
        nextStep: "Set `mailboxes:environmentUrl` (or DATAVERSE_URL) to one like https://org.crm4.dynamics.com.",
      });
    }
    return base.replace(/\/+$/, "");
  }

  /** Only the call's own host gets its token: a nextLink to any other one is refused. */
  #urlOf(call: Call): string {
    const base = this.#baseOf(call);
    if (call.path.startsWith("/")) {
      return `${base}${call.path}`;
    }
    const own = new URL(base).origin;
    const official =
      call.service === "dataverse" ? own : CLOUD_ENDPOINTS[this.#options.cloud ?? "public"][call.service];
    const link = URL.canParse(call.path) ? new URL(call.path) : undefined;
    if (link === undefined || (link.origin !== own && link.origin !== official)) {
      throw new ProviderError({
        action: call.action,
        words: `the service points to another host (${link?.host ?? call.path}) than ${own}; that is not followed`,
      });
    }
    return `${own}${link.pathname}${link.search}`;
  }

  #settingOf(call: Call): string {
    if (this.#options.isLocal === true) {
      return "mailboxes:localTenant";
    }
    if (call.service === "dataverse") {
      return call.base === undefined ? "mailboxes:environmentUrl" : "the resource's environmentUrl";
    }
    const official = CLOUD_ENDPOINTS[this.#options.cloud ?? "public"][call.service];
    return this.#options.endpoints[call.service] === official
      ? "mailboxes:cloud"
      : `mailboxes:endpoints (${call.service})`;
  }
}

/** Signs every request in. A 401 proves that nothing happened, so that writes are sent again as well, once, with a new token. */
function authenticating(tokens: TokenSource, next: Send): Send {
  const sendWith = async (outgoing: Outgoing, forceRefresh: boolean): Promise<Received> => {
    const { service, base } = outgoing.call;
    const token = await tokens.token(service, {
      forceRefresh,
      signal: outgoing.bounds.signal,
      ...(base === undefined ? {} : { environmentUrl: base }),
    });
    return next(withHeader(outgoing, "authorization", `Bearer ${token}`));
  };
  return async (outgoing) => {
    const received = await sendWith(outgoing, false);
    return received.status === 401 ? sendWith(outgoing, true) : received;
  };
}

/**
 * One call on its way through the Graph client. The client would parse and rebuild the URL, and alters some queries on the way; it
 * wraps every error in one of its own and drops the original. So both travel beside it.
 */
class Passage implements MiddlewareOptions {
  answer: Promise<Answer> | undefined;
  constructor(readonly call: Omit<Outgoing, "headers" | "body" | "attempt">) {}
}

/** The Graph client with one middleware: what it makes of a request leaves through `send`. */
function graphClient(origin: string, send: (outgoing: Omit<Outgoing, "attempt">) => Promise<Answer>): Client {
  const door: Middleware = {
    async execute({ middlewareControl, options }) {
      const passage = middlewareControl?.getMiddlewareOptions(Passage);
      if (!(passage instanceof Passage)) {
        throw new TypeError("the request did not come through the pipeline");
      }
      const headers = Object.fromEntries(new Headers(options?.headers));
      const body = typeof options?.body === "string" ? options.body : undefined;
      passage.answer = send({ ...passage.call, headers, body });
      await passage.answer.catch(() => undefined);
    },
  };
  return Client.initWithMiddleware({ middleware: [door], baseUrl: `${origin}/` });
}

/** How one kind of failure is repeated. All times in milliseconds. */
interface Backoff {
  /** The first wait; each later one is twice as long. */
  first: number;
  /** The longest wait. */
  longest: number;
  /** Attempts in all. `Infinity`: only the call's deadline ends it. */
  attempts: number;
}

/**
 * What happens after an attempt that failed, as data. The one rule that matters: a read may be repeated always, a write only when it is
 * certain that nothing happened. Neither Exchange nor Graph knows idempotency keys, and a repeated creation makes a twin.
 */
interface RetryPolicy {
  /** The service asks for patience; its `Retry-After` counts before these waits. */
  throttled: Backoff;
  /** Faults that pass: 500, 502, 503, 504, broken connections. Reads only, but for a 503 with `Retry-After`. */
  transient: Backoff;
  /** The host cannot be reached: a name server that is slow, a proxy that restarts. */
  unreachable: Backoff;
}

/** What is done where nothing else is said. */
const RETRY_POLICY: RetryPolicy = {
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
function retrying(
  policy: RetryPolicy,
  next: Send,
  onThrottled: (until: number) => void,
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

/** What a process has asked of the services so far, sign-in left out. */
export class Usage {
  /** Over the wire, repetitions included; a `$batch` is one. */
  requests = 0;
  /** Of Exchange; those of a `$batch` one by one. */
  cmdlets = 0;
  /** Reads that somebody asked for, of what is read for several at a time. */
  reads = 0;
  /** Requests of Exchange and Graph that read. */
  #readRequests = 0;
  #throttled = 0;
  #throttledUntil = 0;

  /** Counts a request. */
  sent({ service, kind, body }: Pick<Call, "service" | "kind" | "body">): void {
    this.requests += 1;
    if (service === "exchange") {
      this.cmdlets += rowsOf(mapOf(body).requests)?.length ?? 1;
    }
    if (kind === "read" && service !== "dataverse") {
      this.#readRequests += 1;
    }
  }

  /** Notes that calls wait because a service has too much to do. Waits at the same time count once. @param until epoch milliseconds. */
  waits(until: number): void {
    const from = Math.max(Date.now(), this.#throttledUntil);
    if (until > from) {
      this.#throttled += until - from;
      this.#throttledUntil = until;
    }
  }

  /** Milliseconds in which calls waited so. */
  get throttled(): number {
    return this.#throttled - Math.max(0, this.#throttledUntil - Date.now());
  }

  /** How many requests more it would have taken to read each thing by itself. */
  get saved(): number {
    return Math.max(0, this.reads - this.#readRequests);
  }
}

/** What was asked, in one line for people; undefined where nothing was. */
export function summaryOf({ requests, cmdlets, throttled, saved }: Usage): string | undefined {
  if (requests === 0) {
    return undefined;
  }
  const counted = (count: number, what: string): string =>
    `${count.toLocaleString("en-US")} ${what}${count === 1 ? "" : "s"}`;
  const seconds = (throttled / 1000).toLocaleString("en-US", { maximumFractionDigits: throttled < 10_000 ? 1 : 0 });
  const asked = `${counted(requests, "request")}, ${counted(cmdlets, "cmdlet")}, throttled for ${seconds} s`;
  return `mailboxes: ${asked}; shared reads saved ${counted(saved, "request")}`;
}
