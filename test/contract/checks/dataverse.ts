import type { Recording } from "../recording";
import { type Column, forwardMailbox, functions, outcomes, type Table, tables } from "../tables/dataverse";
import {
  addressOf,
  audienceOf,
  exactly,
  GUID,
  headerComplaints,
  isMembers,
  membersOf,
  namesInFilter,
  optionComplaints,
  parsed,
} from "./common";

const ROOT = "/api/data/v9.2/";
const ETAG = /^W\/"[^"]+"$/;

type Action = Table["methods"][number];

/** What of a request to Dataverse, and of its answer, is not as the wire tables have it. */
export function dataverseComplaints(recording: Recording): string[] {
  const { path } = addressOf(recording.path);
  const conditions = { "if-match": /^(?:\*|W\/"[^"]+")$/, "if-none-match": /^(?:\*|null)$/ };
  const common = [
    ...headerComplaints(recording, { "odata-version": /^4\.0$/, "odata-maxversion": /^4\.0$/ }, conditions),
    // The environment's own origin, here the one the request was sent to.
    ...(audienceOf(recording) === `http://${recording.headers.host}`
      ? []
      : [`the token is for "${audienceOf(recording)}"`]),
    ...(recording.answer.headers["odata-version"] === "4.0" ? [] : ["the answer has no OData-Version"]),
    ...failureComplaints(recording),
  ];
  const [, set = "", key] = /^\/api\/data\/v9\.2\/(\w+)(?:\(([^()]*)\))?$/.exec(path) ?? [];
  const answered = functions[set];
  if (answered !== undefined && key === undefined) {
    return [...common, ...functionComplaints(recording, answered)];
  }
  const table = tables[set];
  if (table === undefined) {
    return [...common, path.startsWith(ROOT) ? `the path ${path} is unknown` : `${path} is not below ${ROOT}`];
  }
  const action = actionOf(recording, key);
  if (action === undefined || !table.methods.includes(action)) {
    return [...common, `${recording.method} on ${set}${key === undefined ? "" : "(…)"} is never meant`];
  }
  return [
    ...common,
    ...(key === undefined || GUID.test(key) ? [] : [`the key ${key} is no id`]),
    ...conditionComplaints(recording, action),
    ...queryComplaints(recording, table, action),
    ...bodyComplaints(recording, set, table, action),
    ...answerComplaints(recording, set, table, action),
  ];
}

/** The columns a request sends, each by its own name. */
export function columnsIn({ body }: Recording): string[] {
  return Object.keys(membersOf(parsed(body))).map((name) => name.replace(/@odata\.bind$/, ""));
}

function actionOf({ method, headers }: Recording, key: string | undefined): Action | undefined {
  if (key === undefined) {
    return method === "GET" ? "LIST" : undefined;
  }
  const actions: Record<string, Action> = {
    GET: "GET",
    DELETE: "DELETE",
    PATCH: headers["if-none-match"] === "*" ? "CREATE" : "UPDATE",
  };
  return actions[method];
}

/** A PATCH with neither condition makes a row where there is none; reads keep caches out. */
function conditionComplaints({ headers }: Recording, action: Action): string[] {
  const match = headers["if-match"];
  const noneMatch = headers["if-none-match"];
  switch (action) {
    case "CREATE":
      return match === undefined ? [] : ["a create has If-Match"];
    case "UPDATE":
      return [
        ...(match === undefined ? ["an update without If-Match would make the row where there is none"] : []),
        ...(noneMatch === undefined ? [] : [`an update has If-None-Match: ${noneMatch}`]),
      ];
    case "DELETE":
      return noneMatch === undefined ? [] : [`a delete has If-None-Match: ${noneMatch}`];
    default:
      return [
        ...(match === undefined ? [] : ["a read has If-Match"]),
        ...(noneMatch === "null" ? [] : ["a read has no If-None-Match: null"]),
      ];
  }
}

function queryComplaints({ path }: Recording, table: Table, action: Action): string[] {
  const { options } = addressOf(path);
  const isRead = action === "GET" || action === "LIST";
  const known = action === "LIST" ? ["$select", "$filter", "$skiptoken"] : isRead ? ["$select"] : [];
  return [
    ...optionComplaints(path, known),
    ...(isRead && !options.has("$select") ? ["$select is missing: images and synchronisation state would travel"] : []),
    ...selectedIn(path)
      .filter((name) => columnRead(table, name) === undefined)
      .map((name) => `the column ${name} is selected and unknown`),
    ...namesInFilter(options.get("$filter") ?? "")
      .filter((name) => !table.filters.includes(name))
      .map((name) => `the filter compares ${name}`),
  ];
}

function selectedIn(path: string): string[] {
  return addressOf(path).options.get("$select")?.split(",") ?? [];
}

/** A column by the name under which it is read: lookups as `_name_value`. */
function columnRead(table: Table, name: string): Column | undefined {
  const [, lookup] = /^_(\w+)_value$/.exec(name) ?? [];
  const column = table.columns[lookup ?? name];
  const isReadSo = (column?.type === "lookup") === (lookup !== undefined) && column?.read !== false;
  return isReadSo ? column : undefined;
}

function bodyComplaints({ body: text }: Recording, set: string, table: Table, action: Action): string[] {
  if (action !== "CREATE" && action !== "UPDATE") {
    return text === "" ? [] : ["a body where there is none"];
  }
  const body = parsed(text);
  if (!isMembers(body) || Object.keys(body).length === 0) {
    return ["the body is empty"];
  }
  const isCreate = action === "CREATE";
  return [
    ...(isCreate ? table.needs.filter((name) => !(name in body)).map((name) => `a new row has no ${name}`) : []),
    ...Object.entries(body).flatMap(([name, value]) => {
      const [, bound] = /^(\w+)@odata\.bind$/.exec(name) ?? [];
      const [column, definition] =
        Object.entries(table.columns).find(([one, { binds }]) =>
          bound === undefined ? one === name : Object.values(binds ?? {}).includes(bound),
        ) ?? [];
      if (column === undefined || definition === undefined) {
        return [`the column ${name} is unknown`];
      }
      const mayBe = isCreate ? definition.create : definition.update;
      return [
        ...(mayBe ? [] : [`the column ${column} is not taken in ${isCreate ? "a create" : "an update"}`]),
        ...(outcomes.some((one) => one === column) ? [`the column ${column} is written by Dynamics alone`] : []),
        ...(definition.sent ? [] : [`the column ${column} is never sent`]),
        ...(isCreate && set === "mailboxes" && forwardMailbox[column]?.includes(Number(value)) === false
          ? [`a forward mailbox does not take ${column} ${String(value)}`]
          : []),
        ...(bound === undefined
          ? valueComplaints(column, definition, value)
          : bindComplaints(column, definition, bound, value)),
      ];
    }),
  ];
}

function bindComplaints(name: string, { binds, nullable }: Column, navigation: string, value: unknown): string[] {
  const [, set = "", id = ""] = /^\/(\w+)\(([^()]+)\)$/.exec(String(value)) ?? [];
  return (value === null && nullable) || (binds?.[set] === navigation && GUID.test(id))
    ? []
    : [`${name} is bound to ${JSON.stringify(value)}`];
}

function valueComplaints(name: string, { type, length, nullable }: Column, value: unknown): string[] {
  if (value === null) {
    return nullable ? [] : [`${name} is null`];
  }
  const fits =
    typeof type === "object"
      ? type.choice.includes(Number(value)) && typeof value === "number"
      : type === "boolean"
        ? typeof value === "boolean"
        : type === "integer"
          ? Number.isInteger(value)
          : typeof value === "string" && textFits(type, value);
  return [
    ...(fits
      ? []
      : [`${name} is ${JSON.stringify(value)}, which is no ${typeof type === "object" ? "choice of it" : type}`]),
    ...(length !== undefined && String(value).length > length ? [`${name} is longer than ${length}`] : []),
  ];
}

function textFits(type: "guid" | "string" | "datetime" | "lookup", value: string): boolean {
  switch (type) {
    case "string":
      return true;
    case "datetime":
      return /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(value);
    default:
      return GUID.test(value);
  }
}

function answerComplaints(recording: Recording, set: string, table: Table, action: Action): string[] {
  const { status, headers, body } = recording.answer;
  if (status >= 400) {
    return [];
  }
  if (action === "CREATE" || action === "UPDATE" || action === "DELETE") {
    return [
      ...(status === 204 && body === "" ? [] : [`${action} answered ${status} instead of 204`]),
      ...(action === "CREATE" && /\/(\w+)\([0-9a-f-]+\)$/i.exec(headers["odata-entityid"] ?? "")?.[1] !== set
        ? ["the answer to a create does not say which row it made"]
        : []),
    ];
  }
  const selected = selectedIn(recording.path);
  const answer = membersOf(parsed(body));
  if (action === "GET") {
    return [
      ...(status === 200 ? [] : [`GET answered ${status} instead of 200`]),
      ...rowComplaints(table, answer, selected, ["@odata.context"]),
    ];
  }
  const { value, ...rest } = answer;
  return [
    ...(status === 200 ? [] : [`LIST answered ${status} instead of 200`]),
    ...exactly(rest, "the list", ["@odata.context"], ["@odata.nextLink"]),
    ...(Array.isArray(value) ? value.flatMap((row) => rowComplaints(table, row, selected)) : ["the list has no value"]),
  ];
}

function rowComplaints(table: Table, row: unknown, selected: string[], beside: string[] = []): string[] {
  // The key comes even when it is not asked for.
  const columns = [...new Set([...selected, table.key])];
  const members = membersOf(row);
  return [
    ...exactly(row, "the row", ["@odata.etag", ...beside, ...columns]),
    ...(ETAG.test(String(members["@odata.etag"])) ? [] : ["the row's etag is none"]),
    ...columns.flatMap((name) => {
      const column = columnRead(table, name);
      return column === undefined ? [] : valueComplaints(`${name} in the answer`, column, members[name]);
    }),
  ];
}

function functionComplaints({ method, path, headers, answer }: Recording, members: readonly string[]): string[] {
  const body = membersOf(parsed(answer.body));
  return [
    ...(method === "GET" ? [] : [`the method is ${method}`]),
    ...(headers["if-none-match"] === "null" ? [] : ["a read has no If-None-Match: null"]),
    ...optionComplaints(path, []),
    ...(answer.status >= 400 ? [] : exactly(body, "the answer", ["@odata.context", ...members])),
    ...(answer.status >= 400
      ? []
      : members.filter((name) => !GUID.test(String(body[name]))).map((name) => `${name} in the answer is no id`)),
  ];
}

function failureComplaints({ answer }: Recording): string[] {
  const { code, message } = membersOf(membersOf(parsed(answer.body)).error);
  const isWhole = typeof code === "string" && /^(?:0x[0-9a-f]{8})?$/i.test(code) && typeof message === "string";
  // The gateway before Dataverse refuses a missing or expired token itself, with no body.
  const isGateway = answer.status === 401 && answer.body === "";
  return answer.status < 400 || isWhole || isGateway ? [] : [`an error ${answer.status} without code and message`];
}
