import { InputError, SettleError } from "../http/errors";
import { sameText } from "../services/mailboxes";
import { describe, isGuid, type Recipient } from "../services/recipients";
import { settle } from "../services/waiting";
import type { Operation } from "./reconciler";

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
  const { recipients, graph } = operation.services;
  let isInEntra = false;
  const started = Date.now();
  let found: Recipient[];
  try {
    found = await settle(
      {
        what: `${identifier} to appear in Exchange`,
        look: async () => {
          const seen = await recipients.named(identifier);
          isInEntra ||= seen.length === 0 && (await graph.user(identifier)) !== undefined;
          const isGivenUp = !isInEntra && Date.now() - started > Math.min(UNHEARD_OF, operation.settleTimeout);
          return { seen, isGivenUp };
        },
        done: ({ seen, isGivenUp }) => seen.length > 0 || isGivenUp,
      },
      operation,
    ).then(({ seen }) => seen);
  } catch (error) {
    if (!(error instanceof SettleError)) {
      throw error;
    }
    found = [];
  }
  const [recipient, second] = found;
  if (recipient === undefined) {
    throw new InputError([
      {
        path,
        reason: isInEntra
          ? `${identifier} has an account but is no recipient in Exchange; give it a mailbox (a licence) first`
          : ((await whatElse(identifier, operation)) ??
            `nobody in the tenant has the address, sign-in name or id ${identifier}`),
      },
    ]);
  }
  if (second !== undefined) {
    throw new InputError([
      {
        path,
        reason: `${identifier} is ambiguous: it means ${found.map((one) => `${describe(one)} with id ${one.id}`).join(" or ")}; write the id`,
      },
    ]);
  }
  return recipient;
}

/**
 * The recipient that an address of the program stands for: the one with the object id that the state knows, whoever has the
 * address by now. Where that one is gone and somebody else has its address, nobody is meant until a refresh has shown it.
 *
 * @param id the object id that the state has for the address; undefined where it has none.
 * @throws InputError as {@link recipientNamed} does, and when the address is another one's by now.
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
    throw new InputError([{ path, reason: inRecycleBin(identifier, id) }]);
  }
  const recipient = await recipientNamed(identifier, path, operation);
  // A mailbox that this very deployment replaced is no stranger.
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
      ? inRecycleBin(identifier, identifier)
      : group === undefined
        ? undefined
        : `is the group "${group}", which has no mail and is no recipient in Exchange; use a mail-enabled security group`;
  }
  const [deleted] = (await quietly(graph.deletedHoldersOf(identifier))) ?? [];
  return deleted === undefined ? undefined : inRecycleBin(identifier, deleted);
}

function inRecycleBin(identifier: string, id: string): string {
  return `${identifier} is an account in the recycle bin (id ${id}); restore it, or take it out of the program, which takes its access away`;
}

/** Why an address that stood for an object that is gone does not stand for who has it now. */
export function anotherByNow(identifier: string, id: string, recipient: Recipient): string {
  return `${identifier} stood for ${elsewhere(id, recipient)}`;
}

function elsewhere(id: string, recipient: Recipient): string {
  return `the object ${id}, which is gone; the address is ${describe(recipient)} now. If that one is meant, \`pulumi up --refresh\` shows it first`;
}
