import { z } from "zod";
import { displayText, orNone } from "../../core/canonical";
import { type Change, type Known, type Operation, writeAndRecord } from "../../core/kind";
import type { PropertyTable, Value } from "../../core/properties";
import { isGuid } from "../../http/json";
import {
  type AppointmentsMethod,
  type Approval,
  appointmentsMethods,
  type IncomingMethod,
  incomingMethods,
  type MailboxRow,
  type OutgoingMethod,
  outgoingMethods,
  type ServerProfile,
  type Status,
} from "../../services/dataverse";
import type { DeclaredOwner } from "./references";
import { isUndone, type TestAndEnable } from "./test-and-enable";
import { change } from "./writes";

/** What a mailbox record signs in with; the password can be written and never read. */
export interface Credentials {
  userName: string;
  password: string;
}

/** The owner of a row: a user or a team. */
export interface Owner {
  table: "systemusers" | "teams";
  id: string;
}

/** A row of Dynamics as it was seen, and what has to be known beside it to compare it and to write it as a program would. */
export interface Seen<Row> {
  row: Row;
  /** What the state says: a password cannot be read, and a name may be written in several ways. */
  known: Pick<RecordKnown, "inputs" | "memory">;
  /** The row's server profile. */
  profile?: ServerProfile | undefined;
  /** The owner as a program would declare it, where that was looked up. */
  owner?: DeclaredOwner | null | undefined;
}

/** What a mailbox record and a queue have both. */
type Processed = Seen<Pick<MailboxRow, "ownerId" | "incoming" | "outgoing">>;

/**
 * The properties of a mailbox record, each once: how it is compared, written and read. The kinds add how it stands in their programs, and
 * what becomes of it when it leaves them. References are by id here, and null is "none". A change of what is tested makes the last Test &
 * Enable worthless.
 */
export const columns = {
  name: { read: ({ row }) => row.name, write: (name: string) => ({ name }) },
  emailAddress: {
    read: ({ row }) => row.emailAddress || null,
    write: (emailaddress: string | null) => ({ emailaddress }),
    isTested: true,
  },
  owner: {
    read: ({ row }: Processed) => row.ownerId,
    asDeclared: ({ owner }: Processed) => owner,
    words: ({ id }: Owner) => id,
    write: ({ table, id }: Owner) => ({ "ownerid@odata.bind": `/${table}(${id})` }),
  },
  serverProfile: {
    read: ({ row }) => row.serverProfileId ?? null,
    asDeclared: serverProfileAsDeclared,
    write: (id: string | null) => ({ "emailserverprofile@odata.bind": id && `/emailserverprofiles(${id})` }),
    canBeNone: true,
    isTested: true,
  },
  deleteAfterProcessing: {
    read: ({ row }) => row.deleteAfterProcessing,
    write: (processanddeleteemails: boolean) => ({ processanddeleteemails }),
  },
  incomingEmail: {
    read: ({ row }: Processed) => row.incoming,
    write: (method: IncomingMethod) => ({ incomingemaildeliverymethod: incomingMethods.indexOf(method) }),
    isTested: true,
  },
  outgoingEmail: {
    read: ({ row }: Processed) => row.outgoing,
    write: (method: OutgoingMethod) => ({ outgoingemaildeliverymethod: outgoingMethods.indexOf(method) }),
    isTested: true,
  },
  appointmentsContactsTasks: {
    read: ({ row }) => row.appointmentsContactsTasks,
    write: (method: AppointmentsMethod) => ({ actdeliverymethod: appointmentsMethods.indexOf(method) }),
    isTested: true,
  },
  credentials: {
    read: signsInAs,
    asDeclared: credentialsAsDeclared,
    words: (value: Credentials | null) => value?.userName ?? "none",
    write: (value: Credentials | null) => {
      const { userName: username, password } = value ?? { userName: null, password: null };
      return { allowemailconnectortousecredentials: value !== null, username, password };
    },
    canBeNone: true,
    isTested: true,
  },
} satisfies Record<string, Omit<Value<Seen<MailboxRow>>, "removal"> & { isTested?: true }>;

