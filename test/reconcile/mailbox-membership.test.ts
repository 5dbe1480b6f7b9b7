import { failure, holders, makeMailbox, type Resource, type Row, startWorld, type World, withMailbox } from "./harness";

const id = (kind: string, number: number) => `10ca17e4-${kind}-4000-8000-${number.toString(16).padStart(12, "0")}`;
const ada = id("a001", 1);
const grace = id("a001", 2);
const alan = id("a001", 3);
const group = id("a002", 1);

const full = { fullAccess: true, sendAs: true, sendOnBehalf: false, automapping: true };

/** A tenant with the shared mailbox support@contoso.com, made by hand. */
async function withSupport(options: Parameters<typeof startWorld>[0] = {}): Promise<{ world: World; mailbox: string }> {
  const world = await startWorld(options);
  return { world, mailbox: await makeMailbox(world, "support@contoso.com") };
}

type Rights = Record<string, string[]>;

/** Who may do what, by object id, and whether Outlook maps the mailbox: read from the tenant's own rows. */
async function access(world: World, mailbox: string): Promise<Rights> {
  const recipients = Object.values(await world.control("GET", "state/recipients")) as Row[];
  const permissions = Object.values(await world.control("GET", "state/permissions")) as Row[];
  const row = recipients.find(({ externalDirectoryObjectId }) => externalDirectoryObjectId === mailbox);
  const rights: Rights = {};
  const grant = (who: Row | undefined, right: string) => {
    const key = String(who?.externalDirectoryObjectId ?? "unknown");
    rights[key] = [...(rights[key] ?? []), right].sort();
  };
  for (const permission of permissions) {
    if (permission.mailbox === row?.guid && permission.sid !== "S-1-5-10" && permission.deny !== true) {
      const who = recipients.find(({ sid }) => sid === permission.sid);
      if ((permission.accessRights as string[]).includes("FullAccess")) {
        grant(who, permission.autoMapping === true ? "FullAccess+mapped" : "FullAccess");
      }
      if ((permission.accessRights as string[]).includes("SendAs")) {
        grant(who, "SendAs");
      }
    }
  }
  for (const guid of ((row?.mailbox as Row)?.grantSendOnBehalfTo ?? []) as string[]) {
    grant(
      recipients.find((one) => one.guid === guid),
      "SendOnBehalf",
    );
  }
  return rights;
}

const sidOf = async (world: World, who: string): Promise<unknown> =>
  (Object.values(await world.control("GET", "state/recipients")) as Row[]).find(
    ({ externalDirectoryObjectId }) => externalDirectoryObjectId === who,
  )?.sid;

const usual = ["FullAccess+mapped", "SendAs"];

async function made(world: World, program: Row, name = "members"): Promise<Resource> {
  const resource = await world.resource("MailboxMembership", name).up(program);
  await world.writes();
  return resource;
}

