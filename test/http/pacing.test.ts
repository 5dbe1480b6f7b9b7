/** How fast the services are asked, by a clock that the test moves. */
import { setMaxListeners } from "node:events";
import type { Call, CallContext } from "../../provider/http/call";
import { CEILINGS, FIRST, Pacing } from "../../provider/http/pacing";
import type { Received } from "../../provider/http/parse";
import { CMDLET, READ } from "./service";

jest.useFakeTimers();

interface Sent {
  call: Call;
  at: number;
  answer(status?: number, headers?: Record<string, string>, text?: string): Promise<void>;
}

const NEVER = new AbortController().signal;
setMaxListeners(0, NEVER);
const IN_TIME = (): CallContext => ({ signal: NEVER, deadline: Date.now() + 3_600_000 });
const HELD_BACK = JSON.stringify({
  "@adminapi.warnings": ["Micro delay applied. Actual delayed: 200 msecs, Enforced: True"],
});

/** A service that answers when the test says so. */
function paced(ceilings = CEILINGS) {
  const sent: Sent[] = [];
  const open = new Set<Sent>();
  const silences: number[] = [];
  const pacing = new Pacing(ceilings, FIRST, (until) => silences.push(until));
  const through = pacing.through(
    ({ call }) =>
      new Promise<Received>((resolve) => {
        const entry: Sent = {
          call,
          at: Date.now(),
          answer: async (status = 200, headers = {}, text = "{}") => {
            open.delete(entry);
            resolve({ status, headers: new Headers(headers), text });
            await settled();
          },
        };
        sent.push(entry);
        open.add(entry);
      }),
  );
  const ask = (call: Call, bounds = IN_TIME()): Promise<Received> =>
    through({ call, bounds, url: "", hostSetting: "", headers: {}, body: undefined, attempt: 1 });
  return {
    sent,
    open,
    silences,
    pacing,
    ask,
    /** Sends many that nobody waits for. */
    async flood(count: number, call: (index: number) => Call = (index) => about(`box${index}`)) {
      for (let index = 0; index < count; index += 1) {
        void ask(call(index)).catch(() => undefined);
      }
      await settled();
    },
    /** Answers all that is open. */
    async round() {
      await Promise.all([...open].map((one) => one.answer()));
    },
  };
}

/** Lets promises go as far as they do without a timer. */
async function settled(): Promise<void> {
  await jest.advanceTimersByTimeAsync(0);
}

function about(mailbox: string): Call {
  return { ...CMDLET, about: mailbox };
}

const rulesOf = (mailbox: string): Call => ({
  ...READ,
  path: `/v1.0/users/${mailbox}/mailFolders/inbox/messageRules`,
});

