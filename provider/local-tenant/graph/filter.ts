import {
  type Comparison,
  comparisons,
  holds,
  incompatible,
  lower,
  type Predicate,
  Reader,
  type Token,
  textFunctions,
  tokensOf,
} from "../odata/expression";
import { isGuid, isPlainObject } from "../values";
import { consistencyLevelMissing, invalidFilter, unknownFilterProperty, unsupportedFilter } from "./errors";
import type { Json } from "./request";

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

/** How Graph names what is true or false: `accountEnabled`, `isVerified`, `hasAttachments`. */
const FLAG = /(?:^is|^has)[A-Z]|Enabled$/;
/** The number of things in a collection: `assignedLicenses/$count eq 0`. */
const COUNT = "$count";

/** The entity a filter looks at, and what the variables of lambdas stand for. */
interface Scope {
  entity: Json;
  variables: Map<string, unknown>;
}

const patterns = {
  string: /'(?:[^']|'')*'/y,
  mark: /[(),:]/y,
  // A colon belongs to a date and time, but ends the variable of a lambda.
  word: /\d{4}-\d\d-\d\dT[0-9:.Z+-]+|[A-Za-z0-9_.@$/+-]+/y,
};

/**
 * Parses an OData `$filter` and returns the test it stands for. Knows eq, ne, gt, ge, lt, le, in, and, or, not, brackets,
 * startswith, endswith, contains, any and all. Text is compared without case, as the directory does.
 *
 * @param isAdvanced the request carries what advanced queries need.
 * @throws GraphError 400 for what Graph refuses, with its codes.
 */
export function parseFilter(text: string, rules: FilterRules, isAdvanced: boolean): (entity: Json) => boolean {
  const matches = new Conditions(text, rules, isAdvanced).reader.whole();
  return (entity) => matches({ entity, variables: new Map() });
}

/** The conditions Graph knows, as rules of a collection allow them. */
class Conditions {
  readonly reader: Reader<Scope>;
  readonly #rules: FilterRules;
  readonly #isAdvanced: boolean;
  readonly #variables: string[] = [];

  constructor(text: string, rules: FilterRules, isAdvanced: boolean) {
    this.#rules = rules;
    this.#isAdvanced = isAdvanced;
    this.reader = new Reader(
      tokensOf(text, patterns, (at) =>
        invalidFilter(
          text[at] === "'"
            ? `There is an unterminated string literal at position ${text.length} in '${text}'.`
            : `Syntax error: character '${text[at]}' is not valid at position ${at} in '${text}'.`,
        ),
      ),
      {
        joins: [["or"], ["and"]],
        not: ["not"],
        ignoresCase: true,
        condition: () => this.#condition(),
        syntaxError,
        negating: () => this.#require("not"),
      },
    );
  }

  #condition(): Predicate<Scope> {
    const { reader } = this;
    const { text: word } = reader.next("word");
    const call = textFunctions.get(word.toLowerCase());
    if (call !== undefined && reader.take("(") !== undefined) {
      this.#require(word.toLowerCase());
      const read = this.#path(reader.next("word").text);
      reader.demand(",");
      const part = String(this.#literal());
      reader.demand(")");
      return (scope) => call(read(scope), part);
    }
    const lambda = /^(.+)\/(any|all)$/i.exec(word);
    if (lambda !== null && reader.take("(") !== undefined) {
      return this.#lambda(lambda[1] ?? "", (lambda[2] ?? "").toLowerCase() === "all");
    }
    const read = this.#path(word);
    const given = reader.next("word").text.toLowerCase();
    if (given === "in") {
      const values = this.#list();
      if (values.every((one) => typeof one === "string" && dated(one, one) === one)) {
        // Asked of each object of a large tenant.
        const wanted = new Set(values.map(lower));
        return (scope) => wanted.has(lower(read(scope)));
      }
      return (scope) => values.some((one) => holds(dated(read(scope), one), "eq", dated(one, read(scope))));
    }
    const operator = comparisons.find((one) => one === given);
    if (operator === undefined) {
      throw invalidFilter(`Syntax error: '${given}' is no operator.`);
    }
    this.#require(operator, spelled(word, this.#rules));
    const value = this.#literal();
    requireSameType(spelled(word, this.#rules), operator, value);
    if (operator === "eq" && typeof value === "string" && dated(value, value) === value) {
      // Nearly all filters ask this, and of each object of a large tenant.
      const wanted = lower(value);
      return (scope) => lower(read(scope)) === wanted;
    }
    return (scope) => holds(dated(read(scope), value), operator, dated(value, read(scope)));
  }

  #lambda(rawPath: string, all: boolean): Predicate<Scope> {
    const { reader } = this;
    const read = this.#path(rawPath);
    const items = (scope: Scope): unknown[] => {
      const value = read(scope);
      return Array.isArray(value) ? value : [];
    };
    if (all) {
      this.#require("all");
    }
    if (reader.take(")") !== undefined) {
      return (scope) => items(scope).length > 0;
    }
    const { text: variable } = reader.next("word");
    reader.demand(":");
    this.#variables.push(variable);
    const matches = reader.conditions();
    this.#variables.pop();
    reader.demand(")");
    return (scope) => {
      const isMatch = (item: unknown) => {
        scope.variables.set(variable, item);
        return matches(scope);
      };
      return all ? items(scope).every(isMatch) : items(scope).some(isMatch);
    };
  }

  #list(): Literal[] {
    this.reader.demand("(");
    const values: Literal[] = [];
    do {
      values.push(this.#literal());
    } while (this.reader.take(",") !== undefined);
    this.reader.demand(")");
    return values;
  }

  #literal(): Literal {
    const { kind, text } = this.reader.peek() ?? { kind: "mark", text: "" };
    if (kind === "mark") {
      throw invalidFilter("Expression expected.");
    }
    this.reader.next(kind);
    const word = text.toLowerCase();
    if (kind === "string") {
      return text;
    }
    if (word === "true" || word === "false" || word === "null") {
      return word === "null" ? null : word === "true";
    }
    if (/^-?\d+(?:\.\d+)?$/.test(word)) {
      return Number(word);
    }
    if (isGuid(word) || /^\d{4}-\d\d-\d\d(?:t.*)?$/.test(word)) {
      return text;
    }
    throw unknownFilterProperty(text, this.#rules.type);
  }

  /** What a path leads to: a member of the entity, or what a variable of a lambda stands for. */
  #path(path: string): (scope: Scope) => unknown {
    const [head = "", ...rest] = path.split("/");
    const isVariable = this.#variables.includes(head);
    const name = isVariable ? head : this.#member(head);
    if (rest.length === 0) {
      return ({ entity, variables }) => (isVariable ? variables.get(name) : entity[name]) ?? null;
    }
    if (rest.at(-1) === COUNT) {
      this.#require(COUNT);
    }
    return ({ entity, variables }) =>
      rest.reduce<unknown>(inside, variables.has(name) ? variables.get(name) : entity[name]) ?? null;
  }

