import { createHash, randomUUID } from "node:crypto";
import { isHeld, newRecipient, newUser } from "../directory";
import { type MailboxFields, type Permission, type Recipient, tables } from "../model";
import { copyOf } from "../store";
import {
  aliasOf,
  freeAlias,
  mailOf,
  newUserPrincipalName,
  releases,
  requireAccepted,
  requireAlias,
  requireFreeAddresses,
  requireFreeAlias,
  requireFreeName,
  requireFreeUserPrincipalName,
} from "./addresses";
import { type Call, listed } from "./call";
import type { Printing, Row } from "./envelope";
import {
  accountOfMailboxIsGone,
  archiveState,
  inactiveCannotBePurged,
  invalidProperty,
  licenseNeeded,
  notSimulated,
  notSoftDeleted,
  objectNotFound,
  synchronizedFromOnPremises,
} from "./errors";
import { asMailbox, Directory, hasMailbox, type MailboxRecipient, only, selfSid, sidOf } from "./identity";
import { entitlementOf } from "./licenses";
import { compared, newMailboxFields } from "./mailbox-properties";
import { mailboxRow } from "./recipient";

/** Get-Mailbox. Soft-deleted and inactive mailboxes only when asked for. */
export function getMailbox(call: Call): Printing[] {
  const { bound, tenant } = call;
  const directory = new Directory(tenant, "seen");
  const isAskedFor = (recipient: Recipient): recipient is MailboxRecipient => {
    if (!hasMailbox(recipient)) {
      return false;
    }
    const { whenSoftDeleted, isInactiveMailbox } = recipient.mailbox;
    if (bound.flag("InactiveMailboxOnly")) {
      return isInactiveMailbox;
    }
    if (bound.flag("SoftDeletedMailbox")) {
      return whenSoftDeleted !== null;
    }
    return whenSoftDeleted === null || (bound.flag("IncludeInactiveMailbox") === true && isInactiveMailbox);
  };
  const types = bound.choices("RecipientTypeDetails");
  return listed(call, directory, {
    among: isAskedFor,
    isAsked: (recipient) => types === undefined || types.includes(recipient.recipientTypeDetails),
    print: (recipient) => ({ ...mailboxRow(directory, recipient), ...withDisplayNames(call, directory, recipient) }),
    compared: (recipient, property) => compared(property, recipient, directory),
  });
}

function withDisplayNames({ bound }: Call, directory: Directory, { mailbox }: MailboxRecipient): Row {
  const printed = (guids: readonly string[]) =>
    guids.flatMap((each) => {
      const recipient = directory.byGuid(each);
      return recipient === undefined
        ? []
        : [{ DisplayName: recipient.displayName, PrimarySmtpAddress: mailOf(recipient) ?? "" }];
    });
  return {
    ...(bound.flag("IncludeGrantSendOnBehalfToWithDisplayNames")
      ? { GrantSendOnBehalfToWithDisplayNames: printed(mailbox.grantSendOnBehalfTo) }
      : {}),
    ...(bound.flag("IncludeForwardingAddressWithDisplayNames")
      ? {
          ForwardingAddressWithDisplayNames: printed(
            mailbox.forwardingAddress === null ? [] : [mailbox.forwardingAddress],
          ),
        }
      : {}),
  };
}

/**
 * New-Mailbox with the Shared switch: the recipient and its Entra user in one commit. Answers the full row with the Name that
 * was asked for, also when later reads show the Entra object id in its place.
 */
