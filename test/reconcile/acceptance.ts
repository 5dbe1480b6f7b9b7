import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type AcceptanceOptions, acceptance, type ExitCode } from "../../provider/acceptance/run";
import type { Row, World } from "./harness";

const folders: string[] = [];

afterAll(() => {
  for (const folder of folders) {
    rmSync(folder, { recursive: true, force: true });
  }
});

/** A run of `mailboxes acceptance`, and what it left. */
export interface Run {
  exit: ExitCode;
  /** What was printed. */
  said: string;
  /** Each probe's verdict, by its row. */
  verdicts: Record<string, string>;
  /** The text of the record; undefined when none was written. */
  record: string | undefined;
}

/** Where a run happens, and who listens to it. */
interface Around {
  folder?: string;
  controller?: AbortController;
  say?: (text: string) => void;
}

/** The folder of a test's runs: journal and records are in it. */
export function runFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "acceptance-"));
  folders.push(folder);
  return folder;
}

/** Runs `mailboxes acceptance` on a world's tenant. */
export async function runAcceptance(
  world: World,
  options: AcceptanceOptions,
  { folder = runFolder(), controller = new AbortController(), say = () => undefined }: Around = {},
): Promise<Run> {
  const said: string[] = [];
  const values: Row = { localTenant: world.origin, settleTimeout: "20s" };
  const record = join(folder, `record-${Math.random()}.json`);
  const exit = await acceptance(
    { record, journal: join(folder, "made.jsonl"), ...options },
    {
      raw: {
        get: (key) => values[key.replace("mailboxes:", "")],
        keys: Object.keys(values).map((key) => `mailboxes:${key}`),
      },
      say: (text) => {
        said.push(text);
        say(text);
      },
      signal: controller.signal,
    },
  );
  const text = said.join("\n");
  const lines = [...text.matchAll(/^(confirmed|contradicted|not tried) +(\S+)$/gm)];
  return {
    exit,
    said: text,
    verdicts: Object.fromEntries(lines.map(([, verdict = "", row = ""]) => [row, verdict])),
    record: readIfThere(record),
  };
}

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}
