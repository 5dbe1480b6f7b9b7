import { isDeepStrictEqual } from "node:util";
import type { Recipient } from "../model";
import type { Tenant } from "../tenant";
import { memberOf } from "../values";
import type { Bound } from "./binding";
import type { Printing, Row } from "./envelope";
import { invalidFilter } from "./errors";
import { parseFilter } from "./filter";
import { type Directory, only } from "./identity";

/** One run of a cmdlet. What it has to say beside its rows goes to `warnings`. */
export interface Call {
  tenant: Tenant;
  bound: Bound;
  warnings: string[];
  /** The caller reads, and may do nothing else: it holds a view-only role. */
  isViewOnly?: boolean;
  /** Rows a page may have at most, when `ResultSize` asks for fewer than there are. */
  pageSize?: number;
}

/** A cmdlet: its rows, or undefined when it has no output at all. */
export type Cmdlet = (call: Call) => Printing[] | undefined;

/**
 * Commits what a cmdlet changed. One that changes nothing says so in a warning.
 *
 * @param name what the warning calls the object.
 */
export function commitIfChanged(
  { tenant, warnings }: Call,
  name: string,
  before: unknown,
  after: unknown,
  operations: Parameters<Tenant["store"]["commit"]>[0],
): void {
  // @observed exchange.no-change-warning: A change that changes nothing succeeds with a warning [CIPP]
  const stored = (value: unknown): unknown => JSON.parse(JSON.stringify({ value }));
  if (isDeepStrictEqual(stored(before), stored(after))) {
    warnings.push(`The command completed successfully but no settings of '${name}' have been modified.`);
  } else {
    tenant.store.commit(operations);
  }
}

/** What says that there are more rows than the answer has. */
export const moreResults =
  "There are more results available than are currently displayed. To view them, increase the value for the ResultSize parameter.";

/**
 * `ResultSize` taken into account: the rows of a page, 1,000 unless the caller asks for another number or `Unlimited`. It cuts
 * nothing, the nextLink leads to the rest; by the setting `resultSizeCuts` it does, and a warning is all that tells.
 */
export function limited<T>(call: Call, rows: T[]): T[] {
  // @observed exchange.truncation-warning: ResultSize is the size of a page: rows, the warning that there are more, and a nextLink
  // to them; setting resultSizeCuts [graph2otel for all three at once, azure_auth for the link]
  const wanted = call.bound.numberOrUnlimited("ResultSize") ?? 1000;
  if (wanted === "unlimited" || rows.length <= wanted) {
    return rows;
  }
  if (call.tenant.settings.resultSizeCuts) {
    call.warnings.push(moreResults);
    return rows.slice(0, wanted);
  }
  call.pageSize = Math.max(1, wanted);
  return rows;
}

/**
 * The recipients a Get- cmdlet is about. No identity, or a null or empty one, means all of them; what one that does not exist
 * means is the setting `missingIdentity`.
 *
 * @param texts what a filter leaves of all of them: those that one of these may name.
 */
export function named<T extends Recipient>(
  { bound, tenant }: Call,
  directory: Directory,
  among: (recipient: Recipient) => recipient is T,
  texts?: readonly string[],
): T[] {
  // @documented exchange.empty-identity: A null or empty Identity of a Get- cmdlet answers all objects [reference of the cmdlet,
  // caution]
  // @documented exchange.missing-identity: A non-existent Identity answers ManagementObjectNotFoundException; by setting all
  // objects [error observed, the caution speaks of all objects; setting missingIdentity]
  const everything = () => (texts === undefined ? directory.recipients : directory.namedBy(...texts)).filter(among);
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

/** How a Get- cmdlet lists recipients. */
interface Listing<T extends Recipient> {
  among: (recipient: Recipient) => recipient is T;
  /** Types that were asked for; undefined = all. */
  isAsked: (recipient: T) => boolean;
  print: (recipient: T) => Row;
  /** The value that filters compare, where it is not the printed one. */
  compared?: (recipient: T, property: string) => unknown;
}

/** The rows of a Get- cmdlet with Identity, Filter and SortBy. Those that nothing looks into are printed when they are answered. */
export function listed<T extends Recipient>(
  call: Call,
  directory: Directory,
  { among, isAsked, print, compared = () => undefined }: Listing<T>,
): Printing[] {
  const { bound } = call;
  const known = new Map<T, Row>();
  const rowOf = (recipient: T): Row => {
    const row = known.get(recipient) ?? print(recipient);
    known.set(recipient, row);
    return row;
  };
  const filter = bound.filled("Filter");
  // @assumed exchange.filter-length: A filter may have fifteen conditions joined by -or [office-docs-powershell #7471 speaks of 59
  // object ids in one of Get-User]
  if (filter !== undefined && filter.split(/ -or /i).length > 10 && call.tenant.isContrary("exchange.filter-length")) {
    throw invalidFilter(filter, "has too many conditions.");
  }
  const matches =
    filter === undefined
      ? undefined
      : parseFilter<T>(filter, (one, property) => compared(one, property) ?? memberOf(rowOf(one), property));
  const asked = named(call, directory, among, matches?.texts).filter(isAsked);
  const found = matches === undefined ? asked : asked.filter(matches);
  const sortBy = bound.text("SortBy");
  if (typeof sortBy === "string") {
    const key = (one: T) => String(memberOf(rowOf(one), sortBy) ?? "").toLowerCase();
    found.sort((a, b) => (key(a) < key(b) ? -1 : key(a) > key(b) ? 1 : 0));
  }
  return limited(call, found).map((one) => () => known.get(one) ?? print(one));
}
