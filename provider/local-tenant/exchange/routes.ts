import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { applyFault } from "../faults";
import { callerOf } from "../login/tokens";
import type { Answer, Message, Service } from "../message";
import { type Application, type Organization, type Permission, tables } from "../model";
import { cmdletOf } from "../request-log";
import type { Tenant } from "../tenant";
import { decoded, isPlainObject, keysOf, memberOf, parsedJson } from "../values";
import { type Bound, bind } from "./binding";
import { type Call, moreResults } from "./call";
import { cmdletNamed, cmdlets, entitySets, otherCmdlets } from "./cmdlets";
import { envelope, jsonOf, Pages, type Printing, pageSize } from "./envelope";
import {
  badEnvelope,
  ExchangeFault,
  methodNotAllowed,
  needsProxy,
  noSuchResource,
  notOnEndpoint,
  notSimulated,
  tooManyInBatch,
  unauthorized,
} from "./errors";
import { Directory, hasMailbox } from "./identity";
import { type CmdletName, shapes } from "./parameters";
import { demandParameters, demandScope, mayRun } from "./roles";

/** Most requests one `$batch` may hold. */
const largestBatch = 10;

/** App roles that open each version of the API. */
const admittingRoles = {
  beta: ["Exchange.ManageAsApp"],
  "v1.0": ["Exchange.ManageAsApp"],
  "v2.0": ["Exchange.ManageAsAppV2"],
} as const;

type Version = keyof typeof admittingRoles;

/** What each endpoint of v2.0 serves: cmdlets, and of each the parameters. */
const endpoints: Readonly<Record<string, Partial<Record<CmdletName, readonly string[]>>>> = {
  // @documented exchange.v2-endpoints: v2.0 serves Get-Mailbox, Set-Mailbox GrantSendOnBehalfTo, Get-AcceptedDomain and
  // Get-OrganizationConfig only [Admin API, endpoints reference]
  mailbox: {
    "Get-Mailbox": ["Identity", "ResultSize", "IncludeGrantSendOnBehalfToWithDisplayNames"],
    "Set-Mailbox": ["Identity", "GrantSendOnBehalfTo"],
  },
  accepteddomain: { "Get-AcceptedDomain": ["Identity", "ResultSize"] },
  organizationconfig: { "Get-OrganizationConfig": [] },
};

/** What v1.0 has: resources of the module's Get-EXO cmdlets and the module itself, no cmdlets. */
const v1Resources = [...entitySets, "EXOModuleFile"];

/** One request: that of the connection, or one inside a `$batch`. */
interface ExchangeRequest extends Omit<Message, "text"> {
  /** The body, parsed; undefined when it is not JSON. */
  content: unknown;
}

/** Where a path leads. */
interface Target {
  version: Version;
  tenant: string;
  resource: string;
}

/**
 * The Exchange admin API: `POST /adminapi/beta/{tenant}/InvokeCommand`, `POST …/$batch` and the documented endpoints of
 * `POST /adminapi/v2.0/{tenant}/{Mailbox|AcceptedDomain|OrganizationConfig}`. `{tenant}` is the tenant's id or an accepted domain.
 * Without a token or an Exchange app role it answers 401; without a role in Exchange, and for a cmdlet it does not know, 403 with
 * a body of NUL bytes that calls itself gzip.
 */
