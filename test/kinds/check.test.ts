import fc from "fast-check";
import type { Declaration, Properties } from "../../provider/core/kind";
import { type Checking, check } from "../../provider/dynamic/check";
import { placeholder, plain, UNKNOWN } from "../../provider/dynamic/engine";
import { kinds as everyKind } from "../../provider/kinds";
import { forwardingMailbox } from "../../provider/kinds/forwarding-mailbox/reconciler";
import { mailboxMembership } from "../../provider/kinds/mailbox-membership/reconciler";
import { sharedMailbox } from "../../provider/kinds/shared-mailbox/reconciler";

const kinds = {
  SharedMailbox: sharedMailbox,
  MailboxMembership: mailboxMembership,
  ForwardingMailbox: forwardingMailbox,
};
type Kind = keyof typeof kinds;

function checked(kind: Kind, program: Properties, isNew = true) {
  return check(kinds[kind] as unknown as Checking<Properties>, program, isNew ? undefined : {});
}

function problems(kind: Kind, program: Properties): string[] {
  return checked(kind, program).problems.map(({ path, reason }) => `${path}: ${reason}`);
}

const support = { displayName: "Contoso Support", primarySmtpAddress: "support@contoso.com" };
const membership = { mailbox: "support@contoso.com", members: ["ada@contoso.com"] };
const intake = { name: "CRM intake", emailAddress: "forwardmailbox@contoso.com" };

const address = fc
  .tuple(fc.stringMatching(/^[A-Za-z0-9]{1,12}$/), fc.constantFrom("contoso.com", "Fabrikam.example"))
  .map(([local, domain]) => `${local}@${domain}`);
const person = fc.oneof(address, fc.uuid());
const distinct = fc.uniqueArray(person, { minLength: 1, maxLength: 8, selector: (one) => one.toLowerCase() });
const optional = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });
const rights = fc.record({
  fullAccess: optional(fc.boolean()),
  sendAs: optional(fc.boolean()),
  sendOnBehalf: optional(fc.boolean()),
  automapping: optional(fc.boolean()),
});
const members = fc.oneof(
  distinct,
  distinct.chain((keys) =>
    fc.tuple(...keys.map((key) => rights.map((value) => [key, value] as const))).map(Object.fromEntries),
  ),
);

const programs: Record<Kind, fc.Arbitrary<Properties>> = {
  SharedMailbox: fc.record({
    displayName: fc.constantFrom("Support", "  Support  ", "Ünïcode"),
    primarySmtpAddress: fc.constant("Support@contoso.com"),
    alias: optional(fc.constantFrom("support", "Sup.port")),
    emailAliases: optional(fc.array(address, { maxLength: 5 })),
    signInBlocked: optional(fc.boolean()),
    hiddenFromAddressLists: optional(fc.boolean()),
    // Never one of the mailbox's own addresses, which is refused.
    forwarding: optional(fc.record({ to: address.map((one) => `to-${one}`), keepCopy: optional(fc.boolean()) })),
    adopt: optional(fc.boolean()),
    deletion: optional(fc.constantFrom("soft", "retain")),
  }),
  MailboxMembership: fc.record({ mailbox: person, members }),
  ForwardingMailbox: fc.record({
    name: fc.constantFrom("Intake", " Intake "),
    emailAddress: fc.constant("Collector@adatum.example"),
    deleteAfterProcessing: optional(fc.boolean()),
    incomingEmail: optional(fc.constantFrom("None", "ServerSideSynchronization")),
    approveEmail: optional(fc.boolean()),
    testAndEnable: optional(fc.oneof(fc.boolean(), fc.string(), fc.record({ require: fc.boolean() }))),
    sources: optional(distinct),
  }),
};

test.each(Object.entries(everyKind))("the sample programs of %s pass, and are canonical then", (_kind, one) => {
  expect(one.samples.length).toBeGreaterThan(1);
  for (const sample of one.samples) {
    const { inputs, problems: found } = check(one.reconciler, sample, undefined);
    expect(found).toEqual([]);
    expect(check(one.reconciler, plain(inputs), {})).toMatchObject({ inputs, problems: [] });
  }
});

