import type { Call, Send } from "./call";
import { mapOf, rowsOf } from "./json";

/** What a process has asked of the services so far, sign-in left out. */
export class Usage {
  /** Over the wire, repetitions included; a `$batch` is one. */
  requests = 0;
  /** Of Exchange; those of a `$batch` one by one. */
  cmdlets = 0;
  /** Reads that somebody asked for, of what is read for several at a time. */
  reads = 0;
  /** Requests of Exchange and Graph that read. */
  #readRequests = 0;
  #throttled = 0;
  #throttledUntil = 0;

  /** Counts a request. */
  sent({ service, kind, body }: Pick<Call, "service" | "kind" | "body">): void {
    this.requests += 1;
    if (service === "exchange") {
      this.cmdlets += rowsOf(mapOf(body).requests)?.length ?? 1;
    }
    if (kind === "read" && service !== "dataverse") {
      this.#readRequests += 1;
    }
  }

  /** Notes that calls wait because a service has too much to do. Waits at the same time count once. @param until epoch milliseconds. */
  waits(until: number): void {
    const from = Math.max(Date.now(), this.#throttledUntil);
    if (until > from) {
      this.#throttled += until - from;
      this.#throttledUntil = until;
    }
  }

  /** Milliseconds in which calls waited so. */
  get throttled(): number {
    return this.#throttled - Math.max(0, this.#throttledUntil - Date.now());
  }

  /** How many requests more it would have taken to read each thing by itself. */
  get saved(): number {
    return Math.max(0, this.reads - this.#readRequests);
  }
}

/** What was asked, in one line for people; undefined where nothing was. */
export function summaryOf({ requests, cmdlets, throttled, saved }: Usage): string | undefined {
  if (requests === 0) {
    return undefined;
  }
  const counted = (count: number, what: string): string =>
    `${count.toLocaleString("en-US")} ${what}${count === 1 ? "" : "s"}`;
  const seconds = (throttled / 1000).toLocaleString("en-US", { maximumFractionDigits: throttled < 10_000 ? 1 : 0 });
  const asked = `${counted(requests, "request")}, ${counted(cmdlets, "cmdlet")}, throttled for ${seconds} s`;
  return `mailboxes: ${asked}; shared reads saved ${counted(saved, "request")}`;
}

/** Counts what is sent. */
export function counting(usage: Usage, next: Send): Send {
  return (outgoing) => {
    usage.sent(outgoing.call);
    return next(outgoing);
  };
}
