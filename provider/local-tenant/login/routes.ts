import { randomUUID, timingSafeEqual } from "node:crypto";
import { type Context, Hono } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { organizationOf } from "../directory";
import { type AcceptedDomain, type Application, type Organization, tables } from "../model";
import type { Tenant } from "../tenant";
import { decoded } from "../values";
import { checkAssertion } from "./assertions";
import { SignInError, signInErrorBody, signInErrors } from "./errors";
import { type Audience, audiences, issueToken, signingKeys } from "./tokens";

const jwtBearer = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/** Hosts of Microsoft's clouds: an assertion made for one of them is accepted behind a proxy. */
const publicHosts = ["login.microsoftonline.com", "login.microsoftonline.us", "login.partner.microsoftonline.cn"];

/** Seconds the clocks of client and service may differ. */
const SKEW = 5 * 60;

/**
 * The sign-in of the tenant: client credentials at `/{tenant}/oauth2/v2.0/token` with a secret, a certificate assertion or a
 * federated token; OpenID discovery, signing keys and instance discovery beside it. `{tenant}` is its id or one of its domains.
 */
export function loginRoutes(tenant: Tenant): Hono {
  const app = new Hono();
  app.post("/:tenant/oauth2/v2.0/token", (c) => token(c, tenant));
  app.all("/:tenant/oauth2/v2.0/token", (c) => {
    throw signInErrors.wrongMethod(c.req.method);
  });
  app.get("/:tenant/v2.0/.well-known/openid-configuration", (c) => c.json(openIdConfiguration(c, tenant)));
  app.get("/:tenant/discovery/v2.0/keys", (c) => c.json(keys(tenant)));
  app.get("/common/discovery/instance", (c) => c.json(instance(c, tenant)));
  app.notFound((c) => refuse(c, tenant, signInErrors.unknownEndpoint(c.req.path), 404));
  app.onError((error, c) => {
    if (error instanceof SignInError) {
      return refuse(c, tenant, error, error.status);
    }
    throw error;
  });
  return app;
}

function refuse(c: Context, tenant: Tenant, error: SignInError, status: ContentfulStatusCode): Response {
  const correlationId = c.req.header("client-request-id") ?? c.req.query("client-request-id") ?? randomUUID();
  c.header("Cache-Control", "no-store, no-cache");
  return c.json(signInErrorBody(error, tenant.timestamp(), correlationId), status);
}

async function token(c: Context, tenant: Tenant): Promise<Response> {
  const form = new URLSearchParams(await c.req.text());
  const organization = requireTenant(tenant, c.req.param("tenant") ?? "", form.get("client_id") ?? "");
  const grantType = required(form, "grant_type");
  if (grantType !== "client_credentials") {
    throw signInErrors.unsupportedGrantType(grantType);
  }
  const basic = basicCredentials(c.req.header("Authorization"));
  const appId = basic?.id ?? required(form, "client_id");
  const application = tenant.store
    .all<Application>(tables.applications)
    .find((known) => known.appId === appId.toLowerCase());
  if (application === undefined) {
    throw signInErrors.unknownApplication(appId, organization.displayName);
  }
  const credential = authenticate(c, tenant, application, form, basic?.secret);
  const { audience, resource } = meant(c, tenant, organization, required(form, "scope"));
  c.header("Cache-Control", "no-store, no-cache");
  return c.json({
    token_type: "Bearer",
    expires_in: tenant.settings.tokenLifetime,
    ext_expires_in: tenant.settings.tokenLifetime,
    access_token: issueToken(tenant, application, audience, resource, credential),
  });
}

/** What the application proved itself with; throws when it did not. */
function authenticate(
  c: Context,
  tenant: Tenant,
  application: Application,
  form: URLSearchParams,
  basicSecret: string | undefined,
): "secret" | "assertion" {
  // @documented login.client-secret: Client credentials at /{tenant}/oauth2/v2.0/token with a secret, in the form or as Basic
  // authorization [https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow]
  // @observed login.error-status: HTTP statuses: 401 for a wrong secret or assertion, 400 for everything else [answers quoted in
  // public issues of @azure/identity and MSAL]
  const assertion = form.get("client_assertion");
  if (assertion !== null && assertion !== "") {
    if (form.get("client_assertion_type") !== jwtBearer) {
      throw signInErrors.unsupportedAssertionType();
    }
    checkAssertion(assertion, {
      application,
      now: tenant.now(),
      skew: tenant.isContrary("login.clock-skew") ? 0 : SKEW,
      badFederatedSignature: tenant.isContrary("login.federated-wrong-signature")
        ? signInErrors.malformedAssertion
        : signInErrors.badFederatedSignature,
      isAudience: (audience) => isOwnEndpoint(c, tenant, audience),
    });
    return "assertion";
  }
  const secret = basicSecret ?? form.get("client_secret") ?? "";
  if (secret === "") {
    throw signInErrors.missingCredential();
  }
  if (!isEqual(secret, application.secret)) {
    throw signInErrors.wrongSecret(application.appId);
  }
  return "secret";
}

