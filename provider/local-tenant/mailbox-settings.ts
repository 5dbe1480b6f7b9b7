/** What the settings of a mailbox may be, whichever service they are written by: time zones, and the formats of languages. */
import windowsZones from "cldr-core/supplemental/windowsZones.json";
import type { MailboxSettings } from "./model";

/** The settings of a mailbox nobody has set anything on. */
export function untouchedSettings(mailbox: string, now: number): MailboxSettings {
  const hour = 60 * 60 * 1000;
  const start = Math.floor(now / hour) * hour;
  const at = (time: number) => ({ dateTime: new Date(time).toISOString().replace("Z", "0000"), timeZone: "UTC" });
  return {
    mailbox,
    automaticReplies: {
      status: "disabled",
      externalAudience: "all",
      internalReplyMessage: "",
      externalReplyMessage: "",
      scheduledStartDateTime: at(start),
      scheduledEndDateTime: at(start + 24 * hour),
    },
    language: null,
    timeZone: null,
    dateFormat: null,
    timeFormat: null,
    delegateMeetingMessageDeliveryOptions: "sendToDelegateOnly",
  };
}

/** Windows' time zones in lower case and an IANA zone of the same offsets (Unicode CLDR, windowsZones: territory 001). */
const byLowerCase = new Map(
  windowsZones.supplemental.windowsZones.mapTimezones
    .filter(({ mapZone }) => mapZone._territory === "001")
    .map(({ mapZone }) => [mapZone._other.toLowerCase(), mapZone._type]),
);

/** True for a Windows zone name, the only kind Exchange's cmdlets take. */
export function isWindowsTimeZone(name: string): boolean {
  return byLowerCase.has(name.toLowerCase());
}

/** True for a Windows or IANA zone name. */
export function isTimeZone(name: string): boolean {
  return formatter(name) !== undefined;
}

/**
 * The instant of a local time in a zone, in milliseconds, or undefined when either is not valid. `dateTime` has no offset:
 * `2026-09-01T08:00:00.0000000`; one that has is an instant already.
 */
export function instantOf(dateTime: string, timeZone: string): number | undefined {
  const format = formatter(timeZone);
  const parts = /^(\d{4}-\d\d-\d\d)(?:T(\d\d:\d\d(?::\d\d)?)(?:\.\d+)?)?(Z|[+-]\d\d:\d\d)?$/i.exec(dateTime.trim());
  if (format === undefined || parts === null) {
    return undefined;
  }
  const [, date, time = "00:00:00", offset] = parts;
  const asUtc = Date.parse(`${date}T${time}${offset ?? "Z"}`);
  if (Number.isNaN(asUtc)) {
    return undefined;
  }
  if (offset !== undefined) {
    return asUtc;
  }
  // Twice, because the offset at the first guess may be that of the other side of a clock change.
  const guess = asUtc - offsetAt(format, asUtc);
  return asUtc - offsetAt(format, guess);
}

/** An instant as Graph writes it in UTC: `2026-09-01T06:00:00.0000000`. */
export function utcText(instant: number): string {
  return new Date(instant).toISOString().replace(/\.(\d{3})Z$/, ".$10000");
}

function formatter(name: string): Intl.DateTimeFormat | undefined {
  try {
    return new Intl.DateTimeFormat("en-US", {
      timeZone: byLowerCase.get(name.toLowerCase()) ?? name,
      hourCycle: "h23",
      year: "numeric",
      month: "2-digit",
      day: "2-digit",
      hour: "2-digit",
      minute: "2-digit",
      second: "2-digit",
    });
  } catch {
    return undefined;
  }
}

function offsetAt(format: Intl.DateTimeFormat, instant: number): number {
  const parts = Object.fromEntries(format.formatToParts(instant).map(({ type, value }) => [type, value]));
  const local = Date.parse(`${parts.year}-${parts.month}-${parts.day}T${parts.hour}:${parts.minute}:${parts.second}Z`);
  return local - Math.floor(instant / 1000) * 1000;
}

/** Short dates of languages whose whole list somebody has written down: Exchange's own words, Microsoft's .NET documentation. */
const datesOf: Readonly<Record<string, readonly string[]>> = {
  "en-GB": ["dd/MM/yyyy", "dd/MM/yy", "d/M/yy", "d.M.yy", "yyyy-MM-dd"],
  "en-US": ["M/d/yyyy", "M/d/yy", "MM/dd/yy", "MM/dd/yyyy", "yy/MM/dd", "yyyy-MM-dd", "dd-MMM-yy"],
};

/**
 * The date formats a mailbox of a language may have, the default first. For most languages it is a guess that is wider than the real
 * list: the language's order of day, month and year with any of the usual separators, and ISO 8601.
 */
export function dateFormats(language: string): readonly string[] {
  const known = datesOf[language];
  if (known !== undefined) {
    return known;
  }
  const letters: Partial<Record<Intl.DateTimeFormatPartTypes, string>> = { day: "d", month: "M", year: "yyyy" };
  const parts = new Intl.DateTimeFormat(`${language}-u-ca-gregory-nu-latn`, {
    day: "numeric",
    month: "numeric",
    year: "numeric",
    timeZone: "UTC",
  }).formatToParts(0);
  const usual = parts
    .map(({ type, value }) => {
      const letter = letters[type];
      return letter === undefined ? value : letter.length === 1 && value.length === 2 ? letter.repeat(2) : letter;
    })
    .join("");
  const order = parts.flatMap(({ type }) => letters[type]?.charAt(0) ?? []);
  const separators = ["-", "/", "."];
  const others = ["dd MM yyyy", "dd MM yy", "d M yyyy", "d M yy"].flatMap((widths) => {
    const by = Object.fromEntries(widths.split(" ").map((one) => [one.charAt(0), one]));
    return separators.map((separator) => order.map((letter) => by[letter]).join(separator));
  });
  return [...new Set([usual, ...others, "yyyy-MM-dd"])];
}

/** The time formats a mailbox of a language may have, the default first; a guess as for {@link dateFormats}. */
export function timeFormats(language: string): readonly string[] {
  const format = new Intl.DateTimeFormat(language, { timeStyle: "short", timeZone: "UTC" });
  const isTwelve = format.resolvedOptions().hour12 === true;
  const hasDot = format.formatToParts(0).some(({ type, value }) => type === "literal" && value.includes("."));
  const full = ["HH:mm", "H:mm", ...(hasDot ? ["HH.mm", "H.mm"] : [])];
  const half = ["h:mm tt", "hh:mm tt"];
  return isTwelve ? [...half, ...full] : [...full, ...half];
}

/** What Exchange says to a format that the language does not have; undefined when it has it, or when no language is set. */
export function whyNotFormat(
  kind: "DateFormat" | "TimeFormat",
  format: string | null,
  language: string | null,
): string | undefined {
  if (format === null || language === null) {
    return undefined;
  }
  const formats = kind === "DateFormat" ? dateFormats(language) : timeFormats(language);
  return formats.includes(format)
    ? undefined
    : `${kind} "${format}" isn't valid for current language setting "${language}". Valid formats include "${formats.join(", ")}".`;
}
