import { readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { clone } from "../engine/harness";
import { tool } from "./tarball";

const native = join(clone, "node_modules", "@typescript", "native", "bin", "tsc");

let lines: string[];
/** The sources that the compiler has read, by their paths in the clone. */
let sources: string[];

/** The programs in `types/` as the compiler sees them: by the package's name, with the strictest options. */
beforeAll(async () => {
  const { output } = await tool(native, [
    "-p",
    join(clone, "test", "package", "types"),
    "--listFiles",
    "--pretty",
    "false",
  ]);
  lines = output.split("\n").filter((line) => line.trim() !== "");
  sources = lines
    .filter((line) => /\.[cm]?ts$/.test(line) && !/\berror TS/.test(line))
    .map((path) => relative(clone, path).replaceAll("\\", "/"));
});

test("strict programs compile against the types that are shipped, and wrong ones do not", () => {
  expect(sources).toContain("dist/index.d.ts");
  expect(sources).toEqual(expect.arrayContaining([expect.stringMatching(/^test\/package\/types\//)]));
  expect(sources.filter((file) => file.startsWith("provider/"))).toEqual([]);
  const problems = lines.filter((line) => /\berror TS\d+:/.test(line));
  // @pulumi/policy's types name two exports that they leave out; programs need skipLibCheck for it.
  expect(problems.filter((problem) => !problem.startsWith("node_modules/@pulumi/policy/"))).toEqual([]);
});

test("the shipped types say what they mean: editors do not resolve {@inheritDoc}", () => {
  const shipped = sources.filter((file) => file.startsWith("dist/"));
  expect(shipped.length).toBeGreaterThan(10);
  expect(shipped.filter((file) => readFileSync(join(clone, file), "utf8").includes("@inheritDoc"))).toEqual([]);
});
