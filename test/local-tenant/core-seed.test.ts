import { randomUUID } from "node:crypto";
import { seedApplications } from "../../provider/local-tenant/seed/applications";
import { seedId } from "../../provider/local-tenant/seed/contoso";
import { type RunningTenant, startLocalTenant } from "../../provider/local-tenant/server";
import { ada, askToken, claimsOf, control, scopes, secret, tenantId } from "./core";

let running: RunningTenant;

beforeAll(async () => {
  running = await startLocalTenant({ seed: "contoso" });
});

afterAll(async () => {
  await running.close();
});

async function send(
  application: number,
  scope: string,
  method: string,
  path: string,
  body?: unknown,
): Promise<Response> {
  const client_id = seedId("tenant", application);
  const { body: answer } = await askToken(running.origin, { client_id, client_secret: secret, scope });
  return await fetch(running.origin + path, {
    method,
    headers: {
      Authorization: `Bearer ${answer.access_token}`,
      "Content-Type": "application/json",
      Accept: "application/json",
      "OData-Version": "4.0",
      "OData-MaxVersion": "4.0",
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
}

/** The statuses an application gets for one request to each service. */
async function rights(application: number): Promise<Record<string, number>> {
  const dataverse = `${running.origin}/.default`;
  const mailbox = seedId("mailbox", 1);
  const cmdlet = { CmdletInput: { CmdletName: "Get-Mailbox", Parameters: { Identity: ada } } };
  const requests = {
    exchange: send(application, scopes.exchange, "POST", `/adminapi/beta/${tenantId}/InvokeCommand`, cmdlet),
    userWrite: send(application, scopes.graph, "PATCH", `/v1.0/users/${ada}`, { accountEnabled: true }),
    userRead: send(application, scopes.graph, "GET", `/v1.0/users/${ada}`),
    settings: send(application, scopes.graph, "GET", `/v1.0/users/${ada}/mailboxSettings`),
    rowRead: send(application, dataverse, "GET", `/api/data/v9.2/mailboxes(${mailbox})?$select=name`),
    rowWrite: send(application, dataverse, "PATCH", `/api/data/v9.2/mailboxes(${mailbox})`, { name: "Ada Lovelace" }),
  };
  const answers = await Promise.all(
    Object.entries(requests).map(async ([name, response]) => [name, (await response).status] as const),
  );
  return Object.fromEntries(answers);
}

const all = { exchange: 200, userWrite: 204, userRead: 200, settings: 200, rowRead: 200, rowWrite: 204 };

test.each([
  [2, {}],
  [3, { exchange: 401 }],
  [4, { exchange: 403 }],
  [5, { userWrite: 403 }],
  [6, { settings: 403 }],
  [7, { rowRead: 403, rowWrite: 403 }],
  [8, {}],
  [9, { rowWrite: 403 }],
  [10, { userWrite: 403, userRead: 403, settings: 403 }],
  [11, {}],
  [12, { userRead: 403 }],
  [13, { userWrite: 403 }],
  [22, { userWrite: 403, rowWrite: 403 }],
])("application %i has every right but its own lack", async (application, lacks) => {
  expect(await rights(application)).toEqual({ ...all, ...lacks });
});

/** A cmdlet that each management role has and no other of the least ones, with what it is refused for by those that have it. */
const questions = {
  "Mail Recipients": ["Add-MailboxPermission", { Identity: randomUUID(), User: "ada", AccessRights: ["FullAccess"] }],
  "Mail Recipient Creation": ["Undo-SoftDeletedMailbox", { SoftDeletedObject: randomUUID() }],
  "View-Only Configuration": ["Get-AcceptedDomain", {}],
  "View-Only Recipients": ["Get-Mailbox", { ResultSize: 1 }],
  "Legal Hold": ["Set-Mailbox", { Identity: randomUUID(), LitigationHoldEnabled: true }],
  "Send As Readers": ["Get-RecipientPermission", { ResultSize: 1 }],
} as const;

/** Which of the questions Exchange does not refuse for the role, and by which status and text it refuses the others. */
async function answered(application: number): Promise<Record<string, string>> {
  const answers = Object.entries(questions).map(async ([role, [CmdletName, Parameters]]) => {
    const body = { CmdletInput: { CmdletName, Parameters } };
    const response = await send(application, scopes.exchange, "POST", `/adminapi/beta/${tenantId}/InvokeCommand`, body);
    // A refusal by role calls its NUL bytes gzip, which no client can read.
    const text = await response.text().catch(() => "");
    const isUnknown = text.includes("Invalid cmdlet parameters specified");
    return [role, response.status === 403 ? "cmdlet" : isUnknown ? "parameter" : "held"] as const;
  });
  return Object.fromEntries(await Promise.all(answers));
}

const held = Object.fromEntries(Object.keys(questions).map((role) => [role, "held"]));

// @shows exchange.role-cmdlets exchange.role-refusal exchange.role-parameters
test.each([
  [2, {}],
  [11, {}],
  [17, { "Mail Recipients": "cmdlet", "Send As Readers": "cmdlet" }],
  [18, { "Mail Recipient Creation": "cmdlet" }],
  [19, { "View-Only Configuration": "cmdlet" }],
  [20, { "Legal Hold": "parameter" }],
  [22, { "Mail Recipients": "cmdlet", "Mail Recipient Creation": "cmdlet", "Legal Hold": "cmdlet" }],
  [
    23,
    {
      "Mail Recipients": "cmdlet",
      "Mail Recipient Creation": "cmdlet",
      "Legal Hold": "cmdlet",
      "Send As Readers": "cmdlet",
    },
  ],
])("application %i has the management roles of Exchange but those it lacks", async (application, lacks) => {
  expect(await answered(application)).toEqual({ ...held, ...lacks });
});

test("each application of least rights lacks one role of the token", async () => {
  const roles = async (application: number) => {
    const client_id = seedId("tenant", application);
    const { body } = await askToken(running.origin, { client_id, client_secret: secret, scope: scopes.graph });
    return claimsOf(String(body.access_token)).roles as string[];
  };
  const least = await roles(11);
  const lacking = async (application: number) => {
    const own = await roles(application);
    return least.filter((role) => !own.includes(role));
  };
  expect(await Promise.all([12, 13, 14, 15, 16].map(lacking))).toEqual([
    ["User.Read.All"],
    ["User.EnableDisableAccount.All"],
    ["User.RevokeSessions.All"],
    ["User.DeleteRestore.All"],
    ["LicenseAssignment.ReadWrite.All"],
  ]);
});

async function cmdlet(application: number, CmdletName: string, Parameters: object) {
  const response = await send(application, scopes.exchange, "POST", `/adminapi/beta/${tenantId}/InvokeCommand`, {
    CmdletInput: { CmdletName, Parameters },
  });
  return { status: response.status, text: await response.text() };
}

// @shows exchange.write-scope exchange.role-assignments
test("application 21 writes inside its scope only, and Exchange says so", async () => {
  const outside = await cmdlet(21, "Set-Mailbox", { Identity: ada, CustomAttribute1: "x" });
  expect(outside).toMatchObject({
    status: 400,
    text: expect.stringContaining("out of the current user's write scope"),
  });
  const assignments = async (parameters: object) => {
    const { text } = await cmdlet(21, "Get-ManagementRoleAssignment", parameters);
    const { value } = JSON.parse(text) as { value: Record<string, unknown>[] };
    return Object.fromEntries(value.map((row) => [row.Role, row.RecipientWriteScope]));
  };
  const own = seedId("tenant", 21);
  expect(await assignments({ RoleAssignee: own })).toMatchObject({
    "Mail Recipients": "CustomRecipientScope",
    "View-Only Configuration": "None",
  });
  expect(await assignments({ RoleAssignee: own, WritableRecipient: ada })).toEqual({});
  expect(await assignments({ RoleAssignee: seedId("tenant", 2), WritableRecipient: ada })).toMatchObject({
    "Mail Recipients": "Organization",
  });
  expect((await cmdlet(18, "Get-ManagementRoleAssignment", { RoleAssignee: "nobody" })).status).toBe(404);
});

// @shows dataverse.user-privileges dataverse.user-roles
test("Dataverse says which privileges and roles the user of an application has", async () => {
  const dataverse = `${running.origin}/.default`;
  const get = async (application: number, path: string) =>
    (await (await send(application, dataverse, "GET", `/api/data/v9.2/${path}`)).json()) as Record<string, unknown>;
  const about = async (application: number) => {
    const user = `systemusers(${(await get(application, "WhoAmI")).UserId})`;
    const { RolePrivileges } = await get(application, `${user}/Microsoft.Dynamics.CRM.RetrieveUserPrivileges()`);
    const { value } = await get(application, `${user}/systemuserroles_association?$select=name`);
    const privileges = (RolePrivileges as { PrivilegeName: string }[]).map(({ PrivilegeName }) => PrivilegeName);
    return { privileges, roles: (value as { name: string }[]).map(({ name }) => name) };
  };
  expect(await about(8)).toMatchObject({
    roles: ["System Administrator"],
    privileges: expect.arrayContaining(["prvWriteMailbox", "prvReadUser", "prvApproveRejectEmailAddress"]),
  });
  const reader = await about(9);
  expect(reader.roles).toEqual(["Basic User"]);
  expect(reader.privileges).toContain("prvReadMailbox");
  expect(reader.privileges.filter((name) => !name.startsWith("prvRead"))).toEqual([]);
});

test("the Date of an answer is the tenant's time", async () => {
  const own = await startLocalTenant({ seed: "contoso" });
  await control(own.origin, "POST", "clock", { advance: 3_600_000 });
  const answer = await fetch(`${own.origin}/v1.0/users`);
  await own.close();
  expect(Date.parse(answer.headers.get("date") ?? "") - Date.now()).toBeGreaterThan(3_500_000);
});

test("every seeded application is covered above", () => {
  expect(seedApplications.map((application) => application.number)).toEqual(
    Array.from({ length: 22 }, (_, n) => n + 2),
  );
});

test("every id in the seed is unlike every other, and every reference leads somewhere", async () => {
  const state = (await control(running.origin, "GET", "state")) as Record<string, Record<string, unknown>>;
  const keys = Object.values(state).flatMap((table) => Object.keys(table));
  expect(new Set(keys).size).toBe(keys.length);
  const known = new Set([...keys, seedId("environment", 2), tenantId]);
  const ids = new Set(JSON.stringify(state).match(/10ca17e4-[0-9a-f-]{27}/g));
  const exchangeGuids = Object.values(state.recipients ?? {}).map(
    (row) => (row as { mailbox?: { exchangeGuid: string } }).mailbox?.exchangeGuid,
  );
  expect([...ids].filter((id) => !known.has(id) && !exchangeGuids.includes(id))).toEqual([]);
});

test("the people, groups and subscriptions a program may name are there", async () => {
  const answer = (await (
    await send(2, scopes.exchange, "POST", `/adminapi/beta/${tenantId}/InvokeCommand`, {
      CmdletInput: { CmdletName: "Get-Recipient", Parameters: { ResultSize: "Unlimited" } },
    })
  ).json()) as { value: { PrimarySmtpAddress: string; RecipientTypeDetails: string }[] };
  const kinds = Object.fromEntries(answer.value.map((row) => [row.PrimarySmtpAddress, row.RecipientTypeDetails]));
  expect(kinds).toMatchObject({
    ...Object.fromEntries(
      ["ada", "grace", "alan", "edsger", "barbara", "radia"].map((name) => [`${name}@contoso.com`, "UserMailbox"]),
    ),
    "support-team@contoso.com": "MailUniversalSecurityGroup",
    "all-staff@contoso.com": "MailUniversalDistributionGroup",
    "orders@northwind.example": "MailContact",
    "margaret@adatum.example": "GuestMailUser",
  });
  const skus = (await (await send(2, scopes.graph, "GET", "/v1.0/subscribedSkus")).json()) as {
    value: { skuPartNumber: string; consumedUnits: number; prepaidUnits: { enabled: number } }[];
  };
  const free = Object.fromEntries(
    skus.value.map((sku) => [sku.skuPartNumber, sku.prepaidUnits.enabled - sku.consumedUnits]),
  );
  expect(free).toEqual({ EXCHANGESTANDARD: 9, EXCHANGEENTERPRISE: 5, EXCHANGEARCHIVE_ADDON: 0, ENTERPRISEPACK: 10 });
});
