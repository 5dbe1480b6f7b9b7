/** `mailboxes review` and `pulumi-mailboxes/policy` on the real engine: what the CLI prints, and what stops it. */
import { spawnSync } from "node:child_process";
import { chmodSync } from "node:fs";
import { delimiter, join } from "node:path";
import { clone, createProject, type Project, type ServedTenant, startTenant } from "./harness";

const program = ({ people = ["ada@contoso.com", "grace@contoso.com"], forwarding = "false", more = "" } = {}) => `
import * as pulumi from "@pulumi/pulumi";
import { MailboxMembership, SharedMailbox } from "pulumi-mailboxes";
const support = new SharedMailbox("support", {
  displayName: "Contoso Support",
  primarySmtpAddress: "support@contoso.com",
  mailTip: pulumi.secret("a secret for nobody"),
  forwarding: ${forwarding},
});
new MailboxMembership("support-members", { mailbox: support.id, members: ${JSON.stringify(people)}, exclusive: true });
${more}
`;

let tenant: ServedTenant;
let project: Project;

/** Reviews what the CLI prints, through a file or standard input. */
async function review(pulumi: string[], ...options: string[]) {
  const { stdout } = await project.run(...pulumi, "--json", "--stack", project.stack);
  const file = project.write("preview.json", stdout);
  const command = [join(clone, "dist", "cli.js"), "review", file, ...options];
  return spawnSync(process.execPath, command, { encoding: "utf8" });
}

beforeAll(async () => {
  tenant = await startTenant();
  project = await createProject(program(), {
    config: { ...tenant.config, "mailboxes:settleTimeout": "20s" },
    packages: ["@pulumi/policy"],
  });
  expect((await project.up()).exitCode).toBe(0);
});

afterAll(async () => {
  project.remove();
  await tenant.remove();
});

test("a preview is reviewed: who gains, who loses, what is risky, and no secret", async () => {
  project.program(
    program({
      people: ["ada@contoso.com", "alan@contoso.com"],
      forwarding: '{ to: "someone@adatum.example" }',
    }).replace("a secret for nobody", "another secret"),
  );
  const { status, stdout } = await review(["preview", "--show-secrets"], "--fail-on", "external-forwarding");
  expect(stdout.split("\n")[0]).toBe(
    "**1 person gains access to 1 mailbox, 1 person loses access to 1 mailbox, no mailbox is deleted.**",
  );
  expect(stdout).toContain(
    "| `alan@contoso.com` | `Contoso Support` `support@contoso.com` |  | Full Access, Send As |",
  );
  expect(stdout).toContain("| `grace@contoso.com` | `Contoso Support` `support@contoso.com` | Full Access, Send As |");
  expect(stdout).toContain("`external-forwarding`");
  expect(stdout).not.toMatch(/secret for nobody|another secret/);
  expect(status).toBe(1);
});

test("what somebody changed in the tenant stands apart in a refreshed preview", async () => {
  await tenant.exchange("Add-MailboxPermission", {
    Identity: "support@contoso.com",
    User: "barbara@contoso.com",
    AccessRights: ["FullAccess"],
  });
  project.program(program());
  const { status, stdout } = await review(["preview", "--refresh"], "--json", "--fail-on", "hold-lifted");
  const { headline, access, drift, flags } = JSON.parse(stdout);
  expect(headline).toMatch(/^1 person loses access to 1 mailbox, .*1 resource was changed in the tenant/);
  expect(drift).toMatchObject([{ person: "barbara@contoso.com", gains: ["Full Access"] }]);
  expect(access).toMatchObject([
    { person: "barbara@contoso.com", loses: ["Full Access"], remarks: ["exclusive: nobody declared it"] },
  ]);
  expect(flags.map(({ code }: { code: string }) => code)).toEqual(["exclusive-removes", "drift"]);
  expect(status).toBe(0);
});

test("access that has ended goes as the preview shows it, and the preview is empty though the program lists the member", async () => {
  const until = (day: string) =>
    project.program(
      program({ more: "" }).replace(
        /members: .*?, exclusive/,
        `members: { "ada@contoso.com": { until: "${day}" } }, exclusive`,
      ),
    );
  until("2999-12-31");
  await project.up("--refresh");
  until("2020-01-01");
  const { stdout } = await review(["preview"], "--json");
  const { access, flags, headline } = JSON.parse(stdout);
  expect(headline).toMatch(/^1 person loses access to 1 mailbox, /);
  expect(access).toMatchObject([
    { person: "ada@contoso.com", loses: ["Full Access", "Send As"], ends: { before: "2999-12-31" } },
  ]);
  expect(flags.map(({ code }: { code: string }) => code)).toContain("exclusive-removes");
  expect((await project.up()).output).toContain(
    "Access ended on 2020-01-01 and is not declared any more: ada@contoso.com.",
  );
  const again = await project.preview("--expect-no-changes");
  expect(again.exitCode).toBe(0);
  expect(again.output).toContain("Access ended on 2020-01-01");
});

