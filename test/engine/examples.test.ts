import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { MailboxSettings } from "../../provider/local-tenant/model";
import { clone, createProject, type Project, type Run, type ServedTenant, startTenant } from "./harness";
import { accountOf, mailboxWith, rightsOn, writes } from "./view";

const GB = 1024 ** 3;

const programOf = (example: string) => readFileSync(join(clone, "examples", example, "index.ts"), "utf8");

const operations = ({ changes }: Run) => changes.map(({ op, name }) => `${op} ${name}`).sort();

const warnings = ({ diagnostics }: Run) =>
  diagnostics.filter(({ severity }) => severity === "warning").map(({ message }) => message.trim());

function expectSuccess(run: Run): void {
  if (run.exitCode !== 0) {
    throw new Error(run.output);
  }
}

let tenant: ServedTenant;
let project: Project;

async function start(example: string): Promise<void> {
  tenant = await startTenant();
  project = await createProject(programOf(example), {
    config: { ...tenant.config, "mailboxes:settleTimeout": "20s" },
    // The program's types are checked, as in a project of one's own.
    typescript: true,
  });
}

async function end(): Promise<void> {
  project.remove();
  await tenant.remove();
}

describe("examples/support-desk", () => {
  beforeAll(() => start("support-desk"));
  afterAll(end);

  test("is previewed without a warning", async () => {
    const preview = await project.preview();
    expectSuccess(preview);
    expect(operations(preview)).toEqual(["create desk", "create desk-members"]);
    expect(warnings(preview)).toEqual([]);
    expect(await writes(tenant)).toEqual([]);
  });

  test("makes what it declares", async () => {
    const up = await project.up();
    expectSuccess(up);
    expect(warnings(up)).toEqual([]);
    const desk = await mailboxWith(tenant, "desk@contoso.com");
    expect(desk).toMatchObject({
      recipientTypeDetails: "SharedMailbox",
      displayName: "Contoso Support Desk",
      emailAddresses: expect.arrayContaining([
        "SMTP:desk@contoso.com",
        "smtp:helpdesk@contoso.com",
        "smtp:it-support@contoso.com",
      ]),
      mailbox: {
        mailTip: expect.stringContaining("We answer within one working day."),
        issueWarningQuota: 45 * GB,
        prohibitSendQuota: 49 * GB,
        prohibitSendReceiveQuota: 50 * GB,
        messageCopyForSentAsEnabled: true,
        messageCopyForSendOnBehalfEnabled: true,
        forwardingAddress: null,
        forwardingSmtpAddress: null,
      },
    });
    const settings = await tenant.rows<MailboxSettings>("mailboxSettings");
    expect(settings[desk.externalDirectoryObjectId]?.automaticReplies).toMatchObject({
      status: "alwaysEnabled",
      externalAudience: "all",
      externalReplyMessage: expect.stringContaining("Thank you for writing to Contoso."),
    });
    expect(await rightsOn(tenant, "desk@contoso.com")).toEqual({
      "ada@contoso.com": ["FullAccess", "SendAs"],
      "alan@contoso.com": ["FullAccess", "SendAs"],
      "grace@contoso.com": ["FullAccess", "SendAs"],
      "support-team@contoso.com": ["FullAccess"],
    });
    expect(desk.mailbox?.grantSendOnBehalfTo).toHaveLength(1);
  });

  test("has nothing more to do, with the tenant read again", async () => {
    expect(await project.preview("--refresh")).toMatchObject({ exitCode: 0, changes: [] });
  });
});

describe("examples/adopt-existing", () => {
  const address = "info@contoso.com";
  const Identity = address;
  let id: string;

  /** A mailbox made by hand years ago: another name, an account that can sign in, and three people. */
  async function makeMailbox(): Promise<void> {
    const [row] = await tenant.exchange("New-Mailbox", {
      Shared: true,
      Name: "info",
      DisplayName: "Info (old)",
      Alias: "info",
      PrimarySmtpAddress: address,
    });
    id = String(row?.ExternalDirectoryObjectId);
    await tenant.graph("PATCH", `/users/${id}`, { accountEnabled: true });
    await tenant.exchange("Set-Mailbox", { Identity, MailTip: "Write to us", HiddenFromAddressListsEnabled: true });
    for (const User of ["ada@contoso.com", "grace@contoso.com", "alan@contoso.com"]) {
      await tenant.exchange("Add-MailboxPermission", { Identity, User, AccessRights: ["FullAccess"] });
    }
    for (const Trustee of ["ada@contoso.com", "alan@contoso.com"]) {
      await tenant.exchange("Add-RecipientPermission", {
        Identity,
        Trustee,
        AccessRights: ["SendAs"],
        Confirm: false,
      });
    }
    await tenant.clearRequests();
  }

  const people = {
    "ada@contoso.com": ["FullAccess", "SendAs"],
    "alan@contoso.com": ["FullAccess", "SendAs"],
    "grace@contoso.com": ["FullAccess"],
  };

  beforeAll(async () => {
    await start("adopt-existing");
    await makeMailbox();
  });
  afterAll(end);

  test("takes the mailbox over, says what it overwrites, and keeps its people", async () => {
    const preview = await project.preview();
    expectSuccess(preview);
    expect(operations(preview)).toEqual(["create info", "create info-members"]);
    expect(await writes(tenant)).toEqual([]);

    const up = await project.up();
    expectSuccess(up);
    expect(warnings(up).join()).toMatch(
      /Adopting info@contoso\.com overwrites what was there: displayName "Info \(old\)" → "Contoso Info"/,
    );
    const info = await mailboxWith(tenant, address);
    expect(info).toMatchObject({
      externalDirectoryObjectId: id,
      displayName: "Contoso Info",
      hiddenFromAddressListsEnabled: true,
      mailbox: { mailTip: expect.stringContaining("Write to us") },
    });
    expect(await accountOf(tenant, info)).toMatchObject({ accountEnabled: false });
    expect(await rightsOn(tenant, address)).toEqual(people);
    const state = await project.exportState();
    const others = (state.deployment.resources?.[0]?.outputs?.othersWithAccess ?? []) as string[];
    expect(others.filter((trustee) => trustee.includes("@"))).toEqual(["alan@contoso.com"]);
  });

  test("has nothing more to do, with the tenant read again", async () => {
    expect(await project.preview("--refresh")).toMatchObject({ exitCode: 0, changes: [] });
  });

  test("made exclusive as its comments say, warns, names who goes, and then removes exactly them", async () => {
    const program = programOf("adopt-existing");
    expect(program).toContain("  // exclusive: true,\n");
    project.program(program.replace("// exclusive: true,", "exclusive: true,"));
    const up = await project.up();
    expectSuccess(up);
    expect(warnings(up).join()).toMatch(/Others have access to info@contoso\.com: alan@contoso\.com\./);
    expect(await rightsOn(tenant, address)).toEqual(people);

    const preview = await project.preview("--refresh");
    expect(preview.changes).toMatchObject([
      { op: "update", name: "info-members", detailedDiff: { 'members["alan@contoso.com"]': "delete" } },
    ]);
    expect(await rightsOn(tenant, address)).toEqual(people);

    expectSuccess(await project.up("--refresh"));
    const { "alan@contoso.com": _gone, ...kept } = people;
    expect(await rightsOn(tenant, address)).toEqual(kept);
  });
});
