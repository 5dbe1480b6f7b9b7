import { recordId, rows, sales, seeded, userId } from "./dataverse-rows";
import { failure, type Row, startWorld, type World, withMailbox } from "./harness";

const SUPPORT = "support@contoso.com";
const OF_MAILBOX = [
  "displayName",
  "primarySmtpAddress",
  "alias",
  "emailAliases",
  "signInBlocked",
  "hiddenFromAddressLists",
  "forwarding",
  "automaticReplies",
  "regional",
  "mailTip",
  "customAttributes",
  "copySentItems",
  "quota",
  "maxSendSize",
  "litigationHold",
  "archive",
  "license",
  "created",
  "userPrincipalName",
  "holds",
  "size",
  "itemCount",
  "valuesBefore",
  "accountEnabled",
  "tenantId",
];
const OF_MEMBERSHIP = ["mailbox", "members", "exclusive", "mailboxId", "mailboxAddresses", "memberIds", "otherMembers"];
const OF_RECORD = [
  "emailAddress",
  "serverProfile",
  "incomingEmail",
  "outgoingEmail",
  "emailApproval",
  "isForwardMailbox",
  "regarding",
  "organizationId",
  "tenantId",
];

/** What a `get` fails with. */
const refusal = (world: World, kind: Parameters<World["resource"]>[0], asked: string): Promise<string> =>
  failure(world.resource(kind, "seen").get(asked, []));

/** Every way to read without a write. */
async function expectNothingWritten(world: World): Promise<void> {
  expect(await world.writes()).toEqual([]);
}

