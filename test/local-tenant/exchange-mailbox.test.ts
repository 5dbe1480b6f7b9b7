import { clientAccessProperties, mailboxProperties } from "../../provider/local-tenant/exchange/mailbox-properties";
import { type Recipient, tables, type User } from "../../provider/local-tenant/model";
import { change, type ExchangeTenant, enterprise, putRecipient, type Row, startExchange } from "./exchange-tenant";

let exchange: ExchangeTenant;

beforeEach(async () => {
  exchange = await startExchange();
});

afterEach(() => exchange.close());

const support = {
  Shared: true,
  Name: "support-7f3a",
  DisplayName: "Contoso Support",
  Alias: "support",
  PrimarySmtpAddress: "support@contoso.com",
};

async function create(parameters: Row = support): Promise<Row> {
  const [row] = await exchange.rows("New-Mailbox", parameters);
  if (row === undefined) {
    throw new Error("New-Mailbox answered no row");
  }
  return row;
}

async function read(identity: unknown): Promise<Row> {
  const [row] = await exchange.rows("Get-Mailbox", { Identity: identity });
  return row ?? {};
}

async function set(parameters: Row, identity = "support") {
  return await exchange.invoke("Set-Mailbox", { Identity: identity, ...parameters });
}

async function addresses(): Promise<string[]> {
  const all = (await read("support")).EmailAddresses as string[];
  return all.filter((address) => !address.startsWith("SPO:"));
}

function license(alias: string): void {
  const { store } = exchange.tenant;
  const user = store.all<User>(tables.users).find((each) => each.mailNickname === alias);
  if (user !== undefined) {
    store.put(tables.users, user.id, { ...user, assignedLicenses: [{ skuId: enterprise, disabledPlans: [] }] });
  }
}

function storedUser(id: unknown): User | undefined {
  return exchange.tenant.store.get<User>(tables.users, String(id));
}

