/**
 * Which names mean the same, as far as it is known: the address of a mailbox, the URN of its resource and its object id. Names are
 * compared without case.
 */
export class Meanings {
  readonly #meanings = new Map<string, string>();
  readonly #indexes: Index<object>[] = [];

  /**
   * Learns that two names mean the same, such as an address and an object id.
   *
   * @param isCertain that it was looked up; otherwise what is known already stays.
   */
  learn(name: string, meaning: string, isCertain = false): void {
    const [key, value] = [name.toLowerCase(), meaning.toLowerCase()];
    const known = this.#meanings.get(key);
    if (key !== value && known !== value && (isCertain || known === undefined)) {
      this.#meanings.set(key, value);
      for (const index of this.#indexes) {
        index.learned(key);
      }
    }
  }

  /** Whether two names mean the same. */
  isSame(one: string, other: string): boolean {
    return this.of(one) === this.of(other);
  }

  /** What a name stands for. It follows two steps, which is as long as it gets: an address stands for a resource, and a resource for an id. */
  of(name: string): string {
    const once = this.first(name);
    return this.#meanings.get(once) ?? once;
  }

  /** What a name stands for by one step. */
  first(name: string): string {
    const key = name.toLowerCase();
    return this.#meanings.get(key) ?? key;
  }

  /** A new {@link Index} by these names. */
  index<Entry extends object>(): Index<Entry> {
    const index = new Index<Entry>(this);
    this.#indexes.push(index);
    return index;
  }
}

/**
 * Finds entries by what they are about, whichever names they were put under. A deployment of a thousand mailboxes asks this for each of
 * them: a look through all the others would take minutes.
 */
export class Index<Entry extends object> {
  readonly #meanings: Meanings;
  readonly #things = new Map<
    Entry,
    { things: readonly (readonly string[])[]; keys: Set<string>; names: Set<string> }
  >();
  readonly #byKey = new Map<string, Set<Entry>>();
  readonly #byName = new Map<string, Set<Entry>>();

  constructor(meanings: Meanings) {
    this.#meanings = meanings;
  }

  /**
   * Puts an entry in.
   *
   * @param things what it is about, each a name or several names together.
   */
  put(entry: Entry, things: readonly (readonly string[])[]): void {
    const keys = new Set(things.map((thing) => this.#key(thing)));
    const names = new Set(things.flat().flatMap((name) => [name.toLowerCase(), this.#meanings.first(name)]));
    this.#things.set(entry, { things, keys, names });
    for (const key of keys) {
      addTo(this.#byKey, key, entry);
    }
    for (const name of names) {
      addTo(this.#byName, name, entry);
    }
  }

  /** Takes an entry out. */
  drop(entry: Entry): void {
    const { keys = [], names = [] } = this.#things.get(entry) ?? {};
    this.#things.delete(entry);
    for (const key of keys) {
      takeFrom(this.#byKey, key, entry);
    }
    for (const name of names) {
      takeFrom(this.#byName, name, entry);
    }
  }

  /** The entries about a thing, in no order. */
  about(thing: readonly string[]): readonly Entry[] {
    return [...(this.#byKey.get(this.#key(thing)) ?? [])];
  }

  /** Puts anew what was put in under a name that means something else now. */
  learned(name: string): void {
    for (const entry of [...(this.#byName.get(name) ?? [])]) {
      const { things = [] } = this.#things.get(entry) ?? {};
      this.drop(entry);
      this.put(entry, things);
    }
  }

  #key(thing: readonly string[]): string {
    return thing.length === 1
      ? this.#meanings.of(String(thing[0]))
      : JSON.stringify(thing.map((name) => this.#meanings.of(name)));
  }
}

function addTo<Entry>(index: Map<string, Set<Entry>>, key: string, entry: Entry): void {
  index.set(key, (index.get(key) ?? new Set()).add(entry));
}

function takeFrom<Entry>(index: Map<string, Set<Entry>>, key: string, entry: Entry): void {
  const entries = index.get(key);
  if (entries?.delete(entry) === true && entries.size === 0) {
    index.delete(key);
  }
}
