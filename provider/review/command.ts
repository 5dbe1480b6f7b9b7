/** `mailboxes review`: reads its files, and writes the review as Markdown for a comment, or as plain text, never longer than it may be. */
import { readFileSync } from "node:fs";
import { decoded, readPreview, textIn, textOf, withState } from "./preview";
import { FLAG_CODES, type Flag, failureOf, type Review, review, type Section } from "./review";
import { oneLine, type Words } from "./words";

/** What `mailboxes review` is called with. */
export interface ReviewOptions {
  format: string;
  json?: boolean;
  maxCharacters: string;
  failOn?: string[];
  rules?: string;
  state?: string;
}

/**
 * Writes the review of a preview.
 *
 * @param file what `pulumi preview --json` printed; undefined, or `-`, for standard input.
 * @returns the exit code: 1 where a flag of `--fail-on` is raised.
 * @throws Error when there is nothing that could be reviewed.
 */
export async function reviewed(file: string | undefined, options: ReviewOptions): Promise<number> {
  const { format, json, maxCharacters, failOn = [] } = options;
  if (format !== "markdown" && format !== "text") {
    throw new Error("--format: write markdown or text.");
  }
  const most = Number(maxCharacters);
  if (!Number.isInteger(most) || most < FEWEST_CHARACTERS) {
    throw new Error(`--max-characters: write a whole number from ${FEWEST_CHARACTERS}.`);
  }
  const codes = failOn.flatMap((list) => list.split(",")).map((code) => code.trim());
  const unknown = codes.find((code) => code !== "any" && !Object.hasOwn(FLAG_CODES, code.replace(/^drift-/, "")));
  if (unknown !== undefined) {
    throw new Error(
      `--fail-on: there is no flag ${unknown}. The flags are any, ${Object.keys(FLAG_CODES).join(", ")}.`,
    );
  }
  const rules = options.rules === undefined ? {} : rulesIn(options.rules);
  const alone = readPreview(await textOf(file, "", "pulumi preview --json", "mailboxes review"));
  const preview =
    options.state === undefined ? alone : withState(alone, textIn(options.state, "--state: ", "pulumi stack export"));
  const failure = failureOf(preview);
  if (failure !== undefined && json !== true) {
    // A job that updates its comment must not leave the review of an older preview standing.
    process.stdout.write(renderFailure(failure, preview.stack, format));
  }
  const result = review(preview, rules);
  process.stdout.write(json === true ? `${JSON.stringify(result, null, 2)}\n` : render(result, format, most));
  return result.flags.some(({ code }) => codes.includes("any") || codes.includes(code)) ? 1 : 0;
}

function rulesIn(file: string): object {
  let rules: unknown;
  try {
    rules = JSON.parse(decoded(readFileSync(file)));
  } catch (error) {
    throw new Error(
      `--rules: ${file} is not a file with JSON (${error instanceof Error ? error.message : String(error)}).`,
    );
  }
  if (typeof rules !== "object" || rules === null || Array.isArray(rules)) {
    throw new Error(`--rules: write an object of rules into ${file}, e.g. { "tooManyMembers": { "most": 10 } }.`);
  }
  return rules;
}

/** How a review is written. */
export type Format = "markdown" | "text";

/** The least that `--max-characters` may be: the first line, every flag by name and every heading fit. */
export const FEWEST_CHARACTERS = 10_000;

/** Rows of each table, and places of each flag, that are shown before any table gets more. */
const FIRST_ROWS = 10;
const FIRST_PLACES = 3;
const MOST_PLACES = 10;

/** Something that can be cut: its rows go from the end on, and what is left out is counted. */
interface Block {
  head: string;
  rows: readonly string[];
  /** What stands between rows, and between the head and the first one. */
  between: string;
  /** How many rows are shown first, and at most. */
  first: number;
  most: number;
  left(shown: number): string;
}

/**
 * Writes a review.
 *
 * @param most characters, as JavaScript and GitHub count them. Tables are cut, with counts of what is left out; the first line, a flag
 *   and the text of a person never are.
 */
export function render(review: Review, format: Format, most: number): string {
  const write = WRITERS[format];
  const { headline, stack, flags, sections } = review;
  const blocks = [
    ...(flags.length === 0 ? [] : [plainBlock(write.heading("Flags"))]),
    ...flags.map((flag) => flagBlock(flag, write)),
    ...sections.flatMap((section) => [
      tableBlock(section, write),
      ...(section.notes.length === 0 ? [] : [notesBlock(section, write)]),
    ]),
  ];
  const start = `${write.strong(headline)}\n${write.paragraph}${stack === "" ? "" : `${write.words(["Stack ", { text: stack }, "."])}\n`}`;
  const end = `\n${write.end(stack)}`;
  const shown = blocks.map(() => 0);
  let total = start.length + end.length + blocks.reduce((sum, block) => sum + written(block, 0).length, 0);
  const grow = (block: Block, index: number, upTo: number): void => {
    for (let rows = shown[index] ?? 0; rows < Math.min(upTo, block.rows.length); rows += 1) {
      const row = block.between.length + (block.rows[rows]?.length ?? 0);
      const grown = total + row + counted(block, rows + 1).length - counted(block, rows).length;
      if (grown > most) {
        return;
      }
      total = grown;
      shown[index] = rows + 1;
    }
  };
  for (const upTo of ["first", "most"] as const) {
    blocks.forEach((block, index) => {
      grow(block, index, block[upTo]);
    });
  }
  return `${start}${blocks.map((block, index) => written(block, shown[index] ?? 0)).join("")}${end}`;
}

/** Writes why there is no review, so that a comment does not go on showing an older one. */
export function renderFailure(failure: Words, stack: string, format: Format): string {
  const write = WRITERS[format];
  return `${write.words(failure)}\n\n${write.end(stack)}`;
}

