import { createPublicKey, generateKeyPairSync, type JsonWebKey, X509Certificate } from "node:crypto";
import { join } from "node:path";
import jwt from "jsonwebtoken";
import { generate } from "selfsigned";
import { type RunningTenant, startLocalTenant } from "../../provider/local-tenant/server";
import { appId, askToken, claimsOf, control, scopes, secret, tenantId, tokenFor, workFolder } from "./core";

const folder = workFolder();
const client = { client_id: appId, client_secret: secret };
const assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
let running: RunningTenant;

beforeAll(async () => {
  running = await startLocalTenant({ seed: "contoso" });
});

afterAll(async () => {
  await running.close();
});

interface JsonWebKeyWithId extends JsonWebKey {
  kid?: string;
}

async function json(url: string): Promise<Record<string, unknown>> {
  return (await (await fetch(url)).json()) as Record<string, unknown>;
}

// @shows login.roles-in-token login.token-claims
test("a token is a signed three-part JWT with the claims of an app-only token", async () => {
  const { status, body } = await askToken(running.origin, { ...client, scope: scopes.exchange, "x-client-SKU": "any" });
  expect(status).toBe(200);
  expect(body).toMatchObject({ token_type: "Bearer", expires_in: 3600, ext_expires_in: 3600 });
  const token = String(body.access_token);
  expect(claimsOf(token)).toMatchObject({
    aud: "https://outlook.office365.com",
    tid: tenantId,
    appid: appId,
    idtyp: "app",
    app_displayname: "Contoso Mailbox Deployment",
    roles: ["Exchange.ManageAsApp", "Exchange.ManageAsAppV2"],
  });
  const discovery = await json(`${running.origin}/${tenantId}/v2.0/.well-known/openid-configuration`);
  expect(discovery.token_endpoint).toBe(`${running.origin}/${tenantId}/oauth2/v2.0/token`);
  expect(discovery.issuer).toBe(`${running.origin}/${tenantId}/v2.0`);
  const keys = (await json(String(discovery.jwks_uri))).keys as JsonWebKeyWithId[];
  const header = JSON.parse(Buffer.from(token.split(".")[0] ?? "", "base64url").toString());
  const key = keys.find((candidate) => candidate.kid === header.kid) ?? {};
  expect(() => jwt.verify(token, createPublicKey({ key, format: "jwk" }))).not.toThrow();
});

test("a token names the application's service principal, which is its user in Dataverse, too", async () => {
  const token = await tokenFor(running.origin, `${running.origin}/.default`);
  const { oid, sub, iss, idp, appidacr } = claimsOf(token);
  expect(oid).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$/);
  expect({ sub, idp, appidacr }).toEqual({ sub: oid, idp: iss, appidacr: "1" });
  expect(claimsOf(await tokenFor(running.origin, scopes.graph)).oid).toBe(oid);
  const query = `$filter=azureactivedirectoryobjectid eq ${oid}&$select=applicationid,azureactivedirectoryobjectid`;
  const response = await fetch(`${running.origin}/api/data/v9.2/systemusers?${query}`, {
    headers: { Authorization: `Bearer ${token}` },
  });
  const { value } = (await response.json()) as { value: unknown };
  expect(value).toMatchObject([{ applicationid: appId, azureactivedirectoryobjectid: oid }]);
});

// @shows login.audience
test.each([
  ["Graph", "https://graph.microsoft.com/.default", "https://graph.microsoft.com"],
  ["the environment's own URL", "https://contoso.crm4.dynamics.com/.default", "https://contoso.crm4.dynamics.com"],
])("the scope of %s decides the audience", async (_, scope, aud) => {
  expect(claimsOf(await tokenFor(running.origin, scope)).aud).toBe(aud);
});

// @shows login.dataverse-audience
test("the tenant's own origin is its Dataverse environment, by each of its names", async () => {
  const { port } = new URL(running.origin);
  for (const origin of [running.origin, `http://localhost:${port}`]) {
    expect(claimsOf(await tokenFor(running.origin, `${origin}/.default`)).aud).toBe(origin);
  }
});

test("a domain of the tenant stands for its id", async () => {
  const { status } = await askToken(running.origin, { ...client, scope: scopes.graph }, "Contoso.onmicrosoft.com");
  expect(status).toBe(200);
});

// @shows login.client-secret
test("credentials may come as Basic authorization, and parameters in a query do no harm", async () => {
  const response = await fetch(`${running.origin}/${tenantId}/oauth2/v2.0/token?client-request-id=1`, {
    method: "POST",
    headers: { Authorization: `Basic ${Buffer.from(`${appId}:${secret}`).toString("base64")}` },
    body: new URLSearchParams({ grant_type: "client_credentials", scope: scopes.graph }),
  });
  expect(response.status).toBe(200);
});

