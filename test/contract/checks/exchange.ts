import { isDeepStrictEqual } from "node:util";
import type { Recording } from "../recording";
import {
  type Cmdlet,
  cmdlets,
  denied,
  filterable,
  LARGEST_BATCH,
  LARGEST_PAGE,
  type OutputProperty,
  outputs,
  type Parameter,
} from "../tables/exchange";
import {
  ADDRESS,
  addressOf,
  audienceOf,
  exactly,
  GUID,
  headerComplaints,
  isMembers,
  type Members,
  membersOf,
  namesInFilter,
  optionComplaints,
  parsed,
} from "./common";

const TENANT = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}";
const ORGANIZATION = "APP:SystemMailbox\\{bb558c35-97f1-4cb9-8ff7-d53741dc928c\\}";
const CALL = new RegExp(`^/adminapi/beta/${TENANT}/(InvokeCommand|\\$batch)$`);
/** The forms that public clients send: an application's, and a mailbox's by its sign-in name or address. */
const ANCHOR = new RegExp(`^(${ORGANIZATION}@${TENANT}|(UPN|SMTP):[^@]+@[^@]+)$`);
const PAGE = /^odata\.maxpagesize=(\d+)$/;

/** Writes that may be repeated without harm, which is why they may share a batch. */
const IN_BATCHES = [
  "Add-MailboxPermission",
  "Remove-MailboxPermission",
  "Add-RecipientPermission",
  "Remove-RecipientPermission",
  "Set-Mailbox",
  "Set-User",
  "Remove-Mailbox",
];

/** One cmdlet on its way, alone or inside a batch, and what came back. */
interface Invocation {
  path: string;
  headers: Record<string, string>;
  body: unknown;
  status: number;
  answer: unknown;
}

/** What of a request to the Exchange admin API, and of its answer, is not as the wire tables have it. */
export function exchangeComplaints(recording: Recording): string[] {
  const { path } = addressOf(recording.path);
  const [, kind] = CALL.exec(path) ?? [];
  const headers = headerComplaints(recording, {
    "connection-id": GUID,
    "x-clientapplication": /^pulumi-mailboxes\/\d/,
    "x-cmdletname": /^[A-Z$]/,
    "x-anchormailbox": ANCHOR,
    prefer: /^odata\./,
  });
  const place = [
    ...(recording.method === "POST" ? [] : [`the method is ${recording.method}; Exchange takes POST alone`]),
    ...(kind === undefined ? [`the path ${path} is unknown`] : []),
    ...(/^https:\/\/outlook\.office365\.com\/?$/.test(audienceOf(recording))
      ? []
      : [`the token is for "${audienceOf(recording)}"`]),
  ];
  const body = parsed(recording.body);
  const answer = parsed(recording.answer.body);
  const inner =
    kind === "$batch"
      ? batchComplaints(recording, body, answer)
      : invocationComplaints({
          path: recording.path,
          headers: recording.headers,
          body,
          status: recording.answer.status,
          answer,
        });
  return [...headers, ...place, ...inner, ...failureComplaints(recording)];
}

/** The cmdlets a request carries, with their parameters and what they select. */
export function cmdletsIn(recording: Recording): { name: string; parameters: Members; answer: unknown }[] {
  const body = membersOf(parsed(recording.body));
  const answer = membersOf(parsed(recording.answer.body));
  const one = (input: unknown, given: unknown) => {
    const { CmdletName: name, Parameters: parameters } = membersOf(membersOf(input).CmdletInput);
    return { name: String(name), parameters: membersOf(parameters), answer: given };
  };
  if (!Array.isArray(body.requests)) {
    return [one(body, answer)];
  }
  const responses = Array.isArray(answer.responses) ? answer.responses.map(membersOf) : [];
  return body.requests
    .map(membersOf)
    .map(({ id, body: input }) => one(input, responses.find((response) => response.id === id)?.body));
}