describe("the window", () => {
  test("begins with three of Exchange and has more with each success, up to the ceiling", async () => {
    const service = paced();
    await service.flood(100);
    const sizes = [service.open.size];
    for (let round = 0; round < 4; round += 1) {
      await service.round();
      sizes.push(service.open.size);
    }
    expect(sizes).toEqual([3, 6, 10, 10, 10]);
  });

  test("stays as it is for one who asks one thing after the other", async () => {
    const service = paced();
    for (let time = 0; time < 20; time += 1) {
      await service.flood(1);
      await service.round();
    }
    expect(service.pacing.windowOf("exchange")).toBe(3);
  });

  test.each([
    ["429", 429, {}, ""],
    ["503 with Retry-After", 503, { "retry-after": "0" }, ""],
    [
      "the plain text, whatever the status",
      500,
      {},
      "You have reached the maximum number of concurrent requests per tenant.",
    ],
    [
      "the plain text under a success",
      200,
      {},
      "You have reached the maximum number of concurrent requests per tenant.",
    ],
    ["a micro delay", 200, {}, HELD_BACK],
  ])("halves at %s, once for all that was in flight then", async (_what, status, headers, text) => {
    const service = paced();
    await service.flood(100);
    await service.round();
    await service.round();
    expect(service.open.size).toBe(10);
    for (const one of [...service.open]) {
      await one.answer(status, headers, text);
    }
    expect(service.pacing.windowOf("exchange")).toBe(5);
    await jest.advanceTimersByTimeAsync(1000);
    expect(service.open.size).toBe(5);
    // What is sent after that tells of a new event.
    await [...service.open][0]?.answer(status, headers, text);
    expect(service.pacing.windowOf("exchange")).toBe(2);
  });

  test("recovers by one for each round that goes well", async () => {
    const service = paced();
    await service.flood(200);
    await service.round();
    await service.round();
    for (const one of [...service.open]) {
      await one.answer(429);
    }
    const sizes = [service.open.size];
    for (let round = 0; round < 3; round += 1) {
      await service.round();
      sizes.push(service.open.size);
    }
    expect(sizes).toEqual([5, 6, 7, 8]);
  });

  test("never closes", async () => {
    const service = paced({ ...CEILINGS, exchange: 2 });
    await service.flood(20);
    for (let time = 0; time < 5; time += 1) {
      await [...service.open][0]?.answer(429);
    }
    expect(service.pacing.windowOf("exchange")).toBe(1);
    expect(service.open.size).toBe(1);
  });

  test("learns nothing from faults", async () => {
    const service = paced();
    await service.flood(20);
    await Promise.all([...service.open].map((one) => one.answer(502)));
    expect(service.pacing.windowOf("exchange")).toBe(3);
  });
});

describe("silence", () => {
  test.each([
    ["Retry-After", 429, () => ({ "retry-after": "1.234" }), 1234],
    ["Retry-After of a 503", 503, () => ({ "retry-after": "2" }), 2000],
    [
      "a budget that is used up",
      200,
      () => ({ "rate-limit-remaining": "0", "rate-limit-reset": new Date(Date.now() + 777).toISOString() }),
      777,
    ],
  ])("by %s is kept to the millisecond, by the whole service and no other", async (_what, status, headers, wait) => {
    const service = paced();
    await service.flood(1);
    await service.sent[0]?.answer(status, headers());
    const told = Date.now();
    await service.flood(3);
    await service.flood(1, () => READ);
    expect(service.sent.slice(1).map(({ call }) => call.service)).toEqual(["graph"]);
    await jest.advanceTimersByTimeAsync(wait - 1);
    expect(service.sent).toHaveLength(2);
    await jest.advanceTimersByTimeAsync(1);
    expect(service.sent[2]?.at).toBe(told + wait);
    expect(service.silences).toEqual([told + wait]);
  });

  test("asked for inside a batch counts for the service", async () => {
    const service = paced();
    const batch = { ...CMDLET, path: "/adminapi/beta/contoso.com/$batch", body: { requests: [{ id: "0", url: "x" }] } };
    await service.flood(1, () => batch);
    const responses = [{ id: "0", status: 429, headers: { "Retry-After": "3" }, body: {} }];
    await service.sent[0]?.answer(200, {}, JSON.stringify({ responses }));
    await service.flood(1);
    await jest.advanceTimersByTimeAsync(2999);
    expect(service.sent).toHaveLength(1);
    await jest.advanceTimersByTimeAsync(1);
    expect(service.sent).toHaveLength(2);
    expect(service.pacing.windowOf("exchange")).toBe(1);
  });

  test("asked for by one mailbox of Outlook is kept by that mailbox", async () => {
    const service = paced();
    await service.flood(1, () => rulesOf("ada"));
    await service.sent[0]?.answer(429, { "retry-after": "2" });
    await service.flood(1, () => rulesOf("ada"));
    await service.flood(1, () => rulesOf("grace"));
    expect(service.sent.slice(1).map(({ call }) => call.path)).toEqual([rulesOf("grace").path]);
    await jest.advanceTimersByTimeAsync(1999);
    expect(service.sent).toHaveLength(2);
    await jest.advanceTimersByTimeAsync(1);
    expect(service.sent).toHaveLength(3);
  });

  test("keeps no process alive for its end once nobody waits for that", async () => {
    const before = jest.getTimerCount();
    const service = paced();
    const first = service.ask(CMDLET);
    await settled();
    await service.sent[0]?.answer(429, { "retry-after": "600" });
    await first;
    const cancel = new AbortController();
    const held = service.ask(CMDLET, { ...IN_TIME(), signal: cancel.signal });
    cancel.abort();
    await expect(held).rejects.toThrow(/cancelled/);
    expect(service.sent).toHaveLength(1);
    expect(jest.getTimerCount()).toBe(before);
  });

  test("that lasts longer than a call has time ends the call at once", async () => {
    const service = paced();
    await service.flood(1);
    await service.sent[0]?.answer(429, { "retry-after": "60" });
    const bounds = { signal: NEVER, deadline: Date.now() + 30_000 };
    await expect(service.ask(CMDLET, bounds)).rejects.toThrow(/asks for 60 s of silence, which is more time than/);
  });
});

