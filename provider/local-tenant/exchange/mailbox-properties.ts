import { randomUUID } from "node:crypto";
import type { MailboxFields, OwnFields, User } from "../model";
import { names } from "../values";
import { isSmtpAddress, splitPrefix } from "./addresses";
import {
  address,
  type Bound,
  changed,
  countOrUnlimited,
  daysOrUnlimited,
  flag as flagType,
  identity,
  type ListChange,
  list,
  nullableFlag,
  type Parameter,
  type ParameterType,
  size as sizeType,
  text as textType,
} from "./binding";
import { dateTime, guid } from "./envelope";
import {
  aboveLicense,
  invalidDelegate,
  invalidOperation,
  invalidProperty,
  invalidSender,
  licenseNeeded,
} from "./errors";
import { displayedText, formatDays, formatSize, gigabyte, megabyte, wrapHtml } from "./format";
import { type Directory, isGroup, isSecurityPrincipal, type MailboxRecipient } from "./identity";
import { entitlementOf } from "./licenses";

/** What stands for no GUID. */
export const noGuid = "00000000-0000-0000-0000-000000000000";

/** Largest message any plan lets through. */
const largestMessage = 150 * megabyte;

/** A change of one mailbox under way: the rows as they were, and as they will be. */
export interface Change {
  bound: Bound;
  /** References are resolved in what Exchange shows, conflicts in what is authoritative. */
  seen: Directory;
  latest: Directory;
  before: MailboxRecipient;
  after: MailboxRecipient;
  user: User | undefined;
}

/** A property of a mailbox: what a Get- cmdlet prints of it and, where it has a `parameter`, how the Set- cmdlet writes it. */
export interface MailboxProperty<T> {
  /** Name of the column and of the parameter. */
  readonly column: string;
  /** Value on a mailbox nobody has set anything on. */
  readonly start: T;
  readonly parameter?: Parameter;
  /** Whether only the on-premises directory writes it on a directory-synced mailbox. */
  readonly isSynchronized?: boolean;
  readonly isFilterable?: boolean;
  print(value: T, directory: Directory): unknown;
  /** The value filters compare, where it is not the printed one. */
  compared?(value: T, directory: Directory): unknown;
  /** The value after a call that gives the parameter; a refusal is thrown. */
  written?(change: Change, before: T): T;
}

type Table = Readonly<Record<string, MailboxProperty<unknown>>>;

/** What a row of the tenant keeps of the properties of a table. */
export type ValuesOf<P extends Table> = {
  -readonly [F in keyof P]: P[F] extends MailboxProperty<infer T> ? T : never;
};

interface Options<T> {
  /** Parameter sets; absent = all. */
  sets?: readonly string[];
  isSynchronized?: boolean;
  isFilterable?: boolean;
  /** Refuses a value, or does what else comes with it. */
  check?: (value: T, change: Change, column: string) => void;
}

type Size = number | "unlimited";

/** A property that is shown and that no parameter sets. */
function shown<T>(column: string, start: T, print: (value: T) => unknown = (value) => value): MailboxProperty<T> {
  return { column, start, print };
}

function settable<T>(
  column: string,
  start: T,
  type: ParameterType,
  { sets, check, ...options }: Options<T>,
  read: (given: never, change: Change, before: T) => T,
  print: (value: T, directory: Directory) => unknown = (value) => value,
): MailboxProperty<T> {
  return {
    column,
    start,
    ...options,
    parameter: { type, required: false, sets },
    print,
    written(change, before) {
      const value = read(change.bound.value(column) as never, change, before);
      check?.(value, change, column);
      return value;
    },
  };
}

function flag(column: string, start: boolean, options: Options<boolean> = {}): MailboxProperty<boolean> {
  return settable(column, start, flagType, options, (given: boolean) => given);
}

/** A flag that may also be null: the organisation's setting decides then. */
function flagOrNull(column: string): MailboxProperty<boolean | null> {
  return settable<boolean | null>(column, null, nullableFlag, {}, (given: boolean | null) => given);
}

function quota(column: string, start: Size): MailboxProperty<Size> {
  return settable<Size>(column, start, sizeType, { check: withinLicense }, (given: Size) => given, formatSize);
}

