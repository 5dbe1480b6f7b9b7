import { InputError } from "../../http/errors";
import type { Operation, Properties } from "../reconciler";
import { type Registry, recordThing } from "../registry";

/** Properties whose value is not shown: it may be a secret, or an id that nobody knows by heart. */
const UNSHOWN = ["credentials", "serverProfile"];

/**
 * Declares the values that a resource gives a mailbox record, and refuses those to which another resource of this deployment
 * gives another value: each would undo the other's for ever.
 *
 * @param values what is declared; the server profile by its id, because its names only say the same once they are looked up.
 */
export function requireOwnValues(
  recordId: string,
  values: Properties,
  properties: readonly string[],
  { registry, origin }: Operation,
): void {
  const problems = properties.flatMap((path) => {
    const own = spell(values[path]);
    if (own === undefined) {
      return [];
    }
    const other = registry.valueOfAnother(recordThing(recordId, path), origin);
    registry.declareValue(recordThing(recordId, path), own, origin);
    const what = UNSHOWN.includes(path) ? "another value" : other;
    return other === undefined || other === own
      ? []
      : [
          {
            path,
            reason: `another resource of this deployment gives the same mailbox record ${what}; declare it once`,
          },
        ];
  });
  if (problems.length > 0) {
    throw new InputError(problems);
  }
}

/** Tells the registry, without a look at the tenant, which values a resource gives a mailbox record. */
export function declareValues(
  recordId: string,
  state: Properties,
  inputs: Properties,
  properties: readonly string[],
  origin: { urn: string },
  registry: Registry,
): void {
  const isSameProfile = inputs.serverProfile !== undefined && inputs.serverProfile === state.serverProfile;
  const values = { ...inputs, serverProfile: isSameProfile ? state.serverProfileId : undefined };
  for (const property of properties) {
    const value = spell((values as Properties)[property]);
    if (value !== undefined) {
      registry.declareValue(recordThing(recordId, property), value, origin);
    }
  }
}

/** The properties of a mailbox record that another resource of this deployment decides. */
export function decidedElsewhere(
  recordId: string,
  properties: readonly string[],
  { registry, origin }: Operation,
): string[] {
  return properties.filter(
    (property) => registry.valueOfAnother(recordThing(recordId, property), origin) !== undefined,
  );
}

/** A declared value as the registry compares it; undefined where none is declared. */
function spell(value: unknown): string | undefined {
  return value === undefined || value === null || typeof value === "string"
    ? (value ?? undefined)
    : JSON.stringify(value);
}
