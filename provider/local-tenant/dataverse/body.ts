import { createHash } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import { isGuid, isPlainObject, parsedJson } from "../values";
import type { Column, Lookup, TableName } from "./columns";
import {
  badPayload,
  directLookupUpdate,
  notSimulated,
  objectDoesNotExist,
  outOfRange,
  readOnlyColumn,
  requiredFieldMissing,
  resourceNotFound,
  stringTooLong,
  undeclaredProperty,
  unknownPayloadProperty,
} from "./errors";
import { isRealMember } from "./not-simulated";
import { entitySets, lookupColumn, navigation, type RowOf, type Table, wholeSeconds } from "./schema";
import type { Work } from "./work";

/** Columns to store. */
export type Values<T extends TableName = TableName> = Partial<RowOf[T]>;

/** The request's body as a JSON object. Throws 400 when it is none. */
export function jsonObject(table: Table, text: string): Record<string, unknown> {
  const body = parsedJson(text);
  if (body === undefined) {
    throw badPayload(table, "The payload is not valid JSON.");
  }
  if (!isPlainObject(body)) {
    throw badPayload(table, "A node of type 'StartObject' was expected when reading the payload.");
  }
  return body;
}

/**
 * The columns a body sets. Everything is checked: names and their case, JSON types, lengths, choices, the rows that are bound.
 * A read-only column is refused in strict mode (`Settings.strictBodies`) and ignored otherwise.
 */
export function decode<T extends TableName>(
  work: Work,
  table: Table<T>,
  body: Record<string, unknown>,
  operation: "create" | "update",
): Values<T> {
  const values: Record<string, unknown> = {};
  const set = (column: Column, value: unknown) => {
    if (!column[operation]) {
      if (work.tenant.settings.strictBodies) {
        throw readOnlyColumn(table, column, operation);
      }
      return;
    }
    if (column.name in values && !isDeepStrictEqual(values[column.name], value)) {
      throw badPayload(table, `Multiple values for '${column.name}' were found.`);
    }
    // @assumed dataverse.methods-not-null: Delivery methods and flags of a mailbox cannot be set to null [powerapps-docs,
    // reference/entities/mailbox.md requires none of them; what null would mean is not documented]
    if (value === null && column.required) {
      if (column.type === "String" || !work.tenant.isContrary("dataverse.methods-not-null")) {
        throw requiredFieldMissing(table, column.name);
      }
      values[column.name] = column.type === "Boolean" ? false : 0;
      return;
    }
    values[column.name] = value;
  };
  for (const [name, value] of Object.entries(body)) {
    if (name.startsWith("@")) {
      continue;
    }
    const at = name.indexOf("@");
    if (at !== -1) {
      decodeAnnotation(work, table, name.slice(0, at), name.slice(at + 1), value, set);
      continue;
    }
    // @observed dataverse.bare-lookup: A bare `_x_value` in a body is refused with 0x80060888 [Answers recorded by clients of the
    // service]
    if (lookupColumn(table, name) !== undefined) {
      throw directLookupUpdate();
    }
    const bound = navigation(table, name);
    if (bound !== undefined) {
      set(bound.column, bareNavigation(table, name, value));
      continue;
    }
    const column = table.columns.get(name);
    if (column === undefined) {
      throw isRealMember(table.name, name) ? notSimulated(`Writing '${name}'`) : unknownPayloadProperty(table, name);
    }
    set(column, checked(table, column, value));
  }
  // Each was checked to be of its column's type.
  return values as Values<T>;
}

function decodeAnnotation(
  work: Work,
  table: Table,
  property: string,
  annotation: string,
  value: unknown,
  set: (column: Column, value: unknown) => void,
): void {
  if (annotation !== "odata.bind") {
    // Clients echo rows they read, formatted values and all; the service reads only the values.
    if (table.columns.has(property) || lookupColumn(table, property) !== undefined || navigation(table, property)) {
      return;
    }
    throw undeclaredProperty(table, property);
  }
  const bound = navigation(table, property);
  if (bound === undefined) {
    throw undeclaredProperty(table, property);
  }
  const targets = bound.targets.map((target) => target.table);
  if (value === null) {
    set(bound.column, null);
    return;
  }
  if (typeof value !== "string") {
    throw badPayload(table, `The value of '${property}@odata.bind' must be the URI of a row or null.`);
  }
  if (!bound.column.create && !bound.column.update) {
    set(bound.column, value);
    return;
  }
  set(bound.column, reference(work, table, value, targets));
}

function bareNavigation(table: Table, name: string, value: unknown): null {
  if (value === null) {
    return null;
  }
  if (typeof value === "object") {
    throw notSimulated("A row nested in a row");
  }
  throw badPayload(
    table,
    `A 'PrimitiveValue' node with non-null value was found when trying to read the value of the navigation property '${name}'; however, a 'StartArray' node, a 'StartObject' node, or a 'PrimitiveValue' node with null value was expected.`,
  );
}

/**
 * The row a reference names: `/queues(<guid>)`, `queues(<guid>)` or an absolute URL. Throws 400 for another form or set, 404 for
 * a set or row that does not exist.
 */
