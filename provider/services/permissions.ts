import { classifyWarning } from "../http/classify";
import { isClass, isServiceError, ProviderError } from "../http/errors";
import { type Row, sameText, text, texts } from "../http/json";
import { addAndRemove, type Cmdlet, type Exchange, type Output, tellWarnings } from "./exchange";
import { freshly, type Listing } from "./listing";
import type { Mailbox } from "./mailboxes";
import type { Scope } from "./waiting";

/** The rights a trustee can hold on a mailbox: as programs write them, as Exchange does, and as people say. */
export const NAMED_RIGHTS = [
  { right: "fullAccess", name: "FullAccess", words: "Full Access" },
  { right: "sendAs", name: "SendAs", words: "Send As" },
  { right: "sendOnBehalf", name: "SendOnBehalf", words: "Send on Behalf" },
] as const;

/** A right a trustee can hold on a mailbox. */
export type Right = (typeof NAMED_RIGHTS)[number]["right"];

/** How people call a right, by Exchange's name for it. */
export function rightInWords(name: string): string {
  return NAMED_RIGHTS.find((one) => one.name === name)?.words ?? name;
}

/** The rights of a mailbox's own list beside Full Access, by Exchange's names. */
export const OTHER_RIGHTS = [
  "ChangeOwner",
  "ChangePermission",
  "DeleteItem",
  "ExternalAccount",
  "ReadPermission",
] as const;

/** An explicit entry that allows something; SELF, inherited and denying entries are not among them. */
export interface Entry {
  /** The list it stands in: the mailbox's own, that of Send As, or `GrantSendOnBehalfTo`. */
  list: "access" | "sendAs" | "sendOnBehalf";
  /** What Exchange prints: sign-in name of a user, display name of a group, Name or id (Send on Behalf), or something of a deleted one. */
  trustee: string;
  /** Whose entry it is; undefined only for Send on Behalf and where Exchange left it out. */
  sid: string | undefined;
  /** What it allows, by Exchange's names, joined ones taken apart: `FullAccess`, `ReadPermission`, `SendAs`, `SendOnBehalf` … */
  rights: string[];
}

/** An explicit entry that denies something. */
export interface Denial {
  sid: string | undefined;
  /** By Exchange's names. */
  rights: string[];
}

/** The explicit permissions on a mailbox. */
interface Permissions {
  entries: Entry[];
  /** Trustees of inherited entries as Exchange prints them, and of those that deny, with what they deny. */
  others: string[];
  /** Explicit entries that deny something. */
  denials: Denial[];
  /** The rights whose list the application may not read: nothing is known of who holds them. */
  unread: Right[];
}

/** The two lists of a mailbox, being read. */
export interface Begun {
  access: () => Promise<Output>;
  sending: () => Promise<Output>;
}

/** The SID of `NT AUTHORITY\SELF`, whose text is localised. */
const SELF = "S-1-5-10";

/** Permissions on mailboxes: Full Access and Send As by the Exchange admin API, Send on Behalf with the mailbox's settings. */
export class MailboxPermissions {
  readonly #exchange: Exchange;
  readonly #sending: Listing<Output>;

