import { written } from "../../core/converge";
import type { Change } from "../../core/kind";
import type { MailboxRow } from "../../services/dataverse";
import { retryWhile } from "../../services/waiting";
import { requireSameOrganization } from "../mailbox-record/address";
import { decidedElsewhere } from "../mailbox-record/conflicts";
import { serverProfileOf } from "../mailbox-record/server-profile";
import { addressColumn, type UserOrQueue, writeTo } from "../mailbox-record/user-or-queue";
import { forgetting, type RecordValues, recordDifference, valuesOf, writeRecord } from "../mailbox-record/values";
import { isChangedMeanwhile } from "../mailbox-record/writing";
import { type IndividualOperation, observeAround, whoIs } from "./desired";
import { givenWith, PROPERTIES, valuesToPutBack } from "./former-values";

/** Puts back what the record was before, as far as it still is what this resource made of it. */
export async function remove(id: string, operation: IndividualOperation): Promise<void> {
  const { known, services } = operation;
  await requireSameOrganization(`putting back the mailbox record of ${whoIs(known)}`, operation);
  await retryWhile(isChangedMeanwhile, async () => {
    const row = await services.dataverse.mailbox(id, operation);
    if (row !== undefined) {
      await putBack(row, operation);
    }
  });
}

async function putBack(row: MailboxRow, operation: IndividualOperation): Promise<void> {
  const { known, registry } = operation;
  const who = `the mailbox record of ${whoIs(known)}`;
  const all = valuesToPutBack(row, known);
  const elsewhere = decidedElsewhere(row.id, PROPERTIES, operation);
  if (all.incomingEmail !== undefined && elsewhere.includes("incomingEmail")) {
    // A forward mailbox that this record still feeds puts it back when it lets go.
    registry.formerMethods.set(row.id, all.incomingEmail);
  }
  tellForgotten(
    recordDifference(
      Object.fromEntries(Object.entries(all).filter(([property]) => elsewhere.includes(property))),
      row,
      null,
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
  const changes = recordDifference(values, row, null);
  await writeRecord(changes, values, {}, row, who, operation);
  if (emailAddress !== undefined && emailAddress !== valuesOf(row).emailAddress) {
    const { owner } = await observeAround(row, known.inputs, operation);
    await setAddress(owner, emailAddress, operation);
  }
}

/**
 * Says what a record was before whose properties another resource of this deployment declares now, such as this one under its new
 * name: it was created first, and takes what it found for the former values.
 */
function tellForgotten(changes: readonly Change[], row: MailboxRow, who: string, { warn }: IndividualOperation): void {
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
  operation: IndividualOperation,
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
export async function setAddress(
  owner: UserOrQueue,
  address: string | null,
  operation: IndividualOperation,
): Promise<void> {
  const action = `changing the address of the ${owner.kind} ${owner.name}`;
  await written(
    () => writeTo(owner, addressColumn(owner, address), action, operation),
    () =>
      operation.record({
        inputs: address === null ? {} : { emailAddress: address },
        memory: {
          ...forgetting(["emailAddress"]),
          ...(address === null ? {} : givenWith({ emailAddress: address }, ["emailAddress"], operation.known)),
        },
      }),
  );
}
