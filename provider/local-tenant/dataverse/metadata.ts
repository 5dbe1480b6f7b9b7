import type { Answer } from "../message";
import { idNamed, isPlainObject } from "../values";
import type { Column, ColumnType } from "./columns";
import { badQuery, noSuchProperty, notSimulated, resourceNotFound, resourceNotSimulated } from "./errors";
import { type Property, parseFilter } from "./filter";
import { allowOptions, filledParts } from "./query";
import { type DataverseRequest, demandMethod, json, noContent, type Segment } from "./request";
import { schema, type Table } from "./schema";

/** A metadata object: plain JSON members. */
type Definition = Record<string, unknown>;

const attributeTypes: Record<ColumnType, string> = {
  Uniqueidentifier: "UniqueIdentifierAttributeMetadata",
  String: "StringAttributeMetadata",
  Memo: "MemoAttributeMetadata",
  Boolean: "BooleanAttributeMetadata",
  Integer: "IntegerAttributeMetadata",
  BigInt: "BigIntAttributeMetadata",
  Picklist: "PicklistAttributeMetadata",
  State: "StateAttributeMetadata",
  Status: "StatusAttributeMetadata",
  DateTime: "DateTimeAttributeMetadata",
  Lookup: "LookupAttributeMetadata",
  Owner: "LookupAttributeMetadata",
};

const namespace = "Microsoft.Dynamics.CRM.";

/** What a cast may name: the types of columns here, and the others that Dataverse has. */
const castTypes = [
  ...new Set(Object.values(attributeTypes)),
  ...["Decimal", "Double", "EntityName", "File", "Image", "ManagedProperty", "Money", "MultiSelectPicklist"].map(
    (name) => `${name}AttributeMetadata`,
  ),
].map((name) => namespace + name);

/**
 * `EntityDefinitions`, one of them, its `Attributes` with or without a cast to one type, and one member of a definition.
 *
 * @see https://learn.microsoft.com/power-apps/developer/data-platform/webapi/query-metadata-web-api
 */
export function metadata(request: DataverseRequest, first: Segment, rest: Segment[]): Answer {
  demandMethod(request, ["GET"], "metadata");
  allowOptions(request.query, ["$select", "$filter", "$expand", "LabelLanguages"]);
  const context = `${request.base}$metadata#EntityDefinitions`;
  if (first.key === undefined) {
    if (rest[0] !== undefined) {
      throw resourceNotFound(rest[0].name);
    }
    return definitions(request, Object.values(schema).map(definitionOf), "table", context);
  }
  const table = tableNamed(first.key);
  const [inner, ...further] = rest;
  if (inner?.name !== "Attributes") {
    return definition(request, definitionOf(table), "table", rest, context);
  }
  const [cast, ...behind] = further;
  const isTyped = cast !== undefined && isCast(cast.name);
  const attributes = isTyped ? castTo(attributesOf(table), cast.name) : attributesOf(table);
  const kind = isTyped ? "cast column" : "column";
  const path = `${context}('${table.name}')/Attributes${isTyped ? `/${cast.name}` : ""}`;
  const key = inner.key ?? (isTyped ? cast.key : undefined);
  const members = isTyped ? behind : further;
  if (key !== undefined) {
    return definition(request, attributeNamed(attributes, key), kind, members, path);
  }
  if (members[0] !== undefined) {
    throw resourceNotFound(members[0].name);
  }
  return definitions(request, attributes, kind, path);
}

function definitions(request: DataverseRequest, all: Definition[], kind: Kind, context: string): Answer {
  return json(request, { "@odata.context": context, value: queried(all, asked(request), kind) });
}

/** One definition, or where the path goes on one member of it. */
function definition(request: DataverseRequest, one: Definition, kind: Kind, rest: Segment[], context: string): Answer {
  const [member, ...further] = rest;
  if (member === undefined) {
    const [found] = queried([one], { ...asked(request), filter: null }, kind);
    return json(request, { "@odata.context": `${context}/$entity`, ...found });
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
    return definition(request, value, "choices", further, inner);
  }
  if (further[0] !== undefined) {
    throw resourceNotFound(further[0].name);
  }
  return json(request, { "@odata.context": inner, value });
}

