/** Users and recipients, as every service of the tenant reads and makes them. */
import { randomUUID } from "node:crypto";
import { type MailboxFields, type Organization, type Recipient, tables, type User } from "./model";
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

/** Whether a mailbox is under a hold, its own or the organisation's: deleted then, it becomes an inactive mailbox. */
export function isHeld(tenant: Tenant, mailbox: MailboxFields): boolean {
  const excluded = mailbox.inPlaceHolds.filter((hold) => hold.startsWith("-")).map((hold) => holdId(hold.slice(1)));
  return (
    mailbox.litigationHoldEnabled ||
    mailbox.complianceTagHoldApplied ||
    mailbox.delayHoldApplied ||
    mailbox.delayReleaseHoldApplied ||
    mailbox.inPlaceHolds.some((hold) => !hold.startsWith("-")) ||
    (organizationOf(tenant)?.inPlaceHolds ?? []).some((hold) => keepsContent(hold) && !excluded.includes(holdId(hold)))
  );
}

/** The id of a hold without its prefix (`mbx`, `skp`, `grp` …) and its action suffix (`:1`). */
function holdId(hold: string): string {
  return hold
    .replace(/:\d+$/, "")
    .replace(/^(?:mbx|skp|grp|UniH)/, "")
    .toLowerCase();
}

/** `:1` only deletes content; `grp` concerns Microsoft 365 groups and their sites. */
function keepsContent(hold: string): boolean {
  return !hold.endsWith(":1") && !hold.startsWith("grp");
}
