import { IndividualMailbox, Queue, SharedMailbox } from "pulumi-mailboxes";

// A shared mailbox needs no licence up to 50 GB, and nobody signs in to it: server-side synchronisation reads it by itself.
const support = new SharedMailbox("support", {
  displayName: "Contoso Support",
  primarySmtpAddress: "support@contoso.com",
});

// Dynamics makes a mailbox record for the queue; its address is approved and tested.
const queue = new Queue("support", {
  name: "Support",
  emailAddress: support.primarySmtpAddress,
  owner: { team: "Support" },
  incomingEmail: "ServerSideSynchronization",
  outgoingEmail: "ServerSideSynchronization",
  emailFiltering: "All",
});

// What belongs to the record alone.
new IndividualMailbox("support-record", {
  queue: queue.id,
  deleteAfterProcessing: true,
});

export const approval = queue.emailApproval;
export const incoming = queue.incomingEmailStatus;
export const outgoing = queue.outgoingEmailStatus;
