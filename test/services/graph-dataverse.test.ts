import type { CallContext } from "../../provider/http/call";
import { Dataverse, DataverseApi } from "../../provider/services/dataverse";
import { Graph } from "../../provider/services/graph";
import type { Scope } from "../../provider/services/waiting";
import { type Asked, failureOf, pipelineTo, type Reply, type Service, startService, within } from "../http/service";

const services: Service[] = [];

afterEach(async () => {
  await Promise.all(services.splice(0).map((service) => service.stop()));
});

async function serving(answer: (asked: Asked) => Reply): Promise<Service> {
  const service = await startService(answer);
  services.push(service);
  return service;
}

const scope: Scope = {
  ...within(60_000),
  settleTimeout: 1000,
  progress: () => undefined,
  warn: () => undefined,
};

const user = (id: string) => ({ id, userPrincipalName: `${id}@contoso.com`, accountEnabled: true });
const missing = { error: { code: "Request_ResourceNotFound", message: "does not exist" } };

describe("Graph", () => {
  async function graphTo(answer: (id: string, asked: Asked) => { status: number; body: unknown }) {
    const service = await serving((asked) => {
      if (!asked.url.endsWith("/$batch")) {
        const { status, body } = answer(idIn(asked.url), asked);
        return { status, body: body as object };
      }
      const { requests } = JSON.parse(asked.body) as { requests: { id: string; url: string }[] };
      const responses = requests.map(({ id, url }) => ({ id, headers: {}, ...answer(idIn(url), asked) }));
      return { status: 200, body: { responses: responses.reverse() } };
    });
    return { graph: new Graph(pipelineTo(service.origin), (): CallContext => within(60_000)), asked: service.asked };
  }
  const idIn = (url: string) => /users\/([^/?]+)/.exec(url)?.[1] ?? "";

  test("reads that are asked for together travel twenty at a time, equal ones once", async () => {
    const { graph, asked } = await graphTo((id) => ({ status: 200, body: user(id) }));
    const ids = Array.from({ length: 43 }, (_, index) => `u${index}`);
    const found = await Promise.all([...ids, ...ids].map((id) => graph.user(id)));
    expect(found.map((one) => one?.id)).toEqual([...ids, ...ids]);
    expect(asked.map(({ body }) => (JSON.parse(body) as { requests: [] }).requests.length).sort()).toEqual([20, 20, 3]);
  });

  test("full batches travel side by side, and what does not fill one waits while another is on its way", async () => {
    const service = await serving(({ body }) => {
      const { requests } = JSON.parse(body) as { requests: { id: string; url: string }[] };
      const responses = requests.map(({ id, url }) => ({ id, status: 200, body: user(idIn(url)) }));
      return { status: 200, body: { responses }, after: 500 };
    });
    const graph = new Graph(pipelineTo(service.origin), (): CallContext => within(60_000));
    await Promise.all(Array.from({ length: 50 }, (_, index) => graph.user(`u${index}`)));
    expect([service.asked.length, service.mostAtOnce()]).toEqual([3, 2]);
  });

  test.each([1, 2])("an account that is not there is nobody, also among %i reads", async (count) => {
    const { graph } = await graphTo((id) =>
      id === "gone" ? { status: 404, body: missing } : { status: 200, body: user(id) },
    );
    const found = await Promise.all(["gone", "ada"].slice(0, count).map((id) => graph.user(id)));
    expect(found.map((one) => one?.id)).toEqual([undefined, "ada"].slice(0, count));
  });

  test.each([1, 2])("an account that may not be read is an error, also among %i reads", async (count) => {
    const forbidden = { error: { code: "Authorization_RequestDenied", message: "Insufficient privileges" } };
    const { graph } = await graphTo((id) =>
      id === "ada" ? { status: 403, body: forbidden } : { status: 200, body: user(id) },
    );
    const reads = ["ada", "grace"].slice(0, count).map((id) => graph.user(id));
    const [first] = await Promise.allSettled(reads);
    expect((first as PromiseRejectedResult).reason).toMatchObject({
      class: "forbidden",
      action: "reading the account ada",
    });
  });

  test.each([{}, "", { id: "ada" }])(
    "an answer without the account or the rules is an error, never nobody: %j",
    async (body) => {
      const { graph } = await graphTo(() => ({ status: 200, body }));
      expect((await failureOf(graph.user("ada"))).message).toContain("something other than");
      expect((await failureOf(graph.inboxRules("ada", "ada@contoso.com"))).message).toContain("something other than");
    },
  );

  const lists: [string, (graph: Graph) => Promise<unknown>][] = [
    ["who holds an address", (graph) => graph.holdersOf(["ada@contoso.com"])],
    ["deleted accounts", (graph) => graph.deletedHoldersOf("ada@contoso.com")],
    ["subscriptions", (graph) => graph.subscriptions()],
    ["the licences of an account", (graph) => graph.licenses("ada")],
    ["the members of a group", (graph) => graph.groupMembers("ada")],
    ["mailbox settings", (graph) => graph.mailboxSettings("ada", "ada@contoso.com")],
  ];

  test.each(lists)("an answer without the list is an error, never an empty one: %s", async (_what, read) => {
    for (const body of [{}, "", { value: {}, licenseAssignmentStates: {} }, { value: [null] }]) {
      const { graph } = await graphTo(() => ({ status: 200, body }));
      expect((await failureOf(read(graph))).message).toContain("something other than");
    }
  });

  test.each(lists.slice(0, 3))(
    "a query that is itself not found does not say that nothing is: %s",
    async (_what, read) => {
      const { graph } = await graphTo(() => ({ status: 404, body: missing }));
      expect(await failureOf(read(graph))).toMatchObject({ class: "notFound" });
    },
  );

  test("a read of a batch that is throttled is asked again alone", async () => {
    const { graph, asked } = await graphTo((id, { url }) =>
      id === "ada" && url.endsWith("/$batch")
        ? { status: 429, body: { error: { code: "TooManyRequests", message: "wait" } } }
        : { status: 200, body: user(id) },
    );
    const found = await Promise.all(["ada", "grace"].map((id) => graph.user(id)));
    expect(found.map((one) => one?.id)).toEqual(["ada", "grace"]);
    expect(asked.map(({ method }) => method)).toEqual(["POST", "GET"]);
  });

  test("inbox rules are read over all pages, and are undefined while the mailbox is not ready", async () => {
    let isReady = false;
    const { graph } = await graphTo((_id, { url, headers }) => {
      if (!isReady) {
        return { status: 404, body: { error: { code: "MailboxNotEnabledForRESTAPI", message: "inactive" } } };
      }
      const more = `http://${headers.host}/v1.0/users/ada/mailFolders/inbox/messageRules?$skip=1`;
      const rule = (id: string) => ({ id, displayName: id });
      return url.includes("skip")
        ? { status: 200, body: { value: [rule("b")] } }
        : { status: 200, body: { value: [rule("a")], "@odata.nextLink": more } };
    });
    expect(await graph.inboxRules("ada", "ada")).toBeUndefined();
    isReady = true;
    expect((await graph.inboxRules("ada", "ada"))?.map(({ id }) => id)).toEqual(["a", "b"]);
  });

  test("blocking an account and ending its sessions are two requests", async () => {
    const { graph, asked } = await graphTo(() => ({ status: 200, body: {} }));
    await graph.setAccountEnabled("ada", false, "blocking", scope);
    await graph.revokeSessions("ada", "ending the sessions", scope);
    await graph.setAccountEnabled("ada", true, "allowing", scope);
    expect(asked.map(({ method, url }) => `${method} ${url}`)).toEqual([
      "PATCH /v1.0/users/ada",
      "POST /v1.0/users/ada/revokeSignInSessions",
      "PATCH /v1.0/users/ada",
    ]);
  });
});