export function exchangeService(tenant: Tenant): Service {
  // @observed exchange.one-url: One URL, always POST; the cmdlet stands in CmdletInput [wire captures]
  // @observed exchange.beta-only: InvokeCommand of v1.0 answers 405: v1.0 has the resources of the Get-EXO cmdlets, only beta runs
  // cmdlets [azure_auth, measured 2026-09-25]
  // @documented exchange.version-roles: v2.0 wants Exchange.ManageAsAppV2, the other versions Exchange.ManageAsApp [Admin API,
  // authentication and authorization; app-only authentication in Exchange PowerShell]
  const pages = new Pages(tenant);
  let inFlight = 0;

  /** Serves a request of a connection as one of those in flight. */
  async function admitted(request: ExchangeRequest): Promise<Answer> {
    const { exchangeConcurrency, exchangeRetryAfter } = tenant.settings;
    if (exchangeConcurrency > 0 && inFlight >= exchangeConcurrency) {
      return tooManyAtOnce(exchangeRetryAfter);
    }
    inFlight += 1;
    try {
      return await answer(request);
    } finally {
      inFlight -= 1;
    }
  }

  async function answer(request: ExchangeRequest): Promise<Answer> {
    const requestId = randomUUID();
    let given: Answer;
    try {
      given = await serve(request);
    } catch (error) {
      if (!(error instanceof ExchangeFault)) {
        throw error;
      }
      const isPlain = error.isCmdlets && tenant.isContrary("exchange.error-statuses");
      given = json(error.body, isPlain ? 400 : error.status, { "x-exceptiontype": error.shortType });
    }
    const clientRequestId = request.headers["client-request-id"] ?? requestId;
    return {
      ...given,
      headers: { ...given.headers, "request-id": requestId, "client-request-id": clientRequestId },
    };
  }

  async function serve(request: ExchangeRequest): Promise<Answer> {
    const target = targetOf(tenant, request.url.pathname);
    const caller = callerOf(tenant, request.headers.authorization, "exchange");
    const admitting: readonly string[] = admittingRoles[target.version];
    if (caller === undefined || !caller.roles.some((role) => admitting.includes(role))) {
      return unauthenticated(tenant, request);
    }
    if (!caller.application.exchangeRbac) {
      return forbidden("The user or app doesn't have a role in Exchange.");
    }
    const resource = target.resource.toLowerCase();
    if (target.version === "v2.0" && !tenant.settings.v2Preview) {
      throw noSuchResource(target.resource);
    }
    if (target.version === "v1.0" && resource === "invokecommand") {
      throw methodNotAllowed(request.method);
    }
    const isServed =
      (target.version !== "v1.0" && resource === "$batch") ||
      (target.version === "v2.0" ? resource in endpoints : target.version === "beta" && resource === "invokecommand");
    if (!isServed) {
      throw unserved(target);
    }
    if (request.method !== "POST") {
      throw methodNotAllowed(request.method);
    }
    if (resource === "$batch") {
      return await batch(request, target);
    }
    // @observed exchange.latency: A cmdlet takes time, by the setting cmdletLatency [graph2otel: 846 ms for Get-MailboxPermission, 602
    // ms for Get-RecipientPermission, 995 ms for Get-InboxRule]
    if (tenant.settings.cmdletLatency > 0) {
      await sleep(tenant.settings.cmdletLatency);
    }
    return run(request, target, caller.application);
  }

  function run(request: ExchangeRequest, target: Target, application: Application): Answer {
    if (/clixml/i.test(request.headers["x-responseformat"] ?? "")) {
      throw notSimulated("X-ResponseFormat clixml");
    }
    const { cmdlet: given, parameters } = cmdletInput(request.content);
    const select = request.url.searchParams.get("$select") ?? undefined;
    const skipToken = request.url.searchParams.get("$skiptoken");
    if (skipToken !== null) {
      return pageOf(request, target, pages.next(skipToken, request.content), select, delayed());
    }
    const cmdlet = cmdletNamed(given);
    if (target.version === "v2.0") {
      requireOnEndpoint(tenant, target.resource, given, cmdlet, parameters);
    }
    if (cmdlet === undefined) {
      if (otherCmdlets.has(given.toLowerCase())) {
        throw notSimulated(`the cmdlet ${given}`);
      }
      return forbidden();
    }
    const isViewOnly = application.exchangeViewOnly === true;
    if (!mayRun(application, cmdlet)) {
      return forbidden(`The cmdlet ${cmdlet} isn't in the caller's role.`);
    }
    demandParameters(application, cmdlet, Object.keys(parameters));
    const bound = bind(cmdlet, shapes[cmdlet], parameters);
    demandScope(tenant, application, cmdlet, bound);
    if (tenant.settings.strictRouting) {
      requireRouted(tenant, cmdlet, bound, request.headers["x-anchormailbox"] ?? "");
    }
    const call: Call = { tenant, bound, warnings: delayed(), isViewOnly };
    const rows = cmdlets[cmdlet](call);
    if (rows === undefined) {
      return json(envelope(contextOf(request.url), { rows, warnings: call.warnings }, select, undefined), 200);
    }
    const size = Math.min(pageSize(request.headers.prefer), call.pageSize ?? Number.POSITIVE_INFINITY);
    return pageOf(request, target, pages.first(rows, size, request.content), select, call.warnings);
  }

  /** The warnings every answer begins with. */
  function delayed(): string[] {
    const { microDelay, microDelayBeyond } = tenant.settings;
    return microDelay === 0 || inFlight <= microDelayBeyond
      ? []
      : [
          `Micro delay applied. Actual delayed: ${microDelay} msecs, Enforced: True, Capped delay: ${microDelay} msecs, Required: False, Additional info: .`,
        ];
  }

  function pageOf(
    request: ExchangeRequest,
    target: Target,
    { page, token }: { page: Printing[]; token?: string },
    select: string | undefined,
    warnings: string[],
  ): Answer {
    let nextLink: string | undefined;
    if (token !== undefined) {
      const query = new URLSearchParams(request.url.search);
      query.set("$skiptoken", token);
      nextLink = `${request.url.origin}/adminapi/${target.version}/${target.tenant}/${target.resource}?${query}`;
    }
    const all = nextLink === undefined ? warnings : [...warnings, moreResults];
    return json(envelope(contextOf(request.url), { rows: page, warnings: all }, select, nextLink), 200);
  }

  async function batch(request: ExchangeRequest, target: Target): Promise<Answer> {
    const entries = batchEntries(request.content);
    if (entries.length > largestBatch && !tenant.isContrary("exchange.batch-size")) {
      throw tooManyInBatch(largestBatch);
    }
    const goesOn =
      /odata\.continue-on-error/i.test(request.headers.prefer ?? "") || tenant.isContrary("exchange.batch-first-error");
    const responses: unknown[] = [];
    let isLost = false;
    const lost = tenant.settings.batchesRunInParallel ? overtaken(entries) : new Set<string>();
    const inOrder = tenant.isContrary("exchange.batch-order") ? [...entries].reverse() : entries;
    for (const entry of inOrder) {
      const inner = innerRequest(request, target, entry);
      const facts = {
        service: "exchange",
        method: inner.method,
        path: inner.url.pathname + inner.url.search,
        cmdlet: cmdletOf(inner.content),
      } as const;
      const before = lost.has(entry.id) ? tenant.store.entries<Permission>(tables.permissions) : undefined;
      const given = await applyFault(tenant, facts, () => answer(inner));
      if (before !== undefined) {
        undo(tenant, before);
      }
      isLost ||= given.isLost === true;
      responses.push({ id: entry.id, status: given.status, headers: given.headers, body: bodyInside(given) });
      if (given.status >= 400 && !goesOn) {
        break;
      }
    }
    return { ...json({ responses }, 200), isLost };
  }

  return async ({ text, ...message }) => {
    const given = await admitted({ ...message, content: parsedJson(text) });
    return typeof given.body === "object" && !(given.body instanceof Uint8Array)
      ? { ...given, body: jsonOf(given.body) }
      : given;
  };
}

