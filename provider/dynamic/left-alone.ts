import { isSame } from "../core/canonical";
import { membersOf, type Problem, type Properties } from "../core/kind";
import { partsOf, spell } from "./paths";

/**
 * A refresh puts drift into the inputs of a state that no program may write: another type of mailbox, a word for what somebody changed on
 * a rule. With `ignoreChanges` the engine hands such a value back to `check`, in place of what the program says. It is left alone then:
 * neither refused, nor written.
 */

/** An input that is left alone, or one entry of a map of people or mailboxes: `["type"]`, `["sources", "support@contoso.com"]`. */
export type Part = readonly [property: string] | readonly [property: string, key: string];

/** What may be left alone. */
export interface Held {
  /** The inputs in the state. */
  state: Properties;
  /** The paths in `ignoreChanges`; undefined for every path: what the state has was not written by the program. */
  ignored: readonly string[] | undefined;
}

/**
 * What the problems of a check are about that is to be left alone: the engine put it there, and the state has the same.
 *
 * @param keyed inputs that are maps of people or mailboxes.
 * @param left what is left alone already.
 */
export function newlyLeft(
  problems: readonly Problem[],
  keyed: Readonly<Record<string, unknown>>,
  news: Properties,
  held: Held | undefined,
  left: readonly Part[],
): Part[] {
  if (held === undefined) {
    return [];
  }
  const parts = problems.map(({ path }) => partsOf(path)).filter((path) => isHeld(path, news, held));
  const found = parts.map(([property = "", key]): Part => {
    const isEntry = property in keyed && key !== undefined && at(news, [property, key]) !== undefined;
    return isEntry ? [property, key] : [property];
  });
  return [...new Map(found.map((part) => [part.join("\n"), part])).values()].filter((part) => !isLeft(part, left));
}

/** Whether the engine put a value there that the state has. What is there no more cannot be left as it is. */
function isHeld(path: readonly string[], news: Properties, { state, ignored }: Held): boolean {
  const [property = ""] = path;
  return (
    (ignored === undefined || ignored.some((one) => overlap(partsOf(one), path))) &&
    (state[property] ?? undefined) !== undefined &&
    (news[property] ?? undefined) !== undefined &&
    isSame(at(news, path) ?? null, at(state, path) ?? null)
  );
}

/** Whether one path leads to a part of the other. */
function overlap(ignored: readonly string[], path: readonly string[]): boolean {
  return (
    ignored.length > 0 && ignored.every((part, index) => index >= path.length || part === "*" || part === path[index])
  );
}

/** Whether a path is one that is left alone, or leads into it. */
export function isLeft(path: readonly string[], left: readonly Part[]): boolean {
  return left.some(([property, key]) => path[0] === property && (key === undefined || path[1] === key));
}

function at(value: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>((part, key) => membersOf(part)[key], value);
}

/** Inputs without what is left alone. Of an entry only what is in it goes: somebody who is left alone is still declared. */
export function withoutLeft(inputs: Properties, left: readonly Part[]): Properties {
  const rest = { ...inputs };
  for (const [property, key] of left) {
    if (key === undefined) {
      delete rest[property];
    } else {
      rest[property] = { ...membersOf(rest[property]), [key]: {} };
    }
  }
  return rest;
}

/** What is left alone of `source`, whole properties only. */
export function rawOf(source: Properties, left: readonly Part[]): Properties {
  return Object.fromEntries(
    left.flatMap(([property, key]) => (key === undefined ? [[property, source[property]]] : [])),
  );
}

/** Inputs with what is left alone as `source` has it. */
export function withRaw(inputs: Properties, source: Properties, left: readonly Part[]): Properties {
  const all = { ...inputs, ...rawOf(source, left) };
  for (const [property, key] of left) {
    if (key !== undefined) {
      all[property] = { ...membersOf(all[property]), [key]: at(source, [property, key]) };
    }
  }
  return all;
}

/** What to say of what is left alone. A password is not said. */
export function remarksOn(left: readonly Part[], state: Properties): string[] {
  return left.map((part) => {
    const [property, key] = part;
    const value = at(state, key === undefined ? [property] : [property, key]);
    const text =
      typeof value === "string" ? value : JSON.stringify(value, (name, one) => (name === "password" ? undefined : one));
    return `${spell(part)} is not as declared, and ignoreChanges leaves it so: ${text}.`;
  });
}
