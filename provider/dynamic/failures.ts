import type { Properties } from "../core/kind";
import { isProviderError } from "../http/errors";
import { redact } from "../http/redact";
import { plain } from "./wire-values";

/** What a {@link Failure} looks like where it is printed as text. */
const SHOWN_ELSEWHERE = "pulumi-mailboxes: the reason stands with the resource";

/**
 * Keeps the dynamic server from printing our failures a second time. It hands an error to the engine, which shows it with the resource,
 * and also prints text and stack to the row of the stack.
 *
 * @param output the console it prints to.
 */
export function quieten(output: Console): void {
  const print = output.error.bind(output);
  output.error = (...values: unknown[]) => {
    if (values[0] !== SHOWN_ELSEWHERE) {
      print(...values);
    }
  };
}

/** An error as it leaves a method: the message, and nothing that the server or the engine could misread. The server prints `toString()` and
 * `stack`; together they are {@link SHOWN_ELSEWHERE}, which {@link quieten} drops. */
export class Failure extends Error {
  override readonly name = "Failure";

  constructor(message: string, cause?: unknown) {
    super(message, { cause });
    const [text = "", stack = ""] = SHOWN_ELSEWHERE.split(": ");
    this.stack = stack;
    this.toString = () => text;
  }
}

/** A failure that leaves something in the tenant: the engine saves it, and the next deployment resumes in `update`. */
export class PartialFailure extends Failure {
  readonly id: string;
  readonly properties: Properties;
  readonly reasons: string[];

  /** @param properties the outputs so far, with `__provider`, without which the resource could never be deleted. */
  constructor(cause: Error, id: string, properties: Properties) {
    super(cause.message, cause);
    this.id = id;
    this.properties = plain(properties);
    this.reasons = [cause.message];
  }
}

/** Errors that were shown, with the URN of the resource that showed them. */
const reported = new WeakMap<Error, string>();

/**
 * Makes an error fit to be shown: without foreign members (the server takes any `id` for "created") and without secrets. An error that many
 * resources meet, such as a failed sign-in, is shown in full once.
 *
 * @param urn the resource that meets it.
 */
export function failureOf(error: unknown, urn: string): Failure {
  if (error instanceof Failure) {
    return error;
  }
  if (error instanceof Error) {
    const first = reported.get(error);
    if (first !== undefined && first !== urn) {
      return new Failure(`failed for the same reason as ${first.split("::").pop()}; see the error there`, error);
    }
    reported.set(error, urn);
  }
  if (isProviderError(error)) {
    return new Failure(error.message, error);
  }
  const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return new Failure(redact(`a defect in pulumi-mailboxes, please report it: ${text}`), error);
}
