import { disableMailbox, enableMailbox } from "./archive";
import { getAutoReply, setAutoReply } from "./auto-reply";
import type { Cmdlet } from "./call";
import { getClientAccess, setClientAccess } from "./client-access";
import {
  disableInboxRule,
  enableInboxRule,
  getInboxRule,
  newInboxRule,
  removeInboxRule,
  setInboxRule,
} from "./inbox-rule";
import { getMailbox, newMailbox, removeMailbox, undoSoftDeletedMailbox } from "./mailbox";
import { addMailboxPermission, getMailboxPermission, removeMailboxPermission } from "./mailbox-permission";
import { getAcceptedDomain, getMailboxPlan, getOrganizationConfig, getOutboundSpamPolicy } from "./organization";
import { type CmdletName, shapes } from "./parameters";
import { getRecipient } from "./recipient";
import { addRecipientPermission, getRecipientPermission, removeRecipientPermission } from "./recipient-permission";
import { getRegional, setRegional } from "./regional";
import { getRoleAssignments } from "./roles";
import { getGroup, getUser, setUser } from "./security-principal";
import { setMailbox } from "./set-mailbox";
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
  return (Object.keys(shapes) as CmdletName[]).find((each) => each.toLowerCase() === name.toLowerCase());
}
