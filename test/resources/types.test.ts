import { pathToFileURL } from "node:url";
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

test.each(Object.entries(classes))(
  "the line of the program that declares a %s is that of its state's sourcePosition",
  async (_kind, Class) => {
    await pulumi.runtime.setMocks({
      newResource: ({ name, inputs }) => ({ id: `${name}-id`, state: inputs }),
      call: ({ inputs }) => inputs,
    });
    // The SDK counts constructors to find the caller: its own two and that of the class, no more.
    const sdk = pulumi.Resource as unknown as { stackTrace(skip: number): { uri: string }[] };
    const original = sdk.stackTrace;
    let position: { uri: string } | undefined;
    sdk.stackTrace = (skip) => {
      const frames = original.call(sdk, skip + 1);
      position = frames[0];
      return frames;
    };
    // The SDK reads no position of a frame without a name.
    function declare(): void {
      new (Class as new (name: string, args: object) => pulumi.CustomResource)("one", {});
    }
    try {
      declare();
    } finally {
      sdk.stackTrace = original;
    }
    expect(position?.uri).toBe(pathToFileURL(__filename).href);
    // Here Node leaves out constructors that are not written; where a debugger is on, as in Pulumi's host, they are frames.
    expect(Object.getPrototypeOf(Class)).toBe(pulumi.CustomResource);
  },
);
