import { badQuery, notSimulated } from "./errors";

/** Text of a token and where it starts, for messages. */
interface Token {
  kind: "word" | "string" | "enum" | "number" | "guid" | "date" | "(" | ")" | "," | "/";
  text: string;
  at: number;
}

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

/** Tells whether a row matches. */
export type Predicate<Row> = (row: Row) => boolean;

const comparisons = ["eq", "ne", "gt", "ge", "lt", "le"] as const;
type Comparison = (typeof comparisons)[number];

const functions = ["contains", "startswith", "endswith"] as const;

/** How deep parentheses and nots may nest. */
const deepest = 100;

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
  return new Parser(text, tokens(text), resolve).whole();
}

class Parser<Row> {
  #next = 0;
  #depth = 0;

  constructor(
    readonly text: string,
    readonly tokens: Token[],
    readonly resolve: (path: string[]) => Property<Row>,
  ) {}

  whole(): Predicate<Row> {
    const predicate = this.#or();
    if (this.#next < this.tokens.length) {
      throw this.#syntaxError();
    }
    return predicate;
  }

  #or(): Predicate<Row> {
    let left = this.#and();
    while (this.#takeWord("or")) {
      const first = left;
      const second = this.#and();
      left = (row) => first(row) || second(row);
    }
    return left;
  }

  #and(): Predicate<Row> {
    let left = this.#not();
    while (this.#takeWord("and")) {
      const first = left;
      const second = this.#not();
      left = (row) => first(row) && second(row);
    }
    return left;
  }

  #not(): Predicate<Row> {
    this.#depth += 1;
    if (this.#depth > deepest) {
      throw badQuery("The filter is nested too deeply.");
    }
    const predicate = this.#term();
    this.#depth -= 1;
    return predicate;
  }

  #term(): Predicate<Row> {
    if (this.#takeWord("not")) {
      const inner = this.#not();
      return (row) => !inner(row);
    }
    if (this.#take("(")) {
      const inner = this.#or();
      this.#demand(")");
      return inner;
    }
    return this.#condition();
  }

  #condition(): Predicate<Row> {
    const name = functions.find((candidate) => this.#peek(0)?.text === candidate && this.#peek(1)?.kind === "(");
    if (name !== undefined) {
      return this.#functionCall(name);
    }
    const left = this.#operand();
    const operator = comparisons.find((candidate) => this.#takeWord(candidate));
    if (operator === undefined) {
      if ("read" in left && left.kind === "boolean") {
        return (row) => left.read(row) === true;
      }
      throw this.#syntaxError();
    }
    return this.#comparison(left, operator, this.#operand());
  }

  #functionCall(name: (typeof functions)[number]): Predicate<Row> {
    this.#next += 2;
    const property = this.#operand();
    this.#demand(",");
    const needle = this.#operand();
    this.#demand(")");
    if (!("read" in property) || property.kind !== "string" || "read" in needle || typeof needle.value !== "string") {
      throw badQuery(`The function '${name}' takes a text property and a text literal.`);
    }
    const wanted = needle.value.toLowerCase();
    const matches = { contains: "includes", startswith: "startsWith", endswith: "endsWith" } as const;
    return (row) => {
      const value = property.read(row);
      return typeof value === "string" && value.toLowerCase()[matches[name]](wanted);
    };
  }

  #comparison(left: Property<Row> | Literal, operator: Comparison, right: Property<Row> | Literal): Predicate<Row> {
    if (!("read" in left) && "read" in right) {
      const mirrored: Record<Comparison, Comparison> = { eq: "eq", ne: "ne", gt: "lt", ge: "le", lt: "gt", le: "ge" };
      return this.#comparison(right, mirrored[operator], left);
    }
    if (!("read" in left)) {
      throw badQuery("A filter compares a property with a value.");
    }
    if (!("read" in right) && right.kind === "null") {
      if (operator !== "eq" && operator !== "ne") {
        throw badQuery(`The operator '${operator}' cannot be used with null.`);
      }
      return (row) => (left.read(row) === null) === (operator === "eq");
    }
    if (left.kind !== right.kind) {
      throw badQuery(
        `A binary operator with incompatible types was detected. Found operand types '${edm(left.kind)}' and '${edm(right.kind)}' for operator kind '${operator}'.`,
      );
    }
    const other = "read" in right ? (row: Row) => right.read(row) : () => right.value;
    return (row) => compare(comparable(left.read(row), left.kind), operator, comparable(other(row), left.kind));
  }

  #operand(): Property<Row> | Literal {
    const token = this.tokens[this.#next];
    if (token === undefined) {
      throw this.#syntaxError();
    }
    this.#next += 1;
    if (token.kind === "string") {
      return { kind: "string", value: token.text };
    }
    if (token.kind === "number") {
      return { kind: "number", value: Number(token.text) };
    }
    if (token.kind === "guid" || token.kind === "date") {
      return { kind: token.kind, value: token.text };
    }
    if (token.kind !== "word") {
      this.#next -= 1;
      throw this.#syntaxError();
    }
    if (token.text === "null") {
      return { kind: "null", value: null };
    }
    if (token.text === "true" || token.text === "false") {
      return { kind: "boolean", value: token.text === "true" };
    }
    const path = [token.text];
    while (this.#take("/")) {
      const step = this.tokens[this.#next];
      if (step?.kind !== "word") {
        throw this.#syntaxError();
      }
      this.#next += 1;
      path.push(step.text);
    }
    return this.resolve(path);
  }

  #peek(ahead: number): Token | undefined {
    return this.tokens[this.#next + ahead];
  }

  #take(kind: Token["kind"]): boolean {
    const taken = this.#peek(0)?.kind === kind;
    this.#next += taken ? 1 : 0;
    return taken;
  }

  #takeWord(word: string): boolean {
    const token = this.#peek(0);
    const taken = token?.kind === "word" && token.text === word;
    this.#next += taken ? 1 : 0;
    return taken;
  }

  #demand(kind: Token["kind"]): void {
    if (!this.#take(kind)) {
      throw this.#syntaxError();
    }
  }

  #syntaxError() {
    return badQuery(`Syntax error at position ${this.#peek(0)?.at ?? this.text.length} in '${this.text}'.`);
  }
}

