import * as pulumi from "@pulumi/pulumi";
import {
  answered,
  isOfType,
  noteId,
  type Outputs,
  type ResourceClass,
  registration,
  registrationToRead,
  typeToken,
  withoutPromiseTraces,
} from "../../resources/dynamic-resource";

/** Forwarding of everything that arrives in a mailbox (`ForwardingAddress`, `ForwardingSmtpAddress`, `DeliverToMailboxAndForward`). */
export interface Forwarding {
  /**
   * Where to. In one of the tenant's authoritative accepted domains it must be a recipient of the tenant. One that is
   * being created is waited for. It is stored by id, so that a renamed recipient is not drift. Elsewhere it is an outside address.
   * Automatic forwarding to the outside is blocked by default in Exchange Online (non-delivery report 5.7.520). A target from which
   * mail comes back here, by forwarding or by the sources of a ForwardingMailbox, is refused.
   */
  to: pulumi.Input<string>;
  /** Whether the mailbox keeps a copy. Default true. False with an outside target loses what that target refuses: see `allowLoss`. */
  keepCopy?: pulumi.Input<boolean | undefined>;
  /** Must be true to forward to an outside address without keeping a copy. Default false. */
  allowLoss?: pulumi.Input<boolean | undefined>;
}

/** What happens to a mailbox whose resource is deleted. */
export type DeletionMode = "soft" | "retain" | "purge";

/** {@link DeletionMode} with what must be said on purpose. */
export interface Deletion {
  /** What deletion does. */
  mode: pulumi.Input<DeletionMode>;
  /** Whether a mailbox under a hold may become an inactive one. Default false. */
  allowInactive?: pulumi.Input<boolean | undefined>;
}

/**
 * Replies that a mailbox gives by itself (Graph's `automaticRepliesSetting`). Members that are left out are not managed. Replies
 * that nobody will get produce a warning: no text, a text for people outside with the audience `"none"`, or mail that is forwarded
 * without a copy.
 */
export interface AutomaticReplies {
  /** Whether it replies: not at all, until this is changed, or between `start` and `end`. */
  status: pulumi.Input<"disabled" | "alwaysEnabled" | "scheduled">;
  /**
   * What people of the organisation are told: text or html. The document that Exchange puts around it does not count. While the
   * status is `"disabled"` it is not compared. Removal puts back "".
   */
  internalMessage?: pulumi.Input<string | undefined>;
  /** What the others are told, in the form of `internalMessage`. */
  externalMessage?: pulumi.Input<string | undefined>;
  /** Which of the others are told anything. `"contactsOnly"` are those in the mailbox's contacts. Removal puts back `"all"`. */
  externalAudience?: pulumi.Input<"none" | "contactsOnly" | "all" | undefined>;
  /**
   * From when on, ISO 8601 with `Z` or an offset, to the second: `2026-12-24T12:00:00+01:00`. Goes with `"scheduled"` only, and is
   * required there. Kept in UTC.
   */
  start?: pulumi.Input<string | undefined>;
  /**
   * Until when, in the form of `start`, and after it. A time that is over is refused when the replies are new or changed, because Exchange takes
   * no such schedule. A schedule that ends later is left as it is: it sends nothing any more, and no difference is reported.
   */
  end?: pulumi.Input<string | undefined>;
}

/** Language, time zone and formats of a mailbox. Members that are left out are not managed. */
export interface RegionalSettings {
  /**
   * Culture code of language and country, such as `da-DK`, compared without case. A language alone (`da`) is refused. A change
   * also puts formats that are not declared back to the new language's default, because Exchange refuses it otherwise. It cannot
   * be un-set: removal keeps it, with a warning.
   */
  language?: pulumi.Input<string | undefined>;
  /**
   * Time zone by its Windows name (`Romance Standard Time`) or an IANA name (`Europe/Copenhagen`), compared by what they mean and
   * kept by the Windows name. The zone is the one whose clocks show the same today (Unicode CLDR). It cannot be un-set: removal
   * keeps it, with a warning.
   */
  timeZone?: pulumi.Input<string | undefined>;
  /**
   * How dates are written, e.g. `dd-MM-yyyy`, in a form that Windows has for the language. A text that cannot be such a form is
   * refused before anything is sent. For `en-GB` and `en-US` that is whatever is not in their lists, and for every language a
   * letter that means something else (`mm` are minutes). The lists of other languages are not published: an unusual order produces
   * a warning, and Exchange decides. Removal puts back the language's default.
   */
  dateFormat?: pulumi.Input<string | undefined>;
  /** How times are written, e.g. `HH:mm`, in a form that Windows has for the language. */
  timeFormat?: pulumi.Input<string | undefined>;
  /**
   * Give the default folders (Inbox, Sent Items …) their names in the language, once and after each change of it. Default false.
   * Names cannot be read back reliably and are not drift. False and removal leave them as they are.
   */
  localizeFolders?: pulumi.Input<boolean | undefined>;
}

