import type { Recipient } from "../services/recipients";
import type { Operation } from "./reconciler";

/**
 * The recipients that a state knows and the tenant still has, by the key they are written with. They are found by the object id
 * that was stored, whoever has the address by now. Only a state that came without ids (an import file, a creation that failed
 * early) leaves nothing but the key to go by.
 *
 * @param ids object ids by key.
 * @param declared the map whose keys name them.
 */
export async function knownRecipients(ids: unknown, declared: unknown, operation: Operation) {
  const known = new Map(Object.entries((ids ?? {}) as Record<string, string>));
  const keys = new Set([...known.keys(), ...Object.keys((declared ?? {}) as object)]);
  const found = await Promise.all(
    [...keys].map(async (key) => {
      const id = known.get(key);
      const [recipient, ...others] = await operation.services.recipients.named(id ?? key);
      // One of several with the same address would be a guess.
      return [key, id === undefined && others.length > 0 ? undefined : recipient] as const;
    }),
  );
  return new Map<string, Recipient>(
    found.flatMap(([key, recipient]) => (recipient === undefined ? [] : [[key, recipient] as const])),
  );
}
