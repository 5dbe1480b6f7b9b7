import { type Row, startWorld, type World } from "./harness";

const address = "support@contoso.com";
const program = { displayName: "Support", primarySmtpAddress: address };

const deleted = (world: World) => world.exchange("Get-Mailbox", { SoftDeletedMailbox: true, ResultSize: "Unlimited" });
const deletedUser = (world: World, id: string) => world.graph("GET", `/directory/deletedItems/${id}`);

async function madeAndDeleted(world: World, name = "support"): Promise<Row> {
  const resource = await world
    .resource("SharedMailbox", name)
    .up({ ...program, hiddenFromAddressLists: true, restoreDeleted: false });
  const { outputs, id } = resource;
  await resource.destroy();
  return { ...outputs, id };
}

describe("restoreDeleted", () => {
  test("brings the mailbox back as it was, and then sets what is declared", async () => {
    const world = await startWorld();
    const old = await madeAndDeleted(world);
    const resource = await world
      .resource("SharedMailbox", "again")
      .up({ ...program, displayName: "Support again", restoreDeleted: true });
    expect(resource.id).toBe(old.id);
    expect(resource.outputs.exchangeGuid).toBe(old.exchangeGuid);
    const [mailbox] = await world.exchange("Get-Mailbox", { Identity: resource.id });
    expect(mailbox).toMatchObject({ DisplayName: "Support again", HiddenFromAddressListsEnabled: true });
    expect(await deleted(world)).toEqual([]);
    expect(world.warnings).toContainEqual(
      expect.stringMatching(
        new RegExp(`^Restoring ${address} overwrites what was there: displayName .* → "Support again"`),
      ),
    );
    expect(await resource.refresh()).toEqual({});
  });

  test("names the inbox rules that forward, which come back too", async () => {
    const world = await startWorld();
    const resource = await world.resource("SharedMailbox", "support").up(program);
    await world.graph("POST", `/users/${resource.id}/mailFolders/inbox/messageRules`, {
      displayName: "leak",
      sequence: 1,
      isEnabled: true,
      actions: { redirectTo: [{ emailAddress: { address: "thief@adatum.example" } }] },
    });
    await resource.destroy();
    await world.resource("SharedMailbox", "again").up({ ...program, restoreDeleted: true });
    expect(world.warnings.join("\n")).toContain(
      `The mailbox ${address} came back with its inbox rule "leak" as it is, which forwards to thief@adatum.example.`,
    );
  });

  test("makes a new mailbox when none was deleted", async () => {
    const world = await startWorld();
    const resource = await world.resource("SharedMailbox", "support").up({ ...program, restoreDeleted: true });
    expect(resource.outputs).toMatchObject({ created: true });
  });

  test("refuses to choose among several, and takes the one that is named", async () => {
    const world = await startWorld();
    const first = await madeAndDeleted(world, "one");
    const second = await madeAndDeleted(world, "two");
    const resource = world.resource("SharedMailbox", "again");
    await expect(resource.up({ ...program, restoreDeleted: true })).rejects.toThrow(
      new RegExp(
        `^restoreDeleted: 2 deleted mailboxes have the address ${address}.*(${first.exchangeGuid}|${second.exchangeGuid})`,
      ),
    );
    await resource.up({ ...program, restoreDeleted: String(second.exchangeGuid) });
    expect(resource.id).toBe(second.id);
    expect((await deleted(world)).map((row) => row.ExchangeGuid)).toEqual([first.exchangeGuid]);
  });

  test("does not take a mailbox that only had the address as a further one", async () => {
    const world = await startWorld();
    const other = world.resource("SharedMailbox", "other");
    await other.up({ displayName: "Other", primarySmtpAddress: "other@contoso.com", emailAliases: [address] });
    const guid = String(other.outputs.exchangeGuid);
    await other.destroy();
    await expect(world.resource("SharedMailbox", "support").up({ ...program, restoreDeleted: true })).rejects.toThrow(
      new RegExp(`was a further address of the deleted mailbox "Other" \\(Exchange guid ${guid}`),
    );
  });

  test("refuses an inactive mailbox with the reason", async () => {
    const world = await startWorld();
    const resource = await world
      .resource("SharedMailbox", "support")
      .up({ ...program, deletion: { mode: "soft", allowInactive: true } });
    await world.patchRecipient(address, { mailbox: { litigationHoldEnabled: true } });
    await resource.destroy();
    await expect(world.resource("SharedMailbox", "again").up({ ...program, restoreDeleted: true })).rejects.toThrow(
      /a hold keeps it as an inactive mailbox/,
    );
  });

  test("is offered by the refusal of an address that a deleted mailbox holds", async () => {
    const world = await startWorld({ settings: { holdAddresses: true } });
    await madeAndDeleted(world);
    await expect(world.resource("SharedMailbox", "again").up({ ...program, restoreDeleted: false })).rejects.toThrow(
      /the deleted mailbox "Support".*restoreDeleted: true brings/s,
    );
  });

  test("whose answer is lost is observed", async () => {
    const world = await startWorld();
    const old = await madeAndDeleted(world);
    await world.fault({ service: "graph", method: "POST", path: "/restore", close: "after" });
    const resource = await world.resource("SharedMailbox", "again").up({ ...program, restoreDeleted: true });
    expect(resource.id).toBe(old.id);
  });
});

