import { z } from "zod";
import { daysTo, flag, identifier, identifiers, isDay, isOver, keyed, looksLikeDay } from "../../core/canonical";
import type { Known, Operation } from "../../core/kind";
import { type MemoryOf, remembering } from "../../core/memory";
import { mapOf } from "../../http/json";
import type { Mailbox } from "../../services/mailboxes";
import { type Begun, type Entry, NAMED_RIGHTS, OTHER_RIGHTS, type Right } from "../../services/permissions";
import type { Recipient } from "../../services/recipients";

/** How a member is written, for messages. */
export const MEMBER = "an address, a sign-in name or an object id, e.g. ada@contoso.com";
const MAILBOX = "the mailbox's id, address or sign-in name, e.g. support@contoso.com";

const DAY = "year, month and day, e.g. 2027-01-31";

/** Entries a mailbox's permission list can hold (Microsoft's limit); a group counts as one. */
const MOST_MEMBERS = 500;

const rights = z.strictObject(
  {
    fullAccess: flag().default(true),
    sendAs: flag().default(true),
    sendOnBehalf: flag().default(false),
    automapping: flag().default(true),
    otherRights: z
      .array(z.enum(OTHER_RIGHTS, { error: `must be one of ${OTHER_RIGHTS.join(", ")}` }), {
        error: `must be a list of ${OTHER_RIGHTS.join(", ")}`,
      })
      .transform((list) => [...new Set(list)].sort())
      .optional(),
    until: z
      .string({ error: `must be text: ${DAY}` })
      .transform((value) => value.trim())
      .superRefine((value, context) => {
        if (!isDay(value)) {
          const reason = looksLikeDay(value) ? "is not a day of the calendar" : "is not a date";
          context.addIssue({ code: "custom", message: `${reason}; write ${DAY}` });
        }
      })
      .optional(),
  },
  { error: "must be an object of rights, e.g. { sendAs: false }, or {} for Full Access and Send As" },
);

/** Every input once, with its canonical form and its limits. */
export const schema = z.strictObject({
  mailbox: identifier(MAILBOX),
  members: keyed(MEMBER, rights).refine((members) => Object.keys(members).length <= MOST_MEMBERS, {
    error: `has more than ${MOST_MEMBERS} entries, the most that a mailbox's permission list holds; use mail-enabled security groups`,
  }),
  exclusive: flag().optional(),
  keep: identifiers(MEMBER).optional(),
  allowEmpty: flag().optional(),
  orphans: z
    .enum(["keep", "remove"], { error: 'must be "keep" or "remove" (entries of deleted users and groups)' })
    .optional(),
});

/** Canonical inputs. */
export type MembershipInputs = z.output<typeof schema>;
/** What a member may do. */
export type MemberRights = z.output<typeof rights>;

const byKey = z.record(z.string(), z.string());

/** What a membership remembers; `resource.ts` says what each output is. */
export const memory = remembering(
  {
    mailboxAddresses: z.array(z.string()),
    memberIds: byKey,
    memberSids: z.record(z.string(), z.array(z.string())),
    deletedMembers: byKey,
    otherMembers: z.array(z.string()),
  },
  {
    /** Object id of each one in `keep`, by how it is written there; those that are nobody, or several, are missing. */
    keepIds: byKey,
    /** Who in `keep` was last seen with which SIDs, by how it is written there: a deleted account's entries have nothing else. */
    keepSids: z.record(z.string(), z.object({ id: z.string(), sids: z.array(z.string()) })),
    /** The members that are groups, by their keys: a review counts them apart from people. */
    groups: z.array(z.string()),
  },
);

/** What a membership remembers. */
export type Memory = MemoryOf<typeof memory>;
/** What is known of a membership before the tenant is asked. */
export type KnownMembership = Known<MembershipInputs, Memory>;
/** An operation on a membership. */
export type MembershipOperation = Operation<MembershipInputs, Memory>;

/** A right of the mailbox's own list beside Full Access. */
export type OtherRight = (typeof OTHER_RIGHTS)[number];

/** None of the rights that are read back. */
export const NO_RIGHTS = { fullAccess: false, sendAs: false, sendOnBehalf: false };

/** The rights that are read back; automapping is not. */
export const RIGHTS: readonly Right[] = NAMED_RIGHTS.map(({ right }) => right);

/** Somebody who can hold entries. */
export interface Member extends Recipient {
  /** SIDs by which entries are known, the present one first; none where nobody could tell, and printed names are left to go by. */
  sids: readonly string[];
  /** Whether neither Exchange nor Entra shows it: no entry of it works. */
  isDeleted: boolean;
  /** Whether it is deleted and in the recycle bin: brought back, its entries work again. */
  isRecoverable: boolean;
}

/** The inputs with the mailbox and everybody in them looked up. */
export interface Desired {
  inputs: MembershipInputs;
  mailbox: Mailbox;
  members: Map<string, Member>;
  keep: Kept;
  /** The lists of the mailbox as they are being read since the people were looked up; given once. A later look reads them anew. */
  lists?: () => Begun | undefined;
}

