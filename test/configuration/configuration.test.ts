import { defaultDeletes, readConfiguration, withLocalOrigin } from "../../provider/configuration/configuration";
import { InputError } from "../../provider/http/errors";

const TENANT = "11111111-1111-4111-8111-111111111111";
const CLIENT = "22222222-2222-4222-8222-222222222222";
const OTHER = "33333333-3333-4333-8333-333333333333";
const ROOT = "/project";
const IDS = { tenantId: TENANT, clientId: CLIENT };

function read(config: Record<string, string>, environment: NodeJS.ProcessEnv = {}) {
  return readConfiguration(
    (key) => config[key],
    Object.keys(config),
    environment,
    () => ROOT,
  );
}

function problems(config: Record<string, string>, environment: NodeJS.ProcessEnv = {}): string[] {
  try {
    read(config, environment);
  } catch (error) {
    if (error instanceof InputError) {
      return error.problems.map(({ path, reason }) => `${path}: ${reason}`);
    }
    throw error;
  }
  return [];
}

describe("without any setting", () => {
  it("everything is Microsoft's public cloud, and the credential Azure's default", () => {
    expect(read({})).toEqual({
      endpoints: {
        login: "https://login.microsoftonline.com",
        graph: "https://graph.microsoft.com",
        exchange: "https://outlook.office365.com",
      },
      credential: { kind: "default", lookedFor: expect.any(Array) },
      cloud: "public",
      settleTimeout: 600_000,
      maxConcurrency: 10,
      maxMailboxDeletes: defaultDeletes(),
    });
  });

  it("the brake on deletions is below the four that Pulumi sends at a time on one core", () => {
    expect([1, 2, 64].map((cores) => defaultDeletes(cores))).toEqual([3, 5, 5]);
  });
});

