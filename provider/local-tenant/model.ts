import type { clientAccessProperties, mailboxProperties, ValuesOf } from "./exchange/mailbox-properties";
import type { ManagementRole } from "./exchange/roles";

/**
 * The rows the tenant keeps. Tables are named by the constants of `tables`; each row's key is its first field unless said
 * otherwise. Services own their tables: Exchange writes recipients and permissions, Graph users and rules, Dataverse its own.
 */
export const tables = {
  organization: "organization",
  domains: "domains",
  applications: "applications",
  skus: "skus",
  users: "users",
  groups: "groups",
  recipients: "recipients",
  permissions: "permissions",
  rules: "rules",
  mailboxSettings: "mailboxSettings",
  messages: "messages",
} as const;

/** The tenant itself; key "organization". */
export interface Organization {
  tenantId: string;
  displayName: string;
  /** Identity text the service prints in server names and system mailbox addresses. */
  initialDomain: string;
  /** URL of the Dataverse environment, for which tokens are issued as for the tenant's own origin; absent = only the latter. */
  environmentUrl?: string;
  /** Organisation-wide holds as `Get-OrganizationConfig` lists them in `InPlaceHolds`. */
  inPlaceHolds: string[];
}

export interface AcceptedDomain {
  domainName: string;
  isDefault: boolean;
  isInitial: boolean;
  domainType: "Authoritative" | "InternalRelay";
}

/** An application that may sign in. Which service a right belongs to decides 401, 403 or 200 (facts section 2.2). */
export interface Application {
  appId: string;
  displayName: string;
  secret: string;
  /** PEM certificates whose assertions are accepted. */
  certificates: string[];
  /** App roles put in the token's `roles`, by audience. */
  roles: { exchange: string[]; graph: string[] };
  /** Exchange role groups or directory roles held: without one Exchange answers 403 to a valid token. */
  exchangeRbac: boolean;
  /** Whether those roles only let it look (View-Only Organization Management, Global Reader); absent = it may write. */
  exchangeViewOnly?: boolean;
  /** The management roles held, in place of all of them; absent = all, or what `exchangeViewOnly` leaves. */
  exchangeRoles?: ManagementRole[];
  /** The management scope of its writes: recipients whose primary SMTP address is in this domain. Absent = the organisation. */
  exchangeScope?: { name: string; domain: string };
  /** Dataverse `systemuserid` of its application user; absent = no such user there. */
  dataverseUserId?: string;
  /** Tokens of other issuers that are accepted in place of a secret (secretless CI); absent = none. */
  federatedCredentials?: FederatedCredential[];
}

/** A foreign token an application may sign in with: all of issuer, subject and audience must be equal, case included. */
export interface FederatedCredential {
  issuer: string;
  subject: string;
  audience: string;
  /** Key the issuer signs with: the tenant never asks the network for one. */
  publicKeyPem: string;
  /** What the issuer calls that key in its tokens' header (`kid`); absent = not told, only the signature decides then. */
  keyId?: string;
}

export interface Sku {
  skuId: string;
  skuPartNumber: string;
  /** Seats bought and used up by nobody in the tenant (so that "none left" can be seeded). */
  enabled: number;
  consumedElsewhere: number;
  servicePlans: { servicePlanId: string; servicePlanName: string }[];
}

/** An Entra user. Its `proxyAddresses` and `mail` follow the recipient with the same id where there is one. */
export interface User {
  id: string;
  userPrincipalName: string;
  displayName: string;
  givenName?: string;
  surname?: string;
  mail: string | null;
  mailNickname: string;
  /** Null once somebody cleared it. */
  userType: "Member" | "Guest" | null;
  accountEnabled: boolean;
  usageLocation: string | null;
  /** `assignedByGroup` is the group whose licence it is; absent = assigned directly. */
  assignedLicenses: { skuId: string; disabledPlans: string[]; assignedByGroup?: string }[];
  onPremisesSyncEnabled: boolean | null;
  createdDateTime: string;
  /** Set while the user is in deletedItems. */
  deletedDateTime: string | null;
  /** Directory roles held, by display name; an account with one is refused some operations. */
  directoryRoles: string[];
  /** When the sign-in sessions were last revoked, ISO 8601. */
  signInSessionsValidFromDateTime: string | null;
  /** Further members Graph was given (jobTitle, department …), as it returns them. */
  other?: Record<string, unknown>;
  /** Recipients without a mailbox (mail users, guests) that went with the user when it was deleted, kept for its restore. */
  deletedRecipients?: Recipient[];
}

export interface Group {
  id: string;
  displayName: string;
  mail: string | null;
  mailNickname: string;
  mailEnabled: boolean;
  securityEnabled: boolean;
  groupTypes: string[];
  members: string[];
}

