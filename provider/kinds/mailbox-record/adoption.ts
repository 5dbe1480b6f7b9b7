import type { Change } from "../../core/kind";
import { isSet } from "../../core/properties";
import { rowThing } from "../../core/registry";
import { ConflictError, InputError } from "../../http/errors";
import type { MailboxRow } from "../../services/dataverse";
import { sameText } from "../../services/text";
import type { RecordOperation } from "./properties";
import { isOpenForTest, type TestAndEnable } from "./test-and-enable";

/** What is taken over, in words. */
export interface RowKind {
  /** "queue". */
  one: string;
  /** "queues". */
  many: string;
}

/**
 * Which of the rows with an address is to be taken over. Nothing is changed.
 *
 * @param adopt the declared `adopt`: true for the one there is, or its id.
 * @param withAddress the rows with the declared address.
 * @param withId reads the row with an id, whatever its address.
 * @returns undefined where none is to be taken over: then one is made.
 * @throws InputError when it is not certain which is meant.
 */
export async function rowToAdopt<Row extends { id: string; name: string }>(
  adopt: boolean | string | undefined,
  withAddress: readonly Row[],
  withId: (id: string) => Promise<Row | undefined>,
  { one, many }: RowKind,
): Promise<Row | undefined> {
  const candidates = typeof adopt === "string" ? [await withId(adopt)] : adopt === true ? withAddress : [];
  const [row] = candidates;
  if (typeof adopt === "string" && row === undefined) {
    throw new InputError([{ path: "adopt", reason: `no ${one} has this id` }]);
  }
  if (candidates.length > 1) {
    const all = withAddress.map(({ name, id }) => `${name} (${id})`).join(", ");
    const reason = `${withAddress.length} ${many} have the address: ${all}; write the id of one`;
    throw new InputError([{ path: "adopt", reason }]);
  }
  return row;
}

/**
 * Makes a row that was there already this resource's, for this deployment.
 *
 * @throws InputError when another resource of this deployment manages it.
 */
export function claimRow(
  row: { id: string; name: string },
  { one }: RowKind,
  { registry, origin }: RecordOperation,
): void {
  const manager = registry.declaredBy(rowThing(row.id), origin);
  if (manager !== undefined) {
    const reason = `${manager} manages the ${one} ${row.name} already; declare it once`;
    throw new InputError([{ path: "adopt", reason }]);
  }
  registry.declare(rowThing(row.id), origin);
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
 * How a creation goes on with a row that was there already: `continue` with an interrupted creation, which is this resource's; `adopt` what
 * the program says to take over; `share` what an earlier deployment of this resource completed: it is not recorded as created, so that its
 * deletion here leaves it.
 */
export type WayOn = "continue" | "adopt" | "share";

/**
 * Decides whether a creation continues with the row that an earlier deployment of this resource made. A state that moved to another stack
 * (`pulumi state move`) has such a row, and a program that still declares it would delete it there. Nothing is changed.
 *
 * @throws ConflictError for what is in use or older than half an hour, and for what is complete where the program would delete it.
 */
export function wayOn(
  { what, row, record, use, rules = [] }: EarlierWork,
  { emailAddress, adopt, approveEmail, testAndEnable, deletion }: CreationInputs,
): WayOn {
  const isRecent = Math.abs(Date.now() - Date.parse(row.createdOn ?? "")) < UNFINISHED_FOR;
  const isUnapproved = approveEmail !== false && record?.approval !== "Approved";
  const isUntested = testAndEnable !== false && isOpenForTest(record);
  if (isRecent && use.length === 0 && (isUnapproved ? rules.length === 0 : isUntested)) {
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
  return "share";
}

/** Says what a creation goes on with, and makes it this resource's for this deployment. */
export function takeOn(
  way: WayOn,
  row: { id: string; name: string; createdOn: string | undefined },
  kind: RowKind,
  operation: RecordOperation,
): void {
  const { one } = kind;
  claimRow(row, kind, operation);
  if (way === "continue") {
    operation.progress(`continuing with the ${one} ${row.name}, whose creation was interrupted`);
  } else if (way === "share") {
    operation.warn(
      `Continuing with the ${one} ${row.name} (${row.id}), which a deployment of this resource made at ${row.createdOn} and finished. ` +
        "Another stack may have it in its state (`pulumi state move`): then take it out of this program. When this resource is deleted, " +
        `the ${one} stays.`,
    );
  }
}

/**
 * An adoption says what it is about to overwrite: no preview could show it.
 *
 * @param names for properties that hold ids: what is there, and what it becomes, as people name it.
 */
export function tellOverwritten(
  changes: readonly Change[],
  who: string,
  { warn }: Pick<RecordOperation, "warn">,
  names: Readonly<Record<string, readonly [unknown, unknown]>> = {},
): void {
  const values = changes
    .filter(({ from }) => from !== undefined && from !== null)
    .map(({ path, from, to }) => {
      const [before, after] = names[path.join(".")] ?? [from, to];
      return `${path.join(".")} ${JSON.stringify(before ?? from)} → ${JSON.stringify(after ?? to)}`;
    });
  if (values.length > 0) {
    warn(`Adopting ${who} overwrites what was there: ${values.join(", ")}.`);
  }
}

/** Why a row outlives its resource, in words; undefined where it is deleted with it. One that this resource did not make stays by itself. */
export function whyRowStays(
  id: string,
  deletion: "delete" | "retain" | null | undefined,
  created: boolean | undefined,
  { registry, origin }: RecordOperation,
): string | undefined {
  const other = registry.declaredBy(rowThing(id), origin);
  return deletion === "retain"
    ? 'deletion is "retain"'
    : !isSet(deletion) && created !== true
      ? "it was adopted or imported"
      : other === undefined
        ? undefined
        : `${other} declares it`;
}
