/** The form of each configuration key, and where it is looked up: in the stack's configuration, then in the environment. */
import { z } from "zod";
import type { InputProblem } from "../http/errors";

const GUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const DOMAIN = /^(?=.{4,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]*[a-z0-9]$/;

/** Whether a host is this machine: the only place that is spoken to without TLS. */
export function isLoopback(hostname: string): boolean {
  return hostname === "localhost" || hostname === "[::1]" || /^127(\.\d{1,3}){3}$/.test(hostname);
}

const text = z.string({ error: "must be text" }).trim().min(1, "must not be empty");

/** The path of a file. What a shell would have expanded, or another system would understand, is refused: it would name a new file here. */
const filePath = text.superRefine(requireFile);

function requireFile(value: string, context: z.RefinementCtx): void {
  const reason = whyNotFile(value);
  if (reason !== undefined) {
    context.addIssue({ code: "custom", message: reason });
  }
}

/** Whether a value is meant as an address, right or wrong. */
export function isUrl(value: string): boolean {
  return /^[a-z][a-z0-9+.-]*:\/\//i.test(value);
}

function whyNotFile(value: string): string | undefined {
  if (/(^|[\\/])\.{0,2}[\\/]*$/.test(value)) {
    return "must name a file, not a folder, e.g. ./contoso.jsonl";
  }
  if (/^~/.test(value)) {
    return "must be written without ~, which only a shell understands: write the path from Pulumi.yaml, or the whole path";
  }
  if (/^(\$|%)/.test(value)) {
    return "must be written without variables, which only a shell understands: write the path from Pulumi.yaml, or the whole path";
  }
  return process.platform !== "win32" && /^([a-z]:|\\)/i.test(value)
    ? "is a Windows path, and this system is not Windows: write it with /, relative to Pulumi.yaml, e.g. ./contoso.jsonl"
    : undefined;
}

/** An origin: `https://host[:port]`, or `http://` on the loopback. Path, query and user information are refused. */
const origin = text.transform((value, context) => {
  const url = URL.canParse(value) ? new URL(value) : undefined;
  if (url === undefined || (url.protocol !== "https:" && url.protocol !== "http:")) {
    context.addIssue({ code: "custom", message: "must be a URL like https://host.contoso.com" });
    return z.NEVER;
  }
  if (url.protocol === "http:" && !isLoopback(url.hostname)) {
    context.addIssue({ code: "custom", message: "must begin with https://; plain http is only for this machine" });
    return z.NEVER;
  }
  if (url.username !== "" || url.password !== "") {
    context.addIssue({ code: "custom", message: "must not hold a user name or password" });
    return z.NEVER;
  }
  if (url.pathname !== "/" || url.search !== "" || url.hash !== "") {
    context.addIssue({ code: "custom", message: `must end after the host: ${url.origin}` });
    return z.NEVER;
  }
  return url.origin;
});

const guid = text.toLowerCase().regex(GUID, "must be a GUID like 00000000-0000-0000-0000-000000000000");

const UNITS: Readonly<Record<string, number>> = { "": 1000, s: 1000, m: 60_000, h: 3_600_000 };

/** `600`, `"90s"`, `"10m"`, `"1h"`; a bare number counts seconds. Becomes milliseconds. */
const duration = z.union([z.string(), z.number()]).transform((value, context) => {
  const match = /^(\d+(?:\.\d+)?)\s*(s|m|h|)$/.exec(String(value).trim());
  const unit = UNITS[match?.[2] ?? "?"];
  const milliseconds = unit === undefined ? Number.NaN : Number(match?.[1]) * unit;
  if (!(milliseconds > 0)) {
    context.addIssue({ code: "custom", message: 'must be a duration like "10m" or "90s"; a number counts seconds' });
    return z.NEVER;
  }
  return milliseconds;
});

const flag = z.union([z.boolean(), z.string()]).transform((value, context) => {
  const word = String(value).trim().toLowerCase();
  if (word === "true" || word === "1") {
    return true;
  }
  if (word === "false" || word === "0") {
    return false;
  }
  context.addIssue({ code: "custom", message: "must be true or false" });
  return z.NEVER;
});

function wholeNumber(least: number, most: number) {
  return z.coerce
    .number({ error: "must be a whole number" })
    .int("must be a whole number")
    .min(least, `must be at least ${least}`)
    .max(most, `must be at most ${most}`);
}

/** Every key of the namespace `mailboxes:`. */
export const KEYS = {
  /** Path of a local tenant's journal, or the `http://127.0.0.1:PORT` of one that is being served. */
  localTenant: text.superRefine((value, context) => {
    if (!isUrl(value)) {
      requireFile(value, context);
    }
  }),
  /** Entra tenant: its id, or one of its verified domains. */
  tenantId: text
    .toLowerCase()
    .refine((value) => GUID.test(value) || DOMAIN.test(value), "must be the tenant's GUID or one of its domains"),
  /** Entra application (client) id. */
  clientId: guid,
  /** Secret. A client secret of the application. */
  clientSecret: text,
  /** PEM or PFX file with the application's certificate and private key. */
  clientCertificatePath: filePath,
  /** Secret. What protects the private key. */
  clientCertificatePassword: text,
  /** Sign in with a token of the CI system, without any secret. */
  useOidc: flag,
  /** File with such a token, written by the CI system or Kubernetes. */
  oidcTokenFilePath: filePath,
  /** Other hosts in place of Microsoft's; those left out stay Microsoft's. */
  endpoints: z.strictObject(
    { login: origin.optional(), graph: origin.optional(), exchange: origin.optional() },
    {
      error: (issue) =>
        issue.code === "unrecognized_keys" ? undefined : "must be an object { login, graph, exchange }",
    },
  ),
  /** The Dataverse environment: `https://org.crm4.dynamics.com`. */
  environmentUrl: origin,
  /** Microsoft's cloud: `public`, `usgovernment`, `usgovernmentdod` or `china`. */
  cloud: text.transform((value, context) => {
    const cloud = cloudNamed(value);
    if (cloud === undefined) {
      context.addIssue({ code: "custom", message: `must be one of ${CLOUDS.join(", ")}` });
      return z.NEVER;
    }
    return cloud;
  }),
  /** The longest wait for a write to become visible. Default 10 minutes. */
  settleTimeout: duration,
  /** Requests in flight to Exchange at a time. Default 3. */
  maxConcurrency: wholeNumber(1, 50),
  /** Mailboxes that one deployment may delete, or leave without the membership it declared. Default 5. */
  maxMailboxDeletes: wholeNumber(0, 100_000),
} as const;

/** The name of a configuration key. */
type Key = keyof typeof KEYS;

/** What a key's value becomes. */
type ValueOf<K extends Key> = z.output<(typeof KEYS)[K]>;

/** Whether a name is one of the package's keys. */
function isKey(name: string): name is Key {
  return Object.hasOwn(KEYS, name);
}

/**
 * Keys for which the environment wins over the stack's configuration. `destroy`, and `up` of a program without a mailbox, configure the
 * provider from the state: there a renewed secret is stale, and a limit that was raised for this one run is unknown.
 */
const ENVIRONMENT_FIRST: readonly Key[] = ["clientSecret", "clientCertificatePassword", "maxMailboxDeletes"];

/** The environment variables of each key, the first one set counts. */
export const VARIABLES: Readonly<Partial<Record<Key, readonly string[]>>> = {
  localTenant: ["MAILBOXES_LOCAL_TENANT"],
  tenantId: ["AZURE_TENANT_ID"],
  clientId: ["AZURE_CLIENT_ID"],
  clientSecret: ["AZURE_CLIENT_SECRET"],
  clientCertificatePath: ["AZURE_CLIENT_CERTIFICATE_PATH"],
  clientCertificatePassword: ["AZURE_CLIENT_CERTIFICATE_PASSWORD"],
  useOidc: ["ARM_USE_OIDC"],
  oidcTokenFilePath: ["AZURE_FEDERATED_TOKEN_FILE"],
  environmentUrl: ["DATAVERSE_URL"],
  cloud: ["AZURE_CLOUD"],
  maxMailboxDeletes: ["MAILBOXES_MAX_MAILBOX_DELETES"],
};

/** Where a value came from. */
type Origin = "configuration" | "environment";

/** A value and its place: `mailboxes:clientId` or `AZURE_CLIENT_ID`. */
export interface Setting<T> {
  value: T;
  origin: Origin;
  /** The key or the variable, for messages. */
  name: string;
}

/** How a key is written in `Pulumi.<stack>.yaml`. */
export function keyName(key: Key): string {
  return `mailboxes:${key}`;
}

/**
 * A value as it was meant. Explicit providers hand over JSON (`"\"abc\""`, `{"login":…}`), the stack's configuration
 * plain text; a text that merely looks like a number stays text.
 */
function plain(key: Key, raw: string): unknown {
  const trimmed = raw.trim();
  if (key === "endpoints" || /^"[\s\S]*"$/.test(trimmed)) {
    try {
      return JSON.parse(trimmed);
    } catch {
      return raw;
    }
  }
  return raw;
}

const EMPTY = "is empty; give it a value, or remove it (`pulumi config rm`)";

/** Whether nothing is written, plain or in JSON. */
function isBlank(raw: string): boolean {
  return /^\s*("\s*")?\s*$/.test(raw);
}

function nearest(name: string): string {
  const bare = (text: string): string => text.toLowerCase().replaceAll(/[^a-z]/g, "");
  const known = Object.keys(KEYS);
  const close = known.find((key) => bare(key) === bare(name)) ?? known.find((key) => bare(name).includes(bare(key)));
  return close === undefined ? `the keys are ${known.join(", ")}` : `do you mean mailboxes:${close}?`;
}

/** Reads settings and collects what is wrong with them; never throws. */
export class Settings {
  /** Every mistake found so far. */
  readonly problems: InputProblem[] = [];
  readonly #get: (key: string) => string | undefined;
  readonly #environment: NodeJS.ProcessEnv;

  /** @param keys The names that are set in the namespace, with or without `mailboxes:`; unknown ones are mistakes. */
  constructor(get: (key: string) => string | undefined, keys: readonly string[], environment: NodeJS.ProcessEnv) {
    this.#get = get;
    this.#environment = environment;
    for (const key of keys) {
      const name = key.replace(/^mailboxes:/, "");
      if (!isKey(name)) {
        this.problems.push({
          path: `mailboxes:${name}`,
          reason: `is not a setting of pulumi-mailboxes; ${nearest(name)}`,
        });
      } else if (isBlank(get(name) ?? "-")) {
        // Also where nothing looks at it: something else would be taken in its place one day.
        this.problem(keyName(name), EMPTY);
      }
    }
  }

  /** The value of the stack's configuration alone. */
  configured<K extends Key>(key: K): Setting<ValueOf<K>> | undefined {
    const raw = this.#get(key);
    if (raw !== undefined && isBlank(raw)) {
      this.problem(keyName(key), EMPTY);
      return undefined;
    }
    return raw === undefined ? undefined : this.#checked(key, raw, "configuration", keyName(key));
  }

  /** The value of the environment alone. */
  inEnvironment<K extends Key>(key: K): Setting<ValueOf<K>> | undefined {
    for (const variable of VARIABLES[key] ?? []) {
      const raw = this.#environment[variable];
      if (raw !== undefined && isBlank(raw)) {
        // A secret of a CI system that does not exist arrives like this, and something else would be taken in its place.
        this.problem(variable, "is set and empty; give it a value, or unset it");
      } else if (raw !== undefined) {
        return this.#checked(key, raw, "environment", variable);
      }
    }
    return undefined;
  }

  /** The value that counts: the configuration's before the environment's, but for {@link ENVIRONMENT_FIRST}. */
  value<K extends Key>(key: K): Setting<ValueOf<K>> | undefined {
    return ENVIRONMENT_FIRST.includes(key)
      ? (this.inEnvironment(key) ?? this.configured(key))
      : (this.configured(key) ?? this.inEnvironment(key));
  }

  /** A variable that does not stand for a key, such as those of a CI system; undefined where empty. */
  variable(name: string): string | undefined {
    const value = this.#environment[name];
    return value === undefined || value.trim() === "" ? undefined : value;
  }

  /** Notes a mistake, once. */
  problem(path: string, reason: string): void {
    if (!this.problems.some((known) => known.path === path && known.reason === reason)) {
      this.problems.push({ path, reason });
    }
  }

  #checked<K extends Key>(key: K, raw: string, origin: Origin, name: string): Setting<ValueOf<K>> | undefined {
    const result = KEYS[key].safeParse(plain(key, raw));
    if (result.success) {
      // The schema of K gives a ValueOf<K>; TypeScript cannot follow a lookup by a generic key.
      return { value: result.data as ValueOf<K>, origin, name };
    }
    for (const issue of result.error.issues) {
      const path = [name, ...issue.path].join(".");
      this.problem(path, issue.message);
    }
    return undefined;
  }
}

