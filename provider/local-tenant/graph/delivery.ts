import { randomUUID } from "node:crypto";
import { addressed, isLive, primaryAddress, smtpAddresses } from "../directory";
import type { Answer } from "../message";
import { type Group, type InboxRule, type MailboxFields, type Message, type Recipient, tables } from "../model";
import type { Tenant } from "../tenant";
import { isPlainObject } from "../values";
import { recipientOf, requireMailbox } from "./directory";
import { requestBodyRead } from "./errors";
import { addressOf, folderNamed } from "./messages";
import { bodyOf, type GraphRequest } from "./request";

/** A message on its way. */
export interface Envelope {
  from: string;
  to: string;
  subject: string;
}

/** One thing that happened to a message, in order. */
export interface DeliveryStep {
  action:
    | "delivered"
    | "expanded"
    | "forwarded"
    | "ruleForwarded"
    | "ruleForwardedAsAttachment"
    | "ruleRedirected"
    | "ruleMoved"
    | "ruleDeleted"
    | "ruleSkipped"
    | "stopped"
    | "notDelivered"
    | "loop";
  /** The address the step happened at. */
  address: string;
  /** Where to, by which rule or why; for people. */
  detail: string;
  /** Entra id of the mailbox and id of the message, when one was stored. */
  mailbox?: string;
  message?: string;
}

interface Transit extends Envelope {
  attachment: Message["attachment"];
  /** Mailboxes whose rules this message or one it came from has been through: none runs a second time. */
  ruled: readonly string[];
  /** Mailboxes that forwarded it as a whole. */
  forwardedBy: readonly string[];
}

/** Bytes counted for a message. */
const messageSize = 4096;

/**
 * Delivers a message as Exchange does: finds the recipient by any of its addresses, forwards as the mailbox says, stores a copy
 * where one is kept, and runs the inbox rules on it in order. Automatic forwarding to outside addresses ends in a non-delivery
 * report, as the outbound spam policy has it by default. Answers what happened, step by step.
 */
export async function deliver(tenant: Tenant, envelope: Envelope): Promise<DeliveryStep[]> {
  const steps: DeliveryStep[] = [];
  transport(tenant, { ...envelope, attachment: null, ruled: [], forwardedBy: [] }, steps, false);
  return steps;
}

/** POST /users/{id}/sendMail: one message to each recipient, delivered at once. Attachments and saved copies are not simulated. */
export async function sendMail(request: GraphRequest): Promise<Answer> {
  const { recipient } = requireMailbox(request);
  const { message } = bodyOf(request);
  if (!isPlainObject(message) || !Array.isArray(message.toRecipients) || message.toRecipients.length === 0) {
    throw requestBodyRead("The message needs at least one recipient in 'toRecipients'.");
  }
  const subject = typeof message.subject === "string" ? message.subject : "";
  const addresses = message.toRecipients.map((given) => {
    const address = isPlainObject(given) && isPlainObject(given.emailAddress) ? given.emailAddress.address : undefined;
    if (typeof address !== "string" || !/^[^@\s]+@[^@\s]+$/.test(address)) {
      throw requestBodyRead("A recipient has no emailAddress with an address.");
    }
    return address;
  });
  for (const to of addresses) {
    await deliver(request.tenant, { from: primaryAddress(recipient) ?? "", to, subject });
  }
  return { status: 202 };
}

function transport(tenant: Tenant, transit: Transit, steps: DeliveryStep[], isAutomatic: boolean): void {
  // @assumed graph.rules-forwarded-mailbox: Inbox rules do not run where the mailbox forwards without a copy [nothing arrives in
  // the inbox]
  const recipient = addressed(tenant, transit.to);
  if (recipient === undefined || isOutside(recipient)) {
    steps.push(outside(tenant, transit, recipient, isAutomatic));
    return;
  }
  if (recipient.mailbox === undefined) {
    const members = tenant.store.get<Group>(tables.groups, recipient.externalDirectoryObjectId)?.members ?? [];
    steps.push({ action: "expanded", address: transit.to, detail: `group of ${members.length}` });
    for (const member of members) {
      const one = recipientOf(tenant, member);
      const address = one === undefined || !isLive(one) ? undefined : primaryAddress(one);
      if (address !== undefined) {
        transport(tenant, { ...transit, to: address }, steps, isAutomatic);
      }
    }
    return;
  }
  const refusal = whyRefused(tenant, recipient.mailbox, transit.from);
  if (refusal !== undefined) {
    steps.push({ action: "notDelivered", address: transit.to, detail: `550 ${refusal}` });
    return;
  }
  const isGone = forwardsOnly(tenant, recipient, recipient.mailbox, transit, steps);
  if (!isGone || tenant.isContrary("graph.rules-forwarded-mailbox")) {
    store(tenant, recipient, transit, steps);
  }
}

