import windowsZones from "cldr-core/supplemental/windowsZones.json";

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
