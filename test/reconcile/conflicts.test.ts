import { UNKNOWN } from "../../provider/dynamic/engine";
import { failure, type Resource, type Row, startWorld, type World, withMailbox } from "./harness";

type Kind = "SharedMailbox" | "MailboxMembership" | "ForwardingMailbox" | "IndividualMailbox" | "Queue";
/** Kind, name and inputs of a resource of the program. */
type Declared = [Kind, string, Row];

const ADA = "ada@contoso.com";

/** What the checks of a program refuse: in the order of the program, each resource checked once as in a preview. */
async function preview(world: World, program: readonly Declared[]): Promise<string[]> {
  return world.together(async () => {
    const refused: string[] = [];
    for (const [kind, name, inputs] of program) {
      const checked = world.resource(kind, name).check(inputs);
      refused.push(
        ...(await checked.then(
          () => [],
          (error: Error) => error.message.split("\n"),
        )),
      );
    }
    return refused;
  });
}

const mailbox = (name: string, inputs: Row): Declared => [
  "SharedMailbox",
  name,
  { displayName: name, primarySmtpAddress: `${name}@contoso.com`, ...inputs },
];
const membership = (name: string, on: string, members: unknown, more: Row = {}): Declared => [
  "MailboxMembership",
  name,
  { mailbox: on, members, ...more },
];
const urnOf = (world: World, kind: Kind, name: string) => world.resource(kind, name).urn;

