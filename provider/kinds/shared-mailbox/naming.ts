import DataLoader from "dataloader";
import { hashOf, type Origin, shortHash } from "../../core/kind";
import { mailboxThing } from "../../core/registry";
import { ConflictError, isClass, isServiceError, unless } from "../../http/errors";
import { sameText } from "../../http/json";
import type { AddressHolder } from "../../services/graph";
import { describeDeleted, hasAddress, INITIAL_DOMAIN } from "../../services/mailboxes";
import { describe, hasName, type Recipient, type RecipientName } from "../../services/recipients";
import type { Services } from "../../services/services";
import { lastSeen } from "../../services/waiting";
import type { Desired, SharedMailboxInputs, SharedMailboxOperation } from "./desired";

/** Characters of an alias (Exchange). */
const LONGEST_ALIAS = 64;
/** Characters of the initials of a person (Exchange, Active Directory's attribute `initials`). */
const LONGEST_INITIALS = 6;
/** How many aliases are tried for a mailbox. */
const MOST_CANDIDATES = 99;

/** Somebody who has an address or an alias: a recipient of Exchange, or an account of Entra that is not a recipient. */
interface Holder {
  /** Entra object id; "" for a mail contact. */
  id: string;
  words: string;
  isDeleted: boolean;
  /** As Exchange prints it; undefined for anything that is not a recipient. */
  recipientTypeDetails?: string;
  /** Lower case; undefined for what is no recipient of Exchange. */
  primarySmtpAddress: string | undefined;
  /** When the account was made, ISO 8601, where Entra alone shows it. */
  createdAt?: string;
  /** Whether it was found by its alias. */
  isByAlias?: true;
}

/**
 * Who has names that a mailbox is to get. Names that are asked for at the same time share a question, and each is asked for once: the steps
 * of a creation build on one answer. Exchange has the last word: it refuses a name that somebody took meanwhile.
 */
export class NameHolders {
  readonly #services: Services;
  readonly #recipients: DataLoader<RecipientName, Recipient[], string>;
  readonly #accounts: DataLoader<string, AddressHolder[]>;

