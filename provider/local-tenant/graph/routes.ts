import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { applyFault } from "../faults";
import { callerOf } from "../login/tokens";
import { type Answer, lowerCased, type Message, type Service } from "../message";
import { withoutMetadata } from "../odata/listing";
import { patienceOf } from "../patience";
import type { Tenant } from "../tenant";
import { isPlainObject, parsedJson } from "../values";
import { type InnerRequest, runBatch } from "./batch";
import {
  getDeletedItem,
  getDeletedUser,
  listDeletedItems,
  purgeDeletedItem,
  restoreDeletedItem,
} from "./deleted-items";
import { sendMail } from "./delivery";
import { findUser } from "./directory";
import {
  authorizationRequestDenied,
  contentTypeMissing,
  contentTypeNotJson,
  delegatedOnly,
  errorAccessDenied,
  GraphError,
  internalError,
  invalidAuthenticationToken,
  invalidVersion,
  mailboxConcurrency,
  methodNotAllowed,
  notSimulated,
  segmentNotFound,
} from "./errors";
import { getByIds, getDirectoryObject, getGroup, listGroups, listMembers, listTransitiveMembers } from "./groups";
import { assignLicense, getSku, listLicenseDetails, listSkus } from "./licenses";
import { getMailboxSetting, getMailboxSettings, updateMailboxSettings } from "./mailbox-settings";
import { createRule, deleteRule, getRule, listRules, updateRule } from "./message-rules";
import {
  getAttachment,
  getFolder,
  getMessage,
  listAttachments,
  listFolderMessages,
  listFolders,
  listMessages,
} from "./messages";
import { isOnCollection, isReal, isRealWrite } from "./not-simulated";
import { getDomain, getOrganization, listDomains, listOrganization } from "./organization";
import {
  admits,
  type GraphRequest,
  levelAsked,
  mailboxPermissions,
  type Permission,
  pathSegments,
  queryOptions,
  systemSegments,
} from "./request";
import { createUser, deleteUser, getUser, listUsers, revokeSignInSessions, updateUser } from "./users";

interface Route {
  method: string;
  /** Segments in lower case; `*` stands for a key. */
  path: string[];
  /** What the caller must be admitted to; absent = any token will do. */
  permission?: Permission;
  run: (request: GraphRequest) => Answer | Promise<Answer>;
}

function route(method: string, path: string, permission: Permission, run: Route["run"]): Route {
  return { method, path: path.split("/"), permission, run };
}

const rulesPath = "users/*/mailfolders/*/messagerules";

