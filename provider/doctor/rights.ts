/**
 * Every right that an application may need, once: what `mailboxes doctor` asks for, what it prints when one is missing with the command
 * that gives it, and the list of `docs/permissions.md`.
 *
 * Nobody has tried these rights on a tenant of Microsoft's yet. `evidence` says how each is known; what is unverified is unverified
 * here and nowhere else.
 */
import type { Service } from "../http/call";

/** What an application is to do: look (`preview`, drift), deploy (`up`), or all that a program can ask for. */
export const PROFILES = ["preview", "up", "all"] as const;

/** One of {@link PROFILES}. */
export type Profile = (typeof PROFILES)[number];

/** What a program may declare, as far as it needs rights of its own. */
export const USES = [
  "mailboxes",
  "members",
  "licences",
  "usageLocation",
  "settings",
  "holds",
  "sources",
  "records",
  "recordChanges",
  "addresses",
  "queues",
  "owners",
  "userAddresses",
  "approval",
] as const;

/** One of {@link USES}. */
export type Use = (typeof USES)[number];

/** What the right is of: where it is looked for. */
export type Holding =
  /** App roles in the token: any one of them. `question`: a read below `/v1.0` that only this right opens. */
  | { in: "token"; roles: readonly string[]; question?: string }
  /** Cmdlets that a management role has. */
  | { in: "exchange"; role: string; cmdlets: readonly Question[] }
  /** Privileges of the application user in Dataverse. */
  | { in: "dataverse"; privileges: readonly string[] }
  /** Security roles of the application user in Dataverse: all of them. */
  | { in: "dataverseRoles"; roles: readonly string[]; privilege: string };

/** A cmdlet with parameters that make it change nothing, whatever comes of it. */
export interface Question {
  cmdlet: string;
  parameters: Readonly<Record<string, unknown>>;
  /** The cmdlet is in other roles too, and only its parameter tells. */
  isOfParameter?: true;
}

/** One right. */
export interface Right {
  /** Lasting name, for `--json`. */
  code: string;
  service: Service;
  /** What the service calls it. */
  name: string;
  /** What it is for. */
  purpose: string;
  /** The smallest profile that needs it. */
  from: Profile;
  /** Code of a right that includes this one: where both are needed, only that one is asked for. */
  includedIn?: string;
  /** Programs that need it: those that have one of these. */
  uses: readonly Use[];
  /** Programs that need it from `up` on. */
  usesInUp?: readonly Use[];
  holding: Holding;
  evidence: string;
  /** What works without it. */
  otherwise?: string;
  /** Microsoft's page. */
  page: string;
}

/** Stands for an object that nobody has: a new GUID takes its place each time. */
export const NOBODY = "00000000-0000-0000-0000-000000000000";

const GRAPH = "https://learn.microsoft.com/graph/permissions-reference";
const EXCHANGE = "https://learn.microsoft.com/exchange/permissions-exo/permissions-exo";
const CMDLETS = "https://learn.microsoft.com/powershell/exchange/find-exchange-cmdlet-permissions";
const SECURITY_ROLES = "https://learn.microsoft.com/power-platform/admin/security-roles-privileges";
const MAILBOXES = "https://learn.microsoft.com/power-platform/admin/create-forward-mailboxes-edit-mailboxes";

