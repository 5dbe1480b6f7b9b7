import fc from "fast-check";
import { z } from "zod";
import type { Properties } from "../../provider/core/kind";
import type { PropertyTable } from "../../provider/core/properties";

/** A table of whatever rows. */
// biome-ignore lint/suspicious/noExplicitAny: a table of any row.
export type AnyTable = PropertyTable<any, any>;

/** What a JSON schema says that matters here. */
interface Shape {
  type?: string;
  properties?: Record<string, Shape>;
}

const TEXTS = ["Support", "Desk", "3rd line & more"];

/** Values as a program writes them, in canonical form: those of a few candidates that the property's own schema takes. */
function valuesOf(schema: z.ZodType): unknown[] {
  const { type, properties } = z.toJSONSchema(schema, { io: "input", unrepresentable: "any" }) as Shape;
  const candidates =
    type === "object" && properties !== undefined
      ? objectsOf(Object.keys(properties))
      : [true, false, ...TEXTS, "desk", "49 GB", "50 GB", { 1: "one", 15: false }, { 1: "two" }, { 7: false }];
  const taken = candidates.map((candidate) => schema.safeParse(candidate)).filter(({ success }) => success);
  if (taken.length === 0) {
    throw new Error("no candidate suits the schema: add one");
  }
  return taken.map(({ data }) => data);
}

function objectsOf(members: readonly string[]): Properties[] {
  const all = (value: unknown) => Object.fromEntries(members.map((member) => [member, value]));
  return [
    all(true),
    all(false),
    { ...all(true), [members[0] ?? ""]: false },
    { [members[0] ?? ""]: true },
    all("50 GB"),
  ];
}

/** Inputs of a table, each declared or not. */
export function declarations({ shape }: AnyTable): Record<string, fc.Arbitrary<unknown>> {
  return Object.fromEntries(
    Object.entries(shape as Record<string, z.ZodType>).map(([name, schema]) => {
      const value = fc.constantFrom(...valuesOf(schema).filter((one) => one !== undefined));
      return [name, schema.safeParse(undefined).success ? fc.option(value, { nil: undefined }) : value];
    }),
  );
}

/** Rows of a table: what some inputs write, so that parameters and columns must have the same names. */
export function rows(table: AnyTable): fc.Arbitrary<Properties> {
  return fc.record(declarations(table)).map((declared) => {
    const changes = table.difference({ declared: declared as Properties, previous: {}, row: {} });
    return table.parameters(changes);
  });
}
