import { execFile } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { clone } from "../engine/harness";

/** Runs a command; its output, or an error that holds it. */
export const execute = promisify(execFile);

/** The npm command of this Node; on Windows it is a script that needs a shell. */
export async function npm(args: string[], cwd: string): Promise<string> {
  const isWindows = process.platform === "win32";
  const { stdout } = await execute(isWindows ? "npm.cmd" : "npm", args, {
    cwd,
    shell: isWindows,
    maxBuffer: 64 * 1024 * 1024,
  });
  return stdout;
}

/**
 * Installs from a registry, a second and a third time where that fails: a registry that is slow or refuses once is no fault of the
 * package. Package managers repeat a request themselves, but not after every answer.
 */
export async function fromRegistry<T>(install: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await install();
    } catch (error) {
      if (attempt === 3) {
        throw error;
      }
      await new Promise((resolve) => setTimeout(resolve, attempt * 5000));
    }
  }
}

/** Runs a tool of the clone's node_modules; answers with exit code and output instead of throwing. */
export async function tool(
  script: string,
  args: string[],
  cwd: string = clone,
): Promise<{ exitCode: number; output: string }> {
  try {
    const { stdout, stderr } = await execute(process.execPath, [script, ...args], { cwd, maxBuffer: 64 * 1024 * 1024 });
    return { exitCode: 0, output: stdout + stderr };
  } catch (error) {
    const { code, stdout = "", stderr = "" } = error as { code?: number; stdout?: string; stderr?: string };
    return { exitCode: code ?? 1, output: stdout + stderr };
  }
}

/** What `npm pack` makes of the clone as it is built. */
export interface Tarball {
  path: string;
  /** Paths inside the package. */
  files: string[];
  /** Bytes, unpacked. */
  unpackedSize: number;
}

/** Packs the clone, once a test file. The layer's set-up has built it. */
export async function pack(): Promise<Tarball> {
  const folder = mkdtempSync(join(process.env.MAILBOXES_TEST_RUN ?? tmpdir(), "tarball-"));
  const answer = await npm(["pack", "--json", "--ignore-scripts", "--pack-destination", folder], clone);
  const [packed] = Object.values(
    JSON.parse(answer) as Record<string, { filename: string; unpackedSize: number; files: { path: string }[] }>,
  );
  if (packed === undefined) {
    throw new Error(`npm pack answered ${answer}`);
  }
  return {
    path: join(folder, packed.filename),
    files: packed.files.map((file) => file.path),
    unpackedSize: packed.unpackedSize,
  };
}
