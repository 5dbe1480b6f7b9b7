import { createProject, type Project, type ServedTenant, startTenant } from "./harness";
import { access, both, errors, imports, resources, sharedAddresses, sharedMailboxes, spelled, writes } from "./traps";

const address = "support@contoso.com";
const collector = "forwardmailbox@contoso.com";

/** The team's mailbox with its people, whose mail is collected for Dynamics; a commit takes the three out, or puts them back. */
const program = ({ has = true, line = "" } = {}) => `${imports}
const collector = new SharedMailbox("collector", { displayName: "CRM collector", primarySmtpAddress: "${collector}" });
${
  has
    ? `const support = new SharedMailbox("support", { displayName: "Support", primarySmtpAddress: "${address}", ${line} });
new MailboxMembership("people", { mailbox: support.id, members: ["ada@contoso.com", "grace@contoso.com"] });
new ForwardingMailbox("intake", {
  name: "CRM intake", emailAddress: collector.primarySmtpAddress, sources: [support.primarySmtpAddress], deleteAfterProcessing: true,
});`
    : ""
}`;

const warnings = ({ diagnostics }: Awaited<ReturnType<Project["up"]>>) =>
  diagnostics.filter(({ severity }) => severity === "warning").map(({ message }) => message.trim());

/** Each test goes on from where the one before it left the stack. */
describe("a commit that took a mailbox out, and its revert", () => {
  let tenant: ServedTenant;
  let project: Project;
  let before: string;

  beforeAll(async () => {
    tenant = await startTenant();
    project = await createProject(program(), { config: { ...tenant.config, "mailboxes:settleTimeout": "10s" } });
    expect(errors(await project.up())).toEqual([]);
    before = await idOf(address);
    await tenant.deliver({ from: "customer@example.com", to: address, subject: "Broken" });
    await tenant.deliver({ from: "customer@example.com", to: address, subject: "Still broken" });
  });

  afterAll(async () => {
    project?.remove();
    await tenant?.remove();
  });

  beforeEach(() => tenant.clearRequests());

  async function idOf(mailbox: string): Promise<string> {
    const rows = await sharedMailboxes(tenant);
    return rows.find((row) => row.PrimarySmtpAddress === mailbox)?.ExternalDirectoryObjectId ?? "";
  }

  test("say until when it can come back", async () => {
    project.program(program({ has: false }));
    const removed = await project.up();
    expect(errors(removed)).toEqual([]);
    const until = new Date(Date.now() + 30 * 86_400_000).toISOString().slice(0, 10);
    expect(warnings(removed).join("\n")).toContain(
      `The mailbox ${address} is deleted and recoverable until ${until}: put the resource back with restoreDeleted: true`,
    );
    expect(await sharedAddresses(tenant)).toEqual([collector]);
  });

  test("make no empty twin, however often it is tried", async () => {
    project.program(program());
    for (const run of [await project.up(), await project.up("--continue-on-error")]) {
      expect(run.exitCode).not.toBe(0);
      expect(errors(run)).toContainEqual(
        expect.stringMatching(
          new RegExp(
            `^primarySmtpAddress: ${address} was the address of the deleted mailbox "Support" .*${before}.* 2 items`,
          ),
        ),
      );
    }
    expect(await writes(tenant)).toEqual([]);
    expect(await sharedAddresses(tenant)).toEqual([collector]);
  });

  test("end with the old mailbox, its mail, its people and its rule", async () => {
    project.program(program({ line: "restoreDeleted: true" }));
    const restored = await project.up();
    expect(errors(restored)).toEqual([]);
    expect(spelled(restored.changes)).toEqual(["create intake", "create people", "create support"]);
    expect(await idOf(address)).toBe(before);
    const [statistics] = await tenant.exchange("Get-MailboxStatistics", { Identity: before });
    expect(statistics?.ItemCount).toBe(2);
    expect(await access(tenant, address)).toEqual(both("ada@contoso.com", "grace@contoso.com"));
    const rules = await tenant.graph<{ value: unknown[] }>("GET", `/users/${before}/mailFolders/inbox/messageRules`);
    expect(rules.value).toHaveLength(1);
    expect(await tenant.exchange("Get-Mailbox", { SoftDeletedMailbox: true, ResultSize: "Unlimited" })).toEqual([]);
    expect(await project.preview("--refresh")).toMatchObject({ exitCode: 0, changes: [] });
  });

  test("say that the line does nothing any more when it goes", async () => {
    project.program(program());
    const preview = await project.preview();
    expect(errors(preview)).toEqual([]);
    expect(warnings(preview).join("\n")).toContain("restoreDeleted counts only when the mailbox is created");
    expect(errors(await project.up())).toEqual([]);
    expect(await writes(tenant)).toEqual([]);
  });

  test("are no different from a deletion by hand that a refresh finds", async () => {
    await tenant.exchange("Remove-Mailbox", { Identity: before, Confirm: false });
    const again = await project.up("--refresh");
    expect(again.exitCode).not.toBe(0);
    expect(errors(again).join("\n")).toContain(`${address} was the address of the deleted mailbox "Support"`);
    expect(await sharedAddresses(tenant)).toEqual([collector]);
    project.program(program({ line: "restoreDeleted: true" }));
    expect(errors(await project.up("--refresh"))).toEqual([]);
    expect(await idOf(address)).toBe(before);
    expect(await access(tenant, address)).toEqual(both("ada@contoso.com", "grace@contoso.com"));
  });
});

test("a stack whose resources moved to another one is told, and deletes nothing of that one", async () => {
  const tenant = await startTenant();
  const { config } = tenant;
  const moved = `${imports}
const desk = new SharedMailbox("desk", { displayName: "Desk", primarySmtpAddress: "desk@contoso.com" });
new MailboxMembership("people", { mailbox: desk.id, members: ["ada@contoso.com"] });
new SharedMailbox("bare", { displayName: "Bare", primarySmtpAddress: "bare@contoso.com" });`;
  const project = await createProject(moved, { config });
  try {
    expect(errors(await project.up())).toEqual([]);
    const urns = Object.values(await resources(project)).map(({ urn }) => urn);
    await project.run("stack", "init", "other");
    project.write("Pulumi.other.yaml", JSON.stringify({ config }));
    expect(await project.run("state", "move", "--yes", "--source", "dev", "--dest", "other", ...urns)).toMatchObject({
      exitCode: 0,
    });

    const second = await project.up("--continue-on-error");
    for (const name of ["desk", "bare"]) {
      expect(errors(second)).toContainEqual(
        expect.stringMatching(
          new RegExp(`^primarySmtpAddress: ${name}@contoso\\.com belongs to .*which exists already.*state move`),
        ),
      );
    }
    expect(await project.destroy()).toMatchObject({ exitCode: 0 });
    expect(await sharedAddresses(tenant)).toEqual(["bare@contoso.com", "desk@contoso.com"]);
    expect(await access(tenant, "desk@contoso.com")).toEqual(both("ada@contoso.com"));
  } finally {
    project.remove();
    await tenant.remove();
  }
});
