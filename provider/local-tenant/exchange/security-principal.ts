import { type Group, type Recipient, tables, type User } from "../model";
import { type Call, limited } from "./call";
import { guid, type Row } from "./envelope";
import { parseFilter } from "./filter";
import { Directory, isGroup, only, primaryAddress, samAccountName, sidOf } from "./identity";
import { valueIn } from "./mailbox-row";

/** Get-User: people and resources with or without a mailbox, with their SID. Deleted ones and contacts are not among them. */
export function getUser(call: Call): Row[] {
  const directory = new Directory(call.tenant, "seen");
  const people = directory.recipients.filter(
    (recipient) =>
      !isGroup(recipient) && recipient.recipientTypeDetails !== "MailContact" && !directory.isSoftDeleted(recipient),
  );
  const ids = new Set(directory.recipients.map(({ externalDirectoryObjectId: id }) => id));
  const accounts = directory.users.filter(({ id, deletedDateTime }) => !ids.has(id) && deletedDateTime === null);
  return selected(call, [
    ...people.map((recipient) => userRow(directory, recipient)),
    ...accounts.map((account) => accountRow(account)),
  ]);
}

/** Get-Group: groups with and without mail, with their SID. */
export function getGroup(call: Call): Row[] {
  const directory = new Directory(call.tenant, "seen");
  const groups = directory.recipients.filter((recipient) => isGroup(recipient) && !directory.isSoftDeleted(recipient));
  const plain = directory
    .rows<Group>(tables.groups)
    .filter(({ securityEnabled, mailEnabled }) => securityEnabled && !mailEnabled);
  return selected(call, [
    ...groups.map((recipient) => ({ ...common(recipient), DisplayName: recipient.displayName })),
    ...plain.map((group) => plainGroupRow(group)),
  ]);
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

function common(recipient: Recipient): Row {
  return {
    Identity: recipient.name,
    Id: recipient.name,
    Name: recipient.name,
    Guid: guid(recipient.guid),
    ExternalDirectoryObjectId: recipient.externalDirectoryObjectId,
    SamAccountName: samAccountName(recipient),
    RecipientTypeDetails: recipient.recipientTypeDetails,
    WindowsEmailAddress: primaryAddress(recipient) ?? "",
    Sid: recipient.sid,
    SidHistory: recipient.sidHistory ?? [],
  };
}

function userRow(directory: Directory, recipient: Recipient): Row {
  const signInName = directory.userPrincipalName(recipient) ?? "";
  return {
    ...common(recipient),
    DisplayName: recipient.displayName,
    Initials: recipient.initials ?? "",
    UserPrincipalName: signInName,
    WindowsLiveID: signInName,
    MicrosoftOnlineServicesID: signInName,
    IsDirSynced: recipient.isDirSynced,
  };
}

function accountRow(account: User): Row {
  return {
    Identity: account.id,
    Id: account.id,
    Name: account.id,
    Guid: guid(account.id),
    ExternalDirectoryObjectId: account.id,
    RecipientTypeDetails: "User",
    WindowsEmailAddress: "",
    Sid: sidOf(account.id),
    SidHistory: [],
    DisplayName: account.displayName,
    Initials: "",
    UserPrincipalName: account.userPrincipalName,
    WindowsLiveID: account.userPrincipalName,
    MicrosoftOnlineServicesID: account.userPrincipalName,
    IsDirSynced: account.onPremisesSyncEnabled === true,
  };
}

function plainGroupRow(group: Group): Row {
  return {
    Identity: group.displayName,
    Id: group.displayName,
    Name: group.displayName,
    Guid: guid(group.id),
    ExternalDirectoryObjectId: group.id,
    RecipientTypeDetails: "UniversalSecurityGroup",
    WindowsEmailAddress: "",
    Sid: sidOf(group.id),
    SidHistory: [],
    DisplayName: group.displayName,
  };
}
