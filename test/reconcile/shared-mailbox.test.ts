import { failure, holders, interruptedCreation, type Resource, type Row, startWorld, type World } from "./harness";

const support = { displayName: "Contoso Support", primarySmtpAddress: "support@contoso.com" };
const ada = "10ca17e4-a001-4000-8000-000000000001";
const grace = "10ca17e4-a001-4000-8000-000000000002";

/** The mailbox as Exchange shows it to anybody, and the one thing of its account that counts. */
async function seen(world: World, identity: string): Promise<Row & { EmailAddresses: string[] }> {
  const [row] = await world.exchange("Get-Mailbox", { Identity: identity });
  const user = await world.graph("GET", `/users/${row?.ExternalDirectoryObjectId}?$select=id,accountEnabled`);
  return { ...row, EmailAddresses: (row?.EmailAddresses ?? []) as string[], accountEnabled: user?.accountEnabled };
}

async function sharedMailboxes(world: World): Promise<Row[]> {
  return world.exchange("Get-Mailbox", { RecipientTypeDetails: "SharedMailbox", ResultSize: "Unlimited" });
}

/** A shared mailbox that somebody else made, by hand. */
async function makeByHand(world: World, address: string, more: Row = {}): Promise<string> {
  const alias = address.split("@")[0];
  const [row] = await world.exchange("New-Mailbox", {
    Shared: true,
    Name: `${alias} by hand`,
    DisplayName: "By hand",
    Alias: alias,
    PrimarySmtpAddress: address,
    ...more,
  });
  return String(row?.ExternalDirectoryObjectId);
}

async function made(world: World, program: Row = support, name = "support"): Promise<Resource> {
  const resource = await world.resource("SharedMailbox", name).up(program);
  await world.writes();
  return resource;
}

/** Runs `work`, and `other` while the next request of `what` is held up. */
async function meanwhile(world: World, what: Row, work: () => Promise<unknown>, other: () => Promise<unknown>) {
  await world.fault({ ...what, delay: 1000 });
  const running = work();
  const isHeld = async () =>
    ((await world.control("GET", "faults")) as unknown as { hit: number }[]).some(({ hit }) => hit > 0);
  for (let isOn = false; !isOn; isOn = await isHeld()) {
    await new Promise(setImmediate);
  }
  await other();
  await running;
}

describe("creation", () => {
  test("of the smallest program makes a shared mailbox whose account cannot sign in", async () => {
    const world = await startWorld();
    const resource = await world.resource("SharedMailbox", "support").up(support);

    expect(await seen(world, resource.id)).toMatchObject({
      DisplayName: "Contoso Support",
      PrimarySmtpAddress: "support@contoso.com",
      RecipientTypeDetails: "SharedMailbox",
      HiddenFromAddressListsEnabled: false,
      accountEnabled: false,
    });
    expect(await world.graph("GET", `/users/${resource.id}?$select=id,signInSessionsValidFromDateTime`)).toMatchObject({
      signInSessionsValidFromDateTime: expect.stringMatching(/^20/),
    });
    expect(resource.outputs).toMatchObject({
      ...support,
      tenantId: world.tenantId,
      recipientTypeDetails: "SharedMailbox",
      accountEnabled: false,
      mailNickname: "support",
      userPrincipalName: "support@contoso.com",
      addresses: expect.arrayContaining(["SMTP:support@contoso.com"]),
    });
    expect(await resource.plan(support)).toEqual([]);
    expect(await resource.refresh()).toEqual({});
    expect(await resource.plan(support)).toEqual([]);
    expect(world.warnings).toEqual([]);
  });

  test("with every input sets them all and is converged then", async () => {
    const world = await startWorld();
    const program = {
      ...support,
      alias: "Support.Desk",
      emailAliases: ["Hjelp@contoso.com", "help@fabrikam.example"],
      signInBlocked: false,
      hiddenFromAddressLists: true,
      forwarding: { to: "ada@contoso.com" },
      deletion: "soft",
    };
    const resource = await world.resource("SharedMailbox", "support").up(program);

    const row = await seen(world, resource.id);
    expect(row).toMatchObject({
      Alias: "Support.Desk",
      HiddenFromAddressListsEnabled: true,
      ForwardingAddress: ada,
      ForwardingSmtpAddress: null,
      DeliverToMailboxAndForward: true,
      accountEnabled: true,
    });
    expect(row.EmailAddresses).toEqual(
      expect.arrayContaining(["SMTP:support@contoso.com", "smtp:hjelp@contoso.com", "smtp:help@fabrikam.example"]),
    );
    expect(await resource.plan(program)).toEqual([]);
    expect(await resource.refresh()).toEqual({});
    expect(await resource.plan(program)).toEqual([]);
  });

  test("of two info@ in two domains does not collide on the initial domain", async () => {
    const world = await startWorld();
    await made(world, { displayName: "Info", primarySmtpAddress: "info@contoso.com" }, "one");
    const second = await made(world, { displayName: "Info", primarySmtpAddress: "info@fabrikam.example" }, "two");
    expect(await seen(world, second.id)).toMatchObject({ PrimarySmtpAddress: "info@fabrikam.example" });
  });

  test("settles where Exchange and Graph show writes late", async () => {
    const world = await startWorld({ settings: { lag: { exchange: 300, graph: 300 } } });
    const resource = await world
      .resource("SharedMailbox", "support")
      .up({ ...support, hiddenFromAddressLists: true, emailAliases: ["help@contoso.com"] });
    expect(await resource.refresh()).toEqual({});
    expect(await sharedMailboxes(world)).toHaveLength(1);
  });

  test("that does not settle in time keeps the mailbox, and the next deployment finishes it", async () => {
    const world = await startWorld({ settings: { lag: { exchange: 600_000 } }, config: { settleTimeout: "0.4s" } });
    const resource = world.resource("SharedMailbox", "support");
    expect(await failure(resource.up(support))).toContain("waited");
    await world.control("PATCH", "settings", { lag: { exchange: 0 } });
    await resource.up(support);
    expect(await sharedMailboxes(world)).toHaveLength(1);
    expect(await resource.refresh()).toEqual({});
  });

  describe("whose answer is lost", () => {
    test.each(["before", "after"])("(closed %s the write) leaves exactly one mailbox", async (close) => {
      const world = await startWorld({ config: { settleTimeout: "2s" } });
      await world.fault({ cmdlet: "New-Mailbox", close });
      const resource = await world.resource("SharedMailbox", "support").up(support);
      expect(await sharedMailboxes(world)).toHaveLength(1);
      expect(await seen(world, resource.id)).toMatchObject({ PrimarySmtpAddress: "support@contoso.com" });
      expect(await world.countOf("New-Mailbox")).toBe(close === "before" ? 2 : 1);
    });

    test("with an alias of the program's own is recognised too, though Exchange renamed it", async () => {
      const world = await startWorld({ config: { settleTimeout: "2s" } });
      await world.fault({ cmdlet: "New-Mailbox", close: "after" });
      await world.resource("SharedMailbox", "support").up({ ...support, alias: "desk" });
      expect(await sharedMailboxes(world)).toHaveLength(1);
      expect(await world.countOf("New-Mailbox")).toBe(1);
    });

    test("for a lasting fault of the directory names it and changes nothing", async () => {
      const world = await startWorld({ config: { settleTimeout: "0.3s" } });
      await world.fault({ cmdlet: "New-Mailbox", times: "always", answer: { status: 500, body: "no" } });
      expect(await failure(world.resource("SharedMailbox", "support").up(support))).toContain(
        "creating shared mailbox support@contoso.com",
      );
      expect(await sharedMailboxes(world)).toHaveLength(0);
    });
  });

  test.each([
    ["Set-Mailbox", { cmdlet: "Set-Mailbox" }],
    ["blocking sign-in", { service: "graph", method: "PATCH" }],
  ])("resumes after a failure of %s with the same mailbox", async (_what, rule) => {
    const world = await startWorld({ settings: { newSharedAccountEnabled: true } });
    const program = { ...support, hiddenFromAddressLists: true, emailAliases: ["help@contoso.com"] };
    const resource = world.resource("SharedMailbox", "support");
    await world.fault({
      ...rule,
      answer: { status: 400, body: { error: { code: "Broken", message: "not this time" } } },
    });
    expect(await failure(resource.up(program))).toContain("not this time");
    const { id } = resource;

    await resource.up(program);
    expect(resource.id).toBe(id);
    expect(await sharedMailboxes(world)).toHaveLength(1);
    expect(await seen(world, id)).toMatchObject({ HiddenFromAddressListsEnabled: true, accountEnabled: false });
    expect(await resource.refresh()).toEqual({});
    await resource.destroy();
    expect(await sharedMailboxes(world)).toHaveLength(0);
  });
});

