import type { Call, CallContext } from "../http/call";
import { type ErrorClass, isServiceError } from "../http/errors";
import { answersIn, type BatchedAnswer, saysFailed } from "../http/parse";
import type { Pipeline } from "../http/pipeline";
import { isFresh, type Listed } from "./listing";

/** How long a read waits for others, in milliseconds, where they come one by one. */
const GATHER = 5;
/** The same while several come at a time: shortest and longest time without a new one. */
const COMPANY = { shortest: 25, longest: 100 };
/** The part of a round trip that is waited for further reads. */
const PATIENCE = 0.1;
/** How many times as long reads are gathered while new ones keep coming. */
const AT_MOST = 4;

/**
 * How many batches are in flight before only full ones leave. With more of them, what waits would always find room, and travel in
 * batches of one or two.
 */
export const HALF_EMPTY = { exchange: 3, graph: 1 };

/** Failures of one request of a batch that pass: sent alone, it is repeated as usual. */
export const PASSING: readonly ErrorClass[] = ["throttled", "transient", "misrouted"];

/** A `$batch`: where it goes, and its requests in the order of what they read. */
export interface Batch extends Pick<Call, "path" | "headers" | "cmdlet"> {
  requests: { method: "GET" | "POST"; url: string; headers?: Record<string, string>; body?: unknown }[];
}

/** How a service reads one thing, and several with one request. */
export interface BatchedReads<Reading extends { action: string; listed?: Listed<Read> }, Read> {
  service: "exchange" | "graph";
  /** How many requests one `$batch` holds. */
  size: number;
  /** Readings with the same key are the same. */
  key(reading: Reading): string;
  alone(reading: Reading, context: CallContext): Promise<Read>;
  together(readings: readonly Reading[], context: CallContext): Promise<Batch>;
  /** What an answer of success says; undefined where it holds only the first page, so that the reading is sent alone. */
  parse(answer: BatchedAnswer, reading: Reading): Read | undefined;
  /** The error that an answer stands for. */
  failure(answer: BatchedAnswer, reading: Reading): Error;
}

/** A reading that waits to be sent, and those who asked for it. */
interface Waiting<Reading, Read> {
  reading: Reading;
  listed: Listed<Read> | undefined;
  read: Promise<Read>;
  resolve: (read: Read | PromiseLike<Read>) => void;
}

/**
 * Reads of one service that wait at the same time go into one `$batch`, equal ones once; or into a listing of all, once that is no
 * dearer. What a batch leaves open is read alone.
 *
 * @param bounds the bounds of a whole deployment: reads are shared, so none of their askers bounds them alone.
 */
