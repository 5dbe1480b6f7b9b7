import { randomUUID } from "node:crypto";
import { tables, type User } from "../../provider/local-tenant/model";
import { addGroup, addMailbox, addUser, recipientOf, type Served, serveGraph } from "./graph-tenant";

let served: Served;
beforeEach(async () => {
  served = await serveGraph();
});
afterEach(() => served.close());

const codes = (reply: { status: number; body: { error: { code: string } } }) => [reply.status, reply.body.error.code];
const advanced = { ConsistencyLevel: "eventual" };

describe("who may ask", () => {
  test("without a token 401 in Graph's shape, with the request's ids in body and headers", async () => {
    const reply = await served.ask("GET", "/v1.0/users", undefined, { authorization: "", "client-request-id": "c-1" });
    expect(reply.status).toBe(401);
    expect(reply.body.error).toEqual({
      code: "InvalidAuthenticationToken",
      message: "Access token is empty.",
      innerError: {
        date: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$/),
        "request-id": reply.headers.get("request-id"),
        "client-request-id": "c-1",
      },
    });
    expect(reply.headers.get("client-request-id")).toBe("c-1");
    expect(JSON.parse(reply.headers.get("x-ms-ags-diagnostic") ?? "")).toHaveProperty("ServerInfo");
  });

  // @shows graph.missing-role graph.operation-roles graph.enable-disable-role
  test.each([
    [["User.Read.All"], "GET", "", undefined, 200],
    [["MailboxSettings.ReadWrite"], "GET", "", undefined, 403],
    [["User.Read.All"], "PATCH", "", { accountEnabled: false }, 403],
    [["User.EnableDisableAccount.All"], "PATCH", "", { accountEnabled: false }, 204],
    [["User.EnableDisableAccount.All"], "PATCH", "", { displayName: "x" }, 403],
    [["Directory.ReadWrite.All"], "DELETE", "", undefined, 403],
    [["User.DeleteRestore.All"], "DELETE", "", undefined, 204],
    [["LicenseAssignment.ReadWrite.All"], "POST", "/assignLicense", { addLicenses: [], removeLicenses: [] }, 200],
  ])("%j: %s users/{id}%s %j is %i", async (roles, method, suffix, body, status) => {
    const user = addUser(served.tenant, "ada");
    const authorization = `Bearer ${served.token(roles)}`;
    const reply = await served.ask(method, `/v1.0/users/${user.id}${suffix}`, body, { authorization });
    expect(reply.status).toBe(status);
    if (status === 403) {
      expect(reply.body.error.code).toBe("Authorization_RequestDenied");
    }
  });

  // @shows graph.privileged-accounts
  test("an account with a directory role cannot be blocked or deleted", async () => {
    const user = addUser(served.tenant, "root", { directoryRoles: ["Global Administrator"] });
    expect(codes(await served.ask("DELETE", `/v1.0/users/${user.id}`))).toEqual([403, "Authorization_RequestDenied"]);
    expect((await served.ask("PATCH", `/v1.0/users/${user.id}`, { accountEnabled: false })).status).toBe(403);
    expect((await served.ask("PATCH", `/v1.0/users/${user.id}`, { jobTitle: "Root" })).status).toBe(204);
  });
});