function messageSize(column: string, start: number): MailboxProperty<number> {
  // @assumed exchange.message-size: Messages of at most 150 MB [the highest limit Exchange Online lets set; the reference names
  // none any more]
  const read = (given: Size, { latest }: Change): number => {
    if (given === "unlimited" || (given > largestMessage && !latest.tenant.isContrary("exchange.message-size"))) {
      throw aboveLicense(column, formatSize(given), formatSize(largestMessage));
    }
    return given;
  };
  return settable(column, start, sizeType, {}, read, formatSize);
}

/** A whole number within limits; `refusal` is the service's text beyond them. */
function number(
  column: string,
  start: number,
  type: ParameterType,
  [least, most]: readonly [number, number],
  refusal: string,
  options: Options<number> = {},
  print: (value: number) => string = String,
): MailboxProperty<number> {
  const read = (given: Size): number => {
    if (given === "unlimited" || given < least || given > most) {
      throw invalidProperty(column, refusal);
    }
    return given;
  };
  return settable(column, start, type, options, read, print);
}

/** Text that null or nothing clears; `stored` is what the service makes of it. */
function text(
  column: string,
  type: ParameterType,
  stored: (given: string) => string,
  options: Options<string | null> = {},
): MailboxProperty<string | null> {
  const read = (given: string | null): string | null => (given === null || given === "" ? null : stored(given));
  return settable<string | null>(column, null, type, options, read);
}

/** Another recipient, kept by guid. */
function recipient(column: string, options: Options<string | null>): MailboxProperty<string | null> {
  const read = (given: string | null, { seen }: Change): string | null =>
    given === null || given === "" ? null : seen.referenced(given).guid;
  return {
    ...settable<string | null>(column, null, identity, { ...options, isFilterable: true }, read, nameOf),
    compared: (value, directory) => (value === null ? [] : distinguishedNames([value], directory)),
  };
}

/** Other recipients, kept by guid; `require` refuses one that may not be among them. */
function recipients(
  column: string,
  require: (one: Directory["recipients"][number], column: string) => void,
): MailboxProperty<string[]> {
  const options = { isSynchronized: true, isFilterable: true };
  const read = (given: ListChange, { seen }: Change, before: string[]): string[] =>
    withReferences(before, given, seen, (one) => require(one, column));
  return {
    ...settable<string[]>(column, [], list, options, read, namesOf),
    compared: distinguishedNames,
  };
}

/** The guids in a list after a change that names recipients; what is only removed need not be allowed. */
function withReferences(
  before: readonly string[],
  change: ListChange,
  seen: Directory,
  require: (one: Directory["recipients"][number]) => void,
): string[] {
  const guids = (identities: readonly string[], check = require) =>
    identities.map((each) => {
      const one = seen.referenced(each);
      check(one);
      return one.guid;
    });
  // @assumed exchange.list-reaches-hidden: A list that is written whole takes the hidden entries of deleted recipients away too [a list
  // of Exchange replaces the one before; nobody says it of entries that are not shown]
  const isHidden = (guid: string): boolean => {
    const one = seen.byGuid(guid);
    return one === undefined || seen.isSoftDeleted(one);
  };
  const kept = seen.tenant.isContrary("exchange.list-reaches-hidden") ? before.filter(isHidden) : [];
  return changed(
    before,
    "replace" in change
      ? { replace: [...kept, ...guids(change.replace)] }
      : { add: guids(change.add), remove: guids(change.remove, () => undefined) },
  );
}

const isSynchronized = true;
const isFilterable = true;

/** The sets of Set-Mailbox that are not `Identity`: one for each rare operation, and they share many parameters. */
export const rareSets = names(`
  ExcludeFromAllHolds ExcludeFromAllOrgHolds ExcludeFromOrgHolds IsExchangeCloudManaged RecalculateInactiveMailbox
  RemoveDelayHoldApplied RemoveDelayReleaseHoldApplied RemoveDisabledArchive RemoveOrphanedHolds
`);

/**
 * The properties of Get-Mailbox and Set-Mailbox, by the name under which the tenant keeps them; they are written in this order. What
 * every recipient has (names, addresses, custom attributes) and what belongs to the account stands in `set-mailbox.ts`.
 */
