import type { z } from "zod";
import { identifiers, isSame } from "../../core/canonical";
import { isSet } from "../../core/properties";
import { InputError } from "../../http/errors";
import { sameText, texts } from "../../http/json";
import { smtpAddresses } from "../../services/mailboxes";
import type { Recipient } from "../../services/recipients";
import { idOf, oneAmong, recipientKnownAs } from "../recipients";
import type { Desired, KnownMailbox, Observed, SharedMailboxInputs, SharedMailboxOperation } from "./desired";
import { changesOf, type Facet, isChanged } from "./facet";

const NAMES = ["acceptMessagesOnlyFrom", "rejectMessagesFrom"] as const;

/** A list of people and groups who may, or may not, write to the mailbox. */
export type SenderList = (typeof NAMES)[number];

/** The two lists by their columns, which are parameters too: people and groups together. */
const COLUMNS: Readonly<Record<SenderList, string>> = {
  acceptMessagesOnlyFrom: "AcceptMessagesOnlyFromSendersOrMembers",
  rejectMessagesFrom: "RejectMessagesFromSendersOrMembers",
};

/** The columns to select. */
export const SENDER_COLUMNS: readonly string[] = Object.values(COLUMNS);

const SENDER = "an address, a sign-in name or an object id, e.g. ada@contoso.com";

/** Both lists as a program writes them; an empty one declares that nobody is in it. */
export const senderLists = {
  acceptMessagesOnlyFrom: identifiers(SENDER).optional(),
  rejectMessagesFrom: identifiers(SENDER).optional(),
} satisfies Record<SenderList, z.ZodType>;

/** Somebody in a list, with all whom the printed text fits: Exchange prints a Name, which several may have. */
export interface Printed {
  text: string;
  fitting: readonly Recipient[];
}

/** Looks up who is declared. Refuses somebody who is written twice, in two spellings or in both lists, before anything is changed. */
export async function declaredSenders(
  inputs: SharedMailboxInputs,
  operation: SharedMailboxOperation,
): Promise<Desired["senders"]> {
  const known = operation.known.memory.senderIds ?? {};
  const pathOf = (name: SenderList, key: string) => `${name}["${key}"]`;
  const lists = await Promise.all(
    NAMES.filter((name) => inputs[name] !== undefined).map(async (name) => {
      const people = await Promise.all(
        (inputs[name] ?? []).map(
          async (key) => [key, await recipientKnownAs(key, known[key], pathOf(name, key), operation)] as const,
        ),
      );
      return [name, new Map(people)] as const;
    }),
  );
  const paths = new Map<string, string>();
  const problems = lists.flatMap(([name, people]) =>
    [...people].flatMap(([key, recipient]) => {
      const [path, other] = [pathOf(name, key), paths.get(idOf(recipient))];
      paths.set(idOf(recipient), path);
      return other === undefined ? [] : [{ path, reason: `is the same as ${other}; write each one once` }];
    }),
  );
  // What an earlier release has taken goes on as it is.
  if (problems.length > 0 && NAMES.some((name) => !isSame(inputs[name], operation.known.inputs[name]))) {
    throw new InputError(problems);
  }
  return Object.fromEntries(lists);
}

/** Who somebody in a list is: the only one whom the text fits, or the one among several who is known. */
function oneOf({ fitting }: Printed, known: readonly string[]): Recipient | undefined {
  return fitting.length < 2 ? fitting[0] : fitting.find((one) => known.includes(idOf(one)));
}

function idsOf(list: readonly Printed[], known: readonly string[]): string[] {
  const ids = list.map((one) => {
    const recipient = oneOf(one, known);
    return recipient === undefined ? `unknown ${one.text}` : idOf(recipient);
  });
  return [...new Set(ids)].sort();
}

/** Somebody in a list as a program writes it: as it is declared, else by the primary address, never by a Name. */
function spelled(one: Printed, declared: readonly string[], known: Record<string, string>): string {
  const recipient = oneOf(
    one,
    Object.values(known).map((id) => id.toLowerCase()),
  );
  if (recipient === undefined) {
    return oneAmong(one.fitting) || "a sender who cannot be looked up";
  }
  const meansIt = (key: string) =>
    known[key] === undefined
      ? sameText(key, recipient.id) || smtpAddresses(recipient).includes(key) || key === recipient.userPrincipalName
      : known[key].toLowerCase() === idOf(recipient);
  return declared.find(meansIt) ?? (recipient.primarySmtpAddress || idOf(recipient));
}

