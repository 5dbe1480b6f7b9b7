import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  randomUUID,
} from "node:crypto";
import jwt from "jsonwebtoken";
import { organizationOf } from "../directory";
import { type Application, tables } from "../model";
import type { Tenant } from "../tenant";
import { idNamed, isPlainObject, parsedJson } from "../values";

/** A service a token can be meant for. */
export type Audience = "exchange" | "graph" | "dataverse";

/** The application behind a request, and the app roles its token carries (not those it may have been given since). */
export interface Caller {
  application: Application;
  roles: string[];
}

/** The `aud` of Exchange's and Graph's tokens; a Dataverse token carries the environment's own URL. */
export const audiences = {
  // @documented login.audience: Exchange's audience is https://outlook.office365.com, Graph's https://graph.microsoft.com; a token
  // for another service is refused at call time [https://learn.microsoft.com/exchange/reference/admin-api-authentication]
  exchange: "https://outlook.office365.com",
  graph: "https://graph.microsoft.com",
} as const;

/** Table and key of the tenant's signing key, an RSA private key in PEM: tokens outlive a restart of the same journal. */
export const signingKeyTable = "signingKeys";
const signingKeyName = "login";

interface SigningKey {
  kid: string;
  privateKeyPem: string;
}

interface Keys {
  kid: string;
  privateKey: KeyObject;
  publicKey: KeyObject;
  /** Claims of the tokens that were found good: a client sends the same one with hundreds of requests. */
  good: Map<string, jwt.JwtPayload>;
}

/** Parsed keys by key id: parsing PEM on each request would cost more than the request. */
const parsed = new Map<string, Keys>();

/** The key of all tenants of this process that keep no journal: making one takes a third of a second. */
let unkept: SigningKey | undefined;

/** The tenant's signing keys; made, and written to the journal, when first asked for. */
export function signingKeys(tenant: Tenant): Keys {
  let row = tenant.store.get<SigningKey>(signingKeyTable, signingKeyName);
  if (row === undefined) {
    if (tenant.store.hasJournal) {
      row = newSigningKey();
    } else {
      unkept ??= newSigningKey();
      row = unkept;
    }
    tenant.store.put(signingKeyTable, signingKeyName, row);
  }
  const known = parsed.get(row.kid);
  if (known !== undefined) {
    return known;
  }
  const privateKey = createPrivateKey(row.privateKeyPem);
  const keys = {
    kid: row.kid,
    privateKey,
    publicKey: createPublicKey(privateKey),
    good: new Map<string, jwt.JwtPayload>(),
  };
  parsed.set(row.kid, keys);
  return keys;
}

function newSigningKey(): SigningKey {
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  return {
    kid: randomBytes(20).toString("base64url"),
    privateKeyPem: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
  };
}

/** Object id of the application's service principal in the tenant: always the same for the same application. */
export function servicePrincipalId(appId: string): string {
  return idNamed(`service principal of ${appId}`);
}

/**
 * A signed app-only access token for `application`. `resource` is the `aud` it carries; `roles` are the application's roles on
 * that service as they are now; `credential` is what it signed in with. Valid for `Settings.tokenLifetime` seconds of tenant time.
 */
export function issueToken(
  tenant: Tenant,
  application: Application,
  audience: Audience,
  resource: string,
  credential: "secret" | "assertion" = "secret",
): string {
  // @documented login.roles-in-token: App roles stand in the token and count as of its issue
  // [https://learn.microsoft.com/powershell/exchange/app-only-auth-powershell-v2]
  // @documented login.token-claims: oid and sub are the id of the application's service principal, idp is the issuer, appidacr
  // tells a secret (1) from an assertion (2) [https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference]
  const { kid, privateKey } = signingKeys(tenant);
  const now = Math.floor(tenant.now() / 1000);
  const tenantId = organizationOf(tenant)?.tenantId ?? "";
  const roles = audience === "dataverse" ? [] : application.roles[audience];
  const issuer = `https://sts.windows.net/${tenantId}/`;
  const principal = servicePrincipalId(application.appId);
  const claims = {
    aud: resource,
    iss: issuer,
    iat: now,
    nbf: now,
    exp: now + tenant.settings.tokenLifetime,
    app_displayname: application.displayName,
    appid: application.appId,
    appidacr: credential === "secret" ? "1" : "2",
    idp: issuer,
    idtyp: "app",
    oid: principal,
    ...(roles.length > 0 ? { roles } : {}),
    sub: principal,
    tid: tenantId,
    uti: randomUUID(),
    ver: "1.0",
  };
  return jwt.sign(claims, privateKey, { algorithm: "RS256", header: { alg: "RS256", typ: "JWT", kid } });
}

/**
 * Who sends a request, from its Authorization header: undefined when the token is missing, malformed, expired, not signed by
 * this tenant, or meant for another service or tenant. The service answers 401 in its own shape then.
 */
export function callerOf(tenant: Tenant, authorization: string | undefined, audience: Audience): Caller | undefined {
  const token = /^Bearer +(\S+)$/i.exec(authorization ?? "")?.[1];
  const organization = organizationOf(tenant);
  if (token === undefined || organization === undefined) {
    return undefined;
  }
  const claims = verified(tenant, token);
  if (claims === undefined || claims.tid !== organization.tenantId || !isFor(audience, claims.aud)) {
    return undefined;
  }
  const application = tenant.store.get<Application>(tables.applications, String(claims.appid));
  if (application === undefined) {
    return undefined;
  }
  return { application, roles: Array.isArray(claims.roles) ? claims.roles.map(String) : [] };
}

/** The application a request's token names, good token or not; for the log only. */
export function applicationOf(authorization: string | undefined): string | undefined {
  const payload = /^Bearer +[^.\s]+\.([^.\s]+)\.[^.\s]+$/i.exec(authorization ?? "")?.[1] ?? "";
  const claims = parsedJson(Buffer.from(payload, "base64url").toString());
  return isPlainObject(claims) ? String(claims.appid) : undefined;
}

function verified(tenant: Tenant, token: string): jwt.JwtPayload | undefined {
  const { publicKey, good } = signingKeys(tenant);
  const now = Math.floor(tenant.now() / 1000);
  const known = good.get(token);
  if (known?.exp !== undefined && known.nbf !== undefined && known.nbf <= now && now < known.exp) {
    return known;
  }
  good.delete(token);
  try {
    const claims = jwt.verify(token, publicKey, { algorithms: ["RS256"], clockTimestamp: now });
    if (typeof claims === "string") {
      return undefined;
    }
    good.set(token, claims);
    return claims;
  } catch {
    return undefined;
  }
}

function isFor(audience: Audience, aud: unknown): boolean {
  if (audience === "dataverse") {
    // The environment's URL depends on the Host the token was asked through; only the login signs, and only for that.
    return typeof aud === "string" && aud !== audiences.exchange && aud !== audiences.graph;
  }
  return aud === audiences[audience];
}
