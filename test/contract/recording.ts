import { createServer, request as forwardRequest, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { gunzipSync } from "node:zlib";

/** The part of the tenant a request was for. `control` is the local tenant's own interface, which no service has. */
export type Part = "exchange" | "graph" | "dataverse" | "login" | "control";

/** One request and its answer, as both stood on the wire. Header names are in lower case. */
export interface Recording {
  part: Part;
  method: string;
  /** Path and query as sent. */
  path: string;
  headers: Record<string, string>;
  /** Text of the body; "" for none. */
  body: string;
  answer: { status: number; headers: Record<string, string>; body: string };
}

/** A proxy on the loopback that keeps what passes through it. */
export interface RecordingProxy {
  /** `http://127.0.0.1:PORT`: put in place of the tenant's own origin. */
  origin: string;
  recordings: Recording[];
  /** Says where it leads; before that it takes no requests. */
  leadTo(origin: string): void;
  close(): Promise<void>;
}

/** Starts a recording proxy before one origin. The Host header passes unchanged, so that links in answers lead through it. */
export async function startRecordingProxy(): Promise<RecordingProxy> {
  const recordings: Recording[] = [];
  let target = new URL("http://127.0.0.1:0");
  const server = createServer((incoming, outgoing) => {
    const sent: Buffer[] = [];
    incoming.on("data", (chunk: Buffer) => sent.push(chunk));
    incoming.on("end", () => {
      const body = Buffer.concat(sent);
      const { method = "", url = "" } = incoming;
      const forwarded = forwardRequest(
        { hostname: target.hostname, port: target.port, method, path: url, headers: incoming.headers },
        (answered) => {
          const received: Buffer[] = [];
          answered.on("data", (chunk: Buffer) => received.push(chunk));
          answered.on("end", () => {
            const answer = Buffer.concat(received);
            const headers = plainHeaders(answered.headers);
            const status = answered.statusCode ?? 0;
            recordings.push({
              part: partOf(url),
              method,
              path: url,
              headers: plainHeaders(incoming.headers),
              body: body.toString("utf8"),
              answer: { status, headers, body: textOf(answer, headers["content-encoding"]) },
            });
            outgoing.writeHead(status, answered.headers);
            outgoing.end(answer);
          });
        },
      );
      forwarded.on("error", () => incoming.socket.destroy());
      forwarded.end(body);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    recordings,
    leadTo: (origin) => {
      target = new URL(origin);
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** The service whose path it is; sign-in is all the rest. */
export function partOf(path: string): Part {
  const first = path.split(/[/?]/)[1]?.toLowerCase() ?? "";
  const parts: Record<string, Part> = {
    adminapi: "exchange",
    "v1.0": "graph",
    beta: "graph",
    api: "dataverse",
    _tenant: "control",
  };
  return parts[first] ?? "login";
}

function plainHeaders(headers: IncomingHttpHeaders): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(", ") : (value ?? "")]),
  );
}

/** Exchange's 403 calls NUL bytes gzip; they are text as they are. */
function textOf(body: Buffer, encoding: string | undefined): string {
  const isGzip = encoding === "gzip" && body[0] === 0x1f && body[1] === 0x8b;
  return (isGzip ? gunzipSync(body) : body).toString("utf8");
}
