/** A small HTTP server on the loopback that answers as it is told and remembers what it was asked. */
import { createServer, type IncomingHttpHeaders, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Call, CallContext, TokenOptions, TokenSource } from "../../provider/http/call";
import { Pipeline, type PipelineOptions } from "../../provider/http/pipeline";

export interface Asked {
  method: string;
  url: string;
  headers: IncomingHttpHeaders;
  body: string;
  /** Epoch milliseconds of arrival. */
  at: number;
}

/** What is answered: a status with headers and body, or a lost answer. */
export type Reply =
  | { status: number; headers?: Record<string, string>; body?: string | Buffer | object; after?: number }
  | "close";

export interface Service {
  origin: string;
  asked: Asked[];
  /** The most requests that were open at the same time. */
  mostAtOnce: () => number;
  stop: () => Promise<void>;
}

function write(response: ServerResponse, reply: Exclude<Reply, "close">): void {
  const { body } = reply;
  const isJson = typeof body === "object" && !Buffer.isBuffer(body);
  response.writeHead(reply.status, { ...(isJson ? { "content-type": "application/json" } : {}), ...reply.headers });
  response.end(isJson ? JSON.stringify(body) : body);
}

/** Starts a service that answers each request with the next reply, and goes on with the last one. */
export async function startService(...replies: (Reply | ((asked: Asked) => Reply))[]): Promise<Service> {
  const asked: Asked[] = [];
  let open = 0;
  let most = 0;
  const server = createServer((request, response) => {
    open += 1;
    most = Math.max(most, open);
    response.on("close", () => {
      open -= 1;
    });
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const entry: Asked = {
        method: request.method ?? "",
        url: request.url ?? "",
        headers: request.headers,
        body: Buffer.concat(chunks).toString("utf8"),
        at: Date.now(),
      };
      asked.push(entry);
      const chosen: Reply | ((asked: Asked) => Reply) = replies[Math.min(asked.length, replies.length) - 1] ?? {
        status: 200,
      };
      const reply = typeof chosen === "function" ? chosen(entry) : chosen;
      if (reply === "close") {
        request.socket.destroy();
      } else if (reply.after === undefined) {
        write(response, reply);
      } else {
        setTimeout(() => write(response, reply), reply.after).unref();
      }
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    mostAtOnce: () => most,
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => {
        server.close(resolve);
      });
    },
  };
}

/** Tokens that are counted: `token-1`, `token-2` after a refresh. */
export class CountedTokens implements TokenSource {
  issued = 1;
  readonly options: TokenOptions[] = [];

  async token(_service: unknown, options: TokenOptions = {}): Promise<string> {
    this.options.push(options);
    if (options.forceRefresh === true) {
      this.issued += 1;
    }
    return `token-${this.issued}`;
  }
}

/** Waits that make tests quick; the rules are the product's. */
export const QUICK: NonNullable<PipelineOptions["retry"]> = {
  throttled: { first: 5, longest: 20, attempts: Number.POSITIVE_INFINITY },
  transient: { first: 5, longest: 20, attempts: 4 },
  unreachable: { first: 5, longest: 10, attempts: 3 },
};

export function pipelineTo(origin: string, options: Partial<PipelineOptions> = {}): Pipeline {
  return new Pipeline({
    endpoints: { login: origin, graph: origin, exchange: origin },
    environmentUrl: origin,
    tokens: new CountedTokens(),
    retry: QUICK,
    ...options,
  });
}

export function within(milliseconds: number, signal: AbortSignal = new AbortController().signal): CallContext {
  return { signal, deadline: Date.now() + milliseconds };
}

export const READ: Call = {
  service: "graph",
  method: "GET",
  path: "/v1.0/users/ada@contoso.com",
  kind: "read",
  action: "reading ada@contoso.com",
};

export const CMDLET: Call = {
  service: "exchange",
  method: "POST",
  path: "/adminapi/beta/contoso.com/InvokeCommand",
  body: { CmdletInput: { CmdletName: "Get-Mailbox", Parameters: { Identity: "support@contoso.com" } } },
  kind: "read",
  cmdlet: "Get-Mailbox",
  action: "reading support@contoso.com",
};

export const WRITE: Call = {
  ...CMDLET,
  body: { CmdletInput: { CmdletName: "New-Mailbox", Parameters: { Name: "support", Shared: true } } },
  kind: "write",
  cmdlet: "New-Mailbox",
  action: "creating support@contoso.com",
};

/** The error that a promise rejects with. */
export async function failureOf(promise: Promise<unknown>): Promise<Error & Record<string, unknown>> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof Error) {
      return error as Error & Record<string, unknown>;
    }
    throw error;
  }
  throw new Error("it did not fail");
}
