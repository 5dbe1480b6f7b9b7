import { failure, makeMailbox, type Resource, type Row, startWorld, type World } from "./harness";

const support = { displayName: "Contoso Support", primarySmtpAddress: "support@contoso.com" };
const GIGABYTE = 1024 ** 3;

async function seen(world: World, { id }: Resource): Promise<Row> {
  const [row] = await world.exchange("Get-Mailbox", { Identity: id });
  return row ?? {};
}

async function made(world: World, more: Row = {}): Promise<Resource> {
  const resource = await world.resource("SharedMailbox", "support").up({ ...support, ...more });
  await world.writes();
  return resource;
}

const quota = { issueWarning: "20 GB", prohibitSend: "24.5 GB", prohibitSendReceive: "25 GB" };
const quotaRow = {
  IssueWarningQuota: expect.stringContaining("20 GB"),
  ProhibitSendQuota: expect.stringContaining("24.5 GB"),
  ProhibitSendReceiveQuota: expect.stringContaining("25 GB"),
};
const defaultQuotaRow = {
  IssueWarningQuota: "49 GB (52,613,349,376 bytes)",
  ProhibitSendQuota: "49.5 GB (53,150,220,288 bytes)",
  ProhibitSendReceiveQuota: "50 GB (53,687,091,200 bytes)",
};

interface Case {
  /** Declared first, and other spellings of the same. */
  first: unknown;
  same: unknown[];
  /** What Exchange shows for it. */
  row: Row;
  /** Declared then, and what Exchange shows. */
  second: unknown;
  secondRow: Row;
  /** What Exchange shows once it is gone from the program. */
  without: Row;
  /** Somebody's change by hand to the first value, and what refresh says of it. */
  byHand: Row;
  drift: Record<string, [unknown, unknown]>;
}

const cases: Record<string, Case> = {
  mailTip: {
    first: "We answer within a day",
    same: [" We answer  within\na day"],
    row: { MailTip: expect.stringContaining("We answer within a day") },
    second: "Closed on Fridays",
    secondRow: { MailTip: expect.stringContaining("Closed on Fridays") },
    without: { MailTip: null },
    byHand: { MailTip: "Somebody's" },
    drift: { mailTip: ["We answer within a day", "Somebody's"] },
  },
  customAttributes: {
    first: { "1": "cost centre 12", "15": "B" },
    same: [
      { "15": "B", "1": "cost centre 12" },
      { 1: " cost centre 12", 15: "B", 2: null },
    ],
    row: { CustomAttribute1: "cost centre 12", CustomAttribute15: "B", CustomAttribute7: "" },
    second: { "1": "cost centre 13", "7": "C" },
    secondRow: { CustomAttribute1: "cost centre 13", CustomAttribute15: "", CustomAttribute7: "C" },
    without: { CustomAttribute1: "", CustomAttribute15: "", CustomAttribute7: "" },
    byHand: { CustomAttribute1: null, CustomAttribute15: "by hand", CustomAttribute3: "not ours" },
    drift: { "customAttributes/1": ["cost centre 12", null], "customAttributes/15": ["B", "by hand"] },
  },
  copySentItems: {
    first: { sentAs: true },
    same: [{ sentAs: true, sentOnBehalf: undefined }],
    row: { MessageCopyForSentAsEnabled: true, MessageCopyForSendOnBehalfEnabled: false },
    second: { sentAs: false, sentOnBehalf: true },
    secondRow: { MessageCopyForSentAsEnabled: false, MessageCopyForSendOnBehalfEnabled: true },
    without: { MessageCopyForSentAsEnabled: false, MessageCopyForSendOnBehalfEnabled: false },
    byHand: { MessageCopyForSentAsEnabled: false, MessageCopyForSendOnBehalfEnabled: true },
    drift: { "copySentItems/sentAs": [true, false] },
  },
  quota: {
    first: quota,
    same: [
      { issueWarning: "20gb", prohibitSend: 26_306_674_688, prohibitSendReceive: "26,843,545,600 bytes" },
      { issueWarning: "20480 MB", prohibitSend: "24.5 GB (26,306,674,688 bytes)", prohibitSendReceive: "25GiB" },
    ],
    row: quotaRow,
    second: { ...quota, prohibitSendReceive: "26 GB" },
    secondRow: { ...quotaRow, ProhibitSendReceiveQuota: expect.stringContaining("26 GB") },
    without: defaultQuotaRow,
    byHand: { ProhibitSendReceiveQuota: "30 GB" },
    drift: { "quota/prohibitSendReceive": ["25 GB", "30 GB"] },
  },
  maxSendSize: {
    first: "20 MB",
    same: ["20mb", 20_971_520, "20480 KB"],
    row: { MaxSendSize: "20 MB (20,971,520 bytes)", MaxReceiveSize: "36 MB (37,748,736 bytes)" },
    second: "150 MB",
    secondRow: { MaxSendSize: "150 MB (157,286,400 bytes)" },
    without: { MaxSendSize: "35 MB (36,700,160 bytes)" },
    byHand: { MaxSendSize: "10 MB" },
    drift: { maxSendSize: ["20 MB", "10 MB"] },
  },
  maxReceiveSize: {
    first: "1.5 MB",
    same: ["1536 KB"],
    row: { MaxReceiveSize: "1.5 MB (1,572,864 bytes)", MaxSendSize: "35 MB (36,700,160 bytes)" },
    second: "75 MB",
    secondRow: { MaxReceiveSize: "75 MB (78,643,200 bytes)" },
    without: { MaxReceiveSize: "36 MB (37,748,736 bytes)" },
    byHand: { MaxReceiveSize: "10 MB" },
    drift: { maxReceiveSize: ["1.5 MB", "10 MB"] },
  },
};

