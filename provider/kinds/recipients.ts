import { absent, type Operation, type Unfit, unfit } from "../core/kind";
import { InputError, ProviderError } from "../http/errors";
import { isGuid, sameText } from "../http/json";
import type { User } from "../services/graph";
import { hasAddress, type Mailbox } from "../services/mailboxes";
import { account, describe, type Recipient } from "../services/recipients";
import { lastSeen } from "../services/waiting";

/** How long a recipient that neither Exchange nor Entra knows is waited for, in milliseconds: it may be seconds old. */
const UNHEARD_OF = 30_000;

/**
 * The one recipient of the tenant meant by an address, sign-in name or id. One that Entra knows and Exchange does not show
 * yet is waited for up to the settle timeout; one that nobody knows, for half a minute.
 *
 * @param path the property that names it, for errors.
 * @throws InputError when there is none, or more than one.
 */
export async function recipientNamed(identifier: string, path: string, operation: Operation): Promise<Recipient> {
  const { graph } = operation.services;
  let isInEntra = false;
  const started = Date.now();
  const { seen } = await lastSeen(
    {
      what: `${identifier} to appear in Exchange`,
      look: async () => {
        const seen = await meantIn(identifier, operation);
        isInEntra ||= seen.length === 0 && (await graph.user(identifier)) !== undefined;
        const isGivenUp = !isInEntra && Date.now() - started > Math.min(UNHEARD_OF, operation.settleTimeout);
        return { seen, isGivenUp };
      },
      done: ({ seen, isGivenUp }) => seen.length > 0 || isGivenUp,
    },
    operation,
  );
  const [recipient, second] = seen;
  if (recipient === undefined) {
    throw new InputError([
      {
        path,
        reason: isInEntra
          ? `${identifier} has an account but is not a recipient in Exchange; give it a mailbox (a licence) first`
          : ((await whatElse(identifier, operation)) ??
            `nobody in the tenant has the address, sign-in name or id ${identifier}`),
      },
    ]);
  }
  if (second !== undefined) {
    throw new InputError([{ path, reason: ambiguous(identifier, seen) }]);
  }
  return recipient;
}

/**
 * Who is meant by a text of the program: the mailbox that the program declares to have the address, though the move of the address may
 * be still to come. Nobody, while it is with a mailbox that gives it up to one that is not made yet.
 */
async function meantIn(identifier: string, { services: { recipients }, registry }: Operation): Promise<Recipient[]> {
  const seen = await recipients.named(identifier);
  const declared = registry.declaredFor(identifier);
  const [byDeclaration] = declared === undefined ? [] : await recipients.named(declared);
  if (byDeclaration !== undefined) {
    // Somebody who signs in with it is meant as well. Somebody who has it as an address is about to lose it.
    return [byDeclaration, ...seen.filter((one) => one.id !== byDeclaration.id && !hasAddress(one, identifier))];
  }
  return seen.some(({ id }) => registry.isPassedOn(identifier, id)) ? [] : seen;
}

/** What tells a recipient from all others: the object id, or Exchange's own where there is none, as of a mail contact. Lower case. */
export function idOf({ id, guid }: Recipient): string {
  return (id || guid).toLowerCase();
}

/** Recipients of whom one is meant, in words. */
export function oneAmong(recipients: readonly Recipient[]): string {
  return recipients.map((one) => `${one.primarySmtpAddress} (id ${idOf(one)})`).join(" or ");
}

/** Why a text that several recipients fit names none of them. */
export function ambiguous(identifier: string, found: readonly Recipient[]): string {
  const all = found.map((one) => `${describe(one)} with id ${one.id}`).join(" or ");
  return `${identifier} is ambiguous: it means ${all}; write the id`;
}

/**
 * The recipient that an address of the program stands for: the one with the object id that the state knows, whoever has the
 * address now. Where that one is gone and somebody else has its address, nobody is meant until a refresh has shown it.
 *
 * @param id the object id that the state has for the address; undefined where it has none.
 * @throws InputError as {@link recipientNamed} does, and when the address belongs to somebody else now.
 */