  #member(head: string): string {
    const member = this.#rules.members.find((one) => one.toLowerCase() === head.toLowerCase());
    if (member === undefined) {
      throw unknownFilterProperty(head, this.#rules.type);
    }
    if (this.#rules.unfilterable.includes(member)) {
      throw unsupportedFilter(member, this.#rules.resource);
    }
    return member;
  }

  #require(operator: string, path = operator): void {
    // @documented graph.filter-operators: $filter: eq, in, ge, le, startsWith, any without further ado; ne, not, endsWith and the
    // $count of a collection need ConsistencyLevel and $count [Microsoft Graph: advanced query capabilities on directory objects]
    // @documented graph.filter-refused: contains, gt and lt are refused on directory objects [Microsoft Graph: advanced query
    // capabilities on directory objects]
    if (this.#rules.refused.has(operator)) {
      throw unsupportedFilter(path, this.#rules.resource);
    }
    if (this.#rules.advanced.has(operator) && !this.#isAdvanced) {
      throw consistencyLevelMissing(operator);
    }
  }
}

/** @throws GraphError 400 where something true or false is compared with another value, or another member with true or false. */
function requireSameType(path: string, operator: Comparison, value: Literal): void {
  // @observed graph.filter-types: A member is compared with a value of its own type only, in the words of Microsoft's OData library
  // [public issue threads of Graph clients]
  const isFlag = FLAG.test(path);
  if (value !== null && isFlag !== (typeof value === "boolean")) {
    const other = typeof value === "number" ? "Edm.Int32" : "Edm.String";
    throw invalidFilter(
      isFlag ? incompatible("Edm.Boolean", other, operator) : incompatible("Edm.String", "Edm.Boolean", operator),
    );
  }
}

/** A member of a value, or the number of things in it. */
function inside(value: unknown, step: string): unknown {
  if (step === COUNT) {
    return Array.isArray(value) ? value.length : undefined;
  }
  return isPlainObject(value) ? value[step] : undefined;
}

function syntaxError(token: Token | undefined, wanted?: string): Error {
  const found = `'${token?.text ?? "the end"}'`;
  return invalidFilter(
    wanted === undefined || wanted === "the end"
      ? `Syntax error at ${found}.`
      : `Syntax error: '${wanted}' expected at ${found}.`,
  );
}

/** A path with its member as the type spells it. */
function spelled(path: string, { members }: FilterRules): string {
  const [head = "", ...rest] = path.split("/");
  return [members.find((one) => one.toLowerCase() === head.toLowerCase()) ?? head, ...rest].join("/");
}

/** A time that is compared with a time, as a number: the same one can be written in several ways. */
export function dated(value: unknown, other: unknown): unknown {
  const isTime = (one: unknown): one is string => typeof one === "string" && /^\d{4}-\d\d-\d\dT/.test(one);
  return isTime(value) && isTime(other) ? Date.parse(value) : value;
}
