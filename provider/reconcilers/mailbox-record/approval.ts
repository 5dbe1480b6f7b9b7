import { isServiceError } from "../../http/errors";
import type { DataverseRow, MailboxRow } from "../../services/dataverse";
import type { Operation } from "../reconciler";
import { command, lookUntil } from "./looking";

const APPROVED = 1;
/** O365RoleUnsupportedForEmailApproval: the caller may not approve. */
const MAY_NOT_APPROVE = "0x8009000b";
/** Longest wait for an approval to show, in milliseconds: it is done when the answer comes, or never. */
const APPROVAL_TIME = 3_000;

const WHO_MAY =
  "A Global or Exchange administrator, or a user with the Dataverse role Delegated Mailbox Approver, who is also System " +
  "Administrator of the environment, must approve it (Settings > Email configuration > Mailboxes > Approve Email). " +
  "After that, `pulumi up --refresh` runs the test.";

/** Gives the command where the approval is asked for: the record itself, or the user or queue behind it. */
export type Approve = (columns: DataverseRow, action: string) => Promise<unknown>;

/**
 * Approves the address of a mailbox record, once for each address, and reads back whether it took effect: without the right
 * it may be refused or end silently without effect.
 *
 * @param isWanted the declared `approveEmail`; undefined counts as true.
 */
export async function approve(
  isWanted: boolean | undefined,
  row: MailboxRow,
  operation: Operation,
  give: Approve = (columns, action) => command(row, columns, action, operation),
): Promise<MailboxRow> {
  const { state } = operation;
  const isTried = row.emailAddress === "" || state.approvalTriedFor === row.emailAddress;
  if (isWanted === false || row.approval === "Approved" || isTried) {
    return row;
  }
  state.approvalTriedFor = row.emailAddress;
  const action = `approving the address ${row.emailAddress}`;
  operation.progress(action);
  try {
    await give({ emailrouteraccessapproval: APPROVED }, action);
  } catch (error) {
    const isRefused =
      isServiceError(error) && (error.code.toLowerCase() === MAY_NOT_APPROVE || error.class === "forbidden");
    if (!isRefused) {
      delete state.approvalTriedFor;
      throw error;
    }
    operation.warn(`approveEmail: ${error.message.replace(/\.?$/, ".")} ${WHO_MAY}`);
    return row;
  }
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
export function adviceOnMove(
  { emailAddress, approveEmail }: { emailAddress?: string | undefined; approveEmail?: boolean | undefined },
  olds: { emailAddress?: string | undefined } | undefined,
): string[] {
  // A refresh that found the record gone has null.
  const isMoved =
    (olds?.emailAddress ?? undefined) !== undefined &&
    emailAddress !== undefined &&
    olds?.emailAddress !== emailAddress;
  return isMoved && approveEmail !== false
    ? ["emailAddress is new, which drops the approval and needs a new test."]
    : [];
}
