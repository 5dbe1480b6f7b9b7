import type { Caller } from "../login/tokens";
import type { Message } from "../message";
import { type MetadataLevel, metadataLevel } from "../odata/listing";
import type { Tenant } from "../tenant";
import { isPlainObject, names, parsedJson } from "../values";
import {
  duplicateQueryOption,
  emptyPayload,
  malformedUrl,
  segmentNotFound,
  unknownMember,
  unreadablePayload,
} from "./errors";

/** A JSON object, as read from a body or about to be written to one. */
export type Json = Record<string, unknown>;

/** One request to Graph, on its own or inside a batch. */
export interface GraphRequest {
  tenant: Tenant;
  caller: Caller;
  method: string;
  /** `http://host:port/v1.0`: what contexts and nextLinks begin with. */
  base: string;
  /** Decoded path below the version, keys in brackets split off: `users('a')` is `users`, `a`. */
  path: string[];
  /** Values of the route's placeholders, in order. */
  keys: string[];
  /** System query options by name without `$`, lower case. */
  query: Map<string, string>;
  headers: Message["headers"];
  /** Body as text; "" when there is none. */
  text: string;
}

/** Segments of OData itself; no other may begin with a dollar. */
export const systemSegments: ReadonlySet<string> = new Set(["$batch", "$count", "$metadata", "$ref", "$value"]);

/** Splits a raw path into decoded segments. Empty segments are dropped, as Graph does. */
export function pathSegments(pathname: string): string[] {
  // @documented graph.dollar-sign-in-name: A user whose sign-in name begins with $ is /users('$name@domain'); /users/$name@domain
  // is 400 [Microsoft Graph reference: user-get]
  const segments: string[] = [];
  for (const raw of pathname.split("/")) {
    const segment = decoded(raw);
    const keyed = /^([A-Za-z.]+)\((?:[A-Za-z]+=)?(?:'((?:[^']|'')*)'|([^'()]+))\)$/.exec(segment);
    if (keyed !== null) {
      segments.push(keyed[1] ?? "", (keyed[2] ?? keyed[3] ?? "").replaceAll("''", "'"));
    } else if (segment.startsWith("$") && !systemSegments.has(segment.toLowerCase())) {
      // A key that begins with a dollar goes in brackets and quotation marks.
      throw segmentNotFound(segment);
    } else if (segment !== "") {
      segments.push(segment);
    }
  }
  return segments;
}

/** The query options of OData that Graph knows, without their dollar. */
export const systemOptions: ReadonlySet<string> = new Set(
  names(`
  select filter search orderby top skip skiptoken count expand format
`),
);

/** System query options of a query string; `+` and `%20` are both spaces, the `$` may be left out. */
export function queryOptions(search: string): Map<string, string> {
  const options = new Map<string, string>();
  for (const pair of search.replace(/^\?/, "").split("&")) {
    if (pair === "") {
      continue;
    }
    const equals = pair.indexOf("=");
    const name = decoded((equals < 0 ? pair : pair.slice(0, equals)).replaceAll("+", " ")).trim();
    const value = equals < 0 ? "" : decoded(pair.slice(equals + 1).replaceAll("+", " "));
    const plain = name.replace(/^\$/, "").toLowerCase();
    const key = systemOptions.has(plain) ? plain : name.toLowerCase();
    if (options.has(key)) {
      throw duplicateQueryOption(name);
    }
    options.set(key, value);
  }
  return options;
}

/** The request's body as a JSON object, or the error Graph answers to what is none. */
export function bodyOf(request: GraphRequest): Json {
  if (request.text.trim() === "") {
    throw emptyPayload();
  }
  const body = parsedJson(request.text);
  if (!isPlainObject(body)) {
    throw unreadablePayload();
  }
  return body;
}

/**
 * The members of a JSON object under the names that `known` spells: the directory takes a member's name in any case. Names that
 * are not known stay as they are given.
 */
export function spelled(value: Json, known: readonly string[]): Json {
  return Object.fromEntries(
    Object.entries(value).map(([given, content]) => [
      known.find((name) => name.toLowerCase() === given.toLowerCase()) ?? given,
      content,
    ]),
  );
}

/** Refuses the members of a complex value that its type has not, as the mailbox store reads it. */
export function refuseUnknownMembers(value: Json, members: readonly string[], type: string): void {
  // @documented graph.complex-members: A member that a complex type has not is refused by name, as one of the entity's own [Microsoft
  // Graph OpenAPI description: sizeRange, workingHours, timeZoneBase, localeInfo, dateTimeTimeZone, emailAddress]
  const stranger = Object.keys(value).find((name) => !members.includes(name) && !name.includes("@odata."));
  if (stranger !== undefined) {
    throw unknownMember(stranger, `microsoft.graph.${type}`);
  }
}

