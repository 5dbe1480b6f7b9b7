/** What the resources of a program say and others may contradict: claims, what the names in them mean, and where mail goes on to. */

/** Something that one resource's inputs say and another's may contradict. */
export interface Claim {
  /** Property path of what says it. */
  path: string;
  /** What it is about, in parts: each is a name such as `recipient/ada@contoso.com`, and names that mean the same are the same. */
  thing: readonly string[];
  /** Claims with one value agree. Without a value only one resource may claim the thing. */
  value?: string | undefined;
  /**
   * What the user reads when another resource claims the thing too.
   *
   * @param own this resource, as `the SharedMailbox "a"`.
   * @param other the other resource.
   * @param claim what the other one says.
   */
  reason: (own: string, other: string, claim: { path: string; value?: string | undefined }) => string;
  /** Whether the services accept both: then the user is told and nothing is refused. */
  isAdvice?: true;
}

/** What contradicts the claims of other resources. */
interface Conflicts {
  problems: { path: string; reason: string }[];
  advice: string[];
}

/** A claim with the resource that makes it. */
interface Entry {
  readonly owner: Owner;
  readonly claim: Claim;
}

/** A resource with its last claims: a replacement is checked twice. */
interface Owner {
  readonly urn: string;
  /** Its place among all, in the order of their first claims. */
  readonly place: number;
  isFinal: boolean;
  entries: readonly Entry[];
}

/**
 * What the inputs of all resources of a deployment claim. Only what the program says now counts: an address that one resource gives up
 * is free for another one in the same deployment.
 */
export class Claims {
  /** What the names in claims mean. */
  readonly meanings = new Meanings();
  readonly #owners = new Map<string, Owner>();
  readonly #entries = this.meanings.index<Entry>();
  readonly #present = new Set<string>();

  /**
   * Notes what a resource claims and forgets what it claimed before. Called by `check`, before policies may change the inputs.
   *
   * @returns what contradicts others.
   */
  claim(claims: readonly Claim[], { urn }: { urn: string }): Conflicts {
    this.#present.add(urn);
    const conflicts = this.#conflicts(claims, urn, (other) => other.urn !== urn);
    // Keep refused claims too: the other resource may be about to write and must stop as well.
    this.#note(claims, urn, conflicts.problems.length > 0);
    return conflicts;
  }

  /** Notes what a resource claims with the inputs that are being deployed. */
  settle(claims: readonly Claim[], urn: string): void {
    this.#note(claims, urn, true);
  }

  /** Which claims of a resource contradict others, by what is known of the names in them so far. */
  conflictsOf(urn: string): Conflicts["problems"] {
    const own = (this.#owners.get(urn)?.entries ?? []).map(({ claim }) => claim);
    return this.#conflicts(own, urn, (other) => other.urn !== urn && other.isFinal).problems;
  }

  /** Whether a resource is in this program, as far as the engine has looked at it. */
  isPresent(urn: string): boolean {
    return this.#present.has(urn);
  }

  /** Whether a resource other than `by` claims something. */
  isClaimedByAnother(thing: string, { urn: by }: { urn: string }): boolean {
    return this.#entries.about([thing]).some(({ owner }) => owner.urn !== by);
  }

  /** See {@link Meanings.learn}. */
  learn(name: string, meaning: string, isCertain = false): void {
    this.meanings.learn(name, meaning, isCertain);
  }

  /** Whether two names mean the same, as far as it is known. */
  isSame(one: string, other: string): boolean {
    return this.meanings.isSame(one, other);
  }

  #note(claims: readonly Claim[], urn: string, isFinal: boolean): void {
    const owner = this.#owners.get(urn) ?? { urn, place: this.#owners.size, isFinal, entries: [] };
    this.#owners.set(urn, owner);
    for (const entry of owner.entries) {
      this.#entries.drop(entry);
    }
    Object.assign(owner, { isFinal, entries: claims.map((claim) => ({ owner, claim })) });
    for (const entry of owner.entries) {
      this.#entries.put(entry, [entry.claim.thing]);
    }
  }

