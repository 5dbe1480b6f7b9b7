import type { Operation } from "../../core/kind";
import { grantThing } from "../../core/registry";
import { InputError } from "../../http/errors";
import { hasAddress, type Mailbox } from "../../services/mailboxes";
import { type Entry, NAMED_RIGHTS, OTHER_RIGHTS } from "../../services/permissions";
import { account, describe, isGroup, type Recipient } from "../../services/recipients";
import type { Services } from "../../services/services";
import { isGuid, sameText } from "../../services/text";
import {
  ambiguous,
  anotherByNow,
  knownRecipients,
  reassigned,
  recipientKnownAs,
  recipientNamed,
  successorsOf,
} from "../recipients";
import {
  type Held,
  type Kept,
  type KnownMembership,
  type Member,
  type MembershipInputs,
  type MembershipOperation,
  pathOf,
  RIGHTS,
} from "./desired";

/** What Exchange takes as a trustee and honours (Microsoft: mailboxes, mail users, mail-enabled security groups). */
const TRUSTEES = [
  "UserMailbox",
  "SharedMailbox",
  "RoomMailbox",
  "EquipmentMailbox",
  "MailUser",
  "MailUniversalSecurityGroup",
];

/** Whether somebody can be a member. */
function isTrustee({ id, recipientTypeDetails }: Recipient): boolean {
  return TRUSTEES.includes(recipientTypeDetails) && id !== "";
}

/** What a refresh says of members that became something which cannot be one, such as a group that is a distribution list by now. */
export function whoIsNoTrustee(members: readonly (readonly [key: string, person: Member])[]): string[] {
  return members
    .filter(([, person]) => !person.isDeleted && !isTrustee(person))
    .map(
      ([key, person]) =>
        `${pathOf(key)} is now ${describe(person)}, which cannot be a member. Its rights stay until you take it out of members. ` +
        "Before that, `pulumi up` refuses every change of this membership.",
    );
}

/**
 * Looks up everybody; refuses what cannot be a member and one person written in two ways, before anything is changed.
 *
 * @returns waits for the answers, once the mailbox is known.
 */
export function lookUpMembers(
  inputs: MembershipInputs,
  operation: MembershipOperation,
): (mailbox: Mailbox) => Promise<Map<string, Member>> {
  const known = operation.known.memory.memberIds ?? {};
  const found = Promise.all(
    Object.keys(inputs.members).map(async (key): Promise<[string, Recipient]> => {
      return [key, await recipientKnownAs(key, known[key], pathOf(key), operation)];
    }),
  );
  // Where the mailbox is not there, nobody waits for them.
  found.catch(() => undefined);
  return async (mailbox) => membersAmong(await found, mailbox, operation);
}

async function membersAmong(
  entries: readonly [string, Recipient][],
  mailbox: Mailbox,
  operation: MembershipOperation,
): Promise<Map<string, Member>> {
  const problems: { path: string; reason: string }[] = [];
  const keys = new Map<string, string>();
  for (const [key, recipient] of entries) {
    const other = keys.get(recipient.id);
    keys.set(recipient.id, key);
    if (sameText(recipient.id, mailbox.id)) {
      problems.push({
        path: pathOf(key),
        reason: "is the mailbox itself. It needs no access to itself; take it out of members",
      });
    } else if (!isTrustee(recipient)) {
      problems.push({
        path: pathOf(key),
        reason: `is ${describe(recipient)}; only mailboxes, mail users and mail-enabled security groups can be members`,
      });
    } else if (other !== undefined) {
      problems.push({ path: pathOf(key), reason: `is the same person as ${pathOf(other)}; write each member once` });
    }
  }
  if (problems.length > 0) {
    throw new InputError(problems);
  }
  return new Map(
    await Promise.all(entries.map(async ([key, one]) => [key, await living(key, one, operation)] as const)),
  );
}

/**
 * Refuses a right for somebody whose address in the program is another one's by now: a reader of the diff takes it to be given to that
 * one. What a member has already stays.
 */
export async function requireRightsOfMeant(
  { members: wanted }: MembershipInputs,
  people: ReadonlyMap<string, Member>,
  operation: MembershipOperation,
): Promise<void> {
  const { inputs, memory } = operation.known;
  const isMore = (key: string): boolean => {
    const [had, has] = [inputs.members?.[key], wanted[key]];
    return (
      RIGHTS.some((right) => has?.[right] === true && had?.[right] !== true) ||
      (has?.otherRights ?? []).some((right) => had?.otherRights?.includes(right) !== true)
    );
  };
  const asked = [...people].filter(([key]) => memory.memberIds?.[key] !== undefined && isMore(key));
  const problems = await Promise.all(
    asked.map(async ([key, person]) => {
      const others = await successorsOf(key, person, operation);
      const whose = `${others.map(describe).join(" and ")} now, and was that of ${describe(person)} with id ${person.id}`;
      const reason = `is the address of ${whose}. Nobody's access was changed. Write the id of the one who is meant`;
      return others.length === 0 ? [] : [{ path: pathOf(key), reason }];
    }),
  );
  if (problems.flat().length > 0) {
    throw new InputError(problems.flat());
  }
}

