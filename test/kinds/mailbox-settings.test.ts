import fc from "fast-check";
import type { Properties } from "../../provider/core/kind";
import {
  type Desired,
  type HeldInputs,
  type KnownMailbox,
  memory,
  type Observed,
} from "../../provider/kinds/shared-mailbox/desired";
import {
  automaticReplies,
  canonicalMessage,
  isSameMessage,
  mailboxSettings,
} from "../../provider/kinds/shared-mailbox/mailbox-settings";
import { cultureCode, regional } from "../../provider/kinds/shared-mailbox/regional";
import {
  instant,
  instantIn,
  type Settings,
  standardZone,
  windowsTimeZone,
} from "../../provider/services/mailbox-settings";

const languages = ["da-DK", "de-DE", "en-GB", "en-US", "fil-PH", "fr-CA", "nb-NO", "sr-Latn-RS", "zh-CN", "pt-BR"];
const windows = ["Romance Standard Time", "UTC", "Tokyo Standard Time", "Central Standard Time (Mexico)", "UTC-02"];

/** Texts as people write them: words, tags, entities, line breaks. */
const text = fc
  .array(fc.constantFrom("Back", "on", "Monday", "<p>", "</p>", "<br>", "&amp;", "\n", "  ", "<b>x</b>", "æøå"))
  .map((parts) => parts.join(" "));
const inAnyCase = (value: string) =>
  fc
    .array(fc.boolean(), { minLength: value.length, maxLength: value.length })
    .map((upper) => [...value].map((letter, at) => (upper[at] ? letter.toUpperCase() : letter.toLowerCase())).join(""));
/** Up to the year 2500, to the second. */
const second = fc.integer({ min: 0, max: 16_725_225_600 }).map((at) => at * 1000);
const offset = fc.integer({ min: -12 * 60, max: 14 * 60 });

/** The same instant in another offset. */
function inOffset(at: number, minutes: number): string {
  const two = (value: number) => String(value).padStart(2, "0");
  const sign = minutes < 0 ? "-" : "+";
  const size = Math.abs(minutes);
  return `${new Date(at + minutes * 60_000).toISOString().slice(0, 19)}${sign}${two(Math.floor(size / 60))}:${two(size % 60)}`;
}

const replies = fc
  .record(
    {
      status: fc.constantFrom("disabled" as const, "alwaysEnabled" as const, "scheduled" as const),
      internalMessage: text,
      externalMessage: text,
      externalAudience: fc.constantFrom("none" as const, "contactsOnly" as const, "all" as const),
      start: second,
    },
    { requiredKeys: ["status", "start"] },
  )
  .map(({ start, ...rest }) => {
    const times = { start: new Date(start).toISOString(), end: new Date(start + 3_600_000).toISOString() };
    return rest.status === "scheduled" ? { ...rest, ...times } : rest;
  });
const region = fc.record(
  {
    language: fc.constantFrom(...languages),
    timeZone: fc.constantFrom(...windows),
    dateFormat: fc.constantFrom("dd-MM-yyyy", "M/d/yyyy"),
    timeFormat: fc.constantFrom("HH:mm", "h:mm tt"),
    localizeFolders: fc.boolean(),
  },
  { requiredKeys: [] },
);

