import type { Recipient } from "../model";
import { type Call, limited, named } from "./call";
import type { Row } from "./envelope";
import { parseFilter } from "./filter";
import { Directory, hasMailbox, type MailboxRecipient } from "./identity";
import { clientAccessProperties, printed, write } from "./mailbox-properties";
import { identityColumns, valueIn } from "./mailbox-row";
import { changeMailbox } from "./set-mailbox";

/** Get-CASMailbox: by what clients each mailbox may be opened. */
export function getClientAccess(call: Call): Row[] {
  const { bound, tenant } = call;
  const directory = Directory.of(tenant, "seen");
  const isActive = (recipient: Recipient): recipient is MailboxRecipient =>
    hasMailbox(recipient) && !directory.isSoftDeleted(recipient);
  const types = bound.choices("RecipientTypeDetails");
  const filter = bound.filled("Filter");
  const rows = named(call, directory, isActive)
    .filter(({ recipientTypeDetails }) => types === undefined || types.includes(recipientTypeDetails))
    .map((recipient) => ({
      ...identityColumns(directory, recipient),
      ...printed(clientAccessProperties, recipient, directory),
    }));
  return limited(call, filter === undefined ? rows : rows.filter(parseFilter(filter, valueIn)));
}

/** Set-CASMailbox: opens a mailbox to clients, or closes it. Any mailbox takes it, directory-synced ones too. */
export function setClientAccess(call: Call): undefined {
  changeMailbox(call, (change) => write(clientAccessProperties, change));
}
