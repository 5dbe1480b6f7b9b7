import { createHash } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { delimiter, join, relative } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { capture, clone, say, since } from "./clone.mjs";
import { pulumiCli } from "./pulumi-cli.mjs";

const buildStamp = join(clone, "node_modules", ".cache", "pulumi-mailboxes", "build");

/**
 * Makes a clone ready for work and answers with the Pulumi CLI: installs the dependencies that package-lock.json names, compiles
 * the package into dist/, and finds or fetches the CLI. Each step is skipped when its result is already there. `cli: false`
 * leaves out the last one.
 */
export async function setUp({ cli = true } = {}) {
  const [major, minor] = process.versions.node.split(".").map(Number);
  if (major < 20 || (major === 20 && minor < 19)) {
    throw new Error(`Node ${process.versions.node} is too old: 20.19 or later is needed.`);
  }
  await installDependencies();
  await build();
  return cli ? await pulumiCli() : undefined;
}

/** Runs `npm ci` unless node_modules already holds exactly what package-lock.json names. */
export async function installDependencies() {
  if (isInstalled()) {
    return;
  }
  const start = Date.now();
  say("Installing the npm dependencies …");
  const npm = process.platform === "win32" ? "npm.cmd" : "npm";
  for (let attempt = 1; ; attempt += 1) {
    const { code, stdout, stderr } = await capture(npm, ["ci", "--no-audit", "--no-fund"], {
      cwd: clone,
      // A build of the tools is needed also where the caller's environment asks for production dependencies only.
      env: { ...process.env, NODE_ENV: "development" },
      shell: process.platform === "win32",
    });
    if (code === 0) {
      break;
    }
    // npm repeats a request after some answers of a registry that is busy, and not after others.
    if (attempt === 3 || !/\bcode (E[45]\d\d|ECONN\w+|ETIMEDOUT|EAI_AGAIN|ERR_SOCKET\w*|EINTEGRITY)\b/.test(stderr)) {
      throw new Error(`npm ci failed:\n${stdout}${stderr}`);
    }
    say("  The registry failed; asking again …");
    await sleep(attempt * 5000);
  }
  say(`  Installed in ${since(start)}.`);
}

/** Compiles provider/ into dist/ unless its files are those of the last build, and removes what no source stands behind. */
export async function build() {
  const key = sourceHash();
  if (existsSync(join(clone, "dist", "index.js")) && readIfThere(buildStamp) === key) {
    return;
  }
  const start = Date.now();
  say("Compiling the package …");
  // A compile that fails half-way leaves a mixed dist, which must not pass for the sources it was last made from.
  rmSync(buildStamp, { force: true });
  const { code, stdout } = await tsc("tsconfig.build.json", "--listEmittedFiles");
  const lines = stdout.split("\n");
  if (code !== 0) {
    throw new Error(`The package does not compile:\n${lines.filter((line) => !line.startsWith("TSFILE:")).join("\n")}`);
  }
  removeLeftOvers(lines.flatMap((line) => (line.startsWith("TSFILE: ") ? [line.slice(8).trim()] : [])));
  const command = join(clone, "dist", "cli.js");
  if (existsSync(command)) {
    chmodSync(command, 0o755);
  }
  mkdirSync(join(buildStamp, ".."), { recursive: true });
  writeFileSync(buildStamp, key);
  say(`  Compiled in ${since(start)}.`);
}

/** Checks the types of everything that is TypeScript: package, tests and examples. */
export async function checkTypes() {
  const { code, stdout } = await tsc("tsconfig.json", "--noEmit");
  if (code !== 0) {
    throw new Error(`The types do not hold:\n${stdout}`);
  }
}

/** TypeScript's native compiler takes a third of the time. Beside it stands the one in JavaScript, which Pulumi's SDK loads. */
function tsc(project, ...args) {
  const compiler = join(clone, "node_modules", "@typescript", "native", "bin", "tsc");
  return capture(process.execPath, [compiler, "-p", join(clone, project), ...args, "--pretty", "false"], {
    cwd: clone,
  });
}

/** Compares npm's own record of what it installed with the lock file; packages for other platforms may be absent. */
function isInstalled() {
  const installed = readIfThere(join(clone, "node_modules", ".package-lock.json"));
  if (installed === undefined) {
    return false;
  }
  const have = JSON.parse(installed).packages;
  const want = JSON.parse(readFileSync(join(clone, "package-lock.json"), "utf8")).packages;
  const isSame = (path) => have[path].version === want[path]?.version && have[path].integrity === want[path]?.integrity;
  return (
    Object.keys(have).every(isSame) &&
    Object.entries(want).every(([path, entry]) => path in have || entry.optional || !path.includes("node_modules/"))
  );
}

function sourceHash() {
  const hash = createHash("sha256");
  const sources = readdirSync(join(clone, "provider"), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
  for (const file of [
    ...sources,
    ...["tsconfig.json", "tsconfig.build.json", "package-lock.json"].map((f) => join(clone, f)),
  ].sort()) {
    hash
      .update(`${relative(clone, file)}\0`)
      .update(readFileSync(file))
      .update("\0");
  }
  return hash.digest("hex");
}

function removeLeftOvers(emitted) {
  const kept = new Set(emitted.map((file) => relative(clone, file)));
  const dist = join(clone, "dist");
  for (const entry of readdirSync(dist, { recursive: true, withFileTypes: true })) {
    const file = join(entry.parentPath, entry.name);
    if (entry.isFile() && !kept.has(relative(clone, file))) {
      rmSync(file);
    }
  }
}

function readIfThere(file) {
  return existsSync(file) ? readFileSync(file, "utf8") : undefined;
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const [part] = process.argv.slice(2);
  if (part === "--dependencies") {
    await installDependencies();
  } else if (part === "--build") {
    await build();
  } else if (part === "--types") {
    await checkTypes();
  } else if (part === "--path") {
    const { path } = await setUp();
    process.stdout.write(`${path.join(delimiter)}\n`);
  } else {
    const { origin, version } = await setUp();
    say(`Ready: Pulumi CLI ${version} from ${origin}.`);
  }
}
