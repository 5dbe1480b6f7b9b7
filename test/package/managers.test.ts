/** The tarball installed by other package managers than npm, and by the program of a preview on every Node that is supported. */
import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { createProject, Project } from "../engine/harness";
import { execute, fromRegistry, npm, pack } from "./tarball";

// Each fetches a tool and installs some hundred packages: seconds from a cache, minutes from a slow registry, which is asked again.
jest.setTimeout(900_000);

const { platform, arch, execPath } = process;
/** Binaries of Node and Bun stand in npm's registry under these names; for Windows and others they are not tried. */
const isHad = platform === "linux" && (arch === "x64" || arch === "arm64");
const notHad = isHad ? "" : ` (skipped: its binary for ${platform} ${arch} is not taken from npm's registry)`;

const program = `import { SharedMailbox } from "pulumi-mailboxes";
import { team } from "team";
new SharedMailbox("support", { displayName: "Contoso Support", primarySmtpAddress: "support@contoso.com" });
team();
`;
const team = `const { SharedMailbox } = require("pulumi-mailboxes");
exports.team = () => new SharedMailbox("info", { displayName: "Contoso Info", primarySmtpAddress: "info@contoso.com" });
`;

/** Installs packages of npm's registry into a folder of their own, without running their scripts. */
async function fetched(...packages: string[]): Promise<string> {
  const folder = mkdtempSync(join(process.env.MAILBOXES_TEST_RUN ?? tmpdir(), "tools-"));
  writeFileSync(join(folder, "package.json"), "{}");
  const options = ["--prefer-offline", "--ignore-scripts", "--no-audit", "--no-fund"];
  await fromRegistry(() => npm(["install", ...options, ...packages], folder));
  return join(folder, "node_modules");
}

/** The folder with the `node` of a major version: of its package that file alone, which stands among some thousand. */
async function nodeOf(major: number): Promise<string> {
  const folder = mkdtempSync(join(process.env.MAILBOXES_TEST_RUN ?? tmpdir(), "node-"));
  const packed = await fromRegistry(() =>
    npm(["pack", "--silent", "--prefer-offline", `node-${platform}-${arch}@${major}`], folder),
  );
  await execute("tar", ["-xzf", packed.trim(), "package/bin/node"], { cwd: folder });
  return join(folder, "package", "bin");
}

/** A workspace whose root is the Pulumi project; a member of it declares a mailbox too, through the same package. */
function workspace(tarball: string, manifest: object): Project {
  const project = new Project(program, { linked: false, config: { "mailboxes:localTenant": "contoso.jsonl" } });
  const shared = { "pulumi-mailboxes": `file:${tarball}`, "@pulumi/pulumi": "3.248.0" };
  mkdirSync(join(project.folder, "team"));
  project.write("team/index.js", team);
  project.write(
    "team/package.json",
    JSON.stringify({ name: "team", version: "1.0.0", main: "index.js", dependencies: shared }),
  );
  project.write(
    "package.json",
    JSON.stringify({
      ...{ name: "company", private: true, main: "index.js", workspaces: ["team"] },
      ...{ dependencies: { ...shared, team: "workspace:*" }, ...manifest },
    }),
  );
  return project;
}

/** Creations that a preview shows, by name; what went wrong instead, where it ended badly. */
async function creations(project: Project): Promise<string[] | string> {
  await project.createStack();
  const preview = await project.preview();
  const made = preview.changes.filter(({ op, type }) => op === "create" && type.includes("mailboxes:"));
  return preview.exitCode === 0 ? made.map(({ name }) => name).sort() : preview.output;
}

describe("a workspace of", () => {
  let tarball: string;
  let registry: string;
  let project: Project | undefined;

  beforeAll(async () => {
    tarball = (await pack()).path;
    registry = (await npm(["config", "get", "registry"], tmpdir())).trim();
  });

  afterEach(() => {
    project?.remove();
    project = undefined;
  });

  test("pnpm, whose node_modules are links, previews", async () => {
    const modules = await fetched("pnpm@10.34.8");
    project = workspace(tarball, {});
    project.write("pnpm-workspace.yaml", "packages: [team]\n");
    const pnpm = join(modules, "pnpm", "bin", "pnpm.cjs");
    const { folder: cwd } = project;
    await fromRegistry(() => execute(execPath, [pnpm, "install", "--prefer-offline", "--ignore-scripts"], { cwd }));
    expect(await creations(project)).toEqual(["info", "support"]);
  });

  test("Yarn 4, with nodeLinker: node-modules, previews", async () => {
    const modules = await fetched("@yarnpkg/cli-dist@4.18.1");
    project = workspace(tarball, {});
    project.write(".yarnrc.yml", "nodeLinker: node-modules\nenableTelemetry: false\nenableScripts: false\n");
    project.write("yarn.lock", "");
    const yarn = join(modules, "@yarnpkg", "cli-dist", "bin", "yarn.js");
    const where = { cwd: project.folder, env: { ...process.env, YARN_NPM_REGISTRY_SERVER: registry } };
    await fromRegistry(() => execute(execPath, [yarn, "install", "--no-immutable"], where));
    expect(await creations(project)).toEqual(["info", "support"]);
  });

  (isHad ? test : test.skip)(`bun install previews${notHad}`, async () => {
    const modules = await fetched(`@oven/bun-${platform}-${arch === "arm64" ? "aarch64" : arch}@1.4.5`);
    project = workspace(tarball, {});
    const bun = join(modules, "@oven", `bun-${platform}-${arch === "arm64" ? "aarch64" : arch}`, "bin", "bun");
    const { folder: cwd } = project;
    await fromRegistry(() => execute(bun, ["install", "--ignore-scripts"], { cwd }));
    expect(await creations(project)).toEqual(["info", "support"]);
  });
});

describe("the host of the program and of the provider", () => {
  (isHad ? test.each([22, 24]) : test.skip.each([22, 24]))(`may be Node %d${notHad}`, async (major) => {
    const PATH = [await nodeOf(major), process.env.PATH].join(delimiter);
    const project = await createProject(
      `import { SharedMailbox } from "pulumi-mailboxes";
       const box = new SharedMailbox("support", { displayName: "Support", primarySmtpAddress: "support@contoso.com" });
       export const versions = [process.versions.node, box.displayName];`,
      { config: { "mailboxes:localTenant": "contoso.jsonl" } },
    );
    try {
      const up = await project.deploy("up", ["--yes", "--skip-preview"], { env: { PATH } });
      expect(up.exitCode === 0 ? "" : up.output).toBe("");
      expect(await project.outputs()).toEqual({ versions: [expect.stringMatching(`^${major}\\.`), "Support"] });
    } finally {
      project.remove();
    }
  });
});
