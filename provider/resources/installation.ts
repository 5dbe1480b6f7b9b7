import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, realpathSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, relative } from "node:path";

/** The entry of the provider process, as state files name it. */
const ENTRY = "pulumi-mailboxes/provider";

/**
 * Checks that the provider process will run the code that the program was written with: it resolves `pulumi-mailboxes/provider` from
 * the working directory of the program, wherever this module was loaded from. Two folders with the same code are one to it.
 *
 * @param own the folder of this copy's compiled code.
 * @param start the working directory of the program.
 * @throws InstallationError that says how to mend the installation.
 */
export function checkInstallation(own = join(__dirname, ".."), start = process.cwd()): void {
  let found: string;
  try {
    found = dirname(realpathSync(createRequire(join(start, "index.js")).resolve(ENTRY)));
  } catch (cause) {
    throw new InstallationError(
      `pulumi-mailboxes is not installed where the program runs: "${ENTRY}" does not resolve from ${start}. Add it to the dependencies of the ` +
        "project that holds Pulumi.yaml (npm install pulumi-mailboxes). A program of the Automation API runs where its host was started: " +
        "start the host in a folder that pulumi-mailboxes resolves from, or call process.chdir first.",
      cause,
    );
  }
  if (!existsSync(join(own, "provider.js"))) {
    throw new InstallationError(
      "pulumi-mailboxes was bundled into the program. The provider process loads the package by its name, so it must stay a package: " +
        "keep it external (esbuild: --external:pulumi-mailboxes, webpack: externals) and installed beside the program.",
    );
  }
  const mine = realpathSync(own);
  if (found !== mine && (versionOf(found) !== versionOf(mine) || digestOf(found) !== digestOf(mine))) {
    throw new InstallationError(
      `Two versions of pulumi-mailboxes are installed: the program loaded ${versionOf(mine)} from ${mine}, the provider process would load ` +
        `${versionOf(found)} from ${found}. Keep one: remove the nested copy or align the versions (npm ls pulumi-mailboxes shows both), then install again.`,
    );
  }
}

function versionOf(folder: string): string {
  const manifest = join(folder, "..", "package.json");
  const { version } = existsSync(manifest) ? (JSON.parse(readFileSync(manifest, "utf8")) as { version?: string }) : {};
  return version ?? "an unknown version";
}

/** A digest of all code below a folder. Two packed copies of one version may still differ: those of a working copy. */
function digestOf(folder: string): string {
  const hash = createHash("sha256");
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(".js"))
    .map((entry) => join(entry.parentPath, entry.name));
  for (const file of files.sort()) {
    hash.update(`${relative(folder, file)}\0`).update(readFileSync(file));
  }
  return hash.digest("hex");
}

class InstallationError extends Error {
  override readonly name = "InstallationError";

  constructor(message: string, cause?: unknown) {
    super(message, { cause });
    // Node 20 needs a minute to print the stack that Pulumi's source maps make of it, and it says nothing to the reader.
    this.stack = message;
  }
}
