import { primaryAddress } from "../directory";
import { type Recipient, type RecipientTypeDetails, tables } from "../model";
import { names } from "../values";
import {
  isSmtp,
  mailOf,
  normalised,
  releases,
  requireAccepted,
  requireAlias,
  requireFreeAddresses,
  requireFreeAlias,
  requireFreeName,
  requireFreeUserPrincipalName,
  splitPrefix,
  withPrimary,
} from "./addresses";
import { changed, type ListChange } from "./binding";
import { type Call, commitIfChanged, listed } from "./call";
import type { Printing } from "./envelope";
import { notSimulated, objectNotFound, quotaOrder, synchronizedFromOnPremises } from "./errors";
import { formatSize } from "./format";
import { asMailbox, Directory, hasMailbox, type MailboxRecipient } from "./identity";
import { requiredName, requireLength } from "./mailbox";
import {
  bytes,
  type Change,
  clientAccessProperties,
  mailboxProperties,
  printed,
  sendersOrMembers,
  write,
  writeSenders,
} from "./mailbox-properties";
import { identityColumns } from "./recipient";

/** Set-Mailbox. Everything is checked before anything is written. */
export function setMailbox(call: Call): undefined {
  changeMailbox(call, (change) => {
    refuseSynchronized(change);
    setNames(change);
    setAddresses(change);
    setSignIn(change);
    write(mailboxProperties, change);
    writeSenders(change);
    requireQuotaOrder(change);
    removeDelayHolds(change);
    setOthers(change);
  });
}

/** Changes the active mailbox that Identity names, and its account; a call that changes nothing says so in a warning. */
function changeMailbox(call: Call, apply: (change: Change) => void): void {
  const { bound, tenant } = call;
  const identity = bound.filled("Identity") ?? "";
  const seen = new Directory(tenant, "seen");
  const latest = new Directory(tenant, "latest");
  const shown = seen.mailbox(identity);
  const present = latest.byGuid(shown.guid);
  if (present === undefined || latest.isSoftDeleted(present)) {
    throw objectNotFound(identity);
  }
  const before = asMailbox(present);
  const user = latest.user(before.externalDirectoryObjectId);
  const change: Change = { bound, seen, latest, before, after: structuredClone(before), user: structuredClone(user) };
  apply(change);
  const { after } = change;
  commitIfChanged(
    call,
    shown.name,
    [before, user],
    [after, change.user],
    [
      [tables.recipients, after.guid, after],
      ...(change.user === undefined
        ? []
        : [[tables.users, change.user.id, { ...change.user, mail: mailOf(after) }] as const]),
      ...releases(latest, after, before.emailAddresses, after.emailAddresses),
    ],
  );
}

/** Attributes a directory-synced mailbox has on-premises; the cloud refuses to write them. */
const synchronized = [
  ...names(`
    DisplayName Alias Name EmailAddresses WindowsEmailAddress MicrosoftOnlineServicesID HiddenFromAddressListsEnabled
    Type AccountDisabled
  `),
  ...Array.from({ length: 15 }, (_, index) => `CustomAttribute${index + 1}`),
  ...Object.keys(sendersOrMembers),
  ...Object.values(mailboxProperties).flatMap(({ column, isSynchronized }) => (isSynchronized ? [column] : [])),
];

function refuseSynchronized({ bound, before }: Change): void {
  // @observed exchange.synced-attributes: Addresses, names and lists of senders of a directory-synced mailbox are refused, its
  // client access is not [issue 7372; Microsoft Entra Connect Sync, attributes of Exchange Online]
  const property = synchronized.find((name) => bound.has(name));
  if (before.isDirSynced && property !== undefined) {
    throw synchronizedFromOnPremises("Set-Mailbox", property, before.name);
  }
}