describe("recognising its own earlier creation", () => {
  const interrupted = (world: World, program: Row = support) =>
    interruptedCreation(world, world.resource("SharedMailbox", "support"), program);
  const hoursOld = (world: World, hours: number) =>
    world.patchRecipient("support@contoso.com", {
      mailbox: { whenMailboxCreated: new Date(Date.now() - hours * 3_600_000).toISOString() },
    });
  const allow = (world: World, id: string) =>
    world.exchange("Add-MailboxPermission", { Identity: id, User: "ada@contoso.com", AccessRights: ["FullAccess"] });

  test.each<[string, Row]>([
    ["as declared already", {}],
    ["as declared already, and would be deleted with this resource", { deletion: "soft" }],
    ["as declared already, and would be purged", { deletion: { mode: "purge" } }],
    ["not as declared yet", { hiddenFromAddressLists: true }],
  ])("continues silently with one that is %s, and has made it", async (_what, more) => {
    const world = await startWorld();
    const id = await interrupted(world);
    const resource = await made(world, { ...support, ...more });
    expect(resource.id).toBe(id);
    expect(resource.outputs.created).toBe(true);
    expect(world.warnings).toEqual([]);
    expect(await resource.refresh()).toEqual({});
    await resource.destroy();
    expect(await sharedMailboxes(world)).toHaveLength(0);
  });

  test.each<[string, Row]>([
    ["", {}],
    [" and would delete it", { deletion: "soft" }],
    [" and would purge it", { deletion: "purge" }],
    [" in another program", { displayName: "Renamed meanwhile", hiddenFromAddressLists: true }],
  ])("one that came to its end is somebody's own, as after `state move`%s", async (_what, more) => {
    const world = await startWorld();
    const first = await made(world);
    await world.writes();
    const message = await failure(made(world, { ...support, ...more }));
    expect(message).toMatch(
      /^primarySmtpAddress: support@contoso\.com belongs to the shared mailbox "Contoso Support"/,
    );
    expect(message).toContain(first.id);
    expect(message).toContain("pulumi state move");
    expect(message).toContain("adopt: true");
    expect(await world.writes()).toEqual([]);
    const second = await made(world, { ...support, adopt: true });
    expect(second.id).toBe(first.id);
    expect(second.outputs.created).toBeUndefined();
    await second.destroy();
    expect(await sharedMailboxes(world)).toHaveLength(1);
    await first.destroy();
    expect(await sharedMailboxes(world)).toHaveLength(0);
  });

  test.each<[string, string, (world: World, id: string) => Promise<unknown>]>([
    ["is hours old", "it was made at 20", (world) => hoursOld(world, 2)],
    [
      "has mail",
      "it holds 1 item",
      (world) => world.control("POST", "deliver", { from: "a@example.com", to: "support@contoso.com", subject: "Hi" }),
    ],
    ["is used by others", "1 trustee may use it", allow],
  ])("does not continue with one that %s", async (_what, why, change) => {
    const world = await startWorld();
    const id = await interrupted(world);
    await change(world, id);
    await world.writes();
    const message = await failure(made(world));
    expect(message).toMatch(/^primarySmtpAddress: support@contoso.com belongs to the shared mailbox/);
    expect(message).toContain("which a deployment of this resource made");
    expect(message).toContain(why);
    expect(message).toContain("pulumi state move");
    expect(await world.writes()).toEqual([]);
    const adopting = await made(world, { ...support, adopt: true });
    expect(adopting.id).toBe(id);
    expect(adopting.outputs.created).toBeUndefined();
  });

  test("not after a day", async () => {
    const world = await startWorld();
    const id = await interrupted(world);
    await world.patchRecipient("support@contoso.com", {
      mailbox: { whenMailboxCreated: new Date(Date.now() - 25 * 3_600_000).toISOString() },
    });
    const message = await failure(made(world));
    expect(message).toContain(id);
    expect(message).toMatch(/^primarySmtpAddress: support@contoso.com belongs to the shared mailbox/);
    expect(message).toContain("adopt: true");
  });

  test("not that of another resource", async () => {
    const world = await startWorld();
    await interrupted(world);
    expect(await failure(made(world, support, "other"))).toContain("support@contoso.com belongs to");
    expect(await sharedMailboxes(world)).toHaveLength(1);
  });
});