export function newMailbox({ bound, tenant }: Call): Row[] {
  // @documented exchange.name-object-id: Name reads back as the Entra object id [Exchange Team Blog; setting nameBecomesObjectId]
  // @observed exchange.new-account-enabled: The account of a new shared mailbox is disabled; by the setting newSharedAccountEnabled
  // it may sign in [icewolf 2025-10-20; older pages saw it enabled]
  // @documented exchange.address-policy-off: PrimarySmtpAddress on creation turns the address policy off [reference of the cmdlet]
  // @observed exchange.initial-domain-alias: Every mailbox has alias at the initial domain; two mailboxes with one alias collide on
  // it [OfficeDocs-Support issues 22 and 100]
  if (bound.flag("Shared") !== true) {
    throw notSimulated("New-Mailbox without Shared");
  }
  const name = requiredName(bound.filled("Name") ?? "");
  if (bound.flag("Archive")) {
    throw licenseNeeded("An archive", name);
  }
  const directory = new Directory(tenant, "latest");
  const displayName = bound.filled("DisplayName") ?? name;
  requireLength("DisplayName", displayName, 256);
  const initials = requiredInitials(bound.text("Initials"));
  const own = { guid: randomUUID(), externalDirectoryObjectId: randomUUID() };
  const givenAlias = bound.filled("Alias");
  requireAlias(givenAlias ?? aliasOf(name));
  const alias = givenAlias ?? freeAlias(directory, aliasOf(name), own);
  const givenPrimary = bound.filled("PrimarySmtpAddress");
  const primary = givenPrimary ?? `${alias}@${directory.defaultDomain}`;
  requireAccepted(directory, "PrimarySmtpAddress", primary);
  const userPrincipalName = newUserPrincipalName(directory, alias);
  requireFreeName(directory, name, own.guid);
  const smtp = unique([primary, userPrincipalName, `${alias}@${directory.organization.initialDomain}`]);
  requireFreeAddresses(
    directory,
    smtp.map((address) => `SMTP:${address}`),
    own,
  );
  requireFreeAlias(directory, alias, own);
  requireFreeUserPrincipalName(directory, userPrincipalName, own.externalDirectoryObjectId);

  const now = tenant.timestamp();
  const maySignIn = tenant.settings.newSharedAccountEnabled || tenant.isContrary("exchange.new-account-enabled");
  const recipient = asMailbox(
    newRecipient({
      ...own,
      recipientTypeDetails: "SharedMailbox",
      name: tenant.settings.nameBecomesObjectId ? own.externalDirectoryObjectId : name,
      alias,
      displayName,
      ...(tenant.isContrary("exchange.initials") ? {} : initials),
      sid: sidOf(own.guid),
      emailAddresses: [
        ...smtp.map((address, index) => `${index === 0 ? "SMTP" : "smtp"}:${address}`),
        ...sharePointAddress(directory, alias),
      ],
      whenCreated: now,
      mailbox: {
        ...newMailboxFields(userPrincipalName, now),
        emailAddressPolicyEnabled: givenPrimary === undefined,
      },
    }),
  );
  const user = newUser({
    id: own.externalDirectoryObjectId,
    userPrincipalName,
    displayName,
    ...optionalNames(bound.text("FirstName"), bound.text("LastName")),
    mail: primary,
    mailNickname: alias,
    accountEnabled: maySignIn,
    createdDateTime: now,
    signInSessionsValidFromDateTime: now,
  });
  tenant.store.commit([
    [tables.recipients, recipient.guid, recipient],
    [tables.users, user.id, user],
    ...selfPermissions(recipient.guid).map((row) => [tables.permissions, row.id, row] as const),
  ]);
  // The row is made from what was written, which this service itself may show only after its lag.
  return [mailboxRow(new Directory(tenant, "latest"), { ...recipient, name })];
}

/** The address SharePoint gives some accounts: always the same ones for the same aliases, unless the setting says all or none. */
function sharePointAddress(directory: Directory, alias: string): string[] {
  // @documented exchange.spo-address: Some new shared mailboxes have an SPO address, some have none (setting newMailboxSpoAddress)
  // [Exchange Team Blog 2022-02, SharePoint Online proxy addresses and Exchange Online mailboxes]
  const { newMailboxSpoAddress: which } = directory.tenant.settings;
  const isChosen = (createHash("sha256").update(alias.toLowerCase()).digest()[0] ?? 0) % 2 === 0;
  return which === "always" || (which === "some" && isChosen)
    ? [`SPO:SPO_${randomUUID()}@SPO_${directory.organization.tenantId}`]
    : [];
}

