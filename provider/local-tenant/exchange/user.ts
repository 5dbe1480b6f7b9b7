import { type Recipient, tables } from "../model";
import type { Call } from "./call";
import { objectNotFound, synchronizedFromOnPremises } from "./errors";
import { Directory, isGroup, only } from "./identity";
import { requiredInitials } from "./mailbox";

/** Set-User: the initials, the one thing of a person that no other cmdlet here writes. */
export function setUser({ bound, tenant, warnings }: Call): undefined {
  const identity = bound.filled("Identity") ?? "";
  const seen = new Directory(tenant, "seen");
  const { guid: key } = only(identity, seen.matches(identity, isUser(seen)));
  const latest = new Directory(tenant, "latest");
  const recipient = latest.byGuid(key);
  if (recipient === undefined || latest.isSoftDeleted(recipient)) {
    throw objectNotFound(identity);
  }
  if (recipient.isDirSynced) {
    throw synchronizedFromOnPremises("Set-User", "Initials", recipient.name);
  }
  const { initials: before, ...rest } = recipient;
  const after = {
    ...rest,
    ...(bound.has("Initials") ? requiredInitials(bound.text("Initials")) : { initials: before }),
  };
  if (after.initials === before) {
    warnings.push(`The command completed successfully but no settings of '${recipient.name}' have been modified.`);
    return;
  }
  tenant.store.commit([[tables.recipients, key, after]]);
}

function isUser(directory: Directory) {
  return (recipient: Recipient): recipient is Recipient =>
    !isGroup(recipient) && recipient.recipientTypeDetails !== "MailContact" && !directory.isSoftDeleted(recipient);
}
