import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { broadRun } from "./broad-run";
import { addressOf, type Members, membersOf, parsed } from "./checks/common";
import { cmdletsIn } from "./checks/exchange";
import { type Exchange, graphExchanges, templateOf } from "./checks/graph";
import {
  answerSchema,
  complaintsBySchema,
  type Document,
  lastPart,
  queryOptions,
  resolved,
  type Schema,
} from "./openapi";
import type { Recording } from "./recording";
import { cmdlets, outputs } from "./tables/exchange";
import { actionParameters, type EntityName, entities, type MemberType, paths } from "./tables/graph";

// Microsoft's own descriptions, kept outside of the repository. Where they are not there, nothing here can be tried.
const folder = join(__dirname, "..", "..", "..", "shared", "conformance");
const names = ["exchange-cmdlets.json", "exchange-types.json", "graph-v1-slice.json"];
const missing = names.filter((name) => !existsSync(join(folder, name)));

if (missing.length > 0) {
  const why = `${missing.join(", ")} not found in ../shared/conformance beside the clone`;
  process.stderr.write(`skipped: the wire tables are not held against Microsoft's descriptions (${why})\n`);
  test.skip(`the wire tables against Microsoft's descriptions: ${why}`, () => undefined);
} else {
  describeConformance();
}

/** A parameter as Microsoft's reference page of its cmdlet has it. */
interface Documented {
  type: string;
  exchangeOnline: boolean;
  sets: string[];
  required: boolean;
}

function read<T>(name: string): T {
  return JSON.parse(readFileSync(join(folder, name), "utf8")) as T;
}

function describeConformance(): void {
  const reference = read<{
    cmdlets: Record<string, { exchangeOnline: boolean; parameters: Record<string, Documented> }>;
  }>("exchange-cmdlets.json").cmdlets;
  const types = read<{ types: Record<string, { properties: Record<string, string> }>; enums: Members }>(
    "exchange-types.json",
  );
  const graph = read<Document>("graph-v1-slice.json");
  let recordings: Recording[];

  beforeAll(async () => {
    recordings = await broadRun();
  });

  test("the description lacks the cmdlets that say where else they are known from", () => {
    const elsewhere = Object.entries(cmdlets).filter(([, { source }]) => source !== undefined);
    expect(elsewhere.filter(([name]) => name in reference)).toEqual([]);
  });

  const described = Object.entries(cmdlets).filter(([, { source }]) => source === undefined);

  describe.each(described)("%s", (name, { parameters }) => {
    const documented = reference[name];

    test("is a cmdlet of Exchange Online", () => {
      expect(documented?.exchangeOnline).toBe(true);
    });

    test("has every parameter that is sent, for Exchange Online, of the same type", () => {
      for (const [parameter, { type }] of Object.entries(parameters)) {
        expect([parameter, documented?.parameters[parameter]]).toEqual([
          parameter,
          expect.objectContaining({ type, exchangeOnline: true }),
        ]);
      }
    });

    test("has the parameter sets of the tables", () => {
      for (const [parameter, { sets }] of Object.entries(parameters)) {
        const known = documented?.parameters[parameter]?.sets ?? [];
        expect([parameter, known]).toEqual([
          parameter,
          sets === undefined ? ["(All)"] : expect.arrayContaining([...sets]),
        ]);
      }
    });

    test("is called with parameters that fit into one set and are all it needs", () => {
      const calls = recordings
        .filter(({ part }) => part === "exchange")
        .flatMap(cmdletsIn)
        .filter((call) => call.name === name);
      expect(calls.length).toBeGreaterThan(0);
      const odd = calls
        .map((call) => Object.keys(call.parameters))
        .filter((given) => setOf(documented, given, notNeeded[name]) === undefined);
      expect(odd).toEqual([]);
    });
  });

  describe.each(Object.entries(outputs))("rows of %s", (name, { types: declared, properties }) => {
    const known = Object.assign({}, ...declared.map((type) => types.types[type]?.properties)) as Record<string, string>;

    test("have what is read of them, or it says where it is known from", () => {
      for (const [property, { type, source }] of Object.entries(properties)) {
        const found = plainType(known[property], types.enums);
        expect([property, source ?? found]).toEqual([
          property,
          source === undefined ? type : expect.stringMatching(/./),
        ]);
        // A source that says what the metadata says is in vain.
        expect([property, found]).not.toEqual([property, source === undefined ? undefined : type]);
      }
    });

    test("have nothing that the admin API's metadata does not", () => {
      const rows = recordings
        .filter(({ part }) => part === "exchange")
        .flatMap(cmdletsIn)
        .filter((call) => cmdlets[call.name]?.output === name)
        .flatMap(({ answer }) => [membersOf(answer).value].flat())
        .map(membersOf);
      expect(rows.length).toBeGreaterThan(0);
      const given = new Set(rows.flatMap((row) => Object.keys(row)).filter((one) => !one.includes("@")));
      const unknown = [...given].filter((one) => !(one in known) && properties[one]?.source === undefined);
      expect(unknown.sort()).toEqual(Object.keys(beside[name] ?? {}).sort());
      const wrong = rows.flatMap((row) =>
        [...given]
          .filter((one) => properties[one]?.source === undefined)
          .filter((one) => !fitsType(row[one], plainType(known[one], types.enums)))
          .map((one) => [one, row[one]]),
      );
      expect(wrong).toEqual([]);
    });
  });

  describe.each(Object.entries(paths))("Graph %s", (path, methods) => {
    const documented = graph.paths[path.replace("microsoft.graph.", "graph.")];

    test.each(Object.entries(methods))(
      "%s is documented with its query options and its status",
      (method, operation) => {
        const known = documented?.[method.toLowerCase()];
        if (operation.source !== undefined) {
          expect(known).toBeUndefined();
          return;
        }
        expect(Object.keys(known?.responses ?? {})).toContain(String(operation.status));
        expect(known === undefined ? [] : queryOptions(graph, known)).toEqual(
          expect.arrayContaining([...(operation.query ?? [])]),
        );
        const body = known?.requestBody?.content?.["application/json"]?.schema?.$ref;
        const isEntity = operation.body !== undefined && actionParameters[operation.body] === undefined;
        expect(body).toBe(isEntity ? schemaName(String(operation.body)) : undefined);
      },
    );
  });

  describe.each(Object.entries(entities))("Graph's %s", (entity, members) => {
    test.each(Object.entries(members))("has the member %s of that type", (member, { type }) => {
      const schema = schemaOf(graph, entity as EntityName)?.properties?.[member];
      expect(schema === undefined ? undefined : memberType(graph, schema)).toBe(type);
    });
  });

  test("every request to Graph and every answer is valid by Graph's own schemas", () => {
    const exchanges = recordings.filter(({ part }) => part === "graph").flatMap(graphExchanges);
    const tried = exchanges.map((exchange) => schemaComplaints(graph, exchange));
    expect(tried.filter((one) => one !== undefined).length).toBeGreaterThan(50);
    expect([...new Set(tried.flatMap((one) => one ?? []))]).toEqual([]);
  });

  test("Dataverse, which publishes no such description, is in the recordings all the same", () => {
    expect(recordings.filter(({ part }) => part === "dataverse").length).toBeGreaterThan(50);
  });
}