/** Everything simulated of Graph v1.0 but `$batch`. Of two matching routes the first is taken. */
const routes: readonly Route[] = [
  route("GET", "users", "readUsers", listUsers),
  route("POST", "users", "createUsers", createUser),
  route("GET", "users/*", "readUsers", getUser),
  route("PATCH", "users/*", "patchUsers", updateUser),
  route("DELETE", "users/*", "deleteUsers", deleteUser),
  route("POST", "users/*/revokesigninsessions", "revokeSessions", revokeSignInSessions),
  route("POST", "users/*/microsoft.graph.revokesigninsessions", "revokeSessions", revokeSignInSessions),
  route("POST", "users/*/assignlicense", "assignLicenses", assignLicense),
  route("POST", "users/*/microsoft.graph.assignlicense", "assignLicenses", assignLicense),
  route("GET", "users/*/licensedetails", "readLicenses", listLicenseDetails),
  route("GET", "users/*/mailboxsettings", "readMailboxSettings", getMailboxSettings),
  route("PATCH", "users/*/mailboxsettings", "writeMailboxSettings", updateMailboxSettings),
  route("GET", "users/*/mailboxsettings/*", "readMailboxSettings", getMailboxSetting),
  route("POST", "users/*/sendmail", "sendMail", sendMail),
  route("POST", "users/*/microsoft.graph.sendmail", "sendMail", sendMail),
  route("GET", rulesPath, "readMailboxSettings", listRules),
  route("POST", rulesPath, "writeMailboxSettings", createRule),
  route("GET", `${rulesPath}/*`, "readMailboxSettings", getRule),
  route("PATCH", `${rulesPath}/*`, "writeMailboxSettings", updateRule),
  route("DELETE", `${rulesPath}/*`, "writeMailboxSettings", deleteRule),
  route("GET", "users/*/mailfolders", "readMail", listFolders),
  route("GET", "users/*/mailfolders/*", "readMail", getFolder),
  route("GET", "users/*/mailfolders/*/messages", "readMail", listFolderMessages),
  route("GET", "users/*/messages", "readMail", listMessages),
  route("GET", "users/*/messages/*", "readMail", getMessage),
  route("GET", "users/*/messages/*/attachments", "readMail", listAttachments),
  route("GET", "users/*/messages/*/attachments/*", "readMail", getAttachment),
  route("GET", "groups", "readGroups", listGroups),
  route("GET", "groups/*", "readGroups", getGroup),
  route("GET", "groups/*/members", "readGroups", listMembers),
  route("GET", "groups/*/transitivemembers", "readGroups", listTransitiveMembers),
  route("POST", "directoryobjects/getbyids", "readDirectoryObjects", getByIds),
  route("POST", "directoryobjects/microsoft.graph.getbyids", "readDirectoryObjects", getByIds),
  route("GET", "directoryobjects/*", "readDirectoryObjects", getDirectoryObject),
  route("GET", "directory/deleteditems", "readDeletedUsers", listDeletedItems),
  route("GET", "directory/deleteditems/*", "readDeletedUsers", getDeletedItem),
  route("GET", "directory/deleteditems/*/*", "readDeletedUsers", getDeletedUser),
  route("POST", "directory/deleteditems/*/restore", "deleteUsers", restoreDeletedItem),
  route("POST", "directory/deleteditems/*/microsoft.graph.restore", "deleteUsers", restoreDeletedItem),
  route("DELETE", "directory/deleteditems/*", "deleteUsers", purgeDeletedItem),
  route("GET", "subscribedskus", "readSkus", listSkus),
  route("GET", "subscribedskus/*", "readSkus", getSku),
  route("GET", "domains", "readDomains", listDomains),
  route("GET", "domains/*", "readDomains", getDomain),
  route("GET", "organization", "readOrganization", listOrganization),
  route("GET", "organization/*", "readOrganization", getOrganization),
];

/**
 * Microsoft Graph of the local tenant: `/v1.0/…`, mounted at the root. Answers every path below the version, unknown ones with
 * Graph's own errors, and other versions with 400.
 */
