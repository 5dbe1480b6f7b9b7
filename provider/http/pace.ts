/**
 * Keeps within what the services stand: a ceiling for requests in flight, and silence while a service asks for it.
 *
 * Exchange publishes no limits; three at a time is what its PowerShell sessions were allowed. Graph runs four Outlook
 * requests at a time for an application. Dataverse allows 52 for a user.
 */
import type { Call, CallContext } from "./call";
import { cancelled, wait } from "./call";
import { delayIn } from "./classify";
import { TimeoutError } from "./errors";
import { parseRateLimit, parseRetryAfter } from "./parse";
import type { Received } from "./refusal";
import type { Outgoing, Send } from "./transport";

/** Requests in flight at a time. */
export interface Ceilings {
  exchange: number;
  /** Accounts, licences and the rest of the directory. */
  graph: number;
  /** Mailbox settings, inbox rules, folders. */
  outlook: number;
  /** For each environment. */
  dataverse: number;
}

/** What is allowed where nothing else is configured. */
export const CEILINGS: Ceilings = { exchange: 3, graph: 8, outlook: 4, dataverse: 8 };

const OUTLOOK_PATHS =
  /\/(mailboxSettings|mailFolders|messages|messageRules|outlook|inferenceClassification)(?=[/?(]|$)/i;

/** Where a call queues: requests of one lane share a ceiling and a pause. */
function laneOf(call: Call): { name: string; ceiling: keyof Ceilings } {
  if (call.service === "graph") {
    const path = call.path.replace(/\?.*$/s, "");
    const ceiling = OUTLOOK_PATHS.test(path) ? "outlook" : "graph";
    return { name: ceiling, ceiling };
  }
  return { name: `${call.service} ${call.base ?? ""}`, ceiling: call.service };
}

/** A queue with a ceiling. First come, first served. */
class Lane {
  #inFlight = 0;
  #pausedUntil = 0;
  readonly #waiting = new Set<() => void>();

  constructor(readonly ceiling: number) {}

  /** Nothing new is sent for this long. */
  pause(milliseconds: number): void {
    this.#pausedUntil = Math.max(this.#pausedUntil, Date.now() + milliseconds);
  }

  /** Takes a place, and keeps it through a pause, so that the order of arrival holds. */
  async enter({ call, bounds }: Outgoing): Promise<void> {
    if (this.#inFlight < this.ceiling) {
      this.#inFlight += 1;
    } else {
      await this.#turn(call, bounds);
    }
    try {
      for (;;) {
        const pause = Math.max(0, this.#pausedUntil - Date.now());
        refuseWhenOver(call, bounds, pause);
        if (pause === 0) {
          return;
        }
        await wait(pause, bounds.signal, call.action);
      }
    } catch (error) {
      this.leave();
      throw error;
    }
  }

  /** Gives the place to the call that has waited longest. */
  leave(): void {
    const [next] = this.#waiting;
    if (next === undefined) {
      this.#inFlight -= 1;
    } else {
      next();
    }
  }

  /** Resolves with a place; rejects when the call is cancelled or out of time before that. */
  #turn(call: Call, bounds: CallContext): Promise<void> {
    return new Promise((resolve, reject) => {
      const stop = (): void => {
        this.#waiting.delete(take);
        clearTimeout(timer);
        bounds.signal.removeEventListener("abort", give);
      };
      const take = (): void => {
        stop();
        resolve();
      };
      const give = (): void => {
        stop();
        try {
          refuseWhenOver(call, bounds, 0, true);
        } catch (error) {
          reject(error);
        }
      };
      const timer = setTimeout(give, Math.min(Math.max(0, bounds.deadline - Date.now()), LONGEST_TIMER));
      bounds.signal.addEventListener("abort", give);
      this.#waiting.add(take);
      if (bounds.signal.aborted) {
        give();
      }
    });
  }
}

/** Node's timers fire at once when they are set for longer. */
const LONGEST_TIMER = 2 ** 31 - 1;

function refuseWhenOver(call: Call, bounds: CallContext, pause: number, isOver = false): void {
  if (bounds.signal.aborted) {
    throw cancelled(call.action);
  }
  if (isOver || Date.now() + pause >= bounds.deadline) {
    throw new TimeoutError({
      action: call.action,
      words:
        pause > 0
          ? `the service asks for ${Math.ceil(pause / 1000)} s of silence, which is more time than there is left`
          : "there was no time left to send the request",
      nextStep: "Nothing was sent: run `pulumi up` again.",
    });
  }
}

/** Longest silence after a request that Exchange held back, in milliseconds: it has slowed us down itself. */
const LONGEST_CALM = 10_000;

/** The silence that an answer asks for, in milliseconds. */
function silenceOf(call: Call, { headers, status, text }: Received): number {
  const now = Date.now();
  const retryAfter =
    status === 429 || status === 503
      ? parseRetryAfter(headers.get("retry-after"), now, headers.get("date"))
      : undefined;
  const calm = call.service === "exchange" ? Math.min(delayIn(text ?? ""), LONGEST_CALM) : 0;
  return Math.max(retryAfter ?? 0, parseRateLimit(headers, now) ?? 0, calm);
}

/**
 * Lets requests through at the pace of their service. A call whose bounds end before its turn fails with a CancelledError or
 * TimeoutError; nothing was sent then.
 */
export function pacing(ceilings: Ceilings, next: Send): Send {
  const lanes = new Map<string, Lane>();
  const laneFor = (call: Call): Lane => {
    const { name, ceiling } = laneOf(call);
    const lane = lanes.get(name) ?? new Lane(ceilings[ceiling]);
    lanes.set(name, lane);
    return lane;
  };
  return async (outgoing) => {
    const lane = laneFor(outgoing.call);
    await lane.enter(outgoing);
    try {
      const received = await next(outgoing);
      lane.pause(silenceOf(outgoing.call, received));
      return received;
    } finally {
      lane.leave();
    }
  };
}
