/** Deployments against services that ask for patience. */
import { driftOf, manyMailboxes, type Row, startWorld, type World } from "./harness";

const ADA = "ada@contoso.com";
const NAMES = Array.from({ length: 12 }, (_, index) => `box${index + 1}`);

async function counts(world: World) {
  return (await world.control("GET", "requests/counts")) as { tooEarly: number; byStatus: Record<string, number> };
}

test("a tenant that takes two requests at a time gets all of them, and none too early", async () => {
  const world = await startWorld({
    settings: { exchangeConcurrency: 2, exchangeRetryAfter: 120, cmdletLatency: 10 },
    config: { settleTimeout: "5m" },
  });
  expect(await driftOf(world, await manyMailboxes(world, NAMES, [ADA]))).toEqual([]);
  expect(await world.exchange("Get-MailboxPermission", { Identity: "box12@contoso.com", User: ADA })).toHaveLength(1);
  const { tooEarly, byStatus } = await counts(world);
  // The limit is nowhere published: it is met, and from then on kept away from.
  expect(byStatus[429]).toBeGreaterThan(0);
  expect(tooEarly).toBe(0);
});

test("a tenant that slows down and runs out of budget gets all requests, and none too early", async () => {
  const world = await startWorld({
    settings: { microDelay: 30, microDelayBeyond: 2, cmdletLatency: 5 },
    config: { settleTimeout: "5m" },
  });
  const budget = { "Rate-Limit-Remaining": "0", "Rate-Limit-Reset": "0.2" };
  const answer = { status: 503, headers: { "Retry-After": "0.25", ...budget } };
  await world.fault({ service: "exchange", after: 20, times: 3, answer });
  await world.fault({
    service: "graph",
    after: 5,
    times: 2,
    answer: { status: 429, headers: { "Retry-After": "0.3" } },
  });
  expect(await driftOf(world, await manyMailboxes(world, NAMES, [ADA]))).toEqual([]);
  const faults = (await world.control("GET", "faults")) as unknown as { hit: number }[];
  expect(faults.map(({ hit }) => hit)).toEqual([3, 2]);
  expect((await counts(world)).tooEarly).toBe(0);
});

test("the time for which a service was left alone is counted, and what shared reads saved", async () => {
  const world = await startWorld();
  const boxes = await manyMailboxes(world, NAMES);
  await world.control("DELETE", "requests");
  const usage = await world.deploying(async ({ services, usage: used }) => {
    await world.fault({ service: "exchange", answer: { status: 429, headers: { "Retry-After": "0.4" } } });
    await Promise.all(boxes.map(({ id }) => services.mailboxes.withId(id)));
    return used;
  });
  const { requests, byCmdlet } = (await world.control("GET", "requests/counts")) as {
    requests: Record<string, number>;
    byCmdlet: Row;
  };
  const { login: _signIn, ...wire } = requests;
  const sum = (all: object) => Object.values(all).reduce((total: number, one) => total + Number(one), 0);
  expect(usage).toMatchObject({ requests: sum(wire), cmdlets: sum(byCmdlet), reads: NAMES.length });
  expect(usage.throttled).toBeGreaterThanOrEqual(400);
  expect(usage.saved).toBe(NAMES.length - sum(wire));
});
