import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { checkInstallation } from "../../provider/resources/dynamic-resource";

describe("an installation", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "mailboxes-installation-"));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  /** A copy of the package below a folder. @returns the folder of its code. */
  function install(place: string, version: string, code: string): string {
    const root = join(folder, place, "node_modules", "pulumi-mailboxes");
    mkdirSync(join(root, "dist"), { recursive: true });
    const exports = { "./provider": "./dist/provider.js" };
    writeFileSync(join(root, "package.json"), JSON.stringify({ name: "pulumi-mailboxes", version, exports }));
    writeFileSync(join(root, "dist", "provider.js"), code);
    return join(root, "dist");
  }

  const check =
    (own: string, program = "program") =>
    () =>
      checkInstallation(own, join(folder, program));

  test("is right where program and provider process load one copy, or two with the same code", () => {
    const own = install("program", "1.0.0", "one");
    expect(check(own)).not.toThrow();
    cpSync(join(folder, "program"), join(folder, "copy"), { recursive: true });
    expect(check(own, "copy")).not.toThrow();
    mkdirSync(join(folder, "linked"));
    symlinkSync(join(folder, "program", "node_modules"), join(folder, "linked", "node_modules"));
    expect(check(own, "linked")).not.toThrow();
  });

  test("of two versions, or of one version with two codes, is refused with both", () => {
    const own = install("program", "1.0.0", "one");
    install("other", "1.1.0", "one");
    expect(check(own, "other")).toThrow(
      /the program loaded 1\.0\.0 from .*program.*provider process would load 1\.1\.0 from .*other/,
    );
    install("other", "1.0.0", "two");
    expect(check(own, "other")).toThrow(/Two versions of pulumi-mailboxes are installed/);
  });

  test("that does not resolve from the program says so, to hosts of the Automation API too", () => {
    const own = install("program", "1.0.0", "one");
    mkdirSync(join(folder, "elsewhere"));
    // In a process of its own: jest resolves the name of the package it tests from everywhere.
    const script = `require(${JSON.stringify(join(__dirname, "../../provider/resources/dynamic-resource"))}).checkInstallation(${JSON.stringify(own)})`;
    const { stderr } = spawnSync(
      process.execPath,
      ["--require", join(__dirname, "../local-tenant/typescript.cjs"), "--eval", script],
      { cwd: join(folder, "elsewhere"), encoding: "utf8" },
    );
    expect(stderr).toMatch(
      /does not resolve from .*elsewhere\. Add it .*Automation API runs where its host was started/,
    );
  });

  test("that was bundled into the program is told to stay a package", () => {
    install("program", "1.0.0", "one");
    expect(check(join(folder, "program", "bundle"))).toThrow(/keep it external \(esbuild: --external:pulumi-mailboxes/);
  });
});
