/** The program that is previewed (`scripts/previews.mjs`). */
import * as pulumi from "@pulumi/pulumi";
import { ForwardingMailbox, IndividualMailbox, MailboxMembership, Queue, SharedMailbox } from "pulumi-mailboxes";

new pulumi.ComponentResource("contoso:mail:Team", "team");

const support = new SharedMailbox("support", {
  displayName: "Contoso Support Desk",
  primarySmtpAddress: "desk@contoso.com",
  emailAliases: ["help@contoso.com"],
  mailTip: pulumi.secret("the second secret tip"),
  forwarding: { to: "archive@adatum.example" },
  automaticReplies: { status: "alwaysEnabled", externalMessage: "Thanks for writing", externalAudience: "all" },
  signInBlocked: false,
});
new MailboxMembership("support-members", {
  mailbox: support.id,
  members: {
    "ada@contoso.com": { sendAs: false },
    "barbara@contoso.com": { fullAccess: false },
    "support-team@contoso.com": { automapping: false },
  },
  exclusive: true,
  orphans: "remove",
});

// The membership has an alias, and a member is written in another case.
const sales = new SharedMailbox("sales", {
  displayName: "Sales | <b>@everyone</b>",
  primarySmtpAddress: "sales@contoso.com",
});
new MailboxMembership(
  "sales-people",
  {
    mailbox: sales.id,
    members: {
      "Ada@contoso.com": {},
      "alan@contoso.com": { sendAs: false, sendOnBehalf: true },
      "everyone@contoso.com": {},
    },
  },
  { aliases: [{ name: "sales-members" }] },
);
new Queue("sales-queue", { name: "Sales leads", emailAddress: sales.primarySmtpAddress, incomingEmail: "None" });
new MailboxMembership("moving-members", { mailbox: sales.id, members: ["edsger@contoso.com"] });

new SharedMailbox("held", {
  displayName: "Held",
  primarySmtpAddress: "held@contoso.com",
  license: false,
  archive: false,
  litigationHold: false,
});

// No alias, and a map in place of the list: the same people on the same mailbox.
const info = new SharedMailbox("info", {
  displayName: "Information",
  primarySmtpAddress: "info@contoso.com",
  forwarding: false,
});
new MailboxMembership("info-people", {
  mailbox: info.id,
  members: { "ada@contoso.com": {}, "alan@contoso.com": {} },
});

const fresh = new SharedMailbox("fresh", {
  displayName: "Fresh",
  primarySmtpAddress: "fresh@contoso.com",
  license: { sku: "EXCHANGEENTERPRISE", usageLocation: "SE" },
});
new MailboxMembership("fresh-members", { mailbox: fresh.id, members: ["barbara@contoso.com"] });

const press = new SharedMailbox("press", { displayName: "Press", primarySmtpAddress: "press@contoso.com" });
new MailboxMembership("press-members", {
  mailbox: press.id,
  members: pulumi.secret(["edsger@contoso.com", "radia@contoso.com"]),
});
const hand = new SharedMailbox("hand", { displayName: "By hand", primarySmtpAddress: "hand@contoso.com" });
new MailboxMembership("hand-members", {
  mailbox: hand.id,
  members: ["ada@contoso.com", fresh.userPrincipalName],
});
new SharedMailbox("restored", {
  displayName: "Restored",
  primarySmtpAddress: "restored@contoso.com",
  restoreDeleted: true,
  deletion: "purge",
});
SharedMailbox.get("info-read", "info@contoso.com");

const collector = new SharedMailbox("collector", {
  displayName: "CRM collector",
  primarySmtpAddress: "forwardmailbox@contoso.com",
});
new ForwardingMailbox("crm", {
  name: "CRM intake",
  emailAddress: collector.primarySmtpAddress,
  deleteAfterProcessing: true,
  sources: [support.primarySmtpAddress, "radia@contoso.com"],
});
new IndividualMailbox("barbara", { user: "barbara@contoso.com", incomingEmail: "ServerSideSynchronization" });
