import * as pulumi from "@pulumi/pulumi";
import { ForwardingMailbox, IndividualMailbox, MailboxMembership, Queue, SharedMailbox } from "pulumi-mailboxes";

const password = new pulumi.Config().requireSecret("password");

// Only what must be written.
const plain = new SharedMailbox("plain", { displayName: "Plain", primarySmtpAddress: "plain@contoso.com" });
new MailboxMembership("plain-members", { mailbox: plain.id, members: ["ada@contoso.com", "Grace@Contoso.com"] });

// Everything that can be.
const full = new SharedMailbox("full", {
  displayName: "Full",
  primarySmtpAddress: "full@contoso.com",
  alias: "full.desk",
  emailAliases: ["Full-Two@contoso.com", "full@fabrikam.example"],
  signInBlocked: true,
  hiddenFromAddressLists: true,
  forwarding: { to: plain.primarySmtpAddress, keepCopy: true },
  automaticReplies: {
    status: "scheduled",
    start: "2098-12-24T12:00:00+01:00",
    end: "2099-01-02T08:00:00+01:00",
    internalMessage: "Closed for the holidays.",
    externalMessage: "We are closed for the holidays & back on 2 January.",
    externalAudience: "all",
  },
  regional: { language: "en-GB", timeZone: "Europe/Berlin" },
  mailTip: "We answer within one working day.",
  customAttributes: { 1: "desk", 15: "owner: ada" },
  copySentItems: { sentAs: true, sentOnBehalf: true },
  quota: { issueWarning: "45 GB", prohibitSend: "49 GB", prohibitSendReceive: "50 GB" },
  maxSendSize: "20 MB",
  maxReceiveSize: "25 MB",
  license: { sku: "EXCHANGEENTERPRISE", usageLocation: "SE" },
  archive: true,
  litigationHold: { days: 365 },
  deletion: { mode: "soft", allowInactive: true },
});
new MailboxMembership("full-members", {
  mailbox: full.primarySmtpAddress,
  members: {
    "ada@contoso.com": {},
    "alan@contoso.com": { automapping: false, sendOnBehalf: true },
    "support-team@contoso.com": { sendAs: false, sendOnBehalf: true },
  },
  exclusive: true,
  keep: ["radia@contoso.com"],
});

// Found in the tenant: made by hand before the first deployment.
const found = new SharedMailbox("found", {
  displayName: "Found",
  primarySmtpAddress: "found@contoso.com",
  signInBlocked: true,
  adopt: true,
});

const collector = new SharedMailbox("collector", {
  displayName: "CRM collector",
  primarySmtpAddress: "collector@contoso.com",
  hiddenFromAddressLists: true,
});
const queue = new Queue("queue", {
  name: "Full",
  emailAddress: full.primarySmtpAddress,
  owner: { team: "Support" },
  incomingEmail: "ServerSideSynchronization",
  outgoingEmail: "ServerSideSynchronization",
  emailFiltering: "All",
});
new IndividualMailbox("queue-record", { queue: queue.id, deleteAfterProcessing: true });
new IndividualMailbox("user-record", {
  user: "edsger@contoso.com",
  incomingEmail: "ServerSideSynchronization",
  outgoingEmail: "ServerSideSynchronization",
  appointmentsContactsTasks: "None",
});
new ForwardingMailbox("intake", {
  name: "Intake",
  emailAddress: collector.primarySmtpAddress,
  owner: { team: "Support" },
  deleteAfterProcessing: true,
  sources: ["grace@contoso.com", found.primarySmtpAddress],
});
new ForwardingMailbox("pop", {
  name: "POP intake",
  emailAddress: plain.primarySmtpAddress,
  serverProfile: pulumi.output(new pulumi.Config().require("profile")),
  credentials: { userName: "svc-intake", password },
  deleteAfterProcessing: true,
  testAndEnable: false,
});
