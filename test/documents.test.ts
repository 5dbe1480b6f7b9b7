/** Keeps the documents true where that is cheap: every input, every configuration key and every command they speak of exists. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";
import { KEYS, VARIABLES } from "../provider/configuration/schema";
import { type Kind, kinds } from "../provider/kinds";
import { providerText } from "../provider/resources/dynamic-resource";

const clone = join(__dirname, "..");
const read = (file: string): string => readFileSync(join(clone, file), "utf8");
const readme = read("README.md");

const described = Object.entries(kinds).map(([kind, { schema }]) => ({
  kind: kind as Kind,
  folder: kind.replace(/(?<=.)[A-Z]/g, "-$&").toLowerCase(),
  inputs: Object.keys(schema.shape),
}));

/** The text below a heading, up to the next one of the same or a higher rank. */
function section(heading: string): string {
  const [, mark = "", title = ""] = /^(#+) (.*)$/.exec(heading) ?? [];
  const lines = readme.split("\n");
  const start = lines.indexOf(`${mark} ${title}`);
  if (start < 0) {
    throw new Error(`README.md has no heading "${heading}".`);
  }
  const end = lines.findIndex((line, index) => index > start && /^#+ /.test(line) && line.indexOf(" ") <= mark.length);
  return lines.slice(start + 1, end < 0 ? undefined : end).join("\n");
}

/** The names in the first column of the tables of a section. */
function firstColumn(text: string): string[] {
  return [...text.matchAll(/^\| *((?:`[^`]+`(?:, )?)+)/gm)].flatMap(([, names = ""]) =>
    [...names.matchAll(/`([^`]+)`/g)].map(([, name = ""]) => name),
  );
}

/** The members of an interface that have a docstring. */
function documentedMembers(file: string, name: string): string[] {
  const source = ts.createSourceFile(file, read(file), ts.ScriptTarget.ES2022, true);
  return source.statements
    .filter(ts.isInterfaceDeclaration)
    .filter((declaration) => declaration.name.text === name)
    .flatMap(({ members }) => [...members])
    .filter((member) => ts.getJSDocCommentsAndTags(member).length > 0)
    .map((member) => member.name?.getText(source) ?? "");
}

describe.each(described)("$kind", ({ kind, folder, inputs }) => {
  test("has a row for every input in the README, and no row for anything else", () => {
    const table = section(`### ${kind}`)
      .split("\n\n")
      .find((block) => block.startsWith("| Input |"));
    expect(firstColumn(table ?? "").sort()).toEqual([...inputs].sort());
  });

  test("has a docstring for every input", () => {
    expect(documentedMembers(`provider/kinds/${folder}/resource.ts`, `${kind}Args`).sort()).toEqual([...inputs].sort());
  });

  test("is spelled in the README with the provider text that stands in states", () => {
    const spelled = readme.includes(JSON.stringify(providerText(kind)));
    // Those of Dynamics are imported "in the same way", by the id of their row.
    expect(spelled || !["SharedMailbox", "MailboxMembership"].includes(kind)).toBe(true);
  });
});

test("the configuration table has every key with its variables, and no other", () => {
  const table = section("### Configuration keys");
  expect(firstColumn(table).sort()).toEqual(Object.keys(KEYS).sort());
  for (const [key, variables] of Object.entries(VARIABLES)) {
    const row = table.split("\n").find((line) => line.startsWith(`| \`${key}\``)) ?? "";
    expect([key, ...(variables ?? []).filter((variable) => !row.includes(`\`${variable}\``))]).toEqual([key]);
  }
});

test("every configuration key that a document sets exists", () => {
  const named = ["README.md", "CONTRIBUTING.md", "docs/decisions.md"]
    .flatMap((file) => [...read(file).matchAll(/\bmailboxes:([a-z]\w*)/gi)])
    .map(([, key = ""]) => key)
    // Type tokens, and the one wrong key that the README shows an error about.
    .filter((key) => ![...described.map(({ kind }) => kind as string), "Tenant", "tenant"].includes(key));
  expect(named.filter((key) => !Object.hasOwn(KEYS, key))).toEqual([]);
  expect(named.length).toBeGreaterThan(10);
});

test("every npm script that a document names exists", () => {
  const { scripts } = JSON.parse(read("package.json")) as { scripts: Record<string, string> };
  const named = ["README.md", "CONTRIBUTING.md", "docs/decisions.md"].flatMap((file) =>
    [...read(file).matchAll(/\bnpm (?:run (?:--?[\w-]+ )*([\w:-]+)|(test)\b)/g)].map(
      ([, run, short]) => run ?? short ?? "",
    ),
  );
  expect(named).toContain("demo");
  expect(named.filter((name) => !Object.hasOwn(scripts, name))).toEqual([]);
});

test("every file of the repository that a document names exists", () => {
  const named = ["README.md", "CONTRIBUTING.md", "docs/decisions.md"].flatMap((file) =>
    [...read(file).matchAll(/`((?:provider|test|scripts|examples|docs)\/[\w./-]*)`/g)].map(([, path = ""]) => path),
  );
  expect(named.length).toBeGreaterThan(10);
  const missing = named.filter((path) => {
    try {
      readFileSync(join(clone, path));
      return false;
    } catch (error) {
      return (error as NodeJS.ErrnoException).code !== "EISDIR";
    }
  });
  expect(missing).toEqual([]);
});

test("the README shows the first example as it is", () => {
  expect(readme).toContain(read("examples/first/index.ts").trim());
});