function batchComplaints(recording: Recording, body: unknown, answer: unknown): string[] {
  const requests = membersOf(body).requests;
  if (!Array.isArray(requests)) {
    return ["the batch has no requests"];
  }
  const responses = membersOf(answer).responses;
  const answered = Array.isArray(responses) ? responses.map(membersOf) : [];
  const ids = requests.map((request) => membersOf(request).id);
  const inner = requests.map((request) => membersOf(membersOf(membersOf(request).body).CmdletInput));
  const written = inner.filter(({ CmdletName: name }) => cmdlets[String(name)]?.kind !== "read");
  const identities = new Set(written.map(({ Parameters: given }) => membersOf(given).Identity));
  // Writes about one mailbox end at the first refusal; reads, and writes about different mailboxes, do not.
  const isOrdered = written.length > 0 && identities.size < written.length;
  const goesOn = recording.headers.prefer === "odata.continue-on-error";
  return [
    ...exactly(body, "the batch", ["requests"]),
    ...(requests.length > LARGEST_BATCH ? [`the batch has ${requests.length} requests`] : []),
    ...(new Set(ids).size === ids.length ? [] : ["two requests of the batch have the same id"]),
    ...(recording.headers["x-cmdletname"] === "$batch" ? [] : ["X-CmdletName of a batch is not $batch"]),
    ...(goesOn === !isOrdered
      ? []
      : [goesOn ? "ordered writes go on after a refusal" : "a batch would end at its first failure"]),
    ...requests.flatMap((request) => {
      const { id, method, url, headers, body: input } = membersOf(request);
      const response = answered.find((one) => one.id === id);
      const lowerCase = Object.fromEntries(
        Object.entries(membersOf(headers)).map(([name, value]) => [name.toLowerCase(), String(value)]),
      );
      return [
        ...exactly(request, "a request of the batch", ["id", "method", "url", "headers", "body"]),
        ...(typeof id === "string" ? [] : ["an id in the batch is no text"]),
        ...(method === "POST" ? [] : [`the method in the batch is ${String(method)}`]),
        ...(new RegExp(`^https?://${recording.headers.host}/`).test(String(url))
          ? []
          : [`the address in the batch is ${String(url)}, not a whole one of the same host`]),
        ...exactly(lowerCase, "headers in the batch", ["content-type", "x-cmdletname", "x-anchormailbox", "prefer"]),
        ...(response === undefined && recording.answer.status === 200 && goesOn
          ? [`request ${String(id)} has no answer`]
          : []),
        ...invocationComplaints({
          path: String(url),
          headers: lowerCase,
          body: input,
          status: Number(response?.status ?? recording.answer.status),
          answer: response?.body,
        }).map((complaint) => `in the batch: ${complaint}`),
      ];
    }),
    ...(written.length > 0 && written.length < inner.length ? ["reads and writes are in one batch"] : []),
    ...(isOrdered && identities.size > 1 ? ["several writes about several mailboxes are in one batch"] : []),
    ...written
      .map(({ CmdletName: name }) => String(name))
      .filter((name) => !IN_BATCHES.includes(name))
      .map((name) => `${name} is in a batch and may not be repeated`),
  ];
}

function invocationComplaints(call: Invocation): string[] {
  const { path, options } = addressOf(call.path);
  const envelope = [
    ...(CALL.exec(path)?.[1] === "InvokeCommand" ? [] : [`the path ${path} is unknown`]),
    ...exactly(call.body, "the body", ["CmdletInput"]),
    ...exactly(membersOf(call.body).CmdletInput, "CmdletInput", ["CmdletName", "Parameters"]),
  ];
  const input = membersOf(membersOf(call.body).CmdletInput);
  const name = String(input.CmdletName);
  const refused = denialsOf(name, membersOf(input.Parameters));
  const cmdlet = cmdlets[name];
  if (cmdlet === undefined) {
    return [...envelope, ...refused, `the cmdlet ${name} is unknown`];
  }
  const size = Number(PAGE.exec(call.headers.prefer ?? "")?.[1]);
  return [
    ...envelope,
    ...refused,
    ...(call.headers["x-cmdletname"] === name ? [] : [`X-CmdletName is ${call.headers["x-cmdletname"]}`]),
    ...(ANCHOR.test(call.headers["x-anchormailbox"] ?? "")
      ? []
      : [`X-AnchorMailbox of ${name} is ${call.headers["x-anchormailbox"]}`]),
    ...(size >= 1 && size <= LARGEST_PAGE ? [] : [`Prefer is ${call.headers.prefer}`]),
    ...(isMembers(input.Parameters)
      ? parameterComplaints(name, cmdlet, input.Parameters).map((text) => `${name}: ${text}`)
      : ["Parameters is not an object"]),
    ...selectComplaints(name, cmdlet, call.path, options.get("$select")),
    ...(call.status < 300 ? rowComplaints(name, cmdlet, options.get("$select"), call) : []),
  ];
}

