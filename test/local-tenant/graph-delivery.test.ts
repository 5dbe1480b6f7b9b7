import { type DeliveryStep, deliver } from "../../provider/local-tenant/graph/delivery";
import {
  type InboxRule,
  type MailboxFields,
  type Message,
  type Recipient,
  tables,
} from "../../provider/local-tenant/model";
import { Tenant } from "../../provider/local-tenant/tenant";
import { addContact, addGroup, addMailbox, recipientOf } from "./graph-tenant";

let tenant: Tenant;
beforeEach(() => {
  tenant = new Tenant();
  tenant.store.put(tables.domains, "contoso.com", { domainName: "contoso.com", isDefault: true });
});

const mail = { from: "customer@else.example", to: "info@contoso.com", subject: "Order 1" };
const actions = (steps: DeliveryStep[]) => steps.map((step) => step.action);

function addRule(mailbox: string, sequence: number, more: Partial<InboxRule>): void {
  const rule: InboxRule = {
    id: `${mailbox}-${sequence}`,
    mailbox,
    displayName: `rule ${sequence}`,
    sequence,
    isEnabled: true,
    hasError: false,
    isReadOnly: false,
    conditions: null,
    exceptions: null,
    actions: {},
    ...more,
  };
  tenant.store.put(tables.rules, rule.id, rule);
}

function inbox(mailbox: string): Message[] {
  return tenant.store.all<Message>(tables.messages).filter((message) => message.mailbox === mailbox);
}

const to = (address: string) => [{ emailAddress: { address } }];

test("a message arrives at any address of a mailbox and is counted", async () => {
  const { user, recipient } = addMailbox(tenant, "info", "SharedMailbox");
  expect(actions(await deliver(tenant, { ...mail, to: "INFO@contoso.onmicrosoft.com" }))).toEqual(["delivered"]);
  expect(inbox(user.id)).toMatchObject([{ subject: "Order 1", from: mail.from, attachment: null }]);
  expect(recipientOf(tenant, recipient.guid)?.mailbox).toMatchObject({ itemCount: 1, totalItemSize: 4096 });
});

test("nobody and a soft-deleted mailbox end in a non-delivery report", async () => {
  addMailbox(tenant, "info", "SharedMailbox", { whenSoftDeleted: tenant.timestamp() });
  const steps = await deliver(tenant, mail);
  expect(steps).toMatchObject([{ action: "notDelivered", detail: expect.stringContaining("5.1.10") }]);
});

test("a rule feeds a forward mailbox with the original attached", async () => {
  const { user } = addMailbox(tenant, "info", "SharedMailbox");
  const { user: crm } = addMailbox(tenant, "crm", "SharedMailbox");
  addRule(user.id, 1, { actions: { forwardAsAttachmentTo: to("crm@contoso.com") } });
  expect(actions(await deliver(tenant, mail))).toEqual(["delivered", "ruleForwardedAsAttachment", "delivered"]);
  expect(inbox(crm.id)).toMatchObject([
    {
      from: "info@contoso.com",
      subject: "FW: Order 1",
      attachment: { from: "customer@else.example", to: "info@contoso.com", subject: "Order 1" },
    },
  ]);
});

// @shows graph.rules-run
test("rules run in order of sequence until one stops, conditions and exceptions decide", async () => {
  const { user } = addMailbox(tenant, "info", "SharedMailbox");
  addMailbox(tenant, "ada");
  addRule(user.id, 3, { actions: { delete: true } });
  addRule(user.id, 2, { actions: { redirectTo: to("ada@contoso.com"), stopProcessingRules: true } });
  addRule(user.id, 1, { conditions: { subjectContains: ["offer"] }, actions: { delete: true } });
  expect(actions(await deliver(tenant, mail))).toEqual(["delivered", "ruleRedirected", "delivered", "stopped"]);
  expect(inbox(user.id)[0]?.folder).toBeUndefined();
  tenant.store.delete(tables.rules, `${user.id}-2`);
  addRule(user.id, 3, { actions: { delete: true }, exceptions: { fromAddresses: to("CUSTOMER@else.example") } });
  expect(actions(await deliver(tenant, mail))).toEqual(["delivered"]);
  expect(actions(await deliver(tenant, { ...mail, from: "ada@contoso.com" }))).toEqual(["delivered", "ruleDeleted"]);
  addRule(user.id, 3, { conditions: { importance: "high" }, actions: { delete: true } });
  expect(actions(await deliver(tenant, mail))).toEqual(["delivered", "ruleSkipped"]);
  addRule(user.id, 3, { isEnabled: false, actions: { delete: true } });
  expect(actions(await deliver(tenant, mail))).toEqual(["delivered"]);
});

