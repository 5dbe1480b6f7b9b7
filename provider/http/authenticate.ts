/** Adds the token of the service, and gets a new one once when the service refuses it. */
import type { Context } from "@microsoft/microsoft-graph-client";
import type { TokenSource } from "./call";
import { Link, Sending, setHeader } from "./sending";

/** Signs every request in. A 401 proves that nothing happened, so that writes are sent again as well. */
export class Authenticate extends Link {
  readonly #tokens: TokenSource;

  constructor(tokens: TokenSource) {
    super();
    this.#tokens = tokens;
  }

  async execute(context: Context): Promise<void> {
    const sending = Sending.of(context);
    await this.#forwardWith(context, sending, false);
    if (sending.received?.status === 401) {
      await this.#forwardWith(context, sending, true);
    }
  }

  async #forwardWith(context: Context, sending: Sending, forceRefresh: boolean): Promise<void> {
    const { call, bounds } = sending;
    const token = await this.#tokens.token(call.service, {
      forceRefresh,
      signal: bounds.signal,
      ...(call.base === undefined ? {} : { environmentUrl: call.base }),
    });
    setHeader(context, "Authorization", `Bearer ${token}`);
    sending.received = undefined;
    await this.forward(context);
  }
}
