import { type Call, limited } from "./call";
import { guid, type Row } from "./envelope";
import { objectNotFound } from "./errors";
import { formatSize, gigabyte, megabyte } from "./format";
import { Directory, sidOf } from "./identity";
import { mailboxPlans } from "./licenses";

/** Get-AcceptedDomain. */
export function getAcceptedDomain(call: Call): Row[] {
  const directory = new Directory(call.tenant, "seen");
  const rows = directory.domains.map((domain) => ({
    Identity: domain.domainName,
    Id: domain.domainName,
    Name: domain.domainName,
    DomainName: domain.domainName,
    DomainType: domain.domainType,
    Default: domain.isDefault,
    InitialDomain: domain.isInitial,
    MatchSubDomains: false,
    AuthenticationType: "Managed",
    OrganizationId: directory.organization.initialDomain,
  }));
  return limited(call, identified(call, rows));
}

/** Get-OrganizationConfig: the organisation's names and its own holds, which no mailbox shows. */
export function getOrganizationConfig({ tenant }: Call): Row[] {
  const { organization } = new Directory(tenant, "seen");
  return [
    {
      Identity: organization.initialDomain,
      Id: organization.initialDomain,
      Name: organization.initialDomain,
      DisplayName: organization.displayName,
      OrganizationId: organization.initialDomain,
      Guid: guid(organization.tenantId),
      ExternalDirectoryOrganizationId: guid(organization.tenantId),
      IsDehydrated: false,
      InPlaceHolds: organization.inPlaceHolds,
      AutoExpandingArchiveEnabled: false,
      SendFromAliasEnabled: false,
    },
  ];
}

/** Get-HostedOutboundSpamFilterPolicy: the default policy, under which outside addresses get no automatic forwards. */
export function getOutboundSpamPolicy(call: Call): Row[] {
  const { organization } = new Directory(call.tenant, "seen");
  return identified(call, [
    {
      Identity: "Default",
      Id: "Default",
      Name: "Default",
      IsDefault: true,
      Enabled: true,
      AutoForwardingMode: "Automatic",
      ActionWhenThresholdReached: "BlockUserForToday",
      RecipientLimitExternalPerHour: 0,
      RecipientLimitInternalPerHour: 0,
      RecipientLimitPerDay: 0,
      NotifyOutboundSpam: false,
      OrganizationId: organization.initialDomain,
    },
  ]);
}

/** Get-MailboxPlan: the plans licences put mailboxes on, with their quotas and message sizes. */
export function getMailboxPlan(call: Call): Row[] {
  const plans = [
    { name: mailboxPlans.standard, displayName: "ExchangeOnline", isDefault: false, quota: 50 },
    { name: mailboxPlans.enterprise, displayName: "ExchangeOnlineEnterprise", isDefault: true, quota: 100 },
  ];
  const rows = plans.map(({ name, displayName, isDefault, quota }) => ({
    Identity: name,
    Id: name,
    Name: name,
    Alias: name,
    DisplayName: displayName,
    IsDefault: isDefault,
    Sid: sidOf(name),
    IssueWarningQuota: formatSize((quota === 50 ? 49 : 98) * gigabyte),
    ProhibitSendQuota: formatSize((quota === 50 ? 49.5 : 99) * gigabyte),
    ProhibitSendReceiveQuota: formatSize(quota * gigabyte),
    MaxSendSize: formatSize(35 * megabyte),
    MaxReceiveSize: formatSize(36 * megabyte),
    RetainDeletedItemsFor: "14.00:00:00",
  }));
  return limited(call, identified(call, rows));
}

/** The rows that Identity names by name; without one all of them. */
function identified<T extends { Name: string; DisplayName?: string }>({ bound }: Call, rows: T[]): T[] {
  const identity = bound.text("Identity") ?? "";
  if (identity.trim() === "") {
    return rows;
  }
  const wanted = identity.toLowerCase();
  const found = rows.filter((row) => [row.Name, row.DisplayName].some((name) => name?.toLowerCase() === wanted));
  if (found.length === 0) {
    throw objectNotFound(identity);
  }
  return found;
}
