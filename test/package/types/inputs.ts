/** What programs write into inputs. Nothing here runs; the compiler of a strict program reads it. */
import * as pulumi from "@pulumi/pulumi";
import {
  type AutomaticReplies,
  ForwardingMailbox,
  IndividualMailbox,
  MailboxMembership,
  Queue,
  SharedMailbox,
  type SharedMailboxArgs,
  Tenant,
} from "pulumi-mailboxes";

declare const maybe: string | undefined;
declare const maybeOutput: pulumi.Output<string | undefined>;
declare const maybePromise: Promise<string | undefined>;
declare const isLarge: pulumi.Output<boolean>;
declare const replies: AutomaticReplies | undefined;

const required = { displayName: "Support", primarySmtpAddress: "support@contoso.com" };

// Optional inputs take a value, undefined, and outputs and promises of either.
new SharedMailbox("undefined", { ...required, alias: maybe, mailTip: undefined, automaticReplies: replies });
new SharedMailbox("outputs", { ...required, alias: maybeOutput, mailTip: maybePromise });
new SharedMailbox("nested", { ...required, regional: { language: maybe, timeZone: maybeOutput } });
new SharedMailbox("in-an-output", { ...required, regional: pulumi.output({ language: maybe }) });
new SharedMailbox("attributes", { ...required, customAttributes: { 1: "a", 2: false, 3: maybe, 15: maybeOutput } });
new Queue("queue", { name: "Support", emailAddress: "support@contoso.com", owner: { team: maybe } });
new IndividualMailbox("ada", { user: maybe, queue: maybeOutput, credentials: undefined });
new Tenant("fabrikam", { tenantId: maybe, endpoints: { graph: maybe }, maxMailboxDeletes: undefined });

// A union is one input: which of its members it is may be known later.
new SharedMailbox("forwarding", {
  ...required,
  forwarding: isLarge.apply((large) => (large ? { to: "archive@contoso.com" } : false)),
  litigationHold: isLarge.apply((large) => (large ? { days: 30 } : false)),
  license: isLarge.apply((large) => (large ? { sku: "EXCHANGEENTERPRISE" } : ("external" as const))),
  deletion: isLarge.apply((large) => (large ? { mode: "soft" as const, allowInactive: true } : ("retain" as const))),
  quota: {
    issueWarning: "49 GB",
    prohibitSend: isLarge.apply((large) => (large ? 99_000_000_000 : "49.5 GB")),
    prohibitSendReceive: 1,
  },
});
new MailboxMembership("members-later", {
  mailbox: "support@contoso.com",
  members: isLarge.apply((large) => (large ? ["ada@contoso.com"] : { "ada@contoso.com": { sendAs: false } })),
});
new ForwardingMailbox("sources-later", {
  name: "CRM intake",
  emailAddress: "crm@contoso.com",
  sources: isLarge.apply((large) => (large ? ["support@contoso.com"] : { "support@contoso.com": {} })),
  testAndEnable: isLarge.apply((large) => (large ? { require: true } : "again")),
});

// Lists may be read-only.
const people = ["ada@contoso.com", "grace@contoso.com"] as const;
declare const readonlyList: readonly string[];
declare const readonlyOutput: pulumi.Output<readonly string[]>;
new MailboxMembership("readonly", { mailbox: "support@contoso.com", members: people, keep: readonlyList });
new MailboxMembership("readonly-output", {
  mailbox: "support@contoso.com",
  members: readonlyOutput,
  keep: readonlyOutput,
});
new SharedMailbox("readonly-aliases", { ...required, emailAliases: people });
new SharedMailbox("readonly-plans", {
  ...required,
  license: { sku: "EXCHANGEENTERPRISE", disabledPlans: readonlyList },
});
new ForwardingMailbox("readonly-sources", { name: "CRM", emailAddress: "crm@contoso.com", sources: people });
new MailboxMembership("other-rights", {
  mailbox: "support@contoso.com",
  members: {
    "ada@contoso.com": { otherRights: ["ReadPermission"] as const },
    [people[1]]: isLarge.apply(() => ({ sendAs: true })),
  },
});

// Wrong values do not compile.
// @ts-expect-error displayName is required
new SharedMailbox("missing", { primarySmtpAddress: "support@contoso.com" });
// @ts-expect-error a required input does not take undefined
new SharedMailbox("required", { ...required, displayName: maybe });
// @ts-expect-error nor an output of it
new SharedMailbox("required-output", { ...required, primarySmtpAddress: maybeOutput });
// @ts-expect-error no such input
new SharedMailbox("spelling", { ...required, displayname: "Support" });
// @ts-expect-error an output is no input
new SharedMailbox("output", { ...required, mailNickname: "support" });
// @ts-expect-error no such mode
new SharedMailbox("mode", { ...required, deletion: "hard" });
// @ts-expect-error an account is converted with "convert" only
new SharedMailbox("adopt", { ...required, adopt: "yes" });
// @ts-expect-error the target of a forwarding is required
new SharedMailbox("target", { ...required, forwarding: { keepCopy: true } });
// @ts-expect-error there are 15 custom attributes
new SharedMailbox("attribute-16", { ...required, customAttributes: { 16: "a" } });
// @ts-expect-error quotas are declared together
new SharedMailbox("one-quota", { ...required, quota: { prohibitSend: "49 GB" } });
// @ts-expect-error no such right
new MailboxMembership("right", { mailbox: "a@contoso.com", members: { "ada@contoso.com": { readOnly: true } } });
// @ts-expect-error no such right of the mailbox's own list
new MailboxMembership("own", { mailbox: "a@contoso.com", members: { "ada@contoso.com": { otherRights: ["Owner"] } } });
// @ts-expect-error a list of addresses, not of numbers
new MailboxMembership("numbers", { mailbox: "a@contoso.com", members: [1, 2] });
// @ts-expect-error a forward mailbox does not send
new ForwardingMailbox("sends", { name: "CRM", emailAddress: "a@contoso.com", outgoingEmail: "Outlook" });
// @ts-expect-error a queue is not synchronised by Outlook
new Queue("outlook", { name: "Q", emailAddress: "a@contoso.com", incomingEmail: "Outlook" });
// @ts-expect-error no such cloud
new Tenant("cloud", { cloud: "germany" });

/** A component's own arguments can be made of those of the class. */
export interface TeamMailboxArgs extends Partial<Pick<SharedMailboxArgs, "regional" | "emailAliases">> {
  address: pulumi.Input<string>;
}