/** Why a mailbox takes no mail of a sender; undefined when it does. The organisation's own mailboxes are authenticated senders. */
function whyRefused(tenant: Tenant, mailbox: MailboxFields, from: string): string | undefined {
  // @documented graph.refused-senders: A mailbox that wants authenticated senders refuses outside ones with 550 5.7.134, one with
  // lists of senders others with 550 5.7.129 [Set-Mailbox; non-delivery reports in Exchange Online]
  const sender = addressed(tenant, from);
  if (mailbox.requireSenderAuthenticationEnabled && sender?.mailbox === undefined) {
    return "5.7.134 RESOLVER.RST.SenderNotAuthenticatedForMailbox; authentication required";
  }
  const isAmong = (people: readonly string[] = [], groups: readonly string[] = []): boolean =>
    sender !== undefined &&
    (people.includes(sender.guid) || groups.some((group) => isMember(tenant, group, sender.externalDirectoryObjectId)));
  const accepted = [mailbox.acceptMessagesOnlyFrom, mailbox.acceptMessagesOnlyFromDLMembers] as const;
  const isRestricted = accepted.some((list) => list?.length);
  return (isRestricted && !isAmong(...accepted)) ||
    isAmong(mailbox.rejectMessagesFrom, mailbox.rejectMessagesFromDLMembers)
    ? "5.7.129 RESOLVER.RST.RestrictedToRecipientsPermission; not authorized to send to the recipient"
    : undefined;
}

/** Whether a group, named by the guid of its recipient, has a member. */
function isMember(tenant: Tenant, group: string, id: string): boolean {
  const recipient = tenant.store.get<Recipient>(tables.recipients, group);
  const row = tenant.store.get<Group>(tables.groups, recipient?.externalDirectoryObjectId ?? "");
  return row?.members.includes(id) === true;
}

/** Forwards as the mailbox says; true when no copy is kept. */
function forwardsOnly(
  tenant: Tenant,
  recipient: Recipient,
  mailbox: MailboxFields,
  transit: Transit,
  steps: DeliveryStep[],
): boolean {
  const target = forwardingTarget(tenant, mailbox);
  if (target === undefined) {
    return false;
  }
  if (transit.forwardedBy.includes(recipient.guid)) {
    steps.push({
      action: "loop",
      address: transit.to,
      detail: "554 5.4.14 Hop count exceeded - possible mail loop: forwarded by this mailbox before",
    });
    return true;
  }
  steps.push({ action: "forwarded", address: transit.to, detail: `to ${target}` });
  transport(tenant, { ...transit, to: target, forwardedBy: [...transit.forwardedBy, recipient.guid] }, steps, true);
  return !mailbox.deliverToMailboxAndForward;
}

/** ForwardingAddress wins over ForwardingSmtpAddress. */
function forwardingTarget(tenant: Tenant, mailbox: MailboxFields): string | undefined {
  // @documented graph.forwarding-precedence: ForwardingAddress wins over ForwardingSmtpAddress; without a copy kept nothing is
  // stored [Exchange: Set-Mailbox]
  if (mailbox.forwardingAddress !== null) {
    const recipient = tenant.store.get<Recipient>(tables.recipients, mailbox.forwardingAddress);
    return recipient === undefined ? undefined : primaryAddress(recipient);
  }
  return mailbox.forwardingSmtpAddress?.replace(/^smtp:/i, "");
}

