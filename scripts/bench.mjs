import { mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { clone, run } from "./clone.mjs";
import { setUp } from "./setup.mjs";
import { environmentIn, serveTenant } from "./tenant.mjs";

/**
 * Counts requests, side by side in one run: what a deployment of N shared mailboxes with three members each asks of a tenant, and
 * what a script asks that makes one request a question and a step, as PowerShell scripts do. Request counts do not depend on the
 * machine. `npm run bench -- 10 50` names the sizes.
 */
const sizes = process.argv.slice(2).map(Number).filter(Boolean);
const people = ["ada", "grace", "alan"].map((name) => `${name}@contoso.com`);
const folder = join(clone, ".tenant", "bench");
const journal = join(folder, "contoso.jsonl");

const cli = await setUp();
const env = environmentIn(folder, cli);

console.log("| mailboxes | step | requests | calls in them | writes | a script's requests | ratio |");
console.log("|---:|---|---:|---:|---:|---:|---:|");
for (const size of sizes.length === 0 ? [10, 50] : sizes) {
  await measure(size);
}
rmSync(folder, { recursive: true, force: true });

async function measure(size) {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(join(folder, "state"), { recursive: true });
  mkdirSync(join(folder, "node_modules"), { recursive: true });
  symlinkSync(clone, join(folder, "node_modules", "pulumi-mailboxes"), "junction");
  writeFileSync(join(folder, "Pulumi.yaml"), JSON.stringify({ name: "bench", runtime: "nodejs" }));
  writeFileSync(join(folder, "package.json"), JSON.stringify({ name: "bench", main: "index.js" }));
  writeFileSync(
    join(folder, "Pulumi.bench.yaml"),
    JSON.stringify({
      config: {
        "mailboxes:localTenant": journal,
        "mailboxes:maxMailboxDeletes": String(size),
        "bench:size": String(size),
      },
    }),
  );
  writeFileSync(join(folder, "index.js"), program());
  const tenant = await serveTenant(journal);
  try {
    const script = scriptOn(tenant.client);
    await pulumi("stack", "init", "bench");
    const up = await counted(tenant, () => pulumi("up", "--yes", "--skip-preview"));
    const again = await counted(tenant, () => pulumi("up", "--yes", "--skip-preview"));
    const drift = await counted(tenant, () => pulumi("preview", "--refresh", "--expect-no-changes"));
    const reading = await counted(tenant, () => script.read(size));
    const destroy = await counted(tenant, () => pulumi("destroy", "--yes", "--skip-preview"));
    const making = await counted(tenant, () => script.make(size));
    const removing = await counted(tenant, () => script.remove(size));
    row(size, "up", up, making);
    row(size, "up again", again, reading);
    row(size, "preview --refresh", drift, reading);
    row(size, "destroy", destroy, removing);
  } finally {
    tenant.process.kill();
  }
}

function program() {
  return `const { Config } = require("@pulumi/pulumi");
const { MailboxMembership, SharedMailbox } = require("pulumi-mailboxes");
for (let number = 1; number <= new Config().requireNumber("size"); number += 1) {
  const box = new SharedMailbox("box" + number, { displayName: "Box " + number, primarySmtpAddress: "box" + number + "@contoso.com" });
  new MailboxMembership("members" + number, { mailbox: box.id, members: ${JSON.stringify(people)} });
}
`;
}

/** The same work as a script does it: each cmdlet and each Graph call is a request of its own, and nothing is looked at twice. */
function scriptOn(client) {
  const each = async (size, work) => {
    for (let number = 1; number <= size; number += 1) {
      await work(`box${number}`, number);
    }
  };
  return {
    make: (size) =>
      each(size, async (name, number) => {
        const [made] = await client.exchange("New-Mailbox", {
          Shared: true,
          Name: `Script ${name}`,
          DisplayName: `Box ${number}`,
          Alias: `script-${name}`,
          PrimarySmtpAddress: `script-${name}@contoso.com`,
        });
        await client.graph("PATCH", `/users/${made.ExternalDirectoryObjectId}`, { accountEnabled: false });
        for (const person of people) {
          const Identity = made.ExternalDirectoryObjectId;
          await client.exchange("Add-MailboxPermission", { Identity, User: person, AccessRights: ["FullAccess"] });
          const sendAs = { Identity, Trustee: person, AccessRights: ["SendAs"], Confirm: false };
          await client.exchange("Add-RecipientPermission", sendAs);
        }
      }),
    read: (size) =>
      each(size, async (name) => {
        const [seen] = await client.exchange("Get-Mailbox", { Identity: `${name}@contoso.com` });
        await client.exchange("Get-MailboxPermission", { Identity: seen.ExternalDirectoryObjectId });
        await client.exchange("Get-RecipientPermission", { Identity: seen.ExternalDirectoryObjectId });
        await client.graph("GET", `/users/${seen.ExternalDirectoryObjectId}`);
      }),
    remove: (size) =>
      each(size, async (name) => {
        await client.exchange("Remove-Mailbox", { Identity: `script-${name}@contoso.com`, Confirm: false });
      }),
  };
}

/** Requests over the wire, sign-in aside, and what they carried: a batch is one request with several calls. */
async function counted({ client }, work) {
  await client.control("DELETE", "requests");
  await work();
  const requests = (await client.control("GET", "requests")).filter(({ service }) => service !== "login");
  const calls = requests.flatMap(({ inner, ...own }) => inner ?? [own]);
  return { requests: requests.length, calls: calls.length, writes: calls.filter(({ isWrite }) => isWrite).length };
}

function row(size, step, own, script) {
  const ratio = script.requests === 0 ? "–" : (own.requests / script.requests).toFixed(2);
  console.log(`| ${size} | ${step} | ${own.requests} | ${own.calls} | ${own.writes} | ${script.requests} | ${ratio} |`);
}

async function pulumi(...args) {
  const own = args[0] === "stack" ? [] : ["--stack", "bench", "--suppress-progress"];
  const code = await run("pulumi", [...args, ...own, "--non-interactive"], {
    cwd: folder,
    env,
    stdio: ["ignore", "ignore", "inherit"],
  });
  if (code !== 0) {
    throw new Error(`"pulumi ${args.join(" ")}" ended with ${code}.`);
  }
}
