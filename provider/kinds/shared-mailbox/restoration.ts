import { z } from "zod";
import { grantThing } from "../../core/registry";
import { ConflictError, ifAllowed, isClass, isForbidden, isProviderError, isUnknownOutcome } from "../../http/errors";
import { isGuid, sameText } from "../../http/json";
import {
  type DeletedMailbox,
  describeDeleted,
  hasAddress,
  type Mailbox,
  smtpAddresses,
} from "../../services/mailboxes";
import type { Entry } from "../../services/permissions";
import { settle } from "../../services/waiting";
import { type MembershipOperation, memory } from "../mailbox-membership/desired";
import { attribute, recipientOfEntry } from "../mailbox-membership/observation";
import type { SharedMailboxInputs, SharedMailboxOperation } from "./desired";
import { forwardsTo } from "./forwarding";

const RESTORE = "must be true, false, or the Exchange guid of the deleted mailbox";

/** Whether a deleted mailbox comes back, or which one. */
export const restoreSchema = z
  .union([z.boolean(), z.string()], { error: RESTORE })
  .transform((value) => (typeof value === "string" ? value.trim().toLowerCase() : value))
  .refine((value) => typeof value === "boolean" || isGuid(value), { error: RESTORE });

/** The ways on that every refusal here names, as a program writes them. */
const ANEW = "For a new, empty mailbox write restoreDeleted: false.";

/**
 * Brings back the deleted mailbox that `restoreDeleted` asks for, with what is in it. Where the program says neither that nor that a
 * new one is meant, a mailbox that had the address is a refusal: the new one would stand in its place, empty.
 *
 * @returns its Entra object id; undefined when a new mailbox is to be made.
 * @throws ConflictError when the program has to choose, or when the one it chose cannot come back.
 */
export async function restore(
  inputs: SharedMailboxInputs,
  operation: SharedMailboxOperation,
): Promise<string | undefined> {
  const { restoreDeleted, primarySmtpAddress } = inputs;
  if (restoreDeleted === false || (restoreDeleted === undefined && operation.registry.isReplaced(operation.origin))) {
    return undefined;
  }
  const deleted = await listDeleted(inputs, operation);
  const found = deleted.filter((mailbox) =>
    typeof restoreDeleted === "string"
      ? sameText(mailbox.exchangeGuid, restoreDeleted)
      : smtpAddresses(mailbox)[0] === primarySmtpAddress,
  );
  const others = deleted.filter((mailbox) => !found.includes(mailbox) && hasAddress(mailbox, primarySmtpAddress));
  if (found.length === 0) {
    return nothingToRestore(others, inputs, operation);
  }
  if (restoreDeleted === undefined) {
    throw await refusal(found, primarySmtpAddress, operation);
  }
  const [mailbox, second] = found;
  if (mailbox === undefined || second !== undefined) {
    throw new ConflictError({
      action: "restoreDeleted",
      words: `${found.length} deleted mailboxes have the address ${primarySmtpAddress}: ${await deletedInWords(found, operation)}`,
      nextStep: `Nothing was changed. Choose one: restoreDeleted: "<Exchange guid>". ${ANEW}`,
    });
  }
  const action = `restoring the deleted mailbox ${primarySmtpAddress}`;
  const why = whyNot(mailbox);
  if (why !== undefined) {
    throw new ConflictError({
      action,
      words: why.words,
      nextStep: `Nothing was changed. ${why.nextStep} ${ANEW}`,
    });
  }
  try {
    await operation.services.graph.restoreUser(mailbox.id, action, operation);
  } catch (error) {
    // Observed, not repeated: the caller waits for the mailbox and says so if it does not come.
    if (!isUnknownOutcome(error)) {
      throw error;
    }
  }
  return mailbox.id;
}

/**
 * Says which deleted mailboxes had an address that a mailbox is about to get: while it has the address, none of them can be restored.
 * Where the application may not list deleted mailboxes, nothing is said.
 *
 * @param taken the addresses with the properties that declare them.
 */
export async function tellDeletedHolders(
  taken: readonly { path: string; address: string }[],
  operation: SharedMailboxOperation,
): Promise<void> {
  const deleted = taken.length === 0 ? [] : ((await ifAllowed(operation.services.mailboxes.allDeleted())) ?? []);
  for (const { path, address } of taken) {
    for (const mailbox of deleted.filter((one) => hasAddress(one, address))) {
      operation.warn(
        `${path}: ${address} was an address of ${describeDeleted(mailbox)}. That mailbox cannot be restored while this one has the ` +
          "address. To have it back, take the address out here first, and write restoreDeleted where it is declared.",
      );
    }
  }
}