/** The level a request asks for, by `Accept` or by `$format`. */
export function levelAsked({ headers, query }: Pick<GraphRequest, "headers" | "query">): MetadataLevel {
  // @documented graph.metadata-level: odata.metadata=none leaves nextLink and count; full adds type, id and edit link [Microsoft
  // Graph: use query parameters, OData JSON format]
  return metadataLevel(query.get("format") || headers.accept);
}

/** True when the request asks for the eventually consistent index. */
export function isEventual(request: GraphRequest): boolean {
  return request.headers.consistencylevel?.toLowerCase() === "eventual";
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw malformedUrl();
  }
}

/** What an application may do in Graph, each admitted by any one of its roles. */
export type Permission = keyof typeof admitting;

const directoryRead = ["Directory.Read.All", "Directory.ReadWrite.All"];
const userRead = ["User.Read.All", "User.ReadWrite.All", ...directoryRead];
const groupRead = ["Group.Read.All", "Group.ReadWrite.All", ...directoryRead];

/**
 * Which app role admits what, from the permission table of each operation's reference page. `Directory.ReadWrite.All` does not
 * delete users; `User.EnableDisableAccount.All` writes `accountEnabled` and nothing else.
 */
const admitting = {
  // @documented graph.operation-roles: Which role admits which operation [Microsoft Graph reference: permission table of each
  // operation]
  readUsers: userRead,
  createUsers: ["User.ReadWrite.All", "Directory.ReadWrite.All"],
  updateUsers: ["User.ReadWrite.All", "Directory.ReadWrite.All"],
  enableUsers: ["User.EnableDisableAccount.All", "User.ReadWrite.All", "Directory.ReadWrite.All"],
  patchUsers: ["User.EnableDisableAccount.All", "User.ReadWrite.All", "Directory.ReadWrite.All"],
  deleteUsers: ["User.DeleteRestore.All", "User.ReadWrite.All"],
  readDeletedUsers: ["User.DeleteRestore.All", ...userRead],
  revokeSessions: ["User.RevokeSessions.All", "User.ReadWrite.All", "Directory.ReadWrite.All"],
  assignLicenses: ["LicenseAssignment.ReadWrite.All", "User.ReadWrite.All", "Directory.ReadWrite.All"],
  readLicenses: ["LicenseAssignment.Read.All", "LicenseAssignment.ReadWrite.All", ...userRead],
  readSkus: [
    "LicenseAssignment.Read.All",
    "LicenseAssignment.ReadWrite.All",
    "Organization.Read.All",
    "Organization.ReadWrite.All",
    ...directoryRead,
  ],
  readGroups: ["GroupMember.Read.All", "GroupMember.ReadWrite.All", ...groupRead],
  readDirectoryObjects: ["User.Read.All", "User.ReadWrite.All", ...groupRead],
  readDomains: ["Domain.Read.All", "Domain.ReadWrite.All", ...directoryRead],
  readOrganization: ["Organization.Read.All", "Organization.ReadWrite.All", ...directoryRead],
  readMailboxSettings: ["MailboxSettings.Read", "MailboxSettings.ReadWrite"],
  writeMailboxSettings: ["MailboxSettings.ReadWrite"],
  sendMail: ["Mail.Send"],
  readMail: ["Mail.ReadBasic.All", "Mail.Read", "Mail.ReadWrite"],
} as const satisfies Record<string, readonly string[]>;

/** Permissions the mailbox store checks: it refuses with ErrorAccessDenied where the directory says Authorization_RequestDenied. */
export const mailboxPermissions: ReadonlySet<Permission> = new Set([
  "readMailboxSettings",
  "writeMailboxSettings",
  "readMail",
  "sendMail",
]);

/** True when one of `roles` admits `permission`. */
export function admits(roles: readonly string[], permission: Permission): boolean {
  // @observed graph.missing-role: Missing roles: 403 Authorization_RequestDenied in the directory, 403 ErrorAccessDenied in the
  // mailbox store [public issue threads of Graph clients]
  // @documented graph.enable-disable-role: User.EnableDisableAccount.All admits a PATCH of accountEnabled alone [Microsoft Graph
  // reference: user-update]
  const needed: readonly string[] = admitting[permission];
  return roles.some((role) => needed.includes(role));
}
