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
  type Send,
  sending,
  type TokenSource,
  type TraceSink,
  traceToFile,
  tracing,
  type Witness,
  withHeader,
} from "./call";
import { ProviderError, rememberSecretsOf } from "./errors";
import { CEILINGS, type Ceilings, FIRST, Pacing } from "./pacing";
import type { Received } from "./parse";
import { RETRY_POLICY, type RetryPolicy, retrying } from "./retry";
import { counting, Usage } from "./usage";

export type { Answer, Call, CallContext, TokenSource } from "./call";

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
    const send = sending({ ...ANSWER_TIMEOUTS, ...options.timeouts });
    this.#client = graphClient(
      options.endpoints.graph,
      retrying(
        { ...RETRY_POLICY, ...options.retry },
        this.#pacing.through(
          authenticating(options.tokens, counting(this.usage, tracing(sinks, options.witness, send))),
        ),
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
