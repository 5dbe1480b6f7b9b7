import { readdirSync } from "node:fs";
import { join } from "node:path";
import { clone } from "../engine/harness";
import { pack, type Tarball, tool } from "./tarball";

describe("the tarball that is published", () => {
  let tarball: Tarball;

  beforeAll(async () => {
    tarball = await pack();
  });

  test("holds the compiled sources, their types, and the files about them; nothing else", () => {
    const sources = readdirSync(join(clone, "provider"), { recursive: true, encoding: "utf8" })
      .filter((file) => file.endsWith(".ts") && !file.endsWith(".d.ts"))
      .map((file) => file.replaceAll("\\", "/").slice(0, -".ts".length));
    const compiled = sources.flatMap((source) => [`dist/${source}.d.ts`, `dist/${source}.js`]);
    expect([...tarball.files].sort()).toEqual(
      [...compiled, "CHANGELOG.md", "LICENSE", "README.md", "package.json"].sort(),
    );
  });

  test("stays small: the sources of a person, not the output of a generator", () => {
    expect(tarball.unpackedSize).toBeLessThan(3 * 1024 * 1024);
  });

  test("is what publint asks of a package", async () => {
    const { exitCode, output } = await tool(join(clone, "node_modules", "publint", "src", "cli.js"), [
      ...["run", tarball.path, "--strict", "--level", "warning"],
    ]);
    expect(exitCode === 0 ? "" : output).toBe("");
  });

  test("has types that resolve from CommonJS, from ES modules and from bundlers", async () => {
    const { exitCode, output } = await tool(
      join(clone, "node_modules", "@arethetypeswrong", "cli", "dist", "index.js"),
      [
        // Node 10's resolution, which knows no "exports", is older than any Node that runs this package.
        ...[
          tarball.path,
          "--profile",
          "node16",
          "--no-definitely-typed",
          "--format",
          "ascii",
          "--no-emoji",
          "--no-color",
        ],
      ],
    );
    expect(exitCode === 0 ? "" : output).toBe("");
  });
});
