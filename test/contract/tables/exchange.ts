/**
 * What the provider may say to the Exchange admin API and what it reads from it, written from Microsoft's reference of the
 * cmdlets and from what public clients of `InvokeCommand` do.
 */

/** A parameter's type, in the words of Microsoft's reference. */
export type ParameterType =
  | "String"
  | "Boolean"
  | "SwitchParameter"
  | "Unlimited"
  | "Int32"
  | "SmtpAddress"
  | "ProxyAddress"
  | "ProxyAddressCollection"
  | "MultiValuedProperty"
  | "MailboxIdParameter"
  | "RecipientIdParameter"
  | "SecurityPrincipalIdParameter"
  | "GeneralMailboxOrMailUserIdParameter"
  | "UserIdParameter"
  | "MailboxPlanIdParameter"
  | "InboxRuleIdParameter"
  | "RecipientIdParameter[]"
  | "RecipientTypeDetails[]"
  | "ConvertibleMailboxSubType"
  | "OofState"
  | "ExternalAudience"
  | "DateTime"
  | "CultureInfo"
  | "ExTimeZoneValue"
  | "MailboxRights[]"
  | "ActiveDirectorySecurityInheritance";

/** One parameter the provider may send. */
export interface Parameter {
  type: ParameterType;
  /** The parameter sets it belongs to; all of the cmdlet's when absent. */
  sets?: readonly string[];
  /** Always sent: mandatory in Microsoft's reference, or needed so that the cmdlet neither asks nor truncates. */
  always?: true;
  /** Whether JSON null, which clears the value, is meant. */
  clears?: true;
  /** Whether "" is meant too: it clears the value where null is refused. */
  blank?: true;
  /** The only value that is ever meant. */
  only?: unknown;
}

/** One cmdlet the provider may run. */
export interface Cmdlet {
  kind: "read" | "write";
  parameters: Readonly<Record<string, Parameter>>;
  /** Parameters that say which objects are meant, where none is mandatory: exactly those of one of these groups are sent. */
  selectors?: readonly (readonly string[])[];
  /** Groups of parameters that are sent together or not at all. */
  together?: readonly (readonly string[])[];
  /** Parameters that are only meant beside others, with those. */
  beside?: Readonly<Record<string, readonly string[]>>;
  /** At least one of the others is sent beside `Identity`. */
  changes?: true;
  /** The rows it puts out; absent: none. */
  output?: OutputName;
  /** Whether the output is narrowed with `$select`. */
  selects: boolean;
  /** Where it is known from, when Microsoft's description of the cmdlets lacks it. */
  source?: string;
}

const groups = "Exchange PowerShell reference, Get-Group, and its filterable properties";

/** Without it the cmdlets of inbox rules ask first where the mailbox has rules that Outlook made. */
const force: Parameter = { type: "SwitchParameter", always: true, only: true };
const confirm: Parameter = { type: "SwitchParameter", always: true, only: false };
const unlimited: Parameter = { type: "Unlimited", always: true, only: "Unlimited" };
const mailbox: Parameter = { type: "MailboxIdParameter", always: true };
/** The digits of its number: every one of them, which `RuleIdentity` as a JSON number does not keep. */
const rule: Parameter = { type: "InboxRuleIdParameter", always: true };
const recipient: Parameter = { type: "RecipientIdParameter", always: true };
const flag: Parameter = { type: "Boolean" };
const limit: Parameter = { type: "Unlimited" };
const clearable: Parameter = { type: "String", clears: true };
/** That null clears these texts is documented nowhere. */
const ownText: Parameter = { ...clearable, blank: true };
const customAttributes = Array.from({ length: 15 }, (_, index) => `CustomAttribute${index + 1}`);

/** Sets of Set-Mailbox other than `Identity` that need no switch of their own. */
const rareSets = ["ExcludeFromAllOrgHolds", "ExcludeFromOrgHolds", "RemoveOrphanedHolds"];
const entrySets = ["AccessRights", "Instance"];
const deletedSets = ["AnrSet", "Identity", "MailboxPlanSet"];
const regionalSets = ["Default", "Identity"];