/** An answer's body inside that of a batch: what is not JSON is text. */
function bodyInside({ body = "" }: Answer): unknown {
  const text = body instanceof Uint8Array ? body.toString() : body;
  return typeof text === "string" ? (parsedJson(text) ?? text) : text;
}

function targetOf(tenant: Tenant, path: string): Target {
  // @observed exchange.v2-preview: In an organisation outside the preview (setting v2Preview) v2.0 answers 404 [swissknife, exoapi:
  // 400 and 404 mean that v2.0 is not enabled]
  // @assumed exchange.foreign-tenant-segment: A tenant segment that is not this tenant answers 404 [status unknown]
  const [, root, version = "", given = "", resource = "", ...rest] = path.split("/").map(decoded);
  const known = keysOf(admittingRoles).find((each) => each === version.toLowerCase());
  if (root?.toLowerCase() !== "adminapi" || known === undefined || rest.length > 0) {
    throw noSuchResource(path);
  }
  const name = given.toLowerCase();
  const { tenantId } = tenant.store.get<Organization>(tables.organization, "organization") ?? {};
  const isTenant =
    tenant.isContrary("exchange.foreign-tenant-segment") ||
    name === tenantId?.toLowerCase() ||
    tenant.store.all<{ domainName: string }>("domains").some((domain) => domain.domainName.toLowerCase() === name);
  if (!isTenant) {
    throw noSuchResource(given);
  }
  return { version: known, tenant: given, resource };
}