function asked({ query }: DataverseRequest) {
  return { select: query.get("$select"), filter: query.get("$filter"), expand: query.get("$expand") };
}

/** What `EntityDefinitions` tells about a table. */
function definitionOf(table: Table): Definition {
  return {
    MetadataId: idNamed(table.name),
    LogicalName: table.name,
    SchemaName: table.schemaName,
    LogicalCollectionName: table.entitySet,
    CollectionSchemaName: table.collectionName,
    EntitySetName: table.entitySet,
    ObjectTypeCode: table.objectTypeCode,
    PrimaryIdAttribute: table.key,
    PrimaryNameAttribute: table.nameColumn,
    PrimaryImageAttribute: null,
    OwnershipType: table.columns.has("ownerid") ? "UserOwned" : "None",
    IsOptimisticConcurrencyEnabled: true,
    ChangeTrackingEnabled: true,
    IsActivity: false,
    IsCustomEntity: false,
    IsCustomizable: managed(true, "iscustomizable"),
    IsAuditEnabled: managed(false, "canmodifyauditsettings"),
    IsIntersect: false,
    IsLogicalEntity: false,
    IsManaged: true,
    IsPrivate: false,
    IsValidForAdvancedFind: true,
    HasActivities: false,
    HasNotes: false,
    TableType: "Standard",
    DisplayName: label(table.displayName),
    DisplayCollectionName: label(table.collectionName),
    Description: label(table.displayName),
  };
}

/** What `EntityDefinitions(…)/Attributes` tells about the columns of a table. */
function attributesOf(table: Table): Definition[] {
  return [...table.columns.values()].map((column) => attributeOf(table, column));
}

function attributeOf(table: Table, column: Column): Definition {
  return {
    "@odata.type": `#${namespace}${attributeTypes[column.type]}`,
    MetadataId: idNamed(`${table.name}.${column.name}`),
    LogicalName: column.name,
    SchemaName: column.name,
    EntityLogicalName: table.name,
    AttributeOf: null,
    AttributeType: column.type,
    AttributeTypeName: { Value: `${column.type}Type` },
    IsPrimaryId: column.name === table.key,
    IsPrimaryName: column.name === table.nameColumn,
    IsValidForCreate: column.create,
    IsValidForRead: column.read,
    IsValidForUpdate: column.update,
    IsCustomAttribute: false,
    IsCustomizable: managed(true, "iscustomizable"),
    IsLogical: false,
    IsManaged: true,
    RequiredLevel: {
      ...managed(false, "canmodifyrequirementlevelsettings"),
      Value: column.required ? "SystemRequired" : "None",
    },
    DisplayName: label(column.name),
    Description: label(column.name),
    ...(column.max === undefined ? {} : { MaxLength: column.max }),
    ...(column.range === undefined ? {} : { MinValue: column.range[0], MaxValue: column.range[1] }),
    ...(column.targets === undefined ? {} : { Targets: [...new Set(column.targets.map((target) => target.table))] }),
    ...(optionSetOf(table, column) === undefined
      ? {}
      : { OptionSet: optionSetOf(table, column), GlobalOptionSet: null }),
  };
}

/** The choices of a column: what `$expand=OptionSet` shows. Undefined for a column without any. */
function optionSetOf(table: Table, column: Column): Definition | undefined {
  const common = {
    MetadataId: idNamed(`${table.name}.${column.name} choices`),
    Name: `${table.name}_${column.name}`,
    DisplayName: label(column.name),
    Description: label(column.name),
    IsCustomOptionSet: false,
    IsGlobal: false,
    IsManaged: true,
    IsCustomizable: managed(true, "iscustomizable"),
    HasChanged: null,
  };
  const option = (value: number, text: string) => ({
    Value: value,
    Label: label(text),
    Description: label(""),
    Color: null,
    ExternalValue: null,
    ParentValues: [],
    Tag: null,
    IsManaged: true,
    MetadataId: null,
    HasChanged: null,
  });
  if (column.type === "Boolean") {
    return { ...common, OptionSetType: "Boolean", TrueOption: option(1, "Yes"), FalseOption: option(0, "No") };
  }
  if (column.options === undefined) {
    return undefined;
  }
  return {
    ...common,
    OptionSetType: column.type,
    Options: Object.entries(column.options).map(([value, text]) => ({
      ...option(Number(value), text),
      ...(column.type === "State" ? { InvariantName: text, DefaultStatus: Number(value) + 1 } : {}),
      ...(column.type === "Status" ? { State: Number(value) - 1, TransitionData: null } : {}),
    })),
  };
}

