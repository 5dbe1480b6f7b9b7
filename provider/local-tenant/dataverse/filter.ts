import {
  type Comparison,
  comparisons,
  holds,
  incompatible,
  type Predicate,
  Reader,
  type Token,
  textFunctions,
  tokensOf,
} from "../odata/expression";
import { badQuery, notSimulated } from "./errors";

/** A value in a filter. `kind` decides what it may be compared with. */
export interface Literal {
  kind: "string" | "number" | "boolean" | "guid" | "date" | "null";
  value: string | number | boolean | null;
}

/** How the filter reads a property of the row it looks at. */
export interface Property<Row> {
  /** What the column holds; decides which literals it may be compared with. */
  kind: "string" | "number" | "boolean" | "guid" | "date";
  read(row: Row): string | number | boolean | null;
}

/**
 * Reads a `$filter`: eq ne gt ge lt le, and, or, not, parentheses, contains, startswith, endswith; literals are quoted text with
 * doubled quotes, numbers, true, false, null, GUIDs and times. Text compares without case, as the service's database does.
 * Throws 400 on anything else and on operands whose types do not go together.
 */
export function parseFilter<Row>(text: string, resolve: (path: string[]) => Property<Row>): Predicate<Row> {
  const outsideQuotes = text.replace(/'(?:[^']|'')*'/g, "''");
  const [foreign] = /\bMicrosoft\.Dynamics\.CRM\.\w+\s*\(|\/(?:any|all)\s*\(/.exec(outsideQuotes) ?? [];
  if (foreign !== undefined) {
    throw notSimulated(`'${foreign.replace(/[\s(/]/g, "")}' in $filter`);
  }
  const syntaxError = (token: Pick<Token, "at"> | undefined, wanted?: string) =>
    badQuery(
      wanted === "fewer brackets"
        ? "The filter is nested too deeply."
        : `Syntax error at position ${token?.at ?? text.length} in '${text}'.`,
    );
  return new Reader<Row>(
    tokensOf(text, patterns, (at) => syntaxError({ at })),
    {
      joins: [["or"], ["and"]],
      not: ["not"],
      ignoresCase: false,
      condition: (reader) => condition(reader, resolve),
      syntaxError,
    },
  ).whole();
}

type Operand<Row> = Property<Row> | Literal;

function condition<Row>(reader: Reader<Row>, resolve: (path: string[]) => Property<Row>): Predicate<Row> {
  const name = reader.peek()?.text ?? "";
  if (textFunctions.has(name) && reader.peek(1)?.text === "(") {
    return functionCall(reader, name, resolve);
  }
  const left = operand(reader, resolve);
  const given = reader.take(...comparisons);
  const operator = comparisons.find((one) => one === given);
  if (operator !== undefined) {
    return comparison(left, operator, operand(reader, resolve));
  }
  if ("read" in left && left.kind === "boolean") {
    return (row) => left.read(row) === true;
  }
  throw reader.dialect.syntaxError(reader.peek());
}

function functionCall<Row>(
  reader: Reader<Row>,
  name: string,
  resolve: (path: string[]) => Property<Row>,
): Predicate<Row> {
  reader.next("word");
  reader.demand("(");
  const property = operand(reader, resolve);
  reader.demand(",");
  const needle = operand(reader, resolve);
  reader.demand(")");
  const matches = textFunctions.get(name);
  const part = "read" in needle ? undefined : needle.value;
  if (!("read" in property) || property.kind !== "string" || typeof part !== "string" || matches === undefined) {
    throw badQuery(`The function '${name}' takes a text property and a text literal.`);
  }
  return (row) => matches(property.read(row), part);
}

function comparison<Row>(left: Operand<Row>, operator: Comparison, right: Operand<Row>): Predicate<Row> {
  // @observed dataverse.filter-text: Text compares without case in filters; ne with a value matches rows whose value is null
  // [powerapps-docs, data-platform/webapi/query/filter-rows.md for the case; MarkMpn/Sql4Cds #167 and #530 for ne]
  if (!("read" in left) && "read" in right) {
    const mirrored: Record<Comparison, Comparison> = { eq: "eq", ne: "ne", gt: "lt", ge: "le", lt: "gt", le: "ge" };
    return comparison(right, mirrored[operator], left);
  }
  if (!("read" in left)) {
    throw badQuery("A filter compares a property with a value.");
  }
  if (!("read" in right) && right.kind === "null") {
    if (operator !== "eq" && operator !== "ne") {
      throw badQuery(`The operator '${operator}' cannot be used with null.`);
    }
    return (row) => holds(left.read(row), operator, null);
  }
  if (left.kind !== right.kind) {
    throw badQuery(incompatible(edm(left.kind), edm(right.kind), operator));
  }
  const other = "read" in right ? (row: Row) => right.read(row) : () => right.value;
  return (row) => holds(comparable(left.read(row), left.kind), operator, comparable(other(row), left.kind));
}

function operand<Row>(reader: Reader<Row>, resolve: (path: string[]) => Property<Row>): Operand<Row> {
  const { kind, text } = reader.next("string", "enum", "number", "guid", "date", "word");
  switch (kind) {
    case "string":
      return { kind, value: text };
    case "enum":
      return { kind: "string", value: text.slice(text.indexOf("'") + 1, -1) };
    case "number":
      return { kind, value: Number(text) };
    case "guid":
    case "date":
      return { kind, value: text };
  }
  if (text === "null") {
    return { kind: "null", value: null };
  }
  if (text === "true" || text === "false") {
    return { kind: "boolean", value: text === "true" };
  }
  const path = [text];
  while (reader.take("/") !== undefined) {
    path.push(reader.next("word").text);
  }
  return resolve(path);
}

const patterns = {
  string: /'(?:[^']|'')*'/y,
  // A value of an enumeration, as metadata has them: Microsoft.Dynamics.CRM.OwnershipTypes'UserOwned'.
  enum: /Microsoft\.Dynamics\.CRM\.\w+'[^']*'/y,
  guid: /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}(?![\w-])/iy,
  date: /\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d))?(?![\w-])/y,
  number: /-?\d+(?:\.\d+)?(?![\w.])/y,
  word: /[A-Za-z_][\w.]*/y,
  mark: /[(),/]/y,
};

function edm(kind: Literal["kind"]): string {
  const names = {
    string: "Edm.String",
    number: "Edm.Int32",
    boolean: "Edm.Boolean",
    guid: "Edm.Guid",
    date: "Edm.DateTimeOffset",
    null: "null",
  };
  return names[kind];
}

function comparable(value: string | number | boolean | null, kind: Literal["kind"]): string | number | boolean | null {
  if (typeof value !== "string") {
    return value;
  }
  return kind === "date" ? Date.parse(value) : value.toLowerCase();
}