/**
 * Takes senders out of the lists who are declared no more and whose account is deleted. Exchange does not show them while they are
 * gone, and would show them again once the account is restored: only a list that is written whole is without them.
 */
export async function takeHiddenSenders(
  desired: Desired,
  previous: KnownMailbox,
  { mailbox }: Observed,
  operation: SharedMailboxOperation,
): Promise<void> {
  const { mailboxes, recipients } = operation.services;
  const staying = Object.values(idsByKey(desired));
  const leaving = Object.entries(previous.memory.senderIds ?? {}).filter(([, id]) => !staying.includes(id));
  const gone = await Promise.all(
    leaving.map(async ([key, id]) => ((await recipients.named(id)).length === 0 ? [key] : [])),
  );
  const who = gone.flat().join(", ");
  if (who === "" || mailbox.isDirSynced) {
    return;
  }
  const parameters = NAMES.filter((name) => isSet(previous.inputs[name])).map((name) => {
    return [COLUMNS[name], written([...(desired.senders[name]?.values() ?? [])].map(idOf))] as const;
  });
  const action = `taking ${who} out of the senders of ${mailbox.primarySmtpAddress}`;
  await mailboxes.set(mailbox.id, Object.fromEntries(parameters), action, operation);
}

/** From whom the mailbox takes messages, and from whom it does not. */
export const senders: Facet = {
  properties: NAMES,

  check: ({ acceptMessagesOnlyFrom: accepted = [], rejectMessagesFrom: rejected = [] }) =>
    accepted
      .filter((one) => rejected.includes(one))
      .map((one) => ({ path: "rejectMessagesFrom", reason: `has ${one}, who is in acceptMessagesOnlyFrom too` }))
      .slice(0, 1),

  async look({ mailbox }, managed, { services: { recipients } }) {
    const lists = await Promise.all(
      NAMES.filter((name) => isSet(managed[name])).map(async (name) => {
        const printed = texts(mailbox.row[COLUMNS[name]]);
        return [
          name,
          await Promise.all(printed.map(async (text) => ({ text, fitting: await recipients.printed(text) }))),
        ] as const;
      }),
    );
    return lists.length === 0 ? {} : { senders: Object.fromEntries(lists) };
  },

  difference: (desired, previous, observed) =>
    NAMES.flatMap((name) => {
      const seen = observed.senders?.[name];
      if (seen === undefined || (desired.inputs[name] === undefined && !isSet(previous[name]))) {
        return [];
      }
      const to = [...new Set([...(desired.senders[name]?.values() ?? [])].map(idOf))].sort();
      const from = idsOf(seen, to);
      return isSame(from, to) ? [] : [{ path: [name], from, to }];
    }),

  parameters: (changes) =>
    Object.fromEntries(NAMES.flatMap((name) => changesOf(name, changes).map(({ to }) => [COLUMNS[name], written(to)]))),

  recorded: (changes, desired) =>
    NAMES.some((name) => isChanged(name, changes)) ? { memory: { senderIds: idsByKey(desired) } } : {},

  read: (observed, { inputs, memory }) =>
    Object.fromEntries(
      NAMES.map((name) => {
        const seen = observed.senders?.[name];
        const held = inputs[name];
        const read = seen?.map((one) => spelled(one, held ?? [], memory.senderIds ?? {})).sort();
        // Nobody in it is a value where a list is declared.
        return [name, read === undefined || (read.length === 0 && !isSet(held)) ? (held ?? null) : read];
      }),
    ),

  outputs(_observed, { memory }, desired) {
    const ids = desired === undefined ? (memory.senderIds ?? {}) : idsByKey(desired);
    return Object.keys(ids).length === 0 ? {} : { senderIds: ids };
  },
};

/** A list as a parameter: null for nobody. */
function written(ids: unknown): unknown {
  return Array.isArray(ids) && ids.length === 0 ? null : ids;
}

function idsByKey({ senders: declared }: Desired): Record<string, string> {
  const lists = Object.values(declared).flatMap((list) => [...list]);
  return Object.fromEntries(lists.map(([key, recipient]) => [key, idOf(recipient)]));
}
