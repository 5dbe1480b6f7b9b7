import { Command } from "commander";
import type { LeaverOptions } from "./leaver";

/** `mailboxes leaver`: everything that somebody has, and the edit that takes it away. */
export function leaverCommand(): Command {
  return new Command("leaver")
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
The tenant is the one the environment configures: AZURE_TENANT_ID, AZURE_CLIENT_ID and a credential, DATAVERSE_URL for Dynamics
365, or MAILBOXES_LOCAL_TENANT for a local tenant. Nothing is changed, in the tenant or in a file.

The edit takes the person out of literal lists and maps of people in TypeScript, JavaScript, YAML and JSON, where nothing else
goes with it. Every other place is printed with its file and line.

Exit codes:
  0  nothing is left
  1  something is left
  2  it could not be told`,
    )
    .exitOverride((error) => {
      // Help asked for is a success; a wrong call did not look anywhere.
      process.exit(error.exitCode === 0 ? 0 : 2);
    })
    .action(async (who: string, options: LeaverOptions) => {
      try {
        // The commands beside this one need nothing of what is loaded here.
        const { writeLeaver } = await import("./leaver.js");
        process.exitCode = await writeLeaver(who, options);
      } catch (error) {
        process.stderr.write(`mailboxes: ${error instanceof Error ? error.message : String(error)}\n`);
        process.exitCode = 2;
      }
    });
}
