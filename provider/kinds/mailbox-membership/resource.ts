import * as pulumi from "@pulumi/pulumi";
import {
  answered,
  isOfType,
  keyedInput,
  type Outputs,
  type ResourceClass,
  registration,
  registrationToRead,
  typeToken,
  withoutPromiseTraces,
} from "../../resources/dynamic-resource";

/** What a member may do. The three rights are exact for a declared member, who loses every explicit right when taken out. */
export interface MemberRights {
  /** Full Access (`MailboxPermission`): open the mailbox and act in it, private items included. Default true. */
  fullAccess?: pulumi.Input<boolean | undefined>;
  /** Send As (`RecipientPermission`): send with the mailbox as the sender. Default true. */
  sendAs?: pulumi.Input<boolean | undefined>;
  /** Send on Behalf (`GrantSendOnBehalfTo`): send "on behalf of" the mailbox. Default false. */
  sendOnBehalf?: pulumi.Input<boolean | undefined>;
  /**
   * Whether Outlook opens the mailbox by itself. Default true. It goes with Full Access only, and never to a group. Exchange cannot be
   * asked for it, so it is known from the state alone. A change takes the grant away and gives it again, one member at a time.
   */
  automapping?: pulumi.Input<boolean | undefined>;
  /**
   * Rights of the mailbox's own permission list beside Full Access (`AccessRights` of `Add-MailboxPermission`). Not managed unless
   * declared. Declared they are exact, and `[]` is none. Not declared, they are drift of an exclusive membership and a warning in others.
   */
  otherRights?: pulumi.Input<readonly pulumi.Input<OtherRight>[] | undefined>;
  /**
   * The day on which access ends, as year, month and day: `"2027-01-31"` is the first day without access. Days begin at midnight UTC. From
   * then on the member counts as not declared: the next preview shows the removal, and the next deployment takes every explicit right
   * away. Nothing ends by itself between deployments. In the 14 days before, each preview warns. Where another resource declares the member
   * too, access stays until that declaration ends. Default: no end.
   */
  until?: pulumi.Input<string | undefined>;
}

/** A right of the mailbox's own permission list beside Full Access, by Exchange's name. */
export type OtherRight = "ChangeOwner" | "ChangePermission" | "DeleteItem" | "ExternalAccount" | "ReadPermission";

/** {@link MemberRights} as they stand in the state: with the defaults filled in. */
export interface DeclaredRights {
  /** Whether the member has Full Access. */
  fullAccess: boolean;
  /** Whether the member has Send As. */
  sendAs: boolean;
  /** Whether the member has Send on Behalf. */
  sendOnBehalf: boolean;
  /** Whether Outlook opens the mailbox by itself. */
  automapping: boolean;
  /** The declared rights beside Full Access, where they are managed. */
  otherRights?: OtherRight[] | undefined;
  /** The first day without access, where access ends. */
  until?: string | undefined;
}

/** What a {@link MailboxMembership} is declared with. */
export interface MailboxMembershipArgs {
  /**
   * The mailbox: a `SharedMailbox`'s `id` (best), or any address, sign-in name or object id. Another spelling of the same
   * mailbox is no change. Another mailbox replaces. Where an address goes to another mailbox, a refresh shows it before anybody gets
   * access there.
   */
  mailbox: pulumi.Input<string>;
  /**
   * People and mail-enabled security groups, by address, sign-in name or object id: a list, where everyone gets Full Access
   * and Send As as the admin centre gives them, or a map from member to {@link MemberRights}. Kept in state as the map, keys
   * in lower case, so that a diff names people. At most 500 entries fit on a mailbox. Microsoft supports 25 people at once.
   */
  members: pulumi.Input<readonly pulumi.Input<string>[] | Record<string, pulumi.Input<MemberRights>>>;
  /**
   * Whether nobody else may have access. Default false: other people's access is left alone. True: `pulumi refresh` brings
   * strangers in as members, the next preview names their removal, and `pulumi up` removes them. Nothing that no preview showed is
   * taken away, so the first deployment only warns. A stranger is whoever is allowed anything by an explicit entry. Entries that
   * are nobody's (SELF, inherited, denying, role groups, orphaned SIDs) are left and listed in `otherMembers`. A mailbox can have
   * one exclusive resource.
   */
  exclusive?: pulumi.Input<boolean | undefined>;
  /**
   * People and groups whose access an exclusive membership leaves alone: an address, sign-in name or object id each. Kept by object
   * id: a person who was renamed is still kept, and whoever got the old address is not. The entries of a deleted person or group
   * are kept too, as long as the account can be restored.
   */
  keep?: pulumi.Input<readonly pulumi.Input<string>[] | undefined>;
  /**
   * Must be true for an exclusive membership without members. Default false. Members whose access has ended (`until`) count as members
   * here.
   */
  allowEmpty?: pulumi.Input<boolean | undefined>;
  /**
   * What becomes of Full Access, Send As and other entries of users and groups that are deleted. They fill the list of 500 entries,
   * and those of a user work again once the account is restored (30 days). `"keep"` (default) leaves them, listed in
   * `otherMembers` as orphaned. `"remove"` takes them away, and a refresh that finds new ones shows `"keep"`. Entries of
   * members that this or another resource declares are not among them.
   */
  orphans?: pulumi.Input<"keep" | "remove" | undefined>;
}

