import fc from "fast-check";
import type { Change, Properties } from "../../provider/core/kind";
import { Recorder } from "../../provider/core/memory";
import { Registry } from "../../provider/core/registry";
import { seenRecord } from "../../provider/kinds/description";
import {
  type IndividualInputs,
  type IndividualOperation,
  type KnownIndividual,
  type Memory,
  memory,
  type Property,
  properties,
  schema,
} from "../../provider/kinds/individual-mailbox/desired";
import {
  recordFormer,
  settleGiven,
  valuesFor,
  valuesToPutBack,
} from "../../provider/kinds/individual-mailbox/former-values";
import type { RecordValues } from "../../provider/kinds/mailbox-record/properties";
import {
  type KnownQueue,
  memory as memoryOfQueue,
  type QueueInputs,
  queueDifference,
  properties as queueProperties,
  queueValues,
} from "../../provider/kinds/queue/desired";
import { mailboxOf, queueOf } from "../../provider/services/dataverse";
import { after as afterColumns, declarations, guid, rows } from "./property-values";

const credentials = fc.record({ userName: fc.constantFrom("ada", "grace"), password: fc.constantFrom("one", "two") });

/** The record of a user, as Dataverse keeps it. */
const row = rows({ table: properties });
const recordOf = (raw: Properties) => mailboxOf({ mailboxid: guid(9), _regardingobjectid_value: guid(8), ...raw });

/** Inputs whose server profile is written by its id. */
const inputs: fc.Arbitrary<IndividualInputs> = fc
  .record({ user: fc.constant("ada@contoso.com"), ...declarations(properties) })
  .map(
    (all) =>
      // Nobody's credentials and no profile are another test's.
      Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)) as IndividualInputs,
  );

/** The record after some values were written. */
const written = (values: RecordValues, before: Properties): Properties =>
  afterColumns(before, properties.columnsOf(values));
const differing = (values: RecordValues, raw: Properties, credentials: unknown = undefined) =>
  properties.differing(values, seenRecord(raw, { credentials }));

const pathsOf = (changes: readonly Change[]) => changes.map(({ path }) => path.join("/"));
const valuesIn = (declared: IndividualInputs): RecordValues => {
  return properties.wanted({ declared, previous: {} });
};
/** An operation as far as what was there before needs one. */
const operationOn = (known: Recorder<IndividualInputs, Memory>): IndividualOperation =>
  ({
    known,
    record: (what: Parameters<IndividualOperation["record"]>[0]) => known.record(what),
    registry: new Registry(),
    warn: () => undefined,
  }) as unknown as IndividualOperation;

