import { join } from "node:path";
import { createProject, type Project, type ServedTenant, startTenant } from "./harness";
import { access, both, errors, imports, resources, sharedAddresses } from "./traps";

const elsewhere = "0e15e4e2-e000-4000-8000-00000000e15e";

const support = `const support = new SharedMailbox("support", { displayName: "Contoso Support", primarySmtpAddress: "support@contoso.com" });
new MailboxMembership("support-members", { mailbox: support.id, members: ["ada@contoso.com"] });`;

const fabrikam = (clientSecret: string) => `
const fabrikam = new Tenant("fabrikam", { clientSecret: ${clientSecret} });
const info = new SharedMailbox("info", { displayName: "Info", primarySmtpAddress: "info@fabrikam.example" }, { provider: fabrikam });
new MailboxMembership("info-members", { mailbox: info.id, members: ["grace@contoso.com"] }, { provider: fabrikam });`;

const everybody = ["info@fabrikam.example", "support@contoso.com"];

/** Each test goes on from where the one before it left the stack. */
describe("a tenant of one's own and another one", () => {
  let tenant: ServedTenant;
  let project: Project;

  beforeAll(async () => {
    tenant = await startTenant();
    project = await createProject(imports + support, { config: tenant.config });
    expect(errors(await project.up())).toEqual([]);
  });

  afterAll(async () => {
    project?.remove();
    await tenant?.remove();
  });

  test("with another tenant configured everything stops with the reason, and nothing counts as gone", async () => {
    const state = async () =>
      Object.values(await resources(project)).map(({ urn, id, inputs, outputs }) => ({ urn, id, inputs, outputs }));
    const before = await state();
    project.configure({ ...tenant.config, "mailboxes:tenantId": elsewhere });
    const reason = new RegExp(
      `^this resource is in tenant ${tenant.tenantId}, but the configured tenant is ${elsewhere}\\. Nothing was read or changed\\. Set mailboxes:tenantId`,
    );
    // Without the program the engine configures the provider from the state: it still asks the tenant of the state.
    expect(await project.refresh()).toMatchObject({ exitCode: 0, changes: [] });
    await tenant.clearRequests();
    for (const run of [
      await project.preview(),
      await project.refresh("--run-program"),
      await project.up(),
      await project.destroy(),
    ]) {
      expect(run.exitCode).not.toBe(0);
      expect(errors(run)).toContainEqual(expect.stringMatching(reason));
      expect(run.changes.filter(({ failed }) => !failed)).toEqual([]);
    }
    expect(await tenant.requests()).toEqual([]);
    expect(await state()).toEqual(before);
  });

  test("another local tenant is refused like another real one", async () => {
    const other = await startTenant({ tenantId: elsewhere });
    try {
      project.configure(other.config);
      const run = await project.up();
      expect(run.exitCode).not.toBe(0);
      expect(errors(run)).toContainEqual(
        expect.stringContaining(
          `this resource is in tenant ${tenant.tenantId}, but the configured tenant is ${elsewhere}`,
        ),
      );
      expect(await other.requests({ writes: "true" })).toEqual([]);
    } finally {
      await other.remove();
    }
  });

  test("an explicit Tenant takes the local tenant over from the stack, and its secret is ciphertext", async () => {
    project.configure(tenant.config);
    project.program(imports + support + fabrikam('"local-tenant-secret"'));
    const up = await project.up();
    expect(errors(up)).toEqual([]);
    expect(await sharedAddresses(tenant)).toEqual(everybody);
    expect(await access(tenant, "info@fabrikam.example")).toEqual(both("grace@contoso.com"));
    expect(project.stateText() + up.output).not.toContain("local-tenant-secret");
    const { deployment } = await project.exportState();
    const provider = deployment.resources?.find(({ urn }) => urn.endsWith("::fabrikam"));
    expect(provider?.inputs).toMatchObject({
      "mailboxes:localTenant": tenant.origin,
      "mailboxes:clientSecret": { ciphertext: expect.any(String) },
    });
    expect(provider?.sourcePosition).toMatch(/^project:\/\/\/index\.[jt]s#/);
    expect((await resources(project)).info?.provider).toMatch(/::fabrikam::/);
    expect((await project.preview()).changes).toEqual([]);
  });
});

test("two processes share one journal", async () => {
  const project = await createProject(imports + support + fabrikam("undefined"), {
    config: { "mailboxes:localTenant": "tenant/contoso.jsonl" },
  });
  try {
    expect(errors(await project.up())).toEqual([]);
    const tenant = await startTenant({ journal: join(project.folder, "tenant", "contoso.jsonl") });
    try {
      expect(await sharedAddresses(tenant)).toEqual(everybody);
      expect(await access(tenant, "support@contoso.com")).toEqual(both("ada@contoso.com"));
      expect(await access(tenant, "info@fabrikam.example")).toEqual(both("grace@contoso.com"));
    } finally {
      await tenant.remove();
    }
    const destroyed = await project.destroy();
    expect(errors(destroyed)).toEqual([]);
  } finally {
    project.remove();
  }
});
