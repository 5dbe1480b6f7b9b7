import type { Provenance } from "../provenance";

const docs = "Microsoft Graph reference";
const metadata = "microsoftgraph/msgraph-metadata, v1.0";

/** Where the behaviours of the simulated Graph are known from. */
export const provenance: Provenance[] = [
  row(
    "graph.user-default-members",
    "Without $select a user comes with its eleven default members only.",
    "documented",
    `${docs}: user-get`,
  ),
  row(
    "graph.select-unknown",
    "$select of an unknown member is 400 BadRequest.",
    "observed",
    "public issue threads of Graph clients",
  ),
  row(
    "graph.filter-operators",
    "$filter: eq, in, ge, le, startsWith, any without further ado; ne, not, endsWith need ConsistencyLevel and $count.",
    "documented",
    "Microsoft Graph: advanced query capabilities on directory objects",
  ),
  row(
    "graph.filter-refused",
    "contains, gt and lt are refused on directory objects.",
    "documented",
    "Microsoft Graph: advanced query capabilities on directory objects",
  ),
  row(
    "graph.search-consistency",
    "$search needs ConsistencyLevel: eventual, words of a display name match from their beginning.",
    "documented",
    "Microsoft Graph: $search parameter",
  ),
  row(
    "graph.orderby-advanced",
    "$orderby together with $filter needs an advanced query.",
    "documented",
    "Microsoft Graph: advanced query capabilities on directory objects",
  ),
  row("graph.user-paging", "Users: pages of 100, at most 999; $skip is refused.", "documented", `${docs}: user-list`),
  row(
    "graph.unknown-path",
    "An unknown path is 400 BadRequest 'Resource not found for the segment'.",
    "observed",
    "public issue threads of Graph clients",
  ),
  row(
    "graph.wrong-method",
    "A wrong method is 405 Request_BadRequest.",
    "observed",
    "public issue threads of Graph clients",
  ),
  row(
    "graph.missing-role",
    "Missing roles: 403 Authorization_RequestDenied in the directory, 403 ErrorAccessDenied in the mailbox store.",
    "observed",
    "public issue threads of Graph clients",
  ),
  row(
    "graph.operation-roles",
    "Which role admits which operation.",
    "documented",
    `${docs}: permission table of each operation`,
  ),
  row(
    "graph.enable-disable-role",
    "User.EnableDisableAccount.All admits a PATCH of accountEnabled alone.",
    "documented",
    `${docs}: user-update`,
  ),
  row(
    "graph.privileged-accounts",
    "Accounts that hold a directory role refuse an application without one: disable, rename, delete, restore, purge.",
    "documented",
    `${docs}: who can perform sensitive actions`,
  ),
  row(
    "graph.taken-name",
    "Taken user principal name or address: 400 with details ObjectConflict.",
    "observed",
    "pnp/cli-microsoft365",
  ),
  row(
    "graph.restore-taken-name",
    "A restore whose name or address is taken meanwhile answers like a create.",
    "assumed",
    "the same check, no record found",
  ),
  row("graph.restore-body", "Restore takes no body.", "documented", `${metadata}: the action has no parameters`),
  row(
    "graph.deleted-user-days",
    "Deleted users stay 30 days; their user principal name begins with their object id.",
    "documented",
    `${docs}: directory-deleteditems`,
  ),
  row(
    "graph.delete-with-mailbox",
    "Deleting a user soft-deletes its mailbox; a held one becomes inactive; restore brings both back.",
    "documented",
    "Exchange Online: delete or restore user mailboxes",
  ),
  row(
    "graph.purge-keeps-mailbox",
    "Purging the user leaves its mailbox soft-deleted.",
    "documented",
    "Exchange Online: delete or restore user mailboxes",
  ),
  row(
    "graph.deleted-user-license",
    "A deleted user holds no licence seat; its assignments come back with it, seats or not.",
    "assumed",
    "no record found",
  ),
  row(
    "graph.mail-patch",
    "PATCH of mail adds the value as an address; the primary address stays.",
    "documented",
    `${docs}: user resource type`,
  ),
  row(
    "graph.computed-members",
    "proxyAddresses, userPurpose and other computed members refuse writes with 400.",
    "assumed",
    "read-only is documented, code and text are not",
  ),
  row(
    "graph.synced-members",
    "Members mastered on-premises refuse writes with 400; usageLocation does not.",
    "observed",
    "public issue threads of Graph clients",
  ),
  row(
    "graph.changes-reach-mailbox",
    "Changing accountEnabled, displayName, mailNickname or userPrincipalName reaches the mailbox.",
    "documented",
    "Exchange Online: directory synchronisation in both directions",
  ),
  row(
    "graph.assign-license",
    "assignLicense needs both members, a usage location and a free seat.",
    "documented",
    `${docs}: user-assignlicense`,
  ),
  row("graph.license-error-text", "Texts of the licence errors.", "observed", "public issue threads of Graph clients"),
  row(
    "graph.exchange-plans-exclude",
    "Exchange plans exclude each other.",
    "documented",
    "Microsoft Entra: group-based licensing, conflicting service plans",
  ),
  row(
    "graph.license-mailbox",
    "Licences neither make nor remove a mailbox.",
    "assumed",
    "simplification: the real service makes a user mailbox",
  ),
  row(
    "graph.mailbox-not-served",
    "mailboxSettings without a served mailbox: 404 MailboxNotEnabledForRESTAPI, also until a new one is visible.",
    "observed",
    "microsoftgraph issue threads",
  ),
  row(
    "graph.mailbox-unknown-user",
    "The mailbox store answers an unknown user with 404 ResourceNotFound.",
    "observed",
    "microsoftgraph issue threads",
  ),
  row(
    "graph.select-mailbox-settings",
    "$select=mailboxSettings fails the whole GET of a user without a mailbox.",
    "observed",
    "microsoftgraph issue threads",
  ),
  row(
    "graph.reply-html",
    "Replies come back inside html and body tags.",
    "documented",
    `${docs}: user-update-mailboxsettings, examples`,
  ),
  row(
    "graph.scheduled-utc",
    "Scheduled times come back in UTC with seven decimals.",
    "documented",
    `${docs}: user-update-mailboxsettings, examples`,
  ),
  row(
    "graph.scheduled-order",
    "An interval that ends before it starts is 400 ErrorInvalidTimeSettings.",
    "documented",
    `${docs}: user-update-mailboxsettings; for automatic replies assumed alike`,
  ),
  row(
    "graph.scheduled-past",
    "Replies scheduled for a time that is over are refused: given now, or kept from before where no times are given.",
    "observed",
    "Exchange's own check of a schedule as a whole, InvalidScheduledOofDuration (public sources); ecederstrand/exchangelib #617; Graph's code is ours",
  ),
  row(
    "graph.zones-kept",
    "Windows and IANA zones are taken and kept as given.",
    "documented",
    `${docs}: user-update-mailboxsettings`,
  ),
  row(
    "graph.unset-settings",
    "Language, zone and formats that were never set read as null or empty text.",
    "assumed",
    "Exchange returns null; no record of Graph found",
  ),
  row(
    "graph.language-formats",
    "A new language drops date and time formats that do not come with it.",
    "assumed",
    "Exchange refuses such pairs",
  ),
  row(
    "graph.user-purpose",
    "userPurpose follows the recipient type.",
    "documented",
    `${docs}: mailboxSettings resource type`,
  ),
  row(
    "graph.rule-required",
    "Rules need displayName, sequence and at least one action; no conditions means every message.",
    "documented",
    `${docs}: mailfolder-post-messagerules`,
  ),
  row(
    "graph.rule-place",
    "A rule put where another stands moves that one and its neighbours one down.",
    "assumed",
    "Exchange's priorities work so",
  ),
  row(
    "graph.rule-patch-replaces",
    "A PATCH of actions, conditions or exceptions replaces them as a whole.",
    "assumed",
    "no record found",
  ),
  row("graph.rule-error-codes", "Code and text of errors about rules.", "assumed", "no record found"),
  row("graph.rule-quota", "A mailbox's rules take 256 KB at most.", "documented", "Exchange: Set-Mailbox RulesQuota"),
  row(
    "graph.rules-refused",
    "Applications may be refused rules with 403 ErrorAccessDenied (setting refuseRules).",
    "observed",
    "reports differ",
  ),
  row(
    "graph.mailbox-concurrency",
    "More than four requests of an application in flight in the mailbox store: 429 with Retry-After.",
    "documented",
    "Microsoft Graph: throttling limits, Outlook",
  ),
  row(
    "graph.batch-rules",
    "$batch: at most 20, relative urls, unique ids, 424 after a failed dependency, answers in another order.",
    "documented",
    "Microsoft Graph: JSON batching",
  ),
  row(
    "graph.batch-dependency-order",
    "A dependency may only be a request that stands before.",
    "assumed",
    "no record found",
  ),
  row(
    "graph.rules-run",
    "Rules run in order until one stops; a message passes a mailbox's rules once.",
    "documented",
    "Exchange: inbox rules, loop prevention",
  ),
  row(
    "graph.forwarding-precedence",
    "ForwardingAddress wins over ForwardingSmtpAddress; without a copy kept nothing is stored.",
    "documented",
    "Exchange: Set-Mailbox",
  ),
  row(
    "graph.rules-forwarded-mailbox",
    "Inbox rules do not run where the mailbox forwards without a copy.",
    "assumed",
    "nothing arrives in the inbox",
  ),
  row(
    "graph.external-forwarding",
    "Automatic forwarding to the outside ends in 550 5.7.520.",
    "documented",
    "Defender for Office 365: external email forwarding",
  ),
];

function row(id: string, behaviour: string, mark: Provenance["mark"], source: string): Provenance {
  return { id, behaviour, mark, source };
}
