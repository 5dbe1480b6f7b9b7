/** Finds somebody in YAML and JSON. */
import { isDeepStrictEqual } from "node:util";
import { type Document, isMap, isPair, isScalar, isSeq, type Node, type Pair, parseAllDocuments, visit } from "yaml";
import { looksLikeAddress, ownLines, type Range, removalOf, without } from "./edit";

/** Somebody in a text, and how to take her out; or why that is left to a person. */
export interface Sighting {
  start: number;
  removal?: Range;
  /** Why there is no removal. */
  why?: string;
  /** Whether it is only the beginning of an address, which may mean somebody else. */
  isGuess?: true;
}

/** Texts that stand for somebody, in lower case; and a short one that may. */
export interface Names {
  certain: ReadonlySet<string>;
  guess: string | undefined;
}

/** Why a list or map is left as it is where she is all that is in it, under several names. */
export const NOBODY_ELSE = "nobody else is in its";

/** The same sightings, where the edit as a whole cannot be made. */
export function withoutCuts(found: readonly Sighting[]): Sighting[] {
  return found.map(({ removal, ...one }) =>
    removal === undefined ? one : { ...one, why: "it cannot be cut out safely" },
  );
}

/** What an element of a YAML list begins and ends with on its lines. */
const DASH = /^[ \t]*-[ \t]+$/;
const REST = /^[ \t]*(#[^\n]*)?(?:\r?\n|$)/;

/**
 * Everywhere in a document where somebody is a scalar or a key.
 *
 * @returns undefined where the text is neither YAML nor JSON.
 */
export function inData(text: string, names: Names, isJson: boolean): Sighting[] | undefined {
  const documents = parsed(text);
  if (documents === undefined) {
    return undefined;
  }
  const found: Sighting[] = [];
  const taken: Taken[] = [];
  for (const document of documents) {
    visit(document, {
      Scalar(key, node, path) {
        const value = typeof node.value === "string" ? node.value.trim().toLowerCase() : "";
        const isGuess = value !== "" && value === names.guess && (key === "key" || isSeq(path.at(-1)));
        if ((!names.certain.has(value) && !isGuess) || !node.range) {
          return;
        }
        const [start] = node.range;
        const parent = path.at(-1);
        const outer = path.at(-2);
        const sighting: Part =
          key === "key" && isPair(parent) && isMap(outer)
            ? ofPair(text, outer, parent, names, isJson)
            : isSeq(parent) && typeof key === "number"
              ? ofItem(text, parent, key, isSeq(outer), names, isJson)
              : { why: "it is not in a list" };
        if (isGuess) {
          found.push({ start, why: "it may mean the same person", isGuess: true });
          return;
        }
        found.push({ start, ...sighting });
        if (sighting.removal !== undefined) {
          const from = (isPair(parent) ? outer : parent) as unknown as Taken["from"];
          taken.push({ of: documents, from, element: isPair(parent) ? parent : node });
        }
      },
    });
  }
  return verified(text, found, taken, isJson);
}

/** Cuts only where what is left reads as the document does without exactly those elements. */
function verified(text: string, found: Sighting[], taken: readonly Taken[], isJson: boolean): Sighting[] {
  const removals = found.flatMap(({ removal }) => removal ?? []);
  if (removals.length === 0) {
    return found;
  }
  const cut = without(text, removals);
  const documents = parsed(cut);
  for (const { from, element } of taken) {
    from.items.splice(from.items.indexOf(element), 1);
  }
  const isSame = documents !== undefined && isDeepStrictEqual(valuesOf(taken[0]?.of ?? []), valuesOf(documents));
  return isSame && (!isJson || isJsonText(cut)) ? found : withoutCuts(found);
}

function parsed(text: string): Document.Parsed[] | undefined {
  const documents = parseAllDocuments(text, { logLevel: "silent" });
  return Array.isArray(documents) && documents.every(({ errors }) => errors.length === 0) ? documents : undefined;
}

function valuesOf(documents: readonly Document.Parsed[]): unknown {
  return JSON.parse(JSON.stringify(documents.map((one) => one.toJS())));
}

/** An element that is cut out of a list or map. */
interface Taken {
  of: readonly Document.Parsed[];
  from: { items: unknown[] };
  element: unknown;
}

function isJsonText(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

type Part = Pick<Sighting, "removal" | "why">;

function ofItem(
  text: string,
  list: { items: unknown[]; flow?: boolean },
  index: number,
  isNested: boolean,
  names: Names,
  isJson: boolean,
): Part {
  if (isNested) {
    return { why: "it is in a list within a list" };
  }
  const why = whyNobodyGoes(list.items, index, names, { in: "list", mixed: "its list holds other things than people" });
  if (why !== undefined) {
    return { why };
  }
  const nodes = list.items as Node[];
  if (nodes.some((node) => "anchor" in node && node.anchor !== undefined)) {
    return { why: "its list has an anchor in it" };
  }
  const removal =
    list.flow === true
      ? removalOf(text, { elements: nodes.map(rangeOf), allowsTrailingComma: !isJson }, index)
      : ownLines(text, rangeOf(nodes[index] as Node), REST, DASH);
  return removal === undefined ? { why: "it shares its lines with something else" } : { removal };
}

/**
 * Why nobody can be cut out of people who stand together.
 *
 * @param people the items of a list, or the keys of a map.
 */
function whyNobodyGoes(
  people: readonly unknown[],
  index: number,
  names: Names,
  words: { in: string; mixed: string },
): string | undefined {
  const texts = people.map((one) => (isScalar(one) && typeof one.value === "string" ? one.value : undefined));
  const own = texts[index] ?? "";
  if (texts.some((text) => text === undefined || (looksLikeAddress(own) && !looksLikeAddress(text)))) {
    return words.mixed;
  }
  if (texts.length === 1) {
    return `it is the only one in its ${words.in}`;
  }
  return texts.every((text) => text !== undefined && names.certain.has(text.trim().toLowerCase()))
    ? `${NOBODY_ELSE} ${words.in}`
    : undefined;
}

function ofPair(text: string, map: { items: Pair[]; flow?: boolean }, pair: Pair, names: Names, isJson: boolean): Part {
  const index = map.items.indexOf(pair);
  const keys = map.items.map(({ key }) => key);
  const why = whyNobodyGoes(keys, index, names, { in: "map", mixed: "its map has other keys than people" });
  if (why !== undefined) {
    return { why };
  }
  const ranges = map.items.map((one) => ({ start: rangeOf(one.key as Node).start, end: endOf(one) }));
  const value = text.slice(ranges[index]?.start, ranges[index]?.end);
  if (/(^|\s)&\S/.test(value)) {
    return { why: "it has an anchor" };
  }
  const removal =
    map.flow === true
      ? removalOf(text, { elements: ranges, allowsTrailingComma: !isJson }, index)
      : ownLines(text, ranges[index] as Range, REST);
  return removal === undefined ? { why: "it shares its lines with something else" } : { removal };
}

function rangeOf({ range }: Node): Range {
  return { start: range?.[0] ?? 0, end: range?.[1] ?? 0 };
}

/** Where a pair ends, without what follows it: an indented block would end at the next key. */
function endOf({ key, value }: Pair): number {
  const node = value as (Node & { items?: unknown[]; flow?: boolean }) | null;
  // A key without a value has a value of no length behind its colon.
  if (node === null || node.range === undefined || node.range === null) {
    return rangeOf(key as Node).end + 1;
  }
  const last = node.items?.at(-1);
  if (node.flow === true || last === undefined) {
    return Math.max(node.range[1], rangeOf(key as Node).end + 1);
  }
  return isPair(last) ? endOf(last) : lastOf(last as Node);
}

function lastOf(node: Node & { items?: unknown[]; flow?: boolean }): number {
  const last = node.items?.at(-1);
  return node.flow === true || last === undefined
    ? rangeOf(node).end
    : isPair(last)
      ? endOf(last)
      : lastOf(last as Node);
}
