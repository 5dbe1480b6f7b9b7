import { createProject, type Project, type ServedTenant, startTenant } from "./harness";
import { access, both, errors, imports, sharedAddresses } from "./traps";

const names = ["a", "b", "c", "d", "e", "f"];
const addresses = names.map((name) => `${name}@contoso.com`);
const program = `${imports}
for (const name of ${JSON.stringify(names)}) {
  const box = new SharedMailbox(name, { displayName: name, primarySmtpAddress: name + "@contoso.com" });
  new MailboxMembership(name + "-members", { mailbox: box.id, members: ["ada@contoso.com"] });
}`;

/** The program is emptied by mistake: a wrong branch, an empty list. */
describe("more mailboxes than one deployment may take away", () => {
  let tenant: ServedTenant;
  let project: Project;

  beforeAll(async () => {
    tenant = await startTenant();
    project = await createProject(program, { config: tenant.config });
    expect(errors(await project.up())).toEqual([]);
    project.program(imports);
  });

  afterAll(async () => {
    project.remove();
    await tenant.remove();
  });

  async function expectAllThere(): Promise<void> {
    expect(await sharedAddresses(tenant)).toEqual(addresses);
    for (const address of addresses) {
      expect(await access(tenant, address)).toEqual(both("ada@contoso.com"));
    }
  }

  test("stay with all their people, at the first try and at each one after it", async () => {
    for (const run of [await project.up(), await project.up(), await project.destroy()]) {
      expect(run.exitCode).not.toBe(0);
      expect(errors(run)).toContainEqual(
        expect.stringMatching(
          /^taking away the members of \w@contoso\.com: this deployment takes away 6 mailboxes or more/,
        ),
      );
      expect(run.changes.filter(({ failed }) => !failed)).toEqual([]);
    }
    await expectAllThere();
  });

  test("stay where a refresh comes first, which the engine compares before it knows the program", async () => {
    const run = await project.deploy("up", ["--yes", "--skip-preview", "--refresh"]);
    expect(errors(run)).toContainEqual(expect.stringMatching(/^taking away the members of .* takes away 6 mailboxes/));
    await expectAllThere();
  });

  test("go when the limit says that it is meant", async () => {
    // The program has no mailbox any more, so the engine configures the provider from the state, not from the stack.
    const env = { MAILBOXES_MAX_MAILBOX_DELETES: "6" };
    expect(errors(await project.deploy("up", ["--yes", "--skip-preview"], { env }))).toEqual([]);
    expect(await sharedAddresses(tenant)).toEqual([]);
  });
});