describe("adoption", () => {
  const program = { ...support, signInBlocked: true, emailAliases: ["help@contoso.com"], adopt: true };

  test("sets and grants, takes nothing away and says what is surplus", async () => {
    const world = await startWorld();
    const id = await makeByHand(world, "support@contoso.com");
    await world.exchange("Set-Mailbox", {
      Identity: id,
      HiddenFromAddressListsEnabled: true,
      CustomAttribute1: "kept",
      EmailAddresses: { "@odata.type": "#Exchange.GenericHashTable", Add: ["smtp:old@contoso.com"] },
    });

    const resource = await made(world, program);
    expect(resource.id).toBe(id);
    const row = await seen(world, id);
    expect(row).toMatchObject({
      DisplayName: "Contoso Support",
      HiddenFromAddressListsEnabled: true,
      CustomAttribute1: "kept",
      accountEnabled: false,
    });
    expect(row.EmailAddresses).toEqual(expect.arrayContaining(["smtp:help@contoso.com", "smtp:old@contoso.com"]));
    expect(world.warnings.join("\n")).toMatch(/old@contoso\.com.*pulumi up --refresh/);
    expect(world.warnings.join("\n")).toMatch(/displayName.*By hand.*Contoso Support/);

    expect(await resource.plan(program)).toEqual([]);
    expect(await resource.refresh()).toEqual({
      emailAliases: [["help@contoso.com"], ["help@contoso.com", "old@contoso.com"]],
    });
    await resource.up(program);
    expect((await seen(world, id)).EmailAddresses).not.toContain("smtp:old@contoso.com");
  });

  test("names those who have access already and keep it, and where the mail goes", async () => {
    const world = await startWorld();
    const id = await makeByHand(world, "support@contoso.com");
    for (const User of ["grace@contoso.com", "support-team@contoso.com"]) {
      await world.exchange("Add-MailboxPermission", { Identity: id, User, AccessRights: ["FullAccess"] });
    }
    const sendAs = { Identity: id, Trustee: "ada@contoso.com", AccessRights: ["SendAs"], Confirm: false };
    await world.exchange("Add-RecipientPermission", sendAs);
    const onBehalf = { "@odata.type": "#Exchange.GenericHashTable", Add: ["alan@contoso.com", "ada@contoso.com"] };
    const forwarding = { ForwardingSmtpAddress: "outside@adatum.example", DeliverToMailboxAndForward: true };
    await world.exchange("Set-Mailbox", { Identity: id, GrantSendOnBehalfTo: onBehalf, ...forwarding });
    for (const [displayName, action] of [
      ["leak", "redirectTo"],
      ["other leak", "forwardTo"],
    ]) {
      await world.graph("POST", `/users/${id}/mailFolders/inbox/messageRules`, {
        displayName,
        sequence: 1,
        isEnabled: true,
        actions: { [String(action)]: [{ emailAddress: { address: "thief@adatum.example" } }] },
      });
    }
    const resource = world.resource("SharedMailbox", "support");
    await resource.check({ ...support, adopt: true, signInBlocked: true });
    expect(world.warnings.join("\n")).toMatch(
      /everyone who has access .* keeps it.*mailboxes access --address support@contoso\.com/,
    );

    await resource.up({ ...support, adopt: true, signInBlocked: true });
    const words = world.warnings.join("\n");
    expect(words).toContain(
      "These have access and keep it: ada@contoso.com (SendAs, SendOnBehalf), alan@contoso.com (SendOnBehalf), " +
        "grace@contoso.com (FullAccess), support-team@contoso.com (FullAccess).",
    );
    expect(words).toContain("leaves its forwarding to outside@adatum.example as it is");
    expect(words).toContain('leaves its inbox rule "leak" as it is, which forwards to thief@adatum.example');
    expect(words).toContain('leaves its inbox rule "other leak" as it is, which forwards to thief@adatum.example');
    const before = world.warnings.length;
    await resource.up({ ...support, adopt: true, signInBlocked: true, hiddenFromAddressLists: true });
    expect(world.warnings.slice(before).join("\n")).not.toContain("keep it");
  });

  test("says what of it the application may not read", async () => {
    const world = await startWorld();
    await makeByHand(world, "support@contoso.com");
    const refused = { status: 403, body: { error: { code: "ErrorAccessDenied", message: "Access is denied." } } };
    await world.fault({ path: "messageRules", answer: refused, times: "always" });
    await world.fault({ cmdlet: "Get-InboxRule", answer: refused, times: "always" });
    await made(world, { ...support, adopt: true, signInBlocked: true });
    expect(world.warnings.join("\n")).toContain("The inbox rules of support@contoso.com were not read");
  });

  test("of a mailbox that nobody may use says nothing of access, nor does that of one whose members are declared", async () => {
    const world = await startWorld();
    const id = await makeByHand(world, "support@contoso.com");
    const members = await world
      .resource("MailboxMembership", "members")
      .up({ mailbox: id, members: ["ada@contoso.com"] });
    const program = { ...support, adopt: true, signInBlocked: true };
    await world.together(async () => {
      await members.plan({ mailbox: id, members: ["ada@contoso.com"] });
      await world.resource("SharedMailbox", "support").up(program);
    });
    expect(world.warnings.join("\n")).not.toContain("These have access");
  });

  test("of an account that can sign in needs signInBlocked to be written", async () => {
    const world = await startWorld({ settings: { newSharedAccountEnabled: true } });
    const id = await makeByHand(world, "support@contoso.com");
    expect(await failure(made(world, { ...support, adopt: true }))).toContain("signInBlocked");
    expect(await seen(world, id)).toMatchObject({ DisplayName: "By hand", accountEnabled: true });
    await made(world, { ...support, adopt: true, signInBlocked: false });
    expect(await seen(world, id)).toMatchObject({ DisplayName: "Contoso Support", accountEnabled: true });
  });

  test("is not needed, and not done, without adopt", async () => {
    const world = await startWorld();
    const id = await makeByHand(world, "support@contoso.com");
    const message = await failure(made(world));
    expect(message).toContain("By hand");
    expect(message).toContain(id);
    expect(await seen(world, id)).toMatchObject({ DisplayName: "By hand" });
  });

  test("of a person's mailbox is refused, naming the person", async () => {
    const world = await startWorld();
    expect(await failure(made(world, { ...program, primarySmtpAddress: "ada@contoso.com" }))).toMatch(
      /^primarySmtpAddress: ada@contoso\.com belongs to the user mailbox "Ada Lovelace"/,
    );
  });

  test("of a directory-synced mailbox is refused with the reason", async () => {
    const world = await startWorld();
    await makeByHand(world, "support@contoso.com");
    await world.patchRecipient("support@contoso.com", { isDirSynced: true });
    expect(await failure(made(world, program))).toContain("synchronised from an on-premises directory");
  });

  test("an adopted mailbox stays when it leaves the program, with a warning", async () => {
    const world = await startWorld();
    await makeByHand(world, "support@contoso.com");
    const resource = await made(world, program);
    await resource.destroy();
    expect(await sharedMailboxes(world)).toHaveLength(1);
    expect(world.warnings.join("\n")).toContain("stays in the tenant");
  });
});

