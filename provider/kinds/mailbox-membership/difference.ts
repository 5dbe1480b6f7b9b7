import type { Change } from "../../core/kind";
import { sameText } from "../../http/json";
import type { Entry, Right } from "../../services/permissions";
import { isGroup } from "../../services/recipients";
import {
  type Desired,
  type Held,
  type KnownMembership,
  type Member,
  type MemberRights,
  type MembershipOperation,
  NO_RIGHTS,
  type Observed,
  pathOf,
  RIGHTS,
} from "./desired";
import { heldIn, lookAgain } from "./observation";
import { isAway } from "./people";

/**
 * Everything declared that is not so, and of what is there: rights that the earlier inputs held and these do not, all rights of
 * people who leave the program, and orphaned entries where their removal is asked for.
 */
export function difference(
  desired: Desired,
  previous: KnownMembership,
  observed: Observed,
  { inputs: { members: known } }: KnownMembership,
): Change[] {
  const before = declaredById(previous, observed.people);
  const changes: Change[] = [];
  const orphans = observed.orphans.filter((entry) => canGo(entry, observed));
  if (desired.inputs.orphans === "remove" && orphans.length > 0) {
    changes.push({ path: ["orphans"], from: orphans.map(({ trustee }) => trustee), to: [] });
  }
  for (const [key, person] of desired.members) {
    const wanted = desired.inputs.members[key];
    if (wanted !== undefined) {
      changes.push(...ofMember(key, person, wanted, before.get(person.id), known?.[key]?.automapping, observed));
    }
  }
  const declaredIds = new Set([...desired.members.values()].map(({ id }) => id));
  for (const key of leaversIn(previous, observed)) {
    const person = observed.people.get(key);
    if (person !== undefined && !declaredIds.has(person.id) && !isLeftAlone(person, observed)) {
      const held = observed.held[key];
      changes.push(
        ...ofLeaver(key, person.isDeleted ? heldIn((held?.entries ?? []).filter((one) => canGo(one, observed))) : held),
      );
    }
  }
  return changes;
}

/** People whom the earlier state has: declared ones, and deleted ones who left before, whether or not they are back. */
function leaversIn({ inputs: { members }, memory }: KnownMembership, { people }: Observed): string[] {
  const deleted = [...people].filter(([, { isDeleted }]) => isDeleted).map(([key]) => key);
  const before = [...Object.keys(members ?? {}), ...Object.keys(memory.deletedMembers ?? {})];
  return [...new Set([...before, ...deleted])];
}

function ofMember(
  key: string,
  person: Member,
  wanted: MemberRights,
  before: Declared | undefined,
  mapped: boolean | undefined,
  { held, othersIds }: Observed,
): Change[] {
  const has = held[key];
  const isAnothersToo = othersIds.has(person.id);
  const rights = RIGHTS.flatMap((right): Change[] => {
    const isHeld = has?.rights.has(right) === true;
    const isSurplus = isHeld && before?.rights.has(right) === true && !isAnothersToo;
    return wanted[right] && !isHeld
      ? [{ path: ["members", key, right], from: false, to: true }]
      : !wanted[right] && isSurplus
        ? [{ path: ["members", key, right], from: true, to: false }]
        : [];
  });
  const from = [...(has?.otherRights ?? [])];
  const declared: readonly string[] = wanted.otherRights ?? [];
  const stays = from.filter(
    (name) => declared.includes(name) || isAnothersToo || !(before?.otherRights.has(name) ?? false),
  );
  const to = [...new Set([...stays, ...declared])].sort();
  const others = to.join() === from.join() ? [] : [{ path: ["members", key, "otherRights"], from, to }];
  const isReadable = wanted.fullAccess && has?.rights.has("fullAccess") === true && !isGroup(person);
  const mapping =
    isReadable && mapped !== undefined && mapped !== wanted.automapping
      ? [{ path: ["members", key, "automapping"], from: mapped, to: wanted.automapping }]
      : [];
  return [...rights, ...others, ...mapping];
}

/** Whether an entry of somebody deleted is not known to stay. */
function canGo({ sid }: Entry, { unremovable }: Observed): boolean {
  return sid === undefined || unremovable?.includes(sid) !== true;
}

function ofLeaver(key: string, has: Held | undefined): Change[] {
  const others = [...(has?.otherRights ?? [])];
  return [
    ...RIGHTS.filter((right) => has?.rights.has(right)).map((right) => ({
      path: ["members", key, right],
      from: true,
      to: false,
    })),
    ...(others.length === 0 ? [] : [{ path: ["members", key, "otherRights"], from: others, to: [] }]),
  ];
}

/** Whether somebody's access is left alone: kept by the program, or declared by another resource. */
export function isLeftAlone(person: Member | undefined, { keep, othersIds }: Observed): boolean {
  return person === undefined || keep.ids.has(person.id) || othersIds.has(person.id);
}

interface Declared {
  rights: Set<Right>;
  otherRights: Set<string>;
}