/**
 * Takes away the access and the forwarding that came back with a restored mailbox: no preview showed them. Whoever is to have access
 * gets it from a membership of the program, which is deployed after the mailbox. Inbox rules are in the mailbox: they are told.
 */
export async function takeFormerAccess(
  mailbox: Mailbox,
  { forwarding }: SharedMailboxInputs,
  operation: SharedMailboxOperation,
): Promise<void> {
  const { registry } = operation;
  const isDeclared = ({ sid }: Entry) => sid !== undefined && registry.isDeclared(grantThing(mailbox.id, sid));
  const holders = await registry.exclusively(`permissions/${mailbox.id}`, async () => {
    const held = await operation.services.permissions.on(mailbox);
    const former = held.entries.filter((entry) => !isDeclared(entry));
    const found = await holdersOf(former, mailbox, operation);
    await revokeAll(former, mailbox, operation);
    return found;
  });
  if (holders.length > 0) {
    operation.warn(
      `The mailbox ${mailbox.primarySmtpAddress} came back without the access that people had to it: ${accessInWords(holders)}. ` +
        "Declare those who are to have it again in a MailboxMembership.",
    );
  }
  const target = forwarding === undefined ? await forwardingOf(mailbox, operation) : undefined;
  if (target !== undefined) {
    const action = `stopping the former forwarding of ${mailbox.primarySmtpAddress}`;
    const none = { ForwardingAddress: null, ForwardingSmtpAddress: null, DeliverToMailboxAndForward: false };
    await operation.services.mailboxes.set(mailbox.id, none, action, operation);
    operation.warn(
      `The mailbox ${mailbox.primarySmtpAddress} came back without its forwarding to ${target}. Declare \`forwarding\` to have it again.`,
    );
  }
  for (const rule of await rulesThatForward(mailbox, operation)) {
    operation.warn(
      `The mailbox ${mailbox.primarySmtpAddress} came back with its inbox rule ${rule}. Take the rule out of the mailbox if mail is not to go there.`,
    );
  }
  operation.record({ memory: { hasFormerAccess: undefined } });
}

/** Takes entries away and returns once they do not show any more. */
async function revokeAll(
  entries: readonly Entry[],
  mailbox: Mailbox,
  operation: SharedMailboxOperation,
): Promise<void> {
  const { permissions, securityPrincipals } = operation.services;
  const left: Entry[] = [];
  for (const entry of entries) {
    const { list, sid, trustee, rights } = entry;
    if (list !== "sendOnBehalf") {
      // By object id, which is never somebody else; a deleted trustee has nothing but the SID.
      const who = (sid === undefined ? undefined : await securityPrincipals.ownerOf(sid)) ?? sid ?? trustee;
      const isToldAbsent = await permissions.revoke(list, mailbox, who, rights, trustee, operation);
      left.push(...(isToldAbsent ? [entry] : []));
    }
  }
  const delegates = entries.filter(({ list }) => list === "sendOnBehalf").map(({ trustee }) => trustee);
  if (delegates.length > 0) {
    await permissions.writeSendOnBehalf(mailbox, [], delegates.join(", "), operation);
  }
  const key = ({ list, sid, trustee }: Entry) => `${list} ${sid ?? trustee}`;
  // An entry that Exchange shows and calls absent stays; its own warning has said so.
  const awaited = entries.filter((entry) => !left.includes(entry)).map(key);
  await settle(
    {
      what: `the former access to ${mailbox.primarySmtpAddress} to be gone`,
      look: async () => {
        const seen = (await operation.services.mailboxes.withId(mailbox.id)) ?? mailbox;
        return (await permissions.on(seen)).entries.filter((entry) => awaited.includes(key(entry)));
      },
      done: (seen) => seen.length === 0,
      describe: (seen) => [...new Set(seen.map(({ trustee }) => trustee))].join(", "),
    },
    operation,
  );
}

