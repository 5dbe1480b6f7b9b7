import { failure, holders, makeMailbox, type Resource, type Row, startWorld, type World } from "./harness";

const at = (name: string) => `${name}@contoso.com`;

/** Two mailboxes, one and two, as they stand before the deployment. */
async function withTwo(one: Row = {}, two: Row = {}): Promise<{ world: World; one: Resource; two: Resource }> {
  const world = await startWorld();
  const made = (name: string, inputs: Row) =>
    world.resource("SharedMailbox", name).up({ displayName: name, primarySmtpAddress: at(name), ...inputs });
  return { world, one: await made("one", one), two: await made("two", two) };
}

/** One deployment of all of them, in an order of the engine: all are checked and compared before the first is changed, or only it is. */
async function deploy(
  world: World,
  program: readonly (readonly [Resource, Row])[],
  way: "in a row" | "reversed" | "side by side",
): Promise<PromiseSettledResult<unknown>[]> {
  return world.together(async () => {
    for (const [resource, inputs] of program) {
      await resource.plan(inputs);
    }
    if (way === "side by side") {
      return Promise.allSettled(program.map(([resource, inputs]) => resource.up(inputs)));
    }
    const results: PromiseSettledResult<unknown>[] = [];
    for (const [resource, inputs] of way === "reversed" ? [...program].reverse() : program) {
      results.push(...(await Promise.allSettled([resource.up(inputs)])));
    }
    return results;
  });
}

/** The addresses of a mailbox that are not of the initial domain, the primary one first, in its own spelling. */
async function addressesOf(world: World, { id }: Resource): Promise<string[]> {
  const [row] = await world.exchange("Get-Mailbox", { Identity: id });
  const addresses = (row?.EmailAddresses ?? []) as string[];
  return addresses.filter((one) => /^smtp:/i.test(one) && !/onmicrosoft/.test(one)).sort();
}

const named = (name: string, inputs: Row): Row => ({ displayName: name, ...inputs });
const ways = ["in a row", "reversed", "side by side"] as const;
const fulfilled = (results: PromiseSettledResult<unknown>[]) =>
  expect(results.filter(({ status }) => status !== "fulfilled")).toEqual([]);

