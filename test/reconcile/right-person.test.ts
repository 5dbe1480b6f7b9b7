import { failure, grant, hiddenMemory, holders, type Row, type World, withMailbox } from "./harness";

const ada = "ada@contoso.com";
const grace = "grace@contoso.com";
const alan = "alan@contoso.com";
const team = "support-team@contoso.com";
/** Waits that are expected to fail should not last. */
const impatient = { config: { settleTimeout: "2s" } };

/** Gives one person another name and address, and the old address to somebody else. */
async function passOn(world: World, address: string, to: string): Promise<void> {
  await rename(world, address);
  await giveAddress(world, address, to);
}

async function rename(world: World, address: string): Promise<void> {
  const [local] = address.split("@");
  const renamed = `${local}.king@contoso.com`;
  const { id } = (await world.graph("GET", `/users/${address}`)) as Row;
  await world.control("PATCH", `state/users/${String(id)}`, { userPrincipalName: renamed });
  await world.patchRecipient(address, {
    emailAddresses: [`SMTP:${renamed}`],
    mailbox: { userPrincipalName: renamed },
  });
}

const giveAddress = (world: World, address: string, to: string) =>
  world.exchange("Set-Mailbox", {
    Identity: to,
    EmailAddresses: { "@odata.type": "#Exchange.GenericHashTable", Add: [`smtp:${address}`] },
  });

test.each(["$svc", "$o'svc", "ada_fabrikam.com#EXT#", "o'brien"])(
  "a member is found by the sign-in name %s, which is no address",
  async (local) => {
    const { world, id, membership } = await withMailbox(impatient);
    const name = `${local}@contoso.com`.toLowerCase();
    const { id: alanId } = (await world.graph("GET", `/users/${alan}`)) as Row;
    await world.control("PATCH", `state/users/${String(alanId)}`, { userPrincipalName: name });
    await world.patchRecipient(alan, { mailbox: { userPrincipalName: name } });
    await membership.up({ mailbox: id, members: [name] });
    expect(await holders(world, id)).toEqual([name]);
    expect(await membership.refresh()).toEqual({});
    await membership.destroy();
    expect(await holders(world, id)).toEqual([]);
  },
);

describe("an exclusive membership", () => {
  test("leaves a stranger whom refresh has named and the program keeps from now on", async () => {
    const { world, id, membership } = await withMailbox(impatient);
    const program = { mailbox: id, members: [ada], exclusive: true };
    await membership.up(program);
    await grant(world, id, alan);
    expect(Object.keys(await membership.refresh())).toEqual([`members/${alan}`]);
    await membership.up({ ...program, keep: [alan] });
    expect(await holders(world, id)).toEqual([ada, alan]);
    expect(await membership.refresh()).toEqual({});
  });

  test("takes nobody for a group that has the display name as a name, nor the group for that person", async () => {
    const { world, id, membership } = await withMailbox(impatient);
    await world.patchRecipient(team, { name: "support-team" });
    await world.patchRecipient(alan, { name: "Support Team" });
    await grant(world, id, team);
    const program = { mailbox: id, members: [ada], exclusive: true };
    await membership.up(program);
    expect(Object.keys(await membership.refresh())).toEqual([`members/${team}`]);
    await membership.up({ ...program, members: [ada, alan, team] });
    expect(await holders(world, id)).toEqual([ada, alan, "support team"]);
    await membership.up({ ...program, members: [ada, alan] });
    expect(await holders(world, id)).toEqual([ada, alan]);
  });

  test("names a stranger who has a member's old address as primary one by its id", async () => {
    const { world, id, membership } = await withMailbox(impatient);
    const program = { mailbox: id, members: { [ada]: { automapping: false } }, exclusive: true };
    await membership.up(program);
    await passOn(world, ada, alan);
    await world.patchRecipient(alan, { emailAddresses: [`SMTP:${ada}`, `smtp:${alan}`] });
    await grant(world, id, alan);
    const { id: alanId } = (await world.graph("GET", `/users/${alan}`)) as Row;
    expect(Object.keys(await membership.refresh())).toEqual([`members/${String(alanId)}`]);
    expect(world.warnings.join("\n")).toMatch(
      /^members\["ada@contoso\.com"\] still means the user mailbox .*\(ada\.king@contoso\.com\) with id .*It is the address of the user mailbox .* now\. Write the id/m,
    );
    await membership.up(program);
    expect(await holders(world, id)).toEqual(["ada.king@contoso.com"]);
  });
});