/** All rights, least first in each service. */
export const RIGHTS: readonly Right[] = [
  {
    code: "exchange-read",
    service: "exchange",
    name: "View-Only Recipients",
    purpose: "reading mailboxes, Full Access, Send on Behalf, recipients and sizes",
    from: "preview",
    includedIn: "exchange-change",
    uses: ["mailboxes", "members", "sources"],
    usesInUp: ["addresses"],
    holding: {
      in: "exchange",
      role: "View-Only Recipients",
      cmdlets: [
        { cmdlet: "Get-Mailbox", parameters: { ResultSize: 1 } },
        { cmdlet: "Get-Recipient", parameters: { ResultSize: 1 } },
        { cmdlet: "Get-User", parameters: { ResultSize: 1 } },
      ],
    },
    evidence: "Others'.",
    otherwise: "The Entra role Global Reader has it too.",
    page: EXCHANGE,
  },
  {
    code: "exchange-send-as-read",
    service: "exchange",
    name: "a role with Get-RecipientPermission",
    purpose: "reading Send As",
    from: "preview",
    includedIn: "exchange-change",
    uses: ["members"],
    holding: {
      in: "exchange",
      role: "Send As Readers",
      cmdlets: [{ cmdlet: "Get-RecipientPermission", parameters: { ResultSize: 1 } }],
    },
    evidence: "Documented, others'.",
    otherwise: "The roles of readers do not have this cmdlet. Without it, drift of Send As does not show.",
    page: CMDLETS,
  },
  {
    code: "exchange-configuration",
    service: "exchange",
    name: "View-Only Configuration",
    purpose: "checking domains, and holds of the whole organisation",
    from: "preview",
    uses: ["mailboxes"],
    usesInUp: ["addresses"],
    holding: {
      in: "exchange",
      role: "View-Only Configuration",
      cmdlets: [
        { cmdlet: "Get-AcceptedDomain", parameters: {} },
        { cmdlet: "Get-OrganizationConfig", parameters: {} },
      ],
    },
    evidence: "Documented.",
    otherwise: "Without it Exchange itself refuses a wrong domain, and a deletion warns that holds were not checked.",
    page: EXCHANGE,
  },
  {
    code: "exchange-change",
    service: "exchange",
    name: "Mail Recipients",
    purpose: "members, every change of a mailbox, and reading Send As",
    from: "up",
    uses: ["mailboxes", "members"],
    holding: {
      in: "exchange",
      role: "Mail Recipients",
      cmdlets: [
        { cmdlet: "Get-Mailbox", parameters: { ResultSize: 1 } },
        { cmdlet: "Get-RecipientPermission", parameters: { ResultSize: 1 } },
        { cmdlet: "Set-Mailbox", parameters: { Identity: NOBODY, CustomAttribute1: "" } },
        { cmdlet: "Set-CASMailbox", parameters: { Identity: NOBODY, PopEnabled: false } },
        ...["Add-MailboxPermission", "Remove-MailboxPermission"].map((cmdlet) => ({
          cmdlet,
          parameters: { Identity: NOBODY, User: NOBODY, AccessRights: ["FullAccess"], Confirm: false },
        })),
        ...["Add-RecipientPermission", "Remove-RecipientPermission"].map((cmdlet) => ({
          cmdlet,
          parameters: { Identity: NOBODY, Trustee: NOBODY, AccessRights: ["SendAs"], Confirm: false },
        })),
      ],
    },
    evidence: "Documented, others'.",
    page: EXCHANGE,
  },
  {
    code: "exchange-create",
    service: "exchange",
    name: "Mail Recipient Creation",
    purpose: "creating and deleting mailboxes",
    from: "up",
    uses: ["mailboxes"],
    holding: {
      in: "exchange",
      role: "Mail Recipient Creation",
      cmdlets: [
        // Without its mandatory Name the cmdlet makes nothing.
        { cmdlet: "New-Mailbox", parameters: { Shared: true } },
        { cmdlet: "Undo-SoftDeletedMailbox", parameters: { SoftDeletedObject: NOBODY } },
      ],
    },
    evidence: "Others'.",
    page: EXCHANGE,
  },
  {
    code: "exchange-hold",
    service: "exchange",
    name: "Legal Hold",
    purpose: "litigation hold",
    from: "all",
    uses: ["holds"],
    holding: {
      in: "exchange",
      role: "Legal Hold",
      cmdlets: [
        {
          cmdlet: "Set-Mailbox",
          parameters: { Identity: NOBODY, LitigationHoldEnabled: true },
          isOfParameter: true,
        },
      ],
    },
    evidence: "Unverified.",
    page: EXCHANGE,
  },
  {
    code: "graph-users-read",
    service: "graph",
    name: "User.Read.All",
    purpose: "reading the accounts of mailboxes and of people",
    from: "preview",
    uses: ["mailboxes", "members"],
    usesInUp: ["addresses"],
    holding: {
      in: "token",
      roles: ["User.Read.All", "User.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"],
      question: "/users?$top=1&$select=id",
    },
    evidence: "Documented.",
    page: `${GRAPH}#userreadall`,
  },
  {
    code: "graph-licences-read",
    service: "graph",
    name: "LicenseAssignment.Read.All",
    purpose: "reading licences",
    from: "preview",
    includedIn: "graph-licences",
    uses: ["licences"],
    holding: {
      in: "token",
      roles: [
        "LicenseAssignment.Read.All",
        "LicenseAssignment.ReadWrite.All",
        "Organization.Read.All",
        "Organization.ReadWrite.All",
        "Directory.Read.All",
        "Directory.ReadWrite.All",
      ],
      question: "/subscribedSkus?$select=skuId",
    },
    evidence: "Documented.",
    page: `${GRAPH}#licenseassignmentreadall`,
  },
  {
    code: "graph-settings-read",
    service: "graph",
    name: "MailboxSettings.Read",
    purpose: "reading automatic replies, regional settings, and inbox rules in sources",
    from: "preview",
    includedIn: "graph-settings",
    uses: ["settings", "sources"],
    holding: {
      in: "token",
      roles: ["MailboxSettings.Read", "MailboxSettings.ReadWrite"],
      question: "/users/MAILBOX/mailboxSettings",
    },
    evidence: "Documented.",
    otherwise:
      "Readers also run `Get-MailboxAutoReplyConfiguration` and `Get-MailboxRegionalConfiguration` of Exchange (unverified). Not " +
      "`Get-InboxRule`: it wants Mail Recipients, with the mailbox in its write scope.",
    page: `${GRAPH}#mailboxsettingsread`,
  },
  {
    code: "graph-account-block",
    service: "graph",
    name: "User.EnableDisableAccount.All",
    purpose: "blocking the account behind a mailbox",
    from: "up",
    uses: ["mailboxes"],
    holding: {
      in: "token",
      roles: ["User.EnableDisableAccount.All", "User.ReadWrite.All", "Directory.ReadWrite.All"],
    },
    evidence: "Documented, others'.",
    otherwise: "Where Graph refuses a block, `Set-Mailbox -AccountDisabled` of Exchange does it.",
    page: `${GRAPH}#userenabledisableaccountall`,
  },
  {
    code: "graph-sessions-revoke",
    service: "graph",
    name: "User.RevokeSessions.All",
    purpose: "revoking the sessions of an account that is blocked",
    from: "up",
    uses: ["mailboxes"],
    holding: { in: "token", roles: ["User.RevokeSessions.All", "User.ReadWrite.All", "Directory.ReadWrite.All"] },
    evidence: "Unverified.",
    otherwise: "Without it, sessions that are open stay open.",
    page: `${GRAPH}#userrevokesessionsall`,
  },
  {
    code: "graph-deleted-accounts",
    service: "graph",
    name: "User.DeleteRestore.All",
    purpose: "restoring and purging mailboxes",
    from: "up",
    uses: ["mailboxes"],
    holding: { in: "token", roles: ["User.DeleteRestore.All", "User.ReadWrite.All"] },
    evidence: "Documented, others'.",
    page: `${GRAPH}#userdeleterestoreall`,
  },
  {
    code: "graph-licences",
    service: "graph",
    name: "LicenseAssignment.ReadWrite.All",
    purpose: "licences",
    from: "up",
    uses: ["licences"],
    holding: {
      in: "token",
      roles: ["LicenseAssignment.ReadWrite.All", "User.ReadWrite.All", "Directory.ReadWrite.All"],
    },
    evidence: "Documented, others'.",
    page: `${GRAPH}#licenseassignmentreadwriteall`,
  },
  {
    code: "graph-settings",
    service: "graph",
    name: "MailboxSettings.ReadWrite",
    purpose: "automatic replies, regional settings, and inbox rules in sources",
    from: "up",
    uses: ["settings", "sources"],
    holding: { in: "token", roles: ["MailboxSettings.ReadWrite"] },
    evidence: "Others'.",
    otherwise:
      "It holds for every mailbox of the tenant. RBAC for Applications, with the role Application MailboxSettings.ReadWrite and a " +
      "scope, is narrower. Where Graph refuses, the cmdlets of Mail Recipients stand in (unverified for inbox rules).",
    page: `${GRAPH}#mailboxsettingsreadwrite`,
  },
  {
    code: "graph-usage-location",
    service: "graph",
    name: "User.ReadWrite.All",
    purpose: "the usage location of a licence",
    from: "all",
    uses: ["usageLocation"],
    holding: { in: "token", roles: ["User.ReadWrite.All", "Directory.ReadWrite.All"] },
    evidence: "Documented.",
    page: `${GRAPH}#userreadwriteall`,
  },
  {
    code: "dataverse-records-read",
    service: "dataverse",
    name: "read on Mailbox, Email Server Profile and Organization",
    purpose: "reading mailbox records",
    from: "preview",
    uses: ["records"],
    holding: {
      in: "dataverse",
      privileges: ["prvReadMailbox", "prvReadEmailServerProfile", "prvReadOrganization"],
    },
    evidence: "Unverified.",
    page: SECURITY_ROLES,
  },
  {
    code: "dataverse-owners-read",
    service: "dataverse",
    name: "read on User, Team and Queue",
    purpose: "reading owners, queues, and the users of mailbox records",
    from: "preview",
    uses: ["owners", "queues"],
    holding: { in: "dataverse", privileges: ["prvReadUser", "prvReadTeam", "prvReadQueue"] },
    evidence: "Unverified.",
    page: SECURITY_ROLES,
  },
  {
    code: "dataverse-records",
    service: "dataverse",
    name: "create, write, delete and append on Mailbox, append to on Email Server Profile",
    purpose: "forward mailboxes and other mailbox records",
    from: "up",
    uses: ["recordChanges"],
    holding: {
      in: "dataverse",
      privileges: [
        "prvCreateMailbox",
        "prvWriteMailbox",
        "prvDeleteMailbox",
        "prvAppendMailbox",
        "prvAppendToEmailServerProfile",
      ],
    },
    evidence: "Documented, the two of append unverified.",
    page: MAILBOXES,
  },
  {
    code: "dataverse-queues",
    service: "dataverse",
    name: "create, write and delete on Queue",
    purpose: "queues",
    from: "up",
    uses: ["queues"],
    holding: { in: "dataverse", privileges: ["prvCreateQueue", "prvWriteQueue", "prvDeleteQueue"] },
    evidence: "Unverified.",
    page: SECURITY_ROLES,
  },
  {
    code: "dataverse-user-addresses",
    service: "dataverse",
    name: "write on User",
    purpose: "the e-mail address of a user of Dynamics 365",
    from: "up",
    uses: ["userAddresses"],
    holding: { in: "dataverse", privileges: ["prvWriteUser"] },
    evidence: "Unverified.",
    page: SECURITY_ROLES,
  },
  {
    code: "dataverse-approval",
    service: "dataverse",
    name: "System Administrator, and Delegated Mailbox Approver",
    purpose: "approving an e-mail address",
    from: "up",
    uses: ["approval"],
    holding: {
      in: "dataverseRoles",
      roles: ["System Administrator", "Delegated Mailbox Approver"],
      privilege: "prvApproveRejectEmailAddress",
    },
    evidence: "Documented, others'.",
    otherwise:
      "Global administrator or Exchange administrator stands in for the second role. Whether an application's approval takes effect " +
      "differs in reports. The result is read back, and a warning says who must do it.",
    page: "https://learn.microsoft.com/power-platform/admin/connect-exchange-online#approve-mailboxes",
  },
];

