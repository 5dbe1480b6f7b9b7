import { Command } from "commander";
import type { ImportFileOptions } from "./write";

/** `mailboxes import-file`: brings the shared mailboxes of a tenant under Pulumi. */
export function importFileCommand(): Command {
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
The tenant is the one the environment configures: AZURE_TENANT_ID, AZURE_CLIENT_ID and a credential, or MAILBOXES_LOCAL_TENANT
for a local tenant. It is only read.

The file names the project and the stack. The state keeps them as what a resource was born as. Another project or stack, or a
new name of the stack, plans no change.

Afterwards, with the program in the project:
  pulumi import --file FILE --generate-code=false --protect=false
  pulumi preview        shows no change`,
    )
    .action(async (options: ImportFileOptions) => {
      // The command beside this one serves a local tenant and needs nothing of what is loaded here.
      const { writeImportFile } = await import("./write.js");
      process.stdout.write(`${await writeImportFile(options)}\n`);
    });
}