  /** What contradicts claims: of each other resource the first one that does. */
  #conflicts(claims: readonly Claim[], urn: string, counts: (other: Owner) => boolean): Conflicts {
    const found = claims.flatMap((claim) => {
      const rivals = this.#entries
        .about(claim.thing)
        .filter(
          ({ owner, claim: other }) => counts(owner) && (claim.value === undefined || claim.value !== other.value),
        );
      const owners = [...new Set(rivals.map(({ owner }) => owner))].sort((one, other) => one.place - other.place);
      const first = owners.flatMap(({ entries }) => entries.find((entry) => rivals.includes(entry)) ?? []);
      return first.map(({ owner, claim: other }) => ({
        claim,
        reason: claim.reason(nameOf(urn), nameOf(owner.urn), other),
      }));
    });
    return {
      problems: found
        .filter(({ claim: { isAdvice } }) => isAdvice !== true)
        .map(({ claim: { path }, reason }) => ({ path, reason })),
      advice: found.filter(({ claim: { isAdvice } }) => isAdvice === true).map(({ reason }) => reason),
    };
  }
}

/** A resource as a program names it: its kind and its name, out of its URN. */
export function nameOf(urn: string): string {
  const [, , types = "", ...name] = urn.split("::");
  return `the ${types.split(":").pop()} "${name.join("::")}"`;
}

/** The name of a mailbox, person or group in claims: by address, sign-in name, object id, or URN of the SharedMailbox. */
export const recipientName = (identifier: string): string => `recipient/${identifier}`;
/** The name of a user or queue of Dynamics in claims: by any of the ways to write it, or URN of the Queue. */
export const rowName = (kind: "user" | "queue", identifier: string): string => `${kind}/${identifier}`;
/** The name of a Dataverse environment in claims. */
export const environmentName = (url: string | undefined): string => `environment/${url ?? ""}`;

/**
 * Which names mean the same, as far as it is known: the address of a mailbox, the URN of its resource and its object id. Names are
 * compared without case.
 */
class Meanings {
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
class Index<Entry extends object> {
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

/** Mail that goes on from one mailbox to another. */
export interface Flow {
  /** Property path of what sends it on. */
  path: string;
  /** The mailbox that it leaves, by all names of it that are known. The first is for messages. */
  from: readonly string[];
  /** Where it goes, likewise. */
  to: readonly string[];
  /** Whether an inbox rule sends it on, which sees only what is delivered. */
  isByRule?: true;
}

/** What a resource of the program says about where mail goes on to. */
interface Passage {
  flows: readonly Flow[];
  /** The mailbox that the resource declares, if it is one. */
  mailbox?: {
    names: readonly { path: string; name: string }[];
    /** Whether it declares a forwarding, declares that there is none, or leaves the one that is there. */
    forwards: "declared" | "none" | "left";
    /** Whether what arrives is delivered to it. Forwarding without a copy delivers nothing. */
    isDelivered: boolean;
  };
}

/** A flow, and the resource that declares it. */
interface Declared {
  flow: Flow;
  by: Noted;
}

/** What a resource said last. */
interface Noted {
  readonly urn: string;
  /** Its place among all, in the order in which they first said something. */
  readonly place: number;
  readonly passage: Passage;
  readonly flows: Declared[];
}

/**
 * Where mail goes on to, as the resources of a program declare it: by the forwarding of mailboxes and by inbox rules. It knows nothing of the
 * tenant. Names that mean the same are compared by what the claims know of them.
 */
export class MailFlow {
  readonly #claims: Claims;
  readonly #noted = new Map<string, Noted>();
  readonly #from: Index<Declared>;
  readonly #mailboxes: Index<Noted>;

  constructor(claims: Claims) {
    this.#claims = claims;
    this.#from = claims.meanings.index();
    this.#mailboxes = claims.meanings.index();
  }

