import { createProject, type Project, type ServedTenant, startTenant } from "./harness";
import { access, both, errors, imports, resources, sharedAddresses, sharedMailboxes } from "./traps";

const program = `${imports}
const support = new SharedMailbox("support", { displayName: "Contoso Support", primarySmtpAddress: "support@contoso.com" });
new MailboxMembership("support-members", { mailbox: support.id, members: ["ada@contoso.com", "grace@contoso.com"] });
const collector = new SharedMailbox("collector", { displayName: "CRM collector", primarySmtpAddress: "forwardmailbox@contoso.com" });
new ForwardingMailbox("crm-intake", {
  name: "CRM intake", emailAddress: collector.primarySmtpAddress, sources: [support.primarySmtpAddress], deleteAfterProcessing: true,
});`;

const all = ["forwardmailbox@contoso.com", "support@contoso.com"];

/** Each test goes on from where the one before it left the stack. */
describe("forced replacements", () => {
  let tenant: ServedTenant;
  let project: Project;
  let urns: Record<string, string>;

  beforeAll(async () => {
    tenant = await startTenant();
    project = await createProject(program, { config: { ...tenant.config, "mailboxes:settleTimeout": "10s" } });
    expect(errors(await project.up())).toEqual([]);
    urns = Object.fromEntries(Object.entries(await resources(project)).map(([name, { urn }]) => [name, urn]));
  });

  afterAll(async () => {
    project?.remove();
    await tenant?.remove();
  });

  beforeEach(() => tenant.clearRequests());

  async function support(): Promise<string> {
    const rows = await sharedMailboxes(tenant);
    return (
      rows.find(({ PrimarySmtpAddress }) => PrimarySmtpAddress === "support@contoso.com")?.ExternalDirectoryObjectId ??
      ""
    );
  }

  async function expectOneOfEach(): Promise<void> {
    expect(await sharedAddresses(tenant)).toEqual(all);
    expect(await access(tenant, "support@contoso.com")).toEqual(both("ada@contoso.com", "grace@contoso.com"));
    const rules = await tenant.graph<{ value: unknown[] }>(
      "GET",
      `/users/${await support()}/mailFolders/inbox/messageRules`,
    );
    expect(rules.value).toHaveLength(1);
    const again = await project.preview();
    expect(errors(again)).toEqual([]);
    expect(again.changes).toEqual([]);
  }

  test("--replace of a membership gives the same people their access back", async () => {
    const up = await project.up("--replace", urns["support-members"] ?? "");
    expect(errors(up)).toEqual([]);
    await expectOneOfEach();
  });

  test("--replace of a mailbox makes one new one, and everything on it anew", async () => {
    const before = await support();
    const up = await project.up("--replace", urns.support ?? "");
    expect(errors(up)).toEqual([]);
    expect(await support()).not.toBe(before);
    await expectOneOfEach();
    const deleted = await tenant.graph<{ value: { id: string }[] }>(
      "GET",
      "/directory/deletedItems/microsoft.graph.user",
    );
    expect(deleted.value.map(({ id }) => id)).toEqual([before]);
  });

  test("state taint of a mailbox makes one new one", async () => {
    const before = await support();
    expect(await project.run("state", "taint", "--yes", urns.support ?? "")).toMatchObject({ exitCode: 0 });
    const up = await project.up();
    expect(errors(up)).toEqual([]);
    expect(await support()).not.toBe(before);
    await expectOneOfEach();
  });
});
