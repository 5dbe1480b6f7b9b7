import { isSame } from "../../core/canonical";
import type { Change, Problem, Properties, Recorded } from "../../core/kind";
import { isSet, type PropertyTable } from "../../core/properties";
import type { ServiceError } from "../../http/errors";
import { membersOf, type Row } from "../../http/json";
import type { User } from "../../services/graph";
import type { Mailbox } from "../../services/mailboxes";
import type {
  Desired,
  HeldInputs,
  KnownMailbox,
  Memory,
  Observed,
  SharedMailboxInputs,
  SharedMailboxOperation,
} from "./desired";

/**
 * A group of a shared mailbox's properties that belong together: how they are read, compared and written. What several
 * groups write with `Set-Mailbox` goes in one call.
 */
export interface Facet {
  /** The inputs it is about. */
  readonly properties: readonly (keyof SharedMailboxInputs)[];
  /**
   * Mistakes that show only when inputs are seen together.
   *
   * @param inputs what is known and right.
   * @param unsettled declared properties that are not among them: unknown in a preview, or wrong by themselves.
   * @param before the inputs in the state, none for a new mailbox: what is refused today may stand there since another day.
   */
  check?(
    inputs: Partial<SharedMailboxInputs>,
    unsettled: readonly string[],
    before: Partial<SharedMailboxInputs>,
  ): Problem[];
  /** Advice about a change from the inputs `olds`; no I/O. */
  advise?(inputs: Partial<SharedMailboxInputs>, olds: Partial<SharedMailboxInputs>): string[];
  /**
   * Reads what neither the mailbox nor the account shows, if `managed` (the inputs of the program and of the state together)
   * has a property that needs it. A refresh goes on without it where the application may not read it; `read` leaves out its
   * properties then, or gives what the state has.
   *
   * @param desired the program; undefined when only the tenant is read.
   */
  look?(
    seen: { mailbox: Mailbox; user: User },
    managed: Properties,
    operation: SharedMailboxOperation,
    desired: Desired | undefined,
  ): Promise<Partial<Observed>>;
  /** Refuses what a mailbox that is about to be created could never have, before it is created. Not asked of one that is restored. */
  preflight?(desired: Desired, operation: SharedMailboxOperation): Promise<void>;
  /** Pure. What differs; of what is there only what `previous` held is taken away. */
  difference(desired: Desired, previous: HeldInputs, observed: Observed, known: KnownMailbox): Change[];
  /** Refuses changes, before anything is written. */
  guard?(
    changes: readonly Change[],
    desired: Desired,
    observed: Observed,
    operation: SharedMailboxOperation,
  ): Promise<void>;
  /** Writes that `Set-Mailbox` depends on; before it. Returns what it learned and no look can see. */
  prepare?(
    changes: readonly Change[],
    desired: Desired,
    observed: Observed,
    operation: SharedMailboxOperation,
  ): Promise<void> | Promise<Partial<Observed> | undefined>;
  /** Parameters of `Set-Mailbox` (parameter set Identity) for the changes; asked for right before each attempt to write. */
  parameters?(
    changes: readonly Change[],
    desired: Desired,
    observed: Observed,
    operation: SharedMailboxOperation,
  ): Row | Promise<Row>;
  /** Whether a change takes something away for good. It is recorded only once it shows, because it may have to be made again. */
  takesAway?(change: Change): boolean;
  /** What is to be recorded, besides the changes, of what `Set-Mailbox` wrote or may have written. */
  recorded?(
    changes: readonly Change[],
    desired: Desired,
    observed: Observed,
    known: KnownMailbox,
  ): Recorded<SharedMailboxInputs, Memory>;
  /** What to do about a refused `Set-Mailbox`, where these properties know: whole sentences. */
  explain?(error: ServiceError, changes: readonly Change[]): string | undefined;
  /** Writes other than `Set-Mailbox`; after it. Returns as {@link prepare} does. */
  apply?(
    changes: readonly Change[],
    desired: Desired,
    observed: Observed,
    operation: SharedMailboxOperation,
  ): Promise<void> | Promise<Partial<Observed> | undefined>;
  /** The inputs as they are in the tenant, by name; what the state does not hold is left out by the caller. */
  read(observed: Observed, known: KnownMailbox): Properties;
  /** After everything is as declared: things to say. */
  finish?(desired: Desired, previous: HeldInputs, observed: Observed, operation: SharedMailboxOperation): void;
  /** Computed outputs. `desired` is undefined when only the tenant is read. */
  outputs?(observed: Observed, known: KnownMailbox, desired: Desired | undefined): Properties;
}