describe.each(Object.keys(kinds) as Kind[])("%s", (kind) => {
  test("checking what was checked changes nothing", () => {
    fc.assert(
      fc.property(programs[kind], (program) => {
        const once = checked(kind, program);
        expect(once.problems).toEqual([]);
        const twice = checked(kind, plain(once.inputs), false);
        expect(twice).toEqual({ ...once, defaulted: [] });
        expect(JSON.stringify(twice.inputs)).toBe(JSON.stringify(once.inputs));
      }),
    );
  });

  test("null is as if it was not written", () => {
    fc.assert(
      fc.property(programs[kind], (program) => {
        const nulls = Object.fromEntries(Object.entries(program).map(([key, value]) => [key, value ?? null]));
        expect(checked(kind, nulls).inputs).toEqual(checked(kind, program).inputs);
      }),
    );
  });

  test("an unknown property is named, with those there are", () => {
    const [problem] = checked(kind, { ...support, ...membership, ...intake, colour: "red" }).problems.filter(
      ({ path }) => path === "colour",
    );
    expect(problem?.reason).toMatch(new RegExp(`^is not a property of ${kind}, which has: `));
  });

  test("a value that is not known yet passes through, and the others are checked all the same", () => {
    fc.assert(
      fc.property(programs[kind], fc.nat(), (program, choice) => {
        const names = Object.keys(program).filter((name) => program[name] !== undefined);
        const name = names[choice % names.length] ?? "";
        const { inputs, problems: found } = checked(kind, { ...program, [name]: UNKNOWN }, false);
        expect(found).toEqual([]);
        expect(inputs[name]).toBe(UNKNOWN);
        const { [name]: _hidden, ...rest } = checked(kind, program).inputs;
        expect(inputs).toMatchObject(rest);
      }),
    );
  });
});

describe("whatever is wrong with a value", () => {
  const odd = [7, -1, 1.5, true, "odd?", "", [], {}, [7], [""], [[]], { odd: 1 }];
  const inside = [
    "to",
    "days",
    "mode",
    "sku",
    "user",
    "team",
    "status",
    "start",
    "language",
    "require",
    "password",
    "1",
  ];
  const wrong = [...odd, ...inside.flatMap((name) => [7, -1, "odd?", [], {}].map((value) => ({ [name]: value })))];

  test.each(Object.entries(everyKind))("of %s, the words for it are the product's own", (_kind, { reconciler }) => {
    const { shape } = reconciler.schema;
    for (const property of Object.keys(shape)) {
      for (const value of [...wrong, { "ada@contoso.com": 7 }, { sku: "X", disabledPlans: [7] }]) {
        const { problems: found } = check(reconciler, { [property]: value }, {});
        for (const { path, reason } of found) {
          expect({ path, value, reason }).toEqual({
            path: expect.stringMatching(/./),
            value,
            reason: expect.not.stringMatching(
              /^(Invalid|Too (small|big)|Unrecognized)|expected \w+, received|undefined/,
            ),
          });
        }
      }
    }
  });
});

test("the order of lists and maps and the case of addresses are no difference", () => {
  fc.assert(
    fc.property(distinct, fc.func(fc.nat()), (people, random) => {
      const shuffled = [...people].sort((a, b) => random(a) - random(b)).map((one) => one.toUpperCase());
      const asMap = Object.fromEntries(shuffled.map((one) => [` ${one}`, {}]));
      const canonical = JSON.stringify(checked("MailboxMembership", { ...membership, members: people }).inputs);
      for (const form of [shuffled, asMap]) {
        expect(JSON.stringify(checked("MailboxMembership", { ...membership, members: form }).inputs)).toBe(canonical);
      }
      const emailAliases = people.filter((one) => one.includes("@"));
      const aliases = checked("SharedMailbox", { ...support, emailAliases }).inputs.emailAliases;
      expect(
        checked("SharedMailbox", { ...support, emailAliases: [...emailAliases].reverse() }).inputs.emailAliases,
      ).toEqual(aliases);
    }),
  );
});

test("wrong keys and wrong values of a map are named together, as they are written", () => {
  const found = problems("MailboxMembership", {
    ...membership,
    members: {
      "Ada Lovelace": {},
      "Grace@contoso.com": { sendAs: "yes", colour: "red" },
      " Alan@contoso.com": {},
      "alan@contoso.com": 7,
    },
  });
  expect(found.sort()).toEqual([
    expect.stringMatching(/^members\["Ada Lovelace"\]: looks like a display name/),
    expect.stringMatching(/^members\["Grace@contoso\.com"\]\.colour: is not a property/),
    expect.stringMatching(/^members\["Grace@contoso\.com"\]\.sendAs: must be true or false/),
    expect.stringMatching(/^members\["alan@contoso\.com"\]: is given twice/),
    expect.stringMatching(/^members\["alan@contoso\.com"\]: must be an object of rights/),
  ]);
});

