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
