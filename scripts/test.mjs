import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join, relative, sep } from "node:path";
import { clone, run, say, since } from "./clone.mjs";
import { checkTypes, setUp } from "./setup.mjs";

/** The layers. Those with `cli` run the compiled package with the real CLI. */
const LAYERS = [
  { name: "unit" },
  { name: "reconcile" },
  { name: "contract" },
  { name: "engine", cli: true },
  { name: "package", cli: true },
];

/**
 * Test files that run at a time. Those of the real CLI keep a core busy for most of their time; the others wait for more than half of
 * theirs, for a service that answers late.
 */
const workersFor = (chosen) =>
  chosen.some(({ cli }) => cli) ? availableParallelism() + 2 : 3 * availableParallelism();

/** Milliseconds jest may take to end after it has reported. */
const EXIT_LIMIT = 10_000;

const FAILED = { passed: 0, failed: 1, skipped: 0 };

const { layers, jestArgs } = choose(process.argv.slice(2));
const start = Date.now();
const noCli = await prepare();
// jest strips the types: a test that does not hold to them would pass.
const wrongTypes = await checkTypes().catch((error) => error.message);
const counts =
  wrongTypes === undefined
    ? await runLayers(layers.filter((layer) => !layer.cli || noCli === undefined))
    : { run: FAILED };
const lines = wrongTypes === undefined ? layers.map(lineOf) : [wrongTypes];
const total = sum(Object.values(counts));
process.stdout.write(`\n${lines.join("\n")}\nin ${since(start)}\n\n${counted(total)}\n`);
process.exitCode = total.failed > 0 || total.passed === 0 ? 1 : 0;

/** `--layer NAME[,NAME…]` chooses layers, `--quick` those that need no CLI; everything else is for jest. */
function choose(args) {
  if (args.includes("--quick")) {
    return { layers: LAYERS.filter((layer) => !layer.cli), jestArgs: args.filter((arg) => arg !== "--quick") };
  }
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

function lineOf({ name, cli }) {
  if (cli && noCli !== undefined) {
    return `${name}: layer skipped. ${noCli}`;
  }
  const isEmpty = Object.values(counts[name]).every((count) => count === 0);
  return `${name}: ${isEmpty ? "no tests" : counted(counts[name])}`;
}

/** Runs the layers in one run of jest. @returns the tests by result, of each layer; a run that broke counts in `run`. */
async function runLayers(chosen) {
  if (chosen.length === 0) {
    return {};
  }
  const names = chosen.map(({ name }) => name);
  const folder = mkdtempSync(join(tmpdir(), "mailboxes-test-"));
  const report = join(folder, "report.json");
  const stuck = new AbortController();
  const watch = setInterval(() => {
    if (existsSync(report) && Date.now() - statSync(report).mtimeMs > EXIT_LIMIT) {
      say("The tests are over but left something open (a server, a process): ended by force.");
      stuck.abort();
    }
  }, 1000);
  try {
    const code = await run(
      process.execPath,
      [
        join(clone, "node_modules", "jest", "bin", "jest.js"),
        ...["--selectProjects", ...names, "--passWithNoTests", "--json", "--outputFile", report],
        ...["--maxWorkers", String(workersFor(chosen)), ...jestArgs],
      ],
      { cwd: clone, stdio: ["ignore", "ignore", "inherit"], signal: stuck.signal },
    ).catch((error) => (stuck.signal.aborted ? 1 : Promise.reject(error)));
    const files = existsSync(report) ? JSON.parse(readFileSync(report, "utf8")).testResults : [];
    const counts = Object.fromEntries(
      names.map((name) => [name, sum(files.filter((file) => layerOf(file.name) === name).map(countsOf))]),
    );
    // A run that ends badly without a failed test (a crash, something left open, a failed set-up) still counts as one.
    const broke = code !== 0 && sum(Object.values(counts)).failed === 0;
    if (broke) {
      say("The run ended badly, though no test failed.");
    }
    return broke ? { ...counts, run: FAILED } : counts;
  } finally {
    clearInterval(watch);
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The layer of a test file. What is in none of the other layers' folders is unit. */
function layerOf(file) {
  const [, folder] = relative(clone, file).split(sep);
  return folder === "local-tenant" ? "reconcile" : LAYERS.some(({ name }) => name === folder) ? folder : "unit";
}

/** The tests of one file by result. A file that could not be run counts as one failed test. */
function countsOf({ assertionResults, status }) {
  const of = (...results) => assertionResults.filter((test) => results.includes(test.status)).length;
  const failed = of("failed");
  return {
    passed: of("passed"),
    failed: failed === 0 && status === "failed" ? 1 : failed,
    skipped: of("pending", "todo", "skipped", "disabled"),
  };
}

function sum(all) {
  const total = { passed: 0, failed: 0, skipped: 0 };
  for (const counts of all) {
    for (const key of Object.keys(total)) {
      total[key] += counts[key];
    }
  }
  return total;
}

function counted({ passed, failed, skipped }) {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`;
}
