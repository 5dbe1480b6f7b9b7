/** What a kind says of itself beside its class and its reconciler: to the commands, to mocks and to the tests. */
import { createHash } from "node:crypto";
import { isSame } from "../core/canonical";
import type { Operation, Properties, Reconciler } from "../core/kind";
import type { PropertyTable } from "../core/properties";
import type { Use } from "../doctor/rights";
import { type Checking, check } from "../dynamic/check";
import { isGuid, mapOf } from "../http/json";
import type { Side } from "../review/preview";
import { type KindReview, type MailChange, NONE, value } from "../review/words";
import { type MailboxRow, mailboxOf } from "../services/dataverse";
import type { User } from "../services/graph";
import type { Mailbox } from "../services/mailboxes";
import type { Seen } from "./mailbox-record/properties";

/** A reconciler whose desired and observed values are its own business. */
// biome-ignore lint/suspicious/noExplicitAny: only the reconciler itself hands these values to itself.
export type AnyReconciler = Reconciler<any, any, any, any, any>;

/** A kind: everything that is known of it, and all that a new one has to bring. */
export interface Description {
  readonly reconciler: AnyReconciler;
  /** Whose objects it declares: of Exchange and Entra, or of Dynamics 365, which is in an environment of its own. */
  readonly service: "exchange" | "dynamics";
  /** Columns of `Get-Mailbox` that it compares, and that a listing therefore reads. */
  readonly mailboxColumns?: readonly string[];
  /** What `mailboxes doctor` asks the rights for, where a program declares these inputs: each use, and whether they have it. */
  uses(inputs: Properties): Readonly<Partial<Record<Use, boolean>>>;
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
  return Object.fromEntries(Object.keys(mapOf(map)).map((key) => [key, mockId(key)]));
}

/** The address that was asked for; one made up for an id or name. */
export function mockAddress(asked: string): string {
  return asked.includes("@") ? asked.toLowerCase() : `${mockId(asked).slice(0, 8)}@contoso.com`;
}

/** Whether something is declared, other than that there is none. */
export function isDeclared(value: unknown): boolean {
  return value !== undefined && value !== null && value !== false;
}

/** What is around a shared mailbox and is a resource of one kind. */
export interface Survey {
  /** The end of its logical name, behind that of the mailbox: `members`. Left out for the mailbox itself. */
  readonly suffix?: string;
  /** One of it and several, in the words of the command's last line. */
  readonly words: readonly [one: string, many: string];
  /**
   * Reads it. Nothing is changed.
   *
   * @param seen the mailbox as listed, and the account behind it.
   * @returns a reason where the mailbox cannot be imported at all.
   */
  // biome-ignore lint/suspicious/noExplicitAny: each kind reads with an operation on itself.
  declare(seen: { mailbox: Mailbox; user: User }, operation: Operation<any, any>): Promise<Declared | Refused>;
}

/** A resource as a program declares it and as the engine holds it after a refresh. */
export interface Declared {
  /** The physical id. */
  id: string;
  /** What the program writes; undefined where there is nothing to declare. `MAILBOX` stands for the id of the mailbox. */
  program: Properties | undefined;
  /** Canonical inputs. */
  inputs: Properties;
  /** Computed outputs. */
  outputs: Properties;
  /** What was left out, and why; sentences for the reader of the program. */
  notes: string[];
}

/** Why a mailbox cannot be imported. */
export interface Refused {
  refusal: string;
}

/** Stands in a program for the id of the mailbox that it is beside. */
export const MAILBOX = Symbol("the mailbox");

/** Problems as one sentence without its full stop. */
export function reasons(problems: readonly { path: string; reason: string }[]): string {
  return problems.map(({ path, reason }) => `${path}: ${reason}`).join("; ");
}

/**
 * The shortest way to write a property: without the members that mean the same left out, such as `keepCopy: true`.
 *
 * @param others the inputs that the property cannot be checked without.
 */
export function minimal(
  reconciler: Checking<Properties>,
  others: Properties,
  property: string,
  value: unknown,
): unknown {
  const canonical = (candidate: unknown) =>
    check(reconciler, { ...others, [property]: candidate }, undefined).inputs[property];
  const whole = canonical(value);
  const shorten = (part: unknown, put: (shorter: unknown) => unknown): unknown => {
    if (typeof part !== "object" || part === null || Array.isArray(part)) {
      return part;
    }
    let shorter: Properties = { ...part };
    for (const key of Object.keys(part)) {
      const { [key]: member, ...rest } = shorter;
      shorter = isSame(canonical(put(rest)), whole)
        ? rest
        : { ...rest, [key]: shorten(member, (inner) => put({ ...rest, [key]: inner })) };
    }
    return shorter;
  };
  return shorten(value, (shorter) => shorter);
}

/** The organisation that every mocked record is in. */
const ORGANIZATION_ID = "7e57ab1e-d000-4000-8000-000000000001";

/** What every record needs rights for. */
export function usesOfRecord({ emailAddress, approveEmail }: Properties) {
  return {
    records: true,
    recordChanges: true,
    addresses: isDeclared(emailAddress),
    approval: approveEmail !== false,
  } satisfies ReturnType<Description["uses"]>;
}

/** The outputs of a record that nobody tested yet. */
export function mockOfRecord(): Properties {
  return {
    isForwardMailbox: false,
    incomingEmailStatus: "NotRun",
    outgoingEmailStatus: "NotRun",
    appointmentsContactsTasksStatus: "NotRun",
    emailApproval: "Approved",
    serverProfileId: mockId("Microsoft Exchange Online"),
    organizationId: ORGANIZATION_ID,
  };
}

/** A record stays in Dynamics 365, or goes. */
export const happeningsOfRecord: KindReview["happenings"] = ({ kind, op, before }) => {
  const isKept = before !== undefined && (before.inputs.deletion === "retain" || before.retainOnDelete === true);
  return op !== "delete" && op !== "replace"
    ? []
    : isKept
      ? [{ code: "mailbox-unmanaged", what: ["stays in Dynamics 365, no longer managed"] }]
      : [{ code: "record-deleted", what: [op === "delete" ? `the ${kind} is deleted` : `the ${kind} is replaced`] }];
};

/** The address whose mail Dynamics 365 takes in. */
export function readByDynamics(before: Side | undefined, after: Side | undefined): MailChange {
  const address = (side: Side | undefined) =>
    typeof side?.inputs.emailAddress === "string" ? [value(side.inputs.emailAddress)] : NONE;
  return { what: "read by Dynamics 365", before: address(before), after: address(after) };
}

/** A record as it is read where a state holds some inputs. */
export function seenRecord(raw: Properties, inputs: Properties): Seen<MailboxRow> {
  return seenWith(mailboxOf({ statecode: 0, ...raw }), inputs);
}

/** A row as it is read where a state holds some inputs, with all that they name looked up. */
export function seenWith<Row extends object>(row: Row, inputs: Properties): Seen<Row> {
  const { serverProfileId } = mapOf(row);
  const memory = typeof serverProfileId === "string" ? { serverProfileId } : {};
  return { row, known: { inputs, memory }, owner: inputs.owner };
}
