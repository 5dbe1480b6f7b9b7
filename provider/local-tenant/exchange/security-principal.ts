import { primaryAddress, recipientsByObject } from "../directory";
import { type Group, type Recipient, tables, type User } from "../model";
import type { Predicate } from "../odata/expression";
import type { Index } from "../store";
import { memberOf } from "../values";
import { type Call, commitIfChanged, limited } from "./call";
import { guid, type Row } from "./envelope";
import { objectNotFound, synchronizedFromOnPremises } from "./errors";
import { parseFilter } from "./filter";
import { Directory, isGroup, only, samAccountName, sidOf } from "./identity";
import { requiredInitials } from "./mailbox";

/** Get-User: people and resources with or without a mailbox, with their SID. Deleted ones and contacts are not among them. */
export function getUser(call: Call): Row[] {
  const directory = new Directory(call.tenant, "seen");
  const { texts, matches } = asked(call);
  const people = (texts === undefined ? directory.recipients : directory.namedBy(...texts)).filter(isUser(directory));
  const users =
    texts === undefined ? directory.rows<User>(tables.users) : directory.find<User>([accountsByForm, ...texts]);
  const accounts = users.filter(
    ({ id, deletedDateTime }) =>
      deletedDateTime === null && directory.recipientsBy([recipientsByObject, id]).length === 0,
  );
  return selected(call, matches, [
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
  const directory = new Directory(call.tenant, "seen");
  const { texts, matches } = asked(call);
  const groups = (texts === undefined ? directory.recipients : directory.namedBy(...texts)).filter(
    (recipient) => isGroup(recipient) && !directory.isSoftDeleted(recipient),
  );
  const plain = directory
    .rows<Group>(tables.groups)
    .filter(({ securityEnabled, mailEnabled }) => securityEnabled && !mailEnabled);
  return selected(call, matches, [
    ...groups.map(recipientRow),
    ...plain.map(({ id, displayName }) => principalRow(id, displayName, displayName, "UniversalSecurityGroup")),
  ]);
}

/** Set-User: the initials, the one thing of a person that no other cmdlet here writes. */
export function setUser(call: Call): undefined {
  const { bound, tenant } = call;
  const identity = bound.filled("Identity") ?? "";
  const seen = new Directory(tenant, "seen");
  const { guid: key } = only(identity, seen.matches(identity, isUser(seen)));
  const latest = new Directory(tenant, "latest");
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
  commitIfChanged(call, recipient.name, before, after.initials, [[tables.recipients, key, after]]);
}

function isUser(directory: Directory) {
  return (recipient: Recipient): recipient is Recipient =>
    !isGroup(recipient) && recipient.recipientTypeDetails !== "MailContact" && !directory.isSoftDeleted(recipient);
}

/** Accounts by what names them where they have no recipient, in lower case. */
const accountsByForm: Index<User> = {
  table: tables.users,
  textsOf: ({ id, displayName, userPrincipalName }) =>
    [id, displayName, userPrincipalName, sidOf(id)].map((form) => form.toLowerCase()),
};

/** What Filter asks, and the texts of which one names each principal that Identity or Filter lets through. */
function asked({ bound }: Call): { matches: Predicate<Row> | undefined; texts: readonly string[] | undefined } {
  const filter = bound.filled("Filter");
  const matches = filter === undefined ? undefined : parseFilter(filter, memberOf);
  const identity = (bound.text("Identity") ?? "").trim().toLowerCase();
  return { matches, texts: identity === "" ? matches?.texts : [identity] };
}

function selected(call: Call, matches: Predicate<Row> | undefined, rows: Row[]): Row[] {
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
  return limited(call, matches === undefined ? named : named.filter(matches));
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
