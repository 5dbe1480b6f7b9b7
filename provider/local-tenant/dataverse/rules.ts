import { mayApprove } from "./caller";
import {
  addressTiedToOwner,
  approvalRefused,
  credentialNotSpecified,
  deleteAfterProcessingOnUserMailbox,
  forwardMailboxIncoming,
  forwardMailboxNeedsAddress,
  forwardMailboxOutgoing,
  forwardMailboxWithRegarding,
  invalidArgument,
  outOfRange,
  passwordRequired,
  serverTypeWithoutAppointments,
} from "./errors";
import {
  type Approval,
  type EmailServerProfileRow,
  type MailboxRow,
  type QueueRow,
  type SystemUserRow,
  schema,
} from "./schema";
import type { Work } from "./work";

const pop3AndSmtp = 1;
const imapAndSmtp = 4;
const credentialsOfUserOrQueue = 0;

/**
 * Dataverse's rules for a mailbox record, on the row as it would be stored. They see the merged row, so the order of single-column
 * updates matters. `before` is the stored row, undefined for a new one.
 */
export function checkMailbox(work: Work, before: MailboxRow | undefined, after: MailboxRow): void {
  if (after.isforwardmailbox) {
    checkForwardMailbox(after);
  } else {
    checkIndividualMailbox(work, before, after);
  }
  if (after.emailaddress !== null) {
    checkAddress(after.emailaddress);
  }
  const profile =
    after.emailserverprofile === null ? undefined : work.get("emailserverprofile", after.emailserverprofile.id);
  checkCredentials(work, after, profile);
  if (after.actdeliverymethod === 1 && (profile?.servertype === pop3AndSmtp || profile?.servertype === imapAndSmtp)) {
    throw serverTypeWithoutAppointments();
  }
}

function checkForwardMailbox(row: MailboxRow): void {
  // @documented dataverse.forward-mailbox-rules: A forward mailbox needs an address, incoming None or server-side sync, outgoing
  // None, no regarding [powerapps-docs, data-platform/includes/data-service-errors.md: 0x8005E211, E212, E213, E207]
  if (row.regardingobjectid !== null) {
    throw forwardMailboxWithRegarding();
  }
  if (row.emailaddress === null) {
    throw forwardMailboxNeedsAddress();
  }
  if (row.incomingemaildeliverymethod !== 0 && row.incomingemaildeliverymethod !== 2) {
    throw forwardMailboxIncoming();
  }
  if (row.outgoingemaildeliverymethod !== 0) {
    throw forwardMailboxOutgoing();
  }
}

function checkIndividualMailbox(work: Work, before: MailboxRow | undefined, after: MailboxRow): void {
  // @documented dataverse.delete-after-processing: Delete after processing is refused on user mailboxes with 0x8005E233
  // [powerapps-docs, data-platform/includes/data-service-errors.md; seen in seanmcne/Microsoft.Xrm.Data.PowerShell #260]
  // @documented dataverse.appointments-profile: Appointments by server-side sync with a POP3 or IMAP profile are refused with
  // 0x8005E247 [powerapps-docs, data-platform/includes/data-service-errors.md]
  const addressChanges = before !== undefined && before.emailaddress !== after.emailaddress;
  const isEditable =
    work.tenant.settings.individualAddressEditable && !work.tenant.isContrary("dataverse.individual-address");
  if (addressChanges && !isEditable) {
    throw addressTiedToOwner();
  }
  if (after.regardingobjectid?.table === "systemuser" && after.processanddeleteemails) {
    throw deleteAfterProcessingOnUserMailbox();
  }
  if (after.regardingobjectid?.table === "queue") {
    // The methods are the queue's too, and a queue knows no Outlook.
    for (const method of ["incomingemaildeliverymethod", "outgoingemaildeliverymethod"] as const) {
      const column = schema.queue.columns.get(method);
      if (column?.options !== undefined && !(after[method] in column.options)) {
        throw outOfRange(schema.queue, column, after[method]);
      }
    }
  }
}

function checkCredentials(work: Work, row: MailboxRow, profile: EmailServerProfileRow | undefined): void {
  // @documented dataverse.credentials-needed: Credentials need user name (0x8005E209) and password (0x8005E24E) [powerapps-docs,
  // data-platform/includes/data-service-errors.md]
  // @assumed dataverse.credentials-profile: Credentials are refused where the server profile does not take them from the mailbox
  // [power-platform docs, admin/create-forward-mailboxes-edit-mailboxes.md says to set them only then; no error code is documented]
  if (!row.allowemailconnectortousecredentials) {
    return;
  }
  if (row.username === null) {
    throw credentialNotSpecified();
  }
  if (row.password === null) {
    throw passwordRequired();
  }
  const isAnyProfile = work.tenant.isContrary("dataverse.credentials-profile");
  if (profile !== undefined && profile.incomingcredentialretrieval !== credentialsOfUserOrQueue && !isAnyProfile) {
    throw invalidArgument(
      `The email server profile '${profile.name}' does not use credentials that are specified by a user or queue.`,
    );
  }
}

/** Throws 400 when the text is no SMTP address. */
export function checkAddress(address: string): void {
  // @observed dataverse.individual-address: An address written to the record of a user or queue is carried over to its owner; a
  // setting refuses it with 0x8005E208 [seanmcne/Microsoft.Xrm.Data.PowerShell #456 and its Set-CrmQueueMailbox write it;
  // powerapps-docs, data-platform/includes/data-service-errors.md has the refusal]
  if (!/^[^\s@<>(),;:"[\]\\]+@[^\s@<>(),;:"[\]\\]+$/.test(address)) {
    throw invalidArgument(`'${address}' is not a valid email address.`);
  }
}

/** A row whose e-mail address is approved. */
export type Approvable = MailboxRow | QueueRow | SystemUserRow;

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
