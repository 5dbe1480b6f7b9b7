import type { Answer } from "../message";
import { order } from "../odata/expression";
import { sorted as inOrder, startAfter, topLevel } from "../odata/listing";
import { isPlainObject } from "../values";
import {
  expiredPageToken,
  invalidOptionValue,
  invalidOrder,
  invalidPageSize,
  invalidSearch,
  notSimulated,
  searchNeedsConsistencyLevel,
  sortingNotSupported,
  unknownSelect,
  unsupportedQueryOption,
} from "./errors";
import { dated, type FilterRules, parseFilter } from "./filter";
import { type GraphRequest, isEventual, type Json, levelAsked, systemOptions } from "./request";

/** A type Graph returns: which members it has and what queries on a collection of it may ask. */
export interface EntityType extends FilterRules {
  /** Members returned without `$select`; all when absent. */
  defaults?: readonly string[];
  pageSize: number;
  largestPage: number;
  /** Members `$search` may name; none when absent. */
  searchable?: readonly string[];
  /** Members `$orderby` may name without an advanced query; any when absent. */
  orderable?: readonly string[];
  /** Navigation properties: real, and simulated neither in `$select` nor in `$expand`. */
  navigation?: readonly string[];
  /** Whether `$skip` is understood (mailbox items) or refused (the directory). */
  takesSkip: boolean;
}

const onCollections = new Set(["select", "filter", "search", "orderby", "top", "skip", "skiptoken", "count", "format"]);
const onEntities = new Set(["select", "format"]);
/** Options Graph has for some of its collections, and the tenant for none. */
const notOffered = new Set(["$apply", "$compute", "$deltatoken"]);

/** 200 with one entity, `$select` applied. `context` is what stands behind `$metadata#`. */
export function entityAnswer(request: GraphRequest, type: EntityType, entity: Json, context: string): Answer {
  refuseUnknown(request, onEntities, type);
  const names = selected(request, type);
  const suffix = request.query.get("select") ? `(${names.join(",")})` : "";
  return {
    status: 200,
    body: {
      "@odata.context": `${request.base}/$metadata#${context}${suffix}/$entity`,
      ...picked(request, type, entity, names, context),
    },
  };
}

/**
 * 200 with the part of `all` the query asks for, each as `entityOf` makes it: `$filter`, `$search`, `$orderby`, `$select`, `$top`, `$count` and the
 * page behind `$skiptoken`, with an `@odata.nextLink` on the same origin while there is more.
 */
export function collectionAnswer<Row extends { id?: unknown }>(
  request: GraphRequest,
  type: EntityType,
  all: readonly Row[],
  context: string,
  entityOf: (row: Row) => Json = (row) => row as Json,
): Answer {
  refuseUnknown(request, onCollections, type);
  const { query } = request;
  const isAdvanced = isEventual(request) && isCounted(query);
  const names = selected(request, type);
  const filter = query.get("filter");
  const search = query.get("search");
  const orderby = query.get("orderby");
  // Where nothing looks into the entities, only those of the page are made.
  let asked = [filter, search, orderby].some((option) => option !== undefined) ? all.map(entityOf) : undefined;
  if (filter !== undefined) {
    asked = asked?.filter(parseFilter(filter, type, isAdvanced));
  }
  if (search !== undefined) {
    asked = asked?.filter(searching(request, type, search));
  }
  if (orderby !== undefined) {
    asked = sorted(asked ?? [], orderby, type, isAdvanced, filter !== undefined);
  }
  const total = (asked ?? all).length;
  const size = pageSize(request, type);
  const start = firstRow(request, type, asked ?? all);
  const page = asked?.slice(start, start + size) ?? all.slice(start, start + size).map(entityOf);
  const suffix = query.get("select") ? `(${names.join(",")})` : "";
  const counted = isCounted(query) && (isEventual(request) || type.takesSkip);
  return {
    status: 200,
    body: {
      "@odata.context": `${request.base}/$metadata#${context}${suffix}`,
      ...(counted ? { "@odata.count": total } : {}),
      ...(start + size < total ? { "@odata.nextLink": nextLink(request, start + size, page.at(-1)) } : {}),
      value: page.map((row) => picked(request, type, row, names, context)),
    },
  };
}

