import type { Row } from "../../services/exchange";
import type { User } from "../../services/graph";
import type { Mailbox } from "../../services/mailboxes";
import type { Change, Operation, Properties } from "../reconciler";
import type { Desired, Observed, SharedMailboxInputs } from "./desired";

/**
 * A group of a shared mailbox's properties that belong together: how they are read, compared and written. What several
 * groups write with `Set-Mailbox` goes in one call.
 */
export interface Facet {
  /** The inputs it is about. */
  readonly properties: readonly (keyof SharedMailboxInputs)[];
  /** Mistakes that show only when inputs are seen together; inputs that are unknown in a preview are left out. */
  check?(inputs: Partial<SharedMailboxInputs>): { path: string; reason: string }[];
  /** Advice about a change from the inputs `olds`; no I/O. */
  advise?(inputs: Partial<SharedMailboxInputs>, olds: Partial<SharedMailboxInputs>): string[];
  /**
   * Reads what neither the mailbox nor the account shows, if `managed` (the inputs of the program and of the state together)
   * has a property that needs it.
   */
  look?(seen: { mailbox: Mailbox; user: User }, managed: Properties, operation: Operation): Promise<Partial<Observed>>;
  /** Pure. What differs; of what is there only what `previous` held is taken away. */
  difference(desired: Desired, previous: Properties, observed: Observed, state: Properties): Change[];
  /** Refuses changes, before anything is written. */
  guard?(changes: readonly Change[], desired: Desired, observed: Observed, operation: Operation): Promise<void>;
  /** Parameters of `Set-Mailbox` (parameter set Identity) for the changes. */
  parameters?(changes: readonly Change[], desired: Desired, observed: Observed, operation: Operation): Row;
  /** Writes that are no `Set-Mailbox`; after it. */
  apply?(changes: readonly Change[], desired: Desired, observed: Observed, operation: Operation): Promise<void>;
  /** The inputs as they are in the tenant, by name; what `state` does not hold is left out by the caller. */
  read(observed: Observed, state: Properties): Properties;
  /** Computed outputs. */
  outputs?(observed: Observed, state: Properties): Properties;
}

/** Whether a property is declared: null in a state is "not set in the tenant". */
export function isSet(value: unknown): boolean {
  return value !== undefined && value !== null;
}
