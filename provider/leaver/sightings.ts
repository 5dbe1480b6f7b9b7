/** Finds somebody in TypeScript and JavaScript, by the syntax tree, and in YAML and JSON; and what to cut so that she goes. */
import { createRequire } from "node:module";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import type * as TypeScript from "typescript";
import {
  type Document,
  isCollection,
  isMap,
  isNode,
  isPair,
  isScalar,
  isSeq,
  type Pair,
  parseAllDocuments,
  visit,
} from "yaml";
import { isGuid } from "../http/json";
import { parsedJson } from "../review/preview";

/** Somebody in a text, and how to take her out; or why that is left to a person. */
export interface Sighting {
  start: number;
  removal?: Range;
  /** Why there is no removal. */
  why?: string;
}

/** What a sighting says of the edit. */
type Part = Omit<Sighting, "start">;

/** Texts that stand for somebody, in lower case; and a short one that may. */
export interface Names {
  certain: ReadonlySet<string>;
  guess: string | undefined;
}

/** What is found of a text that is only the beginning of an address: it may mean somebody else. */
const GUESS: Part = { why: "it may mean the same person" };

/** Why a list or map is left as it is where she is all that is in it, under several names. */
const NOBODY_ELSE = "nobody else is in its";

/** The same sightings, where the edit as a whole cannot be made. */
function withoutCuts(found: readonly Sighting[]): Sighting[] {
  return found.map(({ removal, ...one }) =>
    removal === undefined ? one : { ...one, why: "it cannot be cut out safely" },
  );
}

type Ts = typeof TypeScript;

/**
 * The compiler that a program has, or the one that Pulumi's SDK brings. The native compiler has no syntax tree to offer.
 *
 * @returns undefined where there is none.
 */
export function compilerOf(folder: string): Ts | undefined {
  const ways = [
    () => createRequire(join(folder, "package.json"))("typescript"),
    () => createRequire(require.resolve("@pulumi/pulumi/package.json"))("./typescript-shim.js"),
  ];
  for (const load of ways) {
    try {
      const ts = load() as Ts;
      if (typeof ts.createSourceFile === "function") {
        return ts;
      }
    } catch {
      // The next one may be there.
    }
  }
  return undefined;
}

/**
 * Everywhere in a source where somebody is a text or a key.
 *
 * @returns undefined where the text is no TypeScript that this compiler reads.
 */