/** A table of these properties. */
// biome-ignore lint/suspicious/noExplicitAny: whichever they are.
type Table<Row> = PropertyTable<Row, any> & { readonly names: Facet["properties"] };

/**
 * What a table says of its properties.
 *
 * @param rowOf what shows them; undefined where nobody looked for it: then nothing differs, and they are as the state has them.
 */
export function inTable<Row>(
  table: Table<Row>,
  rowOf: (observed: Observed) => Row | undefined,
): Pick<Facet, "properties" | "difference" | "read"> & Required<Pick<Facet, "advise">> {
  return {
    properties: table.names,
    advise: (inputs, olds) => table.kept(inputs, olds).map(saysKept),
    difference({ inputs }, previous, observed) {
      const row = rowOf(observed);
      return row === undefined ? [] : table.difference({ declared: inputs, previous, row });
    },
    read(observed, { inputs }) {
      const row = rowOf(observed);
      return row === undefined
        ? Object.fromEntries(table.names.map((name: keyof HeldInputs) => [name, inputs[name] ?? null]))
        : table.inputs(row, inputs);
    },
  };
}

/** The changes among `changes` that are about a property. */
export function changesOf(property: keyof SharedMailboxInputs, changes: readonly Change[]): Change[] {
  return changes.filter(({ path }) => path[0] === property);
}

/** Whether a property is among what changes. */
export function isChanged(property: keyof SharedMailboxInputs, changes: readonly Change[]): boolean {
  return changesOf(property, changes).length > 0;
}

/** A write that makes changes, in words. */
export function changing(changes: readonly Change[], { primarySmtpAddress }: Mailbox): string {
  const names = [...new Set(changes.map(({ path: [name] }) => name))].join(", ");
  return `changing ${names} of shared mailbox ${primarySmtpAddress}`;
}

/**
 * Whether what is there may be taken away for good: only where the change of this very property stood in a preview. What somebody
 * else set since the last refresh did not, nor did what an adoption finds.
 */
export function mayTakeAway(
  property: keyof SharedMailboxInputs,
  { inputs }: Desired,
  previous: HeldInputs,
  { takenOver }: Observed,
): boolean {
  return takenOver === undefined && !isSame(previous[property], inputs[property]);
}

/** Says that something was not taken away, because no preview has shown it. */
export function tellLeft(property: keyof SharedMailboxInputs, what: string, operation: SharedMailboxOperation): void {
  operation.warn(
    `${property}: the mailbox has ${what}. No preview has shown it, so it was not changed. \`pulumi up --refresh\` shows it first.`,
  );
}

/** Says that what has left the program stays. */
export function saysKept(path: string): string {
  return `${path} is no longer declared; the mailbox keeps the value it has.`;
}

/** Inputs as they are once changes are or may be written, so that a failure later on leaves nothing behind unknown. */
export function writtenInputs(
  changes: readonly Change[],
  inputs: SharedMailboxInputs,
  { inputs: held }: KnownMailbox,
): HeldInputs {
  const declared: Properties = inputs;
  const now: Properties = { ...held };
  for (const { path, to } of changes) {
    const [property = "", member] = path;
    const [value, before] = [declared[property], now[property]];
    if (member === undefined) {
      now[property] = value ?? before;
    } else if (to !== undefined && Array.isArray(value)) {
      now[property] = [...new Set([...(Array.isArray(before) ? before : []), member])].sort();
    } else if (to !== undefined && isSet(value)) {
      now[property] = { ...membersOf(before), [member]: to };
    }
  }
  return now as HeldInputs;
}