describe("advice is not given again when something else changes", () => {
  const many = (count: number) => Array.from({ length: count }, (_, index) => `a${index}@contoso.com`);
  const silent = { status: "alwaysEnabled", internalMessage: "Back on Monday", externalAudience: "all" };
  const cases: [Kind, Properties, Properties, Properties][] = [
    ["SharedMailbox", support, { emailAliases: many(301) }, { displayName: "Other" }],
    ["SharedMailbox", support, { forwarding: { to: "x@elsewhere.example" } }, { displayName: "Other" }],
    ["SharedMailbox", support, { automaticReplies: silent }, { displayName: "Other" }],
    [
      "SharedMailbox",
      support,
      { quota: { issueWarning: "49 GB", prohibitSend: "20 GB", prohibitSendReceive: "50 GB" } },
      { displayName: "Other" },
    ],
    ["MailboxMembership", membership, { members: many(26) }, { exclusive: true }],
  ];
  const turned = (value: unknown): unknown =>
    typeof value === "object" && value !== null && !Array.isArray(value)
      ? Object.fromEntries(
          Object.entries(value)
            .reverse()
            .map(([name, member]) => [name, turned(member)]),
        )
      : value;

  test.each(cases)("%s %#", (kind, program, more, other) => {
    const reconciler = kinds[kind] as unknown as Required<Pick<Declaration<Properties, unknown>, "advise">>;
    const before = checked(kind, { ...program, ...more }).inputs;
    const after = checked(kind, { ...program, ...more, ...other }).inputs;
    expect(reconciler.advise(before, undefined)).toHaveLength(1);
    expect(reconciler.advise(before, checked(kind, program).inputs)).toHaveLength(1);
    // A refresh may give the members of an object in another order.
    expect(reconciler.advise(after, turned(before) as Properties)).toEqual([]);
  });
});

