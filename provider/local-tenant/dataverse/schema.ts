import {
  audit,
  type Column,
  choice,
  flag,
  guid,
  imported,
  key,
  lookup,
  memo,
  ownership,
  state,
  type Target,
  text,
  time,
  whole,
} from "./columns";
import { never, type TableName } from "./rows";

/** A simulated table: its names, and its columns by logical name. */
export interface Table {
  name: TableName;
  schemaName: string;
  /** Schema name of the set, as metadata prints it. */
  collectionName: string;
  displayName: string;
  entitySet: string;
  key: string;
  nameColumn: string;
  objectTypeCode: number;
  columns: ReadonlyMap<string, Column>;
  /** Which of create and delete the simulated service takes; reading and updating always work. */
  create: boolean;
  remove: boolean;
}

const approval = { 0: "Empty", 1: "Approved", 2: "Pending Approval", 3: "Rejected" };
const incoming = {
  0: "None",
  1: "Microsoft Dynamics 365 for Outlook",
  2: "Server-Side Synchronization or Email Router",
  3: "Forward Mailbox",
};
const incomingOfQueue = { 0: "None", 2: "Server-Side Synchronization or Email Router", 3: "Forward Mailbox" };
const outgoing = {
  0: "None",
  1: "Microsoft Dynamics 365 for Outlook",
  2: "Server-Side Synchronization or Email Router",
};
const outgoingOfQueue = { 0: "None", 2: "Server-Side Synchronization or Email Router" };
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

function to(table: Target["table"], navigation: string): Target[] {
  return [{ table, navigation }];
}

function table(definition: Omit<Table, "columns"> & { columns: Column[] }): Table {
  return { ...definition, columns: new Map(definition.columns.map((column) => [column.name, column])) };
}

