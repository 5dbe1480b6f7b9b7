/** What the provider may say to Microsoft Graph v1.0 and what it reads from it, written from Microsoft's Graph reference. */

/** Type of a member of an entity or complex type; a name of {@link entities} stands for an object of that type. */
export type MemberType =
  | "string"
  | "boolean"
  | "integer"
  | "importance"
  | "sensitivity"
  | "messageActionFlag"
  | EntityName
  | `${"string" | "recipient"}[]`;

export type EntityName =
  | "user"
  | "messageRule"
  | "messageRuleActions"
  | "messageRulePredicates"
  | "recipient"
  | "emailAddress"
  | "sizeRange";

const strings = { type: "string[]" } as const;
const recipients = { type: "recipient[]" } as const;
const flag = { type: "boolean" } as const;
const text = { type: "string" } as const;

/** A member: its type, and whether a client may write it here. */
export interface Member {
  type: MemberType;
  /** Whether the provider may send it; members that are not are read only, to the provider if not to Graph. */
  writable?: true;
}

/** The members that the provider reads or sends, and those that come with them. */
export const entities: Readonly<Record<EntityName, Readonly<Record<string, Member>>>> = {
  user: {
    id: text,
    userPrincipalName: text,
    displayName: text,
    accountEnabled: { type: "boolean", writable: true },
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
      filters: ["userPrincipalName", "mail", "proxyAddresses"],
      status: 200,
      answer: { collection: "user" },
    },
  },
};

/** Requests a `$batch` may hold. */
export const LARGEST_BATCH = 20;
