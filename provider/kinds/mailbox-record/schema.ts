import { z } from "zod";
import { displayText, orNone } from "../../core/canonical";
import type { Held, Known, Operation } from "../../core/kind";
import type { Approval, MailboxRow, Status } from "../../services/dataverse";
import { isGuid } from "../../services/text";
import type { Credentials } from "./properties";
import type { DeclaredOwner } from "./references";
import { isUndone, type TestAndEnable } from "./test-and-enable";

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

/** Whether a state has a value of a property: one that a refresh did not find is null there, and is managed all the same. */
export function isHeld<Inputs>(inputs: Held<Inputs>, property: keyof Inputs): boolean {
  return (inputs[property] ?? undefined) !== undefined;
}

/** The name or id of a server profile, or false for none. */
export const serverProfile = orNone(
  displayText("the name or id of an e-mail server profile, e.g. Microsoft Exchange Online", 100),
);

const needed = (what: string, code: string) =>
  z
    .string({ error: `is missing or no text; Dynamics needs ${what} with credentials (${code})` })
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
