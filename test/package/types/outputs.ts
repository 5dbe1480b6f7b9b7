/** What programs and policies do with outputs: they fit inputs, and what is always there need not be asked for. */
import type * as pulumi from "@pulumi/pulumi";
import {
  type DeclaredRights,
  ForwardingMailbox,
  IndividualMailbox,
  MailboxMembership,
  Queue,
  SharedMailbox,
  type SharedMailboxArgs,
} from "pulumi-mailboxes";
import {
  type Fault,
  type LocalTenant,
  localTenantAt,
  type Overview,
  startLocalTenant,
} from "pulumi-mailboxes/local-tenant";
import { dynamicProvider } from "pulumi-mailboxes/provider";
import { mailboxMocks } from "pulumi-mailboxes/testing";

declare const box: SharedMailbox;
declare const membership: MailboxMembership;
declare const forwarding: ForwardingMailbox;
declare const individual: IndividualMailbox;
declare const queue: Queue;

// Each declared output fits the input of its name.
new SharedMailbox("copy", {
  displayName: box.displayName,
  primarySmtpAddress: box.primarySmtpAddress,
  alias: box.alias,
  emailAliases: box.emailAliases,
  signInBlocked: box.signInBlocked,
  hiddenFromAddressLists: box.hiddenFromAddressLists,
  requireSenderAuthentication: box.requireSenderAuthentication,
  protocols: box.protocols,
  acceptMessagesOnlyFrom: box.acceptMessagesOnlyFrom,
  rejectMessagesFrom: box.rejectMessagesFrom,
  forwarding: box.forwarding,
  automaticReplies: box.automaticReplies,
  regional: box.regional,
  mailTip: box.mailTip,
  customAttributes: box.customAttributes,
  copySentItems: box.copySentItems,
  quota: box.quota,
  maxSendSize: box.maxSendSize,
  maxReceiveSize: box.maxReceiveSize,
  litigationHold: box.litigationHold,
  archive: box.archive,
  license: box.license,
});
new MailboxMembership("copy", {
  mailbox: box.id,
  members: membership.members,
  exclusive: membership.exclusive,
  orphans: membership.orphans,
});
new MailboxMembership("one-member", {
  mailbox: membership.mailbox,
  members: [box.primarySmtpAddress, individual.user.apply(String)],
});
new ForwardingMailbox("copy", {
  name: forwarding.name,
  emailAddress: box.primarySmtpAddress,
  owner: forwarding.owner,
  serverProfile: forwarding.serverProfile,
  deleteAfterProcessing: forwarding.deleteAfterProcessing,
  credentials: forwarding.credentials,
  incomingEmail: forwarding.incomingEmail,
  sources: forwarding.sources,
});
new ForwardingMailbox("sources", {
  name: "CRM",
  emailAddress: "crm@contoso.com",
  sources: [box.primarySmtpAddress, box.id],
});
new IndividualMailbox("copy", {
  user: individual.user,
  queue: individual.queue,
  emailAddress: individual.emailAddress,
  serverProfile: individual.serverProfile,
  incomingEmail: individual.incomingEmail,
  outgoingEmail: individual.outgoingEmail,
  appointmentsContactsTasks: individual.appointmentsContactsTasks,
  deleteAfterProcessing: individual.deleteAfterProcessing,
  credentials: individual.credentials,
});
new IndividualMailbox("of-a-queue", { queue: queue.id });
new Queue("copy", {
  name: queue.name,
  emailAddress: queue.emailAddress,
  owner: queue.owner,
  serverProfile: queue.serverProfile,
  incomingEmail: queue.incomingEmail,
  outgoingEmail: queue.outgoingEmail,
  emailFiltering: queue.emailFiltering,
});

// Every right of a member is there.
export const rights: pulumi.Output<boolean[]> = membership.members.apply((members) =>
  Object.values(members).flatMap(({ fullAccess, sendAs, sendOnBehalf, automapping }) => [
    fullAccess,
    sendAs,
    sendOnBehalf,
    automapping,
  ]),
);
export const others = (rightsOfOne: DeclaredRights): readonly string[] => rightsOfOne.otherRights ?? [];

// What may be absent must be asked for.
// @ts-expect-error the output may be undefined
export const alias: pulumi.Output<string> = box.alias;
// @ts-expect-error a member may be none
export const one: pulumi.Output<boolean> = membership.members.apply((members) => members["ada@contoso.com"].fullAccess);
// @ts-expect-error outputs are not assigned
box.displayName = forwarding.name;
// @ts-expect-error one class is not another
export const other: Queue = box;

// What policies get of a class: its inputs, unwrapped.
type Policy = pulumi.Unwrap<SharedMailboxArgs>;
export const isOutside = ({ forwarding, license, customAttributes, emailAliases }: Policy): boolean =>
  (typeof forwarding === "object" && forwarding.to.endsWith("@fabrikam.com")) ||
  (typeof license === "object" && license.sku === "EXCHANGEENTERPRISE") ||
  customAttributes?.[1] === "outside" ||
  (emailAliases ?? []).some((address) => address.endsWith("@fabrikam.com"));

// What is an instance has the class's type.
export const address = (resource: unknown): pulumi.Output<string> | undefined =>
  SharedMailbox.isInstance(resource) ? resource.primarySmtpAddress : undefined;

export const entryPoints = [dynamicProvider, mailboxMocks, localTenantAt];

// A test of a program: a tenant, what goes wrong in it, and what is there afterwards.
export async function trial(): Promise<Overview["grants"]> {
  const tenant: LocalTenant = await startLocalTenant({ lag: 100, tenantId: "fab12ca0-a000-4000-8000-00000000fab1" });
  const fault: Fault = { service: "exchange", cmdlet: "New-Mailbox", close: "after" };
  await tenant.addFault(fault);
  // @ts-expect-error one of two words
  await tenant.addFault({ close: "before it" });
  await tenant.configure({ approval: "silent", lag: { graph: 0 } });
  // @ts-expect-error one of three words
  await tenant.configure({ approval: "never" });
  // @ts-expect-error no such seed
  await tenant.reset("fabrikam");
  const writes: { path: string; status: number | null }[] = await tenant.requests({ writes: true, since: 3 });
  await tenant.close();
  return writes.length === 0 ? [] : (await tenant.show()).grants;
}
