import { readFileSync, statSync, watch } from "node:fs";
import { join } from "node:path";

/** Seconds of processor time that a process has taken, all its threads together. From Linux's `/proc`; throws elsewhere. */
export function processorTime(pid) {
  const [user, system] = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1].split(" ").slice(11, 13);
  return (Number(user) + Number(system)) / 100;
}

/**
 * What a command costs the engine, apart from time: how often it wrote the whole state and how many bytes that were, the largest
 * memory of the CLI, and its processor time. Memory and processor time come from Linux's `/proc`, and are undefined elsewhere.
 *
 * @param stack as `makeStack` makes it.
 * @param command what the CLI is told.
 */
export async function engineCost(stack, ...command) {
  const state = join(stack.states, "dev.json");
  let writes = 0;
  let bytes = 0;
  const watcher = watch(stack.states, (event, file) => {
    if (event === "rename" && file === "dev.json") {
      writes += 1;
      bytes += statSync(state, { throwIfNoEntry: false })?.size ?? 0;
    }
  });
  let process;
  let memory;
  let processor;
  const look = setInterval(() => {
    try {
      memory = Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${process.pid}/status`, "utf8"))[1]) * 1024;
      processor = processorTime(process.pid);
    } catch {
      // It has not begun, has ended, or this is not Linux.
    }
  }, 100);
  try {
    const { seconds } = await stack.pulumi(...command, (child) => {
      process = child;
    });
    return { seconds, writes, bytes, memory, processor, state: statSync(state).size };
  } finally {
    clearInterval(look);
    watcher.close();
  }
}
