import { randomUUID } from "node:crypto";
import type { Values } from "./body";
import { isLookup, type Lookup, type TableName } from "./columns";
import {
  deleteForbiddenByAssociation,
  duplicateRecord,
  invalidArgument,
  invalidStatus,
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
  newPrivateQueue,
  organizationOf,
  putOwner,
} from "./individual";
import { cancelTest, scheduleTest } from "./jobs";
import { type Approvable, canApprove, checkAddress, checkMailbox, dropApproval, requestApproval } from "./rules";
import {
  type AnyRow,
  type EmailServerProfileRow,
  idOf,
  type MailboxRow,
  newRow,
  type QueueRow,
  type RowOf,
  type SystemUserRow,
  schema,
  type Table,
  type TeamRow,
} from "./schema";
import type { Work } from "./work";

/** What a table does with its rows, side effects included. Every rule is checked on the row as it will be stored. */
interface Operations<T extends TableName> {
  /** Makes a row of decoded columns under that key. Absent: the simulated service makes none. */
  create?: (work: Work, user: SystemUserRow, values: Values<T>, key: string) => void;
  /** `after` is the row with the columns that are given; all of them stand in `values`. */
  update: (work: Work, user: SystemUserRow, before: RowOf[T], after: RowOf[T], values: Values<T>) => void;
  /** Deletes a row with what hangs on it. Absent: the simulated service deletes none. */
  remove?: (work: Work, row: RowOf[T]) => void;
}

const operations: { readonly [T in TableName]: Operations<T> } = {
  mailbox: { create: createMailbox, update: updateMailbox, remove: deleteMailbox },
  emailserverprofile: {
    create: (work, user, values, emailserverprofileid) => {
      const given = { ...ownedBy(work, user), ...values, emailserverprofileid };
      insert(work, schema.emailserverprofile, newRow("emailserverprofile", given, madeBy(work, user)));
    },
    update: (work, _, __, after) => work.put("emailserverprofile", after),
    remove: removeProfile,
  },
  queue: {
    create: createQueue,
    update: (work, user, before, row, values) => updateOwner(work, user, before, { table: "queue", row }, values),
    remove: removeQueue,
  },
  systemuser: { create: createUser, update: updateUser, remove: removeUser },
  team: { create: createTeam, update: (work, _, __, after) => work.put("team", after), remove: removeTeam },
  organization: { update: (work, _, __, after) => work.put("organization", after) },
  tracelog: {
    update: (work, _, __, after) => work.put("tracelog", after),
    remove: (work, { tracelogid }) => work.remove("tracelog", tracelogid),
  },
};

/** Whether the simulated service makes rows of this table, or deletes them; reading and updating always work. */
export function takes(operation: "create" | "remove", table: Table): boolean {
  return operations[table.name][operation] !== undefined;
}

/** Makes a row from decoded columns and returns its id. `id` is the one chosen in the URL, if any. */
export function create<T extends TableName>(
  work: Work,
  user: SystemUserRow,
  table: Table<T>,
  values: Values<T>,
  id?: string,
): string {
  // @documented dataverse.post-existing-id: A POST whose body holds the id of an existing row is a 412 with 0x80040237
  // [powerapps-docs, data-platform/includes/data-service-errors.md for the code, powerapps-docs,
  // data-platform/webapi/compose-http-requests-handle-errors.md for the status]
  // @observed dataverse.address-not-unique: An address is not unique among mailbox records [seanmcne/Microsoft.Xrm.Data.PowerShell:
  // Get-CrmUserMailbox throws on more than one; user and private queue may share one]
  const given = keyIn(table, values);
  if (id !== undefined && given !== undefined && given !== id) {
    throw invalidArgument(`The key in the body differs from the key in the URL: '${table.key}'.`);
  }
  const key = id ?? given ?? randomUUID();
  if (work.get(table.name, key) !== undefined) {
    throw duplicateRecord();
  }
  demandOwner(work, values);
  operations[table.name].create?.(work, user, values, key);
  return key;
}

/** Changes a row by decoded columns. */
export function update<T extends TableName>(
  work: Work,
  user: SystemUserRow,
  table: Table<T>,
  before: RowOf[T],
  values: Values<T>,
): void {
  const given = keyIn(table, values);
  if (given !== undefined && given !== idOf(table, before)) {
    throw unknownPayloadProperty(table, table.key);
  }
  demandOwner(work, values);
  const after: RowOf[T] = { ...before, ...values };
  settleOwner(work, after);
  settleState(table, after, before, values);
  checkOwnAddress(after);
  operations[table.name].update(work, user, before, after, values);
}

