import { isServiceError, ProviderError } from "../../http/errors";
import type { MailboxRow, Status } from "../../services/dataverse";
import type { Operation } from "../reconciler";
import { testThing } from "../registry";
import { command, lookUntil, TEST_TIME } from "./looking";

/** NoTestEmailAccessPrivilege: the caller may not run the test. */
const MAY_NOT_TEST = "0x8005e232";

/** The input `testAndEnable`. */
export type TestAndEnable = boolean | string | { require: boolean } | undefined;

/** Runs Test & Enable and waits, within bounds, for its result. A failed test is a warning unless it is required. */
export async function test(wanted: TestAndEnable, row: MailboxRow, operation: Operation): Promise<MailboxRow> {
  // A source's record is not set to Forward Mailbox while its queue's test runs: the result would depend on which came first.
  return needsTest(wanted, row, operation)
    ? operation.registry.exclusively(testThing(row.id), () => runTest(wanted, row, operation))
    : row;
}

async function runTest(wanted: TestAndEnable, row: MailboxRow, operation: Operation): Promise<MailboxRow> {
  const { state } = operation;
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
  state.testTrigger = typeof wanted === "string" ? wanted : undefined;
  if (isDone(seen)) {
    state.testedFor = testKey(seen);
  }
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
 */
export async function testAgain(before: MailboxRow, operation: Operation): Promise<void> {
  const lost = tested(before)
    .filter(([, status]) => status === "Success")
    .map(([name]) => name);
  const now = await operation.services.dataverse.mailbox(before.id, operation);
  const isLost = now !== undefined && tested(now).some(([name, status]) => status === "NotRun" && lost.includes(name));
  if (now === undefined || !isLost || now.approval !== "Approved") {
    return;
  }
  const action = `testing the mailbox ${now.emailAddress} again`;
  try {
    await command(now, { testemailconfigurationscheduled: true }, action, operation);
  } catch (error) {
    if (!isServiceError(error)) {
      throw error;
    }
    operation.warn(
      `${error.message} The results of its last test are gone with the change of its incoming e-mail; run it in Dynamics.`,
    );
  }
}

/**
 * Whether this deployment should run the test: after a change that needs it, or on a new trigger; not while unapproved, unless a
 * success is required.
 */
function needsTest(wanted: TestAndEnable, row: MailboxRow, { state }: Operation): boolean {
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
  return !isTestedFor(state.testedFor, row) || (trigger !== undefined && trigger !== state.testTrigger);
}

/** Whether a test that does not succeed fails the deployment; then each deployment tries again until it does. */
function isRequired(wanted: TestAndEnable): boolean {
  return typeof wanted === "object" && wanted.require;
}

/** What server-side synchronisation does for a record, and how its last test went; nothing else is tested. */
export function tested(row: MailboxRow): [string, Status][] {
  const all: [string, string, Status][] = [
    ["incoming e-mail", row.incoming, row.incomingStatus],
    ["outgoing e-mail", row.outgoing, row.outgoingStatus],
    ["appointments, contacts and tasks", row.appointmentsContactsTasks, row.appointmentsContactsTasksStatus],
  ];
  return all.filter(([, method]) => method === "ServerSideSynchronization").map(([name, , status]) => [name, status]);
}

function isSuccess(row: MailboxRow): boolean {
  return tested(row).every(([, status]) => status === "Success");
}

/** What a test result holds for: another address, profile or method needs a new one. */
function testKey(row: MailboxRow): string {
  const methods = [row.incoming, row.outgoing, row.appointmentsContactsTasks];
  return [row.emailAddress, row.serverProfileId ?? "", ...methods].join(" ");
}

/** Whether a test result holds for a record. It says nothing about methods that are not tested, whichever they are. */
function isTestedFor(key: unknown, row: MailboxRow): boolean {
  const tested = (text: string) => text.replaceAll(/ (?:None|Outlook|ForwardMailbox)(?= |$)/g, " -");
  return typeof key === "string" && tested(key) === tested(testKey(row));
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
