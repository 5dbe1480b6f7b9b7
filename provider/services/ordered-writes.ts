import type { CallContext } from "../http/call";
import { isServiceError, isUnknownOutcome, UnknownOutcomeError } from "../http/errors";
import type { BatchedAnswer } from "../http/parse";

/** How long writes are gathered before they are sent together, in milliseconds. */
const GATHER = 5;

/** How writes of one service are sent. */
export interface OrderedWrites<Write extends { action: string }, Done> {
  /** How many requests one `$batch` holds. */
  size: number;
  alone(write: Write, context: CallContext): Promise<Done>;
  /**
   * Sends a `$batch`.
   *
   * @param goesOn whether the writes after one that is refused are run as well.
   */
  together(writes: readonly Write[], goesOn: boolean, context: CallContext): Promise<Map<string, BatchedAnswer>>;
  /** @returns undefined where the answer proves that it was not run, and that it may be sent alone. @throws what the answer stands for. */
  parse(answer: BatchedAnswer, write: Write): Done | undefined;
}

interface Waiting<Write, Done> {
  write: Write;
  context: CallContext;
  resolve: (done: Done) => void;
  reject: (error: unknown) => void;
}

/**
 * Writes that may be repeated without harm. Those of one thing that are asked for at the same time go into one `$batch`, in their
 * order, and end at the first that is refused. Single ones of different things share a batch.
 *
 * **Unverified:** that a `$batch` runs in its order, and ends at its first refusal where it is not told to go on. OData says so, and
 * public clients write several permissions of one mailbox so; nobody wrote down what Exchange does. Everything that rests on it
 * stands here, and whoever writes so looks afterwards and repeats what does not show, one by one (`Work.isUncertain`). `mailboxes
 * acceptance` probes both.
 *
 * @returns sends a write; `of` is what it concerns.
 */
export function orderedWrites<Write extends { action: string }, Done>(
  how: OrderedWrites<Write, Done>,
): (write: Write, of: string, context: CallContext) => Promise<Done> {
  type Entry = Waiting<Write, Done>;
  const waiting = new Map<string, Entry[]>();
  const busy = new Set<string>();
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

  /** Settles what was answered. @returns what was not run, and the first refusal. */
  const settled = (entries: readonly Entry[], answers: Map<string, BatchedAnswer>) => {
    const left: Entry[] = [];
    let refusal: unknown;
    for (const [index, entry] of entries.entries()) {
      const answer = answers.get(String(index));
      if (answer === undefined) {
        left.push(entry);
        continue;
      }
      try {
        const done = how.parse(answer, entry.write);
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

  /** Writes of one thing, in their order. */
  const inOrder = async (entries: readonly Entry[]): Promise<void> => {
    for (let start = 0; start < entries.length; start += how.size) {
      const chunk = entries.slice(start, start + how.size);
      const rest = entries.slice(start + chunk.length);
      const answers = await sent(chunk, false);
      if (answers === "refused") {
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

  /** Single writes of different things. */
  const sideBySide = async (entries: readonly Entry[]): Promise<void> => {
    const answers = await sent(entries, true);
    if (answers !== "refused" && "ended" in answers) {
      return;
    }
    const left = answers === "refused" ? entries : settled(entries, answers).left;
    await Promise.all(left.map((entry) => alone([entry])));
  };

  /** @returns the answers; "refused" where the batch as a whole was, so that each is sent alone and says why; what ended it otherwise. */
  const sent = async (entries: readonly Entry[], goesOn: boolean) => {
    const [first] = entries;
    if (first === undefined || entries.length === 1) {
      return "refused";
    }
    try {
      const writes = entries.map(({ write }) => write);
      return await how.together(writes, goesOn, first.context);
    } catch (error) {
      if (isServiceError(error)) {
        return "refused";
      }
      for (const { write, reject } of entries) {
        reject(isUnknownOutcome(error) ? unanswered(write, error) : error);
      }
      return { ended: error };
    }
  };

  const run = async (names: readonly string[], work: () => Promise<void>): Promise<void> => {
    for (const name of names) {
      busy.add(name);
    }
    await work();
    for (const name of names) {
      busy.delete(name);
    }
    gather();
  };

  const depart = (): void => {
    const due = [...waiting].filter(([of]) => !busy.has(of));
    for (const [of] of due) {
      waiting.delete(of);
    }
    const single = due.filter(([, entries]) => entries.length === 1);
    for (const [of, entries] of due.filter(([, all]) => all.length > 1)) {
      void run([of], () => inOrder(entries));
    }
    for (let start = 0; start < single.length; start += how.size) {
      const some = single.slice(start, start + how.size);
      void run(
        some.map(([of]) => of),
        () => sideBySide(some.flatMap(([, entries]) => entries)),
      );
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
      waiting.set(of, [...(waiting.get(of) ?? []), { write, context, resolve, reject }]);
      gather();
    });
}

/** The error of a write whose batch ended before it was answered: it may have been run. */
function unanswered({ action }: { action: string }, cause: unknown): UnknownOutcomeError {
  return new UnknownOutcomeError({
    action,
    words: "it was sent together with others and was not answered",
    nextStep: "The next `pulumi up` looks at what is there and finishes the work.",
    cause,
  });
}
