import { formerMarkOf } from "../../provider/kinds/shared-mailbox/naming";
import {
  failure,
  hiddenMemory,
  interruptedCreation,
  makeMailbox,
  type Resource,
  type Row,
  startWorld,
  type World,
} from "./harness";

const support = { displayName: "Contoso Support", primarySmtpAddress: "support@contoso.com" };
const info = { displayName: "Info", primarySmtpAddress: "info@contoso.com" };
const infoElsewhere = { displayName: "Info", primarySmtpAddress: "info@fabrikam.example" };

async function seen(world: World, identity: string): Promise<Row & { EmailAddresses: string[] }> {
  const [row] = await world.exchange("Get-Mailbox", { Identity: identity });
  return { ...row, EmailAddresses: (row?.EmailAddresses ?? []) as string[] };
}

async function initials(world: World, { id }: Resource): Promise<unknown> {
  const [row] = await world.exchange("Get-User", { Identity: id });
  return row?.Initials;
}

/** The SMTP addresses, sorted. */
function smtp({ EmailAddresses: addresses }: { EmailAddresses: string[] }): string[] {
  return addresses.filter((one) => /^smtp:/i.test(one)).sort();
}

async function account(world: World, userPrincipalName: string, displayName: string): Promise<string> {
  const made = await world.graph("POST", "/users", {
    accountEnabled: true,
    displayName,
    mailNickname: String(userPrincipalName.split("@")[0]),
    userPrincipalName,
    passwordProfile: { password: "Not-to-be-used-1" },
  });
  return String(made?.id);
}