describe("New-Mailbox", () => {
  test("answers the full row and makes the Entra user", async () => {
    const row = await create();
    expect(row).toMatchObject({
      Name: "support-7f3a",
      Alias: "support",
      DisplayName: "Contoso Support",
      PrimarySmtpAddress: "support@contoso.com",
      UserPrincipalName: "support@contoso.com",
      RecipientTypeDetails: "SharedMailbox",
      EmailAddressPolicyEnabled: false,
      AccountDisabled: true,
      ProhibitSendQuota: "49.5 GB (53,150,220,288 bytes)",
      MaxSendSize: "35 MB (36,700,160 bytes)",
      RetainDeletedItemsFor: "14.00:00:00",
      WhenSoftDeleted: null,
      CustomAttribute15: "",
    });
    expect(row.Guid).not.toBe(row.ExchangeGuid);
    expect(storedUser(row.ExternalDirectoryObjectId)).toMatchObject({
      userPrincipalName: "support@contoso.com",
      mailNickname: "support",
      accountEnabled: false,
    });
    expect((await read("support@contoso.com")).Name).toBe(row.ExternalDirectoryObjectId);
  });

  // @shows exchange.new-mailbox-upn
  test("the sign-in name is the alias at the default domain, and an address", async () => {
    const row = await create({
      Shared: true,
      Name: "i",
      Alias: "info-7f3a",
      PrimarySmtpAddress: "info@fabrikam.example",
    });
    expect(row).toMatchObject({ UserPrincipalName: "info-7f3a@contoso.com", Identity: "i" });
    expect((row.EmailAddresses as string[]).filter((one) => !one.startsWith("SPO:"))).toEqual([
      "SMTP:info@fabrikam.example",
      "smtp:info-7f3a@contoso.com",
      "smtp:info-7f3a@contoso.onmicrosoft.com",
    ]);
  });

  // @shows exchange.random-upn
  test.each(["4u", "-x", "a+b", "a'b", "a".repeat(64)])(
    "of the alias %s no sign-in name can be made: it is random",
    async (alias) => {
      const row = await create({ Shared: true, Name: "i", Alias: alias, PrimarySmtpAddress: "x@contoso.com" });
      expect(row.UserPrincipalName).toMatch(/^G[0-9a-f]{32}@contoso\.com$/);
    },
  );

  // @shows exchange.alias-number
  test("an alias that is not given gets a number when it is taken; one that is given is refused", async () => {
    const made = async (name: string) => (await create({ Shared: true, Name: name })).Alias;
    expect([await made("Ada"), await made("A D A"), await made("Help")]).toEqual(["Ada1", "ADA2", "Help"]);
    const given = await exchange.invoke("New-Mailbox", { Shared: true, Name: "z", Alias: "help" });
    expect(given.type).toBe("ProxyAddressExistsException");
  });

  // @shows exchange.initials
  test("initials are kept, shown by Get-User alone, and at most six characters", async () => {
    const shown = async () => (await exchange.rows("Get-User", { Identity: "Contoso Support" }))[0]?.Initials;
    expect((await exchange.invoke("New-Mailbox", { ...support, Initials: "1234567" })).status).toBe(400);
    expect(await create({ ...support, Initials: "abc" })).not.toHaveProperty("Initials");
    expect(await shown()).toBe("abc");
    expect((await exchange.invoke("Set-User", { Identity: "Contoso Support", Initials: "1234567" })).status).toBe(400);
    await exchange.invoke("Set-User", { Identity: "Contoso Support", Initials: null });
    expect(await shown()).toBe("");
  });

  // @shows exchange.name-characters
  test("a Name may have any letters; the alias made of it may not", async () => {
    const named = { Shared: true, Name: "Büro Zürich", Alias: "buero", PrimarySmtpAddress: "buero@contoso.com" };
    expect(await create(named)).toMatchObject({ Name: "Büro Zürich", Alias: "buero" });
  });

  // @shows exchange.spo-address
  test("some of the mailboxes get an address of SharePoint, always the same ones", async () => {
    const has = async (alias: string) =>
      ((await create({ Shared: true, Name: alias, Alias: alias })).EmailAddresses as string[]).some((one) =>
        one.startsWith("SPO:SPO_"),
      );
    const aliases = Array.from({ length: 8 }, (_, index) => `box${index}`);
    const some: boolean[] = [];
    for (const alias of aliases) {
      some.push(await has(alias));
    }
    expect(new Set(some).size).toBe(2);
    exchange.tenant.configure({ newMailboxSpoAddress: "always" });
    expect(await has("always")).toBe(true);
    exchange.tenant.configure({ newMailboxSpoAddress: "never" });
    expect(await has("never")).toBe(false);
  });

  // @shows exchange.address-policy-off
  test("without address: alias from the name, the default domain, the policy in force", async () => {
    expect(await create({ Shared: true, Name: "Night Shift" })).toMatchObject({
      Alias: "NightShift",
      PrimarySmtpAddress: "NightShift@contoso.com",
      DisplayName: "Night Shift",
      EmailAddressPolicyEnabled: true,
    });
  });

  // @shows exchange.new-account-enabled exchange.name-object-id
  test("settings decide on the account and on Name", async () => {
    exchange.tenant.configure({ newSharedAccountEnabled: true, nameBecomesObjectId: false });
    expect((await create()).AccountDisabled).toBe(false);
    expect((await read("support")).Name).toBe("support-7f3a");
  });

  test.each([
    [
      "the name",
      { Name: "ada name", Alias: "other", PrimarySmtpAddress: "x@contoso.com" },
      "ADObjectAlreadyExistsException",
    ],
    ["an address", { Name: "x", Alias: "x", PrimarySmtpAddress: "ADA@contoso.com" }, "ProxyAddressExistsException"],
    [
      "the initial domain's address",
      { Name: "x", Alias: "ada", PrimarySmtpAddress: "ada@fabrikam.example" },
      "ProxyAddressExistsException",
    ],
    [
      "a sign-in name",
      { Name: "x", Alias: "x", PrimarySmtpAddress: "plain@contoso.com" },
      "UnableToWriteToAadException",
    ],
    [
      "a foreign domain",
      { Name: "x", Alias: "x", PrimarySmtpAddress: "x@elsewhere.example" },
      "NotAcceptedDomainException",
    ],
    ["no address", { Name: "x", Alias: "x", PrimarySmtpAddress: "x y@contoso.com" }, "DataValidationException"],
    ["a bad alias", { Name: "x", Alias: "a b" }, "DataValidationException"],
    ["a name that makes a bad alias", { Name: "Büro" }, "UnableToWriteToAadException"],
    ["an alias with a diaeresis", { Name: "x", Alias: "büro" }, "UnableToWriteToAadException"],
    [
      "an address with a diaeresis",
      { Name: "x", Alias: "x", PrimarySmtpAddress: "büro@contoso.com" },
      "UnableToWriteToAadException",
    ],
    ["a long name", { Name: "x".repeat(65) }, "DataValidationException"],
  ])("%s is refused", async (_, parameters, type) => {
    const { store } = exchange.tenant;
    const user = store.all<User>(tables.users)[0];
    store.put(tables.users, "plain", { ...user, id: "plain", userPrincipalName: "plain@contoso.com" });
    expect(await exchange.invoke("New-Mailbox", { Shared: true, ...parameters })).toMatchObject({
      status: type === "ProxyAddressExistsException" ? 409 : 400,
      type,
    });
  });

  // @shows exchange.initial-domain-alias
  test("a conflict names the holder", async () => {
    const { text } = await exchange.invoke("New-Mailbox", { ...support, PrimarySmtpAddress: "ada@contoso.com" });
    expect(text).toBe(
      'The proxy address "SMTP:ada@contoso.com" is already being used by the proxy addresses or LegacyExchangeDN of ' +
        '"EURPR01A00.PROD.OUTLOOK.COM/Microsoft Exchange Hosted Organizations/contoso.onmicrosoft.com/ada name". Please choose another proxy address.',
    );
  });
});

