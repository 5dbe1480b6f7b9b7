import { Command } from "commander";
import type { AccessOptions } from "./access";

/** `mailboxes access`: who has access to the shared mailboxes of a tenant, and who declared it. */
export function accessCommand(): Command {
  return new Command("access")
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
      // Loaded only here: help is rare.
      const { FINDING_CODES } = require("./report.js") as typeof import("./report.js");
      const codes = Object.entries(FINDING_CODES).map(([code, meaning]) => `  ${code.padEnd(22)}${meaning}`);
      return `
The tenant is the one the environment configures: AZURE_TENANT_ID, AZURE_CLIENT_ID and a credential, or MAILBOXES_LOCAL_TENANT
for a local tenant. It is only read.

What to look at:
${codes.join("\n")}
Undeclared rights show only where states are given: give those of all stacks.

Exit codes:
  0  there is nothing to look at
  1  there is something to look at
  2  it could not be told`;
    })
    .exitOverride((error) => {
      // Help asked for is a success; a wrong call did not look at anything.
      process.exit(error.exitCode === 0 ? 0 : 2);
    })
    .action(async (options: AccessOptions) => {
      try {
        // The commands beside this one need nothing of what is loaded here.
        const { writeAccess } = await import("./access.js");
        process.exitCode = await writeAccess(options);
      } catch (error) {
        process.stderr.write(`mailboxes: ${error instanceof Error ? error.message : String(error)}\n`);
        process.exitCode = 2;
      }
    });
}
