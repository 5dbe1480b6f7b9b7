import { randomUUID } from "node:crypto";
import { isLive, recipientsByAddress, smtpAddresses } from "../directory";
import type { Tenant } from "../tenant";
import { makeMailbox, organizationOf, ownerAt } from "./individual";
import { type MailboxRow, newRow, wholeSeconds } from "./schema";
import { type Job, Work } from "./work";

/**
 * Lets everything that is due by the tenant's clock happen: mailbox records of new queues and users appear, Test & Enable jobs
 * end. There are no timers; every request to Dataverse begins and ends with this, and whoever looks at the rows otherwise may
 * call it first.
 */
export function settle(tenant: Tenant): void {
  const work = new Work(tenant, null);
  for (const job of work.jobs()) {
    if (job.due <= tenant.now()) {
      perform(work, job);
    }
  }
  work.commit();
}

function perform(work: Work, job: Job): void {
  if (job.kind === "mailboxRow") {
    const owner = job.table === "mailbox" ? undefined : ownerAt(work, { table: job.table, id: job.target });
    if (owner !== undefined) {
      makeMailbox(work, owner);
    }
    work.drop(job.id);
    return;
  }
  const mailbox = work.get("mailbox", job.target);
  if (mailbox === undefined) {
    work.drop(job.id);
    return;
  }
  const outcome = outcomeOf(work, mailbox);
  if (outcome !== "never") {
    finishTest(work, mailbox, outcome, job.due, work.tenant.isContrary("dataverse.test-forward-incoming"));
    work.put("mailbox", mailbox);
    work.drop(job.id);
  }
}

/** Schedules Test & Enable for a mailbox record; a test that already waits is left to run. */
export function scheduleTest(work: Work, mailbox: MailboxRow, by: string): void {
  // @observed dataverse.test-queued: Writing testemailconfigurationscheduled true queues Test & Enable
  // [seanmcne/Microsoft.Xrm.Data.PowerShell -ScheduleTest and its maintainer; one public script disagrees]
  const id = `test:${mailbox.mailboxid}`;
  mailbox.testemailconfigurationscheduled = true;
  if (work.jobs().some((job) => job.id === id)) {
    return;
  }
  mailbox.testandenablelastattemptedby = { table: "systemuser", id: by };
  mailbox.testandenablelastattemptedon = work.time;
  const due = work.tenant.now() + work.tenant.settings.test.duration;
  work.schedule({ id, kind: "test", table: "mailbox", target: mailbox.mailboxid, due, by });
}

/** Takes a waiting test back. */
export function cancelTest(work: Work, mailbox: MailboxRow): void {
  mailbox.testemailconfigurationscheduled = false;
  work.drop(`test:${mailbox.mailboxid}`);
}

/** How a test ends: with success, with what is in the way, or "never". */
function outcomeOf(work: Work, mailbox: MailboxRow): TestFailure | "success" | "never" {
  const address = mailbox.emailaddress?.toLowerCase() ?? "";
  const ordered = Object.entries(work.tenant.settings.test.outcomes).find(([key]) => key.toLowerCase() === address);
  if (ordered !== undefined && ordered[1] !== "failure") {
    return ordered[1];
  }
  return obstacleOf(work, mailbox) ?? (ordered === undefined ? "success" : unexplained);
}

