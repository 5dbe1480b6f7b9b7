/**
 * How fast the services are asked: one schedule for each service and process.
 *
 * Exchange publishes no limits. So a schedule begins with few requests at a time, has more in flight while all goes well, and half as many
 * once a service says that it is too much. Where a service says how long to leave it alone, it is left alone that long. Calls about one
 * mailbox take turns with those about others, so that none waits for all of another's.
 *
 * Graph documents a limit for each mailbox: four requests of an application in flight. It holds for Outlook's part of Graph alone.
 *
 * @see https://learn.microsoft.com/graph/throttling-limits#outlook-service-limits
 */
import { DEFAULTS } from "../configuration/configuration";
import { type Call, cancelled, type Outgoing, type Send } from "./call";
import { delayIn } from "./classify";
import { TimeoutError } from "./errors";
import { mapOf, rowsOf } from "./json";
import { answersIn, parseRateLimit, parseRetryAfter, type Received, receivedAlone, serviceErrorOf } from "./parse";

/** Most requests in flight at a time. */
export interface Ceilings {
  exchange: number;
  graph: number;
  /** For each environment: Dataverse allows a user 52. */
  dataverse: number;
}

/** What is allowed where nothing else is configured. */
export const CEILINGS: Ceilings = { exchange: DEFAULTS.maxConcurrency, graph: 8, dataverse: 8 };

/** How many are in flight before anything is known. Exchange: what its PowerShell sessions were allowed. */
export const FIRST: Ceilings = { exchange: 3, graph: 4, dataverse: 4 };

/** Requests of an application that Graph serves in one mailbox at a time. */
const IN_ONE_MAILBOX = 4;

/** Longest silence after a request that Exchange held back, in milliseconds: it has slowed us down itself. */
const LONGEST_CALM = 10_000;

/** How many requests may be in flight, as it is learned from the answers. */
class Window {
  readonly #ceiling: number;
  #size: number;
  /** Requests sent so far: each is known by its number. */
  #sent = 0;
  /** The last request that was sent when the window was halved: what was sent before says nothing new. */
  #halvedAt = 0;
  /** The last request with which the window was full. */
  #fullAt = 0;
  #successes = 0;

  constructor(first: number, ceiling: number) {
    this.#ceiling = ceiling;
    this.#size = Math.min(first, ceiling);
  }

  get size(): number {
    return this.#size;
  }

  /**
   * Counts a request that is sent.
   *
   * @param inFlight how many are in flight with it.
   * @returns its number.
   */
  send(inFlight: number): number {
    this.#sent += 1;
    if (inFlight >= this.#size) {
      this.#fullAt = this.#sent;
    }
    return this.#sent;
  }

  /**
   * A request was served. At first each lets one more in; after a refusal only as many as the window holds. Only in a full window do they
   * show anything.
   */
  succeeded(number: number): void {
    if (number <= this.#halvedAt || number > this.#fullAt) {
      return;
    }
    this.#successes += 1;
    if (this.#halvedAt === 0 || this.#successes >= this.#size) {
      this.#size = Math.min(this.#size + 1, this.#ceiling);
      this.#successes = 0;
    }
  }

  /** The service said that it was too much. All that was in flight then is one event. */
  halve(number: number): void {
    if (number > this.#halvedAt) {
      this.#size = Math.max(1, Math.floor(this.#size / 2));
      this.#halvedAt = this.#sent;
      this.#successes = 0;
    }
  }
}

/** What an answer says about the pace; times in milliseconds. */
interface Signals {
  /** Whether the service took the request on, whatever it thought of it. */
  isServed: boolean;
  isTooMuch: boolean;
  /** How long the service wants silence. */
  silence: number;
  /** The same of single mailboxes. */
  mailboxes: ReadonlyMap<string, number>;
}

