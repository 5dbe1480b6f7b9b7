import * as pulumi from "@pulumi/pulumi";
import { ForwardingMailbox } from "../../provider";
import { type Credentials, sealedCredentials } from "../../provider/kinds/mailbox-record/resource";

const credentials = { userName: "forwardmailbox@contoso.com", password: "correct horse battery" };

/** Members of sealed credentials: their values, and which of them are secret. */
async function seen(given: pulumi.Input<Credentials>): Promise<{ values: unknown; secret: string[] }> {
  const sealed = (await sealedCredentials(given)) ?? {};
  const members = await Promise.all(
    Object.entries(sealed).map(async ([name, member]) => {
      const output = pulumi.output(member);
      const value = await (output as unknown as { promise(withUnknowns?: boolean): Promise<unknown> }).promise();
      return { name, value, isSecret: await pulumi.isSecret(output) };
    }),
  );
  return {
    values: Object.fromEntries(members.map(({ name, value }) => [name, value])),
    secret: members.filter(({ isSecret }) => isSecret).map(({ name }) => name),
  };
}

test.each<[string, pulumi.Input<Credentials>, string[]]>([
  ["plain", credentials, ["password"]],
  ["with a password that is secret", { ...credentials, password: pulumi.secret(credentials.password) }, ["password"]],
  ["with a user name that is secret", { ...credentials, userName: pulumi.secret("crm") }, ["userName", "password"]],
  ["an output", pulumi.output(credentials), ["password"]],
  ["a promise", Promise.resolve(credentials), ["password"]],
  ["a secret output", pulumi.secret(credentials), ["userName", "password"]],
])(
  "credentials that are %s: the password is secret, the user name only where the program says so",
  async (_what, given, secret) => {
    const sealed = await seen(given);
    expect(sealed.secret.sort()).toEqual([...secret].sort());
    expect(sealed.values).toMatchObject({ password: credentials.password });
  },
);

test.each<[unknown, unknown]>([
  [undefined, undefined],
  [null, undefined],
])("no credentials (%p) are none", (given, expected) => {
  expect(sealedCredentials(given as undefined)).toEqual(expected);
});

test.each<[unknown, unknown]>([
  [undefined, undefined],
  [null, null],
  [false, false],
])("an output of no credentials (%p) is none", async (given, expected) => {
  const sealed = await sealedCredentials(pulumi.output(given) as pulumi.Output<Credentials>);
  expect(pulumi.Output.isInstance(sealed)).toBe(true);
  expect(await (sealed as unknown as { promise(): Promise<unknown> }).promise()).toEqual(expected);
});

test("something else than credentials is left for the check to name", async () => {
  expect((await seen("a text" as unknown as Credentials)).values).toEqual({ userName: undefined, password: undefined });
});

/** A secret as the mocks of Pulumi's SDK show it: the whole object around one. */
const kept = expect.objectContaining({ value: credentials });

test.each<[string, unknown, unknown, unknown]>([
  ["an output of none", pulumi.output(false), false, undefined],
  ["an output of nothing", pulumi.output(undefined), undefined, undefined],
  ["credentials", credentials, kept, ["credentials/password"]],
  ["an output of some", pulumi.output(credentials), kept, ["credentials/password"]],
])("a resource that is given %s is registered with that", async (_what, given, expected, secrets) => {
  const registered = new Promise<Record<string, unknown>>((resolve) => {
    void pulumi.runtime.setMocks({
      newResource: ({ name, inputs }) => {
        resolve(inputs);
        return { id: `${name}-id`, state: inputs };
      },
      call: ({ inputs }) => inputs,
    });
  });
  new ForwardingMailbox("intake", {
    name: "Intake",
    emailAddress: "intake@contoso.com",
    credentials: given as pulumi.Output<Credentials | false>,
  });
  const inputs = await registered;
  expect(inputs.credentials).toEqual(expected);
  expect(inputs.__secrets).toEqual(secrets);
});
