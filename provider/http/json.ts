/** What the services' JSON holds: objects, the columns that are read of them, texts, ids and sizes; and what questions are made of. */

/** An object of JSON, of whose members nothing is known yet. */
export type Row = Record<string, unknown>;

/** Whether a value is an object of JSON, and no list. */
export function isObject(value: unknown): value is Row {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** An object of JSON; an empty one in place of anything else. */
export function mapOf(value: unknown): Row {
  return isObject(value) ? value : {};
}

/** The members of an object or list; none of anything else. */
export function membersOf(value: unknown): Row {
  return typeof value === "object" && value !== null ? (value as Row) : {};
}

/** An object with some of its members alone. */
export function only<Of extends object>(object: Of, isMeant: (name: string) => boolean): Partial<Of> {
  const members: Partial<Of> = { ...object };
  for (const name in members) {
    if (!isMeant(name)) {
      delete members[name];
    }
  }
  return members;
}

/** A list of objects; undefined for anything else. */
export function rowsOf(value: unknown): Row[] | undefined {
  return Array.isArray(value) && value.every(isObject) ? value : undefined;
}

/** One member of what is read. */
export interface Read<Value> {
  readonly names: readonly string[];
  readonly of: (row: Row) => Value;
}

/** What is read by a table of members. */
export type ReadBy<Table extends Readonly<Record<string, Read<unknown>>>> = {
  [Name in keyof Table]: ReturnType<Table[Name]["of"]>;
};

/** A member that one column shows. */
export function column<Value>(name: string, read: (value: unknown) => Value): Read<Value> {
  return columns([name], (row) => read(row[name]));
}

/** A member that several columns show. */
export function columns<Value>(names: readonly string[], of: (row: Row) => Value): Read<Value> {
  return { names, of };
}

/** The columns to select for a table of members. */
export function selected(table: Readonly<Record<string, Read<unknown>>>): string[] {
  return [...new Set(Object.values(table).flatMap(({ names }) => names))];
}

/** Reads a row. */
export function read<Table extends Readonly<Record<string, Read<unknown>>>>(table: Table, row: Row): ReadBy<Table> {
  return Object.fromEntries(Object.entries(table).map(([name, { of }]) => [name, of(row)])) as ReadBy<Table>;
}

const GUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** Whether a text is a GUID, which is how object ids are written. */
export function isGuid(value: string): boolean {
  return GUID.test(value);
}

/** Whether two identifiers are the same: guids and addresses are compared without case. */
export function sameText(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}

/** A text member of a row; "" where the service has none. */
export function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}

/** A multi-valued text member of a row. */
export function texts(value: unknown): string[] {
  return Array.isArray(value) ? value.map(String) : typeof value === "string" && value !== "" ? [value] : [];
}

/** A flag of a row. */
export function isTrue(value: unknown): boolean {
  return value === true;
}

/** Units of sizes. A kilobyte is 1,024 bytes here, as it is in Exchange. */
const UNITS = ["B", "KB", "MB", "GB", "TB"] as const;

/** Bytes of a kilobyte: what Exchange keeps limits in. */
const KILOBYTE = 1024;
/** Bytes of a megabyte. */
export const MEGABYTE = 1024 ** 2;
/** Bytes of a gigabyte. */
export const GIGABYTE = 1024 ** 3;

/**
 * Bytes of a size: a number of bytes, `"49.5 GB"`, `"50gb"`, `"50 GiB"`, `"53,150,220,288 bytes"`, or as Exchange prints it,
 * `"49.5 GB (53,150,220,288 bytes)"`.
 *
 * @returns undefined for anything else, such as `Unlimited`.
 */
export function parseSize(value: string | number): number | undefined {
  if (typeof value === "number") {
    return Number.isSafeInteger(value) && value >= 0 ? value : undefined;
  }
  const text = value.trim();
  const exact = /\(([\d,]+) bytes\)$/i.exec(text)?.[1];
  if (exact !== undefined) {
    return Number(exact.replaceAll(",", ""));
  }
  const match = /^(\d+(?:\.\d+)?|\d{1,3}(?:,\d{3})+) ?(bytes?|[kmgt]i?b|b)?$/i.exec(text);
  if (match === null) {
    return undefined;
  }
  const letter = (match[2] ?? "B").charAt(0).toUpperCase();
  const unit = UNITS.findIndex((name) => name.startsWith(letter));
  const bytes = Math.round(Number((match[1] ?? "").replaceAll(",", "")) * 1024 ** unit);
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}

/**
 * The canonical text of a limit: whole kilobytes (rounded up, as Exchange keeps them) in the largest unit that tells them
 * exactly with at most three decimals, e.g. `49.5 GB`.
 */
export function canonicalSize(bytes: number): string {
  const rounded = roundUp(bytes);
  for (let unit = UNITS.length - 1; unit > 1; unit -= 1) {
    const text = `${Number((rounded / 1024 ** unit).toFixed(3))} ${UNITS[unit]}`;
    if (rounded >= 1024 ** unit && roundUp(parseSize(text) ?? 0) === rounded) {
      return text;
    }
  }
  return `${rounded / KILOBYTE} KB`;
}

function roundUp(bytes: number): number {
  return Math.ceil(bytes / KILOBYTE) * KILOBYTE;
}

/** A text as a filter of OData or of Exchange takes it. */
export function filterLiteral(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** A number of things in words: "1 item", "2 items". */
export function plural(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}

/** A list in pieces of a size, the last one with the rest. */
export function chunks<T>(all: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(all.length / size) }, (_, index) =>
    all.slice(index * size, (index + 1) * size),
  );
}