/** Properties of rows that the admin API's own types lack and the provider does not read, with where they are known from. */
const beside: Record<string, Record<string, string>> = {
  autoReplyConfiguration: {
    MailboxOwnerId: "output of the cmdlet in Exchange PowerShell",
    IsValid: "every object that Exchange PowerShell puts out has it",
  },
  inboxRule: {
    Description: "wire captures of Get-InboxRule",
    ErrorType: "wire captures of Get-InboxRule",
    RuleIdentity: "wire captures of Get-InboxRule, where it is a number that few readers get whole",
    SupportedByTask: "wire captures of Get-InboxRule",
    MailboxOwnerId: "wire captures of Get-InboxRule",
    IsValid: "wire captures of Get-InboxRule",
    ObjectState: "wire captures of Get-InboxRule",
  },
  regionalConfiguration: {
    DefaultFolderNameMatchingUserLanguage: "Exchange PowerShell reference, -VerifyDefaultFolderNameLanguage",
    IsValid: "every object that Exchange PowerShell puts out has it",
  },
  mailboxPermission: {
    PrimarySmtpAddress: "wire captures, where it is empty even for people",
    IsValid: "every object that Exchange PowerShell puts out has it",
  },
  recipientPermission: {
    TrusteeWithPrimarySmtpAddress: "wire captures, where it is empty",
    IsValid: "wire captures",
  },
};

/** Parameters the reference calls mandatory in a set and leaves out in its own examples of it. */
const notNeeded: Record<string, readonly string[]> = { "New-Mailbox": ["Password"] };