describe("a new mailbox", () => {
  test("is called by its local part: alias, sign-in name and addresses show nothing else", async () => {
    const world = await startWorld();
    const resource = await world.resource("SharedMailbox", "support").up(support);
    const row = await seen(world, resource.id);
    expect(row).toMatchObject({ Alias: "support", UserPrincipalName: "support@contoso.com" });
    expect(smtp(row)).toEqual(["SMTP:support@contoso.com", "smtp:support@contoso.onmicrosoft.com"]);
    expect(resource.outputs).toMatchObject({ mailNickname: "support", userPrincipalName: "support@contoso.com" });
    expect(world.warnings).toEqual([]);
  });

  test("shows the Name it was given without a mark where Exchange keeps Names", async () => {
    const world = await startWorld({ settings: { nameBecomesObjectId: false } });
    const resource = await world.resource("SharedMailbox", "support").up(support);
    expect(await seen(world, resource.id)).toMatchObject({ Name: "support" });
  });

  test("loses the mark of its creation with the end of it", async () => {
    const world = await startWorld();
    const resource = await world.resource("SharedMailbox", "support").up(support);
    expect(await initials(world, resource)).toBe("");
    expect(hiddenMemory(resource)).not.toHaveProperty("creationMark");
    expect(await resource.refresh()).toEqual({});
    await world.writes();
    await resource.up({ ...support, displayName: "Support" });
    expect(await world.writes()).toEqual(["Set-Mailbox"]);
  });

  const forbidden = { cmdlet: "Set-User", answer: { status: 403, body: "" } };

  test("loses it with a later change where it could not be taken away", async () => {
    const world = await startWorld();
    await world.fault(forbidden);
    const resource = await world.resource("SharedMailbox", "support").up(support);
    expect(await initials(world, resource)).toBe(hiddenMemory(resource).creationMark);
    expect(await resource.refresh()).toEqual({});
    await world.fault(forbidden);
    await resource.up({ ...support, displayName: "Support" });
    expect(await initials(world, resource)).toBe(hiddenMemory(resource).creationMark);
    await resource.up({ ...support, displayName: "Service" });
    expect(await initials(world, resource)).toBe("");
    expect(hiddenMemory(resource)).not.toHaveProperty("creationMark");
    expect(world.warnings).toEqual([]);
  });

  test("keeps initials that somebody wrote in its place", async () => {
    const world = await startWorld();
    await world.fault(forbidden);
    const resource = await world.resource("SharedMailbox", "support").up(support);
    await world.exchange("Set-User", { Identity: resource.id, Initials: "CS" });
    await resource.up({ ...support, displayName: "Service" });
    expect(await initials(world, resource)).toBe("CS");
  });

  test.each(["one after the other", "at the same time", "at the same time, the other way round"])(
    "leaves its local part to the one in the default domain: two info@ %s",
    async (how) => {
      const world = await startWorld();
      const [one, two] = [world.resource("SharedMailbox", "one"), world.resource("SharedMailbox", "two")];
      await world.together(async () => {
        const first = () => one.up(info);
        const second = () => two.up(infoElsewhere);
        if (how === "one after the other") {
          await first();
          await second();
        } else {
          await Promise.all(how.endsWith("round") ? [second(), first()] : [first(), second()]);
        }
      });
      expect(await seen(world, one.id)).toMatchObject({ Alias: "info", UserPrincipalName: "info@contoso.com" });
      expect(await seen(world, two.id)).toMatchObject({
        Alias: "info-fabrikam",
        UserPrincipalName: "info-fabrikam@contoso.com",
      });
      expect(smtp(await seen(world, two.id))).toEqual([
        "SMTP:info@fabrikam.example",
        "smtp:info-fabrikam@contoso.com",
        "smtp:info-fabrikam@contoso.onmicrosoft.com",
      ]);
      expect(world.warnings.join("\n")).toMatch(
        /The alias of info@fabrikam\.example is info-fabrikam: info belongs to/,
      );
    },
  );

  test.each<[string, (world: World) => Promise<unknown>, RegExp]>([
    ["a person's alias", async () => undefined, /ada belongs to the user mailbox "Ada Lovelace"/],
    [
      "a group's alias",
      async () => undefined,
      /support-team belongs to the mail-enabled security group "Support Team"/,
    ],
    [
      "an account's sign-in name",
      (world) => account(world, "desk@contoso.com", "Desk Admin"),
      /desk belongs to the account "Desk Admin" \(desk@contoso\.com/,
    ],
    [
      "a further address",
      (world) =>
        world.exchange("Set-Mailbox", {
          Identity: "grace@contoso.com",
          EmailAddresses: { "@odata.type": "#Exchange.GenericHashTable", Add: ["smtp:desk@contoso.com"] },
        }),
      /desk belongs to the user mailbox "Grace Hopper"/,
    ],
  ])("makes way for %s, and says whose it is", async (_what, prepare, told) => {
    const world = await startWorld();
    await prepare(world);
    const [, local] = /^\/?(\S+)/.exec(String(told).slice(1)) ?? [];
    const resource = await world
      .resource("SharedMailbox", "box")
      .up({ displayName: "Box", primarySmtpAddress: `${local}@fabrikam.example` });
    expect(await seen(world, resource.id)).toMatchObject({ Alias: `${local}-fabrikam` });
    expect(world.warnings.join("\n")).toMatch(told);
  });

  test("in another domain leaves a deleted mailbox the address that it comes back with", async () => {
    const world = await startWorld();
    const first = { displayName: "Info", primarySmtpAddress: "info@contoso.com" };
    await (await world.resource("SharedMailbox", "contoso").up(first)).destroy();
    const other = { displayName: "Info", primarySmtpAddress: "info@fabrikam.example" };
    const fabrikam = await world.resource("SharedMailbox", "fabrikam").up(other);
    expect(fabrikam.outputs).toMatchObject({ mailNickname: "info-fabrikam" });
    expect(world.warnings.join("\n")).toContain("info belongs to the deleted account");
    const back = await world.resource("SharedMailbox", "back").up({ ...first, restoreDeleted: true });
    expect(back.outputs.addresses).toContain("SMTP:info@contoso.com");
    // Its own former mailbox keeps nothing from it.
    await fabrikam.destroy();
    const again = await world.resource("SharedMailbox", "again").up({ ...other, restoreDeleted: false });
    expect(again.outputs).toMatchObject({ mailNickname: "info-fabrikam" });
  });

  test("gets a number where the domain's label is taken too", async () => {
    const world = await startWorld();
    await makeMailbox(world, "info@contoso.com");
    await makeMailbox(world, "info-fabrikam@contoso.com");
    const resource = await world.resource("SharedMailbox", "info").up(infoElsewhere);
    expect(await seen(world, resource.id)).toMatchObject({ Alias: "info-fabrikam-2" });
  });

  test("of a deleted account whose names Exchange keeps gets another alias", async () => {
    const world = await startWorld({ settings: { holdAddresses: true } });
    const { id } = await world.resource("SharedMailbox", "old").up(info);
    await world.exchange("Remove-Mailbox", { Identity: id, Confirm: false });
    const resource = await world.resource("SharedMailbox", "info").up(infoElsewhere);
    expect(await seen(world, resource.id)).toMatchObject({ Alias: "info-fabrikam" });
    expect(world.warnings.join("\n")).toMatch(/info belongs to the deleted account "Info"/);
  });

  test("is made again under its own name after it was deleted", async () => {
    const world = await startWorld();
    const program = { ...support, emailAliases: ["help@contoso.com"] };
    const first = await world.resource("SharedMailbox", "support").up(program);
    await first.destroy();
    const again = await world.resource("SharedMailbox", "support").up({ ...program, restoreDeleted: false });
    expect(await seen(world, again.id)).toMatchObject({ Alias: "support", UserPrincipalName: "support@contoso.com" });
  });
});

describe("an interrupted creation", () => {
  test.each<[string, Row]>([
    ["without an alias", {}],
    ["with an alias", { alias: "desk" }],
    ["with a local part that Exchange makes no sign-in name of", { primarySmtpAddress: "1st-line@contoso.com" }],
  ])("%s is continued", async (_what, more) => {
    const world = await startWorld();
    const program = { ...support, ...more };
    const resource = world.resource("SharedMailbox", "support");
    const id = await interruptedCreation(world, resource, program);
    await resource.up(program);
    expect(resource.id).toBe(id);
    expect(resource.outputs.created).toBe(true);
    expect(world.warnings).toEqual([]);
    expect(await resource.refresh()).toEqual({});
  });

  test("is continued where Exchange shows the mailbox late and Entra at once", async () => {
    const world = await startWorld({ settings: { lag: { exchange: 1500 } } });
    const resource = world.resource("SharedMailbox", "support");
    await interruptedCreation(world, resource, support);
    await resource.up(support);
    expect(await world.countOf("New-Mailbox")).toBe(1);
    expect(await seen(world, resource.id)).toMatchObject({ Alias: "support" });
  });

  test("of the former release, with its mark in alias and Name, is continued and keeps its alias", async () => {
    const world = await startWorld();
    const resource = world.resource("SharedMailbox", "support");
    const alias = `support-${formerMarkOf(support.primarySmtpAddress, { urn: resource.urn, born: resource.urn })}`;
    await world.exchange("New-Mailbox", {
      Shared: true,
      Name: alias,
      Alias: alias,
      DisplayName: support.displayName,
      PrimarySmtpAddress: support.primarySmtpAddress,
    });
    await resource.up(support);
    expect(await world.countOf("New-Mailbox")).toBe(1);
    expect(await seen(world, resource.id)).toMatchObject({ Alias: alias });
    expect(await resource.refresh()).toEqual({});
    await resource.up({ ...support, displayName: "Renamed" });
    expect(await seen(world, resource.id)).toMatchObject({ Alias: alias, UserPrincipalName: `${alias}@contoso.com` });
  });

  test("of another stack is somebody else's, also when both begin at the same moment", async () => {
    const world = await startWorld({ config: { settleTimeout: "2s" } });
    await world.resource("SharedMailbox", "other").up(support);
    expect(await failure(world.resource("SharedMailbox", "support").up(support))).toMatch(
      /^primarySmtpAddress: support@contoso\.com belongs to the shared mailbox "Contoso Support"/,
    );
  });
});

describe("a collision is told before anything is made, on its property and with its holder", () => {
  async function expectRefusal(world: World, program: Row, message: RegExp): Promise<void> {
    const before = await world.countOf("New-Mailbox");
    expect(await failure(world.resource("SharedMailbox", "box").up({ ...support, ...program }))).toMatch(message);
    expect(await world.countOf("New-Mailbox")).toBe(before);
  }

  test("with an account without a mailbox", async () => {
    const world = await startWorld();
    await account(world, "adm-it@contoso.com", "Admin IT");
    const holder = 'adm-it@contoso\\.com belongs to the account "Admin IT" \\(adm-it@contoso\\.com, id ';
    await expectRefusal(
      world,
      { primarySmtpAddress: "adm-it@contoso.com" },
      new RegExp(`^primarySmtpAddress: ${holder}`),
    );
    await expectRefusal(
      world,
      { emailAliases: ["zed@contoso.com", "help@contoso.com", "adm-it@contoso.com"] },
      new RegExp(`^emailAliases\\[2\\]: ${holder}`),
    );
    await expectRefusal(world, { alias: "adm-it" }, /^alias: adm-it belongs to the account "Admin IT"/);
  });

  test("with a person, a group and a contact", async () => {
    const world = await startWorld();
    await expectRefusal(world, { alias: "ada" }, /^alias: ada belongs to the user mailbox "Ada Lovelace"/);
    await expectRefusal(world, { alias: "ADA" }, /^alias: ADA belongs to the user mailbox "Ada Lovelace"/);
    await expectRefusal(world, { alias: "support-team" }, /^alias: support-team belongs to the mail-enabled security/);
    const [contact] = (await world.exchange("Get-Recipient", { RecipientTypeDetails: ["MailContact"] })) as Row[];
    await expectRefusal(
      world,
      { alias: contact?.Alias },
      new RegExp(`^alias: ${contact?.Alias} belongs to the mail contact "${contact?.DisplayName}"`),
    );
    await expectRefusal(
      world,
      { emailAliases: ["zed@contoso.com", "ada@contoso.com"] },
      /^emailAliases\[1\]: ada@contoso\.com belongs to the user mailbox "Ada Lovelace"/,
    );
  });

  test("with a deleted account: of a further address before, of the others by Exchange's refusal", async () => {
    const world = await startWorld({ settings: { holdAddresses: true }, config: { settleTimeout: "1s" } });
    const id = await account(world, "leaver@contoso.com", "A Leaver");
    await world.graph("DELETE", `/users/${id}`);
    await expectRefusal(
      world,
      { emailAliases: ["leaver@contoso.com"] },
      /^emailAliases\[0\]: leaver@contoso\.com belongs to the deleted account "A Leaver" \(leaver@contoso\.com/,
    );
    const alone = world.resource("SharedMailbox", "box");
    expect(await failure(alone.up({ ...support, alias: "leaver" }))).toMatch(
      /^alias: leaver belongs to the deleted account "A Leaver"/,
    );
    expect(await failure(alone.up({ ...support, primarySmtpAddress: "leaver@contoso.com" }))).toMatch(
      /^primarySmtpAddress: leaver@contoso\.com belongs to the deleted account "A Leaver"/,
    );
    expect(await world.exchange("Get-Mailbox", { RecipientTypeDetails: "SharedMailbox" })).toEqual([]);
  });

  test("with the alias of a deleted account that Exchange gives out again, it is no collision", async () => {
    const world = await startWorld();
    const id = await account(world, "leaver@contoso.com", "A Leaver");
    await world.graph("DELETE", `/users/${id}`);
    const resource = await world.resource("SharedMailbox", "box").up({ ...support, alias: "leaver" });
    expect(await seen(world, resource.id)).toMatchObject({ Alias: "leaver" });
  });

  test("also when a mailbox that is there is changed", async () => {
    const world = await startWorld();
    await account(world, "adm-it@contoso.com", "Admin IT");
    const resource = await world.resource("SharedMailbox", "box").up(support);
    await world.writes();
    for (const [more, message] of [
      [{ alias: "ada" }, /^alias: ada belongs to/],
      [{ emailAliases: ["z@contoso.com", "adm-it@contoso.com"] }, /^emailAliases\[1\]: adm-it@contoso\.com belongs to/],
      [{ primarySmtpAddress: "adm-it@contoso.com" }, /^primarySmtpAddress: adm-it@contoso\.com belongs to the account/],
    ] as const) {
      expect(await failure(resource.up({ ...support, ...more, displayName: "Renamed" }))).toMatch(message);
    }
    expect(await world.writes()).toEqual([]);
    await resource.up({ ...support, alias: "SUPPORT" });
    expect(await seen(world, resource.id)).toMatchObject({ DisplayName: "Contoso Support" });
  });

  test("a Name that somebody has is no collision: it is made unique", async () => {
    const world = await startWorld({ settings: { nameBecomesObjectId: false } });
    await world.exchange("New-Mailbox", {
      Shared: true,
      Name: "support",
      Alias: "other",
      DisplayName: "Other",
      PrimarySmtpAddress: "other@contoso.com",
    });
    const resource = await world.resource("SharedMailbox", "box").up(support);
    expect(await seen(world, resource.id)).toMatchObject({
      Alias: "support",
      Name: expect.stringMatching(/^support-[a-z0-9]{6}$/),
    });
  });
});

describe("a value that the directory will never take", () => {
  const type = "Microsoft.Exchange.Configuration.DualWrite.LocStrings.UnableToWriteToAadException";
  const later =
    "DualWrite (Graph) RequestId: 8300a04f. The issue may be transient and please retry a couple of minutes later.";
  const answer = (words: string) => ({
    status: 400,
    body: {
      error: {
        code: "BadRequest",
        message: "Error executing cmdlet",
        details: [{ code: "Client", target: "", message: `Ex12345|${type}|${words} ${later}` }],
        innererror: {
          message: "Error executing cmdlet",
          type: "Microsoft.Exchange.Admin.OData.Core.ODataServiceException",
        },
      },
    },
  });

  test.each([
    ["a value", "The value specified for property DisplayName is incorrect. Reason: InvalidValue", "change this value"],
    [
      "the 334th address",
      "This request results in the user having 334 proxy addresses. The maximum number of proxy addresses permitted is 333",
      "emailAliases",
    ],
  ])("is sent once, though Exchange says that it may be transient: %s", async (_what, words, step) => {
    const world = await startWorld();
    const resource = await world.resource("SharedMailbox", "support").up(support);
    await world.writes();
    const fault = { cmdlet: "Set-Mailbox", times: "always", answer: answer(words) };
    await world.fault(fault);
    expect(await failure(resource.up({ ...support, displayName: "Never" }))).toContain(step);
    expect(await world.writes()).toEqual(["Set-Mailbox"]);
    await world.control("DELETE", "faults");
    expect(await seen(world, resource.id)).toMatchObject({ DisplayName: "Contoso Support" });
    expect(await resource.refresh()).toEqual({});
    await world.fault({ ...fault, cmdlet: "New-Mailbox" });
    await world.writes();
    expect(await failure(world.resource("SharedMailbox", "info").up(info))).toContain(step);
    expect(await world.writes()).toEqual(["New-Mailbox"]);
  });
});

test("a name that somebody takes after it was asked for is refused by Exchange, and told with its holder", async () => {
  const world = await startWorld();
  const box = world.resource("SharedMailbox", "support");
  await makeMailbox(world, "support@contoso.com");
  // The question was answered before the other mailbox was made.
  await world.fault({ cmdlet: "Get-Recipient", answer: { status: 200, body: { value: [] } } });
  await world.fault({
    path: "/$batch",
    service: "graph",
    answer: {
      status: 200,
      body: { responses: [0, 1].map((id) => ({ id: String(id), status: 200, body: { value: [] } })) },
    },
  });
  await world.writes();
  expect(await failure(box.up({ displayName: "Support", primarySmtpAddress: "support@contoso.com" }))).toMatch(
    /^primarySmtpAddress: support@contoso\.com belongs to the shared mailbox "The support" \(support@contoso\.com\)/,
  );
  expect(box.state).toBeUndefined();
  expect(await world.countOf("New-Mailbox")).toBe(2);
});
