import { primaryAddress } from "../directory";
import type { Recipient } from "../model";
import { dateTime, guid, type Row } from "./envelope";
import { formatDays } from "./format";
import { type Directory, legacyExchangeDN, type MailboxRecipient, samAccountName } from "./identity";
import { entitlementOf } from "./licenses";
import { mailboxProperties, printed, printedSenders } from "./mailbox-properties";

/** Names of the mailbox plans rows and `Get-MailboxPlan` print; the part after the dash is a tenant's own. */
export const mailboxPlans = {
  none: "ExchangeOnline-6f1c2d3e-0b5a-4c7d-8e9f-0a1b2c3d4e5f",
  standard: "ExchangeOnline-6f1c2d3e-0b5a-4c7d-8e9f-0a1b2c3d4e5f",
  enterprise: "ExchangeOnlineEnterprise-2f4e6d8c-1a3b-4c5d-9e7f-8a6b4c2d0e1f",
} as const;

/** A mailbox as Get-Mailbox prints it. */
export function mailboxRow(directory: Directory, recipient: MailboxRecipient): Row {
  const { mailbox } = recipient;
  const user = directory.user(recipient.externalDirectoryObjectId);
  return {
    Id: recipient.name,
    Alias: recipient.alias,
    ...identityColumns(directory, recipient),
    ExchangeGuid: guid(mailbox.exchangeGuid),
    OrganizationId: `${directory.organization.initialDomain} - ${directory.organization.initialDomain}`,
    UserPrincipalName:
      mailbox.whenSoftDeleted === null ? directory.userPrincipalName(recipient) : mailbox.userPrincipalName,
    MicrosoftOnlineServicesID: directory.userPrincipalName(recipient),
    WindowsLiveID: directory.userPrincipalName(recipient),
    WindowsEmailAddress: primaryAddress(recipient) ?? "",
    RecipientType: "UserMailbox",
    RecipientTypeDetails: recipient.recipientTypeDetails,
    IsShared: recipient.recipientTypeDetails === "SharedMailbox",
    IsResource: ["RoomMailbox", "EquipmentMailbox"].includes(recipient.recipientTypeDetails),
    IsDirSynced: recipient.isDirSynced,
    IsMailboxEnabled: mailbox.whenSoftDeleted === null,
    IsSoftDeletedByRemove: mailbox.whenSoftDeleted !== null,
    WhenSoftDeleted: dateTime(mailbox.whenSoftDeleted),
    AccountDisabled: user?.accountEnabled !== true,
    HiddenFromAddressListsEnabled: recipient.hiddenFromAddressListsEnabled,
    ...printed(mailboxProperties, recipient, directory),
    ...printedSenders(recipient, directory),
    UseDatabaseQuotaDefaults: false,
    MailTipTranslations: mailbox.mailTip === null ? [] : [`default:${mailbox.mailTip}`],
    LitigationHoldOwner: "",
    ArchiveStatus: mailbox.archiveGuid === null ? "None" : "Active",
    ArchiveState: mailbox.archiveGuid === null ? "None" : "Local",
    MailboxPlan: mailboxPlans[entitlementOf(directory, user).plan],
    PersistedCapabilities: [],
    SKUAssigned: (user?.assignedLicenses.length ?? 0) > 0,
    UsageLocation: user?.usageLocation ?? null,
    AuditEnabled: true,
    AuditLogAgeLimit: formatDays(90),
    ...customAttributes(recipient.customAttributes),
    WhenMailboxCreated: dateTime(mailbox.whenMailboxCreated),
    WhenCreated: dateTime(recipient.whenCreated),
    WhenCreatedUTC: dateTime(recipient.whenCreated),
  };
}

/** By what a recipient is known: the columns that every kind of row begins with. */
export function identityColumns(directory: Directory, recipient: Recipient): Row {
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
  };
}

const customNumbers = Array.from({ length: 15 }, (_, index) => String(index + 1));

/** `CustomAttribute1` to `15`; an unset one is printed as an empty text. */
export function customAttributes(values: Readonly<Record<string, string>>): Row {
  return Object.fromEntries(customNumbers.map((number) => [`CustomAttribute${number}`, values[number] ?? ""]));
}

/** A property of a row, its name compared without case. */
export function valueIn(row: Row, property: string): unknown {
  const name = Object.keys(row).find((each) => each.toLowerCase() === property.toLowerCase());
  return name === undefined ? null : row[name];
}
