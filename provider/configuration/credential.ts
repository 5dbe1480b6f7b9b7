/** Which credential a configuration means. Nothing is signed in here. */

import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { rememberSecret } from "../http/errors";
import type { Configuration } from "./configuration";
import { keyName, type Setting, type Settings } from "./schema";

/** A variable or key that was looked at, and whether it was set. Never its value. */
export interface LookedFor {
  name: string;
  isSet: boolean;
}

/** How to sign in. Values of secrets are held here and nowhere else. */
export type Credential = (
  | { kind: "localTenant"; clientId: string; clientSecret: string }
  | {
      kind: "clientSecret";
      clientId: string;
      clientSecret: string;
      /** Where the secret came from: `mailboxes:clientSecret` or `AZURE_CLIENT_SECRET`. */
      secretFrom: string;
    }
  | { kind: "certificate"; clientId: string; certificatePath: string; certificatePassword?: string }
  | { kind: "tokenFile"; clientId: string; tokenFilePath: string }
  | { kind: "githubActions"; clientId: string; requestUrl: string; requestToken: string }
  | { kind: "azurePipelines"; clientId: string; serviceConnectionId: string; systemAccessToken: string }
  | { kind: "default"; clientId?: string }
) & {
  /** What was looked for when this one was chosen, for the error when it fails. */
  lookedFor: readonly LookedFor[];
};

/** The application with every right in a local tenant's seed, and its secret: no secret, the same for everybody. */
const LOCAL_APPLICATION = { clientId: "10ca17e4-a000-4000-8000-000000000002", clientSecret: "local-tenant-secret" };

/** Where the ids and tokens of GitHub Actions and Azure Pipelines stand. */
const GITHUB = { url: "ACTIONS_ID_TOKEN_REQUEST_URL", token: "ACTIONS_ID_TOKEN_REQUEST_TOKEN" } as const;
const PIPELINES = {
  url: "SYSTEM_OIDCREQUESTURI",
  token: "SYSTEM_ACCESSTOKEN",
  connections: ["AZURESUBSCRIPTION_SERVICE_CONNECTION_ID", "ARM_ADO_PIPELINE_SERVICE_CONNECTION_ID"],
} as const;

/** The credential for a local tenant: the seed's application unless the stack names another one. */
export function localCredential(settings: Settings): Credential {
  return {
    kind: "localTenant",
    clientId: settings.configured("clientId")?.value ?? LOCAL_APPLICATION.clientId,
    clientSecret: settings.configured("clientSecret")?.value ?? LOCAL_APPLICATION.clientSecret,
    lookedFor: [],
  };
}

/**
 * Whether the environment's application is another one than the stack names. Its secret is then of no use here, and
 * must not win: a second tenant in one program has its own application, and there is one environment only.
 */
function isOtherApplication(settings: Settings): boolean {
  const configured = settings.configured("clientId");
  const inEnvironment = settings.inEnvironment("clientId");
  return configured !== undefined && inEnvironment !== undefined && configured.value !== inEnvironment.value;
}

interface Given {
  secret: Setting<string> | undefined;
  certificate: Setting<string> | undefined;
  password: Setting<string> | undefined;
  tokenFile: Setting<string> | undefined;
}

function given(settings: Settings): Given {
  if (isOtherApplication(settings)) {
    return {
      secret: settings.configured("clientSecret"),
      certificate: settings.configured("clientCertificatePath"),
      password: settings.configured("clientCertificatePassword"),
      tokenFile: settings.value("oidcTokenFilePath"),
    };
  }
  return {
    secret: settings.value("clientSecret"),
    certificate: settings.value("clientCertificatePath"),
    password: settings.value("clientCertificatePassword"),
    tokenFile: settings.value("oidcTokenFilePath"),
  };
}

function refuseContradictions(settings: Settings): void {
  const isOidc = settings.configured("useOidc");
  const ways = (["clientSecret", "clientCertificatePath", "oidcTokenFilePath"] as const).filter(
    (key) => settings.configured(key) !== undefined,
  );
  const [first, second] = ways;
  if (first !== undefined && second !== undefined) {
    settings.problem(keyName(second), `cannot be set together with ${keyName(first)}: remove one of the two`);
  }
  if (isOidc?.value === true && first !== undefined && first !== "oidcTokenFilePath") {
    settings.problem(keyName("useOidc"), `cannot be true together with ${keyName(first)}: remove one of the two`);
  }
  if (isOidc?.value === false && settings.configured("oidcTokenFilePath") !== undefined) {
    settings.problem(
      keyName("oidcTokenFilePath"),
      `has no effect while ${keyName("useOidc")} is false: remove one of the two`,
    );
  }
  if (
    settings.configured("clientCertificatePassword") !== undefined &&
    settings.value("clientCertificatePath") === undefined
  ) {
    settings.problem(keyName("clientCertificatePassword"), `needs ${keyName("clientCertificatePath")}`);
  }
}

type Way = "oidc" | "certificate" | "clientSecret" | "default";