describe("Dataverse", () => {
  const row = (id: string) => ({ mailboxid: id, "@odata.etag": `W/"${id}"`, name: id, statecode: 0 });

  test("lists are read over all pages", async () => {
    const service = await serving(({ url, headers }) =>
      url.includes("skiptoken")
        ? { status: 200, body: { value: [row("b")] } }
        : {
            status: 200,
            body: {
              value: [row("a")],
              "@odata.nextLink": `http://${headers.host}/api/data/v9.2/mailboxes?$skiptoken=1`,
            },
          },
    );
    const dataverse = new Dataverse(new DataverseApi(pipelineTo(service.origin)));
    expect((await dataverse.mailboxesWithAddress("a@contoso.com", scope)).map(({ id }) => id)).toEqual(["a", "b"]);
  });

  test("an answer that is no list is an error, never an empty list", async () => {
    const service = await serving(() => ({ status: 200, body: { message: "sign in" } }));
    const dataverse = new Dataverse(new DataverseApi(pipelineTo(service.origin)));
    expect((await failureOf(dataverse.mailboxesWithAddress("a@contoso.com", scope))).message).toContain(
      "something other than what was asked for",
    );
  });

  test.each([{}, "", { mailboxid: "other" }])(
    "a row that is not the one asked for is neither it nor its absence: %j",
    async (body) => {
      const service = await serving(() => ({ status: 200, body }));
      const dataverse = new Dataverse(new DataverseApi(pipelineTo(service.origin)));
      expect((await failureOf(dataverse.mailbox("id", scope))).message).toContain("something other than");
      expect((await failureOf(dataverse.organizationId(scope))).message).toContain("something other than");
    },
  );

  test("an address with an apostrophe is quoted", async () => {
    const service = await serving(() => ({ status: 200, body: { value: [] } }));
    await new Dataverse(new DataverseApi(pipelineTo(service.origin))).mailboxesWithAddress(
      "o'neill@contoso.com",
      scope,
    );
    expect(decodeURIComponent(service.asked[0]?.url ?? "")).toContain("emailaddress eq 'o''neill@contoso.com'");
  });

  test("a row is created only where there is none, and changed only as it was read", async () => {
    const service = await serving(({ headers }) => ({ status: headers["if-none-match"] === "*" ? 412 : 204 }));
    const dataverse = new Dataverse(new DataverseApi(pipelineTo(service.origin)));
    expect(await dataverse.createMailbox("id", { name: "a" }, "creating", scope)).toBe(false);
    const known = { id: "id", etag: 'W/"7"' } as Parameters<Dataverse["updateMailbox"]>[0];
    await dataverse.updateMailbox(known, { name: "b" }, "changing", scope);
    expect(service.asked.map(({ headers }) => [headers["if-none-match"], headers["if-match"]])).toEqual([
      ["*", undefined],
      [undefined, 'W/"7"'],
    ]);
  });

  test("the organisation is asked for once; a failure is not remembered", async () => {
    let isDown = true;
    const service = await serving(() =>
      isDown ? { status: 401, body: {} } : { status: 200, body: { OrganizationId: "org", UserId: "u" } },
    );
    const dataverse = new Dataverse(new DataverseApi(pipelineTo(service.origin)));
    await failureOf(dataverse.organizationId(scope));
    isDown = false;
    const before = service.asked.length;
    expect(await Promise.all([dataverse.organizationId(scope), dataverse.organizationId(scope)])).toEqual([
      "org",
      "org",
    ]);
    expect(service.asked.length - before).toBe(1);
  });
});