describe("a deleted mailbox that had the address", () => {
  const refusedBy = async (world: World, more: Row = {}): Promise<string> => {
    await world.writes();
    const resource = world.resource("SharedMailbox", "again");
    const message = await resource.up({ ...program, ...more }).then(
      () => "made",
      (error: Error) => error.message,
    );
    expect(await world.writes()).toEqual([]);
    expect(resource.state).toBeUndefined();
    return message;
  };
  const deliver = (world: World) =>
    world.control("POST", "deliver", { from: "customer@example.com", to: address, subject: "Broken" });

  test("stops a creation, which says what is in it and both ways on", async () => {
    const world = await startWorld();
    const resource = await world.resource("SharedMailbox", "support").up(program);
    const { id, outputs } = resource;
    await deliver(world);
    await deliver(world);
    await resource.destroy();
    const message = await refusedBy(world);
    const [{ WhenSoftDeleted: deletedAt } = {}] = await deleted(world);
    expect(message).toBe(
      `primarySmtpAddress: ${address} was the address of the deleted mailbox "Support" (Exchange guid ${outputs.exchangeGuid}, ` +
        `id ${id}, deleted ${new Date(String(deletedAt)).toISOString().slice(0, 19)}Z, 2 items). Nothing was changed. To bring it back with its content write ` +
        "restoreDeleted: true. For a new, empty mailbox write restoreDeleted: false.",
    );
    const anew = await world.resource("SharedMailbox", "again").up({ ...program, restoreDeleted: false });
    expect(anew.id).not.toBe(id);
    expect(anew.outputs).toMatchObject({ created: true, itemCount: 0 });
  });

  test("stops it too where somebody deleted it by hand and a refresh has shown that", async () => {
    const world = await startWorld();
    const resource = await world.resource("SharedMailbox", "support").up(program);
    const { id } = resource;
    await world.exchange("Remove-Mailbox", { Identity: id, Confirm: false });
    expect(await resource.refresh()).toBe("gone");
    await expect(resource.up(program)).rejects.toThrow(/^primarySmtpAddress: .* restoreDeleted: true/);
    await resource.up({ ...program, restoreDeleted: true });
    expect(resource.id).toBe(id);
  });

  test("names each where there are several", async () => {
    const world = await startWorld();
    const guids = [await madeAndDeleted(world, "one"), await madeAndDeleted(world, "two")].map(
      ({ exchangeGuid }) => exchangeGuid,
    );
    const message = await refusedBy(world);
    for (const guid of guids) {
      expect(message).toContain(`(Exchange guid ${guid}`);
      expect(message).toContain(`restoreDeleted: "${guid}"`);
    }
    expect(message).not.toContain("restoreDeleted: true");
  });

  test.each([
    ["a person's", { recipientTypeDetails: "UserMailbox" }, {}, 'adopt: "convert"'],
    ["an inactive one", {}, { isInactiveMailbox: true }, "New-Mailbox -InactiveMailbox"],
  ])("stops it where it is %s, which does not come back this way", async (_what, change, mailbox, way) => {
    const world = await startWorld();
    await madeAndDeleted(world);
    await world.patchRecipient(address, { ...change, mailbox });
    const message = await refusedBy(world);
    expect(message).toContain(way);
    expect(message).not.toContain("restoreDeleted: true");
    await world.resource("SharedMailbox", "again").up({ ...program, restoreDeleted: false });
  });

  test("as a further one is told, and a new one made", async () => {
    const world = await startWorld();
    const other = world.resource("SharedMailbox", "other");
    await other.up({ displayName: "Other", primarySmtpAddress: "other@contoso.com", emailAliases: [address] });
    await other.destroy();
    const resource = await world.resource("SharedMailbox", "support").up(program);
    expect(resource.outputs).toMatchObject({ created: true });
    expect(world.warnings.join("\n")).toContain(`${address} was a further address of the deleted mailbox "Other"`);
  });

  test("that the application may not look for stops it, unless the program says that a new one is meant", async () => {
    const world = await startWorld();
    await world.fault({
      cmdlet: "Get-Mailbox",
      times: "always",
      answer: { status: 403, body: "" },
    });
    expect(await refusedBy(world)).toMatch(
      /^restoreDeleted: whether a deleted mailbox had the address support@contoso\.com is not known: .*restoreDeleted: false\.$/,
    );
    await world.control("DELETE", "faults");
    await world.resource("SharedMailbox", "again").up({ ...program, restoreDeleted: false });
  });

  test("does not stop a replacement, which its preview showed", async () => {
    const world = await startWorld();
    await madeAndDeleted(world);
    const resource = await world.resource("SharedMailbox", "support").up({ ...program, restoreDeleted: false });
    const { id } = resource;
    await world.together(async () => {
      await resource.destroy();
      await resource.up(program);
    });
    expect(resource.id).not.toBe(id);
  });

  describe("gives nobody access that no preview showed", () => {
    const again = { ...program, restoreDeleted: true };
    const grace = "grace@contoso.com";
    // A recipient made in the cloud is printed by its object id.
    const alanPrinted = "10ca17e4-a001-4000-8000-000000000003";

    async function deletedWithAccess(world: World): Promise<string> {
      const { id } = await world.resource("SharedMailbox", "support").up(program);
      await world.exchange("Add-MailboxPermission", { Identity: id, User: grace, AccessRights: ["FullAccess"] });
      await world.exchange("Add-MailboxPermission", {
        Identity: id,
        User: "Support Team",
        AccessRights: ["ReadPermission"],
      });
      await world.exchange("Add-RecipientPermission", {
        Identity: id,
        Trustee: grace,
        AccessRights: ["SendAs"],
        Confirm: false,
      });
      await world.exchange("Set-Mailbox", {
        Identity: id,
        GrantSendOnBehalfTo: { "@odata.type": "#Exchange.GenericHashTable", Add: ["alan@contoso.com"] },
        ForwardingAddress: "alan@contoso.com",
        DeliverToMailboxAndForward: true,
      });
      await world.exchange("Remove-Mailbox", { Identity: id, Confirm: false });
      return id;
    }

    async function access(world: World, id: string): Promise<Row> {
      const [mailbox] = await world.exchange("Get-Mailbox", { Identity: id });
      const explicit = (rows: Row[], who: string) =>
        rows.filter((row) => row.IsInherited !== true && !String(row[who]).includes("SELF")).map((row) => row[who]);
      return {
        access: explicit(await world.exchange("Get-MailboxPermission", { Identity: id }), "User"),
        sendAs: explicit(await world.exchange("Get-RecipientPermission", { Identity: id }), "Trustee"),
        sendOnBehalf: mailbox?.GrantSendOnBehalfTo,
        forwardsTo: mailbox?.ForwardingAddress,
      };
    }

    const nobody = { access: [], sendAs: [], sendOnBehalf: [], forwardsTo: null };

    test("not those who had it before, and says who", async () => {
      const world = await startWorld();
      const id = await deletedWithAccess(world);
      const resource = await world.resource("SharedMailbox", "again").up(again);
      expect(resource.id).toBe(id);
      expect(await access(world, id)).toEqual(nobody);
      const warnings = world.warnings.join("\n");
      expect(warnings).toContain("restoreDeleted: a mailbox that comes back loses the access that people had to it");
      expect(warnings).toMatch(
        /came back without the access .*alan@contoso\.com \(SendOnBehalf\), grace@contoso\.com \(FullAccess, SendAs\)/,
      );
      expect(warnings).toContain("came back without its forwarding to alan@contoso.com.");
      expect(resource.outputs).not.toHaveProperty("__memory");
      expect(await resource.refresh()).toEqual({});
      await world.resource("MailboxMembership", "people").up({ mailbox: id, members: [grace] });
      expect(await access(world, id)).toMatchObject({ access: [grace], sendAs: [grace] });
    });

    test("forwarding that is declared stays", async () => {
      const world = await startWorld();
      const id = await deletedWithAccess(world);
      await world.resource("SharedMailbox", "again").up({ ...again, forwarding: { to: "alan@contoso.com" } });
      expect(await access(world, id)).toMatchObject({ access: [], forwardsTo: alanPrinted });
    });

    test.each(["Get-MailboxPermission", "Remove-MailboxPermission", "Remove-RecipientPermission"])(
      "nor where %s fails: the next deployment goes on with it",
      async (cmdlet) => {
        const world = await startWorld();
        const id = await deletedWithAccess(world);
        await world.fault({ cmdlet, answer: { status: 403, body: "" } });
        const resource = world.resource("SharedMailbox", "again");
        await expect(resource.up(again)).rejects.toThrow();
        expect(resource.id).toBe(id);
        await resource.up(again);
        expect(await access(world, id)).toEqual(nobody);
        expect(resource.outputs).not.toHaveProperty("__memory");
      },
    );
  });

  test.each([
    ["restoreDeleted", true],
    ["restoreDeleted", false],
    ["adopt", true],
  ])("%s: %s is said to change nothing where the mailbox is there already", async (property, value) => {
    const world = await startWorld();
    const resource = await world.resource("SharedMailbox", "support").up(program);
    expect(world.warnings).toEqual([]);
    await resource.check({ ...program, [property]: value });
    const advice = `${property} counts only when the mailbox is created. This change has no effect on the existing one.`;
    expect(world.warnings).toEqual(value === false ? [] : [advice]);
  });
});

