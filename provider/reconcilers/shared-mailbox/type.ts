import { ConflictError, isClass } from "../../http/errors";
import type { Mailbox } from "../../services/mailboxes";
import { canonicalSize, GIGABYTE } from "../../services/sizes";
import type { Operation } from "../reconciler";
import { makeShared } from "./conversion";
import { changesOf, type Facet } from "./facet";
import { entitlementOfAccount } from "./license";

/** What a managed mailbox is. */
export const SHARED = "SharedMailbox";

/** Bytes a shared mailbox may hold without a licence. */
const FREE = 50 * GIGABYTE;

/**
 * That the mailbox is a shared one. Nobody writes it in a program: a refresh that finds another type puts it among the inputs, so
 * that the next preview shows the conversion, and only then it is made.
 */
export const type: Facet = {
  properties: ["type"],

  difference: ({ inputs }, _previous, { mailbox: { recipientTypeDetails: from } }) =>
    inputs.type === undefined || from === inputs.type ? [] : [{ path: ["type"], from, to: inputs.type }],

  async guard(changes, _desired, { mailbox }, operation) {
    if (changesOf("type", changes).length > 0) {
      await requireRoom(mailbox, operation);
    }
  },

  // Sign-in was blocked just before, where it is to be: the person whom somebody gave the account is out when the type changes.
  async prepare(changes, _desired, { mailbox }, operation) {
    if (changesOf("type", changes).length > 0) {
      const who = mailbox.primarySmtpAddress;
      await makeShared(mailbox, `converting the mailbox ${who} back to a shared one`, operation);
      operation.warn(`${who} is a shared mailbox again. A licence that its account has stays assigned.`);
    }
  },

  finish({ inputs }, _previous, { mailbox: { primarySmtpAddress, recipientTypeDetails } }, operation) {
    if (inputs.type === undefined && recipientTypeDetails !== SHARED) {
      operation.warn(
        `${primarySmtpAddress} is not a shared mailbox any more but a ${recipientTypeDetails}, which no preview has shown. ` +
          "`pulumi up --refresh` shows it and converts it back.",
      );
    }
  },

  read: ({ mailbox }) => ({ type: mailbox.recipientTypeDetails }),
};

/** Refuses a conversion after which the mailbox would stop to receive: more than 50 GB take a licence as a shared one too. */
async function requireRoom(mailbox: Mailbox, operation: Operation): Promise<void> {
  const { size } = await operation.services.mailboxes.statistics(mailbox).catch((error: unknown) => {
    if (isClass(error, "forbidden")) {
      return { size: 0 };
    }
    throw error;
  });
  if (size > FREE && !(await entitlementOfAccount(mailbox, operation)).isLarge) {
    throw new ConflictError({
      action: "type",
      words: `${mailbox.primarySmtpAddress} holds ${canonicalSize(size)}, and without Exchange Online Plan 2 a shared mailbox holds at most 50 GB`,
      nextStep: "Nothing was changed. Assign a sufficient licence to its account first, or declare `license`.",
    });
  }
}
