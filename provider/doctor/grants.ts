/** The commands that give an application what it lacks, as Microsoft's pages have them. */
import type { Right } from "./rights";

/** Whom something is given to, and where. */
export interface Place {
  tenantId: string;
  applicationId: string;
  /** Object id of the application's service principal. */
  principalId: string;
  applicationName: string;
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
export function grantOf({ holding, service, name }: Right, place: Place, missing: readonly string[]): Grant[] {
  switch (holding.in) {
    case "token":
      return [appRole(name, service === "exchange" ? "exchange" : "graph", place)];
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
