import * as pulumi from "@pulumi/pulumi";
import { transformSync } from "@swc/core";
import * as program from "../provider";
import { check } from "../provider/dynamic/check";
import { type Kind, kindNames, kinds } from "../provider/kinds";
import type { Description } from "../provider/kinds/description";
import { mailboxMocks } from "../provider/testing";
import { blocksOf, pages } from "./pages/blocks";

const { ForwardingMailbox, IndividualMailbox, MailboxMembership, Queue, SharedMailbox } = program;

const classes: Pick<typeof program, Kind> = program;

/** The value of an output. */
const settled = <T>(output: pulumi.Output<T>): Promise<T> => (output as unknown as { promise(): Promise<T> }).promise();

/** All outputs that a class declares, by name. */
async function outputsOf(resource: pulumi.CustomResource): Promise<Record<string, unknown>> {
  const entries = Object.entries(resource).filter(
    ([name, one]) => !name.startsWith("__") && pulumi.Output.isInstance(one),
  );
  return Object.fromEntries(await Promise.all(entries.map(async ([name, one]) => [name, await settled(one)])));
}

beforeEach(() => pulumi.runtime.setMocks(mailboxMocks()));

test("a shared mailbox and its members answer with defaults, canonical forms and ids", async () => {
  const box = new SharedMailbox("support", { displayName: "Support", primarySmtpAddress: "Support@Contoso.com" });
  const members = new MailboxMembership("members", { mailbox: box.id, members: ["Ada@Contoso.com"] });
  expect(await outputsOf(box)).toMatchObject({
    primarySmtpAddress: "support@contoso.com",
    signInBlocked: true,
    mailNickname: "support",
    accountEnabled: false,
    addresses: ["SMTP:support@contoso.com"],
    recipientTypeDetails: "SharedMailbox",
  });
  expect(await outputsOf(members)).toMatchObject({
    members: { "ada@contoso.com": { fullAccess: true, sendAs: true, sendOnBehalf: false, automapping: true } },
    memberIds: { "ada@contoso.com": expect.stringMatching(/^[0-9a-f-]{36}$/) },
    mailboxId: await settled(box.id),
  });
});

test("ids are the same in every run", async () => {
  const args = { displayName: "Support", primarySmtpAddress: "support@contoso.com" };
  const first = await settled(new SharedMailbox("support", args).id);
  await pulumi.runtime.setMocks(mailboxMocks());
  expect(await settled(new SharedMailbox("support", args).id)).toBe(first);
});

test.each<[string, () => pulumi.CustomResource, string[]]>([
  [
    "ForwardingMailbox",
    () => new ForwardingMailbox("f", { name: "F", emailAddress: "f@contoso.com", sources: ["ada@contoso.com"] }),
    ["regarding", "mailboxTestCompletedOn"],
  ],
  ["IndividualMailbox", () => new IndividualMailbox("i", { user: "ada@contoso.com" }), ["mailboxTestCompletedOn"]],
  ["Queue", () => new Queue("q", { name: "Q", emailAddress: "q@contoso.com" }), ["mailboxTestCompletedOn"]],
])("%s fills every output that is computed", async (_kind, make, unset) => {
  const resource = make();
  const outputs = await outputsOf(resource);
  const computed = [
    "organizationId",
    "tenantId",
    "emailApproval",
    "incomingEmailStatus",
    "isForwardMailbox",
    "regarding",
  ];
  for (const name of computed.filter((one) => !unset.includes(one))) {
    expect({ name, value: outputs[name] }).toEqual({ name, value: expect.anything() });
  }
  expect(outputs.id).toMatch(/^[0-9a-f-]{36}$/);
});

test("a wrong input fails with the words of a preview", () => {
  const { newResource } = mailboxMocks();
  const type = MailboxMembership.__pulumiType;
  const inputs = { mailbox: "support@contoso.com", members: { ada: {} } };
  expect(() => newResource({ type, name: "members", inputs })).toThrow(
    /^MailboxMembership "members":\nmembers\.ada: looks like a display name/,
  );
});

test.each(Object.entries<Description>(kinds))(
  "each sample of %s answers with an id, and as a deployment is checked",
  (kind, one) => {
    const { newResource } = mailboxMocks();
    for (const inputs of one.samples) {
      const { id, state } = newResource({
        type: classes[kind as Kind].__pulumiType,
        name: "sample",
        inputs,
      }) as pulumi.runtime.MockResourceResult;
      expect(id).toMatch(/^[0-9a-f-]{36}$/);
      expect(state).toMatchObject(check(one.reconciler, inputs, undefined).inputs);
      expect(state).toMatchObject({ tenantId: expect.any(String) });
    }
  },
);

