import { mkdirSync, mkdtempSync, readFileSync, realpathSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { parse } from "yaml";
import { capture } from "../../scripts/clone.mjs";
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
  await makeTemplate(join(process.env.MAILBOXES_TEST_RUN, "template"));
}

/** An empty stack `test/dev` and, beside it, the salt of its secrets. Most tests' projects begin with a copy. */
async function makeTemplate(folder) {
  const state = join(folder, ".state");
  mkdirSync(state, { recursive: true });
  writeFileSync(join(folder, "Pulumi.yaml"), JSON.stringify({ name: "test", runtime: "nodejs" }));
  const { code, stderr } = await capture("pulumi", ["stack", "init", "dev", "--non-interactive"], {
    cwd: folder,
    env: {
      ...process.env,
      PULUMI_HOME: join(folder, ".pulumi-home"),
      PULUMI_BACKEND_URL: pathToFileURL(state).href,
      PULUMI_CONFIG_PASSPHRASE: "",
      PULUMI_SKIP_UPDATE_CHECK: "true",
    },
  });
  if (code !== 0) {
    throw new Error(`The stack that the tests begin with cannot be made: ${stderr}`);
  }
  const { encryptionsalt } = parse(readFileSync(join(folder, "Pulumi.dev.yaml"), "utf8"));
  writeFileSync(join(folder, "salt"), encryptionsalt);
}
