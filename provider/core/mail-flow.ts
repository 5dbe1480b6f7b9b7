import { type Claims, type Conflicts, nameOf, recipientName } from "./claims";
import type { Index } from "./meanings";

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
export interface Passage {
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
