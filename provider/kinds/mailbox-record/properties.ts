import { z } from "zod";
import { displayText, flag, oneOf, orNone, smtpAddress } from "../../core/canonical";
import { type Change, type Held, type Known, type Operation, type Properties, writeAndRecord } from "../../core/kind";
import type { ValuesOf } from "../../core/memory";
import { declaredIn, isSet, type PropertyTable, type Value } from "../../core/properties";
import { InputError } from "../../http/errors";
import { isGuid, mapOf, only } from "../../http/json";
import {
  type MailboxRow,
  type MailboxValues,
  type ServerProfile,
  type Status,
  type Written,
  type WrittenValues,
  writtenColumns,
} from "../../services/dataverse";
import type { Principal } from "../../services/principals";
import { isUndone } from "./test-and-enable";
import { change } from "./writes";

/** What a mailbox record signs in with; the password can be written and never read. */
export type Credentials = Exclude<z.output<typeof credentials>, false>;

/** The owner of a row: a user or a team. */
export interface Owner {
  table: "systemusers" | "teams";
  id: string;
}

/** A row of Dynamics as it was seen, and what has to be known beside it to compare it and to write it as a program would. */
export interface Seen<Row> {
  row: Row;
  /** What the state says: a password cannot be read, and a name may be written in several ways. */
  known: { readonly inputs: Properties; readonly memory: { readonly serverProfileId?: string | undefined } };
  /** The row's server profile. */
  profile?: ServerProfile | undefined;
  /** The owner as a program would declare it, where that was looked up. */
  owner?: unknown;
}

const OWNER = "must be { user } or { team }, one of the two, by name, address or id";

const one = (what: string) =>
  displayText(what, 200).transform((text) => (text.includes("@") || isGuid(text) ? text.toLowerCase() : text));

/** The input `owner`: `{ user }` or `{ team }`, each by name, address or id. */
const owner = z
  .strictObject(
    {
      user: one("a user's address, id or full name").optional(),
      team: one("a team's name, address or id").optional(),
    },
    { error: (issue) => (issue.code === "unrecognized_keys" ? undefined : OWNER) },
  )
  .refine(({ user, team }) => (user === undefined) !== (team === undefined), { error: OWNER });

/** Who owns a row, as declared. */
export type DeclaredOwner = z.output<typeof owner>;

/** The name or id of a server profile, or false for none. */
const serverProfile = orNone(
  displayText("the name or id of an e-mail server profile, e.g. Microsoft Exchange Online", 100),
);

const needed = (what: string, code: string) =>
  z
    .string({ error: `is missing or not text; Dynamics needs ${what} with credentials (${code})` })
    .refine((value) => value !== "", { error: `is empty; Dynamics needs ${what} with credentials (${code})` })
    .refine((value) => value.length <= 200, { error: "is longer than 200 characters" });

/** What a record signs in with, or false for nothing. It is not trimmed: what a server takes is for the server to say. */
const credentials = orNone(
  z.strictObject(
    { userName: needed("a user name", "0x8005E209"), password: needed("a password", "0x8005E24E") },
    {
      error: (issue) =>
        issue.code === "unrecognized_keys" ? undefined : "must be { userName, password }, or false for none",
    },
  ),
);

/**
 * The properties of a mailbox record that are more than a column that is written as it is read ({@link inColumn}): how each is declared,
 * compared, written and read. A kind adds what becomes of it when it leaves the program, and where they are its own, the words of its
 * schema. References are by id here, and null is "none".
 */
