/** Keeps the documents true where that is cheap: what they name exists, links lead somewhere, the reference is that of the code. */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";
import ts from "typescript";
import { parseAllDocuments } from "yaml";
import { KEYS, VARIABLES } from "../provider/configuration/schema";
import { listed } from "../provider/doctor/doctor";
import { type Kind, kinds } from "../provider/kinds";
import { providerText } from "../provider/resources/dynamic-resource";
import { blocksOf, clone, pages, read } from "./pages/blocks";

const readme = read("README.md");
/** The pages that are written by hand. */
const written = pages.filter((page) => !page.startsWith("docs/reference/"));

const described = Object.entries(kinds).map(([kind, { reconciler }]) => ({
  kind: kind as Kind,
  folder: kind.replace(/(?<=.)[A-Z]/g, "-$&").toLowerCase(),
  inputs: Object.keys(reconciler.schema.shape),
}));

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
  test("has a docstring for every input", () => {
    expect(documentedMembers(`provider/kinds/${folder}/resource.ts`, `${kind}Args`).sort()).toEqual([...inputs].sort());
  });

  test("has its page of the reference linked from the README", () => {
    expect(readme).toContain(`[${kind}](docs/reference/${folder}.md)`);
  });

  test("is spelled in the page about imports with the provider text that stands in states", () => {
    const spelled = read("docs/import.md").includes(JSON.stringify(providerText(kind)));
    // Those of Dynamics are imported "in the same way", by the id of their row.
    expect(spelled || !["SharedMailbox", "MailboxMembership"].includes(kind)).toBe(true);
  });
});

test("the reference is what the docstrings say, and the list of decisions what their files say", () => {
  const { status, stderr } = spawnSync(process.execPath, [join(clone, "scripts", "reference.mjs"), "--check"], {
    encoding: "utf8",
  });
  expect(`${stderr}${status}`).toBe("0");
});

test("the page of the configuration has every key with its variables, and no other", () => {
  const [, list = ""] = read("docs/configuration.md").split("## Configuration keys\n");
  const items = [...(list.split("\n## ")[0] ?? "").matchAll(/^- `(\w+)`([\s\S]*?)(?=\n- |\n\n)/gm)];
  expect(items.map(([, key]) => key).sort()).toEqual(Object.keys(KEYS).sort());
  for (const [, key = "", text = ""] of items) {
    const variables = VARIABLES[key as keyof typeof VARIABLES] ?? [];
    expect([key, ...variables.filter((variable) => !text.includes(`\`${variable}\``))]).toEqual([key]);
  }
});

test("the page of permissions lists the rights that `mailboxes doctor` asks for", () => {
  const page = read("docs/permissions.md");
  const list = (mark: string) => page.split(`<!-- ${mark} -->\n`)[1]?.split("\n<!-- end -->")[0];
  expect(list("deploying")).toBe(listed(false));
  expect(list("reading")).toBe(listed(true));
});

test("every link leads to a page and, where it names one, to a heading", () => {
  const broken = pages.flatMap((page) =>
    [...proseOf(page).matchAll(/\]\(([^)\s]+)\)/g)].flatMap(([, target = ""]) => {
      const [path = "", anchor] = target.split("#");
      if (/^https?:/.test(path)) {
        return [];
      }
      const file =
        path === ""
          ? page
          : relative(clone, join(clone, dirname(page), path))
              .split(sep)
              .join("/");
      const isThere = existsSync(join(clone, file)) && (anchor === undefined || anchorsOf(file).has(anchor));
      return isThere ? [] : [`${page}: ${target}`];
    }),
  );
  expect(broken).toEqual([]);
});

test("pages are short, and so are their lines", () => {
  expect(readme.split("\n").length).toBeLessThanOrEqual(151);
  const long = pages.filter((page) => read(page).split("\n").length > 251);
  expect(long).toEqual([]);
  const wide = pages.flatMap((page) =>
    read(page)
      .split("\n")
      .flatMap((line, index) => (line.length > 200 ? [`${page}:${index + 1}`] : [])),
  );
  expect(wide).toEqual([]);
});

/** A page without its blocks of code. */
function proseOf(page: string): string {
  return read(page).replace(/^```[\s\S]*?^```$/gm, "");
}

