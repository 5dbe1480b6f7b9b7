import type { Change, Operation, Properties } from "../../core/kind";
import { rowThing } from "../../core/registry";
import { InputError } from "../../http/errors";
import { sameText } from "../../services/text";

/** What is taken over, in words. */
interface Kind {
  /** "queue". */
  one: string;
  /** "queues". */
  many: string;
}

/**
 * Which of the rows with an address is taken over; it is this resource's from then on.
 *
 * @param adopt the declared `adopt`: true for the one there is, or its id.
 * @param withAddress the rows with the declared address.
 * @param withId reads the row with an id, whatever its address.
 * @returns undefined where none is to be taken over: then one is made.
 * @throws InputError when it is not certain which is meant, or another resource of this deployment manages it.
 */
export async function adopted<Row extends { id: string; name: string }>(
  adopt: boolean | string | undefined,
  withAddress: readonly Row[],
  withId: (id: string) => Promise<Row | undefined>,
  { one, many }: Kind,
  { registry, origin }: Operation,
): Promise<Row | undefined> {
  const refuse = (reason: string) => new InputError([{ path: "adopt", reason }]);
  const candidates = typeof adopt === "string" ? [await withId(adopt)] : adopt === true ? withAddress : [];
  const [row] = candidates;
  if (typeof adopt === "string" && row === undefined) {
    throw refuse(`there is none with this id among the ${many}`);
  }
  if (candidates.length > 1) {
    const all = withAddress.map(({ name, id }) => `${name} (${id})`).join(", ");
    throw refuse(`${withAddress.length} ${many} have the address: ${all}; write the id of one`);
  }
  if (row !== undefined && registry.isDeclaredByAnother(rowThing(row.id), origin)) {
    throw refuse(`another resource of this deployment manages the ${one} ${row.name} already; declare it once`);
  }
  if (row !== undefined) {
    registry.declare(rowThing(row.id), origin);
  }
  return row;
}

/** Whether the program names a row to take over that is not this one. */
export function isAnother(adopt: boolean | string | undefined, { id }: { id: string }): boolean {
  return typeof adopt === "string" && !sameText(adopt, id);
}

/** Says what a creation continues with: an interrupted deployment left it, or another stack has it in its state now. */
export function tellContinued(what: string, { id, name }: { id: string; name: string }): string {
  return (
    `Continuing with the ${what} ${name} (${id}), which an earlier deployment of this resource made. If another stack has it in its ` +
    "state now (`pulumi state move`), take it out of this program: its deletion here would take it away there."
  );
}

/** What was said already, by the operation that said it: a change whose answer was lost is made twice. */
const said = new WeakMap<Operation, Set<string>>();

/**
 * An adoption says what it is about to overwrite: no preview could show it.
 *
 * @param names for properties that hold ids: what is there, and what it becomes, as people name it.
 */
export function tellOverwritten(
  changes: readonly Change[],
  who: string,
  operation: Operation,
  names: Readonly<Record<string, readonly [unknown, unknown]>> = {},
): void {
  const told = said.get(operation) ?? new Set();
  said.set(operation, told);
  const values = changes
    .filter(({ from }) => from !== undefined && from !== null)
    .map(({ path, from, to }) => {
      const [before, after] = names[path.join(".")] ?? [from, to];
      return `${path.join(".")} ${JSON.stringify(before ?? from)} → ${JSON.stringify(after ?? to)}`;
    })
    .filter((text) => !told.has(text));
  if (values.length > 0) {
    for (const text of values) {
      told.add(text);
    }
    operation.warn(`Adopting ${who} overwrites what was there: ${values.join(", ")}.`);
  }
}

/** Whether a row outlives its resource: as declared, else one that this resource did not make does. */
export function isKept({ deletion, created }: Properties): boolean {
  return ((deletion ?? undefined) as string | undefined) === undefined ? created !== true : deletion === "retain";
}

/** Why a row stays, in words. */
export function whyKept({ deletion }: Properties): string {
  return deletion === "retain" ? 'deletion is "retain"' : "it was adopted or imported";
}
