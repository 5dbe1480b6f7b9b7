import { ConflictError } from "../../http/errors";
import { type Origin, shortHash } from "../origin";
import type { Operation } from "../reconciler";
import type { SharedMailboxInputs } from "./desired";
import { domainsOfAliases, holdersOfAlias } from "./holders";

/** Characters of an alias (Exchange). */
const LONGEST_ALIAS = 64;
/** Characters of the initials of a person (Exchange, Active Directory's attribute `initials`). */
const LONGEST_INITIALS = 6;
/** How many aliases are tried for a mailbox. */
const MOST_CANDIDATES = 99;

/** The text by which the former release knew its own earlier work: at the end of the alias or of the Name. */
export function formerMarkOf(primarySmtpAddress: string, origin: Origin): string {
  return shortHash(`${origin.hash} ${primarySmtpAddress}`);
}

/**
 * The text by which a creation knows its own earlier work. It stands in the account's initials: `New-Mailbox` takes them, `Get-User`
 * shows them, Graph does not have them, and no address, name or list is made of them. A mailbox counts as one's own only together
 * with its address, its type and its age, so that six characters are enough.
 */
export function markOf(primarySmtpAddress: string, origin: Origin): string {
  return formerMarkOf(primarySmtpAddress, origin).slice(-LONGEST_INITIALS);
}

/** The Name of a new mailbox; where another object has it already, the mark makes it unique. */
export function nameOf(alias: string, mark: string, isTaken: boolean): string {
  const name = alias.slice(0, 50).replace(/[^A-Za-z0-9._-]/g, "") || "mailbox";
  return isTaken ? `${name}-${mark}` : name;
}

/**
 * The alias of a new mailbox that declares none: the local part of its address, exactly, where nobody in the tenant has it as
 * alias, address or sign-in name; otherwise with the first label of the domain behind it, then a number, which is told.
 *
 * @param refused aliases that Exchange refused already, with who has them.
 */
export async function freeAlias(
  { primarySmtpAddress }: SharedMailboxInputs,
  refused: ReadonlyMap<string, string>,
  operation: Operation,
): Promise<string> {
  let why: string | undefined;
  for (const alias of aliasCandidates(primarySmtpAddress)) {
    const holder = refused.get(alias) ?? (await holderOf(alias, primarySmtpAddress, operation));
    if (holder === undefined) {
      if (why !== undefined) {
        operation.warn(
          `The alias of ${primarySmtpAddress} is ${alias}: ${why}. Declare \`alias\` to have another one.`,
        );
      }
      return alias;
    }
    why ??= `${alias} belongs to ${holder}`;
  }
  throw new ConflictError({
    action: "alias",
    words: `no alias like the local part of ${primarySmtpAddress} is free: ${why}`,
    nextStep: "Nothing was changed. Declare `alias`.",
  });
}

/** Aliases for an address, the best one first. */
export function* aliasCandidates(primarySmtpAddress: string): Generator<string> {
  const [local = "", domain = ""] = primarySmtpAddress.split("@");
  const label = (domain.split(".")[0] ?? "").slice(0, LONGEST_ALIAS / 2);
  yield local;
  for (let number = 1; number < MOST_CANDIDATES; number += 1) {
    const end = `-${label}${number === 1 ? "" : `-${number}`}`;
    yield `${local.slice(0, LONGEST_ALIAS - end.length).replace(/\.+$/, "")}${end}`;
  }
}

/** Who has an alias, or will have it in this deployment; taken for this resource where nobody does. */
async function holderOf(alias: string, primarySmtpAddress: string, operation: Operation): Promise<string | undefined> {
  const { registry, origin } = operation;
  const addresses = (await domainsOfAliases(operation)).map((domain) => `${alias}@${domain}`);
  if (!registry.takeAlias(alias, addresses, origin)) {
    return "another resource of this program";
  }
  // A mailbox that has just been made without an answer is found by its own address, not by its alias.
  const holders = await holdersOfAlias(alias, undefined, operation);
  return holders.find((holder) => !holder.isDeleted && holder.primarySmtpAddress !== primarySmtpAddress)?.words;
}
