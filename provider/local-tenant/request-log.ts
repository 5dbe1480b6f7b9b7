import type { ServiceName } from "./faults";
import { isPlainObject, memberOf, parsedJson } from "./values";

/** A request inside a `$batch`. */
export interface InnerRequest {
  /** Its id in the batch. */
  id: string;
  method: string;
  path: string;
  cmdlet?: string;
  isWrite: boolean;
}

/** A request the tenant was sent. Passwords, secrets and tokens in bodies read "[redacted]"; headers are not kept. */
export interface LoggedRequest {
  id: number;
  /** Tenant time, ISO 8601. */
  at: string;
  service: ServiceName;
  method: string;
  /** Path and query as sent. */
  path: string;
  /** Exchange's cmdlet; a batch has its cmdlets in `inner`. */
  cmdlet?: string;
  inner?: InnerRequest[];
  /** False for GET, HEAD and Get-* cmdlets, and for a batch of nothing but these. Sign-in is never a write. */
  isWrite: boolean;
  /** The application in the token, whether or not the token is good. */
  appId?: string;
  /** The answer's status; null while the request is in hand, and when the connection was closed with no answer. */
  status: number | null;
  /** Milliseconds from the request to its answer; absent while it is in hand. */
  took?: number;
  /** Parsed when it is JSON, otherwise text; absent when empty. */
  body?: unknown;
  /** Absent also where it was forgotten: the newest ones are kept, of 32 MB at least. */
  answer?: unknown;
}

/** Requests counted since the log was last cleared. Those inside a batch are counted one by one, their batch as `batches`. */
export interface RequestCounts {
  /** Requests over the wire by service, a batch as one. */
  requests: Record<string, number>;
  total: number;
  writes: number;
  batches: number;
  byService: Record<string, { reads: number; writes: number }>;
  byCmdlet: Record<string, number>;
  byStatus: Record<string, number>;
  /**
   * Requests over the wire that came before a wait was over that an answer had asked for (`Retry-After` of a 429 or 503,
   * `Rate-Limit-Reset`), or as the fifth of an application in flight in one mailbox of Graph.
   */
  tooEarly: number;
}

/** Older requests are dropped from the list; the counts go on. */
const KEPT = 10_000;

/** Bytes of answers that are kept until somebody looks. Beyond, the older half is listed without its answers. */
const KEPT_BYTES = 64 * 2 ** 20;

/** What a tenant was asked, in memory: a restart forgets it. */
export class RequestLog {
  #requests: LoggedRequest[] = [];
  #counts = emptyCounts();
  #next = 1;
  /** What is kept as it came: most of it is never looked at. */
  readonly #unread = new Map<LoggedRequest, { text: string; answer?: Buffer | undefined }>();
  /** Bytes of the answers among it. */
  #bytes = 0;

  get requests(): readonly LoggedRequest[] {
    for (const [entry, { text, answer }] of this.#unread) {
      if (text !== "") {
        entry.body = redact(secretValue(entry.path, parsedJson(text) ?? text));
      }
      if (answer !== undefined) {
        entry.answer = redact(parsedJson(answer.toString()) ?? answer.toString());
      }
    }
    this.#unread.clear();
    this.#bytes = 0;
    return this.#requests;
  }

  get counts(): Omit<RequestCounts, "tooEarly"> {
    return structuredClone(this.#counts);
  }

  clear(): void {
    this.#unread.clear();
    this.#bytes = 0;
    this.#requests = [];
    this.#counts = emptyCounts();
  }

  /** Logs a request as it comes in; `settled` completes the entry. */
  add(request: Pick<LoggedRequest, "at" | "service" | "method" | "path" | "appId">, text: string): LoggedRequest {
    const body = parsedJson(text) ?? text;
    const cmdlet = request.service === "exchange" ? cmdletOf(body) : undefined;
    const inner = innerRequests(request.service, body);
    const entry: LoggedRequest = {
      id: this.#next,
      ...request,
      ...(cmdlet === undefined ? {} : { cmdlet }),
      ...(inner.length === 0 ? {} : { inner }),
      isWrite:
        inner.length === 0
          ? isWrite(request.service, request.method, request.path, cmdlet)
          : inner.some((one) => one.isWrite),
      status: null,
    };
    this.#unread.set(entry, { text });
    this.#next += 1;
    this.#requests.push(entry);
    if (this.#requests.length > KEPT) {
      for (const dropped of this.#requests.splice(0, this.#requests.length - KEPT)) {
        this.#bytes -= this.#unread.get(dropped)?.answer?.length ?? 0;
        this.#unread.delete(dropped);
      }
    }
    this.#count(entry);
    return entry;
  }

  /** Completes an entry with its answer; `status` null when the connection was closed instead. */
  settled(entry: LoggedRequest, status: number | null, answer: Buffer | undefined, took: number): void {
    entry.status = status;
    entry.took = took;
    if (answer !== undefined) {
      this.#unread.set(entry, { text: "", ...this.#unread.get(entry), answer });
      this.#bytes += answer.length;
      this.#forgetAnswers();
    }
    const key = status === null ? "closed" : String(status);
    this.#counts.byStatus[key] = (this.#counts.byStatus[key] ?? 0) + 1;
  }

  /** Forgets the oldest answers that are too much together. */
  #forgetAnswers(): void {
    for (const one of this.#bytes > KEPT_BYTES ? this.#unread.values() : []) {
      this.#bytes -= one.answer?.length ?? 0;
      one.answer = undefined;
      if (this.#bytes <= KEPT_BYTES / 2) {
        return;
      }
    }
  }

