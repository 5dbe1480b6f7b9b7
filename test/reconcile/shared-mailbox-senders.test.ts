import { failure, type Resource, type Row, startWorld, type World } from "./harness";

const support = { displayName: "Contoso Support", primarySmtpAddress: "support@contoso.com" };
const [ada, grace, team] = ["ada@contoso.com", "grace@contoso.com", "support-team@contoso.com"];

const made = async (world: World, more: Row = {}): Promise<Resource> => {
  const resource = await world.resource("SharedMailbox", "support").up({ ...support, ...more });
  await world.writes();
  return resource;
};

describe("protocols", () => {
  const open = {
    OWAEnabled: true,
    MAPIEnabled: true,
    ActiveSyncEnabled: true,
    EwsEnabled: true,
    PopEnabled: true,
    ImapEnabled: true,
    SmtpClientAuthenticationDisabled: null,
  };
  const closed = { owa: false, mapi: false, activeSync: false, ews: false, pop: false, imap: false, smtpAuth: false };

  async function seen(world: World, { id }: Resource): Promise<Row> {
    const [row = {}] = await world.exchange("Get-CASMailbox", { Identity: id });
    return Object.fromEntries(Object.keys(open).map((column) => [column, row[column]]));
  }

  test("are closed at birth, changed in place, and go back one by one", async () => {
    const world = await startWorld();
    const resource = await made(world, { protocols: closed });
    expect(await seen(world, resource)).toEqual({
      ...Object.fromEntries(Object.keys(open).map((column) => [column, false])),
      SmtpClientAuthenticationDisabled: true,
    });
    expect(await resource.refresh()).toEqual({});
    const some = { ...support, protocols: { imap: false, smtpAuth: true } };
    await resource.up(some);
    expect(await world.writes()).toEqual(["Set-CASMailbox"]);
    expect(await seen(world, resource)).toEqual({
      ...open,
      ImapEnabled: false,
      SmtpClientAuthenticationDisabled: false,
    });
    expect(await resource.refresh()).toEqual({});
    expect(await resource.plan(some)).toEqual([]);
    await resource.up(support);
    expect(await seen(world, resource)).toEqual(open);
    expect(await resource.refresh()).toEqual({});
  });

  test("that somebody opens are drift; those that are not declared are somebody else's", async () => {
    const world = await startWorld();
    const resource = await made(world, { protocols: { pop: false, smtpAuth: false } });
    const byHand = { PopEnabled: true, OWAEnabled: false, SmtpClientAuthenticationDisabled: null };
    await world.exchange("Set-CASMailbox", { Identity: resource.id, ...byHand });
    expect(await resource.refresh()).toEqual({ "protocols/pop": [false, true], "protocols/smtpAuth": [false, null] });
    await resource.up({ ...support, protocols: { pop: false, smtpAuth: false } });
    expect(await seen(world, resource)).toEqual({
      ...open,
      PopEnabled: false,
      OWAEnabled: false,
      SmtpClientAuthenticationDisabled: true,
    });
  });

  test("are asked for only where they are declared", async () => {
    const world = await startWorld();
    const resource = await made(world);
    await resource.refresh();
    await resource.up({ ...support, displayName: "Support" });
    expect(await world.countOf("Get-CASMailbox")).toBe(0);
  });

  test.each(["before", "after"])("whose change gets no answer are observed and finished (closed %s)", async (close) => {
    const world = await startWorld();
    const resource = await made(world);
    await world.fault({ cmdlet: "Set-CASMailbox", close });
    await resource.up({ ...support, protocols: { imap: false } });
    expect(await seen(world, resource)).toMatchObject({ ImapEnabled: false });
    expect(await resource.refresh()).toEqual({});
  });

  test("that an application may not read stay as the state has them in a refresh", async () => {
    const world = await startWorld();
    const resource = await made(world, { protocols: { imap: false } });
    await world.fault({ cmdlet: "Get-CASMailbox", answer: { status: 403, body: "" } });
    expect(await resource.refresh()).toEqual({});
    expect(world.warnings.join("\n")).toContain("protocols of support@contoso.com");
  });

  test("are read for a program that does not manage the mailbox", async () => {
    const world = await startWorld();
    const { id } = await made(world, { protocols: { imap: false, smtpAuth: true } });
    const read = await world.resource("SharedMailbox", "read").get(id, ["protocols"]);
    expect(read.outputs.protocols).toEqual({
      owa: true,
      mapi: true,
      activeSync: true,
      ews: true,
      pop: true,
      imap: false,
      smtpAuth: true,
    });
  });

  test.each([
    [{ imap: "no" }, /^protocols\.imap: must be true or false/],
    ["none", /^protocols: must be an object/],
    [{ telnet: false }, /^protocols\.telnet: is not a property of protocols/],
  ])("%j is refused", async (protocols, message) => {
    const world = await startWorld();
    expect(await failure(made(world, { protocols }))).toMatch(message);
  });
});

