import { execFileSync, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { clone } from "../clone.mjs";
import { environmentIn } from "../tenant.mjs";

/**
 * A stack in a folder of its own, whose program is plain JavaScript.
 *
 * @param program what `index.js` says.
 * @param config its configuration, by full key.
 * @param environment variables for the engine besides.
 */
export async function makeStack(name, cli, program, config = {}, environment = {}) {
  const folder = mkdtempSync(join(tmpdir(), `bench-${name}-`));
  const env = { ...environmentIn(folder, cli), ...environment };
  mkdirSync(join(folder, "state"));
  mkdirSync(join(folder, "node_modules", "@pulumi"), { recursive: true });
  symlinkSync(clone, join(folder, "node_modules", "pulumi-mailboxes"), "junction");
  symlinkSync(
    join(clone, "node_modules", "@pulumi", "pulumi"),
    join(folder, "node_modules", "@pulumi", "pulumi"),
    "junction",
  );
  writeFileSync(join(folder, "Pulumi.yaml"), JSON.stringify({ name: "bench", runtime: "nodejs" }));
  writeFileSync(join(folder, "package.json"), JSON.stringify({ name, main: "index.js" }));
  writeFileSync(join(folder, "index.js"), program);
  const states = join(folder, "state", ".pulumi", "stacks", "bench");
  const configure = (values) => writeFileSync(join(folder, "Pulumi.dev.yaml"), JSON.stringify({ config: values }));
  configure(config);
  const start = (command, args, ...more) => {
    const own = args.includes("stack") ? [] : ["--suppress-progress"];
    return spawn(command, [...args, "--stack", "dev", ...own, "--non-interactive"], {
      cwd: folder,
      env,
      stdio: ["ignore", "pipe", "pipe", ...more],
    });
  };
  const pulumi = async (...given) => {
    const args = given.filter((arg) => typeof arg === "string");
    const started = Date.now();
    const child = start("pulumi", args);
    given.find((arg) => typeof arg === "function")?.(child);
    const output = await ended(child, args);
    return { output, seconds: (Date.now() - started) / 1000 };
  };
  const timed = async (...args) => {
    const started = Date.now();
    const child = start("sh", ["-c", 'pulumi "$@" 3>&-; code=$?; times >&3; exit $code', "sh", ...args], "pipe");
    let times = "";
    child.stdio[3].setEncoding("utf8").on("data", (text) => {
      times += text;
    });
    await ended(child, args);
    // The second line is of what the shell has started.
    const parts = [...(times.split("\n")[1] ?? "").matchAll(/(\d+)m([\d.]+)s/g)];
    const processor = parts.reduce((sum, [, minutes, seconds]) => sum + Number(minutes) * 60 + Number(seconds), 0);
    return { seconds: (Date.now() - started) / 1000, processor };
  };
  await pulumi("stack", "init");
  return {
    /** Runs the CLI with these arguments; a function among them is handed its process. */
    pulumi,
    /** Runs the CLI: how long it took, and the processor time of all its processes together. Needs a POSIX shell. */
    timed,
    configure,
    /** The folder in which the CLI keeps the state: `dev.json`. */
    states,
    /** Resources of the state, without the stack itself. */
    resources: () =>
      JSON.parse(
        execFileSync("pulumi", ["stack", "export", "--stack", "dev"], {
          cwd: folder,
          env,
          maxBuffer: 2 ** 30,
          encoding: "utf8",
        }),
      ).deployment.resources.slice(1),
    /**
     * Orders the resources of the state, which is the order in which a refresh begins with them.
     *
     * @param rank of two resources the one with the lower rank comes first; those of one rank stay as they are.
     */
    arrange: (rank) => {
      const file = join(states, "dev.json");
      const state = JSON.parse(readFileSync(file, "utf8"));
      const { resources } = state.checkpoint.latest;
      const ranks = new Map(resources.map((one) => [one, rank(one)]));
      resources.sort((one, other) => ranks.get(one) - ranks.get(other));
      writeFileSync(file, JSON.stringify(state));
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** What a CLI has printed, once it ended well. */
function ended(child, args) {
  return new Promise((resolve, reject) => {
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text) => {
        output += text;
      });
    }
    child.on("error", reject);
    child.on("close", (code) =>
      code === 0
        ? resolve(output)
        : reject(new Error(`"pulumi ${args.join(" ")}" ended with ${code}:\n${output.slice(-4000)}`)),
    );
  });
}

/**
 * Mailboxes with a membership each. The first membership has one member more where `bench:extra` is set.
 *
 * @param members how many of the people each has.
 */
export function mailboxes(size, people, members) {
  return `const { Config } = require("@pulumi/pulumi");
const { MailboxMembership, SharedMailbox } = require("pulumi-mailboxes");
const isExtra = new Config().getBoolean("extra") === true;
for (let number = 1; number <= ${size}; number += 1) {
  const address = "box" + number + "@contoso.com";
  const box = new SharedMailbox("box" + number, { displayName: "Box " + number, primarySmtpAddress: address });
  const count = ${members} + (isExtra && number === 1 ? 1 : 0);
  const members = Array.from({ length: count }, (_, index) => "person" + (((number + index * 7) % ${people}) + 1) + "@contoso.com");
  new MailboxMembership("members" + number, { mailbox: box.id, members });
}
`;
}

/** Dynamic resources that do nothing, with the outputs that are given. */
export function doingNothing(size, outputs) {
  return `const { dynamic } = require("@pulumi/pulumi");
const outs = ${JSON.stringify(outputs)};
const provider = {
  async create(inputs) { return { id: "id-" + inputs.number, outs: { ...outs, ...inputs } }; },
  async read(id, props) { return { id, props }; },
};
class Nothing extends dynamic.Resource {
  constructor(name, props) { super(provider, name, props); }
}
for (let number = 1; number <= ${size}; number += 1) {
  new Nothing("nothing" + number, { ...Object.fromEntries(Object.keys(outs).map((name) => [name, undefined])), number });
}
`;
}
