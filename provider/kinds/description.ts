/** What a kind says of itself beside its class and its reconciler: to the commands, to mocks and to the tests. */
import { createHash } from "node:crypto";
import type { Properties, Reconciler } from "../core/kind";
import type { PropertyTable } from "../core/properties";
import type { Use } from "../doctor/rights";
import type { KindReview } from "../review/words";
import { isGuid } from "../services/text";
import type { Survey } from "./survey";

/** A reconciler whose desired and observed values are its own business. */
// biome-ignore lint/suspicious/noExplicitAny: only the reconciler itself hands these values to itself.
export type AnyReconciler = Reconciler<any, any, any, any>;

/** A kind: everything that is known of it, and all that a new one has to bring. */
export interface Description {
  readonly reconciler: AnyReconciler;
  /** Whose objects it declares: of Exchange and Entra, or of Dynamics 365, which is in an environment of its own. */
  readonly service: "exchange" | "dynamics";
  /** Columns of `Get-Mailbox` that it compares, and that a listing therefore reads. */
  readonly mailboxColumns?: readonly string[];
  /** What `mailboxes doctor` asks the rights for, where a program declares these inputs. */
  uses(inputs: Properties): readonly Use[];
  /** What `mailboxes review` and `mailboxes access` say of it. */
  readonly review: KindReview;
  /** How `mailboxes import-file` finds it beside a shared mailbox. Left out where it is imported by hand. */
  readonly survey?: Survey;
  /** What mocks answer in users' tests. */
  readonly mock: Mock;
  /** Its tables of properties, for the law tests. */
  readonly tables: readonly Lawful[];
  /**
   * Programs for the tests. The first one makes the resource in a tenant as it is seeded, the others change it. The tests take a kind
   * through them all, and back out.
   */
  readonly samples: readonly Properties[];
}

/** A table, with what the law tests have to know of its rows. */
export interface Lawful {
  // biome-ignore lint/suspicious/noExplicitAny: a table of any row.
  readonly table: PropertyTable<any, any>;
  /** What the table reads, from a row as the service answers and the inputs of the state. Left out where it reads the row itself. */
  seen?(raw: Properties, inputs: Properties): unknown;
  /** What a row shows once commands have written these values, where commands write them and no parameters do. */
  commanded?(values: Properties): Properties;
}

/** A kind under mocks: what a deployment would add to its inputs. */
export interface Mock {
  /** The physical id, from the checked inputs and the resource's name. */
  id(inputs: Properties, name: string): string;
  outputs(inputs: Properties, id: string): Properties;
  /** What a mocked `get` answers with beside the outputs: inputs of an object that somebody else made, with the address or id that was asked for. */
  read(asked: string): Properties;
}

/** The id that a mock has for what a text names: itself where it is one, else always the same one for the same text. */
export function mockId(text: unknown): string {
  const name = String(text).toLowerCase();
  if (isGuid(name)) {
    return name;
  }
  const hex = createHash("sha256").update(name).digest("hex");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

/** The ids that a mock has for the people or mailboxes of a map. */
export function mockIds(map: unknown): Record<string, string> {
  return Object.fromEntries(Object.keys((map ?? {}) as object).map((key) => [key, mockId(key)]));
}

/** The address that was asked for; one made up for an id or name. */
export function mockAddress(asked: string): string {
  return asked.includes("@") ? asked.toLowerCase() : `${mockId(asked).slice(0, 8)}@contoso.com`;
}

/** Whether something is declared, other than that there is none. */
export function isDeclared(value: unknown): boolean {
  return value !== undefined && value !== null && value !== false;
}
