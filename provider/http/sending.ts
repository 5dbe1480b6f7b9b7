/** What the middleware of one call share. It travels as a middleware option of the Graph client. */
import type { Context, Middleware, MiddlewareOptions } from "@microsoft/microsoft-graph-client";
import type { Call, CallContext } from "./call";
import type { Received } from "./refusal";

/** One call on its way: what is asked, and what has come back so far. */
export class Sending implements MiddlewareOptions {
  /** How often it was sent, this time included. */
  attempt = 0;
  /** The `client-request-id` of the latest attempt. */
  clientRequestId: string | undefined;
  /** The latest answer; undefined before the first one and after a lost one. */
  received: Received | undefined;
  /** What the call failed with, once it has. */
  failure: unknown;

  constructor(
    readonly call: Call,
    /** The absolute URL. The Graph client would parse and rebuild it, and alters some queries on the way. */
    readonly url: string,
    readonly bounds: CallContext,
    /** The setting that chose the host, for the error when it cannot be reached. */
    readonly hostSetting: string,
  ) {}

  /** The call that a request of the Graph client belongs to. */
  static of(context: Context): Sending {
    const sending = context.middlewareControl?.getMiddlewareOptions(Sending);
    if (!(sending instanceof Sending)) {
      throw new TypeError("the request did not come through the pipeline");
    }
    return sending;
  }
}

/** A link of the chain. */
export abstract class Link implements Middleware {
  #next: Middleware | undefined;

  /** Called by the Graph client when it builds the chain. */
  setNext(next: Middleware): void {
    this.#next = next;
  }

  abstract execute(context: Context): Promise<void>;

  /** Hands the request on to the next link. */
  protected async forward(context: Context): Promise<void> {
    if (this.#next === undefined) {
      throw new TypeError("the chain ends before the request is sent");
    }
    await this.#next.execute(context);
  }
}

/** Sets a header of a request in the making. */
export function setHeader(context: Context, name: string, value: string): void {
  context.options ??= {};
  const headers = new Headers(context.options.headers);
  headers.set(name, value);
  context.options.headers = headers;
}
