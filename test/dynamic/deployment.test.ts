import { existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Recorder } from "../../provider/core/memory";
import { openDeployment, operationOf } from "../../provider/dynamic/deployment";
import { EngineLog } from "../../provider/dynamic/engine";
import { isProviderError } from "../../provider/http/errors";
import { mailboxMembership } from "../../provider/kinds/mailbox-membership/reconciler";
import { startLocalTenant } from "../../provider/local-tenant/server";

test("a served local tenant that does not answer is named as the setting it comes from, not as a defect", async () => {
  const settings: Record<string, string> = { "mailboxes:localTenant": "http://127.0.0.1:9" };
  const raw = { get: (key: string) => settings[key], keys: Object.keys(settings) };
  const error = await openDeployment(raw, new EngineLog(undefined), []).then(
    () => undefined,
    (failure: unknown) => failure,
  );
  expect(isProviderError(error)).toBe(true);
  expect(error).toHaveProperty(
    "message",
    "opening the local tenant that mailboxes:localTenant names: No local tenant answers at http://127.0.0.1:9. " +
      'Start one with "mailboxes tenant serve", or give the path of its journal instead.',
  );
});

test("hundreds of waits may listen to the end of a deployment without a warning of Node", async () => {
  const tenant = await startLocalTenant({ seed: "contoso" });
  const settings: Record<string, string> = { "mailboxes:localTenant": tenant.origin };
  const raw = { get: (key: string) => settings[key], keys: Object.keys(settings) };
  const deployment = await openDeployment(raw, new EngineLog(undefined), []);
  try {
    const { signal } = operationOf(deployment, "urn", new Recorder(mailboxMembership, {}));
    // 0 is no limit, which `getMaxListeners` of Node 20 cannot say; the warning itself cannot be heard from within jest.
    const limit = Object.getOwnPropertySymbols(signal).find(({ description }) =>
      /maxEventTargetListeners$/.test(description ?? ""),
    );
    expect(limit === undefined ? undefined : Reflect.get(signal, limit)).toBe(0);
  } finally {
    await deployment.close();
    await tenant.close();
  }
});

describe("relative paths of the configuration, of a program that `main` puts below its project,", () => {
  const started = process.cwd();
  const { PULUMI_PROJECT: before } = process.env;
  let folder: string;

  beforeEach(() => {
    folder = realpathSync(mkdtempSync(join(tmpdir(), "project-")));
    mkdirSync(join(folder, "src"));
    process.env.PULUMI_PROJECT = "boxes";
    process.chdir(join(folder, "src"));
  });

  afterEach(() => {
    process.chdir(started);
    if (before === undefined) {
      delete process.env.PULUMI_PROJECT;
    } else {
      process.env.PULUMI_PROJECT = before;
    }
    rmSync(folder, { recursive: true });
  });

  async function opened(settings: Record<string, string>) {
    const keys = Object.keys(settings);
    const deployment = await openDeployment({ get: (key) => settings[key], keys }, new EngineLog(undefined), []);
    await deployment.close();
    return deployment.configuration;
  }

  test.each([
    ["Pulumi.yaml", "name: boxes\nruntime: nodejs\nmain: src\n"],
    ["Pulumi.yaml", "# ours\nruntime: nodejs\n\"name\": 'boxes' # the team's\nmain: src\n"],
    ["Pulumi.yaml", "{ name: boxes, runtime: nodejs, main: src }"],
    ["Pulumi.yaml", '\n{ "runtime": "nodejs", "main": "src",\n  "name": "boxes" }'],
    ["Pulumi.yml", "---\nname: >-\n  boxes\nruntime: nodejs\nmain: src\n"],
    ["Pulumi.json", '{ "name": "boxes", "runtime": "nodejs", "main": "src" }'],
  ])("count from %s: %j", async (file, text) => {
    writeFileSync(join(folder, file), text);
    // An example that stands beside the program is another project.
    writeFileSync(join(folder, "src", "Pulumi.yaml"), "name: example\nruntime: nodejs\n");
    const local = await opened({ "mailboxes:localTenant": "./contoso.jsonl" });
    expect(local.localTenant).toEqual({ kind: "journal", path: join(folder, "contoso.jsonl") });
    expect(existsSync(join(folder, "contoso.jsonl"))).toBe(true);
    const { credential } = await opened({
      "mailboxes:tenantId": "11111111-2222-4333-8444-555555555555",
      "mailboxes:clientId": "11111111-2222-4333-8444-666666666666",
      "mailboxes:clientCertificatePath": "keys/robot.pem",
    });
    expect(credential).toMatchObject({ certificatePath: join(folder, "keys", "robot.pem") });
  });

  test("count from the program's folder where no project file names the project", async () => {
    writeFileSync(join(folder, "Pulumi.yaml"), "name: [not, a name\n");
    const local = await opened({ "mailboxes:localTenant": "contoso.jsonl" });
    expect(local.localTenant).toEqual({ kind: "journal", path: join(folder, "src", "contoso.jsonl") });
  });
});
