import { spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";
import { clone } from "./clone.mjs";
import { pulumiEnvironment } from "./pulumi-cli.mjs";

/** The package's own command, compiled. */
export const command = join(clone, "dist", "cli.js");

/**
 * Serves a local tenant from a process of its own; the provider finds it by the journal.
 *
 * @returns its process, the tenant's id, `request` to its services as any client makes them, and `control` to the tenant itself.
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
  const { tenantId: id } = await (await fetch(`${origin}/_tenant/`)).json();
  const tokens = new Map();
  const token = async (resource) => {
    if (!tokens.has(resource)) {
      const body = new URLSearchParams({
        grant_type: "client_credentials",
        client_id: "10ca17e4-a000-4000-8000-000000000002",
        client_secret: "local-tenant-secret",
        scope: `${resource}/.default`,
      });
      const response = await fetch(`${origin}/${id}/oauth2/v2.0/token`, { method: "POST", body });
      tokens.set(resource, (await response.json()).access_token);
    }
    return tokens.get(resource);
  };
  const request = async (resource, method, path, body) => {
    const response = await fetch(origin + path, {
      method,
      headers: {
        Authorization: `Bearer ${await token(resource)}`,
        "Content-Type": "application/json",
        "X-AnchorMailbox": `APP:SystemMailbox{bb558c35-97f1-4cb9-8ff7-d53741dc928c}@${id}`,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) {
      throw new Error(`${method} ${path}: ${response.status} ${text}`);
    }
    return text === "" ? undefined : JSON.parse(text);
  };
  const control = async (method, path) => {
    const response = await fetch(`${origin}/_tenant/${path}`, { method });
    return response.status === 204 ? undefined : response.json();
  };
  return { process: child, id, request, control };
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
