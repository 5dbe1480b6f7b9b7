import { randomUUID } from "node:crypto";
import { type Permission, type Recipient, tables, type User } from "../../provider/local-tenant/model";
import { change, type ExchangeTenant, putRecipient, type Row, startExchange } from "./exchange-tenant";

let exchange: ExchangeTenant;

beforeEach(async () => {
  exchange = await startExchange();
  await exchange.rows("New-Mailbox", { Shared: true, Name: "support", PrimarySmtpAddress: "support@contoso.com" });
});

afterEach(() => exchange.close());

const isOwn = (row: Row) =>
  row.IsInherited !== true && row.UserSid !== "S-1-5-10" && row.TrusteeSidString !== "S-1-5-10";

async function fullAccess(parameters: Row = {}): Promise<Row[]> {
  return (await exchange.rows("Get-MailboxPermission", { Identity: "support", ...parameters })).filter(isOwn);
}

async function sendAs(): Promise<Row[]> {
  return (await exchange.rows("Get-RecipientPermission", { Identity: "support" })).filter(isOwn);
}

function fullAccessOf(User: string, more: Row = {}): Row {
  return { Identity: "support", User, AccessRights: ["FullAccess"], Confirm: false, ...more };
}

function sendAsOf(Trustee: string): Row {
  return { Identity: "support", Trustee, AccessRights: ["SendAs"], Confirm: false };
}

/** Whether Outlook opens the mailbox for Ada by itself; no cmdlet tells. */
function mapped(): boolean | undefined {
  const rows = exchange.tenant.store.all<Permission>(tables.permissions);
  return rows.find((row) => row.sid.endsWith("-1101"))?.autoMapping;
}

