import { summaryOf, Usage } from "../../provider/http/pipeline";
import { CMDLET, READ, WRITE } from "./service";

const BATCH = { ...CMDLET, path: "/adminapi/beta/contoso.com/$batch", body: { requests: Array(10).fill({}) } };

beforeEach(() => jest.useFakeTimers({ now: 0 }));
afterEach(() => jest.useRealTimers());

test("a deployment that asked nothing has nothing to say", () => {
  expect(summaryOf(new Usage())).toBeUndefined();
});

test("requests are counted over the wire, cmdlets one by one, and the reads that no request was needed for", () => {
  const usage = new Usage();
  for (const call of [BATCH, CMDLET, WRITE, READ]) {
    usage.sent(call);
  }
  usage.reads = 1234;
  expect(summaryOf(usage)).toBe(
    "mailboxes: 4 requests, 12 cmdlets, throttled for 0 s; shared reads saved 1,231 requests",
  );
});

test("one of each is one", () => {
  const usage = new Usage();
  usage.sent(CMDLET);
  usage.reads = 2;
  expect(summaryOf(usage)).toBe("mailboxes: 1 request, 1 cmdlet, throttled for 0 s; shared reads saved 1 request");
});

test("waits at the same time count once, and only as far as they went", () => {
  const usage = new Usage();
  usage.waits(3000);
  usage.waits(2000);
  jest.setSystemTime(1000);
  usage.waits(4000);
  expect(usage.throttled).toBe(1000);
  jest.setSystemTime(10_000);
  usage.waits(11_000);
  jest.setSystemTime(20_000);
  expect(usage.throttled).toBe(5000);
});

test.each([
  [400, "0.4"],
  [9960, "10"],
  [75_400, "75"],
])("%i ms are %s s", (milliseconds, seconds) => {
  const usage = new Usage();
  usage.sent(READ);
  usage.waits(milliseconds);
  jest.setSystemTime(milliseconds);
  expect(summaryOf(usage)).toContain(`throttled for ${seconds} s;`);
});
