import { forwardMailboxes, record, recordId, row, rows, rules, seeded, userId } from "./dataverse-rows";
import { failure, makeMailbox, type Resource, type Row, startWorld, type World } from "./harness";

const COLLECTOR = "forwardmailbox@contoso.com";
const SUPPORT = "support@contoso.com";
const GRACE = "grace@contoso.com";
const intake = { name: "CRM intake", emailAddress: COLLECTOR, testAndEnable: false };
const program = { ...intake, sources: [SUPPORT] };
const drifted = `sources/${SUPPORT}/drift`;
const ruleName = "Dynamics 365 forward mailbox: CRM intake";
const SERVER_SIDE = 2;
const FORWARD_MAILBOX = 3;

/** A tenant with the collecting mailbox and the shared mailbox support@contoso.com, whose id it returns. */
async function withMailboxes(
  options: Parameters<typeof startWorld>[0] = {},
): Promise<{ world: World; support: string }> {
  const world = await startWorld(options);
  await makeMailbox(world, COLLECTOR);
  return { world, support: await makeMailbox(world, SUPPORT) };
}

const made = (world: World, inputs: Row = program, name = "intake"): Promise<Resource> =>
  world.resource("ForwardingMailbox", name).up(inputs);

const method = async (world: World, id: string) => (await record(world, id)).incomingemaildeliverymethod;

/** Puts a rule that stops all others into a mailbox. */
async function stop(world: World, mailbox: string, sequence = 1, name = "Stop all"): Promise<void> {
  await world.graph("POST", `/users/${mailbox}/mailFolders/inbox/messageRules`, {
    displayName: name,
    sequence,
    isEnabled: true,
    actions: { markAsRead: true, stopProcessingRules: true },
  });
}

/** What arrives at the collecting mailbox of a message to support@contoso.com. */
async function delivered(world: World): Promise<number> {
  const before = await arrived(world);
  await world.control("POST", "deliver", { from: "customer@adatum.example", to: SUPPORT, subject: "Help" });
  return (await arrived(world)) - before;
}

async function arrived(world: World): Promise<number> {
  const messages = Object.values(await world.control("GET", "state/messages")) as Row[];
  return messages.filter(({ to }) => to === COLLECTOR).length;
}

/** The rules of a mailbox as Exchange shows them, which shows all of them. */
const inExchange = (world: World, mailbox: string): Promise<Row[]> =>
  world.exchange("Get-InboxRule", { Mailbox: mailbox });

describe("a rule of the owner that stops processing", () => {
  test("before ours is drift, and ours is put before it", async () => {
    const { world, support } = await withMailboxes();
    const resource = await made(world);
    const [ours] = await rules(world, support);
    await world.graph("PATCH", `/users/${support}/mailFolders/inbox/messageRules/${ours?.id}`, { sequence: 2 });
    await stop(world, support);
    expect(await delivered(world)).toBe(0);
    expect(await resource.refresh()).toMatchObject({ [drifted]: [undefined, expect.stringContaining("Stop all")] });
    await resource.up(program);
    expect(await delivered(world)).toBe(1);
    expect(await resource.refresh()).toEqual({});
    expect(await inExchange(world, support)).toHaveLength(2);
  });

  test("at another place than the first is passed by Graph alone", async () => {
    const { world, support } = await withMailboxes();
    const resource = await made(world);
    const [ours] = await rules(world, support);
    await world.graph("PATCH", `/users/${support}/mailFolders/inbox/messageRules/${ours?.id}`, { sequence: 7 });
    await stop(world, support, 5);
    await resource.refresh();
    await world.writes();
    await resource.up(program);
    expect((await world.writes()).filter((one) => one.includes("InboxRule"))).toEqual([]);
    expect(await delivered(world)).toBe(1);
    expect(await resource.refresh()).toEqual({});
  });

  test("that is there already comes after ours from the beginning", async () => {
    const { world, support } = await withMailboxes();
    await stop(world, support);
    const resource = await made(world);
    expect(await delivered(world)).toBe(1);
    expect(await resource.refresh()).toEqual({});
  });

  test("that only Exchange could pass, which does not allow it, is told with the remedy, and is no failure", async () => {
    const { world, support } = await withMailboxes();
    await stop(world, support);
    await world.fault({
      service: "exchange",
      cmdlet: "Get-InboxRule",
      times: "always",
      answer: { status: 403, body: "" },
    });
    const resource = await made(world);
    expect(world.warnings.join("\n")).toMatch(
      /"Stop all" still comes before the rule .* Move ".*" to the top in Outlook/,
    );
    expect(Object.keys(await resource.refresh())).toEqual([drifted]);
  });
});

