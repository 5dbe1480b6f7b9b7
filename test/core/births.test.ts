import { Registry } from "../../provider/core/registry";

const [old, now] = ["urn:pulumi:dev::p::t::support", "urn:pulumi:dev::p::t::renamed"];

test("a resource has the URN of the program, and that of its birth where it is not in it", () => {
  const { births } = new Registry();
  expect(births.urnOf(old, () => ({}))).toBe(old);
  births.note(old, now, { a: 1 });
  expect(births.urnOf(old, () => ({}))).toBe(now);
});

test("two of one birth are told apart by their inputs, in whatever order their members stand", () => {
  const { births } = new Registry();
  births.note(old, now, { a: 1, b: { c: 2, d: undefined } });
  births.note(old, old, { a: 2 });
  expect(births.urnOf(old, () => ({ b: { c: 2 }, a: 1 }))).toBe(now);
  expect(births.urnOf(old, () => ({ a: 2 }))).toBe(old);
});

test("one that is deleted to be made again is the one of the program", () => {
  const [state, other] = [{ members: ["ada"] }, { members: ["grace"] }];
  const { births } = new Registry();
  expect(births.urnOfDeleted(old, state)).toBe(old);
  births.note(old, now, {});
  // Forced: the engine compares nothing.
  expect(births.urnOfDeleted(old, state)).toBe(now);
  births.compare(old, now, state, true);
  expect(births.urnOfDeleted(old, state)).toBe(now);
  expect(births.urnOfDeleted(old, other)).toBe(`${old} (former)`);
});

test("one that leaves the program is none of it, also where only its birth is that of another one", () => {
  const state = { members: ["ada"] };
  const { births } = new Registry();
  births.note(old, old, {});
  births.compare(old, old, state, false);
  expect(births.urnOfDeleted(old, state)).toBe(`${old} (former)`);
  births.note(now, now, {});
  births.make(now, now);
  expect(births.urnOfDeleted(now, state)).toBe(`${now} (former)`);
});
