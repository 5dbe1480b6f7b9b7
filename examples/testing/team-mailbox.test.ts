import assert from "node:assert/strict";
import { before, test } from "node:test";
import * as pulumi from "@pulumi/pulumi";
import { mailboxMocks } from "pulumi-mailboxes/testing";
import { TeamMailbox } from "./team-mailbox";

before(() => pulumi.runtime.setMocks(mailboxMocks()));

/** The value of an output. */
const settled = <T>(output: pulumi.Output<T>) => new Promise<T>((resolve) => output.apply(resolve));

test("a team has the mailbox of its name, and its people in canonical form", async () => {
  const team = new TeamMailbox("sales", { name: "sales", people: ["Ada@Contoso.com", "grace@contoso.com"] });
  assert.equal(await settled(team.address), "sales@contoso.com");
  assert.deepEqual(await settled(team.members), ["ada@contoso.com", "grace@contoso.com"]);
});

test("a mistake shows here, before any preview", () => {
  const { newResource } = mailboxMocks();
  const inputs = { mailbox: "sales@contoso.com", members: ["Ada Lovelace"] };
  const type = "pulumi-nodejs:dynamic/mailboxes:MailboxMembership";
  assert.throws(() => newResource({ type, name: "sales-members", inputs }), /members\[0\]: looks like a display name/);
});
