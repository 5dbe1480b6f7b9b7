/** The workflows of `ci/github-actions`, held by actionlint, which is a Go module. */
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import { clone } from "../engine/harness";

const VERSION = "v1.7.12";
const workflows = join(clone, "ci", "github-actions");

/** The go command, on the PATH or where its installer puts it. */
function goCommand(): string | undefined {
  return [...(process.env.PATH ?? "").split(delimiter), "/usr/local/go/bin"]
    .map((folder) => join(folder, "go"))
    .find((file) => existsSync(file));
}

const go = goCommand();
if (go === undefined) {
  process.stderr.write(
    "skipped: the workflows of ci/github-actions are not held by actionlint (no go on the PATH nor in /usr/local/go/bin)\n",
  );
}

/** actionlint, built once for this user, beside the Pulumi CLI. */
function actionlint(): string {
  const caches = process.env.XDG_CACHE_HOME || join(homedir(), ".cache");
  const folder = join(caches, "pulumi-mailboxes", `actionlint-${VERSION}`);
  const file = join(folder, "actionlint");
  if (!existsSync(file)) {
    mkdirSync(folder, { recursive: true });
    execFileSync(go ?? "go", ["install", `github.com/rhysd/actionlint/cmd/actionlint@${VERSION}`], {
      env: { ...process.env, GOBIN: folder },
      stdio: "pipe",
    });
  }
  return file;
}

(go === undefined ? test.skip : test)("actionlint has nothing to say about the workflows, and does read them", () => {
  const files = readdirSync(workflows).map((file) => join(workflows, file));
  // What else is on the machine (shellcheck, pyflakes) must not decide.
  const options = ["-no-color", "-shellcheck=", "-pyflakes="];
  const lint = (args: string[], input = "") =>
    spawnSync(actionlint(), [...options, ...args], { encoding: "utf8", input });
  const { status, stdout, stderr } = lint(files);
  expect(`${stdout}${stderr}${status}`).toBe("0");
  const wrong = lint(
    ["-"],
    "on: push\njobs:\n  a:\n    runs-on: ubuntu-24.04\n    steps: [{ if: secret.x == 1, run: exit }]\n",
  );
  expect(wrong).toMatchObject({ status: 1, stdout: expect.stringContaining("undefined variable") });
});
