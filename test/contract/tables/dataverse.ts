/** What the provider may say to the Dataverse Web API v9.2 and what it reads from it, written from Microsoft's table reference. */

/** A column the provider reads or writes. */
export interface Column {
  type: "guid" | "string" | "boolean" | "integer" | "datetime" | "lookup" | { choice: readonly number[] };
  /** Whether the service takes it in a create and in an update. */
  create: boolean;
  update: boolean;
  /** False: it can be written and never be read. */
  read?: false;
  /** Longest text. */
  length?: number;
  /** Whether a row may hold null. */
  nullable?: true;
  /** Lookups: the navigation property by which it is set, by the set it points to. */
  binds?: Readonly<Record<string, string>>;
  /** Whether the provider itself ever sends it. */
  sent?: true;
}

/** A table the provider uses. */
export interface Table {
  key: string;
  columns: Readonly<Record<string, Column>>;
  /** What the provider does with rows; anything else is refused. */
  methods: readonly ("LIST" | "GET" | "CREATE" | "UPDATE" | "DELETE")[];
  /** Columns a new row is given. */
  needs: readonly string[];
  /** Columns a `$filter` may name. */
  filters: readonly string[];
}

const key: Column = { type: "guid", create: true, update: false };
const result: Column = { type: { choice: [0, 1, 2] }, create: false, update: true };
const owner: Column = {
  type: "lookup",
  create: true,
  update: true,
  binds: { systemusers: "ownerid", teams: "ownerid" },
  sent: true,
};
/** The mailbox record of a user or queue: Dynamics alone sets it. */
const defaultMailbox: Column = { type: "lookup", create: false, update: false, nullable: true };