/** Protocols by which a mailbox can be opened. A member that is not declared is left alone. */
export interface Protocols {
  /** Outlook on the web. */
  owa?: pulumi.Input<boolean | undefined>;
  /** Outlook for Windows (MAPI). */
  mapi?: pulumi.Input<boolean | undefined>;
  /** Exchange ActiveSync: mail programs of phones. */
  activeSync?: pulumi.Input<boolean | undefined>;
  /** Exchange Web Services. */
  ews?: pulumi.Input<boolean | undefined>;
  /** POP3. */
  pop?: pulumi.Input<boolean | undefined>;
  /** IMAP4. */
  imap?: pulumi.Input<boolean | undefined>;
  /** Sending by SMTP with the account's password. */
  smtpAuth?: pulumi.Input<boolean | undefined>;
}

/** Copies of what members send from the mailbox, in its own Sent Items. A member that is left out is not managed. */
export interface CopySentItems {
  /** Of mail sent as the mailbox. Removal puts back false. */
  sentAs?: pulumi.Input<boolean | undefined>;
  /** Of mail sent on behalf of the mailbox. Removal puts back false. */
  sentOnBehalf?: pulumi.Input<boolean | undefined>;
}

/**
 * A size limit: text with a unit (`"49.5 GB"`, `"50GB"`, `"512 MB"`, `"53,150,220,288 bytes"`) or a number of bytes. A text without
 * a unit and a size below 1 MB are refused. A kilobyte is 1,024 bytes, as in Exchange. Sizes are rounded up to whole kilobytes.
 */
export type Size = string | number;

/** The three quotas of a mailbox. Exchange takes them together, so all three are declared. */
export interface Quota {
  /** From when on people are warned. At most `prohibitSendReceive`. */
  issueWarning: pulumi.Input<Size>;
  /** From when on nothing can be sent. At most `prohibitSendReceive`, never below the present size. */
  prohibitSend: pulumi.Input<Size>;
  /** From when on nothing can be sent or received. At most 100 GB, above 50 GB only with a licence. Never below the present size. */
  prohibitSendReceive: pulumi.Input<Size>;
}

/** Number of a custom attribute. */
export type CustomAttributeNumber = 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10 | 11 | 12 | 13 | 14 | 15;

/** A litigation hold that ends. */
export interface LitigationHold {
  /** How long each item is kept, in days since it was received or created. A whole number from 1. */
  days: pulumi.Input<number>;
}

/** A licence of the tenant for the account behind the mailbox. */
export interface License {
  /** Part number (`EXCHANGEENTERPRISE`) or id of the licence. The two spellings of a well-known one are the same. */
  sku: pulumi.Input<string>;
  /**
   * Where the licence is used: two letters (ISO 3166), e.g. `SE`. Set before the licence is assigned, and only where the account
   * has none, as every new one. Never overwritten, compared or taken back.
   */
  usageLocation?: pulumi.Input<string | undefined>;
  /** Service plans of the licence that are off, by name or id. Default: they are left alone, and all are on in a new assignment. */
  disabledPlans?: pulumi.Input<readonly pulumi.Input<string>[] | undefined>;
}

