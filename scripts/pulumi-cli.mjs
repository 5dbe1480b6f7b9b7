import { chmodSync, constants, copyFileSync, existsSync } from "node:fs";
import { access, mkdir, mkdtemp, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { capture, clone, say, since } from "./clone.mjs";

/** The version that is installed or built where no recent enough CLI is on PATH. */
const VERSION = "3.259.0";

/** The oldest CLI whose `import --file` takes outputs along with inputs. */
const OLDEST = [3, 254, 0];

/** The last sdk module that contains the Node language host; later ones are not served as modules. It serves newer engines. */
const HOST_VERSION = "3.68.0";

const INSTALLER = "https://get.pulumi.com/install.sh";
const windows = process.platform === "win32";
const exe = windows ? ".exe" : "";
const engine = `pulumi${exe}`;
const languageHost = `pulumi-language-nodejs${exe}`;
const shims = ["pulumi-resource-pulumi-nodejs", "pulumi-resource-pulumi-nodejs.cmd"];

/**
 * The folder `pulumi-mailboxes` in the user's cache folder: `XDG_CACHE_HOME`, on Windows `LOCALAPPDATA`, otherwise `~/.cache`.
 */
export function cacheFolder(env = process.env) {
  const base = env.XDG_CACHE_HOME || (windows && env.LOCALAPPDATA) || join(homedir(), ".cache");
  return join(base, "pulumi-mailboxes");
}

/**
 * The Pulumi CLI of this machine, installed first where there is none: `{ path, version, origin }`. `path` lists the folders
 * that belong first on PATH. Tried in this order: `pulumi` on PATH with its Node language host, the copy in the cache folder,
 * the official installer, a build with Go through the module proxy. When none of them works it throws an error with `code`
 * `NO_PULUMI_CLI` and the reason of each.
 */
export async function pulumiCli() {
  const onPath = await fromPath();
  if (onPath.path) {
    return onPath;
  }
  const folder = join(cacheFolder(), `pulumi-${VERSION}`);
  const cached = { path: [join(folder, "bin")], version: VERSION, origin: folder };
  if (await isComplete(folder)) {
    return cached;
  }
  await oneAtATime(folder, async () => {
    const reasons = [`on PATH: ${onPath.reason}`];
    for (const [name, produce] of [
      ["the official installer", install],
      ["a build with Go", build],
    ]) {
      const fresh = await mkdtemp(`${folder}.`);
      try {
        await produce(fresh, reasons[0]);
        await addShims(join(fresh, "bin"));
        await rm(folder, { recursive: true, force: true });
        await rename(fresh, folder);
        return;
      } catch (error) {
        reasons.push(`${name}: ${error.message}`);
      } finally {
        await rm(fresh, { recursive: true, force: true });
      }
    }
    const message =
      `There is no Pulumi CLI to work with.\n  ${reasons.join("\n  ")}\n` +
      `Install Pulumi ${OLDEST.join(".")} or later (https://www.pulumi.com/docs/install/) or Go 1.25 or later, and run this again.`;
    throw Object.assign(new Error(message), { code: "NO_PULUMI_CLI" });
  });
  return cached;
}

/** `env` with the CLI first on PATH, no update check, and no search for plugins on the network. */
export function pulumiEnvironment(cli, env = process.env) {
  const key = Object.keys(env).find((name) => name.toUpperCase() === "PATH") ?? "PATH";
  return {
    ...env,
    [key]: [...cli.path, env[key] ?? ""].join(delimiter),
    PULUMI_SKIP_UPDATE_CHECK: "true",
    PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
  };
}

async function fromPath() {
  const folders = (process.env.PATH ?? "").split(delimiter).filter(Boolean);
  const find = async (file) => {
    for (const folder of folders) {
      if (await isExecutable(join(folder, file))) {
        return folder;
      }
    }
    return undefined;
  };
  const bin = await find(engine);
  if (bin === undefined) {
    return { reason: "no pulumi" };
  }
  const { stdout } = await capture(join(bin, engine), ["version"], {
    env: { ...process.env, PULUMI_SKIP_UPDATE_CHECK: "true" },
  }).catch(() => ({ stdout: "" }));
  const version = /(\d+)\.(\d+)\.(\d+)/.exec(stdout);
  if (version === null) {
    return { reason: `${join(bin, engine)} does not say its version` };
  }
  if (isOlder(version.slice(1).map(Number), OLDEST)) {
    return { reason: `pulumi ${version[0]} is older than ${OLDEST.join(".")}` };
  }
  // The engine looks for language hosts beside itself, then on PATH.
  if (!(await isExecutable(join(bin, languageHost))) && (await find(languageHost)) === undefined) {
    return { reason: `pulumi ${version[0]} has no ${languageHost} beside it` };
  }
  const path = [bin];
  const shim = shims[windows ? 1 : 0];
  if (!(await isExecutable(join(bin, shim))) && (await find(shim)) === undefined) {
    path.push(npmPackage());
  }
  return { path, version: version[0], origin: bin };
}

/** The official installer, by Pulumi's own Automation API. It is asked for first with a short limit: a blocked network would hang. */
async function install(folder, why) {
  await fetch(INSTALLER, { method: "HEAD", signal: AbortSignal.timeout(15_000) }).catch((error) => {
    throw new Error(`${new URL(INSTALLER).host} cannot be reached (${error.cause?.code ?? error.message})`);
  });
  say(`Installing the Pulumi CLI ${VERSION} with the official installer, about 150 MB, once (${why}) …`);
  const from = (file) => import(pathToFileURL(join(clone, "node_modules", file)).href);
  const { PulumiCommand } = await from("@pulumi/pulumi/automation/index.js");
  const { SemVer } = (await from("semver/index.js")).default;
  await PulumiCommand.install({ root: folder, version: new SemVer(VERSION), skipVersionCheck: true });
}

async function build(folder, why) {
  const { code, stdout } = await capture("go", ["version"]).catch(() => ({ code: 1, stdout: "" }));
  const version = /go(\d+)\.(\d+)/.exec(stdout);
  if (code !== 0 || version === null || isOlder(version.slice(1).map(Number), [1, 25])) {
    throw new Error(version === null ? "no go on PATH" : `go ${version[1]}.${version[2]} is older than 1.25`);
  }
  say(`Building the Pulumi CLI ${VERSION} from its Go modules (${why}; its installer cannot be reached).`);
  say("  This takes about 6 minutes on two cores, once: the result is kept in the cache folder.");
  const start = Date.now();
  await buildTool(folder, engine, `github.com/pulumi/pulumi/pkg/v3/cmd/pulumi@v${VERSION}`, start);
  await buildTool(
    folder,
    languageHost,
    `github.com/pulumi/pulumi/sdk/v3/nodejs/cmd/pulumi-language-nodejs@v${HOST_VERSION}`,
    start,
  );
  say(`  Built in ${since(start)}.`);
}

/**
 * Builds one command in a Go module of its own: the modules' `replace` lines rule out `go install`, and the two commands need
 * different versions of the same sdk module.
 */
async function buildTool(folder, name, module, start) {
  const work = join(folder, `build-${name}`);
  await mkdir(work);
  const env = { ...process.env, CGO_ENABLED: "0", GOFLAGS: "-mod=mod", GOWORK: "off" };
  const go = async (args, progress) => {
    let done = 0;
    let shown = Date.now();
    const timer = setInterval(() => {
      if (Date.now() - shown > 14_000) {
        shown = Date.now();
        say(`  ${since(start)}: ${progress(done)}`);
      }
    }, 1000);
    try {
      const result = await capture("go", args, {
        cwd: work,
        env,
        onLine: () => {
          done += 1;
        },
      });
      if (result.code !== 0) {
        throw new Error(`go ${args[0]} of ${name}: ${result.stderr.trim().split("\n").slice(-3).join(" ")}`);
      }
      return result.stdout;
    } finally {
      clearInterval(timer);
    }
  };
  await go(["mod", "init", "example.com/build"], () => "");
  await go(["get", "-tool", module], (done) => `downloading the modules of ${name} (${done} so far)`);
  const listed = await go(["list", "-deps", "tool"], () => `downloading the modules of ${name}`);
  const packages = listed.trim().split("\n").length;
  await go(
    [
      "build",
      "-v",
      "-trimpath",
      "-tags",
      "osusergo,grpcnotrace",
      "-ldflags",
      // Without a version in the binary the Automation API and `pulumi about` refuse it.
      `-w -s -X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=v${VERSION}`,
      "-o",
      join(folder, "bin") + (windows ? "\\" : "/"),
      "tool",
    ],
    (done) => `compiling ${name}, ${done} of at most ${packages} packages`,
  );
  await rm(work, { recursive: true, force: true });
}

async function isComplete(folder) {
  const bin = join(folder, "bin");
  if (!(await isExecutable(join(bin, engine))) || !(await isExecutable(join(bin, languageHost)))) {
    return false;
  }
  await addShims(bin);
  return true;
}

/** Copies the launcher of dynamic providers beside the engine; it ships in the npm package of Pulumi's SDK. */
async function addShims(bin) {
  for (const shim of shims) {
    const target = join(bin, shim);
    if (!existsSync(target)) {
      copyFileSync(join(npmPackage(), shim), target);
      chmodSync(target, 0o755);
    }
  }
}

function npmPackage() {
  return join(clone, "node_modules", "@pulumi", "pulumi");
}

/** Runs `work` while no other process does the same for `folder`; one that waited finds the work done and does nothing. */
async function oneAtATime(folder, work) {
  const lock = `${folder}.lock`;
  await mkdir(dirname(folder), { recursive: true });
  const start = Date.now();
  for (let waited = 0; ; waited += 1) {
    if (await isComplete(folder)) {
      return;
    }
    try {
      await writeFile(lock, String(process.pid), { flag: "wx" });
      break;
    } catch (error) {
      if (error.code !== "EEXIST") {
        throw error;
      }
    }
    if (!(await isHeld(lock))) {
      await rm(lock, { force: true });
      continue;
    }
    if (waited % 30 === 0) {
      say(`Waiting for another process that installs the Pulumi CLI (${since(start)}) …`);
    }
    await sleep(1000);
  }
  try {
    await work();
  } finally {
    await rm(lock, { force: true });
  }
}

async function isHeld(lock) {
  try {
    const pid = Number(await readFile(lock, "utf8"));
    if (pid > 0) {
      process.kill(pid, 0);
      return true;
    }
    // Made, but its owner has not written its number yet.
    return Date.now() - (await stat(lock)).mtimeMs < 5000;
  } catch (error) {
    return error.code === "EPERM";
  }
}

async function isExecutable(file) {
  return access(file, windows ? constants.F_OK : constants.X_OK).then(
    () => true,
    () => false,
  );
}

function isOlder(version, than) {
  for (const [index, part] of than.entries()) {
    if ((version[index] ?? 0) !== part) {
      return (version[index] ?? 0) < part;
    }
  }
  return false;
}