function denialsOf(name: string, parameters: Members): string[] {
  const names = Object.keys(parameters).map((one) => one.toLowerCase());
  const [, archive] = Object.entries(parameters).find(([one]) => one === denied.disableMailboxOnlyWith) ?? [];
  return [
    ...denied.parameters
      .filter((one) => names.includes(one.toLowerCase()))
      .map((one) => `${name} -${one} is on the deny list`),
    ...(name === "Disable-Mailbox" && archive !== true ? ["Disable-Mailbox without Archive is on the deny list"] : []),
  ];
}

function parameterComplaints(name: string, cmdlet: Cmdlet, given: Members): string[] {
  const names = Object.keys(given);
  const known = Object.entries(cmdlet.parameters);
  const groups = cmdlet.selectors ?? [];
  const selectors = [...new Set(groups.flat())].filter((one) => names.includes(one));
  const isList = cmdlet.parameters.ResultSize !== undefined && !names.includes("Identity");
  return [
    ...names.filter((one) => cmdlet.parameters[one] === undefined).map((one) => `the parameter ${one} is unknown`),
    ...known.filter(([one, { always }]) => always && !names.includes(one)).map(([one]) => `${one} is missing`),
    ...known
      .filter(([one]) => names.includes(one))
      .flatMap(([one, parameter]) => valueComplaints(one, parameter, given[one])),
    ...(cmdlet.selectors === undefined ||
    groups.some((group) => isDeepStrictEqual([...group].sort(), [...selectors].sort()))
      ? []
      : [`${selectors.join(" and ") || "nothing"} says which objects are meant; without one it means every object`]),
    ...(isList && !names.includes("ResultSize") ? ["a list without ResultSize may be cut short"] : []),
    ...(cmdlet.together ?? [])
      .map((group) => ({ group, given: group.filter((one) => names.includes(one)) }))
      .filter(({ group, given: some }) => some.length > 0 && some.length < group.length)
      .map(({ group, given: some }) => `${some.join(", ")} without the rest of ${group.join(", ")}`),
    ...Object.entries(cmdlet.beside ?? {})
      .filter(([one]) => names.includes(one))
      .flatMap(([one, others]) =>
        others.filter((other) => !names.includes(other)).map((other) => `${one} without ${other}`),
      ),
    ...(cmdlet.changes && names.length < 2 ? ["nothing is changed"] : []),
    ...(commonSets(cmdlet, names)?.length === 0 ? [`${names.join(", ")} fit into no parameter set together`] : []),
    ...(typeof given.Filter === "string" ? filterComplaints(name, given.Filter) : []),
  ];
}

/** The parameter sets that all given parameters belong to; undefined for all sets. */
export function commonSets(cmdlet: Pick<Cmdlet, "parameters">, names: readonly string[]): string[] | undefined {
  return names.reduce<string[] | undefined>((common, name) => {
    const sets = cmdlet.parameters[name]?.sets;
    return sets === undefined ? common : common === undefined ? [...sets] : common.filter((set) => sets.includes(set));
  }, undefined);
}

