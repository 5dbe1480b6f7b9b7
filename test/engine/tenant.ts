/**
 * A local tenant served by the compiled package's own command, in a process of its own, and a client of it that shares no code
 * with the package: plain fetch, the sign-in and the three services as any client would use them, and the control interface.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { z } from "zod";
import type { faultSchema } from "../../provider/local-tenant/faults";
import type { LoggedRequest, RequestCounts } from "../../provider/local-tenant/request-log";
import type { Settings, SettingsChange } from "../../provider/local-tenant/tenant";

const cli = join(__dirname, "..", "..", "dist", "cli.js");

/** The tenant of the seed `contoso` and its application with every right. */
const seededTenantId = "10ca17e4-a000-4000-8000-000000000001";
const clientId = "10ca17e4-a000-4000-8000-000000000002";
const clientSecret = "local-tenant-secret";

export type Service = "exchange" | "graph" | "dataverse";

export interface TenantOptions {
  /** Path of the journal; default: a new one in a folder of its own. */
  journal?: string;
  /** Entra id of the tenant; default: the seed's. */
  tenantId?: string;
  /** Milliseconds until a service sees what another one wrote. */
  lag?: number;
  /** Also serve https; see `httpsOrigin` and `certificate`. */
  https?: boolean;
}

/** Starts a tenant with the seed `contoso` on a free port and waits until it listens. */
export async function startTenant(options: TenantOptions = {}): Promise<ServedTenant> {
  const folder = mkdtempSync(join(process.env.MAILBOXES_TEST_RUN ?? tmpdir(), "tenant-"));
  const journal = options.journal ?? join(folder, "contoso.jsonl");
  const child = spawn(
    process.execPath,
    [
      ...[cli, "tenant", "serve", "--data", journal, "--listen", "127.0.0.1:0", "--seed", "contoso"],
      ...(options.https ? ["--https", "127.0.0.1:0"] : []),
      ...(options.tenantId === undefined ? [] : ["--tenant", options.tenantId]),
      ...(options.lag === undefined ? [] : ["--lag", String(options.lag)]),
    ],
    { stdio: ["ignore", "pipe", "pipe"] },
  );
  const origins = await firstLines(child, options.https ? 2 : 1);
  return new ServedTenant(child, folder, journal, origins, options.tenantId);
}

/** A tenant that is being served. */
export class ServedTenant {
  readonly tenantId: string;
  readonly clientId = clientId;
  readonly clientSecret = clientSecret;
  /** `http://127.0.0.1:PORT`. */
  readonly origin: string;
  /** `https://127.0.0.1:PORT` when asked for. */
  readonly httpsOrigin: string | undefined;
  /** Path of the certificate of `httpsOrigin`, for NODE_EXTRA_CA_CERTS. */
  readonly certificate: string;
  readonly journal: string;
  readonly #process: ChildProcess;
  readonly #folder: string;
  readonly #tokens = new Map<Service, string>();

  constructor(
    process: ChildProcess,
    folder: string,
    journal: string,
    [origin = "", httpsOrigin]: string[],
    tenantId = seededTenantId,
  ) {
    this.tenantId = tenantId;
    this.#process = process;
    this.#folder = folder;
    this.journal = journal;
    this.certificate = `${journal}.pem`;
    this.origin = origin;
    this.httpsOrigin = httpsOrigin;
  }

  /** Stack configuration that deploys to this tenant. */
  get config(): Record<string, unknown> {
    return { "mailboxes:localTenant": this.origin };
  }

  /** Runs one cmdlet and answers with its rows. A refusal throws with status and body. */
  async exchange(cmdlet: string, parameters: Record<string, unknown> = {}): Promise<Record<string, unknown>[]> {
    const answer = await this.request("exchange", "POST", `/adminapi/beta/${this.tenantId}/InvokeCommand`, {
      CmdletInput: { CmdletName: cmdlet, Parameters: parameters },
    });
    return (answer as { value?: Record<string, unknown>[] } | undefined)?.value ?? [];
  }

  /** A request to Graph; `path` begins with `/users…`. */
  async graph<T = Record<string, unknown>>(method: string, path: string, body?: unknown): Promise<T> {
    return (await this.request("graph", method, `/v1.0${path}`, body)) as T;
  }

  /** A request to Dataverse; `path` begins with `/mailboxes…`. */
  async dataverse<T = Record<string, unknown>>(method: string, path: string, body?: unknown): Promise<T> {
    return (await this.request("dataverse", method, `/api/data/v9.2${path}`, body)) as T;
  }

