import { type RunningTenant, startLocalTenant } from "../../provider/local-tenant/server";
import { ada, scopes, tenantId, tokenFor } from "./core";

type Row = Record<string, unknown>;

let running: RunningTenant;
let bearer: string;

beforeAll(async () => {
  running = await startLocalTenant({ seed: "contoso" });
  bearer = await tokenFor(running.origin, scopes.exchange);
});

afterAll(() => running.close());

async function invoke(CmdletName: string, Parameters: Row): Promise<Row[]> {
  const response = await fetch(`${running.origin}/adminapi/beta/${tenantId}/InvokeCommand`, {
    method: "POST",
    headers: { Authorization: `Bearer ${bearer}` },
    body: JSON.stringify({ CmdletInput: { CmdletName, Parameters } }),
  });
  const body = (await response.json()) as { value?: Row[] };
  expect([CmdletName, response.status, body]).toEqual([CmdletName, 200, body]);
  return body.value ?? [];
}

async function graph(method: string, path: string): Promise<{ status: number; body: Row }> {
  const response = await fetch(`${running.origin}/v1.0${path}`, {
    method,
    headers: { Authorization: `Bearer ${await tokenFor(running.origin, scopes.graph)}` },
  });
  const text = await response.text();
  return { status: response.status, body: text === "" ? {} : JSON.parse(text) };
}

test("a Graph token opens nothing here", async () => {
  const response = await fetch(`${running.origin}/adminapi/beta/${tenantId}/InvokeCommand`, {
    method: "POST",
    headers: { Authorization: `Bearer ${await tokenFor(running.origin, scopes.graph)}` },
    body: JSON.stringify({ CmdletInput: { CmdletName: "Get-Mailbox", Parameters: {} } }),
  });
  expect(response.status).toBe(401);
});

test("a shared mailbox and its user live one life in Exchange and Graph", async () => {
  const [made] = await invoke("New-Mailbox", {
    Shared: true,
    Name: "support-7f3a",
    Alias: "support-7f3a",
    PrimarySmtpAddress: "support@contoso.com",
  });
  const id = String(made?.ExternalDirectoryObjectId);
  const select = "$select=id,userPrincipalName,mail,mailNickname,accountEnabled,proxyAddresses";
  expect((await graph("GET", `/users/${id}?${select}`)).body).toMatchObject({
    userPrincipalName: "support-7f3a@contoso.com",
    mail: "support@contoso.com",
    accountEnabled: false,
    proxyAddresses: expect.arrayContaining(["SMTP:support@contoso.com", "smtp:support-7f3a@contoso.onmicrosoft.com"]),
  });
  expect((await graph("GET", `/users/${id}/mailboxSettings/userPurpose`)).body).toMatchObject({ value: "shared" });

  await invoke("Add-MailboxPermission", { Identity: id, User: ada, AccessRights: ["FullAccess"], AutoMapping: false });
  await invoke("Add-RecipientPermission", { Identity: id, Trustee: ada, AccessRights: ["SendAs"], Confirm: false });
  expect(await invoke("Get-MailboxPermission", { Identity: id })).toContainEqual(
    expect.objectContaining({ User: "ada@contoso.com", AccessRights: ["FullAccess"] }),
  );

  expect((await graph("DELETE", `/users/${id}`)).status).toBe(204);
  const deleted = () => invoke("Get-Mailbox", { SoftDeletedMailbox: true, ResultSize: "Unlimited" });
  expect(await deleted()).toMatchObject([{ ExternalDirectoryObjectId: id }]);
  expect((await graph("POST", `/directory/deletedItems/${id}/restore`)).status).toBe(200);
  expect(await invoke("Get-Mailbox", { Identity: id })).toHaveLength(1);

  await invoke("Remove-Mailbox", { Identity: id, Confirm: false, Force: true });
  expect((await graph("GET", `/directory/deletedItems/${id}`)).status).toBe(200);
  await invoke("Remove-Mailbox", { Identity: made?.ExchangeGuid, PermanentlyDelete: true, Confirm: false });
  expect(await deleted()).toEqual([]);
  expect((await graph("DELETE", `/directory/deletedItems/${id}`)).status).toBe(204);
});

// @shows exchange.rule-identity-graph
test("a rule made by cmdlet is Graph's rule", async () => {
  await invoke("New-InboxRule", { Mailbox: ada, Name: "CRM", ForwardAsAttachmentTo: ["grace@contoso.com"] });
  expect((await graph("GET", `/users/${ada}/mailFolders/inbox/messageRules`)).body.value).toMatchObject([
    {
      displayName: "CRM",
      isEnabled: true,
      actions: { forwardAsAttachmentTo: [{ emailAddress: { address: "grace@contoso.com" } }] },
    },
  ]);
});

/** Properties by whose values a filter finds rows without looking at all of them. */
const naming = [
  "Alias",
  "DisplayName",
  "DistinguishedName",
  "ExchangeGuid",
  "ExternalDirectoryObjectId",
  "Guid",
  "LegacyExchangeDN",
  "Name",
  "SamAccountName",
  "Sid",
  "UserPrincipalName",
];

test.each(["Get-Mailbox", "Get-Recipient", "Get-CASMailbox", "Get-User", "Get-Group"])(
  "%s finds by each value that names somebody the rows that all of them have",
  async (cmdlet) => {
    const literal = (value: unknown) => `'${String(value).replaceAll("'", "''")}'`;
    const all = await invoke(cmdlet, { ResultSize: "Unlimited" });
    expect(all.length).toBeGreaterThan(1);
    const key = cmdlet === "Get-Group" || cmdlet === "Get-User" ? "Sid" : "Guid";
    const keysWith = (property: string, value: unknown) =>
      all.filter((row) => String(row[property]).toLowerCase() === String(value).toLowerCase()).map((row) => row[key]);
    const wrong: unknown[] = [];
    for (const row of all) {
      for (const property of naming.filter((name) => typeof row[name] === "string" && row[name] !== "")) {
        const value = row[property];
        const found = await invoke(cmdlet, { Filter: `${property} -eq ${literal(value)}`, ResultSize: "Unlimited" });
        const expected = keysWith(property, value);
        if (JSON.stringify(found.map((one) => one[key])) !== JSON.stringify(expected)) {
          wrong.push([property, value, found.length, expected.length]);
        }
      }
      const addresses = (row.EmailAddresses as string[] | undefined) ?? [];
      for (const address of addresses.map((each) => each.replace(/^\w+:/, ""))) {
        const found = await invoke(cmdlet, { Filter: `EmailAddresses -eq ${literal(address)}` });
        if (!found.some((one) => one[key] === row[key])) {
          wrong.push([address, found.length]);
        }
      }
    }
    expect(wrong).toEqual([]);
    const [first, second] = all;
    const either = `Name -eq ${literal(first?.Name)} -or (Name -eq ${literal(second?.Name)} -and DisplayName -like '*')`;
    expect((await invoke(cmdlet, { Filter: either })).map((row) => row[key])).toEqual([first?.[key], second?.[key]]);
    const neither = `-not (Name -eq ${literal(first?.Name)})`;
    expect((await invoke(cmdlet, { Filter: neither })).map((row) => row[key])).toEqual(
      all.slice(1).map((row) => row[key]),
    );
  },
);