describe("reading", () => {
  // @shows graph.user-default-members graph.select-unknown
  test("only the default members without $select, the asked ones with it, 400 for a member that is none", async () => {
    const { user } = addMailbox(served.tenant, "ada");
    const plain = await served.ask("GET", `/v1.0/users/${user.id}`);
    expect(Object.keys(plain.body).sort()).toEqual(
      [
        "@odata.context",
        "businessPhones",
        "displayName",
        "givenName",
        "id",
        "jobTitle",
        "mail",
        "mobilePhone",
        "officeLocation",
        "preferredLanguage",
        "surname",
        "userPrincipalName",
      ].sort(),
    );
    const chosen = await served.ask("GET", `/v1.0/users/${user.id}?$select=id,proxyAddresses,AccountEnabled`);
    expect(chosen.body).toEqual({
      "@odata.context": `${served.origin}/v1.0/$metadata#users(id,proxyAddresses,accountEnabled)/$entity`,
      id: user.id,
      proxyAddresses: ["SMTP:ada@contoso.com", "smtp:ada@contoso.onmicrosoft.com"],
      accountEnabled: true,
    });
    const wrong = await served.ask("GET", `/v1.0/users/${user.id}?$select=id,colour`);
    expect(codes(wrong)).toEqual([400, "BadRequest"]);
    expect(wrong.body.error.message).toContain("'colour' on type 'microsoft.graph.user'");
  });

  test("by id or name, as segment or in quotes, encoded or not, in any case", async () => {
    const user = addUser(served.tenant, "o'brien");
    const name = user.userPrincipalName;
    for (const path of [
      `users/${user.id}`,
      `USERS/${user.id.toUpperCase()}`,
      `users/${name}`,
      `users/${encodeURIComponent(name)}`,
      `users/O%27BRIEN@contoso.com`,
      `users('${user.id}')`,
      `users(%27${encodeURIComponent(name.replace("'", "''"))}%27)`,
    ]) {
      expect([path, (await served.ask("GET", `/v1.0/${path}`)).body.id]).toEqual([path, user.id]);
    }
    expect(codes(await served.ask("GET", "/v1.0/users/nobody@contoso.com"))).toEqual([404, "Request_ResourceNotFound"]);
  });

  // @shows graph.dollar-sign-in-name
  test("by a name that begins with a dollar only in brackets, because OData's own segments do", async () => {
    const user = addUser(served.tenant, "$o'svc");
    for (const path of ["users('$o''svc@contoso.com')", "users(%27%24o%27%27svc@contoso.com%27)"]) {
      expect([path, (await served.ask("GET", `/v1.0/${path}`)).body.id]).toEqual([path, user.id]);
    }
    for (const path of ["users/$o'svc@contoso.com", "users/%24o'svc@contoso.com/revokeSignInSessions"]) {
      expect(codes(await served.ask("GET", `/v1.0/${path}`))).toEqual([400, "BadRequest"]);
    }
    const batch = { requests: [{ id: "1", method: "GET", url: "/users('%24o''svc@contoso.com')" }] };
    const { responses } = (await served.ask("POST", "/v1.0/$batch", batch)).body;
    expect(responses).toEqual([
      expect.objectContaining({ status: 200, body: expect.objectContaining({ id: user.id }) }),
    ]);
    expect((await served.ask("GET", "/v1.0/users/$count")).body.error.message).toMatch(
      /not simulated by the local tenant/,
    );
  });

  // @shows graph.filter-operators
  test.each([
    ["mail eq 'ADA@contoso.com'", ["Ada"]],
    ["startswith(displayName,'al')", ["Alan"]],
    ["userPrincipalName in ('ada@contoso.com', 'alan@contoso.com')", ["Ada", "Alan"]],
    ["proxyAddresses/any(a:a eq 'smtp:in+fo@contoso.com')", ["Alan"]],
    ["proxyAddresses/any(x:startswith(x,'SMTP:grace'))", ["Grace"]],
    ["accountEnabled eq false or (displayName eq 'Ada')", ["Ada", "Grace"]],
    ["accountEnabled eq true and displayName eq 'Ada'", ["Ada"]],
    ["surname eq 'O''Brien'", ["Grace"]],
    ["assignedLicenses/any(l:l/skuId eq 11111111-1111-1111-1111-111111111111)", ["Grace"]],
  ])("$filter=%s", async (filter, names) => {
    people();
    const reply = await served.ask("GET", `/v1.0/users?$filter=${encodeURIComponent(filter)}`);
    expect(reply.body.value?.map((user: { displayName: string }) => user.displayName)).toEqual(names);
    // Both spellings of a space, with the plus of an address escaped.
    const spaced = await served.ask("GET", `/v1.0/users?$filter=${encodeURIComponent(filter).replaceAll("%20", "+")}`);
    expect(spaced.body.value).toEqual(reply.body.value);
  });

  test.each([
    ["endswith(mail,'contoso.com')", ["Ada", "Alan", "Grace"]],
    ["accountEnabled ne true", ["Grace"]],
    ["not(startswith(displayName,'a'))", ["Grace"]],
    ["assignedLicenses/$count eq 0", ["Ada", "Alan"]],
  ])("$filter=%s needs ConsistencyLevel and $count", async (filter, names) => {
    people();
    const path = `/v1.0/users?$filter=${encodeURIComponent(filter)}`;
    expect(codes(await served.ask("GET", path))).toEqual([400, "Request_UnsupportedQuery"]);
    expect(codes(await served.ask("GET", path, undefined, advanced))).toEqual([400, "Request_UnsupportedQuery"]);
    const reply = await served.ask("GET", `${path}&$count=true`, undefined, advanced);
    expect(reply.body["@odata.count"]).toBe(names.length);
    expect(reply.body.value.map((user: User) => user.displayName)).toEqual(names);
  });

  // @shows graph.filter-types
  test.each([
    ["accountEnabled eq 'true'", "'Edm.Boolean' and 'Edm.String' for operator kind 'Equal'"],
    ["ACCOUNTENABLED ne 1", "'Edm.Boolean' and 'Edm.Int32' for operator kind 'NotEqual'"],
    ["displayName eq true", "'Edm.String' and 'Edm.Boolean' for operator kind 'Equal'"],
  ])("$filter=%s compares two types", async (filter, words) => {
    const path = `/v1.0/users?$count=true&$filter=${encodeURIComponent(filter)}`;
    const reply = await served.ask("GET", path, undefined, advanced);
    expect(reply).toMatchObject({ status: 400, body: { error: { code: "BadRequest" } } });
    expect(reply.body.error.message).toContain(words);
  });

  // @shows graph.filter-refused
  test.each([
    ["contains(displayName,'d')", "Request_UnsupportedQuery"],
    ["colour eq 'red'", "BadRequest"],
    ["displayName eq", "BadRequest"],
    ["displayName eq 'Ada", "BadRequest"],
    ["displayName eq Ada", "BadRequest"],
    ["(displayName eq 'Ada'", "BadRequest"],
    ["aboutMe eq 'x'", "Request_UnsupportedQuery"],
  ])("refuses $filter=%s", async (filter, code) => {
    expect(codes(await served.ask("GET", `/v1.0/users?$filter=${encodeURIComponent(filter)}`))).toEqual([400, code]);
  });

  // @shows graph.search-consistency
  test("$search by words of the display name, with its header only", async () => {
    people();
    const path = `/v1.0/users?$search=${encodeURIComponent('"displayName:gra" OR "mail:ada"')}`;
    expect((await served.ask("GET", path)).status).toBe(400);
    const reply = await served.ask("GET", path, undefined, advanced);
    expect(reply.body.value.map((user: User) => user.displayName)).toEqual(["Ada", "Grace"]);
    expect((await served.ask("GET", "/v1.0/users?$search=displayName:x", undefined, advanced)).status).toBe(400);
  });

  // @shows graph.orderby-advanced
  test("$orderby beside $filter needs an advanced query", async () => {
    addUser(served.tenant, "ada");
    const query = "/v1.0/users?$filter=accountEnabled eq true&$orderby=displayName";
    expect((await served.ask("GET", query)).status).toBe(400);
    const advanced = await served.ask("GET", `${query}&$count=true`, undefined, { ConsistencyLevel: "eventual" });
    expect(advanced.status).toBe(200);
    expect((await served.ask("GET", "/v1.0/users?$orderby=displayName")).status).toBe(200);
  });

  // @shows graph.user-paging
  test("pages by nextLink on the same origin, without repeating or losing rows", async () => {
    for (let index = 0; index < 7; index++) {
      addUser(served.tenant, `user${index}`);
    }
    const seen: string[] = [];
    let next: string | undefined = "/v1.0/users?$top=3&$select=displayName,id&$orderby=displayName desc";
    while (next !== undefined) {
      const { body } = await served.ask("GET", next);
      seen.push(...body.value.map((user: User) => user.displayName));
      next = body["@odata.nextLink"]?.replace(served.origin, "");
      expect(next ?? "/v1.0/users?").toMatch(/^\/v1\.0\/users\?/);
    }
    expect(seen).toEqual(["User6", "User5", "User4", "User3", "User2", "User1", "User0"]);
    for (const wrong of [
      "$count=maybe",
      "$orderby=displayName up",
      "$orderby=displayName desc,",
      "$top=1000",
      "$top=0",
      "$top=x",
      "$skip=1",
      "$skiptoken=zzz",
      "$expand=manager",
    ]) {
      expect([wrong, (await served.ask("GET", `/v1.0/users?${wrong}`)).status]).toEqual([wrong, 400]);
    }
  });

  test("sees what was committed only after the lag, and knows its own creation no earlier", async () => {
    served.tenant.settings.lag.graph = 60_000;
    const created = await served.ask("POST", "/v1.0/users", person("ada"));
    expect(created.status).toBe(201);
    expect((await served.ask("GET", `/v1.0/users/${created.body.id}`)).status).toBe(404);
    expect(codes(await served.ask("POST", "/v1.0/users", person("ada")))).toEqual([400, "Request_BadRequest"]);
    served.tenant.clockOffset += 61_000;
    expect((await served.ask("GET", `/v1.0/users/${created.body.id}`)).status).toBe(200);
  });

  // @shows graph.unknown-path graph.wrong-method
  test("unknown paths name the segment, wrong methods are 405, other versions 400", async () => {
    const unknown = await served.ask("GET", "/v1.0/users/x/flowers");
    expect(codes(unknown)).toEqual([400, "BadRequest"]);
    expect(unknown.body.error.message).toBe("Resource not found for the segment 'flowers'.");
    expect((await served.ask("GET", "/v1.0/teapots")).body.error.message).toContain("'teapots'");
    expect((await served.ask("GET", "/v1.0")).status).toBe(400);
    expect((await served.ask("PUT", "/v1.0/users")).status).toBe(405);
    expect((await served.ask("GET", "/beta/users")).status).toBe(400);
    expect((await served.ask("GET", "/v1.0/users/%zz")).status).toBe(400);
  });
});

