import { managed } from "../mailbox-record/rows";
import type { RecordValues } from "../mailbox-record/values";
import type { Properties } from "../reconciler";
import type { Desired, ForwardingInputs } from "./desired";

/** The record as declared. What was declared and is not any more goes back to the default; the rest stays as it is. */
export function valuesFor({ inputs, profile, owner }: Desired, previous: Properties): RecordValues {
  const whenManaged = <Value>(property: keyof ForwardingInputs, byDefault: Value) =>
    managed(property, inputs, previous, byDefault);
  return {
    name: inputs.name,
    emailAddress: inputs.emailAddress,
    owner,
    serverProfile: profile?.id,
    deleteAfterProcessing: whenManaged("deleteAfterProcessing", false),
    incomingEmail: whenManaged("incomingEmail", "ServerSideSynchronization" as const),
    outgoingEmail: whenManaged("outgoingEmail", "None" as const),
    appointmentsContactsTasks: whenManaged("appointmentsContactsTasks", "None" as const),
    // A refresh that found none used leaves null behind, and others may still be stored.
    credentials: inputs.credentials ?? ("credentials" in previous ? null : undefined),
  };
}

/** All of a new record: also what is not declared is written, because what Dynamics fills in depends on the organisation. */
export function birthValues({ inputs, owner }: Desired, serverProfile: string | undefined): RecordValues {
  return {
    name: inputs.name,
    emailAddress: inputs.emailAddress,
    owner,
    serverProfile,
    deleteAfterProcessing: inputs.deleteAfterProcessing ?? false,
    incomingEmail: inputs.incomingEmail ?? "ServerSideSynchronization",
    outgoingEmail: "None",
    appointmentsContactsTasks: "None",
    credentials: inputs.credentials,
  };
}
