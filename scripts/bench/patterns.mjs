/**
 * What other tools ask of a tenant to check that nothing changed, replayed one request after the other by a plain client: providers
 * that keep a grant a resource, configuration tools that read a mailbox a resource, and scripts that put ten cmdlets in a `$batch`.
 *
 * @param boxes the mailboxes: `id`, `address`, and `trustees`, each of whom has Full Access and Send As.
 */
export const patterns = {
  async "one read a grant"(client, boxes) {
    for (const { id, trustees } of boxes) {
      await client.exchange("Get-Mailbox", { Identity: id });
      for (const trustee of trustees) {
        await client.exchange("Get-MailboxPermission", { Identity: id, User: trustee });
        await client.exchange("Get-RecipientPermission", { Identity: id, Trustee: trustee });
      }
    }
  },
  async "three reads a mailbox"(client, boxes) {
    for (const { id } of boxes) {
      for (const cmdlet of CMDLETS) {
        await client.exchange(cmdlet, { Identity: id });
      }
    }
  },
  async "ten a batch"(client, boxes) {
    const all = boxes.flatMap(({ id }) => CMDLETS.map((cmdlet) => ({ cmdlet, id })));
    for (let start = 0; start < all.length; start += 10) {
      const path = `/adminapi/beta/${client.tenantId}`;
      await client.request("exchange", "POST", `${path}/$batch`, {
        requests: all.slice(start, start + 10).map(({ cmdlet, id }, index) => ({
          id: String(index),
          method: "POST",
          url: `${client.origin}${path}/InvokeCommand`,
          body: { CmdletInput: { CmdletName: cmdlet, Parameters: { Identity: id } } },
        })),
      });
    }
  },
};

const CMDLETS = ["Get-Mailbox", "Get-MailboxPermission", "Get-RecipientPermission"];
