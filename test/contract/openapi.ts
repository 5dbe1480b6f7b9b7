/** As much of an OpenAPI 3.0 schema as descriptions of entities use. */
export interface Schema {
  $ref?: string;
  type?: "object" | "array" | "string" | "boolean" | "integer" | "number";
  properties?: Record<string, Schema>;
  required?: string[];
  items?: Schema;
  enum?: unknown[];
  nullable?: boolean;
  format?: string;
  pattern?: string;
  minimum?: number;
  maximum?: number;
  anyOf?: Schema[];
  oneOf?: Schema[];
  /** Entities that take further members, such as extensions. Not an excuse for a member nobody documents. */
  "x-open-type"?: boolean;
}

interface MediaTypes {
  content?: Record<string, { schema?: Schema }>;
}

export interface Operation {
  parameters?: (Parameter | { $ref: string })[];
  requestBody?: MediaTypes;
  responses: Record<string, MediaTypes | { $ref: string }>;
}

interface Parameter {
  name: string;
  in: string;
}

/** An OpenAPI document. */
export interface Document {
  paths: Record<string, Record<string, Operation>>;
  components: {
    schemas: Record<string, Schema>;
    parameters: Record<string, Parameter>;
    responses: Record<string, MediaTypes>;
  };
}

/** The names of the query options of an operation. */
export function queryOptions(document: Document, { parameters = [] }: Operation): string[] {
  return parameters
    .map((one) => ("$ref" in one ? document.components.parameters[lastPart(one.$ref)] : one))
    .flatMap((one) => (one?.in === "query" ? [one.name] : []));
}

/** The schema of the answer with a status, or undefined where the answer has no body. */
export function answerSchema(document: Document, operation: Operation, status: number): Schema | undefined {
  const found = operation.responses[status] ?? operation.responses[`${Math.floor(status / 100)}XX`];
  const response = found !== undefined && "$ref" in found ? document.components.responses[lastPart(found.$ref)] : found;
  return response?.content?.["application/json"]?.schema;
}

/** A schema with its reference followed. */
export function resolved(document: Document, schema: Schema): Schema {
  return schema.$ref === undefined
    ? schema
    : resolved(document, document.components.schemas[lastPart(schema.$ref)] ?? {});
}

/** The schema of the type a value names itself, where more than one may stand in its place. */
function derived(document: Document, value: unknown): Schema | undefined {
  const tag = (value as Record<string, unknown> | null)?.["@odata.type"];
  return typeof tag === "string" ? document.components.schemas[tag.replace("#", "")] : undefined;
}

/** The name a reference ends with. */
export function lastPart(reference: string): string {
  return reference.split("/").pop() ?? "";
}

/**
 * What of a JSON value is not as a schema has it, each with the path to it. Members that no schema names are complained about,
 * OData's own annotations aside.
 */
export function complaintsBySchema(document: Document, schema: Schema, value: unknown, path = "$"): string[] {
  const known = derived(document, value) ?? resolved(document, schema);
  if (value === null) {
    return known.nullable || known.enum?.includes(null) ? [] : [`${path} is null`];
  }
  const choices = known.anyOf ?? known.oneOf;
  if (choices !== undefined) {
    const tried = choices.map((one) => complaintsBySchema(document, one, value, path));
    return tried.some((complaints) => complaints.length === 0) ? [] : (tried[0] ?? []);
  }
  if (known.enum !== undefined && !known.enum.includes(value)) {
    return [`${path} is ${JSON.stringify(value)}, none of ${known.enum.join(", ")}`];
  }
  switch (known.type) {
    case "object":
      return objectComplaints(document, known, value, path);
    case "array":
      return Array.isArray(value)
        ? value.flatMap((one, index) => complaintsBySchema(document, known.items ?? {}, one, `${path}[${index}]`))
        : [`${path} is no list`];
    case "string":
      return typeof value === "string" && textFits(known, value) ? [] : [`${path} is ${JSON.stringify(value)}`];
    case "boolean":
      return typeof value === "boolean" ? [] : [`${path} is ${JSON.stringify(value)}, which is no boolean`];
    case "integer":
    case "number":
      return numberFits(known, value) ? [] : [`${path} is ${JSON.stringify(value)}, which is no such number`];
    default:
      return [];
  }
}

function objectComplaints(document: Document, schema: Schema, value: unknown, path: string): string[] {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return [`${path} is no object`];
  }
  return [
    ...(schema.required ?? []).filter((name) => !(name in value)).map((name) => `${path} has no ${name}`),
    ...Object.entries(value).flatMap(([name, member]) => {
      const property = schema.properties?.[name];
      if (property !== undefined) {
        return complaintsBySchema(document, property, member, `${path}.${name}`);
      }
      return name.includes("@odata.") ? [] : [`${path} has the unknown member ${name}`];
    }),
  ];
}

function textFits({ pattern, format }: Schema, value: string): boolean {
  const fitsFormat = format !== "date-time" || !Number.isNaN(Date.parse(value));
  return fitsFormat && (pattern === undefined || new RegExp(pattern, "u").test(value));
}

function numberFits({ type, minimum = -Infinity, maximum = Infinity }: Schema, value: unknown): boolean {
  return (
    typeof value === "number" && (type !== "integer" || Number.isInteger(value)) && value >= minimum && value <= maximum
  );
}
