import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const PARTS = ["Decision", "Why", "Cost", "Status"];

const INTRODUCTION = `<!-- Made by \`npm run docs\` from the files beside it. -->
# Decisions

Why things are as they are: one file a decision, with what was decided, why, what it costs, and whether it is in force.

A new one is a file in the folder of its area. It has a heading and four paragraphs that begin with ${PARTS.map((part) => `**${part}.**`).join(", ")}.
Files have no numbers, because two branches would take the same one. Then run \`npm run docs\`, which lists it here.`;

/** The page that lists the decisions below `folder`, by area. @throws Error for a file that lacks one of the four parts. */
export function decisionsIndex(folder) {
  const areas = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  const sections = areas
    .map(({ name }) => name)
    .sort()
    .map((area) => {
      const files = readdirSync(join(folder, area)).sort();
      const lines = files.map((file) => `- [${titleOf(join(folder, area, file))}](${area}/${file})`);
      return `## ${area[0].toUpperCase()}${area.slice(1).replaceAll("-", " ")}\n\n${lines.join("\n")}`;
    });
  return `${[INTRODUCTION, ...sections].join("\n\n")}\n`;
}

function titleOf(file) {
  const [heading = "", ...paragraphs] = readFileSync(file, "utf8").split("\n\n");
  const missing = PARTS.filter((part) => !paragraphs.some((paragraph) => paragraph.startsWith(`**${part}.** `)));
  if (!heading.startsWith("# ") || missing.length > 0) {
    throw new Error(
      `${file}: a decision has a heading and the parts ${PARTS.join(", ")}. Missing: ${missing.join(", ")}.`,
    );
  }
  return heading.slice(2);
}
