import type { z } from "zod";
import { isSame, problemsOfList } from "../core/canonical";
import type { Declaration, Problem, Properties, Shaped } from "../core/kind";
import { isSet } from "../core/properties";
import { membersOf, sameText } from "../http/json";
import { hasUnknown, partsOf, placeholder, spell, UNKNOWN } from "./engine";

/** Inputs in canonical form, or what is wrong with them. */
export interface Checked<Inputs> {
  /** As the engine gets them. */
  inputs: Partial<Inputs>;
  /** As a reconciler gets them: without what is left alone. */
  declared: Partial<Inputs>;
  /** What `ignoreChanges` leaves as it is, though no program may write it. */
  left: Part[];
  problems: Problem[];
  /** The inputs that are known and right; of lists and maps of people or mailboxes, the elements that are. */
  known: Partial<Inputs>;
  /** Properties whose value is a default the program did not write. */
  defaulted: string[];
}

/** What a kind says of its inputs. */
export type Checking<Inputs extends Properties> = Pick<
  Declaration<Inputs, unknown>,
  "kind" | "schema" | "keyed" | "check" | "leftAlone"
>;

/**
 * Makes canonical inputs. No I/O. The canonical form and the defaults are a promise: the engine compares the inputs of an
 * old release with those of a new one, and a difference shows as a change.
 *
 * @param news what the program says, with unknown values in previews; the hidden properties removed.
 * @param before the inputs in the state; undefined where there is no resource yet: then the known people of a list stay visible
 *   beside unknown ones.
 * @param held what of the state's values may come back although no program may write them; nothing by default.
 */
export function check<Inputs extends Properties>(
  reconciler: Checking<Inputs>,
  news: Properties,
  before: Properties | undefined,
  held?: Held,
): Checked<Inputs> {
  const { keyed = {} } = reconciler;
  let left: Part[] = [];
  for (;;) {
    const checked = checkRest(reconciler, news, before, left);
    const more = newlyLeft(checked.problems, keyed, news, held, left);
    if (more.length === 0) {
      return checked;
    }
    left = [...left, ...more];
  }
}

/** Properties as inputs of a kind, whose names and values TypeScript cannot follow through a schema or a state. */
export function inputsIn<Inputs extends Properties>(properties: Properties): Partial<Inputs> {
  return properties as Partial<Inputs>;
}

/** Whether nothing is wrong: then no input is missing either. */
export function isRight<Inputs>(checked: Checked<Inputs>): checked is Checked<Inputs> & { declared: Inputs } {
  return checked.problems.length === 0;
}

/** Checks all but what is left alone. */
function checkRest<Inputs extends Properties>(
  reconciler: Checking<Inputs>,
  news: Properties,
  before: Properties | undefined,
  left: Part[],
): Checked<Inputs> {
  const { schema, keyed = {} } = reconciler;
  const declared = withoutStrayNull(
    schema,
    Object.fromEntries(
      Object.entries(withoutLeft(news, left)).filter(([, value]) => value !== null && value !== undefined),
    ),
  );
  const problems: Problem[] = [];
  const unknown: Properties = {};
  const placeholders: Record<string, string[]> = {};
  const known: Properties = {};
  for (const [property, value] of Object.entries(declared)) {
    const example = keyed[property];
    if (example !== undefined && Array.isArray(value)) {
      const elements = value.filter((element) => element !== UNKNOWN);
      problems.push(...problemsOfList(elements, property, example));
      placeholders[property] = value.flatMap((element, index) => (element === UNKNOWN ? [placeholder(index + 1)] : []));
      if (elements.length < value.length && before !== undefined) {
        // An unresolved key would look in the preview as if somebody lost access.
        unknown[property] = UNKNOWN;
      } else {
        known[property] = Object.fromEntries(elements.map((element) => [String(element).trim().toLowerCase(), {}]));
      }
    } else if (hasUnknown(value)) {
      unknown[property] = value;
      if (example !== undefined) {
        problems.push(...problemsOfKnownEntries(reconciler, property, value, declared));
      }
    } else {
      known[property] = value;
    }
  }
  const parsed = schema.safeParse(known);
  if (!parsed.success) {
    problems.push(
      ...parsed.error.issues
        // Errors in a list were reported by position, without the element: it may be a secret.
        .filter(({ path: [property, key] }) => key === undefined || !isList(keyed, declared, property))
        .flatMap((issue) => problemsOf(issue, reconciler, declared))
        .filter(({ path }) => !(path in unknown) && !isLeft([path], left)),
    );
  }
  const canonical: Properties = parsed.success ? parsed.data : canonicalParts(schema, known);
  const unsettled = [...Object.keys(declared), ...left.map(([property]) => property)].filter(
    (property) => !(property in canonical),
  );
  problems.push(...(reconciler.check?.(inputsIn(canonical), unsettled, inputsIn(before ?? {})) ?? []));
  const parts = knownParts({ schema, keyed }, declared, unknown);
  const settled = { ...canonical };
  for (const [property, keys] of Object.entries(placeholders)) {
    if (property in canonical) {
      canonical[property] = {
        ...membersOf(canonical[property]),
        ...Object.fromEntries(keys.map((key) => [key, UNKNOWN])),
      };
    }
  }
  const inputs = { ...canonical, ...unknown };
  return {
    inputs: inputsIn(withRaw(inputs, news, left)),
    declared: inputsIn({ ...rawOf(news, left), ...reconciledAs(reconciler, left), ...inputs }),
    left,
    problems,
    known: inputsIn({ ...settled, ...parts }),
    defaulted: Object.keys(canonical).filter((property) => !(property in declared)),
  };
}

