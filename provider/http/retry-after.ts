/** Reads how long a service asks to be left alone. Pure. */

const MONTHS = "Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec";
/** The three forms of RFC 9110, section 5.6.7; anything else that `Date.parse` happens to take is no HTTP date. */
const HTTP_DATES = [
  new RegExp(`^[A-Z][a-z]{2}, \\d{2} (?:${MONTHS}) \\d{4} \\d{2}:\\d{2}:\\d{2} GMT$`),
  new RegExp(`^[A-Z][a-z]+day, \\d{2}-(?:${MONTHS})-\\d{2} \\d{2}:\\d{2}:\\d{2} GMT$`),
  new RegExp(`^[A-Z][a-z]{2} (?:${MONTHS}) [ \\d]\\d \\d{2}:\\d{2}:\\d{2} \\d{4}$`),
];

/**
 * A `Retry-After` header in milliseconds from now: seconds, whole or fractional (Exchange sends those), or an HTTP date.
 * A moment that has passed is 0; what cannot be read is undefined.
 *
 * @param now Epoch milliseconds, and the `Date` header of the same answer where there is one: the two clocks may differ.
 */
export function parseRetryAfter(header: string | null, now: number, serverDate?: string | null): number | undefined {
  const value = header?.trim() ?? "";
  if (/^\d+(\.\d+)?$/.test(value)) {
    return Math.ceil(Number(value) * 1000);
  }
  if (!HTTP_DATES.some((form) => form.test(value))) {
    return undefined;
  }
  // The oldest form carries no zone and means GMT all the same.
  const moment = Date.parse(value.endsWith("GMT") ? value : `${value} GMT`);
  const reference = serverDate === undefined || serverDate === null ? Number.NaN : Date.parse(serverDate);
  return Number.isNaN(moment) ? undefined : Math.max(0, moment - (Number.isNaN(reference) ? now : reference));
}

/**
 * How long Exchange's budget is used up, in milliseconds: `Rate-Limit-Remaining` is 0 and `Rate-Limit-Reset` is a
 * moment (RFC 3339) or a number of seconds. Undefined while there is budget left.
 */
export function parseRateLimit(headers: Headers, now: number): number | undefined {
  const remaining = headers.get("rate-limit-remaining")?.trim();
  const reset = headers.get("rate-limit-reset")?.trim();
  if (remaining === undefined || reset === undefined || !/^\d+$/.test(remaining) || Number(remaining) > 0) {
    return undefined;
  }
  if (/^\d+(\.\d+)?$/.test(reset)) {
    return Math.ceil(Number(reset) * 1000);
  }
  const moment = Date.parse(reset);
  return Number.isNaN(moment) ? undefined : Math.max(0, moment - now);
}