/** Every cmdlet with every parameter that the provider may send. Nothing else is ever sent. */
export const cmdlets: Readonly<Record<string, Cmdlet>> = {
  "Get-Mailbox": {
    kind: "read",
    parameters: {
      Identity: { type: "MailboxIdParameter", sets: ["Identity"] },
      Filter: { type: "String" },
      RecipientTypeDetails: { type: "RecipientTypeDetails[]", only: ["SharedMailbox"] },
      SoftDeletedMailbox: { type: "SwitchParameter", sets: deletedSets, only: true },
      ResultSize: { type: "Unlimited", only: "Unlimited" },
    },
    selectors: [
      ["Identity"],
      ["Filter"],
      ["RecipientTypeDetails"],
      ["SoftDeletedMailbox"],
      ["Identity", "SoftDeletedMailbox"],
    ],
    output: "mailbox",
    selects: true,
  },
  "Get-Recipient": {
    kind: "read",
    parameters: { Filter: { type: "String", always: true }, ResultSize: unlimited },
    selectors: [["Filter"]],
    output: "recipient",
    selects: true,
  },
  "Get-User": {
    kind: "read",
    parameters: {
      Identity: { type: "UserIdParameter", sets: ["Identity"] },
      Filter: { type: "String" },
      ResultSize: { type: "Unlimited", only: "Unlimited" },
    },
    selectors: [["Identity"], ["Filter"]],
    output: "user",
    selects: true,
  },
  "Get-Group": {
    kind: "read",
    parameters: { Filter: { type: "String", always: true }, ResultSize: unlimited },
    selectors: [["Filter"]],
    output: "group",
    selects: true,
    source: groups,
  },
  "Get-MailboxPermission": {
    kind: "read",
    parameters: {
      Identity: mailbox,
      ResultSize: unlimited,
      IncludeSoftDeletedUserPermissions: { type: "SwitchParameter", sets: ["AccessRights"], only: true },
      IncludeUnresolvedPermissions: { type: "SwitchParameter", sets: ["AccessRights"], only: true },
    },
    output: "mailboxPermission",
    selects: false,
  },
  "Get-RecipientPermission": {
    kind: "read",
    parameters: { Identity: recipient, ResultSize: unlimited },
    output: "recipientPermission",
    selects: false,
  },
  "Get-CASMailbox": {
    kind: "read",
    parameters: { Identity: { type: "MailboxIdParameter", sets: ["Identity"], always: true } },
    output: "clientAccess",
    selects: true,
  },
  "Set-CASMailbox": {
    kind: "write",
    parameters: {
      Identity: mailbox,
      OWAEnabled: flag,
      MAPIEnabled: flag,
      ActiveSyncEnabled: flag,
      EwsEnabled: flag,
      PopEnabled: flag,
      ImapEnabled: flag,
      SmtpClientAuthenticationDisabled: { type: "Boolean", clears: true },
    },
    changes: true,
    selects: false,
  },
  "Get-MailboxStatistics": {
    kind: "read",
    parameters: {
      Identity: { type: "GeneralMailboxOrMailUserIdParameter", sets: ["Identity"], always: true },
      IncludeSoftDeletedRecipients: { type: "SwitchParameter", sets: ["Identity"], only: true },
    },
    output: "mailboxStatistics",
    selects: true,
  },
  "Get-MailboxPlan": {
    kind: "read",
    // Without an identity it answers with every plan.
    parameters: { Identity: { type: "MailboxPlanIdParameter", always: true } },
    output: "mailboxPlan",
    selects: true,
    source: "Exchange PowerShell reference, Get-MailboxPlan",
  },
  "Get-MailboxAutoReplyConfiguration": {
    kind: "read",
    parameters: { Identity: mailbox },
    output: "autoReplyConfiguration",
    selects: false,
  },
  "Get-MailboxRegionalConfiguration": {
    kind: "read",
    parameters: { Identity: { ...mailbox, sets: regionalSets } },
    output: "regionalConfiguration",
    selects: false,
  },
  "Get-InboxRule": {
    kind: "read",
    // Without a mailbox it would be the caller's own, which an application does not have.
    parameters: { Mailbox: mailbox, ResultSize: unlimited },
    output: "inboxRule",
    selects: false,
  },
  "Get-AcceptedDomain": {
    kind: "read",
    parameters: {},
    output: "acceptedDomain",
    selects: true,
  },
  "Get-OrganizationConfig": {
    kind: "read",
    parameters: {},
    output: "organizationConfig",
    selects: true,
  },
  "New-Mailbox": {
    kind: "write",
    parameters: {
      Shared: { type: "SwitchParameter", sets: ["Shared"], always: true, only: true },
      Name: { type: "String", always: true },
      DisplayName: { type: "String", always: true },
      Alias: { type: "String", always: true },
      PrimarySmtpAddress: { type: "SmtpAddress", always: true },
      Initials: { type: "String", always: true },
    },
    output: "mailbox",
    selects: false,
    // A mailbox that does not exist yet leads nowhere.
  },
  "Set-User": {
    kind: "write",
    parameters: {
      Identity: { type: "UserIdParameter", always: true },
      Initials: { type: "String", clears: true },
      Confirm: confirm,
    },
    changes: true,
    selects: false,
  },
  "Set-Mailbox": {
    kind: "write",
    parameters: {
      Identity: mailbox,
      DisplayName: { type: "String" },
      Alias: { type: "String" },
      WindowsEmailAddress: { type: "SmtpAddress" },
      EmailAddresses: { type: "ProxyAddressCollection" },
      HiddenFromAddressListsEnabled: { type: "Boolean" },
      RequireSenderAuthenticationEnabled: { type: "Boolean" },
      AcceptMessagesOnlyFromSendersOrMembers: { type: "MultiValuedProperty", clears: true },
      RejectMessagesFromSendersOrMembers: { type: "MultiValuedProperty", clears: true },
      ForwardingAddress: { type: "RecipientIdParameter", clears: true },
      ForwardingSmtpAddress: { type: "ProxyAddress", clears: true },
      DeliverToMailboxAndForward: { type: "Boolean" },
      GrantSendOnBehalfTo: { type: "MultiValuedProperty" },
      MicrosoftOnlineServicesID: { type: "SmtpAddress", sets: rareSets },
      AccountDisabled: flag,
      MailTip: ownText,
      ...Object.fromEntries(customAttributes.map((name) => [name, ownText])),
      MessageCopyForSentAsEnabled: flag,
      MessageCopyForSendOnBehalfEnabled: flag,
      IssueWarningQuota: limit,
      ProhibitSendQuota: limit,
      ProhibitSendReceiveQuota: limit,
      MaxSendSize: limit,
      MaxReceiveSize: limit,
      LitigationHoldEnabled: flag,
      LitigationHoldDuration: limit,
      Type: { type: "ConvertibleMailboxSubType", only: "Shared" },
    },
    together: [
      ["ForwardingAddress", "ForwardingSmtpAddress", "DeliverToMailboxAndForward"],
      // One by one, the order among them could be broken on the way.
      ["IssueWarningQuota", "ProhibitSendQuota", "ProhibitSendReceiveQuota"],
    ],
    beside: { LitigationHoldDuration: ["LitigationHoldEnabled"] },
    changes: true,
    selects: false,
  },
  "Remove-Mailbox": {
    kind: "write",
    parameters: {
      Identity: { type: "MailboxIdParameter", sets: ["Identity", "Default"], always: true },
      Confirm: confirm,
      Force: { type: "SwitchParameter", only: true },
      PermanentlyDelete: { type: "SwitchParameter", sets: ["Default"], only: true },
    },
    selects: false,
  },
  "Enable-Mailbox": {
    kind: "write",
    parameters: {
      Identity: { type: "UserIdParameter", always: true },
      Archive: { type: "SwitchParameter", sets: ["Archive"], always: true, only: true },
    },
    output: "mailbox",
    selects: false,
  },
  "Disable-Mailbox": {
    kind: "write",
    parameters: {
      Identity: mailbox,
      Archive: { type: "SwitchParameter", sets: ["Archive"], always: true, only: true },
      Confirm: confirm,
    },
    selects: false,
    source: "Exchange PowerShell reference, Disable-Mailbox",
  },
  "Set-MailboxAutoReplyConfiguration": {
    kind: "write",
    parameters: {
      Identity: mailbox,
      AutoReplyState: { type: "OofState" },
      ExternalAudience: { type: "ExternalAudience" },
      InternalMessage: clearable,
      ExternalMessage: clearable,
      StartTime: { type: "DateTime" },
      EndTime: { type: "DateTime" },
    },
    changes: true,
    selects: false,
  },
  "Set-MailboxRegionalConfiguration": {
    kind: "write",
    parameters: {
      Identity: { ...mailbox, sets: regionalSets },
      Language: { type: "CultureInfo" },
      TimeZone: { type: "ExTimeZoneValue" },
      DateFormat: clearable,
      TimeFormat: clearable,
      LocalizeDefaultFolderName: { type: "SwitchParameter", only: true },
    },
    changes: true,
    selects: false,
  },
  "New-InboxRule": {
    kind: "write",
    parameters: {
      Mailbox: mailbox,
      Name: { type: "String", sets: ["Identity"], always: true },
      ForwardAsAttachmentTo: { type: "RecipientIdParameter[]", sets: ["Identity"], always: true },
      Priority: { type: "Int32", sets: ["Identity"], always: true, only: 1 },
      StopProcessingRules: { type: "Boolean", sets: ["Identity"], always: true, only: false },
      Force: force,
    },
    output: "inboxRule",
    selects: false,
  },
  "Set-InboxRule": {
    kind: "write",
    parameters: {
      Mailbox: mailbox,
      Identity: rule,
      Name: { type: "String", always: true },
      ForwardAsAttachmentTo: { type: "RecipientIdParameter[]", always: true },
      Priority: { type: "Int32", always: true, only: 1 },
      StopProcessingRules: { type: "Boolean", always: true, only: false },
      Force: force,
    },
    selects: false,
  },
  "Enable-InboxRule": {
    kind: "write",
    parameters: { Mailbox: mailbox, Identity: rule, Force: force },
    selects: false,
    source: "Exchange PowerShell reference, Enable-InboxRule",
  },
  "Remove-InboxRule": {
    kind: "write",
    parameters: { Mailbox: mailbox, Identity: rule, Confirm: confirm, Force: force },
    selects: false,
  },
  "Add-MailboxPermission": {
    kind: "write",
    parameters: {
      Identity: { ...mailbox, sets: entrySets },
      User: { type: "SecurityPrincipalIdParameter", sets: entrySets, always: true },
      AccessRights: { type: "MailboxRights[]", sets: entrySets, always: true, only: ["FullAccess"] },
      InheritanceType: { type: "ActiveDirectorySecurityInheritance", sets: entrySets, only: "All" },
      AutoMapping: { type: "Boolean", sets: entrySets, always: true },
      Confirm: confirm,
    },
    output: "mailboxPermission",
    selects: false,
  },
  "Remove-MailboxPermission": {
    kind: "write",
    parameters: {
      Identity: { ...mailbox, sets: ["AccessRights"] },
      User: { type: "SecurityPrincipalIdParameter", sets: entrySets, always: true },
      AccessRights: { type: "MailboxRights[]", sets: entrySets, always: true, only: ["FullAccess"] },
      Confirm: confirm,
    },
    selects: false,
  },
  "Add-RecipientPermission": {
    kind: "write",
    parameters: {
      Identity: recipient,
      Trustee: { type: "SecurityPrincipalIdParameter", always: true },
      AccessRights: { type: "MultiValuedProperty", always: true, only: ["SendAs"] },
      Confirm: confirm,
    },
    output: "recipientPermission",
    selects: false,
  },
  "Remove-RecipientPermission": {
    kind: "write",
    parameters: {
      Identity: recipient,
      Trustee: { type: "SecurityPrincipalIdParameter", always: true },
      AccessRights: { type: "MultiValuedProperty", always: true, only: ["SendAs"] },
      Confirm: confirm,
      SkipDomainValidationForSharedMailbox: { type: "SwitchParameter", always: true, only: true },
    },
    selects: false,
  },
};

