/**
 * Reads the configuration of a provider: which tenant, how to sign in, where the services are, and its limits. Nothing is
 * signed in here.
 *
 * Each key of the namespace `mailboxes:` may also come from an environment variable; the stack's configuration wins.
 * For secrets it is the other way round, because `refresh` and `destroy` take the configuration from the state, where
 * a rotated secret is stale.
 */
import { existsSync, readFileSync } from "node:fs";
import { availableParallelism, homedir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { InputError, rememberSecret } from "../http/errors";
import {
  CLOUD_ENDPOINTS,
  type Cloud,
  DATAVERSE_DOMAINS,
  type Endpoints,
  isLoopback,
  isUrl,
  keyName,
  type Setting,
  Settings,
} from "./schema";

/** A local tenant: its journal, run inside the provider process; or the origin of one that is being served. */
type LocalTenant = { kind: "journal"; path: string } | { kind: "served"; origin: string };

/** A configuration that has been checked. Plain data. */
export interface Configuration {
  /**
   * Entra tenant id or domain, lower case. Undefined where nothing names it: then no token can be got. A local tenant's own id comes
   * with {@link withLocalOrigin} where the stack names none.
   */
  tenantId?: string;
  /** Set when everything runs against a local tenant. */
  localTenant?: LocalTenant;
  /** Where requests go. For a local tenant's journal unusable until {@link withLocalOrigin} has filled it. */
  endpoints: Endpoints;
  /** Origin of the Dataverse environment, the default of the Dynamics resources. */
  environmentUrl?: string;
  /** How to sign in. */
  credential: Credential;
  /** The longest wait for a write to become visible, in milliseconds. */
  settleTimeout: number;
  /** Most requests in flight to Exchange. */
  maxConcurrency: number;
  /** Mailboxes that one deployment may delete or leave without their members. */
  maxMailboxDeletes: number;
  /** Microsoft's cloud; tokens are issued for its hosts, wherever requests go. */
  cloud: Cloud;
}

/** What is taken where nothing is said. */
export const DEFAULTS = { settleTimeout: 600_000, maxConcurrency: 10, cloud: "public" } as const;

/** Mailboxes that one deployment may take away, where nothing else is set and the machine has the cores for it. */
const MOST_DELETES = 5;

/**
 * The default of `maxMailboxDeletes`. Pulumi sends four deletions a core at a time (`--parallel`). The brake sees no more than these, so it
 * must refuse when all of them are mailboxes: on one core that is three.
 */
export function defaultDeletes(cores: number = availableParallelism()): number {
  return Math.min(MOST_DELETES, 4 * cores - 1);
}

/** Never resolves (RFC 2606), so that a forgotten {@link withLocalOrigin} cannot reach the real services. */
const NOT_RUNNING_YET = "http://local-tenant.invalid";

function locate(setting: Setting<string>, root: () => string, settings: Settings): LocalTenant | undefined {
  if (!isUrl(setting.value)) {
    return { kind: "journal", path: resolve(root(), setting.value) };
  }
  const url = URL.canParse(setting.value) ? new URL(setting.value) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol) || !isLoopback(url.hostname)) {
    settings.problem(
      setting.name,
      "must be the path of a journal, or the http://127.0.0.1:PORT of a local tenant that is being served",
    );
    return undefined;
  }
  return { kind: "served", origin: url.origin };
}

/** What is not a limit: which tenant, where it is, and how to sign in. */
type Target = Omit<Configuration, "settleTimeout" | "maxConcurrency" | "maxMailboxDeletes">;

function readLocal(settings: Settings, chosen: Setting<string>, root: () => string): Target {
  const localTenant = locate(chosen, root, settings);
  if (settings.configured("endpoints") !== undefined) {
    settings.problem(
      keyName("endpoints"),
      `cannot be set together with ${chosen.name}, which also says where the services are: remove one of the two`,
    );
  }
  const tenantId = settings.configured("tenantId")?.value;
  const environment = settings.configured("environmentUrl");
  const isElsewhere =
    localTenant?.kind === "served"
      ? environment?.value !== localTenant.origin
      : // The port of an embedded tenant is not known in advance, so whatever is set is somewhere else.
        true;
  if (environment !== undefined && isElsewhere) {
    settings.problem(
      environment.name,
      `is outside the local tenant that ${chosen.name} names, where everything is to run: remove one of the two`,
    );
  }
  const origin = localTenant?.kind === "served" ? localTenant.origin : NOT_RUNNING_YET;
  return {
    // The environment of a developer's real tenant must not leak into a local run, so only the stack's keys count here.
    ...(tenantId === undefined ? {} : { tenantId }),
    ...(localTenant === undefined ? {} : { localTenant }),
    endpoints: { login: origin, graph: origin, exchange: origin },
    ...(environment !== undefined
      ? { environmentUrl: environment.value }
      : localTenant?.kind === "served"
        ? { environmentUrl: origin }
        : {}),
    credential: localCredential(settings),
    cloud: "public",
  };
}

