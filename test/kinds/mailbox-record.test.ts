import fc from "fast-check";
import type { Change } from "../../provider/core/kind";
import { Recorder } from "../../provider/core/memory";
import { Registry } from "../../provider/core/registry";
import {
  type IndividualInputs,
  type IndividualOperation,
  type KnownIndividual,
  type Memory,
  memory,
  PROPERTIES,
  type Property,
  schema,
} from "../../provider/kinds/individual-mailbox/desired";
import {
  recordFormer,
  settleGiven,
  valuesFor,
  valuesToPutBack,
} from "../../provider/kinds/individual-mailbox/former-values";
import { type RecordValues, recordDifference } from "../../provider/kinds/mailbox-record/values";
import {
  columnsFor,
  columnsOfNew,
  type KnownQueue,
  memory as memoryOfQueue,
  type QueueInputs,
  queueDifference,
} from "../../provider/kinds/queue/desired";
import {
  appointmentsMethods,
  emailFilters,
  incomingMethods,
  type MailboxRow,
  outgoingMethods,
  type QueueRow,
} from "../../provider/services/dataverse";

const guid = (number: number) => `10000000-0000-4000-8000-00000000000${number}`;
const address = fc.constantFrom("ada@contoso.com", "ada.l@contoso.com", "ada.k@contoso.com");
const profile = fc.constantFrom(guid(1), guid(2), guid(3));
const credentials = fc.record({ userName: fc.constantFrom("ada", "grace"), password: fc.constantFrom("one", "two") });

const row: fc.Arbitrary<MailboxRow> = fc
  .record({
    emailAddress: fc.oneof(address, fc.constant("")),
    serverProfileId: fc.option(profile, { nil: undefined }),
    incoming: fc.constantFrom(...incomingMethods),
    outgoing: fc.constantFrom(...outgoingMethods),
    appointmentsContactsTasks: fc.constantFrom(...appointmentsMethods),
    deleteAfterProcessing: fc.boolean(),
    signsInAs: fc.option(fc.constantFrom("ada", "grace"), { nil: undefined }),
  })
  .map(({ signsInAs, ...given }) => ({
    id: guid(9),
    etag: 'W/"1"',
    name: "Ada Lovelace",
    ownerId: guid(8),
    isForwardMailbox: false,
    regarding: guid(8),
    usesCredentials: signsInAs !== undefined,
    userName: signsInAs,
    isPasswordSet: signsInAs !== undefined,
    approval: "Approved",
    incomingStatus: "Success",
    outgoingStatus: "Success",
    appointmentsContactsTasksStatus: "Success",
    testCompletedOn: undefined,
    isTestScheduled: false,
    lastError: undefined,
    isActive: true,
    createdOn: undefined,
    ...given,
  }));

/** Inputs whose server profile is written by its id, and null for nobody's credentials. */
const inputs: fc.Arbitrary<IndividualInputs> = fc.record(
  {
    user: fc.constant("ada@contoso.com"),
    emailAddress: address,
    serverProfile: profile,
    incomingEmail: fc.constantFrom(...incomingMethods),
    outgoingEmail: fc.constantFrom(...outgoingMethods),
    appointmentsContactsTasks: fc.constantFrom(...outgoingMethods),
    deleteAfterProcessing: fc.boolean(),
    credentials,
  },
  { requiredKeys: ["user"] },
);

/** The record after some values were written. */
function written(values: RecordValues, before: MailboxRow): MailboxRow {
  const after = { ...before };
  for (const [property, value] of Object.entries(values).filter(([, one]) => one !== undefined)) {
    switch (property as Property) {
      case "emailAddress":
        after.emailAddress = (value as string | null) ?? "";
        break;
      case "serverProfile":
        after.serverProfileId = (value as string | null) ?? undefined;
        break;
      case "incomingEmail":
        after.incoming = value as MailboxRow["incoming"];
        break;
      case "outgoingEmail":
        after.outgoing = value as MailboxRow["outgoing"];
        break;
      case "credentials":
        after.userName = (value as { userName: string } | null)?.userName;
        after.usesCredentials = value !== null;
        after.isPasswordSet = value !== null;
        break;
      default:
        Object.assign(after, { [property]: value });
    }
  }
  return after;
}

const pathsOf = (changes: readonly Change[]) => changes.map(({ path }) => path.join("/"));
const valuesIn = (declared: IndividualInputs): RecordValues => {
  const { user: _user, ...values } = declared;
  return values as RecordValues;
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
        expect(recordDifference(values, after, first.credentials)).toEqual([]);
        const others = valuesIn(second);
        const changes = recordDifference(others, after, first.credentials);
        expect(recordDifference(others, written(others, after), second.credentials)).toEqual([]);
        const names = Object.keys(others).filter((name) => others[name as Property] !== undefined);
        expect(names).toEqual(expect.arrayContaining(pathsOf(changes)));
        // Only what differs is named.
        for (const name of names.filter((one) => !pathsOf(changes).includes(one))) {
          const one = { [name]: others[name as Property] } as RecordValues;
          expect(recordDifference(one, after, first.credentials)).toEqual([]);
        }
      }),
    );
  });

  test("says nothing of a password", () => {
    fc.assert(
      fc.property(row, credentials, credentials, (before, first, second) => {
        const words = JSON.stringify(recordDifference({ credentials: first }, before, second));
        expect(words).not.toMatch(/"(one|two)/);
      }),
    );
  });
});

