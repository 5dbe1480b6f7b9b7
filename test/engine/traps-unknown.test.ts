import { createProject, type Project, type ServedTenant, startTenant } from "./harness";
import { access, both, errors, imports, spelled } from "./traps";

const program = (members: string, others = "") => `${imports}
const support = new SharedMailbox("support", { displayName: "Contoso Support", primarySmtpAddress: "support@contoso.com" });
const robot = new SharedMailbox("robot", { displayName: "Robot", primarySmtpAddress: "robot@contoso.com", alias: "robot-sign-in" });
${others}
new MailboxMembership("support-members", { mailbox: support.id, members: ${members} });`;

const second = `const second = new SharedMailbox("second", { displayName: "Second", primarySmtpAddress: "second@contoso.com", alias: "second-sign-in" });`;

/** Each test goes on from where the one before it left the stack. */
describe("members that are outputs of other resources", () => {
  let tenant: ServedTenant;
  let project: Project;

  beforeAll(async () => {
    tenant = await startTenant();
    project = await createProject(program('["ada@contoso.com", robot.userPrincipalName]'), { config: tenant.config });
  });

  afterAll(async () => {
    project?.remove();
    await tenant?.remove();
  });

  test("a first preview shows the known members by name and the others by number", async () => {
    const preview = await project.preview("--diff");
    expect(errors(preview)).toEqual([]);
    const step = preview.changes.find(({ name }) => name === "support-members");
    expect(Object.keys((step?.new?.inputs?.members ?? {}) as object)).toEqual(["(not known yet 2)", "ada@contoso.com"]);
    expect(preview.output).toContain("(not known yet 2)");

    expect(errors(await project.up())).toEqual([]);
    expect(await access(tenant, "support@contoso.com")).toEqual(both("ada@contoso.com", "robot-sign-in@contoso.com"));
    expect((await project.preview()).changes).toEqual([]);
  });

  test("a later preview says that members are not known and prints no revocation", async () => {
    project.program(program('["ada@contoso.com", robot.userPrincipalName, second.userPrincipalName]', second));
    const preview = await project.preview("--diff");
    expect(errors(preview)).toEqual([]);
    const step = preview.changes.find(({ name }) => name === "support-members");
    expect(step).toMatchObject({ op: "update", detailedDiff: { members: "update" } });
    expect(typeof step?.new?.inputs?.members).toBe("string");
    expect(preview.output).toContain("+ members: [unknown]");
    expect(preview.diagnostics.filter(({ severity }) => severity === "warning")).toEqual([]);

    const up = await project.up();
    expect(errors(up)).toEqual([]);
    expect(spelled(up.changes)).toEqual(["create second", "update support-members"]);
    expect(await access(tenant, "support@contoso.com")).toEqual(
      both("ada@contoso.com", "robot-sign-in@contoso.com", "second-sign-in@contoso.com"),
    );
    expect((await project.preview()).changes).toEqual([]);
  });
});
