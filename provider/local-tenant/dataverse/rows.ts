/**
 * The rows Dataverse keeps, by table name in the store. A row holds its columns under their logical names; a lookup is a
 * `Lookup` object, not Dataverse's `_x_value`. A column that is absent reads as null over the wire. Key: the primary id.
 */
export const dataverseTables = {
  mailbox: "dv.mailboxes",
  emailserverprofile: "dv.emailserverprofiles",
  queue: "dv.queues",
  systemuser: "dv.systemusers",
  team: "dv.teams",
  organization: "dv.organizations",
  tracelog: "dv.tracelogs",
} as const;

/** Logical name of a simulated table. */
export type TableName = keyof typeof dataverseTables;

/** Where a lookup column points; business units are not simulated as rows, only pointed at. */
export interface Lookup {
  table: TableName | "businessunit";
  id: string;
}

/** What Dataverse answers for a date that never happened. */
export const never = "1900-01-01T00:00:00Z";

/** Columns every row has. Times are ISO 8601 in UTC with whole seconds. */
export interface CommonColumns {
  /** 0 active, 1 inactive. */
  statecode: 0 | 1;
  /** 1 active, 2 inactive. */
  statuscode: 1 | 2;
  createdon: string;
  modifiedon: string;
  createdby: Lookup | null;
  modifiedby: Lookup | null;
  /** The number inside the row's ETag. */
  versionnumber: number;
}

/** Columns of rows that somebody owns. `owninguser` and `owningteam` follow `ownerid`. */
export interface OwnedColumns {
  /** A systemuser or a team. */
  ownerid: Lookup;
  owningbusinessunit: Lookup;
}

/** 0 empty, 1 approved, 2 pending, 3 rejected. */
export type Approval = 0 | 1 | 2 | 3;
/** 0 not run, 1 success, 2 failure. */
export type TestStatus = 0 | 1 | 2;
/** 0 none, 1 Dynamics 365 for Outlook, 2 server-side synchronisation, 3 forward mailbox. */
export type IncomingMethod = 0 | 1 | 2 | 3;
/** 0 none, 1 Dynamics 365 for Outlook, 2 server-side synchronisation. */
export type OutgoingMethod = 0 | 1 | 2;
/** 0 Dynamics 365 for Outlook, 1 server-side synchronisation, 2 none: another order than the mail methods. */
export type AppointmentsMethod = 0 | 1 | 2;

/** A mailbox record: a forward mailbox, or the individual mailbox of a user or queue (`regardingobjectid` set). */
export interface MailboxRow extends CommonColumns, OwnedColumns {
  mailboxid: string;
  name: string;
  emailaddress: string | null;
  isforwardmailbox: boolean;
  /** The systemuser or queue the record belongs to; null on a forward mailbox. */
  regardingobjectid: Lookup | null;
  organizationid: Lookup | null;
  emailserverprofile: Lookup | null;
  incomingemaildeliverymethod: IncomingMethod;
  outgoingemaildeliverymethod: OutgoingMethod;
  actdeliverymethod: AppointmentsMethod;
  processanddeleteemails: boolean;
  allowemailconnectortousecredentials: boolean;
  username: string | null;
  /** Write-only and never printed; of one that came over the wire only a SHA-256 digest is kept. */
  password: string | null;
  emailrouteraccessapproval: Approval;
  isemailaddressapprovedbyo365admin: boolean;
  emailaddressapprovedby: Lookup | null;
  emailaddressapprovedon: string | null;
  testandenablelastattemptedby: Lookup | null;
  testandenablelastattemptedon: string | null;
  testemailconfigurationscheduled: boolean;
  testemailconfigurationretrycount: number;
  postponetestemailconfigurationuntil: string;
  testmailboxaccesscompletedon: string;
  incomingemailstatus: TestStatus;
  outgoingemailstatus: TestStatus;
  actstatus: TestStatus;
  mailboxstatus: TestStatus;
  /** Why the last test failed, with Dataverse's error code as a signed number; null after a success, and in older journals absent. */
  lastsyncerror?: string | null;
  lastsyncerrorcode?: number | null;
  lastsyncerroroccurredon?: string | null;
  /** Failed tests since the last success. */
  lastsyncerrorcount?: number;
  enabledforincomingemail: boolean;
  enabledforoutgoingemail: boolean;
  enabledforact: boolean;
  /** ISO 8601, or null for no limit. */
  processemailreceivedafter: string | null;
  orgmarkedasprimaryforexchangesync: boolean;
  isserviceaccount: boolean;
  verboseloggingenabled: number;
  undeliverablefolder: string | null;
}

