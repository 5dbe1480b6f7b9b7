import { names } from "../values";
import {
  emptyParameter,
  missingParameter,
  notAMember,
  notConvertible,
  notSimulated,
  parametersDoNotGoTogether,
  unknownParameter,
  untypedObject,
} from "./errors";
import { parseDays, parseSize } from "./format";

/** A multi-valued parameter: the whole list, or what to add to and remove from it. */
export type ListChange = { replace: string[] } | { add: string[]; remove: string[] };

/** What a parameter takes. `names` are the type names Microsoft's reference uses for it. */
export interface ParameterType {
  readonly kind: string;
  readonly names: readonly string[];
  readonly members?: readonly string[];
  readonly bind: (parameter: string, value: unknown) => unknown;
}

/** One parameter of a cmdlet: its type, whether it must be there, and the parameter sets it belongs to (none named = all). */
export interface Parameter {
  readonly type: ParameterType;
  readonly required: boolean;
  readonly sets: readonly string[] | undefined;
}

/** A cmdlet's parameters. `refused` are known to the service and not simulated: a request with one is refused by name. */
export interface CmdletShape {
  readonly parameters: Readonly<Record<string, Parameter>>;
  readonly refused: readonly string[];
}

function convertible(names: readonly string[], kind: string, convert: (value: unknown) => unknown): ParameterType {
  return {
    kind,
    names,
    bind(parameter, value) {
      const converted = convert(value);
      if (converted === undefined) {
        throw notConvertible(parameter, value, names[0] ?? kind);
      }
      return converted;
    },
  };
}

function textOf(value: unknown): string | null | undefined {
  if (value === null || typeof value === "string") {
    return value;
  }
  return typeof value === "number" || typeof value === "boolean" ? String(value) : undefined;
}

/** Text; JSON null clears it. */
export const text = convertible(["String", "CultureInfo", "ExTimeZoneValue"], "text", textOf);

/** An object's identity in any of the forms the service takes. */
export const identity = convertible(
  names(`
    MailboxIdParameter RecipientIdParameter UserIdParameter GeneralMailboxOrMailUserIdParameter
    SecurityPrincipalIdParameter InboxRuleIdParameter AcceptedDomainIdParameter
    HostedOutboundSpamFilterPolicyIdParameter MailboxPlanIdParameter RoleAssigneeIdParameter
    GeneralRecipientIdParameter
  `),
  "identity",
  textOf,
);

/** An SMTP address, with or without prefix. */
export const address = convertible(["SmtpAddress", "ProxyAddress", "WindowsLiveId"], "address", textOf);

/** PowerShell's Boolean: true, false, or a number; the texts "true" and "false" are refused. */
export const flag = convertible(["Boolean", "System.Boolean"], "flag", (value) => {
  if (typeof value === "boolean") {
    return value;
  }
  return typeof value === "number" ? value !== 0 : undefined;
});

/** A Boolean that may also be null. */
export const nullableFlag: ParameterType = {
  ...flag,
  bind: (parameter, value) => (value === null ? null : flag.bind(parameter, value)),
};

/** A switch: JSON true or false. */
export const toggle = convertible(["SwitchParameter"], "toggle", (value) =>
  typeof value === "boolean" ? value : undefined,
);

/** A whole number, also as text. */
export const integer = convertible(["Int32"], "integer", (value) => {
  const number = typeof value === "string" && value.trim() !== "" ? Number(value) : value;
  return typeof number === "number" && Number.isInteger(number) ? number : undefined;
});

/** A number of results or recipients, or "unlimited". */
export const countOrUnlimited = convertible(["Unlimited"], "count", (value) => {
  if (typeof value === "string" && /^unlimited$/i.test(value)) {
    return "unlimited";
  }
  const number = typeof value === "string" && value.trim() !== "" ? Number(value) : value;
  return typeof number === "number" && Number.isInteger(number) && number >= 0 ? number : undefined;
});

/** Bytes, `49.5GB`, or "unlimited". */
export const size = convertible(["Unlimited", "ByteQuantifiedSize"], "size", (value) =>
  typeof value === "string" || typeof value === "number" ? parseSize(value) : undefined,
);