  #count(entry: LoggedRequest): void {
    const counts = this.#counts;
    counts.requests[entry.service] = (counts.requests[entry.service] ?? 0) + 1;
    if (entry.inner !== undefined) {
      counts.batches += 1;
    }
    for (const one of entry.inner ?? [entry]) {
      const service = counts.byService[entry.service] ?? { reads: 0, writes: 0 };
      counts.byService[entry.service] = service;
      counts.total += 1;
      counts.writes += one.isWrite ? 1 : 0;
      service[one.isWrite ? "writes" : "reads"] += 1;
      if (one.cmdlet !== undefined) {
        counts.byCmdlet[one.cmdlet] = (counts.byCmdlet[one.cmdlet] ?? 0) + 1;
      }
    }
  }
}

function emptyCounts(): Omit<RequestCounts, "tooEarly"> {
  return { requests: {}, total: 0, writes: 0, batches: 0, byService: {}, byCmdlet: {}, byStatus: {} };
}

/** The cmdlet a body of Exchange's names, as it is spelt there. */
export function cmdletOf(body: unknown): string | undefined {
  const input = isPlainObject(body) ? memberOf(body, "CmdletInput") : undefined;
  const name = isPlainObject(input) ? memberOf(input, "CmdletName") : undefined;
  return typeof name === "string" ? name : undefined;
}

function innerRequests(service: ServiceName, body: unknown): InnerRequest[] {
  const requests = isPlainObject(body) && Array.isArray(body.requests) ? body.requests.filter(isPlainObject) : [];
  return requests.map((request) => {
    const method = typeof request.method === "string" ? request.method.toUpperCase() : "GET";
    const path = typeof request.url === "string" ? request.url : "";
    const inside = typeof request.body === "string" ? parsedJson(request.body) : request.body;
    const cmdlet = service === "exchange" ? cmdletOf(inside) : undefined;
    const inner = { id: String(request.id ?? ""), method, path, isWrite: isWrite(service, method, path, cmdlet) };
    return cmdlet === undefined ? inner : { ...inner, cmdlet };
  });
}

/** Graph actions that are sent by POST and change nothing. */
const readingActions = /\/(getByIds|validateProperties|checkMemberGroups|getMemberGroups|getMailTips)(\?|$)/i;

function isWrite(service: ServiceName, method: string, path: string, cmdlet: string | undefined): boolean {
  if (service === "login" || method === "GET" || method === "HEAD") {
    return false;
  }
  if (service === "exchange" && cmdlet !== undefined) {
    return !/^(get|test)-/i.test(cmdlet);
  }
  return !(service === "graph" && readingActions.test(path));
}

const secretKey = /(password|secret|assertion|token)$/i;
const secretText = /((?:password|secret|assertion|token)"?\s*[=:]\s*)("(?:[^"\\]|\\.)*"|[^&\s"]+)/gi;

/** A body that sets one property by `{"value": …}`, without the value where the path ends in a secret's name. */
function secretValue(path: string, body: unknown): unknown {
  const property = path.split("?")[0]?.split("/").at(-1) ?? "";
  return isPlainObject(body) && "value" in body && secretKey.test(property) ? { ...body, value: "[redacted]" } : body;
}

function redact(value: unknown): unknown {
  if (typeof value === "string") {
    return value.replace(secretText, "$1[redacted]");
  }
  if (Array.isArray(value)) {
    return value.map(redact);
  }
  if (!isPlainObject(value)) {
    return value;
  }
  return Object.fromEntries(
    Object.entries(value).map(([key, inside]) => [
      key,
      typeof inside === "string" && secretKey.test(key) ? "[redacted]" : redact(inside),
    ]),
  );
}
