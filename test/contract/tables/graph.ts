/** What the provider may say to Microsoft Graph v1.0 and what it reads from it, written from Microsoft's Graph reference. */

/** Type of a member of an entity or complex type; a name of {@link entities} stands for an object of that type. */
export type MemberType =
  | "string"
  | "boolean"
  | "integer"
  | "importance"
  | "sensitivity"
  | "messageActionFlag"
  | "automaticRepliesStatus"
  | "externalAudienceScope"
  | "delegateMeetingMessageDeliveryOptions"
  | "userPurpose"
  | EntityName
  | `${"string" | "dayOfWeek" | EntityName}[]`;

export type EntityName =
  | "user"
  | "messageRule"
  | "messageRuleActions"
  | "messageRulePredicates"
  | "recipient"
  | "emailAddress"
  | "sizeRange"
  | "licenseAssignmentState"
  | "assignedLicense"
  | "assignLicenseParameters"
  | "subscribedSku"
  | "licenseUnitsDetail"
  | "servicePlanInfo"
  | "mailboxSettings"
  | "automaticRepliesSetting"
  | "dateTimeTimeZone"
  | "localeInfo"
  | "workingHours"
  | "timeZoneBase";

const strings = { type: "string[]" } as const;
const recipients = { type: "recipient[]" } as const;
const flag = { type: "boolean" } as const;
const text = { type: "string" } as const;

/** A member: its type, and whether a client may write it here. */
export interface Member {
  type: MemberType;
  /** Whether the provider may send it; members that are not are read only, to the provider if not to Graph. */
  writable?: true;
  /** Whether null, which clears the value, is meant. */
  clears?: true;
}

/** The members that the provider reads or sends, and those that come with them. */
export const entities: Readonly<Record<EntityName, Readonly<Record<string, Member>>>> = {
  user: {
    id: text,
    userPrincipalName: text,
    displayName: text,
    accountEnabled: { type: "boolean", writable: true },
    usageLocation: { type: "string", writable: true },
    licenseAssignmentStates: { type: "licenseAssignmentState[]" },
    // The rest of what comes where nothing is selected.
    businessPhones: strings,
    givenName: text,
    jobTitle: text,
    mail: text,
    mobilePhone: text,
    officeLocation: text,
    preferredLanguage: text,
    surname: text,
    deletedDateTime: text,
    proxyAddresses: strings,
    createdDateTime: text,
  },
  messageRule: {
    id: text,
    displayName: { type: "string", writable: true },
    sequence: { type: "integer", writable: true },
    isEnabled: { type: "boolean", writable: true },
    isReadOnly: flag,
    hasError: flag,
    conditions: { type: "messageRulePredicates" },
    exceptions: { type: "messageRulePredicates" },
    actions: { type: "messageRuleActions", writable: true },
  },
  messageRuleActions: {
    assignCategories: strings,
    copyToFolder: text,
    delete: flag,
    forwardAsAttachmentTo: { type: "recipient[]", writable: true },
    forwardTo: recipients,
    markAsRead: flag,
    markImportance: { type: "importance" },
    moveToFolder: text,
    permanentDelete: flag,
    redirectTo: recipients,
    stopProcessingRules: { type: "boolean", writable: true },
  },
  messageRulePredicates: {
    bodyContains: strings,
    bodyOrSubjectContains: strings,
    categories: strings,
    fromAddresses: recipients,
    hasAttachments: flag,
    headerContains: strings,
    importance: { type: "importance" },
    isApprovalRequest: flag,
    isAutomaticForward: flag,
    isAutomaticReply: flag,
    isEncrypted: flag,
    isMeetingRequest: flag,
    isMeetingResponse: flag,
    isNonDeliveryReport: flag,
    isPermissionControlled: flag,
    isReadReceipt: flag,
    isSigned: flag,
    isVoicemail: flag,
    messageActionFlag: { type: "messageActionFlag" },
    notSentToMe: flag,
    recipientContains: strings,
    senderContains: strings,
    sensitivity: { type: "sensitivity" },
    sentCcMe: flag,
    sentOnlyToMe: flag,
    sentToAddresses: recipients,
    sentToMe: flag,
    sentToOrCcMe: flag,
    subjectContains: strings,
    withinSizeRange: { type: "sizeRange" },
  },
  recipient: { emailAddress: { type: "emailAddress", writable: true } },
  emailAddress: { address: { type: "string", writable: true }, name: text },
  sizeRange: { minimumSize: { type: "integer" }, maximumSize: { type: "integer" } },
  licenseAssignmentState: {
    skuId: text,
    disabledPlans: strings,
    assignedByGroup: text,
    state: text,
    error: text,
    lastUpdatedDateTime: text,
  },
  assignedLicense: {
    skuId: { type: "string", writable: true },
    disabledPlans: { type: "string[]", writable: true },
  },
  assignLicenseParameters: {
    addLicenses: { type: "assignedLicense[]", writable: true },
    removeLicenses: { type: "string[]", writable: true },
  },
  subscribedSku: {
    id: text,
    accountId: text,
    accountName: text,
    appliesTo: text,
    capabilityStatus: text,
    consumedUnits: { type: "integer" },
    prepaidUnits: { type: "licenseUnitsDetail" },
    servicePlans: { type: "servicePlanInfo[]" },
    skuId: text,
    skuPartNumber: text,
    subscriptionIds: strings,
  },
  licenseUnitsDetail: {
    enabled: { type: "integer" },
    lockedOut: { type: "integer" },
    suspended: { type: "integer" },
    warning: { type: "integer" },
  },
  servicePlanInfo: { appliesTo: text, provisioningStatus: text, servicePlanId: text, servicePlanName: text },
  mailboxSettings: {
    archiveFolder: text,
    automaticRepliesSetting: { type: "automaticRepliesSetting", writable: true },
    dateFormat: { type: "string", writable: true, clears: true },
    delegateMeetingMessageDeliveryOptions: { type: "delegateMeetingMessageDeliveryOptions" },
    language: { type: "localeInfo", writable: true },
    timeFormat: { type: "string", writable: true, clears: true },
    timeZone: { type: "string", writable: true },
    userPurpose: { type: "userPurpose" },
    workingHours: { type: "workingHours" },
  },
  automaticRepliesSetting: {
    status: { type: "automaticRepliesStatus", writable: true },
    externalAudience: { type: "externalAudienceScope", writable: true },
    internalReplyMessage: { type: "string", writable: true },
    externalReplyMessage: { type: "string", writable: true },
    scheduledStartDateTime: { type: "dateTimeTimeZone", writable: true },
    scheduledEndDateTime: { type: "dateTimeTimeZone", writable: true },
  },
  dateTimeTimeZone: {
    dateTime: { type: "string", writable: true },
    timeZone: { type: "string", writable: true },
  },
  localeInfo: { locale: { type: "string", writable: true }, displayName: text },
  workingHours: {
    daysOfWeek: { type: "dayOfWeek[]" },
    startTime: text,
    endTime: text,
    timeZone: { type: "timeZoneBase" },
  },
  timeZoneBase: { name: text },
};

