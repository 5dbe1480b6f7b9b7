import { decodeHTMLStrict } from "entities";

export const megabyte = 1024 ** 2;
export const gigabyte = 1024 ** 3;

const units = ["B", "KB", "MB", "GB", "TB"] as const;

const decimal = new Intl.NumberFormat("en-US");

/** A size as Exchange prints it: `49.5 GB (53,150,220,288 bytes)`, or `Unlimited`. */
export function formatSize(bytes: number | "unlimited"): string {
  if (bytes === "unlimited") {
    return "Unlimited";
  }
  let unit = 0;
  let value = bytes;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${Number(value.toPrecision(4))} ${units[unit]} (${decimal.format(bytes)} bytes)`;
}

/**
 * Bytes of a size as Exchange reads it: a number of bytes, `49.5GB`, `49.5 GB`, `49.5 GB (53,150,220,288 bytes)` or
 * `unlimited`. Undefined when it is none of these.
 */
export function parseSize(value: string | number): number | "unlimited" | undefined {
  if (typeof value === "number") {
    return Number.isSafeInteger(value) && value >= 0 ? value : undefined;
  }
  const text = value.trim();
  if (/^unlimited$/i.test(text)) {
    return "unlimited";
  }
  const exact = /\(([\d,]+) bytes\)$/i.exec(text)?.[1];
  if (exact !== undefined) {
    return Number(exact.replaceAll(",", ""));
  }
  const match = /^(\d+(?:\.\d+)?)\s*(B|KB|MB|GB|TB)?$/i.exec(text);
  if (match === null) {
    return undefined;
  }
  const unit = units.findIndex((name) => name === (match[2] ?? "B").toUpperCase());
  return Math.round(Number(match[1]) * 1024 ** unit);
}

/** Days as Exchange prints a timespan: `14.00:00:00`. */
export function formatDays(days: number): string {
  return `${days}.00:00:00`;
}

/** Whole days of a timespan: `14`, `14.00:00:00`, or a number. Undefined when it is neither. */
export function parseDays(value: string | number): number | undefined {
  const match = /^(\d+)(?:\.00:00:00)?$/.exec(String(value).trim());
  return match === null ? undefined : Number(match[1]);
}

/** Text as the service stores it in an html document; text that already is one stays as it is. */
export function wrapHtml(text: string): string {
  return /<html[\s>]/i.test(text) ? text : `<html>\r\n<body>\r\n${text}\r\n</body>\r\n</html>\r\n`;
}

/** What a reader sees of an html text. */
export function displayedText(html: string): string {
  return decodeHTMLStrict(html.replace(/<[^>]*>/g, "").trim());
}