/** The rights that a profile needs for these uses. */
export function rightsFor(profile: Profile, uses: readonly Use[] = USES): Right[] {
  const level = PROFILES.indexOf(profile);
  const needed = RIGHTS.filter(
    ({ from, uses: own, usesInUp = [] }) =>
      PROFILES.indexOf(from) <= level &&
      [...own, ...(profile === "preview" ? [] : usesInUp)].some((use) => uses.includes(use)),
  );
  return needed.filter(({ includedIn }) => !needed.some(({ code }) => code === includedIn));
}

/** Whom something is given to, and where. */
export interface Place {
  tenantId: string;
  applicationId: string;
  /** Object id of the application's service principal. */
  principalId: string;
  environmentUrl: string;
}

/** A command with the tool that runs it. */
export interface Grant {
  tool: "Microsoft Graph PowerShell" | "Exchange Online PowerShell" | "Power Platform CLI";
  lines: readonly string[];
}

/** Application ids of Microsoft's own services: the same in every tenant. */
const RESOURCES = {
  graph: "00000003-0000-0000-c000-000000000000",
  exchange: "00000002-0000-0ff1-ce00-000000000000",
} as const;

/** How the role group is named that these commands make and add to. */
const ROLE_GROUP = "pulumi-mailboxes";

/** Gives an app role, with admin consent. */
export function appRole(role: string, resource: keyof typeof RESOURCES, { tenantId, applicationId }: Place): Grant {
  return {
    tool: "Microsoft Graph PowerShell",
    lines: [
      `Connect-MgGraph -TenantId ${tenantId} -Scopes AppRoleAssignment.ReadWrite.All,Application.Read.All`,
      `$app = Get-MgServicePrincipal -Filter "appId eq '${applicationId}'"`,
      `$service = Get-MgServicePrincipal -Filter "appId eq '${RESOURCES[resource]}'"`,
      `$role = $service.AppRoles | Where-Object Value -eq "${role}"`,
      "New-MgServicePrincipalAppRoleAssignment -ServicePrincipalId $app.Id -PrincipalId $app.Id -ResourceId $service.Id -AppRoleId $role.Id",
    ],
  };
}