export type RecipientTypeDetails =
  | "UserMailbox"
  | "SharedMailbox"
  | "RoomMailbox"
  | "EquipmentMailbox"
  | "MailUser"
  | "GuestMailUser"
  | "MailContact"
  | "MailUniversalSecurityGroup"
  | "MailUniversalDistributionGroup"
  | "GroupMailbox";

/** An Exchange recipient. Mailbox-only fields are in `mailbox`. Key: `guid` (the Exchange object's, not the Entra id). */
export interface Recipient {
  guid: string;
  /** Entra object id of the user or group; "" for a mail contact. */
  externalDirectoryObjectId: string;
  recipientTypeDetails: RecipientTypeDetails;
  name: string;
  alias: string;
  displayName: string;
  /** Initials of a person, which nothing but Get-User shows; absent = none. */
  initials?: string;
  /** SID of the trustee, `S-1-5-21-…`; what permission rows hold. */
  sid: string;
  /** SIDs it had before its mailbox moved to this forest; entries for them still count. None when absent. */
  sidHistory?: string[];
  /** Prefixed as the service keeps them: exactly one `SMTP:`, others `smtp:`, `SIP:`, `SPO:`, `X500:` … */
  emailAddresses: string[];
  externalEmailAddress?: string;
  hiddenFromAddressListsEnabled: boolean;
  customAttributes: Record<string, string>;
  isDirSynced: boolean;
  whenCreated: string;
  mailbox?: MailboxFields;
}

/** What is the mailbox's own, and no cmdlet's property. */
export type OwnFields = {
  exchangeGuid: string;
  userPrincipalName: string;
  whenMailboxCreated: string;
  /** Set while the mailbox is soft-deleted. */
  whenSoftDeleted: string | null;
  /** Total size of the items in bytes and their number; tests set them, the tenant counts what it delivers. */
  totalItemSize: number;
  itemCount: number;
};

/** What a recipient with a mailbox has beside. */
export type MailboxFields = OwnFields & ValuesOf<typeof mailboxProperties> & ValuesOf<typeof clientAccessProperties>;

/** An explicit permission entry. Key: `id`. `Add-MailboxPermission` makes one a trustee; SELF rows are made with the mailbox. */
export interface Permission {
  id: string;
  kind: "mailbox" | "sendAs";
  /** Guid of the mailbox's recipient row. */
  mailbox: string;
  /** SID of the trustee; what the service prints as User is looked up from it at read time. */
  sid: string;
  accessRights: string[];
  isInherited: boolean;
  deny: boolean;
  inheritanceType: string;
  /** Stored with Full Access; never readable over the wire. */
  autoMapping: boolean;
}

/** An inbox rule. Key: `id`. `conditions`, `exceptions`, `actions` in Graph's own shape. */
export interface InboxRule {
  id: string;
  /** Entra id of the mailbox's user. */
  mailbox: string;
  displayName: string;
  sequence: number;
  isEnabled: boolean;
  hasError: boolean;
  isReadOnly: boolean;
  conditions: Record<string, unknown> | null;
  exceptions: Record<string, unknown> | null;
  actions: Record<string, unknown>;
}

/** Automatic replies and regional settings, in Graph's words. Key: `mailbox`. */
export interface MailboxSettings {
  /** Entra id of the mailbox's user. */
  mailbox: string;
  automaticReplies: {
    status: "disabled" | "alwaysEnabled" | "scheduled";
    externalAudience: "none" | "contactsOnly" | "all";
    /** As stored: wrapped in html and body tags once set; "" when never set. */
    internalReplyMessage: string;
    externalReplyMessage: string;
    scheduledStartDateTime: { dateTime: string; timeZone: string };
    scheduledEndDateTime: { dateTime: string; timeZone: string };
  };
  language: string | null;
  timeZone: string | null;
  dateFormat: string | null;
  timeFormat: string | null;
  delegateMeetingMessageDeliveryOptions: string;
  /** Absent until set: Monday to Friday, 8 to 17. */
  workingHours?: { daysOfWeek: string[]; startTime: string; endTime: string; timeZone: Record<string, unknown> };
}

/** A message in a mailbox; enough to prove that a rule fed a forward mailbox. Key: `id`. */
export interface Message {
  id: string;
  /** Entra id of the mailbox's user. */
  mailbox: string;
  receivedDateTime: string;
  from: string;
  to: string;
  subject: string;
  /** The original message, when a rule forwarded it as an attachment. */
  attachment: { from: string; to: string; subject: string } | null;
  /** Folder it is in: a well-known name in lower case; absent = "inbox". */
  folder?: string;
}