/** A timespan of whole days, or "unlimited". */
export const daysOrUnlimited = convertible(["Unlimited", "EnhancedTimeSpan"], "days", (value) => {
  if (typeof value === "string" && /^unlimited$/i.test(value)) {
    return "unlimited";
  }
  return typeof value === "string" || typeof value === "number" ? parseDays(value) : undefined;
});

/** A date and time, bound as ISO 8601 in UTC; a value with no offset is read as UTC. */
export const instant = convertible(["DateTime", "ExDateTime"], "instant", (value) => {
  if (typeof value !== "string") {
    return undefined;
  }
  const zoned = /(?:[zZ]|[+-]\d\d:?\d\d)$/.test(value) || !/\d:\d/.test(value) ? value : `${value}Z`;
  const time = Date.parse(zoned);
  return Number.isNaN(time) ? undefined : new Date(time).toISOString();
});

/** A multi-valued parameter: a value, an array (overwrites), or a tagged object with Add and Remove. */
export const list: ParameterType = {
  kind: "list",
  names: ["MultiValuedProperty", "ProxyAddressCollection", "String[]", "RecipientIdParameter[]"],
  bind: bindList,
};

/** One member of an enumeration, compared without case; the beginning of a member will do. */
export function oneOf(typeName: string, ...members: string[]): ParameterType {
  return {
    kind: "choice",
    names: [typeName],
    members,
    bind: (parameter, value) => memberOf(parameter, value, typeName, members),
  };
}

/** Several members of an enumeration; one text may hold several, joined by commas. */
export function someOf(typeName: string, ...members: string[]): ParameterType {
  return {
    kind: "choices",
    names: [`${typeName}[]`, typeName, "MultiValuedProperty"],
    members,
    bind(parameter, value) {
      const values = Array.isArray(value) ? value : [value];
      return values
        .flatMap((each) => (typeof each === "string" ? each.split(",").map((part) => part.trim()) : [each]))
        .map((each) => memberOf(parameter, each, typeName, members));
    },
  };
}

function memberOf(parameter: string, value: unknown, typeName: string, members: readonly string[]): string {
  // @observed exchange.wrong-enumeration: A wrong enumeration value answers
  // AdminApi.CommandInvocation.ParameterTransformationException, its text in internalexception only [graph2otel wire captures]
  // @observed exchange.enumeration-beginning: The beginning of an enumeration's member is taken for the member [graph2otel wire
  // captures: File matched FileTypeBlock]
  if (typeof value !== "string") {
    throw notConvertible(parameter, value, typeName);
  }
  const wanted = value.toLowerCase();
  const beginning = members.filter((each) => wanted !== "" && each.toLowerCase().startsWith(wanted));
  // A beginning that only one member has is that member.
  const member =
    beginning.find((each) => each.toLowerCase() === wanted) ?? (beginning.length === 1 ? beginning[0] : undefined);
  if (member === undefined) {
    throw notAMember(parameter, value, typeName, members);
  }
  return member;
}

function bindList(parameter: string, value: unknown): ListChange {
  // @observed exchange.multivalued-object: An object without @odata.type for a multi-valued parameter is a binding error; the tag
  // alone is an empty list [CIPP ConvertTo-CIPPExoHashtable]
  if (value === null || typeof value === "string" || Array.isArray(value)) {
    return { replace: textsOf(parameter, value) };
  }
  if (typeof value !== "object" || value === undefined) {
    throw notConvertible(parameter, value, "MultiValuedProperty");
  }
  const entries = Object.entries(value).map(([key, each]) => [key.toLowerCase(), each] as const);
  const tag = entries.find(([key]) => key === "@odata.type")?.[1];
  if (typeof tag !== "string" || !/^#?Exchange\.GenericHashTable$/i.test(tag)) {
    throw untypedObject(parameter);
  }
  const given = entries.filter(([key]) => !key.includes("@"));
  if (given.length === 0) {
    return { replace: [] };
  }
  const change: { add: string[]; remove: string[] } = { add: [], remove: [] };
  for (const [key, each] of given) {
    if (key !== "add" && key !== "remove") {
      throw notConvertible(parameter, value, "MultiValuedProperty");
    }
    change[key].push(...textsOf(parameter, each));
  }
  return change;
}

