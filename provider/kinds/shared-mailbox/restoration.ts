import type { Operation } from "../../core/kind";
import { ConflictError, ifAllowed, isClass, isForbidden, isProviderError, isUnknownOutcome } from "../../http/errors";
import {
  type DeletedMailbox,
  describeDeleted,
  hasAddress,
  type Mailbox,
  smtpAddresses,
} from "../../services/mailboxes";
import { sameText } from "../../services/text";
import type { SharedMailboxInputs } from "./desired";

/** The ways on that every refusal here names, as a program writes them. */
const ANEW = "For a new, empty mailbox write restoreDeleted: false.";

/**
 * Brings back the deleted mailbox that `restoreDeleted` asks for, with what is in it. Where the program says neither that nor that a
 * new one is meant, a mailbox that had the address is a refusal: the new one would stand in its place, empty.
 *
 * @returns its Entra object id; undefined when a new mailbox is to be made.
 * @throws ConflictError when the program has to choose, or when the one it chose cannot come back.
 */
export async function restore(inputs: SharedMailboxInputs, operation: Operation): Promise<string | undefined> {
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
      words: `${found.length} deleted mailboxes have the address ${primarySmtpAddress}: ${await inWords(found, operation)}`,
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

/** Says who has access to a restored mailbox again: its permissions came back with it, and no preview showed them. */
export async function tellAccess(mailbox: Mailbox, operation: Operation): Promise<void> {
  const { permissions } = operation.services;
  const { primarySmtpAddress } = mailbox;
  const held = await ifAllowed(permissions.on(mailbox));
  if (held === undefined) {
    operation.warn(
      `The mailbox ${primarySmtpAddress} came back with the permissions that it had. Who has access was not read: the application may not.`,
    );
    return;
  }
  const people = [...new Set(held.entries.map(({ trustee }) => trustee))].map((trustee) => {
    const rights = held.entries.filter((entry) => entry.trustee === trustee).flatMap((entry) => entry.rights);
    return `${trustee} (${[...new Set(rights)].join(", ")})`;
  });
  if (people.length > 0) {
    operation.warn(
      `The mailbox ${primarySmtpAddress} came back with the permissions that it had: ${people.sort().join(", ")}. ` +
        "Those that no MailboxMembership declares stay, unless an exclusive one takes them away.",
    );
  }
}

/** Who is in Exchange's store of deleted mailboxes. Without the answer a creation cannot know whether it makes an empty twin. */
async function listDeleted(
  { primarySmtpAddress }: SharedMailboxInputs,
  operation: Operation,
): Promise<DeletedMailbox[]> {
  try {
    return await operation.services.mailboxes.deleted();
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
  operation: Operation,
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
  operation.warn(`A new mailbox is made, though ${words}. It was another mailbox by its primary address.`);
  return undefined;
}

/** The error for a creation of which the program does not say whether the old mailbox or a new one is meant. */
async function refusal(
  found: readonly DeletedMailbox[],
  primarySmtpAddress: string,
  operation: Operation,
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
    words: `${primarySmtpAddress} was the address of ${await inWords(found, operation)}`,
    nextStep: `Nothing was changed. ${back} ${ANEW}`,
  });
}

/** Deleted mailboxes in words, with what is in them. */
async function inWords(found: readonly DeletedMailbox[], { services }: Operation): Promise<string> {
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
