import { CancelledError, SettleError } from "../../provider/http/errors";
import { lastSeen, retryWhile, type Scope, settle } from "../../provider/services/waiting";

const said: string[] = [];

function scopeOf(settleTimeout: number, signal = new AbortController().signal): Scope {
  said.length = 0;
  return {
    signal,
    deadline: Date.now() + 60_000,
    settleTimeout,
    progress: (text) => said.push(text),
    warn: (text) => said.push(text),
  };
}

/** Answers with one after the other, and with the last for ever. */
function answers<T>(...all: T[]): { look: () => Promise<T>; count: () => number } {
  let asked = 0;
  return {
    look: async () => {
      asked += 1;
      return all[Math.min(asked, all.length) - 1] as T;
    },
    count: () => asked,
  };
}

describe("settle", () => {
  test("asks until the answer is the one waited for, and gives it the type that `done` proves", async () => {
    const { look, count } = answers<string | undefined>(undefined, "there");
    const seen: string = await settle({ what: "it", look, done: (one) => one !== undefined }, scopeOf(5_000));
    expect([seen, count(), said]).toEqual(["there", 2, ["waiting for it"]]);
  });

  test("asks several times in a row where it is told to", async () => {
    const { look, count } = answers(true, false, true, true);
    await settle({ what: "it", look, done: Boolean, times: 2 }, scopeOf(5_000));
    expect(count()).toBe(4);
  });

  test("looks again for what it has seen once, also where time is up: a slow answer does not fail what is there", async () => {
    const { look, count } = answers(true);
    await settle({ what: "it", look, done: Boolean, times: 2 }, scopeOf(0));
    expect(count()).toBe(2);
    const flapping = answers(true, false);
    await expect(settle({ what: "it", look: flapping.look, done: Boolean, times: 2 }, scopeOf(0))).rejects.toThrow(
      SettleError,
    );
  });

  test("sees what shows within the time, however long the looks take", async () => {
    const end = Date.now() + 30;
    let asked = 0;
    const look = async () => {
      asked += 1;
      while (Date.now() < end + 10) {
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      return asked > 1;
    };
    await settle({ what: "it", look, done: Boolean }, scopeOf(30));
    expect(asked).toBe(2);
  });

  test("looks a last time when time is up, and not later", async () => {
    const { look, count } = answers("old");
    const started = Date.now();
    await lastSeen({ what: "it", look, done: () => false }, scopeOf(20));
    expect(Date.now() - started).toBeGreaterThanOrEqual(20);
    expect(count()).toBeGreaterThanOrEqual(2);
  });

  test("fails when time is up, and says what was seen last", async () => {
    const { look } = answers("old");
    const wait = { what: "the alias", look, done: (one: string) => one === "new", describe: (one: string) => one };
    await expect(settle(wait, scopeOf(0))).rejects.toThrow(SettleError);
    await expect(settle(wait, scopeOf(0))).rejects.toThrow(/waited 0 s for the alias; last seen: old/);
  });

  test("ends when the operation is cancelled", async () => {
    const controller = new AbortController();
    const look = async () => {
      controller.abort();
      return false;
    };
    const cancelled = settle({ what: "the alias", look, done: Boolean }, scopeOf(5_000, controller.signal));
    await expect(cancelled).rejects.toThrow(CancelledError);
    await expect(cancelled).rejects.toThrow(/^waiting for the alias: cancelled/);
  });
});

test("lastSeen returns what there is when time is up", async () => {
  const { look, count } = answers("old");
  expect(await lastSeen({ what: "it", look, done: () => false }, scopeOf(0))).toBe("old");
  expect(count()).toBe(1);
});

describe("retryWhile", () => {
  const passing = new Error("busy");
  const isPassing = (error: unknown) => error === passing;

  /** Fails so often, then answers. */
  function failing(times: number, error: Error = passing): { attempt: () => Promise<string>; count: () => number } {
    let made = 0;
    const attempt = async () => {
      made += 1;
      if (made <= times) {
        throw error;
      }
      return "made";
    };
    return { attempt, count: () => made };
  }

  test("tries five times at once, and then throws what the last attempt threw", async () => {
    const enough = failing(4);
    expect(await retryWhile(isPassing, enough.attempt)).toBe("made");
    const tooMany = failing(5);
    await expect(retryWhile(isPassing, tooMany.attempt)).rejects.toBe(passing);
    expect([enough.count(), tooMany.count()]).toEqual([5, 5]);
  });

  test("tries until the settle timeout where time has to pass", async () => {
    const soon = failing(1);
    const wait = { what: "Exchange to know of it", scope: scopeOf(5_000) };
    expect(await retryWhile(isPassing, soon.attempt, wait)).toBe("made");
    expect(said).toEqual(["waiting for Exchange to know of it"]);
    const never = failing(Number.POSITIVE_INFINITY);
    await expect(retryWhile(isPassing, never.attempt, { what: "it", scope: scopeOf(0) })).rejects.toBe(passing);
  });

  test("ends at any other failure", async () => {
    const final = new Error("no");
    for (const wait of [undefined, { what: "it", scope: scopeOf(5_000) }]) {
      const { attempt, count } = failing(1, final);
      await expect(retryWhile(isPassing, attempt, wait)).rejects.toBe(final);
      expect(count()).toBe(1);
    }
  });
});
