import { createHash, randomUUID } from "node:crypto";
import type { Answer, Message, Service } from "../message";
import { type MetadataLevel, metadataLevel, withoutMetadata } from "../odata/listing";
import type { Tenant } from "../tenant";
import { isPlainObject } from "../values";
import { decode, isGuid, jsonObject, reference, type Values } from "./body";
import { type Action, demand, privilegesOf, userOf } from "./caller";
import {
  badQuery,
  DataverseError,
  duplicateRecord,
  messageNotSupported,
  notSimulated,
  notSupported,
  objectDoesNotExist,
  odataVersionRequired,
  resourceNotFound,
  resourceNotSimulated,
  unsupportedMediaType,
  versionMismatch,
} from "./errors";
import { settle } from "./jobs";
import {
  attributeNamed,
  attributesOf,
  castTo,
  type Definition,
  definitionOf,
  isCast,
  isRelation,
  type Kind,
  queried,
  tableNamed,
} from "./metadata";
import { isRealMember, isRealResource } from "./not-simulated";
import { create, remove, takes, update } from "./operations";
import { etagOf, lookupOf, present, readable } from "./present";
import { protect } from "./protection";
import { allowOptions, columnShown, expanded, filtered, page, selected } from "./query";
import { condition, type Preferences, preferences, type Segment, segments } from "./request";
import { type AnyRow, entitySets, idOf, navigation, type SystemUserRow, schema, type Table } from "./schema";
import { Work } from "./work";

const prefix = "/api/data/";
const root = `${prefix}v9.2/`;

