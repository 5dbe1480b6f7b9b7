import type { Recipient } from "../model";
import { type Call, listed } from "./call";
import type { Printing } from "./envelope";
import { Directory, hasMailbox, type MailboxRecipient } from "./identity";
import { clientAccessProperties, printed, write } from "./mailbox-properties";
import { identityColumns } from "./mailbox-row";
import { changeMailbox } from "./set-mailbox";

/** Get-CASMailbox: by what clients each mailbox may be opened. */
export function getClientAccess(call: Call): Printing[] {
  const { bound, tenant } = call;
  const directory = Directory.of(tenant, "seen");
  const isActive = (recipient: Recipient): recipient is MailboxRecipient =>
    hasMailbox(recipient) && !directory.isSoftDeleted(recipient);
  const types = bound.choices("RecipientTypeDetails");
  return listed(call, directory, {
    among: isActive,
    isAsked: ({ recipientTypeDetails }) => types === undefined || types.includes(recipientTypeDetails),
    print: (recipient) => ({
      ...identityColumns(directory, recipient),
      ...printed(clientAccessProperties, recipient, directory),
    }),
  });
}

/** Set-CASMailbox: opens a mailbox to clients, or closes it. Any mailbox takes it, directory-synced ones too. */
export function setClientAccess(call: Call): undefined {
  changeMailbox(call, (change) => write(clientAccessProperties, change));
}
