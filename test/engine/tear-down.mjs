import { readdirSync, readFileSync, rmSync } from "node:fs";

/**
 * After the tests: ends what they left running (a killed CLI leaves its provider process behind) and removes their folder.
 * Processes are known by the run's folder in their environment, which only Linux lets us read; elsewhere they end by
 * themselves once their engine is gone.
 */
export default async function tearDown() {
  const folder = process.env.MAILBOXES_TEST_RUN;
  for (const pid of strays(`MAILBOXES_TEST_RUN=${folder}`)) {
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // It ended by itself in the meantime.
    }
  }
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  await globalThis.vaultOfTheTests?.close();
}

function strays(mark) {
  if (process.platform !== "linux") {
    return [];
  }
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => pid !== process.pid && environment(pid).includes(mark));
}

function environment(pid) {
  try {
    return readFileSync(`/proc/${pid}/environ`, "utf8").split("\0");
  } catch {
    return [];
  }
}
