import type { z } from "zod";
import { membersOf } from "../http/json";
import { isSame } from "./canonical";
import type { Change, Properties } from "./kind";

/**
 * What becomes of a value that leaves the program: it stays as it is ("keep"), goes to another one, null for none (`to`), or goes back to
 * what a deployment remembers of it (`back`: what it goes to where nothing is remembered; undefined leaves it alone).
 */
export type Removal = "keep" | { to: unknown } | { back: unknown };

/** How a value is compared, written and read back. It is null where there is none. */
export interface Value<Row> {
  /** The columns that show it, where they are not selected anyway. */
  readonly columns?: readonly string[];
  /**
   * The value that is there, in canonical form.
   *
   * @param declared what it is compared with: a value that means the same in another spelling is given back in this one.
   */
  read(row: Row, declared: unknown): unknown;
  /** The value as a program would write it, where {@link read} gives something else to compare: a name in place of an id. */
  asDeclared?(row: Row): unknown;
  /** What a declared value is compared by, and shown as, where it holds more than can be read: of credentials the user name. */
  words?(value: unknown): unknown;
  /** What writes it, by the service's names. Left out where it takes a command of its own. */
  write?(value: unknown): Properties;
  readonly removal: Removal;
  /** Whether `false` in a program declares that there is none. */
  readonly canBeNone?: boolean;
}

/** An input that is one value. */
interface Property<Row, Schema extends z.ZodType = z.ZodType> extends Value<Row> {
  /** How it is written in a program: canonical form, limits, error texts that say what to write. */
  readonly schema: Schema;
}

/** An input that is an object whose members are managed one by one: a member that is not declared is somebody else's. */
interface PropertyGroup<Row, Schema extends z.ZodType = z.ZodType> {
  /** As for {@link Property}, of the whole object. */
  readonly schema: Schema;
  readonly members: Readonly<Record<string, Value<Row>>>;
}

type Entries<Row> = Readonly<Record<string, Property<Row> | PropertyGroup<Row>>>;

/** What there should be. */
interface Wanted {
  /** The declared values, in the form that {@link Value.read} gives. */
  declared: Properties;
  /** The inputs of before: only what they held is given up. */
  previous: Properties;
  /** What a removal goes back to, where a deployment noted it. */
  remembered?: Properties;
}

/**
 * The properties of an object that come from one row and are written with one request, each described once. The schema, the selected
 * columns, the difference, the parameters and what a refresh reads come from here.
 */
export class PropertyTable<Row, Of extends Entries<Row>> {
  /** The schemas of the inputs, by name. */
  readonly shape: { readonly [Name in keyof Of]: Of[Name]["schema"] };
  /** The inputs. */
  readonly names: readonly (keyof Of & string)[];
  /** The columns to select. */
  readonly columns: readonly string[];
  /** A state that holds every input, and every member of those that have members, with nothing in it. */
  readonly everything: Properties;
  /** What the values are that nobody declares any more, where that is one and the same for every object. */
  readonly defaults: Properties;
  readonly #values: readonly { path: Path; value: Value<Row> }[];

  constructor(entries: Of) {
    this.names = Object.keys(entries);
    this.shape = Object.fromEntries(
      Object.entries(entries).map(([name, { schema }]) => [name, schema]),
    ) as unknown as typeof this.shape;
    this.#values = Object.entries(entries).flatMap(([name, entry]): { path: Path; value: Value<Row> }[] =>
      "members" in entry
        ? Object.entries(entry.members).map(([member, value]) => ({ path: [name, member], value }))
        : [{ path: [name], value: entry }],
    );
    this.everything = Object.fromEntries(
      Object.entries(entries).map(([name, entry]) => [
        name,
        "members" in entry ? Object.fromEntries(Object.keys(entry.members).map((member) => [member, null])) : null,
      ]),
    );
    this.columns = [...new Set(this.#values.flatMap(({ value }) => value.columns ?? []))];
    this.defaults = valuesOf(this.#values.map(({ path, value: { removal } }) => [path, Object(removal).to]));
  }

  /** What there should be of what is managed. */
  wanted({ declared, previous, remembered = {} }: Wanted): Properties {
    return valuesOf(
      this.#values.map(({ path, value }) => [
        path,
        wanted(value, at(declared, path), at(previous, path), at(remembered, path)),
      ]),
    );
  }

