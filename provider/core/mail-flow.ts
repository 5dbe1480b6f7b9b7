import { type Claims, type Conflicts, nameOf, recipientName } from "./claims";

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

/** A flow, and the URN of the resource that declares it. */
type Declared = Flow & { urn: string };

/**
 * Where mail goes on to, as the resources of a program declare it: by the forwarding of mailboxes and by inbox rules. It knows nothing of the
 * tenant. Names that mean the same are compared by what the claims know of them.
 */
export class MailFlow {
  readonly #claims: Claims;
  readonly #passages = new Map<string, Passage>();

  constructor(claims: Claims) {
    this.#claims = claims;
  }

  /**
   * Notes what a resource says and forgets what it said before.
   *
   * @param remedy what the user does to break a loop, as a sentence without a full stop.
   * @returns the loops that go through it: one for each property that sends mail into one.
   */
  note(by: { urn: string }, passage: Passage, remedy: string): Conflicts["problems"] {
    this.#passages.set(by.urn, passage);
    const flows = this.#flows();
    const own = flows
      .filter(({ urn }) => urn === by.urn)
      .flatMap((flow) => {
        const way = this.#wayBack(flow, flows);
        return way === undefined ? [] : [{ path: flow.path, reason: this.#told(way, remedy) }];
      });
    return own.length > 0 ? own : this.#closedBy(passage, flows);
  }

  /** What the program says of the mailbox with one of these names; undefined where it declares none. */
  ofMailbox(names: readonly string[]): Passage | undefined {
    const isMeant = ({ mailbox }: Passage) => mailbox?.names.some(({ name }) => this.#has(names, name)) === true;
    return [...this.#passages.values()].find(isMeant);
  }

  /** A loop of other resources that a mailbox closes by being known: two of its addresses stand in it. */
  #closedBy({ mailbox }: Passage, flows: readonly Declared[]): Conflicts["problems"] {
    const names = mailbox?.names ?? [];
    for (const flow of flows.filter(({ from }) => names.some(({ name }) => this.#has(from, name)))) {
      const way = this.#wayBack(flow, flows);
      const path = names.find(({ name }) => flow.from.includes(name))?.path ?? names[0]?.path;
      // Where one name stands on both sides, the loop was told when it was closed.
      const isClosedHere = way?.at(-1)?.to.some((name) => flow.from.includes(name)) === false;
      if (way !== undefined && isClosedHere && path !== undefined) {
        return [{ path, reason: this.#told(way, "Take one of these out") }];
      }
    }
    return [];
  }

  /** The flows by which mail of a flow comes back to where it began, this one first; undefined where it does not. */
  #wayBack(first: Declared, flows: readonly Declared[]): readonly Declared[] | undefined {
    const seen = new Set([first]);
    let ways: (readonly Declared[])[] = [[first]];
    while (ways.length > 0) {
      const back = ways.find((way) => this.#meets(way.at(-1)?.to ?? [], first.from));
      if (back !== undefined) {
        return back;
      }
      ways = ways.flatMap((way) =>
        flows
          .filter((flow) => !seen.has(flow) && this.#meets(way.at(-1)?.to ?? [], flow.from))
          .map((flow) => {
            seen.add(flow);
            return [...way, flow];
          }),
      );
    }
    return undefined;
  }

  /** All that sends mail on. A rule in a mailbox to which nothing is delivered sends none. */
  #flows(): Declared[] {
    return [...this.#passages]
      .flatMap(([urn, { flows }]) => flows.map((flow) => ({ ...flow, urn })))
      .filter(({ isByRule, from }) => isByRule !== true || this.ofMailbox(from)?.mailbox?.isDelivered !== false);
  }

  #told(way: readonly Declared[], remedy: string): string {
    const steps = way.map(
      ({ path, from, to, urn }) => `${from[0]} → ${to[0]} (${path} of ${nameOf(this.#claims.present(urn))})`,
    );
    return `mail would go round in a loop: ${steps.join(", ")}. ${remedy}`;
  }

  #meets(some: readonly string[], others: readonly string[]): boolean {
    return some.some((name) => this.#has(others, name));
  }

  #has(names: readonly string[], name: string): boolean {
    return names.some((one) => this.#claims.isSame(recipientName(one), recipientName(name)));
  }
}
