import type { Answer } from "../message";
import { idNamed, isGuid } from "../values";
import { decode, jsonObject, reference, type Values } from "./body";
import { privilegesOf } from "./caller";
import type { TableName } from "./columns";
import {
  badQuery,
  type DataverseError,
  duplicateRecord,
  messageNotSupported,
  notSimulated,
  notSupported,
  objectDoesNotExist,
  resourceNotFound,
  resourceNotSimulated,
  versionMismatch,
} from "./errors";
import { settle } from "./jobs";
import { isRealMember } from "./not-simulated";
import { create, remove, takes, update } from "./operations";
import { etagOf, lookupOf, present, readable } from "./present";
import { allowOptions, columnShown, expanded, filtered, page, selected } from "./query";
import {
  allow,
  bodyText,
  condition,
  type DataverseRequest,
  demandMethod,
  json,
  noContent,
  plain,
  type Segment,
} from "./request";
import { type AnyRow, idOf, navigation, type RowOf, schema, type Table } from "./schema";

/** What stands below an entity set: its rows, one of them, and what is behind its id. */
export async function tableRoutes(
  request: DataverseRequest,
  table: Table,
  key: string | undefined,
  rest: Segment[],
): Promise<Answer> {
  if (key === undefined) {
    return collection(request, table, rest);
  }
  const id = keyOf(table, key);
  return rest.length === 0 ? item(request, table, id) : member(request, table, id, rest);
}