describe("canonical forms", () => {
  test("of replies are their own canonical form", () => {
    fc.assert(
      fc.property(replies, (program) => {
        const once = automaticReplies.parse(program);
        expect(automaticReplies.parse(once)).toEqual(once);
      }),
    );
  });

  test("of regional settings are their own canonical form", () => {
    fc.assert(
      fc.property(region, (program) => {
        const once = regional.parse(program);
        expect(regional.parse(once)).toEqual(once);
      }),
    );
  });

  test("know a language in any case", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...languages).chain((code) => fc.tuple(fc.constant(code), inAnyCase(code))),
        ([code, written]) => {
          expect(cultureCode(written)).toBe(code);
        },
      ),
    );
  });

  test.each(["da", "xx-DK", "da-XX", "da-ZZ", "", "da_DK", "danish", "zh-Hans", "en-EU", "x-private"])(
    "do not know %j as a language",
    (code) => {
      expect(cultureCode(code)).toBeUndefined();
    },
  );

  test("know every time zone of this computer, in any case, by one Windows name that is its own", () => {
    fc.assert(
      fc.property(
        fc
          // Windows has no zone for the station Troll, which is two hours from UTC in summer and none in winter.
          .constantFrom(...Intl.supportedValuesOf("timeZone").filter((name) => name !== "Antarctica/Troll"))
          .chain((name) => fc.tuple(fc.constant(name), inAnyCase(name))),
        ([name, written]) => {
          const known = windowsTimeZone(name);
          expect(known).toEqual(expect.any(String));
          expect(windowsTimeZone(written)).toBe(known);
          expect(windowsTimeZone(String(known))).toBe(known);
        },
      ),
      { numRuns: 400 },
    );
  });

  test("give each time zone of this computer a Windows zone whose clocks show the same at every time of the year", () => {
    // Windows' zones are those of today: what a clock showed years ago may differ. The first of each month, for two years.
    const firsts = Array.from({ length: 24 }, (_, month) => new Date(Date.UTC(2026, 10 + month, 1, 12)));
    const clocks = (timeZone: string) => {
      const format = new Intl.DateTimeFormat("en-US", { timeZone, dateStyle: "short", timeStyle: "short" });
      return firsts.map((at) => format.format(at));
    };
    const zones = Intl.supportedValuesOf("timeZone").filter((name) => name !== "Antarctica/Troll");
    const wrong = zones.filter((name) => {
      const standard = standardZone(String(windowsTimeZone(name)));
      return standard === undefined || String(clocks(standard)) !== String(clocks(name));
    });
    expect(wrong).toEqual([]);
    expect(zones.length).toBeGreaterThan(400);
  });

  test.each([
    ["America/Chihuahua", "Central Standard Time (Mexico)"],
    ["America/Ojinaga", "Central Standard Time"],
    ["America/Mazatlan", "Mountain Standard Time (Mexico)"],
    ["Asia/Almaty", "West Asia Standard Time"],
    ["Asia/Qostanay", "West Asia Standard Time"],
    ["Asia/Amman", "Jordan Standard Time"],
    ["Asia/Damascus", "Syria Standard Time"],
    ["America/Coyhaique", "Magallanes Standard Time"],
    ["America/Scoresbysund", "Greenland Standard Time"],
    ["Antarctica/Vostok", "West Asia Standard Time"],
    ["America/Santa_Isabel", "Pacific Standard Time (Mexico)"],
    ["EST5EDT", "Eastern Standard Time"],
    ["Europe/Copenhagen", "Romance Standard Time"],
    ["Europe/Kyiv", "FLE Standard Time"],
    ["Europe/Kiev", "FLE Standard Time"],
    ["Asia/Kolkata", "India Standard Time"],
    ["America/Nuuk", "Greenland Standard Time"],
    ["Etc/UTC", "UTC"],
    ["CET", "Romance Standard Time"],
    ["America/Ciudad_Juarez", "Mountain Standard Time"],
    ["Antarctica/Troll", undefined],
    ["Europe/Aarhus", undefined],
    ["", undefined],
  ])("take %j for %j", (name, windowsName) => {
    expect(windowsTimeZone(name)).toBe(windowsName);
  });

  test("of a time are the same in every offset", () => {
    fc.assert(
      fc.property(second, offset, offset, (at, one, other) => {
        expect(instant(inOffset(at, one))).toBe(instant(inOffset(at, other)));
        expect(Date.parse(String(instant(inOffset(at, one))))).toBe(at);
      }),
    );
  });

  test.each([
    "2026-02-29T00:00:00Z",
    "2026-13-01T00:00:00Z",
    "2026-01-01T24:00:00Z",
    "2026-01-01T00:60:00Z",
    "2026-01-01T00:00:61Z",
    "2026-01-01T00:00:00+99:00",
    "2026-01-01T00:00:00+01:75",
    "2026-01-01T00:00:00",
    "2026-01-01",
    "tomorrow",
    "",
  ])("have no place for the time %j", (written) => {
    expect(instant(written)).toBeUndefined();
  });

  test.each([
    ["2026-07-01T08:00:00.0000000", "Romance Standard Time", "2026-07-01T06:00:00Z"],
    ["2026-01-01T08:00:00.0000000", "Europe/Copenhagen", "2026-01-01T07:00:00Z"],
    ["2026-03-29T03:30:00", "Romance Standard Time", "2026-03-29T01:30:00Z"],
    ["2026-09-01T08:00:00.0000000+00:00", "UTC", "2026-09-01T08:00:00Z"],
    ["2026-09-01T08:00:00", "Mars", undefined],
    ["", "UTC", undefined],
  ])("of %s in %s as a service says it is %s", (dateTime, timeZone, at) => {
    expect(instantIn(dateTime, timeZone)).toBe(at);
  });

  test("of a text are not changed by the document a service puts around it", () => {
    fc.assert(
      fc.property(text, fc.constantFrom("\n", "\r\n", ""), (message, line) => {
        const wrapped = `<html>${line}<body>${line}${message}${line}</body>${line}</html>${line}`;
        expect(canonicalMessage(wrapped)).toBe(canonicalMessage(message));
        expect(isSameMessage(wrapped, message)).toBe(true);
      }),
    );
  });

  test.each([
    ["5 < 6 & 7 > 4", "5 &lt; 6 &amp; 7 &gt; 4"],
    ["<!-- for Fridays -->Back on Monday", "Back on Monday"],
    ["Jos\u00e9 \u2013 \u201csoon\u201d", "Jos&eacute; &ndash; &ldquo;soon&#8221;"],
    ["Jos&eacute; &mdash; 5&nbsp;&euro;", "Jos\u00e9 \u2014 5\u00a0\u20ac"],
    ["&Eacute;t&eacute;", "&#xC9;t&#233;"],
    ["x &#60; y &#38; z", "x &lt; y & z"],
    ["next &rarr; Lu\u0161a &#150; 5", "next \u2192 Lu&scaron;a \u2013 5"],
    ["&Omega; &frac12; &hearts; &NotEqualTilde;", "\u03a9 \u00bd \u2665 \u2242\u0338"],
  ])("of %j and %j, which show the same, are the same", (one, other) => {
    expect(isSameMessage(one, other)).toBe(true);
  });

  test("of texts that show something else are not the same", () => {
    expect(isSameMessage("&Eacute;", "&eacute;")).toBe(false);
    expect(isSameMessage("&#60;b&#62;", "<b>")).toBe(false);
    expect(isSameMessage("&amp;eacute;", "&eacute;")).toBe(false);
    expect(isSameMessage("Back on Monday", "Back on Tuesday")).toBe(false);
    expect(isSameMessage("<b>Back</b>", "Back")).toBe(false);
    expect(isSameMessage("Back on", "Backon")).toBe(false);
    expect(isSameMessage("&lt;b&gt;", "<b>")).toBe(false);
    expect(isSameMessage("&amp;lt;", "&lt;")).toBe(false);
    expect(isSameMessage("&rarr;", "&larr;")).toBe(false);
    expect(isSameMessage("&nothing;", "&amp;nothing;")).toBe(true);
    expect(isSameMessage("", "<html><body></body></html>")).toBe(true);
  });
});