/** A parameter set that has all given parameters and needs no other; undefined if there is none. */
function setOf(
  documented: { parameters: Record<string, Documented> } | undefined,
  given: readonly string[],
  spared: readonly string[] = [],
): string | undefined {
  const cloud = Object.entries(documented?.parameters ?? {}).filter(([, { exchangeOnline }]) => exchangeOnline);
  const isIn = (set: string, { sets }: Documented) => sets.includes(set) || sets.includes("(All)");
  const sets = new Set(["(All)", ...cloud.flatMap(([, parameter]) => parameter.sets)]);
  return [...sets].find(
    (set) =>
      given.every((name) => cloud.some(([known, parameter]) => known === name && isIn(set, parameter))) &&
      cloud.every(
        ([name, parameter]) => !(parameter.required && isIn(set, parameter)) || [...given, ...spared].includes(name),
      ),
  );
}

/** A type of the metadata as JSON has it: members of an enumeration are text. */
function plainType(type: string | undefined, enums: Members): string | undefined {
  const [, inner] = /^(?:Collection\()?Exchange\.(\w+)\)?$/.exec(type ?? "") ?? [];
  return inner !== undefined && inner in enums ? type?.replace(`Exchange.${inner}`, "Edm.String") : type;
}

function fitsType(value: unknown, type: string | undefined): boolean {
  if (value === undefined || value === null || type === undefined) {
    return true;
  }
  if (type.startsWith("Collection(")) {
    return Array.isArray(value) && value.every((one) => fitsType(one, type.slice("Collection(".length, -1)));
  }
  switch (type) {
    case "Edm.Boolean":
      return typeof value === "boolean";
    case "Edm.Int16":
    case "Edm.Int32":
    case "Edm.Int64":
      return Number.isInteger(value);
    default:
      return typeof value === "string";
  }
}

function schemaName(entity: string): string {
  return `#/components/schemas/microsoft.graph.${entity}`;
}

/** The schema of an entity, or that of an action's body. */
function schemaOf(graph: Document, entity: EntityName): Schema | undefined {
  const action = actionParameters[entity];
  return action === undefined
    ? graph.components.schemas[`microsoft.graph.${entity}`]
    : graph.paths[action]?.post?.requestBody?.content?.["application/json"]?.schema;
}

/** A schema's type in the words of the wire tables. */
function memberType(graph: Document, schema: Schema): MemberType | undefined {
  const { type, items } = resolved(graph, schema);
  if (type === "array") {
    return `${items === undefined ? "" : memberType(graph, items)}[]` as MemberType;
  }
  const name = schema.$ref === undefined ? type : lastPart(schema.$ref).replace("microsoft.graph.", "");
  return name as MemberType | undefined;
}

/** What of one exchange is not as Graph's schemas have it; undefined where Microsoft's description lacks the path. */
function schemaComplaints(graph: Document, { method, path, body, status, answer }: Exchange): string[] | undefined {
  const template = templateOf(path) ?? "";
  const operation = graph.paths[template.replace("microsoft.graph.", "graph.")]?.[method.toLowerCase()];
  if (operation === undefined) {
    return undefined;
  }
  const sent = operation.requestBody?.content?.["application/json"]?.schema;
  const given = answerSchema(graph, operation, status);
  const where = `${method} ${addressOf(path).path} ${status}`;
  return [
    ...(sent === undefined ? [] : complaintsBySchema(graph, sent, body, "the body")),
    ...(given === undefined
      ? answer === undefined
        ? []
        : ["an answer where there is none"]
      : complaintsBySchema(graph, given, answer, "the answer")),
  ].map((complaint) => `${where}: ${complaint}`);
}

test("the validator finds what is wrong", () => {
  const document: Document = {
    paths: {},
    components: {
      parameters: {},
      responses: {},
      schemas: {
        user: {
          type: "object",
          required: ["id"],
          properties: {
            id: { type: "string" },
            enabled: { type: "boolean", nullable: true },
            size: { type: "integer" },
          },
        },
      },
    },
  };
  const complaints = (value: unknown) => complaintsBySchema(document, { $ref: "#/components/schemas/user" }, value);
  expect(complaints({ id: "1", enabled: null, size: 3, "@odata.context": "…" })).toEqual([]);
  expect(complaints(parsed('{ "enabled": "no", "size": 1.5, "more": 1 }'))).toEqual([
    "$ has no id",
    '$.enabled is "no", which is no boolean',
    "$.size is 1.5, which is no such number",
    "$ has the unknown member more",
  ]);
});