describe("members", () => {
  test("as a list have Full Access with automapping and Send As, and nothing else", async () => {
    const { world, mailbox } = await withSupport();
    const program = { mailbox, members: ["Ada@contoso.com", "grace@contoso.com"] };
    const resource = await world.resource("MailboxMembership", "members").up(program);

    expect(await access(world, mailbox)).toEqual({ [ada]: usual, [grace]: usual });
    expect(resource.id).toBe(mailbox);
    expect(resource.outputs).toMatchObject({
      mailboxId: mailbox,
      mailboxAddresses: expect.arrayContaining(["support@contoso.com"]),
      memberIds: { "ada@contoso.com": ada, "grace@contoso.com": grace },
      members: { "ada@contoso.com": full, "grace@contoso.com": full },
    });
    expect(resource.outputs.otherMembers).not.toEqual(expect.arrayContaining(["ada@contoso.com"]));
    expect(await resource.plan({ mailbox, members: ["grace@contoso.com", "ada@contoso.com"] })).toEqual([]);
    expect(await resource.plan({ mailbox, members: { "ADA@contoso.com": {}, "grace@contoso.com": {} } })).toEqual([]);
    expect(await resource.refresh()).toEqual({});
    expect(await resource.plan(program)).toEqual([]);
  });

  test.each<[Row, string[]]>([
    [{ fullAccess: true, sendAs: false }, ["FullAccess+mapped"]],
    [{ fullAccess: true, sendAs: false, automapping: false }, ["FullAccess"]],
    [{ fullAccess: false, sendAs: true }, ["SendAs"]],
    [{ fullAccess: false, sendAs: false, sendOnBehalf: true }, ["SendOnBehalf"]],
    [{ sendOnBehalf: true }, ["FullAccess+mapped", "SendAs", "SendOnBehalf"]],
  ])("with %j hold exactly that, change to the usual and are removed", async (rights, expected) => {
    const { world, mailbox } = await withSupport();
    const program = { mailbox, members: { "ada@contoso.com": rights } };
    const resource = await made(world, program);
    expect(await access(world, mailbox)).toEqual({ [ada]: expected });
    expect(await resource.refresh()).toEqual({});
    expect(await resource.plan(program)).toEqual([]);

    await resource.up({ mailbox, members: ["ada@contoso.com", "alan@contoso.com"] });
    expect(await access(world, mailbox)).toEqual({ [ada]: usual, [alan]: usual });
    await resource.up(program);
    expect(await access(world, mailbox)).toEqual({ [ada]: expected });
    await resource.destroy();
    expect(await access(world, mailbox)).toEqual({});
  });

  test.each([
    ["an address", "ada@contoso.com"],
    ["another address", "ada@contoso.onmicrosoft.com"],
    ["an id", ada],
    ["an id in capitals", ada.toUpperCase()],
  ])("by %s are the same person", async (_what, member) => {
    const { world, mailbox } = await withSupport();
    const program = { mailbox, members: [member] };
    const resource = await made(world, program);
    expect(await access(world, mailbox)).toEqual({ [ada]: usual });
    expect(Object.values(resource.outputs.memberIds as Row)).toEqual([ada]);
    expect(await resource.refresh()).toEqual({});
    expect(await resource.plan(program)).toEqual([]);
  });

  test("by a sign-in name that is no address are found", async () => {
    const { world, mailbox } = await withSupport();
    await world.control("PATCH", `state/users/${ada}`, { userPrincipalName: "al1852@contoso.com" });
    await world.patchRecipient("ada@contoso.com", { mailbox: { userPrincipalName: "al1852@contoso.com" } });
    const program = { mailbox, members: ["al1852@contoso.com"] };
    const resource = await made(world, program);
    expect(await access(world, mailbox)).toEqual({ [ada]: usual });
    expect(await resource.refresh()).toEqual({});
    expect(resource.outputs.otherMembers).not.toEqual(expect.arrayContaining(["al1852@contoso.com"]));
  });

  test("written in another way are no change of access: nobody loses it for a moment", async () => {
    const { world, mailbox } = await withSupport();
    const resource = await made(world, { mailbox, members: ["ada@contoso.com"] });
    await resource.up({ mailbox, members: [ada] });
    expect(await access(world, mailbox)).toEqual({ [ada]: usual });
    expect(await world.writes()).toEqual([]);
    expect(await resource.refresh()).toEqual({});
  });

  test("who are renamed, with a new sign-in name and address, are no drift", async () => {
    const { world, mailbox } = await withSupport();
    const program = { mailbox, members: { "ada@contoso.com": { sendOnBehalf: true } } };
    const resource = await made(world, program);
    await world.control("PATCH", `state/users/${ada}`, { userPrincipalName: "ada.king@contoso.com" });
    await world.patchRecipient("ada@contoso.com", {
      emailAddresses: ["SMTP:ada.king@contoso.com"],
      displayName: "Ada King",
      alias: "ada.king",
      mailbox: { userPrincipalName: "ada.king@contoso.com" },
    });
    expect(await resource.refresh()).toEqual({});
    expect(await resource.plan(program)).toEqual([]);
    await resource.up({ mailbox, members: { "ada@contoso.com": { sendOnBehalf: false } } });
    expect(await access(world, mailbox)).toEqual({ [ada]: usual });
    await resource.destroy();
    expect(await access(world, mailbox)).toEqual({});
  });

  test("whose old address somebody else has by now: the access goes from the right person", async () => {
    const { world, mailbox } = await withSupport();
    const resource = await made(world, { mailbox, members: ["ada@contoso.com"] });
    await world.control("PATCH", `state/users/${ada}`, { userPrincipalName: "ada.king@contoso.com" });
    await world.patchRecipient("ada@contoso.com", {
      emailAddresses: ["SMTP:ada.king@contoso.com"],
      mailbox: { userPrincipalName: "ada.king@contoso.com" },
    });
    await world.exchange("Set-Mailbox", {
      Identity: alan,
      EmailAddresses: { "@odata.type": "#Exchange.GenericHashTable", Add: ["smtp:ada@contoso.com"] },
    });
    await world.exchange("Add-MailboxPermission", { Identity: mailbox, User: alan, AccessRights: ["FullAccess"] });
    await resource.destroy();
    expect(await access(world, mailbox)).toEqual({ [alan]: ["FullAccess+mapped"] });
  });

  test("that are groups are never automapped, and stand by their display name", async () => {
    const { world, mailbox } = await withSupport();
    const program = { mailbox, members: { "support-team@contoso.com": { sendOnBehalf: true } } };
    const resource = await made(world, program);
    expect(await access(world, mailbox)).toEqual({ [group]: ["FullAccess", "SendAs", "SendOnBehalf"] });
    expect(await resource.refresh()).toEqual({});
    expect(await resource.plan(program)).toEqual([]);
    await resource.destroy();
    expect(await access(world, mailbox)).toEqual({});
  });

  test("that are a group whose display name another one has are told apart", async () => {
    const { world, mailbox } = await withSupport();
    await world.patchRecipient("all-staff@contoso.com", { displayName: "Support Team" });
    const program = { mailbox, members: ["support-team@contoso.com"] };
    const resource = await made(world, program);
    expect(await access(world, mailbox)).toEqual({ [group]: ["FullAccess", "SendAs"] });
    expect(await resource.refresh()).toEqual({});
    await resource.destroy();
    expect(await access(world, mailbox)).toEqual({});
  });

  test.each([
    ["a contact", "orders@northwind.example", "the mail contact"],
    ["a guest", "margaret@adatum.example", "the guest"],
    ["a distribution list", "all-staff@contoso.com", "the distribution list"],
    ["nobody", "nobody@contoso.com", "nobody in the tenant"],
  ])("that are %s are refused with the reason, before anybody is granted anything", async (_what, member, reason) => {
    const { world, mailbox } = await withSupport({ config: { settleTimeout: "0.3s" } });
    const message = await failure(made(world, { mailbox, members: ["ada@contoso.com", member] }));
    expect(message).toMatch(new RegExp(`^members\\["${member}"\\]: `));
    expect(message).toContain(reason);
    expect(await access(world, mailbox)).toEqual({});
  });

  test("written twice in two forms are refused", async () => {
    const { world, mailbox } = await withSupport();
    const message = await failure(made(world, { mailbox, members: ["ada@contoso.com", ada] }));
    expect(message).toMatch(/is the same person as members\[/);
    expect(await access(world, mailbox)).toEqual({});
  });

  test("that appear late are waited for", async () => {
    const { world, mailbox } = await withSupport({ settings: { lag: { exchange: 500, graph: 0 } } });
    const late = await makeMailbox(world, "late@contoso.com");
    const resource = await made(world, { mailbox, members: ["late@contoso.com"] });
    // A shared mailbox is nobody's profile: it is never mapped into one.
    expect(await access(world, mailbox)).toEqual({ [late]: ["FullAccess", ...usual.slice(1)] });
    expect(await resource.refresh()).toEqual({});
  });

  test("with an account and no mailbox are refused, saying so", async () => {
    const { world, mailbox } = await withSupport({ config: { settleTimeout: "0.3s" } });
    await world.graph("POST", "/users", {
      accountEnabled: true,
      displayName: "New",
      mailNickname: "new",
      userPrincipalName: "new@contoso.com",
      passwordProfile: { password: "Passw0rd!Passw0rd", forceChangePasswordNextSignIn: true },
    });
    expect(await failure(made(world, { mailbox, members: ["new@contoso.com"] }))).toContain("give it a mailbox");
  });

  test("more than 25 are a warning; a list says so once", async () => {
    const { world, mailbox } = await withSupport({ config: { settleTimeout: "0.3s" } });
    const members = Array.from({ length: 26 }, (_, index) => `person${index}@contoso.com`);
    const resource = world.resource("MailboxMembership", "members");
    await resource.check({ mailbox, members });
    expect(world.warnings).toEqual([expect.stringContaining("26 entries")]);
    expect(world.warnings[0]).toContain("25");
  });
});

describe("other people's access", () => {
  async function withStranger() {
    const { world, mailbox } = await withSupport();
    await world.exchange("Add-MailboxPermission", { Identity: mailbox, User: alan, AccessRights: ["FullAccess"] });
    await world.exchange("Add-RecipientPermission", {
      Identity: mailbox,
      Trustee: alan,
      AccessRights: ["SendAs"],
      Confirm: false,
    });
    return { world, mailbox };
  }

  test("is left alone and listed", async () => {
    const { world, mailbox } = await withStranger();
    const program = { mailbox, members: ["ada@contoso.com"] };
    const resource = await made(world, program);
    expect(await access(world, mailbox)).toEqual({ [ada]: usual, [alan]: usual });
    expect(resource.outputs.otherMembers).toContain("alan@contoso.com");
    expect(await resource.refresh()).toEqual({});
    expect(await resource.plan(program)).toEqual([]);
    await resource.destroy();
    expect(await access(world, mailbox)).toEqual({ [alan]: usual });
  });

  test("survives a member being added and taken away", async () => {
    const { world, mailbox } = await withStranger();
    await world.exchange("Set-Mailbox", {
      Identity: mailbox,
      GrantSendOnBehalfTo: { "@odata.type": "#Exchange.GenericHashTable", Add: ["alan@contoso.com"] },
    });
    const stranger = [...usual, "SendOnBehalf"];
    const resource = await made(world, { mailbox, members: { "ada@contoso.com": { sendOnBehalf: true } } });
    await resource.up({ mailbox, members: { "grace@contoso.com": { sendOnBehalf: true } } });
    expect(await access(world, mailbox)).toEqual({ [grace]: stranger, [alan]: stranger });
    await resource.destroy();
    expect(await access(world, mailbox)).toEqual({ [alan]: stranger });
  });

  test("of two memberships on one mailbox is each one's own", async () => {
    const { world, mailbox } = await withSupport();
    const one = await made(world, { mailbox, members: ["ada@contoso.com"] }, "one");
    const two = await made(world, { mailbox: "support@contoso.com", members: ["grace@contoso.com"] }, "two");
    expect(await one.refresh()).toEqual({});
    expect(await two.refresh()).toEqual({});
    await one.destroy();
    expect(await access(world, mailbox)).toEqual({ [grace]: usual });
    expect(await two.refresh()).toEqual({});
  });

  test("a member with more than is declared keeps it until refresh has shown it", async () => {
    const { world, mailbox } = await withStranger();
    const program = { mailbox, members: { "alan@contoso.com": { sendAs: false, automapping: true } } };
    const resource = await made(world, program);
    expect(await access(world, mailbox)).toEqual({ [alan]: usual });
    expect(world.warnings.join("\n")).toMatch(/members\["alan@contoso\.com"\] has more.*sendAs.*pulumi up --refresh/);
    expect(await resource.refresh()).toEqual({ "members/alan@contoso.com/sendAs": [false, true] });
    await resource.up(program);
    expect(await access(world, mailbox)).toEqual({ [alan]: ["FullAccess+mapped"] });
  });

  test("that another resource of the deployment declares is not taken away: a rename without an alias", async () => {
    const { world, mailbox } = await withSupport();
    const program = { mailbox, members: ["ada@contoso.com", "grace@contoso.com"] };
    const old = await made(world, program, "old");
    const renamed = world.resource("MailboxMembership", "new");
    await world.together(async () => {
      await renamed.up(program);
      await old.destroy();
    });
    expect(await access(world, mailbox)).toEqual({ [ada]: usual, [grace]: usual });
    expect(await renamed.refresh()).toEqual({});
  });

  test("a member who moves from one resource to another keeps access", async () => {
    const { world, mailbox } = await withSupport();
    const one = await made(world, { mailbox, members: ["ada@contoso.com", "grace@contoso.com"] }, "one");
    const two = await made(world, { mailbox, members: ["alan@contoso.com"] }, "two");
    await world.together(async () => {
      await two.up({ mailbox, members: ["alan@contoso.com", "grace@contoso.com"] });
      await one.up({ mailbox, members: ["ada@contoso.com"] });
    });
    expect(await access(world, mailbox)).toEqual({ [ada]: usual, [grace]: usual, [alan]: usual });
    expect(await one.refresh()).toEqual({});
    expect(await two.refresh()).toEqual({});
  });

  test("two resources that leave the program together, after a refresh, leave nobody with access", async () => {
    const { world, mailbox } = await withSupport();
    const one = await made(world, { mailbox, members: ["ada@contoso.com"] }, "one");
    const two = await made(world, { mailbox, members: ["ada@contoso.com", "grace@contoso.com"] }, "two");
    await world.together(async () => {
      await Promise.all([one.refresh(), two.refresh()]);
      await Promise.all([one.destroy(), two.destroy()]);
    });
    expect(await access(world, mailbox)).toEqual({});
  });

  test("what a refresh has read of a resource that leaves the program contradicts none that takes its place", async () => {
    const { world, mailbox } = await withSupport();
    const one = await made(world, { mailbox, members: ["ada@contoso.com"] }, "one");
    const two = world.resource("MailboxMembership", "two");
    await world.together(async () => {
      await one.refresh();
      await two.up({ mailbox, members: { "ada@contoso.com": { sendAs: false } } });
      await one.destroy();
    });
    expect(Object.keys(await access(world, mailbox))).toEqual([ada]);
    // What she had before is taken away once a refresh has shown it.
    expect(await two.refresh()).toEqual({ "members/ada@contoso.com/sendAs": [false, true] });
  });

  test("rows that are nobody's to take away stay: denied, inherited, without a living trustee", async () => {
    const { world, mailbox } = await withSupport();
    const resource = await made(world, { mailbox, members: ["ada@contoso.com"] });
    const before = Object.keys(await world.control("GET", "state/permissions")).length;
    await world.exchange("Add-MailboxPermission", {
      Identity: mailbox,
      User: "barbara@contoso.com",
      AccessRights: ["FullAccess"],
      Deny: true,
    });
    await world.exchange("Add-MailboxPermission", {
      Identity: mailbox,
      User: "edsger@contoso.com",
      AccessRights: ["ReadPermission"],
    });
    expect(await resource.refresh()).toEqual({});
    expect(resource.outputs.otherMembers).toEqual(
      expect.arrayContaining(["barbara@contoso.com (denied: FullAccess)", "edsger@contoso.com"]),
    );
    expect(await resource.refresh()).toEqual({});
    await resource.destroy();
    expect(Object.keys(await world.control("GET", "state/permissions"))).toHaveLength(before + 2 - 2);
  });
});

test("a member to whom an entry denies the right is told, and the entry stays", async () => {
  const { world, mailbox } = await withSupport();
  const resource = await made(world, { mailbox, members: ["ada@contoso.com", "grace@contoso.com"] });
  const denial = { Identity: mailbox, User: "ada@contoso.com", AccessRights: ["FullAccess"], Deny: true };
  await world.exchange("Add-MailboxPermission", denial);
  expect(await resource.refresh()).toEqual({});
  expect(world.warnings.filter((warning) => warning.includes("denies FullAccess"))).toEqual([
    expect.stringMatching(/^members\["ada@contoso\.com"\]: an entry on support@contoso\.com denies FullAccess/),
  ]);
  expect(resource.outputs.otherMembers).toContain("ada@contoso.com (denied: FullAccess)");
});

describe("drift", () => {
  test("names exactly whose access went, and gives it back", async () => {
    const { world, mailbox } = await withSupport();
    const program = { mailbox, members: ["ada@contoso.com", "grace@contoso.com", "alan@contoso.com"] };
    const resource = await made(world, program);
    await world.exchange("Remove-MailboxPermission", {
      Identity: mailbox,
      User: "ada@contoso.com",
      AccessRights: ["FullAccess"],
      Confirm: false,
    });
    await world.exchange("Remove-RecipientPermission", {
      Identity: mailbox,
      Trustee: "ada@contoso.com",
      AccessRights: ["SendAs"],
      Confirm: false,
    });
    await world.exchange("Remove-RecipientPermission", {
      Identity: mailbox,
      Trustee: "grace@contoso.com",
      AccessRights: ["SendAs"],
      Confirm: false,
    });
    expect(await resource.refresh()).toEqual({
      "members/ada@contoso.com": [full, undefined],
      "members/grace@contoso.com/sendAs": [true, false],
    });
    expect(await resource.plan(program)).toEqual(["members/ada@contoso.com", "members/grace@contoso.com/sendAs"]);
    await resource.up(program);
    expect(await access(world, mailbox)).toEqual({ [ada]: usual, [grace]: usual, [alan]: usual });
    expect(await resource.refresh()).toEqual({});
  });

  test("of a member who left the company and has no entry any more is named; the others stay", async () => {
    const { world, mailbox } = await withSupport({ config: { settleTimeout: "0.3s" } });
    const program = { mailbox, members: ["ada@contoso.com", "grace@contoso.com"] };
    const resource = await made(world, program);
    for (const [key, row] of Object.entries(await world.control("GET", "state/permissions")) as [string, Row][]) {
      if (row.sid === (await sidOf(world, ada))) {
        await world.control("DELETE", `state/permissions/${key}`);
      }
    }
    await world.graph("DELETE", `/users/${ada}`);
    expect(await resource.refresh()).toEqual({ "members/ada@contoso.com": [full, undefined] });
    expect(await failure(resource.up(program))).toMatch(
      /^members\["ada@contoso\.com"\]: ada@contoso\.com is an account in the recycle bin/,
    );
    await resource.up({ mailbox, members: ["grace@contoso.com"] });
    expect(await resource.refresh()).toEqual({});
  });
});

test("a member who is declared to have nothing is no drift, until that is not so", async () => {
  const { world, mailbox } = await withSupport();
  const none = { fullAccess: false, sendAs: false, sendOnBehalf: false };
  const program = { mailbox, members: { "ada@contoso.com": {}, "alan@contoso.com": none } };
  const membership = await world.resource("MailboxMembership", "members").up(program);
  expect(await membership.refresh()).toEqual({});
  expect(await membership.plan(program)).toEqual([]);

  await world.exchange("Add-MailboxPermission", { Identity: mailbox, User: alan, AccessRights: ["FullAccess"] });
  expect(await membership.refresh()).toEqual({ "members/alan@contoso.com/fullAccess": [false, true] });
  await membership.up(program);
  expect(await access(world, mailbox)).toEqual({ [ada]: usual });
  expect(await membership.refresh()).toEqual({});
  await world.graph("DELETE", `/users/${alan}`);
  expect(await membership.refresh()).toMatchObject({ "members/alan@contoso.com": [{ ...full, ...none }, undefined] });
});

describe("automapping", () => {
  test("changes by a new entry, for this member alone", async () => {
    const { world, mailbox } = await withSupport();
    const resource = await made(world, { mailbox, members: ["ada@contoso.com", "grace@contoso.com"] });
    const program = { mailbox, members: { "ada@contoso.com": { automapping: false }, "grace@contoso.com": {} } };
    expect(await resource.plan(program)).toEqual(["members/ada@contoso.com/automapping"]);
    await resource.up(program);
    expect(await world.writes()).toEqual(["Remove-MailboxPermission", "Add-MailboxPermission"]);
    expect(await access(world, mailbox)).toEqual({ [ada]: ["FullAccess", "SendAs"], [grace]: usual });
    expect(await resource.refresh()).toEqual({});
    expect(await resource.plan(program)).toEqual([]);
  });

  test("is not written where only something else changes", async () => {
    const { world, mailbox } = await withSupport();
    const resource = await made(world, { mailbox, members: ["ada@contoso.com"] });
    await resource.up({ mailbox, members: { "ada@contoso.com": { sendOnBehalf: true } } });
    expect(await world.writes()).toEqual(["Set-Mailbox"]);
  });

  test.each([
    ["Remove-MailboxPermission", "before"],
    ["Remove-MailboxPermission", "after"],
    ["Add-MailboxPermission", "before"],
    ["Add-MailboxPermission", "after"],
  ])("survives a lost answer of %s (closed %s it happened)", async (cmdlet, close) => {
    const { world, mailbox } = await withSupport({ config: { settleTimeout: "1s" } });
    const resource = await made(world, { mailbox, members: ["ada@contoso.com"] });
    await world.fault({ cmdlet, close });
    await resource.up({ mailbox, members: { "ada@contoso.com": { automapping: false } } });
    expect(await access(world, mailbox)).toEqual({ [ada]: ["FullAccess", "SendAs"] });
  });

  test("that fails between taking away and giving back is finished by the next deployment", async () => {
    const { world, mailbox } = await withSupport();
    const resource = await made(world, { mailbox, members: ["ada@contoso.com"] });
    const program = { mailbox, members: { "ada@contoso.com": { automapping: false } } };
    await world.fault({ cmdlet: "Add-MailboxPermission", answer: { status: 403, base64: "AAAA" } });
    expect(await failure(resource.up(program))).toContain(
      "granting Full Access on support@contoso.com to ada@contoso.com",
    );
    expect(await access(world, mailbox)).toEqual({ [ada]: ["SendAs"] });
    await resource.up(program);
    expect(await access(world, mailbox)).toEqual({ [ada]: ["FullAccess", "SendAs"] });
    expect(await resource.refresh()).toEqual({});
    expect(await resource.plan(program)).toEqual([]);
  });
});

describe("writes", () => {
  test.each([
    ["Add-MailboxPermission", "before"],
    ["Add-MailboxPermission", "after"],
    ["Add-RecipientPermission", "before"],
    ["Add-RecipientPermission", "after"],
    ["Set-Mailbox", "before"],
    ["Set-Mailbox", "after"],
  ])("%s whose answer is lost (closed %s it happened) are observed and finished", async (cmdlet, close) => {
    const { world, mailbox } = await withSupport({ config: { settleTimeout: "1s" } });
    await world.fault({ cmdlet, close });
    const program = { mailbox, members: { "ada@contoso.com": { sendOnBehalf: true } } };
    const resource = await made(world, program);
    expect(await access(world, mailbox)).toEqual({ [ada]: [...usual, "SendOnBehalf"] });
    expect(await resource.refresh()).toEqual({});
  });

  test.each([
    ["Remove-MailboxPermission", "after"],
    ["Remove-RecipientPermission", "before"],
  ])("%s whose answer is lost on delete (closed %s) is finished", async (cmdlet, close) => {
    const { world, mailbox } = await withSupport({ config: { settleTimeout: "1s" } });
    const resource = await made(world, { mailbox, members: ["ada@contoso.com"] });
    await world.fault({ cmdlet, close });
    await resource.destroy();
    expect(await access(world, mailbox)).toEqual({});
  });

  test("of access that is there or gone already are success", async () => {
    const { world, mailbox } = await withSupport();
    await world.exchange("Add-MailboxPermission", { Identity: mailbox, User: ada, AccessRights: ["FullAccess"] });
    const resource = await made(world, { mailbox, members: ["ada@contoso.com"] });
    expect(await access(world, mailbox)).toEqual({ [ada]: usual });
    await world.exchange("Remove-MailboxPermission", {
      Identity: mailbox,
      User: ada,
      AccessRights: ["FullAccess"],
      Confirm: false,
    });
    await resource.up({ mailbox, members: ["grace@contoso.com"] });
    expect(await access(world, mailbox)).toEqual({ [grace]: usual });
  });

  test("of access that goes while it is taken away are success, also as an error", async () => {
    const { world, mailbox } = await withSupport({ config: { settleTimeout: "2s" } });
    const resource = await made(world, { mailbox, members: ["ada@contoso.com"] });
    await world.fault({
      cmdlet: "Remove-MailboxPermission",
      answer: {
        when: "after",
        status: 400,
        body: {
          error: {
            code: "BadRequest",
            message:
              "Ex1234|Microsoft.Exchange.Management.RecipientTasks.AceNotFound|Can't remove the access control entry on the object because the ACE doesn't exist on the object.",
          },
        },
      },
    });
    await resource.destroy();
    expect(await access(world, mailbox)).toEqual({});
  });

  test("change Send on Behalf by add and remove only", async () => {
    const { world, mailbox } = await withSupport();
    const resource = await made(world, { mailbox, members: { "ada@contoso.com": { sendOnBehalf: true } } });
    await resource.up({ mailbox, members: { "grace@contoso.com": { sendOnBehalf: true } } });
    const requests = (await world.control("GET", "requests?cmdlet=Set-Mailbox")) as unknown as Row[];
    const cmdlets = requests
      .flatMap(({ body }) => ((body as Row).requests ?? [{ body }]) as Row[])
      .map(({ body }) => (body as Row).CmdletInput as { CmdletName: string; Parameters: Row });
    const values = cmdlets
      .filter(({ CmdletName }) => CmdletName === "Set-Mailbox")
      .map(({ Parameters }) => Parameters.GrantSendOnBehalfTo);
    expect(values).toEqual([
      { "@odata.type": "#Exchange.GenericHashTable", Add: [ada] },
      { "@odata.type": "#Exchange.GenericHashTable", Add: [grace], Remove: [ada] },
    ]);
  });

  test("settle where Exchange shows them late", async () => {
    const { world, mailbox } = await withSupport({ settings: { lag: { exchange: 300, graph: 300 } } });
    await world.control("POST", "clock", { advance: 1000 });
    const resource = await made(world, { mailbox, members: { "ada@contoso.com": { sendOnBehalf: true } } });
    expect(await resource.refresh()).toEqual({});
    await resource.up({ mailbox, members: { "ada@contoso.com": { automapping: false } } });
    expect(await access(world, mailbox)).toEqual({ [ada]: ["FullAccess", "SendAs"] });
    await resource.destroy();
    expect(await access(world, mailbox)).toEqual({});
  });

  test("that fail half-way leave nobody unknown: the next deployment takes their access away", async () => {
    const { world, mailbox } = await withSupport();
    const resource = world.resource("MailboxMembership", "members");
    await world.fault({ cmdlet: "Add-RecipientPermission", answer: { status: 403, base64: "AAAA" } });
    expect(await failure(resource.up({ mailbox, members: ["ada@contoso.com"] }))).toContain("Send As");
    expect(await access(world, mailbox)).toEqual({ [ada]: ["FullAccess+mapped"] });
    await resource.up({ mailbox, members: ["grace@contoso.com"] });
    expect(await access(world, mailbox)).toEqual({ [grace]: usual });
  });

  test("of an update that fails half-way are resumed", async () => {
    const { world, mailbox } = await withSupport();
    const resource = await made(world, { mailbox, members: ["ada@contoso.com"] });
    await world.fault({ cmdlet: "Remove-MailboxPermission", answer: { status: 403, base64: "AAAA" } });
    const program = { mailbox, members: ["grace@contoso.com"] };
    expect(await failure(resource.up(program))).toContain(
      "taking Full Access on support@contoso.com from ada@contoso.com",
    );
    expect((await access(world, mailbox))[ada]).toContain("FullAccess+mapped");
    await resource.up(program);
    expect(await access(world, mailbox)).toEqual({ [grace]: usual });
    await resource.destroy();
    expect(await access(world, mailbox)).toEqual({});
  });
});

describe("the mailbox", () => {
  test.each(["support@contoso.com", "SUPPORT@contoso.com", "support@contoso.onmicrosoft.com"])(
    "spelled %s is no change",
    async (spelling) => {
      const { world, mailbox } = await withSupport();
      const resource = await made(world, { mailbox, members: ["ada@contoso.com"] });
      expect(await resource.plan({ mailbox: spelling, members: ["ada@contoso.com"] })).toEqual([]);
      expect(await resource.plan({ mailbox: spelling, members: ["ada@contoso.com", "alan@contoso.com"] })).toEqual(
        expect.arrayContaining([expect.stringMatching(/^members\/alan/)]),
      );
    },
  );

  test("that is really another one is replaced: access moves", async () => {
    const { world, mailbox } = await withSupport();
    const second = await makeMailbox(world, "second@contoso.com");
    const resource = await made(world, { mailbox, members: ["ada@contoso.com"] });
    const program = { mailbox: "second@contoso.com", members: ["ada@contoso.com"] };
    expect(await resource.plan(program)).toEqual(["replace"]);
    await resource.up(program);
    expect(await access(world, mailbox)).toEqual({});
    expect(await access(world, second)).toEqual({ [ada]: usual });
  });

  test("that is gone makes the deletion a success, and the resource gone", async () => {
    const { world, mailbox } = await withSupport();
    const resource = await made(world, { mailbox, members: ["ada@contoso.com"] });
    await world.exchange("Remove-Mailbox", { Identity: mailbox, Confirm: false });
    const { state } = resource;
    expect(await resource.refresh()).toBe("gone");
    resource.state = state;
    await resource.destroy();
  });

  test.each([
    ["a group", "support-team@contoso.com", "not a mailbox"],
    ["nobody's", "nobody@contoso.com", "nobody in the tenant"],
  ])("that is %s is refused", async (_what, mailbox, reason) => {
    const world = await startWorld({ config: { settleTimeout: "0.3s" } });
    const message = await failure(made(world, { mailbox, members: ["ada@contoso.com"] }));
    expect(message).toMatch(/^mailbox: /);
    expect(message).toContain(reason);
  });
});

describe("a read that may not be whole", () => {
  test("cut short by the service fails and takes nobody for gone", async () => {
    const { world, mailbox } = await withSupport();
    const resource = await made(world, { mailbox, members: ["ada@contoso.com"] });
    await world.fault({
      cmdlet: "Get-MailboxPermission",
      times: "always",
      answer: {
        status: 200,
        body: {
          value: [],
          "@adminapi.warnings": [
            "By default, only the first 1000 items are returned. Use the ResultSize parameter to specify the number of items returned.",
          ],
        },
      },
    });
    expect(await failure(resource.refresh())).toContain("cut the answer short");
    expect(await failure(resource.up({ mailbox, members: ["grace@contoso.com"] }))).toContain("cut the answer short");
    expect(await world.writes()).toEqual([]);
    expect(await failure(resource.destroy())).toContain("cut the answer short");
    expect(await access(world, mailbox)).toEqual({ [ada]: usual });
  });

  test("with another mailbox's rows among its own fails", async () => {
    const { world, mailbox } = await withSupport();
    const resource = await made(world, { mailbox, members: ["ada@contoso.com"] });
    await world.fault({
      cmdlet: "Get-RecipientPermission",
      times: "always",
      answer: {
        status: 200,
        body: { value: [{ Identity: grace, Trustee: "ada@contoso.com", AccessRights: ["SendAs"] }] },
      },
    });
    expect(await failure(resource.refresh())).toContain("a permission on another object");
  });

  test("answered with everybody's rows for a mailbox that went meanwhile is not believed", async () => {
    const { world, mailbox } = await withSupport();
    const resource = await made(world, { mailbox, members: ["ada@contoso.com"] });
    await world.control("PATCH", "settings", { missingIdentity: "everything" });
    await world.exchange("Remove-Mailbox", { Identity: mailbox, Confirm: false });
    expect(await resource.refresh()).toBe("gone");
  });
});

test("what a policy's remediation adds is made canonical, or refused by its path", async () => {
  const { world, id, membership } = await withMailbox();
  const program = { mailbox: id, members: ["ada@contoso.com"] };
  const adds = (members: Row) => (checked: Row) => ({
    ...checked,
    members: { ...(checked.members as Row), ...members },
  });
  await membership.up(program, adds({ "Grace@Contoso.com": { sendAs: null } }));
  expect(await holders(world, id)).toEqual(["ada@contoso.com", "grace@contoso.com"]);
  expect(membership.outputs.members).toHaveProperty(["grace@contoso.com"]);
  expect(await failure(membership.up(program, adds({ Alan: {} })))).toContain(
    "members.Alan: looks like a display name",
  );
  expect(await holders(world, id)).toEqual(["ada@contoso.com", "grace@contoso.com"]);
});

test("a right that ignoreChanges takes out of the plan is not given: no diff has shown it", async () => {
  const { world, id, membership } = await withMailbox();
  const ignores = (checked: Row) => {
    const { fullAccess: _ignored, ...shown } = (checked.members as Record<string, Row>)["grace@contoso.com"] ?? {};
    return { ...checked, members: { ...(checked.members as Row), "grace@contoso.com": shown } };
  };
  await membership.up({ mailbox: id, members: ["ada@contoso.com"] });
  await membership.up({ mailbox: id, members: ["ada@contoso.com", "grace@contoso.com"] }, ignores);
  expect((await access(world, id))[grace]).toEqual(["SendAs"]);
  await membership.up({ mailbox: id, members: ["ada@contoso.com", "grace@contoso.com"] });
  expect((await access(world, id))[grace]).toEqual(usual);
});

test("an entry that Exchange shows and calls absent is waited for, and Exchange's words are told", async () => {
  const { world, id, membership } = await withMailbox({ config: { settleTimeout: "2s" } });
  await membership.up({ mailbox: id, members: { "ada@contoso.com": {}, "grace@contoso.com": {} } });
  const warning = "Can't remove the access control entry on the object because the ACE doesn't exist on the object.";
  await world.fault({
    cmdlet: "Remove-MailboxPermission",
    times: "always",
    answer: { status: 200, body: { value: [], "@adminapi.warnings": [warning] } },
  });
  expect(await failure(membership.up({ mailbox: id, members: { "ada@contoso.com": {} } }))).toMatch(
    /last seen: members\.grace@contoso\.com\.fullAccess is true/,
  );
  expect(world.warnings).toContainEqual(
    expect.stringContaining(`taking Full Access on support@contoso.com from grace@contoso.com: Exchange: ${warning}`),
  );
  expect(await holders(world, id)).toContain("grace@contoso.com");
});