/** What a {@link SharedMailbox} is declared with. */
export interface SharedMailboxArgs {
  /** The name people see, 1 to 256 characters. Changed in place. */
  displayName: pulumi.Input<string>;
  /**
   * The primary SMTP address, in an accepted domain of the tenant. Compared without case. Changed in place: the old address
   * stays as an alias unless `emailAliases` is declared. The sign-in name follows only where it equalled the old address. An address
   * that another SharedMailbox of the program gives up moves in the same deployment. Two may swap theirs.
   */
  primarySmtpAddress: pulumi.Input<string>;
  /**
   * The Exchange alias (mail nickname): at most 64 characters, letters, digits and ``!#$%&'*+-/=?^_`{|}~``, dots inside.
   * Unique in the tenant. Default, chosen once when the mailbox is created: the local part, where nobody in the tenant has it as
   * alias, or as address or sign-in name in the default or the initial domain. Otherwise, as for the second of two `info@` in two
   * domains, the local part and the domain's first label (`info-fabrikam`), then a number behind it. A warning says who has it. The
   * sign-in name of a new mailbox is the alias in the default domain. Changed in place. Removing it keeps the value.
   */
  alias?: pulumi.Input<string | undefined>;
  /**
   * Further SMTP addresses, compared as a set without case. Undeclared, they are left alone. Declared, they are exact from
   * the second deployment on: addresses found at adoption are named by the next refreshed preview before they go. System
   * addresses (SIP, SPO, X500, EUM, the sign-in name, `alias@` the default domain, the initial domain's) are not listed, and removed only
   * if they were declared. The sign-in name and `alias@` the initial domain stay even then, with a warning. They move between the
   * mailboxes of a program as primary addresses do.
   */
  emailAliases?: pulumi.Input<readonly pulumi.Input<string>[] | undefined>;
  /**
   * Whether the account behind the mailbox is refused sign-in. Default true, and managed even when not declared: nobody signs
   * in to a shared mailbox, people reach it with their own account. Blocking also revokes the sessions that are open.
   */
  signInBlocked?: pulumi.Input<boolean | undefined>;
  /** Whether address lists leave the mailbox out. Default false. Changed in place. Removal puts back false. */
  hiddenFromAddressLists?: pulumi.Input<boolean | undefined>;
  /**
   * Whether only signed-in senders of the tenant may write to the mailbox, so that mail from outside is refused. Exchange's default is
   * that everybody may. Changed in place. Removal puts back false.
   *
   * @see https://learn.microsoft.com/powershell/module/exchangepowershell/set-mailbox
   */
  requireSenderAuthentication?: pulumi.Input<boolean | undefined>;
  /**
   * By which protocols the mailbox can be opened: nobody signs in to a shared mailbox by any of them, and an account whose sign-in
   * somebody allows is open to all. Managed one by one. Exchange's default is that each is open, and for `smtpAuth` what the
   * organisation says. Removal puts that back. Before you close `owa`, `mapi` or `ews`, try with a mailbox of your own whether its
   * members still work in it: Microsoft documents these settings for the mailbox's own user only.
   *
   * @see https://learn.microsoft.com/powershell/module/exchangepowershell/set-casmailbox
   */
  protocols?: pulumi.Input<Protocols | undefined>;
  /**
   * The people, groups and mailboxes from whom alone the mailbox takes messages, by address, sign-in name or object id. A group stands for
   * its members. `[]` declares that it takes messages from everybody: a restriction that somebody sets is drift. Changed in place.
   * Removal ends the restriction.
   */
  acceptMessagesOnlyFrom?: pulumi.Input<readonly pulumi.Input<string>[] | undefined>;
  /** The people, groups and mailboxes from whom the mailbox takes no messages. Otherwise as `acceptMessagesOnlyFrom`. */
  rejectMessagesFrom?: pulumi.Input<readonly pulumi.Input<string>[] | undefined>;
  /** Forwarding of all mail. `false` declares that there is none: one that somebody sets is drift. Removal stops it. */
  forwarding?: pulumi.Input<Forwarding | false | undefined>;
  /**
   * Automatic replies. Changed in place. Removal disables them and clears the texts that were declared.
   *
   * @see https://learn.microsoft.com/graph/api/resources/automaticrepliessetting
   */
  automaticReplies?: pulumi.Input<AutomaticReplies | undefined>;
  /**
   * Language, time zone and formats. Changed in place. Language and time zone stay when they are removed.
   *
   * @see https://learn.microsoft.com/powershell/module/exchangepowershell/set-mailboxregionalconfiguration
   */
  regional?: pulumi.Input<RegionalSettings | undefined>;
  /**
   * What people see while they write to the mailbox: plain text of at most 175 characters, shown as it is written, `&` and
   * `<two>` too. HTML is refused. The document that Exchange puts around it does not count. Translations are left alone. `false`
   * declares that there is none. Removal, or null, clears it.
   */
  mailTip?: pulumi.Input<string | false | undefined>;
  /**
   * Custom attributes by number, 1 to 15: text of 1 to 1,024 characters, or `false` for one that is not set. Managed one by one: a
   * number that is not declared is left alone, one that is removed is cleared.
   */
  customAttributes?: pulumi.Input<
    Partial<Record<CustomAttributeNumber, pulumi.Input<string | false | undefined>>> | undefined
  >;
  /** Whether the mailbox keeps copies of what members send from it. Exchange's default is not to. Removal puts that back. */
  copySentItems?: pulumi.Input<CopySentItems | undefined>;
  /**
   * How large the mailbox may become. Default: 49, 49.5 and 50 GB, with Exchange Online Plan 2 98, 99 and 100 GB. Above 50 GB it
   * needs a `license`. Exchange has no "unset": removal puts back what was there when this resource began to manage it
   * (`valuesBefore`), otherwise the default.
   */
  quota?: pulumi.Input<Quota | undefined>;
  /** The largest message that can be sent, at most 150 MB. Default 35 MB. Removal as for `quota`, otherwise the mailbox plan's value. */
  maxSendSize?: pulumi.Input<Size | undefined>;
  /** The largest message that can be received, at most 150 MB. Default 36 MB. Removal as for `maxSendSize`. */
  maxReceiveSize?: pulumi.Input<Size | undefined>;
  /**
   * Litigation hold: `true` keeps everything without an end, `{ days }` each item for so long. Needs a `license` with Exchange Online
   * Plan 2 (or Plan 1 with Exchange Online Archiving) and, for the deploying application, the management role Legal Hold. Removal or
   * null keeps it, with a warning. Only `false` lifts it, and Exchange keeps the content for 30 days more then. A longer hold that
   * somebody else set, or that an adoption finds, stays until a refresh has shown it.
   */
  litigationHold?: pulumi.Input<boolean | LitigationHold | undefined>;
  /**
   * Whether the mailbox has an archive. Needs a `license` as `litigationHold` does. Removal or null keeps it, with a warning. Only
   * `false` disables it, never under a hold. Its content can be connected again for 30 days. One that somebody else enabled, or that
   * an adoption finds, stays until a refresh has shown it.
   */
  archive?: pulumi.Input<boolean | undefined>;
  /**
   * The licence of the account behind the mailbox. None is needed up to 50 GB. A larger quota, `archive` and `litigationHold` without
   * a sufficient one are refused, in preview for well-known licences, otherwise before the first write. `"external"`: assigned
   * elsewhere, e.g. by a group. The account's licences are then checked before the first write that needs one. A change of `sku`
   * assigns the new licence and takes the old one away in one step. Removal or null keeps the licence, with a warning. `false` declares
   * that the account has no licence with Exchange: one that somebody assigns is drift, and goes once a preview has shown it. Nothing
   * is taken away that size, archive or a hold needs, nor what a group assigned.
   */
  license?: pulumi.Input<License | "external" | false | undefined>;
  /**
   * What the mailbox is, which need not be written. A mailbox that somebody turned into another type shows it here after a
   * refresh, e.g. `"UserMailbox"`. The next deployment converts it back. Its sign-in is blocked first, unless `signInBlocked` is
   * false. A licence stays assigned. Above 50 GB the mailbox needs a sufficient one.
   */
  type?: pulumi.Input<"SharedMailbox" | undefined>;
  /**
   * Take over the shared mailbox that already has the address, instead of refusing. Adoption sets what is declared, tells what it
   * overwrites and takes nothing away. Whoever has access keeps it. `pulumi up` names them in a warning, with undeclared forwarding
   * and the inbox rules that forward. A preview cannot show them. `mailboxes access` does. Default false. An account that can sign
   * in is adopted only if `signInBlocked` is written in the program. `"convert"` also takes a person's mailbox: its sign-in is
   * blocked and its type becomes shared. The account must have a licence, which stays, and no administrator's role. Read only when
   * the mailbox is created.
   */
  adopt?: pulumi.Input<boolean | "convert" | undefined>;
  /**
   * What deletion does: `"soft"` deletes the mailbox, which stays recoverable for 30 days (see `restoreDeleted`). `"retain"` leaves it in the tenant.
   * `"purge"` deletes mailbox and account for good, in the order Exchange needs. Default: `"soft"` for a mailbox this resource
   * created, `"retain"` for one it adopted or restored or that was imported. Holds are read first: a held mailbox would become
   * an inactive one and not come back, so its deletion is refused unless `{ mode: "soft", allowInactive: true }` says so.
   */
  deletion?: pulumi.Input<DeletionMode | Deletion | undefined>;
  /**
   * What a creation does about a deleted mailbox that had the address as its primary one. Undeclared: it is refused, and the error
   * says what is in that mailbox. `true` brings it back with its content. The access that people had to it, and forwarding that is
   * not declared, are taken away, because no preview showed them. Where none is found, a new mailbox is made. Where there are
   * several, the error lists them, and an Exchange guid picks one. `false`: a new, empty one is meant, also for a stack that is
   * destroyed and made again every day. Read only when the mailbox is created. A later change produces a warning.
   */
  restoreDeleted?: pulumi.Input<boolean | string | undefined>;
}

