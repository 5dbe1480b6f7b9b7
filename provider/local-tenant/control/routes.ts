import { type Context, Hono } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { z } from "zod";
import { contraries } from "../contrary";
import { forgetUse } from "../dataverse/caller";
import { writeByHand } from "../dataverse/work";
import { organizationOf } from "../directory";
import { addFault, faultSchema, faultsOf, removeFaults } from "../faults";
import { deliver } from "../graph/delivery";
import { signingKeyTable } from "../login/tokens";
import { tables } from "../model";
import { patienceOf } from "../patience";
import type { LoggedRequest, RequestCounts, RequestLog } from "../request-log";
import { isSeedName, resetTenant, seedNames, seedTenant } from "../seed";
import { defaultSettings, type Settings, type SettingsChange, settingsTable, type Tenant } from "../tenant";
import { isPlainObject, parsedJson } from "../values";

/** What `GET /_tenant/` answers. */
export interface Description {
  localTenant: "pulumi-mailboxes";
  version: string;
  /** Null while the tenant is empty. */
  tenantId: string | null;
  origins: string[];
  pid: number;
  /** Path of the journal; null when everything is in memory. */
  journal: string | null;
}

/** A request to the control interface that cannot be served; answered as `{ "error": message }`. */
class Refusal extends Error {
  override readonly name = "Refusal";

  constructor(
    readonly status: ContentfulStatusCode,
    message: string,
  ) {
    super(message);
  }
}

/** Tables that are not for changing by hand: keys, and what `/_tenant/settings` is for. */
const ownTables = [signingKeyTable, settingsTable];

/**
 * The control interface, for tests and tools on the same machine: no sign-in. Everything it changes is in the journal, except
 * fault rules and the request log.
 */
export function controlRoutes(tenant: Tenant, log: RequestLog, describe: () => Description): Hono {
  const app = new Hono({ strict: false }).basePath("/_tenant");
  app.use(async (c, next) => {
    // A page in a browser on this machine can send requests here as well; tools send no Origin.
    if (c.req.header("Origin") !== undefined) {
      throw new Refusal(403, "The control interface takes no requests from web pages.");
    }
    await next();
  });
  app.get("/", (c) => c.json(describe()));

  app.get("/state", (c) => c.json(Object.fromEntries(tableNames(tenant).map((name) => [name, rows(tenant, name)]))));
  app.get("/state/:table", (c) => c.json(rows(tenant, tableOf(c, tenant))));
  app.get("/state/:table/:key", (c) => c.json(rowOf(c, tenant)));
  app.put("/state/:table/:key", async (c) => {
    write(tenant, tableOf(c, tenant), c.req.param("key"), await objectIn(c));
    return c.json(rowOf(c, tenant));
  });
  app.patch("/state/:table/:key", async (c) => {
    write(tenant, tableOf(c, tenant), c.req.param("key"), { ...rowOf(c, tenant), ...(await objectIn(c)) });
    return c.json(rowOf(c, tenant));
  });
  app.delete("/state/:table/:key", (c) => {
    rowOf(c, tenant);
    tenant.store.delete(tableOf(c, tenant), c.req.param("key"));
    return c.body(null, 204);
  });

  app.post("/seed", async (c) => {
    const { seed, tenantId } = seedIn(await objectIn(c));
    if (organizationOf(tenant) !== undefined) {
      throw new Refusal(409, "The tenant is not empty. Reset it first: it is seeded again then.");
    }
    if (seed !== null) {
      seedTenant(tenant, seed, tenantId);
    }
    return c.json(describe());
  });
  app.post("/reset", async (c) => {
    const { seed, tenantId } = seedIn(await objectIn(c));
    resetTenant(tenant, seed, tenantId);
    removeFaults(tenant);
    forgetUse(tenant);
    log.clear();
    patienceOf(tenant).forget();
    return c.json(describe());
  });

  app.get("/settings", (c) => c.json(tenant.settings));
  app.patch("/settings", async (c) => {
    const change = checkedSettings(await objectIn(c));
    if (typeof change === "string") {
      throw new Refusal(400, change);
    }
    tenant.configure(change);
    return c.json(tenant.settings);
  });

  const clock = () => ({ now: tenant.timestamp(), offset: tenant.clockOffset });
  app.get("/clock", (c) => c.json(clock()));
  app.post("/clock", async (c) => {
    const { advance } = parsed(z.strictObject({ advance: z.number().min(0) }), await objectIn(c));
    tenant.advance(advance);
    return c.json(clock());
  });

  app.get("/faults", (c) => c.json(faultsOf(tenant)));
  app.post("/faults", async (c) => {
    const body = await bodyIn(c);
    const rules = parsed(z.union([faultSchema, z.array(faultSchema)]), body);
    const added = [rules].flat().map((rule) => addFault(tenant, rule));
    return c.json(Array.isArray(rules) ? added : added[0], 201);
  });
  app.delete("/faults", (c) => c.json({ removed: removeFaults(tenant) }));
  app.delete("/faults/:id", (c) => c.json({ removed: removeFaults(tenant, Number(c.req.param("id"))) }));

  app.get("/requests/counts", (c) =>
    c.json({ ...log.counts, tooEarly: patienceOf(tenant).tooEarly } satisfies RequestCounts),
  );
  app.get("/requests", (c) => c.json(selected(log.requests, c)));
  app.delete("/requests", (c) => {
    log.clear();
    patienceOf(tenant).clear();
    return c.body(null, 204);
  });

  app.post("/deliver", async (c) => {
    const mail = z.strictObject({ from: z.string(), to: z.string(), subject: z.string() });
    return c.json({ delivered: await deliver(tenant, parsed(mail, await objectIn(c))) });
  });

  app.notFound((c) => c.json({ error: `The control interface has no ${c.req.method} ${c.req.path}.` }, 404));
  app.onError((error, c) => {
    if (error instanceof Refusal) {
      return c.json({ error: error.message }, error.status);
    }
    console.error(error);
    return c.json({ error: `The local tenant failed: ${error.message}` }, 500);
  });
  return app;
}

