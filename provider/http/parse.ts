/** Turns an answer into the body it holds, or into an error with advice on what to do next. */
import type { Call } from "./call";
import { type Service, type ServiceError, type ServiceErrorFields, serviceError } from "./errors";
import { nextStepFor } from "./next-steps";
import { clean, type ParsedRefusal, parseRefusal, type Received } from "./refusal";
import { parseRetryAfter } from "./retry-after";

/** A body that was understood, or not. */
export type ParsedBody = { isReadable: true; body: unknown } | { isReadable: false; reason: string };

/**
 * The body of an answer that is no error. Exchange always sends JSON or nothing; Graph and Dataverse may send text
 * (`$count`), which is handed on as it is unless they called it JSON.
 */
export function parseBody(service: Service, received: Received): ParsedBody {
  if (received.text === undefined) {
    return { isReadable: false, reason: "the answer could not be decoded" };
  }
  const text = received.text.replace(/^\ufeff/, "");
  if (text.trim() === "") {
    return { isReadable: true, body: undefined };
  }
  const isJson = service === "exchange" || (received.headers.get("content-type") ?? "").includes("json");
  if (!isJson) {
    return { isReadable: true, body: text };
  }
  try {
    return { isReadable: true, body: JSON.parse(text) };
  } catch {
    return { isReadable: false, reason: `the answer is no JSON: ${clean(text).slice(0, 200) || "unprintable bytes"}` };
  }
}

/** Whether the answer proves that a write did not happen. */
function provesNothingHappened(parsed: ParsedRefusal, received: Received): boolean {
  // A 503 with Retry-After is the front door's: the request was turned away before it was carried out.
  return parsed.class !== "transient" || (received.status === 503 && received.headers.has("retry-after"));
}

/**
 * The error of one answer that says no, by its status or in its body; also of one out of a batch.
 * @param now Epoch milliseconds, for `Retry-After` dates.
 */
export function serviceErrorOf(
  call: Pick<Call, "service" | "kind" | "action" | "path">,
  received: Received,
  clientRequestId?: string,
  now: number = Date.now(),
): ServiceError {
  const parsed = parseRefusal(call.service, received);
  const fields: ServiceErrorFields = {
    action: call.action,
    words: parsed.words,
    status: received.status,
    code: parsed.code,
    type: parsed.type,
    class: parsed.class,
    requestId: parsed.requestId,
    clientRequestId,
    retryAfter: parseRetryAfter(received.headers.get("retry-after"), now, received.headers.get("date")),
    warnings: parsed.warnings.length > 0 ? parsed.warnings : undefined,
    outcomeUnknown: call.kind === "write" && !provesNothingHappened(parsed, received),
    nextStep: parsed.nextStep ?? nextStepFor(call, parsed.class),
  };
  return serviceError(call.service, fields);
}

/** One answer out of a batch, with its body parsed already. */
export interface BatchedAnswer {
  status: number;
  headers: Headers;
  body: unknown;
}

function batchedError(call: Pick<Call, "service" | "kind" | "action" | "path">, answer: BatchedAnswer): ServiceError {
  const { status, headers, body } = answer;
  const text = body === undefined ? "" : typeof body === "string" ? body : JSON.stringify(body);
  return serviceErrorOf(call, { status, headers, text });
}

/** The error of one answer out of a batch of Exchange. */
export function exchangeError(answer: BatchedAnswer, action: string, kind: Call["kind"]): ServiceError {
  return batchedError({ service: "exchange", kind, action, path: "" }, answer);
}

/** The error of one answer out of a batch of Microsoft Graph. */
export function graphError(answer: BatchedAnswer, action: string, kind: Call["kind"], path = ""): ServiceError {
  return batchedError({ service: "graph", kind, action, path }, answer);
}
