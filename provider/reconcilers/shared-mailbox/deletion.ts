import { ConflictError, isClass, isUnknownOutcome, ProviderError } from "../../http/errors";
import { type Mailbox, sameText, smtpAddresses } from "../../services/mailboxes";
import { describe } from "../../services/recipients";
import { settle } from "../../services/waiting";
import type { Operation, Properties } from "../reconciler";
import { mailboxThing } from "../registry";
import { isSet } from "./facet";

type Mode = "soft" | "retain" | "purge";

/** What deletion does: as declared, else soft for a mailbox this resource made and retain for one it found. */
function modeOf({ deletion, created }: Properties): { mode: Mode; allowInactive: boolean } {
  const declared = deletion as Mode | { mode: Mode; allowInactive?: boolean } | null | undefined;
  if (typeof declared === "object" && declared !== null) {
    return { mode: declared.mode, allowInactive: declared.allowInactive === true };
  }
  return { mode: declared ?? (created === true ? "soft" : "retain"), allowInactive: false };
}

/** Deletes a mailbox that is still the one the state knows and still shared; returns when it is gone. */
export async function remove(id: string, operation: Operation): Promise<void> {
  const { state, services, registry, origin } = operation;
  const who = String(state.primarySmtpAddress ?? id);
  const { mode, allowInactive } = modeOf(state);
  if (mode === "retain") {
    const why = isSet(state.deletion) ? 'deletion is "retain"' : "it was adopted, restored or imported";
    operation.warn(`The mailbox ${who} stays in the tenant: ${why}.`);
    return;
  }
  if (registry.isDeclaredByAnother(mailboxThing(id), origin)) {
    operation.warn(`The mailbox ${who} stays: another resource of this deployment declares it.`);
    return;
  }
  const mailbox = await services.mailboxes.withId(id);
  const isHeld = mailbox === undefined ? false : await softDelete(mailbox, allowInactive, operation);
  if (mailbox === undefined) {
    await requireAccountGone(id, operation);
  }
  if (mode === "purge" && isHeld) {
    operation.warn(`The mailbox ${who} is under a hold, so it became an inactive one and cannot be purged.`);
  } else if (mode === "purge") {
    await purge(id, mailbox?.exchangeGuid ?? state.exchangeGuid, mailbox !== undefined, who, operation);
  }
}

/** @returns whether a hold keeps it as an inactive mailbox. */
async function softDelete(mailbox: Mailbox, allowInactive: boolean, operation: Operation): Promise<boolean> {
  const { state, services, limits, registry } = operation;
  const { id } = mailbox;
  const action = `deleting shared mailbox ${mailbox.primarySmtpAddress}`;
  requireSame(mailbox, state.exchangeGuid, action);
  const holds = await holdsOn(mailbox, action, operation);
  if (holds.length > 0 && !allowInactive) {
    throw new ConflictError({
      action,
      words: `it is under ${holds.join(" and ")}; deleted, it would become an inactive mailbox and not come back`,
      nextStep:
        'Nothing was deleted. Release the hold first, or set deletion: "retain", or deletion: { mode: "soft", allowInactive: true }.',
    });
  }
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
  registry.release(smtpAddresses(mailbox));
  return holds.length > 0;
}

/**
 * Deletes a soft-deleted mailbox for good: first the mailbox, once Exchange shows it as deleted, then its account. The other
 * way round Exchange would keep the mailbox for its 30 days.
 */
async function purge(
  id: string,
  exchangeGuid: unknown,
  isJustDeleted: boolean,
  who: string,
  operation: Operation,
): Promise<void> {
  const { mailboxes, graph } = operation.services;
  if (typeof exchangeGuid !== "string" || exchangeGuid === "") {
    throw new ProviderError({ action: `purging ${who}`, words: "the state does not know its Exchange guid" });
  }
  const isListed = async () => (await mailboxes.deleted(exchangeGuid)).length > 0;
  if (isJustDeleted) {
    await settle({ what: "Exchange to show the mailbox as deleted", look: isListed, done: Boolean }, operation);
  }
  if (await isListed()) {
    try {
      await mailboxes.purge(exchangeGuid, who, operation);
    } catch (error) {
      if (!isUnknownOutcome(error) && !isClass(error, "notFound")) {
        throw error;
      }
    }
    await settle({ what: "the deleted mailbox to be purged", look: isListed, done: (listed) => !listed }, operation);
  }
  try {
    await graph.purgeUser(id, `purging the deleted account of ${who}`, operation);
  } catch (error) {
    if (!isClass(error, "forbidden")) {
      throw error;
    }
    // Whether an application may do this differs between sources; the account goes by itself after 30 days.
    operation.warn(`The mailbox ${who} is purged; its deleted account stays for 30 days: ${error.message}`);
  }
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

/** What would keep a deleted mailbox as an inactive one, which neither restore nor purge reaches. */
async function holdsOn(mailbox: Mailbox, action: string, operation: Operation): Promise<string[]> {
  const organization = await operation.services.mailboxes.organizationHolds();
  if (organization === undefined) {
    operation.warn(
      `Holds of the whole organisation were not checked before ${action}: the application may not read its configuration (role View-Only Organization Management).`,
    );
  }
  return [...mailbox.holds, ...(organization ?? []).map((hold) => `the organisation's hold ${hold}`)];
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
