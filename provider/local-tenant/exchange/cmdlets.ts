import { keysOf, names } from "../values";
import type { Cmdlet } from "./call";
import {
  disableInboxRule,
  enableInboxRule,
  getInboxRule,
  newInboxRule,
  removeInboxRule,
  setInboxRule,
} from "./inbox-rule";
import {
  disableMailbox,
  enableMailbox,
  getMailbox,
  newMailbox,
  removeMailbox,
  undoSoftDeletedMailbox,
} from "./mailbox";
import { addMailboxPermission, getMailboxPermission, removeMailboxPermission } from "./mailbox-permission";
import { getAutoReply, getRegional, setAutoReply, setRegional } from "./mailbox-settings";
import { getAcceptedDomain, getMailboxPlan, getOrganizationConfig, getOutboundSpamPolicy } from "./organization";
import { type CmdletName, shapes } from "./parameters";
import { getRecipient } from "./recipient";
import { addRecipientPermission, getRecipientPermission, removeRecipientPermission } from "./recipient-permission";
import { getRoleAssignments } from "./roles";
import { getGroup, getUser, setUser } from "./security-principal";
import { getClientAccess, setClientAccess, setMailbox } from "./set-mailbox";
import { getStatistics } from "./statistics";

/** Every cmdlet the tenant runs. */
export const cmdlets: Readonly<Record<CmdletName, Cmdlet>> = {
  "New-Mailbox": newMailbox,
  "Get-Mailbox": getMailbox,
  "Set-Mailbox": setMailbox,
  "Get-CASMailbox": getClientAccess,
  "Set-CASMailbox": setClientAccess,
  "Remove-Mailbox": removeMailbox,
  "Undo-SoftDeletedMailbox": undoSoftDeletedMailbox,
  "Enable-Mailbox": enableMailbox,
  "Disable-Mailbox": disableMailbox,
  "Get-Recipient": getRecipient,
  "Get-User": getUser,
  "Get-Group": getGroup,
  "Set-User": setUser,
  "Add-MailboxPermission": addMailboxPermission,
  "Get-MailboxPermission": getMailboxPermission,
  "Remove-MailboxPermission": removeMailboxPermission,
  "Add-RecipientPermission": addRecipientPermission,
  "Get-RecipientPermission": getRecipientPermission,
  "Remove-RecipientPermission": removeRecipientPermission,
  "Get-MailboxStatistics": getStatistics,
  "Get-MailboxAutoReplyConfiguration": getAutoReply,
  "Set-MailboxAutoReplyConfiguration": setAutoReply,
  "Get-MailboxRegionalConfiguration": getRegional,
  "Set-MailboxRegionalConfiguration": setRegional,
  "Get-InboxRule": getInboxRule,
  "New-InboxRule": newInboxRule,
  "Set-InboxRule": setInboxRule,
  "Remove-InboxRule": removeInboxRule,
  "Enable-InboxRule": enableInboxRule,
  "Disable-InboxRule": disableInboxRule,
  "Get-AcceptedDomain": getAcceptedDomain,
  "Get-OrganizationConfig": getOrganizationConfig,
  "Get-HostedOutboundSpamFilterPolicy": getOutboundSpamPolicy,
  "Get-MailboxPlan": getMailboxPlan,
  "Get-ManagementRoleAssignment": getRoleAssignments,
};

/** The cmdlet of that name, written in any case; undefined for one the tenant does not have. */
export function cmdletNamed(name: string): CmdletName | undefined {
  return keysOf(shapes).find((each) => each.toLowerCase() === name.toLowerCase());
}

// What Exchange Online has and the local tenant does not, so that a client is told that instead of what the service says of a name it
// does not know. Names only; the admin API's own metadata and the cmdlets' reference have the rest.

/** Entity sets of the admin API's metadata, which the module's Get-EXO cmdlets and the admin center read. */
export const entitySets: readonly string[] = names(`
  BasicInfo Mailbox MailboxRecoverableItem MailboxAutoReplyConfiguration MailboxPlan CasMailbox Recipient RetentionPolicy
  RoleAssignmentPolicy AddressBookPolicy SharingPolicy User OutboundConnector InboundConnector HistoricalSearch ReportSchedule
  CalendarProcessing CmdletInfo Place RoleDefinitions ExchangeRoleGroup ExchangeRoleGroupMember ExchangeManagementScope
  RoleAssignments SecurityPrincipal DynamicDistributionGroup EligibleDistributionGroup UnifiedGroup MobileDeviceMailboxPolicy
`);

