import { forwardMailboxes, hideRecipients, seeded as id } from "./dataverse-rows";
import { failure, makeMailbox, type Resource, type Row, startWorld, type World } from "./harness";

const ada = id("a001", 1);
const adasUser = id("d001", 1);
const adasRecord = id("d002", 1);

const collector = "forwardmailbox@contoso.com";
const second = {
  name: "Second",
  emailAddress: "second@contoso.com",
  testAndEnable: false,
  sources: ["ada@contoso.com"],
};
const intake = { name: "CRM intake", emailAddress: collector, testAndEnable: false };
const program = { ...intake, sources: ["ada@contoso.com"] };
const NONE = 0;
const SERVER_SIDE = 2;
const FORWARD_MAILBOX = 3;
const drifted = "sources/ada@contoso.com/drift";

/** A tenant with two collecting mailboxes and the shared mailbox support@contoso.com. */
async function withMailboxes(options: Parameters<typeof startWorld>[0] = {}): Promise<World> {
  const world = await startWorld(options);
  await makeMailbox(world, collector);
  await makeMailbox(world, second.emailAddress);
  await makeMailbox(world, "support@contoso.com");
  return world;
}

const made = (world: World, inputs: Row = program, name = "intake"): Promise<Resource> =>
  world.resource("ForwardingMailbox", name).up(inputs);

async function method(world: World, recordId = adasRecord): Promise<unknown> {
  return (await world.dataverse("GET", `/mailboxes(${recordId})`))?.incomingemaildeliverymethod;
}

async function byHand(world: World, incomingemaildeliverymethod: number): Promise<void> {
  await world.dataverse("PATCH", `/mailboxes(${adasRecord})`, { incomingemaildeliverymethod });
}

async function rules(world: World, mailbox = ada): Promise<unknown[]> {
  const list = await world.graph("GET", `/users/${mailbox}/mailFolders/inbox/messageRules`);
  return (list?.value ?? []) as Row[];
}

async function expectSettled(resource: Resource, inputs: Row = program): Promise<void> {
  expect(await resource.plan(inputs)).toEqual([]);
  expect(await resource.refresh()).toEqual({});
  expect(await resource.plan(inputs)).toEqual([]);
}

const stays = (world: World) => world.warnings.filter((warning) => warning.includes("stays on Forward Mailbox"));

describe("a source outside the tenant", () => {
  test.each([
    [
      "a source",
      { ...intake, sources: ["orders@northwind.example"] },
      /^sources\["orders@northwind\.example"\]: is outside/,
    ],
    [
      "the collecting mailbox",
      { ...intake, emailAddress: "crm@northwind.example" },
      /^emailAddress: is outside the tenant/,
    ],
  ])("or %s is refused at once, before anything is written", async (_what, inputs, reason) => {
    const world = await withMailboxes({ config: { settleTimeout: "10m" } });
    await world.writes();
    const started = Date.now();
    expect(await failure(made(world, inputs))).toMatch(reason);
    // Someone unknown would be waited for half a minute.
    expect(Date.now() - started).toBeLessThan(25_000);
    expect(await world.writes()).toEqual([]);
  });

  test("is refused in an update, which changes nothing", async () => {
    const world = await withMailboxes();
    const resource = await made(world);
    await world.writes();
    const inputs = { ...program, name: "Renamed", sources: ["ada@contoso.com", "orders@northwind.example"] };
    expect(await failure(resource.up(inputs))).toMatch(/^sources\["orders@northwind\.example"\]: is outside/);
    expect(await world.writes()).toEqual([]);
    await expectSettled(resource);
  });
});