/** What every mailbox grants itself; `ids` are those of the two rows. */
export function selfPermissions(
  mailbox: string,
  [fullAccess, sendAs]: readonly [string, string] = [`${mailbox}:self`, `${mailbox}:selfSendAs`],
): Permission[] {
  const row = { mailbox, sid: selfSid, isInherited: false, deny: false, inheritanceType: "All", autoMapping: false };
  return [
    { ...row, id: fullAccess, kind: "mailbox", accessRights: ["FullAccess", "ReadPermission"] },
    { ...row, id: sendAs, kind: "sendAs", accessRights: ["SendAs"], inheritanceType: "None" },
  ];
}

/** Remove-Mailbox: into the soft-deleted store with its user; with PermanentlyDelete, out of that store. */
export function removeMailbox({ bound, tenant }: Call): undefined {
  // @documented exchange.remove-mailbox: Remove-Mailbox soft-deletes mailbox and user for 30 days; a held mailbox becomes inactive
  // [Delete or restore user mailboxes]
  const identity = bound.filled("Identity") ?? "";
  if (bound.flag("PermanentlyDelete")) {
    purge(tenant, identity);
    return;
  }
  const latest = new Directory(tenant, "latest");
  const { guid } = new Directory(tenant, "seen").mailbox(identity);
  const recipient = latest.byGuid(guid);
  if (recipient === undefined || !hasMailbox(recipient) || latest.isSoftDeleted(recipient)) {
    throw objectNotFound(identity);
  }
  if (recipient.isDirSynced) {
    throw synchronizedFromOnPremises("Remove-Mailbox", "ExternalDirectoryObjectId", recipient.name);
  }
  const now = tenant.timestamp();
  const user = latest.user(recipient.externalDirectoryObjectId);
  const mailbox: MailboxFields = {
    ...recipient.mailbox,
    userPrincipalName: user?.userPrincipalName ?? recipient.mailbox.userPrincipalName,
    whenSoftDeleted: now,
    isInactiveMailbox: isHeld(tenant, recipient.mailbox),
  };
  tenant.store.commit([
    [tables.recipients, guid, { ...recipient, mailbox }],
    ...(user === undefined ? [] : [[tables.users, user.id, { ...user, deletedDateTime: now }] as const]),
    ...releases(latest, recipient, recipient.emailAddresses, []),
  ]);
}

function purge(tenant: Call["tenant"], identity: string): void {
  // @documented exchange.permanently-delete: PermanentlyDelete only for a soft-deleted, not inactive mailbox by ExchangeGuid or DN
  // [reference of the cmdlet]
  const directory = new Directory(tenant, "seen");
  const wanted = identity.trim().toLowerCase();
  const found = directory
    .namedBy(wanted)
    .filter(hasMailbox)
    .filter(
      (each) =>
        each.mailbox.exchangeGuid.toLowerCase() === wanted ||
        directory.distinguishedName(each).toLowerCase() === wanted,
    );
  if (found.length === 0) {
    throw directory.matches(identity, hasMailbox).length === 0 ? objectNotFound(identity) : notSoftDeleted(identity);
  }
  const recipient = only(identity, found);
  if (recipient.mailbox.whenSoftDeleted === null) {
    throw notSoftDeleted(identity);
  }
  if (recipient.mailbox.isInactiveMailbox) {
    throw inactiveCannotBePurged(identity);
  }
  const entries = new Directory(tenant, "latest").permissionsOn(recipient);
  tenant.store.commit([
    [tables.recipients, recipient.guid, null],
    ...entries.map(({ id }) => [tables.permissions, id, null] as const),
  ]);
}

