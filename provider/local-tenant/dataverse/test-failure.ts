import { isLive, recipientsByAddress, smtpAddresses } from "../directory";
import type { Tenant } from "../tenant";
import { organizationOf } from "./individual";
import type { MailboxRow } from "./rows";
import type { Work } from "./work";

/** Why a mailbox cannot be synchronised: Dataverse's error code and text. */
export interface TestFailure {
  code: number;
  message: string;
}

/** Signed, as the integer column `lastsyncerrorcode` holds it. */
function failure(code: number, message: string): TestFailure {
  return { code: code | 0, message };
}

const inactiveMailbox = failure(0x8005e219, "The mailbox is inactive. Activate it to send and receive mails.");
const noProfile = failure(
  0x8005e222,
  "Email Server Profile is not associated with the current mailbox. Please associate a valid profile to send/receive mails.",
);
const inactiveProfile = failure(
  0x8005e228,
  "The email server profile of the mailbox is inactive. Activate it to send and receive mails.",
);
const unapproved = failure(
  0x8005e220,
  "The mailbox is not in approved state. Send/Receive mails are allowed only for approved mailboxes.",
);
const unknownAddress = failure(
  0x8005e221,
  "The email address in the mailbox is not correct. Please enter the correct email address to process mails.",
);

/** A mailbox whose mail arrives through a forward mailbox is not polled itself. */
export const notPolled = failure(
  0x8005e223,
  "The mailbox cannot be polled because its incoming email delivery method is Forward Mailbox.",
);

/** A failure that the tenant's settings ask for, with no reason in the row. */
export const unexplained = failure(0x80040216, "An unexpected error occurred.");

/** What is in the way of a mailbox's Test & Enable; undefined when nothing is. */
export function obstacleOf(work: Work, mailbox: MailboxRow): TestFailure | undefined {
  // @documented dataverse.test-succeeds: The test succeeds for an active, approved record with an active profile whose address is a
  // mailbox [power-platform docs, admin/connect-exchange-online.md]
  // @documented dataverse.test-reason-codes: A test of a mailbox that is inactive, unapproved, without an active profile or with an
  // unknown address fails; the first that applies is told [powerapps-docs, data-platform/includes/data-service-errors.md has codes
  // and texts; power-platform docs, admin/connect-exchange-online.md what is needed. Which columns of an alert hold them is the
  // tenant's own]
  if (mailbox.statecode !== 0) {
    return inactiveMailbox;
  }
  const profile =
    mailbox.emailserverprofile === null ? undefined : work.get("emailserverprofile", mailbox.emailserverprofile.id);
  if (profile === undefined) {
    return noProfile;
  }
  if (profile.statecode !== 0) {
    return inactiveProfile;
  }
  if (!isApproved(work, mailbox)) {
    return unapproved;
  }
  return isMailboxAddress(work.tenant, mailbox.emailaddress) ? undefined : unknownAddress;
}

function isApproved(work: Work, mailbox: MailboxRow): boolean {
  // @documented dataverse.approval-switched-off: Approval is not needed where the organisation switched it off (both switches for a
  // forward mailbox) [power-platform docs, admin/connect-exchange-online.md; that a forward mailbox needs both switches off is
  // reasoning]
  const organization = organizationOf(work);
  const forUsers = organization?.requireapprovalforuseremail ?? true;
  const forQueues = organization?.requireapprovalforqueueemail ?? true;
  const regarding = mailbox.regardingobjectid?.table;
  // A forward mailbox is neither a user's nor a queue's: only an organisation without either check lets it through.
  const needed = regarding === "systemuser" ? forUsers : regarding === "queue" ? forQueues : forUsers || forQueues;
  return mailbox.emailrouteraccessapproval === 1 || !needed;
}

function isMailboxAddress(tenant: Tenant, address: string | null): boolean {
  const wanted = address?.toLowerCase() ?? "";
  return tenant.store
    .find([[recipientsByAddress, wanted]], "dataverse")
    .some(
      (recipient) => recipient.mailbox !== undefined && isLive(recipient) && smtpAddresses(recipient).includes(wanted),
    );
}
