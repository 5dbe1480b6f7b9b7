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
  /** The same for readings that one answer serves. */
  key: string;
  reading: Reading;
  /** Undefined where only the service may answer. */
  listed: Listed<Read> | undefined;
  /** What may stand in one filter with it; undefined for what is read by itself. */
  kind: string | undefined;
  /** Asks again, without a filter. */
  byItself: () => Promise<Read>;
  read: Promise<Read>;
  resolve: (read: Read | PromiseLike<Read>) => void;
}

/** One request of a batch. */
interface Part<Reading, Read> {
  reading: Reading;
  /** Told what came of it, undefined where the batch left it open. @returns once it has told those who wait. */
  settle: (answer: Promise<Read | undefined>) => Promise<unknown>;
}

/**
 * Reads of one service that wait at the same time go into one `$batch`, equal ones once; or into a listing of all, once that is no
 * dearer. Those of one kind that have a listing share a filter. What a batch leaves open is read alone. Places that are left take what
 * is read ahead.
 *
 * The way of a reading: it is sought among what is known, waits, is gathered with others, and departs. Then its listing takes it over, or
 * it flies in a batch ({@link Flight}), which settles it.
 */
export class Batches<Reading extends Asked<Read>, Read> {
  readonly #reads: BatchedReads<Reading, Read>;
  readonly #pipeline: Pipeline;
  readonly #bounds: () => CallContext;
  readonly #ahead: ReadAhead<Reading, Read>;
  readonly #gathering = new Gathering();
  /** What waits, by key. */
  readonly #waiting = new Map<string, Waiting<Reading, Read>>();
  /** What is on its way and has a listing, by key; resolves once it is settled. */
  readonly #onTheirWay = new Map<string, Promise<unknown>>();
  /** How many batches are on their way. */
  #inFlight = 0;

  /** @param bounds the bounds of a whole deployment: reads are shared, so none of their askers bounds them alone. */
  constructor(reads: BatchedReads<Reading, Read>, pipeline: Pipeline, bounds: () => CallContext) {
    this.#reads = reads;
    this.#pipeline = pipeline;
    this.#bounds = bounds;
    this.#ahead = reads.ahead ?? new ReadAhead(Number.POSITIVE_INFINITY, () => false, new OwnWrites());
  }

  /** Reads one thing, together with what else is asked for at the same time. */
  read(reading: Reading): Promise<Read> {
    this.#pipeline.usage.reads += 1;
    const [listed, early] = isFresh() ? [] : [reading.listed, this.#ahead.asked(reading)];
    if (early === undefined) {
      return this.#seek(reading, listed);
    }
    // Each that is asked for lets others be read ahead.
    this.#gather();
    return early.then((read) => read ?? this.#seek(reading, listed));
  }

  /** Looks whether it is known or about to be, and waits otherwise. */
  async #seek(reading: Reading, listed: Listed<Read> | undefined): Promise<Read> {
    const key = `${listed === undefined ? "" : "listed "}${this.#reads.key(reading)}`;
    await (listed?.listing.reading ?? this.#onTheirWay.get(key));
    const kind = listed?.listing.isUntouched(listed) === true ? this.#reads.filter.kind(reading) : undefined;
    return listed?.listing.known(listed) ?? this.#wait({ key, reading, listed, kind });
  }

  /** Waits for a batch, with those who wait for the same. */
  #wait(asked: Omit<Waiting<Reading, Read>, "byItself" | "read" | "resolve">): Promise<Read> {
    const same = this.#waiting.get(asked.key);
    if (same !== undefined) {
      return same.read;
    }
    const { promise: read, resolve } = deferred<Read>();
    const byItself = (): Promise<Read> => this.#wait({ ...asked, kind: undefined });
    this.#waiting.set(asked.key, { ...asked, byItself, read, resolve });
    this.#gather();
    return read;
  }

  /** Lets what waits depart once nothing more comes, or at once where it fills a batch and there is room for one. Called at each change. */
  #gather(): void {
    this.#gathering.pause();
    const { size } = this.#reads;
    const waiting = this.#next().length;
    const mayDepart = waiting === 0 ? this.#mayGoAhead() : waiting >= this.#fewest();
    if (mayDepart) {
      const isFull = this.#inFlight > 0 && waiting >= size;
      this.#gathering.goOn(isFull, () => this.#depart(isFull ? size : 1));
    }
  }

