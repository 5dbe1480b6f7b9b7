import { Meanings } from "./meanings";

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
export interface Conflicts {
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

  /** Which claims of a resource contradict others, with what is known by now of the names in them. */
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
