import { InputError } from "../../http/errors";
import type { MailboxRow, ServerProfile } from "../../services/dataverse";
import type { RecordOperation } from "./schema";
import type { RecordValues } from "./values";

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
  warn("serverProfile is not declared and the organisation has no default one; mail is not processed without.");
}

/**
 * The declared profile; the default one where one was declared before; undefined where it is left alone or none is declared.
 *
 * @param byDefault looks for the default one.
 */
export async function declaredServerProfile(
  declared: string | false | undefined,
  operation: RecordOperation,
  byDefault: (operation: RecordOperation) => Promise<ServerProfile | undefined> = defaultServerProfile,
): Promise<ServerProfile | undefined> {
  if (declared !== undefined) {
    return declared === false ? undefined : serverProfileNamed(declared, operation);
  }
  return (operation.known.inputs.serverProfile ?? undefined) === undefined ? undefined : byDefault(operation);
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
