import { isClass } from "../http/errors";
import { settle } from "../services/waiting";
import type { Operation } from "./reconciler";

/**
 * Makes a write that takes addresses. Exchange may refuse an address for up to an hour after it was taken off something; one
 * that this very deployment took off is waited for, within the settle timeout, any other refusal is final.
 */
export async function untilReleased<T>(
  addresses: readonly string[],
  operation: Operation,
  write: () => Promise<T>,
): Promise<T> {
  const attempt = async (): Promise<{ answer: T } | { refusal: string }> => {
    try {
      return { answer: await write() };
    } catch (error) {
      if (!isClass(error, "addressConflict") || !operation.registry.hasReleased(addresses)) {
        throw error;
      }
      return { refusal: error.words };
    }
  };
  const seen = await settle(
    {
      what: `Exchange to release ${addresses.join(", ")}, which this deployment took off something else`,
      look: attempt,
      done: (now) => "answer" in now,
      describe: (now) => ("refusal" in now ? now.refusal : "released"),
    },
    operation,
  );
  if ("answer" in seen) {
    return seen.answer;
  }
  throw new Error("settled without an answer");
}
