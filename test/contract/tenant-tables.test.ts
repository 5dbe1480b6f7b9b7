import type { Column as TenantColumn } from "../../provider/local-tenant/dataverse/columns";
import { entitySets, schema } from "../../provider/local-tenant/dataverse/schema";
import type { CmdletShape } from "../../provider/local-tenant/exchange/binding";
import { shapes } from "../../provider/local-tenant/exchange/parameters";
import { tables } from "./tables/dataverse";
import { cmdlets } from "./tables/exchange";

// The wire tables and the local tenant were written apart from each other: where they differ, one of them is wrong.

const simulated: Record<string, CmdletShape> = shapes;

describe.each(Object.entries(cmdlets))("%s", (name, { parameters }) => {
  test("is simulated with every parameter that is sent, of the same type", () => {
    const shape = simulated[name];
    for (const [parameter, { type, sets }] of Object.entries(parameters)) {
      const known = shape?.parameters[parameter];
      expect([parameter, known?.type.names]).toEqual([parameter, expect.arrayContaining([type])]);
      const both = known?.sets === undefined || sets === undefined || sets.some((set) => known.sets?.includes(set));
      expect([parameter, both]).toEqual([parameter, true]);
    }
  });

  test("takes nothing for mandatory that is not always sent", () => {
    const needed = Object.entries(simulated[name]?.parameters ?? {}).filter(([, { required }]) => required);
    const sometimes = needed.filter(([parameter]) => parameters[parameter]?.always !== true);
    expect(sometimes.map(([parameter]) => parameter)).toEqual([]);
  });
});

describe.each(Object.entries(tables))("%s", (set, table) => {
  const tenant = Object.values(schema).find(({ entitySet }) => entitySet === set);

  // @shows dataverse.columns
  test("has the same key and columns, of the same type and taken in the same places", () => {
    expect(tenant?.key).toBe(table.key);
    for (const [name, column] of Object.entries(table.columns)) {
      const known = tenant?.columns.get(name);
      expect([name, known === undefined ? undefined : described(known)]).toEqual([
        name,
        {
          type: column.type,
          create: column.create,
          update: column.update,
          read: column.read ?? true,
          length: column.length ?? known?.max,
        },
      ]);
    }
  });

  test("holds null only where the service's rows may", () => {
    const strict = Object.keys(table.columns).filter((name) => tenant?.columns.get(name)?.required === true);
    expect(strict.filter((name) => table.columns[name]?.nullable)).toEqual([]);
  });

  test("binds its lookups by the same navigation properties", () => {
    for (const [name, { binds = {} }] of Object.entries(table.columns)) {
      for (const [target, navigation] of Object.entries(binds)) {
        const targets = tenant?.columns.get(name)?.targets ?? [];
        const known = targets.find((one) => one.table === entitySets.get(target)?.name);
        expect([name, target, known?.navigation]).toEqual([name, target, navigation]);
      }
    }
  });
});

const types: Record<string, string> = {
  Uniqueidentifier: "guid",
  String: "string",
  Boolean: "boolean",
  Integer: "integer",
  DateTime: "datetime",
  Lookup: "lookup",
  Owner: "lookup",
};

/** A column of the local tenant in the words of the wire tables. */
function described({ type, options, create, update, read, max }: TenantColumn) {
  const choice = options === undefined ? undefined : { choice: Object.keys(options).map(Number) };
  return { type: choice ?? types[type], create, update, read, length: max };
}
