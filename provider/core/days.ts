/**
 * Days, written `2027-01-31`. They begin at midnight UTC for everybody: a tenant has no time zone of its own that a service would tell, and
 * one that depends on the machine would end access at another time in CI than at home.
 */

const DAY = /^(\d{4})-(\d{2})-(\d{2})$/;
const LENGTH = 86_400_000;

/** The day of a moment. */
export function dayOf(moment: Date): string {
  return moment.toISOString().slice(0, 10);
}

/** Whether a text is written as a day. */
export function looksLikeDay(text: string): boolean {
  return DAY.test(text);
}

/** Whether a text is a day of the calendar. */
export function isDay(text: string): boolean {
  const [, year, month, day] = DAY.exec(text) ?? [];
  const moment = Date.UTC(Number(year), Number(month) - 1, Number(day));
  return !Number.isNaN(moment) && Number(year) > 1900 && dayOf(new Date(moment)) === text;
}

/** How many days lie between: 1 for tomorrow, 0 or less for what is over. */
export function daysTo(day: string, today: string): number {
  return Math.round((Date.parse(day) - Date.parse(today)) / LENGTH);
}

/** Whether something that lasts until a day, and not on that day itself, is over. */
export function isOver(until: unknown, today: string): until is string {
  return typeof until === "string" && isDay(until) && until <= today;
}
