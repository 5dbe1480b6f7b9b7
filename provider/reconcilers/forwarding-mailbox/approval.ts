import { isClass, isServiceError, ProviderError, SettleError } from "../../http/errors";
import type { DataverseRow, MailboxRow } from "../../services/dataverse";
import { settle } from "../../services/waiting";
import type { Operation } from "../reconciler";
import type { Desired, ForwardingInputs } from "./desired";

const APPROVED = 1;
/** O365RoleUnsupportedForEmailApproval: the caller may not approve. */
const MAY_NOT_APPROVE = "0x8009000b";
/** Longest wait for a test, in milliseconds; Microsoft speaks of a few minutes. */
const TEST_TIME = 5 * 60 * 1000;
/** Longest wait for an approval to show, in milliseconds: it is done when the answer comes, or never. */
const APPROVAL_TIME = 3_000;

const WHO_MAY =
  "A Global or Exchange administrator, or a user with the Dataverse role Delegated Mailbox Approver, who is also System " +
  "Administrator of the environment, must approve it (Settings > Email configuration > Mailboxes > Approve Email).";

/**
 * Approves the address, once for each address, and reads back whether it took effect: without the right it may be refused
 * or end silently without effect.
 */
export async function approve(desired: Desired, row: MailboxRow, operation: Operation): Promise<MailboxRow> {
  const { inputs } = desired;
  if (
    inputs.approveEmail === false ||
    row.approval === "Approved" ||
    operation.state.approvalTriedFor === inputs.emailAddress
  ) {
    return row;
  }
  operation.state.approvalTriedFor = inputs.emailAddress;
  const action = `approving the address ${inputs.emailAddress}`;
  try {
    await update(row, { emailrouteraccessapproval: APPROVED }, action, operation);
  } catch (error) {
    const isRefused =
      isServiceError(error) && (error.code.toLowerCase() === MAY_NOT_APPROVE || error.class === "forbidden");
    if (!isRefused) {
      throw error;
    }
    operation.warn(`${error.message.replace(/\.?$/, ".")} ${WHO_MAY}`);
    return row;
  }
  const seen = await lookAgain(
    row.id,
    (now) => now.approval === "Approved",
    "the approval to show",
    APPROVAL_TIME,
    operation,
  );
  if (seen.approval !== "Approved") {
    operation.warn(
      `${action}: Dynamics accepted the request and did nothing; the approval is ${seen.approval}. ${WHO_MAY}`,
    );
  }
  return seen;
}

/** Whether this deployment should run Test & Enable: after a change that needs it, or on a new trigger. */
export function needsTest(inputs: ForwardingInputs, row: MailboxRow, operation: Operation): boolean {
  const { state } = operation;
  if (inputs.testAndEnable === false || inputs.incomingEmail === "None" || row.approval !== "Approved") {
    return false;
  }
  if (isRequired(inputs) && row.incomingStatus !== "Success") {
    return true;
  }
  const trigger = typeof inputs.testAndEnable === "string" ? inputs.testAndEnable : undefined;
  return state.testedFor !== testKey(row) || (trigger !== undefined && trigger !== state.testTrigger);
}

/** Whether a test that does not succeed fails the deployment; then each deployment tries again until it does. */
function isRequired({ testAndEnable }: ForwardingInputs): boolean {
  return typeof testAndEnable === "object" && testAndEnable.require;
}

/** What a test result holds for: another address, profile or method needs a new one. */
function testKey(row: MailboxRow): string {
  return [row.emailAddress, row.serverProfileId ?? "", row.incoming].join(" ");
}

/** Runs Test & Enable and waits, within bounds, for its result. A failed test is a warning unless it is required. */
export async function test(desired: Desired, row: MailboxRow, operation: Operation): Promise<MailboxRow> {
  const { inputs } = desired;
  if (!needsTest(inputs, row, operation)) {
    return row;
  }
  const action = `testing the mailbox ${inputs.emailAddress}`;
  const before = row.testCompletedOn;
  await update(row, { testemailconfigurationscheduled: true }, action, operation);
  const isDone = (now: MailboxRow) =>
    !now.isTestScheduled && now.testCompletedOn !== undefined && now.testCompletedOn !== before;
  const seen = await lookAgain(row.id, isDone, "Dynamics to finish Test & Enable", TEST_TIME, operation);
  operation.state.testTrigger = typeof inputs.testAndEnable === "string" ? inputs.testAndEnable : undefined;
  if (isDone(seen)) {
    operation.state.testedFor = testKey(seen);
  }
  if (seen.incomingStatus === "Success" && isDone(seen)) {
    return seen;
  }
  const words = isDone(seen)
    ? `Test & Enable failed: incoming e-mail is ${seen.incomingStatus}`
    : "Test & Enable did not finish in time; the outputs show its result after the next `pulumi refresh`";
  const nextStep = "The alerts of the mailbox record in Dynamics say why.";
  if (isRequired(inputs)) {
    throw new ProviderError({ action, words, nextStep });
  }
  operation.warn(`${action}: ${words}. ${nextStep}`);
  return seen;
}

async function lookAgain(
  id: string,
  done: (row: MailboxRow) => boolean,
  what: string,
  atMost: number,
  operation: Operation,
): Promise<MailboxRow> {
  const look = async (): Promise<MailboxRow> => {
    const row = await operation.services.dataverse.mailbox(id, operation);
    if (row === undefined) {
      throw new ProviderError({ action: `waiting for ${what}`, words: `the mailbox record ${id} is gone` });
    }
    return row;
  };
  try {
    return await settle({ what, look, done, atMost: Math.min(atMost, operation.settleTimeout) }, operation);
  } catch (error) {
    if (error instanceof SettleError) {
      return look();
    }
    throw error;
  }
}

/** How often a row that somebody else changed meanwhile is read again: a running test changes it too. */
const LOOKS = 5;

/** Changes columns of a row; where somebody else changed it meanwhile, of the row as it is then. */
async function update(row: MailboxRow, columns: DataverseRow, action: string, operation: Operation): Promise<void> {
  const { dataverse } = operation.services;
  let known = row;
  for (let look = 1; ; look += 1) {
    try {
      await dataverse.updateMailbox(known, columns, action, operation);
      return;
    } catch (error) {
      const isChanged = isClass(error, "precondition") && look < LOOKS;
      const now = isChanged ? await dataverse.mailbox(row.id, operation) : undefined;
      if (now === undefined) {
        throw error;
      }
      known = now;
    }
  }
}
