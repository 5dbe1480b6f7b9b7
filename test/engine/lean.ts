/** What makes the deployments of tests cheap, and is no part of what they test. */
import { mkdirSync, symlinkSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { clone } from "../pages/blocks";

/** The environment of a CLI whose Node processes load and look for less: see `lean-sdk.cjs` and `prepare.mjs`. */
export function leanEnvironment(): { NODE_OPTIONS: string; PATH: string } {
  const { MAILBOXES_TEST_RUN: prepared, PATH = "" } = process.env;
  return {
    NODE_OPTIONS: `--require ${JSON.stringify(join(__dirname, "lean-sdk.cjs"))}`,
    PATH: prepared === undefined ? PATH : join(prepared, "bin") + delimiter + PATH,
  };
}

/**
 * Installs packages of the clone into a project by links, and the clone itself as a package. Of the clone only what is published is
 * linked: Pulumi reads every folder below a project's node_modules, in search of plugins, and follows links.
 */
export function linkPackages(project: string, packages: readonly string[]): void {
  const modules = join(project, "node_modules");
  const link = (from: string, to: string) => {
    mkdirSync(dirname(to), { recursive: true });
    symlinkSync(from, to);
  };
  for (const name of packages) {
    link(join(clone, "node_modules", name), join(modules, name));
  }
  for (const name of ["package.json", "dist"]) {
    link(join(clone, name), join(modules, "pulumi-mailboxes", name));
  }
}