describe("a record that another resource of the deployment decides, too", () => {
  const sideways = { user: "ada@contoso.com", incomingEmail: "ServerSideSynchronization", testAndEnable: false };
  const forwarded = { ...sideways, incomingEmail: "ForwardMailbox" };

  test("differently and first: an error on the source, and no forward mailbox", async () => {
    const world = await withMailboxes();
    const forwarding = world.resource("ForwardingMailbox", "intake");
    await world.together(async () => {
      await world.resource("IndividualMailbox", "ada").up(sideways);
      expect(await failure(forwarding.up(program))).toMatch(
        /^sources\["ada@contoso\.com"\]: .* and the IndividualMailbox "ada" gives it the incoming method ServerSideSynchronization/,
      );
    });
    expect(forwarding.state).toBeUndefined();
    expect(await forwardMailboxes(world)).toEqual([]);
    expect(await rules(world)).toEqual([]);
    expect(await method(world)).toBe(SERVER_SIDE);
  });

  test("differently and second: an error there, and the source stays", async () => {
    const world = await withMailboxes();
    const individual = world.resource("IndividualMailbox", "ada");
    await world.together(async () => {
      await made(world);
      expect(await failure(individual.up(sideways))).toMatch(
        /^incomingEmail: .* and the ForwardingMailbox "intake" gives the same record ForwardMailbox/,
      );
    });
    expect(await method(world)).toBe(FORWARD_MAILBOX);
  });

  test.each([SERVER_SIDE, FORWARD_MAILBOX])(
    "differently and later, of a record whose method was %s: an error there as long as the source stays",
    async (before) => {
      const world = await withMailboxes();
      await byHand(world, before);
      const forwarding = await made(world);
      const individual = world.resource("IndividualMailbox", "ada");
      await world.together(async () => {
        await forwarding.up(program);
        expect(await failure(individual.up(sideways))).toMatch(/^incomingEmail: .*the ForwardingMailbox "intake"/);
      });
      await world.together(async () => {
        await individual.up(sideways).catch(() => undefined);
        expect(await failure(forwarding.up({ ...program, name: "Renamed" }))).toMatch(
          /^sources\["ada@contoso\.com"\]: /,
        );
      });
    },
  );

  test("differently, in the deployment that lets go of the source: no error, and the other one decides", async () => {
    const world = await withMailboxes();
    const forwarding = await made(world);
    const individual = world.resource("IndividualMailbox", "ada");
    await world.together(async () => {
      await forwarding.up(intake);
      await individual.up({ ...sideways, incomingEmail: "None" });
    });
    expect(await method(world)).toBe(NONE);
    expect(await individual.refresh()).toEqual({});
    await individual.destroy();
    expect(await method(world)).toBe(SERVER_SIDE);
  });

  test("differently, as a queue: an error on the source", async () => {
    const world = await withMailboxes();
    const queue = world.resource("Queue", "support");
    const inputs = { name: "Support", emailAddress: "support@contoso.com", incomingEmail: "ServerSideSynchronization" };
    await world.together(async () => {
      await queue.up({ ...inputs, testAndEnable: false });
      expect(await failure(made(world, { ...intake, sources: ["support@contoso.com"] }))).toMatch(
        /^sources\["support@contoso\.com"\]: .*ServerSideSynchronization/,
      );
    });
    expect(await forwardMailboxes(world)).toEqual([]);
  });

  test("as Forward Mailbox, as a queue: both settle, and both go", async () => {
    const world = await withMailboxes();
    const queue = world.resource("Queue", "support");
    const inputs = {
      name: "Support",
      emailAddress: "support@contoso.com",
      incomingEmail: "ForwardMailbox",
      testAndEnable: false,
    };
    const feeding = { ...intake, sources: ["support@contoso.com"] };
    const forwarding = world.resource("ForwardingMailbox", "intake");
    await world.together(async () => {
      await queue.up(inputs);
      await forwarding.up(feeding);
    });
    await expectSettled(forwarding, feeding);
    await expectSettled(queue, inputs);
    await forwarding.destroy();
    await queue.destroy();
    expect(stays(world)).toEqual([]);
  });

  const orders: [string, ("forwarding" | "individual")[], ("forwarding" | "individual")[]][] = [
    ["the source first, and it goes first", ["forwarding", "individual"], ["forwarding", "individual"]],
    ["the source first, and it goes last", ["forwarding", "individual"], ["individual", "forwarding"]],
    ["the source last, and it goes first", ["individual", "forwarding"], ["forwarding", "individual"]],
    ["the source last, and it goes last", ["individual", "forwarding"], ["individual", "forwarding"]],
  ];

  describe.each(orders)("as Forward Mailbox: %s", (_what, comes, goes) => {
    async function both(world: World): Promise<Record<"forwarding" | "individual", Resource>> {
      const resources = {
        forwarding: world.resource("ForwardingMailbox", "intake"),
        individual: world.resource("IndividualMailbox", "ada"),
      };
      await world.together(async () => {
        for (const one of comes) {
          await resources[one].up(one === "forwarding" ? program : forwarded);
        }
      });
      await expectSettled(resources.forwarding);
      await expectSettled(resources.individual, forwarded);
      expect(await method(world)).toBe(FORWARD_MAILBOX);
      return resources;
    }

    test("in one deployment puts the former method back", async () => {
      const world = await withMailboxes();
      const resources = await both(world);
      await world.together(async () => {
        for (const one of goes) {
          await resources[one].destroy();
        }
      });
      expect(await method(world)).toBe(SERVER_SIDE);
      expect(stays(world)).toEqual([]);
    });

    test("in one deployment after the other puts the former method back with the last", async () => {
      const world = await withMailboxes();
      const { forwarding, individual } = await both(world);
      const isFirst = goes[0] === "forwarding";
      await world.together(async () => {
        // The one that stays is looked at in every deployment, before the other one is deleted.
        await (isFirst ? individual.up(forwarded) : forwarding.up(program));
        await (isFirst ? forwarding : individual).destroy();
        expect(await method(world)).toBe(FORWARD_MAILBOX);
      });
      await (isFirst ? individual : forwarding).destroy();
      expect(await method(world)).toBe(SERVER_SIDE);
      expect(stays(world)).toEqual([]);
    });
  });
});

