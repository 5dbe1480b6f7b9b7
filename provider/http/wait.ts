/** Waiting that a cancelled deployment ends at once. */
import { setTimeout as sleep } from "node:timers/promises";
import { CancelledError } from "./errors";

/** The error of a call whose deployment was cancelled. */
export function cancelled(action: string, cause?: unknown): CancelledError {
  return new CancelledError({
    action,
    words: "cancelled before it was done",
    nextStep: "Run `pulumi up` again to finish the work.",
    cause,
  });
}

/**
 * Waits.
 * @throws CancelledError when the signal fires before the time is over.
 */
export async function wait(milliseconds: number, signal: AbortSignal, action: string): Promise<void> {
  try {
    await sleep(milliseconds, undefined, { signal });
  } catch {
    throw cancelled(action);
  }
}
