import type { Recording } from "../recording";

/** A JSON object. */
export type Members = Record<string, unknown>;

export const GUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
export const ADDRESS = /^[^\s@:]+@[^\s@:]+\.[^\s@:]+$/;

/** Headers that Node's fetch adds to whatever it sends. */
const ofFetch = [
  "host",
  "connection",
  "accept-encoding",
  "accept-language",
  "sec-fetch-mode",
  "content-length",
  "transfer-encoding",
  // Beside a condition, so that no cache answers in the service's place.
  "pragma",
  "cache-control",
];

/** Headers of every request to a service. */
const ofEveryRequest: Record<string, RegExp> = {
  accept: /^application\/json$/,
  authorization: /^Bearer [\w-]+\.[\w-]+\.[\w-]+$/,
  "user-agent": /^pulumi-mailboxes\/\d+\.\d+\.\d+/,
  // Documented for Graph and Exchange; Dataverse has a name of its own for it and takes no notice of this one.
  "client-request-id": GUID,
};

/**
 * Complaints about a request's headers: unknown ones, missing ones, wrong values, and a body without its type.
 *
 * @param required the service's own headers that must be there.
 * @param allowed those that may be.
 */
export function headerComplaints(
  { headers, body }: Recording,
  required: Record<string, RegExp>,
  allowed: Record<string, RegExp> = {},
): string[] {
  const always: Record<string, RegExp> = {
    ...ofEveryRequest,
    ...required,
    ...(body === "" ? {} : { "content-type": /^application\/json; ?charset=utf-8$/i }),
  };
  // Microsoft's Graph client gives a POST its type with or without a body.
  const may: Record<string, RegExp> = { ...allowed, ...(body === "" ? { "content-type": /^application\/json$/ } : {}) };
  const missing = Object.keys(always).filter((name) => headers[name] === undefined);
  const unknown = Object.keys(headers).filter(
    (name) => !ofFetch.includes(name) && always[name] === undefined && may[name] === undefined,
  );
  const wrong = Object.entries({ ...may, ...always }).filter(
    ([name, pattern]) => headers[name] !== undefined && !pattern.test(headers[name]),
  );
  return [
    ...missing.map((name) => `the header ${name} is missing`),
    ...unknown.map((name) => `the header ${name} is unknown`),
    ...wrong.map(([name]) => `the header ${name} is "${headers[name]}"`),
  ];
}

/** The audience in the token of a request; "" without one. */
export function audienceOf({ headers }: Recording): string {
  const [, payload = ""] = (headers.authorization ?? "").split(".");
  const claims = parsed(Buffer.from(payload, "base64url").toString("utf8"));
  return isMembers(claims) && typeof claims.aud === "string" ? claims.aud : "";
}

/** Parsed JSON; undefined for what is none. */
export function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

export function isMembers(value: unknown): value is Members {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Members of an object, where it is one. */
export function membersOf(value: unknown): Members {
  return isMembers(value) ? value : {};
}

/** Complaints about an object that must have exactly some members. */
export function exactly(value: unknown, what: string, required: readonly string[], optional: readonly string[] = []) {
  if (!isMembers(value)) {
    return [`${what} is not an object`];
  }
  const names = Object.keys(value);
  return [
    ...required.filter((name) => !names.includes(name)).map((name) => `${what} has no ${name}`),
    ...names
      .filter((name) => !required.includes(name) && !optional.includes(name))
      .map((name) => `${what} has the unknown member ${name}`),
  ];
}

/** Path and query options, options decoded; a `+` stands for itself there only when it is encoded. */
export function addressOf(path: string): { path: string; options: Map<string, string> } {
  const url = new URL(path, "http://127.0.0.1");
  return { path: url.pathname, options: new Map(url.searchParams) };
}

/** Complaints about query options that are not known, or are given twice. */
export function optionComplaints(path: string, known: readonly string[]): string[] {
  const names = [...new URL(path, "http://127.0.0.1").searchParams.keys()];
  return [
    ...names.filter((name) => !known.includes(name)).map((name) => `the query option ${name} is unknown`),
    ...names
      .filter((name, index) => names.indexOf(name) !== index)
      .map((name) => `the query option ${name} comes twice`),
  ];
}

/** The names a filter compares: whatever stands before an operator or `/any`, outside of text. */
export function namesInFilter(filter: string): string[] {
  const bare = filter.replace(/'(?:[^']|'')*'/g, "''");
  return [...bare.matchAll(/([\w]+)\s*(?:\/any\s*\(|\s-?(?:eq|ne|gt|ge|lt|le|like)\s)/gi)]
    .map(([, name = ""]) => name)
    .filter((name) => name.length > 1);
}