describe("a copy of our rule", () => {
  async function copied(world: World, support: string, displayName = ruleName): Promise<void> {
    await world.graph("POST", `/users/${support}/mailFolders/inbox/messageRules`, {
      displayName,
      sequence: 2,
      isEnabled: true,
      actions: { forwardAsAttachmentTo: [{ emailAddress: { address: COLLECTOR } }] },
    });
  }

  test("is drift, and goes once a refresh has shown it", async () => {
    const { world, support } = await withMailboxes();
    const resource = await made(world);
    await copied(world, support);
    expect(await delivered(world)).toBe(2);
    await resource.up({ ...program, deleteAfterProcessing: true });
    expect(await rules(world, support)).toHaveLength(2);
    expect(world.warnings.join("\n")).toMatch(/another rule ".*CRM intake" that forwards everything again/);
    expect(await resource.refresh()).toMatchObject({ [drifted]: [undefined, expect.stringContaining("once more")] });
    await resource.up({ ...program, deleteAfterProcessing: true });
    expect(await delivered(world)).toBe(1);
    expect(await resource.refresh()).toEqual({});
  });

  test("under another name is drift as well; when the resource goes, it stays, and that is said", async () => {
    const { world, support } = await withMailboxes();
    const resource = await made(world);
    await copied(world, support, "To the CRM");
    expect(await delivered(world)).toBe(2);
    expect(await resource.refresh()).toEqual({
      [drifted]: [undefined, 'the rule is there once more as "To the CRM", which forwards everything again'],
    });
    await resource.up(program);
    expect(await delivered(world)).toBe(1);
    expect(await resource.refresh()).toEqual({});
    await copied(world, support, "To the CRM");
    await resource.destroy();
    expect(await rules(world, support)).toMatchObject([{ displayName: "To the CRM" }]);
    expect(world.warnings.at(-1)).toMatch(
      /the rule "To the CRM" stays, and forwards everything to .*forwardmailbox@contoso\.com/i,
    );
  });

  test("goes with ours when the resource goes", async () => {
    const { world, support } = await withMailboxes();
    const resource = await made(world);
    await copied(world, support);
    await resource.destroy();
    expect(await rules(world, support)).toEqual([]);
  });
});

describe("a rule that Graph shows only in part", () => {
  /** Gives the rule a condition that Graph has no word for, as its owner can in Outlook. */
  async function dated(world: World, support: string): Promise<void> {
    const [ours] = await inExchange(world, support);
    await world.exchange("Set-InboxRule", {
      Mailbox: support,
      Identity: ours?.Identity,
      ReceivedAfterDate: "2026-01-01",
      Force: true,
    });
    expect(await rules(world, support)).toMatchObject([{ isReadOnly: true }]);
  }

  test("is named as such and made anew by the cmdlets", async () => {
    const { world, support } = await withMailboxes();
    const resource = await made(world);
    await dated(world, support);
    expect(await resource.refresh()).toMatchObject({ [drifted]: [undefined, expect.stringContaining("only in part")] });
    await resource.up(program);
    expect(await rules(world, support)).toMatchObject([{ isReadOnly: false, displayName: ruleName, isEnabled: true }]);
    expect(await resource.refresh()).toEqual({});
  });

  test.each([
    ["destroy", (resource: Resource) => resource.destroy()],
    ["removal of the source", (resource: Resource) => resource.up(intake)],
  ])("goes by the cmdlets on %s", async (_what, end) => {
    const { world, support } = await withMailboxes();
    const resource = await made(world);
    await dated(world, support);
    await end(resource);
    expect(await inExchange(world, support)).toEqual([]);
  });

  test("stays where the cmdlets may not be used either, and the error says so truly", async () => {
    const { world, support } = await withMailboxes();
    const resource = await made(world);
    await dated(world, support);
    await world.fault({
      service: "exchange",
      cmdlet: "Remove-InboxRule",
      times: "always",
      answer: { status: 403, body: "" },
    });
    const message = await failure(resource.destroy());
    expect(message).toMatch(/ErrorNotSupportedMessageRule.*Exchange: /s);
    expect(message).toMatch(/management role .* Mail Recipients, or have the owner delete the rule in Outlook/);
  });
});

