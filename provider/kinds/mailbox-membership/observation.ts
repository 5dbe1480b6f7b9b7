import type { Operation } from "../../core/kind";
import { grantThing } from "../../core/registry";
import { InputError } from "../../http/errors";
import { isGuid, sameText } from "../../http/json";
import { freshly } from "../../services/listing";
import { hasAddress, type Mailbox } from "../../services/mailboxes";
import { type Begun, type Denial, type Entry, NAMED_RIGHTS, OTHER_RIGHTS } from "../../services/permissions";
import { describe, isGroup, type Recipient } from "../../services/recipients";
import {
  type Desired,
  type Held,
  type Kept,
  type KnownMembership,
  type Member,
  type MembershipOperation,
  type Observed,
  pathOf,
} from "./desired";
import { isTrustee, knownKeep, knownPeople, living, meantBy } from "./people";

/** How long lists that were read before everybody was looked up count as what is there, in milliseconds. */
const AS_READ_FOR = 30_000;

/** What the state calls the mailbox. */
export function addressKnown({ inputs, memory: { mailboxAddresses = [] } }: KnownMembership): string | undefined {
  return mailboxAddresses[0] ?? inputs.mailbox ?? undefined;
}

/**
 * Begins to read the lists of a mailbox whose id is known, with the questions who its members are.
 *
 * @returns gives them once, for that mailbox. After a wait for somebody who was not there yet they are not what is there any more.
 */
export function listsBegun(spelling: string, operation: MembershipOperation): (mailbox: Mailbox) => Begun | undefined {
  const { known, services } = operation;
  const id = known.id ?? (isGuid(spelling) ? spelling : undefined);
  const at = Date.now();
  let lists = id === undefined ? undefined : services.permissions.begin(id, addressKnown(known) ?? id);
  return (mailbox) => {
    const begun = lists;
    lists = undefined;
    if (begun === undefined || !sameText(mailbox.id, id ?? "") || Date.now() - at > AS_READ_FOR) {
      return undefined;
    }
    // A mailbox that was made a moment ago may not have shown itself then.
    const again = () => services.permissions.begin(mailbox.id, mailbox.primarySmtpAddress);
    return {
      access: () => begun.access().catch(() => again().access()),
      sending: () => begun.sending().catch(() => again().sending()),
    };
  };
}

export async function observeOn(
  mailbox: Mailbox,
  desired: Desired | undefined,
  operation: MembershipOperation,
  begun?: Begun,
): Promise<Observed> {
  const { services, registry, origin } = operation;
  const [permissions, known, keep, meant] = await Promise.all([
    services.permissions.on(mailbox, operation.readIfAllowed, begun),
    knownPeople(operation),
    desired?.keep ?? knownKeep(operation),
    desired === undefined ? meantBy(operation.known.inputs.mailbox ?? "", mailbox, operation) : [],
  ]);
  const declared = new Map([...known, ...(desired?.members ?? [])]);
  const isExclusive = (desired?.inputs ?? operation.known.inputs).exclusive === true;
  const { held, rest, delegates } = await attribute(permissions.entries, declared, mailbox, operation);
  const orphans = await orphansAmong(
    rest.map(({ entry }) => entry),
    mailbox,
    operation,
  );
  const unknown = isExclusive ? rest.filter(({ entry }) => !orphans.includes(entry)) : [];
  const strangers = await strangersAmong(unknown, declared, operation);
  const people = new Map(declared);
  for (const [key, { person, entries }] of strangers) {
    people.set(key, person);
    held[key] = heldIn(entries);
  }
  const brought = [...strangers.values()].flatMap(({ entries }) => entries);
  const left = rest.map(({ entry }) => entry).filter((entry) => !brought.includes(entry));
  return {
    mailbox,
    isPassedOn: meant.length > 0 && !meant.some((one) => sameText(one.id, mailbox.id)),
    held,
    unread: permissions.unread,
    people,
    strangers: [...strangers.keys()].sort(),
    orphans: removable(orphans, mailbox.id, keep, operation),
    delegates,
    entryCount: permissions.entries.filter(({ list }) => list === "access").length,
    others: namesOf(permissions.others, left, orphans),
    denied: deniedTo(people, permissions.denials),
    keep,
    othersIds: new Set(
      [...people.values()]
        .map(({ id }) => id)
        .filter((id) => registry.isDeclaredByAnother(grantThing(mailbox.id, id), origin)),
    ),
  };
}

