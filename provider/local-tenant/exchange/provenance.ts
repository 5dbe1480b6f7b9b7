import type { Provenance } from "../provenance";

const captures = "wire captures of Microsoft's PowerShell module and of clients that speak InvokeCommand";
const reference = "Exchange PowerShell reference, page of the cmdlet";

/** Where each behaviour of the Exchange side is known from. */
export const provenance: Provenance[] = [
  { behaviour: "One URL, always POST; the cmdlet stands in CmdletInput", mark: "observed", source: captures },
  { behaviour: "No token or no Exchange app role answers 401", mark: "observed", source: "graph2otel wire captures" },
  { behaviour: "A 401 has an empty body", mark: "assumed", source: "nobody wrote the body down" },
  {
    behaviour: "A token without a role in Exchange, and an unknown cmdlet, answer 403 with a body of NUL bytes",
    mark: "observed",
    source: "graph2otel wire captures",
  },
  {
    behaviour: "v2.0 wants Exchange.ManageAsAppV2, the other versions Exchange.ManageAsApp",
    mark: "documented",
    source: "Admin API, authentication and authorization; app-only authentication in Exchange PowerShell",
  },
  {
    behaviour:
      "v2.0 serves Get-Mailbox, Set-Mailbox GrantSendOnBehalfTo, Get-AcceptedDomain and Get-OrganizationConfig only",
    mark: "documented",
    source: "Admin API, endpoints reference",
  },
  { behaviour: "Anything else on a v2.0 endpoint answers 400", mark: "assumed", source: "refused, text unknown" },
  { behaviour: "A tenant segment that is not this tenant answers 404", mark: "assumed", source: "status unknown" },
  { behaviour: "value is absent for cmdlets without output", mark: "observed", source: "ExoHelper, CIPP" },
  { behaviour: "Side-car keys with @ beside arrays and dates", mark: "observed", source: "ExoHelper, graph2otel" },
  {
    behaviour: "Parameter names are compared without case; keys with @ in Parameters are annotations",
    mark: "observed",
    source: "CIPP",
  },
  {
    behaviour:
      "An unknown parameter answers AmbiguousParameterSetException, its text in details with an empty first field",
    mark: "observed",
    source: "graph2otel wire captures",
  },
  {
    behaviour: "A wrong enumeration value answers ParameterTransformationException, its text in internalexception only",
    mark: "observed",
    source: "graph2otel wire captures",
  },
  {
    behaviour:
      "An object without @odata.type for a multi-valued parameter is a binding error; the tag alone is an empty list",
    mark: "observed",
    source: "CIPP ConvertTo-CIPPExoHashtable",
  },
  {
    behaviour:
      "Parameters of different parameter sets are refused together (RecipientLimits with MicrosoftOnlineServicesID)",
    mark: "documented",
    source: reference,
  },
  {
    behaviour: "Cmdlet errors answer 400 with code|type|text in details; the type decides",
    mark: "assumed",
    source: "bodies observed, the status of not-found and conflicts is not",
  },
  {
    behaviour: "odata.maxpagesize up to 1000; the nextLink is posted with the same body and expires",
    mark: "observed",
    source: "CIPP, ExoHelper; expiry text by graph2otel",
  },
  {
    behaviour: "A nextLink may be posted again within its life; lifetime 0 never admits one",
    mark: "assumed",
    source: "sources conflict; setting nextLinkLifetime",
  },
  {
    behaviour: "The truncation warning comes when ResultSize cut rows, not with a nextLink",
    mark: "assumed",
    source: "one capture shows both at once for the default ResultSize",
  },
  { behaviour: "A $batch holds at most 10 requests", mark: "assumed", source: "the size CIPP sends" },
  {
    behaviour: "Without odata.continue-on-error a batch ends at its first error; later requests have no answer",
    mark: "assumed",
    source: "OData 4.01 JSON format, batch requests and responses",
  },
  {
    behaviour: "A null or empty Identity of a Get- cmdlet answers all objects",
    mark: "documented",
    source: `${reference}, caution`,
  },
  {
    behaviour: "A non-existent Identity answers ManagementObjectNotFoundException; by setting all objects",
    mark: "documented",
    source: "error observed, the caution speaks of all objects; setting missingIdentity",
  },
  {
    behaviour: "Get-MailboxPermission without Identity answers 400 Invalid Operation",
    mark: "observed",
    source: "graph2otel wire captures",
  },
  {
    behaviour: "An identity that fits several objects answers ManagementObjectAmbiguousException",
    mark: "assumed",
    source: "type known, circumstances not",
  },
  {
    behaviour: "Name reads back as the Entra object id",
    mark: "documented",
    source: "Exchange Team Blog; setting nameBecomesObjectId",
  },
  {
    behaviour:
      "The sign-in name of a new shared mailbox is alias (or local part) at the default domain, and an address of it",
    mark: "assumed",
    source: "mailbox-upn-samaccountname-contain-guid; the address is inferred",
  },
  {
    behaviour: "A sign-in name whose alias begins with a digit or symbol is random",
    mark: "documented",
    source: "mailbox-upn-samaccountname-contain-guid",
  },
  {
    behaviour: "Every mailbox has alias at the initial domain; two mailboxes with one alias collide on it",
    mark: "observed",
    source: "OfficeDocs-Support issues 22 and 100",
  },
  { behaviour: "A new shared mailbox has an SPO address", mark: "assumed", source: "seen on rows, moment unknown" },
  {
    behaviour: "A new shared mailbox may sign in",
    mark: "assumed",
    source: "documents contradict each other; setting newSharedAccountEnabled",
  },
  { behaviour: "PrimarySmtpAddress on creation turns the address policy off", mark: "documented", source: reference },
  { behaviour: "Name takes printable ASCII only", mark: "assumed", source: "documented for letters with diaeresis" },
  {
    behaviour: "WindowsEmailAddress moves the primary and keeps the old one as secondary, only without address policy",
    mark: "documented",
    source: "behaviour of the policy documented, keeping the old primary by experience",
  },
  {
    behaviour: "SMTP: in the Add list of EmailAddresses makes that address the primary and the old one secondary",
    mark: "assumed",
    source: "the result must have exactly one primary",
  },
  { behaviour: "At most 300 addresses", mark: "assumed", source: "sources say 200 to 400" },
  {
    behaviour: "An address on an account Exchange does not know answers UnableToWriteToAadException, ObjectConflict",
    mark: "observed",
    source: "type and parts of the text from issues; circumstances assumed",
  },
  {
    behaviour:
      "Addresses of soft-deleted mailboxes are free unless holdAddresses; freed ones are refused for addressRelease",
    mark: "assumed",
    source: "slow release reported, duration varies",
  },
  {
    behaviour: "ForwardingAddress and GrantSendOnBehalfTo are printed as the recipients' Name",
    mark: "observed",
    source: "CIPP",
  },
  { behaviour: "A change that changes nothing succeeds with a warning", mark: "observed", source: "CIPP" },
  {
    behaviour: "IssueWarningQuota and ProhibitSendQuota may not exceed ProhibitSendReceiveQuota",
    mark: "documented",
    source: reference,
  },
  {
    behaviour:
      "Quotas above 50 GB need Plan 2 (100 GB); archive and litigation hold need Plan 2 or Plan 1 with archiving",
    mark: "documented",
    source: "About shared mailboxes",
  },
  { behaviour: "Messages of at most 150 MB", mark: "assumed", source: "the highest limit Exchange Online lets set" },
  { behaviour: "Lifting litigation hold leaves a delay hold", mark: "documented", source: "Manage hold types" },
  { behaviour: "Address attributes of a directory-synced mailbox are refused", mark: "observed", source: "issue 7372" },
  {
    behaviour: "Full Access and Send As that are there already: success, a warning, no row",
    mark: "observed",
    source: "public scripts",
  },
  {
    behaviour: "Revoking what is not there: success and a warning",
    mark: "observed",
    source: "CIPP; the reference calls it an error",
  },
  { behaviour: "Rights of one trustee are joined by commas in one row", mark: "observed", source: "graph2otel, DSC" },
  {
    behaviour:
      "User is the UPN of a user, the name of a group, the SID of a deleted trustee; PrimarySmtpAddress is empty",
    mark: "observed",
    source: "graph2otel; the SID from connectors",
  },
  {
    behaviour: "Deleted trustees are listed by Get-MailboxPermission only with its Include switches",
    mark: "documented",
    source: reference,
  },
  { behaviour: "At most 500 permission entries", mark: "documented", source: reference },
  { behaviour: "The text of the 500-entry error", mark: "assumed", source: "nobody wrote it down" },
  {
    behaviour: "Inherited rows of role groups (Organization Management denied) on every mailbox",
    mark: "documented",
    source: "default entries; which groups a cloud mailbox shows is inferred",
  },
  { behaviour: "AutoMapping is stored and never shown", mark: "documented", source: reference },
  {
    behaviour: "Remove-Mailbox soft-deletes mailbox and user for 30 days; a held mailbox becomes inactive",
    mark: "documented",
    source: "Delete or restore user mailboxes",
  },
  {
    behaviour: "PermanentlyDelete only for a soft-deleted, not inactive mailbox by ExchangeGuid or DN",
    mark: "documented",
    source: reference,
  },
  {
    behaviour: "Undo-SoftDeletedMailbox brings the deleted user back with the mailbox",
    mark: "assumed",
    source: "without the user it needs a password, which the tenant refuses",
  },
  {
    behaviour: "Filters: comparisons, and/or/not; EmailAddresses equals without prefix, wildcards with it",
    mark: "documented",
    source: "Filterable properties for the Filter parameter",
  },
  {
    behaviour: "Get-MailboxStatistics of a mailbox nothing arrived in: no row and a warning",
    mark: "assumed",
    source: "as Exchange Server does",
  },
  { behaviour: "A neutral culture is refused as Language", mark: "observed", source: "CIPP" },
  {
    behaviour: "A new Language is refused while a date or time format of the old one stays",
    mark: "documented",
    source: reference,
  },
  {
    behaviour: "Inbox rules are those Graph shows; a new one comes last, or in the place Priority names",
    mark: "assumed",
    source: "the page on Priority says only that lower comes first; that one moves the others down is Graph's way",
  },
  {
    behaviour: "A rule is named by its Name, its RuleIdentity, or the mailbox, a backslash and the RuleIdentity",
    mark: "documented",
    source: reference,
  },
  {
    behaviour: "RuleIdentity is a JSON number beyond 2^53; Identity has all its digits, after the mailbox's Name",
    mark: "observed",
    source: "graph2otel wire captures of Get-InboxRule",
  },
  {
    behaviour: "A rule's RuleIdentity is Graph's id of it: eight bytes, low ones first, in base64",
    mark: "assumed",
    source: "published ids of both have the same constant half; nobody showed the two of one rule",
  },
  {
    behaviour: "Recipients in rules are printed with EX: and the legacy name inside the organisation, SMTP: outside",
    mark: "observed",
    source: "graph2otel wire captures of Get-InboxRule; SMTP: from public threads",
  },
  {
    behaviour: "A new rule stops those behind it unless StopProcessingRules is false",
    mark: "assumed",
    source: "default unknown; the harsher one",
  },
  { behaviour: "A rule's name has at most 512 characters", mark: "documented", source: `${reference}, Name` },
  { behaviour: "A rule without an action is refused", mark: "assumed", source: "as Graph does" },
  {
    behaviour: "Force and Confirm change nothing over InvokeCommand: nobody could answer a prompt",
    mark: "assumed",
    source: "the reference has a prompt where Outlook's own rules would be removed",
  },
  {
    behaviour: "A mailbox's rules in error run again once their actions are written",
    mark: "assumed",
    source: "as Graph",
  },
  {
    behaviour: "The cmdlets of inbox rules ask for no other role than the rest",
    mark: "assumed",
    source: "which management roles have them is written nowhere; Mail Recipients is likely",
  },
];
