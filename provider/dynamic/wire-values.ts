import type { Properties } from "../core/kind";

/**
 * Properties as they may leave a method. The dynamic server throws on `undefined`, after the remote object was made. It turns a Date into
 * `{}` and NaN into null.
 *
 * @throws TypeError for a value that has no JSON form: a defect here, not the user's.
 */
export function plain(properties: Properties): Properties {
  return Object.fromEntries(
    Object.entries(properties)
      .filter(([, value]) => value !== undefined)
      .map(([key, value]) => [key, plainValue(value, key)]),
  );
}

function plainValue(value: unknown, path: string): unknown {
  if (value === null || typeof value === "string" || typeof value === "boolean" || Number.isFinite(value)) {
    return value;
  }
  if (value instanceof Date) {
    return value.toISOString();
  }
  if (Array.isArray(value)) {
    return value.map((element, index) => plainValue(element, `${path}[${index}]`));
  }
  if (typeof value === "object") {
    return Object.fromEntries(
      Object.entries(value)
        .filter(([, member]) => member !== undefined)
        .map(([key, member]) => [key, plainValue(member, `${path}.${key}`)]),
    );
  }
  throw new TypeError(`${path} is ${String(value)}, which cannot be kept in a state`);
}

/** What the engine puts in place of a value that is not known yet, in previews (Pulumi's wire format). */
export const UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

/** Whether a value is, or has in it, one that is not known yet. */
export function hasUnknown(value: unknown): boolean {
  if (typeof value === "object" && value !== null) {
    return Object.values(value).some(hasUnknown);
  }
  return value === UNKNOWN;
}

/** The key that stands for an element that is not known yet, in the preview of a creation. */
export function placeholder(position: number): string {
  return `(not known yet ${position})`;
}
