import { isDeepStrictEqual } from "node:util";
import { z } from "zod";
import { isGuid } from "../http/json";

/** RFC 5321 lengths; characters as Exchange accepts them in an SMTP address. */
const ADDRESS =
  /^[a-z0-9!#$%&'*+\-/=?^_`{|}~]+(\.[a-z0-9!#$%&'*+\-/=?^_`{|}~]+)*@[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+$/;

/** Whether a text in lower case is an SMTP address. */
function isSmtpAddress(value: string): boolean {
  const [local = ""] = value.split("@");
  return value.length <= 254 && local.length <= 64 && ADDRESS.test(value);
}

/** Letters of ASCII alone: the sign for Kelvin would become a k, and with it the address of somebody else. */
function inLowerCase(value: string): string {
  return value.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}

/** An address may have these characters in it. One of nothing else is meant as a pattern: no mailbox has it, and nobody signs in with it. */
const PATTERN = /^[*?%]+@/;

// Reasons never repeat the value: it may be a secret, and a failure is printed.
const notAnAddress = (example: string) => `is not an SMTP address; write local-part@domain, e.g. ${example}`;

/** An SMTP address; canonical form lower case. */
export function smtpAddress(example: string, limit = 254): z.ZodType<string> {
  return z
    .string({ error: `must be text: an SMTP address such as ${example}` })
    .transform((value) => inLowerCase(value.trim()))
    .refine(isSmtpAddress, { error: notAnAddress(example) })
    .refine((value) => !PATTERN.test(value), {
      error: `is a pattern, and a mailbox has single addresses; write each of them, e.g. ${example}`,
    })
    .refine((value) => value.length <= limit, { error: `is longer than ${limit} characters` });
}

/** A name for people. */
export function displayText(what: string, limit: number): z.ZodType<string> {
  return (
    z
      .string({ error: `must be text: ${what}` })
      .transform((value) => value.trim())
      .refine((value) => value !== "", { error: `is empty; write ${what}` })
      // Of a text block of YAML, or of a file that was read whole: it would stand in lists, rules and messages as it is.
      .refine((value) => !/[\p{Cc}\u2028\u2029]/u.test(value), {
        error: "has a line break, a tab or another control character in it; write one line of text",
      })
      .refine((value) => value.length <= limit, { error: `is longer than ${limit} characters` })
  );
}

/** What `schema` takes, or false, which declares that there is none. Errors keep their paths inside of `schema`. */
export function orNone<Value>(schema: z.ZodType<Value>): z.ZodType<Value | false> {
  return z.unknown().transform((value, context): Value | false => {
    if (value === false) {
      return false;
    }
    const parsed = schema.safeParse(value);
    if (!parsed.success) {
      // A union would report every branch under its own path and not name the wrong member.
      context.issues.push(...parsed.error.issues.map((issue) => ({ ...issue, input: value }) as z.core.$ZodRawIssue));
      return z.NEVER;
    }
    return parsed.data;
  });
}

/** True or false. */
export function flag(): z.ZodType<boolean> {
  return oneOf([true, false]);
}

/** One of some words, or of true and false. */
export function oneOf<const Value extends string | boolean>(values: readonly Value[]): z.ZodType<Value> {
  const isFlag = values.every((value) => typeof value === "boolean");
  return z.literal(values, { error: isFlag ? "must be true or false" : `must be one of ${values.join(", ")}` });
}

/** Why a text cannot name a person, group or mailbox of the tenant; undefined when it can. */
function whyNotIdentifier(value: string, what: string): string | undefined {
  if (value === "") {
    return `is empty; write ${what}`;
  }
  if (!value.includes("@") && !isGuid(value)) {
    return `looks like a display name; write ${what}: names are not unique and are never looked up`;
  }
  if (value.includes("@") && !isSmtpAddress(value)) {
    return `is not an address; write ${what}`;
  }
  if (PATTERN.test(value)) {
    return `is a pattern, which means nobody; write ${what}`;
  }
  return undefined;
}

/**
 * A person, group or mailbox; canonical form: lower case.
 *
 * @param what how it is written, for messages.
 */
export function identifier(what: string): z.ZodType<string> {
  return z
    .string({ error: `must be text: ${what}` })
    .transform((value) => inLowerCase(value.trim()))
    .superRefine((value, context) => {
      const reason = whyNotIdentifier(value, what);
      if (reason !== undefined) {
        context.addIssue({ code: "custom", message: reason });
      }
    });
}

/**
 * A list of people, groups or mailboxes; canonical form: lower case, sorted, each once.
 *
 * @param what how an element is written, for messages.
 */
export function identifiers(what: string): z.ZodType<string[]> {
  return z
    .array(z.string({ error: `must be text: ${what}` }), { error: `must be a list of ${what}` })
    .transform((list) => [...new Set(list.map((one) => inLowerCase(one.trim())))].sort())
    .superRefine((list, context) => {
      for (const one of list) {
        const reason = whyNotIdentifier(one, what);
        if (reason !== undefined) {
          // The position would be that of the sorted list and the text may be a secret, so neither is said.
          context.addIssue({ code: "custom", message: `has an element that ${reason}` });
        }
      }
    });
}

/**
 * A map keyed by people or mailboxes, in canonical form: keys in lower case and sorted, so that their order in a program does not
 * matter. Lists are brought into this form before (see `keyedInput`).
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
      const name = inLowerCase(key.trim());
      const reason = seen.has(name) ? "is given twice, in two spellings" : whyNotIdentifier(name, what);
      if (reason !== undefined) {
        context.addIssue({ code: "custom", path: [key], message: reason });
      }
      seen.add(name);
      // Not left to the record's own schema: it would skip the keys when a value is wrong.
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
    const name = inLowerCase(element.trim());
    const first = seen.get(name);
    seen.set(name, index);
    const reason =
      first === undefined ? whyNotIdentifier(name, what) : `is the same as ${path}[${first}]; write each one once`;
    return reason === undefined ? [] : [{ path: at, reason }];
  });
}

/** Whether two values are the same as JSON: neither the order of an object's members says anything nor one that is undefined. */
export function isSame(a: unknown, b: unknown): boolean {
  const asJson = (value: unknown) => (value === undefined ? undefined : JSON.parse(JSON.stringify(value)));
  return isDeepStrictEqual(asJson(a), asJson(b));
}

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
