import type { ProviderError } from "../http/errors";
import { ifAllowed } from "../services/allowed";
import type { Operation } from "./reconciler";

/** Something that a refresh could not read, because the application may not. */
interface Unread {
  /** In words that begin a sentence: "Who may send as info@contoso.com". */
  what: string;
  refusal: ProviderError;
}

/** How an operation does a read that is of use and not needed; see {@link Operation.readIfAllowed}. */
export type ReadIfAllowed = <T>(what: string, read: () => Promise<T>) => Promise<T | undefined>;

/** Where something is about to be changed: what cannot be read is an error, because a change may rest on it. */
export const readOrFail: ReadIfAllowed = (_what, read) => read();

/**
 * An operation that only looks: a right that the application lacks keeps it from reading one thing, and not from the rest. What
 * was not read is neither there nor gone.
 *
 * @param consequence what became of it, in words after "Not checked, and".
 * @returns the operation, and `tell`, which says in one warning what was not read and which right is missing.
 */
export function looking(
  operation: Operation,
  consequence = "left as the state has it",
): { operation: Operation; tell: () => void } {
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
