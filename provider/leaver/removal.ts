/** How an element is cut out of a list or map in a text. */

/** A part of a text. */
export interface Range {
  start: number;
  end: number;
}

/** A list or map: its elements, without what separates them. */
export interface Elements {
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
export function removalOf(text: string, { elements, allowsTrailingComma }: Elements, index: number): Range | undefined {
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
export function ownLines(text: string, { start, end }: Range, rest: RegExp, lead = /^[ \t]*$/): Range | undefined {
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
  return text.includes("@") || /^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/i.test(text);
}
