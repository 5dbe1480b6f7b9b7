import { z } from "zod";
import { windowsTimeZone } from "../../services/time-zones";

/** `da-DK`, `sr-Latn-RS`: a language, perhaps a script, and a country. */
const CULTURE = /^([a-z]{2,3})(?:-[A-Z][a-z]{3})?-([A-Z]{2})$/;
/** Unicode's codes for no country, several countries, and tests. */
const NO_COUNTRY = ["EU", "EZ", "QO", "UN", "XA", "XB", "ZZ"];

const languages = new Intl.DisplayNames("en", { type: "language", fallback: "none" });
const regions = new Intl.DisplayNames("en", { type: "region", fallback: "none" });

/**
 * A culture code as Windows and Exchange write it: `da-DK` for `da-dk`.
 *
 * @returns undefined for a neutral culture (`da`) and for a language or a country that does not exist.
 */
export function cultureCode(text: string): string | undefined {
  try {
    const [code = ""] = Intl.getCanonicalLocales(text.trim());
    const [, language = "", region = ""] = CULTURE.exec(code) ?? [];
    const isKnown = languages.of(language) !== undefined && regions.of(region) !== undefined;
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
        : "is no language that is known; write a culture code of language and country such as da-DK",
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
          'is no time zone that Exchange knows; write the name Windows has for it, such as "Romance Standard Time", or an ' +
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
