import { consistencyLevelMissing, invalidFilter, unknownFilterProperty, unsupportedFilter } from "./errors";
import { isObject, type Json } from "./request";

/** What a collection lets `$filter` do. */
export interface FilterRules {
  /** `microsoft.graph.user`. */
  type: string;
  /** `User`, as the directory's messages name it. */
  resource: string;
  members: readonly string[];
  /** Members that cannot be filtered at all. */
  unfilterable: readonly string[];
  /** Functions and operators that need `ConsistencyLevel: eventual` and `$count=true`. */
  advanced: ReadonlySet<string>;
  /** Functions and operators that are never supported. */
  refused: ReadonlySet<string>;
}

type Literal = string | number | boolean | null;
type Expression =
  | { kind: "and" | "or"; left: Expression; right: Expression }
  | { kind: "not"; of: Expression }
  | { kind: "compare"; operator: string; path: string; value: Literal }
  | { kind: "in"; path: string; values: Literal[] }
  | { kind: "call"; name: string; path: string; value: Literal }
  | { kind: "lambda"; all: boolean; path: string; variable: string; of: Expression | undefined };

type Token = { kind: "word" | "string" | "mark"; text: string };

const comparisons = new Set(["eq", "ne", "gt", "ge", "lt", "le"]);
const functions = new Set(["startswith", "endswith", "contains"]);

/**
 * Parses an OData `$filter` and returns the test it stands for. Knows eq, ne, gt, ge, lt, le, in, and, or, not, brackets,
 * startswith, endswith, contains, any and all. Text is compared without case, as the directory does.
 *
 * @param isAdvanced the request carries what advanced queries need.
 * @throws GraphError 400 for what Graph refuses, with its codes.
 */
export function parseFilter(text: string, rules: FilterRules, isAdvanced: boolean): (entity: Json) => boolean {
  const parser = new Parser(tokenize(text), rules, isAdvanced);
  const expression = parser.parse();
  return (entity) => isTrue(expression, entity, new Map());
}

function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  while (at < text.length) {
    const rest = text.slice(at);
    const space = /^\s+/.exec(rest);
    if (space !== null) {
      at += space[0].length;
      continue;
    }
    const quoted = /^'((?:[^']|'')*)'/.exec(rest);
    const mark = /^[(),:]/.exec(rest);
    // A colon belongs to a date and time, but ends the variable of a lambda.
    const word = /^(?:\d{4}-\d\d-\d\dT[0-9:.Z+-]+|[A-Za-z0-9_.@$/+-]+)/.exec(rest);
    if (quoted !== null) {
      tokens.push({ kind: "string", text: (quoted[1] ?? "").replaceAll("''", "'") });
      at += quoted[0].length;
    } else if (mark !== null) {
      tokens.push({ kind: "mark", text: mark[0] });
      at += 1;
    } else if (word !== null) {
      tokens.push({ kind: "word", text: word[0] });
      at += word[0].length;
    } else if (rest.startsWith("'")) {
      throw invalidFilter(`There is an unterminated string literal at position ${text.length} in '${text}'.`);
    } else {
      throw invalidFilter(`Syntax error: character '${rest[0]}' is not valid at position ${at} in '${text}'.`);
    }
  }
  return tokens;
}

class Parser {
  #at = 0;
  readonly #variables: string[] = [];

  constructor(
    readonly tokens: readonly Token[],
    readonly rules: FilterRules,
    readonly isAdvanced: boolean,
  ) {}

  parse(): Expression {
    const expression = this.#or();
    if (this.#at < this.tokens.length) {
      throw invalidFilter(`Syntax error at '${this.#peek()?.text ?? ""}'.`);
    }
    return expression;
  }

  #or(): Expression {
    let left = this.#and();
    while (this.#takesWord("or")) {
      left = { kind: "or", left, right: this.#and() };
    }
    return left;
  }

  #and(): Expression {
    let left = this.#unary();
    while (this.#takesWord("and")) {
      left = { kind: "and", left, right: this.#unary() };
    }
    return left;
  }

  #unary(): Expression {
    if (this.#takesWord("not")) {
      this.#require("not");
      return { kind: "not", of: this.#unary() };
    }
    if (this.#takesMark("(")) {
      const inner = this.#or();
      this.#mark(")");
      return inner;
    }
    return this.#predicate();
  }

  #predicate(): Expression {
    const word = this.#word();
    const name = word.toLowerCase();
    if (functions.has(name) && this.#takesMark("(")) {
      this.#require(name);
      const path = this.#path(this.#word());
      this.#mark(",");
      const value = this.#literal();
      this.#mark(")");
      return { kind: "call", name, path, value };
    }
    const lambda = /^(.+)\/(any|all)$/i.exec(word);
    if (lambda !== null && this.#takesMark("(")) {
      return this.#lambda(lambda[1] ?? "", (lambda[2] ?? "").toLowerCase() === "all");
    }
    const path = this.#path(word);
    const operator = this.#word().toLowerCase();
    if (operator === "in") {
      return { kind: "in", path, values: this.#list() };
    }
    if (!comparisons.has(operator)) {
      throw invalidFilter(`Syntax error: '${operator}' is no operator.`);
    }
    this.#require(operator, path);
    return { kind: "compare", operator, path, value: this.#literal() };
  }

  #lambda(rawPath: string, all: boolean): Expression {
    const path = this.#path(rawPath);
    if (all) {
      this.#require("all");
    }
    if (this.#takesMark(")")) {
      return { kind: "lambda", all, path, variable: "", of: undefined };
    }
    const variable = this.#word();
    this.#mark(":");
    this.#variables.push(variable);
    const of = this.#or();
    this.#variables.pop();
    this.#mark(")");
    return { kind: "lambda", all, path, variable, of };
  }

