import { mayApprove } from "./caller";
import { approvalRefused } from "./errors";
import type { Approval, MailboxRow, QueueRow, SystemUserRow } from "./rows";
import type { Work } from "./work";

/** A row whose e-mail address is approved. */
type Approvable = MailboxRow | QueueRow | SystemUserRow;

/**
 * Writes `emailrouteraccessapproval` as the caller asked. Approving acts only where it is not yet approved and only for a caller
 * who may; otherwise it is refused with 0x8009000B or, as a setting has it, silently ignored. Throws when refused.
 */
export function requestApproval(work: Work, user: SystemUserRow, row: Approvable, wanted: Approval): void {
  // @documented dataverse.approval-roles: Approving needs System Administrator and Delegated Mailbox Approver; else 0x8009000B
  // [power-platform docs, admin/connect-exchange-online.md; powerapps-docs, data-platform/includes/data-service-errors.md; seen in
  // seanmcne/Microsoft.Xrm.Data.PowerShell #369]
  // @observed dataverse.approval-without-effect: By a setting an approval is silently without effect
  // [seanmcne/Microsoft.Xrm.Data.PowerShell #454 (a service principal) and #504]
  if (wanted !== 1) {
    setApproval(row, wanted);
    return;
  }
  if (row.emailrouteraccessapproval === 1 && row.isemailaddressapprovedbyo365admin) {
    return;
  }
  if (canApprove(work, user)) {
    setApproval(row, 1);
    if ("mailboxid" in row) {
      row.emailaddressapprovedby = { table: "systemuser", id: user.systemuserid };
      row.emailaddressapprovedon = work.time;
    }
    return;
  }
  if (row.emailrouteraccessapproval === 1 || work.tenant.settings.approval === "silent") {
    return;
  }
  throw approvalRefused();
}

/** Whether an approval by this user takes effect. */
export function canApprove(work: Work, user: SystemUserRow): boolean {
  return work.tenant.settings.approval === "authorised" && mayApprove(user);
}

/** What an address change does to the approval: it is pending again, unless a setting says otherwise. */
export function dropApproval(work: Work, row: Approvable, address: string | null): void {
  // @observed dataverse.address-drops-approval: Changing the address drops the approval to Pending; the setting
  // `addressChangeDropsApproval` lets it stay [MicrosoftDocs/dynamics-365-customer-engagement #642; Capgemini's
  // MailboxDeploymentService approves again after writing an address]
  const { settings } = work.tenant;
  if (settings.addressChangeDropsApproval && !work.tenant.isContrary("dataverse.address-drops-approval")) {
    setApproval(row, address === null ? 0 : 2);
  }
}

function setApproval(row: Approvable, approval: Approval): void {
  // @observed dataverse.approved-by-admin-flag: isemailaddressapprovedbyo365admin follows the approval; writing it has no effect
  // [seanmcne/Microsoft.Xrm.Data.PowerShell #504; that it follows is reasoning]
  row.emailrouteraccessapproval = approval;
  row.isemailaddressapprovedbyo365admin = approval === 1;
  if ("mailboxid" in row && approval !== 1) {
    row.emailaddressapprovedby = null;
    row.emailaddressapprovedon = null;
  }
}
