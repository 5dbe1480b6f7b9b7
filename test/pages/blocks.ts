/**
 * The fenced blocks of the documents, and what a test does with each. A comment on the line before a block says it; GitHub does
 * not show comments.
 *
 * | comment | what happens |
 * |---|---|
 * | `<!-- run -->` | the commands run, in the order of the page, in the page's folder. `<!-- run NAME -->` gives what they print a name |
 * | `<!-- fails -->` | the same for commands the last of which ends with an error |
 * | `<!-- serve -->` | the same for a command that runs until the walk is over |
 * | `<!-- file NAME -->` | the block is that file of the page's folder |
 * | `<!-- part of FILE -->` | the block stands in that file of the repository |
 * | `<!-- output -->` | the commands before it printed these lines; a line with `…` alone stands for any number of lines, at its end for the rest |
 * | `<!-- output of NAME -->` | likewise, for the commands of this name, wherever they stand |
 * | `<!-- continues -->` | the program goes on from the blocks of TypeScript before it |
 * | `<!-- tested by FILE -->` | that test runs it |
 * | `<!-- by hand: REASON -->` | no test can run it |
 *
 * A block without a comment is TypeScript, which compiles, or JSON or YAML, which parses.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join, sep } from "node:path";

export const clone = join(__dirname, "..", "..");

const VERBS = [
  ...(["run", "fails", "serve", "file", "part of", "output", "output of", "continues"] as const),
  ...(["tested by", "by hand:"] as const),
];

export interface Block {
  page: string;
  line: number;
  language: string;
  text: string;
  /** What the comment says to do; undefined without a comment. */
  verb: (typeof VERBS)[number] | undefined;
  /** The name or reason behind the verb. */
  object: string;
}

/** Every page with its path in the clone, examples included. */
export const pages = [
  "README.md",
  "CONTRIBUTING.md",
  "CHANGELOG.md",
  ...markdownBelow("docs"),
  ...markdownBelow("examples"),
];

/** The text of a file of the clone. */
export function read(file: string): string {
  return readFileSync(join(clone, file), "utf8");
}

/** The blocks of a page in their order. @throws Error for a comment that says nothing known. */
export function blocksOf(page: string): Block[] {
  const text = read(page);
  return [...text.matchAll(/(?:^[ \t]*<!-- (.*?) -->\n)?^[ \t]*```(\w*)\n([\s\S]*?)^[ \t]*```$/gm)].map((match) => {
    const [, comment, language = "", content = ""] = match;
    const line = text.slice(0, match.index).split("\n").length;
    const verb = VERBS.findLast((word) => comment === word || comment?.startsWith(`${word} `));
    if (comment !== undefined && verb === undefined) {
      throw new Error(`${page}:${line}: "${comment}" is nothing that a test does with a block.`);
    }
    const object = verb === undefined ? "" : (comment ?? "").slice(verb.length).trim();
    return { page, line, language, text: content, verb, object };
  });
}

function markdownBelow(folder: string): string[] {
  return readdirSync(join(clone, folder), { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".md") && !path.includes("node_modules"))
    .map((path) => `${folder}/${path.split(sep).join("/")}`)
    .sort();
}
