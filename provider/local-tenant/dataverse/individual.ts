import { randomUUID } from "node:crypto";
import type { Lookup } from "./columns";
import { dropApproval } from "./rules";
import {
  type AppointmentsMethod,
  type IncomingMethod,
  type Made,
  type MailboxRow,
  newRow,
  type OrganizationRow,
  type OutgoingMethod,
  type QueueRow,
  type SystemUserRow,
} from "./schema";
import type { Work } from "./work";

/** What an individual mailbox record belongs to. */
export type MailboxOwner = { table: "queue"; row: QueueRow } | { table: "systemuser"; row: SystemUserRow };

/** The organisation's row. A tenant without one has no Dataverse environment, and no application user either. */
export function organizationOf(work: Work): OrganizationRow | undefined {
  return work.all("organization")[0];
}

/** The delivery methods new mailbox records start with, from `defaultemailsettings`. */
export function defaultMethods(work: Work): {
  incoming: IncomingMethod;
  outgoing: OutgoingMethod;
  act: AppointmentsMethod;
} {
  const xml = organizationOf(work)?.defaultemailsettings ?? "";
  const number = (name: string) => Number(new RegExp(`<${name}>\\s*(\\d)\\s*</${name}>`).exec(xml)?.[1] ?? Number.NaN);
  const incoming = number("IncomingEmailDeliveryMethod");
  const outgoing = number("OutgoingEmailDeliveryMethod");
  const act = number("ACTDeliveryMethod");
  return {
    incoming: incoming === 1 || incoming === 2 || incoming === 3 ? incoming : 0,
    outgoing: outgoing === 1 || outgoing === 2 ? outgoing : 0,
    act: act === 0 || act === 1 ? act : 2,
  };
}

/** The queue's or user's e-mail address. */
export function addressOf(owner: MailboxOwner): string | null {
  return owner.table === "queue" ? owner.row.emailaddress : owner.row.internalemailaddress;
}

function pointerTo(owner: MailboxOwner): { table: MailboxOwner["table"]; id: string } {
  return { table: owner.table, id: owner.table === "queue" ? owner.row.queueid : owner.row.systemuserid };
}

/** Stages the owner's row. */
export function putOwner(work: Work, owner: MailboxOwner): void {
  if (owner.table === "queue") {
    work.put("queue", owner.row);
  } else {
    work.put("systemuser", owner.row);
  }
}

/** The queue or user with that id, or undefined. */
export function ownerAt(work: Work, pointer: Lookup | null): MailboxOwner | undefined {
  if (pointer?.table === "queue") {
    const row = work.get("queue", pointer.id);
    return row === undefined ? undefined : { table: "queue", row };
  }
  if (pointer?.table === "systemuser") {
    const row = work.get("systemuser", pointer.id);
    return row === undefined ? undefined : { table: "systemuser", row };
  }
  return undefined;
}

/** The individual mailbox record of a queue or user, or undefined while there is none. */
export function mailboxOf(work: Work, owner: MailboxOwner): MailboxRow | undefined {
  const { table, id } = pointerTo(owner);
  return work
    .all("mailbox")
    .find(({ regardingobjectid }) => regardingobjectid?.table === table && regardingobjectid.id === id);
}

/** A private queue, as Dataverse makes one for each user and team: it has the owner's name in angle brackets. */
export function newPrivateQueue(given: Partial<QueueRow>, ownerName: string, made: Made): QueueRow {
  return newRow("queue", { name: `<${ownerName.slice(0, 198)}>`, queueviewtype: 1, ...given }, made);
}

/** Has Dataverse make the mailbox record of a queue or user that has none yet. One without an address gets one, too. */
export function expectMailbox(work: Work, owner: MailboxOwner): void {
  if (mailboxOf(work, owner) !== undefined) {
    return;
  }
  const { table, id } = pointerTo(owner);
  const jobId = `mailboxRow:${id}`;
  if (!work.jobs().some((job) => job.id === jobId)) {
    const due = work.tenant.now() + work.tenant.settings.mailboxRowDelay;
    work.schedule({ id: jobId, kind: "mailboxRow", table, target: id, due, by: null });
  }
}