/** Stores the message and runs the mailbox's rules on it. */
function store(tenant: Tenant, recipient: Recipient, transit: Transit, steps: DeliveryStep[]): void {
  // @documented graph.rules-run: Rules run in order until one stops; a message passes a mailbox's rules once [Exchange: inbox
  // rules, loop prevention]
  const owner = recipient.externalDirectoryObjectId;
  const message: Message = {
    id: randomUUID(),
    mailbox: owner,
    receivedDateTime: tenant.timestamp(),
    from: transit.from,
    to: transit.to,
    subject: transit.subject,
    attachment: transit.attachment,
  };
  tenant.store.commit([
    [tables.messages, message.id, message],
    [tables.recipients, recipient.guid, counted(tenant, recipient, 1)],
  ]);
  steps.push({
    action: "delivered",
    address: transit.to,
    detail: `${transit.subject}${transit.attachment === null ? "" : " with the original attached"}`,
    mailbox: owner,
    message: message.id,
  });
  const rules = tenant.store
    .all<InboxRule>(tables.rules)
    .filter((rule) => rule.mailbox === owner && rule.isEnabled && !rule.hasError)
    .sort((a, b) => a.sequence - b.sequence);
  if (rules.length > 0 && transit.ruled.includes(owner)) {
    steps.push({ action: "loop", address: transit.to, detail: "rules of this mailbox ran on the message before" });
    return;
  }
  const after: Transit = { ...transit, ruled: [...transit.ruled, owner] };
  for (const rule of rules) {
    const verdict = ruleApplies(rule, message, smtpAddresses(recipient));
    if (typeof verdict === "string") {
      steps.push({ action: "ruleSkipped", address: transit.to, detail: `${rule.displayName}: ${verdict}` });
    } else if (verdict) {
      act(tenant, rule, recipient, message, after, steps);
      if (rule.actions.stopProcessingRules === true) {
        steps.push({ action: "stopped", address: transit.to, detail: `${rule.displayName}: no further rules` });
        return;
      }
    }
  }
}

function act(
  tenant: Tenant,
  rule: InboxRule,
  recipient: Recipient,
  message: Message,
  transit: Transit,
  steps: DeliveryStep[],
): void {
  const self = primaryAddress(recipient) ?? transit.to;
  const send = (action: DeliveryStep["action"], targets: unknown, build: (to: string) => Transit) => {
    for (const to of addressesIn(targets)) {
      steps.push({ action, address: transit.to, detail: `${rule.displayName}: to ${to}` });
      transport(tenant, build(to), steps, true);
    }
  };
  send("ruleForwardedAsAttachment", rule.actions.forwardAsAttachmentTo, (to) => ({
    ...transit,
    from: self,
    to,
    subject: `FW: ${transit.subject}`,
    attachment: { from: transit.from, to: transit.to, subject: transit.subject },
  }));
  send("ruleForwarded", rule.actions.forwardTo, (to) => ({
    ...transit,
    from: self,
    to,
    subject: `FW: ${transit.subject}`,
  }));
  send("ruleRedirected", rule.actions.redirectTo, (to) => ({ ...transit, to }));
  file(tenant, rule, recipient, message, steps);
}

/** Moves, copies or deletes the stored message. */
function file(tenant: Tenant, rule: InboxRule, recipient: Recipient, message: Message, steps: DeliveryStep[]): void {
  const { actions } = rule;
  const address = message.to;
  if (typeof actions.copyToFolder === "string") {
    const copy: Message = { ...message, id: randomUUID(), folder: folderIn(message, actions.copyToFolder) };
    tenant.store.put(tables.messages, copy.id, copy);
    steps.push({ action: "ruleMoved", address, detail: `${rule.displayName}: a copy to ${actions.copyToFolder}` });
  }
  if (actions.permanentDelete === true) {
    const current = tenant.store.get<Recipient>(tables.recipients, recipient.guid) ?? recipient;
    tenant.store.commit([
      [tables.messages, message.id, null],
      [tables.recipients, recipient.guid, counted(tenant, current, -1)],
    ]);
    steps.push({ action: "ruleDeleted", address, detail: `${rule.displayName}: for good` });
    return;
  }
  const folder =
    actions.delete === true
      ? "deleteditems"
      : typeof actions.moveToFolder === "string"
        ? folderIn(message, actions.moveToFolder)
        : undefined;
  if (folder !== undefined) {
    tenant.store.put(tables.messages, message.id, { ...message, folder });
    const action = actions.delete === true ? "ruleDeleted" : "ruleMoved";
    steps.push({ action, address, detail: `${rule.displayName}: to ${folder}` });
  }
}

/** A folder that is not there keeps the text the rule has. */
function folderIn(message: Message, folder: string): string {
  return folderNamed(message.mailbox, folder) ?? folder.toLowerCase();
}

function counted(tenant: Tenant, recipient: Recipient, by: 1 | -1): Recipient {
  const current = tenant.store.get<Recipient>(tables.recipients, recipient.guid) ?? recipient;
  if (current.mailbox === undefined) {
    return current;
  }
  return {
    ...current,
    mailbox: {
      ...current.mailbox,
      itemCount: Math.max(0, current.mailbox.itemCount + by),
      totalItemSize: Math.max(0, current.mailbox.totalItemSize + by * messageSize),
    },
  };
}

