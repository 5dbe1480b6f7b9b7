import { createProject, type Project, type Run, type ServedTenant, startTenant } from "./harness";
import { access, both, errors, imports, resources } from "./traps";
import { forwardMailboxes } from "./view";

const support = `const support = new SharedMailbox("support", { displayName: "Contoso Support", primarySmtpAddress: "support@contoso.com" });`;

/** Each test goes on from where the one before it left the stack. */
describe("secrets among the inputs", () => {
  let tenant: ServedTenant;
  let project: Project;

  beforeAll(async () => {
    tenant = await startTenant();
    project = await createProject(imports + support, {
      config: { ...tenant.config, "mailboxes:settleTimeout": "2s" },
      secrets: "passphrase",
    });
  });

  afterAll(async () => {
    project?.remove();
    await tenant?.remove();
  });

  function expectNowhere(run: Run, ...secrets: string[]): void {
    const seen = [run.output, ...run.diagnostics.map(({ message }) => message), project.stateText()]
      .join("\n")
      .toLowerCase();
    for (const secret of secrets) {
      expect(seen).not.toContain(secret.toLowerCase());
    }
  }

  test.each([
    [
      "plain properties",
      `new SharedMailbox("one", {
        displayName: pulumi.secret("Hush-Hush".repeat(40)), alias: pulumi.secret("Hush-Hush and more"),
        primarySmtpAddress: pulumi.secret("Hush-Hush at contoso"), emailAliases: ["help@contoso.com", pulumi.secret("Hush-Hush")],
      });`,
      ["displayName: is longer", "alias: is empty or has", "primarySmtpAddress: is not", "emailAliases[1]: is not"],
    ],
    [
      "members of a list",
      `new MailboxMembership("one", { mailbox: "support@contoso.com", members: [
        "ada@contoso.com", pulumi.secret("Hush-Hush"), pulumi.secret("Hush-Hush@contoso.com"), "hush-hush@contoso.com",
      ] });`,
      ["members[1]: looks like a display name", "members[3]: is the same as members[2]"],
    ],
    [
      "keys of a map",
      `new MailboxMembership("one", { mailbox: "support@contoso.com", members: pulumi.secret({
        "Hush-Hush": {}, "Hush-Hush@contoso.com": {}, "hush-hush@contoso.com": {},
      }) });`,
      ['members["[secret]"]: looks like a display name', 'members["[secret]"]: is given twice'],
    ],
  ])("%s that are wrong are not printed", async (_case, wrong, reasons) => {
    project.program(imports + wrong);
    const preview = await project.preview();
    expect(preview.exitCode).not.toBe(0);
    expectNowhere(preview, "hush-hush");
    for (const reason of reasons) {
      expect(errors(preview).join("\n")).toContain(reason);
    }
  });

  test("one that the tenant refuses is not printed", async () => {
    project.program(`${imports}${support}
new MailboxMembership("one", { mailbox: support.id, members: [pulumi.secret("hush-hush@contoso.com")] });
new SharedMailbox("two", { displayName: "Two", primarySmtpAddress: pulumi.secret("Hush-Hush@tailspin.example") });`);
    const up = await project.up("--continue-on-error");
    expect(errors(up).join("\n")).toContain("primarySmtpAddress: the tenant has no accepted domain tailspin.example");
    expect(errors(up).join("\n")).toContain('members["[secret]"]: nobody in the tenant has');
    expectNowhere(up, "hush-hush");
  });

  test("a secret member works and is ciphertext in the state, also after a refresh", async () => {
    project.program(`${imports}${support}
new MailboxMembership("one", { mailbox: support.id, members: ["ada@contoso.com", pulumi.secret("Grace@contoso.com")] });`);
    const up = await project.up("--diff");
    expect(errors(up)).toEqual([]);
    expect(await access(tenant, "support@contoso.com")).toEqual(both("ada@contoso.com", "grace@contoso.com"));
    expectNowhere(up, "grace@contoso.com");

    const refreshed = await project.refresh("--diff");
    expect(refreshed.changes).toEqual([]);
    expectNowhere(refreshed, "grace@contoso.com");
    const { one } = await resources(project);
    for (const value of [one?.inputs?.members, one?.outputs?.members, one?.outputs?.memberIds]) {
      expect(value).toHaveProperty("ciphertext");
    }
    expect((await project.preview()).changes).toEqual([]);
  });
});

