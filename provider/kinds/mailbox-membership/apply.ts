import { type Change, writeAndRecord } from "../../core/kind";
import { InputError, isServiceError, isUnknownOutcome, ProviderError, type ServiceError } from "../../http/errors";
import { type Entry, OTHER_RIGHTS } from "../../services/permissions";
import { isGroup } from "../../services/recipients";
import { retryWhile } from "../../services/waiting";
import {
  type Desired,
  type Member,
  type MemberRights,
  type MembershipOperation,
  NO_RIGHTS,
  type Observed,
  type OtherRight,
  pathOf,
} from "./desired";

/**
 * Makes the changes: orphaned entries first, because they fill the list; then what is granted, so that nobody who is written in
 * another way now is without access for a moment; then what is taken away; Send on Behalf last. All of it goes together, in that order.
 * Where the list is full, or what went together does not show, it goes one by one: a grant waits for one who leaves.
 *
 * @returns the entries that Exchange shows and calls absent.
 */
export async function apply(
  changes: readonly Change[],
  desired: Desired,
  observed: Observed,
  operation: MembershipOperation,
): Promise<Pick<Observed, "unremovable" | "isWrittenTogether">> {
  const onBehalf = changes.filter(({ path }) => path[2] === "sendOnBehalf");
  const isOnPremises = observed.mailbox.isDirSynced;
  requireWritable(isOnPremises ? onBehalf.filter(({ to }) => to === true) : [], "grant it");
  const staying: string[] = [];
  const make = async (change: Change): Promise<void> => {
    const left = await (change.path[0] === "orphans"
      ? removeOrphans(observed, operation)
      : changeMember(change, desired, observed, operation));
    staying.push(...left);
  };
  const ofEntries = changes.filter((change) => !onBehalf.includes(change));
  const grants = ofEntries.filter((one) => turn(one) < 2).sort((a, b) => turn(a) - turn(b));
  const revocations = leaversFirst(
    ofEntries.filter((change) => turn(change) === 2),
    desired,
  );
  const delegate = () => changeSendOnBehalf(onBehalf, desired, observed, operation);
  // Other memberships of the mailbox get their turn in between: one of them may make the room that this one needs.
  const alone = <T>(work: () => Promise<T>) =>
    operation.registry.exclusively(`permissions/${observed.mailbox.id}`, work);
  const all = [
    ...[...grants, ...revocations].map((change) => () => make(change)),
    ...(onBehalf.length === 0 || isOnPremises ? [] : [delegate]),
  ];
  const isWrittenTogether = observed.isWrittenTogether !== true && (await alone(() => together(all)));
  if (!isWrittenTogether) {
    for (const change of grants) {
      await onceThereIsRoom(
        () => alone(() => whereThereIsRoom(() => make(change), revocations, make)),
        observed,
        operation,
      );
    }
    for (const change of revocations) {
      await alone(() => make(change));
    }
  }
  // Whoever leaves has lost the other rights at this point.
  requireWritable(isOnPremises ? onBehalf : [], "take it away");
  if (!isWrittenTogether) {
    await alone(delegate);
  }
  return { unremovable: [...(observed.unremovable ?? []), ...new Set(staying)], isWrittenTogether };
}

/**
 * Makes changes at the same time, so that they go in one request, in their order.
 *
 * @returns false where there are not several, or where the list has no room, so that what is granted has to wait for what is taken away.
 * @throws the first refusal; where there is none, that an outcome is unknown.
 */
async function together(changes: readonly (() => Promise<void>)[]): Promise<boolean> {
  if (changes.length < 2) {
    return false;
  }
  const made = await Promise.allSettled(changes.map((make) => make()));
  const failures = made.flatMap((one): unknown[] => (one.status === "rejected" ? [one.reason] : []));
  const failure = failures.find((error) => !isUnknownOutcome(error)) ?? failures.find((error) => !isCutShort(error));
  if (failure !== undefined && !isFull(failure)) {
    throw failure;
  }
  if (failure === undefined) {
    // What ended the request was no failure, such as that an entry was gone already. The rest goes by itself.
    for (const [index, make] of changes.entries()) {
      if (made[index]?.status === "rejected") {
        await make();
      }
    }
  }
  return failure === undefined;
}

/** Whether a change was not made because one before it in the same request was refused. */
function isCutShort(error: unknown): boolean {
  return isUnknownOutcome(error) && isServiceError(error.cause);
}

