import type { CallContext } from "../http/call";
import {
  isServiceError,
  mayHaveHappened,
  type ProviderError,
  type ServiceError,
  UnknownOutcomeError,
} from "../http/errors";
import { type BatchedAnswer, batchedError, saysFailed } from "../http/parse";
import { HALF_EMPTY, PASSING } from "./batching";

/** How long writes are gathered before they are sent together, in milliseconds. */
const GATHER = 5;
/** How long a write waits at most for company while others are on their way, in milliseconds. */
const COMPANY = 500;

/** A write, as far as it matters for sharing a request. */
interface Shareable {
  /** What is being done to what, in words. */
  action: string;
  /** Where the service's words about a refusal depend on it. */
  path?: string;
}

/** How writes of one service are sent. */
interface SharedWrites<Write extends Shareable, Done> {
  service: "exchange" | "graph";
  /** How many requests one `$batch` holds. */
  size: number;
  /**
   * Whether writes of one thing that are asked for at the same time go into one `$batch`, in their order, and end at the first that is
   * refused. They may all be repeated without harm, so what was not answered is sent again. Otherwise each waits for the answer to the one
   * before, and what was not answered is of unknown outcome.
   */
  isInRow: boolean;
  alone(write: Write, context: CallContext): Promise<Done>;
  /**
   * Sends a `$batch`.
   *
   * @param goesOn whether the writes after one that is refused are run as well.
   */
  together(writes: readonly Write[], goesOn: boolean, context: CallContext): Promise<Map<string, BatchedAnswer>>;
  /** Whether a write would have to wait, and with it all that go in the same request. */
  hasToWait?(write: Write): boolean;
  /** What an answer of success says. */
  done(answer: BatchedAnswer, write: Write): Done;
  /** The error of a refusal. */
  explained(error: ServiceError, write: Write): Error;
}

interface Waiting<Write, Done> {
  write: Write;
  context: CallContext;
  /** Since when, in epoch milliseconds. */
  since: number;
  resolve: (done: Done) => void;
  reject: (error: unknown) => void;
}

/** Writes of one thing. */
interface GroupOf<Entry> {
  of: string;
  entries: readonly Entry[];
}

/**
 * Writes of different things that are asked for at the same time share a `$batch`. Each answer is its own outcome: what the service turned
 * away for now is sent alone, as if it had never been in the batch.
 *
 * **Unverified:** that a `$batch` of Exchange runs in its order, and ends at its first refusal where it is not told to go on. OData says
 * so, and public clients write several permissions of one mailbox so; nobody wrote down what Exchange does. Everything that rests on it
 * stands here, and whoever writes so looks afterwards and repeats what does not show, one by one (`Work.isUncertain`). `mailboxes
 * acceptance` probes both.
 *
 * @returns sends a write; `of` is what it concerns.
 */