/** One request: who asks, what for, and the changes it makes. */
interface Exchange {
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

/**
 * The Dataverse Web API of the tenant's environment, below `/api/data/v9.2/`: the tables of `schema`, WhoAmI and the metadata of
 * those tables. Whatever else exists in the real service is refused with a 4xx in its error shape.
 */
export function dataverseService(tenant: Tenant): Service {
  return async (message) => {
    const refused = (error: unknown): Answer => {
      if (error instanceof DataverseError) {
        const preferred = safePreferences(message.headers.prefer);
        return refusal(tenant, error, preferred?.include("Microsoft.PowerApps.CDS.HelpLink") ?? false);
      }
      throw error;
    };
    try {
      const user = userOf(tenant, message.headers.authorization);
      return withHeaders(await protect(tenant, user.systemuserid, () => answer(tenant, message, user).catch(refused)));
    } catch (error) {
      return withHeaders(refused(error));
    }
  };
}

function safePreferences(header: string | undefined): Preferences | undefined {
  try {
    return preferences(header);
  } catch {
    return undefined;
  }
}

function withHeaders(given: Answer): Answer {
  const own = { "OData-Version": "4.0", "x-ms-service-request-id": randomUUID(), "Cache-Control": "no-cache" };
  return { ...given, headers: { ...given.headers, ...own } };
}

function refusal(tenant: Tenant, error: DataverseError, annotated: boolean): Answer {
  // @documented dataverse.error-shape: Error bodies are {error: {code, message}}; annotations add help link and inner message
  // [powerapps-docs, data-platform/webapi/compose-http-requests-handle-errors.md]
  // @assumed dataverse.rule-error-status: The HTTP status of the mailbox rules' errors is 400 [powerapps-docs,
  // data-platform/webapi/compose-http-requests-handle-errors.md: anything not listed is 400]
  const annotations = annotated
    ? {
        "@Microsoft.PowerApps.CDS.ErrorDetails.OperationStatus": "0",
        "@Microsoft.PowerApps.CDS.HelpLink": `http://go.microsoft.com/fwlink/?LinkID=398563&error=Microsoft.Crm.CrmException%3a${error.code}`,
        "@Microsoft.PowerApps.CDS.InnerError.Message": error.message,
      }
    : {};
  const body = { error: { code: error.code, message: error.message, ...annotations } };
  const isOtherwise = error.code.startsWith("0x8005E2") && tenant.isContrary("dataverse.rule-error-status");
  return {
    status: isOtherwise ? 403 : error.status,
    headers: { ...error.headers, "Content-Type": "application/json; odata.metadata=minimal" },
    body,
  };
}

async function answer(tenant: Tenant, { method, url, headers, text }: Message, user: SystemUserRow): Promise<Answer> {
  if (!url.pathname.startsWith(root) && url.pathname !== root.slice(0, -1)) {
    throw resourceNotFound(url.pathname.slice(prefix.length).split("/")[0] ?? "");
  }
  checkHeaders(tenant, headers);
  settle(tenant);
  const exchange: Exchange = {
    headers,
    text,
    tenant,
    method,
    base: `${url.origin}${root}`,
    query: url.searchParams,
    user,
    work: new Work(tenant, user.systemuserid),
    prefer: preferences(headers.prefer),
    level: metadataLevel(headers.accept),
  };
  const path = segments(url.pathname.slice(root.length));
  const response = await dispatch(exchange, path);
  settle(tenant);
  return response;
}

function checkHeaders(tenant: Tenant, headers: Message["headers"]): void {
  // @assumed dataverse.version-headers: A request without the OData version headers is served; `strictHeaders` refuses it
  // [powerapps-docs, data-platform/webapi/compose-http-requests-handle-errors.md asks for them with every request; older clients
  // omit them]
  const isStrict = tenant.settings.strictHeaders || tenant.isContrary("dataverse.version-headers");
  for (const header of ["OData-Version", "OData-MaxVersion"]) {
    const value = headers[header.toLowerCase()];
    if (value === undefined ? isStrict : !/^4\.0(?:1)?$/.test(value.trim())) {
      throw odataVersionRequired(header);
    }
  }
  for (const header of ["MSCRMCallerID", "CallerObjectId"]) {
    if (headers[header.toLowerCase()] !== undefined) {
      throw notSimulated(`Impersonation (${header})`);
    }
  }
}

async function dispatch(exchange: Exchange, path: Segment[]): Promise<Answer> {
  const [first, ...rest] = path;
  if (first === undefined) {
    return serviceDocument(exchange);
  }
  if (first.name === "WhoAmI" && (first.key ?? "") === "") {
    return whoAmI(exchange, rest);
  }
  if (first.name === "EntityDefinitions") {
    return metadata(exchange, first, rest);
  }
  if (first.name === "$batch" || first.name === "$metadata") {
    throw notSimulated(first.name);
  }
  const table = entitySets.get(first.name);
  if (table === undefined) {
    throw isRealResource(first.name) ? resourceNotSimulated(first.name) : resourceNotFound(first.name);
  }
  if (first.key === undefined) {
    return collection(exchange, table, rest);
  }
  const id = keyOf(table, first.key);
  return rest.length === 0 ? item(exchange, table, id) : member(exchange, table, id, rest);
}

/** The id in a URL: `<guid>` or `<key column>=<guid>`. */
function keyOf(table: Table, key: string): string {
  const parts = /^(?:\s*(\w+)\s*=)?\s*(.+?)\s*$/.exec(key);
  const name = parts?.[1];
  const id = parts?.[2] ?? "";
  if (name !== undefined && name !== table.key) {
    throw badQuery(`The specified key properties [${name}] do not form a key of the entity '${table.name}'.`);
  }
  if (!isGuid(id)) {
    throw badQuery(`The key value '${id}' is not a valid Edm.Guid.`);
  }
  return id.toLowerCase();
}

function serviceDocument(exchange: Exchange): Answer {
  demandMethod(exchange, ["GET"], "the service root");
  const value = [...entitySets.keys()].map((name) => ({ name, kind: "EntitySet", url: name }));
  return json(exchange, { "@odata.context": `${exchange.base}$metadata`, value });
}

function whoAmI(exchange: Exchange, rest: Segment[]): Answer {
  demandMethod(exchange, ["GET"], "WhoAmI");
  if (rest[0] !== undefined) {
    throw resourceNotFound(rest[0].name);
  }
  allowOptions(exchange.query, []);
  return json(exchange, {
    "@odata.context": `${exchange.base}$metadata#Microsoft.Dynamics.CRM.WhoAmIResponse`,
    BusinessUnitId: exchange.user.businessunitid.id,
    UserId: exchange.user.systemuserid,
    OrganizationId: exchange.user.organizationid,
  });
}

/**
 * `EntityDefinitions`, one of them, its `Attributes` with or without a cast to one type, and one member of a definition.
 *
 * @see https://learn.microsoft.com/power-apps/developer/data-platform/webapi/query-metadata-web-api
 */
function metadata(exchange: Exchange, first: Segment, rest: Segment[]): Answer {
  demandMethod(exchange, ["GET"], "metadata");
  allowOptions(exchange.query, ["$select", "$filter", "$expand", "LabelLanguages"]);
  const context = `${exchange.base}$metadata#EntityDefinitions`;
  if (first.key === undefined) {
    if (rest[0] !== undefined) {
      throw resourceNotFound(rest[0].name);
    }
    return definitions(exchange, Object.values(schema).map(definitionOf), "table", context);
  }
  const table = tableNamed(first.key);
  const [inner, ...further] = rest;
  if (inner?.name !== "Attributes") {
    return definition(exchange, definitionOf(table), "table", rest, context);
  }
  const [cast, ...behind] = further;
  const isTyped = cast !== undefined && isCast(cast.name);
  const attributes = isTyped ? castTo(attributesOf(table), cast.name) : attributesOf(table);
  const kind = isTyped ? "cast column" : "column";
  const path = `${context}('${table.name}')/Attributes${isTyped ? `/${cast.name}` : ""}`;
  const key = inner.key ?? (isTyped ? cast.key : undefined);
  const members = isTyped ? behind : further;
  if (key !== undefined) {
    return definition(exchange, attributeNamed(attributes, key), kind, members, path);
  }
  if (members[0] !== undefined) {
    throw resourceNotFound(members[0].name);
  }
  return definitions(exchange, attributes, kind, path);
}

function definitions(exchange: Exchange, all: Definition[], kind: Kind, context: string): Answer {
  return json(exchange, { "@odata.context": context, value: queried(all, asked(exchange), kind) });
}

/** One definition, or where the path goes on one member of it. */
function definition(exchange: Exchange, one: Definition, kind: Kind, rest: Segment[], context: string): Answer {
  const [member, ...further] = rest;
  if (member === undefined) {
    const [found] = queried([one], { ...asked(exchange), filter: null }, kind);
    return json(exchange, { "@odata.context": `${context}/$entity`, ...found });
  }
  if (kind === "table" && isRelation(member.name)) {
    throw resourceNotSimulated(member.name);
  }
  const value = one[member.name];
  if (value === undefined || member.name.startsWith("@") || (kind === "column" && member.name.endsWith("OptionSet"))) {
    throw resourceNotFound(member.name);
  }
  if (value === null) {
    return noContent();
  }
  const inner = `${context}/${member.name}`;
  if (isPlainObject(value)) {
    return definition(exchange, value, "choices", further, inner);
  }
  if (further[0] !== undefined) {
    throw resourceNotFound(further[0].name);
  }
  return json(exchange, { "@odata.context": inner, value });
}

function asked({ query }: Exchange) {
  return { select: query.get("$select"), filter: query.get("$filter"), expand: query.get("$expand") };
}

async function collection(exchange: Exchange, table: Table, rest: Segment[]): Promise<Answer> {
  const [inner, ...further] = rest;
  if (inner?.name === "$count" && further.length === 0) {
    return count(exchange, table);
  }
  if (inner !== undefined) {
    throw unknownSegment(table, inner.name);
  }
  if (exchange.method === "GET") {
    return list(exchange, table);
  }
  demandMethod(exchange, ["POST"], `the collection '${table.entitySet}'`);
  if (!takes("create", table)) {
    throw table.name === "tracelog"
      ? notSimulated(`Creating a row of '${table.entitySet}'`)
      : notSupported("POST", table.entitySet);
  }
  allow(exchange, "Create", table);
  allowOptions(exchange.query, ["$select"]);
  const columns = selected(table, exchange.query.get("$select"));
  const values = await decodedBody(exchange, table, "create");
  const id = create(exchange.work, exchange.user, table, values);
  exchange.work.commit();
  return written(exchange, table, id, 201, columns);
}

function count(exchange: Exchange, table: Table): Answer {
  demandMethod(exchange, ["GET"], "$count");
  allow(exchange, "Read", table);
  allowOptions(exchange.query, ["$filter"]);
  const rows = filtered(exchange.work, table, exchange.work.all(table.name), exchange.query.get("$filter"));
  return plain(String(rows.length));
}

function list(exchange: Exchange, table: Table): Answer {
  const { query, work, prefer, base } = exchange;
  allow(exchange, "Read", table);
  allowOptions(query, ["$select", "$filter", "$orderby", "$top", "$count", "$skiptoken", "$expand"]);
  const columns = selected(table, query.get("$select"));
  const expansions = expanded(table, query.get("$expand"));
  const counted = query.get("$count");
  if (counted !== null && counted !== "true" && counted !== "false") {
    throw badQuery(`Invalid value '${counted}' for $count query option found.`);
  }
  const { rows, total, next } = page(work, table, query, prefer.pageSize);
  const body: Record<string, unknown> = { "@odata.context": contextOf(exchange, table, false) };
  if (counted === "true") {
    body["@odata.count"] = total;
  }
  body.value = rows.map((row) => shown(exchange, table, row, columns, expansions));
  if (next !== undefined) {
    const following = new URLSearchParams(query);
    following.set("$skiptoken", next);
    body["@odata.nextLink"] = `${base}${table.entitySet}?${following.toString().replaceAll("%24", "$")}`;
  }
  return json(exchange, body);
}

async function item(exchange: Exchange, table: Table, id: string): Promise<Answer> {
  switch (exchange.method) {
    case "GET":
      return retrieve(exchange, table, id);
    case "PATCH":
      return change(exchange, table, id);
    case "DELETE":
      return erase(exchange, table, id);
    default:
      throw notSupported(exchange.method, `a row of '${table.entitySet}'`);
  }
}

function retrieve(exchange: Exchange, table: Table, id: string): Answer {
  // @documented dataverse.not-modified: GET with a current ETag in If-None-Match is a 304, never with $expand or annotations
  // [powerapps-docs, data-platform/webapi/perform-conditional-operations-using-web-api.md]
  const { query, prefer, headers } = exchange;
  allow(exchange, "Read", table);
  allowOptions(query, ["$select", "$expand"]);
  const columns = selected(table, query.get("$select"));
  const expansions = expanded(table, query.get("$expand"));
  const row = existing(exchange, table, id);
  const known = condition(headers["if-none-match"]);
  const unchanged = Array.isArray(known) && known.includes(etagOf(row));
  if (unchanged && expansions.length === 0 && !prefer.annotated) {
    return { status: 304, headers: { ETag: etagOf(row) } };
  }
  const body = {
    "@odata.context": contextOf(exchange, table, true),
    ...shown(exchange, table, row, columns, expansions),
  };
  return json(exchange, body, 200, { ETag: etagOf(row) });
}

/** PATCH on a row: an update, or where the row is missing and nothing forbids it, a create with that id. */
async function change(exchange: Exchange, table: Table, id: string): Promise<Answer> {
  // @documented dataverse.patch-creates: PATCH without If-Match to a missing id creates the row; with If-Match: * it is a 404
  // [powerapps-docs, data-platform/webapi/perform-conditional-operations-using-web-api.md]
  // @documented dataverse.patch-if-none-match: PATCH with If-None-Match: * on an existing row is a 412 with 0x80040237
  // [powerapps-docs, data-platform/webapi/perform-conditional-operations-using-web-api.md; code observed in
  // microsoft/terraform-provider-power-platform, data_record fixtures and tests]
  // @documented dataverse.patch-expand: $expand with a PATCH that returns the row is ignored [powerapps-docs,
  // data-platform/webapi/update-delete-entities-using-web-api.md]
  const { query, work, user, headers } = exchange;
  // Where the row is returned, the service heeds $select and ignores $expand.
  allowOptions(query, ["$select", "$expand"]);
  const columns = selected(table, query.get("$select"));
  const mustBe = condition(headers["if-match"]);
  const mustNotBe = condition(headers["if-none-match"]);
  // Everything from here to the commit is one step: the body is read first, so that no other request comes between.
  const body = jsonObject(table, await bodyText(exchange));
  const row = work.get(table.name, id);
  if (row === undefined) {
    if (mustBe !== undefined || !takes("create", table)) {
      throw objectDoesNotExist(table, id);
    }
    allow(exchange, "Create", table);
    const values = decode(work, table, body, "create");
    demandBindRights(exchange, table, values);
    create(work, user, table, values, id);
    work.commit();
    return written(exchange, table, id, 201, columns);
  }
  allow(exchange, "Write", table);
  if (mustNotBe === "*") {
    throw duplicateRecord();
  }
  demandVersion(row, mustBe);
  const values = decode(work, table, body, "update");
  demandBindRights(exchange, table, values);
  update(work, user, table, row, values);
  work.commit();
  return written(exchange, table, id, 200, columns);
}

function erase(exchange: Exchange, table: Table, id: string): Answer {
  allow(exchange, "Delete", table);
  allowOptions(exchange.query, []);
  if (!takes("remove", table)) {
    throw notSupported("DELETE", table.entitySet);
  }
  if (table.name === "systemuser" && !exchange.tenant.settings.deleteDisabledUsers) {
    throw messageNotSupported("Delete", table);
  }
  const row = existing(exchange, table, id);
  demandVersion(row, condition(exchange.headers["if-match"]));
  remove(exchange.work, table, row);
  exchange.work.commit();
  return noContent();
}

/** What stands behind a row's id: one column, or a single-valued navigation property with or without `$ref`. */
async function member(exchange: Exchange, table: Table, id: string, rest: Segment[]): Promise<Answer> {
  const [inner, next, ...further] = rest;
  // A bound function is written with its parentheses, or without.
  const isCalled = inner?.key === "" && inner.name.startsWith("Microsoft.Dynamics.CRM.");
  if (inner === undefined || (inner.key !== undefined && !isCalled) || further.length > 0) {
    throw unknownSegment(table, inner?.name ?? "");
  }
  if (table.name === "systemuser" && inner.name === "systemuserroles_association" && next === undefined) {
    return rolesHeld(exchange, table, id);
  }
  if (table.name === "systemuser" && inner.name === "Microsoft.Dynamics.CRM.RetrieveUserPrivileges") {
    return userPrivileges(exchange, table, id);
  }
  const found = navigation(table, inner.name);
  if (found !== undefined) {
    if (found.targets.some((target) => target.table === "businessunit")) {
      throw resourceNotSimulated(inner.name);
    }
    if (next !== undefined && next.name !== "$ref") {
      throw resourceNotFound(next.name);
    }
    return linked(exchange, table, id, inner.name, next !== undefined);
  }
  if (next !== undefined && next.name !== "$value") {
    throw resourceNotFound(next.name);
  }
  return property(exchange, table, id, inner.name, next !== undefined);
}

/** The security roles of a user: their names, and ids of this tenant's own making. */
function rolesHeld(exchange: Exchange, table: Table, id: string): Answer {
  // @documented dataverse.user-roles: systemuserroles_association leads to the security roles of a user [powerapps-docs,
  // data-platform/reference/entities/systemuser.md]
  demandMethod(exchange, ["GET"], "the navigation property 'systemuserroles_association'");
  allowOptions(exchange.query, ["$select"]);
  allow(exchange, "Read", table);
  const select = exchange.query.get("$select")?.split(",") ?? ["roleid", "name"];
  const stranger = select.find((column) => column !== "roleid" && column !== "name");
  if (stranger !== undefined) {
    throw notSimulated(`The column '${stranger}' of 'roles'`);
  }
  const { roles } = existing(exchange, table, id) as SystemUserRow;
  const value = roles.map((name) => ({
    roleid: idNamed(`role ${name}`),
    ...(select.includes("name") ? { name } : {}),
  }));
  return json(exchange, { "@odata.context": `${exchange.base}$metadata#roles(${select.join(",")})`, value });
}

function userPrivileges(exchange: Exchange, table: Table, id: string): Answer {
  demandMethod(exchange, ["GET"], "RetrieveUserPrivileges");
  allowOptions(exchange.query, []);
  allow(exchange, "Read", table);
  const user = existing(exchange, table, id) as SystemUserRow;
  return json(exchange, {
    "@odata.context": `${exchange.base}$metadata#Microsoft.Dynamics.CRM.RetrieveUserPrivilegesResponse`,
    RolePrivileges: privilegesOf(user).map((name) => ({
      Depth: "Global",
      PrivilegeId: idNamed(`privilege ${name}`),
      BusinessUnitId: user.businessunitid.id,
      PrivilegeName: name,
    })),
  });
}

/** An id that is always the same for the same name. */
function idNamed(name: string): string {
  const digits = createHash("sha256").update(name).digest("hex");
  return `${digits.slice(0, 8)}-${digits.slice(8, 12)}-4${digits.slice(13, 16)}-8${digits.slice(17, 20)}-${digits.slice(20, 32)}`;
}

async function property(exchange: Exchange, table: Table, id: string, name: string, raw: boolean): Promise<Answer> {
  const { work, user, headers } = exchange;
  if (!table.columns.has(name) && !/^_.+_value$/.test(name)) {
    throw unknownSegment(table, name);
  }
  const column = exchange.method === "GET" ? columnShown(table, name) : undefined;
  demandMethod(exchange, raw ? ["GET"] : ["GET", "PUT", "DELETE"], `the property '${name}'`);
  if (column !== undefined) {
    allow(exchange, "Read", table);
    const value = readable(existing(exchange, table, id), column);
    if (value === null) {
      return noContent();
    }
    if (raw) {
      return plain(String(value));
    }
    return json(exchange, { "@odata.context": `${exchange.base}$metadata#${table.entitySet}(${id})/${name}`, value });
  }
  allow(exchange, "Write", table);
  const body = exchange.method === "PUT" ? jsonObject(table, await bodyText(exchange)) : { value: null };
  if (!("value" in body)) {
    throw badQuery(`The body must have the member 'value'.`);
  }
  const row = existing(exchange, table, id);
  demandVersion(row, condition(headers["if-match"]));
  update(work, user, table, row, decode(work, table, { [name]: body.value }, "update"));
  work.commit();
  return noContent();
}

async function linked(exchange: Exchange, table: Table, id: string, name: string, ref: boolean): Promise<Answer> {
  const { work, user, base, headers } = exchange;
  const found = navigation(table, name);
  if (found === undefined) {
    throw resourceNotFound(name);
  }
  const targets = found.targets.map((target) => target.table);
  demandMethod(exchange, ref ? ["GET", "PUT", "DELETE"] : ["GET"], `the navigation property '${name}'`);
  if (exchange.method === "GET") {
    allow(exchange, "Read", table);
    const pointer = lookupOf(existing(exchange, table, id), found.column);
    if (pointer === null || pointer.table === "businessunit" || !targets.includes(pointer.table)) {
      return noContent();
    }
    const target = schema[pointer.table];
    if (ref) {
      const link = { "@odata.context": `${base}$metadata#$ref`, "@odata.id": rowUrl(exchange, target, pointer.id) };
      return json(exchange, link);
    }
    return retrieve(exchange, target, pointer.id);
  }
  allow(exchange, "Write", table);
  const body = exchange.method === "PUT" ? jsonObject(table, await bodyText(exchange)) : { "@odata.id": null };
  const wanted = body["@odata.id"];
  if (wanted !== null && typeof wanted !== "string") {
    throw badQuery("The body must have the member '@odata.id'.");
  }
  const row = existing(exchange, table, id);
  demandVersion(row, condition(headers["if-match"]));
  if (wanted !== null) {
    // Read for its refusals: the reference itself is decoded again below, as a bind.
    reference(work, table, wanted, targets);
  }
  const values = decode(work, table, { [`${name}@odata.bind`]: wanted }, "update");
  demandBindRights(exchange, table, values);
  update(work, user, table, row, values);
  work.commit();
  return noContent();
}

function unknownSegment(table: Table, name: string): DataverseError {
  // @observed dataverse.unknown-segment: An unknown URL segment is 0x80060888 [microsoft/Dataverse-MCP issue 6]
  return isRealMember(table.name, name) ? resourceNotSimulated(name) : resourceNotFound(name);
}

function existing(exchange: Exchange, table: Table, id: string): AnyRow {
  const row = exchange.work.get(table.name, id);
  if (row === undefined) {
    throw objectDoesNotExist(table, id);
  }
  return row;
}

function demandVersion(row: AnyRow, mustBe: "*" | string[] | undefined): void {
  // @observed dataverse.stale-etag: A stale ETag in If-Match is a 412 with 0x80060882, on PATCH and on DELETE [Two public code
  // bases for the code; Microsoft's Web API pages for the status]
  if (Array.isArray(mustBe) && !mustBe.includes(etagOf(row))) {
    throw versionMismatch();
  }
}

function demandMethod(exchange: Exchange, allowed: readonly string[], what: string): void {
  // @documented dataverse.collection-method: PATCH or DELETE on a collection is a 405 [powerapps-docs,
  // data-platform/webapi/compose-http-requests-handle-errors.md; seen in microsoft/terraform-provider-power-platform, data_record
  // fixtures and tests #616]
  if (!allowed.includes(exchange.method)) {
    throw notSupported(exchange.method, what);
  }
}

function allow(exchange: Exchange, action: Action, table: Table): void {
  demand(exchange.user, action, table);
}

/** Binding an owner is Assign; binding another row appends this one to it. */
function demandBindRights(exchange: Exchange, table: Table, values: Values): void {
  if ("ownerid" in values) {
    allow(exchange, "Assign", table);
  }
  const bound = [...table.columns.values()].some(
    (column) => column.targets !== undefined && column.name !== "ownerid" && column.name in values,
  );
  if (bound) {
    allow(exchange, "Append", table);
  }
}

async function decodedBody(exchange: Exchange, table: Table, operation: "create" | "update"): Promise<Values> {
  const body = jsonObject(table, await bodyText(exchange));
  const values = decode(exchange.work, table, body, operation);
  demandBindRights(exchange, table, values);
  return values;
}

async function bodyText(exchange: Exchange): Promise<string> {
  const type = exchange.headers["content-type"] ?? "";
  if (!/^application\/json\b/i.test(type)) {
    throw unsupportedMediaType();
  }
  return exchange.text;
}

/** The answer to a write: nothing but the row's address, or with `return=representation` the row. */
function written(
  exchange: Exchange,
  table: Table,
  id: string,
  status: 200 | 201,
  columns: ReturnType<typeof selected>,
): Answer {
  // @documented dataverse.post-answer: POST answers 204 with OData-EntityId, or 201 with the row and without that header for
  // return=representation [powerapps-docs, data-platform/webapi/create-entity-web-api.md]
  // What is due at once, such as a new queue's mailbox record, belongs to what the caller is shown.
  settle(exchange.tenant);
  if (!exchange.prefer.representation) {
    return { status: 204, headers: { "OData-EntityId": rowUrl(exchange, table, id) } };
  }
  const row = existing(exchange, table, id);
  const body = { "@odata.context": contextOf(exchange, table, true), ...shown(exchange, table, row, columns, []) };
  return json(exchange, body, status, { ETag: etagOf(row) });
}

function shown(
  exchange: Exchange,
  table: Table,
  row: AnyRow,
  columns: ReturnType<typeof selected>,
  expansions: ReturnType<typeof expanded>,
): Record<string, unknown> {
  const body = {
    ...(exchange.level === "full" ? links(exchange, table, row) : {}),
    ...present(exchange.work, table, row, columns, exchange.prefer),
  } as Record<string, unknown>;
  for (const { navigation: name, column, select } of expansions) {
    const pointer = lookupOf(row, column);
    const matches = column.targets?.some((target) => target.navigation === name && target.table === pointer?.table);
    const target = pointer === null || pointer.table === "businessunit" || !matches ? undefined : schema[pointer.table];
    const other = target === undefined || pointer === null ? undefined : exchange.work.get(target.name, pointer.id);
    const inner = target === undefined || select.length === 0 ? undefined : selected(target, select.join(","));
    body[name] =
      target === undefined || other === undefined
        ? null
        : present(exchange.work, target, other, inner, exchange.prefer);
  }
  return body;
}

/** What `odata.metadata=full` adds to a row. */
function links(exchange: Exchange, table: Table, row: AnyRow): Record<string, string> {
  const id = idOf(table, row);
  return {
    "@odata.type": `#Microsoft.Dynamics.CRM.${table.name}`,
    "@odata.id": rowUrl(exchange, table, id),
    "@odata.editLink": `${table.entitySet}(${id})`,
  };
}

function contextOf(exchange: Exchange, table: Table, single: boolean): string {
  const select = exchange.query.get("$select");
  const columns = select === null ? "" : `(${select})`;
  return `${exchange.base}$metadata#${table.entitySet}${columns}${single ? "/$entity" : ""}`;
}

function rowUrl(exchange: Exchange, table: Table, id: string): string {
  return `${exchange.base}${table.entitySet}(${id})`;
}

function json(exchange: Exchange, body: unknown, status = 200, headers: Record<string, string> = {}): Answer {
  // @documented dataverse.metadata-level: odata.metadata=none leaves a row its columns, a page its link and count; full adds type,
  // id and edit link [powerapps-docs, data-platform/webapi/compose-http-requests-handle-errors.md]
  const { applied } = exchange.prefer;
  return {
    status,
    headers: {
      "Content-Type": `application/json; odata.metadata=${exchange.level}`,
      ...(applied.length === 0 ? {} : { "Preference-Applied": applied.join(", ") }),
      ...headers,
    },
    body: exchange.level === "none" ? withoutMetadata(body) : body,
  };
}

function plain(text: string): Answer {
  return { status: 200, headers: { "Content-Type": "text/plain; charset=UTF-8" }, body: text };
}

function noContent(): Answer {
  return { status: 204 };
}
