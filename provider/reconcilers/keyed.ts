import { z } from "zod";
import { whyNotIdentifier } from "./canonical";

/**
 * A map keyed by people or mailboxes, in canonical form: keys in lower case and sorted, so that the order in a program is no
 * difference. Lists are brought into this form before (see `keyedInput`).
 *
 * @param what an example of a key, for messages.
 * @param value the schema of the values.
 */
export function keyed<T>(what: string, value: z.ZodType<T>): z.ZodType<Record<string, T>> {
  const map = z.record(z.string(), z.unknown(), { error: `must be a list or a map of ${what}` });
  return map.transform((entries, context) => {
    const seen = new Set<string>();
    const canonical = new Map<string, T>();
    for (const [key, one] of Object.entries(entries)) {
      const name = key.trim().toLowerCase();
      const reason = seen.has(name) ? "is given twice, in two spellings" : whyNotIdentifier(name, what);
      if (reason !== undefined) {
        context.addIssue({ code: "custom", path: [key], message: reason });
      }
      seen.add(name);
      // Here and not by the record's own schema: with that, a wrong value would keep the keys from being looked at.
      const parsed = value.safeParse(one);
      if (parsed.success) {
        canonical.set(name, parsed.data);
      } else {
        for (const issue of parsed.error.issues) {
          context.issues.push({ ...issue, path: [key, ...issue.path], input: one } as z.core.$ZodRawIssue);
        }
      }
    }
    return Object.fromEntries([...canonical].sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}

/** What is wrong with the elements of a list that stands for a map, by position: a value may be a secret. */
export function problemsOfList(
  list: readonly unknown[],
  path: string,
  what: string,
): { path: string; reason: string }[] {
  const seen = new Map<string, number>();
  return list.flatMap((element, index) => {
    const at = `${path}[${index}]`;
    if (typeof element !== "string") {
      return [{ path: at, reason: `must be text: ${what}` }];
    }
    if (list.indexOf(element) < index) {
      return [];
    }
    const name = element.trim().toLowerCase();
    const first = seen.get(name);
    seen.set(name, index);
    const reason =
      first === undefined ? whyNotIdentifier(name, what) : `is the same as ${path}[${first}]; write each one once`;
    return reason === undefined ? [] : [{ path: at, reason }];
  });
}
