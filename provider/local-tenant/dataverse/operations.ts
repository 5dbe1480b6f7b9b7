import { randomUUID } from "node:crypto";
import { canApprove, dropApproval, requestApproval } from "./approval";
import type { Values } from "./body";
import { demandRequired } from "./body";
import {
  deleteForbiddenByAssociation,
  duplicateRecord,
  invalidArgument,
  invalidStatus,
  notSupported,
  ownerDisabled,
  queueHasItems,
  queueHasRoutingRules,
  teamWithoutRoles,
  testInProgress,
  unknownPayloadProperty,
} from "./errors";
import {
  addressOf,
  defaultMethods,
  expectMailbox,
  followMailbox,
  followOwner,
  forgetTest,
  type MailboxOwner,
  mailboxOf,
  organizationOf,
} from "./individual";
import { cancelTest, scheduleTest } from "./jobs";
import { type AnyRow, idOf } from "./present";
import {
  type Approval,
  type EmailServerProfileRow,
  type Lookup,
  type MailboxRow,
  newEmailServerProfileRow,
  newMailboxRow,
  newPrivateQueueRow,
  newQueueRow,
  newSystemUserRow,
  newTeamRow,
  type OrganizationRow,
  type QueueRow,
  type RowOf,
  type SystemUserRow,
  type TableName,
  type TeamRow,
  type TraceLogRow,
} from "./rows";
import { checkAddress, checkMailbox } from "./rules";
import { schema, type Table } from "./schema";
import type { Work } from "./work";

/** Makes a row from decoded columns, its side effects included, and returns its id. `id` is the one chosen in the URL, if any. */
export function create(work: Work, user: SystemUserRow, table: Table, values: Values, id?: string): string {
  // @assumed dataverse.names-not-unique: Names of teams and full names of users need not be unique [The tables' reference pages
  // name no key on them]
  // @documented dataverse.post-existing-id: A POST whose body holds the id of an existing row is a 412 with 0x80040237
  // [powerapps-docs, data-platform/includes/data-service-errors.md for the code, powerapps-docs,
  // data-platform/webapi/compose-http-requests-handle-errors.md for the status]
  // @observed dataverse.address-not-unique: An address is not unique among mailbox records [seanmcne/Microsoft.Xrm.Data.PowerShell:
  // Get-CrmUserMailbox throws on more than one; user and private queue may share one]
  const given = values[table.key];
  if (id !== undefined && given !== undefined && given !== id) {
    throw invalidArgument(`The key in the body differs from the key in the URL: '${table.key}'.`);
  }
  const key = id ?? (typeof given === "string" ? given : randomUUID());
  if (work.get(table.name, key) !== undefined) {
    throw duplicateRecord();
  }
  demandOwner(work, values);
  const made = { at: work.time, by: user.systemuserid };
  const owned = {
    ownerid: { table: "systemuser", id: user.systemuserid } as Lookup,
    owningbusinessunit: user.businessunitid,
    organizationid: organizationPointer(work),
  };
  const plain: Values = { ...values, [table.key]: key };
  delete plain.emailrouteraccessapproval;
  delete plain.testemailconfigurationscheduled;
  switch (table.name) {
    case "mailbox":
      createMailbox(
        work,
        user,
        values,
        newMailboxRow({ ...mailboxDefaults(work), ...owned, ...(plain as Named<MailboxRow>) }, made),
      );
      break;
    case "emailserverprofile": {
      const row = newEmailServerProfileRow({ ...owned, ...(plain as Named<EmailServerProfileRow>) }, made);
      insert(work, table, row);
      break;
    }
    case "queue": {
      const queue = newQueueRow({ ...queueDefaults(work, values), ...owned, ...(plain as Named<QueueRow>) }, made);
      insert(work, table, queue);
      expectMailbox(work, { table: "queue", row: queue });
      break;
    }
    case "systemuser": {
      const systemuser = newSystemUserRow(
        { ...userDefaults(work, user, values), ...(plain as Named<SystemUserRow>) } as SystemUserRow,
        made,
      );
      insert(work, table, systemuser);
      makePrivateQueue(work, { table: "systemuser", row: systemuser });
      expectMailbox(work, { table: "systemuser", row: systemuser });
      break;
    }
    case "team": {
      if (
        work.tenant.isContrary("dataverse.names-not-unique") &&
        work.all("team").some(({ name }) => name === values.name)
      ) {
        throw duplicateRecord();
      }
      const common = { businessunitid: user.businessunitid, organizationid: user.organizationid };
      // A new team holds no role, and there are no requests for giving it one here.
      const team = newTeamRow({ ...common, ...(plain as Named<TeamRow>), roles: [] } as TeamRow, made);
      insert(work, table, team);
      makePrivateQueue(work, { table: "team", row: team });
      break;
    }
    case "organization":
    case "tracelog":
      throw notSupported("POST", table.entitySet);
  }
  return key;
}

