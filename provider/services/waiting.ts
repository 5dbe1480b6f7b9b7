import { type CallContext, wait as rest } from "../http/call";
import { SettleError } from "../http/errors";
import { freshly } from "./listing";

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

/** How often in all something is tried that may be repeated at once. */
const ATTEMPTS = 5;

/** What to wait for. */
interface Wait<T> {
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

/** A wait whose `done` tells the compiler what the answer is: `done: (row) => row !== undefined`. */
interface GuardedWait<T, Done extends T> extends Wait<T> {
  done: (seen: T) => seen is Done;
}

/**
 * Asks until the answer is the one waited for, at growing intervals, and a last time when time is up.
 *
 * @returns what was seen last.
 * @throws SettleError when time is up, saying what was last seen; CancelledError when the operation is cancelled.
 */
export function settle<T, Done extends T>(wait: GuardedWait<T, Done>, scope: Scope): Promise<Done>;
export function settle<T>(wait: Wait<T>, scope: Scope): Promise<T>;
export async function settle<T>(wait: Wait<T>, scope: Scope): Promise<T> {
  const { isDone, seen, waited } = await watch(wait, scope);
  if (!isDone) {
    throw new SettleError(wait.what, waited, wait.describe?.(seen));
  }
  return seen;
}

/**
 * Asks as {@link settle} does, and is content with what there is when time is up.
 *
 * @returns what was seen last, whether it is what was waited for or not.
 */
export async function lastSeen<T>(wait: Wait<T>, scope: Scope): Promise<T> {
  return (await watch(wait, scope)).seen;
}

async function watch<T>(wait: Wait<T>, scope: Scope): Promise<{ isDone: boolean; seen: T; waited: number }> {
  const started = Date.now();
  const end = Math.min(scope.deadline, started + Math.min(wait.atMost ?? scope.settleTimeout, scope.settleTimeout));
  const pauseFor = (milliseconds: number) => rest(milliseconds, scope.signal, `waiting for ${wait.what}`);
  let pause = FIRST_PAUSE;
  let inARow = 0;
  let looks = 0;
  for (;;) {
    const began = Date.now();
    // Looked at again, only the services may say what is there: what was read before is what is waited to change.
    const seen = await (looks === 0 ? wait.look() : freshly(wait.look));
    looks += 1;
    inARow = wait.done(seen) ? inARow + 1 : 0;
    const isDone = inARow >= (wait.times ?? 1);
    if (inARow > 0 && !isDone) {
      // It is there on one server; the next look asks another, also where time is up: a slow answer is no reason to fail.
      // The growing pauses are for what is not there.
      await pauseFor(CONFIRMING);
      continue;
    }
    if (isDone || began >= end || Date.now() + pause > scope.deadline) {
      return { isDone, seen, waited: Date.now() - started };
    }
    scope.progress(`waiting for ${wait.what}`);
    // The last look begins when time is up, however long the others took: what shows within the time is seen.
    await pauseFor(Math.min(pause, Math.max(0, end - Date.now())));
    pause = Math.min(pause * 1.5, LONGEST_PAUSE);
  }
}

/**
 * Tries something again while it fails for a reason that passes: at once and up to five times in all, or, with a wait, at the growing
 * intervals of {@link settle} until the settle timeout. An attempt looks for itself at what is there by then.
 *
 * @param isPassing which failures pass; any other one ends the attempts.
 * @param wait where time has to pass: what for, in words that follow "waiting for".
 * @throws what the last attempt threw.
 */
export async function retryWhile<T>(
  isPassing: (error: unknown) => boolean,
  attempt: () => Promise<T>,
  wait?: { what: string; scope: Scope },
): Promise<T> {
  if (wait === undefined) {
    for (let made = 1; ; made += 1) {
      try {
        return await attempt();
      } catch (error) {
        if (made === ATTEMPTS || !isPassing(error)) {
          throw error;
        }
      }
    }
  }
  const look = async (): Promise<{ answer: T } | { failure: unknown }> => {
    try {
      return { answer: await attempt() };
    } catch (failure) {
      if (isPassing(failure)) {
        return { failure };
      }
      throw failure;
    }
  };
  const seen = await lastSeen({ what: wait.what, look, done: (now) => "answer" in now }, wait.scope);
  if ("failure" in seen) {
    throw seen.failure;
  }
  return seen.answer;
}

/** What is asked for once and then known by its key. A failure is forgotten, so that the next one asks again. */
export function once<T>(known: Map<string, Promise<T>>, key: string, ask: () => Promise<T>): Promise<T> {
  const found = known.get(key);
  if (found !== undefined) {
    return found;
  }
  const asked = ask();
  known.set(key, asked);
  asked.catch(() => known.delete(key));
  return asked;
}
