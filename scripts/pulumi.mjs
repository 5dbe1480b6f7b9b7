import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { homedir, userInfo } from "node:os";
import { dirname, isAbsolute, join, relative, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { capture, clone, run, say } from "./clone.mjs";
import { pulumiEnvironment } from "./pulumi-cli.mjs";
import { setUp } from "./setup.mjs";

/** Commands that work on the selected stack. */
const STACK_COMMANDS =
  "cancel config console destroy dn down import logs pre preview refresh stack state up update watch".split(" ");

/** Commands of `pulumi stack` that choose a stack themselves. */
const CHOOSING = ["init", "ls", "select"];

const args = process.argv.slice(2);
const cwd = isInClone(process.env.INIT_CWD) ? process.env.INIT_CWD : clone;
const cli = await setUp();
let env = pulumiEnvironment(cli);
const project = projectFile(resolve(cwd, option("-C", "--cwd") ?? "."));

if (hasBackend(project)) {
  if (project !== undefined && needsStack() && !(await hasStack())) {
    say("A Pulumi backend of your own is in use, and no stack is selected. Make one: npm run pulumi -- stack init dev");
  }
} else {
  const folder = join(clone, ".pulumi-state");
  mkdirSync(folder, { recursive: true });
  env.PULUMI_BACKEND_URL = pathToFileURL(folder).href;
  if (env.PULUMI_CONFIG_PASSPHRASE === undefined && env.PULUMI_CONFIG_PASSPHRASE_FILE === undefined) {
    env = { ...env, PULUMI_CONFIG_PASSPHRASE: "" };
  }
  if (project !== undefined && needsStack()) {
    await selectStack();
  }
}
process.exitCode = await run("pulumi", args, { cwd, env });

/** True when the user has chosen where state is kept: by environment, by login, or in the project itself. */
function hasBackend(file) {
  if (process.env.PULUMI_BACKEND_URL || process.env.PULUMI_ACCESS_TOKEN) {
    return true;
  }
  const credentials = join(process.env.PULUMI_HOME || join(home(), ".pulumi"), "credentials.json");
  if (existsSync(credentials) && JSON.parse(readFileSync(credentials, "utf8")).current) {
    return true;
  }
  return file !== undefined && /^backend:/m.test(readFileSync(file, "utf8"));
}

/** The home folder as the CLI finds it: the account's, whatever HOME says. */
function home() {
  try {
    return userInfo().homedir || homedir();
  } catch {
    return homedir();
  }
}

function needsStack() {
  // What follows these options is their value and no command.
  const words = args.filter((word, index) => !word.startsWith("-") && !["-C", "--cwd"].includes(args[index - 1]));
  const asksForHelp = args.some((word) => ["-h", "--help"].includes(word));
  const isChoosing = words[0] === "stack" && CHOOSING.includes(words[1]);
  const isGiven = option("-s", "--stack") !== undefined || Boolean(process.env.PULUMI_STACK);
  return STACK_COMMANDS.includes(words[0]) && !isChoosing && !asksForHelp && !isGiven;
}

async function hasStack() {
  const where = { cwd: dirname(project), env };
  return (await capture("pulumi", ["stack", "--show-name", "--non-interactive"], where)).code === 0;
}

async function selectStack() {
  if (await hasStack()) {
    return;
  }
  const where = { cwd: dirname(project), env };
  const { code, stderr } = await capture("pulumi", ["stack", "select", "--create", "dev", "--non-interactive"], where);
  if (code !== 0) {
    throw new Error(`The stack dev cannot be made: ${stderr.trim()}`);
  }
  say(`Using the stack dev, kept in ${relative(clone, join(clone, ".pulumi-state"))}/ of this clone.`);
}

/** The value of an option given as `-s dev`, `--stack dev` or `--stack=dev`. */
function option(short, long) {
  for (const [index, word] of args.entries()) {
    if (word === short || word === long) {
      return args[index + 1];
    }
    if (word.startsWith(`${long}=`)) {
      return word.slice(long.length + 1);
    }
  }
  return undefined;
}

function projectFile(folder) {
  for (const name of ["Pulumi.yaml", "Pulumi.yml"]) {
    if (existsSync(join(folder, name))) {
      return join(folder, name);
    }
  }
  return dirname(folder) === folder ? undefined : projectFile(dirname(folder));
}

function isInClone(folder) {
  if (folder === undefined) {
    return false;
  }
  const path = relative(clone, folder);
  return !path.startsWith("..") && !isAbsolute(path);
}
