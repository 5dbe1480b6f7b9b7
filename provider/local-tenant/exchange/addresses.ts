import { randomUUID } from "node:crypto";
import { primaryAddress, recipientsByAddress, recipientsByObject, usersByName } from "../directory";
import type { AcceptedDomain, Recipient, User } from "../model";
import {
  addressInUse,
  aliasInUse,
  domainNotAccepted,
  ExchangeFault,
  invalidInEntra,
  invalidProperty,
  nameInUse,
  tooManyAddresses,
  usedInEntra,
  userPrincipalNameInUse,
} from "./errors";
import type { Directory } from "./identity";

// @observed exchange.address-limit: At most 333 addresses; one more answers UnableToWriteToAadException with both numbers and the
// word transient [classmethod.jp 2024-06-21, in the admin center]
/** Most addresses one recipient may have. */
const mostAddresses = 333;

/** Table of the addresses that were taken off an object. Key: the address in lower case, with its prefix. */
export const releasedAddresses = "exchange.releasedAddresses";

interface ReleasedAddress {
  address: string;
  /** Guid of the recipient that had it; it may have it back at once. */
  recipient: string;
  /** Canonical name of that recipient, for the error text. */
  holder: string;
  /** Tenant time in milliseconds. */
  releasedAt: number;
}

type Operation = readonly [table: string, key: string, value: unknown];

