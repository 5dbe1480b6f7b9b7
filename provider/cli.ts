#!/usr/bin/env node
/** The command line of the package: `mailboxes`. What a command does is loaded once it runs: the others need nothing of it. */
import { Command } from "commander";
import type { AcceptanceOptions } from "./acceptance/run";
import type { AccessOptions } from "./access/access";
import type { DoctorInputs } from "./doctor/doctor";
import type { ImportFileOptions } from "./import-file";
import type { LeaverOptions } from "./leaver/leaver";
import { tenantCommand } from "./local-tenant/command";
import type { ReviewOptions } from "./review/command";

const TENANT =
  "The tenant is the one the environment configures: AZURE_TENANT_ID, AZURE_CLIENT_ID and a credential, or MAILBOXES_LOCAL_TENANT\n" +
  "for a local tenant.";
const TENANT_AND_DYNAMICS =
  "The tenant is the one the environment configures: AZURE_TENANT_ID, AZURE_CLIENT_ID and a credential, DATAVERSE_URL for Dynamics\n" +
  "365, or MAILBOXES_LOCAL_TENANT for a local tenant.";

/** `mailboxes acceptance`: tries on a real tenant what nobody has shown in public. */
function acceptanceCommand(): Command {
  const command = new Command("acceptance")
    .description("try on your tenant what is assumed about Microsoft's services, and write a record of it")
    .option("--read-only", "ask only, write nothing")
    .option("--domain <domain>", "make disposable mailboxes in this accepted domain, and remove them")
    .option("--prefix <prefix>", "how the names of disposable mailboxes begin, with --domain")
    .option("--clean-up", "remove what an earlier run left behind, and do nothing else")
    .option("--only <row...>", "only these probes")
    .option("--certificate <file>", "a certificate of the application with its key, in PEM, for the probe of clocks")
    .option("--federated-token <file>", "a token of a federated credential, for the probe of its signature")
    .option("--list", "print every probe and what it needs")
    .option("--yes", "do it: without this option, print what would be done")
    .option("--record <file>", "the record to write (default: mailboxes-acceptance-TIME.json)")
    .option("--journal <file>", "where what it makes is written down (default: mailboxes-acceptance.made.jsonl)")
    .addHelpText(
      "after",
      `
${TENANT_AND_DYNAMICS}

Each probe says confirmed, contradicted, or not tried and why. The record holds requests and answers. Names, addresses, ids,
tenant names and tokens in it are replaced, the same one always by the same word, so that it can be attached to an issue.

Ctrl+C removes what it made, and ends it.

Exit codes:
  0  everything that was tried is confirmed
  1  something is contradicted
  2  it could not run, or not to its end`,
    );
  return answering(command, async (options: AcceptanceOptions & { list?: boolean }) => {
    const { acceptance, list } = await import("./acceptance/run.js");
    if (options.list === true) {
      say(list());
      return 0;
    }
    const raw = { get: () => undefined, keys: [] };
    // A second signal ends the process at once, and leaves the journal for --clean-up.
    return untilStopped((signal) => acceptance(options, { raw, say, signal }));
  });
}

/** `mailboxes access`: who has access to the shared mailboxes of a tenant, and who declared it. */
function accessCommand(): Command {
  const command = new Command("access")
    .description("review who has access to the shared mailboxes of a tenant, who declared it, and what to look at")
    .option("--state <file...>", "states of stacks, as `pulumi stack export` prints them: they say who declared what")
    .option("--person <who>", "only what one person or group has: an address, a sign-in name or an object id")
    .option("--address <pattern...>", "only mailboxes whose primary address is like this, * for any characters")
    .option("--by <grouping>", "mailbox or person", "mailbox")
    .option("--json", "everything as JSON")
    .option("--csv", "one line for each person on a mailbox")
    .option("--html <file>", "write a page that opens in a browser, without a network")
    .option("--most-in-group <number>", "a group with more members is something to look at", "25")
    .option("--no-sizes", "do not ask how large mailboxes are, which is one question for each")
    .addHelpText("after", () => {
      const { FINDING_CODES } = require("./access/report.js") as typeof import("./access/report.js");
      return `
${TENANT} It is only read.

What to look at:
${listed(FINDING_CODES)}
Undeclared rights show only where states are given: give those of all stacks.

Exit codes:
  0  there is nothing to look at
  1  there is something to look at
  2  it could not be told`;
    });
  return answering(command, async (options: AccessOptions) => {
    const { writeAccess } = await import("./access/access.js");
    return writeAccess(options);
  });
}

type DoctorOptions = Omit<DoctorInputs, "program" | "without"> & { program?: string | true; without?: string[] };

/** `mailboxes doctor`: what works and what is missing, before the first write. */
function doctorCommand(): Command {
  const command = new Command("doctor")
    .description("say what works and what is missing for the configured credential and tenant, without a change")
    .option("--for <profile>", "what the application is to do: preview, up or all", "up")
    .option(
      "--program [file]",
      "ask only for what this program needs, by `pulumi stack export` or `pulumi preview --json` (standard input without a file, or with -)",
    )
    .option("--stack <name>", "read the configuration of this stack too, from Pulumi.<name>.yaml")
    .option("--without <codes...>", "rights that the application lacks on purpose, by their codes (see --list)")
    .option("--json", "the findings as JSON")
    .option("--list", "print every right, and ask nothing")
    .addHelpText(
      "after",
      `
${TENANT_AND_DYNAMICS} With --stack it is what the stack configures as well.

Each thing that is missing comes with the command that grants it and Microsoft's page.

Exit codes:
  0  all is there
  1  something is missing
  2  something could not be asked, or the call is wrong`,
    );
  return answering(command, async ({ program, without = [], ...rest }: DoctorOptions) => {
    const [{ doctor }, { textOf }] = await Promise.all([import("./doctor/doctor.js"), import("./review/preview.js")]);
    const read = ["--program: ", "pulumi stack export", "mailboxes doctor --program"] as const;
    return untilStopped(async (signal) =>
      doctor(
        {
          ...rest,
          without: without.flatMap((list) => list.split(",")).map((code) => code.trim()),
          ...(program === undefined ? {} : { program: await textOf(program === true ? "-" : program, ...read) }),
        },
        { folder: process.cwd(), say, signal },
      ),
    );
  });
}

