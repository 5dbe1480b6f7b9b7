/** `mailboxes access`: reads who has access, and writes it as a table for a terminal, as CSV, as JSON or as a page. */

import { writeFileSync } from "node:fs";
import Table from "cli-table3";
import { dayOf } from "../core/canonical";
import { connected } from "../dynamic/deployment";
import { TerminalLog } from "../dynamic/engine";
import { plural } from "../http/json";
import { comparedColumns } from "../kinds";
import { oneLine } from "../review/words";
import { pageOf } from "./page";
import { meantBy, readAccess, readStacks, requireTenant } from "./read";
import {
  type Access,
  countsOf,
  declaredWords,
  type Finding,
  findingsOf,
  type MailboxAccess,
  ofPerson,
  peopleIn,
  type Report,
  reportOf,
  rightsWords,
} from "./report";

/** What `mailboxes access` is called with. */
export interface AccessOptions {
  state?: string[];
  person?: string;
  address?: string[];
  by: string;
  json?: true;
  csv?: true;
  html?: string;
  mostInGroup: string;
  sizes: boolean;
}

/** Warnings that are part of what a command writes. */
class NotingLog extends TerminalLog {
  readonly notes: string[] = [];

  override warn(urn: string, text: string): void {
    this.notes.push(text.replace(/\s+/g, " "));
    super.warn(urn, text);
  }
}

/**
 * Reads the tenant that the environment configures, and writes who has access.
 *
 * @returns the exit code: 1 where there is something to look at.
 * @throws Error when it cannot be told; a sentence with a next step.
 */
export async function writeAccess(options: AccessOptions): Promise<number> {
  const { by, person, html } = options;
  if (by !== "mailbox" && by !== "person") {
    throw new Error("--by: write mailbox or person.");
  }
  const mostInGroup = Number(options.mostInGroup);
  if (!Number.isInteger(mostInGroup) || mostInGroup < 0) {
    throw new Error("--most-in-group: write a whole number, e.g. 25.");
  }
  if (options.json === true && options.csv === true) {
    throw new Error("--json and --csv both go to standard output: write one of them.");
  }
  if (person !== undefined && person.trim() === "") {
    throw new Error("--person: write an address, a sign-in name or an object id, e.g. ada@contoso.com.");
  }
  const stacks = readStacks(options.state ?? []);
  const log = new NotingLog();
  const report = await connected(log, comparedColumns, async (deployment) => {
    const reading = await readAccess(deployment, { patterns: options.address ?? [], sizes: options.sizes });
    requireTenant(stacks, reading.tenantId);
    const [unmatched] = reading.unmatched;
    if (unmatched !== undefined) {
      throw new Error(`No shared mailbox has a primary address like ${unmatched}. Write it as --address "sales-*".`);
    }
    const whole = reportOf(reading, stacks, { day: dayOf(new Date()), mostInGroup });
    const noted = { ...whole, notes: [...whole.notes, ...log.notes] };
    if (person === undefined) {
      return noted;
    }
    const called = person.trim().toLowerCase();
    const { who, names } = await meantBy(deployment, new Set([called]));
    const own = ofPerson(noted, names, called);
    if (who === undefined && own.mailboxes.length === 0) {
      throw new Error(
        `Nobody in the tenant is called ${person}, and no entry is left of such a person. Write an address, a sign-in name or an object id.`,
      );
    }
    return own;
  });
  if (html !== undefined) {
    try {
      writeFileSync(html, person === undefined ? pageOf(report) : pageOf(report, `Access of ${person}`));
    } catch (error) {
      throw new Error(
        `--html: ${html} cannot be written (${(error as NodeJS.ErrnoException).code}). Write a file in a folder that exists.`,
      );
    }
    process.stderr.write(`mailboxes: written to ${html}: ${counted(report)}\n`);
  }
  if (options.json === true) {
    process.stdout.write(`${JSON.stringify({ ...report, findings: findingsOf(report) }, undefined, 2)}\n`);
  } else if (options.csv === true) {
    process.stdout.write(csvOf(report));
  } else if (html === undefined) {
    process.stdout.write(tableOf(report, person !== undefined || by === "person" ? "person" : "mailbox"));
  }
  return findingsOf(report).length > 0 ? 1 : 0;
}

/** How a review is grouped. */
type Grouping = "mailbox" | "person";

