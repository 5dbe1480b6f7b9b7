import { isDeepStrictEqual } from "node:util";
import type { z } from "zod";
import type { Change, Properties } from "./kind";

/**
 * What becomes of a value that leaves the program: it stays as it is ("keep"), or goes back to another one, null for none. One that only
 * the row or what a deployment remembers can tell is given by a function.
 */
export type Removal<Row> = "keep" | { to: unknown } | { back: (row: Row, remembered: Properties) => unknown };

/** How a value is compared, written and read back. It is null where there is none. */
export interface Value<Row> {
  /** The columns that show it, which are selected when the object is read. */
  readonly columns: readonly string[];
  /**
   * The value that is there, in canonical form.
   *
   * @param declared what it is compared with: a value that means the same in another spelling is given back in this one.
   */
  read(row: Row, declared: unknown): unknown;
  /** What writes it, by the service's names. */
  write(value: unknown): Properties;
  readonly removal: Removal<Row>;
  /** Whether `false` in a program declares that there is none. */
  readonly canBeNone?: boolean;
}

/** An input that is one value. */
export interface Property<Row, Schema extends z.ZodType = z.ZodType> extends Value<Row> {
  /** How it is written in a program: canonical form, limits, error texts that say what to write. */
  readonly schema: Schema;
}

/** An input that is an object whose members are managed one by one: a member that is not declared is somebody else's. */
export interface PropertyGroup<Row, Schema extends z.ZodType = z.ZodType> {
  /** As for {@link Property}, of the whole object. */
  readonly schema: Schema;
  readonly members: Readonly<Record<string, Value<Row>>>;
}

type Entries<Row> = Readonly<Record<string, Property<Row> | PropertyGroup<Row>>>;

/** What is compared. */
export interface Compared<Row> {
  /** The declared values, in the form that {@link Value.read} gives. */
  declared: Properties;
  /** The inputs of before: only what they held is given up. */
  previous: Properties;
  row: Row;
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
  readonly #values: readonly { path: readonly [string, string?]; value: Value<Row> }[];

  constructor(entries: Of) {
    this.names = Object.keys(entries);
    this.shape = Object.fromEntries(
      Object.entries(entries).map(([name, { schema }]) => [name, schema]),
    ) as unknown as typeof this.shape;
    this.#values = Object.entries(entries).flatMap(([name, entry]): { path: [string, string?]; value: Value<Row> }[] =>
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
    this.columns = [...new Set(this.#values.flatMap(({ value }) => value.columns))];
  }

  /** What differs. Pure. */
  difference({ declared, previous, row, remembered = {} }: Compared<Row>): Change[] {
    return this.#values.flatMap(({ path, value }) => {
      const to = wanted(value, at(declared, path), at(previous, path), row, remembered);
      const from = to === undefined ? undefined : value.read(row, to);
      return isDeepStrictEqual(from, to) ? [] : [{ path: path.filter((one) => one !== undefined), from, to }];
    });
  }

  /** What writes the changes, as far as they are about these properties. */
  parameters(changes: readonly Change[]): Properties {
    const parts = this.#values.flatMap(({ path: [name, member], value }) =>
      changes.filter(({ path }) => path[0] === name && path[1] === member).map(({ to }) => value.write(to ?? null)),
    );
    return Object.assign({}, ...parts) as Properties;
  }

  /** The inputs that are there, in the spelling of `held` where it means the same; of an object the members that are held. */
  inputs(row: Row, held: Properties): Properties {
    const inputs: Properties = {};
    for (const { path, value } of this.#values) {
      const [name, member] = path;
      const known = at(held, path);
      const seen = value.read(row, known) ?? (known === false && value.canBeNone === true ? false : null);
      const members = (inputs[name] ?? {}) as Properties;
      const isHeld = member !== undefined && member in ((held[name] ?? {}) as Properties);
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
  row: Row,
  remembered: Properties,
): unknown {
  if (isSet(declared)) {
    return declared === false && canBeNone === true ? null : declared;
  }
  if (removal === "keep" || !isSet(previous)) {
    return undefined;
  }
  return "back" in removal ? removal.back(row, remembered) : removal.to;
}

function at(inputs: Properties, [name, member]: readonly [string, string?]): unknown {
  return member === undefined ? inputs[name] : ((inputs[name] ?? {}) as Properties)[member];
}

/** Whether a property is declared: null in a state is "not set in the tenant". */
export function isSet(value: unknown): boolean {
  return value !== undefined && value !== null;
}