describe("a shared mailbox", () => {
  test.each(["its id", "its address", "another spelling", "a further address"])(
    "is read by %s, with every property, and not touched",
    async (by) => {
      const { world, id } = await withMailbox();
      await world.exchange("Set-Mailbox", {
        Identity: id,
        EmailAddresses: { "@odata.type": "#Exchange.GenericHashTable", Add: ["smtp:help@contoso.com"] },
        CustomAttribute3: "Blue",
        MailTip: "Answers in a day",
        HiddenFromAddressListsEnabled: true,
      });
      await world.exchange("Set-MailboxAutoReplyConfiguration", {
        Identity: id,
        AutoReplyState: "Enabled",
        InternalMessage: "Soon",
        ExternalMessage: "Soon",
      });
      await world.writes();
      const asked = { "its id": id, "its address": SUPPORT, "another spelling": " Support@Contoso.com " }[by];
      const seen = await world.resource("SharedMailbox", "seen").get(asked ?? "help@contoso.com", OF_MAILBOX);
      expect(seen.id).toBe(id);
      expect(Object.keys(seen.outputs).filter((name) => !name.startsWith("__"))).toEqual(OF_MAILBOX);
      expect(seen.outputs).toMatchObject({
        displayName: "Support",
        primarySmtpAddress: SUPPORT,
        emailAliases: ["help@contoso.com"],
        signInBlocked: true,
        accountEnabled: false,
        hiddenFromAddressLists: true,
        forwarding: null,
        automaticReplies: { status: "alwaysEnabled", internalMessage: "Soon", externalMessage: "Soon" },
        customAttributes: { 3: "Blue" },
        copySentItems: { sentAs: false, sentOnBehalf: false },
        quota: { prohibitSendReceive: "50 GB" },
        litigationHold: false,
        archive: false,
        license: null,
        created: false,
        userPrincipalName: expect.stringContaining("@contoso"),
        holds: [],
        size: expect.any(Number),
        itemCount: 0,
        tenantId: world.tenantId,
      });
      expect(seen.outputs.mailTip).toContain("Answers in a day");
      await expectNothingWritten(world);
      expect(await seen.refresh()).toEqual({});
      expect(world.warnings).toEqual([]);
    },
  );

  test("names what was asked for where there is none, and what else is there", async () => {
    const { world, id } = await withMailbox();
    expect(await refusal(world, "SharedMailbox", "nobody@contoso.com")).toBe(
      'SharedMailbox.get(…, "nobody@contoso.com"): nobody in the tenant has this address, sign-in name or id. Nothing was changed.',
    );
    const nobody = "00000000-1111-4222-8333-444444444444";
    expect(await refusal(world, "SharedMailbox", nobody)).toContain(`"${nobody}"): nobody in the tenant`);
    expect(await refusal(world, "SharedMailbox", "ada@contoso.com")).toMatch(
      /it is the user mailbox "Ada Lovelace" \(ada@contoso\.com\), not a shared mailbox/,
    );
    expect(await refusal(world, "SharedMailbox", "  ")).toContain("not told what to read");
    await world.graph("DELETE", `/users/${id}`);
    expect(await refusal(world, "SharedMailbox", id)).toContain(`recycle bin (id ${id})`);
  });

  test("is refused with both where a text means two", async () => {
    const { world, id } = await withMailbox();
    const ada = await world.graph("GET", "/users/ada@contoso.com");
    await world.control("PATCH", `state/users/${String(ada?.id)}`, { userPrincipalName: SUPPORT });
    await world.patchRecipient("ada@contoso.com", { mailbox: { userPrincipalName: SUPPORT } });
    const reason = await refusal(world, "SharedMailbox", SUPPORT);
    expect(reason).toContain(`"Support" (${SUPPORT}) with id ${id}`);
    expect(reason).toContain(`"Ada Lovelace" (ada@contoso.com) with id ${String(ada?.id)}`);
    expect((await world.resource("SharedMailbox", "seen").get(id, [])).id).toBe(id);
  });

  test("is gone from the state at a refresh after somebody deleted it", async () => {
    const { world, id } = await withMailbox();
    const seen = await world.resource("SharedMailbox", "seen").get(SUPPORT, OF_MAILBOX);
    await world.exchange("Remove-Mailbox", { Identity: id });
    expect(await seen.refresh()).toBe("gone");
  });

  test("declares nothing: what another resource owns is still deleted, and counted once", async () => {
    const world = await startWorld({ config: { maxMailboxDeletes: "1" } });
    const program = { displayName: "Support", primarySmtpAddress: SUPPORT };
    const owner = await world.resource("SharedMailbox", "support").up(program);
    await world.together(async () => {
      await world.resource("SharedMailbox", "seen").get(SUPPORT, OF_MAILBOX);
      await owner.destroy();
    });
    expect(await refusal(world, "SharedMailbox", SUPPORT)).toContain("recycle bin");
  });

  test("stays where its own declaration became a get, which the engine takes for a replacement", async () => {
    const world = await startWorld();
    const program = { displayName: "Support", primarySmtpAddress: SUPPORT };
    const owner = await world.resource("SharedMailbox", "support").up(program);
    const { id } = owner;
    await world.writes();
    await world.together(async () => {
      await world.resource("SharedMailbox", "support").get(SUPPORT, OF_MAILBOX);
      await owner.destroy();
    });
    await expectNothingWritten(world);
    expect(world.warnings).toEqual([expect.stringContaining("it stays in the tenant as it is")]);
    expect((await world.resource("SharedMailbox", "support").get(id, [])).id).toBe(id);
  });

  test("says which right is missing for what it cannot fill", async () => {
    const { world } = await withMailbox();
    await world.fault({
      service: "exchange",
      cmdlet: "Get-MailboxStatistics",
      times: "always",
      answer: { status: 403, body: {} },
    });
    const seen = await world.resource("SharedMailbox", "seen").get(SUPPORT, OF_MAILBOX);
    expect(seen.outputs).toMatchObject({ displayName: "Support", size: null });
    expect(world.warnings).toEqual([expect.stringContaining(`not filled in: size and itemCount of ${SUPPORT}`)]);
  });
});