/**
 * What is never sent, whatever asks for it: it resets or destroys more than a declared change could mean. Cmdlets by name, and
 * parameters of any cmdlet. `Disable-Mailbox` disables the whole mailbox unless it is told `Archive`.
 */
export const denied = {
  parameters: ["ResetDefault", "ClearAutoMapping", "RemoveDelayHoldApplied", "PermanentlyDisable"],
  disableMailboxOnlyWith: "Archive",
} as const;

/** Properties by which the provider filters; addresses stand in a filter without their prefix. */
export const filterable = {
  "Get-Mailbox": ["EmailAddresses", "LegacyExchangeDN"],
  "Get-Recipient": ["EmailAddresses", "ExternalDirectoryObjectId", "Name", "Alias"],
  "Get-User": ["ExternalDirectoryObjectId", "Sid", "SidHistory"],
  "Get-Group": ["ExternalDirectoryObjectId", "Sid", "SidHistory"],
} as const satisfies Record<string, readonly string[]>;

/** A value's type on the wire. */
export type OutputType =
  | "Edm.String"
  | "Edm.Guid"
  | "Edm.Boolean"
  | "Edm.Int32"
  | "Edm.Int64"
  | "Edm.DateTimeOffset"
  | "Collection(Edm.String)";

/** A property of a row that the provider reads. */
export interface OutputProperty {
  type: OutputType;
  /** Whether it comes as JSON null where there is nothing. */
  nullable?: true;
  /** Whether a row may be without it. */
  optional?: true;
  /** Where it is known from, when the admin API's own metadata does not have it, or has it otherwise, under the output's type. */
  source?: string;
}

