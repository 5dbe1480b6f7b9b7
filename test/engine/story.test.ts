import { createProject, type Project, type Run, type ServedTenant, startTenant } from "./harness";
import {
  accountOf,
  forwardMailboxes,
  individualRecord,
  mailboxesWith,
  mailboxWith,
  rightsOn,
  rulesIn,
  writes,
} from "./view";

interface Variation {
  address?: string;
  /** Expression for the membership's mailbox. */
  mailbox?: string;
  members?: string[];
}

const program = ({
  address = "support@contoso.com",
  mailbox = "support.id",
  members = ["ada@contoso.com", "grace@contoso.com"],
}: Variation = {}) => `
import { ForwardingMailbox, MailboxMembership, SharedMailbox } from "pulumi-mailboxes";
const support = new SharedMailbox("support", {
  displayName: "Contoso Support",
  primarySmtpAddress: ${JSON.stringify(address)},
});
const collector = new SharedMailbox("collector", {
  displayName: "CRM collector",
  primarySmtpAddress: "forwardmailbox@contoso.com",
  hiddenFromAddressLists: true,
});
new MailboxMembership("support-members", { mailbox: ${mailbox}, members: ${JSON.stringify(members)} });
new ForwardingMailbox("crm-intake", {
  name: "CRM intake",
  emailAddress: collector.primarySmtpAddress,
  deleteAfterProcessing: true,
  sources: ["support@contoso.com", "radia@contoso.com"],
}, { dependsOn: support });
`;

const both = ["FullAccess", "SendAs"];
const FORWARD_MAILBOX = 3;

/** What changes, by resource. */
function changed({ changes }: Run): Record<string, Record<string, string>> {
  return Object.fromEntries(changes.map(({ name, detailedDiff }) => [name, detailedDiff]));
}

function operations({ changes }: Run): string[] {
  return changes.map(({ op, name }) => `${op} ${name}`).sort();
}