function setNames({ bound, latest, before, after, user }: Change): void {
  const name = bound.filled("Name");
  if (name !== undefined && name.toLowerCase() !== before.name.toLowerCase()) {
    requireFreeName(latest, requiredName(name), before.guid);
    after.name = name;
  }
  const displayName = bound.filled("DisplayName");
  if (displayName !== undefined) {
    requireLength("DisplayName", displayName, 256);
    after.displayName = displayName;
    if (user !== undefined) {
      user.displayName = displayName;
    }
  }
  const alias = bound.filled("Alias");
  if (alias !== undefined && alias !== before.alias) {
    requireAlias(alias);
    requireFreeAlias(latest, alias, before);
    after.alias = alias;
    if (user !== undefined) {
      user.mailNickname = alias;
    }
    if (after.mailbox.emailAddressPolicyEnabled) {
      const primary = `${alias}@${latest.defaultDomain}`;
      requireFreeAddresses(latest, [`SMTP:${primary}`], before);
      after.emailAddresses = withPrimary(after.emailAddresses, primary);
    }
  }
}

function setAddresses({ bound, latest, before, after }: Change): void {
  // @documented exchange.windows-email-address: WindowsEmailAddress moves the primary and keeps the old one as secondary, only
  // without address policy [behaviour of the policy documented, keeping the old primary by experience]
  const addresses = bound.change("EmailAddresses");
  if (addresses !== undefined) {
    after.emailAddresses = changedAddresses(
      after.emailAddresses,
      addresses,
      latest.tenant.isContrary("exchange.primary-in-add"),
    );
    if (primaryAddress(after) !== primaryAddress(before)) {
      after.mailbox.emailAddressPolicyEnabled = false;
    }
  }
  // With an address policy in force the policy decides on the primary address, and this parameter has no effect.
  const primary = bound.filled("WindowsEmailAddress");
  if (primary !== undefined && !before.mailbox.emailAddressPolicyEnabled) {
    requireAccepted(latest, "WindowsEmailAddress", primary);
    if (primaryAddress(after) !== primary) {
      after.emailAddresses = withPrimary(after.emailAddresses, primary);
    }
  }
  const known = new Set(before.emailAddresses.map((each) => each.toLowerCase()));
  const added = after.emailAddresses.filter((each) => !known.has(each.toLowerCase()));
  for (const each of added.filter(isSmtp)) {
    requireAccepted(latest, "EmailAddresses", each.slice("smtp:".length));
  }
  requireFreeAddresses(latest, added, before);
}

/** `isSecondary`: an added `SMTP:` address becomes a secondary one. */
function changedAddresses(present: readonly string[], change: ListChange, isSecondary: boolean): string[] {
  // @observed exchange.primary-in-add: SMTP: in the Add list of EmailAddresses makes that address the primary and the old one
  // secondary [Exchange 15.00.1497, decompiled: ProxyAddressBaseCollection; the reference says that SMTP names the primary]
  if ("replace" in change) {
    return normalised(change.replace);
  }
  const same = (a: string, b: string) => withSmtp(a).toLowerCase() === withSmtp(b).toLowerCase();
  const added = change.add.map((each) => (isSecondary ? withSmtp(each).replace(/^SMTP:/, "smtp:") : withSmtp(each)));
  const newPrimary = added.find((each) => each.startsWith("SMTP:"));
  const kept = changed(present, { add: [], remove: change.remove }, same);
  const withoutTwins = added.filter((each) => !kept.some((other) => same(each, other)) && !each.startsWith("SMTP:"));
  const all = newPrimary === undefined ? kept : withPrimary(kept, newPrimary.slice("SMTP:".length));
  return normalised([...all, ...withoutTwins]);
}

function withSmtp(address: string): string {
  const { prefix, address: rest } = splitPrefix(address);
  return prefix === "" ? `smtp:${rest}` : address;
}

