import { randomUUID } from "node:crypto";
import { isHeld } from "../holds";
import { tables } from "../model";
import { copyOf } from "../store";
import type { Call } from "./call";
import type { Row } from "./envelope";
import { archiveState, licenseNeeded, notSimulated, objectNotFound } from "./errors";
import { asMailbox, Directory, type MailboxRecipient } from "./identity";
import { entitlementOf } from "./licenses";
import { mailboxRow } from "./mailbox-row";

/** Enable-Mailbox with Archive or AutoExpandingArchive. A disabled archive comes back with its content. */
export function enableMailbox(call: Call): Row[] {
  const { bound, tenant } = call;
  const { directory, recipient } = target(call);
  const { mailbox } = recipient;
  if (bound.flag("AutoExpandingArchive")) {
    if (mailbox.archiveGuid === null) {
      throw archiveState(`The mailbox "${recipient.name}" doesn't have an archive.`);
    }
    mailbox.autoExpandingArchiveEnabled = true;
  } else if (bound.flag("Archive")) {
    if (mailbox.archiveGuid !== null) {
      throw archiveState(`The mailbox "${recipient.name}" already has an archive.`);
    }
    if (!entitlementOf(directory, directory.user(recipient.externalDirectoryObjectId)).archiveAndHold) {
      throw licenseNeeded("An archive", recipient.name);
    }
    mailbox.archiveGuid = mailbox.disabledArchiveGuid ?? randomUUID();
    mailbox.disabledArchiveGuid = null;
  } else {
    throw notSimulated("Enable-Mailbox without Archive");
  }
  tenant.store.put(tables.recipients, recipient.guid, recipient);
  return [mailboxRow(directory, recipient)];
}

/** Disable-Mailbox with Archive. Without it the cmdlet takes the whole mailbox away, which the tenant does not do. */
export function disableMailbox(call: Call): undefined {
  const { bound, tenant } = call;
  const { recipient } = target(call);
  const { mailbox } = recipient;
  if (bound.flag("Archive") !== true) {
    throw notSimulated("Disable-Mailbox without Archive");
  }
  if (mailbox.archiveGuid === null) {
    throw archiveState(`The mailbox "${recipient.name}" doesn't have an archive.`);
  }
  if (isHeld(tenant, mailbox)) {
    throw archiveState(`The archive of "${recipient.name}" can't be disabled because a hold applies to the mailbox.`);
  }
  mailbox.disabledArchiveGuid = mailbox.archiveGuid;
  mailbox.archiveGuid = null;
  tenant.store.put(tables.recipients, recipient.guid, recipient);
}

function target({ bound, tenant }: Call): { directory: Directory; recipient: MailboxRecipient } {
  const identity = bound.filled("Identity") ?? "";
  const { guid } = new Directory(tenant, "seen").mailbox(identity);
  const directory = new Directory(tenant, "latest");
  const recipient = directory.byGuid(guid);
  if (recipient === undefined || directory.isSoftDeleted(recipient)) {
    throw objectNotFound(identity);
  }
  return { directory, recipient: asMailbox(copyOf(recipient)) };
}
