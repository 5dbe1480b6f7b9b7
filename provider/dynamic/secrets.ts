import { membersOf, type Properties } from "../core/kind";
import { rememberSecret } from "../http/redact";
import { UNKNOWN } from "./wire-values";

/** Pulumi's wire form of a secret. The engine encrypts what stands in it, also where a dynamic provider puts it. */
const SIGNATURE = "4dabf18193072939515e22adb298388d";
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
