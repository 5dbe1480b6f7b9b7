import { readFileSync } from "node:fs";
import type { Configuration } from "../configuration/configuration";
import type { Call, CallContext, Exchanged, Service, TokenSource } from "../http/call";
import { createTokenSource, githubActionsToken, scopeOf } from "../http/credentials";
import { isServiceError, isUnknownOutcome, rememberSecret } from "../http/errors";
import { isObject, mapOf, type Row, rowsOf } from "../http/json";
import type { Received } from "../http/parse";
import { Pipeline, type PipelineOptions, pipelineOptions } from "../http/pipeline";
import type { Ground } from "./made";
import type { Recording } from "./record";

/** An answer, refusals included. */
export interface Reply {
  status: number;
  headers: Headers;
  /** Parsed JSON; undefined where there is none. */
  body: Json | undefined;
  /** The body as it came. */
  text: string;
}

/** A JSON object of a service. */
export type Json = Row;

/** Longest time one request may take with its repetitions, in milliseconds. */
const PATIENCE = 10 * 60_000;

/** Files with what an application proves itself with. */
interface Proofs {
  /** A certificate of it with its key, in PEM. */
  certificate?: string;
  /** A token of its federated credential. */
  federatedToken?: string;
}

/** What may be said with a request. */
interface Extra {
  headers?: Record<string, string>;
  /** Sent as it is instead of with a valid token. */
  token?: string;
}

/**
 * The three services and the sign-in, asked plainly: every answer is handed back, whatever its status. Signing in, patience with a
 * throttled service and repeated reads are the provider's own; everything is noted in the record.
 */
export class Wire {
  readonly tenantId: string;
  readonly #configuration: Configuration;
  readonly #recording: Recording;
  readonly #tokens: TokenSource;
  readonly #pipeline: Pipeline;
  readonly #signal: AbortSignal;
  readonly #proofs: Proofs;
  /** What came back for each call, also for those on their way at the same time. */
  readonly #exchanged = new WeakMap<Call, Exchanged>();

  /**
   * @param tenantId the tenant's id, as it stands in tokens.
   * @param proofs by default those that the application signs in with.
   */
  constructor(
    configuration: Configuration,
    tenantId: string,
    recording: Recording,
    signal: AbortSignal,
    proofs: Proofs = {},
  ) {
    this.tenantId = tenantId;
    this.#configuration = configuration;
    this.#recording = recording;
    this.#signal = signal;
    this.#proofs = proofs;
    this.#tokens = createTokenSource(configuration);
    this.#pipeline = this.#pipelineWith(this.#tokens);
  }

  /** The same services for work that an abort must not end: clean-up. */
  withSignal(signal: AbortSignal): Wire {
    return new Wire(this.#configuration, this.tenantId, this.#recording, signal, this.#proofs);
  }

  /** The Dataverse environment, for the journal; undefined for a local tenant's, whose address changes from run to run. */
  get environmentUrl(): string | undefined {
    return this.#configuration.localTenant === undefined ? this.#configuration.environmentUrl : undefined;
  }

  /** Origin of the Exchange admin API. */
  get exchangeOrigin(): string {
    return this.#configuration.endpoints.exchange;
  }

  #pipelineWith(tokens: TokenSource, options: Partial<PipelineOptions> = {}): Pipeline {
    return new Pipeline({
      ...pipelineOptions(this.#configuration, tokens),
      // A probe wants to see a refusal, not to wait until it passes; a write is never repeated anyway.
      retry: { transient: { first: 500, longest: 2_000, attempts: 3 } },
      ...options,
      witness: (exchanged) => {
        this.#exchanged.set(exchanged.call, exchanged);
        this.#recording.note(exchanged.call, exchanged.url, exchanged.received);
      },
    });
  }

  /** One routing hint for a whole run: whatever is read was written by way of the same servers. */
  get #anchor(): Record<string, string> {
    return { "X-AnchorMailbox": `APP:SystemMailbox{bb558c35-97f1-4cb9-8ff7-d53741dc928c}@${this.tenantId}` };
  }

