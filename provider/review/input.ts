import { readFileSync } from "node:fs";
import { buffer } from "node:stream/consumers";

/**
 * The text of a file, or of standard input.
 *
 * @param file undefined, or `-`, for standard input.
 * @param name how messages begin, e.g. `--program: `; empty where the file is the argument.
 * @param command what writes such a file: `pulumi stack export`.
 * @param reader the command that reads it, as it is written behind a pipe.
 * @throws Error with a next step when there is nothing to read.
 */
export async function textOf(file: string | undefined, name: string, command: string, reader: string): Promise<string> {
  if (file === undefined || file === "-") {
    if (process.stdin.isTTY) {
      throw new Error(name.concat(`There is nothing to read. Run \`${command} | ${reader}\`, or give a file.`));
    }
    return decoded(await buffer(process.stdin));
  }
  try {
    return decoded(readFileSync(file));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const said =
      code === "ENOENT"
        ? `There is no file ${file}. Run \`${command} > ${file}\` first.`
        : `${file} cannot be read (${code ?? String(error)}). Give the file that \`${command}\` was written to.`;
    throw new Error(name.concat(said));
  }
}

/** Windows PowerShell writes what it redirects in UTF-16. */
export function decoded(bytes: Buffer): string {
  return bytes[0] === 0xff && bytes[1] === 0xfe ? bytes.toString("utf16le") : bytes.toString("utf8");
}