const patterns: readonly [Token["kind"], RegExp][] = [
  ["string", /'(?:[^']|'')*'/y],
  // A value of an enumeration, as metadata has them: Microsoft.Dynamics.CRM.OwnershipTypes'UserOwned'.
  ["enum", /Microsoft\.Dynamics\.CRM\.\w+'[^']*'/y],
  ["guid", /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}(?![\w-])/iy],
  ["date", /\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d))?(?![\w-])/y],
  ["number", /-?\d+(?:\.\d+)?(?![\w.])/y],
  ["word", /[A-Za-z_][\w.]*/y],
  ["(", /\(/y],
  [")", /\)/y],
  [",", /,/y],
  ["/", /\//y],
];

function tokens(text: string): Token[] {
  const found: Token[] = [];
  let at = 0;
  while (at < text.length) {
    if (/\s/.test(text.charAt(at))) {
      at += 1;
      continue;
    }
    const token = tokenAt(text, at);
    if (token === undefined) {
      throw badQuery(`Syntax error at position ${at} in '${text}'.`);
    }
    found.push(token.token);
    at = token.end;
  }
  return found;
}

function tokenAt(text: string, at: number): { token: Token; end: number } | undefined {
  for (const [kind, pattern] of patterns) {
    pattern.lastIndex = at;
    const match = pattern.exec(text)?.[0];
    if (match !== undefined) {
      const value =
        kind === "string"
          ? match.slice(1, -1).replaceAll("''", "'")
          : kind === "enum"
            ? match.slice(match.indexOf("'") + 1, -1)
            : match;
      return { token: { kind: kind === "enum" ? "string" : kind, text: value, at }, end: at + match.length };
    }
  }
  return undefined;
}

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

/** Null is unequal to every value and neither above nor below it. */
function compare(
  left: string | number | boolean | null,
  operator: Comparison,
  right: string | number | boolean | null,
): boolean {
  if (operator === "eq" || operator === "ne") {
    return (left === right) === (operator === "eq");
  }
  if (left === null || right === null) {
    return false;
  }
  return { gt: left > right, ge: left >= right, lt: left < right, le: left <= right }[operator];
}
