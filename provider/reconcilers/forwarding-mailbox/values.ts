import type { ServerProfile } from "../../services/dataverse";
import { managed } from "../mailbox-record/rows";
import { orNull, type RecordValues } from "../mailbox-record/values";
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
    serverProfile: inputs.serverProfile === false ? null : profile?.id,
    deleteAfterProcessing: whenManaged("deleteAfterProcessing", false),
    incomingEmail: whenManaged("incomingEmail", "ServerSideSynchronization" as const),
    outgoingEmail: whenManaged("outgoingEmail", "None" as const),
    appointmentsContactsTasks: whenManaged("appointmentsContactsTasks", "None" as const),
    // A refresh that found none used leaves null behind, and others may still be stored.
    credentials:
      orNull(inputs.credentials) ?? ("credentials" in previous || inputs.credentials === false ? null : undefined),
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
    credentials: inputs.credentials || undefined,
  };
}

/** The server profile that the record will have: the declared one, none where that is declared, else the one it has. */
export function profileWanted(
  { inputs, profile }: Desired,
  observed: { profile: ServerProfile | undefined },
): ServerProfile | undefined {
  return inputs.serverProfile === false ? undefined : (profile ?? observed.profile);
}
