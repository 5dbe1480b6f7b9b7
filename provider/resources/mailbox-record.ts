import * as pulumi from "@pulumi/pulumi";

/** How the test of a mailbox counts. */
export interface TestAndEnable {
  /** Whether a failed test, or one that does not finish in time, fails the deployment. Default false: it warns. */
  require: pulumi.Input<boolean>;
}

/** Who owns a row of Dynamics: one of the two, by name, address or id. */
export interface Owner {
  /** A user: full name, address, sign-in name, or id of Dynamics or Entra. */
  user?: pulumi.Input<string>;
  /** A team: name, address or id. */
  team?: pulumi.Input<string>;
}

/** What server-side synchronisation signs in with, where the server profile takes the credentials of the mailbox record. */
export interface Credentials {
  /** User name, 1 to 200 characters. */
  userName: pulumi.Input<string>;
  /** Password, 1 to 200 characters. Kept encrypted in state; never read back. */
  password: pulumi.Input<string>;
}

/** The result of one part of Test & Enable. */
export type TestStatus = "NotRun" | "Success" | "Failure";

/** Approval of the address of a mailbox record. */
export type EmailApproval = "Empty" | "Approved" | "Pending" | "Rejected";

/** Credentials as inputs: the password is a secret whether the program says so or not, and nothing else of them is. */
export function sealedCredentials(credentials: pulumi.Input<Credentials> | undefined): unknown {
  if (credentials === undefined) {
    return undefined;
  }
  const isPlain = Object.getPrototypeOf(credentials) === Object.prototype;
  return isPlain
    ? { ...credentials, password: pulumi.secret((credentials as Credentials).password) }
    : pulumi.secret(credentials);
}

/** What every kind with a mailbox record tells of it. */
export const recordOutputs = [
  "isForwardMailbox",
  "regarding",
  "incomingEmailStatus",
  "outgoingEmailStatus",
  "appointmentsContactsTasksStatus",
  "mailboxTestCompletedOn",
  "emailApproval",
  "serverProfileId",
  "organizationId",
  "tenantId",
];
