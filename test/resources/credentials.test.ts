import * as pulumi from "@pulumi/pulumi";
import { type Credentials, sealedCredentials } from "../../provider/kinds/mailbox-record/resource";

const credentials = { userName: "forwardmailbox@contoso.com", password: "correct horse battery" };

/** Members of sealed credentials: their values, and which of them are secret. */
async function seen(given: pulumi.Input<Credentials>): Promise<{ values: unknown; secret: string[] }> {
  const sealed = sealedCredentials(given) ?? {};
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

test("something else than credentials is left for the check to name", async () => {
  expect((await seen("a text" as unknown as Credentials)).values).toEqual({ userName: undefined, password: undefined });
});
