/** `mailboxes doctor`: what works and what is missing for a profile, or for what a program declares. */
import { setMaxListeners } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseDocument } from "yaml";
import { projectAbove } from "../configuration/configuration";
import { connected, type Deployment, type RawConfiguration } from "../dynamic/deployment";
import { EngineLog } from "../dynamic/engine";
import type { Service } from "../http/call";
import { isObject, mapOf, type Row } from "../http/json";
import { kindNamed } from "../kinds";
import { parsedJson, resourcesIn, stackOf } from "../review/preview";
import { kindOf } from "../review/rules";
import { examine, type Finding, type Standing } from "./examination";
import { PROFILES, type Profile, RIGHTS, USES, type Use } from "./rights";

/** What `mailboxes doctor` is called with. */
export interface DoctorInputs {
  /** Name of a profile. */
  for: string;
  /** Text of a stack's state, or of a preview. */
  program?: string;
  /** Name of a stack, whose file of configuration is read. */
  stack?: string;
  /** Codes of rights that are done without. */
  without: readonly string[];
  json?: boolean;
  list?: boolean;
}

/** Where it runs. */
export interface Surroundings {
  /** The folder of the call. */
  folder: string;
  say: (text: string) => void;
  signal: AbortSignal;
}

/**
 * Says what works and what is missing for the configured credential and tenant. Changes nothing there.
 *
 * @throws Error before anything was asked.
 */
export async function doctor(inputs: DoctorInputs, { folder, say, signal }: Surroundings): Promise<ExitCode> {
  if (inputs.list === true) {
    say(list());
    return 0;
  }
  const profile = profileNamed(inputs.for);
  const stranger = inputs.without.find((code) => !RIGHTS.some((right) => right.code === code));
  if (stranger !== undefined) {
    throw new Error(`--without: there is no right ${stranger}. \`mailboxes doctor --list\` prints all.`);
  }
  const project = projectAbove(folder);
  const program = inputs.program === undefined ? undefined : readProgram(inputs.program, project?.name);
  const raw = inputs.stack === undefined ? undefined : stackConfiguration(inputs.stack, project?.folder);
  const examined = async ({ configuration }: Deployment): Promise<ExitCode> => {
    // Every question listens to it, and Node suspects a leak at more than ten listeners.
    setMaxListeners(0, signal);
    const findings = await examine(
      configuration,
      { profile, without: inputs.without, ...(program === undefined ? {} : { program }) },
      signal,
    );
    if (signal.aborted) {
      throw new Error("It was stopped before its end.");
    }
    const target =
      configuration.localTenant !== undefined
        ? "a local tenant"
        : `the tenant ${configuration.tenantId ?? "that the credential belongs to"}`;
    const subject = { target, profile, program: program?.described };
    say(inputs.json === true ? asJson(subject, findings) : asText(subject, findings));
    return exitCodeOf(findings);
  };
  return connected(new EngineLog(undefined), [], examined, raw);
}

function profileNamed(name: string): Profile {
  const profile = PROFILES.find((one) => one === name);
  if (profile === undefined) {
    throw new Error(`--for: there is no profile ${name}. Write preview, up or all.`);
  }
  return profile;
}

/**
 * The keys `mailboxes:` of `Pulumi.<stack>.yaml`, over those of the project file. An encrypted one stays unset: only the Pulumi CLI can
 * read it, and each secret has a variable of its own.
 */
function stackConfiguration(stack: string, folder: string | undefined): RawConfiguration {
  if (folder === undefined) {
    throw new Error("--stack: there is no Pulumi project here or above. Run it in the project's folder.");
  }
  // A stack may be named with its organisation and project.
  const file = `Pulumi.${stack.split("/").at(-1)}.yaml`;
  if (!existsSync(join(folder, file))) {
    throw new Error(`--stack: there is no file ${file} in ${folder}.`);
  }
  const values = new Map([...configIn(folder, "Pulumi.yaml"), ...configIn(folder, file)]);
  return { get: (key) => values.get(key), keys: [...values.keys()] };
}

function configIn(folder: string, file: string): [string, unknown][] {
  if (!existsSync(join(folder, file))) {
    return [];
  }
  const document = parseDocument(readFileSync(join(folder, file), "utf8"));
  const [problem] = document.errors;
  if (problem !== undefined) {
    throw new Error(`--stack: ${file} is not YAML: ${problem.message.split("\n")[0]}`);
  }
  const content: unknown = document.toJS();
  const config = mapOf(mapOf(content).config);
  return Object.entries(config).flatMap(([key, written]): [string, unknown][] => {
    // The project file may write a value as `{ value: … }`.
    const value = isObject(written) && "value" in written ? written.value : written;
    const isEncrypted = isObject(value) && "secure" in value;
    return key.startsWith("mailboxes:") && !isEncrypted && value !== undefined ? [[key, value]] : [];
  });
}

