import { AsyncLocalStorage } from "node:async_hooks";
import { deferred } from "../http/call";

/** How long what was read may answer later questions, in milliseconds: about as long as the refresh of a large stack takes. */
export const KNOWN_FOR = 5 * 60_000;

const repeated = new AsyncLocalStorage<true>();

/** Runs work whose reads are answered by the services alone, not by what was read before. */
export function freshly<T>(work: () => Promise<T>): Promise<T> {
  return repeated.run(true, work);
}

/** Whether only the services may answer. */
export function isFresh(): boolean {
  return repeated.getStore() === true;
}

/** What this process has written to, by Entra object id. From then on it is read by itself. */
export class OwnWrites {
  readonly #ids = new Set<string>();
  /** Whether nothing was written yet. */
  isNone = true;
  /** When something was written that nobody could name, in epoch milliseconds. */
  #unnamed = 0;

  /** @param id undefined for a write of which nobody can say what it concerns: nothing that was read before counts then. */
  note(id: string | undefined): void {
    this.isNone = false;
    if (id === undefined) {
      this.#unnamed = Date.now();
    } else {
      this.#ids.add(id.toLowerCase());
    }
  }

  /** Whether what was read of an object at a time still counts. */
  isUntouched(id: string, at: number): boolean {
    return at > this.#unnamed && !this.#ids.has(id.toLowerCase());
  }
}

/** What the reads of all services share. */
export interface Shared {
  /** What this process has written to. */
  writes: OwnWrites;
  /** How many accounts the tenant has; undefined where nobody can tell. */
  accounts: () => Promise<number | undefined>;
}

/** What a service by itself shares: nothing, and it lists nothing. */
export function sharingNothing(): Shared {
  return { writes: new OwnWrites(), accounts: async () => undefined };
}

/** How everything of one kind is read. */
interface WholeListing<Read> {
  /**
   * Requests that the listing takes.
   *
   * @param accounts how many accounts the tenant has.
   * @param rows how many rows a single read has shown, on average.
   */
  pages(accounts: number, rows: number): number;
  /** All there is, by what it is asked for with, in lower case. */
  all(): Promise<ReadonlyMap<string, Read>>;
  /** How many rows there are in it. */
  rowsIn(read: Read): number;
  /** Entra object ids of what it shows. */
  idsIn(read: Read): readonly string[];
}

/** What a listing is asked for. */
export interface Listed<Read> {
  listing: Listing<Read>;
  /** In lower case. */
  key: string;
  /** Entra object id of what the question is about, where it is known and does not stand in the answer. */
  id?: string;
  /** Whether a refresh asks, which is likely to go on with the mailboxes that {@link ReadAhead} expects. */
  goesOn?: boolean;
}

/** Shares of requests are sums of fractions: three thirds may be a little less than one. */
const ROUNDING = 1e-6;

/**
 * One kind of thing, read one by one until that would cost as much as a listing of all, which is read then: at most twice what is
 * needed, however large the tenant is. What the listing costs is learned from the number of accounts.
 *
 * It never says that something is absent. A listing may lag or leave something out, so what it does not show is read by itself.
 */
export class Listing<Read> {
  readonly #whole: WholeListing<Read>;
  readonly #writes: OwnWrites;
  readonly #accounts: () => Promise<number | undefined>;
  readonly #known = new Map<string, { at: number; read: Read }>();
  /** Requests that single reads have taken. */
  #rented = 0;
  #reads = 0;
  #rows = 0;
  /** Number of accounts; undefined until it was asked for. */
  #count: number | undefined;
  /** When it was read whole, or could not be, in epoch milliseconds. */
  #endedAt = Number.NEGATIVE_INFINITY;
  #reading: Promise<void> | undefined;

  /** @param accounts how many accounts the tenant has; undefined where nobody can tell, so that it is never listed. */
  constructor(whole: WholeListing<Read>, writes: OwnWrites, accounts: () => Promise<number | undefined>) {
    this.#whole = whole;
    this.#writes = writes;
    this.#accounts = accounts;
  }

