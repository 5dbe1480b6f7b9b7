import fc from "fast-check";
import { z } from "zod";
import type { Properties } from "../../provider/core/kind";
import { type MemoryOf, Recorder, remembering } from "../../provider/core/memory";
import { kindNames, kinds } from "../../provider/kinds";

const notes = remembering({ ids: z.record(z.string(), z.string()) }, { former: z.number(), text: z.string() });
type Notes = MemoryOf<typeof notes>;

const value = <T>(one: fc.Arbitrary<T>) => fc.option(one, { nil: undefined });
const remembered: fc.Arbitrary<Notes> = fc.record({
  // No address or id is called that.
  ids: value(
    fc.dictionary(
      fc.string().filter((key) => key !== "__proto__"),
      fc.string(),
    ),
  ),
  former: value(fc.integer()),
  text: value(fc.string()),
});

const defined = (values: Properties) =>
  Object.fromEntries(Object.entries(values).filter(([, one]) => one !== undefined));

test("a memory survives being written and read, whatever other outputs stand beside it", () => {
  fc.assert(
    fc.property(remembered, (memory) => {
      const state = JSON.parse(JSON.stringify(notes.write({ ...memory, other: 1 })));
      expect(notes.read(state)).toEqual(memory);
      expect(state.other).toBe(1);
    }),
  );
});

test("a memory is read from a state in which all of it was outputs, and stays there in a refresh", () => {
  fc.assert(
    fc.property(remembered, (memory) => {
      const flat = defined(memory);
      expect(notes.read(flat)).toEqual(memory);
      expect(notes.write(memory, flat)).toEqual(flat);
    }),
  );
});

test("nothing that only this package reads stands among the outputs", () => {
  expect(notes.write({ ids: { ada: "1" }, former: 3, text: undefined })).toEqual({
    ids: { ada: "1" },
    __memory: { former: 3 },
  });
});

test("null is nothing, and what this package cannot have written is refused without being told", () => {
  expect(notes.read({ ids: null, __memory: null })).toEqual({ ids: undefined, former: undefined, text: undefined });
  expect(() => notes.read({ __memory: { former: "a secret" } })).toThrow(
    /^the state has a value of former that pulumi-mailboxes cannot have written/,
  );
  expect(() => notes.read({ __memory: { former: "a secret" } })).not.toThrow(/a secret/);
});

test("a memory of which something is forgotten does not compile", () => {
  // @ts-expect-error: nothing says what becomes of `text`.
  const forgotten: Notes = { ids: undefined, former: undefined };
  expect(forgotten).toBeDefined();
});

describe.each(kindNames)("the memory of %s", (kind) => {
  test("has no name that an input has, and none of the provider's own", () => {
    const { memory, schema } = kinds[kind].reconciler;
    expect(memory.names.filter((name) => name in schema.shape || name.startsWith("__"))).toEqual([]);
  });
});

describe("what an operation has recorded", () => {
  const kind = { schema: { shape: { name: {}, size: {} } }, memory: notes };
  type Inputs = { name: string; size: number };
  const state = { name: "a", size: 1, ids: { ada: "1" }, former: 3, other: "kept" };

  test("is nothing at first: a failure then leaves the state as it is", () => {
    const recorder = new Recorder<Inputs, Notes>(kind, state, "id");
    recorder.identify("id");
    expect(recorder.isPartial).toBe(false);
  });

  test("is saved beside what the state had, and what was forgotten is gone", () => {
    const recorder = new Recorder<Inputs, Notes>(kind, state, "id");
    recorder.record({ inputs: { size: 2 }, memory: { former: undefined, text: "new" } });
    expect(recorder.isPartial).toBe(true);
    expect(recorder.properties()).toEqual({
      name: "a",
      size: 2,
      ids: { ada: "1" },
      other: "kept",
      __memory: { text: "new" },
    });
  });

  test("is saved of a new object only once it has an id", () => {
    const recorder = new Recorder<Inputs, Notes>(kind, {});
    recorder.record({ memory: { former: 1 } });
    expect(recorder.isPartial).toBe(false);
    recorder.record({ id: "made" });
    expect(recorder.isPartial).toBe(true);
  });

  test("leaves what was read before as it was", () => {
    const recorder = new Recorder<Inputs, Notes>(kind, state, "id");
    const before = recorder.snapshot();
    recorder.record({ inputs: { name: "b" }, memory: { ids: {} } });
    expect(before).toMatchObject({ inputs: { name: "a" }, memory: { ids: { ada: "1" } } });
    expect(recorder).toMatchObject({ inputs: { name: "b" }, memory: { ids: {} } });
  });
});
