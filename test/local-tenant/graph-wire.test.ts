import { type Organization, tables } from "../../provider/local-tenant/model";
import { addMailbox, addUser, allRoles, type Reply, type Served, serveGraph } from "./graph-tenant";

let served: Served;
beforeEach(async () => {
  served = await serveGraph();
});
afterEach(() => served.close());

const metadata = (level: string) => ({ Accept: `application/json;odata.metadata=${level}` });
const message = ({ status, body }: Reply) => [status, body.error?.message];

describe("control information", () => {
  // @shows graph.metadata-level
  test("none: no more than the link to the next page and the count", async () => {
    const user = addUser(served.tenant, "ada");
    addUser(served.tenant, "alan");
    const one = await served.ask("GET", `/v1.0/users/${user.id}?$select=id`, undefined, metadata("none"));
    expect(one.body).toEqual({ id: user.id });
    expect(one.headers.get("content-type")).toContain("odata.metadata=none");
    const page = await served.ask("GET", "/v1.0/users?$top=1&$select=id&$count=true", undefined, {
      ...metadata("none"),
      ConsistencyLevel: "eventual",
    });
    expect(page.body).toEqual({
      "@odata.count": 2,
      "@odata.nextLink": expect.any(String),
      value: [{ id: user.id }],
    });
    const object = await served.ask("GET", `/v1.0/directoryObjects/${user.id}?$select=id`, undefined, metadata("none"));
    expect(object.body).toEqual({ id: user.id });
    const format = encodeURIComponent("application/json;odata.metadata=none");
    const asked = await served.ask("GET", `/v1.0/users/${user.id}?$select=id&$format=${format}`);
    expect(asked.body).toEqual({ id: user.id });
    expect((await served.ask("GET", "/v1.0/users?$format=atom")).status).toBe(400);
  });

  test("full: type, id and link of each entity, and the type of each list", async () => {
    const user = addUser(served.tenant, "ada");
    const one = await served.ask(
      "GET",
      `/v1.0/users/${user.id}?$select=id,businessPhones`,
      undefined,
      metadata("full"),
    );
    expect(one.body).toEqual({
      "@odata.context": expect.any(String),
      "@odata.type": "#microsoft.graph.user",
      "@odata.id": `${served.origin}/v1.0/users('${user.id}')`,
      "@odata.editLink": `users('${user.id}')`,
      id: user.id,
      "businessPhones@odata.type": "#Collection(String)",
      businessPhones: [],
    });
    expect(one.headers.get("content-type")).toContain("odata.metadata=full");
  });

  test("inside a batch each request has its own", async () => {
    const user = addUser(served.tenant, "ada");
    const url = `/users/${user.id}?$select=id`;
    const { body } = await served.ask("POST", "/v1.0/$batch", {
      requests: [
        { id: "1", method: "GET", url, headers: metadata("none") },
        { id: "2", method: "GET", url },
      ],
    });
    const byId = Object.fromEntries(body.responses.map((one: { id: string; body: object }) => [one.id, one.body]));
    expect(byId["1"]).toEqual({ id: user.id });
    expect(byId["2"]).toEqual({ "@odata.context": expect.any(String), id: user.id });
  });
});

// @shows graph.content-type
test("a body has to be declared as JSON", async () => {
  const user = addUser(served.tenant, "ada");
  const patch = (type: string | undefined) =>
    fetch(`${served.origin}/v1.0/users/${user.id}`, {
      method: "PATCH",
      headers: { authorization: `Bearer ${served.token()}`, ...(type === undefined ? {} : { "content-type": type }) },
      // Bytes: a text would be given a type.
      body: Buffer.from(JSON.stringify({ jobTitle: "Analyst" })),
    });
  const words = async (type?: string) => {
    const { error }: { error?: { message: string } } = JSON.parse(await (await patch(type)).text());
    return error?.message;
  };
  expect(await words()).toBe("Write requests (excluding DELETE) must contain the Content-Type header declaration.");
  expect(await words("text/plain")).toBe("Entity only allows writes with a JSON Content-Type header.");
  expect((await patch("application/json; charset=utf-8")).status).toBe(204);
  const inner = { id: "1", method: "PATCH", url: `/users/${user.id}`, body: { jobTitle: "x" } };
  const batch = await served.ask("POST", "/v1.0/$batch", {
    requests: [{ ...inner, headers: { "Content-Type": "text/plain" } }],
  });
  expect(batch.body.responses[0]).toMatchObject({ status: 400, body: { error: { code: "BadRequest" } } });
});