// @shows login.error-shape login.error-status login.scope-default
test.each([
  ["unknown tenant", { ...client, scope: scopes.graph }, "fabrikam.com", 400, "invalid_request", 90002],
  ["/common", { ...client, scope: scopes.graph }, "common", 400, "invalid_request", 50194],
  [
    "unknown application",
    { ...client, client_id: tenantId, scope: scopes.graph },
    tenantId,
    400,
    "unauthorized_client",
    700016,
  ],
  [
    "wrong secret",
    { ...client, client_secret: "guess", scope: scopes.graph },
    tenantId,
    401,
    "invalid_client",
    7000215,
  ],
  ["no secret", { client_id: appId, scope: scopes.graph }, tenantId, 401, "invalid_client", 7000218],
  ["no scope", { ...client }, tenantId, 400, "invalid_request", 900144],
  ["a scope without /.default", { ...client, scope: "User.Read" }, tenantId, 400, "invalid_scope", 1002012],
  [
    "an unknown resource",
    { ...client, scope: "https://other.example/.default" },
    tenantId,
    400,
    "invalid_resource",
    500011,
  ],
  [
    "another grant",
    { ...client, scope: scopes.graph, grant_type: "password" },
    tenantId,
    400,
    "unsupported_grant_type",
    70003,
  ],
  [
    "a malformed assertion",
    { client_id: appId, scope: scopes.graph, client_assertion: "x", client_assertion_type: assertionType },
    tenantId,
    401,
    "invalid_client",
    50027,
  ],
])("%s is refused as Entra refuses it", async (_, form, tenant, status, error, number) => {
  const answer = await askToken(running.origin, form, tenant, { "client-request-id": "c0ffee" });
  expect(answer.status).toBe(status);
  expect(answer.body).toMatchObject({ error, error_codes: [number], correlation_id: "c0ffee" });
  expect(answer.body.error_uri).toBe(`https://login.microsoftonline.com/error?code=${number}`);
  expect(answer.body.error_description).toMatch(
    new RegExp(
      `^AADSTS${number}: .+ Trace ID: ${answer.body.trace_id} Correlation ID: c0ffee Timestamp: ${answer.body.timestamp}$`,
    ),
  );
});

test("an unknown endpoint is a 404 in the sign-in's own shape", async () => {
  const response = await fetch(`${running.origin}/${tenantId}/oauth2/v2.0/authorize`);
  expect(response.status).toBe(404);
  expect(await response.json()).toMatchObject({ error: "invalid_request" });
});

describe("certificate assertions", () => {
  let privateKey: string;
  let certificate: X509Certificate;

  beforeAll(async () => {
    const pair = await generate([{ name: "commonName", value: "ci" }], { keySize: 2048 });
    privateKey = pair.private;
    certificate = new X509Certificate(pair.cert);
    await control(running.origin, "PATCH", `state/applications/${appId}`, { certificates: [pair.cert] });
  });

  function thumbprint(algorithm: "sha1" | "sha256"): string {
    const hex = algorithm === "sha1" ? certificate.fingerprint : certificate.fingerprint256;
    return Buffer.from(hex.replaceAll(":", ""), "hex").toString("base64url");
  }

  async function ask(change: { header?: object; claims?: object; key?: string; algorithm?: jwt.Algorithm }) {
    const now = Math.floor(Date.now() / 1000);
    const assertion = jwt.sign(
      {
        aud: `${running.origin}/${tenantId}/oauth2/v2.0/token`,
        iss: appId,
        sub: appId,
        jti: "1",
        nbf: now,
        exp: now + 600,
        ...change.claims,
      },
      change.key ?? privateKey,
      {
        algorithm: change.algorithm ?? "RS256",
        header: { alg: change.algorithm ?? "RS256", ...(change.header ?? { x5t: thumbprint("sha1") }) },
      },
    );
    const { status, body } = await askToken(running.origin, {
      client_id: appId,
      scope: scopes.graph,
      client_assertion_type: assertionType,
      client_assertion: assertion,
    });
    const claims = typeof body.access_token === "string" ? claimsOf(body.access_token) : {};
    return { status, codes: body.error_codes, appidacr: claims.appidacr };
  }

  // @shows login.certificate-assertion
  test("are accepted by x5t and by x5t#S256", async () => {
    expect(await ask({})).toMatchObject({ status: 200, appidacr: "2" });
    expect(await ask({ header: { "x5t#S256": thumbprint("sha256") }, algorithm: "PS256" })).toMatchObject({
      status: 200,
    });
  });

  // @shows login.clock-skew
  test("may come from a clock that is five minutes ahead or behind", async () => {
    const now = Math.floor(Date.now() / 1000);
    const answers = [];
    for (const [nbf, exp] of [
      [now + 240, now + 900],
      [now - 900, now - 240],
      [now + 360, now + 900],
      [now - 900, now - 360],
    ]) {
      answers.push((await ask({ claims: { nbf, exp } })).status);
    }
    expect(answers).toEqual([200, 200, 401, 401]);
  });

  test("are refused with another key, thumbprint, time, application or audience", async () => {
    const other = generateKeyPairSync("rsa", { modulusLength: 2048 })
      .privateKey.export({ type: "pkcs8", format: "pem" })
      .toString();
    const past = Math.floor(Date.now() / 1000) - 3600;
    expect(await ask({ key: other })).toEqual({ status: 401, codes: [700027] });
    expect(await ask({ header: { x5t: "AAAA" } })).toEqual({ status: 401, codes: [700027] });
    expect(await ask({ claims: { nbf: past, exp: past + 600 } })).toEqual({ status: 401, codes: [700024] });
    expect(await ask({ claims: { sub: tenantId } })).toEqual({ status: 401, codes: [700021] });
    expect(await ask({ claims: { aud: "https://other.example/token" } })).toEqual({ status: 401, codes: [700023] });
  });
});

