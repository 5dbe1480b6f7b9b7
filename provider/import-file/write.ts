import { existsSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { projectAbove } from "../configuration/configuration";
import type { Properties } from "../core/kind";
import { openDeployment } from "../dynamic/deployment";
import { TerminalLog } from "../dynamic/engine-log";
import { comparedColumns, type Kind, kinds } from "../kinds";
import type { Description } from "../kinds/description";
import { MAILBOX } from "../kinds/survey";
import { type Place, survey } from "./survey";

/** What `mailboxes import-file` is called with. */
export interface ImportFileOptions {
  /** The import file. */
  out: string;
  /** The program. */
  program: string;
  /** Patterns of primary addresses; undefined means every shared mailbox. */
  address?: string[];
  project?: string;
  stack?: string;
  /** Write over files that exist. */
  force?: true;
}

/**
 * Writes an import file and the program that goes with it, for the tenant that the environment configures.
 *
 * @returns what to tell the user.
 * @throws Error when a file exists already, no mailbox fits or the tenant cannot be read; then nothing is written.
 */
export async function writeImportFile(options: ImportFileOptions): Promise<string> {
  const { out, program, address: patterns = [], force } = options;
  if (resolve(out) === resolve(program)) {
    throw new Error("--out and --program name the same file.");
  }
  const existing = [out, program].filter((file) => existsSync(file));
  if (existing.length > 0 && force !== true) {
    throw new Error(
      `${existing.join(" and ")} exist${existing.length === 1 ? "s" : ""} already; --force writes over it.`,
    );
  }
  const place = placeOf(options);
  const log = new TerminalLog();
  const deployment = await openDeployment({ get: () => undefined, keys: [] }, log, comparedColumns);
  try {
    const { resources, mailboxes, left, unmatched } = await survey(deployment, patterns, place);
    for (const pattern of unmatched) {
      log.warn("", `no shared mailbox has a primary address like ${pattern}`);
    }
    if (mailboxes.length === 0) {
      throw new Error(["There is nothing to import.", ...left].join(" "));
    }
    const command = `pulumi import --file ${out} --generate-code=false --protect=false`;
    const heading = [
      "Shared mailboxes as they are in the tenant. Import them before the first `pulumi up`:",
      `  ${command}`,
      'A mailbox that was imported stays in the tenant when it leaves the program, unless it is given `deletion: "soft"`.',
      "Whether Outlook opens a mailbox by itself cannot be read; automapping is taken to be on, Exchange's default.",
    ];
    writeFileSync(out, `${JSON.stringify({ resources }, undefined, 2)}\n`);
    writeFileSync(program, programText(heading, mailboxes, left));
    for (const sentence of [
      ...mailboxes.flatMap(({ name, notes }) => notes.map((note) => `${name}: ${note}`)),
      ...left,
    ]) {
      log.warn("", sentence);
    }
    return [
      `${counted(mailboxes)} written to ${out} and ${program}.`,
      "Next, in the project that has this program:",
      `  ${command}`,
      "  pulumi preview",
    ].join("\n");
  } finally {
    await deployment.close();
  }
}

/** `2 mailboxes and 1 membership`. */
function counted(mailboxes: readonly ProgramMailbox[]): string {
  const all = mailboxes.flatMap(({ resources }) => resources);
  return Object.entries<Description>(kinds)
    .flatMap(([kind, { survey }]) => {
      const number = all.filter((one) => one.kind === kind).length;
      return survey === undefined ? [] : [`${number} ${survey.words[number === 1 ? 0 : 1]}`];
    })
    .join(" and ");
}

function placeOf({ project, stack }: ImportFileOptions): Place {
  const name = project ?? projectAbove(process.cwd())?.name;
  if (name === undefined) {
    throw new Error("Which project? No Pulumi.yaml here or above names one; give --project NAME.");
  }
  // Qualified names (organisation/project/stack) stand for the stack alone in a URN.
  const selected = (stack ?? process.env.PULUMI_STACK ?? "").split("/").at(-1);
  return { project: name, stack: selected === undefined || selected === "" ? "dev" : selected };
}

/** One mailbox of a program. */
export interface ProgramMailbox {
  variable: string;
  name: string;
  /** The mailbox, then what is beside it: its logical name, and what the program writes. */
  resources: readonly { kind: Kind; name: string; declared: Properties }[];
  /** Sentences that stand above it. */
  notes: readonly string[];
}

/** Longest line that is not broken. */
const WIDTH = 120;

/**
 * A Pulumi program in TypeScript that declares mailboxes and their members.
 *
 * @param heading sentences at its top.
 * @param closing sentences at its end, about what is not in it.
 */
export function programText(
  heading: readonly string[],
  mailboxes: readonly ProgramMailbox[],
  closing: readonly string[],
): string {
  const classes = [...new Set(mailboxes.flatMap(({ resources }) => resources.map(({ kind }) => kind)))].sort();
  return [
    ...heading.map(comment),
    ...(classes.length > 0 ? [`import { ${classes.join(", ")} } from "pulumi-mailboxes";`] : ["export {};"]),
    ...mailboxes.flatMap(statements),
    ...(closing.length > 0 ? ["", ...closing.map(comment)] : []),
    "",
  ].join("\n");
}

function statements({ variable, resources, notes }: ProgramMailbox): string[] {
  const id = new Code(`${variable}.id`);
  const [mailbox = "", ...others] = resources.map(({ kind, name, declared }) => {
    const written = Object.entries(declared).map(([property, value]) => [property, value === MAILBOX ? id : value]);
    return `new ${kind}(${text(name)}, ${broken(Object.fromEntries(written))});`;
  });
  return ["", ...notes.map(comment), others.length === 0 ? mailbox : `const ${variable} = ${mailbox}`, ...others];
}

/** A line of its own: what the services say may hold line breaks, and must not become code. */
function comment(sentence: string): string {
  return `// ${sentence.replace(/[\p{Cc}\u2028\u2029]+/gu, " ")}`;
}

/** An expression in place of a value. */
class Code {
  constructor(readonly expression: string) {}
}

function broken(properties: Properties, indent = ""): string {
  const inner = `${indent}  `;
  const lines = Object.entries(properties).map(([property, value]) => {
    const start = `${inner}${key(property)}: `;
    return `${start}${literal(value, inner, start.length)},`;
  });
  return ["{", ...lines, `${indent}}`].join("\n");
}

function literal(value: unknown, indent: string, column: number): string {
  const flat = inline(value);
  if (typeof value !== "object" || value === null || value instanceof Code || column + flat.length < WIDTH) {
    return flat;
  }
  if (!Array.isArray(value)) {
    return broken(value as Properties, indent);
  }
  const inner = `${indent}  `;
  return ["[", ...value.map((element) => `${inner}${literal(element, inner, inner.length)},`), `${indent}]`].join("\n");
}

function inline(value: unknown): string {
  if (value instanceof Code) {
    return value.expression;
  }
  if (Array.isArray(value)) {
    return `[${value.map(inline).join(", ")}]`;
  }
  if (typeof value === "object" && value !== null) {
    const members = Object.entries(value).map(([property, member]) => `${key(property)}: ${inline(member)}`);
    return members.length === 0 ? "{}" : `{ ${members.join(", ")} }`;
  }
  return text(value);
}

function key(property: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(property) ? property : text(property);
}

/** JSON, whose texts are TypeScript's too. */
function text(value: unknown): string {
  return JSON.stringify(value).replace(/[\u2028\u2029]/g, (one) => `\\u${one.charCodeAt(0).toString(16)}`);
}