describe("a source that feeds two forward mailboxes", () => {
  test("of one program: the second learns what the record was before, and puts it back alone", async () => {
    const world = await withMailboxes();
    const first = await made(world);
    const other = world.resource("ForwardingMailbox", "second");
    await world.together(async () => {
      await first.up(program);
      await other.up(second);
    });
    await first.destroy();
    expect(await method(world)).toBe(FORWARD_MAILBOX);
    await other.destroy();
    expect(await method(world)).toBe(SERVER_SIDE);
    expect(await rules(world)).toEqual([]);
    expect(stays(world)).toEqual([]);
  });

  test("of one program, made at once, and gone one by one, in either order", async () => {
    for (const isFirstGone of [true, false]) {
      const world = await withMailboxes();
      const first = world.resource("ForwardingMailbox", "intake");
      const other = world.resource("ForwardingMailbox", "second");
      await world.together(async () => {
        await Promise.all([first.up(program), other.up(second)]);
      });
      const [gone, left] = isFirstGone ? [first, other] : [other, first];
      await gone.destroy();
      expect(await method(world)).toBe(FORWARD_MAILBOX);
      await left.destroy();
      expect(await method(world)).toBe(SERVER_SIDE);
    }
  });

  test("made without seeing each other: a common refresh tells the second", async () => {
    const world = await withMailboxes();
    const first = await made(world);
    const other = await made(world, second, "second");
    await world.together(async () => {
      expect(await first.refresh()).toEqual({});
      expect(await other.refresh()).toEqual({});
    });
    await first.destroy();
    await other.destroy();
    expect(await method(world)).toBe(SERVER_SIDE);
    expect(stays(world)).toEqual([]);
  });

  test("of two programs: whoever does not know what was before says so, and changes nothing", async () => {
    const world = await withMailboxes();
    const first = await made(world);
    const other = await made(world, second, "second");
    await first.destroy();
    expect(stays(world)).toEqual([]);
    await other.destroy();
    expect(await method(world)).toBe(FORWARD_MAILBOX);
    expect(await rules(world)).toEqual([]);
    expect(stays(world)).toEqual([
      expect.stringMatching(
        /^sources\["ada@contoso\.com"\]: the mailbox record of Ada Lovelace stays on Forward Mailbox/,
      ),
    ]);
  });

  test("of two programs, the knowing one last: nothing is said", async () => {
    const world = await withMailboxes();
    const first = await made(world);
    const other = await made(world, second, "second");
    await other.destroy();
    expect(await method(world)).toBe(FORWARD_MAILBOX);
    await first.destroy();
    expect(await method(world)).toBe(SERVER_SIDE);
    expect(stays(world)).toEqual([]);
  });

  test("whose record was on Forward Mailbox by hand before stays there, and nothing is said", async () => {
    const world = await withMailboxes();
    await byHand(world, FORWARD_MAILBOX);
    const resource = await made(world);
    await resource.destroy();
    expect(await method(world)).toBe(FORWARD_MAILBOX);
    expect(stays(world)).toEqual([]);
  });
});

