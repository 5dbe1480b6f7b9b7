import { pathToFileURL } from "node:url";
import * as pulumi from "@pulumi/pulumi";
import * as program from "../../provider";
import { type Kind, kindNames, kinds } from "../../provider/kinds";
import type { Description } from "../../provider/kinds/description";

const { SharedMailbox, Queue } = program;
/** `index.ts` exports the class of each kind by its name, or this does not compile. */
const byKind: Pick<typeof program, Kind> = program;
const classes = Object.fromEntries(kindNames.map((kind) => [kind, byKind[kind]]));

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

/** Properties that have one value: a program has no use for them as outputs. */
const constant: Partial<Record<Kind, readonly string[]>> = {
  SharedMailbox: ["type"],
  ForwardingMailbox: ["outgoingEmail", "appointmentsContactsTasks"],
};

test.each(kindNames)("every property in a table of %s is an output of its class", async (kind) => {
  let asked: unknown;
  await pulumi.runtime.setMocks({
    newResource: ({ id = "", inputs }) => {
      asked = inputs.__get;
      return { id, state: inputs };
    },
    call: ({ inputs }) => inputs,
  });
  const { urn } = (byKind[kind] as unknown as Class).get("support", "support@contoso.com");
  await new Promise((resolve) => urn.apply(resolve));
  const { tables }: Description = kinds[kind];
  const names = tables.flatMap(({ table }) => table.names).filter((name) => !constant[kind]?.includes(name));
  expect(asked).toEqual(expect.arrayContaining(names));
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

/** The line from which this is called. */
function lineHere(): number {
  return Number(/:(\d+):\d+\)?$/.exec(new Error().stack?.split("\n")[2] ?? "")?.[1]);
}

type Class = (new (
  name: string,
  args: object,
) => pulumi.CustomResource) & {
  get(name: string, id: string): pulumi.CustomResource;
};

// Functions with names: of a frame without one the SDK reads no position.
function declares(One: Class): number {
  const line = lineHere();
  new One("one", {});
  return line + 1;
}

function reads(One: Class): number {
  const line = lineHere();
  One.get("one", "one@contoso.com");
  return line + 1;
}

test.each([
  ...[declares, reads].flatMap((how) =>
    Object.entries(classes).map(([kind, one]) => [how.name, kind, how, one] as const),
  ),
  [declares.name, "Tenant", declares, program.Tenant] as const,
])("the line of the program that %s a %s is that of its state's sourcePosition", async (_name, _kind, how, one) => {
  await pulumi.runtime.setMocks({
    newResource: ({ name, inputs }) => ({ id: `${name}-id`, state: inputs }),
    call: ({ inputs }) => inputs,
  });
  // The SDK counts frames to find the caller: its own two constructors and that of the class, or `get` in its place, and no more.
  const sdk = pulumi.Resource as unknown as { stackTrace(skip: number): { uri: string; line: number }[] };
  const original = sdk.stackTrace;
  let position: { uri: string; line: number } | undefined;
  sdk.stackTrace = (skip) => {
    const frames = original.call(sdk, skip + 1);
    position = frames[0];
    return frames;
  };
  try {
    const line = how(one as unknown as Class);
    expect(position).toMatchObject({ uri: pathToFileURL(__filename).href, line });
  } finally {
    sdk.stackTrace = original;
  }
});

// Node leaves out constructors that are not written; where a debugger is on, as in Pulumi's host, they are frames.
test.each(Object.entries(classes))("no constructor stands between %s and the SDK", (_kind, Class) => {
  expect(Object.getPrototypeOf(Class)).toBe(pulumi.CustomResource);
});

test("what is read is an instance of its class", async () => {
  await pulumi.runtime.setMocks({
    newResource: ({ name, inputs }) => ({ id: `${name}-id`, state: inputs }),
    call: ({ inputs }) => inputs,
  });
  const box = SharedMailbox.get("support", "support@contoso.com");
  expect(box).toBeInstanceOf(SharedMailbox);
  expect(SharedMailbox.isInstance(box)).toBe(true);
  expect(Queue.isInstance(box)).toBe(false);
});