/** The table a definition is asked for, by logical name or MetadataId. Throws 404 for one that is not simulated. */
function tableNamed(key: string): Table {
  const name = /^LogicalName='(\w+)'$/.exec(key)?.[1];
  const table = Object.values(schema).find((candidate) =>
    name === undefined ? idNamed(candidate.name) === key.toLowerCase() : candidate.name === name,
  );
  if (table === undefined) {
    throw name === undefined ? resourceNotFound(`EntityDefinitions(${key})`) : resourceNotSimulated(`table ${name}`);
  }
  return table;
}

/** The column's definition that a key means: by logical name or MetadataId. Throws 404 where there is none. */
function attributeNamed(attributes: readonly Definition[], key: string): Definition {
  const name = /^LogicalName='(\w+)'$/.exec(key)?.[1];
  const found = attributes.find((attribute) =>
    name === undefined ? attribute.MetadataId === key.toLowerCase() : attribute.LogicalName === name,
  );
  if (found === undefined) {
    throw resourceNotFound(`Attributes(${key})`);
  }
  return found;
}

/** The columns of one type, for a cast such as `Microsoft.Dynamics.CRM.PicklistAttributeMetadata`. Throws 404 for no type. */
function castTo(attributes: readonly Definition[], type: string): Definition[] {
  if (!castTypes.includes(type)) {
    throw resourceNotFound(type);
  }
  return attributes
    .filter((attribute) => attribute["@odata.type"] === `#${type}`)
    .map(({ "@odata.type": _, ...attribute }) => attribute);
}

/** Whether a segment casts the columns to one type. */
function isCast(segment: string): boolean {
  return segment.startsWith(namespace);
}

/** What a query asks of metadata objects: the part of `$select`, `$filter` and `$expand` at one level. */
interface Asked {
  select: string | null;
  filter: string | null;
  expand: string | null;
}

/** What a metadata object is: decides which members can be named and expanded. */
type Kind = "table" | "column" | "cast column" | "choices";

/** Applies `$filter`, `$select` and `$expand` to metadata objects. Throws 400 for members they do not have. */
function queried(definitions: Definition[], asked: Asked, kind: Kind): Definition[] {
  // @documented dataverse.metadata: EntityDefinitions, Attributes with casts and $expand of Attributes and OptionSet answer;
  // relationships are not simulated [powerapps-docs, data-platform/webapi/query-metadata-web-api.md]
  const expansions = filledParts(asked.expand ?? "").map(expansionOf);
  for (const { name } of expansions) {
    refuseExpansion(name, kind);
  }
  const known = membersOf(kind, definitions);
  const { filter } = asked;
  const matches =
    filter === null ? () => true : parseFilter<Definition>(filter, (path) => member(definitions, known, path));
  const names = asked.select === null ? undefined : asked.select.split(",").map((name) => name.trim());
  const unknown = names?.find((name) => !known.has(name.split("/")[0] ?? ""));
  if (unknown !== undefined) {
    throw noSuchProperty(unknown, metadataType(kind));
  }
  const heads = names?.map((name) => name.split("/")[0]);
  return definitions.filter(matches).map((definition) => ({
    ...Object.fromEntries(
      Object.entries(definition).filter(
        ([name]) =>
          !navigations.includes(name) &&
          (name === "MetadataId" || name.startsWith("@") || (known.has(name) && (heads?.includes(name) ?? true))),
      ),
    ),
    ...Object.fromEntries(expansions.map(({ name, asked: inner }) => [name, expanded(definition, name, inner)])),
  }));
}