/** How Dataverse reaches the mail server. */
export interface EmailServerProfileRow extends CommonColumns, OwnedColumns {
  emailserverprofileid: string;
  name: string;
  description: string | null;
  organizationid: Lookup | null;
  /** 0 Exchange Server, 1 other (POP3/SMTP), 2 Exchange Server (hybrid), 3 Exchange Online (hybrid), 4 IMAP/SMTP. */
  servertype: 0 | 1 | 2 | 3 | 4;
  /** 0 specified by a user or queue, 1 in the profile, 2 server-to-server, 3 Windows integrated, 4 anonymous, 5 Gmail, 6 hybrid modern authentication, 7 Entra OAuth. */
  incomingcredentialretrieval: number;
  outgoingcredentialretrieval: number;
  incomingauthenticationprotocol: number;
  outgoingauthenticationprotocol: number;
  incomingserverlocation: string | null;
  outgoingserverlocation: string | null;
  defaultserverlocation: string | null;
  useautodiscover: boolean;
  incomingusessl: boolean;
  outgoingusessl: boolean;
  usesamesettingsforoutgoingconnections: boolean;
  exchangeonlinetenantid: string | null;
  usedefaulttenantid: boolean;
}

/** A queue. With an address it has an individual mailbox record, whose address, methods and approval stay equal to these. */
export interface QueueRow extends CommonColumns, OwnedColumns {
  queueid: string;
  name: string;
  description: string | null;
  emailaddress: string | null;
  organizationid: Lookup | null;
  incomingemaildeliverymethod: IncomingMethod;
  outgoingemaildeliverymethod: OutgoingMethod;
  incomingemailfilteringmethod: number;
  /** 0 public, 1 private. */
  queueviewtype: 0 | 1;
  emailrouteraccessapproval: Approval;
  isemailaddressapprovedbyo365admin: boolean;
  defaultmailbox: Lookup | null;
  /** Items in the queue; a queue with some cannot be deleted. Only the control interface writes it. */
  numberofitems: number;
  /** Not a column: names of the routing rule sets that use the queue, which then cannot be deleted. Only the control interface writes it. */
  routingRules?: string[];
}

/** Security roles the tenant knows; which privileges they give is in caller.ts. */
export type SecurityRole = "System Administrator" | "System Customizer" | "Basic User" | "Delegated Mailbox Approver";

/** A user of the environment: a person (`azureactivedirectoryobjectid`) or an application (`applicationid`). */
export interface SystemUserRow extends Omit<CommonColumns, "statecode" | "statuscode"> {
  systemuserid: string;
  fullname: string;
  firstname: string | null;
  lastname: string | null;
  domainname: string;
  internalemailaddress: string | null;
  azureactivedirectoryobjectid: string | null;
  applicationid: string | null;
  isdisabled: boolean;
  /** 0 read-write, 1 administrative, 2 read, 3 support, 4 non-interactive. */
  accessmode: 0 | 1 | 2 | 3 | 4;
  businessunitid: Lookup;
  organizationid: string;
  incomingemaildeliverymethod: IncomingMethod;
  outgoingemaildeliverymethod: OutgoingMethod;
  emailrouteraccessapproval: Approval;
  isemailaddressapprovedbyo365admin: boolean;
  defaultmailbox: Lookup | null;
  /** The user's own private queue; absent in older journals. */
  queueid?: Lookup | null;
  /** Not a column: the security roles held. */
  roles: SecurityRole[];
}

/** A team that may own rows. */
export interface TeamRow extends Omit<CommonColumns, "statecode" | "statuscode"> {
  teamid: string;
  name: string;
  description: string | null;
  emailaddress: string | null;
  isdefault: boolean;
  /** 0 owner, 1 access, 2 Entra security group, 3 Entra office group. */
  teamtype: 0 | 1 | 2 | 3;
  azureactivedirectoryobjectid: string | null;
  businessunitid: Lookup;
  administratorid: Lookup | null;
  organizationid: string;
  /** The team's own private queue; absent in older journals. */
  queueid?: Lookup | null;
  /** Not a column: the security roles held. A team without one may own nothing; absent in older journals. */
  roles?: SecurityRole[];
}

