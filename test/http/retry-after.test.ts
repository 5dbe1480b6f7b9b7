import fc from "fast-check";
import { parseRateLimit, parseRetryAfter } from "../../provider/http/parse";
import { delayOf } from "../../provider/http/pipeline";

const NOW = Date.parse("2026-09-01T10:00:00Z");

describe("Retry-After", () => {
  it.each<[string | null, number | undefined]>([
    ["120", 120_000],
    ["0", 0],
    [" 7 ", 7_000],
    ["1.5", 1_500],
    ["0.0301", 31],
    ["Tue, 01 Sep 2026 10:00:30 GMT", 30_000],
    ["Tuesday, 01-Sep-26 10:00:30 GMT", 30_000],
    ["Tue Sep  1 10:00:30 2026", 30_000],
    ["Tue, 01 Sep 2026 09:00:00 GMT", 0],
    ["", undefined],
    [null, undefined],
    ["-5", undefined],
    ["1e3", undefined],
    ["soon", undefined],
    ["2026-09-01", undefined],
    ["10 s", undefined],
  ])("%s", (header, expected) => {
    expect(parseRetryAfter(header, NOW)).toBe(expected);
  });

  it("counts a date from the server's own clock where the answer tells it", () => {
    const header = "Tue, 01 Sep 2026 10:00:30 GMT";
    expect(parseRetryAfter(header, NOW - 3_600_000, "Tue, 01 Sep 2026 10:00:10 GMT")).toBe(20_000);
    expect(parseRetryAfter(header, NOW, "no date")).toBe(30_000);
  });

  it("never is negative or not a number", () => {
    fc.assert(
      fc.property(fc.string(), (header) => {
        const parsed = parseRetryAfter(header, NOW);
        return parsed === undefined || parsed >= 0;
      }),
    );
  });
});

describe("Rate-Limit headers", () => {
  it.each([
    ["0", "2026-09-01T10:00:05Z", 5_000],
    ["0", "2026-09-01T12:00:05.0000000+02:00", 5_000],
    ["0", "12", 12_000],
    ["0", "2026-09-01T09:00:00Z", 0],
    ["3", "2026-09-01T10:00:05Z", undefined],
    ["0", "later", undefined],
  ])("%s left, reset %s", (remaining, reset, expected) => {
    const headers = new Headers({ "Rate-Limit-Remaining": remaining, "Rate-Limit-Reset": reset });
    expect(parseRateLimit(headers, NOW)).toBe(expected);
  });

  it("may be missing", () => {
    expect(parseRateLimit(new Headers(), NOW)).toBeUndefined();
  });
});

describe("the wait before the next attempt", () => {
  const backoff = { first: 100, longest: 1_000, attempts: 10 };

  it("doubles up to the longest, with jitter over its upper half", () => {
    expect([1, 2, 3, 4, 5, 50].map((attempt) => delayOf(backoff, attempt, undefined, 0))).toEqual([
      50, 100, 200, 400, 500, 500,
    ]);
    expect(delayOf(backoff, 1, undefined, 0.5)).toBe(75);
  });

  it("is what the service asks for, never nothing", () => {
    expect(delayOf(backoff, 5, 1_234, 0.9)).toBe(1_234);
    expect(delayOf(backoff, 1, 0, 0.9)).toBeGreaterThan(0);
  });
});
