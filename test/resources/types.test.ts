import * as pulumi from "@pulumi/pulumi";
import * as program from "../../provider/index";

const { SharedMailbox, MailboxMembership, ForwardingMailbox, IndividualMailbox, Queue } = program;
const classes = { SharedMailbox, MailboxMembership, ForwardingMailbox, IndividualMailbox, Queue };

test.each(Object.entries(classes))("policies know %s by its type token", (kind, one) => {
  expect(one.__pulumiType).toBe(`pulumi-nodejs:dynamic/mailboxes:${kind}`);
  expect(one.isInstance({ __pulumiType: one.__pulumiType })).toBe(true);
  for (const other of [undefined, null, "text", {}, { __pulumiType: "pulumi-nodejs:dynamic/mailboxes:Other" }]) {
    expect(one.isInstance(other)).toBe(false);
  }
});

test("every class of the package is among them", () => {
  const exported = Object.entries(program).filter(
    ([, { prototype }]) =>
      prototype instanceof pulumi.CustomResource && !(prototype instanceof pulumi.ProviderResource),
  );
  expect(exported.map(([name]) => name).sort()).toEqual(Object.keys(classes).sort());
});

test("a resource made under mocks is an instance of its class, and of no other", async () => {
  await pulumi.runtime.setMocks({
    newResource: ({ name, inputs }) => ({ id: `${name}-id`, state: inputs }),
    call: ({ inputs }) => inputs,
  });
  const box = new SharedMailbox("support", { displayName: "Support", primarySmtpAddress: "support@contoso.com" });
  expect(SharedMailbox.isInstance(box)).toBe(true);
  expect(Queue.isInstance(box)).toBe(false);
});
