import { readFileSync } from "node:fs";
import { join } from "node:path";
import { clone, Project } from "../engine/harness";
import { fromRegistry, npm, pack, tool } from "./tarball";

const example = join(clone, "examples", "first");

describe("the tarball installed into an empty project outside the repository", () => {
  let project: Project;
  let journal: string;

  beforeAll(async () => {
    const { path } = await pack();
    project = new Project(readFileSync(join(example, "index.ts"), "utf8"), { typescript: true, linked: false });
    journal = join(project.folder, "contoso.jsonl");
    project.configure({ "mailboxes:localTenant": "contoso.jsonl" });
    const manifest = JSON.parse(readFileSync(join(example, "package.json"), "utf8")) as {
      dependencies: Record<string, string>;
    };
    manifest.dependencies["pulumi-mailboxes"] = `file:${path}`;
    project.write("package.json", JSON.stringify({ ...manifest, scripts: {} }, null, 2));
    project.write("tsconfig.json", readFileSync(join(example, "tsconfig.json"), "utf8"));
    await fromRegistry(() => npm(["install", "--prefer-offline", "--no-audit", "--no-fund"], project.folder));
    await project.createStack();
  }, 900_000);

  afterAll(() => project?.remove());

  test("deploys the first example, finds nothing to do the second time, and takes it down again", async () => {
    const preview = await project.preview("--diff");
    expect(preview.output).toContain("forwardmailbox@contoso.com");
    expect(preview.changes.map(({ op, name }) => `${op} ${name}`).sort()).toEqual([
      "create collector",
      "create crm-intake",
      "create support",
      "create support-members",
      "create support-queue",
    ]);

    // The types were checked by the first command.
    const checked = { env: { PULUMI_NODEJS_TRANSPILE_ONLY: "true" } };
    const up = await project.deploy("up", ["--yes", "--skip-preview"], checked);
    expectSuccess(up);

    const { resources = [] } = (await project.exportState()).deployment;
    const positions = resources
      .filter(({ type }) => type.startsWith("pulumi-nodejs:dynamic/mailboxes:"))
      .map(({ sourcePosition }) => String(sourcePosition).replace(/#.*/, ""));
    expect([...new Set(positions)]).toEqual(["project:///index.ts"]);

    const again = await project.deploy("preview", ["--expect-no-changes"], checked);
    expectSuccess(again);

    const mailboxes = join(project.folder, "node_modules", "pulumi-mailboxes", "dist", "cli.js");
    const shown = await tool(mailboxes, ["tenant", "show", "--data", journal], project.folder);
    expect(shown.output).toContain("support@contoso.com");
    expect(shown.output).toContain("grace@contoso.com");

    const destroyed = await project.destroy();
    expectSuccess(destroyed);
    expect((await project.exportState()).deployment.resources ?? []).toEqual([]);
  });

  test("offers its command and its entry points under their names", async () => {
    const help = await npm(["exec", "--", "mailboxes", "tenant", "--help"], project.folder);
    expect(help).toContain("serve");
    project.write(
      "check.mjs",
      'import { SharedMailbox } from "pulumi-mailboxes"; import { dynamicProvider } from "pulumi-mailboxes/provider";' +
        'if (typeof SharedMailbox !== "function" || typeof dynamicProvider !== "function") { process.exit(1); }',
    );
    expect(await tool("check.mjs", [], project.folder)).toMatchObject({ exitCode: 0 });
  });
});

/** Fails with what was printed when a command did not end well. */
function expectSuccess({ exitCode, output }: { exitCode: number | null; output: string }): void {
  if (exitCode !== 0) {
    throw new Error(`exit code ${exitCode}\n${output}`);
  }
}
