import { ifAllowed, isClass, isServiceError, NotFoundError, ProviderError, unless } from "../http/errors";
import {
  column,
  columns,
  filterLiteral,
  isTrue,
  parseSize,
  plural,
  type ReadBy,
  type Row,
  read,
  sameText,
  selected,
  text,
  texts,
} from "../http/json";
import { type Cmdlet, type Exchange, isAddAndRemove, type Output } from "./exchange";
import type { Listing } from "./listing";
import { notWhatWasAsked } from "./refused";
import { once, type Scope } from "./waiting";

/** How full a mailbox is. */
export interface MailboxStatistics {
  /** Bytes, deleted items not counted. */
  size: number;
  itemCount: number;
}

/** A domain of the tenant in which recipients can have addresses. */
interface AcceptedDomain {
  isAuthoritative: boolean;
  /** Whether new accounts get their sign-in names in it. */
  isDefault: boolean;
}

/** Domains that Microsoft gives with a tenant, the routing domain of a hybrid one among them. */
export const INITIAL_DOMAIN = /\.(?:onmicrosoft\.(?:com|us)|partner\.onmschina\.cn)$/;

/** What a mailbox is, by the columns of `Get-Mailbox` that show it. What is only compared and written stands in the kinds' tables. */
const SHOWN = {
  /** Entra object id (`ExternalDirectoryObjectId`): the key of everything here. */
  id: column("ExternalDirectoryObjectId", text),
  /** The Exchange object's own guid. */
  guid: column("Guid", text),
  /** The mailbox's guid, which identifies it while soft-deleted. */
  exchangeGuid: column("ExchangeGuid", text),
  /** Often the Entra object id; never an identity, never compared. */
  name: column("Name", text),
  alias: column("Alias", text),
  displayName: column("DisplayName", text),
  userPrincipalName: column("UserPrincipalName", text),
  /** Lower case. */
  primarySmtpAddress: column("PrimarySmtpAddress", (value) => text(value).toLowerCase()),
  /** With their prefixes, as Exchange keeps them. */
  emailAddresses: column("EmailAddresses", texts),
  /** Whether an address policy sets the primary address, so that it cannot be set alone. */
  hasAddressPolicy: column("EmailAddressPolicyEnabled", isTrue),
  recipientTypeDetails: column("RecipientTypeDetails", text),
  isDirSynced: column("IsDirSynced", isTrue),
  /** Name or id of a recipient, as Exchange prints it; undefined when not set. */
  forwardingAddress: column("ForwardingAddress", (value) => text(value) || undefined),
  /** Address without its prefix, lower case. */
  forwardingSmtpAddress: column(
    "ForwardingSmtpAddress",
    (value) =>
      text(value)
        .replace(/^smtp:/i, "")
        .toLowerCase() || undefined,
  ),
  deliversAndForwards: column("DeliverToMailboxAndForward", isTrue),
  /** Names or ids of recipients, as Exchange prints them. */
  sendOnBehalf: column("GrantSendOnBehalfTo", texts),
  /** ISO 8601. */
  createdAt: column("WhenMailboxCreated", text),
  /** What keeps the mailbox from being deleted, in words; organisation-wide holds are not among them. */
  holds: columns(
    [
      "LitigationHoldEnabled",
      "InPlaceHolds",
      "ComplianceTagHoldApplied",
      "DelayHoldApplied",
      "DelayReleaseHoldApplied",
    ],
    holdsOf,
  ),
  /** Name of the mailbox plan that the licences gave it. */
  plan: column("MailboxPlan", text),
  hasArchive: column("ArchiveGuid", (value) => !NO_GUID.test(text(value))),
};

/** A mailbox as Exchange shows it, in plain values. */
export type Mailbox = ReadBy<typeof SHOWN> & {
  /** The row as Exchange prints it, with the columns that the kinds compare. */
  row: Row;
};

/** Reads a row of `Get-Mailbox`. */
function mailboxOf(row: Row): Mailbox {
  const mailbox = { ...read(SHOWN, row), row };
  if (mailbox.id === "") {
    throw notWhatWasAsked(
      "Exchange",
      `reading the object id of ${text(row.Identity) || text(row.Name) || "a mailbox"}`,
    );
  }
  return mailbox;
}

const DELETED = {
  /** Entra object id of the account that was deleted with it. */
  id: column("ExternalDirectoryObjectId", text),
  exchangeGuid: column("ExchangeGuid", text),
  displayName: column("DisplayName", text),
  emailAddresses: column("EmailAddresses", texts),
  recipientTypeDetails: column("RecipientTypeDetails", text),
  /** ISO 8601. */
  deletedAt: column("WhenSoftDeleted", text),
  /** Kept by a hold: neither restored nor purged. */
  isInactive: column("IsInactiveMailbox", isTrue),
};