const OUTLOOK =
  /^(?:\/v1\.0)?\/users\/([^/?]+)\/(?:mailboxSettings|mailFolders|messages|messageRules|outlook|inferenceClassification)(?=[/?(]|$)/i;

/** The mailbox in whose store a path of Graph is. */
function mailboxIn(path: string): string | undefined {
  return OUTLOOK.exec(path)?.[1]?.toLowerCase();
}

/** The requests inside a `$batch`; the call itself where it is none. */
function partsOf({ path, body }: Call): { id?: unknown; url: string }[] {
  const parts = isBatch(path) ? rowsOf(mapOf(body).requests) : undefined;
  return parts?.map(({ id, url }) => ({ id, url: String(url) })) ?? [{ url: path }];
}

function isBatch(path: string): boolean {
  return path.endsWith("/$batch");
}

/** How many requests a call has in the store of each mailbox. */
function placesOf(call: Call): Map<string, number> {
  const places = new Map<string, number>();
  for (const mailbox of call.service === "graph" ? partsOf(call).map(({ url }) => mailboxIn(url)) : []) {
    if (mailbox !== undefined) {
      // Graph itself runs no more than that many of a batch at a time.
      places.set(mailbox, Math.min((places.get(mailbox) ?? 0) + 1, IN_ONE_MAILBOX));
    }
  }
  return places;
}

/** What takes turns: a mailbox, another object, or a batch, which is about many. */
function concernOf({ about, path, service }: Call): string | symbol {
  if (isBatch(path)) {
    return Symbol("batch");
  }
  const user = service === "graph" ? /^\/v1\.0\/users\/([^/?]+)/i.exec(path)?.[1] : undefined;
  return (about ?? user ?? path.replace(/\?.*$/s, "")).toLowerCase();
}

/** What one answer says, alone or out of a batch. */
function signalsOf(call: Call, received: Received): { isTooMuch: boolean; silence: number } {
  const { headers, status, text = "" } = received;
  const now = Date.now();
  const told = parseRetryAfter(headers.get("retry-after"), now, headers.get("date"));
  const isTurnedAway = status === 429 || status === 503;
  const delay = call.service === "exchange" ? delayIn(text) : 0;
  // Exchange has been seen to say it in plain text under a status of success.
  const isRefusal = status >= 400 || (call.service === "exchange" && text !== "" && !/^\s*[{[]/.test(text));
  return {
    isTooMuch:
      delay > 0 ||
      (isTurnedAway && told !== undefined) ||
      (isRefusal && serviceErrorOf(call, received, now).class === "throttled"),
    silence: Math.max(isTurnedAway ? (told ?? 0) : 0, parseRateLimit(headers, now) ?? 0, Math.min(delay, LONGEST_CALM)),
  };
}

function signalsIn(call: Call, received: Received): Signals {
  const mailboxes = new Map<string, number>();
  const isServed = received.status < 500;
  let { isTooMuch, silence } = signalsOf(call, received);
  const of = mailboxIn(call.path);
  if (call.service === "graph" && of !== undefined && silence > 0) {
    mailboxes.set(of, silence);
    return { isServed, isTooMuch: false, silence: 0, mailboxes };
  }
  for (const { url, ...answer } of refusedInside(call, received)) {
    const inner = signalsOf({ ...call, path: url }, answer);
    const mailbox = call.service === "graph" ? mailboxIn(url) : undefined;
    if (mailbox === undefined) {
      isTooMuch ||= inner.isTooMuch;
      silence = Math.max(silence, inner.silence);
    } else {
      mailboxes.set(mailbox, Math.max(mailboxes.get(mailbox) ?? 0, inner.silence));
    }
  }
  return { isServed, isTooMuch, silence, mailboxes };
}

/** The answers of a batch that turn a request away for now. */
function refusedInside(call: Call, { text = "" }: Received): (Received & { url: string })[] {
  // Nearly every batch holds none, and to parse them all once more would take time for nothing.
  if (!isBatch(call.path) || !/"status"\s*:\s*"?(429|503|509)/.test(text)) {
    return [];
  }
  const urls = new Map(partsOf(call).map(({ id, url }) => [String(id), url]));
  try {
    return [...answersIn(JSON.parse(text))]
      .filter(([, { status }]) => [429, 503, 509].includes(status))
      .map(([id, answer]) => ({ url: urls.get(id) ?? "", ...receivedAlone(answer) }));
  } catch {
    // What is no answer to a batch is judged where it is read.
    return [];
  }
}

/** A call that waits for its turn. */
interface Waiting {
  places: ReadonlyMap<string, number>;
  deadline: number;
  take(number: number): void;
  refuse(error: unknown): void;
  overdue(pause: number): Error;
}

/** What a call holds while it is in flight. */
interface Place {
  number: number;
  places: ReadonlyMap<string, number>;
}

/** Node's timers fire at once when they are set for longer. */
const LONGEST_TIMER = 2 ** 31 - 1;

/** The schedule of one service. */
class Schedule {
  readonly window: Window;
  #inFlight = 0;
  #silentUntil = 0;
  /** Who is next: the first call of the first concern that may go. A concern that was served goes to the end. */
  readonly #waiting = new Map<string | symbol, Waiting[]>();
  readonly #mailboxes = new Map<string, { inFlight: number; silentUntil: number }>();
  readonly #onSilence: (until: number) => void;
  #timer: NodeJS.Timeout | undefined;

  /** @param onSilence told of each silence that is kept: when it ends, in epoch milliseconds. */
  constructor(window: Window, onSilence: (until: number) => void) {
    this.window = window;
    this.#onSilence = onSilence;
  }

  /**
   * Waits for the call's turn.
   *
   * @throws CancelledError, TimeoutError when its bounds end before; nothing was sent then.
   */
  enter({ call, bounds }: Pick<Outgoing, "call" | "bounds">): Promise<Place> {
    const concern = concernOf(call);
    const places = placesOf(call);
    return new Promise((resolve, reject) => {
      const stop = (): void => {
        clearTimeout(timer);
        bounds.signal.removeEventListener("abort", leave);
      };
      const waiting: Waiting = {
        places,
        deadline: bounds.deadline,
        take: (number) => {
          stop();
          resolve({ number, places });
        },
        refuse: (error) => {
          stop();
          reject(error);
        },
        overdue: (pause) => overdue(call, pause),
      };
      const leave = (): void => {
        this.#drop(concern, waiting);
        waiting.refuse(bounds.signal.aborted ? cancelled(call.action) : overdue(call, 0));
      };
      const timer = setTimeout(leave, Math.min(Math.max(0, bounds.deadline - Date.now()), LONGEST_TIMER));
      bounds.signal.addEventListener("abort", leave);
      this.#waiting.set(concern, [...(this.#waiting.get(concern) ?? []), waiting]);
      if (bounds.signal.aborted || bounds.deadline <= Date.now()) {
        leave();
      } else {
        this.#depart();
      }
    });
  }

  /** @param signals what the answer said; undefined where none came. */
  leave({ number, places }: Place, signals: Signals | undefined): void {
    this.#inFlight -= 1;
    for (const [mailbox, count] of places) {
      const state = this.#stateOf(mailbox);
      state.inFlight -= count;
      if (state.inFlight === 0 && state.silentUntil <= Date.now()) {
        this.#mailboxes.delete(mailbox);
      }
    }
    if (signals !== undefined) {
      const now = Date.now();
      if (signals.isTooMuch) {
        this.window.halve(number);
      } else if (signals.isServed) {
        this.window.succeeded(number);
      }
      if (signals.silence > 0) {
        this.#silentUntil = Math.max(this.#silentUntil, now + signals.silence);
        this.#onSilence(this.#silentUntil);
      }
      for (const [mailbox, silence] of signals.mailboxes) {
        const state = this.#stateOf(mailbox);
        state.silentUntil = Math.max(state.silentUntil, now + silence);
        this.#onSilence(state.silentUntil);
      }
    }
    this.#depart();
  }

  isSilenced(mailbox: string): boolean {
    return (this.#mailboxes.get(mailbox)?.silentUntil ?? 0) > Date.now();
  }

  #stateOf(mailbox: string): { inFlight: number; silentUntil: number } {
    const state = this.#mailboxes.get(mailbox) ?? { inFlight: 0, silentUntil: 0 };
    this.#mailboxes.set(mailbox, state);
    return state;
  }

  /** Lets go whoever may. */
  #depart(): void {
    clearTimeout(this.#timer);
    const now = Date.now();
    if (this.#silentUntil > now) {
      this.#refuseWhatIsTooLate(now);
      this.#again(this.#silentUntil - now);
      return;
    }
    while (this.#inFlight < this.window.size) {
      const next = this.#next(now);
      if (next === undefined) {
        break;
      }
      this.#inFlight += 1;
      for (const [mailbox, count] of next.places) {
        this.#stateOf(mailbox).inFlight += count;
      }
      next.take(this.window.send(this.#inFlight));
    }
    const ends = [...this.#mailboxes.values()].map(({ silentUntil }) => silentUntil).filter((end) => end > now);
    if (ends.length > 0) {
      this.#again(Math.min(...ends) - now);
    }
  }

  #again(milliseconds: number): void {
    if (this.#waiting.size > 0) {
      this.#timer = setTimeout(() => this.#depart(), Math.min(milliseconds, LONGEST_TIMER));
    }
  }

  /** Takes the next call out of the queue. */
  #next(now: number): Waiting | undefined {
    // Who waits for a mailbox must not be overtaken by one who comes later and wants less of it.
    const wanted = new Set<string>();
    for (const [concern, [first]] of this.#waiting) {
      if (first === undefined) {
        continue;
      }
      if ([...first.places].every((place) => !wanted.has(place[0]) && this.#hasRoom(place, now))) {
        this.#drop(concern, first);
        const rest = this.#waiting.get(concern);
        if (rest !== undefined) {
          this.#waiting.delete(concern);
          this.#waiting.set(concern, rest);
        }
        return first;
      }
      for (const mailbox of first.places.keys()) {
        wanted.add(mailbox);
      }
    }
    return undefined;
  }

  #hasRoom([mailbox, count]: readonly [string, number], now: number): boolean {
    const { inFlight = 0, silentUntil = 0 } = this.#mailboxes.get(mailbox) ?? {};
    return silentUntil <= now && inFlight + count <= IN_ONE_MAILBOX;
  }

  #drop(concern: string | symbol, waiting: Waiting): void {
    const rest = (this.#waiting.get(concern) ?? []).filter((one) => one !== waiting);
    if (rest.length === 0) {
      this.#waiting.delete(concern);
    } else {
      this.#waiting.set(concern, rest);
    }
    if (this.#waiting.size === 0) {
      // Nobody is left whom the end of a silence concerns: a process that has no more to do ends.
      clearTimeout(this.#timer);
    }
  }

  /** Whoever has less time left than the silence lasts is told so at once. */
  #refuseWhatIsTooLate(now: number): void {
    const pause = this.#silentUntil - now;
    for (const [concern, all] of this.#waiting) {
      for (const waiting of all.filter(({ deadline }) => deadline <= this.#silentUntil)) {
        this.#drop(concern, waiting);
        waiting.refuse(waiting.overdue(pause));
      }
    }
  }
}

function overdue(call: Call, pause: number): TimeoutError {
  return new TimeoutError({
    action: call.action,
    words:
      pause > 0
        ? `the service asks for ${Math.ceil(pause / 1000)} s of silence, which is more time than there is left`
        : "there was no time left to send the request",
    nextStep: "Nothing was sent: run `pulumi up` again.",
  });
}

/** The schedules of all services. */
export class Pacing {
  readonly #ceilings: Ceilings;
  readonly #first: Ceilings;
  readonly #onSilence: (until: number) => void;
  readonly #schedules = new Map<string, Schedule>();

  /**
   * @param ceilings most requests in flight.
   * @param first how many are in flight before anything is known.
   * @param onSilence told of each silence that a service asks for: when it ends, in epoch milliseconds.
   */
  constructor(ceilings: Ceilings, first: Ceilings, onSilence: (until: number) => void) {
    this.#ceilings = ceilings;
    this.#first = first;
    this.#onSilence = onSilence;
  }

  /** How many requests of a service may be in flight by now. */
  windowOf(service: "exchange" | "graph"): number {
    return this.#scheduleOf({ service }).window.size;
  }

  /** Whether Graph has asked for silence about the mailbox in whose store a path is. */
  isSilenced(path: string): boolean {
    return this.#scheduleOf({ service: "graph" }).isSilenced(mailboxIn(path) ?? "");
  }

  /** Lets requests through at the pace of their service. A call whose bounds end before its turn fails; nothing was sent then. */
  through(next: Send): Send {
    return async (outgoing) => {
      const schedule = this.#scheduleOf(outgoing.call);
      const place = await schedule.enter(outgoing);
      let signals: Signals | undefined;
      try {
        const received = await next(outgoing);
        signals = signalsIn(outgoing.call, received);
        return received;
      } finally {
        schedule.leave(place, signals);
      }
    };
  }

  #scheduleOf({ service, base = "" }: Pick<Call, "service" | "base">): Schedule {
    const name = `${service} ${base}`;
    const window = () => new Window(this.#first[service], this.#ceilings[service]);
    const schedule = this.#schedules.get(name) ?? new Schedule(window(), this.#onSilence);
    this.#schedules.set(name, schedule);
    return schedule;
  }
}
