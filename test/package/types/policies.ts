/** What policy packs write. */
import { PolicyPack } from "@pulumi/policy";
import { type MailboxPolicyOptions, mailboxPolicies } from "pulumi-mailboxes/policy";

const options: MailboxPolicyOptions = {
  signInOpen: "advisory",
  externalReplies: false,
  everyoneGroup: { groups: ["all@*", /^team-/], enforcementLevel: "disabled" },
  noOwner: { attribute: 3, pattern: "*@contoso.com" },
  wrongMembers: { only: "groups", groups: ["team-*"] },
  acrossDepartments: {
    isAllowed: (member, { customAttributes }) => member.endsWith(`@${String(customAttributes?.["1"])}.contoso.com`),
  },
};
new PolicyPack("mailboxes", { policies: [...mailboxPolicies(options), ...mailboxPolicies()] });

// @ts-expect-error -- a rule that has a parameter needs it
mailboxPolicies({ tooManyMembers: "mandatory" });
// @ts-expect-error -- there is no such rule
mailboxPolicies({ tooFewMembers: false });
// @ts-expect-error -- nothing is remedied
mailboxPolicies({ signInOpen: "remediate" });
