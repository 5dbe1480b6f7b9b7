import type { Provenance } from "../provenance";

const captures = "wire captures of Microsoft's PowerShell module and of clients that speak InvokeCommand";
const reference = "Exchange PowerShell reference, page of the cmdlet";
const decompiled = "Exchange 15.00.1497, decompiled";

/** Where each behaviour of the Exchange side is known from. */
export const provenance: Provenance[] = [
  {
    id: "exchange.one-url",
    behaviour: "One URL, always POST; the cmdlet stands in CmdletInput",
    mark: "observed",
    source: captures,
  },
  {
    id: "exchange.needs-proxy",
    behaviour:
      "With strictRouting a write about a mailbox by another anchor answers CmdletProxyNotAvailableException, Cmdlet needs proxy",
    mark: "observed",
    source: "CIPP #4877 and #2661, office-docs-powershell #10446; two clients that anchor by UPN against it",
  },
  {
    id: "exchange.beta-only",
    behaviour:
      "InvokeCommand of v1.0 answers 405: v1.0 has the resources of the Get-EXO cmdlets, only beta runs cmdlets",
    mark: "observed",
    source: "azure_auth, measured 2026-09-25",
  },
  {
    id: "exchange.unauthorized-status",
    behaviour:
      "No token or no Exchange app role answers 401 with a Bearer challenge; without authorization Basic is offered, too",
    mark: "observed",
    source: "tests of azure_auth's client, graph2otel wire captures",
  },
  {
    id: "exchange.unauthorized-body",
    behaviour: "A 401 has an empty body",
    mark: "assumed",
    source: "nobody wrote the body down",
    contrary: "A 401 carries an error in JSON",
  },
  {
    id: "exchange.forbidden-body",
    behaviour:
      "A token without a role in Exchange, and an unknown cmdlet, answer 403 with a body of NUL bytes that calls itself gzip",
    mark: "observed",
    source: "four independent clients; bodies of 336 and 985 bytes",
  },
  {
    id: "exchange.forbidden-reason",
    behaviour:
      "A 403 for want of a role carries x-ms-diagnostics 2000003 with a reason; without one the token is stale or the cmdlet unknown",
    mark: "observed",
    source: "azapptoolkit",
  },
  {
    id: "exchange.version-roles",
    behaviour: "v2.0 wants Exchange.ManageAsAppV2, the other versions Exchange.ManageAsApp",
    mark: "documented",
    source: "Admin API, authentication and authorization; app-only authentication in Exchange PowerShell",
  },
  {
    id: "exchange.v2-endpoints",
    behaviour:
      "v2.0 serves Get-Mailbox, Set-Mailbox GrantSendOnBehalfTo, Get-AcceptedDomain and Get-OrganizationConfig only",
    mark: "documented",
    source: "Admin API, endpoints reference",
  },
  {
    id: "exchange.v2-preview",
    behaviour: "In an organisation outside the preview (setting v2Preview) v2.0 answers 404",
    mark: "observed",
    source: "swissknife, exoapi: 400 and 404 mean that v2.0 is not enabled",
  },
  {
    id: "exchange.v2-other-refused",
    behaviour: "Anything else on a v2.0 endpoint answers 400",
    mark: "assumed",
    source: "refused, text unknown",
    contrary: "Any cmdlet runs on the v2.0 endpoints",
  },
  {
    id: "exchange.foreign-tenant-segment",
    behaviour: "A tenant segment that is not this tenant answers 404",
    mark: "assumed",
    source: "status unknown",
    contrary: "Any tenant segment is served",
  },
  {
    id: "exchange.value-absent",
    behaviour: "value is absent for cmdlets without output",
    mark: "observed",
    source: "ExoHelper, CIPP",
  },
  {
    id: "exchange.annotations-beside",
    behaviour: "Side-car keys with @ beside arrays and dates",
    mark: "observed",
    source: "ExoHelper, graph2otel",
  },
  {
    id: "exchange.parameter-names",
    behaviour: "Parameter names are compared without case; keys with @ in Parameters are annotations",
    mark: "observed",
    source: "CIPP",
  },
  {
    id: "exchange.unknown-parameter",
    behaviour:
      "An unknown parameter answers AdminApi.CommandInvocation.AmbiguousParameterSetException, its text in details with an empty first field and in innererror",
    mark: "observed",
    source: "graph2otel wire captures",
  },
  {
    id: "exchange.wrong-enumeration",
    behaviour:
      "A wrong enumeration value answers AdminApi.CommandInvocation.ParameterTransformationException, its text in internalexception only",
    mark: "observed",
    source: "graph2otel wire captures",
  },
  {
    id: "exchange.enumeration-beginning",
    behaviour: "The beginning of an enumeration's member is taken for the member",
    mark: "observed",
    source: "graph2otel wire captures: File matched FileTypeBlock",
  },
  {
    id: "exchange.multivalued-object",
    behaviour:
      "An object without @odata.type for a multi-valued parameter is a binding error; the tag alone is an empty list",
    mark: "observed",
    source: "CIPP ConvertTo-CIPPExoHashtable",
  },
  {
    id: "exchange.parameter-sets",
    behaviour:
      "Parameters of different parameter sets are refused together (RecipientLimits with MicrosoftOnlineServicesID)",
    mark: "documented",
    source: reference,
  },
  {
    id: "exchange.error-statuses",
    behaviour:
      "Cmdlet errors have code|type|text in details; not found is 404, a taken address 409, an ambiguous identity 500, all others 400",
    mark: "observed",
    source: "raw bodies in Microsoft365DSC #2998 and frappe ITSync; ScubaGear and graph2otel for 404 and 400",
    contrary: "Every cmdlet error is a 400",
  },
  {
    id: "exchange.gateway-exception",
    behaviour:
      "internalexception of a cmdlet's error is DirectInvokeCmdletExecutionException: only details names the error",
    mark: "observed",
    source: "raw body in Microsoft365DSC #2998",
  },
  {
    id: "exchange.page-size",
    behaviour: "odata.maxpagesize up to 1000; the nextLink is posted with the same body and expires",
    mark: "observed",
    source: "CIPP, ExoHelper; expiry text by graph2otel",
  },
  {
    id: "exchange.link-replay",
    behaviour:
      "A nextLink is good once, and until it expires (setting nextLinkLifetime); then it is a System.Exception",
    mark: "observed",
    source: "graph2otel, four ways of replaying; body in Microsoft Q&A 1023619",
    contrary: "A nextLink may be posted again until it expires",
  },
  {
    id: "exchange.truncation-warning",
    behaviour:
      "ResultSize is the size of a page: rows, the warning that there are more, and a nextLink to them; setting resultSizeCuts",
    mark: "observed",
    source: "graph2otel for all three at once, azure_auth for the link",
  },
  {
    id: "exchange.batch-size",
    behaviour: "A $batch holds at most 10 requests",
    mark: "assumed",
    source: "the size CIPP sends",
    contrary: "Any number of requests is taken",
  },
  {
    id: "exchange.batch-first-error",
    behaviour: "Without odata.continue-on-error a batch ends at its first error; later requests have no answer",
    mark: "assumed",
    source: "OData 4.01 JSON format, batch requests and responses",
    contrary: "The batch goes on after an error in any case",
  },
  {
    id: "exchange.empty-identity",
    behaviour: "A null or empty Identity of a Get- cmdlet answers all objects",
    mark: "documented",
    source: `${reference}, caution`,
  },
  {
    id: "exchange.missing-identity",
    behaviour: "A non-existent Identity answers ManagementObjectNotFoundException; by setting all objects",
    mark: "documented",
    source: "error observed, the caution speaks of all objects; setting missingIdentity",
  },
  {
    id: "exchange.permission-without-identity",
    behaviour: "Get-MailboxPermission without Identity answers 400 Invalid Operation",
    mark: "observed",
    source: "graph2otel wire captures",
  },
  {
    id: "exchange.ambiguous-identity",
    behaviour: "An identity that fits several objects answers Ex9E65A2, ManagementObjectAmbiguousException",
    mark: "observed",
    source: "CIPP-API pull request 1568; alias or name shared by two objects: Microsoft365DSC #2117",
  },
  {
    id: "exchange.batch-order",
    behaviour: "The requests of a $batch run one after the other, in their order",
    mark: "assumed",
    source: "nothing public; CIPP writes several permissions of one mailbox in one batch",
    contrary: "They run in reverse order",
  },
  {
    id: "exchange.object-id-identity",
    behaviour: "A mailbox's Entra object id is an identity of it",
    mark: "observed",
    source: "CIPP names mailboxes so in every cmdlet; no page lists it among the forms of Identity",
    contrary: "Nothing is found by it",
  },
  {
    id: "exchange.name-object-id",
    behaviour: "Name reads back as the Entra object id",
    mark: "documented",
    source: "Exchange Team Blog; setting nameBecomesObjectId",
  },
  {
    id: "exchange.new-mailbox-upn",
    behaviour: "The sign-in name of a new shared mailbox is its alias at the default domain, and an address of it",
    mark: "observed",
    source: "icewolf, October 2025; RecipientTaskHelper and NewMailboxBase of Exchange 15.00.1497, decompiled",
    contrary: "The sign-in name is G and 32 hex digits",
  },
  {
    id: "exchange.random-upn",
    behaviour:
      "An alias that begins with no letter, has other characters than letters, digits and . - _, ends in or repeats a period, or is longer than 63: the sign-in name is G and 32 hex digits",
    mark: "documented",
    source: "mailbox-upn-samaccountname-contain-guid",
  },
  {
    id: "exchange.initials",
    behaviour:
      "New-Mailbox and Set-User take Initials of at most six characters; of all rows, only Get-User's show them",
    mark: "documented",
    source: "reference pages of the cmdlets, metadata of the admin API, Active Directory schema (a-initials)",
    contrary: "New-Mailbox takes them and keeps none",
  },
  {
    id: "exchange.alias-number",
    behaviour: "An alias that is not given is made of Name and gets a number when it is taken; a given one is refused",
    mark: "observed",
    source: `${decompiled}: RecipientTaskHelper; OfficeDocs-Support issue 22 for the refusal`,
  },
  {
    id: "exchange.initial-domain-alias",
    behaviour: "Every mailbox has alias at the initial domain; two mailboxes with one alias collide on it",
    mark: "observed",
    source: "OfficeDocs-Support issues 22 and 100",
  },
  {
    id: "exchange.spo-address",
    behaviour: "Some new shared mailboxes have an SPO address, some have none (setting newMailboxSpoAddress)",
    mark: "documented",
    source: "Exchange Team Blog 2022-02, SharePoint Online proxy addresses and Exchange Online mailboxes",
  },
  {
    id: "exchange.new-account-enabled",
    behaviour: "The account of a new shared mailbox is disabled; by the setting newSharedAccountEnabled it may sign in",
    mark: "observed",
    source: "icewolf 2025-10-20; older pages saw it enabled",
    contrary: "It may sign in",
  },
  {
    id: "exchange.address-policy-off",
    behaviour: "PrimarySmtpAddress on creation turns the address policy off",
    mark: "documented",
    source: reference,
  },
  {
    id: "exchange.name-characters",
    behaviour:
      "Name takes any letters; a letter outside ASCII in an alias or address answers UnableToWriteToAadException, InvalidValue",
    mark: "observed",
    source: "office-docs-powershell #11500, Microsoft365DSC #1921 and #1922",
  },
  {
    id: "exchange.windows-email-address",
    behaviour: "WindowsEmailAddress moves the primary and keeps the old one as secondary, only without address policy",
    mark: "documented",
    source: "behaviour of the policy documented, keeping the old primary by experience",
  },
  {
    id: "exchange.primary-in-add",
    behaviour: "SMTP: in the Add list of EmailAddresses makes that address the primary and the old one secondary",
    mark: "observed",
    source: `${decompiled}: ProxyAddressBaseCollection; the reference says that SMTP names the primary`,
    contrary: "The added address becomes a secondary one",
  },
  {
    id: "exchange.address-limit",
    behaviour:
      "At most 333 addresses; one more answers UnableToWriteToAadException with both numbers and the word transient",
    mark: "observed",
    source: "classmethod.jp 2024-06-21, in the admin center",
  },
  {
    id: "exchange.address-held-in-directory",
    behaviour: "An address on an account Exchange does not know answers UnableToWriteToAadException, ObjectConflict",
    mark: "observed",
    source: "type and parts of the text from issues; circumstances assumed",
  },
  {
    id: "exchange.soft-deleted-addresses",
    behaviour:
      "Addresses of soft-deleted mailboxes are free unless holdAddresses; freed ones are refused for addressRelease",
    mark: "documented",
    source:
      "Restore of a mailbox whose address was given away meanwhile; frappe ITSync and Microsoft Q&A 5737410 for held ones",
    contrary: "They stay taken",
  },
  {
    id: "exchange.forwarding-printed-name",
    behaviour: "ForwardingAddress, GrantSendOnBehalfTo and the lists of senders are printed as the recipients' Name",
    mark: "observed",
    source: "CIPP; public scripts that give the lists of senders to Get-Recipient",
  },
  {
    id: "exchange.no-change-warning",
    behaviour: "A change that changes nothing succeeds with a warning",
    mark: "observed",
    source: "CIPP",
  },
  {
    id: "exchange.micro-delay",
    behaviour: "By the setting microDelay each answer warns that it was held back",
    mark: "observed",
    source: "Microsoft KB 2881759",
  },
  {
    id: "exchange.quota-order",
    behaviour: "IssueWarningQuota and ProhibitSendQuota may not exceed ProhibitSendReceiveQuota",
    mark: "documented",
    source: reference,
  },
  {
    id: "exchange.quota-license",
    behaviour:
      "Quotas above 50 GB need Plan 2 (100 GB); archive and litigation hold need Plan 2 or Plan 1 with archiving",
    mark: "documented",
    source: "About shared mailboxes",
  },
  {
    id: "exchange.message-size",
    behaviour: "Messages of at most 150 MB",
    mark: "assumed",
    source: "the highest limit Exchange Online lets set; the reference names none any more",
    contrary: "Any size is taken",
  },
  {
    id: "exchange.delay-hold",
    behaviour: "Lifting litigation hold leaves a delay hold",
    mark: "documented",
    source: "Manage hold types",
  },
  {
    id: "exchange.synced-attributes",
    behaviour:
      "Addresses, names and lists of senders of a directory-synced mailbox are refused, its client access is not",
    mark: "observed",
    source: "issue 7372; Microsoft Entra Connect Sync, attributes of Exchange Online",
  },
  {
    id: "exchange.sender-lists",
    behaviour:
      "AcceptMessagesOnlyFrom takes people, its DLMembers groups, its SendersOrMembers both, and not beside the other two; the same for RejectMessagesFrom",
    mark: "documented",
    source: reference,
  },
  {
    id: "exchange.client-access",
    behaviour:
      "Get-CASMailbox: every protocol is on at first, and SmtpClientAuthenticationDisabled null, which leaves it to the organisation",
    mark: "documented",
    source: reference,
  },
  {
    id: "exchange.permission-regrant",
    behaviour:
      "Full Access that is there already: its row and a warning, and automapping is decided anew; Send As: a warning and no row",
    mark: "observed",
    source: `${decompiled}; public scripts for Send As`,
  },
  {
    id: "exchange.permission-revoke-absent",
    behaviour: "Revoking what is not there: success and a warning",
    mark: "observed",
    source: "CIPP; the reference calls it an error",
  },
  {
    id: "exchange.permission-rows",
    behaviour: "Rights of one trustee are joined by commas in one row",
    mark: "observed",
    source: "graph2otel, DSC",
  },
  {
    id: "exchange.trustee-printed",
    behaviour:
      "User is the UPN of a user, deleted or not, the name of a group, the SID of a purged trustee; PrimarySmtpAddress is empty",
    mark: "observed",
    source: "graph2otel; the SID from connectors; that a row does not tell a deleted user: it-bibouroku.hateblo.jp",
  },
  {
    id: "exchange.deleted-sender-printed",
    behaviour: "Get-RecipientPermission prints a deleted user as FOREST\\SAM account name, a purged one as the SID",
    mark: "observed",
    source: "it-bibouroku.hateblo.jp, Send As of deleted users; the SID from connectors",
  },
  {
    id: "exchange.sid-of-principals",
    behaviour: "Get-User and Get-Group show Sid and SidHistory, and filter by both and by ExternalDirectoryObjectId",
    mark: "observed",
    source: "the admin API's own $metadata (entity User); scripts that resolve SIDs of permission entries so",
  },
  {
    id: "exchange.distinguished-name-unique",
    behaviour: "A distinguished name is one object's, also where two have one Name",
    mark: "documented",
    source: "Active Directory, Object Names and Identities; that Names repeat: Microsoft365DSC 2117",
  },
  {
    id: "exchange.deleted-trustees",
    behaviour: "Deleted trustees are listed by Get-MailboxPermission only with its Include switches",
    mark: "documented",
    source: reference,
  },
  {
    id: "exchange.permission-limit",
    behaviour: "At most 500 permission entries, those of deleted trustees included",
    mark: "observed",
    source: "thextrabit.com, exo-max-acl-limit: refused at about 300 that are shown",
  },
  {
    id: "exchange.permission-limit-text",
    behaviour: "The 501st entry is a System.InvalidOperationException that names the mailbox by GUID",
    mark: "observed",
    source: "thextrabit.com, exo-max-acl-limit",
  },
  {
    id: "exchange.inherited-rows",
    behaviour: "Inherited rows of role groups (Organization Management denied) on every mailbox",
    mark: "documented",
    source: "default entries; which groups a cloud mailbox shows is inferred",
  },
  {
    id: "exchange.automapping-hidden",
    behaviour: "AutoMapping is stored and never shown",
    mark: "documented",
    source: reference,
  },
  {
    id: "exchange.automapping-people",
    behaviour:
      "Only user mailboxes are mapped; AutoMapping true without Full Access is an InvalidOperationException; from 16 mapped mailboxes on a warning",
    mark: "observed",
    source: `office-docs-powershell #7945 for the error; ${decompiled} for the rest, the warning's words are the tenant's`,
  },
  {
    id: "exchange.remove-mailbox",
    behaviour: "Remove-Mailbox soft-deletes mailbox and user for 30 days; a held mailbox becomes inactive",
    mark: "documented",
    source: "Delete or restore user mailboxes",
  },
  {
    id: "exchange.permanently-delete",
    behaviour: "PermanentlyDelete only for a soft-deleted, not inactive mailbox by ExchangeGuid or DN",
    mark: "documented",
    source: reference,
  },
  {
    id: "exchange.undo-soft-deleted",
    behaviour:
      "Undo-SoftDeletedMailbox brings the deleted user back with the mailbox; without the user it needs a password, which the tenant refuses",
    mark: "documented",
    source: `${reference}, example 1`,
    contrary: "It wants a password in any case",
  },
  {
    id: "exchange.filter-syntax",
    behaviour: "Filters: comparisons, and/or/not; EmailAddresses equals without prefix, wildcards with it",
    mark: "documented",
    source: "Filterable properties for the Filter parameter",
  },
  {
    id: "exchange.statistics-never-used",
    behaviour: "Get-MailboxStatistics of a mailbox nothing arrived in: no row and a warning",
    mark: "observed",
    source: `${decompiled}: WarningMailboxNeverBeenLoggedOn`,
  },
  {
    id: "exchange.neutral-culture",
    behaviour: "A neutral culture is refused as Language",
    mark: "observed",
    source: "CIPP",
  },
  {
    id: "exchange.language-format-pair",
    behaviour: "A new Language is refused while a date or time format of the old one stays",
    mark: "documented",
    source: reference,
  },
  {
    id: "exchange.rule-place",
    behaviour:
      "Inbox rules are those Graph shows; a new one comes first, or in the place Priority names, and the others move down",
    mark: "observed",
    source: `${decompiled}: InboxRuleDataProvider`,
  },
  {
    id: "exchange.rule-identity-forms",
    behaviour: "A rule is named by its Name, its RuleIdentity, or the mailbox, a backslash and the RuleIdentity",
    mark: "documented",
    source: reference,
  },
  {
    id: "exchange.rule-identity-number",
    behaviour: "RuleIdentity is a JSON number beyond 2^53; Identity has all its digits, after the mailbox's Name",
    mark: "observed",
    source: "graph2otel wire captures of Get-InboxRule",
  },
  {
    id: "exchange.rule-identity-graph",
    behaviour: "A rule's RuleIdentity is Graph's id of it: eight bytes, low ones first, in base64",
    mark: "assumed",
    source:
      "RuleIdentity is the store's 64-bit id of the rule, Graph's ids are eight bytes; nobody showed the two of one rule",
    contrary: "RuleIdentity is another number than Graph's id",
  },
  {
    id: "exchange.rule-recipients-printed",
    behaviour: "Recipients in rules are printed with EX: and the legacy name inside the organisation, SMTP: outside",
    mark: "observed",
    source: "graph2otel wire captures of Get-InboxRule; SMTP: from public threads",
  },
  {
    id: "exchange.rule-stop-default",
    behaviour: "A new rule stops none behind it unless StopProcessingRules is true",
    mark: "observed",
    source: `${decompiled}: the schema's default`,
  },
  {
    id: "exchange.formats-of-language",
    behaviour:
      "A date or time format that the mailbox's language does not have is refused with the list of those it has",
    mark: "observed",
    source:
      "MicrosoftDocs/office-docs-powershell #5318 (en-GB, with the list) and #7385 (da-DK), OfficeDocs-Support #289 (it-IT); en-US as in .NET's " +
      "documentation; the lists of other languages are wider guesses",
  },
  {
    id: "exchange.rule-name-length",
    behaviour: "A rule's name has at most 512 characters",
    mark: "documented",
    source: `${reference}, Name`,
  },
  {
    id: "exchange.rule-without-action",
    behaviour: "A rule without an action is refused; a Boolean action counts when it is true",
    mark: "observed",
    source: `${decompiled}: ErrorInboxRuleHasNoAction`,
  },
  {
    id: "exchange.rule-force-confirm",
    behaviour: "Force and Confirm change nothing over InvokeCommand: nobody could answer a prompt",
    mark: "observed",
    source: "CIPP runs these cmdlets without Force, mostly without Confirm",
  },
  {
    id: "exchange.rule-error-cleared",
    behaviour: "Any Set-InboxRule takes the error mark off the rule",
    mark: "observed",
    source: decompiled,
  },
  {
    id: "exchange.rule-roles",
    behaviour:
      "Get-InboxRule is refused to view-only roles; for the rest the cmdlets of inbox rules ask for no other role",
    mark: "documented",
    source:
      "Exchange PowerShell reference, Get-InboxRule; the check of the write scope: Exchange 15.00.1497, decompiled",
  },
];
