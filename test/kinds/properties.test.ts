import { readdirSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import type { Properties } from "../../provider/core/kind";
import { PropertyTable } from "../../provider/core/properties";
import { comparedColumns, kinds } from "../../provider/kinds";
import type { Description, Lawful } from "../../provider/kinds/description";
import { after, declarations, rows, written } from "./property-values";

const tables = Object.entries(kinds).flatMap(([kind, { tables }]) =>
  tables.map((lawful): [string, Lawful] => [`${kind}: ${lawful.table.names.slice(0, 3).join(", ")}, …`, lawful]),
);

test("the columns of Get-Mailbox that kinds compare are all in the list that a listing reads", () => {
  const declared = Object.values<Description>(kinds).flatMap(({ mailboxColumns = [] }) => mailboxColumns);
  expect(comparedColumns).toEqual(declared);
  expect(declared).not.toEqual([]);
});

test("every table of the kinds is among them", () => {
  const folder = join(__dirname, "../../provider/kinds");
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" });
  const named = tables.map(([, { table }]) => table);
  const missing = files
    .filter((file) => file.endsWith(".ts") && !file.endsWith("resource.ts"))
    .flatMap((file) => Object.entries(require(join(folder, file))).map(([name, value]) => ({ file, name, value })))
    .filter(({ value }) => value instanceof PropertyTable && !named.includes(value));
  expect(missing.map(({ file, name }) => `${name} in provider/kinds/${file}`)).toEqual([]);
});

describe.each(tables)("%s", (_name, lawful) => {
  const { table } = lawful;
  const readOf = (row: Properties, inputs: Properties) => lawful.seen?.(row, inputs) ?? row;
  const declared = fc.record(declarations(table));

  test("what is written is what is read: nothing differs then, and the inputs are as they were declared", () => {
    fc.assert(
      fc.property(declared, declared, rows(lawful), (inputs, previous, row) => {
        const wanted = table.wanted({ declared: inputs, previous });
        const changes = table.differing(wanted, readOf(row, previous));
        const now = readOf(after(row, written(lawful, wanted, changes)), inputs);
        expect(table.differing(wanted, now)).toEqual([]);
        const read = table.inputs(now, inputs);
        for (const name of table.names.filter((one) => inputs[one] !== undefined)) {
          expect(read[name]).toEqual(inputs[name]);
        }
      }),
    );
  });

  test("what nobody declares, now or before, is never changed", () => {
    fc.assert(
      fc.property(rows(lawful), (row) => {
        expect(table.difference({ declared: {}, previous: {}, row: readOf(row, {}) })).toEqual([]);
      }),
    );
  });

  test("one change is one path, and each writes something of its own", () => {
    fc.assert(
      fc.property(declared, rows(lawful), (inputs, row) => {
        const wanted = table.wanted({ declared: inputs, previous: {} });
        const changes = table.differing(wanted, readOf(row, {}));
        const own = changes.map((change) => Object.keys(written(lawful, wanted, [change])));
        expect(own.every((names) => names.length > 0)).toBe(true);
        expect(new Set(own.flat()).size).toBe(own.flat().length);
      }),
    );
  });
});

test.each(tables.filter(([, { table }]) => table.columns.length > 0))(
  "%s: each column that is read is selected, and each one that is written is read",
  (_name, lawful) => {
    const { table } = lawful;
    fc.assert(
      fc.property(fc.record(declarations(table)), rows(lawful), (inputs, row) => {
        const asked: string[] = [];
        const watched = new Proxy(row, {
          get(target, name) {
            asked.push(String(name));
            return target[String(name)];
          },
        });
        const changes = table.difference({ declared: inputs, previous: {}, row: watched });
        expect(table.columns).toEqual(expect.arrayContaining(asked));
        expect(table.columns).toEqual(expect.arrayContaining(Object.keys(table.parameters(changes))));
      }),
    );
  },
);