describe("names that two mailboxes declare are refused at preview, with both resources named", () => {
  const both = /is declared in the SharedMailbox "b" and in the SharedMailbox "a" \(/;

  test.each<[string, Row, Row, string]>([
    ["primary addresses, in another spelling", {}, { primarySmtpAddress: " A@Contoso.com" }, "primarySmtpAddress"],
    [
      "a primary address and a further one",
      {},
      { emailAliases: ["z@contoso.com", "A@contoso.com"] },
      "emailAliases[1]",
    ],
    ["a further address and a primary one", { emailAliases: ["b@contoso.com"] }, {}, "primarySmtpAddress"],
    [
      "two further addresses, beside one that is not known",
      { emailAliases: ["x@contoso.com", UNKNOWN] },
      { emailAliases: [UNKNOWN, "X@contoso.com"] },
      "emailAliases[1]",
    ],
    ["the alias", { alias: "desk" }, { alias: "Desk" }, "alias"],
  ])("%s", async (_what, one, other, path) => {
    const world = await startWorld();
    const refused = await preview(world, [mailbox("a", one), mailbox("b", other)]);
    expect(refused).toEqual([expect.stringMatching(both)]);
    expect(refused[0]?.startsWith(`${path}: `)).toBe(true);
    expect(refused[0]).not.toMatch(/adopt|import/);
  });

  test("a mailbox that one resource manages is not taken over by another for an address that it still has", async () => {
    const world = await startWorld();
    const [[, , a], [, , b]] = [mailbox("a", {}), mailbox("b", { primarySmtpAddress: "a@contoso.com", adopt: true })];
    const one = await world.resource("SharedMailbox", "a").up(a);
    const refused = await world.together(async () => {
      await one.up({ ...a, primarySmtpAddress: "moved@contoso.com" });
      return failure(world.resource("SharedMailbox", "b").up({ ...b, signInBlocked: true }));
    });
    expect(refused).toMatch(
      /^primarySmtpAddress: a@contoso\.com belongs to the shared mailbox .*, which the SharedMailbox "a" manages\./,
    );
    expect(refused).not.toContain("adopt");
    expect(await world.countOf("New-Mailbox")).toBe(1);
  });

  test("the other one stops too where it is about to write, and nobody is told to adopt", async () => {
    const world = await startWorld();
    const [[, , a], [, , b]] = [mailbox("a", {}), mailbox("b", { primarySmtpAddress: "a@contoso.com", adopt: true })];
    const one = await world.resource("SharedMailbox", "a").up(a);
    const other = world.resource("SharedMailbox", "b");
    await world.writes();
    await world.together(async () => {
      const late = (checked: Row) => {
        void failure(one.check(a));
        return checked;
      };
      expect(await failure(other.up(b, late))).toMatch(/^primarySmtpAddress: .* "b" and in the SharedMailbox "a"/);
    });
    expect(await world.writes()).toEqual([]);
  });

  test.each<[string, Row, Row]>([
    ["what is not known", { primarySmtpAddress: UNKNOWN }, { primarySmtpAddress: UNKNOWN }],
    ["other addresses", { emailAliases: ["x@contoso.com"] }, { emailAliases: ["y@contoso.com"] }],
  ])("%s is no conflict", async (_what, one, other) => {
    expect(await preview(await startWorld(), [mailbox("a", one), mailbox("b", other)])).toEqual([]);
  });

  test("an address may move from one to the other, in either order; a resource that is checked twice is no other", async () => {
    const world = await startWorld();
    const [, , a] = mailbox("a", { emailAliases: ["x@contoso.com"] });
    const [, , b] = mailbox("b", {});
    const [one, other] = [world.resource("SharedMailbox", "a"), world.resource("SharedMailbox", "b")];
    await one.up(a);
    await other.up(b);
    for (const order of [[one, other] as const, [other, one] as const]) {
      await world.together(async () => {
        for (const resource of [...order, ...order]) {
          await resource.check(
            resource === one ? { ...a, emailAliases: [] } : { ...b, emailAliases: ["x@contoso.com"] },
          );
        }
      });
    }
  });

  test("one that was renamed with an alias, and a new one of its old name", async () => {
    const world = await startWorld();
    const [, , a] = mailbox("a", {});
    const old = await world.resource("SharedMailbox", "a").up(a);
    const renamed: Resource = world.resource("SharedMailbox", "renamed");
    renamed.state = old.state;
    await world.together(async () => {
      await renamed.check(a);
      expect(await failure(world.resource("SharedMailbox", "a").check(a))).toMatch(
        /^primarySmtpAddress: a@contoso\.com is declared in the SharedMailbox "a" and in the SharedMailbox "renamed"/,
      );
    });
  });
});

describe("members that two memberships declare", () => {
  const differs =
    /^members\["ada@contoso\.com"\]\.sendAs: is false in the MailboxMembership "two" and true in the MailboxMembership "one"/;
  const without = { [ADA]: { sendAs: false } };

  test("with other rights are refused at preview, by address or by the id that the mailbox gets", async () => {
    const world = await startWorld();
    const hint = { __awaited: { mailbox: urnOf(world, "SharedMailbox", "box") } };
    const ways: [string, Row][] = [
      ["box@contoso.com", {}],
      ["Desk@contoso.com", {}],
      [UNKNOWN, hint],
    ];
    for (const [on, more] of ways) {
      for (const [also, further] of ways) {
        expect(
          await preview(world, [
            mailbox("box", { emailAliases: ["desk@contoso.com"] }),
            membership("one", on, ["Ada@contoso.com", UNKNOWN], more),
            membership("two", also, without, further),
          ]),
        ).toEqual([expect.stringMatching(differs)]);
      }
    }
  });

  test.each<[string, Row, Row, string]>([
    ["Full Access", {}, { fullAccess: false }, "fullAccess"],
    ["Send on Behalf", { sendOnBehalf: true }, {}, "sendOnBehalf"],
    ["automapping", {}, { automapping: false }, "automapping"],
    ["further rights", { otherRights: [] }, { otherRights: ["ReadPermission"] }, "otherRights"],
  ])("that differ in %s", async (_what, one, other, right) => {
    const refused = await preview(await startWorld(), [
      membership("one", "box@contoso.com", { [ADA]: one }),
      membership("two", "box@contoso.com", { [ADA]: other }),
    ]);
    expect(refused).toEqual([expect.stringMatching(new RegExp(`^members\\["ada@contoso\\.com"\\]\\.${right}: is `))]);
  });

  test("with the same rights, on other mailboxes, or where anything of it is not known, are fine", async () => {
    const world = await startWorld();
    expect(
      await preview(world, [
        membership("one", "box@contoso.com", { [ADA]: { sendAs: false } }),
        membership("two", "box@contoso.com", { [ADA]: { sendAs: false, otherRights: [] } }),
        membership("three", "other@contoso.com", [ADA]),
        membership("four", UNKNOWN, [ADA]),
        membership("five", "box@contoso.com", { [ADA]: { sendAs: UNKNOWN } }),
        membership("six", UNKNOWN, [ADA], { __awaited: { mailbox: UNKNOWN } }),
      ]),
    ).toEqual([]);
  });

  test("by address and by id are compared when they are looked up, before anything is written", async () => {
    const { world, id, membership: one } = await withMailbox();
    const ada = await world.graph("GET", `/users/${ADA}`);
    await world.together(async () => {
      await one.up({ mailbox: id, members: [ADA] });
      await world.writes();
      const two = world.resource("MailboxMembership", "two");
      const words = await failure(
        two.up({ mailbox: "support@contoso.com", members: { [String(ada?.id)]: { sendAs: false } } }),
      );
      expect(words).toMatch(
        /\.sendAs: is false in the MailboxMembership "two" and true in the MailboxMembership "members"/,
      );
      expect(await world.writes()).toEqual([]);
    });
    // The next deployment knows whom the address means before it looks.
    await world.together(async () => {
      await one.up({ mailbox: id, members: [ADA] });
      const two = world.resource("MailboxMembership", "two");
      await expect(two.check({ mailbox: id, members: { [String(ada?.id)]: { sendAs: false } } })).rejects.toThrow(
        /sendAs: is false/,
      );
    });
  });

  test("what a policy makes of them counts, not what the program said", async () => {
    const { world, id, membership: one } = await withMailbox();
    const remediate = (checked: Row) => ({
      ...checked,
      members: { [ADA]: { ...(checked.members as Row), sendAs: false } },
    });
    await world.together(async () => {
      await one.up({ mailbox: id, members: [] }, remediate);
      const two = world.resource("MailboxMembership", "two");
      expect(await failure(two.up({ mailbox: id, members: [ADA] }))).toMatch(/sendAs: is true .* and false in/);
    });
  });

  test("of two exclusive memberships are refused at preview", async () => {
    const world = await startWorld();
    const hint = { exclusive: true, __awaited: { mailbox: urnOf(world, "SharedMailbox", "box") } };
    expect(
      await preview(world, [
        mailbox("box", {}),
        membership("one", "box@contoso.com", [ADA], { exclusive: true }),
        membership("two", UNKNOWN, ["grace@contoso.com"], hint),
        membership("three", "box@contoso.com", ["alan@contoso.com"]),
      ]),
    ).toEqual([
      expect.stringMatching(/^exclusive: is true in the MailboxMembership "two" and in the MailboxMembership "one"/),
    ]);
  });
});

describe("a mailbox record that two resources give two values is refused at preview", () => {
  const user = (name: string, inputs: Row): Declared => ["IndividualMailbox", name, { user: ADA, ...inputs }];
  const queue = (inputs: Row): Declared => [
    "Queue",
    "q",
    { name: "Q", emailAddress: "support@contoso.com", ...inputs },
  ];
  const credentials = { userName: "ada", password: "first" };

  test.each<[string, Declared[], RegExp]>([
    [
      "a method",
      [user("one", { incomingEmail: "None" }), user("two", { incomingEmail: "Outlook" })],
      /^incomingEmail: the IndividualMailbox "two" gives the mailbox record Outlook, and the IndividualMailbox "one" gives the same record None;/,
    ],
    [
      "credentials, which are not shown",
      [user("one", { credentials }), user("two", { credentials: { ...credentials, password: "second" } })],
      /^credentials: the IndividualMailbox "two" and the IndividualMailbox "one" give the same mailbox record different values/,
    ],
    [
      "the server profile",
      [user("one", { serverProfile: "One" }), user("two", { serverProfile: "Two" })],
      /^serverProfile: .* different values/,
    ],
    [
      "that of a queue by address",
      [
        queue({ incomingEmail: "ServerSideSynchronization" }),
        ["IndividualMailbox", "rival", { queue: "Support@contoso.com", incomingEmail: "None" }],
      ],
      /^incomingEmail: the IndividualMailbox "rival" gives .* and the Queue "q" gives/,
    ],
    [
      "that of a source",
      [
        user("one", { incomingEmail: "ServerSideSynchronization" }),
        ["ForwardingMailbox", "intake", { name: "Intake", emailAddress: "in@contoso.com", sources: [ADA] }],
      ],
      /^sources\["ada@contoso\.com"\]: the ForwardingMailbox "intake" sets .* and the IndividualMailbox "one" gives it/,
    ],
  ])("%s", async (_what, program, reason) => {
    const refused = await preview(await startWorld(), program);
    expect(refused).toEqual([expect.stringMatching(reason)]);
    expect(refused.join()).not.toMatch(/first|second/);
  });

  test("that of a queue by the id that it gets, in either order", async () => {
    const world = await startWorld();
    const rival: Declared = [
      "IndividualMailbox",
      "rival",
      { queue: UNKNOWN, outgoingEmail: "None", __awaited: { queue: urnOf(world, "Queue", "q") } },
    ];
    const program = [queue({ outgoingEmail: "ServerSideSynchronization" }), rival];
    expect(await preview(world, program)).toEqual([expect.stringMatching(/^outgoingEmail: .*"rival".*"q"/)]);
    expect(await preview(world, program.reverse())).toEqual([expect.stringMatching(/^outgoingEmail: .*"q".*"rival"/)]);
  });

  test("the same value, another record, a profile by name and by id are none", async () => {
    expect(
      await preview(await startWorld(), [
        user("one", { incomingEmail: "None", serverProfile: "Microsoft Exchange Online" }),
        user("two", { incomingEmail: "None", serverProfile: "microsoft exchange online" }),
        user("three", { serverProfile: "6f5c1a7e-0000-4000-8000-000000000001" }),
        ["IndividualMailbox", "four", { queue: ADA, incomingEmail: "ForwardMailbox" }],
        ["Queue", "q", { name: "Q", emailAddress: "q@contoso.com", incomingEmail: "None" }],
        ["Queue", "r", { name: "R", emailAddress: "r@contoso.com", incomingEmail: "ServerSideSynchronization" }],
      ]),
    ).toEqual([]);
  });
});

describe("one address of two rows of a Dynamics environment", () => {
  const ADDRESS = "desk@contoso.com";
  const queueAt = (name: string, emailAddress: unknown, more: Row = {}): Declared => [
    "Queue",
    name,
    { name, emailAddress, ...more },
  ];
  const intakeAt = (name: string, emailAddress: unknown): Declared => [
    "ForwardingMailbox",
    name,
    { name, emailAddress },
  ];

  test.each<[string, Declared[], RegExp]>([
    ["two queues", [queueAt("a", ADDRESS), queueAt("b", " Desk@Contoso.com")], /the Queue "b" and the Queue "a"/],
    [
      "two forward mailboxes",
      [intakeAt("a", ADDRESS), intakeAt("b", ADDRESS)],
      /the ForwardingMailbox "b" and the ForwardingMailbox "a"/,
    ],
    [
      "a queue and a forward mailbox",
      [queueAt("a", ADDRESS), intakeAt("b", ADDRESS)],
      /the ForwardingMailbox "b" and the Queue "a"/,
    ],
    [
      "a user's record and a queue",
      [["IndividualMailbox", "a", { user: ADA, emailAddress: ADDRESS }], queueAt("b", ADDRESS)],
      /the Queue "b" and the IndividualMailbox "a"/,
    ],
  ])("is refused at preview: %s", async (_what, program, both) => {
    const refused = await preview(await startWorld(), program);
    expect(refused).toEqual([expect.stringMatching(/^emailAddress: .* both declare desk@contoso\.com\. .*own$/)]);
    expect(refused[0]).toMatch(both);
  });

  test("is fine beside the mailbox that has it, in another environment, and where a record is that of the queue", async () => {
    expect(
      await preview(await startWorld(), [
        mailbox("desk", {}),
        queueAt("a", ADDRESS),
        ["IndividualMailbox", "b", { queue: ADDRESS, emailAddress: ADDRESS }],
        queueAt("c", UNKNOWN),
      ]),
    ).toEqual([]);
  });

  test("that only the deployment knows is refused there, before anything is written", async () => {
    const { world } = await withMailbox();
    await world.together(async () => {
      const [first, second] = [world.resource("Queue", "a"), world.resource("Queue", "b")];
      await first.check({ name: "A", emailAddress: "support@contoso.com" });
      await second.check({ name: "B", emailAddress: UNKNOWN });
      await first.up({ name: "A", emailAddress: "support@contoso.com", testAndEnable: false });
      await world.writes();
      const checked = { name: "B", emailAddress: "support@contoso.com", __origin: second.urn };
      const words = await failure(second.up({ name: "B", emailAddress: UNKNOWN }, () => checked));
      expect(words).toMatch(/the Queue "b" and the Queue "a" both declare support@contoso\.com/);
      expect(await world.writes()).toEqual([]);
    });
  });
});

describe("a contradiction that only the deployment knows, as of ids that come out of apply", () => {
  type Case = [string, (id: string) => [Declared, Declared], RegExp];
  const sendAs = (value: boolean) => ({ [ADA]: { sendAs: value } });
  const cases: Case[] = [
    [
      "members with other rights",
      (id) => [membership("one", id, sendAs(true)), membership("two", "support@contoso.com", sendAs(false))],
      /\.sendAs: is (true|false) in the MailboxMembership "(one|two)" and (true|false) in the MailboxMembership "(one|two)"/,
    ],
    [
      "two exclusive memberships",
      (id) => [
        membership("one", id, [ADA], { exclusive: true }),
        membership("two", id, ["grace@contoso.com"], { exclusive: true }),
      ],
      /^exclusive: is true in the MailboxMembership "(one|two)" and in the MailboxMembership "(one|two)"/,
    ],
    [
      "two values of one record",
      () => [
        ["IndividualMailbox", "one", { user: ADA, incomingEmail: "None" }],
        ["IndividualMailbox", "two", { user: ADA, incomingEmail: "ServerSideSynchronization" }],
      ],
      /^incomingEmail: the IndividualMailbox "(one|two)" gives the mailbox record /,
    ],
    [
      "two queues of one address",
      () => [
        ["Queue", "one", { name: "One", emailAddress: "support@contoso.com" }],
        ["Queue", "two", { name: "Two", emailAddress: "support@contoso.com" }],
      ],
      /^emailAddress: .* both declare support@contoso\.com/,
    ],
    [
      "two mailboxes of one address",
      () => [mailbox("one", {}), mailbox("two", { primarySmtpAddress: "one@contoso.com" })],
      /^primarySmtpAddress: one@contoso\.com is declared in the SharedMailbox "(one|two)" and in the SharedMailbox "(one|two)"/,
    ],
  ];

  test.each(cases)("stops both before anything is written, in either order: %s", async (_what, program, reason) => {
    for (const isReversed of [false, true]) {
      const world = await startWorld();
      const [, , support] = mailbox("support", {});
      const box = await world.resource("SharedMailbox", "support").up(support);
      await world.writes();
      const declared = isReversed ? program(box.id).reverse() : program(box.id);
      const refused = await world.together(async () => {
        await box.plan(support);
        return Promise.all(declared.map(([kind, name, inputs]) => failure(world.resource(kind, name).up(inputs))));
      });
      for (const words of refused) {
        expect(words).toMatch(reason);
        expect(words).not.toMatch(/adopt|import|state delete/);
      }
      expect(await world.writes()).toEqual([]);
    }
  });

  test.each(cases)(
    "stops the one that comes when the other is deployed, which stays as it is: %s",
    async (_what, program, reason) => {
      const { world, id } = await withMailbox();
      await world.together(async () => {
        const [[kind, name, inputs], [other, second, rest]] = program(id);
        const first = await world.resource(kind, name).up(inputs);
        await world.writes();
        const words = await failure(world.resource(other, second).up(rest));
        expect(words).toMatch(reason);
        expect(words).not.toMatch(/adopt|import|state delete/);
        expect(await world.writes()).toEqual([]);
        expect(await first.refresh()).toEqual({});
      });
    },
  );
});
