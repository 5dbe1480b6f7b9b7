import type { Recipient } from "../model";
import { type Call, limited, named } from "./call";
import { guid, type Row } from "./envelope";
import { parseFilter } from "./filter";
import {
  Directory,
  hasMailbox,
  legacyExchangeDN,
  type MailboxRecipient,
  primaryAddress,
  samAccountName,
} from "./identity";
import { clientAccessProperties, printed, write } from "./mailbox-properties";
import { valueIn } from "./mailbox-row";
import { changeMailbox } from "./set-mailbox";

/** Get-CASMailbox: by what clients each mailbox may be opened. */
export function getClientAccess(call: Call): Row[] {
  const { bound, tenant } = call;
  const directory = new Directory(tenant, "seen");
  const isActive = (recipient: Recipient): recipient is MailboxRecipient =>
    hasMailbox(recipient) && !directory.isSoftDeleted(recipient);
  const types = bound.choices("RecipientTypeDetails");
  const filter = bound.filled("Filter");
  const rows = named(call, directory, isActive)
    .filter(({ recipientTypeDetails }) => types === undefined || types.includes(recipientTypeDetails))
    .map((recipient) => clientAccessRow(directory, recipient));
  return limited(call, filter === undefined ? rows : rows.filter(parseFilter(filter, valueIn)));
}

function clientAccessRow(directory: Directory, recipient: MailboxRecipient): Row {
  return {
    Identity: recipient.name,
    Name: recipient.name,
    DisplayName: recipient.displayName,
    Guid: guid(recipient.guid),
    ExchangeObjectId: guid(recipient.guid),
    ExternalDirectoryObjectId: recipient.externalDirectoryObjectId,
    DistinguishedName: directory.distinguishedName(recipient),
    LegacyExchangeDN: legacyExchangeDN(recipient),
    SamAccountName: samAccountName(recipient),
    PrimarySmtpAddress: primaryAddress(recipient) ?? "",
    EmailAddresses: recipient.emailAddresses,
    ...printed(clientAccessProperties, recipient, directory),
  };
}

/** Set-CASMailbox: opens a mailbox to clients, or closes it. Any mailbox takes it, directory-synced ones too. */
export function setClientAccess(call: Call): undefined {
  changeMailbox(call, (change) => write(clientAccessProperties, change));
}
