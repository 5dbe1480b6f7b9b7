import type { InboxRule, Message } from "../model";
import { addressOf } from "./messages";

type Mail = Pick<Message, "from" | "to" | "subject" | "attachment" | "receivedDateTime">;

/** Tests by predicate: the message, the predicate's value, the addresses of the mailbox. */
const tests: Record<string, (mail: Mail, value: unknown, own: readonly string[]) => boolean> = {
  subjectContains: (mail, value) => containsAny(mail.subject, value),
  // A delivered message has no body: its subject is all there is to search.
  bodyOrSubjectContains: (mail, value) => containsAny(mail.subject, value),
  bodyContains: () => false,
  senderContains: (mail, value) => containsAny(mail.from, value),
  recipientContains: (mail, value) => containsAny(mail.to, value),
  fromAddresses: (mail, value) => isAmong(mail.from, value),
  sentToAddresses: (mail, value) => isAmong(mail.to, value),
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
export function ruleApplies(rule: InboxRule, mail: Mail, own: readonly string[]): boolean | string {
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

function isAmong(address: string, recipients: unknown): boolean {
  return (
    Array.isArray(recipients) &&
    recipients.some((recipient) => addressOf(recipient)?.toLowerCase() === address.toLowerCase())
  );
}
