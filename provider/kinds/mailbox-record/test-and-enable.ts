import type { Properties } from "../../core/kind";
import { isSet } from "../../core/properties";
import { testThing } from "../../core/registry";
import { isServiceError, ProviderError } from "../../http/errors";
import type { MailboxRow, Status } from "../../services/dataverse";
import type { RecordInputs, RecordKnown, RecordOperation } from "./properties";
import { command, lookUntil, TEST_TIME, type UserOrQueue, writeTo } from "./writes";

const APPROVED = 1;
/** O365RoleUnsupportedForEmailApproval: the caller may not approve. */
const MAY_NOT_APPROVE = "0x8009000b";
/** Longest wait for an approval to show, in milliseconds: it is done when the answer comes, or never. */
const APPROVAL_TIME = 3_000;

const WHO_MAY =
  "A Global or Exchange administrator, or a user with the Dataverse role Delegated Mailbox Approver, who is also System " +
  "Administrator of the environment, must approve it (Settings > Email configuration > Mailboxes > Approve Email). " +
  "After that, `pulumi up --refresh` runs the test.";

/** The user or queue that a mailbox record belongs to. */
type RecordOwner = Pick<UserOrQueue, "kind" | "id">;

/**
 * Gives the commands of a program to a mailbox record that is as declared: approves its address, then tests it.
 *
 * @param owner the user or queue that it belongs to, whose address is approved there; a forward mailbox has none.
 * @returns the record as it is then.
 */
export async function giveCommands(
  { approveEmail, testAndEnable }: RecordInputs,
  row: MailboxRow,
  operation: RecordOperation,
  owner?: RecordOwner,
): Promise<MailboxRow> {
  const approved = approveEmail === false ? row : await approve(row, owner, operation);
  return test(testAndEnable, approved, operation);
}

/**
 * Approves the address of a mailbox record, once for each address, and reads back whether it took effect: without the right
 * it may be refused or end silently without effect.
 */
async function approve(
  row: MailboxRow,
  owner: RecordOwner | undefined,
  operation: RecordOperation,
): Promise<MailboxRow> {
  const isTried = row.emailAddress === "" || operation.known.memory.approvalTriedFor === row.emailAddress;
  if (row.approval === "Approved" || isTried) {
    return row;
  }
  const noteTried = () => operation.record({ memory: { approvalTriedFor: row.emailAddress } });
  const action = `approving the address ${row.emailAddress}`;
  operation.progress(action);
  const columns = { emailrouteraccessapproval: APPROVED };
  try {
    await (owner === undefined ? command(row, columns, action, operation) : writeTo(owner, columns, action, operation));
  } catch (error) {
    const isRefused =
      isServiceError(error) && (error.code.toLowerCase() === MAY_NOT_APPROVE || error.class === "forbidden");
    if (!isRefused) {
      throw error;
    }
    noteTried();
    operation.warn(`approveEmail: ${error.message.replace(/\.?$/, ".")} ${WHO_MAY}`);
    return row;
  }
  noteTried();
  const seen = await lookUntil(
    row.id,
    { what: "the approval to show", done: (now) => now.approval === "Approved", atMost: APPROVAL_TIME },
    operation,
  );
  if (seen.approval !== "Approved") {
    operation.warn(
      `approveEmail: ${action}: Dynamics accepted the request and did nothing; the approval is ${seen.approval}. ${WHO_MAY}`,
    );
  }
  return seen;
}

/** What a preview says of a new address. */
export function adviceOnMove({ emailAddress, approveEmail }: RecordInputs, olds: RecordInputs | undefined): string[] {
  // A refresh that found the record gone has null.
  const isMoved = isSet(olds?.emailAddress) && emailAddress !== undefined && olds?.emailAddress !== emailAddress;
  return isMoved && approveEmail !== false
    ? ["emailAddress is new, which drops the approval and needs a new test."]
    : [];
}

/**
 * Inputs that are commands, given by default. A refresh that finds one undone puts a text in its place, so that the next preview shows
 * that it is given again.
 */
const COMMANDS_BY_DEFAULT = ["approveEmail", "testAndEnable"] as const;

/** The commands of a program that leaves them alone: none is given. */
export const NO_COMMANDS = Object.fromEntries(COMMANDS_BY_DEFAULT.map((command) => [command, false]));

/** How the text in place of a command begins. */
const NOT_DONE = "not done: ";

/** Whether the value of a command is the text of a refresh that found it undone. */
export function isUndone(value: unknown): boolean {
  return typeof value === "string" && value.startsWith(NOT_DONE);
}

/** The commands that a program leaves out and a refresh has found undone: they are planned as what they are by default. */
export function commandsByDefault(inputs: Properties, olds: Properties): Properties {
  const undeclared = COMMANDS_BY_DEFAULT.filter((command) => inputs[command] === undefined);
  return Object.fromEntries(
    undeclared.filter((command) => olds[command] === true || isUndone(olds[command])).map((command) => [command, true]),
  );
}