export function inSource(ts: Ts, file: string, text: string, names: Names): Sighting[] | undefined {
  const source = sourceIn(ts, file, text);
  if (source === undefined) {
    return undefined;
  }
  const found: Sighting[] = [];
  const visit = (node: TypeScript.Node): void => {
    if (ts.isStringLiteral(node) || ts.isNoSubstitutionTemplateLiteral(node)) {
      const value = node.text.trim().toLowerCase();
      const isGuess = value !== "" && value === names.guess && ts.isArrayLiteralExpression(node.parent);
      if (names.certain.has(value)) {
        found.push({ start: node.getStart(source), ...partOf(ts, source, node, names) });
      } else if (isGuess) {
        found.push({ start: node.getStart(source), ...GUESS });
      }
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  const removals = found.flatMap(({ removal }) => removal ?? []);
  const isSound = removals.length === 0 || sourceIn(ts, file, without(text, removals)) !== undefined;
  return isSound ? found : withoutCuts(found);
}

function sourceIn(ts: Ts, file: string, text: string): TypeScript.SourceFile | undefined {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
  const { parseDiagnostics = [] } = source as unknown as { parseDiagnostics?: unknown[] };
  return parseDiagnostics.length === 0 ? source : undefined;
}

type Literal = TypeScript.StringLiteral | TypeScript.NoSubstitutionTemplateLiteral;

function partOf(ts: Ts, source: TypeScript.SourceFile, node: Literal, names: Names): Part {
  const text = source.text;
  const rangeOf = (one: TypeScript.Node): Range => ({ start: one.getStart(source), end: one.getEnd() });
  const isHers = (one: TypeScript.Node | undefined) =>
    one !== undefined && ts.isStringLiteralLike(one) && names.certain.has(one.text.trim().toLowerCase());
  const { parent } = node;
  if (ts.isArrayLiteralExpression(parent)) {
    const isPeople = parent.elements.every((one) =>
      !ts.isStringLiteralLike(one) ? isReference(ts, one) : !looksLikeAddress(node.text) || looksLikeAddress(one.text),
    );
    if (ts.isArrayLiteralExpression(parent.parent)) {
      return { why: "it is in a list within a list" };
    }
    if (isByPlace(ts, source, parent)) {
      return { why: "the order of its list has a meaning" };
    }
    if (parent.elements.length > 1 && parent.elements.every(isHers)) {
      return { why: `${NOBODY_ELSE} list` };
    }
    return !isPeople
      ? { why: "its list holds other things than people" }
      : cutOut(text, parent.elements.map(rangeOf), parent.elements.indexOf(node), "list");
  }
  const property = ts.isComputedPropertyName(parent) ? parent.parent : parent;
  if (ts.isPropertyAssignment(property) && (property.name === node || property.name === parent)) {
    const object = property.parent;
    const keyOf = ({ name }: TypeScript.ObjectLiteralElementLike) =>
      name !== undefined && ts.isComputedPropertyName(name) ? name.expression : name;
    if (object.properties.length > 1 && object.properties.every((one) => isHers(keyOf(one)))) {
      return { why: `${NOBODY_ELSE} map` };
    }
    const isPeople = object.properties.every((one) => {
      const key = keyOf(one);
      return (
        ts.isSpreadAssignment(one) ||
        (key !== undefined &&
          ts.isStringLiteralLike(key) &&
          (!looksLikeAddress(node.text) || looksLikeAddress(key.text)))
      );
    });
    return !isPeople
      ? { why: "its map has other keys than people" }
      : cutOut(text, object.properties.map(rangeOf), object.properties.indexOf(property), "map");
  }
  if (ts.isVariableDeclaration(parent) && ts.isIdentifier(parent.name)) {
    const lines = usesOf(ts, source, parent.name);
    return {
      why: `it is named ${parent.name.text} here${lines.length === 0 ? "" : `, used in line ${lines.join(", ")}`}`,
    };
  }
  return { why: "it is not in a list" };
}

/** Whether elements of a list are taken by their places, so that whoever follows would move into the place that is free. */
function isByPlace(ts: Ts, source: TypeScript.SourceFile, list: TypeScript.ArrayLiteralExpression): boolean {
  let outer: TypeScript.Expression = list;
  let isTuple = false;
  while (
    ts.isParenthesizedExpression(outer.parent) ||
    ts.isAsExpression(outer.parent) ||
    ts.isSatisfiesExpression(outer.parent)
  ) {
    outer = outer.parent;
    isTuple ||= (ts.isAsExpression(outer) || ts.isSatisfiesExpression(outer)) && ts.isTupleTypeNode(outer.type);
  }
  const { parent } = outer;
  if (isTuple || isTaken(ts, parent, outer)) {
    return true;
  }
  if (!ts.isVariableDeclaration(parent)) {
    return ts.isBinaryExpression(parent) && ts.isArrayLiteralExpression(parent.left);
  }
  const { name, type } = parent;
  return (
    ts.isArrayBindingPattern(name) ||
    (type !== undefined && ts.isTupleTypeNode(type)) ||
    (ts.isIdentifier(name) && isTakenByPlace(ts, source, name.text))
  );
}

/** Whether a list of a name is taken apart somewhere in a source: `[lead] = team`, `team[0]`, `team.at(-1)`. */
function isTakenByPlace(ts: Ts, node: TypeScript.Node, name: string): boolean {
  const isList = ts.isIdentifier(node) && node.text === name;
  const isSeen =
    isList &&
    (isTaken(ts, node.parent, node) ||
      (ts.isVariableDeclaration(node.parent) &&
        node.parent.initializer === node &&
        ts.isArrayBindingPattern(node.parent.name)));
  return isSeen || ts.forEachChild(node, (one) => isTakenByPlace(ts, one, name) || undefined) === true;
}

function isTaken(ts: Ts, parent: TypeScript.Node, list: TypeScript.Node): boolean {
  return (
    (ts.isElementAccessExpression(parent) && parent.expression === list) ||
    (ts.isPropertyAccessExpression(parent) && parent.expression === list && parent.name.text === "at")
  );
}

/** Whether an element of a list stands for somebody, or several, by another name. */
function isReference(ts: Ts, node: TypeScript.Node): boolean {
  return ts.isIdentifier(node) || ts.isPropertyAccessExpression(node) || ts.isSpreadElement(node);
}

function cutOut(text: string, elements: readonly Range[], index: number, what: string): Part {
  if (elements.length === 1) {
    return { why: `it is the only one in its ${what}` };
  }
  const removal = removalOf(text, { elements, allowsTrailingComma: true }, index);
  return removal === undefined ? { why: "a comment stands between it and the next one" } : { removal };
}

function usesOf(ts: Ts, source: TypeScript.SourceFile, name: TypeScript.Identifier): number[] {
  const lines = new Set<number>();
  const visit = (node: TypeScript.Node): void => {
    if (ts.isIdentifier(node) && node.text === name.text && node !== name) {
      lines.add(source.getLineAndCharacterOfPosition(node.getStart(source)).line + 1);
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return [...lines].sort((a, b) => a - b);
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
  const documents = documentsIn(text);
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
        const parent = path.at(-1);
        const outer = path.at(-2);
        const part: Part = isGuess
          ? GUESS
          : key === "key" && isPair(parent) && isMap(outer)
            ? ofPair(text, outer, parent, names, isJson)
            : isSeq(parent) && typeof key === "number"
              ? ofItem(text, parent, key, isSeq(outer), names, isJson)
              : { why: "it is not in a list" };
        found.push({ start: node.range[0], ...part });
        const from = isPair(parent) ? outer : parent;
        if (part.removal !== undefined && isCollection(from)) {
          taken.push({ from, element: isPair(parent) ? parent : node });
        }
      },
    });
  }
  if (taken.length === 0) {
    return found;
  }
  // Cut only where what is left reads as the documents do without exactly those elements.
  const cut = without(
    text,
    found.flatMap(({ removal }) => removal ?? []),
  );
  const left = documentsIn(cut);
  for (const { from, element } of taken) {
    from.items.splice(from.items.indexOf(element), 1);
  }
  const isSame = left !== undefined && isDeepStrictEqual(valuesOf(documents), valuesOf(left));
  return isSame && (!isJson || parsedJson(cut) !== undefined) ? found : withoutCuts(found);
}