describe("writing", () => {
  // @shows graph.taken-name
  test("creates a user that signs in by name and refuses what is taken, incomplete or foreign", async () => {
    const created = await served.ask("POST", "/v1.0/users", person("ada"));
    expect(created.status).toBe(201);
    expect(created.body).toMatchObject({ displayName: "ada", userPrincipalName: "ada@contoso.com" });
    const taken = await served.ask("POST", "/v1.0/users", person("ADA"));
    expect(taken.body.error.details).toEqual([
      { code: "ObjectConflict", message: expect.stringContaining("already exists"), target: "userPrincipalName" },
      {
        code: "ConflictingObjects",
        message: expect.stringContaining("already exists"),
        target: `User_${created.body.id}`,
      },
    ]);
    addMailbox(served.tenant, "grace");
    const address = await served.ask("POST", "/v1.0/users", { ...person("x"), mail: "grace@contoso.com" });
    expect(address.body.error.details[0].target).toBe("proxyAddresses");
    expect((await served.ask("POST", "/v1.0/users", { ...person("y"), passwordProfile: undefined })).status).toBe(400);
    const foreign = await served.ask("POST", "/v1.0/users", { ...person("z"), userPrincipalName: "z@else.example" });
    expect(foreign.body.error.message).toContain("verified domain");
    expect((await served.ask("POST", "/v1.0/users", "{")).body.error.code).toBe("BadRequest");
  });

  // @shows graph.mail-patch graph.changes-reach-mailbox
  test("PATCH reaches the mailbox: blocked, renamed, a further address", async () => {
    const { user, recipient } = addMailbox(served.tenant, "info", "SharedMailbox");
    const patch = { accountEnabled: false, displayName: "Information", mail: "hello@contoso.com" };
    expect((await served.ask("PATCH", `/v1.0/users/${user.id}`, patch)).status).toBe(204);
    const renamed = { userPrincipalName: "information@contoso.com" };
    expect((await served.ask("PATCH", `/v1.0/users/${user.id}`, renamed)).status).toBe(204);
    expect(recipientOf(served.tenant, recipient.guid)).toMatchObject({
      displayName: "Information",
      emailAddresses: ["SMTP:info@contoso.com", "smtp:info@contoso.onmicrosoft.com", "smtp:hello@contoso.com"],
      mailbox: { userPrincipalName: "information@contoso.com" },
    });
    const read = await served.ask("GET", "/v1.0/users/information@contoso.com?$select=mail,accountEnabled");
    expect(read.body).toMatchObject({ mail: "info@contoso.com", accountEnabled: false });
  });

  test.each([
    { assignedLicenses: [] },
    { id: "11111111-1111-1111-1111-111111111111" },
    { displayName: null },
    { accountEnabled: "no" },
    { usageLocation: "Germany" },
    { colour: "red" },
    { userPrincipalName: "grace@contoso.com" },
    { mailboxSettings: {} },
  ])("refuses PATCH %j", async (patch) => {
    addUser(served.tenant, "grace");
    const user = addUser(served.tenant, "ada");
    expect((await served.ask("PATCH", `/v1.0/users/${user.id}`, patch)).status).toBe(400);
    expect(served.tenant.store.get(tables.users, user.id)).toEqual(user);
  });

  // @shows graph.computed-members
  test("addresses are not for this door: 403", async () => {
    const user = addUser(served.tenant, "ada");
    const patch = { ProxyAddresses: ["SMTP:x@contoso.com"] };
    expect(codes(await served.ask("PATCH", `/v1.0/users/${user.id}`, patch))).toEqual([
      403,
      "Authorization_RequestDenied",
    ]);
    expect(served.tenant.store.get(tables.users, user.id)).toEqual(user);
  });

  // @shows graph.member-case
  test("members are taken in any case, and a user that was read can be written back whole", async () => {
    const made = await served.ask("POST", "/v1.0/users", {
      AccountEnabled: true,
      DISPLAYNAME: "Ada",
      mailNickName: "ada",
      userprincipalname: "ada@contoso.com",
      PasswordProfile: { Password: "x" },
    });
    expect(made.status).toBe(201);
    const path = `/v1.0/users/${made.body.id}`;
    expect((await served.ask("PATCH", path, { JobTitle: "Clerk", SurName: "King", usagelocation: "de" })).status).toBe(
      204,
    );
    const read = (await served.ask("GET", path)).body;
    expect(read).toMatchObject({ jobTitle: "Clerk", surname: "King" });
    expect((await served.ask("PATCH", path, read)).status).toBe(204);
    expect((await served.ask("GET", path)).body).toEqual(read);
  });

  test("null clears every member that can be without a value", async () => {
    const user = addUser(served.tenant, "ada", { givenName: "Ada", usageLocation: "DE", other: { jobTitle: "Clerk" } });
    const cleared = { givenName: null, surname: null, usageLocation: null, jobTitle: null, mail: null, userType: null };
    expect((await served.ask("PATCH", `/v1.0/users/${user.id}`, cleared)).status).toBe(204);
    const { body } = await served.ask("GET", `/v1.0/users/${user.id}?$select=${Object.keys(cleared).join(",")}`);
    expect(body).toMatchObject({ ...cleared, mail: null });
  });

  // @shows graph.synced-members
  test("a directory-synced user takes no write but the usage location", async () => {
    const user = addUser(served.tenant, "sync", { onPremisesSyncEnabled: true });
    const refused = await served.ask("PATCH", `/v1.0/users/${user.id}`, { accountEnabled: false });
    expect(refused.body.error.message).toContain("on-premises mastered");
    expect((await served.ask("PATCH", `/v1.0/users/${user.id}`, { usageLocation: "de" })).status).toBe(204);
    const read = await served.ask("GET", `/v1.0/users/${user.id}?$select=usageLocation`);
    expect(read.body.usageLocation).toBe("DE");
  });

  test("revoking sessions moves their validity forward", async () => {
    const user = addUser(served.tenant, "ada");
    served.tenant.clockOffset += 10_000;
    const reply = await served.ask("POST", `/v1.0/users/${user.id}/revokeSignInSessions`);
    expect([reply.status, reply.body.value]).toEqual([200, true]);
    const read = await served.ask("GET", `/v1.0/users/${user.id}?$select=signInSessionsValidFromDateTime`);
    expect(Date.parse(read.body.signInSessionsValidFromDateTime)).toBeGreaterThan(Date.parse(user.createdDateTime));
  });
});