test("other resources and functions are for the user's own mocks", async () => {
  const own = mailboxMocks({
    newResource: ({ name }) => ({ id: `own-${name}`, state: {} }),
    call: () => ({ answer: 42 }),
  });
  expect(await own.newResource({ type: "random:index:Id", name: "x", inputs: {} })).toEqual({ id: "own-x", state: {} });
  expect(await own.call({ token: "t", inputs: {} })).toEqual({ answer: 42 });
  const none = mailboxMocks();
  expect(await none.newResource({ type: "random:index:Id", name: "x", inputs: { a: 1 } })).toEqual({
    id: "x-id",
    state: { a: 1 },
  });
});

test.each(kindNames)("%s.get answers with a canonical id and every output", async (kind) => {
  const resource = classes[kind].get("seen", "Desk@Contoso.com");
  const { id, urn, ...outputs } = await outputsOf(resource);
  expect(id).toMatch(/^[0-9a-f-]{36}$/);
  expect(urn).toContain(`mailboxes:${kind}::seen`);
  expect(Object.entries(outputs).filter(([, value]) => value === undefined)).toEqual([]);
  // Of what is named by an id alone, a mock has no address.
  expect(JSON.stringify(outputs)).toMatch(new RegExp(`${id}|desk@contoso.com`));
});

test("what is read and what is declared under one address have one id", async () => {
  const declared = new SharedMailbox("desk", { displayName: "Desk", primarySmtpAddress: "desk@contoso.com" });
  expect(await settled(SharedMailbox.get("seen", "desk@contoso.com").id)).toBe(await settled(declared.id));
});

test("a get under mocks that know nothing of it keeps the id that was asked for", async () => {
  await pulumi.runtime.setMocks({
    newResource: ({ id, inputs }) => ({ id: id ?? "", state: inputs }),
    call: () => ({}),
  });
  expect(await settled(SharedMailbox.get("seen", "desk@contoso.com").id)).toBe("desk@contoso.com");
});

test.each<[string, () => unknown, string]>([
  ["a bare id", () => new SharedMailbox("box", {} as never, { id: "x" }), 'Call SharedMailbox.get("box", …)'],
  ["import", () => new Queue("q", { name: "Q", emailAddress: "q@contoso.com" }, { import: "x" }), "Queue.get"],
  ["import", () => new MailboxMembership("m", {} as never, { import: "x" }), "npx mailboxes import-file"],
  ["an empty get", () => SharedMailbox.get("box", " "), "not told what to read"],
  ["a get of nothing", () => SharedMailbox.get("box", undefined as never), "not told what to read"],
])("%s is refused with the way that works", (_what, make, way) => {
  expect(make).toThrow(new RegExp(way.replace(/[().]/g, "\\$&"), "i"));
});

describe("the examples of the reference pass the checks of a preview", () => {
  const examples = pages
    .filter((page) => page.startsWith("docs/reference/"))
    .flatMap((page) => blocksOf(page).filter(({ language }) => language === "ts"));

  test("are three to five a kind", () => {
    const counts = new Map(examples.map(({ page }) => [page, examples.filter((one) => one.page === page).length]));
    expect(counts.size).toBe(Object.keys(kinds).length);
    expect([...counts].filter(([, count]) => count < 3 || count > 5)).toEqual([]);
  });

  test.each(examples.map(({ page, line, text }) => [`${page}:${line}`, text] as const))("%s", async (_where, text) => {
    const [made, refused]: [pulumi.CustomResource[], string[]] = [[], []];
    const mocks = mailboxMocks();
    await pulumi.runtime.setMocks({
      ...mocks,
      // What a mock throws would end the process.
      newResource(args) {
        try {
          return mocks.newResource(args);
        } catch (error) {
          refused.push(String(error));
          return { id: args.name, state: args.inputs };
        }
      },
    });
    const classes = Object.fromEntries(
      Object.entries(program)
        .filter(([, one]) => typeof one === "function" && "__pulumiType" in one)
        .map(([name, one]) => [
          name,
          new Proxy(one as new (...args: never[]) => pulumi.CustomResource, {
            construct(target, args, self) {
              const resource = Reflect.construct(target, args, self);
              made.push(resource);
              return resource;
            },
          }),
        ]),
    );
    const around = ["support", "desk", "collector"]
      .map(
        (name) =>
          `const ${name} = new SharedMailbox("around-${name}", { displayName: "${name}", primarySmtpAddress: "${name}@contoso.com" });`,
      )
      .filter((line) => !text.includes(line.slice(0, line.indexOf("="))))
      .join("\n");
    const { code } = transformSync(`${around}\n${text.replace(/^export /gm, "")}`, {
      jsc: { parser: { syntax: "typescript" }, target: "es2022" },
    });
    new Function(...Object.keys(classes), code)(...Object.values(classes));
    await Promise.all(made.map(({ id }) => settled(id)));
    expect(refused).toEqual([]);
    expect(made.length).toBeGreaterThan(0);
  });
});
