import { z } from "zod";
import { isSame } from "../../core/canonical";
import type { Change, Properties } from "../../core/kind";
import { isSet } from "../../core/properties";
import { InputError } from "../../http/errors";
import { type AutomaticReplies, instant, type Settings, type SettingsChange } from "../../services/mailbox-settings";
import type { Desired, HeldInputs, KnownMailbox, SharedMailboxInputs } from "./desired";
import { changesOf, changing, type Facet, isChanged } from "./facet";
import { isForwarding } from "./forwarding";
import { withOneSpelling } from "./properties";
import {
  languageOfFolders,
  regionalAdvice,
  regionalAsRead,
  regionalChange,
  regionalChanges,
  regionalProblems,
  withoutFormats,
} from "./regional";

/** Members in the order in which they are compared. */
const REPLY_MEMBERS = ["status", "externalAudience", "internalMessage", "externalMessage", "start", "end"] as const;

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
type AutomaticRepliesInput = z.output<typeof automaticReplies>;

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
function isOver({ status, end }: Replies): boolean {
  return status === "scheduled" && typeof end === "string" && Date.parse(end) <= Date.now();
}

type ReplyMember = (typeof REPLY_MEMBERS)[number];
type Replies = Partial<Record<ReplyMember, string | null | undefined>>;

/** What a member goes back to when it is no longer declared. Times mean nothing then. */
const REPLY_DEFAULTS: Readonly<Partial<Record<ReplyMember, string>>> = {
  status: "disabled",
  externalAudience: "all",
  internalMessage: "",
  externalMessage: "",
};

/** Automatic replies and regional settings: what a mailbox keeps for the programs that open it. */
export const mailboxSettings: Facet = {
  properties: ["automaticReplies", "regional"],

  check: ({ automaticReplies, regional }, _unsettled, before) => [
    ...(automaticReplies !== undefined && isOver(automaticReplies) && !isSame(automaticReplies, before.automaticReplies)
      ? [OVER]
      : []),
    ...regionalProblems(regional, before.regional),
  ],

  advise: (inputs, olds) => [...unsent(inputs, olds), ...regionalAdvice(inputs.regional, olds.regional)],

  async look({ mailbox }, { automaticReplies, regional }, operation) {
    return automaticReplies === undefined && regional === undefined
      ? {}
      : { settings: await operation.services.mailboxSettings.read(mailbox, operation) };
  },

  difference: ({ inputs }, previous, { settings }, known) =>
    settings === undefined
      ? []
      : [
          ...replyChanges(inputs, previous, settings),
          ...regionalChanges(inputs.regional, previous.regional, settings, known),
        ],

  async guard(changes, { inputs: { automaticReplies } }) {
    if (automaticReplies !== undefined && isOver(automaticReplies) && isChanged("automaticReplies", changes)) {
      throw new InputError([OVER], { nextStep: "Nothing was changed." });
    }
  },

  async apply(changes, desired, { mailbox, settings }, operation) {
    const own = [...changesOf("automaticReplies", changes), ...changesOf("regional", changes)];
    if (own.length === 0 || settings === undefined) {
      return;
    }
    await operation.services.mailboxSettings.write(
      mailbox,
      settingsChange(own, desired, settings),
      changing(own, mailbox),
      operation,
      (part, isCertain) => {
        operation.record({
          inputs: writtenSettings(part, isCertain, desired.inputs, operation.known),
          // A name of its own, because a failed creation saves everything declared as if it had been written.
          ...(part.regional?.localizeFolders === true && isCertain
            ? { memory: { foldersLanguage: languageOfFolders(desired.inputs.regional, settings) } }
            : {}),
        });
      },
    );
  },

  read: ({ settings }, { inputs }) =>
    settings === undefined
      ? {}
      : {
          automaticReplies: repliesAsRead(settings.automaticReplies, inputs.automaticReplies),
          regional: regionalAsRead(settings, inputs.regional),
        },

  outputs: (_observed, { memory: { foldersLanguage } }) => ({ foldersLanguage }),
};

const OVER = {
  path: "automaticReplies.end",
  reason: 'is in the past, and Exchange refuses a schedule that has ended; write a later end, or status "disabled"',
};

/** Replies that are declared and that nobody gets. */
function unsent(inputs: Partial<SharedMailboxInputs>, olds: Partial<SharedMailboxInputs>): string[] {
  const { automaticReplies: replies, forwarding } = inputs;
  if (replies === undefined || replies.status === "disabled" || isOver(replies)) {
    return [];
  }
  const isNew = !isSame(replies, olds.automaticReplies);
  const isForwardingNew = !isSame(forwarding, olds.forwarding);
  return [
    // The mail does not reach the mailbox, where the replies are made.
    ...((isNew || isForwardingNew) && isForwarding(forwarding) && forwarding.keepCopy === false
      ? [
          "automaticReplies: no reply is sent while forwarding.keepCopy is false, because the mail does not reach the mailbox. " +
            "Let forwarding keep a copy, or leave the replies out.",
        ]
      : []),
    ...(isNew ? unsentTexts(replies) : []),
  ];
}

