/**
 * Tells of every request: one structured line each. Neither bodies nor headers are ever in a line; only a
 * {@link Witness}, which a provider process never has, is handed them.
 */
import { randomUUID } from "node:crypto";
import { appendFileSync } from "node:fs";
import type { Call, Service } from "./call";
import { delayIn } from "./classify";
import { redact } from "./redact";
import type { Received } from "./refusal";
import { type Outgoing, type Send, TransportFailure, withHeader } from "./transport";

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

/** Takes whole requests and answers. They hold personal data and must be redacted before they are kept. Must not throw. */
export type Witness = (exchanged: Exchanged) => void;

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

/** Gives every request its `client-request-id` and tells of it. */
export function tracing(sinks: readonly TraceSink[], witness: Witness | undefined, next: Send): Send {
  return async (outgoing) => {
    const { call, url } = outgoing;
    const clientRequestId = randomUUID();
    const started = Date.now();
    let received: Received | undefined;
    let failure: string | undefined;
    try {
      received = { ...(await next(withHeader(outgoing, "client-request-id", clientRequestId))), clientRequestId };
      return received;
    } catch (error) {
      failure = "failed";
      if (error instanceof TransportFailure) {
        failure = `${error.reason} ${error.code}`;
        error.clientRequestId = clientRequestId;
      }
      throw error;
    } finally {
      const duration = Date.now() - started;
      if (sinks.length > 0) {
        const line = { ...lineOf(outgoing, received), ...(failure === undefined ? {} : { failure }) };
        tell(sinks, { time: new Date(started).toISOString(), ...line, duration, clientRequestId });
      }
      witness?.({ call, url, received });
    }
  };
}

function tell(sinks: readonly TraceSink[], line: TraceLine): void {
  for (const sink of sinks) {
    sink(line);
  }
}

/** What a request and its answer are told by. */
function lineOf(
  { call, url, attempt }: Outgoing,
  received: Received | undefined,
): Omit<TraceLine, "time" | "duration" | "clientRequestId"> {
  const delayed = call.service === "exchange" ? delayIn(received?.text ?? "") : 0;
  const requestId = received?.headers.get("request-id") ?? received?.headers.get("x-ms-service-request-id");
  return {
    service: call.service,
    kind: call.kind,
    method: call.method,
    url: redact(url),
    ...(call.cmdlet === undefined ? {} : { cmdlet: call.cmdlet }),
    action: redact(call.action),
    attempt,
    ...(received === undefined ? {} : { status: received.status }),
    ...(delayed === 0 ? {} : { delayed }),
    ...(requestId === null || requestId === undefined ? {} : { requestId }),
  };
}
