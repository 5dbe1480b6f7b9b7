import type { Properties } from "../reconcilers/reconciler";

/**
 * Properties as they may leave a method: the dynamic server throws on `undefined` after the remote object was made, turns a
 * Date into `{}` and NaN into null.
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