/** The environment itself; exactly one row. */
export interface OrganizationRow extends Omit<CommonColumns, "statecode" | "statuscode"> {
  organizationid: string;
  name: string;
  defaultemailserverprofileid: Lookup | null;
  /** XML with IncomingEmailDeliveryMethod, OutgoingEmailDeliveryMethod, ACTDeliveryMethod. */
  defaultemailsettings: string;
  requireapprovalforuseremail: boolean;
  requireapprovalforqueueemail: boolean;
}

/** An alert: what happened to a mailbox record or a server profile. */
export interface TraceLogRow extends Omit<CommonColumns, "statecode" | "statuscode"> {
  tracelogid: string;
  text: string;
  /** 1 information, 2 warning, 3 error. */
  level: 1 | 2 | 3;
  tracecode: number;
  errordetails: string | null;
  regardingobjectid: Lookup;
  organizationid: Lookup | null;
}

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

/** What a factory needs beside the columns: when, and by whom. `at` is ISO 8601; `by` a systemuserid. */
export interface Made {
  at: string;
  by: string | null;
  /** The row version; rows made over the wire get the next number, a seed may leave it out (1000000). */
  version?: number;
}

function common(made: Made): CommonColumns {
  const at = wholeSeconds(made.at);
  const by: Lookup | null = made.by === null ? null : { table: "systemuser", id: made.by };
  return {
    statecode: 0,
    statuscode: 1,
    createdon: at,
    modifiedon: at,
    createdby: by,
    modifiedby: by,
    versionnumber: made.version ?? 1_000_000,
  };
}

function withoutState<T extends CommonColumns>({ statecode: _, statuscode: __, ...rest }: T) {
  return rest;
}

/** ISO 8601 with whole seconds, as Dataverse prints times. */
export function wholeSeconds(iso: string): string {
  return `${new Date(iso).toISOString().slice(0, 19)}Z`;
}

/** A mailbox record with the values a forward mailbox is born with; give `isforwardmailbox: false` and `regardingobjectid` for an individual one. */
export function newMailboxRow(
  given: Partial<MailboxRow> &
    Pick<MailboxRow, "mailboxid" | "name" | "emailaddress" | "ownerid" | "owningbusinessunit">,
  made: Made,
): MailboxRow {
  // @observed dataverse.new-forward-mailbox: A mailbox made with name and address alone is a forward mailbox with the defaults of
  // `newMailboxRow` [microsoft/terraform-provider-power-platform, data_record fixtures and tests]
  return {
    ...common(made),
    isforwardmailbox: true,
    regardingobjectid: null,
    organizationid: null,
    emailserverprofile: null,
    incomingemaildeliverymethod: 2,
    outgoingemaildeliverymethod: 0,
    actdeliverymethod: 2,
    processanddeleteemails: false,
    allowemailconnectortousecredentials: false,
    username: null,
    password: null,
    emailrouteraccessapproval: 1,
    isemailaddressapprovedbyo365admin: false,
    emailaddressapprovedby: null,
    emailaddressapprovedon: null,
    testandenablelastattemptedby: null,
    testandenablelastattemptedon: null,
    testemailconfigurationscheduled: false,
    testemailconfigurationretrycount: 0,
    postponetestemailconfigurationuntil: never,
    testmailboxaccesscompletedon: never,
    incomingemailstatus: 0,
    outgoingemailstatus: 0,
    actstatus: 0,
    mailboxstatus: 0,
    enabledforincomingemail: true,
    enabledforoutgoingemail: false,
    enabledforact: true,
    processemailreceivedafter: null,
    orgmarkedasprimaryforexchangesync: false,
    isserviceaccount: false,
    verboseloggingenabled: 0,
    undeliverablefolder: null,
    ...given,
  };
}

/** A server profile; without more it is the built-in one of a same-tenant Exchange Online organisation. */
export function newEmailServerProfileRow(
  given: Partial<EmailServerProfileRow> &
    Pick<EmailServerProfileRow, "emailserverprofileid" | "name" | "ownerid" | "owningbusinessunit">,
  made: Made,
): EmailServerProfileRow {
  return {
    ...common(made),
    description: null,
    organizationid: null,
    servertype: 3,
    incomingcredentialretrieval: 2,
    outgoingcredentialretrieval: 2,
    incomingauthenticationprotocol: 0,
    outgoingauthenticationprotocol: 0,
    incomingserverlocation: null,
    outgoingserverlocation: null,
    defaultserverlocation: null,
    useautodiscover: false,
    incomingusessl: true,
    outgoingusessl: true,
    usesamesettingsforoutgoingconnections: true,
    exchangeonlinetenantid: null,
    usedefaulttenantid: true,
    ...given,
  };
}

