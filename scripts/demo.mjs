import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { clone, run } from "./clone.mjs";
import { setUp } from "./setup.mjs";
import { command, environmentIn, serveTenant } from "./tenant.mjs";

/** The main job as a story, on a local tenant and a state of its own that are made anew each time. */
const folder = join(clone, ".tenant", "demo");
const journal = join(folder, "contoso.jsonl");
const config = join(folder, "Pulumi.demo.yaml");
const isColoured = process.stdout.isTTY && !process.env.NO_COLOR;
const bold = (text) => (isColoured ? `\x1b[1m${text}\x1b[0m` : text);

const cli = await setUp();
const env = {
  ...environmentIn(folder, cli),
  // A run starts a second faster, and `npm run typecheck` has checked the program.
  PULUMI_NODEJS_TRANSPILE_ONLY: "true",
};
rmSync(folder, { recursive: true, force: true });
mkdirSync(join(folder, "state"), { recursive: true });
writeFileSync(config, JSON.stringify({ config: { "mailboxes:localTenant": journal } }));

const tenant = await serveTenant(journal);
try {
  await tell();
} finally {
  tenant.process.kill();
}

async function tell() {
  heading(
    "The program",
    "Two shared mailboxes, the people of one, and a Dynamics 365 forward mailbox that the other one feeds.",
  );
  console.log(indented(readFileSync(join(clone, "examples", "first", "index.ts"), "utf8").trim()));
  await pulumi(["stack", "init", "demo"], { quiet: true });
  // The new stack's own settings: the demo keeps its configuration apart from the project.
  rmSync(join(clone, "Pulumi.demo.yaml"), { force: true });

  heading("1. preview", "What would be made in the tenant. Nothing is written yet.");
  await pulumi(["preview", "--diff"]);

  heading("2. up", "The tenant gets what the program declares.");
  await pulumi(["up", "--yes", "--skip-preview"]);

  heading("3. preview again", "Everything is as declared, so there is nothing to do.");
  await pulumi(["preview", "--expect-no-changes"]);

  heading(
    "4. Somebody changes the tenant by hand",
    "In the admin centre, in Outlook, in PowerShell: without a word to anyone.",
  );
  await changeByHand();

  heading("5. refresh", "Pulumi reads the tenant and names exactly what is no longer as declared.");
  await pulumi(["refresh", "--yes", "--skip-preview", "--diff"]);

  heading(
    "6. preview of the repair",
    "The same three differences, the other way round. A reviewer sees them before anything is written.",
  );
  await pulumi(["preview", "--diff"]);

  heading("7. up", "Only those three are written.");
  await pulumi(["up", "--yes", "--skip-preview"]);
  await pulumi(["preview", "--expect-no-changes"], { quiet: true });

  heading(
    "8. What the tenant holds now",
    "Mailboxes, who may do what, the forward mailbox with its rule and its test.",
  );
  await mailboxes(["tenant", "show", "--data", journal]);

  const path = relative(clone, journal);
  console.log(`\nThe tenant stays in ${path}: npx mailboxes tenant show --data ${path}`);
  console.log("Your turn: edit examples/first/index.ts, then npm run pulumi -- preview, and npm run pulumi -- up.");
}

/** The three changes, through the tenant's own services, as people and their tools make them. */
async function changeByHand() {
  const { client } = tenant;
  const identity = "support@contoso.com";
  const grace = "grace@contoso.com";

  const rights = { Identity: identity, User: grace, AccessRights: ["FullAccess"], Confirm: false };
  await client.exchange("Remove-MailboxPermission", rights);
  await client.exchange("Remove-RecipientPermission", {
    Identity: identity,
    Trustee: grace,
    AccessRights: ["SendAs"],
    Confirm: false,
  });
  console.log(`  · ${grace} loses access to ${identity}`);

  await client.exchange("Set-Mailbox", { Identity: identity, DisplayName: "Support (do not use)" });
  console.log(`  · ${identity} is renamed to "Support (do not use)"`);

  const [mailbox] = await client.exchange("Get-Mailbox", { Identity: identity });
  const rules = `/users/${mailbox.ExternalDirectoryObjectId}/mailFolders/inbox/messageRules`;
  for (const rule of (await client.graph("GET", rules)).value) {
    await client.graph("DELETE", `${rules}/${rule.id}`);
    console.log(`  · the inbox rule "${rule.displayName}" in ${identity} is deleted`);
  }
}

async function pulumi(args, { quiet = false } = {}) {
  const display = ["--non-interactive", "--color", isColoured ? "always" : "never"];
  const isDeployment = args[0] !== "stack";
  const own = isDeployment ? ["--stack", "demo", "--config-file", config, "--suppress-progress"] : [];
  const shown = ["pulumi", ...args].join(" ");
  if (!quiet) {
    console.log(`${bold(`$ ${shown}`)}`);
  }
  const stdio = ["ignore", quiet ? "ignore" : "inherit", "inherit"];
  const code = await run("pulumi", [...args, ...own, ...display], { cwd: clone, env, stdio });
  if (code !== 0) {
    throw new Error(`"${shown}" ended with ${code}.`);
  }
}

async function mailboxes(args) {
  const code = await run(process.execPath, [command, ...args], { cwd: clone });
  if (code !== 0) {
    throw new Error(`"mailboxes ${args.join(" ")}" ended with ${code}.`);
  }
}

function heading(title, explanation) {
  console.log(`\n${bold(`── ${title} ──`)}\n${explanation}\n`);
}

function indented(text) {
  return text.replace(/^(?=.)/gm, "    ");
}