function valueComplaints(name: string, { type, clears, blank, only }: Parameter, value: unknown): string[] {
  if (only !== undefined && !isDeepStrictEqual(only, value)) {
    return [`${name} is ${JSON.stringify(value)}; only ${JSON.stringify(only)} is meant`];
  }
  if ((value === null && clears) || (value === "" && blank)) {
    return [];
  }
  const isFilled = typeof value === "string" && value.trim() !== "";
  const fits: Record<Parameter["type"], () => boolean> = {
    String: () => isFilled,
    Boolean: () => typeof value === "boolean",
    SwitchParameter: () => typeof value === "boolean",
    Unlimited: () => value === "Unlimited" || Number.isInteger(value),
    SmtpAddress: () => typeof value === "string" && ADDRESS.test(value),
    ProxyAddress: () => typeof value === "string" && isProxyAddress(value),
    ProxyAddressCollection: () => isListOrChange(value, isProxyAddress),
    MultiValuedProperty: () => isListOrChange(value, (one) => one.trim() !== ""),
    // Identities go by id alone: a name or an address can be another object's by the time it is looked up.
    MailboxIdParameter: () => typeof value === "string" && GUID.test(value),
    RecipientIdParameter: () => typeof value === "string" && GUID.test(value),
    SecurityPrincipalIdParameter: () => typeof value === "string" && GUID.test(value),
    GeneralMailboxOrMailUserIdParameter: () => typeof value === "string" && GUID.test(value),
    UserIdParameter: () => typeof value === "string" && GUID.test(value),
    // Plans have no id that rows of mailboxes carry.
    MailboxPlanIdParameter: () => isFilled,
    // All digits of a number that JavaScript cannot hold; a name may be another rule's.
    InboxRuleIdParameter: () => typeof value === "string" && /^\d{1,20}$/.test(value),
    "RecipientIdParameter[]": () => isListOrChange(value, (one) => ADDRESS.test(one)),
    Int32: () => Number.isInteger(value),
    "RecipientTypeDetails[]": () => isListOrChange(value, (one) => /^[A-Z]\w+$/.test(one)),
    ConvertibleMailboxSubType: () => isFilled,
    OofState: () => ["Disabled", "Enabled", "Scheduled"].includes(String(value)),
    ExternalAudience: () => ["None", "Known", "All"].includes(String(value)),
    // To the second and in UTC, so that no place's own time is read into it.
    DateTime: () => typeof value === "string" && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(value),
    CultureInfo: () => typeof value === "string" && /^[a-z]{2,3}(?:-[A-Z][a-z]{3})?-[A-Z]{2}$/.test(value),
    ExTimeZoneValue: () => isFilled,
    "MailboxRights[]": () => Array.isArray(value) && value.length > 0 && value.every((one) => typeof one === "string"),
    ActiveDirectorySecurityInheritance: () => isFilled,
  };
  if (type.endsWith("IdParameter") && !isFilled) {
    return [`${name} is empty`];
  }
  return fits[type]() ? [] : [`${name} is ${JSON.stringify(value)}, which is no ${type}`];
}

function isProxyAddress(text: string): boolean {
  const [, prefix, address = ""] = /^([A-Za-z0-9]+):(.+)$/.exec(text) ?? [];
  return prefix !== undefined && (!/^smtp$/i.test(prefix) || ADDRESS.test(address));
}

/** A whole list, or an object tagged for the service's binder that adds and removes. */
function isListOrChange(value: unknown, fits: (text: string) => boolean): boolean {
  const isList = (list: unknown) =>
    Array.isArray(list) && list.length > 0 && list.every((one) => typeof one === "string" && fits(one));
  if (!isMembers(value)) {
    return isList(value);
  }
  const { "@odata.type": tag, ...changes } = value;
  const names = Object.keys(changes);
  return (
    tag === "#Exchange.GenericHashTable" &&
    names.length > 0 &&
    names.every((name) => ["Add", "Remove"].includes(name) && isList(changes[name]))
  );
}

function filterComplaints(name: string, filter: string): string[] {
  const known: readonly string[] = filterable[name as keyof typeof filterable] ?? [];
  const names = namesInFilter(filter);
  return [
    ...names.filter((one) => !known.includes(one)).map((one) => `the filter compares ${one}`),
    // Somebody may be meant by one of several: an id, a SID of now or of before. A literal has no apostrophe that is not doubled.
    ...filter.split(/ -or (?=\w+ -eq ')/).flatMap(comparisonComplaints),
  ];
}

function comparisonComplaints(comparison: string): string[] {
  const [, property = "", literal = ""] = /^(\w+) -eq '((?:[^']|'')*)'$/.exec(comparison) ?? [];
  return [
    ...(property === "" ? [`the filter ${comparison} is not a comparison`] : []),
    ...(literal === "" ? ["the filter compares with nothing"] : []),
    ...(property === "EmailAddresses" && /^smtp:/i.test(literal) ? ["-eq takes an address without its prefix"] : []),
  ];
}