export function graphService(tenant: Tenant): Service {
  const limit = new OutlookLimit(tenant);

  async function serve(incoming: Message, isInner: boolean): Promise<Answer> {
    const authorization = incoming.headers.authorization;
    const caller = callerOf(tenant, authorization, "graph");
    if (caller === undefined) {
      throw invalidAuthenticationToken(whyNoToken(tenant, authorization));
    }
    const [version = "", ...path] = pathSegments(incoming.url.pathname);
    const request: GraphRequest = {
      tenant,
      caller,
      method: incoming.method,
      base: `${incoming.url.origin}/${version}`,
      path,
      keys: [],
      query: queryOptions(incoming.url.search),
      headers: incoming.headers,
      text: incoming.text,
    };
    if (!isInner && path.length === 1 && path[0]?.toLowerCase() === "$batch") {
      if (request.method !== "POST") {
        throw methodNotAllowed();
      }
      return runBatch(request, (inner) => serveInner(inner, incoming, version), errorAnswer);
    }
    requireJson(request);
    const found = matching(request);
    const { permission } = found;
    if (permission === undefined || admits(caller.roles, permission)) {
      const run = () => found.run({ ...request, keys: keysOf(found, path) });
      const isMailbox = permission !== undefined && mailboxPermissions.has(permission);
      const result = await (isMailbox ? limit.run(caller.application.appId, request, run) : run());
      return levelAsked(request) === "none" && result.body !== undefined
        ? { ...result, body: withoutMetadata(result.body) }
        : result;
    }
    throw mailboxPermissions.has(permission) ? errorAccessDenied() : authorizationRequestDenied();
  }

  async function serveInner(inner: InnerRequest, outer: Message, version: string): Promise<Answer> {
    const { authorization } = outer.headers;
    const headers = { ...(authorization === undefined ? {} : { authorization }), ...inner.headers };
    const url = new URL(`${outer.url.origin}/${version}/${inner.url.replace(/^\//, "")}`);
    const facts = { service: "graph", method: inner.method, path: url.pathname + url.search } as const;
    return insideBatch(
      await applyFault(tenant, facts, async () => {
        try {
          return await serve({ method: inner.method, url, headers, text: inner.text }, true);
        } catch (error) {
          return errorAnswer(error instanceof GraphError ? error : internalError(String(error)));
        }
      }),
    );
  }

  /** An error as answer; the request ids of a batch's inner errors are their own. */
  function errorAnswer(error: GraphError, requestId: string = randomUUID(), clientRequestId = requestId): Answer {
    return {
      status: error.status,
      headers: { ...error.headers },
      body: {
        error: {
          code: error.code,
          message: error.message,
          ...(error.details.length > 0 ? { details: error.details } : {}),
          innerError: {
            date: tenant.timestamp().replace(/\.\d+Z$/, ""),
            "request-id": requestId,
            "client-request-id": clientRequestId,
          },
        },
      },
    };
  }

  async function answer(incoming: Message): Promise<Answer> {
    const requestId = randomUUID();
    const clientRequestId = incoming.headers["client-request-id"] ?? requestId;
    let result: Answer;
    try {
      result = await serve(incoming, false);
    } catch (error) {
      const known = error instanceof GraphError ? error : internalError(String(error));
      result = errorAnswer(known, requestId, clientRequestId);
    }
    const level = levelAsked({
      headers: incoming.headers,
      query: new Map([["format", incoming.url.searchParams.get("$format") ?? ""]]),
    });
    return {
      ...result,
      headers: {
        "cache-control": "no-cache",
        "request-id": requestId,
        "client-request-id": clientRequestId,
        "x-ms-ags-diagnostic": JSON.stringify({
          ServerInfo: { DataCenter: "Local", Slice: "E", Ring: "0", ScaleUnit: "000", RoleInstance: "LOCALTENANT" },
        }),
        ...(result.body === undefined
          ? {}
          : {
              "content-type": `application/json;odata.metadata=${level};odata.streaming=true;IEEE754Compatible=false;charset=utf-8`,
              "odata-version": "4.0",
            }),
        ...lowerCased(result.headers),
      },
    };
  }

  return async (message) => {
    const [, version = ""] = message.url.pathname.split("/");
    return version.toLowerCase() === "v1.0"
      ? await answer(message)
      : { ...errorAnswer(invalidVersion(version)), headers: { "content-type": "application/json" } };
  };
}

/** An answer, whether a handler's or a fault rule's, as a batch carries it. */
function insideBatch({ status, headers, body, isLost }: Answer): Answer {
  // The batch names the type of a body itself.
  const { "content-type": _, "retry-after": retryAfter, ...others } = lowerCased(headers);
  return {
    status,
    headers: { ...others, ...(retryAfter === undefined ? {} : { "Retry-After": retryAfter }) },
    body: bodyInside(body),
    isLost: isLost ?? false,
  };
}

/** A fault rule's text may be JSON; what is not, a batch carries in base64. */
function bodyInside(body: unknown): unknown {
  if (typeof body !== "string" && !(body instanceof Uint8Array)) {
    return body;
  }
  return parsedJson(body.toString()) ?? Buffer.from(body).toString("base64");
}

/** A body has to say that it is JSON. */
function requireJson({ text, headers }: GraphRequest): void {
  // @observed graph.content-type: A body without Content-Type, or with another than JSON's, is 400 [msgraph-cli #258,
  // microsoft-graph-docs #6486; msgraph-sample-pythondjangoapp #22 for POST /users]
  const type = headers["content-type"]?.trim() ?? "";
  if (text !== "" && type === "") {
    throw contentTypeMissing();
  }
  if (text !== "" && !/^application\/(?:json|[\w.-]+\+json)\b/i.test(type)) {
    throw contentTypeNotJson();
  }
}