/** A mailbox in Exchange's store of deleted ones, where it stays for 30 days. */
export type DeletedMailbox = ReadBy<typeof DELETED>;

/** How long creations share a listing of the deleted mailboxes, in milliseconds. */
const SHARED_FOR = 10_000;

/** Text parameters that an empty text clears too. */
const CLEARED_BY_TEXT = /^(MailTip|CustomAttribute\d+)$/;

/** Mailboxes, through the Exchange admin API. */
export class Mailboxes {
  readonly #exchange: Exchange;
  /** What is read of every mailbox: one list, so that equal reads of several resources are one request. */
  readonly #columns: readonly string[];
  readonly #listing: Listing<Output>;
  /** The last listing of deleted mailboxes, with the time of the question. */
  #allDeleted: { at: number; found: Promise<DeletedMailbox[]> } | undefined;
  readonly #acceptedDomains = new Map<string, Promise<Map<string, AcceptedDomain> | undefined>>();

  readonly #onRead: (id: string) => void;

  /**
   * @param compared columns of `Get-Mailbox` that the kinds compare.
   * @param onRead told of each mailbox that is there, by its Entra object id.
   */
  constructor(exchange: Exchange, compared: readonly string[], onRead: (id: string) => void = () => undefined) {
    this.#exchange = exchange;
    this.#onRead = onRead;
    this.#columns = [...new Set([...selected(SHOWN), ...compared])];
    this.#listing = exchange.listing(this.#sharedOnes(), (row) => [text(row.ExternalDirectoryObjectId)]);
  }

