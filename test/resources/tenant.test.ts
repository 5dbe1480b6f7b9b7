import * as pulumi from "@pulumi/pulumi";
import { Tenant } from "../../provider";

test("a tenant's setting that turns out undefined is the stack's, as one that is not written", async () => {
  const made: Record<string, unknown>[] = [];
  await pulumi.runtime.setMocks({
    newResource: ({ name, inputs }) => {
      made.push(inputs);
      return { id: name, state: inputs };
    },
    call: ({ inputs }) => inputs,
  });
  pulumi.runtime.setAllConfig({ "mailboxes:localTenant": "contoso.jsonl" });
  for (const localTenant of [undefined, pulumi.output<string | undefined>(undefined), Promise.resolve(undefined)]) {
    await new Promise((resolve) => new Tenant("fabrikam", { localTenant }).urn.apply(resolve));
  }
  expect(made).toEqual(Array(3).fill({ "mailboxes:localTenant": "contoso.jsonl" }));
});
