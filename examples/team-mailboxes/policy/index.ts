import { PolicyPack, validateResourceOfType } from "@pulumi/policy";
import { MailboxMembership, SharedMailbox } from "pulumi-mailboxes";

const ourDomains = ["contoso.com", "contoso.onmicrosoft.com"];

new PolicyPack("team-mailboxes", {
  policies: [
    {
      name: "mail-stays-inside",
      description: "No team's mail is forwarded to an address outside.",
      enforcementLevel: "mandatory",
      validateResource: validateResourceOfType(SharedMailbox, ({ forwarding }, _args, reportViolation) => {
        const to = typeof forwarding === "object" ? forwarding.to : undefined;
        if (to !== undefined && !ourDomains.some((domain) => to.toLowerCase().endsWith(`@${domain}`))) {
          reportViolation(`Mail is forwarded to ${to}, which is outside of ${ourDomains.join(" and ")}.`);
        }
      }),
    },
    {
      name: "sign-in-is-blocked",
      description: "Nobody signs in to a shared mailbox: people reach it with their own account.",
      enforcementLevel: "mandatory",
      validateResource: validateResourceOfType(SharedMailbox, ({ signInBlocked }, _args, reportViolation) => {
        if (signInBlocked === false) {
          reportViolation("Sign-in to the mailbox's account is not blocked.");
        }
      }),
    },
    {
      name: "two-people",
      description: "Mail is answered while one person is on holiday.",
      enforcementLevel: "advisory",
      validateResource: validateResourceOfType(MailboxMembership, ({ members }, _args, reportViolation) => {
        if (Object.keys(members).length < 2) {
          reportViolation(`Only ${Object.keys(members).join()} reads the mailbox.`);
        }
      }),
    },
  ],
});