describe("Full Access", () => {
  // @shows exchange.inherited-rows
  test("what every mailbox has", async () => {
    const rows = await exchange.rows("Get-MailboxPermission", { Identity: "support" });
    expect(rows[0]).toMatchObject({
      User: "NT AUTHORITY\\SELF",
      UserSid: "S-1-5-10",
      AccessRights: ["FullAccess, ReadPermission"],
      IsInherited: false,
      Deny: false,
      PrimarySmtpAddress: "",
    });
    expect(rows).toContainEqual(
      expect.objectContaining({ User: "EURPR01A00\\Organization Management", IsInherited: true, Deny: true }),
    );
    const seeded = await exchange.rows("Get-MailboxPermission", { Identity: "ada" });
    expect(seeded.filter((row) => row.UserSid === "S-1-5-10")).toHaveLength(1);
  });

  // @shows exchange.automapping-people exchange.automapping-hidden
  test("only people are mapped, with Full Access, and many mailboxes of one person are warned of", async () => {
    await exchange.rows("Add-MailboxPermission", fullAccessOf("team"));
    expect(exchange.tenant.store.all<Permission>(tables.permissions).some((row) => row.autoMapping)).toBe(false);
    const reading = fullAccessOf("ada", { AutoMapping: true, AccessRights: ["ReadPermission"] });
    expect(await exchange.invoke("Add-MailboxPermission", reading)).toMatchObject({
      status: 400,
      type: "InvalidOperationException",
      text: expect.stringContaining("AutoMapping=true option can only be used together with FullAccess"),
    });
    for (let number = 20; number < 37; number++) {
      putRecipient(exchange.tenant, number, `m${number}`, "SharedMailbox");
      const answer = await exchange.invoke("Add-MailboxPermission", fullAccessOf("ada", { Identity: `m${number}` }));
      expect(answer.warnings).toHaveLength(number === 36 ? 1 : 0);
    }
  });

  // @shows exchange.permission-regrant exchange.permission-revoke-absent
  test("granted twice, removed twice", async () => {
    const first = await exchange.invoke(
      "Add-MailboxPermission",
      fullAccessOf("ada@contoso.com", { AutoMapping: false }),
    );
    expect(first.rows).toMatchObject([
      { User: "ada@contoso.com", UserSid: "S-1-5-21-1-2-3-1101", AccessRights: ["FullAccess"] },
    ]);
    const again = await exchange.invoke("Add-MailboxPermission", fullAccessOf("ada"));
    expect(again.rows).toEqual(first.rows);
    expect(again.warnings).toEqual([
      expect.stringContaining("The appropriate access control entry is already present on the object"),
    ]);
    expect(await fullAccess()).toHaveLength(1);
    expect(mapped()).toBe(true);
    await exchange.invoke("Add-MailboxPermission", fullAccessOf("ada", { AutoMapping: false }));
    expect(mapped()).toBe(false);

    expect((await exchange.invoke("Remove-MailboxPermission", fullAccessOf("ada@contoso.com"))).warnings).toEqual([]);
    const gone = await exchange.invoke("Remove-MailboxPermission", fullAccessOf("ada@contoso.com"));
    expect(gone.status).toBe(200);
    expect(gone.warnings).toEqual([expect.stringContaining("because the ACE doesn't exist on the object.")]);
    expect(await fullAccess()).toEqual([]);
  });

  // @shows exchange.permission-rows
  test("rights of one trustee are joined, and taken one by one", async () => {
    await exchange.rows("Add-MailboxPermission", fullAccessOf("ada"));
    await exchange.rows("Add-MailboxPermission", fullAccessOf("ada", { AccessRights: "ReadPermission" }));
    expect(await fullAccess()).toMatchObject([{ AccessRights: ["FullAccess, ReadPermission"] }]);
    await exchange.rows("Remove-MailboxPermission", fullAccessOf("ada"));
    expect(await fullAccess()).toMatchObject([{ AccessRights: ["ReadPermission"] }]);
  });

  test("a group is printed by its name, a deny entry stands beside", async () => {
    await exchange.rows("Add-MailboxPermission", fullAccessOf("team@contoso.com"));
    await exchange.rows("Add-MailboxPermission", fullAccessOf("ada", { Deny: true }));
    await exchange.rows("Add-MailboxPermission", fullAccessOf("ada"));
    expect((await fullAccess()).map((row) => [row.User, row.Deny])).toEqual([
      ["The team", false],
      ["ada@contoso.com", true],
      ["ada@contoso.com", false],
    ]);
    expect(await fullAccess({ User: "team" })).toHaveLength(1);
  });

  test("who is not there yet, and who is no principal, is not found", async () => {
    for (const trustee of ["nobody@contoso.com", "list@contoso.com"]) {
      expect(await exchange.invoke("Add-MailboxPermission", fullAccessOf(trustee))).toMatchObject({
        type: "ManagementObjectNotFoundException",
        text: expect.stringContaining(`Couldn't find object "${trustee}"`),
      });
    }
  });

  // @shows exchange.deleted-trustees exchange.trustee-printed exchange.deleted-sender-printed exchange.sid-as-trustee
  test("a deleted trustee is hidden, shown on request like a living one, and removed by SID", async () => {
    await exchange.rows("Add-MailboxPermission", fullAccessOf("grace"));
    await exchange.rows("Add-RecipientPermission", sendAsOf("grace"));
    await exchange.rows("Remove-Mailbox", { Identity: "grace" });
    const sid = "S-1-5-21-1-2-3-1102";
    expect(await fullAccess()).toEqual([]);
    expect(await fullAccess({ IncludeSoftDeletedUserPermissions: true })).toMatchObject([
      { User: "grace@contoso.com", UserSid: sid },
    ]);
    // Send As prints the account's SAM name as long as the account can come back.
    expect(await sendAs()).toMatchObject([
      { Trustee: expect.stringMatching(/^EURPR01A00\\\$/), TrusteeSidString: sid },
    ]);
    exchange.tenant.advance(31 * 24 * 60 * 60 * 1000);
    expect(await fullAccess({ IncludeSoftDeletedUserPermissions: true })).toEqual([]);
    expect(await fullAccess({ IncludeUnresolvedPermissions: true })).toHaveLength(1);
    expect((await exchange.invoke("Remove-MailboxPermission", fullAccessOf(sid))).warnings).toEqual([]);
    expect(await fullAccess({ IncludeUnresolvedPermissions: true })).toEqual([]);
  });

  // @shows exchange.permission-without-identity
  test("without Identity the permissions of a mailbox are a bad request", async () => {
    const answer = await exchange.invoke("Get-MailboxPermission");
    expect([answer.status, answer.text]).toEqual([
      400,
      expect.stringMatching(/missing mandatory parameters: Identity/),
    ]);
  });

  // @shows exchange.permission-limit exchange.permission-limit-text
  test("500 entries are the most", async () => {
    const [row] = await exchange.rows("Get-Mailbox", { Identity: "support" });
    exchange.tenant.store.commit(
      Array.from({ length: 500 }, (_, index) => {
        const permission: Permission = {
          id: randomUUID(),
          kind: "mailbox",
          mailbox: String(row?.Guid),
          sid: `S-1-5-21-9-9-9-${index}`,
          accessRights: ["FullAccess"],
          isInherited: false,
          deny: false,
          inheritanceType: "All",
          autoMapping: true,
        };
        return [tables.permissions, permission.id, permission] as const;
      }),
    );
    expect((await exchange.invoke("Add-MailboxPermission", fullAccessOf("ada"))).text).toMatch(
      /^The mailbox [0-9a-f-]{36} has reached the limit of maximum allowed access control entries of 500\./,
    );
  });

  test("rows of a soft-deleted mailbox only when asked for", async () => {
    await exchange.rows("Add-MailboxPermission", fullAccessOf("ada"));
    await exchange.rows("Remove-Mailbox", { Identity: "support" });
    expect((await exchange.invoke("Get-MailboxPermission", { Identity: "support" })).status).toBe(404);
    expect(await fullAccess({ SoftDeletedMailbox: true })).toHaveLength(1);
  });

  test("ClearAutoMapping and ResetDefault, never with a user", async () => {
    await exchange.rows("Add-MailboxPermission", fullAccessOf("ada"));
    await exchange.rows("Remove-MailboxPermission", { Identity: "support", ClearAutoMapping: true });
    expect(exchange.tenant.store.all<Permission>(tables.permissions).some((row) => row.autoMapping)).toBe(false);
    expect(
      (await exchange.invoke("Remove-MailboxPermission", fullAccessOf("ada", { ClearAutoMapping: true }))).type,
    ).toBe("AmbiguousParameterSetException");
    await exchange.rows("Remove-MailboxPermission", { Identity: "support", ResetDefault: true });
    expect(await fullAccess()).toEqual([]);
    expect((await exchange.invoke("Remove-MailboxPermission", { Identity: "support" })).type).toBe(
      "ParameterBindingException",
    );
  });
});