/**
 * A shared mailbox of Exchange Online: a mailbox on an account nobody signs in to, read and answered by its members (see
 * {@link MailboxMembership}). Needs no licence up to 50 GB. No property replaces: every change is made in place.
 *
 * Created through the Exchange admin API (`New-Mailbox -Shared`), because Microsoft Graph cannot create one. The account's
 * sign-in is blocked through Graph.
 *
 * @see https://learn.microsoft.com/microsoft-365/admin/email/about-shared-mailboxes
 *
 * @example
 * const support = new SharedMailbox("support", { displayName: "Contoso Support", primarySmtpAddress: "support@contoso.com" });
 *
 * @example
 * // Further addresses, copies of what members send, and mail that goes on to a person as well.
 * new SharedMailbox("sales", {
 *   displayName: "Contoso Sales",
 *   primarySmtpAddress: "sales@contoso.com",
 *   emailAliases: ["orders@contoso.com", "offers@contoso.com"],
 *   copySentItems: { sentAs: true, sentOnBehalf: true },
 *   forwarding: { to: "ada@contoso.com", keepCopy: true },
 * });
 *
 * @example
 * // The mailbox that is there already, which nobody deletes by mistake. No forwarding: one that is there shows and goes.
 * new SharedMailbox(
 *   "info",
 *   { displayName: "Contoso Info", primarySmtpAddress: "info@contoso.com", adopt: true, forwarding: false },
 *   { protect: true },
 * );
 *
 * @permissions checking domains, and holds of the whole organisation | members, every change of a mailbox, and reading Send As |
 * creating and deleting mailboxes | reading the accounts of mailboxes and of people | blocking the account behind a mailbox |
 * revoking the sessions of an account that is blocked | restoring and purging mailboxes | licences |
 * automatic replies, regional settings, and inbox rules in sources | litigation hold | the usage location of a licence
 *
 * @imported By [`mailboxes import-file`](../import.md#a-whole-tenant), or [by hand](../import.md#by-hand) with the Entra object id of the mailbox.
 */