  /** Runs a cmdlet. */
  cmdlet(name: string, parameters: Json = {}, extra: Extra = {}): Promise<Reply> {
    return this.send(
      {
        service: "exchange",
        method: "POST",
        path: `/adminapi/beta/${this.tenantId}/InvokeCommand`,
        kind: name.startsWith("Get-") ? "read" : "write",
        action: `asking ${name}`,
        cmdlet: name,
        headers: { "X-CmdletName": name, ...extra.headers },
        body: { CmdletInput: { CmdletName: name, Parameters: parameters } },
      },
      extra.token,
    );
  }

  /** Asks Microsoft Graph v1.0; `path` begins behind the version. */
  graph(method: Call["method"], path: string, body?: unknown, extra: Extra = {}): Promise<Reply> {
    return this.#plain("graph", method, `/v1.0${path}`, body, extra);
  }

  /** Asks Dataverse's Web API v9.2; `path` begins behind the version. */
  dataverse(method: Call["method"], path: string, body?: unknown, extra: Extra = {}): Promise<Reply> {
    return this.#plain("dataverse", method, `/api/data/v9.2${path}`, body, {
      ...extra,
      headers: { "OData-Version": "4.0", "OData-MaxVersion": "4.0", ...extra.headers },
    });
  }

  #plain(service: Service, method: Call["method"], path: string, body: unknown, extra: Extra): Promise<Reply> {
    return this.send(
      {
        service,
        method,
        path,
        kind: method === "GET" ? "read" : "write",
        action: `asking ${service === "graph" ? "Microsoft Graph" : "Dataverse"}`,
        ...(extra.headers === undefined ? {} : { headers: extra.headers }),
        ...(body === undefined ? {} : { body }),
      },
      extra.token,
    );
  }

  /**
   * Sends any request.
   *
   * @throws ProviderError when no answer came at all.
   */
  async send(call: Call, token?: string): Promise<Reply> {
    const pipeline = token === undefined ? this.#pipeline : this.#pipelineWith({ token: async () => token });
    const headers = { ...(call.service === "exchange" ? this.#anchor : {}), ...call.headers };
    return this.#through(pipeline, { ...call, headers });
  }

  /** The same read of Dataverse many times at once, without patience. */
  burst(path: string, count: number): Promise<Reply[]> {
    const pipeline = this.#pipelineWith(this.#tokens, {
      ceilings: { dataverse: count },
      first: { dataverse: count },
      retry: { throttled: { first: 1, longest: 1, attempts: 1 } },
    });
    const reads = Array.from({ length: count }, () =>
      this.#through(pipeline, { service: "dataverse", method: "GET", path, kind: "read", action: "asking Dataverse" }),
    );
    return Promise.all(reads);
  }

  async #through(pipeline: Pipeline, call: Call): Promise<Reply> {
    const bounds: CallContext = { signal: this.#signal, deadline: Date.now() + PATIENCE };
    try {
      await pipeline.send(call, bounds);
    } catch (error) {
      const isRefusal = isServiceError(error) || isUnknownOutcome(error);
      if (!isRefusal || this.#exchanged.get(call)?.received === undefined) {
        throw error;
      }
    }
    const received = this.#exchanged.get(call)?.received;
    if (received === undefined) {
      throw new Error("the request ended without an answer");
    }
    return replyOf(received);
  }

  /**
   * What an assertion of the application's certificate is made of. Only where there is a certificate.
   *
   * @throws Unprepared otherwise.
   */
  certificate(): { clientId: string; certificatePath: string; audience: string; scope: string } {
    const { credential, endpoints, cloud } = this.#configuration;
    const path =
      this.#proofs.certificate ?? (credential.kind === "certificate" ? credential.certificatePath : undefined);
    const scope = scopeOf("graph", cloud, undefined);
    if (path === undefined || credential.clientId === undefined || scope === undefined) {
      throw new Unprepared("needs a certificate of the application");
    }
    const audience = `${endpoints.login}/${this.tenantId}/oauth2/v2.0/token`;
    return { clientId: credential.clientId, certificatePath: path, audience, scope };
  }

  /**
   * A token of the application's federated credential: from a file, or the one that GitHub gives its job. Only where there is one.
   *
   * @throws Unprepared otherwise.
   */
  async federated(): Promise<{ clientId: string; token: string; scope: string }> {
    const { credential, cloud } = this.#configuration;
    const path =
      this.#proofs.federatedToken ?? (credential.kind === "tokenFile" ? credential.tokenFilePath : undefined);
    const scope = scopeOf("graph", cloud, undefined);
    const ofJob = credential.kind === "githubActions" ? credential : undefined;
    if ((path === undefined && ofJob === undefined) || credential.clientId === undefined || scope === undefined) {
      throw new Unprepared("needs a token of a federated credential");
    }
    const token =
      path === undefined
        ? await githubActionsToken(ofJob?.requestUrl ?? "", ofJob?.requestToken ?? "")
        : readFileSync(path, "utf8").trim();
    rememberSecret(token);
    return { clientId: credential.clientId, token, scope };
  }

  /** Asks the sign-in for a token, with a form of the probe's own. */
  async signIn(form: Record<string, string>): Promise<Reply> {
    const url = `${this.#configuration.endpoints.login}/${this.tenantId}/oauth2/v2.0/token`;
    const response = await fetch(url, {
      method: "POST",
      body: new URLSearchParams(form),
      redirect: "error",
      signal: AbortSignal.any([this.#signal, AbortSignal.timeout(60_000)]),
    });
    const received: Received = { status: response.status, headers: response.headers, text: await response.text() };
    this.#recording.note({ method: "POST", body: { ...form, client_assertion: "[secret]" } }, url, {
      ...received,
      // Tokens are never recorded.
      ...(response.ok ? { text: "" } : {}),
    });
    return replyOf(received);
  }
}