describe("mistakes are named by path", () => {
  const cases: [Kind, Properties, RegExp][] = [
    ["SharedMailbox", { primarySmtpAddress: "a@contoso.com" }, /^displayName: is missing; must be text/],
    ["SharedMailbox", { ...support, displayName: "  " }, /^displayName: is empty/],
    ["SharedMailbox", { ...support, displayName: 7 }, /^displayName: must be text/],
    ["SharedMailbox", { ...support, displayName: "Contoso\nSupport" }, /^displayName: has a line break/],
    ["SharedMailbox", { ...support, displayName: "Contoso\u0000" }, /^displayName: has a line break/],
    ["ForwardingMailbox", { ...intake, name: "CRM\tintake" }, /^name: has a line break/],
    ["SharedMailbox", { ...support, displayName: "x".repeat(257) }, /^displayName: is longer than 256/],
    ["SharedMailbox", { displayName: "Support" }, /^primarySmtpAddress: is missing/],
    ["SharedMailbox", { ...support, primarySmtpAddress: "support" }, /^primarySmtpAddress: is not an SMTP address/],
    // The sign for Kelvin, whose small letter is the k of ASCII.
    [
      "SharedMailbox",
      { ...support, primarySmtpAddress: "des\u212A@contoso.com" },
      /^primarySmtpAddress: is not an SMTP/,
    ],
    ["MailboxMembership", { mailbox: "desk@contoso.com", members: ["\u212Aay@contoso.com"] }, /: is not an address/],
    ["SharedMailbox", { ...support, primarySmtpAddress: "*@contoso.com" }, /^primarySmtpAddress: is a pattern/],
    ["SharedMailbox", { ...support, rejectMessagesFrom: ["*@contoso.com"] }, /^rejectMessagesFrom: has .*is a pattern/],
    ["MailboxMembership", { ...membership, members: ["*@contoso.com"] }, /^members\[0\]: is a pattern/],
    [
      "MailboxMembership",
      { ...membership, members: { "%@contoso.com": {} } },
      /^members\["%@contoso.com"\]: is a pattern/,
    ],
    ["ForwardingMailbox", { ...intake, sources: ["?@contoso.com"] }, /^sources\[0\]: is a pattern/],
    [
      "SharedMailbox",
      { ...support, emailAliases: ["a*b@contoso.com", "*@contoso.com"] },
      /^emailAliases\[1\]: is a pattern/,
    ],
    ["SharedMailbox", { ...support, primarySmtpAddress: "a b@contoso.com" }, /^primarySmtpAddress: is not/],
    ["SharedMailbox", { ...support, primarySmtpAddress: "a..b@contoso.com" }, /^primarySmtpAddress: is not/],
    ["SharedMailbox", { ...support, primarySmtpAddress: "a@localhost" }, /^primarySmtpAddress: is not/],
    [
      "SharedMailbox",
      { ...support, primarySmtpAddress: `${"a".repeat(65)}@contoso.com` },
      /^primarySmtpAddress: is not/,
    ],
    ["SharedMailbox", { ...support, alias: "" }, /^alias: is empty or has characters/],
    ["SharedMailbox", { ...support, alias: "two words" }, /^alias: is empty or has characters/],
    ["SharedMailbox", { ...support, alias: ".dot" }, /^alias: is empty or has characters/],
    ["SharedMailbox", { ...support, alias: "x".repeat(65) }, /^alias: is longer than 64/],
    ["SharedMailbox", { ...support, emailAliases: "a@contoso.com" }, /^emailAliases: must be a list/],
    [
      "SharedMailbox",
      { ...support, emailAliases: Array.from({ length: 333 }, (_, index) => `a${index}@contoso.com`) },
      /^emailAliases: has 333 entries; .*333 addresses$/,
    ],
    ["SharedMailbox", { ...support, emailAliases: ["a@contoso.com", "b"] }, /^emailAliases\[1\]: is not an SMTP/],
    ["SharedMailbox", { ...support, emailAliases: ["Support@contoso.com"] }, /^emailAliases: has the primary address/],
    ["SharedMailbox", { ...support, signInBlocked: "yes" }, /^signInBlocked: must be true or false/],
    ["SharedMailbox", { ...support, forwarding: "a@contoso.com" }, /^forwarding: must be an object/],
    [
      "SharedMailbox",
      { ...support, forwarding: "none" },
      /^forwarding: must be an object .* or false for no forwarding/,
    ],
    ["SharedMailbox", { ...support, forwarding: true }, /^forwarding: must be an object .* or false/],
    ["SharedMailbox", { ...support, mailTip: "" }, /^mailTip: is empty; write false/],
    ["SharedMailbox", { ...support, mailTip: true }, /^mailTip: must be text .* or false/],
    ["SharedMailbox", { ...support, customAttributes: { 3: "" } }, /^customAttributes\["3"\]: is empty; write false/],
    [
      "SharedMailbox",
      { ...support, customAttributes: { 3: true } },
      /^customAttributes\["3"\]: must be text, or false/,
    ],
    ["SharedMailbox", { ...support, forwarding: {} }, /^forwarding\.to: /],
    ["SharedMailbox", { ...support, forwarding: { to: "x" } }, /^forwarding\.to: is not an SMTP address/],
    [
      "SharedMailbox",
      { ...support, forwarding: { to: "a@contoso.com", copy: true } },
      /^forwarding\.copy: is not a property of forwarding/,
    ],
    [
      "SharedMailbox",
      { ...support, forwarding: { to: "Support@contoso.com" } },
      /^forwarding\.to: is an address of this very mailbox/,
    ],
    [
      "SharedMailbox",
      { ...support, emailAliases: ["b@contoso.com"], forwarding: { to: "b@contoso.com" } },
      /^forwarding\.to: is an address of this very/,
    ],
    ["SharedMailbox", { ...support, deletion: "hard" }, /^deletion: /],
    ["MailboxMembership", { members: [] }, /^mailbox: is missing/],
    ["MailboxMembership", { ...membership, mailbox: "" }, /^mailbox: is empty/],
    ["MailboxMembership", { ...membership, mailbox: "The Support" }, /^mailbox: looks like a display name/],
    ["MailboxMembership", { mailbox: "a@contoso.com" }, /^members: is missing/],
    ["MailboxMembership", { ...membership, members: "ada@contoso.com" }, /^members: must be a list or a map/],
    ["MailboxMembership", { ...membership, members: ["Ada Lovelace"] }, /^members\[0\]: looks like a display name/],
    ["MailboxMembership", { ...membership, members: ["ada@contoso.com", 7] }, /^members\[1\]: must be text/],
    [
      "MailboxMembership",
      { ...membership, members: ["a@contoso.com", "A@contoso.com"] },
      /^members\[1\]: is the same as members\[0\]/,
    ],
    ["MailboxMembership", { ...membership, members: ["ada@"] }, /^members\[0\]: is not an address/],
    [
      "MailboxMembership",
      { ...membership, members: { "Ada Lovelace": {} } },
      /^members\["Ada Lovelace"\]: looks like/i,
    ],
    [
      "MailboxMembership",
      { ...membership, members: { "a@b.cd": {}, "A@b.cd": {} } },
      /^members\["A@b\.cd"\]: is given twice/,
    ],
    [
      "MailboxMembership",
      { ...membership, members: { "a@b.cd": { owner: true } } },
      /^members\["a@b\.cd"\]\.owner: is not a property/,
    ],
    [
      "MailboxMembership",
      { ...membership, members: { "a@b.cd": { sendAs: 1 } } },
      /^members\["a@b\.cd"\]\.sendAs: must be true or false/,
    ],
    [
      "MailboxMembership",
      { ...membership, members: { "a@b.cd": true } },
      /^members\["a@b\.cd"\]: must be an object of rights/,
    ],
    [
      "MailboxMembership",
      { ...membership, members: Array.from({ length: 501 }, (_, index) => `p${index}@contoso.com`) },
      /^members: has more than 500 entries/,
    ],
    ["ForwardingMailbox", { emailAddress: "a@contoso.com" }, /^name: is missing/],
    ["ForwardingMailbox", { ...intake, name: "x".repeat(201) }, /^name: is longer than 200/],
    [
      "ForwardingMailbox",
      { ...intake, emailAddress: `${"a".repeat(60)}@${"b".repeat(45)}.com` },
      /^emailAddress: is longer than 100/,
    ],
    ["ForwardingMailbox", { ...intake, incomingEmail: "ForwardMailbox" }, /^incomingEmail: must be .*0x8005E212/],
    ["ForwardingMailbox", { ...intake, testAndEnable: 1 }, /^testAndEnable: must be true, false/],
    [
      "ForwardingMailbox",
      { ...intake, sources: [intake.emailAddress] },
      /^sources\["forwardmailbox@contoso\.com"\]: is the collecting mailbox/,
    ],
    [
      "ForwardingMailbox",
      { ...intake, sources: { "a@b.cd": { only: "x" } } },
      /^sources\["a@b\.cd"\]\.only: is not a property/,
    ],
  ];
  test.each(cases)("%s %j", (kind, program, expected) => {
    const found = problems(kind, program);
    expect(found).toEqual(expect.arrayContaining([expect.stringMatching(expected)]));
    expect(found).toHaveLength(1);
  });

  test("all at once", () => {
    expect(problems("SharedMailbox", { displayName: "", primarySmtpAddress: "x", emailAliases: ["y"] })).toHaveLength(
      3,
    );
  });

  test("and never repeat the value, which may be a secret", () => {
    const secret = "s3cr3t-value";
    const wrong: [Kind, Properties][] = [
      ["SharedMailbox", { ...support, primarySmtpAddress: secret, alias: `${secret} x`, displayName: [secret] }],
      ["SharedMailbox", { ...support, forwarding: { to: secret }, emailAliases: [secret] }],
      ["MailboxMembership", { mailbox: secret, members: [secret, `${secret}@`] }],
      ["ForwardingMailbox", { name: [secret], emailAddress: secret, sources: [secret], incomingEmail: secret }],
    ];
    for (const [kind, program] of wrong) {
      const found = problems(kind, program).join("\n");
      expect(found).not.toBe("");
      expect(found).not.toContain(secret);
    }
  });
});

