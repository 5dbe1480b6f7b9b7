import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { capture, clone, say } from "./clone.mjs";
import { setUp } from "./setup.mjs";
import { environmentIn, serveTenant } from "./tenant.mjs";

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
const folder = mkdtempSync(join(tmpdir(), "golden-"));
const journal = join(folder, "tenant.jsonl");
const cli = await setUp();
const env = environmentIn(folder, cli);
mkdirSync(join(folder, "state"));
mkdirSync(join(folder, "node_modules", "@pulumi"), { recursive: true });
symlinkSync(clone, join(folder, "node_modules", "pulumi-mailboxes"), "junction");
symlinkSync(
  join(clone, "node_modules", "@pulumi", "pulumi"),
  join(folder, "node_modules", "@pulumi", "pulumi"),
  "junction",
);
writeFileSync(join(folder, "Pulumi.yaml"), JSON.stringify({ name: "golden", runtime: "nodejs" }));
writeFileSync(join(folder, "package.json"), JSON.stringify({ name: "golden", private: true, main: "index.ts" }));
const options = {
  target: "es2022",
  module: "nodenext",
  moduleResolution: "nodenext",
  strict: true,
  preserveSymlinks: true,
};
writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions: { ...options, skipLibCheck: true } }));
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
rmSync(folder, { recursive: true, force: true });
say(`Recorded in ${golden}.`);

async function pulumi(...args) {
  const { code, stdout, stderr } = await capture("pulumi", [...args, "--stack", "dev", "--non-interactive"], {
    cwd: folder,
    env,
  });
  if (code !== 0) {
    throw new Error(`"pulumi ${args.join(" ")}" ended with ${code}:\n${stdout}${stderr}`);
  }
  return stdout;
}
