import type { MailboxRow } from "../../services/dataverse";
import type { Properties } from "../reconciler";
import { tested } from "./test-and-enable";

/**
 * Inputs that are commands, given by default. A refresh that finds one undone puts a text in its place, so that the next preview shows
 * that it is given again.
 */
const COMMANDS_BY_DEFAULT = ["approveEmail", "testAndEnable"] as const;

/** How the text in place of a command begins. */
const NOT_DONE = "not done: ";

/** Whether the value of a command is the text of a refresh that found it undone. */
function isUndone(value: unknown): boolean {
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
 * The commands of a state that a refresh finds undone. Dynamics drops the approval and the results of the test when the address of a
 * user or queue changes, and somebody may have approved an address by hand since. Those that are done again are as declared. No
 * difference is what was never done because the application may not, which a warning said, and an approval that somebody took back.
 *
 * @param state the known state; what it remembers of commands that have to be given again is forgotten.
 * @returns the inputs in question; none where the address itself differs from the declared one, because both follow it.
 */
export function commandsAsObserved(row: MailboxRow, state: Properties): Properties {
  const isDeclaredAddress = typeof state.emailAddress === "string";
  if (isDeclaredAddress && state.emailAddress !== row.emailAddress) {
    return {};
  }
  const isReset = resultsLost(row, state);
  const approval = approvalAsObserved(row, isReset, state);
  const isApprovedNext = row.approval === "Approved" || isUndone(approval.approveEmail);
  return { ...approval, ...testAsObserved(row, isReset, isApprovedNext, state) };
}

/** Whether something was tested, and is as if it never had been. */
function resultsLost(row: MailboxRow, state: Properties): boolean {
  return state.testedFor !== undefined && !row.isTestScheduled && tested(row).some(([, status]) => status === "NotRun");
}

function approvalAsObserved(row: MailboxRow, isReset: boolean, state: Properties): Properties {
  const { approveEmail } = state;
  const isLost = state.emailApproval === "Approved" && (isReset || !knowsAddress(row, state));
  const isNew = state.approvalTriedFor !== undefined && state.approvalTriedFor !== row.emailAddress;
  const isOpen = row.emailAddress !== "" && row.approval !== "Approved" && approveEmail !== false;
  if (isOpen && (isLost || isNew || isUndone(approveEmail))) {
    delete state.approvalTriedFor;
    return { approveEmail: `${NOT_DONE}the approval of ${row.emailAddress} is ${row.approval}` };
  }
  return isUndone(approveEmail) ? { approveEmail: true } : {};
}

/** Whether a state has the address of a record, or knows none at all. */
function knowsAddress({ emailAddress }: MailboxRow, { testedFor, knownAs, ...state }: Properties): boolean {
  const known = [
    state.emailAddress,
    String(testedFor ?? "").split(" ")[0],
    ...((knownAs as string[] | undefined) ?? []),
  ];
  return known.includes(emailAddress) || known.every((one) => typeof one !== "string" || !one.includes("@"));
}

function testAsObserved(row: MailboxRow, isReset: boolean, isApprovedNext: boolean, state: Properties): Properties {
  const { testAndEnable, emailApproval } = state;
  const open = tested(row).filter(([, status]) => status === "NotRun");
  const isNewlyApproved = emailApproval !== undefined && emailApproval !== "Approved" && row.approval === "Approved";
  const isOpen = open.length > 0 && !row.isTestScheduled && isApprovedNext && testAndEnable !== false;
  if (isOpen && (isReset || isNewlyApproved || isUndone(testAndEnable))) {
    delete state.testedFor;
    return {
      testAndEnable: `${NOT_DONE}${open.map(([name]) => name).join("; ")} of ${row.emailAddress} not tested`,
    };
  }
  return isUndone(testAndEnable) ? { testAndEnable: state.testTrigger ?? true } : {};
}
