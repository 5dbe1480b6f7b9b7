import Table from "cli-table3";
import { dataverseTables, never } from "./dataverse/columns";
import type { EmailServerProfileRow, MailboxRow, QueueRow } from "./dataverse/schema";
import { primaryAddress } from "./directory";
import { type InboxRule, type Permission, type Recipient, tables, type User } from "./model";
import { names } from "./values";

/** The tenant's rows by table and key, as `GET /_tenant/state` answers them. */
export type State = Partial<Record<string, Record<string, unknown>>>;

/** A mailbox as it is shown. */
export interface ShownMailbox {
  address: string;
  /** Its display name. */
  name: string;
  /** `UserMailbox`, `SharedMailbox`, …, with "(deleted)" while it can be restored. */
  type: string;
  signIn: "allowed" | "blocked";
  /** Whether address lists leave it out. */
  hidden: boolean;
  /** Where its mail is forwarded; "" when nowhere. */
  forwarding: string;
}

/** Who may use a mailbox, and how; one row for each mailbox and trustee. */
export interface ShownGrant {
  /** Address of the mailbox. */
  mailbox: string;
  /** Address of who has the access; their SID when they have no address. */
  trustee: string;
  fullAccess: boolean;
  sendAs: boolean;
  sendOnBehalf: boolean;
}

/** A forward mailbox of Dynamics. */
export interface ShownForwardMailbox {
  name: string;
  address: string;
  /** Name of its email server profile. */
  profile: string;
  /** Incoming email delivery method: `None`, `Outlook`, `ServerSideSynchronization` or `ForwardMailbox`. */
  incoming: string;
  /** `Approved`, `Pending`, `Rejected`, or "" when it never was asked for. */
  approved: string;
  /** Test & Enable: `NotRun`, `Success` or `Failure`. */
  test: string;
  /** ISO 8601, or "" when never. */
  testedOn: string;
}

/** A public queue of Dynamics. */
export interface ShownQueue {
  name: string;
  /** "" when it has none. */
  address: string;
  /** Incoming email delivery method, in the words of a forward mailbox. */
  incoming: string;
  /** As of a forward mailbox. */
  approved: string;
}

/** An inbox rule. */
export interface ShownRule {
  /** Address of the mailbox. */
  mailbox: string;
  name: string;
  /** What it does, with the addresses it sends to, and "(off)". */
  target: string;
}

/** A tenant at one look: what `mailboxes tenant show` prints. */
export interface Overview {
  mailboxes: ShownMailbox[];
  grants: ShownGrant[];
  forwardMailboxes: ShownForwardMailbox[];
  /** Without the private queues that Dataverse makes for each user and team. */
  queues: ShownQueue[];
  inboxRules: ShownRule[];
}

const incomingMethods = ["None", "Outlook", "ServerSideSynchronization", "ForwardMailbox"];
const approvals = ["", "Approved", "Pending", "Rejected"];
const testStatuses = ["NotRun", "Success", "Failure"];

/** The tenant as an administrator would look at it, by address and sorted; the same for the same rows. */
export function overview(state: State): Overview {
  const recipients = rowsOf<Recipient>(state, tables.recipients);
  const users = new Map(rowsOf<User>(state, tables.users).map((user) => [user.id, user]));
  const byGuid = new Map(recipients.map((recipient) => [recipient.guid, recipient]));
  const byObjectId = new Map(recipients.map((recipient) => [recipient.externalDirectoryObjectId, recipient]));
  const nameOf = (guid: string): string => addressOf(byGuid.get(guid)) ?? guid;
  return {
    mailboxes: recipients
      .filter(hasMailbox)
      .map((recipient) => mailboxOf(recipient, users, nameOf))
      .sort(by("address")),
    grants: grantsOf(state, recipients).sort(by("mailbox", "trustee")),
    forwardMailboxes: forwardMailboxesOf(state).sort(by("address", "name")),
    queues: queuesOf(state).sort(by("address", "name")),
    inboxRules: rowsOf<InboxRule>(state, tables.rules)
      .map((rule) => ({
        mailbox: addressOf(byObjectId.get(rule.mailbox)) ?? users.get(rule.mailbox)?.userPrincipalName ?? rule.mailbox,
        name: rule.displayName,
        target: targetOf(rule),
      }))
      .sort(by("mailbox", "name")),
  };
}

