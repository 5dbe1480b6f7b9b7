import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { capture, clone } from "./clone.mjs";
import { environmentIn } from "./tenant.mjs";

/**
 * A Pulumi project in TypeScript in a folder of its own that uses this clone, for recordings of what the real CLI does. The program is
 * `index.ts`; the stack is `dev`.
 *
 * @param name the project's name.
 * @param cli the CLI that `setUp` found.
 * @param compilerOptions what the program is compiled with besides.
 */
export function makeProject(name, cli, compilerOptions = {}) {
  const folder = mkdtempSync(join(tmpdir(), `${name}-`));
  const env = environmentIn(folder, cli);
  mkdirSync(join(folder, "state"));
  mkdirSync(join(folder, "node_modules", "@pulumi"), { recursive: true });
  symlinkSync(clone, join(folder, "node_modules", "pulumi-mailboxes"), "junction");
  const sdk = ["node_modules", "@pulumi", "pulumi"];
  symlinkSync(join(clone, ...sdk), join(folder, ...sdk), "junction");
  const write = (file, content) => writeFileSync(join(folder, file), JSON.stringify(content));
  write("Pulumi.yaml", { name, runtime: "nodejs" });
  write("package.json", { name, private: true, main: "index.ts" });
  const options = { target: "es2022", module: "nodenext", moduleResolution: "nodenext", preserveSymlinks: true };
  write("tsconfig.json", { compilerOptions: { ...options, skipLibCheck: true, ...compilerOptions } });
  const run = (...args) => capture("pulumi", [...args, "--stack", "dev", "--non-interactive"], { cwd: folder, env });
  return {
    folder,
    /** Runs the CLI on the stack, however it ends. */
    run,
    /** Runs the CLI on the stack. @returns what it printed. @throws Error with what it printed when it fails. */
    async pulumi(...args) {
      const { code, stdout, stderr } = await run(...args);
      if (code !== 0) {
        throw new Error(`"pulumi ${args.join(" ")}" ended with ${code}:\n${stdout}${stderr}`);
      }
      return stdout;
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