/** Of what is taken away, that of people who leave first: with them an entry goes. */
function leaversFirst(changes: readonly Change[], { members }: Desired): Change[] {
  const isMember = ({ path: [, key = ""] }: Change) => members.has(key);
  return [...changes.filter((change) => !isMember(change)), ...changes.filter(isMember)];
}

/**
 * Grants. Where the list is full, one after the other of those whose entries are to go anyway loses them first.
 *
 * @param revocations what is to be taken away; what was taken away for the room is taken out.
 */
async function whereThereIsRoom(
  grant: () => Promise<void>,
  revocations: Change[],
  revoke: (change: Change) => Promise<void>,
): Promise<void> {
  try {
    await grant();
  } catch (error) {
    if (!isFull(error)) {
      throw error;
    }
    const leaver = revocations.find(isOfEntry)?.path[1];
    const own = revocations.filter((change) => isOfEntry(change) && change.path[1] === leaver);
    if (own.length === 0) {
      throw error;
    }
    for (const change of own) {
      await revoke(change);
      revocations.splice(revocations.indexOf(change), 1);
    }
    await whereThereIsRoom(grant, revocations, revoke);
  }
}

/** How long to look for another membership that makes room, in milliseconds: the engine tells of it about when it tells of this one. */
const OTHERS_APPEAR_IN = 2_000;

/** Grants; where the list is full, as soon as another membership of this deployment has taken away the entries that it gives up. */
async function onceThereIsRoom(
  grant: () => Promise<void>,
  observed: Observed,
  operation: MembershipOperation,
): Promise<void> {
  const { registry, origin } = operation;
  const { id, primarySmtpAddress } = observed.mailbox;
  const soon = Date.now() + OTHERS_APPEAR_IN;
  const what = `another membership to give up entries on ${primarySmtpAddress}, whose permission list is full`;
  try {
    await retryWhile((error) => isFull(error) && (Date.now() < soon || registry.isMakingRoom(id, origin)), grant, {
      what,
      scope: operation,
    });
  } catch (error) {
    throw isFull(error) ? listIsFull(error, observed) : error;
  }
}