export async function lookAgain(
  { mailbox }: Observed,
  desired: Desired,
  operation: MembershipOperation,
): Promise<Observed> {
  return freshly(async () =>
    observeOn((await operation.services.mailboxes.withId(mailbox.id)) ?? mailbox, desired, operation),
  );
}

/** What entries deny to people, by their keys; no key for those to whom nothing is denied. */
function deniedTo(people: Observed["people"], denials: readonly Denial[]): Observed["denied"] {
  const byKey = [...people].map(([key, { sids }]): [string, string[]] => {
    const own = denials.filter(({ sid }) => sid !== undefined && sids.includes(sid));
    return [key, [...new Set(own.flatMap(({ rights }) => rights))].sort()];
  });
  return Object.fromEntries(byKey.filter(([, rights]) => rights.length > 0));
}

/** What to say of members to whom an entry denies something: Exchange shows the right that they were given beside it. */
export function whoIsDenied({ denied, mailbox }: Observed, members: readonly string[]): string[] {
  return members
    .filter((key) => key in denied)
    .map(
      (key) =>
        `${pathOf(key)}: an entry on ${mailbox.primarySmtpAddress} denies ${denied[key]?.join(", ")}, which can leave the right that is ` +
        "granted without effect. The entry is left as it is. To remove it, run Remove-MailboxPermission -Deny or Remove-RecipientPermission.",
    );
}

/** Trustees as Exchange prints them, once each; those of deleted users and groups by SID. */
function namesOf(printed: readonly string[], left: readonly Entry[], orphans: readonly Entry[]): string[] {
  const living = left.filter((entry) => !orphans.includes(entry)).map(({ trustee }) => trustee);
  const sids = new Set(orphans.map(({ sid }) => sid));
  const deleted = [...sids].map((sid) => {
    // A sign-in name or display name says who it was; a SAM account name says nothing.
    const name = orphans.find((one) => one.sid === sid && !/^S-1-\d|\\/i.test(one.trustee))?.trustee;
    return `${sid} (orphaned${name === undefined ? "" : `: ${name}`})`;
  });
  return [...new Set([...printed, ...living, ...deleted])].sort();
}

/**
 * The people behind entries that nobody declared, with those entries, by primary SMTP address; by id where that address is taken in
 * `taken` or means somebody else too. Only who could be a member is among them: system entries, role groups and deleted people are
 * left alone.
 */
export async function strangersAmong(
  rest: readonly Unattributed[],
  taken: ReadonlyMap<string, unknown>,
  operation: MembershipOperation,
): Promise<Map<string, { person: Member; entries: Unattributed["entry"][] }>> {
  const found = new Map<string, { person: Recipient; entries: Unattributed["entry"][] }>();
  const owners = await Promise.all(rest.map((one) => recipientOfEntry(one, operation)));
  for (const [index, { entry }] of rest.entries()) {
    const person = owners[index];
    if (person !== undefined && isTrustee(person)) {
      const before = found.get(person.id)?.entries ?? [];
      found.set(person.id, { person, entries: [...before, entry] });
    }
  }
  return new Map(
    await Promise.all(
      [...found.values()].map(async ({ person, entries }) => {
        const address = person.primarySmtpAddress;
        const isOnlyMeaning = (await operation.services.recipients.named(address)).length === 1;
        const key = taken.has(address) || !isOnlyMeaning ? person.id.toLowerCase() : address;
        return [key, { person: await living(key, person, operation), entries }] as const;
      }),
    ),
  );
}

/** The entries on a mailbox by whose they are. */
export interface Attribution {
  /** Entries of the known people, by key. */
  held: Record<string, Held>;
  /** Entries of nobody known. */
  rest: Unattributed[];
  /** Object ids of everybody who may send on behalf; undefined where one of them cannot be told. */
  delegates: string[] | undefined;
}

/** An entry of nobody known. */
export interface Unattributed {
  entry: Entry;
  /** Whose it is, where that is known already. */
  id: string | undefined;
}

