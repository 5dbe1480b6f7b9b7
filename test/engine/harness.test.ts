import { createProject, type Project } from "./harness";

/** A dynamic provider kept in one file of the project: its things are files of JSON. */
const things = `
const { existsSync, readFileSync, rmSync, writeFileSync } = require("node:fs");
const path = (id) => __dirname + "/" + id + ".thing.json";
const read = (id) => JSON.parse(readFileSync(path(id), "utf8"));
const write = (id, { __provider, ...thing }) => writeFileSync(path(id), JSON.stringify(thing));
exports.provider = {
  check: async (olds, news) => ({ inputs: news, failures: [] }),
  diff: async () => ({ changes: undefined, replaces: [] }),
  create: async (inputs) => { write("one", inputs); return { id: "one", outs: inputs }; },
  update: async (id, olds, news) => { write(id, news); return { outs: news }; },
  read: async (id, props) => {
    if (!existsSync(path(id))) { return {}; }
    const props2 = { ...read(id), __provider: props.__provider };
    return { id, props: props2, inputs: props2 };
  },
  delete: async (id) => { rmSync(path(id)); },
};`;

const program = (members: Record<string, unknown>) => `
import * as pulumi from "@pulumi/pulumi";
const __provider = 'exports.handler=()=>require("./things").provider';
const members: Record<string, unknown> = ${JSON.stringify(members)};
new pulumi.CustomResource("pulumi-nodejs:dynamic/mailboxes:Thing", "support", { members, note: new pulumi.Config().require("note"), __provider });
`;

const ada = { "ada@contoso.com": { fullAccess: true } };
const grace = { "grace@contoso.com": { fullAccess: true } };

test("a program whose types do not hold is not deployed, where a test asks for that", async () => {
  const project = await createProject('export const name: string = "support";', { typescript: true });
  try {
    expect(await project.preview()).toMatchObject({ exitCode: 0 });
    project.program("export const name: string = 1;");
    await expect(project.up()).rejects.toThrow("index.ts(1,14): error TS2322: Type 'number' is not assignable");
    expect(await project.outputs()).toEqual({});
  } finally {
    project.remove();
  }
});

describe("a project run by the real CLI", () => {
  let project: Project;

  beforeAll(async () => {
    project = await createProject(program(ada), { config: { "test:note": "first" } });
    project.write("things.js", things);
  });

  afterAll(() => project.remove());

  test("reports every step of preview, up, refresh, import and destroy with the paths that differ", async () => {
    const preview = await project.preview();
    expect(preview.exitCode).toBe(0);
    expect(preview.changes).toMatchObject([{ op: "create", name: "support" }]);

    const up = await project.up();
    expect(up.output).toContain("support");
    expect(up.summary).toEqual({ create: 2 });

    const again = await project.preview();
    expect(again.changes).toEqual([]);
    expect(again.summary).toEqual({ same: 2 });

    project.program(program({ ...ada, ...grace }));
    const added = await project.preview();
    expect(added.changes).toMatchObject([
      { op: "update", diffs: ["members"], detailedDiff: { 'members["grace@contoso.com"]': "add" } },
    ]);

    project.write("one.thing.json", JSON.stringify({ members: {}, note: "first" }));
    const refreshed = await project.refresh();
    expect(refreshed.changes).toMatchObject([
      { op: "update", name: "support", detailedDiff: { 'members["ada@contoso.com"]': "delete" } },
    ]);
    expect((await project.up()).changes).toMatchObject([{ op: "update", failed: false }]);

    const state = await project.resource("support");
    expect(state).toMatchObject({ id: "one", outputs: { note: "first" } });
    expect(project.stateText()).toContain("grace@contoso.com");

    const imported = await project.importFile({
      resources: [{ type: state?.type, name: "twin", id: "two", inputs: state?.inputs, outputs: state?.outputs }],
    });
    expect(imported.changes).toMatchObject([{ op: "import", name: "twin" }]);
    project.write("two.thing.json", "{}");

    const destroyed = await project.destroy();
    expect(destroyed.exitCode).toBe(0);
    expect(destroyed.changes.map(({ op, name }) => `${op} ${name}`).sort()).toEqual(["delete support", "delete twin"]);
    expect((await project.exportState()).deployment.resources ?? []).toEqual([]);
  });

  test("reports a program that throws", async () => {
    // Without stack lines: the SDK prints them through util.inspect, which in some Node 20 releases runs out of memory on
    // "/node_modules/@scope/file" before it gives up, after most of a minute.
    project.program("Error.stackTraceLimit = 0; throw new Error('no such luck');");
    const run = await project.preview();
    expect(run.exitCode).not.toBe(0);
    expect(run.diagnostics.map((diagnostic) => diagnostic.message).join()).toContain("no such luck");
  });
});
