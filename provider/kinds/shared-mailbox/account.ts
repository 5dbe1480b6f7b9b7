import { z } from "zod";
import { flag } from "../../core/canonical";
import { writeAndRecord } from "../../core/kind";
import { tableOf } from "../../core/properties";
import { ConflictError, InputError, isClass, isProviderError, unless } from "../../http/errors";
import { canonicalSize } from "../../http/json";
import type { User } from "../../services/graph";
import type { Mailbox } from "../../services/mailboxes";
import { settle } from "../../services/waiting";
import type { Desired, SharedMailboxOperation } from "./desired";
import { type Facet, inTable, isChanged } from "./facet";
import { entitlementOfAccount } from "./license";
import { FREE } from "./limits";

/** Whether nobody can sign in to the account behind the mailbox. */
export const accountProperties = tableOf<User>()({
  signInBlocked: {
    schema: flag().default(true),
    read: ({ accountEnabled }) => !accountEnabled,
    removal: { to: true },
  },
});

/** Whether somebody can sign in to the account behind the mailbox. */
export const signIn: Facet = {
  ...inTable(accountProperties, ({ user }) => user),

  // Blocked first and opened last, so that a deployment that stops half-way leaves no account open that should not be.
  prepare: (changes, { inputs }, { mailbox }, operation) =>
    isChanged("signInBlocked", changes) && inputs.signInBlocked
      ? setBlocked(true, mailbox, operation)
      : Promise.resolve(),
  apply: (changes, { inputs }, { mailbox }, operation) =>
    isChanged("signInBlocked", changes) && !inputs.signInBlocked
      ? setBlocked(false, mailbox, operation)
      : Promise.resolve(),

  outputs: ({ user }) => ({ accountEnabled: user.accountEnabled }),
};

async function setBlocked(signInBlocked: boolean, mailbox: Mailbox, operation: SharedMailboxOperation): Promise<void> {
  const { graph, mailboxes, signIn: either } = operation.services;
  const action = `${signInBlocked ? "blocking" : "allowing"} sign-in of ${mailbox.primarySmtpAddress}`;
  let isWritten = false;
  const note = () => {
    isWritten = true;
    operation.record({ inputs: { signInBlocked } });
  };
  try {
    // Without the Graph permission Exchange can still do it (Set-Mailbox -AccountDisabled), open sessions aside.
    await either.do(
      mailbox.id,
      () => writeAndRecord(() => graph.setAccountEnabled(mailbox.id, !signInBlocked, action, operation), note),
      async () => {
        await writeAndRecord(
          () => mailboxes.set(mailbox.id, { AccountDisabled: signInBlocked }, action, operation),
          note,
        );
      },
    );
  } finally {
    // Also where the answer was lost: once the account shows as blocked, nothing differs any more.
    if (signInBlocked && isWritten) {
      await endSessions(mailbox, operation);
    }
  }
}

/** Ends open sessions. The account is blocked already, and no later deployment would see that they are not ended: it warns. */
async function endSessions({ id, primarySmtpAddress }: Mailbox, operation: SharedMailboxOperation): Promise<void> {
  try {
    await operation.services.graph.revokeSessions(id, `ending the sessions of ${primarySmtpAddress}`, operation);
  } catch (error) {
    if (!isProviderError(error)) {
      throw error;
    }
    operation.warn(`Sign-in is blocked, but open sessions go on until their tokens expire: ${error.message}`);
  }
}

/**
 * Turns a person's mailbox into a shared one: sign-in is blocked, then the type changes. The licence stays: taken away before
 * the conversion it would take the mailbox with it, and afterwards it is for its owner to take back.
 *
 * @returns once Exchange shows the mailbox as shared.
 * @throws ConflictError for an account without a licence, or one whose sign-in cannot be blocked, such as an administrator's.
 */
export async function convert(mailbox: Mailbox, { inputs }: Desired, operation: SharedMailboxOperation): Promise<void> {
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
      words: `its account's sign-in cannot be blocked: ${error.words}`,
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
async function makeShared(mailbox: Mailbox, action: string, operation: SharedMailboxOperation): Promise<void> {
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

/** What a managed mailbox is. */
export const SHARED = "SharedMailbox";

/** What kind of mailbox it is. */
export const typeProperties = tableOf<Mailbox>()({
  type: {
    schema: z.literal(SHARED, { error: 'must be "SharedMailbox", and need not be written' }).optional(),
    read: ({ recipientTypeDetails }) => recipientTypeDetails,
    removal: { to: SHARED },
  },
});

/**
 * That the mailbox is a shared one. Nobody writes it in a program: a refresh that finds another type puts it among the inputs, so
 * that the next preview shows the conversion, and only then it is made.
 */
export const type: Facet = {
  ...inTable(typeProperties, ({ mailbox }) => mailbox),

  async guard(changes, _desired, { mailbox }, operation) {
    if (isChanged("type", changes)) {
      await requireRoom(mailbox, operation);
    }
  },

  // Sign-in was blocked just before, where it is to be: the person whom somebody gave the account is out when the type changes.
  async prepare(changes, _desired, { mailbox }, operation) {
    if (isChanged("type", changes)) {
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
};

/** Refuses a conversion after which the mailbox would stop to receive: more than 50 GB take a licence as a shared one too. */
async function requireRoom(mailbox: Mailbox, operation: SharedMailboxOperation): Promise<void> {
  const statistics = await unless(operation.services.mailboxes.statistics(mailbox), "forbidden");
  if (statistics === undefined) {
    operation.warn(
      `What ${mailbox.primarySmtpAddress} holds was not checked: the application may not read it. A shared mailbox above 50 GB needs a ` +
        "licence with Exchange Online Plan 2. Without one it receives no mail.",
    );
    return;
  }
  const { size } = statistics;
  if (size > FREE && !(await entitlementOfAccount(mailbox, operation)).isLarge) {
    throw new ConflictError({
      action: "type",
      words: `${mailbox.primarySmtpAddress} holds ${canonicalSize(size)}, and without Exchange Online Plan 2 a shared mailbox holds at most 50 GB`,
      nextStep: "Nothing was changed. Assign a sufficient licence to its account first, or declare `license`.",
    });
  }
}