describe("identities", () => {
  // @shows exchange.object-id-identity
  test("every form names the mailbox", async () => {
    exchange.tenant.configure({ nameBecomesObjectId: false });
    await create();
    const row = await read("support");
    for (const property of [
      "Name",
      "Alias",
      "DisplayName",
      "Guid",
      "ExchangeGuid",
      "ExternalDirectoryObjectId",
      "UserPrincipalName",
      "PrimarySmtpAddress",
      "DistinguishedName",
      "LegacyExchangeDN",
      "SamAccountName",
    ]) {
      expect([property, (await read(row[property])).Guid]).toEqual([property, row.Guid]);
    }
    expect((await read("smtp:SUPPORT@contoso.onmicrosoft.com")).Guid).toBe(row.Guid);
  });

  // @shows exchange.empty-identity exchange.missing-identity
  test("null and empty mean everything, unknown means not found or, by setting, everything", async () => {
    for (const Identity of [null, "", " "]) {
      expect(await exchange.rows("Get-Mailbox", { Identity })).toHaveLength(2);
      expect(await exchange.rows("Get-Recipient", { Identity })).toHaveLength(4);
    }
    const unknown = { Identity: "nobody" };
    expect((await exchange.invoke("Get-Mailbox", unknown)).type).toBe("ManagementObjectNotFoundException");
    exchange.tenant.configure({ missingIdentity: "everything" });
    expect(await exchange.rows("Get-Mailbox", unknown)).toHaveLength(2);
    const permissions = await exchange.rows("Get-MailboxPermission", unknown);
    expect(new Set(permissions.map((row) => row.Identity))).toEqual(new Set(["ada name", "grace name"]));
    expect((await exchange.invoke("Set-Mailbox", { ...unknown, MailTip: "x" })).type).toBe(
      "ManagementObjectNotFoundException",
    );
  });

  // @shows exchange.ambiguous-identity
  test("what fits two is ambiguous", async () => {
    await create({ ...support, DisplayName: "The ada" });
    expect((await exchange.invoke("Get-Mailbox", { Identity: "The ada" })).type).toBe(
      "ManagementObjectAmbiguousException",
    );
  });

  test("a group is no mailbox", async () => {
    expect((await set({ MailTip: "x" }, "team")).text).toBe("The specified mailbox doesn't exist.");
  });
});

describe("filters and types", () => {
  // @shows exchange.filter-syntax
  test.each([
    ["EmailAddresses -eq 'support@contoso.com'", ["support"]],
    ["EmailAddresses -eq 'smtp:support@contoso.com'", []],
    ["EmailAddresses -like 'smtp:supp*'", ["support"]],
    ["Alias -eq 'ada' -or Alias -eq 'support'", ["ada", "support"]],
    ["RecipientTypeDetails -eq 'SharedMailbox' -and -not (Alias -like 'o*')", ["support"]],
    ["DisplayName -eq 'Miles O''Brien'", ["obrien"]],
    ["CustomAttribute3 -ne $null", []],
    ["Alias -gt 'grace'", ["support", "obrien"]],
    [
      "ForwardingAddress -eq 'CN=grace name,OU=contoso.onmicrosoft.com,OU=Microsoft Exchange Hosted Organizations,DC=EURPR01A00,DC=PROD,DC=OUTLOOK,DC=COM'",
      ["support"],
    ],
  ])("%s", async (Filter, aliases) => {
    await create();
    await create({
      Shared: true,
      Name: "ob",
      Alias: "obrien",
      DisplayName: "Miles O'Brien",
      PrimarySmtpAddress: "o'brien+x@contoso.com",
    });
    await set({ ForwardingAddress: "grace" });
    const rows = await exchange.rows("Get-Mailbox", { Filter });
    expect(rows.map((row) => row.Alias)).toEqual(aliases);
  });

  test.each([
    "Colour -eq 'red'",
    "Alias -match 'x'",
    "Alias -eq",
    "(Alias -eq 'x'",
    "PrimarySmtpAddress -eq 'a@contoso.com'",
  ])("%s is refused", async (Filter) => {
    const answer = await exchange.invoke("Get-Recipient", { Filter });
    expect([answer.status, answer.text]).toEqual([400, expect.stringContaining(`"${Filter}"`)]);
  });

  // @shows exchange.filter-length
  test("fifteen conditions find what one of them names", async () => {
    const { ExternalDirectoryObjectId: id } = await read("ada");
    const ids = [...Array.from({ length: 14 }, (_, index) => `10ca17e4-ffff-4000-8000-0000000000${index + 10}`), id];
    const Filter = ids.map((one) => `ExternalDirectoryObjectId -eq '${one}'`).join(" -or ");
    expect(await exchange.rows("Get-Mailbox", { Filter })).toMatchObject([{ ExternalDirectoryObjectId: id }]);
    exchange.tenant.configure({ contrary: ["exchange.filter-length"] });
    expect((await exchange.invoke("Get-Mailbox", { Filter })).status).toBe(400);
  });

  test("Get-Recipient finds every kind by address", async () => {
    const [row] = await exchange.rows("Get-Recipient", { Filter: "EmailAddresses -eq 'list@contoso.com'" });
    expect(row).toMatchObject({
      Alias: "list",
      RecipientType: "MailUniversalDistributionGroup",
      RecipientTypeDetails: "MailUniversalDistributionGroup",
      PrimarySmtpAddress: "list@contoso.com",
    });
    expect(await exchange.rows("Get-Recipient", { RecipientTypeDetails: ["MailUniversalSecurityGroup"] })).toHaveLength(
      1,
    );
    expect((await exchange.invoke("Get-Recipient", { IncludeSoftDeletedRecipients: true })).status).toBe(400);
  });
});

