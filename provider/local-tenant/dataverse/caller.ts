import { setTimeout as delay } from "node:timers/promises";
import { callerOf } from "../login/tokens";
import type { Answer } from "../message";
import type { Tenant } from "../tenant";
import { dataverseTables } from "./columns";
import {
  type DataverseError,
  notAMember,
  privilegeDenied,
  tooManyConcurrentRequests,
  tooManyRequests,
  tooMuchExecutionTime,
  unauthorized,
  userDisabled,
} from "./errors";
import { type SecurityRole, type SystemUserRow, schema, type Table } from "./schema";

/** What a request wants to do with a table; named in the privilege it needs. */
export type Action = "Create" | "Read" | "Write" | "Delete" | "Assign" | "Append" | "AppendTo";

const readers: SecurityRole[] = ["System Administrator", "System Customizer", "Basic User"];
const writers: SecurityRole[] = ["System Administrator", "System Customizer"];

/** The application user behind a request. Throws 401 without a good token, 403 when the application is no user here. */
export function userOf(tenant: Tenant, authorization: string | undefined): SystemUserRow {
  // @observed dataverse.no-application-user: An application without an application user gets 403 with 0x80072560
  // [microsoft/powercat-business-approvals-kit issue 293, MicrosoftDocs/power-platform issue 2124]
  const caller = callerOf(tenant, authorization, "dataverse");
  if (caller === undefined) {
    throw unauthorized();
  }
  const id = caller.application.dataverseUserId;
  const user = id === undefined ? undefined : tenant.store.get<SystemUserRow>(dataverseTables.systemuser, id);
  if (user === undefined) {
    throw notAMember();
  }
  if (user.isdisabled) {
    throw userDisabled(user.systemuserid);
  }
  return user;
}

/** Throws PrivilegeDenied unless one of the user's roles lets it do that to rows of the table. */
export function demand(user: SystemUserRow, action: Action, table: Table): void {
  const refusal = refusalOf(user, action, table);
  if (refusal !== undefined) {
    throw refusal;
  }
}

/** What a security role holds of a table. */
function holds(role: SecurityRole, action: Action): boolean {
  // @documented dataverse.missing-privilege: A missing privilege is 403 with 0x80040220 [powerapps-docs,
  // data-platform/includes/data-service-errors.md]
  // @documented dataverse.roles: A Basic User reads mailbox records and may change none: 403 with 0x80040220 [power-platform docs,
  // admin/create-forward-mailboxes-edit-mailboxes.md: mailbox records need System Administrator or System Customizer; other roles
  // are not simulated]
  return (action === "Read" ? readers : writers).includes(role);
}

function refusalOf(user: SystemUserRow, action: Action, table: Table): DataverseError | undefined {
  return user.roles.some((role) => holds(role, action))
    ? undefined
    : privilegeDenied(user.systemuserid, user.roles.length, privilegeName(action, table), table);
}

/** `prvWriteMailbox`; the privileges of users are named after no table. */
function privilegeName(action: Action, table: Table): string {
  return `prv${action}${table.name === "systemuser" ? "User" : table.schemaName}`;
}

const actions: readonly Action[] = ["Create", "Read", "Write", "Delete", "Assign", "Append", "AppendTo"];

/**
 * The privileges that a user's roles give, by name.
 *
 * @see https://learn.microsoft.com/power-apps/developer/data-platform/webapi/reference/retrieveuserprivileges
 */
export function privilegesOf(user: SystemUserRow): string[] {
  // @documented dataverse.user-privileges: RetrieveUserPrivileges names the privileges of a user's roles, each with its depth
  // [powerapps-docs, data-platform/security-access-coding.md and webapi/reference/retrieveuserprivileges]
  const ofTables = Object.values(schema).flatMap((table) =>
    actions
      .filter((action) => user.roles.some((role) => holds(role, action)))
      .map((action) => privilegeName(action, table)),
  );
  return [...ofTables, ...(user.roles.includes("System Administrator") ? ["prvApproveRejectEmailAddress"] : [])];
}

/** Whether the user may approve e-mail addresses by its roles: administrator and delegated approver, both. */
export function mayApprove(user: SystemUserRow): boolean {
  return user.roles.includes("System Administrator") && user.roles.includes("Delegated Mailbox Approver");
}

/** A request that counts: when it came, by the tenant's clock, and how long it took; both in milliseconds. */
interface Served {
  at: number;
  duration: number;
}

/** What one user asked for of late. */
interface Use {
  served: Served[];
  inFlight: number;
}