function unsentTexts({ externalAudience, internalMessage, externalMessage }: AutomaticRepliesInput): string[] {
  const isExternal = showsText(externalMessage);
  if (externalAudience === "none" && isExternal) {
    return [
      'automaticReplies.externalMessage is sent to nobody, because externalAudience is "none".',
      ...(showsText(internalMessage) ? [] : [NO_TEXT]),
    ];
  }
  if (!showsText(internalMessage) && !isExternal) {
    return [NO_TEXT];
  }
  return externalAudience !== undefined && externalAudience !== "none" && !isExternal
    ? [
        `automaticReplies.externalAudience is "${externalAudience}", but externalMessage has no text: people outside get no reply.`,
      ]
    : [];
}

const NO_TEXT =
  "automaticReplies has no text to send: nobody gets a reply. Write internalMessage, externalMessage or both.";

function replyChanges(
  { automaticReplies: declared }: SharedMailboxInputs,
  { automaticReplies: previous }: HeldInputs,
  { automaticReplies: seen }: Settings,
): Change[] {
  if (isJustOver(declared, seen)) {
    return [];
  }
  return REPLY_MEMBERS.flatMap((member) => {
    const to = declared?.[member] ?? (isSet(previous?.[member]) ? REPLY_DEFAULTS[member] : undefined);
    const from = seen[member];
    const isText = member === "internalMessage" || member === "externalMessage";
    // While replies are off, their declared text is not compared. A text that left the program is cleared all the same.
    const isIdle = isText && declared?.status === "disabled" && declared[member] !== undefined;
    const isSame = isText ? isSameMessage(from ?? "", to ?? "") : from === to;
    return to === undefined || isIdle || isSame
      ? []
      : [{ path: ["automaticReplies", member], from: (isText ? canonicalMessage(from ?? "") : from) || undefined, to }];
  });
}

/** Whether the declared schedule is over and nothing is sent: as good as declared, and it could not be written any more. */
function isJustOver(declared: Replies | null | undefined, seen: AutomaticReplies): boolean {
  return (
    declared !== undefined && declared !== null && isOver(declared) && (seen.status === "disabled" || isOver(seen))
  );
}

/** Both groups as they are to be written: one request where one is enough. */
function settingsChange(changes: readonly Change[], { inputs }: Desired, settings: Settings): SettingsChange {
  const replies = changesOf("automaticReplies", changes);
  const regional = changesOf("regional", changes);
  // Everything declared goes along: the service checks times and texts against the status they come with.
  const changed: Properties = {
    ...inputs.automaticReplies,
    ...Object.fromEntries(replies.map(({ path: [, member = ""], to }) => [member, to])),
  };
  return {
    ...(replies.length === 0 ? {} : { automaticReplies: changed }),
    ...(regional.length === 0 ? {} : { regional: regionalChange(regional, inputs.regional, settings) }),
  };
}

/** Inputs as they are once a part is or may be written; what was to be taken away leaves them only when that is certain. */
function writtenSettings(
  part: SettingsChange,
  isCertain: boolean,
  { automaticReplies, regional }: SharedMailboxInputs,
  { inputs: held }: KnownMailbox,
): HeldInputs {
  const region = isCertain && regional === undefined ? withoutFormats(held.regional) : held.regional;
  return {
    ...(part.automaticReplies && { automaticReplies: merged(automaticReplies, held.automaticReplies, isCertain) }),
    ...(part.regional && { regional: merged(regional, region, isCertain) }),
  };
}

function merged<T extends object>(declared: T | undefined, held: T | null | undefined, isCertain: boolean) {
  const isBoth = declared !== undefined && held !== undefined && held !== null;
  return isBoth && !isCertain ? { ...held, ...declared } : (declared ?? held);
}

/** Replies as an input: the members that are managed, in the spelling of the program where it means the same. */
function repliesAsRead(seen: AutomaticReplies, managed: Replies | null | undefined): unknown {
  if (managed === undefined || managed === null) {
    return seen.status === "disabled" ? null : spelled(seen, { internalMessage: "", externalMessage: "" });
  }
  return isJustOver(managed, seen) ? managed : spelled(seen, managed);
}

function spelled(seen: AutomaticReplies, managed: Replies): Replies {
  const isIdle = seen.status === "disabled";
  const names = REPLY_MEMBERS.filter((member) => member === "status" || member in managed);
  return Object.fromEntries(
    names.map((member) => {
      const held = managed[member];
      switch (member) {
        case "internalMessage":
        case "externalMessage":
          return [member, isIdle || isSameMessage(seen[member], held ?? "") ? held : canonicalMessage(seen[member])];
        case "start":
        case "end":
          return [member, seen.status === "scheduled" ? (seen[member] ?? null) : held];
        default:
          return [member, seen[member]];
      }
    }),
  );
}

/** Whether a reader would see anything of a text. */
function showsText(message: string | undefined): boolean {
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
