import type { Recording } from "../recording";
import {
  type EntityName,
  entities,
  LARGEST_BATCH,
  type MemberType,
  type Method,
  type Operation,
  paths,
} from "../tables/graph";
import {
  addressOf,
  audienceOf,
  exactly,
  headerComplaints,
  isMembers,
  membersOf,
  namesInFilter,
  optionComplaints,
  parsed,
} from "./common";

const ROOT = "/v1.0";

/** One request to Graph, alone or inside a batch, and what came back. */
export interface Exchange {
  method: string;
  /** Path below `/v1.0`, with its query. */
  path: string;
  body: unknown;
  status: number;
  answer: unknown;
}

/** What of a request to Graph, and of its answer, is not as the wire tables have it. */
export function graphComplaints(recording: Recording): string[] {
  const place = [
    ...(recording.path.startsWith(`${ROOT}/`) ? [] : [`the path ${recording.path} is not below ${ROOT}`]),
    ...(audienceOf(recording) === "https://graph.microsoft.com" ||
    audienceOf(recording) === "00000003-0000-0000-c000-000000000000"
      ? []
      : [`the token is for "${audienceOf(recording)}"`]),
    ...headerComplaints(recording, {}),
  ];
  return [
    ...place,
    ...(isBatch(recording) ? batchComplaints(recording) : graphExchanges(recording).flatMap(exchangeComplaints)),
  ];
}

/** The single requests a recording carries, with their answers. */
export function graphExchanges(recording: Recording): Exchange[] {
  const answer = parsed(recording.answer.body);
  const body = parsed(recording.body);
  if (!isBatch(recording)) {
    return [
      {
        method: recording.method,
        path: recording.path.slice(ROOT.length),
        body,
        status: recording.answer.status,
        answer,
      },
    ];
  }
  const responses = listOf(membersOf(answer).responses);
  return listOf(membersOf(body).requests).flatMap((request) => {
    const response = responses.find(({ id }) => id === request.id);
    return response === undefined
      ? []
      : [
          {
            method: String(request.method),
            path: String(request.url),
            body: request.body,
            status: Number(response.status),
            answer: response.body,
          },
        ];
  });
}

/** The row of the table that a path belongs to. */
export function templateOf(path: string): string | undefined {
  const given = addressOf(path).path.split("/");
  const fits = (template: string) => {
    const parts = template.split("/");
    return (
      parts.length === given.length &&
      parts.every((part, index) => (part.startsWith("{") ? (given[index] ?? "") !== "" : part === given[index]))
    );
  };
  const found = Object.keys(paths).filter(fits);
  return found.find((template) => !template.includes("{")) ?? found[0];
}

function isBatch({ path }: Recording): boolean {
  return path === `${ROOT}/$batch`;
}

function batchComplaints(recording: Recording): string[] {
  const body = parsed(recording.body);
  const requests = listOf(membersOf(body).requests);
  const ids = requests.map(({ id }) => id);
  const exchanges = graphExchanges(recording);
  return [
    ...(recording.method === "POST" ? [] : [`the method of a batch is ${recording.method}`]),
    ...exactly(body, "the batch", ["requests"]),
    ...(requests.length === 0 || requests.length > LARGEST_BATCH ? [`the batch has ${requests.length} requests`] : []),
    ...(new Set(ids).size === ids.length && ids.every((id) => typeof id === "string")
      ? []
      : ["ids are no distinct texts"]),
    ...requests.flatMap((request) => exactly(request, "a request of the batch", ["id", "method", "url"])),
    ...requests
      .filter(({ method }) => method !== "GET")
      .map(({ method }) => `${String(method)} writes and is in a batch`),
    ...(recording.answer.status === 200 && exchanges.length !== requests.length
      ? ["a request of the batch has no answer"]
      : []),
    ...exchanges.flatMap(exchangeComplaints).map((complaint) => `in the batch: ${complaint}`),
  ];
}

function exchangeComplaints(exchange: Exchange): string[] {
  const template = templateOf(exchange.path);
  const operation = template === undefined ? undefined : paths[template]?.[exchange.method as Method];
  if (operation === undefined) {
    return [`${exchange.method} ${addressOf(exchange.path).path} is unknown`];
  }
  return [
    ...queryComplaints(operation, exchange.path),
    ...bodyComplaints(operation, exchange.body),
    ...answerComplaints(operation, exchange),
  ];
}

function queryComplaints(operation: Operation, path: string): string[] {
  const { options } = addressOf(path);
  const { answer } = operation;
  const known =
    answer === "nothing" || "value" in answer ? {} : entities["entity" in answer ? answer.entity : answer.collection];
  const selected = options.get("$select")?.split(",") ?? [];
  const needsSelect = operation.query?.includes("$select") && !options.has("$select");
  return [
    ...optionComplaints(path, operation.query ?? []),
    ...(needsSelect ? ["$select is missing"] : []),
    ...selected.filter((name) => !(name in known)).map((name) => `the member ${name} is selected and unknown`),
    ...namesInFilter(options.get("$filter") ?? "")
      .filter((name) => !operation.filters?.includes(name))
      .map((name) => `the filter compares ${name}`),
  ];
}

