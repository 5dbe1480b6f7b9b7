import { InputError } from "../../http/errors";
import { isGuid, sameText } from "../../http/json";
import { hasAddress, type Mailbox } from "../../services/mailboxes";
import { account, describe, isGroup, type Recipient } from "../../services/recipients";
import type { Services } from "../../services/services";
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
  type Kept,
  type KnownMembership,
  type Member,
  type MembershipInputs,
  type MembershipOperation,
  type Observed,
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
export function isTrustee({ id, recipientTypeDetails }: Recipient): boolean {
  return TRUSTEES.includes(recipientTypeDetails) && id !== "";
}

/**
 * Whether Exchange hides somebody's Send on Behalf for the time being: it is back with the account that is restored, or with the mailbox of
 * an account that has none now.
 */
export function isAway({ isDeleted, isRecoverable, recipientTypeDetails }: Member): boolean {
  return isDeleted ? isRecoverable : recipientTypeDetails === "User";
}

/** What a refresh says of members that became something that cannot be a member, such as a group that is now a distribution list. */
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
 * Refuses a right for somebody whose address in the program now belongs to another person: a reader of the diff would think that this other
 * person gets it. What a member has already stays.
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
export async function living(
  key: string,
  recipient: Recipient,
  { services, known }: MembershipOperation,
): Promise<Member> {
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
          const one = await living(key, account(user), operation);
          // Without its mailbox Exchange may know the account by another SID. The entries are under the one that it had.
          return [key, { ...one, sids: [...new Set([...one.sids, ...knownSids(key, id, operation.known)])] }];
        }
        const nobody = { ...account({ id, userPrincipalName: key }), recipientTypeDetails: "" };
        // The key now belongs to somebody else, who would be taken for the deleted one.
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
 * The people that a program wants left alone: those with the object ids that the state knows, whoever has their
 * addresses now. Somebody who is not there (any more) is left out.
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

/** The people that a state wants left alone; one who is gone is forgotten, so that a refresh shows who has the address now. */
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

/**
 * Who is meant by the address of a mailbox that does not have it any more. An address is one recipient's alone, so a mailbox that has it
 * is the one that is meant.
 *
 * @returns all whom the address fits; nobody where the mailbox has it, or where it is written by id.
 */
export async function meantBy(
  address: string,
  mailbox: Mailbox,
  { services, registry }: MembershipOperation,
): Promise<Recipient[]> {
  if (
    !address.includes("@") ||
    hasAddress(mailbox, address) ||
    sameText(registry.declaredFor(address) ?? "", mailbox.id)
  ) {
    return [];
  }
  const meant = await services.recipients.named(address);
  return meant.some(({ id }) => !sameText(id, mailbox.id)) ? meant : [];
}

/**
 * Refuses a change of who has access where the address in the program belongs to another mailbox now, or will with this deployment: a
 * reader of the diff would think that the change is about that mailbox.
 */
export async function requireStillMeant(
  address: string,
  mailbox: Mailbox,
  operation: MembershipOperation,
): Promise<void> {
  const { registry } = operation;
  const declared = registry.declaredFor(address);
  const isMoving =
    registry.isPassedOn(address, mailbox.id) || (declared !== undefined && !sameText(declared, mailbox.id));
  const meant = await meantBy(address, mailbox, operation);
  if (!isMoving && meant.length === 0) {
    return;
  }
  const others = meant.filter(({ id }) => !sameText(id, mailbox.id));
  const holder = isMoving ? "another mailbox of this program" : others.map(describe).join(" and ");
  const isShown = isMoving || others.length === meant.length;
  throw new InputError([
    {
      path: "mailbox",
      reason:
        `${address} stood for ${describe(mailbox)} with id ${mailbox.id}; it is an address of ${holder} now. Nobody's access was changed. ` +
        `Write the id of the one that is meant${isShown ? ", or run `pulumi up --refresh`, which shows the move first" : ""}`,
    },
  ]);
}

/** What a refresh says of a mailbox whose address in the program now belongs to somebody else. */
export async function mailboxReassigned(
  address: string,
  { mailbox }: Observed,
  operation: MembershipOperation,
): Promise<string[]> {
  const others = (await meantBy(address, mailbox, operation)).filter(({ id }) => !sameText(id, mailbox.id));
  return others.length === 0
    ? []
    : [
        `mailbox: the members have access to ${describe(mailbox)} with id ${mailbox.id}, which had the address ${address} before. ` +
          `It is an address of ${others.map(describe).join(" and ")} now. Write the id of the one that is meant.`,
      ];
}
