/** `mailboxes review`: reads its files, and writes the review. */
import { readFileSync } from "node:fs";
import { buffer } from "node:stream/consumers";

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
  const [{ FLAG_CODES, failureOf, review }, { readPreview, withState }, { FEWEST_CHARACTERS, render, renderFailure }] =
    await Promise.all([import("./review.js"), import("./preview.js"), import("./render.js")]);
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
  if (failure !== undefined) {
    // A job that updates its comment must not leave the review of an older preview standing.
    if (json !== true) {
      process.stdout.write(renderFailure(failure, preview.stack, format));
    }
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

/**
 * The text of a file, or of standard input.
 *
 * @param file undefined, or `-`, for standard input.
 * @param name how messages begin, e.g. `--program: `; empty where the file is the argument.
 * @param command what writes such a file: `pulumi stack export`.
 * @param reader the command that reads it, as it is written behind a pipe.
 * @throws Error with a next step when there is nothing to read.
 */
export async function textOf(file: string | undefined, name: string, command: string, reader: string): Promise<string> {
  if (file !== undefined && file !== "-") {
    return textIn(file, name, command);
  }
  if (process.stdin.isTTY) {
    throw new Error(name.concat(`There is nothing to read. Run \`${command} | ${reader}\`, or give a file.`));
  }
  return decoded(await buffer(process.stdin));
}

/** The text of a file; see {@link textOf}. */
export function textIn(file: string, name: string, command: string): string {
  try {
    return decoded(readFileSync(file));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const said =
      code === "ENOENT"
        ? `There is no file ${file}. Run \`${command} > ${file}\` first.`
        : `${file} cannot be read (${code ?? String(error)}). Give the file that \`${command}\` was written to.`;
    throw new Error(name.concat(said));
  }
}

/** Windows PowerShell writes what it redirects in UTF-16, with a byte order mark. */
function decoded(bytes: Buffer): string {
  const text = bytes[0] === 0xff && bytes[1] === 0xfe ? bytes.toString("utf16le") : bytes.toString("utf8");
  return text.replace(/^\uFEFF/, "");
}