describe("the record of a source", () => {
  /** Makes another address Grace's primary one; the one before stays an address of hers. */
  const marry = (world: World) =>
    world.exchange("Set-Mailbox", { Identity: GRACE, WindowsEmailAddress: "grace.murray@contoso.com" });
  const graces = recordId(2);

  test("is found by an address that is not the primary one any more", async () => {
    const { world } = await withMailboxes();
    await marry(world);
    const resource = await made(world, { ...intake, sources: ["grace.murray@contoso.com"] });
    expect(await method(world, graces)).toBe(FORWARD_MAILBOX);
    expect(await resource.refresh()).toEqual({});
    await resource.destroy();
    expect(await method(world, graces)).not.toBe(FORWARD_MAILBOX);
  });

  test("that there is not is told, with the addresses that were looked for", async () => {
    const { world } = await withMailboxes();
    await made(world);
    expect(world.warnings.join("\n")).toMatch(
      /sources\["support@contoso\.com"\] has no mailbox record in Dynamics: .*\(.*support@contoso\.com.*\).* Give a user or a queue the address/,
    );
  });

  test("that appears later is drift, and is put back to what it was then", async () => {
    const { world } = await withMailboxes();
    const resource = await made(world);
    const queue = await world.resource("Queue", "support").up({ name: "Support", emailAddress: SUPPORT });
    expect(Object.keys(await resource.refresh())).toEqual([drifted]);
    await resource.up(program);
    expect(await method(world, String(queue.outputs.mailboxId))).toBe(FORWARD_MAILBOX);
    await resource.destroy();
    expect(await method(world, String(queue.outputs.mailboxId))).toBe(SERVER_SIDE);
  });
});

describe("a secondary address of the collecting mailbox", () => {
  test("does not make the rule look damaged where a service prints the primary one", async () => {
    const { world, support } = await withMailboxes();
    await world.exchange("Set-Mailbox", {
      Identity: COLLECTOR,
      EmailAddresses: { "@odata.type": "#Exchange.GenericHashTable", add: ["smtp:crm@contoso.com"] },
    });
    const resource = await made(world, { ...program, emailAddress: "crm@contoso.com" });
    const [rule] = await rules(world, support);
    await world.control("PATCH", `state/rules/${encodeURIComponent(String(rule?.id))}`, {
      actions: { forwardAsAttachmentTo: [{ emailAddress: { address: COLLECTOR } }], stopProcessingRules: false },
    });
    expect(await resource.refresh()).toEqual({});
  });
});

describe("an address of a record", () => {
  test("that no mailbox has any more is named by a refresh, and so is one that a distribution list has", async () => {
    const { world } = await withMailboxes();
    const resource = await made(world);
    world.warnings.splice(0);
    await world.exchange("Remove-Mailbox", { Identity: COLLECTOR, Confirm: false });
    expect(await resource.refresh()).toEqual({});
    const gone = `emailAddress ${COLLECTOR}: no mailbox in Exchange has this address any more.`;
    expect(world.warnings.splice(0)).toEqual([expect.stringContaining(gone)]);
    await world.patchRecipient("all-staff@contoso.com", { emailAddresses: [`SMTP:${COLLECTOR}`] });
    await resource.refresh();
    const list = `emailAddress ${COLLECTOR} is now the distribution list "All Staff" (${COLLECTOR}), which has no inbox.`;
    expect(world.warnings).toEqual([expect.stringContaining(list)]);
  });

  test("of a queue that no mailbox has any more is named as well", async () => {
    const { world } = await withMailboxes();
    const queue = await world
      .resource("Queue", "desk")
      .up({ name: "Desk", emailAddress: SUPPORT, testAndEnable: false });
    await world.exchange("Remove-Mailbox", { Identity: SUPPORT, Confirm: false });
    expect(await queue.refresh()).toEqual({});
    expect(world.warnings.join("\n")).toContain(
      `emailAddress ${SUPPORT}: no mailbox in Exchange has this address any more`,
    );
  });
});