/**
 * Pure. The commands of a state that a refresh finds undone. Dynamics drops the approval and the results of the test when the address of a
 * user or queue changes, somebody may have taken an approval back, and somebody may have approved an address by hand since. Those that are
 * done again are as declared. What was never done, because the application may not, is no difference: a warning said so.
 *
 * @returns the inputs in question; none where the address itself differs from the declared one, because both follow it.
 */
export function commandsAsObserved(row: MailboxRow, known: RecordKnown): Properties {
  const { emailAddress } = known.inputs;
  if (typeof emailAddress === "string" && emailAddress !== row.emailAddress) {
    return {};
  }
  const approval = approvalAsObserved(row, known);
  const isApprovedNext = row.approval === "Approved" || isUndone(approval.approveEmail);
  return { ...approval, ...testAsObserved(row, isApprovedNext, known) };
}

/**
 * Pure. What is remembered of the commands from now on.
 *
 * @param isRefresh whether nothing was deployed: then those that were found undone are forgotten, so that they are given again.
 */
export function commandsRemembered(row: MailboxRow | undefined, isRefresh: boolean, known: RecordKnown) {
  const { approvalTriedFor, testedFor, testTrigger } = known.memory;
  const undone = isRefresh && row !== undefined ? commandsAsObserved(row, known) : {};
  const isUnapproved = isUndone(undone.approveEmail);
  return {
    approvalTriedFor: isUnapproved ? undefined : approvalTriedFor,
    // Whether what was tested under an approval that is gone still holds, Dynamics does not say.
    testedFor: isUnapproved || isUndone(undone.testAndEnable) ? undefined : testedFor,
    testTrigger,
  };
}

function approvalAsObserved(row: MailboxRow, { inputs, memory }: RecordKnown): Properties {
  const approveEmail: unknown = inputs.approveEmail;
  const isLost = memory.emailApproval === "Approved";
  const isNew = memory.approvalTriedFor !== undefined && memory.approvalTriedFor !== row.emailAddress;
  const isOpen = row.emailAddress !== "" && row.approval !== "Approved" && approveEmail !== false;
  if (isOpen && (isLost || isNew || isUndone(approveEmail))) {
    return { approveEmail: `${NOT_DONE}the approval of ${row.emailAddress} is ${row.approval}` };
  }
  return isUndone(approveEmail) ? { approveEmail: true } : {};
}

function testAsObserved(row: MailboxRow, isApprovedNext: boolean, { inputs, memory }: RecordKnown): Properties {
  const testAndEnable: unknown = inputs.testAndEnable;
  const { emailApproval, testedFor, testTrigger } = memory;
  const open = tested(row).filter(([, status]) => status === "NotRun");
  const isNewlyApproved = emailApproval !== undefined && emailApproval !== "Approved" && row.approval === "Approved";
  const isOpen = open.length > 0 && !row.isTestScheduled && isApprovedNext && testAndEnable !== false;
  // With a result and open, it is as if it never had been tested.
  if (isOpen && (testedFor !== undefined || isNewlyApproved || isUndone(testAndEnable))) {
    return {
      testAndEnable: `${NOT_DONE}${open.map(([name]) => name).join("; ")} of ${row.emailAddress} not tested`,
    };
  }
  return isUndone(testAndEnable) ? { testAndEnable: testTrigger ?? true } : {};
}

/** NoTestEmailAccessPrivilege: the caller may not run the test. */
const MAY_NOT_TEST = "0x8005e232";

/** The input `testAndEnable`. */
type TestAndEnable = RecordInputs["testAndEnable"];

/** Runs Test & Enable and waits, within bounds, for its result. A failed test is a warning unless it is required. */
async function test(wanted: TestAndEnable, row: MailboxRow, operation: RecordOperation): Promise<MailboxRow> {
  // A source's record is not set to Forward Mailbox while its queue's test runs: the result would depend on which came first.
  return needsTest(wanted, row, operation)
    ? operation.registry.exclusively(testThing(row.id), () => runTest(wanted, row, operation))
    : row;
}

async function runTest(wanted: TestAndEnable, row: MailboxRow, operation: RecordOperation): Promise<MailboxRow> {
  const action = `testing the mailbox ${row.emailAddress}`;
  let before = row.testCompletedOn;
  if (row.approval !== "Approved") {
    const words = `Test & Enable was not run: the address is not approved (${row.approval})`;
    throw new ProviderError({ action, words, nextStep: "Approve it, then run `pulumi up` again." });
  }
  try {
    // A test that ran already when this one was asked for ends with a result of its own.
    before = (await command(row, { testemailconfigurationscheduled: true }, action, operation)).testCompletedOn;
  } catch (error) {
    const isRefused =
      isServiceError(error) && (error.code.toLowerCase() === MAY_NOT_TEST || error.class === "forbidden");
    if (!isRefused || isRequired(wanted)) {
      throw error;
    }
    operation.warn(`testAndEnable: ${error.message}`);
    return row;
  }
  const isDone = (now: MailboxRow) =>
    !now.isTestScheduled && now.testCompletedOn !== undefined && now.testCompletedOn !== before;
  const seen = await lookUntil(
    row.id,
    { what: `Dynamics to finish Test & Enable of ${row.emailAddress}`, done: isDone, atMost: TEST_TIME },
    operation,
  );
  const testTrigger = typeof wanted === "string" ? wanted : undefined;
  operation.record({ memory: { testTrigger, ...(isDone(seen) ? { testedFor: testKey(seen) } : {}) } });
  if (isDone(seen) && isSuccess(seen)) {
    return seen;
  }
  const words = isDone(seen)
    ? `Test & Enable failed: ${resultOf(seen)}`
    : "Test & Enable did not finish in time; the outputs show its result after the next `pulumi refresh`";
  const nextStep = "The alerts of the mailbox record in Dynamics have the reason.";
  if (isRequired(wanted)) {
    throw new ProviderError({ action, words, nextStep });
  }
  operation.warn(`testAndEnable: ${action}: ${words.replace(/\.$/, "")}. ${nextStep}`);
  return seen;
}

