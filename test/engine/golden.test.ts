import { copyFileSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createProject, type ExportedState, type Project, type Run, type ServedTenant, startTenant } from "./harness";
import { mailboxesWith, rightsOn, writes } from "./view";

const golden = join(__dirname, "golden");

const changes = ({ changes: steps }: Run) => steps.map(({ op, name, diffs }) => [op, name, ...diffs].join(" ")).sort();

/** What each release left in a stack and in a tenant, as `scripts/golden.mjs` recorded it on the day of the release. */
describe.each(readdirSync(golden))("a stack that release %s made", (release) => {
  let tenant: ServedTenant;
  let project: Project;

  beforeAll(async () => {
    project = await createProject(readFileSync(join(golden, release, "program.ts"), "utf8"), {
      name: "golden",
      // The paths and the salt of the recorded stack: the provider's own inputs are part of the state.
      config: { "mailboxes:localTenant": "./tenant.jsonl", "golden:profile": "Contoso mailbox credentials" },
      typescript: true,
      secrets: "passphrase",
    });
    const journal = join(project.folder, "tenant.jsonl");
    copyFileSync(join(golden, release, "tenant.jsonl"), journal);
    tenant = await startTenant({ journal });
    await project.run("config", "set", "--secret", "golden:password", "correct horse battery");
    const state = JSON.parse(readFileSync(join(golden, release, "state.json"), "utf8")) as ExportedState;
    const imported = await project.run("stack", "import", "--file", project.write("state.json", JSON.stringify(state)));
    expect(imported).toMatchObject({ exitCode: 0 });
  });

  afterAll(async () => {
    project.remove();
    await tenant.remove();
  });

  test("needs no edit and previews empty", async () => {
    expect(await project.preview("--expect-no-changes")).toMatchObject({ exitCode: 0, changes: [] });
  });

  test("shows no drift where there is none", async () => {
    expect(await project.preview("--refresh", "--expect-no-changes")).toMatchObject({ exitCode: 0, changes: [] });
    expect(await project.refresh()).toMatchObject({ exitCode: 0 });
    expect(await project.preview("--expect-no-changes")).toMatchObject({ exitCode: 0, changes: [] });
    expect(await writes(tenant)).toEqual([]);
  });

  test("shows the drift there is, and mends it", async () => {
    await tenant.exchange("Remove-MailboxPermission", {
      Identity: "plain@contoso.com",
      User: "ada@contoso.com",
      AccessRights: ["FullAccess"],
      Confirm: false,
    });
    await tenant.exchange("Add-MailboxPermission", {
      Identity: "full@contoso.com",
      User: "barbara@contoso.com",
      AccessRights: ["FullAccess"],
    });
    const drift = await project.preview("--refresh");
    expect(changes(drift)).toEqual(["update full-members members", "update plain-members members"]);
    expect(await project.up("--refresh")).toMatchObject({ exitCode: 0 });
    expect(await rightsOn(tenant, "plain@contoso.com")).toMatchObject({ "ada@contoso.com": ["FullAccess", "SendAs"] });
    expect(await rightsOn(tenant, "full@contoso.com")).not.toHaveProperty(["barbara@contoso.com"]);
    expect(await project.preview("--refresh", "--expect-no-changes")).toMatchObject({ exitCode: 0 });
  });

  test("is destroyed as that release would have", async () => {
    expect(await project.destroy()).toMatchObject({ exitCode: 0 });
    const living = async (address: string) =>
      (await mailboxesWith(tenant, address)).filter(({ mailbox }) => mailbox?.whenSoftDeleted === null);
    expect(await living("plain@contoso.com")).toEqual([]);
    // Adopted, not made: it stays.
    expect(await living("found@contoso.com")).toHaveLength(1);
    expect((await project.exportState()).deployment.resources ?? []).toEqual([]);
  });
});