/** Cmdlets about mailboxes and their surroundings, in lower case. One the tenant comes to run is run, whatever stands here. */
export const otherCmdlets: ReadonlySet<string> = new Set(
  names(`
    Add-DistributionGroupMember Add-MailboxFolderPermission Add-MailboxLocation Add-RoleGroupMember Disable-App
    Disable-DistributionGroup Disable-MailUser Enable-App Enable-DistributionGroup Enable-MailUser Export-MailboxDiagnosticLogs
    Get-AddressBookPolicy Get-AddressList Get-ApplicationAccessPolicy Get-CalendarDiagnosticLog Get-CalendarProcessing
    Get-Clutter Get-ConnectionInformation Get-Contact Get-DistributionGroup Get-DistributionGroupMember
    Get-DynamicDistributionGroup Get-EligibleDistributionGroupForMigration Get-EmailAddressPolicy Get-EventsFromEmailConfiguration
    Get-EXOMailbox Get-EXOMailboxPermission Get-EXOMailboxStatistics Get-EXORecipient Get-EXORecipientPermission Get-FocusedInbox
    Get-InboundConnector Get-JournalRule Get-LinkedUser Get-MailboxAuditBypassAssociation
    Get-MailboxCalendarConfiguration Get-MailboxCalendarFolder Get-MailboxFolder Get-MailboxFolderPermission
    Get-MailboxFolderStatistics Get-MailboxIRMAccess Get-MailboxJunkEmailConfiguration Get-MailboxLocation
    Get-MailboxMessageConfiguration Get-MailboxRestoreRequest Get-MailboxSpellingConfiguration Get-MailboxUserConfiguration
    Get-MailContact Get-MailUser Get-ManagementRole Get-MessageTrace Get-MessageTraceV2
    Get-MigrationBatch Get-MobileDevice Get-MobileDeviceStatistics Get-OrganizationRelationship Get-OutboundConnector
    Get-OwaMailboxPolicy Get-Place Get-QuarantineMessage Get-RecoverableItems Get-RemoteDomain Get-ResourceConfig
    Get-RetentionPolicy Get-RoleAssignmentPolicy Get-RoleGroup Get-RoleGroupMember Get-SecurityPrincipal Get-ServicePrincipal
    Get-SharingPolicy Get-SweepRule Get-TransportConfig Get-TransportRule Get-UnifiedGroup Get-UnifiedGroupLinks
    Get-UserPhoto New-ApplicationAccessPolicy New-DistributionGroup New-DynamicDistributionGroup New-MailboxRestoreRequest
    New-MailContact New-MailMessage New-MailUser New-ManagementRoleAssignment New-MoveRequest New-RemoteDomain New-ServicePrincipal
    New-SweepRule New-TransportRule New-UnifiedGroup Remove-DistributionGroup Remove-DistributionGroupMember
    Remove-MailboxFolderPermission Remove-MailboxRestoreRequest Remove-MailboxUserConfiguration Remove-MailContact Remove-MailUser
    Remove-RoleGroupMember Remove-SweepRule Remove-TransportRule Remove-UnifiedGroup Resume-MailboxRestoreRequest
    Search-AdminAuditLog Search-UnifiedAuditLog Set-CalendarProcessing Set-Clutter Set-Contact
    Set-DistributionGroup Set-EventsFromEmailConfiguration Set-FocusedInbox Set-Group Set-MailboxAuditBypassAssociation
    Set-MailboxCalendarConfiguration Set-MailboxFolderPermission Set-MailboxJunkEmailConfiguration Set-MailboxMessageConfiguration
    Set-MailboxPlan Set-MailboxSpellingConfiguration Set-MailContact Set-MailUser Set-OrganizationConfig Set-OwaMailboxPolicy
    Set-Place Set-RemoteDomain Set-RetentionPolicy Set-TransportConfig Set-TransportRule Set-UnifiedGroup
    Start-ManagedFolderAssistant Test-ApplicationAccessPolicy Test-MAPIConnectivity Test-ServicePrincipalAuthorization
    Update-DistributionGroupMember Update-RoleGroupMember
  `).map((name) => name.toLowerCase()),
);