describe("the life of two shared mailboxes, their members and a forward mailbox", () => {
  let tenant: ServedTenant;
  let project: Project;
  let supportId: string;
  let formerMethod: number | undefined;

  /** Runs `up` with the program and answers with it and with what it wrote to the tenant. */
  async function up(variation: Variation = {}): Promise<Run & { written: string[] }> {
    project.program(program(variation));
    await tenant.clearRequests();
    const run = await project.up();
    if (run.exitCode !== 0) {
      throw new Error(run.output);
    }
    return { ...run, written: await writes(tenant) };
  }

  beforeAll(async () => {
    tenant = await startTenant();
    project = await createProject(program(), { config: { ...tenant.config, "mailboxes:settleTimeout": "20s" } });
    formerMethod = (await individualRecord(tenant, "radia@contoso.com"))?.incomingemaildeliverymethod;
  });

  afterAll(async () => {
    project.remove();
    await tenant.remove();
  });

  // Each step builds on the tenant and the state that the one before it left: the order is the story.

  test("preview shows four creations and writes nothing", async () => {
    const preview = await project.preview();
    expect(operations(preview)).toEqual([
      "create collector",
      "create crm-intake",
      "create support",
      "create support-members",
    ]);
    expect(await writes(tenant)).toEqual([]);
  });

  test("up makes them", async () => {
    const { exitCode, summary } = await up();
    expect({ exitCode, summary }).toEqual({ exitCode: 0, summary: { create: 5 } });
    const support = await mailboxWith(tenant, "support@contoso.com");
    supportId = support.externalDirectoryObjectId;
    expect(support).toMatchObject({ recipientTypeDetails: "SharedMailbox", displayName: "Contoso Support" });
    expect(await accountOf(tenant, support)).toMatchObject({ accountEnabled: false });
    expect(await rightsOn(tenant, "support@contoso.com")).toEqual({
      "ada@contoso.com": both,
      "grace@contoso.com": both,
    });
    expect(await mailboxWith(tenant, "forwardmailbox@contoso.com")).toMatchObject({
      hiddenFromAddressListsEnabled: true,
    });
    for (const source of ["support@contoso.com", "radia@contoso.com"]) {
      const rules = await rulesIn(tenant, source);
      expect(rules.map(({ actions }) => actions.forwardAsAttachmentTo)).toEqual([
        [{ emailAddress: expect.objectContaining({ address: "forwardmailbox@contoso.com" }) }],
      ]);
    }
    expect(await forwardMailboxes(tenant)).toMatchObject([
      {
        name: "CRM intake",
        emailaddress: "forwardmailbox@contoso.com",
        regardingobjectid: null,
        incomingemailstatus: 1,
      },
    ]);
    expect(await individualRecord(tenant, "radia@contoso.com")).toMatchObject({
      incomingemaildeliverymethod: FORWARD_MAILBOX,
    });
    expect(formerMethod).not.toBe(FORWARD_MAILBOX);
  });

  test("mail to the mailbox arrives in the collecting one, as an attachment", async () => {
    const delivered = await tenant.deliver({ from: "ada@contoso.com", to: "support@contoso.com", subject: "Help" });
    expect(JSON.stringify(delivered)).toContain("forwardmailbox@contoso.com");
  });

  test("a second preview is empty, and a second up writes nothing", async () => {
    const preview = await project.preview("--expect-no-changes");
    expect(preview.exitCode).toBe(0);
    expect(preview.changes).toEqual([]);
    const again = await up();
    expect(again.summary).toEqual({ same: 5 });
    expect(again.written).toEqual([]);
  });

  test("the state holds neither a long provider text nor a secret in clear", async () => {
    const { deployment } = await project.exportState();
    const texts = (deployment.resources ?? []).flatMap(({ inputs, outputs }) => [
      inputs?.__provider,
      outputs?.__provider,
    ]);
    const own = texts.filter((text) => text !== undefined).map(String);
    expect(own).toHaveLength(8);
    expect(own.filter((text) => Buffer.byteLength(text) > 120)).toEqual([]);
    expect(project.stateText()).not.toMatch(/local-tenant-secret|Bearer|eyJ0eXAi|eyJhbGci/);
  });

  test("refresh names exactly what somebody changed by hand", async () => {
    const grace = { Identity: "support@contoso.com", Confirm: false };
    await tenant.exchange("Remove-MailboxPermission", {
      ...grace,
      User: "grace@contoso.com",
      AccessRights: ["FullAccess"],
    });
    await tenant.exchange("Remove-RecipientPermission", {
      ...grace,
      Trustee: "grace@contoso.com",
      AccessRights: ["SendAs"],
    });
    await tenant.exchange("Set-Mailbox", { Identity: "support@contoso.com", DisplayName: "Do not use" });
    const [rule] = await rulesIn(tenant, "support@contoso.com");
    await tenant.graph("DELETE", `/users/${supportId}/mailFolders/inbox/messageRules/${rule?.id}`);
    expect(await rightsOn(tenant, "support@contoso.com")).toEqual({ "ada@contoso.com": both });

    await tenant.clearRequests();
    const refresh = await project.refresh();
    expect(refresh.exitCode).toBe(0);
    expect(changed(refresh)).toEqual({
      support: { displayName: "update" },
      "support-members": { 'members["grace@contoso.com"]': "delete" },
      "crm-intake": { 'sources["support@contoso.com"]': "delete" },
    });
    expect(await writes(tenant)).toEqual([]);
  });

  test("the preview of the repair names the same three, and up makes just these", async () => {
    const repair = {
      support: { displayName: "update" },
      "support-members": { 'members["grace@contoso.com"]': "add" },
      "crm-intake": { 'sources["support@contoso.com"]': "add" },
    };
    const preview = await project.preview();
    expect(changed(preview)).toEqual(repair);

    const repaired = await up();
    expect(changed(repaired)).toEqual(repair);
    expect(repaired.written.sort()).toEqual([
      "exchange Add-MailboxPermission",
      "exchange Add-RecipientPermission",
      "exchange Set-Mailbox",
      `graph POST /v1.0/users/${supportId}/mailFolders/inbox/messageRules`,
    ]);
    expect(await mailboxWith(tenant, "support@contoso.com")).toMatchObject({ displayName: "Contoso Support" });
    expect(await rightsOn(tenant, "support@contoso.com")).toEqual({
      "ada@contoso.com": both,
      "grace@contoso.com": both,
    });
    expect(await rulesIn(tenant, "support@contoso.com")).toHaveLength(1);
    expect((await project.preview("--expect-no-changes")).exitCode).toBe(0);
  });

  const members = ["alan@contoso.com", "ada@contoso.com", "grace@contoso.com"];

  test("a member added is the one difference, wherever the list has it", async () => {
    const run = await up({ members });
    expect(changed(run)).toEqual({ "support-members": { 'members["alan@contoso.com"]': "add" } });
    expect(run.written.sort()).toEqual(["exchange Add-MailboxPermission", "exchange Add-RecipientPermission"]);
    expect(Object.keys(await rightsOn(tenant, "support@contoso.com")).sort()).toEqual(members.toSorted());
  });

  const address = "help@contoso.com";

  test("another address is set in place, and everything that hangs on the mailbox stays", async () => {
    const run = await up({ members, address });
    expect(changed(run)).toEqual({ support: { primarySmtpAddress: "update" } });
    // The sign-in name was the old address and follows it, in a request of its own.
    expect(run.written).toEqual(["exchange Set-Mailbox", "exchange Set-Mailbox"]);
    const support = await mailboxWith(tenant, address);
    expect(support.externalDirectoryObjectId).toBe(supportId);
    expect(support.emailAddresses).toEqual(
      expect.arrayContaining(["SMTP:help@contoso.com", "smtp:support@contoso.com"]),
    );
    expect(Object.keys(await rightsOn(tenant, address)).sort()).toEqual(members.toSorted());
    expect(await rulesIn(tenant, address)).toHaveLength(1);
  });

  test("the same mailbox written in another way is no change", async () => {
    for (const mailbox of ["support.primarySmtpAddress", '"Support@contoso.com"']) {
      const run = await up({ members, address, mailbox });
      expect(run.summary).toEqual({ same: 5 });
      expect(run.written).toEqual([]);
    }
  });

  test("another mailbox replaces the membership: old rights go, new ones come", async () => {
    const run = await up({ members, address, mailbox: "collector.id" });
    expect(operations(run)).toEqual(
      ["create-replacement support-members", "delete-replaced support-members", "replace support-members"].sort(),
    );
    expect(await rightsOn(tenant, address)).toEqual({});
    expect(await rightsOn(tenant, "forwardmailbox@contoso.com")).toEqual(
      Object.fromEntries(members.map((member) => [member, both])),
    );
  });

  test("destroy leaves the mailboxes recoverable and everything else as it was", async () => {
    const destroyed = await project.destroy();
    expect(destroyed.exitCode).toBe(0);
    for (const { message } of destroyed.diagnostics) {
      expect(message).toMatch(
        /^The mailbox .* is deleted and recoverable until \d{4}-\d{2}-\d{2}: |^sources\["radia@contoso.com"\]: the mailbox record of .* is not tested|^mailboxes: \d+ requests, /,
      );
    }
    for (const deleted of [address, "forwardmailbox@contoso.com"]) {
      const [mailbox, ...others] = await mailboxesWith(tenant, deleted);
      expect(others).toEqual([]);
      expect(mailbox?.mailbox?.whenSoftDeleted).toEqual(expect.any(String));
    }
    const { value } = await tenant.graph<{ value: { id: string }[] }>(
      "GET",
      "/directory/deletedItems/microsoft.graph.user",
    );
    expect(value.map(({ id }) => id)).toContain(supportId);
    expect(await forwardMailboxes(tenant)).toEqual([]);
    expect(await rulesIn(tenant, "radia@contoso.com")).toEqual([]);
    expect(await individualRecord(tenant, "radia@contoso.com")).toMatchObject({
      incomingemaildeliverymethod: formerMethod,
    });
    expect((await project.exportState()).deployment.resources ?? []).toEqual([]);
  });
});
