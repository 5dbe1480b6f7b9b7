import { once } from "node:events";
import { createServer, type IncomingMessage, request } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import { newMailboxFields } from "../../provider/local-tenant/exchange/mailbox-properties";
import { exchangeService } from "../../provider/local-tenant/exchange/routes";
import { audiences, issueToken } from "../../provider/local-tenant/login/tokens";
import { listener } from "../../provider/local-tenant/message";
import {
  type AcceptedDomain,
  type Application,
  type Organization,
  type Recipient,
  type RecipientTypeDetails,
  type Sku,
  tables,
  type User,
} from "../../provider/local-tenant/model";
import { Tenant } from "../../provider/local-tenant/tenant";

export const tenantId = "10ca17e4-0000-4000-8000-0000000000e0";

export type Row = Record<string, unknown>;

/** What a call answered, its body parsed when it is JSON. */
export interface Answer {
  status: number;
  headers: Headers;
  bytes: Buffer;
  body: Row;
  rows: Row[];
  warnings: string[];
  /** Type and text of the exception, wherever the body has them. */
  type: string;
  text: string;
}

/** A small tenant of its own behind a real socket. */
export interface ExchangeTenant {
  tenant: Tenant;
  origin: string;
  token: (application?: ApplicationName) => string;
  post: (path: string, body: unknown, headers?: Record<string, string>) => Promise<Answer>;
  /** Runs a cmdlet through InvokeCommand. */
  invoke: (cmdlet: string, parameters?: Row, query?: string, headers?: Record<string, string>) => Promise<Answer>;
  /** Runs a cmdlet that must succeed. */
  rows: (cmdlet: string, parameters?: Row) => Promise<Row[]>;
  close: () => Promise<void>;
}

const applications = {
  all: ["Exchange.ManageAsApp", "Exchange.ManageAsAppV2"],
  noRole: [],
  noRbac: ["Exchange.ManageAsApp"],
  viewOnly: ["Exchange.ManageAsApp"],
} as const;

type ApplicationName = keyof typeof applications;

