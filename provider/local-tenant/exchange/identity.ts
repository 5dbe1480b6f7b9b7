import { createHash } from "node:crypto";
import { organizationOf, primaryAddress, recipientsByAddress, recipientsByObject, usersByName } from "../directory";
import {
  type AcceptedDomain,
  type MailboxFields,
  type Organization,
  type Permission,
  type Recipient,
  tables,
  type User,
} from "../model";
import type { Index, Reader, Search } from "../store";
import type { Tenant } from "../tenant";
import { mailboxDoesNotExist, objectAmbiguous, objectNotFound, referencedObjectNotFound } from "./errors";

/** Milliseconds for which a soft-deleted mailbox can be recovered. */
const recoverable = 30 * 24 * 60 * 60 * 1000;

/** Name of the forest the tenant lives in; part of every distinguished and canonical name. */
export const forest = "EURPR01A00";

/** A recipient that has a mailbox. */
export type MailboxRecipient = Recipient & { mailbox: MailboxFields };

/** True for a recipient with a mailbox, soft-deleted or not. */
export function hasMailbox(recipient: Recipient): recipient is MailboxRecipient {
  return recipient.mailbox !== undefined;
}

/** A principal that can hold permissions: a recipient, or a security group with no mail. */
export interface Trustee {
  sid: string;
  /** What Exchange prints as User or Trustee. */
  printedAs: string;
  /** Entra object id. */
  id: string;
}

/** Recipients by what names them in their own row, and by the sign-in name that a deleted account leaves, in lower case. */
const recipientsByForm: Index<Recipient> = {
  table: tables.recipients,
  textsOf: (recipient) => [...fixedForms(recipient), (recipient.mailbox?.userPrincipalName ?? "").toLowerCase()],
};

/** Recipients by their SIDs of now and before, in upper case. */
const recipientsBySid: Index<Recipient> = {
  table: tables.recipients,
  textsOf: ({ sid, sidHistory = [] }) => [sid, ...sidHistory].map((each) => each.toUpperCase()),
};

/** Entries by the guid of what they are on. */
const permissionsByMailbox: Index<Permission> = { table: tables.permissions, textsOf: ({ mailbox }) => [mailbox] };

/**
 * The recipients, users and domains of the tenant from one point of view: `seen` is what Exchange shows now, its lag taken into
 * account; `latest` is the authoritative state, for uniqueness and writes.
 */
export class Directory {
  readonly tenant: Tenant;
  readonly organization: Organization;
  readonly #reader: Reader | undefined;

  constructor(tenant: Tenant, view: "seen" | "latest") {
    this.tenant = tenant;
    this.#reader = view === "seen" ? "exchange" : undefined;
    const organization = organizationOf(tenant);
    if (organization === undefined) {
      throw new Error("The tenant has no organization row: it was never seeded.");
    }
    this.organization = organization;
  }

  get domains(): readonly AcceptedDomain[] {
    return this.tenant.store.all<AcceptedDomain>(tables.domains);
  }

