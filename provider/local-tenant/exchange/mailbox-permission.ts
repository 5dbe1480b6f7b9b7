import { randomUUID } from "node:crypto";
import { type Permission, tables } from "../model";
import { type Call, limited, named } from "./call";
import type { Row } from "./envelope";
import {
  autoMappingWithoutFullAccess,
  emptyParameter,
  missingParameter,
  objectNotFound,
  tooManyPermissions,
} from "./errors";
import {
  asMailbox,
  Directory,
  forest,
  hasMailbox,
  type MailboxRecipient,
  only,
  selfSid,
  type Trustee,
} from "./identity";
import { selfPermissions } from "./mailbox";

/** Most explicit entries one mailbox may have; a group counts as one. */
const mostEntries = 500;

/** The order in which the service prints joined rights. */
const order = ["FullAccess", "ExternalAccount", "DeleteItem", "ReadPermission", "ChangePermission", "ChangeOwner"];

/** Entries every mailbox inherits from the organisation; printed, never stored. */
const inherited = [
  { user: `${forest}\\Organization Management`, rid: 2101, deny: true, accessRights: ["FullAccess"] },
  { user: `${forest}\\Domain Admins`, rid: 512, deny: true, accessRights: ["FullAccess"] },
  { user: `${forest}\\Exchange Servers`, rid: 2104, deny: false, accessRights: ["FullAccess"] },
] as const;

/** Get-MailboxPermission. Deleted trustees are hidden unless one of the two Include switches asks for them. */
export function getMailboxPermission(call: Call): Row[] {
  // @observed exchange.permission-without-identity: Get-MailboxPermission without Identity answers 400 Invalid Operation
  // [graph2otel wire captures]
  // @documented exchange.deleted-trustees: Deleted trustees are listed by Get-MailboxPermission only with its Include switches
  // [reference of the cmdlet]
  const { bound, tenant } = call;
  const directory = new Directory(tenant, "seen");
  const wantsDeleted = bound.flag("SoftDeletedMailbox") === true;
  const mailboxes = named(
    call,
    directory,
    (recipient): recipient is MailboxRecipient =>
      hasMailbox(recipient) && directory.isSoftDeleted(recipient) === wantsDeleted,
  );
  const user = bound.text("User");
  const sid = user === undefined || user === null ? undefined : directory.trustee(user).sid;
  const rows = mailboxes.flatMap((mailbox) => {
    const own = directory.permissionsOn(mailbox, "mailbox");
    const self = own.some((row) => row.sid === selfSid)
      ? []
      : selfPermissions(mailbox.guid).filter((row) => row.kind === "mailbox");
    const explicit = [...self, ...own]
      .filter((row) => isShown(call, directory, row.sid))
      .filter((row) => sid === undefined || row.sid === sid)
      .map((row) => permissionRow(mailbox, row, directory.printedTrustee(row.sid)));
    return sid === undefined ? [...explicit, ...inherited.map((entry) => inheritedRow(mailbox, entry))] : explicit;
  });
  return limited(call, rows);
}

function isShown({ bound }: Call, directory: Directory, sid: string): boolean {
  switch (directory.standing(sid)) {
    case "active":
      return true;
    case "softDeleted":
      return bound.flag("IncludeSoftDeletedUserPermissions") === true;
    default:
      return bound.flag("IncludeUnresolvedPermissions") === true;
  }
}

function permissionRow(mailbox: MailboxRecipient, row: Permission, user: string): Row {
  // @observed exchange.permission-rows: Rights of one trustee are joined by commas in one row [graph2otel, DSC]
  // @observed exchange.trustee-printed: User is the UPN of a user, deleted or not, the name of a group, the SID of a purged
  // trustee; PrimarySmtpAddress is empty [graph2otel; the SID from connectors; that a row does not tell a deleted user:
  // it-bibouroku.hateblo.jp]
  // @documented exchange.automapping-hidden: AutoMapping is stored and never shown [reference of the cmdlet]
  return {
    Identity: mailbox.name,
    User: user,
    UserSid: row.sid,
    AccessRights: [row.accessRights.join(", ")],
    IsInherited: row.isInherited,
    Deny: row.deny,
    InheritanceType: row.inheritanceType,
    PrimarySmtpAddress: "",
    IsValid: true,
  };
}

