/** The services, asked plainly, and what their answers say of a right. */
import { randomUUID } from "node:crypto";
import type { Configuration } from "../configuration/configuration";
import type { CallContext, Service, TokenSource } from "../http/call";
import { createTokenSource } from "../http/credentials";
import { isClass, isProviderError, isServiceError, type ProviderError, type ServiceError } from "../http/errors";
import { mapOf, type Row, rowsOf } from "../http/json";
import { Pipeline, pipelineOptions } from "../http/pipeline";
import type { Finding } from "./examination";
import { grantOf, NOBODY, type Place, type Question, type Right } from "./rights";

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

/** What is known of a right, beside what is said of it in any case. */
export type Verdict = Pick<Finding, "is" | "words" | "grants"> & Partial<Pick<Finding, "said">>;

/** Entra roles that hold Exchange's management roles, by the ids that stand in a token. */
const ENTRA_ROLES: Readonly<Record<string, string>> = {
  "62e90394-69f5-4237-9190-012177145e10": "Global Administrator",
  "29232cdf-9323-42fd-ade2-1d097af3e4de": "Exchange Administrator",
  "31392ffb-586c-42d1-9346-e59415a2cc4e": "Exchange Recipient Administrator",
  "f2ef992c-3afb-46b9-b7cf-a126ee74c451": "Global Reader",
};

/** The Entra roles that let an application approve addresses beside Delegated Mailbox Approver. */
const APPROVERS = ["Global Administrator", "Exchange Administrator"];

/** The Entra roles of an application that are known here, by name. */
export function entraRolesOf(directoryRoles: readonly string[]): string[] {
  return directoryRoles.flatMap((id) => ENTRA_ROLES[id] ?? []);
}

/** The questions that show whether a right of Exchange is there. */
export function cmdletsOf({ holding }: Right): readonly Question[] {
  return holding.in === "exchange" ? holding.cmdlets : [];
}

/** What the answers of Exchange say of a right, by the text of each question. */
export function exchangeVerdict(right: Right, replies: ReadonlyMap<string, Reply>, place: Place): Verdict {
  const refused: string[] = [];
  let refusal = "";
  let unknown: string | undefined;
  for (const question of cmdletsOf(right)) {
    const { cmdlet, parameters, isOfParameter } = question;
    const reply = replies.get(JSON.stringify(question));
    if (reply?.is === "refused") {
      refused.push(isOfParameter === true ? `${cmdlet} -${Object.keys(parameters).at(-1)}` : cmdlet);
      refusal ||= reply.error.message;
    } else if (reply?.is === "unknown") {
      unknown ??= reply.error.message;
    }
  }
  if (refused.length > 0) {
    const words = `refused: ${refused.join(", ")}. ${refusal}`;
    return { is: "missing", words, grants: grantOf(right, place, []) };
  }
  return unknown === undefined ? { is: "there" } : { is: "unknown", words: unknown };
}

/**
 * What a token and an answer of Graph say of a right.
 *
 * @param reply the answer, where something was asked that only this right opens.
 * @param assignments role assignments of the application in Exchange, as far as they were read.
 */
export function graphVerdict(
  right: Right,
  reply: Reply | undefined,
  { roles, isPerson }: Claims,
  assignments: readonly Row[],
  place: Place,
): Verdict {
  const wanted = right.holding.in === "token" ? right.holding.roles : [];
  const held = wanted.find((role) => roles.includes(role));
  const scoped = assignments.find(({ Role }) => wanted.some((role) => Role === `Application ${role}`));
  if (held !== undefined && reply?.is !== "refused") {
    const said = `${right.purpose}${held === right.name ? "" : `, by ${held}`}`;
    return reply?.is === "unknown"
      ? { is: isClass(reply.error, "notFound") ? "there" : "unknown", said, words: reply.error.message }
      : { is: "there", said };
  }
  if (reply?.is === "answered" || scoped !== undefined) {
    const by = scoped === undefined ? "by a permission that the token does not name" : "by RBAC for Applications";
    return { is: "there", said: `${right.purpose}, ${by}` };
  }
  if (isPerson) {
    return { is: "unknown", words: "delegated permissions of a person say nothing about it" };
  }
  const words = reply?.is === "refused" ? { words: reply.error.message } : {};
  return { is: "missing", ...words, grants: grantOf(right, place, []) };
}

/** What the privileges and the security roles of the application user say of a right. */
export function dataverseVerdict(
  right: Right,
  privileges: Reply,
  roles: Reply,
  { directoryRoles }: Claims,
  place: Place,
): Verdict {
  const { holding } = right;
  if (privileges.is !== "answered") {
    return { is: "unknown", words: privileges.error.message };
  }
  const list = rowsOf(privileges.body.RolePrivileges) ?? [];
  // Comparing without case: tables of one's own have privileges in lower case, and pages differ.
  const held = new Map(list.map(({ PrivilegeName, Depth }) => [String(PrivilegeName).toLowerCase(), Depth]));
  if (holding.in !== "dataverseRoles") {
    const wanted = holding.in === "dataverse" ? holding.privileges : [];
    const lacking = wanted.filter((name) => !held.has(name.toLowerCase()));
    if (lacking.length > 0) {
      return { is: "missing", words: `without ${lacking.join(", ")}`, grants: grantOf(right, place, lacking) };
    }
    // What a team's role gives always reads as this depth (Microsoft's page on RetrieveUserPrivileges).
    const own = wanted.filter((name) => /^(0|Basic)$/i.test(String(held.get(name.toLowerCase()))));
    const words = `only for the application's own rows, unless a team gives more: ${own.join(", ")}`;
    return { is: "there", ...(own.length > 0 ? { words } : {}) };
  }
  if (roles.is !== "answered") {
    return { is: "unknown", words: roles.error.message };
  }
  const names = roles.rows.map(({ name }) => String(name));
  const approves = entraRolesOf(directoryRoles).some((role) => APPROVERS.includes(role));
  const lacking = holding.roles.filter(
    (role) => !names.includes(role) && !(approves && role === "Delegated Mailbox Approver"),
  );
  const without = [...lacking, ...(held.has(holding.privilege.toLowerCase()) ? [] : [holding.privilege])];
  if (without.length === 0) {
    return { is: "there" };
  }
  const grants = grantOf(right, place, lacking.length > 0 ? lacking : ["System Administrator"]);
  return { is: "missing", words: `without ${without.join(", ")}`, grants };
}
