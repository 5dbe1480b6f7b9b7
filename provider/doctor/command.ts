import { Command } from "commander";
import { textOf } from "../review/input";

interface DoctorOptions {
  for: string;
  program?: string | true;
  stack?: string;
  without?: string[];
  json?: boolean;
  list?: boolean;
}

/** How the input of --program is asked for. */
const PROGRAM = ["--program: ", "pulumi stack export", "mailboxes doctor --program"] as const;

/** `mailboxes doctor`: what works and what is missing, before the first write. */
export function doctorCommand(): Command {
  return new Command("doctor")
    .description("say what works and what is missing for the configured credential and tenant, without a change")
    .option("--for <profile>", "what the application is to do: preview, up or all", "up")
    .option(
      "--program [file]",
      "ask only for what this program needs, by `pulumi stack export` or `pulumi preview --json` (standard input without a file, or with -)",
    )
    .option("--stack <name>", "read the configuration of this stack too, from Pulumi.<name>.yaml")
    .option("--without <codes...>", "rights that are done without on purpose, by their codes (see --list)")
    .option("--json", "the findings as JSON")
    .option("--list", "print every right, and ask nothing")
    .addHelpText(
      "after",
      `
The tenant is the one the environment configures: AZURE_TENANT_ID, AZURE_CLIENT_ID and a credential, DATAVERSE_URL for Dynamics
365, or MAILBOXES_LOCAL_TENANT for a local tenant. With --stack it is what the stack configures as well.

Each thing that is missing comes with the command that grants it and Microsoft's page.

Exit codes:
  0  all is there
  1  something is missing
  2  something could not be asked, or the call is wrong`,
    )
    .exitOverride((error) => {
      // Help asked for is a success; a wrong call did not ask anything.
      process.exit(error.exitCode === 0 ? 0 : 2);
    })
    .action(async (options: DoctorOptions) => {
      const controller = new AbortController();
      const stop = (): void => controller.abort();
      process.once("SIGINT", stop);
      process.once("SIGTERM", stop);
      try {
        process.exitCode = await examined(options, controller.signal);
      } catch (error) {
        process.stderr.write(`mailboxes: ${error instanceof Error ? error.message : String(error)}\n`);
        process.exitCode = 2;
      } finally {
        process.off("SIGINT", stop);
        process.off("SIGTERM", stop);
      }
    });
}

async function examined(options: DoctorOptions, signal: AbortSignal): Promise<number> {
  // Loaded only here: the commands beside this one need nothing of it.
  const { doctor } = await import("./doctor.js");
  const say = (text: string): void => {
    process.stdout.write(`${text}\n`);
  };
  const { program, stack, without = [], ...rest } = options;
  return doctor(
    {
      ...rest,
      without: without.flatMap((list) => list.split(",")).map((code) => code.trim()),
      ...(program === undefined ? {} : { program: await textOf(program === true ? "-" : program, ...PROGRAM) }),
      ...(stack === undefined ? {} : { stack }),
    },
    { folder: process.cwd(), say, signal },
  );
}