describe.each([
  ["acceptMessagesOnlyFrom", "AcceptMessagesOnlyFromSendersOrMembers"],
  ["rejectMessagesFrom", "RejectMessagesFromSendersOrMembers"],
])("%s", (property, column) => {
  async function seen(world: World, { id }: Resource): Promise<unknown> {
    const [row = {}] = await world.exchange("Get-Mailbox", { Identity: id });
    return [...(row[column] as string[])].sort();
  }
  const names = async (world: World, ...addresses: string[]) => {
    const rows = await Promise.all(addresses.map((one) => world.exchange("Get-Recipient", { Identity: one })));
    return rows.map(([row]) => row?.Name).sort();
  };

  test("takes people and groups in any spelling, is changed in place, and ends when it is removed", async () => {
    const world = await startWorld();
    const [user] = await world.exchange("Get-User", { Identity: grace });
    const id = String(user?.ExternalDirectoryObjectId);
    const resource = await made(world, { [property]: ["Ada@Contoso.com", team, id] });
    expect(await seen(world, resource)).toEqual(await names(world, ada, grace, team));
    expect(resource.outputs[property]).toEqual([ada, team, id].sort());
    expect(await resource.refresh()).toEqual({});
    await resource.up({ ...support, [property]: [team, ada] });
    expect(await world.writes()).toEqual(["Set-Mailbox"]);
    expect(await seen(world, resource)).toEqual(await names(world, ada, team));
    expect(await resource.plan({ ...support, [property]: [ada, team] })).toEqual([]);
    await resource.up(support);
    expect(await seen(world, resource)).toEqual([]);
    expect(await resource.refresh()).toEqual({});
  });

  test("refuses one person in two spellings, and in both lists", async () => {
    const world = await startWorld();
    const [user] = await world.exchange("Get-User", { Identity: grace });
    const id = String(user?.ExternalDirectoryObjectId);
    const other = property === "rejectMessagesFrom" ? "acceptMessagesOnlyFrom" : "rejectMessagesFrom";
    const words = (message: string) => message.includes("is the same as") && message.includes("write each one once");
    expect(words(await failure(made(world, { [property]: [grace, id] })))).toBe(true);
    expect(words(await failure(made(world, { [property]: [grace], [other]: [id] })))).toBe(true);
    expect(await world.exchange("Get-Recipient", { Identity: support.primarySmtpAddress }).catch(() => [])).toEqual([]);
  });

  test("shows whom somebody adds, and takes them away again", async () => {
    const world = await startWorld();
    const resource = await made(world, { [property]: [ada] });
    await world.exchange("Set-Mailbox", { Identity: resource.id, [column]: [ada, grace] });
    expect(await resource.refresh()).toEqual({ [property]: [[ada], [ada, grace]] });
    await resource.up({ ...support, [property]: [ada] });
    expect(await seen(world, resource)).toEqual(await names(world, ada));
  });

  test("[] declares that there is none: one that somebody sets is drift and goes", async () => {
    const world = await startWorld();
    const resource = await made(world, { [property]: [] });
    expect(await resource.refresh()).toEqual({});
    await world.exchange("Set-Mailbox", { Identity: resource.id, [column]: [grace] });
    expect(await resource.refresh()).toEqual({ [property]: [[], [grace]] });
    await resource.up({ ...support, [property]: [] });
    expect(await seen(world, resource)).toEqual([]);
    expect(await resource.refresh()).toEqual({});
  });

  test("that nobody declares is left alone", async () => {
    const world = await startWorld();
    const resource = await made(world);
    await world.exchange("Set-Mailbox", { Identity: resource.id, [column]: [grace] });
    expect(await resource.refresh()).toEqual({});
    await resource.up({ ...support, displayName: "Support" });
    expect(await seen(world, resource)).toEqual(await names(world, grace));
  });

  test("knows one of two people with one Name, and follows somebody to a new address", async () => {
    const world = await startWorld();
    for (const one of [ada, grace]) {
      await world.patchRecipient(one, { name: "Andrew Smith" });
    }
    const program = { ...support, [property]: [ada] };
    const resource = await made(world, { [property]: [ada] });
    expect(await resource.refresh()).toEqual({});
    expect(await resource.plan(program)).toEqual([]);
    await world.exchange("Set-Mailbox", { Identity: ada, WindowsEmailAddress: "lovelace@contoso.com" });
    expect(await resource.refresh()).toEqual({});
    expect(await resource.plan(program)).toEqual([]);
  });

  test.each<[unknown, string]>([
    [["Ada Lovelace"], "looks like a display name"],
    ["ada@contoso.com", "must be a list"],
    [[7], "must be text"],
    [["nobody@contoso.com"], "nobody in the tenant"],
  ])("%j is refused before anything is made", async (value, reason) => {
    const world = await startWorld({ config: { settleTimeout: "1s" } });
    const message = await failure(made(world, { [property]: value }));
    expect(message).toMatch(new RegExp(`^${property}`));
    expect(message).toContain(reason);
    expect(await world.countOf("New-Mailbox")).toBe(0);
  });
});