export class SharedMailbox extends pulumi.CustomResource {
  /** The type token. Policies (`validateResourceOfType`) know the class by it. */
  static readonly __pulumiType: string = typeToken("SharedMailbox");

  /** Whether an object is a SharedMailbox, made by this copy of the package or another. */
  static override isInstance(obj: unknown): obj is SharedMailbox {
    return isOfType(obj, SharedMailbox.__pulumiType);
  }

  /**
   * Reads a shared mailbox that this program does not manage, such as another team's. It is read at each preview and deployment, and
   * never changed. Every property is filled, declared or not. `created` is false. A mailbox that this stack declared until now goes when
   * its declaration does, unless `get` has the same name or the declaration was deployed with `retainOnDelete: true` before.
   *
   * @param name logical name in the stack.
   * @param idOrAddress its Entra object id, any of its addresses or its sign-in name. `id` is the object id, whatever was asked for.
   * @param options Pulumi's resource options.
   * @returns the mailbox. Where there is none, several or something else, the deployment fails and says what is there.
   *
   * @example
   * const desk = SharedMailbox.get("desk", "desk@contoso.com");
   * new MailboxMembership("desk-auditors", { mailbox: desk.id, members: ["ada@contoso.com"] });
   */
  static get(name: string, idOrAddress: pulumi.Input<string>, options?: pulumi.CustomResourceOptions): SharedMailbox {
    return answered(
      Reflect.construct(pulumi.CustomResource, registrationToRead(resource, name, idOrAddress, options), SharedMailbox),
    );
  }

