import type { Change } from "../../core/kind";
import type { Entry, Right } from "../../services/permissions";
import { isGroup } from "../../services/recipients";
import { heldIn } from "./attribution";
import {
  type Desired,
  type Held,
  type KnownMembership,
  type Member,
  type MemberRights,
  type Observed,
  RIGHTS,
} from "./desired";

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
