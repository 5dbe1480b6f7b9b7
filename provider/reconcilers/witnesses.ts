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
  const [mailbox, user] = await Promise.all([mailboxes.withId(id), graph.user(id)]);
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