/** A review as text. */
export function tableOf(report: Report, by: Grouping): string {
  const { mailboxes } = report;
  const hasStacks = report.stacks.length > 0;
  const rowsOf = (mailbox: MailboxAccess) => mailbox.access.map((access) => ({ mailbox, access }));
  type Row = ReturnType<typeof rowsOf>[number];
  const rows = mailboxes.flatMap(rowsOf);
  const byPerson = new Map<string, Row[]>();
  for (const row of rows) {
    const own = byPerson.get(row.access.person) ?? [];
    own.push(row);
    byPerson.set(row.access.person, own);
  }
  const columns: readonly (readonly [head: string, cell: (row: Row) => string])[] = [
    by === "mailbox"
      ? ["Person or group", ({ access }) => personOf(access)]
      : ["Mailbox", ({ mailbox: { address, displayName } }) => named(address, displayName)],
    ["Rights", ({ access }) => rightsWords(access)],
    ...(hasStacks ? [["Declared by", ({ access }: Row) => declaredWords(access)] as const] : []),
    ...(rows.some(({ access }) => access.until !== undefined)
      ? [["Until", ({ access }: Row) => access.until ?? ""] as const]
      : []),
    ["Findings", ({ access }) => access.findings.map(({ text }) => text).join("; ")],
  ];
  const group = (heading: string, own: readonly Row[]): string => {
    const table = new Table({ head: columns.map(([head]) => head), style: { head: [], border: [] } });
    table.push(...own.map((row) => columns.map(([, cell]) => oneLine(cell(row)))));
    return `${oneLine(heading)}\n${own.length === 0 ? "" : `${table.toString()}\n`}`;
  };
  const ofMailbox = (mailbox: MailboxAccess, own: readonly Row[]) => group(mailboxHeading(mailbox, hasStacks), own);
  const groups =
    by === "mailbox"
      ? mailboxes.map((mailbox) => ofMailbox(mailbox, rowsOf(mailbox)))
      : [
          ...[...byPerson]
            .sort(([a], [b]) => (a < b ? -1 : 1))
            .map(([person, own]) => group(own[0] === undefined ? person : personOf(own[0].access), own)),
          // What is to say of a mailbox itself is nobody's.
          ...mailboxes
            .filter(({ findings, unread }) => findings.length + unread.length > 0)
            .map((mailbox) => ofMailbox(mailbox, [])),
        ];
  return [...groups, summary(report)].join("\n");
}

function personOf({ person, displayName = "", kind }: Access): string {
  return `${named(person, displayName)}${kind === "person" ? "" : ` (${kind})`}`;
}

/** A review as CSV, one line for each person on a mailbox, and one for a mailbox that nobody has access to. */
export function csvOf(report: Report): string {
  const head = [
    "mailbox",
    "mailbox name",
    "person",
    "person name",
    "kind",
    "rights",
    "declared by",
    "until",
    "findings",
  ];
  const words = ({ code, text }: Finding) => `${code}: ${text}`;
  const lines = report.mailboxes.flatMap((mailbox) => {
    const { address, displayName, unread, findings } = mailbox;
    const said = [...findings.map(words), ...(unread.length === 0 ? [] : [`not read: ${unread.join(", ")}`])];
    const people = mailbox.access.map((access) => [
      ...[address, displayName, access.person, access.displayName ?? "", access.kind, rightsWords(access)],
      ...[report.stacks.length === 0 ? "" : declaredWords(access), access.until ?? ""],
      access.findings.map(words).join("; "),
    ]);
    const own = [address, displayName, "", "", "", "", "", "", said.join("; ")];
    return people.length === 0 || said.length > 0 ? [own, ...people] : people;
  });
  // With a byte order mark, without which Excel reads names in another encoding.
  return `\uFEFF${[head, ...lines].map((line) => line.map(cell).join(",")).join("\r\n")}\r\n`;
}

/**
 * A cell that no spreadsheet takes for a formula: a text that begins as one gets an apostrophe before it.
 *
 * @see https://owasp.org/www-community/attacks/CSV_Injection
 */
function cell(text: string): string {
  const safe = /^[\s\p{Cc}\p{Cf}]*[=+\-@\t\r\n＝＋－＠]/u.test(text) ? `'${text}` : text;
  return `"${safe.replaceAll('"', '""')}"`;
}

function mailboxHeading(
  { address, displayName, declaredBy, unread, access, findings }: MailboxAccess,
  hasStacks: boolean,
): string {
  const by = hasStacks ? `, declared by ${declaredBy.join(" and ") || "nobody"}` : "";
  const said = findings.map(({ text }) => text);
  const isEmpty = access.length === 0 && unread.length === 0 && !findings.some(({ code }) => code === "no-members");
  const left = unread.length > 0 ? [`who has ${unread.join(" and ")} was not read`] : isEmpty ? ["no entries"] : [];
  return [`${named(address, displayName)}${by}`, ...said, ...left].join("; ");
}

/** How much there is, and how much of it to look at, in one sentence. */
function counted(report: Report): string {
  const findings = findingsOf(report).length;
  const what = `${plural(report.mailboxes.length, "mailbox", "mailboxes")}, ${plural(peopleIn(report), "person or group", "people and groups")} with access`;
  return `${what}, ${findings === 0 ? "nothing to look at" : `${findings} to look at`}.`;
}

function summary(report: Report): string {
  const counts = countsOf(report).map(
    ({ code, meaning, count }) => `  ${String(count).padStart(4)}  ${code.padEnd(22)}${meaning}`,
  );
  return [counted(report), ...counts, ...report.notes.map((note) => `Note: ${oneLine(note)}`), ""].join("\n");
}

function named(address: string, name: string): string {
  return name === "" || name === address ? address : `${address} ${name}`;
}