  /** The name people see. */
  declare readonly displayName: pulumi.Output<string>;
  /** The primary SMTP address in canonical form: lower case. */
  declare readonly primarySmtpAddress: pulumi.Output<string>;
  /** The declared alias. `mailNickname` is the one the mailbox has. */
  declare readonly alias: pulumi.Output<string | undefined>;
  /** The declared further addresses in canonical form. `addresses` are all the mailbox has. */
  declare readonly emailAliases: pulumi.Output<string[] | undefined>;
  /** Whether sign-in is blocked. */
  declare readonly signInBlocked: pulumi.Output<boolean>;
  /** The declared value. */
  declare readonly hiddenFromAddressLists: pulumi.Output<boolean | undefined>;
  /** The declared value. */
  declare readonly requireSenderAuthentication: pulumi.Output<boolean | undefined>;
  /** The declared protocols. */
  declare readonly protocols: pulumi.Output<pulumi.UnwrappedObject<Protocols> | undefined>;
  /** The declared senders in canonical form: lower case, sorted. */
  declare readonly acceptMessagesOnlyFrom: pulumi.Output<string[] | undefined>;
  /** The declared senders in canonical form: lower case, sorted. */
  declare readonly rejectMessagesFrom: pulumi.Output<string[] | undefined>;
  /** The declared forwarding. */
  declare readonly forwarding: pulumi.Output<pulumi.UnwrappedObject<Forwarding> | false | undefined>;
  /** The declared automatic replies in canonical form: times in UTC. */
  declare readonly automaticReplies: pulumi.Output<pulumi.UnwrappedObject<AutomaticReplies> | undefined>;
  /** The declared regional settings in canonical form: the time zone by its Windows name. */
  declare readonly regional: pulumi.Output<pulumi.UnwrappedObject<RegionalSettings> | undefined>;
  /** The declared MailTip in canonical form: white space as one blank. */
  declare readonly mailTip: pulumi.Output<string | false | undefined>;
  /** The declared custom attributes. */
  declare readonly customAttributes: pulumi.Output<Partial<Record<CustomAttributeNumber, string | false>> | undefined>;
  /** The declared values. */
  declare readonly copySentItems: pulumi.Output<pulumi.UnwrappedObject<CopySentItems> | undefined>;
  /** The declared quotas in canonical form: `49.5 GB`. */
  declare readonly quota: pulumi.Output<Record<keyof Quota, string> | undefined>;
  /** The declared size in canonical form: `35 MB`. */
  declare readonly maxSendSize: pulumi.Output<string | undefined>;
  /** The declared size in canonical form: `36 MB`. */
  declare readonly maxReceiveSize: pulumi.Output<string | undefined>;
  /** The declared hold. `holds` are all there are. */
  declare readonly litigationHold: pulumi.Output<boolean | pulumi.UnwrappedObject<LitigationHold> | undefined>;
  /** The declared value. */
  declare readonly archive: pulumi.Output<boolean | undefined>;
  /** The declared licence in canonical form: well-known ones by part number. */
  declare readonly license: pulumi.Output<pulumi.UnwrappedObject<License> | "external" | false | undefined>;
  /**
   * True when this resource made the mailbox, rather than adopting, restoring or importing it. Decides the default of `deletion`.
   */
  declare readonly created: pulumi.Output<boolean | undefined>;
  /** The language the default folders were last named in by `regional.localizeFolders`. "" where the mailbox had none. */
  declare readonly foldersLanguage: pulumi.Output<string | undefined>;
  /** The account's sign-in name: at creation the alias in the tenant's default domain, there usually the primary address. */
  declare readonly userPrincipalName: pulumi.Output<string>;
  /** The alias the mailbox has. */
  declare readonly mailNickname: pulumi.Output<string>;
  /** The mailbox's own GUID in Exchange (`ExchangeGuid`), which stays valid while it is soft-deleted. */
  declare readonly exchangeGuid: pulumi.Output<string>;
  /** All addresses as Exchange lists them, `SMTP:` the primary one, sorted. */
  declare readonly addresses: pulumi.Output<string[]>;
  /** `SharedMailbox`, or what somebody made of it. */
  declare readonly recipientTypeDetails: pulumi.Output<string>;
  /** Whether the account may sign in. */
  declare readonly accountEnabled: pulumi.Output<boolean>;
  /** When the mailbox was created, ISO 8601. */
  declare readonly createdAt: pulumi.Output<string>;
  /** What keeps the mailbox from being deleted, in words: litigation, in-place and delay holds, retention labels. */
  declare readonly holds: pulumi.Output<string[]>;
  /** What the mailbox held when a deployment last created or changed it, in bytes. A refresh leaves it, because every message changes it. */
  declare readonly size: pulumi.Output<number>;
  /** Number of items in the mailbox, as of the same moment as `size`. */
  declare readonly itemCount: pulumi.Output<number>;
  /** What `quota`, `maxSendSize` and `maxReceiveSize` were when this resource began to manage them. Their removal puts it back. */
  declare readonly valuesBefore: pulumi.Output<
    { quota?: Record<keyof Quota, string>; maxSendSize?: string; maxReceiveSize?: string } | undefined
  >;
  /** Id of the licence that this resource itself assigned. */
  declare readonly assignedLicenseId: pulumi.Output<string | undefined>;
  /** Entra object id of the recipient mail is forwarded to, where it is one of the tenant. */
  declare readonly forwardingId: pulumi.Output<string | undefined>;
  /** The Entra tenant the mailbox is in. */
  declare readonly tenantId: pulumi.Output<string>;

