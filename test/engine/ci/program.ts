/** The program of a checkout: one mailbox with its members. */
export function programWith(members: readonly string[]): string {
  return `
const { MailboxMembership, SharedMailbox } = require("pulumi-mailboxes");
const desk = new SharedMailbox("desk", { displayName: "Contoso Desk", primarySmtpAddress: "desk@contoso.com" });
new MailboxMembership("desk-members", { mailbox: desk.id, members: ${JSON.stringify(members)} });
`;
}
