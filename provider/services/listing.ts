import { AsyncLocalStorage } from "node:async_hooks";

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
  /** When something was written that nobody could name, in epoch milliseconds. */
  #unnamed = 0;

  /** @param id undefined for a write of which nobody can say what it concerns: nothing that was read before counts then. */
  note(id: string | undefined): void {
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
export interface WholeListing<Read> {
  /** How many single reads one request carries. */
  perRequest: number;
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
}

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
  #rented = 0;
  #rows = 0;
  /** Number of accounts; undefined until it was asked for. */
  #count: number | undefined;
  /** When it was read whole, or could not be, in epoch milliseconds. */
  #endedAt = Number.NEGATIVE_INFINITY;
  #reading: Promise<void> | undefined;
  /** How many questions it has answered without a request. */
  answered = 0;

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
    if (!ids.every((one) => this.#writes.isUntouched(one, found.at))) {
      return undefined;
    }
    this.answered += 1;
    return found.read;
  }

  /** Keeps what a single read has shown. @param at when it was asked for. */
  keep({ key }: Listed<Read>, read: Read, at: number): void {
    const rows = this.#whole.rowsIn(read);
    this.#rented += 1;
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
   * @param waiting how many are about to be sent.
   * @returns resolves when they should look whether they are {@link known}; undefined when they are cheaper.
   */
  instead(waiting: number): Promise<void> | undefined {
    if (this.#reading !== undefined) {
      return this.#reading;
    }
    const rent = (this.#rented + waiting) / this.#whole.perRequest;
    if (rent < 1 || Date.now() - this.#endedAt < KNOWN_FOR) {
      return undefined;
    }
    if (this.#count !== undefined && rent < this.#whole.pages(this.#count, this.#rowsEach)) {
      return undefined;
    }
    this.#reading = this.#read(waiting).finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  get #rowsEach(): number {
    return this.#rented === 0 ? 1 : this.#rows / this.#rented;
  }

  async #read(waiting: number): Promise<void> {
    if (this.#count === undefined) {
      this.#count = (await this.#accounts()) ?? Number.POSITIVE_INFINITY;
      if ((this.#rented + waiting) / this.#whole.perRequest < this.#whole.pages(this.#count, this.#rowsEach)) {
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
    this.#rows = 0;
    this.#endedAt = Date.now();
  }
}
