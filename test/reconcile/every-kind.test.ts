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

test.each(kindNames)("%s is not gone where something in front of a service answers 404", async (kind) => {
  const program = kinds[kind].samples.at(-1) ?? {};
  const world = await startWorld();
  const resource = await world.resource(kind, "sample").up(program);
  for (const [service = "", path] of [["exchange"], ["graph"], ["dataverse"], ["dataverse", "("]]) {
    const answer = { status: 404, headers: { "content-type": "text/html" }, body: "<html>Not here</html>" };
    await world.control("DELETE", "requests");
    await world.fault({ service, ...(path === undefined ? {} : { path }), times: "always", answer });
    const seen = await resource.refresh().catch((error: Error) => error.message);
    await world.control("DELETE", "faults");
    const { requests } = (await world.control("GET", "requests/counts")) as { requests: Record<string, number> };
    expect(seen).toEqual(requests[service] === undefined ? {} : expect.stringMatching(/^reading |^looking |^asking /));
  }
  expect(await resource.plan(program)).toEqual([]);
});