describe("addresses", () => {
  beforeEach(async () => {
    await create();
  });

  // @shows exchange.primary-in-add
  test("add, remove, primary moved, overwritten", async () => {
    await set({ EmailAddresses: change({ Add: ["help@contoso.com", "smtp:o'neil+x@fabrikam.example"] }) });
    expect(await addresses()).toEqual([
      "SMTP:support@contoso.com",
      "smtp:support@contoso.onmicrosoft.com",
      "smtp:help@contoso.com",
      "smtp:o'neil+x@fabrikam.example",
    ]);
    await set({
      EmailAddresses: change({ add: "more@contoso.com", remove: ["SMTP:HELP@contoso.com", "absent@contoso.com"] }),
    });
    expect(await addresses()).not.toContain("smtp:help@contoso.com");
    await set({ WindowsEmailAddress: "care@contoso.com" });
    expect(await read("support")).toMatchObject({
      PrimarySmtpAddress: "care@contoso.com",
      WindowsEmailAddress: "care@contoso.com",
      UserPrincipalName: "support@contoso.com",
    });
    expect(await addresses()).toContain("smtp:support@contoso.com");
    await set({ EmailAddresses: ["SMTP:support@contoso.com", "help@contoso.com"] });
    expect(await addresses()).toEqual(["SMTP:support@contoso.com", "smtp:help@contoso.com"]);
    await set({ EmailAddresses: ["first@contoso.com", "second@contoso.com"] });
    expect(await addresses()).toEqual(["SMTP:first@contoso.com", "smtp:second@contoso.com"]);
  });

  test("the primary swaps place with an alias it already has", async () => {
    await set({ EmailAddresses: change({ Add: ["help@contoso.com"] }) });
    await set({ WindowsEmailAddress: "help@contoso.com" });
    expect(await addresses()).toEqual([
      "SMTP:help@contoso.com",
      "smtp:support@contoso.com",
      "smtp:support@contoso.onmicrosoft.com",
    ]);
    await set({ EmailAddresses: change({ Add: ["SMTP:support@contoso.com"] }) });
    expect((await read("support")).PrimarySmtpAddress).toBe("support@contoso.com");
  });

  test("user's mail follows the primary address", async () => {
    await set({ WindowsEmailAddress: "care@contoso.com" });
    const { ExternalDirectoryObjectId } = await read("support");
    expect(storedUser(ExternalDirectoryObjectId)?.mail).toBe("care@contoso.com");
  });

  // @shows exchange.windows-email-address
  test("the policy in force keeps the primary address", async () => {
    await create({ Shared: true, Name: "policy" });
    const answer = await set({ WindowsEmailAddress: "other@contoso.com" }, "policy");
    expect(answer.warnings).toEqual([expect.stringContaining("completed successfully but no settings of")]);
    await set({ Alias: "renamed" }, "policy");
    expect((await read("renamed")).PrimarySmtpAddress).toBe("renamed@contoso.com");
  });

  test.each([
    [{ EmailAddresses: change({ Add: ["ada@contoso.com"] }) }, "ProxyAddressExistsException"],
    [{ EmailAddresses: change({ Remove: ["support@contoso.com"] }) }, "DataValidationException"],
    [{ EmailAddresses: ["SMTP:a@contoso.com", "SMTP:b@contoso.com"] }, "DataValidationException"],
    [{ EmailAddresses: change({ Add: ["x@elsewhere.example"] }) }, "NotAcceptedDomainException"],
    [{ WindowsEmailAddress: "grace@contoso.com" }, "ProxyAddressExistsException"],
    [{ Alias: "ada" }, "ProxyAddressExistsException"],
    [{ Name: "ada name" }, "ADObjectAlreadyExistsException"],
    [{ MicrosoftOnlineServicesID: "ada@contoso.com" }, "UserWithMatchingWindowsLiveIdExistsException"],
  ])("%j is %s", async (parameters, type) => {
    const before = await read("support");
    expect((await set(parameters)).type).toBe(type);
    expect(await read("support")).toEqual(before);
  });

  // @shows exchange.address-held-in-directory
  test("an address of an account that has no mailbox is taken, and Entra says so", async () => {
    const { store } = exchange.tenant;
    const [known] = store.all<User>(tables.users);
    const account = { ...known, id: "b0000000-0000-4000-8000-000000000077", userPrincipalName: "alone@contoso.com" };
    store.put(tables.users, account.id, { ...account, mail: "alone@contoso.com", mailNickname: "alone" });
    const answer = await set({ EmailAddresses: change({ Add: ["smtp:alone@contoso.com"] }) });
    expect([answer.status, answer.type]).toEqual([400, "UnableToWriteToAadException"]);
    expect(answer.text).toContain("ObjectConflict");
  });

  // @shows exchange.address-limit
  test("333 addresses are the most, and Entra says so", async () => {
    const { EmailAddresses } = await read("support");
    const left = 333 - (EmailAddresses as string[]).length;
    const addresses = Array.from({ length: left + 1 }, (_, n) => `x${n}@contoso.com`);
    const tooMany = await set({ EmailAddresses: change({ Add: addresses }) });
    expect(tooMany.type).toBe("UnableToWriteToAadException");
    expect(tooMany.text).toMatch(
      /having 334 proxy addresses\. The maximum number of proxy addresses permitted is 333\..*transient/,
    );
    expect((await set({ EmailAddresses: change({ Add: addresses.slice(1) }) })).status).toBe(200);
  });

  test("a freed address stays taken for a while, for others only", async () => {
    exchange.tenant.configure({ addressRelease: 60_000 });
    await set({ EmailAddresses: change({ Add: ["help@contoso.com"] }) });
    await set({ EmailAddresses: change({ Remove: ["help@contoso.com"] }) });
    const add = { EmailAddresses: change({ Add: ["help@contoso.com"] }) };
    expect((await set(add, "ada")).type).toBe("ProxyAddressExistsException");
    exchange.tenant.advance(61_000);
    expect((await set(add, "ada")).status).toBe(200);
  });

  // @shows exchange.synced-attributes
  test("a directory-synced mailbox keeps its address attributes", async () => {
    const recipient = putRecipient(exchange.tenant, 9, "synced", "UserMailbox");
    exchange.tenant.store.put(tables.recipients, recipient.guid, { ...recipient, isDirSynced: true });
    expect((await set({ DisplayName: "x" }, "synced")).text).toContain(
      "synchronized from your on-premises organization",
    );
    expect((await set({ RejectMessagesFromSendersOrMembers: ["ada"] }, "synced")).status).toBe(400);
    expect((await set({ MessageCopyForSentAsEnabled: true }, "synced")).status).toBe(200);
    expect((await exchange.invoke("Set-CASMailbox", { Identity: "synced", PopEnabled: false })).status).toBe(200);
  });
});