function selectComplaints(name: string, cmdlet: Cmdlet, path: string, select: string | undefined): string[] {
  const known = cmdlet.output === undefined ? [] : Object.keys(outputs[cmdlet.output].properties);
  const names = select?.split(",") ?? [];
  return [
    ...optionComplaints(path, ["$select", "$skiptoken"]),
    ...(cmdlet.selects && select === undefined ? [`${name} asks for every property`] : []),
    ...names.filter((one) => !known.includes(one)).map((one) => `${name} selects the unknown property ${one}`),
    ...(new Set(names).size === names.length ? [] : [`${name} selects a property twice`]),
  ];
}

function rowComplaints(name: string, cmdlet: Cmdlet, select: string | undefined, { answer, status }: Invocation) {
  const envelope = [
    ...(status === 200 || (status === 204 && cmdlet.output === undefined) ? [] : [`${name} answered ${status}`]),
    ...(answer === undefined
      ? []
      : exactly(
          answer,
          `the answer of ${name}`,
          ["@odata.context", "@adminapi.warnings"],
          ["adminapi.warnings@odata.type", "value", "@odata.nextLink"],
        )),
  ];
  const { value, "@adminapi.warnings": warnings } = membersOf(answer);
  if (warnings !== undefined && !(Array.isArray(warnings) && warnings.every((one) => typeof one === "string"))) {
    envelope.push(`the warnings of ${name} are no list of texts`);
  }
  if (value === undefined) {
    return envelope;
  }
  if (cmdlet.output === undefined || !Array.isArray(value)) {
    return [...envelope, `${name} answered with ${Array.isArray(value) ? "rows" : "a value that is no list"}`];
  }
  const { properties } = outputs[cmdlet.output];
  const read = select?.split(",") ?? Object.keys(properties);
  return [
    ...envelope,
    ...value.flatMap((row) => {
      const members = membersOf(row);
      return [
        ...read.flatMap((one) => propertyComplaints(`${name} ${one}`, properties[one], members, one)),
        ...(select === undefined
          ? []
          : Object.keys(members)
              .filter((one) => !one.includes("@") && !read.includes(one))
              .map((one) => `${name} answered with ${one}, which was not selected`)),
      ];
    }),
  ];
}

function propertyComplaints(what: string, property: OutputProperty | undefined, row: Members, name: string): string[] {
  const value = row[name];
  if (property === undefined || (value === undefined && property.optional)) {
    return [];
  }
  if (value === undefined) {
    return [`${what} is missing in the answer`];
  }
  if (value === null) {
    return property.nullable ? [] : [`${what} is null in the answer`];
  }
  const fits = {
    "Edm.String": () => typeof value === "string",
    "Edm.Guid": () => typeof value === "string" && GUID.test(value),
    "Edm.Boolean": () => typeof value === "boolean",
    "Edm.Int32": () => Number.isInteger(value),
    "Edm.Int64": () => Number.isInteger(value),
    "Edm.DateTimeOffset": () => typeof value === "string" && !Number.isNaN(Date.parse(value)),
    "Collection(Edm.String)": () => Array.isArray(value) && value.every((one) => typeof one === "string"),
  };
  const isTagged = !Array.isArray(value) || row[`${name}@odata.type`] === "#Collection(String)";
  return [
    ...(fits[property.type]()
      ? []
      : [`${what} is ${JSON.stringify(value)} in the answer, which is no ${property.type}`]),
    ...(isTagged ? [] : [`${what} has no type beside it in the answer`]),
  ];
}

/** An error is told in Exchange's shape; a missing role in NUL bytes. */
function failureComplaints({ answer }: Recording): string[] {
  if (answer.status < 400) {
    return [];
  }
  const isUnauthenticated = answer.status === 401 && answer.body === "";
  const isForbidden = answer.status === 403 && answer.body.replaceAll("\0", "") === "";
  const error = membersOf(membersOf(parsed(answer.body)).error);
  return isUnauthenticated || isForbidden || (typeof error.code === "string" && typeof error.message === "string")
    ? []
    : [`an error ${answer.status} without code and message`];
}