/**
 * Runs the test of somebody's record again whose methods were changed: that throws away the results, also of what goes on as before.
 * It does so where there was a success to lose, and does not wait for the end.
 *
 * @param before the record before the change.
 * @returns whether the test was ordered.
 */
export async function testAgain(before: MailboxRow, operation: RecordOperation): Promise<boolean> {
  const lost = tested(before)
    .filter(([, status]) => status === "Success")
    .map(([name]) => name);
  const now = await operation.services.dataverse.mailbox(before.id, operation);
  const isLost = now !== undefined && tested(now).some(([name, status]) => status === "NotRun" && lost.includes(name));
  if (now === undefined || !isLost || now.approval !== "Approved") {
    return false;
  }
  const action = `testing the mailbox ${now.emailAddress} again`;
  try {
    await command(now, { testemailconfigurationscheduled: true }, action, operation);
    return true;
  } catch (error) {
    if (!isServiceError(error)) {
      throw error;
    }
    operation.warn(
      `${error.message} The change of its incoming e-mail cleared the results of the last test. Run Test & Enable in Dynamics.`,
    );
    return false;
  }
}

/**
 * Whether this deployment should run the test: after a change that needs it, or on a new trigger; not while unapproved, unless a
 * success is required.
 */
function needsTest(wanted: TestAndEnable, row: MailboxRow, { known }: RecordOperation): boolean {
  if (wanted === false || tested(row).length === 0) {
    return false;
  }
  if (isRequired(wanted) && !isSuccess(row)) {
    return true;
  }
  if (row.approval !== "Approved") {
    return false;
  }
  const trigger = typeof wanted === "string" ? wanted : undefined;
  const { testedFor, testTrigger } = known.memory;
  return !isTestedFor(testedFor, row) || (trigger !== undefined && trigger !== testTrigger);
}

/** Whether a test that does not succeed fails the deployment; then each deployment tries again until it does. */
function isRequired(wanted: TestAndEnable): boolean {
  return typeof wanted === "object" && wanted.require;
}

/** What server-side synchronisation does for a record, and how its last test went; nothing else is tested. */
export function tested(row: MailboxRow): [string, Status][] {
  const all: [string, string, Status][] = [
    ["incoming e-mail", row.incomingEmail, row.incomingStatus],
    ["outgoing e-mail", row.outgoingEmail, row.outgoingStatus],
    ["appointments, contacts and tasks", row.appointmentsContactsTasks, row.appointmentsContactsTasksStatus],
  ];
  return all.filter(([, method]) => method === "ServerSideSynchronization").map(([name, , status]) => [name, status]);
}

/** Whether something of a record can be tested and never was; so it is where there is no record yet. */
export function isOpenForTest(row: MailboxRow | undefined): boolean {
  return row === undefined || (tested(row).length > 0 && row.testCompletedOn === undefined);
}

function isSuccess(row: MailboxRow): boolean {
  return tested(row).every(([, status]) => status === "Success");
}

/** What a test result holds for: another address, profile or method needs a new one. */
function testKey(row: MailboxRow): string {
  const methods = [row.incomingEmail, row.outgoingEmail, row.appointmentsContactsTasks];
  return [row.emailAddress, row.serverProfileId ?? "", ...methods].join(" ");
}

/** Whether a test result holds for a record. It says nothing about methods that are not tested, whichever they are. */
function isTestedFor(key: string | undefined, row: MailboxRow): boolean {
  const tested = (text: string) => text.replaceAll(/ (?:None|Outlook|ForwardMailbox)(?= |$)/g, " -");
  return key !== undefined && tested(key) === tested(testKey(row));
}

/** The result in words. Alerts of Dynamics have the reason for certain; the record's last error may be of something else. */
function resultOf(row: MailboxRow): string {
  const results = tested(row)
    .map(([name, status]) => `${name}: ${status}`)
    .join(", ");
  const { lastError } = row;
  const reason =
    lastError !== undefined
      ? `Dynamics: ${lastError.words}${lastError.code === undefined ? "" : ` (${lastError.code})`}, the last error on the record`
      : row.serverProfileId === undefined
        ? "the record has no e-mail server profile (0x8005E222)"
        : row.isActive
          ? undefined
          : "the record is inactive (0x8005E219)";
  return reason === undefined ? results : `${results}; ${reason}`;
}
