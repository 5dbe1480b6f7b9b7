import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { clone, run, say, since } from "./clone.mjs";
import { setUp } from "./setup.mjs";

/**
 * The layers in the order they run. One test of the last two keeps a CLI, an engine, a program and a provider process busy, so
 * the number of workers there does not follow the number of cores.
 */
const LAYERS = [
  { name: "unit" },
  { name: "reconcile", workers: 2 },
  { name: "contract" },
  { name: "engine", cli: true, workers: 2 },
  { name: "package", cli: true, workers: 1 },
];

/** Milliseconds jest may take to end after it has reported. */
const EXIT_LIMIT = 10_000;

const { layers, jestArgs } = choose(process.argv.slice(2));
const noCli = await prepare();
const total = { passed: 0, failed: 0, skipped: 0 };
const lines = [];
for (const layer of layers) {
  if (layer.cli && noCli !== undefined) {
    lines.push(`${layer.name}: layer skipped. ${noCli}`);
    continue;
  }
  say(`\n── ${layer.name} ──`);
  const start = Date.now();
  const counts = await runLayer(layer);
  const isEmpty = Object.values(counts).every((count) => count === 0);
  lines.push(`${layer.name}: ${isEmpty ? "no tests" : counted(counts)} in ${since(start)}`);
  for (const key of Object.keys(total)) {
    total[key] += counts[key];
  }
}
process.stdout.write(`\n${lines.join("\n")}\n\n${counted(total)}\n`);
process.exitCode = total.failed > 0 || total.passed === 0 ? 1 : 0;

/** `--layer NAME[,NAME…]` chooses layers; everything else is for jest. */
function choose(args) {
  const at = args.findIndex((arg) => arg === "--layer" || arg.startsWith("--layer="));
  if (at < 0) {
    return { layers: LAYERS, jestArgs: args };
  }
  const joined = args[at].includes("=");
  const names = (joined ? args[at].slice("--layer=".length) : (args[at + 1] ?? "")).split(",");
  const unknown = names.find((name) => !LAYERS.some((layer) => layer.name === name));
  if (unknown !== undefined) {
    throw new Error(`There is no layer "${unknown}". The layers are ${LAYERS.map((layer) => layer.name).join(", ")}.`);
  }
  return {
    layers: LAYERS.filter((layer) => names.includes(layer.name)),
    jestArgs: args.toSpliced(at, joined ? 1 : 2),
  };
}

/** Sets up; answers with the reason when there can be no CLI. In CI that is a failure, as a skipped layer would go unseen. */
async function prepare() {
  const needsCli = layers.some((layer) => layer.cli);
  try {
    await setUp({ cli: needsCli });
    return undefined;
  } catch (error) {
    if (error.code !== "NO_PULUMI_CLI" || process.env.CI) {
      throw error;
    }
    return error.message;
  }
}

async function runLayer(layer) {
  const folder = mkdtempSync(join(tmpdir(), "mailboxes-test-"));
  const report = join(folder, "report.json");
  const stuck = new AbortController();
  const watch = setInterval(() => {
    if (existsSync(report) && Date.now() - statSync(report).mtimeMs > EXIT_LIMIT) {
      say(
        `The tests of the layer "${layer.name}" are over but left something open (a server, a process): ended by force.`,
      );
      stuck.abort();
    }
  }, 1000);
  try {
    const code = await run(
      process.execPath,
      [
        join(clone, "node_modules", "jest", "bin", "jest.js"),
        ...["--selectProjects", layer.name, "--passWithNoTests", "--json", "--outputFile", report],
        ...(layer.workers === undefined ? [] : ["--maxWorkers", String(layer.workers)]),
        ...jestArgs,
      ],
      { cwd: clone, stdio: ["ignore", "ignore", "inherit"], signal: stuck.signal },
    ).catch((error) => (stuck.signal.aborted ? 1 : Promise.reject(error)));
    const result = existsSync(report) ? JSON.parse(readFileSync(report, "utf8")) : undefined;
    const failed = (result?.numFailedTests ?? 0) + (result?.numRuntimeErrorTestSuites ?? 0);
    return {
      passed: result?.numPassedTests ?? 0,
      // A run that ends badly without a failed test (a crash, something left open, a failed set-up) still counts as one.
      failed: failed === 0 && code !== 0 ? 1 : failed,
      skipped: (result?.numPendingTests ?? 0) + (result?.numTodoTests ?? 0),
    };
  } finally {
    clearInterval(watch);
    rmSync(folder, { recursive: true, force: true });
  }
}

function counted({ passed, failed, skipped }) {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`;
}
