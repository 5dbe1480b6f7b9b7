/**
 * The one way to the three services: Microsoft's Graph client with middleware of our own.
 *
 * The links, outermost first: retry, pace, authenticate, trace, send. Pacing and signing in are inside the repetition,
 * so that a call that waits before its next attempt holds no place in the queue, and goes out with a fresh token.
 */
/** Adds the token of the service, and gets a new one once when the service refuses it. */
import { Client, type Context, ResponseType } from "@microsoft/microsoft-graph-client";
import { CLOUD_ENDPOINTS, type Cloud, type Endpoints } from "../configuration/clouds";
import type { Configuration } from "../configuration/configuration";
import {
  type Answer,
  APPLICATION,
  type Call,
  type CallContext,
  CONNECTION_ID,
  cancelled,
  type TokenSource,
} from "./call";
import { ProviderError } from "./errors";
import { CEILINGS, type Ceilings, Pace } from "./pace";
import { parseBody } from "./parse";
import { rememberSecretsOf } from "./redact";
import { RETRY_POLICY, Retry, type RetryPolicy } from "./retry";
import { type RequestCounts, Trace, type TraceSink, traceToFile, type Witness } from "./trace";
import { ANSWER_TIMEOUTS, type AnswerTimeouts, Link, Send, Sending, setHeader } from "./transport";

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
  /** Requests in flight at a time; see {@link CEILINGS}. */
  ceilings?: Partial<Ceilings>;
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
  readonly #options: PipelineOptions;
  readonly #client: Client;
  readonly #trace: Trace;

  constructor(options: PipelineOptions) {
    this.#options = options;
    const file = process.env.MAILBOXES_TRACE;
    this.#trace = new Trace(
      [
        ...(options.trace === undefined ? [] : [options.trace]),
        ...(file === undefined || file === "" ? [] : [traceToFile(file)]),
      ],
      options.witness,
    );
    this.#client = Client.initWithMiddleware({
      middleware: [
        new Retry({ ...RETRY_POLICY, ...options.retry }),
        new Pace({ ...CEILINGS, ...options.ceilings }),
        new Authenticate(options.tokens),
        this.#trace,
        new Send({ ...ANSWER_TIMEOUTS, ...options.timeouts }),
      ],
      baseUrl: `${options.endpoints.graph}/`,
      customHosts: new Set(Object.values(options.endpoints).map((origin) => new URL(origin).hostname)),
    });
  }

  /** Origin of the Exchange admin API, for requests that name others by their whole address. */
  get exchangeOrigin(): string {
    return this.#options.endpoints.exchange;
  }

  /** How many requests were sent so far, repetitions included. */
  get counts(): RequestCounts {
    return structuredClone(this.#trace.counts);
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
    const sending = new Sending(call, this.#urlOf(call), context, this.#settingOf(call));
    await this.#through(sending);
    const { received } = sending;
    const parsed = received === undefined ? undefined : parseBody(call.service, received);
    if (received === undefined || parsed?.isReadable !== true) {
      throw new ProviderError({ action: call.action, words: "the request ended without an answer" });
    }
    const requestId = received.headers.get("request-id") ?? received.headers.get("x-ms-service-request-id");
    return {
      status: received.status,
      headers: received.headers,
      body: parsed.body,
      ...(requestId === null ? {} : { requestId }),
    };
  }

  async #through(sending: Sending): Promise<void> {
    const { call } = sending;
    const request = this.#client
      .api("/")
      .headers(headersOf(call))
      .responseType(ResponseType.RAW)
      .middlewareOptions([sending]);
    const body = call.body === undefined ? undefined : JSON.stringify(call.body);
    try {
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
        case "PUT":
          await request.put(body);
          break;
        case "DELETE":
          await request.delete();
          break;
      }
    } catch (error) {
      // The Graph client wraps every error that leaves the chain in one of its own, and drops the original.
      throw sending.failure ?? error;
    }
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

/** Signs every request in. A 401 proves that nothing happened, so that writes are sent again as well. */
export class Authenticate extends Link {
  readonly #tokens: TokenSource;

  constructor(tokens: TokenSource) {
    super();
    this.#tokens = tokens;
  }

  async execute(context: Context): Promise<void> {
    const sending = Sending.of(context);
    await this.#forwardWith(context, sending, false);
    if (sending.received?.status === 401) {
      await this.#forwardWith(context, sending, true);
    }
  }

  async #forwardWith(context: Context, sending: Sending, forceRefresh: boolean): Promise<void> {
    const { call, bounds } = sending;
    const token = await this.#tokens.token(call.service, {
      forceRefresh,
      signal: bounds.signal,
      ...(call.base === undefined ? {} : { environmentUrl: call.base }),
    });
    setHeader(context, "Authorization", `Bearer ${token}`);
    sending.received = undefined;
    await this.forward(context);
  }
}
