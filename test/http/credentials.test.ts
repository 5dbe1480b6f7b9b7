import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readConfiguration, withLocalOrigin } from "../../provider/configuration/configuration";
import type { Service } from "../../provider/http/call";
import { createTokenSource, scopeOf } from "../../provider/http/credentials";
import { AADSTS, certificate, type Entra, startEntra } from "./entra";
import { failureOf } from "./service";

const TENANT = "11111111-1111-4111-8111-111111111111";
const CLIENT = "22222222-2222-4222-8222-222222222222";
const CONNECTION = "33333333-3333-4333-8333-333333333333";
const IDS = { tenantId: TENANT, clientId: CLIENT };

function configured(config: Record<string, string>, environment: NodeJS.ProcessEnv = {}) {
  return readConfiguration((key) => config[key], Object.keys(config), environment, tmpdir);
}

describe("the scope", () => {
  it.each<[Service, "public" | "usgovernment" | "usgovernmentdod" | "china", string]>([
    ["graph", "public", "https://graph.microsoft.com/.default"],
    ["graph", "usgovernment", "https://graph.microsoft.us/.default"],
    ["graph", "usgovernmentdod", "https://dod-graph.microsoft.us/.default"],
    ["graph", "china", "https://microsoftgraph.chinacloudapi.cn/.default"],
    ["exchange", "public", "https://outlook.office365.com/.default"],
    ["exchange", "usgovernment", "https://outlook.office365.us/.default"],
    ["exchange", "usgovernmentdod", "https://outlook-dod.office365.us/.default"],
    ["exchange", "china", "https://outlook.office365.cn/.default"],
    ["dataverse", "public", "https://org.crm4.dynamics.com/.default"],
  ])("of %s in %s", (service, cloud, expected) => {
    expect(scopeOf(service, cloud, "https://org.crm4.dynamics.com/")).toBe(expected);
  });
});

describe("a local tenant's sign-in", () => {
  let entra: Entra;
  beforeEach(async () => {
    entra = await startEntra();
  });
  afterEach(() => entra.stop());

  const local = () => withLocalOrigin(configured({ localTenant: "t.jsonl" }), entra.origin, TENANT);

  it("takes client credentials over http, for Microsoft's audiences and the environment's own", async () => {
    const tokens = createTokenSource(local());
    await tokens.token("graph");
    await tokens.token("exchange");
    await tokens.token("dataverse");
    await tokens.token("dataverse", { environmentUrl: "https://other.crm4.dynamics.com" });
    expect(entra.forms[0]).toEqual({
      grant_type: "client_credentials",
      client_id: "10ca17e4-a000-4000-8000-000000000002",
      client_secret: "local-tenant-secret",
      scope: "https://graph.microsoft.com/.default",
    });
    expect(entra.forms.slice(1).map(({ scope }) => scope)).toEqual([
      "https://outlook.office365.com/.default",
      `${entra.origin}/.default`,
      "https://other.crm4.dynamics.com/.default",
    ]);
    expect(entra.paths[0]).toBe(`/${TENANT}/oauth2/v2.0/token`);
  });

  it("is asked once by many, again only when the token is refused", async () => {
    const tokens = createTokenSource(local());
    const many = await Promise.all(Array.from({ length: 10 }, () => tokens.token("graph")));
    expect(new Set(many)).toEqual(new Set(["token-1"]));
    expect(await tokens.token("graph")).toBe("token-1");
    expect(await tokens.token("graph", { forceRefresh: true })).toBe("token-2");
    expect(await tokens.token("graph")).toBe("token-2");
  });

  it("is asked again when the token is about to end", async () => {
    const tokens = createTokenSource(local());
    await tokens.token("graph");
    jest.useFakeTimers({
      now: Date.now() + 3_500_000,
      doNotFake: ["setTimeout", "setImmediate", "nextTick", "queueMicrotask"],
    });
    try {
      expect(await tokens.token("graph")).toBe("token-2");
    } finally {
      jest.useRealTimers();
    }
  });

  it("that refuses is reported in full, once: later callers get the same error", async () => {
    entra.refuse(401, { error: "invalid_client", error_description: AADSTS });
    const tokens = createTokenSource(local());
    const [first, second] = await Promise.all([failureOf(tokens.token("graph")), failureOf(tokens.token("graph"))]);
    expect(first).toBe(second);
    expect(await failureOf(tokens.token("graph"))).toBe(first);
    expect(await failureOf(tokens.token("exchange"))).toBe(first);
    expect(entra.forms).toHaveLength(1);
    expect(first.name).toBe("TokenError");
    expect(first.message).toMatch(
      /^signing in to Microsoft Graph: with an application of the local tenant: AADSTS7000215: .*value\./,
    );
    expect(first.message).not.toContain("Trace ID");
  });

  it("that cannot be reached says where it was looked for", async () => {
    const configuration = withLocalOrigin(configured({ localTenant: entra.origin }), entra.origin, TENANT);
    await entra.stop();
    const error = await failureOf(createTokenSource(configuration).token("graph"));
    expect(error.message).toMatch(/ECONNREFUSED.*still being served at http:\/\/127\.0\.0\.1/s);
    entra = await startEntra();
  });

  it("lets a cancelled caller go", async () => {
    const cancel = new AbortController();
    const waiting = failureOf(createTokenSource(local()).token("graph", { signal: cancel.signal }));
    cancel.abort();
    expect((await waiting).name).toBe("CancelledError");
  });

  it("takes no other credential without encryption", async () => {
    const configuration = configured({
      ...IDS,
      clientCertificatePath: "/k.pem",
      endpoints: JSON.stringify({ login: entra.origin }),
    });
    const error = await failureOf(createTokenSource(configuration).token("graph"));
    expect(error.message).toMatch(/not encrypted/);
  });
});