function isCounted(query: GraphRequest["query"]): boolean {
  // @documented graph.option-values: $count is true or false, $skip a whole number from 0, a direction asc or desc [OData 4.01 URL
  // conventions; the words are those of Microsoft's OData library]
  const count = query.get("count")?.toLowerCase() ?? "false";
  if (count !== "true" && count !== "false") {
    throw invalidOptionValue("$count", count, "Valid values are 'true, false'.");
  }
  return count === "true";
}

/** 400 for query options the request must not carry. `type` is what the answer holds. */
export function refuseUnknown(
  request: GraphRequest,
  allowed: ReadonlySet<string>,
  type?: Pick<EntityType, "type" | "navigation">,
): void {
  for (const [name, value] of request.query) {
    if (name === "format" && !/^(?:json|application\/json)\b/i.test(value)) {
      throw unsupportedQueryOption(`$format=${value}`);
    }
    if (name === "expand") {
      refuseExpand(value, type);
    }
    if (notOffered.has(name)) {
      throw notSimulated(name);
    }
    // What neither has a dollar nor is one of OData's own is a custom option, which every OData service ignores.
    if (!allowed.has(name) && (name.startsWith("$") || systemOptions.has(name))) {
      throw unsupportedQueryOption(`$${name.replace("$", "")}`);
    }
  }
}