function textsOf(parameter: string, value: unknown): string[] {
  if (value === null) {
    return [];
  }
  return (Array.isArray(value) ? value : [value]).map((each) => {
    if (typeof each !== "string") {
      throw notConvertible(parameter, each, "String");
    }
    return each;
  });
}

/** The parameters of one call, bound to their types. Getters answer undefined for a parameter that was not given. */
export class Bound {
  readonly #values: ReadonlyMap<string, unknown>;

  constructor(values: ReadonlyMap<string, unknown>) {
    this.#values = values;
  }

  has(name: string): boolean {
    return this.#values.has(name);
  }

  /** The value as its parameter's type binds it. */
  value(name: string): unknown {
    return this.#values.get(name);
  }

  /** Text, or null when the caller cleared it. */
  text(name: string): string | null | undefined {
    const value = this.#values.get(name);
    return typeof value === "string" || value === null ? value : undefined;
  }

  /** Text that must not be null or empty once given. */
  filled(name: string): string | undefined {
    const value = this.text(name);
    if (value === null || value?.trim() === "") {
      throw emptyParameter(name);
    }
    return value;
  }

  flag(name: string): boolean | undefined {
    const value = this.#values.get(name);
    return typeof value === "boolean" ? value : undefined;
  }

  number(name: string): number | undefined {
    const value = this.#values.get(name);
    return typeof value === "number" ? value : undefined;
  }

  numberOrUnlimited(name: string): number | "unlimited" | undefined {
    const value = this.#values.get(name);
    return value === "unlimited" ? value : this.number(name);
  }

  choices(name: string): string[] | undefined {
    const value = this.#values.get(name);
    return Array.isArray(value) ? value.map(String) : undefined;
  }

  change(name: string): ListChange | undefined {
    const value = this.#values.get(name);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as ListChange) : undefined;
  }
}

/** The list after a change; `same` decides which entries are equal. */
export function changed(
  present: readonly string[],
  change: ListChange,
  same: (a: string, b: string) => boolean = (a, b) => a.toLowerCase() === b.toLowerCase(),
): string[] {
  const source = "replace" in change ? change.replace : [...present, ...change.add];
  const removed = "replace" in change ? [] : change.remove;
  return source.filter(
    (value, index) =>
      !removed.some((each) => same(each, value)) && source.findIndex((each) => same(each, value)) === index,
  );
}

/** Binds a request's parameters as the service does: names without case, unknown ones and impossible sets refused. */
export function bind(cmdlet: string, shape: CmdletShape, input: Readonly<Record<string, unknown>>): Bound {
  // @observed exchange.parameter-names: Parameter names are compared without case; keys with @ in Parameters are annotations [CIPP]
  // @observed exchange.unknown-parameter: An unknown parameter answers AdminApi.CommandInvocation.AmbiguousParameterSetException,
  // its text in details with an empty first field and in innererror [graph2otel wire captures]
  const values = new Map<string, unknown>();
  for (const [given, value] of Object.entries(input)) {
    if (given.includes("@")) {
      continue;
    }
    const sameName = (name: string) => name.toLowerCase() === given.toLowerCase();
    const name = Object.keys(shape.parameters).find(sameName);
    if (name === undefined) {
      const refused = shape.refused.find(sameName);
      throw refused === undefined ? unknownParameter(given) : notSimulated(`the parameter ${refused} of ${cmdlet}`);
    }
    values.set(name, shape.parameters[name]?.type.bind(name, value));
  }
  requireOneSet(shape, [...values.keys()]);
  for (const [name, parameter] of Object.entries(shape.parameters)) {
    if (parameter.required && !values.has(name)) {
      throw missingParameter(name);
    }
  }
  return new Bound(values);
}

function requireOneSet(shape: CmdletShape, names: readonly string[]): void {
  // @documented exchange.parameter-sets: Parameters of different parameter sets are refused together (RecipientLimits with
  // MicrosoftOnlineServicesID) [reference of the cmdlet]
  let possible: readonly string[] | undefined;
  const narrowed: string[] = [];
  for (const name of names) {
    const sets = shape.parameters[name]?.sets;
    if (sets !== undefined) {
      narrowed.push(name);
      possible = possible === undefined ? sets : possible.filter((set) => sets.includes(set));
    }
  }
  if (possible?.length === 0) {
    throw parametersDoNotGoTogether(narrowed);
  }
}
