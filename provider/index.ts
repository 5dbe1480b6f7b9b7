/**
 * Mailboxes of Microsoft 365 declared in Pulumi programs. Importing this module loads the resource classes only, no HTTP and
 * no validation: those live in the provider process.
 */
export { ForwardingMailbox, type ForwardingMailboxArgs } from "./resources/forwarding-mailbox";
export { IndividualMailbox, type IndividualMailboxArgs } from "./resources/individual-mailbox";
export {
  type DeclaredRights,
  MailboxMembership,
  type MailboxMembershipArgs,
  type MemberRights,
  type OtherRight,
} from "./resources/mailbox-membership";
export type { Credentials, EmailApproval, Owner, TestAndEnable, TestStatus } from "./resources/mailbox-record";
export { type EmailFiltering, Queue, type QueueArgs } from "./resources/queue";
export type { RecordReadOptions } from "./resources/reading";
export {
  type AutomaticReplies,
  type CopySentItems,
  type CustomAttributeNumber,
  type Deletion,
  type DeletionMode,
  type Forwarding,
  type License,
  type LitigationHold,
  type Quota,
  type RegionalSettings,
  SharedMailbox,
  type SharedMailboxArgs,
  type Size,
} from "./resources/shared-mailbox";
export { Tenant, type TenantArgs } from "./resources/tenant";