describe("deleting", () => {
  // @shows graph.delete-with-mailbox graph.purge-keeps-mailbox
  test("soft-deletes the mailbox, restores both, purges the user and leaves the mailbox", async () => {
    const { user, recipient } = addMailbox(served.tenant, "info", "SharedMailbox");
    const mailbox = () => recipientOf(served.tenant, recipient.guid)?.mailbox;
    expect((await served.ask("DELETE", `/v1.0/users/${user.id}`)).status).toBe(204);
    expect((await served.ask("DELETE", `/v1.0/users/${user.id}`)).status).toBe(404);
    expect((await served.ask("GET", `/v1.0/users/${user.id}`)).status).toBe(404);
    expect(mailbox()).toMatchObject({ whenSoftDeleted: expect.any(String), isInactiveMailbox: false });

    for (const path of ["microsoft.graph.user", "graph.user", ""]) {
      const listed = await served.ask("GET", `/v1.0/directory/deletedItems/${path}?$select=id,userPrincipalName`);
      expect(listed.body.value).toMatchObject([
        { id: user.id, userPrincipalName: expect.stringMatching(/^[0-9a-f]{32}info@/) },
      ]);
    }
    expect((await served.ask("GET", "/v1.0/directory/deletedItems/microsoft.graph.group")).body.value).toEqual([]);
    expect((await served.ask("GET", `/v1.0/directory/deletedItems/${user.id}`)).body["@odata.type"]).toBe(
      "#microsoft.graph.user",
    );

    const restored = await served.ask("POST", `/v1.0/directory/deletedItems/${user.id}/restore`);
    expect([restored.status, restored.body.userPrincipalName]).toEqual([200, "info@contoso.com"]);
    expect(mailbox()).toMatchObject({ whenSoftDeleted: null });
    expect((await served.ask("GET", `/v1.0/users/${user.id}`)).status).toBe(200);

    await served.ask("DELETE", `/v1.0/users/${user.id}`);
    expect((await served.ask("DELETE", `/v1.0/directory/deletedItems/${user.id}`)).status).toBe(204);
    expect((await served.ask("DELETE", `/v1.0/directory/deletedItems/${user.id}`)).status).toBe(404);
    expect(served.tenant.store.get(tables.users, user.id)).toBeUndefined();
    expect(mailbox()?.whenSoftDeleted).toEqual(expect.any(String));
  });

  test("a held mailbox becomes inactive", async () => {
    const { user, recipient } = addMailbox(served.tenant, "held", "SharedMailbox", { litigationHoldEnabled: true });
    await served.ask("DELETE", `/v1.0/users/${user.id}`);
    expect(recipientOf(served.tenant, recipient.guid)?.mailbox?.isInactiveMailbox).toBe(true);
  });

  // @shows graph.restore-taken-name
  test("a restore whose address is taken meanwhile is refused", async () => {
    const { user } = addMailbox(served.tenant, "info", "SharedMailbox");
    await served.ask("DELETE", `/v1.0/users/${user.id}`);
    addMailbox(served.tenant, "info", "SharedMailbox");
    const reply = await served.ask("POST", `/v1.0/directory/deletedItems/${user.id}/restore`);
    expect([reply.status, reply.body.error.details[0].code]).toEqual([400, "ObjectConflict"]);
  });

  // @shows graph.deleted-user-days
  test("after thirty days nothing is left to restore", async () => {
    const user = addUser(served.tenant, "ada");
    await served.ask("DELETE", `/v1.0/users/${user.id}`);
    served.tenant.clockOffset += 31 * 24 * 60 * 60 * 1000;
    const authorization = `Bearer ${served.token()}`;
    const reply = await served.ask("POST", `/v1.0/directory/deletedItems/${user.id}/restore`, undefined, {
      authorization,
    });
    expect(reply.status).toBe(404);
  });
});