  /** @param least how many parts a batch has to have in any case; the others wait for more. */
  #depart(least: number): void {
    this.#list();
    for (let parts = this.#next(); parts.length >= Math.max(least, this.#fewest()); parts = this.#next()) {
      this.#takeOut(parts.flat());
      void this.#fly(parts, this.#ahead.take(Math.min(parts.length, this.#reads.size - parts.length)));
    }
    this.#goAhead();
    this.#gather();
  }

  /** Hands what waits for one kind of thing over to its listing, where that is no dearer. */
  #list(): void {
    const { size } = this.#reads;
    for (const listing of new Set([...this.#waiting.values()].flatMap(({ listed }) => listed?.listing ?? []))) {
      const waiting = [...this.#waiting.values()].filter(({ listed }) => listed?.listing === listing);
      // As many more as may be read ahead are likely to be asked for.
      const more = waiting.some(({ listed }) => listed?.goesOn === true) ? this.#ahead.likely : 0;
      const ready = listing.instead(this.#costOf(waiting), waiting.length / size, more / size);
      if (ready !== undefined) {
        this.#takeOut(waiting);
        for (const { reading, listed, resolve } of waiting) {
          resolve(ready.then(() => this.#seek(reading, listed)));
        }
      }
    }
  }

  /**
   * Sends whole batches of what nobody has asked for yet, while something else is waited for that is on its way. Half of the places stay
   * for what is asked for.
   */
  #goAhead(): void {
    while (this.#mayGoAhead()) {
      void this.#fly([], this.#ahead.take(this.#reads.size));
    }
  }

  /** Sends a batch. Others may depart once it has landed. */
  async #fly(asked: readonly Waiting<Reading, Read>[][], early: readonly Part<Reading, Read>[]): Promise<void> {
    const flight = new Flight(this.#reads, this.#pipeline, this.#bounds());
    const settled = flight.send(asked, early);
    for (const [index, entries] of asked.entries()) {
      this.#follow(entries, settled[index]);
    }
    const landed = Promise.allSettled(settled);
    if (asked.length === 0) {
      const readings = early.map(({ reading }) => reading);
      this.#ahead.sent(readings, landed);
    }
    this.#inFlight += 1;
    await landed;
    this.#inFlight -= 1;
    if (asked.length > 0) {
      // Who asks one thing after the other is not made to wait for others.
      this.#gathering.roundTrip = asked.flat().length > 1 ? Date.now() - flight.at : 0;
    }
    this.#goAhead();
    this.#gather();
  }

  /** Notes what is on its way, until it is settled. */
  #follow(entries: readonly Waiting<Reading, Read>[], settled: Promise<unknown> | undefined): void {
    for (const { key } of entries.filter(({ listed }) => listed !== undefined)) {
      const landing: Promise<void> = Promise.allSettled([settled]).then(() => {
        if (this.#onTheirWay.get(key) === landing) {
          this.#onTheirWay.delete(key);
        }
      });
      this.#onTheirWay.set(key, landing);
    }
  }

  /** How many parts have to wait for a batch to leave with them; infinitely many while as many are in flight as may be. */
  #fewest(): number {
    const { service, size } = this.#reads;
    const most = this.#pipeline.windowOf(service);
    if (this.#inFlight >= most) {
      return Number.POSITIVE_INFINITY;
    }
    // A batch takes along at most as many as were asked for: its askers wait for all of it.
    return this.#inFlight - this.#ahead.idle < Math.min(HALF_EMPTY[service], most)
      ? 1
      : Math.max(size - this.#ahead.room, Math.ceil(size / 2));
  }

  #mayGoAhead(): boolean {
    const most = this.#pipeline.windowOf(this.#reads.service);
    const { idle, room } = this.#ahead;
    const isRoom = this.#inFlight < most && this.#inFlight > idle && idle < most / 2;
    return isRoom && this.#waiting.size === 0 && room >= this.#reads.size;
  }

  /** What waits for the next batch, by its parts. */
  #next(): Waiting<Reading, Read>[][] {
    return partsOf(this.#waiting.values(), this.#reads.filter.size, this.#reads.size);
  }

  #takeOut(entries: readonly Waiting<Reading, Read>[]): void {
    for (const { key } of entries) {
      this.#waiting.delete(key);
    }
  }

  /** How many requests it takes to read some of what waits: their share of the batches that all that waits will fill. */
  #costOf(entries: readonly Waiting<Reading, Read>[]): number {
    const { filter, size } = this.#reads;
    const all = partsOf(this.#waiting.values(), filter.size).length;
    return (partsOf(entries, filter.size).length / all) * Math.ceil(all / size);
  }
}

/** The time in which reads are gathered: until no more have come for a while, and a few times as long at most. */
class Gathering {
  /** Milliseconds that the last batch took that several waited for; 0 where only one did. */
  roundTrip = 0;
  /** When it began, in epoch milliseconds; 0 before the first has come. */
  #began = 0;
  #timer: NodeJS.Timeout | undefined;