/** `pollsForwarded`: a mailbox whose method is Forward Mailbox is tested like one of server-side synchronisation. */
function finishTest(
  work: Work,
  mailbox: MailboxRow,
  outcome: TestFailure | "success",
  due: number,
  pollsForwarded: boolean,
): void {
  // @observed dataverse.test-end: When the test ends the flag is false, the completion time later than before, each enabled method
  // has a status [Capgemini's MailboxDeploymentService waits for mailboxstatus; SupportArticles error-code-8005e272.md and KB
  // 4459027 for the statuses]
  // @assumed dataverse.test-forward-incoming: Incoming mail of a mailbox whose method is Forward Mailbox fails its test with
  // 0x8005E223; outgoing mail is tested as ever [powerapps-docs, data-platform/includes/data-service-errors.md says that such a
  // mailbox cannot be polled; the harsher case for a test]
  const status = outcome === "success" ? 1 : 2;
  const forwarded = mailbox.incomingemaildeliverymethod === 3 && !pollsForwarded;
  const incoming = mailbox.incomingemaildeliverymethod >= 2 && !forwarded;
  const outgoing = mailbox.outgoingemaildeliverymethod === 2;
  const act = mailbox.actdeliverymethod === 1;
  const obstacle = outcome !== "success" ? outcome : forwarded ? notPolled : undefined;
  mailbox.incomingemailstatus = forwarded ? 2 : incoming ? status : 0;
  mailbox.outgoingemailstatus = outgoing ? status : 0;
  mailbox.actstatus = act ? status : 0;
  mailbox.mailboxstatus = forwarded ? 2 : incoming || outgoing || act ? status : 0;
  mailbox.enabledforincomingemail = incoming && outcome === "success";
  mailbox.enabledforoutgoingemail = outgoing && outcome === "success";
  mailbox.enabledforact = act && outcome === "success";
  // The column has whole seconds, and a later test must show a later time.
  const previous = Date.parse(mailbox.testmailboxaccesscompletedon);
  const completed = Math.max(Math.floor(due / 1000) * 1000, previous + 1000);
  mailbox.testmailboxaccesscompletedon = wholeSeconds(new Date(completed).toISOString());
  mailbox.testemailconfigurationscheduled = false;
  mailbox.testemailconfigurationretrycount = 0;
  report(work, mailbox, obstacle);
}

/** Leaves the reason of a failed test in an alert, or by a setting in columns of the mailbox record. */
function report(work: Work, mailbox: MailboxRow, obstacle: TestFailure | undefined): void {
  // @documented dataverse.test-reason: A failed test leaves its reason in an alert (a row of tracelogs), not in lastsyncerror; the
  // setting `testReason` leaves it in the row [SupportArticles KB 4484702, KB 4459027,
  // test-enable-fails-for-unrecognized-email-address.md; powerapps-docs, reference/entities/tracelog.md]
  const at = mailbox.testmailboxaccesscompletedon;
  if (work.tenant.settings.testReason === "row" || work.tenant.isContrary("dataverse.test-reason")) {
    mailbox.lastsyncerror = obstacle?.message ?? null;
    mailbox.lastsyncerrorcode = obstacle?.code ?? null;
    mailbox.lastsyncerroroccurredon = obstacle === undefined ? null : at;
    mailbox.lastsyncerrorcount = obstacle === undefined ? 0 : (mailbox.lastsyncerrorcount ?? 0) + 1;
  } else if (obstacle !== undefined) {
    const alert = newRow(
      "tracelog",
      {
        tracelogid: randomUUID(),
        text: obstacle.message,
        tracecode: obstacle.code & 0xffff,
        errordetails: `0x${(obstacle.code >>> 0).toString(16).toUpperCase().padStart(8, "0")}`,
        regardingobjectid: { table: "mailbox", id: mailbox.mailboxid },
        organizationid: mailbox.organizationid,
      },
      { at, by: null },
    );
    work.put("tracelog", alert);
  }
}

/** Why a mailbox cannot be synchronised: Dataverse's error code and text. */
interface TestFailure {
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
const notPolled = failure(
  0x8005e223,
  "The mailbox cannot be polled because its incoming email delivery method is Forward Mailbox.",
);

/** A failure that the tenant's settings ask for, with no reason in the row. */
const unexplained = failure(0x80040216, "An unexpected error occurred.");

/** What is in the way of a mailbox's Test & Enable; undefined when nothing is. */
function obstacleOf(work: Work, mailbox: MailboxRow): TestFailure | undefined {
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