describe("a deletion", () => {
  test("says until when the mailbox can come back, and how", async () => {
    const world = await startWorld();
    await world.control("POST", "clock", { advance: 400 * 86_400_000 });
    const resource = await world.resource("SharedMailbox", "support").up(program);
    const { exchangeGuid } = resource.outputs;
    await resource.destroy();
    const [{ WhenSoftDeleted: deletedAt } = {}] = await deleted(world);
    const until = new Date(Date.parse(String(deletedAt)) + 30 * 86_400_000).toISOString().slice(0, 10);
    expect(world.warnings).toEqual([
      `The mailbox ${address} is deleted and recoverable until ${until}: put the resource back with restoreDeleted: true ` +
        `(Exchange guid ${exchangeGuid}).`,
    ]);
  });
});

describe('deletion: "purge"', () => {
  test("takes mailbox and account away for good, the mailbox first", async () => {
    const world = await startWorld();
    const resource = await world.resource("SharedMailbox", "support").up({ ...program, deletion: "purge" });
    const { id } = resource;
    await world.writes();
    await resource.destroy();
    expect(await deleted(world)).toEqual([]);
    expect(await deletedUser(world, id)).toBeUndefined();
    const writes = await world.writes();
    expect(writes.slice(0, 2)).toEqual(["Remove-Mailbox", "Remove-Mailbox"]);
    expect(writes[2]).toMatch(/^DELETE .*deletedItems/);
  });

  test("continues where an earlier one stopped", async () => {
    const world = await startWorld();
    const resource = await world.resource("SharedMailbox", "support").up({ ...program, deletion: "purge" });
    const { id } = resource;
    await world.fault({
      service: "graph",
      method: "DELETE",
      path: "/deletedItems",
      answer: { status: 400, body: { error: { code: "Request_BadRequest", message: "no" } } },
    });
    await expect(resource.destroy()).rejects.toThrow(/purging the deleted account/);
    await resource.destroy();
    expect(await deletedUser(world, id)).toBeUndefined();
  });

  test("warns where the application may not purge the account", async () => {
    const world = await startWorld();
    const resource = await world.resource("SharedMailbox", "support").up({ ...program, deletion: "purge" });
    const { id } = resource;
    await world.fault({
      service: "graph",
      method: "DELETE",
      path: "/deletedItems",
      answer: { status: 403, body: { error: { code: "Authorization_RequestDenied", message: "no" } } },
    });
    await resource.destroy();
    expect(world.warnings.join()).toMatch(/its deleted account stays for 30 days/);
    expect(await deletedUser(world, id)).toBeDefined();
  });

  const notThere = { status: 404, body: { error: { code: "Request_ResourceNotFound", message: "no" } } };

  test("waits for the account to be among the deleted ones", async () => {
    const world = await startWorld();
    const resource = await world.resource("SharedMailbox", "support").up({ ...program, deletion: "purge" });
    const { id } = resource;
    await world.fault({ service: "graph", path: "/deletedItems", times: 2, answer: notThere });
    await resource.destroy();
    await world.control("DELETE", "faults");
    expect(await deletedUser(world, id)).toBeUndefined();
    expect(world.warnings).toEqual([]);
  });

  test("warns of an account that does not show among the deleted ones in time", async () => {
    const world = await startWorld({ config: { settleTimeout: "1s" } });
    const resource = await world.resource("SharedMailbox", "support").up({ ...program, deletion: "purge" });
    const { id } = resource;
    await world.fault({ service: "graph", path: "/deletedItems", times: "always", answer: notThere });
    await resource.destroy();
    await world.control("DELETE", "faults");
    expect(world.warnings.join()).toMatch(
      /support@contoso\.com is purged; its deleted account stays for 30 days: Entra does not show it/,
    );
    expect(await deleted(world)).toEqual([]);
    expect(await deletedUser(world, id)).toBeDefined();
  });

  test("of an account whose answer is lost is observed", async () => {
    const world = await startWorld();
    const resource = await world.resource("SharedMailbox", "support").up({ ...program, deletion: "purge" });
    const { id } = resource;
    await world.fault({ service: "graph", method: "DELETE", path: "/deletedItems", close: "after" });
    await resource.destroy();
    expect(await deletedUser(world, id)).toBeUndefined();
    expect(world.warnings).toEqual([]);
  });

  test.each([
    ["gone for good", true],
    ["deleted", false],
  ])("of an imported mailbox, whose Exchange guid no state knows, that somebody has %s", async (_how, isPurged) => {
    const world = await startWorld();
    const resource = await world.resource("SharedMailbox", "support").up({ ...program, deletion: "purge" });
    const { id, outputs } = resource;
    const guid = outputs.exchangeGuid;
    delete outputs.exchangeGuid;
    await world.exchange("Remove-Mailbox", { Identity: id, Confirm: false });
    if (isPurged) {
      await world.exchange("Remove-Mailbox", { Identity: guid, PermanentlyDelete: true, Confirm: false });
      await world.graph("DELETE", `/directory/deletedItems/${id}`);
    }
    await resource.destroy();
    expect(await deleted(world)).toEqual([]);
    expect(await deletedUser(world, id)).toBeUndefined();
    expect(world.warnings).toEqual([]);
  });

  test("of a held mailbox is refused, and with allowInactive leaves an inactive one", async () => {
    const world = await startWorld();
    const resource = await world.resource("SharedMailbox", "support").up({ ...program, deletion: "purge" });
    await world.patchRecipient(address, { mailbox: { litigationHoldEnabled: true } });
    await expect(resource.destroy()).rejects.toThrow(/under litigation hold/);
    await resource.up({ ...program, deletion: { mode: "purge", allowInactive: true } });
    await resource.destroy();
    expect(world.warnings.join()).toMatch(/became an inactive one and cannot be purged/);
  });
});

