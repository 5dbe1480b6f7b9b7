import type { ChildProcess } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { finished, mailboxes, runNode } from "../local-tenant/core";
import { runFolder } from "./acceptance";
import { startWorld, type World } from "./harness";

const cli = join(__dirname, "..", "..", "provider", "cli.ts");

/** `mailboxes acceptance` in a process of its own, on a world's tenant. */
function start(world: World, folder: string, ...args: string[]): ChildProcess {
  const files = ["--journal", join(folder, "made.jsonl"), "--record", join(folder, `${Math.random()}.json`)];
  return runNode([cli, "acceptance", ...files, ...args], { MAILBOXES_LOCAL_TENANT: world.origin });
}

/** The probe before one that waits for seconds. By then there are disposable mailboxes. */
const BEFORE_A_WAIT = "exchange.sid-as-trustee";

const onDisposables = ["--domain", "contoso.com", "--prefix", "probe", "--yes"];

/** Resolves once a line of the output has the words. */
async function line(child: ChildProcess, words: string): Promise<void> {
  for await (const text of createInterface({ input: child.stdout as NodeJS.ReadableStream })) {
    if (text.includes(words)) {
      return;
    }
  }
  throw new Error(`the output ended without "${words}"`);
}

async function ended(child: ChildProcess): Promise<number | null> {
  return child.exitCode ?? (await new Promise((resolve) => child.once("exit", resolve)));
}

const users = async (world: World) => (await world.control("GET", "state")).users;

test.each(["SIGINT", "SIGTERM"] as const)("%s ends a run, which removes what it made", async (signal) => {
  const world = await startWorld();
  const folder = runFolder();
  const before = await users(world);
  const child = start(world, folder, ...onDisposables);
  await line(child, BEFORE_A_WAIT);
  expect(await users(world)).not.toEqual(before);
  child.kill(signal);
  expect(await ended(child)).toBe(2);
  expect(await users(world)).toEqual(before);
  expect(existsSync(join(folder, "made.jsonl"))).toBe(false);
});

test("what a killed run left is removed by --clean-up, and no new run begins before", async () => {
  const world = await startWorld();
  const folder = runFolder();
  const before = await users(world);
  const child = start(world, folder, ...onDisposables);
  await line(child, BEFORE_A_WAIT);
  child.kill("SIGKILL");
  await ended(child);

  const again = await finished(start(world, folder, ...onDisposables));
  expect(again).toMatchObject({ code: 2, stderr: expect.stringContaining("An earlier run left things behind") });

  // A mailbox that was asked for when the run was killed may still appear for ten minutes: the clean-up comes after them.
  const journal = join(folder, "made.jsonl");
  const minutesAgo = (at: string) => String(Number(at) - 11 * 60_000);
  writeFileSync(journal, readFileSync(journal, "utf8").replace(/(?<="at":)\d+/g, minutesAgo));
  const cleaned = await finished(start(world, folder, "--clean-up", "--yes"));
  expect(cleaned).toMatchObject({ code: 0, stdout: expect.stringContaining("removed the mailbox probe-") });
  expect(await users(world)).toEqual(before);
  expect(existsSync(journal)).toBe(false);
});

test("a wrong call ends with 2, help with 0, and --list names every probe", async () => {
  expect(await finished(mailboxes("acceptance", "--nonsense"))).toMatchObject({ code: 2 });
  expect(await finished(mailboxes("acceptance"))).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("Say one of: --read-only"),
  });
  expect(await finished(mailboxes("acceptance", "--help"))).toMatchObject({ code: 0 });
  const { code, stdout } = await finished(mailboxes("acceptance", "--list"));
  expect(code).toBe(0);
  expect(stdout).toContain("exchange.batch-size\n  A batch holds at most ten requests.");
});
