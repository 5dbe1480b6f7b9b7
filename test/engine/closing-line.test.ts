import { createProject, type Project, type Run, type ServedTenant, startTenant } from "./harness";

const program = `import { MailboxMembership, SharedMailbox } from "pulumi-mailboxes";
for (const name of ["support", "sales"]) {
  const box = new SharedMailbox(name, { displayName: name, primarySmtpAddress: name + "@contoso.com" });
  new MailboxMembership(name + "-members", { mailbox: box.id, members: ["ada@contoso.com"] });
}`;

const LINE =
  /^mailboxes: ([\d,]+) requests?, ([\d,]+) cmdlets?, throttled for ([\d.]+) s; shared reads saved [\d,]+ requests?$/;

/** The lines that the provider says of the whole deployment. */
function lines({ diagnostics }: Pick<Run, "diagnostics">): string[] {
  return diagnostics.map(({ message }) => message.trim()).filter((message) => message.startsWith("mailboxes: "));
}

describe("a deployment", () => {
  let tenant: ServedTenant;
  let project: Project;

  beforeAll(async () => {
    tenant = await startTenant();
    project = await createProject(program, { config: tenant.config });
  });

  afterAll(async () => {
    project?.remove();
    await tenant?.stop();
  });

  /** What the line says of a command, and what the tenant was asked. */
  async function told(command: () => Promise<Run>) {
    await tenant.clearRequests();
    const run = await command();
    const { requests, byCmdlet } = await tenant.counts();
    const { login: _signIn, ...wire } = requests;
    const sum = (counts: Record<string, number>) => Object.values(counts).reduce((all, one) => all + one, 0);
    return { run, said: lines(run), asked: { requests: sum(wire), cmdlets: sum(byCmdlet) } };
  }

  test("ends with one line of what it asked: up, refresh, destroy; one that asks nothing says nothing", async () => {
    await tenant.fault({ cmdlet: "New-Mailbox", answer: { status: 429, headers: { "Retry-After": "1" } } });
    const up = await told(() => project.up());
    const nothing = await told(() => project.up());
    const preview = await told(() => project.preview());
    const refresh = await told(() => project.refresh("--expect-no-changes"));
    const json = await project.run("preview", "--json");
    const destroy = await told(() => project.destroy());

    for (const { run, said, asked } of [up, refresh, destroy]) {
      expect([run.exitCode, said]).toEqual([0, [expect.stringMatching(LINE)]]);
      const [, requests, cmdlets] = LINE.exec(said[0] ?? "") ?? [];
      expect({ requests: Number(requests), cmdlets: Number(cmdlets) }).toEqual(asked);
    }
    expect(Number(LINE.exec(up.said[0] ?? "")?.[3])).toBeGreaterThanOrEqual(1);
    expect(refresh.said[0]).toContain("throttled for 0 s");
    for (const { run, said, asked } of [nothing, preview]) {
      expect([run.exitCode, said, asked.requests]).toEqual([0, [], 0]);
    }
    expect(json.exitCode).toBe(0);
    expect(JSON.parse(json.stdout)).not.toHaveProperty("diagnostics");
    expect(project.stateText()).not.toContain("shared reads saved");
  });
});
