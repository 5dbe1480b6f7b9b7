import { written } from "../../core/converge";
import type { Change, Operation } from "../../core/kind";
import { InputError, isServiceError, ProviderError } from "../../http/errors";
import type { Entry } from "../../services/permissions";
import { isGroup } from "../../services/recipients";
import type { Desired, Member, MemberRights, Observed } from "./desired";
import { pathOf } from "./desired";

const NO_RIGHTS = { fullAccess: false, sendAs: false, sendOnBehalf: false };

/**
 * Makes the changes: orphaned entries first, because they fill the list; then what is granted, so that nobody who is written in
 * another way now is without access for a moment; then what is taken away.
 */
export async function apply(
  changes: readonly Change[],
  desired: Desired,
  observed: Observed,
  operation: Operation,
): Promise<void> {
  const onBehalf = changes.filter(({ path }) => path[2] === "sendOnBehalf");
  const isOnPremises = observed.mailbox.isDirSynced;
  requireWritable(isOnPremises ? onBehalf.filter(({ to }) => to === true) : [], "grant it");
  for (const change of [...changes].sort((a, b) => turn(a) - turn(b))) {
    await (change.path[0] === "orphans"
      ? removeOrphans(observed, operation)
      : changeMember(change, desired, observed, operation));
  }
  // Whoever leaves has lost the rest by now.
  requireWritable(isOnPremises ? onBehalf : [], "take it away");
  await changeSendOnBehalf(onBehalf, desired, observed, operation);
}

function turn({ path, from, to }: Change): number {
  const isGrant = to === true || (Array.isArray(to) && Array.isArray(from) && to.some((name) => !from.includes(name)));
  return path[0] === "orphans" ? 0 : isGrant ? 1 : 2;
}

/** Full Access and Send As are Exchange Online's on every mailbox; Send on Behalf is a directory attribute. */
function requireWritable(changes: readonly Change[], what: string): void {
  if (changes.length > 0) {
    throw new InputError(
      changes.map(({ path: [, key = ""] }) => ({
        path: `${pathOf(key)}.sendOnBehalf`,
        reason:
          "cannot be changed here: the mailbox is synchronised from on-premises, and Send on Behalf is an attribute of that directory. " +
          `To ${what}, use Set-RemoteMailbox -GrantSendOnBehalfTo on-premises. Full Access and Send As are changed here`,
      })),
    );
  }
}

async function removeOrphans(observed: Observed, operation: Operation): Promise<void> {
  for (const entry of observed.orphans) {
    const { list, sid = "", rights, trustee } = entry;
    noteWhatStays(await revoke(list, observed.mailbox, sid, rights, trustee, operation), entry, observed);
  }
}

/** Notes an entry of somebody deleted that Exchange shows and does not know by its SID: waiting for it to go would be in vain. */
function noteWhatStays(isToldAbsent: boolean, { sid }: Entry, observed: Observed): void {
  if (isToldAbsent && sid !== undefined) {
    observed.unremovable = new Set([...(observed.unremovable ?? []), sid]);
  }
}

/** Everything about a member that stands in a list of entries; Send on Behalf is written with the mailbox. */
async function changeMember(
  { path, from, to }: Change,
  desired: Desired,
  observed: Observed,
  operation: Operation,
): Promise<void> {
  const { permissions } = operation.services;
  const { mailbox } = observed;
  const [, key = "", right] = path;
  const person = desired.members.get(key) ?? observed.people.get(key);
  if (person === undefined || right === "sendOnBehalf") {
    return;
  }
  // Grants go by object id: an address may be another person's by the time it is looked up.
  const { id } = person;
  const wantsMapping = desired.inputs.members[key]?.automapping ?? false;
  const grant = (rights: Partial<MemberRights>, write: () => Promise<void>) =>
    written(
      () => withRoom(write, observed),
      () => note(key, id, rights, operation),
    );
  const grantFullAccess = () =>
    grant({ fullAccess: true, automapping: wantsMapping }, () =>
      permissions.grantFullAccess(mailbox, id, key, wantsMapping && !isGroup(person), operation),
    );
  if (right === "automapping") {
    // Exchange keeps automapping with the entry and changes it only with a new one.
    note(key, id, { automapping: from === true }, operation);
    await takeAway("access", ["FullAccess"], key, person, observed, operation);
    await grantFullAccess();
  } else if (right === "otherRights") {
    const [had, wanted] = [from as string[], to as MemberRights["otherRights"] & string[]];
    const added = wanted.filter((name) => !had.includes(name));
    const surplus = had.filter((name) => !(wanted as string[]).includes(name));
    if (added.length > 0) {
      await grant({ otherRights: wanted }, () => permissions.grantOtherRights(mailbox, id, added, key, operation));
    }
    if (surplus.length > 0) {
      await takeAway("access", surplus, key, person, observed, operation);
    }
  } else if (right === "fullAccess") {
    await (to === true ? grantFullAccess() : takeAway("access", ["FullAccess"], key, person, observed, operation));
  } else if (to === true) {
    await grant({ sendAs: true }, () => permissions.grantSendAs(mailbox, id, key, operation));
  } else {
    await takeAway("sendAs", ["SendAs"], key, person, observed, operation);
  }
}