function inheritedRow(mailbox: MailboxRecipient, entry: (typeof inherited)[number]): Row {
  // @documented exchange.inherited-rows: Inherited rows of role groups (Organization Management denied) on every mailbox [default
  // entries; which groups a cloud mailbox shows is inferred]
  return {
    Identity: mailbox.name,
    User: entry.user,
    UserSid: `S-1-5-21-1126881123-2104178812-1003219501-${entry.rid}`,
    AccessRights: [entry.accessRights.join(", ")],
    IsInherited: true,
    Deny: entry.deny,
    InheritanceType: "All",
    PrimarySmtpAddress: "",
    IsValid: true,
  };
}

/**
 * Add-MailboxPermission: the entry's row. A right that is there already is a warning beside the row; whether the mailbox is
 * mapped is decided anew each time.
 */
export function addMailboxPermission(call: Call): Row[] {
  // @observed exchange.permission-regrant: Full Access that is there already: its row and a warning, and automapping is decided
  // anew; Send As: a warning and no row [Exchange 15.00.1497, decompiled; public scripts for Send As]
  // @observed exchange.permission-limit: At most 500 permission entries, those of deleted trustees included [thextrabit.com,
  // exo-max-acl-limit: refused at about 300 that are shown]
  // @observed exchange.permission-limit-text: The 501st entry is a System.InvalidOperationException that names the mailbox by GUID
  // [thextrabit.com, exo-max-acl-limit]
  const { bound, tenant, warnings } = call;
  const { mailbox, trustee, directory, key, rights } = addressed(call, false);
  const hasFullAccess = rights.includes("FullAccess");
  if (bound.flag("AutoMapping") === true && !hasFullAccess) {
    throw autoMappingWithoutFullAccess();
  }
  const own = explicitEntries(directory, mailbox);
  const entry = own.find(key);
  if (entry !== undefined && rights.every((right) => entry.accessRights.includes(right))) {
    warnings.push(
      `The appropriate access control entry is already present on the object "${directory.distinguishedName(mailbox)}" for account "${trustee.printedAs}".`,
    );
  }
  if (entry === undefined && own.filter((row) => row.sid !== selfSid).length >= mostEntries) {
    throw tooManyPermissions(mailbox.mailbox.exchangeGuid);
  }
  const row: Permission = {
    ...(entry ?? {
      id: randomUUID(),
      kind: "mailbox",
      mailbox: mailbox.guid,
      sid: trustee.sid,
      isInherited: false,
      deny: bound.flag("Deny") === true,
      inheritanceType: bound.text("InheritanceType") ?? "All",
    }),
    accessRights: order.filter((right) => rights.includes(right) || entry?.accessRights.includes(right) === true),
    autoMapping: hasFullAccess ? isMapped(call, directory, trustee.sid) : (entry?.autoMapping ?? false),
  };
  tenant.store.put(tables.permissions, row.id, row);
  return [permissionRow(mailbox, row, trustee.printedAs)];
}

/** Mailboxes Outlook opens for one person before the service warns. */
const manyMapped = 16;

/** Whether Outlook is to open the mailbox by itself: unless the caller says no, and only for people with a mailbox. */
function isMapped({ bound, tenant, warnings }: Call, directory: Directory, sid: string): boolean {
  // @observed exchange.automapping-people: Only user mailboxes are mapped; AutoMapping true without Full Access is an
  // InvalidOperationException; from 16 mapped mailboxes on a warning [office-docs-powershell #7945 for the error; Exchange
  // 15.00.1497, decompiled for the rest, the warning's words are the tenant's]
  const recipient = directory.bySid(sid);
  const isWanted = bound.flag("AutoMapping") ?? true;
  if (!isWanted || recipient?.recipientTypeDetails !== "UserMailbox") {
    return false;
  }
  const mapped = tenant.store
    .all<Permission>(tables.permissions)
    .filter((row) => row.sid === sid && row.kind === "mailbox" && row.autoMapping);
  if (mapped.length >= manyMapped) {
    warnings.push(
      `The user "${recipient.displayName}" already has ${mapped.length} mailboxes mapped automatically. More of them may slow Outlook down.`,
    );
  }
  return true;
}

