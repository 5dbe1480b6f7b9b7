import { daysTo, isOver } from "../../core/days";
import type { MembershipInputs } from "./desired";

/** How many days before access ends the user is told. */
const NOTICE = 14;

/**
 * The inputs without members whose access is over: they are not declared any more, and what they have goes as that of anybody who leaves the
 * program. Their removal shows once; a program that still lists them changes nothing afterwards.
 */
export function withoutEnded(
  inputs: Partial<MembershipInputs>,
  today: string,
): { inputs: Partial<MembershipInputs>; advice: string[] } {
  const { members } = inputs;
  // The whole map, or the text that stands for one that is not known yet.
  if (typeof members !== "object" || members === null) {
    return { inputs, advice: [] };
  }
  const over = new Map<string, string[]>();
  const soon = new Map<string, string[]>();
  const note = (days: Map<string, string[]>, day: string, key: string) =>
    days.set(day, [...(days.get(day) ?? []), key]);
  const left = Object.entries(members).filter(([key, rights]) => {
    // A value in a preview may be of any form while something in it is not known.
    const until = (rights as { until?: unknown } | null)?.until;
    if (isOver(until, today)) {
      note(over, until, key);
      return false;
    }
    if (typeof until === "string" && daysTo(until, today) <= NOTICE) {
      note(soon, until, key);
    }
    return true;
  });
  return {
    inputs: over.size === 0 ? inputs : { ...inputs, members: Object.fromEntries(left) },
    advice: [
      ...[...soon]
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([day, keys]) => {
          const days = daysTo(day, today);
          return `Access ends on ${day}, ${days === 1 ? "tomorrow" : `in ${days} days`}: ${keys.join(", ")}. A later \`until\` in members keeps it.`;
        }),
      ...[...over]
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(
          ([day, keys]) =>
            `Access ended on ${day} and is not declared any more: ${keys.join(", ")}. Take ${keys.length === 1 ? "the member" : "them"} out of members, or write a later \`until\`.`,
        ),
    ],
  };
}