// @shows graph.forwarding-precedence graph.rules-forwarded-mailbox
test("mailbox forwarding: a copy only when asked for, and rules only where a copy is", async () => {
  const { user: ada, recipient } = addMailbox(tenant, "ada");
  const { user } = addMailbox(tenant, "info", "SharedMailbox", {
    forwardingAddress: recipient.guid,
    forwardingSmtpAddress: "smtp:someone@else.example",
  });
  addRule(user.id, 1, { actions: { delete: true } });
  expect(actions(await deliver(tenant, mail))).toEqual(["forwarded", "delivered"]);
  expect([inbox(user.id).length, inbox(ada.id).length]).toEqual([0, 1]);

  const { user: both } = addMailbox(tenant, "both", "SharedMailbox", {
    forwardingSmtpAddress: "smtp:ada@contoso.com",
    deliverToMailboxAndForward: true,
  });
  expect(actions(await deliver(tenant, { ...mail, to: "both@contoso.com" }))).toEqual([
    "forwarded",
    "delivered",
    "delivered",
  ]);
  expect(inbox(both.id)).toHaveLength(1);
});

test("loops end: rules at each other, mailboxes forwarding in a circle", async () => {
  const { user: a } = addMailbox(tenant, "a");
  const { user: b } = addMailbox(tenant, "b");
  addRule(a.id, 1, { actions: { forwardTo: to("b@contoso.com") } });
  addRule(b.id, 1, { actions: { forwardTo: to("a@contoso.com") } });
  const steps = await deliver(tenant, { ...mail, to: "a@contoso.com" });
  expect(actions(steps)).toEqual(["delivered", "ruleForwarded", "delivered", "ruleForwarded", "delivered", "loop"]);

  addMailbox(tenant, "c", "SharedMailbox", { forwardingSmtpAddress: "smtp:d@contoso.com" });
  addMailbox(tenant, "d", "SharedMailbox", { forwardingSmtpAddress: "smtp:c@contoso.com" });
  expect(actions(await deliver(tenant, { ...mail, to: "c@contoso.com" }))).toEqual(["forwarded", "forwarded", "loop"]);
});

// @shows graph.external-forwarding
test("automatic forwarding to the outside is refused, also through a contact; groups reach their members", async () => {
  const contact = addContact(tenant, "partner", "partner@else.example");
  const { user } = addMailbox(tenant, "info", "SharedMailbox", {
    forwardingAddress: contact.guid,
    deliverToMailboxAndForward: true,
  });
  addRule(user.id, 1, { actions: { forwardTo: to("someone@else.example") } });
  const steps = await deliver(tenant, mail);
  expect(actions(steps)).toEqual(["forwarded", "notDelivered", "delivered", "ruleForwarded", "notDelivered"]);
  expect(steps[1]?.detail).toContain("5.7.520");
  const { user: ada } = addMailbox(tenant, "ada");
  addGroup(tenant, "team", [ada.id, user.id]);
  await deliver(tenant, { ...mail, to: "team@contoso.com" });
  expect(inbox(ada.id)).toHaveLength(1);
});

// @shows graph.refused-senders
test("a mailbox refuses the senders it is told to refuse", async () => {
  const { recipient: ada } = addMailbox(tenant, "ada");
  const { user: grace } = addMailbox(tenant, "grace");
  const group = addGroup(tenant, "team", [grace.id]);
  const team = tenant.store.all<Recipient>(tables.recipients).find((one) => one.externalDirectoryObjectId === group.id);
  const box = (more: Partial<MailboxFields>) => addMailbox(tenant, "info", "SharedMailbox", more).recipient.guid;
  const answers = async (): Promise<string[]> => {
    const froms = ["customer@else.example", "ada@contoso.com", "grace@contoso.com"];
    const steps = await Promise.all(froms.map((from) => deliver(tenant, { ...mail, from })));
    return steps.flat().map(({ action, detail }) => (action === "delivered" ? action : detail.slice(0, 11)));
  };
  const refused = { unauthenticated: "550 5.7.134", restricted: "550 5.7.129", no: "delivered" };

  const cases: [Partial<MailboxFields>, (keyof typeof refused)[]][] = [
    [{ requireSenderAuthenticationEnabled: true }, ["unauthenticated", "no", "no"]],
    [{ acceptMessagesOnlyFrom: [ada.guid] }, ["restricted", "no", "restricted"]],
    [{ acceptMessagesOnlyFromDLMembers: [team?.guid ?? ""] }, ["restricted", "restricted", "no"]],
    [{ rejectMessagesFrom: [ada.guid] }, ["no", "restricted", "no"]],
    [{ rejectMessagesFromDLMembers: [team?.guid ?? ""] }, ["no", "no", "restricted"]],
  ];
  for (const [more, expected] of cases) {
    const guid = box(more);
    expect([more, await answers()]).toEqual([more, expected.map((why) => refused[why])]);
    tenant.store.delete(tables.recipients, guid);
  }
});