describe("a value", () => {
  it("may be plain or a JSON string", () => {
    expect(read({ tenantId: `"${TENANT}"`, clientId: ` ${CLIENT.toUpperCase()} ` })).toMatchObject({
      tenantId: TENANT,
      credential: { clientId: CLIENT },
    });
  });

  it.each(["localTenant", "tenantId", "clientId", "cloud", "endpoints", "maxMailboxDeletes"])(
    "that is written and empty is a mistake, never the default: %s",
    (key) => {
      for (const value of ["", " ", '""']) {
        expect(problems({ [key]: value })).toEqual([
          `mailboxes:${key}: is empty; give it a value, or remove it (\`pulumi config rm\`)`,
        ]);
      }
    },
  );

  it.each(["cloud", "clientCertificatePath", "environmentUrl", "endpoints"])(
    "that is written and empty is a mistake beside a local tenant too, which does not look at it: %s",
    (key) => {
      expect(problems({ localTenant: "http://127.0.0.1:5080", [key]: "" })).toContain(
        `mailboxes:${key}: is empty; give it a value, or remove it (\`pulumi config rm\`)`,
      );
    },
  );

  it.each([
    "MAILBOXES_LOCAL_TENANT",
    "AZURE_TENANT_ID",
    "AZURE_CLIENT_ID",
    "AZURE_CLIENT_SECRET",
    "AZURE_CLOUD",
    "DATAVERSE_URL",
  ])("that is set and empty in the environment is a mistake: %s", (variable) => {
    expect(problems({}, { [variable]: "" })).toEqual([`${variable}: is set and empty; give it a value, or unset it`]);
  });

  it("that is empty in the environment does not matter where the stack says it, nor in a local tenant", () => {
    expect(problems({ tenantId: TENANT, clientId: CLIENT, cloud: "public" }, { AZURE_CLOUD: "" })).toEqual([]);
    expect(problems({ localTenant: "t.jsonl" }, { AZURE_TENANT_ID: "", DATAVERSE_URL: "" })).toEqual([]);
  });

  it.each([
    [".", /must name a file, not a folder/],
    ["..", /must name a file, not a folder/],
    ["./", /must name a file, not a folder/],
    ["state/", /must name a file, not a folder/],
    ["state/..", /must name a file, not a folder/],
    ["~/contoso.jsonl", /must be written without ~/],
    ["$HOME/contoso.jsonl", /must be written without variables/],
    ["%USERPROFILE%\\contoso.jsonl", /must be written without variables/],
    ["C:\\tenants\\contoso.jsonl", /is a Windows path/],
    ["\\\\server\\contoso.jsonl", /is a Windows path/],
  ])("that should be a file and cannot be is refused: %s", (value, reason) => {
    expect(problems({ localTenant: value })).toEqual([expect.stringMatching(reason)]);
    expect(problems({ tenantId: TENANT, clientId: CLIENT, clientCertificatePath: value })).toEqual([
      expect.stringMatching(reason),
    ]);
  });

  it("comes from the stack before the environment", () => {
    const environment = { AZURE_TENANT_ID: OTHER, AZURE_CLIENT_ID: OTHER, DATAVERSE_URL: "https://b.crm.dynamics.com" };
    expect(read({ tenantId: TENANT, environmentUrl: "https://a.crm.dynamics.com/" }, environment)).toMatchObject({
      tenantId: TENANT,
      environmentUrl: "https://a.crm.dynamics.com",
      credential: { clientId: OTHER },
    });
  });

  it("that raises a limit for one run comes from the environment first: destroy reads the stack's from the state", () => {
    expect(read({ maxMailboxDeletes: "5" }, { MAILBOXES_MAX_MAILBOX_DELETES: "40" })).toMatchObject({
      maxMailboxDeletes: 40,
    });
  });

  it.each<[string, string, number]>([
    ["settleTimeout", "90", 90_000],
    ["settleTimeout", "90s", 90_000],
    ["settleTimeout", "2.5 m", 150_000],
    ["settleTimeout", '"1h"', 3_600_000],
    ["maxConcurrency", "7", 7],
    ["maxMailboxDeletes", "0", 0],
  ])("%s: %s", (key, value, expected) => {
    expect(read({ [key]: value })).toMatchObject({ [key]: expected });
  });

  it.each<[string, string, RegExp]>([
    ["tenantId", "contoso", /^mailboxes:tenantId: must be the tenant's GUID or one of its domains/],
    ["clientId", "my app", /^mailboxes:clientId: must be a GUID/],
    ["useOidc", "yes", /^mailboxes:useOidc: must be true or false/],
    ["cloud", "mars", /^mailboxes:cloud: must be one of public, usgovernment/],
    ["settleTimeout", "soon", /^mailboxes:settleTimeout: must be a duration/],
    ["settleTimeout", "0", /^mailboxes:settleTimeout: must be a duration/],
    ["maxConcurrency", "0", /^mailboxes:maxConcurrency: must be at least 1/],
    ["maxConcurrency", "many", /^mailboxes:maxConcurrency: must be a whole number/],
    ["maxMailboxDeletes", "1.5", /^mailboxes:maxMailboxDeletes: must be a whole number/],
    ["environmentUrl", "org.crm4.dynamics.com", /^mailboxes:environmentUrl: must be a URL/],
    ["environmentUrl", "http://org.crm4.dynamics.com", /^mailboxes:environmentUrl: must begin with https/],
    ["environmentUrl", "https://org.crm4.dynamics.com/api/data/v9.2", /must end after the host: https:\/\/org/],
    ["endpoints", "https://proxy.contoso.com", /^mailboxes:endpoints: must be an object/],
    ["endpoints", '{"graph":"nowhere"}', /^mailboxes:endpoints\.graph: must be a URL/],
    ["endpoints", '{"grph":"https://proxy.contoso.com"}', /^mailboxes:endpoints: .*grph/],
    ["localTenant", "http://tenant.contoso.com:8080", /^mailboxes:localTenant: must be the path of a journal/],
    ["tenantID", TENANT, /^mailboxes:tenantID: is not a setting.*do you mean mailboxes:tenantId\?/],
    ["mailboxes:colour", "blue", /^mailboxes:colour: is not a setting.*the keys are localTenant/],
  ])("%s: %s is a mistake, named by its key", (key, value, expected) => {
    expect(problems({ [key]: value })).toEqual([expect.stringMatching(expected)]);
  });

  it("that is a mistake in the environment is named by its variable", () => {
    expect(problems({}, { AZURE_CLIENT_ID: "x" })).toEqual([expect.stringMatching(/^AZURE_CLIENT_ID: must be a GUID/)]);
  });

  it("all mistakes are told at once", () => {
    expect(problems({ cloud: "mars", maxConcurrency: "0", nonsense: "1" })).toHaveLength(3);
  });
});

describe("the credential", () => {
  const github = {
    ACTIONS_ID_TOKEN_REQUEST_URL: "https://token.contoso.com/x",
    ACTIONS_ID_TOKEN_REQUEST_TOKEN: "abcdefgh",
  };
  const pipelines = {
    SYSTEM_OIDCREQUESTURI: "https://dev.contoso.com/oidc",
    SYSTEM_ACCESSTOKEN: "abcdefgh",
    AZURESUBSCRIPTION_SERVICE_CONNECTION_ID: OTHER,
  };
  const azure = { AZURE_TENANT_ID: TENANT, AZURE_CLIENT_ID: CLIENT };

  it.each<[string, Record<string, string>, NodeJS.ProcessEnv, object]>([
    [
      "a secret of the stack",
      { ...IDS, clientSecret: "from-stack" },
      {},
      { kind: "clientSecret", clientSecret: "from-stack", secretFrom: "mailboxes:clientSecret" },
    ],
    [
      "a secret of the environment",
      {},
      { ...azure, AZURE_CLIENT_SECRET: "from-env" },
      { kind: "clientSecret", clientSecret: "from-env", secretFrom: "AZURE_CLIENT_SECRET" },
    ],
    [
      "the environment's secret before the stack's",
      { ...IDS, clientSecret: "stale" },
      { AZURE_CLIENT_SECRET: "renewed" },
      { kind: "clientSecret", clientSecret: "renewed", secretFrom: "AZURE_CLIENT_SECRET" },
    ],
    [
      "the same for the same application",
      { ...IDS, clientSecret: "stale" },
      { ...azure, AZURE_CLIENT_SECRET: "renewed" },
      { clientSecret: "renewed" },
    ],
    [
      "but not a secret of another application",
      { ...IDS, clientSecret: "own-secret" },
      { AZURE_CLIENT_ID: OTHER, AZURE_CLIENT_SECRET: "foreign" },
      { clientId: CLIENT, clientSecret: "own-secret" },
    ],
    [
      "nor another application's secret alone",
      IDS,
      { AZURE_CLIENT_ID: OTHER, AZURE_CLIENT_SECRET: "foreign" },
      { kind: "default", clientId: CLIENT },
    ],
    [
      "a certificate, relative to Pulumi.yaml",
      { ...IDS, clientCertificatePath: "keys/app.pem" },
      {},
      { kind: "certificate", certificatePath: "/project/keys/app.pem" },
    ],
    [
      "a certificate with the environment's password",
      { ...IDS, clientCertificatePath: "/k.pfx", clientCertificatePassword: "old-password" },
      { AZURE_CLIENT_CERTIFICATE_PASSWORD: "new-password" },
      { kind: "certificate", certificatePath: "/k.pfx", certificatePassword: "new-password" },
    ],
    [
      "the stack's certificate before the environment's secret",
      { ...IDS, clientCertificatePath: "/k.pem" },
      { ...azure, AZURE_CLIENT_SECRET: "from-env" },
      { kind: "certificate" },
    ],
    [
      "the environment's secret before its certificate",
      {},
      { ...azure, AZURE_CLIENT_SECRET: "from-env", AZURE_CLIENT_CERTIFICATE_PATH: "/k.pem" },
      { kind: "clientSecret" },
    ],
    [
      "GitHub Actions",
      { ...IDS, useOidc: "true" },
      github,
      { kind: "githubActions", requestUrl: github.ACTIONS_ID_TOKEN_REQUEST_URL },
    ],
    [
      "GitHub Actions before the environment's secret",
      { ...IDS, useOidc: "true" },
      { ...github, AZURE_CLIENT_SECRET: "from-env" },
      { kind: "githubActions" },
    ],
    ["OIDC by the environment", {}, { ...azure, ...github, ARM_USE_OIDC: "true" }, { kind: "githubActions" }],
    [
      "a stack's secret before OIDC by the environment",
      { ...IDS, clientSecret: "from-stack" },
      { ...github, ARM_USE_OIDC: "true" },
      { kind: "clientSecret" },
    ],
    ["Azure Pipelines", { ...IDS, useOidc: "true" }, pipelines, { kind: "azurePipelines", serviceConnectionId: OTHER }],
    [
      "a token file of the stack",
      { ...IDS, oidcTokenFilePath: "token" },
      {},
      { kind: "tokenFile", tokenFilePath: "/project/token" },
    ],
    [
      "a token file of the environment",
      {},
      { ...azure, AZURE_FEDERATED_TOKEN_FILE: "/var/run/token" },
      { kind: "tokenFile", tokenFilePath: "/var/run/token" },
    ],
    [
      "a token file before GitHub's own",
      { ...IDS, useOidc: "true", oidcTokenFilePath: "token" },
      github,
      { kind: "tokenFile" },
    ],
    [
      "no OIDC where it is turned off",
      { useOidc: "false" },
      { ...azure, AZURE_FEDERATED_TOKEN_FILE: "/t" },
      { kind: "default" },
    ],
    ["nothing", IDS, {}, { kind: "default", clientId: CLIENT }],
  ])("is %s", (_name, config, environment, expected) => {
    expect(read(config, environment).credential).toMatchObject(expected);
  });

  it.each<[string, Record<string, string>, NodeJS.ProcessEnv, RegExp]>([
    [
      "a secret without its application",
      { tenantId: TENANT, clientSecret: "from-stack" },
      {},
      /^mailboxes:clientId: is needed for mailboxes:clientSecret \(or set AZURE_CLIENT_ID\)/,
    ],
    [
      "a secret without its tenant",
      { clientId: CLIENT },
      { AZURE_CLIENT_SECRET: "from-env" },
      /^mailboxes:tenantId: is needed for AZURE_CLIENT_SECRET/,
    ],
    [
      "two credentials",
      { ...IDS, clientSecret: "from-stack", clientCertificatePath: "/k" },
      {},
      /^mailboxes:clientCertificatePath: cannot be set together with mailboxes:clientSecret/,
    ],
    [
      "OIDC and a secret",
      { ...IDS, clientSecret: "from-stack", useOidc: "true" },
      github,
      /^mailboxes:useOidc: cannot be true together with mailboxes:clientSecret/,
    ],
    [
      "a token file without OIDC",
      { ...IDS, useOidc: "false", oidcTokenFilePath: "t" },
      {},
      /^mailboxes:oidcTokenFilePath: has no effect/,
    ],
    [
      "a password without its certificate",
      { clientCertificatePassword: "new-password" },
      {},
      /^mailboxes:clientCertificatePassword: needs mailboxes:clientCertificatePath/,
    ],
    [
      "OIDC outside of CI",
      { ...IDS, useOidc: "true" },
      {},
      /^mailboxes:useOidc: no CI token was found.*id-token: write/,
    ],
    [
      "Azure Pipelines without its token",
      { ...IDS, useOidc: "true" },
      { ...pipelines, SYSTEM_ACCESSTOKEN: "" },
      /^mailboxes:useOidc: .*SYSTEM_ACCESSTOKEN not set/,
    ],
  ])("cannot be %s", (_name, config, environment, expected) => {
    expect(problems(config, environment)).toContainEqual(expect.stringMatching(expected));
  });

  it("says what was looked for, never a value", () => {
    const { credential } = read({ ...IDS, clientSecret: "from-stack-secret" }, { AZURE_TENANT_ID: TENANT });
    expect(credential.lookedFor).toContainEqual({ name: "mailboxes:clientSecret", isSet: true });
    expect(credential.lookedFor).toContainEqual({ name: "AZURE_CLIENT_SECRET", isSet: false });
    expect(JSON.stringify(credential.lookedFor)).not.toMatch(/from-stack-secret|1111/);
  });
});

describe("the hosts", () => {
  it.each([
    ["usgovernment", "https://graph.microsoft.us", "https://login.microsoftonline.us", "https://outlook.office365.us"],
    [
      "usgovernmentdod",
      "https://dod-graph.microsoft.us",
      "https://login.microsoftonline.us",
      "https://outlook-dod.office365.us",
    ],
    [
      "china",
      "https://microsoftgraph.chinacloudapi.cn",
      "https://login.chinacloudapi.cn",
      "https://outlook.office365.cn",
    ],
  ])("follow the cloud %s", (cloud, graph, login, exchange) => {
    expect(read({ cloud }).endpoints).toEqual({ graph, login, exchange });
  });

  it("may be named as Azure's tools name the cloud", () => {
    expect(read({}, { AZURE_CLOUD: "AzureUSGovernment" }).cloud).toBe("usgovernment");
  });

  it("may be others, each by itself", () => {
    expect(read({ endpoints: '{"graph":"https://proxy.contoso.com"}' }).endpoints).toMatchObject({
      graph: "https://proxy.contoso.com",
      login: "https://login.microsoftonline.com",
    });
    expect(read({ endpoints: '{"login":"http://127.0.0.1:8080/"}' }).endpoints.login).toBe("http://127.0.0.1:8080");
  });

  it("of Dataverse must be in the same cloud", () => {
    expect(problems({ cloud: "china", environmentUrl: "https://org.crm4.dynamics.com" })).toEqual([
      expect.stringMatching(/^mailboxes:environmentUrl: org\.crm4\.dynamics\.com is in the cloud "public"/),
    ]);
    expect(problems({ environmentUrl: "https://org.crm9.dynamics.com" })).toEqual([]);
  });
});

describe("a local tenant", () => {
  const azure = {
    AZURE_TENANT_ID: TENANT,
    AZURE_CLIENT_ID: CLIENT,
    AZURE_CLIENT_SECRET: "of-the-real-tenant",
    AZURE_CLOUD: "china",
    DATAVERSE_URL: "https://org.crm.dynamics.cn",
    ARM_USE_OIDC: "true",
  };
  const application = {
    kind: "localTenant",
    clientId: "10ca17e4-a000-4000-8000-000000000002",
    clientSecret: "local-tenant-secret",
  };

  it("in a journal needs nothing else, and nothing of the environment leaks in", () => {
    const configuration = read({ localTenant: "tenant.jsonl" }, azure);
    expect(configuration).toMatchObject({
      localTenant: { kind: "journal", path: "/project/tenant.jsonl" },
      credential: application,
      cloud: "public",
    });
    expect(configuration.environmentUrl).toBeUndefined();
    expect(configuration.tenantId).toBeUndefined();
    expect(JSON.stringify(configuration)).not.toMatch(/microsoft|dynamics|of-the-real-tenant/);
  });

  it("that is served needs no folder of a project, and neither does a secret: nothing looks for one", () => {
    const asked = (config: Record<string, string>) => {
      const root = jest.fn(() => ROOT);
      readConfiguration((key) => config[key], Object.keys(config), {}, root);
      return root.mock.calls.length;
    };
    expect(asked({ localTenant: "http://127.0.0.1:4711" })).toBe(0);
    expect(asked({ ...IDS, clientSecret: "of-the-real-tenant" })).toBe(0);
    expect(asked({ localTenant: "tenant.jsonl" })).toBe(1);
  });

  it("gets its origin and id when it runs, and the stack's id wins", () => {
    const configuration = withLocalOrigin(read({ localTenant: "tenant.jsonl" }), "http://127.0.0.1:4711", OTHER);
    const named = read({ localTenant: "tenant.jsonl", tenantId: TENANT });
    expect(withLocalOrigin(named, "http://127.0.0.1:4711", OTHER).tenantId).toBe(TENANT);
    expect(configuration).toMatchObject({
      tenantId: OTHER,
      endpoints: { login: "http://127.0.0.1:4711", graph: "http://127.0.0.1:4711", exchange: "http://127.0.0.1:4711" },
      environmentUrl: "http://127.0.0.1:4711",
    });
  });

  it("that is being served has its origin", () => {
    expect(read({}, { MAILBOXES_LOCAL_TENANT: "http://127.0.0.1:4711/" })).toMatchObject({
      localTenant: { kind: "served", origin: "http://127.0.0.1:4711" },
      endpoints: { graph: "http://127.0.0.1:4711" },
      environmentUrl: "http://127.0.0.1:4711",
    });
  });

  it("may be signed in to as another of its applications", () => {
    expect(read({ localTenant: "t.jsonl", clientId: OTHER, clientSecret: "another-secret" }).credential).toMatchObject({
      clientId: OTHER,
      clientSecret: "another-secret",
    });
  });

  it("leaves aside how the same program signs in to Microsoft", () => {
    expect(read({ localTenant: "t.jsonl", useOidc: "true" }).credential).toMatchObject(application);
  });

  it.each([
    [
      { localTenant: "t.jsonl", endpoints: '{"graph":"https://proxy.contoso.com"}' },
      /^mailboxes:endpoints: cannot be set together with mailboxes:localTenant/,
    ],
    [
      { localTenant: "t.jsonl", environmentUrl: "https://org.crm4.dynamics.com" },
      /^mailboxes:environmentUrl: is outside the local tenant/,
    ],
    [
      { localTenant: "http://127.0.0.1:1", environmentUrl: "http://127.0.0.1:2" },
      /^mailboxes:environmentUrl: is outside the local tenant/,
    ],
  ])("does not go with another place: %j", (config, expected) => {
    expect(problems(config)).toEqual([expect.stringMatching(expected)]);
  });
});
