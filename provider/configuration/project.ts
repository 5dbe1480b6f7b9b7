import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { parseDocument } from "yaml";

/** What the Pulumi CLI takes for a project file, in its order. */
const PROJECT_FILES = ["Pulumi.json", "Pulumi.yaml", "Pulumi.yml"];

/** A Pulumi project on disk. */
export interface Project {
  /** The folder of the project file. */
  folder: string;
  /** Undefined where the file has no name that can be read. */
  name: string | undefined;
}

/**
 * The project that a folder belongs to: the nearest project file in it or above it.
 *
 * @param named passes over projects of another name. A program may lie below its project (`main`), and in a folder with a project
 *   file of its own.
 */
export function projectAbove(start: string, named?: string): Project | undefined {
  for (let folder = start; ; folder = dirname(folder)) {
    const found = PROJECT_FILES.map((file) => join(folder, file))
      .filter((file) => existsSync(file))
      .map((file) => ({ folder, name: nameIn(readFileSync(file, "utf8")) }))
      .find(({ name }) => named === undefined || name === named);
    if (found !== undefined || dirname(folder) === folder) {
      return found;
    }
  }
}

/** The name in the text of a project file. JSON is YAML too, and with the failsafe schema every value is a text, as for the CLI. */
function nameIn(text: string): string | undefined {
  const name = parseDocument(text, { schema: "failsafe" }).get("name");
  return typeof name === "string" ? name : undefined;
}