/** Who holds what: `grace@contoso.com (FullAccess, SendAs)`. */
function accessInWords(holders: readonly Holder[]): string {
  const people = holders.map(({ name, entries }) => {
    const rights = new Set(entries.flatMap((entry) => entry.rights));
    return `${name} (${[...rights].sort().join(", ")})`;
  });
  return people.sort().join(", ");
}

/** Who is in Exchange's store of deleted mailboxes. Without the answer a creation cannot know whether it makes an empty twin. */
async function listDeleted(
  { primarySmtpAddress }: SharedMailboxInputs,
  operation: SharedMailboxOperation,
): Promise<DeletedMailbox[]> {
  try {
    return await operation.services.mailboxes.allDeleted();
  } catch (error) {
    // A role may lack the cmdlet, or only its parameter SoftDeletedMailbox.
    if (!isProviderError(error) || !(isForbidden(error) || isClass(error, "badParameter"))) {
      throw error;
    }
    throw new ConflictError({
      action: "restoreDeleted",
      words: `whether a deleted mailbox had the address ${primarySmtpAddress} is not known: ${error.message}`,
      nextStep: `Nothing was changed. ${ANEW}`,
      cause: error,
    });
  }
}

function nothingToRestore(
  others: readonly DeletedMailbox[],
  { restoreDeleted, primarySmtpAddress }: SharedMailboxInputs,
  operation: SharedMailboxOperation,
): undefined {
  if (typeof restoreDeleted === "string") {
    throw new ConflictError({
      action: "restoreDeleted",
      words: `there is no deleted mailbox with the Exchange guid ${restoreDeleted}`,
      nextStep: `Nothing was changed. A deleted mailbox is kept for 30 days. ${ANEW}`,
    });
  }
  if (others.length === 0) {
    return undefined;
  }
  const words = `${primarySmtpAddress} was a further address of ${others.map((one) => describeDeleted(one)).join("; ")}`;
  const choice = 'To bring that one back, name it: restoreDeleted: "<Exchange guid>".';
  // Another mailbox by name, with another's content: only on purpose.
  if (restoreDeleted === true) {
    throw new ConflictError({
      action: "restoreDeleted",
      words,
      nextStep: `Nothing was changed. ${choice} ${ANEW}`,
    });
  }
  operation.warn(`A new mailbox is made, though ${words}. That mailbox has another primary address.`);
  return undefined;
}

/** The error for a creation of which the program does not say whether the old mailbox or a new one is meant. */
async function refusal(
  found: readonly DeletedMailbox[],
  primarySmtpAddress: string,
  operation: SharedMailboxOperation,
): Promise<ConflictError> {
  const restorable = found.filter((mailbox) => whyNot(mailbox) === undefined);
  const [only] = found;
  const back =
    found.length === 1 && restorable.length === 1
      ? "To bring it back with its content write restoreDeleted: true."
      : restorable.length > 0
        ? `To bring one back with its content write ${restorable.map((one) => `restoreDeleted: "${one.exchangeGuid}"`).join(" or ")}.`
        : (only && whyNot(only)?.nextStep) || "";
  return new ConflictError({
    action: "primarySmtpAddress",
    words: `${primarySmtpAddress} was the address of ${await deletedInWords(found, operation)}`,
    nextStep: `Nothing was changed. ${back} ${ANEW}`,
  });
}

/** Deleted mailboxes in words, with what is in them. */
async function deletedInWords(found: readonly DeletedMailbox[], { services }: SharedMailboxOperation): Promise<string> {
  const words = await Promise.all(
    found.map(async (one) => describeDeleted(one, await services.mailboxes.itemsOfDeleted(one))),
  );
  return words.join("; ");
}

/** Why a deleted mailbox cannot be restored, and what can be done instead; undefined where it can. */
function whyNot(mailbox: DeletedMailbox): { words: string; nextStep: string } | undefined {
  if (mailbox.isInactive) {
    return {
      words: "a hold keeps it as an inactive mailbox, which cannot be restored this way",
      nextStep: "To have its content, recover it in Exchange (New-Mailbox -InactiveMailbox), then write adopt: true.",
    };
  }
  if (mailbox.recipientTypeDetails !== "SharedMailbox") {
    return {
      words: `it is ${describeDeleted(mailbox)}, and only shared mailboxes are restored`,
      nextStep: 'To have its content, restore the account in Entra, then write adopt: "convert".',
    };
  }
  if (mailbox.id === "") {
    return {
      words: "its account was deleted for good, so that it cannot be restored this way",
      nextStep: "To have its content, restore it in Exchange (New-MailboxRestoreRequest) into a new mailbox.",
    };
  }
  return undefined;
}

