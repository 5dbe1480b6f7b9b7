/**
 * What clients were told to wait for, and how many requests came all the same. A client cannot know of an answer that has not reached it, so a
 * request counts only once the client has had the answer for certain.
 */
import type { Socket } from "node:net";
import type { ServiceName } from "./faults";
import { lowerCased } from "./message";
import type { Tenant } from "./tenant";
import { isPlainObject } from "./values";

/** A request that was taken, as far as waits are concerned. */
export interface Taken {
  service: ServiceName;
  /** The application in the token. */
  appId?: string | undefined;
  /** Path and query as sent. */
  path: string;
  /** What was asked inside it. */
  inner?: readonly { id: string; path: string }[] | undefined;
  /** The connection it came by. */
  socket: Socket;
}

/** A wait that an answer asked for; times by the tenant's clock. */
interface Wait {
  /** Whom it concerns: service, application and, where only one mailbox is busy, the mailbox. */
  scope: string;
  since: number;
  until: number;
  /** The connection the answer went out by: whoever uses it again has had the answer. */
  socket: Socket;
}

/** By name in lower case. */
type Headers = Readonly<Record<string, string>>;

/** Milliseconds for which a request may have been on its way already when an answer went out by another connection. */
const ON_ITS_WAY = 500;

const byTenant = new WeakMap<Tenant, Patience>();

/** The record of a tenant's waits. */
export function patienceOf(tenant: Tenant): Patience {
  const patience = byTenant.get(tenant) ?? new Patience(() => tenant.now());
  byTenant.set(tenant, patience);
  return patience;
}

/** Waits that were asked for, and the requests that did not heed them. In memory: a restart forgets it. */
export class Patience {
  readonly #now: () => number;
  #waits: Wait[] = [];
  #tooEarly = 0;

  /** @param now the tenant's time. */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** Requests that came before a wait was over, or beyond a limit that is documented as a number. */
  get tooEarly(): number {
    return this.#tooEarly;
  }

  /** Begins to count anew. Waits that are not over stay. */
  clear(): void {
    this.#tooEarly = 0;
  }

  /** Forgets the waits as well: a tenant that is reset has told nobody anything. */
  forget(): void {
    this.clear();
    this.#waits = [];
  }

  /** Counts a request beyond a limit that a client knows from the documentation. */
  beyondLimit(): void {
    this.#tooEarly += 1;
  }

  /** Takes a request in. */
  take(request: Taken): void {
    if (this.#waits.length === 0) {
      return;
    }
    const now = this.#now();
    this.#waits = this.#waits.filter(({ until }) => until > now);
    const scopes = scopesOf(request);
    const isEarly = this.#waits.some(
      ({ scope, since, socket }) => scopes.includes(scope) && (socket === request.socket || now - since > ON_ITS_WAY),
    );
    if (isEarly) {
      this.#tooEarly += 1;
    }
  }

  /** Remembers what the answer to a request asks for, and what the answers inside it do. */
  answered(request: Taken, answer: { status: number; headers: Headers }, body?: Buffer): void {
    this.#note(request, request.path, answer.status, answer.headers);
    for (const { path, status, headers } of innerAnswers(request, body)) {
      this.#note(request, path, status, headers);
    }
  }

  #note(request: Taken, path: string, status: number, headers: Headers): void {
    const now = this.#now();
    const milliseconds = waitIn(status, headers, now);
    if (milliseconds > 0) {
      const scope = scopeOf(request, path);
      this.#waits.push({ scope, since: now, until: now + milliseconds, socket: request.socket });
    }
  }
}

/** What inside a batch was answered, with the path that was asked, where something was refused for now. */
function innerAnswers({ inner = [] }: Taken, body?: Buffer): { path: string; status: number; headers: Headers }[] {
  // Nearly every batch holds none, and to parse them all would take longer than to answer them.
  if (inner.length === 0 || !body || ![429, 503].some((status) => body.includes(`"status":${status}`))) {
    return [];
  }
  const { responses }: { responses?: unknown } = JSON.parse(body.toString());
  return (Array.isArray(responses) ? responses : []).filter(isPlainObject).map(({ id, status, headers }) => ({
    path: inner.find((one) => one.id === String(id))?.path ?? "",
    status: Number(status),
    headers: lowerCased(isPlainObject(headers) ? (headers as Record<string, string>) : {}),
  }));
}

/** Milliseconds for which an answer asks to be left alone; 0 where it does not. */
function waitIn(status: number, headers: Headers, now: number): number {
  const after = status === 429 || status === 503 ? momentsIn(headers["retry-after"], now) : 0;
  const isUsedUp = headers["rate-limit-remaining"]?.trim() === "0";
  return Math.max(after, isUsedUp ? momentsIn(headers["rate-limit-reset"], now) : 0);
}

/** Milliseconds until what a header says, in seconds or as a moment. */
function momentsIn(value: string | undefined, now: number): number {
  const seconds = Number(value ?? Number.NaN);
  const until = Number.isNaN(seconds) ? Date.parse(value ?? "") - now : seconds * 1000;
  return Number.isNaN(until) ? 0 : until;
}

const outlook =
  /^\/?(?:v1\.0\/)?users\/([^/?]+)\/(?:mailboxSettings|mailFolders|messages|outlook|inferenceClassification)/i;

/** The mailbox whose store a path of Graph leads to, in lower case. */
function mailboxIn(path: string): string | undefined {
  return outlook.exec(path)?.[1]?.toLowerCase();
}

/** What a wait concerns: one mailbox, where the path leads into its store, or else the service. */
function scopeOf({ service, appId = "" }: Taken, path: string): string {
  // @documented graph.mailbox-limits-apart: A wait in the store of one mailbox does not concern other mailboxes [Microsoft Graph:
  // throttling limits, Outlook, limits per mailbox]
  const mailbox = service === "graph" ? mailboxIn(path) : undefined;
  return `${service} ${appId} ${mailbox ?? ""}`;
}

/** All that a request has to wait for. */
function scopesOf(request: Taken): string[] {
  const paths = [request.path, ...(request.inner ?? []).map(({ path }) => path)];
  return [scopeOf(request, ""), ...paths.map((path) => scopeOf(request, path))];
}
