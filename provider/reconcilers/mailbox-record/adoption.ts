import { InputError } from "../../http/errors";
import type { Change, Operation, Properties } from "../reconciler";

/**
 * Which of the rows with an address is taken over.
 *
 * @param adopt the declared `adopt`: true for the one there is, or its id.
 * @param withAddress the rows with the declared address.
 * @param withId reads the row with an id, whatever its address.
 * @param what what they are, in the plural: "forward mailboxes".
 * @returns undefined where none is to be taken over: then one is made.
 */
export async function adopted<Row extends { id: string; name: string }>(
  adopt: boolean | string | undefined,
  withAddress: readonly Row[],
  withId: (id: string) => Promise<Row | undefined>,
  what: string,
): Promise<Row | undefined> {
  if (typeof adopt === "string") {
    const row = await withId(adopt);
    if (row === undefined) {
      throw new InputError([{ path: "adopt", reason: `there is none with this id among the ${what}` }]);
    }
    return row;
  }
  const [row, second] = adopt === true ? withAddress : [];
  if (second !== undefined) {
    const all = withAddress.map(({ name, id }) => `${name} (${id})`).join(", ");
    throw new InputError([
      { path: "adopt", reason: `${withAddress.length} ${what} have the address: ${all}; write the id of one` },
    ]);
  }
  return row;
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
