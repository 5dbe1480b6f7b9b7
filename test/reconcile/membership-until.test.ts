import { grant, holders, type Row, type World, withMailbox } from "./harness";

const ada = "ada@contoso.com";
const grace = "grace@contoso.com";
const alan = "alan@contoso.com";
const LAST_DAY = "2027-01-30";
const END = "2027-01-31";

/** Who may send as a mailbox by an entry of its own. */
async function senders(world: World, id: string): Promise<string[]> {
  const rows = await world.exchange("Get-RecipientPermission", { Identity: id, ResultSize: "Unlimited" });
  return rows.map((row) => String(row.Trustee).toLowerCase()).filter((one) => one.includes("@"));
}

describe("a member with an end", () => {
  test("keeps access until the day, loses every right on it, and stays away while the program lists it", async () => {
    const { world, id, membership } = await withMailbox();
    const program = { mailbox: id, members: { [ada]: { until: END, sendOnBehalf: true }, [grace]: {} } };
    world.onDay("2026-11-28");
    await membership.up(program);
    expect((membership.outputs.members as Record<string, Row>)[ada]).toMatchObject({ until: END });
    // Rights that were there beside the declared ones go too, as those of anybody who leaves.
    await world.exchange("Add-MailboxPermission", { Identity: id, User: ada, AccessRights: ["ReadPermission"] });
    world.onDay(LAST_DAY);
    expect(await membership.plan(program)).toEqual([]);
    expect(await membership.refresh()).toEqual({});
    expect(await holders(world, id)).toEqual([ada, grace]);

    world.onDay(END);
    expect(await membership.plan(program)).toEqual([`members/${ada}`]);
    await world.writes();
    await membership.up(program);
    expect(await world.writes()).toEqual(
      expect.arrayContaining(["Remove-MailboxPermission", "Remove-RecipientPermission", "Set-Mailbox"]),
    );
    expect(await holders(world, id)).toEqual([grace]);
    expect(await senders(world, id)).toEqual([grace]);
    const [mailbox] = await world.exchange("Get-Mailbox", { Identity: id });
    expect(mailbox?.GrantSendOnBehalfTo).toEqual([]);

    for (const day of [END, "2027-02-01", "2031-12-31"]) {
      world.onDay(day);
      expect(await membership.plan(program)).toEqual([]);
      expect(await membership.refresh()).toEqual({});
    }
    expect(await world.writes()).toEqual([]);
  });

  test("is told of in the last 14 days of each preview, and after the end", async () => {
    const { world, id, membership } = await withMailbox();
    const program = { mailbox: id, members: { [ada]: { until: END }, [alan]: { until: END }, [grace]: {} } };
    const said = async (day: string): Promise<string[]> => {
      world.warnings.splice(0);
      world.onDay(day);
      await membership.plan(program);
      return [...world.warnings];
    };
    world.onDay("2026-11-28");
    await membership.up(program);
    expect(await said("2027-01-16")).toEqual([]);
    expect(await said("2027-01-17")).toEqual([
      `Access ends on ${END}, in 14 days: ${ada}, ${alan}. A later \`until\` in members keeps it.`,
    ]);
    expect(await said(LAST_DAY)).toEqual([
      expect.stringContaining(`Access ends on ${END}, tomorrow: ${ada}, ${alan}.`),
    ]);
    expect(await said(END)).toEqual([
      `Access ended on ${END} and is not declared any more: ${ada}, ${alan}. Take them out of members, or write a later \`until\`.`,
    ]);
  });

  test("has access again only when a preview has shown a later end", async () => {
    const { world, id, membership } = await withMailbox();
    const members = (until: string) => ({ mailbox: id, members: { [ada]: { until }, [grace]: {} } });
    world.onDay(END);
    await membership.up(members(END));
    expect(await holders(world, id)).toEqual([grace]);
    expect(await membership.plan(members("2027-03-01"))).toEqual([`members/${ada}`]);
    await membership.up(members("2027-03-01"));
    expect(await holders(world, id)).toEqual([ada, grace]);
    // A later end alone changes nothing in the tenant, and shows.
    await world.writes();
    expect(await membership.plan(members("2027-04-01"))).toEqual([`members/${ada}/until`]);
    await membership.up(members("2027-04-01"));
    expect(await world.writes()).toEqual([]);
    expect(await membership.refresh()).toEqual({});
  });

  test("ends access to an exclusive membership too, though it is the last member, and strangers stay away", async () => {
    const { world, id, membership } = await withMailbox();
    const program = { mailbox: id, members: { [ada]: { until: END } }, exclusive: true };
    world.onDay(LAST_DAY);
    await membership.up(program);
    world.onDay(END);
    expect(await membership.plan(program)).toEqual([`members/${ada}`]);
    await membership.up(program);
    expect(await holders(world, id)).toEqual([]);
    expect(await membership.plan(program)).toEqual([]);
    // Given by hand, the access is a stranger's: the refresh finds it, the preview shows it, and it goes.
    await grant(world, id, ada);
    expect(Object.keys(await membership.refresh())).toEqual([`members/${ada}`]);
    expect(await membership.plan(program)).toEqual([`members/${ada}`]);
    await membership.up(program);
    expect(await holders(world, id)).toEqual([]);
    // A list that is empty by accident is refused as before.
    await grant(world, id, alan);
    await membership.refresh();
    await expect(membership.plan({ mailbox: id, members: {}, exclusive: true })).rejects.toThrow(/^members: is empty/);
  });

  test("can be declared by an exclusive membership that is new", async () => {
    const { world, id, membership } = await withMailbox();
    world.onDay(END);
    await membership.up({ mailbox: id, members: { [ada]: { until: END } }, exclusive: true });
    expect(await holders(world, id)).toEqual([]);
    expect(world.warnings.join()).toContain(`Access ended on ${END} and is not declared any more: ${ada}.`);
  });

  test("is kept, though its access has ended, where keep says so", async () => {
    const { world, id, membership } = await withMailbox();
    const program = { mailbox: id, members: { [ada]: { until: END }, [grace]: {} }, exclusive: true, keep: [ada] };
    world.onDay(LAST_DAY);
    await membership.up(program);
    world.onDay(END);
    await membership.up(program);
    expect(await holders(world, id)).toEqual([ada, grace]);
    expect(await membership.refresh()).toEqual({});
    expect(await membership.plan(program)).toEqual([]);
  });

  test("keeps what another membership declares, until that ends too", async () => {
    const { world, id, membership } = await withMailbox();
    const other = world.resource("MailboxMembership", "others");
    const program = { mailbox: id, members: { [ada]: { until: END }, [grace]: {} } };
    const others = { mailbox: id, members: { [ada]: { until: "2027-02-15" } } };
    world.onDay("2026-11-28");
    await world.together(async () => {
      await membership.up(program);
      await other.up(others);
    });
    world.onDay(END);
    await world.together(async () => {
      expect(await other.plan(others)).toEqual([]);
      expect(await membership.plan(program)).toEqual([`members/${ada}`]);
      await membership.up(program);
    });
    expect(await holders(world, id)).toEqual([ada, grace]);
    world.onDay("2027-02-15");
    await world.together(async () => {
      await membership.up(program);
      await other.up(others);
    });
    expect(await holders(world, id)).toEqual([grace]);
  });

  test("does not stand against other rights of the same person in another membership once it has ended", async () => {
    const { world, id, membership } = await withMailbox();
    const other = world.resource("MailboxMembership", "others");
    world.onDay(END);
    await world.together(async () => {
      await membership.up({ mailbox: id, members: { [ada]: { until: END, sendAs: false }, [grace]: {} } });
      await other.up({ mailbox: id, members: { [ada]: {} } });
    });
    expect(await holders(world, id)).toEqual([ada, grace]);
    expect(await senders(world, id)).toEqual(expect.arrayContaining([ada]));
  });

  test("whose day is not known yet in a preview stays, and others end", async () => {
    const { world, id, membership } = await withMailbox();
    world.onDay(LAST_DAY);
    await membership.up({ mailbox: id, members: { [ada]: { until: END }, [grace]: {} } });
    world.onDay(END);
    const unknown = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";
    const { members } = await membership.check({
      mailbox: id,
      members: { [ada]: { until: END }, [grace]: { until: unknown } },
    });
    expect(members).toEqual({ [grace]: { until: unknown } });
  });

  test("and whose grant got no answer stands in the state with the end", async () => {
    const { world, id, membership } = await withMailbox();
    world.onDay(LAST_DAY);
    await membership.up({ mailbox: id, members: [grace] });
    const always = { service: "exchange", times: "always" };
    await world.fault({ ...always, cmdlet: "Add-RecipientPermission", answer: { status: 400, body: {} } });
    const program = { mailbox: id, members: { [ada]: { until: END }, [grace]: {} } };
    await expect(membership.up(program)).rejects.toThrow();
    expect((membership.outputs.members as Record<string, Row>)[ada]).toMatchObject({ fullAccess: true, until: END });
    await world.control("DELETE", "faults");
    world.onDay(END);
    await membership.up(program);
    expect(await holders(world, id)).toEqual([grace]);
  });

  test.each([
    ["2027-02-30", "is not a day of the calendar"],
    ["2027-13-01", "is not a day of the calendar"],
    ["31.01.2027", "is not a date"],
    ["2027-1-31", "is not a date"],
    ["2027-01-31T00:00:00Z", "is not a date"],
    ["soon", "is not a date"],
    ["", "is not a date"],
  ])("is refused with %s", async (until, reason) => {
    const { id, membership } = await withMailbox();
    await expect(membership.plan({ mailbox: id, members: { [ada]: { until } } })).rejects.toThrow(
      `members["${ada}"].until: ${reason}; write year, month and day, e.g. 2027-01-31`,
    );
  });

  test.each([[20270131], [{ date: END }], [true]])("is refused with %p, which is no text", async (until) => {
    const { id, membership } = await withMailbox();
    await expect(membership.plan({ mailbox: id, members: { [ada]: { until } } })).rejects.toThrow(
      `members["${ada}"].until: must be text: year, month and day, e.g. 2027-01-31`,
    );
  });

  test("and the state of before, which has no end, plans nothing", async () => {
    const { world, id, membership } = await withMailbox();
    await membership.up({ mailbox: id, members: [ada] });
    expect(JSON.stringify(membership.state)).not.toContain("until");
    world.onDay("2099-01-01");
    expect(await membership.plan({ mailbox: id, members: { [ada]: { until: null } } })).toEqual([]);
  });
});
