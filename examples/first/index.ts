import { ForwardingMailbox, MailboxMembership, Queue, SharedMailbox } from "pulumi-mailboxes";

const support = new SharedMailbox("support", {
  displayName: "Contoso Support",
  primarySmtpAddress: "support@contoso.com",
});

new MailboxMembership("support-members", {
  mailbox: support.id,
  // Full Access and Send As, as the admin centre gives.
  members: ["ada@contoso.com", "grace@contoso.com"],
});

// A queue of Dynamics 365 takes in the mail, by way of a mailbox that collects it.
new Queue("support-queue", {
  name: "Support",
  emailAddress: support.primarySmtpAddress,
  incomingEmail: "ForwardMailbox",
});

const collector = new SharedMailbox("collector", {
  displayName: "CRM collector",
  primarySmtpAddress: "forwardmailbox@contoso.com",
  hiddenFromAddressLists: true,
});

new ForwardingMailbox("crm-intake", {
  name: "CRM intake",
  emailAddress: collector.primarySmtpAddress,
  deleteAfterProcessing: true,
  // A server rule in each source forwards its mail to the collector.
  sources: [support.primarySmtpAddress],
});