describe("each input", () => {
  test.each(Object.entries(cases))("%s: set, changed in place, removed", async (property, one) => {
    const world = await startWorld();
    const resource = await made(world, { [property]: one.first });
    const { id } = resource;
    expect(await seen(world, resource)).toMatchObject(one.row);
    for (const spelling of [one.first, ...one.same]) {
      expect(await resource.plan({ ...support, [property]: spelling })).toEqual([]);
    }
    expect(await resource.refresh()).toEqual({});

    await resource.up({ ...support, [property]: one.second });
    expect(resource.id).toBe(id);
    expect(await world.writes()).toEqual(["Set-Mailbox"]);
    expect(await seen(world, resource)).toMatchObject(one.secondRow);
    expect(await resource.refresh()).toEqual({});
    expect(await resource.plan({ ...support, [property]: one.second })).toEqual([]);

    await resource.up(support);
    expect(await world.writes()).toEqual(["Set-Mailbox"]);
    expect(await seen(world, resource)).toMatchObject(one.without);
    expect(await resource.refresh()).toEqual({});
    expect(await resource.plan(support)).toEqual([]);
    expect(resource.outputs.valuesBefore).toBeUndefined();
  });

  test.each(Object.entries(cases))("%s: changed behind our back, named and repaired", async (property, one) => {
    const world = await startWorld();
    const program = { ...support, [property]: one.first };
    const resource = await made(world, { [property]: one.first });
    const declared = resource.state?.inputs[property];
    await world.exchange("Set-Mailbox", { Identity: resource.id, ...one.byHand });
    expect(await resource.refresh()).toEqual(one.drift);
    await resource.up(program);
    const { CustomAttribute3: _, ...row } = one.row as Row;
    expect(await seen(world, resource)).toMatchObject({
      ...row,
      ...(property === "copySentItems" ? { MessageCopyForSendOnBehalfEnabled: true } : {}),
    });
    expect(await resource.refresh()).toEqual({});
    expect(resource.state?.inputs[property]).toEqual(declared);
  });

  test("all of them go in one Set-Mailbox, and neighbours survive it", async () => {
    const world = await startWorld();
    const resource = await made(world);
    await world.exchange("Set-Mailbox", {
      Identity: resource.id,
      CustomAttribute2: "by hand",
      HiddenFromAddressListsEnabled: true,
      MessageCopyForSendOnBehalfEnabled: true,
    });
    await world.writes();
    const all = {
      ...Object.fromEntries(Object.entries(cases).map(([property, one]) => [property, one.first])),
      displayName: "Renamed",
    };
    await resource.up({ ...support, ...all });
    expect(await world.writes()).toEqual(["Set-Mailbox"]);
    expect(await seen(world, resource)).toMatchObject({
      ...Object.assign({}, ...Object.values(cases).map(({ row }) => row)),
      MaxSendSize: "20 MB (20,971,520 bytes)",
      MaxReceiveSize: "1.5 MB (1,572,864 bytes)",
      DisplayName: "Renamed",
      CustomAttribute2: "by hand",
      HiddenFromAddressListsEnabled: true,
      MessageCopyForSendOnBehalfEnabled: true,
    });
    expect(await resource.refresh()).toEqual({});
    expect(await resource.plan({ ...support, ...all })).toEqual([]);
  });

  test.each(Object.entries(cases))("%s: a lost answer is observed and finished", async (property, one) => {
    const world = await startWorld({ config: { settleTimeout: "1s" } });
    const resource = await made(world);
    await world.fault({ cmdlet: "Set-Mailbox", close: property.length % 2 === 0 ? "before" : "after" });
    await resource.up({ ...support, [property]: one.first });
    expect(await seen(world, resource)).toMatchObject(one.row);
    await resource.up(support);
    expect(await seen(world, resource)).toMatchObject(one.without);
  });
});