type Columns = typeof columns;

/** The values that a mailbox record should have, by the property that declares them; what is left out stays as it is. */
export type RecordValues = { [Name in keyof Columns]?: Parameters<Columns[Name]["write"]>[0] | undefined };

/** The properties of a record that a kind has. */
// biome-ignore lint/suspicious/noExplicitAny: whichever they are.
export type RecordTable = PropertyTable<Seen<MailboxRow>, any>;

/** What a record signs in with, in words without the password. A password is new when the state, which holds the one written last, has another. */
function signsInAs({ row, known }: Seen<MailboxRow>, declared: unknown): string {
  if (!row.usesCredentials) {
    return row.userName === undefined && !row.isPasswordSet ? "none" : "stored and not used";
  }
  const held = (known.inputs.credentials || {}) as Partial<Credentials>;
  const isWritten = (declared as Credentials | null | undefined)?.password;
  const password = !row.isPasswordSet
    ? " without a password"
    : isWritten === undefined || isWritten === held.password
      ? ""
      : " with the former password";
  return `${row.userName ?? "nobody"}${password}`;
}

/**
 * The credentials as they are declared, as far as they can be read: a password never comes back, so the one in the state
 * stands for it as long as the record has one.
 */
function credentialsAsDeclared({ row, known }: Seen<MailboxRow>): Partial<Credentials> | false | null {
  const { credentials } = known.inputs;
  const { password } = (credentials || {}) as Partial<Credentials>;
  if (!row.usesCredentials) {
    // Credentials that are stored and not used are not what a program asks for that declares none.
    return credentials === false && row.userName === undefined && !row.isPasswordSet ? false : null;
  }
  return {
    ...(row.userName === undefined ? {} : { userName: row.userName }),
    ...(row.isPasswordSet && password !== undefined ? { password } : {}),
  };
}

/** The server profile as it is declared: the program's spelling while it is the same one. */
function serverProfileAsDeclared({ row, profile, known }: Seen<Pick<MailboxRow, "serverProfileId">>): unknown {
  const { serverProfile: declared } = known.inputs;
  if (declared === false) {
    return row.serverProfileId === undefined ? false : profile?.name;
  }
  return row.serverProfileId === known.memory.serverProfileId ? declared : profile?.name;
}

/**
 * Credentials that a record may have, as a state notes them: a password cannot be looked at, so one that may not have arrived,
 * or that somebody else set, is none that the next deployment could rely on.
 */
export function unproven({ userName }: Credentials): Credentials {
  return { userName } as Credentials;
}

/**
 * Writes the changes of a record in one request and records them.
 *
 * @param table the properties of the kind.
 * @param inputs the declared properties, as they are recorded.
 * @param who the record in words: "the forward mailbox CRM intake".
 */
export async function writeRecord(
  table: RecordTable,
  changes: readonly Change[],
  values: RecordValues,
  inputs: RecordInputs,
  row: MailboxRow,
  who: string,
  operation: RecordOperation,
): Promise<void> {
  const own = table.own(changes);
  const properties = own.map(({ path: [property = ""] }) => property);
  if (own.length === 0) {
    return;
  }
  const action = `changing ${properties.join(", ")} of ${who}`;
  await writeAndRecord(
    () => change(row, table.columnsOf(values, own), action, operation),
    () =>
      operation.record({
        inputs: {
          ...inputsOf(properties, inputs, operation.known),
          ...(properties.includes("credentials") && values.credentials
            ? { credentials: unproven(values.credentials) }
            : {}),
        },
        memory: { ...idsOf(properties, values, inputs), ...forgetting(properties) },
      }),
  );
  if (properties.includes("credentials")) {
    operation.record({ inputs: { credentials: inputs.credentials ?? null } });
  }
}

