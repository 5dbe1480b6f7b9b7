import { isPlainObject } from "../values";

/** The tables Dataverse keeps, by logical name: their names in the store. A row's key is its primary id. */
export const dataverseTables = {
  mailbox: "dv.mailboxes",
  emailserverprofile: "dv.emailserverprofiles",
  queue: "dv.queues",
  systemuser: "dv.systemusers",
  team: "dv.teams",
  organization: "dv.organizations",
  tracelog: "dv.tracelogs",
} as const;

/** Logical name of a simulated table. */
export type TableName = keyof typeof dataverseTables;

/** What a row holds in a lookup column. Business units are not simulated as rows, only pointed at. */
export interface Lookup {
  table: TableName | "businessunit";
  id: string;
}

/** Whether what a row holds is a lookup. */
export function isLookup(value: unknown): value is Lookup {
  return isPlainObject(value) && typeof value.table === "string" && typeof value.id === "string";
}

/** What Dataverse answers for a date that never happened. */
export const never = "1900-01-01T00:00:00Z";

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

type Options = Readonly<Record<number, string>>;

/** All there is to know of a column but its name. `Value` is what a row holds in it. */
export interface ColumnShape<Value = unknown> {
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
  options?: Options;
  targets?: readonly Target[];
  /** What a new row holds, and what is answered where a row holds nothing. Default: null. */
  initial?: Value;
  /** Never null, though metadata does not require it: whoever makes a row gives it. */
  isGiven?: boolean;
}

/** One column of a table. */
export interface Column extends ColumnShape {
  name: string;
}

/** Columns by logical name. */
export type Columns = Readonly<Record<string, ColumnShape>>;

/** What a row holds in these columns. */
export type HeldIn<C extends Columns> = { -readonly [N in keyof C]: C[N] extends ColumnShape<infer V> ? V : never };

/** Which operations a column takes part in: letters of "c", "r" and "u". */
type Validity = "cru" | "cr" | "ru" | "r" | "cu";

interface More<V> {
  required?: true;
  isGiven?: true;
  range?: readonly [number, number];
  initial?: V;
}

/** Null is what a row holds unless the column is required or begins with something. */
type Held<V, M> = M extends { required: true } | { isGiven: true } | { initial: V } ? V : V | null;

function column<V>(type: ColumnType, validity: Validity, more: Partial<ColumnShape<V>> = {}): ColumnShape<V> {
  return {
    type,
    create: validity.includes("c"),
    read: validity.includes("r"),
    update: validity.includes("u"),
    required: false,
    ...more,
  };
}

/** The primary key. */
export function key(): ColumnShape<string> {
  return column("Uniqueidentifier", "cr", { required: true });
}

export function guid<M extends More<string>>(validity: Validity, more?: M): ColumnShape<Held<string, M>> {
  return column("Uniqueidentifier", validity, more);
}

export function text<M extends More<string>>(max: number, validity: Validity, more?: M): ColumnShape<Held<string, M>> {
  return column("String", validity, { max, ...more });
}

export function memo(max: number, validity: Validity): ColumnShape<string | null> {
  return column("Memo", validity, { max });
}

export function flag(validity: Validity, more: More<boolean> = {}): ColumnShape<boolean> {
  return column("Boolean", validity, { initial: false, ...more });
}

export function whole<M extends More<number>>(validity: Validity, more?: M): ColumnShape<Held<number, M>> {
  return column("Integer", validity, { range: [-2147483648, 2147483647], ...more });
}

/** One of several numbers; null unless it begins with one of them. */
export function choice<O extends Options>(
  options: O,
  validity: Validity,
  more: More<keyof O & number> & { initial: keyof O & number },
): ColumnShape<keyof O & number>;
export function choice<O extends Options>(options: O, validity: Validity): ColumnShape<(keyof O & number) | null>;
export function choice(options: Options, validity: Validity, more?: More<number>): ColumnShape<number | null> {
  return column("Picklist", validity, { options, ...more });
}

export function time<M extends More<string>>(validity: Validity, more?: M): ColumnShape<Held<string, M>> {
  return column("DateTime", validity, more);
}

export function lookup<M extends More<Lookup>>(
  targets: readonly Target[],
  validity: Validity,
  more?: M,
): ColumnShape<Held<Lookup, M>> {
  return column("Lookup", validity, { targets, ...more });
}

/** Who owns a row: a user or a team. The business unit is the owner's. */
export const ownership = {
  ownerid: column<Lookup>("Owner", "cru", {
    required: true,
    targets: [
      { table: "systemuser", navigation: "ownerid" },
      { table: "team", navigation: "ownerid" },
    ],
  }),
  owningbusinessunit: lookup([{ table: "businessunit", navigation: "owningbusinessunit" }], "r", { isGiven: true }),
};

/** The owner again, by its table. No row holds them: they are read from `ownerid`. */
export const owners = {
  owninguser: lookup([{ table: "systemuser", navigation: "owninguser" }], "r"),
  owningteam: lookup([{ table: "team", navigation: "owningteam" }], "r"),
};

/** `statecode` with its `statuscode`. */
export const state = {
  statecode: column<0 | 1>("State", "ru", { options: { 0: "Active", 1: "Inactive" }, required: true, initial: 0 }),
  statuscode: column<1 | 2>("Status", "cru", { options: { 1: "Active", 2: "Inactive" }, initial: 1 }),
};

/** Who and when, and the row version: the number inside the ETag. Times have whole seconds. */
export const audit = {
  createdon: time("r", { isGiven: true }),
  modifiedon: time("r", { isGiven: true }),
  createdby: lookup([{ table: "systemuser", navigation: "createdby" }], "r"),
  modifiedby: lookup([{ table: "systemuser", navigation: "modifiedby" }], "r"),
  versionnumber: column<number>("BigInt", "r", { isGiven: true }),
};

/** Columns of every table that nothing here writes by itself. */
export const unused = {
  createdonbehalfby: lookup([{ table: "systemuser", navigation: "createdonbehalfby" }], "r"),
  modifiedonbehalfby: lookup([{ table: "systemuser", navigation: "modifiedonbehalfby" }], "r"),
  timezoneruleversionnumber: whole("cru", { range: [-1, 2147483647] }),
  utcconversiontimezonecode: whole("cru", { range: [-1, 2147483647] }),
};

/** What tables have whose rows can be migrated from elsewhere. */
export const imported = { overriddencreatedon: time("cr"), importsequencenumber: whole("cr") };
