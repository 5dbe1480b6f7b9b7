import type { Recipient } from "../model";
import type { Tenant } from "../tenant";
import type { Bound } from "./binding";
import type { Row } from "./envelope";
import { type Directory, only } from "./identity";

/** One run of a cmdlet. What it has to say beside its rows goes to `warnings`. */
export interface Call {
  tenant: Tenant;
  bound: Bound;
  warnings: string[];
}

/** A cmdlet: its rows, or undefined when it has no output at all. */
export type Cmdlet = (call: Call) => Row[] | undefined;

/** `ResultSize` applied: 1,000 rows unless the caller asks for another number or `Unlimited`; a warning says that rows were cut. */
export function limited<T>({ bound, warnings }: Call, rows: T[]): T[] {
  const wanted = bound.numberOrUnlimited("ResultSize") ?? 1000;
  if (wanted === "unlimited" || rows.length <= wanted) {
    return rows;
  }
  warnings.push(
    "There are more results available than are currently displayed. To view them, increase the value for the ResultSize parameter.",
  );
  return rows.slice(0, wanted);
}

/**
 * The recipients a Get- cmdlet is about. No identity, or a null or empty one, means all of them; what one that does not exist
 * means is the setting `missingIdentity`.
 */
export function named<T extends Recipient>(
  { bound, tenant }: Call,
  directory: Directory,
  among: (recipient: Recipient) => recipient is T,
): T[] {
  const everything = () => directory.recipients.filter(among);
  const identity = bound.text("Identity") ?? "";
  if (identity.trim() === "") {
    return everything();
  }
  const found = directory.matches(identity, among).filter(among);
  if (found.length === 0 && tenant.settings.missingIdentity === "everything") {
    return everything();
  }
  return [only(identity, found)];
}