/** What a state has of properties that were written: as declared, and as before where they are not declared any more. */
export function inputsOf(properties: readonly string[], inputs: RecordInputs, known: RecordKnown): RecordInputs {
  const names = properties.filter((one) => one !== "credentials") as (keyof RecordInputs)[];
  return Object.fromEntries(names.map((name) => [name, inputs[name] ?? known.inputs[name]]));
}

/** The properties whose change makes the last Test & Enable worthless. */
const TESTED = Object.entries(columns).flatMap(([property, column]) => ("isTested" in column ? [property] : []));

/** What is not remembered any more of the commands that were given for what is different from now on: they are given again. */
export function forgetting(properties: readonly string[]): Partial<RecordMemory> {
  return {
    // Whatever the last test said, it was of something else.
    ...(properties.some((property) => TESTED.includes(property)) ? { testedFor: undefined } : {}),
    // Dynamics drops the approval with every change of the address, also back to one that was approved before.
    ...(properties.includes("emailAddress") ? { approvalTriedFor: undefined } : {}),
  };
}

/**
 * Ids of the objects that the declared names stand for now; a state that keeps the id of the one before would lead the next deployment
 * back to it.
 */
export function idsOf(
  properties: readonly string[],
  values: Pick<RecordValues, "owner" | "serverProfile">,
  inputs: RecordInputs,
): Partial<RecordMemory> {
  const { owner, serverProfile } = values;
  return {
    ...(properties.includes("owner") ? { ownerId: inputs.owner === undefined ? undefined : owner?.id } : {}),
    ...(properties.includes("serverProfile")
      ? { serverProfileId: inputs.serverProfile === undefined ? undefined : (serverProfile ?? undefined) }
      : {}),
  };
}

/** What every kind with a mailbox record remembers by its own name, because users read it. */
export const shownOfRecord = {
  emailApproval: z.enum(["Empty", "Approved", "Pending", "Rejected"]),
  serverProfileId: z.string(),
  organizationId: z.string(),
};

/** What every such kind remembers of the commands that it gave. */
export const commandsGiven = {
  /** The address for which the approval was tried. */
  approvalTriedFor: z.string(),
  /** What the last result of a test holds for. */
  testedFor: z.string(),
  /** The `testAndEnable` that asked for the last test, where it was a text. */
  testTrigger: z.string(),
};

/** What is remembered of a mailbox record, whichever kind has it. */
export type RecordMemory = {
  readonly emailApproval: Approval | undefined;
  readonly serverProfileId: string | undefined;
  readonly organizationId: string | undefined;
  readonly approvalTriedFor: string | undefined;
  readonly testedFor: string | undefined;
  readonly testTrigger: string | undefined;
  /** Of kinds that declare an owner. */
  readonly ownerId?: string | undefined;
};

/** The inputs that kinds with a mailbox record share. */
export type RecordInputs = {
  name?: string | undefined;
  emailAddress?: string | undefined;
  owner?: DeclaredOwner | undefined;
  serverProfile?: string | false | undefined;
  deleteAfterProcessing?: boolean | undefined;
  incomingEmail?: string | undefined;
  outgoingEmail?: string | undefined;
  appointmentsContactsTasks?: string | undefined;
  credentials?: Credentials | false | undefined;
  approveEmail?: boolean | undefined;
  testAndEnable?: TestAndEnable;
  environmentUrl?: string | undefined;
};

/** What is known of a resource with a mailbox record before the tenant is asked. */
export type RecordKnown = Known<RecordInputs, RecordMemory>;
/** An operation on such a resource. */
export type RecordOperation = Operation<RecordInputs, RecordMemory>;