  constructor(exchange: Exchange) {
    this.#exchange = exchange;
    this.#sending = exchange.listing(
      {
        name: "Get-RecipientPermission",
        parameters: { ResultSize: "Unlimited" },
        action: "listing who may send as whom",
      },
      (row) => [text(row.Identity)],
      // Every mailbox may send as itself, once. Rows without that are of something else, and with two of several of one Name.
      (rows) => rows.filter((row) => text(row.TrusteeSidString).toUpperCase() === SELF).length === 1,
    );
  }

  /** Learns that the lists of a mailbox that was read may be asked for as well. */
  expect(id: string): void {
    this.#exchange.expect({ ...accessTo(id, id), ahead: id });
  }

  /**
   * Begins to read the lists of a mailbox that is itself still being read.
   *
   * @param who the mailbox in words.
   * @param isRefresh whether nothing will be changed by what they show: then they may have been read before anybody asked.
   */
  begin(id: string, who: string, isRefresh = false): Begun {
    const access = this.#exchange.read({ ...accessTo(id, who), ...(isRefresh ? { ahead: id } : {}) });
    const sending = this.#exchange.read({
      name: "Get-RecipientPermission",
      parameters: { Identity: id, ResultSize: "Unlimited" },
      action: `reading who may send as ${who}`,
      // The rows of the listing have no other key than Identity. Where that is a Name, several may have it: those are not found there.
      listed: { listing: this.#sending, key: id.toLowerCase(), id, goesOn: isRefresh },
    });
    for (const one of [access, sending]) {
      // Where the mailbox is not there, nobody waits for them.
      one.catch(() => undefined);
    }
    return { access: () => access, sending: () => sending };
  }

  /**
   * Everybody's permissions on a mailbox.
   *
   * @param mailbox as just read: an identity that does not exist would be answered with the permissions on all mailboxes.
   * @param begun the lists, where they are being read already.
   * @param readIfAllowed gives undefined for a list that may be left unread. The roles of readers have no Get-RecipientPermission.
   */
  async on(
    mailbox: Mailbox,
    readIfAllowed: <T>(what: string, read: () => Promise<T>) => Promise<T | undefined> = (_what, read) => read(),
    begun = this.begin(mailbox.id, mailbox.primarySmtpAddress),
  ): Promise<Permissions> {
    const [access, sending] = await Promise.all([
      readIfAllowed(`who has access to ${mailbox.primarySmtpAddress}`, begun.access),
      readIfAllowed(`who may send as ${mailbox.primarySmtpAddress}`, async () => {
        const seen = await begun.sending();
        // In a listing these are the rows of another mailbox, whose Name is this one's object id.
        const isForeign =
          !sameText(mailbox.name, mailbox.id) && seen.rows.some((row) => sameText(text(row.Identity), mailbox.id));
        return isForeign ? freshly(() => this.begin(mailbox.id, mailbox.primarySmtpAddress).sending()) : seen;
      }),
    ]);
    if (access?.rows.length === 0) {
      // SELF and the organisation's inherited entries are on every mailbox; an empty answer would look as if nobody had access.
      throw new ProviderError({
        action: `reading who has access to ${mailbox.primarySmtpAddress}`,
        words: "Exchange answered with no permission at all, not even those that every mailbox has",
        nextStep: "Nothing was changed. Run the command again.",
      });
    }
    const lists = { access: access?.rows ?? [], sendAs: sending?.rows ?? [] };
    for (const row of [...lists.access, ...lists.sendAs]) {
      requireOwn(row, mailbox);
    }
    const permissions: Permissions = {
      entries: mailbox.sendOnBehalf.map((trustee) => ({
        list: "sendOnBehalf",
        trustee,
        sid: undefined,
        rights: ["SendOnBehalf"],
      })),
      others: [],
      denials: [],
      unread: [
        ...(access === undefined ? (["fullAccess"] as const) : []),
        ...(sending === undefined ? (["sendAs"] as const) : []),
      ],
    };
    collect(permissions, lists.access, "User", "UserSid", "access");
    collect(permissions, lists.sendAs, "Trustee", "TrusteeSidString", "sendAs");
    return permissions;
  }

  /**
   * The SIDs in a mailbox's own list that Exchange shows without being asked for deleted trustees. Of those it shows on request,
   * the rest are deleted ones; what is printed does not tell.
   */
  async livingOn(mailbox: Mailbox): Promise<Set<string>> {
    const { rows } = await this.#exchange.read({
      name: "Get-MailboxPermission",
      parameters: { Identity: mailbox.id, ResultSize: "Unlimited" },
      action: `reading which trustees of ${mailbox.primarySmtpAddress} are deleted`,
    });
    for (const row of rows) {
      requireOwn(row, mailbox);
    }
    return new Set(rows.map((row) => text(row.UserSid).toUpperCase()));
  }

  /** Grants Full Access; there already is success. */
  async grantFullAccess(
    mailbox: Mailbox,
    trustee: string,
    who: string,
    automapping: boolean,
    scope: Scope,
  ): Promise<void> {
    await this.#change(
      "Add-MailboxPermission",
      { User: trustee, AccessRights: ["FullAccess"], InheritanceType: "All", AutoMapping: automapping },
      `granting Full Access on ${mailbox.primarySmtpAddress} to ${who}`,
      mailbox,
      scope,
    );
  }

  /** Grants rights of the mailbox's own list beside Full Access; there already is success. */
  async grantOtherRights(
    mailbox: Mailbox,
    trustee: string,
    rights: string[],
    who: string,
    scope: Scope,
  ): Promise<void> {
    await this.#change(
      "Add-MailboxPermission",
      { User: trustee, AccessRights: rights, InheritanceType: "All" },
      `granting ${rights.join(", ")} on ${mailbox.primarySmtpAddress} to ${who}`,
      mailbox,
      scope,
    );
  }

  /** Grants Send As; there already is success. */
  async grantSendAs(mailbox: Mailbox, trustee: string, who: string, scope: Scope): Promise<void> {
    await this.#change(
      "Add-RecipientPermission",
      { Trustee: trustee, AccessRights: ["SendAs"] },
      `granting Send As on ${mailbox.primarySmtpAddress} to ${who}`,
      mailbox,
      scope,
    );
  }

  /**
   * Takes rights of one list away, and succeeds where they are not there.
   *
   * @param rights of the mailbox's own list, by Exchange's names. That of Send As has no other.
   * @returns whether Exchange said that there is no entry.
   */
  async revoke(
    list: Entry["list"],
    mailbox: Mailbox,
    trustee: string,
    rights: string[],
    who: string,
    scope: Scope,
  ): Promise<boolean> {
    const words = (names: string[]) =>
      `taking ${names.map(rightInWords).join(", ")} on ${mailbox.primarySmtpAddress} from ${who}`;
    return list === "access"
      ? this.#change("Remove-MailboxPermission", { User: trustee, AccessRights: rights }, words(rights), mailbox, scope)
      : this.#change(
          "Remove-RecipientPermission",
          // The check of the mailbox's domains would keep access alive on a mailbox whose domain was removed from the tenant.
          { Trustee: trustee, AccessRights: ["SendAs"], SkipDomainValidationForSharedMailbox: true },
          words(["SendAs"]),
          mailbox,
          scope,
        );
  }

  /** Adds and removes trustees of Send on Behalf; the others are left alone. */
  async changeSendOnBehalf(mailbox: Mailbox, add: string[], remove: string[], scope: Scope): Promise<void> {
    await this.#exchange.write(
      {
        name: "Set-Mailbox",
        parameters: { Identity: mailbox.id, GrantSendOnBehalfTo: addAndRemove(add, remove) },
        action: `changing who may send on behalf of ${mailbox.primarySmtpAddress}`,
        isRepeatable: "permissions",
      },
      mailbox.id,
      scope,
    );
  }

  /**
   * Writes the whole list of Send on Behalf: the way to take it from somebody deleted, who is in the list, is not shown, and cannot be
   * named in a removal.
   *
   * @param delegates everybody who shows in it now.
   */
  async writeSendOnBehalf(mailbox: Mailbox, delegates: string[], who: string, scope: Scope): Promise<void> {
    await this.#exchange.write(
      {
        name: "Set-Mailbox",
        parameters: { Identity: mailbox.id, GrantSendOnBehalfTo: delegates.length === 0 ? null : delegates },
        action: `taking Send on Behalf of ${mailbox.primarySmtpAddress} from ${who}`,
      },
      mailbox.id,
      scope,
    );
  }

  /** @returns whether Exchange said of an entry to be removed that there is none. */
  async #change(name: string, parameters: Row, action: string, mailbox: Mailbox, scope: Scope): Promise<boolean> {
    const isRemoval = name.startsWith("Remove-");
    try {
      const { warnings, nothingToDo } = await this.#exchange.write(
        {
          name,
          parameters: { Identity: mailbox.id, ...parameters, Confirm: false },
          action,
          isRepeatable: "permissions",
        },
        mailbox.id,
        scope,
      );
      // An entry that Exchange shows and calls absent stays (TechNet wiki 31321): who waits for it to go should know why.
      const isAbsent = isRemoval && nothingToDo !== undefined;
      tellWarnings(action, isAbsent ? [...warnings, nothingToDo] : warnings, scope);
      return isAbsent;
    } catch (error) {
      // Documented as an error for a missing entry, observed as a warning; both mean that it is gone.
      const isGone = isServiceError(error) && classifyWarning(error.words) === "alreadyRevoked";
      if (!(isRemoval && (isGone || isClass(error, "notFound")))) {
        throw error;
      }
      return true;
    }
  }
}

