import { ConflictError, InputError, isClass } from "../../http/errors";
import type { Mailbox } from "../../services/mailboxes";
import { settle } from "../../services/waiting";
import type { Operation } from "../reconciler";
import type { Desired } from "./desired";
import { endSessions } from "./sign-in";

/**
 * Turns a person's mailbox into a shared one: sign-in is blocked, then the type changes. The licence stays: taken away before
 * the conversion it would take the mailbox with it, and afterwards it is for its owner to take back.
 *
 * @returns once Exchange shows the mailbox as shared.
 * @throws ConflictError for an account without a licence, or one whose sign-in may not be blocked, such as an administrator's.
 */
export async function convert(mailbox: Mailbox, { inputs }: Desired, operation: Operation): Promise<void> {
  const { graph } = operation.services;
  const who = mailbox.primarySmtpAddress;
  const action = `converting the mailbox ${who} to a shared one`;
  if (!inputs.signInBlocked) {
    throw new InputError([{ path: "signInBlocked", reason: 'must not be false together with adopt: "convert"' }]);
  }
  const licences = await graph.licenses(mailbox.id);
  if (licences === undefined || licences.assignments.length === 0) {
    throw new ConflictError({
      action,
      words: "its account has no licence, and without one Exchange is about to delete the mailbox",
      nextStep: "Nothing was changed. Assign the licence again, wait until the mailbox is there, then convert it.",
    });
  }
  try {
    await graph.setAccountEnabled(mailbox.id, false, `blocking sign-in of ${who}`, operation);
  } catch (error) {
    if (!isClass(error, "forbidden")) {
      throw error;
    }
    // Entra refuses this for accounts with an administrator's role, whatever the application may do otherwise.
    throw new ConflictError({
      action,
      words: `its sign-in may not be blocked: ${error.words}`,
      nextStep:
        "Nothing was changed. An account with an administrator's role is not converted; take the role away first. Otherwise the " +
        "application needs User.EnableDisableAccount.All.",
      cause: error,
    });
  }
  await endSessions(mailbox, operation);
  await makeShared(mailbox, action, operation);
  operation.warn(
    `${who} is a shared mailbox now and its account is blocked. Its licence stays assigned; up to 50 GB it needs none.`,
  );
}

/** Makes a mailbox a shared one. @returns once Exchange shows it as such. */
export async function makeShared(mailbox: Mailbox, action: string, operation: Operation): Promise<void> {
  const { mailboxes } = operation.services;
  await mailboxes.set(mailbox.id, { Type: "Shared" }, action, operation);
  await settle(
    {
      what: "Exchange to show the mailbox as shared",
      look: async () => (await mailboxes.withId(mailbox.id))?.recipientTypeDetails,
      done: (type) => type === "SharedMailbox",
      describe: (type) => type ?? "no mailbox",
    },
    operation,
  );
}
