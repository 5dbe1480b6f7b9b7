import * as pulumi from "@pulumi/pulumi";
import { ForwardingMailbox, IndividualMailbox, MailboxMembership, Queue, SharedMailbox } from "../../provider";

const ada = "ada@contoso.com";
const classes: [string, (name: string) => pulumi.CustomResource][] = [
  ["SharedMailbox", (name) => new SharedMailbox(name, { displayName: "Info", primarySmtpAddress: "info@contoso.com" })],
  ["MailboxMembership", (name) => new MailboxMembership(name, { mailbox: "info@contoso.com", members: [ada] })],
  ["Queue", (name) => new Queue(name, { name: "Info", emailAddress: "info@contoso.com" })],
  ["IndividualMailbox", (name) => new IndividualMailbox(name, { user: ada, incomingEmail: "None" })],
  [
    "ForwardingMailbox",
    (name) => new ForwardingMailbox(name, { name: "Info", emailAddress: "info@contoso.com", sources: [ada] }),
  ],
];

/** The functions whose traces are written while work runs, each by its name, as ts-node writes them: by its own hook. */
function tracesDuring(work: () => unknown, files: string[] = []): string[] {
  const before = Error.prepareStackTrace;
  const traces: string[] = [];
  const hook: typeof Error.prepareStackTrace = (error, frames) => {
    traces.push(String(frames[0]?.getFunctionName()));
    if (traces.at(-1) === "callsites") {
      files.splice(0, files.length, ...frames.map((frame) => frame.getFileName() ?? ""));
    }
    return `${error}\n${frames.map((frame) => `    at ${frame}`).join("\n")}`;
  };
  Error.prepareStackTrace = hook;
  try {
    work();
    expect(Error.prepareStackTrace).toBe(hook);
    return traces;
  } finally {
    Error.prepareStackTrace = before;
  }
}

beforeAll(() =>
  pulumi.runtime.setMocks({ newResource: ({ inputs }) => ({ id: "id", state: inputs }), call: () => ({}) }),
);

// What is registered goes on behind the constructor.
afterAll(() => pulumi.runtime.disconnect());

test.each(classes)("a %s is made without a trace for each promise of each output", async (name, make) => {
  class Plain extends pulumi.CustomResource {
    constructor() {
      super("test:index:Plain", "plain", { one: undefined, two: undefined });
    }
  }
  const perOutput = (tracesDuring(() => new Plain()).length - tracesDuring(() => new Bare()).length) / 2;
  // Otherwise the SDK has changed, and this says nothing any more.
  expect(perOutput).toBe(4);
  const files: string[] = [];
  const traces = await onItsOwn(() => tracesDuring(() => make(name), files));
  expect(traces).not.toContain("debuggablePromise");
  // The line of the program that makes it still comes from a trace, and below the program there is nothing.
  expect(traces).toContain("callsites");
  expect(files.at(-1)).toBe(__filename);
  const plain: string[] = [];
  await onItsOwn(() => tracesDuring(() => new Bare(), plain));
  expect(plain).toContain(__filename);
  expect(plain.at(-1)).toMatch(/^node:/);
});

/** Runs work as Node does a program: with nothing but Node below it. */
function onItsOwn<T>(work: () => T): Promise<T> {
  return new Promise((resolve) => process.nextTick(() => resolve(work())));
}

class Bare extends pulumi.CustomResource {
  constructor() {
    super("test:index:Bare", "bare", {});
  }
}

test("traces of a transformation are written in full, and those after a refusal too", () => {
  let trace: string | undefined;
  const transformations: pulumi.ResourceTransformation[] = [
    () => {
      trace = new Error("here").stack;
      return undefined;
    },
  ];
  const mailbox = { displayName: "Info", primarySmtpAddress: "info@contoso.com" };
  tracesDuring(() => new SharedMailbox("transformed", mailbox, { transformations }));
  expect(trace).toContain("promise-traces.test");
  tracesDuring(() => expect(() => new SharedMailbox("", mailbox)).toThrow("Missing resource name"));
  tracesDuring(() => expect(() => new SharedMailbox("imported", mailbox, { import: "id" })).toThrow("import"));
});