function replyOf({ status, headers, text = "" }: Received): Reply {
  let body: Json | undefined;
  try {
    const parsed: unknown = JSON.parse(text);
    body = isObject(parsed) ? parsed : undefined;
  } catch {
    body = undefined;
  }
  return { status, headers, body, text };
}

/** The rows of a list. */
export function rowsIn({ body }: Reply): Json[] {
  return rowsOf(body?.value) ?? [];
}

/** What a service's refusal says: its code or exception type, and its words. */
export function refusalOf({ body, status }: Reply): { code: string; words: string } {
  const error = mapOf(body?.error);
  const [details] = rowsOf(error.details) ?? [];
  const inner = mapOf(mapOf(error.innererror).internalexception);
  const words = String(details?.message ?? inner.message ?? error.message ?? `HTTP ${status}`);
  return { code: String(error.code ?? ""), words };
}

/** What a probe found out. */
export interface Verdict {
  is: "confirmed" | "contradicted" | "notTried";
  /** What was seen, or why it was not tried. Names nobody. */
  said: string;
}

/** What a probe cannot do without. */
export type Need =
  /** Disposable mailboxes and rows: `--domain` and `--prefix`. */
  | "disposable"
  /** A Dataverse environment. */
  | "dataverse"
  /** A certificate of the application, with which it signs in. */
  | "certificate"
  /** A token of the application's federated credential. */
  | "federatedToken";

/** One question about a service that nobody has answered in public. */
export interface Probe {
  /** Id of the behaviour of the local tenant that it tries. */
  row: string;
  /** What the provider and its local tenant take for true. */
  assumption: string;
  needs: readonly Need[];
  ask: (ground: Ground) => Promise<Verdict>;
}

/** What was seen, and whether it is what was assumed. */
export function seen(isAsAssumed: boolean, said: string): Verdict {
  return { is: isAsAssumed ? "confirmed" : "contradicted", said };
}

/** It could not be tried, and why. */
export function notTried(said: string): Verdict {
  return { is: "notTried", said };
}

/** Something that a probe needs could not be had: says nothing about what it tries. */
export class Unprepared extends Error {
  override readonly name = "Unprepared";
}
