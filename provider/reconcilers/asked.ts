import type { Mailbox } from "../services/mailboxes";
import { account, describe, isGuid, type Recipient } from "../services/recipients";
import type { Operation, Properties } from "./reconciler";

/** An object of the tenant that a program refers to and does not declare. */
export interface Found<Observed> {
  observed: Observed;
  /** Every input as it is in the tenant; null or left out for "not set". */
  inputs: Properties;
  /** Outputs that {@link Reconciler.outputs} leaves out where nothing is declared. */
  outputs?: Properties;
}

/** Why what was asked for is no one object of a kind. */
export interface Unfit {
  /** In words that go on after what was asked for. */
  why: string;
  /** Whether it is certain that nothing is there. */
  isAbsent: boolean;
}

/** Nothing is there. */
export function absent(why: string): Unfit {
  return { why, isAbsent: true };
}

/** Something is there, and it is not what was asked for. */
export function unfit(why: string): Unfit {
  return { why, isAbsent: false };
}

/** Whether a question was answered with the reason that it cannot be. */
export function isUnfit(answer: object): answer is Unfit {
  return "isAbsent" in answer;
}

/** The one mailbox that an id, address or sign-in name of a program means, of whatever type. Nobody is waited for. */
export async function mailboxAsked(
  asked: string,
  { services }: Operation,
): Promise<{ mailbox: Mailbox; recipient: Recipient } | Unfit> {
  const { recipients, mailboxes, graph } = services;
  const found = await recipients.named(asked);
  const [recipient, second] = found;
  if (recipient === undefined) {
    const user = await graph.user(asked);
    return user === undefined
      ? absent((await inRecycleBin(asked, services)) ?? "nobody in the tenant has this address, sign-in name or id")
      : unfit(`it is ${describe(account(user))}`);
  }
  if (second !== undefined) {
    return unfit(`it means ${found.map((one) => `${describe(one)} with id ${one.id}`).join(" or ")}; write the id`);
  }
  const mailbox = recipient.id === "" ? undefined : await mailboxes.withId(recipient.id);
  return mailbox === undefined ? unfit(`it is ${describe(recipient)}, which has no mailbox`) : { mailbox, recipient };
}

/** That the account is deleted, which is only said where it can be read: without, the answer is certain as well. */
async function inRecycleBin(asked: string, { graph }: Operation["services"]): Promise<string | undefined> {
  const ids = isGuid(asked)
    ? graph.isDeleted(asked).then((isDeleted) => (isDeleted ? [asked] : []))
    : graph.deletedHoldersOf(asked);
  const [id] = await ids.catch(() => []);
  return id === undefined ? undefined : `it belongs to an account in the recycle bin (id ${id})`;
}

/** A state that holds every input of a schema, with nothing in it: `inputs` of a reconciler then reads them all. */
export function holdingAll(names: readonly string[]): Properties {
  return Object.fromEntries(names.map((name) => [name, null]));
}