describe("Set-Mailbox", () => {
  beforeEach(async () => {
    await create();
  });

  // @shows exchange.forwarding-printed-name
  test("forwarding is resolved, printed as Name, cleared by null", async () => {
    const all = {
      ForwardingAddress: "grace@contoso.com",
      ForwardingSmtpAddress: "q@crm.example",
      DeliverToMailboxAndForward: true,
    };
    expect((await set(all)).status).toBe(200);
    expect(await read("support")).toMatchObject({
      ForwardingAddress: "grace name",
      ForwardingSmtpAddress: "smtp:q@crm.example",
      DeliverToMailboxAndForward: true,
    });
    await set({ ForwardingAddress: null, ForwardingSmtpAddress: null, DeliverToMailboxAndForward: false });
    expect(await read("support")).toMatchObject({
      ForwardingAddress: null,
      ForwardingSmtpAddress: null,
      DeliverToMailboxAndForward: false,
    });
    const missing = await set({ ForwardingAddress: "nobody@contoso.com" });
    expect([missing.type, missing.text]).toEqual([
      "ManagementObjectNotFoundException",
      `Couldn't find object "nobody@contoso.com". Please make sure that it was spelled correctly or specify a different object.`,
    ]);
    expect((await set({ ForwardingSmtpAddress: "x500:whatever" })).status).toBe(400);
  });

  test("Send on Behalf by overwrite, add and remove, printed as Name", async () => {
    await set({ GrantSendOnBehalfTo: ["ada", "team@contoso.com"] });
    expect((await read("support")).GrantSendOnBehalfTo).toEqual(["ada name", "team name"]);
    await set({ GrantSendOnBehalfTo: change({ Add: "grace", Remove: ["ada"] }) });
    expect((await read("support")).GrantSendOnBehalfTo).toEqual(["team name", "grace name"]);
    expect((await set({ GrantSendOnBehalfTo: change({ Add: ["list"] }) })).status).toBe(400);
    await set({ GrantSendOnBehalfTo: change({}) });
    expect((await read("support")).GrantSendOnBehalfTo).toEqual([]);
  });

  test("plain fields, a wrapped MailTip, custom attributes, type", async () => {
    await set({
      DisplayName: "Care",
      HiddenFromAddressListsEnabled: true,
      MailTip: "We answer within a day.",
      CustomAttribute1: "owner",
      CustomAttribute15: "x",
      MessageCopyForSentAsEnabled: true,
      AccountDisabled: true,
      RequireSenderAuthenticationEnabled: true,
    });
    const row = await read("support");
    expect(row).toMatchObject({
      DisplayName: "Care",
      HiddenFromAddressListsEnabled: true,
      CustomAttribute1: "owner",
      CustomAttribute15: "x",
      MessageCopyForSentAsEnabled: true,
      AccountDisabled: true,
    });
    expect(row.MailTip).toMatch(/^<html>\s*<body>\s*We answer within a day\.\s*<\/body>\s*<\/html>\s*$/);
    expect(storedUser(row.ExternalDirectoryObjectId)).toMatchObject({ displayName: "Care", accountEnabled: false });
    await set({ MailTip: null, CustomAttribute1: null });
    expect(await read("support")).toMatchObject({ MailTip: null, CustomAttribute1: "" });
    expect((await set({ MailTip: "x".repeat(176) })).status).toBe(400);
    expect((await set({ CustomAttribute2: "x".repeat(1025) })).status).toBe(400);
    await set({ Type: "Regular" });
    expect(await read("support")).toMatchObject({ RecipientTypeDetails: "UserMailbox", IsShared: false });
  });

  // @shows exchange.sender-lists
  test("senders: people and groups apart and together, overwritten, added and removed, printed as Name", async () => {
    const senders = async (what: "AcceptMessagesOnlyFrom" | "RejectMessagesFrom") => {
      const row = await read("support");
      return ["", "DLMembers", "SendersOrMembers"].map((end) => row[`${what}${end}`]);
    };
    for (const what of ["AcceptMessagesOnlyFrom", "RejectMessagesFrom"] as const) {
      expect(await senders(what)).toEqual([[], [], []]);
      await set({ [`${what}SendersOrMembers`]: ["ada", "list@contoso.com"] });
      expect(await senders(what)).toEqual([["ada name"], ["list name"], ["ada name", "list name"]]);
      await set({ [what]: change({ Add: "grace", Remove: ["ada"] }), [`${what}DLMembers`]: ["team"] });
      expect(await senders(what)).toEqual([["grace name"], ["team name"], ["grace name", "team name"]]);
      await set({ [`${what}SendersOrMembers`]: change({ Add: ["ada"], Remove: "team" }) });
      expect(await senders(what)).toEqual([["grace name", "ada name"], [], ["grace name", "ada name"]]);
      const found = await exchange.rows("Get-Mailbox", {
        Filter: `${what} -eq '${(await read("ada")).DistinguishedName}'`,
      });
      expect(found.map((row) => row.DisplayName)).toEqual(["Contoso Support"]);
      expect((await set({ [what]: ["team"] })).text).toMatch(/isn't a mailbox, a mail user or a mail contact/);
      expect((await set({ [`${what}DLMembers`]: ["ada"] })).text).toMatch(/isn't a group/);
      const both = await set({ [what]: ["ada"], [`${what}SendersOrMembers`]: ["ada"] });
      expect(both.text).toMatch(/in the same command/);
      expect((await set({ [what]: ["nobody@contoso.com"] })).type).toBe("ManagementObjectNotFoundException");
      await set({ [`${what}SendersOrMembers`]: null });
      expect(await senders(what)).toEqual([[], [], []]);
    }
  });

  const properties = { "Set-Mailbox": mailboxProperties, "Set-CASMailbox": clientAccessProperties };
  const settable = Object.entries(properties).flatMap(([cmdlet, table]) =>
    Object.values(table).flatMap(({ column, start, parameter }) =>
      parameter === undefined ? [] : [{ cmdlet, column, start, kind: parameter.type.kind }],
    ),
  );

  test.each(settable)("$cmdlet: $column is shown, and a flag is switched", async ({ cmdlet, column, start, kind }) => {
    license("support");
    const shown = async () => (await exchange.rows(cmdlet.replace("Set-", "Get-"), { Identity: "support" }))[0];
    expect(await shown()).toHaveProperty(column);
    if (kind === "flag") {
      expect((await shown())?.[column]).toBe(start);
      await exchange.rows(cmdlet, { Identity: "support", [column]: start !== true });
      expect((await shown())?.[column]).toBe(start !== true);
    }
  });

  test("a sign-in name of its own", async () => {
    await set({ MicrosoftOnlineServicesID: "care@fabrikam.example" });
    const row = await read("care@fabrikam.example");
    expect(row).toMatchObject({
      UserPrincipalName: "care@fabrikam.example",
      PrimarySmtpAddress: "support@contoso.com",
    });
    expect(storedUser(row.ExternalDirectoryObjectId)?.userPrincipalName).toBe("care@fabrikam.example");
  });

  // @shows exchange.no-change-warning
  test("no change is a warning", async () => {
    const { warnings } = await set({ DisplayName: "Contoso Support", GrantSendOnBehalfTo: [] });
    expect(warnings[0]).toMatch(/^The command completed successfully but no settings of '.+' have been modified\.$/);
  });

  // @shows exchange.quota-order exchange.quota-license exchange.message-size
  test("quotas keep their order and the licence's limit", async () => {
    const quotas = (warning: string, send: string, receive: string) =>
      set({ IssueWarningQuota: warning, ProhibitSendQuota: send, ProhibitSendReceiveQuota: receive });
    expect((await quotas("9GB", "9.5 GB", "10 GB (10,737,418,240 bytes)")).status).toBe(200);
    expect((await read("support")).ProhibitSendReceiveQuota).toBe("10 GB (10,737,418,240 bytes)");
    expect((await set({ ProhibitSendQuota: "11GB" })).text).toMatch(/must be greater than or equal to/);
    expect((await quotas("98GB", "99GB", "100GB")).text).toMatch(/exceeds the maximum "50 GB/);
    expect((await set({ ProhibitSendReceiveQuota: "unlimited" })).status).toBe(400);
    license("support");
    expect((await quotas("98GB", "99GB", "100GB")).status).toBe(200);
    expect((await set({ MaxSendSize: "151MB" })).status).toBe(400);
    expect(
      (await set({ MaxSendSize: "100MB", RecipientLimits: 1000, RetainDeletedItemsFor: "30.00:00:00" })).status,
    ).toBe(200);
    expect(await read("support")).toMatchObject({
      MaxSendSize: "100 MB (104,857,600 bytes)",
      RecipientLimits: "1000",
      RetainDeletedItemsFor: "30.00:00:00",
    });
  });

  // @shows exchange.delay-hold
  test("litigation hold and archive need a licence", async () => {
    expect((await set({ LitigationHoldEnabled: true })).status).toBe(400);
    expect((await exchange.invoke("Enable-Mailbox", { Identity: "support", Archive: true })).status).toBe(400);
    license("support");
    await set({ LitigationHoldEnabled: true, LitigationHoldDuration: 365 });
    expect(await read("support")).toMatchObject({
      LitigationHoldEnabled: true,
      LitigationHoldDuration: "365.00:00:00",
      MailboxPlan: expect.stringMatching(/^ExchangeOnlineEnterprise-/),
    });
    await exchange.rows("Enable-Mailbox", { Identity: "support", Archive: true });
    const { ArchiveGuid } = await read("support");
    expect((await exchange.invoke("Disable-Mailbox", { Identity: "support", Archive: true })).status).toBe(400);
    await set({ LitigationHoldEnabled: false });
    expect(await read("support")).toMatchObject({ LitigationHoldEnabled: false, DelayHoldApplied: true });
    await set({ RemoveDelayHoldApplied: true });
    await exchange.rows("Disable-Mailbox", { Identity: "support", Archive: true, Confirm: false });
    expect(await read("support")).toMatchObject({ ArchiveState: "None", DisabledArchiveGuid: ArchiveGuid });
    await exchange.rows("Enable-Mailbox", { Identity: "support", Archive: true });
    expect((await read("support")).ArchiveGuid).toBe(ArchiveGuid);
  });
});

describe("client access", () => {
  const protocols = ["ActiveSyncEnabled", "OWAEnabled", "PopEnabled", "ImapEnabled", "MAPIEnabled", "EwsEnabled"];
  const clientAccess = async (identity: string) => (await exchange.rows("Get-CASMailbox", { Identity: identity }))[0];
  const close = (parameters: Row) => exchange.invoke("Set-CASMailbox", { Identity: "support", ...parameters });

  // @shows exchange.client-access
  test("every protocol is on at first, SMTP AUTH is the organisation's", async () => {
    await create();
    const row = await clientAccess("support");
    expect(protocols.map((name) => row?.[name])).toEqual(protocols.map(() => true));
    expect(row).toMatchObject({ SmtpClientAuthenticationDisabled: null, PrimarySmtpAddress: "support@contoso.com" });
    expect((await exchange.rows("Get-CASMailbox")).map((one) => one.DisplayName)).toEqual([
      "The ada",
      "The grace",
      "Contoso Support",
    ]);
  });

  test("each is switched off and on by itself, SMTP AUTH also back to null", async () => {
    await create();
    for (const name of [...protocols, "SmtpClientAuthenticationDisabled"]) {
      const before = await clientAccess("support");
      await close({ [name]: name.startsWith("Smtp") });
      expect(await clientAccess("support")).toEqual({ ...before, [name]: name.startsWith("Smtp") });
    }
    const off = await exchange.rows("Get-CASMailbox", { Filter: "ImapEnabled -eq $false" });
    expect(off.map((row) => row.DisplayName)).toEqual(["Contoso Support"]);
    await close({ SmtpClientAuthenticationDisabled: null, ImapEnabled: true });
    expect(await clientAccess("support")).toMatchObject({ SmtpClientAuthenticationDisabled: null, ImapEnabled: true });
    expect((await close({ ImapEnabled: true })).warnings[0]).toMatch(/no settings of '.+' have been modified/);
  });

  test("refusals: null and text for a protocol, a mailbox that is not there, a parameter that is not simulated", async () => {
    await create();
    expect((await close({ ImapEnabled: null })).status).toBe(400);
    expect((await close({ ImapEnabled: "false" })).status).toBe(400);
    expect((await close({ Identity: "nobody" })).type).toBe("ManagementObjectNotFoundException");
    expect((await close({ OwaMailboxPolicy: "x" })).text).toBe(
      "The local tenant does not simulate the parameter OwaMailboxPolicy of Set-CASMailbox.",
    );
  });
});

test("a mailbox that an earlier release wrote has the properties added since, at their defaults", async () => {
  await create();
  const { tenant } = exchange;
  const stored = tenant.store.all<Recipient>(tables.recipients).find(({ alias }) => alias === "support");
  const { acceptMessagesOnlyFrom, rejectMessagesFrom, imapEnabled, ...mailbox } = { ...stored?.mailbox };
  tenant.store.put(tables.recipients, stored?.guid ?? "", { ...stored, mailbox });
  expect(await read("support")).toMatchObject({ AcceptMessagesOnlyFrom: [], RejectMessagesFromSendersOrMembers: [] });
  expect((await exchange.rows("Get-CASMailbox", { Identity: "support" }))[0]).toMatchObject({ ImapEnabled: true });
  expect((await set({ RejectMessagesFromSendersOrMembers: change({ Add: ["ada", "team"] }) })).status).toBe(200);
  await exchange.rows("Set-CASMailbox", { Identity: "support", ImapEnabled: false });
  expect((await read("support")).RejectMessagesFromSendersOrMembers).toEqual(["ada name", "team name"]);
});

describe("deleting", () => {
  // @shows exchange.remove-mailbox exchange.undo-soft-deleted
  test("soft-deleted, listed, restored", async () => {
    const { ExternalDirectoryObjectId, ExchangeGuid } = await create();
    await exchange.rows("Remove-Mailbox", { Identity: "support", Confirm: false, Force: true });
    expect((await exchange.invoke("Get-Mailbox", { Identity: "support" })).type).toBe(
      "ManagementObjectNotFoundException",
    );
    expect((await exchange.invoke("Remove-Mailbox", { Identity: "support" })).type).toBe(
      "ManagementObjectNotFoundException",
    );
    expect(storedUser(ExternalDirectoryObjectId)?.deletedDateTime).not.toBeNull();
    const [deleted] = await exchange.rows("Get-Mailbox", { SoftDeletedMailbox: true });
    expect(deleted).toMatchObject({ ExchangeGuid, IsInactiveMailbox: false, UserPrincipalName: "support@contoso.com" });
    expect(deleted?.WhenSoftDeleted).not.toBeNull();
    expect(
      await exchange.rows("Get-Recipient", { Identity: "support", IncludeSoftDeletedRecipients: true }),
    ).toHaveLength(1);
    await exchange.rows("Undo-SoftDeletedMailbox", { SoftDeletedObject: ExchangeGuid });
    expect((await read("support")).ExchangeGuid).toBe(ExchangeGuid);
    expect(storedUser(ExternalDirectoryObjectId)?.deletedDateTime).toBeNull();
  });

  // @shows exchange.list-reaches-hidden
  test.each([true, false])("its hidden entry goes with a list that is written whole: %p", async (goes) => {
    const { ExchangeGuid } = await create();
    exchange.tenant.configure({ contrary: goes ? [] : ["exchange.list-reaches-hidden"] });
    const set = (delegates: string[]) =>
      exchange.rows("Set-Mailbox", { Identity: "grace", GrantSendOnBehalfTo: delegates });
    await set(["support", "ada"]);
    await exchange.rows("Remove-Mailbox", { Identity: "support" });
    expect((await read("grace")).GrantSendOnBehalfTo).toEqual(["ada name"]);
    await set(["ada"]);
    await exchange.rows("Undo-SoftDeletedMailbox", { SoftDeletedObject: ExchangeGuid });
    expect((await read("grace")).GrantSendOnBehalfTo).toHaveLength(goes ? 1 : 2);
  });

  // @shows exchange.soft-deleted-addresses
  test("its addresses are free for another, which then blocks the restoration", async () => {
    const { ExchangeGuid } = await create();
    await exchange.rows("Remove-Mailbox", { Identity: "support" });
    await create();
    expect((await exchange.invoke("Undo-SoftDeletedMailbox", { SoftDeletedObject: ExchangeGuid })).type).toBe(
      "ProxyAddressExistsException",
    );
    await exchange.rows("Remove-Mailbox", { Identity: "support" });
    const both = { Identity: "support@contoso.com", SoftDeletedMailbox: true };
    expect((await exchange.invoke("Get-Mailbox", both)).type).toBe("ManagementObjectAmbiguousException");
    exchange.tenant.configure({ holdAddresses: true });
    expect((await exchange.invoke("New-Mailbox", support)).type).toBe("ProxyAddressExistsException");
  });

  // @shows exchange.permanently-delete
  test("purged by ExchangeGuid once soft-deleted, and after 30 days by itself", async () => {
    const { ExchangeGuid } = await create();
    const purge = { Identity: ExchangeGuid, PermanentlyDelete: true, Confirm: false };
    expect((await exchange.invoke("Remove-Mailbox", purge)).text).toMatch(/isn't soft-deleted/);
    await exchange.rows("Remove-Mailbox", { Identity: "support" });
    expect((await exchange.invoke("Remove-Mailbox", { ...purge, Identity: "support" })).status).toBe(400);
    await exchange.rows("Remove-Mailbox", purge);
    expect(await exchange.rows("Get-Mailbox", { SoftDeletedMailbox: true })).toEqual([]);
    await create();
    await exchange.rows("Remove-Mailbox", { Identity: "support" });
    exchange.tenant.advance(31 * 24 * 60 * 60 * 1000);
    expect(await exchange.rows("Get-Mailbox", { SoftDeletedMailbox: true })).toEqual([]);
  });

  test("a held one becomes inactive and stays", async () => {
    const { Guid, ExchangeGuid } = await create();
    const row = exchange.tenant.store.get<Recipient>(tables.recipients, String(Guid));
    const mailbox = row?.mailbox === undefined ? undefined : { ...row.mailbox, inPlaceHolds: ["UniHabc"] };
    exchange.tenant.store.put(tables.recipients, String(Guid), { ...row, mailbox });
    await exchange.rows("Remove-Mailbox", { Identity: "support" });
    const [inactive] = await exchange.rows("Get-Mailbox", { InactiveMailboxOnly: true });
    expect(inactive).toMatchObject({ ExchangeGuid, IsInactiveMailbox: true });
    expect((await exchange.invoke("Remove-Mailbox", { Identity: ExchangeGuid, PermanentlyDelete: true })).status).toBe(
      400,
    );
    expect(await exchange.rows("Get-Mailbox", { IncludeInactiveMailbox: true })).toHaveLength(3);
  });
});

test("with lag a written value appears late, conflicts at once", async () => {
  exchange.tenant.configure({ lag: { exchange: 5_000, graph: 0, dataverse: 0 } });
  exchange.tenant.advance(10_000);
  const { ExternalDirectoryObjectId } = await create();
  expect((await exchange.invoke("Set-Mailbox", { Identity: ExternalDirectoryObjectId, MailTip: "x" })).type).toBe(
    "ManagementObjectNotFoundException",
  );
  expect((await exchange.invoke("New-Mailbox", support)).type).toBe("ProxyAddressExistsException");
  exchange.tenant.advance(5_000);
  expect((await set({ DisplayName: "Later" })).status).toBe(200);
  expect((await read("support")).DisplayName).toBe("Contoso Support");
  exchange.tenant.advance(5_000);
  expect((await read("support")).DisplayName).toBe("Later");
});
