import { MailboxMembership, SharedMailbox } from "pulumi-mailboxes";

const desk = new SharedMailbox("desk", {
  displayName: "Contoso Support Desk",
  primarySmtpAddress: "desk@contoso.com",
  // Exact: an address that is not listed here is named by the next refreshed preview, and then goes.
  emailAliases: ["helpdesk@contoso.com", "it-support@contoso.com"],
  mailTip: "We answer within one working day. Urgent? Call extension 4400.",
  automaticReplies: {
    // For a holiday: status "scheduled", with start and end, such as "2030-12-24T12:00:00+01:00".
    status: "alwaysEnabled",
    internalMessage: "Thank you, we have your message and answer within one working day.",
    externalMessage: "Thank you for writing to Contoso. We answer within one working day.",
    externalAudience: "all",
  },
  // Answers are kept in the desk's Sent Items, where everybody finds them, and not only in the sender's.
  copySentItems: { sentAs: true, sentOnBehalf: true },
  // Up to 50 GB no licence is needed. A warning at 45 leaves time to clean up.
  quota: { issueWarning: "45 GB", prohibitSend: "49 GB", prohibitSendReceive: "50 GB" },
  // `forwarding` is left out: mail stays in the desk.
});

new MailboxMembership("desk-members", {
  mailbox: desk.id,
  members: {
    // Full Access and Send As.
    "ada@contoso.com": {},
    "grace@contoso.com": {},
    // In many mailboxes: Outlook does not open this one by itself.
    "alan@contoso.com": { automapping: false },
    // A mail-enabled security group that reads along, and answers under its members' own names.
    "support-team@contoso.com": { sendAs: false, sendOnBehalf: true },
  },
  // Nobody else: who is let in by hand is named by the next refreshed preview, and then loses access.
  exclusive: true,
});

export const address = desk.primarySmtpAddress;
