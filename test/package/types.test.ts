import { join, relative } from "node:path";
import ts from "typescript";
import { clone } from "../engine/harness";

const folder = join(__dirname, "types");

/** The programs in `types/` as the compiler sees them: by the package's name, with the strictest options. */
function compile(): ts.Program {
  const { config } = ts.readConfigFile(join(folder, "tsconfig.json"), ts.sys.readFile) as { config: unknown };
  const { options, fileNames } = ts.parseJsonConfigFileContent(config, ts.sys, folder);
  return ts.createProgram(fileNames, options);
}

let program: ts.Program;
beforeAll(() => {
  program = compile();
});

test("strict programs compile against the types that are shipped, and wrong ones do not", () => {
  const own = program.getSourceFiles().map(({ fileName }) => relative(clone, fileName).replaceAll("\\", "/"));
  expect(own).toContain("dist/index.d.ts");
  expect(own.filter((file) => file.startsWith("provider/"))).toEqual([]);
  const problems = ts.getPreEmitDiagnostics(program).map(({ file, start, messageText }) => {
    const line = file === undefined ? 0 : file.getLineAndCharacterOfPosition(start ?? 0).line + 1;
    return `${relative(clone, file?.fileName ?? folder)}:${line} ${ts.flattenDiagnosticMessageText(messageText, "\n")}`;
  });
  // @pulumi/policy's types name two exports that they leave out; programs need skipLibCheck for it.
  expect(problems.filter((problem) => !problem.startsWith("node_modules/@pulumi/policy/"))).toEqual([]);
});

test("the shipped types say what they mean: editors do not resolve {@inheritDoc}", () => {
  const shipped = program.getSourceFiles().filter(({ fileName }) => fileName.startsWith(join(clone, "dist")));
  expect(shipped.filter(({ text }) => text.includes("@inheritDoc")).map(({ fileName }) => fileName)).toEqual([]);
});
