/** How a review says things: the words, and what a kind has to say of its resources. */
import type { Directory, Place } from "./places";
import type { ResourceChange } from "./preview";
import { SECRET, UNKNOWN } from "./rules";

/** A text that was read and not written by this program: it is escaped wherever it is shown. */
export interface Foreign {
  text: string;
}

/** Words of this program, with foreign texts among them. */
export type Words = readonly (string | Foreign)[];

/** Something that happens to a mailbox or record: a code of `HAPPENINGS`, which raises a flag where it is one of those, and the words. */
export interface Happening {
  code: string;
  what: Words;
}

/** Where mail of a mailbox goes, before and after. */
export interface MailChange {
  /** The mailbox; undefined for that of the resource. */
  mailbox?: Words;
  /** What of it. */
  what: string;
  before: Words;
  after: Words;
  /** The flag that it raises. */
  code?: "source-added";
}

/** A licence that a mailbox begins or ceases to need. */
export interface Seat {
  sku: string;
  is: "needed" | "freed";
}

/** What a kind says of its resources in a review. */
export interface KindReview {
  /** Whether it is a mailbox of the tenant, with `primarySmtpAddress` and `displayName`. Its id is that of the mailbox. */
  readonly isMailbox?: true;
  /**
   * For a kind that gives access: the rights that it gives somebody, by Exchange's words, each with its value, which may be the mark of
   * what is secret or not known. Such a kind has the inputs `mailbox` and `members`, a map of people, and the outputs `mailboxId` and
   * `memberIds`.
   *
   * @param given the value of one member.
   */
  readonly rights?: (given: unknown) => [right: string, value: unknown][];
  /** What happens to a resource that is about to change, beside its properties. */
  happenings(change: ResourceChange, changes: readonly ResourceChange[]): Happening[];
  /** Where mail goes. Only what differs is shown. */
  mail?(change: ResourceChange, directory: Directory): MailChange[];
  /** Addresses at which it receives mail no longer, and why. */
  bouncing?(change: ResourceChange): { address: string; why: string }[];
  seats?(change: ResourceChange): Seat[];
}

/** What stands for nothing in a table. */
export const NONE: Words = ["–"];

/** The longest value that is shown. */
const LONGEST = 80;

export function short(given: unknown): string | Foreign {
  if (given === undefined) {
    return "–";
  }
  const text = typeof given === "string" ? given : JSON.stringify(given);
  return value([...text].length > LONGEST ? `${[...text].slice(0, LONGEST).join("")}…` : text);
}

export function value(text: string): string | Foreign {
  return text === SECRET ? "a secret" : text.includes(UNKNOWN) ? "not known yet" : foreign(text);
}

export function plural(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}

export function resource({ kind, name }: ResourceChange): Words {
  return [`${kind} `, foreign(name)];
}

export function named({ address, displayName }: Place): Words {
  return displayName === undefined || displayName === address
    ? [foreign(address)]
    : [foreign(displayName), " ", foreign(address)];
}

export function foreign(text: string): Foreign {
  return { text };
}

export function joined(list: readonly Words[]): Words {
  return list.flatMap((words, index) => (index === 0 ? words : ["; ", ...words]));
}

export function distinct(list: readonly Words[]): Words[] {
  return [...new Map(list.map((words) => [JSON.stringify(words), words])).values()];
}
