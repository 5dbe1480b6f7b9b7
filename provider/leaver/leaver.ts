import { statSync } from "node:fs";
import { resolve } from "node:path";
import { readStacks, requireTenant, type Stack, Unusable } from "../access/read";
import { bounds, openDeployment } from "../dynamic/deployment";
import { TerminalLog } from "../dynamic/engine-log";
import { mapOf } from "../http/json";
import { comparedColumns } from "../kinds";
import { inProgram, mentions, type Program } from "./program";
import { looksLikeAddress } from "./sightings";
import { type Found, inTenant } from "./tenant";

/** What `mailboxes leaver` is called with. */
export interface LeaverOptions {
  state?: string[];
  program?: string;
  also?: string[];
  tenant: boolean;
  json?: true;
  diff?: true;
}

/** What there is of somebody. */
interface Leaver {
  who: string;
  names: string[];
  tenant: Found["holdings"];
  states: StackPlace[];
  program: Program;
  notes: string[];
}

/**
 * Looks for somebody in the tenant, in states and in a program, and writes what was found and the edit.
 *
 * @returns the exit code: 1 where something is left.
 * @throws Error when it cannot be told; a sentence with a next step.
 */
export async function writeLeaver(text: string, options: LeaverOptions): Promise<number> {
  const leaver = await leaverCalled(text.trim().toLowerCase(), options);
  const { program } = leaver;
  if (options.json === true) {
    process.stdout.write(`${JSON.stringify(leaver, undefined, 2)}\n`);
  } else if (options.diff === true) {
    process.stdout.write(program.patch);
    for (const place of program.places) {
      process.stderr.write(`mailboxes: left to you: ${place.file}:${place.line}  ${place.text} (${place.why})\n`);
    }
  } else {
    process.stdout.write(textOf(leaver, options));
  }
  const count = leaver.tenant.length + leaver.states.length + program.removed + program.places.length;
  return count > 0 ? 1 : 0;
}

async function leaverCalled(who: string, options: LeaverOptions): Promise<Leaver> {
  const { state = [], program, also = [], tenant } = options;
  if (!looksLikeAddress(who)) {
    throw new Unusable("Who leaves? Write an address, a sign-in name or an object id, e.g. ada@contoso.com.");
  }
  if (options.diff === true && program === undefined) {
    throw new Unusable("--diff prints the edit of a program: write --program FOLDER too.");
  }
  if (!tenant && state.length === 0 && program === undefined) {
    throw new Unusable("There is nowhere to look: with --no-tenant write --state FILES or --program FOLDER.");
  }
  const folder = program === undefined ? undefined : resolve(program);
  if (folder !== undefined && statSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true) {
    throw new Unusable(`--program: ${program} is not a folder. Write the folder of the Pulumi program.`);
  }
  const stacks = readStacks(state);
  let found: Found = { who: undefined, names: namesIn(stacks, new Set([who])), holdings: [], notes: [] };
  if (tenant) {
    const deployment = await openDeployment({ get: () => undefined, keys: [] }, new TerminalLog(), comparedColumns);
    try {
      requireTenant(stacks, await deployment.services.tenantId(bounds()));
      found = await inTenant(deployment, found.names, stacks);
    } finally {
      await deployment.close();
    }
  }
  const names = namesIn(stacks, found.names);
  const states = inStacks(stacks, names);
  const certain = new Set([...names, ...also.map((one) => one.trim().toLowerCase())]);
  const [local = ""] = who.split("@");
  const guess = who.includes("@") && !certain.has(local) ? local : undefined;
  const files = new Set(state.map((file) => resolve(file)));
  const inFiles = folder === undefined ? NOTHING : inProgram(folder, { certain, guess }, files);
  if (
    found.who === undefined &&
    states.length + found.holdings.length + inFiles.removed + inFiles.places.length === 0
  ) {
    const where = [
      ...(tenant ? ["the tenant"] : []),
      ...(state.length > 0 ? ["the states"] : []),
      ...(folder ? ["the program"] : []),
    ];
    throw new Unusable(
      `Nobody is called ${who} in ${where.join(", ")}. Write an address, a sign-in name or an object id that was in use.`,
    );
  }
  return {
    who: found.who ?? who,
    names: [...certain].sort(),
    tenant: found.holdings,
    states,
    program: inFiles,
    notes: [...found.notes, ...inFiles.notes],
  };
}

