import { record, recordId, rules, userId } from "./dataverse-rows";
import { failure, holders, makeMailbox, type Resource, type Row, startWorld, type World, withMailbox } from "./harness";

/** What comes back with an account or a mailbox, and what an address stands for that has gone to somebody else. */

const ADA = "ada@contoso.com";
const ALAN = "alan@contoso.com";
const GRACE = "grace@contoso.com";
const COLLECTOR = "forwardmailbox@contoso.com";
const intake = { name: "CRM intake", emailAddress: COLLECTOR, testAndEnable: false };

const idOf = async (world: World, address: string) => String((await world.graph("GET", `/users/${address}`))?.id);
const discard = (world: World, id: string) => world.graph("DELETE", `/users/${id}`);
const restore = (world: World, id: string) => world.graph("POST", `/directory/deletedItems/${id}/restore`, {});

/** Gives somebody's address to another one, behind everybody's back. */
async function passOn(world: World, address: string, to: string): Promise<void> {
  const id = await idOf(world, address);
  await world.patchRecipient(address, {
    emailAddresses: ["SMTP:former@contoso.com"],
    mailbox: { userPrincipalName: "former@contoso.com" },
  });
  await world.control("PATCH", `state/users/${id}`, { userPrincipalName: "former@contoso.com" });
  await world.patchRecipient(to, { emailAddresses: [`SMTP:${address}`, `smtp:${to}`] });
}

describe("a source of a forward mailbox whose account is deleted", () => {
  const BOTH = { ...intake, sources: [ADA, ALAN] };
  const ONE = { ...intake, sources: [ADA] };

  async function deployed(): Promise<{ world: World; resource: Resource; alan: string }> {
    const world = await startWorld();
    await makeMailbox(world, COLLECTOR);
    const resource = await world.resource("ForwardingMailbox", "intake").up(BOTH);
    const alan = await idOf(world, ALAN);
    await discard(world, alan);
    world.warnings.splice(0);
    return { world, resource, alan };
  }

  test.each(["refreshed before", "not refreshed"])(
    "and who is taken out of the program is named by a refresh once restored, and let go: %s",
    async (when) => {
      const { world, resource, alan } = await deployed();
      if (when === "refreshed before") {
        await resource.refresh();
      }
      await resource.up(ONE);
      expect(world.warnings.join("\n")).toMatch(
        /^sources\["alan@contoso\.com"\] \(id .*\) has no mailbox now\. Its account is there or can be restored\. .* its mail is forwarded to Dynamics again/m,
      );
      expect(await resource.plan(ONE)).toEqual([]);
      await restore(world, alan);
      expect(await rules(world, ALAN)).toHaveLength(1);
      expect(await resource.refresh()).toEqual({ [`sources/${ALAN}`]: [undefined, {}] });
      expect(await resource.plan(ONE)).toEqual([`sources/${ALAN}`]);
      await resource.up(ONE);
      expect(await rules(world, ALAN)).toEqual([]);
      expect((await record(world, recordId(3))).incomingemaildeliverymethod).not.toBe(3);
      expect(await resource.refresh()).toEqual({});
    },
  );

  test("and restored is let go by the next update, though no refresh came between", async () => {
    const { world, resource, alan } = await deployed();
    await resource.up(ONE);
    await restore(world, alan);
    await resource.up({ ...ONE, name: "CRM" });
    expect(await rules(world, ALAN)).toEqual([]);
    expect(await resource.refresh()).toEqual({});
  });

  test("is told of where the resource goes, and forgotten once the account is purged", async () => {
    const { world, resource, alan } = await deployed();
    await resource.up(ONE);
    world.warnings.splice(0);
    expect(await resource.refresh()).toEqual({});
    expect(world.warnings.join("\n")).toContain(`sources["${ALAN}"] (id ${alan}) has no mailbox now`);
    await world.graph("DELETE", `/directory/deletedItems/${alan}`);
    world.warnings.splice(0);
    expect(await resource.refresh()).toEqual({});
    expect(world.warnings).toEqual([]);

    const other = await deployed();
    await other.resource.destroy();
    expect(other.world.warnings.join("\n")).toContain("Without this resource, check the mailbox by hand");
  });
});

