/**
 * What the filters of the three services share: how a text falls into tokens, what binds tighter, and how values compare. What a filter
 * may say, and the words of a refusal, are each service's own.
 */

/** A part of a filter. A quoted text (`string`) is without its quotes, doubled ones inside it undone. `at` is where it begins. */
export interface Token {
  kind: string;
  text: string;
  at: number;
}

/** Tells whether a row matches. */
export interface Predicate<Row> {
  (row: Row): boolean;
  /** One of these names each row that matches; undefined = any row may match. */
  texts?: readonly string[] | undefined;
}

/** The tokens of a text: at each place the first of the (sticky) patterns that fits. `fail` makes the error for a place where none does. */
export function tokensOf(
  text: string,
  patterns: Readonly<Record<string, RegExp>>,
  fail: (at: number) => Error,
): Token[] {
  const tokens: Token[] = [];
  const blanks = /\s*/y;
  const skipBlanks = (from: number): number => {
    blanks.lastIndex = from;
    blanks.exec(text);
    return blanks.lastIndex;
  };
  for (let at = skipBlanks(0); at < text.length; ) {
    const token = tokenAt(text, patterns, at);
    if (token === undefined) {
      throw fail(at);
    }
    tokens.push(token.kind === "string" ? { ...token, text: unquoted(token.text) } : token);
    at = skipBlanks(at + token.text.length);
  }
  return tokens;
}

function tokenAt(text: string, patterns: Readonly<Record<string, RegExp>>, at: number): Token | undefined {
  for (const [kind, pattern] of Object.entries(patterns)) {
    pattern.lastIndex = at;
    const match = pattern.exec(text)?.[0];
    if (match !== undefined) {
      return { kind, text: match, at };
    }
  }
  return undefined;
}

function unquoted(literal: string): string {
  const quote = literal.charAt(0);
  return literal.slice(1, -1).replaceAll(quote + quote, quote);
}

/** How one service writes conditions. */
export interface Dialect<Row> {
  /** Words that join conditions, those that bind loosest first; words of one entry bind alike, from left to right. */
  joins: readonly (readonly string[])[];
  not: readonly string[];
  /** Whether words count in any case. */
  ignoresCase: boolean;
  /** Reads one condition. */
  condition: (reader: Reader<Row>) => Predicate<Row>;
  /** The error for a token that cannot stand where it does; undefined = the end. `wanted`: what has to stand there. */
  syntaxError: (token: Token | undefined, wanted?: string) => Error;
  /** Called for each negation. */
  negating?: () => void;
}

/** How deep brackets and negations may nest. */
const deepest = 100;

/** Reads tokens one by one, and conditions joined by words. */
export class Reader<Row> {
  #next = 0;
  #depth = 0;

  constructor(
    readonly tokens: readonly Token[],
    readonly dialect: Dialect<Row>,
  ) {}

  /** All tokens as one condition. */
  whole(): Predicate<Row> {
    const predicate = this.conditions();
    if (this.peek() !== undefined) {
      throw this.dialect.syntaxError(this.peek(), "the end");
    }
    return predicate;
  }

  /** Conditions as far as they go. */
  conditions(level = 0): Predicate<Row> {
    const words = this.dialect.joins[level];
    if (words === undefined) {
      return this.#term();
    }
    let left = this.conditions(level + 1);
    for (let word = this.take(...words); word !== undefined; word = this.take(...words)) {
      const [first, second] = [left, this.conditions(level + 1)];
      left = word.endsWith("or") ? either(first, second) : both(first, second);
    }
    return left;
  }