describe("Send As", () => {
  test("granted twice, removed twice", async () => {
    expect(await exchange.rows("Get-RecipientPermission", { Identity: "support" })).toMatchObject([
      { Trustee: "NT AUTHORITY\\SELF", AccessControlType: "Allow", AccessRights: ["SendAs"] },
    ]);
    expect(await exchange.rows("Add-RecipientPermission", sendAsOf("ada"))).toMatchObject([
      { Trustee: "ada@contoso.com", TrusteeSidString: "S-1-5-21-1-2-3-1101", TrusteeWithPrimarySmtpAddress: "" },
    ]);
    const again = await exchange.invoke("Add-RecipientPermission", sendAsOf("ada@contoso.com"));
    expect(again.warnings).toEqual([expect.stringContaining("already present on the object")]);
    expect(await sendAs()).toHaveLength(1);
    expect((await sendAs())[0]).not.toHaveProperty("IsInherited");
    await exchange.rows("Remove-RecipientPermission", sendAsOf("ada"));
    const gone = await exchange.invoke("Remove-RecipientPermission", sendAsOf("ada"));
    expect(gone.warnings).toEqual([expect.stringContaining("because the ACE isn't present")]);
    expect(await sendAs()).toEqual([]);
  });

  test("null, empty and, by setting, unknown identities answer everybody's rows", async () => {
    exchange.tenant.configure({ missingIdentity: "everything" });
    for (const Identity of [null, "", "nobody"]) {
      const rows = await exchange.rows("Get-RecipientPermission", { Identity });
      expect(new Set(rows.map((row) => row.Identity)).size).toBeGreaterThan(2);
    }
  });

  test("an address in a domain the organisation lost needs the skip switch", async () => {
    await exchange.rows("Set-Mailbox", {
      Identity: "support",
      EmailAddresses: change({ Add: ["s@fabrikam.example"] }),
    });
    await exchange.rows("Add-RecipientPermission", sendAsOf("ada"));
    exchange.tenant.store.delete(tables.domains, "fabrikam.example");
    expect((await exchange.invoke("Remove-RecipientPermission", sendAsOf("ada"))).status).toBe(400);
    const skipped = { ...sendAsOf("ada"), SkipDomainValidationForSharedMailbox: true };
    expect((await exchange.invoke("Remove-RecipientPermission", skipped)).warnings).toEqual([]);
  });
});

