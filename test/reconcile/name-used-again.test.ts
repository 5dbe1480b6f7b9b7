import { holders, makeMailbox, type Resource, startWorld, type World } from "./harness";

/**
 * A resource that was renamed keeps the URN that it was born with. A new one under the name that became free has the same, and what it
 * declares is not the first one's to take away.
 */

const [ada, grace, alan] = ["ada@contoso.com", "grace@contoso.com", "alan@contoso.com"];
const mailbox = "support@contoso.com";
const people = (...members: string[]) => ({ mailbox, members });

async function withMembers(...members: string[]): Promise<{ world: World; first: Resource }> {
  const world = await startWorld();
  await makeMailbox(world, mailbox);
  const first = await world.resource("MailboxMembership", "members").up(people(...members));
  return { world, first: first.rename("renamed") };
}

test("a membership renamed back without an alias takes nobody's access away", async () => {
  const { world, first } = await withMembers(ada, grace);
  const second = world.resource("MailboxMembership", "members");
  await world.together(async () => {
    await second.up(people(ada, grace));
    await first.destroy();
  });
  expect(await holders(world, mailbox)).toEqual([ada, grace]);
  expect(await second.refresh()).toEqual({});
});

test.each([
  ["the same people", [ada, grace]],
  ["some of its people", [ada, alan]],
])(
  "a renamed membership that goes leaves the access that the one under its old name declares: %s",
  async (_what, own) => {
    const { world, first } = await withMembers(ada, grace);
    const second = await world.resource("MailboxMembership", "members").up(people(...own));
    await world.together(async () => {
      expect(await second.plan(people(...own))).toEqual([]);
      await first.destroy();
    });
    expect(await holders(world, mailbox)).toEqual([...own].sort());
  },
);

test("a member who moves from a renamed membership to the one under its old name keeps access", async () => {
  const { world, first } = await withMembers(ada, grace);
  const second = await world.resource("MailboxMembership", "members").up(people(alan));
  await world.together(async () => {
    const [fewer, more] = [people(ada), people(alan, grace)];
    await Promise.all([first.check(fewer), second.check(more)]);
    await second.plan(more);
    await first.up(fewer);
    await second.up(more);
  });
  expect(await holders(world, mailbox)).toEqual([ada, alan, grace]);
});

test("one that is replaced takes away what only it declared", async () => {
  const { world, first } = await withMembers(ada, grace);
  first.rename("members");
  const other = await makeMailbox(world, "other@contoso.com");
  await first.up({ mailbox: other, members: [ada] });
  expect(await holders(world, mailbox)).toEqual([]);
  expect(await holders(world, other)).toEqual([ada]);
});

test("a queue renamed back without an alias stays", async () => {
  const world = await startWorld();
  await makeMailbox(world, mailbox);
  const program = { name: "Support", emailAddress: mailbox };
  const first = (await world.resource("Queue", "support").up(program)).rename("renamed");
  const second = world.resource("Queue", "support");
  await world.together(async () => {
    await second.up(program);
    await first.destroy();
  });
  expect(await second.refresh()).toEqual({});
});
