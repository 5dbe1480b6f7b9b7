import { callerOf } from "../login/tokens";
import type { Tenant } from "../tenant";
import { dataverseTables } from "./columns";
import { type DataverseError, notAMember, privilegeDenied, unauthorized, userDisabled } from "./errors";
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
