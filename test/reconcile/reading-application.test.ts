import { failure, grant, startWorld, type World, withMailbox } from "./harness";

/** Exchange's answer to a cmdlet that no role of the application has. */
const noRole = { status: 403, base64: Buffer.alloc(336).toString("base64") };
/** Graph's answer to a permission that is missing. */
const denied = { status: 403, body: { error: { code: "ErrorAccessDenied", message: "Access is denied." } } };

const refuse = (world: World, rule: Record<string, unknown>) => world.fault({ times: "always", ...rule });
const refuseCmdlet = (world: World, cmdlet: string) => refuse(world, { service: "exchange", cmdlet, answer: noRole });

describe("a refresh by an application that may not read everything", () => {
  test("keeps automatic replies and regional settings that neither service shows, and says so", async () => {
    const world = await startWorld();
    const program = {
      displayName: "Support",
      primarySmtpAddress: "support@contoso.com",
      automaticReplies: { status: "alwaysEnabled", internalMessage: "Away" },
      regional: { language: "da-DK", timeZone: "Europe/Copenhagen" },
    };
    const mailbox = await world.resource("SharedMailbox", "support").up(program);
    await refuse(world, { service: "graph", path: "mailboxSettings", answer: denied });
    await refuseCmdlet(world, "Get-MailboxAutoReplyConfiguration");
    await refuseCmdlet(world, "Get-MailboxRegionalConfiguration");
    await world.exchange("Set-Mailbox", { Identity: mailbox.id, DisplayName: "By hand" });
    world.warnings.length = 0;
    expect(await mailbox.refresh()).toEqual({ displayName: ["Support", "By hand"] });
    expect(world.warnings).toEqual([
      expect.stringMatching(
        /^Not checked, and left as the state has it: automaticReplies, regional of support@contoso\.com\. .*MailboxSettings\.ReadWrite/,
      ),
    ]);
    // What is about to be changed has to be known.
    expect(await failure(mailbox.up({ ...program, automaticReplies: { status: "disabled" } }))).toMatch(
      /Microsoft Graph: .*; Exchange: /,
    );
  });

  test("keeps a licence whose name it may not look up", async () => {
    const world = await startWorld();
    const mailbox = await world.resource("SharedMailbox", "support").up({
      displayName: "Support",
      primarySmtpAddress: "support@contoso.com",
      license: { sku: "EXCHANGEENTERPRISE", usageLocation: "DK" },
    });
    const before = structuredClone(mailbox.outputs);
    await refuse(world, { service: "graph", path: "subscribedSkus", answer: denied });
    expect(await mailbox.refresh()).toEqual({});
    expect(mailbox.outputs).toEqual(before);
    expect(world.warnings.at(-1)).toMatch(/^Not checked, .*: license of support@contoso\.com\./);
  });

  test("keeps the account of a mailbox that Exchange shows, and calls no mailbox gone by Exchange alone", async () => {
    const world = await startWorld();
    const program = { displayName: "Sales", primarySmtpAddress: "sales@contoso.com" };
    const sales = await world.resource("SharedMailbox", "sales").up(program);
    await refuse(world, { service: "graph", path: "/users/", answer: denied });
    expect(await sales.refresh()).toEqual({});
    expect(world.warnings.at(-1)).toMatch(/whether the account .* may sign in\. .*User\.Read\.All/);
    await world.exchange("Remove-Mailbox", { Identity: sales.id, Confirm: false });
    expect(await failure(sales.refresh())).toMatch(/may not ask Entra whether its account is gone too/);
  });

  test("shows Full Access and Send on Behalf as they are where it may not read Send As, and keeps that", async () => {
    const { world, id, membership } = await withMailbox();
    const members = {
      "ada@contoso.com": {},
      "grace@contoso.com": { fullAccess: false, sendAs: true },
      "alan@contoso.com": { sendAs: false, sendOnBehalf: true },
    };
    await membership.up({ mailbox: id, members });
    await grant(world, id, "edsger@contoso.com");
    await refuseCmdlet(world, "Get-RecipientPermission");
    await membership.refresh();
    const { otherMembers, memberIds } = membership.outputs;
    expect(await membership.refresh()).toEqual({});
    expect(membership.outputs).toMatchObject({ otherMembers, memberIds });
    expect(otherMembers).toContain("edsger@contoso.com");
    await world.exchange("Remove-MailboxPermission", {
      Identity: id,
      User: "ada@contoso.com",
      AccessRights: ["FullAccess"],
    });
    expect(await membership.refresh()).toEqual({ "members/ada@contoso.com/fullAccess": [true, false] });
    expect(world.warnings.at(-1)).toMatch(
      /^Not checked, and left as the state has it: who may send as support@contoso\.com\. .*a management role with Get-RecipientPermission: Mail Recipients/,
    );
    expect(world.warnings.at(-1)).not.toMatch(/Exchange\.ManageAsApp|Two grants/);
    expect(await failure(membership.up({ mailbox: id, members: {} }))).toMatch(/who may send as .* 403/);
  });

  test("names a stranger of an exclusive membership by Full Access, and takes nobody for gone", async () => {
    const { world, id, membership } = await withMailbox();
    await membership.up({
      mailbox: id,
      exclusive: true,
      members: { "ada@contoso.com": { fullAccess: false, sendAs: true } },
    });
    await grant(world, id, "edsger@contoso.com");
    await refuseCmdlet(world, "Get-RecipientPermission");
    expect(Object.keys(await membership.refresh()).every((path) => path.startsWith("members/edsger@contoso.com"))).toBe(
      true,
    );
  });

  test("forgets no member who is deleted and may hold what it may not read", async () => {
    const { world, id, membership } = await withMailbox();
    await membership.up({
      mailbox: id,
      members: { "ada@contoso.com": { fullAccess: false, sendAs: true }, "grace@contoso.com": {} },
    });
    const { memberIds } = membership.outputs;
    await world.graph("DELETE", "/users/ada@contoso.com");
    await refuseCmdlet(world, "Get-RecipientPermission");
    expect(await membership.refresh()).toEqual({});
    expect(membership.outputs).toMatchObject({
      memberIds,
      deletedMembers: { "ada@contoso.com": (memberIds as Record<string, string>)["ada@contoso.com"] },
    });
  });

  test("keeps the sources of a forward mailbox whose inbox rules it may not read", async () => {
    const { world } = await withMailbox();
    await world
      .resource("SharedMailbox", "collector")
      .up({ displayName: "Collector", primarySmtpAddress: "collector@contoso.com" });
    const forward = await world.resource("ForwardingMailbox", "intake").up({
      name: "Intake",
      emailAddress: "collector@contoso.com",
      sources: ["support@contoso.com"],
    });
    const { sourceRules } = forward.outputs;
    await refuse(world, { service: "graph", path: "messageRules", answer: denied });
    await refuseCmdlet(world, "Get-InboxRule");
    expect(await forward.refresh()).toEqual({});
    expect(forward.outputs.sourceRules).toEqual(sourceRules);
    expect(world.warnings.at(-1)).toMatch(/the inbox rules of sources\["support@contoso\.com"\]\. /);
  });
});
