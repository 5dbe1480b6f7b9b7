import { type Environment, ids, startEnvironment } from "./dataverse-environment";

const someId = "5f0c2f7e-0000-4000-8000-000000000001";
const forward = { name: "Support forward", emailaddress: "fwd@contoso.com" };

let environment: Environment;

beforeEach(async () => {
  environment = await startEnvironment();
  await environment.send("PATCH", `mailboxes(${someId})`, { body: forward, headers: { "if-none-match": "*" } });
});

afterEach(() => environment.close());

const get = (path: string, headers: Record<string, string> = {}) => environment.send("GET", path, { headers });

describe("definitions of tables", () => {
  const picklists =
    "EntityDefinitions(LogicalName='mailbox')/Attributes/Microsoft.Dynamics.CRM.PicklistAttributeMetadata";

  // @shows dataverse.metadata
  test("a cast to one type of column, with its choices and their labels", async () => {
    const { status, json } = await get(`${picklists}?$select=LogicalName&$expand=OptionSet($select=Options)`);
    expect(status).toBe(200);
    const columns = json.value as { LogicalName: string; OptionSet: { Options: object[] } }[];
    const incoming = columns.find(({ LogicalName }) => LogicalName === "incomingemaildeliverymethod");
    expect(Object.keys(incoming ?? {}).sort()).toEqual(["LogicalName", "MetadataId", "OptionSet"]);
    expect(incoming?.OptionSet.Options).toContainEqual(
      expect.objectContaining({
        Value: 3,
        Label: expect.objectContaining({
          LocalizedLabels: [expect.objectContaining({ Label: "Forward Mailbox", LanguageCode: 1033 })],
        }),
      }),
    );
    expect(Object.keys(incoming?.OptionSet ?? {}).sort()).toEqual(["MetadataId", "Options"]);
    expect(columns.map(({ LogicalName }) => LogicalName)).not.toContain("name");
  });

  test("one column by name, cast, and what stands behind it", async () => {
    const one = `EntityDefinitions(LogicalName='mailbox')/Attributes(LogicalName='incomingemaildeliverymethod')`;
    const cast = `${one}/Microsoft.Dynamics.CRM.PicklistAttributeMetadata`;
    expect((await get(`${cast}?$expand=OptionSet`)).json).toMatchObject({
      OptionSet: { OptionSetType: "Picklist", Name: "mailbox_incomingemaildeliverymethod" },
    });
    expect((await get(`${cast}/OptionSet?$select=Options`)).json).toMatchObject({ Options: expect.any(Array) });
    expect((await get(`${cast}/LogicalName`)).json.value).toBe("incomingemaildeliverymethod");
    expect((await get(`${one}/Microsoft.Dynamics.CRM.StringAttributeMetadata`)).status).toBe(404);
    expect((await get(`${one}/OptionSet`)).status).toBe(404);
    expect((await get(`${one}?$expand=OptionSet`)).status).toBe(400);
  });

  test.each([
    [
      "Status",
      "statuscode",
      {
        Options: [
          { Value: 1, State: 0 },
          { Value: 2, State: 1 },
        ],
      },
    ],
    [
      "State",
      "statecode",
      {
        Options: [
          { Value: 0, DefaultStatus: 1 },
          { Value: 1, DefaultStatus: 2 },
        ],
      },
    ],
    ["Boolean", "processanddeleteemails", { TrueOption: { Value: 1 }, FalseOption: { Value: 0 } }],
  ])("%s columns have choices of their own kind", async (type, name, choices) => {
    const path = `EntityDefinitions(LogicalName='mailbox')/Attributes(LogicalName='${name}')`;
    const { json } = await get(`${path}/Microsoft.Dynamics.CRM.${type}AttributeMetadata?$expand=OptionSet`);
    expect(json.OptionSet).toMatchObject({ OptionSetType: type, ...choices });
  });

  test("a table with its columns, each query at its own level", async () => {
    const { json } = await get(
      "EntityDefinitions?$select=LogicalName&$filter=LogicalName eq 'queue' and OwnershipType eq Microsoft.Dynamics.CRM.OwnershipTypes'UserOwned'" +
        "&$expand=Attributes($select=LogicalName;$filter=AttributeType eq Microsoft.Dynamics.CRM.AttributeTypeCode'Memo')",
    );
    expect(json.value).toEqual([
      {
        LogicalName: "queue",
        MetadataId: expect.any(String),
        Attributes: [expect.objectContaining({ LogicalName: "description", MetadataId: expect.any(String) })],
      },
    ]);
  });

  test("members of members can be filtered on and read", async () => {
    const required = await get(
      "EntityDefinitions(LogicalName='queue')/Attributes?$select=LogicalName,RequiredLevel" +
        "&$filter=RequiredLevel/Value eq Microsoft.Dynamics.CRM.AttributeRequiredLevel'SystemRequired'",
    );
    const columns = required.json.value as { LogicalName: string; RequiredLevel: { Value: string } }[];
    expect(columns.map(({ LogicalName }) => LogicalName)).toContain("name");
    expect(columns.every(({ RequiredLevel }) => RequiredLevel.Value === "SystemRequired")).toBe(true);
    const customizable = await get("EntityDefinitions?$select=LogicalName&$filter=IsCustomizable/Value eq true");
    expect(customizable.json.value).not.toEqual([]);
    expect((await get("EntityDefinitions(LogicalName='queue')/DisplayName")).json).toMatchObject({
      UserLocalizedLabel: { Label: "Queue" },
    });
    expect((await get("EntityDefinitions?LabelLanguages=1033&$select=DisplayName")).status).toBe(200);
  });

  test("a column is found by its id, too", async () => {
    const { json } = await get("EntityDefinitions(LogicalName='queue')/Attributes(LogicalName='name')");
    const table = (await get("EntityDefinitions(LogicalName='queue')")).json.MetadataId;
    const byId = await get(`EntityDefinitions(${table})/Attributes(${json.MetadataId})`);
    expect(byId.json).toMatchObject({ LogicalName: "name" });
  });

  test.each([
    ["$select=Colour", 400],
    ["$filter=Colour eq 'red'", 400],
    ["$filter=DisplayName eq 'x'", 200],
    ["$filter=LogicalName/Value eq 'x'", 400],
    ["$expand=Colours", 400],
    ["$expand=Attributes($top=1)", 400],
    ["$expand=Attributes($expand=OptionSet)", 400],
    ["$orderby=LogicalName", 400],
    ["$top=1", 400],
  ])("%s is a %i", async (query, status) => {
    expect((await get(`EntityDefinitions?${query}`)).status).toBe(status);
  });
});

