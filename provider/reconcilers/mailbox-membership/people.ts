import { InputError } from "../../http/errors";
import type { Mailbox } from "../../services/mailboxes";
import { hasAddress, sameText } from "../../services/mailboxes";
import type { Grant, Permissions, Right } from "../../services/permissions";
import { describe, type Recipient } from "../../services/recipients";
import { knownRecipients } from "../known-recipients";
import { anotherByNow, recipientKnownAs, recipientNamed } from "../recipient-named";
import type { Operation } from "../reconciler";
import type { Kept, MembershipInputs } from "./desired";

/** What Exchange takes as a trustee and honours (Microsoft: mailboxes, mail users, mail-enabled security groups). */
const TRUSTEES = [
  "UserMailbox",
  "SharedMailbox",
  "RoomMailbox",
  "EquipmentMailbox",
  "MailUser",
  "MailUniversalSecurityGroup",
];

/** Looks up everybody; refuses what cannot be a member and one person written in two ways, before anything is changed. */
export async function lookUpMembers(inputs: MembershipInputs, operation: Operation): Promise<Map<string, Recipient>> {
  const known = (operation.state.memberIds ?? {}) as Record<string, string>;
  const entries = await Promise.all(
    Object.keys(inputs.members).map(async (key): Promise<[string, Recipient]> => {
      return [key, await recipientKnownAs(key, known[key], pathOf(key), operation)];
    }),
  );
  const problems: { path: string; reason: string }[] = [];
  const keys = new Map<string, string>();
  for (const [key, recipient] of entries) {
    const other = keys.get(recipient.id);
    keys.set(recipient.id, key);
    if (!TRUSTEES.includes(recipient.recipientTypeDetails) || recipient.id === "") {
      problems.push({
        path: pathOf(key),
        reason: `is ${describe(recipient)}; only mailboxes, mail users and mail-enabled security groups can be members`,
      });
    } else if (other !== undefined) {
      problems.push({ path: pathOf(key), reason: `is the same person as ${pathOf(other)}; write each member once` });
    }
  }
  for (const [key, recipient] of problems.length > 0 ? [] : entries) {
    problems.push(...(await namesakesOf(key, recipient, operation)));
  }
  if (problems.length > 0) {
    throw new InputError(problems);
  }
  return new Map(entries);
}

/**
 * The people that the state knows and the tenant still has, by their key in `members`. Somebody with an account and without a
 * mailbox, such as one whose licence was taken away, is no recipient but keeps the entries, and the access comes back with the
 * mailbox: the entries are found by the account.
 */
export async function knownPeople(operation: Operation): Promise<Map<string, Recipient>> {
  const { memberIds, members } = operation.state;
  const found = await knownRecipients(memberIds, members, operation);
  const missing = Object.entries((memberIds ?? {}) as Record<string, string>).filter(([key]) => !found.has(key));
  const accounts = await Promise.all(
    missing.map(async ([key, id]) => [key, await operation.services.graph.user(id)] as const),
  );
  for (const [key, user] of accounts) {
    if (user !== undefined) {
      found.set(key, {
        id: user.id,
        guid: "",
        name: "",
        displayName: user.userPrincipalName,
        primarySmtpAddress: user.userPrincipalName.toLowerCase(),
        emailAddresses: [],
        recipientTypeDetails: "User",
        userPrincipalName: user.userPrincipalName,
      });
    }
  }
  return found;
}

/** Property path of a member. */
export function pathOf(key: string): string {
  return `members["${key}"]`;
}

/**
 * Which of the known people each grant belongs to. Exchange prints users by sign-in name, groups by display name and
 * delegates of Send on Behalf by Name or id.
 *
 * @throws InputError when a group is printed by a display name that it shares with another one.
 */
export async function assign(
  permissions: Permissions,
  people: Map<string, Recipient>,
  operation: Operation,
): Promise<{ rights: Record<string, Set<Right>>; others: string[] }> {
  const signInNames = await signInNamesOf(people, operation);
  const rights: Record<string, Set<Right>> = Object.fromEntries(
    [...people.keys()].map((key) => [key, new Set<Right>()]),
  );
  const others = new Set(permissions.others);
  for (const grant of permissions.grants) {
    const keys = [...people]
      .filter(([key, person]) => isPrintedAs(person, signInNames.get(key), grant))
      .map(([key]) => key);
    for (const key of keys) {
      rights[key]?.add(grant.right);
    }
    if (keys.length === 0) {
      others.add(grant.trustee);
    }
  }
  await requireUniqueGroupNames(permissions, people, operation);
  return { rights, others: [...others].sort() };
}

function isPrintedAs(person: Recipient, signInName: string | undefined, { right, trustee }: Grant): boolean {
  // In a permission list a text like a user's Name is the display name of some group.
  const name = isGroup(person) || right === "sendOnBehalf" ? person.name : undefined;
  return (
    [person.id, person.guid, name, signInName, isGroup(person) ? person.displayName : undefined].some(
      (name) => name !== undefined && name !== "" && sameText(name, trustee),
    ) || hasAddress(person, trustee)
  );
}

/** Sign-in names from the directory, because a recipient row need not carry them. */
async function signInNamesOf(people: Map<string, Recipient>, { services }: Operation): Promise<Map<string, string>> {
  const entries = await Promise.all(
    [...people]
      .filter(([, person]) => !isGroup(person))
      .map(async ([key, person]) => {
        const name = person.userPrincipalName ?? (await services.graph.user(person.id))?.userPrincipalName;
        return [key, name] as const;
      }),
  );
  return new Map(entries.flatMap(([key, name]) => (name === undefined ? [] : [[key, name] as const])));
}

