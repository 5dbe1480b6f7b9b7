import type { Fault, FaultRule, ServiceName } from "../faults";
import type { DeliveryStep, Envelope } from "../graph/delivery";
import type { LoggedRequest, RequestCounts } from "../request-log";
import type { SeedName } from "../seed";
import { type Overview, overview, type State } from "../show";
import type { Settings, SettingsChange } from "../tenant";
import type { Description } from "./routes";

/** Which requests of the log are wanted. Conditions that are given must all hold; without any it is every request. */
export interface RequestFilter {
  service?: ServiceName;
  method?: string;
  /** Exchange's cmdlet, alone or inside a batch; its case does not matter. */
  cmdlet?: string;
  /** Part of path and query; its case does not matter. */
  path?: string;
  status?: number;
  /** True: requests that change something; false: those that only read. */
  writes?: boolean;
  /** Id of a request: only later ones. */
  since?: number;
}

/**
 * What can be asked of a local tenant, and done to it, beside its services. No sign-in. Every call throws an `Error` with the tenant's
 * own words when it is refused, and when no tenant answers at the origin.
 */
export interface ControlClient {
  /** `http://127.0.0.1:PORT`: the value of `mailboxes:localTenant`, and of the environment variable `MAILBOXES_LOCAL_TENANT`. */
  readonly origin: string;
  /** Version, Entra id, origins, process and journal of the tenant. */
  describe(): Promise<Description>;
  /** Mailboxes, grants, forward mailboxes, queues and inbox rules, sorted; what `mailboxes tenant show` prints. */
  show(): Promise<Overview>;
  /** Every row of every table, by table and key, as the tenant keeps them. Names of tables and columns may change with a release. */
  state(): Promise<State>;
  /**
   * Changes columns of one row as somebody else would, behind the services' backs: drift. For rows of Dataverse, the next version.
   *
   * @throws for a table or row that is not there.
   */
  change(table: string, key: string, change: Record<string, unknown>): Promise<void>;
  /**
   * Fills an empty tenant.
   *
   * @param tenantId Entra id, a GUID; default: the seed's.
   * @throws when the tenant is not empty.
   */
  seed(seed: SeedName, tenantId?: string): Promise<void>;
  /** Back to the seed: rows, settings, clock, faults and request log. A seed of null leaves the tenant empty. Default: `contoso`. */
  reset(seed?: SeedName | null, tenantId?: string): Promise<void>;
  /** The settings in force. */
  settings(): Promise<Settings>;
  /**
   * Changes settings; those left out stay as they are. They go back to their defaults with `reset`.
   *
   * @returns the settings in force then.
   */
  configure(change: SettingsChange): Promise<Settings>;
  /** Moves the tenant's clock forward by milliseconds: soft-deleted mailboxes are gone after 30 days, tokens expire after an hour. */
  advance(milliseconds: number): Promise<void>;
  /** The tenant's time, ISO 8601. */
  now(): Promise<string>;
  /** Adds a fault rule: what goes wrong, on which requests, how often. Rules are tried in the order in which they were added. */
  addFault(fault: Fault): Promise<FaultRule>;
  /** The fault rules, with how often each matched and hit. */
  faults(): Promise<FaultRule[]>;
  /** Removes the rule with this id, or every rule. */
  removeFaults(id?: number): Promise<void>;
  /** The requests the services were sent, oldest first; the last 10,000 of them. Secrets and tokens are not in it. */
  requests(filter?: RequestFilter): Promise<LoggedRequest[]>;
  /** Counts of all requests since the log was last cleared. */
  requestCounts(): Promise<RequestCounts>;
  clearRequests(): Promise<void>;
  /** Sends a message: it is forwarded, stored and put through inbox rules as the mailboxes say. Answers what happened, step by step. */
  deliver(message: Envelope): Promise<DeliveryStep[]>;
}

/** The control interface of a tenant that is served at an origin. */
export function controlClient(origin: string): ControlClient {
  const ask = async <T>(method: string, path: string, body?: unknown): Promise<T> =>
    (await send(origin, method, path, body)) as T;
  return {
    origin,
    describe: () => ask("GET", "/"),
    show: async () => overview(await ask("GET", "/state")),
    state: () => ask("GET", "/state"),
    change: (table, key, change) => ask("PATCH", `/state/${table}/${encodeURIComponent(key)}`, change),
    seed: (seed, tenantId) => ask("POST", "/seed", { seed, tenantId }),
    reset: (seed = "contoso", tenantId) => ask("POST", "/reset", { seed, tenantId }),
    settings: () => ask("GET", "/settings"),
    configure: (change) => ask("PATCH", "/settings", change),
    advance: (milliseconds) => ask("POST", "/clock", { advance: milliseconds }),
    now: async () => (await ask<{ now: string }>("GET", "/clock")).now,
    addFault: (fault) => ask("POST", "/faults", fault),
    faults: () => ask("GET", "/faults"),
    removeFaults: (id) => ask("DELETE", id === undefined ? "/faults" : `/faults/${id}`),
    requests: (filter = {}) => {
      const query = new URLSearchParams();
      for (const [name, value] of Object.entries(filter).filter(([, given]) => given !== undefined)) {
        query.set(name, String(value));
      }
      return ask("GET", `/requests?${query}`);
    },
    requestCounts: () => ask("GET", "/requests/counts"),
    clearRequests: () => ask("DELETE", "/requests"),
    deliver: async (message) => (await ask<{ delivered: DeliveryStep[] }>("POST", "/deliver", message)).delivered,
  };
}

async function send(origin: string, method: string, path: string, body: unknown): Promise<unknown> {
  let response: Response;
  try {
    response = await fetch(`${origin}/_tenant${path}`, {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { "Content-Type": "application/json" } }),
    });
  } catch (error) {
    throw new Error(`No local tenant answers at ${origin}.`, { cause: error });
  }
  const text = await response.text();
  const answer: unknown = text === "" ? undefined : JSON.parse(text);
  if (!response.ok) {
    const words = typeof answer === "object" && answer !== null && "error" in answer ? answer.error : undefined;
    throw new Error(typeof words === "string" ? words : `${method} ${path}: ${response.status}`);
  }
  return answer;
}
