import { readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import { join } from "node:path";
import { type Certificate, certificateFor } from "./certificate";
import { controlRoutes, type Description } from "./control/routes";
import { dataverseService } from "./dataverse/routes";
import { organizationOf } from "./directory";
import { exchangeService } from "./exchange/routes";
import { applyFault, type ServiceName } from "./faults";
import { graphService } from "./graph/routes";
import { acquireLock, type JournalLock, realPath } from "./lock";
import { loginRoutes } from "./login/routes";
import { applicationOf } from "./login/tokens";
import { type Answer, listener, lowerCased, type Message, routed, type Serve, type Service, written } from "./message";
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
  /** What it was asked since it was started. */
  requests: RequestLog;
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
    const requests = new RequestLog();
    const serve = answers(tenant, requests, options.journal);
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
      requests,
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

/**
 * How long a connection may be idle, in milliseconds. At Node's five seconds, a client that is busy for a moment sends its next request into
 * a connection that is just being closed, and cannot know what became of a write.
 */
const IDLE = 120_000;

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
    const server =
      certificate === undefined
        ? createServer(listener(serve))
        : createTlsServer({ key: certificate.privateKey, cert: certificate.certificate }, listener(serve));
    server.keepAliveTimeout = IDLE;
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
function answers(tenant: Tenant, log: RequestLog, journal: string | undefined): Serve {
  const patience = patienceOf(tenant);
  const services = {
    exchange: exchangeService(tenant),
    graph: graphService(tenant),
    dataverse: dataverseService(tenant),
    login: routed(loginRoutes(tenant)),
  };
  const describe = (): Description => ({
    localTenant: "pulumi-mailboxes",
    version: packageVersion(),
    tenantId: organizationOf(tenant)?.tenantId ?? null,
    origins: tenant.origins,
    pid: process.pid,
    journal: journal === undefined ? null : realPath(journal),
  });
  const control = routed(controlRoutes(tenant, log, describe));
  const serve = async (service: Service, message: Message): Promise<Answer> => {
    if (message.method === "TRACE") {
      // Microsoft's front ends refuse it before a service sees it.
      return { status: 405, headers: { allow: "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS" } };
    }
    try {
      return await service(message);
    } catch (error) {
      console.error(error);
      return {
        status: 500,
        headers: { "content-type": "text/plain" },
        body: `The local tenant failed: ${String(error)}`,
      };
    }
  };

  return async (message) => {
    const { method, url, headers, text, socket } = message;
    const service = serviceOf(url.pathname);
    if (service === undefined) {
      return await serve(control, message);
    }
    const path = url.pathname + url.search;
    const appId = applicationOf(headers.authorization);
    const entry = log.add(
      { at: tenant.timestamp(), service, method, path, ...(appId === undefined ? {} : { appId }) },
      text,
    );
    const started = performance.now();
    const taken = { ...entry, socket };
    patience.take(taken);
    const answer = await applyFault(tenant, { service, method, path, cmdlet: entry.cmdlet }, () =>
      serve(services[service], message),
    );
    if (answer.isLost) {
      log.settled(entry, null, undefined, performance.now() - started);
      return answer;
    }
    // The services' clock is the tenant's, as in the tokens.
    const sent = { date: new Date(tenant.now()).toUTCString(), ...lowerCased(answer.headers) };
    const body = answer.body === undefined ? undefined : written(answer.body);
    const words = isText(sent) ? body : undefined;
    log.settled(entry, answer.status, words, performance.now() - started);
    patience.answered(taken, { status: answer.status, headers: sent }, words);
    return { status: answer.status, headers: sent, body };
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

function isText(headers: Readonly<Record<string, string>>): boolean {
  return headers["content-encoding"] === undefined && /json|text|multipart/.test(headers["content-type"] ?? "");
}

function packageVersion(): string {
  const { version } = JSON.parse(readFileSync(join(__dirname, "../../package.json"), "utf8"));
  return String(version);
}
