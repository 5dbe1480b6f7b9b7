import { chmodSync, readFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { clone, createProject, type Project, type Run, type ServedTenant, startTenant } from "./harness";
import { leanEnvironment } from "./lean";
import { access, both, errors, resources, sharedAddresses, spelled } from "./traps";

// 40 mailboxes and eight further deployments take their time on a busy machine.
jest.setTimeout(300_000);

const example = (file: string) => readFileSync(join(clone, "examples", "team-mailboxes", file), "utf8");

const everyTeam = example("mailboxes.yaml");
/** The first teams of the file, where the number does not matter. */
const fewTeams = `${everyTeam.split("\n").slice(0, 10).join("\n")}\n`;
const fewAddresses = ["accounts-payable", "accounts-receivable", "archive"].map((name) => `${name}@contoso.com`);

/** The file with other lines for one team; none takes it out. */
function edited(yaml: string, team: string, edit: (lines: string) => string): string {
  const lines = new RegExp(`^${team}:\n(?:  .*\n?)+`, "m");
  expect(yaml).toMatch(lines);
  return yaml.replace(lines, edit);
}

const without = (yaml: string, team: string) => edited(yaml, team, () => "");
const withLine = (yaml: string, team: string, line: string) => edited(yaml, team, (lines) => `${lines}  ${line}\n`);

/** Changes of mailboxes and members as `op name`; the components around them are left out. */
const changed = ({ changes }: Run) => spelled(changes.filter(({ type }) => type !== "contoso:mail:TeamMailbox"));

const count = (list: string[], prefix: string) => list.filter((one) => one.startsWith(prefix)).length;

/** Each test goes on from where the one before it left stacks and tenants. */
describe("examples/team-mailboxes", () => {
  let devTenant: ServedTenant;
  let prodTenant: ServedTenant;
  let project: Project;

  const teams = (yaml: string) => project.write("mailboxes.yaml", yaml);

  /** The example's own configuration of a stack, with a tenant that is served here. */
  function configure(stack: string, { origin }: ServedTenant): void {
    const config = example(`Pulumi.${stack}.yaml`);
    const journal = `.tenant/${stack}.jsonl`;
    expect(config).toContain(journal);
    project.write(`Pulumi.${stack}.yaml`, config.replace(journal, origin));
  }

  beforeAll(async () => {
    [devTenant, prodTenant] = await Promise.all([
      startTenant(),
      startTenant({ tenantId: "fab12ca0-a000-4000-8000-00000000fab1" }),
    ]);
    project = await createProject(example("index.ts"), {
      name: "team-mailboxes",
      packages: ["@pulumi/policy", "yaml", "zod"],
    });
    project.module("teams", example("teams.ts"));
    project.module("team-mailbox", example("team-mailbox.ts"));
    teams(everyTeam);
    configure("dev", devTenant);
  });

  afterAll(async () => {
    project?.remove();
    await Promise.all([devTenant?.remove(), prodTenant?.remove()]);
  });

  describe("in dev, without protection", () => {
    const payroll = "payroll@contoso.onmicrosoft.com";
    const paidBy = both("ada@contoso.com", "barbara@contoso.com");
    let addresses: string[];

    test("tells what is wrong with the file by line and team, all at once", async () => {
      teams(`sales:
  displayName: Sales
  people: [ada, Ada Lovelace]
  frowardTo: ada@contoso.com
press:
  people: []
Legal: {}
`);
      const preview = await project.preview();
      expect(preview.exitCode).not.toBe(0);
      expect(errors(preview).join("\n").split("\n")).toEqual([
        expect.stringMatching(/^mailboxes\.yaml:3: sales: people\[1\]: write the name before the @/),
        expect.stringMatching(/^mailboxes\.yaml:4: sales: .*frowardTo/),
        expect.stringMatching(/^mailboxes\.yaml:6: press: displayName: /),
        expect.stringMatching(/^mailboxes\.yaml:6: press: people: /),
        expect.stringMatching(/^mailboxes\.yaml:7: Legal: a team is named like the mailbox/),
      ]);
      teams("sales:\n  displayName: Sales\n  people: [ada]\nsales:\n");
      expect(errors(await project.preview())).toEqual(["mailboxes.yaml:4: Map keys must be unique: sales:"]);
    });

    test("makes 40 mailboxes with their people", async () => {
      teams(everyTeam);
      const up = await project.up();
      expect(errors(up)).toEqual([]);
      expect(count(changed(up), "create ")).toBe(80);
      addresses = await sharedAddresses(devTenant);
      expect(addresses).toHaveLength(40);
      expect(Object.values((await project.outputs()).addresses as Record<string, string>).sort()).toEqual(addresses);
      expect(await access(devTenant, payroll)).toEqual(paidBy);
    });

    test("names the one person who comes and the one who goes", async () => {
      teams(
        edited(everyTeam, "payroll", (lines) => lines.replace("[ada, barbara]", "[ada, barbara, grace]")).replace(
          "people: [radia, edsger]",
          "people: [radia]",
        ),
      );
      const { changes } = await project.preview();
      expect(Object.fromEntries(changes.map(({ op, name, detailedDiff }) => [`${op} ${name}`, detailedDiff]))).toEqual({
        "update payroll-members": { 'members["grace@contoso.onmicrosoft.com"]': "add" },
        "update sales-members": { 'members["edsger@contoso.onmicrosoft.com"]': "delete" },
      });
    });

    test("does not put an empty mailbox in the place of one that a revert means", async () => {
      await devTenant.deliver({ from: "ada@contoso.com", to: payroll, subject: "March" });
      teams(without(everyTeam, "payroll"));
      const removed = await project.up();
      expect(errors(removed)).toEqual([]);
      expect(changed(removed)).toEqual(["delete payroll", "delete payroll-members"]);
      expect(await sharedAddresses(devTenant)).toEqual(addresses.filter((address) => address !== payroll));

      teams(everyTeam);
      const reverted = await project.up();
      expect(reverted.exitCode).not.toBe(0);
      const [reason] = errors(reverted);
      expect(reason).toMatch(/^primarySmtpAddress: payroll@contoso\.onmicrosoft\.com was the address of the deleted/);
      expect(reason).toContain("restoreDeleted: true");
      expect(reason).toContain("restoreDeleted: false");
      expect(await sharedAddresses(devTenant)).not.toContain(payroll);
    });

    test("brings the old mailbox back with its mail and its people", async () => {
      teams(withLine(everyTeam, "payroll", "restoreDeleted: true"));
      const restored = await project.up();
      expect(errors(restored)).toEqual([]);
      expect(await access(devTenant, payroll)).toEqual(paidBy);
      const [statistics] = await devTenant.exchange("Get-MailboxStatistics", { Identity: payroll });
      expect(statistics?.ItemCount).toBe(1);
      expect(await devTenant.exchange("Get-Mailbox", { SoftDeletedMailbox: true, ResultSize: "Unlimited" })).toEqual(
        [],
      );
    });

    test("loses nothing when the file is emptied by mistake", async () => {
      teams("");
      const emptied = await project.up();
      expect(emptied.exitCode).not.toBe(0);
      expect(errors(emptied).join("\n")).toMatch(/this deployment takes away \d+ mailboxes or more/);
      expect(emptied.changes.filter(({ failed, op }) => op === "delete" && !failed)).toEqual([]);
      expect(await sharedAddresses(devTenant)).toEqual(addresses);
      expect(await access(devTenant, payroll)).toEqual(paidBy);
    });
  });

  describe("in prod, protected, in another tenant", () => {
    beforeAll(async () => {
      project.stack = "prod";
      await project.createStack();
      configure("prod", prodTenant);
      teams(fewTeams);
      expect(errors(await project.up())).toEqual([]);
    });

    test("has mailboxes of its own", async () => {
      expect(await sharedAddresses(prodTenant)).toEqual(fewAddresses);
      expect(await access(prodTenant, "archive@contoso.com")).toEqual(
        both("barbara@contoso.com", "edsger@contoso.com"),
      );
      const { archive } = await resources(project);
      expect(archive).toMatchObject({ protect: true, outputs: { tenantId: prodTenant.tenantId } });
    });

    test("stops in the preview when the file is emptied by mistake", async () => {
      teams("");
      const preview = await project.preview();
      expect(preview.exitCode).not.toBe(0);
      expect(preview.output).toMatch(/archive.*cannot be deleted.*protect/s);
      expect((await project.up()).exitCode).not.toBe(0);
      expect(await sharedAddresses(prodTenant)).toEqual(fewAddresses);
    });

    test("lets a team go in two steps", async () => {
      teams(withLine(fewTeams, "archive", "leaving: true"));
      const leaving = await project.up();
      expect(errors(leaving)).toEqual([]);
      teams(without(fewTeams, "archive"));
      const preview = await project.preview();
      expect(errors(preview)).toEqual([]);
      expect(changed(preview)).toEqual(["delete archive", "delete archive-members"]);
    });
  });

  describe("under its policy pack", () => {
    /**
     * The engine starts a pack of the runtime nodejs by its Node language host. The host that can be built from public Go modules
     * is too old for that, so the pack bears a runtime without a host here: the engine then starts it by a command of that name.
     * Everything else is the engine's own way: its Node code for packs, its calls, its exit code.
     */
    const runtime = "team-policies";

    beforeAll(() => {
      project.write("policy/index.ts", example("policy/index.ts"));
      project.write("policy/package.json", example("policy/package.json"));
      project.write(
        "policy/PulumiPolicy.yaml",
        example("policy/PulumiPolicy.yaml").replace("runtime: nodejs", `runtime: ${runtime}`),
      );
      const runner = join(clone, "node_modules", "@pulumi", "pulumi", "cmd", "run-policy-pack");
      const command = project.write(`bin/pulumi-analyzer-policy-${runtime}`, `#!/bin/sh\nexec node "${runner}" "$@"\n`);
      chmodSync(command, 0o755);
    });

    const preview = () =>
      project.deploy("preview", ["--policy-pack", join(project.folder, "policy")], {
        env: { PATH: [join(project.folder, "bin"), leanEnvironment().PATH].join(delimiter) },
      });

    test("a violation is told and fails the preview; advice does not", async () => {
      teams(withLine(fewTeams, "archive", "forwardTo: someone@adatum.example").replace("[ada, grace]", "[ada]"));
      const violating = await preview();
      expect(violating.exitCode).not.toBe(0);
      expect(violating.output).toMatch(/\[mandatory\] +external-forwarding +\(.*SharedMailbox: archive\)/);
      expect(violating.output).toContain("Mail is forwarded to an address outside.");
      expect(violating.output).toMatch(/\[advisory\] +two-people +\(.*MailboxMembership: accounts-payable-members\)/);

      teams(withLine(fewTeams, "archive", "forwardTo: ada@contoso.com").replace("[ada, grace]", "[ada]"));
      const conforming = await preview();
      expect(conforming.output).toMatch(/\[advisory\] +two-people/);
      expect(conforming.output).not.toContain("[mandatory]");
      expect(conforming.exitCode).toBe(0);
    });
  });
});
