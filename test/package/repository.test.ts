import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { clone } from "../engine/harness";

interface Lock {
  packages: Record<string, { resolved?: string; link?: boolean; integrity?: string }>;
}

/** Files under version control; of an unpacked archive, which has no git, only the lock file. */
function tracked(): string[] {
  return existsSync(join(clone, ".git"))
    ? execFileSync("git", ["ls-files", "-z"], { cwd: clone, encoding: "utf8" }).split("\0").filter(Boolean)
    : ["package-lock.json"];
}

test("the lock file pins every package by its hash and names no host to fetch it from", () => {
  const { packages } = JSON.parse(readFileSync(join(clone, "package-lock.json"), "utf8")) as Lock;
  const installed = Object.entries(packages).filter(([path, entry]) => path.includes("node_modules/") && !entry.link);
  expect(installed.length).toBeGreaterThan(100);
  expect(installed.filter(([, entry]) => entry.resolved !== undefined)).toEqual([]);
  expect(installed.filter(([, entry]) => entry.integrity === undefined)).toEqual([]);
});

test("no npm settings of the repository name a registry", () => {
  const settings = tracked().filter((file) => /(^|\/)\.(npmrc|yarnrc|yarnrc\.yml)$/.test(file));
  const naming = settings.filter((file) => /registry(?!-resolved)/i.test(readFileSync(join(clone, file), "utf8")));
  expect(naming).toEqual([]);
});

test("no file under version control names a folder of somebody's machine", () => {
  const text = /\.(ts|mjs|js|json|md|ya?ml)$/;
  const naming = tracked()
    .filter((file) => text.test(file) && existsSync(join(clone, file)))
    .filter((file) => readFileSync(join(clone, file), "utf8").includes(`${clone}/`));
  expect(naming).toEqual([]);
});
