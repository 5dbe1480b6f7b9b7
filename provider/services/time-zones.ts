import windowsZones from "cldr-core/supplemental/windowsZones.json";

/**
 * Zones whose rules have changed since Unicode mapped them, and the Windows zone that has their rules now (IANA tz database, NEWS:
 * 2023d for Casey, Vostok and Scoresbysund).
 */
const MOVED: Readonly<Record<string, string>> = {
  "america/scoresbysund": "Greenland Standard Time",
  "antarctica/casey": "W. Australia Standard Time",
  "antarctica/vostok": "West Asia Standard Time",
};

/** Unicode CLDR: a Windows zone's name, and the IANA zones that have its rules in a territory. "001" has the one that stands for it. */
const zones = windowsZones.supplemental.windowsZones.mapTimezones.map(({ mapZone }) => ({
  windows: mapZone._other,
  iana: mapZone._type.trim().split(/\s+/),
  isStandard: mapZone._territory === "001",
}));

/** Windows and IANA names in lower case → the Windows name. */
const windowsNames = new Map([
  ...zones.flatMap(({ windows, iana }): [string, string][] =>
    [...iana, windows].map((name) => [name.toLowerCase(), windows]),
  ),
  ...Object.entries(MOVED),
]);

/** Windows names → the IANA zone of the same rules that stands for it. */
const ianaNames = new Map(
  zones.filter(({ isStandard }) => isStandard).map(({ windows, iana: [standard] }) => [windows, standard]),
);

/**
 * The Windows name of a time zone, which is how Exchange keeps it: two names of one zone give the same.
 *
 * @param name a Windows or IANA name, in any case: `romance standard time`, `Europe/Copenhagen`.
 * @returns undefined for a name that is neither, and for one of the few zones that Windows does not have.
 */
export function windowsTimeZone(name: string): string | undefined {
  const key = name.trim().toLowerCase();
  // A link such as Europe/Kyiv is in no mapping, but the zone it stands for is.
  return windowsNames.get(key) ?? windowsNames.get(formatIn(key)?.resolvedOptions().timeZone.toLowerCase() ?? "");
}

/** The IANA zone that stands for a Windows zone; undefined for a name that is none. */
export function standardZone(windows: string): string | undefined {
  return ianaNames.get(windows);
}

/**
 * The instant of a time as a service writes it, to the second: `2026-09-01T06:00:00Z`.
 *
 * @param dateTime ISO 8601. With an offset it is an instant already.
 * @param timeZone where a time without an offset is meant, by its Windows or IANA name.
 * @returns undefined when either is not valid.
 */
export function instantIn(dateTime: string, timeZone: string): string | undefined {
  if (/(Z|[+-]\d\d:?\d\d)$/i.test(dateTime)) {
    return instant(dateTime);
  }
  const format = formatIn(standardZone(windowsTimeZone(timeZone) ?? "") ?? timeZone);
  const local = Date.parse(`${dateTime.trim()}Z`);
  if (format === undefined || Number.isNaN(local)) {
    return undefined;
  }
  // Twice, because the offset at the first guess may be that of the other side of a clock change.
  const guess = local - offsetAt(format, local);
  return spell(local - offsetAt(format, guess));
}

const INSTANT = /^(\d{4}-\d\d-\d\d)T(\d\d:\d\d)(:\d\d)?(?:[.,]\d+)?(?:Z|([+-]\d\d):?(\d\d))$/;

/**
 * A point in time to the second, in UTC: `2026-09-01T06:00:00Z`.
 *
 * @param text ISO 8601 with `Z` or an offset; seconds may be left out, fractions are dropped.
 * @returns undefined when it is not, and for a day or hour that does not exist.
 */
export function instant(text: string): string | undefined {
  const [, date, time, seconds = ":00", hours = "+00", minutes = "00"] = INSTANT.exec(text.trim().toUpperCase()) ?? [];
  const local = Date.parse(`${date}T${time}${seconds}Z`);
  // A 30th of February would be taken for the 2nd of March.
  if (Number.isNaN(local) || !spell(local).startsWith(`${date}T${time}`) || Number(minutes) > 59) {
    return undefined;
  }
  const at = Date.parse(`${date}T${time}${seconds}${hours}:${minutes}`);
  return Number.isNaN(at) ? undefined : spell(at);
}

function spell(milliseconds: number): string {
  return `${new Date(milliseconds).toISOString().slice(0, 19)}Z`;
}

function formatIn(timeZone: string): Intl.DateTimeFormat | undefined {
  try {
    return new Intl.DateTimeFormat("en-US", {
      timeZone,
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

function offsetAt(format: Intl.DateTimeFormat, milliseconds: number): number {
  const parts = Object.fromEntries(format.formatToParts(milliseconds).map(({ type, value }) => [type, value]));
  const local = Date.parse(`${parts.year}-${parts.month}-${parts.day}T${parts.hour}:${parts.minute}:${parts.second}Z`);
  return local - Math.floor(milliseconds / 1000) * 1000;
}