export function reference(work: Work, table: Table, text: string, targets: readonly Lookup["table"][]): Lookup {
  const relative = text.replace(/^https?:\/\/[^/]+\/api\/data\/v9\.\d\//i, "").replace(/^\//, "");
  const parts = /^(\w+)\((?:\w+=)?([^()]+)\)$/.exec(decoded(table, relative));
  const set = parts?.[1];
  const id = parts?.[2]?.toLowerCase();
  if (set === undefined || id === undefined || !isGuid(id)) {
    throw badPayload(table, `The reference '${text}' is not the URI of a row.`);
  }
  if (set === "businessunits" && targets.includes("businessunit")) {
    return businessUnit(work, table, id);
  }
  const target = entitySets.get(set);
  if (target === undefined) {
    throw resourceNotFound(set);
  }
  if (!targets.includes(target.name)) {
    throw badPayload(table, `A row of '${set}' cannot be bound here.`);
  }
  if (work.get(target.name, id) === undefined) {
    throw objectDoesNotExist(target, id);
  }
  return { table: target.name, id };
}

function businessUnit(work: Work, table: Table, id: string): Lookup {
  const known = work.all("systemuser").some((user) => user.businessunitid.id.toLowerCase() === id);
  if (!known) {
    throw objectDoesNotExist({ ...table, name: "systemuser", schemaName: "BusinessUnit" }, id);
  }
  return { table: "businessunit", id };
}

function decoded(table: Table, text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw badPayload(table, `The reference '${text}' is not the URI of a row.`);
  }
}

/** A day, or a time with its offset. */
const timeLiteral = /^\d{4}-\d\d-\d\d(?:T.*(?:Z|[+-]\d\d:\d\d))?$/i;

/** The value as it is stored. Throws 400 when its JSON type, length or range is not the column's. */
function checked(table: Table, column: Column, value: unknown): unknown {
  // @observed dataverse.value-errors: Text too long is 0x80044331, a choice out of range 0x8004431A, a status of the other state
  // 0x80048408 [powerplatform-vscode #136 and answers recorded by clients of the service]
  // @observed dataverse.time-literals: A time without an offset is no Edm.DateTimeOffset: 400, with the words of Microsoft's OData
  // library [OData/odata.net #2113; PowerPlatform-DataverseServiceClient #80 for the words from Dataverse, about an Edm.Date]
  // @documented dataverse.forward-readonly: isforwardmailbox and regardingobjectid cannot be written [powerapps-docs,
  // reference/entities/mailbox.md]
  // @observed dataverse.readonly-columns: Read-only columns in a body, the row's own key among them, are ignored; the setting
  // `strictBodies` refuses them [Clients in production that write whole rows back and note that the service ignores what is
  // read-only]
  if (value === null) {
    return null;
  }
  switch (column.type) {
    case "String":
    case "Memo":
      return checkedText(table, column, value);
    case "Boolean":
      return typeof value === "boolean" ? value : wrongType(table, column, value, "Edm.Boolean");
    case "Integer":
    case "BigInt":
    case "Picklist":
    case "State":
    case "Status":
      return checkedNumber(table, column, value);
    case "Uniqueidentifier":
      return typeof value === "string" && isGuid(value)
        ? value.toLowerCase()
        : wrongType(table, column, value, "Edm.Guid");
    case "DateTime":
      return typeof value === "string" && timeLiteral.test(value) && !Number.isNaN(Date.parse(value))
        ? wholeSeconds(value)
        : wrongType(table, column, value, "Edm.DateTimeOffset");
    case "Lookup":
    case "Owner":
      return bareNavigation(table, column.name, value);
  }
}

function checkedText(table: Table, column: Column, value: unknown): string | null {
  if (typeof value !== "string") {
    return wrongType(table, column, value, "Edm.String");
  }
  if (column.max !== undefined && value.length > column.max) {
    throw stringTooLong(table, column);
  }
  // Dataverse keeps no empty text: it is null.
  if (value === "") {
    return null;
  }
  return column.read ? value : digestOf(value);
}

/** What is kept of a secret: enough to tell that it was set or changed. Neither journal nor state shows the secret itself. */
export function digestOf(secret: string): string {
  // @documented dataverse.secrets-digest: Of passwords and other secrets the tenant keeps a digest; its request log has neither
  // [power-platform docs, admin/create-forward-mailboxes-edit-mailboxes.md: stored encrypted; the digest is the tenant's own way]
  return `sha256:${createHash("sha256").update(secret).digest("hex")}`;
}

function checkedNumber(table: Table, column: Column, value: unknown): number {
  if (typeof value !== "number" || !Number.isInteger(value)) {
    return wrongType(table, column, value, "Edm.Int32");
  }
  const [least, most] = column.range ?? [value, value];
  if ((column.options !== undefined && !(value in column.options)) || value < least || value > most) {
    throw outOfRange(table, column, value);
  }
  return value;
}

function wrongType(table: Table, column: Column, value: unknown, edm: string): never {
  // The value of a secret must not come back in a message.
  const shown = column.read ? ` '${typeof value === "object" ? "{…}" : String(value)}'` : "";
  throw badPayload(table, `Cannot convert the literal${shown} to the expected type '${edm}'.`);
}
