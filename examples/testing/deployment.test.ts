import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { pathToFileURL } from "node:url";
import { LocalWorkspace, type Stack } from "@pulumi/pulumi/automation";
import { type LocalTenant, startLocalTenant } from "pulumi-mailboxes/local-tenant";

// The program is really deployed: by the Pulumi CLI on the PATH, to a tenant that lives as long as these tests.
const state = mkdtempSync(join(tmpdir(), "state-"));
let tenant: LocalTenant;
let stack: Stack;

before(async () => {
  tenant = await startLocalTenant();
  stack = await LocalWorkspace.createOrSelectStack(
    { stackName: "test", workDir: join(__dirname, "..") },
    {
      envVars: {
        MAILBOXES_LOCAL_TENANT: tenant.origin,
        PULUMI_BACKEND_URL: pathToFileURL(state).href,
        PULUMI_CONFIG_PASSPHRASE: "test",
      },
    },
  );
});

after(async () => {
  await tenant.close();
  // Absent when the first deployment could not even begin.
  await stack?.workspace.removeStack("test");
  rmSync(state, { recursive: true });
});

const access = async () =>
  (await tenant.show()).grants
    .filter(({ mailbox, fullAccess }) => mailbox === "sales@contoso.com" && fullAccess)
    .map(({ trustee }) => trustee);

test("a deployment gives the team access, also when Exchange is busy", async () => {
  await tenant.addFault({ cmdlet: "New-Mailbox", answer: { status: 429, headers: { "Retry-After": "1" } } });
  await stack.up();
  assert.equal((await tenant.faults())[0]?.hit, 1);
  assert.deepEqual(await access(), ["ada@contoso.com", "grace@contoso.com"]);
});

test("a second deployment writes nothing", async () => {
  await tenant.clearRequests();
  await stack.up({ expectNoChanges: true });
  assert.deepEqual(await tenant.requests({ writes: true }), []);
});

test("a customer's mail arrives", async () => {
  const steps = await tenant.deliver({ from: "customer@example.com", to: "sales@contoso.com", subject: "An order" });
  assert.deepEqual(
    steps.map(({ action }) => action),
    ["delivered"],
  );
});

test("when the team goes, so do mailbox and access", async () => {
  await stack.destroy();
  assert.deepEqual(await access(), []);
  const [mailbox] = (await tenant.show()).mailboxes.filter(({ address }) => address === "sales@contoso.com");
  assert.equal(mailbox?.type, "SharedMailbox (deleted)");
});
