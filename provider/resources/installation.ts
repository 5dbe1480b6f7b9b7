import { realpathSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

/**
 * Checks, once a program, that the provider process will find this very copy of the package: it resolves
 * `pulumi-mailboxes/provider` from the program's working directory, wherever this module was loaded from.
 *
 * @throws InstallationError that says how to mend the installation.
 */
export function checkInstallation(): void {
  const own = realpathSync(join(__dirname, "..", "provider.js"));
  let found: string;
  try {
    found = realpathSync(createRequire(join(process.cwd(), "index.js")).resolve("pulumi-mailboxes/provider"));
  } catch (cause) {
    throw new InstallationError(
      `pulumi-mailboxes is not installed where the program runs: "pulumi-mailboxes/provider" does not resolve from ${process.cwd()}. ` +
        "Add it to the dependencies of the project that holds Pulumi.yaml (npm install pulumi-mailboxes).",
      cause,
    );
  }
  if (found !== own) {
    throw new InstallationError(
      `Two copies of pulumi-mailboxes are in play: the program loaded ${own}, the provider process would load ${found}. ` +
        "Keep one: remove the nested copy or align the versions (npm ls pulumi-mailboxes shows both), then install again.",
    );
  }
}

class InstallationError extends Error {
  override readonly name = "InstallationError";

  constructor(message: string, cause?: unknown) {
    super(message, { cause });
    // Node 20 needs a minute to print the stack that Pulumi's source maps make of it, and it says nothing to the reader.
    this.stack = message;
  }
}