describe("automatic replies and regional settings", () => {
  test("automatic replies", async () => {
    const get = async () => (await exchange.rows("Get-MailboxAutoReplyConfiguration", { Identity: "support" }))[0];
    expect(await get()).toMatchObject({ AutoReplyState: "Disabled", ExternalAudience: "All", InternalMessage: "" });
    await exchange.rows("Set-MailboxAutoReplyConfiguration", {
      Identity: "support",
      AutoReplyState: "scheduled",
      StartTime: "2036-09-01T08:00:00Z",
      EndTime: "2036-09-08T10:00:00+02:00",
      InternalMessage: "Away",
      ExternalAudience: "Known",
    });
    expect(await get()).toMatchObject({
      AutoReplyState: "Scheduled",
      ExternalAudience: "Known",
      StartTime: "2036-09-01T08:00:00.0000000+00:00",
      EndTime: "2036-09-08T08:00:00.0000000+00:00",
      InternalMessage: expect.stringMatching(/^<html>[\s\S]*Away/),
    });
    const backwards = { Identity: "support", EndTime: "2036-08-01T08:00:00Z" };
    expect((await exchange.invoke("Set-MailboxAutoReplyConfiguration", backwards)).status).toBe(400);
    const over = { Identity: "support", StartTime: "2025-08-01T08:00:00Z", EndTime: "2025-09-01T08:00:00Z" };
    expect(await exchange.invoke("Set-MailboxAutoReplyConfiguration", over)).toMatchObject({
      status: 400,
      type: "InvalidScheduledOofDuration",
    });
    await exchange.rows("Set-MailboxAutoReplyConfiguration", {
      Identity: "support",
      AutoReplyState: "Disabled",
      InternalMessage: null,
    });
    expect(await get()).toMatchObject({ AutoReplyState: "Disabled", InternalMessage: "" });
  });

  // @shows exchange.language-format-pair exchange.neutral-culture
  test("regional settings", async () => {
    const get = async () => (await exchange.rows("Get-MailboxRegionalConfiguration", { Identity: "support" }))[0];
    const set = (parameters: Row) =>
      exchange.invoke("Set-MailboxRegionalConfiguration", { Identity: "support", ...parameters });
    expect(await get()).toMatchObject({ Language: null, TimeZone: null, DateFormat: null });
    await set({ Language: "da-DK", TimeZone: "Romance Standard Time", DateFormat: "dd-MM-yyyy", TimeFormat: "HH:mm" });
    expect(await get()).toMatchObject({
      Language: "da-DK",
      TimeZone: "Romance Standard Time",
      DateFormat: "dd-MM-yyyy",
    });
    expect((await set({ Language: "en-US" })).status).toBe(400);
    await set({ Language: "en-US", DateFormat: null, TimeFormat: null });
    expect(await get()).toMatchObject({ Language: "en-US", DateFormat: "M/d/yyyy", TimeFormat: "h:mm tt" });
    for (const wrong of [{ Language: "da" }, { Language: "??" }, { TimeZone: "Europe/Berlin" }, { TimeZone: "Mars" }]) {
      expect((await set(wrong)).status).toBe(400);
    }
    expect((await set({ TimeZone: "Romance Standard Time" })).warnings).toHaveLength(1);
  });

  // @shows exchange.formats-of-language graph.formats-of-language
  test.each([
    ["en-GB", "DateFormat", "M/d/yyyy", "dd/MM/yyyy, dd/MM/yy, d/M/yy, d.M.yy, yyyy-MM-dd"],
    ["en-US", "DateFormat", "dd.MM.yyyy", "M/d/yyyy, M/d/yy, MM/dd/yy, MM/dd/yyyy, yy/MM/dd, yyyy-MM-dd, dd-MMM-yy"],
    ["da-DK", "DateFormat", "dd-mm-yyyy", ""],
    ["de-DE", "DateFormat", "M/d/yyyy", ""],
    ["it-IT", "TimeFormat", "HH.mm", "HH:mm, H:mm, h:mm tt, hh:mm tt"],
    ["fr-FR", "TimeFormat", "HH:mm:ss", ""],
  ])("of %s: the %s %s is refused with the list, through Graph too", async (language, kind, format, list) => {
    const parameters = { Identity: "support", Language: language, DateFormat: null, TimeFormat: null };
    const refused = await exchange.invoke("Set-MailboxRegionalConfiguration", { ...parameters, [kind]: format });
    expect(refused.status).toBe(400);
    const words = JSON.stringify(refused);
    expect(words).toContain("Microsoft.Exchange.Data.DataValidationException");
    expect(words).toContain(
      `isn't valid for current language setting \\"${language}\\". Valid formats include \\"${list}`,
    );
  });

  test.each([
    ["da-DK", "dd-MM-yyyy", "HH:mm"],
    ["de-CH", "dd.MM.yyyy", "HH:mm"],
    ["fr-FR", "dd/MM/yyyy", "HH:mm"],
    ["it-IT", "dd/MM/yyyy", "HH:mm"],
    ["fi-FI", "d.M.yyyy", "H.mm"],
    ["en-US", "yyyy-MM-dd", "hh:mm tt"],
    ["ko-KR", "yyyy-MM-dd", "H:mm"],
  ])("of %s: %s and %s are taken", async (language, dateFormat, timeFormat) => {
    const parameters = { Identity: "support", Language: language, DateFormat: dateFormat, TimeFormat: timeFormat };
    expect((await exchange.invoke("Set-MailboxRegionalConfiguration", parameters)).status).toBe(200);
  });
});