const NOTHING: Program = { patch: "", removed: 0, places: [], notes: [] };

function textOf({ who, names, tenant, states, program, notes }: Leaver, options: LeaverOptions): string {
  const section = (title: string, lines: readonly string[], none: string): string[] => [
    "",
    title,
    ...(lines.length === 0 ? [`  ${none}`] : lines.map((line) => `  ${shown(line)}`)),
  ];
  const { patch, places, removed } = program;
  const hasProgram = options.program !== undefined;
  return [
    shown(`${who}. Looked for: ${names.join(", ")}.`),
    ...(options.tenant
      ? section(
          "In the tenant",
          tenant.map(({ on, text }) => `${on}: ${text}`),
          "nothing",
        )
      : []),
    ...(options.state === undefined
      ? []
      : section(
          "In the states",
          states.map(({ stack, kind, resource, path }) => `${stack} ${kind} ${resource}: ${path}`),
          "nothing",
        )),
    ...(hasProgram
      ? section(
          "In the program, left to you",
          places.map(({ file, line, text, why }) => `${file}:${line}  ${text}  (${why})`),
          "nothing",
        )
      : []),
    ...(patch === ""
      ? []
      : [
          "",
          `The edit, in ${removed} ${removed === 1 ? "place" : "places"}; --diff prints it alone, for \`git apply\``,
          patch.trimEnd(),
        ]),
    ...(notes.length === 0 ? [] : ["", ...notes.map((note) => `Note: ${shown(note)}`)]),
    "",
  ].join("\n");
}

/** A text on one line, without what a terminal would act on. */
function shown(text: string): string {
  return text.replace(/[\s\p{Zl}\p{Zp}]/gu, " ").replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Co}]/gu, "\ufffd");
}

/** A place in a stack. */
interface StackPlace {
  stack: string;
  kind: string;
  resource: string;
  /** Property path. */
  path: string;
}

/** Other texts for the same person that states know: the object id behind an address, and the addresses behind an id. */
function namesIn(stacks: readonly Stack[], given: ReadonlySet<string>): Set<string> {
  const names = new Set(given);
  // A text may lead to an id, which leads to other texts.
  for (let before = -1; before < names.size; ) {
    before = names.size;
    for (const { outputs } of stacks.flatMap(({ resources }) => resources)) {
      const hidden = mapOf(outputs.__memory);
      for (const ids of [outputs.memberIds, outputs.deletedMembers, outputs.keepIds, hidden.keepIds]) {
        for (const [key, id] of Object.entries(mapOf(ids))) {
          const both = [key.toLowerCase(), String(id).toLowerCase()];
          if (both.some((name) => names.has(name))) {
            for (const name of both) {
              names.add(name);
            }
          }
        }
      }
    }
  }
  return names;
}

/** Where the inputs of resources have one of the names, as a key, a value, or in a text. */
function inStacks(stacks: readonly Stack[], names: ReadonlySet<string>): StackPlace[] {
  return stacks.flatMap(({ name: stack, resources }) =>
    resources.flatMap(({ kind, name, inputs }) =>
      Object.entries(inputs)
        .filter(([property]) => !property.startsWith("__"))
        .flatMap(([property, value]) => pathsTo(value, property, names))
        .map((path) => ({ stack, kind, resource: name, path })),
    ),
  );
}

function pathsTo(value: unknown, path: string, names: ReadonlySet<string>): string[] {
  if (typeof value === "string") {
    return [...names].some((name) => mentions(value, name)) ? [path] : [];
  }
  if (Array.isArray(value)) {
    return value.flatMap((one, index) => pathsTo(one, `${path}[${index}]`, names));
  }
  return Object.entries(mapOf(value)).flatMap(([key, one]) => {
    const at = /^[A-Za-z_]\w*$/.test(key) ? `${path}.${key}` : `${path}["${key}"]`;
    return names.has(key.toLowerCase()) ? [at] : pathsTo(one, at, names);
  });
}
