/** Finds somebody in the files of a program, and writes the edit that takes her out. */
import { lstatSync, readdirSync, readFileSync } from "node:fs";
import { extname, join, relative, sep } from "node:path";
import { compilerOf, inData, inSource, type Names, type Range, type Sighting, without } from "./sightings";

/** Somebody in a file, where the edit is left to a person. */
export interface Place {
  /** Path below the program's folder, with slashes. */
  file: string;
  line: number;
  /** The line. */
  text: string;
  why: string;
}

/** What a program says of somebody. */
export interface Program {
  /** A unified diff; "" where nothing can be cut out safely. */
  patch: string;
  /** How many places the diff takes her out of. */
  removed: number;
  places: Place[];
  /** What was not looked at. */
  notes: string[];
}

const SOURCES = [".ts", ".mts", ".cts", ".tsx", ".js", ".mjs", ".cjs", ".jsx"];
const DATA = [".yaml", ".yml", ".json"];
const TEXTS = [".py", ".go", ".cs", ".java", ".csv", ".toml", ".txt", ".tf", ".jsonc", ".hcl", ".ini", ".env"];
const NO_COMPILER =
  "No TypeScript compiler was found, so no edit of programs is written: the places are found by their text.";
const LARGEST = 2 * 1024 * 1024;
const NOT_WRITTEN = new Set(["node_modules", "package-lock.json", "npm-shrinkwrap.json"]);

/** A resource in a state or a preview. Cut out of a state, access would be forgotten instead of taken away. */
const OF_PULUMI = /"urn":\s*"urn:pulumi:/;

/**
 * Looks through a folder. Left out are states and previews in JSON, with a note where they name her; `node_modules`, folders that begin with a dot, and links.
 *
 * @param except files that are no part of the program, by their full paths.
 */
export function inProgram(folder: string, names: Names, except: ReadonlySet<string>): Program {
  const ts = compilerOf(folder);
  const program: Program = { patch: "", removed: 0, places: [], notes: [] };
  for (const path of filesBelow(folder).filter((one) => !except.has(one))) {
    const file = relative(folder, path).split(sep).join("/");
    const kind = extname(path).toLowerCase();
    if (![...SOURCES, ...DATA, ...TEXTS].includes(kind)) {
      continue;
    }
    const text = readFileSync(path, "utf8");
    if (kind === ".json" && OF_PULUMI.test(text)) {
      if ([...names.certain].some((name) => mentions(text, name))) {
        program.notes.push(`${file} was left out: it is a state or a preview, which Pulumi wrote.`);
      }
      continue;
    }
    const isSource = SOURCES.includes(kind);
    const sightings = isSource
      ? ts && inSource(ts, path, text, names)
      : DATA.includes(kind)
        ? inData(text, names, kind === ".json")
        : undefined;
    if (isSource && ts === undefined && !program.notes.includes(NO_COMPILER)) {
      program.notes.push(NO_COMPILER);
    }
    note(program, file, text, sightings, names);
  }
  return program;
}

function note(
  program: Program,
  file: string,
  text: string,
  sightings: readonly Sighting[] | undefined,
  names: Names,
): void {
  const lines = text.split("\n");
  const lineOf = (offset: number) => text.slice(0, offset).split("\n").length;
  const place = (line: number, why: string): Place => ({
    file,
    line,
    text: (lines[line - 1] ?? "").trim().slice(0, 160),
    why,
  });
  const removals: Range[] = [];
  const covered = new Set<number>();
  for (const { start, removal, why } of sightings ?? []) {
    const line = lineOf(start);
    covered.add(line);
    const overlaps =
      removal !== undefined && removals.some((one) => removal.start < one.end && one.start < removal.end);
    if (removal === undefined || overlaps) {
      program.places.push(
        place(line, overlaps ? "the edit takes its neighbour out; run again afterwards" : (why ?? "")),
      );
    } else {
      removals.push(removal);
    }
  }
  if (removals.length > 0) {
    program.patch += patchOf(file, text, removals);
    program.removed += removals.length;
  }
  const why = sightings === undefined ? "found by its text" : "in a text or a comment";
  for (const [index, line] of lines.entries()) {
    if (!covered.has(index + 1) && [...names.certain].some((name) => mentions(line, name))) {
      program.places.push(place(index + 1, why));
    }
  }
  program.places.sort((a, b) => (a.file === b.file ? a.line - b.line : a.file < b.file ? -1 : 1));
}

/** Whether a text has a name in it that is not a part of a longer one. */
export function mentions(text: string, name: string): boolean {
  const escaped = name.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  return new RegExp(`(?<![\\w.+-])${escaped}(?![\\w-]|\\.\\w)`, "i").test(text);
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true })
    .filter(({ name }) => !NOT_WRITTEN.has(name))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) {
        return entry.name.startsWith(".") ? [] : filesBelow(path);
      }
      return entry.isFile() && lstatSync(path).size <= LARGEST ? [path] : [];
    });
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
function patchOf(file: string, text: string, removals: readonly Range[]): string {
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
