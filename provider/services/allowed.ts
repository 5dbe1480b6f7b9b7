import { isForbidden, isProviderError, type ProviderError } from "../http/errors";

/**
 * What a read answers; undefined where the application may not read it, which says nothing about what is there.
 *
 * @param refused is told of the refusal.
 */
export async function ifAllowed<T>(
  read: Promise<T>,
  refused: (refusal: ProviderError) => void = () => {},
): Promise<T | undefined> {
  try {
    return await read;
  } catch (error) {
    if (!isForbidden(error) || !isProviderError(error)) {
      throw error;
    }
    refused(error);
    return undefined;
  }
}
