import fc from "fast-check";
import { z } from "zod";
import type { Change, Properties } from "../../provider/core/kind";
import type { Lawful } from "../../provider/kinds/description";

/** What a JSON schema says that matters here. */
interface Shape {
  type?: string;
  properties?: Record<string, Shape>;
  enum?: unknown[];
  const?: unknown;
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
  const texts = [
    ...TEXTS,
    "desk",
    "49 GB",
    "50 GB",
    "20 MB",
    "35 MB",
    ...ADDRESSES,
    ...(shape.enum ?? []),
    shape.const,
  ];
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
export function declarations({ shape }: Lawful["table"]): Record<string, fc.Arbitrary<unknown>> {
  return Object.fromEntries(
    Object.entries(shape as Record<string, z.ZodType>).map(([name, schema]) => {
      const value = fc.constantFrom(...valuesOf(name, schema).filter((one) => one !== undefined));
      return [name, schema.safeParse(undefined).success ? fc.option(value, { nil: undefined }) : value];
    }),
  );
}

/** Rows of a table as a service keeps them: what some inputs write. */
export function rows(lawful: Lawful): fc.Arbitrary<Properties> {
  const { table } = lawful;
  return fc
    .record(declarations(table))
    .map((declared) => after({}, written(lawful, table.wanted({ declared, previous: {} }))));
}

/** What writing values leaves in a row, by parameters or by commands. @param changes limits it to those that change. */
export function written({ table, commanded }: Lawful, values: Properties, changes?: readonly Change[]): Properties {
  if (commanded === undefined) {
    return table.columnsOf(values, changes);
  }
  const names = Object.keys(values).filter((name) => changes?.some(({ path }) => path[0] === name) ?? true);
  return names.length === 0 ? {} : commanded(Object.fromEntries(names.map((name) => [name, values[name]])));
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
