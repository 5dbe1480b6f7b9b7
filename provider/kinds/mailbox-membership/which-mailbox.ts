import { InputError } from "../../http/errors";
import { hasAddress, type Mailbox } from "../../services/mailboxes";
import { describe, type Recipient } from "../../services/recipients";
import { sameText } from "../../services/text";
import type { MembershipOperation, Observed } from "./desired";

/**
 * Who is meant by the address of a mailbox that does not have it any more. An address is one recipient's alone, so a mailbox that has it
 * is the one that is meant.
 *
 * @returns all whom the address fits; nobody where the mailbox has it, or where it is written by id.
 */
export async function meantBy(
  address: string,
  mailbox: Mailbox,
  { services, registry }: MembershipOperation,
): Promise<Recipient[]> {
  if (
    !address.includes("@") ||
    hasAddress(mailbox, address) ||
    sameText(registry.declaredFor(address) ?? "", mailbox.id)
  ) {
    return [];
  }
  const meant = await services.recipients.named(address);
  return meant.some(({ id }) => !sameText(id, mailbox.id)) ? meant : [];
}

/**
 * Refuses a change of who has access where the address in the program is another mailbox's by now, or will be with this deployment: a
 * reader of the diff takes it to be that one.
 */
export async function requireStillMeant(
  address: string,
  mailbox: Mailbox,
  operation: MembershipOperation,
): Promise<void> {
  const { registry } = operation;
  const declared = registry.declaredFor(address);
  const isMoving =
    registry.isPassedOn(address, mailbox.id) || (declared !== undefined && !sameText(declared, mailbox.id));
  const meant = await meantBy(address, mailbox, operation);
  if (!isMoving && meant.length === 0) {
    return;
  }
  const others = meant.filter(({ id }) => !sameText(id, mailbox.id));
  const holder = isMoving ? "another mailbox of this program" : others.map(describe).join(" and ");
  const isShown = isMoving || others.length === meant.length;
  throw new InputError([
    {
      path: "mailbox",
      reason:
        `${address} stood for ${describe(mailbox)} with id ${mailbox.id}; it is an address of ${holder} now. Nobody's access was changed. ` +
        `Write the id of the one that is meant${isShown ? ", or run `pulumi up --refresh`, which shows the move first" : ""}`,
    },
  ]);
}

/** What a refresh says of a mailbox whose address in the program is somebody else's by now. */
export async function mailboxReassigned(
  address: string,
  { mailbox }: Observed,
  operation: MembershipOperation,
): Promise<string[]> {
  const others = (await meantBy(address, mailbox, operation)).filter(({ id }) => !sameText(id, mailbox.id));
  return others.length === 0
    ? []
    : [
        `mailbox: the members have access to ${describe(mailbox)} with id ${mailbox.id}, which had the address ${address} before. ` +
          `It is an address of ${others.map(describe).join(" and ")} now. Write the id of the one that is meant.`,
      ];
}