/** The people whose access an exclusive membership leaves alone. */
export interface Kept {
  /** Their object ids by the key in `keep`, where it means one. */
  byKey: Readonly<Record<string, string>>;
  /** All their object ids. */
  ids: ReadonlySet<string>;
  /** Who was last seen with which SIDs, by the key in `keep`: the living, and deleted ones who can be restored. */
  seen: Readonly<Record<string, { id: string; sids: string[] }>>;
  /** What is to say of those who are not certain. */
  remarks: readonly string[];
}

/** Nobody is left alone. */
export const NOBODY: Kept = { byKey: {}, ids: new Set(), seen: {}, remarks: [] };

/** What somebody holds on a mailbox by entries of their own. */
export interface Held {
  entries: readonly Entry[];
  rights: ReadonlySet<Right>;
  /** Rights of the mailbox's own list beside Full Access, sorted. */
  otherRights: readonly OtherRight[];
}

/** The mailbox and who of the known people may do what; keys as in `members`. */
export interface Observed {
  mailbox: Mailbox;
  /** Whether the text in the state now means another mailbox in place of this one; only in a refresh. */
  isPassedOn: boolean;
  held: Record<string, Held>;
  /** The rights whose list the application may not read; only in a refresh. The state keeps what it has of them. */
  unread: readonly Right[];
  /** Trustees that are none of the known people, as Exchange prints them; those of deleted ones say so. */
  others: string[];
  /** What entries deny to known people, by key: it is left as it is. */
  denied: Readonly<Record<string, readonly string[]>>;
  /** Entries of deleted users and groups that are none of the known people. */
  orphans: readonly Entry[];
  /** SIDs of deleted ones whose entries Exchange shows and calls absent when they are to be removed; they are not waited for. */
  unremovable?: readonly string[];
  /** Whether the last changes went together: what does not show then goes one by one. */
  isWrittenTogether?: boolean;
  /** Object ids of everybody who shows in `GrantSendOnBehalfTo`; undefined where one of them cannot be told. */
  delegates: readonly string[] | undefined;
  /** Explicit entries in the mailbox's own list, hidden ones too: they share one limit. */
  entryCount: number;
  /** People of the state or the program by key. */
  people: Map<string, Member>;
  /** Of `people` those that nobody declared: an exclusive membership brings them in on refresh. */
  strangers: string[];
  keep: Kept;
  /** Ids of people whose access another resource of this deployment declares; it is not taken away. */
  othersIds: Set<string>;
}

/** Property path of a member. */
export function pathOf(key: string): string {
  return `members["${key}"]`;
}

/** How many days before access ends the user is told. */
const NOTICE = 14;

/**
 * The inputs without members whose access is over: they are not declared any more, and what they have goes as that of anybody who leaves the
 * program. Their removal shows once; a program that still lists them changes nothing afterwards.
 */
export function withoutEnded(
  inputs: Partial<MembershipInputs>,
  today: string,
  isIgnored: (path: readonly string[]) => boolean,
): { inputs: Partial<MembershipInputs>; advice: string[] } {
  const { members } = inputs;
  // The whole map, or the text that stands for one that is not known yet.
  if (typeof members !== "object" || members === null) {
    return { inputs, advice: [] };
  }
  const over = new Map<string, string[]>();
  const kept = new Map<string, string[]>();
  const soon = new Map<string, string[]>();
  const note = (days: Map<string, string[]>, day: string, key: string) =>
    days.set(day, [...(days.get(day) ?? []), key]);
  const left = Object.entries(members).filter(([key, rights]) => {
    // A value in a preview may be of any form while something in it is not known.
    const until = mapOf(rights).until;
    if (isOver(until, today)) {
      const isKept = isIgnored(["members", key]);
      note(isKept ? kept : over, until, key);
      return isKept;
    }
    if (typeof until === "string" && daysTo(until, today) <= NOTICE) {
      note(soon, until, key);
    }
    return true;
  });
  const byDay = (days: Map<string, string[]>) => [...days].sort(([a], [b]) => (a < b ? -1 : 1));
  return {
    inputs: over.size === 0 ? inputs : { ...inputs, members: Object.fromEntries(left) },
    advice: [
      ...byDay(soon).map(([day, keys]) => {
        const days = daysTo(day, today);
        return `Access ends on ${day}, ${days === 1 ? "tomorrow" : `in ${days} days`}: ${keys.join(", ")}. A later \`until\` in members keeps it.`;
      }),
      ...byDay(kept).map(
        ([day, keys]) =>
          `Access was to end on ${day}, and ignoreChanges keeps it: ${keys.join(", ")}. Take the path out of ignoreChanges to end it.`,
      ),
      ...byDay(over).map(
        ([day, keys]) =>
          `Access ended on ${day} and is not declared any more: ${keys.join(", ")}. Take ${keys.length === 1 ? "the member" : "them"} out of members, or write a later \`until\`.`,
      ),
    ],
  };
}
