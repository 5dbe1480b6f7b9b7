import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readConfiguration, withLocalOrigin } from "../../provider/configuration/configuration";
import { createTokenSource } from "../../provider/http/credentials";
import { isClass } from "../../provider/http/errors";
import { Pipeline, pipelineOptions } from "../../provider/http/pipeline";
import { openLocalTenant } from "../../provider/local-tenant/embedded";
import { CMDLET, failureOf, READ, within } from "./service";

describe("against a local tenant", () => {
  let folder: string;
  let tenant: Awaited<ReturnType<typeof openLocalTenant>>;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "mailboxes-pipeline-"));
    tenant = await openLocalTenant(join(folder, "tenant.jsonl"));
  });
  afterAll(async () => {
    await tenant.close();
    rmSync(folder, { recursive: true });
  });

  function connect(config: Record<string, string> = {}): Pipeline {
    const all: Record<string, string> = { localTenant: "tenant.jsonl", ...config };
    const configuration = withLocalOrigin(
      readConfiguration(
        (key) => all[key],
        Object.keys(all),
        {},
        () => folder,
      ),
      tenant.origin,
      tenant.tenantId,
    );
    return new Pipeline(pipelineOptions(configuration, createTokenSource(configuration)));
  }

  const cmdlet = (name: string, parameters: object) => ({
    ...CMDLET,
    path: "/adminapi/beta/10ca17e4-a000-4000-8000-000000000001/InvokeCommand",
    cmdlet: name,
    body: { CmdletInput: { CmdletName: name, Parameters: parameters } },
  });

  it("all three services answer", async () => {
    const pipeline = connect();
    const user = await pipeline.send(READ, within(60_000));
    expect(user.body).toMatchObject({ userPrincipalName: "ada@contoso.com" });
    const domains = await pipeline.send(cmdlet("Get-AcceptedDomain", {}), within(60_000));
    expect(domains.body).toMatchObject({
      value: expect.arrayContaining([expect.objectContaining({ DomainName: "contoso.com" })]),
    });
    const me = await pipeline.send({ ...READ, service: "dataverse", path: "/api/data/v9.2/WhoAmI" }, within(60_000));
    expect(me.body).toMatchObject({ OrganizationId: expect.any(String) });
  });

  it("no more than four requests are in flight in one mailbox of Graph", async () => {
    const control = (method: string, path: string, body?: unknown) =>
      fetch(`${tenant.origin}/_tenant/${path}`, {
        method,
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
    await control("PATCH", "settings", { outlookLatency: 30 });
    await control("DELETE", "requests");
    const pipeline = connect();
    const paths = ["ada", "grace"].flatMap((name) => Array(12).fill(`/v1.0/users/${name}@contoso.com/mailboxSettings`));
    const answers = await Promise.all(paths.map((path) => pipeline.send({ ...READ, path }, within(30_000))));
    expect(answers.map(({ status }) => status)).toEqual(paths.map(() => 200));
    const counts = (await (await control("GET", "requests/counts")).json()) as Record<string, unknown>;
    expect(counts).toMatchObject({ tooEarly: 0, byStatus: { 200: paths.length + 1 } });
    expect(pipeline.usage).toMatchObject({ requests: paths.length, cmdlets: 0, throttled: 0 });
  });

  it("its refusals are classified", async () => {
    const pipeline = connect();
    const ghost = "ghost@contoso.com";
    const errors = await Promise.all([
      failureOf(pipeline.send({ ...READ, path: `/v1.0/users/${ghost}` }, within(60_000))),
      failureOf(pipeline.send(cmdlet("Get-Mailbox", { Identity: ghost }), within(60_000))),
      failureOf(
        pipeline.send(
          { ...READ, service: "dataverse", path: "/api/data/v9.2/mailboxes(00000000-0000-4000-8000-00000000dead)" },
          within(60_000),
        ),
      ),
    ]);
    expect(errors.map((error) => [error.name, isClass(error, "notFound")])).toEqual([
      ["GraphError", true],
      ["ExchangeError", true],
      ["DataverseError", true],
    ]);
    const unknown = await failureOf(pipeline.send(cmdlet("Get-Nothing", {}), within(60_000)));
    expect(unknown).toMatchObject({ class: "forbidden", words: "HTTP 403 Forbidden" });
  });

  it("a wrong secret is told once, with Entra's number", async () => {
    const error = await failureOf(connect({ clientSecret: "a-wrong-secret" }).send(READ, within(60_000)));
    expect(error.name).toBe("TokenError");
    expect(error.message).toMatch(/AADSTS7000215.*mailboxes:clientSecret/s);
    expect(error.message).not.toContain("a-wrong-secret");
  });
});
