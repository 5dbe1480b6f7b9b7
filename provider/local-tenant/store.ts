import { appendFileSync, existsSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { isPlainObject, parsedJson } from "./values";

/** A service of the tenant as a reader: each sees the others' writes only after its own lag. */
export type Reader = "exchange" | "graph" | "dataverse";

/** One committed version of a row; `value` null is a deletion. `at` is tenant time in milliseconds. */
interface Version {
  at: number;
  value: unknown;
}

type Operation = [table: string, key: string, value: unknown];

/** A row with the versions that a lagging reader may still see. `place` counts the rows of its table as they came. */
interface Row {
  place: number;
  versions: Version[];
}

/** Texts by which rows of a table are found. The store keeps the index from the first search on. */
export interface Index<T> {
  table: string;
  textsOf: (row: T) => readonly string[];
}

/** Texts to look for, and where. */
export type Search<T> = readonly [index: Index<T>, ...texts: string[]];

/** The rows of each text; most texts have one. */
type Found = Map<string, Row | Set<Row>>;

/** How long the versions that a lagging reader may still need are kept, in milliseconds of tenant time. */
const KEPT = 24 * 60 * 60 * 1000;

/**
 * The tenant's memory: tables of rows, each row with the versions a lagging reader may still see, and an append-only journal
 * of JSON lines. A line is written before the answer that reports it is sent; opening a journal replays it. Rows are handed out
 * frozen: who changes one takes a copy ({@link copyOf}).
 */
export class Store {
  readonly #tables = new Map<string, Map<string, Row>>();
  readonly #indexes = new Map<Index<never>, Found>();
  readonly #journal: string | undefined;
  readonly #now: () => number;
  readonly #lag: (reader: Reader) => number;

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

  /** The row as the service that owns it knows it, or undefined. */
  get<T>(table: string, key: string): T | undefined {
    return this.seen<T>(undefined, table, key);
  }

  /** All rows of a table in order of first insertion, newest version of each. */
  all<T>(table: string): T[] {
    return this.allSeen<T>(undefined, table);
  }

  /** The row as `reader` sees it now, its lag taken into account; undefined = without a lag. */
  seen<T>(reader: Reader | undefined, table: string, key: string): T | undefined {
    return valueAt<T>(this.#tables.get(table)?.get(key), this.#horizon(reader));
  }

  /** All rows of a table as `reader` sees them now, in order of first insertion. */
  allSeen<T>(reader: Reader | undefined, table: string): T[] {
    return this.#values<T>(this.#tables.get(table)?.values() ?? [], reader);
  }

  /** The rows that one of the searches finds as `reader` sees them now, in order of first insertion. */
  find<T>(searches: readonly Search<T>[], reader?: Reader): T[] {
    const rows = new Set<Row>();
    for (const [index, ...texts] of searches) {
      const found = this.#indexes.get(index) ?? this.#indexed(index);
      for (const text of texts) {
        for (const row of rowsIn(found.get(text))) {
          rows.add(row);
        }
      }
    }
    const horizon = this.#horizon(reader);
    const inOrder = rows.size > 1 ? [...rows].sort((a, b) => a.place - b.place) : [...rows];
    return inOrder.flatMap((row) => {
      const value = valueAt<T>(row, horizon);
      // An index knows every version that is kept, so that each reader finds the one it sees. Another one may have been found.
      const isFound = row.versions.length === 1 || searches.some((search) => isIn(search, value));
      return value !== undefined && isFound ? [value] : [];
    });
  }

  /** Names of all tables that hold or held a row. */
  get tables(): string[] {
    return [...this.#tables.keys()];
  }

  /** All rows of a table with their keys, newest version of each. */
  entries<T>(table: string): [key: string, value: T][] {
    return [...(this.#tables.get(table) ?? [])].flatMap(([key, row]): [string, T][] => {
      const value = valueAt<T>(row, undefined);
      return value === undefined ? [] : [[key, value]];
    });
  }

  /**
   * Writes rows as one journal line; a value of undefined or null deletes. `at` is the tenant time from which readers without
   * lag see them, default now; a seed gives 0, so that lagging readers see it at once.
   */
  commit(operations: readonly (readonly [table: string, key: string, value: unknown])[], at = this.#now()): void {
    if (operations.length === 0) {
      return;
    }
    const ops = operations.map(([table, key, value]): Operation => [table, key, value ?? null]);
    if (this.#journal === undefined && ops.every(([, , value]) => Object.isFrozen(value))) {
      // Nobody can change them any more, so that they need no copy: a seed's rows are those of all tenants of the process.
      this.#apply(at, ops);
      return;
    }
    const line = JSON.stringify({ at, ops });
    if (this.#journal !== undefined) {
      appendFileSync(this.#journal, `${line}\n`);
    }
    this.#apply(at, JSON.parse(line).ops);
  }

  put(table: string, key: string, value: unknown): void {
    this.commit([[table, key, value]]);
  }

  delete(table: string, key: string): void {
    this.commit([[table, key, null]]);
  }

  /** Forgets every row and empties the journal. */
  clear(): void {
    this.#tables.clear();
    this.#indexes.clear();
    if (this.#journal !== undefined) {
      truncateSync(this.#journal);
    }
  }

  /** The tenant time up to which `reader` sees what was committed; undefined = all of it. */
  #horizon(reader: Reader | undefined): number | undefined {
    return reader === undefined ? undefined : this.#now() - this.#lag(reader);
  }

  #values<T>(rows: Iterable<Row>, reader: Reader | undefined): T[] {
    const horizon = this.#horizon(reader);
    const values: T[] = [];
    for (const row of rows) {
      const value = valueAt<T>(row, horizon);
      if (value !== undefined) {
        values.push(value);
      }
    }
    return values;
  }

  #indexed<T>(index: Index<T>): Found {
    const found: Found = new Map();
    this.#indexes.set(index, found);
    for (const row of this.#tables.get(index.table)?.values() ?? []) {
      for (const { value } of row.versions) {
        file(found, index, row, value);
      }
    }
    return found;
  }

  #apply(at: number, operations: Operation[]): void {
    for (const [table, key, value] of operations) {
      const rows = this.#tables.get(table) ?? new Map<string, Row>();
      this.#tables.set(table, rows);
      const row = rows.get(key) ?? { place: rows.size, versions: [] };
      rows.set(key, row);
      row.versions.push({ at, value: frozen(value) });
      const needed = row.versions.findLastIndex((version) => version.at <= at - KEPT);
      const dropped = row.versions.splice(0, Math.max(0, needed));
      for (const [index, found] of this.#indexes) {
        if (index.table === table) {
          for (const former of dropped) {
            takeOut(found, index, row, former.value);
          }
          for (const kept of dropped.length > 0 ? row.versions : row.versions.slice(-1)) {
            file(found, index, row, kept.value);
          }
        }
      }
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
    // Line by line: the text of a whole journal may be longer than a string can be.
    for (let start = 0, number = 1; start < whole; number += 1) {
      const end = bytes.indexOf("\n", start);
      const line = bytes.toString("utf8", start, end);
      start = end + 1;
      if (line === "") {
        continue;
      }
      const entry = entryOf(line);
      if (entry === undefined) {
        throw new Error(`${journal}: line ${number} is not a line of a local tenant's journal`);
      }
      this.#apply(entry.at, entry.ops);
    }
  }
}

function entryOf(line: string): { at: number; ops: Operation[] } | undefined {
  const entry = parsedJson(line);
  return isPlainObject(entry) && "at" in entry && Array.isArray(entry.ops)
    ? { at: Number(entry.at), ops: entry.ops }
    : undefined;
}

/** The newest version up to `horizon`, undefined for a row that was deleted or is not there yet. */
function valueAt<T>(row: Row | undefined, horizon: number | undefined): T | undefined {
  const version = horizon === undefined ? row?.versions.at(-1) : row?.versions.findLast((one) => one.at <= horizon);
  return (version?.value ?? undefined) as T | undefined;
}

function rowsIn(entry: Row | Set<Row> | undefined): Iterable<Row> {
  return entry === undefined ? [] : entry instanceof Set ? entry : [entry];
}

function isIn<T>([index, ...texts]: Search<T>, value: T | undefined): boolean {
  const own = textsIn(index, value);
  return texts.some((text) => own.includes(text));
}

function textsIn<T>({ textsOf }: Index<T>, value: unknown): readonly string[] {
  try {
    return value === null || value === undefined ? [] : [...textsOf(value as T)];
  } catch {
    // A row that was put there by hand may lack what the index reads.
    return [];
  }
}

/** Enters a version of a row into an index. */
function file<T>(found: Found, index: Index<T>, row: Row, value: unknown): void {
  for (const text of textsIn(index, value)) {
    const others = found.get(text);
    if (others instanceof Set) {
      others.add(row);
    } else if (others !== row) {
      found.set(text, others === undefined ? row : new Set([others, row]));
    }
  }
}

function takeOut<T>(found: Found, index: Index<T>, row: Row, value: unknown): void {
  for (const text of textsIn(index, value)) {
    const entry = found.get(text);
    if (entry === row) {
      found.delete(text);
    } else if (entry instanceof Set) {
      entry.delete(row);
    }
  }
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

/** Freezes a value with everything in it. */
export function frozen<T>(value: T): T {
  if (typeof value === "object" && value !== null && !Object.isFrozen(value)) {
    for (const inside of Object.values(value)) {
      frozen(inside);
    }
    Object.freeze(value);
  }
  return value;
}