describe("licences", () => {
  const plan1 = "11111111-1111-1111-1111-111111111111";
  const plan2 = "22222222-2222-2222-2222-222222222222";
  const add = (skuId: string, disabledPlans: string[] = []) => ({
    addLicenses: [{ skuId, disabledPlans }],
    removeLicenses: [],
  });

  beforeEach(() => {
    sku(plan1, "EXCHANGESTANDARD", "EXCHANGE_S_STANDARD", 5, 4);
    sku(plan2, "EXCHANGEENTERPRISE", "EXCHANGE_S_ENTERPRISE", 5, 0);
  });

  // @shows graph.license-mailbox
  test("neither makes a mailbox nor takes one away", async () => {
    const without = addUser(served.tenant, "ada", { usageLocation: "DE" });
    const { user, recipient } = addMailbox(served.tenant, "info", "SharedMailbox");
    await served.ask("PATCH", `/v1.0/users/${user.id}`, { usageLocation: "DE" });
    for (const { id } of [without, user]) {
      expect((await served.ask("POST", `/v1.0/users/${id}/assignLicense`, add(plan2))).status).toBe(200);
    }
    expect((await served.ask("GET", `/v1.0/users/${without.id}/mailboxSettings`)).status).toBe(404);
    const removal = { addLicenses: [], removeLicenses: [plan2] };
    expect((await served.ask("POST", `/v1.0/users/${user.id}/assignLicense`, removal)).status).toBe(200);
    expect(recipientOf(served.tenant, recipient.guid)?.mailbox?.whenSoftDeleted).toBeNull();
  });

  // @shows graph.assign-license graph.exchange-plans-exclude graph.license-error-text
  test("needs a location, a seat and a known licence", async () => {
    const user = addUser(served.tenant, "ada");
    const path = `/v1.0/users/${user.id}/assignLicense`;
    expect((await served.ask("POST", path, add(plan1))).body.error.message).toContain("usage location");
    await served.ask("PATCH", `/v1.0/users/${user.id}`, { usageLocation: "DE" });
    expect((await served.ask("POST", path, { addLicenses: [] })).body.error.message).toContain("removeLicenses");
    const assigned = await served.ask("POST", path, add(plan1));
    expect(assigned.status).toBe(200);
    const other = addUser(served.tenant, "grace", { usageLocation: "DE" });
    const full = await served.ask("POST", `/v1.0/users/${other.id}/assignLicense`, add(plan1));
    expect(full.body.error.message).toContain("does not have any available licenses");
    expect((await served.ask("POST", path, add("33333333-3333-3333-3333-333333333333"))).status).toBe(400);
    const exclusive = await served.ask("POST", path, add(plan2));
    expect(exclusive.body.error.message).toContain("mutually exclusive");
    expect((await served.ask("POST", path, { ...add(plan2), removeLicenses: [plan1] })).status).toBe(200);
    const read = await served.ask("GET", `/v1.0/users/${user.id}?$select=assignedLicenses,licenseAssignmentStates`);
    expect(read.body.assignedLicenses).toEqual([{ skuId: plan2, disabledPlans: [] }]);
    expect(read.body.licenseAssignmentStates).toMatchObject([{ skuId: plan2, assignedByGroup: null, state: "Active" }]);
    const details = await served.ask("GET", `/v1.0/users/${user.id}/licenseDetails`);
    expect(details.body.value).toMatchObject([{ skuPartNumber: "EXCHANGEENTERPRISE" }]);
    // @shows graph.skus-select
    const filtered = await served.ask("GET", `/v1.0/subscribedSkus?$filter=skuId eq ${plan1}`);
    expect(filtered.body.error.message).toBe("Filtered searches against this resource are not supported.");
    expect((await served.ask("GET", "/v1.0/subscribedSkus?$top=1")).status).toBe(400);
    const skus = await served.ask("GET", "/v1.0/subscribedSkus?$select=skuPartNumber,consumedUnits");
    expect(skus.body.value).toEqual([
      { skuPartNumber: "EXCHANGESTANDARD", consumedUnits: 4 },
      { skuPartNumber: "EXCHANGEENTERPRISE", consumedUnits: 1 },
    ]);
  });

  test("a group's licence cannot be removed directly", async () => {
    const user = addUser(served.tenant, "ada", {
      usageLocation: "DE",
      assignedLicenses: [{ skuId: plan1, disabledPlans: [], assignedByGroup: "g" }],
    });
    const path = `/v1.0/users/${user.id}/assignLicense`;
    const inherited = await served.ask("POST", path, { addLicenses: [], removeLicenses: [plan1] });
    expect(inherited.body.error.message).toContain("inherited from a group");
    const absent = await served.ask("POST", path, { addLicenses: [], removeLicenses: [plan2] });
    expect(absent.body.error.message).toContain("does not have a corresponding license");
  });

  function sku(skuId: string, skuPartNumber: string, plan: string, enabled: number, consumedElsewhere: number): void {
    const servicePlans = [{ servicePlanId: `${skuId.slice(0, -1)}f`, servicePlanName: plan }];
    served.tenant.store.put(tables.skus, skuId, { skuId, skuPartNumber, enabled, consumedElsewhere, servicePlans });
  }
});

