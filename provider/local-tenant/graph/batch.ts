import { validateHeaderName, validateHeaderValue } from "node:http";
import type { Answer } from "../message";
import { isPlainObject } from "../values";
import {
  batchTooLarge,
  bodylessWrite,
  failedDependency,
  type GraphError,
  invalidBatch,
  invalidDependency,
  mixedBatch,
} from "./errors";
import { bodyOf, type GraphRequest, type Json } from "./request";

/** Most requests a batch may hold. */
const largest = 20;
/** How many of a batch are run at once, whichever mailboxes they concern. */
const parallel = 4;

/** A request inside a batch, ready to be run like one of its own. */
export interface InnerRequest {
  method: string;
  /** Path and query below the version. */
  url: string;
  /** By name in lower case. */
  headers: Record<string, string>;
  text: string;
}

/** Runs one inner request; never throws, errors are answers. */
export type RunInner = (request: InnerRequest) => Promise<Answer>;

interface Step extends InnerRequest {
  id: string;
  dependsOn: string[];
}

/**
 * POST /$batch. The outer answer is 200 whatever becomes of the requests; their answers come in another order than the
 * requests, as the service warns.
 */
export async function runBatch(
  request: GraphRequest,
  run: RunInner,
  errorBody: (error: GraphError) => Answer,
): Promise<Answer> {
  // @documented graph.batch-rules: $batch: at most 20, relative urls, unique ids, 424 after a failed dependency, answers in another
  // order [Microsoft Graph: JSON batching]
  const steps = stepsOf(request);
  const answers = new Map<string, Answer>();
  let waiting = steps;
  while (waiting.length > 0) {
    const ready = waiting.filter((step) => step.dependsOn.every((id) => answers.has(id)));
    waiting = waiting.filter((step) => !ready.includes(step));
    for (let start = 0; start < ready.length; start += parallel) {
      await Promise.all(
        ready.slice(start, start + parallel).map(async (step) => {
          const failed = step.dependsOn.some((id) => (answers.get(id)?.status ?? 0) >= 400);
          answers.set(step.id, failed ? errorBody(failedDependency()) : await run(step));
        }),
      );
    }
  }
  const responses = [...steps].reverse().map((step) => responseOf(step.id, answers.get(step.id)));
  const isLost = [...answers.values()].some((answer) => answer.isLost);
  return { status: 200, body: { responses }, isLost };
}

function responseOf(id: string, answer: Answer | undefined): Json {
  return {
    id,
    status: answer?.status ?? 500,
    headers: {
      ...answer?.headers,
      ...(answer?.body === undefined ? {} : { "Content-Type": "application/json" }),
    },
    body: answer?.body ?? null,
  };
}

function stepsOf(request: GraphRequest): Step[] {
  const { requests } = bodyOf(request);
  if (!Array.isArray(requests) || requests.length === 0) {
    throw invalidBatch("The batch has no requests.");
  }
  if (requests.length > largest) {
    throw batchTooLarge(requests.length);
  }
  const steps = requests.map(stepOf);
  const ids = new Set(steps.map((step) => step.id.toLowerCase()));
  if (ids.size !== steps.length) {
    throw invalidBatch("Request ids must be unique.");
  }
  const earlier = new Set<string>();
  for (const step of steps) {
    if (step.dependsOn.some((id) => !earlier.has(id))) {
      throw invalidDependency(step.id);
    }
    earlier.add(step.id);
  }
  if (steps.some((step) => step.dependsOn.length > 0) && !steps.every(followsTheOneBefore)) {
    throw mixedBatch();
  }
  return steps;
}

function followsTheOneBefore(step: Step, index: number, steps: readonly Step[]): boolean {
  // @observed graph.batch-dependency-order: A dependency may only be a request that stands before, and a batch is all in a row or
  // has no dependencies: else 400 [msgraph-sdk-dotnet-core #891, msgraph-sdk-java-core #71, microsoft-graph-docs #16280]
  const before = steps[index - 1];
  return before === undefined
    ? step.dependsOn.length === 0
    : step.dependsOn.length === 1 && step.dependsOn[0] === before.id;
}

function stepOf(value: unknown): Step {
  if (
    !isPlainObject(value) ||
    typeof value.id !== "string" ||
    value.id === "" ||
    typeof value.method !== "string" ||
    typeof value.url !== "string"
  ) {
    throw invalidBatch("Every request needs id, method and url.");
  }
  if (/^[a-z]+:\/\//i.test(value.url)) {
    throw invalidBatch(`The url of request '${value.id}' must be relative.`);
  }
  const headers: Record<string, string> = {};
  for (const [name, content] of Object.entries(isPlainObject(value.headers) ? value.headers : {})) {
    try {
      validateHeaderName(name);
      validateHeaderValue(name, String(content));
    } catch {
      throw invalidBatch(`Request '${value.id}' has a header that is no header: '${name}'.`);
    }
    headers[name.toLowerCase()] = String(content);
  }
  // @observed graph.batch-bodyless: A write needs a body and its type, also where the operation takes no body; DELETE needs neither. One
  // that lacks them costs the whole batch [msgraph-sdk-dotnet #2628; pnp/pnpcore sends a body of nothing for it]
  const hasBody = value.body !== undefined && value.body !== null;
  const isWrite = !/^(?:GET|HEAD|DELETE)$/i.test(value.method);
  if ((hasBody && headers["content-type"] === undefined) || (isWrite && !hasBody)) {
    throw bodylessWrite(value.id);
  }
  return {
    id: value.id,
    method: value.method.toUpperCase(),
    url: value.url,
    headers,
    text: hasBody ? (typeof value.body === "string" ? value.body : JSON.stringify(value.body)) : "",
    dependsOn: Array.isArray(value.dependsOn) ? value.dependsOn.map(String) : [],
  };
}
