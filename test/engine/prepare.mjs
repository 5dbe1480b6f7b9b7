import { mkdtempSync, realpathSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pulumiEnvironment } from "../../scripts/pulumi-cli.mjs";
import { setUp } from "../../scripts/setup.mjs";

/**
 * Before the tests of a layer that runs the real CLI: builds the package, finds the CLI, and makes one folder for everything the
 * run writes. Its path, in the environment of every process started, is also what the tear-down knows them by.
 */
export default async function prepare() {
  const cli = await setUp();
  process.env.PATH = pulumiEnvironment(cli).PATH;
  process.env.MAILBOXES_TEST_RUN = realpathSync(mkdtempSync(join(tmpdir(), "mailboxes-run-")));
}
