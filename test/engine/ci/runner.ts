/** A machine that runs the scripts of the templates: a folder with a checkout, a home, and the environment of a job. */
import { spawn } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { clone } from "../harness";
import type { Step } from "./templates";

/** How a script ended. */
export interface Ended {
  code: number | null;
  /** What it printed, both ways. */
  output: string;
}

/** Which shell a service runs scripts in. */
export type Shell = readonly string[];

/** The shells of the services, as their documentation has them. */
export const shells = {
  github: ["bash", "--noprofile", "--norc", "-eo", "pipefail"],
  azure: ["bash", "--noprofile", "--norc"],
  gitlab: ["bash", "-eo", "pipefail"],
} as const satisfies Record<string, Shell>;

const lacking = ["bash", "curl", "jq"].filter(
  (tool) => !(process.env.PATH ?? "").split(delimiter).some((folder) => existsSync(join(folder, tool))),
);
if (lacking.length > 0) {
  process.stderr.write(`skipped: the shell steps of ci/ are not run (${lacking.join(", ")} not found on the PATH)\n`);
}

/** `describe` for what runs the scripts: they need the tools that the services' machines have. */
export const describeScripts = lacking.length === 0 ? describe : describe.skip;

/** A machine with a checkout of a project whose program uses pulumi-mailboxes. */
export class Machine {
  readonly home: string;
  /** The checkout. */
  readonly folder: string;
  /** URL of the backend of the state. */
  readonly backend: string;
  /** Names of the steps that were run. */
  readonly ran = new Set<string>();
  readonly #root: string;
  readonly #shell: Shell;

  constructor(shell: Shell, config: Record<string, unknown>) {
    this.#root = mkdtempSync(join(process.env.MAILBOXES_TEST_RUN ?? tmpdir(), "machine-"));
    this.#shell = shell;
    this.home = join(this.#root, "home");
    this.folder = join(this.#root, "work", "checkout");
    const state = join(this.#root, "state");
    for (const folder of [this.home, this.folder, state]) {
      mkdirSync(folder, { recursive: true });
    }
    this.backend = pathToFileURL(state).href;
    this.#installAbove();
    this.write("Pulumi.yaml", "name: desk\nruntime:\n  name: nodejs\n  options: { typescript: false }\n");
    this.write("Pulumi.prod.yaml", JSON.stringify({ config }, null, 2));
    this.#lock();
  }

  /** What the program needs is one folder above, so that `npm ci` has the command alone to link, without a registry. */
  #installAbove(): void {
    const modules = join(this.#root, "node_modules");
    mkdirSync(join(modules, "@pulumi"), { recursive: true });
    symlinkSync(join(clone, "node_modules", "@pulumi", "pulumi"), join(modules, "@pulumi", "pulumi"));
    symlinkSync(clone, join(modules, "pulumi-mailboxes"));
  }

  #lock(): void {
    const command = { name: "mailboxes-command", version: "1.0.0", bin: { mailboxes: "mailboxes.cjs" } };
    const dependencies = { "mailboxes-command": "file:command" };
    this.write("command/package.json", JSON.stringify(command));
    this.write(
      "command/mailboxes.cjs",
      `#!/usr/bin/env node\nrequire(${JSON.stringify(join(clone, "dist", "cli.js"))});\n`,
    );
    this.write("package.json", JSON.stringify({ name: "desk", private: true, main: "index.js", dependencies }));
    const packages = {
      "": { name: "desk", dependencies },
      command,
      "node_modules/mailboxes-command": { resolved: "command", link: true },
    };
    this.write("package-lock.json", JSON.stringify({ name: "desk", lockfileVersion: 3, requires: true, packages }));
  }

  /** Puts the Pulumi CLI where a cache would have put it; its Node processes load less, as in the other tests of this layer. */
  cachePulumi(bin: string): void {
    const cli = (process.env.PATH ?? "").split(delimiter)[0] ?? "";
    mkdirSync(bin, { recursive: true });
    for (const name of readdirSync(cli)) {
      if (name !== "pulumi") {
        symlinkSync(join(cli, name), join(bin, name));
      }
    }
    const options = `--require ${JSON.stringify(join(__dirname, "..", "lean-sdk.cjs"))}`;
    const script = `#!/bin/sh\nNODE_OPTIONS='${options}' exec ${JSON.stringify(join(cli, "pulumi"))} "$@"\n`;
    writeFileSync(join(bin, "pulumi"), script, { mode: 0o755 });
  }

  /** Writes the program, in CommonJS. */
  program(source: string): void {
    this.write("index.js", source);
  }

  write(name: string, content: string): string {
    const file = join(this.folder, name);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, content);
    return file;
  }

  read(name: string): string {
    return readFileSync(join(this.folder, name), "utf8");
  }

  /** A file of the checkout; "" where it is not there. */
  readIfThere(name: string): string {
    return existsSync(join(this.folder, name)) ? this.read(name) : "";
  }

  /** Makes the stack, which no template does, with the CLI in this folder. */
  async selectStack(bin: string): Promise<void> {
    const step = { name: "", env: {}, script: "pulumi stack select --create prod" };
    const env = { PATH: `${bin}:${process.env.PATH}`, PULUMI_BACKEND_URL: this.backend };
    const { code, output } = await this.run(step, env);
    if (code !== 0) {
      throw new Error(`The stack cannot be made: ${output}`);
    }
  }

  /** Runs a step with the environment of its job, in the checkout unless the job has none. */
  run({ name, script }: Step, env: Record<string, string | undefined>, folder = this.folder): Promise<Ended> {
    this.ran.add(name);
    const file = join(this.#root, `${this.ran.size}-${Math.random()}.sh`);
    writeFileSync(file, script);
    const [command = "bash", ...options] = this.#shell;
    return new Promise((resolve, reject) => {
      const child = spawn(command, [...options, file], {
        cwd: folder,
        stdio: ["ignore", "pipe", "pipe"],
        env: {
          PATH: this.#path(),
          HOME: this.home,
          TMPDIR: this.#root,
          LANG: "C.UTF-8",
          MAILBOXES_TEST_RUN: process.env.MAILBOXES_TEST_RUN,
          GOGC: process.env.GOGC,
          PULUMI_SKIP_UPDATE_CHECK: "true",
          PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
          PULUMI_CONFIG_PASSPHRASE: "",
          npm_config_audit: "false",
          npm_config_fund: "false",
          npm_config_update_notifier: "false",
          ...env,
        },
      });
      let output = "";
      for (const stream of [child.stdout, child.stderr]) {
        stream.on("data", (data) => {
          output += String(data);
        });
      }
      child.on("error", reject);
      child.on("close", (code) => resolve({ code, output }));
    });
  }

  /** The PATH of this process without the CLI: a template has to find it where it installs it. */
  #path(): string {
    return (process.env.PATH ?? "").split(delimiter).slice(1).join(delimiter);
  }

  /** The steps among these that were not run. */
  left(steps: readonly Step[]): string[] {
    return steps.map(({ name }) => name).filter((name) => !this.ran.has(name));
  }

  remove(): void {
    rmSync(this.#root, { recursive: true, force: true, maxRetries: 5 });
  }
}
