import { z } from "zod";
import { isGuid } from "../services/recipients";

/** RFC 5321 lengths; characters as Exchange accepts them in an SMTP address. */
const ADDRESS =
  /^[a-z0-9!#$%&'*+\-/=?^_`{|}~]+(\.[a-z0-9!#$%&'*+\-/=?^_`{|}~]+)*@[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+$/;

/** Whether a text in lower case is an SMTP address. */
export function isSmtpAddress(value: string): boolean {
  const [local = ""] = value.split("@");
  return value.length <= 254 && local.length <= 64 && ADDRESS.test(value);
}

// Reasons never repeat the value: it may be a secret, and a failure is printed.
const notAnAddress = (example: string) => `is not an SMTP address; write local-part@domain, e.g. ${example}`;

/** An SMTP address; canonical form lower case. */
export function smtpAddress(example: string, limit = 254): z.ZodType<string> {
  return z
    .string({ error: `must be text: an SMTP address such as ${example}` })
    .transform((value) => value.trim().toLowerCase())
    .refine(isSmtpAddress, { error: notAnAddress(example) })
    .refine((value) => value.length <= limit, { error: `is longer than ${limit} characters` });
}

/** A name for people. */
export function displayText(what: string, limit: number): z.ZodType<string> {
  return z
    .string({ error: `must be text: ${what}` })
    .transform((value) => value.trim())
    .refine((value) => value !== "", { error: `is empty; write ${what}` })
    .refine((value) => value.length <= limit, { error: `is longer than ${limit} characters` });
}

/** What `schema` takes, or false, which declares that there is none. Issues keep the paths that they have in `schema`. */
export function orNone<Value>(schema: z.ZodType<Value>): z.ZodType<Value | false> {
  return z.unknown().transform((value, context): Value | false => {
    if (value === false) {
      return false;
    }
    const parsed = schema.safeParse(value);
    if (!parsed.success) {
      // A union would report all its branches under its own path, without the member that is wrong.
      context.issues.push(...parsed.error.issues.map((issue) => ({ ...issue, input: value }) as z.core.$ZodRawIssue));
      return z.NEVER;
    }
    return parsed.data;
  });
}

/** True or false. */
export function flag(): z.ZodType<boolean> {
  return z.boolean({ error: "must be true or false" });
}

/** Why a text cannot name a person, group or mailbox of the tenant; undefined when it can. */
export function whyNotIdentifier(value: string, what: string): string | undefined {
  if (value === "") {
    return `is empty; write ${what}`;
  }
  if (!value.includes("@") && !isGuid(value)) {
    return `looks like a display name; write ${what}: names are not unique and are never looked up`;
  }
  if (value.includes("@") && !isSmtpAddress(value)) {
    return `is not an address; write ${what}`;
  }
  return undefined;
}
