/**
 * The one list of kinds, by the name that stands in type tokens and state files. A new kind is a folder below `kinds/` and a line
 * here; its class is exported by `index.ts`.
 */
import type { Reconciler } from "./core/kind";
import { forwardingMailbox } from "./kinds/forwarding-mailbox/reconciler";
import { individualMailbox } from "./kinds/individual-mailbox/reconciler";
import { mailboxMembership } from "./kinds/mailbox-membership/reconciler";
import { queue } from "./kinds/queue/reconciler";
import { sharedMailbox } from "./kinds/shared-mailbox/reconciler";

export { comparedColumns } from "./kinds/shared-mailbox/observation";

export const kinds = {
  SharedMailbox: sharedMailbox,
  MailboxMembership: mailboxMembership,
  ForwardingMailbox: forwardingMailbox,
  IndividualMailbox: individualMailbox,
  Queue: queue,
};

/** The name of a kind. */
export type Kind = keyof typeof kinds;

/** A reconciler whose desired and observed values are its own business. */
// biome-ignore lint/suspicious/noExplicitAny: only the reconciler itself hands these values to itself.
export type AnyReconciler = Reconciler<any, any, any, any>;

/** The reconciler of a kind; undefined for a name that this version does not know. */
export function reconcilerOf(kind: string): AnyReconciler | undefined {
  return Object.hasOwn(kinds, kind) ? (kinds[kind as Kind] as AnyReconciler) : undefined;
}
