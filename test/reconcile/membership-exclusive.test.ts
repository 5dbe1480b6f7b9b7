import { grant, holders, type Row, withMailbox } from "./harness";

const ada = "ada@contoso.com";
const grace = "grace@contoso.com";
const alan = "alan@contoso.com";

describe("an exclusive membership", () => {
  test("takes strangers away only after a refresh has named them", async () => {
    const { world, id, membership } = await withMailbox();
    await grant(world, id, alan);
    await grant(world, id, "support-team@contoso.com");
    const program = { mailbox: id, members: [ada], exclusive: true };
    await membership.up(program);
    expect(await holders(world, id)).toEqual([ada, alan, "support team"].sort());
    expect(world.warnings.join()).toMatch(/alan@contoso\.com, support-team@contoso\.com.*up --refresh/);
    expect(membership.outputs.otherMembers).toEqual(expect.arrayContaining([alan, "support-team@contoso.com"]));

    const drift = await membership.refresh();
    expect(Object.keys(drift).sort()).toEqual([`members/${alan}`, "members/support-team@contoso.com"]);
    expect((await membership.plan(program)).sort()).toEqual([`members/${alan}`, "members/support-team@contoso.com"]);
    await membership.up(program);
    expect(await holders(world, id)).toEqual([ada]);
    expect(await membership.refresh()).toEqual({});
  });

  test("leaves who is kept, who is nobody, and what is inherited", async () => {
    const { world, id, membership } = await withMailbox();
    await grant(world, id, alan);
    await grant(world, id, "edsger@contoso.com");
    const user = (await world.graph("GET", "/users/edsger@contoso.com")) as Row;
    await world.graph("DELETE", `/users/${user.id}`);
    const program = { mailbox: id, members: [ada], exclusive: true, keep: [alan] };
    await membership.up(program);
    expect(await membership.refresh()).toEqual({});
    expect(membership.outputs.otherMembers).toEqual(
      expect.arrayContaining([expect.stringMatching(/^S-1-5-21-|edsger/)]),
    );
    await membership.up(program);
    expect(await holders(world, id)).toEqual(expect.arrayContaining([ada, alan]));
  });

  test("leaves what another resource of the deployment declares", async () => {
    const { world, id, membership } = await withMailbox();
    const other = world.resource("MailboxMembership", "others");
    const program = { mailbox: id, members: [ada], exclusive: true };
    await world.together(async () => {
      await membership.up(program);
      await other.up({ mailbox: id, members: [grace] });
      await Promise.all([other.refresh(), membership.refresh()]);
      await membership.up(program);
    });
    expect(await holders(world, id)).toEqual([ada, grace]);
  });

  test("is the only one on a mailbox", async () => {
    const { world, id, membership } = await withMailbox();
    const other = world.resource("MailboxMembership", "others");
    await world.together(async () => {
      await membership.up({ mailbox: id, members: [ada], exclusive: true });
      await expect(other.up({ mailbox: id, members: [grace], exclusive: true })).rejects.toThrow(
        /^exclusive: is true in the MailboxMembership "others" and in the MailboxMembership "members", on one mailbox/,
      );
    });
    expect(await holders(world, id)).toEqual([ada]);
  });

  test("is not emptied by accident", async () => {
    const { id, membership } = await withMailbox();
    await expect(membership.up({ mailbox: id, members: {}, exclusive: true })).rejects.toThrow(
      /^members: is empty and exclusive.*allowEmpty: true/,
    );
    await membership.up({ mailbox: id, members: {}, exclusive: true, allowEmpty: true });
  });

  test("refuses a display name among those to keep", async () => {
    const { id, membership } = await withMailbox();
    await expect(membership.up({ mailbox: id, members: [ada], keep: ["Alan Turing"] })).rejects.toThrow(
      /^keep: has an element that looks like a display name/,
    );
  });
});