describe("who is kept by an exclusive membership", () => {
  const idOf = async (world: World, address: string) => String((await world.graph("GET", `/users/${address}`))?.id);

  async function keeping(): Promise<Awaited<ReturnType<typeof withMailbox>> & { program: Row; alanId: string }> {
    const seen = await withMailbox(impatient);
    await grant(seen.world, seen.id, alan);
    const program = { mailbox: seen.id, members: [ada], exclusive: true, keep: [alan] };
    await seen.membership.up(program);
    return { ...seen, program, alanId: await idOf(seen.world, alan) };
  }

  test("stays the same person under another name", async () => {
    const { world, id, membership, program, alanId } = await keeping();
    expect(hiddenMemory(membership).keepIds).toEqual({ [alan]: alanId });
    await rename(world, alan);
    expect(await membership.refresh()).toEqual({});
    expect(hiddenMemory(membership).keepIds).toEqual({ [alan]: alanId });
    expect(Object.keys(membership.outputs.memberIds as Row)).toEqual([ada]);
    expect(membership.outputs.otherMembers).toContain("alan.king@contoso.com");
    await membership.up({ ...program, members: [ada, grace] });
    expect(await holders(world, id)).toEqual([ada, "alan.king@contoso.com", grace]);
    // Written by the new address it is the same person, and nobody else.
    await membership.up({ ...program, members: [ada, grace], keep: ["alan.king@contoso.com"] });
    expect(hiddenMemory(membership).keepIds).toEqual({ "alan.king@contoso.com": alanId });
    expect(await membership.refresh()).toEqual({});
  });

  test("is not who has the old address by now", async () => {
    const { world, id, membership, program } = await keeping();
    await passOn(world, alan, "edsger@contoso.com");
    await grant(world, id, "edsger@contoso.com");
    expect(Object.keys(await membership.refresh())).toEqual(["members/edsger@contoso.com"]);
    expect(world.warnings.join("\n")).toMatch(/^keep: alan@contoso\.com still means .*\(alan\.king@contoso\.com\)/m);
    await membership.up(program);
    expect(await holders(world, id)).toEqual([ada, "alan.king@contoso.com"]);
  });

  test("is refused by a text that means two people", async () => {
    const { world, id, membership, program, alanId } = await keeping();
    const edsgerId = await idOf(world, "edsger@contoso.com");
    await world.control("PATCH", `state/users/${edsgerId}`, { userPrincipalName: "turing@contoso.com" });
    await world.patchRecipient(alan, { emailAddresses: [`SMTP:${alan}`, "smtp:turing@contoso.com"] });
    await grant(world, id, "edsger@contoso.com");
    expect(await failure(membership.up({ ...program, keep: ["turing@contoso.com"] }))).toMatch(
      new RegExp(`^keep: turing@contoso\\.com is ambiguous: it means .*${edsgerId} or .*${alanId}; write the id`),
    );
  });

  test("is left alone, and told, where a state without ids has a text that means two people by now", async () => {
    const { world, membership, program } = await keeping();
    const edsgerId = await idOf(world, "edsger@contoso.com");
    await world.patchRecipient(alan, { emailAddresses: [`SMTP:${alan}`, "smtp:turing@contoso.com"] });
    await membership.up({ ...program, keep: ["turing@contoso.com"] });
    delete membership.outputs.__memory;
    await world.control("PATCH", `state/users/${edsgerId}`, { userPrincipalName: "turing@contoso.com" });
    expect(await membership.refresh()).toEqual({});
    expect(world.warnings.at(-1)).toMatch(/^keep: turing@contoso\.com is ambiguous: /);
  });

  test("is asked about when the person is gone and somebody else has the address", async () => {
    const { world, id, membership, program, alanId } = await keeping();
    await world.graph("DELETE", `/users/${alanId}`);
    await giveAddress(world, alan, "edsger@contoso.com");
    await grant(world, id, "edsger@contoso.com");
    expect(await failure(membership.up({ ...program, members: [ada, grace] }))).toMatch(
      /^keep: alan@contoso\.com stood for the object .*which is gone.*pulumi up --refresh/,
    );
    expect(Object.keys(await membership.refresh())).toEqual(["members/edsger@contoso.com"]);
    expect(hiddenMemory(membership).keepIds).toEqual({});
    await membership.up(program);
    expect(await holders(world, id)).toEqual(expect.arrayContaining([ada, "edsger@contoso.com"]));
  });

  test("is found by address where no state knows an id", async () => {
    const { world, id, membership, alanId } = await keeping();
    delete membership.outputs.__memory;
    expect(await membership.refresh()).toEqual({});
    expect(hiddenMemory(membership).keepIds).toEqual({ [alan]: alanId });
    expect(await holders(world, id)).toEqual([ada, alan]);
  });

  test("is known in a state of release 0.1.0, which moves at the next change and not in a refresh", async () => {
    const { world, id, membership, program, alanId } = await keeping();
    delete membership.outputs.__memory;
    membership.outputs.keepIds = { [alan]: alanId };
    const outputs = structuredClone(membership.outputs);
    expect(await membership.refresh()).toEqual({});
    // What that release did not know is learned beside it.
    const keepSids = { [alan]: { id: alanId, sids: [expect.stringMatching(/^S-1-5-21-/)] } };
    expect(membership.outputs).toEqual({ ...outputs, __memory: { keepSids } });
    await passOn(world, alan, "edsger@contoso.com");
    await membership.up({ ...program, members: [ada, grace] });
    expect(membership.outputs).not.toHaveProperty("keepIds");
    expect(hiddenMemory(membership).keepIds).toEqual({ [alan]: alanId });
    expect(await holders(world, id)).toContain("alan.king@contoso.com");
  });

  test("loses the access that this resource declared, when the resource goes", async () => {
    const { world, id, membership, program } = await keeping();
    await membership.up({ ...program, members: [ada, alan] });
    await membership.destroy();
    expect(await holders(world, id)).toEqual([]);
  });
});

