import type { Recipient } from "../model";
import { type Call, listed } from "./call";
import { dateTime, guid, type Printing, type Row } from "./envelope";
import { invalidOperation } from "./errors";
import { Directory, isSecurityPrincipal } from "./identity";
import { noGuid } from "./mailbox-properties";
import { customAttributes, identityColumns } from "./mailbox-row";

const recipientTypes: Partial<Record<Recipient["recipientTypeDetails"], string>> = {
  UserMailbox: "UserMailbox",
  SharedMailbox: "UserMailbox",
  RoomMailbox: "UserMailbox",
  EquipmentMailbox: "UserMailbox",
  GuestMailUser: "MailUser",
  GroupMailbox: "MailUniversalDistributionGroup",
};

/** Get-Recipient: recipients of every kind. Soft-deleted ones only when asked for, with an identity or a type. */
export function getRecipient(call: Call): Printing[] {
  const { bound, tenant } = call;
  const directory = new Directory(tenant, "seen");
  const includeDeleted = bound.flag("IncludeSoftDeletedRecipients") === true;
  const details = bound.choices("RecipientTypeDetails");
  const kinds = bound.choices("RecipientType");
  if (includeDeleted && !bound.has("Identity") && details === undefined) {
    throw invalidOperation("IncludeSoftDeletedRecipients can be used only with Identity or RecipientTypeDetails.");
  }
  const isAskedFor = (recipient: Recipient): recipient is Recipient =>
    includeDeleted || !directory.isSoftDeleted(recipient);
  return listed(call, directory, {
    among: isAskedFor,
    isAsked: (each) =>
      (details === undefined || details.includes(each.recipientTypeDetails)) &&
      (kinds === undefined || kinds.includes(recipientTypeOf(each))),
    print: (each) => recipientRow(directory, each),
  });
}

function recipientTypeOf({ recipientTypeDetails }: Recipient): string {
  return recipientTypes[recipientTypeDetails] ?? recipientTypeDetails;
}

function recipientRow(directory: Directory, recipient: Recipient): Row {
  const { mailbox } = recipient;
  const user = directory.user(recipient.externalDirectoryObjectId);
  return {
    Id: recipient.name,
    Alias: recipient.alias,
    ...identityColumns(directory, recipient),
    FirstName: user?.givenName ?? "",
    LastName: user?.surname ?? "",
    ExchangeGuid: guid(mailbox?.exchangeGuid ?? noGuid),
    ExternalEmailAddress: recipient.externalEmailAddress ?? null,
    EmailAddressPolicyEnabled: mailbox?.emailAddressPolicyEnabled ?? false,
    WindowsLiveID: user?.userPrincipalName ?? "",
    RecipientType: recipientTypeOf(recipient),
    RecipientTypeDetails: recipient.recipientTypeDetails,
    IsValidSecurityPrincipal: isSecurityPrincipal(recipient),
    IsDirSynced: recipient.isDirSynced,
    HiddenFromAddressListsEnabled: recipient.hiddenFromAddressListsEnabled,
    LitigationHoldEnabled: mailbox?.litigationHoldEnabled ?? false,
    ArchiveGuid: guid(mailbox?.archiveGuid ?? noGuid),
    SKUAssigned: (user?.assignedLicenses.length ?? 0) > 0,
    ...customAttributes(recipient.customAttributes),
    WhenMailboxCreated: dateTime(mailbox?.whenMailboxCreated ?? null),
    WhenSoftDeleted: dateTime(mailbox?.whenSoftDeleted ?? null),
    WhenCreated: dateTime(recipient.whenCreated),
  };
}