/** Remove-MailboxPermission, also with ClearAutoMapping or ResetDefault for a whole mailbox. A missing entry is a warning. */
export function removeMailboxPermission({ bound, tenant, warnings }: Call): undefined {
  // @observed exchange.permission-revoke-absent: Revoking what is not there: success and a warning [CIPP; the reference calls it an
  // error]
  if (bound.flag("ClearAutoMapping") || bound.flag("ResetDefault")) {
    clear({ bound, tenant, warnings });
    return;
  }
  for (const name of ["User", "AccessRights"]) {
    if (!bound.has(name)) {
      throw missingParameter(name);
    }
  }
  const { mailbox, trustee, directory, key, rights } = addressed(
    { bound, tenant, warnings },
    bound.flag("SoftDeletedMailbox") === true,
  );
  const entry = explicitEntries(directory, mailbox).find(key);
  const present = rights.filter((right) => entry?.accessRights.includes(right) === true);
  if (entry === undefined || present.length === 0) {
    warnings.push(
      `Can't remove the access control entry on the object "${directory.distinguishedName(mailbox)}" for account "${trustee.printedAs}" because the ACE doesn't exist on the object.`,
    );
    return;
  }
  const accessRights = entry.accessRights.filter((right) => !present.includes(right));
  tenant.store.put(tables.permissions, entry.id, accessRights.length === 0 ? null : { ...entry, accessRights });
}

function clear({ bound, tenant }: Call): void {
  const identity = bound.filled("Identity") ?? "";
  const mailbox = new Directory(tenant, "seen").mailbox(identity);
  const entries = explicitEntries(new Directory(tenant, "latest"), mailbox).filter((row) => row.sid !== selfSid);
  tenant.store.commit(
    entries.map(
      (row) =>
        [
          tables.permissions,
          row.id,
          bound.flag("ResetDefault") === true ? null : { ...row, autoMapping: false },
        ] as const,
    ),
  );
}

/** The authoritative explicit entries of a mailbox. */
function explicitEntries(directory: Directory, mailbox: MailboxRecipient): Permission[] {
  return directory.permissionsOn(mailbox, "mailbox").filter((row) => !row.isInherited);
}

interface Addressed {
  mailbox: MailboxRecipient;
  trustee: Trustee;
  /** Authoritative view. */
  directory: Directory;
  /** Recognises the entry the call is about: same trustee, same kind. Its inheritance does not tell entries apart. */
  key: (row: Permission) => boolean;
  rights: string[];
}

function addressed({ bound, tenant }: Call, isDeleted: boolean): Addressed {
  const identity = bound.filled("Identity") ?? "";
  const seen = new Directory(tenant, "seen");
  const shown = isDeleted
    ? only(
        identity,
        seen.matches(identity, (each) => hasMailbox(each) && seen.isSoftDeleted(each)),
      )
    : seen.mailbox(identity);
  const trustee = seen.trustee(bound.filled("User") ?? "");
  const directory = new Directory(tenant, "latest");
  const mailbox = directory.byGuid(shown.guid);
  if (mailbox === undefined) {
    throw objectNotFound(identity);
  }
  const rights = bound.choices("AccessRights") ?? [];
  if (rights.length === 0) {
    throw emptyParameter("AccessRights");
  }
  const deny = bound.flag("Deny") === true;
  return {
    mailbox: asMailbox(mailbox),
    trustee,
    directory,
    key: (row) => row.sid === trustee.sid && row.deny === deny,
    rights,
  };
}
