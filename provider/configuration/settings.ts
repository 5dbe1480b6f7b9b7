/** Looks each key up in its two places, the stack's configuration and the environment, and checks its form. */
import type { InputProblem } from "../http/errors";
import { ENVIRONMENT_FIRST, isKey, KEYS, type Key, VARIABLES, type ValueOf } from "./schema";

/** Where a value came from. */
export type Origin = "configuration" | "environment";

/** A value and its place: `mailboxes:clientId` or `AZURE_CLIENT_ID`. */
export interface Setting<T> {
  value: T;
  origin: Origin;
  /** The key or the variable, for messages. */
  name: string;
}

/** How a key is written in `Pulumi.<stack>.yaml`. */
export function keyName(key: Key): string {
  return `mailboxes:${key}`;
}

/**
 * A value as it was meant. Explicit providers hand over JSON (`"\"abc\""`, `{"login":…}`), the stack's configuration
 * plain text; a text that merely looks like a number stays text.
 */
function plain(key: Key, raw: string): unknown {
  const trimmed = raw.trim();
  if (key === "endpoints" || /^"[\s\S]*"$/.test(trimmed)) {
    try {
      return JSON.parse(trimmed);
    } catch {
      return raw;
    }
  }
  return raw;
}

/** Whether nothing is written, plain or in JSON. */
function isBlank(raw: string): boolean {
  return /^\s*("\s*")?\s*$/.test(raw);
}

function nearest(name: string): string {
  const bare = (text: string): string => text.toLowerCase().replaceAll(/[^a-z]/g, "");
  const known = Object.keys(KEYS);
  const close = known.find((key) => bare(key) === bare(name)) ?? known.find((key) => bare(name).includes(bare(key)));
  return close === undefined ? `the keys are ${known.join(", ")}` : `do you mean mailboxes:${close}?`;
}

/** Reads settings and collects what is wrong with them; never throws. */
export class Settings {
  /** Every mistake found so far. */
  readonly problems: InputProblem[] = [];
  readonly #get: (key: string) => string | undefined;
  readonly #environment: NodeJS.ProcessEnv;

  /** @param keys The names that are set in the namespace, with or without `mailboxes:`; unknown ones are mistakes. */
  constructor(get: (key: string) => string | undefined, keys: readonly string[], environment: NodeJS.ProcessEnv) {
    this.#get = get;
    this.#environment = environment;
    for (const key of keys) {
      const name = key.replace(/^mailboxes:/, "");
      if (!isKey(name)) {
        this.problems.push({
          path: `mailboxes:${name}`,
          reason: `is no setting of pulumi-mailboxes; ${nearest(name)}`,
        });
      }
    }
  }

  /** The value of the stack's configuration alone. */
  configured<K extends Key>(key: K): Setting<ValueOf<K>> | undefined {
    const raw = this.#get(key);
    if (raw !== undefined && isBlank(raw)) {
      this.problem(keyName(key), "is empty; give it a value, or remove it (`pulumi config rm`)");
      return undefined;
    }
    return raw === undefined ? undefined : this.#checked(key, raw, "configuration", keyName(key));
  }

  /** The value of the environment alone. */
  inEnvironment<K extends Key>(key: K): Setting<ValueOf<K>> | undefined {
    for (const variable of VARIABLES[key] ?? []) {
      const raw = this.#environment[variable];
      if (raw !== undefined && isBlank(raw)) {
        // A secret of a CI system that does not exist arrives like this, and something else would be taken in its place.
        this.problem(variable, "is set and empty; give it a value, or unset it");
      } else if (raw !== undefined) {
        return this.#checked(key, raw, "environment", variable);
      }
    }
    return undefined;
  }

  /** The value that counts: the configuration's before the environment's, but for {@link ENVIRONMENT_FIRST}. */
  value<K extends Key>(key: K): Setting<ValueOf<K>> | undefined {
    return ENVIRONMENT_FIRST.includes(key)
      ? (this.inEnvironment(key) ?? this.configured(key))
      : (this.configured(key) ?? this.inEnvironment(key));
  }

  /** A variable that is no key of ours, such as those of a CI system; undefined where empty. */
  variable(name: string): string | undefined {
    const value = this.#environment[name];
    return value === undefined || value.trim() === "" ? undefined : value;
  }

  /** Notes a mistake, once. */
  problem(path: string, reason: string): void {
    if (!this.problems.some((known) => known.path === path && known.reason === reason)) {
      this.problems.push({ path, reason });
    }
  }

  #checked<K extends Key>(key: K, raw: string, origin: Origin, name: string): Setting<ValueOf<K>> | undefined {
    const result = KEYS[key].safeParse(plain(key, raw));
    if (result.success) {
      // The schema of K gives a ValueOf<K>; TypeScript cannot follow a lookup by a generic key.
      return { value: result.data as ValueOf<K>, origin, name };
    }
    for (const issue of result.error.issues) {
      const path = [name, ...issue.path].join(".");
      this.problem(path, issue.message);
    }
    return undefined;
  }
}
