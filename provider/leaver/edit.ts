/** How elements are cut out of lists and maps in a text, and the cuts as a unified diff. */
import { isGuid } from "../services/text";

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
  return text.includes("@") || isGuid(text);
}

/** Lines around a change. */
const CONTEXT = 3;

interface Block {
  /** First line that changes, from 0, and the line behind the last. */
  from: number;
  to: number;
  lines: string[];
}

/**
 * The change as a unified diff, for `git apply` or `patch -p1`.
 *
 * @param file its path, with slashes.
 * @param removals what is cut; parts that overlap are cut once.
 */
export function patchOf(file: string, text: string, removals: readonly Range[]): string {
  const lines = text.split("\n");
  const starts: number[] = [];
  let offset = 0;
  for (const line of lines) {
    starts.push(offset);
    offset += line.length + 1;
  }
  const lineAt = (position: number) => starts.findLastIndex((start) => start <= position);
  const spans: { from: number; to: number; cuts: Range[] }[] = [];
  for (const cut of [...removals].sort((a, b) => a.start - b.start)) {
    const from = lineAt(cut.start);
    // What ends with its line leaves the next one alone.
    const to =
      cut.end > cut.start && text[cut.end - 1] === "\n" && starts.includes(cut.start)
        ? lineAt(cut.end)
        : lineAt(cut.end) + 1;
    const last = spans.at(-1);
    if (last !== undefined && from < last.to) {
      last.to = Math.max(last.to, to);
      last.cuts.push(cut);
    } else {
      spans.push({ from, to, cuts: [cut] });
    }
  }
  const blocks = spans.map(({ from, to, cuts }): Block => {
    const begin = starts[from] ?? 0;
    const end = to < lines.length ? (starts[to] ?? text.length) : text.length;
    const left = without(
      text.slice(begin, end),
      cuts.map((cut) => ({ start: cut.start - begin, end: cut.end - begin })),
    );
    return { from, to, lines: left === "" ? [] : left.replace(/\n$/, "").split("\n") };
  });
  const total = text.endsWith("\n") ? lines.length - 1 : lines.length;
  const hunks: Block[][] = [];
  for (const block of blocks) {
    const last = hunks.at(-1)?.at(-1);
    if (last !== undefined && block.from - last.to <= 2 * CONTEXT) {
      hunks.at(-1)?.push(block);
    } else {
      hunks.push([block]);
    }
  }
  let shift = 0;
  const printed = hunks.map((hunk) => {
    const begin = Math.max(0, (hunk[0]?.from ?? 0) - CONTEXT);
    const end = Math.min(total, (hunk.at(-1)?.to ?? 0) + CONTEXT);
    const body: string[] = [];
    let at = begin;
    let grown = 0;
    for (const { from, to, lines: left } of hunk) {
      const upTo = Math.min(to, total);
      body.push(...lines.slice(at, from).map((line) => ` ${line}`));
      body.push(...lines.slice(from, upTo).map((line, index) => `-${line}${unended(from + index, total, text)}`));
      body.push(
        ...left.map(
          (line, index) =>
            `+${line}${index === left.length - 1 && upTo === total && !text.endsWith("\n") ? NO_NEWLINE : ""}`,
        ),
      );
      grown += left.length - (upTo - from);
      at = upTo;
    }
    body.push(...lines.slice(at, end).map((line, index) => ` ${line}${unended(at + index, total, text)}`));
    const count = end - begin;
    const head = `@@ -${begin + 1},${count} +${begin + 1 + shift},${count + grown} @@`;
    shift += grown;
    return [head, ...body].join("\n");
  });
  return `--- a/${file}\n+++ b/${file}\n${printed.join("\n")}\n`;
}

const NO_NEWLINE = "\n\\ No newline at end of file";

function unended(line: number, total: number, text: string): string {
  return line === total - 1 && !text.endsWith("\n") ? NO_NEWLINE : "";
}
