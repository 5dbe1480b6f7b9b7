import { shortHash } from "./kind";

/** A resource of the program. */
interface Resource {
  /** Its inputs, as a mark. */
  inputs: string;
  /** Whether this deployment has begun to make it. */
  isMade: boolean;
  /** The state that its inputs were compared with, as a mark, and whether they differed. */
  compared?: { state: string; isChanged: boolean };
}

/**
 * Which resources of the program were born with which URN. A resource keeps that URN when it is renamed with an alias or by `pulumi state
 * rename`. A new resource under the name that became free is then born with the same one, and is not the same.
 */
export class Births {
  /** URN of birth → the resources by their URN in this program. */
  readonly #born = new Map<string, Map<string, Resource>>();

  /** Notes a resource of the program, with its inputs as they were checked. */
  note(born: string, urn: string, inputs: unknown): void {
    const urns = this.#born.get(born) ?? new Map<string, Resource>();
    this.#born.set(born, urns.set(urn, { isMade: false, ...urns.get(urn), inputs: markOf(inputs) }));
  }

  /** Notes that a resource is about to be made. */
  make(born: string, urn: string): void {
    const one = this.#born.get(born)?.get(urn);
    if (one !== undefined) {
      one.isMade = true;
    }
  }

  /** Notes that the inputs of a resource were compared with its state. */
  compare(born: string, urn: string, state: unknown, isChanged: boolean): void {
    const one = this.#born.get(born)?.get(urn);
    if (one !== undefined) {
      one.compared = { state: markOf(state), isChanged };
    }
  }

  /**
   * The URN that a resource has in this program. One that the program does not have has that of its birth.
   *
   * @param inputs as they are deployed, where they are known: they tell two of one birth apart.
   */
  urnOf(born: string, inputs: () => unknown): string {
    const [first, ...others] = this.#born.get(born) ?? [];
    if (first === undefined || others.length === 0) {
      return first?.[0] ?? born;
    }
    const mark = markOf(inputs());
    return [first, ...others].find(([, one]) => one.inputs === mark)?.[0] ?? born;
  }

  /**
   * The URN by which others know a resource that is deleted: that in the program where it is replaced, and one of its own where it left
   * the program and only its birth is that of another one.
   *
   * @param state the state that is deleted.
   */
  urnOfDeleted(born: string, state: unknown): string {
    const urns = [...(this.#born.get(born) ?? [])];
    if (urns.length === 0) {
      return born;
    }
    const mark = markOf(state);
    // A replacement deletes before it makes. One that is forced is not compared.
    const replaced =
      urns.find(([, { compared }]) => compared?.state === mark && compared.isChanged) ??
      urns.find(([, { compared, isMade }]) => compared === undefined && !isMade);
    return replaced?.[0] ?? `${born} (former)`;
  }
}

/** A short text that is the same for values that are the same as JSON, in whatever order their members stand. */
function markOf(value: unknown): string {
  return shortHash(
    JSON.stringify(value, (_key, one: unknown) =>
      typeof one === "object" && one !== null && !Array.isArray(one)
        ? Object.fromEntries(Object.entries(one).sort(([a], [b]) => (a < b ? -1 : 1)))
        : one,
    ) ?? "",
  );
}
