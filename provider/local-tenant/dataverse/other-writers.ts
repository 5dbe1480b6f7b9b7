import type { Tenant } from "../tenant";
import { digestOf } from "./body";
import { type AnyRow, idOf } from "./present";
import { dataverseTables } from "./rows";
import { entitySets, schema, type Table } from "./schema";
import { Work } from "./work";

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
    work.put(table.name, row as never);
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
  if (table === undefined || idOf(table, row as unknown as AnyRow) !== key) {
    return false;
  }
  const before = tenant.store.get<Record<string, unknown>>(storeTable, key);
  const work = new Work(tenant, null);
  const versionnumber = Math.max(versionOf(before), versionOf(row));
  work.put(table.name, { ...row, ...digests(table, before, row), versionnumber } as never);
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
