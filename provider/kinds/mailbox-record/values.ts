import { written } from "../../core/converge";
import type { Change, Held } from "../../core/kind";
import { isClass, isServiceError, isUnknownOutcome, ProviderError } from "../../http/errors";
import {
  type AppointmentsMethod,
  appointmentsMethods,
  type DataverseRow,
  type IncomingMethod,
  incomingMethods,
  type MailboxRow,
  type OutgoingMethod,
  outgoingMethods,
} from "../../services/dataverse";
import type { Services } from "../../services/services";
import { lastSeen, retryWhile, type Scope, settle } from "../../services/waiting";
import type { RecordInputs, RecordKnown, RecordMemory, RecordOperation } from "./schema";

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

/**
 * The values that a mailbox record should have, by the property that declares them; what is left out stays as it is. Null
 * is "none".
 */
export interface RecordValues {
  name?: string | undefined;
  emailAddress?: string | null | undefined;
  owner?: Owner | undefined;
  /** Id of the server profile. */
  serverProfile?: string | null | undefined;
  deleteAfterProcessing?: boolean | undefined;
  incomingEmail?: IncomingMethod | undefined;
  outgoingEmail?: OutgoingMethod | undefined;
  appointmentsContactsTasks?: AppointmentsMethod | undefined;
  credentials?: Credentials | null | undefined;
}

/** What inputs declare of a record, as its values: false in a program is "none". */
export function orNull<Value>(declared: Value | false | undefined): Value | null | undefined {
  return declared === false ? null : declared;
}

/** A property of mailbox records. */
export type RecordProperty = keyof RecordValues;

/** Credentials as a state has them: without the password where it may not have arrived. */
export type HeldCredentials = Partial<Credentials> | false | null | undefined;

/** One property: what a row has of it, in words that can be compared, and the columns that write it. */
interface Field<Value> {
  /** @param held the credentials that the state has, because a password cannot be read. @param value what it is compared with. */
  of(row: MailboxRow, held: HeldCredentials, value: Value): unknown;
  /** The value in the words of `of`. */
  wanted(value: Value): unknown;
  columns(value: Value): DataverseRow;
}

const itself = (value: unknown): unknown => value;

const fields: { [P in RecordProperty]-?: Field<Exclude<RecordValues[P], undefined>> } = {
  name: { of: ({ name }) => name, wanted: itself, columns: (name) => ({ name }) },
  emailAddress: {
    of: addressOf,
    wanted: itself,
    columns: (emailaddress) => ({ emailaddress }),
  },
  owner: {
    of: ({ ownerId }) => ownerId,
    wanted: ({ id }) => id,
    columns: ownerColumns,
  },
  serverProfile: {
    of: ({ serverProfileId }) => serverProfileId ?? null,
    wanted: itself,
    columns: (id) => ({ "emailserverprofile@odata.bind": id === null ? null : `/emailserverprofiles(${id})` }),
  },
  deleteAfterProcessing: {
    of: ({ deleteAfterProcessing }) => deleteAfterProcessing,
    wanted: itself,
    columns: (processanddeleteemails) => ({ processanddeleteemails }),
  },
  incomingEmail: {
    of: ({ incoming }) => incoming,
    wanted: itself,
    columns: (method) => ({ incomingemaildeliverymethod: incomingMethods.indexOf(method) }),
  },
  outgoingEmail: {
    of: ({ outgoing }) => outgoing,
    wanted: itself,
    columns: (method) => ({ outgoingemaildeliverymethod: outgoingMethods.indexOf(method) }),
  },
  appointmentsContactsTasks: {
    of: (row) => row.appointmentsContactsTasks,
    wanted: itself,
    columns: (method) => ({ actdeliverymethod: appointmentsMethods.indexOf(method) }),
  },
  credentials: {
    of: (row, held, value) => signsInAs(row, isPasswordWritten(held, value)),
    wanted: (value) => (value === null ? "none" : value.userName),
    columns: (value) =>
      value === null
        ? { allowemailconnectortousecredentials: false, username: null, password: null }
        : { allowemailconnectortousecredentials: true, username: value.userName, password: value.password },
  },
};

/** The address of a record; null where it has none. */
function addressOf({ emailAddress }: MailboxRow): string | null {
  return emailAddress === "" ? null : emailAddress;
}

/** The column that sets the owner of a row. */
export function ownerColumns({ table, id }: Owner): DataverseRow {
  return { "ownerid@odata.bind": `/${table}(${id})` };
}

/** What a record signs in with, in words without the password. */
function signsInAs(row: MailboxRow, isPasswordWritten: boolean): string {
  if (!row.usesCredentials) {
    return row.userName === undefined && !row.isPasswordSet ? "none" : "stored and not used";
  }
  const userName = row.userName ?? "nobody";
  return row.isPasswordSet
    ? isPasswordWritten
      ? userName
      : `${userName} with the former password`
    : `${userName} without a password`;
}