const byTenant = new WeakMap<Tenant, Map<string, Use>>();

/** Forgets what users asked for so far: a tenant that is reset starts with all limits unused. */
export function forgetUse(tenant: Tenant): void {
  byTenant.delete(tenant);
}

/**
 * Serves a user's request within `Settings.serviceProtection`. One beyond a limit throws its 429 and is not served; it does not
 * count either. The answer carries what is left, in the headers Microsoft means for debugging.
 */
export async function protect(tenant: Tenant, userId: string, serve: () => Promise<Answer>): Promise<Answer> {
  const { latency } = tenant.settings.serviceProtection;
  const use = useOf(tenant, userId);
  slide(tenant, use);
  refuseBeyondLimits(tenant, use);
  const request: Served = { at: tenant.now(), duration: 0 };
  use.served.push(request);
  use.inFlight += 1;
  try {
    if (latency > 0) {
      await delay(latency);
    }
    const answer = await serve();
    request.duration = Math.max(0, tenant.now() - request.at);
    return { ...answer, headers: { ...answer.headers, ...remaining(tenant, use) } };
  } finally {
    use.inFlight -= 1;
  }
}

function useOf(tenant: Tenant, userId: string): Use {
  const users = byTenant.get(tenant) ?? new Map<string, Use>();
  byTenant.set(tenant, users);
  const use = users.get(userId) ?? { served: [], inFlight: 0 };
  users.set(userId, use);
  return use;
}

/** Drops what has left the window. */
function slide(tenant: Tenant, use: Use): void {
  const now = tenant.now();
  const start = now - tenant.settings.serviceProtection.window;
  // A clock that was put back leaves requests in the future; nobody could wait for those to leave.
  use.served = use.served.filter(({ at }) => at > start && at <= now);
}

function refuseBeyondLimits(tenant: Tenant, use: Use): void {
  // @documented dataverse.service-limits: A user has 6000 requests, 1200 s of execution time in a sliding window of 300 s, and 52
  // requests at once; beyond it is a 429 with 0x80072322, 0x80072321, 0x80072326 and Retry-After [powerapps-docs,
  // data-platform/api-limits.md; code of the third from powerapps-docs, data-platform/includes/data-service-errors.md]
  const limits = tenant.settings.serviceProtection;
  const told = (seconds: number) => (tenant.isContrary("dataverse.retry-after") ? undefined : seconds);
  const { served } = use;
  const left = remaining(tenant, use);
  if (use.inFlight >= limits.concurrency) {
    throw tooManyConcurrentRequests(limits, told(Math.max(1, Math.ceil(limits.latency / 1000))), left);
  }
  if (served.length >= limits.requests) {
    throw tooManyRequests(limits, told(secondsUntilGone(tenant, served[served.length - limits.requests])), left);
  }
  let time = total(served);
  if (time > limits.executionTime) {
    const last = served.find(({ duration }) => {
      time -= duration;
      return time <= limits.executionTime;
    });
    throw tooMuchExecutionTime(limits, told(secondsUntilGone(tenant, last)), left);
  }
}

function total(served: readonly Served[]): number {
  return served.reduce((sum, { duration }) => sum + duration, 0);
}

/** Whole seconds until a request has left the window; the whole window for one that never came. */
function secondsUntilGone(tenant: Tenant, request: Served | undefined): number {
  // @assumed dataverse.retry-after: Retry-After is the time until enough has left the window (1 s for too many at once); refused
  // requests do not count [powerapps-docs, data-platform/api-limits.md says only that it grows with the demand]
  const now = tenant.now();
  const gone = (request?.at ?? now) + tenant.settings.serviceProtection.window;
  return Math.max(1, Math.ceil((gone - now) / 1000));
}

/** Made once: to make a format takes longer than a request. */
const twoDecimals = new Intl.NumberFormat("en-US", { minimumFractionDigits: 2, maximumFractionDigits: 2 });

function remaining(tenant: Tenant, { served }: Use): Record<string, string> {
  // @documented dataverse.remaining-headers: Every answer tells the requests left, and the execution time left in seconds with two
  // decimals [powerapps-docs, data-platform/api-limits.md; the number format is assumed]
  const limits = tenant.settings.serviceProtection;
  const seconds = Math.max(0, limits.executionTime - total(served)) / 1000;
  return {
    "x-ms-ratelimit-burst-remaining-xrm-requests": String(Math.max(0, limits.requests - served.length)),
    "x-ms-ratelimit-time-remaining-xrm-requests": twoDecimals.format(seconds),
  };
}
