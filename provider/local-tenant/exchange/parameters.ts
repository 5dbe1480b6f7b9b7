import { names } from "../values";
import {
  address,
  type CmdletShape,
  countOrUnlimited,
  flag,
  identity,
  instant,
  integer,
  list,
  oneOf,
  type Parameter,
  type ParameterType,
  someOf,
  text,
  toggle,
} from "./binding";
import {
  clientAccessProperties,
  mailboxProperties,
  parametersOf,
  rareSets,
  sendersOrMembers,
} from "./mailbox-properties";

function optional(type: ParameterType, ...sets: string[]): Parameter {
  return { type, required: false, sets: sets.length === 0 ? undefined : sets };
}

function required(type: ParameterType, ...sets: string[]): Parameter {
  return { ...optional(type, ...sets), required: true };
}

const recipientTypeDetails = someOf(
  "RecipientTypeDetails",
  ...names(`
    UserMailbox SharedMailbox RoomMailbox EquipmentMailbox MailUser GuestMailUser MailContact
    MailUniversalSecurityGroup MailUniversalDistributionGroup GroupMailbox LinkedMailbox LinkedRoomMailbox LegacyMailbox
    DiscoveryMailbox SchedulingMailbox TeamMailbox DynamicDistributionGroup MailForestContact MailNonUniversalGroup
    PublicFolder RoomList User
  `),
);

const recipientType = someOf(
  "RecipientType",
  ...names(`
    UserMailbox MailUser MailContact MailUniversalSecurityGroup MailUniversalDistributionGroup
    MailNonUniversalGroup DynamicDistributionGroup PublicFolder
  `),
);

const mailboxRights = someOf(
  "MailboxRights",
  ...names("FullAccess ExternalAccount DeleteItem ReadPermission ChangePermission ChangeOwner"),
);

const recipientRights = someOf("RecipientAccessRight", "SendAs");

const inheritance = oneOf(
  "ActiveDirectorySecurityInheritance",
  ...names("None All Descendents SelfAndChildren Children"),
);

const customAttributes = Object.fromEntries(
  Array.from({ length: 15 }, (_, index) => [`CustomAttribute${index + 1}`, optional(text)]),
);

const ruleConditions = {
  From: optional(list),
  SentTo: optional(list),
  SubjectContainsWords: optional(list),
  BodyContainsWords: optional(list),
  SubjectOrBodyContainsWords: optional(list),
  FromAddressContainsWords: optional(list),
  RecipientAddressContainsWords: optional(list),
  HeaderContainsWords: optional(list),
  HasAttachment: optional(flag),
  MyNameInCcBox: optional(flag),
  MyNameInToBox: optional(flag),
  MyNameInToOrCcBox: optional(flag),
  MyNameNotInToBox: optional(flag),
  SentOnlyToMe: optional(flag),
  ReceivedAfterDate: optional(instant),
  ReceivedBeforeDate: optional(instant),
};

const ruleParameters = {
  Name: optional(text),
  Priority: optional(integer),
  StopProcessingRules: optional(flag),
  ForwardTo: optional(list),
  ForwardAsAttachmentTo: optional(list),
  RedirectTo: optional(list),
  DeleteMessage: optional(flag),
  MarkAsRead: optional(flag),
  PermanentDelete: optional(flag),
  ...ruleConditions,
  ...Object.fromEntries(Object.entries(ruleConditions).map(([name, parameter]) => [`ExceptIf${name}`, parameter])),
  AlwaysDeleteOutlookRulesBlob: optional(toggle),
  Confirm: optional(toggle),
  Force: optional(toggle),
  Mailbox: optional(identity),
};