  #list(): Literal[] {
    this.#mark("(");
    const values: Literal[] = [];
    do {
      values.push(this.#literal());
    } while (this.#takesMark(","));
    this.#mark(")");
    return values;
  }

  #literal(): Literal {
    const token = this.tokens[this.#at++];
    if (token?.kind === "string") {
      return token.text;
    }
    if (token?.kind === "word") {
      const word = token.text.toLowerCase();
      if (word === "true" || word === "false") {
        return word === "true";
      }
      if (word === "null") {
        return null;
      }
      if (/^-?\d+(?:\.\d+)?$/.test(word)) {
        return Number(word);
      }
      if (/^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/.test(word) || /^\d{4}-\d\d-\d\d(?:t.*)?$/.test(word)) {
        return token.text;
      }
      throw unknownFilterProperty(token.text, this.rules.type);
    }
    throw invalidFilter("Expression expected.");
  }

  #path(path: string): string {
    const [head = "", ...rest] = path.split("/");
    if (this.#variables.includes(head)) {
      return path;
    }
    const member = this.rules.members.find((one) => one.toLowerCase() === head.toLowerCase());
    if (member === undefined) {
      throw unknownFilterProperty(head, this.rules.type);
    }
    if (this.rules.unfilterable.includes(member)) {
      throw unsupportedFilter(member, this.rules.resource);
    }
    return [member, ...rest].join("/");
  }

  #require(operator: string, path = operator): void {
    if (this.rules.refused.has(operator)) {
      throw unsupportedFilter(path, this.rules.resource);
    }
    if (this.rules.advanced.has(operator) && !this.isAdvanced) {
      throw consistencyLevelMissing(operator);
    }
  }

  #peek(): Token | undefined {
    return this.tokens[this.#at];
  }

  #takesWord(word: string): boolean {
    const token = this.#peek();
    const found = token?.kind === "word" && token.text.toLowerCase() === word;
    this.#at += found ? 1 : 0;
    return found;
  }

  #takesMark(mark: string): boolean {
    const token = this.#peek();
    const found = token?.kind === "mark" && token.text === mark;
    this.#at += found ? 1 : 0;
    return found;
  }

  #mark(mark: string): void {
    if (!this.#takesMark(mark)) {
      throw invalidFilter(`Syntax error: '${mark}' expected at '${this.#peek()?.text ?? "the end"}'.`);
    }
  }

  #word(): string {
    const token = this.tokens[this.#at++];
    if (token?.kind !== "word") {
      throw invalidFilter(`Syntax error at '${token?.text ?? "the end"}'.`);
    }
    return token.text;
  }
}

function isTrue(expression: Expression, entity: Json, variables: Map<string, unknown>): boolean {
  switch (expression.kind) {
    case "and":
      return isTrue(expression.left, entity, variables) && isTrue(expression.right, entity, variables);
    case "or":
      return isTrue(expression.left, entity, variables) || isTrue(expression.right, entity, variables);
    case "not":
      return !isTrue(expression.of, entity, variables);
    case "in": {
      const value = valueAt(expression.path, entity, variables);
      return expression.values.some((one) => order(value, one) === 0);
    }
    case "call":
      return called(expression.name, valueAt(expression.path, entity, variables), expression.value);
    case "compare":
      return compared(expression.operator, valueAt(expression.path, entity, variables), expression.value);
    case "lambda": {
      const collection = valueAt(expression.path, entity, variables);
      const items = Array.isArray(collection) ? collection : [];
      const { of, variable } = expression;
      if (of === undefined) {
        return items.length > 0;
      }
      const holds = (item: unknown) => isTrue(of, entity, new Map(variables).set(variable, item));
      return expression.all ? items.every(holds) : items.some(holds);
    }
  }
}

function valueAt(path: string, entity: Json, variables: Map<string, unknown>): unknown {
  const [head = "", ...rest] = path.split("/");
  let value = variables.has(head) ? variables.get(head) : entity[head];
  for (const name of rest) {
    value = isObject(value) ? value[name] : undefined;
  }
  return value ?? null;
}

function called(name: string, value: unknown, literal: Literal): boolean {
  if (typeof value !== "string") {
    return false;
  }
  const text = value.toLowerCase();
  const part = String(literal).toLowerCase();
  if (name === "startswith") {
    return text.startsWith(part);
  }
  return name === "endswith" ? text.endsWith(part) : text.includes(part);
}

function compared(operator: string, value: unknown, literal: Literal): boolean {
  const result = order(value, literal);
  switch (operator) {
    case "eq":
      return result === 0;
    case "ne":
      return result !== 0;
    case "gt":
      return result !== undefined && result > 0;
    case "ge":
      return result !== undefined && result >= 0;
    case "lt":
      return result !== undefined && result < 0;
    default:
      return result !== undefined && result <= 0;
  }
}

/** Negative, 0 or positive as sorting functions return it; undefined when the two cannot be compared. */
export function order(value: unknown, other: unknown): number | undefined {
  if (value === null || other === null) {
    return value === other ? 0 : undefined;
  }
  if (typeof value === "string" && typeof other === "string") {
    const isDate = /^\d{4}-\d\d-\d\dT/;
    if (isDate.test(value) && isDate.test(other)) {
      return Date.parse(value) - Date.parse(other);
    }
    const [left, right] = [value.toLowerCase(), other.toLowerCase()];
    return left < right ? -1 : left > right ? 1 : 0;
  }
  if (typeof value === typeof other) {
    return Number(value) - Number(other);
  }
  return undefined;
}
