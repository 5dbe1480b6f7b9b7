import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { contraries } from "../../provider/local-tenant/contrary";

/** A behaviour of the local tenant, as the comment beside it says. */
export interface Behaviour {
  /** Its lasting name: the service and what it is about, as `exchange.unauthorized-body`. Probes, settings and tests refer to it. */
  id: string;
  /**
   * `documented`: Microsoft documents it. `observed`: somebody recorded it against the real service. `assumed`: nobody wrote it down, and
   * the tenant does the most plausible or the harsher thing.
   */
  mark: string;
  /** What the tenant does, in one sentence. */
  sentence: string;
  /** Page, repository or reasoning behind it. */
  source: string;
  /** What the tenant does instead while the setting `contrary` names it. */
  contrary?: string;
  /** Where it stands. */
  file: string;
}

const root = join(__dirname, "..", "..");

function sourcesBelow(folder: string): { file: string; text: string }[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts"))
    .map((file) => join(root, folder, file))
    .map((file) => ({ file: relative(root, file), text: readFileSync(file, "utf8") }));
}

/** Each comment that begins with `// @`, with the lines of comment that follow it, as one line. */
function commentsIn(text: string): string[] {
  return (text.match(/^ *\/\/ @(?:.|\n *\/\/ (?!@))*/gm) ?? []).map((run) => run.replace(/\s*\n *\/\/ /g, " ").trim());
}

/** Every behaviour of the local tenant: the comments `// @documented id: sentence [source]`, and with `@observed` and `@assumed`. */
export function behaviours(): Behaviour[] {
  return sourcesBelow("provider/local-tenant").flatMap(({ file, text }) =>
    commentsIn(text).map((comment) => {
      const [, mark, id, sentence, source] = /^\/\/ @(\w+) ([\w.-]+): ([^[\]]+) \[([^[\]]+)\]/.exec(comment) ?? [];
      if (mark === undefined || id === undefined || sentence === undefined || source === undefined) {
        throw new Error(`${file}: not "@mark id: sentence [source]": ${comment}`);
      }
      const contrary: string | undefined = Object.entries(contraries).find(([known]) => known === id)?.[1];
      return { id, mark, sentence, source, file, ...(contrary === undefined ? {} : { contrary }) };
    }),
  );
}

/** The ids that tests say they show: the comments `// @shows id id …`. */
export function shown(): string[] {
  return sourcesBelow("test").flatMap(({ text }) =>
    commentsIn(text).flatMap((comment) => /^\/\/ @shows (.+)$/.exec(comment)?.[1]?.split(/\s+/) ?? []),
  );
}
