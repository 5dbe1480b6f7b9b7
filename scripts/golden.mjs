import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { clone, say } from "./clone.mjs";
import { makeProject } from "./project.mjs";
import { setUp } from "./setup.mjs";
import { serveTenant } from "./tenant.mjs";

/**
 * Records what this release leaves behind, for the releases after it to be tested with: `node scripts/golden.mjs 0.1.0` deploys
 * test/engine/golden/0.1.0/program.ts to a fresh local tenant and writes the state and the tenant's journal beside it.
 * Run it at the commit that is released, never later.
 */
const [version] = process.argv.slice(2);
if (version === undefined) {
  throw new Error("Name the release: node scripts/golden.mjs 0.1.0");
}
const golden = join(clone, "test", "engine", "golden", version);
const { folder, pulumi, remove } = makeProject("golden", await setUp(), { strict: true });
const journal = join(folder, "tenant.jsonl");
copyFileSync(join(golden, "program.ts"), join(folder, "index.ts"));

const tenant = await serveTenant(journal);
try {
  await tenant.client.exchange("New-Mailbox", {
    ...{ Shared: true, Name: "found", DisplayName: "Found", Alias: "found" },
    PrimarySmtpAddress: "found@contoso.com",
  });
  await pulumi("stack", "init");
  for (const setting of ["mailboxes:localTenant=./tenant.jsonl", "golden:profile=Contoso mailbox credentials"]) {
    await pulumi("config", "set", ...setting.split("="));
  }
  await pulumi("config", "set", "--secret", "golden:password", "correct horse battery");
  await pulumi("up", "--yes", "--skip-preview", "--suppress-progress");
  await pulumi("preview", "--expect-no-changes");
  await pulumi("preview", "--refresh", "--expect-no-changes");
  // The engine notes where in the program each resource stands: paths of this machine, which mean nothing elsewhere.
  const places = ["sourcePosition", "stackTrace"];
  const state = JSON.parse(await pulumi("stack", "export"), (key, value) => (places.includes(key) ? undefined : value));
  writeFileSync(join(golden, "state.json"), `${JSON.stringify(state, null, 2)}\n`);
} finally {
  tenant.process.kill();
}
// The tenant makes itself a signing key when there is none, and a private key has no place in a repository.
const lines = readFileSync(journal, "utf8").split("\n");
writeFileSync(join(golden, "tenant.jsonl"), lines.filter((line) => !line.includes("PRIVATE KEY")).join("\n"));
remove();
say(`Recorded in ${golden}.`);