const mailbox = table({
  name: "mailbox",
  schemaName: "Mailbox",
  collectionName: "Mailboxes",
  displayName: "Mailbox",
  entitySet: "mailboxes",
  key: "mailboxid",
  nameColumn: "name",
  objectTypeCode: 9606,
  create: true,
  remove: true,
  columns: [
    key("mailboxid"),
    text("name", 200, "cru", { required: true }),
    text("emailaddress", 100, "cru"),
    flag("isforwardmailbox", "r"),
    lookup(
      "regardingobjectid",
      [...to("systemuser", "regardingobjectid"), ...to("queue", "regardingobjectid_queue")],
      "r",
    ),
    lookup("emailserverprofile", to("emailserverprofile", "emailserverprofile"), "cru"),
    choice("incomingemaildeliverymethod", incoming, "cru", { required: true }),
    choice("outgoingemaildeliverymethod", outgoing, "cru", { required: true }),
    choice("actdeliverymethod", appointments, "cru", { required: true }),
    flag("processanddeleteemails", "cru", { required: true }),
    flag("allowemailconnectortousecredentials", "cru", { required: true }),
    text("username", 200, "cru"),
    text("password", 200, "cu"),
    flag("ispasswordset", "r"),
    text("oauthaccesstoken", 1024, "cu"),
    text("oauthrefreshtoken", 256, "cu"),
    flag("isserviceaccount", "r"),
    choice("emailrouteraccessapproval", approval, "cru", { required: true }),
    flag("isemailaddressapprovedbyo365admin", "ru"),
    lookup("emailaddressapprovedby", to("systemuser", "emailaddressapprovedby_mailbox"), "r"),
    time("emailaddressapprovedon", "r"),
    lookup("testandenablelastattemptedby", to("systemuser", "testandenablelastattemptedby_mailbox"), "r"),
    time("testandenablelastattemptedon", "r"),
    flag("testemailconfigurationscheduled", "cru"),
    whole("testemailconfigurationretrycount", "cru", counter),
    time("postponetestemailconfigurationuntil", "cru"),
    time("testmailboxaccesscompletedon", "ru"),
    choice("incomingemailstatus", testStatus, "ru"),
    choice("outgoingemailstatus", testStatus, "ru"),
    choice("actstatus", testStatus, "ru"),
    choice("mailboxstatus", testStatus, "r"),
    flag("enabledforincomingemail", "ru"),
    flag("enabledforoutgoingemail", "ru"),
    flag("enabledforact", "ru"),
    time("processemailreceivedafter", "cru"),
    flag("orgmarkedasprimaryforexchangesync", "cru"),
    whole("verboseloggingenabled", "ru", { range: [0, 100], required: true }),
    text("undeliverablefolder", 256, "ru"),
    text("ewsurl", 2084, "cru"),
    text("hostid", 256, "r"),
    time("lastautodiscoveredon", "cru"),
    text("lasttaggedmessageid", 320, "ru"),
    time("tagemailsafter", "cru"),
    text("lastsyncerror", 2048, "cru"),
    whole("lastsyncerrorcode", "cru"),
    whole("lastsyncerrorcount", "cru", { ...counter, initial: 0 }),
    text("lastsyncerrormachinename", 320, "cru"),
    time("lastsyncerroroccurredon", "cru"),
    time("lastsyncstartedon", "r"),
    time("lastsuccessfulsynccompletedon", "ru", { initial: never }),
    time("lastmailboxforcedunlockoccurredon", "r"),
    whole("forcedunlockcount", "r", { initial: 0 }),
    whole("transientfailurecount", "r", { initial: 0 }),
    whole("itemsfailedforlastsync", "cru", counter),
    whole("itemsprocessedforlastsync", "cru", counter),
    whole("lastduration", "r"),
    whole("averagetotalduration", "r"),
    whole("nextscheduledactsyncinseconds", "r"),
    whole("noactcount", "r", { initial: 0 }),
    whole("noemailcount", "r", { initial: 0 }),
    time("postponemailboxprocessinguntil", "ru", { initial: never }),
    time("postponesendinguntil", "cru", { initial: never }),
    whole("processingstatecode", "r", { initial: 0 }),
    whole("processedtimes", "r", { initial: 0 }),
    time("processinglastattemptedon", "r", { initial: never }),
    time("receivingpostponeduntil", "r", { initial: never }),
    time("receivingpostponeduntilforact", "r", { initial: never }),
    whole("mailboxprocessingcontext", "cru", counter),
    flag("isactsyncorgflagset", "cru"),
    flag("isexchangecontactsimportscheduled", "r"),
    choice("exchangecontactsimportstatus", { 0: "NotImported", 1: "Imported", 2: "ImportFailed" }, "cru", {
      initial: 0,
    }),
    time("exchangecontactsimportcompletedon", "r"),
    flag("isoauthaccesstokenset", "r"),
    flag("isoauthrefreshtokenset", "r"),
    time("oauthtokenexpireson", "cru"),
    flag("officeappsdeploymentscheduled", "cru"),
    choice(
      "officeappsdeploymentstatus",
      { 0: "NotInstalled", 1: "Installed", 2: "InstallFailed", 3: "UninstallFailed", 4: "UpgradeRequired" },
      "cru",
      { initial: 0 },
    ),
    time("officeappsdeploymentcompleteon", "r"),
    text("officeappsdeploymenterror", 1048576, "r"),
    time("postponeofficeappsdeploymentuntil", "cru"),
    memo("folderhierarchy", 1048576, "cru"),
    memo("exchangesyncstatexml", 1073741823, "cru"),
    guid("entityimageid", "r"),
    text("entityimage_url", 200, "r"),
    lookup("organizationid", to("organization", "organizationid"), "r"),
    ...ownership(),
    ...state(),
    ...audit(),
  ],
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
  create: true,
  remove: true,
  columns: [
    key("emailserverprofileid"),
    text("name", 100, "cru", { required: true }),
    memo("description", 2000, "cru"),
    choice(
      "servertype",
      {
        0: "Exchange Server",
        1: "Other (POP3/SMTP)",
        2: "Exchange Server (Hybrid)",
        3: "Exchange Online (Hybrid)",
        4: "IMAP/SMTP",
      },
      "cru",
      { required: true },
    ),
    choice("incomingcredentialretrieval", credentialRetrieval, "cru", { required: true }),
    choice("outgoingcredentialretrieval", credentialRetrieval, "cru", { required: true }),
    choice("incomingauthenticationprotocol", authenticationProtocol, "cru"),
    choice("outgoingauthenticationprotocol", authenticationProtocol, "cru"),
    text("incomingserverlocation", 2084, "cru"),
    text("outgoingserverlocation", 2084, "cru"),
    text("defaultserverlocation", 2084, "cru"),
    flag("useautodiscover", "cru"),
    whole("incomingportnumber", "cru", { range: [0, 65535] }),
    whole("outgoingportnumber", "cru", { range: [0, 65535] }),
    flag("incomingusessl", "cru", { initial: true }),
    flag("outgoingusessl", "cru", { initial: true }),
    flag("usesamesettingsforoutgoingconnections", "cru", { initial: true }),
    text("incomingusername", 250, "cru"),
    text("incomingpassword", 250, "cu"),
    text("outgoingusername", 250, "cru"),
    text("outgoingpassword", 250, "cu"),
    text("oauthclientid", 250, "cru"),
    text("oauthclientsecret", 2000, "cu"),
    text("exchangeonlinetenantid", 36, "cru"),
    flag("usedefaulttenantid", "cru", { initial: true }),
    time("processemailsreceivedafter", "cru"),
    whole("minpollingintervalinminutes", "cru", { range: [0, 1440], initial: 0 }),
    whole("maxconcurrentconnections", "cru", { range: [1, 300], initial: 10 }),
    flag("moveundeliveredemails", "cru"),
    flag("sendemailalert", "cru", { initial: true }),
    flag("timeoutmailboxconnection", "cru", { initial: true }),
    whole("timeoutmailboxconnectionafteramount", "cru", { range: [0, 2147483647], initial: 100000 }),
    whole("lasttestexecutionstatus", "r", { initial: 0 }),
    whole("lasttestvalidationstatus", "r", { initial: 0 }),
    time("lasttesttotalexecutiontime", "r"),
    choice("lastauthorizationstatus", { 0: "Failure", 1: "Success" }, "r"),
    lookup("organizationid", to("organization", "organizationid"), "r"),
    ...ownership(),
    ...state(),
    ...audit(),
  ],
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
  create: true,
  remove: true,
  columns: [
    key("queueid"),
    text("name", 200, "cru", { required: true }),
    memo("description", 2000, "cru"),
    text("emailaddress", 100, "cru"),
    choice("incomingemaildeliverymethod", incomingOfQueue, "cru", { required: true }),
    choice("outgoingemaildeliverymethod", outgoingOfQueue, "cru", { required: true }),
    choice(
      "incomingemailfilteringmethod",
      {
        0: "All email messages",
        1: "Email messages in response to Dynamics 365 email",
        2: "Email messages from Dynamics 365 Leads, Contacts and Accounts",
        3: "Email messages from Dynamics 365 records that are email enabled",
        4: "No email messages",
      },
      "cru",
      { required: true },
    ),
    choice("queueviewtype", { 0: "Public", 1: "Private" }, "cru"),
    choice("queuetypecode", { 1: "Default Value" }, "r", { initial: 1 }),
    choice("emailrouteraccessapproval", approval, "ru"),
    flag("isemailaddressapprovedbyo365admin", "r"),
    lookup("defaultmailbox", to("mailbox", "defaultmailbox"), "r"),
    whole("numberofitems", "r", { initial: 0 }),
    whole("numberofmembers", "r", { initial: 0 }),
    flag("isfaxqueue", "cru"),
    flag("ignoreunsolicitedemail", "cru"),
    flag("allowemailcredentials", "cru"),
    text("emailusername", 100, "cru"),
    text("emailpassword", 100, "cu"),
    lookup("primaryuserid", to("systemuser", "primaryuserid"), "r"),
    lookup("organizationid", to("organization", "organizationid"), "r"),
    ...ownership(),
    ...state(),
    ...audit(),
    ...imported(),
  ],
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
  create: true,
  remove: true,
  columns: [
    key("systemuserid"),
    text("fullname", 200, "r"),
    text("firstname", 256, "cru"),
    text("lastname", 256, "cru"),
    text("title", 128, "cru"),
    text("domainname", 1024, "cru", { required: true }),
    text("internalemailaddress", 100, "cru"),
    text("windowsliveid", 1024, "cru"),
    guid("azureactivedirectoryobjectid", "cru"),
    guid("applicationid", "cr"),
    flag("isdisabled", "ru"),
    flag("islicensed", "cru"),
    flag("issyncwithdirectory", "cru"),
    choice(
      "accessmode",
      { 0: "Read-Write", 1: "Administrative", 2: "Read", 3: "Support User", 4: "Non-interactive" },
      "cru",
    ),
    choice("incomingemaildeliverymethod", incoming, "cru"),
    choice("outgoingemaildeliverymethod", outgoing, "cru"),
    choice("emailrouteraccessapproval", approval, "ru"),
    flag("isemailaddressapprovedbyo365admin", "r"),
    lookup("defaultmailbox", to("mailbox", "defaultmailbox"), "r"),
    lookup("queueid", to("queue", "queueid"), "cru"),
    lookup("businessunitid", to("businessunit", "businessunitid"), "cru"),
    lookup("parentsystemuserid", to("systemuser", "parentsystemuserid"), "cru"),
    guid("organizationid", "r"),
    ...audit(),
    ...imported(),
  ],
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
  create: true,
  remove: true,
  columns: [
    key("teamid"),
    text("name", 160, "cru", { required: true }),
    memo("description", 2000, "cru"),
    text("emailaddress", 100, "cru"),
    flag("isdefault", "r"),
    choice("teamtype", { 0: "Owner", 1: "Access", 2: "Security Group", 3: "Office Group" }, "cr"),
    guid("azureactivedirectoryobjectid", "cr"),
    lookup("businessunitid", to("businessunit", "businessunitid"), "cru"),
    lookup("administratorid", to("systemuser", "administratorid"), "cru"),
    lookup("queueid", to("queue", "queueid"), "cru"),
    guid("organizationid", "r"),
    ...audit(),
    ...imported(),
  ],
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
  create: false,
  remove: true,
  columns: [
    key("tracelogid"),
    text("text", 2000, "cr"),
    choice("level", { 1: "Information", 2: "Warning", 3: "Error" }, "cr"),
    whole("tracecode", "cr", { range: [0, 1000000000], required: true }),
    flag("tracestatus", "cr"),
    text("errordetails", 2048, "cru"),
    text("errortypedisplay", 320, "cru"),
    lookup(
      "regardingobjectid",
      [
        ...to("mailbox", "regardingobjectid_mailbox"),
        ...to("emailserverprofile", "regardingobjectid_emailserverprofile"),
      ],
      "cr",
    ),
    lookup("parenttracelogid", to("tracelog", "parenttracelogid"), "cr"),
    flag("canbedeleted", "cr", { initial: true }),
    flag("isunique", "cr"),
    whole("collationlevel", "cr", counter),
    text("machinename", 320, "cru"),
    memo("traceactionxml", 1073741823, "cr"),
    memo("tracedetailxml", 1073741823, "cru"),
    memo("traceparameterxml", 1073741823, "cr"),
    lookup("organizationid", to("organization", "organizationid"), "r"),
    ...audit(),
  ],
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
  create: false,
  remove: false,
  columns: [
    key("organizationid"),
    text("name", 160, "ru", { required: true }),
    lookup("defaultemailserverprofileid", to("emailserverprofile", "defaultemailserverprofileid"), "ru"),
    text("defaultemailsettings", 1073741823, "ru"),
    flag("requireapprovalforuseremail", "ru"),
    flag("requireapprovalforqueueemail", "ru"),
    ...audit(),
  ],
});

/** The simulated tables by logical name. */
export const schema: Readonly<Record<TableName, Table>> = {
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

/** The simulated tables by entity set, the name in URLs. */
export const entitySets: ReadonlyMap<string, Table> = new Map(
  Object.values(schema).map((definition) => [definition.entitySet, definition]),
);

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
