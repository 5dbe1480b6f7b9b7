/** What the engine puts in place of a value that is not known yet, in previews (Pulumi's wire format). */
export const UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

/** Whether a value is, or has in it, one that is not known yet. */
export function hasUnknown(value: unknown): boolean {
  if (typeof value === "object" && value !== null) {
    return Object.values(value).some(hasUnknown);
  }
  return value === UNKNOWN;
}

/** The key that stands for an element that is not known yet, in the preview of a creation. */
export function placeholder(position: number): string {
  return `(not known yet ${position})`;
}
