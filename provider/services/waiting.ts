import { setTimeout as sleep } from "node:timers/promises";
import type { CallContext } from "../http/call";
import { CancelledError, SettleError } from "../http/errors";

/** The bounds of one operation on a resource and the ways it speaks to the user meanwhile. */
export interface Scope extends CallContext {
  /** Longest wait for a write to become visible, in milliseconds. */
  settleTimeout: number;
  /** Says what is being done or waited for; shown once it lasts. */
  progress(text: string): void;
  /** Says something the user should know, now and in the log of the deployment. */
  warn(text: string): void;
}

/** First pause between two looks, in milliseconds; each later one is half as long again. */
const FIRST_PAUSE = 200;
/** Pause before a look that confirms what was just seen, in milliseconds. */
const CONFIRMING = 50;
/** Longest pause between two looks, in milliseconds. */
const LONGEST_PAUSE = 10_000;

/** What to wait for. */
export interface Wait<T> {
  /** In words that follow "waiting for": "the mailbox to appear in Exchange". */
  what: string;
  /** Asks once. Errors end the wait. */
  look: () => Promise<T>;
  /** Whether what was seen is what was waited for. */
  done: (seen: T) => boolean;
  /** How often in a row it must be seen, because services answer from several servers. Default 1. */
  times?: number;
  /** Longest wait in milliseconds. Default: the settle timeout, which bounds it in any case, as does the operation's deadline. */
  atMost?: number;
  /** What was seen, in words, for the error. */
  describe?: (seen: T) => string;
}

/**
 * Asks until the answer is the one waited for, at growing intervals.
 *
 * @returns what was seen last.
 * @throws SettleError when time is up, saying what was last seen; CancelledError when the operation is cancelled.
 */
export async function settle<T>(wait: Wait<T>, scope: Scope): Promise<T> {
  const started = Date.now();
  const end = Math.min(scope.deadline, started + Math.min(wait.atMost ?? scope.settleTimeout, scope.settleTimeout));
  let pause = FIRST_PAUSE;
  let inARow = 0;
  for (;;) {
    const seen = await wait.look();
    inARow = wait.done(seen) ? inARow + 1 : 0;
    if (inARow >= (wait.times ?? 1)) {
      return seen;
    }
    if (Date.now() + pause > end) {
      throw new SettleError({ what: wait.what, waited: Date.now() - started, lastSeen: wait.describe?.(seen) });
    }
    if (inARow > 0) {
      // It is there on one server; the next look asks another. The growing pauses are for what is not there.
      await rest(CONFIRMING, scope.signal);
      continue;
    }
    scope.progress(`waiting for ${wait.what}`);
    await rest(pause, scope.signal);
    pause = Math.min(pause * 1.5, LONGEST_PAUSE);
  }
}

async function rest(milliseconds: number, signal: AbortSignal): Promise<void> {
  try {
    await sleep(milliseconds, undefined, { signal });
  } catch (cause) {
    throw new CancelledError({ words: "cancelled while waiting", cause });
  }
}