describe("two forward mailboxes", () => {
  test("of one name, new, that feed from one source: each has its own rule", async () => {
    const { world, support } = await withMailboxes();
    await makeMailbox(world, "second@contoso.com");
    const second = world.resource("ForwardingMailbox", "second");
    await world.together(async () => {
      await made(world);
      await second.up({ ...program, emailAddress: "second@contoso.com" });
    });
    const targets = (await rules(world, support)).map(({ actions }) => JSON.stringify(actions));
    expect(targets).toHaveLength(2);
    expect(targets.join()).toMatch(/second@contoso\.com/);
    expect(targets.join()).toMatch(/forwardmailbox@contoso\.com/);
    expect(await second.refresh()).toEqual({});
  });

  test.each([
    [
      "each other",
      [
        ["a", ["b"]],
        ["b", ["a"]],
      ],
    ],
    [
      "one another in a ring",
      [
        ["a", ["c"]],
        ["b", ["a"]],
        ["c", ["b", "d"]],
      ],
    ],
  ] as [string, [string, string[]][]][])("that feed %s are refused at preview", async (_what, all) => {
    const { world } = await withMailboxes();
    await world.together(async () => {
      for (const [index, [to, from]] of all.entries()) {
        const inputs = {
          name: to,
          emailAddress: `${to}@contoso.com`,
          sources: from.map((one) => `${one}@contoso.com`),
        };
        const checked = world.resource("ForwardingMailbox", to).check(inputs);
        if (index < all.length - 1) {
          await checked;
        } else {
          expect(await failure(checked)).toMatch(
            /^sources\["\w@contoso\.com"\]: mail would go round in a loop: (\w@contoso\.com → \w@contoso\.com \(sources\["\w@contoso\.com"\] of the ForwardingMailbox "\w"\)(, |\. )){2,3}Take/,
          );
        }
      }
    });
  });

  test("in a row are none of a loop, and the second is told what it takes in", async () => {
    const { world } = await withMailboxes();
    await makeMailbox(world, "all@contoso.com");
    await world.together(async () => {
      await made(world);
      await made(world, { ...intake, name: "All", emailAddress: "all@contoso.com", sources: [COLLECTOR] }, "all");
    });
    expect(world.warnings.join("\n")).toMatch(/is the collecting mailbox of another forward mailbox \(CRM intake\)/);
  });

  test("that feed each other by another address are refused before anything is written", async () => {
    const { world, support } = await withMailboxes();
    await world.together(async () => {
      await made(world);
      await world.writes();
      const back = world.resource("ForwardingMailbox", "back");
      const collector = await world.graph("GET", `/users/${COLLECTOR}`);
      const inputs = { ...intake, name: "Back", emailAddress: SUPPORT, sources: [String(collector?.id)] };
      expect(await failure(back.up(inputs))).toMatch(/^sources\[".*"\]: mail would go round in a loop/);
      expect(await world.writes()).toEqual([]);
    });
    expect(support).toBeDefined();
  });
});

