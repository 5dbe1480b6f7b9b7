import { setMaxListeners } from "node:events";
import {
  type Configuration,
  projectAbove,
  readConfiguration,
  whyNobodySignsIn,
  withLocalOrigin,
} from "../configuration/configuration";
import { dayOf } from "../core/canonical";
import { type Operation, readOrFail } from "../core/kind";
import type { Recorder } from "../core/memory";
import { Registry } from "../core/registry";
import type { CallContext, TokenSource } from "../http/call";
import { createTokenSource } from "../http/credentials";
import { ProviderError, TokenError } from "../http/errors";
import { isGuid, mapOf } from "../http/json";
import { Pipeline, pipelineOptions, summaryOf, type Usage } from "../http/pipeline";
import { openLocalTenant } from "../local-tenant/embedded";
import { createServices, type Services } from "../services/services";
import type { EngineLog } from "./engine";

/** Longest time one operation on a resource may take, in milliseconds; single waits are bounded by the settle timeout. */
const OPERATION_TIME = 60 * 60 * 1000;

/** One deployment against one tenant: what all resources of a provider process share. */
export interface Deployment {
  configuration: Configuration;
  services: Services;
  registry: Registry;
  log: EngineLog;
  /** What was asked of the services. */
  usage: Usage;
  /** The tenant's id where the configuration has it, so that it can be compared without a request. */
  tenantId: string | undefined;
  /** The day it began, in UTC, e.g. `2027-01-31`: nothing ends in the middle of a deployment, behind its diff. */
  today: string;
  /** Advice to give once, with the first new resource. */
  advice: string | undefined;
  /** What was asked of the services, in one line for people; undefined where nothing was. */
  closing(): string | undefined;
  /** Releases what the process holds: an embedded local tenant. */
  close(): Promise<void>;
}

/** Configuration as the engine hands it over: by full key, values plain or JSON. */
export interface RawConfiguration {
  get(key: string): unknown;
  /** Full keys that are set, where the engine tells them. */
  keys: string[];
}

const NAMESPACE = "mailboxes:";

/**
 * Reads the configuration and connects the services.
 *
 * @param compared columns of `Get-Mailbox` that the kinds compare.
 * @throws InputError when the configuration is wrong; nothing was sent then.
 */
export async function openDeployment(
  raw: RawConfiguration,
  log: EngineLog,
  compared: readonly string[],
): Promise<Deployment> {
  const keys = raw.keys.filter((key) => key.startsWith(NAMESPACE)).map((key) => key.slice(NAMESPACE.length));
  const get = (key: string) => {
    const value = raw.get(`${NAMESPACE}${key}`);
    return value === undefined || value === null
      ? undefined
      : typeof value === "string"
        ? value
        : JSON.stringify(value);
  };
  let configuration = readConfiguration(get, keys, process.env, () => projectFolder(process.cwd()));
  let close = async (): Promise<void> => undefined;
  if (configuration.localTenant !== undefined) {
    const { localTenant } = configuration;
    const place = localTenant.kind === "journal" ? localTenant.path : localTenant.origin;
    const opened = await openLocalTenant(place).catch((cause: unknown) => {
      const words = cause instanceof Error ? cause.message : String(cause);
      throw new ProviderError({ action: "opening the local tenant that mailboxes:localTenant names", words, cause });
    });
    configuration = withLocalOrigin(configuration, opened.origin, opened.tenantId);
    close = () => opened.close();
  }
  const tokens = createTokenSource(configuration);
  const pipeline = new Pipeline(pipelineOptions(configuration, tokens));
  const tenantId = tenantOf(configuration, tokens);
  return {
    configuration,
    services: createServices(pipeline, tenantId, bounds, compared),
    registry: new Registry(),
    log,
    usage: pipeline.usage,
    tenantId:
      configuration.tenantId !== undefined && isGuid(configuration.tenantId) ? configuration.tenantId : undefined,
    today: dayOf(new Date()),
    advice: whyNobodySignsIn(configuration, process.env),
    closing: () => summaryOf(pipeline.usage),
    close,
  };
}

/** The configuration of a command that is in no stack: the environment alone. */
const NO_STACK: RawConfiguration = { get: () => undefined, keys: [] };

/** Connects a command to a tenant, as {@link openDeployment} does, until its work is done. */
export async function connected<T>(
  log: EngineLog,
  compared: readonly string[],
  work: (deployment: Deployment) => Promise<T>,
  raw = NO_STACK,
): Promise<T> {
  const deployment = await openDeployment(raw, log, compared);
  try {
    return await work(deployment);
  } finally {
    await deployment.close();
  }
}

/**
 * What one operation on one resource works with.
 *
 * @param urn the URN that it was born with; "" where it is no resource.
 * @param recording what the state says of it; keeps what is recorded.
 * @param environmentUrl the Dataverse environment that the resource itself names, if it does.
 */
export function operationOf<Inputs, Memory>(
  deployment: Deployment,
  urn: string,
  recording: Recorder<Inputs, Memory>,
  defaulted: readonly string[] = [],
  environmentUrl?: unknown,
): Operation<Inputs, Memory> {
  // A local tenant has one environment. An address in the program must not lead out of it.
  const isOwn = typeof environmentUrl === "string" && deployment.configuration.localTenant === undefined;
  return {
    ...bounds(),
    settleTimeout: deployment.configuration.settleTimeout,
    progress: deployment.log.progress(urn),
    warn: (text) => deployment.log.warn(urn, text),
    services: deployment.services.inEnvironment(isOwn ? environmentUrl : undefined),
    registry: deployment.registry,
    origin: { urn, born: urn },
    limits: { maxMailboxDeletes: deployment.configuration.maxMailboxDeletes },
    known: recording,
    record: (what) => recording.record(what),
    defaulted,
    isAwaited: () => deployment.log.isEngineThere(),
    readIfAllowed: readOrFail,
  };
}

/** The configured Dataverse environment; undefined for a local tenant, whose address changes from run to run. */
export function environmentOf({ configuration }: Deployment): string | undefined {
  return configuration.localTenant === undefined ? configuration.environmentUrl : undefined;
}

/** Nothing can cancel a dynamic provider: the engine's request for it does not arrive. */
const NEVER = new AbortController().signal;
// Every wait of a deployment listens to it, and Node suspects a leak at more than ten listeners.
setMaxListeners(0, NEVER);

/** The bounds of an operation that begins now. */
export function bounds(): CallContext {
  return { signal: NEVER, deadline: Date.now() + OPERATION_TIME };
}

/** The tenant's id as configured, or as it stands in the token where the configuration has a domain or nothing. */
function tenantOf({ tenantId }: Configuration, tokens: TokenSource): (context: CallContext) => Promise<string> {
  return async () => {
    if (tenantId !== undefined && isGuid(tenantId)) {
      return tenantId;
    }
    const [, payload = ""] = (await tokens.token("exchange")).split(".");
    const { tid } = mapOf(JSON.parse(Buffer.from(payload, "base64url").toString("utf8")));
    if (typeof tid !== "string") {
      throw new TokenError({
        words: "the token names no tenant",
        nextStep: "Set mailboxes:tenantId or AZURE_TENANT_ID.",
      });
    }
    return tid;
  };
}

/** The folder that relative paths of the configuration begin at: the project's. The process runs where the program is. */
function projectFolder(start: string): string {
  return projectAbove(start, process.env.PULUMI_PROJECT ?? process.env.PULUMI_NODEJS_PROJECT)?.folder ?? start;
}
