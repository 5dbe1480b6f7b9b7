import { type Call, type CallContext, deferred } from "../http/call";
import { type ErrorClass, isServiceError } from "../http/errors";
import { answersIn, type BatchedAnswer, saysFailed } from "../http/parse";
import type { Pipeline } from "../http/pipeline";
import { isFresh, type Listed, OwnWrites, ReadAhead } from "./listing";

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
  requests: {
    method: "GET" | "POST" | "PATCH" | "DELETE";
    url: string;
    headers?: Record<string, string>;
    body?: unknown;
  }[];
}

/** Sends a `$batch`. @returns the answers by the index of their request. */
export async function sendBatch(
  pipeline: Pipeline,
  how: Pick<Call, "service" | "kind" | "action">,
  { requests, ...batch }: Batch,
  context: CallContext,
): Promise<Map<string, BatchedAnswer>> {
  const body = { requests: requests.map((request, index) => ({ id: String(index), ...request })) };
  return answersIn((await pipeline.send({ ...how, method: "POST", ...batch, body }, context)).body);
}

/** What is being done by several requests in one, in words. */
export function actionOf(requests: readonly { action: string }[]): string {
  return requests.map(({ action }) => action).join(", ");
}

/** What a service is asked for. */
interface Asked<Read> {
  action: string;
  /** Where a listing of all may answer in its place. */
  listed?: Listed<Read>;
  /** Where it may have been read before anybody asked: Entra object id of what it is about. */
  ahead?: string;
}

/** How a service reads one thing, and several with one request. */
export interface BatchedReads<Reading extends Asked<Read>, Read> {
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
  filter: Filter<Reading, Read>;
  ahead?: ReadAhead<Reading, Read>;
}

/** How one request asks for several things that have a listing, by a filter. */
interface Filter<Reading, Read> {
  /** How many. */
  size: number;
  /** Readings of the same kind can be asked for so; undefined for those that cannot. */
  kind(reading: Reading): string | undefined;
  of(readings: readonly Reading[]): Reading;
  /** What the answer says of one of them; undefined where it does not show it, which never means that it is absent. */
  part(read: Read, reading: Reading): Read | undefined;
}

/** A reading that waits to be sent, and those who asked for it. */
interface Waiting<Reading, Read> {
  key: string;
  reading: Reading;
  listed: Listed<Read> | undefined;
  /** What may stand in one filter with it; undefined for what is read by itself. */
  kind: string | undefined;
  read: Promise<Read>;
  resolve: (read: Read | PromiseLike<Read>) => void;
}

/** One request of a batch. */
interface Part<Reading, Read> {
  reading: Reading;
  /** Those who wait for it: several where it is a filter, none where nobody has asked for it yet. */
  of: readonly Waiting<Reading, Read>[];
  /** Told what came of it, undefined where the batch left it open. */
  settle: (answer: Promise<Read | undefined>, flight: Flight) => Promise<unknown>;
}

interface Flight {
  context: CallContext;
  /** When it left, in epoch milliseconds. */
  at: number;
  /** How many parts it has. */
  parts: number;
}

/**
 * Reads of one service that wait at the same time go into one `$batch`, equal ones once; or into a listing of all, once that is no
 * dearer. Those of one kind that have a listing share a filter. What a batch leaves open is read alone. Places that are left take what
 * is read ahead.
 *
 * @param bounds the bounds of a whole deployment: reads are shared, so none of their askers bounds them alone.
 */