/** The settings of a mailbox that is just as declared, as a service shows them. */
function asDeclared(inputs: Desired["inputs"]): Settings {
  const wrapped = (message = "") => (message === "" ? "" : `<html>\n<body>\n${message}\n</body>\n</html>\n`);
  const { automaticReplies: on, regional: here } = inputs;
  return {
    automaticReplies: {
      status: on?.status ?? "disabled",
      externalAudience: on?.externalAudience ?? "all",
      internalMessage: wrapped(on?.internalMessage),
      externalMessage: wrapped(on?.externalMessage),
      start: on?.start ?? "2026-01-01T00:00:00Z",
      end: on?.end ?? "2026-01-02T00:00:00Z",
    },
    regional: {
      language: here?.language?.toLowerCase(),
      timeZone: here?.timeZone === "Romance Standard Time" ? "Europe/Paris" : here?.timeZone,
      dateFormat: here?.dateFormat,
      timeFormat: here?.timeFormat,
    },
  };
}

const declared = fc.record({ automaticReplies: replies, regional: region }, { requiredKeys: [] }).map((program) => ({
  displayName: "Contoso Support",
  primarySmtpAddress: "support@contoso.com",
  signInBlocked: true,
  ...(program.automaticReplies === undefined
    ? {}
    : { automaticReplies: automaticReplies.parse(program.automaticReplies) }),
  ...(program.regional === undefined ? {} : { regional: regional.parse(program.regional) }),
}));

