import { isPlainObject } from "../values";

/** The parts of a list that separators part, those inside brackets left alone; "" between two of them and for an empty list. */
export function topLevel(list: string, separator = ","): string[] {
  const parts = [""];
  let depth = 0;
  for (const character of list) {
    depth += character === "(" ? 1 : character === ")" ? -1 : 0;
    if (character === separator && depth === 0) {
      parts.push("");
    } else {
      parts[parts.length - 1] += character;
    }
  }
  return parts;
}

/** A key of a `$orderby`. */
export interface SortKey<Row> {
  isDescending: boolean;
  /** Negative, 0 or positive; undefined when the two cannot be compared, which is as good as equal. */
  order(one: Row, other: Row): number | undefined;
}

/** Rows in the order of `$orderby`, as `keyOf` reads each of its parts: path and direction, the latter undefined when not given. */
export function sorted<Row>(
  rows: readonly Row[],
  orderby: string,
  keyOf: (path: string, direction: string | undefined) => SortKey<Row>,
): Row[] {
  const keys = orderby.split(",").map((part) => {
    const [path = "", ...direction] = part.trim().split(/\s+/);
    return keyOf(path, direction.length === 0 ? undefined : direction.join(" "));
  });
  return [...rows].sort((one, other) => {
    for (const { isDescending, order } of keys) {
      const result = order(one, other);
      if (result !== undefined && result !== 0) {
        return isDescending ? -result : result;
      }
    }
    return 0;
  });
}

/**
 * Where the next page starts: behind the last row of the page before, or at the same place when that row is gone. The row may have moved
 * since: going on behind it neither repeats nor skips rows.
 */
export function startAfter<Row>(rows: readonly Row[], isLast: (row: Row) => boolean, place: number): number {
  const last = rows.findIndex(isLast);
  return last === -1 ? Math.min(place, rows.length) : last + 1;
}

/** How much control information an answer carries: `odata.metadata` of a media type. */
export type MetadataLevel = "none" | "minimal" | "full";

/** The level that a media type asks for; minimal where it asks for none. */
export function metadataLevel(type = ""): MetadataLevel {
  const level = /odata\.metadata=(none|full)\b/i.exec(type)?.[1]?.toLowerCase();
  return level === "none" || level === "full" ? level : "minimal";
}

/** A body without control information, except what pages need: the link to the next one and the count. */
export function withoutMetadata(body: unknown): unknown {
  if (Array.isArray(body)) {
    return body.map(withoutMetadata);
  }
  if (!isPlainObject(body)) {
    return body;
  }
  const kept = Object.entries(body).filter(
    ([name]) => !name.includes("@odata.") || ["@odata.nextLink", "@odata.count"].includes(name),
  );
  return Object.fromEntries(kept.map(([name, value]) => [name, withoutMetadata(value)]));
}