function setSignIn({ bound, latest, before, after, user }: Change): void {
  const disabled = bound.flag("AccountDisabled");
  if (disabled !== undefined && user !== undefined) {
    user.accountEnabled = !disabled;
  }
  const signInName = bound.filled("MicrosoftOnlineServicesID");
  if (signInName !== undefined) {
    requireAccepted(latest, "MicrosoftOnlineServicesID", signInName);
    requireFreeUserPrincipalName(latest, signInName, before.externalDirectoryObjectId);
    after.mailbox.userPrincipalName = signInName;
    if (user !== undefined) {
      user.userPrincipalName = signInName;
    }
  }
}

/** No quota may be larger than the last one; asked once all of them are written. */
function requireQuotaOrder({ bound, after: { mailbox } }: Change): void {
  // @documented exchange.quota-order: IssueWarningQuota and ProhibitSendQuota may not exceed ProhibitSendReceiveQuota [reference of
  // the cmdlet]
  const upper = "ProhibitSendReceiveQuota";
  for (const [lower, field] of [
    ["IssueWarningQuota", "issueWarningQuota"],
    ["ProhibitSendQuota", "prohibitSendQuota"],
  ] as const) {
    const isGiven = ["IssueWarningQuota", "ProhibitSendQuota", upper].some((name) => bound.has(name));
    if (isGiven && bytes(mailbox[field]) > bytes(mailbox.prohibitSendReceiveQuota)) {
      throw quotaOrder(lower, formatSize(mailbox[field]), upper, formatSize(mailbox.prohibitSendReceiveQuota));
    }
  }
}

function removeDelayHolds({ bound, after: { mailbox } }: Change): void {
  if (bound.flag("RemoveDelayHoldApplied")) {
    mailbox.delayHoldApplied = false;
  }
  if (bound.flag("RemoveDelayReleaseHoldApplied")) {
    mailbox.delayReleaseHoldApplied = false;
  }
}

const types: Readonly<Record<string, RecipientTypeDetails>> = {
  Regular: "UserMailbox",
  Shared: "SharedMailbox",
  Room: "RoomMailbox",
  Equipment: "EquipmentMailbox",
};

function setOthers({ bound, after }: Change): void {
  after.hiddenFromAddressListsEnabled =
    bound.flag("HiddenFromAddressListsEnabled") ?? after.hiddenFromAddressListsEnabled;
  for (let index = 1; index <= 15; index++) {
    const value = bound.text(`CustomAttribute${index}`);
    if (value === null || value === "") {
      delete after.customAttributes[String(index)];
    } else if (value !== undefined) {
      requireLength(`CustomAttribute${index}`, value, 1024);
      after.customAttributes[String(index)] = value;
    }
  }
  const type = bound.text("Type");
  if (typeof type === "string") {
    const details = types[type];
    if (details === undefined) {
      throw notSimulated(`the mailbox type ${type}`);
    }
    after.recipientTypeDetails = details;
  }
  if (bound.flag("UseDatabaseQuotaDefaults") === true) {
    throw notSimulated("UseDatabaseQuotaDefaults true: quotas of a cloud mailbox are its own");
  }
}

/** Get-CASMailbox: by what clients each mailbox may be opened. */
export function getClientAccess(call: Call): Printing[] {
  const { bound, tenant } = call;
  const directory = new Directory(tenant, "seen");
  const isActive = (recipient: Recipient): recipient is MailboxRecipient =>
    hasMailbox(recipient) && !directory.isSoftDeleted(recipient);
  const types = bound.choices("RecipientTypeDetails");
  return listed(call, directory, {
    among: isActive,
    isAsked: ({ recipientTypeDetails }) => types === undefined || types.includes(recipientTypeDetails),
    print: (recipient) => ({
      ...identityColumns(directory, recipient),
      ...printed(clientAccessProperties, recipient, directory),
    }),
  });
}

/** Set-CASMailbox: opens a mailbox to clients, or closes it. Any mailbox takes it, directory-synced ones too. */
export function setClientAccess(call: Call): undefined {
  changeMailbox(call, (change) => write(clientAccessProperties, change));
}
