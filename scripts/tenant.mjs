import { spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";
import { clone } from "./clone.mjs";
import { pulumiEnvironment } from "./pulumi-cli.mjs";
import { TenantClient } from "./tenant-client.cjs";

/** The package's own command, compiled. */
export const command = join(clone, "dist", "cli.js");

/**
 * Serves a local tenant from a process of its own; the provider finds it by the journal.
 *
 * @returns its process, and a client of it.
 */
export async function serveTenant(journal) {
  const child = spawn(
    process.execPath,
    [command, "tenant", "serve", "--data", journal, "--listen", "127.0.0.1:0", "--seed", "contoso"],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  const origin = await new Promise((resolve, reject) => {
    createInterface(child.stdout).once("line", resolve);
    child.once("exit", () => reject(new Error("The local tenant did not start.")));
  });
  const { tenantId } = await (await fetch(`${origin}/_tenant/`)).json();
  return { process: child, client: new TenantClient(origin, tenantId) };
}

/** The environment of a CLI whose home and state are in a folder, and that knows no tenant and no backend of the user's. */
export function environmentIn(folder, cli) {
  return pulumiEnvironment(cli, {
    ...withoutSettings(process.env),
    PULUMI_HOME: join(folder, "pulumi-home"),
    PULUMI_BACKEND_URL: pathToFileURL(join(folder, "state")).href,
    PULUMI_CONFIG_PASSPHRASE: "",
  });
}

/** An environment that names no tenant and no backend: what runs here is about the local tenant alone. */
function withoutSettings(environment) {
  return Object.fromEntries(
    Object.entries(environment).filter(([name]) => !/^(PULUMI_|AZURE_|ARM_|MAILBOXES_|DATAVERSE_)/.test(name)),
  );
}