describe("one address for two", () => {
  test.each<[string, "Queue" | "ForwardingMailbox" | "IndividualMailbox", Row]>([
    ["another queue", "Queue", { name: "Twin", emailAddress: SUPPORT }],
    ["a forward mailbox", "ForwardingMailbox", { name: "Twin", emailAddress: SUPPORT }],
    ["a user's record", "IndividualMailbox", { user: GRACE, emailAddress: SUPPORT }],
  ])("%s beside a queue is refused at preview, with both named", async (_what, kind, inputs) => {
    const { world } = await withMailboxes();
    await world.together(async () => {
      await world.resource("Queue", "support").check({ name: "Support", emailAddress: SUPPORT });
      expect(await failure(world.resource(kind, "twin").check(inputs))).toMatch(
        /^emailAddress: the \w+ "twin" and the Queue "support" both declare support@contoso\.com\./,
      );
    });
  });

  test("one record for two resources is told at preview", async () => {
    const { world } = await withMailboxes();
    await world.together(async () => {
      await world.resource("IndividualMailbox", "one").check({ user: GRACE });
      await world.resource("IndividualMailbox", "two").check({ user: GRACE });
    });
    expect(world.warnings.join("\n")).toMatch(/user grace@contoso\.com is that of the IndividualMailbox "one", too/);
  });

  test.each<["Queue" | "ForwardingMailbox", RegExp]>([
    ["Queue", /ada@contoso\.com is a person's mailbox, .*Everybody who may read the queue .* private mail included/],
    [
      "ForwardingMailbox",
      /ada@contoso\.com is a person's mailbox, .*takes in all of that person's mail, private mail included/,
    ],
  ])("a person's, for a %s, is warned about in the words of privacy", async (kind, words) => {
    const { world } = await withMailboxes();
    const inputs = { name: "Ada's", emailAddress: "ada@contoso.com", testAndEnable: false };
    const resource = await world.resource(kind, "hers").up(inputs);
    expect(world.warnings.join("\n")).toMatch(words);
    world.warnings.splice(0);
    await resource.up({ ...inputs, name: "Hers" });
    expect(world.warnings.join("\n")).not.toMatch(/private mail/);
  });
});

describe("a forward mailbox that somebody deleted in Dynamics", () => {
  const fed = { ...intake, sources: ["ada@contoso.com", SUPPORT] };
  const adas = recordId(1);

  async function deleted(world: World, inputs: Row = fed): Promise<Resource> {
    const resource = await made(world, inputs);
    await world.dataverse("DELETE", `/mailboxes(${resource.id})`);
    return resource;
  }

  async function expectClean(world: World, support: string): Promise<void> {
    expect(await rules(world, support)).toEqual([]);
    expect(await rules(world, "ada@contoso.com")).toEqual([]);
    expect(await method(world, adas)).toBe(SERVER_SIDE);
    expect(await forwardMailboxes(world)).toEqual([]);
  }

  test("stays in the state, named, and is made again under its id", async () => {
    const { world, support } = await withMailboxes();
    const resource = await deleted(world);
    const { id } = resource;
    expect(await resource.refresh()).toEqual({
      name: ["CRM intake", null],
      emailAddress: [COLLECTOR, null],
    });
    expect(world.warnings.join("\n")).toMatch(
      /forward mailbox CRM intake \(forwardmailbox@contoso\.com\) was deleted in Dynamics.*ada@contoso\.com, support@contoso\.com/,
    );
    expect(await resource.refresh()).toEqual({});
    world.warnings.splice(0);
    expect(await resource.plan(fed)).toEqual(["emailAddress", "name"]);
    expect(world.warnings.join("\n")).not.toContain("emailAddress is new");
    await resource.up(fed);
    expect(resource.id).toBe(id);
    expect(await forwardMailboxes(world)).toMatchObject([
      { mailboxid: id, name: "CRM intake", emailaddress: COLLECTOR },
    ]);
    expect(await rules(world, support)).toHaveLength(1);
    expect(await resource.refresh()).toEqual({});
    expect(resource.outputs.gone).toBeUndefined();
    await resource.destroy();
    await expectClean(world, support);
  });

  test.each([
    ["after a refresh", true],
    ["without one", false],
  ])("leaves no rule and no record when it is taken out of the program, %s", async (_what, isRefreshed) => {
    const { world, support } = await withMailboxes();
    const resource = await deleted(world);
    if (isRefreshed) {
      await resource.refresh();
    }
    await resource.destroy();
    await expectClean(world, support);
  });

  test("is made again, approved and tested, without a refresh, when something else changes", async () => {
    const { world } = await withMailboxes();
    const resource = await deleted(world, { ...fed, testAndEnable: true });
    await resource.up({ ...fed, testAndEnable: true, deleteAfterProcessing: true });
    expect(resource.outputs).toMatchObject({ emailApproval: "Approved", incomingEmailStatus: "Success" });
    expect(await resource.refresh()).toEqual({});
  });

  test("that was adopted is this resource's once it is made again", async () => {
    const { world } = await withMailboxes();
    await world.dataverse("POST", "/mailboxes", { name: "By hand", emailaddress: COLLECTOR });
    const resource = await deleted(world, { ...fed, adopt: true });
    await resource.refresh();
    await resource.up({ ...fed, adopt: true });
    await resource.destroy();
    expect(await forwardMailboxes(world)).toEqual([]);
  });

  test("is gone where nothing of it is left", async () => {
    const { world } = await withMailboxes();
    const resource = await deleted(world, intake);
    expect(await resource.refresh()).toBe("gone");
  });
});

describe("a record whose address changed behind us", () => {
  const graces = recordId(2);
  const hers = { user: GRACE, incomingEmail: "ServerSideSynchronization", outgoingEmail: "ServerSideSynchronization" };

  /** Dynamics takes over her new address from the directory, and the approval is gone. */
  async function moved(world: World, address = "grace.murray@contoso.com"): Promise<void> {
    await world.exchange("Set-Mailbox", { Identity: GRACE, WindowsEmailAddress: "grace.murray@contoso.com" });
    await world.dataverse("PATCH", `/systemusers(${userId(2)})`, { internalemailaddress: address });
    expect(await record(world, graces)).toMatchObject({ emailrouteraccessapproval: 2, incomingemailstatus: 0 });
  }

  test("is drift of the commands, and the next deployment approves and tests it", async () => {
    const world = await startWorld();
    const resource = await world.resource("IndividualMailbox", "grace").up(hers);
    await moved(world);
    expect(await resource.refresh()).toEqual({
      approveEmail: [undefined, "not done: the approval of grace.murray@contoso.com is Pending"],
      testAndEnable: [
        undefined,
        "not done: incoming e-mail; outgoing e-mail; appointments, contacts and tasks of grace.murray@contoso.com not tested",
      ],
    });
    expect(await resource.refresh()).toEqual({});
    expect(await resource.plan(hers)).toEqual(["approveEmail", "testAndEnable"]);
    await resource.up(hers);
    expect(resource.outputs).toMatchObject({ emailApproval: "Approved", incomingEmailStatus: "Success" });
    expect(await resource.plan(hers)).toEqual([]);
    expect(await resource.refresh()).toEqual({});
    expect(await resource.plan(hers)).toEqual([]);
    expect(await resource.plan({ ...hers, user: "grace.murray@contoso.com" })).toEqual([]);
  });

  test("and that may not be approved is told once, and is no drift for ever", async () => {
    const world = await startWorld({ settings: { approval: "silent" }, config: { settleTimeout: "0.3s" } });
    const resource = await world.resource("IndividualMailbox", "grace").up(hers);
    await moved(world);
    expect(Object.keys(await resource.refresh())).toContain("approveEmail");
    await resource.up(hers);
    expect(resource.outputs.emailApproval).toBe("Pending");
    expect(await resource.refresh()).toEqual({});
    expect(await resource.plan(hers)).toEqual([]);
  });

  test("is nobody's business where the program asks for neither", async () => {
    const world = await startWorld();
    const inputs = { ...hers, approveEmail: false, testAndEnable: false };
    const resource = await world.resource("IndividualMailbox", "grace").up(inputs);
    await moved(world);
    expect(await resource.refresh()).toEqual({});
  });

  test("to one without an address says that there is none", async () => {
    const world = await startWorld();
    const resource = await world.resource("IndividualMailbox", "grace").up(hers);
    await world.dataverse("PATCH", `/systemusers(${userId(2)})`, { internalemailaddress: null });
    world.warnings.splice(0);
    await resource.refresh();
    expect(world.warnings.join("\n")).toMatch(/^user: the mailbox record of .* has no address\. Declare emailAddress/);
  });

  test("of a queue, approved by hand, leads to the test", async () => {
    const { world } = await withMailboxes({ settings: { approval: "silent" }, config: { settleTimeout: "0.3s" } });
    const inputs = { name: "Support", emailAddress: SUPPORT, incomingEmail: "ServerSideSynchronization" };
    const resource = await world.resource("Queue", "support").up(inputs);
    expect(resource.outputs).toMatchObject({ emailApproval: "Pending", incomingEmailStatus: "NotRun" });
    expect(await resource.refresh()).toEqual({});
    await world.control("PATCH", "settings", { approval: "authorised" });
    await world.dataverse("PATCH", `/queues(${resource.id})`, { emailrouteraccessapproval: 1 });
    expect(await resource.refresh()).toEqual({
      testAndEnable: [undefined, "not done: incoming e-mail; outgoing e-mail of support@contoso.com not tested"],
    });
    await resource.up(inputs);
    expect(resource.outputs).toMatchObject({ emailApproval: "Approved", incomingEmailStatus: "Success" });
    expect(await resource.refresh()).toEqual({});
    expect(await resource.plan(inputs)).toEqual([]);
  });
});

describe("a person who left and came back", () => {
  const BARBARA = "barbara@contoso.com";

  /** A second row with her address: disabled, or the other way round. */
  async function rehired(world: World, change: Row = {}): Promise<{ old: string; now: string }> {
    const [known] = await rows(world, "systemusers", `internalemailaddress eq '${BARBARA}'`);
    const now = String(known?.systemuserid);
    const old = seeded("d001", 0x99);
    const state = await world.control("GET", `state/dv.systemusers/${now}`);
    const { row: kept = state } = state as { row?: Row };
    await world.control("PUT", `state/dv.systemusers/${old}`, {
      ...(kept as Row),
      systemuserid: old,
      isdisabled: true,
      azureactivedirectoryobjectid: null,
      defaultmailbox: null,
      ...change,
    });
    return { old, now };
  }

  test("is the enabled row of the two, as a user and as an owner", async () => {
    const { world } = await withMailboxes();
    const { now } = await rehired(world);
    const hers = await world.resource("IndividualMailbox", "barbara").up({ user: BARBARA, testAndEnable: false });
    expect(hers.outputs.regarding).toBe(now);
    const resource = await made(world, { ...intake, owner: { user: BARBARA } });
    expect(resource.outputs.ownerId).toBe(now);
  });

  test("without a record is named as disabled, where the program means that row by its id", async () => {
    const world = await startWorld({ config: { settleTimeout: "0.5s" } });
    const { old } = await rehired(world);
    expect(await failure(world.resource("IndividualMailbox", "barbara").up({ user: old }))).toMatch(
      /^waited .* for Dynamics to make the mailbox record of the user Barbara Liskov, who is disabled there: enable the user/,
    );
  });

  test("with two enabled rows is asked for, the disabled one named as such", async () => {
    const { world } = await withMailboxes();
    const { old } = await rehired(world);
    const state = await world.control("GET", `state/dv.systemusers/${old}`);
    const { row: kept = state } = state as { row?: Row };
    await world.control("PUT", `state/dv.systemusers/${seeded("d001", 0x98)}`, {
      ...(kept as Row),
      systemuserid: seeded("d001", 0x98),
      isdisabled: false,
    });
    const resource = world.resource("IndividualMailbox", "barbara");
    expect(await failure(resource.up({ user: BARBARA }))).toMatch(
      new RegExp(`^user: barbara@contoso\\.com is ambiguous: .*${old}, disabled.*; write the id`),
    );
  });

  test("is named with both rows where the resource still means the disabled one", async () => {
    const { world } = await withMailboxes();
    const resource = await world.resource("IndividualMailbox", "barbara").up({ user: BARBARA, testAndEnable: false });
    const before = String(resource.outputs.regarding);
    const { old: successor } = await rehired(world, { isdisabled: false });
    await world.dataverse("PATCH", `/systemusers(${before})`, { isdisabled: true });
    await resource.refresh();
    expect(world.warnings.join("\n")).toMatch(
      new RegExp(`\\(${before}\\) is disabled in Dynamics, .*write user: "${successor}"`),
    );
  });
});

describe("a queue without an address", () => {
  /** A queue that had an address once, and its record. */
  async function quiet(world: World): Promise<string> {
    const id = seeded("d004", 0x77);
    await world.dataverse("PATCH", `/queues(${id})`, { name: "Quiet", emailaddress: "tmp@contoso.com" });
    await row(world, "queues", id);
    await world.dataverse("PATCH", `/queues(${id})`, { emailaddress: null });
    return id;
  }
  const inputs = { queue: "Quiet", incomingEmail: "ServerSideSynchronization" };

  test("cannot be tested: refused with the remedy before anything is written", async () => {
    const world = await startWorld();
    await quiet(world);
    await world.writes();
    const resource = world.resource("IndividualMailbox", "quiet");
    expect(await failure(resource.up({ ...inputs, testAndEnable: { require: true } }))).toMatch(
      /^queue: Quiet has no address in Dynamics, .*; declare emailAddress/,
    );
    expect(await world.writes()).toEqual([]);
  });

  test("is told what is missing, and works once it has one", async () => {
    const world = await startWorld();
    await quiet(world);
    await makeMailbox(world, "quiet@contoso.com");
    const resource = await world.resource("IndividualMailbox", "quiet").up(inputs);
    expect(world.warnings.join("\n")).toMatch(
      /^queue: the mailbox record of Quiet has no address\. Declare emailAddress/m,
    );
    await resource.up({ ...inputs, emailAddress: "quiet@contoso.com" });
    expect(resource.outputs).toMatchObject({ emailApproval: "Approved", incomingEmailStatus: "Success" });
  });
});

test("a server profile that there is not is refused with those that there are", async () => {
  const { world } = await withMailboxes();
  expect(await failure(made(world, { ...intake, serverProfile: "Exchange Online" }))).toMatch(
    /^serverProfile: no e-mail server profile has this name or id; there are .*"Microsoft Exchange Online"/,
  );
});

describe("a queue that is a source in the same program", () => {
  const queueInputs = { name: "Support", emailAddress: SUPPORT, outgoingEmail: "ServerSideSynchronization" };
  /** A queue waits two minutes for its forward mailbox, where nothing shortens that. */
  const patient = { settleTimeout: "10m" };
  const HALF_THE_WAIT = 60_000;

  test.each(
    [0, 50, 300, 700].flatMap(
      (test) =>
        [
          [test, "queue"],
          [test, "forward mailbox"],
        ] as [number, string][],
    ),
  )("has one outcome, with a test of %d ms and the %s first", async (duration, first) => {
    const { world } = await withMailboxes({ settings: { test: { duration }, mailboxRowDelay: 100 } });
    const queue = world.resource("Queue", "support");
    const forwarding = world.resource("ForwardingMailbox", "intake");
    await world.together(async () => {
      // The engine checks each resource when the program comes to it, and creates both at once.
      const order = first === "queue" ? [queue, forwarding] : [forwarding, queue];
      for (const one of order) {
        await one.check(one === queue ? queueInputs : program);
      }
      await Promise.all(order.map((one) => one.up(one === queue ? queueInputs : program)));
    });
    expect(world.warnings.filter((text) => /Test & Enable|no mailbox record|before this queue/.test(text))).toEqual([]);
    const mailbox = await record(world, String(queue.outputs.mailboxId));
    expect(mailbox).toMatchObject({ incomingemaildeliverymethod: FORWARD_MAILBOX, outgoingemailstatus: 1 });
    expect(queue.outputs).toMatchObject({ incomingEmailStatus: "NotRun", outgoingEmailStatus: "Success" });
    expect(await queue.refresh()).toEqual({});
    expect(await forwarding.refresh()).toEqual({});
    await forwarding.destroy();
    expect(await method(world, String(queue.outputs.mailboxId))).toBe(SERVER_SIDE);
  });

  test("and is there before the forward mailbox keeps what its test found", async () => {
    const { world } = await withMailboxes({ settings: { test: { duration: 100 } } });
    const queue = world.resource("Queue", "support");
    const forwarding = world.resource("ForwardingMailbox", "intake");
    await world.together(async () => {
      await queue.up(queueInputs);
      await forwarding.up(program);
    });
    let seen: Row;
    do {
      seen = await record(world, String(queue.outputs.mailboxId));
    } while (seen.testemailconfigurationscheduled === true);
    expect(seen).toMatchObject({ outgoingemailstatus: 1 });
    expect(await queue.refresh()).toEqual({});
  });

  test("and comes in a later deployment is not kept waiting for a forward mailbox that is as it was", async () => {
    const { world } = await withMailboxes({ config: patient });
    const forwarding = await made(world);
    const started = Date.now();
    await world.together(async () => {
      await forwarding.up(program);
      await world.resource("Queue", "support").up(queueInputs);
    });
    expect(Date.now() - started).toBeLessThan(HALF_THE_WAIT);
    expect(world.warnings.join("\n")).toMatch(/`pulumi up --refresh` sets its incoming e-mail to Forward Mailbox/);
  });

  test("and does not wait for a forward mailbox that failed", async () => {
    const { world } = await withMailboxes({ config: patient });
    const started = Date.now();
    await world.together(async () => {
      const inputs = { ...program, sources: [SUPPORT, "nobody@elsewhere.example"] };
      await failure(made(world, inputs));
      await world.resource("Queue", "support").up(queueInputs);
    });
    expect(Date.now() - started).toBeLessThan(HALF_THE_WAIT);
  });

  test("and comes after the forward mailbox is told how it is made up for", async () => {
    const { world } = await withMailboxes();
    await world.together(async () => {
      await made(world);
      await world.resource("Queue", "support").up(queueInputs);
    });
    expect(world.warnings.join("\n")).toMatch(
      /feeds the ForwardingMailbox "intake", which was deployed before this queue/,
    );
  });
});

describe("what a queue was before it was declared so", () => {
  const inputs = { name: "Support", emailAddress: SUPPORT, testAndEnable: false };
  const declared = { ...inputs, incomingEmail: "ServerSideSynchronization", emailFiltering: "LeadsContactsAccounts" };

  async function adopted(world: World): Promise<string> {
    const id = seeded("d004", 0x78);
    await world.dataverse("PATCH", `/queues(${id})`, {
      name: "Support",
      emailaddress: SUPPORT,
      incomingemaildeliverymethod: SERVER_SIDE,
      incomingemailfilteringmethod: 1,
    });
    return id;
  }

  test("is known from the first deployment on, and comes back though somebody changed it meanwhile", async () => {
    const { world } = await withMailboxes();
    const id = await adopted(world);
    const resource = await world.resource("Queue", "support").up({ ...declared, adopt: true });
    await world.dataverse("PATCH", `/queues(${id})`, { incomingemaildeliverymethod: 0 });
    await resource.refresh();
    await resource.up({ ...declared, adopt: true });
    await resource.up({ ...inputs, adopt: true });
    expect(await row(world, "queues", id)).toMatchObject({
      incomingemaildeliverymethod: SERVER_SIDE,
      incomingemailfilteringmethod: 1,
    });
    expect(await resource.refresh()).toEqual({});
  });

  test("is what it was when the property came into the program, of a queue that this resource made", async () => {
    const { world } = await withMailboxes();
    const resource = await world.resource("Queue", "support").up(inputs);
    const before = await row(world, "queues", resource.id);
    await resource.up({ ...inputs, incomingEmail: "None" });
    await resource.up(inputs);
    expect((await row(world, "queues", resource.id)).incomingemaildeliverymethod).toBe(
      before.incomingemaildeliverymethod,
    );
  });

  test("is not known where it was declared from the beginning: it goes to the default of a new queue", async () => {
    const { world } = await withMailboxes();
    const resource = await world.resource("Queue", "support").up(declared);
    await resource.up(inputs);
    expect(await row(world, "queues", resource.id)).toMatchObject({
      incomingemaildeliverymethod: 0,
      incomingemailfilteringmethod: 0,
    });
  });
});
