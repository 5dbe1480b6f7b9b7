import type { MailboxSettings, Message, Permission, Recipient } from "../../provider/local-tenant/model";
import { createProject, type Project, type Run, type ServedTenant, startTenant } from "./harness";
import { accountOf, mailboxesWith, mailboxWith, rightsOn, writes } from "./view";

interface Declared {
  /** Arguments of the mailbox support@contoso.com, beside its address; null = not in the program, nor its members. */
  support?: Record<string, unknown> | null;
  members?: Record<string, unknown>;
  /** Whether the mailbox that is purged on deletion is in the program. */
  scratch?: boolean;
}

const SUPPORT = {
  displayName: "Contoso Support",
  hiddenFromAddressLists: true,
  mailTip: "Answered within a day",
  automaticReplies: { status: "alwaysEnabled", internalMessage: "We read you." },
};
const { mailTip: _removed, ...WITHOUT_MAIL_TIP } = SUPPORT;
const MEMBERS = { "ada@contoso.com": {}, "grace@contoso.com": {} };

function program({ support = SUPPORT, members = MEMBERS, scratch = true }: Declared = {}): string {
  return `
import { MailboxMembership, SharedMailbox } from "pulumi-mailboxes";
new SharedMailbox("radia", {
  displayName: "Radia Perlman",
  primarySmtpAddress: "radia@contoso.com",
  adopt: "convert",
  signInBlocked: true,
});
${
  support === null
    ? ""
    : `
const support = new SharedMailbox("support", {
  primarySmtpAddress: "support@contoso.com",
  ...${JSON.stringify(support)},
});
new MailboxMembership("support-members", {
  mailbox: support.id,
  members: ${JSON.stringify(members)},
  exclusive: true,
});`
}
${
  scratch
    ? `
new SharedMailbox("scratch", {
  displayName: "Scratch",
  primarySmtpAddress: "scratch@contoso.com",
  deletion: "purge",
});`
    : ""
}`;
}

const both = ["FullAccess", "SendAs"];

/** What changes, by resource. */
function changed({ changes }: Run): Record<string, Record<string, string>> {
  return Object.fromEntries(changes.map(({ name, detailedDiff }) => [name, detailedDiff]));
}