export type OutputName =
  | "mailbox"
  | "recipient"
  | "user"
  | "group"
  | "mailboxPermission"
  | "recipientPermission"
  | "clientAccess"
  | "mailboxStatistics"
  | "mailboxPlan"
  | "autoReplyConfiguration"
  | "regionalConfiguration"
  | "inboxRule"
  | "acceptedDomain"
  | "organizationConfig";

const string: OutputProperty = { type: "Edm.String" };
const nullableString: OutputProperty = { type: "Edm.String", nullable: true };
const boolean: OutputProperty = { type: "Edm.Boolean" };
const strings: OutputProperty = { type: "Collection(Edm.String)" };

const captures = "rows as wire captures of clients of InvokeCommand show them (graph2otel, 2026-07)";
const acceptedDomains = "Exchange PowerShell reference, Get-AcceptedDomain";
const plans = "Exchange PowerShell reference, Get-MailboxPlan, and properties as of Set-MailboxPlan";

const ruleCaptures = "rows of Get-InboxRule as wire captures show them (graph2otel, 2026-07)";
const ruleOutput = "output of Get-InboxRule in public threads, and the parameters of New-InboxRule of the same names";

/** What a rule may do and what may limit it, as far as it comes as lists. */
const ruleLists = {
  actions: names(
    "ApplyCategory ApplySystemCategory DeleteSystemCategory ForwardTo RedirectTo SendTextMessageNotificationTo",
  ),
  conditions: names(
    `AssignedCategories BodyContainsWords From FromAddressContainsWords HasClassification HeaderContainsWords
     RecipientAddressContainsWords SentTo SubjectContainsWords SubjectOrBodyContainsWords`,
  ),
};
const ruleFlags = {
  actions: names(
    `ClearCategories ClearFlag CompleteFlag DeleteMessage MarkAsRead PermanentDelete PinMessage SoftDeleteMessage
     StopProcessingRules`,
  ),
  conditions: names(
    `AnyCategory BulkCategory HasAttachment MyNameInCcBox MyNameInToBox MyNameInToOrCcBox MyNameNotInToBox SentOnlyToMe`,
  ),
};
const ruleTexts = {
  actions: names("CopyToFolder DisplayAlert FlagMessage MarkImportance MoveToFolder PlaySound"),
  conditions: names(
    `FlaggedForAction MessageTypeMatches ReceivedAfterDate ReceivedBeforeDate WithImportance WithinSizeRangeMaximum
     WithinSizeRangeMinimum WithSensitivity`,
  ),
};

