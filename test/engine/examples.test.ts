import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { MailboxSettings } from "../../provider/local-tenant/model";
import { clone, createProject, type Project, type Run, type ServedTenant, startTenant } from "./harness";
import { leanEnvironment } from "./lean";
import {
  accountOf,
  forwardMailboxes,
  individualRecord,
  mailboxesWith,
  mailboxWith,
  messagesIn,
  queues,
  rightsOn,
  rulesIn,
  writes,
} from "./view";

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

describe("examples/forward-mailbox", () => {
  const collector = "forwardmailbox@contoso.com";
  const people = ["ada@contoso.com", "grace@contoso.com"];
  const sources = [...people, "support@contoso.com"];
  const SERVER_SIDE = 2;
  const FORWARD_MAILBOX = 3;

  const methodsOf = (addresses: string[]) =>
    Promise.all(
      addresses.map(async (address) => (await individualRecord(tenant, address))?.incomingemaildeliverymethod),
    );

  beforeAll(() => start("forward-mailbox"));
  afterAll(end);

  test("is previewed without a warning and writes nothing", async () => {
    expect(await methodsOf(people)).toEqual([SERVER_SIDE, SERVER_SIDE]);
    const preview = await project.preview();
    expectSuccess(preview);
    expect(operations(preview)).toEqual(["create collector", "create crm-intake", "create support", "create support"]);
    expect(warnings(preview)).toEqual([]);
    expect(await writes(tenant)).toEqual([]);
  });

  test("makes the mailboxes, the queue on the shared one and the forward mailbox, approved and tested", async () => {
    const up = await project.up();
    expectSuccess(up);
    const [queue] = await queues(tenant, "support@contoso.com");
    const [intake, ...others] = await forwardMailboxes(tenant);
    expect(others).toEqual([]);
    expect(intake).toMatchObject({
      name: "CRM intake",
      emailaddress: collector,
      ownerid: { table: "team" },
      processanddeleteemails: true,
      emailrouteraccessapproval: 1,
      incomingemailstatus: 1,
    });
    expect(await methodsOf(sources)).toEqual([FORWARD_MAILBOX, FORWARD_MAILBOX, FORWARD_MAILBOX]);
    expect(await project.outputs()).toEqual({ queueId: queue?.queueid, approval: "Approved", test: "Success" });
    // People are told what a rule made from outside does to theirs; nothing else is worth a warning.
    expect(warnings(up)).toHaveLength(people.length);
    expect(warnings(up).join("\n")).toMatch(/a person's mailbox/);
  });

  test("mail to each source arrives in the forward mailbox as an attachment", async () => {
    for (const to of sources) {
      await tenant.deliver({ from: "customer@adatum.example", to, subject: `For ${to}` });
    }
    const arrived = (await messagesIn(tenant, collector)).map(({ attachment }) => attachment);
    expect(arrived).toEqual(
      expect.arrayContaining(
        sources.map((to) => expect.objectContaining({ from: "customer@adatum.example", to, subject: `For ${to}` })),
      ),
    );
    expect(arrived).toHaveLength(sources.length);
  });

  test("has nothing more to do, with the tenant read again", async () => {
    expect(await project.preview("--refresh")).toMatchObject({ exitCode: 0, changes: [] });
  });

  test("names what somebody changed by hand, and repairs it", async () => {
    const [rule] = await rulesIn(tenant, "grace@contoso.com");
    const grace = await mailboxWith(tenant, "grace@contoso.com");
    await tenant.graph(
      "DELETE",
      `/users/${grace.externalDirectoryObjectId}/mailFolders/inbox/messageRules/${rule?.id}`,
    );
    const ada = await individualRecord(tenant, "ada@contoso.com");
    await tenant.dataverse("PATCH", `/mailboxes(${ada?.mailboxid})`, { incomingemaildeliverymethod: SERVER_SIDE });
    const preview = await project.preview("--refresh");
    expect(preview.changes).toMatchObject([
      {
        op: "update",
        name: "crm-intake",
        // Grace's rule is gone while her record still waits for it.
        detailedDiff: { 'sources["ada@contoso.com"].drift': "delete", 'sources["grace@contoso.com"].drift': "delete" },
      },
    ]);
    expectSuccess(await project.up("--refresh"));
    expect(await rulesIn(tenant, "grace@contoso.com")).toHaveLength(1);
    expect(await methodsOf(sources)).toEqual([FORWARD_MAILBOX, FORWARD_MAILBOX, FORWARD_MAILBOX]);
  });

  test("destroyed, leaves everybody's record and rules as they were", async () => {
    expectSuccess(await project.destroy());
    expect(await forwardMailboxes(tenant)).toEqual([]);
    expect(await queues(tenant, "support@contoso.com")).toEqual([]);
    expect(await methodsOf(people)).toEqual([SERVER_SIDE, SERVER_SIDE]);
    for (const person of people) {
      expect(await rulesIn(tenant, person)).toEqual([]);
    }
    for (const address of ["support@contoso.com", collector]) {
      const [mailbox] = await mailboxesWith(tenant, address);
      expect(mailbox?.mailbox?.whenSoftDeleted).toEqual(expect.any(String));
    }
  });
});

describe("examples/queue-on-shared-mailbox", () => {
  const address = "support@contoso.com";

  beforeAll(async () => {
    await start("queue-on-shared-mailbox");
    // Dynamics makes the mailbox record of a new queue some time after it.
    await tenant.settings({ mailboxRowDelay: 1_000 });
  });
  afterAll(end);

  test("makes a queue whose mail comes from a shared mailbox without a licence, approved and tested", async () => {
    const up = await project.up();
    expectSuccess(up);
    const shared = await mailboxWith(tenant, address);
    expect(shared).toMatchObject({ recipientTypeDetails: "SharedMailbox" });
    expect(await accountOf(tenant, shared)).toMatchObject({ accountEnabled: false, assignedLicenses: [] });
    expect(await queues(tenant, address)).toMatchObject([{ name: "Support", ownerid: { table: "team" } }]);
    expect(await individualRecord(tenant, address)).toMatchObject({
      incomingemaildeliverymethod: 2,
      outgoingemaildeliverymethod: 2,
      processanddeleteemails: true,
      emailrouteraccessapproval: 1,
      incomingemailstatus: 1,
      outgoingemailstatus: 1,
    });
    expect(await project.outputs()).toEqual({ approval: "Approved", incoming: "Success", outgoing: "Success" });
  });

  test("has nothing more to do, with the tenant read again", async () => {
    expect(await project.preview("--refresh")).toMatchObject({ exitCode: 0, changes: [] });
  });

  test("does not delete the queue while it has items, and says how many", async () => {
    const [queue] = await queues(tenant, address);
    await tenant.patch("dv.queues", String(queue?.queueid), { numberofitems: 2 });
    const destroy = await project.destroy();
    expect(destroy.exitCode).not.toBe(0);
    expect(destroy.output).toMatch(/deleting the queue Support: it still has 2 items.*0x80631117/);
    expect(await queues(tenant, address)).toHaveLength(1);
    await tenant.patch("dv.queues", String(queue?.queueid), { numberofitems: 0 });
    expectSuccess(await project.destroy());
    expect(await queues(tenant, address)).toEqual([]);
    expect(await individualRecord(tenant, address)).toBeUndefined();
  });
});

test("examples/testing: the tests of the program pass, without an engine and without a tenant", () => {
  const { status, stdout, stderr } = spawnSync("npm", ["test"], {
    cwd: join(clone, "examples", "testing"),
    encoding: "utf8",
    shell: process.platform === "win32",
  });
  expect({ status, output: status === 0 ? "" : stdout + stderr }).toEqual({ status: 0, output: "" });
  expect(stdout).toMatch(/# pass 2\b|pass 2\b/);
});

test("examples/testing: the program is deployed to a local tenant of the tests' own", () => {
  const { status, stdout, stderr } = spawnSync("npm", ["run", "test:deployment"], {
    cwd: join(clone, "examples", "testing"),
    encoding: "utf8",
    env: {
      ...process.env,
      ...leanEnvironment(),
      MAILBOXES_TEST_TYPESCRIPT: "true",
      PULUMI_NODEJS_TRANSPILE_ONLY: "true",
    },
    shell: process.platform === "win32",
  });
  expect({ status, output: status === 0 ? "" : stdout + stderr }).toEqual({ status: 0, output: "" });
  expect(stdout).toMatch(/pass 4\b/);
});
