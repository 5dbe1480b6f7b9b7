import { copyFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { clone, say } from "./clone.mjs";
import { makeProject } from "./project.mjs";
import { setUp } from "./setup.mjs";
import { serveTenant } from "./tenant.mjs";

/**
 * Records previews of the real CLI for the tests of `mailboxes review`: `node scripts/previews.mjs` deploys
 * test/review/previews/before.ts to a fresh local tenant, previews after.ts in several ways, and writes what the CLI prints beside
 * them. Left out are times, the provider's code, and places in the program, which are paths of this machine.
 */
const previews = join(clone, "test", "review", "previews");
const { folder, run, pulumi, remove } = makeProject("previews", await setUp());

const tenant = await serveTenant(join(folder, "tenant.jsonl"));
try {
  await pulumi("stack", "init");
  await pulumi("config", "set", "mailboxes:localTenant", "./tenant.jsonl");
  program("before.ts");
  await record("create", "preview");
  await pulumi("up", "--yes", "--skip-preview", "--suppress-progress");
  program("after.ts");
  await record("update", "preview", "--replace", urn("hand"));
  await record("shown", "preview", "--show-sames", "--show-secrets");
  await byHand();
  await record("refreshed", "preview", "--refresh");
  await record("drift", "refresh", "--preview-only");
  await record("destroy", "destroy", "--preview-only");
  writeFileSync(join(folder, "index.ts"), 'throw new Error("The program is wrong.");');
  await record("failed", "preview");
} finally {
  tenant.process.kill();
}
remove();
say(`Recorded in ${previews}.`);

/** What somebody does in the tenant after the deployment. */
async function byHand() {
  const access = (Identity, User) => ["Add-MailboxPermission", { Identity, User, AccessRights: ["FullAccess"] }];
  for (const [CmdletName, Parameters] of [
    access("support@contoso.com", "edsger@contoso.com"),
    access("sales@contoso.com", "radia@contoso.com"),
    [
      "Remove-MailboxPermission",
      { Identity: "support@contoso.com", User: "grace@contoso.com", AccessRights: ["FullAccess"], Confirm: false },
    ],
    ["Set-Mailbox", { Identity: "sales@contoso.com", DisplayName: "Do not use" }],
    ["Set-Mailbox", { Identity: "info@contoso.com", ForwardingSmtpAddress: "smtp:somebody@adatum.example" }],
    ["Remove-Mailbox", { Identity: "hand@contoso.com", Confirm: false }],
  ]) {
    await tenant.client.exchange(CmdletName, Parameters);
  }
  await tenant.client.graph("DELETE", "/users/alan@contoso.com");
  await tenant.client.graph("PATCH", "/users/info@contoso.com", { accountEnabled: true });
}

function program(file) {
  copyFileSync(join(previews, file), join(folder, "index.ts"));
}

function urn(name) {
  return `urn:pulumi:dev::previews::pulumi-nodejs:dynamic/mailboxes:SharedMailbox::${name}`;
}

async function record(name, ...args) {
  const { stdout, stderr } = await run(...args, "--json");
  const machine = [
    "sourcePosition",
    "stackTrace",
    "provider",
    "created",
    "modified",
    "config",
    "duration",
    "__provider",
  ];
  const kept = (key, value) =>
    machine.includes(key) && typeof value !== "boolean"
      ? undefined
      : key === "message"
        ? value.replaceAll(folder, "/project").replaceAll(clone, "/project")
        : value;
  try {
    const json = JSON.parse(stdout, kept);
    // One step a line: a change shows in the diff as what it is.
    const steps = json.steps.map((step) => `    ${JSON.stringify(step)}`).join(",\n");
    const rest = JSON.stringify({ ...json, steps: undefined }).slice(1);
    writeFileSync(join(previews, `${name}.json`), `{\n  "steps": [\n${steps}\n  ],\n${rest}\n`);
  } catch (error) {
    throw new Error(`"pulumi ${args.join(" ")}" printed no JSON (${error.message}):\n${stdout}${stderr}`);
  }
}
