import { type MailboxFields, type Recipient, type RecipientTypeDetails, tables, type User } from "../model";
import {
  isSmtp,
  isSmtpAddress,
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
import { type Bound, changed, type ListChange } from "./binding";
import type { Call } from "./call";
import {
  aboveLicense,
  invalidDelegate,
  invalidProperty,
  licenseNeeded,
  notSimulated,
  objectNotFound,
  quotaOrder,
  synchronizedFromOnPremises,
} from "./errors";
import { displayedText, formatSize, wrapHtml } from "./format";
import { asMailbox, Directory, isSecurityPrincipal, type MailboxRecipient, primaryAddress } from "./identity";
import { entitlementOf } from "./licenses";
import { requiredName, requireLength } from "./mailbox";

const megabyte = 1024 ** 2;

/** Largest message any plan lets through. */
const largestMessage = 150 * megabyte;

/** One Set-Mailbox under way: the row as it was, and the rows as they will be. */
interface Change {
  bound: Bound;
  /** References are resolved in what Exchange shows, conflicts in what is authoritative. */
  seen: Directory;
  latest: Directory;
  before: MailboxRecipient;
  after: MailboxRecipient;
  user: User | undefined;
}

/** Set-Mailbox. Everything is checked before anything is written; a call that changes nothing says so in a warning. */
export function setMailbox({ bound, tenant, warnings }: Call): undefined {
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

  refuseSynchronized(change);
  setNames(change);
  setAddresses(change);
  setSignIn(change);
  setForwarding(change);
  setDelegates(change);
  setQuotas(change);
  setSizes(change);
  setHolds(change);
  setPlainFields(change);

  const { after } = change;
  if (JSON.stringify([after, change.user]) === JSON.stringify([before, user])) {
    warnings.push(`The command completed successfully but no settings of '${shown.name}' have been modified.`);
    return;
  }
  tenant.store.commit([
    [tables.recipients, after.guid, after],
    ...(change.user === undefined
      ? []
      : [[tables.users, change.user.id, { ...change.user, mail: mailOf(after) }] as const]),
    ...releases(latest, after, before.emailAddresses, after.emailAddresses),
  ]);
}

/** Attributes a directory-synced mailbox has on-premises; the cloud refuses to write them. */
const synchronized = [
  "DisplayName",
  "Alias",
  "Name",
  "EmailAddresses",
  "WindowsEmailAddress",
  "MicrosoftOnlineServicesID",
  "GrantSendOnBehalfTo",
  "HiddenFromAddressListsEnabled",
  "RequireSenderAuthenticationEnabled",
  "MailTip",
  "Type",
  "AccountDisabled",
  "ForwardingAddress",
  ...Array.from({ length: 15 }, (_, index) => `CustomAttribute${index + 1}`),
];

function refuseSynchronized({ bound, before }: Change): void {
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
  if (disabled !== undefined) {
    after.mailbox.accountDisabled = disabled;
    if (user !== undefined) {
      user.accountEnabled = !disabled;
    }
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

function setForwarding({ bound, seen, after: { mailbox } }: Change): void {
  const recipient = bound.text("ForwardingAddress");
  if (recipient !== undefined) {
    mailbox.forwardingAddress = recipient === null || recipient === "" ? null : seen.referenced(recipient).guid;
  }
  const outside = bound.text("ForwardingSmtpAddress");
  if (outside !== undefined) {
    mailbox.forwardingSmtpAddress = outside === null || outside === "" ? null : forwardingSmtpAddress(outside);
  }
  mailbox.deliverToMailboxAndForward = bound.flag("DeliverToMailboxAndForward") ?? mailbox.deliverToMailboxAndForward;
}

function forwardingSmtpAddress(value: string): string {
  const { prefix, address } = splitPrefix(value);
  if ((prefix !== "" && prefix.toLowerCase() !== "smtp") || !isSmtpAddress(address)) {
    throw invalidProperty("ForwardingSmtpAddress", `The address "${value}" isn't a valid SMTP address.`);
  }
  return `smtp:${address}`;
}

function setDelegates({ bound, seen, after: { mailbox } }: Change): void {
  const change = bound.change("GrantSendOnBehalfTo");
  if (change === undefined) {
    return;
  }
  const resolved = (identities: readonly string[]) => identities.map((each) => seen.referenced(each));
  const granted = (identities: readonly string[]) => resolved(identities).map((each) => delegate(each).guid);
  mailbox.grantSendOnBehalfTo = changed(
    mailbox.grantSendOnBehalfTo,
    "replace" in change
      ? { replace: granted(change.replace) }
      : { add: granted(change.add), remove: resolved(change.remove).map((each) => each.guid) },
  );
}

function delegate(recipient: Recipient): Recipient {
  if (!isSecurityPrincipal(recipient)) {
    throw invalidDelegate(recipient.displayName);
  }
  return recipient;
}

const quotas = {
  IssueWarningQuota: "issueWarningQuota",
  ProhibitSendQuota: "prohibitSendQuota",
  ProhibitSendReceiveQuota: "prohibitSendReceiveQuota",
} as const;

function setQuotas({ bound, latest, after: { mailbox }, user }: Change): void {
  const { largestQuota } = entitlementOf(latest, user);
  let isGiven = false;
  for (const [parameter, field] of Object.entries(quotas)) {
    const value = bound.numberOrUnlimited(parameter);
    if (value === undefined) {
      continue;
    }
    isGiven = true;
    if (asNumber(value) > largestQuota) {
      throw aboveLicense(parameter, formatSize(value), formatSize(largestQuota));
    }
    mailbox[field] = value;
  }
  if (!isGiven) {
    return;
  }
  for (const lower of ["IssueWarningQuota", "ProhibitSendQuota"] as const) {
    const value = mailbox[quotas[lower]];
    if (asNumber(value) > asNumber(mailbox.prohibitSendReceiveQuota)) {
      throw quotaOrder(
        lower,
        formatSize(value),
        "ProhibitSendReceiveQuota",
        formatSize(mailbox.prohibitSendReceiveQuota),
      );
    }
  }
}

function asNumber(value: number | "unlimited"): number {
  return value === "unlimited" ? Number.POSITIVE_INFINITY : value;
}

function setSizes({ bound, latest, after: { mailbox } }: Change): void {
  for (const [parameter, field] of [
    ["MaxSendSize", "maxSendSize"],
    ["MaxReceiveSize", "maxReceiveSize"],
  ] as const) {
    const value = bound.numberOrUnlimited(parameter);
    if (value === undefined) {
      continue;
    }
    const isAllowed =
      value !== "unlimited" && (value <= largestMessage || latest.tenant.isContrary("exchange.message-size"));
    if (!isAllowed) {
      throw aboveLicense(parameter, formatSize(value), formatSize(largestMessage));
    }
    mailbox[field] = value;
  }
}

function setHolds({ bound, latest, before, after: { mailbox }, user }: Change): void {
  const enabled = bound.flag("LitigationHoldEnabled");
  if (enabled === true && !entitlementOf(latest, user).archiveAndHold) {
    throw licenseNeeded("Litigation hold", before.name);
  }
  if (enabled !== undefined && enabled !== mailbox.litigationHoldEnabled) {
    mailbox.litigationHoldEnabled = enabled;
    mailbox.litigationHoldDate = enabled ? latest.tenant.timestamp() : null;
    // For 30 days after a hold is lifted the content is still kept.
    mailbox.delayHoldApplied = !enabled;
    mailbox.litigationHoldDuration = enabled ? mailbox.litigationHoldDuration : null;
  }
  const duration = bound.numberOrUnlimited("LitigationHoldDuration");
  if (duration !== undefined) {
    mailbox.litigationHoldDuration = duration === "unlimited" ? null : duration;
  }
  if (bound.flag("RemoveDelayHoldApplied")) {
    mailbox.delayHoldApplied = false;
  }
  if (bound.flag("RemoveDelayReleaseHoldApplied")) {
    mailbox.delayReleaseHoldApplied = false;
  }
}

const flags = {
  MessageCopyForSentAsEnabled: "messageCopyForSentAsEnabled",
  MessageCopyForSendOnBehalfEnabled: "messageCopyForSendOnBehalfEnabled",
  MessageCopyForSMTPClientSubmissionEnabled: "messageCopyForSMTPClientSubmissionEnabled",
  RequireSenderAuthenticationEnabled: "requireSenderAuthenticationEnabled",
  RetentionHoldEnabled: "retentionHoldEnabled",
  SingleItemRecoveryEnabled: "singleItemRecoveryEnabled",
} as const satisfies Record<string, keyof MailboxFields>;

const types: Readonly<Record<string, RecipientTypeDetails>> = {
  Regular: "UserMailbox",
  Shared: "SharedMailbox",
  Room: "RoomMailbox",
  Equipment: "EquipmentMailbox",
};

function setPlainFields({ bound, after }: Change): void {
  const { mailbox } = after;
  for (const [parameter, field] of Object.entries(flags)) {
    mailbox[field] = bound.flag(parameter) ?? mailbox[field];
  }
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
  const tip = bound.text("MailTip");
  if (tip !== undefined) {
    mailbox.mailTip = tip === null || tip === "" ? null : mailTip(tip);
  }
  const type = bound.text("Type");
  if (typeof type === "string") {
    const details = types[type];
    if (details === undefined) {
      throw notSimulated(`the mailbox type ${type}`);
    }
    after.recipientTypeDetails = details;
  }
  const recipients = bound.numberOrUnlimited("RecipientLimits");
  if (recipients !== undefined) {
    if (recipients === "unlimited" || recipients < 1 || recipients > 1000) {
      throw invalidProperty("RecipientLimits", "The value must be between 1 and 1000.");
    }
    mailbox.recipientLimits = recipients;
  }
  const days = bound.numberOrUnlimited("RetainDeletedItemsFor");
  if (days !== undefined) {
    if (days === "unlimited" || days > 30) {
      throw invalidProperty("RetainDeletedItemsFor", "The value must be 30.00:00:00 or less.");
    }
    mailbox.retainDeletedItemsForDays = days;
  }
  if (bound.flag("UseDatabaseQuotaDefaults") === true) {
    throw notSimulated("UseDatabaseQuotaDefaults true: quotas of a cloud mailbox are its own");
  }
}

function mailTip(text: string): string {
  if (displayedText(text).length > 175) {
    throw invalidProperty("MailTip", "The MailTip is longer than the 175 characters that can be displayed.");
  }
  return wrapHtml(text);
}