  #term(): Predicate<Row> {
    this.#depth += 1;
    if (this.#depth > deepest) {
      throw this.dialect.syntaxError(this.peek(), "fewer brackets");
    }
    const predicate = this.#negated() ?? this.#bracketed() ?? this.dialect.condition(this);
    this.#depth -= 1;
    return predicate;
  }

  #negated(): Predicate<Row> | undefined {
    if (this.take(...this.dialect.not) === undefined) {
      return undefined;
    }
    this.dialect.negating?.();
    const inner = this.#term();
    return (row) => !inner(row);
  }

  #bracketed(): Predicate<Row> | undefined {
    if (this.take("(") === undefined) {
      return undefined;
    }
    const inner = this.conditions();
    this.demand(")");
    return inner;
  }

  peek(ahead = 0): Token | undefined {
    return this.tokens[this.#next + ahead];
  }

  /** The next token, which is of one of the kinds. */
  next(...kinds: string[]): Token {
    const token = this.peek();
    if (token === undefined || !kinds.includes(token.kind)) {
      throw this.dialect.syntaxError(token);
    }
    this.#next += 1;
    return token;
  }

  /** Takes the next token if it is one of these words or marks, and tells which. */
  take(...texts: string[]): string | undefined {
    const token = this.peek();
    const text = this.dialect.ignoresCase ? token?.text.toLowerCase() : token?.text;
    const found = token?.kind === "string" ? undefined : texts.find((one) => one === text);
    this.#next += found === undefined ? 0 : 1;
    return found;
  }

  demand(mark: string): void {
    if (this.take(mark) === undefined) {
      throw this.dialect.syntaxError(this.peek(), mark);
    }
  }
}

function either<Row>(first: Predicate<Row>, second: Predicate<Row>): Predicate<Row> {
  const texts = first.texts && second.texts && [...first.texts, ...second.texts];
  return Object.assign((row: Row) => first(row) || second(row), { texts });
}

function both<Row>(first: Predicate<Row>, second: Predicate<Row>): Predicate<Row> {
  return Object.assign((row: Row) => first(row) && second(row), { texts: first.texts ?? second.texts });
}

/** The comparisons of OData. */
export const comparisons = ["eq", "ne", "gt", "ge", "lt", "le"] as const;

export type Comparison = (typeof comparisons)[number];

/** What the services' OData library says of two types that cannot be compared. */
export function incompatible(left: string, right: string, operator: Comparison): string {
  return `A binary operator with incompatible types was detected. Found operand types '${left}' and '${right}' for operator kind '${kinds[operator]}'.`;
}

const kinds: Record<Comparison, string> = {
  eq: "Equal",
  ne: "NotEqual",
  gt: "GreaterThan",
  ge: "GreaterThanOrEqual",
  lt: "LessThan",
  le: "LessThanOrEqual",
};

/** Whether a comparison holds. Null is unequal to every value and neither above nor below it; text compares without case. */
export function holds(left: unknown, operator: Comparison, right: unknown): boolean {
  const result = order(left, right);
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

/** Negative, 0 or positive as sorting functions return it; undefined when the two cannot be compared. Text compares without case. */
export function order(value: unknown, other: unknown): number | undefined {
  if (value === null || other === null) {
    return value === other ? 0 : undefined;
  }
  if (typeof value === "string" && typeof other === "string") {
    const [left, right] = [value.toLowerCase(), other.toLowerCase()];
    return left < right ? -1 : left > right ? 1 : 0;
  }
  return typeof value === typeof other ? Number(value) - Number(other) : undefined;
}

/** The functions of OData about text, which compare without case. What is not text never matches. */
export const textFunctions: ReadonlyMap<string, (value: unknown, part: string) => boolean> = new Map([
  ["contains", (value: unknown, part: string) => lower(value)?.includes(part.toLowerCase()) === true],
  ["startswith", (value: unknown, part: string) => lower(value)?.startsWith(part.toLowerCase()) === true],
  ["endswith", (value: unknown, part: string) => lower(value)?.endsWith(part.toLowerCase()) === true],
]);

/** A text in lower case, to compare without case; undefined for what is not text. */
export function lower(value: unknown): string | undefined {
  return typeof value === "string" ? value.toLowerCase() : undefined;
}
