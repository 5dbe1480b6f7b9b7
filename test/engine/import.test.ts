import { createProject, type Project, type Run, type ServedTenant, startTenant } from "./harness";
import {
  forwardMailboxes,
  individualRecord,
  mailboxesWith,
  mailboxWith,
  queues,
  rightsOn,
  rulesIn,
  writes,
} from "./view";

const program = `
import { ForwardingMailbox, IndividualMailbox, MailboxMembership, Queue, SharedMailbox } from "pulumi-mailboxes";
const orders = new SharedMailbox("orders", { displayName: "Contoso Orders", primarySmtpAddress: "orders@contoso.com" });
new MailboxMembership("orders-members", { mailbox: orders.id, members: { "ada@contoso.com": {}, "grace@contoso.com": { sendAs: false } } });
new ForwardingMailbox("intake", { name: "Old intake", emailAddress: "intake@contoso.com", sources: ["orders@contoso.com"] });
new Queue("sales", { name: "Sales", emailAddress: "sales@contoso.com", incomingEmail: "ServerSideSynchronization" });
new IndividualMailbox("ada", { user: "ada@contoso.com", outgoingEmail: "ServerSideSynchronization" });
`;

const stack = "urn:pulumi:dev::test";

/** A resource as it stands in an import file: what the program declares, and what of it the provider must know. */
function imported(
  kind: string,
  name: string,
  id: string,
  inputs: Record<string, unknown>,
  more: Record<string, unknown>,
) {
  const type = `pulumi-nodejs:dynamic/mailboxes:${kind}`;
  const hidden = {
    __provider: `exports.handler=()=>require("pulumi-mailboxes/provider").dynamicProvider("${kind}")`,
    __origin: `${stack}::${type}::${name}`,
  };
  return { type, name, id, inputs: { ...inputs, ...hidden }, outputs: { ...inputs, ...hidden, ...more } };
}

function changes({ changes: steps }: Run): unknown[] {
  return steps.map(({ op, name, detailedDiff }) => ({ op, name, detailedDiff }));
}

describe("what somebody made by hand", () => {
  let tenant: ServedTenant;
  let project: Project;

  beforeAll(async () => {
    tenant = await startTenant();
    project = await createProject(program, { config: { ...tenant.config, "mailboxes:settleTimeout": "20s" } });
  });

  afterAll(async () => {
    project.remove();
    await tenant.remove();
  });

  test("is imported from a file, needs no change, and is not deleted with the stack", async () => {
    for (const [name, address] of [
      ["Contoso Orders", "orders@contoso.com"],
      ["Old intake", "intake@contoso.com"],
    ]) {
      await tenant.exchange("New-Mailbox", {
        Shared: true,
        Name: name,
        DisplayName: name,
        Alias: address?.split("@")[0],
        PrimarySmtpAddress: address,
      });
    }
    const { externalDirectoryObjectId: id } = await mailboxWith(tenant, "orders@contoso.com");
    await tenant.graph("PATCH", `/users/${id}`, { accountEnabled: false });
    const grant = { Identity: id, AccessRights: ["FullAccess"] };
    await tenant.exchange("Add-MailboxPermission", { ...grant, User: "ada@contoso.com", InheritanceType: "All" });
    await tenant.exchange("Add-MailboxPermission", { ...grant, User: "grace@contoso.com", InheritanceType: "All" });
    await tenant.exchange("Add-RecipientPermission", {
      Identity: id,
      Trustee: "ada@contoso.com",
      AccessRights: ["SendAs"],
      Confirm: false,
    });
    await tenant.graph("POST", `/users/${id}/mailFolders/inbox/messageRules`, {
      displayName: "Dynamics 365 forward mailbox: Old intake",
      sequence: 1,
      isEnabled: true,
      actions: { forwardAsAttachmentTo: [{ emailAddress: { address: "intake@contoso.com" } }] },
    });
    const rowId = "5a1e5000-0000-4000-8000-000000000001";
    await tenant.dataverse("PATCH", `/mailboxes(${rowId})`, {
      name: "Old intake",
      emailaddress: "intake@contoso.com",
      incomingemaildeliverymethod: 2,
      outgoingemaildeliverymethod: 0,
      actdeliverymethod: 2,
    });
    const [sales] = await queues(tenant, "sales@contoso.com");
    const salesQueue = sales?.queueid ?? "";
    const adasRecord = await individualRecord(tenant, "ada@contoso.com");
    await tenant.clearRequests();

    const rights = { fullAccess: true, sendAs: true, sendOnBehalf: false, automapping: true };
    const { tenantId } = tenant;
    const run = await project.importFile({
      resources: [
        imported(
          "SharedMailbox",
          "orders",
          id,
          { displayName: "Contoso Orders", primarySmtpAddress: "orders@contoso.com", signInBlocked: true },
          { tenantId },
        ),
        imported(
          "MailboxMembership",
          "orders-members",
          id,
          { mailbox: id, members: { "ada@contoso.com": rights, "grace@contoso.com": { ...rights, sendAs: false } } },
          { tenantId, mailboxId: id },
        ),
        imported(
          "ForwardingMailbox",
          "intake",
          rowId,
          {
            name: "Old intake",
            emailAddress: "intake@contoso.com",
            sources: { "orders@contoso.com": {} },
          },
          { tenantId },
        ),
        imported(
          "Queue",
          "sales",
          salesQueue,
          { name: "Sales", emailAddress: "sales@contoso.com", incomingEmail: "ServerSideSynchronization" },
          { tenantId },
        ),
        imported(
          "IndividualMailbox",
          "ada",
          adasRecord?.mailboxid ?? "",
          { user: "ada@contoso.com", outgoingEmail: "ServerSideSynchronization" },
          { tenantId },
        ),
      ],
    });
    expect(run.diagnostics.filter(({ severity }) => severity === "error")).toEqual([]);
    expect(run).toMatchObject({ exitCode: 0, summary: { import: 5 } });

    const preview = await project.preview();
    expect(preview.changes).toEqual([]);
    expect(preview.summary).toEqual({ same: 6 });

    // What the file left out is read: nothing that is declared turns out to be different.
    const refresh = await project.refresh();
    expect({ exitCode: refresh.exitCode, changes: changes(refresh) }).toEqual({ exitCode: 0, changes: [] });
    expect((await project.resource("orders-members"))?.outputs).toMatchObject({
      memberIds: { "ada@contoso.com": expect.any(String), "grace@contoso.com": expect.any(String) },
    });
    expect((await project.preview()).changes).toEqual([]);
    expect(await writes(tenant)).toEqual([]);

    expect(await project.up()).toMatchObject({ exitCode: 0 });
    const destroyed = await project.destroy();
    expect(destroyed).toMatchObject({ exitCode: 0 });
    expect(destroyed.diagnostics.map(({ message }) => message).join()).toContain(
      "orders@contoso.com stays in the tenant",
    );
    const [orders, ...others] = await mailboxesWith(tenant, "orders@contoso.com");
    expect(others).toEqual([]);
    expect(orders?.mailbox?.whenSoftDeleted).toBeNull();
    expect(await rightsOn(tenant, "orders@contoso.com")).toEqual({});
    expect(await forwardMailboxes(tenant)).toHaveLength(1);
    expect(await rulesIn(tenant, "orders@contoso.com")).toEqual([]);
    expect(await queues(tenant, "sales@contoso.com")).toHaveLength(1);
    expect(await individualRecord(tenant, "ada@contoso.com")).toMatchObject({ outgoingemaildeliverymethod: 2 });
  });
});
