import { written } from "../../core/converge";
import type { Change } from "../../core/kind";
import { isProviderError } from "../../http/errors";
import type { Mailbox } from "../../services/mailboxes";
import { GraphElseExchange } from "../../services/refused";
import type { SharedMailboxOperation } from "./desired";
import { changesOf, type Facet } from "./facet";

const NEED =
  "The application needs the permission User.EnableDisableAccount.All of Microsoft Graph, or in Exchange a management role with " +
  "Set-Mailbox, such as Mail Recipients.";

/** Whether somebody can sign in to the account behind the mailbox. */
export const signIn: Facet = {
  properties: ["signInBlocked"],

  difference({ inputs: { signInBlocked } }, _previous, { user }) {
    return signInBlocked === !user.accountEnabled
      ? []
      : [{ path: ["signInBlocked"], from: !user.accountEnabled, to: signInBlocked }];
  },

  // Blocked first and opened last, so that a deployment that stops half-way leaves no account open that should not be.
  prepare: (changes, { inputs }, { mailbox }, operation) =>
    isChanged(changes) && inputs.signInBlocked ? setBlocked(true, mailbox, operation) : Promise.resolve(),
  apply: (changes, { inputs }, { mailbox }, operation) =>
    isChanged(changes) && !inputs.signInBlocked ? setBlocked(false, mailbox, operation) : Promise.resolve(),

  read: ({ user }) => ({ signInBlocked: !user.accountEnabled }),
  outputs: ({ user }) => ({ accountEnabled: user.accountEnabled }),
};

function isChanged(changes: readonly Change[]): boolean {
  return changesOf("signInBlocked", changes).length > 0;
}

async function setBlocked(signInBlocked: boolean, mailbox: Mailbox, operation: SharedMailboxOperation): Promise<void> {
  const { graph, mailboxes } = operation.services;
  const action = `${signInBlocked ? "blocking" : "allowing"} sign-in of ${mailbox.primarySmtpAddress}`;
  const note = () => operation.record({ inputs: { signInBlocked } });
  // Without the Graph permission Exchange can still do it (Set-Mailbox -AccountDisabled), open sessions aside.
  await new GraphElseExchange(NEED).do(
    mailbox.id,
    () => written(() => graph.setAccountEnabled(mailbox.id, !signInBlocked, action, operation), note),
    async () => {
      await written(() => mailboxes.set(mailbox.id, { AccountDisabled: signInBlocked }, action, operation), note);
    },
  );
  if (signInBlocked) {
    await endSessions(mailbox, operation);
  }
}

/** Ends open sessions. The account is blocked already, and no later deployment would see that they are not ended: it warns. */
export async function endSessions(
  { id, primarySmtpAddress }: Mailbox,
  operation: SharedMailboxOperation,
): Promise<void> {
  try {
    await operation.services.graph.revokeSessions(id, `ending the sessions of ${primarySmtpAddress}`, operation);
  } catch (error) {
    if (!isProviderError(error)) {
      throw error;
    }
    operation.warn(`Sign-in is blocked, but open sessions go on until their tokens expire: ${error.message}`);
  }
}
