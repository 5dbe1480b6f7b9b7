import { dateFormats, timeFormats, whyNotFormat } from "../graph/formats";
import { isWindowsTimeZone } from "../graph/time-zones";
import type { Recipient } from "../model";
import { type Call, named } from "./call";
import type { Row } from "./envelope";
import { invalidFormat, invalidProperty } from "./errors";
import { Directory, hasMailbox, type MailboxRecipient } from "./identity";
import { changeSettings, shownSettings } from "./mailbox-settings";

/** Get-MailboxRegionalConfiguration. Everything is null until somebody sets it; no format set means the language's default. */
export function getRegional(call: Call): Row[] {
  const directory = new Directory(call.tenant, "seen");
  const isActive = (recipient: Recipient): recipient is MailboxRecipient =>
    hasMailbox(recipient) && !directory.isSoftDeleted(recipient);
  return named(call, directory, isActive).map((recipient) => {
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