/** Somebody's entries, with the name by which people know who it is. */
interface Holder {
  name: string;
  id: string | undefined;
  entries: Entry[];
}

/**
 * Says who may use a mailbox that is adopted, and where its mail goes: adoption takes nothing away, and no preview could show it.
 *
 * @param mailbox as it was found.
 */
export async function tellWhatStays(
  mailbox: Mailbox,
  inputs: SharedMailboxInputs,
  operation: SharedMailboxOperation,
): Promise<void> {
  const on = mailbox.primarySmtpAddress;
  const holdersOn = async () =>
    holdersOf((await operation.services.permissions.on(mailbox)).entries, mailbox, operation);
  const [holders, forwarding, rules] = await Promise.all([
    ifAllowed(holdersOn()),
    inputs.forwarding === undefined ? forwardingOf(mailbox, operation) : undefined,
    rulesThatForward(mailbox, operation),
  ]);
  const { registry } = operation;
  const left = holders?.filter(
    ({ id, entries }) =>
      ![id, ...entries.map(({ sid }) => sid)].some((one) => one && registry.isDeclared(grantThing(mailbox.id, one))),
  );
  if (left === undefined) {
    operation.warn(
      `Adopting ${on} takes nobody's access away. Who has access was not read: the application may not read it.`,
    );
  } else if (left.length > 0) {
    operation.warn(
      `Adopting ${on} takes nobody's access away. These have access and keep it: ${accessInWords(left)}. ` +
        "With exclusive: true in its MailboxMembership, the next refreshed preview shows who is not declared, and `pulumi up` takes that access away.",
    );
  }
  if (forwarding !== undefined) {
    operation.warn(
      `Adopting ${on} leaves its forwarding to ${forwarding} as it is. Declare it, or forwarding: false to end it.`,
    );
  }
  for (const rule of rules) {
    operation.warn(`Adopting ${on} leaves its inbox rule ${rule}.`);
  }
}

/** The inbox rules of a mailbox that send mail on, in words. No property shows them. */
async function rulesThatForward(mailbox: Mailbox, operation: SharedMailboxOperation): Promise<string[]> {
  const on = mailbox.primarySmtpAddress;
  const rules = await ifAllowed(operation.services.inboxRules.list(mailbox, on), () =>
    operation.warn(
      `The inbox rules of ${on} were not read: the application may not read them. One of them may forward mail.`,
    ),
  );
  return (rules ?? []).flatMap(({ name, isEnabled, targets, otherTargets }) => {
    const to = [...targets, ...otherTargets].map((target) => target.name);
    return isEnabled && to.length > 0 ? [`"${name}" as it is, which forwards to ${to.join(", ")}`] : [];
  });
}

/** Whose entries are, each holder once. */
async function holdersOf(
  entries: readonly Entry[],
  mailbox: Mailbox,
  operation: SharedMailboxOperation,
): Promise<Holder[]> {
  const nobodys: MembershipOperation = {
    ...operation,
    known: { id: mailbox.id, inputs: {}, memory: memory.read({}) },
    record: () => undefined,
  };
  const { rest } = await attribute(entries, new Map(), mailbox, nobodys);
  const found = new Map<string, Holder>();
  for (const one of rest) {
    const recipient = await recipientOfEntry(one, nobodys);
    const { entry } = one;
    const name = recipient?.primarySmtpAddress || entry.trustee;
    const id = recipient?.id || one.id;
    const key = (id ?? entry.sid ?? name).toLowerCase();
    const known = found.get(key) ?? { name, id, entries: [] };
    found.set(key, { ...known, entries: [...known.entries, entry] });
  }
  return [...found.values()];
}

/** Where a mailbox forwards to; undefined where it does not. */
async function forwardingOf(mailbox: Mailbox, operation: SharedMailboxOperation): Promise<string | undefined> {
  const { recipient, candidates } = await forwardsTo(mailbox, undefined, operation);
  const inside = recipient === undefined ? candidates : [recipient];
  return (
    inside.map(({ primarySmtpAddress }) => primarySmtpAddress).join(" or ") ||
    mailbox.forwardingAddress ||
    mailbox.forwardingSmtpAddress
  );
}