/** Microsoft's clouds and the hosts of each. */

/** The clouds of Microsoft 365. `public` includes GCC. */
const CLOUDS = ["public", "usgovernment", "usgovernmentdod", "china"] as const;

/** One of Microsoft's clouds. */
export type Cloud = (typeof CLOUDS)[number];

/** Where the three services with fixed hosts are: origins, without a slash at the end. */
export interface Endpoints {
  /** Sign-in (Microsoft Entra ID). */
  login: string;
  /** Microsoft Graph. */
  graph: string;
  /** Exchange's admin API. */
  exchange: string;
}

/**
 * The hosts of each cloud. Tokens are issued for these hosts, also where requests go elsewhere (a proxy, a local
 * tenant): https://learn.microsoft.com/graph/deployments
 */
export const CLOUD_ENDPOINTS: Readonly<Record<Cloud, Readonly<Endpoints>>> = {
  public: {
    login: "https://login.microsoftonline.com",
    graph: "https://graph.microsoft.com",
    exchange: "https://outlook.office365.com",
  },
  usgovernment: {
    login: "https://login.microsoftonline.us",
    graph: "https://graph.microsoft.us",
    exchange: "https://outlook.office365.us",
  },
  usgovernmentdod: {
    login: "https://login.microsoftonline.us",
    graph: "https://dod-graph.microsoft.us",
    exchange: "https://outlook-dod.office365.us",
  },
  china: {
    login: "https://login.chinacloudapi.cn",
    graph: "https://microsoftgraph.chinacloudapi.cn",
    exchange: "https://outlook.office365.cn",
  },
};

/** The domains below which each cloud's Dataverse environments live. GCC's `crm9.dynamics.com` counts as public. */
export const DATAVERSE_DOMAINS: Readonly<Record<Cloud, string>> = {
  public: "dynamics.com",
  usgovernment: "microsoftdynamics.us",
  usgovernmentdod: "appsplatform.us",
  china: "dynamics.cn",
};

/** Names that Azure's own tools use for the clouds. */
const AZURE_NAMES: Readonly<Record<string, Cloud>> = {
  azurecloud: "public",
  azurepubliccloud: "public",
  azureusgovernment: "usgovernment",
  azureusgovernmentcloud: "usgovernment",
  azurechinacloud: "china",
};

/** The cloud that a name means, in our words or Azure's, without regard to case; undefined for an unknown name. */
function cloudNamed(name: string): Cloud | undefined {
  const lower = name.trim().toLowerCase();
  return CLOUDS.find((cloud) => cloud === lower) ?? AZURE_NAMES[lower];
}

/** Whether a sign-in host is one of Microsoft's, so that it can be validated against Microsoft's list of authorities. */
export function isMicrosoftLogin(origin: string): boolean {
  return Object.values(CLOUD_ENDPOINTS).some(({ login }) => login === origin);
}
