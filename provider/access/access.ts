import { writeFileSync } from "node:fs";
import { dayOf } from "../core/canonical";
import { openDeployment } from "../dynamic/deployment";
import { TerminalLog } from "../dynamic/engine-log";
import { comparedColumns, kindNamed } from "../kinds";
import { pageOf } from "./page";
import { readAccess } from "./read";
import { findingsOf, ofPerson, type Report, reportOf } from "./report";
import { readStack, type Stack, Unusable } from "./states";
import { counted, csvOf, type Grouping, tableOf } from "./write";

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
    throw new Unusable("--by: write mailbox or person.");
  }
  const mostInGroup = Number(options.mostInGroup);
  if (!Number.isInteger(mostInGroup) || mostInGroup < 0) {
    throw new Unusable("--most-in-group: write a whole number, e.g. 25.");
  }
  if (options.json === true && options.csv === true) {
    throw new Unusable("--json and --csv both go to standard output: write one of them.");
  }
  if (person !== undefined && person.trim() === "") {
    throw new Unusable("--person: write an address, a sign-in name or an object id, e.g. ada@contoso.com.");
  }
  const stacks = readStacks(options.state ?? []);
  const log = new NotingLog();
  const deployment = await openDeployment({ get: () => undefined, keys: [] }, log, comparedColumns);
  let report: Report;
  try {
    const reading = await readAccess(deployment, { patterns: options.address ?? [], sizes: options.sizes });
    requireTenant(stacks, reading.tenantId);
    const [unmatched] = reading.unmatched;
    if (unmatched !== undefined) {
      throw new Unusable(`No shared mailbox has a primary address like ${unmatched}. Write it as --address "sales-*".`);
    }
    const whole = reportOf(reading, stacks, { day: dayOf(new Date()), mostInGroup });
    report = { ...whole, notes: [...whole.notes, ...log.notes] };
    if (person !== undefined) {
      const meant = await deployment.services.recipients.named(person.trim().toLowerCase());
      const called = person.trim().toLowerCase();
      report = ofPerson(report, new Set([called, ...meant.map(({ id }) => id.toLowerCase())]), called);
      if (meant.length === 0 && report.mailboxes.length === 0) {
        throw new Unusable(
          `Nobody in the tenant is called ${person}, and no entry is left of such a person. Write an address, a sign-in name or an object id.`,
        );
      }
    }
  } finally {
    await deployment.close();
  }
  if (html !== undefined) {
    try {
      writeFileSync(html, person === undefined ? pageOf(report) : pageOf(report, `Access of ${person}`));
    } catch (error) {
      throw new Unusable(
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
    process.stdout.write(tableOf(report, (person === undefined ? by : "person") as Grouping));
  }
  return findingsOf(report).length > 0 ? 1 : 0;
}

/** The states of stacks; what is not ours in them is counted. */
export function readStacks(files: readonly string[]): Stack[] {
  const stacks = files.map(readStack);
  for (const { name, others } of stacks.filter((one) => one.others > 0)) {
    process.stderr.write(
      `mailboxes: ${name}: ${others} ${others === 1 ? "resource" : "resources"} of other packages left out\n`,
    );
  }
  return stacks;
}

/** Refuses a state of another tenant: it would make everybody look undeclared. */
export function requireTenant(stacks: readonly Stack[], tenantId: string): void {
  for (const { name, resources } of stacks) {
    const other = resources
      .filter(({ kind }) => kindNamed(kind)?.service === "exchange")
      .map(({ outputs }) => outputs.tenantId)
      .find((id) => typeof id === "string" && id.toLowerCase() !== tenantId.toLowerCase());
    if (other !== undefined) {
      throw new Unusable(
        `The state of ${name} is of tenant ${other}, and the tenant that was read is ${tenantId}. Give states of this tenant, or configure that one.`,
      );
    }
  }
}