// @shows login.federated-match login.federated-unknown-key login.federated-wrong-signature
test("a federated token is accepted only with issuer, subject, audience and key registered", async () => {
  const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const known = {
    issuer: "https://token.actions.example",
    subject: "repo:contoso/mail:ref:refs/heads/main",
    audience: "api://AzureADTokenExchange",
  };
  await control(running.origin, "PATCH", `state/applications/${appId}`, {
    federatedCredentials: [{ ...known, publicKeyPem: publicKey.export({ type: "spki", format: "pem" }) }],
  });
  const stranger = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey;
  const ask = async (change: Partial<typeof known>, key = privateKey, kid?: string) => {
    const { issuer, subject, audience } = { ...known, ...change };
    const header = { alg: "RS256", ...(kid === undefined ? {} : { kid }) };
    const assertion = jwt.sign({}, key, { algorithm: "RS256", header, issuer, subject, audience, expiresIn: 300 });
    const form = {
      client_id: appId,
      scope: scopes.graph,
      client_assertion_type: assertionType,
      client_assertion: assertion,
    };
    const { status, body } = await askToken(running.origin, form);
    return { status, codes: body.error_codes };
  };
  expect(await ask({})).toEqual({ status: 200, codes: undefined });
  expect(await ask({ issuer: "https://other.example" })).toEqual({ status: 401, codes: [700211] });
  expect(await ask({ subject: "repo:contoso/mail:ref:refs/heads/Main" })).toEqual({ status: 401, codes: [700213] });
  expect(await ask({ audience: "api://other" })).toEqual({ status: 401, codes: [700212] });
  expect(await ask({}, stranger)).toEqual({ status: 401, codes: [7000272] });
  await control(running.origin, "PATCH", `state/applications/${appId}`, {
    federatedCredentials: [
      { ...known, keyId: "k1", publicKeyPem: publicKey.export({ type: "spki", format: "pem" }) },
      { ...known, keyId: "k2", publicKeyPem: publicKey.export({ type: "spki", format: "pem" }) },
    ],
  });
  expect(await ask({}, privateKey, "k2")).toEqual({ status: 200, codes: undefined });
  expect(await ask({}, privateKey, "k3")).toEqual({ status: 401, codes: [7000272] });
  expect(await ask({}, stranger, "k1")).toEqual({ status: 401, codes: [50013] });
});

describe("callers", () => {
  async function status(token: string, origin = running.origin): Promise<number> {
    return (await fetch(`${origin}/v1.0/users`, { headers: { Authorization: `Bearer ${token}` } })).status;
  }

  test("a token counts for its own service and only as it was signed", async () => {
    const good = await tokenFor(running.origin, scopes.graph);
    const [header, payload, signature] = good.split(".");
    const forged = Buffer.from(JSON.stringify({ ...claimsOf(good), appid: tenantId })).toString("base64url");
    expect(await status(good)).toBe(200);
    expect(await status(await tokenFor(running.origin, scopes.exchange))).toBe(401);
    expect(await status(`${header}.${forged}.${signature}`)).toBe(401);
    expect(await status(`${header}.${payload}.`)).toBe(401);
    expect(await status("")).toBe(401);
  });

  test("a token outlives a restart of its journal, but not its time", async () => {
    const journal = join(folder, "restart.jsonl");
    const first = await startLocalTenant({ journal, seed: "contoso" });
    const token = await tokenFor(first.origin, scopes.graph);
    await first.close();
    const second = await startLocalTenant({ journal });
    expect(await status(token, second.origin)).toBe(200);
    await control(second.origin, "POST", "clock", { advance: 3601_000 });
    expect(await status(token, second.origin)).toBe(401);
    await second.close();
  });
});
