import { isServiceError, isUnknownOutcome } from "../http/errors";

/**
 * Makes a write and notes it in the state when it happened or may have happened: a failure later on then saves what is in
 * the tenant, and one that was refused leaves the state as it was.
 *
 * @param write sends it.
 * @param note notes it.
 */
export async function written<T>(write: () => Promise<T>, note: () => void): Promise<T> {
  try {
    const answer = await write();
    note();
    return answer;
  } catch (error) {
    if (isUnknownOutcome(error) || (isServiceError(error) && error.outcomeUnknown)) {
      note();
    }
    throw error;
  }
}
