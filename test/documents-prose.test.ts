/** Plain English, as far as a rule can hold it: in the documents, and in the texts that users see. */
import { readdirSync } from "node:fs";
import { join, sep } from "node:path";
import ts from "typescript";
import { clone, pages, read } from "./pages/blocks";

/** What a native reader takes in at first reading. */
const MOST_WORDS = 30;

const CLUMSY = [
  { what: "such a one", pattern: /\bsuch a one\b/i },
  { what: "of ours", pattern: /\bof ours\b/i },
  { what: 'is no X: write "is not a"', pattern: /(?<!\bthere )\b(?:is|are) no (?!longer\b|more than\b|use\b)[a-z]/i },
  { what: "in vain", pattern: /\bin vain\b/i },
];

/** The sentences of a text, code left out. A colon or a list's item ends a sentence too. */
function sentencesOf(text: string): string[] {
  return text
    .replace(/`+[^`]*`+/g, "CODE")
    .replace(/\]\([^)]*\)/g, "]")
    .replace(/\b(e\.g|i\.e)\./g, "$1")
    .replace(/\s+/g, " ")
    .split(/(?<=[.!?:])[*"”]*\s+/)
    .filter((sentence) => sentence !== "");
}

function clumsyIn(sentence: string): string[] {
  const words = sentence.split(" ").length;
  return [
    ...CLUMSY.filter(({ pattern }) => pattern.test(sentence)).map(({ what }) => what),
    ...(words > MOST_WORDS ? [`${words} words`] : []),
  ];
}

/** The paragraphs and list items of a page, without code, tables, headings and comments. */
function paragraphsOf(page: string): string[] {
  return read(page)
    .replace(/^[ \t]*```[\s\S]*?^[ \t]*```$/gm, "")
    .replace(/^[ \t]*<!--.*?-->$/gm, "")
    .split(/\n\s*\n|\n(?=\s*(?:[-*] |\d+\. |\||#))/)
    .filter((paragraph) => !/^\s*[|#]/.test(paragraph));
}

describe("documents", () => {
  // The changes of releases are a list of facts for people who know the words.
  const sentences = pages
    .filter((page) => page !== "CHANGELOG.md")
    .flatMap((page) => paragraphsOf(page).flatMap((text) => sentencesOf(text).map((sentence) => ({ page, sentence }))));

  test("have short sentences without clumsy words", () => {
    const found = sentences.flatMap(({ page, sentence }) =>
      clumsyIn(sentence).map((what) => `${page}: ${what}: ${sentence}`),
    );
    expect(found).toEqual([]);
  });

  test("have full stops where a semicolon could stand", () => {
    const found = sentences.filter(({ sentence }) => sentence.replace(/\([^)]*\)/g, "").includes(";"));
    expect(found.map(({ page, sentence }) => `${page}: ${sentence}`)).toEqual([]);
  });
});

describe("texts of the product", () => {
  /** What is written for machines: a page's script and markup, and a list of the services' words. */
  const NOT_PROSE = ["access/page.ts", "acceptance/record.ts"];

  const files = readdirSync(join(clone, "provider"), { recursive: true, encoding: "utf8" })
    .map((path) => path.split(sep).join("/"))
    .filter((path) => path.endsWith(".ts") && !NOT_PROSE.includes(path))
    // Most of what the local tenant says is the services' own words.
    .filter((path) => !path.startsWith("local-tenant/") || path === "local-tenant/command.ts");

  /** The string literals of a file that hold three words in a row; what is filled in later is one word. */
  const textsIn = (path: string): { path: string; text: string }[] => {
    const source = ts.createSourceFile(path, read(`provider/${path}`), ts.ScriptTarget.ES2022, true);
    const texts: { path: string; text: string }[] = [];
    const visit = (node: ts.Node): void => {
      const text = ts.isStringLiteralLike(node)
        ? node.text
        : ts.isTemplateExpression(node)
          ? node.head.text + node.templateSpans.map(({ literal }) => `X${literal.text}`).join("")
          : undefined;
      if (text !== undefined && /[a-z]+ [a-z]+ [a-z]+/.test(text)) {
        texts.push({ path, text });
      }
      ts.forEachChild(node, visit);
    };
    visit(source);
    return texts;
  };
  const texts = files.flatMap(textsIn);

  test("are those that the page of troubleshooting shows", () => {
    const wordsOf = (text: string) => text.toLowerCase().match(/[a-z]+/g) ?? [];
    const runsOf = (text: string) =>
      wordsOf(text).flatMap((_, at, words) => (at + 3 > words.length ? [] : [words.slice(at, at + 3).join(" ")]));
    const printed = new Set([...texts, ...textsIn("local-tenant/embedded.ts")].flatMap(({ text }) => runsOf(text)));
    const shown = [...read("docs/troubleshooting.md").matchAll(/^- `([^`]+)`/gm)].map(([, text = ""]) => text);
    expect(shown.length).toBeGreaterThan(30);
    // A text is put together from parts, so that some of its words are enough. These are Entra's, Graph's, Dynamics', Pulumi's and Node's.
    const foreign =
      /^(AADSTS|… Microsoft Graph: Access|Dynamics 365: The user|Attempting to deploy|Cannot find module)/;
    const isPrinted = (text: string) => {
      const runs = text.split("…").flatMap(runsOf);
      return runs.length < 4 || runs.some((run) => printed.has(run));
    };
    expect(shown.filter((text) => !foreign.test(text) && !isPrinted(text))).toEqual([]);
  });

  test("have short sentences without clumsy words", () => {
    expect(texts.length).toBeGreaterThan(500);
    const found = texts.flatMap(({ path, text }) =>
      sentencesOf(text).flatMap((sentence) => clumsyIn(sentence).map((what) => `${path}: ${what}: ${sentence}`)),
    );
    expect(found).toEqual([]);
  });

  test("of commands have full stops where a semicolon could stand", () => {
    const found = texts.filter(({ path, text }) => /(^cli|command)\.ts$/.test(path) && text.includes(";"));
    expect(found.map(({ path, text }) => `${path}: ${text}`)).toEqual([]);
  });
});

test.each([
  ["a sentence of more than thirty words", `${"word ".repeat(31)}.`, "32 words"],
  ["a clumsy word", "It makes such a one.", "such a one"],
  ["an identity by no", "The member is no recipient.", 'is no X: write "is not a"'],
])("the rules find %s", (_, sentence, what) => {
  expect(sentencesOf(sentence).flatMap(clumsyIn)).toEqual([what]);
});

test("the rules leave alone what reads well", () => {
  const good = "There is no file. It is no longer there, e.g. in `a; b such a one`. Write the address: it is short.";
  expect(sentencesOf(good).flatMap(clumsyIn)).toEqual([]);
});