  /** All recipients but those whose time in the soft-deleted store is over. To look one up by what it has, there are indexes. */
  get recipients(): Recipient[] {
    return this.rows<Recipient>(tables.recipients).filter((recipient) => !this.#isExpired(recipient));
  }

  /** All rows of a table in this view. */
  rows<T>(table: string): T[] {
    return this.tenant.store.allSeen<T>(this.#reader, table);
  }

  /** The rows that one of the searches finds in this view. */
  find<T>(...searches: Search<T>[]): T[] {
    return this.tenant.store.find(searches, this.#reader);
  }

  /** The recipients that one of the searches finds, but those whose time is over. */
  recipientsBy(...searches: Search<Recipient>[]): Recipient[] {
    return this.find(...searches).filter((recipient) => !this.#isExpired(recipient));
  }

  /** Entries on a recipient, of one kind or all of them, in order of first insertion. */
  permissionsOn({ guid }: Recipient, kind?: Permission["kind"]): Permission[] {
    return this.find([permissionsByMailbox, guid]).filter((row) => kind === undefined || row.kind === kind);
  }

  user(id: string): User | undefined {
    return this.tenant.store.seen<User>(this.#reader, tables.users, id);
  }

  byGuid(guid: string): Recipient | undefined {
    const recipient = this.tenant.store.seen<Recipient>(this.#reader, tables.recipients, guid);
    return recipient === undefined || this.#isExpired(recipient) ? undefined : recipient;
  }

  bySid(sid: string): Recipient | undefined {
    return this.recipientsBy([recipientsBySid, sid.toUpperCase()]).at(-1);
  }

  get defaultDomain(): string {
    return this.domains.find((domain) => domain.isDefault)?.domainName ?? this.organization.initialDomain;
  }

  isAccepted(domain: string): boolean {
    return this.domains.some((each) => each.domainName.toLowerCase() === domain.toLowerCase());
  }

  /** True while the recipient, or the account behind it, is deleted and can be recovered. */
  isSoftDeleted(recipient: Recipient): boolean {
    if (recipient.mailbox !== undefined) {
      return recipient.mailbox.whenSoftDeleted !== null;
    }
    return (this.user(recipient.externalDirectoryObjectId)?.deletedDateTime ?? null) !== null;
  }

  /**
   * Distinguished name; of a soft-deleted object that of the soft-deleted container. It is one object's alone, though Names are
   * not: of two with one Name, each carries its guid.
   */
  distinguishedName(recipient: Recipient): string {
    // @documented exchange.distinguished-name-unique: A distinguished name is one object's, also where two have one Name [Active
    // Directory, Object Names and Identities; that Names repeat: Microsoft365DSC 2117]
    const container = this.isSoftDeleted(recipient) ? "OU=Soft Deleted Objects," : "";
    const name = this.#hasNamesake(recipient) ? `${recipient.name} ${recipient.guid}` : recipient.name;
    return `CN=${name.replace(/[,\\+"<>;=]/g, "\\$&")},${container}OU=${this.organization.initialDomain},OU=Microsoft Exchange Hosted Organizations,DC=${forest},DC=PROD,DC=OUTLOOK,DC=COM`;
  }

  canonicalName(recipient: Recipient): string {
    return `${forest}.PROD.OUTLOOK.COM/Microsoft Exchange Hosted Organizations/${this.organization.initialDomain}/${recipient.name}`;
  }

  userPrincipalName(recipient: Recipient): string | undefined {
    return this.user(recipient.externalDirectoryObjectId)?.userPrincipalName ?? recipient.mailbox?.userPrincipalName;
  }

  /** Recipients that `identity` names in any of the forms the service takes. */
  matches(identity: string, among: (recipient: Recipient) => boolean): Recipient[] {
    const wanted = identity.trim().toLowerCase();
    const wantedAddress = addressOf(wanted);
    return this.namedBy(wanted).filter(
      (recipient) => among(recipient) && this.#isNamed(recipient, wanted, wantedAddress),
    );
  }

  /** The recipients that one of the texts (in lower case) may name, in the order of all; none that it does name is left out. */
  namedBy(...texts: string[]): Recipient[] {
    return this.recipientsBy(
      [recipientsByForm, ...texts.flatMap((text) => [text, ...namesIn(text)])],
      [recipientsByObject, ...this.find([usersByName, ...texts]).map(({ id }) => id)],
      [recipientsByAddress, ...texts.map((text) => text.replace(/^smtp:/, ""))],
      [recipientsBySid, ...texts.map((text) => text.toUpperCase())],
    );
  }

  /** The one recipient of any kind that `identity` names, soft-deleted ones left out. */
  recipient(identity: string): Recipient {
    return only(
      identity,
      this.matches(identity, (each) => !this.isSoftDeleted(each)),
    );
  }

  /** The one active mailbox that `identity` names. */
  mailbox(identity: string): MailboxRecipient {
    return asMailbox(this.recipient(identity));
  }

  /** The one recipient that a parameter other than Identity names. */
  referenced(identity: string): Recipient {
    const found = this.matches(identity, (each) => !this.isSoftDeleted(each));
    if (found.length === 0) {
      throw referencedObjectNotFound(identity);
    }
    return only(identity, found);
  }

  /** The security principal that `identity` names; a SID need not belong to anybody any more. */
  trustee(identity: string): Trustee {
    // @assumed exchange.sid-as-trustee: The permission cmdlets take a SID as User and as Trustee, also one that belongs to nobody any
    // more [the type of the parameters takes names and SIDs; scripts that remove orphaned entries so]
    if (/^S-1-\d+(?:-\d+)+$/i.test(identity)) {
      if (this.tenant.isContrary("exchange.sid-as-trustee")) {
        throw referencedObjectNotFound(identity);
      }
      const sid = identity.toUpperCase();
      return { sid, printedAs: this.printedTrustee(sid), id: this.bySid(sid)?.externalDirectoryObjectId ?? "" };
    }
    if (/^NT AUTHORITY\\SELF$/i.test(identity)) {
      return { sid: selfSid, printedAs: selfName, id: "" };
    }
    const found = this.matches(identity, (each) => !this.isSoftDeleted(each) && isSecurityPrincipal(each));
    if (found.length > 0) {
      const { sid, externalDirectoryObjectId: id } = only(identity, found);
      return { sid, printedAs: this.printedTrustee(sid), id };
    }
    const group = this.#plainGroups().find((each) =>
      [each.id, each.displayName].some((name) => name.toLowerCase() === identity.toLowerCase()),
    );
    if (group === undefined) {
      throw referencedObjectNotFound(identity);
    }
    return { sid: sidOf(group.id), printedAs: group.displayName, id: group.id };
  }

  /** What Send As rows print for a SID: a deleted user by SAM account name in its forest, everybody else as {@link printedTrustee}. */
  printedSender(sid: string): string {
    // @observed exchange.deleted-sender-printed: Get-RecipientPermission prints a deleted user as FOREST\SAM account name, a purged
    // one as the SID [it-bibouroku.hateblo.jp, Send As of deleted users; the SID from connectors]
    const recipient = this.bySid(sid);
    return recipient !== undefined && this.isSoftDeleted(recipient) && !isGroup(recipient)
      ? `${forest}\\${samAccountName(recipient)}`
      : this.printedTrustee(sid);
  }

  /**
   * What permission rows print for a SID: a UPN for a user, deleted or not, a name for a group, the SID itself for nobody (any more).
   */
  printedTrustee(sid: string): string {
    if (sid === selfSid) {
      return selfName;
    }
    const recipient = this.bySid(sid);
    if (recipient === undefined) {
      return this.#plainGroups().find((group) => sidOf(group.id) === sid)?.displayName ?? sid;
    }
    if (isGroup(recipient)) {
      return recipient.displayName;
    }
    return this.userPrincipalName(recipient) ?? primaryAddress(recipient) ?? sid;
  }

  /** How well a SID is known: a living principal, a recoverable one, or nobody. */
  standing(sid: string): "active" | "softDeleted" | "unresolved" {
    const recipient = this.bySid(sid);
    if (recipient !== undefined) {
      return this.isSoftDeleted(recipient) ? "softDeleted" : "active";
    }
    return sid === selfSid || this.#plainGroups().some((group) => sidOf(group.id) === sid) ? "active" : "unresolved";
  }

  #plainGroups(): { id: string; displayName: string }[] {
    return this.rows<{ id: string; displayName: string; securityEnabled: boolean; mailEnabled: boolean }>(
      tables.groups,
    ).filter((group) => group.securityEnabled && !group.mailEnabled);
  }

  #hasNamesake({ name }: Recipient): boolean {
    const wanted = name.toLowerCase();
    return (
      this.recipientsBy([recipientsByForm, wanted]).filter((each) => each.name.toLowerCase() === wanted).length > 1
    );
  }

  /** Names that come from elsewhere than the recipient's own row, in lower case. */
  #otherForms(recipient: Recipient): string[] {
    return [
      this.userPrincipalName(recipient) ?? "",
      this.distinguishedName(recipient),
      this.canonicalName(recipient),
    ].map((form) => form.toLowerCase());
  }

  #isNamed(recipient: Recipient, wanted: string, wantedAddress: string | undefined): boolean {
    // @observed exchange.object-id-identity: A mailbox's Entra object id is an identity of it [CIPP names mailboxes so in every
    // cmdlet; no page lists it among the forms of Identity]
    const fixed = fixedForms(recipient);
    if (wantedAddress !== undefined && recipient.emailAddresses.some((each) => each.toLowerCase() === wantedAddress)) {
      return true;
    }
    if (recipient.externalDirectoryObjectId.toLowerCase() === wanted) {
      return !this.tenant.isContrary("exchange.object-id-identity");
    }
    return wanted !== "" && (fixed.includes(wanted) || this.#otherForms(recipient).includes(wanted));
  }

  #isExpired({ mailbox }: Recipient): boolean {
    const since = mailbox?.whenSoftDeleted ?? null;
    return (
      since !== null && mailbox?.isInactiveMailbox === false && this.tenant.now() - Date.parse(since) > recoverable
    );
  }
}

/** By row, which is frozen. */
const formsOf = new WeakMap<Recipient, readonly string[]>();

/** What names a recipient by its own row, in lower case. */
function fixedForms(recipient: Recipient): readonly string[] {
  const known = formsOf.get(recipient);
  if (known !== undefined) {
    return known;
  }
  const forms = [
    recipient.guid,
    recipient.mailbox?.exchangeGuid ?? "",
    recipient.name,
    recipient.alias,
    recipient.displayName,
    recipient.externalDirectoryObjectId,
    legacyExchangeDN(recipient),
    samAccountName(recipient),
    `${forest}\\${samAccountName(recipient)}`,
  ];
  const made = [...new Set(forms.filter((form) => form !== "").map((form) => form.toLowerCase()))];
  if (Object.isFrozen(recipient)) {
    formsOf.set(recipient, made);
  }
  return made;
}

/** The trustee that every mailbox grants itself. */
export const selfSid = "S-1-5-10";
/** What the service prints for it. */
const selfName = "NT AUTHORITY\\SELF";

/** The one of `found`; none and several are the service's own errors. */
export function only<T>(identity: string, found: readonly T[]): T {
  // @observed exchange.ambiguous-identity: An identity that fits several objects answers Ex9E65A2,
  // ManagementObjectAmbiguousException [CIPP-API pull request 1568; alias or name shared by two objects: Microsoft365DSC #2117]
  const [first, second] = found;
  if (first === undefined) {
    throw objectNotFound(identity);
  }
  if (second !== undefined) {
    throw objectAmbiguous(identity);
  }
  return first;
}

/** The recipient as a mailbox; one without is the service's error. */
export function asMailbox(recipient: Recipient): MailboxRecipient {
  if (!hasMailbox(recipient)) {
    throw mailboxDoesNotExist();
  }
  return recipient;
}

/** True for groups of every kind. */
export function isGroup({ recipientTypeDetails }: Recipient): boolean {
  return ["MailUniversalSecurityGroup", "MailUniversalDistributionGroup", "GroupMailbox"].includes(
    recipientTypeDetails,
  );
}

/** Contacts, distribution lists and Microsoft 365 groups are no security principals: nothing can be granted to them. */
export function isSecurityPrincipal({ recipientTypeDetails }: Recipient): boolean {
  return !["MailContact", "MailUniversalDistributionGroup", "GroupMailbox"].includes(recipientTypeDetails);
}

/** The recipient's legacy distinguished name, always the same. */
export function legacyExchangeDN(recipient: Recipient): string {
  return `/o=ExchangeLabs/ou=Exchange Administrative Group (FYDIBOHF23SPDLT)/cn=Recipients/cn=${recipient.guid.replaceAll("-", "")}`;
}

/** The recipient's SAM account name, always the same. */
export function samAccountName(recipient: Recipient): string {
  return `$${createHash("sha1").update(recipient.guid).digest("hex").slice(0, 16).toUpperCase()}`;
}

/** A SID of the tenant's own domain, always the same for the same object. */
export function sidOf(id: string): string {
  const digest = createHash("sha256").update(id).digest();
  return `S-1-5-21-3623811015-3361044348-${digest.readUInt32BE(0)}-${1000 + (digest.readUInt32BE(4) % 90_000_000)}`;
}

/** `smtp:` form of an identity that is an address, with or without a prefix. */
function addressOf(identity: string): string | undefined {
  const bare = identity.replace(/^smtp:/, "");
  return bare.includes("@") ? `smtp:${bare}` : undefined;
}

/** The Name in a distinguished or canonical name in lower case; a distinguished one may end in the guid of the object. */
function namesIn(text: string): string[] {
  const [, common] = /^cn=((?:\\.|[^\\,])*),/.exec(text) ?? [];
  const [, canonical] = /^[^/]+\/microsoft exchange hosted organizations\/[^/]+\/(.+)$/.exec(text) ?? [];
  const name = common?.replace(/\\(.)/g, "$1") ?? canonical;
  return name === undefined ? [] : [name, name.replace(/ [^ ]+$/, "")];
}
