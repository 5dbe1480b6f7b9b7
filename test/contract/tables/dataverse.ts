/** What the provider may say to the Dataverse Web API v9.2 and what it reads from it, written from Microsoft's table reference. */

/** A column the provider reads or writes. */
export interface Column {
  type: "guid" | "string" | "boolean" | "datetime" | "lookup" | { choice: readonly number[] };
  /** Whether the service takes it in a create and in an update. Every column here can be read. */
  create: boolean;
  update: boolean;
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
    filters: ["emailaddress"],
    columns: {
      mailboxid: key,
      name: { type: "string", length: 200, create: true, update: true, sent: true },
      emailaddress: { type: "string", length: 100, create: true, update: true, nullable: true, sent: true },
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
      emailrouteraccessapproval: { type: { choice: [0, 1, 2, 3] }, create: true, update: true, sent: true },
      testemailconfigurationscheduled: { type: "boolean", create: true, update: true, sent: true },
      testmailboxaccesscompletedon: { type: "datetime", create: false, update: true, nullable: true },
      incomingemailstatus: result,
      outgoingemailstatus: result,
      actstatus: result,
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
 * What only some values mean on a forward mailbox, the only kind of row the provider creates: mail comes in by server-side
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
