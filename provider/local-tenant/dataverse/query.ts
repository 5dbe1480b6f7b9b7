import { order, type Predicate } from "../odata/expression";
import { sorted as inOrder, startAfter, topLevel } from "../odata/listing";
import type { Column } from "./columns";
import { badQuery, columnNotReadable, noSuchProperty, notSimulated } from "./errors";
import { type Property, parseFilter } from "./filter";
import { isRealMember, isRealOption } from "./not-simulated";
import { lookupOf, readable } from "./present";
import { type AnyRow, idOf, lookupColumn, navigation, schema, type Table } from "./schema";
import type { Work } from "./work";

/** Most rows of one page, whatever is asked for. */
const largestPage = 5000;

/** A `$expand` of a single-valued navigation property. */
export interface Expansion {
  navigation: string;
  column: Column;
  select: string[];
}

/** Rows of one page and what is needed to get the next. */
export interface Page {
  rows: AnyRow[];
  /** How many rows match in all. */
  total: number;
  /** The `$skiptoken` of the next page, or undefined at the end. */
  next: string | undefined;
}

/** Refuses every query option but those named, so that a misspelt one is not silently without effect. */
export function allowOptions(query: URLSearchParams, allowed: readonly string[]): void {
  const seen = new Set<string>();
  for (const name of query.keys()) {
    if (!allowed.includes(name)) {
      if (isRealOption(name)) {
        throw notSimulated(name);
      }
      throw badQuery(`The query parameter ${name} is not supported`);
    }
    if (seen.has(name)) {
      throw badQuery(`Query option '${name}' was specified more than once, but it must be specified at most once.`);
    }
    seen.add(name);
  }
}

/** The columns of a `$select`; undefined when there is none or it holds `*`. */
export function selected(table: Table, select: string | null): Column[] | undefined {
  if (select === null) {
    return undefined;
  }
  const names = select.split(",").map((name) => name.trim());
  if (names.includes("*")) {
    return undefined;
  }
  return names.map((name) => columnShown(table, name));
}

/** The column behind a property name of a query or a URL: its own name, or `_name_value` of a lookup. */
function columnRead(table: Table, name: string): Column {
  // @observed dataverse.unknown-property: An unknown property in a body is 400 with 0x80048d19 and named with its table; in $select
  // it is 400 [PowerAppsCodeApps #84, PowerPlatform-DataverseServiceClient #290; SupportArticles, troubleshoot Dataverse Web API
  // client errors]
  const column = lookupColumn(table, name) ?? table.columns.get(name);
  if (column === undefined) {
    throw isRealMember(table.name, name) ? notSimulated(`'${name}'`) : noSuchProperty(name, table.name);
  }
  return column;
}

/** The column behind a property name that an answer is to show. Throws 400 for one that can only be written. */
export function columnShown(table: Table, name: string): Column {
  const column = columnRead(table, name);
  if (!column.read) {
    throw columnNotReadable(table, name);
  }
  return column;
}

/** The single-valued navigation properties of a `$expand`, each with an optional `$select` of its own. */
export function expanded(table: Table, expand: string | null): Expansion[] {
  if (expand === null) {
    return [];
  }
  return filledParts(expand).map((item) => {
    const parts = /^\s*(\w+)\s*(?:\(\s*\$select=([\w,\s]*)\))?\s*$/.exec(item);
    const name = parts?.[1] ?? /^\s*(\w+)/.exec(item)?.[1] ?? "";
    const found = navigation(table, name);
    if (found === undefined) {
      throw isRealMember(table.name, name) ? notSimulated(`$expand=${name}`) : noSuchProperty(name, table.name);
    }
    if (parts === null || found.targets.some((target) => target.table === "businessunit")) {
      throw notSimulated(`$expand=${item.trim()}`);
    }
    const select = parts?.[2] === undefined ? [] : parts[2].split(",").map((column) => column.trim());
    return { navigation: name, column: found.column, select };
  });
}

/** The parts of a list that commas or other separators part; empty ones do not count. */
export function filledParts(list: string, separator?: string): string[] {
  return topLevel(list, separator).filter((part) => part.trim() !== "");
}

/** One page of the rows of a table. `size` is the page size asked for by `Prefer: odata.maxpagesize`. */
export function page(work: Work, table: Table, query: URLSearchParams, size: number | undefined): Page {
  // @documented dataverse.page-size: At most 5000 rows a page; Prefer odata.maxpagesize makes smaller ones; $top ignores it; no
  // $skip [powerapps-docs, data-platform/webapi/compose-http-requests-handle-errors.md and query pages]
  const matching = filtered(work, table, listed(work, table), query.get("$filter"));
  const ordered = sorted(table, matching, query.get("$orderby"));
  const start = startOf(table, ordered, query.get("$skiptoken"));
  const top = positive(query.get("$top"), "$top");
  // The service ignores the page size when the client caps the whole result itself.
  const length = top ?? Math.min(size ?? largestPage, largestPage);
  const rows = ordered.slice(start, start + length);
  const last = rows.at(-1);
  const more = top === undefined && last !== undefined && start + length < ordered.length;
  return {
    rows,
    total: matching.length,
    next: more ? skipToken(idOf(table, last), start + length) : undefined,
  };
}