const ruleRefused = names(
  `AnyCategory AssignedCategories ApplyCategory ApplySystemCategory BulkCategory ClearCategories ClearFlag CompleteFlag CopyToFolder
   DeleteSystemCategory DisplayAlert ExceptIfAnyCategory ExceptIfAssignedCategories ExceptIfBulkCategory ExceptIfFlaggedForAction
   ExceptIfHasClassification ExceptIfMessageTypeMatches ExceptIfWithImportance
   ExceptIfWithinSizeRangeMaximum ExceptIfWithinSizeRangeMinimum ExceptIfWithSensitivity FlaggedForAction FlagMessage
   HasClassification MarkImportance MessageTypeMatches MoveToFolder PinMessage PlaySound
   SoftDeleteMessage WithImportance WithinSizeRangeMaximum WithinSizeRangeMinimum WithSensitivity WhatIf`,
);

const ruleState: CmdletShape = {
  parameters: {
    Identity: required(identity),
    AlwaysDeleteOutlookRulesBlob: optional(toggle),
    Confirm: optional(toggle),
    Force: optional(toggle),
    Mailbox: optional(identity),
  },
  refused: ["WhatIf"],
};

/**
 * The parameters of every cmdlet the tenant runs, as Microsoft's reference lists them for the cloud: type, whether mandatory, and
 * parameter sets. What the service knows and the tenant does not do stands in `refused`.
 */
