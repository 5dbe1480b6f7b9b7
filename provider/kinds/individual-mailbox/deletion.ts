import { written } from "../../core/converge";
import type { Change, Operation } from "../../core/kind";
import type { MailboxRow } from "../../services/dataverse";
import { requireSameOrganization } from "../mailbox-record/address";
import { decidedElsewhere } from "../mailbox-record/conflicts";
import { addressColumn, type Behind, writeBehind } from "../mailbox-record/record-owner";
import { serverProfileOf } from "../mailbox-record/server-profile";
import { forgetCommands, type RecordValues, recordDifference, valuesOf, writeRecord } from "../mailbox-record/values";
import { lookingAgain } from "../mailbox-record/writing";
import { around, whoIs } from "./desired";
import { noteGiven, PROPERTIES, valuesToPutBack } from "./former-values";

/** Puts back what the record was before, as far as it still is what this resource made of it. */
export async function remove(id: string, operation: Operation): Promise<void> {
  const { state, services } = operation;
  await requireSameOrganization(`putting back the mailbox record of ${whoIs(state)}`, operation);
  await lookingAgain(async () => {
    const row = await services.dataverse.mailbox(id, operation);
    if (row !== undefined) {
      await putBack(row, operation);
    }
  });
}

async function putBack(row: MailboxRow, operation: Operation): Promise<void> {
  const { state, registry } = operation;
  const who = `the mailbox record of ${whoIs(state)}`;
  const all = valuesToPutBack(row, state);
  const elsewhere = decidedElsewhere(row.id, PROPERTIES, operation);
  if (all.incomingEmail !== undefined && elsewhere.includes("incomingEmail")) {
    // A forward mailbox that this record still feeds puts it back when it lets go.
    registry.formerMethods.set(row.id, all.incomingEmail);
  }
  tellForgotten(
    recordDifference(
      Object.fromEntries(Object.entries(all).filter(([property]) => elsewhere.includes(property))),
      row,
      { credentials: null },
    ),
    row,
    who,
    operation,
  );
  const { emailAddress, ...values }: RecordValues = Object.fromEntries(
    Object.entries(all).filter(([property]) => !elsewhere.includes(property)),
  );
  const why = await whyProfileStays(values, row, operation);
  if (why !== undefined) {
    operation.warn(`The server profile that ${who} had before ${why}; it keeps the one it has.`);
    delete values.serverProfile;
  }
  const changes = recordDifference(values, row, { credentials: null });
  await writeRecord(changes, values, {}, row, who, operation);
  if (emailAddress !== undefined && emailAddress !== valuesOf(row).emailAddress) {
    const { behind } = await around(row, state, operation);
    await setAddress(behind, emailAddress, operation);
  }
}

/**
 * Says what a record was before whose properties another resource of this deployment declares now, such as this one under its new
 * name: it was created first, and takes what it found for the former values.
 */
function tellForgotten(changes: readonly Change[], row: MailboxRow, who: string, { warn }: Operation): void {
  const values = changes
    // A forward mailbox that needs it may know what it was.
    .filter(({ path: [property] }) => property !== "incomingEmail" || row.incoming !== "ForwardMailbox")
    .map(({ path, to }) => `${path.join(".")} ${JSON.stringify(to)}`);
  if (values.length > 0) {
    warn(
      `Before this resource, ${who} had ${values.join(", ")}. Another resource declares that now, does not know it, and will not ` +
        "put it back; a resource renamed with aliases remembers.",
    );
  }
}

/** Why the former server profile cannot go back to a record that somebody else changed meanwhile, in words that follow it. */
async function whyProfileStays(
  { serverProfile, credentials, appointmentsContactsTasks }: RecordValues,
  row: MailboxRow,
  operation: Operation,
): Promise<string | undefined> {
  if (typeof serverProfile !== "string") {
    return undefined;
  }
  const profile = await serverProfileOf({ serverProfileId: serverProfile }, operation);
  if (profile === undefined) {
    return "is gone";
  }
  if (row.usesCredentials && credentials === undefined && !profile.takesMailboxCredentials) {
    return "does not take the credentials that somebody gave it since";
  }
  const method = appointmentsContactsTasks ?? row.appointmentsContactsTasks;
  return method === "ServerSideSynchronization" && !profile.isExchange
    ? "is for POP3 or IMAP, and somebody set appointments, contacts and tasks to be synchronised since"
    : undefined;
}

/** Writes an address to the user or queue; the record follows. */
export async function setAddress(behind: Behind, address: string | null, operation: Operation): Promise<void> {
  await written(
    () =>
      writeBehind(
        behind,
        addressColumn(behind, address),
        `changing the address of the ${behind.kind} ${behind.name}`,
        operation,
      ),
    () => {
      forgetCommands(["emailAddress"], operation.state);
      if (address !== null) {
        operation.state.emailAddress = address;
        noteGiven({ emailAddress: address }, ["emailAddress"], operation);
      }
    },
  );
}
