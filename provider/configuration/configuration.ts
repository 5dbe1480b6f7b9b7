/**
 * Reads the configuration of a provider: which tenant, how to sign in, where the services are, and its limits.
 *
 * Each key of the namespace `mailboxes:` may also come from an environment variable; the stack's configuration wins.
 * For secrets it is the other way round, because `refresh` and `destroy` take the configuration from the state, where
 * a rotated secret is stale.
 */

import { existsSync, readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { dirname, join, resolve } from "node:path";
import { InputError, rememberSecret } from "../http/errors";
import { type Credential, chooseCredential, localCredential } from "./credential";
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

export type { Credential } from "./credential";
export type { Cloud, Endpoints } from "./schema";

/** A local tenant: its journal, run inside the provider process; or the origin of one that is being served. */
export type LocalTenant = { kind: "journal"; path: string } | { kind: "served"; origin: string };

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

function readLocal(settings: Settings, chosen: Setting<string>, root: () => string): Partial<Configuration> {
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

function readRemote(settings: Settings, root: () => string): Partial<Configuration> {
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
  const where = local === undefined ? readRemote(settings, root) : readLocal(settings, local, root);
  const limits = {
    settleTimeout: settings.value("settleTimeout")?.value ?? DEFAULTS.settleTimeout,
    maxConcurrency: settings.value("maxConcurrency")?.value ?? DEFAULTS.maxConcurrency,
    maxMailboxDeletes: settings.value("maxMailboxDeletes")?.value ?? defaultDeletes(),
  };
  if (settings.problems.length > 0) {
    throw new InputError(settings.problems, { action: "reading the configuration of pulumi-mailboxes" });
  }
  return { ...(where as Omit<Configuration, keyof typeof limits>), ...limits };
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
export interface Project {
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
  const { parseDocument } = require("yaml") as typeof import("yaml");
  const name = parseDocument(text, { schema: "failsafe" }).get("name");
  return typeof name === "string" ? name : undefined;
}
