import type { Origin } from "../../core/kind";
import { mailboxThing, type Registry } from "../../core/registry";
import { ConflictError, isProviderError } from "../../http/errors";
import { sameText } from "../../http/json";
import { addAndRemove } from "../../services/exchange";
import { INITIAL_DOMAIN, type Mailbox, smtpAddresses } from "../../services/mailboxes";
import { lastSeen } from "../../services/waiting";
import type { HeldInputs, SharedMailboxInputs, SharedMailboxOperation } from "./desired";

/** How long the engine may take to look at the resource that gives an address up, once the one that takes it runs, in milliseconds. */
const LOOKED_AT = 1_000;

/** Who has an address. */
interface Holder {
  /** Entra object id. */
  id: string;
  recipientTypeDetails?: string;
}

/** An address that was taken off a mailbox of the program, and what it was there. */
interface Freed {
  address: string;
  mailbox: Mailbox;
  wasPrimary: boolean;
  wasSignInName: boolean;
}

/** Notes the addresses that a mailbox had by this program and has no more. */
export function noteGivenUp(
  id: string,
  held: HeldInputs,
  { primarySmtpAddress, emailAliases }: Partial<SharedMailboxInputs>,
  origin: Origin,
  registry: Registry,
): void {
  const declared = [primarySmtpAddress, ...(emailAliases ?? [])];
  const former = [held.primarySmtpAddress, ...(held.emailAliases ?? [])].filter((one) => typeof one === "string");
  for (const address of former.filter((one) => !declared.includes(one))) {
    // A former primary address stays as a further one, unless those are declared.
    const isKept = address === held.primarySmtpAddress && emailAliases === undefined;
    registry.giveUp(address, { mailboxId: id, urn: origin.urn, isKept });
  }
}

/**
 * Whether an address is one that another mailbox of the program gives up in this deployment, whether or not it has been changed yet.
 *
 * @param forNew whether a mailbox is made with it: it gets no address that the other one is going to keep as a further one.
 */
export async function isGivenUp(
  address: string,
  holder: Holder,
  forNew: boolean,
  operation: SharedMailboxOperation,
): Promise<boolean> {
  const { registry } = operation;
  if (holder.recipientTypeDetails !== "SharedMailbox") {
    return false;
  }
  await lastSeen(
    {
      what: "the engine to look at the resource of the mailbox that has the address",
      look: async () => registry.isDeclared(mailboxThing(holder.id)),
      done: Boolean,
      atMost: LOOKED_AT,
    },
    operation,
  );
  const given = registry.givenUp(address);
  return given !== undefined && sameText(given.mailboxId, holder.id) && !(forNew && given.isKept);
}

/**
 * Runs a write that takes addresses, once other mailboxes of the program have let go of them. The mailbox that gives an address up
 * need not have been changed yet: it is taken off here, so that two may swap theirs, whichever comes first. If the write fails, the
 * other mailbox gets its address back.
 *
 * @param own the mailbox that takes them; undefined for one that is about to be made.
 */
export async function takingOver<T>(
  addresses: readonly string[],
  own: string | undefined,
  operation: SharedMailboxOperation,
  write: () => Promise<T>,
): Promise<T> {
  const { registry } = operation;
  if (!registry.movesAddresses) {
    return write();
  }
  return registry.exclusively("addresses", async () => {
    const freed: Freed[] = [];
    try {
      for (const address of addresses) {
        const given = registry.givenUp(address);
        if (given !== undefined && !sameText(given.mailboxId, own ?? "")) {
          freed.push(...(await free(address, given.mailboxId, operation)));
        }
      }
      return await write();
    } catch (error) {
      for (const one of freed.reverse()) {
        await giveBack(one, operation);
      }
      throw error;
    }
  });
}

/** Takes an address off a mailbox. Where it is the primary one, another of its addresses stands in until the mailbox itself is changed. */
async function free(address: string, id: string, operation: SharedMailboxOperation): Promise<Freed[]> {
  const { mailboxes } = operation.services;
  const mailbox = await mailboxes.withId(id);
  if (mailbox === undefined || !smtpAddresses(mailbox).includes(address)) {
    return [];
  }
  const wasPrimary = sameText(mailbox.primarySmtpAddress, address);
  const wasSignInName = sameText(mailbox.userPrincipalName, address);
  const action = `taking ${address} off shared mailbox ${mailbox.primarySmtpAddress}, which gives it up`;
  if (wasSignInName && !wasPrimary) {
    throw refused(action, "the address is the mailbox's sign-in name, and Exchange keeps that");
  }
  const freed = { address, mailbox, wasPrimary, wasSignInName };
  const others = smtpAddresses(mailbox).filter((one) => one !== address);
  const standIn = others.find((one) => INITIAL_DOMAIN.test(one)) ?? others[0];
  if (standIn === undefined) {
    throw refused(action, "it has no other address");
  }
  operation.progress(action);
  try {
    if (wasPrimary) {
      await setPrimary(mailbox, standIn, wasSignInName, action, operation);
    }
    await mailboxes.set(id, { EmailAddresses: addAndRemove([], [`smtp:${address}`]) }, action, operation);
  } catch (error) {
    await giveBack(freed, operation);
    throw error;
  }
  operation.registry.noteTakenOff([address]);
  return [freed];
}

function refused(action: string, words: string): ConflictError {
  return new ConflictError({
    action,
    words,
    nextStep:
      "Nothing was changed. Take the address out of the program, deploy, and give it to the other mailbox then.",
  });
}

async function setPrimary(
  { id, hasAddressPolicy, emailAddresses }: Mailbox,
  address: string,
  isSignInName: boolean,
  action: string,
  { services: { mailboxes }, ...scope }: SharedMailboxOperation,
): Promise<void> {
  const rest = emailAddresses
    .map((one) => one.replace(/^SMTP:/, "smtp:"))
    .filter((one) => one.toLowerCase() !== `smtp:${address}`);
  const primary = hasAddressPolicy
    ? { EmailAddresses: [`SMTP:${address}`, ...rest] }
    : { WindowsEmailAddress: address };
  await mailboxes.set(id, primary, action, scope);
  if (isSignInName) {
    // It follows the primary address, and Exchange keeps an address that is the sign-in name.
    await mailboxes.set(id, { MicrosoftOnlineServicesID: address }, action, scope);
  }
}

/** Puts an address back that the other mailbox did not get. */
async function giveBack(
  { address, mailbox, wasPrimary, wasSignInName }: Freed,
  operation: SharedMailboxOperation,
): Promise<void> {
  const { mailboxes, recipients } = operation.services;
  const { id } = mailbox;
  const action = `giving ${address} back to shared mailbox ${mailbox.primarySmtpAddress}`;
  try {
    const now = await mailboxes.withId(id);
    const holders = await recipients.withAddress(address);
    if (now === undefined || holders.some((holder) => !sameText(holder.id, id))) {
      // The write whose answer was lost did happen.
      return;
    }
    if (!smtpAddresses(now).includes(address)) {
      await mailboxes.set(id, { EmailAddresses: addAndRemove([`smtp:${address}`], []) }, action, operation);
    }
    const isMoved =
      !sameText(now.primarySmtpAddress, address) || (wasSignInName && !sameText(now.userPrincipalName, address));
    if (wasPrimary && isMoved) {
      await setPrimary(now, address, wasSignInName, action, operation);
    }
  } catch (error) {
    if (!isProviderError(error)) {
      throw error;
    }
    operation.warn(
      `${action} failed: ${error.message} Nobody gets mail to ${address} now. \`pulumi up --refresh\` shows it, and gives the address to the mailbox that declares it.`,
    );
  }
}