/** Entities that are none of Graph's: the parameters of an action, with its path. */
export const actionParameters: Readonly<Partial<Record<EntityName, string>>> = {
  assignLicenseParameters: "/users/{user-id}/assignLicense",
};

/** What a method of a path takes and gives. */
export interface Operation {
  /** Query options; any other one is refused. */
  query?: readonly ("$select" | "$filter" | "$skip" | "$top")[];
  /** Members a `$filter` may name. */
  filters?: readonly string[];
  /** Type of the body; absent: there is none. */
  body?: EntityName;
  /** Members a body must have. */
  needs?: readonly string[];
  /** Status of success. */
  status: 200 | 201 | 204;
  /** What success answers: one entity, a collection of them, a plain value, or nothing. */
  answer: { entity: EntityName } | { collection: EntityName } | { value: "boolean" } | "nothing";
  /** Where it is known from, when not from the reference of the entity itself. */
  source?: string;
}

export type Method = "GET" | "POST" | "PATCH" | "DELETE";

/** Every path with every method the provider may use. `{…}` is one encoded segment. */
export const paths: Readonly<Record<string, Readonly<Partial<Record<Method, Operation>>>>> = {
  "/users": {
    GET: {
      query: ["$select", "$filter"],
      filters: ["userPrincipalName", "mail", "proxyAddresses"],
      status: 200,
      answer: { collection: "user" },
    },
  },
  "/users/{user-id}": {
    GET: { query: ["$select"], status: 200, answer: { entity: "user" } },
    PATCH: { body: "user", status: 204, answer: "nothing" },
  },
  "/users/{user-id}/revokeSignInSessions": {
    POST: {
      status: 200,
      answer: { value: "boolean" },
      source: "Microsoft Graph reference v1.0, user: revokeSignInSessions",
    },
  },
  "/users/{user-id}/assignLicense": {
    POST: {
      body: "assignLicenseParameters",
      needs: ["addLicenses", "removeLicenses"],
      status: 200,
      answer: { entity: "user" },
    },
  },
  "/users/{user-id}/mailboxSettings": {
    GET: { status: 200, answer: { entity: "mailboxSettings" } },
    PATCH: {
      body: "mailboxSettings",
      status: 200,
      answer: { entity: "mailboxSettings" },
    },
  },
  "/subscribedSkus": {
    GET: { status: 200, answer: { collection: "subscribedSku" } },
  },
  "/users/{user-id}/mailFolders/{mailFolder-id}/messageRules": {
    GET: { query: ["$top", "$skip"], status: 200, answer: { collection: "messageRule" } },
    POST: {
      body: "messageRule",
      needs: ["displayName", "sequence", "actions"],
      status: 201,
      answer: { entity: "messageRule" },
    },
  },
  "/users/{user-id}/mailFolders/{mailFolder-id}/messageRules/{messageRule-id}": {
    PATCH: { body: "messageRule", status: 200, answer: { entity: "messageRule" } },
    DELETE: { status: 204, answer: "nothing" },
  },
  "/directory/deletedItems/microsoft.graph.user": {
    GET: {
      query: ["$select", "$filter"],
      filters: ["userPrincipalName", "mail", "proxyAddresses", "mailNickname"],
      status: 200,
      answer: { collection: "user" },
    },
  },
  "/directory/deletedItems/{directoryObject-id}": {
    // A directory object: here always a user.
    GET: { query: ["$select"], status: 200, answer: { entity: "user" } },
    DELETE: { status: 204, answer: "nothing" },
  },
  "/directory/deletedItems/{directoryObject-id}/restore": {
    // The directory object that was restored: here always a user.
    POST: { status: 200, answer: { entity: "user" } },
  },
};

/** Requests a `$batch` may hold. */
export const LARGEST_BATCH = 20;