  /** What differs. Pure. @param values what there should be: of what is left out nothing differs. */
  differing(values: Properties, row: Row): Change[] {
    return this.#values.flatMap(({ path, value }) => {
      const own = at(values, path);
      const [from, to] =
        own === undefined ? [] : [value.read(row, own), value.words === undefined ? own : value.words(own)];
      return isSame(from, to) ? [] : [{ path: path.filter((one) => one !== undefined), from, to }];
    });
  }

  /** What differs between what there should be and what is there. Pure. */
  difference({ row, ...compared }: Wanted & { row: Row }): Change[] {
    return this.differing(this.wanted(compared), row);
  }

  /** The changes that are about these properties. */
  own(changes: readonly Change[]): Change[] {
    return changes.filter(({ path: [name = ""] }) => this.names.includes(name));
  }

  /** What writes the changes, as far as they are about these properties. */
  parameters(changes: readonly Change[]): Properties {
    return this.columnsOf(valuesOf(changes.map(({ path: [name = "", member], to }) => [[name, member], to ?? null])));
  }

  /** What writes values. @param changes limits it to those that change. */
  columnsOf(values: Properties, changes?: readonly Change[]): Properties {
    const isMeant = ([name, member]: Path) =>
      changes === undefined || changes.some(({ path }) => path[0] === name && path[1] === member);
    const parts = this.#values
      .filter(({ path }) => at(values, path) !== undefined && isMeant(path))
      .map(({ path, value }) => value.write?.(at(values, path)));
    return Object.assign({}, ...parts);
  }

  /** All values that are there, as they are compared. */
  values(row: Row): Properties {
    return valuesOf(this.#values.map(({ path, value }) => [path, value.read(row, undefined)]));
  }

  /** The inputs that are there, in the spelling of `held` where it means the same; of an object the members that are held. */
  inputs(row: Row, held: Properties): Properties {
    const inputs: Properties = {};
    for (const { path, value } of this.#values) {
      const [name, member] = path;
      const known = at(held, path);
      const seen =
        value.asDeclared === undefined
          ? (value.read(row, known) ?? (known === false && value.canBeNone === true ? false : null))
          : value.asDeclared(row);
      const members = membersOf(inputs[name]);
      const isHeld = member !== undefined && member in membersOf(held[name]);
      inputs[name] = member === undefined ? seen : isHeld ? { ...members, [member]: seen } : members;
    }
    return inputs;
  }

  /** The properties that have left the program and stay as they are. */
  kept(declared: Properties, previous: Properties): string[] {
    return this.#values
      .filter(({ path, value }) => value.removal === "keep" && isSet(at(previous, path)) && !isSet(at(declared, path)))
      .map(({ path }) => path.join("."));
  }
}

/** Puts a table together: `tableOf<Row>()({ name: { … } })`. */
export function tableOf<Row>(): <const Of extends Entries<Row>>(entries: Of) => PropertyTable<Row, Of> {
  return (entries) => new PropertyTable(entries);
}

/** The value that there should be; undefined where it is not managed. */
function wanted<Row>(
  { removal, canBeNone }: Value<Row>,
  declared: unknown,
  previous: unknown,
  remembered: unknown,
): unknown {
  if (isSet(declared)) {
    return declared === false && canBeNone === true ? null : declared;
  }
  if (removal === "keep" || !isSet(previous)) {
    return undefined;
  }
  return "to" in removal ? removal.to : remembered === undefined ? removal.back : remembered;
}

/** The name of a property, and of a member where it is an object of them. */
type Path = readonly [string, (string | undefined)?];

function at(inputs: Properties, [name, member]: Path): unknown {
  return member === undefined ? inputs[name] : membersOf(inputs[name])[member];
}

/** Puts values together by their paths; undefined ones are left out. */
function valuesOf(entries: readonly (readonly [Path, unknown])[]): Properties {
  const values: Properties = {};
  for (const [[name, member], value] of entries.filter(([, value]) => value !== undefined)) {
    values[name] = member === undefined ? value : { ...membersOf(values[name]), [member]: value };
  }
  return values;
}

/** Whether a property is declared: null in a state is "not set in the tenant". */
export function isSet(value: unknown): boolean {
  return value !== undefined && value !== null;
}

/** Whether a property is declared, by its name. */
export function declaredIn(inputs: Properties): (name: string) => boolean {
  return (name) => isSet(inputs[name]);
}