/** The rows that a query finds: all there are, unless queries are told to lag behind Dataverse's own writes. */
function listed(work: Work, table: Table): AnyRow[] {
  // @assumed dataverse.own-writes-visible: Dataverse sees its own writes at once; other services' with its lag [Its database is
  // transactional]
  const rows: AnyRow[] = work.all(table.name);
  return work.tenant.isContrary("dataverse.own-writes-visible")
    ? rows.filter(({ createdon }) => Date.parse(createdon) < work.tenant.now() - 2_000)
    : rows;
}

/** The rows that a `$filter` lets through. */
export function filtered(work: Work, table: Table, rows: AnyRow[], filter: string | null): AnyRow[] {
  if (filter === null) {
    return rows;
  }
  const matches: Predicate<AnyRow> = parseFilter(filter, (path) => propertyAt(work, table, path));
  return rows.filter(matches);
}

/** A page size or a count: a positive whole number. */
export function positive(text: string | null, name: string): number | undefined {
  if (text === null) {
    return undefined;
  }
  if (!/^\d{1,9}$/.test(text) || Number(text) === 0) {
    throw badQuery(`Invalid value '${text}' for ${name} query option found. It must be a positive integer.`);
  }
  return Number(text);
}

function propertyAt(work: Work, table: Table, path: string[]): Property<AnyRow> {
  const [first = "", second, ...rest] = path;
  if (second === undefined) {
    if (table.columns.get(first)?.targets !== undefined) {
      throw badQuery(`The navigation property '${first}' cannot be compared with a value; use '_${first}_value'.`);
    }
    const column = columnRead(table, first);
    return { kind: kindOf(column), read: (row) => readable(row, column) };
  }
  const found = navigation(table, first);
  const target = found?.targets[0]?.table;
  if (found === undefined || rest.length > 0) {
    throw noSuchProperty(path.join("/"), table.name);
  }
  if (target === undefined || target === "businessunit") {
    throw notSimulated(`filters on ${path.join("/")}`);
  }
  const inner = propertyAt(work, schema[target], [second]);
  return {
    kind: inner.kind,
    read: (row) => {
      const pointer = lookupOf(row, found.column);
      const other = pointer === null || pointer.table !== target ? undefined : work.get(target, pointer.id);
      return other === undefined ? null : inner.read(other);
    },
  };
}

function kindOf(column: Column): Property<AnyRow>["kind"] {
  switch (column.type) {
    case "Uniqueidentifier":
    case "Lookup":
    case "Owner":
      return "guid";
    case "String":
    case "Memo":
      return "string";
    case "Boolean":
      return "boolean";
    case "DateTime":
      return "date";
    default:
      return "number";
  }
}

function sorted(table: Table, rows: AnyRow[], orderBy: string | null): AnyRow[] {
  if (orderBy === null) {
    return rows;
  }
  const byId = [...rows].sort((a, b) => (idOf(table, a) < idOf(table, b) ? -1 : 1));
  return inOrder(byId, orderBy, (path, direction = "asc") => {
    if (!/^\w+$/.test(path) || !["asc", "desc"].includes(direction)) {
      throw badQuery(`Syntax error in $orderby '${orderBy}'.`);
    }
    const column = columnRead(table, path);
    return {
      isDescending: direction === "desc",
      // Null comes before every value.
      order: (one, other) => {
        const [a, b] = [readable(one, column), readable(other, column)];
        return order(a, b) ?? (a === null ? -1 : 1);
      },
    };
  });
}

/** Where a page starts: after the row its token names, or at the same place when that row is gone. */
function startOf(table: Table, rows: AnyRow[], token: string | null): number {
  if (token === null) {
    return 0;
  }
  const parts = /^<cookie pagenumber="(\d+)" last="([0-9a-f-]+)" \/>$/.exec(token);
  if (parts === null) {
    throw badQuery("Invalid value for the $skiptoken query option: Malformed paging cookie.");
  }
  return startAfter(rows, (row) => idOf(table, row) === parts[2], Number(parts[1]));
}

function skipToken(last: string, offset: number): string {
  return `<cookie pagenumber="${offset}" last="${last}" />`;
}