/** The private queue that Dataverse makes with each user and team, and the mailbox record of that queue. */
function makePrivateQueue(
  work: Work,
  owner: { table: "systemuser"; row: SystemUserRow } | { table: "team"; row: TeamRow },
): void {
  // @documented dataverse.private-queues: Every user and team has a private queue of its name in angle brackets, without an address
  // or by a setting with the user's [powerapps-docs, data-platform/queue-entities.md; the name as in
  // microsoft/terraform-provider-power-platform, systemusers fixture]
  const isUser = owner.table === "systemuser";
  const id = isUser ? owner.row.systemuserid : owner.row.teamid;
  const queue = newPrivateQueueRow(
    {
      queueid: randomUUID(),
      ownerid: { table: owner.table, id },
      owningbusinessunit: owner.row.businessunitid,
      organizationid: organizationPointer(work),
      emailaddress: isUser && work.tenant.settings.privateQueueAddresses ? owner.row.internalemailaddress : null,
    },
    isUser ? owner.row.fullname : owner.row.name,
    { at: work.time, by: null },
  );
  owner.row.queueid = { table: "queue", id: queue.queueid };
  work.put("queue", queue);
  if (isUser) {
    work.put("systemuser", owner.row);
  } else {
    work.put("team", owner.row);
  }
  expectMailbox(work, { table: "queue", row: queue });
}

/** Decoded columns of a table; that the required ones are among them is checked on the finished row. */
type Named<T> = Partial<T> & { [K in "mailboxid" | "emailserverprofileid" | "queueid" | "name"]: string } & {
  emailaddress: string | null;
};

function organizationPointer(work: Work): Lookup | null {
  const organization = organizationOf(work);
  return organization === undefined ? null : { table: "organization", id: organization.organizationid };
}

function insert<T extends TableName>(work: Work, table: Table & { name: T }, row: RowOf[T]): void {
  settleOwner(work, row);
  settleState(table, undefined, row);
  demandRequired(table, row);
  checkOwnAddress(row);
  work.put(table.name, row);
}

function mailboxDefaults(work: Work): Partial<MailboxRow> {
  return {
    // A missing address is the business rule's to report, not a default.
    emailaddress: null,
    emailserverprofile: organizationOf(work)?.defaultemailserverprofileid ?? null,
  };
}

function createMailbox(work: Work, user: SystemUserRow, values: Values, row: MailboxRow): void {
  // @observed dataverse.born-approved: A forward mailbox made by an administrator who may approve is approved (1), its O365 flag
  // false; else it is pending (2) [microsoft/terraform-provider-power-platform, data_record fixtures and tests; that one made by
  // others is pending is the tenant's own]
  row.emailrouteraccessapproval = canApprove(work, user) ? 1 : 2;
  if (values.emailrouteraccessapproval !== undefined) {
    requestApproval(work, user, row, values.emailrouteraccessapproval as Approval);
  }
  settleOwner(work, row);
  settleState(schema.mailbox, undefined, row);
  demandRequired(schema.mailbox, row);
  checkMailbox(work, undefined, row);
  if (values.testemailconfigurationscheduled === true) {
    scheduleTest(work, row, user.systemuserid);
  }
  work.put("mailbox", row);
}

function queueDefaults(work: Work, values: Values): Partial<QueueRow> {
  if (typeof values.emailaddress !== "string") {
    return {};
  }
  const { incoming, outgoing } = defaultMethods(work);
  return {
    // A queue knows no Outlook.
    incomingemaildeliverymethod: incoming === 1 ? 0 : incoming,
    outgoingemaildeliverymethod: outgoing === 1 ? 0 : outgoing,
    emailrouteraccessapproval: 2,
  };
}