describe("inbox rules", () => {
  // @shows exchange.rule-identity-forms exchange.rule-identity-number exchange.rule-recipients-printed exchange.rule-stop-default
  // exchange.rule-force-confirm
  test("made, listed, changed, switched off, removed", async () => {
    const [made] = await exchange.rows("New-InboxRule", {
      Mailbox: "support",
      Name: "CRM intake",
      ForwardAsAttachmentTo: ["grace@contoso.com", "crm@elsewhere.example"],
      Priority: 1,
      StopProcessingRules: false,
      Force: true,
    });
    expect(made).toMatchObject({
      Name: "CRM intake",
      Priority: 1,
      Enabled: true,
      StopProcessingRules: false,
      ForwardTo: null,
      ForwardAsAttachmentTo: [
        expect.stringMatching(/^"The grace" \[EX:\/o=ExchangeLabs/),
        '"crm@elsewhere.example" [SMTP:crm@elsewhere.example]',
      ],
    });
    const [stored] = exchange.tenant.store.all<{ actions: unknown }>(tables.rules);
    expect(stored?.actions).toEqual({
      stopProcessingRules: false,
      forwardAsAttachmentTo: [
        { emailAddress: { name: "The grace", address: "grace@contoso.com" } },
        { emailAddress: { name: "crm@elsewhere.example", address: "crm@elsewhere.example" } },
      ],
    });
    await exchange.rows("Set-InboxRule", {
      Identity: made?.Identity,
      ForwardAsAttachmentTo: null,
      RedirectTo: "ada",
      SubjectContainsWords: ["case"],
    });
    await exchange.rows("Disable-InboxRule", { Mailbox: "support", Identity: "CRM intake" });
    expect(await exchange.rows("Get-InboxRule", { Mailbox: "support@contoso.com" })).toMatchObject([
      {
        Enabled: false,
        ForwardAsAttachmentTo: null,
        RedirectTo: [expect.stringContaining("The ada")],
        SubjectContainsWords: ["case"],
      },
    ]);
    const [, number] = /^[0-9a-f-]{36}\\(\d{10,20})$/.exec(String(made?.Identity)) ?? [];
    // As a JSON number it is larger than JavaScript can count: its last digits are lost to whoever reads it so.
    expect(made?.RuleIdentity).toBe(Number(number));
    await exchange.rows("Remove-InboxRule", { Mailbox: "support", Identity: number, Confirm: false });
    expect(await exchange.rows("Get-InboxRule", { Mailbox: "support" })).toEqual([]);
    expect((await exchange.invoke("Remove-InboxRule", { Mailbox: "support", Identity: "CRM intake" })).type).toBe(
      "ManagementObjectNotFoundException",
    );
  });

  // @shows exchange.rule-place exchange.rule-name-length exchange.rule-error-cleared
  test("is shown with everything Graph gave it, exceptions too, and takes the place it asks for", async () => {
    const row = await graphRule({
      conditions: { importance: "high", sentToMe: true, withinSizeRange: { minimumSize: 2, maximumSize: 3 } },
      exceptions: { subjectContains: ["case"], isAutomaticReply: true },
      actions: { delete: true, moveToFolder: "archive", forwardTo: [] },
    });
    expect(row).toMatchObject({
      WithImportance: "high",
      MyNameInToBox: true,
      WithinSizeRangeMinimum: "2 KB (2048 bytes)",
      ExceptIfSubjectContainsWords: ["case"],
      ExceptIfMessageTypeMatches: "AutomaticReply",
      MessageTypeMatches: null,
      DeleteMessage: true,
      MoveToFolder: "archive",
      ForwardTo: null,
      Enabled: false,
      InError: true,
    });
    await exchange.rows("New-InboxRule", {
      Mailbox: "support",
      Name: "first",
      Priority: 1,
      MarkAsRead: true,
      ExceptIfFrom: ["ada"],
    });
    expect(
      (await exchange.rows("Get-InboxRule", { Mailbox: "support" })).map((each) => [each.Name, each.Priority]),
    ).toEqual([
      ["first", 1],
      ["by Graph", 2],
    ]);
    await exchange.rows("Set-InboxRule", { Mailbox: "support", Identity: "by Graph", RedirectTo: "ada" });
    await exchange.rows("Enable-InboxRule", { Mailbox: "support", Identity: "by Graph" });
    expect(await exchange.rows("Get-InboxRule", { Mailbox: "support", Identity: "by Graph" })).toMatchObject([
      { InError: false, Enabled: true },
    ]);
    const long = { Mailbox: "support", Identity: "first", Name: "x".repeat(513) };
    expect((await exchange.invoke("Set-InboxRule", long)).text).toContain("512");
  });

  async function graphRule(change: object): Promise<Record<string, unknown> | undefined> {
    const mailbox = exchange.tenant.store
      .all<Recipient>(tables.recipients)
      .find((each) => each.alias === "support")?.externalDirectoryObjectId;
    const rule = { id: "AQAAAJ5dZqA=", mailbox, displayName: "by Graph", sequence: 1, isEnabled: false };
    exchange.tenant.store.put(tables.rules, rule.id, { ...rule, hasError: true, isReadOnly: false, ...change });
    const [row] = await exchange.rows("Get-InboxRule", { Mailbox: "support", Identity: "11558028426879172609" });
    return row;
  }

  test("a rule can ask for the date of receipt, which Graph has no member for", async () => {
    const rule = { Mailbox: "support", Name: "old", RedirectTo: "ada", ReceivedBeforeDate: "2026-01-01T00:00:00Z" };
    const [made] = await exchange.rows("New-InboxRule", { ...rule, ExceptIfReceivedAfterDate: "2025-01-01T00:00:00Z" });
    expect(made).toMatchObject({
      ReceivedAfterDate: null,
      ReceivedBeforeDate: "2026-01-01T00:00:00.000Z",
      ExceptIfReceivedAfterDate: "2025-01-01T00:00:00.000Z",
    });
    expect((await exchange.rows("Get-InboxRule", { Mailbox: "support" }))[0]).toEqual(made);
  });

  // @shows exchange.rule-without-action
  test("a rule needs a mailbox, an action and people who exist", async () => {
    const rule = { Mailbox: "support", Name: "r" };
    expect((await exchange.invoke("New-InboxRule", { Name: "r", ForwardTo: ["ada"] })).type).toBe(
      "ParameterBindingException",
    );
    expect((await exchange.invoke("New-InboxRule", rule)).status).toBe(400);
    expect((await exchange.invoke("New-InboxRule", { ...rule, ForwardTo: ["nobody"] })).type).toBe(
      "ManagementObjectNotFoundException",
    );
    expect((await exchange.invoke("New-InboxRule", { ...rule, ForwardTo: ["ada"], MoveToFolder: "x" })).text).toMatch(
      /does not simulate the parameter MoveToFolder/,
    );
  });
});

describe("the rest", () => {
  // @shows exchange.statistics-never-used
  test("statistics: nothing for a mailbox nothing arrived in", async () => {
    const empty = await exchange.invoke("Get-MailboxStatistics", { Identity: "support" });
    expect([empty.rows, empty.warnings]).toEqual([[], [expect.stringContaining("hasn't logged on")]]);
    const row = exchange.tenant.store.all<Recipient>(tables.recipients).find((each) => each.alias === "support");
    const mailbox =
      row?.mailbox === undefined ? undefined : { ...row.mailbox, itemCount: 3, totalItemSize: 50 * 1024 ** 3 };
    exchange.tenant.store.put(tables.recipients, String(row?.guid), { ...row, mailbox });
    expect(await exchange.rows("Get-MailboxStatistics", { Identity: "support" })).toMatchObject([
      { ItemCount: 3, TotalItemSize: "50 GB (53,687,091,200 bytes)", StorageLimitStatus: "MailboxDisabled" },
    ]);
  });

  test("domains, organisation, outbound policy, plans", async () => {
    expect(await exchange.rows("Get-AcceptedDomain", { Identity: "CONTOSO.com" })).toMatchObject([
      { DomainName: "contoso.com", Default: true, InitialDomain: false, DomainType: "Authoritative" },
    ]);
    expect((await exchange.invoke("Get-AcceptedDomain", { Identity: "elsewhere.example" })).status).toBe(404);
    expect(await exchange.rows("Get-HostedOutboundSpamFilterPolicy", { Identity: "Default" })).toMatchObject([
      { AutoForwardingMode: "Automatic" },
    ]);
    expect((await exchange.rows("Get-MailboxPlan")).map((row) => row.MaxReceiveSize)).toEqual([
      "36 MB (37,748,736 bytes)",
      "36 MB (37,748,736 bytes)",
    ]);
  });

  test("blocking the account through Graph's row shows here", async () => {
    const [row] = await exchange.rows("Get-Mailbox", { Identity: "support" });
    const id = String(row?.ExternalDirectoryObjectId);
    const user = exchange.tenant.store.get<User>(tables.users, id);
    exchange.tenant.store.put(tables.users, id, { ...user, accountEnabled: false });
    expect((await exchange.rows("Get-Mailbox", { Identity: "support" }))[0]).toMatchObject({ AccountDisabled: true });
  });
});
