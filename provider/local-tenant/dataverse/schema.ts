import {
  audit,
  type Column,
  type Columns,
  choice,
  flag,
  guid,
  type HeldIn,
  imported,
  key,
  type Lookup,
  lookup,
  memo,
  never,
  owners,
  ownership,
  state,
  type TableName,
  type Target,
  text,
  time,
  unused,
  whole,
} from "./columns";
import { requiredFieldMissing } from "./errors";

/** A simulated table: its names, and its columns by logical name. */
export interface Table<T extends TableName = TableName> {
  name: T;
  schemaName: string;
  /** Schema name of the set, as metadata prints it. */
  collectionName: string;
  displayName: string;
  entitySet: string;
  key: string;
  nameColumn: string;
  objectTypeCode: number;
  columns: ReadonlyMap<string, Column>;
  /** What a new row holds: the columns' `initial`, and what is no column. */
  newRow: Readonly<Record<string, unknown>>;
}

const approval = { 0: "Empty", 1: "Approved", 2: "Pending Approval", 3: "Rejected" };
const incoming = {
  0: "None",
  1: "Microsoft Dynamics 365 for Outlook",
  2: "Server-Side Synchronization or Email Router",
  3: "Forward Mailbox",
};
const incomingOfQueue: Partial<Record<IncomingMethod, string>> = {
  0: "None",
  2: "Server-Side Synchronization or Email Router",
  3: "Forward Mailbox",
};
const outgoing = {
  0: "None",
  1: "Microsoft Dynamics 365 for Outlook",
  2: "Server-Side Synchronization or Email Router",
};
const outgoingOfQueue: Partial<Record<OutgoingMethod, string>> = {
  0: "None",
  2: "Server-Side Synchronization or Email Router",
};
const appointments = { 0: "Microsoft Dynamics 365 for Outlook", 1: "Server-Side Synchronization", 2: "None" };
const testStatus = { 0: "Not Run", 1: "Success", 2: "Failure" };
const credentialRetrieval = {
  0: "Credentials Specified by a User or Queue",
  1: "Credentials Specified in Email Server Profile",
  2: "Server to Server Authentication",
  3: "Windows Integrated Authentication",
  4: "Without Credentials (Anonymous)",
  5: "Gmail OAuth",
  6: "Exchange Hybrid Modern Auth (HMA)",
  7: "Exchange Online OAuth",
};
const authenticationProtocol = { 0: "Auto Detect", 1: "Negotiate", 2: "NTLM", 3: "Basic", 4: "OAuth" };
const counter = { range: [0, 2147483647] as const };

/** Whether an address is approved. */
export type Approval = keyof typeof approval;
export type IncomingMethod = keyof typeof incoming;
export type OutgoingMethod = keyof typeof outgoing;
/** Another order than that of the mail methods. */
export type AppointmentsMethod = keyof typeof appointments;

function to(table: Target["table"], navigation: string): Target[] {
  return [{ table, navigation }];
}

/** What tells the tables apart. */
type Definition<T extends TableName, C extends Columns, O extends Columns> = Omit<Table<T>, "columns" | "newRow"> & {
  /** Columns that every row holds. */
  columns: C;
  /** Columns that a row holds once they are written. Until then they answer their `initial`. */
  others: O;
  /** What rows hold that is no column, at first. Only the control interface writes it. */
  beside?: Readonly<Record<string, unknown>>;
};

function table<T extends TableName, C extends Columns, O extends Columns>({
  beside = {},
  ...definition
}: Definition<T, C, O>) {
  const columns = { ...definition.columns, ...audit };
  const others = { ...definition.others, ...unused };
  const initial = Object.entries<Columns[string]>(columns).map(([name, column]) => [name, column.initial ?? null]);
  return {
    ...definition,
    columns: new Map(
      Object.entries<Columns[string]>({ ...columns, ...others }).map(([name, column]) => [name, { name, ...column }]),
    ),
    newRow: { ...Object.fromEntries(initial), ...beside },
    /** For the types of rows. */
    holds: columns,
    mayHold: others,
  };
}

/** A row of a table: its columns under their logical names. A lookup is a `Lookup`, not Dataverse's `_x_value`. */
type RowIn<D extends { holds: Columns; mayHold: Columns }> = HeldIn<D["holds"]> & Partial<HeldIn<D["mayHold"]>>;