describe("each input", () => {
  interface Case {
    /** Declared at first, declared then. */
    values: [unknown, unknown];
    /** What Exchange and Graph show for each. */
    rows: [Row, Row];
    /** What they show once the input is gone from the program. */
    without?: Row;
    /** Somebody's change by hand while the first value is declared, and what refresh then says it is. */
    byHand: Row;
    read: unknown;
  }
  const none = { ForwardingAddress: null, ForwardingSmtpAddress: null, DeliverToMailboxAndForward: false };
  const cases: Record<string, Case> = {
    displayName: {
      values: ["Support", "Customer Support"],
      rows: [{ DisplayName: "Support" }, { DisplayName: "Customer Support" }],
      byHand: { DisplayName: "Somebody's" },
      read: "Somebody's",
    },
    alias: {
      values: ["support", "desk"],
      rows: [{ Alias: "support" }, { Alias: "desk" }],
      without: { Alias: "desk" },
      byHand: { Alias: "somebodys" },
      read: "somebodys",
    },
    signInBlocked: {
      values: [true, false],
      rows: [{ accountEnabled: false }, { accountEnabled: true }],
      without: { accountEnabled: false },
      byHand: { AccountDisabled: false },
      read: false,
    },
    hiddenFromAddressLists: {
      values: [false, true],
      rows: [{ HiddenFromAddressListsEnabled: false }, { HiddenFromAddressListsEnabled: true }],
      without: { HiddenFromAddressListsEnabled: false },
      byHand: { HiddenFromAddressListsEnabled: true },
      read: true,
    },
    requireSenderAuthentication: {
      values: [true, false],
      rows: [{ RequireSenderAuthenticationEnabled: true }, { RequireSenderAuthenticationEnabled: false }],
      without: { RequireSenderAuthenticationEnabled: false },
      byHand: { RequireSenderAuthenticationEnabled: false },
      read: false,
    },
    forwarding: {
      values: [{ to: "ada@contoso.com" }, { to: "grace@contoso.com", keepCopy: false }],
      rows: [
        { ForwardingAddress: ada, ForwardingSmtpAddress: null, DeliverToMailboxAndForward: true },
        { ForwardingAddress: grace, ForwardingSmtpAddress: null, DeliverToMailboxAndForward: false },
      ],
      without: none,
      byHand: { ForwardingAddress: null, DeliverToMailboxAndForward: false },
      read: null,
    },
    "forwarding with a second target beside it": {
      values: [{ to: "ada@contoso.com" }, { to: "grace@contoso.com" }],
      rows: [
        { ForwardingAddress: ada, ForwardingSmtpAddress: null, DeliverToMailboxAndForward: true },
        { ForwardingAddress: grace, ForwardingSmtpAddress: null, DeliverToMailboxAndForward: true },
      ],
      without: none,
      byHand: { ForwardingSmtpAddress: "smtp:thief@adatum.example" },
      read: { to: "ada@contoso.com", keepCopy: true, also: "thief@adatum.example" },
    },
    "forwarding to the outside": {
      values: [
        { to: "ada@contoso.com", keepCopy: false },
        { to: "desk@adatum.example", keepCopy: true },
      ],
      rows: [
        { ForwardingAddress: ada, ForwardingSmtpAddress: null, DeliverToMailboxAndForward: false },
        {
          ForwardingAddress: null,
          ForwardingSmtpAddress: "smtp:desk@adatum.example",
          DeliverToMailboxAndForward: true,
        },
      ],
      without: none,
      byHand: { ForwardingAddress: null, ForwardingSmtpAddress: "smtp:desk@adatum.example" },
      read: { to: "desk@adatum.example", keepCopy: false },
    },
  };

  test.each(Object.entries(cases))("%s: set, changed in place, removed", async (title, { values, rows, without }) => {
    const property = title.split(" ")[0] ?? "";
    const world = await startWorld();
    const resource = await made(world, { ...support, [property]: values[0] });
    expect(await seen(world, resource.id)).toMatchObject(rows[0]);

    const changed = { ...support, [property]: values[1] };
    for (const path of await resource.plan(changed)) {
      expect(path.split("/")[0]).toBe(property);
    }
    const { id } = resource;
    await resource.up(changed);
    expect(resource.id).toBe(id);
    expect(await seen(world, id)).toMatchObject(rows[1]);
    expect(await resource.plan(changed)).toEqual([]);
    expect(await resource.refresh()).toEqual({});

    if (without !== undefined) {
      await resource.up(support);
      expect(await seen(world, id)).toMatchObject(without);
      expect(await resource.refresh()).toEqual({});
      expect(await resource.plan(support)).toEqual([]);
    }
  });

  test.each(Object.entries(cases))("%s: changed behind our back, named and repaired", async (title, one) => {
    const property = title.split(" ")[0] ?? "";
    const world = await startWorld();
    const program = { ...support, [property]: one.values[0] };
    const resource = await made(world, program);
    await world.exchange("Set-Mailbox", { Identity: resource.id, ...one.byHand });

    const declared = resource.state?.inputs[property] as Row;
    const drift = await resource.refresh();
    const whole = Object.keys(drift).every((path) => path.split("/")[0] === property);
    expect(whole).toBe(true);
    expect(resource.state?.inputs[property]).toEqual(one.read);
    expect(Object.keys(drift).length).toBeGreaterThan(0);

    await resource.up(program);
    expect(await seen(world, resource.id)).toMatchObject(one.rows[0]);
    expect(await resource.refresh()).toEqual({});
    expect(resource.state?.inputs[property]).toEqual(declared);
  });

  test("emailAliases: exact, changed one by one, read back, gone with the property", async () => {
    const world = await startWorld({ settings: { newMailboxSpoAddress: "always" } });
    const program = (...emailAliases: string[]) => ({ ...support, emailAliases });
    const resource = await made(world, program("help@contoso.com", "hjelp@contoso.com"));
    const { id } = resource;
    const aliases = async () => (await seen(world, id)).EmailAddresses.filter((one) => /smtp:h/.test(one)).sort();

    await resource.up(program("hilfe@contoso.com", "help@contoso.com"));
    expect(await aliases()).toEqual(["smtp:help@contoso.com", "smtp:hilfe@contoso.com"]);
    expect(world.warnings.join("\n")).toContain("emailAliases: mail to hjelp@contoso.com will bounce");

    await world.exchange("Set-Mailbox", {
      Identity: id,
      EmailAddresses: {
        "@odata.type": "#Exchange.GenericHashTable",
        Add: ["smtp:hola@contoso.com"],
        Remove: ["smtp:help@contoso.com"],
      },
    });
    expect(await resource.refresh()).toEqual({
      emailAliases: [
        ["help@contoso.com", "hilfe@contoso.com"],
        ["hilfe@contoso.com", "hola@contoso.com"],
      ],
    });
    await resource.up(program("hilfe@contoso.com", "help@contoso.com"));
    expect(await aliases()).toEqual(["smtp:help@contoso.com", "smtp:hilfe@contoso.com"]);

    await resource.up(support);
    expect(await aliases()).toEqual([]);
    expect(await resource.refresh()).toEqual({});
    expect((await seen(world, id)).EmailAddresses.some((one) => one.startsWith("SPO:"))).toBe(true);
  });

  test.each([["the list"], ["the property"]])(
    "emailAliases: one that is written like the alias goes when %s loses it, one that Exchange keeps stays",
    async (how) => {
      const world = await startWorld();
      const program = { ...support, alias: "desk" };
      const kept = ["desk@contoso.com", "desk@contoso.onmicrosoft.com"];
      const others = ["desk@fabrikam.example", "other@contoso.onmicrosoft.com"];
      const resource = await made(world, { ...program, emailAliases: [...kept, ...others] });
      expect((await seen(world, resource.id)).UserPrincipalName).toBe("desk@contoso.com");
      expect(await resource.refresh()).toEqual({});
      const without = how === "the list" ? { ...program, emailAliases: [] } : program;
      await resource.up(without);
      const { EmailAddresses: addresses } = await seen(world, resource.id);
      expect(addresses).toEqual(expect.arrayContaining(kept.map((one) => `smtp:${one}`)));
      expect(addresses.filter((one) => others.includes(one.slice(5)))).toEqual([]);
      for (const address of kept) {
        expect(world.warnings.join("\n")).toContain(`emailAliases: ${address} stays`);
      }
      expect(await resource.refresh()).toEqual({});
      expect(await resource.plan(without)).toEqual([]);
    },
  );

  test("primarySmtpAddress: an old one that was the sign-in name and is written like the alias goes too", async () => {
    const world = await startWorld();
    const program = { ...support, alias: "support", emailAliases: [] };
    const resource = await made(world, program);
    expect((await seen(world, resource.id)).UserPrincipalName).toBe("support@contoso.com");
    await resource.up({ ...program, primarySmtpAddress: "service@contoso.com" });
    const row = await seen(world, resource.id);
    expect(row.UserPrincipalName).toBe("service@contoso.com");
    expect(row.EmailAddresses).not.toContain("smtp:support@contoso.com");
    expect(world.warnings.join("\n")).toContain("mail to support@contoso.com will bounce");
    expect(await resource.refresh()).toEqual({});
  });

  test("emailAliases: the alias in another domain is drift, in the default and the initial domain Exchange's own", async () => {
    const world = await startWorld();
    const program = { displayName: "Info", primarySmtpAddress: "info@contoso.com", emailAliases: [] };
    const resource = await made(world, program);
    expect(await resource.refresh()).toEqual({});
    await world.exchange("Set-Mailbox", {
      Identity: resource.id,
      EmailAddresses: { "@odata.type": "#Exchange.GenericHashTable", Add: ["smtp:info@fabrikam.example"] },
    });
    expect(await resource.refresh()).toEqual({ emailAliases: [[], ["info@fabrikam.example"]] });
    await resource.up(program);
    expect((await seen(world, resource.id)).EmailAddresses).not.toContain("smtp:info@fabrikam.example");
  });

  test("emailAliases: an order, a case and a repetition are no change", async () => {
    const world = await startWorld();
    const resource = await made(world, { ...support, emailAliases: ["a@contoso.com", "b@contoso.com"] });
    expect(
      await resource.plan({ ...support, emailAliases: ["B@contoso.com", "a@contoso.com", "b@contoso.com"] }),
    ).toEqual([]);
  });

  test("primarySmtpAddress: changed in place, the old address stays while aliases are not declared", async () => {
    const world = await startWorld();
    const resource = await made(world);
    const { id } = resource;
    const moved = { ...support, primarySmtpAddress: "service@contoso.com" };
    expect(await resource.plan(moved)).toEqual(["primarySmtpAddress"]);
    await resource.up(moved);
    const row = await seen(world, id);
    expect(row.PrimarySmtpAddress).toBe("service@contoso.com");
    expect(row.EmailAddresses).toContain("smtp:support@contoso.com");
    expect(await resource.refresh()).toEqual({});
    expect(await resource.plan(moved)).toEqual([]);
    expect(row.UserPrincipalName).toBe("service@contoso.com");
    expect(world.warnings.join("\n")).toContain("The sign-in name followed the primary address");
  });

  test.each([
    [[], false],
    [["support@contoso.com"], true],
  ])("primarySmtpAddress: with the aliases declared %j the old address stays: %s", async (emailAliases, stays) => {
    const world = await startWorld();
    const resource = await made(world, { ...support, emailAliases: [] });
    const moved = { ...support, primarySmtpAddress: "service@contoso.com", emailAliases };
    await resource.up(moved);
    const addresses = (await seen(world, resource.id)).EmailAddresses;
    expect(addresses).toContain("SMTP:service@contoso.com");
    expect(addresses.includes("smtp:support@contoso.com")).toBe(stays);
    expect(await resource.refresh()).toEqual({});
  });

  test("primarySmtpAddress: an address policy needs the full list, and other addresses survive", async () => {
    const world = await startWorld({ settings: { newMailboxSpoAddress: "always" } });
    const resource = await made(world, { ...support, emailAliases: ["help@contoso.com"] });
    await world.patchRecipient("support@contoso.com", { mailbox: { emailAddressPolicyEnabled: true } });
    await resource.up({ ...support, primarySmtpAddress: "service@contoso.com", emailAliases: ["help@contoso.com"] });
    const addresses = (await seen(world, resource.id)).EmailAddresses;
    expect(addresses).toEqual(expect.arrayContaining(["SMTP:service@contoso.com", "smtp:help@contoso.com"]));
    expect(addresses.some((one) => one.startsWith("SPO:"))).toBe(true);
  });

  test.each([
    ["while the write is on its way", false, "Set-Mailbox"],
    ["under an address policy, before the write", true, "Get-Recipient"],
  ])(
    "primarySmtpAddress: with aliases changed too, one that somebody adds %s is not lost",
    async (_when, policy, cmdlet) => {
      const world = await startWorld();
      const resource = await made(world, { ...support, emailAliases: ["help@contoso.com", "old@contoso.com"] });
      await world.patchRecipient("support@contoso.com", { mailbox: { emailAddressPolicyEnabled: policy } });
      const emailAliases = ["help@contoso.com", "new@contoso.com"];
      await meanwhile(
        world,
        { cmdlet },
        () => resource.up({ ...support, primarySmtpAddress: "service@contoso.com", emailAliases }),
        () =>
          world.exchange("Set-Mailbox", {
            Identity: resource.id,
            EmailAddresses: { "@odata.type": "#Exchange.GenericHashTable", Add: ["smtp:late@contoso.com"] },
          }),
      );
      const addresses = (await seen(world, resource.id)).EmailAddresses.filter(
        (one) => !/onmicrosoft|SPO:/.test(one),
      ).sort();
      expect(addresses).toEqual([
        "SMTP:service@contoso.com",
        "smtp:help@contoso.com",
        "smtp:late@contoso.com",
        "smtp:new@contoso.com",
      ]);
      expect(await resource.refresh()).toEqual({
        emailAliases: [emailAliases, ["help@contoso.com", "late@contoso.com", "new@contoso.com"]],
      });
    },
  );

  test("primarySmtpAddress: with aliases changed too, and those refused, the next deployment finishes it", async () => {
    const world = await startWorld();
    const resource = await made(world, { ...support, emailAliases: ["old@contoso.com"] });
    const program = { ...support, primarySmtpAddress: "service@contoso.com", emailAliases: ["new@contoso.com"] };
    const error = { code: "BadRequest", message: "|Microsoft.Exchange.Management.Tasks.ValidationException|no" };
    await world.fault({ cmdlet: "Set-Mailbox", after: 1, answer: { status: 400, body: { error } } });
    await failure(resource.up(program));
    await resource.up(program);
    const addresses = (await seen(world, resource.id)).EmailAddresses.filter(
      (one) => !/onmicrosoft|SPO:/.test(one),
    ).sort();
    expect(addresses).toEqual(["SMTP:service@contoso.com", "smtp:new@contoso.com"]);
    expect((await seen(world, resource.id)).UserPrincipalName).toBe("service@contoso.com");
    expect(await resource.refresh()).toEqual({});
    expect(resource.outputs).not.toHaveProperty("formerSignInName");
  });

  test("primarySmtpAddress: changed by hand, it is named and set again", async () => {
    const world = await startWorld();
    const resource = await made(world);
    await world.exchange("Set-Mailbox", { Identity: resource.id, WindowsEmailAddress: "other@contoso.com" });
    expect(await resource.refresh()).toEqual({ primarySmtpAddress: ["support@contoso.com", "other@contoso.com"] });
    await resource.up(support);
    expect((await seen(world, resource.id)).PrimarySmtpAddress).toBe("support@contoso.com");
  });

  test("an undeclared one is neither written nor reported, and neighbours survive an update", async () => {
    const world = await startWorld();
    const resource = await made(world);
    await world.exchange("Set-Mailbox", {
      Identity: resource.id,
      HiddenFromAddressListsEnabled: true,
      ForwardingAddress: "ada@contoso.com",
      DeliverToMailboxAndForward: true,
      MailTip: "We answer within a day",
      CustomAttribute1: "cost centre 12",
      MessageCopyForSentAsEnabled: true,
      MaxSendSize: "20 MB",
      GrantSendOnBehalfTo: { "@odata.type": "#Exchange.GenericHashTable", Add: ["grace@contoso.com"] },
      EmailAddresses: { "@odata.type": "#Exchange.GenericHashTable", Add: ["smtp:by-hand@contoso.com"] },
    });
    expect(await resource.refresh()).toEqual({});
    const before = await seen(world, resource.id);
    await world.writes();

    await resource.up({ ...support, displayName: "Renamed" });
    expect(await world.writes()).toEqual(["Set-Mailbox"]);
    const strip = ({ WhenChanged: _when, WhenChangedUTC: _utc, ...row }: Row) => row;
    expect(strip(await seen(world, resource.id))).toEqual({ ...strip(before), DisplayName: "Renamed" });
  });

  test("without Graph's right to write accounts, sign-in is blocked through Exchange", async () => {
    const world = await startWorld();
    await world.fault({
      service: "graph",
      method: "PATCH",
      times: "always",
      answer: { status: 403, body: { error: { code: "Authorization_RequestDenied", message: "no" } } },
    });
    const resource = await made(world);
    expect(await seen(world, resource.id)).toMatchObject({ accountEnabled: false });
  });

  test("without any right to write accounts, the error has both services' words and both rights", async () => {
    const world = await startWorld();
    const resource = await made(world);
    const denied = (code: string) => ({ status: 403, body: { error: { code, message: `no, says ${code}` } } });
    await world.fault({
      service: "graph",
      method: "PATCH",
      times: "always",
      answer: denied("Authorization_RequestDenied"),
    });
    await world.fault({ service: "exchange", cmdlet: "Set-Mailbox", times: "always", answer: denied("Forbidden") });
    const said = await failure(resource.up({ ...support, signInBlocked: false }));
    expect(said).toMatch(
      /^allowing sign-in of support@contoso\.com: Microsoft Graph: no, says Auth.*; Exchange: no, says Forb/,
    );
    expect(said).toMatch(/User\.EnableDisableAccount\.All of Microsoft Graph, or in Exchange a management role/);
    expect(await seen(world, resource.id)).toMatchObject({ accountEnabled: false });
  });
});

