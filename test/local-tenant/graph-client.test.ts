import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import {
  Client,
  type Context,
  HTTPMessageHandler,
  type Middleware,
  RetryHandler,
  RetryHandlerOptions,
} from "@microsoft/microsoft-graph-client";
import { certificateFor } from "../../provider/local-tenant/certificate";
import { addFault } from "../../provider/local-tenant/faults";
import { tables } from "../../provider/local-tenant/model";
import { addMailbox, addUser, type Served, serveGraph } from "./graph-tenant";

const iterating = `
  const { Client, PageIterator } = require("@microsoft/microsoft-graph-client");
  const client = Client.init({
    baseUrl: process.env.ORIGIN + "/",
    customHosts: new Set(["127.0.0.1"]),
    authProvider: (done) => done(null, process.env.TOKEN),
  });
  const names = [];
  (async () => {
    const first = await client.api("/users").filter("startswith(displayName,'User')").select("displayName").top(10).get();
    await new PageIterator(client, first, (user) => names.push(user.displayName) > 0).iterate();
    process.stdout.write(JSON.stringify(names));
  })();
`;

/** Puts the token on: the client's own handler does that over https only. */
class Authenticate implements Middleware {
  #next: Middleware | undefined;

  constructor(readonly token: string) {}

  async execute(context: Context): Promise<void> {
    const headers = new Headers(context.options?.headers as Record<string, string>);
    headers.set("authorization", `Bearer ${this.token}`);
    context.options = { ...context.options, headers: Object.fromEntries(headers) };
    await this.#next?.execute(context);
  }

  setNext(next: Middleware): void {
    this.#next = next;
  }
}

/** Microsoft's own client, with its own retry and transport. */
let served: Served;
let client: Client;
beforeEach(async () => {
  served = await serveGraph();
  const authenticate = new Authenticate(served.token());
  const retry = new RetryHandler(new RetryHandlerOptions());
  authenticate.setNext(retry);
  retry.setNext(new HTTPMessageHandler());
  client = Client.initWithMiddleware({
    baseUrl: `${served.origin}/`,
    customHosts: new Set(["127.0.0.1"]),
    middleware: authenticate,
  });
});
afterEach(() => served.close());

test("pages and filters over https, with the client's own sign-in handler", async () => {
  const folder = mkdtempSync(join(tmpdir(), "graph-client-"));
  const certificate = await certificateFor(join(folder, "tenant"));
  const secured = await serveGraph(certificate);
  try {
    for (let index = 0; index < 25; index++) {
      addUser(secured.tenant, `user${index}`);
    }
    // A process of its own, because a running one does not learn to trust a certificate.
    const { stdout } = await promisify(execFile)(process.execPath, ["-e", iterating], {
      cwd: join(__dirname, "../.."),
      env: {
        ...process.env,
        NODE_EXTRA_CA_CERTS: join(folder, "tenant.pem"),
        ORIGIN: secured.origin,
        TOKEN: secured.token(),
      },
    });
    const names: string[] = JSON.parse(stdout);
    expect(names).toHaveLength(25);
    expect(new Set(names).size).toBe(25);
  } finally {
    await secured.close();
    rmSync(folder, { recursive: true, force: true });
  }
});

test("filters with plus-addresses and apostrophes", async () => {
  const { recipient, user } = addMailbox(served.tenant, "o'brien");
  recipient.emailAddresses.push("smtp:sup+port@contoso.com");
  served.tenant.store.put(tables.recipients, recipient.guid, recipient);
  const address = "smtp:sup+port@contoso.com";
  for (const filter of ["userPrincipalName eq 'o''brien@contoso.com'", `proxyAddresses/any(a:a eq '${address}')`]) {
    const found = await client.api("/users").filter(encodeURIComponent(filter)).get();
    expect(found.value).toMatchObject([{ id: user.id }]);
  }
  const byName = await client.api("/users/o'brien@contoso.com").get();
  expect(byName.id).toBe(user.id);
  const counted = await client
    .api("/users")
    .header("ConsistencyLevel", "eventual")
    .count(true)
    .search('"displayName:o\'brien"')
    .get();
  expect(counted["@odata.count"]).toBe(1);
});