/** Deletes a row. Throws when the service would not let it go. */
export function remove<T extends TableName>(work: Work, table: Table<T>, row: RowOf[T]): void {
  operations[table.name].remove?.(work, row);
}

function keyIn(table: Table, values: Readonly<Record<string, unknown>>): string | undefined {
  const key = values[table.key];
  return typeof key === "string" ? key : undefined;
}

function madeBy(work: Work, user: SystemUserRow) {
  return { at: work.time, by: user.systemuserid };
}

/** What the caller's new row begins with, unless it says otherwise. */
function ownedBy(work: Work, user: SystemUserRow) {
  const ownerid: Lookup = { table: "systemuser", id: user.systemuserid };
  return { ownerid, owningbusinessunit: user.businessunitid, organizationid: organizationPointer(work) };
}

function insert<T extends TableName>(work: Work, table: Table<T>, row: RowOf[T]): void {
  settleOwner(work, row);
  settleState(table, row);
  checkOwnAddress(row);
  work.put(table.name, row);
}

function createMailbox(work: Work, user: SystemUserRow, values: Values<"mailbox">, mailboxid: string): void {
  // @observed dataverse.born-approved: A forward mailbox made by an administrator who may approve is approved (1), its O365 flag
  // false; else it is pending (2) [microsoft/terraform-provider-power-platform, data_record fixtures and tests; that one made by
  // others is pending is the tenant's own]
  const emailserverprofile = organizationOf(work)?.defaultemailserverprofileid ?? null;
  const given = { emailserverprofile, ...ownedBy(work, user), ...values, mailboxid };
  const row = newRow("mailbox", { ...given, testemailconfigurationscheduled: false }, madeBy(work, user));
  row.emailrouteraccessapproval = canApprove(work, user) ? 1 : 2;
  if (values.emailrouteraccessapproval !== undefined) {
    requestApproval(work, user, row, values.emailrouteraccessapproval);
  }
  settleOwner(work, row);
  settleState(schema.mailbox, row);
  checkMailbox(work, undefined, row);
  if (values.testemailconfigurationscheduled === true) {
    scheduleTest(work, row, user.systemuserid);
  }
  work.put("mailbox", row);
}

function createQueue(work: Work, user: SystemUserRow, values: Values<"queue">, queueid: string): void {
  const row = newRow(
    "queue",
    { ...methodsOfNewQueue(work, values), ...ownedBy(work, user), ...values, queueid },
    madeBy(work, user),
  );
  insert(work, schema.queue, row);
  expectMailbox(work, { table: "queue", row });
}

