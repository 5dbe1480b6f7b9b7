/**
 * Fault rules: what goes wrong, on which request, how often. They are set through the control interface (POST /_tenant/faults)
 * and live in memory only.
 *
 * The server applies them to every request. A service that runs inner requests of its own (a `$batch`) wraps each of them as
 * well, so that a rule can hit one of them:
 *
 *     const response = await applyFault(tenant, { service: "exchange", method: "POST", path, cmdlet }, () => runInner(...));
 *
 * The callback gives the inner answer as a `Response`; so does `applyFault`, possibly without having called it. A rule that closes
 * the connection closes that of the whole batch.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import { setTimeout as wait } from "node:timers/promises";
import { z } from "zod";
import { overtake } from "./dataverse/other-writers";
import type { Tenant } from "./tenant";

export type ServiceName = "exchange" | "graph" | "dataverse" | "login";

/** What a rule is matched against. `cmdlet` is Exchange's only; the request that carries a `$batch` has none. */
export interface RequestFacts {
  service: ServiceName;
  method: string;
  /** Path and query as sent. */
  path: string;
  cmdlet?: string | undefined;
}

/** A fault rule: on which requests what goes wrong. Conditions that are given must all hold; a rule without any matches every request. */
export interface Fault {
  service?: ServiceName | undefined;
  method?: string | undefined;
  /** Part of path and query, without regard to case; between slashes (`/…/`) a regular expression. */
  path?: string | undefined;
  /** Exchange's cmdlet, without regard to case. */
  cmdlet?: string | undefined;
  /** Matching requests that pass unharmed first. Default: 0. */
  after?: number | undefined;
  /** Requests hit after that; "always" until the rule is removed. Default: 1. */
  times?: number | "always" | undefined;
  /** Milliseconds to wait before the request is served, or before the other effect. */
  delay?: number | undefined;
  /** What is answered in place of the service's own answer. Not beside `close`. */
  answer?: FaultAnswer | undefined;
  /** Dataverse: another writer changes the row that the path names just before the request is served; its ETag is stale then. */
  overtake?: true | undefined;
  /** The connection is closed with no answer: before the service ran, or after it committed its write. */
  close?: "before" | "after" | undefined;
}

/** An answer that a fault rule gives. */
export interface FaultAnswer {
  /** 200 to 599. */
  status: number;
  headers?: Record<string, string> | undefined;
  /** An object or array is sent as JSON, a string as it is. Absent: no body. */
  body?: unknown;
  /** Raw bytes in base64 in place of `body`: truncated gzip, NUL bytes. */
  base64?: string | undefined;
  /** "after": the service runs and commits, then this answer replaces its own. Default: "before", and it does not run. */
  when?: "before" | "after" | undefined;
}

/** A rule with its number and how often it matched and hit so far. */
export interface FaultRule {
  id: number;
  rule: Fault & { after: number; times: number | "always" };
  matched: number;
  hit: number;
}

const answerSchema = z.strictObject({
  status: z.number().int().min(200).max(599),
  headers: z.record(z.string(), z.string()).default({}),
  body: z.unknown().optional(),
  base64: z.base64().optional(),
  when: z.enum(["before", "after"]).default("before"),
});

/** A fault rule as the control interface takes it. */
export const faultSchema: z.ZodType<FaultRule["rule"], Fault> = z
  .strictObject({
    service: z.enum(["exchange", "graph", "dataverse", "login"]).optional(),
    method: z.string().optional(),
    path: z.string().optional(),
    cmdlet: z.string().optional(),
    after: z.number().int().min(0).default(0),
    times: z.union([z.number().int().min(1), z.literal("always")]).default(1),
    delay: z.number().min(0).optional(),
    answer: answerSchema.optional(),
    overtake: z.literal(true).optional(),
    close: z.enum(["before", "after"]).optional(),
  })
  .refine(
    (rule) =>
      rule.delay !== undefined || rule.answer !== undefined || rule.close !== undefined || rule.overtake !== undefined,
    { message: "a rule needs an effect: answer, close, delay or overtake" },
  )
  .refine((rule) => rule.overtake === undefined || rule.service === "dataverse", {
    message: 'overtake goes with service "dataverse"',
  })
  .refine((rule) => rule.answer === undefined || rule.close === undefined, {
    message: "answer and close exclude each other",
  })
  .refine((rule) => pattern(rule.path) !== undefined, { message: "path is not a valid regular expression" });

interface FaultRules {
  next: number;
  rules: FaultRule[];
}

