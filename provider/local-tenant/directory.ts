/** Users and recipients, as every service of the tenant reads and makes them. */
import { randomUUID } from "node:crypto";
import { type MailboxSettings, type Organization, type Recipient, tables, type User } from "./model";
import type { Index, Reader } from "./store";
import type { Tenant } from "./tenant";

/** Users by user principal name, in lower case. */
export const usersByName: Index<User> = {
  table: tables.users,
  textsOf: ({ userPrincipalName }) => [userPrincipalName.toLowerCase()],
};

/** Recipients by the Entra object id of their account or group. */
export const recipientsByObject: Index<Recipient> = {
  table: tables.recipients,
  textsOf: ({ externalDirectoryObjectId: id }) => (id === "" ? [] : [id]),
};

/** Recipients by their proxy addresses without prefix, in lower case. */
export const recipientsByAddress: Index<Recipient> = {
  table: tables.recipients,
  textsOf: ({ emailAddresses }) => emailAddresses.map((each) => each.toLowerCase().replace(/^[a-z0-9]+:/, "")),
};

/** The recipient in use that has an SMTP address, as `reader` sees it. */
export function addressed(tenant: Tenant, address: string, reader?: Reader): Recipient | undefined {
  const wanted = address.toLowerCase();
  return tenant.store
    .find([[recipientsByAddress, wanted]], reader)
    .find((recipient) => isLive(recipient) && smtpAddresses(recipient).includes(wanted));
}

/** The tenant's own row; undefined when it was never seeded. */
export function organizationOf(tenant: Tenant): Organization | undefined {
  return tenant.store.get<Organization>(tables.organization, "organization");
}

/** A user with nothing but what it must have, unless more is given. */
export function newUser(
  given: Pick<User, "userPrincipalName" | "displayName" | "mailNickname" | "accountEnabled" | "createdDateTime"> &
    Partial<User>,
): User {
  return {
    id: randomUUID(),
    mail: null,
    userType: "Member",
    usageLocation: null,
    assignedLicenses: [],
    onPremisesSyncEnabled: null,
    deletedDateTime: null,
    directoryRoles: [],
    signInSessionsValidFromDateTime: null,
    ...given,
  };
}

/** A recipient made in the cloud and shown in address lists, unless it is given otherwise. */
export function newRecipient(
  given: Omit<Recipient, "hiddenFromAddressListsEnabled" | "customAttributes" | "isDirSynced"> & Partial<Recipient>,
): Recipient {
  return { hiddenFromAddressListsEnabled: false, customAttributes: {}, isDirSynced: false, ...given };
}

/** False for the recipient of a soft-deleted mailbox. */
export function isLive(recipient: Recipient): boolean {
  return recipient.mailbox === undefined || recipient.mailbox.whenSoftDeleted === null;
}

/** The address behind the one `SMTP:` entry, or undefined for an object that has none. */
export function primaryAddress(recipient: Recipient): string | undefined {
  return recipient.emailAddresses.find((each) => each.startsWith("SMTP:"))?.slice("SMTP:".length);
}

/** SMTP addresses of a recipient without prefix, lower case. */
export function smtpAddresses(recipient: Recipient): string[] {
  return recipient.emailAddresses
    .filter((each) => /^smtp:/i.test(each))
    .map((each) => each.slice("smtp:".length).toLowerCase());
}

/** The settings of a mailbox nobody has set anything on. */
export function untouchedSettings(mailbox: string, now: number): MailboxSettings {
  const hour = 60 * 60 * 1000;
  const start = Math.floor(now / hour) * hour;
  const at = (time: number) => ({ dateTime: new Date(time).toISOString().replace("Z", "0000"), timeZone: "UTC" });
  return {
    mailbox,
    automaticReplies: {
      status: "disabled",
      externalAudience: "all",
      internalReplyMessage: "",
      externalReplyMessage: "",
      scheduledStartDateTime: at(start),
      scheduledEndDateTime: at(start + 24 * hour),
    },
    language: null,
    timeZone: null,
    dateFormat: null,
    timeFormat: null,
    delegateMeetingMessageDeliveryOptions: "sendToDelegateOnly",
  };
}