/** Takes rights out of every entry of somebody that has them. */
async function takeAway(
  list: Entry["list"],
  rights: readonly string[],
  key: string,
  person: Member,
  observed: Observed,
  operation: Operation,
): Promise<void> {
  for (const entry of observed.held[key]?.entries ?? []) {
    const present = entry.list === list ? rights.filter((name) => entry.rights.includes(name)) : [];
    if (present.length > 0) {
      const isToldAbsent = await revoke(list, observed.mailbox, trusteeOf(person, entry), present, key, operation);
      noteWhatStays(isToldAbsent && person.isDeleted, entry, observed);
    }
  }
}

/**
 * By what an entry's owner is named to Exchange: the object id, which is never somebody else; the SID where the entry is of a
 * deleted owner or of a former SID. Scripts remove orphaned entries by SID, and no reference says that Exchange takes one: where it
 * does not, the entry stays in the state (`noteWhatStays`).
 */
function trusteeOf({ id, sids, isDeleted }: Member, { sid }: Entry): string {
  const isFormer = sid !== undefined && sids[0] !== undefined && sid !== sids[0];
  return sid !== undefined && (isDeleted || isFormer) ? sid : id;
}

async function revoke(
  list: Entry["list"],
  mailbox: Observed["mailbox"],
  trustee: string,
  rights: string[],
  who: string,
  operation: Operation,
): Promise<boolean> {
  const { permissions } = operation.services;
  return list === "access"
    ? permissions.revokeAccess(mailbox, trustee, rights, who, operation)
    : permissions.revokeSendAs(mailbox, trustee, who, operation);
}

async function changeSendOnBehalf(
  changes: readonly Change[],
  desired: Desired,
  { mailbox, people }: Observed,
  operation: Operation,
): Promise<void> {
  const delegates = changes.flatMap(({ path: [, key = ""], to }) => {
    const id = (desired.members.get(key) ?? people.get(key))?.id;
    return id === undefined ? [] : [{ key, id, isAdded: to === true }];
  });
  if (delegates.length === 0) {
    return;
  }
  const added = delegates.filter(({ isAdded }) => isAdded);
  const removed = delegates.filter(({ isAdded }) => !isAdded);
  const ids = (some: typeof delegates) => some.map(({ id }) => id);
  await written(
    () => operation.services.permissions.changeSendOnBehalf(mailbox, ids(added), ids(removed), operation),
    () => {
      for (const { key, id } of added) {
        note(key, id, { sendOnBehalf: true }, operation);
      }
    },
  );
}

/** Grants; says of a full list what fills it, because entries of deleted people are not shown anywhere else. */
async function withRoom(write: () => Promise<void>, { entryCount, orphans }: Observed): Promise<void> {
  try {
    await write();
  } catch (error) {
    if (isServiceError(error) && /maximum allowed access control entries|maximum of 500/i.test(error.words)) {
      const count = orphans.filter(({ list }) => list === "access").length;
      throw new ProviderError({
        words: error.message,
        nextStep:
          `${entryCount} explicit entries show, ${count} of them of deleted users and groups; others may be hidden. ` +
          (count > 0
            ? 'orphans: "remove" takes those of deleted ones away.'
            : "Give the same access to a mail-enabled security group."),
        cause: error,
      });
    }
    throw error;
  }
}

/** Notes in the state what was or may have been granted, so that a failure later on leaves no access behind unknown. */
function note(key: string, id: string, rights: Partial<MemberRights>, { state }: Operation): void {
  const members = (state.members ?? {}) as Record<string, Partial<MemberRights>>;
  state.members = { ...members, [key]: { ...NO_RIGHTS, ...members[key], ...rights } };
  state.memberIds = { ...((state.memberIds ?? {}) as object), [key]: id };
}