/** Requests that fit the query: `service`, `method`, `cmdlet`, `path` (part of it), `status`, `writes=true|false`, `since` (an id, not included). */
function selected(requests: readonly LoggedRequest[], c: Context): LoggedRequest[] {
  const { service, method, cmdlet, path, status, writes, since } = c.req.query();
  const hasCmdlet = (request: LoggedRequest): boolean =>
    [request, ...(request.inner ?? [])].some((one) => one.cmdlet?.toLowerCase() === cmdlet?.toLowerCase());
  return requests.filter(
    (request) =>
      (service === undefined || request.service === service) &&
      (method === undefined || request.method === method.toUpperCase()) &&
      (cmdlet === undefined || hasCmdlet(request)) &&
      (path === undefined || request.path.toLowerCase().includes(path.toLowerCase())) &&
      (status === undefined || String(request.status) === status) &&
      (writes === undefined || request.isWrite === (writes === "true")) &&
      (since === undefined || request.id > Number(since)),
  );
}

function tableNames(tenant: Tenant): string[] {
  return tenant.store.tables.filter((name) => !ownTables.includes(name));
}

function rows(tenant: Tenant, table: string): Record<string, unknown> {
  return Object.fromEntries(tenant.store.entries(table));
}

function tableOf(c: Context, tenant: Tenant): string {
  const name = c.req.param("table") ?? "";
  const known = [...new Set([...Object.values(tables), ...tableNames(tenant)])];
  if (!known.includes(name)) {
    throw new Refusal(404, `There is no table "${name}". Tables: ${known.sort().join(", ")}.`);
  }
  return name;
}

/** Replaces a row. One of Dataverse's gets the next version, as any change there does. */
function write(tenant: Tenant, table: string, key: string, row: Record<string, unknown>): void {
  if (!writeByHand(tenant, table, key, row)) {
    tenant.store.put(table, key, row);
  }
}