/**
 * The members that this resource declares on one mailbox. Unless it is `exclusive`, other people's access is left alone and
 * listed in `otherMembers`.
 * Two resources may declare different members of one mailbox.
 *
 * Full Access and Send As go through the Exchange admin API, because Microsoft Graph has neither.
 *
 * @see https://learn.microsoft.com/exchange/recipients-in-exchange-online/manage-permissions-for-recipients
 *
 * @example
 * new MailboxMembership("support-members", { mailbox: support.id, members: ["ada@contoso.com", "grace@contoso.com"] });
 *
 * @example
 * new MailboxMembership("support-members", {
 *   mailbox: support.id,
 *   members: { "ada@contoso.com": {}, "support-team@contoso.com": { sendAs: false } },
 * });
 *
 * @example
 * // Nobody else: whoever got in by hand is named by a refresh, and goes with the next deployment. The service account is left alone.
 * new MailboxMembership("support-members", {
 *   mailbox: support.id,
 *   members: ["ada@contoso.com", "grace@contoso.com"],
 *   exclusive: true,
 *   keep: ["edsger@contoso.com"],
 * });
 *
 * @example
 * // Access that ends: from that day on the next preview shows the removal.
 * new MailboxMembership("auditors", {
 *   mailbox: support.id,
 *   members: { "radia@contoso.com": { sendAs: false, until: "2099-01-31" } },
 * });
 *
 * @permissions members, every change of a mailbox, and reading Send As | reading the accounts of mailboxes and of people
 *
 * @imported By [`mailboxes import-file`](../import.md#a-whole-tenant), or [by hand](../import.md#by-hand) with the Entra object id of the mailbox.
 */
export class MailboxMembership extends pulumi.CustomResource {
  /** The type token. Policies (`validateResourceOfType`) know the class by it. */
  static readonly __pulumiType: string = typeToken("MailboxMembership");

  /** Whether an object is a MailboxMembership, made by this copy of the package or another. */
  static override isInstance(obj: unknown): obj is MailboxMembership {
    return isOfType(obj, MailboxMembership.__pulumiType);
  }

  /**
   * Reads who has access to a mailbox, whoever manages it. It is read at each preview and deployment, and never changed. `members`
   * are all people and groups with an explicit entry. `exclusive` is false, and automapping, which cannot be read, is taken to be on.
   *
   * @param name logical name in the stack.
   * @param mailbox the mailbox: its Entra object id, any of its addresses or its sign-in name. `id` is the object id.
   * @param options Pulumi's resource options.
   * @returns the membership. Where there is no such mailbox, or several, the deployment fails and says what is there.
   *
   * @example
   * export const readers = MailboxMembership.get("desk-people", "desk@contoso.com").members;
   */
  static get(name: string, mailbox: pulumi.Input<string>, options?: pulumi.CustomResourceOptions): MailboxMembership {
    return answered(
      Reflect.construct(pulumi.CustomResource, registrationToRead(resource, name, mailbox, options), MailboxMembership),
    );
  }

  /** The mailbox as it was declared. */
  declare readonly mailbox: pulumi.Output<string>;
  /** The members in canonical form: a map, keys in lower case, with every right. */
  declare readonly members: pulumi.Output<Record<string, DeclaredRights>>;
  /** Whether nobody else may have access. */
  declare readonly exclusive: pulumi.Output<boolean | undefined>;
  /** Entra object id of the mailbox. */
  declare readonly mailboxId: pulumi.Output<string>;
  /** The mailbox's SMTP addresses, the primary one first. */
  declare readonly mailboxAddresses: pulumi.Output<string[]>;
  /** Entra object id of each member, by its key in `members`. */
  declare readonly memberIds: pulumi.Output<Record<string, string>>;
  /**
   * SIDs by which Exchange's lists know each member, by its key in `members`: the present one first, then those of its history. Not
   * there where Exchange does not tell them.
   */
  declare readonly memberSids: pulumi.Output<Record<string, string[]> | undefined>;
  /**
   * Members, declared now or before, whose account is deleted and whose access may come back with it: object id by key. Not
   * there while there are none.
   */
  declare readonly deletedMembers: pulumi.Output<Record<string, string> | undefined>;
  /** Whether entries of deleted users and groups are kept or removed. */
  declare readonly orphans: pulumi.Output<"keep" | "remove" | undefined>;
  /**
   * Trustees on the mailbox that this resource does not declare, as Exchange names them. Those of deleted users and groups by SID,
   * followed by `(orphaned)` or `(orphaned: <what Exchange prints>)`. One to whom an entry denies something, by `(denied:
   * FullAccess)`. The mailbox's own SELF row is left out.
   */
  declare readonly otherMembers: pulumi.Output<string[]>;
  /** The Entra tenant the mailbox is in. */
  declare readonly tenantId: pulumi.Output<string>;

  /**
   * Declares members of a mailbox. Its `id` is the mailbox's Entra object id.
   *
   * @param name logical name in the stack.
   * @param args the mailbox and its members.
   * @param options Pulumi's resource options. `ignoreChanges: ['members["ada@contoso.com"]']` works by canonical key.
   */
  constructor(name: string, args: MailboxMembershipArgs, options?: pulumi.CustomResourceOptions) {
    const traceAgain = withoutPromiseTraces();
    try {
      super(...registration(resource, name, { ...args, members: keyedInput(args.members) }, options));
    } finally {
      traceAgain();
    }
  }
}

const resource: ResourceClass = {
  kind: "MailboxMembership",
  keyed: ["members"],
  askedBy: "mailbox's id or address",
  takenOver: "Run `npx mailboxes import-file`, then `pulumi import --file`: they bring what exists into the stack.",
  outputs: {
    mailbox: true,
    members: true,
    exclusive: true,
    mailboxId: true,
    mailboxAddresses: true,
    memberIds: true,
    memberSids: true,
    deletedMembers: true,
    orphans: true,
    otherMembers: true,
    tenantId: true,
  } satisfies Outputs<MailboxMembership>,
};
