import type { Held, Properties } from "../../core/kind";
import { isSet } from "../../core/properties";
import { InputError } from "../../http/errors";
import type { MailboxRow, ServerProfile } from "../../services/dataverse";
import type { Principal } from "../../services/principals";
import type { DeclaredOwner, Owner, RecordInputs, RecordOperation, RecordTable, RecordValues } from "./properties";

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
    ? only(await principals.users(declared.user ?? "", operation), "owner.user", "user")
    : only(await principals.teams(declared.team, operation), "owner.team", "team");
}

function only(found: readonly Principal[], path: string, kind: string): Owner {
  const [principal, second] = found;
  const reason =
    principal === undefined
      ? `no ${kind} of the Dynamics environment has this name, address or id`
      : second !== undefined
        ? `${found.length} ${kind}s have this name or address (${found.map(inWords).join(", ")}); write the id`
        : principal.isDisabled
          ? `the ${kind} ${principal.name} is disabled in Dynamics and cannot become an owner; enable it there, or name another owner`
          : undefined;
  if (principal === undefined || reason !== undefined) {
    throw new InputError([{ path, reason: reason ?? "" }]);
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
  const reason =
    profile === undefined
      ? `no e-mail server profile has this name or id${await thereAre(operation)}`
      : second !== undefined
        ? `${profiles.length} e-mail server profiles have this name; write the id`
        : profile.isActive
          ? undefined
          : `the e-mail server profile "${profile.name}" is inactive (0x8005E228); activate it or choose another`;
  if (profile === undefined || reason !== undefined) {
    throw new InputError([{ path: "serverProfile", reason: reason ?? "" }]);
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