describe("what the tenant does not simulate says so", () => {
  test.each([
    "me",
    "me/messages",
    "servicePrincipals",
    "applications/x",
    "directoryRoles",
    "users/A/manager",
    "users/A/memberOf",
    "users/A/transitiveMemberOf/microsoft.graph.group",
    "users/A/calendar/events",
    "users/A/photo/$value",
    "users/A/licenseDetails/x",
    "users/$count",
    "users/delta",
    "users/A/mailFolders/inbox/childFolders",
    "users?$expand=manager",
    "users/A?$expand=manager($select=id),memberOf",
    "users?$select=id,manager",
    "users?$apply=aggregate($count as n)",
    "groups/G/owners",
    "groups/G/members/microsoft.graph.user",
    "groups?$expand=members",
    "domains/contoso.com/verificationDnsRecords",
    "organization/O/branding",
    "directory/administrativeUnits",
  ])("GET /%s", async (path) => {
    const user = addUser(served.tenant, "ada");
    const reply = await served.ask("GET", `/v1.0/${path.replace("/A", `/${user.id}`)}`);
    expect(message(reply)).toEqual([400, expect.stringContaining("not simulated by the local tenant")]);
  });

  test.each([
    ["POST", "groups"],
    ["PATCH", "groups/G"],
    ["POST", "users/A/findMeetingTimes"],
    ["POST", "users/A/getMemberGroups"],
    ["POST", "users/A/messages"],
    ["DELETE", "users/A/messages/M"],
    ["PATCH", "organization/O"],
  ])("%s /%s", async (method, path) => {
    const user = addUser(served.tenant, "ada");
    const reply = await served.ask(method, `/v1.0/${path.replace("/A", `/${user.id}`)}`, {});
    expect(message(reply)).toEqual([400, expect.stringContaining("not simulated by the local tenant")]);
  });

  test("what Graph does not have is still a typing error", async () => {
    const user = addUser(served.tenant, "ada");
    const at = (path: string) => served.ask("GET", `/v1.0/users/${user.id}${path}`);
    expect(message(await at("/menager"))).toEqual([400, "Resource not found for the segment 'menager'."]);
    expect(message(await at("?$expand=menager"))).toEqual([
      400,
      expect.stringContaining("Could not find a property named 'menager'"),
    ]);
    expect((await served.ask("PUT", `/v1.0/users/${user.id}`, {})).status).toBe(405);
  });
});

describe("restore", () => {
  const restore = (id: string, body: object) => served.ask("POST", `/v1.0/directory/deletedItems/${id}/restore`, body);

  test("names who has the name or the address by now", async () => {
    const { user } = addMailbox(served.tenant, "info", "SharedMailbox");
    await served.ask("DELETE", `/v1.0/users/${user.id}`);
    const { user: other } = addMailbox(served.tenant, "info", "SharedMailbox");
    const refused = await restore(user.id, {});
    expect(refused.body.error.details).toMatchObject([
      { code: "ObjectConflict", target: "userPrincipalName" },
      { code: "ConflictingObjects", target: `User_${other.id}` },
    ]);
  });

  // @shows graph.restore-body
  test("takes another name, and leaves behind what somebody else has", async () => {
    const { user, recipient } = addMailbox(served.tenant, "info", "SharedMailbox");
    await served.ask("DELETE", `/v1.0/users/${user.id}`);
    addMailbox(served.tenant, "info", "SharedMailbox");
    const named = { newUserPrincipalName: "info2@contoso.com" };
    expect((await restore(user.id, named)).body.error.details[0].target).toBe("proxyAddresses");
    const restored = await restore(user.id, { ...named, AutoReconcileProxyConflict: true });
    expect([restored.status, restored.body.userPrincipalName]).toEqual([200, "info2@contoso.com"]);
    expect(served.tenant.store.get(tables.recipients, recipient.guid)).toMatchObject({
      emailAddresses: ["SMTP:info2@contoso.com"],
      mailbox: { userPrincipalName: "info2@contoso.com", whenSoftDeleted: null },
    });
  });

  test.each([
    { autoReconcileProxyConflict: "yes" },
    { newUserPrincipalName: "info@else.example" },
    { newUserPrincipalName: 1 },
    { force: true },
  ])("refuses %j", async (body) => {
    const { user } = addMailbox(served.tenant, "info", "SharedMailbox");
    await served.ask("DELETE", `/v1.0/users/${user.id}`);
    expect((await restore(user.id, body)).status).toBe(400);
    expect((await restore(user.id, { autoReconcileProxyConflict: null })).status).toBe(200);
  });
});