function userDefaults(work: Work, caller: SystemUserRow, values: Values): Partial<SystemUserRow> {
  const { incoming, outgoing } = defaultMethods(work);
  const name = [values.firstname, values.lastname].filter((part) => typeof part === "string").join(" ");
  const isApplication = values.applicationid !== undefined;
  return {
    businessunitid: caller.businessunitid,
    organizationid: caller.organizationid,
    fullname: name === "" ? String(values.domainname ?? "") : name,
    ...(isApplication ? { accessmode: 4, domainname: `app_${String(values.applicationid)}` } : {}),
    ...(typeof values.internalemailaddress === "string"
      ? { incomingemaildeliverymethod: incoming, outgoingemaildeliverymethod: outgoing, emailrouteraccessapproval: 2 }
      : {}),
  };
}

/** Changes a row by decoded columns, its side effects included. Every rule is checked on the merged row. */
export function update(work: Work, user: SystemUserRow, table: Table, before: AnyRow, values: Values): void {
  const id = idOf(table, before);
  if (values[table.key] !== undefined && values[table.key] !== id) {
    throw unknownPayloadProperty(table, table.key);
  }
  demandOwner(work, values);
  const plain = { ...values };
  // The column is valid for update, yet what is written to it is not kept: the approval decides.
  delete plain.isemailaddressapprovedbyo365admin;
  delete plain.emailrouteraccessapproval;
  delete plain.testemailconfigurationscheduled;
  const after = { ...before, ...plain } as AnyRow;
  settleOwner(work, after);
  settleState(table, before, after, values);
  checkOwnAddress(after);
  switch (table.name) {
    case "mailbox":
      updateMailbox(work, user, before as MailboxRow, after as MailboxRow, values);
      return;
    case "queue":
      updateOwner(work, user, before as QueueRow, { table: "queue", row: after as QueueRow }, values);
      return;
    case "systemuser":
      updateUser(work, user, before as SystemUserRow, after as SystemUserRow, values);
      return;
    case "emailserverprofile":
      work.put("emailserverprofile", after as EmailServerProfileRow);
      return;
    case "team":
      work.put("team", after as TeamRow);
      return;
    case "organization":
      work.put("organization", after as OrganizationRow);
      return;
    case "tracelog":
      work.put("tracelog", after as TraceLogRow);
  }
}

function updateMailbox(work: Work, user: SystemUserRow, before: MailboxRow, after: MailboxRow, values: Values): void {
  // @assumed dataverse.test-locks: A mailbox can be changed while its test runs; by the setting `refuseWhileTesting` it is refused
  // with 0x8005E248 [powerapps-docs, data-platform/includes/data-service-errors.md has the code ("please save after completion of
  // test"); which changes it refuses is not documented]
  const isLocked = work.tenant.settings.refuseWhileTesting || work.tenant.isContrary("dataverse.test-locks");
  if (before.testemailconfigurationscheduled && isLocked) {
    throw testInProgress();
  }
  if (before.emailaddress !== after.emailaddress) {
    dropApproval(work, after, after.emailaddress);
  }
  checkMailbox(work, before, after);
  if (values.emailrouteraccessapproval !== undefined) {
    requestApproval(work, user, after, values.emailrouteraccessapproval as Approval);
  }
  forgetTest(work, before, after);
  if (values.testemailconfigurationscheduled === true) {
    scheduleTest(work, after, user.systemuserid);
  } else if (values.testemailconfigurationscheduled === false) {
    cancelTest(work, after);
  }
  work.put("mailbox", after);
  followMailbox(work, after);
}

function updateUser(
  work: Work,
  user: SystemUserRow,
  before: SystemUserRow,
  after: SystemUserRow,
  values: Values,
): void {
  const name = [after.firstname, after.lastname].filter((part) => part !== null).join(" ");
  if (("firstname" in values || "lastname" in values) && name !== "") {
    after.fullname = name;
  }
  updateOwner(work, user, before, { table: "systemuser", row: after }, values);
}

function updateOwner(
  work: Work,
  user: SystemUserRow,
  before: QueueRow | SystemUserRow,
  after: MailboxOwner,
  values: Values,
): void {
  const address = addressOf(after);
  const addressBefore = "systemuserid" in before ? before.internalemailaddress : before.emailaddress;
  if (address !== addressBefore) {
    dropApproval(work, after.row, address);
  }
  if (values.emailrouteraccessapproval !== undefined && values.emailrouteraccessapproval !== null) {
    requestApproval(work, user, after.row, values.emailrouteraccessapproval as Approval);
  }
  if (after.table === "queue") {
    work.put("queue", after.row);
  } else {
    work.put("systemuser", after.row);
  }
  followOwner(work, after);
}