describe("a source whose address changes", () => {
  const away = { emailAddress: "ada.l@contoso.com" };
  const moveMailbox = (world: World, keepsOld: boolean) =>
    world.exchange("Set-Mailbox", {
      Identity: ada,
      EmailAddresses: [`SMTP:${away.emailAddress}`, ...(keepsOld ? ["smtp:ada@contoso.com"] : [])],
    });
  const moveUser = (world: World, address = away.emailAddress) =>
    world.dataverse("PATCH", `/systemusers(${adasUser})`, { internalemailaddress: address });

  const cases: [string, (world: World) => Promise<unknown>][] = [
    ["its mailbox's only", (world) => moveMailbox(world, true)],
    ["its mailbox's only, and the old one is gone", (world) => moveMailbox(world, false)],
    ["its mailbox's and its record's", async (world) => [await moveMailbox(world, true), await moveUser(world)]],
    ["its record's only", (world) => moveUser(world, "countess@contoso.com")],
  ];

  describe.each(cases)("%s", (_what, move) => {
    test("is no drift, and its record is put back when it goes", async () => {
      const world = await withMailboxes();
      const resource = await made(world);
      await move(world);
      await expectSettled(resource);
      await resource.destroy();
      expect(await method(world)).toBe(SERVER_SIDE);
      expect(await rules(world)).toEqual([]);
    });

    test("and that leaves the program has its record put back", async () => {
      const world = await withMailboxes();
      const resource = await made(world);
      await move(world);
      await resource.up(intake);
      expect(await method(world)).toBe(SERVER_SIDE);
      expect(await rules(world)).toEqual([]);
      await expectSettled(resource, intake);
    });

    test("and is written in another way keeps its rule and what its record was", async () => {
      const world = await withMailboxes();
      const resource = await made(world);
      const before = await rules(world);
      await move(world);
      await resource.up({ ...intake, sources: [ada] });
      expect(await rules(world)).toEqual(before);
      await resource.destroy();
      expect(await method(world)).toBe(SERVER_SIDE);
    });
  });

  test("is followed: the record that follows is kept on Forward Mailbox", async () => {
    const world = await withMailboxes();
    const resource = await made(world);
    await moveMailbox(world, true);
    await moveUser(world);
    await byHand(world, NONE);
    expect(Object.keys(await resource.refresh())).toEqual([drifted]);
    await resource.up(program);
    expect(await method(world)).toBe(FORWARD_MAILBOX);
    await expectSettled(resource);
  });
});

