import { createProject, type Project, type ServedTenant, startTenant } from "./harness";
import { access, both, errors, imports, resources, sharedAddresses, spelled, writes } from "./traps";

const mailbox = (name: string, options = "", displayName = `Contoso ${name}`) =>
  `const ${name} = new SharedMailbox("${name}", { displayName: "${displayName}", primarySmtpAddress: "${name}@contoso.com" }, { ${options} });`;

const membership = (name: string, members: string[], options = "") =>
  `new MailboxMembership("${name}", { mailbox: support.id, members: ${JSON.stringify(members)} }, { ${options} });`;

const [ada, grace, alan] = ["ada@contoso.com", "grace@contoso.com", "alan@contoso.com"];

/** Each test goes on from where the one before it left the stack. */
describe("shared members and resource options", () => {
  let tenant: ServedTenant;
  let project: Project;

  beforeAll(async () => {
    tenant = await startTenant();
    project = await createProject(
      [imports, mailbox("support"), membership("first", [ada, grace]), membership("second", [grace, alan])].join("\n"),
      { config: { ...tenant.config, "mailboxes:settleTimeout": "5s" } },
    );
    expect(errors(await project.up())).toEqual([]);
  });

  afterAll(async () => {
    project?.remove();
    await tenant?.remove();
  });

  beforeEach(() => tenant.clearRequests());

  test("two memberships share a member: the end of one, or of his line in it, leaves what the other one declares", async () => {
    expect(await access(tenant, "support@contoso.com")).toEqual(both(ada, alan, grace));
    project.program(
      [imports, mailbox("support"), membership("first", [ada]), membership("second", [grace, alan])].join("\n"),
    );
    const dropped = await project.up();
    expect(errors(dropped)).toEqual([]);
    expect(spelled(dropped.changes)).toEqual(["update first"]);
    expect(await access(tenant, "support@contoso.com")).toEqual(both(ada, alan, grace));

    project.program([imports, mailbox("support"), membership("first", [ada, grace])].join("\n"));
    const deleted = await project.up();
    expect(errors(deleted)).toEqual([]);
    expect(spelled(deleted.changes)).toEqual(["delete second", "update first"]);
    expect(await access(tenant, "support@contoso.com")).toEqual(both(ada, grace));
    expect(await project.preview()).toMatchObject({ exitCode: 0, changes: [] });
  });

  test("deletedWith keeps nobody's access to a mailbox that stays, though the preview has shown its end", async () => {
    const stays = (...more: string[]) => project.program([imports, mailbox("support"), ...more].join("\n"));
    const desk = `const desk = new SharedMailbox("desk", { displayName: "Desk", primarySmtpAddress: "desk@contoso.com", deletion: "retain" });
      new MailboxMembership("of-desk", { mailbox: "desk@contoso.com", members: ["${ada}"] }, { deletedWith: desk, dependsOn: desk });`;
    stays(membership("first", [ada, grace]), desk);
    const made = await project.up();
    expect(errors(made)).toEqual([]);
    expect(made.diagnostics.map(({ message }) => message).join("\n")).toContain("Take the option out.");
    expect(await access(tenant, "desk@contoso.com")).toEqual(both(ada));

    stays(membership("first", [ada, grace]));
    const gone = await project.up();
    expect(spelled(gone.changes)).toEqual(["delete desk", "delete of-desk"]);
    expect(await access(tenant, "desk@contoso.com")).toEqual(both());
    await tenant.exchange("Remove-Mailbox", { Identity: "desk@contoso.com", Confirm: false });
  });

  test("ignoreChanges by member, in whatever spelling, and by property keeps what is there", async () => {
    const ignoring = [
      imports,
      mailbox("support", 'ignoreChanges: ["displayName"]', "Another name"),
      membership("first", [ada, alan], `ignoreChanges: ["members['${grace.toUpperCase()}']"]`),
    ];
    project.program(ignoring.join("\n"));
    const up = await project.up();
    expect(errors(up)).toEqual([]);
    expect(up.changes).toMatchObject([
      { op: "update", name: "first", detailedDiff: { [`members["${alan}"]`]: "add" } },
    ]);
    expect(up.changes).toHaveLength(1);
    expect(await access(tenant, "support@contoso.com")).toEqual(both(ada, alan, grace));
    expect((await tenant.exchange("Get-Mailbox", { Identity: "support@contoso.com" }))[0]).toMatchObject({
      DisplayName: "Contoso support",
    });
  });

  test("--target, protect and retainOnDelete keep their word", async () => {
    const people = membership("first", [ada, alan, grace]);
    project.program(
      [
        imports,
        mailbox("support"),
        people,
        mailbox("kept", "protect: true"),
        mailbox("left", "retainOnDelete: true"),
        mailbox("other"),
      ].join("\n"),
    );
    const urn = (name: string) => `urn:pulumi:dev::test::pulumi-nodejs:dynamic/mailboxes:SharedMailbox::${name}`;
    const targeted = await project.up("--target", urn("kept"), "--target", urn("left"));
    expect(errors(targeted)).toEqual([]);
    expect(spelled(targeted.changes)).toEqual(["create kept", "create left"]);
    expect(await sharedAddresses(tenant)).toEqual(["kept@contoso.com", "left@contoso.com", "support@contoso.com"]);

    await tenant.clearRequests();
    project.program([imports, mailbox("support"), people, mailbox("kept", "protect: true")].join("\n"));
    const left = await project.up();
    expect(errors(left)).toEqual([]);
    expect(await writes(tenant)).toEqual([]);
    expect(await sharedAddresses(tenant)).toEqual(["kept@contoso.com", "left@contoso.com", "support@contoso.com"]);
    expect(Object.keys(await resources(project)).sort()).toEqual(["first", "kept", "support"]);

    const destroyed = await project.destroy();
    expect(destroyed.exitCode).not.toBe(0);
    expect(errors(destroyed).join("\n")).toMatch(/kept" cannot be deleted|protect/);
    expect(await sharedAddresses(tenant)).toContain("kept@contoso.com");
  });
});

describe("ignoreChanges of drift that no program may write", () => {
  let tenant: ServedTenant;
  let project: Project;

  const program = (options: string, title = "Support") => `${imports}
new SharedMailbox("support",
  { displayName: "${title}", primarySmtpAddress: "support@contoso.com", forwarding: { to: "${ada}" } },
  { ${options} });
const collector = new SharedMailbox("collector", { displayName: "Collector", primarySmtpAddress: "collector@contoso.com" });
new ForwardingMailbox("intake",
  { name: "Intake", emailAddress: collector.primarySmtpAddress, sources: ["${grace}"], testAndEnable: false },
  { ${options} });`;
  const ignoring = 'ignoreChanges: ["type", "signInBlocked", "forwarding", "sources"]';
  const mailboxAsItIs = async () => (await tenant.exchange("Get-Mailbox", { Identity: "support@contoso.com" }))[0];

  beforeAll(async () => {
    tenant = await startTenant();
    project = await createProject(program(""), { config: { ...tenant.config, "mailboxes:settleTimeout": "5s" } });
    expect(errors(await project.up())).toEqual([]);
    await tenant.exchange("Set-Mailbox", {
      Identity: "support@contoso.com",
      Type: "Regular",
      ForwardingSmtpAddress: "smtp:mallory@northwind.example",
    });
    const [rule] = await tenant.exchange("Get-InboxRule", { Mailbox: grace });
    await tenant.exchange("Disable-InboxRule", { Mailbox: grace, Identity: rule?.Identity });
  });

  afterAll(async () => {
    project?.remove();
    await tenant?.remove();
  });

  test("stops no command, writes nothing of it, and says so", async () => {
    project.program(program(ignoring, "Renamed"));
    const up = await project.up("--refresh");
    expect(errors(up)).toEqual([]);
    expect(spelled(up.changes)).toEqual(["update support"]);
    const told = up.diagnostics.map(({ message }) => message).join("\n");
    for (const part of ["type is not as declared", "forwarding is not as declared", `sources["${grace}"] is not as`]) {
      expect(told).toContain(part);
    }
    const left = {
      RecipientTypeDetails: "UserMailbox",
      ForwardingSmtpAddress: "smtp:mallory@northwind.example",
      DisplayName: "Renamed",
    };
    expect(await mailboxAsItIs()).toMatchObject(left);
    expect(await tenant.exchange("Get-InboxRule", { Mailbox: grace })).toMatchObject([{ Enabled: false }]);
    for (const run of [await project.preview(), await project.up(), await project.refresh("--expect-no-changes")]) {
      expect(errors(run)).toEqual([]);
      expect(run.changes).toEqual([]);
    }
    expect(await mailboxAsItIs()).toMatchObject(left);

    project.program(program("", "Renamed"));
    expect(errors(await project.up())).toEqual([]);
    expect(await mailboxAsItIs()).toMatchObject({ RecipientTypeDetails: "SharedMailbox", ForwardingSmtpAddress: null });
    expect(await tenant.exchange("Get-InboxRule", { Mailbox: grace })).toMatchObject([{ Enabled: true }]);
  });
});
