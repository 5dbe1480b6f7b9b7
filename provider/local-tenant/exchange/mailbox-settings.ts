import {
  dateFormats,
  instantOf,
  isWindowsTimeZone,
  timeFormats,
  untouchedSettings,
  whyNotFormat,
} from "../mailbox-settings";
import { type MailboxSettings, tables } from "../model";
import { isKeyOf } from "../values";
import { type Call, commitIfChanged, limited, named } from "./call";
import { dateTime, type Row } from "./envelope";
import { invalidFormat, invalidProperty, invalidSchedule, objectNotFound } from "./errors";
import { wrapHtml } from "./format";
import { Directory, hasMailbox, type MailboxRecipient } from "./identity";

/** The mailboxes that Identity names, or all of them. Soft-deleted ones have no settings. */
function mailboxes(call: Call): MailboxRecipient[] {
  const directory = new Directory(call.tenant, "seen");
  return named(
    call,
    directory,
    (recipient): recipient is MailboxRecipient => hasMailbox(recipient) && !directory.isSoftDeleted(recipient),
  );
}

/** The settings a Get- cmdlet shows for a mailbox: those Exchange sees, or those of a mailbox nobody has set anything on. */
function shownSettings({ tenant }: Call, { externalDirectoryObjectId: id }: MailboxRecipient): MailboxSettings {
  return (
    tenant.store.seen<MailboxSettings>("exchange", tables.mailboxSettings, id) ?? untouchedSettings(id, tenant.now())
  );
}

/** Changes the authoritative settings of the mailbox that Identity names; a change that changes nothing is a warning. */
function changeSettings(call: Call, change: (settings: MailboxSettings) => void): void {
  const { bound, tenant } = call;
  const identity = bound.filled("Identity") ?? "";
  const { name, externalDirectoryObjectId: id, guid } = new Directory(tenant, "seen").mailbox(identity);
  const latest = new Directory(tenant, "latest");
  const recipient = latest.byGuid(guid);
  if (recipient === undefined || latest.isSoftDeleted(recipient)) {
    throw objectNotFound(identity);
  }
  const present = tenant.store.get<MailboxSettings>(tables.mailboxSettings, id) ?? untouchedSettings(id, tenant.now());
  const settings = structuredClone(present);
  change(settings);
  commitIfChanged(call, name, present, settings, [[tables.mailboxSettings, id, settings]]);
}

/** A point in time as the settings hold it: UTC, seven decimals. */
function utc(iso: string): { dateTime: string; timeZone: string } {
  return { dateTime: `${iso.replace(/(?:\.\d+)?Z$/, "")}.0000000`, timeZone: "UTC" };
}

type AutomaticReplies = MailboxSettings["automaticReplies"];

/** Exchange's words for the states and audiences, which are kept in Graph's. */
const states = { Disabled: "disabled", Enabled: "alwaysEnabled", Scheduled: "scheduled" } as const;
const audiences = { None: "none", Known: "contactsOnly", All: "all" } as const;

/** Get-MailboxAutoReplyConfiguration. */
export function getAutoReply(call: Call): Row[] {
  const rows = mailboxes(call).map((recipient) => autoReplyRow(call, recipient));
  return limited(call, rows);
}

function autoReplyRow(call: Call, recipient: MailboxRecipient): Row {
  const { automaticReplies } = shownSettings(call, recipient);
  return {
    Identity: recipient.name,
    MailboxOwnerId: recipient.name,
    AutoReplyState: wordFor(states, automaticReplies.status),
    ExternalAudience: wordFor(audiences, automaticReplies.externalAudience),
    InternalMessage: automaticReplies.internalReplyMessage,
    ExternalMessage: automaticReplies.externalReplyMessage,
    StartTime: dateTime(isoOf(automaticReplies.scheduledStartDateTime)),
    EndTime: dateTime(isoOf(automaticReplies.scheduledEndDateTime)),
    AutoDeclineFutureRequestsWhenOOF: false,
    CreateOOFEvent: false,
    DeclineAllEventsForScheduledOOF: false,
    DeclineEventsForScheduledOOF: false,
    DeclineMeetingMessage: null,
    EventsToDeleteIDs: null,
    OOFEventSubject: null,
    IsValid: true,
  };
}