export const shapes = {
  "New-Mailbox": {
    parameters: {
      Name: required(text),
      Shared: optional(toggle, "Shared"),
      Alias: optional(text),
      Archive: optional(toggle),
      Confirm: optional(toggle),
      DisplayName: optional(text),
      FirstName: optional(text),
      Force: optional(toggle),
      Initials: optional(text),
      LastName: optional(text),
      PrimarySmtpAddress: optional(address),
    },
    refused: names(
      `ActiveSyncMailboxPolicy Discovery EnableRoomMailboxAccount Equipment FederatedIdentity HoldForMigration ImmutableId
       InactiveMailbox IsExcludedFromServingHierarchy MailboxPlan MailboxRegion MicrosoftOnlineServicesID Migration ModeratedBy
       ModerationEnabled Office OrganizationalUnit Password Phone ProxyEmailAddress PublicFolder RemotePowerShellEnabled RemovedMailbox
       ResetPasswordOnNextLogon ResourceCapacity RoleAssignmentPolicy Room RoomMailboxPassword SendModerationNotifications TargetAllMDBs
       WhatIf`,
    ),
  },
  "Get-Mailbox": {
    parameters: {
      Identity: optional(identity, "Identity"),
      Filter: optional(text),
      RecipientTypeDetails: optional(recipientTypeDetails),
      ResultSize: optional(countOrUnlimited),
      SortBy: optional(text),
      SoftDeletedMailbox: optional(toggle, "AnrSet", "Identity", "MailboxPlanSet"),
      InactiveMailboxOnly: optional(toggle, "AnrSet", "Identity", "MailboxPlanSet"),
      IncludeInactiveMailbox: optional(toggle, "AnrSet", "Identity", "MailboxPlanSet"),
      IncludeGrantSendOnBehalfToWithDisplayNames: optional(toggle, "AnrSet", "Identity", "MailboxPlanSet"),
      IncludeForwardingAddressWithDisplayNames: optional(toggle, "AnrSet", "Identity", "MailboxPlanSet"),
    },
    refused: names(
      `Anr Archive GroupMailbox MailboxPlan Migration OrganizationalUnit PublicFolder
       IncludeAcceptMessagesOnlyFromDLMembersWithDisplayNames IncludeAcceptMessagesOnlyFromSendersOrMembersWithDisplayNames
       IncludeAcceptMessagesOnlyFromWithDisplayNames IncludeEmailAddressDisplayNames`,
    ),
  },
  "Set-Mailbox": {
    parameters: {
      Identity: required(identity),
      ...parametersOf(mailboxProperties),
      ...Object.fromEntries(Object.keys(sendersOrMembers).map((name) => [name, optional(list)])),
      ...customAttributes,
      AccountDisabled: optional(flag),
      Alias: optional(text),
      Confirm: optional(toggle),
      DisplayName: optional(text),
      EmailAddresses: optional(list),
      Force: optional(toggle),
      HiddenFromAddressListsEnabled: optional(flag),
      MicrosoftOnlineServicesID: optional(address, ...rareSets),
      Name: optional(text),
      RemoveDelayHoldApplied: optional(toggle, "RemoveDelayHoldApplied"),
      RemoveDelayReleaseHoldApplied: optional(toggle, "RemoveDelayReleaseHoldApplied"),
      Type: optional(oneOf("ConvertibleMailboxSubType", "Regular", "Room", "Equipment", "Shared", "Workspace", "Desk")),
      UseDatabaseQuotaDefaults: optional(flag),
      WindowsEmailAddress: optional(address),
    },
    refused: names(
      `AddressBookPolicy ApplyMandatoryProperties ArchiveName AuditAdmin AuditDelegate AuditEnabled AuditLogAgeLimit AuditOwner AutoArchivingEnabled
       BypassModerationFromSendersOrMembers CalendarRepairDisabled CalendarVersionStoreDisabled ClearThrottlingPolicyAssignment
       DataEncryptionPolicy DefaultAuditSet DefaultPublicFolderMailbox ElcProcessingDisabled EmailAddressDisplayNames
       EnableRoomMailboxAccount EndDateForRetentionHold EnforcedTimestamps ExcludeFromAllHolds ExcludeFromAllOrgHolds ExcludeFromOrgHolds
       ExtensionCustomAttribute1 ExtensionCustomAttribute2 ExtensionCustomAttribute3 ExtensionCustomAttribute4 ExtensionCustomAttribute5
       ExternalOofOptions GroupMailbox ImmutableId InactiveMailbox IsExchangeCloudManaged IsExcludedFromServingHierarchy
       JournalArchiveAddress Languages LitigationHoldDate LitigationHoldOwner MailboxRegion MailTipTranslations
       MessageTrackingReadStatusEnabled ModeratedBy ModerationEnabled NonCompliantDevices Office Password ProvideConsent
       ProvisionedForOfficeGraph PublicFolder RecalculateInactiveMailbox RemoveComplianceTagHoldApplied RemoveDisabledArchive RemoveMailboxProvisioningConstraint
       RemoveOrphanedHolds ResourceCapacity ResourceCustom RetentionComment RetentionPolicy RetentionUrl RoleAssignmentPolicy
       RoomMailboxPassword RulesQuota SchedulerAssistant SendModerationNotifications SharingPolicy SimpleDisplayName
       StartDateForRetentionHold StsRefreshTokensValidFrom UniqueRecipientsCountLimitLevel UniqueUnrestrictedGroupsLimitEnabled
       UpdateEnforcedTimestamp UseDatabaseRetentionDefaults UserCertificate UserSMimeCertificate WhatIf`,
    ),
  },
  "Get-CASMailbox": {
    parameters: {
      Identity: optional(identity, "Identity"),
      Filter: optional(text),
      RecipientTypeDetails: optional(recipientTypeDetails),
      ResultSize: optional(countOrUnlimited),
      SortBy: optional(text),
    },
    refused: names(
      `ActiveSyncDebugLogging ActiveSyncSuppressReadReceipt Anr Credential IgnoreDefaultScope OrganizationalUnit ProtocolSettings
       ReadIsOptimizedForAccessibility RecalculateHasActiveSyncDevicePartnership`,
    ),
  },
  "Set-CASMailbox": {
    parameters: {
      Identity: required(identity),
      ...parametersOf(clientAccessProperties),
      Confirm: optional(toggle),
    },
    refused: names(
      `ActiveSyncAllowedDeviceIDs ActiveSyncBlockedDeviceIDs ActiveSyncDebugLogging ActiveSyncMailboxPolicy
       ActiveSyncSuppressReadReceipt EwsAllowEntourage EwsAllowList EwsAllowMacOutlook EwsAllowOutlook EwsApplicationAccessPolicy
       EwsBlockList ImapForceICalForCalendarRetrievalOption ImapMessagesRetrievalMimeFormat ImapSuppressReadReceipt
       ImapUseProtocolDefaults IsOptimizedForAccessibility OwaMailboxPolicy PopForceICalForCalendarRetrievalOption
       PopMessagesRetrievalMimeFormat PopSuppressReadReceipt PopUseProtocolDefaults PublicFolderClientAccess ShowGalAsDefaultView
       WhatIf`,
    ),
  },
  "Remove-Mailbox": {
    parameters: {
      Identity: required(identity, "Identity", "Default"),
      PermanentlyDelete: optional(toggle, "Default"),
      Confirm: optional(toggle),
      Force: optional(toggle),
    },
    refused: names("Migration PublicFolder RemoveCNFPublicFolderMailboxPermanently WhatIf"),
  },
  "Undo-SoftDeletedMailbox": {
    parameters: {
      SoftDeletedObject: required(identity),
      DisplayName: optional(text),
      Name: optional(text),
      Confirm: optional(toggle),
    },
    refused: names("PublicFolder Password WindowsLiveID WhatIf"),
  },
  "Enable-Mailbox": {
    parameters: {
      Identity: required(identity),
      Archive: optional(toggle, "Archive"),
      AutoExpandingArchive: optional(toggle, "AutoExpandingArchive"),
      Confirm: optional(toggle),
      Force: optional(toggle),
    },
    refused: names("ArchiveName RoleAssignmentPolicy WhatIf"),
  },
  "Disable-Mailbox": {
    parameters: {
      Identity: required(identity),
      Archive: optional(toggle, "Archive"),
      Confirm: optional(toggle),
    },
    refused: names(
      "PermanentlyDisable PermanentlyClearPreviousMailboxInfo IgnoreLegalHold DisableLastArbitrationMailboxAllowed WhatIf",
    ),
  },
  "Get-Recipient": {
    parameters: {
      Identity: optional(identity, "Identity"),
      Filter: optional(text),
      IncludeSoftDeletedRecipients: optional(toggle),
      Properties: optional(list),
      RecipientType: optional(recipientType),
      RecipientTypeDetails: optional(recipientTypeDetails),
      ResultSize: optional(countOrUnlimited),
      SortBy: optional(text),
    },
    refused: names(
      `Anr AuthenticationType BookmarkDisplayName Capabilities IncludeBookmarkObject IncludeManagerWithDisplayName OrganizationalUnit
       PropertySet RecipientPreviewFilter`,
    ),
  },
  "Set-User": {
    parameters: {
      Identity: required(identity),
      Confirm: optional(toggle),
      Initials: optional(text),
    },
    refused: names(
      `AssistantName AuthenticationPolicy BlockCloudCache CanHaveCloudCache City ClearDataEncryptionPolicy Company CountryOrRegion
       Department DesiredWorkloads DisplayName EXOModuleEnabled Fax FirstName Force GeoCoordinates HomePhone IsShadowMailbox LastName
       MailboxRegion MailboxRegionSuffix ManagedOnboardingType Manager MobilePhone Name Notes Office OtherFax OtherHomePhone
       OtherTelephone Pager PermanentlyClearPreviousMailboxInfo Phone PhoneticDisplayName PostalCode PostOfficeBox PublicFolder
       RemotePowerShellEnabled RemoveMailboxProvisioningConstraint ResetPasswordOnNextLogon SeniorityIndex SimpleDisplayName
       StateOrProvince StreetAddress StsRefreshTokensValidFrom Title VIP WebPage WhatIf WindowsEmailAddress`,
    ),
  },
  "Add-MailboxPermission": {
    parameters: {
      Identity: required(identity, "AccessRights", "Instance"),
      User: required(identity, "AccessRights", "Instance"),
      AccessRights: required(mailboxRights, "AccessRights", "Instance"),
      AutoMapping: optional(flag, "AccessRights", "Instance"),
      Deny: optional(toggle, "AccessRights", "Instance"),
      InheritanceType: optional(inheritance, "AccessRights", "Instance"),
      Confirm: optional(toggle),
      IgnoreDefaultScope: optional(toggle),
    },
    refused: names("GroupMailbox Owner WhatIf"),
  },
  "Get-User": {
    parameters: {
      Identity: optional(identity, "Identity"),
      Filter: optional(text),
      ResultSize: optional(countOrUnlimited),
    },
    refused: names(
      `Anr IncludeDirectReportsWithDisplayNames IncludeManagerWithDisplayName IsVIP OrganizationalUnit PublicFolder
       RecipientTypeDetails Sortby`,
    ),
  },
  "Get-Group": {
    parameters: {
      Identity: optional(identity, "Identity"),
      Filter: optional(text),
      ResultSize: optional(countOrUnlimited),
    },
    refused: names("Anr OrganizationalUnit RecipientTypeDetails SortBy"),
  },
  "Get-MailboxPermission": {
    parameters: {
      Identity: required(identity),
      User: optional(identity, "AccessRights"),
      IncludeSoftDeletedUserPermissions: optional(toggle, "AccessRights"),
      IncludeUnresolvedPermissions: optional(toggle, "AccessRights"),
      SoftDeletedMailbox: optional(toggle, "AccessRights"),
      ResultSize: optional(countOrUnlimited),
      ReadFromDomainController: optional(toggle),
      UseCustomRouting: optional(toggle),
    },
    refused: names("Credential GroupMailbox IncludeUserWithDisplayName Owner"),
  },
  "Remove-MailboxPermission": {
    parameters: {
      Identity: required(identity),
      User: optional(identity, "AccessRights", "Instance"),
      AccessRights: optional(mailboxRights, "AccessRights", "Instance"),
      Deny: optional(toggle, "AccessRights", "Instance"),
      InheritanceType: optional(inheritance, "AccessRights", "Instance"),
      BypassMasterAccountSid: optional(toggle, "AccessRights", "Owner", "ClearAutoMapping"),
      ClearAutoMapping: optional(toggle, "ClearAutoMapping"),
      ResetDefault: optional(toggle, "Instance"),
      SoftDeletedMailbox: optional(toggle, "AccessRights"),
      Confirm: optional(toggle),
      IgnoreDefaultScope: optional(toggle),
    },
    refused: names("GroupMailbox WhatIf"),
  },
  "Add-RecipientPermission": {
    parameters: {
      Identity: required(identity),
      Trustee: required(identity),
      AccessRights: required(recipientRights),
      Confirm: optional(toggle),
    },
    refused: ["WhatIf"],
  },
  "Get-RecipientPermission": {
    parameters: {
      Identity: optional(identity),
      Trustee: optional(identity),
      AccessRights: optional(recipientRights),
      ReadFromDomainController: optional(toggle),
      ResultSize: optional(countOrUnlimited),
    },
    refused: ["IncludeTrusteeWithPrimarySmtpAddress"],
  },
  "Remove-RecipientPermission": {
    parameters: {
      Identity: required(identity),
      Trustee: required(identity),
      AccessRights: required(recipientRights),
      Confirm: optional(toggle),
      SkipDomainValidationForMailContact: optional(toggle),
      SkipDomainValidationForMailUser: optional(toggle),
      SkipDomainValidationForSharedMailbox: optional(toggle),
    },
    refused: names("Deny MultiTrustees WhatIf"),
  },
  "Get-MailboxStatistics": {
    parameters: {
      Identity: required(identity, "Identity"),
      Archive: optional(toggle, "Identity"),
      IncludeSoftDeletedRecipients: optional(toggle, "Identity"),
      UseCustomRouting: optional(toggle, "Identity"),
    },
    refused: names("IncludeMoveHistory IncludeMoveReport"),
  },
  "Get-MailboxAutoReplyConfiguration": {
    parameters: {
      Identity: required(identity),
      ReadFromDomainController: optional(toggle),
      ResultSize: optional(countOrUnlimited),
      UseCustomRouting: optional(toggle),
    },
    refused: ["Credential"],
  },
  "Set-MailboxAutoReplyConfiguration": {
    parameters: {
      Identity: required(identity),
      AutoReplyState: optional(oneOf("OofState", "Disabled", "Enabled", "Scheduled")),
      ExternalAudience: optional(oneOf("ExternalAudience", "None", "Known", "All")),
      InternalMessage: optional(text),
      ExternalMessage: optional(text),
      StartTime: optional(instant),
      EndTime: optional(instant),
      Confirm: optional(toggle),
      IgnoreDefaultScope: optional(toggle),
    },
    refused: names(
      `AutoDeclineFutureRequestsWhenOOF CreateOOFEvent DeclineAllEventsForScheduledOOF DeclineEventsForScheduledOOF
       DeclineMeetingMessage EventsToDeleteIDs OOFEventSubject WhatIf`,
    ),
  },
  "Get-MailboxRegionalConfiguration": {
    parameters: {
      Identity: required(identity, "Default", "Identity"),
      VerifyDefaultFolderNameLanguage: optional(toggle),
      UseCustomRouting: optional(toggle, "Identity", "MailboxLocation"),
    },
    refused: names("Archive MailboxLocation"),
  },
  "Set-MailboxRegionalConfiguration": {
    parameters: {
      Identity: required(identity, "Default", "Identity"),
      Language: optional(text),
      TimeZone: optional(text),
      DateFormat: optional(text),
      TimeFormat: optional(text),
      LocalizeDefaultFolderName: optional(toggle),
      Confirm: optional(toggle),
      UseCustomRouting: optional(toggle, "Identity", "MailboxLocation"),
    },
    refused: names("Archive MailboxLocation WhatIf"),
  },
  "Get-InboxRule": {
    parameters: {
      Identity: optional(identity),
      Mailbox: optional(identity),
      BypassScopeCheck: optional(toggle),
      IncludeHidden: optional(toggle),
      ResultSize: optional(countOrUnlimited),
      UseCustomRouting: optional(toggle),
    },
    refused: names("DescriptionTimeFormat DescriptionTimeZone SkipCount"),
  },
  "New-InboxRule": {
    parameters: { ...ruleParameters, Name: required(text) },
    refused: [...ruleRefused, "FromMessageId", "ValidateOnly"],
  },
  "Set-InboxRule": { parameters: { Identity: required(identity), ...ruleParameters }, refused: ruleRefused },
  "Remove-InboxRule": ruleState,
  "Enable-InboxRule": ruleState,
  "Disable-InboxRule": ruleState,
  "Get-AcceptedDomain": {
    parameters: { Identity: optional(identity), ResultSize: optional(countOrUnlimited) },
    refused: [],
  },
  "Get-OrganizationConfig": { parameters: {}, refused: [] },
  "Get-HostedOutboundSpamFilterPolicy": { parameters: { Identity: optional(identity) }, refused: [] },
  "Get-ManagementRoleAssignment": {
    parameters: { RoleAssignee: optional(identity, "RoleAssignee"), WritableRecipient: optional(identity) },
    refused: names(
      `AssignmentMethod ConfigWriteScope CustomRecipientWriteScope Delegating Enabled Exclusive ExclusiveRecipientWriteScope
       GetEffectiveUsers Identity RecipientAdministrativeUnitScope RecipientGroupScope RecipientOrganizationalUnitScope
       RecipientWriteScope Role RoleAssigneeType`,
    ),
  },
  "Get-MailboxPlan": {
    parameters: {
      Identity: optional(identity),
      ResultSize: optional(countOrUnlimited),
    },
    refused: names("AllMailboxPlanReleases Credential Filter IgnoreDefaultScope SortBy"),
  },
} as const satisfies Record<string, CmdletShape>;

/** A cmdlet the tenant runs. */
export type CmdletName = keyof typeof shapes;
