/** The programs in the documents compile against the types that are shipped. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import ts from "typescript";
import { type Block, blocksOf, clone, pages } from "../pages/blocks";

/** What a block without imports goes on from: every class, and mailboxes by the names that the documents use. */
const AROUND = `import * as pulumi from "@pulumi/pulumi";
import { ForwardingMailbox, IndividualMailbox, MailboxMembership, Queue, SharedMailbox, Tenant } from "pulumi-mailboxes";
declare const support: SharedMailbox, desk: SharedMailbox, collector: SharedMailbox;
`;

/** The program that a block is the end of. */
function programOf(block: Block): string {
  const before = block.verb === "continues" ? blocksOf(block.page).filter(({ line }) => line < block.line) : [];
  const program = [...before.filter(({ language }) => language === "ts"), block].map(({ text }) => text).join("\n");
  return /^import /m.test(program)
    ? program
    : `${AROUND}export async function main() {\n${program.replace(/^export /gm, "")}\n}`;
}

test("every block of TypeScript compiles", () => {
  const folder = mkdtempSync(join(process.env.MAILBOXES_TEST_RUN ?? tmpdir(), "pages-"));
  try {
    mkdirSync(join(folder, "node_modules", "@pulumi"), { recursive: true });
    for (const name of ["@pulumi/pulumi", "@pulumi/policy"]) {
      symlinkSync(join(clone, "node_modules", name), join(folder, "node_modules", name));
    }
    symlinkSync(clone, join(folder, "node_modules", "pulumi-mailboxes"));
    const files = pages.flatMap((page) =>
      blocksOf(page)
        .filter(({ language, verb }) => language === "ts" && verb !== "part of")
        .map((block) => {
          const file = join(folder, `${page.replaceAll("/", "__")}-${block.line}.ts`);
          writeFileSync(file, programOf(block));
          return file;
        }),
    );
    expect(files.length).toBeGreaterThan(15);
    const program = ts.createProgram(files, {
      module: ts.ModuleKind.ESNext,
      moduleResolution: ts.ModuleResolutionKind.Bundler,
      target: ts.ScriptTarget.ES2022,
      strict: true,
      exactOptionalPropertyTypes: true,
      noEmit: true,
      skipLibCheck: true,
      preserveSymlinks: true,
      typeRoots: [join(clone, "node_modules", "@types")],
      types: ["node"],
    });
    const problems = ts.getPreEmitDiagnostics(program).map(({ file, start, messageText }) => {
      const line = file === undefined ? 0 : file.getLineAndCharacterOfPosition(start ?? 0).line + 1;
      const page = relative(folder, file?.fileName ?? folder).replaceAll("__", "/");
      return `${page}: line ${line}: ${ts.flattenDiagnosticMessageText(messageText, "\n")}`;
    });
    expect(problems).toEqual([]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