/** A password is new when the state, which holds the one written last, has another. */
function isPasswordWritten(held: HeldCredentials, value: Credentials | null): boolean {
  return value === null || (held || undefined)?.password === value.password;
}

/**
 * Credentials that a record may have, as a state notes them: a password cannot be looked at, so one that may not have arrived,
 * or that somebody else set, is none that the next deployment could rely on.
 */
export function unproven({ userName }: Credentials): Credentials {
  return { userName } as Credentials;
}

/** All columns of a new row. */
export function columnsOf(values: RecordValues): DataverseRow {
  return Object.assign({}, ...propertiesOf(values).map((property) => columnsFor(property, values)));
}

/** What of a record is not as it should be. Pure. */
export function recordDifference(values: RecordValues, row: MailboxRow, held: HeldCredentials): Change[] {
  return propertiesOf(values).flatMap((property) => {
    const { from, to } = compared(property, values, row, held);
    return from === to ? [] : [{ path: [property], from, to }];
  });
}

function compared<P extends RecordProperty>(property: P, values: RecordValues, row: MailboxRow, held: HeldCredentials) {
  const field = fields[property] as unknown as Field<unknown>;
  return { from: field.of(row, held, values[property]), to: field.wanted(values[property]) };
}

function columnsFor(property: RecordProperty, values: RecordValues): DataverseRow {
  return (fields[property] as unknown as Field<unknown>).columns(values[property] ?? null);
}

function propertiesOf(values: RecordValues): RecordProperty[] {
  return (Object.keys(values) as RecordProperty[]).filter((property) => values[property] !== undefined);
}

/** Whether a change is one of the record's own. */
export function isOfRecord({ path: [property = ""] }: Change): boolean {
  return Object.hasOwn(fields, property);
}

/**
 * Writes the changes of a record in one request and records them.
 *
 * @param inputs the declared properties, as they are recorded.
 * @param who the record in words: "the forward mailbox CRM intake".
 */