/** More requests in flight than the tenant is allowed; `wait` in milliseconds, 0 where the service does not say. */
function tooManyAtOnce(wait: number): Answer {
  // @observed exchange.concurrency: More requests in flight than the setting exchangeConcurrency: a plain text, with 429 and the
  // Retry-After of the setting exchangeRetryAfter [ExoHelper reads this text, whatever the status, and Retry-After; the number of
  // requests is not published]
  return {
    status: 429,
    headers: {
      "content-type": "text/plain; charset=utf-8",
      ...(wait === 0 ? {} : { "retry-after": String(wait / 1000) }),
    },
    body: "You have reached the maximum number of concurrent requests per tenant. Please wait and try again.",
  };
}

/** What is there in the service and not here, and what is nowhere. */
function unserved({ version, resource }: Target): ExchangeFault {
  const known = version === "beta" ? [...entitySets, "$metadata"] : version === "v1.0" ? v1Resources : [];
  const name = resource.replace(/\(.*$/s, "").toLowerCase();
  return known.some((each) => each.toLowerCase() === name)
    ? notSimulated(`the resource ${resource} of ${version}`)
    : noSuchResource(resource);
}

/** A write about one mailbox has to come by that mailbox's own anchor. */
function requireRouted(tenant: Tenant, cmdlet: CmdletName, bound: Bound, anchor: string): void {
  // @observed exchange.needs-proxy: With strictRouting a write about a mailbox by another anchor answers
  // CmdletProxyNotAvailableException, Cmdlet needs proxy [CIPP #4877 and #2661, office-docs-powershell #10446; two clients that
  // anchor by UPN against it]
  const identity = cmdlet.startsWith("Get-") ? undefined : (bound.text("Mailbox") ?? bound.text("Identity"));
  const directory = new Directory(tenant, "seen");
  const [mailbox] = directory.matches((identity ?? "").replace(/\\[^\\]+$/, ""), hasMailbox);
  const [, named = ""] = /^(?:UPN|SMTP):(.+)$/i.exec(anchor) ?? [];
  if (mailbox !== undefined && !directory.matches(named, hasMailbox).includes(mailbox)) {
    throw needsProxy();
  }
}

/** The cmdlet and its parameters out of a request's body. */
function cmdletInput(content: unknown): { cmdlet: string; parameters: Record<string, unknown> } {
  const input = isPlainObject(content) ? memberOf(content, "CmdletInput") : undefined;
  if (!isPlainObject(input)) {
    throw badEnvelope("The request body must be a JSON object with the member CmdletInput.");
  }
  const cmdlet = memberOf(input, "CmdletName");
  const parameters = memberOf(input, "Parameters");
  if (typeof cmdlet !== "string" || cmdlet === "") {
    throw badEnvelope("CmdletInput must name a cmdlet in CmdletName.");
  }
  if (parameters !== undefined && !isPlainObject(parameters)) {
    throw badEnvelope("Parameters must be a JSON object.");
  }
  return { cmdlet, parameters: parameters ?? {} };
}

function requireOnEndpoint(
  tenant: Tenant,
  endpoint: string,
  given: string,
  cmdlet: CmdletName | undefined,
  parameters: Record<string, unknown>,
): void {
  // @assumed exchange.v2-other-refused: Anything else on a v2.0 endpoint answers 400 [refused, text unknown]
  const allowed = cmdlet === undefined ? undefined : endpoints[endpoint.toLowerCase()]?.[cmdlet];
  if (tenant.isContrary("exchange.v2-other-refused")) {
    return;
  }
  if (allowed === undefined) {
    throw notOnEndpoint(endpoint, `The cmdlet '${given}'`);
  }
  const stranger = Object.keys(parameters).find(
    (name) => !name.includes("@") && !allowed.some((each) => each.toLowerCase() === name.toLowerCase()),
  );
  if (stranger !== undefined) {
    throw notOnEndpoint(endpoint, `The parameter '${stranger}' of '${given}'`);
  }
}

/** One request inside a `$batch`. */
interface BatchEntry {
  id: string;
  method: string;
  url: string;
  headers: Record<string, string>;
  /** The body, parsed. */
  content: unknown;
}

function batchEntries(content: unknown): BatchEntry[] {
  // @assumed exchange.batch-size: A $batch holds at most 10 requests [the size CIPP sends]
  // @assumed exchange.batch-first-error: Without odata.continue-on-error a batch ends at its first error; later requests have no
  // answer [OData 4.01 JSON format, batch requests and responses]
  // @assumed exchange.batch-order: The requests of a $batch run one after the other, in their order [nothing public; CIPP writes
  // several permissions of one mailbox in one batch]
  const requests = isPlainObject(content) ? content.requests : undefined;
  if (!Array.isArray(requests) || requests.length === 0) {
    throw badEnvelope("The body of a batch must have the member requests with at least one request.");
  }
  const entries = requests.map(batchEntry);
  if (new Set(entries.map((entry) => entry.id)).size < entries.length) {
    throw badEnvelope("Each request of a batch must have an id of its own.");
  }
  return entries;
}

/** Of entries that change the same list of the same mailbox all but the last one: what they write is written over. */
function overtaken(entries: readonly BatchEntry[]): Set<string> {
  // The setting batchesRunInParallel shows what would come of it if exchange.batch-order did not hold: a change reads the whole security
  // descriptor and saves it (Exchange 15.00.1497, decompiled). Nobody reports such a loss.
  const last = new Map<string, string>();
  const lists = entries.map(({ id, content }): [string, string] | undefined => {
    const { cmdlet, parameters } = cmdletInput(content);
    const [, list] = /^(?:Add|Remove)-((?:Mailbox|Recipient)Permission)$/i.exec(cmdlet) ?? [];
    return list === undefined ? undefined : [id, `${list} ${String(parameters.Identity)}`.toLowerCase()];
  });
  for (const [id, list] of lists.filter((one) => one !== undefined)) {
    last.set(list, id);
  }
  return new Set(lists.flatMap((one) => (one !== undefined && last.get(one[1]) !== one[0] ? [one[0]] : [])));
}

/** Puts the permissions back to what they were. */
function undo(tenant: Tenant, before: readonly [string, Permission][]): void {
  const former = new Map(before);
  const made = tenant.store.entries(tables.permissions).filter(([key]) => !former.has(key));
  tenant.store.commit([
    ...made.map(([key]) => [tables.permissions, key, null] as const),
    ...before.map(([key, row]) => [tables.permissions, key, row] as const),
  ]);
}

function batchEntry(value: unknown): BatchEntry {
  const { id, method, url, headers, body } = isPlainObject(value) ? value : {};
  if ((typeof id !== "string" && typeof id !== "number") || typeof method !== "string" || typeof url !== "string") {
    throw badEnvelope("Each request of a batch must have id, method and url.");
  }
  const given = isPlainObject(headers) ? headers : {};
  return {
    id: String(id),
    method: method.toUpperCase(),
    url,
    headers: Object.fromEntries(Object.entries(given).map(([name, each]) => [name.toLowerCase(), String(each)])),
    content: typeof body === "string" ? parsedJson(body) : (body ?? {}),
  };
}

/** An inner request as if it had come alone: the batch's headers, its own over them; its url may be absolute or relative. */
function innerRequest(outer: ExchangeRequest, target: Target, entry: BatchEntry): ExchangeRequest {
  const root = `${outer.url.origin}/adminapi/${target.version}/${target.tenant}/`;
  let url: URL;
  try {
    // The host of an absolute url is the service's own name, which a proxy or the loopback may stand in for.
    const { pathname, search } = new URL(entry.url, root);
    url = new URL(pathname + search, outer.url.origin);
  } catch {
    throw badEnvelope(`The url of the request '${entry.id}' isn't valid.`);
  }
  if (/\/\$batch\/?$/i.test(url.pathname)) {
    throw badEnvelope("A batch can't hold a batch.");
  }
  const { "client-request-id": _, ...headers } = outer.headers;
  return { method: entry.method, url, headers: { ...headers, ...entry.headers }, content: entry.content };
}

function contextOf(url: URL): string {
  const tenantRoot = url.pathname.split("/").slice(0, 4).join("/");
  return `${url.origin}${tenantRoot}/$metadata#Collection(Exchange.GenericHashTable)`;
}

function json(body: unknown, status: number, headers: Record<string, string> = {}): Answer {
  return {
    status,
    headers: { "content-type": "application/json; odata.metadata=minimal; charset=utf-8", ...headers },
    body,
  };
}

/** The challenge of Exchange Online: Bearer with where to get a token; without any authorization Basic is offered, too. */
function unauthenticated(tenant: Tenant, request: ExchangeRequest): Answer {
  // @observed exchange.unauthorized-status: No token or no Exchange app role answers 401 with a Bearer challenge; without
  // authorization Basic is offered, too [tests of azure_auth's client, graph2otel wire captures]
  // @assumed exchange.unauthorized-body: A 401 has an empty body [nobody wrote the body down]
  const challenge = [
    'Bearer client_id="00000002-0000-0ff1-ce00-000000000000"',
    'trusted_issuers="00000001-0000-0000-c000-000000000000@*"',
    'token_types="app_asserted_user_v1 service_asserted_app_v1"',
    `authorization_uri="${request.url.origin}/common/oauth2/authorize"`,
    'error="invalid_token"',
    ...(request.headers.authorization === undefined ? ['Basic realm=""'] : []),
  ];
  const headers = { "www-authenticate": challenge.join(", ") };
  return tenant.isContrary("exchange.unauthorized-body")
    ? json(unauthorized().body, 401, { ...headers, "content-type": "application/json; charset=utf-8" })
    : { status: 401, headers };
}

/**
 * No role, or no such cmdlet. The body is NUL bytes that claim to be gzip, so that clients fail to decode it. `reason` is told in
 * a header when roles decided; without one a token is too old to carry what was granted, or nobody knows the cmdlet.
 */
function forbidden(reason?: string): Answer {
  // @observed exchange.forbidden-body: A token without a role in Exchange, and an unknown cmdlet, answer 403 with a body of NUL
  // bytes that calls itself gzip [four independent clients; bodies of 336 and 985 bytes]
  // @observed exchange.forbidden-reason: A 403 for want of a role carries x-ms-diagnostics 2000003 with a reason; without one the
  // token is stale or the cmdlet unknown [azapptoolkit]
  const told = { "x-ms-diagnostics": `2000003;reason="${reason}";error_category="invalid_grant"` };
  const headers = { "content-encoding": "gzip", ...(reason === undefined ? {} : told) };
  return { status: 403, headers, body: Buffer.alloc(336) };
}
