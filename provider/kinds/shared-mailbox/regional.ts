import { z } from "zod";
import type { Change, Problem, Properties } from "../../core/kind";
import { isSet } from "../../core/properties";
import { type Settings, type SettingsChange, windowsTimeZone } from "../../services/mailbox-settings";
import type { HeldInputs, KnownMailbox } from "./desired";

const STICKY = ["language", "timeZone"] as const;
const FORMATS = ["dateFormat", "timeFormat"] as const;

type Format = (typeof FORMATS)[number];

/**
 * Formats by language, where somebody has written down the whole list that Exchange or .NET has (Exchange takes what the .NET culture
 * of the language has). There is no such list for all languages: Windows' own differ from one version to the next.
 *
 * @see https://github.com/MicrosoftDocs/office-docs-powershell/issues/5318 for en-GB, in Exchange's words
 * @see https://learn.microsoft.com/dotnet/standard/base-types/standard-date-and-time-format-strings for en-US
 */
const LISTS: Readonly<Record<string, Partial<Record<Format, readonly string[]>>>> = {
  "en-GB": { dateFormat: ["dd/MM/yyyy", "dd/MM/yy", "d/M/yy", "d.M.yy", "yyyy-MM-dd"] },
  "en-US": { dateFormat: ["M/d/yyyy", "M/d/yy", "MM/dd/yy", "MM/dd/yyyy", "yy/MM/dd", "yyyy-MM-dd", "dd-MMM-yy"] },
};

/**
 * Formats that Exchange is known to refuse for a language whose list is not known, with what to write.
 *
 * @see https://github.com/MicrosoftDocs/OfficeDocs-Support/issues/289
 */
const REFUSED: Readonly<Record<string, Partial<Record<Format, Readonly<Record<string, string>>>>>> = {
  "it-IT": { timeFormat: { "HH.mm": "HH:mm" } },
};

/** The letters of each kind of format, and those without which it is none. Other letters stand in quotation marks. */
const LETTERS = {
  dateFormat: { known: /[dMyg]/, needed: ["d", "M", "y"] },
  timeFormat: { known: /[hHmst]/, needed: ["h", "m"] },
} as const;

/** What to write in place of a letter that other notations have. */
const INSTEAD: Readonly<Record<Format, Readonly<Record<string, string>>>> = {
  dateFormat: { m: "M", D: "d", Y: "y" },
  timeFormat: { M: "m", n: "m", a: "tt", A: "tt", p: "tt" },
};

/** Why a format can be none of the language's; undefined when it may be one. A language that is not declared is not known. */
function formatProblem(kind: Format, format: string, language: string | undefined): string | undefined {
  const list = LISTS[language ?? ""]?.[kind];
  if (list !== undefined) {
    return list.includes(format) ? undefined : `is not a format of ${language}; write one of ${quoted(list)}`;
  }
  const instead = REFUSED[language ?? ""]?.[kind]?.[format];
  if (instead !== undefined) {
    return `is not a format of ${language}; write ${quoted([instead])}`;
  }
  return letterProblem(kind, format);
}

/** What is unusual about a format for its language, whose list is not known: Exchange may refuse it. Undefined when nothing is. */
function formatDoubt(kind: Format, format: string, language: string): string | undefined {
  if (LISTS[language]?.[kind] !== undefined) {
    return undefined;
  }
  const usual = usualFormat(kind, language);
  const isUnusual =
    kind === "dateFormat"
      ? format !== "yyyy-MM-dd" && orderOf(format) !== orderOf(usual)
      : /s/.test(format) || !(format.includes(":") || format.includes(usual.replace(/[A-Za-z ]/g, "") || ":"));
  return isUnusual
    ? `regional.${kind}: the usual format of ${language} is ${usual}. Exchange accepts only formats that Windows has for the language, so it may refuse ${format}.`
    : undefined;
}

function letterProblem(kind: Format, format: string): string | undefined {
  const letters = format.replace(/'[^']*'|\\./g, "").match(/[A-Za-z]/g) ?? [];
  const { known, needed } = LETTERS[kind];
  const wrong = letters.find((letter) => !known.test(letter));
  const example = kind === "dateFormat" ? "dd-MM-yyyy" : "HH:mm";
  if (wrong !== undefined) {
    const right = INSTEAD[kind][wrong];
    return right === undefined
      ? `has the letter ${wrong}, which means nothing in such a format; write e.g. ${example}`
      : `has ${wrong} where ${right} is meant: capitals count; write e.g. ${example}`;
  }
  const has = (letter: string) => letters.some((one) => one === letter || (letter === "h" && one === "H"));
  return needed.every(has)
    ? undefined
    : kind === "dateFormat"
      ? `needs a day (d), a month (M) and a year (y); write e.g. ${example}`
      : `needs hours (H or h) and minutes (mm); write e.g. ${example}`;
}