/** What a program declares, as far as it needs rights. */
export interface Program {
  uses: readonly Use[];
  /** Its mailboxes that are there: the id, and the address where the state has it. */
  mailboxes: readonly { id: string; address: string }[];
  /** Dataverse environments that resources name themselves. */
  environments: readonly string[];
  /** Whether a resource of Dynamics 365 names no environment, so that the configured one is meant. */
  needsEnvironment: boolean;
  /** `3 SharedMailbox, 1 Queue`. */
  described: string;
}

/** One resource of this package. */
interface Declared {
  kind: string;
  urn: string;
  id: string;
  inputs: Row;
}

const HOW = "Run `pulumi stack export | npx mailboxes doctor --program`, or give the file it was written to.";

/**
 * Reads a program's needs.
 *
 * @param text what `pulumi stack export` or `pulumi preview --json` printed, or a state file of a backend in files.
 * @param project name of the project of this folder, where there is one.
 * @throws Error when it is something else, of another project, or without a resource of this package.
 */
function readProgram(text: string, project: string | undefined): Program {
  const resources = resourcesOf(text);
  const declared = resources.flatMap(declaredIn);
  const other = declared.map(({ urn }) => stackOf(urn).split("/")[0]).find((name) => name !== "");
  if (project !== undefined && other !== undefined && other !== project) {
    throw new Error(
      `--program: this is the state of the project ${other}, and the project here is ${project}. Run it in the folder of ${other}, or export the state of a stack of ${project}.`,
    );
  }
  if (declared.length === 0) {
    throw new Error(
      `--program: there are ${resources.length} resources, and none of pulumi-mailboxes. Before the first \`pulumi up\`, give it \`pulumi preview --json\`, or leave --program out.`,
    );
  }
  const environments = declared.flatMap(({ inputs }) =>
    typeof inputs.environmentUrl === "string" ? [inputs.environmentUrl] : [],
  );
  const uses = declared.map(({ kind, inputs }) => kindNamed(kind)?.uses(inputs) ?? {});
  return {
    uses: USES.filter((use) => uses.some((one) => one[use])),
    mailboxes: declared
      .filter(({ kind, id }) => kindNamed(kind)?.review.isMailbox === true && id !== "")
      .map(({ id, inputs }) => ({
        id,
        address: typeof inputs.primarySmtpAddress === "string" ? inputs.primarySmtpAddress : id,
      })),
    environments: [...new Set(environments)],
    needsEnvironment: declared.some(
      ({ kind, inputs }) => kindNamed(kind)?.service === "dynamics" && inputs.environmentUrl === undefined,
    ),
    described: counted(declared.map(({ kind }) => kind)),
  };
}

/** The resources of an exported stack, of a state file, or of a preview. */
function resourcesOf(text: string): Row[] {
  if (text.trim() === "") {
    throw new Error(`--program: the input is empty. ${HOW}`);
  }
  const state = parsedJson(text);
  if (!isObject(state)) {
    throw new Error(`--program: this is not the state of a stack: it is not a JSON object. ${HOW}`);
  }
  const { steps, diagnostics } = state;
  const resources = resourcesIn(state);
  if (resources !== undefined) {
    return resources;
  }
  if (Array.isArray(steps)) {
    if (Array.isArray(diagnostics) && diagnostics.some((one) => isObject(one) && one.severity === "error")) {
      throw new Error(
        "--program: this preview failed, so that it does not show the whole program. Mend it, and run `pulumi preview --json` again.",
      );
    }
    const states = steps.map((step: unknown) => mapOf(mapOf(step).newState ?? mapOf(step).oldState));
    // A preview with --refresh has two steps of what changes. The second is the program's.
    return [...new Map(states.map((state) => [state.urn ?? state, state])).values()];
  }
  throw new Error(`--program: this JSON is not the state of a stack: it has no resources. ${HOW}`);
}

function declaredIn({ type, urn, id, inputs, external }: Row): Declared[] {
  const kind = kindOf(String(type));
  // What is read with `get` is another stack's, and a resource that waits for its deletion still needs its rights.
  return kind === undefined || external === true
    ? []
    : [{ kind, urn: String(urn), id: typeof id === "string" ? id : "", inputs: mapOf(inputs) }];
}

function counted(kinds: readonly string[]): string {
  return [...new Set(kinds)].map((kind) => `${kinds.filter((one) => one === kind).length} ${kind}`).join(", ");
}

/** 0: all that is wanted is there; 1: something is missing; 2: something could not be asked, and nothing is known to be missing. */
type ExitCode = 0 | 1 | 2;

/** What was examined, for the first line. */
interface Subject {
  /** `a local tenant`, or `the tenant 0000…`. */
  target: string;
  profile: Profile;
  /** `3 SharedMailbox, 1 Queue`; undefined without a program. */
  program: string | undefined;
}