  /**
   * Notes what a resource says and forgets what it said before.
   *
   * @param remedy what the user does to break a loop, as a sentence without a full stop.
   * @returns the loops that go through it: one for each property that sends mail into one.
   */
  note(by: { urn: string }, passage: Passage, remedy: string): Conflicts["problems"] {
    const flows = this.#put(by.urn, passage).flows.filter((flow) => this.#isSending(flow));
    const own = flows.flatMap((flow) => {
      const way = this.#wayBack(flow);
      return way === undefined ? [] : [{ path: flow.flow.path, reason: this.#told(way, remedy) }];
    });
    return own.length > 0 ? own : this.#closedBy(passage);
  }

  /** What the program says of the mailbox with one of these names; undefined where it declares none. */
  ofMailbox(names: readonly string[]): Passage | undefined {
    return this.#named(this.#mailboxes, names).sort((one, other) => one.place - other.place)[0]?.passage;
  }

  #put(urn: string, passage: Passage): Noted {
    const before = this.#noted.get(urn);
    if (before !== undefined) {
      this.#mailboxes.drop(before);
      for (const flow of before.flows) {
        this.#from.drop(flow);
      }
    }
    const noted: Noted = { urn, place: before?.place ?? this.#noted.size, passage, flows: [] };
    noted.flows.push(...passage.flows.map((flow) => ({ flow, by: noted })));
    this.#noted.set(urn, noted);
    this.#mailboxes.put(
      noted,
      (passage.mailbox?.names ?? []).map(({ name }) => [recipientName(name)]),
    );
    for (const flow of noted.flows) {
      this.#from.put(
        flow,
        flow.flow.from.map((name) => [recipientName(name)]),
      );
    }
    return noted;
  }

  /** A loop of other resources that a mailbox closes by being known: two of its addresses stand in it. */
  #closedBy({ mailbox }: Passage): Conflicts["problems"] {
    const names = mailbox?.names ?? [];
    for (const declared of this.#leaving(names.map(({ name }) => name))) {
      const { flow } = declared;
      const way = this.#wayBack(declared);
      const path = names.find(({ name }) => flow.from.includes(name))?.path ?? names[0]?.path;
      // Where one name stands on both sides, the loop was told when it was closed.
      const isClosedHere = way?.at(-1)?.flow.to.some((name) => flow.from.includes(name)) === false;
      if (way !== undefined && isClosedHere && path !== undefined) {
        return [{ path, reason: this.#told(way, "Take one of these out") }];
      }
    }
    return [];
  }

  /** The flows by which mail of a flow comes back to where it began, this one first; undefined where it does not. */
  #wayBack(first: Declared): readonly Declared[] | undefined {
    const seen = new Set([first]);
    let ways: (readonly Declared[])[] = [[first]];
    while (ways.length > 0) {
      const back = ways.find((way) => this.#meets(way.at(-1)?.flow.to ?? [], first.flow.from));
      if (back !== undefined) {
        return back;
      }
      ways = ways.flatMap((way) =>
        this.#leaving(way.at(-1)?.flow.to ?? [])
          .filter((flow) => !seen.has(flow))
          .map((flow) => {
            seen.add(flow);
            return [...way, flow];
          }),
      );
    }
    return undefined;
  }

  /** The flows that leave the mailbox with one of these names, in the order in which their resources spoke. */
  #leaving(names: readonly string[]): Declared[] {
    return this.#named(this.#from, names)
      .filter((flow) => this.#isSending(flow))
      .sort((one, other) => one.by.place - other.by.place || one.by.flows.indexOf(one) - other.by.flows.indexOf(other));
  }

  /** Whether it sends mail on. A rule in a mailbox to which nothing is delivered sends none. */
  #isSending({ flow: { isByRule, from } }: Declared): boolean {
    return isByRule !== true || this.ofMailbox(from)?.mailbox?.isDelivered !== false;
  }

  #named<Entry extends object>(index: Index<Entry>, names: readonly string[]): Entry[] {
    return [...new Set(names.flatMap((name) => index.about([recipientName(name)])))];
  }

  #told(way: readonly Declared[], remedy: string): string {
    const steps = way.map(({ flow: { path, from, to }, by }) => `${from[0]} → ${to[0]} (${path} of ${nameOf(by.urn)})`);
    return `mail would go round in a loop: ${steps.join(", ")}. ${remedy}`;
  }

  #meets(some: readonly string[], others: readonly string[]): boolean {
    return some.some((name) => this.#has(others, name));
  }

  #has(names: readonly string[], name: string): boolean {
    return names.some((one) => this.#claims.isSame(recipientName(one), recipientName(name)));
  }
}