describe("a MailTip", () => {
  test("comes back as it was written, whatever characters it has", async () => {
    const world = await startWorld();
    const text = `within <two> days; R&D & "friends", a < b > 'c'`;
    const resource = await made(world, { mailTip: text });
    expect(resource.state?.inputs.mailTip).toBe(text);
    const [row] = await world.exchange("Get-Mailbox", { Identity: resource.id });
    expect(row?.MailTip).toContain("within &lt;two&gt; days; R&amp;D &amp; \"friends\", a &lt; b &gt; 'c'");
    expect(await resource.refresh()).toEqual({});
    expect(await resource.plan({ ...support, mailTip: text })).toEqual([]);
    // What was written some other way, and shows the same, is no difference.
    await world.exchange("Set-Mailbox", {
      Identity: resource.id,
      MailTip: String(row?.MailTip).replaceAll("&amp;", "&"),
    });
    expect(await resource.refresh()).toEqual({});
  });
});

describe("none, declared", () => {
  const none = { forwarding: false, mailTip: false, customAttributes: { "3": false, "4": "kept" }, emailAliases: [] };
  const somebodys = {
    ForwardingSmtpAddress: "smtp:thief@adatum.example",
    DeliverToMailboxAndForward: true,
    MailTip: "Somebody's",
    CustomAttribute3: "somebody's",
    EmailAddresses: { "@odata.type": "#Exchange.GenericHashTable", Add: ["smtp:somebody@contoso.com"] },
  };
  const cleared = {
    ForwardingAddress: null,
    ForwardingSmtpAddress: null,
    DeliverToMailboxAndForward: false,
    MailTip: null,
    CustomAttribute3: "",
    CustomAttribute4: "kept",
    EmailAddresses: expect.not.arrayContaining(["smtp:somebody@contoso.com"]),
  };

  test("is no change, shows what somebody sets, and takes it away", async () => {
    const world = await startWorld();
    const resource = await made(world, none);
    expect(await resource.plan({ ...support, ...none })).toEqual([]);
    expect(await resource.refresh()).toEqual({});
    await world.exchange("Set-Mailbox", { Identity: resource.id, ...somebodys });
    expect(await resource.refresh()).toEqual({
      forwarding: [false, { to: "thief@adatum.example", keepCopy: true }],
      mailTip: [false, "Somebody's"],
      "customAttributes/3": [false, "somebody's"],
      emailAliases: [[], ["somebody@contoso.com"]],
    });
    await resource.up({ ...support, ...none });
    expect(await seen(world, resource)).toMatchObject(cleared);
    expect(await resource.refresh()).toEqual({});
    expect(await resource.plan({ ...support, ...none })).toEqual([]);
  });

  test("ends what was declared, also to a recipient of the tenant, and may be left out again", async () => {
    const world = await startWorld();
    const resource = await made(world, {
      forwarding: { to: "ada@contoso.com" },
      mailTip: "We answer within a day",
      customAttributes: { "3": "cost centre 12", "4": "kept" },
    });
    await resource.up({ ...support, ...none });
    expect(await seen(world, resource)).toMatchObject(cleared);
    expect(resource.outputs).not.toHaveProperty("forwardingId");
    expect(await resource.refresh()).toEqual({});
    await resource.up({ ...support, forwarding: { to: "ada@contoso.com" } });
    expect(await seen(world, resource)).toMatchObject({ DeliverToMailboxAndForward: true, CustomAttribute4: "" });
    await resource.up(support);
    expect(await seen(world, resource)).toMatchObject({ ForwardingAddress: null, DeliverToMailboxAndForward: false });
    expect(await resource.refresh()).toEqual({});
  });

  test("takes away what an adoption finds, and says so", async () => {
    const world = await startWorld();
    const id = await makeMailbox(world, "support@contoso.com");
    await world.exchange("Set-Mailbox", { Identity: id, ...somebodys });
    const resource = await made(world, { forwarding: false, adopt: true, signInBlocked: true });
    expect(await seen(world, resource)).toMatchObject({ ForwardingSmtpAddress: null, MailTip: expect.anything() });
    expect(world.warnings.join("\n")).toMatch(
      /overwrites what was there:.*forwarding .*thief@adatum\.example.* → none/,
    );
  });
});