describe("an address that Exchange does not give out yet", () => {
  test("is waited for when this deployment released it", async () => {
    const world = await startWorld();
    const [one, two] = [world.resource("SharedMailbox", "one"), world.resource("SharedMailbox", "two")];
    await one.up({ ...program, emailAliases: ["help@contoso.com"] });
    await two.up({ displayName: "Two", primarySmtpAddress: "two@contoso.com" });
    await world.control("PATCH", "settings", { addressRelease: 1500 });
    await world.together(async () => {
      await one.up({ ...program, emailAliases: [] });
      await two.up({ displayName: "Two", primarySmtpAddress: "two@contoso.com", emailAliases: ["help@contoso.com"] });
    });
    const [mailbox] = await world.exchange("Get-Mailbox", { Identity: two.id });
    expect(mailbox?.EmailAddresses).toContain("smtp:help@contoso.com");
  });

  test("is an error that says so when it is not given out within the settle timeout", async () => {
    const world = await startWorld({ config: { settleTimeout: "1s" } });
    const [one, two] = [world.resource("SharedMailbox", "one"), world.resource("SharedMailbox", "two")];
    await one.up({ ...program, emailAliases: ["help@contoso.com"] });
    await two.up({ displayName: "Two", primarySmtpAddress: "two@contoso.com" });
    await world.control("PATCH", "settings", { addressRelease: 600_000 });
    await world.together(async () => {
      await one.up({ ...program, emailAliases: [] });
      await expect(
        two.up({ displayName: "Two", primarySmtpAddress: "two@contoso.com", emailAliases: ["help@contoso.com"] }),
      ).rejects.toThrow(/^emailAliases\[0\].*help@contoso\.com.*may stay refused for up to an hour/);
    });
  });

  test("is an error when somebody else released it", async () => {
    const world = await startWorld();
    const [one, two] = [world.resource("SharedMailbox", "one"), world.resource("SharedMailbox", "two")];
    await one.up({ ...program, emailAliases: ["help@contoso.com"] });
    await two.up({ displayName: "Two", primarySmtpAddress: "two@contoso.com" });
    await world.control("PATCH", "settings", { addressRelease: 600_000 });
    await one.up({ ...program, emailAliases: [] });
    await expect(
      two.up({ displayName: "Two", primarySmtpAddress: "two@contoso.com", emailAliases: ["help@contoso.com"] }),
    ).rejects.toThrow(/help@contoso\.com/);
  });
});