  constructor(services: Services) {
    this.#services = services;
    this.#recipients = new DataLoader(
      async (names: readonly RecipientName[]) => {
        const found = await services.recipients.withNames(names);
        return names.map((name) => found.filter((recipient) => hasName(recipient, name)));
      },
      { cacheKeyFn: ({ column, name }) => `${column} ${name.toLowerCase()}` },
    );
    this.#accounts = new DataLoader(async (addresses: readonly string[]) => {
      // Without the right to look, Exchange's own refusal is left, which changes nothing either.
      const found = (await unless(services.graph.holdersOf(addresses), "forbidden")) ?? [];
      return addresses.map((address) => found.filter((account) => account.addresses.includes(address)));
    });
  }

  /** The recipients that have an address. */
  recipients(address: string): Promise<Recipient[]> {
    return this.#recipients.load({ column: "address", name: address });
  }

  /** Who has an address besides `own`: recipients first, then accounts that are not recipients, deleted ones last. */
  async of(address: string, own: string | undefined): Promise<Holder[]> {
    const [found, accounts] = await Promise.all([this.recipients(address), this.#accounts.load(address)]);
    const known = found.map(asHolder);
    const others = accounts
      .filter(({ id }) => !known.some((one) => sameText(one.id, id)))
      .map(({ id, words, isDeleted, createdAt }) => ({
        id,
        words,
        isDeleted,
        createdAt,
        primarySmtpAddress: undefined,
      }));
    return [...known, ...others].filter(({ id }) => own === undefined || !sameText(id, own));
  }

  /** Who else than `own` has an alias, or one of the addresses and the sign-in name that come with it. */
  async ofAlias(alias: string, own: string | undefined): Promise<Holder[]> {
    const domains = await domainsOfAliases(this.#services);
    const [byAlias, ...byAddress] = await Promise.all([
      this.#recipients.load({ column: "alias", name: alias }),
      ...domains.map((domain) => this.of(`${alias.toLowerCase()}@${domain}`, own)),
    ]);
    const found = byAlias.filter(({ id }) => own === undefined || !sameText(id, own));
    const holders = found.map((one): Holder => ({ ...asHolder(one), isByAlias: true }));
    return [...holders, ...byAddress.flat()].sort((a, b) => Number(a.isDeleted) - Number(b.isDeleted));
  }
}

function asHolder(recipient: Recipient): Holder {
  const { id, primarySmtpAddress, recipientTypeDetails } = recipient;
  return { id, words: describe(recipient), isDeleted: false, primarySmtpAddress, recipientTypeDetails };
}

/** The domains in which Exchange gives a new mailbox its alias as an address: the default one, with the sign-in name, and the initial one. */
export async function domainsOfAliases({ mailboxes }: Pick<Services, "mailboxes">): Promise<string[]> {
  const domains = [...((await mailboxes.acceptedDomains()) ?? [])];
  return domains.filter(([name, { isDefault }]) => isDefault || INITIAL_DOMAIN.test(name)).map(([name]) => name);
}

/** The text by which the former release knew its own earlier work: at the end of the alias or of the Name. */
export function formerMarkOf(primarySmtpAddress: string, origin: Origin): string {
  return shortHash(`${hashOf(origin)} ${primarySmtpAddress}`);
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
 * The alias of a new mailbox that declares none: the local part of its address, exactly, where it is free. Nobody in the tenant has it as
 * alias, address or sign-in name then, and no deleted account of another domain loses its address by it. Otherwise it has the first label of
 * the domain behind it, then a number, which is told.
 *
 * @param refused aliases that Exchange refused already, with who has them.
 */
export async function freeAlias(
  { inputs: { primarySmtpAddress }, names }: Desired,
  refused: ReadonlyMap<string, string>,
  operation: SharedMailboxOperation,
): Promise<string> {
  let why: string | undefined;
  for (const alias of aliasCandidates(primarySmtpAddress)) {
    const holder = refused.get(alias) ?? (await holderOf(alias, primarySmtpAddress, names, operation));
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
async function holderOf(
  alias: string,
  primarySmtpAddress: string,
  names: NameHolders,
  operation: SharedMailboxOperation,
): Promise<string | undefined> {
  const { registry, origin, services } = operation;
  const addresses = (await domainsOfAliases(services)).map((domain) => `${alias}@${domain}`);
  if (!registry.takeAlias(alias, addresses, origin)) {
    return "another resource of this program";
  }
  const holders = await names.ofAlias(alias, undefined);
  // A mailbox of another domain would get the address of a deleted one by its alias alone, and that one could not come back. A deleted one
  // that had the very address of the new mailbox keeps nothing from it.
  const isOfAnotherDomain = !addresses.includes(primarySmtpAddress);
  const former = isOfAnotherDomain ? await names.of(primarySmtpAddress, undefined) : [];
  const deleted = holders.find(({ id, isDeleted }) => isDeleted && !former.some((one) => sameText(one.id, id)));
  if (isOfAnotherDomain && deleted !== undefined) {
    return deleted.words;
  }
  for (const holder of holders.filter(({ isDeleted }) => !isDeleted)) {
    // It may be the very address of the new mailbox, which another one gives up. That one keeps its alias.
    const givesUp =
      addresses.includes(primarySmtpAddress) && (await isGivenUp(primarySmtpAddress, holder, true, operation));
    // A mailbox that has just been made without an answer is found by its own address, not by its alias.
    if (givesUp ? holder.isByAlias === true : holder.primarySmtpAddress !== primarySmtpAddress) {
      return holder.words;
    }
  }
  return undefined;
}

/** How long the engine may take to look at the resource that gives an address up, once the one that takes it runs, in milliseconds. */
const LOOKED_AT = 1_000;

/**
 * Whether an address is one that another mailbox of the program gives up in this deployment, whether or not it has been changed yet.
 *
 * @param forNew whether a mailbox is made with it: it gets no address that the other one is going to keep as a further one.
 */
export async function isGivenUp(
  address: string,
  holder: Pick<Holder, "id" | "recipientTypeDetails">,
  forNew: boolean,
  operation: SharedMailboxOperation,
): Promise<boolean> {
  const { registry } = operation;
  if (holder.recipientTypeDetails !== "SharedMailbox") {
    return false;
  }
  await lastSeen(
    {
      what: "the engine to check the resource whose mailbox has the address",
      look: async () => registry.isDeclared(mailboxThing(holder.id)),
      done: Boolean,
      atMost: LOOKED_AT,
    },
    operation,
  );
  const given = registry.givenUp(address);
  return given !== undefined && sameText(given.mailboxId, holder.id) && !(forNew && given.isKept);
}

/** A name that the program gives the mailbox, with the property that says so. */
interface Claim {
  path: string;
  /** What is claimed: an address, or an alias. */
  name: string;
  holders: Holder[];
}

/** Property path of a further address, by its place in the program. */
export function pathOfAlias(
  address: string,
  inputs: Pick<SharedMailboxInputs, "emailAliases">,
  { registry, origin }: Pick<SharedMailboxOperation, "registry" | "origin">,
): string {
  return `emailAliases[${(registry.furtherAddresses(origin) ?? inputs.emailAliases ?? []).indexOf(address)}]`;
}

/** What a program claims, by the properties `among`, with who else than `own` has it. */
async function claimsOf(
  inputs: SharedMailboxInputs,
  among: readonly string[],
  own: string | undefined,
  names: NameHolders,
  operation: SharedMailboxOperation,
): Promise<Claim[]> {
  const { primarySmtpAddress, alias, emailAliases = [] } = inputs;
  const address = async (path: string, name: string) => ({
    path,
    name,
    holders: await names.of(name, own),
  });
  const claims = await Promise.all([
    ...(among.includes("primarySmtpAddress") ? [address("primarySmtpAddress", primarySmtpAddress)] : []),
    ...(among.includes("alias") && alias !== undefined
      ? [names.ofAlias(alias, own).then((holders) => ({ path: "alias", name: alias, holders }))]
      : []),
    ...(among.includes("emailAliases")
      ? emailAliases.map((name) => address(pathOfAlias(name, inputs, operation), name))
      : []),
  ]);
  return claims.sort((a, b) => a.path.localeCompare(b.path, "en", { numeric: true }));
}

/**
 * Refuses names that somebody else has, before anything is changed. Deleted accounts do not count: whether they keep a name,
 * only Exchange knows. Nor does a mailbox of the program that gives an address up in this deployment.
 *
 * @param among the properties whose names are looked at.
 * @param own the mailbox that gets them, where it is there already.
 */
export async function requireFree(
  { inputs, names }: Desired,
  among: readonly string[],
  own: string | undefined,
  operation: SharedMailboxOperation,
): Promise<void> {
  for (const { path, name, holders } of await claimsOf(inputs, among, own, names, operation)) {
    const holder = holders.find(({ isDeleted }) => !isDeleted);
    if (holder !== undefined && !(await isGivenUp(name, holder, operation.known.id === undefined, operation))) {
      throw taken(path, name, holder.words);
    }
  }
}

/**
 * Refuses further addresses of deleted accounts for a mailbox that is about to be made: they are added after it is made, and
 * Exchange may refuse them then. Accounts that had the primary address too are passed over: the creation itself shows whether
 * those keep theirs.
 */
export async function requireNotDeleted({ inputs, names }: Desired, operation: SharedMailboxOperation): Promise<void> {
  if ((inputs.emailAliases ?? []).length === 0) {
    return;
  }
  const [[primary], further] = await Promise.all([
    claimsOf(inputs, ["primarySmtpAddress"], undefined, names, operation),
    claimsOf(inputs, ["emailAliases"], undefined, names, operation),
  ]);
  for (const { path, name, holders } of further) {
    const holder = holders.find(({ id }) => !primary?.holders.some((one) => one.id === id));
    if (holder !== undefined) {
      throw new ConflictError({
        action: path,
        words: `${name} belongs to ${holder.words}`,
        nextStep:
          "Nothing was changed. Exchange may refuse an address that a deleted account had. Delete that account for good, or " +
          "create the mailbox without the address and add it in the next deployment.",
      });
    }
  }
}

/** The error for a name somebody else has. */
export function taken(path: string, name: string, holder: string): ConflictError {
  const what = path === "alias" ? "alias" : "address";
  return new ConflictError({
    action: path,
    words: `${name} belongs to ${holder}`,
    nextStep: `Nothing was changed. Choose another ${what}, or take it off its holder first.`,
  });
}

/** A refusal of names by Exchange, with the property it is about. */
export interface Refusal {
  path: string;
  error: ConflictError;
  /** Who has the name, in words; undefined when nobody was found. */
  holder: string | undefined;
  /** Whether the holder cannot be the mailbox itself, made a moment ago and not shown yet. */
  isSomebodyElse: boolean;
}

/** Finds out whom Exchange refused a name for, deleted accounts included, as far as that can be found out. */
export async function explainRefusal(
  error: unknown,
  inputs: SharedMailboxInputs,
  among: readonly string[],
  own: string | undefined,
  operation: SharedMailboxOperation,
): Promise<Refusal> {
  const words = error instanceof Error ? error.message : String(error);
  // This only improves an error that is already certain, so a failed look-up leaves it as it is.
  const [claims, deleted] = await Promise.all([
    claimsOf(inputs, among, own, new NameHolders(operation.services), operation),
    operation.services.mailboxes.deleted(),
  ]).catch(() => [[], []] as const);
  const held = claims
    .map((claim) => ({
      ...claim,
      names: [
        ...claim.holders.map((holder) => holder.words),
        ...deleted.filter((one) => hasAddress(one, claim.name)).map((one) => describeDeleted(one)),
      ],
    }))
    .filter(({ names }) => names.length > 0);
  const said = isServiceError(error) ? error.words.toLowerCase() : "";
  const isSaid = ({ name, path }: Claim) => said.includes(path === "alias" ? `"${name.toLowerCase()}"` : name);
  const about = held.find(isSaid) ?? held[0] ?? claims.find(isSaid);
  const path = about?.path ?? among[0] ?? "primarySmtpAddress";
  const names = [...new Set(held.find((one) => one.path === path)?.names ?? [])];
  const restore =
    path === "primarySmtpAddress" && names.some((name) => name.startsWith("the deleted"))
      ? "restoreDeleted: true brings a deleted shared mailbox back with its content. "
      : "";
  const what = path === "alias" ? "alias" : "address";
  return {
    path,
    holder: names[0],
    isSomebodyElse: (about?.holders ?? []).some(
      ({ isDeleted, primarySmtpAddress }) =>
        isDeleted || (primarySmtpAddress !== undefined && primarySmtpAddress !== inputs.primarySmtpAddress),
    ),
    error: new ConflictError({
      action: path,
      words: names.length === 0 ? words : `${about?.name} belongs to ${names.join(", ")} (${words})`,
      nextStep: `${restore}Choose another ${what}, or take it off its holder; one released a short while ago may stay refused for up to an hour.`,
      cause: error,
    }),
  };
}

/** Whether a write was refused because somebody else has a name in it. */
export function isNameTaken(error: unknown): boolean {
  return isClass(error, "nameConflict") || isClass(error, "addressConflict");
}