describe("an address moves from one mailbox to another in one deployment", () => {
  test.each<[string, Row, Row, Row, Row, string[], string[]]>([
    [
      "primary addresses that swap, further ones declared",
      { emailAliases: [] },
      { emailAliases: [] },
      { primarySmtpAddress: at("two"), emailAliases: [] },
      { primarySmtpAddress: at("one"), emailAliases: [] },
      ["SMTP:two@contoso.com"],
      ["SMTP:one@contoso.com"],
    ],
    [
      "primary addresses that swap",
      {},
      {},
      { primarySmtpAddress: at("two") },
      { primarySmtpAddress: at("one") },
      ["SMTP:two@contoso.com"],
      ["SMTP:one@contoso.com"],
    ],
    [
      "further addresses that swap",
      { emailAliases: [at("x")] },
      { emailAliases: [at("y")] },
      { primarySmtpAddress: at("one"), emailAliases: [at("y")] },
      { primarySmtpAddress: at("two"), emailAliases: [at("x")] },
      ["SMTP:one@contoso.com", "smtp:y@contoso.com"],
      ["SMTP:two@contoso.com", "smtp:x@contoso.com"],
    ],
    [
      "a further address that the other one drops",
      {},
      { emailAliases: [at("x")] },
      { primarySmtpAddress: at("one"), emailAliases: [at("x")] },
      { primarySmtpAddress: at("two"), emailAliases: [] },
      ["SMTP:one@contoso.com", "smtp:x@contoso.com"],
      ["SMTP:two@contoso.com"],
    ],
    [
      "a primary address that becomes the other's further one",
      { emailAliases: [] },
      { emailAliases: [] },
      { primarySmtpAddress: at("one"), emailAliases: [at("two")] },
      { primarySmtpAddress: at("new"), emailAliases: [] },
      ["SMTP:one@contoso.com", "smtp:two@contoso.com"],
      ["SMTP:new@contoso.com"],
    ],
    [
      "a primary and a further address that swap",
      { emailAliases: [] },
      { emailAliases: [at("x")] },
      { primarySmtpAddress: at("x"), emailAliases: [] },
      { primarySmtpAddress: at("two"), emailAliases: [at("one")] },
      ["SMTP:x@contoso.com"],
      ["SMTP:two@contoso.com", "smtp:one@contoso.com"],
    ],
  ])("%s", async (_what, oneBefore, twoBefore, oneAfter, twoAfter, ofOne, ofTwo) => {
    for (const way of ways) {
      const { world, one, two } = await withTwo(oneBefore, twoBefore);
      const [first, second] = [named("one", oneAfter), named("two", twoAfter)];
      fulfilled(
        await deploy(
          world,
          [
            [one, first],
            [two, second],
          ],
          way,
        ),
      );
      expect(await addressesOf(world, one)).toEqual(ofOne);
      expect(await addressesOf(world, two)).toEqual(ofTwo);
      for (const [resource, inputs] of [
        [one, first],
        [two, second],
      ] as const) {
        expect(await resource.refresh()).toEqual({});
        expect(await resource.plan(inputs)).toEqual([]);
        const [row] = await world.exchange("Get-Mailbox", { Identity: resource.id });
        expect(row?.UserPrincipalName).toBe(row?.PrimarySmtpAddress);
      }
    }
  });

  test("round in a ring of three", async () => {
    const { world, one, two } = await withTwo();
    const three = await world
      .resource("SharedMailbox", "three")
      .up(named("three", { primarySmtpAddress: at("three") }));
    const program = [
      [one, named("one", { primarySmtpAddress: at("two") })],
      [two, named("two", { primarySmtpAddress: at("three") })],
      [three, named("three", { primarySmtpAddress: at("one") })],
    ] as const;
    fulfilled(await deploy(world, program, "side by side"));
    for (const [resource, inputs] of program) {
      expect(await resource.refresh()).toEqual({});
      expect(await resource.plan(inputs)).toEqual([]);
    }
  });

  test("to a mailbox that is made with it", async () => {
    for (const way of ways) {
      const { world, one } = await withTwo({ emailAliases: [at("x"), at("y")] });
      const fresh = world.resource("SharedMailbox", "fresh");
      fulfilled(
        await deploy(
          world,
          [
            [fresh, named("fresh", { primarySmtpAddress: at("x"), emailAliases: [at("y")] })],
            [one, named("one", { primarySmtpAddress: at("one"), emailAliases: [] })],
          ],
          way,
        ),
      );
      expect(await addressesOf(world, one)).toEqual(["SMTP:one@contoso.com"]);
      expect(await addressesOf(world, fresh)).toEqual(["SMTP:x@contoso.com", "smtp:y@contoso.com"]);
    }
  });

  test("the engine may look at the one that gives it up a moment later", async () => {
    const { world, one, two } = await withTwo({}, { emailAliases: [at("x")] });
    await world.together(async () => {
      const taking = one.up(named("one", { primarySmtpAddress: at("one"), emailAliases: [at("x")] }));
      await world.exchange("Get-Mailbox", { Identity: at("one") });
      await two.up(named("two", { primarySmtpAddress: at("two"), emailAliases: [] }));
      await taking;
    });
    expect(await addressesOf(world, one)).toEqual(["SMTP:one@contoso.com", "smtp:x@contoso.com"]);
  });
});

describe("an address that does not get to the other one", () => {
  // Three writes take the primary address off: another one, the sign-in name, the removal.
  const ofTaker = { cmdlet: "Set-Mailbox", after: 3 };
  const after = named("one", { primarySmtpAddress: at("two"), emailAliases: [] });
  const moved = named("two", { primarySmtpAddress: at("new"), emailAliases: [] });

  test.each([
    ["the sign-in name", 1],
    ["the removal", 2],
    ["the write that takes it", 3],
  ])("where %s fails, is given back, the sign-in name with it, and gets there the next time", async (_what, writes) => {
    const { world, one, two } = await withTwo({ emailAliases: [] }, { emailAliases: [] });
    await world.together(async () => {
      await two.plan(moved);
      await world.fault({
        ...ofTaker,
        after: writes,
        answer: { status: 400, body: { error: { code: "Broken", message: "not now" } } },
      });
      expect(await failure(one.up(after))).toContain("not now");
    });
    const [row] = await world.exchange("Get-Mailbox", { Identity: two.id });
    expect(row).toMatchObject({ PrimarySmtpAddress: at("two"), UserPrincipalName: at("two") });
    expect(await two.refresh()).toEqual({});
    fulfilled(
      await deploy(
        world,
        [
          [one, after],
          [two, moved],
        ],
        "in a row",
      ),
    );
    expect(await addressesOf(world, one)).toEqual(["SMTP:two@contoso.com"]);
    expect(await addressesOf(world, two)).toEqual(["SMTP:new@contoso.com"]);
  });

  test("stays where it got though the answer was lost", async () => {
    const { world, one, two } = await withTwo({ emailAliases: [] }, { emailAliases: [] });
    await world.together(async () => {
      await two.plan(moved);
      await world.fault({ ...ofTaker, close: "after" });
      await one.up(after);
      await two.up(moved);
    });
    expect(await addressesOf(world, one)).toEqual(["SMTP:two@contoso.com"]);
    expect(await addressesOf(world, two)).toEqual(["SMTP:new@contoso.com"]);
    expect(world.warnings.join()).not.toContain("giving");
  });

  test("is refused where nobody of the program gives it up, before anything is written", async () => {
    const { world, one, two } = await withTwo();
    await world
      .exchange("Set-Mailbox", { Identity: two.id, EmailAddresses: { "@add": [at("byhand")] } })
      .catch(() => []);
    await makeMailbox(world, at("strange"));
    await world.writes();
    for (const wanted of ["strange"]) {
      const inputs = named("one", { primarySmtpAddress: at("one"), emailAliases: [at(wanted)] });
      expect(await failure(one.up(inputs))).toMatch(/^emailAliases\[0\]: strange@contoso\.com belongs to /);
    }
    expect(await world.writes()).toEqual([]);
  });
});