describe("a membership", () => {
  test("takes access from a member who has an account and is no recipient any more", async () => {
    const { world, id, membership } = await withMailbox(impatient);
    await membership.up({ mailbox: id, members: [ada, grace] });
    await world.fault({ cmdlet: "Get-Recipient", times: "always", answer: { status: 200, body: { value: [] } } });
    await membership.destroy();
    expect(await holders(world, id)).toEqual([]);
  });

  test("does not let somebody in who has the address of a member who is gone", async () => {
    const { world, id, membership } = await withMailbox(impatient);
    await membership.up({ mailbox: id, members: [ada] });
    const { id: adaId } = (await world.graph("GET", `/users/${ada}`)) as Row;
    await world.graph("DELETE", `/users/${String(adaId)}`);
    await giveAddress(world, ada, alan);
    const program = { mailbox: id, members: [ada, grace] };
    expect(await failure(membership.up(program))).toMatch(/^members\["ada@contoso\.com"\]: .*pulumi up --refresh/);
    expect((await holders(world, id)).filter((one) => one.includes("@contoso.com"))).toEqual([]);
    // Refreshed, the preview names the member, and the person who has the address now is meant.
    expect(Object.keys(await membership.refresh())).toEqual([`members/${ada}`]);
    await membership.up(program);
    expect(await holders(world, id)).toEqual(expect.arrayContaining([alan, grace]));
  });
});

describe("forwarding", () => {
  test.each([[true], [false]])(
    "stays with the person when others change, the old address passed on: %s",
    async (isPassedOn) => {
      const { world } = await withMailbox(impatient);
      const program = { displayName: "Queue", primarySmtpAddress: "queue@contoso.com", forwarding: { to: ada } };
      const queue = await world.resource("SharedMailbox", "queue").up(program);
      const before = (await world.exchange("Get-Mailbox", { Identity: queue.id }))[0]?.ForwardingAddress;
      if (isPassedOn) {
        await passOn(world, ada, alan);
      } else {
        await rename(world, ada);
      }
      expect(await queue.refresh()).toEqual({});
      await queue.up({ ...program, displayName: "The queue" });
      const [row] = await world.exchange("Get-Mailbox", { Identity: queue.id });
      expect(row).toMatchObject({ DisplayName: "The queue", ForwardingAddress: before });
    },
  );
});
