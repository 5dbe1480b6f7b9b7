import { UNKNOWN } from "../../provider/dynamic/engine";
import { failure, makeMailbox, type Row, startWorld, type World } from "./harness";

/** Kind, name and inputs of a resource of the program. */
type Declared = ["SharedMailbox" | "ForwardingMailbox", string, Row];

const at = (name: string) => `${name}@contoso.com`;
const box = (name: string, to?: string, more: Row = {}): Declared => [
  "SharedMailbox",
  name,
  {
    displayName: name,
    primarySmtpAddress: at(name),
    ...(to === undefined ? {} : { forwarding: { to: at(to), ...((more.forwarding as Row) ?? {}) } }),
    ...(more.emailAliases === undefined ? {} : { emailAliases: more.emailAliases }),
  },
];
const copying = { forwarding: { keepCopy: true } };
const moving = { forwarding: { keepCopy: false } };
const intake = (name: string, to: string, ...sources: unknown[]): Declared => [
  "ForwardingMailbox",
  name,
  { name, emailAddress: at(to), sources: sources.map((one) => (one === UNKNOWN ? one : at(String(one)))) },
];

/** What the checks of a program refuse, each resource checked once in this order. */
async function preview(world: World, program: readonly Declared[]): Promise<string[]> {
  return world.together(async () => {
    const refused: string[] = [];
    for (const [kind, name, inputs] of program) {
      const words = await world
        .resource(kind, name)
        .check(inputs)
        .then(
          () => [],
          (error: Error) => error.message.split("\n"),
        );
      refused.push(...words);
    }
    return refused;
  });
}

/** All orders of a short list. */
function orders<T>(list: readonly T[]): T[][] {
  return list.length < 2
    ? [[...list]]
    : list.flatMap((one, index) => orders(list.filter((_, other) => other !== index)).map((rest) => [one, ...rest]));
}

describe("mail that would go round is refused at preview, in any order of the program", () => {
  test.each<[string, Declared[]]>([
    ["two mailboxes that forward to each other", [box("a", "b"), box("b", "a")]],
    ["with a copy and without", [box("a", "b", copying), box("b", "a", moving)]],
    ["three in a ring", [box("a", "b"), box("b", "c"), box("c", "a")]],
    [
      "by further addresses",
      [box("a", "b-too", { emailAliases: [at("a-too")] }), box("b", "a-too", { emailAliases: [UNKNOWN, at("b-too")] })],
    ],
    ["a source that the collecting mailbox forwards to", [box("a", "b", copying), intake("crm", "a", "b")]],
    [
      "forward mailboxes and forwarding in a row",
      [box("a"), box("b", "c", copying), intake("one", "b", "a"), intake("two", "a", "c")],
    ],
    [
      "a forward mailbox fed by a further address of its collecting mailbox",
      [box("crm", undefined, { emailAliases: [at("sales")] }), intake("intake", "crm", "sales")],
    ],
    [
      "a forward mailbox fed by the mailbox of which it has a further address",
      [box("crm", undefined, { emailAliases: [at("sales")] }), intake("intake", "sales", UNKNOWN, "crm")],
    ],
  ])("%s", async (_what, program) => {
    const world = await startWorld();
    for (const order of orders(program)) {
      const [refused, ...more] = await preview(world, order);
      expect(more).toEqual([]);
      expect(refused).toMatch(
        /^(forwarding\.to|sources\["[\w-]+@contoso\.com"\]|primarySmtpAddress|emailAliases\[\d\]): mail would go round in a loop: /,
      );
      for (const [kind, name, inputs] of program) {
        if (kind === "ForwardingMailbox" || inputs.forwarding !== undefined) {
          expect(refused).toContain(`of the ${kind} "${name}"`);
        }
      }
    }
  });

  test.each<[string, Declared[]]>([
    ["a row", [box("a", "b"), box("b", "c"), box("c"), intake("crm", "c", "a")]],
    ["two ways to one mailbox", [box("a", "c"), box("b", "c"), box("c")]],
    [
      "a target that is not known yet",
      [box("a", "b"), ["SharedMailbox", "b", { ...box("b")[2], forwarding: UNKNOWN }]],
    ],
  ])("%s is no loop", async (_what, program) => {
    const world = await startWorld();
    for (const order of orders(program)) {
      expect(await preview(world, order)).toEqual([]);
    }
  });
});

test("a rule in a mailbox that forwards without a copy sees no mail, and closes no loop", async () => {
  const world = await startWorld();
  const [a, b, c] = [box("a", "b", copying), box("b", "c", moving), box("c")];
  for (const mailboxes of orders([a, b, c])) {
    expect(await preview(world, [...mailboxes, intake("crm", "a", "b")])).toEqual([]);
    expect(await preview(world, [...mailboxes, intake("crm", "b", "a")])).toEqual([]);
  }
  expect(await preview(world, [a, box("b", "c", copying), c, intake("crm", "a", "b")])).toHaveLength(1);
});

describe("what the tenant has and the program changes", () => {
  test("forwarding that turns round in one deployment is no loop, whichever mailbox comes first", async () => {
    for (const isFirst of [true, false]) {
      const world = await startWorld();
      const [a, b] = [world.resource("SharedMailbox", "a"), world.resource("SharedMailbox", "b")];
      await b.up(box("b")[2]);
      await a.up(box("a", "b")[2]);
      await world.together(async () => {
        const [now, next] = [box("a")[2], box("b", "a")[2]];
        await Promise.all([a.check(now), b.check(next)]);
        for (const work of isFirst ? [a.up(now), b.up(next)] : [b.up(next), a.up(now)]) {
          await work;
        }
      });
      const [seen] = await world.exchange("Get-Mailbox", { Identity: at("b") });
      expect(seen?.ForwardingAddress).toBe(a.id);
      expect(await a.refresh()).toEqual({});
    }
  });

  test("a loop through a mailbox that nobody declares is refused before anything is written", async () => {
    const world = await startWorld();
    const a = world.resource("SharedMailbox", "a");
    await a.up(box("a")[2]);
    await makeMailbox(world, at("other"));
    await world.exchange("Set-Mailbox", { Identity: at("other"), ForwardingAddress: at("a") });
    await world.writes();
    expect(await failure(a.up(box("a", "other")[2]))).toMatch(/^forwarding\.to: leads back to this mailbox/);
    expect(await world.writes()).toEqual([]);
  });
});