/** The exit code of what was found. */
function exitCodeOf(findings: readonly Finding[]): ExitCode {
  const has = (standing: Standing): boolean => findings.some(({ is }) => is === standing);
  return has("missing") ? 1 : has("unknown") ? 2 : 0;
}

const MARKS: Readonly<Record<Standing, string>> = {
  there: "ok",
  missing: "MISSING",
  unknown: "NOT KNOWN",
  leftOut: "left out",
  noted: "note",
};
const WIDTH = 11;

const HEADINGS: ReadonlyArray<readonly [Finding["service"], string]> = [
  ["all", "This machine"],
  ["exchange", "Exchange Online"],
  ["graph", "Microsoft Graph"],
  ["dataverse", "Dataverse"],
];

const PURPOSES: Readonly<Record<Profile, string>> = {
  preview: "`pulumi preview` and looking for drift",
  up: "`pulumi up`",
  all: "everything a program can declare",
};

/** The findings as text for a terminal or a job's log. */
function asText({ target, profile, program }: Subject, findings: readonly Finding[]): string {
  const scope = program === undefined ? "" : `, with what the program declares (${program})`;
  const sections = HEADINGS.flatMap(([service, heading]) => {
    const own = findings.filter((finding) => finding.service === service);
    return own.length === 0 ? [] : [[heading, ...own.flatMap(linesOf)].join("\n")];
  });
  return [`What ${PURPOSES[profile]} needs of ${target}${scope}:`, ...sections, verdictOf(findings)].join("\n\n");
}

function linesOf({ is, name, said, words, otherwise, grants = [], nextStep, page }: Finding): string[] {
  const detail = (text: string): string => `  ${" ".repeat(WIDTH)}${text}`;
  const isWanting = is === "missing" || is === "unknown";
  return [
    `  ${MARKS[is].padEnd(WIDTH)}${name}: ${said}`,
    ...(words === undefined || is === "leftOut" ? [] : [detail(words)]),
    ...(is === "missing" && otherwise !== undefined ? [detail(otherwise)] : []),
    ...(isWanting
      ? grants.flatMap(({ tool, lines }) => [detail(`${tool}:`), ...lines.map((line) => detail(`  ${line}`))])
      : []),
    ...(nextStep === undefined ? [] : [detail(nextStep)]),
    ...(is === "missing" && page !== undefined ? [detail(page)] : []),
  ];
}

function verdictOf(findings: readonly Finding[]): string {
  const named = (standing: Standing): string[] => findings.filter(({ is }) => is === standing).map(({ name }) => name);
  const [missing, unknown] = [named("missing"), named("unknown")];
  if (missing.length > 0) {
    const known = unknown.length > 0 ? ` Not known: ${unknown.join("; ")}.` : "";
    return `Missing: ${missing.join("; ")}.${known} A new grant can take an hour to work; a new token has it.`;
  }
  return unknown.length > 0 ? `Not known: ${unknown.join("; ")}.` : "All that is needed is there.";
}

/** The findings as JSON: `exitCode`, and for each thing its standing, the commands and the page. */
function asJson(subject: Subject, findings: readonly Finding[]): string {
  return JSON.stringify({ ...subject, exitCode: exitCodeOf(findings), findings }, null, 2);
}

/** What `--list` prints: every right, by its code. */
function list(): string {
  return RIGHTS.map(
    ({ code, name, purpose, from, includedIn }) =>
      `${code.padEnd(26)}${name}: ${purpose} (from ${from}${includedIn === undefined ? "" : `, part of ${includedIn}`})`,
  ).join("\n");
}

const TITLES: Readonly<Record<Service, string>> = {
  exchange: "Exchange management role",
  graph: "Microsoft Graph",
  dataverse: "Dataverse",
};

/** The rights as the bullets of `docs/permissions.md`: those of readers, or all others. */
export function listed(isForReaders: boolean): string {
  return RIGHTS.filter(({ from, includedIn }) => (isForReaders ? from === "preview" : includedIn === undefined))
    .map(({ purpose, service, name, otherwise = "", evidence, from }) => {
      const title = name.startsWith("a role ") ? "Exchange:" : TITLES[service];
      const right = service === "graph" ? `\`${name}\`` : name;
      const isRare = from === "all" ? "Only `--for all` asks for it." : "";
      const text = [`**${purpose}**: ${title} ${right}.`, otherwise, `*${evidence}*`, isRare];
      return filled(text.filter((part) => part !== "").join(" "));
    })
    .join("\n");
}

/** A bullet of lines that are easy to read. */
function filled(text: string): string {
  const lines = [""];
  for (const word of text.split(" ")) {
    const line = lines.at(-1) ?? "";
    if (line.length + word.length > 125) {
      lines.push(word);
    } else {
      lines[lines.length - 1] = line === "" ? word : `${line} ${word}`;
    }
  }
  return `- ${lines.join("\n  ")}`;
}