describe("a member that is not known yet", () => {
  const list = ["ada@contoso.com", UNKNOWN, "grace@contoso.com", UNKNOWN];

  test("of a new resource leaves the known ones visible", () => {
    const { inputs, problems: found } = checked("MailboxMembership", { ...membership, members: list });
    expect(found).toEqual([]);
    expect(inputs.members).toEqual({
      "ada@contoso.com": expect.objectContaining({ fullAccess: true }),
      "grace@contoso.com": expect.objectContaining({ fullAccess: true }),
      [placeholder(2)]: UNKNOWN,
      [placeholder(4)]: UNKNOWN,
    });
  });

  test("of an existing resource makes all of them unknown, so that no removal is shown", () => {
    expect(checked("MailboxMembership", { ...membership, members: list }, false).inputs.members).toBe(UNKNOWN);
  });

  test("does not hide wrong keys of a map, nor wrong values that are known", () => {
    const members = {
      "Ada Lovelace": { sendAs: UNKNOWN },
      "grace@contoso.com": { fullAccess: false, sendAs: UNKNOWN },
      "alan@contoso.com": { sendAs: 1 },
      "joan@contoso.com": UNKNOWN,
      "JOAN@contoso.com": {},
    };
    expect(problems("MailboxMembership", { ...membership, members })).toEqual([
      expect.stringMatching(/^members\["Ada Lovelace"\]: looks like a display name/),
      expect.stringMatching(/^members\["alan@contoso\.com"\]\.sendAs: must be true or false/),
      expect.stringMatching(/^members\["JOAN@contoso\.com"\]: is given twice/),
    ]);
    const sources = { "not an address": UNKNOWN, "a@contoso.com": UNKNOWN };
    expect(problems("ForwardingMailbox", { ...intake, sources })).toEqual([
      expect.stringMatching(/^sources\["not an address"\]: /),
    ]);
  });

  test("does not hide the mistakes of the known ones", () => {
    expect(problems("MailboxMembership", { ...membership, members: ["Ada", UNKNOWN] })).toEqual([
      expect.stringMatching(/^members\[0\]: looks like a display name/),
    ]);
  });
});

