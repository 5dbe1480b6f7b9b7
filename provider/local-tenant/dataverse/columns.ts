import type { TableName } from "./rows";

/** Dataverse's column types, as far as the simulated tables use them. */
export type ColumnType =
  | "Uniqueidentifier"
  | "String"
  | "Memo"
  | "Boolean"
  | "Integer"
  | "BigInt"
  | "Picklist"
  | "State"
  | "Status"
  | "DateTime"
  | "Lookup"
  | "Owner";

/** A table a lookup may point at, and the navigation property (its case matters) that binds it there. */
export interface Target {
  table: TableName | "businessunit";
  navigation: string;
}

/** One column of a table. */
export interface Column {
  name: string;
  type: ColumnType;
  create: boolean;
  read: boolean;
  update: boolean;
  /** May not be null. */
  required: boolean;
  /** Longest text accepted, in characters. */
  max?: number;
  /** Bounds of an integer. */
  range?: readonly [number, number];
  /** Values of a choice and their labels. */
  options?: Readonly<Record<number, string>>;
  targets?: readonly Target[];
  /** What a row that never stored the column answers. */
  initial?: unknown;
}

/** Which operations a column takes part in: letters of "c", "r" and "u". */
type Validity = "cru" | "cr" | "ru" | "r" | "cu";

interface More {
  required?: true;
  range?: readonly [number, number];
  initial?: unknown;
}

function column(name: string, type: ColumnType, validity: Validity, more: Partial<Column> = {}): Column {
  return {
    name,
    type,
    create: validity.includes("c"),
    read: validity.includes("r"),
    update: validity.includes("u"),
    required: false,
    ...more,
  };
}

export function key(name: string): Column {
  return column(name, "Uniqueidentifier", "cr", { required: true });
}

export function guid(name: string, validity: Validity): Column {
  return column(name, "Uniqueidentifier", validity);
}

export function text(name: string, max: number, validity: Validity, more: More = {}): Column {
  return column(name, "String", validity, { max, ...more });
}

export function memo(name: string, max: number, validity: Validity): Column {
  return column(name, "Memo", validity, { max });
}

export function flag(name: string, validity: Validity, more: More = {}): Column {
  return column(name, "Boolean", validity, { initial: false, ...more });
}

export function whole(name: string, validity: Validity, more: More = {}): Column {
  return column(name, "Integer", validity, { range: [-2147483648, 2147483647], ...more });
}

export function choice(
  name: string,
  options: Readonly<Record<number, string>>,
  validity: Validity,
  more: More = {},
): Column {
  return column(name, "Picklist", validity, { options, ...more });
}

export function time(name: string, validity: Validity, more: More = {}): Column {
  return column(name, "DateTime", validity, more);
}

export function lookup(name: string, targets: readonly Target[], validity: Validity): Column {
  return column(name, "Lookup", validity, { targets });
}

/** The owner columns of a user- or team-owned table. */
export function ownership(): Column[] {
  return [
    column("ownerid", "Owner", "cru", {
      required: true,
      targets: [
        { table: "systemuser", navigation: "ownerid" },
        { table: "team", navigation: "ownerid" },
      ],
    }),
    lookup("owninguser", [{ table: "systemuser", navigation: "owninguser" }], "r"),
    lookup("owningteam", [{ table: "team", navigation: "owningteam" }], "r"),
    lookup("owningbusinessunit", [{ table: "businessunit", navigation: "owningbusinessunit" }], "r"),
  ];
}

/** `statecode` with its `statuscode`. */
export function state(): Column[] {
  return [
    column("statecode", "State", "ru", { options: { 0: "Active", 1: "Inactive" }, required: true }),
    column("statuscode", "Status", "cru", { options: { 1: "Active", 2: "Inactive" } }),
  ];
}

/** Who and when, and the row version. */
export function audit(): Column[] {
  return [
    time("createdon", "r"),
    time("modifiedon", "r"),
    lookup("createdby", [{ table: "systemuser", navigation: "createdby" }], "r"),
    lookup("modifiedby", [{ table: "systemuser", navigation: "modifiedby" }], "r"),
    lookup("createdonbehalfby", [{ table: "systemuser", navigation: "createdonbehalfby" }], "r"),
    lookup("modifiedonbehalfby", [{ table: "systemuser", navigation: "modifiedonbehalfby" }], "r"),
    whole("timezoneruleversionnumber", "cru", { range: [-1, 2147483647] }),
    whole("utcconversiontimezonecode", "cru", { range: [-1, 2147483647] }),
    column("versionnumber", "BigInt", "r"),
  ];
}

/** What tables have whose rows can be migrated from elsewhere. */
export function imported(): Column[] {
  return [time("overriddencreatedon", "cr"), whole("importsequencenumber", "cr")];
}
