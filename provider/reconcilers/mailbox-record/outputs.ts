import type { MailboxRow, ServerProfile, Status } from "../../services/dataverse";
import type { Operation, Properties } from "../reconciler";

/** What a mailbox record tells of itself: the same outputs for every kind that has one. */
export function recordOutputs(row: MailboxRow): Properties {
  return {
    isForwardMailbox: row.isForwardMailbox,
    ...(row.regarding === undefined ? {} : { regarding: row.regarding }),
    incomingEmailStatus: resultFor(row.incoming, row.incomingStatus),
    outgoingEmailStatus: resultFor(row.outgoing, row.outgoingStatus),
    appointmentsContactsTasksStatus: resultFor(row.appointmentsContactsTasks, row.appointmentsContactsTasksStatus),
    ...(row.testCompletedOn === undefined ? {} : { mailboxTestCompletedOn: row.testCompletedOn }),
    emailApproval: row.approval,
    ...(row.serverProfileId === undefined ? {} : { serverProfileId: row.serverProfileId }),
  };
}

/**
 * The result of a test of what server-side synchronisation does. What it does not do has none: a test fails the incoming e-mail of a
 * record on Forward Mailbox, whose mail comes through another mailbox.
 */
function resultFor(method: string, status: Status): Status {
  return method === "ServerSideSynchronization" ? status : "NotRun";
}

/** Says that a record is switched off: no declared property differs, and yet no mail is processed. */
export function tellInactive({ name, isActive }: MailboxRow, { warn }: Operation): void {
  if (!isActive) {
    warn(`The mailbox record ${name} is inactive: Dynamics processes no mail of it (0x8005E219). Activate it there.`);
  }
}

/** What the next deployment must know: commands already given, what was found, and what to put back. */
export function remembered(state: Properties, names: readonly string[]): Properties {
  return Object.fromEntries(names.filter((name) => state[name] !== undefined).map((name) => [name, state[name]]));
}

/** Names of what {@link remembered} keeps of the commands. */
export const COMMANDS = ["approvalTriedFor", "testedFor", "testTrigger"];

/**
 * The credentials as they are declared, as far as they can be read: a password never comes back, so the one in the state
 * stands for it as long as the record has one.
 */
export function credentialsAsDeclared(row: MailboxRow, state: Properties): Properties | false | null {
  const { password } = (state.credentials || {}) as Properties;
  if (!row.usesCredentials) {
    // Those that are stored and not used are none too, and yet not what "none" was declared for.
    return state.credentials === false && row.userName === undefined && !row.isPasswordSet ? false : null;
  }
  return {
    ...(row.userName === undefined ? {} : { userName: row.userName }),
    ...(row.isPasswordSet && password !== undefined ? { password } : {}),
  };
}

/** The server profile as it is declared: the program's spelling while it is the same one. */
export function serverProfileAsDeclared(
  { serverProfileId }: Pick<MailboxRow, "serverProfileId">,
  profile: ServerProfile | undefined,
  state: Properties,
): unknown {
  if (state.serverProfile === false) {
    return serverProfileId === undefined ? false : profile?.name;
  }
  return serverProfileId === state.serverProfileId ? state.serverProfile : profile?.name;
}