describe("forwarding", () => {
  test.each([
    ["to itself", { to: "support@contoso.com" }, /^forwarding\.to: is an address of this very mailbox/],
    ["to nobody", { to: "nobody@contoso.com" }, /^forwarding\.to: nobody in the tenant/],
    [
      "outside without a copy",
      { to: "x@adatum.example", keepCopy: false },
      /^forwarding\.keepCopy: false with an outside target.*allowLoss/,
    ],
  ])("%s is refused before anything is changed", async (_what, forwarding, reason) => {
    const world = await startWorld({ config: { settleTimeout: "0.3s" } });
    expect(await failure(world.resource("SharedMailbox", "support").up({ ...support, forwarding }))).toMatch(reason);
    expect(await sharedMailboxes(world)).toEqual([]);
  });

  test("outside without a copy is accepted with allowLoss", async () => {
    const world = await startWorld();
    const program = { ...support, forwarding: { to: "x@adatum.example", keepCopy: false, allowLoss: true } };
    const resource = await made(world, program);
    expect(await seen(world, resource.id)).toMatchObject({
      ForwardingSmtpAddress: "smtp:x@adatum.example",
      DeliverToMailboxAndForward: false,
    });
    expect(await resource.refresh()).toEqual({});
  });

  test("to a contact of the tenant goes by the recipient", async () => {
    const world = await startWorld();
    const program = { ...support, forwarding: { to: "orders@northwind.example" } };
    const resource = await made(world, program);
    expect(await seen(world, resource.id)).toMatchObject({
      ForwardingAddress: "Northwind Traders",
      ForwardingSmtpAddress: null,
    });
    expect(await resource.refresh()).toEqual({});
    expect(await resource.plan(program)).toEqual([]);
  });

  test("in a circle is refused", async () => {
    const world = await startWorld();
    const a = await made(world, { displayName: "A", primarySmtpAddress: "a@contoso.com" }, "a");
    const b = { displayName: "B", primarySmtpAddress: "b@contoso.com", forwarding: { to: "a@contoso.com" } };
    await made(world, b, "b");
    expect(
      await failure(
        a.up({ displayName: "A", primarySmtpAddress: "a@contoso.com", forwarding: { to: "b@contoso.com" } }),
      ),
    ).toMatch(/^forwarding\.to: leads back to this mailbox \(b@contoso\.com → a@contoso\.com\)/);
  });

  test("goes on to the same person under a new address, which is no drift", async () => {
    const world = await startWorld();
    const program = { ...support, forwarding: { to: "ada@contoso.com" } };
    const resource = await made(world, program);
    await world.exchange("Set-Mailbox", { Identity: ada, WindowsEmailAddress: "ada.king@contoso.com" });
    expect(await resource.refresh()).toEqual({});
    expect(await resource.plan(program)).toEqual([]);
    expect(world.warnings.join()).not.toContain("still means");
    // Who reads the program takes it to be the one who has the address by now.
    await world.patchRecipient("ada.king@contoso.com", { emailAddresses: ["SMTP:ada.king@contoso.com"] });
    await world.control("PATCH", `state/users/${ada}`, { userPrincipalName: "ada.king@contoso.com" });
    await world.patchRecipient("alan@contoso.com", {
      emailAddresses: ["SMTP:alan@contoso.com", "smtp:ada@contoso.com"],
    });
    expect(await resource.refresh()).toEqual({});
    expect(world.warnings.at(-1)).toMatch(
      /^forwarding\.to still means .*ada\.king@contoso\.com.*address of .*Alan Turing/,
    );
  });

  test("waits for a recipient that appears late", async () => {
    const world = await startWorld({ settings: { lag: { exchange: 400 } } });
    await makeByHand(world, "queue@contoso.com");
    const resource = await made(world, { ...support, forwarding: { to: "queue@contoso.com" } });
    expect((await seen(world, resource.id)).DeliverToMailboxAndForward).toBe(true);
  });
});