/**
 * Whose each entry is. An entry with a SID is the one's who has that SID, whatever is printed beside it. What is printed counts
 * only for Send on Behalf, which has no SID, and for people whose SIDs nobody could tell.
 *
 * @throws InputError when a printed text stands for a member and for somebody else as well, and there is nothing else to go by.
 */
export async function attribute(
  entries: readonly Entry[],
  people: ReadonlyMap<string, Member>,
  mailbox: Mailbox,
  operation: MembershipOperation,
): Promise<Attribution> {
  const idBySid = new Map([...people.values()].flatMap(({ id, sids }) => sids.map((sid) => [sid, id] as const)));
  const unknown = [...people].filter(([, person]) => person.sids.length === 0 && !person.isDeleted);
  const onBehalf = await sendersOnBehalf(entries, people, mailbox, operation);
  const owned = await Promise.all(
    entries.map(async (entry): Promise<string | undefined> => {
      if (entry.list === "sendOnBehalf") {
        return onBehalf.get(entry);
      }
      const bySid = entry.sid === undefined ? undefined : idBySid.get(entry.sid);
      return bySid ?? (await byPrint(entry, entry.sid === undefined ? [...people] : unknown, operation));
    }),
  );
  const held = Object.fromEntries(
    [...people].map(([key, { id }]) => [key, heldIn(entries.filter((_, index) => sameId(owned[index], id)))] as const),
  );
  const isKnown = (id: string | undefined) => [...people.values()].some((person) => sameId(id, person.id));
  const rest = entries.map((entry, index) => ({ entry, id: owned[index] })).filter(({ id }) => !isKnown(id));
  const delegates = owned.filter((_, index) => entries[index]?.list === "sendOnBehalf");
  return { held, rest, delegates: delegates.every((id) => id !== undefined) ? delegates : undefined };
}

function sameId(a: string | undefined, b: string): boolean {
  return a !== undefined && sameText(a, b);
}

/** What some entries allow together. */
export function heldIn(entries: readonly Entry[]): Held {
  const names = new Set(entries.flatMap(({ rights }) => rights));
  return {
    entries,
    rights: new Set(NAMED_RIGHTS.filter(({ name }) => names.has(name)).map(({ right }) => right)),
    otherRights: OTHER_RIGHTS.filter((name) => names.has(name)),
  };
}

/** Finds who an entry belongs to by its printed name, among people of whom nothing more certain is known. */
async function byPrint(
  { trustee }: Entry,
  people: readonly (readonly [string, Member])[],
  operation: Operation,
): Promise<string | undefined> {
  const [fitting] = people.filter(([, person]) => isPrintedAs(person, trustee));
  if (fitting === undefined) {
    return undefined;
  }
  const [key, person] = fitting;
  const meant = isGroup(person)
    ? await operation.services.recipients.groupsDisplayed(trustee)
    : await operation.services.recipients.printed(trustee);
  const others = meant.filter(({ id }) => !sameText(id, person.id));
  if (others.length > 0 && others.length < meant.length) {
    throw new InputError([
      {
        path: pathOf(key),
        reason: `"${trustee}" on the mailbox stands for ${describe(person)} and for ${others.map(describe).join(", ")}, and Exchange does not tell whose entry it is; rename one`,
      },
    ]);
  }
  return others.length > 0 ? undefined : person.id;
}

function isPrintedAs(person: Member, trustee: string): boolean {
  // In a permission list a text like a user's Name is the display name of some group.
  const names = isGroup(person) ? [person.name, person.displayName] : [person.userPrincipalName];
  return (
    [person.id, person.guid, ...names].some((name) => name !== undefined && name !== "" && sameText(name, trustee)) ||
    hasAddress(person, trustee)
  );
}

/** The object id behind each entry of Send on Behalf, as far as it can be told; each printed text is looked up once. */
async function sendersOnBehalf(
  entries: readonly Entry[],
  people: ReadonlyMap<string, Member>,
  mailbox: Mailbox,
  operation: MembershipOperation,
): Promise<Map<Entry, string>> {
  const byText = new Map<string, Entry[]>();
  for (const entry of entries.filter(({ list }) => list === "sendOnBehalf")) {
    const key = entry.trustee.toLowerCase();
    byText.set(key, [...(byText.get(key) ?? []), entry]);
  }
  const found = await Promise.all(
    [...byText.values()].map(async (same) => {
      const meant = await delegatesPrinted(same, people, mailbox, operation);
      return same.flatMap((entry, index) => {
        const id = meant[index];
        return id === undefined || id === "" ? [] : [[entry, id] as const];
      });
    }),
  );
  return new Map(found.flat());
}

