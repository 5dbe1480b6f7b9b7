import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readConfiguration, whyNobodySignsIn } from "../../provider/configuration/configuration";

const IDS = { tenantId: "11111111-1111-4111-8111-111111111111", clientId: "22222222-2222-4222-8222-222222222222" };

describe("a preview without a credential", () => {
  let home: string;
  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), "mailboxes-home-"));
  });
  afterEach(() => rmSync(home, { recursive: true }));

  const why = (config: Record<string, string>, environment: NodeJS.ProcessEnv = {}) =>
    whyNobodySignsIn(
      readConfiguration(
        (key) => config[key],
        Object.keys(config),
        environment,
        () => "/project",
      ),
      environment,
      home,
    );

  test("is told that up will fail", () => {
    expect(why({})).toMatch(
      /^`pulumi up` will fail: no tenant and no credential are configured\. Set mailboxes:localTenant/,
    );
    expect(why(IDS)).toMatch(
      /^`pulumi up` will fail unless this machine has a managed identity: no credential is configured/,
    );
  });

  test("is told nothing where there may be one", () => {
    expect(why({ localTenant: "contoso.jsonl" })).toBeUndefined();
    expect(why({ ...IDS, clientSecret: "a-long-secret" })).toBeUndefined();
    expect(why(IDS, { IDENTITY_ENDPOINT: "http://127.0.0.1:1/token" })).toBeUndefined();
    mkdirSync(join(home, ".azure"));
    writeFileSync(join(home, ".azure", "azureProfile.json"), "{}");
    expect(why(IDS)).toBeUndefined();
    expect(why(IDS, { AZURE_CONFIG_DIR: join(home, ".azure") })).toBeUndefined();
  });
});
