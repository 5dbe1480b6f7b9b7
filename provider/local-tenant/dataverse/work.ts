import { copyOf } from "../store";
import type { Tenant } from "../tenant";
import { dataverseTables, type RowOf, type TableName, wholeSeconds } from "./rows";

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

/**
 * One request's changes: rows are read through it and staged in it, and `commit` writes them as one journal line. Dataverse is
 * consistent with its own writes, so its own rows are read at their newest version; other services' rows are read with its lag.
 */
export class Work {
  readonly #staged = new Map<string, { table: string; key: string; value: unknown }>();
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
    return this.#read(dataverseTables[table], id) as RowOf[T] | undefined;
  }

  all<T extends TableName>(table: T): RowOf[T][] {
    const name = dataverseTables[table];
    const rows = new Map(
      this.tenant.store
        .all<RowOf[T]>(name)
        .map((row) => [String((row as unknown as Record<string, unknown>)[keyOf(table)]), copyOf(row)]),
    );
    for (const staged of this.#staged.values()) {
      if (staged.table === name) {
        if (staged.value === null) {
          rows.delete(staged.key);
        } else {
          rows.set(staged.key, staged.value as RowOf[T]);
        }
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
    this.#stage(dataverseTables[table], String((row as unknown as Record<string, unknown>)[keyOf(table)]), row);
  }

  remove(table: TableName, id: string): void {
    this.#stage(dataverseTables[table], id, null);
  }

  /** Jobs not yet finished, oldest first. */
  jobs(): Job[] {
    return this.tenant.store
      .all<Job>(jobsTable)
      .map(copyOf)
      .filter((job) => this.#staged.get(`${jobsTable}\n${job.id}`)?.value !== null)
      .sort((a, b) => a.due - b.due);
  }

  schedule(job: Job): void {
    this.#stage(jobsTable, job.id, job);
  }

  drop(jobId: string): void {
    if (this.#read(jobsTable, jobId) !== undefined) {
      this.#stage(jobsTable, jobId, null);
    }
  }

  commit(): void {
    if (this.#staged.size === 0) {
      return;
    }
    if (this.#version !== undefined) {
      this.#stage(counterTable, "version", { name: "version", value: this.#version });
    }
    this.tenant.store.commit([...this.#staged.values()].map(({ table, key, value }) => [table, key, value] as const));
    this.#staged.clear();
  }

  #read(table: string, key: string): unknown {
    const staged = this.#staged.get(`${table}\n${key}`);
    return staged === undefined ? copyOf(this.tenant.store.get(table, key)) : (staged.value ?? undefined);
  }

  #stage(table: string, key: string, value: unknown): void {
    this.#staged.set(`${table}\n${key}`, { table, key, value });
  }

  #nextVersion(current: number): number {
    const counted =
      this.#version ?? this.tenant.store.get<{ value: number }>(counterTable, "version")?.value ?? 1_000_000;
    this.#version = Math.max(counted, current) + 1;
    return this.#version;
  }
}

function keyOf(table: TableName): string {
  return `${table}id`;
}