describe("what leaves a method is plain JSON", () => {
  test("undefined goes, a date becomes text", () => {
    expect(plain({ a: undefined, b: { c: undefined, d: [1, null] }, e: new Date(0) })).toEqual({
      b: { d: [1, null] },
      e: "1970-01-01T00:00:00.000Z",
    });
    expect(Object.keys(plain({ a: undefined }))).toEqual([]);
  });

  test.each([Number.NaN, Number.POSITIVE_INFINITY, () => 1, Symbol("x"), 1n])("%p is refused by path", (value) => {
    expect(() => plain({ a: { b: [value] } })).toThrow(/^a\.b\[0\] is /);
  });

  test("JSON stays as it is", () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (value) => {
        const json = JSON.parse(JSON.stringify(value)) as Properties;
        expect(JSON.stringify(plain(json))).toBe(JSON.stringify(json));
      }),
    );
  });
});

test("null at any depth is leaving out, but where it has a meaning of its own", () => {
  const nulls = checked("MailboxMembership", {
    mailbox: "a@contoso.com",
    members: { "ada@contoso.com": { sendAs: null }, "grace@contoso.com": null },
  });
  expect(nulls.problems).toEqual([]);
  expect(nulls.inputs.members).toEqual({
    "ada@contoso.com": { fullAccess: true, sendAs: true, sendOnBehalf: false, automapping: true },
  });
});

describe("what the state has and no program may write", () => {
  const drift = {
    ...support,
    type: "UserMailbox",
    forwarding: { to: "a@contoso.com or b@contoso.com", keepCopy: true },
    quota: { issueWarning: "60 GB", prohibitSend: "49.5 GB", prohibitSendReceive: "50 GB" },
  };
  const asked = (ignored: string[] | undefined, news: Properties = drift) => {
    const checking = sharedMailbox as unknown as Checking<Properties>;
    const { left, problems: found } = check(checking, news, drift, { state: drift, ignored });
    return { left: left.map(([property]) => property).sort(), refused: found.map(({ path }) => path.split(".")[0]) };
  };

  test.each([
    [["type", "forwarding", "quota"]],
    [['["type"]', "forwarding.to", 'quota["issueWarning"]']],
    [["*"]],
    [undefined],
  ])("is left alone where ignoreChanges is %j", (ignored) => {
    expect(asked(ignored)).toEqual({ left: ["forwarding", "quota", "type"], refused: [] });
  });

  test("is refused where ignoreChanges says nothing of it, and where it is not what the state has", () => {
    expect(asked(["type"])).toEqual({ left: ["type"], refused: ["forwarding", "quota", "quota"] });
    expect(asked(["*"], { ...drift, type: "RoomMailbox" })).toMatchObject({ refused: ["type"] });
    expect(check(sharedMailbox as unknown as Checking<Properties>, drift, drift).left).toEqual([]);
  });
});