export function batched<Reading extends { action: string; listed?: Listed<Read> }, Read>(
  reads: BatchedReads<Reading, Read>,
  pipeline: Pipeline,
  bounds: () => CallContext,
): (reading: Reading) => Promise<Read> {
  const queue = new Map<string, Waiting<Reading, Read>>();
  /** How many reads have to wait for a batch to leave with them; infinitely many while as many are in flight as may be. */
  const fewest = (): number => {
    const most = pipeline.windowOf(reads.service);
    return inFlight >= most
      ? Number.POSITIVE_INFINITY
      : inFlight < Math.min(HALF_EMPTY[reads.service], most)
        ? 1
        : reads.size;
  };
  let inFlight = 0;
  let roundTrip = 0;
  let firstAt = 0;
  let timer: NodeJS.Timeout | undefined;

  const send = async (readings: readonly Reading[], context: CallContext): Promise<Map<string, BatchedAnswer>> => {
    const { requests, ...batch } = await reads.together(readings, context);
    const action = readings.map((reading) => reading.action).join(", ");
    const body = { requests: requests.map((request, index) => ({ id: String(index), ...request })) };
    const answer = await pipeline.send(
      { service: reads.service, method: "POST", kind: "read", action, ...batch, body },
      context,
    );
    return answersIn(answer.body);
  };

  /** Undefined for what the batch left open. */
  const readIn = (answer: BatchedAnswer | undefined, reading: Reading): Read | undefined => {
    if (answer === undefined) {
      return undefined;
    }
    if (answer.status < 400 && !saysFailed(reads.service, answer.body)) {
      return reads.parse(answer, reading);
    }
    const error = reads.failure(answer, reading);
    if (isServiceError(error) && PASSING.includes(error.class)) {
      return undefined;
    }
    throw error;
  };

  const fly = async (chunk: readonly Waiting<Reading, Read>[]): Promise<void> => {
    const context = bounds();
    const at = Date.now();
    const readings = chunk.map(({ reading }) => reading);
    const answers = readings.length === 1 ? Promise.resolve(new Map<string, BatchedAnswer>()) : send(readings, context);
    const all = chunk.map(({ reading, listed }, index) =>
      answers
        .then((found) => readIn(found.get(String(index)), reading) ?? reads.alone(reading, context))
        .then((read) => {
          listed?.listing.keep(listed, read, at);
          return read;
        }),
    );
    chunk.forEach(({ resolve }, index) => {
      resolve(all[index] as Promise<Read>);
    });
    inFlight += 1;
    await Promise.allSettled(all);
    inFlight -= 1;
    // Who asks one thing after the other is not made to wait for others.
    roundTrip = chunk.length > 1 ? Date.now() - at : 0;
    gather();
  };

  /** Hands what waits for one kind of thing over to its listing, where that is no dearer. */
  const list = (): void => {
    const kinds = new Map<Listed<Read>["listing"], [string, Waiting<Reading, Read>][]>();
    for (const entry of queue) {
      const listing = entry[1].listed?.listing;
      if (listing !== undefined) {
        kinds.set(listing, [...(kinds.get(listing) ?? []), entry]);
      }
    }
    for (const [listing, waiting] of kinds) {
      const listed = listing.instead(waiting.length);
      if (listed !== undefined) {
        for (const [key, { reading, listed: own, resolve }] of waiting) {
          queue.delete(key);
          resolve(listed.then(() => seek(reading, own)));
        }
      }
    }
  };

  /** @param least how many reads a batch has to have in any case; the others wait for more. */
  const depart = (least: number): void => {
    list();
    while (queue.size >= Math.max(least, fewest())) {
      const entries = [...queue].slice(0, reads.size);
      for (const [key] of entries) {
        queue.delete(key);
      }
      void fly(entries.map(([, waiting]) => waiting));
    }
    firstAt = 0;
    gather();
  };

  /** Sends what waits once nothing more comes, or at once where it fills a batch and there is room for one. */
  const gather = (): void => {
    clearTimeout(timer);
    if (queue.size === 0 || queue.size < fewest()) {
      return;
    }
    const patience =
      roundTrip === 0 ? GATHER : Math.min(Math.max(roundTrip * PATIENCE, COMPANY.shortest), COMPANY.longest);
    firstAt ||= Date.now();
    const left = firstAt + patience * AT_MOST - Date.now();
    const isFull = inFlight > 0 && queue.size >= reads.size;
    timer = setTimeout(depart, isFull ? 0 : Math.max(0, Math.min(patience, left)), isFull ? reads.size : 1);
  };

  const enqueue = (reading: Reading, listed: Listed<Read> | undefined): Promise<Read> => {
    const key = `${listed === undefined ? "" : "listed "}${reads.key(reading)}`;
    const same = queue.get(key);
    if (same !== undefined) {
      return same.read;
    }
    let resolve: Waiting<Reading, Read>["resolve"] = () => undefined;
    const read = new Promise<Read>((done) => {
      resolve = done;
    });
    queue.set(key, { reading, listed, read, resolve });
    gather();
    return read;
  };

  const seek = async (reading: Reading, listed: Listed<Read> | undefined): Promise<Read> => {
    await listed?.listing.reading;
    return listed?.listing.known(listed) ?? enqueue(reading, listed);
  };
  return (reading) => {
    pipeline.usage.reads += 1;
    return seek(reading, isFresh() ? undefined : reading.listed);
  };
}