function refuseExpand(expand: string, type?: Pick<EntityType, "type" | "navigation">): never {
  const unknown = topLevel(expand)
    .map((part) => /^[^(/]*/.exec(part)?.[0].trim() ?? "")
    .find((name) => name !== "*" && !(type?.navigation ?? []).some((one) => one.toLowerCase() === name.toLowerCase()));
  throw type?.navigation !== undefined && unknown !== undefined
    ? unknownSelect(unknown, type.type)
    : notSimulated(`$expand=${expand}`);
}

function selected(request: GraphRequest, type: EntityType): readonly string[] {
  // @observed graph.select-unknown: $select of an unknown member is 400 BadRequest [public issue threads of Graph clients]
  const select = request.query.get("select");
  if (select === undefined || select.trim() === "") {
    return type.defaults ?? type.members;
  }
  const names: string[] = [];
  for (const given of select.split(",").map((name) => name.trim())) {
    if (given === "*") {
      names.push(...type.members);
      continue;
    }
    const member = type.members.find((one) => one.toLowerCase() === given.toLowerCase());
    if (member === undefined) {
      throw (type.navigation ?? []).some((one) => one.toLowerCase() === given.toLowerCase())
        ? notSimulated(`$select=${given}`)
        : unknownSelect(given, type.type);
    }
    names.push(member);
  }
  return [...new Set(names)];
}

function picked(
  request: GraphRequest,
  type: EntityType,
  entity: Json,
  names: readonly string[],
  context: string,
): Json {
  const annotations = Object.entries(entity).filter(([name]) => name.startsWith("@odata."));
  const members = names.filter((name) => entity[name] !== undefined).map((name) => [name, entity[name]] as const);
  if (levelAsked(request) !== "full") {
    return Object.fromEntries([...annotations, ...members]);
  }
  const link = `${context}('${String(entity.id)}')`;
  return {
    "@odata.type": `#${type.type}`,
    "@odata.id": `${request.base}/${link}`,
    "@odata.editLink": link,
    ...Object.fromEntries(annotations),
    ...Object.fromEntries(
      members.flatMap(([name, value]) =>
        isTexts(value) ? [[`${name}@odata.type`, "#Collection(String)"] as const, [name, value]] : [[name, value]],
      ),
    ),
  };
}

function isTexts(value: unknown): boolean {
  return Array.isArray(value) && value.every((one) => typeof one === "string");
}

function pageSize(request: GraphRequest, type: EntityType): number {
  const top = request.query.get("top");
  if (top === undefined) {
    return type.pageSize;
  }
  const size = Number(top);
  if (!/^\d+$/.test(top.trim()) || size < 1 || size > type.largestPage) {
    throw invalidPageSize(top, type.largestPage);
  }
  return size;
}

function firstRow(request: GraphRequest, type: EntityType, rows: readonly { id?: unknown }[]): number {
  const skip = request.query.get("skip");
  if (skip !== undefined && !type.takesSkip) {
    throw unsupportedQueryOption("$skip");
  }
  const token = request.query.get("skiptoken");
  if (token === undefined) {
    if (skip !== undefined && !/^\d{1,9}$/.test(skip)) {
      const rule = "The $skip query option requires a non-negative integer value.";
      throw invalidOptionValue("$skip", skip, rule);
    }
    return Number(skip ?? 0);
  }
  const parts = /^(\d+)\.(.*)$/.exec(Buffer.from(token, "base64url").toString("utf8"));
  if (parts === null) {
    throw expiredPageToken();
  }
  return startAfter(rows, ({ id }) => id === parts[2], Number(parts[1]));
}

function nextLink(request: GraphRequest, start: number, last: Json | undefined): string {
  const token = Buffer.from(`${start}.${String(last?.id ?? "")}`).toString("base64url");
  const options = [...request.query].filter(([name]) => name !== "skiptoken" && name !== "skip");
  const query = [...options, ["skiptoken", token] as const]
    .map(([name, value]) => `$${name}=${encodeURIComponent(value)}`)
    .join("&");
  return `${request.base}/${request.path.map(encodeURIComponent).join("/")}?${query}`;
}

function sorted(
  rows: readonly Json[],
  orderby: string,
  type: EntityType,
  isAdvanced: boolean,
  isFiltered: boolean,
): Json[] {
  // @documented graph.orderby-advanced: $orderby together with $filter needs an advanced query [Microsoft Graph: advanced query
  // capabilities on directory objects]
  return inOrder(rows, orderby, (path, direction = "asc") => {
    const [head = "", ...rest] = path.split("/");
    const member = type.members.find((one) => one.toLowerCase() === head.toLowerCase());
    const word = direction.toLowerCase();
    if (path === "" || !["asc", "desc"].includes(word)) {
      throw invalidOrder(orderby);
    }
    if (member === undefined) {
      throw sortingNotSupported(path, type.resource);
    }
    const isPlain = type.orderable === undefined || (type.orderable.includes(member) && !isFiltered);
    if (!isPlain && !isAdvanced) {
      throw sortingNotSupported(member, type.resource);
    }
    const read = (row: Json) => at(row, [member, ...rest]);
    return {
      isDescending: word === "desc",
      order: (one, other) => order(dated(read(one), read(other)), dated(read(other), read(one))),
    };
  });
}

function at(row: Json, path: readonly string[]): unknown {
  return path.reduce<unknown>((value, name) => (isPlainObject(value) ? value[name] : undefined), row) ?? "";
}

/** `"displayName:ada" AND "mail:ada"`: the words of a display name begin with it, other members as a whole do. */
function searching(request: GraphRequest, type: EntityType, search: string): (row: Json) => boolean {
  // @documented graph.search-consistency: $search needs ConsistencyLevel: eventual, words of a display name match from their
  // beginning [Microsoft Graph: $search parameter]
  if (type.searchable === undefined) {
    throw notSimulated(`$search on ${type.type}`);
  }
  if (!isEventual(request)) {
    throw searchNeedsConsistencyLevel();
  }
  const tokens = [...search.matchAll(/\s*(?:"((?:[^"\\]|\\.)*)"|(AND|OR))\s*/gy)];
  if (tokens.map((token) => token[0]).join("") !== search || tokens.length === 0) {
    throw invalidSearch(search);
  }
  const alternatives: ((row: Json) => boolean)[][] = [[]];
  let expectsTerm = true;
  for (const token of tokens) {
    if ((token[1] !== undefined) !== expectsTerm) {
      throw invalidSearch(search);
    }
    expectsTerm = !expectsTerm;
    if (token[2] === "OR") {
      alternatives.push([]);
    } else if (token[1] !== undefined) {
      alternatives.at(-1)?.push(term(token[1].replace(/\\(.)/g, "$1"), type, search));
    }
  }
  if (expectsTerm) {
    throw invalidSearch(search);
  }
  return (row) => alternatives.some((terms) => terms.every((matches) => matches(row)));
}

function term(text: string, type: EntityType, search: string): (row: Json) => boolean {
  const colon = text.indexOf(":");
  const member = type.searchable?.find((one) => one.toLowerCase() === text.slice(0, colon).toLowerCase());
  if (colon < 0 || member === undefined) {
    throw invalidSearch(search);
  }
  const wanted = text.slice(colon + 1).toLowerCase();
  return (row) => {
    const value = String(row[member] ?? "").toLowerCase();
    return (
      value.startsWith(wanted) ||
      (member === "displayName" && value.split(/[\s'.@-]+/).some((word) => word.startsWith(wanted)))
    );
  };
}
