/**
 * Tells of every request: one structured line each, and counts. Neither bodies nor headers are ever in a line; only a
 * {@link Witness}, which a provider process never has, is handed them.
 */
import { randomUUID } from "node:crypto";
import { appendFileSync } from "node:fs";
import type { Context } from "@microsoft/microsoft-graph-client";
import type { Call, Service } from "./call";
import { delayIn } from "./classify";
import { redact } from "./redact";
import type { Received } from "./refusal";
import { Link, Sending, setHeader, TransportFailure } from "./transport";

/** One request, as it is told. */
export interface TraceLine {
  /** ISO 8601, when it was sent. */
  time: string;
  service: Service;
  kind: Call["kind"];
  method: Call["method"];
  /** Host, path and query. */
  url: string;
  /** Exchange cmdlet. */
  cmdlet?: string;
  action: string;
  /** From 1; more than that is a repetition. */
  attempt: number;
  /** HTTP status; missing when no answer came. */
  status?: number;
  /** Why no answer came: `ECONNREFUSED`. */
  failure?: string;
  /** Milliseconds from sending to the end of the answer. */
  duration: number;
  /** Milliseconds of it in which Exchange held the request back, because there were too many ("Micro delay applied"). */
  delayed?: number;
  clientRequestId: string;
  requestId?: string;
}

/** Takes trace lines. Must not throw. */
export type TraceSink = (line: TraceLine) => void;

/** One request and what came back, bodies included. */
export interface Exchanged {
  /** The very object that was handed to the pipeline: a repetition has the same one. */
  call: Call;
  url: string;
  /** Undefined when no answer came. */
  received: Received | undefined;
}

/** Takes whole requests and answers. They hold personal data: whoever keeps them redacts them. Must not throw. */
export type Witness = (exchanged: Exchanged) => void;

/**
 * How many requests were sent, by service and kind, repetitions included, and how many of them met throttling: answered 429 or
 * 509, or held back by the service.
 */
export type RequestCounts = Record<Service, Record<Call["kind"] | "throttled", number>>;

/** A sink that appends one JSON line a request to a file. Where that fails, tracing ends and work goes on. */
export function traceToFile(path: string): TraceSink {
  let isBroken = false;
  return (line) => {
    if (isBroken) {
      return;
    }
    try {
      appendFileSync(path, `${JSON.stringify(line)}\n`);
    } catch {
      isBroken = true;
    }
  };
}

/** Gives every attempt its `client-request-id`, tells of it and counts it. */
export class Trace extends Link {
  /** What was sent so far. */
  readonly counts: RequestCounts = {
    exchange: { read: 0, write: 0, throttled: 0 },
    graph: { read: 0, write: 0, throttled: 0 },
    dataverse: { read: 0, write: 0, throttled: 0 },
  };
  readonly #sinks: readonly TraceSink[];
  readonly #witness: Witness | undefined;

  constructor(sinks: readonly TraceSink[], witness?: Witness) {
    super();
    this.#sinks = sinks;
    this.#witness = witness;
  }

  async execute(context: Context): Promise<void> {
    const sending = Sending.of(context);
    const { call } = sending;
    const clientRequestId = randomUUID();
    sending.clientRequestId = clientRequestId;
    setHeader(context, "client-request-id", clientRequestId);
    this.counts[call.service][call.kind] += 1;
    const started = Date.now();
    let failure: string | undefined;
    try {
      await this.forward(context);
    } catch (error) {
      failure = error instanceof TransportFailure ? `${error.reason} ${error.code}` : "failed";
      throw error;
    } finally {
      this.#tell(sending, clientRequestId, started, failure);
      this.#witness?.({ call, url: sending.url, received: sending.received });
    }
  }

  #tell(sending: Sending, clientRequestId: string, started: number, failure: string | undefined): void {
    const delayed = sending.call.service === "exchange" ? delayIn(sending.received?.text ?? "") : 0;
    if (delayed > 0 || sending.received?.status === 429 || sending.received?.status === 509) {
      this.counts[sending.call.service].throttled += 1;
    }
    if (this.#sinks.length === 0) {
      return;
    }
    const { call, received } = sending;
    const requestId = received?.headers.get("request-id") ?? received?.headers.get("x-ms-service-request-id");
    const line: TraceLine = {
      time: new Date(started).toISOString(),
      service: call.service,
      kind: call.kind,
      method: call.method,
      url: redact(sending.url),
      ...(call.cmdlet === undefined ? {} : { cmdlet: call.cmdlet }),
      action: redact(call.action),
      attempt: sending.attempt,
      ...(received === undefined ? {} : { status: received.status }),
      ...(failure === undefined ? {} : { failure }),
      duration: Date.now() - started,
      ...(delayed === 0 ? {} : { delayed }),
      clientRequestId,
      ...(requestId === null || requestId === undefined ? {} : { requestId }),
    };
    for (const sink of this.#sinks) {
      sink(line);
    }
  }
}
