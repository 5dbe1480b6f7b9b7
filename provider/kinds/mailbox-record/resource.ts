import * as pulumi from "@pulumi/pulumi";

/** How the test of a mailbox counts. */
export interface TestAndEnable {
  /** Whether a failed test, or one that does not finish in time, fails the deployment. Default false: it warns. */
  require: pulumi.Input<boolean>;
}

/** Who owns a row of Dynamics: one of the two, by name, address or id. */
export interface Owner {
  /** A user: full name, address, sign-in name, or id of Dynamics or Entra. */
  user?: pulumi.Input<string | undefined>;
  /** A team: name, address or id. */
  team?: pulumi.Input<string | undefined>;
}

/** What server-side synchronisation signs in with, where the server profile takes the credentials of the mailbox record. */
export interface Credentials {
  /** User name, 1 to 200 characters. */
  userName: pulumi.Input<string>;
  /** Password, 1 to 200 characters. Kept encrypted in state. Never read back. */
  password: pulumi.Input<string>;
}

/** The result of one part of Test & Enable. */
export type TestStatus = "NotRun" | "Success" | "Failure";

/** Approval of the address of a mailbox record. */
export type EmailApproval = "Empty" | "Approved" | "Pending" | "Rejected";

/**
 * Credentials as inputs: the password is a secret whether the program says so or not, and the user name only if the program says so.
 * A secret is taken out of every message, and the user name often is the address that a message is about.
 */
export function sealedCredentials(
  credentials: pulumi.Input<Credentials | false | undefined> | undefined,
): Record<string, unknown> | Promise<unknown> | false | undefined {
  if (credentials === undefined || credentials === null || credentials === false) {
    return credentials === false ? false : undefined;
  }
  if (Object.getPrototypeOf(credentials) === Object.prototype) {
    return { ...credentials, password: pulumi.secret((credentials as Credentials).password) };
  }
  return sealedWhenKnown(
    pulumi.output(credentials) as pulumi.Output<pulumi.UnwrappedObject<Credentials> | false | undefined>,
  );
}

/** A promise and no output: an output of an object with a secret in it would be secret as a whole. */
async function sealedWhenKnown(whole: pulumi.Output<pulumi.UnwrappedObject<Credentials> | false | undefined>) {
  const { isKnown, promise } = whole as typeof whole & { isKnown: Promise<boolean>; promise(): Promise<unknown> };
  const [isSettled, value] = await Promise.all([isKnown, promise.call(whole)]);
  if (isSettled && (value === undefined || value === null || value === false)) {
    return whole;
  }
  return {
    userName: whole.apply((known) => (known ? known.userName : undefined)),
    password: pulumi.secret(whole.apply((known) => (known ? known.password : undefined))),
  };
}

/** What every kind with a mailbox record of Dynamics tells of it. */
export interface MailboxRecordOutputs {
  /** Whether the record is a forward mailbox. Otherwise it is a user's or a queue's. */
  readonly isForwardMailbox: pulumi.Output<boolean>;
  /** Id of the user or queue the record belongs to. Undefined for a forward mailbox. */
  readonly regarding: pulumi.Output<string | undefined>;
  /** Result of the incoming test: `NotRun`, `Success` or `Failure`. `NotRun` where the server does not read, as on Forward Mailbox. */
  readonly incomingEmailStatus: pulumi.Output<TestStatus>;
  /** Result of the outgoing test. Stays `NotRun` where the server sends nothing, as on a forward mailbox. */
  readonly outgoingEmailStatus: pulumi.Output<TestStatus>;
  /** Result of the test of appointments, contacts and tasks. Stays `NotRun` where the server synchronises none. */
  readonly appointmentsContactsTasksStatus: pulumi.Output<TestStatus>;
  /** When the last test finished, ISO 8601. Undefined if none has. */
  readonly mailboxTestCompletedOn: pulumi.Output<string | undefined>;
  /** Approval of the address: `Empty`, `Approved`, `Pending` or `Rejected`. */
  readonly emailApproval: pulumi.Output<EmailApproval>;
  /** Id of the record's server profile. Undefined where it has none. */
  readonly serverProfileId: pulumi.Output<string | undefined>;
  /** Id of the Dataverse organisation. */
  readonly organizationId: pulumi.Output<string>;
  /** The Entra tenant. */
  readonly tenantId: pulumi.Output<string>;
}

/**
 * `CustomResource` with those outputs: another type and no class of its own, because a constructor in between would move `sourcePosition`
 * (see `registration`). Node leaves a constructor that is not written out of the stack, but not in Pulumi's host, where a debugger is on.
 */
export const MailboxRecordResource = pulumi.CustomResource as unknown as Omit<
  typeof pulumi.CustomResource,
  "prototype"
> &
  (abstract new (
    ...args: ConstructorParameters<typeof pulumi.CustomResource>
  ) => pulumi.CustomResource & MailboxRecordOutputs);

/** Names of {@link MailboxRecordOutputs}. */
export const recordOutputs: Readonly<Record<keyof MailboxRecordOutputs, true>> = {
  isForwardMailbox: true,
  regarding: true,
  incomingEmailStatus: true,
  outgoingEmailStatus: true,
  appointmentsContactsTasksStatus: true,
  mailboxTestCompletedOn: true,
  emailApproval: true,
  serverProfileId: true,
  organizationId: true,
  tenantId: true,
};
