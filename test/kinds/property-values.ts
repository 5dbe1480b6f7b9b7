import fc from "fast-check";
import { z } from "zod";
import type { Properties } from "../../provider/core/kind";
import type { PropertyTable } from "../../provider/core/properties";
import type { RecordKnown, Seen } from "../../provider/kinds/mailbox-record/properties";
import { type MailboxRow, mailboxOf, type QueueRow, queueOf } from "../../provider/services/dataverse";

/** A table of whatever rows. */
// biome-ignore lint/suspicious/noExplicitAny: a table of any row.
export type AnyTable = PropertyTable<any, any>;

/** What a JSON schema says that matters here. */
interface Shape {
  type?: string;
  properties?: Record<string, Shape>;
  enum?: unknown[];
  anyOf?: Shape[];
}

const TEXTS = ["Support", "Desk", "3rd line & more"];
const ADDRESSES = ["ada@contoso.com", "ada.l@contoso.com", "ada.k@contoso.com"];
export const guid = (number: number) => `10000000-0000-4000-8000-00000000000${number}`;

/** Values as a program writes them, in canonical form: those of a few candidates that the property's own schema takes. */
function valuesOf(name: string, schema: z.ZodType): unknown[] {
  if (name === "owner" || name === "serverProfile") {
    const ids = [guid(1), guid(2), guid(3)];
    // References are compared by the ids that were looked up.
    return name === "owner" ? ids.map((id) => ({ table: "systemusers", id })) : ids;
  }
  const shape = z.toJSONSchema(schema, { io: "input", unrepresentable: "any" }) as Shape;
  const [members] = [shape, ...(shape.anyOf ?? [])].flatMap(({ properties }) =>
    properties === undefined ? [] : [Object.keys(properties)],
  );
  const texts = [...TEXTS, "desk", "49 GB", "50 GB", "20 MB", "35 MB", ...ADDRESSES, ...(shape.enum ?? [])];
  const candidates = [
    ...(members === undefined ? [{ 1: "one", 15: false }, { 1: "two" }, { 7: false }] : objectsOf(members)),
    ...(shape.type === "object" ? [] : [true, false, ...texts]),
  ];
  const taken = candidates.map((candidate) => schema.safeParse(candidate)).filter(({ success }) => success);
  if (taken.length === 0) {
    throw new Error("no candidate suits the schema: add one");
  }
  return taken.map(({ data }) => data);
}

function objectsOf(members: readonly string[]): Properties[] {
  const [first = ""] = members;
  const all = (value: unknown) => Object.fromEntries(members.map((member) => [member, value]));
  return [
    all(true),
    all(false),
    { ...all(true), [first]: false },
    { [first]: true },
    all("50 GB"),
    all("49 GB"),
    all(30),
    { ...all("49 GB"), [first]: "40 GB" },
  ];
}

/** Inputs of a table, each declared or not. */
export function declarations({ shape }: AnyTable): Record<string, fc.Arbitrary<unknown>> {
  return Object.fromEntries(
    Object.entries(shape as Record<string, z.ZodType>).map(([name, schema]) => {
      const value = fc.constantFrom(...valuesOf(name, schema).filter((one) => one !== undefined));
      return [name, schema.safeParse(undefined).success ? fc.option(value, { nil: undefined }) : value];
    }),
  );
}

/** Rows of a table as a service keeps them: what some inputs write. */
export function rows(table: AnyTable): fc.Arbitrary<Properties> {
  return fc
    .record(declarations(table))
    .map((declared) => after({}, table.columnsOf(table.wanted({ declared, previous: {} }))));
}

/** A row after parameters or columns were sent. They have the names of what is read, but for references and a password. */
export function after(row: Properties, columns: Properties): Properties {
  const { "ownerid@odata.bind": owner, "emailserverprofile@odata.bind": profile, ...others } = columns;
  const id = (reference: unknown) => /\(([^)]+)\)/.exec(String(reference))?.[1] ?? null;
  return {
    ...row,
    ...others,
    ...(owner === undefined ? {} : { _ownerid_value: id(owner) }),
    ...(profile === undefined ? {} : { _emailserverprofile_value: id(profile) }),
    ...("password" in columns ? { ispasswordset: columns.password !== null } : {}),
  };
}

/** A mailbox record as it is read where a state holds some inputs. */
export function seenRecord(raw: Properties, inputs: Properties = {}): Seen<MailboxRow> {
  return seen(mailboxOf({ mailboxid: guid(9), statecode: 0, ...raw }), inputs);
}

/** A queue as it is read where a state holds some inputs. */
export function seenQueue(raw: Properties, inputs: Properties = {}): Seen<QueueRow> {
  return seen(queueOf({ queueid: guid(7), ...raw }), inputs);
}

function seen<Row>(row: Row, inputs: Properties): Seen<Row> {
  const { serverProfileId } = row as { serverProfileId?: string };
  return {
    row,
    known: { inputs, memory: { serverProfileId } } as unknown as RecordKnown,
    // It was looked up by its id.
    owner: inputs.owner as Seen<Row>["owner"],
  };
}