/** A private queue, as Dataverse makes one for each user and team; it has the name in angle brackets. */
export function newPrivateQueueRow(
  given: Partial<QueueRow> & Pick<QueueRow, "queueid" | "ownerid" | "owningbusinessunit">,
  ownerName: string,
  made: Made,
): QueueRow {
  return newQueueRow({ name: `<${ownerName.slice(0, 198)}>`, queueviewtype: 1, ...given }, made);
}

/** An alert. */
export function newTraceLogRow(
  given: Partial<TraceLogRow> & Pick<TraceLogRow, "tracelogid" | "text" | "regardingobjectid">,
  made: Made,
): TraceLogRow {
  return { ...withoutState(common(made)), level: 3, tracecode: 0, errordetails: null, organizationid: null, ...given };
}

/** A queue without an address; its mailbox record is a row of its own (`defaultmailbox`). */
export function newQueueRow(
  given: Partial<QueueRow> & Pick<QueueRow, "queueid" | "name" | "ownerid" | "owningbusinessunit">,
  made: Made,
): QueueRow {
  return {
    ...common(made),
    description: null,
    emailaddress: null,
    organizationid: null,
    incomingemaildeliverymethod: 0,
    outgoingemaildeliverymethod: 0,
    incomingemailfilteringmethod: 0,
    queueviewtype: 0,
    emailrouteraccessapproval: 0,
    isemailaddressapprovedbyo365admin: false,
    defaultmailbox: null,
    numberofitems: 0,
    ...given,
  };
}

/** A user who holds no security role unless `roles` says so. */
export function newSystemUserRow(
  given: Partial<SystemUserRow> &
    Pick<SystemUserRow, "systemuserid" | "fullname" | "domainname" | "businessunitid" | "organizationid">,
  made: Made,
): SystemUserRow {
  return {
    ...withoutState(common(made)),
    firstname: null,
    lastname: null,
    internalemailaddress: null,
    azureactivedirectoryobjectid: null,
    applicationid: null,
    isdisabled: false,
    accessmode: 0,
    incomingemaildeliverymethod: 0,
    outgoingemaildeliverymethod: 0,
    emailrouteraccessapproval: 0,
    isemailaddressapprovedbyo365admin: false,
    defaultmailbox: null,
    roles: [],
    ...given,
  };
}

/** An owner team with the least role, so that it may own rows. */
export function newTeamRow(
  given: Partial<TeamRow> & Pick<TeamRow, "teamid" | "name" | "businessunitid" | "organizationid">,
  made: Made,
): TeamRow {
  return {
    ...withoutState(common(made)),
    description: null,
    emailaddress: null,
    isdefault: false,
    teamtype: 0,
    azureactivedirectoryobjectid: null,
    administratorid: null,
    roles: ["Basic User"],
    ...given,
  };
}

/** The environment: server-side synchronisation for mail by default, approval required. */
export function newOrganizationRow(
  given: Partial<OrganizationRow> & Pick<OrganizationRow, "organizationid" | "name">,
  made: Made,
): OrganizationRow {
  return {
    ...withoutState(common(made)),
    defaultemailserverprofileid: null,
    defaultemailsettings: defaultEmailSettings(2, 2, 1),
    requireapprovalforuseremail: true,
    requireapprovalforqueueemail: true,
    ...given,
  };
}

/** The organisation's default delivery methods as `defaultemailsettings` holds them. */
export function defaultEmailSettings(
  incoming: IncomingMethod,
  outgoing: OutgoingMethod,
  act: AppointmentsMethod,
): string {
  return `<EmailSettings><IncomingEmailDeliveryMethod>${incoming}</IncomingEmailDeliveryMethod><OutgoingEmailDeliveryMethod>${outgoing}</OutgoingEmailDeliveryMethod><ACTDeliveryMethod>${act}</ACTDeliveryMethod></EmailSettings>`;
}