/** Makes the application known to Exchange, with a role group of its own. */
export function roleGroup(roles: readonly string[], place: Place): Grant {
  const names = roles.map((role) => `"${role}"`).join(",");
  return {
    tool: "Exchange Online PowerShell",
    lines: [
      ...(roles.includes(SEND_AS_READERS) ? sendAsReaders() : []),
      `New-ServicePrincipal -AppId ${place.applicationId} -ObjectId ${place.principalId} -DisplayName "${ROLE_GROUP}"`,
      `New-RoleGroup -Name "${ROLE_GROUP}" -Roles ${names} -Members ${place.principalId}`,
    ],
  };
}

const SEND_AS_READERS = "Send As Readers";

/** A management role that reads Send As and changes nothing. */
function sendAsReaders(): string[] {
  return [
    `New-ManagementRole -Name "${SEND_AS_READERS}" -Parent "Mail Recipients"`,
    `Get-ManagementRoleEntry "${SEND_AS_READERS}\\*" | Where-Object Name -ne "Get-RecipientPermission" | Remove-ManagementRoleEntry -Confirm:$false`,
  ];
}

/** Adds a management role to the application's role group. */
function managementRole(role: string, { principalId }: Place): Grant {
  return {
    tool: "Exchange Online PowerShell",
    lines: [
      ...(role === SEND_AS_READERS ? sendAsReaders() : []),
      `# The role group of the application: Get-RoleGroup | Where-Object Members -contains "${principalId}"`,
      `New-ManagementRoleAssignment -Role "${role}" -SecurityGroup "${ROLE_GROUP}"`,
    ],
  };
}

/** Makes the application a user of the environment, with a security role. */
export function securityRole(role: string, { environmentUrl, applicationId }: Place): Grant {
  return {
    tool: "Power Platform CLI",
    lines: [
      `pac admin assign-user --environment ${environmentUrl} --user ${applicationId} --role "${role}" --application-user`,
    ],
  };
}

/** The command for one right. */
export function grantOf({ holding, name }: Right, place: Place, missing: readonly string[]): Grant[] {
  switch (holding.in) {
    case "token":
      return [appRole(name, "graph", place)];
    case "exchange":
      return [managementRole(holding.role, place)];
    case "dataverse":
      // Microsoft's page names this role and System Administrator for changes; a role of one's own with the privileges is enough.
      return [
        securityRole(missing.every((one) => one.startsWith("prvRead")) ? "Basic User" : "System Customizer", place),
      ];
    case "dataverseRoles":
      return missing.map((role) => securityRole(role, place));
  }
}