/** Set-MailboxAutoReplyConfiguration. Messages are stored inside html and body tags; null clears them. */
export function setAutoReply(call: Call): undefined {
  const { bound } = call;
  changeSettings(call, ({ automaticReplies }) => {
    const state = bound.text("AutoReplyState");
    if (isKeyOf(states, state)) {
      automaticReplies.status = states[state];
    }
    const audience = bound.text("ExternalAudience");
    if (isKeyOf(audiences, audience)) {
      automaticReplies.externalAudience = audiences[audience];
    }
    for (const [parameter, field] of [
      ["InternalMessage", "internalReplyMessage"],
      ["ExternalMessage", "externalReplyMessage"],
    ] as const) {
      const message = bound.text(parameter);
      if (message !== undefined) {
        automaticReplies[field] = message === null || message === "" ? "" : wrapHtml(message);
      }
    }
    for (const [parameter, field] of [
      ["StartTime", "scheduledStartDateTime"],
      ["EndTime", "scheduledEndDateTime"],
    ] as const) {
      const time = bound.text(parameter);
      if (typeof time === "string") {
        automaticReplies[field] = utc(time);
      }
    }
    requireSchedule(automaticReplies, call.tenant.now());
  });
}

/** A schedule is checked as a whole, whichever part of it was given: not upside down, and not over. */
function requireSchedule({ status, ...times }: AutomaticReplies, now: number): void {
  const end = isoOf(times.scheduledEndDateTime);
  if (status === "scheduled" && (end <= isoOf(times.scheduledStartDateTime) || Date.parse(end) < now)) {
    throw invalidSchedule();
  }
}

/** Exchange stores UTC; through Graph any zone may have been written. */
function isoOf({ dateTime: text, timeZone }: { dateTime: string; timeZone: string }): string {
  return new Date(instantOf(text, timeZone) ?? 0).toISOString();
}

function wordFor(words: Readonly<Record<string, string>>, value: string): string {
  return Object.keys(words).find((word) => words[word] === value) ?? value;
}

/** Get-MailboxRegionalConfiguration. Everything is null until somebody sets it; no format set means the language's default. */
export function getRegional(call: Call): Row[] {
  return mailboxes(call).map((recipient) => {
    const { language, timeZone, dateFormat, timeFormat } = shownSettings(call, recipient);
    return {
      Identity: recipient.name,
      Language: language,
      TimeZone: timeZone,
      DateFormat: dateFormat ?? (language === null ? null : dateFormats(language)[0]),
      TimeFormat: timeFormat ?? (language === null ? null : timeFormats(language)[0]),
      DefaultFolderNameMatchingUserLanguage: null,
      IsValid: true,
    };
  });
}

/** Set-MailboxRegionalConfiguration. A new language is refused while a format of the old one stays in force. */
export function setRegional(call: Call): undefined {
  // @documented exchange.language-format-pair: A new Language is refused while a date or time format of the old one stays
  // [reference of the cmdlet]
  // @observed exchange.formats-of-language: A date or time format that the mailbox's language does not have is refused with the
  // list of those it has [MicrosoftDocs/office-docs-powershell #5318 (en-GB, with the list) and #7385 (da-DK), OfficeDocs-Support
  // #289 (it-IT); en-US as in .NET's documentation; the lists of other languages are wider guesses]
  const { bound } = call;
  changeSettings(call, (settings) => {
    const language = bound.text("Language");
    if (typeof language === "string") {
      const culture = cultureOf(language);
      const keepsFormat =
        (settings.dateFormat !== null && !bound.has("DateFormat")) ||
        (settings.timeFormat !== null && !bound.has("TimeFormat"));
      if (settings.language !== null && settings.language !== culture && keepsFormat) {
        throw invalidFormat(
          `DateFormat "${settings.dateFormat}" or TimeFormat "${settings.timeFormat}" isn't valid for current language setting "${culture}".`,
        );
      }
      settings.language = culture;
    }
    const timeZone = bound.text("TimeZone");
    if (typeof timeZone === "string") {
      if (!isWindowsTimeZone(timeZone)) {
        throw invalidProperty("TimeZone", `"${timeZone}" isn't a time zone the server knows.`);
      }
      settings.timeZone = timeZone;
    }
    for (const [parameter, field] of [
      ["DateFormat", "dateFormat"],
      ["TimeFormat", "timeFormat"],
    ] as const) {
      const format = bound.text(parameter);
      if (format !== undefined) {
        settings[field] = format === "" ? null : format;
        const reason = whyNotFormat(parameter, settings[field], settings.language);
        if (reason !== undefined) {
          throw invalidFormat(reason);
        }
      }
    }
  });
}

/** A specific culture in its canonical writing, `da-DK`; a neutral one such as `da` is refused. */
function cultureOf(language: string): string {
  // @observed exchange.neutral-culture: A neutral culture is refused as Language [CIPP]
  try {
    const [culture] = Intl.getCanonicalLocales(language);
    if (culture !== undefined && /^[a-z]{2,3}(?:-[A-Z][a-z]{3})?-[A-Z]{2}$/.test(culture)) {
      return culture;
    }
  } catch {
    // Not a language tag at all: refused below like a neutral one.
  }
  throw invalidProperty("Language", `"${language}" isn't a specific culture name.`);
}