/** Undo-SoftDeletedMailbox: the mailbox and, when it lies in deletedItems, its user come back. */
export function undoSoftDeletedMailbox({ bound, tenant }: Call): Row[] {
  // @documented exchange.undo-soft-deleted: Undo-SoftDeletedMailbox brings the deleted user back with the mailbox; without the user
  // it needs a password, which the tenant refuses [reference of the cmdlet, example 1]
  const identity = bound.filled("SoftDeletedObject") ?? "";
  const seen = new Directory(tenant, "seen");
  const { guid } = only(
    identity,
    seen.matches(identity, (each) => hasMailbox(each) && seen.isSoftDeleted(each)),
  );
  const latest = new Directory(tenant, "latest");
  const recipient = asMailbox(latest.byGuid(guid) ?? only(identity, []));
  const user = latest.user(recipient.externalDirectoryObjectId);
  const isRefused = tenant.isContrary("exchange.undo-soft-deleted") || recipient.mailbox.isInactiveMailbox;
  if (user === undefined || user.deletedDateTime === null || isRefused) {
    throw accountOfMailboxIsGone(identity);
  }
  const name = bound.filled("Name");
  if (name !== undefined) {
    requireFreeName(latest, requiredName(name), guid);
  }
  requireFreeAddresses(latest, recipient.emailAddresses, recipient);
  requireFreeAlias(latest, recipient.alias, recipient);
  requireFreeUserPrincipalName(latest, user.userPrincipalName, user.id);
  const displayName = bound.filled("DisplayName") ?? recipient.displayName;
  const restored: MailboxRecipient = {
    ...recipient,
    name: name ?? recipient.name,
    displayName,
    mailbox: { ...recipient.mailbox, whenSoftDeleted: null, isInactiveMailbox: false },
  };
  tenant.store.commit([
    [tables.recipients, guid, restored],
    [tables.users, user.id, { ...user, displayName, deletedDateTime: null }],
  ]);
  return [mailboxRow(new Directory(tenant, "latest"), restored)];
}

/** Refuses a Name longer than 64 characters. Its letters are free; what is made of them need not be. */
export function requiredName(name: string): string {
  requireLength("Name", name, 64);
  return name;
}

/** Refuses a value longer than the property takes. */
export function requireLength(property: string, value: string, longest: number): void {
  if (value.length > longest) {
    throw invalidProperty(
      property,
      `The length of the property is too long. The maximum length is ${longest} and the length of the value provided is ${value.length}.`,
    );
  }
}

/** Initials as a recipient keeps them; refused when longer than the six characters of the attribute. */
export function requiredInitials(initials: string | null | undefined): { initials?: string } {
  // @documented exchange.initials: New-Mailbox and Set-User take Initials of at most six characters; of all rows, only Get-User's
  // show them [reference pages of the cmdlets, metadata of the admin API, Active Directory schema (a-initials)]
  requireLength("Initials", initials ?? "", 6);
  return initials ? { initials } : {};
}

function optionalNames(givenName: string | null | undefined, surname: string | null | undefined) {
  return { ...(givenName ? { givenName } : {}), ...(surname ? { surname } : {}) };
}

function unique(addresses: readonly string[]): string[] {
  return addresses.filter(
    (each, index) => addresses.findIndex((other) => other.toLowerCase() === each.toLowerCase()) === index,
  );
}

/** Enable-Mailbox with Archive or AutoExpandingArchive. A disabled archive comes back with its content. */
export function enableMailbox(call: Call): Row[] {
  const { bound, tenant } = call;
  const { directory, recipient } = active(call);
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
  const { recipient } = active(call);
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

function active({ bound, tenant }: Call): { directory: Directory; recipient: MailboxRecipient } {
  const identity = bound.filled("Identity") ?? "";
  const { guid } = new Directory(tenant, "seen").mailbox(identity);
  const directory = new Directory(tenant, "latest");
  const recipient = directory.byGuid(guid);
  if (recipient === undefined || directory.isSoftDeleted(recipient)) {
    throw objectNotFound(identity);
  }
  return { directory, recipient: asMailbox(copyOf(recipient)) };
}
