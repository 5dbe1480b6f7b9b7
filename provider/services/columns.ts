/** What is read of a row, each member once: the columns that are selected for it, and its value. */

type Row = Readonly<Record<string, unknown>>;

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
  return Object.values(table).flatMap(({ names }) => names);
}

/** Reads a row. */
export function read<Table extends Readonly<Record<string, Read<unknown>>>>(table: Table, row: Row): ReadBy<Table> {
  return Object.fromEntries(Object.entries(table).map(([name, { of }]) => [name, of(row)])) as ReadBy<Table>;
}