async function requireUniqueGroupNames(permissions: Permissions, people: Map<string, Recipient>, operation: Operation) {
  for (const [key, person] of people) {
    const isPrinted = permissions.grants.some(({ trustee }) => sameText(trustee, person.displayName));
    const problems = isPrinted ? await namesakesOf(key, person, operation) : [];
    if (problems.length > 0) {
      throw new InputError(problems);
    }
  }
}

/** What is wrong with a group whose display name another group has: which of them holds a right cannot be read back. */
async function namesakesOf(key: string, person: Recipient, { services }: Operation) {
  if (!isGroup(person)) {
    return [];
  }
  const others = (await services.recipients.withDisplayName(person.displayName)).filter(
    (one) => isGroup(one) && !sameText(one.id, person.id),
  );
  return others.length === 0
    ? []
    : [
        {
          path: pathOf(key),
          reason: `shares its display name with ${others.map(describe).join(", ")}, and Exchange prints groups by display name in permission lists, so that their access cannot be told apart; rename one`,
        },
      ];
}

function isGroup(recipient: Recipient): boolean {
  return recipient.recipientTypeDetails.endsWith("Group");
}

/**
 * The people behind trustees that nobody declared, by primary SMTP address; by id where `taken` has that address for somebody
 * else. Only who could be a member is among them: system
 * entries, role groups and orphaned SIDs resolve to nobody and are left alone.
 */
export async function strangersAmong(
  trustees: readonly string[],
  taken: ReadonlyMap<string, unknown>,
  operation: Operation,
): Promise<Map<string, Recipient>> {
  const { recipients } = operation.services;
  const found = await Promise.all(
    trustees.map(async (trustee) => {
      if (trustee.includes("@")) {
        return recipients.named(trustee);
      }
      const [printed, displayed] = await Promise.all([
        recipients.printed(trustee),
        recipients.withDisplayName(trustee),
      ]);
      return [...new Map([...printed, ...displayed.filter(isGroup)].map((one) => [one.guid, one])).values()];
    }),
  );
  return new Map(
    found
      // Two objects of one name cannot be told apart, so neither is taken for the trustee.
      .flatMap(([one, second]) => (one === undefined || second !== undefined ? [] : [one]))
      .filter(({ id, recipientTypeDetails }) => id !== "" && TRUSTEES.includes(recipientTypeDetails))
      .map((one) => [taken.has(one.primarySmtpAddress) ? one.id.toLowerCase() : one.primarySmtpAddress, one]),
  );
}

/**
 * The people that a program wants left alone: the one with the object id that the state knows, whoever has the address by now.
 * One that is not there (any more) needs no leaving.
 *
 * @throws InputError when the one the state knows is gone and somebody else has the address: nobody has seen that yet.
 */
export async function lookUpKeep(keys: readonly string[], operation: Operation): Promise<Kept> {
  const { registry, services } = operation;
  return kept(keys, operation, async (key, id) => {
    const now = (await services.recipients.named(key)).filter((one) => one.id !== "");
    const [stranger] = now.filter((one) => !sameText(one.id, id));
    if (stranger === undefined || registry.isTakenOver(key, id)) {
      return now;
    }
    throw new InputError([{ path: "keep", reason: anotherByNow(key, id, stranger) }]);
  });
}

/** The people that a state wants left alone; one who is gone is forgotten, so that a refresh shows who has the address by now. */
export async function knownKeep(operation: Operation): Promise<Kept> {
  return kept((operation.state.keep ?? []) as string[], operation, async () => []);
}

/** @param gone who is meant by a key whose object is gone. */
async function kept(
  keys: readonly string[],
  operation: Operation,
  gone: (key: string, id: string) => Promise<Recipient[]>,
): Promise<Kept> {
  const { recipients, graph } = operation.services;
  const known = (operation.state.keepIds ?? {}) as Record<string, string>;
  const found = await Promise.all(
    keys.map(async (key): Promise<[string, string[]]> => {
      const id = known[key];
      if (id === undefined) {
        return [key, (await recipients.named(key)).map((one) => one.id)];
      }
      // Somebody without a mailbox is no recipient, and the same person still.
      const isThere = (await recipients.named(id)).length > 0 || (await graph.user(id)) !== undefined;
      return [key, isThere ? [id] : (await gone(key, id)).map((one) => one.id)];
    }),
  );
  const entries = found.map(([key, ids]): [string, string[]] => [key, ids.filter((id) => id !== "")]);
  return {
    // One of several with the same address would be a guess.
    byKey: Object.fromEntries(
      entries.flatMap(([key, [id, second]]) => (id && second === undefined ? [[key, id]] : [])),
    ),
    ids: new Set(entries.flatMap(([, ids]) => ids)),
  };
}

/** The one mailbox that is meant; waited for if it is being created. */
export async function mailboxNamed(identifier: string, operation: Operation): Promise<Mailbox> {
  const recipient = await recipientNamed(identifier, "mailbox", operation);
  const mailbox = recipient.id === "" ? undefined : await operation.services.mailboxes.withId(recipient.id);
  if (mailbox === undefined) {
    throw new InputError([{ path: "mailbox", reason: `is ${describe(recipient)}, which is no mailbox` }]);
  }
  return mailbox;
}
