import { readFileSync } from "node:fs";
import { Command } from "commander";
import { decoded, textOf } from "./input";

interface ReviewOptions {
  format: string;
  json?: boolean;
  maxCharacters: string;
  failOn?: string[];
  rules?: string;
  state?: string;
}

/** `mailboxes review`: what a reviewer needs of a preview. */
export function reviewCommand(): Command {
  return new Command("review")
    .description(
      "turn a preview into what a reviewer needs: who gains and loses access, what else is risky, and the rest",
    )
    .argument("[file]", "what `pulumi preview --json` printed (default: standard input, as with `-`)")
    .option("--format <format>", "markdown or text", "markdown")
    .option("--json", "the review as JSON, uncut")
    .option("--max-characters <number>", "cut tables so that the review is no longer than this", "60000")
    .option("--fail-on <codes...>", "end with 1 if one of these flags is raised, or `any`")
    .option("--rules <file>", "JSON with further rules: the options of mailboxPolicies")
    .option("--state <file>", "what `pulumi stack export` printed: a preview leaves out what stays as it is")
    .addHelpText("after", () => {
      // Loaded only here: help is rare.
      const { FLAG_CODES } = require("./review.js") as typeof import("./review.js");
      const codes = Object.entries(FLAG_CODES).map(([code, meaning]) => `  ${code.padEnd(22)}${meaning}`);
      return `
A preview with --refresh also shows what somebody changed in the tenant. It stands apart, and its flags begin with drift-.
A preview of \`pulumi refresh\` or \`pulumi destroy\` (--preview-only --json) is reviewed as well.

Flags:
${codes.join("\n")}

Exit codes:
  0  the preview is reviewed
  1  a flag of --fail-on is raised
  2  there is nothing that could be reviewed`;
    })
    .exitOverride((error) => {
      // Help asked for is a success; a wrong call did not review anything.
      process.exit(error.exitCode === 0 ? 0 : 2);
    })
    .action(async (file: string | undefined, options: ReviewOptions) => {
      try {
        process.exitCode = await reviewed(file, options);
      } catch (error) {
        process.stderr.write(`mailboxes: ${error instanceof Error ? error.message : String(error)}\n`);
        process.exitCode = 2;
      }
    });
}

async function reviewed(file: string | undefined, options: ReviewOptions): Promise<number> {
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
  const preview = options.state === undefined ? alone : withState(alone, stateIn(options.state));
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

function stateIn(file: string): string {
  try {
    return decoded(readFileSync(file));
  } catch (error) {
    throw new Error(
      `--state: ${file} cannot be read (${(error as NodeJS.ErrnoException).code}). Run \`pulumi stack export --file ${file}\` first.`,
    );
  }
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