async function collection(request: DataverseRequest, table: Table, rest: Segment[]): Promise<Answer> {
  const [inner, ...further] = rest;
  if (inner?.name === "$count" && further.length === 0) {
    return count(request, table);
  }
  if (inner !== undefined) {
    throw unknownSegment(table, inner.name);
  }
  if (request.method === "GET") {
    return list(request, table);
  }
  demandMethod(request, ["POST"], `the collection '${table.entitySet}'`);
  if (!takes("create", table)) {
    throw table.name === "tracelog"
      ? notSimulated(`Creating a row of '${table.entitySet}'`)
      : notSupported("POST", table.entitySet);
  }
  allow(request, "Create", table);
  allowOptions(request.query, ["$select"]);
  const columns = selected(table, request.query.get("$select"));
  const values = await decodedBody(request, table, "create");
  const id = create(request.work, request.user, table, values);
  request.work.commit();
  return written(request, table, id, 201, columns);
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

function count(request: DataverseRequest, table: Table): Answer {
  demandMethod(request, ["GET"], "$count");
  allow(request, "Read", table);
  allowOptions(request.query, ["$filter"]);
  const rows = filtered(request.work, table, request.work.all(table.name), request.query.get("$filter"));
  return plain(String(rows.length));
}

function list(request: DataverseRequest, table: Table): Answer {
  const { query, work, prefer, base } = request;
  allow(request, "Read", table);
  allowOptions(query, ["$select", "$filter", "$orderby", "$top", "$count", "$skiptoken", "$expand"]);
  const columns = selected(table, query.get("$select"));
  const expansions = expanded(table, query.get("$expand"));
  const counted = query.get("$count");
  if (counted !== null && counted !== "true" && counted !== "false") {
    throw badQuery(`Invalid value '${counted}' for $count query option found. Valid values are 'true, false'.`);
  }
  const { rows, total, next } = page(work, table, query, prefer.pageSize);
  const body: Record<string, unknown> = { "@odata.context": contextOf(request, table, false) };
  if (counted === "true") {
    body["@odata.count"] = total;
  }
  body.value = rows.map((row) => shown(request, table, row, columns, expansions));
  if (next !== undefined) {
    const following = new URLSearchParams(query);
    following.set("$skiptoken", next);
    body["@odata.nextLink"] = `${base}${table.entitySet}?${following.toString().replaceAll("%24", "$")}`;
  }
  return json(request, body);
}

async function item(request: DataverseRequest, table: Table, id: string): Promise<Answer> {
  switch (request.method) {
    case "GET":
      return retrieve(request, table, id);
    case "PATCH":
      return change(request, table, id);
    case "DELETE":
      return erase(request, table, id);
    default:
      throw notSupported(request.method, `a row of '${table.entitySet}'`);
  }
}

function retrieve(request: DataverseRequest, table: Table, id: string): Answer {
  // @documented dataverse.not-modified: GET with a current ETag in If-None-Match is a 304, never with $expand or annotations
  // [powerapps-docs, data-platform/webapi/perform-conditional-operations-using-web-api.md]
  const { query, prefer, headers } = request;
  allow(request, "Read", table);
  allowOptions(query, ["$select", "$expand"]);
  const columns = selected(table, query.get("$select"));
  const expansions = expanded(table, query.get("$expand"));
  const row = existing(request, table, id);
  const known = condition(headers["if-none-match"]);
  const unchanged = Array.isArray(known) && known.includes(etagOf(row));
  if (unchanged && expansions.length === 0 && !prefer.annotated) {
    return { status: 304, headers: { ETag: etagOf(row) } };
  }
  const body = {
    "@odata.context": contextOf(request, table, true),
    ...shown(request, table, row, columns, expansions),
  };
  return json(request, body, 200, { ETag: etagOf(row) });
}

/** PATCH on a row: an update, or where the row is missing and nothing forbids it, a create with that id. */
async function change(request: DataverseRequest, table: Table, id: string): Promise<Answer> {
  // @documented dataverse.patch-creates: PATCH without If-Match to a missing id creates the row; with If-Match: * it is a 404
  // [powerapps-docs, data-platform/webapi/perform-conditional-operations-using-web-api.md]
  // @documented dataverse.patch-if-none-match: PATCH with If-None-Match: * on an existing row is a 412 with 0x80040237
  // [powerapps-docs, data-platform/webapi/perform-conditional-operations-using-web-api.md; code observed in
  // microsoft/terraform-provider-power-platform, data_record fixtures and tests]
  // @documented dataverse.patch-expand: $expand with a PATCH that returns the row is ignored [powerapps-docs,
  // data-platform/webapi/update-delete-entities-using-web-api.md]
  const { query, work, user, headers } = request;
  // Where the row is returned, the service heeds $select and ignores $expand.
  allowOptions(query, ["$select", "$expand"]);
  const columns = selected(table, query.get("$select"));
  const mustBe = condition(headers["if-match"]);
  const mustNotBe = condition(headers["if-none-match"]);
  // Everything from here to the commit is one step: the body is read first, so that no other request comes between.
  const body = jsonObject(table, await bodyText(request));
  const row = work.get(table.name, id);
  if (row === undefined) {
    if (mustBe !== undefined || !takes("create", table)) {
      throw objectDoesNotExist(table, id);
    }
    allow(request, "Create", table);
    const values = decode(work, table, body, "create");
    demandBindRights(request, table, values);
    create(work, user, table, values, id);
    work.commit();
    return written(request, table, id, 201, columns);
  }
  allow(request, "Write", table);
  if (mustNotBe === "*") {
    throw duplicateRecord();
  }
  demandVersion(row, mustBe);
  const values = decode(work, table, body, "update");
  demandBindRights(request, table, values);
  update(work, user, table, row, values);
  work.commit();
  return written(request, table, id, 200, columns);
}

function erase(request: DataverseRequest, table: Table, id: string): Answer {
  allow(request, "Delete", table);
  allowOptions(request.query, []);
  if (!takes("remove", table)) {
    throw notSupported("DELETE", table.entitySet);
  }
  if (table.name === "systemuser" && !request.tenant.settings.deleteDisabledUsers) {
    throw messageNotSupported("Delete", table);
  }
  const row = existing(request, table, id);
  demandVersion(row, condition(request.headers["if-match"]));
  remove(request.work, table, row);
  request.work.commit();
  return noContent();
}

/** What stands behind a row's id: one column, or a single-valued navigation property with or without `$ref`. */
async function member(request: DataverseRequest, table: Table, id: string, rest: Segment[]): Promise<Answer> {
  const [inner, next, ...further] = rest;
  // A bound function is written with its parentheses, or without.
  const isCalled = inner?.key === "" && inner.name.startsWith("Microsoft.Dynamics.CRM.");
  if (inner === undefined || (inner.key !== undefined && !isCalled) || further.length > 0) {
    throw unknownSegment(table, inner?.name ?? "");
  }
  if (table.name === "systemuser" && inner.name === "systemuserroles_association" && next === undefined) {
    return rolesHeld(request, id);
  }
  if (table.name === "systemuser" && inner.name === "Microsoft.Dynamics.CRM.RetrieveUserPrivileges") {
    return userPrivileges(request, id);
  }
  const found = navigation(table, inner.name);
  if (found !== undefined) {
    if (found.targets.some((target) => target.table === "businessunit")) {
      throw resourceNotSimulated(inner.name);
    }
    if (next !== undefined && next.name !== "$ref") {
      throw resourceNotFound(next.name);
    }
    return linked(request, table, id, inner.name, next !== undefined);
  }
  if (next !== undefined && next.name !== "$value") {
    throw resourceNotFound(next.name);
  }
  return property(request, table, id, inner.name, next !== undefined);
}

/** The security roles of a user: their names, and ids of this tenant's own making. */
function rolesHeld(request: DataverseRequest, id: string): Answer {
  // @documented dataverse.user-roles: systemuserroles_association leads to the security roles of a user [powerapps-docs,
  // data-platform/reference/entities/systemuser.md]
  demandMethod(request, ["GET"], "the navigation property 'systemuserroles_association'");
  allowOptions(request.query, ["$select"]);
  allow(request, "Read", schema.systemuser);
  const select = request.query.get("$select")?.split(",") ?? ["roleid", "name"];
  const stranger = select.find((column) => column !== "roleid" && column !== "name");
  if (stranger !== undefined) {
    throw notSimulated(`The column '${stranger}' of 'roles'`);
  }
  const { roles } = existing(request, schema.systemuser, id);
  const value = roles.map((name) => ({
    roleid: idNamed(`role ${name}`),
    ...(select.includes("name") ? { name } : {}),
  }));
  return json(request, { "@odata.context": `${request.base}$metadata#roles(${select.join(",")})`, value });
}

function userPrivileges(request: DataverseRequest, id: string): Answer {
  demandMethod(request, ["GET"], "RetrieveUserPrivileges");
  allowOptions(request.query, []);
  allow(request, "Read", schema.systemuser);
  const user = existing(request, schema.systemuser, id);
  return json(request, {
    "@odata.context": `${request.base}$metadata#Microsoft.Dynamics.CRM.RetrieveUserPrivilegesResponse`,
    RolePrivileges: privilegesOf(user).map((name) => ({
      Depth: "Global",
      PrivilegeId: idNamed(`privilege ${name}`),
      BusinessUnitId: user.businessunitid.id,
      PrivilegeName: name,
    })),
  });
}

async function property(
  request: DataverseRequest,
  table: Table,
  id: string,
  name: string,
  raw: boolean,
): Promise<Answer> {
  const { work, user, headers } = request;
  if (!table.columns.has(name) && !/^_.+_value$/.test(name)) {
    throw unknownSegment(table, name);
  }
  const column = request.method === "GET" ? columnShown(table, name) : undefined;
  demandMethod(request, raw ? ["GET"] : ["GET", "PUT", "DELETE"], `the property '${name}'`);
  if (column !== undefined) {
    allow(request, "Read", table);
    const value = readable(existing(request, table, id), column);
    if (value === null) {
      return noContent();
    }
    if (raw) {
      return plain(String(value));
    }
    return json(request, { "@odata.context": `${request.base}$metadata#${table.entitySet}(${id})/${name}`, value });
  }
  allow(request, "Write", table);
  const body = request.method === "PUT" ? jsonObject(table, await bodyText(request)) : { value: null };
  if (!("value" in body)) {
    throw badQuery(`The body must have the member 'value'.`);
  }
  const row = existing(request, table, id);
  demandVersion(row, condition(headers["if-match"]));
  update(work, user, table, row, decode(work, table, { [name]: body.value }, "update"));
  work.commit();
  return noContent();
}

async function linked(
  request: DataverseRequest,
  table: Table,
  id: string,
  name: string,
  ref: boolean,
): Promise<Answer> {
  const { work, user, base, headers } = request;
  const found = navigation(table, name);
  if (found === undefined) {
    throw resourceNotFound(name);
  }
  const targets = found.targets.map((target) => target.table);
  demandMethod(request, ref ? ["GET", "PUT", "DELETE"] : ["GET"], `the navigation property '${name}'`);
  if (request.method === "GET") {
    allow(request, "Read", table);
    const pointer = lookupOf(existing(request, table, id), found.column);
    if (pointer === null || pointer.table === "businessunit" || !targets.includes(pointer.table)) {
      return noContent();
    }
    const target = schema[pointer.table];
    if (ref) {
      const link = { "@odata.context": `${base}$metadata#$ref`, "@odata.id": rowUrl(request, target, pointer.id) };
      return json(request, link);
    }
    return retrieve(request, target, pointer.id);
  }
  allow(request, "Write", table);
  const body = request.method === "PUT" ? jsonObject(table, await bodyText(request)) : { "@odata.id": null };
  const wanted = body["@odata.id"];
  if (wanted !== null && typeof wanted !== "string") {
    throw badQuery("The body must have the member '@odata.id'.");
  }
  const row = existing(request, table, id);
  demandVersion(row, condition(headers["if-match"]));
  if (wanted !== null) {
    // Read for its refusals: the reference itself is decoded again below, as a bind.
    reference(work, table, wanted, targets);
  }
  const values = decode(work, table, { [`${name}@odata.bind`]: wanted }, "update");
  demandBindRights(request, table, values);
  update(work, user, table, row, values);
  work.commit();
  return noContent();
}

function unknownSegment(table: Table, name: string): DataverseError {
  // @observed dataverse.unknown-segment: An unknown URL segment is 0x80060888 [microsoft/Dataverse-MCP issue 6]
  return isRealMember(table.name, name) ? resourceNotSimulated(name) : resourceNotFound(name);
}

function existing<T extends TableName>(request: DataverseRequest, table: Table<T>, id: string): RowOf[T] {
  const row = request.work.get(table.name, id);
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

/** Binding an owner is Assign; binding another row appends this one to it. */
function demandBindRights(request: DataverseRequest, table: Table, values: Values): void {
  if ("ownerid" in values) {
    allow(request, "Assign", table);
  }
  const bound = [...table.columns.values()].some(
    (column) => column.targets !== undefined && column.name !== "ownerid" && column.name in values,
  );
  if (bound) {
    allow(request, "Append", table);
  }
}

async function decodedBody(request: DataverseRequest, table: Table, operation: "create" | "update"): Promise<Values> {
  const body = jsonObject(table, await bodyText(request));
  const values = decode(request.work, table, body, operation);
  demandBindRights(request, table, values);
  return values;
}

/** The answer to a write: nothing but the row's address, or with `return=representation` the row. */
function written(
  request: DataverseRequest,
  table: Table,
  id: string,
  status: 200 | 201,
  columns: ReturnType<typeof selected>,
): Answer {
  // @documented dataverse.post-answer: POST answers 204 with OData-EntityId, or 201 with the row and without that header for
  // return=representation [powerapps-docs, data-platform/webapi/create-entity-web-api.md]
  // What is due at once, such as a new queue's mailbox record, belongs to what the caller is shown.
  settle(request.tenant);
  if (!request.prefer.representation) {
    return { status: 204, headers: { "OData-EntityId": rowUrl(request, table, id) } };
  }
  const row = existing(request, table, id);
  const body = { "@odata.context": contextOf(request, table, true), ...shown(request, table, row, columns, []) };
  return json(request, body, status, { ETag: etagOf(row) });
}

function shown(
  request: DataverseRequest,
  table: Table,
  row: AnyRow,
  columns: ReturnType<typeof selected>,
  expansions: ReturnType<typeof expanded>,
): Record<string, unknown> {
  const body: Record<string, unknown> = {
    ...(request.level === "full" ? links(request, table, row) : {}),
    ...present(request.work, table, row, columns, request.prefer),
  };
  for (const { navigation: name, column, select } of expansions) {
    const pointer = lookupOf(row, column);
    const matches = column.targets?.some((target) => target.navigation === name && target.table === pointer?.table);
    const target = pointer === null || pointer.table === "businessunit" || !matches ? undefined : schema[pointer.table];
    const other = target === undefined || pointer === null ? undefined : request.work.get(target.name, pointer.id);
    const inner = target === undefined || select.length === 0 ? undefined : selected(target, select.join(","));
    body[name] =
      target === undefined || other === undefined ? null : present(request.work, target, other, inner, request.prefer);
  }
  return body;
}

/** What `odata.metadata=full` adds to a row. */
function links(request: DataverseRequest, table: Table, row: AnyRow): Record<string, string> {
  const id = idOf(table, row);
  return {
    "@odata.type": `#Microsoft.Dynamics.CRM.${table.name}`,
    "@odata.id": rowUrl(request, table, id),
    "@odata.editLink": `${table.entitySet}(${id})`,
  };
}

function contextOf(request: DataverseRequest, table: Table, single: boolean): string {
  const select = request.query.get("$select");
  const columns = select === null ? "" : `(${select})`;
  return `${request.base}$metadata#${table.entitySet}${columns}${single ? "/$entity" : ""}`;
}

function rowUrl(request: DataverseRequest, table: Table, id: string): string {
  return `${request.base}${table.entitySet}(${id})`;
}