/** What the earlier inputs declared, by object id: a person may be written in another way now. */
function declaredById(
  { inputs: { members } }: KnownMembership,
  people: ReadonlyMap<string, Member>,
): Map<string, Declared> {
  const byId = new Map<string, Declared>();
  for (const [key, rights] of Object.entries(members ?? {})) {
    const id = people.get(key)?.id;
    if (id !== undefined) {
      const known = byId.get(id);
      byId.set(id, {
        rights: new Set([...(known?.rights ?? []), ...RIGHTS.filter((right) => rights[right] === true)]),
        otherRights: new Set([...(known?.otherRights ?? []), ...(rights.otherRights ?? [])]),
      });
    }
  }
  return byId;
}

/** What is recorded of somebody who was found: automapping cannot be read, and true is Exchange's default. */
const ASSUMED: MemberRights = { ...NO_RIGHTS, automapping: true };

type Members = Readonly<Record<string, MemberRights | undefined>>;

const membersIn = ({ inputs }: KnownMembership): Members => inputs.members ?? {};
const deletedIn = ({ memory }: KnownMembership) => memory.deletedMembers ?? {};

/**
 * The members that a state has, as they are in the tenant. A deleted one stays while entries are there that work again once the
 * account is restored: taken out of the program, the preview shows it and the entries go.
 */
export function readMembers(before: KnownMembership, observed: Observed): Record<string, MemberRights> {
  const { held, people, strangers } = observed;
  const declared = membersIn(before);
  const brought = [...strangers, ...Object.keys(deletedIn(before))].filter(
    (key) => !(key in declared) && !isLeftAlone(people.get(key), observed),
  );
  const all = { ...declared, ...Object.fromEntries(brought.map((key) => [key, ASSUMED])) };
  const members = Object.entries(all).flatMap(([key, known]) => {
    const person = people.get(key);
    const seen = held[key];
    if (known === undefined || person === undefined || seen === undefined) {
      return [];
    }
    const rights = rightsOf(person, key in declared ? known : undefined, seen, observed);
    const isShown = showsOtherRights(key, before);
    const { otherRights: _declared, ...rest } = known;
    const seenRights = observed.unread.includes("fullAccess") ? (known.otherRights ?? []) : seen.otherRights;
    const others = isShown ? [...seenRights] : [];
    // Whoever is declared to have nothing has it.
    const isMissing = person.isDeleted || !(key in declared) || !declaresNothing(known);
    if (RIGHTS.every((right) => !rights[right]) && others.length === 0 && isMissing) {
      return [];
    }
    const keepsOthers = others.length > 0 || known.otherRights !== undefined;
    // Automapping cannot be read; it stays what the state knows.
    return [[key, { ...rest, ...rights, ...(keepsOthers ? { otherRights: others } : {}) }] as const];
  });
  return Object.fromEntries(members.sort(([a], [b]) => (a < b ? -1 : 1)));
}

function declaresNothing(rights: MemberRights): boolean {
  return RIGHTS.every((right) => rights[right] !== true) && (rights.otherRights ?? []).length === 0;
}

/** Whether rights beside the three are drift: of a declared member only where the program says something of them, or is exclusive. */
function showsOtherRights(key: string, known: KnownMembership): boolean {
  const declared = membersIn(known)[key];
  return known.inputs.exclusive === true || declared === undefined || declared.otherRights !== undefined;
}

/** What a refresh says of rights of members that are no drift. */
export function surplusOfMembers(known: KnownMembership, { mailbox, held }: Observed): string[] {
  return Object.keys(membersIn(known)).flatMap((key) => {
    const { otherRights = [] } = held[key] ?? {};
    return otherRights.length === 0 || showsOtherRights(key, known)
      ? []
      : [`${pathOf(key)} on ${mailbox.primarySmtpAddress} has more than is declared (${otherRights.join(", ")}).`];
  });
}

/** What to say of rights that nobody declared: of members, and of strangers where the membership is exclusive. */
export function surplusIn({ inputs, members }: Desired, observed: Observed): string[] {
  const ofMembers = [...members.keys()].flatMap((key) => {
    const wanted = inputs.members[key];
    const held = observed.held[key];
    const declared: readonly string[] = wanted?.otherRights ?? [];
    const surplus: string[] = RIGHTS.filter((right) => held?.rights.has(right) && wanted?.[right] !== true);
    const others = (held?.otherRights ?? []).filter((name) => !declared.includes(name));
    const isShown = inputs.exclusive === true || wanted?.otherRights !== undefined;
    const shown = [...surplus, ...(isShown ? others : [])];
    return [
      ...(shown.length === 0
        ? []
        : [
            `${pathOf(key)} has more than is declared (${shown.join(", ")}), which was there before. \`pulumi up --refresh\` removes it.`,
          ]),
      ...(others.length === 0 || isShown
        ? []
        : [
            `${pathOf(key)} has more than is declared (${others.join(", ")}). It is left as it is; otherRights: [] in the program, then \`pulumi up --refresh\`, removes it.`,
          ]),
    ];
  });
  const left = observed.strangers.filter((key) => !isLeftAlone(observed.people.get(key), observed));
  return left.length === 0
    ? ofMembers
    : [
        ...ofMembers,
        `Others have access to ${observed.mailbox.primarySmtpAddress}: ${left.join(", ")}. \`pulumi up --refresh\` removes them.`,
      ];
}