const byTenant = new WeakMap<Tenant, FaultRules>();

/** Whether the connection of the request in hand is to be closed in place of an answer. */
const connection = new AsyncLocalStorage<{ close: boolean }>();

function rulesOf(tenant: Tenant): FaultRules {
  const known = byTenant.get(tenant) ?? { next: 1, rules: [] };
  byTenant.set(tenant, known);
  return known;
}

export function addFault(tenant: Tenant, rule: FaultRule["rule"]): FaultRule {
  const known = rulesOf(tenant);
  const added = { id: known.next, rule, matched: 0, hit: 0 };
  known.next += 1;
  known.rules.push(added);
  return added;
}

export function faultsOf(tenant: Tenant): readonly FaultRule[] {
  return rulesOf(tenant).rules;
}

/** Removes the rule with this id, or every rule; answers how many. */
export function removeFaults(tenant: Tenant, id?: number): number {
  const known = rulesOf(tenant);
  const before = known.rules.length;
  known.rules = id === undefined ? [] : known.rules.filter((rule) => rule.id !== id);
  return before - known.rules.length;
}

/** Serves a request by `run`, unless a rule says otherwise; see the head of this file. */
export async function applyFault(
  tenant: Tenant,
  facts: RequestFacts,
  run: () => Response | Promise<Response>,
): Promise<Response> {
  const fault = due(tenant, facts);
  if (fault === undefined) {
    return await run();
  }
  if (fault.delay !== undefined) {
    await wait(fault.delay, undefined, { ref: false });
  }
  if (fault.overtake !== undefined) {
    overtake(tenant, facts.path);
  }
  if (fault.close !== undefined) {
    const answer = fault.close === "after" ? await run() : new Response(null, { status: 503 });
    const held = connection.getStore();
    if (held !== undefined) {
      held.close = true;
    }
    return answer;
  }
  if (fault.answer === undefined) {
    return await run();
  }
  if (fault.answer.when === "after") {
    await run();
  }
  return answerOf(fault.answer);
}

/** Runs `serve` and tells whether a rule wants its connection closed without an answer. */
export async function watchConnection(serve: () => Promise<Response>): Promise<{ response: Response; close: boolean }> {
  const held = { close: false };
  const response = await connection.run(held, serve);
  return { response, close: held.close };
}

/** The first rule that matches and is due; every rule that matches counts the request. */
function due(tenant: Tenant, facts: RequestFacts): Fault | undefined {
  let found: Fault | undefined;
  for (const entry of rulesOf(tenant).rules) {
    if (!matches(entry.rule, facts)) {
      continue;
    }
    entry.matched += 1;
    const left = entry.rule.times === "always" || entry.hit < entry.rule.times;
    if (found === undefined && entry.matched > entry.rule.after && left) {
      entry.hit += 1;
      found = entry.rule;
    }
  }
  return found;
}

function matches(rule: Fault, facts: RequestFacts): boolean {
  return (
    (rule.service === undefined || rule.service === facts.service) &&
    (rule.method === undefined || rule.method.toUpperCase() === facts.method.toUpperCase()) &&
    (rule.cmdlet === undefined || rule.cmdlet.toLowerCase() === facts.cmdlet?.toLowerCase()) &&
    (pattern(rule.path)?.test(facts.path) ?? true)
  );
}

/** The expression a rule's path stands for; undefined when it is not a valid one. */
function pattern(path: string | undefined): RegExp | undefined {
  const expression = /^\/(.*)\/([a-z]*)$/s.exec(path ?? "");
  try {
    return expression?.[1] === undefined
      ? new RegExp((path ?? "").replace(/[.*+?^${}()|[\]\\]/g, "\\$&"), "i")
      : new RegExp(expression[1], expression[2]?.replace(/[gy]/g, ""));
  } catch {
    return undefined;
  }
}

function answerOf(answer: FaultAnswer): Response {
  const headers = new Headers(answer.headers);
  if (answer.base64 !== undefined) {
    return new Response(Buffer.from(answer.base64, "base64"), { status: answer.status, headers });
  }
  if (answer.body === undefined || answer.status === 204 || answer.status === 304) {
    return new Response(null, { status: answer.status, headers });
  }
  const isText = typeof answer.body === "string";
  if (!headers.has("Content-Type")) {
    headers.set("Content-Type", isText ? "text/plain; charset=utf-8" : "application/json; charset=utf-8");
  }
  return new Response(isText ? String(answer.body) : JSON.stringify(answer.body), { status: answer.status, headers });
}