/** A living recipient or account with its SIDs; those of the state where Exchange does not show any. */
async function living(key: string, recipient: Recipient, { services, known }: MembershipOperation): Promise<Member> {
  const sids = await services.securityPrincipals.sidsOf(recipient.id, isGroup(recipient));
  return {
    ...recipient,
    sids: sids.length > 0 ? sids : knownSids(key, recipient.id, known),
    isDeleted: false,
    isRecoverable: false,
  };
}

function knownSids(key: string, id: string, { memory }: KnownMembership): readonly string[] {
  const known = memory.memberIds?.[key] ?? memory.deletedMembers?.[key];
  return known !== undefined && sameText(known, id) ? (memory.memberSids?.[key] ?? []) : [];
}

/**
 * The people that the state knows, by their key in `members`. Somebody with an account and without a mailbox, such as one whose
 * licence was taken away, is no recipient but keeps the entries, and the access comes back with the mailbox. Somebody who is
 * deleted keeps them too, and gets them back when restored: the entries are found by the SIDs that the state has.
 */
export async function knownPeople(operation: MembershipOperation): Promise<Map<string, Member>> {
  const { graph, securityPrincipals } = operation.services;
  const { memory, inputs } = operation.known;
  const ids = { ...memory.deletedMembers, ...memory.memberIds };
  for (const [key, id] of Object.entries(memory.memberIds ?? {})) {
    // Beside the recipients, not after them: a batch takes seconds. Whoever needs them asks again, and says what fails.
    securityPrincipals.sidsOf(id, memory.groups?.includes(key) === true).catch(() => undefined);
  }
  const found = await knownRecipients(ids, inputs.members, operation);
  const missing = Object.entries(ids).filter(([key]) => !found.has(key));
  const [here, gone] = await Promise.all([
    Promise.all([...found].map(async ([key, one]) => [key, await living(key, one, operation)] as const)),
    Promise.all(
      missing.map(async ([key, id]): Promise<readonly [string, Member]> => {
        const [user, isRecoverable] = await Promise.all([graph.user(id), graph.isDeleted(id)]);
        if (user !== undefined) {
          return [key, await living(key, account(user), operation)];
        }
        const nobody = { ...account({ id, userPrincipalName: key }), recipientTypeDetails: "" };
        // The key is somebody else's by now, who would be taken for the deleted one.
        const isTaken = (await operation.services.recipients.named(key)).some((one) => !sameText(one.id, id));
        return [
          isTaken ? id.toLowerCase() : key,
          { ...nobody, sids: knownSids(key, id, operation.known), isDeleted: true, isRecoverable },
        ];
      }),
    ),
  ]);
  return new Map([...here, ...gone]);
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
  const owners = await Promise.all(rest.map((one) => recipientBehind(one, operation)));
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

/**
 * The people that a program wants left alone: the one with the object id that the state knows, whoever has the address by now.
 * One that is not there (any more) needs no leaving.
 *
 * @throws InputError when the one the state knows is gone and somebody else has the address: nobody has seen that yet.
 */
export async function lookUpKeep(keys: readonly string[], operation: MembershipOperation): Promise<Kept> {
  const { registry, services } = operation;
  return kept(keys, operation, refuseSeveral, async (key, id) => {
    const now = (await services.recipients.named(key)).filter((one) => one.id !== "");
    const [stranger] = now.filter((one) => !sameText(one.id, id));
    if (stranger === undefined || registry.isTakenOver(key, id)) {
      return now;
    }
    throw new InputError([{ path: "keep", reason: anotherByNow(key, id, stranger) }]);
  });
}

function refuseSeveral(key: string, found: readonly Recipient[]): never {
  throw new InputError([{ path: "keep", reason: ambiguous(key, found) }]);
}

/** The people that a state wants left alone; one who is gone is forgotten, so that a refresh shows who has the address by now. */
export async function knownKeep(operation: MembershipOperation): Promise<Kept> {
  const several = (key: string, found: readonly Recipient[]) =>
    `keep: ${ambiguous(key, found)}. All of them are left alone until then.`;
  return kept(operation.known.inputs.keep ?? [], operation, several, async () => []);
}

/**
 * @param several what to say of a key that means several, where no id tells which.
 * @param gone who is meant by a key whose object is gone.
 */
async function kept(
  keys: readonly string[],
  operation: MembershipOperation,
  several: (key: string, found: readonly Recipient[]) => string,
  gone: (key: string, id: string) => Promise<Recipient[]>,
): Promise<Kept> {
  const { recipients, graph } = operation.services;
  const { keepIds: known = {} } = operation.known.memory;
  const found = await Promise.all(
    keys.map(async (key): Promise<{ key: string; ids: string[]; remarks: string[] }> => {
      const id = known[key];
      if (id === undefined) {
        const meant = (await recipients.named(key)).filter((one) => one.id !== "");
        return { key, ids: meant.map((one) => one.id), remarks: meant.length > 1 ? [several(key, meant)] : [] };
      }
      const [recipient] = await recipients.named(id);
      if (recipient !== undefined) {
        return { key, ids: [id], remarks: await reassigned([[key, recipient]], (text) => `keep: ${text}`, operation) };
      }
      // Somebody without a mailbox is not a recipient, but is still the same person.
      const isThere = (await graph.user(id)) !== undefined;
      return { key, ids: isThere ? [id] : (await gone(key, id)).map((one) => one.id), remarks: [] };
    }),
  );
  // One of several with the same address would be a guess.
  const byKey = Object.fromEntries(
    found.flatMap(({ key, ids: [id, second] }) => (id && second === undefined ? [[key, id]] : [])),
  );
  const seen = await lastSeen(keys, byKey, operation);
  const untold = keys.filter((key) => seen[key]?.sids.length === 0);
  return {
    byKey,
    seen,
    ids: new Set(found.flatMap(({ ids }) => ids)),
    remarks: [
      ...found.flatMap(({ remarks }) => remarks),
      ...untold.map(
        (key) =>
          `keep: ${key} is deleted, and nobody recorded which entries belong to it. While it can be restored, no entries of ` +
          "deleted accounts are removed from this mailbox.",
      ),
    ],
  };
}

/**
 * The SIDs of those who are kept: of the living as they are, of a deleted one as the state has them, while it can be restored; none where
 * the account was deleted before anybody noted them.
 */
async function lastSeen(
  keys: readonly string[],
  ids: Readonly<Record<string, string>>,
  { services, known }: MembershipOperation,
): Promise<Kept["seen"]> {
  const { recipients, securityPrincipals, graph } = services;
  const seen = await Promise.all(
    keys.map(async (key): Promise<[string, { id: string; sids: string[] }][]> => {
      const id = ids[key];
      const before = known.memory.keepSids?.[key];
      if (id === undefined) {
        const last = before?.id ?? known.memory.keepIds?.[key] ?? (await deletedHolder(key, services));
        return last !== undefined && (await graph.isDeleted(last))
          ? [[key, { id: last, sids: [...(before?.sids ?? [])] }]]
          : [];
      }
      const [recipient] = await recipients.named(id);
      const sids = await securityPrincipals.sidsOf(id, recipient !== undefined && isGroup(recipient));
      const told = sids.length > 0 || !sameText(before?.id ?? "", id) ? [...sids] : (before?.sids ?? []);
      return told.length === 0 ? [] : [[key, { id, sids: [...told] }]];
    }),
  );
  return Object.fromEntries(seen.flat());
}

/** The deleted account that a text means, where it means no living one. */
async function deletedHolder(key: string, { recipients, graph }: Services): Promise<string | undefined> {
  if ((await recipients.named(key)).length > 0) {
    return undefined;
  }
  return isGuid(key) ? key : (await graph.deletedHoldersOf(key))[0];
}

/** The one mailbox that is meant; waited for if it is being created. */
export async function mailboxNamed(identifier: string, operation: MembershipOperation): Promise<Mailbox> {
  // Of an id only one object can be meant: the mailbox is asked for at once.
  const byId = isGuid(identifier) ? await operation.services.mailboxes.withId(identifier) : undefined;
  if (byId !== undefined) {
    return byId;
  }
  const recipient = await recipientNamed(identifier, "mailbox", operation);
  const mailbox = recipient.id === "" ? undefined : await operation.services.mailboxes.withId(recipient.id);
  if (mailbox === undefined) {
    throw new InputError([{ path: "mailbox", reason: `is ${describe(recipient)}, which is not a mailbox` }]);
  }
  return mailbox;
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

const NOTHING: Held = { entries: [], rights: new Set(), otherRights: [] };

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
  if (entries.length === 0) {
    return NOTHING;
  }
  const names = new Set(entries.flatMap(({ rights }) => rights));
  return {
    entries,
    rights: new Set(NAMED_RIGHTS.filter(({ name }) => names.has(name)).map(({ right }) => right)),
    otherRights: OTHER_RIGHTS.filter((name) => names.has(name)),
  };
}

/** Whether somebody holds nothing at all. */
export function isNothing({ entries }: Held): boolean {
  return entries.length === 0;
}

/** Whose an entry is by what is printed, among people of whom nothing better is known. */
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
 * Of orphaned entries those that no other resource of the deployment still accounts for, and that are nobody's who is kept: none while any of
 * them may be.
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

/** The one living recipient behind an entry of nobody known, or undefined. */
export async function recipientBehind(
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
