import { parseFilter as exchangeFilter } from "../../provider/local-tenant/exchange/filter";
import { parseFilter as graphFilter } from "../../provider/local-tenant/graph/filter";
import { type Dialect, holds, order, Reader, tokensOf } from "../../provider/local-tenant/odata/expression";
import { sorted, startAfter, topLevel } from "../../provider/local-tenant/odata/listing";

/** Letters that are true when the row has them. */
function letters(joins: string[][]): Dialect<string> {
  return {
    joins,
    not: ["not"],
    ignoresCase: true,
    condition: (reader) => {
      const { text } = reader.next("word");
      return (row) => row.includes(text);
    },
    syntaxError: (token, wanted) => new Error(`${token?.text ?? "the end"}, not ${wanted ?? "a letter"}`),
  };
}

const patterns = { string: /'(?:[^']|'')*'/y, mark: /[()]/y, word: /\w+/y };
const read = (text: string, joins = [["or"], ["and"]]) =>
  new Reader(
    tokensOf(text, patterns, (at) => new Error(`no token at ${at}`)),
    letters(joins),
  ).whole();

test("what is in an entry of its own binds tighter; what is in one entry binds from left to right", () => {
  expect(read("a or b and c")("a")).toBe(true);
  expect(read("a or b and c", [["or", "and"]])("a")).toBe(false);
  expect(read("(a OR b) and not c")("b")).toBe(true);
  expect(read("not a and b")("")).toBe(false);
});

test("a token that cannot stand where it does is named, with what was wanted", () => {
  expect(() => read("a b")).toThrow("b, not the end");
  expect(() => read("(a")).toThrow("the end, not )");
  expect(() => read("a and")).toThrow("the end, not a letter");
  expect(() => read("a and 'b'")).toThrow("b, not a letter");
  expect(() => read("a %")).toThrow("no token at 2");
});

test("a filter that nests too deeply is refused, not too much for the process", () => {
  const deep = (inner: string, not: string) => "(".repeat(20_000) + inner + ")".repeat(20_000) + not;
  const rules = {
    type: "t",
    resource: "T",
    members: ["mail"],
    unfilterable: [],
    advanced: new Set([]),
    refused: new Set([]),
  };
  expect(() => graphFilter(deep("mail eq 'a'", ""), rules, true)).toThrow(expect.objectContaining({ status: 400 }));
  expect(() => exchangeFilter(deep("Name -eq 'a'", ""), () => null)).toThrow(expect.objectContaining({ status: 400 }));
});

test("null equals null alone, and is neither above nor below anything", () => {
  expect(holds(null, "eq", null)).toBe(true);
  expect(holds(null, "ne", "a")).toBe(true);
  expect([holds(null, "lt", 1), holds(null, "ge", 1), holds("a", "gt", null)]).toEqual([false, false, false]);
  expect(order("a", 1)).toBeUndefined();
  expect(holds("Ada", "eq", "aDA")).toBe(true);
});

test("lists fall apart at separators outside brackets", () => {
  expect(topLevel("a,b($select=c,d),e")).toEqual(["a", "b($select=c,d)", "e"]);
  expect(topLevel("a($x;$y);b", ";")).toEqual(["a($x;$y)", "b"]);
});

test("rows are sorted by each key in turn, and a page goes on behind its last row", () => {
  const rows = ["b1", "a2", "a1", "b2"];
  const inOrder = sorted(rows, "0 desc, 1", (path, direction) => ({
    isDescending: direction === "desc",
    order: (one, other) => order(one[Number(path)], other[Number(path)]),
  }));
  expect(inOrder).toEqual(["b1", "b2", "a1", "a2"]);
  expect(startAfter(inOrder, (row) => row === "b2", 9)).toBe(2);
  expect(startAfter(inOrder, (row) => row === "gone", 1)).toBe(1);
  expect(startAfter(inOrder, (row) => row === "gone", 9)).toBe(4);
});