// @shows graph.archive-folder
test("the archive folder is a folder of the mailbox", async () => {
  const { user } = addMailbox(served.tenant, "info", "SharedMailbox");
  const { archiveFolder } = (await served.ask("GET", `/v1.0/users/${user.id}/mailboxSettings`)).body;
  const folder = await served.ask("GET", `/v1.0/users/${user.id}/mailFolders/${encodeURIComponent(archiveFolder)}`);
  expect(folder.body).toMatchObject({ id: archiveFolder, displayName: "Archive" });
  expect((await served.ask("GET", `/v1.0/users/${user.id}/mailFolders/archive`)).body.id).toBe(archiveFolder);
});

describe("licences", () => {
  const skuId = "6fd2c87f-b296-42f0-b197-1e91e994b900";
  const assign = (id: string, body: object) => served.ask("POST", `/v1.0/users/${id}/assignLicense`, body);
  beforeEach(() => {
    const sku = { skuId, skuPartNumber: "ENTERPRISEPACK", enabled: 1, consumedElsewhere: 0, servicePlans: [] };
    served.tenant.store.put(tables.skus, skuId, sku);
  });

  // @shows graph.license-details-id
  test("a licence's id is the tenant's and the subscription's, in .NET's order of bytes", async () => {
    const user = addUser(served.tenant, "ada", { usageLocation: "DE" });
    expect((await assign(user.id, { AddLicenses: [{ SkuId: skuId }], removelicenses: [] })).status).toBe(200);
    const [details] = (await served.ask("GET", `/v1.0/users/${user.id}/licenseDetails`)).body.value;
    expect(details.id).toMatch(/^[\w-]{43}$/);
    const tenantId = served.tenant.store.get<Organization>(tables.organization, "organization")?.tenantId ?? "";
    const [a = "", b = "", c = "", d, e] = tenantId.split("-");
    const reversed = (group: string) => group.match(/../g)?.reverse().join("");
    expect(Buffer.from(details.id, "base64url").toString("hex")).toBe(
      `${reversed(a)}${reversed(b)}${reversed(c)}${d}${e}7fc8d26f96b2f042b1971e91e994b900`,
    );
  });

  // @shows graph.deleted-user-license
  test.each([
    [true, 400],
    [false, 200],
  ])("a deleted user keeps its seat for thirty days (deletedUsersHoldLicenses: %s)", async (holds, status) => {
    served.tenant.configure({ deletedUsersHoldLicenses: holds });
    const ada = addUser(served.tenant, "ada", { usageLocation: "DE" });
    const alan = addUser(served.tenant, "alan", { usageLocation: "DE" });
    const add = { addLicenses: [{ skuId }], removeLicenses: [] };
    await assign(ada.id, add);
    await served.ask("DELETE", `/v1.0/users/${ada.id}`);
    expect((await assign(alan.id, add)).status).toBe(status);
    served.tenant.advance(31 * 24 * 60 * 60 * 1000);
    const later = { authorization: `Bearer ${served.token()}` };
    expect((await served.ask("POST", `/v1.0/users/${alan.id}/assignLicense`, add, later)).status).toBe(200);
  });
});

describe("sendMail", () => {
  const mail = (...to: unknown[]) => ({
    message: { subject: "Hello", toRecipients: to.map((address) => ({ emailAddress: { address } })) },
  });

  test("delivers to each recipient, rules and forwarding included", async () => {
    const { user: sender } = addMailbox(served.tenant, "sender", "SharedMailbox");
    const { user: reader } = addMailbox(served.tenant, "reader", "SharedMailbox");
    const roles = served.token([...allRoles, "Mail.Send"]);
    const send = (body: unknown, token = roles) =>
      served.ask("POST", `/v1.0/users/${sender.id}/sendMail`, body, { authorization: `Bearer ${token}` });
    expect((await send(mail("reader@contoso.com"))).status).toBe(202);
    const { body } = await served.ask("GET", `/v1.0/users/${reader.id}/mailFolders/inbox/messages`);
    expect(body.value).toMatchObject([{ subject: "Hello", from: { emailAddress: { address: "sender@contoso.com" } } }]);
    expect((await send(mail())).status).toBe(400);
    expect((await send(mail("nobody"))).status).toBe(400);
    expect(await send(mail("reader@contoso.com"), served.token(allRoles))).toMatchObject({
      status: 403,
      body: { error: { code: "ErrorAccessDenied" } },
    });
  });
});