function documentsIn(text: string): Document.Parsed[] | undefined {
  const documents = parseAllDocuments(text, { logLevel: "silent" });
  return Array.isArray(documents) && documents.every(({ errors }) => errors.length === 0) ? documents : undefined;
}

function valuesOf(documents: readonly Document.Parsed[]): unknown {
  return JSON.parse(JSON.stringify(documents.map((one) => one.toJS())));
}

/** An element that is cut out of a list or map. */
interface Taken {
  from: { items: unknown[] };
  element: unknown;
}

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
  if (list.items.some((node) => isNode(node) && "anchor" in node && node.anchor !== undefined)) {
    return { why: "its list has an anchor in it" };
  }
  const removal =
    list.flow === true
      ? removalOf(text, { elements: list.items.map(rangeOf), allowsTrailingComma: !isJson }, index)
      : ownLines(text, rangeOf(list.items[index]), REST, DASH);
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
  const wholeOf = (one: Pair): Range => ({ start: rangeOf(one.key).start, end: endOf(one) });
  const own = wholeOf(pair);
  if (/(^|\s)&\S/.test(text.slice(own.start, own.end))) {
    return { why: "it has an anchor" };
  }
  const removal =
    map.flow === true
      ? removalOf(text, { elements: map.items.map(wholeOf), allowsTrailingComma: !isJson }, index)
      : ownLines(text, own, REST);
  return removal === undefined ? { why: "it shares its lines with something else" } : { removal };
}

function rangeOf(node: unknown): Range {
  const [start = 0, end = 0] = (isNode(node) ? node.range : undefined) ?? [];
  return { start, end };
}

/** Where a pair ends, without what follows it: an indented block would end at the next key. */
function endOf({ key, value }: Pair): number {
  // A key without a value has a value of no length behind its colon.
  return Math.max(lastOf(value), rangeOf(key).end + 1);
}

function lastOf(node: unknown): number {
  const last = isCollection(node) && node.flow !== true ? node.items.at(-1) : undefined;
  return isPair(last) ? endOf(last) : last === undefined ? rangeOf(node).end : lastOf(last);
}

/** A part of a text. */
export interface Range {
  start: number;
  end: number;
}

/** A list or map: its elements, without what separates them. */
interface Elements {
  elements: readonly Range[];
  /** Whether a separator may stand behind the last element. */
  allowsTrailingComma: boolean;
}

const COMMENT = /\/\/|\/\*|#/;

/**
 * What to cut so that one element goes and nothing else: its lines where it has them for itself, otherwise the element with one comma.
 *
 * @returns undefined where it is the only element, or a comment would go with it that may belong to another.
 */
function removalOf(text: string, { elements, allowsTrailingComma }: Elements, index: number): Range | undefined {
  const [before, own, after] = [elements[index - 1], elements[index], elements[index + 1]];
  if (own === undefined || elements.length < 2) {
    return undefined;
  }
  const lines = ownLines(text, own, /^[ \t]*,?[ \t]*((\/\/|#)[^\n]*|\/\*[^\n]*?\*\/[ \t]*)?(?:\r?\n|$)/);
  if (lines !== undefined && (allowsTrailingComma || after !== undefined)) {
    return lines;
  }
  const cut =
    after !== undefined && !text.slice(own.end, after.start).includes("\n")
      ? { start: own.start, end: after.start }
      : before === undefined
        ? { start: own.start, end: (after ?? own).start }
        : { start: before.end, end: own.end };
  const around = text.slice(cut.start, cut.end).replace(text.slice(own.start, own.end), "");
  return COMMENT.test(around) ? undefined : cut;
}

/**
 * The lines of something that has them for itself; undefined where something else stands on them.
 *
 * @param rest what may follow on the last line, with the end of the line.
 */
function ownLines(text: string, { start, end }: Range, rest: RegExp, lead = /^[ \t]*$/): Range | undefined {
  const begin = text.lastIndexOf("\n", start - 1) + 1;
  const behind = rest.exec(text.slice(end));
  return lead.test(text.slice(begin, start)) && behind !== null
    ? { start: begin, end: end + behind[0].length }
    : undefined;
}

/** A text without some parts of it. */
export function without(text: string, removals: readonly Range[]): string {
  return [...removals]
    .sort((a, b) => b.start - a.start)
    .reduce((left, { start, end }) => left.slice(0, start) + left.slice(end), text);
}

/** Whether a text names somebody by address or object id, and not in some other way. */
export function looksLikeAddress(text: string): boolean {
  return text.includes("@") || isGuid(text);
}
