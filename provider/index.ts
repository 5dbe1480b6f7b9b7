/**
 * Mailboxes of Microsoft 365 declared in Pulumi programs. Importing this module loads the resource classes only, no HTTP and
 * no validation: those live in the provider process.
 */
export { ForwardingMailbox, type ForwardingMailboxArgs } from "./kinds/forwarding-mailbox/resource";
export { IndividualMailbox, type IndividualMailboxArgs } from "./kinds/individual-mailbox/resource";
export {
  type DeclaredRights,
  MailboxMembership,
  type MailboxMembershipArgs,
  type MemberRights,
  type OtherRight,
} from "./kinds/mailbox-membership/resource";
export type { Credentials, EmailApproval, Owner, TestAndEnable, TestStatus } from "./kinds/mailbox-record/resource";
export { type EmailFiltering, Queue, type QueueArgs } from "./kinds/queue/resource";
export {
  type AutomaticReplies,
  type CopySentItems,
  type CustomAttributeNumber,
  type Deletion,
  type DeletionMode,
  type Forwarding,
  type License,
  type LitigationHold,
  type Protocols,
  type Quota,
  type RegionalSettings,
  SharedMailbox,
  type SharedMailboxArgs,
  type Size,
} from "./kinds/shared-mailbox/resource";
export type { RecordReadOptions } from "./resources/dynamic-resource";
export { Tenant, type TenantArgs } from "./resources/tenant";