describe("conflicts", () => {
  test.each([
    ["a person", "ada@contoso.com", "Ada Lovelace"],
    ["a group", "support-team@contoso.com", "Support Team"],
    ["a contact", "orders@northwind.example", "accepted domain"],
    ["a domain the tenant does not have", "support@adatum.example", "no accepted domain adatum.example"],
  ])("the primary address of %s is refused, naming it", async (_what, primarySmtpAddress, name) => {
    const world = await startWorld();
    const message = await failure(made(world, { ...support, primarySmtpAddress }));
    expect(message).toMatch(/^primarySmtpAddress: /);
    expect(message).toContain(name);
    expect(await world.countOf("New-Mailbox")).toBe(0);
  });

  test("an alias somebody holds is refused before anything is changed", async () => {
    const world = await startWorld();
    const message = await failure(made(world, { ...support, emailAliases: ["ada@contoso.com"] }));
    expect(message).toMatch(/^emailAliases\[0\]: ada@contoso\.com belongs to the user mailbox "Ada Lovelace"/);
    expect(await sharedMailboxes(world)).toEqual([]);
  });

  test("an address of a deleted account is refused by Exchange and the account is named", async () => {
    const world = await startWorld({ settings: { holdAddresses: true }, config: { settleTimeout: "1s" } });
    const old = await made(world, support, "old");
    await old.destroy();
    const message = await failure(made(world, { ...support, restoreDeleted: false }, "new"));
    expect(message).toMatch(
      /^primarySmtpAddress: support@contoso\.com belongs to the deleted account "Contoso Support"/,
    );
  });

  test("a name that is refused whatever it is is said", async () => {
    const world = await startWorld({ config: { settleTimeout: "0.3s" } });
    await world.fault({
      cmdlet: "New-Mailbox",
      times: "always",
      answer: {
        status: 400,
        body: {
          error: {
            code: "BadRequest",
            message: "Error executing cmdlet",
            details: [
              {
                code: "Context",
                message:
                  'Ex6F9304|Microsoft.Exchange.Configuration.Tasks.ADObjectAlreadyExistsException|The name "support" is already being used. Please try another name.',
              },
            ],
          },
        },
      },
    });
    expect(await failure(made(world))).toContain("already being used");
    expect(await sharedMailboxes(world)).toEqual([]);
  });

  test("the primary address cannot move to one somebody holds", async () => {
    const world = await startWorld();
    const resource = await made(world);
    const message = await failure(resource.up({ ...support, primarySmtpAddress: "grace@contoso.com" }));
    expect(message).toMatch(/^primarySmtpAddress: grace@contoso\.com belongs to/);
    expect(message).toContain("Grace Hopper");
    expect(await seen(world, resource.id)).toMatchObject({ PrimarySmtpAddress: "support@contoso.com" });
    await resource.up(support);
  });
});

