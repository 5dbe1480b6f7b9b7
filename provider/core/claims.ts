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

/** A resource: its URN in this program, and the one it was born with, which a rename with an alias leaves as it was. */
export interface Claimant {
  urn: string;
  born: string;
}

/** What contradicts the claims of other resources. */
export interface Conflicts {
  problems: { path: string; reason: string }[];
  advice: string[];
}

/**
 * What the inputs of all resources of a deployment claim. Only what the program says now counts: an address that one resource gives up
 * is free for another one in the same deployment.
 */
export class Claims {
  /** The last claims of each resource by its URN: a replacement is checked twice. */
  readonly #claims = new Map<string, { born: string; claims: readonly Claim[]; isFinal: boolean }>();
  readonly #meanings = new Map<string, string>();
  readonly #present = new Map<string, string>();

  /**
   * Notes what a resource claims and forgets what it claimed before. Called by `check`, before policies may change the inputs.
   *
   * @returns what contradicts others.
   */
  claim(claims: readonly Claim[], { urn, born }: Claimant): Conflicts {
    this.#present.set(born, urn);
    const conflicts = this.#conflicts(claims, urn, (other) => other !== urn);
    // Keep refused claims too: the other resource may be about to write and must stop as well.
    this.#claims.set(urn, { born, claims, isFinal: conflicts.problems.length > 0 });
    return conflicts;
  }

  /** Notes what a resource claims with the inputs that are being deployed. */
  settle(claims: readonly Claim[], born: string): void {
    this.#claims.set(this.present(born), { born, claims, isFinal: true });
  }

  /** Which claims of a resource contradict others, with what is known by now of the names in them. */
  conflictsOf(born: string): Conflicts["problems"] {
    const urn = this.present(born);
    const own = this.#claims.get(urn)?.claims ?? [];
    return this.#conflicts(own, urn, (_other, { born: others, isFinal }) => others !== born && isFinal).problems;
  }

  /** Whether a resource is in this program, as far as the engine has looked at it. */
  isPresent(born: string): boolean {
    return this.#present.has(born);
  }

  /** The URN that a resource has in this program. */
  present(born: string): string {
    return this.#present.get(born) ?? born;
  }

  /** Whether a resource other than `by` claims something. */
  isClaimedByAnother(thing: string, { urn: by }: { urn: string }): boolean {
    return [...this.#claims.values()].some(
      ({ born, claims }) => born !== by && claims.some((claim) => this.#key(claim.thing) === this.#key([thing])),
    );
  }

  /**
   * Learns that two names mean the same, such as an address and an object id.
   *
   * @param isCertain that it was looked up; otherwise what is known already stays.
   */
  learn(name: string, meaning: string, isCertain = false): void {
    const [key, value] = [name.toLowerCase(), meaning.toLowerCase()];
    if (key !== value && (isCertain || !this.#meanings.has(key))) {
      this.#meanings.set(key, value);
    }
  }

  /** Whether two names mean the same, as far as it is known. */
  isSame(one: string, other: string): boolean {
    return this.#meaning(one.toLowerCase()) === this.#meaning(other.toLowerCase());
  }

  #conflicts(
    claims: readonly Claim[],
    urn: string,
    counts: (urn: string, of: { born: string; isFinal: boolean }) => boolean,
  ): Conflicts {
    const others = [...this.#claims].filter(([other, of]) => counts(other, of));
    const found = claims.flatMap((claim) =>
      others.flatMap(([other, of]) => {
        const rival = of.claims.find((one) => this.#isContrary(claim, one));
        return rival === undefined ? [] : [{ claim, reason: claim.reason(nameOf(urn), nameOf(other), rival) }];
      }),
    );
    return {
      problems: found
        .filter(({ claim: { isAdvice } }) => isAdvice !== true)
        .map(({ claim: { path }, reason }) => ({ path, reason })),
      advice: found.filter(({ claim: { isAdvice } }) => isAdvice === true).map(({ reason }) => reason),
    };
  }

  #isContrary(claim: Claim, other: Claim): boolean {
    const isSameValue = claim.value !== undefined && claim.value === other.value;
    return !isSameValue && this.#key(claim.thing) === this.#key(other.thing);
  }

  #key(thing: readonly string[]): string {
    return JSON.stringify(thing.map((name) => this.#meaning(name.toLowerCase())));
  }

  /** Follows two steps, which is as long as it gets: an address stands for a resource, and a resource for an object id. */
  #meaning(name: string): string {
    const once = this.#meanings.get(name) ?? name;
    return this.#meanings.get(once) ?? once;
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
