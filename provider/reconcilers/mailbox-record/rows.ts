import { isUnknownOutcome, ProviderError } from "../../http/errors";
import { settle } from "../../services/waiting";
import type { Operation, Properties } from "../reconciler";

/** How often a creation whose answer was lost is sent. */
const ATTEMPTS = 3;

/** A row of Dataverse that a resource makes or deletes. */
interface RowWork<Row> {
  /** What is being done, for errors: "creating the queue Support". */
  action: string;
  /** In words that follow "waiting for". */
  what: string;
  send: () => Promise<unknown>;
  look: () => Promise<Row | undefined>;
}

/** Makes a row under an id of its own and returns it once Dataverse shows it. */
export async function createRow<Row>({ action, what, send, look }: RowWork<Row>, operation: Operation): Promise<Row> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await send();
      break;
    } catch (error) {
      // Guarded by its own id: sent again it finds the row that a lost answer left behind.
      if (!isUnknownOutcome(error) || attempt === ATTEMPTS) {
        throw error;
      }
    }
  }
  const row = await settle({ what, look, done: (seen) => seen !== undefined }, operation);
  if (row === undefined) {
    throw new ProviderError({ action, words: "Dynamics does not show it" });
  }
  return row;
}

/** Deletes a row and returns when it is gone; an answer that was lost is looked for. */
export async function deleteRow<Row>({ what, send, look }: RowWork<Row>, operation: Operation): Promise<void> {
  try {
    await send();
  } catch (error) {
    if (!isUnknownOutcome(error)) {
      throw error;
    }
  }
  await settle({ what, look, done: (seen) => seen === undefined }, operation);
}

/**
 * A property as it should be: as declared; what was declared before and is not any more, the default; undefined for what is
 * left alone.
 */
export function managed<Value>(
  property: string,
  inputs: Properties,
  previous: Properties,
  byDefault: Value,
): Value | undefined {
  return (
    (inputs[property] as Value | undefined) ?? ((previous[property] ?? undefined) === undefined ? undefined : byDefault)
  );
}