describe("absence", () => {
  test("is certain when neither service has it: gone, and made again", async () => {
    const world = await startWorld();
    const resource = await made(world);
    await world.exchange("Remove-Mailbox", { Identity: resource.id, Confirm: false });
    expect(await resource.refresh()).toBe("gone");
  });

  test.each([
    ["Exchange alone says not found", { cmdlet: "Get-Mailbox" }],
    ["Graph alone says not found", { service: "graph", method: "GET", path: "/users/" }],
  ])("is an error when %s", async (_what, rule) => {
    const world = await startWorld();
    const resource = await made(world);
    const notFound =
      "cmdlet" in rule
        ? {
            status: 404,
            body: {
              error: {
                code: "NotFound",
                message:
                  "Error executing request. |Microsoft.Exchange.Configuration.Tasks.ManagementObjectNotFoundException|The operation couldn't be performed because object couldn't be found on server.",
              },
            },
          }
        : { status: 404, body: { error: { code: "Request_ResourceNotFound", message: "does not exist" } } };
    await world.fault({ ...rule, times: "always", answer: notFound });
    const before = structuredClone(resource.state);
    expect(await failure(resource.refresh())).toContain("which is right is not certain");
    expect(resource.state).toEqual(before);
    expect(await failure(resource.up({ ...support, displayName: "New" }))).toContain("not certain");
  });

  test.each([401, 403, 404])("is no conclusion from an answer %i with no meaning", async (status) => {
    const world = await startWorld({ config: { settleTimeout: "0.3s" } });
    const resource = await made(world);
    await world.fault({ service: "exchange", times: "always", answer: { status, base64: "AAAA" } });
    if (status === 404) {
      await world.fault({ service: "graph", times: "always", answer: { status: 403, body: {} } });
    }
    expect(await failure(resource.refresh())).not.toBe("gone");
    expect(resource.state).toBeDefined();
  });

  test("an update of a mailbox that is gone says so and how to go on", async () => {
    const world = await startWorld();
    const resource = await made(world);
    await world.exchange("Remove-Mailbox", { Identity: resource.id, Confirm: false });
    expect(await failure(resource.up({ ...support, displayName: "New" }))).toMatch(/no longer in the tenant.*refresh/);
  });

  test("another mailbox's row is never taken for ours", async () => {
    const world = await startWorld();
    const resource = await made(world);
    await made(world, { displayName: "Other", primarySmtpAddress: "other@contoso.com" }, "other");
    await world.control("PATCH", "settings", { missingIdentity: "everything" });
    await world.exchange("Remove-Mailbox", { Identity: resource.id, Confirm: false });
    expect(await resource.refresh()).toBe("gone");
    expect(await seen(world, "other@contoso.com")).toMatchObject({ DisplayName: "Other" });
  });

  test("deletion of a mailbox that is gone takes no other one where everything is answered", async () => {
    const world = await startWorld();
    const resource = await made(world);
    await made(world, { displayName: "Other", primarySmtpAddress: "other@contoso.com" }, "other");
    await world.control("PATCH", "settings", { missingIdentity: "everything" });
    await world.exchange("Remove-Mailbox", { Identity: resource.id, Confirm: false });
    await resource.destroy();
    expect(await sharedMailboxes(world)).toHaveLength(1);
  });
});

describe("a directory-synced mailbox", () => {
  test("is not changed", async () => {
    const world = await startWorld();
    const resource = await made(world);
    await world.patchRecipient("support@contoso.com", { isDirSynced: true });
    expect(await failure(resource.up({ ...support, displayName: "New" }))).toContain("on-premises");
    expect(await world.writes()).toEqual([]);
  });
});

describe("a write whose answer is lost", () => {
  test.each([
    ["Set-Mailbox", "before", { cmdlet: "Set-Mailbox" }],
    ["Set-Mailbox", "after", { cmdlet: "Set-Mailbox" }],
    ["blocking sign-in", "before", { service: "graph", method: "PATCH" }],
    ["blocking sign-in", "after", { service: "graph", method: "PATCH" }],
  ])("%s (closed %s it happened) is observed and finished", async (_what, close, rule) => {
    const world = await startWorld({ config: { settleTimeout: "1s" } });
    const resource = await made(world, { ...support, signInBlocked: false });
    await world.fault({ ...rule, close });
    await world.writes();
    await resource.up({ ...support, displayName: "After all", signInBlocked: true });
    expect(await seen(world, resource.id)).toMatchObject({ DisplayName: "After all", accountEnabled: false });
    expect(await world.writes()).toContain(`POST /v1.0/users/${resource.id}/revokeSignInSessions`);
    expect(await resource.refresh()).toEqual({});
  });
});

