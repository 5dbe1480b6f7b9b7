/**
 * The life of each kind of the list, through the sample programs of its description. A new kind is in here without a line; what is its own
 * has tests of its own.
 */
import { kindNames, kinds } from "../../provider/kinds";
import { startWorld } from "./harness";

test.each(kindNames)("%s settles after each of its programs, and goes", async (kind) => {
  const { samples } = kinds[kind];
  const world = await startWorld();
  const resource = world.resource(kind, "sample");
  for (const program of samples) {
    await resource.up(program);
    expect(await resource.plan(program)).toEqual([]);
    expect(await resource.refresh()).toEqual({});
    expect(await resource.plan(program)).toEqual([]);
  }
  const seen = await world.resource(kind, "seen").get(resource.id, Object.keys(resource.outputs));
  expect(seen.id).toBe(resource.id);
  await resource.destroy();
  expect(await resource.plan(samples[0] ?? {})).toEqual(["create"]);
});
