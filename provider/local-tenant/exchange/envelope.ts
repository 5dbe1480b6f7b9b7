import { randomUUID } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import type { Tenant } from "../tenant";
import { pagingExpired } from "./errors";

/** A value that carries its .NET type beside it on the wire (`WhenCreated@data.type`). */
export class Typed {
  readonly type: string;
  readonly value: string | null;

  constructor(type: string, value: string | null) {
    this.type = type;
    this.value = value;
  }
}

/** A point in time as Exchange prints it, or null. `iso`: ISO 8601 in UTC. */
export function dateTime(iso: string | null): Typed {
  return new Typed(
    "System.DateTime",
    iso === null ? null : iso.replace(/(?:\.(\d{3}))?Z$/, (_, ms) => `.${ms ?? "000"}0000+00:00`),
  );
}

/** A GUID as Exchange prints it. */
export function guid(value: string): Typed {
  return new Typed("System.Guid", value);
}

/** A whole number too large for JavaScript: a JSON number all the same, of which most readers lose the last digits. */
export class LargeNumber {
  readonly digits: string;

  constructor(digits: string) {
    this.digits = digits;
  }

  toJSON(): string {
    return `\u0000${this.digits}\u0000`;
  }
}

/** JSON of an answer, with its {@link LargeNumber}s as numbers. */
export function jsonOf(body: unknown): string {
  const text = JSON.stringify(body);
  return text.includes("\\u0000") ? text.replaceAll(/"\\u0000(\d+)\\u0000"/g, "$1") : text;
}

/** One output object of a cmdlet; arrays and `Typed` values get their side-car keys when it is written. */
export type Row = Record<string, unknown>;

/** A row that is printed once it is answered: a listing has more of them than its page. */
export type Printing = Row | (() => Row);

/** What a cmdlet gives back. `rows` undefined: a cmdlet that has no output, whose answer carries no `value`. */
export interface Output {
  rows: Printing[] | undefined;
  warnings: string[];
}

/** Longest page, and the page of a request that names no size. */
const longestPage = 1000;

/** The page size of a `Prefer` header: `odata.maxpagesize=100`, blanks allowed. */
export function pageSize(prefer: string | undefined): number {
  // @observed exchange.page-size: odata.maxpagesize up to 1000; the nextLink is posted with the same body and expires [CIPP,
  // ExoHelper; expiry text by graph2otel]
  const size = Number(/odata\.maxpagesize\s*=\s*(\d+)/i.exec(prefer ?? "")?.[1] ?? longestPage);
  return Math.min(Math.max(size, 1), longestPage);
}

/** Rest of a listing, waiting for its nextLink to be posted. */
interface Continuation {
  rows: Printing[];
  size: number;
  /** What was posted; the continuation wants the same again. */
  content: unknown;
  madeAt: number;
}

/** The listings whose next page is still to be fetched. Lost with the process, as the service's sessions are. */
export class Pages {
  // @observed exchange.link-replay: A nextLink is good once, and until it expires (setting nextLinkLifetime); then it is a
  // System.Exception [graph2otel, four ways of replaying; body in Microsoft Q&A 1023619]
  readonly #waiting = new Map<string, Continuation>();
  readonly #tenant: Tenant;

  constructor(tenant: Tenant) {
    this.#tenant = tenant;
  }

  /** Cuts the first page off `rows`; `token` names the rest, if there is one. */
  first(rows: Printing[], size: number, content: unknown): { page: Printing[]; token?: string } {
    if (rows.length <= size) {
      return { page: rows };
    }
    const token = randomUUID();
    this.#forgetOld();
    this.#waiting.set(token, { rows: rows.slice(size), size, content, madeAt: this.#tenant.now() });
    return { page: rows.slice(0, size), token };
  }

  /** The page a nextLink stands for. A link is good once, and only until it expires. */
  next(token: string, content: unknown): { page: Printing[]; token?: string } {
    const found = this.#waiting.get(token);
    const lifetime = this.#tenant.settings.nextLinkLifetime;
    const isExpired = lifetime === 0 || found === undefined || this.#tenant.now() - found.madeAt > lifetime;
    if (isExpired || !isDeepStrictEqual(found.content, content)) {
      throw pagingExpired();
    }
    if (!this.#tenant.isContrary("exchange.link-replay")) {
      this.#waiting.delete(token);
    }
    return this.first(found.rows, found.size, content);
  }

  #forgetOld(): void {
    for (const [token, { madeAt }] of this.#waiting) {
      if (this.#tenant.now() - madeAt > this.#tenant.settings.nextLinkLifetime) {
        this.#waiting.delete(token);
      }
    }
  }
}

/** The body of a success. `select`: the `$select` query parameter. */
export function envelope(
  context: string,
  output: Output,
  select: string | undefined,
  nextLink: string | undefined,
): Record<string, unknown> {
  // @observed exchange.value-absent: value is absent for cmdlets without output [ExoHelper, CIPP]
  // @observed exchange.micro-delay: By the setting microDelay each answer warns that it was held back [Microsoft KB 2881759]
  const wanted = select
    ?.split(",")
    .map((name) => name.trim().toLowerCase())
    .filter((name) => name !== "");
  return {
    "@odata.context": context,
    "adminapi.warnings@odata.type": "#Collection(String)",
    "@adminapi.warnings": output.warnings,
    ...(nextLink === undefined ? {} : { "@odata.nextLink": nextLink }),
    ...(output.rows === undefined
      ? {}
      : { value: output.rows.map((row) => written(typeof row === "function" ? row() : row, wanted)) }),
  };
}

function written(row: Row, wanted: readonly string[] | undefined): Record<string, unknown> {
  // @observed exchange.annotations-beside: Side-car keys with @ beside arrays and dates [ExoHelper, graph2otel]
  const result: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(row)) {
    if (wanted !== undefined && wanted.length > 0 && !wanted.includes(name.toLowerCase())) {
      continue;
    }
    if (value instanceof Typed) {
      result[`${name}@data.type`] = value.type;
      result[name] = value.value;
    } else {
      if (Array.isArray(value)) {
        const holdsObjects = value.some((each) => typeof each === "object");
        result[`${name}@odata.type`] = holdsObjects ? "#Collection(Exchange.GenericHashTable)" : "#Collection(String)";
      }
      result[name] = value;
    }
  }
  return result;
}