export async function recipientKnownAs(
  identifier: string,
  id: string | undefined,
  path: string,
  operation: Operation,
): Promise<Recipient> {
  const [known] = id === undefined ? [] : await operation.services.recipients.named(id);
  if (known !== undefined) {
    return known;
  }
  const { recipients, graph } = operation.services;
  if (id !== undefined && (await recipients.named(identifier)).length === 0 && (await graph.isDeleted(id))) {
    throw new InputError([{ path, reason: inRecycleBinAs(identifier, id) }]);
  }
  const recipient = await recipientNamed(identifier, path, operation);
  // A mailbox that this deployment replaced is not somebody else's.
  if (id === undefined || sameText(recipient.id, id) || operation.registry.isTakenOver(identifier, id)) {
    return recipient;
  }
  throw new InputError([{ path, reason: `stood for ${elsewhere(id, recipient)}` }]);
}

/** What an identifier that no recipient has stands for: an account in the recycle bin, or a group without mail. */
async function whatElse(identifier: string, { services: { graph } }: Operation): Promise<string | undefined> {
  // This only says more of an error that is already certain, so what cannot be looked up is left out.
  const quietly = <T>(question: Promise<T>) => question.catch(() => undefined);
  if (isGuid(identifier)) {
    const [isDeleted, group] = await Promise.all([
      quietly(graph.isDeleted(identifier)),
      quietly(graph.groupName(identifier)),
    ]);
    return isDeleted === true
      ? inRecycleBinAs(identifier, identifier)
      : group === undefined
        ? undefined
        : `is the group "${group}", which has no mail and is not a recipient in Exchange; use a mail-enabled security group`;
  }
  const [deleted] = (await quietly(graph.deletedHoldersOf(identifier))) ?? [];
  return deleted === undefined ? undefined : inRecycleBinAs(identifier, deleted);
}

function inRecycleBinAs(identifier: string, id: string): string {
  return `${identifier} is an account in the recycle bin (id ${id}); restore it, or take it out of the program, which takes its access away`;
}

/** Why an address that stood for an object that is gone does not stand for who has it now. */
export function anotherByNow(identifier: string, id: string, recipient: Recipient): string {
  return `${identifier} stood for ${elsewhere(id, recipient)}`;
}

function elsewhere(id: string, recipient: Recipient): string {
  return `the object ${id}, which is gone; the address is ${describe(recipient)} now. If that one is meant, \`pulumi up --refresh\` shows it first`;
}

/** Who now has an address of the program that another person had before; nobody while that person still has it. */
export async function successorsOf(
  key: string,
  person: Recipient,
  { services }: Pick<Operation, "services">,
): Promise<Recipient[]> {
  // It is only this person's sign-in name, and somebody else may have it as an address.
  return !key.includes("@") || hasAddress(person, key)
    ? []
    : (await services.recipients.named(key)).filter(({ id }) => !sameText(id, person.id));
}

/**
 * Warnings about addresses of the program that now belong to somebody else. The state knows by id who was meant, while a reader of the
 * program would think of the other person.
 *
 * @param people who is meant, by the text in the program.
 */
export async function reassigned(
  people: Iterable<readonly [key: string, person: Recipient]>,
  pathOf: (key: string) => string,
  operation: Pick<Operation, "services">,
): Promise<string[]> {
  const remarks: string[] = [];
  for (const [key, person] of people) {
    const others = await successorsOf(key, person, operation);
    if (others.length > 0) {
      remarks.push(
        `${pathOf(key)} still means ${describe(person)} with id ${person.id}, who had this address before. ` +
          `It is the address of ${others.map(describe).join(" and ")} now. Write the id of the one who is meant.`,
      );
    }
  }
  return remarks;
}

/**
 * The recipients that a state knows and the tenant still has, by the key they are written with. They are found by the object id
 * that was stored, whoever has the address now. Only a state that came without ids (an import file, a creation that failed
 * early) leaves nothing but the key to go by.
 *
 * @param ids object ids by key.
 * @param declared the map whose keys name them.
 */
export async function knownRecipients(
  ids: Readonly<Record<string, string>> | undefined,
  declared: object | null | undefined,
  operation: Operation,
) {
  const known = new Map(Object.entries(ids ?? {}));
  const keys = new Set([...known.keys(), ...Object.keys(declared ?? {})]);
  const found = await Promise.all(
    [...keys].map(async (key) => {
      const id = known.get(key);
      const [recipient, ...others] = await operation.services.recipients.named(id ?? key);
      // One of several with the same address would be a guess.
      return [key, id === undefined && others.length > 0 ? undefined : recipient] as const;
    }),
  );
  return new Map<string, Recipient>(
    found.flatMap(([key, recipient]) => (recipient === undefined ? [] : [[key, recipient] as const])),
  );
}