describe("an address that has gone to somebody else", () => {
  test("of a source is told", async () => {
    const world = await startWorld();
    await makeMailbox(world, COLLECTOR);
    const resource = await world.resource("ForwardingMailbox", "intake").up({ ...intake, sources: [ADA] });
    world.warnings.splice(0);
    await passOn(world, ADA, ALAN);
    await resource.refresh();
    expect(world.warnings.join("\n")).toMatch(
      /^sources\["ada@contoso\.com"\] still means the user mailbox "Ada Lovelace" \(former@contoso\.com\) .* It is the address of the user mailbox "Alan Turing"/m,
    );
  });

  test.each([
    ["Queue", { name: "Orders", emailAddress: "orders@contoso.com", testAndEnable: false }, /may read the queue/],
    ["ForwardingMailbox", { ...intake, emailAddress: "orders@contoso.com" }, /private mail included, and deletes it/],
  ] as const)(
    "and is a person's now is told by the refresh of a %s, in the words of privacy",
    async (kind, program, words) => {
      const world = await startWorld();
      await makeMailbox(world, "orders@contoso.com");
      const resource = await world.resource(kind, "orders").up(program);
      world.warnings.splice(0);
      await resource.refresh();
      expect(world.warnings).toEqual([]);
      await passOn(world, "orders@contoso.com", ADA);
      await resource.refresh();
      expect(world.warnings.join("\n")).toMatch(
        /^emailAddress orders@contoso\.com is a person's mailbox, .*"Ada Lovelace"/m,
      );
      expect(world.warnings.join("\n")).toMatch(words);
    },
  );

  test("of a Dynamics user is told", async () => {
    const world = await startWorld();
    const program = { user: GRACE, incomingEmail: "ServerSideSynchronization", testAndEnable: false };
    const resource = await world.resource("IndividualMailbox", "grace").up(program);
    const renamed = (address: string) => ({ internalemailaddress: address, domainname: address });
    await world.dataverse("PATCH", `/systemusers(${userId(2)})`, renamed("grace.king@contoso.com"));
    world.warnings.splice(0);
    await resource.refresh();
    expect(world.warnings).toEqual([]);
    await world.dataverse("PATCH", `/systemusers(${userId(3)})`, renamed(GRACE));
    await resource.refresh();
    expect(world.warnings.join("\n")).toMatch(
      /^user still means Grace Hopper .* who had the address grace@contoso\.com before\. It is the address of Alan Turing .* now\. Write the id/m,
    );
  });

  test("of a member gives that member no further right; what is there stays, and the id goes on", async () => {
    const { world, id, membership } = await withMailbox();
    const { id: adaId } = (await world.graph("GET", `/users/${ADA}`)) as Row;
    await membership.up({ mailbox: id, members: [ADA] });
    await passOn(world, ADA, ALAN);
    await world.writes();
    const more = { mailbox: id, members: { [ADA]: { sendOnBehalf: true } } };
    expect(await failure(membership.up(more))).toMatch(
      /^members\["ada@contoso\.com"\]: is the address of the user mailbox "Alan Turing" \(ada@contoso\.com\) now, and was that of the user mailbox "Ada Lovelace" .*Nobody's access was changed\. Write the id of the one who is meant/,
    );
    expect(await world.writes()).toEqual([]);
    await membership.up({ mailbox: id, members: [ADA, GRACE] });
    expect(await holders(world, id)).toEqual(["former@contoso.com", GRACE]);
    await membership.up({ mailbox: id, members: { [String(adaId)]: { sendOnBehalf: true }, [GRACE]: {} } });
    expect((await world.exchange("Get-Mailbox", { Identity: id }))[0]?.GrantSendOnBehalfTo).toHaveLength(1);
  });
});

describe("a mailbox that is deleted by hand", () => {
  test.each(["refreshed", "destroyed"] as const)(
    "is told to come back with the access of its members: %s",
    async (how) => {
      const { world, id, membership } = await withMailbox();
      await membership.up({ mailbox: id, members: [ADA, GRACE] });
      await discard(world, id);
      world.warnings.splice(0);
      await (how === "refreshed" ? membership.refresh() : membership.destroy());
      expect(membership.state).toBeUndefined();
      expect(world.warnings.join("\n")).toMatch(
        /^The mailbox support@contoso\.com \(id .*\) is deleted and can be restored\. If somebody restores it by hand, it gives access again to ada@contoso\.com, grace@contoso\.com\./m,
      );
    },
  );

  test("is not told of once it is gone for good", async () => {
    const { world, id, membership } = await withMailbox();
    await membership.up({ mailbox: id, members: [ADA] });
    await discard(world, id);
    await world.graph("DELETE", `/directory/deletedItems/${id}`);
    world.warnings.splice(0);
    expect(await membership.refresh()).toBe("gone");
    expect(world.warnings).toEqual([]);
  });
});

test("a member's access that ends, and that ignoreChanges keeps, is told as kept", async () => {
  const { world, id, membership } = await withMailbox();
  const program = { mailbox: id, members: { [ADA]: { until: "2027-01-31" }, [GRACE]: {} } };
  world.onDay("2026-11-28");
  await membership.up(program);
  world.onDay("2027-02-01");
  for (const path of [`members/${ADA}`, "members"]) {
    membership.ignoreChanges = [path];
    world.warnings.splice(0);
    expect(await membership.plan(program)).toEqual([]);
    expect(world.warnings).toEqual([
      `Access was to end on 2027-01-31, and ignoreChanges keeps it: ${ADA}. Take the path out of ignoreChanges to end it.`,
    ]);
  }
  membership.ignoreChanges = [];
  expect(await membership.plan(program)).toEqual([`members/${ADA}`]);
});