/** What a mailbox record tells of itself: the same outputs for every kind that has one. */
export function recordOutputs(row: MailboxRow) {
  return {
    isForwardMailbox: row.isForwardMailbox,
    regarding: row.regarding,
    incomingEmailStatus: resultFor(row.incoming, row.incomingStatus),
    outgoingEmailStatus: resultFor(row.outgoing, row.outgoingStatus),
    appointmentsContactsTasksStatus: resultFor(row.appointmentsContactsTasks, row.appointmentsContactsTasksStatus),
    mailboxTestCompletedOn: row.testCompletedOn,
    emailApproval: row.approval,
    serverProfileId: row.serverProfileId,
  };
}

/**
 * The result of a test of what server-side synchronisation does. What it does not do has none: a test fails the incoming e-mail of a
 * record on Forward Mailbox, whose mail comes through another mailbox.
 */
function resultFor(method: string, status: Status): Status {
  return method === "ServerSideSynchronization" ? status : "NotRun";
}

/** Warns of a record that is switched off: no declared property differs, and yet no mail is processed. */
export function whenInactive(row: Pick<MailboxRow, "name" | "isActive"> | undefined): string[] {
  return row === undefined || row.isActive
    ? []
    : [`The mailbox record ${row.name} is inactive: Dynamics processes no mail of it (0x8005E219). Activate it there.`];
}

/** The name or id of a server profile, or false for none. */
export const serverProfile = orNone(
  displayText("the name or id of an e-mail server profile, e.g. Microsoft Exchange Online", 100),
);

const needed = (what: string, code: string) =>
  z
    .string({ error: `is missing or not text; Dynamics needs ${what} with credentials (${code})` })
    .refine((value) => value !== "", { error: `is empty; Dynamics needs ${what} with credentials (${code})` })
    .refine((value) => value.length <= 200, { error: "is longer than 200 characters" });

/** What a record signs in with, or false for nothing. It is not trimmed: what a server takes is for the server to say. */
export const credentials = orNone(
  z.strictObject(
    { userName: needed("a user name", "0x8005E209"), password: needed("a password", "0x8005E24E") },
    {
      error: (issue) =>
        issue.code === "unrecognized_keys" ? undefined : "must be { userName, password }, or false for none",
    },
  ),
);

/** Whether and how Test & Enable is run. */
export const testAndEnable = z
  .union([z.boolean(), z.string(), z.strictObject({ require: z.boolean() })], {
    error: "must be true, false, a text whose change runs the test again, or { require: true }",
  })
  .refine((value) => !isUndone(value), {
    error: "is what a refresh writes of a test that was not run; write true, or another text",
  });

/** What is done with a row when its resource is deleted. */
export const deletion = z.enum(["delete", "retain"], { error: 'must be "delete" or "retain"' });

/** Whether a row that is there already is taken over: the one with the address, or the one with this id. */
export const adopt = z
  .union([z.boolean(), z.string()], { error: "must be true, false or the id of the row to take over" })
  .transform((value) => (typeof value === "string" ? value.trim().toLowerCase() : value))
  .refine((value) => typeof value === "boolean" || isGuid(value), {
    error: "is not an id; write true, or the id of the row to take over",
  });

const LOOPBACK = /^(127\.0\.0\.1|localhost)$/;

/** The origin of a Dataverse environment; canonical form without a slash at the end. */
export const environmentUrl = z
  .string({ error: "must be text: the address of a Dataverse environment, e.g. https://contoso.crm4.dynamics.com" })
  .transform((value) => value.trim())
  .refine(isOrigin, {
    error: "must be the https:// address of a Dataverse environment, e.g. https://contoso.crm4.dynamics.com",
  })
  .transform((value) => new URL(value).origin);

function isOrigin(value: string): boolean {
  if (!URL.canParse(value)) {
    return false;
  }
  const { protocol, hostname, pathname, search, hash, username, password } = new URL(value);
  const isSafe = protocol === "https:" || (protocol === "http:" && LOOPBACK.test(hostname));
  return isSafe && pathname === "/" && [search, hash, username, password].every((part) => part === "");
}
