import { ForwardingMailbox, Queue, SharedMailbox } from "pulumi-mailboxes";

// Microsoft prefers individual mailboxes, as in examples/queue-on-shared-mailbox: each is read by itself, and one that fails
// stops nobody else. A forward mailbox is right where many boxes must be read through one, such as when the server lets
// Dynamics into a single mailbox only.

const support = new SharedMailbox("support", {
  displayName: "Contoso Support",
  primarySmtpAddress: "support@contoso.com",
});

// Whose mail it is: Dynamics finds the queue by the recipient of the message that is attached.
const queue = new Queue("support", {
  name: "Support",
  emailAddress: support.primarySmtpAddress,
  incomingEmail: "ForwardMailbox",
});

// The collecting mailbox: used for nothing else, hidden, without a licence.
const collector = new SharedMailbox("collector", {
  displayName: "CRM collector",
  primarySmtpAddress: "forwardmailbox@contoso.com",
  hiddenFromAddressLists: true,
});

const intake = new ForwardingMailbox("crm-intake", {
  name: "CRM intake",
  emailAddress: collector.primarySmtpAddress,
  owner: { team: "Support" },
  // Or the collecting mailbox fills up.
  deleteAfterProcessing: true,
  // Each gets a server rule that forwards its mail as an attachment. Where it has a record in Dynamics, that record's incoming
  // method becomes Forward Mailbox, and goes back when the source is taken out again.
  sources: ["ada@contoso.com", "grace@contoso.com", support.primarySmtpAddress],
});

export const queueId = queue.id;
export const approval = intake.emailApproval;
export const test = intake.incomingEmailStatus;