export const columns = {
  name: {
    schema: displayText("the name of the mailbox record, e.g. CRM intake", 200),
    read: ({ row }: Seen<Pick<MailboxRow, "name">>) => row.name,
    write: (name: string) => ({ name }),
  },
  emailAddress: {
    schema: smtpAddress("ada@contoso.com", 100).optional(),
    read: ({ row }: Seen<{ emailAddress?: string | undefined }>) => row.emailAddress || null,
    write: (emailaddress: string | null) => ({ emailaddress }),
    isTested: true,
  },
  owner: {
    schema: owner.optional(),
    read: ({ row }: Seen<Pick<MailboxRow, "ownerId">>) => row.ownerId,
    asDeclared: ({ owner }: Seen<unknown>) => owner,
    words: ({ id }: Owner) => id,
    write: ({ table, id }: Owner) => ({ "ownerid@odata.bind": `/${table}(${id})` }),
  },
  serverProfile: {
    schema: serverProfile.optional(),
    read: ({ row }) => row.serverProfileId ?? null,
    asDeclared: serverProfileAsDeclared,
    write: (id: string | null) => ({ "emailserverprofile@odata.bind": id && `/emailserverprofiles(${id})` }),
    canBeNone: true,
    isTested: true,
  },
  credentials: {
    schema: credentials.optional(),
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
} satisfies Record<string, Omit<Value<Seen<MailboxRow>>, "removal"> & { schema: z.ZodType; isTested?: true }>;

type Columns = typeof columns;

/** A property that is a column of a record or queue, written as it is read. Everything about it is in the column's own entry. */
export function inColumn<Name extends keyof WrittenValues>(name: Name) {
  const { values, write }: Written<WrittenValues[Name]> = writtenColumns[name];
  return {
    schema: oneOf(values).optional(),
    read: ({ row }: Seen<Pick<WrittenValues, Name>>) => row[name],
    write,
  };
}

/** The values that a mailbox record should have, by the property that declares them; what is left out stays as it is. */
export type RecordValues = { [Name in keyof Columns]?: Parameters<Columns[Name]["write"]>[0] | undefined } & {
  [Name in keyof MailboxValues]?: MailboxValues[Name] | undefined;
};

/** The properties of a record that a kind has. */
// biome-ignore lint/suspicious/noExplicitAny: whichever they are.
type RecordTable = PropertyTable<Seen<MailboxRow>, any>;

/** What a record signs in with, in words without the password. A password is new when the state, which holds the one written last, has another. */
function signsInAs({ row, known }: Seen<MailboxRow>, declared: unknown): string {
  if (!row.usesCredentials) {
    return row.userName === undefined && !row.isPasswordSet ? "none" : "stored and not used";
  }
  const held = mapOf(known.inputs.credentials).password;
  const written = mapOf(declared).password;
  const password = !row.isPasswordSet
    ? " without a password"
    : written === undefined || written === held
      ? ""
      : " with the former password";
  return `${row.userName ?? "nobody"}${password}`;
}

/**
 * The credentials as they are declared, as far as they can be read: a password never comes back, so the one in the state
 * stands for it as long as the record has one.
 */
function credentialsAsDeclared({ row, known }: Seen<MailboxRow>): Properties | false | null {
  const { credentials } = known.inputs;
  const { password } = mapOf(credentials);
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
export function inputsOf<Inputs extends RecordInputs>(
  properties: readonly string[],
  inputs: Inputs,
  known: Pick<Known<Inputs>, "inputs">,
): Held<Inputs> {
  const now: Held<Inputs> = { ...known.inputs, ...only(inputs, declaredIn(inputs)) };
  return only(now, (name) => properties.includes(name) && name !== "credentials");
}

/** The properties whose change makes the result of the last Test & Enable worthless. */
const TESTED = Object.entries({ ...columns, ...writtenColumns }).flatMap(([property, column]) =>
  "isTested" in column ? [property] : [],
);

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
type RecordMemory = ValuesOf<typeof shownOfRecord & typeof commandsGiven> & {
  /** Of kinds that declare an owner. */
  readonly ownerId?: string | undefined;
};

/** The inputs of a kind with a mailbox record, as far as other kinds with one have them as well. */
export type RecordInputs = {
  [Name in keyof Columns]?: z.output<Columns[Name]["schema"]> | undefined;
} & { [Name in keyof MailboxValues]?: MailboxValues[Name] | undefined } & z.output<z.ZodObject<typeof inputsOfRecord>>;

/** What is known of a resource with a mailbox record before the tenant is asked. */
export type RecordKnown = Known<RecordInputs, RecordMemory>;
/** An operation on such a resource. */
export type RecordOperation = Operation<RecordInputs, RecordMemory>;

/** What a mailbox record tells of itself: the same outputs for every kind that has one. */
export function recordOutputs(row: MailboxRow) {
  return {
    isForwardMailbox: row.isForwardMailbox,
    regarding: row.regarding,
    incomingEmailStatus: resultFor(row.incomingEmail, row.incomingStatus),
    outgoingEmailStatus: resultFor(row.outgoingEmail, row.outgoingStatus),
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

/** Whether and how Test & Enable is run. */
const testAndEnable = z
  .union([z.boolean(), z.string(), z.strictObject({ require: z.boolean() })], {
    error: "must be true, false, a text whose change runs the test again, or { require: true }",
  })
  .refine((value) => !isUndone(value), {
    error: "is the text that a refresh writes when a test was not run; write true, or another text",
  });

/** What is done with a row when its resource is deleted. */
const deletion = z.enum(["delete", "retain"], { error: 'must be "delete" or "retain"' });

/** Whether a row that is there already is taken over: the one with the address, or the one with this id. */
const adopt = z
  .union([z.boolean(), z.string()], { error: "must be true, false or the id of the row to take over" })
  .transform((value) => (typeof value === "string" ? value.trim().toLowerCase() : value))
  .refine((value) => typeof value === "boolean" || isGuid(value), {
    error: "is not an id; write true, or the id of the row to take over",
  });

const LOOPBACK = /^(127\.0\.0\.1|localhost)$/;

/** The origin of a Dataverse environment; canonical form without a slash at the end. */
const environmentUrl = z
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

/** The inputs of every kind with a mailbox record. */
export const inputsOfRecord = {
  approveEmail: flag().optional(),
  testAndEnable: testAndEnable.optional(),
  environmentUrl: environmentUrl.optional(),
};

/** Those of a kind that makes the row as well. */
export const inputsOfRow = { ...inputsOfRecord, adopt: adopt.optional(), deletion: deletion.optional() };

/** The inputs with what they name looked up. */
export interface LookedUp<Inputs> {
  inputs: Inputs;
  /** The declared server profile, or the default one where one was declared before; undefined where it is left alone. */
  profile: ServerProfile | undefined;
  /** The declared owner, or the default one where one was declared before; undefined where it is left alone. */
  owner?: Owner | undefined;
}

/**
 * Looks up what inputs name.
 *
 * @param defaultProfile looks for the profile of those who declare none any more.
 */
export async function lookUp<Inputs extends RecordInputs>(
  inputs: Inputs,
  operation: RecordOperation,
  defaultProfile: (operation: RecordOperation) => Promise<ServerProfile | undefined> = defaultServerProfile,
): Promise<LookedUp<Inputs>> {
  const { owner, serverProfile } = inputs;
  const { inputs: held } = operation.known;
  return {
    inputs,
    profile:
      typeof serverProfile === "string"
        ? await serverProfileNamed(serverProfile, operation)
        : serverProfile === undefined && isSet(held.serverProfile)
          ? await defaultProfile(operation)
          : undefined,
    owner:
      owner !== undefined
        ? await ownerNamed(owner, operation)
        : isSet(held.owner)
          ? await defaultOwner(operation)
          : undefined,
  };
}

/** What is declared, with the references by id; false is "none". */
export function byId<Inputs extends RecordInputs>({ inputs, profile, owner }: LookedUp<Inputs>) {
  return { ...inputs, serverProfile: inputs.serverProfile && profile?.id, owner: inputs.owner && owner };
}

/**
 * The values that a record should have.
 *
 * @param remembered what properties go back to that are not declared any more; the references go back to the default ones.
 */
export function valuesOf<Inputs extends RecordInputs>(
  table: Pick<RecordTable, "wanted">,
  desired: LookedUp<Inputs>,
  previous: Held<RecordInputs>,
  remembered: Properties = {},
): RecordValues {
  const defaults = { serverProfile: desired.profile?.id, owner: desired.owner };
  return table.wanted({ declared: byId(desired), previous, remembered: { ...defaults, ...remembered } });
}

/** The declared owner of a row, looked up; an owner that the state knows by its id keeps meaning that one. */
async function ownerNamed(declared: DeclaredOwner, operation: RecordOperation): Promise<Owner> {
  const {
    inputs: { owner },
    memory: { ownerId },
  } = operation.known;
  if (ownerId !== undefined && owner?.user === declared.user && owner?.team === declared.team) {
    return { table: declared.team === undefined ? "systemusers" : "teams", id: ownerId };
  }
  const { principals } = operation.services;
  return declared.team === undefined
    ? onlyOwner(await principals.users(declared.user ?? "", operation), "owner.user", "user")
    : onlyOwner(await principals.teams(declared.team, operation), "owner.team", "team");
}

function onlyOwner(found: readonly Principal[], path: string, kind: string): Owner {
  const [principal, second] = found;
  if (principal === undefined) {
    throw new InputError([{ path, reason: `no ${kind} of the Dynamics environment has this name, address or id` }]);
  }
  if (second !== undefined) {
    const all = found.map(inWords).join(", ");
    throw new InputError([
      { path, reason: `${found.length} ${kind}s have this name or address (${all}); write the id` },
    ]);
  }
  if (principal.isDisabled) {
    const reason = `the ${kind} ${principal.name} is disabled in Dynamics and cannot become an owner; enable it there, or name another owner`;
    throw new InputError([{ path, reason }]);
  }
  return { table: principal.table, id: principal.id };
}

function inWords({ name, id, isDisabled }: Principal): string {
  return `${isDisabled ? "the disabled " : ""}${name} ${id}`;
}

/** The user that the application is: the owner of what nobody is declared to own. */
async function defaultOwner(operation: RecordOperation): Promise<Owner> {
  return { table: "systemusers", id: await operation.services.dataverse.callerId(operation) };
}

/** The owner of a row as a program would declare it: as the state has it while it is the same, else by address or name. */
export async function ownerAsDeclared(
  ownerId: string | undefined,
  operation: RecordOperation,
): Promise<DeclaredOwner | null> {
  const { known, services } = operation;
  if (ownerId === undefined) {
    return null;
  }
  if (ownerId === known.memory.ownerId) {
    return known.inputs.owner ?? null;
  }
  const user = await services.principals.user(ownerId, operation);
  if (user !== undefined) {
    return { user: user.address ?? user.name };
  }
  const [team] = await services.principals.teams(ownerId, operation);
  return team === undefined ? { user: ownerId } : { team: team.name };
}

/** The profile that every organisation in the same tenant as its Exchange Online has (Microsoft's page on connecting them). */
const BUILT_IN_PROFILE = "Microsoft Exchange Online";

/** The one active server profile with this name or id. */
export async function serverProfileNamed(nameOrId: string, operation: RecordOperation): Promise<ServerProfile> {
  const profiles = await operation.services.dataverse.serverProfiles(nameOrId, operation);
  const [profile, second] = profiles;
  const path = "serverProfile";
  if (profile === undefined) {
    const others = await thereAre(operation);
    throw new InputError([{ path, reason: `no e-mail server profile has this name or id${others}` }]);
  }
  if (second !== undefined) {
    const reason = `${profiles.length} e-mail server profiles have this name; write the id`;
    throw new InputError([{ path, reason }]);
  }
  if (!profile.isActive) {
    const reason = `the e-mail server profile "${profile.name}" is inactive (0x8005E228); activate it or choose another`;
    throw new InputError([{ path, reason }]);
  }
  return profile;
}

/** The profiles there are, for the end of a sentence. */
async function thereAre(operation: RecordOperation): Promise<string> {
  // This only improves an error that is already certain.
  const names = await operation.services.dataverse.serverProfileNames(operation).catch(() => []);
  return names.length === 0 ? "" : `; there are ${names.map((name) => `"${name}"`).join(", ")}`;
}

/** The profile of a forward mailbox whose program names none: the built-in one, else the organisation's default one. */
export async function defaultServerProfile(operation: RecordOperation): Promise<ServerProfile | undefined> {
  return (await builtIn(operation)) ?? (await ofOrganization(operation)) ?? none(operation);
}

/** The profile that Dynamics gives the record of a new queue: the organisation's default one; the built-in one without. */
export async function profileOfNewQueue(operation: RecordOperation): Promise<ServerProfile | undefined> {
  return (await ofOrganization(operation)) ?? (await builtIn(operation)) ?? none(operation);
}

async function builtIn(operation: RecordOperation): Promise<ServerProfile | undefined> {
  const profiles = await operation.services.dataverse.serverProfiles(BUILT_IN_PROFILE, operation);
  return profiles.find(({ isActive }) => isActive);
}

async function ofOrganization(operation: RecordOperation): Promise<ServerProfile | undefined> {
  const { dataverse } = operation.services;
  const id = await dataverse.defaultServerProfileId(operation);
  const [profile] = id === undefined ? [] : await dataverse.serverProfiles(id, operation);
  return profile;
}

function none({ warn }: RecordOperation): undefined {
  warn("serverProfile is not declared, and the organisation has no default profile. Without one no mail is processed.");
}

/** The profile that a row has, if any. */
export async function serverProfileOf(
  row: Pick<MailboxRow, "serverProfileId">,
  operation: RecordOperation,
): Promise<ServerProfile | undefined> {
  const { serverProfileId } = row;
  const [profile] =
    serverProfileId === undefined ? [] : await operation.services.dataverse.serverProfiles(serverProfileId, operation);
  return profile;
}

/** Refuses what the server profile of a record cannot do, before anything is written. */
export function requireSuitableProfile(values: RecordValues, profile: ServerProfile | undefined): void {
  const { credentials, appointmentsContactsTasks } = values;
  const problems = [];
  if (credentials !== undefined && credentials !== null && profile?.takesMailboxCredentials !== true) {
    problems.push({
      path: "credentials",
      reason:
        profile === undefined
          ? "the record has no e-mail server profile, so nothing signs in with them; declare serverProfile"
          : `the e-mail server profile "${profile.name}" does not take credentials from a mailbox record; choose one whose credentials are "specified by a user or queue", or leave credentials out`,
    });
  }
  if (appointmentsContactsTasks === "ServerSideSynchronization" && profile?.isExchange === false) {
    problems.push({
      path: "appointmentsContactsTasks",
      reason: `the e-mail server profile "${profile.name}" is for POP3 or IMAP, which has none of them (0x8005E247); write "None"`,
    });
  }
  if (problems.length > 0) {
    throw new InputError(problems);
  }
}

/** Says that a profile waits for credentials that nobody gives. */
export function warnWithoutCredentials(
  usesCredentials: boolean,
  profile: ServerProfile | undefined,
  operation: RecordOperation,
): void {
  if (!usesCredentials && profile?.takesMailboxCredentials === true) {
    operation.warn(
      `serverProfile: "${profile.name}" signs in with the credentials of the mailbox record, and none are declared.`,
    );
  }
}
