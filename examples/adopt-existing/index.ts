import { MailboxMembership, SharedMailbox } from "pulumi-mailboxes";

// 1. Adopt. `pulumi up` takes over the shared mailbox that has the address: it sets what is declared here, warns of each value
//    that it overwrites, and takes nothing away. What is not declared is left alone.
const info = new SharedMailbox("info", {
  displayName: "Contoso Info",
  primarySmtpAddress: "info@contoso.com",
  adopt: true,
  // Often nobody has blocked the account behind an old shared mailbox. That this ends its sign-in must be said.
  signInBlocked: true,
  // The default for an adopted mailbox, written down: `pulumi destroy` leaves it in the tenant.
  deletion: "retain",
});

// 2. Declare the people you know of. They keep what they have, and so does everybody else: the stack's output lists them, beside
//    Exchange's own role groups, which always stay.
const members = new MailboxMembership("info-members", {
  mailbox: info.id,
  members: {
    "ada@contoso.com": {},
    "grace@contoso.com": { sendAs: false },
  },
  // 3. Take the others into `members`, or decide that they go: with the next line `pulumi up` warns with their addresses,
  //    `pulumi preview --refresh` names each of them as a removal, and `pulumi up --refresh` removes them.
  // exclusive: true,
});

export const othersWithAccess = members.otherMembers;
