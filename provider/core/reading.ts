import type { ProviderError } from "../http/errors";
import { ifAllowed } from "../http/errors";
import type { Operation, Properties } from "./kind";

/** Something that a refresh could not read, because the application may not. */
interface Unread {
  /** In words that begin a sentence: "Who may send as info@contoso.com". */
  what: string;
  refusal: ProviderError;
}

/** How an operation reads what is useful but not required; see {@link Operation.readIfAllowed}. */
export type ReadIfAllowed = <T>(what: string, read: () => Promise<T>) => Promise<T | undefined>;

/** For operations that change something: a read that is refused is an error, because the change may depend on it. */
export const readOrFail: ReadIfAllowed = (_what, read) => read();

/**
 * Makes an operation that only reads. Where the application lacks a right, it skips that one thing and reads the rest. What was
 * skipped counts as neither present nor absent.
 *
 * @param consequence what became of it, in words after "Not checked, and".
 * @returns the operation, and `tell`, which says in one warning what was not read and which right is missing.
 */
export function looking<Inputs, Memory>(
  operation: Operation<Inputs, Memory>,
  consequence = "left as the state has it",
): { operation: Operation<Inputs, Memory>; tell: () => void } {
  const unread: Unread[] = [];
  const readIfAllowed: ReadIfAllowed = (what, read) => ifAllowed(read(), (refusal) => unread.push({ what, refusal }));
  const tell = (): void => {
    const [first] = unread;
    if (first !== undefined) {
      const all = [...new Set(unread.map(({ what }) => what))].sort();
      operation.warn(
        `Not checked, and ${consequence}: ${all.join("; ")}. The application may not read it: ${first.refusal.message}`,
      );
    }
  };
  return { operation: { ...operation, readIfAllowed }, tell };
}

/** An object of the tenant that a program refers to and does not declare. */
export interface Found<Observed> {
  observed: Observed;
  /** Every input as it is in the tenant; null or left out for "not set". */
  inputs: Properties;
  /** Outputs that {@link Reconciler.outputs} leaves out where nothing is declared. */
  outputs?: Properties;
}

/** Why what was asked for does not mean exactly one object of a kind. */
export interface Unfit {
  /** Words that follow what was asked for. */
  why: string;
  /** Whether it is certain that nothing is there. */
  isAbsent: boolean;
}

/** Nothing is there. */
export function absent(why: string): Unfit {
  return { why, isAbsent: true };
}

/** Something is there, and it is not what was asked for. */
export function unfit(why: string): Unfit {
  return { why, isAbsent: false };
}

/** Whether the answer is a reason and not an object. */
export function isUnfit(answer: object): answer is Unfit {
  return "isAbsent" in answer;
}

/** A state that holds every input of a schema, with nothing in it: `inputs` of a reconciler then reads them all. */
export function holdingAll(names: readonly string[]): Properties {
  return Object.fromEntries(names.map((name) => [name, null]));
}