/**
 * A mailbox and the account behind it, or undefined when both Exchange and Entra say that there is none. Absence needs two
 * witnesses: one service's "not found" may be a passing lag.
 *
 * @throws ProviderError when the two disagree.
 */
export async function mailboxAndAccount(
  id: string,
  operation: Operation,
): Promise<{ mailbox: Mailbox; user: User } | undefined> {
  const { mailboxes, graph } = operation.services;
  const [mailbox, account] = await Promise.all([
    mailboxes.withId(id),
    operation.readIfAllowed(`whether the account ${id} may sign in`, async () => ({ user: await graph.user(id) })),
  ]);
  if (account === undefined) {
    return { mailbox: mailbox ?? unseen(id), user: userOf(mailbox ?? unseen(id), operation) };
  }
  const { user } = account;
  if (mailbox !== undefined && user !== undefined) {
    return { mailbox, user };
  }
  if (mailbox === undefined && user === undefined) {
    return undefined;
  }
  throw new ProviderError({
    action: `reading mailbox ${mailbox?.primarySmtpAddress ?? user?.userPrincipalName ?? id}`,
    words:
      mailbox === undefined
        ? "Exchange shows no such mailbox, but its account exists in Entra; which is right is not certain"
        : "Exchange shows the mailbox, but Entra does not show its account; which is right is not certain",
    nextStep:
      "Nothing was changed. Run the command again in a few minutes; if the mailbox really is gone and its account is to stay, " +
      "`pulumi state delete` forgets the resource.",
  });
}

/**
 * A mailbox, or undefined when both Exchange and Entra say that there is none. The account matters only where Exchange shows nothing.
 *
 * @throws as {@link mailboxAndAccount} does.
 */
export async function mailboxPresent(id: string, operation: Operation): Promise<Mailbox | undefined> {
  return (await operation.services.mailboxes.withId(id)) ?? (await mailboxAndAccount(id, operation))?.mailbox;
}

/** The account of a mailbox that the application may not look at in Entra: what is known of it is what the state has. */
function userOf({ id, userPrincipalName }: Mailbox, { known: { memory, inputs } }: Operation): User {
  const accountEnabled = (memory.accountEnabled ?? inputs.signInBlocked === false) === true;
  return { id, userPrincipalName, accountEnabled };
}

/** @throws always: one witness alone does not prove that a mailbox is gone. */
function unseen(id: string): never {
  throw new ProviderError({
    action: `reading mailbox ${id}`,
    words: "Exchange shows no such mailbox, and the application may not ask Entra whether its account is gone too",
    nextStep: "Nothing was changed. The application needs User.Read.All of Microsoft Graph.",
  });
}

/** The one mailbox that an id, address or sign-in name of a program means, of whatever type. Nobody is waited for. */
export async function mailboxAsked(
  asked: string,
  { services }: Operation,
): Promise<{ mailbox: Mailbox; recipient: Recipient } | Unfit> {
  const { recipients, mailboxes, graph } = services;
  const found = await recipients.named(asked);
  const [recipient, second] = found;
  if (recipient === undefined) {
    const user = await graph.user(asked);
    return user === undefined
      ? absent((await inRecycleBin(asked, services)) ?? "nobody in the tenant has this address, sign-in name or id")
      : unfit(`it is ${describe(account(user))}`);
  }
  if (second !== undefined) {
    return unfit(`it means ${found.map((one) => `${describe(one)} with id ${one.id}`).join(" or ")}; write the id`);
  }
  const mailbox = recipient.id === "" ? undefined : await mailboxes.withId(recipient.id);
  return mailbox === undefined ? unfit(`it is ${describe(recipient)}, which has no mailbox`) : { mailbox, recipient };
}

/** That the account is deleted, which is only said where it can be read: without, the answer is certain as well. */
async function inRecycleBin(asked: string, { graph }: Operation["services"]): Promise<string | undefined> {
  const ids = isGuid(asked)
    ? graph.isDeleted(asked).then((isDeleted) => (isDeleted ? [asked] : []))
    : graph.deletedHoldersOf(asked);
  const [id] = await ids.catch(() => []);
  return id === undefined ? undefined : `it belongs to an account in the recycle bin (id ${id})`;
}