const addressPattern =
  /^[A-Za-z0-9!#$%&'*+\-/=?^_`{|}~]+(?:\.[A-Za-z0-9!#$%&'*+\-/=?^_`{|}~]+)*@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+$/;

/** True for an SMTP address with no prefix; plus signs and apostrophes are allowed. */
export function isSmtpAddress(value: string): boolean {
  return addressPattern.test(value);
}

/** Splits a proxy address; one with no prefix is an SMTP address. */
export function splitPrefix(value: string): { prefix: string; address: string } {
  const match = /^([A-Za-z0-9]+):(.*)$/s.exec(value);
  return match === null ? { prefix: "", address: value } : { prefix: match[1] ?? "", address: match[2] ?? "" };
}

/** True for a proxy address of the type SMTP, primary or not. */
export function isSmtp(proxyAddress: string): boolean {
  return /^smtp:/i.test(proxyAddress);
}

/** The part after the last `@`. */
function domainOf(address: string): string {
  return address.slice(address.lastIndexOf("@") + 1);
}

/** Refuses what is no SMTP address in a domain of the organisation. */
export function requireAccepted(directory: Directory, property: string, address: string): void {
  requireWritable(address);
  if (!isSmtpAddress(address)) {
    throw invalidProperty(property, `The address "${address}" isn't a valid SMTP address.`);
  }
  if (!directory.isAccepted(domainOf(address))) {
    throw domainNotAccepted(domainOf(address));
  }
}

/** Refuses what Entra does not take as part of an address, though Exchange would: letters outside ASCII. */
function requireWritable(addressOrAlias: string): void {
  if (/[\u00A1-\u024F]/.test(addressOrAlias)) {
    throw invalidInEntra("EmailAddresses");
  }
}

/**
 * The list as the service keeps it: every entry with a prefix, exactly one `SMTP:`. When no entry at all has a prefix the first
 * becomes the primary; otherwise an entry without one is a secondary address.
 */
export function normalised(addresses: readonly string[]): string[] {
  const split = addresses.map(splitPrefix);
  const bareOnly = split.every(({ prefix }) => prefix === "");
  const kept = split.map(({ prefix, address }, index) => {
    if (prefix === "") {
      return `${bareOnly && index === 0 ? "SMTP" : "smtp"}:${address}`;
    }
    if (prefix.toLowerCase() === "smtp") {
      return `${prefix === "SMTP" ? "SMTP" : "smtp"}:${address}`;
    }
    return `${prefix}:${address}`;
  });
  const primaries = kept.filter((each) => each.startsWith("SMTP:"));
  if (primaries.length !== 1) {
    throw invalidProperty(
      "EmailAddresses",
      primaries.length === 0
        ? "There is no primary SMTP address for this recipient."
        : "There are multiple primary SMTP addresses for this recipient. There can be only one.",
    );
  }
  const unique = kept.filter(
    (each, index) => kept.findIndex((other) => other.toLowerCase() === each.toLowerCase()) === index,
  );
  // A secondary entry that repeats the primary's address is the primary.
  const result = unique.map(
    (each) => primaries.find((primary) => primary.toLowerCase() === each.toLowerCase()) ?? each,
  );
  if (result.length > mostAddresses) {
    throw tooManyAddresses(result.length, mostAddresses);
  }
  return result;
}

/** The list with another primary; the old one stays as a secondary address. */
export function withPrimary(addresses: readonly string[], address: string): string[] {
  const others = addresses
    .filter((each) => each.toLowerCase() !== `smtp:${address.toLowerCase()}`)
    .map((each) => (each.startsWith("SMTP:") ? `smtp:${each.slice(5)}` : each));
  return [`SMTP:${address}`, ...others];
}

/** Whether a deleted object still keeps others from its addresses and names. */
function holds(directory: Directory, recipient: Recipient): boolean {
  const { tenant } = directory;
  const isHeld = tenant.settings.holdAddresses || tenant.isContrary("exchange.soft-deleted-addresses");
  return isHeld || !directory.isSoftDeleted(recipient);
}

/**
 * Refuses addresses that another recipient has, that were taken off another too short a time ago, or that an account unknown to
 * Exchange signs in with. `directory` must be the authoritative view; `own` is the recipient that gets them.
 */
export function requireFreeAddresses(
  directory: Directory,
  addresses: readonly string[],
  own: { guid: string; externalDirectoryObjectId: string },
): void {
  // @observed exchange.address-held-in-directory: An address on an account Exchange does not know answers
  // UnableToWriteToAadException, ObjectConflict [type and parts of the text from issues; circumstances assumed]
  // @documented exchange.soft-deleted-addresses: Addresses of soft-deleted mailboxes are free unless holdAddresses; freed ones are
  // refused for addressRelease [Restore of a mailbox whose address was given away meanwhile; frappe ITSync and Microsoft Q&A
  // 5737410 for held ones]
  const { tenant } = directory;
  for (const proxyAddress of addresses) {
    const wanted = proxyAddress.toLowerCase();
    const bare = wanted.replace(/^[a-z0-9]+:/, "");
    const holder = directory
      .recipientsBy([recipientsByAddress, bare])
      .find(
        (each) =>
          each.guid !== own.guid &&
          holds(directory, each) &&
          each.emailAddresses.some((address) => address.toLowerCase() === wanted),
      );
    if (holder !== undefined) {
      throw addressInUse(proxyAddress, directory.canonicalName(holder));
    }
    const released = tenant.store.get<ReleasedAddress>(releasedAddresses, wanted);
    if (
      released !== undefined &&
      released.recipient !== own.guid &&
      tenant.now() - released.releasedAt < tenant.settings.addressRelease
    ) {
      throw addressInUse(proxyAddress, released.holder);
    }
    if (!isSmtp(proxyAddress)) {
      continue;
    }
    const signsIn = namesake(directory, bare, own.externalDirectoryObjectId);
    if (signsIn !== undefined) {
      const [recipient] = directory.recipientsBy([recipientsByObject, signsIn.id]);
      throw recipient === undefined
        ? usedInEntra("proxyAddresses")
        : addressInUse(proxyAddress, directory.canonicalName(recipient));
    }
  }
}

/** The account other than `own` that signs in with a name. */
function namesake(directory: Directory, userPrincipalName: string, own: string): User | undefined {
  const { holdAddresses } = directory.tenant.settings;
  return directory
    .find([usersByName, userPrincipalName.toLowerCase()])
    .find(({ id, deletedDateTime }) => id !== own && (deletedDateTime === null || holdAddresses));
}

/** What is committed with a change of addresses, so that a freed one is refused to others for a while. */
export function releases(
  directory: Directory,
  recipient: Recipient,
  before: readonly string[],
  after: readonly string[],
): Operation[] {
  if (directory.tenant.settings.addressRelease === 0) {
    return [];
  }
  const kept = new Set(after.map((each) => each.toLowerCase()));
  return before
    .map((each) => each.toLowerCase())
    .filter((each) => !kept.has(each))
    .map((address) => {
      const row: ReleasedAddress = {
        address,
        recipient: recipient.guid,
        holder: directory.canonicalName(recipient),
        releasedAt: directory.tenant.now(),
      };
      return [releasedAddresses, address, row] as const;
    });
}

/** Refuses a Name that another recipient has; `own` is the guid of the one that gets it. */
export function requireFreeName(directory: Directory, name: string, own: string): void {
  const wanted = name.toLowerCase();
  const others = directory.namedBy(wanted).filter((each) => each.guid !== own && holds(directory, each));
  if (others.some((each) => each.name.toLowerCase() === wanted)) {
    throw nameInUse(name);
  }
}

/** Refuses an alias that another recipient has, or whose address in the initial domain another has. */
export function requireFreeAlias(
  directory: Directory,
  alias: string,
  own: { guid: string; externalDirectoryObjectId: string },
): void {
  requireFreeAddresses(directory, [`smtp:${alias}@${directory.organization.initialDomain}`], own);
  const wanted = alias.toLowerCase();
  const holder = directory
    .namedBy(wanted)
    .find((each) => each.guid !== own.guid && holds(directory, each) && each.alias.toLowerCase() === wanted);
  if (holder !== undefined) {
    throw aliasInUse(alias, directory.canonicalName(holder));
  }
}

/** The alias, or the first of alias1 to alias9 and then of longer numbers that nobody has. */
export function freeAlias(
  directory: Directory,
  alias: string,
  own: { guid: string; externalDirectoryObjectId: string },
): string {
  // @observed exchange.alias-number: An alias that is not given is made of Name and gets a number when it is taken; a given one is
  // refused [Exchange 15.00.1497, decompiled: RecipientTaskHelper; OfficeDocs-Support issue 22 for the refusal]
  for (let number = 0; ; number++) {
    const candidate = number === 0 ? alias : `${alias.slice(0, 64 - String(number).length)}${number}`;
    try {
      requireFreeAlias(directory, candidate, own);
      requireFreeAddresses(directory, [`smtp:${candidate}@${directory.defaultDomain}`], own);
      return candidate;
    } catch (error) {
      if (!(error instanceof ExchangeFault)) {
        throw error;
      }
    }
  }
}

/**
 * The sign-in name of a new mailbox: its alias in the default domain, or one made up where the alias could not be the local part
 * of a sign-in name.
 */
export function newUserPrincipalName(directory: Directory, alias: string): string {
  // @observed exchange.new-mailbox-upn: The sign-in name of a new shared mailbox is its alias at the default domain, and an address
  // of it [icewolf, October 2025; RecipientTaskHelper and NewMailboxBase of Exchange 15.00.1497, decompiled]
  // @documented exchange.random-upn: An alias that begins with no letter, has other characters than letters, digits and . - _, ends
  // in or repeats a period, or is longer than 63: the sign-in name is G and 32 hex digits [mailbox-upn-samaccountname-contain-guid]
  const fits = /^[A-Za-z][A-Za-z0-9._-]*$/.test(alias) && !/\.\.|\.$/.test(alias) && alias.length <= 63;
  const isPlain = fits && !directory.tenant.isContrary("exchange.new-mailbox-upn");
  return `${isPlain ? alias : `G${randomUUID().replaceAll("-", "")}`}@${directory.defaultDomain}`;
}

/** Refuses a sign-in name that another account has. */
export function requireFreeUserPrincipalName(directory: Directory, userPrincipalName: string, ownId: string): void {
  const holder = namesake(directory, userPrincipalName, ownId);
  if (holder !== undefined) {
    const [recipient] = directory.recipientsBy([recipientsByObject, holder.id]);
    throw recipient === undefined
      ? usedInEntra("userPrincipalName")
      : userPrincipalNameInUse(userPrincipalName, directory.canonicalName(recipient));
  }
}

/** The alias Exchange makes of a name: blanks out, what an alias cannot hold becomes `?`. */
export function aliasOf(name: string): string {
  return name
    .replace(/\s+/g, "")
    .replace(/[^A-Za-z0-9!#%*+\-/=?^_~$&'{}|`.\u00A1-\u00FF]/g, "?")
    .replace(/^\.+|\.+$/g, "")
    .slice(0, 64);
}

/** Refuses what cannot be an alias, or no address could be made of: longer than 64 characters, or with characters outside the documented set. */
export function requireAlias(alias: string): void {
  // @observed exchange.name-characters: Name takes any letters; a letter outside ASCII in an alias or address answers
  // UnableToWriteToAadException, InvalidValue [office-docs-powershell #11500, Microsoft365DSC #1921 and #1922]
  requireWritable(alias);
  if (
    alias.length > 64 ||
    !/^[A-Za-z0-9!#%*+\-/=?^_~$&'{}|`\u00A1-\u00FF]+(?:\.[A-Za-z0-9!#%*+\-/=?^_~$&'{}|`\u00A1-\u00FF]+)*$/.test(alias)
  ) {
    throw invalidProperty(
      "Alias",
      `The alias "${alias}" isn't valid: at most 64 letters, digits and the characters an address may hold.`,
    );
  }
}

/** The domains of a recipient's addresses that the organisation does not have (any more). */
export function foreignDomains(domains: readonly AcceptedDomain[], recipient: Recipient): string[] {
  const accepted = new Set(domains.map((domain) => domain.domainName.toLowerCase()));
  return recipient.emailAddresses
    .filter(isSmtp)
    .map((each) => domainOf(each).toLowerCase())
    .filter((domain) => !accepted.has(domain));
}

/** The `mail` of the user behind a recipient. */
export function mailOf(recipient: Recipient): string | null {
  return primaryAddress(recipient) ?? null;
}