test.each<[string, string[], RegExp]>([
  [
    "a file that is not there",
    ["no.json"],
    /^mailboxes: There is no file no\.json\. Run `pulumi preview --json > no\.json` first\.$/m,
  ],
  ["a format", ["--format", "html"], /^mailboxes: --format: write markdown or text\.$/m],
  ["too little room", ["--max-characters", "100"], /^mailboxes: --max-characters: write a whole number from 10000\.$/m],
  [
    "a flag",
    ["--fail-on", "everything"],
    /^mailboxes: --fail-on: there is no flag everything. The flags are any, sign-in-open, /m,
  ],
  [
    "rules",
    ["--rules", "rules.json"],
    /^mailboxes: signInOpened: is not a rule about mailboxes; the rules are signInOpen, /m,
  ],
  ["an option", ["--no-such-option"], /unknown option/],
])("a wrong call ends with 2 and a sentence: %s", (_, options, message) => {
  project.write("rules.json", '{ "signInOpened": false }');
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [join(clone, "dist", "cli.js"), "review", ...options],
    {
      cwd: project.folder,
      encoding: "utf8",
      // What Windows PowerShell writes.
      input: Buffer.from('\ufeff{"steps":[]}', "utf16le"),
    },
  );
  expect({ status, stdout }).toEqual({ status: 2, stdout: "" });
  expect(stderr).toMatch(message);
});

test("standard input is read, in the encoding of Windows PowerShell too", () => {
  const { status, stdout } = spawnSync(
    process.execPath,
    [join(clone, "dist", "cli.js"), "review", "--format", "text"],
    {
      encoding: "utf8",
      input: Buffer.from('\ufeff{"steps":[]}', "utf16le"),
    },
  );
  expect({ status, stdout: stdout.trim() }).toEqual({ status: 0, stdout: "Nothing changes." });
});

test("a preview that failed is not reviewed", async () => {
  project.program(program({ people: ["Ada Lovelace"] }));
  const { status, stdout, stderr } = await review(["preview"]);
  expect(status).toBe(2);
  expect(stderr).toMatch(/^mailboxes: The preview failed, so it does not show everything: .*looks like a display name/);
  expect(stdout).toContain("<!-- mailboxes-review test/dev -->");
});

describe("under the policy pack", () => {
  const runtime = "mailbox-policies";

  /** Previews under a pack of this package's rules; see `team-mailboxes.test.ts` for how the pack is started. */
  async function previewUnder(options: string) {
    project.write("policy/PulumiPolicy.yaml", `runtime: ${runtime}\n`);
    project.write("policy/package.json", JSON.stringify({ name: "policy", version: "1.0.0", main: "index.js" }));
    project.write(
      "policy/index.js",
      `const { PolicyPack } = require("@pulumi/policy");
const { mailboxPolicies } = require("pulumi-mailboxes/policy");
new PolicyPack("mailboxes", { policies: mailboxPolicies(${options}) });`,
    );
    const runner = join(clone, "node_modules", "@pulumi", "pulumi", "cmd", "run-policy-pack");
    chmodSync(project.write(`bin/pulumi-analyzer-policy-${runtime}`, `#!/bin/sh\nexec node "${runner}" "$@"\n`), 0o755);
    return await project.deploy("preview", ["--policy-pack", join(project.folder, "policy")], {
      env: { PATH: [join(project.folder, "bin"), process.env.PATH].join(delimiter) },
    });
  }

  test("every kind of rule stops the preview, also what takes several resources to see", async () => {
    project.program(
      program({
        people: ["ada@contoso.com", "everyone@contoso.com"],
        more: `
const fresh = new SharedMailbox("fresh", { displayName: "Fresh", primarySmtpAddress: "fresh@contoso.com", signInBlocked: false, deletion: "purge", customAttributes: { 3: "sales" } });
new MailboxMembership("fresh-members", { mailbox: fresh.id, members: ["alan@contoso.com"] });
new SharedMailbox("lonely", { displayName: "Lonely", primarySmtpAddress: "lonely@contoso.com", forwarding: { to: pulumi.secret("hidden@adatum.example") } });`,
      }),
    );
    const run = await previewUnder(`{
      noMembers: "mandatory", notExclusive: "mandatory", noSentCopies: "advisory",
      noOwner: { attribute: 3, pattern: "sales" }, tooManyMembers: { most: 1 },
      wrongMembers: { only: "groups", groups: ["everyone@*"] },
      acrossDepartments: { isAllowed: (member, { customAttributes }) => customAttributes?.[3] !== "sales" || member.startsWith("ada@") },
    }`);
    expect(run.exitCode).not.toBe(0);
    const violations = [...run.output.matchAll(/\[(mandatory|advisory)\] +([\w-]+) +\(.*?: ([\w-]+)\)/g)].map(
      ([, level, rule, name]) => `${level} ${rule} ${name}`,
    );
    expect(violations.sort()).toEqual([
      "advisory no-sent-copies fresh",
      "advisory no-sent-copies lonely",
      "advisory no-sent-copies support",
      "mandatory across-departments fresh-members",
      "mandatory everyone-group support-members",
      "mandatory external-forwarding lonely",
      "mandatory no-members lonely",
      "mandatory no-owner lonely",
      "mandatory no-owner support",
      "mandatory not-exclusive fresh-members",
      "mandatory permanent-deletion fresh",
      "mandatory sign-in-open fresh",
      "mandatory too-many-members support-members",
      "mandatory wrong-members fresh-members",
      "mandatory wrong-members support-members",
    ]);
    expect(run.output).not.toContain("hidden@adatum.example");
  });
});
