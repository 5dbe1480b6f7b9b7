import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Hono } from "hono";

/** A request as the services take it, on its own or out of a `$batch`. */
export interface Message {
  method: string;
  url: URL;
  /** By name in lower case. */
  headers: Readonly<Record<string, string>>;
  /** The body; "" when there is none. */
  text: string;
}

/** What a service answers. */
export interface Answer {
  status: number;
  headers?: Record<string, string>;
  /** A text and bytes are sent as they are, everything else as JSON; undefined = no body. */
  body?: unknown;
  /** The connection is closed in its place. */
  isLost?: boolean;
}

/** A service of the tenant. */
export type Service = (message: Message) => Promise<Answer>;

/** What takes the requests of a server, with the connection each came by. */
export type Serve = (message: Message & { socket: Socket }) => Promise<Answer>;

/** Headers with their names in lower case, as one batch puts them into another's answer. */
export function lowerCased(headers: Readonly<Record<string, string>> = {}): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}

/** A body as it goes over the wire. */
export function written(body: unknown): Buffer {
  return Buffer.isBuffer(body) ? body : Buffer.from(typeof body === "string" ? body : JSON.stringify(body));
}

/** A service made of routes. */
export function routed(app: Hono): Service {
  return async ({ method, url, headers, text }) => {
    const response = await app.fetch(new Request(url, { method, headers, ...(text === "" ? {} : { body: text }) }));
    const bytes = Buffer.from(await response.arrayBuffer());
    return {
      status: response.status,
      headers: Object.fromEntries(response.headers),
      ...(bytes.length === 0 ? {} : { body: bytes }),
    };
  };
}

/** A service for a server of Node's. Requests and responses of fetch would cost more than what a service does for one. */
export function listener(serve: Serve): RequestListener {
  return (incoming, outgoing) => {
    const chunks: Buffer[] = [];
    incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
    incoming.on("end", () => {
      const hasBody = incoming.method !== "GET" && incoming.method !== "HEAD";
      respond(incoming, outgoing, hasBody ? Buffer.concat(chunks).toString() : "", serve).catch((error: unknown) => {
        console.error(error);
        outgoing.socket?.destroy();
      });
    });
  };
}

async function respond(incoming: IncomingMessage, outgoing: ServerResponse, text: string, serve: Serve): Promise<void> {
  const url = urlOf(incoming);
  if (url === undefined) {
    outgoing.writeHead(400).end();
    return;
  }
  const { method = "GET", socket } = incoming;
  const answer = await serve({ method, url, headers: incoming.headers as Record<string, string>, text, socket });
  if (answer.isLost) {
    socket.destroy();
    return;
  }
  if (answer.body === undefined) {
    outgoing.writeHead(answer.status, answer.headers).end();
    return;
  }
  const body = written(answer.body);
  outgoing.writeHead(answer.status, { ...answer.headers, "content-length": body.length }).end(body);
}

/** The URL that a request came by; undefined where its path or its Host makes none. */
function urlOf({ url = "", headers, socket }: IncomingMessage): URL | undefined {
  try {
    const isTls = "encrypted" in socket;
    return new URL(url.startsWith("/") ? `${isTls ? "https" : "http"}://${headers.host ?? "127.0.0.1"}${url}` : url);
  } catch {
    return undefined;
  }
}