describe("a membership", () => {
  test("is read with everybody, by address or id of the mailbox", async () => {
    const { world, id, membership } = await withMailbox();
    await membership.up({ mailbox: id, members: { "ada@contoso.com": {}, "grace@contoso.com": { sendAs: false } } });
    await world.exchange("Set-Mailbox", {
      Identity: id,
      GrantSendOnBehalfTo: { "@odata.type": "#Exchange.GenericHashTable", Add: ["alan@contoso.com"] },
    });
    await world.writes();
    for (const asked of [id, SUPPORT]) {
      const seen = await world.resource("MailboxMembership", "seen").get(asked, OF_MEMBERSHIP);
      expect(seen.id).toBe(id);
      expect(seen.outputs).toMatchObject({
        mailbox: id,
        mailboxId: id,
        mailboxAddresses: expect.arrayContaining([SUPPORT]),
        exclusive: false,
        members: {
          "ada@contoso.com": { fullAccess: true, sendAs: true, sendOnBehalf: false },
          "alan@contoso.com": { fullAccess: false, sendAs: false, sendOnBehalf: true },
          "grace@contoso.com": { fullAccess: true, sendAs: false, sendOnBehalf: false },
        },
      });
      expect(Object.keys(seen.outputs.memberIds as Row).sort()).toEqual([
        "ada@contoso.com",
        "alan@contoso.com",
        "grace@contoso.com",
      ]);
      expect(await seen.refresh()).toEqual({});
    }
    await expectNothingWritten(world);
  });

  test("is refused where there is no mailbox", async () => {
    const { world } = await withMailbox();
    expect(await refusal(world, "MailboxMembership", "nobody@contoso.com")).toContain(
      'MailboxMembership.get(…, "nobody@contoso.com"): nobody in the tenant',
    );
    expect(await refusal(world, "MailboxMembership", "support-team@contoso.com")).toMatch(
      /it is the mail-enabled security group "Support Team" .*, which has no mailbox/,
    );
  });
});

