import { createHash } from "node:crypto";
import type { Column, ColumnType } from "./columns";
import { badQuery, noSuchProperty, resourceNotFound } from "./errors";
import { type Property, parseFilter } from "./filter";
import { schema, type Table } from "./schema";

/** A metadata object: plain JSON members. */
export type Definition = Record<string, unknown>;

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

/** What `EntityDefinitions` tells about a table. */
export function definitionOf(table: Table): Definition {
  return {
    MetadataId: metadataId(table.name),
    LogicalName: table.name,
    SchemaName: table.schemaName,
    LogicalCollectionName: table.entitySet,
    CollectionSchemaName: table.collectionName,
    EntitySetName: table.entitySet,
    ObjectTypeCode: table.objectTypeCode,
    PrimaryIdAttribute: table.key,
    PrimaryNameAttribute: table.nameColumn,
    OwnershipType: table.columns.has("ownerid") ? "UserOwned" : "None",
    IsOptimisticConcurrencyEnabled: true,
    ChangeTrackingEnabled: true,
    IsActivity: false,
    IsCustomEntity: false,
    HasNotes: false,
    TableType: "Standard",
    DisplayName: label(table.displayName),
  };
}

/** What `EntityDefinitions(…)/Attributes` tells about the columns of a table. */
export function attributesOf(table: Table): Definition[] {
  return [...table.columns.values()].map((column) => attributeOf(table, column));
}

function attributeOf(table: Table, column: Column): Definition {
  return {
    "@odata.type": `#Microsoft.Dynamics.CRM.${attributeTypes[column.type]}`,
    MetadataId: metadataId(`${table.name}.${column.name}`),
    LogicalName: column.name,
    SchemaName: column.name,
    EntityLogicalName: table.name,
    AttributeType: column.type,
    AttributeTypeName: { Value: `${column.type}Type` },
    IsPrimaryId: column.name === table.key,
    IsPrimaryName: column.name === table.nameColumn,
    IsValidForCreate: column.create,
    IsValidForRead: column.read,
    IsValidForUpdate: column.update,
    IsCustomAttribute: false,
    RequiredLevel: { Value: column.required ? "SystemRequired" : "None" },
    ...(column.max === undefined ? {} : { MaxLength: column.max }),
    ...(column.targets === undefined ? {} : { Targets: column.targets.map((target) => target.table) }),
  };
}

/** The table a definition is asked for, by logical name or MetadataId. Throws 404 for one that is not simulated. */
export function tableNamed(key: string): Table {
  const name = /^LogicalName='(\w+)'$/.exec(key)?.[1];
  const table = Object.values(schema).find((candidate) =>
    name === undefined ? metadataId(candidate.name) === key.toLowerCase() : candidate.name === name,
  );
  if (table === undefined) {
    throw resourceNotFound(`EntityDefinitions(${key})`);
  }
  return table;
}

/** Applies `$filter` and `$select` to metadata objects. Throws 400 for members they do not have. */
export function queried(definitions: Definition[], query: URLSearchParams): Definition[] {
  const known = new Set(definitions.flatMap((definition) => Object.keys(definition)));
  const filter = query.get("$filter");
  const matches =
    filter === null ? () => true : parseFilter<Definition>(filter, ([name = "", ...rest]) => member(known, name, rest));
  return narrowed(definitions.filter(matches), known, query.get("$select"));
}

function narrowed(definitions: Definition[], known: ReadonlySet<string>, select: string | null): Definition[] {
  const names = select?.split(",").map((name) => name.trim());
  const unknown = names?.find((name) => !known.has(name));
  if (unknown !== undefined) {
    throw noSuchProperty(unknown, "EntityMetadata");
  }
  return definitions.map((definition) =>
    Object.fromEntries(
      Object.entries(definition).filter(
        ([name]) => names === undefined || names.includes(name) || name === "MetadataId" || name.startsWith("@"),
      ),
    ),
  );
}

function member(known: ReadonlySet<string>, name: string, rest: string[]): Property<Definition> {
  if (!known.has(name)) {
    throw noSuchProperty(name, "EntityMetadata");
  }
  if (rest.length > 0) {
    throw badQuery(`'${name}/${rest.join("/")}' cannot be filtered on.`);
  }
  const flags = ["IsValid", "IsPrimary", "IsCustom", "IsOptimistic", "IsActivity", "ChangeTracking", "HasNotes"];
  const kind = flags.some((start) => name.startsWith(start))
    ? "boolean"
    : name === "ObjectTypeCode" || name === "MaxLength"
      ? "number"
      : name === "MetadataId"
        ? "guid"
        : "string";
  return {
    kind,
    read: (definition) => {
      const value = definition[name];
      return typeof value === "string" || typeof value === "number" || typeof value === "boolean" ? value : null;
    },
  };
}

function label(text: string): Definition {
  const localized = { Label: text, LanguageCode: 1033, IsManaged: true };
  return { LocalizedLabels: [localized], UserLocalizedLabel: localized };
}

/** Stable ids made from names, so that two answers agree. */
function metadataId(name: string): string {
  const hash = createHash("sha256").update(`dataverse metadata ${name}`).digest("hex");
  return `${hash.slice(0, 8)}-${hash.slice(8, 12)}-4${hash.slice(13, 16)}-8${hash.slice(17, 20)}-${hash.slice(20, 32)}`;
}