/**
 * The three rights. What cannot be seen stays what the state knows: a right that the application may not read, and what a deleted
 * member, or one without a mailbox, had, while it can come back.
 */
function rightsOf(
  person: Member,
  known: MemberRights | undefined,
  seen: Held,
  observed: Observed,
): Pick<MemberRights, "fullAccess" | "sendAs" | "sendOnBehalf"> {
  const hidden = (right: (typeof RIGHTS)[number]): boolean =>
    known?.[right] === true &&
    (observed.unread.includes(right) ||
      (isAway(person) && (right === "sendOnBehalf" || (person.isDeleted && isUntold(person, observed)))));
  const has = (right: (typeof RIGHTS)[number]) => seen.rights.has(right) || hidden(right);
  return { fullAccess: has("fullAccess"), sendAs: has("sendAs"), sendOnBehalf: has("sendOnBehalf") };
}

/** Whether some of the entries of deleted users may be this one's: nobody noted its SIDs in time. */
function isUntold({ sids }: Member, { orphans }: Observed): boolean {
  return sids.length === 0 && orphans.length > 0;
}

/**
 * Deleted members whose access may come back: those that still hold entries; and, while the account can be restored, those with
 * Send on Behalf, which Exchange hides meanwhile, and those whose entries cannot be told from other orphaned ones; and all of
 * them where a list of entries could not be read.
 *
 * @returns their object ids by key.
 */
export function deletedAmong(
  desired: Desired | undefined,
  observed: Observed,
  known: KnownMembership,
): Record<string, string> {
  const before = membersIn(known);
  return Object.fromEntries(
    [...observed.people].flatMap(([key, person]) => {
      if (!person.isDeleted || desired?.members.has(key) === true) {
        return [];
      }
      const held = observed.held[key];
      const isDropped = !(key in before);
      const mayReturn =
        observed.unread.length > 0 ||
        (person.isRecoverable && (isDropped || before[key]?.sendOnBehalf === true || isUntold(person, observed)));
      return (held !== undefined && held.entries.length > 0) || mayReturn ? [[key, person.id] as const] : [];
    }),
  );
}

/** Whether somebody living stays known: not one who left, was deleted, and came back without any access. */
export function comeBack(key: string, { held, strangers, unread }: Observed, known: KnownMembership): boolean {
  const isOnlyWatched = key in deletedIn(known) && !(key in membersIn(known)) && !strangers.includes(key);
  return !isOnlyWatched || unread.length > 0 || (held[key]?.entries.length ?? 0) > 0;
}

/**
 * Takes Send on Behalf from members who leave while they are deleted or have no mailbox. Exchange neither shows it nor takes them in a
 * removal, so the list is written as it shows. That this reaches what is hidden is documented nowhere: who can be restored stays in
 * `deletedMembers`.
 */
export async function takeHiddenSendOnBehalf(
  desired: Desired,
  previous: KnownMembership,
  observed: Observed,
  operation: MembershipOperation,
): Promise<void> {
  const { mailbox, people } = observed;
  const leavers = [...people].filter(
    ([key, person]) =>
      isAway(person) &&
      !desired.members.has(key) &&
      !isLeftAlone(person, observed) &&
      membersIn(previous)[key]?.sendOnBehalf === true,
  );
  if (leavers.length === 0 || mailbox.isDirSynced) {
    return;
  }
  await operation.registry.exclusively(`permissions/${mailbox.id}`, async () => {
    // Another resource may have written the list meanwhile.
    const { delegates } = await lookAgain(observed, desired, operation);
    // A list with somebody in it who cannot be told would lose that one.
    if (delegates !== undefined) {
      const who = leavers.map(([key]) => key).join(", ");
      await operation.services.permissions.writeSendOnBehalf(mailbox, [...delegates], who, operation);
    }
  });
}

/** What is to say of deleted members whose entries are still there, and of leavers who may come back. */
export function whoIsDeleted(desired: Desired | undefined, observed: Observed, known: KnownMembership): string[] {
  const { mailbox, people } = observed;
  const on = mailbox.primarySmtpAddress;
  return Object.entries(deletedAmong(desired, observed, known)).map(([key, id]) => {
    const who = sameText(key, id) ? `The account ${id}` : `${key} (id ${id})`;
    const isMember = desired === undefined && key in membersIn(known);
    const isForGood = people.get(key)?.isRecoverable !== true && observed.unread.length === 0;
    return isForGood
      ? `${who} is deleted for good. Its entries on ${on} are still there and work for nobody. ${isMember ? "Take the account out of members to remove them." : "The next update of this membership takes them away."}`
      : isMember
        ? `${who} is deleted and can be restored, and still has entries on ${on}: restored, the account has access again. Take the account out of members to remove them.`
        : `${who} is deleted and can be restored. Whether it still has something on ${on} shows only once the account is restored. Then \`pulumi refresh\` names what it has, and \`pulumi up\` takes it away; without this resource, check the mailbox by hand.`;
  });
}