function names(text: string): string[] {
  return text.split(/\s+/);
}

/** Every condition is an exception, too. */
function both(conditions: readonly string[]): string[] {
  return [...conditions, ...conditions.map((name) => `ExceptIf${name}`)];
}

function ruleParts(type: OutputType, ...parts: string[]): Record<string, OutputProperty> {
  return Object.fromEntries(parts.map((name) => [name, { type, nullable: true, optional: true, source: ruleOutput }]));
}

/** What the provider reads of each kind of row. `types` are the admin API's own types that hold it. */
export const outputs: Readonly<
  Record<OutputName, { types: readonly string[]; properties: Readonly<Record<string, OutputProperty>> }>
> = {
  mailbox: {
    types: ["Mailbox"],
    properties: {
      ExternalDirectoryObjectId: string,
      Guid: { type: "Edm.Guid" },
      ExchangeGuid: { type: "Edm.Guid" },
      Name: string,
      Alias: string,
      DisplayName: string,
      UserPrincipalName: string,
      PrimarySmtpAddress: string,
      EmailAddresses: strings,
      LegacyExchangeDN: string,
      EmailAddressPolicyEnabled: boolean,
      RecipientTypeDetails: string,
      IsDirSynced: boolean,
      HiddenFromAddressListsEnabled: boolean,
      RequireSenderAuthenticationEnabled: boolean,
      AcceptMessagesOnlyFromSendersOrMembers: strings,
      RejectMessagesFromSendersOrMembers: strings,
      ForwardingAddress: nullableString,
      ForwardingSmtpAddress: nullableString,
      DeliverToMailboxAndForward: boolean,
      GrantSendOnBehalfTo: strings,
      WhenMailboxCreated: string,
      LitigationHoldEnabled: boolean,
      InPlaceHolds: strings,
      ComplianceTagHoldApplied: boolean,
      DelayHoldApplied: boolean,
      DelayReleaseHoldApplied: {
        ...boolean,
        source:
          "Microsoft Purview, how to identify a hold on a mailbox: delay holds; Set-Mailbox -RemoveDelayReleaseHoldApplied",
      },
      LitigationHoldDuration: string,
      MailTip: nullableString,
      ...Object.fromEntries(customAttributes.map((name) => [name, string])),
      MessageCopyForSentAsEnabled: boolean,
      MessageCopyForSendOnBehalfEnabled: boolean,
      IssueWarningQuota: string,
      ProhibitSendQuota: string,
      ProhibitSendReceiveQuota: string,
      MaxSendSize: string,
      MaxReceiveSize: string,
      ArchiveGuid: { type: "Edm.Guid" },
      MailboxPlan: string,
      // Of a mailbox that is not deleted there is no such time.
      WhenSoftDeleted: nullableString,
      IsInactiveMailbox: boolean,
    },
  },
  clientAccess: {
    types: ["CasMailbox"],
    properties: {
      ExternalDirectoryObjectId: string,
      OWAEnabled: boolean,
      MAPIEnabled: boolean,
      ActiveSyncEnabled: boolean,
      EwsEnabled: { ...boolean, nullable: true },
      PopEnabled: boolean,
      ImapEnabled: boolean,
      SmtpClientAuthenticationDisabled: { ...boolean, nullable: true },
    },
  },
  recipient: {
    types: ["Recipient"],
    properties: {
      ExternalDirectoryObjectId: string,
      Guid: string,
      Name: string,
      Alias: string,
      DisplayName: string,
      PrimarySmtpAddress: string,
      EmailAddresses: strings,
      RecipientTypeDetails: string,
      WindowsLiveID: { ...string, nullable: true },
      DistinguishedName: string,
    },
  },
  user: {
    types: ["User"],
    properties: {
      ExternalDirectoryObjectId: string,
      Sid: string,
      SidHistory: strings,
      Initials: { ...string, optional: true },
    },
  },
  group: {
    types: [],
    properties: {
      ExternalDirectoryObjectId: { ...string, source: groups },
      Sid: { ...string, source: groups },
      SidHistory: { ...strings, source: groups },
    },
  },
  mailboxPermission: {
    types: ["MailboxPermissionInfo", "MailboxPermission"],
    properties: {
      Identity: { ...string, source: captures },
      User: string,
      UserSid: { ...string, source: captures },
      AccessRights: strings,
      IsInherited: boolean,
      Deny: boolean,
    },
  },
  recipientPermission: {
    types: ["RecipientPermission"],
    properties: {
      Identity: string,
      Trustee: string,
      TrusteeSidString: { ...string, source: captures },
      AccessControlType: string,
      AccessRights: strings,
      IsInherited: { ...boolean, optional: true },
    },
  },
  mailboxStatistics: {
    types: ["MailboxStatistics"],
    properties: {
      MailboxGuid: { type: "Edm.Guid" },
      TotalItemSize: {
        ...string,
        source:
          "Exchange PowerShell reference, properties of Get-MailboxStatistics: text such as 3.3 KB (3,402 bytes); in the metadata " +
          "it is the number that the REST resource gives",
      },
      ItemCount: { type: "Edm.Int64" },
    },
  },
  mailboxPlan: {
    types: [],
    properties: {
      Name: { ...string, source: plans },
      MaxSendSize: { ...string, source: plans },
      MaxReceiveSize: { ...string, source: plans },
    },
  },
  autoReplyConfiguration: {
    types: ["MailboxAutoReplyConfiguration"],
    properties: {
      AutoReplyState: string,
      ExternalAudience: string,
      InternalMessage: nullableString,
      ExternalMessage: nullableString,
      StartTime: { type: "Edm.DateTimeOffset" },
      EndTime: { type: "Edm.DateTimeOffset" },
    },
  },
  regionalConfiguration: {
    types: ["MailboxRegionalConfiguration"],
    // All of them are null until somebody sets them.
    properties: {
      Language: nullableString,
      TimeZone: nullableString,
      DateFormat: nullableString,
      TimeFormat: nullableString,
    },
  },
  inboxRule: {
    types: [],
    properties: {
      Identity: { ...string, source: ruleCaptures },
      Name: { ...string, source: ruleCaptures },
      Priority: { type: "Edm.Int32", source: ruleCaptures },
      Enabled: { ...boolean, source: ruleCaptures },
      InError: { ...boolean, optional: true, source: ruleOutput },
      ForwardAsAttachmentTo: { ...strings, nullable: true, optional: true, source: ruleCaptures },
      ...ruleParts("Collection(Edm.String)", ...ruleLists.actions, ...both(ruleLists.conditions)),
      ...ruleParts("Edm.Boolean", ...ruleFlags.actions, ...both(ruleFlags.conditions)),
      ...ruleParts("Edm.String", ...ruleTexts.actions, ...both(ruleTexts.conditions)),
    },
  },
  acceptedDomain: {
    types: [],
    properties: {
      DomainName: { ...string, source: acceptedDomains },
      DomainType: { ...string, source: acceptedDomains },
      Default: { ...boolean, source: acceptedDomains },
    },
  },
  organizationConfig: {
    types: [],
    properties: {
      InPlaceHolds: {
        ...strings,
        source: "Microsoft Purview, how to identify a hold on a mailbox: Get-OrganizationConfig",
      },
    },
  },
};

/** Rows a page may have, at most. */
export const LARGEST_PAGE = 1000;
/** Requests a batch may hold: what public clients send. */
export const LARGEST_BATCH = 10;