  /**
   * The mailbox with this Entra object id, or undefined when Exchange has none: one of the two witnesses of absence.
   *
   * @throws ServiceError when Exchange cannot say.
   */
  async withId(id: string): Promise<Mailbox | undefined> {
    const output = await unless(
      this.#exchange.read({
        name: "Get-Mailbox",
        parameters: { Identity: id },
        select: this.#columns,
        action: `reading mailbox ${id}`,
        listed: { listing: this.#listing, key: id.toLowerCase(), id },
        among: {
          filter: `ExternalDirectoryObjectId -eq ${filterLiteral(id)}`,
          isOwn: (row) => sameText(text(row.ExternalDirectoryObjectId), id),
        },
      }),
      "notFound",
    );
    // An identity that does not exist may be answered with every mailbox of the tenant (Microsoft's caution on Get-Mailbox).
    const found = output?.rows.map(mailboxOf).find((mailbox) => sameText(mailbox.id, id));
    if (found !== undefined) {
      this.#onRead(found.id);
    }
    return found;
  }

  /** Every shared mailbox of the tenant, by one listing. */
  async shared(): Promise<Mailbox[]> {
    const { rows } = await this.#exchange.read(this.#sharedOnes());
    return rows.map(mailboxOf).filter(({ recipientTypeDetails }) => recipientTypeDetails === "SharedMailbox");
  }

  #sharedOnes(): Cmdlet {
    return {
      name: "Get-Mailbox",
      parameters: { RecipientTypeDetails: ["SharedMailbox"], ResultSize: "Unlimited" },
      select: this.#columns,
      action: "listing the shared mailboxes",
    };
  }

  /** The mailboxes that have this SMTP address; more than one only while the directory settles. */
  async withAddress(address: string): Promise<Mailbox[]> {
    const { rows } = await this.#exchange.read({
      name: "Get-Mailbox",
      parameters: { Filter: `EmailAddresses -eq ${filterLiteral(address)}`, ResultSize: "Unlimited" },
      select: this.#columns,
      action: `looking for a mailbox with the address ${address}`,
    });
    return rows.map(mailboxOf).filter((mailbox) => hasAddress(mailbox, address));
  }

  /**
   * Creates a shared mailbox.
   *
   * @returns what Exchange answered; undefined when it answered with nothing.
   */
  async create(
    parameters: { name: string; displayName: string; alias: string; primarySmtpAddress: string; initials: string },
    scope: Scope,
  ): Promise<Mailbox | undefined> {
    const { rows } = await this.#exchange.write(
      {
        name: "New-Mailbox",
        parameters: {
          Shared: true,
          Name: parameters.name,
          DisplayName: parameters.displayName,
          Alias: parameters.alias,
          PrimarySmtpAddress: parameters.primarySmtpAddress,
          Initials: parameters.initials,
        },
        action: `creating shared mailbox ${parameters.primarySmtpAddress}`,
      },
      undefined,
      scope,
    );
    return rows.map(mailboxOf).find((mailbox) => hasAddress(mailbox, parameters.primarySmtpAddress));
  }

  /** The initials of the account behind a mailbox; "" where it has none. `Get-Mailbox` does not show them. */
  async initials(id: string): Promise<string> {
    const row = await this.#rowOf("Get-User", id, ["Initials"], `reading the initials of the account ${id}`);
    return text(row?.Initials);
  }

  /** Takes the initials of the account behind a mailbox away. */
  async clearInitials(id: string, action: string, scope: Scope): Promise<void> {
    await this.#change("Set-User", id, { Initials: null, Confirm: false }, action, scope);
  }

  /** The row that a cmdlet shows of a mailbox; undefined where it shows none of it. */
  async #rowOf(name: string, id: string, select: readonly string[], action: string): Promise<Row | undefined> {
    const { rows } = await this.#exchange.read({
      name,
      parameters: { Identity: id },
      select: ["ExternalDirectoryObjectId", ...select],
      action,
    });
    return rows.find(({ ExternalDirectoryObjectId: found }) => sameText(text(found), id));
  }

  /** Makes a change. @param mayRepeat whether it may be made twice. */
  #change(name: string, id: string, parameters: Row, action: string, scope: Scope, mayRepeat = true): Promise<Output> {
    const cmdlet: Cmdlet = { name, parameters: { Identity: id, ...parameters }, action };
    return this.#exchange.write(mayRepeat ? { ...cmdlet, isRepeatable: "settings" } : cmdlet, id, scope);
  }

  /** Sets parameters of one parameter set of `Set-Mailbox`. @returns Exchange's warnings. */
  async set(id: string, parameters: Row, action: string, scope: Scope): Promise<string[]> {
    // Values may be written twice. Whether an address may be added twice is not documented.
    const isAbsolute = Object.values(parameters).every((value) => !isAddAndRemove(value));
    const write = (values: Row) => this.#change("Set-Mailbox", id, values, action, scope, isAbsolute);
    let output: Output;
    try {
      output = await write(parameters);
    } catch (error) {
      // That null clears these texts is not documented; where the binder refuses it, nothing was written, and "" clears them.
      const cleared = Object.entries(parameters).map(
        ([name, value]) => [name, value === null && CLEARED_BY_TEXT.test(name) ? "" : value] as const,
      );
      if (!isClass(error, "badParameter") || cleared.every(([name, value]) => value === parameters[name])) {
        throw error;
      }
      output = await write(Object.fromEntries(cleared));
    }
    return output.warnings;
  }

  /**
   * By which clients a mailbox may be opened (`Get-CASMailbox`).
   *
   * @returns the row as Exchange prints it.
   */
  async clientAccess({ id, primarySmtpAddress }: Mailbox, select: readonly string[]): Promise<Row> {
    const action = `reading by which clients ${primarySmtpAddress} may be opened`;
    const row = await this.#rowOf("Get-CASMailbox", id, select, action);
    if (row === undefined) {
      throw mailboxGone(id, action);
    }
    return row;
  }

  /** Sets parameters of `Set-CASMailbox`. */
  async setClientAccess({ id }: Mailbox, parameters: Row, action: string, scope: Scope): Promise<void> {
    await this.#change("Set-CASMailbox", id, parameters, action, scope);
  }

  /** How full a mailbox is; nothing in it where nobody ever opened it, because Exchange has no row then. */
  async statistics(mailbox: Mailbox): Promise<MailboxStatistics> {
    const action = `reading the size of mailbox ${mailbox.primarySmtpAddress}`;
    const { rows } = await this.#exchange.read({
      name: "Get-MailboxStatistics",
      parameters: { Identity: mailbox.id },
      select: ["MailboxGuid", "TotalItemSize", "ItemCount"],
      action,
    });
    const row = rows.find(({ MailboxGuid: guid }) => sameText(text(guid), mailbox.exchangeGuid));
    if (row === undefined && rows.length > 0) {
      throw notWhatWasAsked("Exchange", action);
    }
    const size = row === undefined ? 0 : bytes(row.TotalItemSize);
    if (size === undefined) {
      // Taken for nothing, it would let a quota below it through.
      const words = `Exchange answered with a size that cannot be read: ${String(row?.TotalItemSize)}`;
      throw new ProviderError({ action, words, nextStep: "Nothing was concluded from it. Run the command again." });
    }
    return { size, itemCount: Number(row?.ItemCount ?? 0) };
  }

  /** The row of a mailbox's plan, with the message sizes that it gives; undefined when Exchange does not tell. */
  async planSizes({ plan, primarySmtpAddress }: Mailbox): Promise<Row | undefined> {
    if (plan === "") {
      return undefined;
    }
    const reading = this.#exchange.read({
      name: "Get-MailboxPlan",
      parameters: { Identity: plan },
      select: ["Name", "MaxSendSize", "MaxReceiveSize"],
      action: `reading the mailbox plan of ${primarySmtpAddress}`,
    });
    const output = await ifAllowed(unless(reading, "notFound"));
    return output?.rows.find(({ Name: name }) => sameText(text(name), plan));
  }

  /** Gives the mailbox an archive; one that was disabled within the last 30 days comes back with its content. */
  async enableArchive({ id }: Mailbox, action: string, scope: Scope): Promise<void> {
    await this.#change("Enable-Mailbox", id, { Archive: true }, action, scope, false);
  }

  /** Takes the archive away; its content can be connected again for 30 days. */
  async disableArchive({ id }: Mailbox, action: string, scope: Scope): Promise<void> {
    await this.#change("Disable-Mailbox", id, { Archive: true, Confirm: false }, action, scope, false);
  }

  /** Soft-deletes the mailbox and its account; one that is gone already is success. */
  async remove(mailbox: Mailbox, scope: Scope): Promise<void> {
    const action = `deleting shared mailbox ${mailbox.primarySmtpAddress}`;
    const removing = this.#change("Remove-Mailbox", mailbox.id, { Confirm: false, Force: true }, action, scope);
    await unless(removing, "notFound").finally(() => {
      this.#allDeleted = undefined;
    });
  }

  /**
   * All mailboxes in the store of deleted ones, inactive ones too. Creations that run side by side share a listing for some seconds, until
   * this deployment deletes a mailbox.
   */
  allDeleted(): Promise<DeletedMailbox[]> {
    const known = this.#allDeleted;
    if (known !== undefined && Date.now() - known.at < SHARED_FOR) {
      return known.found;
    }
    const found = this.deleted();
    this.#allDeleted = { at: Date.now(), found };
    found.catch(() => {
      this.#allDeleted = undefined;
    });
    return found;
  }

  /** Mailboxes in the store of deleted ones, inactive ones too; `exchangeGuid` narrows it to one. */
  async deleted(exchangeGuid?: string): Promise<DeletedMailbox[]> {
    const reading = this.#exchange.read({
      name: "Get-Mailbox",
      parameters: {
        SoftDeletedMailbox: true,
        ...(exchangeGuid === undefined ? { ResultSize: "Unlimited" } : { Identity: exchangeGuid }),
      },
      select: selected(DELETED),
      action: "reading deleted mailboxes",
    });
    const { rows } = (await unless(reading, "notFound")) ?? { rows: [] };
    return rows
      .map((row) => read(DELETED, row))
      .filter((mailbox) => exchangeGuid === undefined || sameText(mailbox.exchangeGuid, exchangeGuid));
  }

  /**
   * Number of items in a deleted mailbox.
   *
   * @returns undefined where Exchange does not tell: the number is for people to read, nothing is decided by it.
   */
  async itemsOfDeleted({ exchangeGuid }: DeletedMailbox): Promise<number | undefined> {
    try {
      const { rows } = await this.#exchange.read({
        name: "Get-MailboxStatistics",
        parameters: { Identity: exchangeGuid, IncludeSoftDeletedRecipients: true },
        select: ["MailboxGuid", "ItemCount"],
        action: `counting the items of the deleted mailbox ${exchangeGuid}`,
      });
      const row = rows.find(({ MailboxGuid: guid }) => sameText(text(guid), exchangeGuid));
      return row === undefined && rows.length > 0 ? undefined : Number(row?.ItemCount ?? 0);
    } catch (error) {
      if (isServiceError(error)) {
        return undefined;
      }
      throw error;
    }
  }

  /** Deletes a soft-deleted mailbox for good. Only its ExchangeGuid is certain to be its own: several may share an address. */
  async purge(exchangeGuid: string, who: string, scope: Scope): Promise<void> {
    const purging = this.#exchange.write(
      {
        name: "Remove-Mailbox",
        parameters: { Identity: exchangeGuid, PermanentlyDelete: true, Confirm: false },
        action: `purging the deleted mailbox ${who}`,
      },
      undefined,
      scope,
    );
    await purging.finally(() => {
      this.#allDeleted = undefined;
    });
  }

  /**
   * Holds that apply to every mailbox of the organisation and stand on none.
   *
   * @returns undefined when the application may not read the organisation's configuration.
   */
  async organizationHolds(): Promise<string[] | undefined> {
    const output = await ifAllowed(
      this.#exchange.read({
        name: "Get-OrganizationConfig",
        parameters: {},
        select: ["InPlaceHolds"],
        action: "reading the organisation's holds",
      }),
    );
    return output?.rows.flatMap((row) => texts(row.InPlaceHolds)).filter(isDeletionHold);
  }

  /**
   * The tenant's accepted domains by their names in lower case; asked for once in a deployment.
   *
   * @returns undefined when the application may not read them.
   */
  async acceptedDomains(): Promise<Map<string, AcceptedDomain> | undefined> {
    return once(this.#acceptedDomains, "", async () => {
      const output = await ifAllowed(
        this.#exchange.read({
          name: "Get-AcceptedDomain",
          parameters: {},
          select: ["DomainName", "DomainType", "Default"],
          action: "reading the tenant's accepted domains",
        }),
      );
      const named = output?.rows.map((row): [string, AcceptedDomain] => [
        text(row.DomainName).toLowerCase(),
        { isAuthoritative: text(row.DomainType) === "Authoritative", isDefault: row.Default === true },
      ]);
      return named && new Map(named);
    });
  }
}

