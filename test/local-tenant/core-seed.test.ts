import { seedApplications } from "../../provider/local-tenant/seed/applications";
import { seedId } from "../../provider/local-tenant/seed/ids";
import { type RunningTenant, startLocalTenant } from "../../provider/local-tenant/server";
import { ada, askToken, control, scopes, secret, tenantId } from "./core";

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
])("application %i has every right but its own lack", async (application, lacks) => {
  expect(await rights(application)).toEqual({ ...all, ...lacks });
});

test("every seeded application is covered above", () => {
  expect(seedApplications.map((application) => application.number)).toEqual([2, 3, 4, 5, 6, 7, 8, 9, 10]);
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
