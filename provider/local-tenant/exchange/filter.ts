import { comparisons, holds, type Predicate, Reader, type Token, tokensOf } from "../odata/expression";
import { names } from "../values";
import { Typed } from "./envelope";
import { invalidFilter } from "./errors";
import { clientAccessProperties, filterableIn, mailboxProperties, noGuid } from "./mailbox-properties";

/** Properties by whose values recipients and accounts are found without looking at all, in lower case. */
const naming = names(`
  alias displayname distinguishedname emailaddresses exchangeguid externaldirectoryobjectid guid legacyexchangedn name
  samaccountname sid sidhistory userprincipalname
`);

/** Properties a filter may name, in lower case. Addresses are filtered by `EmailAddresses`; `PrimarySmtpAddress` is not filterable. */
const filterable = new Set(
  [
    ...naming,
    ...names("ExternalEmailAddress HiddenFromAddressListsEnabled IsDirSynced RecipientType RecipientTypeDetails"),
    "WhenMailboxCreated",
    ...Array.from({ length: 15 }, (_, index) => `CustomAttribute${index + 1}`),
    ...filterableIn({ ...mailboxProperties, ...clientAccessProperties }),
  ].map((name) => name.toLowerCase()),
);

const operators = [...comparisons.map((one) => `-${one}`), "-like", "-notlike"];

const patterns = {
  string: /'(?:[^']|'')*'|"(?:[^"]|"")*"/y,
  constant: /\$(?:true|false|null)/iy,
  operator: /-[A-Za-z]+/y,
  mark: /[()!]/y,
  word: /[^\s()'"!]+/y,
};

/**
 * The part of OPATH filters the tenant understands: comparisons `-eq -ne -like -notlike -gt -ge -lt -le` joined by `-and`, `-or`,
 * `-not` and parentheses; texts in single or double quotes (a doubled quote stands for one), `$true`, `$false`, `$null`. `filterValues`
 * gives a property's value in the form filters compare, where it differs from the row's (distinguished names). Anything else is
 * refused with the part that is not understood.
 */
export function parseFilter<Row>(
  filter: string,
  filterValues: (row: Row, property: string) => unknown,
): Predicate<Row> {
  const fail = (reason: string) => invalidFilter(filter, reason);
  const text = filter.trim();
  return new Reader<Row>(
    tokensOf(text, patterns, (at) => fail(`isn't understood from "${text.slice(at, at + 20)}".`)),
    {
      joins: [["-and", "-or"]],
      not: ["!", "-not"],
      ignoresCase: true,
      condition: (reader) => condition(reader, fail, filterValues),
      syntaxError: (token, wanted) =>
        fail(
          token === undefined
            ? "ends too early."
            : wanted === ")"
              ? "has an open parenthesis."
              : `has "${token.text}" ${wanted === "the end" ? "after its end" : "where it can't be"}.`,
        ),
    },
  ).whole();
}

function condition<Row>(
  reader: Reader<Row>,
  fail: (reason: string) => Error,
  filterValues: (row: Row, property: string) => unknown,
): Predicate<Row> {
  const take = (kinds: readonly string[], refusal: (text: string) => string): Token => {
    const token = reader.peek();
    if (token !== undefined && !kinds.includes(token.kind)) {
      throw fail(refusal(token.text));
    }
    return reader.next(...kinds);
  };
  const { text: property } = take(["word"], (text) => `has "${text}" where a property should be.`);
  if (!filterable.has(property.toLowerCase())) {
    throw fail(`names "${property}", which isn't a filterable property.`);
  }
  const next = reader.peek();
  const operator = reader.take(...operators);
  if (operator === undefined) {
    const shown = next?.kind === "operator" ? next.text.toLowerCase() : next?.text;
    throw fail(shown === undefined ? "ends too early." : `has the operator "${shown}", which isn't supported.`);
  }
  const { kind, text } = take(["string", "constant", "word"], (found) => `has "${found}" where a value should be.`);
  const isNull = kind === "constant" && text.toLowerCase() === "$null";
  const wanted = isNull ? "" : kind === "constant" ? text.slice(1) : text;
  // Nothing, and the GUID that stands for none, name nobody.
  const isNaming = operator === "-eq" && naming.includes(property.toLowerCase()) && wanted !== "" && wanted !== noGuid;
  return Object.assign(comparison(property, operator.slice(1), wanted.toLowerCase(), filterValues), {
    texts: isNaming ? [wanted.toLowerCase()] : undefined,
  });
}

/** `wanted` in lower case. A property of several values matches when one of them does. */
function comparison<Row>(
  property: string,
  operator: string,
  wanted: string,
  filterValues: (row: Row, property: string) => unknown,
): Predicate<Row> {
  // @documented exchange.filter-syntax: Filters: comparisons, and/or/not; EmailAddresses equals without prefix, wildcards with it
  // [Filterable properties for the Filter parameter]
  const isAddresses = property.toLowerCase() === "emailaddresses";
  const plain = { ne: "eq", notlike: "like" }[operator] ?? operator;
  const matches = (actual: unknown): boolean => {
    const text = String(actual ?? "").toLowerCase();
    const compared = comparisons.find((one) => one === plain);
    if (compared === undefined) {
      return pattern(wanted).test(text);
    }
    // Equality takes an address with no prefix, and not one with it.
    return holds(isAddresses && compared === "eq" ? text.replace(/^[a-z0-9]+:/, "") : text, compared, wanted);
  };
  return (row) => {
    const actual = filterValues(row, property);
    const values = Array.isArray(actual) ? actual : [actual instanceof Typed ? actual.value : actual];
    return (values.length === 0 ? matches(null) : values.some(matches)) === (plain === operator);
  };
}

function pattern(wildcard: string): RegExp {
  const source = wildcard
    .split("*")
    .map((part) => part.replace(/[.+?^${}()|[\]\\]/g, "\\$&"))
    .join(".*");
  return new RegExp(`^${source}$`, "s");
}