const NO_GUID = /^[0-]*$/;

/** A printed size; undefined for "Unlimited" and for nothing. */
function bytes(value: unknown): number | undefined {
  return parseSize(typeof value === "number" ? value : text(value));
}

function holdsOf(row: Row): string[] {
  return [
    ...(row.LitigationHoldEnabled === true ? ["litigation hold"] : []),
    ...(row.ComplianceTagHoldApplied === true ? ["a retention label"] : []),
    ...(row.DelayHoldApplied === true || row.DelayReleaseHoldApplied === true ? ["a delay hold"] : []),
    ...texts(row.InPlaceHolds)
      .filter(isDeletionHold)
      .map((hold) => `in-place hold ${hold}`),
  ];
}

/** `-mbx…` marks an exclusion from a hold and a `:1` suffix one that only deletes (Microsoft's page on in-place holds). */
function isDeletionHold(hold: string): boolean {
  return !hold.startsWith("-mbx") && !/:1$/.test(hold);
}

/**
 * A deleted mailbox in words.
 *
 * @param items how many there are in it, where that was asked.
 */
export function describeDeleted(mailbox: DeletedMailbox, items?: number): string {
  const { id, displayName, exchangeGuid, recipientTypeDetails, deletedAt, isInactive } = mailbox;
  const type = recipientTypeDetails === "UserMailbox" ? "user mailbox" : "mailbox";
  const facts = [
    `Exchange guid ${exchangeGuid}`,
    ...(id === "" ? [] : [`id ${id}`]),
    `deleted ${seconds(deletedAt)}`,
    ...(items === undefined ? [] : [plural(items, "item")]),
    ...(isInactive ? ["kept by a hold as an inactive mailbox"] : []),
  ];
  return `the deleted ${type} "${displayName}" (${facts.join(", ")})`;
}