/** Makes the mailbox record that was expected, with the organisation's profile and its owner's methods and approval. */
export function makeMailbox(work: Work, owner: MailboxOwner): void {
  // @documented dataverse.record-made-later: Every queue and user gets a mailbox record, later; one with an address with
  // organisation-default methods [power-platform docs, admin/create-forward-mailboxes-edit-mailboxes.md; the delay seen in public
  // scripts]
  if (mailboxOf(work, owner) !== undefined) {
    return;
  }
  const address = addressOf(owner);
  const organization = organizationOf(work);
  const id = randomUUID();
  const isQueue = owner.table === "queue";
  const mailbox = newRow(
    "mailbox",
    {
      mailboxid: id,
      name: isQueue ? owner.row.name : owner.row.fullname,
      emailaddress: address,
      isforwardmailbox: false,
      regardingobjectid: pointerTo(owner),
      ownerid: isQueue ? owner.row.ownerid : pointerTo(owner),
      owningbusinessunit: isQueue ? owner.row.owningbusinessunit : owner.row.businessunitid,
      organizationid: organization === undefined ? null : { table: "organization", id: organization.organizationid },
      emailserverprofile: organization?.defaultemailserverprofileid ?? null,
      incomingemaildeliverymethod: owner.row.incomingemaildeliverymethod,
      outgoingemaildeliverymethod: owner.row.outgoingemaildeliverymethod,
      actdeliverymethod: isQueue ? 2 : defaultMethods(work).act,
      emailrouteraccessapproval: owner.row.emailrouteraccessapproval,
      isemailaddressapprovedbyo365admin: owner.row.isemailaddressapprovedbyo365admin,
      enabledforincomingemail: false,
      enabledforact: false,
    },
    { at: work.time, by: null },
  );
  work.put("mailbox", mailbox);
  owner.row.defaultmailbox = { table: "mailbox", id };
  putOwner(work, owner);
}

/** After a mailbox record changed: its queue or user takes over address, methods and approval. */
export function followMailbox(work: Work, mailbox: MailboxRow): void {
  // @documented dataverse.user-record-follows: A user's address is written on the user's row and the mailbox record follows
  // [power-platform docs, admin/create-forward-mailboxes-edit-mailboxes.md]
  const owner = ownerAt(work, mailbox.regardingobjectid);
  if (owner === undefined) {
    return;
  }
  const changed = copyShared(mailbox, owner.row);
  const addressChanged = addressOf(owner) !== mailbox.emailaddress;
  if (addressChanged && owner.table === "queue") {
    owner.row.emailaddress = mailbox.emailaddress;
  } else if (addressChanged && owner.table === "systemuser") {
    owner.row.internalemailaddress = mailbox.emailaddress;
  }
  if (changed || addressChanged) {
    putOwner(work, owner);
  }
}

/** After a queue or user changed: its mailbox record takes over address, methods, approval and a queue's owner. */
export function followOwner(work: Work, owner: MailboxOwner): void {
  // @observed dataverse.record-follows-owner-row: Delivery methods and approval of a queue or user and its mailbox record stay
  // equal [seanmcne/Microsoft.Xrm.Data.PowerShell writes either row]
  const mailbox = mailboxOf(work, owner);
  if (mailbox === undefined) {
    expectMailbox(work, owner);
    return;
  }
  const before = structuredClone(mailbox);
  if (mailbox.emailaddress !== addressOf(owner)) {
    mailbox.emailaddress = addressOf(owner);
    dropApproval(work, mailbox, mailbox.emailaddress);
  }
  let changed = copyShared(owner.row, mailbox) || mailbox.emailaddress !== before.emailaddress;
  if (owner.table === "queue" && mailbox.ownerid.id !== owner.row.ownerid.id) {
    mailbox.ownerid = owner.row.ownerid;
    mailbox.owningbusinessunit = owner.row.owningbusinessunit;
    changed = true;
  }
  if (changed) {
    forgetTest(work, before, mailbox);
    work.put("mailbox", mailbox);
  }
}

const shared = [
  "incomingemaildeliverymethod",
  "outgoingemaildeliverymethod",
  "emailrouteraccessapproval",
  "isemailaddressapprovedbyo365admin",
] as const;

type Shared = Pick<MailboxRow, (typeof shared)[number]>;

function copyShared(from: Shared, to: Shared): boolean {
  // @documented dataverse.queue-record-follows: A queue's mailbox record takes over address, methods and owner of the queue when
  // these change [power-platform docs, admin/create-forward-mailboxes-edit-mailboxes.md for address and owner; that methods follow
  // is observed (seanmcne/Microsoft.Xrm.Data.PowerShell)]
  const differs = shared.some((column) => from[column] !== to[column]);
  to.incomingemaildeliverymethod = from.incomingemaildeliverymethod;
  to.outgoingemaildeliverymethod = from.outgoingemaildeliverymethod;
  to.emailrouteraccessapproval = from.emailrouteraccessapproval;
  to.isemailaddressapprovedbyo365admin = from.isemailaddressapprovedbyo365admin;
  return differs;
}

/** Puts the test results back to Not Run where what was tested has changed: the address, a method or the server profile. */
export function forgetTest(work: Work, before: MailboxRow, after: MailboxRow): void {
  // @assumed dataverse.change-resets-test: Changing address, methods or profile puts the test statuses back to Not Run [Plausible:
  // the results were of another configuration]
  if (work.tenant.isContrary("dataverse.change-resets-test")) {
    return;
  }
  const tested = [
    "emailaddress",
    "incomingemaildeliverymethod",
    "outgoingemaildeliverymethod",
    "actdeliverymethod",
  ] as const;
  if (
    tested.some((column) => before[column] !== after[column]) ||
    before.emailserverprofile?.id !== after.emailserverprofile?.id
  ) {
    after.incomingemailstatus = 0;
    after.outgoingemailstatus = 0;
    after.actstatus = 0;
    after.mailboxstatus = 0;
  }
}
