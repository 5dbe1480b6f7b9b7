import { defaultSettings, type Settings } from "../../provider/local-tenant/tenant";
import { type Answer, type Environment, type Options, startEnvironment } from "./dataverse-environment";

const requestsLeft = "x-ms-ratelimit-burst-remaining-xrm-requests";
const timeLeft = "x-ms-ratelimit-time-remaining-xrm-requests";

let environment: Environment;

beforeEach(async () => {
  environment = await startEnvironment();
});

afterEach(() => environment.close());

function limit(limits: Partial<Settings["serviceProtection"]>): void {
  environment.tenant.configure({ serviceProtection: limits });
}

function read(options: Options = {}): Promise<Answer> {
  return environment.send("GET", "mailboxes?$select=name", options);
}

function pass(milliseconds: number): void {
  environment.tenant.advance(milliseconds);
}

const refusal = ({ status, code }: Answer) => [status, code];

test("the limits are the documented ones until they are changed", async () => {
  expect(defaultSettings().serviceProtection).toMatchObject({
    requests: 6000,
    executionTime: 1_200_000,
    concurrency: 52,
    window: 300_000,
  });
  const { headers } = await read();
  expect([headers.get(requestsLeft), headers.get(timeLeft)]).toEqual([
    "5999",
    expect.stringMatching(/^1,(200|199)\.\d\d$/),
  ]);
});

// @shows dataverse.service-limits dataverse.retry-after
test("one request too many is refused until the first has left the window", async () => {
  limit({ requests: 3 });
  expect((await read()).headers.get(requestsLeft)).toBe("2");
  pass(60_000);
  await read();
  expect((await read()).headers.get(requestsLeft)).toBe("0");
  const refused = await environment.send("POST", "mailboxes", {
    body: { name: "Late", emailaddress: "late@contoso.com" },
  });
  expect(refusal(refused)).toEqual([429, "0x80072322"]);
  expect(refused.json.error).toMatchObject({
    message: "Number of requests exceeded the limit of 3 over time window of 300 seconds.",
  });
  expect(refused.headers.get(requestsLeft)).toBe("0");
  const wait = Number(refused.headers.get("retry-after"));
  expect(wait).toBeGreaterThan(200);
  expect(wait).toBeLessThanOrEqual(240);
  pass(wait * 1000);
  const served = await read();
  expect([served.status, served.json.value]).toEqual([200, []]);
  expect(refusal(await read())).toEqual([429, "0x80072322"]);
});

test("the limits are each user's own; who cannot sign in uses nobody's", async () => {
  limit({ requests: 1 });
  await fetch(`${environment.base}mailboxes`);
  expect((await read()).status).toBe(200);
  expect((await read()).status).toBe(429);
  expect((await read({ who: "reader" })).status).toBe(200);
});

// @shows dataverse.remaining-headers
test("a request that is refused for another reason counts and tells what is left", async () => {
  limit({ requests: 2 });
  const unknown = await environment.send("GET", "contacts");
  expect([unknown.status, unknown.headers.get(requestsLeft)]).toEqual([404, "1"]);
  expect((await read()).status).toBe(200);
  expect((await read()).status).toBe(429);
});

test("too many requests at once: one is refused, the next alone is served", async () => {
  limit({ concurrency: 2, latency: 30 });
  const answers = await Promise.all([read(), read(), read()]);
  const refused = answers.filter(({ status }) => status === 429);
  expect(refused.map(refusal)).toEqual([[429, "0x80072326"]]);
  expect(refused[0]?.json.error).toMatchObject({ message: "Number of concurrent requests exceeded the limit of 2." });
  expect(refused[0]?.headers.get("retry-after")).toBe("1");
  expect((await read()).status).toBe(200);
});

test("too much execution time is refused until enough of it has left the window", async () => {
  limit({ executionTime: 10, latency: 15 });
  const slow = await read();
  expect([slow.status, slow.headers.get(timeLeft)]).toEqual([200, "0.00"]);
  const refused = await read();
  expect(refusal(refused)).toEqual([429, "0x80072321"]);
  expect(refused.headers.get(timeLeft)).toBe("0.00");
  expect(refused.json.error).toMatchObject({ message: expect.stringContaining("limit of 10 milliseconds") });
  pass(Number(refused.headers.get("retry-after")) * 1000);
  expect((await read()).status).toBe(200);
});