/** Deletes a row with what hangs on it. Throws when the service would not let it go. */
export function remove(work: Work, table: Table, row: AnyRow): void {
  switch (table.name) {
    case "mailbox":
      if (work.tenant.settings.deleteNeedsInactive && (row as MailboxRow).statecode === 0) {
        throw deleteForbiddenByAssociation(table, "it is active.");
      }
      removeMailbox(work, row as MailboxRow);
      return;
    case "queue":
      removeQueue(work, row as QueueRow);
      return;
    case "systemuser":
      removeUser(work, row as SystemUserRow);
      return;
    case "team":
      removeTeam(work, row as TeamRow);
      return;
    case "emailserverprofile":
      removeProfile(work, row as EmailServerProfileRow);
      return;
    case "tracelog":
      work.remove("tracelog", idOf(table, row));
      return;
    case "organization":
      throw notSupported("DELETE", table.entitySet);
  }
}

function removeMailbox(work: Work, row: MailboxRow): void {
  // @observed dataverse.delete-active: An active mailbox record can be deleted; `deleteNeedsInactive` refuses it with 405
  // [microsoft/terraform-provider-power-platform, data_record fixtures and tests deactivates only when asked to]
  for (const queue of work.all("queue").filter(({ defaultmailbox }) => defaultmailbox?.id === row.mailboxid)) {
    work.put("queue", { ...queue, defaultmailbox: null });
  }
  for (const user of work.all("systemuser").filter(({ defaultmailbox }) => defaultmailbox?.id === row.mailboxid)) {
    work.put("systemuser", { ...user, defaultmailbox: null });
  }
  for (const alert of work.all("tracelog").filter(({ regardingobjectid }) => regardingobjectid.id === row.mailboxid)) {
    work.remove("tracelog", alert.tracelogid);
  }
  work.drop(`test:${row.mailboxid}`);
  work.remove("mailbox", row.mailboxid);
}

function removeQueue(work: Work, row: QueueRow): void {
  // @documented dataverse.queue-in-use: A queue with items cannot be deleted: 400 with 0x80631117; nor one that routing rule sets
  // use: 0x80731118 [powerapps-docs, data-platform/includes/data-service-errors.md; the status is that of errors not listed in
  // powerapps-docs, data-platform/webapi/compose-http-requests-handle-errors.md]
  if (row.numberofitems > 0) {
    throw queueHasItems();
  }
  if ((row.routingRules ?? []).length > 0) {
    throw queueHasRoutingRules();
  }
  removeIndividualMailbox(work, { table: "queue", row });
  work.drop(`mailboxRow:${row.queueid}`);
  work.remove("queue", row.queueid);
}

function removeUser(work: Work, row: SystemUserRow): void {
  // @observed dataverse.delete-user: Users cannot be deleted: 405; the setting `deleteDisabledUsers` lets disabled ones go
  // [MicrosoftDocs/power-platform #59, MicrosoftDocs/dynamics-365-customer-engagement #1030; code and text of the refusal are those
  // of other tables]
  const id = row.systemuserid;
  if (!row.isdisabled) {
    throw deleteForbiddenByAssociation(schema.systemuser, "it is enabled.");
  }
  removePrivateQueue(work, row);
  refuseWhileOwner(work, schema.systemuser, id);
  removeIndividualMailbox(work, { table: "systemuser", row });
  for (const mailbox of work.all("mailbox")) {
    if (mailbox.ownerid.id === id) {
      removeMailbox(work, mailbox);
    } else if (mailbox.emailaddressapprovedby?.id === id || mailbox.testandenablelastattemptedby?.id === id) {
      const unless = (link: Lookup | null) => (link?.id === id ? null : link);
      mailbox.emailaddressapprovedby = unless(mailbox.emailaddressapprovedby);
      mailbox.testandenablelastattemptedby = unless(mailbox.testandenablelastattemptedby);
      work.put("mailbox", mailbox);
    }
  }
  work.drop(`mailboxRow:${id}`);
  work.remove("systemuser", id);
}

