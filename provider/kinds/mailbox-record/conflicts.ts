import { type Claim, nameOf } from "../../core/claims";
import type { Properties } from "../../core/kind";
import { type Registry, recordThing } from "../../core/registry";
import { InputError } from "../../http/errors";
import { isGuid } from "../../services/text";
import type { RecordKnown, RecordOperation } from "./schema";

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
  { registry, origin }: Pick<RecordOperation, "registry" | "origin">,
): void {
  const problems = properties.flatMap((path) => {
    const own = spell(values[path]);
    if (own === undefined) {
      return [];
    }
    const other = registry.valueOfAnother(recordThing(recordId, path), origin);
    registry.declareValue(recordThing(recordId, path), own, origin);
    return other === undefined || other.value === own
      ? []
      : [{ path, reason: contradiction(path, own, nameOf(registry.claims.present(origin.urn)), other) }];
  });
  if (problems.length > 0) {
    throw new InputError(problems);
  }
}

/** Why two resources cannot give one mailbox record two values. */
function contradiction(path: string, value: string, own: string, other: { value: string; name: string }): string {
  const values = UNSHOWN.includes(path)
    ? `${own} and ${other.name} give the same mailbox record different values`
    : `${own} gives the mailbox record ${value}, and ${other.name} gives the same record ${other.value}`;
  return `${values}; declare one value, or leave ${path} out of one of them`;
}

/**
 * The values that a resource gives a mailbox record, as its inputs say.
 *
 * @param record the record in claims: its environment and whose it is.
 */
export function claimsOfValues(record: readonly string[], values: Properties, properties: readonly string[]): Claim[] {
  return properties.flatMap((path) => {
    const value = spell(values[path]);
    const isProfile = path === "serverProfile";
    // Whether a profile's name and an id mean the same, only the tenant knows: they are compared when both are looked up.
    const property = isProfile && isGuid(value ?? "") ? "serverProfile by id" : path;
    return value === undefined
      ? []
      : [
          {
            path,
            thing: [...record, property],
            value: isProfile ? value.toLowerCase() : value,
            reason: (own, name, { value: others = "" }) => contradiction(path, value, own, { name, value: others }),
          },
        ];
  });
}

/** Tells the registry, without a look at the tenant, which values a resource gives a mailbox record. */
export function declareValues(
  recordId: string,
  known: RecordKnown,
  inputs: Properties,
  properties: readonly string[],
  origin: { urn: string },
  registry: Registry,
): void {
  const isSameProfile = inputs.serverProfile !== undefined && inputs.serverProfile === known.inputs.serverProfile;
  const values = {
    ...inputs,
    serverProfile: inputs.serverProfile === false ? false : isSameProfile ? known.memory.serverProfileId : undefined,
  };
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
  { registry, origin }: Pick<RecordOperation, "registry" | "origin">,
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
