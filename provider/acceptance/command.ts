import { Command } from "commander";
import type { AcceptanceOptions } from "./run";

/** `mailboxes acceptance`: tries on a real tenant what nobody has shown in public. */
export function acceptanceCommand(): Command {
  return new Command("acceptance")
    .description("try on your tenant what is assumed about Microsoft's services, and write a record of it")
    .option("--read-only", "ask only, write nothing")
    .option("--domain <domain>", "make disposable mailboxes in this accepted domain, and remove them")
    .option("--prefix <prefix>", "how the names of disposable mailboxes begin, with --domain")
    .option("--clean-up", "remove what an earlier run left behind, and do nothing else")
    .option("--only <row...>", "only these probes")
    .option("--certificate <file>", "a certificate of the application with its key, in PEM, for the probe of clocks")
    .option("--federated-token <file>", "a token of a federated credential, for the probe of its signature")
    .option("--list", "print every probe and what it needs")
    .option("--yes", "do it, after having said what will be done")
    .option("--record <file>", "the record to write (default: mailboxes-acceptance-TIME.json)")
    .option("--journal <file>", "where what it makes is written down (default: mailboxes-acceptance.made.jsonl)")
    .addHelpText(
      "after",
      `
The tenant is the one the environment configures: AZURE_TENANT_ID, AZURE_CLIENT_ID and a credential, DATAVERSE_URL for Dynamics
365, or MAILBOXES_LOCAL_TENANT for a local tenant.

Each probe says confirmed, contradicted, or not tried and why. The record holds requests and answers. Names, addresses, ids,
tenant names and tokens in it are replaced, the same one always by the same word, so that it can be attached to an issue.

Ctrl+C removes what it made, and ends it.

Exit codes:
  0  everything that was tried is confirmed
  1  something is contradicted
  2  it could not run, or not to its end`,
    )
    .exitOverride((error) => {
      // Help asked for is a success; a wrong call did not run.
      process.exit(error.exitCode === 0 ? 0 : 2);
    })
    .action(async (options: AcceptanceOptions & { list?: boolean }) => {
      // Loaded only here: the commands beside this one need nothing of it.
      const { acceptance, list } = await import("./run.js");
      const say = (text: string): void => {
        process.stdout.write(`${text}\n`);
      };
      if (options.list === true) {
        say(list());
        return;
      }
      const controller = new AbortController();
      const stop = (): void => controller.abort();
      // Once: a second signal ends the process at once, and leaves the journal for --clean-up.
      process.once("SIGINT", stop);
      process.once("SIGTERM", stop);
      try {
        const raw = { get: () => undefined, keys: [] };
        process.exitCode = await acceptance(options, { raw, say, signal: controller.signal });
      } catch (error) {
        process.stderr.write(`mailboxes: ${error instanceof Error ? error.message : String(error)}\n`);
        process.exitCode = 2;
      } finally {
        process.off("SIGINT", stop);
        process.off("SIGTERM", stop);
      }
    });
}
