/**
 * Fault rules: what goes wrong, on which request, how often. They are set through the control interface (POST /_tenant/faults)
 * and live in memory only.
 *
 * The server applies them to every request. A service that runs inner requests of its own (a `$batch`) wraps each of them as
 * well, so that a rule can hit one of them:
 *
 *     const answer = await applyFault(tenant, { service: "exchange", method: "POST", path, cmdlet }, () => runInner(...));
 *
 * The callback may not be called at all. A rule that closes the connection marks the answer as lost; one of a batch makes the whole
 * batch's answer lost.
 */
import { setTimeout as wait } from "node:timers/promises";
import { z } from "zod";
import { overtake } from "./dataverse/work";
import { type Answer, lowerCased } from "./message";
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
  run: () => Answer | Promise<Answer>,
): Promise<Answer> {
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
    return { ...(fault.close === "after" ? await run() : { status: 503 }), isLost: true };
  }
  if (fault.answer === undefined) {
    return await run();
  }
  if (fault.answer.when === "after") {
    await run();
  }
  return answerOf(fault.answer);
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

function answerOf({ status, headers: given, body, base64 }: FaultAnswer): Answer {
  const headers = lowerCased(given);
  if (base64 !== undefined) {
    return { status, headers, body: Buffer.from(base64, "base64") };
  }
  if (body === undefined || status === 204 || status === 304) {
    return { status, headers };
  }
  const type = typeof body === "string" ? "text/plain; charset=utf-8" : "application/json; charset=utf-8";
  return { status, headers: { "content-type": type, ...headers }, body };
}