function matching(request: GraphRequest): Route {
  // @observed graph.wrong-method: A wrong method is 405 Request_BadRequest [public issue threads of Graph clients]
  const special = request.path.find((segment) => systemSegments.has(segment.toLowerCase()));
  if (special !== undefined) {
    throw notSimulated(`The segment '${special}'`);
  }
  if (request.path[0]?.toLowerCase() === "me") {
    throw delegatedOnly();
  }
  const candidates = routes.filter((one) => matches(one, request.path));
  const found = candidates.find((one) => one.method === request.method);
  if (found !== undefined && (found.path.includes("*") ? !isOnCollection(request.path) : true)) {
    return found;
  }
  if (isOnCollection(request.path)) {
    throw notSimulated(`The segment '${request.path[1]}'`);
  }
  if (candidates.length > 0) {
    throw candidates.some((one) => isRealWrite(request.method, one.path))
      ? notSimulated(`${request.method} of this resource`)
      : methodNotAllowed();
  }
  throw unknownSegment(request.path);
}

function matches(one: Route, path: readonly string[]): boolean {
  return (
    one.path.length === path.length &&
    one.path.every((segment, index) => segment === "*" || segment === path[index]?.toLowerCase())
  );
}

/** About the first segment that no route goes on with: the one Graph names. */
function unknownSegment(path: readonly string[]): GraphError {
  // @observed graph.unknown-path: An unknown path is 400 BadRequest 'Resource not found for the segment' [public issue threads of
  // Graph clients]
  const known = (length: number) =>
    routes.filter(
      (one) => one.path.length >= length && matches({ ...one, path: one.path.slice(0, length) }, path.slice(0, length)),
    );
  const index = path.findIndex((_, at) => known(at + 1).length === 0);
  const segment = path[index] ?? path.at(-1) ?? "";
  const before = index < 0 ? [] : known(index).map((one) => one.path.slice(0, index));
  return before.some((route) => isReal(route, segment))
    ? notSimulated(`The segment '${segment}'`)
    : segmentNotFound(segment);
}

function keysOf(one: Route, path: readonly string[]): string[] {
  return path.filter((_, index) => one.path[index] === "*");
}

/** The words Graph finds for a token it does not take. */
function whyNoToken(tenant: Tenant, authorization: string | undefined): string {
  const token = /^Bearer +(\S+)$/i.exec(authorization ?? "")?.[1];
  if (token === undefined) {
    return "Access token is empty.";
  }
  const payload = token.split(".")[1];
  const claims = parsedJson(Buffer.from(payload ?? "", "base64url").toString("utf8"));
  if (!isPlainObject(claims)) {
    return "IDX14100: JWT is not well formed, there are no dots (.).";
  }
  if (typeof claims.exp === "number" && claims.exp * 1000 <= tenant.now()) {
    return "Lifetime validation failed, the token is expired.";
  }
  if (claims.aud !== "https://graph.microsoft.com" && claims.aud !== "00000003-0000-0000-c000-000000000000") {
    return "Access token validation failure. Invalid audience.";
  }
  return "Access token validation failure.";
}

/** Requests to the mailbox store in flight, by application and mailbox. */
class OutlookLimit {
  // @documented graph.mailbox-concurrency: More than four requests of an application in flight in one mailbox: 429 with Retry-After.
  // Other mailboxes are served [Microsoft Graph: throttling limits, Outlook, limits per mailbox]
  readonly #inFlight = new Map<string, number>();

  constructor(readonly tenant: Tenant) {}

  /**
   * Runs a request to the mailbox store as one of the application's few in flight in this mailbox; one too many is answered with 429
   * before it is run. Each takes `Settings.outlookLatency` at least, without which none would ever meet another.
   */
  async run(appId: string, { path }: GraphRequest, request: () => Answer | Promise<Answer>): Promise<Answer> {
    const named = path[1] ?? "";
    const { id = named } = findUser(this.tenant, named) ?? {};
    const place = `${appId} ${id.toLowerCase()}`;
    const running = this.#inFlight.get(place) ?? 0;
    if (running >= this.tenant.settings.outlookConcurrency) {
      patienceOf(this.tenant).beyondLimit();
      throw mailboxConcurrency();
    }
    this.#inFlight.set(place, running + 1);
    try {
      await delay(this.tenant.settings.outlookLatency);
      return await request();
    } finally {
      this.#inFlight.set(place, (this.#inFlight.get(place) ?? 1) - 1);
    }
  }
}