/** Every table by its entity set. */
export const tables: Readonly<Record<string, Table>> = {
  mailboxes: {
    key: "mailboxid",
    methods: ["LIST", "GET", "CREATE", "UPDATE", "DELETE"],
    needs: [
      "name",
      "emailaddress",
      "incomingemaildeliverymethod",
      "outgoingemaildeliverymethod",
      "actdeliverymethod",
      "processanddeleteemails",
    ],
    filters: ["emailaddress", "_regardingobjectid_value"],
    columns: {
      mailboxid: key,
      name: { type: "string", length: 200, create: true, update: true, sent: true },
      emailaddress: { type: "string", length: 100, create: true, update: true, nullable: true, sent: true },
      ownerid: owner,
      isforwardmailbox: { type: "boolean", create: false, update: false },
      regardingobjectid: { type: "lookup", create: false, update: false, nullable: true },
      emailserverprofile: {
        type: "lookup",
        create: true,
        update: true,
        nullable: true,
        binds: { emailserverprofiles: "emailserverprofile" },
        sent: true,
      },
      incomingemaildeliverymethod: { type: { choice: [0, 1, 2, 3] }, create: true, update: true, sent: true },
      outgoingemaildeliverymethod: { type: { choice: [0, 1, 2] }, create: true, update: true, sent: true },
      actdeliverymethod: { type: { choice: [0, 1, 2] }, create: true, update: true, sent: true },
      processanddeleteemails: { type: "boolean", create: true, update: true, sent: true },
      allowemailconnectortousecredentials: { type: "boolean", create: true, update: true, sent: true },
      username: { type: "string", length: 200, create: true, update: true, nullable: true, sent: true },
      password: { type: "string", length: 200, create: true, update: true, read: false, nullable: true, sent: true },
      ispasswordset: { type: "boolean", create: false, update: false },
      emailrouteraccessapproval: { type: { choice: [0, 1, 2, 3] }, create: true, update: true, sent: true },
      testemailconfigurationscheduled: { type: "boolean", create: true, update: true, sent: true },
      createdon: { type: "datetime", create: false, update: false },
      testmailboxaccesscompletedon: { type: "datetime", create: false, update: true, nullable: true },
      incomingemailstatus: result,
      outgoingemailstatus: result,
      actstatus: result,
      lastsyncerror: { type: "string", length: 2048, create: true, update: true, nullable: true },
      lastsyncerrorcode: { type: "integer", create: true, update: true, nullable: true },
      statecode: { type: { choice: [0, 1] }, create: false, update: true, sent: true },
      statuscode: { type: { choice: [1, 2] }, create: true, update: true, sent: true },
    },
  },
  emailserverprofiles: {
    key: "emailserverprofileid",
    methods: ["LIST"],
    needs: [],
    filters: ["name", "emailserverprofileid"],
    columns: {
      emailserverprofileid: key,
      name: { type: "string", length: 100, create: true, update: true },
      statecode: { type: { choice: [0, 1] }, create: false, update: true },
      servertype: { type: { choice: [0, 1, 2, 3, 4] }, create: true, update: true },
      incomingcredentialretrieval: { type: { choice: [0, 1, 2, 3, 4, 5, 6, 7] }, create: true, update: true },
    },
  },
  queues: {
    key: "queueid",
    methods: ["LIST", "GET", "CREATE", "UPDATE", "DELETE"],
    needs: ["name", "emailaddress"],
    filters: ["queueid", "name", "emailaddress"],
    columns: {
      queueid: key,
      name: { type: "string", length: 200, create: true, update: true, sent: true },
      emailaddress: { type: "string", length: 100, create: true, update: true, nullable: true, sent: true },
      ownerid: owner,
      // Nobody's Outlook could do it for a queue.
      incomingemaildeliverymethod: { type: { choice: [0, 2, 3] }, create: true, update: true, sent: true },
      outgoingemaildeliverymethod: { type: { choice: [0, 2] }, create: true, update: true, sent: true },
      incomingemailfilteringmethod: { type: { choice: [0, 1, 2, 3, 4] }, create: true, update: true, sent: true },
      emailrouteraccessapproval: { type: { choice: [0, 1, 2, 3] }, create: false, update: true, sent: true },
      defaultmailbox: defaultMailbox,
      numberofitems: { type: "integer", create: false, update: false },
      statecode: { type: { choice: [0, 1] }, create: false, update: true },
      createdon: { type: "datetime", create: false, update: false },
    },
  },
  systemusers: {
    key: "systemuserid",
    methods: ["LIST", "GET", "UPDATE"],
    needs: [],
    filters: ["systemuserid", "azureactivedirectoryobjectid", "internalemailaddress", "domainname", "fullname"],
    columns: {
      systemuserid: key,
      fullname: { type: "string", length: 200, create: false, update: false, nullable: true },
      internalemailaddress: { type: "string", length: 100, create: true, update: true, nullable: true, sent: true },
      domainname: { type: "string", length: 1024, create: true, update: true },
      azureactivedirectoryobjectid: { type: "guid", create: true, update: true, nullable: true },
      isdisabled: { type: "boolean", create: false, update: true },
      emailrouteraccessapproval: {
        type: { choice: [0, 1, 2, 3] },
        create: false,
        update: true,
        nullable: true,
        sent: true,
      },
      defaultmailbox: defaultMailbox,
    },
  },
  teams: {
    key: "teamid",
    methods: ["LIST"],
    needs: [],
    filters: ["teamid", "name", "emailaddress"],
    columns: {
      teamid: key,
      name: { type: "string", length: 160, create: true, update: true },
      emailaddress: { type: "string", length: 100, create: true, update: true, nullable: true },
    },
  },
  organizations: {
    key: "organizationid",
    methods: ["LIST"],
    needs: [],
    filters: [],
    columns: {
      organizationid: key,
      defaultemailserverprofileid: {
        type: "lookup",
        create: false,
        update: true,
        nullable: true,
        binds: { emailserverprofiles: "defaultemailserverprofileid" },
      },
    },
  },
};

/** Columns that only Dynamics writes: outcomes of its jobs, though the service takes an update of them. */
export const outcomes = [
  "incomingemailstatus",
  "outgoingemailstatus",
  "actstatus",
  "testmailboxaccesscompletedon",
  "isemailaddressapprovedbyo365admin",
] as const;

/**
 * What only some values mean on a forward mailbox, the only kind of mailbox record the provider creates: mail comes in by server-side
 * synchronisation or not at all, and nothing else is synchronised.
 */
export const forwardMailbox: Readonly<Record<string, readonly number[]>> = {
  incomingemaildeliverymethod: [0, 2],
  outgoingemaildeliverymethod: [0],
  actdeliverymethod: [2],
};

/** Functions without a table: members of their answer. */
export const functions: Readonly<Record<string, readonly string[]>> = {
  WhoAmI: ["BusinessUnitId", "UserId", "OrganizationId"],
};
