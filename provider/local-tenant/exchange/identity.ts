import { createHash } from "node:crypto";
import { organizationOf, primaryAddress } from "../directory";
import {
  type AcceptedDomain,
  type MailboxFields,
  type Organization,
  type Permission,
  type Recipient,
  tables,
  type User,
} from "../model";
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

/**
 * The recipients, users and domains of one request, all from one point of view: `seen` is what Exchange shows now, its lag taken
 * into account; `latest` is the authoritative state, for uniqueness and writes.
 */
export class Directory {
  readonly tenant: Tenant;
  /** All recipients but those whose time in the soft-deleted store is over. */
  readonly recipients: readonly Recipient[];
  readonly organization: Organization;
  readonly domains: readonly AcceptedDomain[];
  readonly #view: "seen" | "latest";
  readonly #users: ReadonlyMap<string, User>;
  readonly #byGuid: ReadonlyMap<string, Recipient>;
  readonly #bySid: ReadonlyMap<string, Recipient>;
  /** How many recipients have a Name, by the Name in lower case; counted when first asked for. */
  #names: Map<string, number> | undefined;
  /** Entries by the guid of what they are on; sorted when first asked for. */
  #permissions: Map<string, Permission[]> | undefined;
  /** Recipients by what names them, in lower case; filed once several are looked for. */
  #identities: Map<string, Recipient[]> | undefined;
  #asked = 0;

  /** The directory as it is now: the last one, while nothing changed that it shows. */
  static of(tenant: Tenant, view: "seen" | "latest"): Directory {
    const made = kept.get(tenant) ?? {};
    kept.set(tenant, made);
    const { store, clockOffset } = tenant;
    const known = made[view];
    const isSame = known?.version === store.version && known.clockOffset === clockOffset;
    // What expires by the clock alone may show a second too long.
    if (known !== undefined && isSame && Date.now() - known.at < 1000) {
      return known.directory;
    }
    const directory = new Directory(tenant, view);
    if (view === "latest" || store.isSettled("exchange")) {
      made[view] = { directory, version: store.version, clockOffset, at: Date.now() };
    }
    return directory;
  }

  private constructor(tenant: Tenant, view: "seen" | "latest") {
    this.tenant = tenant;
    this.#view = view;
    const organization = organizationOf(tenant);
    if (organization === undefined) {
      throw new Error("The tenant has no organization row: it was never seeded.");
    }
    this.organization = organization;
    this.domains = tenant.store.all<AcceptedDomain>(tables.domains);
    this.#users = new Map(this.rows<User>(tables.users).map((user) => [user.id, user]));
    this.recipients = this.rows<Recipient>(tables.recipients).filter((recipient) => !this.#isExpired(recipient));
    this.#byGuid = new Map(this.recipients.map((recipient) => [recipient.guid, recipient]));
    this.#bySid = new Map(
      this.recipients.flatMap((recipient) =>
        [recipient.sid, ...(recipient.sidHistory ?? [])].map((sid) => [sid, recipient] as const),
      ),
    );
  }

  /** All rows of a table in this view. */
  rows<T>(table: string): T[] {
    const { store } = this.tenant;
    return this.#view === "seen" ? store.allSeen<T>("exchange", table) : store.all<T>(table);
  }

  /** Entries on a recipient, in order of first insertion. */
  permissionsOn({ guid }: Recipient, kind: Permission["kind"]): Permission[] {
    if (this.#permissions === undefined) {
      this.#permissions = new Map();
      for (const row of this.rows<Permission>(tables.permissions)) {
        const own = this.#permissions.get(row.mailbox) ?? [];
        own.push(row);
        this.#permissions.set(row.mailbox, own);
      }
    }
    return (this.#permissions.get(guid) ?? []).filter((row) => row.kind === kind);
  }

  user(id: string): User | undefined {
    return this.#users.get(id);
  }

  get users(): User[] {
    return [...this.#users.values()];
  }

  byGuid(guid: string): Recipient | undefined {
    return this.#byGuid.get(guid);
  }

  bySid(sid: string): Recipient | undefined {
    return this.#bySid.get(sid);
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
    this.#asked += 1;
    const candidates =
      this.#asked > FEW
        ? this.#filed([wanted, ...(wantedAddress === undefined ? [] : [wantedAddress])])
        : this.recipients;
    return candidates.filter((recipient) => among(recipient) && this.#isNamed(recipient, wanted, wantedAddress));
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
    if (this.#names === undefined) {
      this.#names = new Map();
      for (const each of this.recipients) {
        const key = each.name.toLowerCase();
        this.#names.set(key, (this.#names.get(key) ?? 0) + 1);
      }
    }
    return (this.#names.get(name.toLowerCase()) ?? 0) > 1;
  }

  /** Recipients that one of these texts names, in the order of all. */
  #filed(texts: readonly string[]): Recipient[] {
    if (this.#identities === undefined) {
      this.#identities = new Map();
      for (const recipient of this.recipients) {
        const addresses = recipient.emailAddresses.map((address) => address.toLowerCase());
        for (const text of new Set([...fixedForms(recipient), ...this.#otherForms(recipient), ...addresses])) {
          const same = this.#identities.get(text) ?? [];
          same.push(recipient);
          this.#identities.set(text, same);
        }
      }
    }
    const found = new Set(texts.flatMap((text) => this.#identities?.get(text) ?? []));
    return found.size < 2 ? [...found] : this.recipients.filter((recipient) => found.has(recipient));
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
    return wanted !== "" && (fixed.has(wanted) || this.#otherForms(recipient).includes(wanted));
  }

  #isExpired({ mailbox }: Recipient): boolean {
    const since = mailbox?.whenSoftDeleted ?? null;
    return (
      since !== null && mailbox?.isInactiveMailbox === false && this.tenant.now() - Date.parse(since) > recoverable
    );
  }
}

/** How many look-ups go through all recipients before they are filed. */
const FEW = 3;

/** The directories that were made last. */
const kept = new WeakMap<
  Tenant,
  Partial<Record<"seen" | "latest", { directory: Directory; version: number; clockOffset: number; at: number }>>
>();

/** By row, which is frozen. */
const formsOf = new WeakMap<Recipient, ReadonlySet<string>>();

/** What names a recipient by its own row, in lower case. */
function fixedForms(recipient: Recipient): ReadonlySet<string> {
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
  const made = new Set(forms.filter((form) => form !== "").map((form) => form.toLowerCase()));
  if (Object.isFrozen(recipient)) {
    formsOf.set(recipient, made);
  }
  return made;
}

/** The trustee that every mailbox grants itself. */
export const selfSid = "S-1-5-10";
/** What the service prints for it. */
export const selfName = "NT AUTHORITY\\SELF";

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
