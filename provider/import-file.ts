/** `mailboxes import-file`: what is in a tenant, as an import file and as the program for it. */

import { existsSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { sharedMailboxes } from "./access/read";
import { projectAbove } from "./configuration/configuration";
import { type Properties, shortHash } from "./core/kind";
import { Recorder } from "./core/memory";
import { bounds, connected, type Deployment, operationOf } from "./dynamic/deployment";
import { plain, TerminalLog } from "./dynamic/engine";
import { comparedColumns, type Kind, kindNames, kinds } from "./kinds";
import { type Declared, type Description, type Survey as KindSurvey, MAILBOX } from "./kinds/description";
import { providerText, typeToken } from "./resources/dynamic-resource";

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
  return connected(log, comparedColumns, async (deployment) => {
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
  });
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

/** Where the resources are to be: it stands in the origin that every resource keeps from its birth. */
export interface Place {
  project: string;
  stack: string;
}

/** A resource of a Pulumi import file, with everything the engine keeps of it: it is not read again. */
export interface ImportedResource {
  type: string;
  name: string;
  id: string;
  inputs: Properties;
  outputs: Properties;
}

/** What was found in a tenant. */
export interface Survey {
  resources: ImportedResource[];
  mailboxes: ProgramMailbox[];
  /** Sentences about mailboxes that were left out. */
  left: string[];
  /** Patterns that fit no mailbox. */
  unmatched: string[];
}

/**
 * Reads the shared mailboxes of a tenant and who has access to them: one listing, then accounts and permissions in batches.
 * Nothing is changed.
 *
 * The resources carry the outputs and the two hidden inputs that the engine would hold after a refresh. `__origin` is the URN
 * a resource is born with. It is carried forward from the state ever after, so that a project or stack of another name than
 * given here changes nothing in a plan; from it come the texts by which a mailbox, should it ever be created anew, is known as
 * this resource's work.
 *
 * @param patterns primary addresses wanted, `*` for any characters; none means all.
 * @throws ServiceError when something cannot be read: a list that is not whole is not written.
 */
export async function survey(deployment: Deployment, patterns: readonly string[], place: Place): Promise<Survey> {
  const { services } = deployment;
  const tenantId = await services.tenantId(bounds());
  const { all, chosen, unmatched } = await sharedMailboxes(deployment, patterns);
  // Over all mailboxes, so that a narrower choice gives the same mailbox no other name.
  const names = namesOf(all.map(({ primarySmtpAddress }) => primarySmtpAddress));
  const found = await Promise.all(
    chosen.map(async (mailbox) => {
      const { name, variable } = names.get(mailbox.primarySmtpAddress) as Names;
      const refused = (reason: string) => ({ refusal: `${mailbox.primarySmtpAddress} is not imported: ${reason}` });
      if (mailbox.isDirSynced) {
        return refused("it is synchronised from on-premises, where it is managed.");
      }
      const user = await services.graph.user(mailbox.id);
      if (user === undefined) {
        return refused("Entra does not show its account.");
      }
      const surveyed = await Promise.all(
        SURVEYED.map(async ({ kind, reconciler, survey }) => {
          const own = nameOf(name, survey.suffix);
          const origin = originAt(place, kind, own);
          const operation = operationOf(deployment, origin, new Recorder(reconciler, {}));
          return { kind, name: own, origin, declared: await survey.declare({ mailbox, user }, operation) };
        }),
      );
      const whole: (Omit<(typeof surveyed)[number], "declared"> & { declared: Declared })[] = [];
      for (const { declared, ...one } of surveyed) {
        if ("refusal" in declared) {
          return refused(declared.refusal);
        }
        whole.push({ ...one, declared });
      }
      return {
        resources: whole.flatMap(({ kind, name, origin, declared: { id, program, inputs, outputs } }) => {
          const hidden = { __provider: providerText(kind), __origin: origin };
          const all = plain({ ...inputs, ...outputs, tenantId, ...hidden });
          return program === undefined
            ? []
            : [{ type: typeToken(kind), name, id, inputs: plain({ ...inputs, ...hidden }), outputs: all }];
        }),
        program: {
          name,
          variable,
          resources: whole.flatMap(({ kind, name, declared: { program } }) =>
            program === undefined ? [] : [{ kind, name, declared: program }],
          ),
          notes: whole.flatMap(({ declared }) => declared.notes),
        },
      };
    }),
  );
  return {
    resources: found.flatMap((one) => ("resources" in one ? one.resources : [])),
    mailboxes: found.flatMap((one) => ("program" in one ? [one.program] : [])),
    left: found.flatMap((one) => ("refusal" in one ? [one.refusal] : [])),
    unmatched,
  };
}

/** The kinds that stand around a shared mailbox; itself first. */
const SURVEYED = kindNames.flatMap((kind) => {
  const { reconciler, survey }: Description = kinds[kind];
  return survey === undefined ? [] : [{ kind, reconciler, survey }];
});

/** The URN a resource of the stack has that stands at its top. */
function originAt({ project, stack }: Place, kind: Kind, name: string): string {
  return `urn:pulumi:${stack}::${project}::${typeToken(kind)}::${name}`;
}

/** What a mailbox is called in a program. */
export interface Names {
  /** Logical name: lower-case letters, digits and hyphens. */
  name: string;
  /** Identifier of its variable. */
  variable: string;
}

/**
 * Words that cannot name a variable of a module: TypeScript's reserved words, and what Node and TypeScript declare in every
 * CommonJS module.
 */
const RESERVED = new Set(
  (
    "arguments async await break case catch class const continue debugger default delete do else enum eval export exports extends " +
    "false finally for function if implements import in infinity instanceof interface let module nan new null package private " +
    "protected public require return static super switch this throw true try typeof undefined var void while with yield"
  ).split(" "),
);

/**
 * Names for mailboxes by their primary addresses: the local part; the domain too where several would share a name; a short
 * hash of the address where that is not enough. They depend on the set of addresses alone, not on its order.
 */
export function namesOf(addresses: readonly string[]): Map<string, Names> {
  const levels = new Map(addresses.map((address) => [address, 0]));
  const taken = () => {
    const holders = new Map<string, string[]>();
    for (const [address, level] of levels) {
      const { name, variable } = namesAt(address, level);
      // What is beside a mailbox is named after it; the engine tells them apart by type, readers do not.
      const own = SURVEYED.map(({ survey }) => nameOf(name, survey.suffix));
      for (const key of new Set([...own, variable.toLowerCase()])) {
        holders.set(key, [...(holders.get(key) ?? []), address]);
      }
    }
    return new Set([...holders.values()].filter((sharers) => sharers.length > 1).flat());
  };
  for (let sharers = taken(); ; sharers = taken()) {
    const raised = [...sharers].filter((address) => (levels.get(address) ?? LAST) < LAST);
    if (raised.length === 0) {
      return new Map([...levels].map(([address, level]) => [address, namesAt(address, level)]));
    }
    for (const address of raised) {
      levels.set(address, (levels.get(address) ?? 0) + 1);
    }
  }
}

/** The logical name of what is around a mailbox. */
function nameOf(name: string, suffix: KindSurvey["suffix"]): string {
  return suffix === undefined ? name : `${name}-${suffix}`;
}

const LAST = 2;

function namesAt(address: string, level: number): Names {
  const [local = ""] = address.split("@");
  const name = [
    hyphenated(level === 0 ? local : address) || "mailbox",
    ...(level === LAST ? [shortHash(address)] : []),
  ].join("-");
  return { name, variable: variableOf(name) };
}

function hyphenated(text: string): string {
  return text
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-|-$/g, "");
}

function variableOf(name: string): string {
  const camel = name.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());
  return /^\d/.test(camel) ? `mailbox${camel}` : RESERVED.has(camel.toLowerCase()) ? `${camel}Mailbox` : camel;
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
