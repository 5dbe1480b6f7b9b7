import type { Answer, Message } from "../message";
import { type MetadataLevel, withoutMetadata } from "../odata/listing";
import type { Tenant } from "../tenant";
import { type Action, demand } from "./caller";
import { badQuery, notSupported, unsupportedMediaType } from "./errors";
import type { Annotations } from "./present";
import { positive } from "./query";
import type { SystemUserRow, Table } from "./schema";
import type { Work } from "./work";

/** One request: who asks, what for, and the changes it makes. */
export interface DataverseRequest {
  headers: Message["headers"];
  text: string;
  tenant: Tenant;
  method: string;
  /** `https://host/api/data/v9.2/`, the host as the client wrote it. */
  base: string;
  query: URLSearchParams;
  user: SystemUserRow;
  work: Work;
  prefer: Preferences;
  /** How much control information the answer carries, from `Accept`. */
  level: MetadataLevel;
}

/** The preferences of a request that Dataverse honours. */
export interface Preferences extends Annotations {
  representation: boolean;
  /** Rows of a page, or undefined. */
  pageSize: number | undefined;
  /** Whether any annotation was asked for. */
  annotated: boolean;
  /** What the answer reports in `Preference-Applied`: all that was honoured. */
  applied: string[];
}

/** Reads `Prefer`: several preferences in one header are separated by commas; an annotation list is quoted. */
export function preferences(header: string | undefined): Preferences {
  const found: Preferences = {
    representation: false,
    pageSize: undefined,
    annotated: false,
    applied: [],
    include: () => false,
  };
  for (const item of header?.match(/[^,;"]+(?:"[^"]*")?/g) ?? []) {
    const [name = "", ...rest] = item.trim().split("=");
    const value = rest.join("=").replace(/^"|"$/g, "");
    if (name === "return" && value === "representation") {
      found.representation = true;
    } else if (name === "odata.maxpagesize") {
      found.pageSize = positive(value, "odata.maxpagesize");
    } else if (name === "odata.include-annotations") {
      const patterns = value.split(",").map((pattern) => pattern.trim());
      found.annotated = true;
      found.include = (annotation) => patterns.some((pattern) => covers(pattern, annotation));
    } else {
      continue;
    }
    found.applied.push(item.trim());
  }
  return found;
}

function covers(pattern: string, annotation: string): boolean {
  return (
    pattern === "*" || pattern === annotation || (pattern.endsWith(".*") && annotation.startsWith(pattern.slice(0, -1)))
  );
}

/** The ETags of a condition header; `*` for any; undefined when the header is absent or the literal `null`. */
export function condition(header: string | undefined): "*" | string[] | undefined {
  // Microsoft's samples send `If-None-Match: null` with everything, to keep caches out.
  if (header === undefined || header.trim() === "" || header.trim() === "null") {
    return undefined;
  }
  if (header.trim() === "*") {
    return "*";
  }
  const tags = header.split(",").map((tag) => tag.trim());
  if (!tags.every((tag) => /^W\/"[^"]*"$/.test(tag))) {
    throw badQuery(`The value '${header}' is not an ETag of this service.`);
  }
  return tags;
}

/** A part of the path: its name and what stands in its parentheses, if any. */
export interface Segment {
  name: string;
  key: string | undefined;
}

/** The path below the version, decoded after it was split, so that encoded parentheses work. */
export function segments(path: string): Segment[] {
  // @observed dataverse.encoded-parentheses: Percent-encoded parentheses in the path work
  // [microsoft/terraform-provider-power-platform, data_record fixtures and tests]
  return path
    .split("/")
    .filter((part) => part !== "")
    .map((part) => {
      let text: string;
      try {
        text = decodeURIComponent(part);
      } catch {
        throw badQuery(`The path segment '${part}' is not well encoded.`);
      }
      const parts = /^([^()]+)\((.*)\)$/.exec(text);
      return parts?.[1] === undefined ? { name: text, key: undefined } : { name: parts[1], key: parts[2] ?? "" };
    });
}

export function demandMethod(request: DataverseRequest, allowed: readonly string[], what: string): void {
  // @documented dataverse.collection-method: PATCH or DELETE on a collection is a 405 [powerapps-docs,
  // data-platform/webapi/compose-http-requests-handle-errors.md; seen in microsoft/terraform-provider-power-platform, data_record
  // fixtures and tests #616]
  if (!allowed.includes(request.method)) {
    throw notSupported(request.method, what);
  }
}

export function allow(request: DataverseRequest, action: Action, table: Table): void {
  demand(request.user, action, table);
}

export async function bodyText(request: DataverseRequest): Promise<string> {
  const type = request.headers["content-type"] ?? "";
  if (!/^application\/json\b/i.test(type)) {
    throw unsupportedMediaType();
  }
  return request.text;
}

export function json(
  request: DataverseRequest,
  body: unknown,
  status = 200,
  headers: Record<string, string> = {},
): Answer {
  // @documented dataverse.metadata-level: odata.metadata=none leaves a row its columns, a page its link and count; full adds type,
  // id and edit link [powerapps-docs, data-platform/webapi/compose-http-requests-handle-errors.md]
  const { applied } = request.prefer;
  return {
    status,
    headers: {
      "Content-Type": `application/json; odata.metadata=${request.level}`,
      ...(applied.length === 0 ? {} : { "Preference-Applied": applied.join(", ") }),
      ...headers,
    },
    body: request.level === "none" ? withoutMetadata(body) : body,
  };
}

export function plain(text: string): Answer {
  return { status: 200, headers: { "Content-Type": "text/plain; charset=UTF-8" }, body: text };
}

export function noContent(): Answer {
  return { status: 204 };
}