/** The object ids behind entries of Send on Behalf that are printed alike. */
async function delegatesPrinted(
  same: readonly Entry[],
  people: ReadonlyMap<string, Member>,
  mailbox: Mailbox,
  operation: MembershipOperation,
): Promise<string[]> {
  const printed = same[0]?.trustee ?? "";
  const candidates = await operation.services.recipients.printed(printed);
  if (candidates.length === 0) {
    const account = [...people.values()].find(
      ({ id, userPrincipalName }) => sameText(id, printed) || sameText(userPrincipalName ?? "", printed),
    );
    return account === undefined ? [] : [account.id];
  }
  if (candidates.length <= same.length) {
    return candidates.map(({ id }) => id);
  }
  const referredTo = await operation.services.recipients.referredTo(mailbox.id, "GrantSendOnBehalfTo", candidates);
  if (referredTo !== undefined) {
    return referredTo.map(({ id }) => id);
  }
  // Exchange does not tell them apart, so the state's word stands: a right that was given by object id is that one's.
  const {
    inputs: { members },
    memory: { memberIds = {} },
  } = operation.known;
  const given = candidates.filter(({ id }) =>
    Object.entries(memberIds).some(([key, known]) => sameText(known, id) && members?.[key]?.sendOnBehalf === true),
  );
  return given.map(({ id }) => id).slice(0, same.length);
}

/** Entries of deleted users and groups among those of nobody known. */
export async function orphansAmong(rest: readonly Entry[], mailbox: Mailbox, operation: Operation): Promise<Entry[]> {
  const withSid = rest.filter(({ sid }) => sid !== undefined);
  if (withSid.length === 0) {
    return [];
  }
  const { permissions, securityPrincipals } = operation.services;
  const living = await permissions.livingOn(mailbox);
  const hidden = new Set(
    withSid.filter(({ list, sid }) => list === "access" && !living.has(String(sid))).map(({ sid }) => sid),
  );
  // Send As has no switch that hides anybody; a deleted trustee is printed as SID, or by SAM account name in its forest.
  const suspects = withSid.filter(
    ({ list, sid, trustee }) =>
      hidden.has(sid) || (list === "sendAs" && !living.has(String(sid)) && /^S-1-\d|^[^\\]+\\\$/i.test(trustee)),
  );
  const owners = await Promise.all(suspects.map(({ sid }) => securityPrincipals.ownerOf(String(sid))));
  return suspects.filter((_, index) => owners[index] === undefined);
}

/**
 * The orphaned entries that no other resource of the deployment declares and that belong to nobody in `keep`. None, while one of them may
 * belong to somebody in `keep`.
 */
export function removable(
  orphans: readonly Entry[],
  mailboxId: string,
  { seen }: Kept,
  { registry, origin }: Operation,
): Entry[] {
  if (Object.values(seen).some(({ sids }) => sids.length === 0)) {
    return [];
  }
  const kept = Object.values(seen).flatMap(({ sids }) => sids);
  return orphans.filter(
    ({ sid = "" }) => !kept.includes(sid) && !registry.isDeclaredByAnother(grantThing(mailboxId, sid), origin),
  );
}

/** The one living recipient of an entry whose trustee is not known, or undefined. */
export async function recipientOfEntry(
  { entry, id }: Unattributed,
  operation: Operation,
): Promise<Recipient | undefined> {
  const { recipients, securityPrincipals } = operation.services;
  const owner = id ?? (entry.sid === undefined ? undefined : await securityPrincipals.ownerOf(entry.sid));
  if (owner !== undefined) {
    return (await recipients.named(owner))[0];
  }
  if (entry.sid !== undefined || entry.list === "sendOnBehalf") {
    return undefined;
  }
  const meant = entry.trustee.includes("@")
    ? await recipients.printed(entry.trustee)
    : await recipients.groupsDisplayed(entry.trustee);
  // Two objects of one name cannot be told apart, so neither is taken for the trustee.
  return meant.length === 1 ? meant[0] : undefined;
}
