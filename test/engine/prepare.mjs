import { chmodSync, mkdirSync, mkdtempSync, realpathSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { capture, clone } from "../../scripts/clone.mjs";
import { pulumiEnvironment } from "../../scripts/pulumi-cli.mjs";
import { setUp } from "../../scripts/setup.mjs";
import { startVault } from "./vault.mjs";

/**
 * Before the tests of a layer that runs the real CLI: builds the package, finds the CLI, and makes one folder for everything the
 * run writes. Its path, in the environment of every process started, is also what the tear-down knows them by.
 */
export default async function prepare() {
  const cli = await setUp();
  process.env.PATH = pulumiEnvironment(cli).PATH;
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "mailboxes-run-")));
  process.env.MAILBOXES_TEST_RUN = folder;
  // A command of the CLI lives for seconds on some ten megabytes: to collect its garbage takes time and saves nothing.
  process.env.GOGC = "400";
  globalThis.vaultOfTheTests = await startVault();
  process.env.MAILBOXES_TEST_VAULT = globalThis.vaultOfTheTests.address;
  await makeTemplate(join(folder, "passphrase"));
  await makeTemplate(join(folder, "vault"), "--secrets-provider", "hashivault://mailboxes");
  if (process.platform !== "win32") {
    makeNode(join(folder, "bin"));
  }
}

/** An empty stack `test/dev` with its configuration, which holds what its secrets need. Most tests' projects begin with a copy. */
async function makeTemplate(folder, ...options) {
  const state = join(folder, ".state");
  mkdirSync(state, { recursive: true });
  writeFileSync(join(folder, "Pulumi.yaml"), JSON.stringify({ name: "test", runtime: "nodejs" }));
  const { code, stderr } = await capture("pulumi", ["stack", "init", "dev", "--non-interactive", ...options], {
    cwd: folder,
    env: {
      ...process.env,
      PULUMI_HOME: join(folder, ".pulumi-home"),
      PULUMI_BACKEND_URL: pathToFileURL(state).href,
      PULUMI_CONFIG_PASSPHRASE: "",
      PULUMI_SKIP_UPDATE_CHECK: "true",
      VAULT_ADDR: process.env.MAILBOXES_TEST_VAULT,
      VAULT_TOKEN: "tests",
    },
  });
  if (code !== 0) {
    throw new Error(`The stack that the tests begin with cannot be made: ${stderr}`);
  }
}

/**
 * A `node` for projects whose `@pulumi/pulumi` is a link to the clone's: it knows where the two programs of the SDK are, for which
 * Pulumi starts a Node process each in every deployment. Everything else goes to the real one.
 */
function makeNode(folder) {
  const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;
  const answers = ["run", "dynamic-provider"].map((name) => {
    const path = join(realpathSync(join(clone, "node_modules", "@pulumi", "pulumi")), "cmd", name, "index.js");
    return `"-e console.log(require.resolve('@pulumi/pulumi/cmd/${name}'))"*) echo ${quoted(path)}; exit;;`;
  });
  const script = ["#!/bin/sh", 'case "$*" in', ...answers, "esac", `exec ${quoted(process.execPath)} "$@"`, ""];
  mkdirSync(folder);
  writeFileSync(join(folder, "node"), script.join("\n"));
  chmodSync(join(folder, "node"), 0o755);
}
