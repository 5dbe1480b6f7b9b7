import { hideRecipients, rules } from "./dataverse-rows";
import { failure, makeMailbox, type Resource, type Row, startWorld, type World } from "./harness";

const collector = "forwardmailbox@contoso.com";
const intake = { name: "CRM intake", emailAddress: collector, testAndEnable: false };
const program = { ...intake, sources: ["support@contoso.com"] };
const ruleName = "Dynamics 365 forward mailbox: CRM intake";
const denied = { status: 403, body: { error: { code: "ErrorAccessDenied", message: "Access is denied." } } };

/** An application that lacks MailboxSettings.ReadWrite. */
const withoutRight = { config: { clientId: "10ca17e4-a000-4000-8000-000000000006", settleTimeout: "5s" } };

/** The ways in which Graph leaves it to the cmdlets. */
const ways: [string, Parameters<typeof startWorld>[0]][] = [
  ["refuses to write rules", { settings: { refuseRules: true } }],
  ["refuses everything for want of the right", withoutRight],
];

async function withMailboxes(options: Parameters<typeof startWorld>[0] = {}) {
  const world = await startWorld(options);
  await makeMailbox(world, collector);
  return { world, support: await makeMailbox(world, "support@contoso.com") };
}

async function made(world: World, inputs: Row = program, name = "intake"): Promise<Resource> {
  const resource = await world.resource("ForwardingMailbox", name).up(inputs);
  await world.writes();
  return resource;
}

async function theRule(world: World, mailbox: string): Promise<Row> {
  const [rule, ...more] = await rules(world, mailbox);
  expect(more).toEqual([]);
  return rule ?? {};
}

/** What a rule of ours looks like, whoever made it. */
const asItShouldBe = {
  displayName: ruleName,
  sequence: 1,
  isEnabled: true,
  hasError: false,
  actions: { forwardAsAttachmentTo: [{ emailAddress: { address: collector } }] },
};

async function expectWhole(world: World, mailbox: string): Promise<void> {
  const rule = await theRule(world, mailbox);
  expect(rule).toMatchObject(asItShouldBe);
  expect(rule).not.toHaveProperty("conditions");
  expect(rule).not.toHaveProperty("exceptions");
  const { forwardAsAttachmentTo: _, ...others } = rule.actions as Row;
  expect(others).toEqual({ stopProcessingRules: false });
}

/** Changes the only rule there is behind everybody's back. */
async function tamper(world: World, change: Row): Promise<void> {
  const [id, ...others] = Object.keys(await world.control("GET", "state/rules"));
  expect(others).toEqual([]);
  await world.control("PATCH", `state/rules/${encodeURIComponent(String(id))}`, change);
}

/** Gives the one rule an id that has nothing to do with Exchange's number. */
async function renumber(world: World, mailbox: string, id: string): Promise<void> {
  const [known, row] = Object.entries(await world.control("GET", "state/rules"))[0] as [string, Row];
  expect(row.mailbox).toBe(mailbox);
  await world.control("PUT", `state/rules/${id}`, { ...row, id });
  await world.control("DELETE", `state/rules/${encodeURIComponent(known)}`);
}

async function graphRefuses(world: World, path = "messageRules"): Promise<void> {
  await world.fault({ service: "graph", path, times: "always", answer: denied });
}

const ruleCmdlets = (writes: string[]) => writes.filter((one) => one.includes("InboxRule"));

