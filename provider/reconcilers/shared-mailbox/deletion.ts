import { ConflictError, isUnknownOutcome, ProviderError } from "../../http/errors";
import { type Mailbox, sameText } from "../../services/mailboxes";
import { describe } from "../../services/recipients";
import { settle } from "../../services/waiting";
import type { Operation } from "../reconciler";
import { mailboxThing } from "../registry";

/** Deletes a mailbox that is still the one the state knows, is still shared and is not held; returns when it is gone. */
export async function remove(id: string, operation: Operation): Promise<void> {
  const { state, services, limits, registry, origin } = operation;
  const deletion = state.deletion ?? (state.created === true ? "soft" : "retain");
  if (deletion === "retain") {
    operation.warn(
      `The mailbox ${state.primarySmtpAddress} stays in the tenant: ${state.deletion === undefined ? "it was adopted or imported" : 'deletion is "retain"'}.`,
    );
    return;
  }
  if (registry.isDeclaredByAnother(mailboxThing(id), origin)) {
    operation.warn(`The mailbox ${state.primarySmtpAddress} stays: another resource of this deployment declares it.`);
    return;
  }
  const mailbox = await services.mailboxes.withId(id);
  if (mailbox === undefined) {
    await requireAccountGone(id, operation);
    return;
  }
  const action = `deleting shared mailbox ${mailbox.primarySmtpAddress}`;
  requireSame(mailbox, state.exchangeGuid, action);
  await requireNoHolds(mailbox, action, operation);
  if (registry.mailboxDeletes >= limits.maxMailboxDeletes) {
    throw new ConflictError({
      action,
      words: `this deployment deletes more than ${limits.maxMailboxDeletes} mailboxes`,
      nextStep:
        "This one was not deleted. If it is meant, raise `mailboxes:maxMailboxDeletes` and run the command again.",
    });
  }
  registry.mailboxDeletes += 1;
  try {
    await services.mailboxes.remove(mailbox, operation);
  } catch (error) {
    if (!isUnknownOutcome(error)) {
      throw error;
    }
    operation.progress("the answer was lost; looking whether the mailbox is gone");
  }
  await settle(
    {
      what: "the mailbox and its account to be gone",
      look: async () => {
        const [seen, user] = await Promise.all([services.mailboxes.withId(id), services.graph.user(id)]);
        return [...(seen === undefined ? [] : ["the mailbox"]), ...(user === undefined ? [] : ["its account"])];
      },
      done: (left) => left.length === 0,
      describe: (left) => (left.length === 0 ? "gone" : `${left.join(" and ")} still there`),
    },
    operation,
  );
}

function requireSame(mailbox: Mailbox, exchangeGuid: unknown, action: string): void {
  if (typeof exchangeGuid === "string" && exchangeGuid !== "" && !sameText(mailbox.exchangeGuid, exchangeGuid)) {
    throw new ConflictError({
      action,
      words: "its account has another mailbox now than the one this resource manages",
      nextStep: "Nothing was deleted. `pulumi state delete` forgets the resource and leaves the mailbox.",
    });
  }
  if (mailbox.recipientTypeDetails !== "SharedMailbox") {
    throw new ConflictError({
      action,
      words: `it is ${describe(mailbox)} now`,
      nextStep:
        "Nothing was deleted: only shared mailboxes are. `pulumi state delete` forgets the resource and leaves the mailbox.",
    });
  }
}

/** A held mailbox would become an inactive one, which neither restore nor purge reaches. */
async function requireNoHolds(mailbox: Mailbox, action: string, operation: Operation): Promise<void> {
  const organization = await operation.services.mailboxes.organizationHolds();
  if (organization === undefined) {
    operation.warn(
      `Holds of the whole organisation were not checked before ${action}: the application may not read its configuration (role View-Only Organization Management).`,
    );
  }
  const holds = [...mailbox.holds, ...(organization ?? []).map((hold) => `the organisation's hold ${hold}`)];
  if (holds.length > 0) {
    throw new ConflictError({
      action,
      words: `it is under ${holds.join(" and ")}; deleted, it would become an inactive mailbox and not come back`,
      nextStep: 'Nothing was deleted. Release the hold first, or set deletion: "retain" and destroy again.',
    });
  }
}

/** The mailbox is gone; an account that is still there means that Exchange may be wrong. */
async function requireAccountGone(id: string, operation: Operation): Promise<void> {
  if ((await operation.services.graph.user(id)) !== undefined) {
    throw new ProviderError({
      action: `deleting shared mailbox ${operation.state.primarySmtpAddress}`,
      words: "Exchange shows no such mailbox, but its account exists in Entra",
      nextStep:
        "Run the command again in a few minutes. If the mailbox really is gone and the account is to stay, `pulumi state delete` forgets the resource.",
    });
  }
}
