import { InputError } from "../../http/errors";
import type { Operation, Properties } from "../reconciler";
import { recordThing } from "../registry";

/**
 * Declares the values that a resource gives a mailbox record, and refuses those to which another resource of this deployment
 * gives another value: each would undo the other's for ever.
 */
export function requireOwnValues(
  recordId: string,
  inputs: Properties,
  properties: readonly string[],
  { registry, origin }: Operation,
): void {
  const problems = properties.flatMap((path) => {
    const value = inputs[path];
    // A profile has names and an id, which only say the same once they are looked up.
    if (value === undefined || path === "serverProfile") {
      return [];
    }
    const own = typeof value === "string" ? value : JSON.stringify(value);
    const other = registry.valueOfAnother(recordThing(recordId, path), origin);
    registry.declareValue(recordThing(recordId, path), own, origin);
    return other === undefined || other === own
      ? []
      : [
          {
            path,
            reason:
              path === "credentials"
                ? "another resource of this deployment gives the same mailbox record other ones; declare them once"
                : `another resource of this deployment gives the same mailbox record ${other}; declare it once`,
          },
        ];
  });
  if (problems.length > 0) {
    throw new InputError(problems);
  }
}
