import { primaryAddress } from "../directory";
import type { Recipient } from "../model";
import { type Call, listed } from "./call";
import { dateTime, guid, type Printing, type Row } from "./envelope";
import { invalidOperation } from "./errors";
import { formatDays } from "./format";
import { Directory, isSecurityPrincipal, legacyExchangeDN, type MailboxRecipient, samAccountName } from "./identity";
import { entitlementOf, mailboxPlans } from "./licenses";
import { mailboxProperties, noGuid, printed, printedSenders } from "./mailbox-properties";

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