describe("an address that a deleted mailbox had", () => {
  test.each<[string, Row, RegExp]>([
    [
      "as a primary one",
      { primarySmtpAddress: at("two") },
      /^primarySmtpAddress: two@contoso\.com was an address of the deleted mailbox "two" \(Exchange guid /,
    ],
    [
      "as a further one",
      { primarySmtpAddress: at("one"), emailAliases: [at("a"), at("two")] },
      /^emailAliases\[1\]: two@contoso\.com was an address of the deleted mailbox "two" /,
    ],
  ])("is told when another one gets it, %s", async (_what, inputs, words) => {
    const { world, one, two } = await withTwo();
    const { id } = two;
    await two.destroy();
    await world.together(async () => {
      await one.up(named("one", inputs));
      const told = world.warnings.filter((warning) => words.test(warning));
      expect(told).toEqual([expect.stringContaining("cannot be restored while this one has the address")]);
    });
    // It is so: Entra refuses the restore.
    await expect(world.graph("POST", `/directory/deletedItems/${id}/restore`)).rejects.toThrow(/ 40\d /);
    await one.up(named("one", { ...inputs, hiddenFromAddressLists: true }));
    expect(world.warnings.filter((warning) => words.test(warning))).toHaveLength(1);
  });
});

describe("a membership that names its mailbox by an address", () => {
  const ADA = "ada@contoso.com";
  const GRACE = "grace@contoso.com";
  const ALAN = "alan@contoso.com";

  async function withMembers(): Promise<{ world: World; one: Resource; two: Resource; members: Resource }> {
    const seen = await withTwo();
    const members = await seen.world
      .resource("MailboxMembership", "members")
      .up({ mailbox: at("one"), members: [ADA] });
    return { ...seen, members };
  }

  /** Gives the address of one to two, behind everybody's back. */
  async function passOn({ world, one }: { world: World; one: Resource }, isSignInNameKept: boolean): Promise<void> {
    await world.patchRecipient(at("one"), {
      emailAddresses: [`SMTP:${at("tmp")}`],
      ...(isSignInNameKept ? {} : { mailbox: { userPrincipalName: at("tmp") } }),
    });
    if (!isSignInNameKept) {
      await world.control("PATCH", `state/users/${one.id}`, { userPrincipalName: at("tmp") });
    }
    await world.patchRecipient(at("two"), { emailAddresses: [`SMTP:${at("one")}`] });
  }

  const swapped = (one: Resource, two: Resource) =>
    [
      [one, named("one", { primarySmtpAddress: at("two") })],
      [two, named("two", { primarySmtpAddress: at("one") })],
    ] as const;

  test.each(ways)("follows the text to the other mailbox in a swap: %s", async (way) => {
    const { world, one, two, members } = await withMembers();
    const program = { mailbox: at("one"), members: [ADA] };
    await world.together(async () => {
      for (const [resource, inputs] of swapped(one, two)) {
        await resource.plan(inputs);
      }
      expect(await members.plan(program)).toEqual(["replace"]);
    });
    fulfilled(await deploy(world, [...swapped(one, two), [members, program]], way));
    expect([await holders(world, one.id), await holders(world, two.id)]).toEqual([[], [ADA]]);
    expect(await members.refresh()).toEqual({});
    expect(await members.plan(program)).toEqual([]);
  });

  test("that the engine looks at before the mailboxes is told to stay behind, and moved by the next up --refresh", async () => {
    const { world, one, two, members } = await withMembers();
    const program = { mailbox: at("one"), members: [ADA] };
    await world.together(async () => {
      await members.up(program);
      for (const [resource, inputs] of swapped(one, two)) {
        await resource.plan(inputs);
      }
      fulfilled(await Promise.allSettled(swapped(one, two).map(([resource, inputs]) => resource.up(inputs))));
    });
    expect(await holders(world, one.id)).toEqual([ADA]);
    expect(world.warnings.join("\n")).toMatch(
      /^the MailboxMembership "members" refers to this mailbox by one@contoso\.com, an address that moves to another mailbox\. Its members still have access to two@contoso\.com\. `pulumi up --refresh` moves them/m,
    );
    await members.refresh();
    await members.up(program);
    expect([await holders(world, one.id), await holders(world, two.id)]).toEqual([[], [ADA]]);
  });

  test("stays with its mailbox in a swap where the text follows that, and no refresh calls it drift", async () => {
    const { world, one, two, members } = await withMembers();
    const program = { mailbox: at("two"), members: [ADA] };
    fulfilled(await deploy(world, [...swapped(one, two), [members, program]], "in a row"));
    expect([await holders(world, one.id), await holders(world, two.id)]).toEqual([[ADA], []]);
    expect(await members.refresh()).toEqual({});
    expect(await members.plan(program)).toEqual([]);
  });

  test("is made on the mailbox that gets the address, also where that one is made in the same deployment", async () => {
    const { world, one } = await withTwo();
    const three = world.resource("SharedMailbox", "three");
    const members = world.resource("MailboxMembership", "members");
    await world.control("DELETE", "requests");
    fulfilled(
      await deploy(
        world,
        [
          [members, { mailbox: at("one"), members: [ADA] }],
          [one, named("one", { primarySmtpAddress: at("tmp"), emailAliases: [] })],
          [three, named("three", { primarySmtpAddress: at("one") })],
        ],
        "side by side",
      ),
    );
    expect([await holders(world, one.id), await holders(world, three.id)]).toEqual([[], [ADA]]);
    // The former holder keeps its alias, which is known before Exchange refuses it.
    expect(await world.countOf("New-Mailbox")).toBe(1);
  });

  test("gives nobody access to a mailbox whose address another one has by now, until a refresh has shown the move", async () => {
    const seen = await withMembers();
    const { world, one, two, members } = seen;
    await passOn(seen, false);
    const program = { mailbox: at("one"), members: [ADA, GRACE] };
    await world.writes();
    expect(await failure(members.up(program))).toMatch(
      /^mailbox: one@contoso\.com stood for the shared mailbox "one" \(tmp@contoso\.com\) with id .*; it is an address of the shared mailbox "two" \(one@contoso\.com\) now\. Nobody's access was changed\. Write the id of the one that is meant, or run `pulumi up --refresh`/,
    );
    expect(await world.writes()).toEqual([]);
    expect(await members.refresh()).toEqual({ mailbox: [at("one"), one.id] });
    expect(world.warnings.join("\n")).toMatch(/^mailbox: the members have access to the shared mailbox "one"/m);
    expect(await members.plan(program)).toEqual(["replace"]);
    await members.up(program);
    expect([await holders(world, one.id), await holders(world, two.id)]).toEqual([[], [ADA, GRACE]]);
    expect(await members.refresh()).toEqual({});
  });

  test("is refused where the former mailbox still signs in with the address, and goes on by id", async () => {
    const seen = await withMembers();
    const { world, one, two, members } = seen;
    await passOn(seen, true);
    expect(await failure(members.up({ mailbox: at("one"), members: [ADA, GRACE] }))).toMatch(
      /^mailbox: one@contoso\.com stood for .* Write the id of the one that is meant$/,
    );
    expect(await members.refresh()).toEqual({});
    expect(await members.plan({ mailbox: one.id, members: [ADA] })).toEqual([]);
    await members.up({ mailbox: one.id, members: [ADA, ALAN] });
    expect([await holders(world, one.id), await holders(world, two.id)]).toEqual([[ADA, ALAN], []]);
  });
});
