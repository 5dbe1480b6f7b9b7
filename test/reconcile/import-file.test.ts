import fc from "fast-check";
import { programText, type Survey, survey } from "../../provider/import-file";
import { type DeclaredResource, declaredBy } from "../import-file/run-program";
import { type Row, startWorld, type World } from "./harness";

/** A mailbox as somebody made it by hand. */
interface Handmade {
  address: string;
  displayName?: string;
  aliases?: string[];
  isHidden?: boolean;
  maySignIn?: boolean;
  forwarding?: { inside: string } | { outside: string };
  keepsCopy?: boolean;
  /** Further parameters of Set-Mailbox. */
  settings?: Row;
  /** Of Graph's mailboxSettings. */
  mailboxSettings?: Row;
  grants?: Record<string, readonly ("fullAccess" | "sendAs" | "sendOnBehalf")[]>;
}

let made = 0;

async function makeByHand(world: World, mailbox: Handmade): Promise<string> {
  const { address, displayName, aliases = [], isHidden, maySignIn, forwarding, keepsCopy = false, settings } = mailbox;
  made += 1;
  const [row] = await world.exchange("New-Mailbox", {
    Shared: true,
    Name: `made by hand ${made}`,
    DisplayName: displayName ?? `Number ${made}`,
    Alias: `byhand${made}`,
    PrimarySmtpAddress: address,
  });
  const id = String(row?.ExternalDirectoryObjectId);
  const parameters = {
    ...(aliases.length === 0
      ? {}
      : { EmailAddresses: { "@odata.type": "#Exchange.GenericHashTable", Add: aliases.map((one) => `smtp:${one}`) } }),
    ...(isHidden === undefined ? {} : { HiddenFromAddressListsEnabled: isHidden }),
    ...(forwarding === undefined
      ? {}
      : {
          ...("inside" in forwarding
            ? { ForwardingAddress: forwarding.inside }
            : { ForwardingSmtpAddress: `smtp:${forwarding.outside}` }),
          DeliverToMailboxAndForward: keepsCopy,
        }),
    ...settings,
  };
  if (Object.keys(parameters).length > 0) {
    await world.exchange("Set-Mailbox", { Identity: id, ...parameters });
  }
  await world.graph("PATCH", `/users/${id}`, { accountEnabled: maySignIn === true });
  if (mailbox.mailboxSettings !== undefined) {
    await world.graph("PATCH", `/users/${id}/mailboxSettings`, mailbox.mailboxSettings);
  }
  for (const [trustee, rights] of Object.entries(mailbox.grants ?? {})) {
    for (const right of rights) {
      await grant(world, id, trustee, right);
    }
  }
  return id;
}

async function grant(world: World, id: string, trustee: string, right: string): Promise<void> {
  if (right === "fullAccess") {
    await world.exchange("Add-MailboxPermission", {
      Identity: id,
      User: trustee,
      AccessRights: ["FullAccess"],
      InheritanceType: "All",
    });
  } else if (right === "sendAs") {
    await world.exchange("Add-RecipientPermission", {
      Identity: id,
      Trustee: trustee,
      AccessRights: ["SendAs"],
      Confirm: false,
    });
  } else {
    await world.exchange("Set-Mailbox", {
      Identity: id,
      GrantSendOnBehalfTo: { "@odata.type": "#Exchange.GenericHashTable", Add: [trustee] },
    });
  }
}

/** Surveys, and runs the program that would be written. */
async function surveyed(
  world: World,
  ...patterns: string[]
): Promise<Survey & { declared: Record<string, DeclaredResource>; text: string }> {
  const result = await world.deploying((deployment) =>
    survey(deployment, patterns, { project: "contoso", stack: "dev" }),
  );
  const text = programText([], result.mailboxes, result.left);
  const ids = Object.fromEntries(result.resources.map(({ name, id }) => [name, id]));
  return { ...result, declared: declaredBy(text, ids), text };
}

