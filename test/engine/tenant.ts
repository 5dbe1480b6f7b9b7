/** A local tenant served by the compiled package's own command, in a process of its own, and a client of it. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { z } from "zod";
import type { faultSchema } from "../../provider/local-tenant/faults";
import type { LoggedRequest, RequestCounts } from "../../provider/local-tenant/request-log";
import type { Settings, SettingsChange } from "../../provider/local-tenant/tenant";
import { TenantClient } from "../../scripts/tenant-client.cjs";

const cli = join(__dirname, "..", "..", "dist", "cli.js");

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
export class ServedTenant extends TenantClient {
  /** `https://127.0.0.1:PORT` when asked for. */
  readonly httpsOrigin: string | undefined;
  /** Path of the certificate of `httpsOrigin`, for NODE_EXTRA_CA_CERTS. */
  readonly certificate: string;
  readonly journal: string;
  readonly #process: ChildProcess;
  readonly #folder: string;

  constructor(
    process: ChildProcess,
    folder: string,
    journal: string,
    [origin = "", httpsOrigin]: string[],
    tenantId?: string,
  ) {
    super(origin, tenantId);
    this.#process = process;
    this.#folder = folder;
    this.journal = journal;
    this.certificate = `${journal}.pem`;
    this.httpsOrigin = httpsOrigin;
  }

  /** Stack configuration that deploys to this tenant. */
  get config(): Record<string, unknown> {
    return { "mailboxes:localTenant": this.origin };
  }

  /** Every row of a table, by key: `await tenant.rows("recipients")`. */
  async rows<T = Record<string, unknown>>(table: string): Promise<Record<string, T>> {
    return (await this.control("GET", `state/${table}`)) as Record<string, T>;
  }

  /** Changes members of one row behind the services' backs. */
  async patch(table: string, key: string, change: Record<string, unknown>): Promise<void> {
    await this.control("PATCH", `state/${table}/${encodeURIComponent(key)}`, change);
  }

  /** Changes settings: lag, approval, … */
  async settings(change: SettingsChange): Promise<Settings> {
    return (await this.control("PATCH", "settings", change)) as Settings;
  }

  /** Moves the tenant's clock forward by milliseconds. */
  async advance(milliseconds: number): Promise<void> {
    await this.control("POST", "clock", { advance: milliseconds });
  }

  /** Sets a fault rule and answers with its id. */
  async fault(rule: z.input<typeof faultSchema>): Promise<number> {
    return ((await this.control("POST", "faults", rule)) as { id: number }).id;
  }

  async clearFaults(): Promise<void> {
    await this.control("DELETE", "faults");
  }

  /** Requests since the log was last cleared; `query` as `{ cmdlet: "New-Mailbox" }` or `{ writes: "true" }`. */
  async requests(query: Record<string, string> = {}): Promise<LoggedRequest[]> {
    return (await this.control("GET", `requests?${new URLSearchParams(query)}`)) as LoggedRequest[];
  }

  async counts(): Promise<RequestCounts> {
    return (await this.control("GET", "requests/counts")) as RequestCounts;
  }

  async clearRequests(): Promise<void> {
    await this.control("DELETE", "requests");
  }

  /** Sends a message to a mailbox, whose inbox rules run; answers with the deliveries. */
  async deliver(mail: { from: string; to: string; subject: string }): Promise<unknown> {
    return ((await this.control("POST", "deliver", mail)) as { delivered: unknown }).delivered;
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
