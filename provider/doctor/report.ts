import type { Service } from "../http/call";
import type { Finding, Standing } from "./examination";
import { type Profile, RIGHTS } from "./rights";

/** 0: all that is wanted is there; 1: something is missing; 2: something could not be asked, and nothing is known to be missing. */
export type ExitCode = 0 | 1 | 2;

/** What was examined, for the first line. */
export interface Subject {
  /** `a local tenant`, or `the tenant 0000…`. */
  target: string;
  profile: Profile;
  /** `3 SharedMailbox, 1 Queue`; undefined without a program. */
  program: string | undefined;
}

/** The exit code of what was found. */
export function exitCodeOf(findings: readonly Finding[]): ExitCode {
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
export function asText({ target, profile, program }: Subject, findings: readonly Finding[]): string {
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
export function asJson(subject: Subject, findings: readonly Finding[]): string {
  return JSON.stringify({ ...subject, exitCode: exitCodeOf(findings), findings }, null, 2);
}

/** What `--list` prints: every right, by its code. */
export function list(): string {
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