test("an error carries code, status and request id", async () => {
  const error = await client
    .api("/users/nobody@contoso.com")
    .get()
    .catch((reason) => reason);
  expect(error).toMatchObject({ statusCode: 404, code: "Request_ResourceNotFound", requestId: expect.any(String) });
});

test("writes settings and rules, and takes 204 for an answer", async () => {
  const { user } = addMailbox(served.tenant, "info", "SharedMailbox");
  expect(await client.api(`/users/${user.id}`).patch({ accountEnabled: false })).toBeUndefined();
  await client.api(`/users/${user.id}/mailboxSettings`).patch({ timeZone: "Europe/Copenhagen" });
  expect((await client.api(`/users/${user.id}/mailboxSettings/timeZone`).get()).value).toBe("Europe/Copenhagen");
  const rules = `/users/${user.id}/mailFolders/inbox/messageRules`;
  const rule = await client.api(rules).post({ displayName: "r", sequence: 1, actions: { delete: true } });
  await client.api(`${rules}/${rule.id}`).delete();
  expect((await client.api(rules).get()).value).toEqual([]);
});

describe("$batch", () => {
  const batch = (requests: unknown) => client.api("/$batch").post({ requests });
  const statuses = (answer: { responses: { id: string; status: number }[] }) =>
    Object.fromEntries(answer.responses.map(({ id, status }) => [id, status]));

  // @shows graph.batch-rules
  test("inner statuses, dependencies, bodies and another order", async () => {
    const { user } = addMailbox(served.tenant, "info", "SharedMailbox");
    const headers = { "Content-Type": "application/json" };
    const answer = await batch([
      { id: "1", method: "GET", url: `/users/${user.id}?$select=id` },
      { id: "2", method: "GET", url: "users/nobody@contoso.com" },
      { id: "4", method: "PATCH", url: `/users/${user.id}`, headers, body: { accountEnabled: false } },
      { id: "6", method: "GET", url: "/flowers" },
      { id: "7", method: "GET", url: `/users/${user.id}/mailboxSettings/userPurpose` },
    ]);
    expect(statuses(answer)).toEqual({ 1: 200, 2: 404, 4: 204, 6: 400, 7: 200 });
    const byId = new Map(answer.responses.map((response: { id: string }) => [response.id, response]));
    expect(byId.get("2")).toMatchObject({ body: { error: { code: "Request_ResourceNotFound" } } });
    expect(byId.get("1")).toMatchObject({ headers: { "Content-Type": "application/json" } });
    expect(byId.get("4")).toMatchObject({ body: null });
    expect(Object.keys(answer.responses[0].headers)).toEqual(["Content-Type"]);
    expect(answer.responses[0].id).not.toBe("1");
  });

  // @shows graph.batch-bodyless
  test("a write without a body, or without its type, costs the whole batch", async () => {
    const user = addUser(served.tenant, "ada");
    const read = { id: "1", method: "GET", url: "/users" };
    const headers = { "Content-Type": "application/json" };
    const bodyless = { id: "2", method: "POST", url: `/users/${user.id}/revokeSignInSessions`, headers };
    const untyped = { id: "2", method: "PATCH", url: `/users/${user.id}`, body: { jobTitle: "Analyst" } };
    for (const write of [bodyless, untyped]) {
      await expect(batch([read, write])).rejects.toMatchObject({
        statusCode: 400,
        message: "Write request id : 2 does not contain Content-Type header or body.",
      });
    }
    expect(statuses(await batch([{ ...bodyless, body: {} }]))).toEqual({ 2: 200 });
  });

  // @shows graph.batch-dependency-order
  test("one after the other: each waits for the one before, and fails with it", async () => {
    const user = addUser(served.tenant, "ada");
    const headers = { "Content-Type": "application/json" };
    const read = { method: "GET", url: `/users/${user.id}?$select=accountEnabled` };
    const answer = await batch([
      { id: "1", method: "PATCH", url: `/users/${user.id}`, headers, body: { accountEnabled: false } },
      { id: "2", ...read, dependsOn: ["1"] },
      { id: "3", method: "GET", url: "/users/nobody@contoso.com", dependsOn: ["2"] },
      { id: "4", ...read, dependsOn: ["3"] },
    ]);
    expect(statuses(answer)).toEqual({ 1: 204, 2: 200, 3: 404, 4: 424 });
    const second = answer.responses.find((response: { id: string }) => response.id === "2");
    expect(second.body.accountEnabled).toBe(false);
  });

  test.each([
    ["one of three free", [[], ["1"], []]],
    ["two on one", [[], ["1"], ["1"]]],
    ["one on two", [[], ["1"], ["1", "2"]]],
    ["a first that is alone", [[], [], ["2"]]],
  ])("a batch is all in a row or all at once: %s", async (_, dependencies) => {
    const requests = dependencies.map((dependsOn, index) => ({
      id: String(index + 1),
      method: "GET",
      url: "/users",
      dependsOn,
    }));
    await expect(batch(requests)).rejects.toMatchObject({
      statusCode: 400,
      message: "Batch should be either fully sequential or fully parallel.",
    });
  });

  test("a nextLink of an inner page goes on outside of the batch", async () => {
    addUser(served.tenant, "a");
    addUser(served.tenant, "b");
    const answer = await batch([{ id: "1", method: "GET", url: "/users?$top=1&$select=displayName" }]);
    const next = answer.responses[0].body["@odata.nextLink"];
    expect(next.startsWith(`${served.origin}/v1.0/users?`)).toBe(true);
    // The client takes absolute addresses over https only.
    expect((await client.api(next.replace(`${served.origin}/v1.0`, "")).get()).value).toEqual([{ displayName: "B" }]);
  });

  test("each inner request can be hit by a fault of its own", async () => {
    addFault(served.tenant, {
      service: "graph",
      path: "displayName",
      after: 1,
      times: 1,
      answer: { status: 429, headers: { "Retry-After": "3" }, body: { error: { code: "x" } }, when: "before" },
    });
    const request = { method: "GET", url: "/users?$select=displayName" };
    const answer = await batch([1, 2, 3].map((id) => ({ ...request, id: String(id) })));
    expect(statuses(answer)).toEqual({ 1: 200, 2: 429, 3: 200 });
    expect(answer.responses[1].headers["Retry-After"]).toBe("3");
  });

  test.each([
    ["more than twenty", Array.from({ length: 21 }, (_, id) => ({ id: String(id), method: "GET", url: "/users" }))],
    ["none", []],
    ["an absolute url", [{ id: "1", method: "GET", url: "https://graph.microsoft.com/v1.0/users" }]],
    ["an id twice", ["1", "1"].map((id) => ({ id, method: "GET", url: "/users" }))],
    ["an unknown dependency", [{ id: "1", method: "GET", url: "/users", dependsOn: ["9"] }]],
    ["a header that is none", [{ id: "1", method: "GET", url: "/users", headers: { "a b": "c" } }]],
    ["a body without its type", [{ id: "1", method: "POST", url: "/users", body: {} }]],
  ])("refuses %s", async (_, requests) => {
    await expect(batch(requests)).rejects.toMatchObject({ statusCode: 400, code: "BadRequest" });
  });

  test("a batch inside a batch is a path Graph has not", async () => {
    const headers = { "Content-Type": "application/json" };
    const inner = { requests: [{ id: "1", method: "GET", url: "/users" }] };
    expect(statuses(await batch([{ id: "1", method: "POST", url: "/$batch", headers, body: inner }]))).toEqual({
      1: 400,
    });
  });
});