describe("what reviewers see, and what happens then", () => {
  let tenant: ServedTenant;
  let project: Project;
  let support: Recipient;
  let scratchId: string;

  async function up(declared?: Declared): Promise<Run & { written: string[] }> {
    project.program(program(declared));
    await tenant.clearRequests();
    const run = await project.up();
    if (run.exitCode !== 0) {
      throw new Error(run.output);
    }
    return { ...run, written: (await writes(tenant)).sort() };
  }

  /** Previews the program with its differences and makes sure that nothing is written. */
  async function preview(declared?: Declared): Promise<Run> {
    project.program(program(declared));
    await tenant.clearRequests();
    const run = await project.preview("--diff");
    expect(await writes(tenant)).toEqual([]);
    return run;
  }

  /** Whether Outlook opens the mailbox by itself, by the person's name. */
  async function automapping(): Promise<Record<string, boolean>> {
    const recipients = Object.values(await tenant.rows<Recipient>("recipients"));
    const permissions = Object.values(await tenant.rows<Permission>("permissions"));
    return Object.fromEntries(
      permissions.flatMap(({ kind, mailbox, sid, isInherited, autoMapping }) => {
        const person = recipients.find((one) => one.sid === sid);
        return kind === "mailbox" && mailbox === support.guid && !isInherited && person !== undefined
          ? [[person.displayName, autoMapping]]
          : [];
      }),
    );
  }

  beforeAll(async () => {
    tenant = await startTenant();
    project = await createProject(program(), { config: { ...tenant.config, "mailboxes:settleTimeout": "20s" } });
  });

  afterAll(async () => {
    project.remove();
    await tenant.remove();
  });

  // Each step builds on the tenant and the state that the one before it left.

  test("a person's mailbox is converted: the same account, blocked, with its licence", async () => {
    const person = await mailboxWith(tenant, "radia@contoso.com");
    const account = await accountOf(tenant, person);
    expect(person.recipientTypeDetails).toBe("UserMailbox");
    expect(account).toMatchObject({ accountEnabled: true, assignedLicenses: [expect.anything()] });

    const { summary } = await up();
    expect(summary).toEqual({ create: 5 });
    const converted = await mailboxWith(tenant, "radia@contoso.com");
    expect(converted).toMatchObject({ guid: person.guid, recipientTypeDetails: "SharedMailbox" });
    expect(await accountOf(tenant, converted)).toMatchObject({
      accountEnabled: false,
      assignedLicenses: account?.assignedLicenses,
    });
    support = await mailboxWith(tenant, "support@contoso.com");
    scratchId = (await mailboxWith(tenant, "scratch@contoso.com")).externalDirectoryObjectId;
  });

  test("a stranger in an exclusive mailbox is named by address, and up removes exactly that one", async () => {
    const alan = { Identity: "support@contoso.com", Confirm: false };
    await tenant.exchange("Add-MailboxPermission", { ...alan, User: "alan@contoso.com", AccessRights: ["FullAccess"] });
    await tenant.exchange("Add-RecipientPermission", {
      ...alan,
      Trustee: "alan@contoso.com",
      AccessRights: ["SendAs"],
    });

    const refresh = await project.refresh();
    expect(changed(refresh)).toEqual({ "support-members": { 'members["alan@contoso.com"]': "add" } });
    const shown = await preview();
    expect(changed(shown)).toEqual({ "support-members": { 'members["alan@contoso.com"]': "delete" } });
    expect(shown.stdout).toMatch(/~ members\s*: \{\n\s+- alan@contoso\.com: \{/);

    const { written } = await up();
    expect(written).toEqual(["exchange Remove-MailboxPermission", "exchange Remove-RecipientPermission"]);
    expect(await rightsOn(tenant, "support@contoso.com")).toEqual({
      "ada@contoso.com": both,
      "grace@contoso.com": both,
    });
  });

  const members = { ...MEMBERS, "grace@contoso.com": { automapping: false } };

  test("automapping and a property that leaves the program are shown, and then written", async () => {
    expect((await automapping())["Grace Hopper"]).toBe(true);
    const declared = { support: WITHOUT_MAIL_TIP, members };
    const shown = await preview(declared);
    expect(changed(shown)).toEqual({
      support: { mailTip: "delete" },
      "support-members": { 'members["grace@contoso.com"].automapping': "update" },
    });
    expect(shown.stdout).toMatch(/- mailTip\s*: "Answered within a day"/);
    expect(shown.stdout).toMatch(/~ grace@contoso\.com: \{\n\s+~ automapping: true => false/);

    const { written } = await up(declared);
    expect(written).toEqual([
      "exchange Add-MailboxPermission",
      "exchange Remove-MailboxPermission",
      "exchange Set-Mailbox",
    ]);
    expect(await automapping()).toEqual({ "Ada Lovelace": true, "Grace Hopper": false });
    expect(await rightsOn(tenant, "support@contoso.com")).toMatchObject({ "grace@contoso.com": both });
    // Exchange's default, and the neighbours as they were.
    expect(await mailboxWith(tenant, "support@contoso.com")).toMatchObject({
      hiddenFromAddressListsEnabled: true,
      mailbox: { mailTip: null },
    });
  });

  test("a quota that needs a licence is refused in preview, with its path and the licences that suffice", async () => {
    const quota = { issueWarning: "58 GB", prohibitSend: "59 GB", prohibitSendReceive: "60 GB" };
    const { exitCode, diagnostics } = await preview({ support: { ...WITHOUT_MAIL_TIP, quota }, members });
    expect(exitCode).not.toBe(0);
    expect(diagnostics.map(({ message }) => message).join("\n")).toMatch(/quota: .*EXCHANGEENTERPRISE/);
  });

  test("deletion leaves one mailbox recoverable, and of the purged one neither mailbox nor account", async () => {
    await tenant.deliver({ from: "ada@contoso.com", to: "support@contoso.com", subject: "Keep me" });
    const { summary } = await up({ support: null, scratch: false });
    expect(summary).toEqual({ delete: 3, same: 2 });

    const [deleted] = await mailboxesWith(tenant, "support@contoso.com");
    expect(deleted?.mailbox?.whenSoftDeleted).toEqual(expect.any(String));
    expect(await mailboxesWith(tenant, "scratch@contoso.com")).toEqual([]);
    const softDeleted = await tenant.exchange("Get-Mailbox", { SoftDeletedMailbox: true, ResultSize: "Unlimited" });
    expect(softDeleted.map(({ DisplayName }) => DisplayName)).toEqual(["Contoso Support"]);
    const users = await tenant.graph<{ value: { id: string }[] }>(
      "GET",
      "/directory/deletedItems/microsoft.graph.user",
    );
    const ids = users.value.map(({ id }) => id);
    expect(ids).toContain(support.externalDirectoryObjectId);
    expect(ids).not.toContain(scratchId);
    expect(Object.keys(await tenant.rows("users"))).not.toContain(scratchId);
  });

  test("declared again with restoreDeleted, the mailbox is the same one, with mail and settings", async () => {
    const again = {
      support: { displayName: "Contoso Support", hiddenFromAddressLists: true, restoreDeleted: true },
      members: { "grace@contoso.com": {} },
      scratch: false,
    };
    const { summary } = await up(again);
    expect(summary).toEqual({ create: 2, same: 2 });
    const restored = await mailboxWith(tenant, "support@contoso.com");
    expect(restored).toMatchObject({
      externalDirectoryObjectId: support.externalDirectoryObjectId,
      hiddenFromAddressListsEnabled: true,
      mailbox: { exchangeGuid: support.mailbox?.exchangeGuid, whenSoftDeleted: null },
    });
    expect(await mailboxesWith(tenant, "support@contoso.com")).toHaveLength(1);
    const messages = Object.values(await tenant.rows<Message>("messages"));
    expect(
      messages.filter(({ mailbox }) => mailbox === support.externalDirectoryObjectId).map(({ subject }) => subject),
    ).toEqual(["Keep me"]);
    const settings = await tenant.rows<MailboxSettings>("mailboxSettings");
    expect(settings[support.externalDirectoryObjectId]?.automaticReplies).toMatchObject({
      status: "alwaysEnabled",
      internalReplyMessage: expect.stringContaining("We read you."),
    });
    expect(await rightsOn(tenant, "support@contoso.com")).toEqual({ "grace@contoso.com": both });

    expect(await project.preview("--refresh")).toMatchObject({ exitCode: 0, changes: [] });
  });
});
