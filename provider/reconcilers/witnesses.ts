import { ProviderError } from "../http/errors";
import type { User } from "../services/graph";
import type { Mailbox } from "../services/mailboxes";
import type { Operation } from "./reconciler";

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

/** The account of a mailbox that the application may not look at in Entra: what is known of it is what the state has. */
function userOf({ id, userPrincipalName }: Mailbox, { state }: Operation): User {
  return { id, userPrincipalName, accountEnabled: (state.accountEnabled ?? state.signInBlocked === false) === true };
}

/** @throws always: one witness alone does not prove that a mailbox is gone. */
function unseen(id: string): never {
  throw new ProviderError({
    action: `reading mailbox ${id}`,
    words: "Exchange shows no such mailbox, and the application may not ask Entra whether its account is gone too",
    nextStep: "Nothing was changed. The application needs User.Read.All of Microsoft Graph.",
  });
}