describe("Microsoft's sign-in", () => {
  let entra: Entra;
  let folder: string;
  let keys: { key: string; cert: string };
  const environment = { ...process.env };
  beforeAll(async () => {
    keys = await certificate();
  });
  beforeEach(async () => {
    entra = await startEntra(keys);
    folder = mkdtempSync(join(tmpdir(), "mailboxes-sign-in-"));
  });
  afterEach(async () => {
    await entra.stop();
    rmSync(folder, { recursive: true });
    process.env = { ...environment };
  });

  const source = (config: Record<string, string>, variables: NodeJS.ProcessEnv = {}) =>
    createTokenSource(configured({ ...IDS, endpoints: JSON.stringify({ login: entra.origin }), ...config }, variables));

  it("takes a client secret, for Microsoft's own audience, without asking Microsoft who the sign-in is", async () => {
    expect(await source({ clientSecret: "a-long-secret" }).token("exchange")).toBe("token-1");
    expect(entra.forms[0]).toMatchObject({
      grant_type: "client_credentials",
      client_id: CLIENT,
      client_secret: "a-long-secret",
      scope: expect.stringContaining("https://outlook.office365.com/.default"),
    });
    expect(entra.paths.at(-1)).toBe(`/${TENANT}/oauth2/v2.0/token`);
  });

  it("takes a certificate", async () => {
    writeFileSync(join(folder, "app.pem"), `${keys.key}\n${keys.cert}`);
    await source({ clientCertificatePath: join(folder, "app.pem") }).token("graph");
    expect(entra.forms[0]?.client_assertion).toMatch(/^eyJ/);
  });

  it("takes the token file of a CI system", async () => {
    writeFileSync(join(folder, "token"), "job-of-a-file");
    await source({ oidcTokenFilePath: join(folder, "token") }).token("graph");
    expect(entra.forms[0]?.client_assertion).toBe("job-of-a-file");
  });

  it("takes the identity of a job in GitHub Actions", async () => {
    const github = await startEntra();
    const variables = {
      ACTIONS_ID_TOKEN_REQUEST_URL: `${github.origin}/oidc?api-version=2.0`,
      ACTIONS_ID_TOKEN_REQUEST_TOKEN: "of-the-runner",
    };
    try {
      await source({ useOidc: "true" }, variables).token("graph");
    } finally {
      await github.stop();
    }
    expect(entra.forms[0]?.client_assertion).toBe("job-of-github");
    expect(github.paths).toContain("/oidc");
  });

  it("takes the service connection of Azure Pipelines", async () => {
    const variables = {
      SYSTEM_OIDCREQUESTURI: `${entra.origin}/oidc`,
      SYSTEM_ACCESSTOKEN: "of-the-pipeline",
      AZURESUBSCRIPTION_SERVICE_CONNECTION_ID: CONNECTION,
    };
    Object.assign(process.env, variables);
    await source({ useOidc: "true" }, variables).token("graph");
    expect(entra.forms[0]?.client_assertion).toBe("job-of-pipelines");
  });

  describe("that does not know the key of a job's token", () => {
    const words =
      "AADSTS7000272: The certificate with identifier 'key-2' used to sign the federated credential could not be found in the metadata of identity provider 'x'.\r\nTrace ID: 0";
    const refusal = { error: "invalid_client", error_description: words, error_codes: [7000272] };
    const federated = (settleTimeout: string) => {
      writeFileSync(join(folder, "token"), "job-of-a-file");
      return source({ oidcTokenFilePath: join(folder, "token"), settleTimeout });
    };

    it("is asked again, because it learns a rotated key after a while", async () => {
      entra.refuse(401, refusal, 1);
      expect(await federated("60s").token("graph")).toBe("token-2");
    });

    it("is waited for no longer than for a write, and the issuer is asked about", async () => {
      entra.refuse(401, refusal);
      const error = await failureOf(federated("1s").token("graph"));
      expect(error.message).toMatch(/AADSTS7000272: .*is the issuer of the federated credential this CI system's\?/);
      expect(entra.forms.length).toBeGreaterThanOrEqual(2);
    });
  });

  it("that refuses a secret out of the state says that the environment wins, and what was looked for", async () => {
    entra.refuse(401, { error: "invalid_client", error_description: AADSTS, error_codes: [7000215] });
    const error = await failureOf(source({ clientSecret: "stale-secret-value" }).token("graph"));
    expect(error.message).toMatch(/with a client secret: AADSTS7000215: Invalid client secret provided/);
    expect(error.message).toMatch(/set AZURE_CLIENT_SECRET, which wins over `mailboxes:clientSecret`/);
    expect(error.message).toMatch(/Set: mailboxes:tenantId, mailboxes:clientId, mailboxes:clientSecret\./);
    expect(error.message).toMatch(/not set: .*AZURE_CLIENT_SECRET/);
    expect(error.message).not.toContain("stale-secret-value");
  });

  it("that refuses a secret of the environment does not", async () => {
    entra.refuse(401, { error: "invalid_client", error_description: AADSTS, error_codes: [7000215] });
    const error = await failureOf(source({}, { AZURE_CLIENT_SECRET: "stale-secret-value" }).token("graph"));
    expect(error.message).not.toMatch(/which wins/);
  });

  it("that does not answer is not blamed on the application", async () => {
    const tokens = source({ clientSecret: "a-long-secret" });
    await tokens.token("graph");
    await entra.stop();
    const error = await failureOf(tokens.token("exchange"));
    expect(error.message).toMatch(
      /Nothing is known about the credential: no answer came\. Can this machine reach https:/,
    );
    expect(error.message).not.toContain("Check the application");
    entra = await startEntra(keys);
  });

  it("whose certificate is not trusted says how to trust it", async () => {
    entra.distrust();
    const error = await failureOf(source({ clientSecret: "a-long-secret" }).token("graph"));
    expect(error.message).toMatch(/NODE_EXTRA_CA_CERTS/);
  });

  it("needs a certificate that is there", async () => {
    const error = await failureOf(source({ clientCertificatePath: "missing.pem" }).token("graph"));
    expect(error.message).toMatch(/with a client certificate: .*missing\.pem/);
  });

  it("needs a tenant", async () => {
    const error = await failureOf(createTokenSource(configured({})).token("graph"));
    expect(error.message).toMatch(
      /neither mailboxes:tenantId nor AZURE_TENANT_ID is set\. Set `mailboxes:localTenant` to try/,
    );
  });

  it("needs an environment for Dataverse", async () => {
    const error = await failureOf(createTokenSource(configured(IDS)).token("dataverse"));
    expect(error.message).toMatch(/no Dataverse environment is named\. Set `mailboxes:environmentUrl`/);
  });
});
