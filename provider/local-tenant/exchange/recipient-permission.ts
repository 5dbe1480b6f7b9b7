import { randomUUID } from "node:crypto";
import { type Permission, type Recipient, tables } from "../model";
import { foreignDomains } from "./addresses";
import { type Call, limited, named } from "./call";
import type { Row } from "./envelope";
import { domainOfMailboxNotAccepted, emptyParameter, objectNotFound } from "./errors";
import { Directory, hasMailbox, selfSid, type Trustee } from "./identity";
import { selfPermissions } from "./mailbox";

/** Get-RecipientPermission: Send As entries. A deleted user is printed by SAM account name, a purged one as its SID. */
export function getRecipientPermission(call: Call): Row[] {
  const { bound, tenant } = call;
  const directory = new Directory(tenant, "seen");
  const recipients = named(call, directory, (recipient): recipient is Recipient => !directory.isSoftDeleted(recipient));
  const trustee = bound.text("Trustee");
  const sid = trustee === undefined || trustee === null ? undefined : directory.trustee(trustee).sid;
  const rows = recipients.flatMap((recipient) => {
    const own = directory.permissionsOn(recipient, "sendAs");
    const self =
      hasMailbox(recipient) && !own.some((row) => row.sid === selfSid)
        ? selfPermissions(recipient.guid).filter((row) => row.kind === "sendAs")
        : [];
    return [...self, ...own]
      .filter((row) => sid === undefined || row.sid === sid)
      .map((row) => permissionRow(recipient, row, directory.printedSender(row.sid)));
  });
  return limited(call, rows);
}

function permissionRow(recipient: Recipient, row: Permission, trustee: string): Row {
  return {
    Identity: recipient.name,
    Trustee: trustee,
    TrusteeSidString: row.sid,
    AccessControlType: row.deny ? "Deny" : "Allow",
    AccessRights: row.accessRights,
    InheritanceType: row.inheritanceType,
    TrusteeWithPrimarySmtpAddress: "",
    IsValid: true,
  };
}

/** Add-RecipientPermission: the entry's row; one that is there already is a warning and no row. */
export function addRecipientPermission(call: Call): Row[] {
  const { recipient, trustee, entry, directory } = addressed(call);
  if (entry !== undefined) {
    call.warnings.push(
      `The appropriate access control entry is already present on the object "${directory.distinguishedName(recipient)}" for account "${trustee.printedAs}".`,
    );
    return [];
  }
  const row: Permission = {
    id: randomUUID(),
    kind: "sendAs",
    mailbox: recipient.guid,
    sid: trustee.sid,
    accessRights: ["SendAs"],
    isInherited: false,
    deny: false,
    inheritanceType: "None",
    autoMapping: false,
  };
  call.tenant.store.put(tables.permissions, row.id, row);
  return [permissionRow(recipient, row, trustee.printedAs)];
}

/** Remove-RecipientPermission. A missing entry is a warning. */
export function removeRecipientPermission(call: Call): undefined {
  const { recipient, trustee, entry, directory } = addressed(call);
  const [foreign] = foreignDomains(directory.domains, recipient);
  const skip = recipient.recipientTypeDetails === "SharedMailbox" ? "SharedMailbox" : "MailUser";
  if (
    foreign !== undefined &&
    ["SharedMailbox", "MailUser"].includes(recipient.recipientTypeDetails) &&
    !call.bound.flag(`SkipDomainValidationFor${skip}`)
  ) {
    throw domainOfMailboxNotAccepted(recipient.name, foreign);
  }
  if (entry === undefined) {
    call.warnings.push(
      `Can't remove the access control entry on the object "${directory.distinguishedName(recipient)}" for account "${trustee.printedAs}" because the ACE isn't present.`,
    );
    return;
  }
  call.tenant.store.delete(tables.permissions, entry.id);
}

interface Addressed {
  recipient: Recipient;
  trustee: Trustee;
  entry: Permission | undefined;
  /** Authoritative view. */
  directory: Directory;
}

function addressed({ bound, tenant }: Call): Addressed {
  const identity = bound.filled("Identity") ?? "";
  const seen = new Directory(tenant, "seen");
  const shown = seen.recipient(identity);
  const trustee = seen.trustee(bound.filled("Trustee") ?? "");
  if ((bound.choices("AccessRights") ?? []).length === 0) {
    throw emptyParameter("AccessRights");
  }
  const directory = new Directory(tenant, "latest");
  const recipient = directory.byGuid(shown.guid);
  if (recipient === undefined) {
    throw objectNotFound(identity);
  }
  const entry = directory.permissionsOn(recipient, "sendAs").find((row) => row.sid === trustee.sid && !row.deny);
  return { recipient, trustee, entry, directory };
}
