import { appendFileSync, existsSync, readFileSync, truncateSync, writeFileSync } from "node:fs";

/** A service of the tenant as a reader: each sees the others' writes only after its own lag. */
export type Reader = "exchange" | "graph" | "dataverse";

/** One committed version of a row; `value` null is a deletion. `at` is tenant time in milliseconds. */
interface Version {
  at: number;
  value: unknown;
}

type Operation = [table: string, key: string, value: unknown];

/** How long the versions that a lagging reader may still need are kept, in milliseconds of tenant time. */
const KEPT = 24 * 60 * 60 * 1000;

/**
 * The tenant's memory: tables of rows, each row with the versions a lagging reader may still see, and an append-only journal
 * of JSON lines. A line is written before the answer that reports it is sent; opening a journal replays it.
 */
export class Store {
  readonly #tables = new Map<string, Map<string, Version[]>>();
  readonly #journal: string | undefined;
  readonly #now: () => number;
  readonly #lag: (reader: Reader) => number;
  #version = 0;
  #lastCommit = 0;

  /** `journal`: path of the journal file, or undefined to keep everything in memory. `now`: the tenant's clock. */
  constructor(journal: string | undefined, now: () => number, lag: (reader: Reader) => number) {
    this.#journal = journal;
    this.#now = now;
    this.#lag = lag;
    if (journal !== undefined) {
      if (existsSync(journal)) {
        this.#open(journal);
      } else {
        writeFileSync(journal, "", { mode: 0o600 });
      }
    }
  }

  /** True when nothing was ever committed: a tenant to be seeded. */
  get isEmpty(): boolean {
    return this.#tables.size === 0;
  }

  /** Whether the tenant outlives its process. */
  get hasJournal(): boolean {
    return this.#journal !== undefined;
  }

  /** Counts what was committed: what was read at one version holds as long as it is the same. */
  get version(): number {
    return this.#version;
  }

  /** Whether `reader` sees everything that was committed. */
  isSettled(reader: Reader): boolean {
    return this.#lastCommit <= this.#now() - this.#lag(reader);
  }

  /** The row as the service that owns it knows it, or undefined. The value is a copy: change it and `put` it back. */
  get<T>(table: string, key: string): T | undefined {
    return copyOf(present(latest(this.#tables.get(table)?.get(key)))) as T | undefined;
  }

  /** All rows of a table in order of first insertion, newest version of each. They are frozen: `get` gives one to change. */
  all<T>(table: string): T[] {
    return [...(this.#tables.get(table)?.values() ?? [])].map(latest).filter(isValue) as T[];
  }

  /** The row as `reader` sees it now, its lag taken into account. */
  seen<T>(reader: Reader, table: string, key: string): T | undefined {
    return copyOf(present(this.#asSeen(reader, this.#tables.get(table)?.get(key)))) as T | undefined;
  }

  /** All rows of a table as `reader` sees them now, frozen. */
  allSeen<T>(reader: Reader, table: string): T[] {
    return [...(this.#tables.get(table)?.values() ?? [])]
      .map((versions) => this.#asSeen(reader, versions))
      .filter(isValue) as T[];
  }

  /** Names of all tables that hold or held a row. */
  get tables(): string[] {
    return [...this.#tables.keys()];
  }

  /** All rows of a table with their keys, newest version of each. */
  entries<T>(table: string): [key: string, value: T][] {
    return [...(this.#tables.get(table) ?? [])]
      .map(([key, versions]): [string, unknown] => [key, present(latest(versions))])
      .filter((entry): entry is [string, T] => entry[1] !== undefined);
  }

  /**
   * Writes rows as one journal line; a value of undefined or null deletes. `at` is the tenant time from which readers without
   * lag see them, default now; a seed gives 0, so that lagging readers see it at once.
   */
  commit(operations: readonly (readonly [table: string, key: string, value: unknown])[], at = this.#now()): void {
    if (operations.length === 0) {
      return;
    }
    const plain = JSON.parse(JSON.stringify(operations.map(([t, k, v]) => [t, k, v ?? null]))) as Operation[];
    if (this.#journal !== undefined) {
      appendFileSync(this.#journal, `${JSON.stringify({ at, ops: plain })}\n`);
    }
    this.#apply(at, plain);
  }

  put(table: string, key: string, value: unknown): void {
    this.commit([[table, key, value]]);
  }

  delete(table: string, key: string): void {
    this.commit([[table, key, null]]);
  }

  /** Forgets every row and empties the journal. */
  clear(): void {
    this.#version += 1;
    this.#tables.clear();
    if (this.#journal !== undefined) {
      truncateSync(this.#journal);
    }
  }

  #asSeen(reader: Reader, versions: Version[] | undefined): unknown {
    const horizon = this.#now() - this.#lag(reader);
    return versions?.findLast((version) => version.at <= horizon)?.value;
  }

  #apply(at: number, operations: Operation[]): void {
    this.#version += 1;
    this.#lastCommit = Math.max(this.#lastCommit, at);
    for (const [table, key, value] of operations) {
      const rows = this.#tables.get(table) ?? new Map<string, Version[]>();
      this.#tables.set(table, rows);
      const versions = rows.get(key) ?? [];
      rows.set(key, versions);
      versions.push({ at, value: frozen(value) });
      const needed = versions.findLastIndex((version) => version.at <= at - KEPT);
      versions.splice(0, Math.max(0, needed));
    }
  }

  #open(journal: string): void {
    const bytes = readFileSync(journal);
    // A process killed while it appended leaves half a last line; its answer was never sent, so nothing is lost. It has to go:
    // the next line would be appended to it and be unreadable too.
    const whole = bytes.lastIndexOf("\n") + 1;
    if (whole < bytes.length) {
      truncateSync(journal, whole);
    }
    const lines = bytes.toString("utf8", 0, whole).split("\n");
    for (const [index, line] of lines.entries()) {
      if (line === "") {
        continue;
      }
      const entry = entryOf(line);
      if (entry === undefined) {
        throw new Error(`${journal}: line ${index + 1} is not a line of a local tenant's journal`);
      }
      this.#apply(entry.at, entry.ops);
    }
  }
}

function entryOf(line: string): { at: number; ops: Operation[] } | undefined {
  try {
    const entry: unknown = JSON.parse(line);
    return typeof entry === "object" && entry !== null && "at" in entry && "ops" in entry && Array.isArray(entry.ops)
      ? { at: Number(entry.at), ops: entry.ops }
      : undefined;
  } catch {
    return undefined;
  }
}

function latest(versions: Version[] | undefined): unknown {
  return versions?.at(-1)?.value;
}

function isValue(value: unknown): boolean {
  return value !== undefined && value !== null;
}

function present(value: unknown): unknown {
  return isValue(value) ? value : undefined;
}

/** A row of its own for who changes rows in place. */
export function copyOf<T>(value: T): T {
  if (typeof value !== "object" || value === null) {
    return value;
  }
  if (Array.isArray(value)) {
    return value.map(copyOf) as T;
  }
  return Object.fromEntries(Object.entries(value).map(([name, inside]) => [name, copyOf(inside)])) as T;
}

/** Every request reads many rows: they are handed out themselves, and frozen, because a copy of each would be most of its time. */
function frozen(value: unknown): unknown {
  if (typeof value === "object" && value !== null) {
    for (const inside of Object.values(value)) {
      frozen(inside);
    }
    Object.freeze(value);
  }
  return value;
}