/** Imports what was surveyed and holds it against its program and against the tenant: nothing differs, nothing is written. */
async function expectNothingToDo(
  world: World,
  { resources, declared }: Awaited<ReturnType<typeof surveyed>>,
): Promise<void> {
  expect(resources.map(({ name }) => name).sort()).toEqual(Object.keys(declared).sort());
  for (const { name, id, inputs, outputs } of resources) {
    const { kind, program } = declared[name] as DeclaredResource;
    const { __provider: text, ...held } = inputs;
    expect(text).toBe(`exports.handler=()=>require("pulumi-mailboxes/provider").dynamicProvider("${kind}")`);
    expect(outputs.__provider).toBe(text);
    const resource = world.resource(kind, name);
    expect(await resource.check(program)).toEqual(held);
    // With its text, as the engine has it.
    resource.state = { id, inputs, outputs, isTainted: false };
    expect(await resource.check(program)).toEqual(held);
    expect(await resource.refresh()).toEqual({});
    expect(resource.outputs).toEqual(outputs);
    // The engine adds the text to what check answers.
    resource.state = { ...resource.state, inputs: held };
    expect(await resource.plan(program)).toEqual([]);
  }
}

const people = ["ada", "grace", "alan", "edsger", "barbara", "support-team"].map((name) => `${name}@contoso.com`);
const word = fc.string({ unit: fc.constantFrom(..."abcdefgh0123"), minLength: 3, maxLength: 8 });
const rights = fc.subarray(["fullAccess", "sendAs", "sendOnBehalf"] as const, { minLength: 1 });

const handmade: fc.Arbitrary<Handmade> = fc.record(
  {
    address: fc
      .tuple(
        fc.oneof(word, fc.constantFrom("info", "new", "x-members", "x")),
        fc.constantFrom("contoso.com", "fabrikam.example"),
      )
      .map(([local, domain]) => `${local}@${domain}`),
    displayName: fc.constantFrom("Contoso Sales", 'The "new" desk', "Überseehaus // Ost", "o'neill"),
    aliases: fc.uniqueArray(
      word.map((local) => `also-${local}@contoso.com`),
      { maxLength: 3 },
    ),
    isHidden: fc.boolean(),
    maySignIn: fc.boolean(),
    keepsCopy: fc.boolean(),
    forwarding: fc.oneof(
      fc.constantFrom(...people).map((inside) => ({ inside })),
      word.map((local) => ({ outside: `${local}@elsewhere.example` })),
    ),
    settings: fc.record(
      {
        MailTip: fc.constantFrom(
          "Closed on Sundays",
          "<html><body>We <b>answer</b> &amp; smile</body></html>",
          "a < b",
        ),
        CustomAttribute1: fc.constantFrom("north", "x y", " padded "),
        CustomAttribute15: word,
        MessageCopyForSentAsEnabled: fc.boolean(),
        MessageCopyForSendOnBehalfEnabled: fc.boolean(),
        MaxSendSize: fc.constantFrom("20 MB", "35 MB", "150 MB"),
        MaxReceiveSize: fc.constantFrom("36 MB", "1.5 MB"),
      },
      { requiredKeys: [] },
    ),
    mailboxSettings: fc.record(
      {
        timeZone: fc.constantFrom("Romance Standard Time", "UTC"),
        automaticRepliesSetting: fc.oneof(
          fc.record({
            status: fc.constantFrom("disabled", "alwaysEnabled"),
            externalAudience: fc.constantFrom("none", "contactsOnly", "all"),
            internalReplyMessage: fc.constantFrom("", "Back soon", "<p>Back &amp; better</p>\r\n<p>soon</p>"),
            externalReplyMessage: fc.constantFrom("", "We are away"),
          }),
          fc.constant({
            status: "scheduled",
            externalAudience: "all",
            internalReplyMessage: "On holiday",
            scheduledStartDateTime: { dateTime: "2031-07-01T00:00:00.0000000", timeZone: "UTC" },
            scheduledEndDateTime: { dateTime: "2031-08-01T06:30:00.0000000", timeZone: "UTC" },
          }),
        ),
      },
      { requiredKeys: [] },
    ),
    grants: fc.dictionary(fc.constantFrom(...people), rights, { maxKeys: 4 }),
  },
  { requiredKeys: ["address"] },
);

const tenants = fc.uniqueArray(handmade, { minLength: 1, maxLength: 5, selector: ({ address }) => address });

