import { type ChildProcess, spawn } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { leanEnvironment, linkPackages } from "../engine/lean";
import { type Block, blocksOf, clone } from "./blocks";

/** Settings of the CLI that a person at a terminal would give by pressing keys, and none of the machine's own. */
const SETTINGS = {
  PULUMI_SKIP_CONFIRMATIONS: "true",
  PULUMI_OPTION_SKIP_PREVIEW: "true",
  PULUMI_OPTION_COLOR: "never",
  PULUMI_OPTION_SUPPRESS_PROGRESS: "true",
  PULUMI_SKIP_UPDATE_CHECK: "true",
  PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
  // Types are checked by `test/package/pages.test.ts`, in a fraction of the time.
  PULUMI_NODEJS_TRANSPILE_ONLY: "true",
  npm_config_prefer_offline: "true",
  npm_config_audit: "false",
  npm_config_fund: "false",
};

const PARTS_OF_A_CLONE = [
  "dist",
  "examples",
  "provider",
  "scripts",
  "package.json",
  "package-lock.json",
  "Pulumi.yaml",
].concat(["tsconfig.json", "tsconfig.build.json", ".npmrc", "README.md", "LICENSE", "CHANGELOG.md"]);

/** Follows a page: its commands run one after the other in one folder, and what they print is compared with what the page shows. */
export class Walk {
  /** Where everything of this walk is. */
  readonly root: string;
  /** Where the page's commands are by now. */
  folder: string;
  readonly #page: string;
  readonly #settings: Record<string, string>;
  readonly #replacements = new Map<string, string>();
  readonly #served: ChildProcess[] = [];
  /** What was printed last, and under each name. */
  readonly #printed = new Map<string, string>();

  /** @param isLean let Pulumi's SDK load and look for less, as in the other tests of the engine. */
  constructor(page: string, { isLean = false } = {}) {
    this.#page = page;
    this.#settings = isLean ? { ...leanEnvironment(), MAILBOXES_TEST_TYPESCRIPT: "true" } : {};
    this.root = realpathSync(mkdtempSync(join(process.env.MAILBOXES_TEST_RUN ?? tmpdir(), "walk-")));
    this.folder = join(this.root, "here");
    mkdirSync(this.folder);
  }

  /**
   * Puts a copy of the checkout into the page's folder, as a clone that is set up: what it is built from, what it is built to, and
   * a link to its packages.
   */
  copyClone(name: string): void {
    const to = join(this.folder, name);
    for (const part of PARTS_OF_A_CLONE) {
      cpSync(join(clone, part), join(to, part), {
        recursive: true,
        filter: (path) => !/node_modules|\.tenant/.test(path),
      });
    }
    symlinkSync(join(clone, "node_modules"), join(to, "node_modules"));
  }

  /** Installs the package, its command and what programs need beside it into the page's folder, by links to the checkout. */
  linkPackages(): void {
    linkPackages(this.folder, ["@pulumi/pulumi", "@types/node", "typescript"]);
    const commands = join(this.folder, "node_modules", ".bin");
    mkdirSync(commands);
    symlinkSync(join(clone, "dist", "cli.js"), join(commands, "mailboxes"));
  }