describe("a mailbox record", () => {
  test("that has what is declared differs in nothing, and one change is one path", () => {
    fc.assert(
      fc.property(row, inputs, inputs, (before, first, second) => {
        const values = valuesIn(first);
        const after = written(values, before);
        expect(differing(values, after, first.credentials)).toEqual([]);
        const others = valuesIn(second);
        const changes = differing(others, after, first.credentials);
        expect(differing(others, written(others, after), second.credentials)).toEqual([]);
        const names = Object.keys(others).filter((name) => others[name as Property] !== undefined);
        expect(names).toEqual(expect.arrayContaining(pathsOf(changes)));
        // Only what differs is named.
        for (const name of names.filter((one) => !pathsOf(changes).includes(one))) {
          const one = { [name]: others[name as Property] } as RecordValues;
          expect(differing(one, after, first.credentials)).toEqual([]);
        }
      }),
    );
  });

  test("says nothing of a password", () => {
    fc.assert(
      fc.property(row, credentials, credentials, (before, first, second) => {
        const words = JSON.stringify(differing({ credentials: first }, before, second));
        expect(words).not.toMatch(/"(one|two)/);
      }),
    );
  });
});

describe("what a record was before", () => {
  /** What a resource does in one deployment, without the service: the record afterwards. */
  function deploy(
    declared: IndividualInputs,
    before: Properties,
    known: Recorder<IndividualInputs, Memory>,
  ): Properties {
    const operation = operationOn(known);
    const previous = known.snapshot();
    const id = declared.serverProfile || undefined;
    const profile = id === undefined ? undefined : ({ id, name: id } as Parameters<typeof valuesFor>[0]["profile"]);
    const desired = { inputs: declared, profile };
    const values = valuesFor(desired, previous, recordOf(before), [], known);
    recordFormer(declared, recordOf(before), false, operation);
    const after = written(values, before);
    recordFormer(declared, recordOf(after), false, operation);
    settleGiven(declared, { ...valuesIn(declared) }, operation);
    known.settle(declared, known.memory);
    expect(valuesFor(desired, known.snapshot(), recordOf(after), [], known)).toEqual(valuesIn(declared));
    return after;
  }

  const begun = () => new Recorder<IndividualInputs, Memory>({ schema, memory }, { former: {} });

  test("goes back whole, through any programs", () => {
    fc.assert(
      fc.property(row, fc.array(inputs, { minLength: 1, maxLength: 4 }), (before, programs) => {
        const start = written({ credentials: null }, before);
        const state = begun();
        const last = programs.reduce<Properties>((now, program) => deploy(program, now, state), start);
        expect(recordOf(written(valuesToPutBack(recordOf(last), state), last))).toEqual(recordOf(start));
      }),
    );
  });

  test("does not undo what somebody changed since, nor what was never declared", () => {
    fc.assert(
      fc.property(row, inputs, inputs, (before, program, byHand) => {
        const start = written({ credentials: null }, before);
        const state = begun();
        const deployed = deploy(program, start, state);
        const hands = valuesIn(byHand);
        const changed = written(hands, deployed);
        const back = valuesToPutBack(recordOf(changed), state);
        const end = written(back, changed);
        for (const property of properties.names) {
          const one = { [property]: hands[property] } as RecordValues;
          const isTheirs = hands[property] !== undefined && differing(one, deployed, byHand.credentials).length > 0;
          if (isTheirs) {
            expect(property in back).toBe(false);
          }
          if (program[property] === undefined) {
            expect(property in back).toBe(false);
          }
        }
        // A refresh takes it into the state, which changes nothing of that.
        const refreshed: KnownIndividual = { ...state.snapshot(), inputs: hands as IndividualInputs };
        expect(valuesToPutBack(recordOf(changed), refreshed)).toEqual(back);
        expect(end).toEqual(written(back, changed));
      }),
    );
  });

  test("of an imported one is not known", () => {
    fc.assert(
      fc.property(row, inputs, inputs, (before, first, second) => {
        const state = new Recorder<IndividualInputs, Memory>({ schema, memory }, { ...first });
        const after = deploy(first, before, state);
        expect(valuesToPutBack(recordOf(deploy(second, after, state)), state)).toEqual({});
      }),
    );
  });
});

describe("a queue", () => {
  const program = fc
    .record(declarations(queueProperties))
    .map((all) => all as unknown as QueueInputs & { owner?: { table: "systemusers"; id: string } });
  const knownQueue = (held: Partial<QueueInputs>): KnownQueue => ({
    id: undefined,
    inputs: held,
    memory: memoryOfQueue.read({}),
  });
  const queueRow = (raw: Properties) => queueOf({ queueid: guid(7), ...raw });

  test("that was sent its differences differs in nothing, whatever was declared before", () => {
    fc.assert(
      fc.property(rows({ table: queueProperties }), program, program, (before, previous, next) => {
        const desired = { inputs: next, profile: undefined, owner: next.owner };
        const changes = queueDifference(desired, knownQueue(previous), queueRow(before));
        const names = pathsOf(changes);
        const columns = queueProperties.columnsOf(queueValues(desired, knownQueue(previous)), changes);
        expect(Object.keys(columns)).toHaveLength(names.length);
        const after = queueRow(afterColumns(before, columns));
        expect(queueDifference(desired, knownQueue(previous), after)).toEqual([]);
        // What was never declared is not touched.
        for (const property of ["incomingEmail", "outgoingEmail", "emailFiltering"] as const) {
          if (previous[property] === undefined && next[property] === undefined) {
            expect(names).not.toContain(property);
          }
        }
      }),
    );
  });

  test("that is made anew is sent what is declared and nothing else", () => {
    fc.assert(
      fc.property(program, (next) => {
        const declared = Object.values(next).filter((value) => value !== undefined);
        expect(Object.keys(queueProperties.columnsOf(next))).toHaveLength(declared.length);
      }),
    );
  });
});