function outside(
  tenant: Tenant,
  transit: Transit,
  recipient: Recipient | undefined,
  isAutomatic: boolean,
): DeliveryStep {
  // @documented graph.external-forwarding: Automatic forwarding to the outside ends in 550 5.7.520 [Defender for Office 365:
  // external email forwarding]
  const domain = transit.to.split("@")[1]?.toLowerCase() ?? "";
  const isOurs = tenant.store
    .all<{ domainName: string }>(tables.domains)
    .some((one) => one.domainName.toLowerCase() === domain);
  if (recipient === undefined && isOurs) {
    return {
      action: "notDelivered",
      address: transit.to,
      detail: `550 5.1.10 RESOLVER.ADR.RecipientNotFound; to ${transit.from}`,
    };
  }
  if (isAutomatic) {
    return {
      action: "notDelivered",
      address: transit.to,
      detail: "550 5.7.520 Access denied, Your organization does not allow external forwarding.",
    };
  }
  return { action: "delivered", address: recipient?.externalEmailAddress ?? transit.to, detail: "left the tenant" };
}

/** Mail users, guests and contacts have their mailbox elsewhere. */
function isOutside(recipient: Recipient): boolean {
  return ["MailUser", "GuestMailUser", "MailContact"].includes(recipient.recipientTypeDetails);
}

function addressesIn(targets: unknown): string[] {
  return Array.isArray(targets) ? targets.map(addressOf).filter((address) => address !== undefined) : [];
}

type Mail = Pick<Message, "from" | "to" | "subject" | "attachment" | "receivedDateTime">;

/** Tests by predicate: the message, the predicate's value, the addresses of the mailbox. */
const tests: Record<string, (mail: Mail, value: unknown, own: readonly string[]) => boolean> = {
  subjectContains: (mail, value) => containsAny(mail.subject, value),
  // A delivered message has no body: its subject is all there is to search.
  bodyOrSubjectContains: (mail, value) => containsAny(mail.subject, value),
  bodyContains: () => false,
  senderContains: (mail, value) => containsAny(mail.from, value),
  recipientContains: (mail, value) => containsAny(mail.to, value),
  fromAddresses: (mail, value) => isRecipient(mail.from, value),
  sentToAddresses: (mail, value) => isRecipient(mail.to, value),
  sentToMe: (mail, value, own) => own.includes(mail.to.toLowerCase()) === value,
  sentOnlyToMe: (mail, value, own) => own.includes(mail.to.toLowerCase()) === value,
  sentToOrCcMe: (mail, value, own) => own.includes(mail.to.toLowerCase()) === value,
  notSentToMe: (mail, value, own) => !own.includes(mail.to.toLowerCase()) === value,
  sentCcMe: (_, value) => value === false,
  receivedAfterDate: (mail, value) => Date.parse(mail.receivedDateTime) > Date.parse(String(value)),
  receivedBeforeDate: (mail, value) => Date.parse(mail.receivedDateTime) < Date.parse(String(value)),
  hasAttachments: (mail, value) => (mail.attachment !== null) === value,
};

/**
 * Whether a rule applies to a message in the mailbox with these addresses (lower case): all conditions hold and no exception
 * does. Without conditions it applies to every message. A text instead says what of the rule is not simulated.
 */
function ruleApplies(rule: InboxRule, mail: Mail, own: readonly string[]): boolean | string {
  const conditions = Object.entries(rule.conditions ?? {});
  const exceptions = Object.entries(rule.exceptions ?? {});
  const unknown = [...conditions, ...exceptions].find(([name]) => tests[name] === undefined);
  if (unknown !== undefined) {
    return `the predicate ${unknown[0]} is not simulated`;
  }
  const holds = ([name, value]: [string, unknown]) => tests[name]?.(mail, value, own) === true;
  return conditions.every(holds) && !exceptions.some(holds);
}

function containsAny(text: string, words: unknown): boolean {
  return Array.isArray(words) && words.some((word) => text.toLowerCase().includes(String(word).toLowerCase()));
}

function isRecipient(address: string, recipients: unknown): boolean {
  return (
    Array.isArray(recipients) &&
    recipients.some((recipient) => addressOf(recipient)?.toLowerCase() === address.toLowerCase())
  );
}
