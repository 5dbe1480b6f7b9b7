import { readFileSync } from "node:fs";
import { createServer as createHttpServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import { join } from "node:path";
import { createAdaptorServer } from "@hono/node-server";
import { RESPONSE_ALREADY_SENT } from "@hono/node-server/utils/response";
import { type Certificate, certificateFor } from "./certificate";
import { controlRoutes, type Description } from "./control/routes";
import { dataverseRoutes } from "./dataverse/routes";
import { organizationOf } from "./directory";
import { exchangeRoutes } from "./exchange/routes";
import { applyFault, type ServiceName, watchConnection } from "./faults";
import { graphRoutes } from "./graph/routes";
import { acquireLock, type JournalLock, realPath } from "./lock";
import { loginRoutes } from "./login/routes";
import { applicationOf } from "./login/tokens";
import { patienceOf } from "./patience";
import { RequestLog } from "./request-log";
import { type SeedName, seedTenant } from "./seed";
import { Tenant } from "./tenant";

/** How a local tenant is started; all of it may be left out. */
export interface LocalTenantOptions {
  /** Path of the journal; without one everything is in memory and gone with the process. */
  journal?: string;
  /** `HOST:PORT` of the http origin, loopback only. Default: 127.0.0.1 and a free port. */
  listen?: string;
  /** `HOST:PORT` of an https origin beside it, for clients that insist on TLS. Default: none. */
  https?: string;
  /** What an empty journal is filled with. Default: nothing. */
  seed?: SeedName;
  /** Entra id of a tenant that is seeded now. Default: the seed's. */
  tenantId?: string;
  /** Milliseconds until a service sees what another one wrote (Exchange: also what it wrote itself). Default: as the journal has it, 0 at first. */
  lag?: number;
}

/** A local tenant that listens. */
export interface RunningTenant {
  /** `http://127.0.0.1:PORT`. */
  origin: string;
  /** `https://127.0.0.1:PORT`; its certificate has to be trusted (`NODE_EXTRA_CA_CERTS`). */
  httpsOrigin?: string;
  /** The certificate of the https origin in PEM; also in the file `JOURNAL.pem`. */
  certificate?: string;
  tenant: Tenant;
  /** Lets the process end although this tenant listens. */
  unref(): void;
  /** Stops listening, lets requests in hand finish, releases the journal. */
  close(): Promise<void>;
}

/**
 * Starts a local tenant: Exchange, Graph, Dataverse, sign-in and the control interface on one origin. Throws `JournalInUseError`
 * when another process holds the journal.
 */
export async function startLocalTenant(options: LocalTenantOptions = {}): Promise<RunningTenant> {
  const lock = options.journal === undefined ? undefined : await acquireLock(options.journal);
  const listeners: Listener[] = [];
  try {
    const tenant = new Tenant(options.journal);
    if (options.seed !== undefined && organizationOf(tenant) === undefined) {
      seedTenant(tenant, options.seed, options.tenantId);
    }
    if (options.lag !== undefined) {
      tenant.configure({ lag: { exchange: options.lag, graph: options.lag, dataverse: options.lag } });
    }
    const serve = answers(tenant, options.journal);
    const http = await listenHttp(serve, options.listen, lock);
    listeners.push(http);
    let certificate: Certificate | undefined;
    if (options.https !== undefined) {
      certificate = await certificateFor(options.journal);
      listeners.push(await Listener.start(serve, addressOf(options.https), certificate));
    }
    tenant.origins = listeners.map((listener) => listener.origin);
    lock?.publish(http.origin);
    const httpsOrigin = listeners[1]?.origin;
    return {
      origin: http.origin,
      ...(httpsOrigin === undefined ? {} : { httpsOrigin }),
      ...(certificate === undefined ? {} : { certificate: certificate.certificate }),
      tenant,
      unref: () => {
        for (const listener of listeners) {
          listener.unref();
        }
      },
      close: async () => {
        await Promise.all(listeners.map((listener) => listener.close()));
        lock?.release();
      },
    };
  } catch (error) {
    await Promise.all(listeners.map((listener) => listener.close()));
    lock?.release();
    throw error;
  }
}

type Serve = (request: Request, env: Bindings) => Promise<Response>;

interface Bindings {
  incoming: IncomingMessage;
  outgoing: ServerResponse;
}

interface Address {
  host: string;
  port: number;
}

/**
 * Where a dead owner of the journal listened, those who were told its address still knock: so its port comes first, and any free
 * one only when somebody else has it by now.
 */
async function listenHttp(serve: Serve, listen: string | undefined, lock: JournalLock | undefined): Promise<Listener> {
  if (listen !== undefined) {
    return await Listener.start(serve, addressOf(listen));
  }
  const former = Number(lock?.formerOrigin === undefined ? 0 : new URL(lock.formerOrigin).port);
  try {
    return await Listener.start(serve, { host: "127.0.0.1", port: former });
  } catch (error) {
    if (former === 0) {
      throw error;
    }
    return await Listener.start(serve, { host: "127.0.0.1", port: 0 });
  }
}

/** `HOST:PORT` or `PORT`; only addresses of this machine. */
function addressOf(text: string): Address {
  const parts = /^(?:(127\.\d+\.\d+\.\d+|localhost|\[::1\]):)?(\d{1,5})$/i.exec(text);
  if (parts === null) {
    throw new Error(
      `"${text}" is not an address of this machine: expected 127.0.0.1:PORT (the local tenant has no protection against others)`,
    );
  }
  return { host: (parts[1] ?? "127.0.0.1").replace(/^\[|\]$/g, ""), port: Number(parts[2]) };
}

/** How long requests in hand may take when the tenant is closed, in milliseconds. */
const GRACE = 2_000;

/** One listening socket and the connections made through it. */
class Listener {
  readonly origin: string;
  readonly #server: Server;
  readonly #busy = new Map<Socket, number>();
  #isUnref = false;
  #isClosing = false;

  private constructor(server: Server, origin: string) {
    this.#server = server;
    this.origin = origin;
    server.on(origin.startsWith("https:") ? "secureConnection" : "connection", (socket: Socket) => {
      this.#busy.set(socket, 0);
      if (this.#isUnref) {
        socket.unref();
      }
      socket.on("close", () => this.#busy.delete(socket));
    });
    server.on("request", ({ socket }: IncomingMessage, outgoing: ServerResponse) => {
      this.#busy.set(socket, (this.#busy.get(socket) ?? 0) + 1);
      outgoing.on("close", () => {
        const left = (this.#busy.get(socket) ?? 1) - 1;
        if (socket.destroyed) {
          this.#busy.delete(socket);
          return;
        }
        this.#busy.set(socket, left);
        if (this.#isClosing && left === 0) {
          socket.destroy();
        }
      });
    });
  }

  static async start(serve: Serve, address: Address, certificate?: Certificate): Promise<Listener> {
    const fetch = (request: Request, env: unknown): Promise<Response> => serve(request, env as Bindings);
    // Inside a provider process the global Request and Response must stay Node's own.
    const shared = { fetch, overrideGlobalObjects: false, hostname: "127.0.0.1" };
    const server = (
      certificate === undefined
        ? createAdaptorServer({ ...shared, createServer: createHttpServer })
        : createAdaptorServer({
            ...shared,
            createServer: createHttpsServer,
            serverOptions: { key: certificate.privateKey, cert: certificate.certificate },
          })
    ) as Server;
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(address.port, address.host, () => {
        server.off("error", reject);
        resolve();
      });
    });
    const { port } = server.address() as AddressInfo;
    const host = address.host.includes(":") ? `[${address.host}]` : address.host;
    return new Listener(server, `${certificate === undefined ? "http" : "https"}://${host}:${port}`);
  }

  unref(): void {
    this.#isUnref = true;
    this.#server.unref();
    for (const socket of this.#busy.keys()) {
      socket.unref();
    }
  }

  async close(): Promise<void> {
    this.#isClosing = true;
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const [socket, requests] of this.#busy) {
      if (requests === 0) {
        socket.destroy();
      }
    }
    // A request that a rule delays, or a handshake that never ends, is not waited for.
    const grace = setTimeout(() => this.#server.closeAllConnections(), GRACE);
    await closed;
    clearTimeout(grace);
  }
}

/** The tenant as one function: finds the service, logs the request, applies the fault rules. */
function answers(tenant: Tenant, journal: string | undefined): Serve {
  const log = new RequestLog();
  const patience = patienceOf(tenant);
  const services = {
    exchange: exchangeRoutes(tenant),
    graph: graphRoutes(tenant),
    dataverse: dataverseRoutes(tenant),
    login: loginRoutes(tenant),
  };
  const describe = (): Description => ({
    localTenant: "pulumi-mailboxes",
    version: packageVersion(),
    tenantId: organizationOf(tenant)?.tenantId ?? null,
    origins: tenant.origins,
    pid: process.pid,
    journal: journal === undefined ? null : realPath(journal),
  });
  const control = controlRoutes(tenant, log, describe);

  return async (request, env) => {
    const url = new URL(request.url);
    const service = serviceOf(url.pathname);
    if (service === undefined) {
      return await control.fetch(request, env);
    }
    const text = Buffer.from(await request.arrayBuffer());
    const path = url.pathname + url.search;
    const appId = applicationOf(request.headers.get("Authorization") ?? undefined);
    const entry = log.add(
      { at: tenant.timestamp(), service, method: request.method, path, ...(appId === undefined ? {} : { appId }) },
      text.toString("utf8"),
    );
    const started = performance.now();
    const taken = { ...entry, socket: env.incoming.socket };
    patience.take(taken);
    const { response, close } = await watchConnection(() =>
      applyFault(tenant, { service, method: request.method, path, cmdlet: entry.cmdlet }, async () => {
        if (request.method === "TRACE") {
          // Microsoft's front ends refuse it before a service sees it, and a Request of Node's cannot carry it.
          return new Response(null, {
            status: 405,
            headers: { Allow: "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS" },
          });
        }
        try {
          return await services[service].fetch(withBody(request, text), env);
        } catch (error) {
          console.error(error);
          return new Response(`The local tenant failed: ${String(error)}`, { status: 500 });
        }
      }),
    );
    if (close) {
      log.settled(entry, null, "", performance.now() - started);
      env.incoming.socket.destroy();
      return RESPONSE_ALREADY_SENT;
    }
    const bytes = Buffer.from(await response.arrayBuffer());
    const words = isText(response) ? bytes.toString("utf8") : "";
    log.settled(entry, response.status, words, performance.now() - started);
    patience.answered(taken, response, words);
    const headers = new Headers(response.headers);
    if (!headers.has("date")) {
      // The services' clock is the tenant's, as in the tokens.
      headers.set("date", new Date(tenant.now()).toUTCString());
    }
    return new Response(bytes.length === 0 ? null : bytes, { status: response.status, headers });
  };
}

/** The service a path belongs to; undefined for the control interface. */
function serviceOf(path: string): ServiceName | undefined {
  const first = path.split("/")[1]?.toLowerCase();
  switch (first) {
    case "_tenant":
      return undefined;
    case "adminapi":
      return "exchange";
    case "v1.0":
    case "beta":
      return "graph";
    case "api":
      return "dataverse";
    default:
      return "login";
  }
}

/** The request again, with its body, which the log has read. */
function withBody(request: Request, body: Buffer): Request {
  const hasBody = request.method !== "GET" && request.method !== "HEAD" && body.length > 0;
  return new Request(request.url, {
    method: request.method,
    headers: request.headers,
    ...(hasBody ? { body } : {}),
  });
}

function isText(response: Response): boolean {
  return (
    !response.headers.has("Content-Encoding") && /json|text|multipart/.test(response.headers.get("Content-Type") ?? "")
  );
}

function packageVersion(): string {
  const { version } = JSON.parse(readFileSync(join(__dirname, "../../package.json"), "utf8"));
  return String(version);
}
