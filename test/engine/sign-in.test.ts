import { readFileSync } from "node:fs";
import { join } from "node:path";
import { generate } from "selfsigned";
import { clone, createProject, type Project, type Run, type ServedTenant, startTenant } from "./harness";
import { forwardMailboxes, mailboxWith, rightsOn } from "./view";

const example = readFileSync(join(clone, "examples", "first", "index.ts"), "utf8");
const secret = "local-tenant-secret";
const rotated = "rotated-secret-of-the-application";

describe("the first example, unchanged, signed in as to Microsoft", () => {
  let tenant: ServedTenant;
  let project: Project;

  /** The stack's configuration: Microsoft's hosts replaced by the tenant's https origin, and nothing about credentials. */
  function endpoints(origin = tenant.httpsOrigin ?? ""): Record<string, unknown> {
    return {
      "mailboxes:endpoints": { login: origin, graph: origin, exchange: origin },
      "mailboxes:environmentUrl": origin,
      "mailboxes:settleTimeout": "20s",
    };
  }

  /** What a CI job has in its environment. */
  function environment(credential: Record<string, string> = {}): Record<string, string> {
    return {
      NODE_EXTRA_CA_CERTS: tenant.certificate,
      AZURE_TENANT_ID: tenant.tenantId,
      AZURE_CLIENT_ID: tenant.clientId,
      ...credential,
    };
  }

  function up(env: Record<string, string>): Promise<Run> {
    return project.deploy("up", ["--yes", "--skip-preview"], { env });
  }

  async function tokenForms(): Promise<Record<string, unknown>[]> {
    const requests = await tenant.requests({ service: "login", method: "POST" });
    return requests.map(
      ({ body }) =>
        (typeof body === "string" ? Object.fromEntries(new URLSearchParams(body)) : body) as Record<string, unknown>,
    );
  }

  /** The errors of a run, the closing line of the CLI left out. */
  function errors({ diagnostics }: Run): string[] {
    return diagnostics
      .filter(
        ({ severity, message }) => severity === "error" && !/^(error: )?(preview|update) failed\s*$/.test(message),
      )
      .map(({ message }) => message.trim());
  }

  beforeAll(async () => {
    tenant = await startTenant({ https: true });
  });

  beforeEach(async () => {
    await tenant.reset();
    project = await createProject(example, { config: endpoints(), secrets: "passphrase" });
  });

  afterEach(() => project.remove());
  afterAll(() => tenant.remove());

  test("with a secret, then with a certificate in its place", async () => {
    expect(await up(environment({ AZURE_CLIENT_SECRET: secret }))).toMatchObject({
      exitCode: 0,
      summary: { create: 6 },
    });
    expect(Object.keys(await rightsOn(tenant, "support@contoso.com")).sort()).toEqual([
      "ada@contoso.com",
      "grace@contoso.com",
    ]);
    expect(await mailboxWith(tenant, "forwardmailbox@contoso.com")).toMatchObject({
      hiddenFromAddressListsEnabled: true,
    });
    expect(await forwardMailboxes(tenant)).toHaveLength(1);
    // One token for each service, however many resources there are.
    const forms = await tokenForms();
    expect(forms.map(({ scope }) => String(scope).split(" ")[0]).sort()).toEqual(
      [
        "https://graph.microsoft.com/.default",
        "https://outlook.office365.com/.default",
        `${tenant.httpsOrigin}/.default`,
      ].sort(),
    );
    expect(project.stateText()).not.toMatch(new RegExp(`${secret}|eyJ`));

    const made = await generate([{ name: "commonName", value: "pulumi-mailboxes" }], { keySize: 2048 });
    await tenant.patch("applications", tenant.clientId, { certificates: [made.cert], secret: "another one" });
    await tenant.clearRequests();
    const certificate = project.write("application.pem", `${made.private}\n${made.cert}`);
    const again = await up(environment({ AZURE_CLIENT_CERTIFICATE_PATH: certificate }));
    expect(again).toMatchObject({ exitCode: 0, summary: { same: 6 } });
    // An unchanged deployment needs no service; a refresh reads all three.
    const refresh = await project.deploy("refresh", ["--yes", "--skip-preview"], {
      env: environment({ AZURE_CLIENT_CERTIFICATE_PATH: certificate }),
    });
    expect(refresh).toMatchObject({ exitCode: 0, changes: [] });
    const assertions = await tokenForms();
    expect(assertions.length).toBeGreaterThan(0);
    expect(assertions.every((form) => "client_assertion" in form && !("client_secret" in form))).toBe(true);
  });

  test("a wrong secret is one error, said once", async () => {
    const run = await up(environment({ AZURE_CLIENT_SECRET: "wrong" }));
    expect(run.exitCode).not.toBe(0);
    const told = errors(run).filter((message) => message.includes("AADSTS7000215"));
    expect(told).toHaveLength(1);
    expect(told[0]).toMatch(/signing in to .*with a client secret: AADSTS7000215.*AZURE_CLIENT_SECRET/s);
    // Nobody tries a wrong secret once a resource: accounts get locked by that.
    expect((await tokenForms()).length).toBeLessThanOrEqual(3);
    expect(run.output).not.toMatch(/\n\s+at /);
    expect(await tenant.requests({ service: "exchange" })).toEqual([]);
  });

  test("no credential at all says in a plain preview that up will fail", async () => {
    const preview = await project.deploy("preview", [], { env: { NODE_EXTRA_CA_CERTS: tenant.certificate } });
    expect(preview.exitCode).toBe(0);
    const told = preview.diagnostics.filter(({ message }) => message.includes("`pulumi up` will fail"));
    expect(told).toMatchObject([{ severity: "warning" }]);
    expect(await tenant.requests()).toEqual([]);
  });

  test("no credential at all says once which variables were looked for", async () => {
    const run = await up({ NODE_EXTRA_CA_CERTS: tenant.certificate });
    expect(run.exitCode).not.toBe(0);
    const told = errors(run).filter((message) => message.includes("AZURE_CLIENT_SECRET"));
    expect(told).toHaveLength(1);
    for (const name of [
      "AZURE_TENANT_ID",
      "AZURE_CLIENT_ID",
      "AZURE_CLIENT_CERTIFICATE_PATH",
      "AZURE_FEDERATED_TOKEN_FILE",
      "mailboxes:tenantId",
      "mailboxes:localTenant",
    ]) {
      expect(told[0]).toContain(name);
    }
    expect(await tenant.requests()).toEqual([]);
  });

  test("an endpoint nobody answers at is named with its key", async () => {
    const origin = tenant.httpsOrigin;
    // Nobody listens below port 1024 who has not been told to.
    const deserted = "https://127.0.0.1:2";
    project.configure({
      ...endpoints(),
      "mailboxes:endpoints": { login: origin, graph: origin, exchange: deserted },
    });
    const run = await up(environment({ AZURE_CLIENT_SECRET: secret }));
    expect(run.exitCode).not.toBe(0);
    const told = errors(run).filter((message) => message.includes(new URL(deserted).host));
    expect(told.length).toBeGreaterThan(0);
    expect(told[0]).toContain("cannot be reached");
    expect(told[0]).toContain("mailboxes:endpoints");
    expect((await tenant.requests({ writes: "true" })).filter(({ service }) => service !== "login")).toEqual([]);
  });

  test("a secret renewed after the deployment: refresh and destroy take the one of the environment", async () => {
    project.configure({ ...endpoints(), "mailboxes:tenantId": tenant.tenantId, "mailboxes:clientId": tenant.clientId });
    expect(
      (await project.run("config", "set", "--secret", "mailboxes:clientSecret", secret, "--stack", project.stack))
        .exitCode,
    ).toBe(0);
    const trusted = { NODE_EXTRA_CA_CERTS: tenant.certificate };
    expect(await up(trusted)).toMatchObject({ exitCode: 0 });
    expect(project.stateText()).not.toContain(secret);

    await tenant.patch("applications", tenant.clientId, { secret: rotated });
    const stale = await project.deploy("refresh", ["--yes", "--skip-preview"], { env: trusted });
    expect(stale.exitCode).not.toBe(0);
    expect(stale.changes.filter(({ op }) => op === "delete")).toEqual([]);
    const told = errors(stale).filter((message) => message.includes("AADSTS7000215"));
    expect(told).toHaveLength(1);
    expect(told[0]).toContain("AZURE_CLIENT_SECRET");

    const env = { ...trusted, AZURE_CLIENT_SECRET: rotated };
    const fresh = await project.deploy("refresh", ["--yes", "--skip-preview"], { env });
    expect(fresh).toMatchObject({ exitCode: 0, changes: [] });
    expect(await project.deploy("destroy", ["--yes", "--skip-preview"], { env })).toMatchObject({ exitCode: 0 });
    expect(await forwardMailboxes(tenant)).toEqual([]);
    expect(project.stateText()).not.toMatch(new RegExp(`${secret}|${rotated}`));
  });
});
