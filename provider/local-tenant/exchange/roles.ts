import { servicePrincipalId } from "../login/tokens";
import { type Application, tables } from "../model";
import type { Tenant } from "../tenant";
import { keysOf } from "../values";
import type { Bound } from "./binding";
import type { Call } from "./call";
import type { Row } from "./envelope";
import { objectNotFound, outOfWriteScope, unknownParameter } from "./errors";
import { Directory, hasMailbox } from "./identity";
import type { CmdletName } from "./parameters";

const readers: readonly CmdletName[] = [
  "Get-CASMailbox",
  "Get-Group",
  "Get-Mailbox",
  "Get-MailboxAutoReplyConfiguration",
  "Get-MailboxPermission",
  "Get-MailboxPlan",
  "Get-MailboxRegionalConfiguration",
  "Get-MailboxStatistics",
  "Get-Recipient",
  "Get-User",
];

/** Management roles, and the cmdlets of each; "Send As Readers" is a custom one with a single cmdlet. */
const roles = {
  // @observed exchange.role-cmdlets: View-Only Recipients reads but not Send As, Mail Recipient Creation makes and removes mailboxes,
  // Mail Recipients does the rest to them, View-Only Configuration reads domains, the organisation and role assignments
  // [office-docs-powershell 9428, Microsoft365DSC settings.json of EXOSharedMailbox and EXOAcceptedDomain]
  "View-Only Recipients": readers,
  "View-Only Configuration": [
    "Get-AcceptedDomain",
    "Get-HostedOutboundSpamFilterPolicy",
    "Get-MailboxPlan",
    "Get-ManagementRoleAssignment",
    "Get-OrganizationConfig",
  ],
  "Mail Recipient Creation": [...readers, "New-Mailbox", "Remove-Mailbox", "Undo-SoftDeletedMailbox"],
  "Mail Recipients": [
    ...readers,
    "Add-MailboxPermission",
    "Add-RecipientPermission",
    "Disable-InboxRule",
    "Disable-Mailbox",
    "Enable-InboxRule",
    "Enable-Mailbox",
    "Get-InboxRule",
    "Get-RecipientPermission",
    "New-InboxRule",
    "Remove-InboxRule",
    "Remove-MailboxPermission",
    "Remove-RecipientPermission",
    "Set-CASMailbox",
    "Set-InboxRule",
    "Set-Mailbox",
    "Set-MailboxAutoReplyConfiguration",
    "Set-MailboxRegionalConfiguration",
    "Set-User",
  ],
  "Legal Hold": ["Get-Mailbox", "Set-Mailbox"],
  "Send As Readers": ["Get-RecipientPermission"],
} as const satisfies Record<string, readonly CmdletName[]>;

/** A management role that the tenant knows. */
export type ManagementRole = keyof typeof roles;

/** The roles of an application: those it is seeded with, or all that its role group has. */
function rolesOf({ exchangeRoles, exchangeViewOnly }: Application): readonly ManagementRole[] {
  const all = keysOf(roles).filter((role) => role !== "Send As Readers");
  return exchangeRoles ?? (exchangeViewOnly === true ? ["View-Only Recipients", "View-Only Configuration"] : all);
}

/** Whether a role of the application has the cmdlet. */
export function mayRun(application: Application, cmdlet: CmdletName): boolean {
  // @observed exchange.role-refusal: A cmdlet that no role of the caller has is refused like one that does not exist
  // [office-docs-powershell 7365]
  const { exchangeRoles } = application;
  if (exchangeRoles === undefined) {
    return application.exchangeViewOnly !== true || cmdlet.startsWith("Get-");
  }
  return exchangeRoles.some((role) => {
    const held: readonly CmdletName[] = roles[role];
    return held.includes(cmdlet);
  });
}

