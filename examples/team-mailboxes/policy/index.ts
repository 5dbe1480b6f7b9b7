import { PolicyPack, validateResourceOfType } from "@pulumi/policy";
import { MailboxMembership } from "pulumi-mailboxes";
import { mailboxPolicies } from "pulumi-mailboxes/policy";

new PolicyPack("team-mailboxes", {
  policies: [
    ...mailboxPolicies({
      externalForwarding: { domains: ["contoso.com", "contoso.onmicrosoft.com"] },
      notExclusive: "mandatory",
      noMembers: "mandatory",
      tooManyMembers: { most: 25, enforcementLevel: "advisory" },
    }),
    // A rule of one's own stands beside them.
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