/** What one `$expand` asks, options of its own in brackets included: `OptionSet($select=Options)`. */
function expansionOf(item: string): { name: string; asked: Asked } {
  const parts = /^\s*(\w+)\s*(?:\((.*)\))?\s*$/s.exec(item);
  if (parts?.[1] === undefined) {
    throw badQuery(`Syntax error in $expand '${item}'.`);
  }
  const options = new Map(
    filledParts(parts[2] ?? "", ";").map((option) => {
      const equals = option.indexOf("=");
      return [option.slice(0, equals).trim(), option.slice(equals + 1)] as const;
    }),
  );
  const foreign = [...options.keys()].find((name) => !["$select", "$filter", "$expand"].includes(name));
  if (foreign !== undefined) {
    throw badQuery(`The query parameter ${foreign} is not supported`);
  }
  const asked = (name: string) => options.get(name) ?? null;
  return { name: parts[1], asked: { select: asked("$select"), filter: asked("$filter"), expand: asked("$expand") } };
}

function refuseExpansion(name: string, kind: Kind): void {
  const allowed = kind === "table" ? ["Attributes"] : kind === "cast column" ? ["OptionSet", "GlobalOptionSet"] : [];
  if (!allowed.includes(name)) {
    throw kind === "table" && isRelation(name)
      ? notSimulated(`$expand=${name}`)
      : noSuchProperty(name, metadataType(kind));
  }
}

/** Whether a table's definition has this and the tenant does not simulate it. */
function isRelation(name: string): boolean {
  return ["ManyToOneRelationships", "OneToManyRelationships", "ManyToManyRelationships", "Keys", "Settings"].includes(
    name,
  );
}

function expanded(definition: Definition, name: string, asked: Asked): unknown {
  if (name === "Attributes") {
    const table = tableNamed(`LogicalName='${String(definition.LogicalName)}'`);
    return queried(attributesOf(table), asked, "column");
  }
  const value = definition[name];
  return isPlainObject(value) ? (queried([value], asked, "choices")[0] ?? null) : null;
}

/** Members that only a cast column has. */
const ofCasts = ["MaxLength", "MinValue", "MaxValue", "Targets", "OptionSet", "GlobalOptionSet"];
/** Members that only `$expand` shows. */
const navigations = ["OptionSet", "GlobalOptionSet"];

function membersOf(kind: Kind, definitions: readonly Definition[]): ReadonlySet<string> {
  const all = kind === "table" ? Object.values(schema).map(definitionOf) : definitions;
  const names = all.flatMap((definition) => Object.keys(definition));
  return new Set(kind === "column" ? names.filter((name) => !ofCasts.includes(name)) : names);
}

function metadataType(kind: Kind): string {
  return {
    table: "EntityMetadata",
    column: "AttributeMetadata",
    "cast column": "AttributeMetadata",
    choices: "OptionSetMetadata",
  }[kind];
}

function member(definitions: readonly Definition[], known: ReadonlySet<string>, path: string[]): Property<Definition> {
  const [name = "", inner, ...rest] = path;
  if (!known.has(name)) {
    throw noSuchProperty(name, "EntityMetadata");
  }
  const read = (definition: Definition) => {
    const value = definition[name];
    const found = inner === undefined ? value : isPlainObject(value) ? value[inner] : null;
    return typeof found === "string" || typeof found === "number" || typeof found === "boolean" ? found : null;
  };
  const sample = definitions.map(read).find((value) => value !== null);
  if (rest.length > 0 || (inner !== undefined && sample === undefined && definitions.length > 0)) {
    throw badQuery(`'${path.join("/")}' cannot be filtered on.`);
  }
  const kind =
    name === "MetadataId"
      ? "guid"
      : typeof sample === "boolean"
        ? "boolean"
        : typeof sample === "number"
          ? "number"
          : "string";
  return { kind, read };
}

/** A value that a solution may or may not be allowed to change. */
function managed(value: boolean, property: string): Definition {
  return { Value: value, CanBeChanged: false, ManagedPropertyLogicalName: property };
}

function label(text: string): Definition {
  const localized = {
    Label: text,
    LanguageCode: 1033,
    IsManaged: true,
    MetadataId: idNamed(`label ${text}`),
    HasChanged: null,
  };
  return { LocalizedLabels: [localized], UserLocalizedLabel: localized };
}