describe("an import file", () => {
  test("of a random tenant is what its program declares and what a refresh reads", async () => {
    await fc.assert(
      fc.asyncProperty(tenants, async (mailboxes) => {
        const world = await startWorld();
        const taken = new Set<string>();
        for (const mailbox of mailboxes) {
          const aliases = (mailbox.aliases ?? []).filter((alias) => !taken.has(alias));
          for (const alias of aliases) {
            taken.add(alias);
          }
          await makeByHand(world, { ...mailbox, aliases });
        }
        await world.writes();
        const found = await surveyed(world);
        expect(found).toMatchObject({ left: [], unmatched: [] });
        expect(found.mailboxes.flatMap(({ notes }) => notes)).toEqual([]);
        expect(found.mailboxes).toHaveLength(mailboxes.length);
        await world.together(() => expectNothingToDo(world, found));
        expect(await world.writes()).toEqual([]);
        await world.running.close();
      }),
      { numRuns: 12, interruptAfterTimeLimit: 40_000, markInterruptAsFailure: false },
    );
  });

  test("declares only what is not the default", async () => {
    const world = await startWorld();
    await makeByHand(world, {
      address: "plain@contoso.com",
      displayName: "Plain",
      grants: { "ada@contoso.com": ["fullAccess", "sendAs"] },
    });
    await makeByHand(world, {
      address: "rich@contoso.com",
      displayName: "Rich",
      aliases: ["wealthy@contoso.com"],
      isHidden: true,
      maySignIn: true,
      forwarding: { outside: "archive@elsewhere.example" },
      settings: {
        MailTip: "Closed on Sundays",
        CustomAttribute3: "north",
        MessageCopyForSentAsEnabled: true,
        MaxSendSize: "20 MB",
        IssueWarningQuota: "9 GB",
        ProhibitSendQuota: "49.5 GB",
        ProhibitSendReceiveQuota: "50 GB",
      },
      mailboxSettings: {
        timeZone: "Romance Standard Time",
        automaticRepliesSetting: {
          status: "alwaysEnabled",
          internalReplyMessage: "Back soon",
          externalAudience: "all",
        },
      },
      grants: {
        "ada@contoso.com": ["fullAccess", "sendAs"],
        "support-team@contoso.com": ["fullAccess", "sendOnBehalf"],
      },
    });
    const { declared } = await surveyed(world);
    expect(declared).toEqual({
      plain: { kind: "SharedMailbox", program: { displayName: "Plain", primarySmtpAddress: "plain@contoso.com" } },
      "plain-members": {
        kind: "MailboxMembership",
        program: { mailbox: expect.any(String), members: ["ada@contoso.com"] },
      },
      rich: {
        kind: "SharedMailbox",
        program: {
          displayName: "Rich",
          primarySmtpAddress: "rich@contoso.com",
          emailAliases: ["wealthy@contoso.com"],
          hiddenFromAddressLists: true,
          signInBlocked: false,
          forwarding: { to: "archive@elsewhere.example", keepCopy: false, allowLoss: true },
          mailTip: "Closed on Sundays",
          customAttributes: { "3": "north" },
          copySentItems: { sentAs: true },
          automaticReplies: { status: "alwaysEnabled", internalMessage: "Back soon" },
          quota: { issueWarning: "9 GB", prohibitSend: "49.5 GB", prohibitSendReceive: "50 GB" },
          maxSendSize: "20 MB",
        },
      },
      "rich-members": {
        kind: "MailboxMembership",
        program: {
          mailbox: expect.any(String),
          members: { "ada@contoso.com": {}, "support-team@contoso.com": { sendAs: false, sendOnBehalf: true } },
        },
      },
    });
  });

  test("has only the mailboxes asked for, under the names they have among all", async () => {
    const world = await startWorld();
    for (const address of ["info@contoso.com", "info@fabrikam.example", "sales@contoso.com"]) {
      await makeByHand(world, { address });
    }
    const { mailboxes, unmatched } = await surveyed(world, "INFO@*", "nobody*", "sales");
    expect(mailboxes.map(({ name }) => name)).toEqual(["info-contoso-com", "info-fabrikam-example"]);
    expect(unmatched).toEqual(["nobody*", "sales"]);
  });

  test("leaves trustees out that cannot be members, and says so", async () => {
    const world = await startWorld();
    await makeByHand(world, {
      address: "sales@contoso.com",
      grants: { "ada@contoso.com": ["fullAccess"], "grace@contoso.com": ["sendAs"] },
    });
    await world.patchRecipient("grace@contoso.com", { recipientTypeDetails: "MailUniversalDistributionGroup" });
    const found = await surveyed(world);
    expect(found.declared["sales-members"]?.program.members).toEqual({ "ada@contoso.com": { sendAs: false } });
    expect(found.text).toMatch(/^\/\/ Send As of "[^"]+" is left as it is/m);
  });

  test("leaves out a mailbox that is managed on-premises", async () => {
    const world = await startWorld();
    await makeByHand(world, { address: "sales@contoso.com" });
    await makeByHand(world, { address: "synced@contoso.com" });
    await world.patchRecipient("synced@contoso.com", { isDirSynced: true });
    const { mailboxes, text } = await surveyed(world);
    expect(mailboxes.map(({ name }) => name)).toEqual(["sales"]);
    expect(text).toContain("// synced@contoso.com is not imported: it is synchronised from on-premises");
  });

  test("leaves out what the application may not read, and says so", async () => {
    const world = await startWorld();
    await makeByHand(world, {
      address: "sales@contoso.com",
      isHidden: true,
      mailboxSettings: { automaticRepliesSetting: { status: "alwaysEnabled", internalReplyMessage: "Back soon" } },
    });
    const forbidden = {
      times: "always",
      answer: { status: 403, body: { error: { code: "ErrorAccessDenied", message: "Access is denied." } } },
    };
    await world.fault({ ...forbidden, service: "graph", path: "mailboxSettings" });
    await world.fault({ ...forbidden, cmdlet: "Get-MailboxAutoReplyConfiguration" });
    await world.fault({ ...forbidden, cmdlet: "Get-MailboxRegionalConfiguration" });
    const { declared, text } = await surveyed(world);
    expect(declared.sales?.program).toMatchObject({ hiddenFromAddressLists: true });
    expect(declared.sales?.program).not.toHaveProperty("automaticReplies");
    expect(text).toMatch(/^\/\/ What the application may not read is not declared: .*denied/m);
  });

  test("says of a size that needs a licence that the licence is managed elsewhere", async () => {
    const world = await startWorld();
    await makeByHand(world, { address: "large@contoso.com" });
    const gigabyte = 1024 ** 3;
    await world.patchRecipient("large@contoso.com", {
      mailbox: {
        issueWarningQuota: 80 * gigabyte,
        prohibitSendQuota: 90 * gigabyte,
        prohibitSendReceiveQuota: 100 * gigabyte,
      },
    });
    const found = await surveyed(world);
    expect(found.declared.large?.program).toMatchObject({
      license: "external",
      quota: { issueWarning: "80 GB", prohibitSend: "90 GB", prohibitSendReceive: "100 GB" },
    });
    await world.together(() => expectNothingToDo(world, found));
  });

  test("leaves out what a program may not say, and says so", async () => {
    const world = await startWorld();
    await makeByHand(world, { address: "sales@contoso.com", aliases: ["also@contoso.com"] });
    await world.patchRecipient("sales@contoso.com", {
      mailbox: { forwardingSmtpAddress: "smtp:also@contoso.com", deliverToMailboxAndForward: true },
    });
    const { declared, text } = await surveyed(world);
    expect(declared.sales?.program).toMatchObject({ emailAliases: ["also@contoso.com"] });
    expect(declared.sales?.program).not.toHaveProperty("forwarding");
    expect(text).toMatch(
      /^\/\/ forwarding is not declared and stays as it is: forwarding.to: is an address of this very mailbox/m,
    );
  });

  test("is not written when a list cannot be read whole", async () => {
    const world = await startWorld();
    await makeByHand(world, { address: "sales@contoso.com" });
    await world.fault({ cmdlet: "Get-RecipientPermission", times: "always", answer: { status: 403 } });
    await expect(surveyed(world)).rejects.toThrow(/who may send as sales@contoso.com/);
  });
});