const mailbox = table({
  name: "mailbox",
  schemaName: "Mailbox",
  collectionName: "Mailboxes",
  displayName: "Mailbox",
  entitySet: "mailboxes",
  key: "mailboxid",
  nameColumn: "name",
  objectTypeCode: 9606,
  columns: {
    mailboxid: key(),
    name: text(200, "cru", { required: true }),
    emailaddress: text(100, "cru"),
    isforwardmailbox: flag("r", { initial: true }),
    regardingobjectid: lookup(
      [...to("systemuser", "regardingobjectid"), ...to("queue", "regardingobjectid_queue")],
      "r",
    ),
    emailserverprofile: lookup(to("emailserverprofile", "emailserverprofile"), "cru"),
    incomingemaildeliverymethod: choice(incoming, "cru", { required: true, initial: 2 }),
    outgoingemaildeliverymethod: choice(outgoing, "cru", { required: true, initial: 0 }),
    actdeliverymethod: choice(appointments, "cru", { required: true, initial: 2 }),
    processanddeleteemails: flag("cru", { required: true }),
    allowemailconnectortousecredentials: flag("cru", { required: true }),
    username: text(200, "cru"),
    password: text(200, "cu"),
    isserviceaccount: flag("r"),
    emailrouteraccessapproval: choice(approval, "cru", { required: true, initial: 1 }),
    isemailaddressapprovedbyo365admin: flag("ru"),
    emailaddressapprovedby: lookup(to("systemuser", "emailaddressapprovedby_mailbox"), "r"),
    emailaddressapprovedon: time("r"),
    testandenablelastattemptedby: lookup(to("systemuser", "testandenablelastattemptedby_mailbox"), "r"),
    testandenablelastattemptedon: time("r"),
    testemailconfigurationscheduled: flag("cru"),
    testemailconfigurationretrycount: whole("cru", { ...counter, initial: 0 }),
    postponetestemailconfigurationuntil: time("cru", { initial: never }),
    testmailboxaccesscompletedon: time("ru", { initial: never }),
    incomingemailstatus: choice(testStatus, "ru", { initial: 0 }),
    outgoingemailstatus: choice(testStatus, "ru", { initial: 0 }),
    actstatus: choice(testStatus, "ru", { initial: 0 }),
    mailboxstatus: choice(testStatus, "r", { initial: 0 }),
    enabledforincomingemail: flag("ru", { initial: true }),
    enabledforoutgoingemail: flag("ru"),
    enabledforact: flag("ru", { initial: true }),
    processemailreceivedafter: time("cru"),
    orgmarkedasprimaryforexchangesync: flag("cru"),
    verboseloggingenabled: whole("ru", { range: [0, 100], required: true, initial: 0 }),
    undeliverablefolder: text(256, "ru"),
    organizationid: lookup(to("organization", "organizationid"), "r"),
    ...ownership,
    ...state,
  },
  others: {
    ispasswordset: flag("r"),
    oauthaccesstoken: text(1024, "cu"),
    oauthrefreshtoken: text(256, "cu"),
    ewsurl: text(2084, "cru"),
    hostid: text(256, "r"),
    lastautodiscoveredon: time("cru"),
    lasttaggedmessageid: text(320, "ru"),
    tagemailsafter: time("cru"),
    lastsyncerror: text(2048, "cru"),
    lastsyncerrorcode: whole("cru"),
    lastsyncerrorcount: whole("cru", { ...counter, initial: 0 }),
    lastsyncerrormachinename: text(320, "cru"),
    lastsyncerroroccurredon: time("cru"),
    lastsyncstartedon: time("r"),
    lastsuccessfulsynccompletedon: time("ru", { initial: never }),
    lastmailboxforcedunlockoccurredon: time("r"),
    forcedunlockcount: whole("r", { initial: 0 }),
    transientfailurecount: whole("r", { initial: 0 }),
    itemsfailedforlastsync: whole("cru", counter),
    itemsprocessedforlastsync: whole("cru", counter),
    lastduration: whole("r"),
    averagetotalduration: whole("r"),
    nextscheduledactsyncinseconds: whole("r"),
    noactcount: whole("r", { initial: 0 }),
    noemailcount: whole("r", { initial: 0 }),
    postponemailboxprocessinguntil: time("ru", { initial: never }),
    postponesendinguntil: time("cru", { initial: never }),
    processingstatecode: whole("r", { initial: 0 }),
    processedtimes: whole("r", { initial: 0 }),
    processinglastattemptedon: time("r", { initial: never }),
    receivingpostponeduntil: time("r", { initial: never }),
    receivingpostponeduntilforact: time("r", { initial: never }),
    mailboxprocessingcontext: whole("cru", counter),
    isactsyncorgflagset: flag("cru"),
    isexchangecontactsimportscheduled: flag("r"),
    exchangecontactsimportstatus: choice({ 0: "NotImported", 1: "Imported", 2: "ImportFailed" }, "cru", {
      initial: 0,
    }),
    exchangecontactsimportcompletedon: time("r"),
    isoauthaccesstokenset: flag("r"),
    isoauthrefreshtokenset: flag("r"),
    oauthtokenexpireson: time("cru"),
    officeappsdeploymentscheduled: flag("cru"),
    officeappsdeploymentstatus: choice(
      { 0: "NotInstalled", 1: "Installed", 2: "InstallFailed", 3: "UninstallFailed", 4: "UpgradeRequired" },
      "cru",
      { initial: 0 },
    ),
    officeappsdeploymentcompleteon: time("r"),
    officeappsdeploymenterror: text(1048576, "r"),
    postponeofficeappsdeploymentuntil: time("cru"),
    folderhierarchy: memo(1048576, "cru"),
    exchangesyncstatexml: memo(1073741823, "cru"),
    entityimageid: guid("r"),
    entityimage_url: text(200, "r"),
    ...owners,
  },
});

