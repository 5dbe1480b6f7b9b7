/** What the three kinds of Dynamics 365 have in common, for their descriptions. */
import type { Properties } from "../../core/kind";
import { mapOf } from "../../http/json";
import type { Side } from "../../review/preview";
import { type KindReview, type MailChange, NONE, value } from "../../review/words";
import { type MailboxRow, mailboxOf } from "../../services/dataverse";
import { type Description, isDeclared, mockId } from "../description";
import type { RecordKnown, Seen } from "./properties";

/** The organisation that every mocked record is in. */
const ORGANIZATION_ID = "7e57ab1e-d000-4000-8000-000000000001";

/** What every record needs rights for. */
export function usesOfRecord({ emailAddress, approveEmail }: Properties) {
  return {
    records: true,
    recordChanges: true,
    addresses: isDeclared(emailAddress),
    approval: approveEmail !== false,
  } satisfies ReturnType<Description["uses"]>;
}

/** The outputs of a record that nobody tested yet. */
export function mockOfRecord(): Properties {
  return {
    isForwardMailbox: false,
    incomingEmailStatus: "NotRun",
    outgoingEmailStatus: "NotRun",
    appointmentsContactsTasksStatus: "NotRun",
    emailApproval: "Approved",
    serverProfileId: mockId("Microsoft Exchange Online"),
    organizationId: ORGANIZATION_ID,
  };
}

/** A record stays in Dynamics 365, or goes. */
export const happeningsOfRecord: KindReview["happenings"] = ({ kind, op, before }) => {
  const isKept = before !== undefined && (before.inputs.deletion === "retain" || before.retainOnDelete === true);
  return op !== "delete" && op !== "replace"
    ? []
    : isKept
      ? [{ code: "mailbox-unmanaged", what: ["stays in Dynamics 365, no longer managed"] }]
      : [{ code: "record-deleted", what: [op === "delete" ? `the ${kind} is deleted` : `the ${kind} is replaced`] }];
};

/** The address whose mail Dynamics 365 takes in. */
export function readByDynamics(before: Side | undefined, after: Side | undefined): MailChange {
  const address = (side: Side | undefined) =>
    typeof side?.inputs.emailAddress === "string" ? [value(side.inputs.emailAddress)] : NONE;
  return { what: "read by Dynamics 365", before: address(before), after: address(after) };
}

/** A record as it is read where a state holds some inputs. */
export function seenRecord(raw: Properties, inputs: Properties): Seen<MailboxRow> {
  return seenWith(mailboxOf({ statecode: 0, ...raw }), inputs);
}

/** A row as it is read where a state holds some inputs, with all that they name looked up. */
export function seenWith<Row extends object>(row: Row, inputs: Properties): Seen<Row> {
  const { serverProfileId } = mapOf(row);
  const known: Pick<RecordKnown, "inputs" | "memory"> = {
    inputs,
    memory: { serverProfileId } as RecordKnown["memory"],
  };
  return { row, known, owner: inputs.owner as Seen<Row>["owner"] };
}