export const mailboxProperties = {
  emailAddressPolicyEnabled: shown("EmailAddressPolicyEnabled", false),
  forwardingAddress: recipient("ForwardingAddress", { isSynchronized }),
  forwardingSmtpAddress: text("ForwardingSmtpAddress", address, forwardingSmtpAddress, { isFilterable }),
  deliverToMailboxAndForward: flag("DeliverToMailboxAndForward", false),
  grantSendOnBehalfTo: recipients("GrantSendOnBehalfTo", requireDelegate),
  acceptMessagesOnlyFrom: recipients("AcceptMessagesOnlyFrom", requireSender),
  acceptMessagesOnlyFromDLMembers: recipients("AcceptMessagesOnlyFromDLMembers", requireGroup),
  rejectMessagesFrom: recipients("RejectMessagesFrom", requireSender),
  rejectMessagesFromDLMembers: recipients("RejectMessagesFromDLMembers", requireGroup),
  requireSenderAuthenticationEnabled: flag("RequireSenderAuthenticationEnabled", false, { isSynchronized }),
  // The quotas of a mailbox with no licence.
  issueWarningQuota: quota("IssueWarningQuota", 49 * gigabyte),
  prohibitSendQuota: quota("ProhibitSendQuota", 49.5 * gigabyte),
  prohibitSendReceiveQuota: quota("ProhibitSendReceiveQuota", 50 * gigabyte),
  maxSendSize: messageSize("MaxSendSize", 35 * megabyte),
  maxReceiveSize: messageSize("MaxReceiveSize", 36 * megabyte),
  litigationHoldEnabled: flag("LitigationHoldEnabled", false, { isFilterable, check: holdOrRelease }),
  litigationHoldDuration: settable<number | null>(
    "LitigationHoldDuration",
    null,
    daysOrUnlimited,
    {},
    (given: Size) => (given === "unlimited" ? null : given),
    (value) => (value === null ? "Unlimited" : formatDays(value)),
  ),
  litigationHoldDate: shown<string | null>("LitigationHoldDate", null, dateTime),
  inPlaceHolds: shown<string[]>("InPlaceHolds", []),
  complianceTagHoldApplied: shown("ComplianceTagHoldApplied", false),
  delayHoldApplied: shown("DelayHoldApplied", false),
  delayReleaseHoldApplied: shown("DelayReleaseHoldApplied", false),
  retentionHoldEnabled: flag("RetentionHoldEnabled", false),
  singleItemRecoveryEnabled: flag("SingleItemRecoveryEnabled", true),
  messageCopyForSentAsEnabled: flag("MessageCopyForSentAsEnabled", false),
  messageCopyForSendOnBehalfEnabled: flag("MessageCopyForSendOnBehalfEnabled", false),
  messageCopyForSMTPClientSubmissionEnabled: flag("MessageCopyForSMTPClientSubmissionEnabled", true, {
    sets: rareSets,
  }),
  mailTip: text("MailTip", textType, mailTip, { isSynchronized }),
  recipientLimits: number(
    "RecipientLimits",
    500,
    countOrUnlimited,
    [1, 1000],
    "The value must be between 1 and 1000.",
    { sets: ["Identity"] },
  ),
  retainDeletedItemsForDays: number(
    "RetainDeletedItemsFor",
    14,
    daysOrUnlimited,
    [0, 30],
    "The value must be 30.00:00:00 or less.",
    {},
    formatDays,
  ),
  archiveGuid: { ...shown<string | null>("ArchiveGuid", null, guidOrNone), isFilterable },
  disabledArchiveGuid: shown<string | null>("DisabledArchiveGuid", null, guidOrNone),
  autoExpandingArchiveEnabled: shown("AutoExpandingArchiveEnabled", false),
  isInactiveMailbox: { ...shown("IsInactiveMailbox", false), isFilterable },
};

