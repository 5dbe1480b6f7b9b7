import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { dataverseTables } from "../../provider/local-tenant/dataverse/columns";
import { dataverseService } from "../../provider/local-tenant/dataverse/routes";
import { newRow, type SecurityRole } from "../../provider/local-tenant/dataverse/schema";
import { issueToken, signingKeys, signingKeyTable } from "../../provider/local-tenant/login/tokens";
import { listener } from "../../provider/local-tenant/message";
import { type Application, type Recipient, tables } from "../../provider/local-tenant/model";
import { Tenant } from "../../provider/local-tenant/tenant";

const organizationId = "0d000000-0000-4000-8000-000000000001";
const businessUnit = { table: "businessunit", id: "0d000000-0000-4000-8000-000000000002" } as const;

/** Ids of the rows every environment starts with. */
export const ids = {
  organization: organizationId,
  businessUnit: businessUnit.id,
  /** Application user with every role. */
  everything: "0a000000-0000-4000-8000-000000000001",
  /** Administrator who may not approve. */
  administrator: "0a000000-0000-4000-8000-000000000002",
  reader: "0a000000-0000-4000-8000-000000000003",
  roleless: "0a000000-0000-4000-8000-000000000004",
  ada: "0a000000-0000-4000-8000-000000000005",
  exchangeOnline: "0b000000-0000-4000-8000-000000000001",
  /** POP3/SMTP, with credentials of the mailbox. */
  pop3: "0b000000-0000-4000-8000-000000000002",
  team: "0c000000-0000-4000-8000-000000000001",
} as const;

/** The application a request comes from. */
export type Who = "everything" | "administrator" | "reader" | "roleless" | "stranger";

/** An answer, its body parsed where there is one. */
export interface Answer {
  status: number;
  headers: Headers;
  text: string;
  json: Record<string, unknown>;
  code: string | undefined;
}

/** A small tenant with a Dataverse environment of its own behind a real socket. */
export interface Environment {
  tenant: Tenant;
  origin: string;
  base: string;
  token(who: Who): string;
  send(method: string, path: string, options?: Options): Promise<Answer>;
  close(): Promise<void>;
}

/** What a request carries beside method and path. */
export interface Options {
  body?: unknown;
  headers?: Record<string, string>;
  who?: Who;
}

/** Making a signing key takes longer than a whole test, so that the tenants of one file share the first one's. */
let signingKey: unknown;

function shareSigningKey(tenant: Tenant): void {
  if (signingKey === undefined) {
    signingKeys(tenant);
    signingKey = tenant.store.get(signingKeyTable, "login");
  }
  tenant.store.put(signingKeyTable, "login", signingKey);
}

export async function startEnvironment(): Promise<Environment> {
  const tenant = new Tenant();
  shareSigningKey(tenant);
  fill(tenant);
  const server = createServer(listener(dataverseService(tenant))).listen(0, "127.0.0.1");
  await once(server, "listening");
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const token = (who: Who) => {
    const application = tenant.store.get<Application>(tables.applications, who);
    if (application === undefined) {
      throw new Error(`no application ${who}`);
    }
    return issueToken(tenant, application, "dataverse", origin);
  };
  const base = `${origin}/api/data/v9.2/`;
  return {
    tenant,
    origin,
    base,
    token,
    send: async (method, path, { body, headers = {}, who = "everything" } = {}) => {
      const response = await fetch(path.startsWith("http") ? path : `${base}${path}`, {
        method,
        headers: {
          authorization: `Bearer ${token(who)}`,
          accept: "application/json",
          "odata-version": "4.0",
          "odata-maxversion": "4.0",
          "if-none-match": "null",
          ...(body === undefined ? {} : { "content-type": "application/json; charset=utf-8" }),
          ...headers,
        },
        ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
      });
      const text = await response.text();
      const json = text.startsWith("{") ? (JSON.parse(text) as Record<string, unknown>) : {};
      const error = json.error as { code?: string } | undefined;
      return { status: response.status, headers: response.headers, text, json, code: error?.code };
    },
    close: async () => {
      server.close();
      if ("closeAllConnections" in server) {
        server.closeAllConnections();
      }
      await once(server, "close");
    },
  };
}