/** Reads who has access to a mailbox. */
function accessTo(id: string, who: string): Cmdlet {
  return {
    name: "Get-MailboxPermission",
    parameters: {
      Identity: id,
      ResultSize: "Unlimited",
      // Entries of deleted people and of nobody are shown on request only (Microsoft's page on Get-MailboxPermission).
      IncludeSoftDeletedUserPermissions: true,
      IncludeUnresolvedPermissions: true,
    },
    action: `reading who has access to ${who}`,
  };
}

function collect(
  permissions: Permissions,
  rows: Row[],
  trusteeName: string,
  sidName: string,
  list: "access" | "sendAs",
): void {
  for (const row of rows) {
    const trustee = text(row[trusteeName]);
    const sid = text(row[sidName]).toUpperCase() || undefined;
    if (sid === SELF || /^NT AUTHORITY\\SELF$/i.test(trustee) || trustee === "NULL SID") {
      continue;
    }
    // Several rights come joined in one element: ["FullAccess, ReadPermission"].
    const rights = texts(row.AccessRights).flatMap((joined) => joined.split(",").map((one) => one.trim()));
    const denies = row.Deny === true || text(row.AccessControlType) === "Deny";
    if (row.IsInherited !== true && denies) {
      permissions.denials.push({ sid, rights });
      permissions.others.push(`${trustee} (denied: ${rights.join(", ")})`);
    } else if (row.IsInherited === true || rights.length === 0) {
      permissions.others.push(trustee);
    } else {
      permissions.entries.push({ list, trustee, sid, rights });
    }
  }
}

/** A non-existent identity is answered with the rows of all mailboxes (Microsoft's caution on the Get cmdlets). */
function requireOwn(row: Row, mailbox: Mailbox): void {
  const identity = text(row.Identity);
  const own = [mailbox.id, mailbox.guid, mailbox.name, mailbox.displayName, mailbox.alias, mailbox.primarySmtpAddress];
  if (!own.some((name) => sameText(name, identity) || identity.toLowerCase().endsWith(`/${name.toLowerCase()}`))) {
    throw new ProviderError({
      action: `reading the permissions on ${mailbox.primarySmtpAddress}`,
      words: `Exchange answered with a permission on another object (${identity})`,
      nextStep: "Nothing was changed. Run the command again.",
    });
  }
}