/** The properties of Get-CASMailbox and Set-CASMailbox: by what clients a mailbox may be opened. */
export const clientAccessProperties = {
  // @documented exchange.client-access: Get-CASMailbox: every protocol is on at first, and SmtpClientAuthenticationDisabled null,
  // which leaves it to the organisation [reference of the cmdlet]
  activeSyncEnabled: flag("ActiveSyncEnabled", true, { isFilterable }),
  owaEnabled: flag("OWAEnabled", true, { isFilterable }),
  owaForDevicesEnabled: flag("OWAforDevicesEnabled", true),
  popEnabled: flag("PopEnabled", true, { isFilterable }),
  imapEnabled: flag("ImapEnabled", true, { isFilterable }),
  mapiEnabled: flag("MAPIEnabled", true, { isFilterable }),
  ewsEnabled: flag("EwsEnabled", true, { isFilterable }),
  outlookMobileEnabled: flag("OutlookMobileEnabled", true),
  universalOutlookEnabled: flag("UniversalOutlookEnabled", true),
  macOutlookEnabled: flag("MacOutlookEnabled", true),
  oneWinNativeOutlookEnabled: flag("OneWinNativeOutlookEnabled", true),
  smtpClientAuthenticationDisabled: flagOrNull("SmtpClientAuthenticationDisabled"),
};

/** Columns and parameters that stand for two properties: the people of the first, the groups of the second. */
export const sendersOrMembers = {
  AcceptMessagesOnlyFromSendersOrMembers: ["acceptMessagesOnlyFrom", "acceptMessagesOnlyFromDLMembers"],
  RejectMessagesFromSendersOrMembers: ["rejectMessagesFrom", "rejectMessagesFromDLMembers"],
} as const;

/** The columns of {@link sendersOrMembers}. */
export function printedSenders(recipient: MailboxRecipient, directory: Directory): Record<string, string[]> {
  return Object.fromEntries(
    Object.entries(sendersOrMembers).map(([column, fields]) => [
      column,
      fields.flatMap((field) => namesOf(recipient.mailbox[field] ?? [], directory)),
    ]),
  );
}

/** Writes what a call gives of {@link sendersOrMembers}. */
export function writeSenders({ bound, seen, after: { mailbox } }: Change): void {
  // @documented exchange.sender-lists: AcceptMessagesOnlyFrom takes people, its DLMembers groups, its SendersOrMembers both, and
  // not beside the other two; the same for RejectMessagesFrom [reference of the cmdlet]
  for (const [column, fields] of Object.entries(sendersOrMembers)) {
    const change = bound.change(column);
    const beside = fields.map((field) => mailboxProperties[field].column).find((each) => bound.has(each));
    if (change !== undefined && beside !== undefined) {
      throw invalidOperation(`You can't use the parameters ${column} and ${beside} in the same command.`);
    }
    if (change !== undefined) {
      const both = fields.flatMap((field) => mailbox[field] ?? []);
      const guids = withReferences(both, change, seen, () => undefined);
      const groups = guids.filter((each) => {
        const one = seen.byGuid(each);
        return one !== undefined && isGroup(one);
      });
      mailbox[fields[0]] = guids.filter((each) => !groups.includes(each));
      mailbox[fields[1]] = groups;
    }
  }
}

/** The fields of a mailbox nobody has set anything on. */
export function newMailboxFields(userPrincipalName: string, now: string): MailboxFields {
  const properties: Table = { ...mailboxProperties, ...clientAccessProperties };
  const values = Object.fromEntries(Object.entries(properties).map(([field, { start }]) => [field, start]));
  return {
    // The values of a table have the types of the table.
    ...(structuredClone(values) as Omit<MailboxFields, keyof OwnFields>),
    exchangeGuid: randomUUID(),
    userPrincipalName,
    whenMailboxCreated: now,
    whenSoftDeleted: null,
    totalItemSize: 0,
    itemCount: 0,
  };
}

/** The properties of a table with what a mailbox has of them; a row that an earlier release wrote lacks the newer ones. */
function valuesOf(
  table: Table,
  values: Readonly<Record<string, unknown>>,
): [field: string, property: MailboxProperty<unknown>, value: unknown][] {
  return Object.entries(table).map(([field, property]) => [field, property, values[field] ?? property.start]);
}

/** The columns of a table, as a Get- cmdlet prints them. */
export function printed(table: Table, { mailbox }: MailboxRecipient, directory: Directory): Record<string, unknown> {
  const row: Record<string, unknown> = {};
  for (const [, { column, print }, value] of valuesOf(table, mailbox)) {
    row[column] = print(value, directory);
  }
  return row;
}

/** What filters compare of a column; undefined = what is printed. */
export function compared(column: string, { mailbox }: MailboxRecipient, directory: Directory): unknown {
  const [, property, value] =
    valuesOf(mailboxProperties, mailbox).find(([, each]) => each.column.toLowerCase() === column.toLowerCase()) ?? [];
  return property?.compared?.(value, directory);
}

