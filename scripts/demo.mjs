import { spawn } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { createInterface } from "node:readline";
import { stripVTControlCharacters } from "node:util";
import { capture, clone, run } from "./clone.mjs";
import { setUp } from "./setup.mjs";
import { command, environmentIn, serveTenant } from "./tenant.mjs";

/**
 * The main job as a story, on a local tenant and a state of its own that are made anew each time. `--verbose` shows every line of the
 * engine.
 */
const isVerbose = process.argv.includes("--verbose");
const folder = join(clone, ".tenant", "demo");
const journal = join(folder, "contoso.jsonl");
const config = join(folder, "Pulumi.demo.yaml");
const isColoured = process.stdout.isTTY && !process.env.NO_COLOR;
const paint = (code) => (text) => (isColoured ? `\x1b[${code}m${text}\x1b[0m` : text);
const bold = paint(1);
const dim = paint(2);
const yellow = paint(33);

/** What the engine prints and the story does not need: what it is about to do, the stack itself, ids, times. */
const NOISE = [
  /^\s*$/,
  /^(Previewing|Updating|Refreshing) /,
  /^Duration: /,
  /^\s*\[(urn|id)=/,
  /\bpulumi:pulumi:Stack\b/,
  / (creating|updating|deleting|refreshing|refresh) \(/,
  /^ {4}pulumi-nodejs:\S+ \S+\s*$/,
];

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
    "A shared mailbox, its people, a queue of Dynamics 365 on it, and the forward mailbox by which Dynamics reads the mail.",
  );
  console.log(dim(indented(readFileSync(join(clone, "examples", "first", "index.ts"), "utf8").trim())));
  await pulumi(["stack", "init", "demo"], { quiet: true });
  // The new stack's own settings: the demo keeps its configuration apart from the project.
  rmSync(join(clone, "Pulumi.demo.yaml"), { force: true });

  heading("1. Preview", "What would be made. The list of people names each right. Nothing is written yet.");
  await pulumi(["preview", "--diff"]);

  heading("2. Up", "The tenant gets what the program declares.");
  await pulumi(["up", "--yes", "--skip-preview"]);

  heading("3. Behind the program's back", "Somebody works in the admin centre, in Outlook and in PowerShell:");
  await changeByHand();

  heading("4. Preview with a refresh", "Pulumi reads the tenant. A pull request or a nightly job would show this:");
  // Both previews only read, so they run side by side.
  const [review] = await Promise.all([
    printed(["preview", "--refresh", "--json"]),
    pulumi(["preview", "--refresh", "--diff"]),
  ]);

  heading(
    "5. Review",
    "The same preview, as a job puts it into a comment: who gains and who loses what, and what is risky.",
  );
  writeFileSync(join(folder, "preview.json"), review);
  await mailboxes(["review", join(folder, "preview.json"), "--format", "text"]);

  heading("6. Repair", "Only those three are written.");
  await pulumi(["up", "--refresh", "--yes", "--skip-preview"]);

  heading(
    "7. The tenant",
    "Mailboxes, who may do what, the forward mailbox with its rule and its test, and the queue.",
  );
  await mailboxes(["tenant", "show", "--data", journal]);

  heading(
    "8. Who has access",
    "Everybody in the tenant, with the stack that declares it. An auditor gets the same as a page.",
  );
  writeFileSync(join(folder, "stack.json"), await printed(["stack", "export"]));
  await mailboxes(["access", "--state", join(folder, "stack.json")]);
  await mailboxes(["access", "--state", join(folder, "stack.json"), "--html", join(folder, "access.html")]);

  heading("Your turn", "Deploy the program to a local tenant of your own, and take somebody's access away:");
  console.log(
    [
      `  1. ${bold("npm run pulumi -- up")}                makes all of it once more, in a stack and a local tenant of your own`,
      "  2. Take Grace out of examples/first/index.ts.",
      `  3. ${bold("npm run pulumi -- preview --diff")}    names her, and the rights that she loses`,
      "",
      `The demo's tenant stays: npx mailboxes tenant show --data ${relative(clone, journal)}`,
      "Next: docs/getting-started.md makes a project of your own.",
    ].join("\n"),
  );
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
  happened(`${grace} loses access to ${identity}`);

  await client.exchange("Set-Mailbox", { Identity: identity, DisplayName: "Support (do not use)" });
  happened(`${identity} is renamed to "Support (do not use)"`);

  const [mailbox] = await client.exchange("Get-Mailbox", { Identity: identity });
  const rules = `/users/${mailbox.ExternalDirectoryObjectId}/mailFolders/inbox/messageRules`;
  for (const rule of (await client.graph("GET", rules)).value) {
    await client.graph("DELETE", `${rules}/${rule.id}`);
    happened(`the inbox rule "${rule.displayName}" in ${identity} is deleted`);
  }
}

async function pulumi(args, { quiet = false } = {}) {
  const display = ["--non-interactive", "--color", isColoured ? "always" : "never"];
  const isDeployment = args[0] !== "stack";
  const own = isDeployment ? ["--stack", "demo", "--config-file", config, "--suppress-progress"] : [];
  const shown = ["pulumi", ...args].join(" ");
  if (!quiet) {
    console.log(bold(`$ ${shown}`));
  }
  const child = spawn("pulumi", [...args, ...own, ...display], { cwd: clone, env, stdio: ["ignore", "pipe", "pipe"] });
  let complaints = "";
  child.stderr.setEncoding("utf8").on("data", (text) => {
    complaints += text;
  });
  const isWorthShowing = listener();
  const code = await new Promise((resolve, reject) => {
    child.on("error", reject).on("close", resolve);
    createInterface(child.stdout).on("line", (line) => {
      if (isVerbose || (isWorthShowing(stripVTControlCharacters(line)) && !quiet)) {
        console.log(line);
      }
    });
  });
  if (code !== 0) {
    throw new Error(`"${shown}" ended with ${code}.\n${complaints}`);
  }
}

/** What a command of the CLI prints for another program. */
async function printed(args) {
  const own = ["--stack", "demo", ...(args[0] === "preview" ? ["--config-file", config] : []), "--non-interactive"];
  const { code, stdout, stderr } = await capture("pulumi", [...args, ...own], { cwd: clone, env });
  if (code !== 0) {
    throw new Error(`"pulumi ${args.join(" ")}" ended with ${code}.\n${stdout}${stderr}`);
  }
  return stdout;
}

/** Says of each line of a command whether the story needs it. What a refresh read shows once more in the update that follows. */
function listener() {
  let isRead = false;
  return (line) => {
    const [, operation] = /^ {4}\S? ?pulumi-nodejs:\S+ \((\w+)\)$/.exec(line) ?? [];
    isRead = operation === undefined ? isRead && line.startsWith("     ") : operation === "refresh";
    return !isRead && !NOISE.some((noise) => noise.test(line));
  };
}

async function mailboxes(args) {
  const own = { ...process.env, MAILBOXES_LOCAL_TENANT: journal };
  const code = await run(process.execPath, [command, ...args], { cwd: clone, env: own });
  // A review of access ends with 1 where there is something to look at.
  if (code !== 0 && !(args[0] === "access" && code === 1)) {
    throw new Error(`"mailboxes ${args.join(" ")}" ended with ${code}.`);
  }
}

function heading(title, explanation) {
  console.log(`\n${bold(`── ${title} ──`)}\n${explanation}\n`);
}

function happened(what) {
  console.log(yellow(`  · ${what}`));
}

function indented(text) {
  return text.replace(/^(?=.)/gm, "    ");
}
