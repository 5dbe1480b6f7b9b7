import DataLoader from "dataloader";
import type { Call, CallContext } from "../http/call";
import { type ErrorClass, isServiceError } from "../http/errors";
import type { BatchedAnswer } from "../http/parse";
import { saysFailed } from "../http/parse";
import type { Pipeline } from "../http/pipeline";

/** How long reads are gathered before they are sent together, in milliseconds. */
const GATHER = 5;

/** Failures of one request of a batch that pass: sent alone, it is repeated as usual. */
const PASSING: readonly ErrorClass[] = ["throttled", "transient", "misrouted"];

/** A `$batch`: where it goes, and its requests in the order of what they read. */
export interface Batch extends Pick<Call, "path" | "headers" | "cmdlet"> {
  requests: { method: "GET" | "POST"; url: string; headers?: Record<string, string>; body?: unknown }[];
}

/** How a service reads one thing, and several with one request. */
export interface BatchedReads<Reading extends { action: string }, Read> {
  service: "exchange" | "graph";
  /** How many requests one `$batch` holds. */
  size: number;
  /** Whether the batches of one moment travel one after the other: Graph counts what is in flight in the mailbox store. */
  isOneByOne: boolean;
  /** Readings with the same key are the same. */
  key(reading: Reading): string;
  alone(reading: Reading, context: CallContext): Promise<Read>;
  together(readings: readonly Reading[], context: CallContext): Promise<Batch>;
  /** What an answer of success says; undefined where it holds only the first page, so that the reading is sent alone. */
  parse(answer: BatchedAnswer, reading: Reading): Read | undefined;
  /** The error that an answer stands for. */
  failure(answer: BatchedAnswer, reading: Reading): Error;
}

/**
 * Reads of one service that are asked for at the same time go into one `$batch`, equal ones once. What a batch leaves open is read
 * alone.
 *
 * @param bounds the bounds of a whole deployment: reads are shared, so none of their askers bounds them alone.
 */
export function batched<Reading extends { action: string }, Read>(
  reads: BatchedReads<Reading, Read>,
  pipeline: Pipeline,
  bounds: () => CallContext,
): (reading: Reading) => Promise<Read> {
  const send = async (readings: readonly Reading[], context: CallContext): Promise<Map<string, BatchedAnswer>> => {
    const { requests, ...batch } = await reads.together(readings, context);
    const action = readings.map((reading) => reading.action).join(", ");
    const body = { requests: requests.map((request, index) => ({ id: String(index), ...request })) };
    const answer = await pipeline.send(
      { service: reads.service, method: "POST", kind: "read", action, ...batch, body },
      context,
    );
    return answersIn(answer.body);
  };

  /** Undefined for what the batch left open. */
  const readIn = (answer: BatchedAnswer | undefined, reading: Reading): Read | undefined => {
    if (answer === undefined) {
      return undefined;
    }
    if (answer.status < 400 && !saysFailed(reads.service, answer.body)) {
      return reads.parse(answer, reading);
    }
    const error = reads.failure(answer, reading);
    if (isServiceError(error) && PASSING.includes(error.class)) {
      return undefined;
    }
    throw error;
  };

  const readChunk = (
    chunk: readonly Reading[],
    before: Promise<unknown>,
    context: CallContext,
  ): [string, Promise<Read>][] => {
    const answers = before.then(() => (chunk.length === 1 ? new Map<string, BatchedAnswer>() : send(chunk, context)));
    return chunk.map((reading, index) => [
      reads.key(reading),
      answers.then((all) => readIn(all.get(String(index)), reading) ?? reads.alone(reading, context)),
    ]);
  };

  const loader = new DataLoader<Reading, Read>(
    (readings) => {
      const context = bounds();
      const distinct = [...new Map(readings.map((reading) => [reads.key(reading), reading])).values()];
      const chunks = Array.from({ length: Math.ceil(distinct.length / reads.size) }, (_, index) =>
        distinct.slice(index * reads.size, (index + 1) * reads.size),
      );
      let before: Promise<unknown> = Promise.resolve();
      const made = new Map(
        chunks.flatMap((chunk) => {
          const reading = readChunk(chunk, before, context);
          before = reads.isOneByOne ? Promise.allSettled(reading.map(([, read]) => read)) : before;
          return reading;
        }),
      );
      return Promise.all(
        readings.map((reading) => (made.get(reads.key(reading)) ?? reads.alone(reading, context)).catch(asError)),
      );
    },
    { cache: false, batchScheduleFn: (go) => setTimeout(go, GATHER) },
  );
  return (reading) => loader.load(reading);
}

/** The answers of a batch by id, in whatever order they came. */
function answersIn(body: unknown): Map<string, BatchedAnswer> {
  const { responses } = (body ?? {}) as {
    responses?: { id?: unknown; status?: unknown; headers?: object; body?: unknown }[];
  };
  return new Map(
    (Array.isArray(responses) ? responses : [])
      .filter(({ status }) => Number(status) > 0)
      .map(({ id, status, headers, body: content }) => [
        String(id),
        {
          status: Number(status),
          headers: new Headers(
            Object.entries(headers ?? {}).map(([name, value]): [string, string] => [name, String(value)]),
          ),
          body: content,
        },
      ]),
  );
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