test("two info@ on two domains just work", async () => {
  const world = await startWorld();
  const one = await world
    .resource("SharedMailbox", "one")
    .up({ displayName: "One", primarySmtpAddress: "info@contoso.com" });
  const two = await world
    .resource("SharedMailbox", "two")
    .up({ displayName: "Two", primarySmtpAddress: "info@fabrikam.example" });
  expect(one.id).not.toBe(two.id);
});

describe('adopt: "convert"', () => {
  const person = "radia@contoso.com";
  const shared = { displayName: "Radia Perlman", primarySmtpAddress: person, adopt: "convert" };

  test("turns a person's mailbox into a shared one, blocked and with its licence", async () => {
    const world = await startWorld();
    const before = (await world.graph("GET", `/users/${person}?$select=id,assignedLicenses`)) as Row;
    const resource = await world.resource("SharedMailbox", "radia").up({ ...shared, signInBlocked: true });
    expect(resource.id).toBe(before.id);
    expect(await world.graph("GET", `/users/${before.id}?$select=accountEnabled,assignedLicenses`)).toMatchObject({
      accountEnabled: false,
      assignedLicenses: before.assignedLicenses,
    });
    const [mailbox] = await world.exchange("Get-Mailbox", { Identity: resource.id });
    expect(mailbox).toMatchObject({ RecipientTypeDetails: "SharedMailbox" });
    expect(await resource.refresh()).toEqual({});
    await resource.destroy();
    expect(await world.exchange("Get-Mailbox", { Identity: before.id })).toHaveLength(1);
  });

  test("refuses an administrator's account before anything is changed", async () => {
    const world = await startWorld();
    const { id } = (await world.graph("GET", `/users/${person}?$select=id`)) as Row;
    await world.control("PATCH", `state/users/${id}`, { directoryRoles: ["Global Administrator"] });
    await world.writes();
    await expect(world.resource("SharedMailbox", "radia").up({ ...shared, signInBlocked: true })).rejects.toThrow(
      /administrator's role is not converted/,
    );
    const [mailbox] = await world.exchange("Get-Mailbox", { Identity: id });
    expect(mailbox).toMatchObject({ RecipientTypeDetails: "UserMailbox" });
  });

  test("refuses an account without a licence", async () => {
    const world = await startWorld();
    const { id } = (await world.graph("GET", `/users/${person}?$select=id`)) as Row;
    await world.control("PATCH", `state/users/${id}`, { assignedLicenses: [] });
    await expect(world.resource("SharedMailbox", "radia").up({ ...shared, signInBlocked: true })).rejects.toThrow(
      /has no licence/,
    );
  });

  test("is needed: adopt: true leaves a person's mailbox alone", async () => {
    const world = await startWorld();
    await expect(world.resource("SharedMailbox", "radia").up({ ...shared, adopt: true })).rejects.toThrow(
      /belongs to the user mailbox "Radia Perlman"/,
    );
  });
});

