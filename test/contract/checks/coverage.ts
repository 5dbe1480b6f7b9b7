import type { Recording } from "../recording";
import { tables } from "../tables/dataverse";
import { cmdlets, denied, filterable, outputs } from "../tables/exchange";
import { type EntityName, entities, type Method, paths } from "../tables/graph";
import { addressOf, isMembers, membersOf, namesInFilter, parsed } from "./common";
import { columnsIn } from "./dataverse";
import { cmdletsIn } from "./exchange";
import { graphExchanges, templateOf } from "./graph";

/** Every row of the wire tables that stands for something the provider sends: what is in no request is in vain there. */
export function sendableRows(): string[] {
  return [
    ...Object.entries(cmdlets).flatMap(([name, { parameters }]) => [
      name,
      ...Object.keys(parameters).map((parameter) => `${name} -${parameter}`),
    ]),
    ...Object.entries(filterable).flatMap(([name, properties]) => properties.map((one) => `${name} filter ${one}`)),
    ...Object.entries(cmdlets).flatMap(([name, { selects, output }]) =>
      selects && output !== undefined
        ? Object.keys(outputs[output].properties).map((one) => `${name} selects ${one}`)
        : [],
    ),
    ...Object.entries(paths).flatMap(([path, methods]) => Object.keys(methods).map((method) => `${method} ${path}`)),
    ...(Object.keys(entities) as EntityName[]).flatMap((entity) =>
      Object.entries(entities[entity])
        .filter(([, { writable }]) => writable)
        .map(([member]) => `${entity}.${member}`),
    ),
    ...Object.entries(tables).flatMap(([set, { columns, methods, filters }]) => [
      ...methods.map((method) => `${method} ${set}`),
      ...filters.map((name) => `${set} filter ${name}`),
      ...Object.entries(columns)
        .filter(([, { sent }]) => sent)
        .map(([column]) => `${set}.${column}`),
    ]),
  ];
}

/** The rows of {@link sendableRows} that some requests use. */
export function rowsUsed(recordings: readonly Recording[]): Set<string> {
  return new Set(recordings.flatMap(usedBy));
}

/** The parameters that are never to be seen. Of `Disable-Mailbox` the table itself takes no call without `Archive`. */
export const neverUsed: readonly string[] = denied.parameters;

function usedBy(recording: Recording): string[] {
  switch (recording.part) {
    case "exchange":
      return usedByExchange(recording);
    case "graph":
      return graphExchanges(recording).flatMap(({ method, path, body }) => {
        const template = templateOf(path) ?? "";
        const entity = paths[template]?.[method as Method]?.body;
        return [`${method} ${template}`, ...(entity === undefined ? [] : membersSent(entity, body))];
      });
    case "dataverse":
      return usedByDataverse(recording);
    default:
      return [];
  }
}

function usedByExchange(recording: Recording): string[] {
  const requests = membersOf(parsed(recording.body)).requests;
  const addresses = Array.isArray(requests) ? requests.map((one) => String(membersOf(one).url)) : [recording.path];
  return cmdletsIn(recording).flatMap(({ name, parameters }, index) => [
    name,
    ...Object.keys(parameters).map((parameter) => `${name} -${parameter}`),
    ...namesInFilter(String(parameters.Filter ?? "")).map((one) => `${name} filter ${one}`),
    ...(addressOf(addresses[index] ?? "").options.get("$select") ?? "")
      .split(",")
      .map((one) => `${name} selects ${one}`),
  ]);
}

function membersSent(entity: EntityName, body: unknown): string[] {
  return Object.entries(membersOf(body)).flatMap(([member, value]) => {
    const type = entities[entity][member]?.type.replace("[]", "");
    const inner = type !== undefined && type in entities ? [value].flat().filter(isMembers) : [];
    return [`${entity}.${member}`, ...inner.flatMap((one) => membersSent(type as EntityName, one))];
  });
}

function usedByDataverse(recording: Recording): string[] {
  const { path, options } = addressOf(recording.path);
  const [, set = "", key] = /^\/api\/data\/v9\.2\/(\w+)(\(.*\))?$/.exec(path) ?? [];
  const write = recording.headers["if-none-match"] === "*" ? "CREATE" : "UPDATE";
  const method =
    recording.method === "PATCH" ? write : recording.method === "GET" && key === undefined ? "LIST" : recording.method;
  return [
    `${method} ${set}`,
    ...namesInFilter(options.get("$filter") ?? "").map((name) => `${set} filter ${name}`),
    ...columnsIn(recording).map((column) => `${set}.${column}`),
  ];
}