test("an adoption names those whom it overwrites by address", async () => {
  const world = await startWorld();
  const id = await makeMailbox(world, "support@contoso.com");
  await world.exchange("Set-Mailbox", {
    Identity: id,
    ForwardingAddress: "ada@contoso.com",
    DeliverToMailboxAndForward: true,
    AcceptMessagesOnlyFromSendersOrMembers: ["alan@contoso.com"],
  });
  await made(world, {
    forwarding: { to: "grace@contoso.com" },
    acceptMessagesOnlyFrom: ["ada@contoso.com"],
    adopt: true,
    signInBlocked: true,
  });
  const words = world.warnings.join("\n");
  expect(words).toContain(
    'forwarding {"to":"ada@contoso.com","keepCopy":true} → {"to":"grace@contoso.com","keepCopy":true}',
  );
  expect(words).toContain('acceptMessagesOnlyFrom ["alan@contoso.com"] → ["ada@contoso.com"]');
});

describe("clearing", () => {
  test('is done with "" where Exchange refuses null', async () => {
    const world = await startWorld();
    const resource = await made(world, { mailTip: "Hello", customAttributes: { "1": "x" } });
    await world.fault({
      cmdlet: "Set-Mailbox",
      answer: {
        status: 400,
        body: {
          error: {
            code: "BadRequest",
            message: "Invalid Operation",
            innererror: {
              internalexception: {
                type: "System.Management.Automation.ParameterTransformationException",
                message: "Cannot convert null.",
              },
            },
          },
        },
      },
    });
    await resource.up(support);
    expect(await world.writes()).toEqual(["Set-Mailbox", "Set-Mailbox"]);
    expect(await seen(world, resource)).toMatchObject({ MailTip: null, CustomAttribute1: "" });
  });

  test("null in a program is the same as leaving it out", async () => {
    const world = await startWorld();
    const resource = await made(world, { mailTip: "Hello", quota });
    const empty = { ...support, mailTip: null, quota: null, archive: null, litigationHold: null, license: null };
    await resource.up(empty);
    expect(await seen(world, resource)).toMatchObject({ MailTip: null, ...defaultQuotaRow });
    expect(await resource.plan(support)).toEqual([]);
  });
});

