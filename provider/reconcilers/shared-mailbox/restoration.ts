import { ConflictError, isUnknownOutcome } from "../../http/errors";
import { type DeletedMailbox, describeDeleted, hasAddress, sameText, smtpAddresses } from "../../services/mailboxes";
import { describe } from "../../services/recipients";
import type { Operation } from "../reconciler";
import type { SharedMailboxInputs } from "./desired";

/**
 * Brings back the deleted mailbox that `restoreDeleted` asks for, with what is in it.
 *
 * @returns its Entra object id; undefined when there is nothing to restore, so that a new mailbox is made.
 * @throws ConflictError when there are several, or when the one there is cannot come back.
 */
export async function restore(inputs: SharedMailboxInputs, operation: Operation): Promise<string | undefined> {
  const { restoreDeleted, primarySmtpAddress } = inputs;
  if (restoreDeleted === undefined || restoreDeleted === false) {
    return undefined;
  }
  const { mailboxes, graph } = operation.services;
  const action = `restoring the deleted mailbox ${primarySmtpAddress}`;
  const fits =
    typeof restoreDeleted === "string"
      ? (mailbox: DeletedMailbox) => sameText(mailbox.exchangeGuid, restoreDeleted)
      : (mailbox: DeletedMailbox) => smtpAddresses(mailbox)[0] === primarySmtpAddress;
  const deleted = (await mailboxes.deleted()).filter(({ id }) => id !== "");
  const found = deleted.filter(fits);
  const others = deleted.filter((mailbox) => !found.includes(mailbox) && hasAddress(mailbox, primarySmtpAddress));
  const [mailbox, second] = found;
  if (mailbox === undefined) {
    if (typeof restoreDeleted === "string") {
      throw new ConflictError({
        action: "restoreDeleted",
        words: `there is no deleted mailbox with the Exchange guid ${restoreDeleted}`,
        nextStep:
          "Nothing was changed. A deleted mailbox is kept for 30 days; remove restoreDeleted to make a new one.",
      });
    }
    if (others.length > 0) {
      // Another mailbox by name, with another's content: only on purpose.
      throw new ConflictError({
        action: "restoreDeleted",
        words: `${primarySmtpAddress} was a further address of ${others.map(describeDeleted).join("; ")}`,
        nextStep: 'Nothing was changed. To bring that one back, name it: restoreDeleted: "<Exchange guid>".',
      });
    }
    return undefined;
  }
  if (second !== undefined) {
    throw new ConflictError({
      action: "restoreDeleted",
      words: `${found.length} deleted mailboxes have the address ${primarySmtpAddress}: ${found.map(describeDeleted).join("; ")}`,
      nextStep: 'Nothing was changed. Choose one: restoreDeleted: "<Exchange guid>".',
    });
  }
  if (mailbox.isInactive) {
    throw new ConflictError({
      action,
      words: "a hold keeps it as an inactive mailbox, which cannot be restored this way",
      nextStep: "Nothing was changed. Recover it in Exchange (New-Mailbox -InactiveMailbox), then adopt it.",
    });
  }
  if (mailbox.recipientTypeDetails !== "SharedMailbox") {
    throw new ConflictError({
      action,
      words: `it is ${describe({ ...mailbox, primarySmtpAddress })}`,
      nextStep: "Nothing was changed: only shared mailboxes are restored.",
    });
  }
  try {
    await graph.restoreUser(mailbox.id, action, operation);
  } catch (error) {
    // Observed, not repeated: the caller waits for the mailbox and says so if it does not come.
    if (!isUnknownOutcome(error)) {
      throw error;
    }
  }
  return mailbox.id;
}
