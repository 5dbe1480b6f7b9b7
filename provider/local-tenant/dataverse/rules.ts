import {
  addressTiedToOwner,
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
import type { EmailServerProfileRow, MailboxRow } from "./rows";
import { schema } from "./schema";
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
