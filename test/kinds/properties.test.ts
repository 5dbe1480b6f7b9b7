import fc from "fast-check";
import { clientAccessProperties, mailboxProperties } from "../../provider/kinds/shared-mailbox/properties";
import { type AnyTable, declarations, rows } from "./property-values";

const tables: [string, AnyTable][] = [
  ["mailboxProperties", mailboxProperties],
  ["clientAccessProperties", clientAccessProperties],
];

describe.each(tables)("%s", (_name, table) => {
  const declared = fc.record(declarations(table));

  test("what is written is what is read: nothing differs then, and the inputs are as they were declared", () => {
    fc.assert(
      fc.property(declared, declared, rows(table), (inputs, previous, row) => {
        const changes = table.difference({ declared: inputs, previous, row });
        const after = { ...row, ...table.parameters(changes) };
        expect(table.difference({ declared: inputs, previous, row: after })).toEqual([]);
        const read = table.inputs(after, inputs);
        for (const name of table.names.filter((one) => inputs[one] !== undefined)) {
          expect(read[name]).toEqual(inputs[name]);
        }
      }),
    );
  });

  test("what nobody declares, now or before, is never changed", () => {
    fc.assert(
      fc.property(rows(table), (row) => {
        expect(table.difference({ declared: {}, previous: {}, row })).toEqual([]);
      }),
    );
  });

  test("each column that is read is selected, and each one that is written is read", () => {
    fc.assert(
      fc.property(declared, rows(table), (inputs, row) => {
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
  });
});