/** A time of Exchange without the seven decimals of its seconds; as it stands where it is none. */
function seconds(time: string): string {
  const milliseconds = Date.parse(time);
  return Number.isNaN(milliseconds) ? time : new Date(milliseconds).toISOString().replace(/\.\d+Z$/, "Z");
}

/** How long a deleted mailbox can come back, in days. */
const RECOVERABLE = 30;

/** The last day, in UTC, on which a mailbox that was deleted at `deletedAt` can come back; undefined where that is no time. */
export function recoverableUntil(deletedAt: string): string | undefined {
  const time = Date.parse(deletedAt);
  return Number.isNaN(time) ? undefined : new Date(time + RECOVERABLE * 86_400_000).toISOString().slice(0, 10);
}

/** All SMTP addresses in lower case, the primary one first. */
export function smtpAddresses(recipient: { emailAddresses: readonly string[] }): string[] {
  return recipient.emailAddresses
    .filter((address) => /^smtp:/i.test(address))
    .sort((a, b) => Number(b.startsWith("SMTP:")) - Number(a.startsWith("SMTP:")) || a.localeCompare(b))
    .map((address) => address.slice(5).toLowerCase());
}

/** Whether an SMTP address is one of the recipient's. */
export function hasAddress(recipient: { emailAddresses: readonly string[] }, address: string): boolean {
  return smtpAddresses(recipient).includes(address.toLowerCase());
}

/** The error for a mailbox that the state knows and the tenant has no more. */
export function mailboxGone(id: string, action: string): NotFoundError {
  return new NotFoundError({
    action,
    words: `the mailbox ${id} is no longer in the tenant`,
    nextStep: "Run `pulumi refresh` to record that, then `pulumi up` to create it again.",
  });
}
