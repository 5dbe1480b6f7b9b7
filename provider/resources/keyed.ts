import * as pulumi from "@pulumi/pulumi";

/** How a key of a map is written in the state: addresses and ids in lower case. */
function canonicalKey(key: string): string {
  return key.trim().toLowerCase();
}

/**
 * An input that is a map of people or mailboxes, or a list that stands for one, as it is passed to the engine. What is known now
 * becomes the map with canonical keys at once, because `ignoreChanges` by key is applied before the provider sees it. A list
 * with values still to come passes as it is, so that the known ones stay visible in a preview; if one of them is a secret the
 * whole list becomes one, because a value that turns into a key takes no secrecy along.
 */
export function keyedInput(input: unknown): unknown {
  if (Array.isArray(input)) {
    return keyedFromList(input);
  }
  if (typeof input !== "object" || input === null || Object.getPrototypeOf(input) !== Object.prototype) {
    return input;
  }
  const entries = Object.entries(input).map(([key, value]) => [canonicalKey(key), value] as const);
  // Two spellings of one key would lose one of them: the provider refuses both, and can only do so if it sees them.
  return new Set(entries.map(([key]) => key)).size === entries.length ? Object.fromEntries(entries) : input;
}

function keyedFromList(list: unknown[]): unknown {
  const given = list.filter((element) => typeof element === "string");
  if (given.length < list.length) {
    return Promise.all(list.map((element) => pulumi.isSecret(pulumi.output(element)))).then((secrets) =>
      secrets.some(Boolean) ? pulumi.secret(list) : list,
    );
  }
  const written = [...new Set(given)];
  const keys = written.map(canonicalKey);
  // A name in two spellings would vanish in a map, and a wrong one would be told in another spelling: the provider refuses both, and
  // can only do so well if it sees the list.
  const isPlain = new Set(keys).size === keys.length && keys.every((key) => /@|^[0-9a-f-]{36}$/.test(key));
  return isPlain ? Object.fromEntries(keys.map((key) => [key, {}])) : list;
}

/**
 * Property paths of an option such as `ignoreChanges`, with the keys of maps as they stand in the state. The engine compares them as
 * text: `members["Ada@Contoso.com"]` would name nobody, and Ada would lose her access.
 *
 * @param keyed the inputs that are such maps.
 */
export function canonicalPaths(paths: string[] | undefined, keyed: readonly string[]): string[] | undefined {
  const known = new RegExp(`^(${keyed.join("|")})(?:\\[\\s*(["'\`]?)(.*?)\\2\\s*\\]|\\.([^.[\\]]+))(.*)$`, "s");
  return keyed.length === 0
    ? paths
    : paths?.map((path) => {
        const [, property, , bracketed, dotted, rest = ""] = known.exec(path.trim()) ?? [];
        const key = bracketed ?? dotted;
        return property === undefined || key === undefined || key === "*" || /^\d+$/.test(key)
          ? path
          : `${property}[${JSON.stringify(canonicalKey(key))}]${rest}`;
      });
}
