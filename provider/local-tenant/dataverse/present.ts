import { servicePrincipalId } from "../login/tokens";
import { type Column, isLookup, type Lookup } from "./columns";
import { type AnyRow, propertyOf, schema, type Table } from "./schema";
import type { Work } from "./work";

/** Which annotations the answer carries, from `Prefer: odata.include-annotations`. */
export interface Annotations {
  /** Whether the annotation of that full name was asked for. */
  include(name: string): boolean;
}

const formattedValue = "OData.Community.Display.V1.FormattedValue";
const lookupName = "Microsoft.Dynamics.CRM.lookuplogicalname";
const navigationName = "Microsoft.Dynamics.CRM.associatednavigationproperty";

/** The row's ETag, a weak one that holds its version. */
export function etagOf(row: AnyRow): string {
  // @observed dataverse.etag-version: The ETag holds the row's versionnumber [microsoft/terraform-provider-power-platform,
  // data_record fixtures and tests]
  return `W/"${row.versionnumber}"`;
}

/** What the row stores under a column's name. */
function stored(row: Readonly<Record<string, unknown>>, column: string): unknown {
  return row[column];
}

/** What a reader of the row gets for a column: text, number, flag or null; of a lookup the id. Secrets always read as null. */
export function readable(row: AnyRow, column: Column): string | number | boolean | null {
  // @observed dataverse.passwords-hidden: Passwords read as null in a full row, `ispasswordset` tells whether one is stored;
  // $select of one is 400 with 0x80041a08 [microsoft/terraform-provider-power-platform, data_record fixtures and tests;
  // ALM4Dataverse/Rnwood.Dataverse.Data.PowerShell #1396 for the error]
  if (!column.read) {
    return null;
  }
  if (column.name === "ispasswordset") {
    return typeof stored(row, "password") === "string" && stored(row, "password") !== "";
  }
  if (column.targets !== undefined) {
    return lookupOf(row, column)?.id ?? null;
  }
  const value = stored(row, column.name) ?? principalOf(row, column) ?? column.initial ?? null;
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean" ? value : null;
}

/** The Entra object of an application user is the application's service principal: what its tokens carry as `oid`. */
function principalOf(row: AnyRow, column: Column): string | undefined {
  const applicationId = column.name === "azureactivedirectoryobjectid" ? stored(row, "applicationid") : undefined;
  return typeof applicationId === "string" ? servicePrincipalId(applicationId) : undefined;
}

/** Where a lookup column of the row points; `owninguser` and `owningteam` follow `ownerid`. */
export function lookupOf(row: AnyRow, column: Column): Lookup | null {
  const table = column.name === "owninguser" ? "systemuser" : column.name === "owningteam" ? "team" : undefined;
  const pointer = stored(row, table === undefined ? column.name : "ownerid");
  return isLookup(pointer) && (table ?? pointer.table) === pointer.table ? pointer : null;
}

/** The row as JSON: the columns asked for, or all; the ETag always; the primary key always. */
export function present(
  work: Work,
  table: Table,
  row: AnyRow,
  columns: readonly Column[] | undefined,
  annotations: Annotations,
): Record<string, unknown> {
  const shown = new Set(columns ?? table.columns.values());
  const key = table.columns.get(table.key);
  if (key !== undefined) {
    shown.add(key);
  }
  const json: Record<string, unknown> = { "@odata.etag": etagOf(row) };
  for (const column of shown) {
    const property = propertyOf(column);
    annotate(work, row, column, annotations, json);
    json[property] = readable(row, column);
  }
  return json;
}

function annotate(
  work: Work,
  row: AnyRow,
  column: Column,
  annotations: Annotations,
  json: Record<string, unknown>,
): void {
  const value = readable(row, column);
  if (value === null) {
    return;
  }
  const property = propertyOf(column);
  const add = (name: string, text: string | undefined) => {
    if (text !== undefined && annotations.include(name)) {
      json[`${property}@${name}`] = text;
    }
  };
  add(formattedValue, formatted(work, row, column, value));
  const target = column.targets === undefined ? null : lookupOf(row, column);
  if (target !== null) {
    add(lookupName, target.table);
    add(navigationName, column.targets?.find(({ table }) => table === target.table)?.navigation);
  }
}

function formatted(work: Work, row: AnyRow, column: Column, value: string | number | boolean): string | undefined {
  if (column.targets !== undefined) {
    const target = lookupOf(row, column);
    return target === null ? undefined : nameOf(work, target);
  }
  if (typeof value === "boolean") {
    return value ? "Yes" : "No";
  }
  if (column.options !== undefined) {
    return column.options[Number(value)];
  }
  if (column.type === "DateTime") {
    return displayed(String(value));
  }
  return typeof value === "number" ? value.toLocaleString("en-US") : undefined;
}

/** Made once: to make a format takes longer than a request. */
const shown = new Intl.DateTimeFormat("en-US", {
  timeZone: "UTC",
  year: "numeric",
  month: "numeric",
  day: "numeric",
  hour: "numeric",
  minute: "2-digit",
});

/** A time as the service formats it for a user in UTC with American settings: `1/6/2025 8:00 AM`. */
function displayed(value: string): string {
  return shown.format(new Date(value)).replace(",", "").replace("\u202f", " ");
}

/** The name of the row a lookup points at; undefined for a business unit or a row that is gone. */
function nameOf(work: Work, target: Lookup): string | undefined {
  if (target.table === "businessunit") {
    return undefined;
  }
  const row = work.get(target.table, target.id);
  const name = row === undefined ? undefined : stored(row, schema[target.table].nameColumn);
  return typeof name === "string" ? name : undefined;
}