/** What a reconciler works with in place of what is left alone, where the state's value will not do. */
function reconciledAs({ leftAlone = {} }: { leftAlone?: Properties }, left: readonly Part[]): Properties {
  return Object.fromEntries(Object.entries(leftAlone).filter(([property]) => isLeft([property], left)));
}

/** The known elements of lists and maps that have unknown ones, in canonical form. */
function knownParts(
  { schema, keyed }: { schema: Shaped; keyed: Readonly<Record<string, string>> },
  declared: Properties,
  unknown: Properties,
): Properties {
  const parts = Object.keys(unknown).flatMap((property): [string, unknown][] => {
    const value = declared[property];
    if (Array.isArray(value)) {
      const elements = value.filter((element) => !hasUnknown(element));
      return [[property, property in keyed ? Object.fromEntries(elements.map((one) => [String(one), {}])) : elements]];
    }
    return property in keyed && typeof value === "object" && value !== null
      ? [[property, Object.fromEntries(Object.entries(value).filter(([, one]) => !hasUnknown(one)))]]
      : [];
  });
  return canonicalParts(schema, Object.fromEntries(parts));
}

/** What is wrong with the keys of a map, and with its values as far as they are known. */
function problemsOfKnownEntries(
  reconciler: { kind: string; schema: z.ZodType & Shaped },
  property: string,
  map: unknown,
  declared: Properties,
): Problem[] {
  const { shape } = reconciler.schema;
  if (typeof map !== "object" || map === null) {
    return [];
  }
  // An unknown value is taken for an empty one: what looks wrong in a part of it may be right in the whole.
  const known = Object.fromEntries(Object.entries(map).map(([key, value]) => [key, hasUnknown(value) ? {} : value]));
  const parsed = shape[property]?.safeParse(known);
  return (parsed?.error?.issues ?? [])
    .filter(({ path }) => path.length > 0)
    .flatMap((issue) => problemsOf({ ...issue, path: [property, ...issue.path] }, reconciler, declared));
}

/**
 * Null means "left out", at every depth: programs in other languages and outputs of other resources write it so. It stays where a schema
 * gives it a meaning: in the texts of automatic replies it means none.
 */
function withoutStrayNull(schema: z.ZodType, declared: Properties): Properties {
  if (!hasNull(declared)) {
    return declared;
  }
  const copy = structuredClone(declared);
  for (const { path } of schema.safeParse(copy).error?.issues ?? []) {
    const member = path.at(-1);
    const owner = path.slice(0, -1).reduce<Properties>((value, part) => membersOf(value[String(part)]), copy);
    if (member !== undefined && owner !== copy && owner[String(member)] === null) {
      delete owner[String(member)];
    }
  }
  return membersOf(withoutHoles(copy));
}

function hasNull(value: unknown): boolean {
  return typeof value === "object" && value !== null ? Object.values(value).some(hasNull) : value == null;
}

/** Lists without the elements that were taken out of them. */
function withoutHoles(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value.filter((element) => element !== undefined && element !== null).map(withoutHoles);
  }
  return typeof value === "object" && value !== null
    ? Object.fromEntries(Object.entries(value).map(([key, member]) => [key, withoutHoles(member)]))
    : value;
}

function isList(
  keyed: Readonly<Record<string, string>>,
  declared: Properties,
  property: PropertyKey | undefined,
): boolean {
  const name = String(property);
  return keyed[name] !== undefined && Array.isArray(declared[name]);
}

/** The canonical form of the properties that are right, when others are missing, unknown or wrong. */
function canonicalParts(schema: Shaped, known: Properties): Properties {
  const { shape } = schema;
  return Object.fromEntries(
    Object.entries(shape).flatMap(([property, one]) => {
      const parsed = one.safeParse(known[property]);
      return parsed.success && parsed.data !== undefined ? [[property, parsed.data]] : [];
    }),
  );
}

