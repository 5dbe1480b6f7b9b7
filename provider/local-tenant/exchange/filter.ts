import { type Row, Typed } from "./envelope";
import { invalidFilter } from "./errors";
import { clientAccessProperties, filterableIn, mailboxProperties } from "./mailbox-properties";

type Token = { kind: "word" | "operator" | "literal" | "(" | ")" | "!"; text: string; value?: string | boolean | null };

type Predicate = (row: Row) => boolean;

/** Properties a filter may name. Addresses are filtered by `EmailAddresses`; `PrimarySmtpAddress` is not filterable. */
const filterable = new Set(
  [
    "Alias",
    "DisplayName",
    "DistinguishedName",
    "EmailAddresses",
    "ExchangeGuid",
    "ExternalDirectoryObjectId",
    "ExternalEmailAddress",
    "Guid",
    "HiddenFromAddressListsEnabled",
    "IsDirSynced",
    "LegacyExchangeDN",
    "Name",
    "RecipientType",
    "RecipientTypeDetails",
    "SamAccountName",
    "Sid",
    "SidHistory",
    "UserPrincipalName",
    "WhenMailboxCreated",
    ...Array.from({ length: 15 }, (_, index) => `CustomAttribute${index + 1}`),
    ...filterableIn({ ...mailboxProperties, ...clientAccessProperties }),
  ].map((name) => name.toLowerCase()),
);

const comparisons = ["-eq", "-ne", "-like", "-notlike", "-gt", "-ge", "-lt", "-le"];

/**
 * The part of OPATH filters the tenant understands: comparisons `-eq -ne -like -notlike -gt -ge -lt -le` joined by `-and`, `-or`,
 * `-not` and parentheses; texts in single or double quotes (a doubled quote stands for one), `$true`, `$false`, `$null`. `filterValues`
 * gives a property's value in the form filters compare, where it differs from the row's (distinguished names). Anything else is
 * refused with the part that is not understood.
 */
export function parseFilter(filter: string, filterValues: (row: Row, property: string) => unknown): Predicate {
  const tokens = tokenise(filter);
  let position = 0;

  function fail(reason: string): never {
    throw invalidFilter(filter, reason);
  }

  function take(): Token {
    return tokens[position++] ?? fail("ends too early.");
  }

  function expression(): Predicate {
    let left = term();
    for (;;) {
      const next = tokens[position];
      if (next?.kind !== "operator" || (next.text !== "-and" && next.text !== "-or")) {
        return left;
      }
      position++;
      const before = left;
      const right = term();
      left = next.text === "-and" ? (row) => before(row) && right(row) : (row) => before(row) || right(row);
    }
  }

  function term(): Predicate {
    const token = take();
    if (token.kind === "!" || (token.kind === "operator" && token.text === "-not")) {
      const inner = term();
      return (row) => !inner(row);
    }
    if (token.kind === "(") {
      const inner = expression();
      if (take().kind !== ")") {
        fail("has an open parenthesis.");
      }
      return inner;
    }
    if (token.kind !== "word") {
      fail(`has "${token.text}" where a property should be.`);
    }
    if (!filterable.has(token.text.toLowerCase())) {
      fail(`names "${token.text}", which isn't a filterable property.`);
    }
    const operator = take();
    if (operator.kind !== "operator" || !comparisons.includes(operator.text)) {
      fail(`has the operator "${operator.text}", which isn't supported.`);
    }
    const literal = take();
    if (literal.kind !== "literal" && literal.kind !== "word") {
      fail(`has "${literal.text}" where a value should be.`);
    }
    const value = literal.kind === "word" ? literal.text : (literal.value ?? null);
    return comparison(token.text, operator.text, value, filterValues);
  }

  const predicate = expression();
  const rest = tokens[position];
  if (rest !== undefined) {
    fail(`has "${rest.text}" after its end.`);
  }
  return predicate;
}

function comparison(
  property: string,
  operator: string,
  wanted: string | boolean | null,
  filterValues: (row: Row, property: string) => unknown,
): Predicate {
  const isAddresses = property.toLowerCase() === "emailaddresses";
  const holds = (actual: unknown): boolean => {
    const text = String(actual ?? "").toLowerCase();
    const target = String(wanted ?? "").toLowerCase();
    switch (operator) {
      case "-eq":
      case "-ne":
        // Equality takes an address with no prefix, and not one with it.
        return (isAddresses ? text.replace(/^[a-z0-9]+:/, "") : text) === target;
      case "-like":
      case "-notlike":
        return pattern(target).test(text);
      case "-gt":
        return text > target;
      case "-ge":
        return text >= target;
      case "-lt":
        return text < target;
      default:
        return text <= target;
    }
  };
  const negated = operator === "-ne" || operator === "-notlike";
  return (row) => {
    const actual = filterValues(row, property);
    const values = Array.isArray(actual) ? actual : [actual instanceof Typed ? actual.value : actual];
    return (values.length === 0 ? holds(null) : values.some(holds)) !== negated;
  };
}

function pattern(wildcard: string): RegExp {
  const source = wildcard
    .split("*")
    .map((part) => part.replace(/[.+?^${}()|[\]\\]/g, "\\$&"))
    .join(".*");
  return new RegExp(`^${source}$`, "s");
}

function tokenise(filter: string): Token[] {
  const tokens: Token[] = [];
  const text = filter.trim();
  const shape = /\s*(?:([()!])|'((?:[^']|'')*)'|"((?:[^"]|"")*)"|(\$(?:true|false|null))|(-[A-Za-z]+)|([^\s()'"!]+))/iy;
  while (shape.lastIndex < text.length) {
    const at = shape.lastIndex;
    const match = shape.exec(text);
    if (match === null) {
      throw invalidFilter(filter, `isn't understood from "${text.slice(at, at + 20)}".`);
    }
    const [, mark, single, double, constant, operator, word] = match;
    if (mark !== undefined) {
      tokens.push({ kind: mark as "(" | ")" | "!", text: mark });
    } else if (single !== undefined) {
      tokens.push({ kind: "literal", text: single, value: single.replaceAll("''", "'") });
    } else if (double !== undefined) {
      tokens.push({ kind: "literal", text: double, value: double.replaceAll('""', '"') });
    } else if (constant !== undefined) {
      const name = constant.toLowerCase();
      tokens.push({ kind: "literal", text: constant, value: name === "$null" ? null : name === "$true" });
    } else if (operator !== undefined) {
      tokens.push({ kind: "operator", text: operator.toLowerCase() });
    } else {
      tokens.push({ kind: "word", text: word ?? "" });
    }
  }
  return tokens;
}
