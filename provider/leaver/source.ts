/** Finds somebody in TypeScript and JavaScript, by the syntax tree. */
import { createRequire } from "node:module";
import { join } from "node:path";
import type * as TypeScript from "typescript";
import { type Names, NOBODY_ELSE, type Sighting, withoutCuts } from "./data";
import { looksLikeAddress, type Range, removalOf, without } from "./edit";

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
  const source = parsed(ts, file, text);
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
        found.push({ start: node.getStart(source), why: "it may mean the same person", isGuess: true });
      }
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  const removals = found.flatMap(({ removal }) => removal ?? []);
  const isSound = removals.length === 0 || parsed(ts, file, without(text, removals)) !== undefined;
  return isSound ? found : withoutCuts(found);
}

function parsed(ts: Ts, file: string, text: string): TypeScript.SourceFile | undefined {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
  const { parseDiagnostics = [] } = source as unknown as { parseDiagnostics?: unknown[] };
  return parseDiagnostics.length === 0 ? source : undefined;
}

type Literal = TypeScript.StringLiteral | TypeScript.NoSubstitutionTemplateLiteral;

function partOf(ts: Ts, source: TypeScript.SourceFile, node: Literal, names: Names): Pick<Sighting, "removal" | "why"> {
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
      return { why: "places in its list have a meaning" };
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

function cutOut(
  text: string,
  elements: readonly Range[],
  index: number,
  what: string,
): Pick<Sighting, "removal" | "why"> {
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