function rowOf(c: Context, tenant: Tenant): Record<string, unknown> {
  const table = tableOf(c, tenant);
  const key = c.req.param("key") ?? "";
  const row = tenant.store.get<Record<string, unknown>>(table, key);
  if (row === undefined) {
    throw new Refusal(404, `There is no row "${key}" in ${table}.`);
  }
  return row;
}

function seedIn(body: Record<string, unknown>) {
  const seed = body.seed ?? (body.seed === null ? null : "contoso");
  if (seed !== null && !isSeedName(seed)) {
    throw new Refusal(400, `There is no seed "${String(seed)}". Seeds: ${seedNames.join(", ")}.`);
  }
  const { tenantId } = parsed(z.object({ tenantId: z.guid().toLowerCase().optional() }), body);
  return { seed, tenantId };
}

async function bodyIn(c: Context): Promise<unknown> {
  const text = await c.req.text();
  const body = text === "" ? {} : parsedJson(text);
  if (body === undefined) {
    throw new Refusal(400, "The body is not JSON.");
  }
  return body;
}

async function objectIn(c: Context): Promise<Record<string, unknown>> {
  const body = await bodyIn(c);
  if (!isPlainObject(body)) {
    throw new Refusal(400, "The body has to be a JSON object.");
  }
  return body;
}

function parsed<T>(schema: z.ZodType<T>, body: unknown): T {
  const result = schema.safeParse(body);
  if (!result.success) {
    throw new Refusal(400, z.prettifyError(result.error));
  }
  return result.data;
}

/** Settings that take one of several words. */
const choices: Record<string, readonly string[]> = {
  testReason: ["alerts", "row"] satisfies Settings["testReason"][],
  newMailboxSpoAddress: ["some", "always", "never"] satisfies Settings["newMailboxSpoAddress"][],
  missingIdentity: ["error", "everything"] satisfies Settings["missingIdentity"][],
  approval: ["authorised", "refused", "silent"] satisfies Settings["approval"][],
};
const outcomes = ["success", "failure", "never"];

/**
 * A change of settings as the control interface takes it, or what is wrong with it. Every member has to be a known setting and of
 * the type of its default; numbers may not be negative.
 */
function checkedSettings(change: Record<string, unknown>): SettingsChange | string {
  return problemIn(change, { ...defaultSettings() }, "") ?? (change as SettingsChange);
}

function problemIn(
  change: Record<string, unknown>,
  known: Record<string, unknown>,
  prefix: string,
): string | undefined {
  for (const [name, value] of Object.entries(change)) {
    const path = prefix + name;
    const problem =
      name in known
        ? problemOf(path, value, known[name])
        : `There is no setting "${path}". Known: ${Object.keys(known).join(", ")}.`;
    if (problem !== undefined) {
      return problem;
    }
  }
  return undefined;
}

function problemOf(path: string, value: unknown, example: unknown): string | undefined {
  if (path === "test.outcomes") {
    return isPlainObject(value) && Object.values(value).every((outcome) => outcomes.includes(String(outcome)))
      ? undefined
      : `Setting "${path}" maps addresses to one of ${outcomes.join(", ")}.`;
  }
  if (path === "contrary") {
    return Array.isArray(value) && value.every((id) => Object.hasOwn(contraries, String(id)))
      ? undefined
      : `Setting "${path}" lists ids of behaviours that can be turned round: ${Object.keys(contraries).join(", ")}.`;
  }
  if (isPlainObject(example)) {
    return isPlainObject(value) ? problemIn(value, example, `${path}.`) : `Setting "${path}" is an object.`;
  }
  const allowed = choices[path];
  if (allowed !== undefined) {
    return allowed.includes(String(value)) ? undefined : `Setting "${path}" is one of ${allowed.join(", ")}.`;
  }
  if (typeof value !== typeof example) {
    return `Setting "${path}" is a ${typeof example}.`;
  }
  return typeof value === "number" && !(value >= 0) ? `Setting "${path}" is a number from 0.` : undefined;
}
