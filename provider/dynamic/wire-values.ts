import type { Properties } from "../core/kind";
import { rememberSecret } from "../http/errors";
import { membersOf } from "../http/json";

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

/** A property path as users write it: `members["ada@contoso.com"].sendAs`, `emailAliases[2]`. */
export function spell(path: readonly PropertyKey[]): string {
  return path.reduce<string>((text, part) => {
    if (typeof part === "number") {
      return `${text}[${part}]`;
    }
    const name = String(part);
    if (/^[A-Za-z_]\w*$/.test(name)) {
      return text === "" ? name : `${text}.${name}`;
    }
    return `${text}[${JSON.stringify(name)}]`;
  }, "");
}

/**
 * The parts of a property path as users and Pulumi write it: `forwarding.to`, `sources["a@contoso.com"].drift`, `["type"]`,
 * `emailAliases[*]`.
 */
export function partsOf(path: string): string[] {
  const parts = path.matchAll(
    /\[\s*(?<mark>["'`])(?<quoted>.*?)\k<mark>\s*\]|\[\s*(?<plain>[^\]]*?)\s*\]|(?<name>[^.[\]]+)/g,
  );
  return [...parts].map(({ groups = {} }) => groups.quoted ?? groups.plain ?? groups.name ?? "");
}

/** The key of Pulumi's wire form of special values, such as secrets. */
export const SIGNATURE = "4dabf18193072939515e22adb298388d";
/** What that key says of a secret. The engine encrypts what stands beside it, also where a dynamic provider puts it. */
const SECRET = "1b47061264138c4ac30d75fd1eb44270";

/** Shorter texts occur in too many words to be searched for. */
const SHORTEST = 6;

/**
 * The texts that stand in secret inputs, as written and in canonical form. The engine hands values over without saying which
 * of them are secret; the classes name the properties in the hidden input `__secrets`.
 *
 * @param keyed inputs that are maps whose keys are values too.
 */
export function secretTexts(properties: Properties, keyed: Readonly<Record<string, string>>): string[] {
  const names = Array.isArray(properties.__secrets) ? properties.__secrets.map(String) : [];
  const texts = names.flatMap((name) => [
    ...textsIn(at(properties, name)),
    ...(keyed[name] === undefined ? [] : Object.keys(membersOf(properties[name]))),
  ]);
  return [...new Set(texts.flatMap((text) => [text, text.trim().toLowerCase()]))].filter(
    (text) => text !== "" && text !== UNKNOWN,
  );
}

/** Keeps texts out of every message of this process from now on, except those shorter than six characters, which occur in too many words. */
export function keepSecret(texts: readonly string[]): void {
  texts.forEach(rememberSecret);
}

/**
 * Marks outputs that repeat a secret as secrets: those that contain it, or, if it is shorter than six characters, those with a text that
 * equals it. The engine does this only for outputs named like a secret input.
 */
export function sealed(outputs: Properties, inputs: readonly string[], texts: readonly string[]): Properties {
  if (texts.length === 0) {
    return outputs;
  }
  const repeats = (value: unknown) => {
    const json = JSON.stringify(value).toLowerCase();
    return texts.some((text) => {
      const quoted = JSON.stringify(text).toLowerCase();
      return json.includes(text.length < SHORTEST ? quoted : quoted.slice(1, -1));
    });
  };
  return Object.fromEntries(
    Object.entries(outputs).map(([name, value]) => [
      name,
      !inputs.includes(name) && repeats(value) ? { [SIGNATURE]: SECRET, value } : value,
    ]),
  );
}

/** An input by its name, or a member of one as `name/member`. */
function at(properties: Properties, name: string): unknown {
  const [property = "", ...member] = name.split("/");
  const value = properties[property];
  return member.length === 0 || typeof value !== "object" || value === null
    ? value
    : membersOf(value)[member.join("/")];
}

function textsIn(value: unknown): string[] {
  if (typeof value === "string") {
    return [value];
  }
  return typeof value === "object" && value !== null ? Object.values(value).flatMap(textsIn) : [];
}
