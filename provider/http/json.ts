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

/** A list of objects; undefined for anything else. */
export function rowsOf(value: unknown): Row[] | undefined {
  return Array.isArray(value) && value.every(isObject) ? value : undefined;
}
