import { randomUUID } from "node:crypto";
import type { Configuration } from "../configuration/configuration";
import type { CallContext, Service, TokenSource } from "../http/call";
import { createTokenSource } from "../http/credentials";
import { isClass, isProviderError, isServiceError, type ProviderError, type ServiceError } from "../http/errors";
import { mapOf, type Row, rowsOf } from "../http/json";
import { Pipeline, pipelineOptions } from "../http/pipeline";
import { NOBODY, type Question } from "./rights";

/** What came of a question. */
export type Reply =
  /** It was answered: the right is there. `rows`: those of a list; `body`: the whole of it. */
  | { is: "answered"; rows: readonly Row[]; body: Row }
  /** It was refused for want of a right. */
  | { is: "refused"; error: ServiceError }
  /** Nothing is known: no answer came, or one that says something else. */
  | { is: "unknown"; error: ProviderError };

/** What a token says about its bearer. Nobody has checked its signature: it came from the sign-in, over TLS. */
export interface Claims {
  appId: string | undefined;
  applicationName: string | undefined;
  /** Object id of the application's service principal. */
  principalId: string | undefined;
  tenantId: string | undefined;
  /** Epoch milliseconds. */
  expires: number | undefined;
  /** App roles. */
  roles: readonly string[];
  /** Ids of Entra roles that hold for the whole directory. */
  directoryRoles: readonly string[];
  /** Whether a person is signed in, with delegated permissions in place of app roles. */
  isPerson: boolean;
}

/** Longest time one question may take with its repetitions, in milliseconds. */
const PATIENCE = 60_000;

/** The services, asked plainly. What it asks changes nothing. */
export class Ask {
  /** The furthest that the clock of each service was from this machine's, in milliseconds; ahead is positive. */
  readonly skews = new Map<Service, number>();
  readonly #configuration: Configuration;
  readonly #tokens: TokenSource;
  readonly #pipeline: Pipeline;
  readonly #signal: AbortSignal;

  constructor(configuration: Configuration, signal: AbortSignal) {
    this.#configuration = configuration;
    this.#signal = signal;
    this.#tokens = createTokenSource(configuration);
    this.#pipeline = new Pipeline({
      ...pipelineOptions(configuration, this.#tokens),
      // Somebody waits for the answer: a service that is away is said to be.
      retry: { transient: { first: 500, longest: 2_000, attempts: 3 } },
      witness: ({ call, received }) => this.#noteTime(call.service, received?.headers.get("date")),
    });
  }

  /**
   * The claims of a service's token.
   *
   * @throws TokenError when no token can be got.
   */
  async claims(service: Service, environmentUrl?: string): Promise<Claims> {
    const token = await this.#tokens.token(service, {
      signal: this.#signal,
      ...(environmentUrl === undefined ? {} : { environmentUrl }),
    });
    return claimsOf(token);
  }

  /** Runs a cmdlet of which nothing comes. */
  async cmdlet({ cmdlet, parameters, isOfParameter }: Question, tenantId: string): Promise<Reply> {
    const nobody = randomUUID();
    const own = Object.entries(parameters).map(([name, value]) => [name, value === NOBODY ? nobody : value]);
    const reply = await this.#send({
      service: "exchange",
      method: "POST",
      path: `/adminapi/beta/${tenantId}/InvokeCommand`,
      headers: { "X-AnchorMailbox": `APP:SystemMailbox{bb558c35-97f1-4cb9-8ff7-d53741dc928c}@${tenantId}` },
      action: `asking whether ${cmdlet} may be run`,
      cmdlet,
      body: { CmdletInput: { CmdletName: cmdlet, Parameters: Object.fromEntries(own) } },
    });
    if (reply.is !== "unknown" || !isServiceError(reply.error)) {
      return reply;
    }
    const { error } = reply;
    // UNVERIFIED: roles are looked at before parameters, and these before the object. Exchange's own description of a session without the
    // cmdlets and parameters of other roles says so; over InvokeCommand nobody has shown the order.
    if (isOfParameter === true && isClass(error, "badParameter")) {
      return { is: "refused", error };
    }
    const isOfCmdlet = error.type !== undefined && !isClass(error, "transient") && !isClass(error, "throttled");
    return isOfCmdlet ? { is: "answered", rows: [], body: {} } : reply;
  }

  /** Reads from Microsoft Graph v1.0; `path` begins behind the version. */
  graph(path: string): Promise<Reply> {
    return this.#send({
      service: "graph",
      method: "GET",
      path: `/v1.0${path}`,
      action: `asking Microsoft Graph for ${path.replace(/\?.*$/, "")}`,
    });
  }

  /** Reads from Dataverse's Web API v9.2; `path` begins behind the version. */
  dataverse(path: string, environmentUrl: string | undefined): Promise<Reply> {
    return this.#send({
      service: "dataverse",
      method: "GET",
      path: `/api/data/v9.2${path}`,
      headers: { "OData-Version": "4.0", "OData-MaxVersion": "4.0" },
      action: `asking Dataverse for ${path.replace(/\?.*$/, "")}`,
      ...(environmentUrl === undefined ? {} : { base: environmentUrl }),
    });
  }

  async #send(call: Omit<Parameters<Pipeline["send"]>[0], "kind">): Promise<Reply> {
    const bounds: CallContext = { signal: this.#signal, deadline: Date.now() + PATIENCE };
    try {
      // Repeating it changes nothing either.
      const { body } = await this.#pipeline.send({ ...call, kind: "read" }, bounds);
      const whole = mapOf(body);
      return { is: "answered", rows: rowsOf(whole.value) ?? [], body: whole };
    } catch (error) {
      if (isClass(error, "forbidden")) {
        return { is: "refused", error };
      }
      if (isProviderError(error)) {
        return { is: "unknown", error };
      }
      throw error;
    }
  }

  #noteTime(service: Service, date: string | null | undefined): void {
    const theirs = Date.parse(date ?? "");
    // The header has whole seconds: half of one is what it is off by in the middle.
    const skew = theirs + 500 - Date.now();
    if (!Number.isNaN(skew) && Math.abs(skew) > Math.abs(this.skews.get(service) ?? 0)) {
      this.skews.set(service, skew);
    }
  }

  /** Where each service is. */
  hostOf(service: Service, environmentUrl?: string): string {
    const base =
      service === "dataverse"
        ? (environmentUrl ?? this.#configuration.environmentUrl ?? "")
        : this.#configuration.endpoints[service];
    return base.replace(/\/+$/, "");
  }
}

function claimsOf(token: string): Claims {
  const claims = payloadOf(token);
  const text = (name: string): string | undefined => {
    const value = claims[name];
    return typeof value === "string" ? value : undefined;
  };
  const list = (name: string): string[] => {
    const value = claims[name];
    return Array.isArray(value) ? value.map(String) : [];
  };
  return {
    appId: text("appid") ?? text("azp"),
    applicationName: text("app_displayname"),
    principalId: text("oid"),
    tenantId: text("tid"),
    expires: typeof claims.exp === "number" ? claims.exp * 1000 : undefined,
    roles: list("roles"),
    directoryRoles: list("wids"),
    isPerson: claims.scp !== undefined || text("idtyp") === "user",
  };
}

function payloadOf(token: string): Row {
  try {
    return mapOf(JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString("utf8")));
  } catch {
    return {};
  }
}