describe("deletion", () => {
  test("soft-deletes the mailbox and its account", async () => {
    const world = await startWorld();
    const resource = await made(world);
    const { id } = resource;
    await resource.destroy();
    expect(await sharedMailboxes(world)).toEqual([]);
    expect(await world.exchange("Get-Mailbox", { SoftDeletedMailbox: true, ResultSize: "Unlimited" })).toMatchObject([
      { ExternalDirectoryObjectId: id },
    ]);
    expect(await world.graph("GET", `/users/${id}`)).toBeUndefined();
    expect(await world.graph("GET", `/directory/deletedItems/${id}`)).toMatchObject({ id });
  });

  test.each(["before", "after"])("whose answer is lost (closed %s it happened) is told as it is", async (close) => {
    const world = await startWorld({ config: { settleTimeout: "0.5s" } });
    const resource = await made(world);
    await world.fault({ cmdlet: "Remove-Mailbox", close });
    if (close === "before") {
      expect(await failure(resource.destroy())).toContain("still there");
      await resource.destroy();
    } else {
      await resource.destroy();
    }
    expect(await sharedMailboxes(world)).toEqual([]);
  });

  test("waits until both services show it", async () => {
    const world = await startWorld({ settings: { lag: { exchange: 300, graph: 300 } } });
    const resource = await made(world);
    await resource.destroy();
    expect(await sharedMailboxes(world)).toEqual([]);
  });

  test("of a mailbox that is gone already is success", async () => {
    const world = await startWorld();
    const resource = await made(world);
    await world.exchange("Remove-Mailbox", { Identity: resource.id, Confirm: false });
    await resource.destroy();
  });

  test("retain leaves the mailbox with a warning", async () => {
    const world = await startWorld();
    const resource = await made(world, { ...support, deletion: "retain" });
    await resource.destroy();
    expect(await sharedMailboxes(world)).toHaveLength(1);
    expect(world.warnings.join("\n")).toContain("stays in the tenant");
  });

  test.each<[string, Row]>([
    ["litigation hold", { litigationHoldEnabled: true }],
    ["in-place hold abc123", { inPlaceHolds: ["abc123"] }],
    ["a retention label", { complianceTagHoldApplied: true }],
    ["a delay hold", { delayHoldApplied: true }],
    ["a delay hold", { delayReleaseHoldApplied: true }],
  ])("under %s is refused, naming it", async (name, mailbox) => {
    const world = await startWorld();
    const resource = await made(world);
    await world.patchRecipient("support@contoso.com", { mailbox });
    const message = await failure(resource.destroy());
    expect(message).toContain(name);
    expect(message).toContain("inactive mailbox");
    expect(await world.writes()).toEqual([]);
  });

  test("is not held up by what is no hold of this mailbox", async () => {
    const world = await startWorld();
    const resource = await made(world);
    await world.patchRecipient("support@contoso.com", { mailbox: { inPlaceHolds: ["-mbxabc", "mbxdef:1"] } });
    await resource.destroy();
    expect(await sharedMailboxes(world)).toEqual([]);
  });

  test("under a hold of the whole organisation is refused", async () => {
    const world = await startWorld();
    const resource = await made(world);
    await world.control("PATCH", "state/organization/organization", { inPlaceHolds: ["mbx9f8e:2"] });
    expect(await failure(resource.destroy())).toContain("the organisation's hold mbx9f8e:2");
  });

  test.each<[string, Row & { mailbox?: Row }]>([
    ["another mailbox behind the account", { mailbox: { exchangeGuid: "00000000-0000-4000-8000-00000000beef" } }],
    ["a person's mailbox by now", { recipientTypeDetails: "UserMailbox" }],
  ])("of %s is refused", async (_what, change) => {
    const world = await startWorld();
    const resource = await made(world);
    await world.patchRecipient("support@contoso.com", change);
    expect(await failure(resource.destroy())).toContain("Nothing was deleted");
    expect(await world.writes()).toEqual([]);
  });

  test("of more mailboxes than one deployment may take away is refused before anything goes, members included", async () => {
    const world = await startWorld({ config: { maxMailboxDeletes: 1 } });
    const boxes: { box: Resource; members: Resource }[] = [];
    for (const name of ["one", "two"]) {
      const box = await made(world, { displayName: name, primarySmtpAddress: `${name}@contoso.com` }, name);
      const members = world.resource("MailboxMembership", `${name}-members`);
      await members.up({ mailbox: box.id, members: { "ada@contoso.com": {} } });
      boxes.push({ box, members });
    }
    await world.control("DELETE", "requests");
    const refused = await world.together(() => Promise.all(boxes.map(({ members }) => failure(members.destroy()))));
    expect(refused).toEqual([
      expect.stringMatching(/^taking away the members of .*: this deployment takes away 2 mailboxes or more/),
      expect.stringMatching(/run the command again with MAILBOXES_MAX_MAILBOX_DELETES=2 in its environment/),
    ]);
    expect(await world.writes()).toEqual([]);
    await world.together(async () => {
      // A membership on its own is the other half of its mailbox, and counts once with it.
      await boxes[0]?.members.destroy();
      await boxes[0]?.box.destroy();
      expect(await failure(boxes[1]?.box.destroy() ?? Promise.resolve())).toContain("takes away 2 mailboxes or more");
    });
    expect(await sharedMailboxes(world)).toHaveLength(1);
    expect(await holders(world, String(boxes[1]?.box.id))).toEqual(["ada@contoso.com"]);
  });

  describe("of mailboxes with and without a membership, which the engine deletes one after the other", () => {
    async function three() {
      const world = await startWorld({ config: { maxMailboxDeletes: 2 } });
      const boxes: Resource[] = [];
      const memberships: Resource[] = [];
      for (const name of ["one", "two", "three"]) {
        const box = await made(world, { displayName: name, primarySmtpAddress: `${name}@contoso.com` }, name);
        boxes.push(box);
        if (name !== "three") {
          const membership = world.resource("MailboxMembership", `${name}-members`);
          memberships.push(await membership.up({ mailbox: box.id, members: { "ada@contoso.com": {} } }));
        }
      }
      await world.writes();
      const destroyed = (resources: Resource[]) => Promise.all(resources.map((one) => failure(one.destroy())));
      return { world, boxes, memberships, destroyed };
    }
    const tooMany = expect.stringContaining("takes away 3 mailboxes or more");

    test("leaves every mailbox where the last of them passes the limit, and says who lost access", async () => {
      const { world, boxes, memberships, destroyed } = await three();
      await world.together(async () => {
        await Promise.all(memberships.map((one) => one.destroy()));
        const refused = await destroyed(boxes);
        expect(refused).toEqual([tooMany, tooMany, tooMany]);
        expect(refused[0]).toContain(
          "It was not deleted. The members that this program declared have lost their access",
        );
        expect(refused[2]).toContain("Nothing of this one was deleted, and nobody lost access to it");
      });
      expect(await sharedMailboxes(world)).toHaveLength(3);
    });

    test("is counted as a whole where a refresh came first", async () => {
      const { world, boxes, memberships, destroyed } = await three();
      await world.together(async () => {
        await Promise.all([...boxes, ...memberships].map((one) => one.refresh()));
        expect(await destroyed(memberships)).toEqual([tooMany, tooMany]);
      });
      expect(await world.writes()).toEqual([]);
      // What stays in the program does not count, nor does what stays in the tenant.
      await world.together(async () => {
        await Promise.all([...boxes, ...memberships].map((one) => one.refresh()));
        await boxes[2]?.up({ displayName: "three", primarySmtpAddress: "three@contoso.com" });
        await Promise.all(memberships.map((one) => one.destroy()));
        await Promise.all(boxes.slice(0, 2).map((one) => one.destroy()));
      });
      expect(await sharedMailboxes(world)).toHaveLength(1);
    });
  });

  test("of another resource that takes up a place of the engine is waited for before they are counted", async () => {
    const world = await startWorld({ config: { maxMailboxDeletes: 1 } });
    const boxes: Resource[] = [];
    for (const name of ["one", "two", "stays"]) {
      boxes.push(await made(world, { displayName: name, primarySmtpAddress: `${name}@contoso.com` }, name));
    }
    const [one, two, stays] = boxes as [Resource, Resource, Resource];
    const other = world.resource("MailboxMembership", "stays-members");
    await other.up({ mailbox: stays.id, members: { "ada@contoso.com": {} } });
    await world.together(async () => {
      await stays.check({ displayName: "stays", primarySmtpAddress: "stays@contoso.com" });
      await stays.plan({ displayName: "stays", primarySmtpAddress: "stays@contoso.com" });
      await world.fault({ cmdlet: "Remove-MailboxPermission", delay: 1_500 });
      // The engine has two places: the second mailbox comes when the slow one is done.
      const first = failure(one.destroy());
      await other.destroy();
      const second = failure(two.destroy());
      expect(await Promise.all([first, second])).toEqual([
        expect.stringContaining("takes away 2 mailboxes or more"),
        expect.stringContaining("takes away 2 mailboxes or more"),
      ]);
    });
    expect(await sharedMailboxes(world)).toHaveLength(3);
  });

  test.each(["declares", "reads"])(
    "of a membership whose mailbox the program %s is no removal of a mailbox",
    async (how) => {
      const world = await startWorld({ config: { maxMailboxDeletes: 0 } });
      const box = await made(world);
      const members = world.resource("MailboxMembership", "members");
      await members.up({ mailbox: box.id, members: { "ada@contoso.com": {} } });
      await world.together(async () => {
        await (how === "declares" ? box.up(support) : world.resource("SharedMailbox", "seen").get(box.id, []));
        await members.destroy();
      });
      expect(await holders(world, String(box.id))).toEqual([]);
    },
  );

  test("is not done while another resource of the deployment declares the mailbox: a rename without an alias", async () => {
    const world = await startWorld();
    const old = await made(world, { ...support, adopt: true, signInBlocked: true, deletion: "soft" }, "old");
    const renamed = world.resource("SharedMailbox", "new");
    await world.together(async () => {
      await renamed.up({ ...support, adopt: true, signInBlocked: true, deletion: "soft" });
      await old.destroy();
    });
    expect(renamed.id).toBeDefined();
    expect(await sharedMailboxes(world)).toHaveLength(1);
    expect(world.warnings.join("\n")).toContain('stays: the SharedMailbox "new" declares it');
  });
});

test("another tenant than the state's is an error, never gone or changed", async () => {
  const world = await startWorld();
  const resource = await made(world);
  if (resource.state !== undefined) {
    resource.state.outputs.tenantId = "00000000-0000-4000-8000-00000000aaaa";
  }
  for (const attempt of [
    () => resource.refresh(),
    () => resource.up({ ...support, displayName: "Other" }),
    () => resource.destroy(),
  ]) {
    expect(await failure(attempt())).toContain("this resource is in tenant 00000000-0000-4000-8000-00000000aaaa");
  }
  expect(await world.writes()).toEqual([]);
});