function problemsOf(
  issue: z.core.$ZodIssue,
  { kind, schema }: { kind: string; schema: z.ZodType & Shaped },
  declared: Properties,
): Problem[] {
  const { shape } = schema;
  if (issue.code === "unrecognized_keys") {
    const names = issue.path.length === 0 ? Object.keys(shape) : [];
    const owner = issue.path.length === 0 ? kind : spell(issue.path);
    return issue.keys.map((key) => ({
      path: spell([...issue.path, key]),
      reason: `is not a property of ${owner}${names.length === 0 ? "" : `, which has: ${names.join(", ")}`}`,
    }));
  }
  const [property] = issue.path;
  const isMissing = issue.path.length === 1 && !(String(property) in declared);
  return [{ path: spell(issue.path), reason: isMissing ? `is missing; ${issue.message}` : issue.message }];
}

/**
 * A refresh puts drift into the inputs of a state that no program may write: another type of mailbox, a word for what somebody changed on
 * a rule. With `ignoreChanges` the engine hands such a value back to `check`, in place of what the program says. It is left alone then:
 * neither refused, nor written.
 */

/** An input that is left alone, or one entry of a map of people or mailboxes: `["type"]`, `["sources", "support@contoso.com"]`. */
export type Part = readonly [property: string] | readonly [property: string, key: string];

/** What may be left alone. */
interface Held {
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
function newlyLeft(
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
    isSet(state[property]) &&
    isSet(news[property]) &&
    isSame(at(news, path) ?? null, at(state, path) ?? null)
  );
}

/** Whether one path leads to a part of the other. */
function overlap(ignored: readonly string[], path: readonly string[]): boolean {
  return (
    ignored.length > 0 && ignored.every((part, index) => index >= path.length || part === "*" || part === path[index])
  );
}

/** Whether a path is one in `ignoreChanges`, or leads into it. */
export function isWithin(path: readonly string[], ignored: readonly string[]): boolean {
  return ignored.length > 0 && ignored.length <= path.length && overlap(ignored, path);
}

/** Whether a path is one that is left alone, or leads into it. */
export function isLeft(path: readonly string[], left: readonly Part[]): boolean {
  return left.some(([property, key]) => path[0] === property && (key === undefined || path[1] === key));
}

/**
 * What to say of paths in `ignoreChanges` that leave alone nothing, or another thing than was meant: the engine takes any text and says
 * nothing.
 *
 * @param inputs as the program has them, in canonical form.
 * @param before the inputs in the state; undefined where there is no resource yet.
 */
export function remarksOnIgnored(
  { kind, schema, keyed = {} }: { kind: string; schema: Shaped; keyed?: Readonly<Record<string, string>> },
  ignored: readonly string[],
  inputs: Properties,
  before: Properties | undefined,
): string[] {
  const names = Object.keys(schema.shape);
  return ignored.flatMap((path) => {
    const [property = "*", key = "*", ...rest] = partsOf(path);
    if (property === "*" || property.startsWith("__")) {
      return [];
    }
    if (!names.includes(property)) {
      const meant = names.find((name) => sameText(name, property));
      return [
        `ignoreChanges: ${path} has no effect: ${kind} has no input of this name. ` +
          (meant === undefined ? `It has: ${names.join(", ")}.` : `Write ${meant}.`),
      ];
    }
    if (property in keyed) {
      const isPlace = /^\d+$/.test(key);
      const maps = [inputs[property], before?.[property] ?? {}];
      // Whoever is unknown may be the one.
      const isThere = maps.some((map) => map === UNKNOWN || key in membersOf(map) || (!isPlace && hasUnknown(map)));
      return key === "*" || isThere
        ? []
        : isPlace
          ? [
              `ignoreChanges: ${path} has no effect: ${property} is a map in the state, without positions. ` +
                `Write ${property}["<the address as in the program>"].`,
            ]
          : [
              `ignoreChanges: ${path} has no effect: the state has no such entry. While the path is listed, Pulumi ignores it in ` +
                "the program too.",
            ];
    }
    return [key, ...rest].some((part) => /^\d+$/.test(part)) && Array.isArray(inputs[property] ?? before?.[property])
      ? [
          `ignoreChanges: ${path} is a position in the state's list, which is sorted. The program may have another element there. ` +
            `Write ${property}, or put the list in order.`,
        ]
      : [];
  });
}

function at(value: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>((part, key) => membersOf(part)[key], value);
}

/** Inputs without what is left alone. Of an entry only what is in it goes: somebody who is left alone is still declared. */
function withoutLeft(inputs: Properties, left: readonly Part[]): Properties {
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
function rawOf(source: Properties, left: readonly Part[]): Properties {
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
    return `${spell(part)} is not as declared, and ignoreChanges keeps it that way: ${text}.`;
  });
}