test("groups by mail, their members, directory objects, domains and the organisation", async () => {
  const ada = addUser(served.tenant, "ada");
  const group = addGroup(served.tenant, "support-team", [ada.id]);
  const found = await served.ask("GET", "/v1.0/groups?$filter=mail eq 'support-team@contoso.com'&$select=id,mail");
  expect(found.body.value).toEqual([{ id: group.id, mail: "support-team@contoso.com" }]);
  expect((await served.ask("GET", `/v1.0/groups/${group.id}`)).body.securityEnabled).toBe(true);
  const members = await served.ask("GET", `/v1.0/groups/${group.id}/members?$select=id`);
  expect(members.body.value).toEqual([{ "@odata.type": "#microsoft.graph.user", id: ada.id }]);
  // @shows graph.transitive-members
  const outer = addGroup(served.tenant, "everybody", [group.id]);
  const all = await served.ask("GET", `/v1.0/groups/${outer.id}/transitiveMembers?$select=id`);
  expect(all.body.value.map((object: { id: string }) => object.id)).toEqual([group.id, ada.id]);
  expect((await served.ask("GET", `/v1.0/directoryObjects/${group.id}`)).body["@odata.type"]).toBe(
    "#microsoft.graph.group",
  );
  const ids = { ids: [ada.id, group.id, "00000000-0000-0000-0000-000000000000"], types: ["user"] };
  const byIds = await served.ask("POST", "/v1.0/directoryObjects/getByIds", ids);
  // @shows graph.by-ids
  const words = async (wrong: string[]) =>
    (await served.ask("POST", "/v1.0/directoryObjects/getByIds", { ids: wrong })).body.error.message;
  expect(await words(["ada@contoso.com"])).toBe("Invalid GUID specified.");
  expect(await words(Array.from({ length: 1001 }, () => randomUUID()))).toBe(
    "Number of included identifiers cannot exceed '1000'.",
  );
  expect(byIds.body.value.map((object: { id: string }) => object.id)).toEqual([ada.id]);
  const domains = await served.ask("GET", "/v1.0/domains?$select=id,isDefault");
  expect(domains.body.value).toContainEqual({ id: "contoso.com", isDefault: true });
  const organization = await served.ask("GET", "/v1.0/organization?$select=displayName,verifiedDomains");
  expect(organization.body.value[0].verifiedDomains).toHaveLength(2);
});

function person(name: string): Record<string, unknown> {
  return {
    accountEnabled: true,
    displayName: name,
    mailNickname: name,
    userPrincipalName: `${name}@contoso.com`,
    passwordProfile: { password: "Wd-4-long-enough", forceChangePasswordNextSignIn: false },
  };
}

function people(): void {
  addMailbox(served.tenant, "ada");
  const { recipient } = addMailbox(served.tenant, "alan");
  recipient.emailAddresses.push("smtp:in+fo@contoso.com");
  served.tenant.store.put(tables.recipients, recipient.guid, recipient);
  const { user } = addMailbox(served.tenant, "grace");
  served.tenant.store.put(tables.users, user.id, {
    ...user,
    accountEnabled: false,
    surname: "O'Brien",
    assignedLicenses: [{ skuId: "11111111-1111-1111-1111-111111111111", disabledPlans: [] }],
  });
}
