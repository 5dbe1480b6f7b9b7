const GUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** Whether a text is a GUID, which is how object ids are written. */
export function isGuid(value: string): boolean {
  return GUID.test(value);
}

/** Whether two identifiers are the same: guids and addresses are compared without case. */
export function sameText(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}

/** A text member of a row; "" where the service has none. */
export function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}