/** Numbers of a day, a month and a year in the order in which a format has them; months by name stand anywhere. */
function orderOf(format: string): string {
  return [...new Set(format.replace(/'[^']*'|MMM+/g, "").match(/[dMy]/g) ?? [])].join("");
}

/** How Unicode writes a short date or time in a language, in .NET's letters. */
function usualFormat(kind: Format, language: string): string {
  const style = kind === "dateFormat" ? { dateStyle: "short" as const } : { timeStyle: "short" as const };
  const format = new Intl.DateTimeFormat(`${language}-u-ca-gregory-nu-latn`, { ...style, timeZone: "UTC" });
  const hour = format.resolvedOptions().hour12 === true ? "h" : "H";
  const letters: Partial<Record<Intl.DateTimeFormatPartTypes, string>> = {
    day: "d",
    month: "M",
    year: "y",
    hour,
    minute: "m",
    dayPeriod: "tt",
  };
  // The first of September, at five past seven: one digit where no zero is put before it.
  return format
    .formatToParts(Date.UTC(2026, 8, 1, 7, 5))
    .map(({ type, value }) => {
      const letter = letters[type];
      return letter === undefined ? value : letter === "tt" ? letter : letter.repeat(value.length);
    })
    .join("");
}

function quoted(formats: readonly string[]): string {
  return formats.map((format) => JSON.stringify(format)).join(", ");
}

/** `da-DK`, `sr-Latn-RS`: a language, perhaps a script, and a country. */
const CULTURE = /^([a-z]{2,3})(?:-[A-Z][a-z]{3})?-([A-Z]{2})$/;
/** Unicode's codes for no country, several countries, and tests. */
const NO_COUNTRY = ["EU", "EZ", "QO", "UN", "XA", "XB", "ZZ"];

/** Whether English has a name for the code of a language or a region. Asked for rarely, and dear to make. */
function isNamed(type: "language" | "region", code: string): boolean {
  return new Intl.DisplayNames("en", { type, fallback: "none" }).of(code) !== undefined;
}

/** Why two letters stand for no country; undefined where they do. Entra knows neither former codes nor other spellings, such as UK. */
export function whyNoCountry(letters: string): string | undefined {
  if (!/^[A-Z]{2}$/.test(letters)) {
    return undefined;
  }
  const { region = letters } = new Intl.Locale(`und-${letters}`);
  const isKnown = isNamed("region", region);
  if (isKnown && region === letters) {
    return undefined;
  }
  return `is not a country code of ISO 3166; write ${isKnown ? region : "one, e.g. SE"}`;
}

/**
 * A culture code as Windows and Exchange write it: `da-DK` for `da-dk`.
 *
 * @returns undefined for a neutral culture (`da`) and for a language or a country that does not exist.
 */
export function cultureCode(text: string): string | undefined {
  try {
    const [code = ""] = Intl.getCanonicalLocales(text.trim());
    const [, language = "", region = ""] = CULTURE.exec(code) ?? [];
    const isKnown = isNamed("language", language) && isNamed("region", region);
    return isKnown && !NO_COUNTRY.includes(region) ? code : undefined;
  } catch {
    return undefined;
  }
}

const language = z.string({ error: "must be text: a culture code such as da-DK" }).transform((value, context) => {
  const code = cultureCode(value);
  if (code === undefined) {
    const isNeutral = /^[a-z]{2,3}$/i.test(value.trim());
    context.addIssue({
      code: "custom",
      message: isNeutral
        ? "is a language without a country, which Exchange does not take; write a culture code such as da-DK"
        : "is not a known language; write a culture code of language and country such as da-DK",
    });
    return z.NEVER;
  }
  return code;
});

const timeZone = z
  .string({ error: 'must be text: a time zone such as "Romance Standard Time" or Europe/Copenhagen' })
  .transform((value, context) => {
    const name = windowsTimeZone(value);
    if (name === undefined) {
      context.addIssue({
        code: "custom",
        message:
          'is not a time zone that Exchange knows; write the name Windows has for it, such as "Romance Standard Time", or an ' +
          "IANA name such as Europe/Copenhagen",
      });
      return z.NEVER;
    }
    return name;
  });

const format = (example: string) =>
  z
    .string({ error: `must be text: a format such as ${example}` })
    .transform((value) => value.trim())
    .refine((value) => value !== "", { error: "is empty; leave it out for the language's default" });

/**
 * Regional settings. Canonical form: the culture code as Windows writes it, the time zone by its Windows name, so that two
 * names of one zone are the same; null is the same as nothing.
 */
export const regional = z.preprocess(
  (value) =>
    typeof value === "object" && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).filter(([, member]) => member !== null))
      : value,
  z.strictObject(
    {
      language: language.optional(),
      timeZone: timeZone.optional(),
      dateFormat: format("dd-MM-yyyy").optional(),
      timeFormat: format("HH:mm").optional(),
      localizeFolders: z.boolean({ error: "must be true or false" }).optional(),
    },
    { error: 'must be an object: { language: "da-DK", timeZone: "Europe/Copenhagen" }' },
  ),
);