describe("what the tenant does not simulate says so", () => {
  test.each([
    "accounts",
    "contacts?$select=fullname",
    "GlobalOptionSetDefinitions",
    "GlobalOptionSetDefinitions(Name='x')",
    "RelationshipDefinitions",
    "EntityDefinitions(LogicalName='mailbox')/ManyToOneRelationships",
    "EntityDefinitions(LogicalName='mailbox')/Keys",
    "EntityDefinitions(LogicalName='mailbox')?$expand=OneToManyRelationships",
    "EntityDefinitions(LogicalName='contact')",
    "RetrieveVersion()",
    "RetrieveCurrentOrganization(AccessType=Microsoft.Dynamics.CRM.EndpointAccessType'Default')",
    "mailboxes?fetchXml=%3Cfetch%2F%3E",
    "mailboxes?savedQuery=00000000-0000-0000-0000-000000000000",
    "mailboxes?$apply=aggregate($count%20as%20n)",
    "mailboxes?$filter=Microsoft.Dynamics.CRM.In(PropertyName='name',PropertyValues=[%22a%22])",
    "mailboxes?$filter=name%20eq%20@p1&@p1='x'",
    "systemusers?$filter=systemuserroles_association/any(r:r/name%20eq%20'x')",
    `systemusers(${ids.ada})/teammembership_association`,
    "systemusers?$expand=systemuserroles_association($select=name)",
    "systemusers?$expand=businessunitid",
    `systemusers(${ids.ada})/businessunitid`,
    `queues(${someId})/Microsoft.Dynamics.CRM.RetrieveSharedPrincipalsAndAccess()`,
    "$batch",
    "$metadata",
  ])("GET %s", async (path) => {
    const { status, json } = await get(path);
    expect(status === 400 || status === 404).toBe(true);
    expect(json).toMatchObject({ error: { message: expect.stringContaining("not simulated by the local tenant") } });
  });

  test.each([
    ["acounts", "Resource not found for the segment 'acounts'."],
    ["mailboxes?$select=nickname", "Could not find a property named 'nickname'"],
    ["mailboxes?$expand=nickname", "Could not find a property named 'nickname'"],
    ["mailboxes?select=name", "select is not supported"],
    [`mailboxes(${someId})/nickname`, "Resource not found for the segment 'nickname'."],
  ])("%s is still a typing error", async (path, message) => {
    expect((await get(path)).json).toMatchObject({ error: { message: expect.stringContaining(message) } });
  });
});

describe("control information", () => {
  const accept = (level: string) => ({ accept: `application/json;odata.metadata=${level}` });

  // @shows dataverse.metadata-level
  test("none: no more than the link to the next page and the count", async () => {
    await environment.send("POST", "mailboxes", { body: { ...forward, emailaddress: "two@contoso.com" } });
    const headers = { ...accept("none"), prefer: "odata.maxpagesize=1" };
    const page = await get("mailboxes?$select=name&$count=true", headers);
    expect(page.json).toEqual({
      "@odata.count": 2,
      "@odata.nextLink": expect.any(String),
      value: [{ mailboxid: expect.any(String), name: forward.name }],
    });
    expect(page.headers.get("content-type")).toContain("odata.metadata=none");
    expect((await get("WhoAmI", accept("none"))).json).not.toHaveProperty(["@odata.context"]);
  });

  test("full: type, id and link of each row", async () => {
    const { json, headers } = await get(`mailboxes(${someId})?$select=name`, accept("full"));
    expect(json).toMatchObject({
      "@odata.type": "#Microsoft.Dynamics.CRM.mailbox",
      "@odata.id": `${environment.base}mailboxes(${someId})`,
      "@odata.editLink": `mailboxes(${someId})`,
      "@odata.etag": expect.any(String),
    });
    expect(headers.get("content-type")).toContain("odata.metadata=full");
  });
});

// @shows dataverse.passwords-hidden
test.each(["$select=password", "$select=name,password", "$select=oauthaccesstoken"])(
  "%s: what can only be written is not returned",
  async (query) => {
    const list = await get(`mailboxes?${query}`);
    expect([list.status, list.code]).toEqual([400, "0x80041a08"]);
    const one = await get(`mailboxes(${someId})?${query}`);
    expect([one.status, one.code]).toEqual([400, "0x80041a08"]);
  },
);

// @shows dataverse.filter-text
test("ne matches rows without a value, text compares without case", async () => {
  await environment.send("POST", "mailboxes", { body: { ...forward, name: "With", username: "CRM" } });
  const names = async (filter: string) =>
    ((await get(`mailboxes?$select=name&$filter=${filter}`)).json.value as { name: string }[]).map(({ name }) => name);
  expect(await names("username ne 'crm'")).toEqual([forward.name]);
  expect(await names("username eq 'crm'")).toEqual(["With"]);
});