/** The stack's own choice first; else what the environment holds, in the order of @azure/identity. */
function chooseWay(settings: Settings, found: Given): Way {
  const isOidc = settings.value("useOidc");
  if ((isOidc?.value === true && isOidc.origin === "configuration") || found.tokenFile?.origin === "configuration") {
    return "oidc";
  }
  if (found.certificate?.origin === "configuration") {
    return "certificate";
  }
  if (settings.configured("clientSecret") !== undefined && found.secret !== undefined) {
    return "clientSecret";
  }
  if (isOidc?.value === true) {
    return "oidc";
  }
  if (found.secret !== undefined) {
    return "clientSecret";
  }
  if (found.certificate !== undefined) {
    return "certificate";
  }
  return found.tokenFile !== undefined && isOidc?.value !== false ? "oidc" : "default";
}

function lookedFor(settings: Settings): LookedFor[] {
  const keys = [
    "tenantId",
    "clientId",
    "clientSecret",
    "clientCertificatePath",
    "useOidc",
    "oidcTokenFilePath",
  ] as const;
  const variables = [
    "AZURE_TENANT_ID",
    "AZURE_CLIENT_ID",
    "AZURE_CLIENT_SECRET",
    "AZURE_CLIENT_CERTIFICATE_PATH",
    "ARM_USE_OIDC",
    "AZURE_FEDERATED_TOKEN_FILE",
    GITHUB.url,
    GITHUB.token,
    PIPELINES.url,
    PIPELINES.token,
    ...PIPELINES.connections,
  ];
  return [
    ...keys.map((key) => ({ name: keyName(key), isSet: settings.configured(key) !== undefined })),
    ...variables.map((name) => ({ name, isSet: settings.variable(name) !== undefined })),
  ];
}

type Oidc = Extract<Credential, { kind: "tokenFile" | "githubActions" | "azurePipelines" }>;

function chooseOidc(settings: Settings, found: Given, clientId: string, root: () => string): Oidc | undefined {
  const looked = lookedFor(settings);
  if (found.tokenFile !== undefined) {
    return { kind: "tokenFile", clientId, tokenFilePath: resolve(root(), found.tokenFile.value), lookedFor: looked };
  }
  const requestUrl = settings.variable(GITHUB.url);
  const requestToken = settings.variable(GITHUB.token);
  if (requestUrl !== undefined && requestToken !== undefined) {
    rememberSecret(requestToken);
    return { kind: "githubActions", clientId, requestUrl, requestToken, lookedFor: looked };
  }
  const serviceConnectionId = PIPELINES.connections
    .map((name) => settings.variable(name))
    .find((id) => id !== undefined);
  const systemAccessToken = settings.variable(PIPELINES.token);
  if (settings.variable(PIPELINES.url) !== undefined) {
    if (serviceConnectionId !== undefined && systemAccessToken !== undefined) {
      rememberSecret(systemAccessToken);
      return { kind: "azurePipelines", clientId, serviceConnectionId, systemAccessToken, lookedFor: looked };
    }
    settings.problem(
      keyName("useOidc"),
      `Azure Pipelines must hand ${PIPELINES.token} (env: { ${PIPELINES.token}: $(System.AccessToken) }) and ${PIPELINES.connections[0]} to the step; ` +
        `${[systemAccessToken === undefined ? PIPELINES.token : "", serviceConnectionId === undefined ? PIPELINES.connections[0] : ""].filter(Boolean).join(" and ")} not set`,
    );
    return undefined;
  }
  settings.problem(
    keyName("useOidc"),
    `no CI token was found: set ${keyName("oidcTokenFilePath")} or AZURE_FEDERATED_TOKEN_FILE, ` +
      `or give the job the permission "id-token: write" (GitHub Actions sets ${GITHUB.url} and ${GITHUB.token} then), ` +
      `or run it in Azure Pipelines (${PIPELINES.url})`,
  );
  return undefined;
}

/**
 * Chooses how to sign in; contradictions and gaps are noted in `settings`.
 * @param root Folder from which relative paths count.
 */
export function chooseCredential(settings: Settings, root: () => string): Credential {
  refuseContradictions(settings);
  const found = given(settings);
  const looked = lookedFor(settings);
  const clientId = settings.value("clientId")?.value;
  const way = chooseWay(settings, found);
  if (way === "default") {
    return { kind: "default", ...(clientId === undefined ? {} : { clientId }), lookedFor: looked };
  }
  const cause = {
    oidc: settings.value("useOidc") ?? found.tokenFile,
    certificate: found.certificate,
    clientSecret: found.secret,
  }[way];
  for (const key of ["tenantId", "clientId"] as const) {
    const variable = key === "tenantId" ? "AZURE_TENANT_ID" : "AZURE_CLIENT_ID";
    const isMalformed = settings.problems.some(({ path }) => path === keyName(key) || path === variable);
    if (settings.value(key) === undefined && !isMalformed) {
      settings.problem(keyName(key), `is needed for ${cause?.name ?? "the credential"} (or set ${variable})`);
    }
  }
  const id = clientId ?? "";
  if (way === "oidc") {
    return chooseOidc(settings, found, id, root) ?? { kind: "default", lookedFor: looked };
  }
  if (way === "certificate" && found.certificate !== undefined) {
    return {
      kind: "certificate",
      clientId: id,
      certificatePath: resolve(root(), found.certificate.value),
      ...(found.password === undefined ? {} : { certificatePassword: found.password.value }),
      lookedFor: looked,
    };
  }
  return {
    kind: "clientSecret",
    clientId: id,
    clientSecret: found.secret?.value ?? "",
    secretFrom: found.secret?.name ?? keyName("clientSecret"),
    lookedFor: looked,
  };
}

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