function methodsOfNewQueue(work: Work, { emailaddress }: Values<"queue">): Values<"queue"> {
  if (typeof emailaddress !== "string") {
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

function createUser(work: Work, caller: SystemUserRow, values: Values<"systemuser">, systemuserid: string): void {
  const { incoming, outgoing } = defaultMethods(work);
  const name = nameOf(values);
  const isApplication = values.applicationid !== undefined;
  const given: Values<"systemuser"> = {
    businessunitid: caller.businessunitid,
    organizationid: caller.organizationid,
    fullname: name === "" ? (values.domainname ?? "") : name,
    ...(isApplication ? { accessmode: 4, domainname: `app_${values.applicationid}` } : {}),
    ...(typeof values.internalemailaddress === "string"
      ? { incomingemaildeliverymethod: incoming, outgoingemaildeliverymethod: outgoing, emailrouteraccessapproval: 2 }
      : {}),
    ...values,
    systemuserid,
  };
  const row = newRow("systemuser", given, madeBy(work, caller));
  insert(work, schema.systemuser, row);
  row.queueid = makePrivateQueue(work, row, { table: "systemuser", id: systemuserid }, row.fullname);
  work.put("systemuser", row);
  expectMailbox(work, { table: "systemuser", row });
}

function nameOf({ firstname, lastname }: Values<"systemuser">): string {
  return [firstname, lastname].filter((part) => typeof part === "string").join(" ");
}

function createTeam(work: Work, user: SystemUserRow, values: Values<"team">, teamid: string): void {
  // @assumed dataverse.names-not-unique: Names of teams and full names of users need not be unique [The tables' reference pages
  // name no key on them]
  const isTaken = work.all("team").some(({ name }) => name === values.name);
  if (isTaken && work.tenant.isContrary("dataverse.names-not-unique")) {
    throw duplicateRecord();
  }
  const { businessunitid, organizationid } = user;
  // A new team holds no role, and there are no requests for giving it one here.
  const given = { businessunitid, organizationid, ...values, teamid, roles: [] };
  const row = newRow("team", given, madeBy(work, user));
  insert(work, schema.team, row);
  row.queueid = makePrivateQueue(work, row, { table: "team", id: teamid }, row.name);
  work.put("team", row);
}

/** The private queue that Dataverse makes with each user and team, and the mailbox record of that queue. */
function makePrivateQueue(work: Work, of: SystemUserRow | TeamRow, ownerid: Lookup, name: string): Lookup {
  // @documented dataverse.private-queues: Every user and team has a private queue of its name in angle brackets, without an address
  // or by a setting with the user's [powerapps-docs, data-platform/queue-entities.md; the name as in
  // microsoft/terraform-provider-power-platform, systemusers fixture]
  const hasAddress = "systemuserid" in of && work.tenant.settings.privateQueueAddresses;
  const row = newPrivateQueue(
    {
      queueid: randomUUID(),
      ownerid,
      owningbusinessunit: of.businessunitid,
      organizationid: organizationPointer(work),
      emailaddress: hasAddress ? of.internalemailaddress : null,
    },
    name,
    { at: work.time, by: null },
  );
  work.put("queue", row);
  expectMailbox(work, { table: "queue", row });
  return { table: "queue", id: row.queueid };
}

function organizationPointer(work: Work): Lookup | null {
  const organization = organizationOf(work);
  return organization === undefined ? null : { table: "organization", id: organization.organizationid };
}

function updateMailbox(
  work: Work,
  user: SystemUserRow,
  before: MailboxRow,
  after: MailboxRow,
  values: Values<"mailbox">,
): void {
  // @assumed dataverse.test-locks: A mailbox can be changed while its test runs; by the setting `refuseWhileTesting` it is refused
  // with 0x8005E248 [powerapps-docs, data-platform/includes/data-service-errors.md has the code ("please save after completion of
  // test"); which changes it refuses is not documented]
  const isLocked = work.tenant.settings.refuseWhileTesting || work.tenant.isContrary("dataverse.test-locks");
  if (before.testemailconfigurationscheduled && isLocked) {
    throw testInProgress();
  }
  leaveApproval(before, after);
  after.testemailconfigurationscheduled = before.testemailconfigurationscheduled;
  if (before.emailaddress !== after.emailaddress) {
    dropApproval(work, after, after.emailaddress);
  }
  checkMailbox(work, before, after);
  if (values.emailrouteraccessapproval !== undefined) {
    requestApproval(work, user, after, values.emailrouteraccessapproval);
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

/** What is written to these columns asks for something, and is not kept as it is written. */
function leaveApproval(before: Approvable, after: Approvable): void {
  after.emailrouteraccessapproval = before.emailrouteraccessapproval;
  after.isemailaddressapprovedbyo365admin = before.isemailaddressapprovedbyo365admin;
}

function updateUser(
  work: Work,
  user: SystemUserRow,
  before: SystemUserRow,
  row: SystemUserRow,
  values: Values<"systemuser">,
): void {
  const name = nameOf(row);
  if (("firstname" in values || "lastname" in values) && name !== "") {
    row.fullname = name;
  }
  updateOwner(work, user, before, { table: "systemuser", row }, values);
}

function updateOwner(
  work: Work,
  user: SystemUserRow,
  before: QueueRow | SystemUserRow,
  after: MailboxOwner,
  values: Values<"queue" | "systemuser">,
): void {
  leaveApproval(before, after.row);
  const address = addressOf(after);
  const addressBefore = "systemuserid" in before ? before.internalemailaddress : before.emailaddress;
  if (address !== addressBefore) {
    dropApproval(work, after.row, address);
  }
  if (values.emailrouteraccessapproval !== undefined && values.emailrouteraccessapproval !== null) {
    requestApproval(work, user, after.row, values.emailrouteraccessapproval);
  }
  putOwner(work, after);
  followOwner(work, after);
}

function deleteMailbox(work: Work, row: MailboxRow): void {
  if (work.tenant.settings.deleteNeedsInactive && row.statecode === 0) {
    throw deleteForbiddenByAssociation(schema.mailbox, "it is active.");
  }
  removeMailbox(work, row);
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
function demandOwner(work: Work, values: object): void {
  // @documented dataverse.owner-refused: A disabled user cannot be made an owner (0x8004022b), nor a team without a security role
  // (0x80042f0a) [powerapps-docs, data-platform/includes/data-service-errors.md; the HTTP status 400 is assumed]
  const owner = "ownerid" in values && isLookup(values.ownerid) ? values.ownerid : undefined;
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
function settleState(table: Table, row: AnyRow, before?: AnyRow, values: object = {}): void {
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