describe("a forwarding target whose account is deleted", () => {
  const support = { displayName: "Support", primarySmtpAddress: "support@contoso.com" };
  const forwardsTo = async (world: World, { id }: Resource) =>
    (await world.exchange("Get-Mailbox", { Identity: id }))[0]?.ForwardingAddress;

  async function deployed(): Promise<{ world: World; resource: Resource; alan: string }> {
    const world = await startWorld();
    const resource = await world.resource("SharedMailbox", "support").up({ ...support, forwarding: { to: ALAN } });
    const alan = await idOf(world, ALAN);
    await discard(world, alan);
    world.warnings.splice(0);
    return { world, resource, alan };
  }

  test.each(["refreshed before", "not refreshed"])(
    "is named by a refresh once restored, though the program has no forwarding any more, and gets no mail then: %s",
    async (when) => {
      const { world, resource, alan } = await deployed();
      if (when === "refreshed before") {
        await resource.refresh();
        expect(world.warnings.join("\n")).toContain(`was forwarded to the account ${alan}, which has no mailbox now`);
      }
      await resource.up(support);
      expect(await resource.refresh()).toEqual({});
      await restore(world, alan);
      expect(await forwardsTo(world, resource)).not.toBeNull();
      expect(await resource.refresh()).toEqual({ forwarding: [undefined, { to: ALAN, keepCopy: true }] });
      expect(await resource.plan(support)).toEqual(["forwarding"]);
      await resource.up(support);
      expect(await forwardsTo(world, resource)).toBeNull();
      expect(await resource.refresh()).toEqual({});
      expect(await resource.plan(support)).toEqual([]);
    },
  );

  test("is stopped by the next update, though no refresh came between", async () => {
    const { world, resource, alan } = await deployed();
    await resource.up(support);
    await restore(world, alan);
    await resource.up({ ...support, displayName: "Desk" });
    expect(await forwardsTo(world, resource)).toBeNull();
  });

  test("is what the program says once it is restored, and forgotten once it is purged", async () => {
    const { world, resource, alan } = await deployed();
    await resource.refresh();
    await restore(world, alan);
    await resource.refresh();
    expect(await resource.plan({ ...support, forwarding: { to: ALAN } })).toEqual([]);
    await discard(world, alan);
    await resource.up({ ...support, displayName: "Desk" });
    await world.graph("DELETE", `/directory/deletedItems/${alan}`);
    world.warnings.splice(0);
    expect(await resource.refresh()).toEqual({});
    expect(world.warnings).toEqual([]);
  });
});

describe("a sender whose account is deleted", () => {
  const support = { displayName: "Support", primarySmtpAddress: "support@contoso.com" };

  async function lists(world: World, { id }: Resource): Promise<unknown[]> {
    const [row = {}] = await world.exchange("Get-Mailbox", { Identity: id });
    return [row.AcceptMessagesOnlyFromSendersOrMembers, row.RejectMessagesFromSendersOrMembers].flat();
  }

  describe.each(["acceptMessagesOnlyFrom", "rejectMessagesFrom"])("in %s", (list) => {
    test.each([
      ["refreshed before", [ALAN]],
      ["not refreshed", [ALAN]],
      ["refreshed before", [ADA, ALAN]],
      ["not refreshed", [ADA, ALAN]],
    ])(
      "does not come back with the account once the program has no such list any more: %s, %j",
      async (when, declared) => {
        const world = await startWorld();
        const resource = await world.resource("SharedMailbox", "support").up({ ...support, [list]: declared });
        const alan = await idOf(world, ALAN);
        await discard(world, alan);
        if (when === "refreshed before") {
          await resource.refresh();
        }
        await resource.up(support);
        await restore(world, alan);
        expect(await lists(world, resource)).toEqual([]);
        expect(await resource.refresh()).toEqual({});
        expect(await resource.plan(support)).toEqual([]);
      },
    );

    test("does not come back with the account once the list is without her", async () => {
      const world = await startWorld();
      const resource = await world.resource("SharedMailbox", "support").up({ ...support, [list]: [ADA, ALAN] });
      const alan = await idOf(world, ALAN);
      await discard(world, alan);
      const program = { ...support, [list]: [ADA] };
      await resource.up(program);
      await restore(world, alan);
      expect(await lists(world, resource)).toHaveLength(1);
      expect(await resource.refresh()).toEqual({});
      expect(await resource.plan(program)).toEqual([]);
    });
  });
});
