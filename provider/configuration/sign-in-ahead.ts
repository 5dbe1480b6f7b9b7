import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import type { Configuration } from "./configuration";

/** What @azure/identity's DefaultAzureCredential can sign in with, by the variables it reads. */
const VARIABLES = ["IDENTITY_ENDPOINT", "MSI_ENDPOINT", "AZURE_USERNAME", "AZURE_CLIENT_CERTIFICATE_PATH"];
/** Where the tools it asks keep who is signed in: Azure CLI, Azure Developer CLI, Azure PowerShell. */
const FILES = [
  [".azure", "azureProfile.json"],
  [".azd", "auth", "auth.json"],
  [".Azure", "AzureRmContext.json"],
];

/**
 * Why a deployment of this configuration cannot sign in, as far as that shows without asking anybody. A preview of creations asks
 * nobody, and would say nothing.
 *
 * @param home the user's home folder.
 * @returns a sentence for the user; undefined when there may be a credential.
 */
export function whyNobodySignsIn(
  { credential, tenantId, localTenant }: Configuration,
  environment: NodeJS.ProcessEnv,
  home = homedir(),
): string | undefined {
  if (localTenant !== undefined || credential.kind !== "default") {
    return undefined;
  }
  const nextStep =
    "Set mailboxes:localTenant to try things without an account, or mailboxes:tenantId, mailboxes:clientId and a credential.";
  if (tenantId === undefined) {
    return `\`pulumi up\` will fail: no tenant and no credential are configured. ${nextStep}`;
  }
  const folder = environment.AZURE_CONFIG_DIR;
  const isSignedIn =
    VARIABLES.some((name) => environment[name] !== undefined) ||
    FILES.some((path) => existsSync(join(home, ...path))) ||
    (folder !== undefined && existsSync(join(folder, "azureProfile.json")));
  return isSignedIn
    ? undefined
    : `\`pulumi up\` will fail unless this machine has a managed identity: no credential is configured, and nobody is signed in with the Azure CLI. ${nextStep}`;
}
