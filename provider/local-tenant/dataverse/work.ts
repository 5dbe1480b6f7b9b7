import { copyOf } from "../store";
import type { Tenant } from "../tenant";
import { digestOf } from "./body";
import { dataverseTables, type TableName } from "./columns";
import { type AnyRow, entitySets, idOf, type RowOf, schema, type Table, wholeSeconds } from "./schema";

const counterTable = "dv.counter";
const jobsTable = "dv.jobs";

/** Something Dataverse does later on its own. Key: `id`. */
export interface Job {
  /** `test:<mailboxid>` or `mailboxRow:<owner's id>`: at most one of a kind at a time. */
  id: string;
  kind: "test" | "mailboxRow";
  /** The mailbox to test, or the queue or systemuser to make a mailbox record for. */
  table: TableName;
  target: string;
  /** Tenant time in milliseconds from which its outcome shows. */
  due: number;
  /** Who asked, a systemuserid; null for the platform. */
  by: string | null;
}

/** Rows that were changed, by id; null is a row that goes. */
type Staged<V> = Map<string, V | null>;

/**
 * One request's changes: rows are read through it and staged in it, and `commit` writes them as one journal line. Dataverse is
 * consistent with its own writes, so its own rows are read at their newest version; other services' rows are read with its lag.
 */
export class Work {
  readonly #rows: { readonly [T in TableName]: Staged<RowOf[T]> } = {
    mailbox: new Map(),
    emailserverprofile: new Map(),
    queue: new Map(),
    systemuser: new Map(),
    team: new Map(),
    organization: new Map(),
    tracelog: new Map(),
  };
  readonly #jobs: Staged<Job> = new Map();
  #version: number | undefined;

  constructor(
    readonly tenant: Tenant,
    /** The systemuser in whose name rows change; null for the platform. */
    readonly by: string | null,
  ) {}

  /** Tenant time with whole seconds. */
  get time(): string {
    return wholeSeconds(this.tenant.timestamp());
  }

  get<T extends TableName>(table: T, id: string): RowOf[T] | undefined {
    const staged = this.#rows[table].get(id);
    return staged === undefined
      ? copyOf(this.tenant.store.get<RowOf[T]>(dataverseTables[table], id))
      : (staged ?? undefined);
  }

  all<T extends TableName>(table: T): RowOf[T][] {
    const rows = new Map(
      this.tenant.store.all<RowOf[T]>(dataverseTables[table]).map((row) => [idOf(schema[table], row), copyOf(row)]),
    );
    for (const [id, row] of this.#rows[table]) {
      if (row === null) {
        rows.delete(id);
      } else {
        rows.set(id, row);
      }
    }
    return [...rows.values()];
  }

  /** Stages a row with the next version and `modifiedon`. The caller passes a whole row, new or changed. */
  put<T extends TableName>(table: T, row: RowOf[T]): void {
    row.versionnumber = this.#nextVersion(row.versionnumber);
    row.modifiedon = this.time;
    if (this.by !== null) {
      row.modifiedby = { table: "systemuser", id: this.by };
    }
    this.#rows[table].set(idOf(schema[table], row), row);
  }

  remove(table: TableName, id: string): void {
    this.#rows[table].set(id, null);
  }

  /** Jobs not yet finished, oldest first. */
  jobs(): Job[] {
    return this.tenant.store
      .all<Job>(jobsTable)
      .map(copyOf)
      .filter((job) => this.#jobs.get(job.id) !== null)
      .sort((a, b) => a.due - b.due);
  }

  schedule(job: Job): void {
    this.#jobs.set(job.id, job);
  }

  drop(jobId: string): void {
    if (this.#jobs.has(jobId) || this.tenant.store.get(jobsTable, jobId) !== undefined) {
      this.#jobs.set(jobId, null);
    }
  }

  commit(): void {
    const tables: [string, Staged<unknown>][] = Object.values(schema).map(({ name }) => [
      dataverseTables[name],
      this.#rows[name],
    ]);
    const operations = [...tables, [jobsTable, this.#jobs] as const].flatMap(([table, rows]) =>
      [...rows].map(([key, row]) => [table, key, row] as const),
    );
    if (this.#version !== undefined) {
      operations.push([counterTable, "version", { name: "version", value: this.#version }]);
    }
    this.tenant.store.commit(operations);
    this.#version = undefined;
    for (const [, rows] of tables) {
      rows.clear();
    }
    this.#jobs.clear();
  }

  #nextVersion(current: number): number {
    const counted =
      this.#version ?? this.tenant.store.get<{ value: number }>(counterTable, "version")?.value ?? 1_000_000;
    this.#version = Math.max(counted, current) + 1;
    return this.#version;
  }
}

/**
 * Has another writer touch the row that a Web API path names: its version rises, so that an ETag read before is stale. A path
 * that names no row, or one that does not exist, changes nothing.
 */
export function overtake(tenant: Tenant, path: string): void {
  const named = /^\/api\/data\/v[\d.]+\/(\w+)(?:\(|%28)(?:\w+(?:=|%3d))?([\da-f-]{36})(?:\)|%29)/i.exec(path);
  const table = entitySets.get(named?.[1] ?? "");
  const id = named?.[2]?.toLowerCase();
  const work = new Work(tenant, null);
  const row = table === undefined || id === undefined ? undefined : work.get(table.name, id);
  if (table !== undefined && row !== undefined) {
    work.put(table.name, row);
    work.commit();
  }
}

/**
 * Writes a row that was changed past the Web API, as by an administrator in the form: it gets the next version, and a secret is
 * kept as its digest. False when the table is not Dataverse's or the row does not belong under that key; nothing is written then.
 */
export function writeByHand(tenant: Tenant, storeTable: string, key: string, row: Record<string, unknown>): boolean {
  // @observed dataverse.changed-behind: A row changed past the Web API gets the next version, so that ETags read before are stale
  // [microsoft/terraform-provider-power-platform, data_record fixtures and tests: the ETag is the version of the row, whoever
  // writes it]
  const table = Object.values(schema).find(({ name }) => dataverseTables[name] === storeTable);
  if (table === undefined || idOf(table, row) !== key) {
    return false;
  }
  const before = tenant.store.get<Record<string, unknown>>(storeTable, key);
  const work = new Work(tenant, null);
  const versionnumber = Math.max(versionOf(before), versionOf(row));
  // Who writes by hand answers for the columns.
  work.put(table.name, { ...row, ...digests(table, before, row), versionnumber } as AnyRow);
  work.commit();
  return true;
}

function versionOf(row: Record<string, unknown> | undefined): number {
  return typeof row?.versionnumber === "number" ? row.versionnumber : 0;
}

function digests(
  table: Table,
  before: Record<string, unknown> | undefined,
  row: Record<string, unknown>,
): Record<string, string> {
  const secrets: Record<string, string> = {};
  for (const { name, read } of table.columns.values()) {
    const value = row[name];
    if (!read && typeof value === "string" && value !== before?.[name]) {
      secrets[name] = digestOf(value);
    }
  }
  return secrets;
}
