import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import ts from "typescript";
import { clone, say } from "./clone.mjs";
import { decisionsIndex } from "./decisions.mjs";

/**
 * Writes the reference, one page a kind, from the docstrings of `resource.ts`, and the list of the decisions: `npm run docs`. With
 * `--check` it writes nothing and fails when a page is out of date.
 */
const folder = join(clone, "docs", "reference");
const kinds = readdirSync(join(clone, "provider", "kinds"), { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name);
const sources = kinds.map((kind) => {
  const file = join(clone, "provider", "kinds", kind, "resource.ts");
  return { kind, source: ts.createSourceFile(file, readFileSync(file, "utf8"), ts.ScriptTarget.ES2022, true) };
});
/** Every exported interface and type of the kinds, by name. */
const types = new Map(
  sources.flatMap(({ kind, source }) =>
    source.statements
      .filter((node) => ts.isInterfaceDeclaration(node) || ts.isTypeAliasDeclaration(node))
      .map((node) => [node.name.text, { kind, node }]),
  ),
);
const pages = new Map(
  sources.flatMap(({ kind, source }) => {
    const declaration = source.statements.find((node) => ts.isClassDeclaration(node));
    return declaration === undefined ? [] : [[declaration.name.text, { kind, declaration }]];
  }),
);

/** Lines of the longest page. */
const LONGEST = 250;
const MADE = "<!-- Made by `npm run docs` from the docstrings of the class. Change them, not this page. -->";

const isCheck = process.argv.includes("--check");
const decisions = join(clone, "docs", "decisions");
const made = [
  ...[...pages].flatMap(([name, { kind, declaration }]) =>
    pagesOf(name, kind, declaration).map(([file, text]) => [join(folder, file), text]),
  ),
  [join(decisions, "README.md"), decisionsIndex(decisions)],
  [join(clone, "README.md"), linkedFrom(read(join(clone, "README.md")))],
];
const stale = [];
for (const [file, text] of made) {
  if (isCheck && read(file) !== text) {
    stale.push(relative(clone, file));
  } else if (!isCheck) {
    writeFileSync(file, text);
    say(relative(clone, file));
  }
}
if (stale.length > 0) {
  throw new Error(`Out of date: ${stale.join(", ")}. Run \`npm run docs\`.`);
}

/** The front door with a link to each page, in the order of the list of kinds. */
function linkedFrom(readme) {
  const [, list = ""] = /export const kinds = \{(.*?)\n\}/s.exec(read(join(clone, "provider", "kinds.ts"))) ?? [];
  const links = [...list.matchAll(/^ {2}(?:get )?(\w+)[:(]/gm)].map(([, name]) => {
    const page = pages.get(name);
    if (page === undefined) {
      throw new Error(
        `provider/kinds.ts lists ${name}, and no resource.ts below provider/kinds has a class of that name.`,
      );
    }
    return `[${name}](docs/reference/${page.kind}.md)`;
  });
  const words = ["-", "**Reference**,", "made", "from", "the", "docstrings:", links.join(" ·\n").split("\n")].flat();
  const lines = [];
  for (const word of words) {
    const longer = `${lines.at(-1)} ${word}`;
    if (lines.length === 0 || longer.length > 160) {
      lines.push(lines.length === 0 ? word : `  ${word}`);
    } else {
      lines[lines.length - 1] = longer;
    }
  }
  return readme.replace(/- \*\*Reference\*\*[\s\S]*?(?=\n- )/, lines.join("\n"));
}

/** The page of a kind, by file name. Where it would be too long to read, its types have a page of their own. */
function pagesOf(name, kind, declaration) {
  const { mentioned, before, types: own, after } = partsOf(name, declaration);
  const whole = joined([...before, ...own, ...after]);
  if (whole.split("\n").length <= LONGEST) {
    return [[`${kind}.md`, whole]];
  }
  const [heading, ...sections] = own;
  const apart = `${kind}-types.md`;
  const anchors = new Set([...mentioned].map((type) => `](#${type.toLowerCase()})`));
  const main = joined([...before, heading, `They have [a page of their own](${apart}).`, ...after]);
  return [
    [
      `${kind}.md`,
      main.replace(/\]\(#[\w-]+\)/g, (link) => (anchors.has(link) ? link.replace("(", `(${apart}`) : link)),
    ],
    [
      apart,
      joined([MADE, `# Types of ${name}`, `What [${name}](${kind}.md) is written with.`, ...sections]).replaceAll(
        `](#${name.toLowerCase()})`,
        `](${kind}.md)`,
      ),
    ],
  ];
}

function joined(parts) {
  return parts.join("\n\n").concat("\n");
}

function partsOf(name, declaration) {
  const args = types.get(`${name}Args`).node;
  const mentioned = mentionedIn(args, new Set());
  const local = new Set([name, ...mentioned]);
  const { text, examples, see, permissions, imported } = documentation(declaration, local);
  const get = declaration.members.find((member) => ts.isMethodDeclaration(member) && member.name.getText() === "get");
  return {
    mentioned,
    before: [
      MADE,
      `# ${name}`,
      filled(text),
      ...examples.map(fenced),
      ...(see.length === 0 ? [] : [`Microsoft: ${see.map((link) => `<${link}>`).join(" ")}`]),
      "## Arguments",
      "Every argument but those marked *required* may be left out.",
      ...args.members.map((member) => argument(member, "###", local)),
    ],
    types:
      mentioned.size === 0
        ? []
        : ["## Types", ...[...mentioned].map((type) => typeSection(types.get(type).node, local))],
    after: [
      "## Outputs",
      "The arguments are outputs as well, in canonical form. Besides them:",
      outputs(declaration, args, local),
      "## Permissions",
      "To deploy, an application needs these [permissions](../permissions.md#an-application-that-deploys), as far as the program uses them:",
      permissions.map((one) => bullet(granted(one))).join("\n"),
      "## Import",
      filled(imported),
      ...(get === undefined ? [] : ["## Reading what exists", reading(get, name, local)]),
    ],
  };
}

/** A right, as the page of permissions calls it. */
function granted(right) {
  if (!read(join(clone, "docs", "permissions.md")).includes(`- **${right}**`)) {
    throw new Error(`docs/permissions.md does not list "${right}", which a class names in @permissions.`);
  }
  return right;
}

/** The types of this package that a type is written with, and those that they are written with. */
function mentionedIn(node, found) {
  const visit = (child) => {
    if (ts.isTypeReferenceNode(child)) {
      const name = child.typeName.getText();
      const type = types.get(name);
      if (type !== undefined && !found.has(name)) {
        found.add(name);
        mentionedIn(type.node, found);
      }
    }
    ts.forEachChild(child, visit);
  };
  ts.forEachChild(node, visit);
  return found;
}

function argument(member, level, local) {
  const required = member.questionToken === undefined && level === "###" ? ", *required*" : "";
  const { text, examples, see } = documentation(member, local);
  return [
    // The text follows without a blank line: a page of thirty arguments stays within a few screens.
    `${level} ${member.name.getText()}\n${filled(`${code(written(member.type))}${required}. ${text}`)}`,
    ...examples.map(fenced),
    ...(see.length === 0 ? [] : [`Microsoft: ${see.map((link) => `<${link}>`).join(" ")}`]),
  ].join("\n\n");
}

function typeSection(node, local) {
  const { text } = documentation(node, local);
  const body = ts.isTypeAliasDeclaration(node)
    ? [code(written(node.type))]
    : [
        node.members
          .map((member) => {
            const optional = member.questionToken === undefined ? "" : ", optional";
            return bullet(
              `\`${member.name.getText()}\` (${code(written(member.type))}${optional}): ${documentation(member, local).text}`,
            );
          })
          .join("\n"),
      ];
  return [`### ${node.name.text}${text === "" ? "" : `\n${filled(text)}`}`, ...body].join("\n\n");
}

function outputs(declaration, args, local) {
  const inputs = new Set(args.members.map((member) => member.name.getText()));
  const inherited = declaration.heritageClauses?.[0]?.types[0]?.expression.getText() === "MailboxRecordResource";
  const shared = inherited ? [...types.get("MailboxRecordOutputs").node.members] : [];
  return [...declaration.members, ...shared]
    .filter((member) => ts.isPropertyDeclaration(member) || ts.isPropertySignature(member))
    .filter((member) => !member.modifiers?.some(({ kind }) => kind === ts.SyntaxKind.StaticKeyword))
    .filter((member) => !inputs.has(member.name.getText()))
    .map((member) => bullet(`\`${member.name.getText()}\`: ${documentation(member, local).text}`))
    .join("\n");
}

function reading(get, name, local) {
  const { text, examples, params, returns } = documentation(get, local);
  const names = get.parameters.map((parameter) => parameter.name.getText()).join(", ");
  return [
    code(`${name}.get(${names})`),
    filled(text),
    ...(params.length === 0 ? [] : [params.map(([param, what]) => bullet(`\`${param}\`: ${what}`)).join("\n")]),
    ...(returns === "" ? [] : [`Returns ${returns}`]),
    ...examples.map(fenced),
  ].join("\n\n");
}

/** What a docstring says, with links of this page's own. */
function documentation(node, local) {
  const [comment] = node.jsDoc ?? [];
  const tags = [...(comment?.tags ?? [])];
  const said = (value) => linked(ts.getTextOfJSDocComment(value) ?? "", local).trim();
  return {
    text: said(comment?.comment),
    examples: tags.filter((tag) => tag.tagName.text === "example").map((tag) => exampleOf(tag)),
    see: tags.filter((tag) => tag.tagName.text === "see").map((tag) => /https:\S+/.exec(tag.getText())?.[0] ?? ""),
    permissions: tags
      .filter((tag) => tag.tagName.text === "permissions")
      .flatMap((tag) => said(tag.comment).replace(/\s+/g, " ").split(" | ")),
    imported: tags
      .filter((tag) => tag.tagName.text === "imported")
      .map((tag) => said(tag.comment))
      .join(" "),
    params: tags.filter(ts.isJSDocParameterTag).map((tag) => [tag.name.getText(), said(tag.comment)]),
    returns: tags
      .filter(ts.isJSDocReturnTag)
      .map((tag) => said(tag.comment))
      .join(" "),
  };
}

/** The example as it is written: TypeScript's reader takes blanks at the beginnings of lines away. */
function exampleOf(tag) {
  return tag
    .getFullText()
    .replace(/^@example\s*\n/, "")
    .split("\n")
    .map((line) => line.replace(/^\s*\*\/?( |$)/, ""))
    .join("\n")
    .trim();
}

function linked(text, local) {
  return text.replace(/\{@link\s+([\w.]+)\s*(?:\|?\s*([^}]*))?\}/g, (_whole, target, words) => {
    const shown = words?.trim() || `\`${target}\``;
    const page = pages.get(target) ?? types.get(target);
    return local.has(target)
      ? `[${shown}](#${target.toLowerCase()})`
      : page === undefined
        ? shown
        : `[${shown}](${page.kind}.md)`;
  });
}

/** A type as people write it: without `Input`, `readonly` and `undefined`. */
function written(node) {
  if (ts.isTypeReferenceNode(node)) {
    const name = node.typeName.getText();
    const inner = node.typeArguments?.map(written) ?? [];
    return /^(pulumi\.)?(Input|Output|UnwrappedObject|Partial)$/.test(name)
      ? inner[0]
      : name === "Record"
        ? `{ [key: ${inner[0]}]: ${inner[1]} }`
        : `${name}${inner.length > 0 ? `<${inner.join(", ")}>` : ""}`;
  }
  if (ts.isUnionTypeNode(node)) {
    return node.types
      .map(written)
      .filter((part) => part !== "undefined")
      .join(" | ");
  }
  if (ts.isTypeOperatorNode(node)) {
    return written(node.type);
  }
  if (ts.isArrayTypeNode(node)) {
    const element = written(node.elementType);
    return element.includes("|") ? `(${element})[]` : `${element}[]`;
  }
  return node.getText().replace(/\s+/g, " ");
}

function code(text) {
  return text.includes("`") ? `\`\` ${text} \`\`` : `\`${text}\``;
}

function fenced(text) {
  return `\`\`\`ts\n${text}\n\`\`\``;
}

function bullet(text) {
  return filled(`- ${text}`).replace(/\n+/g, "\n  ");
}

/** A text in lines as long as a page may have them. */
function filled(text) {
  return text
    .split("\n\n")
    .map((paragraph) =>
      paragraph
        .replace(/\n/g, " ")
        .replace(/(.{1,190})(?: |$)/g, "$1\n")
        .trimEnd(),
    )
    .join("\n\n");
}

function read(file) {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    if (error.code === "ENOENT") {
      return undefined;
    }
    throw error;
  }
}