describe("what a record was before", () => {
  /** What a resource does in one deployment, without the service: the record afterwards. */
  function deploy(
    declared: IndividualInputs,
    before: MailboxRow,
    known: Recorder<IndividualInputs, Memory>,
  ): MailboxRow {
    const operation = operationOn(known);
    const previous = known.snapshot();
    const profileId = declared.serverProfile || undefined;
    const values = valuesFor(declared, profileId, previous, before, [], known);
    recordFormer(declared, before, false, operation);
    const after = written(values, before);
    recordFormer(declared, after, false, operation);
    settleGiven(declared, { ...valuesIn(declared) }, operation);
    known.settle(declared, known.memory);
    expect(valuesFor(declared, profileId, known.snapshot(), after, [], known)).toEqual(valuesIn(declared));
    return after;
  }

  const begun = () => new Recorder<IndividualInputs, Memory>({ schema, memory }, { former: {} });

  test("goes back whole, through any programs", () => {
    fc.assert(
      fc.property(row, fc.array(inputs, { minLength: 1, maxLength: 4 }), (before, programs) => {
        const start = { ...before, usesCredentials: false, userName: undefined, isPasswordSet: false };
        const state = begun();
        const last = programs.reduce<MailboxRow>((now, program) => deploy(program, now, state), start);
        expect(written(valuesToPutBack(last, state), last)).toEqual(start);
      }),
    );
  });

  test("does not undo what somebody changed since, nor what was never declared", () => {
    fc.assert(
      fc.property(row, inputs, inputs, (before, program, byHand) => {
        const start = { ...before, usesCredentials: false, userName: undefined, isPasswordSet: false };
        const state = begun();
        const deployed = deploy(program, start, state);
        const hands = valuesIn(byHand);
        const changed = written(hands, deployed);
        const back = valuesToPutBack(changed, state);
        const end = written(back, changed);
        for (const property of PROPERTIES) {
          const one = { [property]: hands[property] } as RecordValues;
          const isTheirs =
            hands[property] !== undefined && recordDifference(one, deployed, byHand.credentials).length > 0;
          if (isTheirs) {
            expect(property in back).toBe(false);
          }
          if (program[property] === undefined) {
            expect(property in back).toBe(false);
          }
        }
        // A refresh takes it into the state, which changes nothing of that.
        const refreshed: KnownIndividual = { ...state.snapshot(), inputs: hands as IndividualInputs };
        expect(valuesToPutBack(changed, refreshed)).toEqual(back);
        expect(end).toEqual(written(back, changed));
      }),
    );
  });

  test("of an imported one is not known", () => {
    fc.assert(
      fc.property(row, inputs, inputs, (before, first, second) => {
        const state = new Recorder<IndividualInputs, Memory>({ schema, memory }, { ...first });
        const after = deploy(first, before, state);
        expect(valuesToPutBack(deploy(second, after, state), state)).toEqual({});
      }),
    );
  });
});

describe("a queue", () => {
  const queue: fc.Arbitrary<QueueRow> = fc.record({
    id: fc.constant(guid(7)),
    etag: fc.constant('W/"1"'),
    name: fc.constantFrom("Support", "Sales"),
    emailAddress: fc.option(address, { nil: undefined }),
    ownerId: fc.constantFrom(guid(1), guid(2)),
    incoming: fc.constantFrom("None", "ServerSideSynchronization", "ForwardMailbox"),
    outgoing: fc.constantFrom("None", "ServerSideSynchronization"),
    filtering: fc.constantFrom(...emailFilters),
    mailboxId: fc.constant(guid(9)),
    itemCount: fc.nat(),
    createdOn: fc.constant(undefined),
  });
  const program: fc.Arbitrary<QueueInputs> = fc.record(
    {
      name: fc.constantFrom("Support", "Sales"),
      emailAddress: address,
      incomingEmail: fc.constantFrom("None", "ServerSideSynchronization", "ForwardMailbox"),
      outgoingEmail: fc.constantFrom("None", "ServerSideSynchronization"),
      emailFiltering: fc.constantFrom(...emailFilters),
    },
    { requiredKeys: ["name", "emailAddress"] },
  );
  const owner = fc.option(fc.constantFrom({ table: "systemusers" as const, id: guid(1) }), { nil: undefined });

  const knownQueue = (held: Partial<QueueInputs>): KnownQueue => ({
    id: undefined,
    inputs: held,
    memory: memoryOfQueue.read({}),
  });

  /** The queue after columns were sent, as Dynamics keeps them. */
  function sent(columns: Record<string, unknown>, before: QueueRow): QueueRow {
    const bound = /\(([^)]+)\)/.exec(String(columns["ownerid@odata.bind"] ?? ""));
    const number = (column: string, old: number) => (columns[column] as number | undefined) ?? old;
    return {
      ...before,
      name: (columns.name as string | undefined) ?? before.name,
      emailAddress: (columns.emailaddress as string | undefined) ?? before.emailAddress,
      ownerId: bound?.[1] ?? before.ownerId,
      incoming:
        incomingMethods[number("incomingemaildeliverymethod", incomingMethods.indexOf(before.incoming))] ?? "None",
      outgoing:
        outgoingMethods[number("outgoingemaildeliverymethod", outgoingMethods.indexOf(before.outgoing))] ?? "None",
      filtering: emailFilters[number("incomingemailfilteringmethod", emailFilters.indexOf(before.filtering))] ?? "All",
    };
  }

  test("that was sent its differences differs in nothing, whatever was declared before", () => {
    fc.assert(
      fc.property(queue, program, program, owner, (before, previous, next, owned) => {
        const changes = queueDifference(next, owned, knownQueue(previous), before);
        const names = pathsOf(changes);
        const columns = columnsFor(changes, owned);
        expect(Object.keys(columns)).toHaveLength(names.length);
        const after = sent(columns, before);
        expect(queueDifference(next, owned, knownQueue(previous), after)).toEqual([]);
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
        expect(Object.keys(columnsOfNew(next, undefined))).toHaveLength(Object.keys(next).length);
      }),
    );
  });
});
