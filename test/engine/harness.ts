/**
 * What tests of the real engine stand on: a project in a folder of its own, with its own state and its own PULUMI_HOME, and the
 * real CLI run on it. `startTenant` (tenant.ts) serves the tenant the project is deployed to.
 */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { transformSync } from "@swc/core";
import { parse } from "yaml";

import { leanEnvironment, linkPackages } from "./lean";

export { type ServedTenant, startTenant } from "./tenant";

/** The root of the repository. */
export const clone = join(__dirname, "..", "..");

const compiler = join(clone, "node_modules", "@typescript", "native", "bin", "tsc");

/** How the secrets of a stack are encrypted: as a user's are by default, or with a key of a vault, which takes far less time. */
type SecretsProvider = "passphrase" | "vault";

/** What `prepare.mjs` made once for all tests of a run. */
const { MAILBOXES_TEST_RUN: prepared, MAILBOXES_TEST_VAULT: vault } = process.env;

/** A folder with a backend that holds one empty stack, `test/dev`, and with the stack's configuration. */
const templateOf = (secrets: SecretsProvider) => prepared && join(prepared, secrets);

/** A resource as the state file holds it. */
export interface ResourceState {
  urn: string;
  type: string;
  custom: boolean;
  id?: string;
  parent?: string;
  provider?: string;
  inputs?: Record<string, unknown>;
  outputs?: Record<string, unknown>;
  protect?: boolean;
  taint?: boolean;
  initErrors?: string[];
  [key: string]: unknown;
}

/** A deployment as `pulumi stack export` prints it. */
export interface ExportedState {
  version: number;
  deployment: {
    resources?: ResourceState[];
    pending_operations?: { type: string; resource: ResourceState }[];
    [key: string]: unknown;
  };
}

/** What the engine did or would do to one resource. */
export interface Step {
  /** `create`, `update`, `delete`, `replace`, `create-replacement`, `same`, `import`, …; in a refresh `same`, `update` or `delete`. */
  op: string;
  urn: string;
  type: string;
  /** The logical name: the last part of the URN. */
  name: string;
  /** Top-level properties that differ. */
  diffs: string[];
  /** Property paths that differ, with what happens to each: `add`, `delete`, `update`, `add-replace`, … */
  detailedDiff: Record<string, string>;
  /** True when the operation failed. */
  failed: boolean;
  old?: Pick<ResourceState, "id" | "inputs" | "outputs">;
  new?: Pick<ResourceState, "id" | "inputs" | "outputs">;
}

/** A message of the engine or of the provider, without colours. */
export interface Diagnostic {
  severity: string;
  message: string;
  urn?: string;
  ephemeral?: boolean;
}

/** One finished run of the CLI. */
export interface Run {
  /** 0 = success; null when the process was ended by a signal. */
  exitCode: number | null;
  stdout: string;
  stderr: string;
  /** stdout and stderr in the order they came. */
  output: string;
  /** One for each resource, the stack itself and the providers left out, in the order they finished. */
  steps: Step[];
  /** The steps that change something, in a refresh the state: all but `same`, `read` and `refresh`. */
  changes: Step[];
  /** Messages of every severity but `debug`. */
  diagnostics: Diagnostic[];
  /** Number of resources by operation, as the last lines of the CLI show them. The stack counts as one. */
  summary: Record<string, number>;
}

export interface RunOptions {
  /** Added to the environment; undefined takes a variable out. */
  env?: Record<string, string | undefined>;
  /** Sees the process once it runs, to kill or interrupt it. */
  onStart?: (child: ChildProcess) => void;
  /** Sees the output as it comes. */
  onOutput?: (text: string) => void;
}

export interface ProjectOptions {
  /** Stack configuration, by full key: `{ "mailboxes:localTenant": … }`. Objects are written as JSON structures. */
  config?: Record<string, unknown>;
  /** The project's name; default `test`. */
  name?: string;
  /** The stack's name; default `dev`. */
  stack?: string;
  /** The backend of another project, to move resources between the two stacks. */
  backend?: string;
  /**
   * Check the program's types before the first deployment after each change of it. Pulumi does so by default with a compiler that takes
   * ten times as long as the native one does here; a project that installs what it needs leaves it to Pulumi, as a user's does.
   */
  typescript?: boolean;
  /** False: the folder gets no node_modules; the test installs what the program needs. */
  linked?: boolean;
  /** Default: of the vault, and of a passphrase for a project that installs what it needs. Tests of secrets take the passphrase. */
  secrets?: SecretsProvider;
  /** Packages of the clone that the program uses beside `@pulumi/pulumi` and `pulumi-mailboxes`. */
  packages?: string[];
}