describe("what differs", () => {
  const knowing = (inputs: HeldInputs, remembered: Properties = {}): KnownMailbox => ({
    id: undefined,
    inputs,
    memory: memory.read(remembered),
  });
  const desiredOf = (inputs: object) => ({ inputs, alias: "support", target: undefined }) as unknown as Desired;
  const observedOf = (settings: Settings) => ({ settings }) as unknown as Observed;

  test("is nothing where everything is as declared, but for folders that were never named", () => {
    fc.assert(
      fc.property(declared, (inputs) => {
        const settings = asDeclared(inputs);
        const foldersLanguage = inputs.regional?.language ?? cultureCode(settings.regional.language ?? "") ?? "";
        const known = knowing(inputs, { foldersLanguage });
        expect(mailboxSettings.difference(desiredOf(inputs), inputs, observedOf(settings), known)).toEqual([]);
        const never = mailboxSettings.difference(desiredOf(inputs), inputs, observedOf(settings), knowing(inputs));
        expect(never.map(({ path }) => path.join("."))).toEqual(
          inputs.regional?.localizeFolders === true ? ["regional.localizeFolders"] : [],
        );
      }),
    );
  });

  test("is nothing that was never declared", () => {
    fc.assert(
      fc.property(declared, (there) => {
        const nothing = { displayName: "Contoso Support", primarySmtpAddress: "support@contoso.com" };
        expect(
          mailboxSettings.difference(desiredOf(nothing), nothing, observedOf(asDeclared(there)), knowing(nothing)),
        ).toEqual([]);
      }),
    );
  });

  test("is only what is declared or was before", () => {
    fc.assert(
      fc.property(declared, declared, declared, (inputs, previous, there) => {
        const changes = mailboxSettings.difference(
          desiredOf(inputs),
          previous,
          observedOf(asDeclared(there)),
          knowing(previous),
        );
        for (const { path } of changes) {
          const [property, member] = path as ["automaticReplies" | "regional", string];
          const managed = { ...(previous[property] as object), ...(inputs[property] as object) };
          expect(managed).toHaveProperty(member);
        }
      }),
    );
  });

  test("a read of what is as declared is what was declared", () => {
    fc.assert(
      fc.property(declared, (inputs) => {
        const read = mailboxSettings.read(observedOf(asDeclared(inputs)), knowing(inputs));
        for (const property of ["automaticReplies", "regional"] as const) {
          if (inputs[property] !== undefined) {
            expect(read[property]).toEqual(inputs[property]);
          }
        }
      }),
    );
  });
});
