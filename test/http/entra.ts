/** A sign-in on the loopback that issues tokens as Entra does, over http or https. */
import { createServer as createPlain, type IncomingMessage, type ServerResponse } from "node:http";
import { Agent, createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { generate } from "selfsigned";

export interface Entra {
  origin: string;
  /** The forms of the token requests, in order. */
  forms: Record<string, string>[];
  /** Paths of everything that was asked. */
  paths: string[];
  /** What the next token requests are answered with in place of a token; `times` of them, else all. */
  refuse: (status: number, error: object | undefined, times?: number) => void;
  /** From here on this process does not know the certificate. */
  distrust: () => void;
  stop: () => Promise<void>;
}

export const AADSTS =
  "AADSTS7000215: Invalid client secret provided. Ensure the secret being sent is the value.\r\nTrace ID: 0\r\nTimestamp: 1";

/** A key and a certificate that fit, as PEM. */
export async function certificate(): Promise<{ key: string; cert: string }> {
  const made = await generate([{ name: "commonName", value: "localhost" }], {
    keySize: 2048,
    extensions: [{ name: "subjectAltName", altNames: [{ type: 7, ip: "127.0.0.1" }] }],
  });
  return { key: made.private, cert: made.cert };
}

interface Connecting {
  createConnection: (options: object, ...more: unknown[]) => unknown;
}

/** What NODE_EXTRA_CA_CERTS does, for a process that runs already: @azure/identity makes its own agents. */
function trust(ca: string): () => void {
  const prototype = Agent.prototype as unknown as Connecting;
  const original = prototype.createConnection;
  prototype.createConnection = function (this: unknown, options, ...more) {
    return original.call(this, { ...options, ca }, ...more);
  };
  return () => {
    prototype.createConnection = original;
  };
}

/** @param tls Over https, trusted by this process, when a key and a certificate are given. */
export async function startEntra(tls?: { key: string; cert: string }): Promise<Entra> {
  const forms: Record<string, string>[] = [];
  const paths: string[] = [];
  let refusal: { status: number; error: object; left: number } | undefined;
  let origin = "";
  const send = (response: ServerResponse, status: number, body: object): void => {
    response.writeHead(status, { "content-type": "application/json" });
    response.end(JSON.stringify(body));
  };
  const answer = (request: IncomingMessage, response: ServerResponse, body: string): void => {
    const path = (request.url ?? "").replace(/\?.*/, "");
    paths.push(path);
    const tenant = path.split("/")[1] ?? "";
    if (path.endsWith("/openid-configuration")) {
      send(response, 200, {
        issuer: `${origin}/${tenant}/v2.0`,
        authorization_endpoint: `${origin}/${tenant}/oauth2/v2.0/authorize`,
        token_endpoint: `${origin}/${tenant}/oauth2/v2.0/token`,
        jwks_uri: `${origin}/${tenant}/discovery/v2.0/keys`,
      });
    } else if (path === "/oidc") {
      send(response, 200, { value: "job-of-github", oidcToken: "job-of-pipelines" });
    } else if (refusal !== undefined && refusal.left > 0) {
      refusal.left -= 1;
      forms.push(Object.fromEntries(new URLSearchParams(body)));
      send(response, refusal.status, refusal.error);
    } else {
      forms.push(Object.fromEntries(new URLSearchParams(body)));
      send(response, 200, { token_type: "Bearer", expires_in: 3600, access_token: `token-${forms.length}` });
    }
  };
  const listen = (request: IncomingMessage, response: ServerResponse): void => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => answer(request, response, Buffer.concat(chunks).toString("utf8")));
  };
  const server = tls === undefined ? createPlain(listen) : createServer(tls, listen);
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  origin = `${tls === undefined ? "http" : "https"}://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const distrust = tls === undefined ? () => {} : trust(tls.cert);
  return {
    origin,
    forms,
    paths,
    refuse: (status, error, times = Number.POSITIVE_INFINITY) => {
      refusal = error === undefined ? undefined : { status, error, left: times };
    },
    distrust,
    stop: async () => {
      distrust();
      server.closeAllConnections();
      await new Promise((resolve) => {
        server.close(resolve);
      });
    },
  };
}