  pause(): void {
    clearTimeout(this.#timer);
  }

  /** @param isEnough whether no more are waited for. */
  goOn(isEnough: boolean, end: () => void): void {
    const patience =
      this.roundTrip === 0 ? GATHER : Math.min(Math.max(this.roundTrip * PATIENCE, COMPANY.shortest), COMPANY.longest);
    this.#began ||= Date.now();
    const left = this.#began + patience * AT_MOST - Date.now();
    const ended = () => {
      this.#began = 0;
      end();
    };
    this.#timer = setTimeout(ended, isEnough ? 0 : Math.max(0, Math.min(patience, left)));
  }
}

/** A batch on its way, or one request alone: what its answers say, and whom they settle. */
class Flight<Reading extends Asked<Read>, Read> {
  readonly #reads: BatchedReads<Reading, Read>;
  readonly #pipeline: Pipeline;
  readonly #context: CallContext;
  /** When it left, in epoch milliseconds. */
  readonly at = Date.now();
  /** How many parts it has. */
  #parts = 0;

  constructor(reads: BatchedReads<Reading, Read>, pipeline: Pipeline, context: CallContext) {
    this.#reads = reads;
    this.#pipeline = pipeline;
    this.#context = context;
  }

  /** Sends what was asked for, by its parts, and what is read early. @returns when each of them is settled. */
  send(asked: readonly Waiting<Reading, Read>[][], early: readonly Part<Reading, Read>[]): Promise<unknown>[] {
    const parts = [...asked.map((entries) => this.#partOf(entries)), ...early];
    this.#parts = parts.length;
    const [only, ...others] = parts;
    if (only !== undefined && others.length === 0) {
      return [only.settle(this.#reads.alone(only.reading, this.#context))];
    }
    const readings = parts.map(({ reading }) => reading);
    const sent = this.#together(readings);
    // What is read ahead must not make one fail that would have gone alone without it.
    const answers = asked.length === 1 ? sent.catch(() => new Map<string, BatchedAnswer>()) : sent;
    return parts.map(({ reading, settle }, index) =>
      settle(answers.then((found) => this.#readIn(found.get(String(index)), reading))),
    );
  }

  async #together(readings: readonly Reading[]): Promise<Map<string, BatchedAnswer>> {
    const batch = await this.#reads.together(readings, this.#context);
    const how = { service: this.#reads.service, kind: "read", action: actionOf(readings) } as const;
    return sendBatch(this.#pipeline, how, batch, this.#context);
  }

  #partOf(entries: readonly Waiting<Reading, Read>[]): Part<Reading, Read> {
    const [first] = entries;
    return first !== undefined && entries.length === 1 ? this.#single(first) : this.#several(entries);
  }

  /** The request for one thing. What the batch leaves open is asked for alone. */
  #single(entry: Waiting<Reading, Read>): Part<Reading, Read> {
    const { reading, resolve } = entry;
    const settle = (answer: Promise<Read | undefined>): Promise<Read> => {
      const read = answer
        .then((found) => found ?? this.#reads.alone(reading, this.#context))
        .then((found) => this.#keep(entry, found, 1));
      resolve(read);
      return read;
    };
    return { reading, settle };
  }

  /** One filter for several things. What it does not show is asked for by itself. */
  #several(entries: readonly Waiting<Reading, Read>[]): Part<Reading, Read> {
    const { filter } = this.#reads;
    const settle = async (answer: Promise<Read | undefined>): Promise<void> => {
      let shown: Read | undefined;
      try {
        shown = await answer;
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
        const own = shown === undefined ? undefined : filter.part(shown, entry.reading);
        // A filter that does not show it proves nothing.
        entry.resolve(own === undefined ? entry.byItself() : this.#keep(entry, own, entries.length));
      }
    };
    return { reading: filter.of(entries.map(({ reading }) => reading)), settle };
  }

  /** Lets a listing know what was read, and for which share of a request. */
  #keep({ listed }: Waiting<Reading, Read>, read: Read, sharers: number): Read {
    listed?.listing.keep(listed, read, this.at, 1 / Math.max(this.#reads.size, this.#parts * sharers));
    return read;
  }

  /** Undefined for what the batch left open. */
  #readIn(answer: BatchedAnswer | undefined, reading: Reading): Read | undefined {
    if (answer === undefined) {
      return undefined;
    }
    if (answer.status < 400 && !saysFailed(this.#reads.service, answer.body)) {
      return this.#reads.parse(answer, reading);
    }
    const error = this.#reads.failure(answer, reading);
    if (isServiceError(error) && PASSING.includes(error.class)) {
      return undefined;
    }
    throw error;
  }
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
