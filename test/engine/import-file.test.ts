import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { clone, createProject, type Project, type ServedTenant, startTenant } from "./harness";
import { rightsOn, writes } from "./view";

const run = promisify(execFile);
const people = ["ada", "grace", "alan", "edsger", "barbara", "radia"].map((name) => `${name}@contoso.com`);

/** Fifty mailboxes made by hand, no two alike, each with up to four people. */
async function makeMailboxes(tenant: ServedTenant): Promise<void> {
  for (let number = 0; number < 50; number += 1) {
    const [row] = await tenant.exchange("New-Mailbox", {
      Shared: true,
      Name: `team ${number}`,
      DisplayName: `Team ${number}`,
      Alias: `team${number}`,
      PrimarySmtpAddress: `team-${number}@${number % 5 === 0 ? "fabrikam.example" : "contoso.com"}`,
    });
    const id = String(row?.ExternalDirectoryObjectId);
    if (number % 3 !== 0) {
      await tenant.graph("PATCH", `/users/${id}`, { accountEnabled: false });
    }
    const settings = {
      ...(number % 4 === 0 ? { HiddenFromAddressListsEnabled: true } : {}),
      ...(number % 6 === 0 ? { ForwardingAddress: people[number % 5], DeliverToMailboxAndForward: true } : {}),
      ...(number % 7 === 0
        ? {
            MailTip: "Closed on <b>Sundays</b>",
            MaxSendSize: "20 MB",
            CustomAttribute3: "north",
            EmailAddresses: { "@odata.type": "#Exchange.GenericHashTable", Add: [`smtp:also-${number}@contoso.com`] },
          }
        : {}),
    };
    if (Object.keys(settings).length > 0) {
      await tenant.exchange("Set-Mailbox", { Identity: id, ...settings });
    }
    for (const trustee of people.slice(0, number % 5)) {
      await tenant.exchange("Add-MailboxPermission", {
        Identity: id,
        User: trustee,
        AccessRights: ["FullAccess"],
        InheritanceType: "All",
      });
      if (number % 2 === 0) {
        await tenant.exchange("Add-RecipientPermission", {
          Identity: id,
          Trustee: trustee,
          AccessRights: ["SendAs"],
          Confirm: false,
        });
      }
    }
  }
}

describe("an import file of a whole tenant", () => {
  let tenant: ServedTenant;
  let project: Project;

  beforeAll(async () => {
    tenant = await startTenant();
    project = await createProject("", {
      config: { ...tenant.config, "mailboxes:settleTimeout": "20s" },
      // The program's types are checked.
      typescript: true,
    });
    await makeMailboxes(tenant);
    await tenant.clearRequests();
  });

  afterAll(async () => {
    project.remove();
    await tenant.remove();
  });

  const command = (...args: string[]) =>
    run(process.execPath, [join(clone, "dist", "cli.js"), "import-file", ...args], {
      cwd: project.folder,
      env: { PATH: process.env.PATH, MAILBOXES_LOCAL_TENANT: tenant.origin },
    });

  test("is written by reading alone, with few requests", async () => {
    const { stdout, stderr } = await command("--out", "import.json", "--program", "program.ts");
    expect(stderr).toBe("");
    expect(stdout).toContain("50 mailboxes and 40 memberships written to import.json and program.ts.");
    const requests = await tenant.requests();
    console.log(`import-file read 50 mailboxes with ${requests.length} requests`);
    expect(requests.length).toBeLessThan(50);
    expect(await writes(tenant)).toEqual([]);
  });

  test("does not take the place of a file that is there", async () => {
    await expect(command("--out", "import.json", "--program", "other.ts")).rejects.toMatchObject({
      stderr: "mailboxes: import.json exists already; --force writes over it.\n",
    });
  });

  test("is imported, and the next preview of its program is empty", async () => {
    const { resources } = JSON.parse(readFileSync(join(project.folder, "import.json"), "utf8")) as {
      resources: { inputs: Record<string, unknown> }[];
    };
    expect(resources).toHaveLength(90);
    expect(resources[0]?.inputs.__origin).toMatch(/^urn:pulumi:dev::test::pulumi-nodejs:dynamic\/mailboxes:/);
    project.program(readFileSync(join(project.folder, "program.ts"), "utf8"));
    const imported = await project.importFile({ resources });
    expect(imported.diagnostics.filter(({ severity }) => severity === "error")).toEqual([]);
    expect(imported).toMatchObject({ exitCode: 0, summary: { import: 90 } });

    const preview = await project.preview("--refresh");
    expect(preview).toMatchObject({ exitCode: 0, changes: [] });
    // The stack counts as one.
    expect(await project.preview()).toMatchObject({ exitCode: 0, changes: [], summary: { same: 91 } });
    expect(await writes(tenant)).toEqual([]);
  });

  test("is built on: one more member is all that a preview shows and an up writes", async () => {
    const program = readFileSync(join(project.folder, "program.ts"), "utf8");
    const before =
      'new MailboxMembership("team-2-members", {\n  mailbox: team2.id,\n  members: ["ada@contoso.com", "grace@contoso.com"]';
    expect(program).toContain(before);
    project.program(program.replace(before, before.replace(/\]$/, ', "radia@contoso.com"]')));
    const preview = await project.preview();
    expect(preview.changes).toMatchObject([
      { op: "update", name: "team-2-members", detailedDiff: { 'members["radia@contoso.com"]': "add" } },
    ]);
    expect(await project.up()).toMatchObject({ exitCode: 0 });
    expect(await rightsOn(tenant, "team-2@contoso.com")).toEqual({
      "ada@contoso.com": ["FullAccess", "SendAs"],
      "grace@contoso.com": ["FullAccess", "SendAs"],
      "radia@contoso.com": ["FullAccess", "SendAs"],
    });
    expect(await writes(tenant)).toEqual(["exchange Add-MailboxPermission", "exchange Add-RecipientPermission"]);
  });
});