/** Each test goes on from where the one before it left the stack. */
describe("credentials of a mailbox record", () => {
  let tenant: ServedTenant;
  let project: Project;
  const first = "Correct-Horse-1";
  const second = "Battery-Staple-2";

  /** The password stands in the program in clear, so that nothing but the class makes it a secret. */
  const program = (password: string, more = "") => `${imports}
const collector = new SharedMailbox("collector", { displayName: "Collector", primarySmtpAddress: "forwardmailbox@contoso.com" });
new ForwardingMailbox("intake", {
  name: "CRM intake", emailAddress: collector.primarySmtpAddress, deleteAfterProcessing: true,
  serverProfile: "Contoso mailbox credentials",
  credentials: { userName: "forwardmailbox@contoso.com", password: "${password}" }, ${more}
});`;

  beforeAll(async () => {
    tenant = await startTenant();
    project = await createProject(program(first), {
      config: { ...tenant.config, "mailboxes:settleTimeout": "5s" },
      secrets: "passphrase",
    });
  });

  afterAll(async () => {
    project?.remove();
    await tenant?.remove();
  });

  /** The password is in nothing that was printed and in no file of the backend, and the user name is readable. */
  function expectSealed(run: Run): void {
    const seen = [run.output, ...run.diagnostics.map(({ message }) => message), project.stateText()].join("\n");
    for (const password of [first, second]) {
      expect(seen).not.toContain(password);
      expect(seen).not.toContain(Buffer.from(password).toString("base64"));
    }
  }

  const forwardMailbox = async () => (await forwardMailboxes(tenant))[0];

  test("whose creation fails half-way are ciphertext in the state, and the next up finishes", async () => {
    await tenant.fault({
      service: "dataverse",
      method: "PATCH",
      path: "/mailboxes(",
      after: 1,
      times: 1,
      answer: { status: 400, body: { error: { code: "0x80040265", message: "A plug-in said no." } } },
    });
    const failed = await project.up("--diff");
    expect(failed.exitCode).not.toBe(0);
    expect(errors(failed).join("\n")).toContain("A plug-in said no");
    expectSealed(failed);
    const { intake } = await resources(project);
    expect(intake?.outputs?.credentials).toHaveProperty("ciphertext");

    const up = await project.up("--diff");
    expect(errors(up)).toEqual([]);
    expectSealed(up);
    expect(await forwardMailbox()).toMatchObject({
      username: "forwardmailbox@contoso.com",
      allowemailconnectortousecredentials: true,
      incomingemailstatus: 1,
    });
  });

  test("are no drift, and ciphertext after a refresh too", async () => {
    const refreshed = await project.refresh("--diff");
    expect(refreshed.changes).toEqual([]);
    expectSealed(refreshed);
    expect(await project.preview("--refresh")).toMatchObject({ exitCode: 0, changes: [] });
    expectSealed(await project.preview("--diff"));
  });

  test("are rotated by a change of the program, which a preview shows without the value", async () => {
    project.program(program(second));
    const preview = await project.preview("--diff");
    expect(preview.changes).toMatchObject([
      { op: "update", name: "intake", detailedDiff: { "credentials.password": "update" } },
    ]);
    expectSealed(preview);
    await tenant.clearRequests();
    const up = await project.up("--diff");
    expect(errors(up)).toEqual([]);
    expectSealed(up);
    const written = (await tenant.requests({ writes: "true", service: "dataverse" })).map(({ body }) =>
      Object.keys((body ?? {}) as object).sort(),
    );
    expect(written).toEqual([
      ["allowemailconnectortousecredentials", "password", "username"],
      ["testemailconfigurationscheduled"],
    ]);
    expect((await project.preview()).changes).toEqual([]);
  });

  test("go with the resource", async () => {
    const destroyed = await project.destroy();
    expect(destroyed.exitCode).toBe(0);
    expectSealed(destroyed);
    expect(await forwardMailboxes(tenant)).toEqual([]);
  });
});