/** Refuses the parameters of a cmdlet that no role of the application has. */
export function demandParameters(application: Application, cmdlet: CmdletName, names: readonly string[]): void {
  // @documented exchange.role-parameters: A parameter that no role of the caller has is unknown to it; those of litigation hold are in
  // Legal Hold alone [Exchange: Understanding management roles; Legal Hold role]
  const held = rolesOf(application);
  const hold = names.find((name) => /^LitigationHold/i.test(name));
  if (cmdlet === "Set-Mailbox" && hold !== undefined && !held.includes("Legal Hold")) {
    throw unknownParameter(hold);
  }
  const other = names.find((name) => !/^(LitigationHold|Identity$|Confirm$|Force$)/i.test(name));
  if (cmdlet === "Set-Mailbox" && other !== undefined && !held.includes("Mail Recipients")) {
    throw unknownParameter(other);
  }
}

/** Refuses a write about a mailbox that the application's write scope leaves out. */
export function demandScope(tenant: Tenant, { exchangeScope }: Application, cmdlet: CmdletName, bound: Bound): void {
  // @documented exchange.write-scope: A write about a recipient outside the write scope of the role assignment is refused [Exchange:
  // Understanding management role scopes]
  const identity = bound.text("Mailbox") ?? bound.text("Identity") ?? "";
  if (exchangeScope === undefined || cmdlet.startsWith("Get-") || identity === "") {
    return;
  }
  const directory = new Directory(tenant, "latest");
  const [mailbox] = directory.matches(identity.replace(/\\[^\\]+$/, ""), hasMailbox);
  if (mailbox !== undefined && !isInside(exchangeScope, mailbox)) {
    throw outOfWriteScope(mailbox.name);
  }
}

function isInside({ domain }: { domain: string }, { emailAddresses }: { emailAddresses: string[] }): boolean {
  const primary = emailAddresses.find((one) => one.startsWith("SMTP:")) ?? "";
  return primary.toLowerCase().endsWith(`@${domain.toLowerCase()}`);
}

/** Get-ManagementRoleAssignment: what an application may do in Exchange, and to whom. */
export function getRoleAssignments({ tenant, bound }: Call): Row[] {
  // @documented exchange.role-assignments: RoleAssignee answers the assignments of an application and of its role groups, and
  // WritableRecipient those that let it change a recipient [reference of the cmdlet]
  const directory = new Directory(tenant, "seen");
  const writable = bound.text("WritableRecipient") ?? "";
  const recipient = writable === "" ? undefined : directory.recipient(writable);
  const assignee = bound.text("RoleAssignee")?.toLowerCase();
  const applications = tenant.store
    .all<Application>(tables.applications)
    .filter(
      ({ appId, displayName }) =>
        assignee === undefined ||
        [appId, servicePrincipalId(appId), displayName].some((name) => name.toLowerCase() === assignee),
    );
  if (assignee !== undefined && applications.length === 0) {
    throw objectNotFound(bound.text("RoleAssignee") ?? "");
  }
  return applications
    .filter(({ exchangeRbac }) => exchangeRbac)
    .filter(({ exchangeScope }) => {
      const isWritable = recipient === undefined || exchangeScope === undefined;
      return isWritable || isInside(exchangeScope, recipient);
    })
    .flatMap((application) => rolesOf(application).map((role) => assignment(application, role)));
}

function assignment(application: Application, role: ManagementRole): Row {
  const { appId, exchangeScope } = application;
  const name = `${role}-${servicePrincipalId(appId)}`;
  const reads = role.startsWith("View-Only") || role === "Send As Readers";
  return {
    Identity: name,
    Id: name,
    Name: name,
    Role: role,
    RoleAssignee: servicePrincipalId(appId),
    RoleAssigneeName: application.displayName,
    RoleAssigneeType: "ServicePrincipal",
    AssignmentMethod: "Direct",
    Enabled: true,
    RecipientReadScope: "Organization",
    RecipientWriteScope: reads ? "None" : exchangeScope === undefined ? "Organization" : "CustomRecipientScope",
    CustomRecipientWriteScope: exchangeScope?.name ?? null,
  };
}
