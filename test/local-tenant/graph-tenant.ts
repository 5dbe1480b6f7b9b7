import { randomUUID } from "node:crypto";
import { createServer as createHttpServer } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import type { Certificate } from "../../provider/local-tenant/certificate";
import { newMailboxFields } from "../../provider/local-tenant/exchange/mailbox-properties";
import { graphService } from "../../provider/local-tenant/graph/routes";
import { audiences, issueToken, signingKeyTable } from "../../provider/local-tenant/login/tokens";
import { listener } from "../../provider/local-tenant/message";
import {
  type Application,
  type Group,
  type MailboxFields,
  type Recipient,
  type RecipientTypeDetails,
  tables,
  type User,
} from "../../provider/local-tenant/model";
import { Tenant } from "../../provider/local-tenant/tenant";

/** Every role an application can need here. */
export const allRoles = [
  "User.ReadWrite.All",
  "User.DeleteRestore.All",
  "LicenseAssignment.ReadWrite.All",
  "MailboxSettings.ReadWrite",
  "Mail.Read",
  "Directory.Read.All",
];

export interface Served {
  tenant: Tenant;
  origin: string;
  /** A token of an application with these roles; the application is made for it. */
  token: (roles?: string[]) => string;
  /** One request, authorised as the application with every right unless `headers` say otherwise. */
  ask: (method: string, path: string, body?: unknown, headers?: Record<string, string>) => Promise<Reply>;
  close: () => Promise<void>;
}

/** The signing key the first tenant made: making one takes longer than most tests. */
const signingKey: [string, unknown][] = [];

export interface Reply {
  status: number;
  headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of many shapes
  body: any;
}

/** A tenant of two domains and nobody, its Graph on a port of its own; over https when there is a certificate. */
export async function serveGraph(certificate?: Certificate): Promise<Served> {
  const tenant = new Tenant();
  tenant.settings.outlookLatency = 0;
  tenant.store.commit([
    [
      tables.organization,
      "organization",
      { tenantId: randomUUID(), displayName: "Contoso", initialDomain: "contoso.onmicrosoft.com", inPlaceHolds: [] },
    ],
    [
      tables.domains,
      "contoso.com",
      { domainName: "contoso.com", isDefault: true, isInitial: false, domainType: "Authoritative" },
    ],
    [
      tables.domains,
      "contoso.onmicrosoft.com",
      { domainName: "contoso.onmicrosoft.com", isDefault: false, isInitial: true, domainType: "Authoritative" },
    ],
  ]);
  const answer = listener(graphService(tenant));
  const server =
    certificate === undefined
      ? createHttpServer(answer)
      : createServer({ cert: certificate.certificate, key: certificate.privateKey }, answer);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const origin = `${certificate === undefined ? "http" : "https"}://127.0.0.1:${(server.address() as AddressInfo).port}`;

  const token = (roles = allRoles) => {
    const application: Application = {
      appId: randomUUID(),
      displayName: "test",
      secret: "",
      certificates: [],
      roles: { exchange: [], graph: roles },
      exchangeRbac: false,
    };
    tenant.store.put(tables.applications, application.appId, application);
    return issueToken(tenant, application, "graph", audiences.graph);
  };
  for (const [name, row] of signingKey) {
    tenant.store.put(signingKeyTable, name, row);
  }
  const own = token();
  if (signingKey.length === 0) {
    signingKey.push(["login", tenant.store.get(signingKeyTable, "login")]);
  }
  const ask = async (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) => {
    const response = await fetch(`${origin}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${own}`,
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, body: text === "" ? undefined : JSON.parse(text) };
  };
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      if ("closeAllConnections" in server) {
        server.closeAllConnections();
      }
    });
  return { tenant, origin, token, ask, close };
}

/** A user without a mailbox. */
export function addUser(tenant: Tenant, name: string, more: Partial<User> = {}): User {
  const user: User = {
    id: randomUUID(),
    userPrincipalName: `${name}@contoso.com`,
    displayName: name[0]?.toUpperCase() + name.slice(1),
    mail: null,
    mailNickname: name,
    userType: "Member",
    accountEnabled: true,
    usageLocation: null,
    assignedLicenses: [],
    onPremisesSyncEnabled: null,
    createdDateTime: tenant.timestamp(),
    deletedDateTime: null,
    directoryRoles: [],
    signInSessionsValidFromDateTime: null,
    ...more,
  };
  tenant.store.put(tables.users, user.id, user);
  return user;
}

/** A user with a mailbox, of its own or shared. */
export function addMailbox(
  tenant: Tenant,
  name: string,
  type: RecipientTypeDetails = "UserMailbox",
  more: Partial<MailboxFields> = {},
): { user: User; recipient: Recipient } {
  const user = addUser(tenant, name);
  const recipient = recipientRow(tenant, user.id, name, type);
  recipient.mailbox = {
    ...newMailboxFields(user.userPrincipalName, tenant.timestamp()),
    ...more,
  };
  tenant.store.put(tables.recipients, recipient.guid, recipient);
  return { user, recipient };
}

/** A mail-enabled security group with a recipient of its own. */
export function addGroup(tenant: Tenant, name: string, members: string[]): Group {
  const group: Group = {
    id: randomUUID(),
    displayName: name,
    mail: `${name}@contoso.com`,
    mailNickname: name,
    mailEnabled: true,
    securityEnabled: true,
    groupTypes: [],
    members,
  };
  const recipient = recipientRow(tenant, group.id, name, "MailUniversalSecurityGroup");
  tenant.store.commit([
    [tables.groups, group.id, group],
    [tables.recipients, recipient.guid, recipient],
  ]);
  return group;
}

/** A contact outside the tenant that is known by an address inside it. */
export function addContact(tenant: Tenant, name: string, external: string): Recipient {
  const contact = { ...recipientRow(tenant, "", name, "MailContact"), externalEmailAddress: `SMTP:${external}` };
  tenant.store.put(tables.recipients, contact.guid, contact);
  return contact;
}

export function recipientOf(tenant: Tenant, guid: string): Recipient | undefined {
  return tenant.store.get<Recipient>(tables.recipients, guid);
}

function recipientRow(tenant: Tenant, id: string, name: string, type: RecipientTypeDetails): Recipient {
  return {
    guid: randomUUID(),
    externalDirectoryObjectId: id,
    recipientTypeDetails: type,
    name,
    alias: name,
    displayName: name[0]?.toUpperCase() + name.slice(1),
    sid: `S-1-5-21-1-2-3-${Math.floor(Math.random() * 1e6)}`,
    emailAddresses: [`SMTP:${name}@contoso.com`, `smtp:${name}@contoso.onmicrosoft.com`],
    hiddenFromAddressListsEnabled: false,
    customAttributes: {},
    isDirSynced: false,
    whenCreated: tenant.timestamp(),
  };
}
