import type { Change, Operation, Properties } from "../../core/kind";
import { rowThing } from "../../core/registry";
import { ConflictError, InputError } from "../../http/errors";
import type { MailboxRow } from "../../services/dataverse";
import { sameText } from "../../services/text";
import { isOpenForTest, type TestAndEnable } from "./test-and-enable";

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
  const manager = row === undefined ? undefined : registry.declaredBy(rowThing(row.id), origin);
  if (row !== undefined && manager !== undefined) {
    throw refuse(`${manager} manages the ${one} ${row.name} already; declare it once`);
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

/** How long a row looks like the work of a deployment that was interrupted, in milliseconds. */
const UNFINISHED_FOR = 30 * 60 * 1000;

/** A row whose id says that an earlier deployment of this resource made it. */
interface EarlierWork {
  /** "queue". */
  what: string;
  row: { id: string; name: string; createdOn: string | undefined };
  /** Its mailbox record; undefined while Dynamics has made none. */
  record: MailboxRow | undefined;
  /** What shows that it is in use, in words: "it holds 3 items". Each ends a creation. */
  use: readonly string[];
  /** Inbox rules that feed it, in words. A creation makes them before its test. */
  rules?: readonly string[];
}

/** The inputs that decide whether a creation continues. */
interface CreationInputs {
  emailAddress: string;
  adopt?: boolean | string | undefined;
  approveEmail?: boolean | undefined;
  testAndEnable?: TestAndEnable;
  deletion?: "delete" | "retain" | undefined;
}

/**
 * Decides whether a creation continues with the row that an earlier deployment of this resource made. A state that moved to another stack
 * (`pulumi state move`) has such a row, and a program that still declares it would delete it there.
 *
 * @returns `continue` for an interrupted creation, which is this resource's; `adopt` for what the program says to take over; `share` for
 *   what is complete and in nobody's use, which was told: it is not noted as created, so that its deletion here leaves it.
 * @throws ConflictError for what is in use or older than half an hour, and for what is complete where the program would delete it.
 */
export function continuation(
  work: EarlierWork,
  { emailAddress, adopt, approveEmail, testAndEnable, deletion }: CreationInputs,
  { progress, warn }: Operation,
): "continue" | "adopt" | "share" {
  const { what, row, record, use, rules = [] } = work;
  const isRecent = Math.abs(Date.now() - Date.parse(row.createdOn ?? "")) < UNFINISHED_FOR;
  const isUnapproved = approveEmail !== false && record?.approval !== "Approved";
  const isUntested = testAndEnable !== false && isOpenForTest(record);
  if (isRecent && use.length === 0 && (isUnapproved ? rules.length === 0 : isUntested)) {
    progress(`continuing with the ${what} ${row.name}, whose creation was interrupted`);
    return "continue";
  }
  if (adopt !== undefined && adopt !== false) {
    return "adopt";
  }
  const why = [...(isRecent ? [] : [`it was made at ${row.createdOn}`]), ...use, ...rules];
  if (why.length > 0 || deletion === "delete") {
    throw new ConflictError({
      action: "emailAddress",
      words:
        `${emailAddress} is the address of the ${what} ${row.name}, which a deployment of this resource made ` +
        `(id ${row.id}; ${why.join(", ") || "it is complete"})`,
      nextStep:
        "Nothing was changed. If another stack has it in its state now (`pulumi state move`), take it out of this program. If its " +
        "creation was interrupted, or the state was lost, set adopt: true.",
    });
  }
  warn(
    `Continuing with the ${what} ${row.name} (${row.id}), which a deployment of this resource made at ${row.createdOn} and finished. ` +
      `Another stack may have it in its state (\`pulumi state move\`): then take it out of this program. When this resource is deleted, ` +
      `the ${what} stays.`,
  );
  return "share";
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
