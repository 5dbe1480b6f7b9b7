import { setTimeout as delay } from "node:timers/promises";
import type { Tenant } from "../tenant";
import { mailboxConcurrency } from "./errors";
import type { Answer } from "./request";

/** Requests to the mailbox store in flight, by application. */
export class OutlookLimit {
  // @documented graph.mailbox-concurrency: More than four requests of an application in flight in the mailbox store: 429 with
  // Retry-After [Microsoft Graph: throttling limits, Outlook]
  readonly #inFlight = new Map<string, number>();

  constructor(readonly tenant: Tenant) {}

  /**
   * Runs a request to the mailbox store as one of the application's few in flight at once; one too many is answered with 429
   * before it is run. Each takes `Settings.outlookLatency` at least, without which none would ever meet another.
   */
  async run(appId: string, request: () => Answer | Promise<Answer>): Promise<Answer> {
    const running = this.#inFlight.get(appId) ?? 0;
    if (running >= this.tenant.settings.outlookConcurrency) {
      throw mailboxConcurrency();
    }
    this.#inFlight.set(appId, running + 1);
    try {
      await delay(this.tenant.settings.outlookLatency);
      return await request();
    } finally {
      this.#inFlight.set(appId, (this.#inFlight.get(appId) ?? 1) - 1);
    }
  }
}