function readRemote(settings: Settings, root: () => string): Target {
  const tenantId = settings.value("tenantId");
  const cloudSetting = settings.value("cloud");
  const cloud = cloudSetting?.value ?? DEFAULTS.cloud;
  const own = settings.configured("endpoints")?.value;
  const environment = settings.value("environmentUrl");
  if (environment !== undefined) {
    const host = new URL(environment.value).hostname;
    for (const [other, domain] of Object.entries(DATAVERSE_DOMAINS)) {
      if (other !== cloud && host.endsWith(`.${domain}`)) {
        settings.problem(
          environment.name,
          `${host} is in the cloud "${other}", but ${cloudSetting?.name ?? keyName("cloud")} is "${cloud}"`,
        );
      }
    }
  }
  return {
    ...(tenantId === undefined ? {} : { tenantId: tenantId.value }),
    endpoints: {
      login: own?.login ?? CLOUD_ENDPOINTS[cloud].login,
      graph: own?.graph ?? CLOUD_ENDPOINTS[cloud].graph,
      exchange: own?.exchange ?? CLOUD_ENDPOINTS[cloud].exchange,
    },
    ...(environment === undefined ? {} : { environmentUrl: environment.value }),
    credential: chooseCredential(settings, root),
    cloud,
  };
}

/**
 * Reads and checks a configuration. No I/O but that of `root`.
 *
 * @param get The stack's value of a key (without `mailboxes:`), plain or as a JSON string; an empty one is a mistake.
 * @param keys Every key that is set in the namespace, with or without `mailboxes:`; unknown ones are refused.
 * @param environment Usually `process.env`.
 * @param root Folder of `Pulumi.yaml`, from which relative paths count. Asked for only where the configuration has a path.
 * @throws InputError with every mistake, each named by its key or variable.
 */
export function readConfiguration(
  get: (key: string) => string | undefined,
  keys: readonly string[],
  environment: NodeJS.ProcessEnv,
  root: () => string,
): Configuration {
  const settings = new Settings(get, keys, environment);
  rememberSecret(settings.configured("clientSecret")?.value);
  rememberSecret(settings.inEnvironment("clientSecret")?.value);
  rememberSecret(settings.configured("clientCertificatePassword")?.value);
  rememberSecret(settings.inEnvironment("clientCertificatePassword")?.value);
  const local = settings.value("localTenant");
  const target = local === undefined ? readRemote(settings, root) : readLocal(settings, local, root);
  const limits = {
    settleTimeout: settings.value("settleTimeout")?.value ?? DEFAULTS.settleTimeout,
    maxConcurrency: settings.value("maxConcurrency")?.value ?? DEFAULTS.maxConcurrency,
    maxMailboxDeletes: settings.value("maxMailboxDeletes")?.value ?? defaultDeletes(),
  };
  if (settings.problems.length > 0) {
    throw new InputError(settings.problems, { action: "reading the configuration of pulumi-mailboxes" });
  }
  return { ...target, ...limits };
}

/**
 * The configuration with everything pointing at a local tenant that runs now.
 *
 * @param origin `http://127.0.0.1:PORT`, without a slash at the end.
 * @param tenantId its Entra id; what the stack names wins, so that another tenant than the stack's is refused.
 */
export function withLocalOrigin(
  configuration: Configuration,
  origin: string,
  tenantId: string | undefined,
): Configuration {
  return {
    ...(tenantId === undefined ? {} : { tenantId }),
    ...configuration,
    endpoints: { login: origin, graph: origin, exchange: origin },
    environmentUrl: origin,
  };
}

/** What the Pulumi CLI takes for a project file, in its order. */
const PROJECT_FILES = ["Pulumi.json", "Pulumi.yaml", "Pulumi.yml"];

/** A Pulumi project on disk. */
interface Project {
  /** The folder of the project file. */
  folder: string;
  /** Undefined where the file has no name that can be read. */
  name: string | undefined;
}

/**
 * The project that a folder belongs to: the nearest project file in it or above it.
 *
 * @param named passes over projects of another name. A program may lie below its project (`main`), and in a folder with a project
 *   file of its own.
 */
export function projectAbove(start: string, named?: string): Project | undefined {
  for (let folder = start; ; folder = dirname(folder)) {
    const found = PROJECT_FILES.map((file) => join(folder, file))
      .filter((file) => existsSync(file))
      .map((file) => ({ folder, name: nameIn(readFileSync(file, "utf8")) }))
      .find(({ name }) => named === undefined || name === named);
    if (found !== undefined || dirname(folder) === folder) {
      return found;
    }
  }
}

/** The name in the text of a project file. JSON is YAML too, and with the failsafe schema every value is a text, as for the CLI. */
function nameIn(text: string): string | undefined {
  // Loaded here: few provider processes need a project file, and the others start sooner without seventy modules.
  const { parseDocument }: typeof import("yaml") = require("yaml");
  const name = parseDocument(text, { schema: "failsafe" }).get("name");
  return typeof name === "string" ? name : undefined;
}

/** A variable or key that was looked at, and whether it was set. Never its value. */
interface LookedFor {
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
function localCredential(settings: Settings): Credential {
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
function chooseCredential(settings: Settings, root: () => string): Credential {
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
