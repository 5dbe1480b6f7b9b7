/** What a review is written with: where resources stand in the tenant, the words, and what a kind has to say of its resources. */
import type { ResourceChange, Side } from "./preview";
import { deletionMode, SECRET, UNKNOWN } from "./rules";

/** A mailbox as a reviewer knows it. */
export interface Place {
  /** The object id, or the URN of a mailbox that is yet to be made. */
  key: string;
  /** The primary address, or what is known in its place. */
  address: string;
  displayName?: string;
  /** Whether it shows which mailbox it is. */
  isKnown: boolean;
}

/** Names of what is in the stack, by id and by URN. */
export interface Directory {
  /** Object id by address or other text. */
  ids: ReadonlyMap<string, string>;
  /** A text for an object id: an address where there is one. */
  texts: ReadonlyMap<string, string>;
  /** Display name by object id. */
  displayNames: ReadonlyMap<string, string>;
  /** Mailboxes of the program by URN. */
  mailboxes: ReadonlyMap<string, Place>;
  /** The same by key. */
  places: ReadonlyMap<string, Place>;
  /** URNs of mailboxes by key. */
  urns: ReadonlyMap<string, readonly string[]>;
  /** Object ids of members that are groups, as far as states know it. */
  groups: ReadonlySet<string>;
}

/** Whether a change takes a mailbox away. */
export function isGone({ op, before }: ResourceChange): boolean {
  return (op === "delete" || op === "replace") && before !== undefined && !staysInTenant(before);
}

/** Whether a mailbox stays in the tenant when its resource goes. */
export function staysInTenant({ inputs, outputs, retainOnDelete }: Side): boolean {
  const mode = deletionMode(outputs ?? inputs) ?? deletionMode(inputs);
  return retainOnDelete === true || mode === "retain" || (mode === undefined && outputs?.created === false);
}

/** Whether a creation brings back a deleted mailbox. */
export function isRestored(side: Side | undefined): boolean {
  const { restoreDeleted } = side?.inputs ?? {};
  return restoreDeleted === true || typeof restoreDeleted === "string";
}

/** The mailbox that a membership is on. */
export function placeOf({ before, after }: ResourceChange, which: "before" | "after", directory: Directory): Place {
  const side = which === "before" ? before : after;
  const { mailbox } = side?.inputs ?? {};
  const known = which === "before" ? (side?.outputs?.mailboxId ?? side?.id) : undefined;
  const [from] = (side?.propertyDependencies?.mailbox ?? []).flatMap((urn) => directory.mailboxes.get(urn) ?? []);
  if (typeof known !== "string" && (typeof mailbox !== "string" || mailbox === UNKNOWN)) {
    return from ?? { key: `?${side?.urn}`, address: "a mailbox that is not known yet", isKnown: false };
  }
  const key = typeof known === "string" ? known : (directory.ids.get(String(mailbox)) ?? String(mailbox));
  return directory.places.get(key) ?? { key, address: directory.texts.get(key) ?? String(mailbox), isKnown: true };
}

/** Whether Pulumi forgets a resource without asking the provider to delete it: nobody loses anything by that. */
export function isForgottenByPulumi({ before }: ResourceChange, changes: readonly ResourceChange[]): boolean {
  const { retainOnDelete, deletedWith } = before ?? {};
  return (
    retainOnDelete === true ||
    (deletedWith !== undefined &&
      changes.some(({ op, before: other }) => op === "delete" && other?.urn === deletedWith))
  );
}

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

/** A text on one line, without what a terminal would act on, or what turns the reading direction or hides half of a name. */
export function oneLine(text: string): string {
  return text.replace(/[\s\p{Zl}\p{Zp}]+/gu, " ").replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Co}]/gu, "\ufffd");
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

export function joined(list: readonly Words[], between = "; "): Words {
  return list.flatMap((words, index) => (index === 0 ? words : [between, ...words]));
}

export function distinct(list: readonly Words[]): Words[] {
  return [...new Map(list.map((words) => [JSON.stringify(words), words])).values()];
}