type MailboxRecipient = Recipient & Required<Pick<Recipient, "mailbox">>;

function hasMailbox(recipient: Recipient): recipient is MailboxRecipient {
  return recipient.mailbox !== undefined;
}

function mailboxOf(
  recipient: MailboxRecipient,
  users: ReadonlyMap<string, User>,
  nameOf: (guid: string) => string,
): ShownMailbox {
  const { mailbox } = recipient;
  const isEnabled = users.get(recipient.externalDirectoryObjectId)?.accountEnabled === true;
  const target =
    mailbox.forwardingAddress === null
      ? (mailbox.forwardingSmtpAddress ?? "").replace(/^smtp:/i, "")
      : nameOf(mailbox.forwardingAddress);
  return {
    address: addressOf(recipient) ?? "",
    name: recipient.displayName,
    type: recipient.recipientTypeDetails + (mailbox.whenSoftDeleted === null ? "" : " (deleted)"),
    signIn: isEnabled ? "allowed" : "blocked",
    hidden: recipient.hiddenFromAddressListsEnabled,
    forwarding: target === "" || !mailbox.deliverToMailboxAndForward ? target : `${target} (copy kept)`,
  };
}

function grantsOf(state: State, recipients: readonly Recipient[]): ShownGrant[] {
  const grants = new Map<string, ShownGrant>();
  const bySid = new Map(recipients.map((recipient) => [recipient.sid, recipient]));
  const byGuid = new Map(recipients.map((recipient) => [recipient.guid, recipient]));
  const grant = (mailbox: string, trustee: string): ShownGrant => {
    const key = `${mailbox} ${trustee}`;
    const known = grants.get(key) ?? { mailbox, trustee, fullAccess: false, sendAs: false, sendOnBehalf: false };
    grants.set(key, known);
    return known;
  };
  for (const row of rowsOf<Permission>(state, tables.permissions)) {
    const mailbox = byGuid.get(row.mailbox);
    // What a mailbox grants itself and what is denied is nobody's access.
    if (row.sid === "S-1-5-10" || row.deny || mailbox === undefined || mailbox.mailbox?.whenSoftDeleted) {
      continue;
    }
    const shown = grant(addressOf(mailbox) ?? mailbox.displayName, addressOf(bySid.get(row.sid)) ?? row.sid);
    shown.fullAccess ||= row.kind === "mailbox" && row.accessRights.includes("FullAccess");
    shown.sendAs ||= row.kind === "sendAs" && row.accessRights.includes("SendAs");
  }
  for (const recipient of recipients) {
    for (const guid of recipient.mailbox?.whenSoftDeleted ? [] : (recipient.mailbox?.grantSendOnBehalfTo ?? [])) {
      grant(addressOf(recipient) ?? recipient.displayName, addressOf(byGuid.get(guid)) ?? guid).sendOnBehalf = true;
    }
  }
  return [...grants.values()].filter((row) => row.fullAccess || row.sendAs || row.sendOnBehalf);
}

function forwardMailboxesOf(state: State): ShownForwardMailbox[] {
  const profiles = rowsOf<EmailServerProfileRow>(state, dataverseTables.emailserverprofile);
  return rowsOf<MailboxRow>(state, dataverseTables.mailbox)
    .filter((row) => row.isforwardmailbox)
    .map((row) => ({
      name: row.name,
      address: row.emailaddress ?? "",
      profile: profiles.find((each) => each.emailserverprofileid === row.emailserverprofile?.id)?.name ?? "",
      incoming: incomingMethods[row.incomingemaildeliverymethod] ?? "",
      approved: approvals[row.emailrouteraccessapproval] ?? "",
      test: testStatuses[row.incomingemailstatus] ?? "",
      testedOn: row.testmailboxaccesscompletedon === never ? "" : row.testmailboxaccesscompletedon,
    }));
}