  /** Any request with a token for the service. The answer's JSON, or undefined; throws for a status of 400 and above. */
  async request(service: Service, method: string, path: string, body?: unknown): Promise<unknown> {
    return await this.#send(method, path, body, {
      Authorization: `Bearer ${await this.#token(service)}`,
      ...(service === "exchange"
        ? { "X-AnchorMailbox": `APP:SystemMailbox{bb558c35-97f1-4cb9-8ff7-d53741dc928c}@${this.tenantId}` }
        : {}),
    });
  }

  /** Every row of a table, by key: `await tenant.rows("recipients")`. */
  async rows<T = Record<string, unknown>>(table: string): Promise<Record<string, T>> {
    return (await this.control("GET", `/state/${table}`)) as Record<string, T>;
  }

  /** Changes members of one row behind the services' backs. */
  async patch(table: string, key: string, change: Record<string, unknown>): Promise<void> {
    await this.control("PATCH", `/state/${table}/${encodeURIComponent(key)}`, change);
  }

  /** Changes settings: lag, approval, … */
  async settings(change: SettingsChange): Promise<Settings> {
    return (await this.control("PATCH", "/settings", change)) as Settings;
  }

  /** Moves the tenant's clock forward by milliseconds. */
  async advance(milliseconds: number): Promise<void> {
    await this.control("POST", "/clock", { advance: milliseconds });
  }

  /** Sets a fault rule and answers with its id. */
  async fault(rule: z.input<typeof faultSchema>): Promise<number> {
    return ((await this.control("POST", "/faults", rule)) as { id: number }).id;
  }

  async clearFaults(): Promise<void> {
    await this.control("DELETE", "/faults");
  }

  /** Requests since the log was last cleared; `query` as `{ cmdlet: "New-Mailbox" }` or `{ writes: "true" }`. */
  async requests(query: Record<string, string> = {}): Promise<LoggedRequest[]> {
    return (await this.control("GET", `/requests?${new URLSearchParams(query)}`)) as LoggedRequest[];
  }

  async counts(): Promise<RequestCounts> {
    return (await this.control("GET", "/requests/counts")) as RequestCounts;
  }

  async clearRequests(): Promise<void> {
    await this.control("DELETE", "/requests");
  }

  /** Sends a message to a mailbox, whose inbox rules run; answers with the deliveries. */
  async deliver(mail: { from: string; to: string; subject: string }): Promise<unknown> {
    return ((await this.control("POST", "/deliver", mail)) as { delivered: unknown }).delivered;
  }

  /** Back to the seed: rows, settings, clock, fault rules and log. */
  async reset(): Promise<void> {
    this.#tokens.clear();
    await this.control("POST", "/reset", { seed: "contoso" });
  }

  /** Any request to the control interface; `path` below `/_tenant`. */
  async control(method: string, path: string, body?: unknown): Promise<unknown> {
    return await this.#send(method, `/_tenant${path}`, body);
  }

  /** Stops serving; the journal stays until the test run ends. */
  async stop(signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
    if (this.#process.exitCode === null && this.#process.signalCode === null) {
      const ended = new Promise((resolve) => this.#process.once("exit", resolve));
      this.#process.kill(signal);
      await ended;
    }
  }

  /** Stops serving and removes the journal. */
  async remove(): Promise<void> {
    await this.stop();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #token(service: Service): Promise<string> {
    const known = this.#tokens.get(service);
    if (known !== undefined) {
      return known;
    }
    const resource = {
      exchange: "https://outlook.office365.com",
      graph: "https://graph.microsoft.com",
      dataverse: this.origin,
    }[service];
    const response = await fetch(`${this.origin}/${this.tenantId}/oauth2/v2.0/token`, {
      method: "POST",
      body: new URLSearchParams({
        grant_type: "client_credentials",
        client_id: clientId,
        client_secret: clientSecret,
        scope: `${resource}/.default`,
      }),
    });
    const answer = (await response.json()) as { access_token?: string };
    if (answer.access_token === undefined) {
      throw new Error(`No token for ${service}: ${JSON.stringify(answer)}`);
    }
    this.#tokens.set(service, answer.access_token);
    return answer.access_token;
  }

  async #send(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<unknown> {
    const response = await fetch(this.origin + path, {
      method,
      headers: {
        Accept: "application/json",
        ...(body === undefined ? {} : { "Content-Type": "application/json" }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) {
      throw new Error(`${method} ${path}: ${response.status} ${text}`);
    }
    return text === "" ? undefined : JSON.parse(text);
  }
}

function firstLines(child: ChildProcess, count: number): Promise<string[]> {
  return new Promise((resolve, reject) => {
    let stdout = "";
    let stderr = "";
    child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      stdout += text;
      const lines = stdout.split("\n");
      if (lines.length > count) {
        resolve(lines.slice(0, count).map((line) => line.trim()));
      }
    });
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      stderr += text;
    });
    child.on("error", reject);
    child.on("exit", (code) =>
      reject(new Error(`The tenant ended with ${code} before it listened: ${stdout}${stderr}`)),
    );
  });
}