/** A Pulumi project in a folder of its own with one stack. */
export class Project {
  readonly folder: string;
  /** The stack that commands run on; a test that renames it says so here. */
  stack: string;
  /** URL of the file backend. */
  readonly backend: string;
  readonly #env: Record<string, string | undefined>;
  readonly #name: string;
  readonly #typescript: boolean;
  readonly #linked: boolean;
  /** Whether the program has changed since its types were checked. */
  #isUnchecked = false;
  readonly #secrets: SecretsProvider;
  readonly #running = new Set<ChildProcess>();
  #runs = 0;

  constructor(
    program: string,
    {
      config = {},
      name = "test",
      stack = "dev",
      backend,
      typescript = false,
      linked = true,
      secrets = linked && vault !== undefined ? "vault" : "passphrase",
      packages = [],
    }: ProjectOptions,
  ) {
    this.folder = mkdtempSync(join(prepared ?? tmpdir(), `${name}-`));
    this.stack = stack;
    this.#name = name;
    this.#typescript = typescript;
    this.#linked = linked;
    this.#secrets = secrets;
    const state = join(this.folder, ".state");
    mkdirSync(state);
    this.backend = backend ?? pathToFileURL(state).href;
    this.#env = {
      ...withoutPulumi(process.env),
      PULUMI_HOME: join(this.folder, ".pulumi-home"),
      PULUMI_BACKEND_URL: this.backend,
      PULUMI_CONFIG_PASSPHRASE: "",
      PULUMI_SKIP_UPDATE_CHECK: "true",
      PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
      // Shows the option --event-log.
      PULUMI_DEBUG_COMMANDS: "true",
      ...(secrets === "vault" ? { VAULT_ADDR: vault, VAULT_TOKEN: "tests" } : {}),
      ...(linked ? leanEnvironment() : {}),
    };
    this.#describe();
    if (linked) {
      linkPackages(this.folder, ["@pulumi/pulumi", ...packages]);
    }
    this.configure(config);
    this.program(program);
  }

  #describe(): void {
    const typescript = this.#typescript && !this.#linked;
    const project = { name: this.#name, runtime: { name: "nodejs", options: { typescript } } };
    // JSON is YAML.
    this.write("Pulumi.yaml", JSON.stringify(project));
    const main = typescript ? "index.ts" : "index.js";
    this.write("package.json", JSON.stringify({ name: this.#name, private: true, main }));
  }

  /** Replaces the program, in TypeScript. Its types are stripped, not checked, unless the project is one with `typescript`. */
  program(source: string): void {
    this.module("index", source);
  }

  /** Writes a module of the program, as `program` does. */
  module(name: string, source: string): void {
    if (this.#typescript) {
      this.write(`${name}.ts`, source);
      this.#isUnchecked = true;
    }
    const { code } = transformSync(source, {
      filename: `${name}.ts`,
      jsc: { parser: { syntax: "typescript" }, target: "es2022" },
      module: { type: "commonjs" },
    });
    this.write(`${name}.js`, code);
  }

  /** @throws Error with what the compiler says where the program's types do not hold. */
  async #checkTypes(): Promise<void> {
    const options = ["--noEmit", "--strict", "--skipLibCheck", "--module", "commonjs", "--target", "es2022"];
    try {
      await promisify(execFile)(process.execPath, [compiler, ...options, "index.ts"], { cwd: this.folder });
    } catch (error) {
      throw new Error(`The program's types do not hold:\n${(error as { stdout?: string }).stdout}`, { cause: error });
    }
    this.#isUnchecked = false;
  }

  /** Replaces the stack's configuration. Secrets are set with `run("config", "set", "--secret", …)`. */
  configure(config: Record<string, unknown>): void {
    const template = templateOf(this.#secrets);
    const own = template && parse(readFileSync(join(template, "Pulumi.dev.yaml"), "utf8"));
    this.write(`Pulumi.${this.stack}.yaml`, JSON.stringify({ ...own, config }, null, 2));
  }

  /** Writes a file into the project's folder and answers with its path. */
  write(name: string, content: string): string {
    const file = join(this.folder, name);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, content);
    return file;
  }

  /** Makes the project's stack, as `createProject` does. */
  async createStack(): Promise<void> {
    const state = join(this.folder, ".state");
    const template = templateOf(this.#secrets);
    if (template && `${this.#name}/${this.stack}` === "test/dev" && this.backend === pathToFileURL(state).href) {
      cpSync(join(template, ".state"), state, { recursive: true });
      return;
    }
    const provider = this.#secrets === "vault" ? ["--secrets-provider", "hashivault://mailboxes"] : [];
    const { exitCode, output } = await this.run("stack", "select", "--create", this.stack, ...provider);
    if (exitCode !== 0) {
      throw new Error(`The stack cannot be made: ${output}`);
    }
  }

  preview(...args: string[]): Promise<Run> {
    return this.deploy("preview", args);
  }

  up(...args: string[]): Promise<Run> {
    return this.deploy("up", ["--yes", "--skip-preview", ...args]);
  }

  /** Brings the state in line with the tenant. */
  refresh(...args: string[]): Promise<Run> {
    return this.deploy("refresh", ["--yes", "--skip-preview", ...args]);
  }

  destroy(...args: string[]): Promise<Run> {
    return this.deploy("destroy", ["--yes", "--skip-preview", ...args]);
  }

  /** Imports the resources of an import file, `{ resources: […] }`, with their inputs and outputs. */
  importFile(content: { resources: unknown[]; nameTable?: Record<string, string> }, ...args: string[]): Promise<Run> {
    const file = this.write("import.json", JSON.stringify(content));
    return this.deploy("import", [
      "--yes",
      "--skip-preview",
      "--generate-code=false",
      "--protect=false",
      "--file",
      file,
      ...args,
    ]);
  }

  /** Runs a command that deploys, with its events; `options` as for `start`. */
  async deploy(command: string, args: string[], options: RunOptions = {}): Promise<Run> {
    if (this.#linked && this.#isUnchecked && ["preview", "up"].includes(command)) {
      await this.#checkTypes();
    }
    this.#runs += 1;
    const log = join(this.folder, `events-${this.#runs}.jsonl`);
    const all = [command, ...args, "--stack", this.stack, "--non-interactive", "--color", "never", "--event-log", log];
    const finished = await this.start(all, options);
    return { ...finished, ...readEvents(log) };
  }

  /** Runs any other command: `run("stack", "rename", "prod")`. */
  run(...args: string[]): Promise<Pick<Run, "exitCode" | "stdout" | "stderr" | "output">> {
    return this.start([...args, "--non-interactive", "--color", "never"]);
  }

  /** The outputs of the stack. */
  async outputs(): Promise<Record<string, unknown>> {
    const { deployment } = await this.exportState();
    return deployment.resources?.find(({ type }) => type === "pulumi:pulumi:Stack")?.outputs ?? {};
  }

  /** The state as it stands; secrets stay encrypted. */
  async exportState(stack = this.stack): Promise<ExportedState> {
    const file = join(fileURLToPath(this.backend), ".pulumi", "stacks", this.#name, `${stack}.json`);
    const { version, checkpoint } = JSON.parse(readFileSync(file, "utf8"));
    return { version, deployment: checkpoint.latest ?? {} };
  }

  /** The resource of this logical name in the state, or undefined. */
  async resource(name: string): Promise<ResourceState | undefined> {
    const { deployment } = await this.exportState();
    return deployment.resources?.find((resource) => resource.urn.endsWith(`::${name}`));
  }

  /** The text of the state file with everything the backend wrote, backups included: to look for what must not be there. */
  stateText(): string {
    const folder = join(this.folder, ".state");
    return readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => readFileSync(join(entry.parentPath, entry.name), "utf8"))
      .join("\n");
  }

  /** Runs the CLI and waits for its end. */
  start(
    args: string[],
    { env = {}, onStart, onOutput }: RunOptions = {},
  ): Promise<Pick<Run, "exitCode" | "stdout" | "stderr" | "output">> {
    return new Promise((resolve, reject) => {
      const child = spawn("pulumi", args, {
        cwd: this.folder,
        env: {
          ...this.#env,
          PULUMI_STACK: this.stack,
          ...env,
        } as NodeJS.ProcessEnv,
        stdio: ["ignore", "pipe", "pipe"],
        // A group of its own: the end of the project ends the program and the language host with it.
        detached: true,
      });
      this.#running.add(child);
      let stdout = "";
      let stderr = "";
      let output = "";
      child.stdout.setEncoding("utf8").on("data", (text: string) => {
        stdout += text;
        output += text;
        onOutput?.(text);
      });
      child.stderr.setEncoding("utf8").on("data", (text: string) => {
        stderr += text;
        output += text;
        onOutput?.(text);
      });
      child.on("error", reject);
      const finish = (exitCode: number | null) => {
        this.#running.delete(child);
        resolve({ exitCode, stdout, stderr, output });
      };
      child.on("close", finish);
      // After a kill the provider process may live on and hold the pipes open, so that "close" does not come.
      child.on("exit", (exitCode) => setTimeout(finish, 1000, exitCode).unref());
      onStart?.(child);
    });
  }

  /** Ends what still runs and removes the folder. */
  remove(): void {
    for (const child of this.#running) {
      if (child.pid !== undefined) {
        process.kill(-child.pid, "SIGKILL");
      }
    }
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

/**
 * A project with this program and its stack. `program` is TypeScript; `pulumi-mailboxes` and `@pulumi/pulumi` resolve to the clone's.
 */
export async function createProject(program: string, options: ProjectOptions = {}): Promise<Project> {
  const project = new Project(program, options);
  await project.createStack();
  return project;
}

/** The caller's environment without its own Pulumi and Azure settings, which must not leak into a test. */
function withoutPulumi(env: NodeJS.ProcessEnv): Record<string, string | undefined> {
  return Object.fromEntries(
    Object.entries(env).filter(
      ([name]) => !/^(PULUMI_|VAULT_|AZURE_|ARM_|MAILBOXES_(?!TEST_)|DATAVERSE_|NODE_OPTIONS|JEST_)/.test(name),
    ),
  );
}

interface EventMetadata {
  op: string;
  urn: string;
  type: string;
  diffs?: string[] | null;
  detailedDiff?: Record<string, { diffKind: string }> | null;
  old?: Step["old"] | null;
  new?: Step["new"] | null;
}

interface EngineEvent {
  resOutputsEvent?: { metadata: EventMetadata };
  resOpFailedEvent?: { metadata: EventMetadata };
  diagnosticEvent?: Diagnostic;
  summaryEvent?: { resourceChanges: Record<string, number> };
}

function readEvents(log: string): Pick<Run, "steps" | "changes" | "diagnostics" | "summary"> {
  const text = existsSync(log) ? readFileSync(log, "utf8") : "";
  // The last line is cut off when the CLI was killed.
  const events = text.split("\n").flatMap((line) => parsed(line) ?? []);
  const steps = events.flatMap((event) => {
    const metadata = event.resOutputsEvent?.metadata ?? event.resOpFailedEvent?.metadata;
    return metadata === undefined || isPlumbing(metadata.type)
      ? []
      : [step(metadata, event.resOpFailedEvent !== undefined)];
  });
  return {
    steps,
    changes: steps.filter(({ op }) => !["same", "read", "refresh"].includes(op)),
    diagnostics: events.flatMap(({ diagnosticEvent }) =>
      diagnosticEvent === undefined || diagnosticEvent.severity === "debug" ? [] : [diagnosticEvent],
    ),
    summary: events.findLast((event) => event.summaryEvent !== undefined)?.summaryEvent?.resourceChanges ?? {},
  };
}

function parsed(line: string): EngineEvent | undefined {
  try {
    return JSON.parse(line) as EngineEvent;
  } catch {
    return undefined;
  }
}

function isPlumbing(type: string): boolean {
  return type === "pulumi:pulumi:Stack" || type.startsWith("pulumi:providers:");
}

function step(metadata: EventMetadata, failed: boolean): Step {
  return {
    op: metadata.op,
    urn: metadata.urn,
    type: metadata.type,
    name: metadata.urn.split("::").at(-1) ?? "",
    diffs: metadata.diffs ?? [],
    detailedDiff: Object.fromEntries(
      Object.entries(metadata.detailedDiff ?? {}).map(([path, { diffKind }]) => [path, diffKind]),
    ),
    failed,
    ...(metadata.old ? { old: metadata.old } : {}),
    ...(metadata.new ? { new: metadata.new } : {}),
  };
}