describe("turns", () => {
  test("one mailbox's many calls do not keep another's waiting", async () => {
    const service = paced({ ...CEILINGS, exchange: 1 });
    await service.flood(50, () => about("busy"));
    await service.flood(1, () => about("other"));
    await service.flood(1, () => about("third"));
    for (let time = 0; time < 4; time += 1) {
      await service.round();
    }
    expect(service.sent.map(({ call }) => call.about)).toEqual(["busy", "busy", "other", "third", "busy"]);
  });

  test("four requests are in flight in one mailbox of Outlook, and those of others go", async () => {
    const service = paced();
    await service.flood(20, () => rulesOf("busy"));
    expect(service.open.size).toBe(4);
    await service.round();
    await service.round();
    expect(service.open.size).toBe(4);
    await service.flood(2, (index) => rulesOf(`other${index}`));
    expect(service.open.size).toBe(6);
  });

  test("a batch counts in each mailbox with what it asks there", async () => {
    const service = paced();
    const batch = (...mailboxes: string[]): Call => ({
      ...READ,
      method: "POST",
      path: "/v1.0/$batch",
      body: {
        requests: mailboxes.map((mailbox, id) => ({
          id: `${id}`,
          method: "GET",
          url: `/users/${mailbox}/mailboxSettings`,
        })),
      },
    });
    await service.flood(1, () => batch("ada", "ada", "ada", "grace"));
    await service.flood(1, () => batch("ada", "ada"));
    // It comes after the batch, which would wait for ever if all who want less of this mailbox went first.
    await service.flood(1, () => rulesOf("ada"));
    await service.flood(1, () => rulesOf("grace"));
    expect(service.sent.map(({ call }) => call.path)).toEqual(["/v1.0/$batch", rulesOf("grace").path]);
    await service.sent[0]?.answer();
    expect(service.sent).toHaveLength(4);
  });

  test("a call that is cancelled gives its turn to the next", async () => {
    const service = paced({ ...CEILINGS, exchange: 1 });
    await service.flood(1);
    const cancel = new AbortController();
    const cancelled = service.ask(about("x"), { ...IN_TIME(), signal: cancel.signal });
    await service.flood(1, () => about("y"));
    cancel.abort();
    await expect(cancelled).rejects.toThrow(/cancelled/);
    await service.round();
    expect(service.sent.map(({ call }) => call.about)).toEqual(["box0", "y"]);
  });

  test("a call whose time is over in the queue says so", async () => {
    const service = paced({ ...CEILINGS, exchange: 1 });
    await service.flood(1);
    const late = service.ask(CMDLET, { signal: NEVER, deadline: Date.now() + 1000 });
    const said = expect(late).rejects.toThrow(/no time left to send the request/);
    await jest.advanceTimersByTimeAsync(1000);
    await said;
  });
});