describe("a release", () => {
  const denied = { status: 403, body: { error: { code: "0x80040220", message: "may not" } } };

  test.each(["up", "destroy"] as const)("by %s that fails at the record is finished by the next one", async (way) => {
    const world = await withMailboxes();
    const resource = await made(world);
    const go = () => (way === "up" ? resource.up(intake) : resource.destroy());
    await world.fault({ service: "dataverse", method: "PATCH", path: adasRecord, answer: denied });
    expect(await failure(go())).toContain("putting back the incoming method of ada@contoso.com");
    expect(await method(world)).toBe(FORWARD_MAILBOX);
    await go();
    expect(await method(world)).toBe(SERVER_SIDE);
    expect(await rules(world)).toEqual([]);
  });

  test.each([
    ["rule", "before"],
    ["rule", "after"],
    ["record", "before"],
    ["record", "after"],
  ])("whose answer about the %s is lost (closed %s it happened) is finished", async (what, close) => {
    const world = await withMailboxes({ config: { settleTimeout: "1s" } });
    const resource = await made(world);
    await world.fault(
      what === "rule"
        ? { service: "graph", method: "DELETE", path: "messageRules", close }
        : { service: "dataverse", method: "PATCH", path: adasRecord, close },
    );
    await resource.up(intake);
    expect(await method(world)).toBe(SERVER_SIDE);
    expect(await rules(world)).toEqual([]);
    await expectSettled(resource, intake);
  });

  test("of a source whose rule somebody deleted puts the record back", async () => {
    const world = await withMailboxes();
    const resource = await made(world);
    const [rule] = (await rules(world)) as Row[];
    await world.graph("DELETE", `/users/${ada}/mailFolders/inbox/messageRules/${rule?.id}`);
    await resource.up(intake);
    expect(await method(world)).toBe(SERVER_SIDE);
  });

  test("of a source whose rule somebody deleted, and a refresh saw, is shown and puts the record back", async () => {
    const world = await withMailboxes();
    const resource = await made(world);
    const [rule] = (await rules(world)) as Row[];
    await world.graph("DELETE", `/users/${ada}/mailFolders/inbox/messageRules/${rule?.id}`);
    expect(await resource.refresh()).toEqual({ [drifted]: [undefined, "there is no rule"] });
    expect(await resource.refresh()).toEqual({});
    expect(await resource.plan(intake)).toEqual(["sources"]);
    await resource.up(intake);
    expect(await method(world)).toBe(SERVER_SIDE);
    await expectSettled(resource, intake);
  });

  test("of a source whose rule somebody deleted, and a refresh saw, is not what the program wants: it gets its rule again", async () => {
    const world = await withMailboxes();
    const resource = await made(world);
    const [rule] = (await rules(world)) as Row[];
    await world.graph("DELETE", `/users/${ada}/mailFolders/inbox/messageRules/${rule?.id}`);
    await resource.refresh();
    await resource.up(program);
    expect(await rules(world)).toHaveLength(1);
    await expectSettled(resource);
    await resource.destroy();
    expect(await method(world)).toBe(SERVER_SIDE);
  });

  test("of a source whose mailbox is gone puts the record back", async () => {
    const world = await withMailboxes({ config: { settleTimeout: "1s" } });
    const resource = await made(world);
    await hideRecipients(world);
    await resource.destroy();
    expect(await method(world)).toBe(SERVER_SIDE);
    expect(await rules(world)).toEqual([]);
  });

  test("of two records of one source puts back each as it was", async () => {
    const world = await withMailboxes();
    const grace = id("d002", 2);
    await world.dataverse("PATCH", `/systemusers(${id("d001", 2)})`, { internalemailaddress: "ada@contoso.com" });
    await world.dataverse("PATCH", `/mailboxes(${grace})`, { incomingemaildeliverymethod: NONE });
    const resource = await made(world);
    expect([await method(world), await method(world, grace)]).toEqual([FORWARD_MAILBOX, FORWARD_MAILBOX]);
    await expectSettled(resource);
    await world.fault({ service: "dataverse", method: "PATCH", path: grace, answer: denied });
    await failure(resource.up(intake));
    await resource.up(intake);
    expect([await method(world), await method(world, grace)]).toEqual([SERVER_SIDE, NONE]);
  });

  test("with a rename without an alias leaves what the new resource declares", async () => {
    const world = await withMailboxes();
    const old = await made(world, program, "old");
    const renamed = world.resource("ForwardingMailbox", "new");
    await world.together(async () => {
      await renamed.up(program);
      await old.destroy();
    });
    expect(await method(world)).toBe(FORWARD_MAILBOX);
    expect(await rules(world)).toHaveLength(1);
    await expectSettled(renamed);
    await renamed.destroy();
    expect(await rules(world)).toEqual([]);
    // What the record was before went with the old resource; nobody guesses.
    expect(stays(world)).toHaveLength(1);
  });
});

describe("a rule", () => {
  const elsewhere = { ...second, name: "Renamed", sources: [ada] };

  test("is the same one when record, address and source are all written anew at once", async () => {
    const world = await withMailboxes();
    const resource = await made(world);
    const [before] = (await rules(world)) as Row[];
    await resource.up(elsewhere);
    expect(await rules(world)).toMatchObject([
      { id: before?.id, displayName: "Dynamics 365 forward mailbox: Renamed" },
    ]);
    await expectSettled(resource, elsewhere);
    await resource.destroy();
    expect(await rules(world)).toEqual([]);
    expect(await method(world)).toBe(SERVER_SIDE);
  });

  test("whose answer was lost in a deployment that failed is the same one, too", async () => {
    const world = await withMailboxes({
      settings: { test: { outcomes: { [collector]: "failure" } } },
      config: { settleTimeout: "1s" },
    });
    const resource = world.resource("ForwardingMailbox", "intake");
    await world.fault({ service: "graph", method: "POST", path: "messageRules", close: "after" });
    expect(await failure(resource.up({ ...program, testAndEnable: { require: true } }))).toContain("failed");
    await resource.up(elsewhere);
    expect(await rules(world)).toMatchObject([{ displayName: "Dynamics 365 forward mailbox: Renamed" }]);
    await resource.destroy();
    expect(await rules(world)).toEqual([]);
  });
});