describe.each(ways)("where Graph %s", (_what, options) => {
  test("the cmdlets make the rule, and mail arrives as an attachment", async () => {
    const { world, support } = await withMailboxes(options);
    const resource = world.resource("ForwardingMailbox", "intake");
    await world.writes();
    await resource.up(program);
    expect(ruleCmdlets(await world.writes())).toEqual(["New-InboxRule"]);
    await expectWhole(world, support);
    expect(resource.outputs.sourceRules).toEqual({ "support@contoso.com": (await theRule(world, support)).id });

    await world.control("POST", "deliver", {
      from: "customer@adatum.example",
      to: "support@contoso.com",
      subject: "Help",
    });
    const messages = Object.values(await world.control("GET", "state/messages")) as Row[];
    expect(messages.filter(({ to }) => to === collector)).toMatchObject([
      { attachment: { from: "customer@adatum.example", subject: "Help" } },
    ]);

    expect(await resource.plan(program)).toEqual([]);
    expect(await resource.refresh()).toEqual({});
    await resource.up({ ...program, deleteAfterProcessing: true });
    expect(ruleCmdlets(await world.writes())).toEqual([]);
    await expectWhole(world, support);
  });

  test.each<[string, Row, RegExp, string[]]>([
    ["switched off", { isEnabled: false }, /disabled/, ["Set-InboxRule", "Enable-InboxRule"]],
    ["in error", { hasError: true }, /in error/, ["Set-InboxRule"]],
    [
      "pointed elsewhere",
      { actions: { forwardAsAttachmentTo: [{ emailAddress: { address: "grace@contoso.com" } }] } },
      /forwards to grace@contoso\.com/,
      ["Set-InboxRule"],
    ],
    [
      "pointed outside as well",
      {
        actions: {
          forwardAsAttachmentTo: [
            { emailAddress: { address: collector } },
            { emailAddress: { address: "crm@elsewhere.example" } },
          ],
        },
      },
      /forwards to forwardmailbox@contoso\.com, crm@elsewhere\.example/,
      ["Set-InboxRule"],
    ],
    ["renamed", { displayName: "Mine now" }, /is called Mine now/, ["Set-InboxRule"]],
    [
      "given conditions",
      { conditions: { subjectContains: ["invoice"], sensitivity: "private" } },
      /has conditions/,
      ["New-InboxRule", "Remove-InboxRule"],
    ],
    [
      "given exceptions",
      { exceptions: { isAutomaticReply: true } },
      /has exceptions/,
      ["New-InboxRule", "Remove-InboxRule"],
    ],
    [
      "made to delete and to stop the rules behind it",
      {
        actions: {
          forwardAsAttachmentTo: [{ emailAddress: { address: collector } }],
          delete: true,
          stopProcessingRules: true,
        },
      },
      /also does .*stopProcessingRules/,
      ["New-InboxRule", "Remove-InboxRule"],
    ],
  ])("a rule that is %s is named and repaired", async (_damage, change, words, cmdlets) => {
    const { world, support } = await withMailboxes(options);
    const resource = await made(world);
    await tamper(world, change);
    const drift = await resource.refresh();
    expect(Object.keys(drift)).toEqual(["sources/support@contoso.com/drift"]);
    expect(JSON.stringify(drift)).toMatch(words);
    await world.writes();
    await resource.up(program);
    expect(ruleCmdlets(await world.writes())).toEqual(cmdlets);
    await expectWhole(world, support);
    expect(await resource.refresh()).toEqual({});
  });

  test("a rule that somebody deleted is named and made again", async () => {
    const { world, support } = await withMailboxes(options);
    const resource = await made(world);
    await world.exchange("Remove-InboxRule", { Mailbox: support, Identity: ruleName, Confirm: false });
    expect(await resource.refresh()).toEqual({ "sources/support@contoso.com": [{}, undefined] });
    await resource.up(program);
    await expectWhole(world, support);
    expect(await resource.refresh()).toEqual({});
  });

  test("a source that is removed loses the rule and nothing else; deletion takes the others", async () => {
    const { world, support } = await withMailboxes(options);
    const sales = await makeMailbox(world, "sales@contoso.com");
    await world.exchange("New-InboxRule", { Mailbox: support, Name: "Somebody's", MarkAsRead: true });
    const resource = await made(world, { ...intake, sources: ["support@contoso.com", "sales@contoso.com"] });
    await resource.up({ ...intake, sources: ["sales@contoso.com"] });
    expect(await rules(world, support)).toMatchObject([{ displayName: "Somebody's" }]);
    await expectWhole(world, sales);
    expect(ruleCmdlets(await world.writes())).toEqual(["Remove-InboxRule"]);
    await resource.destroy();
    expect(await rules(world, sales)).toEqual([]);
    expect(ruleCmdlets(await world.writes())).toEqual(["Remove-InboxRule"]);
  });

  test("the rule follows the record's name and address", async () => {
    const { world, support } = await withMailboxes(options);
    await makeMailbox(world, "second@contoso.com");
    const resource = await made(world);
    const { id } = await theRule(world, support);
    await resource.up({ ...program, name: "x".repeat(200), emailAddress: "second@contoso.com" });
    expect(await theRule(world, support)).toMatchObject({
      id,
      displayName: `Dynamics 365 forward mailbox: ${"x".repeat(200)}`,
      actions: { forwardAsAttachmentTo: [{ emailAddress: { address: "second@contoso.com" } }] },
    });
    expect(await resource.refresh()).toEqual({});
  });

  test.each([
    ["New-InboxRule", "before"],
    ["New-InboxRule", "after"],
    ["Set-InboxRule", "before"],
    ["Set-InboxRule", "after"],
    ["Enable-InboxRule", "before"],
    ["Enable-InboxRule", "after"],
  ])("a lost answer to %s (closed %s it happened) leaves one rule, whole", async (cmdlet, close) => {
    const { world, support } = await withMailboxes({ ...options, config: { ...options?.config, settleTimeout: "1s" } });
    const resource = world.resource("ForwardingMailbox", "intake");
    if (cmdlet !== "New-InboxRule") {
      await resource.up(program);
      await tamper(world, { isEnabled: false });
      await resource.refresh();
    }
    await world.fault({ service: "exchange", cmdlet, close });
    await resource.up(program);
    await expectWhole(world, support);
    expect(await resource.refresh()).toEqual({});
  });

  test("a mailbox seconds old is waited for", async () => {
    const world = await startWorld({
      ...options,
      settings: { ...options?.settings, lag: { exchange: 400, graph: 400 } },
    });
    await makeMailbox(world, collector);
    const support = await makeMailbox(world, "support@contoso.com");
    const resource = await made(world);
    await expectWhole(world, support);
    expect(await resource.refresh()).toEqual({});
  });

  test("a source that Exchange does not show any more loses its rule all the same", async () => {
    const { world, support } = await withMailboxes(options);
    const resource = await made(world);
    await hideRecipients(world);
    await resource.destroy();
    expect(await rules(world, support)).toEqual([]);
  });

  test("both refuse, the error has what each said and what is needed", async () => {
    const { world, support } = await withMailboxes(options);
    const cmdlet = options?.settings === undefined ? "Get-InboxRule" : "New-InboxRule";
    await world.fault({ service: "exchange", cmdlet, times: "always", answer: { status: 403, body: {} } });
    const message = await failure(world.resource("ForwardingMailbox", "intake").up(program));
    expect(message).toMatch(
      /the inbox rules? of support@contoso\.com: Microsoft Graph: .*\[ErrorAccessDenied\] \(request /,
    );
    expect(message).toMatch(/; Exchange: .*\(request /);
    expect(message).toContain("MailboxSettings.ReadWrite");
    expect(message).toContain("Mail Recipients");
    expect(await rules(world, support)).toEqual([]);
  });
});

describe("the way may change between deployments", () => {
  test("from Graph to Exchange and back, with nothing to do, a repair and a removal", async () => {
    const { world, support } = await withMailboxes();
    const resource = await made(world);
    const { id } = await theRule(world, support);
    expect(await world.countOf("New-InboxRule")).toBe(0);

    await graphRefuses(world);
    expect(await resource.refresh()).toEqual({});
    expect(resource.outputs.sourceRules).toEqual({ "support@contoso.com": id });
    await tamper(world, { isEnabled: false, displayName: "Mine now" });
    expect(JSON.stringify(await resource.refresh())).toMatch(/disabled.*called Mine now/);
    await resource.up(program);
    await world.control("DELETE", "faults");
    expect(await theRule(world, support)).toMatchObject({ ...asItShouldBe, id });

    expect(await resource.refresh()).toEqual({});
    await world.writes();
    await resource.up({ ...program, name: "Renamed" });
    expect((await world.writes()).filter((one) => /Rule/.test(one))).toEqual([
      expect.stringMatching(/^PATCH .*messageRules/),
    ]);

    await graphRefuses(world);
    await resource.destroy();
    await world.control("DELETE", "faults");
    expect(await rules(world, support)).toEqual([]);
  });

  test("also where the ids of the two have nothing to do with each other", async () => {
    const { world, support } = await withMailboxes();
    const resource = await made(world);
    await renumber(world, support, "unlike-any-other");
    expect(await resource.refresh()).toEqual({});

    await graphRefuses(world);
    expect(await resource.refresh()).toEqual({});
    expect(resource.outputs.sourceRules).not.toEqual({ "support@contoso.com": "unlike-any-other" });
    await tamper(world, { isEnabled: false });
    await resource.refresh();
    await resource.up(program);
    await world.control("DELETE", "faults");
    expect(await theRule(world, support)).toMatchObject({ ...asItShouldBe, id: "unlike-any-other" });

    await tamper(world, { conditions: { subjectContains: ["invoice"] } });
    expect(Object.keys(await resource.refresh())).toEqual(["sources/support@contoso.com/drift"]);
    await world.control("PATCH", "settings", { refuseRules: true });
    // Seen by Graph, which then refuses to delete it: the cmdlets find it by its name.
    await resource.up(program);
    await expectWhole(world, support);
  });

  test("two rules of one name, none with the id that is meant, are left alone", async () => {
    const { world, support } = await withMailboxes();
    const resource = await made(world);
    await renumber(world, support, "unlike-any-other");
    await resource.refresh();
    await world.exchange("New-InboxRule", { Mailbox: support, Name: ruleName, MarkAsRead: true });
    await world.control("PATCH", "settings", { refuseRules: true });
    expect(await failure(resource.destroy())).toMatch(/2 inbox rules "Dynamics 365 forward mailbox: CRM intake"/);
    expect(await rules(world, support)).toHaveLength(2);
  });

  test("an id that leads nowhere in Exchange is not taken for a rule that is gone", async () => {
    const { world, support } = await withMailboxes();
    const resource = await made(world);
    await renumber(world, support, "unlike-any-other");
    await resource.refresh();
    await graphRefuses(world);
    await hideRecipients(world);
    expect(await failure(resource.destroy())).toMatch(/removing the inbox rule.*unlike-any-other leads to no rule/);
  });
});

describe("within a deployment", () => {
  test("a refusal for one mailbox says nothing about another, and is met once", async () => {
    const { world, support } = await withMailboxes();
    const sales = await makeMailbox(world, "sales@contoso.com");
    // RBAC for Applications may end the right at a scope.
    await graphRefuses(world, support);
    await world.control("DELETE", "requests");
    await made(world, { ...intake, sources: ["support@contoso.com", "sales@contoso.com"] });
    const asked = (await world.control("GET", "requests?service=graph")) as unknown as Row[];
    const about = (id: string) =>
      asked.filter((one) => JSON.stringify([one.path, one.body]).includes(`${id}/mailFolders`));
    expect(await world.countOf("New-InboxRule")).toBe(1);
    expect(
      about(sales).filter(({ method, path }) => method === "POST" && !String(path).includes("batch")),
    ).toHaveLength(1);
    expect(about(support)).toHaveLength(1);
    await world.control("DELETE", "faults");
    await expectWhole(world, support);
    await expectWhole(world, sales);
  });
});

describe("through Exchange", () => {
  test("a collector written by another of its addresses is recognised", async () => {
    const world = await startWorld(withoutRight);
    await makeMailbox(world, collector);
    const EmailAddresses = [`SMTP:${collector}`, "smtp:intake@contoso.com"];
    await world.exchange("Set-Mailbox", { Identity: collector, EmailAddresses });
    const support = await makeMailbox(world, "support@contoso.com");
    const resource = await made(world, { ...program, emailAddress: "intake@contoso.com" });
    expect(await theRule(world, support)).toMatchObject(asItShouldBe);
    expect(await resource.refresh()).toEqual({});
  });

  test("a target that nobody answers to is named as Exchange prints it", async () => {
    const { world, support } = await withMailboxes(withoutRight);
    const resource = await made(world);
    await world.fault({
      service: "exchange",
      cmdlet: "Get-InboxRule",
      answer: {
        status: 200,
        body: {
          "@adminapi.warnings": [],
          value: [
            {
              Identity: `${support}\\15394007230974001153`,
              RuleIdentity: 0,
              Name: ruleName,
              Enabled: true,
              Priority: 1,
              ForwardAsAttachmentTo: ['"Old [desk]" [EX:/o=ExchangeLabs/cn=Recipients/cn=gone]'],
            },
          ],
        },
      },
    });
    expect(JSON.stringify(await resource.refresh())).toContain('forwards to \\"Old [desk]\\"');
  });

  test.each([
    ["another mailbox", "10ca17e4-a001-4000-8000-000000000001\\15394007230974001153"],
    ["no mailbox", "15394007230974001153"],
  ])("rules of %s are an error, and nothing is written", async (_whose, identity) => {
    const { world } = await withMailboxes(withoutRight);
    await world.fault({
      service: "exchange",
      cmdlet: "Get-InboxRule",
      times: "always",
      answer: { status: 200, body: { "@adminapi.warnings": [], value: [{ Identity: identity, Name: ruleName }] } },
    });
    const message = await failure(world.resource("ForwardingMailbox", "intake").up(program));
    expect(message).toContain("an inbox rule of another mailbox");
    expect(ruleCmdlets(await world.writes())).toEqual([]);
  });

  test("what the cmdlets warn of is passed on", async () => {
    const { world } = await withMailboxes({ config: { ...withoutRight.config, settleTimeout: "0.5s" } });
    await world.fault({
      service: "exchange",
      cmdlet: "New-InboxRule",
      answer: { status: 200, body: { "@adminapi.warnings": ["Rules of Outlook were removed."], value: [] } },
    });
    // Only an answer is given: nothing is made.
    expect(await failure(world.resource("ForwardingMailbox", "intake").up(program))).toContain("waited");
    expect(world.warnings.join("\n")).toMatch(/creating the inbox rule .*: Exchange: Rules of Outlook were removed\./);
  });
});