function removePrivateQueue(work: Work, { queueid }: SystemUserRow | TeamRow): void {
  const queue = queueid === null || queueid === undefined ? undefined : work.get("queue", queueid.id);
  if (queue !== undefined) {
    removeQueue(work, queue);
  }
}

function removeTeam(work: Work, row: TeamRow): void {
  if (row.isdefault) {
    throw deleteForbiddenByAssociation(schema.team, "it is the default team of its business unit.");
  }
  removePrivateQueue(work, row);
  refuseWhileOwner(work, schema.team, row.teamid);
  for (const mailbox of work.all("mailbox").filter(({ ownerid }) => ownerid.id === row.teamid)) {
    removeMailbox(work, mailbox);
  }
  work.remove("team", row.teamid);
}

function removeProfile(work: Work, row: EmailServerProfileRow): void {
  // @documented dataverse.profile-lookups: Deleting a profile empties the lookups at it; deleting a user, team or queue deletes its
  // mailbox records. A user or team that owns queues or profiles stays: 405 [powerapps-docs, reference/entities/mailbox.md for the
  // records; that owners of other rows stay is the tenant's own]
  const id = row.emailserverprofileid;
  for (const mailbox of work.all("mailbox").filter(({ emailserverprofile }) => emailserverprofile?.id === id)) {
    work.put("mailbox", { ...mailbox, emailserverprofile: null });
  }
  const organization = organizationOf(work);
  if (organization?.defaultemailserverprofileid?.id === id) {
    work.put("organization", { ...organization, defaultemailserverprofileid: null });
  }
  work.remove("emailserverprofile", id);
}

function removeIndividualMailbox(work: Work, owner: MailboxOwner): void {
  const mailbox = mailboxOf(work, owner);
  if (mailbox !== undefined) {
    removeMailbox(work, mailbox);
  }
}

function refuseWhileOwner(work: Work, table: Table, id: string): void {
  const owned = [...work.all("queue"), ...work.all("emailserverprofile")].find(({ ownerid }) => ownerid.id === id);
  if (owned !== undefined) {
    throw deleteForbiddenByAssociation(table, `it owns '${owned.name}'.`);
  }
}

/** Throws when the owner that is bound may own nothing: a disabled user, or a team without a security role. */
function demandOwner(work: Work, values: Values): void {
  // @documented dataverse.owner-refused: A disabled user cannot be made an owner (0x8004022b), nor a team without a security role
  // (0x80042f0a) [powerapps-docs, data-platform/includes/data-service-errors.md; the HTTP status 400 is assumed]
  const owner = values.ownerid as Lookup | undefined;
  if (owner?.table === "systemuser" && work.get("systemuser", owner.id)?.isdisabled === true) {
    throw ownerDisabled();
  }
  if (owner?.table === "team" && work.get("team", owner.id)?.roles?.length === 0) {
    throw teamWithoutRoles();
  }
}

/** A row's business unit is its owner's. */
function settleOwner(work: Work, row: AnyRow): void {
  // @documented dataverse.owner-default: Without an owner in the body the caller owns a new row; a user or a team can be bound at
  // create and update [powerapps-docs, reference/entities/mailbox.md; the default observed in
  // microsoft/terraform-provider-power-platform, data_record fixtures and tests]
  if (!("ownerid" in row)) {
    return;
  }
  const { ownerid } = row;
  const owner = ownerid.table === "team" ? work.get("team", ownerid.id) : work.get("systemuser", ownerid.id);
  if (owner !== undefined) {
    row.owningbusinessunit = owner.businessunitid;
  }
}

/** `statuscode` follows `statecode`; a status that belongs to the other state is refused. */
function settleState(table: Table, before: AnyRow | undefined, row: AnyRow, values: Values = {}): void {
  if (!("statecode" in row)) {
    return;
  }
  const fitting = row.statecode === 0 ? 1 : 2;
  if (row.statuscode === null || (before !== undefined && !("statuscode" in values))) {
    row.statuscode = fitting;
  }
  if (row.statuscode !== fitting) {
    throw invalidStatus(table, row.statuscode, row.statecode === 0 ? "Active" : "Inactive");
  }
}

function checkOwnAddress(row: AnyRow): void {
  const address =
    "internalemailaddress" in row ? row.internalemailaddress : "emailaddress" in row ? row.emailaddress : null;
  if (address !== null && !("mailboxid" in row)) {
    checkAddress(address);
  }
}