export async function startExchange(): Promise<ExchangeTenant> {
  const tenant = new Tenant();
  seed(tenant);
  const server = createServer(listener(exchangeService(tenant)));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  function token(name: ApplicationName = "all"): string {
    const application = tenant.store.get<Application>(tables.applications, name);
    if (application === undefined) {
      throw new Error(name);
    }
    return issueToken(tenant, application, "exchange", audiences.exchange);
  }

  async function post(path: string, body: unknown, headers: Record<string, string> = {}): Promise<Answer> {
    // Not fetch: the bytes are wanted as they came, also where they only claim to be gzip.
    const sent = request(new URL(path, origin), {
      method: "POST",
      headers: { Authorization: `Bearer ${token()}`, "Content-Type": "application/json", ...headers },
    });
    sent.end(typeof body === "string" ? body : JSON.stringify(body));
    const [response] = (await once(sent, "response")) as [IncomingMessage];
    const received = new Headers();
    for (const [name, value] of Object.entries(response.headers)) {
      received.set(name, String(value));
    }
    return answerOf(response.statusCode ?? 0, received, await buffer(response));
  }

  function invoke(cmdlet: string, parameters: Row = {}, query = "", headers = {}): Promise<Answer> {
    const body = { CmdletInput: { CmdletName: cmdlet, Parameters: parameters } };
    return post(`/adminapi/beta/${tenantId}/InvokeCommand${query}`, body, headers);
  }

  async function rows(cmdlet: string, parameters: Row = {}): Promise<Row[]> {
    const answer = await invoke(cmdlet, parameters);
    if (answer.status !== 200) {
      throw new Error(`${cmdlet}: ${answer.status} ${answer.type} ${answer.text}`);
    }
    return answer.rows;
  }

  return {
    tenant,
    origin,
    token,
    post,
    invoke,
    rows,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

export function answerOf(status: number, headers: Headers, bytes: Buffer): Answer {
  let body: Row = {};
  try {
    body = JSON.parse(bytes.toString("utf8"));
  } catch {
    // Not JSON: the caller looks at the bytes.
  }
  return { status, headers, bytes, body, ...contentOf(body) };
}

/** Rows, warnings and exception of a body, also of one inside a batch. */
export function contentOf(body: Row): Pick<Answer, "rows" | "warnings" | "type" | "text"> {
  const error = body.error as
    | {
        message: string;
        details?: { message: string }[];
        innererror?: { type?: string; internalexception?: { type: string; message: string } };
      }
    | undefined;
  const exception = error?.innererror?.internalexception;
  // A cmdlet's own error stands in details as code|type|text; internalexception is the gateway's then.
  const [, type, text] = /^[^|]*\|([^|]*)\|(.*)$/s.exec(error?.details?.[0]?.message ?? "") ?? [];
  return {
    rows: (body.value as Row[] | undefined) ?? [],
    warnings: (body["@adminapi.warnings"] as string[] | undefined) ?? [],
    type: (type ?? exception?.type ?? error?.innererror?.type ?? "").replace(/^.*\./, ""),
    text: text ?? exception?.message ?? error?.message ?? "",
  };
}

/** `Add` and `Remove` of a multi-valued parameter, in any case. */
export function change(parts: { Add?: unknown; Remove?: unknown; add?: unknown; remove?: unknown }): Row {
  return { "@odata.type": "#Exchange.GenericHashTable", ...parts };
}

export const enterprise = "e0000000-0000-4000-8000-000000000001";

function seed(tenant: Tenant): void {
  const { store } = tenant;
  store.put(tables.organization, "organization", {
    tenantId,
    displayName: "Contoso",
    initialDomain: "contoso.onmicrosoft.com",
    environmentUrl: "https://contoso.crm4.dynamics.com",
    inPlaceHolds: [],
  } satisfies Organization);
  for (const [domainName, isDefault, isInitial] of [
    ["contoso.com", true, false],
    ["contoso.onmicrosoft.com", false, true],
    ["fabrikam.example", false, false],
  ] as const) {
    const domain: AcceptedDomain = { domainName, isDefault, isInitial, domainType: "Authoritative" };
    store.put(tables.domains, domainName, domain);
  }
  for (const [appId, exchange] of Object.entries(applications)) {
    store.put(tables.applications, appId, {
      appId,
      displayName: appId,
      secret: "",
      certificates: [],
      roles: { exchange: [...exchange], graph: [] },
      exchangeRbac: appId !== "noRbac",
      ...(appId === "viewOnly" ? { exchangeViewOnly: true } : {}),
    } satisfies Application);
  }
  store.put(tables.skus, enterprise, {
    skuId: enterprise,
    skuPartNumber: "EXCHANGEENTERPRISE",
    enabled: 5,
    consumedElsewhere: 0,
    servicePlans: [{ servicePlanId: "p2", servicePlanName: "EXCHANGE_S_ENTERPRISE" }],
  } satisfies Sku);
  putRecipient(tenant, 1, "ada", "UserMailbox");
  putRecipient(tenant, 2, "grace", "UserMailbox");
  putRecipient(tenant, 3, "team", "MailUniversalSecurityGroup");
  putRecipient(tenant, 4, "list", "MailUniversalDistributionGroup");
}

/** A recipient with its user (or none, for a group), named as its display name. */
export function putRecipient(tenant: Tenant, number: number, alias: string, kind: RecipientTypeDetails): Recipient {
  const now = tenant.timestamp();
  const tail = String(number).padStart(12, "0");
  const address = `${alias}@contoso.com`;
  const recipient: Recipient = {
    guid: `a0000000-0000-4000-8000-${tail}`,
    externalDirectoryObjectId: `b0000000-0000-4000-8000-${tail}`,
    recipientTypeDetails: kind,
    name: `${alias} name`,
    alias,
    displayName: `The ${alias}`,
    sid: `S-1-5-21-1-2-3-${1100 + number}`,
    emailAddresses: [`SMTP:${address}`, `smtp:${alias}@contoso.onmicrosoft.com`],
    hiddenFromAddressListsEnabled: false,
    customAttributes: {},
    isDirSynced: false,
    whenCreated: now,
    ...(kind.endsWith("Mailbox") ? { mailbox: newMailboxFields(address, now) } : {}),
  };
  const user: User = {
    id: recipient.externalDirectoryObjectId,
    userPrincipalName: address,
    displayName: recipient.displayName,
    mail: address,
    mailNickname: alias,
    userType: "Member",
    accountEnabled: true,
    usageLocation: null,
    assignedLicenses: [],
    onPremisesSyncEnabled: null,
    createdDateTime: now,
    deletedDateTime: null,
    directoryRoles: [],
    signInSessionsValidFromDateTime: null,
  };
  tenant.store.commit([
    [tables.recipients, recipient.guid, recipient],
    ...(recipient.mailbox === undefined ? [] : [[tables.users, user.id, user] as const]),
  ]);
  return recipient;
}