  /** Goes through the page. `before` is called ahead of each block, and may change the world. */
  async follow(before: (block: Block) => Promise<void> = async () => {}): Promise<void> {
    for (const block of blocksOf(this.#page)) {
      await before(block);
      await this.#take(block);
    }
    // A page may show at its top what its commands print further down.
    for (const block of blocksOf(this.#page).filter(({ verb }) => verb === "output of")) {
      this.#compare(block, block.object);
    }
  }

  async #take(block: Block): Promise<void> {
    switch (block.verb) {
      case "file":
        return this.write(block.object, this.#replaced(block.text));
      case "run":
        await this.run(block.text, block.object);
        return;
      case "fails":
        await this.run(block.text, block.object, false);
        return;
      case "serve":
        return this.#serve(block.text);
      case "output":
        return this.#compare(block, "");
      default:
        return;
    }
  }

  /** Says what stands for a text of the page's commands and files here, such as a port. */
  replace(text: string, by: string): void {
    this.#replacements.set(text, by);
  }

  /** Writes a file into the folder in which the page's commands are by now. */
  write(name: string, content: string): void {
    const file = join(this.folder, name);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, content);
  }

  /**
   * Runs commands as the shell would that ran the ones before them: in their folder, with their variables.
   *
   * @param name under which the page shows what they print.
   * @param succeeds false: the last of them is to fail.
   * @throws Error with what they printed when they end otherwise.
   */
  async run(commands: string, name = "", succeeds = true): Promise<string> {
    const left = join(this.root, "shell");
    const script = [
      succeeds ? "set -eo pipefail" : "set +e",
      `cd '${this.folder}'`,
      existsSync(left) ? `. '${left}'` : "",
      this.#replaced(commands).trim(),
      `code=$?; export -p > '${left}'; pwd > '${left}.folder'; exit $code`,
    ].join("\n");
    const once = () => finished(this.#shell(script));
    const { code, output } = await (/^npm install .*$/.test(commands.trim()) && succeeds ? repeated(once) : once());
    if ((code === 0) !== succeeds) {
      throw new Error(`${this.#page}: exit code ${code} of\n${commands}\n${output}`);
    }
    this.folder = readFileSync(`${left}.folder`, "utf8").trim();
    this.#printed.set("", output).set(name, output);
    return output;
  }

  /** Starts a command that goes on, and waits for what it says first. */
  async #serve(command: string): Promise<void> {
    const child = this.#shell(`set -e\ncd '${this.folder}'\n${this.#replaced(command)}`);
    this.#served.push(child);
    const first = await new Promise<string>((resolve, reject) => {
      child.stdout?.once("data", (data) => resolve(String(data)));
      child.once("close", () => reject(new Error(`${this.#page}: ended at once: ${command}`)));
    });
    this.#printed.set("", first);
  }

  #shell(script: string): ChildProcess {
    const env = Object.entries(process.env).filter(
      ([name]) => !/^(PULUMI_|AZURE_|ARM_|MAILBOXES_(?!TEST_)|DATAVERSE_|NODE_OPTIONS|JEST_|npm_|INIT_CWD)/.test(name),
    );
    return spawn("bash", ["-c", script], {
      env: { ...Object.fromEntries(env), ...SETTINGS, ...this.#settings, PULUMI_HOME: join(this.root, "pulumi-home") },
      stdio: ["ignore", "pipe", "pipe"],
      // A group of its own, which ends with the walk.
      detached: true,
    });
  }

  #replaced(commands: string): string {
    return [...this.#replacements].reduce((text, [from, to]) => text.replaceAll(from, to), commands);
  }

  #compare({ line, text }: Block, name: string): void {
    const printed = this.#printed.get(name);
    if (printed === undefined) {
      throw new Error(`${this.#page}:${line}: nothing was printed ${name === "" ? "before this" : `by "${name}"`}.`);
    }
    const problem = firstDifference(text, printed);
    if (problem !== undefined) {
      throw new Error(`${this.#page}:${line}: ${problem}\n\nWhat was printed:\n${printed}`);
    }
  }

  /** Ends what still runs and removes everything. */
  remove(): void {
    for (const { pid, exitCode } of this.#served) {
      if (pid !== undefined && exitCode === null) {
        process.kill(-pid, "SIGKILL");
      }
    }
    rmSync(this.root, { recursive: true, force: true, maxRetries: 5 });
  }
}

/**
 * How what a page shows differs from what was printed; undefined when it does not. Lines between two `…` stand together, in the order
 * of the page. A `…` at the end of a line stands for its rest. Ids, times and blanks at the ends of lines are not compared.
 */
export function firstDifference(shown: string, printed: string): string | undefined {
  const lines = comparable(printed);
  let from = 0;
  for (const part of partsOf(comparable(shown))) {
    const at = lines.findIndex(
      (_, index) => index >= from && part.every((line, offset) => isShownAs(lines[index + offset], line)),
    );
    if (at < 0) {
      const near = part.findIndex((line) => !lines.some((other) => isShownAs(other, line)));
      return `these lines were not printed together${near < 0 ? "" : `, and this one nowhere: ${part[near]}`}\n${part.join("\n")}`;
    }
    from = at + part.length;
  }
  return undefined;
}

function isShownAs(printed: string | undefined, shown: string): boolean {
  return shown.endsWith("…") ? printed?.startsWith(shown.slice(0, -1)) === true : printed === shown;
}

/** The lines between those with `…` alone. */
function partsOf(lines: string[]): string[][] {
  const parts: string[][] = [[]];
  for (const line of lines) {
    if (line.trim() === "…") {
      parts.push([]);
    } else {
      parts.at(-1)?.push(line);
    }
  }
  return parts.filter((part) => part.length > 0);
}

function comparable(text: string): string[] {
  return text
    .replace(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, "<id>")
    .replace(/\d{4}-\d{2}-\d{2}(T[\d:.]+Z)?/g, "<time>")
    .replace(/\b\d+(\.\d+)?s\b/g, "<seconds>")
    .split("\n")
    .map((line) => line.trimEnd())
    .filter((line) => line !== "");
}

/** Runs an installation again where it fails: a registry that refuses once is no fault of the page. */
async function repeated(run: () => ReturnType<typeof finished>): ReturnType<typeof finished> {
  for (let attempt = 1; ; attempt += 1) {
    const ended = await run();
    if (ended.code === 0 || attempt === 3) {
      return ended;
    }
    await new Promise((resolve) => setTimeout(resolve, attempt * 5000));
  }
}

function finished(child: ChildProcess): Promise<{ code: number | null; output: string }> {
  return new Promise((resolve, reject) => {
    let output = "";
    const add = (text: string) => {
      output += text;
    };
    child.stdout?.setEncoding("utf8").on("data", add);
    child.stderr?.setEncoding("utf8").on("data", add);
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, output }));
  });
}