describe("records of Dynamics", () => {
  test("a forward mailbox is read by id and address", async () => {
    const { world } = await withMailbox();
    const made = await world
      .resource("ForwardingMailbox", "intake")
      .up({ name: "Intake", emailAddress: SUPPORT, sources: ["ada@contoso.com"], deleteAfterProcessing: true });
    await world.writes();
    const wanted = [...OF_RECORD, "name", "owner", "ownerId", "deleteAfterProcessing", "credentials"];
    wanted.push("sources", "sourceRules", "sourceIds");
    for (const asked of [made.id, "Support@contoso.com"]) {
      const seen = await world.resource("ForwardingMailbox", "seen").get(asked, wanted);
      expect(seen.id).toBe(made.id);
      expect(Object.keys(seen.outputs).filter((name) => !name.startsWith("__"))).toEqual(wanted);
      expect(seen.outputs).toMatchObject({
        name: "Intake",
        emailAddress: SUPPORT,
        isForwardMailbox: true,
        deleteAfterProcessing: true,
        incomingEmail: "ServerSideSynchronization",
        serverProfile: expect.any(String),
        owner: { user: expect.any(String) },
        ownerId: expect.any(String),
        regarding: null,
        sources: { "ada@contoso.com": {} },
        sourceRules: made.outputs.sourceRules,
        sourceIds: made.outputs.sourceIds,
        credentials: null,
        emailApproval: "Approved",
      });
      expect(await seen.refresh()).toEqual({});
    }
    await expectNothingWritten(world);
    expect(await refusal(world, "ForwardingMailbox", "nobody@contoso.com")).toContain("no forward mailbox");
    expect(await refusal(world, "ForwardingMailbox", recordId(1))).toContain("IndividualMailbox.get reads it");
    expect(await refusal(world, "IndividualMailbox", made.id)).toContain(
      "it is the forward mailbox Intake; ForwardingMailbox.get reads it",
    );
    expect(await refusal(world, "IndividualMailbox", SUPPORT)).toContain("ForwardingMailbox.get reads it");
  });

  test("the sources of a forward mailbox are those that can be found: a rule that runs, of somebody on Forward Mailbox", async () => {
    const { world } = await withMailbox();
    const sources = ["ada@contoso.com", "grace@contoso.com", "alan@contoso.com"];
    const made = await world
      .resource("ForwardingMailbox", "intake")
      .up({ name: "Intake", emailAddress: SUPPORT, sources, testAndEnable: false });
    const { value } = (await world.graph("GET", "/users/grace@contoso.com/mailFolders/inbox/messageRules")) as {
      value: { id: string }[];
    };
    await world.graph("PATCH", `/users/grace@contoso.com/mailFolders/inbox/messageRules/${value[0]?.id}`, {
      isEnabled: false,
    });
    const [alan] = await rows(world, "mailboxes", "emailaddress eq 'alan@contoso.com'");
    await world.dataverse("PATCH", `/mailboxes(${alan?.mailboxid})`, { incomingemaildeliverymethod: 0 });
    const seen = await world.resource("ForwardingMailbox", "seen").get(made.id, ["sources", "sourceRules"]);
    expect(seen.outputs.sources).toEqual({ "ada@contoso.com": {} });
    expect(Object.keys(seen.outputs.sourceRules as Row)).toEqual(["ada@contoso.com"]);
  });

  test("two forward mailboxes of one address are both named", async () => {
    const { world } = await withMailbox();
    const ids = await Promise.all(
      ["One", "Two"].map(async (name) => {
        const id = `00000000-aaaa-4000-8000-00000000000${name === "One" ? 1 : 2}`;
        await world.dataverse("PATCH", `/mailboxes(${id})`, { name, emailaddress: SUPPORT, isforwardmailbox: true });
        return id;
      }),
    );
    const reason = await refusal(world, "ForwardingMailbox", SUPPORT);
    expect(reason).toContain("it means the forward mailboxes");
    for (const id of ids) {
      expect(reason).toContain(id);
    }
  });

  test.each([
    ["the record's id", recordId(1)],
    ["the user's address", "Ada@contoso.com"],
    ["the user's id", userId(1)],
  ])("a user's mailbox record is read by %s", async (_by, asked) => {
    const world = await startWorld();
    const seen = await world.resource("IndividualMailbox", "seen").get(asked, [...OF_RECORD, "user", "queue"]);
    expect(seen.id).toBe(recordId(1));
    expect(seen.outputs).toMatchObject({
      user: "ada@contoso.com",
      queue: null,
      regarding: userId(1),
      emailAddress: "ada@contoso.com",
      isForwardMailbox: false,
      organizationId: seeded("d000", 1),
      incomingEmail: expect.any(String),
    });
    expect(await seen.refresh()).toEqual({});
    await expectNothingWritten(world);
  });

  test("a queue's mailbox record is read by the queue", async () => {
    const world = await startWorld();
    for (const asked of [sales.queue, "Sales", sales.record]) {
      const seen = await world.resource("IndividualMailbox", "seen").get(asked, [...OF_RECORD, "user", "queue"]);
      expect(seen.id).toBe(sales.record);
      expect(seen.outputs).toMatchObject({ user: null, queue: sales.queue, regarding: sales.queue });
    }
    const reason = await refusal(world, "IndividualMailbox", "Nobody at all");
    expect(reason).toContain('IndividualMailbox.get(…, "Nobody at all"): no mailbox record');
  });

  test("a user and a queue of one address are both named", async () => {
    const world = await startWorld();
    await world.dataverse("PATCH", `/queues(${sales.queue})`, { emailaddress: "ada@contoso.com" });
    const reason = await refusal(world, "IndividualMailbox", "ada@contoso.com");
    expect(reason).toContain(`the user Ada Lovelace (${userId(1)})`);
    expect(reason).toContain(`the queue Sales (${sales.queue})`);
  });

  test("a queue is read by id, address and name, and refused where several or none fit", async () => {
    const { world } = await withMailbox();
    const made = await world.resource("Queue", "support").up({ name: "Support", emailAddress: SUPPORT });
    await world.writes();
    const wanted = [...OF_RECORD, "name", "owner", "emailFiltering", "mailboxId", "ownerId"];
    for (const asked of [made.id, SUPPORT, "Support"]) {
      const seen = await world.resource("Queue", "seen").get(asked, wanted);
      expect(seen.id).toBe(made.id);
      expect(Object.keys(seen.outputs).filter((name) => !name.startsWith("__"))).toEqual(wanted);
      expect(seen.outputs).toMatchObject({
        name: "Support",
        emailAddress: SUPPORT,
        emailFiltering: "All",
        incomingEmail: expect.any(String),
        owner: { user: expect.any(String) },
        mailboxId: made.outputs.mailboxId,
        regarding: made.id,
      });
      expect(await seen.refresh()).toEqual({});
    }
    await expectNothingWritten(world);
    expect(await refusal(world, "Queue", "None")).toContain(
      'Queue.get(…, "None"): no queue of the Dynamics environment',
    );
    await world.dataverse("PATCH", `/queues(${sales.queue})`, { name: "Support" });
    const reason = await refusal(world, "Queue", "Support");
    expect(reason).toContain(made.id);
    expect(reason).toContain(sales.queue);
  });
});