/** Regional settings in canonical form. */
export type RegionalInput = z.output<typeof regional>;

/** What is wrong with formats that are new. */
export function regionalProblems(regional: RegionalInput = {}, before: RegionalInput | undefined): Problem[] {
  return newFormats(regional, before).flatMap(({ kind, format }) => {
    const reason = formatProblem(kind, format, regional.language);
    return reason === undefined ? [] : [{ path: `regional.${kind}`, reason }];
  });
}

/** What to say of a change: a language or a time zone cannot be taken away, only replaced by another one, and a format may be refused. */
export function regionalAdvice(regional: RegionalInput = {}, before: RegionalInput | undefined): string[] {
  const { language } = regional;
  return [
    ...STICKY.filter((member) => isSet(before?.[member]) && !isSet(regional[member])).map(
      (member) => `regional.${member} is no longer declared; the mailbox keeps ${before?.[member]}.`,
    ),
    ...newFormats(regional, before).flatMap(
      ({ kind, format }) => (language === undefined ? undefined : formatDoubt(kind, format, language)) ?? [],
    ),
  ];
}

/** The declared formats that the state does not have for the same language. */
function newFormats(regional: RegionalInput, before: RegionalInput | undefined): { kind: Format; format: string }[] {
  return FORMATS.flatMap((kind) => {
    const format = regional[kind];
    const isHeld = before?.[kind] === format && before?.language === regional.language;
    return format === undefined || isHeld ? [] : [{ kind, format }];
  });
}

/** What differs. */
export function regionalChanges(
  declared: RegionalInput = {},
  previous: HeldInputs["regional"],
  settings: Settings,
  { inputs: { regional: now }, memory: { foldersLanguage } }: KnownMailbox,
): Change[] {
  const seen = canonical(settings);
  const values = [...STICKY, ...FORMATS].flatMap((member) => {
    const [from, to] = [seen[member], declared[member]];
    return to === undefined || from === to ? [] : [{ path: ["regional", member], from, to }];
  });
  // Exchange shows the default in place of no format, so that a format put back can look as before: asked for once.
  const formats = FORMATS.filter(
    (member) =>
      declared[member] === undefined &&
      isSet(previous?.[member]) &&
      isSet(now?.[member]) &&
      seen[member] === previous?.[member],
  ).map((member) => ({ path: ["regional", member], from: seen[member], to: undefined }));
  // Folder names cannot be read reliably: renamed once when it is asked for, and again for another language.
  const language = languageOfFolders(declared, settings);
  const isNamed = declared.localizeFolders !== true || foldersLanguage === language;
  const folders = isNamed ? [] : [{ path: ["regional", "localizeFolders"], from: foldersLanguage, to: language }];
  return [...values, ...formats, ...folders];
}

/** The language the default folders are to have: the declared one, else the mailbox's; "" where nobody has set one. */
export function languageOfFolders(declared: RegionalInput | undefined, settings: Settings): string {
  return declared?.language ?? canonical(settings).language ?? "";
}

/** What is to be written. Formats belong to a language: a new one is refused while those of the old one stay in force. */
export function regionalChange(
  changes: readonly Change[],
  declared: RegionalInput = {},
  { regional: seen }: Settings,
): NonNullable<SettingsChange["regional"]> {
  const change: Properties = Object.fromEntries(
    changes.map(({ path: [, member = ""], to }) => [member, member === "localizeFolders" ? true : (to ?? null)]),
  );
  const formats = FORMATS.flatMap((member) => {
    const format = declared[member] ?? (seen[member] === undefined ? undefined : null);
    return format === undefined ? [] : [[member, format]];
  });
  return change.language === undefined ? change : { ...change, ...Object.fromEntries(formats) };
}

/** Regional settings of which no format is managed any more. */
export function withoutFormats(held: HeldInputs["regional"]): HeldInputs["regional"] {
  const { dateFormat: _dateFormat, timeFormat: _timeFormat, ...rest } = held ?? {};
  return rest;
}

/** Regional settings as an input: of what is managed. */
export function regionalAsRead(settings: Settings, managed: HeldInputs["regional"]): Properties {
  const seen: Properties = canonical(settings);
  return Object.fromEntries(
    Object.entries(managed ?? seen).map(([name, held]) => [
      name,
      name === "localizeFolders" ? held : (seen[name] ?? null),
    ]),
  );
}

function canonical({ regional: { language, timeZone, ...formats } }: Settings) {
  return {
    language: language === undefined ? undefined : (cultureCode(language) ?? language),
    timeZone: timeZone === undefined ? undefined : (windowsTimeZone(timeZone) ?? timeZone),
    ...formats,
  };
}