const emailserverprofile = table({
  name: "emailserverprofile",
  schemaName: "EmailServerProfile",
  collectionName: "EmailServerProfiles",
  displayName: "Email Server Profile",
  entitySet: "emailserverprofiles",
  key: "emailserverprofileid",
  nameColumn: "name",
  objectTypeCode: 9605,
  columns: {
    emailserverprofileid: key(),
    name: text(100, "cru", { required: true }),
    description: memo(2000, "cru"),
    servertype: choice(
      {
        0: "Exchange Server",
        1: "Other (POP3/SMTP)",
        2: "Exchange Server (Hybrid)",
        3: "Exchange Online (Hybrid)",
        4: "IMAP/SMTP",
      },
      "cru",
      { required: true, initial: 3 },
    ),
    incomingcredentialretrieval: choice(credentialRetrieval, "cru", { required: true, initial: 2 }),
    outgoingcredentialretrieval: choice(credentialRetrieval, "cru", { required: true, initial: 2 }),
    incomingauthenticationprotocol: choice(authenticationProtocol, "cru", { initial: 0 }),
    outgoingauthenticationprotocol: choice(authenticationProtocol, "cru", { initial: 0 }),
    incomingserverlocation: text(2084, "cru"),
    outgoingserverlocation: text(2084, "cru"),
    defaultserverlocation: text(2084, "cru"),
    useautodiscover: flag("cru"),
    incomingusessl: flag("cru", { initial: true }),
    outgoingusessl: flag("cru", { initial: true }),
    usesamesettingsforoutgoingconnections: flag("cru", { initial: true }),
    exchangeonlinetenantid: text(36, "cru"),
    usedefaulttenantid: flag("cru", { initial: true }),
    organizationid: lookup(to("organization", "organizationid"), "r"),
    ...ownership,
    ...state,
  },
  others: {
    incomingportnumber: whole("cru", { range: [0, 65535] }),
    outgoingportnumber: whole("cru", { range: [0, 65535] }),
    incomingusername: text(250, "cru"),
    incomingpassword: text(250, "cu"),
    outgoingusername: text(250, "cru"),
    outgoingpassword: text(250, "cu"),
    oauthclientid: text(250, "cru"),
    oauthclientsecret: text(2000, "cu"),
    processemailsreceivedafter: time("cru"),
    minpollingintervalinminutes: whole("cru", { range: [0, 1440], initial: 0 }),
    maxconcurrentconnections: whole("cru", { range: [1, 300], initial: 10 }),
    moveundeliveredemails: flag("cru"),
    sendemailalert: flag("cru", { initial: true }),
    timeoutmailboxconnection: flag("cru", { initial: true }),
    timeoutmailboxconnectionafteramount: whole("cru", { range: [0, 2147483647], initial: 100000 }),
    lasttestexecutionstatus: whole("r", { initial: 0 }),
    lasttestvalidationstatus: whole("r", { initial: 0 }),
    lasttesttotalexecutiontime: time("r"),
    lastauthorizationstatus: choice({ 0: "Failure", 1: "Success" }, "r"),
    ...owners,
  },
});