/** Whether a change is one of the list that has a limit. */
function isOfEntry({ path: [, , right] }: Change): boolean {
  return right === "fullAccess" || right === "otherRights";
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

/**
 * Takes away what deleted people left.
 *
 * @returns SIDs of entries that Exchange shows and does not know by their SID: there is no point in waiting for them to go.
 */
async function removeOrphans({ orphans, mailbox }: Observed, operation: MembershipOperation): Promise<string[]> {
  const staying: string[] = [];
  for (const { list, sid = "", rights, trustee } of orphans) {
    const { permissions } = operation.services;
    const isToldAbsent = await permissions.revoke(list, mailbox, sid, rights, trustee, operation);
    staying.push(...(isToldAbsent ? [sid] : []));
  }
  return staying;
}

/**
 * Everything about a member that stands in a list of entries; Send on Behalf is written with the mailbox.
 *
 * @returns as {@link removeOrphans} does.
 */
async function changeMember(
  { path, from, to }: Change,
  desired: Desired,
  observed: Observed,
  operation: MembershipOperation,
): Promise<string[]> {
  const { permissions } = operation.services;
  const { mailbox } = observed;
  const [, key = "", right] = path;
  const person = desired.members.get(key) ?? observed.people.get(key);
  if (person === undefined || right === "sendOnBehalf") {
    return [];
  }
  // Grants go by object id: an address may be another person's by the time it is looked up.
  const { id } = person;
  const wantsMapping = desired.inputs.members[key]?.automapping ?? false;
  const grant = (rights: Partial<MemberRights>, write: () => Promise<void>) =>
    writeAndRecord(write, () => recordRights(key, id, rights, desired, operation));
  const grantFullAccess = () =>
    grant({ fullAccess: true, automapping: wantsMapping }, () =>
      permissions.grantFullAccess(mailbox, id, key, wantsMapping && !isGroup(person), operation),
    );
  const revokeFrom = (list: Entry["list"], rights: readonly string[]) =>
    takeAway(list, rights, key, person, observed, operation);
  if (right === "automapping") {
    // Exchange keeps automapping with the entry and changes it only with a new one.
    recordRights(key, id, { automapping: from === true }, desired, operation);
    const staying = await revokeFrom("access", ["FullAccess"]);
    await grantFullAccess();
    return staying;
  }
  if (right === "otherRights") {
    const [had, wanted] = [otherRightsIn(from), otherRightsIn(to)];
    const added = wanted.filter((name) => !had.includes(name));
    const surplus = had.filter((name) => !wanted.includes(name));
    if (added.length > 0) {
      await grant({ otherRights: wanted }, () => permissions.grantOtherRights(mailbox, id, added, key, operation));
    }
    return surplus.length === 0 ? [] : revokeFrom("access", surplus);
  }
  if (to !== true) {
    return right === "fullAccess" ? revokeFrom("access", ["FullAccess"]) : revokeFrom("sendAs", ["SendAs"]);
  }
  await (right === "fullAccess"
    ? grantFullAccess()
    : grant({ sendAs: true }, () => permissions.grantSendAs(mailbox, id, key, operation)));
  return [];
}

function otherRightsIn(list: unknown): OtherRight[] {
  return OTHER_RIGHTS.filter((name) => Array.isArray(list) && list.includes(name));
}

/**
 * Takes rights out of every entry of somebody that has them.
 *
 * @returns as {@link removeOrphans} does.
 */
async function takeAway(
  list: Entry["list"],
  rights: readonly string[],
  key: string,
  person: Member,
  observed: Observed,
  operation: MembershipOperation,
): Promise<string[]> {
  const staying: string[] = [];
  for (const entry of observed.held[key]?.entries ?? []) {
    const present = entry.list === list ? rights.filter((name) => entry.rights.includes(name)) : [];
    if (present.length > 0) {
      const { permissions } = operation.services;
      const trustee = trusteeOf(person, entry);
      const isToldAbsent = await permissions.revoke(list, observed.mailbox, trustee, present, key, operation);
      staying.push(...(isToldAbsent && person.isDeleted && entry.sid !== undefined ? [entry.sid] : []));
    }
  }
  return staying;
}

/**
 * By what an entry's owner is named to Exchange: the object id, which is never somebody else; the SID where the entry is of a
 * deleted owner, of a former SID, or of a group that became a distribution list, which the cmdlets do not find by its id. Scripts
 * remove orphaned entries by SID, and no reference says that Exchange takes one: where it does not, the entry stays in the state
 * (`unremovable`).
 */
function trusteeOf({ id, sids, isDeleted, recipientTypeDetails }: Member, { sid }: Entry): string {
  const isFormer = sid !== undefined && sids[0] !== undefined && sid !== sids[0];
  const isNoPrincipal = recipientTypeDetails === "MailUniversalDistributionGroup";
  return sid !== undefined && (isDeleted || isFormer || isNoPrincipal) ? sid : id;
}

async function changeSendOnBehalf(
  changes: readonly Change[],
  desired: Desired,
  { mailbox, people }: Observed,
  operation: MembershipOperation,
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
  await writeAndRecord(
    () => operation.services.permissions.changeSendOnBehalf(mailbox, ids(added), ids(removed), operation),
    () => {
      for (const { key, id } of added) {
        recordRights(key, id, { sendOnBehalf: true }, desired, operation);
      }
    },
  );
}

/** Whether the mailbox's own list of entries has no room for another one. */
function isFull(error: unknown): error is ServiceError {
  return isServiceError(error) && /maximum allowed access control entries|maximum of 500/i.test(error.words);
}

/** Says what fills the list: entries of deleted people are not shown anywhere else. */
function listIsFull(error: ServiceError, { entryCount, orphans }: Observed): ProviderError {
  const count = orphans.filter(({ list }) => list === "access").length;
  return new ProviderError({
    words: error.message,
    nextStep:
      `${entryCount} explicit entries show, ${count} of them of deleted users and groups; others may be hidden. ` +
      (count > 0
        ? 'orphans: "remove" takes those of deleted ones away.'
        : "Give the same access to a mail-enabled security group.") +
      " Where another membership of this mailbox gives up an entry, deploy that one first: `pulumi up --target <its URN>`, or " +
      "`pulumi destroy --target <its URN>` for one that left the program.",
    cause: error,
  });
}

/** Records what was or may have been granted, so that a failure later on leaves no access behind unknown. */
function recordRights(
  key: string,
  id: string,
  rights: Partial<MemberRights>,
  { inputs }: Desired,
  { known, record }: MembershipOperation,
): void {
  const { members } = known.inputs;
  const { memberIds } = known.memory;
  const { automapping = true, until } = inputs.members[key] ?? {};
  const ends = until === undefined ? {} : { until };
  const none = { ...NO_RIGHTS, automapping, ...ends };
  record({
    inputs: { members: { ...members, [key]: { ...none, ...members?.[key], ...rights } } },
    memory: { memberIds: { ...memberIds, [key]: id } },
  });
}