describe("quota and sizes", () => {
  test("go back to what was there before the first write, however often they changed", async () => {
    const world = await startWorld();
    const resource = await made(world);
    const byHand = {
      IssueWarningQuota: "10 GB",
      ProhibitSendQuota: "11 GB",
      ProhibitSendReceiveQuota: "12 GB",
      MaxSendSize: "5 MB",
    };
    await world.exchange("Set-Mailbox", { Identity: resource.id, ...byHand });
    await resource.up({ ...support, quota, maxSendSize: "20 MB" });
    await resource.up({ ...support, quota: { ...quota, prohibitSendReceive: "40 GB" }, maxSendSize: "30 MB" });
    expect(resource.outputs.valuesBefore).toEqual({
      quota: { issueWarning: "10 GB", prohibitSend: "11 GB", prohibitSendReceive: "12 GB" },
      maxSendSize: "5 MB",
    });
    await resource.up({ ...support, quota });
    expect(resource.outputs.valuesBefore).toEqual({ quota: expect.anything() });
    await resource.up(support);
    expect(await seen(world, resource)).toMatchObject({
      IssueWarningQuota: expect.stringContaining("10 GB"),
      ProhibitSendReceiveQuota: expect.stringContaining("12 GB"),
      MaxSendSize: expect.stringContaining("5 MB"),
    });
  });

  test("go back to what was there when they were first declared, though nothing had to be written then", async () => {
    const world = await startWorld();
    const program = {
      ...support,
      quota: { issueWarning: "49 GB", prohibitSend: "49.5 GB", prohibitSendReceive: "50 GB" },
      maxReceiveSize: "36 MB",
    };
    const resource = await made(world, program);
    const before = { quota: program.quota, maxReceiveSize: "36 MB" };
    expect(resource.outputs.valuesBefore).toEqual(before);
    await world.exchange("Set-Mailbox", {
      Identity: resource.id,
      IssueWarningQuota: "1.8 GB",
      ProhibitSendQuota: "1.9 GB",
      ProhibitSendReceiveQuota: "2 GB",
      MaxReceiveSize: "5 MB",
    });
    await resource.refresh();
    await resource.up(program);
    expect(resource.outputs.valuesBefore).toEqual(before);
    await resource.up(support);
    expect(await seen(world, resource)).toMatchObject({
      ...defaultQuotaRow,
      MaxReceiveSize: expect.stringMatching(/^36 MB/),
    });
    expect(resource.outputs).not.toHaveProperty("valuesBefore");
  });

  test.each([
    ["was refreshed first", true],
    ["was repaired at once", false],
  ])(
    "of a state without a record go back to what was declared when somebody's change %s",
    async (_how, isRefreshed) => {
      const world = await startWorld();
      const program = { ...support, maxSendSize: "35 MB" };
      const resource = await made(world, program);
      // As the former release left it, which recorded a value when it first wrote one.
      delete resource.outputs.valuesBefore;
      expect(await resource.refresh()).toEqual({});
      expect(resource.outputs).not.toHaveProperty("valuesBefore");
      await world.exchange("Set-Mailbox", { Identity: resource.id, MaxSendSize: "5 MB" });
      if (isRefreshed) {
        await resource.refresh();
      }
      await resource.up({ ...program, displayName: "Renamed" });
      await resource.up({ ...support, displayName: "Renamed" });
      expect(await seen(world, resource)).toMatchObject({ MaxSendSize: "35 MB (36,700,160 bytes)" });
    },
  );

  test("of a creation that failed half-way go back to what the new mailbox had", async () => {
    const world = await startWorld({ settings: { newSharedAccountEnabled: true } });
    const resource = world.resource("SharedMailbox", "support");
    await world.fault({
      service: "graph",
      method: "PATCH",
      answer: { status: 400, body: { error: { code: "Broken", message: "not this time" } } },
    });
    await failure(resource.up({ ...support, quota }));
    await resource.up({ ...support, quota });
    await resource.up(support);
    expect(await seen(world, resource)).toMatchObject(defaultQuotaRow);
  });

  test("go back to the defaults where nothing was ever recorded", async () => {
    const world = await startWorld();
    const resource = await made(world);
    await world.exchange("Set-Mailbox", {
      Identity: resource.id,
      ProhibitSendQuota: "11 GB",
      IssueWarningQuota: "10 GB",
      MaxReceiveSize: "5 MB",
    });
    const declared = {
      quota: { issueWarning: "10 GB", prohibitSend: "11 GB", prohibitSendReceive: "50 GB" },
      maxReceiveSize: "5 MB",
    };
    await resource.up({ ...support, ...declared });
    expect(await world.countOf("Get-MailboxPlan")).toBe(0);
    // As an import leaves it, and the former release did where it never wrote one.
    delete resource.outputs.valuesBefore;
    await resource.up(support);
    expect(await seen(world, resource)).toMatchObject({
      ...defaultQuotaRow,
      MaxReceiveSize: "36 MB (37,748,736 bytes)",
    });
  });

  test("below the present size are refused before anything is written, whatever else changes", async () => {
    const world = await startWorld();
    const resource = await made(world, { quota: { ...quota, issueWarning: "1 GB" } });
    await world.patchRecipient("support@contoso.com", { mailbox: { totalItemSize: 24.75 * GIGABYTE, itemCount: 7 } });
    const program = {
      ...support,
      displayName: "Renamed",
      quota: { issueWarning: "1 GB", prohibitSend: "24 GB", prohibitSendReceive: "24.2 GB" },
    };
    const message = await failure(resource.up(program));
    expect(message).toContain("quota.prohibitSend: 24 GB is below what support@contoso.com holds now, 24.75 GB");
    expect(message).toContain("quota.prohibitSendReceive: 24.2 GB is below");
    expect(await world.writes()).toEqual([]);
    await resource.up({
      ...support,
      quota: { issueWarning: "2 GB", prohibitSend: "25 GB", prohibitSendReceive: "25 GB" },
    });
    expect(resource.outputs).toMatchObject({ size: 24.75 * GIGABYTE, itemCount: 7 });
  });

  test.each<[string, Row, RegExp]>([
    [
      "out of order",
      { quota: { ...quota, prohibitSend: "26 GB" } },
      /^quota\.prohibitSend: is above quota\.prohibitSendReceive/,
    ],
    ["a warning above the end", { quota: { ...quota, issueWarning: "26 GB" } }, /^quota\.issueWarning: is above/],
    [
      "not all three",
      { quota: { issueWarning: "1 GB", prohibitSend: "2 GB" } },
      /^quota\.prohibitSendReceive: must be a size such as/,
    ],
    [
      "above what any licence gives",
      { quota: { ...quota, prohibitSendReceive: "101 GB" } },
      /^quota\.prohibitSendReceive: is above 100 GB/,
    ],
    [
      "unlimited",
      { quota: { ...quota, prohibitSendReceive: "unlimited" } },
      /^quota\.prohibitSendReceive: must be a size/,
    ],
    [
      "a text without a unit",
      { quota: { issueWarning: "49", prohibitSend: "49.5", prohibitSendReceive: "50" } },
      /^quota\.issueWarning: has no unit; write e\.g\. "49 GB", or bytes as a number.*\nquota\.prohibitSend: has no unit.*\nquota\.prohibitSendReceive: has no unit; write e\.g\. "50 GB", [^\n]*$/,
    ],
    ["bytes as text", { maxSendSize: "36700160" }, /^maxSendSize: has no unit; write e\.g\. "35 MB"/],
    [
      "a number that lacks its unit",
      { quota: { issueWarning: 49, prohibitSend: 49, prohibitSendReceive: 50 } },
      /^quota\.issueWarning: is 1 KB, below 1 MB; a bare number means bytes/,
    ],
    ["a small size", { maxReceiveSize: "1023 KB" }, /^maxReceiveSize: is 1023 KB, below 1 MB/],
    ["a text", { quota: "50 GB" }, /^quota: must be an object/],
    ["too large a message", { maxSendSize: "151 MB" }, /^maxSendSize: is above 150 MB/],
    ["no size", { maxReceiveSize: "large" }, /^maxReceiveSize: must be a size such as "36 MB"/],
    ["nothing", { maxReceiveSize: 0 }, /^maxReceiveSize: must be a size/],
    ["a long MailTip", { mailTip: "x".repeat(176) }, /^mailTip: shows more than 175 characters/],
    ["an empty MailTip", { mailTip: " \n" }, /^mailTip: is empty/],
    ["a MailTip of html", { mailTip: "Closed on <b>Sundays</b>" }, /^mailTip: contains html/],
    [
      "a sixteenth attribute",
      { customAttributes: { "16": "x" } },
      /^customAttributes\["16"\]: is not a custom attribute/,
    ],
    [
      "a long attribute",
      { customAttributes: { "2": "x".repeat(1025) } },
      /^customAttributes\["2"\]: is longer than 1024/,
    ],
    ["an empty attribute", { customAttributes: { "2": "" } }, /^customAttributes\["2"\]: is empty/],
    ["a number as attribute", { customAttributes: { "2": 7 } }, /^customAttributes\["2"\]: must be text/],
    ["an unknown copy", { copySentItems: { sent: true } }, /^copySentItems\.sent: is not a property of copySentItems/],
  ])("%s is refused in preview", async (_what, more, reason) => {
    const world = await startWorld();
    expect(await failure(world.resource("SharedMailbox", "support").check({ ...support, ...more }))).toMatch(reason);
  });

  test("a size below 1 MB that the state has from before stays as it is, and any other is refused", async () => {
    const world = await startWorld();
    const resource = await made(world, { maxSendSize: "1 MB" });
    await world.exchange("Set-Mailbox", { Identity: resource.id, MaxSendSize: "512 KB" });
    expect(await resource.refresh()).toEqual({ maxSendSize: ["1 MB", "512 KB"] });
    expect(await resource.plan({ ...support, maxSendSize: "512KB" })).toEqual([]);
    expect(await failure(resource.plan({ ...support, maxSendSize: "500 KB" }))).toMatch(
      /^maxSendSize: is 500 KB, below/,
    );
  });

  test("a MailTip of 175 displayed characters is accepted, however long its html is", async () => {
    const world = await startWorld();
    const resource = await made(world, { mailTip: "&".repeat(175) });
    expect(await resource.refresh()).toEqual({});
  });

  test("a warning that comes after sending stopped is pointed out", async () => {
    const world = await startWorld();
    await made(world, { quota: { ...quota, issueWarning: "24.6 GB" } });
    expect(world.warnings.join("\n")).toContain("quota.issueWarning is above quota.prohibitSend (24.5 GB)");
  });
});

test("what is not declared is neither read with further requests nor reported", async () => {
  const world = await startWorld();
  const resource = await made(world);
  await world.exchange("Set-Mailbox", {
    Identity: resource.id,
    MailTip: "by hand",
    CustomAttribute1: "by hand",
    MessageCopyForSentAsEnabled: true,
    ProhibitSendReceiveQuota: "49.8 GB",
    MaxSendSize: "20 MB",
  });
  await world.control("DELETE", "requests");
  expect(await resource.refresh()).toEqual({});
  expect(await world.countOf("Get-MailboxStatistics")).toBe(0);
  const requests = (await world.control("GET", "requests")) as unknown as Row[];
  expect(requests.filter(({ path }) => /subscribedSkus|licenseAssignmentStates/.test(String(path)))).toEqual([]);
  expect(resource.outputs).toMatchObject({ holds: [], size: 0, itemCount: 0 });
});