const queue = table({
  name: "queue",
  schemaName: "Queue",
  collectionName: "Queues",
  displayName: "Queue",
  entitySet: "queues",
  key: "queueid",
  nameColumn: "name",
  objectTypeCode: 2020,
  columns: {
    queueid: key(),
    name: text(200, "cru", { required: true }),
    description: memo(2000, "cru"),
    emailaddress: text(100, "cru"),
    incomingemaildeliverymethod: choice(incomingOfQueue, "cru", { required: true, initial: 0 }),
    outgoingemaildeliverymethod: choice(outgoingOfQueue, "cru", { required: true, initial: 0 }),
    incomingemailfilteringmethod: choice(
      {
        0: "All email messages",
        1: "Email messages in response to Dynamics 365 email",
        2: "Email messages from Dynamics 365 Leads, Contacts and Accounts",
        3: "Email messages from Dynamics 365 records that are email enabled",
        4: "No email messages",
      },
      "cru",
      { required: true, initial: 0 },
    ),
    queueviewtype: choice({ 0: "Public", 1: "Private" }, "cru", { initial: 0 }),
    emailrouteraccessapproval: choice(approval, "ru", { initial: 0 }),
    isemailaddressapprovedbyo365admin: flag("r"),
    defaultmailbox: lookup(to("mailbox", "defaultmailbox"), "r"),
    numberofitems: whole("r", { initial: 0 }),
    organizationid: lookup(to("organization", "organizationid"), "r"),
    ...ownership,
    ...state,
  },
  others: {
    queuetypecode: choice({ 1: "Default Value" }, "r", { initial: 1 }),
    numberofmembers: whole("r", { initial: 0 }),
    isfaxqueue: flag("cru"),
    ignoreunsolicitedemail: flag("cru"),
    allowemailcredentials: flag("cru"),
    emailusername: text(100, "cru"),
    emailpassword: text(100, "cu"),
    primaryuserid: lookup(to("systemuser", "primaryuserid"), "r"),
    ...owners,
    ...imported,
  },
});

const systemuser = table({
  name: "systemuser",
  schemaName: "SystemUser",
  collectionName: "SystemUsers",
  displayName: "User",
  entitySet: "systemusers",
  key: "systemuserid",
  nameColumn: "fullname",
  objectTypeCode: 8,
  beside: { roles: [] },
  columns: {
    systemuserid: key(),
    fullname: text(200, "r", { isGiven: true }),
    firstname: text(256, "cru"),
    lastname: text(256, "cru"),
    domainname: text(1024, "cru", { required: true }),
    internalemailaddress: text(100, "cru"),
    azureactivedirectoryobjectid: guid("cru"),
    applicationid: guid("cr"),
    isdisabled: flag("ru"),
    accessmode: choice(
      { 0: "Read-Write", 1: "Administrative", 2: "Read", 3: "Support User", 4: "Non-interactive" },
      "cru",
      { initial: 0 },
    ),
    incomingemaildeliverymethod: choice(incoming, "cru", { initial: 0 }),
    outgoingemaildeliverymethod: choice(outgoing, "cru", { initial: 0 }),
    emailrouteraccessapproval: choice(approval, "ru", { initial: 0 }),
    isemailaddressapprovedbyo365admin: flag("r"),
    defaultmailbox: lookup(to("mailbox", "defaultmailbox"), "r"),
    businessunitid: lookup(to("businessunit", "businessunitid"), "cru", { isGiven: true }),
    organizationid: guid("r", { isGiven: true }),
  },
  others: {
    title: text(128, "cru"),
    windowsliveid: text(1024, "cru"),
    islicensed: flag("cru"),
    issyncwithdirectory: flag("cru"),
    queueid: lookup(to("queue", "queueid"), "cru"),
    parentsystemuserid: lookup(to("systemuser", "parentsystemuserid"), "cru"),
    ...imported,
  },
});

