/** The program that is deployed before the previews are recorded (`scripts/previews.mjs`). */
import * as pulumi from "@pulumi/pulumi";
import { ForwardingMailbox, MailboxMembership, Queue, SharedMailbox } from "pulumi-mailboxes";

new pulumi.ComponentResource("contoso:mail:Team", "team");
class Note extends pulumi.dynamic.Resource {
  constructor(name: string) {
    super({ create: async () => ({ id: "note", outs: {} }) }, name, {});
  }
}
new Note("note");

const support = new SharedMailbox("support", {
  displayName: "Contoso Support",
  primarySmtpAddress: "support@contoso.com",
  emailAliases: ["help@contoso.com", "hilfe@contoso.com"],
  mailTip: pulumi.secret("the first secret tip"),
  forwarding: false,
});
new MailboxMembership("support-members", {
  mailbox: support.id,
  members: ["ada@contoso.com", "grace@contoso.com", "support-team@contoso.com"],
  exclusive: true,
});

const sales = new SharedMailbox("sales", {
  displayName: "Sales | <b>@everyone</b>",
  primarySmtpAddress: "sales@contoso.com",
});
new MailboxMembership("sales-members", {
  mailbox: sales.id,
  members: { "ada@contoso.com": {}, "alan@contoso.com": { sendAs: false, sendOnBehalf: true } },
});
new Queue("sales-queue", { name: "Sales leads", emailAddress: sales.primarySmtpAddress });

const old = new SharedMailbox("old", { displayName: "Old", primarySmtpAddress: "old@contoso.com" });
new MailboxMembership("old-members", { mailbox: old.id, members: ["radia@contoso.com"] });
new MailboxMembership("moving-members", { mailbox: old.id, members: ["edsger@contoso.com"] });
new SharedMailbox("scratch", {
  displayName: "Scratch",
  primarySmtpAddress: "scratch@contoso.com",
  deletion: "purge",
});
const kept = new SharedMailbox("kept", {
  displayName: "Kept",
  primarySmtpAddress: "kept@contoso.com",
  deletion: "retain",
});
new MailboxMembership("kept-members", { mailbox: kept.id, members: ["ada@contoso.com"] });

new SharedMailbox("held", {
  displayName: "Held",
  primarySmtpAddress: "held@contoso.com",
  license: { sku: "EXCHANGEENTERPRISE", usageLocation: "SE" },
  archive: true,
  litigationHold: true,
});

const info = new SharedMailbox("info", {
  displayName: "Information",
  primarySmtpAddress: "info@contoso.com",
  forwarding: false,
});
new MailboxMembership("info-members", { mailbox: info.id, members: ["ada@contoso.com", "alan@contoso.com"] });

const press = new SharedMailbox("press", { displayName: "Press", primarySmtpAddress: "press@contoso.com" });
new MailboxMembership("press-members", { mailbox: press.id, members: pulumi.secret(["edsger@contoso.com"]) });
const hand = new SharedMailbox("hand", { displayName: "By hand", primarySmtpAddress: "hand@contoso.com" });
new MailboxMembership("hand-members", { mailbox: hand.id, members: ["ada@contoso.com"] });

const collector = new SharedMailbox("collector", {
  displayName: "CRM collector",
  primarySmtpAddress: "forwardmailbox@contoso.com",
});
new ForwardingMailbox("crm", {
  name: "CRM intake",
  emailAddress: collector.primarySmtpAddress,
  deleteAfterProcessing: true,
  sources: [support.primarySmtpAddress],
});