/** Gives the tenant a shared mailbox at that address, as Exchange would have it. */
export function addMailbox(tenant: Tenant, address: string): void {
  const recipient = {
    guid: address,
    externalDirectoryObjectId: address,
    recipientTypeDetails: "SharedMailbox",
    name: address,
    alias: address,
    displayName: address,
    sid: "S-1-5-21-1",
    emailAddresses: [`SMTP:${address}`],
    hiddenFromAddressListsEnabled: false,
    customAttributes: {},
    isDirSynced: false,
    whenCreated: tenant.timestamp(),
    mailbox: { whenSoftDeleted: null },
  } as unknown as Recipient;
  tenant.store.put(tables.recipients, recipient.guid, recipient);
}

function fill(tenant: Tenant): void {
  const made = { at: "2025-01-01T10:00:00.000Z", by: null };
  const owned = { ownerid: { table: "systemuser", id: ids.everything }, owningbusinessunit: businessUnit } as const;
  const user = (systemuserid: string, fullname: string, roles: SecurityRole[], address: string | null = null) =>
    newRow(
      "systemuser",
      {
        systemuserid,
        fullname,
        roles,
        domainname: address ?? fullname,
        internalemailaddress: address,
        businessunitid: businessUnit,
        organizationid: organizationId,
      },
      made,
    );
  const users = [
    user(ids.everything, "Everything", ["System Administrator", "Delegated Mailbox Approver"]),
    user(ids.administrator, "Administrator", ["System Administrator"]),
    user(ids.reader, "Reader", ["Basic User"]),
    user(ids.roleless, "Roleless", []),
    user(ids.ada, "Ada Lovelace", ["Basic User"]),
  ];
  const profile = (emailserverprofileid: string, name: string, more: object = {}) =>
    newRow("emailserverprofile", { emailserverprofileid, name, ...owned, ...more }, made);
  const application = (appId: Who, dataverseUserId?: string): Application => ({
    appId,
    displayName: appId,
    secret: "secret",
    certificates: [],
    roles: { exchange: [], graph: [] },
    exchangeRbac: false,
    ...(dataverseUserId === undefined ? {} : { dataverseUserId }),
  });
  tenant.store.commit([
    [
      tables.organization,
      "organization",
      {
        tenantId: "10ca17e4-a000-4000-8000-000000000009",
        displayName: "Contoso",
        initialDomain: "contoso.onmicrosoft.com",
        inPlaceHolds: [],
      },
    ],
    ...users.map((row) => [dataverseTables.systemuser, row.systemuserid, row] as const),
    ...[
      profile(ids.exchangeOnline, "Microsoft Exchange Online"),
      profile(ids.pop3, "POP3", { servertype: 1, incomingcredentialretrieval: 0 }),
    ].map((row) => [dataverseTables.emailserverprofile, row.emailserverprofileid, row] as const),
    [
      dataverseTables.team,
      ids.team,
      newRow(
        "team",
        { teamid: ids.team, name: "Support", businessunitid: businessUnit, organizationid: organizationId },
        made,
      ),
    ],
    [
      dataverseTables.organization,
      organizationId,
      newRow(
        "organization",
        {
          organizationid: organizationId,
          name: "contoso",
          defaultemailserverprofileid: { table: "emailserverprofile", id: ids.exchangeOnline },
        },
        made,
      ),
    ],
    ...(["everything", "administrator", "reader", "roleless"] as const).map(
      (who) => [tables.applications, who, application(who, ids[who])] as const,
    ),
    [tables.applications, "stranger", application("stranger")],
  ]);
}