const team = table({
  name: "team",
  schemaName: "Team",
  collectionName: "Teams",
  displayName: "Team",
  entitySet: "teams",
  key: "teamid",
  nameColumn: "name",
  objectTypeCode: 9,
  beside: { roles: ["Basic User"] },
  columns: {
    teamid: key(),
    name: text(160, "cru", { required: true }),
    description: memo(2000, "cru"),
    emailaddress: text(100, "cru"),
    isdefault: flag("r"),
    teamtype: choice({ 0: "Owner", 1: "Access", 2: "Security Group", 3: "Office Group" }, "cr", { initial: 0 }),
    azureactivedirectoryobjectid: guid("cr"),
    businessunitid: lookup(to("businessunit", "businessunitid"), "cru", { isGiven: true }),
    administratorid: lookup(to("systemuser", "administratorid"), "cru"),
    organizationid: guid("r", { isGiven: true }),
  },
  others: {
    queueid: lookup(to("queue", "queueid"), "cru"),
    ...imported,
  },
});

const tracelog = table({
  name: "tracelog",
  schemaName: "TraceLog",
  collectionName: "TraceLogs",
  displayName: "Trace",
  entitySet: "tracelogs",
  key: "tracelogid",
  nameColumn: "text",
  objectTypeCode: 8050,
  columns: {
    tracelogid: key(),
    text: text(2000, "cr", { isGiven: true }),
    level: choice({ 1: "Information", 2: "Warning", 3: "Error" }, "cr", { initial: 3 }),
    tracecode: whole("cr", { range: [0, 1000000000], required: true, initial: 0 }),
    errordetails: text(2048, "cru"),
    regardingobjectid: lookup(
      [
        ...to("mailbox", "regardingobjectid_mailbox"),
        ...to("emailserverprofile", "regardingobjectid_emailserverprofile"),
      ],
      "cr",
      { isGiven: true },
    ),
    organizationid: lookup(to("organization", "organizationid"), "r"),
  },
  others: {
    tracestatus: flag("cr"),
    errortypedisplay: text(320, "cru"),
    parenttracelogid: lookup(to("tracelog", "parenttracelogid"), "cr"),
    canbedeleted: flag("cr", { initial: true }),
    isunique: flag("cr"),
    collationlevel: whole("cr", counter),
    machinename: text(320, "cru"),
    traceactionxml: memo(1073741823, "cr"),
    tracedetailxml: memo(1073741823, "cru"),
    traceparameterxml: memo(1073741823, "cr"),
  },
});

const organization = table({
  name: "organization",
  schemaName: "Organization",
  collectionName: "Organizations",
  displayName: "Organization",
  entitySet: "organizations",
  key: "organizationid",
  nameColumn: "name",
  objectTypeCode: 1019,
  columns: {
    organizationid: key(),
    name: text(160, "ru", { required: true }),
    defaultemailserverprofileid: lookup(to("emailserverprofile", "defaultemailserverprofileid"), "ru"),
    defaultemailsettings: text(1073741823, "ru", { initial: defaultEmailSettings(2, 2, 1) }),
    requireapprovalforuseremail: flag("ru", { initial: true }),
    requireapprovalforqueueemail: flag("ru", { initial: true }),
  },
  others: {},
});

/** A mailbox record: a forward mailbox, or the individual mailbox of a user or queue (`regardingobjectid` set). */
export type MailboxRow = RowIn<typeof mailbox>;

/** How Dataverse reaches the mail server. */
export type EmailServerProfileRow = RowIn<typeof emailserverprofile>;

/** A queue. With an address it has an individual mailbox record, whose address, methods and approval stay equal to these. */
export type QueueRow = RowIn<typeof queue> & {
  /** Names of the routing rule sets that use the queue, which then cannot be deleted. */
  routingRules?: string[];
};

/** Security roles the tenant knows; which privileges they give is in caller.ts. */
export type SecurityRole = "System Administrator" | "System Customizer" | "Basic User" | "Delegated Mailbox Approver";

/** A user of the environment: a person (`azureactivedirectoryobjectid`) or an application (`applicationid`). */
export type SystemUserRow = RowIn<typeof systemuser> & {
  /** The security roles held. */
  roles: SecurityRole[];
};

/** A team that may own rows. */
export type TeamRow = RowIn<typeof team> & {
  /** The security roles held. A team without one may own nothing; absent in older journals. */
  roles?: SecurityRole[];
};

