/**
 * What stands in a served tenant, read from its rows through the control interface: the independent witness of the engine tests.
 */
import type { MailboxRow, QueueRow } from "../../provider/local-tenant/dataverse/schema";
import type { InboxRule, Message, Permission, Recipient, User } from "../../provider/local-tenant/model";
import type { ServedTenant } from "./tenant";

/** The mailboxes that have an address, first or further, soft-deleted ones included. */
export async function mailboxesWith(tenant: ServedTenant, address: string): Promise<Recipient[]> {
  const recipients = Object.values(await tenant.rows<Recipient>("recipients"));
  return recipients.filter(
    ({ mailbox, emailAddresses }) =>
      mailbox !== undefined && emailAddresses.some((one) => one.toLowerCase() === `smtp:${address}`),
  );
}

/** The one mailbox that has an address and is not deleted. */
export async function mailboxWith(tenant: ServedTenant, address: string): Promise<Recipient> {
  const living = (await mailboxesWith(tenant, address)).filter(({ mailbox }) => mailbox?.whenSoftDeleted === null);
  const [mailbox] = living;
  if (mailbox === undefined || living.length > 1) {
    throw new Error(`${living.length} mailboxes have the address ${address}`);
  }
  return mailbox;
}

/** The explicit rights on a mailbox by the trustee's primary address: `{ "ada@contoso.com": ["FullAccess", "SendAs"] }`. */
export async function rightsOn(tenant: ServedTenant, address: string): Promise<Record<string, string[]>> {
  const { guid } = await mailboxWith(tenant, address);
  const recipients = Object.values(await tenant.rows<Recipient>("recipients"));
  const rights: Record<string, string[]> = {};
  for (const permission of Object.values(await tenant.rows<Permission>("permissions"))) {
    const trustee = recipients.find(({ sid }) => sid === permission.sid);
    if (permission.mailbox === guid && !permission.isInherited && trustee !== undefined) {
      const who = primaryOf(trustee);
      rights[who] = [...(rights[who] ?? []), ...permission.accessRights].sort();
    }
  }
  return rights;
}

/** The inbox rules of a mailbox. */
export async function rulesIn(tenant: ServedTenant, address: string): Promise<InboxRule[]> {
  const { externalDirectoryObjectId: id } = await mailboxWith(tenant, address);
  return Object.values(await tenant.rows<InboxRule>("rules")).filter(({ mailbox }) => mailbox === id);
}

/** Everything in Dynamics that is a forward mailbox. */
export async function forwardMailboxes(tenant: ServedTenant): Promise<MailboxRow[]> {
  return Object.values(await tenant.rows<MailboxRow>("dv.mailboxes")).filter((row) => row.isforwardmailbox);
}

/** The record Dynamics made for the user or queue with an address. */
export async function individualRecord(tenant: ServedTenant, address: string): Promise<MailboxRow | undefined> {
  const rows = Object.values(await tenant.rows<MailboxRow>("dv.mailboxes"));
  return rows.find((row) => !row.isforwardmailbox && row.emailaddress === address);
}

/** The queues with an address. */
export async function queues(tenant: ServedTenant, address: string): Promise<QueueRow[]> {
  return Object.values(await tenant.rows<QueueRow>("dv.queues")).filter((row) => row.emailaddress === address);
}

/** The messages in a mailbox. */
export async function messagesIn(tenant: ServedTenant, address: string): Promise<Message[]> {
  const { externalDirectoryObjectId: id } = await mailboxWith(tenant, address);
  return Object.values(await tenant.rows<Message>("messages")).filter(({ mailbox }) => mailbox === id);
}

/** The account behind a mailbox, deleted or not. */
export async function accountOf(tenant: ServedTenant, mailbox: Recipient): Promise<User | undefined> {
  return (await tenant.rows<User>("users"))[mailbox.externalDirectoryObjectId];
}

/** The requests that could change something since the log was cleared, as `service what`, those in batches one by one. */
export async function writes(tenant: ServedTenant): Promise<string[]> {
  const requests = await tenant.requests({ writes: "true" });
  return requests.flatMap(({ service, inner, ...own }) =>
    (inner ?? [{ ...own }])
      .filter(({ isWrite }) => isWrite)
      .map(({ cmdlet, method, path }) => `${service} ${cmdlet ?? `${method} ${path}`}`),
  );
}

function primaryOf({ emailAddresses }: Recipient): string {
  return emailAddresses.find((address) => address.startsWith("SMTP:"))?.slice("SMTP:".length) ?? "";
}
