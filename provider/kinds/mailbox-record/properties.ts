import { written } from "../../core/converge";
import type { Change } from "../../core/kind";
import type { PropertyTable, Value } from "../../core/properties";
import {
  type AppointmentsMethod,
  appointmentsMethods,
  type IncomingMethod,
  incomingMethods,
  type MailboxRow,
  type OutgoingMethod,
  outgoingMethods,
  type ServerProfile,
} from "../../services/dataverse";
import type { DeclaredOwner } from "./references";
import type { RecordInputs, RecordKnown, RecordMemory, RecordOperation } from "./schema";
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
    // Those that are stored and not used are none too, and yet not what "none" was declared for.
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
  await written(
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