/** Which service a scope asks for, and the `aud` of its token. */
function meant(
  c: Context,
  tenant: Tenant,
  organization: Organization,
  scope: string,
): { audience: Audience; resource: string } {
  // @observed login.scope-default: The scope must be one resource with /.default; without it AADSTS1002012 [error texts quoted in
  // public issues of MSAL and of Microsoft's own samples]
  // @documented login.dataverse-audience: A Dataverse token is asked for as <environment URL>/.default and carries that URL as its
  // audience [https://learn.microsoft.com/power-apps/developer/data-platform/authenticate-oauth]
  // OpenID's own scopes may stand beside the resource; in this flow they mean nothing.
  const asked = scope
    .split(/\s+/)
    .filter((one) => one !== "" && !["openid", "profile", "offline_access"].includes(one));
  const resource = asked.length === 1 ? /^(.+)\/\.default$/.exec(asked[0] ?? "")?.[1] : undefined;
  if (resource === undefined) {
    throw signInErrors.scopeWithoutDefault(scope);
  }
  const bare = resource.replace(/\/$/, "").toLowerCase();
  if (bare === audiences.exchange || bare === "https://outlook.office.com") {
    return { audience: "exchange", resource: audiences.exchange };
  }
  if (bare === audiences.graph) {
    return { audience: "graph", resource: audiences.graph };
  }
  const environment = organization.environmentUrl?.replace(/\/$/, "").toLowerCase();
  if (bare === environment || isOwnOrigin(c, tenant, bare)) {
    return { audience: "dataverse", resource };
  }
  throw signInErrors.unknownResource(resource, organization.displayName);
}

function isOwnOrigin(c: Context, tenant: Tenant, url: string): boolean {
  const origin = URL.canParse(url) ? new URL(url).origin : "";
  return origin === originOf(c) || tenant.origins.some((known) => loopback(known) === loopback(origin));
}

/** An origin with its several names for this machine made one. */
function loopback(origin: string): string {
  return origin.replace(/\/\/(localhost|\[::1\])(?=:|$)/, "//127.0.0.1");
}

function isOwnEndpoint(c: Context, tenant: Tenant, audience: string): boolean {
  if (!URL.canParse(audience)) {
    return false;
  }
  const url = new URL(audience);
  const [, name = "", ...rest] = url.pathname.split("/");
  const path = rest.join("/").replace(/\/$/, "");
  return (
    (isOwnOrigin(c, tenant, url.origin) || publicHosts.includes(url.hostname)) &&
    isTenant(tenant, decoded(name)) &&
    ["", "v2.0", "oauth2/token", "oauth2/v2.0/token"].includes(path)
  );
}

function isTenant(tenant: Tenant, name: string): boolean {
  const asked = name.toLowerCase();
  return (
    asked === organizationOf(tenant)?.tenantId ||
    tenant.store.all<AcceptedDomain>(tables.domains).some((domain) => domain.domainName === asked)
  );
}

function requireTenant(tenant: Tenant, name: string, appId: string): Organization {
  if (["common", "organizations", "consumers"].includes(name.toLowerCase())) {
    throw signInErrors.commonEndpoint(appId);
  }
  const organization = organizationOf(tenant);
  if (organization === undefined || !isTenant(tenant, name)) {
    throw signInErrors.tenantNotFound(name);
  }
  return organization;
}

function openIdConfiguration(c: Context, tenant: Tenant) {
  const name = c.req.param("tenant") ?? "";
  const isAnyone = ["common", "organizations"].includes(name.toLowerCase());
  const tenantId = isAnyone ? "{tenantid}" : requireTenant(tenant, name, "").tenantId;
  const origin = originOf(c);
  const base = `${origin}/${isAnyone ? name : tenantId}`;
  return {
    token_endpoint: `${base}/oauth2/v2.0/token`,
    token_endpoint_auth_methods_supported: ["client_secret_post", "private_key_jwt", "client_secret_basic"],
    jwks_uri: `${base}/discovery/v2.0/keys`,
    response_modes_supported: ["query", "fragment", "form_post"],
    subject_types_supported: ["pairwise"],
    id_token_signing_alg_values_supported: ["RS256"],
    response_types_supported: ["code", "id_token", "code id_token", "id_token token"],
    scopes_supported: ["openid", "profile", "email", "offline_access"],
    issuer: `${origin}/${tenantId}/v2.0`,
    authorization_endpoint: `${base}/oauth2/v2.0/authorize`,
    end_session_endpoint: `${base}/oauth2/v2.0/logout`,
    claims_supported: ["sub", "iss", "aud", "exp", "iat", "tid", "ver"],
    tenant_region_scope: "EU",
    cloud_instance_name: new URL(origin).host,
    cloud_graph_host_name: new URL(origin).host,
    msgraph_host: new URL(origin).host,
  };
}

function keys(tenant: Tenant) {
  const { kid, publicKey } = signingKeys(tenant);
  return { keys: [{ ...publicKey.export({ format: "jwk" }), use: "sig", alg: "RS256", kid }] };
}

function instance(c: Context, tenant: Tenant) {
  const origin = originOf(c);
  const host = new URL(origin).host;
  const tenantId = organizationOf(tenant)?.tenantId ?? "common";
  return {
    tenant_discovery_endpoint: `${origin}/${tenantId}/v2.0/.well-known/openid-configuration`,
    "api-version": "1.1",
    metadata: [{ preferred_network: host, preferred_cache: host, aliases: [host] }],
  };
}

/** Protocol and Host the request came by. */
function originOf(c: Context): string {
  return new URL(c.req.url).origin;
}

function required(form: URLSearchParams, name: string): string {
  const value = form.get(name);
  if (value === null || value === "") {
    throw signInErrors.missingParameter(name);
  }
  return value;
}

function basicCredentials(header: string | undefined): { id: string; secret: string } | undefined {
  const encoded = /^Basic +(\S+)$/i.exec(header ?? "")?.[1];
  const [id, secret] = Buffer.from(encoded ?? "", "base64")
    .toString("utf8")
    .split(":", 2);
  return encoded === undefined || id === undefined || secret === undefined
    ? undefined
    : { id: decoded(id), secret: decoded(secret) };
}

function isEqual(given: string, expected: string): boolean {
  const a = Buffer.from(given);
  const b = Buffer.from(expected);
  return a.length === b.length && b.length > 0 && timingSafeEqual(a, b);
}