/** The comment by which a job finds its own, and nothing else: one a stack. */
export function markerOf(stack: string): string {
  return `<!-- mailboxes-review ${stack.replace(/[^\w./]+/g, "-")} -->`;
}

function written(block: Block, shown: number): string {
  const lines = block.rows.slice(0, shown).map((row) => `${block.between}${row}`);
  return `${block.head}${lines.join("")}${counted(block, shown)}\n`;
}

/** What is said of the rows that are left out. */
function counted({ rows, left }: Block, shown: number): string {
  return shown < rows.length ? left(shown) : "";
}

function plainBlock(head: string): Block {
  return { head, rows: [], between: "", first: 0, most: 0, left: () => "" };
}

function flagBlock({ code, meaning, places }: Flag, write: Writer): Block {
  const head = `- ${write.code(code)} ${write.words([meaning])}`;
  const rows = places.map((place, index) => `${index === 0 ? " " : "; "}${write.words(place)}`);
  return {
    head,
    rows,
    between: "",
    first: FIRST_PLACES,
    most: MOST_PLACES,
    left: (shown) => (shown === 0 ? ` (${rows.length})` : `; and ${rows.length - shown} more`),
  };
}

function tableBlock({ title, columns, rows }: Section, write: Writer): Block {
  const cells = rows.map((row) => row.map(write.cell));
  // For each column of rights, how many rows from a row on have something in it.
  const tallies = columns.flatMap((column, index) => {
    const verb = column === "Loses" ? "lose" : column === "Gains" ? "gain" : undefined;
    const counts = rows.map((row) => Number((row[index] ?? []).some((part) => part !== "")));
    for (let at = counts.length - 2; at >= 0; at -= 1) {
      counts[at] = (counts[at] ?? 0) + (counts[at + 1] ?? 0);
    }
    return verb === undefined ? [] : [{ verb, counts }];
  });
  return {
    head: `${write.heading(title)}${rows.length === 0 ? "" : `\n${write.columns(columns, cells)}`}`,
    rows: write.rows(cells, columns),
    between: "\n",
    first: FIRST_ROWS,
    most: rows.length,
    left(shown) {
      const parts = tallies.map(({ verb, counts }) => `${counts[shown] ?? 0} ${verb} rights`);
      const count = rows.length - shown;
      const of = parts.length === 0 ? "" : `; of them ${parts.join(", ")}`;
      return `\n${write.paragraph}… and ${count} more ${count === 1 ? "row" : "rows"}, left out here${of}.`;
    },
  };
}

function notesBlock({ notes }: Section, write: Writer): Block {
  return {
    head: "",
    rows: notes.map((note) => `- ${write.words(note)}`),
    between: "\n",
    first: FIRST_ROWS,
    most: notes.length,
    left: (shown) => `\n- … and ${notes.length - shown} more notes, left out here.`,
  };
}

interface Writer {
  strong(text: string): string;
  heading(title: string): string;
  /** What stands before a line that begins a paragraph. */
  paragraph: string;
  code(text: string): string;
  words(words: Words): string;
  cell(words: Words): string;
  columns(columns: readonly string[], cells: readonly (readonly string[])[]): string;
  rows(cells: readonly (readonly string[])[], columns: readonly string[]): string[];
  end(stack: string): string;
}

const WRITERS: Readonly<Record<Format, Writer>> = {
  markdown: {
    strong: (text) => `**${text}**`,
    heading: (title) => `\n#### ${title}\n`,
    paragraph: "\n",
    code: (text) => `\`${text}\``,
    words: (words) => join(words, (text) => span(text)),
    cell: (words) => join(words, (text) => withoutPipes(span(text))),
    columns: (columns) => `${line(columns)}\n${line(columns.map(() => "---"))}`,
    rows: (cells) => cells.map(line),
    end: (stack) => `${markerOf(stack)}\n`,
  },
  text: {
    strong: (text) => text,
    heading: (title) => `\n${title}`,
    paragraph: "",
    code: (text) => text,
    words: (words) => join(words, clean),
    cell: (words) => join(words, clean),
    columns: (columns, cells) => padded([columns, ...cells])[0] ?? "",
    rows: (cells, columns) => padded([columns, ...cells]).slice(1),
    end: () => "",
  },
};

function join(words: Words, write: (text: string) => string): string {
  return words.map((part) => (typeof part === "string" ? part : write(part.text))).join("");
}

function line(cells: readonly string[]): string {
  return `| ${cells.join(" | ")} |`;
}

/** No wider than this, lest one long text push everything aside. */
const WIDEST = 48;

function padded(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, index) =>
    Math.min(WIDEST, Math.max(...rows.map((row) => [...(row[index] ?? "")].length))),
  );
  return rows.map((row) => `  ${row.map((cell, index) => cell.padEnd(widths[index] ?? 0)).join("  ")}`.trimEnd());
}

/**
 * A text as a code span, in which nothing is markup, html or a mention. It is fenced by more backticks than it holds.
 *
 * @see https://spec.commonmark.org/0.31.2/#code-spans
 */
function span(text: string): string {
  const shown = clean(text);
  const longest = Math.max(0, ...[...shown.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = "`".repeat(longest + 1);
  const room = shown.startsWith("`") || shown.endsWith("`") ? " " : "";
  return `${fence}${room}${shown}${room}${fence}`;
}

/** A row of a table is cut at its pipes before anything else is read; a backslash before one would undo its escape. */
function withoutPipes(text: string): string {
  return text.replace(/(\\*)\|/g, (_, slashes: string) => `${slashes}${slashes === "" ? "" : "\u200b"}\\|`);
}

function clean(text: string): string {
  return oneLine(text).trim() || "(empty)";
}