export async function writeRecord(
  changes: readonly Change[],
  values: RecordValues,
  inputs: RecordInputs,
  row: MailboxRow,
  who: string,
  operation: RecordOperation,
): Promise<void> {
  const properties = changes.filter(isOfRecord).map(({ path }) => path[0] as RecordProperty);
  if (properties.length === 0) {
    return;
  }
  const columns = Object.assign({}, ...properties.map((property) => columnsFor(property, values)));
  const action = `changing ${properties.join(", ")} of ${who}`;
  await written(
    () => change(row, columns, action, operation),
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

/** What is not remembered any more of the commands that were given for what is different from now on: they are given again. */
export function forgetting(properties: readonly string[]): Partial<RecordMemory> {
  return {
    // Whatever the last test said, it was of something else.
    ...(properties.some((property) => TESTED.includes(property)) ? { testedFor: undefined } : {}),
    // Dynamics drops the approval with every change of the address, also back to one that was approved before.
    ...(properties.includes("emailAddress") ? { approvalTriedFor: undefined } : {}),
  };
}

/** Properties whose change makes the last Test & Enable worthless. */
const TESTED: readonly string[] = [
  "emailAddress",
  "serverProfile",
  "incomingEmail",
  "outgoingEmail",
  "appointmentsContactsTasks",
  "credentials",
];

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

/** What a row has, as values: to be put back one day. What it signs in with cannot be read. */
export function valuesOf(row: MailboxRow): RecordValues {
  return {
    name: row.name,
    emailAddress: addressOf(row),
    serverProfile: row.serverProfileId ?? null,
    deleteAfterProcessing: row.deleteAfterProcessing,
    incomingEmail: row.incoming,
    outgoingEmail: row.outgoing,
    appointmentsContactsTasks: row.appointmentsContactsTasks,
  };
}

/** What reaches the services, and its bounds. */
export type Reach = Scope & { services: Services };

/** Longest wait for a test, in milliseconds; Microsoft speaks of a few minutes. */
export const TEST_TIME = 5 * 60 * 1000;
/** Dynamics may refuse to change a record while its Test & Enable runs. */
const TEST_RUNS = "0x8005e248";

/** What to wait for on a mailbox record. */
interface Wait {
  /** In words that follow "waiting for". */
  what: string;
  done: (row: MailboxRow) => boolean;
  /** Longest wait in milliseconds. */
  atMost: number;
}

/** Looks at a mailbox record until something shows, or until time is up: it returns what was seen last in either case. */
export async function lookUntil(id: string, { what, done, atMost }: Wait, operation: Reach): Promise<MailboxRow> {
  const look = async (): Promise<MailboxRow> => {
    const row = await operation.services.dataverse.mailbox(id, operation);
    if (row === undefined) {
      throw new ProviderError({ action: `waiting for ${what}`, words: `the mailbox record ${id} is gone` });
    }
    return row;
  };
  return lastSeen({ what, look, done, atMost }, operation);
}

/**
 * Changes a mailbox record that is still as it was read; one that is being tested, as soon as that has ended.
 *
 * @throws DataverseError of class `precondition` when somebody changed it meanwhile.
 */
export async function change(row: MailboxRow, columns: DataverseRow, action: string, operation: Reach): Promise<void> {
  const { dataverse } = operation.services;
  try {
    await dataverse.updateMailbox(row, columns, action, operation);
  } catch (error) {
    const now = isTestRunning(error) ? await testEnded(row, operation) : undefined;
    if (now === undefined) {
      throw error;
    }
    // The end of a test is a change of the record by itself.
    await dataverse.updateMailbox(now, columns, action, operation);
  }
}

/**
 * Gives a command to a mailbox record; where somebody else changed it meanwhile, to the record as it is then. Where the answer was
 * lost it is given again: one that was taken is not taken twice.
 *
 * @param isWanted whether the record, as it is by then, still needs it.
 * @returns the record as it was when it took the command, or no longer needed it.
 */
export async function command(
  row: MailboxRow,
  columns: DataverseRow,
  action: string,
  operation: Reach,
  isWanted: (now: MailboxRow) => boolean = () => true,
): Promise<MailboxRow> {
  const { dataverse } = operation.services;
  let known = row;
  let refusal: unknown;
  let isGone = false;
  const attempt = async (): Promise<MailboxRow> => {
    if (refusal !== undefined) {
      const now = isTestRunning(refusal)
        ? await testEnded(known, operation)
        : await dataverse.mailbox(row.id, operation);
      isGone = now === undefined;
      known = now ?? known;
    }
    if (isGone) {
      throw refusal;
    }
    if (isWanted(known)) {
      refusal = undefined;
      await dataverse.updateMailbox(known, columns, action, operation).catch((error: unknown) => {
        refusal = error;
        throw error;
      });
    }
    return known;
  };
  const isPassing = (error: unknown) =>
    !isGone && (isChangedMeanwhile(error) || isUnknownOutcome(error) || isTestRunning(error));
  return retryWhile(isPassing, attempt);
}

/** Whether somebody else changed a row between the look and the write. */
export function isChangedMeanwhile(error: unknown): boolean {
  return isClass(error, "precondition");
}

function isTestRunning(error: unknown): boolean {
  return isServiceError(error) && error.code.toLowerCase() === TEST_RUNS;
}

/** The record once its test has ended; undefined when it does not end in time. */
async function testEnded({ id, emailAddress }: MailboxRow, operation: Reach): Promise<MailboxRow | undefined> {
  const seen = await lookUntil(
    id,
    {
      what: `Test & Enable of ${emailAddress} to end, because Dynamics refuses changes meanwhile`,
      done: ({ isTestScheduled }) => !isTestScheduled,
      atMost: TEST_TIME,
    },
    operation,
  );
  return seen.isTestScheduled ? undefined : seen;
}

/** A row of Dataverse that a resource makes or deletes. */
interface RowWork<Row> {
  /** In words that follow "waiting for". */
  what: string;
  send: () => Promise<unknown>;
  look: () => Promise<Row | undefined>;
}

/** Makes a row under an id of its own and returns it once Dataverse shows it. */
export async function createRow<Row>({ what, send, look }: RowWork<Row>, operation: Reach): Promise<Row> {
  // Guarded by its own id: sent again it finds the row that a lost answer left behind.
  await retryWhile(isUnknownOutcome, send);
  return settle({ what, look, done: (seen) => seen !== undefined }, operation);
}

/** Deletes a row and returns when it is gone; an answer that was lost is looked for. */
export async function deleteRow<Row>({ what, send, look }: RowWork<Row>, operation: Reach): Promise<void> {
  try {
    await send();
  } catch (error) {
    if (!isUnknownOutcome(error)) {
      throw error;
    }
  }
  await settle({ what, look, done: (seen) => seen === undefined }, operation);
}

/**
 * A property as it should be: as declared; what was declared before and is not any more, the default; undefined for what is
 * left alone.
 */
export function managed<Inputs, Property extends keyof Inputs, Value>(
  property: Property,
  inputs: Inputs,
  previous: Held<Inputs>,
  byDefault: Value,
): Inputs[Property] | Value | undefined {
  return inputs[property] ?? ((previous[property] ?? undefined) === undefined ? undefined : byDefault);
}