export function sharedWrites<Write extends Shareable, Done>(
  how: SharedWrites<Write, Done>,
): (write: Write, of: string, context: CallContext) => Promise<Done> {
  type Entry = Waiting<Write, Done>;
  type Group = GroupOf<Entry>;
  const waiting = new Map<string, readonly Entry[]>();
  const busy = new Set<string>();
  let inFlight = 0;
  let timer: NodeJS.Timeout | undefined;

  const alone = async (entries: readonly Entry[]): Promise<void> => {
    for (const [index, { write, context, resolve, reject }] of entries.entries()) {
      try {
        resolve(await how.alone(write, context));
      } catch (error) {
        reject(error);
        for (const later of entries.slice(index + 1)) {
          // The refusal of one says nothing about another: that one entry is gone already must not count for the rest.
          later.reject(isServiceError(error) ? unanswered(later.write, error) : error);
        }
        return;
      }
    }
  };

  /** @returns undefined where it is certain that the write was not run, or may be sent again in any case. @throws what the answer stands for. */
  const doneBy = (answer: BatchedAnswer | undefined, write: Write): Done | undefined => {
    if (answer === undefined) {
      if (how.isInRow) {
        return undefined;
      }
      throw unanswered(write, undefined);
    }
    if (answer.status < 400 && !saysFailed(how.service, answer.body)) {
      return how.done(answer, write);
    }
    const error = batchedError(how.service, answer, write.action, write.path, "write");
    if (error.outcomeUnknown) {
      throw lost(write, error);
    }
    if (PASSING.includes(error.class)) {
      return undefined;
    }
    throw how.explained(error, write);
  };

  /** Settles what was answered. @returns what was not run, and the first refusal. */
  const settled = (entries: readonly Entry[], answers: readonly (BatchedAnswer | undefined)[]) => {
    const left: Entry[] = [];
    let refusal: unknown;
    for (const [index, entry] of entries.entries()) {
      try {
        const done = doneBy(answers[index], entry.write);
        if (done === undefined) {
          left.push(entry);
        } else {
          entry.resolve(done);
        }
      } catch (error) {
        refusal ??= error;
        entry.reject(error);
      }
    }
    return { left, refusal };
  };

  /**
   * @returns the answers; "alone" where each is to be sent by itself: there is only one, or the batch as a whole was refused, so that each
   * says why; what ended it otherwise.
   */
  const sent = async (entries: readonly Entry[], goesOn: boolean) => {
    const [first] = entries;
    if (first === undefined || entries.length === 1) {
      return "alone";
    }
    // None of them is to fail because another one has less time left.
    const deadline = Math.max(...entries.map(({ context }) => context.deadline));
    try {
      const writes = entries.map(({ write }) => write);
      const answers = await how.together(writes, goesOn, { ...first.context, deadline });
      return entries.map((_, index) => answers.get(String(index)));
    } catch (error) {
      if (isServiceError(error) && (how.isInRow || !mayHaveHappened(error))) {
        return "alone";
      }
      for (const { write, reject } of entries) {
        reject(mayHaveHappened(error) ? lost(write, error) : error);
      }
      return { ended: error };
    }
  };

  /** Writes of one thing, in their order. */
  const inOrder = async (entries: readonly Entry[]): Promise<void> => {
    for (let start = 0; start < entries.length; start += how.size) {
      const chunk = entries.slice(start, start + how.size);
      const rest = entries.slice(start + chunk.length);
      const answers = await sent(chunk, false);
      if (answers === "alone") {
        return alone(entries.slice(start));
      }
      if ("ended" in answers) {
        for (const { reject } of rest) {
          reject(answers.ended);
        }
        return;
      }
      const { left, refusal } = settled(chunk, answers);
      if (refusal !== undefined) {
        for (const { write, reject } of [...left, ...rest]) {
          reject(unanswered(write, refusal));
        }
        return;
      }
      await alone(left);
    }
  };

  /** Writes of different things, those of each in their order. @returns for each, once the request is over, when it is finished. */
  const sideBySide = async (groups: readonly Group[]): Promise<(Promise<void> | undefined)[]> => {
    const answers = await sent(
      groups.flatMap(({ entries }) => entries),
      groups.every(({ entries }) => entries.length === 1),
    );
    if (answers !== "alone" && "ended" in answers) {
      return [];
    }
    let start = 0;
    return groups.map(({ entries }) => {
      const own = answers === "alone" ? [] : answers.slice(start, start + entries.length);
      start += entries.length;
      if (answers === "alone" || (how.isInRow && own.every((answer) => answer === undefined))) {
        // The refusal of another one's write ended the batch before this one's turn.
        return inOrder(entries);
      }
      const { left, refusal } = settled(entries, own);
      if (refusal === undefined) {
        return alone(left);
      }
      for (const { write, reject } of left) {
        reject(unanswered(write, refusal));
      }
      return undefined;
    });
  };

  const run = async (groups: readonly Group[]): Promise<void> => {
    for (const { of, entries } of groups) {
      const rest = waiting.get(of)?.slice(entries.length) ?? [];
      waiting.delete(of);
      if (rest.length > 0) {
        waiting.set(of, rest);
      }
      busy.add(of);
    }
    inFlight += 1;
    const [only, ...others] = groups;
    const finished =
      only !== undefined && others.length === 0 ? [await inOrder(only.entries)] : await sideBySide(groups);
    inFlight -= 1;
    for (const [index, { of }] of groups.entries()) {
      // One that is turned away for now keeps no other one's next write waiting.
      void Promise.resolve(finished[index]).then(() => {
        busy.delete(of);
        gather();
      });
    }
  };

  const depart = (): void => {
    const due = [...waiting]
      .filter(([of]) => !busy.has(of))
      .map(([of, entries]) => ({ of, entries: how.isInRow ? entries : entries.slice(0, 1) }));
    const isHeldUp = ({ entries }: Group) => entries.some(({ write }) => how.hasToWait?.(write) === true);
    for (const group of due.filter(isHeldUp)) {
      void run([group]);
    }
    const others = due.filter((group) => !isHeldUp(group));
    const isSingle = ({ entries }: Group) => entries.length === 1;
    // One that is refused ends a batch with several of one thing, and none of single ones.
    const loads = [
      ...packed(others.filter(isSingle), how.size),
      ...packed(
        others.filter((group) => !isSingle(group)),
        how.size,
      ),
    ];
    let next = Number.POSITIVE_INFINITY;
    for (const { groups, count } of loads) {
      const leaves = Math.min(...groups.flatMap(({ entries }) => entries.map(({ since }) => since))) + COMPANY;
      if (count >= how.size || inFlight < HALF_EMPTY[how.service] || leaves <= Date.now()) {
        void run(groups);
      } else {
        next = Math.min(next, leaves);
      }
    }
    if (next < Number.POSITIVE_INFINITY) {
      timer = setTimeout(depart, next - Date.now());
    }
  };

  const gather = (): void => {
    clearTimeout(timer);
    if (waiting.size > 0) {
      timer = setTimeout(depart, GATHER);
    }
  };

  return (write, of, context) =>
    new Promise((resolve, reject) => {
      waiting.set(of, [...(waiting.get(of) ?? []), { write, context, since: Date.now(), resolve, reject }]);
      gather();
    });
}

/** Fills batches with groups that are not divided, those that came first before others. */
function packed<Entry>(groups: readonly GroupOf<Entry>[], size: number): { groups: GroupOf<Entry>[]; count: number }[] {
  const loads: { groups: GroupOf<Entry>[]; count: number }[] = [];
  for (const group of groups) {
    const { length } = group.entries;
    const load = loads.find(({ count }) => count + length <= size);
    if (load === undefined) {
      loads.push({ groups: [group], count: length });
    } else {
      load.groups.push(group);
      load.count += length;
    }
  }
  return loads;
}

const LOOKS = "The next `pulumi up` looks at what is there and finishes the work.";

/** The error of a write about which an answer, or none, proves nothing: of its own, or of its batch. */
function lost({ action }: { action: string }, cause: ProviderError): UnknownOutcomeError {
  const { message, action: whole = "" } = cause;
  const words = message.replace(`${whole}: `, "");
  return new UnknownOutcomeError({ action, words, ...(isServiceError(cause) ? { nextStep: LOOKS } : {}), cause });
}

/** The error of a write whose batch ended before it was answered: it may have been run. */
function unanswered({ action }: { action: string }, cause: unknown): UnknownOutcomeError {
  return new UnknownOutcomeError({
    action,
    words: "it was sent together with others and was not answered",
    nextStep: LOOKS,
    cause,
  });
}