/** `mailboxes import-file`: brings the shared mailboxes of a tenant under Pulumi. */
function importFileCommand(): Command {
  return new Command("import-file")
    .description("write a Pulumi import file, and the program for it, from the shared mailboxes of a tenant")
    .requiredOption("--out <file>", "the import file to write, for `pulumi import --file`")
    .requiredOption("--program <file>", "the TypeScript program to write")
    .option(
      "--address <pattern...>",
      "only mailboxes whose primary address is like one of these, * for any characters (default: all)",
    )
    .option("--project <name>", "name of the Pulumi project (default: the one in Pulumi.yaml of this folder or above)")
    .option("--stack <name>", "name of the stack (default: PULUMI_STACK, or dev)")
    .option("--force", "write over files that exist")
    .addHelpText(
      "after",
      `
${TENANT} It is only read.

The file names the project and the stack, which the state keeps as the origin of each resource. Importing into another project
or stack, or renaming the stack later, causes no change.

Afterwards, with the program in the project:
  pulumi import --file FILE --generate-code=false --protect=false
  pulumi preview        shows no change`,
    )
    .action(async (options: ImportFileOptions) => {
      const { writeImportFile } = await import("./import-file.js");
      say(await writeImportFile(options));
    });
}

/** `mailboxes leaver`: everything that somebody has, and the edit that takes it away. */
function leaverCommand(): Command {
  const command = new Command("leaver")
    .description("print what somebody who leaves has in tenant, states and program, and the edit that takes it away")
    .argument("<who>", "an address, a sign-in name or an object id")
    .option("--state <file...>", "states of stacks, as `pulumi stack export` prints them")
    .option("--program <folder>", "the folder of the Pulumi program")
    .option("--also <text...>", "other texts that mean the person in the program, e.g. ada")
    .option("--no-tenant", "look in states and program only")
    .option("--diff", "print the edit alone, for `git apply` in the program's folder")
    .option("--json", "everything as JSON")
    .addHelpText(
      "after",
      `
${TENANT_AND_DYNAMICS} Nothing is changed, in the tenant or in a file.

The edit takes the person out of literal lists and maps of people in TypeScript, JavaScript, YAML and JSON, where nothing else
goes with it. Every other place is printed with its file and line.

Exit codes:
  0  nothing is left
  1  something is left
  2  it could not be told`,
    );
  return answering(command, async (who: string, options: LeaverOptions) => {
    const { writeLeaver } = await import("./leaver/leaver.js");
    return writeLeaver(who, options);
  });
}

/** `mailboxes review`: what a reviewer needs of a preview. */
function reviewCommand(): Command {
  const command = new Command("review")
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
      const { FLAG_CODES } = require("./review/review.js") as typeof import("./review/review.js");
      return `
A preview with --refresh also shows what somebody changed in the tenant. It stands apart, and its flags begin with drift-.
A preview of \`pulumi refresh\` or \`pulumi destroy\` (--preview-only --json) is reviewed as well.

Flags:
${listed(FLAG_CODES)}

Exit codes:
  0  the preview is reviewed
  1  a flag of --fail-on is raised
  2  there is nothing that could be reviewed`;
    });
  return answering(command, async (file: string | undefined, options: ReviewOptions) => {
    const { reviewed } = await import("./review/command.js");
    return reviewed(file, options);
  });
}

/** Codes with their meanings, one a line. */
function listed(codes: Readonly<Record<string, string>>): string {
  return Object.entries(codes)
    .map(([code, meaning]) => `  ${code.padEnd(22)}${meaning}`)
    .join("\n");
}

/** A command whose exit code is its answer. It is 2 where there is none, and after a wrong call. Help that was asked for is a success. */
function answering<Given extends unknown[]>(command: Command, answer: (...given: Given) => Promise<number>): Command {
  return command
    .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2))
    .action(async (...given) => {
      try {
        process.exitCode = await answer(...(given as unknown as Given));
      } catch (error) {
        failed(error, 2);
      }
    });
}

/** Work that the first Ctrl+C asks to end, and the second one ends. */
async function untilStopped<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  const stop = (): void => controller.abort();
  process.once("SIGINT", stop);
  process.once("SIGTERM", stop);
  try {
    return await work(controller.signal);
  } finally {
    process.off("SIGINT", stop);
    process.off("SIGTERM", stop);
  }
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

function failed(error: unknown, exitCode: number): void {
  process.stderr.write(`mailboxes: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = exitCode;
}

async function main(): Promise<void> {
  const program = new Command("mailboxes")
    .description("look at access, review previews, import a tenant, and try programs on a local one")
    .addCommand(acceptanceCommand())
    .addCommand(accessCommand())
    .addCommand(doctorCommand())
    .addCommand(importFileCommand())
    .addCommand(leaverCommand())
    .addCommand(reviewCommand())
    .addCommand(tenantCommand());
  try {
    await program.parseAsync();
  } catch (error) {
    failed(error, 1);
  }
}

void main();