export function batched<Reading extends Asked<Read>, Read>(
  reads: BatchedReads<Reading, Read>,
  pipeline: Pipeline,
  bounds: () => CallContext,
): (reading: Reading) => Promise<Read> {
  type Entry = Waiting<Reading, Read>;
  const queue = new Map<string, Entry>();
  /** What is on its way and has a listing, by key. */
  const onTheirWay = new Map<string, Promise<unknown>>();
  const { ahead = new ReadAhead<Reading, Read>(Number.POSITIVE_INFINITY, () => false, new OwnWrites()) } = reads;
  let inFlight = 0;
  let roundTrip = 0;
  let firstAt = 0;
  let timer: NodeJS.Timeout | undefined;

  /** Looks whether it is known or about to be, and asks for it otherwise. */
  const seek = async (reading: Reading, listed: Listed<Read> | undefined): Promise<Read> => {
    const key = `${listed === undefined ? "" : "listed "}${reads.key(reading)}`;
    await (listed?.listing.reading ?? onTheirWay.get(key));
    const kind = listed?.listing.isUntouched(listed) === true ? reads.filter.kind(reading) : undefined;
    return listed?.listing.known(listed) ?? enqueue({ key, reading, listed }, kind);
  };

  /** @param kind what may stand in one filter with it; undefined for what is to be read by itself. */
  const enqueue = (asked: Pick<Entry, "key" | "reading" | "listed">, kind: string | undefined): Promise<Read> => {
    const same = queue.get(asked.key);
    if (same !== undefined) {
      return same.read;
    }
    const { promise: read, resolve } = deferred<Read>();
    const { key, reading, listed } = asked;
    queue.set(key, { key, reading, listed, kind, read, resolve });
    gather();
    return read;
  };

  /** Sends what waits once nothing more comes, or at once where it fills a batch and there is room for one. */
  const gather = (): void => {
    clearTimeout(timer);
    const waiting = next().length;
    if (waiting === 0 ? !mayGoAhead() : waiting < fewest()) {
      return;
    }
    const patience =
      roundTrip === 0 ? GATHER : Math.min(Math.max(roundTrip * PATIENCE, COMPANY.shortest), COMPANY.longest);
    firstAt ||= Date.now();
    const left = firstAt + patience * AT_MOST - Date.now();
    const isFull = inFlight > 0 && waiting >= reads.size;
    timer = setTimeout(depart, isFull ? 0 : Math.max(0, Math.min(patience, left)), isFull ? reads.size : 1);
  };

  /** @param least how many parts a batch has to have in any case; the others wait for more. */
  const depart = (least: number): void => {
    list();
    for (let parts = next(); parts.length >= Math.max(least, fewest()); parts = next()) {
      for (const { key } of parts.flat()) {
        queue.delete(key);
      }
      void fly([...parts.map(partOf), ...ahead.take(Math.min(parts.length, reads.size - parts.length))]);
    }
    firstAt = 0;
    goAhead();
    gather();
  };

  /** How many parts have to wait for a batch to leave with them; infinitely many while as many are in flight as may be. */
  const fewest = (): number => {
    const most = pipeline.windowOf(reads.service);
    if (inFlight >= most) {
      return Number.POSITIVE_INFINITY;
    }
    // A batch takes along at most as many as were asked for: its askers wait for all of it.
    return inFlight - ahead.idle < Math.min(HALF_EMPTY[reads.service], most)
      ? 1
      : Math.max(reads.size - ahead.room, Math.ceil(reads.size / 2));
  };

  /** What waits for the next batch, by its parts. */
  const next = (): Entry[][] => partsOf(queue.values(), reads.filter.size, reads.size);

  /** Hands what waits for one kind of thing over to its listing, where that is no dearer. */
  const list = (): void => {
    const kinds = new Map<Listed<Read>["listing"], Entry[]>();
    for (const entry of queue.values()) {
      const listing = entry.listed?.listing;
      if (listing !== undefined) {
        kinds.set(listing, [...(kinds.get(listing) ?? []), entry]);
      }
    }
    for (const [listing, waiting] of kinds) {
      // As many more as may be read ahead are likely to be asked for.
      const more = waiting.some(({ listed }) => listed?.goesOn === true) ? ahead.likely : 0;
      const listed = listing.instead(costOf(waiting), waiting.length / reads.size, more / reads.size);
      if (listed !== undefined) {
        for (const { key, reading, listed: own, resolve } of waiting) {
          queue.delete(key);
          resolve(listed.then(() => seek(reading, own)));
        }
      }
    }
  };

  /** How many requests it takes to read some of what waits: their share of the batches that all that waits will fill. */
  const costOf = (entries: readonly Entry[]): number => {
    const all = partsOf(queue.values(), reads.filter.size).length;
    return (partsOf(entries, reads.filter.size).length / all) * Math.ceil(all / reads.size);
  };

  /** Lets a listing know what was read, and for which share of a request. */
  const keep = ({ listed }: Entry, read: Read, { at, parts }: Flight, sharers: number): Read => {
    listed?.listing.keep(listed, read, at, 1 / Math.max(reads.size, parts * sharers));
    return read;
  };

  /**
   * Sends whole batches of what nobody has asked for yet, while something else is waited for that is on its way. Half of the places stay
   * for what is asked for.
   */
  const goAhead = (): void => {
    while (mayGoAhead()) {
      void fly(ahead.take(reads.size));
    }
  };

  const mayGoAhead = (): boolean => {
    const most = pipeline.windowOf(reads.service);
    const isRoom = inFlight < most && inFlight > ahead.idle && ahead.idle < most / 2;
    return isRoom && queue.size === 0 && ahead.room >= reads.size;
  };

  /** Sends a batch, and settles what comes of it. */
  const fly = async (parts: readonly Part<Reading, Read>[]): Promise<void> => {
    const flight = { context: bounds(), at: Date.now(), parts: parts.length };
    const readings = parts.map(({ reading }) => reading);
    const asked = parts.filter(({ of }) => of.length > 0);
    const nothing = new Map<string, BatchedAnswer>();
    const sent = parts.length === 1 ? Promise.resolve(nothing) : send(readings, flight.context);
    // What is read ahead must not make one fail that would have gone alone without it.
    const answers = asked.length === 1 ? sent.catch(() => nothing) : sent;
    const all = parts.map(({ reading, settle }, index) =>
      settle(
        parts.length === 1
          ? reads.alone(reading, flight.context)
          : answers.then((found) => readIn(found.get(String(index)), reading)),
        flight,
      ),
    );
    for (const [index, { of }] of parts.entries()) {
      for (const { key } of of.filter(({ listed }) => listed !== undefined)) {
        const landing: Promise<void> = Promise.allSettled([all[index]]).then(() => {
          if (onTheirWay.get(key) === landing) {
            onTheirWay.delete(key);
          }
        });
        onTheirWay.set(key, landing);
      }
    }
    const landed = Promise.allSettled(all);
    if (asked.length === 0) {
      ahead.sent(readings, landed);
    }
    inFlight += 1;
    await landed;
    inFlight -= 1;
    if (asked.length > 0) {
      // Who asks one thing after the other is not made to wait for others.
      roundTrip = asked.flatMap(({ of }) => of).length > 1 ? Date.now() - flight.at : 0;
    }
    goAhead();
    gather();
  };

  const partOf = (entries: readonly Entry[]): Part<Reading, Read> => {
    const [first] = entries;
    return first !== undefined && entries.length === 1 ? single(first) : several(entries);
  };

  /** The request for one thing. What the batch leaves open is asked for alone. */
  const single = (entry: Entry): Part<Reading, Read> => ({
    reading: entry.reading,
    of: [entry],
    settle: (answer, flight) => {
      const read = answer
        .then((found) => found ?? reads.alone(entry.reading, flight.context))
        .then((found) => keep(entry, found, flight, 1));
      entry.resolve(read);
      return read;
    },
  });

  /** One filter for several things. What it does not show is asked for by itself. */
  const several = (entries: readonly Entry[]): Part<Reading, Read> => ({
    reading: reads.filter.of(entries.map(({ reading }) => reading)),
    of: entries,
    settle: async (answer, flight) => {
      let read: Read | undefined;
      try {
        read = await answer;
      } catch (error) {
        // Each says by itself why it is refused; what ended the whole batch ends them.
        if (!isServiceError(error) || PASSING.includes(error.class)) {
          for (const { resolve } of entries) {
            resolve(Promise.reject(error));
          }
          return;
        }
      }
      for (const entry of entries) {
        const own = read === undefined ? undefined : reads.filter.part(read, entry.reading);
        entry.resolve(
          own === undefined
            ? // A filter that does not show it proves nothing.
              enqueue(entry, undefined)
            : keep(entry, own, flight, entries.length),
        );
      }
    },
  });

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

  const send = async (readings: readonly Reading[], context: CallContext): Promise<Map<string, BatchedAnswer>> => {
    const batch = await reads.together(readings, context);
    return sendBatch(pipeline, { service: reads.service, kind: "read", action: actionOf(readings) }, batch, context);
  };

  return (reading) => {
    pipeline.usage.reads += 1;
    if (isFresh()) {
      return seek(reading, undefined);
    }
    const early = ahead.asked(reading);
    if (early === undefined) {
      return seek(reading, reading.listed);
    }
    // Each that is asked for lets others be read ahead.
    gather();
    return early.then((read) => read ?? seek(reading, reading.listed));
  };
}

/** What waits, by the requests that it takes: those of one kind share a filter. */
function partsOf<Entry extends { kind: string | undefined }>(
  waiting: Iterable<Entry>,
  inOneFilter: number,
  most = Number.POSITIVE_INFINITY,
): Entry[][] {
  const parts: Entry[][] = [];
  const open = new Map<string, Entry[]>();
  for (const entry of waiting) {
    const sharing = entry.kind === undefined ? undefined : open.get(entry.kind);
    if (sharing !== undefined && sharing.length < inOneFilter) {
      sharing.push(entry);
    } else if (parts.length === most) {
      break;
    } else {
      const own = [entry];
      parts.push(own);
      if (entry.kind !== undefined) {
        open.set(entry.kind, own);
      }
    }
  }
  return parts;
}