  /**
   * Declares a shared mailbox. Its `id` is the Entra object id, the key other resources refer to it by.
   *
   * @param name logical name in the stack.
   * @param args what the mailbox should be.
   * @param options Pulumi's resource options. `deleteBeforeReplace` is always on.
   */
  constructor(name: string, args: SharedMailboxArgs, options?: pulumi.CustomResourceOptions) {
    const traceAgain = withoutPromiseTraces();
    try {
      super(...registration(resource, name, { ...args }, options));
    } finally {
      traceAgain();
    }
    noteId(this);
  }
}

const resource: ResourceClass = {
  kind: "SharedMailbox",
  askedBy: "id or address",
  takenOver: "Run `npx mailboxes import-file`, then `pulumi import --file`: they bring what exists into the stack.",
  outputs: {
    displayName: true,
    primarySmtpAddress: true,
    alias: true,
    emailAliases: true,
    signInBlocked: true,
    hiddenFromAddressLists: true,
    requireSenderAuthentication: true,
    protocols: true,
    acceptMessagesOnlyFrom: true,
    rejectMessagesFrom: true,
    forwarding: true,
    automaticReplies: true,
    regional: true,
    foldersLanguage: true,
    mailTip: true,
    customAttributes: true,
    copySentItems: true,
    quota: true,
    maxSendSize: true,
    maxReceiveSize: true,
    litigationHold: true,
    archive: true,
    license: true,
    created: true,
    userPrincipalName: true,
    mailNickname: true,
    exchangeGuid: true,
    addresses: true,
    recipientTypeDetails: true,
    accountEnabled: true,
    createdAt: true,
    holds: true,
    size: true,
    itemCount: true,
    valuesBefore: true,
    assignedLicenseId: true,
    forwardingId: true,
    tenantId: true,
  } satisfies Outputs<SharedMailbox>,
};
