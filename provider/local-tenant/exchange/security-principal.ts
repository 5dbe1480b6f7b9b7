import { primaryAddress } from "../directory";
import { type Group, type Recipient, tables } from "../model";
import { type Call, limited } from "./call";
import { guid, type Row } from "./envelope";
import { objectNotFound, synchronizedFromOnPremises } from "./errors";
import { parseFilter } from "./filter";
import { Directory, isGroup, only, samAccountName, sidOf } from "./identity";
import { requiredInitials } from "./mailbox";
import { valueIn } from "./mailbox-row";

/** Get-User: people and resources with or without a mailbox, with their SID. Deleted ones and contacts are not among them. */
export function getUser(call: Call): Row[] {
  const directory = Directory.of(call.tenant, "seen");
  const people = directory.recipients.filter(isUser(directory));
  const ids = new Set(directory.recipients.map(({ externalDirectoryObjectId: id }) => id));
  const accounts = directory.users.filter(({ id, deletedDateTime }) => !ids.has(id) && deletedDateTime === null);
  return selected(call, [
    ...people.map((recipient) => ({
      ...recipientRow(recipient),
      Initials: recipient.initials ?? "",
      ...signInColumns(directory.userPrincipalName(recipient) ?? ""),
      IsDirSynced: recipient.isDirSynced,
    })),
    ...accounts.map((account) => ({
      ...principalRow(account.id, account.id, account.displayName, "User"),
      Initials: "",
      ...signInColumns(account.userPrincipalName),
      IsDirSynced: account.onPremisesSyncEnabled === true,
    })),
  ]);
}

/** Get-Group: groups with and without mail, with their SID. */
export function getGroup(call: Call): Row[] {
  const directory = Directory.of(call.tenant, "seen");
  const groups = directory.recipients.filter((recipient) => isGroup(recipient) && !directory.isSoftDeleted(recipient));
  const plain = directory
    .rows<Group>(tables.groups)
    .filter(({ securityEnabled, mailEnabled }) => securityEnabled && !mailEnabled);
  return selected(call, [
    ...groups.map(recipientRow),
    ...plain.map(({ id, displayName }) => principalRow(id, displayName, displayName, "UniversalSecurityGroup")),
  ]);
}

/** Set-User: the initials, the one thing of a person that no other cmdlet here writes. */
export function setUser({ bound, tenant, warnings }: Call): undefined {
  const identity = bound.filled("Identity") ?? "";
  const seen = Directory.of(tenant, "seen");
  const { guid: key } = only(identity, seen.matches(identity, isUser(seen)));
  const latest = Directory.of(tenant, "latest");
  const recipient = latest.byGuid(key);
  if (recipient === undefined || latest.isSoftDeleted(recipient)) {
    throw objectNotFound(identity);
  }
  if (recipient.isDirSynced) {
    throw synchronizedFromOnPremises("Set-User", "Initials", recipient.name);
  }
  const { initials: before, ...rest } = recipient;
  const after = {
    ...rest,
    ...(bound.has("Initials") ? requiredInitials(bound.text("Initials")) : { initials: before }),
  };
  if (after.initials === before) {
    warnings.push(`The command completed successfully but no settings of '${recipient.name}' have been modified.`);
    return;
  }
  tenant.store.commit([[tables.recipients, key, after]]);
}

function isUser(directory: Directory) {
  return (recipient: Recipient): recipient is Recipient =>
    !isGroup(recipient) && recipient.recipientTypeDetails !== "MailContact" && !directory.isSoftDeleted(recipient);
}

function selected(call: Call, rows: Row[]): Row[] {
  // @observed exchange.sid-of-principals: Get-User and Get-Group show Sid and SidHistory, and filter by both and by
  // ExternalDirectoryObjectId [the admin API's own $metadata (entity User); scripts that resolve SIDs of permission entries so]
  const { bound } = call;
  const identity = (bound.text("Identity") ?? "").trim().toLowerCase();
  const forms = ["ExternalDirectoryObjectId", "Name", "DisplayName", "UserPrincipalName", "SamAccountName", "Sid"];
  const named =
    identity === ""
      ? rows
      : [
          only(
            identity,
            rows.filter((row) => forms.some((form) => String(row[form] ?? "").toLowerCase() === identity)),
          ),
        ];
  const filter = bound.filled("Filter");
  return limited(call, filter === undefined ? named : named.filter(parseFilter(filter, valueIn)));
}

/** A principal that Exchange knows from the directory alone. */
function principalRow(id: string, name: string, displayName: string, kind: string): Row {
  return {
    Identity: name,
    Id: name,
    Name: name,
    DisplayName: displayName,
    Guid: guid(id),
    ExternalDirectoryObjectId: id,
    RecipientTypeDetails: kind,
    WindowsEmailAddress: "",
    Sid: sidOf(id),
    SidHistory: [],
  };
}

function recipientRow(recipient: Recipient): Row {
  const { externalDirectoryObjectId: id, name, displayName, recipientTypeDetails } = recipient;
  return {
    ...principalRow(id, name, displayName, recipientTypeDetails),
    Guid: guid(recipient.guid),
    SamAccountName: samAccountName(recipient),
    WindowsEmailAddress: primaryAddress(recipient) ?? "",
    Sid: recipient.sid,
    SidHistory: recipient.sidHistory ?? [],
  };
}

function signInColumns(name: string): Row {
  return { UserPrincipalName: name, WindowsLiveID: name, MicrosoftOnlineServicesID: name };
}
