import { readdirSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import type { Properties } from "../../provider/core/kind";
import { PropertyTable } from "../../provider/core/properties";
import { properties as ofForwarding } from "../../provider/kinds/forwarding-mailbox/desired";
import { properties as ofIndividual } from "../../provider/kinds/individual-mailbox/desired";
import { properties as ofQueue, ofRecord } from "../../provider/kinds/queue/desired";
import { accountProperties, typeProperties } from "../../provider/kinds/shared-mailbox/account";
import { limitProperties } from "../../provider/kinds/shared-mailbox/limits";
import { clientAccessProperties, mailboxProperties } from "../../provider/kinds/shared-mailbox/properties";
import { archiveProperties, holdProperties } from "../../provider/kinds/shared-mailbox/retention";
import { type AnyTable, after, declarations, rows, seenQueue, seenRecord } from "./property-values";

type Read = (row: Properties, inputs: Properties) => unknown;
const asIs: Read = (row) => row;

const tables: [string, AnyTable, Read][] = [
  ["mailboxProperties", mailboxProperties, asIs],
  ["clientAccessProperties", clientAccessProperties, asIs],
  ["limitProperties", limitProperties, asIs],
  ["holdProperties", holdProperties, asIs],
  ["the record of a forward mailbox", ofForwarding, seenRecord],
  ["the record of a user or queue", ofIndividual, seenRecord],
  ["a queue", ofQueue, seenQueue],
  ["the record of a queue", ofRecord, seenRecord],
];

/** What is written with a command of its own and not by parameters: the laws have nothing to look at. */
const byCommand: AnyTable[] = [accountProperties, archiveProperties, typeProperties];

test("every table of the kinds is among them", () => {
  const folder = join(__dirname, "../../provider/kinds");
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" });
  const named = [...byCommand, ...tables.map(([, table]) => table)];
  const missing = files
    .filter((file) => file.endsWith(".ts") && !file.endsWith("resource.ts"))
    .flatMap((file) => Object.entries(require(join(folder, file))).map(([name, value]) => ({ file, name, value })))
    .filter(({ value }) => value instanceof PropertyTable && !named.includes(value));
  expect(missing.map(({ file, name }) => `${name} in provider/kinds/${file}`)).toEqual([]);
});

describe.each(tables)("%s", (_name, table, readOf) => {
  const declared = fc.record(declarations(table));

  test("what is written is what is read: nothing differs then, and the inputs are as they were declared", () => {
    fc.assert(
      fc.property(declared, declared, rows(table), (inputs, previous, row) => {
        const wanted = table.wanted({ declared: inputs, previous });
        const changes = table.differing(wanted, readOf(row, previous));
        const now = readOf(after(row, table.columnsOf(wanted, changes)), inputs);
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
      fc.property(rows(table), (row) => {
        expect(table.difference({ declared: {}, previous: {}, row: readOf(row, {}) })).toEqual([]);
      }),
    );
  });

  test("one change is one path, and each writes something of its own", () => {
    fc.assert(
      fc.property(declared, rows(table), (inputs, row) => {
        const wanted = table.wanted({ declared: inputs, previous: {} });
        const changes = table.differing(wanted, readOf(row, {}));
        const written = changes.map((change) => Object.keys(table.columnsOf(wanted, [change])));
        expect(written.every((names) => names.length > 0)).toBe(true);
        expect(new Set(written.flat()).size).toBe(written.flat().length);
      }),
    );
  });
});

test.each(tables.filter(([, { columns }]) => columns.length > 0))(
  "%s: each column that is read is selected, and each one that is written is read",
  (_name, table) => {
    fc.assert(
      fc.property(fc.record(declarations(table)), rows(table), (inputs, row) => {
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