test("sessions that cannot be ended are told, and the account is blocked all the same", async () => {
  const world = await startWorld({ settings: { newSharedAccountEnabled: true } });
  await world.fault({
    service: "graph",
    method: "POST",
    path: "revokeSignInSessions",
    answer: { status: 403, body: { error: { code: "Authorization_RequestDenied", message: "no" } } },
  });
  const resource = await world.resource("SharedMailbox", "support").up(program);
  expect(await world.graph("GET", `/users/${resource.id}?$select=accountEnabled`)).toMatchObject({
    accountEnabled: false,
  });
  expect(world.warnings.join()).toMatch(/open sessions go on until their tokens expire/);
});

describe("a mailbox that somebody turned into another type", () => {
  async function turned(world: World, more: Row = {}, type = "Regular") {
    const resource = await world.resource("SharedMailbox", "support").up({ ...program, ...more });
    await world.exchange("Set-Mailbox", { Identity: resource.id, Type: type, AccountDisabled: false });
    return resource;
  }
  const typeOf = async (world: World, id: string) =>
    (await world.exchange("Get-Mailbox", { Identity: id }))[0]?.RecipientTypeDetails;

  test.each([
    ["Regular", "UserMailbox"],
    ["Room", "RoomMailbox"],
  ])("%s is drift, is named, and is converted back with sign-in blocked", async (type, shown) => {
    const world = await startWorld();
    const resource = await turned(world, {}, type);
    expect(await resource.refresh()).toEqual({ type: [undefined, shown], signInBlocked: [true, false] });
    expect(resource.outputs).toMatchObject({ recipientTypeDetails: shown });
    expect(await resource.plan(program)).toEqual(["signInBlocked", "type"]);
    await world.writes();
    await resource.up({ ...program, displayName: "Renamed" });
    expect(await typeOf(world, resource.id)).toBe("SharedMailbox");
    const [first, ...others] = await world.writes();
    expect(first).toMatch(/^PATCH \/v1\.0\/users/);
    expect(others.filter((write) => write === "Set-Mailbox")).toHaveLength(2);
    expect(await resource.refresh()).toEqual({});
    expect(await resource.plan({ ...program, displayName: "Renamed" })).toEqual([]);
    await resource.destroy();
  });

  test("is not converted by a deployment that no refresh came before, and that says so", async () => {
    const world = await startWorld();
    const resource = await turned(world);
    await resource.up({ ...program, displayName: "Renamed" });
    expect(await typeOf(world, resource.id)).toBe("UserMailbox");
    expect(world.warnings.join("\n")).toMatch(/not a shared mailbox any more but a UserMailbox.*pulumi up --refresh/);
  });

  test("is not deleted", async () => {
    const world = await startWorld();
    const resource = await turned(world);
    await resource.refresh();
    await expect(resource.destroy()).rejects.toThrow(/it is the user mailbox "Support".*only shared mailboxes are/);
    expect(await typeOf(world, resource.id)).toBe("UserMailbox");
  });

  test("stays as it is while it holds more than a shared one may without a licence", async () => {
    const world = await startWorld();
    const resource = await turned(world);
    await world.patchRecipient(address, { mailbox: { totalItemSize: 60 * 1024 ** 3, itemCount: 1 } });
    await resource.refresh();
    await world.writes();
    await expect(resource.up(program)).rejects.toThrow(/^type: support@contoso\.com holds 60 GB/);
    expect(await world.writes()).toEqual([]);
  });

  test("is converted, and that nobody looked is said, where the application may not read what it holds", async () => {
    const world = await startWorld();
    const resource = await turned(world);
    await resource.refresh();
    const answer = { status: 403, body: { error: { code: "Forbidden", message: "no" } } };
    await world.fault({ cmdlet: "Get-MailboxStatistics", answer, times: "always" });
    await resource.up(program);
    expect(await typeOf(world, resource.id)).toBe("SharedMailbox");
    expect(world.warnings.join("\n")).toContain(`What ${address} holds was not checked`);
  });

  test("may be declared as what it is", async () => {
    const world = await startWorld();
    const declared = { ...program, type: "SharedMailbox" };
    const resource = await turned(world, { type: "SharedMailbox" });
    expect(await resource.refresh()).toMatchObject({ type: ["SharedMailbox", "UserMailbox"] });
    await resource.up(declared);
    expect(await typeOf(world, resource.id)).toBe("SharedMailbox");
    await expect(resource.check({ ...program, type: "UserMailbox" })).rejects.toThrow(/^type: must be "SharedMailbox"/);
  });
});
