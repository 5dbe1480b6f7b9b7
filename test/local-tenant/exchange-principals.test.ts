import { type Recipient, tables } from "../../provider/local-tenant/model";
import { change, type ExchangeTenant, type Row, startExchange } from "./exchange-tenant";

let exchange: ExchangeTenant;

beforeEach(async () => {
  exchange = await startExchange();
});

afterEach(() => exchange.close());

const recipient = async (identity: string): Promise<Row> =>
  (await exchange.rows("Get-Recipient", { Identity: identity }))[0] as Row;

async function edit(identity: string, fields: Partial<Recipient>): Promise<void> {
  const key = String((await recipient(identity)).Guid);
  const row = exchange.tenant.store.get<Recipient>(tables.recipients, key) as Recipient;
  exchange.tenant.store.put(tables.recipients, key, { ...row, ...fields });
}

describe("SIDs", () => {
  // @shows exchange.sid-of-principals
  test("of users and groups are those of permission rows, and found by either end", async () => {
    await exchange.rows("New-Mailbox", { Shared: true, Name: "support", PrimarySmtpAddress: "support@contoso.com" });
    const [granted] = await exchange.rows("Add-MailboxPermission", {
      Identity: "support",
      User: "ada",
      AccessRights: ["FullAccess"],
    });
    const { ExternalDirectoryObjectId: id } = await recipient("ada");
    const [user] = await exchange.rows("Get-User", { Filter: `ExternalDirectoryObjectId -eq '${id}'` });
    expect(user).toMatchObject({ Sid: granted?.UserSid, SidHistory: [], UserPrincipalName: "ada@contoso.com" });
    const bySid = `Sid -eq '${granted?.UserSid}' -or SidHistory -eq '${granted?.UserSid}'`;
    expect(await exchange.rows("Get-User", { Filter: bySid })).toMatchObject([{ ExternalDirectoryObjectId: id }]);
    expect(await exchange.rows("Get-Group", { Filter: bySid })).toEqual([]);
  });

  test("of the past are found too, and are the present owner's", async () => {
    await edit("ada", { sidHistory: ["S-1-5-21-9-9-9-1"] });
    const found = await exchange.rows("Get-User", { Filter: "SidHistory -eq 'S-1-5-21-9-9-9-1'" });
    expect(found).toMatchObject([{ UserPrincipalName: "ada@contoso.com" }]);
  });

  test("of a deleted user are nobody's", async () => {
    const { ExternalDirectoryObjectId: id } = await recipient("grace");
    await exchange.rows("Remove-Mailbox", { Identity: "grace" });
    expect(await exchange.rows("Get-User", { Filter: `ExternalDirectoryObjectId -eq '${id}'` })).toEqual([]);
  });
});

// @shows exchange.distinguished-name-unique
test("two objects with one Name have two distinguished names, which tell apart to whom a mailbox refers", async () => {
  await exchange.rows("New-Mailbox", { Shared: true, Name: "support", PrimarySmtpAddress: "support@contoso.com" });
  await edit("ada", { name: "Andrew Smith" });
  await edit("grace", { name: "Andrew Smith" });
  await exchange.rows("Set-Mailbox", {
    Identity: "support",
    GrantSendOnBehalfTo: change({ Add: ["ada@contoso.com"] }),
  });
  const [ada, grace] = [await recipient("ada@contoso.com"), await recipient("grace@contoso.com")];
  expect(ada.Name).toBe(grace.Name);
  expect(ada.DistinguishedName).not.toBe(grace.DistinguishedName);
  const asked = (dn: unknown) => exchange.rows("Get-Mailbox", { Filter: `GrantSendOnBehalfTo -eq '${dn}'` });
  expect(await asked(ada.DistinguishedName)).toHaveLength(1);
  expect(await asked(grace.DistinguishedName)).toEqual([]);
});