  /** What was read of it before, or undefined: it has to be asked for. */
  known({ key, id }: Listed<Read>): Read | undefined {
    const found = this.#known.get(key);
    if (found === undefined || Date.now() - found.at > KNOWN_FOR) {
      return undefined;
    }
    const ids = [...this.#whole.idsIn(found.read), ...(id === undefined ? [] : [id])];
    return ids.every((one) => this.#writes.isUntouched(one, found.at)) ? found.read : undefined;
  }

  /** Whether this process has written nothing to what a question is about, as far as the question tells. */
  isUntouched({ id }: Listed<Read>): boolean {
    return id === undefined || this.#writes.isUntouched(id, Date.now());
  }

  /**
   * Keeps what a single read has shown.
   *
   * @param at when it was asked for.
   * @param share of a request that it took.
   */
  keep({ key }: Listed<Read>, read: Read, at: number, share: number): void {
    const rows = this.#whole.rowsIn(read);
    this.#rented += share;
    this.#reads += 1;
    this.#rows += rows;
    if (rows > 0) {
      this.#known.set(key, { at, read });
    }
  }

  /** The listing that is being read. */
  get reading(): Promise<void> | undefined {
    return this.#reading;
  }

  /**
   * Takes single reads over, where the listing is no dearer than they are.
   *
   * @param cost requests that those take which are about to be sent.
   * @param atBest the same in full batches. What it costs to know how many accounts there are is not spent on less than that.
   * @param more the same for those that are likely to be asked for later.
   * @returns resolves when they should look whether they are {@link known}; undefined when they are cheaper.
   */
  instead(cost: number, atBest: number, more: number): Promise<void> | undefined {
    if (this.#reading !== undefined) {
      return this.#reading;
    }
    const rent = this.#rented + (this.#count === undefined ? Math.min(cost, atBest) : cost) + more + ROUNDING;
    if (rent < 1 || Date.now() - this.#endedAt < KNOWN_FOR) {
      return undefined;
    }
    if (this.#count !== undefined && rent < this.#whole.pages(this.#count, this.#rowsEach)) {
      return undefined;
    }
    this.#reading = this.#read(rent).finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  get #rowsEach(): number {
    return this.#reads === 0 ? 1 : this.#rows / this.#reads;
  }

  async #read(rent: number): Promise<void> {
    if (this.#count === undefined) {
      this.#count = (await this.#accounts()) ?? Number.POSITIVE_INFINITY;
      if (rent < this.#whole.pages(this.#count, this.#rowsEach)) {
        return;
      }
    }
    const at = Date.now();
    try {
      for (const [key, read] of await this.#whole.all()) {
        this.#known.set(key, { at, read });
      }
    } catch {
      // A listing that fails says nothing of what is there: each is read by itself then, and says why it cannot be.
    }
    this.#rented = 0;
    this.#reads = 0;
    this.#rows = 0;
    this.#endedAt = Date.now();
  }
}

/** How many have to be asked for, for each that may be read ahead for nothing. */
const ASKED_FOR_ONE = 2;

/**
 * What is read before anybody asks for it. The engine runs a few operations at a time, which ask for a few mailboxes at a time: too
 * few to fill the batches, and to keep enough of them on their way. So a refresh that has asked for a whole batch of them is taken to go
 * on, with the mailboxes that this process has read.
 *
 * How many nobody has asked for yet is bounded by how many were asked for: half as many. Nothing is read ahead after one that failed.
 * What was read ahead answers one question, for five minutes at most, with what is there: it never says that something is absent, nor
 * that it fails. Once this process has written anything, nothing is read ahead, and what was does not count.
 */
export class ReadAhead<Reading extends { ahead?: string }, Read> {
  readonly #least: number;
  readonly #isWhole: (read: Read) => boolean;
  readonly #writes: OwnWrites;
  /** What may be asked for, by Entra object id in lower case, in the order in which it was learned. */
  readonly #expected = new Map<string, Reading>();
  readonly #asked = new Set<string>();
  /** What nobody has asked for yet. */
  readonly #early = new Map<string, { at: number; read: Promise<Read | undefined> }>();
  readonly #batches = new Set<readonly Reading[]>();
  #hasFailed = false;

  /**
   * @param least how many have to be asked for before anything is read ahead.
   * @param isWhole whether what was read may answer a question.
   */
  constructor(least: number, isWhole: (read: Read) => boolean, writes: OwnWrites) {
    this.#least = least;
    this.#isWhole = isWhole;
    this.#writes = writes;
  }

  /** Learns what may be asked for. */
  expect(id: string, reading: Reading): void {
    const key = id.toLowerCase();
    if (!this.#asked.has(key) && !this.#early.has(key)) {
      this.#expected.set(key, reading);
    }
  }

  /** How many more are likely to be asked for, as far as may be relied on. */
  get likely(): number {
    const isGoingOn = this.#writes.isNone && this.#asked.size >= this.#least;
    return isGoingOn
      ? Math.min(this.#expected.size + this.#early.size, Math.floor(this.#asked.size / ASKED_FOR_ONE))
      : 0;
  }

  /** How many may be read ahead now. */
  get room(): number {
    return this.#hasFailed ? 0 : Math.max(0, this.likely - this.#early.size);
  }

  /** Takes some to be read ahead, as many as there may be: requests of a batch that nobody waits for. */
  take(most: number): { reading: Reading; settle: (answer: Promise<Read | undefined>) => Promise<void> }[] {
    return [...this.#expected].slice(0, Math.min(most, this.room)).map(([key, reading]) => {
      const { promise: read, resolve } = deferred<Read | undefined>();
      this.#expected.delete(key);
      this.#early.set(key, { at: Date.now(), read });
      const settle = (answer: Promise<Read | undefined>): Promise<void> =>
        answer
          .catch(() => undefined)
          .then((found) => {
            const isThere = found !== undefined && this.#isWhole(found);
            this.#hasFailed ||= !isThere;
            resolve(isThere ? found : undefined);
          });
      return { reading, settle };
    });
  }

  /** Notes that somebody asks. @returns what was read ahead, once it is there; undefined where it has to be asked for. */
  asked({ ahead: id }: Reading): Promise<Read | undefined> | undefined {
    if (id === undefined) {
      return undefined;
    }
    const key = id.toLowerCase();
    const early = this.#early.get(key);
    this.#asked.add(key);
    this.#expected.delete(key);
    this.#early.delete(key);
    return early?.read.then((read) => (Date.now() - early.at <= KNOWN_FOR && this.#writes.isNone ? read : undefined));
  }

  /** Notes a batch that holds nothing but what is read ahead, until it has landed. */
  sent(readings: readonly Reading[], landed: Promise<unknown>): void {
    this.#batches.add(readings);
    void landed.finally(() => this.#batches.delete(readings));
  }

  /** How many such batches are on their way that nobody waits for. */
  get idle(): number {
    const isAsked = ({ ahead: id = "" }: Reading): boolean => this.#asked.has(id.toLowerCase());
    return [...this.#batches].filter((readings) => !readings.some(isAsked)).length;
  }
}