/** The anchors of a page's headings, as GitHub makes them. */
function anchorsOf(page: string): Set<string> {
  const headings = [...proseOf(page).matchAll(/^#+ (.*)$/gm)].map(([, heading = ""]) => heading);
  return new Set(
    headings.map((heading) =>
      heading
        .toLowerCase()
        .replace(/[^\p{L}\p{N} _-]/gu, "")
        .replaceAll(" ", "-"),
    ),
  );
}

test("every configuration key that a document sets exists", () => {
  const named = written
    .flatMap((file) => [...read(file).matchAll(/(?<![-\w])mailboxes:([a-z]\w*)/gi)])
    .map(([, key = ""]) => key)
    // Type tokens, and the one wrong key that a page shows an error about.
    .filter((key) => ![...described.map(({ kind }) => kind as string), "Tenant", "tenant"].includes(key));
  expect(named.filter((key) => !Object.hasOwn(KEYS, key))).toEqual([]);
  expect(named.length).toBeGreaterThan(10);
});

test("every npm script that a document names exists", () => {
  const manifests = ["package.json", "examples/testing/package.json"].map((file) => JSON.parse(read(file)));
  const scripts = Object.assign({}, ...manifests.map((manifest) => (manifest as { scripts: object }).scripts));
  const named = written.flatMap((file) =>
    [...read(file).matchAll(/\bnpm (?:run (?:--?[\w-]+ )*([\w:-]+)|(test)\b)/g)].map(
      ([, run, short]) => run ?? short ?? "",
    ),
  );
  expect(named).toContain("demo");
  expect(named.filter((name) => !Object.hasOwn(scripts, name))).toEqual([]);
});

test("every file of the repository that a document names exists", () => {
  const named = written.flatMap((file) =>
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

describe("blocks of code", () => {
  const blocks = pages.flatMap(blocksOf);
  const nameOf = ({ page, line, text }: (typeof blocks)[number]) => `${page}:${line} ${text.split("\n")[0]}`;

  test("every one is run, compared, compiled or parsed; see test/pages/blocks.ts", () => {
    const isTaken = ({ verb, language }: (typeof blocks)[number]) =>
      verb !== undefined || ["ts", "json", "yaml"].includes(language);
    expect(blocks.filter((block) => !isTaken(block)).map(nameOf)).toEqual([]);
  });

  test("those that another test runs name one that exists", () => {
    const named = blocks.filter(({ verb }) => verb === "tested by");
    expect(named.filter(({ object }) => !existsSync(join(clone, object))).map(nameOf)).toEqual([]);
  });

  test("those that are part of a file stand in it", () => {
    const parts = blocks.filter(({ verb }) => verb === "part of");
    expect(parts.filter(({ object, text }) => !read(object).includes(text)).map(nameOf)).toEqual([]);
    expect(parts.map(({ page }) => page)).toContain("README.md");
  });

  test("pages with commands are followed by a test", () => {
    const followed = pages.filter((page) =>
      blocksOf(page).some(({ verb }) => ["run", "fails", "serve"].includes(verb ?? "")),
    );
    const tests = ["engine/readme", "engine/pages", "package/getting-started"]
      .map((name) => read(`test/${name}.test.ts`))
      .join("\n");
    expect(followed.filter((page) => !tests.includes(`"${page}`))).toEqual([]);
  });

  test("JSON and YAML parse", () => {
    const problems = blocks
      .filter(({ language }) => ["json", "yaml"].includes(language))
      .flatMap((block) =>
        parseAllDocuments(block.text).flatMap(({ errors }) =>
          errors.map(({ message }) => `${nameOf(block)}: ${message}`),
        ),
      );
    expect(problems).toEqual([]);
  });

  test("no other block is left to people", () => {
    const left = blocks.filter(({ verb }) => verb === "by hand:");
    expect(left.map(({ page, object }) => `${page}: ${object}`)).toEqual([
      "CONTRIBUTING.md: these are the commands that run the tests",
      "CONTRIBUTING.md: these are the commands that run the tests",
      "CONTRIBUTING.md: these are the commands that run the tests",
      "CONTRIBUTING.md: a list of folders, held by test/layers.test.ts",
      "docs/architecture.md: a picture",
      "docs/architecture.md: a picture",
      "docs/getting-started.md: the clone of this page's test is a copy of the checkout",
      "docs/getting-started.md: needs a tenant of Microsoft's",
      "docs/permissions.md: PowerShell, for a tenant of Microsoft's",
      "docs/scale.md: takes minutes",
    ]);
  });
});