function bodyComplaints(operation: Operation, body: unknown): string[] {
  if (operation.body === undefined) {
    return body === undefined ? [] : ["a body where there is none"];
  }
  if (!isMembers(body) || Object.keys(body).length === 0) {
    return ["the body is empty"];
  }
  return [
    ...(operation.needs ?? []).filter((name) => !(name in body)).map((name) => `the body has no ${name}`),
    ...entityComplaints(operation.body, body, "the body", true),
  ];
}

function answerComplaints({ status, answer: expected }: Operation, { status: given, answer }: Exchange): string[] {
  if (given >= 400) {
    const { code, message } = membersOf(membersOf(answer).error);
    return typeof code === "string" && typeof message === "string"
      ? []
      : [`an error ${given} without code and message`];
  }
  if (given !== status) {
    return [`the status is ${given} instead of ${status}`];
  }
  if (expected === "nothing") {
    return answer === undefined ? [] : ["an answer where there is none"];
  }
  if ("value" in expected) {
    return typeof membersOf(answer).value === expected.value ? [] : ["the answer has no value"];
  }
  if ("entity" in expected) {
    return entityComplaints(expected.entity, answer, "the answer", false);
  }
  const { value, ...rest } = membersOf(answer);
  return [
    ...exactly(rest, "the collection", ["@odata.context"], ["@odata.nextLink"]),
    ...(Array.isArray(value) ? [] : ["the collection has no value"]),
    ...listOf(value).flatMap((one) => entityComplaints(expected.collection, one, "the answer", false)),
  ];
}

function entityComplaints(name: EntityName, value: unknown, what: string, isSent: boolean): string[] {
  if (!isMembers(value)) {
    return [`${what} is no ${name}`];
  }
  return Object.entries(value)
    .filter(([member]) => !member.startsWith("@odata."))
    .flatMap(([member, one]) => {
      const known = entities[name][member];
      if (known === undefined) {
        return [`${what} has the unknown member ${member} of ${name}`];
      }
      if (isSent && !known.writable) {
        return [`${what} has ${member} of ${name}, which is never written`];
      }
      return one === null && known.clears ? [] : valueComplaints(known.type, one, `${what}: ${member}`, isSent);
    });
}

const enums: Record<string, readonly string[]> = {
  automaticRepliesStatus: ["disabled", "alwaysEnabled", "scheduled"],
  externalAudienceScope: ["none", "contactsOnly", "all"],
  delegateMeetingMessageDeliveryOptions: [
    "sendToDelegateAndInformationToPrincipal",
    "sendToDelegateAndPrincipal",
    "sendToDelegateOnly",
  ],
  userPurpose: ["unknown", "user", "linked", "shared", "room", "equipment", "others"],
  dayOfWeek: ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"],
  importance: ["low", "normal", "high"],
  sensitivity: ["normal", "personal", "private", "confidential"],
  messageActionFlag: [
    "any",
    "call",
    "doNotForward",
    "followUp",
    "fyi",
    "forward",
    "noResponseNecessary",
    "read",
    "reply",
    "replyToAll",
    "review",
  ],
};

function valueComplaints(type: MemberType, value: unknown, what: string, isSent: boolean): string[] {
  // Graph fills what is not set with null; a client that sends null means to clear something, which is never meant here.
  if (value === null) {
    return isSent ? [`${what} is null`] : [];
  }
  if (type === "string[]") {
    return Array.isArray(value) && value.every((one) => typeof one === "string") ? [] : [`${what} is no list of texts`];
  }
  if (type.endsWith("[]")) {
    const one = type.slice(0, -2) as MemberType;
    return Array.isArray(value)
      ? value.flatMap((element) => valueComplaints(one, element, what, isSent))
      : [`${what} is no list`];
  }
  if (type in entities) {
    return entityComplaints(type as EntityName, value, what, isSent);
  }
  const fits = type in enums ? enums[type]?.includes(String(value)) : isPlain(type, value);
  return fits ? [] : [`${what} is ${JSON.stringify(value)}, which is no ${type}`];
}

function isPlain(type: MemberType, value: unknown): boolean {
  switch (type) {
    case "integer":
      return Number.isInteger(value);
    case "boolean":
      return typeof value === "boolean";
    default:
      return typeof value === "string";
  }
}

function listOf(value: unknown): Record<string, unknown>[] {
  return Array.isArray(value) ? value.map(membersOf) : [];
}