function queuesOf(state: State): ShownQueue[] {
  return rowsOf<QueueRow>(state, dataverseTables.queue)
    .filter((row) => row.queueviewtype === 0)
    .map((row) => ({
      name: row.name,
      address: row.emailaddress ?? "",
      incoming: incomingMethods[row.incomingemaildeliverymethod] ?? "",
      approved: approvals[row.emailrouteraccessapproval] ?? "",
    }));
}

/** What a rule does with a message, with the addresses it sends it to. */
function targetOf(rule: InboxRule): string {
  const actions = Object.entries(rule.actions).filter(([, value]) => value !== null && value !== false);
  const sending = actions.filter(([name]) => /^(forwardTo|forwardAsAttachmentTo|redirectTo)$/.test(name));
  const shown =
    sending.length > 0
      ? sending.map(([name, to]) => `${name} ${addressesIn(to).join(", ")}`)
      : actions.map(([name]) => name);
  return shown.join("; ") + (rule.isEnabled ? "" : " (off)");
}

function addressesIn(recipients: unknown): string[] {
  return (Array.isArray(recipients) ? recipients : []).map(({ emailAddress }) => String(emailAddress?.address ?? "?"));
}

function rowsOf<T>(state: State, table: string): T[] {
  return Object.values(state[table] ?? {}) as T[];
}

function addressOf(recipient: Recipient | undefined): string | undefined {
  return recipient && primaryAddress(recipient);
}

function by<K extends string>(...keys: K[]): (a: Record<K, string>, b: Record<K, string>) => number {
  return (a, b) => {
    const differing = keys.find((key) => a[key] !== b[key]);
    return differing === undefined ? 0 : a[differing] < b[differing] ? -1 : 1;
  };
}

/** The overview as tables for a terminal; without colours, which a pipe would keep. */
export function printed(shown: Overview): string {
  const yes = (value: boolean): string => (value ? "yes" : "");
  return [
    table(
      "Mailboxes",
      ["Address", "Name", "Type", "Sign-in", "Hidden", "Forwarding"],
      shown.mailboxes.map((row) => [row.address, row.name, row.type, row.signIn, yes(row.hidden), row.forwarding]),
    ),
    table(
      "Grants",
      ["Mailbox", "Trustee", "Full Access", "Send As", "Send on Behalf"],
      shown.grants.map(({ mailbox, trustee, ...rights }) => [mailbox, trustee, ...Object.values(rights).map(yes)]),
    ),
    table(
      "Forward mailboxes",
      ["Name", "Address", "Profile", "Incoming", "Approved", "Test", "Tested on"],
      shown.forwardMailboxes.map((row) => Object.values(row)),
    ),
    table(
      "Queues",
      ["Name", "Address", "Incoming", "Approved"],
      shown.queues.map((row) => [row.name, row.address, row.incoming, row.approved]),
    ),
    table(
      "Inbox rules",
      ["Mailbox", "Name", "Target"],
      shown.inboxRules.map((row) => [row.mailbox, row.name, row.target]),
    ),
  ].join("\n");
}

function table(title: string, head: string[], rows: string[][]): string {
  if (rows.length === 0) {
    return `${title}: none\n`;
  }
  const isTerminal = process.stdout.isTTY === true && process.env.NO_COLOR === undefined;
  const drawn = new Table({
    head,
    chars: plainBorders,
    style: { head: isTerminal ? ["bold"] : [], border: [], compact: true },
  });
  drawn.push(...rows);
  return `${title}\n${drawn.toString()}\n`;
}

const plainBorders = Object.fromEntries([
  ...names("top bottom mid").map((part) => [part, "-"]),
  ...names("left right middle").map((part) => [part, "|"]),
  ...names("top-mid top-left top-right bottom-mid bottom-left bottom-right left-mid mid-mid right-mid").map((part) => [
    part,
    "+",
  ]),
]);