/** The environment itself; exactly one row. */
export type OrganizationRow = RowIn<typeof organization>;

/** An alert: what happened to a mailbox record or a server profile. */
type TraceLogRow = RowIn<typeof tracelog>;

/** The row type of a table. */
export interface RowOf {
  mailbox: MailboxRow;
  emailserverprofile: EmailServerProfileRow;
  queue: QueueRow;
  systemuser: SystemUserRow;
  team: TeamRow;
  organization: OrganizationRow;
  tracelog: TraceLogRow;
}

/** Any simulated row. */
export type AnyRow = RowOf[TableName];

/** The simulated tables by logical name. */
export const schema: { readonly [T in TableName]: Table<T> } = {
  // @documented dataverse.columns: Columns, their types, lengths, choices and validity for create and update are those of `schema`
  // [powerapps-docs, reference/entities/mailbox.md]
  mailbox,
  emailserverprofile,
  queue,
  systemuser,
  team,
  organization,
  tracelog,
};

/** What a new row needs beside its columns: when, and by whom. `at` is ISO 8601; `by` a systemuserid. */
export interface Made {
  at: string;
  by: string | null;
  /** The row version; rows made over the wire get the next number, a seed may leave it out (1000000). */
  version?: number;
}

/**
 * A row of a table with what is given, and the values that a row begins with: those of a forward mailbox, of the built-in profile of
 * Exchange Online, of a queue without an address. Throws 400 where a column that is needed is not given.
 */
export function newRow<T extends TableName>(name: T, given: Partial<RowOf[T]>, made: Made): RowOf[T] {
  // @observed dataverse.new-forward-mailbox: A mailbox made with name and address alone is a forward mailbox with the initial values of
  // `schema` [microsoft/terraform-provider-power-platform, data_record fixtures and tests]
  const at = wholeSeconds(made.at);
  const by: Lookup | null = made.by === null ? null : { table: "systemuser", id: made.by };
  const version = made.version ?? 1_000_000;
  const row: Record<string, unknown> = {
    ...structuredClone(schema[name].newRow),
    ...{ createdon: at, modifiedon: at, createdby: by, modifiedby: by, versionnumber: version },
    ...given,
  };
  for (const column of schema[name].columns.values()) {
    if ((column.required || column.isGiven) && (row[column.name] ?? null) === null) {
      throw requiredFieldMissing(schema[name], column.name);
    }
  }
  // The columns of a table have the types of the table.
  return row as RowOf[T];
}

/** The row's id. */
export function idOf(table: Table, row: Readonly<Record<string, unknown>>): string {
  return String(row[table.key]);
}

/** ISO 8601 with whole seconds, as Dataverse prints times. */
export function wholeSeconds(iso: string): string {
  return `${new Date(iso).toISOString().slice(0, 19)}Z`;
}

/** The organisation's default delivery methods as `defaultemailsettings` holds them. */
function defaultEmailSettings(incoming: IncomingMethod, outgoing: OutgoingMethod, act: AppointmentsMethod): string {
  return `<EmailSettings><IncomingEmailDeliveryMethod>${incoming}</IncomingEmailDeliveryMethod><OutgoingEmailDeliveryMethod>${outgoing}</OutgoingEmailDeliveryMethod><ACTDeliveryMethod>${act}</ACTDeliveryMethod></EmailSettings>`;
}

/** The simulated tables by entity set, the name in URLs. */
export const entitySets: ReadonlyMap<string, Table> = new Map(Object.values(schema).map((one) => [one.entitySet, one]));

/** The column and target behind a navigation property, its case as written; undefined when the table has none so named. */
export function navigation(of: Table, name: string): { column: Column; targets: Target[] } | undefined {
  for (const column of of.columns.values()) {
    const targets = (column.targets ?? []).filter((target) => target.navigation === name);
    if (targets.length > 0) {
      return { column, targets };
    }
  }
  return undefined;
}

/** The column whose lookup value is read as `_name_value`. */
export function lookupColumn(of: Table, property: string): Column | undefined {
  const name = /^_(.+)_value$/.exec(property)?.[1];
  const column = name === undefined ? undefined : of.columns.get(name);
  return column?.targets === undefined ? undefined : column;
}

/** The name a column is read under. */
export function propertyOf(column: Column): string {
  return column.targets === undefined ? column.name : `_${column.name}_value`;
}
