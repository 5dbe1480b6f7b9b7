/** True for what JSON calls an object. */
export function isPlainObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The keys that are written down in an object, such as a table by names. */
export function keysOf<T extends object>(object: T): (keyof T & string)[] {
  return Object.keys(object) as (keyof T & string)[];
}

/** Whether a value is such a key. */
export function isKeyOf<T extends object>(object: T, key: unknown): key is keyof T & string {
  return typeof key === "string" && Object.hasOwn(object, key);
}

/** The names in a text, between blanks: a long list is written as one. */
export function names(text: string): string[] {
  return text.trim().split(/\s+/);
}

/** Percent-decoded, or as it is where that is no percent-encoding. */
export function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** The value that a text holds as JSON; undefined when it is not JSON. */
export function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
