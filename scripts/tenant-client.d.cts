/** Types of tenant-client.cjs, which scripts load as it is. */
import type { Agent } from "node:http";

export type Service = "exchange" | "graph" | "dataverse";

/** An answer of 400 and above; its message has method, path, status and text. */
export class Refusal extends Error {
  readonly status: number;
}

/** A client of a local tenant that shares no code with the package. Its methods throw a {@link Refusal}. */
export class TenantClient {
  /** `http://127.0.0.1:PORT`. */
  readonly origin: string;
  readonly tenantId: string;
  /** The seed's application with every right, and its secret. */
  readonly clientId: string;
  readonly clientSecret: string;

  /**
   * @param tenantId Entra id of the tenant; default: that of the seed `contoso`.
   * @param agent what keeps connections; default: each request makes its own, so that a tenant may end and begin between two of them.
   */
  constructor(origin: string, tenantId?: string, agent?: Agent | false);

  /** Runs one cmdlet and answers with its rows. */
  exchange(cmdlet: string, parameters?: Record<string, unknown>): Promise<Record<string, unknown>[]>;
  /** A request to Graph; `path` begins with `/users…`. */
  graph<T = Record<string, unknown>>(method: string, path: string, body?: unknown): Promise<T>;
  /** A request to Dataverse; `path` begins with `/mailboxes…`. */
  dataverse<T = Record<string, unknown>>(method: string, path: string, body?: unknown): Promise<T>;
  /** Any request with a token for the service. The answer's JSON, or undefined. */
  request(service: Service, method: string, path: string, body?: unknown): Promise<unknown>;
  /** Any request to the control interface; `path` below `/_tenant/`. */
  control(method: string, path: string, body?: unknown): Promise<unknown>;
  /** Back to the seed: rows, settings, clock, fault rules and log. Earlier tokens mean nothing any more. */
  reset(): Promise<void>;
}