/** Writes what a call gives of a table's properties. */
export function write(table: Table, change: Change): void {
  const after: Record<string, unknown> = change.after.mailbox;
  for (const [field, property, value] of valuesOf(table, after)) {
    if (property.written !== undefined && change.bound.has(property.column)) {
      after[field] = property.written(change, value);
    }
  }
}

/** The parameters of a table's properties. */
export function parametersOf(table: Table): Record<string, Parameter> {
  return Object.fromEntries(
    Object.values(table).flatMap(({ column, parameter }) => (parameter === undefined ? [] : [[column, parameter]])),
  );
}

/** The columns of a table that filters may name. */
export function filterableIn(table: Table): string[] {
  return Object.values(table).flatMap(({ column, isFilterable: is }) => (is ? [column] : []));
}

function forwardingSmtpAddress(value: string): string {
  const { prefix, address: plain } = splitPrefix(value);
  if ((prefix !== "" && prefix.toLowerCase() !== "smtp") || !isSmtpAddress(plain)) {
    throw invalidProperty("ForwardingSmtpAddress", `The address "${value}" isn't a valid SMTP address.`);
  }
  return `smtp:${plain}`;
}

function mailTip(given: string): string {
  if (displayedText(given).length > 175) {
    throw invalidProperty("MailTip", "The MailTip is longer than the 175 characters that can be displayed.");
  }
  return wrapHtml(given);
}

function withinLicense(value: Size, { latest, user }: Change, column: string): void {
  const { largestQuota } = entitlementOf(latest, user);
  if (bytes(value) > largestQuota) {
    throw aboveLicense(column, formatSize(value), formatSize(largestQuota));
  }
}

/** A size as a number that compares. */
export function bytes(value: Size): number {
  return value === "unlimited" ? Number.POSITIVE_INFINITY : value;
}

function holdOrRelease(isHeld: boolean, { latest, before, after: { mailbox }, user }: Change): void {
  // @documented exchange.delay-hold: Lifting litigation hold leaves a delay hold [Manage hold types]
  if (isHeld && !entitlementOf(latest, user).archiveAndHold) {
    throw licenseNeeded("Litigation hold", before.name);
  }
  if (isHeld !== mailbox.litigationHoldEnabled) {
    mailbox.litigationHoldDate = isHeld ? latest.tenant.timestamp() : null;
    // For 30 days after a hold is lifted the content is still kept.
    mailbox.delayHoldApplied = !isHeld;
    mailbox.litigationHoldDuration = isHeld ? mailbox.litigationHoldDuration : null;
  }
}

function requireDelegate(one: Directory["recipients"][number]): void {
  if (!isSecurityPrincipal(one)) {
    throw invalidDelegate(one.displayName);
  }
}

function requireSender(one: Directory["recipients"][number], column: string): void {
  if (isGroup(one)) {
    throw invalidSender(column, one.displayName, "a mailbox, a mail user or a mail contact");
  }
}

function requireGroup(one: Directory["recipients"][number], column: string): void {
  if (!isGroup(one)) {
    throw invalidSender(column, one.displayName, "a group");
  }
}

/** The Name of a recipient another one refers to, or null when it is no longer there. */
function nameOf(value: string | null, directory: Directory): string | null {
  return value === null ? null : (namesOf([value], directory)[0] ?? null);
}

function namesOf(guids: readonly string[], directory: Directory): string[] {
  // @observed exchange.forwarding-printed-name: ForwardingAddress, GrantSendOnBehalfTo and the lists of senders are printed as the
  // recipients' Name [CIPP; public scripts that give the lists of senders to Get-Recipient]
  return guids.flatMap((each) => {
    const one = directory.byGuid(each);
    return one === undefined || directory.isSoftDeleted(one) ? [] : [one.name];
  });
}

function distinguishedNames(guids: readonly string[], directory: Directory): string[] {
  return guids.flatMap((each) => {
    const one = directory.byGuid(each);
    return one === undefined ? [] : [directory.distinguishedName(one)];
  });
}

function guidOrNone(value: string | null): unknown {
  return guid(value ?? noGuid);
}
