import { isClass, SettleError } from "../../http/errors";
import { settle } from "../../services/waiting";
import type { Operation } from "../reconciler";

/** Operations that assigned a licence: Exchange learns of it some time after Entra. */
const assignedIn = new WeakSet<Operation>();

/** Notes that this operation assigned a licence. */
export function noteAssigned(operation: Operation): void {
  assignedIn.add(operation);
}

/**
 * Makes a write that a licence allows. Where this very operation assigned the licence, a refusal that speaks of licences is
 * waited out, because nothing else tells when Exchange knows of it; otherwise the first refusal counts.
 *
 * @throws what the last attempt threw.
 */
export async function whenLicensed<T>(operation: Operation, write: () => Promise<T>): Promise<T> {
  return assignedIn.has(operation)
    ? waitOut("Exchange to know of the licence", /licen[sc]e/i, write, operation)
    : write();
}

/**
 * Makes a write again while it is refused for a reason that passes.
 *
 * @param reason what the refusal says then.
 * @throws what the last attempt threw.
 */
export async function waitOut<T>(
  what: string,
  reason: RegExp,
  write: () => Promise<T>,
  operation: Operation,
): Promise<T> {
  let refusal: unknown;
  const attempt = async (): Promise<{ answer: T } | undefined> => {
    try {
      return { answer: await write() };
    } catch (error) {
      if (!(isClass(error, "refused") || isClass(error, "badParameter")) || !reason.test(error.words)) {
        throw error;
      }
      refusal = error;
      return undefined;
    }
  };
  let made: { answer: T } | undefined;
  try {
    made = await settle({ what, look: attempt, done: (seen) => seen !== undefined }, operation);
  } catch (error) {
    throw error instanceof SettleError ? refusal : error;
  }
  if (made === undefined) {
    throw refusal;
  }
  return made.answer;
}
