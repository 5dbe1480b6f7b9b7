import { z } from "zod";
import { instant } from "../../services/mailbox-settings";
import { withOneSpelling } from "./properties";

/** Members in the order in which they are compared. */
export const REPLY_MEMBERS = [
  "status",
  "externalAudience",
  "internalMessage",
  "externalMessage",
  "start",
  "end",
] as const;

const STATUSES = ["disabled", "alwaysEnabled", "scheduled"] as const;
const AUDIENCES = ["none", "contactsOnly", "all"] as const;

/** One of a few words, in any case. */
function oneOf<T extends string>(words: readonly T[]): z.ZodType<T> {
  const error = `must be ${words
    .map((word) => JSON.stringify(word))
    .join(", ")
    .replace(/, ([^,]*)$/, " or $1")}`;
  return z.string({ error }).transform((value, context) => {
    const word = words.find((one) => one.toLowerCase() === value.trim().toLowerCase());
    if (word === undefined) {
      context.addIssue({ code: "custom", message: error });
      return z.NEVER;
    }
    return word;
  });
}

const time = z
  .string({ error: "must be text: an ISO 8601 time such as 2026-09-01T08:00:00+02:00" })
  .transform((value, context) => {
    const at = instant(value);
    if (at === undefined) {
      context.addIssue({
        code: "custom",
        message:
          "is not an ISO 8601 time with Z or an offset; write e.g. 2026-09-01T06:00:00Z or 2026-09-01T08:00:00+02:00",
      });
      return z.NEVER;
    }
    return at;
  });

const message = z.string({ error: "must be text or html" }).transform(canonicalMessage);

/**
 * Automatic replies. Canonical form: words as Graph spells them, times in UTC to the second, texts without the document the
 * service puts around them; null is the same as "" for a text and as nothing for everything else.
 */
export const automaticReplies = z.preprocess(
  withoutNull,
  z
    .strictObject(
      {
        status: oneOf(STATUSES),
        internalMessage: message.optional(),
        externalMessage: message.optional(),
        externalAudience: oneOf(AUDIENCES).optional(),
        start: time.optional(),
        end: time.optional(),
      },
      { error: 'must be an object: { status: "alwaysEnabled", internalMessage: "…" }' },
    )
    .superRefine(({ status, start, end }, context) => {
      for (const [name, value] of Object.entries({ start, end })) {
        if (status === "scheduled" && value === undefined) {
          context.addIssue({
            code: "custom",
            path: [name],
            message: `is missing; status "scheduled" needs start and end`,
          });
        }
        if (status !== "scheduled" && value !== undefined) {
          context.addIssue({
            code: "custom",
            path: [name],
            message: `goes with status "scheduled" only; leave it out`,
          });
        }
      }
      if (status === "scheduled" && start !== undefined && end !== undefined && end <= start) {
        context.addIssue({ code: "custom", path: ["end"], message: "is not after start" });
      }
    }),
);

/** Automatic replies in canonical form. */
export type AutomaticRepliesInput = z.output<typeof automaticReplies>;

function withoutNull(value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return value;
  }
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, member]) => {
      if (member !== null) {
        return [[name, member]];
      }
      return /^(internal|external)Message$/.test(name) ? [[name, ""]] : [];
    }),
  );
}

/** Whether the time of replies is over: the service takes no such schedule, and sends none by one it has. */
export function isOver({
  status,
  end,
}: {
  status?: string | null | undefined;
  end?: string | null | undefined;
}): boolean {
  return status === "scheduled" && typeof end === "string" && Date.parse(end) <= Date.now();
}

/** Whether a reader would see anything of a text. */
export function showsText(message: string | undefined): boolean {
  const body = comparable(message ?? "");
  return /<(?:img|hr|table)\b/.test(body) || body.replace(/<[^>]*>/g, "").replace(/[\s\u00a0\u200b]/g, "") !== "";
}

/** A document that is nothing but the tags the service puts around a text. */
const WRAPPED = /^\s*<html>\s*(?:<head>\s*<\/head>\s*)?<body>([\s\S]*)<\/body>\s*<\/html>\s*$/i;
/** Tags at which the service adds and drops line breaks, and browsers do not show any. */
const BLOCK = /\s*(<\/?(?:address|blockquote|br|div|h[1-6]|hr|li|ol|p|pre|table|tbody|td|th|thead|tr|ul)\b[^>]*>)\s*/g;

/** A text without the document around it, with plain line breaks and nothing at its ends. */
export function canonicalMessage(value: string): string {
  return (WRAPPED.exec(value)?.[1] ?? value).replace(/\r\n?/g, "\n").trim();
}

/** Whether two texts show the same: what the service adds, a document, line breaks and entities, is no difference. */
export function isSameMessage(a: string, b: string): boolean {
  return comparable(a) === comparable(b);
}

function comparable(value: string): string {
  const body = /<body\b[^>]*>([\s\S]*?)(?:<\/body>|$)/i.exec(value)?.[1] ?? value;
  const markup = body
    .replace(/<!--[\s\S]*?-->/g, "")
    .replace(/<\/?html\b[^>]*>/gi, "")
    // An angle bracket that begins no tag is text, and comes back as a reference.
    .replace(/<(?![a-z/!?])/gi, "&lt;")
    .replace(/<\/?[a-z][a-z0-9]*/gi, (tag) => tag.toLowerCase())
    .replace(/\s*\/>/g, ">");
  return withOneSpelling(markup)
    .replace(/[ \t\r\n]+/g, " ")
    .replace(BLOCK, "$1")
    .replace(/^ +| +$/g, "");
}
